//! OpenMetrics and Prometheus text: `name{label="value"} 1.5`.
//!
//! The source is the OpenMetrics 1.0 specification. A family of metrics is a benchmark here, its labels are parameters.
//! Of a summary or a histogram the mean (`_sum` by `_count`) and the quantiles are read. The unit is that of `# UNIT`,
//! else that which the name ends in, as `_seconds`. Whether a counter, a ratio or a gauge of another unit is better
//! lower or higher the text does not say. `NaN` is skipped.

use std::collections::BTreeMap;

use perf_model::{Better, Kind, Metric, Reading, Summary, Unit};

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::number::decimal;
use crate::output::{Case, Output, Spread};

pub(super) const FORMAT: Format = Format {
    name: "openmetrics",
    description: "OpenMetrics or Prometheus text",
    command: "curl http://localhost:9090/metrics",
    keeps: Keeps::Summary,
    link: "https://prometheus.io/docs/specs/om/open_metrics_spec/",
    reader: Reader::File { detect, read },
};

/// Endings of names with the unit they stand for.
const UNITS: [(&str, &str); 9] = [
    ("nanoseconds", "ns"),
    ("microseconds", "us"),
    ("milliseconds", "ms"),
    ("seconds", "s"),
    ("minutes", "min"),
    ("bytes", "B"),
    ("kibibytes", "KiB"),
    ("ratio", "ratio"),
    ("percent", "%"),
];

/// What the lines before its samples say of a family.
#[derive(Default)]
struct Family {
    sort: String,
    unit: Option<Unit>,
}

/// One line: name, labels, value.
#[derive(Debug, PartialEq)]
struct Sample<'a> {
    name: &'a str,
    labels: BTreeMap<String, String>,
    value: &'a str,
}

fn detect(input: &Input) -> bool {
    let is_type = |line: &str| matches!(metadata(line), Some(("TYPE", _, sort)) if SORTS.contains(&sort));
    input.any_line(is_type)
}

const SORTS: [&str; 9] =
    ["counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset", "unknown", "untyped"];

/// Reads `# TYPE name gauge`, `# UNIT name seconds` or `# HELP name text`.
fn metadata(line: &str) -> Option<(&str, &str, &str)> {
    let mut words = line.strip_prefix("# ")?.splitn(3, ' ');
    let (keyword, name) = (words.next()?, words.next()?);
    ["TYPE", "UNIT", "HELP"]
        .contains(&keyword)
        .then(|| (keyword, name, words.next().unwrap_or_default().trim()))
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let mut families: BTreeMap<&str, Family> = BTreeMap::new();
    let mut found = Found::default();
    let mut output = input.output(FORMAT.name, FORMAT.name);
    for line in input.lines() {
        match metadata(line.text) {
            Some(("TYPE", name, sort)) => families.entry(name).or_default().sort = sort.to_owned(),
            Some(("UNIT", name, unit)) if !unit.is_empty() => {
                families.entry(name).or_default().unit =
                    Some(unit_of(unit).unwrap_or_else(|| Unit::new(unit)));
            }
            Some(_) => {}
            None if line.text.starts_with('#') || line.text.trim().is_empty() => {}
            None => match sample(line.text) {
                Some(sample) => found.take(&families, sample, input.at(line)),
                None => output.skip(input.at(line), "expected a sample such as `name{label=\"value\"} 1.5`"),
            },
        }
    }
    found.put(&mut output);
    Ok(output)
}

/// What the samples of a text say, with those of one summary gathered.
#[derive(Default)]
struct Found {
    plain: Vec<(Case, Metric, Option<Better>, String)>,
    summaries: BTreeMap<(String, BTreeMap<String, String>), Distribution>,
}

#[derive(Default)]
struct Distribution {
    place: String,
    unit: Option<Unit>,
    sum: Option<f64>,
    count: Option<f64>,
    quantiles: Vec<(String, f64)>,
}

impl Found {
    fn take(&mut self, families: &BTreeMap<&str, Family>, mut sample: Sample<'_>, place: String) {
        let (base, part) = part(families, sample.name);
        let family = families.get(base);
        let sort = family.map_or("", |family| family.sort.as_str());
        let unit = family.and_then(|family| family.unit.clone()).or_else(|| unit_of(base));
        if !matches!(sort, "summary" | "histogram") {
            if !matches!(sort, "info" | "stateset") && part != "_created" {
                let (metric, better) = plain(sort, unit);
                let case = Case { name: base.to_owned(), params: sample.labels, place };
                self.plain.push((case, metric, better, sample.value.to_owned()));
            }
            return;
        }
        let quantile = sample.labels.remove("quantile").as_deref().and_then(decimal);
        let value = decimal(sample.value);
        if part == "_bucket" {
            return;
        }
        let distribution = self.summaries.entry((base.to_owned(), sample.labels)).or_default();
        (distribution.place, distribution.unit) = (place, unit);
        match (part, quantile, value) {
            ("_sum", _, sum) => distribution.sum = sum,
            ("_count", _, count) => distribution.count = count,
            ("", Some(quantile), Some(value)) => {
                distribution.quantiles.push((rank(quantile), value));
            }
            _ => {}
        }
    }

    fn put(self, output: &mut Output) {
        for (case, metric, better, value) in self.plain {
            let Some(number) = decimal(&value) else {
                output.skip(&case.place, format!("`{}` has no number: {value}", case.name));
                continue;
            };
            let reading = Summary::new(number, None, None).map(Reading::Summary);
            match better {
                Some(better) => output.reading(&case, Metric { better, ..metric }, reading),
                None => output.undirected(&case, metric, reading),
            }
        }
        for ((name, params), found) in self.summaries {
            let case = Case { name, params, place: found.place };
            let unit = found.unit.unwrap_or_else(|| Unit::new(""));
            let n = found.count.map(|count| count as u64);
            let spread = Spread { sd: None, n };
            let mean =
                found.sum.zip(found.count.filter(|count| *count > 0.0)).map(|(sum, count)| sum / count);
            let is_time = Kind::of_unit(&unit) == Kind::Time;
            let mean = mean.map(|mean| {
                (Metric { kind: Kind::of_unit(&unit), ..Metric::time("mean", unit.symbol()) }, mean)
            });
            let quantiles =
                found.quantiles.iter().map(|(rank, value)| (Metric::percentile(rank, unit.symbol()), *value));
            for (metric, value) in mean.into_iter().chain(quantiles) {
                match is_time {
                    true => output.summary(&case, metric, value, spread),
                    false => {
                        output.undirected(&case, metric, Summary::new(value, None, n).map(Reading::Summary))
                    }
                }
            }
        }
    }
}

/// Splits a name into that of its family and the ending that its type adds.
fn part<'a>(families: &BTreeMap<&str, Family>, name: &'a str) -> (&'a str, &'a str) {
    if families.contains_key(name) {
        return (name, "");
    }
    let endings = ["_total", "_sum", "_count", "_bucket", "_created"];
    let split = endings.iter().find_map(|ending| {
        let base = name.strip_suffix(ending).filter(|base| families.contains_key(base))?;
        Some((base, &name[base.len()..]))
    });
    split.unwrap_or((name, ""))
}

fn plain(sort: &str, unit: Option<Unit>) -> (Metric, Option<Better>) {
    let unit = unit.unwrap_or_else(|| Unit::new(""));
    let kind = Kind::of_unit(&unit);
    let name = match kind {
        Kind::Time => "time",
        Kind::Size => "size",
        Kind::Rate | Kind::Ratio | Kind::Count | Kind::Percentile | Kind::Exact => "value",
    };
    let better = kind.usual_direction().filter(|_| sort != "counter");
    (Metric { name: name.to_owned(), unit, better: Better::Lower, kind }, better)
}

/// Returns the unit that a name, or a `# UNIT`, ends in.
fn unit_of(name: &str) -> Option<Unit> {
    let (_, unit) = UNITS.iter().find(|(ending, _)| {
        name == *ending || name.strip_suffix(ending).is_some_and(|rest| rest.ends_with('_'))
    })?;
    Some(Unit::new(unit))
}

/// Returns the rank of a quantile: `99.9` of `0.999`.
fn rank(quantile: f64) -> String {
    ((quantile * 1e8).round() / 1e6).to_string()
}

fn sample(line: &str) -> Option<Sample<'_>> {
    let line = line.trim();
    let end = line.find(|c: char| c == '{' || c.is_whitespace())?;
    let (name, rest) = line.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inside) => labels(inside)?,
        None => (BTreeMap::new(), rest),
    };
    let value = rest.split_whitespace().next()?;
    let is_value = decimal(value).is_some() || ["NaN", "+Inf", "-Inf", "Inf"].contains(&value);
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == ':');
    (is_name && is_value).then_some(Sample { name, labels, value })
}

/// Reads `a="x",b="y"}` and returns what follows it.
fn labels(text: &str) -> Option<(BTreeMap<String, String>, &str)> {
    let mut found = BTreeMap::new();
    let mut rest = text.trim_start();
    loop {
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((found, rest));
        }
        let (name, after) = rest.split_once("=\"")?;
        let (value, after) = quoted(after)?;
        found.insert(name.trim().to_owned(), value);
        rest = after.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
}

/// Reads a text to its closing quotation mark, with `\"`, `\\` and `\n` in it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests_of::{found, skips, withheld};

    const TEXT: &str = r#"# HELP request_seconds Time of a request, "all in"
# TYPE request_seconds summary
# UNIT request_seconds seconds
request_seconds{path="/a \"b\" }",quantile="0.5"} 0.25
request_seconds{path="/a \"b\" }",quantile="0.999"} 1.5 1520879607.789
request_seconds_sum{path="/a \"b\" }"} 30
request_seconds_count{path="/a \"b\" }"} 100
# TYPE size_bytes gauge
size_bytes 2048
size_bytes{kind="text"} NaN
# TYPE hits counter
hits_total 7
hits_created 1520430000.1
# TYPE wait_milliseconds histogram
wait_milliseconds_bucket{le="+Inf"} 4
wait_milliseconds_sum 10
wait_milliseconds_count 4
broken line here
# EOF
"#;

    #[test]
    fn reads_gauges_and_summaries() {
        let expected = [
            ("request_seconds[path=/a \"b\" }] mean", 0.3, "s"),
            ("request_seconds[path=/a \"b\" }] p50", 0.25, "s"),
            ("request_seconds[path=/a \"b\" }] p99.9", 1.5, "s"),
            ("size_bytes size", 2048.0, "B"),
            ("wait_milliseconds mean", 2.5, "ms"),
        ];
        assert_eq!(
            found(TEXT, ""),
            expected.map(|(name, value, unit)| (name.to_owned(), value, unit.to_owned()))
        );
        assert_eq!(withheld(TEXT, "")[0].0, "hits value", "a counter has no direction");
    }

    #[test]
    fn what_is_no_sample_is_skipped_aloud() {
        assert_eq!(
            skips(TEXT, "")[..2],
            [
                "in:18: expected a sample such as `name{label=\"value\"} 1.5`",
                "in:10: `size_bytes` has no number: NaN",
            ]
        );
    }

    #[test]
    fn quantiles_become_ranks() {
        for (quantile, expected) in [(0.5, "50"), (0.95, "95"), (0.999, "99.9"), (1.0, "100"), (0.07, "7")] {
            assert_eq!(rank(quantile), expected);
        }
    }
}
