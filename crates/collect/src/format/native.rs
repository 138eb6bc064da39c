//! The project's own format: JSON that any script can write.
//!
//! ```json
//! {
//!   "tool": "load-test",
//!   "tool_version": "1.4",
//!   "benchmarks": [
//!     {"name": "query/by id", "unit": "us", "samples": [10.5, 11.0, 9.75]},
//!     {"name": "query/by id", "params": {"rows": 100}, "metric": "throughput", "unit": "rows/s", "value": 95238.1},
//!     {"name": "binary", "metric": "instructions", "unit": "instructions", "kind": "exact", "better": "lower", "value": 7}
//!   ]
//! }
//! ```
//!
//! | key | |
//! |---|---|
//! | `benchmarks` | required, one entry for each metric of each benchmark |
//! | `tool`, `tool_version` | what measured; recorded with the run |
//! | `name` | required, 1 to 1,000 characters; `/` separates its levels |
//! | `params` | parameters that tell two cases of one benchmark apart: strings, numbers, booleans |
//! | `metric` | what was read; `time` where it is left out and the unit is one of time |
//! | `unit` | required: `ns us ms s`, `B KiB MiB`, `req/s`, `%`, or any other word |
//! | `kind` | `time size rate ratio count percentile exact`; where it is left out that of the unit, or `percentile` for a time called `p99` |
//! | `better` | `lower` or `higher`; may be left out for times, sizes and rates |
//! | `samples` | the raw readings; this or `value` is required |
//! | `value` | one location, with its standard deviation `sd` and the number of readings `n` where known |
//!
//! A key that is not in the table is an error, and so is a second entry with the same name, parameters and
//! metric. Numbers are finite, times at least 0.
//!
//! The document of [`crate::Document`] is read under the same name.

use std::collections::BTreeMap;

use perf_model::{Better, Kind, Measurement, Metric, Reading, Samples, SeriesId, Summary, Unit};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::kind::{Format, Keeps, Reader};
use crate::document;
use crate::error::ReadError;
use crate::input::Input;
use crate::json::Scalar;
use crate::output::Output;

pub(super) const FORMAT: Format = Format {
    name: "perf",
    description: "the JSON of `perf` itself: `benchmarks`, or `measurements` as a dry run prints them",
    command: "any script, or perf collect --dry-run --json",
    keeps: Keeps::Either,
    link: "schema/perf-input.schema.json",
    reader: Reader::File { detect, read },
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    benchmarks: Vec<Entry>,
    tool: Option<String>,
    tool_version: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: Option<String>,
    #[serde(default)]
    params: BTreeMap<String, Scalar>,
    metric: Option<String>,
    unit: Option<String>,
    #[serde(default, deserialize_with = "better")]
    better: Option<Better>,
    #[serde(default, deserialize_with = "kind")]
    kind: Option<Kind>,
    /// `null` also stands for what JSON has no word for, such as `NaN`.
    samples: Option<Vec<Option<f64>>>,
    #[serde(default, deserialize_with = "given")]
    value: Option<Option<f64>>,
    #[serde(default, deserialize_with = "given")]
    sd: Option<Option<f64>>,
    n: Option<u64>,
}

/// A document that a dry run printed; what else it holds is not needed to read it back.
#[derive(Deserialize)]
struct DryRun {
    measurements: Vec<document::Entry>,
}

fn detect(input: &Input) -> bool {
    let written = input.has("benchmarks/0/name") && input.has("benchmarks/0/unit");
    let reading = input.has("benchmarks/0/samples") || input.has("benchmarks/0/value");
    (written && reading) || is_dry_run(input)
}

fn is_dry_run(input: &Input) -> bool {
    input.has("measurements/0/benchmark") && input.has("measurements/0/metric")
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let (tool, measurements) =
        if input.has("measurements") { read_dry_run(input)? } else { read_file(input)? };
    let mut output = input.output(FORMAT.name, tool);
    output.measurements = measurements;
    Ok(output)
}

fn read_file(input: &Input) -> Result<(String, Vec<Measurement>), ReadError> {
    let file: File = input.json("benchmarks in the format of `perf`")?;
    let tool = [file.tool, file.tool_version].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let tool = if tool.is_empty() { FORMAT.name.to_owned() } else { tool };
    Ok((tool, in_order(input, "benchmarks", file.benchmarks, measurement)?))
}

fn read_dry_run(input: &Input) -> Result<(String, Vec<Measurement>), ReadError> {
    let mut document: DryRun = input.json("measurements as `perf` prints them")?;
    // What was withheld then is no result now.
    document.measurements.retain(|entry| entry.withheld.is_none());
    let entries = in_order(input, "measurements", document.measurements, document::Entry::into_measurement)?;
    Ok((FORMAT.name.to_owned(), entries))
}

/// Converts entries one by one; an error names the entry, and a repeated series names both.
fn in_order<E>(
    input: &Input,
    list: &str,
    entries: Vec<E>,
    convert: fn(E) -> Result<Measurement, String>,
) -> Result<Vec<Measurement>, ReadError> {
    let mut first: BTreeMap<SeriesId, usize> = BTreeMap::new();
    let mut measurements = Vec::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        let measurement =
            convert(entry).map_err(|problem| input.refuse(format!("`{list}[{index}]`: {problem}")))?;
        let series = measurement.series();
        if let Some(earlier) = first.get(&series) {
            let problem = format!("`{list}[{index}]` repeats `{series}` of `{list}[{earlier}]`");
            return Err(input.refuse(problem).with_hint("another `metric` or `params` tells them apart"));
        }
        first.insert(series, index);
        measurements.push(measurement);
    }
    Ok(measurements)
}

fn measurement(entry: Entry) -> Result<Measurement, String> {
    let benchmark = entry.name.ok_or("has no `name`")?;
    let unit = entry.unit.ok_or_else(|| format!("`{benchmark}` has no `unit`"))?;
    let unit = Unit::new(&unit);
    if unit.symbol().is_empty() {
        return Err("expected `unit` to name a unit".to_owned());
    }
    let implied = Kind::of_unit(&unit);
    let name = match entry.metric {
        Some(metric) if !metric.trim().is_empty() => metric,
        None if implied == Kind::Time => "time".to_owned(),
        Some(_) | None => return Err(format!("expected `metric` to say what is measured in {unit}")),
    };
    let kind =
        entry.kind.unwrap_or_else(|| if is_percentile(&name, implied) { Kind::Percentile } else { implied });
    // A percentile of durations is a duration.
    let usual = if kind == Kind::Percentile { implied.usual_direction() } else { kind.usual_direction() };
    let better = entry.better.or(usual).ok_or_else(|| {
        format!("expected `better` to be `lower` or `higher`: the kind `{}` does not imply it", kind.word())
    })?;
    let samples = entry.samples.map(|samples| numbers(&samples)).transpose()?;
    let number = |key: &str, given: Option<Option<f64>>| {
        given.map(|value| value.ok_or_else(|| no_number(key))).transpose()
    };
    let reading = reading(samples, number("value", entry.value)?, number("sd", entry.sd)?, entry.n)?;
    let params = entry.params.into_iter().map(|(name, value)| (name, value.0)).collect();
    Ok(Measurement { benchmark, params, metric: Metric { name, unit, better, kind }, reading })
}

/// Returns samples that are all numbers.
fn numbers(samples: &[Option<f64>]) -> Result<Vec<f64>, String> {
    let number = |(index, sample): (usize, &Option<f64>)| {
        sample.ok_or_else(|| no_number(&format!("samples[{index}]")))
    };
    samples.iter().enumerate().map(number).collect()
}

fn no_number(key: &str) -> String {
    format!("expected `{key}` to be a finite number, found null, NaN or an infinity")
}

/// Tells a key that is there, whatever it holds, from one that is not.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<f64>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Says whether a duration's metric is named after a percentile, such as `p99`.
fn is_percentile(metric: &str, implied: Kind) -> bool {
    implied == Kind::Time && Metric { kind: Kind::Percentile, ..Metric::time(metric, "s") }.rank().is_some()
}

fn reading(
    samples: Option<Vec<f64>>,
    value: Option<f64>,
    sd: Option<f64>,
    n: Option<u64>,
) -> Result<Reading, String> {
    let reading = match (samples, value) {
        (Some(_), None) if sd.is_some() || n.is_some() => {
            return Err("`sd` and `n` belong to a `value`; `samples` speak for themselves".to_owned());
        }
        (Some(samples), None) => Samples::new(samples).map(Reading::Samples),
        (None, Some(value)) => Summary::new(value, sd, n).map(Reading::Summary),
        (Some(_), Some(_)) => return Err("expected either `samples` or `value`, found both".to_owned()),
        (None, None) => return Err("expected `samples` or a `value`".to_owned()),
    };
    reading.map_err(|error| error.to_string())
}

fn better<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Better>, D::Error> {
    word(deserializer, Better::from_word, "`lower` or `higher`")
}

fn kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Kind>, D::Error> {
    word(deserializer, Kind::from_word, "time, size, rate, ratio, count, percentile or exact")
}

fn word<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    from_word: fn(&str) -> Option<T>,
    expected: &str,
) -> Result<Option<T>, D::Error> {
    let word = Option::<String>::deserialize(deserializer)?;
    let read = |word: String| {
        from_word(&word).ok_or_else(|| D::Error::custom(format!("expected {expected}, found `{word}`")))
    };
    word.map(read).transpose()
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::document::Document;
    use crate::format::{Options, read_stream};

    const FILE: &str = r#"{"tool": "load-test", "tool_version": "1.4", "benchmarks": [
        {"name": "query", "unit": "µs", "samples": [10.5, 11]},
        {"name": "query", "params": {"n": 100, "warm": true, "kind": "x"}, "metric": "rows", "unit": "rows/s",
         "better": "higher", "value": 95238.1, "sd": 2.5, "n": 30},
        {"name": "binary", "metric": "instructions", "unit": "instructions", "kind": "exact", "better": "lower",
         "value": 7}]}"#;

    fn refusal(text: &str) -> String {
        let error = read_stream("in", text.as_bytes(), &Options::named("perf")).unwrap_err();
        let cause = error.source().map(|cause| format!(" <- {cause}")).unwrap_or_default();
        format!("{error}{cause}")
    }

    fn one(rest: &str) -> String {
        format!(r#"{{"benchmarks": [{{"name": "a", {rest}}}]}}"#)
    }

    #[test]
    fn reads_every_key_of_the_format() {
        let output = read_stream("in", FILE.as_bytes(), &Options::default()).unwrap();
        assert_eq!(output.sources[0].tool, "load-test 1.4");
        let [exact, time, rate] = output.measurements.as_slice() else { panic!("three: {output:?}") };
        assert_eq!(exact.metric.kind, Kind::Exact);
        assert_eq!(time.metric, Metric::time("time", "us"));
        assert_eq!(time.reading.samples(), [10.5, 11.0]);
        assert_eq!(rate.series().to_string(), "query[kind=x,n=100,warm=true] rows");
        assert_eq!(rate.reading, Reading::Summary(Summary::new(95238.1, Some(2.5), Some(30)).unwrap()));
    }

    #[test]
    fn refuses_what_the_format_does_not_allow() {
        let twice = r#"{"benchmarks": [{"name": "a", "unit": "s", "value": 1}, {"name": "a", "unit": "ms", "value": 1}]}"#;
        for (text, expected) in [
            (one(r#""value": 1"#), "`benchmarks[0]`: `a` has no `unit`"),
            (r#"{"benchmarks": [{"unit": "s", "value": 1}]}"#.into(), "`benchmarks[0]`: has no `name`"),
            (one(r#""unit": " ", "value": 1"#), "`benchmarks[0]`: expected `unit` to name a unit"),
            (one(r#""unit": "s""#), "`benchmarks[0]`: expected `samples` or a `value`"),
            (one(r#""unit": "s", "value": 1, "samples": [1]"#), "found both"),
            (one(r#""unit": "s", "samples": [1], "n": 4"#), "belong to a `value`"),
            (one(r#""unit": "s", "samples": []"#), "`benchmarks[0]`: has no samples"),
            (
                one(r#""unit": "s", "samples": [1, null]"#),
                "`benchmarks[0]`: expected `samples[1]` to be a finite number",
            ),
            (
                one(r#""unit": "s", "samples": [NaN]"#),
                "`benchmarks[0]`: expected `samples[0]` to be a finite number",
            ),
            (one(r#""unit": "s", "value": 1, "sd": NaN"#), "expected `sd` to be a finite number"),
            (one(r#""unit": "s", "value": "1""#), "invalid type: string"),
            (one(r#""unit": "s", "value": 0x10"#), "at line 1 column"),
            (one(r#""unit": "s", "value": 007"#), "invalid number at line 1 column"),
            (
                one(r#""unit": "s", "value": Infinity"#),
                "`benchmarks[0]`: expected `value` to be a finite number",
            ),
            (one(r#""unit": "s", "value": 1e999"#), "number out of range at line 1 column"),
            (one(r#""unit": "s", "value": -1"#), "expected times of at least 0, found -1"),
            (one(r#""unit": "s", "value": 1, "sd": -1"#), "standard deviation -1"),
            (one(r#""unit": "s", "value": 1, "extra": 1"#), "unknown field `extra`"),
            (one(r#""unit": "s", "value": 1, "value": 2"#), "duplicate field `value`"),
            (one(r#""unit": "s", "value": 1, "better": "up""#), "expected `lower` or `higher`, found `up`"),
            (one(r#""unit": "s", "value": 1, "kind": "speed""#), "found `speed` at line 1 column"),
            (one(r#""unit": "s", "value": 1, "params": {"a": [1]}"#), "expected a string, a number, `true`"),
            (one(r#""unit": "B", "value": 1"#), "expected `metric` to say what is measured in B"),
            (one(r#""unit": "%", "metric": "errors", "value": 1"#), "the kind `ratio` does not imply it"),
            (r#"{"benchmarks": [{"name": "", "unit": "s", "value": 1}]}"#.into(), "found a blank one"),
            (r#"{"benchmarks": []}"#.into(), "in: holds no measurement"),
            (r#"{"measurements": []}"#.into(), "in: holds no measurement"),
            (r#"{"benchmarks": [], "version": 1}"#.into(), "unknown field `version`"),
            (twice.into(), "`benchmarks[1]` repeats `a time` of `benchmarks[0]`"),
        ] {
            let found = refusal(&text);
            assert!(found.starts_with("in: ") && found.contains(expected), "{text}: {found}");
        }
    }

    #[test]
    fn a_file_cut_anywhere_is_an_error() {
        for end in 0..FILE.len() {
            assert!(read_stream("in", &FILE.as_bytes()[..end], &Options::default()).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn a_dry_run_may_hold_more_than_measurements() {
        let text = r#"{"environment": {}, "sources": [], "skipped": [{"place": "a", "reason": "b"}],
            "measurements": [{"benchmark": "a", "params": {}, "metric": "time", "unit": "s", "better": "lower",
            "kind": "time", "value": 1.0, "samples": 0, "more": 1}]}"#;
        let output = read_stream("in", text.as_bytes(), &Options::default()).unwrap();
        assert_eq!(output.measurements[0].series().to_string(), "a time");
        assert!(output.skipped.is_empty());
    }

    proptest! {
        #[test]
        fn samples_are_read_back_exactly(name in "[a-z].{0,40}", samples in prop::collection::vec(0f64.., 1..50)) {
            let text = json!({ "benchmarks": [{ "name": name, "unit": "ns", "samples": samples }] }).to_string();
            let output = read_stream("in", text.as_bytes(), &Options::default()).unwrap();
            prop_assert_eq!(&output.measurements[0].benchmark, &name);
            prop_assert_eq!(output.measurements[0].reading.samples(), samples);
        }

        #[test]
        fn what_a_dry_run_prints_is_read_back_exactly(
            samples in prop::collection::vec(prop::num::f64::NORMAL, 1..20),
            value in prop::num::f64::NORMAL,
            sd in prop::option::of(0f64..1e9),
            n in prop::option::of(any::<u64>()),
            params: BTreeMap<String, String>,
        ) {
            let metric = |name: &str| Metric {
                name: name.into(), unit: Unit::new("widgets"), better: Better::Higher, kind: Kind::Count,
            };
            let of = |name, reading| Measurement { benchmark: "a".into(), params: params.clone(), metric: metric(name), reading };
            let before = vec![
                of("raw", Reading::Samples(Samples::new(samples).unwrap())),
                of("summary", Reading::Summary(Summary::new(value, sd, n).unwrap())),
            ];
            let source = perf_model::Source { format: "test".into(), tool: "test".into() };
            let output = Output::measured(source, before.clone());
            let text = serde_json::to_vec(&Document::new(vec![output])).unwrap();
            prop_assert_eq!(read_stream("in", text.as_slice(), &Options::default()).unwrap().measurements, before);
        }
    }
}
