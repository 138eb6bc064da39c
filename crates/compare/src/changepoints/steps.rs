use std::cmp::Ordering;

use super::scale::Scaled;
use crate::statistics::order::{mean, median_of, scatter};
use crate::statistics::student::{two_sided_quantile, upper_tail};

/// One cut of a history, seen from the pieces on either side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) start: usize,
    pub(super) at: usize,
    pub(super) end: usize,
    /// The step between the medians of the pieces, on the scale of the history.
    pub(super) middle: f64,
    /// The bounds of a 95 % interval of the step.
    pub(super) low: f64,
    pub(super) high: f64,
    /// The size relative to the level before.
    pub(super) size: f64,
    pub(super) p: f64,
}

/// Further values of a long level add certainty that noise which wanders does not deserve.
const NEAREST: usize = 50;
const CONFIDENCE: f64 = 0.95;

impl Step {
    /// Measures the step at `at` between the pieces from `start` and to `end`, by Welch's unequal variances
    /// t-test (Biometrika 34, 1947) on the values nearest to it.
    pub(super) fn between(scaled: &Scaled, start: usize, at: usize, end: usize) -> Self {
        let (before, after) = (&scaled.values[start..at], &scaled.values[at..end]);
        let level = median_of(before);
        let middle = median_of(after) - level;
        let (old, new) =
            (&before[before.len().saturating_sub(NEAREST)..], &after[..after.len().min(NEAREST)]);
        let (one, other) = (share(old, scaled.noise), share(new, scaled.noise));
        let error = (one + other).sqrt();
        let freedom = one.powi(2) / (old.len() - 1) as f64 + other.powi(2) / (new.len() - 1) as f64;
        let df = (error.powi(4) / freedom).max(1.0);
        let difference = mean(new) - mean(old);
        let half = two_sided_quantile(CONFIDENCE, df) * error;
        Self {
            start,
            at,
            end,
            middle,
            low: (difference - half).min(middle),
            high: (difference + half).max(middle),
            size: if scaled.is_log { middle.abs().exp_m1() } else { (middle / level).abs() },
            p: 2.0 * upper_tail(difference.abs() / error, df),
        }
    }

    pub(super) fn firmer(&self, other: &Self) -> Ordering {
        self.p.total_cmp(&other.p)
    }
}

/// Returns a piece's share of the squared standard error. A few values that happen to agree are not believed.
fn share(piece: &[f64], noise: f64) -> f64 {
    let count = piece.len() as f64;
    (scatter(piece) / (count - 1.0)).max(noise.powi(2) / 4.0) / count
}

/// Drops the weakest cut until all are significant and large enough: the least significant first, then the
/// smallest.
pub(super) fn strong(scaled: &Scaled, cuts: &[usize], significant: f64, smallest: f64) -> Vec<Step> {
    let ends = cuts.iter().skip(1).copied().chain([scaled.values.len()]);
    let starts = [0].into_iter().chain(cuts.iter().copied());
    let places = starts.zip(cuts).zip(ends);
    let mut steps: Vec<Step> =
        places.map(|((start, at), end)| Step::between(scaled, start, *at, end)).collect();
    while let Some(weakest) = weakest(&steps, significant, smallest) {
        let gone = steps.remove(weakest);
        if let Some(next) = steps.get_mut(weakest) {
            *next = Step::between(scaled, gone.start, next.at, next.end);
        }
        if let Some(previous) = weakest.checked_sub(1) {
            let step = steps[previous];
            steps[previous] = Step::between(scaled, step.start, step.at, gone.end);
        }
    }
    steps
}

fn weakest(steps: &[Step], significant: f64, smallest: f64) -> Option<usize> {
    let by_p = (0..steps.len()).max_by(|&a, &b| steps[a].p.total_cmp(&steps[b].p))?;
    let by_size = (0..steps.len()).min_by(|&a, &b| steps[a].size.total_cmp(&steps[b].size))?;
    if steps[by_p].p > significant { Some(by_p) } else { (steps[by_size].size < smallest).then_some(by_size) }
}
