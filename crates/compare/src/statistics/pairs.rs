//! Runs that were taken in turns: what the two runs of a pair share is the machine, and only their difference counts.

use super::finding::{Shift, TakenAs};
use super::order::{mean, median_of};
use super::row::{Levels, Row};
use super::settings::Settings;
use super::suite::{ENOUGH_SERIES, Factors, Freed, Shared, at, shift_verdict, without};

/// Takes out of every pair of runs what its two runs share; run `i` of the head belongs to run `i` of the base.
///
/// `shared` says whether the rows share a machine. Then what all of them shifted by is a finding of its own, and where
/// one pair shifted otherwise than the pairs usually did, the machine changed between its two runs.
pub(super) fn in_pairs(rows: &[Row], shared: bool, settings: &Settings) -> Freed {
    let references: Vec<f64> = rows.iter().map(Row::reference).collect();
    let factors = if shared { Shared::of(rows, &references).factors() } else { Factors::default() };
    let shifts = if shared { shifts(rows, &factors) } else { vec![] };
    let known: Vec<f64> = shifts.iter().flatten().copied().collect();
    let usual = if known.is_empty() { 0.0 } else { median_of(&known) };
    let astray: Vec<f64> = shifts.iter().map(|shift| shift.map_or(0.0, |shift| shift - usual)).collect();
    let levels: Vec<Levels> = rows.iter().map(|row| paired(row, &factors, &astray)).collect();
    let shift = (!known.is_empty()).then(|| shift(&known, settings));
    Freed { against_others: levels.clone(), levels, shift, unusual: 0.0 }
}

/// Returns what all rows shifted by in every pair; `None` for a pair that too few of them have.
fn shifts(rows: &[Row], factors: &Factors) -> Vec<Option<f64>> {
    let pairs = factors.base.len().min(factors.head.len());
    let has = |row: &Row, back: usize| {
        let run = |runs: &[Option<f64>]| at(runs, back).flatten().is_some();
        run(&row.base) && run(&row.head)
    };
    let shift = |back: usize| {
        let enough = rows.iter().filter(|row| has(row, back)).count() >= ENOUGH_SERIES;
        Some(at(&factors.head, back)? - at(&factors.base, back)?).filter(|_| enough)
    };
    (1..=pairs).rev().map(shift).collect()
}

/// Moves both runs of every pair to the middle of all pairs, half their difference away from it on either side.
///
/// A series that no pair measured on both sides keeps its runs as they are.
fn paired(row: &Row, factors: &Factors, astray: &[f64]) -> Levels {
    let unpaired = without(row, factors, 0.0);
    let count = row.base.len().min(row.head.len());
    let pair = |back: usize| {
        let (base, head) = (at(&row.base, back)??, at(&row.head, back)??);
        Some((base, head - at(astray, back).unwrap_or(0.0)))
    };
    let pairs: Vec<(f64, f64)> = (1..=count).rev().filter_map(pair).collect();
    if pairs.is_empty() {
        return unpaired;
    }
    let middles: Vec<f64> = pairs.iter().map(|(base, head)| f64::midpoint(*base, *head)).collect();
    let centre = mean(&middles);
    let half = |(base, head): &(f64, f64)| (head - base) / 2.0;
    Levels {
        base: pairs.iter().map(|pair| centre - half(pair)).collect(),
        head: pairs.iter().map(|pair| centre + half(pair)).collect(),
        history: unpaired.history,
        paired: true,
    }
}

/// Judges what all series shifted by: the pairs must agree on its direction, and on half of its size.
fn shift(differences: &[f64], settings: &Settings) -> Shift {
    let shift = median_of(differences);
    let nearest = differences.iter().map(|it| it * shift.signum()).fold(f64::INFINITY, f64::min);
    let agreed = nearest > 0.0 && nearest >= shift.abs() / 2.0;
    let enough = settings.fail_on_one_run || differences.len() >= 2;
    let verdict = shift_verdict(shift, agreed, enough, settings);
    Shift { change: shift.exp_m1(), verdict, taken_as: TakenAs::Change, history_sd: None }
}
