//! What all series of a suite share: the machine.
//!
//! A slow machine slows every benchmark. What the median series does in a run is therefore taken for the
//! machine and taken out of the run, unless it is more than this environment's history ever showed.

use std::f64::consts::SQRT_2;

use super::finding::{Shift, TakenAs};
use super::limits::LogLimits;
use super::order::{median_of, quantile, variance_of_steps};
use super::row::{Levels, Row};
use super::settings::{Settings, SuiteShift};
use crate::verdict::Verdict;

/// The rows of a suite without what they share.
#[derive(Debug)]
pub(super) struct Freed {
    pub(super) levels: Vec<Levels>,
    /// The rows, each without what all *others* share: a series must not be held against itself.
    pub(super) against_others: Vec<Levels>,
    /// `None` where the series are too few to tell the machine from a change.
    pub(super) shift: Option<Shift>,
    /// What was taken out of the head beyond the machine's usual share, as a logarithm; else 0.
    pub(super) unusual: f64,
}

impl Freed {
    /// Returns rows that share nothing, or are too few to tell.
    pub(super) fn as_it_is(rows: &[Row]) -> Self {
        let levels: Vec<Levels> = rows.iter().map(|row| without(row, &Factors::default(), 0.0)).collect();
        Self { against_others: levels.clone(), levels, shift: None, unusual: 0.0 }
    }
}

/// The median of fewer series follows one of them too easily.
pub(super) const ENOUGH_SERIES: usize = 5;
/// So many baselines say how far the machine moves by itself.
const ENOUGH_SHIFTS: usize = 5;
/// No machine repeats itself better than this from one baseline to the next.
pub(super) const SMALLEST_SHIFT_SD: f64 = 0.003;
/// A shift as large as this may hide a share of the change.
pub(super) const UNUSUAL_SHIFT: f64 = 0.03;
/// The variance of a median of normal values over that of their mean.
pub(super) const MEDIAN: f64 = 1.57;

/// Takes out of every run what the whole suite shares. There must be a row.
pub(super) fn free(rows: &[Row], settings: &Settings) -> Freed {
    let references: Vec<f64> = rows.iter().map(Row::reference).collect();
    let shared = Shared::of(rows, &references);
    let factors = shared.factors();
    let machine = Machine::of(&factors);
    let shift = machine.judged(&factors, settings);
    let kept = if shift.taken_as == TakenAs::Change { machine.shift } else { 0.0 };
    let levels: Vec<Levels> = rows.iter().map(|row| without(row, &factors, kept)).collect();
    let each = rows.iter().zip(references);
    let against_others =
        each.map(|(row, reference)| without(row, &shared.by_others(row, reference), kept)).collect();
    Freed {
        levels,
        against_others,
        unusual: if shift.taken_as == TakenAs::Machine && machine.is_unusual() { machine.shift } else { 0.0 },
        shift: Some(shift),
    }
}

/// What the suite shares in every run, as logarithms. The ends of the lists are the newest runs.
#[derive(Debug, Default)]
pub(super) struct Factors {
    pub(super) base: Vec<f64>,
    pub(super) head: Vec<f64>,
    pub(super) history: Vec<f64>,
}

/// What the suite shares in every run, and what it shares without any one of its series.
pub(super) struct Shared {
    base: Vec<Middle>,
    head: Vec<Middle>,
    history: Vec<Middle>,
}

impl Shared {
    pub(super) fn of(rows: &[Row], references: &[f64]) -> Self {
        Self {
            base: middles(rows, references, |row| &row.base),
            head: middles(rows, references, |row| &row.head),
            history: middles(rows, references, |row| &row.history),
        }
    }

    pub(super) fn factors(&self) -> Factors {
        let all = |side: &[Middle]| side.iter().map(Middle::of_all).collect();
        Factors { base: all(&self.base), head: all(&self.head), history: all(&self.history) }
    }

    /// Returns what the other series share.
    fn by_others(&self, row: &Row, reference: f64) -> Factors {
        let side = |middles: &[Middle], runs: &[Option<f64>]| {
            let own = |back: usize| at(runs, back).flatten().map(|level| level - reference);
            let each = middles.iter().zip((1..=middles.len()).rev());
            each.map(|(middle, back)| own(back).map_or(middle.of_all(), |own| middle.of_others(own)))
                .collect()
        };
        Factors {
            base: side(&self.base, &row.base),
            head: side(&self.head, &row.head),
            history: side(&self.history, &row.history),
        }
    }
}

/// The median of some distances and its neighbours: enough to tell the median without any one of them.
#[derive(Clone, Copy, Debug, Default)]
struct Middle {
    below: f64,
    /// The one in the middle; `None` where they are even in number.
    middle: Option<f64>,
    above: f64,
}

impl Middle {
    fn of(distances: &mut [f64]) -> Self {
        if distances.len() < ENOUGH_SERIES {
            return Self::default();
        }
        let half = distances.len() / 2;
        let is_odd = distances.len() % 2 == 1;
        let (below, &mut middle, above) = distances.select_nth_unstable_by(half, f64::total_cmp);
        let below = below.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if is_odd {
            let above = above.iter().copied().fold(f64::INFINITY, f64::min);
            return Self { below, middle: Some(middle), above };
        }
        Self { below, middle: None, above: middle }
    }

    fn of_all(&self) -> f64 {
        self.middle.unwrap_or(f64::midpoint(self.below, self.above))
    }

    /// Returns the median of the distances but for `one` of them.
    fn of_others(&self, one: f64) -> f64 {
        match self.middle {
            None if one <= self.below => self.above,
            None => self.below,
            Some(middle) if one < middle => f64::midpoint(middle, self.above),
            Some(middle) if one > middle => f64::midpoint(self.below, middle),
            Some(_) => f64::midpoint(self.below, self.above),
        }
    }
}

/// Returns the middle of the distances of the series from their own level, for every run of a side.
fn middles(rows: &[Row], references: &[f64], side: impl Fn(&Row) -> &[Option<f64>]) -> Vec<Middle> {
    let runs = rows.iter().map(|row| side(row).len()).max().unwrap_or(0);
    let middle = |back: usize| {
        let mut distances: Vec<f64> = rows
            .iter()
            .zip(references)
            .filter_map(|(row, reference)| Some(at(side(row), back)?? - reference))
            .collect();
        Middle::of(&mut distances)
    };
    (1..=runs).rev().map(middle).collect()
}

/// Returns the entry that is `back` from the end, the last being 1.
pub(super) fn at<T: Copy>(entries: &[T], back: usize) -> Option<T> {
    entries.len().checked_sub(back).map(|index| entries[index])
}

pub(super) fn without(row: &Row, factors: &Factors, kept: f64) -> Levels {
    let side = |runs: &[Option<f64>], factors: &[f64], kept: f64| {
        let backs = (1..=runs.len()).rev();
        let freed = runs
            .iter()
            .zip(backs)
            .filter_map(|(run, back)| Some((*run)? - at(factors, back).unwrap_or(0.0) + kept));
        freed.collect()
    };
    Levels {
        base: side(&row.base, &factors.base, 0.0),
        head: side(&row.head, &factors.head, kept),
        history: side(&row.history, &factors.history, 0.0),
        paired: false,
        own: vec![],
    }
}

/// How the machine's share moved from base to head, beside how it moves anyway.
#[derive(Debug)]
struct Machine {
    /// As a logarithm, positive where the head's runs were slower.
    shift: f64,
    /// The standard deviation of one baseline's factor; `None` with too little history.
    sd: Option<f64>,
    /// Whether every head run lies beyond every base run and beyond nine tenths of the history.
    apart: bool,
    /// Whether every head run is at least half as far from every base run as the shift is large.
    agreed: bool,
}

impl Machine {
    fn of(factors: &Factors) -> Self {
        let shift = median_of(&factors.head) - median_of(&factors.base);
        let known = factors.history.len() >= ENOUGH_SHIFTS;
        let sd = known.then(|| variance_of_steps(&factors.history).sqrt().max(SMALLEST_SHIFT_SD));
        let towards = |factor: &f64| factor * shift.signum();
        let nearest = factors.head.iter().map(towards).fold(f64::INFINITY, f64::min);
        let furthest = factors.base.iter().map(towards).fold(f64::NEG_INFINITY, f64::max);
        let usual = if known {
            high_quantile(factors.history.iter().map(towards).collect())
        } else {
            f64::NEG_INFINITY
        };
        let agreed = nearest - furthest >= shift.abs() / 2.0;
        Self { shift, sd, apart: nearest > furthest.max(usual), agreed }
    }

    /// Whether the shift is more than the history, where there is one, ever shows.
    fn is_unexplained(&self) -> bool {
        const SMALLEST: f64 = 0.05;
        let usual = self.sd.map_or(0.0, |sd| SMALLEST.max(4.0 * SQRT_2 * sd));
        self.apart && self.shift.abs() > usual
    }

    /// Whether the shift is large enough that a share of it may be the change after all.
    fn is_unusual(&self) -> bool {
        self.shift.abs() > self.sd.map_or(UNUSUAL_SHIFT, |sd| UNUSUAL_SHIFT.max(2.0 * SQRT_2 * sd))
    }

    fn judged(&self, factors: &Factors, settings: &Settings) -> Shift {
        let enough = settings.fail_on_one_run || factors.base.len().min(factors.head.len()) >= 2;
        let is_change = self.sd.is_some() && self.is_unexplained();
        let taken_as = if is_change { TakenAs::Change } else { TakenAs::Machine };
        let agreed = self.agreed && self.is_unexplained();
        let verdict = shift_verdict(self.shift, agreed, enough, settings);
        Shift { change: self.shift.exp_m1(), verdict, taken_as, history_sd: self.sd, chance: None }
    }
}

/// Answers for the suite as a whole: `agreed` says whether the runs show the shift at all, `enough` whether they are
/// enough to fail.
pub(super) fn shift_verdict(shift: f64, agreed: bool, enough: bool, settings: &Settings) -> Verdict {
    let limits = LogLimits::new(settings.suite_limits, perf_model::Better::Lower);
    match shift {
        shift if shift.abs() < limits.warn => Verdict::Unchanged,
        _ if !agreed => Verdict::Inconclusive,
        shift if shift < 0.0 => Verdict::Improved,
        shift if shift >= limits.fail && enough => beyond_fail(settings.suite_shift),
        _ => Verdict::Slower,
    }
}

fn beyond_fail(suite_shift: SuiteShift) -> Verdict {
    match suite_shift {
        SuiteShift::Fail => Verdict::Regressed,
        SuiteShift::Warn => Verdict::Slower,
    }
}

/// Returns the 90 % quantile of the newest twenty factors.
fn high_quantile(mut factors: Vec<f64>) -> f64 {
    let mut newest = factors.split_off(factors.len().saturating_sub(20));
    newest.sort_unstable_by(f64::total_cmp);
    quantile(&newest, 0.9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_the_others_is_that_of_the_list_without_one() {
        for count in [5, 6, 9, 10] {
            let distances: Vec<f64> = (0..count).map(|i| f64::from(i * 7 % 5)).collect();
            let middle = Middle::of(&mut distances.clone());
            assert_eq!(middle.of_all(), median_of(&distances), "{distances:?}");
            for index in 0..distances.len() {
                let mut others = distances.clone();
                let one = others.remove(index);
                assert_eq!(middle.of_others(one), median_of(&others), "{distances:?} without {one}");
            }
        }
    }
}
