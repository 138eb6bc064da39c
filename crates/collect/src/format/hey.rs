//! What hey prints, and the response times that `hey -o csv` and `oha --output-format csv` print.
//!
//! The source of the layouts is hey's `requester/print.go`: times are seconds with four decimals, so that 0 is less
//! than 50 us. A percentile that hey has no data for is printed as `0% in 0.0000 secs`, a mean of nothing as `NaN`.
//! The table has one row for each answered request; hey leaves out the requests that got no answer.

use perf_model::Metric;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::load::{self, Load};
use crate::number::decimal;
use crate::output::{Case, Output};
use crate::table::{Table, header};
use crate::text;

pub(super) const FORMAT: Format = Format {
    name: "hey",
    description: "what `hey` prints, also with `-o csv`",
    command: "hey -o csv http://localhost:8080/",
    keeps: Keeps::Either,
    link: "https://github.com/rakyll/hey",
    reader: Reader::File { detect, read },
};

fn detect(input: &Input) -> bool {
    is_table(input.text()) || is_summary(input.text())
}

fn is_table(text: &str) -> bool {
    header(text, b',').starts_with(&["response-time".to_owned(), "DNS+dialup".to_owned()])
}

fn is_summary(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim);
    let begins = lines.any(|line| line == "Summary:");
    // oha prints the same headings, but `Success rate:` before all.
    begins && lines.next().is_some_and(|line| line.starts_with("Total:") && line.ends_with(" secs"))
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let mut output = input.output(FORMAT.name, FORMAT.name);
    let load = match is_table(input.text()) {
        true => table_of(input, FORMAT.name, "response-time", "status-code")?,
        false => summary(input)?,
    };
    load::finish(vec![load], &mut output);
    Ok(output)
}

/// Reads a table with a row for each request: how many seconds it took and the status that answered it.
pub(super) fn table_of(input: &Input, tool: &str, time: &str, status: &str) -> Result<Load, ReadError> {
    let table = Table::read(input, b',')?;
    let mut times = Vec::new();
    let mut failures = 0;
    for row in table.rows() {
        let cell = row.get(&[time]).unwrap_or_default();
        let seconds = decimal(cell).ok_or_else(|| {
            input.refuse(format!("line {}: expected `{time}` to be a number, found `{cell}`", row.line()))
        })?;
        times.push(seconds);
        failures += u64::from(!is_success(row.get(&[status]).unwrap_or_default()));
    }
    if times.is_empty() {
        return Err(input.refuse("holds no request: all of them may have failed"));
    }
    let mut load = Load::new(Case::new(tool, input.place()));
    load.requests(times.len() as u64, failures);
    load.add_every(times, "s");
    Ok(load)
}

/// Says whether an HTTP status is no failure; `0` and blank stand for no answer.
pub(super) fn is_success(status: &str) -> bool {
    status.parse().is_ok_and(|status: u16| (100..400).contains(&status))
}

/// What the parts of a summary say.
#[derive(Default)]
struct Summary<'a> {
    average: Option<&'a str>,
    rate: Option<&'a str>,
    percentiles: Vec<(&'a str, f64)>,
    answered: u64,
    rejected: u64,
    errors: u64,
}

fn summary(input: &Input) -> Result<Load, ReadError> {
    let found = sections(input.text());
    let rate = found.rate.ok_or_else(|| input.refuse("expected a line `Requests/sec:`"))?;
    let mut load = Load::new(Case::new(FORMAT.name, input.place()));
    load.requests(found.answered + found.errors, found.rejected + found.errors);
    // `NaN` is the mean of no answer at all.
    load.add(Metric::time("latency", "s"), found.average.and_then(decimal).unwrap_or(f64::NAN));
    for (rank, seconds) in found.percentiles {
        load.add(Metric::percentile(rank, "s"), seconds);
    }
    load.add(Metric::rate("throughput", "req/s"), decimal(rate).unwrap_or(f64::NAN));
    Ok(load)
}

fn sections(text: &str) -> Summary<'_> {
    let mut found = Summary::default();
    let mut section = "";
    for line in text::lines(text).map(|line| line.text.trim()) {
        if line.ends_with(':') {
            section = line;
            continue;
        }
        match section {
            "Summary:" => match line.split_once(':') {
                Some(("Average", value)) => found.average = value.split_whitespace().next(),
                Some(("Requests/sec", value)) => found.rate = Some(value.trim()),
                Some(_) | None => {}
            },
            "Latency distribution:" => found.percentiles.extend(percentile(line)),
            "Status code distribution:" => {
                let (status, count) = counted(line).unwrap_or_default();
                found.answered += count;
                found.rejected += if is_success(status) { 0 } else { count };
            }
            "Error distribution:" => found.errors += counted(line).map_or(0, |(count, _)| number(count)),
            _ => {}
        }
    }
    found
}

/// Reads `99% in 0.0080 secs`; the rank of a percentile without data is 0.
fn percentile(line: &str) -> Option<(&str, f64)> {
    let (rank, rest) = line.split_once("% in ")?;
    decimal(rank).filter(|rank| *rank > 0.0)?;
    Some((rank, decimal(rest.split_whitespace().next()?)?))
}

/// Reads `[200]  60 responses`, or `[3]  Get "http://...": ...` of an error: what stands in brackets, and the number
/// that follows.
fn counted(line: &str) -> Option<(&str, u64)> {
    let (bracketed, rest) = line.strip_prefix('[')?.split_once(']')?;
    Some((bracketed, rest.split_whitespace().next().map_or(0, number)))
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::format::tests_of::{found, refusal, skips, withheld};

    const RUN: &str = include_str!("../../fixtures/hey.txt");
    const MISSING: &str = include_str!("../../fixtures/hey_missing.txt");
    const REFUSED: &str = include_str!("../../fixtures/hey_refused.txt");
    const TABLE: &str = include_str!("../../fixtures/hey.csv");
    const NOTHING: &str = include_str!("../../fixtures/hey_refused.csv");

    #[test]
    fn reads_what_there_is_data_for() {
        let expected = [
            ("failure-rate", 0.0, "ratio"),
            ("latency", 0.0424, "s"),
            ("p10", 0.0436, "s"),
            ("p25", 0.0439, "s"),
            ("p50", 0.044, "s"),
            ("p75", 0.0441, "s"),
            ("p90", 0.0477, "s"),
            ("p95", 0.0482, "s"),
            ("throughput", 70.7059, "req/s"),
        ];
        let expected =
            expected.map(|(metric, value, unit)| (format!("hey {metric}"), value, unit.to_owned()));
        assert_eq!(found(RUN, ""), expected);
    }

    #[test]
    fn a_table_has_every_request() {
        let output = crate::read_stream("in", TABLE.as_bytes(), &crate::Options::default()).unwrap();
        let names: Vec<_> = output.measurements.iter().map(|m| m.metric.name.as_str()).collect();
        assert_eq!(names, ["failure-rate", "latency", "p50", "p90", "p95", "p99"]);
        assert_eq!(output.measurements[1].reading.samples().len(), 20);
        assert_eq!(output.measurements[1].reading.samples()[0], 0.0244);
        assert_eq!(output.measurements[5].reading.location(), 0.068);
    }

    #[test]
    fn failed_tests_have_no_result() {
        for (text, requests) in [(MISSING, 60), (REFUSED, 60)] {
            assert!(found(text, "").is_empty());
            let reason =
                format!("every one of its {requests} requests failed, and failing fast is not speed");
            assert_eq!(skips(text, ""), [format!("in: `hey`: {reason}")]);
            assert!(withheld(text, "").contains(&("hey throughput".to_owned(), reason)));
        }
        assert!(refusal(NOTHING, "").contains("holds no request"));
        assert!(
            refusal(&TABLE.replace("0.0281", "fast"), "")
                .contains("line 3: expected `response-time` to be a number")
        );
    }

    #[test]
    fn some_failures_are_a_rate() {
        let some = RUN.replace("  [200]\t60 responses", "  [200]\t50 responses\n  [503]\t6 responses\n\nError distribution:\n  [4]\tGet \"x\": dial: refused");
        assert_eq!(found(&some, "")[0], ("hey failure-rate".into(), 10.0 / 60.0, "ratio".into()));
    }
}
