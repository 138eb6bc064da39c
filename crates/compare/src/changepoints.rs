//! Finds where the level of a history changed for good: robust PELT.
//!
//! Lone outliers are clipped; the history is cut where the squares left over plus a penalty for each cut are
//! smallest; where the noise wanders, the penalty is raised; cuts that are not significant or too small go.
//! Works on logarithms where all values are positive, so that sizes are relative.
//!
//! Knows no commits and no directions: only values, oldest first.

mod location;
mod pelt;
mod scale;
mod steps;

use crate::statistics::order::median_of;
use crate::verdict::Interval;
use scale::Scaled;
use steps::Step;

/// A place in a history where the level changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChangePoint {
    /// The first value of the new level.
    pub index: usize,
    /// The earliest value that may be the first of the new level, with 95 % confidence.
    pub earliest: usize,
    /// The latest value that may be.
    pub latest: usize,
    /// The median of the level before, in the unit of the values.
    pub before: f64,
    /// The median of the level after.
    pub after: f64,
    /// `after / before - 1`; `None` where a value of the history is zero or negative.
    pub change: Option<f64>,
    /// Where the relative change lies with 95 % confidence; `None` where there is no ratio.
    pub interval: Option<Interval>,
    /// How likely such a step is without a change, by Welch's test on at most fifty values a side.
    pub p: f64,
}

/// A level that lasts for fewer values is not a level.
const SHORTEST_LEVEL: usize = 10;
/// What a cut costs, in variances of the noise times the logarithm of the length: a cut adds a level and a
/// place (modified BIC: Zhang and Siegmund, Biometrics 63, 2007).
const PENALTY: f64 = 3.0;
/// A cut stays only where its p-value is at most this.
const SIGNIFICANT: f64 = 1e-4;
/// Smaller relative steps are not worth a person's time.
const SMALLEST_STEP: f64 = 0.03;

/// Finds the changes of level of a history, oldest first. Values must be finite.
///
/// Finds nothing in fewer than twenty values, and no change within ten values of either end.
pub fn change_points(values: &[f64]) -> Vec<ChangePoint> {
    if values.len() < 2 * SHORTEST_LEVEL {
        return vec![];
    }
    let scaled = Scaled::of(values);
    let kept = steps::strong(&scaled, &cut(&scaled), SIGNIFICANT, SMALLEST_STEP);
    reported(&kept, &scaled, values)
}

/// Finds a change of level that is too young for [`change_points`], with three to nine values behind it.
///
/// More of these are false: ten times the p-value is accepted, at the best of seven places.
pub fn possible_change_point(values: &[f64]) -> Option<ChangePoint> {
    possible_since(values, change_points(values).last().map_or(0, |change| change.index))
}

/// Finds the same where the last change of level is known.
pub(crate) fn possible_since(values: &[f64], start: usize) -> Option<ChangePoint> {
    const YOUNGEST: usize = 3;
    const SIGNIFICANT: f64 = 1e-3;
    if values.len() - start < 2 * SHORTEST_LEVEL {
        return None;
    }
    let level = &values[start..];
    let scaled = Scaled::of(level);
    let places = level.len() - SHORTEST_LEVEL + 1..=level.len() - YOUNGEST;
    let best = places.map(|place| Step::between(&scaled, 0, place, level.len())).min_by(Step::firmer)?;
    let real = best.p <= SIGNIFICANT && best.size >= SMALLEST_STEP;
    let found = real.then(|| reported(&[best], &scaled, level).remove(0))?;
    let [index, earliest, latest] = [found.index, found.earliest, found.latest].map(|place| start + place);
    Some(ChangePoint { index, earliest, latest, ..found })
}

/// Cuts a history, once more with a higher penalty where its noise wanders instead of being independent.
fn cut(scaled: &Scaled) -> Vec<usize> {
    const NOTEWORTHY: f64 = 1.1;
    let penalty = PENALTY * (scaled.values.len() as f64).ln() * scaled.noise.powi(2);
    let cuts = pelt::cuts(&scaled.values, penalty, SHORTEST_LEVEL);
    match scaled.wandering(&cuts) {
        inflation if inflation > NOTEWORTHY => {
            pelt::cuts(&scaled.values, penalty * inflation, SHORTEST_LEVEL)
        }
        _ => cuts,
    }
}

fn reported(steps: &[Step], scaled: &Scaled, values: &[f64]) -> Vec<ChangePoint> {
    let cuts: Vec<usize> = steps.iter().map(|step| step.at).collect();
    let inflation = scaled.wandering(&cuts);
    let places = steps.iter().map(|step| location::range(&scaled.values, step, inflation));
    let each = steps.iter().zip(places).map(|(step, (earliest, latest))| ChangePoint {
        index: step.at,
        earliest,
        latest,
        before: median_of(&values[step.start..step.at]),
        after: median_of(&values[step.at..step.end]),
        change: scaled.is_log.then(|| step.middle.exp_m1()),
        interval: scaled.is_log.then(|| Interval { low: step.low.exp_m1(), high: step.high.exp_m1() }),
        p: step.p,
    });
    each.collect()
}
