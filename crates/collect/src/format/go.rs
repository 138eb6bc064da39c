//! What `go test -bench` prints, as text or as the events of `go test -json`.
//!
//! A result line is `BenchmarkName[/sub]...[-procs]  iterations  (value unit)+`. The same line repeated (`-count`)
//! is one series with a sample for each. `pkg:` lines apply until the next one, and tell apart what has one name in
//! two packages. The name keeps the number of processors, `-8`, since a name may end in a number itself. `ns/op`
//! is `time`; other units keep their name, and where a unit tells no direction, a line `Unit NAME better=higher` of
//! Go's benchmark format does. The source is Go's proposal 14313 and `testing/benchmark.go`; `MB` are 10^6 bytes.

use std::collections::BTreeMap;

use perf_model::{Better, Kind, Metric, Reading, Samples, Unit};
use serde::Deserialize;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::number;
use crate::output::{Case, Output};
use crate::text::{self, Line};

pub(super) const FORMAT: Format = Format {
    name: "go",
    description: "results of Go's `testing` package, as text or `-json` events; `-count` gives samples",
    command: "go test -bench . -count 10",
    keeps: Keeps::Samples,
    link: "https://pkg.go.dev/testing#hdr-Benchmarks",
    reader: Reader::File { detect, read },
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    action: String,
    package: Option<String>,
    output: Option<String>,
}

/// What lines before a result say of it.
#[derive(Default)]
struct Header {
    package: Option<String>,
    better: BTreeMap<String, Better>,
}

fn detect(input: &Input) -> bool {
    input.has_all(&["Action", "Package"]) || input.any_line(|line| is_result(line) || is_lost(line))
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let mut output = input.output(FORMAT.name, FORMAT.name);
    if input.has_all(&["Action", "Package"]) {
        for (package, text) in packages(input) {
            let mut header = Header { package: Some(package), ..Header::default() };
            for line in text::lines(&text) {
                read_line(&mut header, line.text, input.place(), &mut output);
            }
        }
    } else {
        let mut header = Header::default();
        for line @ Line { text, .. } in input.lines() {
            read_line(&mut header, text, &input.at(line), &mut output);
        }
    }
    output.pool_repeats();
    Ok(output)
}

/// Returns what each package printed: an event ends where the program wrote, not where a line does.
fn packages(input: &Input) -> BTreeMap<String, String> {
    let mut packages: BTreeMap<String, String> = BTreeMap::new();
    for event in input.values().filter_map(|value| serde_json::from_str::<Event>(value).ok()) {
        if event.action == "output" {
            let text = packages.entry(event.package.unwrap_or_default()).or_default();
            text.push_str(event.output.as_deref().unwrap_or_default());
        }
    }
    packages
}

fn read_line(header: &mut Header, line: &str, place: &str, output: &mut Output) {
    if let Some(package) = line.strip_prefix("pkg: ") {
        header.package = Some(package.trim().to_owned());
    } else if let Some(unit) = line.strip_prefix("Unit ") {
        header.better.extend(declared(unit));
    } else if line.starts_with("--- FAIL: Benchmark") || line.starts_with("FAIL\t") {
        output.skip(place, format!("`{}` failed", line.trim_start_matches("--- ").trim()));
    } else if is_result(line) {
        match pairs(line) {
            Some((name, pairs)) => add(header, name, &pairs, place, output),
            None => output.skip(place, "a result line whose numbers and units do not pair up"),
        }
    } else if is_lost(line) {
        output.skip(place, "a result without its numbers: the benchmark printed in between");
    }
}

/// Says whether a line is a name and a number of iterations.
fn is_result(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let name = words.next().is_some_and(is_name);
    name && words.next().is_some_and(|word| word.bytes().all(|byte| byte.is_ascii_digit()))
        && words
            .next()
            .is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit() || "+-.NI".contains(c)))
        && words.next().is_some()
}

/// Says whether a line is a name with its processors and something else than results.
fn is_lost(line: &str) -> bool {
    let Some((name, rest)) = line.split_once(char::is_whitespace) else { return false };
    let procs =
        name.rsplit_once('-').is_some_and(|(_, procs)| procs.bytes().all(|byte| byte.is_ascii_digit()));
    let padded = rest.starts_with(['\t', ' ']) && rest.contains('\t');
    is_name(name) && procs && padded && !is_result(line)
}

fn is_name(word: &str) -> bool {
    word.strip_prefix("Benchmark").is_some_and(|rest| !rest.starts_with(char::is_lowercase))
}

/// Returns the name of a result line and its values with their units.
fn pairs(line: &str) -> Option<(&str, Vec<(f64, &str)>)> {
    let mut words = line.split_whitespace();
    let (name, _iterations) = (words.next()?, words.next()?);
    let mut pairs = Vec::new();
    while let Some(value) = words.next() {
        pairs.push((number::decimal(value)?, words.next()?));
    }
    Some((name, pairs))
}

/// Reads `NAME better=higher assume=exact` of a `Unit` line.
fn declared(line: &str) -> Option<(String, Better)> {
    let (unit, settings) = line.trim().split_once(char::is_whitespace)?;
    let better = settings.split_whitespace().find_map(|setting| setting.strip_prefix("better="))?;
    Some((unit.to_owned(), Better::from_word(better)?))
}

fn add(header: &Header, name: &str, pairs: &[(f64, &str)], place: &str, output: &mut Output) {
    let mut case = Case::new(name.strip_prefix("Benchmark").unwrap_or(name), place);
    if let Some(package) = &header.package {
        case = case.with("pkg", package);
    }
    for (value, unit) in pairs {
        let reading = Samples::new(vec![*value]).map(Reading::Samples);
        let (metric, directed) = metric(unit);
        match header.better.get(*unit) {
            Some(better) => output.reading(&case, Metric { better: *better, ..metric }, reading),
            None if directed => output.reading(&case, metric, reading),
            None => output.undirected(&case, metric, reading),
        }
    }
}

/// Returns the metric of a unit, and whether the unit tells the direction.
fn metric(unit: &str) -> (Metric, bool) {
    match unit {
        "MB/s" => (Metric::rate("throughput", "MB/s"), true),
        "B/op" => (Metric::size("B/op", "B"), true),
        "allocs/op" => (Metric::count("allocs/op", "allocs"), true),
        other => match other.strip_suffix("/op").map(Unit::new) {
            Some(time) if Kind::of_unit(&time) == Kind::Time => (Metric::time("time", time.symbol()), true),
            Some(_) => custom(other),
            None if other.ends_with("/s") => (Metric::rate(other, other), true),
            None => custom(other),
        },
    }
}

/// Returns the metric of a unit that a benchmark chose: `p99-ns/op` is a time, `widgets` may be anything.
fn custom(unit: &str) -> (Metric, bool) {
    let time =
        unit.strip_suffix("/op").and_then(|unit| unit.rsplit_once('-')).map(|(_, unit)| Unit::new(unit));
    match time.filter(|time| Kind::of_unit(time) == Kind::Time) {
        Some(time) => (Metric::time(unit, time.symbol()), true),
        None => (Metric::count(unit, unit), false),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, parse, refused};

    #[test]
    fn reads_every_unit_and_pools_repeats() {
        let text = "goos: linux\npkg: example.com/a\nUnit score better=higher\n\
            BenchmarkFib-2 \t     100\t    513362 ns/op\nBenchmarkFib-2 \t     100\t    513364 ns/op\n\
            BenchmarkSub/λ→µ=1-2 \t 14287\t 0.5 ns/op\t 294.22 MB/s\t 4096 B/op\t 1 allocs/op\n\
            BenchmarkOdd \t 7\t 1500000000000 big-things\t 12.5 p99-ns/op\t 42 widgets/s\t 3 score\n\
            pkg: example.com/b\nBenchmarkFib-2 \t 1\t 7 ns/op\nPASS\nok  \texample.com/b\t8.119s\n";
        let output = parse(text);
        assert_eq!(
            found(&output),
            [
                "Fib-2[pkg=example.com/a] time 513363 ns",
                "Fib-2[pkg=example.com/b] time 7 ns",
                "Odd[pkg=example.com/a] p99-ns/op 12.5 ns",
                "Odd[pkg=example.com/a] score 3 score",
                "Odd[pkg=example.com/a] widgets/s 42 widgets/s",
                "Sub/λ→µ=1-2[pkg=example.com/a] B/op 4096 B",
                "Sub/λ→µ=1-2[pkg=example.com/a] allocs/op 1 allocs",
                "Sub/λ→µ=1-2[pkg=example.com/a] throughput 294.22 MB/s",
                "Sub/λ→µ=1-2[pkg=example.com/a] time 0.5 ns",
            ]
        );
        assert_eq!(output.measurements[0].reading.samples(), [513362.0, 513364.0]);
        assert!(output.skipped[0].reason.starts_with("1 series of `big-things`"), "{:?}", output.skipped);
    }

    #[test]
    fn reads_events_whose_lines_are_cut() {
        let text = r#"{"Action":"start","Package":"a"}
{"Action":"output","Package":"a","Output":"BenchmarkX\n"}
{"Action":"output","Package":"a","Test":"BenchmarkX","Output":"BenchmarkX-2 \t"}
{"Action":"output","Package":"b","Output":"BenchmarkX-2 \t 1\t 9 ns/op\n"}
{"Action":"output","Package":"a","Output":"     781\t    435638 ns/op\n"}
{"Action":"pass","Package":"a"}"#;
        let expected = ["X-2[pkg=a] time 435638 ns", "X-2[pkg=b] time 9 ns"];
        assert_eq!(found(&parse(text)), expected);
    }

    #[test]
    fn broken_lines_are_skipped_or_refused() {
        let good = "BenchmarkGood-2 \t 100\t 12.5 ns/op\n";
        for bad in [
            "BenchmarkA-2 100 12.5 ns/op 7",
            "BenchmarkA-2 100 1e400 ns/op",
            "BenchmarkA-2 100 NaN ns/op",
            "BenchmarkA-2 100 12,5 ns/op",
            "BenchmarkA-2   \thello from stdout\n  100\t 12.5 ns/op",
            "--- FAIL: BenchmarkA-2",
        ] {
            let output = parse(&format!("{bad}\n{good}"));
            assert_eq!((found(&output).len(), output.skipped.len()), (1, 1), "{bad}: {:?}", output.skipped);
        }
        let negative = parse(&format!("BenchmarkA-2 100 -12.5 ns/op\n{good}"));
        assert_eq!((found(&negative).len(), negative.skipped.len()), (1, 1));
        assert!(refused("BenchmarkA\nBenchmarkSomething looks nice today\n").contains("no format"));
    }

    #[test]
    fn lines_after_progress_are_results() {
        let text = "progress 1%\rprogress 99%\r\u{1b}[32mBenchmarkA-2\u{1b}[0m \t 100\t 12.5 ns/op\n";
        assert_eq!(found(&parse(text)), ["A-2 time 12.5 ns"]);
    }
}
