use fastrand::Rng;
use perf_compare::Limits;
use perf_compare::Verdict;
use perf_compare::statistics::{Finding, Series, Settings, judge};

use super::{time, with_history};

const SERIES: usize = 50;
const STRICT: Limits = Limits { warn: 0.05, fail: 0.05 };

/// A suite on a machine that varies by 2 %, three runs a side and twenty baselines. Every tenth series is
/// slowed down by `slowdown`; where nothing is, one run in a hundred is a spike of 20 to 60 %.
fn suite(rng: &mut Rng, sd: f64, slowdown: f64) -> Vec<Series> {
    let machine: Vec<f64> = (0..26).map(|_| 0.02 * normal(rng)).collect();
    (0..SERIES)
        .map(|index| {
            let level = 10.0 + 1e4 * rng.f64();
            let run = |rng: &mut Rng, machine: f64| {
                let spike = if slowdown == 0.0 && rng.f64() < 0.01 { 1.2 + 0.4 * rng.f64() } else { 1.0 };
                level * (machine + sd * normal(rng)).exp() * spike
            };
            let mut values: Vec<f64> = machine.iter().map(|machine| run(rng, *machine)).collect();
            if index % 10 == 0 {
                values[23..].iter_mut().for_each(|value| *value *= 1.0 + slowdown);
            }
            let series = time(&values[20..23], &values[23..]);
            with_history(&values[..20], Series { limits: STRICT, ..series })
        })
        .collect()
}

fn normal(rng: &mut Rng) -> f64 {
    (0..12).map(|_| rng.f64()).sum::<f64>() - 6.0
}

/// Judges `suites` suites; returns the findings of the slowed series, or of all where nothing was slowed
/// down.
fn judged(suites: usize, sd: f64, slowdown: f64) -> Vec<Finding> {
    let mut rng = Rng::with_seed(7);
    let every = if slowdown > 0.0 { 10 } else { 1 };
    (0..suites)
        .flat_map(|_| {
            let found = judge(&suite(&mut rng, sd, slowdown), &Settings::default());
            found.series.into_iter().step_by(every)
        })
        .collect()
}

fn share(findings: &[Finding], verdict: Verdict) -> f64 {
    findings.iter().filter(|found| found.verdict == verdict).count() as f64 / findings.len() as f64
}

#[test]
fn unchanged_suites_do_not_fail() {
    for sd in [0.01, 0.02, 0.05] {
        let found = judged(20, sd, 0.0);
        assert!(share(&found, Verdict::Regressed) <= 0.001, "sd {sd}");
    }
}

#[test]
fn ten_percent_is_caught_at_a_limit_of_five_where_runs_vary_by_two_percent_or_less() {
    for (sd, least) in [(0.005, 0.95), (0.01, 0.95), (0.02, 0.90)] {
        let caught = share(&judged(40, sd, 0.10), Verdict::Regressed);
        assert!(caught >= least, "sd {sd}: {caught}");
    }
}

#[test]
fn a_verdict_of_unchanged_hides_a_regression_in_one_of_twenty_at_most() {
    for sd in [0.01, 0.02, 0.05] {
        let hidden = share(&judged(40, sd, 0.051), Verdict::Unchanged);
        assert!(hidden <= 0.05, "sd {sd}: {hidden}");
    }
}
