//! What load-test tools report, in the words of this project.
//!
//! | metric | unit | kind | |
//! |---|---|---|---|
//! | `latency` | time | time | the mean response time, or every one where the tool keeps them |
//! | `p50`, `p95`, ... | time | percentile | with the number of requests behind it |
//! | `throughput` | `req/s` | rate | requests per second |
//! | `transfer` | bytes per second | rate | |
//! | `failure-rate` | ratio | ratio | failed requests per request, 0 to 1 |
//!
//! Requests that are refused or rejected are answered fast. Where every request failed the times and rates are
//! flagged, so that nobody takes them for results.

use perf_model::{Metric, Reading, ReadingError, Samples, Summary};

use crate::number::decimal;
use crate::output::{Case, Output};

/// The ranks that are computed where a tool gives every response time.
pub(crate) const RANKS: [&str; 4] = ["50", "90", "95", "99"];

/// One endpoint, or one whole test, as a load-test tool reports it.
pub(crate) struct Load {
    case: Case,
    requests: Option<u64>,
    failures: Option<u64>,
    readings: Vec<(Metric, Result<Reading, ReadingError>)>,
}

impl Load {
    pub(crate) fn new(case: Case) -> Self {
        Self { case, requests: None, failures: None, readings: Vec::new() }
    }

    /// Notes how many requests were sent and how many of them failed. Call it before readings are added, which
    /// carry the number.
    pub(crate) fn requests(&mut self, requests: u64, failures: u64) {
        self.requests = Some(requests);
        self.failures = Some(failures.min(requests));
    }

    /// Adds one number that stands for all requests.
    pub(crate) fn add(&mut self, metric: Metric, value: f64) {
        self.add_mean(metric, value, None);
    }

    /// Adds a mean with the standard deviation of single requests.
    pub(crate) fn add_mean(&mut self, metric: Metric, value: f64, sd: Option<f64>) {
        self.readings.push((metric, Summary::new(value, sd, self.requests).map(Reading::Summary)));
    }

    /// Adds the response time of every request, and the percentiles of them.
    pub(crate) fn add_every(&mut self, times: Vec<f64>, unit: &str) {
        let mut sorted = times.clone();
        sorted.sort_by(f64::total_cmp);
        self.readings.push((Metric::time("latency", unit), Samples::new(times).map(Reading::Samples)));
        for rank in RANKS {
            let share = decimal(rank).expect("ranks are numbers");
            self.add(Metric::percentile(rank, unit), nearest_rank(&sorted, share));
        }
    }

    fn failed_altogether(&self) -> bool {
        self.requests.is_some_and(|requests| self.failures == Some(requests))
    }
}

/// Returns the smallest value that at least `rank` percent of the sorted values do not exceed.
fn nearest_rank(sorted: &[f64], rank: f64) -> f64 {
    let index = (rank / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted.get(index.max(1) - 1).or(sorted.last()).copied().unwrap_or(f64::NAN)
}

/// Puts all that one file reports into `output`.
///
/// The times and rates of an endpoint whose every request failed are withheld; where no request of the whole file
/// succeeded, everything is.
pub(crate) fn finish(loads: Vec<Load>, output: &mut Output) {
    let dead = loads.iter().all(Load::failed_altogether);
    for load in loads {
        match load.requests {
            Some(0) => output.skip(&load.case.place, format!("`{}`: no request was made", load.case.name)),
            Some(_) | None => put(load, output, dead),
        }
    }
}

fn put(load: Load, output: &mut Output, dead: bool) {
    let Load { case, requests, failures, readings } = &load;
    let failed = load.failed_altogether().then(|| {
        let requests = requests.unwrap_or_default();
        format!("every one of its {requests} requests failed, and failing fast is not speed")
    });
    for (metric, reading) in readings {
        match &failed {
            Some(reason) => output.withhold(case, metric.clone(), reading.clone(), reason),
            None => output.reading(case, metric.clone(), reading.clone()),
        }
    }
    if let (Some(requests), Some(failures)) = (requests, failures) {
        let metric = Metric::ratio("failure-rate", "ratio");
        let share = *failures as f64 / *requests as f64;
        let reading = Summary::new(share, None, Some(*requests)).map(Reading::Summary);
        match failed.filter(|_| dead) {
            Some(reason) => output.withhold(case, metric, reading, &reason),
            None => output.reading(case, metric, reading),
        }
    }
}

#[cfg(test)]
mod tests {
    use perf_model::Measurement;

    use super::*;

    fn load(name: &str, requests: u64, failures: u64) -> Load {
        let mut load = Load::new(Case::new(name, "in"));
        load.requests(requests, failures);
        load.add(Metric::time("latency", "ms"), 2.0);
        load
    }

    fn finished(loads: Vec<Load>) -> Output {
        let mut output = Output::new("test", "test");
        finish(loads, &mut output);
        output
    }

    fn names<'a>(measurements: impl IntoIterator<Item = &'a Measurement>) -> Vec<String> {
        measurements.into_iter().map(|measurement| measurement.series().to_string()).collect()
    }

    #[test]
    fn a_share_of_failures_is_a_metric() {
        let output = finished(vec![load("a", 200, 3)]);
        assert_eq!(names(&output.measurements), ["a latency", "a failure-rate"]);
        assert_eq!(output.measurements[1].reading.location(), 0.015);
        assert!(output.withheld.is_empty());
    }

    #[test]
    fn an_endpoint_that_always_fails_keeps_its_failure_rate_only() {
        let output = finished(vec![load("a", 20, 0), load("b", 10, 10)]);
        assert_eq!(names(&output.measurements), ["a latency", "a failure-rate", "b failure-rate"]);
        assert_eq!(names(output.withheld.iter().map(|withheld| &withheld.measurement)), ["b latency"]);
    }

    #[test]
    fn a_test_without_a_success_has_no_result() {
        let output = finished(vec![load("a", 5, 5), load("b", 10, 10)]);
        assert!(output.measurements.is_empty());
        assert_eq!(output.withheld.len(), 4);
        assert_eq!(
            output.skipped[0].reason,
            "`a`: every one of its 5 requests failed, and failing fast is not speed"
        );
        assert_eq!(output.skipped.len(), 2, "said once for each endpoint");
    }

    #[test]
    fn what_was_never_asked_for_is_skipped_and_said() {
        let output = finished(vec![load("a", 20, 0), load("b", 0, 0)]);
        assert_eq!(output.skipped[0].reason, "`b`: no request was made");
        assert_eq!(output.measurements.len(), 2);
        let mut broken = Load::new(Case::new("c", "in"));
        broken.add(Metric::rate("throughput", "req/s"), f64::NAN);
        assert!(finished(vec![broken]).skipped[0].reason.starts_with("`c` throughput: sample 0 is NaN"));
    }

    #[test]
    fn percentiles_are_computed_from_every_time() {
        let mut every = Load::new(Case::new("a", "in"));
        every.requests(100, 0);
        every.add_every((1..=100).rev().map(f64::from).collect(), "ms");
        let output = finished(vec![every]);
        let found: Vec<_> =
            output.measurements.iter().map(|m| (m.metric.name.as_str(), m.reading.location())).collect();
        assert_eq!(
            found,
            [
                ("latency", 50.5),
                ("p50", 50.0),
                ("p90", 90.0),
                ("p95", 95.0),
                ("p99", 99.0),
                ("failure-rate", 0.0)
            ]
        );
    }
}
