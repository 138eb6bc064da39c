//! The results of tinybench as JSON, alone or as Vitest's `bench` reports them.
//!
//! `JSON.stringify(bench.tasks.map(({ name, result }) => ({ name, ...result })))`: from 3.0 on `latency` in
//! milliseconds and `throughput` per second, before that `hz` and `mean` beside the name. Vitest 1 to 4
//! (`bench --outputJson`) has the latter in `files[].groups[].benchmarks[]`, Vitest 5 (`bench --reporter=json`) the
//! former in `testResults[].assertionResults[].benchmarks[].tasks[]`. The throughput of 3.0 is a mean of
//! reciprocals, so that what is read is the reciprocal of the mean latency. A task that failed has no numbers.

use perf_model::Metric;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::json;
use crate::output::{Case, Output, Spread};

pub(super) const FORMAT: Format = Format {
    name: "tinybench",
    description: "results of tinybench 2 to 6 as a JSON list of `{ name, ...result }`",
    command: "JSON.stringify(bench.tasks.map(({ name, result }) => ({ name, ...result })))",
    keeps: Keeps::Either,
    link: "https://github.com/tinylibs/tinybench",
    reader: Reader::File { detect, read },
};

/// The percentiles that are kept, and how tinybench calls them.
const RANKS: [(&str, &str); 4] = [("p75", "75"), ("p99", "99"), ("p995", "99.5"), ("p999", "99.9")];

fn detect(input: &Input) -> bool {
    let in_version_2 = input.has_all(&["0/name", "0/hz", "0/mean"]) && !input.has("0/stats");
    let nested = input.has_all(&["0/name", "0/result/latency"]) || input.has_all(&["0/name", "0/result/hz"]);
    input.has_all(&["0/name", "0/latency", "0/throughput"]) || in_version_2 || nested
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let list: Vec<&RawValue> = input.json("results of tinybench")?;
    let mut output = input.output(FORMAT.name, FORMAT.name);
    let tasks: Vec<(String, Map<String, Value>)> = json::entries(&list, input.place(), &mut output);
    for (place, task) in &tasks {
        let name = task.get("name").and_then(Value::as_str).unwrap_or_default();
        add(&Case::new(name, place), task, &mut output);
    }
    output.number_repeats();
    Ok(output)
}

/// Adds one task with its result, of any version.
pub(super) fn add(case: &Case, task: &Map<String, Value>, output: &mut Output) {
    let result = task.get("result").and_then(Value::as_object).unwrap_or(task);
    let latency = result.get("latency").and_then(Value::as_object).unwrap_or(result);
    let number = |key: &str| latency.get(key).and_then(Value::as_f64).filter(|value| value.is_finite());
    let Some(mean) = number("mean").filter(|_| !result.contains_key("error")) else {
        return output.skip(&case.place, format!("`{}` failed or was not run: it has no results", case.name));
    };
    let raw = latency.get("samples").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let samples: Vec<f64> = raw.iter().filter_map(Value::as_f64).collect();
    let count = ["samplesCount", "sampleCount"].iter().find_map(|key| latency.get(*key)?.as_u64());
    let n = count.or((!raw.is_empty()).then_some(raw.len() as u64));
    if !samples.is_empty() && samples.len() == raw.len() {
        output.samples(case, Metric::time("time", "ms"), samples);
    } else {
        let location = number("p50").or_else(|| number("median")).unwrap_or(mean);
        output.summary(case, Metric::time("time", "ms"), location, Spread { sd: number("sd"), n });
    }
    for (key, rank) in RANKS {
        if let Some(value) = number(key) {
            output.summary(case, Metric::percentile(rank, "ms"), value, Spread { sd: None, n });
        }
    }
    let hz = result.get("hz").and_then(Value::as_f64);
    if let Some(rate) = hz.or((mean > 0.0).then(|| 1000.0 / mean)) {
        output.summary(case, Metric::rate("throughput", "ops/s"), rate, Spread { sd: None, n });
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, parse};

    #[test]
    fn reads_every_version() {
        let latency = r#"{"mean": 2, "p50": 1.5, "p99": 9, "p999": 10, "sd": 0.5, "samplesCount": 7}"#;
        let rate = r#"{"mean": 999, "p50": 1}"#;
        for (text, expected) in [
            (
                format!(
                    r#"[{{"name": "a λ", "state": "completed", "latency": {latency}, "throughput": {rate}}}]"#
                ),
                vec!["a λ p99 9 ms", "a λ p99.9 10 ms", "a λ throughput 500 ops/s", "a λ time 1.5 ms"],
            ),
            (
                r#"[{"name": "a", "hz": 4, "mean": 250, "samples": [200, 300]}]"#.to_owned(),
                vec!["a throughput 4 ops/s", "a time 250 ms"],
            ),
            (
                r#"[{"name": "a", "result": {"latency": {"mean": 2}, "hz": 3}}]"#.to_owned(),
                vec!["a throughput 3 ops/s", "a time 2 ms"],
            ),
        ] {
            assert_eq!(found(&parse(&text)), expected, "{text}");
        }
    }

    #[test]
    fn a_task_that_failed_is_skipped() {
        let text = r#"[{"name": "a", "latency": {"mean": 2}, "throughput": {}},
            {"name": "b", "state": "errored", "error": {}}, {"name": "c", "state": "not-started"}]"#;
        let output = parse(text);
        assert_eq!(found(&output), ["a throughput 500 ops/s", "a time 2 ms"]);
        assert_eq!(output.skipped.len(), 2);
    }
}
