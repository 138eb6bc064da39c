//! What `critcmp --export BASELINE` prints: a baseline of Criterion.rs in one file.
//!
//! `{"name", "benchmarks": {NAME: {"criterion_benchmark_v1": {...}, "criterion_estimates_v1": {...}}}}`, after critcmp's
//! `src/data.rs`. It holds Criterion's estimates, in nanoseconds, and no samples. The median is read, which is what is read
//! of Criterion's own samples, with their standard deviation.

use std::collections::BTreeMap;

use perf_model::Metric;
use serde::Deserialize;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::output::{Case, Output, Spread};

pub(super) const FORMAT: Format = Format {
    name: "critcmp",
    description: "a baseline of Criterion.rs as critcmp exports it",
    command: "critcmp --export base",
    keeps: Keeps::Summary,
    link: "https://github.com/BurntSushi/critcmp",
    reader: Reader::File { detect, read },
};

#[derive(Deserialize)]
struct Export {
    benchmarks: BTreeMap<String, Benchmark>,
}

#[derive(Deserialize)]
struct Benchmark {
    criterion_estimates_v1: Estimates,
}

#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
    std_dev: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
}

fn detect(input: &Input) -> bool {
    input.has("benchmarks/*/criterion_estimates_v1")
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let export: Export = input.json("a baseline that critcmp exported")?;
    let mut output = input.output(FORMAT.name, FORMAT.name);
    for (name, Benchmark { criterion_estimates_v1: Estimates { median, std_dev } }) in &export.benchmarks {
        let spread = Spread { sd: Some(std_dev.point_estimate), n: None };
        output.summary(
            &Case::new(name, input.place()),
            Metric::time("time", "ns"),
            median.point_estimate,
            spread,
        );
    }
    Ok(output)
}

#[cfg(test)]
mod tests {
    use crate::format::tests_of::{found, refusal};

    const EXPORT: &str = r#"{"name": "base", "benchmarks": {"parse/large": {
        "baseline": "base", "fullname": "base/parse/large",
        "criterion_benchmark_v1": {"group_id": "parse", "function_id": "large", "value_str": null, "throughput": null,
            "full_id": "parse/large", "directory_name": "parse/large"},
        "criterion_estimates_v1": {
            "mean": {"confidence_interval": {"confidence_level": 0.95, "lower_bound": 1, "upper_bound": 2},
                "point_estimate": 105.5, "standard_error": 0.1},
            "median": {"confidence_interval": {"confidence_level": 0.95, "lower_bound": 1, "upper_bound": 2},
                "point_estimate": 104.25, "standard_error": 0.1},
            "median_abs_dev": {"confidence_interval": {"confidence_level": 0.95, "lower_bound": 1, "upper_bound": 2},
                "point_estimate": 1.5, "standard_error": 0.1},
            "slope": null,
            "std_dev": {"confidence_interval": {"confidence_level": 0.95, "lower_bound": 1, "upper_bound": 2},
                "point_estimate": 2.5, "standard_error": 0.1}}}}}"#;

    #[test]
    fn the_median_of_every_benchmark_is_read() {
        assert_eq!(found(EXPORT, ""), [("parse/large time".to_owned(), 104.25, "ns".to_owned())]);
    }

    #[test]
    fn a_baseline_that_is_cut_is_an_error() {
        assert!(refusal(&EXPORT[..300], "critcmp").contains("expected a baseline that critcmp exported"));
        assert!(refusal(r#"{"name": "base", "benchmarks": {}}"#, "critcmp").contains("holds no measurement"));
    }
}
