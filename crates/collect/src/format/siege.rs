//! What `siege -j` prints.
//!
//! Times are seconds with two decimals, so that 0 is less than 5 ms. `transactions` are answers with a status below
//! 500, `successful_transactions` those below 400; the others, and what got no answer, are `failed_transactions`.

use perf_model::Metric;
use serde::Deserialize;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::load::{self, Load};
use crate::output::{Case, Output};

pub(super) const FORMAT: Format = Format {
    name: "siege",
    description: "the output of `siege --json-output`",
    command: "siege --json-output http://localhost:8080/",
    keeps: Keeps::Summary,
    link: "https://www.joedog.org/siege-manual/",
    reader: Reader::File { detect, read },
};

#[derive(Deserialize)]
struct Report {
    transactions: u64,
    response_time: f64,
    transaction_rate: f64,
    throughput: Option<f64>,
    successful_transactions: u64,
    failed_transactions: u64,
}

fn detect(input: &Input) -> bool {
    input.has("transactions") && input.has("availability")
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let report: Report = input.json("the report of siege")?;
    let mut load = Load::new(Case::new(FORMAT.name, input.place()));
    let requests = report.transactions + report.failed_transactions;
    load.requests(requests, requests.saturating_sub(report.successful_transactions));
    load.add(Metric::time("latency", "s"), report.response_time);
    load.add(Metric::rate("throughput", "req/s"), report.transaction_rate);
    if let Some(transfer) = report.throughput {
        load.add(Metric::rate("transfer", "MB/s"), transfer);
    }
    let mut output = input.output(FORMAT.name, FORMAT.name);
    load::finish(vec![load], &mut output);
    Ok(output)
}

#[cfg(test)]
mod tests {
    use crate::format::tests_of::{found, skips, withheld};

    /// With the lines that siege prints before the JSON when it runs for the first time.
    const RUN: &str = include_str!("../../fixtures/siege.json");
    const MISSING: &str = include_str!("../../fixtures/siege_missing.json");
    const REFUSED: &str = include_str!("../../fixtures/siege_refused.json");

    #[test]
    fn reads_seconds_and_megabytes() {
        let expected = [
            ("failure-rate", 0.0, "ratio"),
            ("latency", 0.02, "s"),
            ("throughput", 86.96, "req/s"),
            ("transfer", 0.0, "MB/s"),
        ];
        let expected =
            expected.map(|(metric, value, unit)| (format!("siege {metric}"), value, unit.to_owned()));
        assert_eq!(found(RUN, ""), expected);
        assert!(skips(RUN, "")[0].contains("lines around the JSON"), "{:?}", skips(RUN, ""));
    }

    #[test]
    fn failed_tests_have_no_result() {
        for text in [MISSING, REFUSED] {
            assert!(found(text, "").is_empty());
            assert_eq!(withheld(text, "").len(), 4);
        }
        let some = REFUSED
            .replace("\"transactions\":\t\t\t           0", "\"transactions\": 20")
            .replace("successful_transactions\":\t           0", "successful_transactions\": 10");
        assert_eq!(found(&some, "")[0].1, 0.75, "10 of 40");
    }
}
