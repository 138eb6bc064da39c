//! The JSON of pytest-benchmark 3 to 5: `--benchmark-json`, or what `--benchmark-autosave` stores.
//!
//! All times are in seconds per iteration. `data` has every round, where it was asked for. Names are pytest's node
//! ids, parameters included. The source is pytest-benchmark's `stats.py` and `session.py`.

use perf_model::Metric;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::json::{self, Number};
use crate::output::{Case, Output, Spread};

pub(super) const FORMAT: Format = Format {
    name: "pytest-benchmark",
    description: "the JSON of pytest-benchmark, with or without raw data",
    command: "pytest --benchmark-json FILE",
    keeps: Keeps::Either,
    link: "https://pytest-benchmark.readthedocs.io",
    reader: Reader::File { detect, read },
};

#[derive(Deserialize)]
struct File<'a> {
    version: Option<String>,
    #[serde(borrow)]
    benchmarks: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Benchmark {
    fullname: String,
    stats: Stats,
}

#[derive(Deserialize)]
struct Stats {
    median: Option<Number>,
    mean: Option<Number>,
    stddev: Option<Number>,
    rounds: Option<u64>,
    data: Option<Vec<Value>>,
}

fn detect(input: &Input) -> bool {
    input.has_all(&["machine_info", "benchmarks"])
        || input.has_all(&["benchmarks/0/fullname", "benchmarks/0/stats"])
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let file: File = input.json("the JSON of pytest-benchmark")?;
    let mut output = input.output(FORMAT.name, FORMAT.name);
    output.note_version(file.version);
    let place = format!("{}: benchmarks", input.place());
    let benchmarks: Vec<(String, Benchmark)> = json::entries(&file.benchmarks, &place, &mut output);
    for (place, Benchmark { fullname, stats }) in benchmarks {
        add(&Case::new(fullname, place), stats, &mut output);
    }
    output.number_repeats();
    Ok(output)
}

fn add(case: &Case, stats: Stats, output: &mut Output) {
    let metric = Metric::time("time", "s");
    if let Some(data) = stats.data.filter(|data| !data.is_empty()) {
        let samples: Vec<f64> = data.iter().filter_map(Value::as_f64).collect();
        if samples.len() == data.len() {
            return output.samples(case, metric, samples);
        }
        let lost = data.len() - samples.len();
        output.skip(&case.place, format!("the data of `{}`: {lost} of its rounds are no numbers", case.name));
    }
    let number = |number: Option<Number>| number.and_then(|number| number.0);
    match number(stats.median).or(number(stats.mean)) {
        Some(value) => {
            output.summary(case, metric, value, Spread { sd: number(stats.stddev), n: stats.rounds });
        }
        None => output.skip(&case.place, format!("`{}` has neither a median nor a mean", case.name)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, parse, refused};

    #[test]
    fn reads_raw_data_or_the_statistics() {
        let text = r#"{"machine_info": {}, "benchmarks": [
            {"fullname": "t.py::a[1-x]", "stats": {"median": 9, "data": [0.5, 0.25, 0.75]}},
            {"fullname": "t.py::b", "stats": {"median": 2, "mean": 3, "stddev": 0.5, "rounds": 7, "ops": Infinity}},
            {"fullname": "t.py::cut", "stats": {"median": 4, "data": [1, "..."]}},
            {"fullname": "t.py::nan", "stats": {"median": NaN, "mean": NaN}},
            {"name": "other"}], "version": "5.3.1"}"#;
        let output = parse(text);
        assert_eq!(found(&output), ["t.py::a[1-x] time 0.5 s", "t.py::b time 2 s", "t.py::cut time 4 s"]);
        assert_eq!(output.measurements[0].reading.samples(), [0.5, 0.25, 0.75]);
        assert_eq!(output.sources[0].tool, "pytest-benchmark 5.3.1");
        let places: Vec<_> = output.skipped.iter().map(|skipped| skipped.place.as_str()).collect();
        assert_eq!(places, ["in: benchmarks[4]", "in: benchmarks[2]", "in: benchmarks[3]"]);
    }

    #[test]
    fn a_session_without_benchmarks_is_an_error() {
        assert!(refused(r#"{"machine_info": {}, "benchmarks": []}"#).contains("holds no measurement"));
    }
}
