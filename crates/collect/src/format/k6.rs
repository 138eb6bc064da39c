//! The summaries of k6, in three layouts.
//!
//! - `--summary-export FILE` (k6 0.26 to 2): `metrics` by name with their values beside each other; neither the
//!   type nor the unit of a metric is there. A threshold is `true` if it was *crossed* (issue 1498 of k6).
//! - the data that `handleSummary` gets: `metrics` by name with `type`, `contains` and `values`. A threshold has
//!   `ok`, which is `true` if it was held.
//! - `--new-machine-readable-summary` (from 1.5): a list `results.metrics`; counters have no rate there, so that
//!   their count is divided by `config.duration`. It tells nothing of thresholds.
//!
//! Times are in milliseconds. Each of k6's metrics, such as `http_req_duration{expected_response:true}`, is a
//! benchmark here; what is read off it is `mean`, `p50`, `p95`..., `throughput`, `failure-rate` and how many of its
//! thresholds were crossed (`violations`). Whether more or less of a metric of the script's own is better, and in
//! which unit a trend of it is, k6 does not say.

use std::collections::BTreeMap;

use perf_model::{Better, Kind, Metric, Reading, Summary, Unit};
use serde::Deserialize;
use serde_json::Value;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::number::decimal;
use crate::output::{Case, Output};
use crate::table::header;

pub(super) const FORMAT: Format = Format {
    name: "k6",
    description: "the summary of k6: `--summary-export`, `handleSummary` or `--new-machine-readable-summary`",
    command: "k6 run --summary-export=summary.json test.js",
    keeps: Keeps::Summary,
    link: "https://grafana.com/docs/k6/latest/results-output/end-of-test/",
    reader: Reader::File { detect, read },
};

/// Trends that k6 itself measures, all of them times; `http_req_...` are further ones.
const TIMES: [&str; 11] = [
    "browser_http_req_duration",
    "browser_web_vital_fcp",
    "browser_web_vital_fid",
    "browser_web_vital_inp",
    "browser_web_vital_lcp",
    "browser_web_vital_ttfb",
    "group_duration",
    "grpc_req_duration",
    "iteration_duration",
    "ws_connecting",
    "ws_session_duration",
];

/// How much load there was: a setting of the test, not a result.
const SETTINGS: [&str; 2] = ["vus", "vus_max"];

/// The layouts of `--summary-export` and of `handleSummary`.
#[derive(Deserialize)]
struct ByName {
    metrics: BTreeMap<String, Value>,
}

/// The layout of `--new-machine-readable-summary`.
#[derive(Deserialize)]
struct Listed {
    results: Results,
    #[serde(default)]
    config: RunConfig,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Results {
    metrics: Vec<Value>,
    #[serde(default)]
    checks: Checks,
}

#[derive(Default, Deserialize)]
struct Checks {
    #[serde(default)]
    results: Vec<Check>,
}

#[derive(Deserialize)]
struct Check {
    passes: f64,
    fails: f64,
}

#[derive(Default, Deserialize)]
struct RunConfig {
    duration: Option<f64>,
}

#[derive(Deserialize)]
struct Metadata {
    k6_version: Option<String>,
}

/// One of k6's metrics, whatever layout it comes from.
struct Found {
    name: String,
    sort: Sort,
    /// What its values are: `time`, `data` or anything else; `None` where the layout does not tell.
    contains: Option<String>,
    values: BTreeMap<String, f64>,
    /// How many thresholds there are, and how many of them were crossed.
    thresholds: Option<(usize, usize)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Trend,
    Counter,
    Rate,
    Gauge,
}

fn detect(input: &Input) -> bool {
    input.has("metrics") && input.has("root_group")
        || input.has("results/metrics") && input.has("metadata/k6_version")
        || is_points(input)
}

/// Says whether this is `--out csv` or `--out json`, which have one row for each reading of each metric.
fn is_points(input: &Input) -> bool {
    if input.has_all(&["metric", "type", "data/value", "data/time"]) {
        return true;
    }
    header(input.text(), b',').starts_with(&[
        "metric_name".to_owned(),
        "timestamp".to_owned(),
        "metric_value".to_owned(),
    ])
}

fn read(input: &Input) -> Result<Output, ReadError> {
    if is_points(input) {
        return Err(input
            .refuse("is k6's list of all points, expected a summary")
            .with_hint("`k6 run --summary-export=summary.json ...` writes one"));
    }
    let (version, found, skipped) = match input.has("results/metrics") {
        true => listed(input)?,
        false => by_name(input)?,
    };
    let mut output = input.output(FORMAT.name, FORMAT.name);
    output.note_version(version);
    for name in skipped {
        output.skip(input.place(), format!("`{name}`: its values are of no sort that k6 has"));
    }
    let counts = Counts::of(&found);
    for found in &found {
        add_metric(&mut output, input.place(), found, &counts);
    }
    Ok(output)
}

fn add_metric(output: &mut Output, place: &str, found: &Found, counts: &Counts) {
    let case = Case::new(&found.name, place);
    for (metric, value, direction) in readings(found) {
        let reading = Summary::new(value, None, counts.behind(found)).map(Reading::Summary);
        match direction {
            _ if counts.nothing_succeeded() => output.withhold(&case, metric, reading, NOTHING_SUCCEEDED),
            Direction::Known => output.reading(&case, metric, reading),
            Direction::Unknown => output.undirected(&case, metric, reading),
        }
    }
}

/// Whether it is known which way a metric gets better.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Known,
    Unknown,
}

/// Returns what is read off one of k6's metrics.
fn readings(found: &Found) -> Vec<(Metric, f64, Direction)> {
    let value = |key: &str| found.values.get(key).copied();
    let mut readings = match found.sort {
        Sort::Trend => trend(found),
        Sort::Counter => value("rate").map(|rate| counter(found, rate)).into_iter().collect(),
        Sort::Rate => rate(found).into_iter().collect(),
        Sort::Gauge if SETTINGS.contains(&found.name.as_str()) => Vec::new(),
        Sort::Gauge => value("value")
            .map(|value| (bare("value", found.unit()), value, Direction::Unknown))
            .into_iter()
            .collect(),
    };
    if let Some((_, crossed)) = found.thresholds {
        readings.push((Metric::count("violations", "thresholds"), crossed as f64, Direction::Known));
    }
    readings
}

/// Returns the mean and the percentiles; the fastest and the slowest single request are no measure of a server.
fn trend(found: &Found) -> Vec<(Metric, f64, Direction)> {
    let unit = found.unit();
    let knows = if unit.symbol().is_empty() { Direction::Unknown } else { Direction::Known };
    let named = |(key, value): (&String, &f64)| {
        let rank = match key.as_str() {
            "avg" => {
                let mean = Metric { kind: Kind::of_unit(&unit), ..bare("mean", unit.clone()) };
                return Some((mean, *value, knows));
            }
            "med" => "50",
            other => other.strip_prefix('p')?.trim_start_matches('(').trim_end_matches(')'),
        };
        decimal(rank)?;
        Some((Metric::percentile(rank, unit.symbol()), *value, knows))
    };
    found.values.iter().filter_map(named).collect()
}

fn counter(found: &Found, rate: f64) -> (Metric, f64, Direction) {
    let data = found.unit().symbol() == "B";
    match found.base() {
        _ if data => (Metric::rate("throughput", "B/s"), rate, Direction::Known),
        "http_reqs" => (Metric::rate("throughput", "req/s"), rate, Direction::Known),
        "iterations" => (Metric::rate("throughput", "iterations/s"), rate, Direction::Known),
        // Iterations that k6 could not start in time, because the server was too slow.
        "dropped_iterations" => (
            Metric { better: Better::Lower, ..Metric::rate("drop-rate", "iterations/s") },
            rate,
            Direction::Known,
        ),
        _ => (Metric::rate("rate", "1/s"), rate, Direction::Unknown),
    }
}

/// Returns a share of `true`, which is a failure in `http_req_failed` and a success in `checks`.
fn rate(found: &Found) -> Option<(Metric, f64, Direction)> {
    let share = *found.values.get("rate").or_else(|| found.values.get("value"))?;
    Some(match found.base() {
        "http_req_failed" => (Metric::ratio("failure-rate", "ratio"), share, Direction::Known),
        "checks" => {
            let of = |key: &str| found.values.get(key);
            let failed = match (of("fails"), of("passes")) {
                (Some(fails), Some(passes)) if fails + passes > 0.0 => fails / (fails + passes),
                _ => 1.0 - share,
            };
            (Metric::ratio("failure-rate", "ratio"), failed, Direction::Known)
        }
        _ => (Metric::ratio("rate", "ratio"), share, Direction::Unknown),
    })
}

fn bare(name: &str, unit: Unit) -> Metric {
    Metric { name: name.to_owned(), unit, better: Better::Lower, kind: Kind::Count }
}

impl Found {
    /// Returns the name without the tags of a sub-metric.
    fn base(&self) -> &str {
        self.name.split('{').next().unwrap_or_default()
    }

    /// Returns the unit of the values; an empty one where k6 does not say.
    fn unit(&self) -> Unit {
        let is_time = TIMES.contains(&self.base()) || self.base().starts_with("http_req_");
        Unit::new(match self.contains.as_deref() {
            Some("time") => "ms",
            Some("data") => "B",
            Some(_) => "",
            None if is_time => "ms",
            None if ["data_sent", "data_received"].contains(&self.base()) => "B",
            None => "",
        })
    }
}

/// How often things were done, as far as the summary tells.
struct Counts {
    requests: Option<f64>,
    failed_share: Option<f64>,
    iterations: Option<f64>,
}

const NOTHING_SUCCEEDED: &str = "every request failed (`http_req_failed`), and failing fast is not speed";

impl Counts {
    fn of(found: &[Found]) -> Self {
        let value = |name: &str, keys: &[&str]| {
            let metric = found.iter().find(|metric| metric.name == name)?;
            keys.iter().find_map(|key| metric.values.get(*key)).copied()
        };
        Self {
            requests: value("http_reqs", &["count"]),
            failed_share: value("http_req_failed", &["rate", "value"]),
            iterations: value("iterations", &["count"]),
        }
    }

    fn nothing_succeeded(&self) -> bool {
        self.requests.is_some_and(|requests| requests > 0.0) && self.failed_share == Some(1.0)
    }

    /// Returns how many readings are behind a metric's values.
    fn behind(&self, found: &Found) -> Option<u64> {
        let own = found.values.get("count").filter(|_| found.sort == Sort::Trend);
        let total = ["total"].iter().find_map(|key| found.values.get(*key)).copied();
        let both = found.values.get("passes").zip(found.values.get("fails")).map(|(a, b)| a + b);
        let shared = || match found.name.as_str() {
            "http_reqs" => self.requests,
            name if name.starts_with("http_req_") && !name.contains('{') => self.requests,
            "iteration_duration" | "iterations" => self.iterations,
            _ => None,
        };
        own.copied().or(total).or(both).or_else(shared).map(|count| count as u64)
    }
}

/// The version of the tool, its metrics, and the names of what is none.
type Read = (Option<String>, Vec<Found>, Vec<String>);

fn by_name(input: &Input) -> Result<Read, ReadError> {
    let summary: ByName = input.json("a summary of k6")?;
    let (mut metrics, mut skipped) = (Vec::new(), Vec::new());
    for (name, value) in summary.metrics {
        match found(&name, &value, &value["thresholds"]) {
            Some(found) => metrics.push(found),
            None => skipped.push(name),
        }
    }
    Ok((None, metrics, skipped))
}

fn listed(input: &Input) -> Result<Read, ReadError> {
    let summary: Listed = input.json("a summary of k6")?;
    let (mut metrics, mut skipped) = (Vec::new(), Vec::new());
    for (index, value) in summary.results.metrics.iter().enumerate() {
        let name = value["name"].as_str().map_or_else(|| format!("results.metrics[{index}]"), str::to_owned);
        match found(&name, value, &Value::Null) {
            Some(found) => metrics.push(with_rate(found, summary.config.duration)),
            None => skipped.push(name),
        }
    }
    let checks = summary.results.checks.results;
    if !checks.is_empty() {
        metrics.push(checked(&checks));
    }
    Ok((summary.metadata.k6_version, metrics, skipped))
}

/// Divides the count of a counter by the seconds that the test took.
fn with_rate(mut found: Found, seconds: Option<f64>) -> Found {
    if let (Sort::Counter, Some(count), Some(seconds)) = (found.sort, found.values.get("count"), seconds) {
        let rate = count / seconds;
        found.values.insert("rate".to_owned(), rate);
    }
    found
}

fn checked(checks: &[Check]) -> Found {
    let passes: f64 = checks.iter().map(|check| check.passes).sum();
    let fails: f64 = checks.iter().map(|check| check.fails).sum();
    let values = [("rate", passes / (passes + fails)), ("passes", passes), ("fails", fails)];
    Found {
        name: "checks".to_owned(),
        sort: Sort::Rate,
        contains: None,
        values: values.map(|(key, value)| (key.to_owned(), value)).into(),
        thresholds: None,
    }
}

/// Reads one metric of any layout: its values stand in `values`, or beside each other.
fn found(name: &str, metric: &Value, thresholds: &Value) -> Option<Found> {
    let typed = metric.get("values").and_then(Value::as_object);
    let values = typed.or_else(|| metric.as_object())?;
    let values: BTreeMap<_, _> =
        values.iter().filter_map(|(key, value)| Some((key.clone(), value.as_f64()?))).collect();
    let sort = match metric["type"].as_str() {
        Some("trend") => Sort::Trend,
        Some("counter") => Sort::Counter,
        Some("rate") => Sort::Rate,
        Some("gauge") => Sort::Gauge,
        Some(_) => return None,
        None => sort_of(&values)?,
    };
    let contains = metric["contains"].as_str().map(str::to_owned);
    Some(Found { name: name.to_owned(), sort, contains, values, thresholds: crossed(thresholds) })
}

/// Tells the sort of a metric from its values, for the layout that does not say it.
fn sort_of(values: &BTreeMap<String, f64>) -> Option<Sort> {
    let has = |key: &str| values.contains_key(key);
    match () {
        () if has("passes") && has("fails") => Some(Sort::Rate),
        () if has("count") && has("rate") => Some(Sort::Counter),
        () if has("value") => Some(Sort::Gauge),
        () if !values.is_empty() => Some(Sort::Trend),
        () => None,
    }
}

/// Returns how many thresholds there are and how many were crossed: `true` is crossed where a threshold is a bare
/// boolean, and held where it is called `ok`.
fn crossed(thresholds: &Value) -> Option<(usize, usize)> {
    let thresholds = thresholds.as_object()?;
    let is_crossed = |threshold: &&Value| match threshold {
        Value::Bool(crossed) => *crossed,
        other => other["ok"] == Value::Bool(false),
    };
    Some((thresholds.len(), thresholds.values().filter(is_crossed).count()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Options;
    use crate::format::tests_of::{found, found_with, refusal, skips, withheld};

    /// Written by hand after k6's `js/summary.js` and `internal/lib/summary`, all three of the same test.
    const FLAT: &str = r#"{"root_group": {"name": ""}, "metrics": {
        "http_reqs": {"count": 200, "rate": 99.5},
        "http_req_duration": {"avg": 5.5, "min": 1, "med": 4.5, "max": 20, "p(90)": 9, "p(95)": 9.5, "p(99.9)": 19,
            "thresholds": {"p(95)<9": true, "avg<100": false}},
        "http_req_duration{expected_response:true}": {"avg": 5, "min": 1, "med": 4, "max": 9, "p(95)": 8},
        "http_req_failed": {"passes": 3, "fails": 197, "value": 0.015},
        "checks": {"passes": 30, "fails": 10, "value": 0.75},
        "data_sent": {"count": 3000, "rate": 1500.5},
        "dropped_iterations": {"count": 4, "rate": 2},
        "my_trend": {"avg": 7, "med": 6, "p(95)": 12, "count": 50},
        "my_gauge": {"value": 7, "min": 7, "max": 7},
        "odd": {"thresholds": {}},
        "vus": {"value": 2, "min": 2, "max": 2}}}"#;

    const TYPED: &str = r#"{"root_group": {"name": ""}, "options": {}, "state": {"testRunDurationMs": 2000}, "metrics": {
        "http_reqs": {"type": "counter", "contains": "default", "values": {"count": 200, "rate": 99.5}},
        "http_req_duration": {"type": "trend", "contains": "time", "values": {"avg": 5.5, "med": 4.5, "p(95)": 9.5},
            "thresholds": {"p(95)<9": {"ok": false}, "avg<100": {"ok": true}}},
        "my_time": {"type": "trend", "contains": "time", "values": {"avg": 7}},
        "http_req_failed": {"type": "rate", "contains": "default", "values": {"rate": 0.015, "passes": 3, "fails": 197}}}}"#;

    const LISTED: &str = r#"{"config": {"duration": 2, "execution": "local", "script": "x"},
        "metadata": {"k6_version": "1.5.0", "generated_at": "2026-01-01T00:00:00Z"}, "results": {
        "checks": {"metrics": [], "results": [{"name": "a", "passes": 30, "fails": 10}]}, "metrics": [
            {"name": "http_reqs", "type": "counter", "contains": "default", "values": {"count": 199}},
            {"name": "http_req_duration", "type": "trend", "contains": "time",
             "values": {"avg": 5.5, "med": 4.5, "p90": 9, "p(95)": 9.5}},
            {"name": "new", "type": "histogram", "contains": "time", "values": {"x": 1}},
            {"name": "http_req_failed", "type": "rate", "contains": "default", "values": {"matches": 3, "rate": 0.015, "total": 199}}]}}"#;

    fn value(text: &str, series: &str) -> Option<(f64, String)> {
        found(text, "").into_iter().find(|(name, ..)| name == series).map(|(_, value, unit)| (value, unit))
    }

    #[test]
    fn all_layouts_have_the_same_series() {
        for (series, expected, unit, layouts) in [
            ("http_req_duration mean", 5.5, "ms", &[FLAT, TYPED, LISTED][..]),
            ("http_req_duration p50", 4.5, "ms", &[FLAT, TYPED, LISTED]),
            ("http_req_duration p95", 9.5, "ms", &[FLAT, TYPED, LISTED]),
            ("http_req_duration p90", 9.0, "ms", &[FLAT, LISTED]),
            ("http_req_duration p99.9", 19.0, "ms", &[FLAT]),
            ("http_req_duration violations", 1.0, "thresholds", &[FLAT, TYPED]),
            ("http_req_duration{expected_response:true} p95", 8.0, "ms", &[FLAT]),
            ("http_req_failed failure-rate", 0.015, "ratio", &[FLAT, TYPED, LISTED]),
            ("http_reqs throughput", 99.5, "req/s", &[FLAT, TYPED, LISTED]),
            ("checks failure-rate", 0.25, "ratio", &[FLAT, LISTED]),
            ("data_sent throughput", 1500.5, "B/s", &[FLAT]),
            ("dropped_iterations drop-rate", 2.0, "iterations/s", &[FLAT]),
            ("my_time mean", 7.0, "ms", &[TYPED]),
        ] {
            for layout in layouts {
                assert_eq!(value(layout, series), Some((expected, unit.to_owned())), "{series}: {layout}");
            }
        }
        let names: Vec<_> = found(FLAT, "").into_iter().map(|(name, ..)| name).collect();
        assert!(!names.iter().any(|name| name.starts_with("vus") || name.ends_with("p100")), "{names:?}");
    }

    #[test]
    fn the_number_of_requests_is_behind_a_percentile() {
        let output = crate::read_stream("in", FLAT.as_bytes(), &Options::default()).unwrap();
        let n = |series: &str| {
            let measurement = output.measurements.iter().find(|m| m.series().to_string() == series).unwrap();
            let Reading::Summary(summary) = &measurement.reading else { panic!("a summary") };
            summary.n()
        };
        assert_eq!(n("http_req_duration p95"), Some(200));
        assert_eq!(n("http_req_duration{expected_response:true} p95"), None, "not told");
        assert_eq!(n("http_req_failed failure-rate"), Some(200));
    }

    #[test]
    fn unit_and_direction_of_own_metrics_are_not_guessed() {
        let names: Vec<_> = withheld(FLAT, "").into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["my_gauge value", "my_trend mean", "my_trend p50", "my_trend p95"]);
        let better = [("p95".to_owned(), Better::Lower)].into();
        let told = found_with(FLAT, &Options { better, ..Options::default() }).unwrap();
        assert!(told.contains(&("my_trend p95".into(), 12.0, String::new())));
    }

    #[test]
    fn what_k6_does_not_write_is_skipped_aloud() {
        assert!(skips(FLAT, "").contains(&"in: `odd`: its values are of no sort that k6 has".to_owned()));
        assert!(skips(LISTED, "").contains(&"in: `new`: its values are of no sort that k6 has".to_owned()));
        let points = "metric_name,timestamp,metric_value,check\nhttp_reqs,1,1,\n";
        let lines = "{\"type\":\"Metric\",\"data\":{\"name\":\"a\"},\"metric\":\"a\"}\n\
                     {\"metric\":\"a\",\"type\":\"Point\",\"data\":{\"time\":\"2026-01-01T00:00:00Z\",\"value\":1,\"tags\":{}}}\n";
        for points in [points, lines] {
            assert!(refusal(points, "").contains("is k6's list of all points, expected a summary"));
        }
    }

    #[test]
    fn a_test_in_which_every_request_failed_has_no_result() {
        let failed = FLAT.replace("0.015", "1");
        assert!(found(&failed, "").is_empty());
        assert!(withheld(&failed, "").contains(&("http_reqs throughput".into(), NOTHING_SUCCEEDED.into())));
    }
}
