//! What ApacheBench (`ab`) prints, and the percentiles that `ab -e FILE` writes.
//!
//! The source of both layouts is `output_results` in Apache's `ab.c`. Times are in milliseconds, a `Kbyte` is 1024
//! bytes. `Failed requests` counts answers of another length than the first, which pages made on the fly have by
//! nature; they are not counted as failures here, but answers with a bad status are, which `ab` counts apart. The
//! printed percentiles are whole milliseconds, where 0 is less than half of one; those of `-e` have three decimals.

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
    name: "ab",
    description: "what ApacheBench (`ab`) prints, or writes with `-e`",
    command: "ab -n 1000 http://localhost:8080/",
    keeps: Keeps::Summary,
    link: "https://httpd.apache.org/docs/current/programs/ab.html",
    reader: Reader::File { detect, read },
};

/// The ranks that `ab` prints; `-e` writes every one from 0 to 100.
const RANKS: [&str; 9] = ["50", "66", "75", "80", "90", "95", "98", "99", "100"];

fn detect(input: &Input) -> bool {
    is_percentiles(input.text()) || input.text().lines().any(is_start)
}

fn is_start(line: &str) -> bool {
    line.starts_with("This is ApacheBench")
}

fn is_percentiles(text: &str) -> bool {
    header(text, b',') == ["Percentage served", "Time in ms"]
}

fn read(input: &Input) -> Result<Output, ReadError> {
    let mut output = input.output(FORMAT.name, FORMAT.name);
    output.note_version(version(input.text()));
    let loads = match is_percentiles(input.text()) {
        true => vec![read_percentiles(input)?],
        false => read_tests(input, &mut output),
    };
    load::finish(loads, &mut output);
    Ok(output)
}

/// Returns `2.3` of `This is ApacheBench, Version 2.3 <$Revision$>`.
fn version(text: &str) -> Option<&str> {
    text.lines()
        .find_map(|line| line.strip_prefix("This is ApacheBench, Version "))?
        .split_whitespace()
        .next()
}

fn read_percentiles(input: &Input) -> Result<Load, ReadError> {
    let table = Table::read(input, b',')?;
    let mut load = Load::new(Case::new(FORMAT.name, input.place()));
    for row in table.rows() {
        let cell = |name| row.get(&[name]).unwrap_or_default();
        let (rank, time) = (cell("Percentage served"), cell("Time in ms"));
        let time = decimal(time).ok_or_else(|| {
            input.refuse(format!("line {}: expected `Time in ms` to be a number, found `{time}`", row.line()))
        })?;
        if RANKS.contains(&rank) {
            load.add(Metric::percentile(rank, "ms"), time);
        }
    }
    Ok(load)
}

fn read_tests(input: &Input, output: &mut Output) -> Vec<Load> {
    let mut tests: Vec<Vec<&str>> = Vec::new();
    for line in text::lines(input.text()).map(|line| line.text) {
        if is_start(line) {
            tests.push(Vec::new());
        }
        if let Some(test) = tests.last_mut() {
            test.push(line);
        }
    }
    let mut loads = Vec::new();
    for (test, number) in tests.iter().zip(1..) {
        match read_test(test, input.place()) {
            Some(load) => loads.push(load),
            None => output.skip(
                input.place(),
                format!("test {number} has no `Requests per second`: the server may have refused it"),
            ),
        }
    }
    loads
}

fn read_test(lines: &[&str], place: &str) -> Option<Load> {
    let value =
        |key: &str| lines.iter().find_map(|line| Some(line.strip_prefix(key)?.strip_prefix(':')?.trim()));
    let first = |key: &str| value(key)?.split_whitespace().next().and_then(decimal);
    let count = |key: &str| first(key).unwrap_or_default() as u64;
    let per_second = first("Requests per second")?;
    let port = value("Server Port").map_or_else(String::new, |port| format!(":{port}"));
    let page = format!("{}{port}{}", value("Server Hostname")?, value("Document Path").unwrap_or_default());
    let mut case = Case::new(page, place);
    case.params.extend(value("Concurrency Level").map(|level| ("concurrency".to_owned(), level.to_owned())));
    let mut load = Load::new(case);
    let failed = count("Failed requests") - other_lengths(lines).min(count("Failed requests"));
    load.requests(count("Complete requests"), failed + count("Non-2xx responses"));
    if let Some(latency) = first("Time per request") {
        load.add(Metric::time("latency", "ms"), latency);
    }
    for (rank, time) in lines.iter().filter_map(|line| percentile(line)) {
        load.add(Metric::percentile(rank, "ms"), time);
    }
    load.add(Metric::rate("throughput", "req/s"), per_second);
    if let Some(transfer) = first("Transfer rate") {
        load.add(Metric::rate("transfer", "KiB/s"), transfer);
    }
    Some(load)
}

/// Returns `7` of the line `   (Connect: 0, Receive: 0, Length: 7, Exceptions: 0)`.
fn other_lengths(lines: &[&str]) -> u64 {
    let causes = lines.iter().find_map(|line| line.trim().strip_prefix("(Connect:"));
    let length = causes.and_then(|causes| causes.split("Length:").nth(1));
    length.and_then(|rest| rest.split([',', ')']).next()?.trim().parse().ok()).unwrap_or_default()
}

/// Reads a line such as `  95%      8`; the last one ends in `(longest request)`.
fn percentile(line: &str) -> Option<(&str, f64)> {
    let (rank, rest) = line.trim().split_once('%')?;
    let rank = RANKS.into_iter().find(|known| *known == rank)?;
    Some((rank, rest.split_whitespace().next().and_then(decimal)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests_of::{found, refusal, withheld};

    const RUN: &str = include_str!("../../fixtures/ab.txt");
    const MISSING: &str = include_str!("../../fixtures/ab_missing.txt");
    const REFUSED: &str = include_str!("../../fixtures/ab_refused.txt");
    const PERCENTILES: &str = include_str!("../../fixtures/ab.csv");

    #[test]
    fn reads_latencies_and_rates() {
        let case = "127.0.0.1:18181/[concurrency=4]";
        let found = found(RUN, "");
        for (metric, value, unit) in [
            ("failure-rate", 0.0, "ratio"),
            ("latency", 2.897, "ms"),
            ("p50", 2.0, "ms"),
            ("p95", 8.0, "ms"),
            ("p100", 12.0, "ms"),
            ("throughput", 1380.81, "req/s"),
            ("transfer", 167.21, "KiB/s"),
        ] {
            assert!(
                found.contains(&(format!("{case} {metric}"), value, unit.to_owned())),
                "{metric}: {found:?}"
            );
        }
        assert_eq!(found.len(), 4 + RANKS.len());
    }

    #[test]
    fn two_tests_in_one_file_are_two_benchmarks() {
        let both =
            format!("{RUN}\n{}", MISSING.replace("Non-2xx responses:      50", "Non-2xx responses:      5"));
        let found = found(&both, "");
        let failures: Vec<_> = found.iter().filter(|(name, ..)| name.ends_with("failure-rate")).collect();
        assert_eq!(failures.iter().map(|it| it.1).collect::<Vec<_>>(), [0.0, 0.1]);
    }

    #[test]
    fn answers_of_another_length_are_no_failures() {
        let other = "Failed requests:        9\n   (Connect: 1, Receive: 1, Length: 6, Exceptions: 1)";
        let found = found(&RUN.replace("Failed requests:        0", other), "");
        assert_eq!(found[0].1, 3.0 / 200.0, "{}", found[0].0);
    }

    #[test]
    fn failed_tests_have_no_result() {
        assert!(found(MISSING, "").is_empty());
        assert!(withheld(MISSING, "").iter().any(|(name, _)| name.ends_with(" latency")));
        assert!(
            refusal(REFUSED, "")
                .ends_with("test 1 has no `Requests per second`: the server may have refused it")
        );
    }

    #[test]
    fn the_percentiles_of_a_file_have_decimals() {
        let found = found(PERCENTILES, "");
        assert_eq!(found.len(), RANKS.len());
        assert!(found.contains(&("ab p95".into(), 8.078, "ms".into())), "{found:?}");
        assert!(
            refusal("Percentage served,Time in ms\n50,fast\n", "").contains("line 2: expected `Time in ms`")
        );
    }
}
