//! What wrk and wrk2 print.
//!
//! ```text
//! Running 2s test @ http://127.0.0.1:8080/
//!   1 threads and 4 connections
//!   Thread Stats   Avg      Stdev     Max   +/- Stdev
//!     Latency    44.72ms    6.69ms  51.99ms   97.14%
//!   Latency Distribution
//!      50%   44.02ms
//!   175 requests in 2.00s, 21.63KB read
//!   Socket errors: connect 0, read 1, write 0, timeout 2
//!   Non-2xx or 3xx responses: 3
//! Requests/sec:     87.43
//! Transfer/sec:     10.81KB
//! ```
//!
//! The source of the layout is `wrk.c`, `stats.c` and `units.c`: times are in us, ms, s, m and h, and `K`, `M`, `G`
//! of bytes are powers of 1024. wrk2 prints more: percentiles corrected for coordinated omission (`Recorded
//! Latency`, which are read), with `-U` also the uncorrected ones (which are not), and a spectrum of all
//! percentiles. `-nan` is a number that it did not have. What a script prints of its own is not read. A test that
//! could not connect has one line and no result.

use perf_model::Metric;

use super::kind::{Format, Keeps, Reader};
use crate::error::ReadError;
use crate::input::Input;
use crate::load::{self, Load};
use crate::number::{decimal, split};
use crate::output::{Case, Output};
use crate::text;

pub(super) const FORMAT: Format = Format {
    name: "wrk",
    description: "what `wrk` prints",
    command: "wrk --latency http://localhost:8080/",
    keeps: Keeps::Summary,
    link: "https://github.com/wg/wrk",
    reader: Reader::File { detect, read },
};

pub(super) const FORMAT_2: Format = Format {
    name: "wrk2",
    description: "what `wrk2` prints",
    command: "wrk2 --rate 1000 --latency http://localhost:8080/",
    link: "https://github.com/giltene/wrk2",
    reader: Reader::File { detect: detect_2, read: read_2 },
    ..FORMAT
};

fn detect(input: &Input) -> bool {
    has_test(input.text()) && !is_second(input.text())
}

fn detect_2(input: &Input) -> bool {
    has_test(input.text()) && is_second(input.text())
}

fn has_test(text: &str) -> bool {
    text.lines().any(|line| url(line).is_some())
}

/// Says whether wrk2 printed this. Without `--latency` and in less than ten seconds only the rate that it does not
/// know by then tells.
fn is_second(text: &str) -> bool {
    let marks = |line: &str| {
        let line = line.trim_start();
        line.starts_with("Thread calibration:")
            || line.starts_with("Latency Distribution (HdrHistogram")
            || (line.starts_with("Req/Sec") && line.contains("-nan"))
    };
    text.lines().any(marks)
}

fn url(line: &str) -> Option<&str> {
    let (duration, url) = line.trim_end().strip_prefix("Running ")?.split_once(" test @ ")?;
    duration.starts_with(|c: char| c.is_ascii_digit()).then_some(url)
}

fn read(input: &Input) -> Result<Output, ReadError> {
    read_as(input, FORMAT.name)
}

fn read_2(input: &Input) -> Result<Output, ReadError> {
    read_as(input, FORMAT_2.name)
}

fn read_as(input: &Input, tool: &str) -> Result<Output, ReadError> {
    let mut output = input.output(tool, tool);
    let tests = tests(input.text());
    if tests.is_empty() {
        return Err(input.refuse("expected a line `Running 10s test @ http://...`"));
    }
    let mut loads = Vec::new();
    for test in tests {
        match test.load(input.place()) {
            Some(load) => loads.push(load),
            None => output.skip(input.place(), format!("the test of {} has no `Requests/sec`", test.url)),
        }
    }
    load::finish(loads, &mut output);
    Ok(output)
}

/// What one test printed, as it stands there.
#[derive(Default)]
struct Test<'a> {
    url: &'a str,
    threads: Option<&'a str>,
    connections: Option<&'a str>,
    /// Mean, standard deviation and maximum.
    latency: Vec<(f64, &'static str)>,
    percentiles: Vec<(&'a str, f64, &'static str)>,
    requests: Option<u64>,
    socket_errors: u64,
    timeouts: u64,
    rejected: u64,
    per_second: Option<f64>,
    transfer: Option<(f64, &'static str)>,
}

fn tests(text: &str) -> Vec<Test<'_>> {
    let mut tests: Vec<Test<'_>> = Vec::new();
    let mut in_percentiles = false;
    for line in text::lines(text).map(|line| line.text) {
        if let Some(url) = url(line) {
            tests.push(Test { url, ..Test::default() });
            continue;
        }
        let Some(test) = tests.last_mut() else { continue };
        let line = line.trim();
        if line.starts_with("Latency Distribution") {
            in_percentiles = !line.contains("Uncorrected");
            continue;
        }
        let found = in_percentiles.then(|| percentile(line)).flatten();
        in_percentiles = found.is_some();
        match found {
            Some(found) => test.percentiles.push(found),
            None => test.take(line),
        }
    }
    tests
}

impl<'a> Test<'a> {
    /// Takes what a line outside the percentiles says; nothing of a line that says nothing.
    fn take(&mut self, line: &'a str) {
        let words: Vec<_> = line.split_whitespace().collect();
        match words.as_slice() {
            [threads, "threads", "and", connections, "connections"] => {
                (self.threads, self.connections) = (Some(*threads), Some(*connections));
            }
            ["Latency", numbers @ ..] if numbers.len() == 4 => {
                self.latency = numbers[..3].iter().map_while(|number| time(number)).collect();
            }
            [requests, "requests", "in", ..] => self.requests = requests.parse().ok(),
            ["Socket", "errors:", "connect", connect, "read", read, "write", write, "timeout", timeout] => {
                self.socket_errors = [connect, read, write].into_iter().map(|count| number(count)).sum();
                self.timeouts = number(timeout);
            }
            ["Non-2xx", "or", "3xx", "responses:", count] => self.rejected = number(count),
            ["Requests/sec:", rate] => self.per_second = decimal(rate),
            ["Transfer/sec:", rate] => self.transfer = bytes_per_second(rate),
            _ => {}
        }
    }

    fn load(&self, place: &str) -> Option<Load> {
        let per_second = self.per_second?;
        let mut case = Case::new(self.url, place);
        for (name, value) in [("connections", self.connections), ("threads", self.threads)] {
            case.params.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        }
        let mut load = Load::new(case);
        // What got no answer is not among wrk's requests.
        let requests = self.requests? + self.socket_errors;
        load.requests(requests, self.socket_errors + self.rejected);
        if let Some((mean, unit)) = self.latency.first() {
            let sd = self.latency.get(1).and_then(|(sd, of)| Some(sd * factor(of)? / factor(unit)?));
            load.add_mean(Metric::time("latency", unit), *mean, sd);
        }
        for (rank, value, unit) in &self.percentiles {
            load.add(Metric::percentile(rank, unit), *value);
        }
        if let Some((max, unit)) =
            self.latency.get(2).filter(|_| self.percentiles.iter().all(|it| it.0 != "100"))
        {
            load.add(Metric::percentile("100", unit), *max);
        }
        load.add(Metric::rate("throughput", "req/s"), per_second);
        if let Some((transfer, unit)) = self.transfer {
            load.add(Metric::rate("transfer", unit), transfer);
        }
        load.add(Metric::count("timeouts", "requests"), self.timeouts as f64);
        Some(load)
    }
}

/// Reads `99.900%  20.30ms`, whose rank is `99.9`.
fn percentile(line: &str) -> Option<(&str, f64, &'static str)> {
    let (rank, value) = line.split_once('%')?;
    decimal(rank)?;
    let (value, unit) = time(value.trim())?;
    Some((short(rank), value, unit))
}

/// Cuts the zeros off that follow a decimal point.
fn short(rank: &str) -> &str {
    if rank.contains('.') { rank.trim_end_matches('0').trim_end_matches('.') } else { rank }
}

/// Reads a time as `format_time_us` prints it; `m` is minutes there.
fn time(text: &str) -> Option<(f64, &'static str)> {
    let (value, unit) = split(text)?;
    let unit = match unit {
        "us" => "us",
        "ms" => "ms",
        "s" => "s",
        "m" => "min",
        "h" => "h",
        _ => return None,
    };
    Some((value, unit))
}

fn factor(unit: &str) -> Option<f64> {
    perf_model::Unit::new(unit).factor_to(&perf_model::Unit::new("s"))
}

/// Reads an amount of bytes as `format_binary` prints it: steps of 1024.
fn bytes_per_second(text: &str) -> Option<(f64, &'static str)> {
    let (value, unit) = split(text)?;
    let unit = match unit {
        "B" => "B/s",
        "KB" => "KiB/s",
        "MB" => "MiB/s",
        "GB" => "GiB/s",
        _ => return None,
    };
    Some((value, unit))
}

fn number(text: &str) -> u64 {
    text.trim_end_matches(',').parse().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::tests_of::{found, refusal, withheld};

    const RUN: &str = include_str!("../../fixtures/wrk_latency.txt");
    const MISSING: &str = include_str!("../../fixtures/wrk_missing.txt");
    const REFUSED: &str = include_str!("../../fixtures/wrk_refused.txt");

    /// What wrk2 prints with `-U --latency`, shortened.
    const SECOND: &str = "Running 12s test @ http://localhost/\n  2 threads and 4 connections\n\
        \x20 Thread calibration: mean lat.: 2.963ms, rate sampling interval: 15ms\n\
        \x20 Thread Stats   Avg      Stdev     Max   +/- Stdev\n    Latency     1.07ms  777.44us   1.50m    86.60%\n\
        \x20   Req/Sec    25.10     43.39   142.00     88.05%\n\
        \x20 Latency Distribution (HdrHistogram - Recorded Latency)\n 50.000%    0.96ms\n 99.900%    4.32ms\n100.000%    1.50m \n\n\
        \x20 Detailed Percentile spectrum:\n       Value   Percentile   TotalCount 1/(1-Percentile)\n\n       0.059     0.000000            1         1.00\n\
        #[Mean    =        1.067, StdDeviation   =        0.777]\n\
        \x20 Latency Distribution (HdrHistogram - Uncorrected Latency (measured without taking delayed starts into account))\n\
        \x2050.000%   71.00us\n  600 requests in 12.00s, 93.91KB read\n  Socket errors: connect 0, read 3, write 0, timeout 2\n\
        Requests/sec:     50.16\nTransfer/sec:      7.84MB\n";

    const CASE: &str = "http://127.0.0.1:18181/[connections=4,threads=1]";

    #[test]
    fn reads_latencies_and_rates() {
        let expected = [
            ("failure-rate", 0.0, "ratio"),
            ("latency", 44.72, "ms"),
            ("p100", 51.99, "ms"),
            ("p50", 44.02, "ms"),
            ("p75", 47.96, "ms"),
            ("p90", 48.01, "ms"),
            ("p99", 48.16, "ms"),
            ("throughput", 87.43, "req/s"),
            ("timeouts", 0.0, "requests"),
            ("transfer", 10.81, "KiB/s"),
        ];
        let expected =
            expected.map(|(metric, value, unit)| (format!("{CASE} {metric}"), value, unit.to_owned()));
        assert_eq!(found(RUN, ""), expected);
    }

    #[test]
    fn of_wrk2_the_corrected_percentiles_are_read() {
        let case = "http://localhost/[connections=4,threads=2]";
        let found = found(SECOND, "");
        for (metric, value, unit) in [
            ("p50", 0.96, "ms"),
            ("p99.9", 4.32, "ms"),
            ("p100", 1.5, "min"),
            ("transfer", 7.84, "MiB/s"),
            ("timeouts", 2.0, "requests"),
            ("failure-rate", 3.0 / 603.0, "ratio"),
        ] {
            assert!(
                found.contains(&(format!("{case} {metric}"), value, unit.to_owned())),
                "{metric}: {found:?}"
            );
        }
        assert_eq!(found.len(), 8);
    }

    #[test]
    fn the_deviation_is_in_the_unit_of_the_mean() {
        let tests = tests(SECOND);
        let mut output = Output::new("wrk2", "wrk2");
        load::finish(tests.iter().filter_map(|test| test.load("in")).collect(), &mut output);
        let latency = output.measurements.iter().find(|m| m.metric.name == "latency").unwrap();
        let perf_model::Reading::Summary(summary) = &latency.reading else { panic!("a summary") };
        assert!((summary.sd().unwrap() - 0.77744).abs() < 1e-12);
        assert_eq!(summary.n(), Some(603));
    }

    #[test]
    fn failed_tests_have_no_result() {
        assert!(found(MISSING, "").is_empty());
        assert!(
            withheld(MISSING, "")
                .iter()
                .all(|(_, reason)| reason.starts_with("every one of its 91 requests failed"))
        );
        assert!(refusal(REFUSED, "").contains("in no format that is recognised"));
        let cut = &RUN[..RUN.find("Requests/sec").unwrap()];
        assert!(refusal(cut, "").ends_with("the test of http://127.0.0.1:18181/ has no `Requests/sec`"));
    }

    #[test]
    fn what_a_script_prints_is_not_read() {
        let with_script = format!("{RUN}------\n50%,39\n99.999%,67467\n");
        assert_eq!(found(&with_script, ""), found(RUN, ""));
    }

    #[test]
    fn wrk2_is_known_by_the_rate_that_it_does_not_know() {
        for (line, expected) in [
            ("    Req/Sec       -nan      -nan   0.00      0.00%", true),
            ("    Req/Sec  1  1  1  1%", false),
        ] {
            assert_eq!(is_second(line), expected);
        }
    }
}
