//! A baseline that somebody committed: tables of numbers, such as services with their metrics, in JSON or YAML.
//!
//! ```yaml
//! checkout:
//!   p95_ms: 120
//!   error_rate: {value: 0.2, unit: "%", better: lower}
//! search:
//!   latency_ms: [31.5, 30.9, 32.0]
//! ```
//!
//! Every number is a value, and a list of numbers are samples. The last key is the metric, those before it, joined by
//! `/`, are the benchmark; numbers that no benchmark leads to (a version, a date) are skipped. A table with a number
//! `value`, or with `samples`, is a value that may say its `unit` and `better`. A member of a list is called what its
//! `name`, `id`, `service`, `endpoint` or `benchmark` says, else by its place.
//!
//! Where no unit is said the end of the metric's name is one (`_ms`, `_bytes`, `_rps`, ...) and goes from the name. Where no
//! direction is said the unit or the name tells it (`latency`, `error_rate`, `throughput`); of others it is asked for.

use perf_model::{Better, Kind, Metric, Reading, Samples, Summary, Unit};
use serde_json::{Map, Value};

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::output::{Case, Output};

pub(super) const FORMAT: Format = Format {
    name: "tables",
    description: "a committed baseline: tables of numbers in JSON or YAML; never detected",
    command: "any script",
    keeps: Keeps::Either,
    link: "https://yaml.org/spec/1.2.2/",
    reader: Reader::File { detect: |_| false, read },
};

/// What the end of a metric's name says of its unit.
const UNITS: [(&str, &str); 26] = [
    ("ns", "ns"),
    ("us", "us"),
    ("ms", "ms"),
    ("s", "s"),
    ("sec", "s"),
    ("secs", "s"),
    ("seconds", "s"),
    ("milliseconds", "ms"),
    ("microseconds", "us"),
    ("nanoseconds", "ns"),
    ("minutes", "min"),
    ("bytes", "B"),
    ("kb", "KB"),
    ("mb", "MB"),
    ("gb", "GB"),
    ("kib", "KiB"),
    ("mib", "MiB"),
    ("gib", "GiB"),
    ("pct", "%"),
    ("percent", "%"),
    ("ratio", "ratio"),
    ("rps", "req/s"),
    ("qps", "req/s"),
    ("ops", "op/s"),
    ("hz", "1/s"),
    ("instructions", "instructions"),
];

/// Words in a metric's name that tell a direction.
const HIGHER: [&str; 5] = ["throughput", "rps", "qps", "hits", "bandwidth"];
const LOWER: [&str; 13] = [
    "latency",
    "duration",
    "time",
    "error",
    "errors",
    "fail",
    "failure",
    "failures",
    "memory",
    "rss",
    "cpu",
    "size",
    "allocations",
];

/// What members of a list are called by.
const NAMES: [&str; 5] = ["name", "id", "service", "endpoint", "benchmark"];

fn read(input: &Input) -> Result<Output, ReadError> {
    let document: Value = match input.json("tables of numbers") {
        Ok(document) => document,
        Err(_) if !input.text().trim_start().starts_with(['{', '[']) => serde_saphyr::from_str(input.text())
            .map_err(|cause| {
                let cause = cause.to_string();
                // What follows is a picture of the place.
                let first = cause.lines().next().unwrap_or_default().trim_start_matches("error: ");
                input.refuse("expected tables of numbers in JSON or YAML").caused_by(first.to_owned())
            })?,
        Err(error) => return Err(error),
    };
    let mut tables =
        Tables { place: input.place(), output: input.output(FORMAT.name, FORMAT.name), texts: 0 };
    tables.walk(&document, &mut Vec::new());
    if tables.texts > 0 {
        let reason = format!("{} texts, which are no numbers", tables.texts);
        tables.output.skip(input.place(), reason);
    }
    Ok(tables.output)
}

struct Tables<'a> {
    place: &'a str,
    output: Output,
    texts: usize,
}

impl Tables<'_> {
    fn walk(&mut self, value: &Value, path: &mut Vec<String>) {
        match value {
            Value::Number(_) => self.value(std::slice::from_ref(value), path, None),
            Value::Array(list) if !list.is_empty() && list.iter().all(Value::is_number) => {
                self.value(list, path, None);
            }
            Value::Object(table) => match numbers(table) {
                Some(numbers) => self.value(numbers, path, Some(table)),
                None => table.iter().for_each(|(key, value)| self.below(key.clone(), value, path)),
            },
            Value::Array(list) => {
                for (number, member) in list.iter().enumerate() {
                    let name = NAMES.iter().find_map(|key| member.get(key)?.as_str());
                    self.below(name.map_or_else(|| number.to_string(), str::to_owned), member, path);
                }
            }
            Value::String(_) if path.last().is_some_and(|key| NAMES.contains(&key.as_str())) => {}
            Value::Null | Value::Bool(_) | Value::String(_) => self.texts += 1,
        }
    }

    fn below(&mut self, key: String, value: &Value, path: &mut Vec<String>) {
        path.push(key);
        self.walk(value, path);
        path.pop();
    }

    fn value(&mut self, numbers: &[Value], path: &[String], said: Option<&Map<String, Value>>) {
        let place = format!("{}: {}", self.place, path.join("/"));
        let [benchmark @ .., key] = path else { return };
        if benchmark.is_empty() {
            self.output.skip(place, "a number that no benchmark leads to");
            return;
        }
        let text = |key: &str| said.and_then(|said| said.get(key)).and_then(Value::as_str);
        let (mut metric, mut directed) = named(key);
        if let Some(unit) = text("unit") {
            let name = if Unit::new(unit) == metric.unit { metric.name } else { key.clone() };
            (metric, directed) = of_unit(&name, Unit::new(unit));
        }
        if let Some(better) = text("better").or_else(|| text("direction")).and_then(Better::from_word) {
            (metric.better, directed) = (better, true);
        }
        let numbers: Vec<f64> = numbers.iter().filter_map(Value::as_f64).collect();
        let reading = match numbers.as_slice() {
            [only] => Summary::new(*only, None, None).map(Reading::Summary),
            _ => Samples::new(numbers).map(Reading::Samples),
        };
        let case = Case::new(benchmark.join("/"), place);
        if directed {
            self.output.reading(&case, metric, reading);
        } else {
            self.output.undirected(&case, metric, reading);
        }
    }
}

/// Returns the numbers of a table that is a value.
fn numbers(table: &Map<String, Value>) -> Option<&[Value]> {
    let list = |value: &'_ Value| {
        value.as_array().is_some_and(|it| !it.is_empty() && it.iter().all(Value::is_number))
    };
    match (table.get("samples").filter(|it| list(it)), table.get("value").filter(|it| it.is_number())) {
        (Some(samples), _) => samples.as_array().map(Vec::as_slice),
        (None, Some(value)) => Some(std::slice::from_ref(value)),
        (None, None) => None,
    }
}

/// Returns the metric that a name alone stands for, and whether its direction is known.
pub(crate) fn named(key: &str) -> (Metric, bool) {
    let lower = key.to_ascii_lowercase();
    let end = lower.rsplit(['_', '-', '.']).next().unwrap_or_default();
    let unit = UNITS.iter().find(|(ending, _)| *ending == end).map(|(_, unit)| Unit::new(unit));
    let name = match &unit {
        Some(_) if end.len() < key.len() => &key[..key.len() - end.len() - 1],
        Some(_) | None => key,
    };
    of_unit(name, unit.unwrap_or_else(|| Unit::new("")))
}

fn of_unit(name: &str, unit: Unit) -> (Metric, bool) {
    let lower = name.to_ascii_lowercase();
    let rank = lower.strip_prefix('p').is_some_and(|rank| {
        !rank.is_empty() && rank.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
    });
    let kind = match Kind::of_unit(&unit) {
        _ if unit.symbol() == "instructions" => Kind::Exact,
        Kind::Time if rank => Kind::Percentile,
        kind => kind,
    };
    let has = |words: &[&str]| lower.split(['_', '-', '.', ' ']).any(|word| words.contains(&word));
    let better = match kind {
        Kind::Percentile | Kind::Exact => Some(Better::Lower),
        Kind::Time | Kind::Size | Kind::Rate => kind.usual_direction(),
        Kind::Ratio | Kind::Count if has(&LOWER) => Some(Better::Lower),
        Kind::Ratio | Kind::Count if has(&HIGHER) => Some(Better::Higher),
        Kind::Ratio | Kind::Count => None,
    };
    let metric = Metric { name: name.to_owned(), unit, better: better.unwrap_or(Better::Lower), kind };
    (metric, better.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests_of::{found, refusal, skips, withheld};

    const YAML: &str = "version: 3\nservices:\n  checkout:\n    p95_ms: 120\n    \
        error_rate: {value: 0.2, unit: '%'}\n    owner: team\n  search:\n    latency_ms: [31.5, 30.5, 32.5]\n    \
        rps: 900\n    widgets: 7\n";

    const JSON: &str =
        r#"[{"name": "checkout", "metrics": {"p95_ms": 120, "heap": {"value": 7, "unit": "MiB"}}}]"#;

    #[test]
    fn tables_are_benchmarks_and_their_last_keys_metrics() {
        let expected = [
            ("services/checkout error_rate", 0.2, "%"),
            ("services/checkout p95", 120.0, "ms"),
            ("services/search latency", 31.5, "ms"),
            ("services/search rps", 900.0, "req/s"),
        ];
        assert_eq!(
            found(YAML, "tables"),
            expected.map(|(name, value, unit)| (name.to_owned(), value, unit.to_owned()))
        );
        let expected = [("checkout/metrics heap", 7.0, "MiB"), ("checkout/metrics p95", 120.0, "ms")];
        assert_eq!(
            found(JSON, "tables"),
            expected.map(|(name, value, unit)| (name.to_owned(), value, unit.to_owned()))
        );
    }

    #[test]
    fn what_is_no_value_is_said() {
        assert_eq!(
            withheld(YAML, "tables"),
            [("services/search widgets".to_owned(), "no direction".to_owned())]
        );
        let said = skips(YAML, "tables");
        assert!(said.contains(&"in: version: a number that no benchmark leads to".to_owned()), "{said:?}");
        assert!(said.contains(&"in: 1 texts, which are no numbers".to_owned()), "{said:?}");
        for bad in ["just words", "a: [1, 2", "{\"a\": "] {
            assert!(!refusal(bad, "tables").is_empty(), "{bad}");
        }
    }

    #[test]
    fn the_end_of_a_name_is_its_unit() {
        for (key, name, unit, kind, better) in [
            ("p99.9_us", "p99.9", "us", Kind::Percentile, Some(Better::Lower)),
            ("peak-rss-bytes", "peak-rss", "B", Kind::Size, Some(Better::Lower)),
            ("ms", "ms", "ms", Kind::Time, Some(Better::Lower)),
            ("throughput", "throughput", "", Kind::Count, Some(Better::Higher)),
            ("instructions", "instructions", "instructions", Kind::Exact, Some(Better::Lower)),
            ("cache_ratio", "cache", "ratio", Kind::Ratio, None),
            ("état", "état", "", Kind::Count, None),
        ] {
            let (metric, directed) = named(key);
            assert_eq!(
                (metric.name.as_str(), metric.unit.symbol(), metric.kind),
                (name, unit, kind),
                "{key}"
            );
            assert_eq!(directed.then_some(metric.better), better, "{key}");
        }
    }
}
