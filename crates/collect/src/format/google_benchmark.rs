//! The JSON and CSV of Google Benchmark, 1.4 to 1.9.
//!
//! Every row of `run_type` `iteration` with one `run_name` is a sample; the `aggregate` rows are derived from them
//! and are read only where a file has nothing else, the median first. Before 1.5 rows have neither key, and their
//! names end in `_mean`, `_median`, `_stddev` or `_cv`. `BigO` and `RMS` rows hold no time. User counters stand
//! between the other keys and tell neither unit nor direction. `NaN` and `inf` occur. The source is
//! `json_reporter.cc` and `csv_reporter.cc`.

use std::collections::{BTreeMap, BTreeSet};

use perf_model::{Metric, Reading, Samples, Unit};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::json;
use crate::number;
use crate::output::{Case, Output, Spread};

pub(super) const FORMAT: Format = Format {
    name: "google-benchmark",
    description: "the JSON or CSV of Google Benchmark; repetitions are samples",
    command: "BENCHMARK --benchmark_out=FILE --benchmark_out_format=json",
    keeps: Keeps::Samples,
    link: "https://github.com/google/benchmark",
    reader: Reader::File { detect, read },
};

#[derive(Deserialize)]
struct File<'a> {
    #[serde(default)]
    context: Context,
    #[serde(borrow)]
    benchmarks: Vec<&'a RawValue>,
}

/// One row, whose keys are the fields and the counters.
type Row = Map<String, Value>;

#[derive(Default, Deserialize)]
struct Context {
    library_version: Option<String>,
}

/// Keys that are no user counters.
const KNOWN: [&str; 24] = [
    "name",
    "family_index",
    "per_family_instance_index",
    "run_name",
    "run_type",
    "repetitions",
    "repetition_index",
    "threads",
    "iterations",
    "real_time",
    "cpu_time",
    "time_unit",
    "label",
    "aggregate_name",
    "aggregate_unit",
    "error_occurred",
    "error_message",
    "skipped",
    "skip_message",
    "bytes_per_second",
    "items_per_second",
    "big_o",
    "rms",
    "allocs_per_iter",
];

/// The first columns of a CSV file; what follows are counters.
const CSV_HEADER: &str = "name,iterations,real_time,cpu_time,time_unit";

fn detect(input: &Input) -> bool {
    input.has_all(&["context", "benchmarks/0/name", "benchmarks/0/iterations"])
        || input.has_all(&["context", "benchmarks/0/name", "benchmarks/0/real_time"])
        || input.any_line(|line| line.starts_with(CSV_HEADER))
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let mut output = input.output(FORMAT.name, FORMAT.name);
    let rows: Vec<(String, Row)> = if input.has("benchmarks") {
        let file: File = input.json("the JSON of Google Benchmark")?;
        output.note_version(file.context.library_version);
        json::entries(&file.benchmarks, &format!("{}: benchmarks", input.place()), &mut output)
    } else {
        csv_rows(input, &mut output)?
    };
    let measured: BTreeSet<String> =
        rows.iter().filter(|(_, row)| aggregate(row).is_none()).map(|(_, row)| run_name(row)).collect();
    let medians = rows.iter().filter(|(_, row)| aggregate(row).as_deref() == Some("median"));
    let medians: BTreeSet<String> = medians.map(|(_, row)| run_name(row)).collect();
    for (place, row) in &rows {
        let name = run_name(row);
        match aggregate(row).as_deref() {
            None => add(row, &Case::new(name, place), &mut output),
            Some(_) if measured.contains(&name) => {}
            Some("median") => summarise(row, &Case::new(name, place), &mut output),
            Some("mean") if !medians.contains(&name) => summarise(row, &Case::new(name, place), &mut output),
            Some(_) => {}
        }
    }
    output.pool_repeats();
    output.number_repeats();
    Ok(output)
}

/// Returns which aggregate a row is, if it is one.
fn aggregate(row: &Row) -> Option<String> {
    let text = |key| row.get(key).and_then(Value::as_str);
    match text("run_type") {
        Some("aggregate") => Some(text("aggregate_name").unwrap_or_default().to_owned()),
        Some(_) => None,
        None => {
            let (_, suffix) = text("name")?.rsplit_once('_')?;
            let known = ["mean", "median", "stddev", "cv", "BigO", "RMS"].contains(&suffix);
            known.then(|| suffix.to_owned())
        }
    }
}

fn run_name(row: &Row) -> String {
    let name = row.get("name").and_then(Value::as_str).unwrap_or_default();
    if let Some(run_name) = row.get("run_name").and_then(Value::as_str) {
        return run_name.to_owned();
    }
    let cut = aggregate(row).and_then(|suffix| name.strip_suffix(suffix.as_str())?.strip_suffix('_'));
    cut.unwrap_or(name).to_owned()
}

/// Adds one repetition.
fn add(row: &Row, case: &Case, output: &mut Output) {
    for (flag, message) in [("error_occurred", "error_message"), ("skipped", "skip_message")] {
        if row.get(flag).is_some_and(|flag| flag.as_bool().unwrap_or(!flag.is_null())) {
            let message = row.get(message).and_then(Value::as_str).unwrap_or("no message");
            return output.skip(&case.place, format!("`{}` did not run: {message}", case.name));
        }
    }
    let unit = row.get("time_unit").and_then(Value::as_str).unwrap_or("ns");
    let Some(time) = row.get("real_time").and_then(Value::as_f64) else {
        return output.skip(&case.place, format!("`{}`: expected `real_time` to be a number", case.name));
    };
    output.samples(case, Metric::time("time", unit), vec![time]);
    if let Some(time) = row.get("cpu_time").and_then(Value::as_f64) {
        output.samples(case, Metric::time("cpu-time", unit), vec![time]);
    }
    for (key, metric, unit) in
        [("bytes_per_second", "throughput-bytes", "B/s"), ("items_per_second", "throughput", "item/s")]
    {
        if let Some(rate) = row.get(key).and_then(Value::as_f64) {
            output.samples(case, Metric::rate(metric, unit), vec![rate]);
        }
    }
    for (key, value) in row.iter().filter(|(key, _)| !KNOWN.contains(&key.as_str())) {
        match value.as_f64() {
            Some(value) => {
                let reading = Samples::new(vec![value]).map(Reading::Samples);
                output.undirected(case, Metric::count(key, "count"), reading);
            }
            None => output.skip(&case.place, format!("`{}`: counter `{key}` is no number", case.name)),
        }
    }
}

/// Adds the times of an aggregate.
fn summarise(row: &Row, case: &Case, output: &mut Output) {
    let unit = row.get("time_unit").and_then(Value::as_str).unwrap_or("ns");
    let spread = Spread { sd: None, n: row.get("repetitions").and_then(Value::as_u64) };
    for (key, metric) in [("real_time", "time"), ("cpu_time", "cpu-time")] {
        if let Some(time) = row.get(key).and_then(Value::as_f64) {
            output.summary(case, Metric::time(metric, Unit::new(unit).symbol()), time, spread);
        }
    }
}

/// Reads the rows of a CSV file below its lines of context, with the keys that the JSON has.
fn csv_rows(input: &Input, output: &mut Output) -> Result<Vec<(String, Row)>, ReadError> {
    let begin =
        input.text().find(CSV_HEADER).ok_or_else(|| input.refuse("expected CSV of Google Benchmark"))?;
    let text = &input.text()[begin..];
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header: Vec<String> = match reader.headers() {
        Ok(header) => header.iter().map(str::to_owned).collect(),
        Err(cause) => return Err(input.refuse("expected CSV of Google Benchmark").caused_by(cause)),
    };
    let mut rows = Vec::new();
    for (index, record) in reader.records().enumerate() {
        let place = format!("{}: row {}", input.place(), index + 1);
        match record {
            Ok(record) if record.len() <= header.len() => {
                let cells: BTreeMap<&str, &str> = header.iter().map(String::as_str).zip(&record).collect();
                rows.push((place, row_of(&cells)));
            }
            Ok(record) => {
                output.skip(place, format!("{} cells under {} columns", record.len(), header.len()))
            }
            Err(cause) => output.skip(place, cause.to_string()),
        }
    }
    Ok(rows)
}

fn row_of(cells: &BTreeMap<&str, &str>) -> Row {
    let texts = ["name", "time_unit", "label", "error_message"];
    let cell = |(key, cell): (&&str, &&str)| {
        let value = match number::decimal(cell) {
            Some(value) if !texts.contains(key) => Value::from(value),
            Some(_) | None => Value::from(*cell),
        };
        let value = if *key == "error_occurred" { Value::from(*cell == "true") } else { value };
        ((*key).to_owned(), value)
    };
    cells.iter().filter(|(_, cell)| !cell.is_empty()).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, parse};

    fn file(rows: &str) -> String {
        format!(r#"{{"context": {{"library_version": "v1.9.5"}}, "benchmarks": [{rows}]}}"#)
    }

    #[test]
    fn repetitions_are_samples_and_aggregates_no_benchmarks() {
        let row = |kind: &str, time: &str| {
            format!(
                r#"{{"name": "a/5_{kind}", "run_name": "a/5", "run_type": "{kind}", "aggregate_name": "median",
                "iterations": 1, "real_time": {time}, "cpu_time": 1, "time_unit": "us"}}"#
            )
        };
        let text = file(&[row("iteration", "3"), row("iteration", "1"), row("aggregate", "99")].join(","));
        let output = parse(&format!("Run on 2 CPUs\n{text}"));
        assert_eq!(found(&output), ["a/5 cpu-time 1 us", "a/5 time 2 us"]);
        assert_eq!(output.measurements[1].reading.samples(), [3.0, 1.0]);
        assert_eq!(output.sources[0].tool, "google-benchmark v1.9.5");
        assert_eq!(output.skipped[0].reason, "lines around the JSON in it");
        let only = parse(&file(&[row("aggregate", "7")].join(",")));
        assert_eq!(found(&only), ["a/5 cpu-time 1 us", "a/5 time 7 us"]);
    }

    #[test]
    fn no_row_loses_the_others() {
        let text = file(
            r#"{"name": "good", "iterations": 1, "real_time": 2.5e-1, "cpu_time": 0.25, "time_unit": "ms",
                "bytes_per_second": 8, "Foo": 42.0, "odd": nan, "inf": inf},
            {"name": "good_BigO", "run_type": "aggregate", "aggregate_name": "BigO", "cpu_coefficient": 1},
            {"name": "good_cv", "iterations": 1, "real_time": 0.5, "cpu_time": 1, "time_unit": "ms"},
            {"name": "bad", "iterations": 1, "error_occurred": true, "error_message": "why", "real_time": 0.0},
            7"#,
        );
        let output = parse(&text);
        let expected = ["good cpu-time 0.25 ms", "good throughput-bytes 8 B/s", "good time 0.25 ms"];
        assert_eq!(found(&output), expected);
        let reasons: Vec<_> = output.skipped.iter().map(|skipped| skipped.reason.as_str()).collect();
        assert!(reasons[0].starts_with("invalid type: integer `7`"), "{reasons:?}");
        assert!(reasons.contains(&"`bad` did not run: why"), "{reasons:?}");
        assert_eq!(reasons.iter().filter(|reason| reason.contains("is no number")).count(), 2);
        assert!(reasons.iter().any(|reason| reason.starts_with("1 series of `Foo`")));
    }

    #[test]
    fn reads_csv_below_its_context() {
        let text = "2026-01-01\nRunning ./a\nname,iterations,real_time,cpu_time,time_unit,bytes_per_second,\
            items_per_second,label,error_occurred,error_message\n\"a/\"\"b\"\"\",10,1.5,0.5,us,,4,,,\n\
            \"e\",,,,,,,,true,\"why\"\n";
        let expected = ["a/\"b\" cpu-time 0.5 us", "a/\"b\" throughput 4 item/s", "a/\"b\" time 1.5 us"];
        let output = parse(text);
        assert_eq!(found(&output), expected);
        assert_eq!(output.skipped[0].reason, "`e` did not run: why");
    }
}
