use perf_model::Kind;

use super::finding::LevelUsed;
use super::level::Level;
use super::limits::signed;
use super::order::{mean, median, scatter};
use super::series::{Runs, Series};

/// One series as logarithms of levels, larger where they are worse, not yet freed of the machine.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) base: Vec<Option<f64>>,
    /// The base's other runs of the same rounds.
    pub(super) again: Vec<Option<f64>>,
    pub(super) head: Vec<Option<f64>>,
    pub(super) history: Vec<Option<f64>>,
    /// No variance is believed to be smaller.
    pub(super) floor: f64,
    /// What the steps in which the values come add to the variance.
    pub(super) rounding: f64,
}

/// The same, freed of what all series share, without gaps. `base` and `head` are not empty.
#[derive(Clone, Debug)]
pub(super) struct Levels {
    pub(super) base: Vec<f64>,
    pub(super) head: Vec<f64>,
    pub(super) history: Vec<f64>,
    /// Whether run `i` of the two sides is a pair, of which only the difference counts.
    pub(super) paired: bool,
    /// By how much the base's two runs of every pair differ, where it was run twice in each: `base` is their middle.
    pub(super) own: Vec<f64>,
}

impl Levels {
    /// Returns the variance of one run that the runs of both sides show, and its degrees of freedom; 0 where there are none.
    ///
    /// The two sides of a pair are half their difference away from the middle of all. That difference is of two runs;
    /// or of one and the mean of two, which vary by half as much again as one run, and then the two tell as much on
    /// their own, being the same code.
    pub(super) fn of_replicates(&self) -> (f64, f64) {
        let (pairs, between) = (self.base.len(), scatter(&self.base) + scatter(&self.head));
        let (squares, degrees) = match (self.paired, self.own.is_empty()) {
            (false, _) => (between, pairs + self.head.len() - 2),
            (true, true) => (between, pairs - 1),
            (true, false) => {
                let own: f64 = self.own.iter().map(|difference| difference.powi(2)).sum();
                (2.0 * between / 1.5 + own / 2.0, pairs - 1 + self.own.len())
            }
        };
        (squares / (degrees as f64).max(1.0), degrees as f64)
    }

    /// Returns whether there is a single pair.
    pub(super) fn is_one_pair(&self) -> bool {
        self.paired && self.base.len() == 1
    }

    /// Returns how many runs stand behind the base.
    pub(super) fn base_runs(&self) -> usize {
        self.base.len() + self.own.len()
    }

    /// Returns the history as far as it tells where the base lies: of runs in turns only their own session does.
    pub(super) fn history_of_base(&self) -> &[f64] {
        if self.paired { &[] } else { &self.history }
    }
}

/// A history needs this many entries before anything is learned from it.
pub(super) const ENOUGH_HISTORY: usize = 3;
/// How many of the newest baselines count as recent.
pub(super) const RECENT: usize = 10;
/// Older baselines say nothing of the noise of today.
pub(super) const HISTORY_USED: usize = 30;

impl Row {
    /// Returns the row of a series whose numbers are all positive.
    pub(super) fn new(series: &Series, used: LevelUsed) -> Self {
        let log = |level: &Level| signed(number(level, used).ln(), series.better);
        let logs = |runs: &Runs| runs.iter().map(|run| run.as_ref().map(log)).collect();
        Self {
            base: logs(&series.base),
            again: logs(&series.again),
            head: logs(&series.head),
            history: recent_history(series).iter().map(|runs| first(runs).map(log)).collect(),
            floor: smallest_noise(series.kind).powi(2),
            rounding: rounding(series),
        }
    }

    /// Returns the series' own level, against which each run is held: the median of the newest baselines.
    pub(super) fn reference(&self) -> f64 {
        let recent = self.history.iter().rev().flatten().take(RECENT);
        let mut values: Vec<f64> = recent.chain(self.base.iter().flatten()).copied().collect();
        median(&mut values)
    }
}

/// Returns the earlier baselines that are used, oldest first.
pub(super) fn recent_history(series: &Series) -> &[Runs] {
    &series.history[series.history.len().saturating_sub(HISTORY_USED)..]
}

/// Returns the run that stands for an earlier baseline: replicates would make the history look steadier than
/// single runs are.
pub(super) fn first(runs: &Runs) -> Option<&Level> {
    runs.iter().flatten().next()
}

/// Returns the number that stands for a run.
pub(super) fn number(level: &Level, used: LevelUsed) -> f64 {
    match used {
        LevelUsed::Median => level.middle,
        LevelUsed::Best => level.best.unwrap_or(level.middle),
    }
}

/// Returns the relative noise that even the steadiest series of a kind is taken to have.
pub(super) fn smallest_noise(kind: Kind) -> f64 {
    match kind {
        Kind::Count | Kind::Exact => 0.0002,
        Kind::Time | Kind::Size | Kind::Rate | Kind::Ratio | Kind::Percentile => 0.002,
    }
}

/// Returns the variance of rounding to whole numbers, where all levels are whole (Sheppard 1898: step^2 /
/// 12).
fn rounding(series: &Series) -> f64 {
    let runs = series.base.iter().chain(&series.head).flatten();
    let (mut sum, mut count) = (0.0, 0.0);
    for level in runs {
        if level.middle.fract() != 0.0 {
            return 0.0;
        }
        sum += level.middle;
        count += 1.0;
    }
    (count / sum).powi(2) / 12.0
}

/// Returns the mean of the squared spreads inside the runs; `None` where a side has none.
pub(super) fn within(series: &Series) -> Option<f64> {
    let side = |runs: &Runs| {
        let squares: Vec<f64> =
            runs.iter().flatten().filter_map(|level| level.spread).map(|spread| spread.powi(2)).collect();
        (!squares.is_empty()).then(|| mean(&squares))
    };
    Some(f64::midpoint(side(&series.base)?, side(&series.head)?))
}
