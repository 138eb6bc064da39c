//! The rule that turns two sides of a series into a verdict. Everything that decides is in this file.
//!
//! Two questions are asked apart. *Is it real?* The interval of the change, from a two-level bootstrap (runs,
//! then samples within a run; Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 13),
//! must exclude no change. *Is it big enough to matter?* The change itself must reach the limit.

use std::f64::consts::E;

use fastrand::Rng;
use perf_model::{Better, Kind, Metric, Reading, median};

use crate::policy::{Limits, log_limit};

/// The answer for one series, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Better by at least the warn limit.
    Improved,
    /// A change for the worse of the warn limit or more is excluded.
    Unchanged,
    /// Cannot tell.
    Inconclusive,
    /// Worse by at least the warn limit.
    Slower,
    /// Worse by at least the fail limit.
    Regressed,
}

/// The change of one series from base to head.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// `after / before - 1`; `None` where there is no ratio, because a side is zero or negative.
    pub relative: Option<f64>,
    /// Where the relative change lies with 95 % confidence; `None` where one sample says nothing of noise.
    pub interval: Option<Interval>,
    /// `after - before`, in the metric's unit.
    pub absolute: f64,
    better: Better,
}

/// Bounds of a relative change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}

/// Resamples of the bootstrap: the 2.5 % point then has 25 resamples beyond it.
const RESAMPLES: usize = 1_000;
const SEED: u64 = 0x7065_7266;
const CONFIDENCE: f64 = 0.95;

impl Change {
    /// Measures the change between the runs of two sides, all in the unit of `metric`.
    pub(crate) fn between(base: &[Reading], head: &[Reading], metric: &Metric) -> Self {
        let (before, after) = (level(base), level(head));
        let positive = |runs: &[Reading]| runs.iter().all(|run| lowest(run) > 0.0);
        let has_ratio = before > 0.0 && after > 0.0;
        Self {
            relative: has_ratio.then(|| after / before - 1.0),
            interval: (has_ratio && positive(base) && positive(head)).then(|| interval(base, head)).flatten(),
            absolute: after - before,
            better: metric.better,
        }
    }

    /// Returns how much worse the head is, as the logarithm of a ratio; negative where it is better.
    ///
    /// Without a ratio: infinite with the sign of the absolute change.
    pub fn worsening(&self) -> f64 {
        let rise = match self.relative {
            Some(relative) => relative.ln_1p(),
            None if self.absolute == 0.0 => 0.0,
            None => self.absolute.signum() * f64::INFINITY,
        };
        self.signed(rise)
    }

    /// Returns half the width of the interval, as a relative change: less than this cannot be told from noise.
    pub fn noise(&self) -> Option<f64> {
        let Interval { low, high } = self.interval?;
        Some(((high.ln_1p() - low.ln_1p()) / 2.0).exp_m1())
    }

    fn worst_and_best_case(&self) -> Option<(f64, f64)> {
        let Interval { low, high } = self.interval?;
        let (low, high) = (self.signed(low.ln_1p()), self.signed(high.ln_1p()));
        Some((low.max(high), low.min(high)))
    }

    fn signed(&self, rise: f64) -> f64 {
        match self.better {
            Better::Lower => rise,
            Better::Higher => -rise,
        }
    }
}

/// Gives the verdict on a change.
pub(crate) fn judge(change: &Change, limits: &Limits, metric: &Metric) -> Verdict {
    let worsening = change.worsening();
    let (warn, fail) = (log_limit(limits.warn, metric.better), log_limit(limits.fail, metric.better));
    if metric.kind == Kind::Exact {
        return match worsening {
            worse if worse >= fail => Verdict::Regressed,
            worse if worse >= warn => Verdict::Slower,
            better if better <= -warn => Verdict::Improved,
            _ => Verdict::Unchanged,
        };
    }
    match change.worst_and_best_case() {
        None if change.absolute == 0.0 => Verdict::Unchanged,
        None if change.relative.is_none() => Verdict::Inconclusive,
        // One number a side shows a change but says nothing of the noise: it may warn, never fail.
        None if worsening >= warn => Verdict::Slower,
        None if worsening <= -warn => Verdict::Improved,
        None => Verdict::Inconclusive,
        Some((_, best)) if worsening >= fail && best > 0.0 => Verdict::Regressed,
        Some((_, best)) if worsening >= warn && best > 0.0 => Verdict::Slower,
        Some((worst, _)) if worsening <= -warn && worst < 0.0 => Verdict::Improved,
        Some((worst, _)) if worst < warn => Verdict::Unchanged,
        Some(_) => Verdict::Inconclusive,
    }
}

/// Returns the median over the runs of each run's location.
pub(crate) fn level(runs: &[Reading]) -> f64 {
    median(&runs.iter().map(Reading::location).collect::<Vec<_>>())
}

fn lowest(run: &Reading) -> f64 {
    run.samples().iter().copied().min_by(f64::total_cmp).unwrap_or_else(|| run.location())
}

/// Bootstraps the interval of `level(head) / level(base) - 1`. `None` where a side is a single number.
fn interval(base: &[Reading], head: &[Reading]) -> Option<Interval> {
    let (base, head) = (Resampler::new(base)?, Resampler::new(head)?);
    // A generator of its own for each side, so that swapping the sides mirrors the interval exactly.
    let (mut for_base, mut for_head) = (Rng::with_seed(SEED), Rng::with_seed(SEED));
    let bases = base.levels(&mut for_base);
    let mut heads = head.levels(&mut for_head);
    // The two sequences share a seed: pairing one with the other reversed keeps the draws independent.
    heads.reverse();
    let mut ratios: Vec<f64> = bases.iter().zip(&heads).map(|(base, head)| (head / base).log(E)).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    let tail = (RESAMPLES as f64 * (1.0 - CONFIDENCE) / 2.0) as usize;
    Some(Interval { low: ratios[tail].exp_m1(), high: ratios[RESAMPLES - 1 - tail].exp_m1() })
}

/// Draws runs with replacement, then samples within each run drawn.
struct Resampler {
    /// Sorted, so that the median of a draw is found by counting.
    runs: Vec<Vec<f64>>,
}

impl Resampler {
    fn new(runs: &[Reading]) -> Option<Self> {
        let runs: Vec<Vec<f64>> = runs
            .iter()
            .map(|run| {
                let mut samples = run.samples().to_vec();
                if samples.is_empty() {
                    samples.push(run.location());
                }
                samples.sort_unstable_by(f64::total_cmp);
                samples
            })
            .collect();
        let numbers: usize = runs.iter().map(Vec::len).sum();
        (numbers > 1).then_some(Self { runs })
    }

    fn levels(&self, rng: &mut Rng) -> Vec<f64> {
        let mut counts = Vec::new();
        let mut drawn = Vec::with_capacity(self.runs.len());
        (0..RESAMPLES)
            .map(|_| {
                drawn.clear();
                for _ in 0..self.runs.len() {
                    let run = &self.runs[rng.usize(..self.runs.len())];
                    drawn.push(resampled_median(run, rng, &mut counts));
                }
                median(&drawn)
            })
            .collect()
    }
}

/// Returns the median of `sorted.len()` draws with replacement from `sorted`.
fn resampled_median(sorted: &[f64], rng: &mut Rng, counts: &mut Vec<u32>) -> f64 {
    let n = sorted.len();
    counts.clear();
    counts.resize(n, 0);
    for _ in 0..n {
        counts[rng.usize(..n)] += 1;
    }
    let rank = |wanted: usize| {
        let mut seen = 0;
        let position = counts.iter().position(|count| {
            seen += *count as usize;
            seen > wanted
        });
        sorted[position.expect("the counts add up to n")]
    };
    if n % 2 == 1 { rank(n / 2) } else { (rank(n / 2 - 1) + rank(n / 2)) / 2.0 }
}

#[cfg(test)]
mod tests {
    use perf_model::{Samples, Summary};

    use super::*;

    fn runs(samples: &[&[f64]]) -> Vec<Reading> {
        samples.iter().map(|run| Reading::Samples(Samples::new(run.to_vec()).unwrap())).collect()
    }

    fn verdict(base: &[&[f64]], head: &[&[f64]], metric: &Metric) -> Verdict {
        judge(&Change::between(&runs(base), &runs(head), metric), &Limits::default(), metric)
    }

    fn noisy(level: f64) -> Vec<f64> {
        (0..30).map(|i| level * (1.0 + 0.001 * f64::from(i % 7 - 3))).collect()
    }

    #[test]
    fn limits_are_reached_exactly_and_in_both_directions() {
        let (time, rate) = (Metric::time("time", "ns"), Metric::rate("throughput", "B/s"));
        for (factor, for_time, for_rate) in [
            (0.70, Verdict::Improved, Verdict::Regressed),
            (0.80, Verdict::Improved, Verdict::Slower),
            (0.95, Verdict::Unchanged, Verdict::Unchanged),
            (1.00, Verdict::Unchanged, Verdict::Unchanged),
            (1.05, Verdict::Unchanged, Verdict::Unchanged),
            (1.10, Verdict::Slower, Verdict::Unchanged),
            (1.20, Verdict::Slower, Verdict::Improved),
            (1.25, Verdict::Regressed, Verdict::Improved),
            (1.30, Verdict::Regressed, Verdict::Improved),
        ] {
            let (base, head) = (noisy(100.0), noisy(100.0 * factor));
            assert_eq!(verdict(&[&base], &[&head], &time), for_time, "time x {factor}");
            assert_eq!(verdict(&[&base], &[&head], &rate), for_rate, "rate x {factor}");
        }
    }

    #[test]
    fn a_wide_interval_is_inconclusive_and_never_fails() {
        let base: &[f64] = &[50.0, 100.0, 150.0, 80.0, 120.0];
        let head: &[f64] = &[60.0, 140.0, 130.0, 70.0, 190.0];
        assert_eq!(verdict(&[base], &[head], &Metric::time("time", "ns")), Verdict::Inconclusive);
    }

    #[test]
    fn variation_between_runs_widens_the_interval() {
        let (fast, slow) = (noisy(100.0), noisy(140.0));
        let time = Metric::time("time", "ns");
        assert_eq!(verdict(&[&fast, &fast], &[&slow, &slow], &time), Verdict::Regressed);
        assert_eq!(verdict(&[&fast, &slow], &[&slow, &fast], &time), Verdict::Inconclusive);
    }

    #[test]
    fn a_single_number_a_side_warns_but_does_not_fail() {
        let one = |value| vec![Reading::Summary(Summary::new(value, None, None).unwrap())];
        let time = Metric::time("time", "ns");
        for (head, expected) in [
            (100.0, Verdict::Unchanged),
            (105.0, Verdict::Inconclusive),
            (120.0, Verdict::Slower),
            (900.0, Verdict::Slower),
        ] {
            let change = Change::between(&one(100.0), &one(head), &time);
            assert_eq!(judge(&change, &Limits::default(), &time), expected, "{head}");
        }
    }

    #[test]
    fn exact_metrics_need_no_statistics() {
        let exact = Metric { kind: Kind::Exact, ..Metric::time("instructions", "instructions") };
        for (head, expected) in [
            (1000.0, Verdict::Unchanged),
            (1100.0, Verdict::Slower),
            (1300.0, Verdict::Regressed),
            (800.0, Verdict::Improved),
        ] {
            assert_eq!(verdict(&[&[1000.0]], &[&[head]], &exact), expected, "{head}");
        }
        let strict = Limits { warn: 0.0, fail: 0.0 };
        for (head, expected) in
            [(1000.0, Verdict::Unchanged), (1001.0, Verdict::Regressed), (999.0, Verdict::Improved)]
        {
            let change = Change::between(&runs(&[&[1000.0]]), &runs(&[&[head]]), &exact);
            assert_eq!(judge(&change, &strict, &exact), expected, "{head} at a limit of zero");
        }
        assert_eq!(verdict(&[&[0.0]], &[&[1.0]], &exact), Verdict::Regressed, "from zero");
        assert_eq!(verdict(&[&[0.0]], &[&[0.0]], &exact), Verdict::Unchanged, "zero stays zero");
    }

    #[test]
    fn a_zero_base_has_no_ratio_and_is_not_divided_by() {
        let errors =
            Metric { kind: Kind::Ratio, better: Better::Lower, ..Metric::rate("error-rate", "ratio") };
        let change = Change::between(&runs(&[&[0.0, 0.0]]), &runs(&[&[0.1, 0.1]]), &errors);
        assert_eq!((change.relative, change.interval), (None, None));
        assert_eq!(judge(&change, &Limits::default(), &errors), Verdict::Inconclusive);
        assert_eq!(verdict(&[&[0.0, 0.0]], &[&[0.0, 0.0]], &errors), Verdict::Unchanged);
    }

    #[test]
    fn the_interval_covers_the_change_and_is_the_same_every_time() {
        let (base, head) = (runs(&[&noisy(100.0)]), runs(&[&noisy(112.0)]));
        let first = interval(&base, &head).unwrap();
        assert!(first.low < 0.12 && 0.12 < first.high, "{first:?}");
        assert_eq!(interval(&base, &head).unwrap(), first);
    }
}
