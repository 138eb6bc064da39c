//! The JSON of mitata 1 (`run({ format: 'json' })`), in nanoseconds.
//!
//! Each benchmark has a run for every combination of its arguments. mitata sorts its samples and drops the extreme
//! ones before it writes them; `samples: false` leaves only the statistics, of which `p50` is read.

use std::collections::BTreeMap;

use perf_model::Metric;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::json::{self, Number};
use crate::output::{Case, Output, Spread};

pub(super) const FORMAT: Format = Format {
    name: "mitata",
    description: "the JSON of mitata",
    command: "run({ format: 'json' })",
    keeps: Keeps::Either,
    link: "https://github.com/evanwashere/mitata",
    reader: Reader::File { detect, read },
};

#[derive(Deserialize)]
struct File<'a> {
    #[serde(default)]
    layout: Vec<Group>,
    #[serde(borrow)]
    benchmarks: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Group {
    name: Option<String>,
}

#[derive(Deserialize)]
struct Benchmark {
    alias: Option<String>,
    group: Option<usize>,
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    name: Option<String>,
    #[serde(default)]
    args: BTreeMap<String, serde_json::Value>,
    stats: Option<Stats>,
}

#[derive(Deserialize)]
struct Stats {
    #[serde(default)]
    samples: Option<Vec<f64>>,
    p50: Option<Number>,
    avg: Option<Number>,
}

fn detect(input: &Input) -> bool {
    input.has_all(&["context", "benchmarks/0/runs"])
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let file: File = input.json("the JSON of mitata")?;
    let mut output = input.output(FORMAT.name, FORMAT.name);
    let place = format!("{}: benchmarks", input.place());
    let benchmarks: Vec<(String, Benchmark)> = json::entries(&file.benchmarks, &place, &mut output);
    for (place, Benchmark { alias, group, runs }) in benchmarks {
        let group = group.and_then(|index| file.layout.get(index)?.name.as_deref());
        for run in runs {
            let name = run.name.as_deref().or(alias.as_deref()).unwrap_or_default();
            let name = group.map_or_else(|| name.to_owned(), |group| format!("{group}/{name}"));
            let mut case = Case::new(name, &place);
            for (name, value) in run.args {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                case = case.with(&name, text);
            }
            match run.stats {
                Some(stats) => add(&case, stats, &mut output),
                None => output.skip(&case.place, format!("`{}` failed: it has no statistics", case.name)),
            }
        }
    }
    output.number_repeats();
    Ok(output)
}

fn add(case: &Case, stats: Stats, output: &mut Output) {
    let metric = Metric::time("time", "ns");
    let number = |number: Option<Number>| number.and_then(|number| number.0);
    match (stats.samples, number(stats.p50).or(number(stats.avg))) {
        (Some(samples), _) if !samples.is_empty() => output.samples(case, metric, samples),
        (_, Some(value)) => output.summary(case, metric, value, Spread::default()),
        (_, None) => output.skip(&case.place, format!("`{}` has neither samples nor statistics", case.name)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, parse};

    #[test]
    fn reads_runs_with_their_arguments_and_groups() {
        let text = r#"{"layout": [{"name": null, "types": []}, {"name": "g λ", "types": ["g"]}], "benchmarks": [
            {"kind": "static", "args": {}, "alias": "fib", "group": 0, "baseline": false, "runs": [
             {"stats": {"kind": "fn", "samples": [1.5, 2.5, 9.0], "p50": 2.5, "avg": 4}, "args": {}, "name": "fib"}]},
            {"alias": "p($n)", "group": 1, "runs": [
             {"stats": {"p50": 7.5, "avg": 9}, "args": {"n": 5}, "name": "p(5)"},
             {"error": {"message": "bad"}, "args": {"n": 12}, "name": "p(12)"}]}], "context": {"noop": {}}}"#;
        let output = parse(text);
        assert_eq!(found(&output), ["fib time 2.5 ns", "g λ/p(5)[n=5] time 7.5 ns"]);
        assert_eq!(output.skipped[0].reason, "`g λ/p(12)` failed: it has no statistics");
    }
}
