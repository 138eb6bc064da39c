//! How many rounds show a change of some size.

use crate::comparison::Comparison;
use crate::statistics::order::median;

/// What a session could have seen, and what it would take to see less.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reach {
    /// The relative change that half of the series would have shown.
    pub seen: f64,
    /// How many rounds were measured.
    pub rounds: usize,
    /// How many rounds would show half of that change.
    pub for_half: usize,
}

/// A change of this many standard errors is seen in half of the cases: so far the limits of significance lie.
const ERRORS: f64 = 4.0;

/// Returns how many rounds show a relative change in half of the series, given their noise; at least 2. `None` where
/// no series has noise, or for no change at all.
pub fn rounds_for(comparison: &Comparison, change: f64) -> Option<usize> {
    let noise = typical(comparison)?;
    let rounds = runs_a_difference(comparison) * (ERRORS * noise / change.ln_1p()).powi(2);
    // A saturating cast: nobody measures that long.
    (change > 0.0).then(|| (rounds.ceil() as usize).max(2))
}

/// Returns what a comparison in turns could have seen.
pub fn reach(comparison: &Comparison) -> Option<Reach> {
    let rounds = comparison.turns?.pairs;
    let noise = typical(comparison)?;
    let seen = (ERRORS * noise * (runs_a_difference(comparison) / rounds as f64).sqrt()).exp_m1();
    Some(Reach { seen, rounds, for_half: rounds_for(comparison, seen / 2.0)? })
}

/// Returns how many times the variance of one run the difference within a pair varies by: the mean of two runs of the
/// base varies by half as much as one.
fn runs_a_difference(comparison: &Comparison) -> f64 {
    let twice = comparison.turns.is_some_and(|turns| turns.pairs > 1 && turns.twice == turns.pairs);
    if twice { 1.5 } else { 2.0 }
}

/// Returns the median noise of the series that were judged by ratios.
fn typical(comparison: &Comparison) -> Option<f64> {
    let ratios = comparison.judged.iter().filter(|row| row.absolute.is_none());
    let mut noises: Vec<f64> = ratios.filter_map(|row| Some(row.finding.evidence?.noise)).collect();
    (!noises.is_empty()).then(|| median(&mut noises))
}
