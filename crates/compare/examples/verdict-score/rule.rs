//! The rules that are scored side by side.
//!
//! Those of other tools are written from their documentation and sources, each fed with all runs. They answer
//! at the limits of the request, so that all rules are asked the same question.

use std::sync::atomic::{AtomicU64, Ordering};

use fastrand::Rng;
use perf_compare::statistics::{Judge, Series, Settings, judge};
use perf_compare::{Limits, Verdict};
use perf_model::{Better, median};

use crate::request::{Measured, Request};

/// A rule: a name and an answer for every series of a request.
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    pub(crate) judge: fn(&Request, Limits) -> Vec<Verdict>,
}

pub(crate) const RULES: [Rule; 11] = [
    Rule { name: "this rule", judge: ours },
    Rule { name: "limits on the mean", judge: |request, limits| each(request, limits, by_mean) },
    Rule { name: "limits on the median", judge: |request, limits| each(request, limits, by_median) },
    Rule { name: "limits on the minimum", judge: |request, limits| each(request, limits, by_minimum) },
    Rule { name: "Criterion", judge: |request, limits| each(request, limits, criterion) },
    Rule { name: "benchstat, samples", judge: |request, limits| each(request, limits, benchstat_samples) },
    Rule { name: "benchstat, runs", judge: |request, limits| each(request, limits, benchstat_runs) },
    Rule { name: "git-perf, 4 sd and 5 %", judge: |request, limits| each(request, limits, git_perf) },
    Rule { name: "rustc-perf, IQR + limits", judge: |request, limits| each(request, limits, rustc_perf) },
    Rule {
        name: "github-action-benchmark 200 %",
        judge: |request, limits| each(request, limits, |it| action(it, 2.0)),
    },
    Rule {
        name: "github-action-benchmark 110 %",
        judge: |request, limits| each(request, limits, |it| action(it, 1.1)),
    },
];

fn ours(request: &Request, limits: Limits) -> Vec<Verdict> {
    let series: Vec<Series> = request.iter().map(|measured| series(measured, limits)).collect();
    judge(&series, &Settings::default()).series.into_iter().map(|finding| finding.verdict).collect()
}

fn series(measured: &Measured, limits: Limits) -> Series {
    let history = measured.history.iter().map(|run| measured.runs(std::slice::from_ref(run)));
    Series {
        better: measured.better,
        kind: measured.kind,
        judge: Judge::Noise,
        limits,
        absolute: None,
        base: measured.runs(&measured.base),
        again: vec![],
        head: measured.runs(&measured.head),
        history: history.collect(),
    }
}

/// What another tool's rule found: how much slower, as a logarithm, and what it makes of it.
struct Found {
    change: f64,
    answer: Answer,
}

/// What a rule says before the limits are asked.
#[derive(Clone, Copy, PartialEq)]
enum Answer {
    /// The change is significant, or the rule does not ask: the limits decide.
    Real,
    /// Not significant.
    Chance,
    /// The rule has limits of its own and found a regression.
    Alarm,
}

fn each(request: &Request, limits: Limits, rule: impl Fn(&Measured) -> Found) -> Vec<Verdict> {
    let verdict = |measured: &Measured| {
        let found = rule(measured);
        match (found.answer, found.change) {
            (Answer::Chance, _) => Verdict::Unchanged,
            (Answer::Alarm, change) if change > 0.0 => Verdict::Regressed,
            (Answer::Alarm, _) => Verdict::Improved,
            (Answer::Real, change) if change >= limits.fail.ln_1p() => Verdict::Regressed,
            (Answer::Real, change) if change >= limits.warn.ln_1p() => Verdict::Slower,
            (Answer::Real, change) if change <= -limits.warn.ln_1p() => Verdict::Improved,
            (Answer::Real, _) => Verdict::Unchanged,
        }
    };
    request.iter().map(verdict).collect()
}

fn levels(runs: &[Vec<f64>], level: fn(&[f64]) -> f64) -> Vec<f64> {
    runs.iter().map(|run| level(run)).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn minimum(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn variance(values: &[f64]) -> f64 {
    let centre = mean(values);
    values.iter().map(|value| (value - centre).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0)
}

/// The logarithm of the ratio of two levels, positive where it is for the worse.
fn slower(measured: &Measured, base: f64, head: f64) -> f64 {
    match measured.better {
        Better::Lower => (head / base).ln(),
        Better::Higher => (base / head).ln(),
    }
}

fn fixed(measured: &Measured, level: fn(&[f64]) -> f64, across: fn(&[f64]) -> f64) -> Found {
    let side = |runs: &[Vec<f64>]| across(&levels(runs, level));
    Found { change: slower(measured, side(&measured.base), side(&measured.head)), answer: Answer::Real }
}

fn by_mean(measured: &Measured) -> Found {
    fixed(measured, mean, mean)
}

fn by_median(measured: &Measured) -> Found {
    fixed(measured, median, median)
}

fn by_minimum(measured: &Measured) -> Found {
    fixed(measured, minimum, median)
}

fn samples(measured: &Measured) -> Option<(Vec<f64>, Vec<f64>)> {
    let (base, head) = (measured.base.concat(), measured.head.concat());
    (base.len() > measured.base.len() && head.len() > measured.head.len()).then_some((base, head))
}

fn when(significant: bool) -> Answer {
    if significant { Answer::Real } else { Answer::Chance }
}

/// Criterion.rs: Welch's t against its distribution over resamples of the pooled samples (significance 0.05),
/// then the interval of the change of the mean against the noise threshold of 1 %.
fn criterion(measured: &Measured) -> Found {
    const RESAMPLES: usize = 1_000;
    static SEED: AtomicU64 = AtomicU64::new(1);
    let Some((base, head)) = samples(measured) else { return Found { change: 0.0, answer: Answer::Chance } };
    let mut rng = Rng::with_seed(SEED.fetch_add(1, Ordering::Relaxed));
    let mut drawn = |from: &[f64], count: usize| -> Vec<f64> {
        (0..count).map(|_| from[rng.usize(..from.len())]).collect()
    };
    let t = |one: &[f64], other: &[f64]| {
        let error = variance(one) / one.len() as f64 + variance(other) / other.len() as f64;
        (mean(one) - mean(other)) / (error + 1e-300).sqrt()
    };
    let pool = [base.clone(), head.clone()].concat();
    let observed = t(&base, &head);
    let below = (0..RESAMPLES).filter(|_| t(&drawn(&pool, base.len()), &drawn(&pool, head.len())) < observed);
    let below = below.count();
    let p = 2.0 * below.min(RESAMPLES - below) as f64 / RESAMPLES as f64;
    let ratio = |_| mean(&drawn(&head, head.len())) / mean(&drawn(&base, base.len())) - 1.0;
    let mut changes: Vec<f64> = (0..RESAMPLES).map(ratio).collect();
    changes.sort_unstable_by(f64::total_cmp);
    let (low, high) = (changes[RESAMPLES / 40], changes[RESAMPLES - 1 - RESAMPLES / 40]);
    let answer = when(p < 0.05 && (low > 0.01 || high < -0.01));
    Found { change: slower(measured, mean(&base), mean(&head)), answer }
}

/// benchstat: the Mann-Whitney U test at 0.05 on all samples, and the change of the median.
fn benchstat_samples(measured: &Measured) -> Found {
    let Some((base, head)) = samples(measured) else { return Found { change: 0.0, answer: Answer::Chance } };
    let significant = mann_whitney_normal(&base, &head) < 0.05;
    Found { change: slower(measured, median(&base), median(&head)), answer: when(significant) }
}

/// benchstat on one value a run, as Go's benchmarks give it.
fn benchstat_runs(measured: &Measured) -> Found {
    let (base, head) = (levels(&measured.base, mean), levels(&measured.head, mean));
    let significant = mann_whitney_exact(&base, &head) < 0.05;
    Found { change: slower(measured, median(&base), median(&head)), answer: when(significant) }
}

/// Two-sided, by the normal approximation with corrections for ties and continuity.
fn mann_whitney_normal(one: &[f64], other: &[f64]) -> f64 {
    let mut all: Vec<(f64, bool)> = one.iter().map(|value| (*value, true)).collect();
    all.extend(other.iter().map(|value| (*value, false)));
    all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut ranks, mut ties, mut place) = (0.0, 0.0, 0);
    for tied in all.chunk_by(|a, b| a.0 == b.0) {
        let (count, first) = (tied.len() as f64, place as f64);
        let rank = first + (count + 1.0) / 2.0;
        ranks += rank * tied.iter().filter(|(_, is_one)| *is_one).count() as f64;
        ties += count.powi(3) - count;
        place += tied.len();
    }
    let (m, n) = (one.len() as f64, other.len() as f64);
    let all = m + n;
    let u = ranks - m * (m + 1.0) / 2.0;
    let sd = (m * n / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)))).sqrt();
    let z = ((u - m * n / 2.0).abs() - 0.5).max(0.0) / sd;
    two_sided(z)
}

/// Twice the upper tail of the standard normal (Abramowitz and Stegun, 7.1.26, to 1.5e-7).
fn two_sided(z: f64) -> f64 {
    let x = z / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let terms = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    terms.iter().fold(0.0, |sum, term| (sum + term) * t) * (-x * x).exp()
}

/// Two-sided, by counting in how many of all orders U is as extreme. For few values without ties.
fn mann_whitney_exact(one: &[f64], other: &[f64]) -> f64 {
    let u = one.iter().flat_map(|a| other.iter().filter(move |b| a > *b)).count();
    let most = one.len() * other.len();
    // counts[i][u]: in how many orders of i values of one side and all seen so far of the other U is u.
    let mut counts = vec![vec![0.0; most + 1]; one.len() + 1];
    counts.iter_mut().for_each(|row| row[0] = 1.0);
    for seen in 1..=other.len() {
        for i in 1..=one.len() {
            let before = counts[i - 1].clone();
            let (without, row) = (counts[i].clone(), &mut counts[i]);
            // The largest value is of `one` (and beats all `seen`) or of `other`.
            (0..=most).for_each(|u| row[u] = without[u] + u.checked_sub(seen).map_or(0.0, |u| before[u]));
        }
    }
    let orders = &counts[one.len()];
    let extreme = u.min(most - u);
    let tail: f64 = orders[..=extreme].iter().sum();
    (2.0 * tail / orders.iter().sum::<f64>()).min(1.0)
}

/// git-perf's audit: the smallest value of the head against mean and standard deviation of all earlier ones,
/// more than 4 of them and more than 5 % away.
fn git_perf(measured: &Measured) -> Found {
    let tail = levels(&[&measured.history[..], &measured.base[..]].concat(), mean);
    let head = minimum(&levels(&measured.head, mean));
    let z = (head - mean(&tail)) / variance(&tail).sqrt();
    let change = head / median(&tail);
    let alarm = z.abs() > 4.0 && (change - 1.0).abs() >= 0.05;
    let answer = if alarm { Answer::Alarm } else { Answer::Chance };
    Found { change: slower(measured, median(&tail), head), answer }
}

/// rustc-perf: significant is a change beyond the third quartile of past changes plus three times their
/// interquartile range; then the limits.
fn rustc_perf(measured: &Measured) -> Found {
    let base = median(&levels(&measured.base, median));
    let mut past = levels(&measured.history, median);
    past.push(base);
    let head = median(&levels(&measured.head, median));
    let mut changes: Vec<f64> = past.windows(2).map(|pair| (pair[1] / pair[0] - 1.0).abs()).collect();
    changes.sort_unstable_by(f64::total_cmp);
    let quartile = |share: f64| {
        let place = share * (changes.len() - 1) as f64;
        let (below, above) = (changes[place as usize], changes[(place.ceil()) as usize]);
        below + place.fract() * (above - below)
    };
    let usual = if past.len() < 5 { 0.002 } else { quartile(0.75) + 3.0 * (quartile(0.75) - quartile(0.25)) };
    Found { change: slower(measured, base, head), answer: when((head / base - 1.0).abs() > usual) }
}

/// github-action-benchmark: an alert where the value is `alert` times the one before, whatever the limits.
fn action(measured: &Measured, alert: f64) -> Found {
    let side = |runs: &[Vec<f64>]| mean(&levels(runs, mean));
    let change = slower(measured, side(&measured.base), side(&measured.head));
    Found { change, answer: if change > alert.ln() { Answer::Alarm } else { Answer::Chance } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mann_whitney_agrees_with_the_printed_tables() {
        // Of the 70 orders of four and four values, one each way has U = 0.
        let (low, high) = ([1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]);
        assert!((mann_whitney_exact(&low, &high) - 2.0 / 70.0).abs() < 1e-12);
        assert!((mann_whitney_exact(&low[..3], &high[..3]) - 0.1).abs() < 1e-12, "never below 0.05");
        assert!((two_sided(1.96) - 0.05).abs() < 1e-4 && (two_sided(0.0) - 1.0).abs() < 1e-6);
        let (even, odd): (Vec<f64>, Vec<f64>) =
            (0..30).map(|i| (f64::from(2 * i), f64::from(2 * i + 1))).unzip();
        assert!(mann_whitney_normal(&even, &odd) > 0.8);
    }
}
