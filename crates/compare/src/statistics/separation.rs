//! Whether the runs of two sides overlap: a change that is real moves every run.

use super::order::quantile;

/// Which way the runs of the head lie apart from everything before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separation {
    /// The head's runs are all larger.
    Above,
    /// The head's runs are all smaller.
    Below,
    /// They overlap.
    Overlap,
}

/// One run in so many may overlap, on each side.
const RUNS_FOR_ONE_ASTRAY: usize = 5;
/// How many of the newest baselines the head's runs must lie beyond, and beyond what share of them.
const HISTORY: usize = 20;
const SHARE: f64 = 0.9;
/// Baselines further away, in standard deviations, stem from before a change of level.
const OTHER_LEVEL: f64 = 8.0;

/// Tells whether the head's runs lie beyond the base's runs and beyond nine tenths of the recent history.
///
/// `centre` is the base's level and `sd` the standard deviation of one run.
pub(super) fn separation(
    base: &[f64],
    head: &[f64],
    history: &[f64],
    (centre, sd): (f64, f64),
) -> Separation {
    let (head_low, head_high) = inner_range(head);
    let (mut low, mut high) = inner_range(base);
    if history.len() >= 3 {
        let newest = &history[history.len().saturating_sub(HISTORY)..];
        let same_level =
            |value: &f64| if (value - centre).abs() <= OTHER_LEVEL * sd { *value } else { centre };
        let mut newest: Vec<f64> = newest.iter().map(same_level).collect();
        newest.sort_unstable_by(f64::total_cmp);
        high = high.max(quantile(&newest, SHARE));
        low = low.min(quantile(&newest, 1.0 - SHARE));
    }
    match (head_low > high, head_high < low) {
        (true, _) => Separation::Above,
        (false, true) => Separation::Below,
        (false, false) => Separation::Overlap,
    }
}

/// Returns the smallest and largest run, but for those that may be astray.
fn inner_range(runs: &[f64]) -> (f64, f64) {
    let mut sorted = runs.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let astray = sorted.len() / RUNS_FOR_ONE_ASTRAY;
    (sorted[astray], sorted[sorted.len() - 1 - astray])
}

/// Tells whether a history jumps between two levels: whether the widest gap between its values exceeds four
/// times the standard deviation on either side of it. Lone outliers are no level.
pub(super) fn has_two_modes(history: &[f64]) -> bool {
    const ENOUGH: usize = 8;
    const A_LEVEL: usize = 2;
    if history.len() < ENOUGH {
        return false;
    }
    let mut sorted = history.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let gap = |split: &usize| sorted[*split] - sorted[split - 1];
    let widest = (A_LEVEL..=sorted.len() - A_LEVEL).max_by(|a, b| gap(a).total_cmp(&gap(b)));
    let split = widest.expect("eight values have a middle");
    let (lower, upper) = sorted.split_at(split);
    let inside = super::order::scatter(lower) + super::order::scatter(upper);
    gap(&split) > 4.0 * (inside / (sorted.len() - 2) as f64).sqrt()
}
