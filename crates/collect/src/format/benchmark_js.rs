//! What benchmark.js prints, `NAME x 11,465 ops/sec ±1.12% (91 runs sampled)`, or its benchmarks as JSON.
//!
//! `JSON.stringify(suite)` has the seconds of every sample in `stats.sample`. The source is benchmark.js'
//! `toStringBench`.

use perf_model::Metric;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::json::{self, Number};
use crate::number;
use crate::output::{Case, Output, Spread};

pub(super) const FORMAT: Format = Format {
    name: "benchmark-js",
    description: "lines that benchmark.js prints, or its benchmarks as JSON",
    command: "node BENCHMARK.js",
    keeps: Keeps::Either,
    link: "https://benchmarkjs.com",
    reader: Reader::File { detect, read },
};

#[derive(Deserialize)]
struct Benchmark {
    name: String,
    stats: Stats,
    error: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Stats {
    #[serde(default)]
    sample: Vec<Number>,
    mean: Option<Number>,
}

fn detect(input: &Input) -> bool {
    is_json(input) || input.any_line(|line| cycle(line).is_some())
}

fn is_json(input: &Input) -> bool {
    input.has_all(&["0/stats", "0/times", "0/hz"])
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let mut output = input.output(FORMAT.name, "benchmark.js");
    if is_json(input) {
        let list: Vec<&RawValue> = input.json("benchmarks of benchmark.js")?;
        let benchmarks: Vec<(String, Benchmark)> = json::entries(&list, input.place(), &mut output);
        for (place, Benchmark { name, stats, error }) in benchmarks {
            let samples: Vec<f64> = stats.sample.iter().filter_map(|number| number.0).collect();
            let case = Case::new(name, place);
            match stats.mean.and_then(|mean| mean.0) {
                _ if error.is_some() => output.skip(&case.place, format!("`{}` failed", case.name)),
                _ if !samples.is_empty() && samples.len() == stats.sample.len() => {
                    output.samples(&case, Metric::time("time", "s"), samples);
                }
                Some(mean) if mean > 0.0 => {
                    output.summary(&case, Metric::time("time", "s"), mean, Spread::default());
                }
                Some(_) | None => output.skip(&case.place, format!("`{}` was not run", case.name)),
            }
        }
    } else {
        for line in input.lines() {
            if let Some((name, rate, runs)) = cycle(line.text) {
                let spread = Spread { sd: None, n: Some(runs) };
                output.summary(
                    &Case::new(name, input.at(line)),
                    Metric::rate("throughput", "ops/s"),
                    rate,
                    spread,
                );
            }
        }
    }
    output.number_repeats();
    Ok(output)
}

/// Returns name, operations per second and runs of a line. A name may hold ` x ` itself.
fn cycle(line: &str) -> Option<(&str, f64, u64)> {
    let (name, result) = line.rsplit_once(" x ")?;
    let (rate, rest) = result.split_once(" ops/sec ")?;
    let rest = rest
        .strip_prefix('±')
        .or_else(|| rest.strip_prefix("+-"))
        .or_else(|| rest.strip_prefix('\u{fffd}'))?;
    let (_, runs) = rest.split_once("% (")?;
    let runs = runs.split_once(" run")?.0;
    Some((name.trim(), number::grouped(rate)?, runs.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, parse};

    #[test]
    fn reads_lines_by_their_last_x() {
        let text = "fib(10) x 1,431,759 ops/sec ±0.74% (93 runs sampled)\nthis x line is none\n\
            a x 2 many x 81.61 ops/sec +-1.70% (1 run sampled)\nFastest is fib(10)\n";
        let expected = ["a x 2 many throughput 81.61 ops/s", "fib(10) throughput 1431759 ops/s"];
        assert_eq!(found(&parse(text)), expected);
    }

    #[test]
    fn reads_benchmarks_with_their_samples() {
        let text = r#"[{"name": "a", "stats": {"sample": [1e-6, 3e-6], "mean": 9}, "times": {}, "hz": 1},
            {"name": "b", "stats": {"sample": [], "mean": 0}, "times": {}, "hz": 0, "error": {}}]"#;
        let output = parse(text);
        assert_eq!(found(&output), ["a time 0.000002 s"]);
        assert_eq!(output.skipped[0].reason, "`b` failed");
    }
}
