//! What Ruby's benchmark-ips prints, and what its `json!` writes.
//!
//! ```text
//! Calculating -------------------------------------
//!             addition      8.917M (±62.9%) i/s  (112.15 ns/i) -      3.720M in   0.515077s
//! ```
//!
//! A label of more than twenty characters stands alone on the line before. The text has four digits with the
//! suffixes `k`, `M`, `B` and `T`; the JSON has all of them, and the standard deviation as a whole number.

use perf_model::Metric;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::json;
use crate::number::{decimal, split};
use crate::output::{Case, Output, Spread};

pub(super) const FORMAT: Format = Format {
    name: "benchmark-ips",
    description: "what Ruby's benchmark-ips prints or writes with `json!`",
    command: "ruby bench.rb",
    keeps: Keeps::Summary,
    link: "https://github.com/evanphx/benchmark-ips",
    reader: Reader::File { detect, read },
};

/// Suffixes of a thousand and its powers.
const SUFFIXES: [(&str, f64); 6] = [("", 1.0), ("k", 1e3), ("M", 1e6), ("B", 1e9), ("T", 1e12), ("Q", 1e15)];

#[derive(Deserialize)]
struct Report {
    name: String,
    ips: f64,
    stddev: Option<f64>,
}

fn detect(input: &Input) -> bool {
    is_json(input) || input.any_line(|line| row(line).is_some())
}

fn is_json(input: &Input) -> bool {
    input.has_all(&["0/name", "0/ips"])
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let mut output = input.output(FORMAT.name, FORMAT.name);
    match is_json(input) {
        true => read_json(input, &mut output)?,
        false => read_text(input, &mut output),
    }
    output.number_repeats();
    Ok(output)
}

fn read_json(input: &Input, output: &mut Output) -> Result<(), ReadError> {
    let list: Vec<&RawValue> = input.json("the reports of benchmark-ips")?;
    for (place, report) in json::entries::<Report>(&list, input.place(), output) {
        let spread = Spread { sd: report.stddev, n: None };
        output.summary(&Case::new(report.name, place), Metric::rate("throughput", "i/s"), report.ips, spread);
    }
    Ok(())
}

fn read_text(input: &Input, output: &mut Output) {
    let mut before = "";
    for line in input.lines() {
        match row(line.text) {
            Some((label, rate, deviation)) => {
                let label = if label.is_empty() { before } else { label };
                let spread = Spread { sd: Some(rate * deviation / 100.0), n: None };
                let case = Case::new(label, input.at(line));
                output.summary(&case, Metric::rate("throughput", "i/s"), rate, spread);
            }
            None => before = line.text.trim(),
        }
    }
}

/// Reads a label, which may be blank, with iterations per second and their deviation in percent.
fn row(line: &str) -> Option<(&str, f64, f64)> {
    let (before, rest) = line.split_once(") i/s ")?;
    let after = rest.rsplit_once(" in ")?.1.trim();
    decimal(after.strip_suffix('s')?)?;
    let (before, deviation) = before.rsplit_once("(±")?;
    let before = before.trim_end();
    let start = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let (rate, suffix) = split(&before[start..])?;
    let (_, factor) = SUFFIXES.iter().find(|(known, _)| *known == suffix)?;
    Some((before[..start].trim(), rate * factor, decimal(deviation.trim().strip_suffix('%')?)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests_of::found;

    const TEXT: &str = include_str!("../../fixtures/benchmark_ips.txt");
    const JSON: &str = include_str!("../../fixtures/benchmark_ips.json");

    #[test]
    fn reads_text_and_json_of_one_run_alike() {
        let (text, json) = (found(TEXT, FORMAT.name), found(JSON, FORMAT.name));
        let names: Vec<_> = text.iter().map(|(name, ..)| name.as_str()).collect();
        assert_eq!(
            names,
            ["a long label that exceeds it throughput", "addition throughput", "slow λ throughput"]
        );
        for ((name, rounded, unit), (other, exact, _)) in text.iter().zip(&json) {
            assert_eq!((name, unit.as_str()), (other, "i/s"));
            assert!((rounded / exact - 1.0).abs() < 1e-3, "{name}: {rounded} {exact}");
        }
    }

    #[test]
    fn newer_versions_print_the_time_of_one_iteration_too() {
        let line = "     a 1     11.477M (±17.0%) i/s   (87.13 ns/i) -      3.694M in   0.332115s";
        assert_eq!(row(line), Some(("a 1", 11.477e6, 17.0)));
        assert_eq!(row("   a: 41.1 i/s - 3.88x  slower"), None);
        assert_eq!(row("   a  3.000  i/100ms"), None);
    }
}
