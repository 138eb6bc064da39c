//! What oha writes with `--output-format json`, and its table of all requests (`--output-format csv`).
//!
//! The source of both layouts is oha's `printer.rs`. Everything is in seconds but for `metrics.latency_ms`, a rounded
//! copy that is not read. Where no request was answered the times are `null`. Requests that were still under way when
//! the time was up are listed as errors (`aborted due to deadline`); they are none.

use std::collections::BTreeMap;

use perf_model::Metric;
use serde::Deserialize;

use super::hey::{is_success, table_of};
use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::load::{self, Load};
use crate::output::{Case, Output};
use crate::table::header;

pub(super) const FORMAT: Format = Format {
    name: "oha",
    description: "the output of `oha --output-format json` (or `csv`)",
    command: "oha --no-tui --output-format json http://localhost:8080/",
    keeps: Keeps::Either,
    link: "https://github.com/hatoo/oha",
    reader: Reader::File { detect, read },
};

const DEADLINE: &str = "aborted due to deadline";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    summary: Summary,
    #[serde(default)]
    latency_percentiles: BTreeMap<String, Option<f64>>,
    #[serde(default)]
    status_code_distribution: BTreeMap<String, u64>,
    #[serde(default)]
    error_distribution: BTreeMap<String, u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    average: Option<f64>,
    requests_per_sec: Option<f64>,
    size_per_sec: Option<f64>,
}

fn detect(input: &Input) -> bool {
    is_table(input.text()) || (input.has("summary/requestsPerSec") && input.has("responseTimeHistogram"))
}

fn is_table(text: &str) -> bool {
    header(text, b',').starts_with(&["request-start".to_owned(), "DNS".to_owned()])
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let mut output = input.output(FORMAT.name, FORMAT.name);
    let load = match is_table(input.text()) {
        true => table_of(input, FORMAT.name, "request-duration", "status")?,
        false => report(input)?,
    };
    load::finish(vec![load], &mut output);
    Ok(output)
}

fn report(input: &Input) -> Result<Load, ReadError> {
    let report: Report = input.json("the report of oha")?;
    let answered: u64 = report.status_code_distribution.values().sum();
    let rejected = report.status_code_distribution.iter().filter(|(status, _)| !is_success(status));
    let errors = report.error_distribution.iter().filter(|(error, _)| *error != DEADLINE);
    let (rejected, errors): (u64, u64) = (rejected.map(|it| it.1).sum(), errors.map(|it| it.1).sum());
    let mut load = Load::new(Case::new(FORMAT.name, input.place()));
    load.requests(answered + errors, rejected + errors);
    let mut add = |metric: Metric, value: Option<f64>| {
        if let Some(value) = value {
            load.add(metric, value);
        }
    };
    add(Metric::time("latency", "s"), report.summary.average);
    for (rank, seconds) in &report.latency_percentiles {
        add(Metric::percentile(rank.trim_start_matches('p'), "s"), *seconds);
    }
    add(Metric::rate("throughput", "req/s"), report.summary.requests_per_sec);
    add(Metric::rate("transfer", "B/s"), report.summary.size_per_sec);
    Ok(load)
}

#[cfg(test)]
mod tests {
    use crate::format::tests_of::{found, withheld};

    const RUN: &str = include_str!("../../fixtures/oha.json");
    const REFUSED: &str = include_str!("../../fixtures/oha_refused.json");
    /// `-z 1s`: two requests were under way at the end.
    const TIMED: &str = include_str!("../../fixtures/oha_z.json");
    const TABLE: &str = include_str!("../../fixtures/oha.csv");

    #[test]
    fn reads_seconds_and_not_their_rounded_copy() {
        let found = found(RUN, "");
        let names: Vec<_> = found.iter().map(|(name, ..)| name.trim_start_matches("oha ")).collect();
        let expected = [
            "failure-rate",
            "latency",
            "p10",
            "p25",
            "p50",
            "p75",
            "p90",
            "p95",
            "p99",
            "p99.9",
            "p99.99",
            "throughput",
            "transfer",
        ];
        assert_eq!(names, expected);
        let units: Vec<_> = found.iter().map(|(.., unit)| unit.as_str()).collect();
        assert_eq!((units[1], units[11], units[12]), ("s", "req/s", "B/s"));
        assert!((0.001..0.1).contains(&found[1].1), "{}", found[1].1);
    }

    #[test]
    fn requests_under_way_at_the_end_are_no_failures() {
        assert_eq!(found(TIMED, "")[0], ("oha failure-rate".into(), 0.0, "ratio".into()));
    }

    #[test]
    fn failed_tests_have_no_result() {
        assert!(found(REFUSED, "").is_empty());
        let reason = "every one of its 20 requests failed, and failing fast is not speed".to_owned();
        assert!(withheld(REFUSED, "").contains(&("oha throughput".to_owned(), reason)));
    }

    #[test]
    fn a_table_has_every_request() {
        let found = found(TABLE, "");
        assert_eq!(
            found.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>()[..2],
            ["oha failure-rate", "oha latency"]
        );
    }
}
