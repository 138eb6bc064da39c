//! What `vegeta report -type=json` prints.
//!
//! The source of the layout is vegeta's `lib/metrics.go`. Latencies are in nanoseconds. `success` is a share of 1,
//! `throughput` counts successful requests only, and the status `0` stands for no answer.

use std::collections::BTreeMap;

use perf_model::Metric;
use serde::Deserialize;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::load::{self, Load};
use crate::output::{Case, Output};

pub(super) const FORMAT: Format = Format {
    name: "vegeta",
    description: "the output of `vegeta report -type=json`",
    command: "vegeta report -type=json results.bin",
    keeps: Keeps::Summary,
    link: "https://github.com/tsenart/vegeta",
    reader: Reader::File { detect, read },
};

#[derive(Deserialize)]
struct Report {
    latencies: BTreeMap<String, f64>,
    requests: u64,
    throughput: Option<f64>,
    success: f64,
}

fn detect(input: &Input) -> bool {
    input.has("latencies/mean") && input.has("bytes_in") && input.has("success")
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let report: Report = input.json("the report of vegeta")?;
    if !(0.0..=1.0).contains(&report.success) {
        return Err(input.refuse(format!("expected `success` to be a share of 1, found {}", report.success)));
    }
    let mut load = Load::new(Case::new(FORMAT.name, input.place()));
    let succeeded = (report.success * report.requests as f64).round() as u64;
    load.requests(report.requests, report.requests - succeeded.min(report.requests));
    if let Some(mean) = report.latencies.get("mean") {
        load.add(Metric::time("latency", "ns"), *mean);
    }
    for (key, latency) in &report.latencies {
        if let Some(rank) = key.strip_suffix("th") {
            load.add(Metric::percentile(rank, "ns"), *latency);
        }
    }
    if let Some(throughput) = report.throughput {
        load.add(Metric::rate("throughput", "req/s"), throughput);
    }
    let mut output = input.output(FORMAT.name, FORMAT.name);
    load::finish(vec![load], &mut output);
    Ok(output)
}

#[cfg(test)]
mod tests {
    use crate::format::tests_of::{found, refusal, withheld};

    /// Written by hand after `lib/metrics.go`.
    const RUN: &str = r#"{"latencies": {"total": 5000000, "mean": 50000, "50th": 45000, "90th": 60000, "95th": 70000,
        "99th": 90000, "max": 99000, "min": 30000}, "bytes_in": {"total": 0, "mean": 0}, "bytes_out": {"total": 0, "mean": 0},
        "duration": 1000000000, "wait": 50000, "requests": 100, "rate": 100.5, "throughput": 95.25, "success": 0.95,
        "status_codes": {"0": 2, "200": 95, "500": 3}, "errors": ["500 Internal Server Error"]}"#;

    #[test]
    fn reads_nanoseconds_and_the_rate_of_successes() {
        let expected = [
            ("failure-rate", 0.05, "ratio"),
            ("latency", 50000.0, "ns"),
            ("p50", 45000.0, "ns"),
            ("p90", 60000.0, "ns"),
            ("p95", 70000.0, "ns"),
            ("p99", 90000.0, "ns"),
            ("throughput", 95.25, "req/s"),
        ];
        let expected =
            expected.map(|(metric, value, unit)| (format!("vegeta {metric}"), value, unit.to_owned()));
        assert_eq!(found(RUN, ""), expected);
    }

    #[test]
    fn failed_tests_have_no_result() {
        let failed = RUN.replace("\"success\": 0.95", "\"success\": 0");
        assert!(found(&failed, "").is_empty());
        assert_eq!(withheld(&failed, "").len(), 7);
        let never = RUN.replace("\"requests\": 100", "\"requests\": 0");
        assert!(refusal(&never, "").ends_with("`vegeta`: no request was made"));
        let odd = RUN.replace("0.95,", "95,");
        assert!(refusal(&odd, "").contains("expected `success` to be a share of 1, found 95"));
    }
}
