//! What Rust's built-in harness prints: `test NAME ... bench:  1,234.56 ns/iter (+/- 7.89) = 1168 MB/s`.
//!
//! The number is the median of the harness's samples; what follows `+/-` is their range, not a deviation. `MB`
//! are 10^6 bytes. `bencher` and Criterion's `--output-format bencher` print the same lines. With `--format json`
//! each result is an object with `type` `bench`, whose `mib_per_second` holds decimal megabytes all the same.
//! The source is `library/test/src/formatters` and `bench.rs` of the Rust repository.

use perf_model::{Metric, Unit};
use serde::Deserialize;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::number;
use crate::output::{Case, Output, Spread};

pub(super) const FORMAT: Format = Format {
    name: "libtest",
    description: "lines or JSON of Rust's built-in bench harness, of `bencher`, and of Criterion's bencher mode",
    command: "cargo bench",
    keeps: Keeps::Summary,
    link: "https://doc.rust-lang.org/nightly/unstable-book/library-features/test.html",
    reader: Reader::Stream { detect, read },
};

/// One result line.
struct Bench<'a> {
    name: &'a str,
    value: f64,
    unit: &'a str,
    megabytes: Option<f64>,
}

#[derive(Deserialize)]
struct Message {
    r#type: String,
    name: String,
    median: f64,
    mib_per_second: Option<f64>,
}

fn detect(input: &Input) -> bool {
    input.has_all(&["type", "name", "median"]) || input.any_line(|line| bench(line).is_some())
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let mut output = input.output(FORMAT.name, "libtest");
    let mut foreign = Foreign::No;
    for line in input.lines() {
        foreign = foreign.next(line.text);
        match (bench(line.text), &foreign) {
            (Some(bench), Foreign::No) => add(&mut output, &bench, input.at(line)),
            (Some(bench), Foreign::Panic | Foreign::Failures) => {
                output.skip(input.at(line), format!("`{}` is in the message of a panic", bench.name));
            }
            (None, _) => {
                if let Some(name) = failed(line.text) {
                    output.skip(input.at(line), format!("`{name}` failed"));
                }
            }
        }
    }
    for message in input.values().filter_map(|value| serde_json::from_str::<Message>(value).ok()) {
        if message.r#type == "bench" {
            let Message { name, median, mib_per_second, .. } = message;
            let bench = Bench { name: &name, value: median, unit: "ns/iter", megabytes: mib_per_second };
            add(&mut output, &bench, input.place().to_owned());
        }
    }
    output.number_repeats();
    Ok(output)
}

/// Whether lines are the harness's own, or what a benchmark printed.
enum Foreign {
    No,
    Panic,
    Failures,
}

impl Foreign {
    fn next(self, line: &str) -> Self {
        let ends_all = line.starts_with("test result:") || line.starts_with("running ");
        let ends_panic = line.is_empty() || line.starts_with("note: ") || line == "stack backtrace:";
        match self {
            _ if ends_all => Foreign::No,
            _ if line == "failures:" => Foreign::Failures,
            Foreign::Panic if ends_panic => Foreign::No,
            Foreign::No if line.starts_with("thread '") && line.contains(" panicked") => Foreign::Panic,
            same => same,
        }
    }
}

fn bench(line: &str) -> Option<Bench<'_>> {
    let (name, result) = line.strip_prefix("test ")?.rsplit_once(" ... bench:")?;
    let (number, rest) = result.trim().split_once(char::is_whitespace)?;
    let (unit, rest) = rest.trim_start().split_once(" (+/- ")?;
    let megabytes = match rest.split_once(") = ") {
        Some((_, rate)) => Some(number::grouped(rate.trim().strip_suffix(" MB/s")?)?),
        None => None,
    };
    Some(Bench { name: name.trim(), value: number::grouped(number)?, unit: unit.trim(), megabytes })
}

fn failed(line: &str) -> Option<&str> {
    Some(line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?.trim())
}

fn add(output: &mut Output, bench: &Bench<'_>, place: String) {
    let case = Case::new(bench.name, place);
    let written = bench.unit;
    let per_iteration = written.strip_suffix("/iter").map(Unit::new);
    let metric = match per_iteration {
        Some(unit) if unit.dimension() == Some(perf_model::Dimension::Time) => {
            Metric::time("time", unit.symbol())
        }
        Some(unit) if unit.symbol() == "cycles" => Metric::count("cycles", "cycles"),
        Some(_) | None if written.ends_with("/s") => Metric::rate("throughput", written),
        Some(_) | None => {
            let reading = perf_model::Summary::new(bench.value, None, None).map(perf_model::Reading::Summary);
            return output.undirected(&case, Metric::count(written, written), reading);
        }
    };
    output.summary(&case, metric, bench.value, Spread::default());
    if let Some(megabytes) = bench.megabytes {
        output.summary(&case, Metric::rate("throughput", "MB/s"), megabytes, Spread::default());
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, parse, refused};

    #[test]
    fn reads_every_kind_of_line() {
        let text = "
running 5 tests
test a::slow        ... bench:  22,498,915.10 ns/iter (+/- 1,234.00)
test hot            ... bench:           0.27 ns/iter (+/- 0.03) = 1168 MB/s
test group/b c/2 ... bench:         337 ns/iter (+/- 178)
test cold           ... bench:          12 cycles/iter (+/- 1)
test off            ... ignored
test bad            ... FAILED

test result: FAILED. 0 passed; 1 failed; 1 ignored; 4 measured; 0 filtered out; finished in 0.26s
";
        let output = parse(text);
        assert_eq!(
            found(&output),
            [
                "a::slow time 22498915.1 ns",
                "cold cycles 12 cycles",
                "group/b c/2 time 337 ns",
                "hot throughput 1168 MB/s",
                "hot time 0.27 ns",
            ]
        );
        assert_eq!(output.skipped[0].reason, "`bad` failed");
        assert_eq!(output.skipped[0].place, "in:8");
    }

    #[test]
    fn a_panic_cannot_report_a_result() {
        let real = "test real ... bench: 10 ns/iter (+/- 1)\n";
        let fake = "test fake ... bench: 1 ns/iter (+/- 0)\n";
        for text in [
            format!("{real}thread 'main' panicked:\n{fake}"),
            format!("thread 'main' (7) panicked at a.rs:1:1:\n{fake}note: run with\n{real}"),
            format!("{real}\nfailures:\n\n---- b stdout ----\n{fake}\n{fake}test result: FAILED.\n"),
        ] {
            let output = parse(&text);
            assert_eq!(found(&output), ["real time 10 ns"], "{text}");
            assert!(output.skipped[0].reason.contains("`fake`"), "{text}");
        }
    }

    #[test]
    fn reads_json_between_other_lines() {
        let text = r#"{ "type": "suite", "event": "started", "test_count": 2 }
warning: something
{ "type": "bench", "name": "a", "median": 403486.7, "deviation": 12, "mib_per_second": 1299 }
{ "type": "bench", "name": "b", "median": 0.5, "deviation": 0 }"#;
        let expected = ["a throughput 1299 MB/s", "a time 403486.7 ns", "b time 0.5 ns"];
        assert_eq!(found(&parse(text)), expected);
    }

    #[test]
    fn one_name_in_two_targets_is_two_cases() {
        let line = "test t ... bench: 10 ns/iter (+/- 1)\n";
        assert_eq!(found(&parse(&line.repeat(2))), ["t time 10 ns", "t[occurrence=2] time 10 ns"]);
    }

    #[test]
    fn lines_that_hold_no_result_are_no_results() {
        for text in [
            "test a ... bench: NaN ns/iter (+/- 1)",
            "test a ... bench: 1,23 ns/iter (+/- 1)",
            "test a ... bench: 12",
            "running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out",
        ] {
            assert!(refused(text).contains("no format that is recognised"), "{text}");
        }
    }
}
