//! The JSON of JMH (`-rf json`).
//!
//! A case is a benchmark with its `params`, its mode and, where they are not 1, its threads. The unit tells the
//! direction: `ops/ms` is better higher and is kept per second, `ns/op` is better lower. `rawData` has every
//! iteration of every fork; sample mode has `rawDataHistogram` instead, and percentiles. Numbers that are none
//! stand as the strings `"NaN"`, `"INF"`. The source is JMH's `JSONResultFormat.java`.

use std::collections::BTreeMap;

use perf_model::{Kind, Metric, Reading, Samples, Summary, Unit};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::json::{self, Number, Scalar};
use crate::output::{Case, Output, Spread};

pub(super) const FORMAT: Format = Format {
    name: "jmh",
    description: "the JSON of JMH, the Java Microbenchmark Harness",
    command: "java -jar benchmarks.jar -rf json -rff FILE",
    keeps: Keeps::Either,
    link: "https://github.com/openjdk/jmh",
    reader: Reader::File { detect, read },
};

/// The percentiles of sample mode that are kept.
const RANKS: [&str; 5] = ["50.0", "90.0", "95.0", "99.0", "99.9"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Benchmark {
    jmh_version: Option<String>,
    benchmark: String,
    mode: String,
    threads: Option<u64>,
    #[serde(default)]
    params: BTreeMap<String, Scalar>,
    primary_metric: Score,
    #[serde(default)]
    secondary_metrics: BTreeMap<String, Score>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Score {
    score: Number,
    score_unit: String,
    #[serde(default)]
    score_percentiles: BTreeMap<String, Number>,
    raw_data: Option<Vec<Vec<Number>>>,
    raw_data_histogram: Option<Value>,
}

fn detect(input: &Input) -> bool {
    input.has_all(&["0/benchmark", "0/primaryMetric"])
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let entries: Vec<&RawValue> = input.json("the JSON of JMH, a list of benchmarks")?;
    let mut output = input.output(FORMAT.name, "JMH");
    let benchmarks: Vec<(String, Benchmark)> = json::entries(&entries, input.place(), &mut output);
    output.note_version(benchmarks.first().and_then(|(_, benchmark)| benchmark.jmh_version.as_deref()));
    for (place, benchmark) in benchmarks {
        let mut case = Case::new(benchmark.benchmark, place).with("mode", &benchmark.mode);
        if let Some(threads) = benchmark.threads.filter(|threads| *threads != 1) {
            case = case.with("threads", threads.to_string());
        }
        case.params.extend(benchmark.params.into_iter().map(|(name, value)| (name, value.0)));
        add_primary(&case, &benchmark.mode, &benchmark.primary_metric, &mut output);
        for (name, score) in &benchmark.secondary_metrics {
            add_secondary(&case, name, score, &mut output);
        }
    }
    output.number_repeats();
    Ok(output)
}

/// What a unit of JMH stands for: the metric, and the factor that its numbers take.
fn metric(name: Option<&str>, written: &str) -> Option<(Metric, f64)> {
    if let Some(per) = written.strip_prefix("ops/") {
        let factor = Unit::new("s").factor_to(&Unit::new(per))?;
        return Some((Metric::rate(name.unwrap_or("throughput"), "ops/s"), factor));
    }
    let unit = Unit::new(written.strip_suffix("/op").unwrap_or(written));
    match Kind::of_unit(&unit) {
        Kind::Time => Some((Metric::time(name.unwrap_or("time"), unit.symbol()), 1.0)),
        Kind::Size => Some((Metric::size(name?, unit.symbol()), 1.0)),
        Kind::Rate | Kind::Ratio | Kind::Count | Kind::Percentile | Kind::Exact => None,
    }
}

fn add_primary(case: &Case, mode: &str, score: &Score, output: &mut Output) {
    let Some((metric, factor)) = metric(None, &score.score_unit) else {
        let metric = Metric::count("score", &score.score_unit);
        return match reading(score, 1.0) {
            Ok(reading) => output.undirected(case, metric, Ok(reading)),
            Err(reason) => output.skip(&case.place, format!("`{}`: {reason}", case.name)),
        };
    };
    match reading(score, factor) {
        Ok(reading) => output.reading(case, metric.clone(), Ok(reading)),
        Err(reason) => output.skip(&case.place, format!("`{}` ({mode}): {reason}", case.name)),
    }
    let Some(count) = score.raw_data_histogram.as_ref().map(counted) else { return };
    for rank in RANKS {
        if let Some(Number(Some(value))) = score.score_percentiles.get(rank) {
            let percentile = Metric::percentile(rank.trim_end_matches(".0"), metric.unit.symbol());
            output.summary(case, percentile, *value, Spread { sd: None, n: Some(count) });
        }
    }
}

/// Adds what profilers and counters report. Percentiles that old versions list here are in the primary metric.
fn add_secondary(case: &Case, name: &str, score: &Score, output: &mut Output) {
    let name = name.trim_start_matches('\u{b7}');
    let percentile = name.rsplit_once("p0.").or_else(|| name.rsplit_once("p1."));
    if percentile.is_some_and(|(before, rank)| {
        !before.ends_with(char::is_alphanumeric) && rank.bytes().all(|byte| byte.is_ascii_digit())
    }) {
        return;
    }
    // What a profiler could not read is `NaN`, which is no failure of the benchmark.
    let (found, factor) = metric(Some(name), &score.score_unit).unzip();
    let Ok(reading) = reading(score, factor.unwrap_or(1.0)) else { return };
    match found {
        Some(metric) => output.reading(case, metric, Ok(reading)),
        None if score.score_unit == "counts" => {
            output.reading(case, Metric::count(name, "counts"), Ok(reading))
        }
        None => output.undirected(case, Metric::count(name, &score.score_unit), Ok(reading)),
    }
}

/// Returns all iterations of all forks; the mean where there are none.
fn reading(score: &Score, factor: f64) -> Result<Reading, String> {
    let raw: Vec<Number> = score.raw_data.iter().flatten().flatten().copied().collect();
    let samples: Vec<f64> = raw.iter().filter_map(|number| Some(number.0? * factor)).collect();
    if !samples.is_empty() && samples.len() == raw.len() {
        return Samples::new(samples).map(Reading::Samples).map_err(|cause| cause.to_string());
    }
    let value = score.score.0.ok_or("its score is no number")?;
    let n = score.raw_data_histogram.as_ref().map(counted);
    Summary::new(value * factor, None, n).map(Reading::Summary).map_err(|cause| cause.to_string())
}

/// Returns how many operations a histogram counts: forks of iterations of pairs of a value and its count.
fn counted(histogram: &Value) -> u64 {
    let lists = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let pairs = lists(histogram).into_iter().flat_map(|fork| lists(&fork)).flat_map(|run| lists(&run));
    pairs.filter_map(|pair| pair.get(1)?.as_u64()).fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, parse, refused};

    fn entry(rest: &str) -> String {
        format!(r#"{{"jmhVersion": "1.37", "benchmark": "a.B.c", "threads": 1, "forks": 1, {rest}}}"#)
    }

    #[test]
    fn units_decide_the_direction_and_forks_are_joined() {
        let throughput = entry(
            r#""mode": "thrpt", "params": {"n": "1"}, "primaryMetric": {"score": 2, "scoreError": "NaN",
            "scoreUnit": "ops/ms", "rawData": [[1, 2], [3]]}, "secondaryMetrics": {
            "\u00b7gc.alloc.rate.norm": {"score": 16, "scoreUnit": "B/op", "rawData": [[16, 16, 16]]},
            "gc.time": {"score": "NaN", "scoreUnit": "ms"}, "\u00b7p0.50": {"score": 1, "scoreUnit": "us/op"}}"#,
        );
        let average = entry(
            r#""mode": "avgt", "params": {"n": "1"}, "threads": 1,
            "primaryMetric": {"score": 2.5, "scoreUnit": "ns/op", "rawData": [["NaN", 1]]}"#,
        )
        .replacen(r#""threads": 1, "#, "", 1);
        let output = parse(&format!("[{throughput}, {average}]"));
        assert_eq!(
            found(&output),
            [
                "a.B.c[mode=avgt,n=1] time 2.5 ns",
                "a.B.c[mode=thrpt,n=1] gc.alloc.rate.norm 16 B",
                "a.B.c[mode=thrpt,n=1] throughput 2000 ops/s",
            ]
        );
        assert_eq!(output.measurements[2].reading.samples(), [1000.0, 2000.0, 3000.0]);
        assert_eq!(output.sources[0].tool, "JMH 1.37");
    }

    #[test]
    fn sample_mode_has_percentiles_with_their_count() {
        let text = entry(
            r#""mode": "sample", "primaryMetric": {"score": 2, "scoreUnit": "us/op",
            "scorePercentiles": {"50.0": 1.5, "99.9": 9, "100.0": 10}, "rawDataHistogram": [[[[1, 3], [2, 4]]]]}"#,
        );
        let output = parse(&format!("[{text}]"));
        let expected = [
            "a.B.c[mode=sample] p50 1.5 us",
            "a.B.c[mode=sample] p99.9 9 us",
            "a.B.c[mode=sample] time 2 us",
        ];
        assert_eq!(found(&output), expected);
        assert_eq!(output.measurements[1].metric.rank(), Some(99.9));
        let perf_model::Reading::Summary(summary) = &output.measurements[1].reading else {
            panic!("a summary")
        };
        assert_eq!(summary.n(), Some(7));
    }

    #[test]
    fn a_failed_benchmark_does_not_lose_the_others() {
        let bad = entry(r#""mode": "avgt", "primaryMetric": {"score": "NaN", "scoreUnit": "ns/op"}"#);
        assert!(refused(&format!("[{bad}]")).contains("its score is no number"));
        let good =
            entry(r#""mode": "ss", "primaryMetric": {"score": 1, "scoreUnit": "s/op", "rawData": [[1]]}"#);
        assert_eq!(found(&parse(&format!("[{bad}, 7, {good}]"))), ["a.B.c[mode=ss] time 1 s"]);
    }
}
