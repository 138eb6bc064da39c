//! The formats of github-action-benchmark: the JSON that its custom tools read, and the history that it keeps.
//!
//! - A list `[{"name", "value", "unit", "range", "extra"}]`. Its direction is not in the file but in the `tool` of the
//!   workflow: `customSmallerIsBetter` or `customBiggerIsBetter`. Units of time, bytes and per second imply one; for
//!   others it has to be said, or the file read as `smaller-is-better` or `bigger-is-better`.
//! - `data.js`, in which the action keeps all results: `window.BENCHMARK_DATA = {"entries": {SUITE: [...]}}` with a
//!   commit, a tool and such a list each. The newest entry of every suite is read.
//!
//! The source of both is the action's `src/extract.ts` and `src/write.ts`. A `range` is what the tool behind it printed,
//! with another meaning for each tool; it is not kept.

use std::collections::BTreeMap;

use perf_model::{Better, Dimension, Kind, Measurement, Metric, Reading, Summary, Unit};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::kind::{Format, Keeps, Options, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::json::{self, Scalar};
use crate::number::decimal;
use crate::output::{Case, Output};

pub(super) const FORMAT: Format = Format {
    name: "github-action-benchmark",
    description: "the custom JSON of github-action-benchmark",
    command: "any script",
    keeps: Keeps::Summary,
    link: "https://github.com/benchmark-action/github-action-benchmark",
    reader: Reader::File { detect, read: |input| read_list(input, None) },
};

pub(super) const SMALLER: Format = Format {
    name: "smaller-is-better",
    description: "the custom JSON of github-action-benchmark for `customSmallerIsBetter`; never detected",
    reader: Reader::File { detect: |_| false, read: |input| read_list(input, Some(Better::Lower)) },
    ..FORMAT
};

pub(super) const BIGGER: Format = Format {
    name: "bigger-is-better",
    description: "the custom JSON of github-action-benchmark for `customBiggerIsBetter`; never detected",
    reader: Reader::File { detect: |_| false, read: |input| read_list(input, Some(Better::Higher)) },
    ..FORMAT
};

pub(super) const HISTORY: Format = Format {
    name: "github-action-history",
    description: "the `data.js` of github-action-benchmark: its newest entry",
    command: "git show gh-pages:dev/bench/data.js",
    reader: Reader::File { detect: detect_history, read: read_history },
    ..FORMAT
};

/// How `data.js` begins.
const ASSIGNMENT: &str = "window.BENCHMARK_DATA";

/// One result.
#[derive(Deserialize)]
struct Bench {
    name: Scalar,
    value: Scalar,
    unit: Option<String>,
}

/// One entry of the history of github-action-benchmark: what was measured at one commit.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryEntry {
    /// The suite, as the workflow calls it.
    pub suite: String,
    /// The full id of the commit, as the file has it.
    pub commit: String,
    /// When it was recorded, in milliseconds since 1970.
    pub date: Option<u64>,
    /// What was read, held to the rules for all formats; empty where none of it can be used.
    pub measurements: Vec<Measurement>,
    /// How many results were not used: those without a number, and those whose direction is unknown.
    pub skipped: usize,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    entries: BTreeMap<String, Vec<Recorded<'a>>>,
}

#[derive(Deserialize)]
struct Recorded<'a> {
    commit: Commit,
    date: Option<u64>,
    tool: Option<String>,
    #[serde(borrow)]
    benches: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Commit {
    id: String,
}

fn detect(input: &Input) -> bool {
    input.has_all(&["0/name", "0/value", "0/unit"])
}

fn read_list(input: &Input, better: Option<Better>) -> Result<Output, ReadError> {
    let list: Vec<&RawValue> = input.json("results for a custom tool of github-action-benchmark")?;
    let mut output = input.output(FORMAT.name, FORMAT.name);
    add_all(&mut output, &list, input.place(), None, better);
    output.number_repeats();
    Ok(output)
}

fn detect_history(input: &Input) -> bool {
    input.begins(ASSIGNMENT)
}

fn read_history(input: &Input) -> Result<Output, ReadError> {
    let data = data(input.text())
        .map_err(|cause| input.refuse("expected the history of github-action-benchmark").caused_by(cause))?;
    let mut output = input.output(HISTORY.name, FORMAT.name);
    for (suite, recorded) in &data.entries {
        let Some((index, newest)) = recorded.iter().enumerate().max_by_key(|(_, entry)| entry.date) else {
            continue;
        };
        let place = format!("{}: {suite}[{index}]", input.place());
        add_all(&mut output, &newest.benches, &place, Some(suite), direction(newest.tool.as_deref()));
        if recorded.len() > 1 {
            let commit: String = newest.commit.id.chars().take(7).collect();
            let reason =
                format!("{} older entries of `{suite}`; the newest is of {commit}", recorded.len() - 1);
            output.skip(input.place(), reason);
        }
    }
    output.number_repeats();
    Ok(output)
}

/// Returns every entry of a `data.js`, suite by suite, in the order of the file.
///
/// An error is that of the JSON in it.
pub fn history(text: &str, options: &Options) -> Result<Vec<HistoryEntry>, serde_json::Error> {
    let data = data(text)?;
    let entries =
        data.entries.iter().flat_map(|(suite, recorded)| recorded.iter().map(move |entry| (suite, entry)));
    Ok(entries.map(|(suite, entry)| history_entry(suite, entry, options)).collect())
}

fn history_entry(suite: &str, recorded: &Recorded<'_>, options: &Options) -> HistoryEntry {
    let mut output = Output::new(HISTORY.name, FORMAT.name).holding(options.max_readings);
    add_all(&mut output, &recorded.benches, suite, Some(suite), direction(recorded.tool.as_deref()));
    output.number_repeats();
    let checked = output.checked(suite, &options.better).map(|it| it.prefixed(options.prefix.as_deref()));
    let measurements = checked.map(|it| it.measurements).unwrap_or_default();
    let skipped = recorded.benches.len() - measurements.len();
    HistoryEntry {
        suite: suite.to_owned(),
        commit: recorded.commit.id.clone(),
        date: recorded.date,
        measurements,
        skipped,
    }
}

fn data(text: &str) -> Result<Data<'_>, serde_json::Error> {
    let json = text.trim_start().strip_prefix(ASSIGNMENT).unwrap_or(text);
    let json = json.trim_start().strip_prefix('=').unwrap_or(json).trim();
    serde_json::from_str(json.strip_suffix(';').unwrap_or(json))
}

/// Returns the direction that a tool of the action stands for; the others tell it by their units.
fn direction(tool: Option<&str>) -> Option<Better> {
    match tool? {
        "customSmallerIsBetter" => Some(Better::Lower),
        "customBiggerIsBetter" => Some(Better::Higher),
        _ => None,
    }
}

fn add_all(
    output: &mut Output,
    list: &[&RawValue],
    place: &str,
    suite: Option<&str>,
    better: Option<Better>,
) {
    for (place, bench) in json::entries::<Bench>(list, place, output) {
        let name = match suite {
            Some(suite) => format!("{suite}/{}", bench.name.0),
            None => bench.name.0,
        };
        let case = Case::new(name, place);
        let Some(value) = decimal(bench.value.0.trim()) else {
            output.skip(&case.place, format!("`{}`: its `value` is no number", case.name));
            continue;
        };
        let (metric, implied) = metric(bench.unit.as_deref().unwrap_or_default());
        let reading = Summary::new(value, None, None).map(Reading::Summary);
        match better.or(implied) {
            Some(better) => output.reading(&case, Metric { better, ..metric }, reading),
            None => output.undirected(&case, metric, reading),
        }
    }
}

/// Returns the metric that a unit stands for, and the direction where the unit implies one.
///
/// Tools behind the action write `ns/iter`, `ns/op`, `iter/sec` and `ops/sec`.
fn metric(written: &str) -> (Metric, Option<Better>) {
    let each = ["/iter", "/op"].iter().find_map(|end| written.trim().strip_suffix(end));
    let each = each
        .map(Unit::new)
        .filter(|unit| matches!(unit.dimension(), Some(Dimension::Time | Dimension::Bytes)));
    let per_second = written.trim().strip_suffix("/sec").map(|thing| Unit::new(&format!("{thing}/s")));
    let unit = each.or(per_second).unwrap_or_else(|| Unit::new(written));
    let kind = Kind::of_unit(&unit);
    let name = match kind {
        Kind::Time => "time",
        Kind::Size => "size",
        Kind::Rate => "throughput",
        Kind::Ratio | Kind::Count | Kind::Percentile | Kind::Exact if unit.symbol().is_empty() => "value",
        Kind::Ratio | Kind::Count | Kind::Percentile | Kind::Exact => unit.symbol(),
    };
    (
        Metric { name: name.to_owned(), unit: unit.clone(), better: Better::Lower, kind },
        kind.usual_direction(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests_of::{found, refusal, skips, withheld};

    const LIST: &str = r#"[
        {"name": "start", "value": "12.5", "unit": "ms", "range": "± 3", "extra": "x"},
        {"name": "start", "value": 7, "unit": "MiB"},
        {"name": 404, "value": 95, "unit": "ops/sec"},
        {"name": "loop", "value": 120, "unit": "ns/iter"},
        {"name": "widgets", "value": 3, "unit": "Widgets"},
        {"name": "broken", "value": "fast", "unit": "ms"},
        {"name": "odd", "value": {"n": 1}, "unit": "ms"}]"#;

    const DATA: &str = r#"window.BENCHMARK_DATA = {"lastUpdate": 3, "repoUrl": "https://example.org/o/r", "entries": {
        "Go": [
            {"commit": {"id": "1111111111111111111111111111111111111111"}, "date": 1, "tool": "go",
             "benches": [{"name": "BenchmarkA", "value": 10, "unit": "ns/op"}]},
            {"commit": {"id": "2222222222222222222222222222222222222222"}, "date": 2, "tool": "go",
             "benches": [{"name": "BenchmarkA", "value": 12, "unit": "ns/op", "extra": "9 times"}]}],
        "Score": [
            {"commit": {"id": "2222222222222222222222222222222222222222"}, "date": 2, "tool": "customBiggerIsBetter",
             "benches": [{"name": "s", "value": 5, "unit": "points"}, {"name": "t", "value": null, "unit": "points"}]}]}};
"#;

    #[test]
    fn units_tell_metric_and_direction_where_they_can() {
        let expected = [
            ("404 throughput", 95.0, "ops/s"),
            ("loop time", 120.0, "ns"),
            ("start size", 7.0, "MiB"),
            ("start time", 12.5, "ms"),
        ];
        assert_eq!(
            found(LIST, ""),
            expected.map(|(name, value, unit)| (name.to_owned(), value, unit.to_owned()))
        );
        assert_eq!(withheld(LIST, "")[0].0, "widgets Widgets");
        assert!(skips(LIST, "").iter().any(|skip| skip == "in[5]: `broken`: its `value` is no number"));
        assert!(skips(LIST, "").iter().any(|skip| skip.starts_with("in[6]: ")));
    }

    #[test]
    fn the_name_of_the_format_tells_the_direction_of_the_others() {
        for format in [SMALLER, BIGGER] {
            assert!(
                found(LIST, format.name).iter().any(|(name, ..)| name == "widgets Widgets"),
                "{}",
                format.name
            );
            assert!(withheld(LIST, format.name).is_empty());
        }
    }

    #[test]
    fn the_newest_entry_of_every_suite_is_read() {
        let expected = [("Go/BenchmarkA time", 12.0, "ns"), ("Score/s points", 5.0, "points")];
        assert_eq!(
            found(DATA, ""),
            expected.map(|(name, value, unit)| (name.to_owned(), value, unit.to_owned()))
        );
        assert!(
            skips(DATA, "").contains(&"in: 1 older entries of `Go`; the newest is of 2222222".to_owned())
        );
    }

    #[test]
    fn a_history_has_every_commit() {
        let entries = history(DATA, &Options::default()).unwrap();
        let short: Vec<_> = entries
            .iter()
            .map(|entry| (entry.suite.as_str(), &entry.commit[..1], entry.measurements.len(), entry.skipped))
            .collect();
        assert_eq!(short, [("Go", "1", 1, 0), ("Go", "2", 1, 0), ("Score", "2", 1, 1)]);
        assert_eq!(entries[2].measurements[0].metric.better, Better::Higher);
        assert!(history("window.BENCHMARK_DATA = {", &Options::default()).is_err());
    }

    #[test]
    fn a_history_that_is_cut_is_an_error() {
        assert!(refusal(&DATA[..200], "").contains("expected the history of github-action-benchmark <- "));
        assert!(refusal("window.BENCHMARK_DATA = {\"entries\": {}}", "").contains("holds no measurement"));
    }
}
