//! Tests the series that may be zero, as differences against an absolute limit.

use super::limits::{differences, signed};
use super::measured::Test;
use super::noise::Source;
use super::order::{mean, median_of, scatter};
use super::relative::firmness;
use super::row::{ENOUGH_HISTORY, first, recent_history};
use super::separation::{has_two_modes, separation};
use super::series::{Runs, Series};
use super::settings::Settings;
use crate::policy::Limits;

/// What the runs of a series allow.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    /// A test.
    Test(Test),
    /// Nothing varies: values can be compared as they are.
    Constant,
    /// Nothing measured the noise.
    NoiseUnknown,
}

/// Tests the difference of one series against its absolute limits.
pub(super) fn test(series: &Series, limits: Limits, settings: &Settings) -> Outcome {
    let side = |runs: &Runs| -> Vec<f64> {
        runs.iter().flatten().map(|level| signed(level.middle, series.better)).collect()
    };
    let (mut base, head) = (side(&series.base), side(&series.head));
    base.extend(side(&series.again));
    let history = recent_history(series).iter().filter_map(first);
    let history: Vec<f64> = history.map(|level| signed(level.middle, series.better)).collect();
    let Some((variance, df)) = noise(&base, &head, &history) else { return Outcome::NoiseUnknown };
    if variance == 0.0 {
        return Outcome::Constant;
    }
    let sd = variance.sqrt();
    let centre = mean(&base);
    let estimate = mean(&head) - centre;
    let (warn, fail) = differences(limits);
    Outcome::Test(Test {
        change: median_of(&head) - median_of(&base),
        estimate,
        largest: estimate,
        standard_error: sd * (1.0 / base.len() as f64 + 1.0 / head.len() as f64).sqrt(),
        df,
        noise: sd,
        separation: separation(&base, &head, &history, (centre, sd)),
        firmness: firmness(Source::Measured, head.len(), settings),
        warn,
        fail,
        head_runs: head.len(),
        two_modes: has_two_modes(&history),
        machine: false,
    })
}

/// Returns the variance of one run and its degrees of freedom, from replicates and the steps of the history.
///
/// Nothing is trimmed: of a count that is mostly zero, trimming would leave nothing.
fn noise(base: &[f64], head: &[f64], history: &[f64]) -> Option<(f64, f64)> {
    let replicates = (base.len() + head.len() - 2) as f64;
    let mut squares = scatter(base) + scatter(head);
    let mut df = replicates;
    if history.len() >= ENOUGH_HISTORY {
        let steps = (history.len() - 1) as f64;
        let sum: f64 = history.windows(2).map(|pair| (pair[1] - pair[0]).powi(2)).sum();
        squares += 0.6 * sum / 2.0;
        df += 0.6 * steps;
    }
    (df > 0.0).then(|| (squares / df, df))
}
