//! What gungraun (once iai-callgrind) prints, and its JSON, of summary versions 6 and 7.
//!
//! Text: `file::group::function id:details`, then `  Metric:   new|old  (change)` lines, below a line
//! `======= DHAT ===` where a benchmark ran under more than one tool. Details may go on over several lines. Only
//! the first number is of this run.
//!
//! JSON: one object per benchmark, between the lines of cargo. Version 6 (iai-callgrind 0.14 to 0.16) has
//! `profiles[].summaries.total.summary.{Tool}.{metric}.metrics` with `Left` (new), `Right` (old) or `Both`;
//! version 7 (gungraun 0.20) has `profiles[].data.total.metrics.{metric}.values` with `new` and `old`. The source
//! is gungraun's `summary/model.rs` and `output_format.rs`.

use perf_model::{Better, Kind, Metric, Reading, Summary, Unit};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::number;
use crate::output::{Case, Output};

pub(super) const FORMAT: Format = Format {
    name: "gungraun",
    description: "what gungraun and iai-callgrind print, or their JSON (versions 6 and 7)",
    command: "cargo bench -- --output-format=json",
    keeps: Keeps::Exact,
    link: "https://docs.rs/gungraun",
    reader: Reader::Stream { detect, read },
};

#[derive(Deserialize)]
struct Benchmark {
    module_path: String,
    id: Option<String>,
    details: Option<String>,
    description: Option<String>,
    version: Option<String>,
    profiles: Vec<Value>,
}

fn detect(input: &Input) -> bool {
    input.has_all(&["module_path", "profiles"]) || input.any_line(|line| metric_line(line).is_some())
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let mut output = input.output(FORMAT.name, FORMAT.name);
    read_text(input, &mut output);
    for value in input.values() {
        if let Ok(benchmark) = serde_json::from_str::<Benchmark>(value) {
            read_benchmark(benchmark, input.place(), &mut output);
        }
    }
    output.number_repeats();
    Ok(output)
}

fn read_text(input: &Input, output: &mut Output) {
    let (mut name, mut tool, mut open) = (String::new(), String::new(), false);
    for line in input.lines() {
        if let Some((metric, value)) = metric_line(line.text).filter(|_| !name.is_empty()) {
            open = false;
            if let Some(value) = value {
                add(output, &Case::new(&name, input.at(line)), (&tool, metric), value);
            }
        } else if let Some(found) = tool_line(line.text) {
            (open, tool) = (false, found.to_lowercase());
        } else if is_name(line.text) {
            (open, tool, name) = (true, "callgrind".to_owned(), line.text.trim_end().to_owned());
        } else if open {
            name = format!("{name}\n{}", line.text);
        }
    }
}

/// Returns a metric's name and its new value, which is `None` for a metric that only the old run has.
fn metric_line(line: &str) -> Option<(&str, Option<f64>)> {
    let (name, rest) = line.strip_prefix("  ")?.split_once(": ")?;
    let (new, old) = rest.trim_start().split_once('|')?;
    let old = old.split_whitespace().next()?;
    let is_value = |word: &str| word == "N/A" || number::decimal(word).is_some();
    let named = !name.starts_with(' ') && !name.is_empty();
    (named && is_value(new) && is_value(old)).then(|| (name, number::decimal(new)))
}

fn tool_line(line: &str) -> Option<&str> {
    let (tool, rest) = line.strip_prefix("  ======= ")?.split_once(' ')?;
    rest.bytes().all(|byte| byte == b'=').then_some(tool)
}

/// Says whether a line begins with a path such as `file::group::function`.
fn is_name(line: &str) -> bool {
    let path = line.split(' ').next().unwrap_or_default();
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || c == '_');
    path.contains("::") && path.split("::").all(is_word)
}

fn read_benchmark(benchmark: Benchmark, place: &str, output: &mut Output) {
    let Benchmark { module_path, id, details, description, version, profiles } = benchmark;
    let suffix = id.or(details).or(description).map(|id| format!(" {id}")).unwrap_or_default();
    let name = format!("{module_path}{suffix}");
    if let (Some(version), [source]) = (version, output.sources.as_mut_slice()) {
        source.tool = format!("gungraun (summary version {version})");
    }
    let case = Case::new(&name, format!("{place}: {name}"));
    for profile in &profiles {
        for (tool, metrics) in metrics_of(profile) {
            for (metric, value) in metrics {
                if let Some(value) = new_value(value) {
                    add(output, &case, (&tool, metric), value);
                }
            }
        }
    }
}

/// Returns the totals of one profile, by tool.
fn metrics_of(profile: &Value) -> Vec<(String, &Map<String, Value>)> {
    let named = profile.get("tool").and_then(Value::as_str).map(str::to_lowercase);
    if let Some(metrics) = profile.pointer("/data/total/metrics").and_then(Value::as_object) {
        return vec![(named.unwrap_or_default(), metrics)];
    }
    let summaries = profile.pointer("/summaries/total/summary").and_then(Value::as_object);
    let of_tool = |(tool, metrics)| {
        let tool: &String = tool;
        let metrics: &Value = metrics;
        Some((named.clone().unwrap_or_else(|| tool.to_lowercase()), metrics.as_object()?))
    };
    summaries.into_iter().flatten().filter_map(of_tool).collect()
}

/// Returns the value of this run: `values.new`, or what `metrics` holds on its left.
fn new_value(metric: &Value) -> Option<f64> {
    if let Some(values) = metric.get("values") {
        return plain(values.get("new")?);
    }
    let metrics = metric.get("metrics")?;
    let left = metrics.get("Left").or_else(|| metrics.pointer("/Both/0"))?;
    plain(left).or_else(|| plain(left.get("Int").or_else(|| left.get("Float"))?))
}

fn plain(value: &Value) -> Option<f64> {
    value.as_f64()
}

fn add(output: &mut Output, case: &Case, (tool, written): (&str, &str), value: f64) {
    let metric = metric(tool, written);
    let reading = Summary::new(value, None, None).map(Reading::Summary);
    // A hit in one level of the cache is a miss in the one before: more of them may be better or worse.
    if ["L1 Hits", "L2 Hits", "LL Hits", "L1hits", "LLhits"].contains(&written) {
        output.undirected(case, metric, reading);
    } else {
        output.reading(case, metric, reading);
    }
}

/// Counts of instructions, allocations and errors are exact; what the simulated cache does varies by a few.
fn metric(tool: &str, written: &str) -> Metric {
    let lower = written.to_lowercase().replace(' ', "-");
    let rate = lower.ends_with("rate");
    let cache = ["hits", "cycles"].iter().any(|word| lower.ends_with(word)) || lower.starts_with("l2");
    let (kind, unit) = match () {
        () if rate => (Kind::Ratio, "%"),
        () if lower.ends_with("bytes") => (Kind::Exact, "B"),
        () if cache => (Kind::Count, "count"),
        () => (Kind::Exact, "count"),
    };
    let better = if lower.ends_with("hitrate") || lower.ends_with("hit-rate") {
        Better::Higher
    } else {
        Better::Lower
    };
    let name = if tool.is_empty() || tool == "callgrind" { lower } else { format!("{tool}-{lower}") };
    Metric { name, unit: Unit::new(unit), better, kind }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, parse, refused};

    #[test]
    fn reads_the_first_number_of_every_line() {
        let text = "\
bench_a::group::fib short:10
  Instructions:                1734|1650            (+5.09090%) [+1.04844x]
  L1 Hits:                     2359|2275            (+3.69230%) [+1.03560x]
  LL Hit Rate:                 99.5|N/A             (*********)
  Gone:                         N/A|7               (*********)
bench_a::group::fib text:\"two
lines: here\"
  ======= DHAT ============================================================
  Total bytes:                29499|N/A             (*********)
  ======= CALLGRIND =======================================================
  Instructions:                   7|N/A             (*********)

Gungraun result: Ok. 2 without regressions; 0 regressed
";
        let output = parse(text);
        let expected = [
            "bench_a::group::fib short:10 instructions 1734 count",
            "bench_a::group::fib short:10 ll-hit-rate 99.5 %",
            "bench_a::group::fib text:\"two\nlines: here\" dhat-total-bytes 29499 B",
            "bench_a::group::fib text:\"two\nlines: here\" instructions 7 count",
        ];
        assert_eq!(found(&output), expected);
        assert!(output.skipped[0].reason.starts_with("1 series of `l1-hits`"));
    }

    #[test]
    fn reads_both_versions_of_the_json() {
        let six = r#"{"module_path": "a::g::f", "id": "one", "version": "6", "profiles": [{"tool": "Callgrind",
            "summaries": {"parts": [], "total": {"summary": {"Callgrind": {
                "Ir": {"diffs": null, "metrics": {"Left": {"Int": 5}}},
                "I1MissRate": {"diffs": null, "metrics": {"Both": [{"Float": 0.5}, {"Float": 0.25}]}},
                "Old": {"diffs": null, "metrics": {"Right": {"Int": 9}}}}}}}}]}"#;
        let seven = r#"{"module_path": "a::g::f", "description": "(10)", "version": "7", "profiles": [{"tool": "DHAT",
            "data": {"parts": [], "total": {"metrics": {"TotalBytes": {"change": null, "values": {"new": 8, "old": 4}},
            "Lost": {"values": {"new": null, "old": 4}}}}}}]}"#;
        for (text, version, expected) in [
            (six, "6", vec!["a::g::f one i1missrate 0.5 %", "a::g::f one ir 5 count"]),
            (seven, "7", vec!["a::g::f (10) dhat-totalbytes 8 B"]),
        ] {
            let text = format!("     Running benches/a.rs\n{{\"reason\":\"build-finished\"}}\n  {text}\n");
            let output = parse(&text);
            assert_eq!(found(&output), expected);
            assert_eq!(output.sources[0].tool, format!("gungraun (summary version {version})"));
        }
    }

    #[test]
    fn a_benchmark_without_metrics_is_nothing() {
        let text =
            r#"{"module_path": "a", "profiles": [{"tool": "BBV", "data": {"total": {"metrics": null}}}]}"#;
        assert!(refused(text).starts_with("in: holds no measurement"));
    }
}
