//! What `hyperfine --export-json` writes, of hyperfine 1.x and of 2.0 (`schema_version` 2).
//!
//! 1.x has per result the wall-clock seconds of every run (`times`), from 1.20 on the peak memory of every run
//! (`memory_usage_byte`), and means of the user and system time. 2.0 has all of these for every run. The source
//! of both layouts is hyperfine's `export/json.rs` and `benchmark_result.rs`. A run that fails keeps its time
//! in the export (`--ignore-failure`); a result with such a run is skipped, since failing fast is not speed.

use std::collections::{BTreeMap, BTreeSet};

use perf_model::{Better, Kind, Measurement, Metric, Reading, ReadingError, Samples, Summary, Unit};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::json::{self, Scalar};
use crate::output::Output;

pub(super) const FORMAT: Format = Format {
    name: "hyperfine",
    description: "the JSON export of hyperfine 1 and 2",
    command: "hyperfine --export-json FILE COMMAND",
    keeps: Keeps::Either,
    link: "https://github.com/sharkdp/hyperfine",
    reader: Reader::File { detect, read },
};

const WHAT: &str = "an export of hyperfine";

#[derive(Deserialize)]
struct Header {
    schema_version: Option<u64>,
    metadata: Option<Metadata>,
}

#[derive(Deserialize)]
struct Metadata {
    hyperfine_version: Option<String>,
}

#[derive(Deserialize)]
struct Export<'a> {
    #[serde(borrow)]
    results: Vec<&'a RawValue>,
}

/// A result of hyperfine 1.x.
#[derive(Deserialize)]
struct First {
    command: String,
    mean: Option<f64>,
    stddev: Option<f64>,
    median: Option<f64>,
    user: Option<f64>,
    system: Option<f64>,
    times: Option<Vec<f64>>,
    memory_usage_byte: Option<Vec<f64>>,
    #[serde(default)]
    exit_codes: Vec<Option<i64>>,
    #[serde(default)]
    parameters: BTreeMap<String, Scalar>,
}

/// A result of hyperfine 2.0.
#[derive(Deserialize)]
struct Second {
    command: String,
    name: Option<String>,
    #[serde(default)]
    measurements: Vec<Run>,
    #[serde(default)]
    summary: BTreeMap<String, Statistics>,
    #[serde(default)]
    parameters: BTreeMap<String, Parameter>,
}

#[derive(Deserialize)]
struct Run {
    time_wall_clock: Option<Quantity>,
    time_user: Option<Quantity>,
    time_system: Option<Quantity>,
    time_cpu: Option<Quantity>,
    memory_peak_resident: Option<Quantity>,
    exit_code: Option<i64>,
}

#[derive(Deserialize)]
struct Quantity {
    value: f64,
    unit: String,
}

#[derive(Deserialize)]
struct Statistics {
    unit: Option<String>,
    count: Option<u64>,
    mean: Option<f64>,
    stddev: Option<f64>,
    median: Option<f64>,
}

#[derive(Deserialize)]
struct Parameter {
    value: Scalar,
}

type Quantify = fn(&Run) -> Option<&Quantity>;

/// What is read off hyperfine 2.0, with the metric it becomes.
const QUANTITIES: [(&str, &str, Quantify); 5] = [
    ("time_wall_clock", "time", |run| run.time_wall_clock.as_ref()),
    ("time_cpu", "cpu-time", |run| run.time_cpu.as_ref()),
    ("time_user", "user-time", |run| run.time_user.as_ref()),
    ("time_system", "system-time", |run| run.time_system.as_ref()),
    ("memory_peak_resident", "peak-rss", |run| run.memory_peak_resident.as_ref()),
];

/// One result, whatever version wrote it: a named case with what was read off it.
struct Case {
    name: String,
    params: BTreeMap<String, String>,
    readings: Vec<(Metric, Reading)>,
}

fn detect(input: &Input) -> bool {
    input.has("results/0/command")
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let header: Header = input.json(WHAT)?;
    let version = header.metadata.and_then(|metadata| metadata.hyperfine_version);
    let tool = version.map_or_else(|| FORMAT.name.to_owned(), |version| format!("hyperfine {version}"));
    let mut output = input.output(FORMAT.name, tool);
    let cases = match header.schema_version {
        None => read_results(input, &mut output, first)?,
        Some(2) => read_results(input, &mut output, second)?,
        Some(other) => {
            return Err(input.refuse(format!("expected `schema_version` to be 2 or absent, found {other}")));
        }
    };
    output.measurements = tell_apart(cases);
    Ok(output)
}

/// Reads every result with `case`, whose error is the reason why a sound result is not used.
fn read_results<'a, R: Deserialize<'a>>(
    input: &'a Input,
    output: &mut Output,
    case: fn(R) -> Result<Case, Unusable>,
) -> Result<Vec<Case>, ReadError> {
    let export: Export = input.json(WHAT)?;
    let results: Vec<(String, R)> =
        json::entries(&export.results, &format!("{}: results", input.place()), output);
    let mut cases = Vec::new();
    for (place, result) in results {
        match case(result) {
            Ok(case) => cases.push(case),
            Err(Unusable(reason)) => output.skip(place, reason),
        }
    }
    Ok(cases)
}

/// Why a result is no case: its command failed, or it is not what hyperfine writes.
struct Unusable(String);

impl From<ReadingError> for Unusable {
    fn from(cause: ReadingError) -> Self {
        Unusable(cause.to_string())
    }
}

fn first(result: First) -> Result<Case, Unusable> {
    refuse_failures(&result.command, result.exit_codes.iter().copied())?;
    let count = result.times.as_ref().map_or(result.exit_codes.len(), Vec::len) as u64;
    let n = Some(count).filter(|count| *count > 0);
    let time = match result.times {
        Some(times) => Reading::Samples(Samples::new(times)?),
        None => summary(result.median.or(result.mean), result.stddev, n)?,
    };
    let mut readings = vec![(Metric::time("time", "s"), time)];
    for (name, mean) in [("user-time", result.user), ("system-time", result.system)] {
        if mean.is_some() {
            readings.push((Metric::time(name, "s"), summary(mean, None, n)?));
        }
    }
    if let Some(memory) = result.memory_usage_byte {
        readings.push((Metric::size("peak-rss", "B"), Reading::Samples(Samples::new(memory)?)));
    }
    let params = result.parameters.into_iter().map(|(name, value)| (name, value.0)).collect();
    Ok(Case { name: result.command, params, readings })
}

fn second(result: Second) -> Result<Case, Unusable> {
    let name = result.name.unwrap_or(result.command);
    refuse_failures(&name, result.measurements.iter().map(|run| run.exit_code))?;
    let mut readings = Vec::new();
    for (key, metric, quantity) in QUANTITIES {
        let found = match result.measurements.as_slice() {
            [] => result.summary.get(key).map(summarised).transpose()?,
            runs => sampled(key, runs, quantity)?,
        };
        readings.extend(found.map(|(unit, reading)| (metric_in(metric, unit), reading)));
    }
    if readings.is_empty() {
        return Err(Unusable("it measures neither time nor memory".to_owned()));
    }
    let params = result.parameters.into_iter().map(|(name, parameter)| (name, parameter.value.0)).collect();
    Ok(Case { name, params, readings })
}

/// Refuses a result with a run that failed. hyperfine writes `null` where a signal ended the run.
fn refuse_failures(name: &str, exits: impl Iterator<Item = Option<i64>>) -> Result<(), Unusable> {
    for (index, exit) in exits.enumerate() {
        let how = match exit {
            Some(0) => continue,
            Some(status) => format!("exited with status {status}"),
            None => "was ended by a signal".to_owned(),
        };
        return Err(Unusable(format!("`{name}` {how} in run {}", index + 1)));
    }
    Ok(())
}

fn sampled(key: &str, runs: &[Run], quantity: Quantify) -> Result<Option<(Unit, Reading)>, Unusable> {
    let quantities: Vec<&Quantity> = runs.iter().filter_map(quantity).collect();
    let Some(first) = quantities.first() else { return Ok(None) };
    if quantities.len() < runs.len() {
        return Err(Unusable(format!("`{key}` is missing from some of its measurements")));
    }
    if let Some(other) = quantities.iter().find(|other| other.unit != first.unit) {
        let units = (&first.unit, &other.unit);
        return Err(Unusable(format!("`{key}` is both in {} and in {}", units.0, units.1)));
    }
    let samples = Samples::new(quantities.iter().map(|quantity| quantity.value).collect())?;
    Ok(Some((Unit::new(&first.unit), Reading::Samples(samples))))
}

fn summarised(statistics: &Statistics) -> Result<(Unit, Reading), Unusable> {
    let unit = statistics.unit.as_deref().unwrap_or_default();
    let location = statistics.median.or(statistics.mean);
    Ok((Unit::new(unit), summary(location, statistics.stddev, statistics.count)?))
}

fn summary(location: Option<f64>, sd: Option<f64>, n: Option<u64>) -> Result<Reading, Unusable> {
    let location = location.ok_or_else(|| {
        Unusable("it has neither the times of its runs nor their median or mean".to_owned())
    })?;
    Ok(Reading::Summary(Summary::new(location, sd, n)?))
}

fn metric_in(name: &str, unit: Unit) -> Metric {
    Metric { name: name.to_owned(), kind: Kind::of_unit(&unit), unit, better: Better::Lower }
}

/// Turns cases into measurements. A command that is measured twice is kept twice: the later ones get the
/// parameter `occurrence`, in the order of the export.
fn tell_apart(cases: Vec<Case>) -> Vec<Measurement> {
    let mut seen = BTreeSet::new();
    let mut measurements = Vec::new();
    for Case { name, mut params, readings } in cases {
        let mut occurrence = 1;
        while !seen.insert((name.clone(), params.clone())) {
            occurrence += 1;
            params.insert("occurrence".to_owned(), occurrence.to_string());
        }
        measurements.extend(readings.into_iter().map(|(metric, reading)| Measurement {
            benchmark: name.clone(),
            params: params.clone(),
            metric,
            reading,
        }));
    }
    measurements
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;
    use crate::format::{Options, read_stream};

    const FIRST: &str = r#"{"results": [
        {"command": "sort a", "mean": 0.31666666666666665, "stddev": 0.1, "median": 0.25, "user": 0.2, "system": 0.1,
         "min": 0.2, "max": 0.5, "times": [0.5, 0.2, 0.25], "memory_usage_byte": [100, 200, 300],
         "exit_codes": [0, 0, 0], "parameters": {"n": "7"}}]}"#;

    const SECOND: &str = r#"{"schema_version": 2, "metadata": {"hyperfine_version": "2.0.0"}, "results": [
        {"command": "sleep 1", "name": "nap", "parameters": {"d": {"value": "1"}}, "measurements": [
            {"time_wall_clock": {"value": 1.5, "unit": "second"}, "time_user": {"value": 0.0, "unit": "second"},
             "memory_peak_resident": {"value": 4096.0, "unit": "byte"}, "exit_code": 0},
            {"time_wall_clock": {"value": 1.25, "unit": "second"}, "time_user": {"value": 0.5, "unit": "second"},
             "memory_peak_resident": {"value": 8192.0, "unit": "byte"}, "exit_code": 0}]}]}"#;

    fn parse(text: &str) -> Output {
        read_stream("in", text.as_bytes(), &Options::named("hyperfine")).unwrap()
    }

    fn refusal(text: &str) -> String {
        let error = read_stream("in", text.as_bytes(), &Options::named("hyperfine")).unwrap_err();
        let cause = error.source().map(|cause| format!(" <- {cause}")).unwrap_or_default();
        format!("{error}{cause}")
    }

    fn found(output: &Output) -> Vec<(String, String, &Reading)> {
        let line = |m: &Measurement| (m.series().to_string(), m.metric.unit.symbol().to_owned());
        output.measurements.iter().map(|m| (line(m).0, line(m).1, &m.reading)).collect()
    }

    fn samples(values: &[f64]) -> Reading {
        Reading::Samples(Samples::new(values.to_vec()).unwrap())
    }

    #[test]
    fn version_1_keeps_the_samples_it_has() {
        let mean = |value| Reading::Summary(Summary::new(value, None, Some(3)).unwrap());
        let output = parse(FIRST);
        assert_eq!(
            found(&output),
            [
                ("sort a[n=7] peak-rss".into(), "B".into(), &samples(&[100.0, 200.0, 300.0])),
                ("sort a[n=7] system-time".into(), "s".into(), &mean(0.1)),
                ("sort a[n=7] time".into(), "s".into(), &samples(&[0.5, 0.2, 0.25])),
                ("sort a[n=7] user-time".into(), "s".into(), &mean(0.2)),
            ]
        );
        assert_eq!(output.sources[0].tool, "hyperfine");
    }

    #[test]
    fn version_2_keeps_every_run() {
        let output = parse(SECOND);
        assert_eq!(
            found(&output),
            [
                ("nap[d=1] peak-rss".into(), "B".into(), &samples(&[4096.0, 8192.0])),
                ("nap[d=1] time".into(), "s".into(), &samples(&[1.5, 1.25])),
                ("nap[d=1] user-time".into(), "s".into(), &samples(&[0.0, 0.5])),
            ]
        );
        assert_eq!(output.sources[0].tool, "hyperfine 2.0.0");
        assert_eq!(output.measurements[0].metric, Metric::size("peak-rss", "B"));
    }

    #[test]
    fn a_result_without_its_runs_is_a_summary() {
        for (text, value, sd, n) in [
            (
                r#"{"results": [{"command": "a", "mean": 2, "stddev": 0.5, "median": 1}]}"#,
                1.0,
                Some(0.5),
                None,
            ),
            (r#"{"results": [{"command": "a", "mean": 2, "stddev": null}]}"#, 2.0, None, None),
            (
                r#"{"schema_version": 2, "results": [{"command": "a", "summary": {"time_wall_clock":
                    {"unit": "second", "count": 9, "mean": 3, "stddev": 0.25, "median": 4}}}]}"#,
                4.0,
                Some(0.25),
                Some(9),
            ),
        ] {
            let expected = Reading::Summary(Summary::new(value, sd, n).unwrap());
            assert_eq!(found(&parse(text)), [("a time".into(), "s".into(), &expected)], "{text}");
        }
    }

    #[test]
    fn a_command_measured_twice_is_kept_twice() {
        let output = parse(
            r#"{"results": [{"command": "true", "times": [1]}, {"command": "true", "times": [0]},
                {"command": "true", "times": [3]}]}"#,
        );
        assert_eq!(
            found(&output),
            [
                ("true time".into(), "s".into(), &samples(&[1.0])),
                ("true[occurrence=2] time".into(), "s".into(), &samples(&[0.0])),
                ("true[occurrence=3] time".into(), "s".into(), &samples(&[3.0])),
            ]
        );
    }

    #[test]
    fn a_failed_command_is_skipped_and_named() {
        let good = r#"{"command": "true", "times": [1], "exit_codes": [0]}"#;
        for (exits, reason) in [
            ("[0, 1]", "`false` exited with status 1 in run 2"),
            ("[null]", "`false` was ended by a signal in run 1"),
        ] {
            let bad = format!(r#"{{"command": "false", "times": [1], "exit_codes": {exits}}}"#);
            let output = parse(&format!(r#"{{"results": [{bad}, {good}]}}"#));
            assert_eq!(output.skipped[0].place, "in: results[0]");
            assert_eq!(output.skipped[0].reason, reason);
            assert_eq!(output.measurements.len(), 1);
            let nothing = refusal(&format!(r#"{{"results": [{bad}]}}"#));
            assert_eq!(nothing, format!("in: holds no measurement <- in: results[0]: {reason}"));
        }
    }

    #[test]
    fn refuses_what_hyperfine_does_not_write() {
        for (text, expected) in [
            ("", "in: is empty: the tool"),
            ("{}", "missing field `results`"),
            (r#"{"results": []}"#, "in: holds no measurement"),
            (r#"{"schema_version": 3, "results": []}"#, "to be 2 or absent, found 3"),
            (r#"{"results": [{"command": "a", "times": []}]}"#, "results[0]: has no samples"),
            (r#"{"results": [{"command": "a"}]}"#, "neither the times of its runs nor"),
            (r#"{"results": [{"command": " ", "times": [1]}]}"#, "found a blank one"),
            (r#"{"results": [{"command": "a", "times": [-0.5]}]}"#, "at least 0, found -0.5 in `a time`"),
            (r#"{"results": [{"command": "a", "times": [NaN]}]}"#, "invalid type: null, expected f64"),
            (r#"{"results": [{"command": "a", "times": [1e999]}]}"#, "number out of range at line 1"),
            (r#"{"results": [{"command": "a", "times": [1], "times": [2]}]}"#, "duplicate field"),
            (r#"{"results": [{"command": "a", "mean": 1, "stddev": -1}]}"#, "standard deviation -1"),
            (r#"{"schema_version": 2, "results": [{"command": "a"}]}"#, "neither time nor memory"),
            (&SECOND.replacen("second", "minute", 1), "is both in minute and in second"),
            (&SECOND.replacen("time_user", "time_other", 1), "is missing from some"),
        ] {
            let found = refusal(text);
            assert!(found.starts_with("in: ") && found.contains(expected), "{text}: {found}");
        }
    }

    #[test]
    fn a_file_cut_anywhere_is_an_error() {
        for text in [FIRST, SECOND] {
            for end in 0..text.len() {
                assert!(
                    read_stream("in", &text.as_bytes()[..end], &Options::default()).is_err(),
                    "cut at {end}"
                );
            }
        }
    }
}
