//! What Locust writes with `--csv PREFIX` (`PREFIX_stats.csv`, `PREFIX_stats_history.csv`) and with `--json`.
//!
//! The source of the layouts is Locust's `stats.py`. A row of the statistics is one endpoint: its method, its name,
//! how many requests were made and how many failed, response times in ms with percentiles that Locust rounds to
//! two digits, and requests per second; the last row, `Aggregated`, is the whole test. Before version 1.0 some
//! columns had other names. The statistics are written every second, so that they miss the last one; `--json` has
//! it, as a histogram of rounded times. The history holds running totals, of which the last are read; its
//! percentiles are those of the last ten seconds and are not read. The tables of failures and exceptions
//! (`PREFIX_failures.csv`, `PREFIX_exceptions.csv`) measure nothing.

use std::collections::BTreeMap;

use perf_model::Metric;
use serde::Deserialize;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::load::{self, Load, RANKS};
use crate::number::decimal;
use crate::output::{Case, Output};
use crate::table::{Row, Table, header};

pub(super) const FORMAT: Format = Format {
    name: "locust",
    description: "`PREFIX_stats.csv` of `locust --csv PREFIX`, or the output of `locust --json`",
    command: "locust --headless --csv PREFIX",
    keeps: Keeps::Summary,
    link: "https://docs.locust.io/en/stable/retrieving-stats.html",
    reader: Reader::File { detect, read },
};

const REQUESTS: &[&str] = &["Request Count", "# requests", "Total Request Count"];
const FAILURES: &[&str] = &["Failure Count", "# failures", "Total Failure Count"];
const AVERAGE: &[&str] = &["Average Response Time", "Total Average Response Time"];
const METHOD: &[&str] = &["Type", "Method"];

/// The tables that Locust writes, told apart by their header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sheet {
    Statistics,
    /// The percentiles of Locust before 1.0, which had a file of their own.
    Distribution,
    History,
    Failures,
    Exceptions,
}

/// One entry of `--json`.
#[derive(Deserialize)]
struct Entry {
    name: String,
    method: Option<String>,
    start_time: Option<f64>,
    last_request_timestamp: Option<f64>,
    num_requests: u64,
    #[serde(default)]
    num_failures: u64,
    total_response_time: f64,
    response_times: BTreeMap<String, u64>,
}

fn detect(input: &Input) -> bool {
    sheet(input.text()).is_some() || is_json(input)
}

fn is_json(input: &Input) -> bool {
    input.has("0/num_requests") && input.has("0/response_times")
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let loads = match sheet(input.text()) {
        Some(Sheet::Statistics) => read_statistics(input)?,
        Some(Sheet::Distribution) => read_distribution(input)?,
        Some(Sheet::History) => read_history(input)?,
        Some(Sheet::Failures) => return Err(no_measurement(input, "failures")),
        Some(Sheet::Exceptions) => return Err(no_measurement(input, "exceptions")),
        None => read_json(input)?,
    };
    let mut output = input.output(FORMAT.name, FORMAT.name);
    load::finish(loads, &mut output);
    Ok(output)
}

fn no_measurement(input: &Input, what: &str) -> ReadError {
    let statistics = input.place().replace(&format!("_{what}.csv"), "_stats.csv");
    input
        .refuse(format!("is Locust's table of {what}, which measures nothing"))
        .with_hint(format!("`perf collect {statistics}` reads the statistics beside it"))
}

fn sheet(text: &str) -> Option<Sheet> {
    let header: Vec<_> = header(text, b',').iter().map(|name| name.to_lowercase()).collect();
    let names: Vec<_> = header.iter().map(String::as_str).collect();
    match names.as_slice() {
        ["type" | "method", "name", "request count" | "# requests", ..] => Some(Sheet::Statistics),
        ["name", "# requests", "50%", ..] => Some(Sheet::Distribution),
        ["timestamp", "user count", "type" | "method", "name", ..] => Some(Sheet::History),
        ["method", "name", "error", "occurrences", ..] => Some(Sheet::Failures),
        ["count", "message", "traceback", "nodes"] => Some(Sheet::Exceptions),
        _ => None,
    }
}

fn read_statistics(input: &Input) -> Result<Vec<Load>, ReadError> {
    let table = Table::read(input, b',')?;
    table.rows().map(|row| statistics(input, &table, row)).collect()
}

fn statistics(input: &Input, table: &Table, row: Row<'_>) -> Result<Load, ReadError> {
    let mut load = started(input, row)?;
    add(&mut load, Metric::time("latency", "ms"), number(input, row, AVERAGE)?);
    for (column, rank) in ranks(table) {
        add(&mut load, Metric::percentile(rank, "ms"), number(input, row, &[column])?);
    }
    add(&mut load, Metric::rate("throughput", "req/s"), number(input, row, &["Requests/s"])?);
    Ok(load)
}

fn read_distribution(input: &Input) -> Result<Vec<Load>, ReadError> {
    let table = Table::read(input, b',')?;
    let percentiles = |row: Row<'_>| {
        let mut load = Load::new(case(input, row));
        for (column, rank) in ranks(&table) {
            add(&mut load, Metric::percentile(rank, "ms"), number(input, row, &[column])?);
        }
        Ok(load)
    };
    table.rows().map(percentiles).collect()
}

/// Reads the last row of every endpoint, which holds the totals of the whole test.
fn read_history(input: &Input) -> Result<Vec<Load>, ReadError> {
    let table = Table::read(input, b',')?;
    let mut last = BTreeMap::new();
    for row in table.rows() {
        last.insert((row.get(METHOD), row.get(&["Name"])), row);
    }
    let totals = |row: Row<'_>| {
        let mut load = started(input, row)?;
        add(&mut load, Metric::time("latency", "ms"), number(input, row, AVERAGE)?);
        let median = number(input, row, &["Total Median Response Time"])?;
        add(&mut load, Metric::percentile("50", "ms"), median);
        Ok(load)
    };
    last.into_values().map(totals).collect()
}

/// Returns what a row says of its endpoint before any time: its name and its counts.
fn started(input: &Input, row: Row<'_>) -> Result<Load, ReadError> {
    let mut load = Load::new(case(input, row));
    let count = |names: &[&str]| -> Result<u64, ReadError> {
        let found = number(input, row, names)?.unwrap_or_default();
        if found < 0.0 || found.fract() != 0.0 {
            let problem =
                format!("line {}: expected `{}` to be a count, found {found}", row.line(), names[0]);
            return Err(input.refuse(problem));
        }
        Ok(found as u64)
    };
    load.requests(count(REQUESTS)?, count(FAILURES)?);
    Ok(load)
}

fn case(input: &Input, row: Row<'_>) -> Case {
    let place = format!("{}:{}", input.place(), row.line());
    Case::new(name(row.get(METHOD), row.get(&["Name"]).unwrap_or_default()), place)
}

fn add(load: &mut Load, metric: Metric, value: Option<f64>) {
    if let Some(value) = value {
        load.add(metric, value);
    }
}

/// Returns the columns of percentiles, such as `99.9%`, each with its rank.
fn ranks(table: &Table) -> impl Iterator<Item = (&str, &str)> {
    let ranked = |name: &&str| name.strip_suffix('%').is_some_and(|rank| decimal(rank).is_some());
    table.header().iter().map(String::as_str).filter(ranked).map(|name| (name, name.trim_end_matches('%')))
}

/// Reads a cell; `None` where the column is missing, or Locust has no number (`N/A`).
fn number(input: &Input, row: Row<'_>, names: &[&str]) -> Result<Option<f64>, ReadError> {
    let Some(cell) = row.get(names).filter(|cell| !cell.is_empty() && *cell != "N/A") else {
        return Ok(None);
    };
    match decimal(cell) {
        Some(value) => Ok(Some(value)),
        None => {
            let column = names[0];
            Err(input
                .refuse(format!("line {}: expected `{column}` to be a number, found `{cell}`", row.line())))
        }
    }
}

/// Returns `GET /path`. The whole test has no method; Locust before 1.0 writes `None` there and calls it `Total`.
fn name(method: Option<&str>, name: &str) -> String {
    match method {
        None | Some("" | "None") if name == "Total" => "Aggregated".to_owned(),
        None | Some("" | "None") => name.to_owned(),
        Some(method) => format!("{method} {name}"),
    }
}

fn read_json(input: &Input) -> Result<Vec<Load>, ReadError> {
    let entries: Vec<Entry> = input.json("the statistics that `locust --json` prints")?;
    // Locust divides the requests of every endpoint by the time of the whole test.
    let start = entries.iter().filter_map(|entry| entry.start_time).reduce(f64::min);
    let end = entries.iter().filter_map(|entry| entry.last_request_timestamp).reduce(f64::max);
    let seconds = start.zip(end).map(|(start, end)| end - start).filter(|seconds| *seconds > 0.0);
    entries.into_iter().map(|entry| endpoint(input, entry, seconds)).collect()
}

fn endpoint(input: &Input, entry: Entry, seconds: Option<f64>) -> Result<Load, ReadError> {
    let mut load = Load::new(Case::new(name(entry.method.as_deref(), &entry.name), input.place()));
    load.requests(entry.num_requests, entry.num_failures);
    if entry.num_requests == 0 {
        return Ok(load);
    }
    let requests = entry.num_requests as f64;
    load.add(Metric::time("latency", "ms"), entry.total_response_time / requests);
    let histogram = histogram(&entry.response_times).ok_or_else(|| {
        input.refuse(format!("expected `response_times` of `{}` to have times as keys", entry.name))
    })?;
    for rank in RANKS {
        let share: f64 = decimal(rank).expect("ranks are numbers");
        if let Some(time) = percentile(&histogram, share) {
            load.add(Metric::percentile(rank, "ms"), time);
        }
    }
    if let Some(seconds) = seconds {
        load.add(Metric::rate("throughput", "req/s"), requests / seconds);
    }
    Ok(load)
}

/// Returns times with how often they were seen, slowest first.
fn histogram(times: &BTreeMap<String, u64>) -> Option<Vec<(f64, u64)>> {
    let mut histogram: Vec<_> =
        times.iter().map(|(time, count)| Some((decimal(time)?, *count))).collect::<Option<_>>()?;
    histogram.sort_by(|a, b| b.0.total_cmp(&a.0));
    Some(histogram)
}

/// Returns a percentile as Locust computes it for its table (`calculate_response_time_percentile`).
fn percentile(histogram: &[(f64, u64)], rank: f64) -> Option<f64> {
    let total: u64 = histogram.iter().map(|(_, count)| count).sum();
    let below = (total as f64 * rank / 100.0) as u64;
    let mut left = total;
    histogram.iter().find_map(|(time, count)| {
        left = left.saturating_sub(*count);
        (left <= below).then_some(*time)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests_of::{found, refusal, skips, withheld};

    /// One run of Locust 2.47 with `--csv`, `--csv-full-history` and `--json`, in which `/missing` answers 404.
    const STATISTICS: &str = include_str!("../../fixtures/locust_mixed_stats.csv");
    const HISTORY: &str = include_str!("../../fixtures/locust_mixed_stats_history.csv");
    const FAILURES: &str = include_str!("../../fixtures/locust_mixed_failures.csv");
    const JSON: &str = include_str!("../../fixtures/locust_mixed.json");
    /// A run against a port where nobody listens.
    const REFUSED: [&str; 2] = [
        include_str!("../../fixtures/locust_refused_stats.csv"),
        include_str!("../../fixtures/locust_refused.json"),
    ];

    const POST: &str = "POST /items?id=%5Bid%5D,%20%22q%22";

    fn value(text: &str, series: &str) -> Option<(f64, String)> {
        let found = found(text, "").into_iter().find(|(name, ..)| name == series);
        found.map(|(_, value, unit)| (value, unit))
    }

    #[test]
    fn reads_endpoints_and_the_whole_test() {
        for (series, expected, unit) in [
            ("GET / latency", 43.56982918199554, "ms"),
            ("GET / p50", 43.0, "ms"),
            ("GET / p99.9", 48.0, "ms"),
            ("GET / p100", 48.0, "ms"),
            ("GET / throughput", 18.463857859008844, "req/s"),
            ("GET / failure-rate", 0.0, "ratio"),
            (&format!("{POST} p95"), 48.0, "ms"),
            ("GET /missing failure-rate", 1.0, "ratio"),
            ("Aggregated throughput", 31.556411613578753, "req/s"),
            ("Aggregated failure-rate", 12.0 / 94.0, "ratio"),
        ] {
            assert_eq!(value(STATISTICS, series), Some((expected, unit.to_owned())), "{series}");
        }
        assert_eq!(
            found(STATISTICS, "").len(),
            3 * 14 + 1,
            "an endpoint that always fails has its failure rate alone"
        );
    }

    #[test]
    fn percentiles_know_how_many_requests_are_behind_them() {
        let output = crate::read_stream("in", STATISTICS.as_bytes(), &crate::Options::default()).unwrap();
        let p95 = output.measurements.iter().find(|m| m.series().to_string() == "GET / p95").unwrap();
        assert_eq!(p95.metric, Metric::percentile("95", "ms"));
        assert!(matches!(&p95.reading, perf_model::Reading::Summary(summary) if summary.n() == Some(55)));
    }

    #[test]
    fn the_json_has_the_last_second_too() {
        for (series, expected) in
            [("GET / p50", 43.0), ("GET / p99", 60.0), ("GET /missing failure-rate", 1.0)]
        {
            assert_eq!(value(JSON, series).map(|it| it.0), Some(expected), "{series}");
        }
        let (latency, unit) = value(JSON, "GET / latency").unwrap();
        assert!((latency - 43.5).abs() < 1.0 && unit == "ms", "{latency} {unit}");
        assert!(value(JSON, "GET / throughput").unwrap().0 > 15.0);
    }

    #[test]
    fn the_history_ends_in_the_totals() {
        assert_eq!(value(HISTORY, "GET / latency"), value(STATISTICS, "GET / latency"));
        assert_eq!(value(HISTORY, "Aggregated failure-rate"), Some((12.0 / 94.0, "ratio".to_owned())));
    }

    #[test]
    fn a_test_in_which_every_request_failed_has_no_result() {
        for text in REFUSED {
            assert!(found(text, "").is_empty());
            assert!(withheld(text, "").iter().any(|(name, _)| name == "GET / latency"));
            assert!(skips(text, "")[0].ends_with("requests failed, and failing fast is not speed"));
        }
    }

    #[test]
    fn other_tables_are_refused_with_the_name_of_the_right_one() {
        for (text, what) in [(FAILURES, "failures"), ("Count,Message,Traceback,Nodes\n", "exceptions")] {
            let file = format!("out/run_{what}.csv");
            let error = crate::read_stream(&file, text.as_bytes(), &crate::Options::default()).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("{file}: is Locust's table of {what}, which measures nothing")
            );
            assert_eq!(error.hint(), Some("`perf collect out/run_stats.csv` reads the statistics beside it"));
        }
    }

    #[test]
    fn older_versions_call_the_columns_otherwise() {
        let old = "\"Method\",\"Name\",\"# requests\",\"# failures\",\"Median response time\",\
                   \"Average response time\",\"Min response time\",\"Max response time\",\
                   \"Average Content Size\",\"Requests/s\"\n\
                   \"GET\",\"/a\",200,2,90,95.5,80,300,10,20.5\n\
                   \"None\",\"Total\",200,2,90,95.5,80,300,10,20.5\n";
        let found = found(old, "");
        let names: Vec<_> = found.iter().map(|(name, ..)| name.as_str()).collect();
        assert_eq!(names[..3], ["Aggregated failure-rate", "Aggregated latency", "Aggregated throughput"]);
        assert_eq!(value(old, "GET /a latency").map(|it| it.0), Some(95.5));
        let percentiles = "\"Name\",\"# requests\",\"50%\",\"95%\"\n\"GET /a\",200,90,120\n";
        assert_eq!(value(percentiles, "GET /a p95").map(|it| it.0), Some(120.0));
    }

    #[test]
    fn what_is_no_number_is_an_error_with_its_line() {
        let bad = STATISTICS.replace("43.56982918199554", "fast");
        assert_eq!(
            refusal(&bad, ""),
            "in: line 2: expected `Average Response Time` to be a number, found `fast`"
        );
        let idle = STATISTICS.lines().next().unwrap().to_owned()
            + "\nGET,/,0,0,N/A,0,0,0,0,0,0,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A,N/A\n";
        assert!(refusal(&idle, "").ends_with("`GET /`: no request was made"));
    }
}
