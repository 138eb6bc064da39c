//! Runs that were taken in turns: what the two runs of a pair share is the machine, and only their difference counts.

use super::finding::{Shift, TakenAs};
use super::order::{mean, median_of};
use super::row::{Levels, Row};
use super::settings::Settings;
use super::student::upper_tail;
use super::suite::{
    ENOUGH_SERIES, Factors, Freed, MEDIAN, SMALLEST_SHIFT_SD, Shared, UNUSUAL_SHIFT, at, shift_verdict,
    without,
};

/// What a shift of all series must be beyond chance to be taken for a change.
const CHANCE: f64 = 0.01;

/// Takes out of every pair of runs what its two runs share; run `i` of the head belongs to run `i` of the base.
///
/// `shared` says whether the rows share a machine. What all of them shifted by in a pair is taken out as well, since
/// the machine may change between two runs; where the pairs show that it is more than this, it is a change and stays.
pub(super) fn in_pairs(rows: &[Row], shared: bool, settings: &Settings) -> Freed {
    let (rows, own) = middled(rows);
    let references: Vec<f64> = rows.iter().map(Row::reference).collect();
    let factors = if shared { Shared::of(&rows, &references).factors() } else { Factors::default() };
    let machine = if shared { Machine::of(&rows, &own, &factors) } else { Machine::default() };
    let (shift, taken_as) = (machine.shift(), machine.taken_as());
    let kept = if taken_as == TakenAs::Change { shift } else { 0.0 };
    let each = rows.iter().zip(&own);
    let levels: Vec<Levels> = each.map(|(row, own)| machine.out_of(row, own, &factors, kept)).collect();
    let unusual = if taken_as == TakenAs::Machine && shift.abs() > UNUSUAL_SHIFT { shift } else { 0.0 };
    Freed { against_others: levels.clone(), levels, shift: machine.judged(settings), unusual }
}

/// Puts the middle of the base's two runs in the place of its run, where all pairs of all rows have both; returns by
/// how much the two differ as well, nothing where they do not.
fn middled(rows: &[Row]) -> (Vec<Row>, Vec<Vec<Option<f64>>>) {
    let pairs = |row: &Row| {
        row.base.iter().zip(&row.head).filter(|(base, head)| base.is_some() && head.is_some()).count()
    };
    let twice = |row: &Row| {
        let runs = row.base.iter().zip(&row.again).zip(&row.head);
        runs.filter(|((base, again), head)| base.is_some() && again.is_some() && head.is_some()).count()
    };
    if !rows.iter().all(|row| row.base.len() == row.again.len() && pairs(row) == twice(row)) {
        return (rows.to_vec(), vec![vec![]; rows.len()]);
    }
    let middle = |row: &Row| {
        let runs = || row.base.iter().zip(&row.again);
        let base = runs().map(|(base, again)| Some(f64::midpoint((*base)?, (*again)?))).collect();
        let own =
            runs().zip(&row.head).map(|((base, again), head)| head.and(Some((*again)? - (*base)?))).collect();
        (Row { base, ..row.clone() }, own)
    };
    rows.iter().map(middle).unzip()
}

/// What the machine did in every pair; the ends of the lists are the newest pairs. `None` where too few rows tell.
#[derive(Debug, Default)]
struct Machine {
    /// What all rows shifted by from base to head.
    shifts: Vec<Option<f64>>,
    /// What they shifted by between the two runs of the base; empty where there are none.
    own: Vec<Option<f64>>,
}

impl Machine {
    fn of(rows: &[Row], own: &[Vec<Option<f64>>], factors: &Factors) -> Self {
        let pairs = factors.base.len().min(factors.head.len());
        let has = |row: &Row, back: usize| {
            let run = |runs: &[Option<f64>]| at(runs, back).flatten().is_some();
            run(&row.base) && run(&row.head)
        };
        let shift = |back: usize| {
            let enough = rows.iter().filter(|row| has(row, back)).count() >= ENOUGH_SERIES;
            Some(at(&factors.head, back)? - at(&factors.base, back)?).filter(|_| enough)
        };
        let of_base = |back: usize| {
            let all: Vec<f64> = own.iter().filter_map(|own| at(own, back)?).collect();
            shift(back).and((all.len() >= ENOUGH_SERIES).then(|| median_of(&all)))
        };
        Self { shifts: (1..=pairs).rev().map(shift).collect(), own: (1..=pairs).rev().map(of_base).collect() }
    }

    fn known(&self) -> Vec<f64> {
        self.shifts.iter().flatten().copied().collect()
    }

    /// Returns what the pairs usually shifted by; 0 where nothing is known of it.
    fn shift(&self) -> f64 {
        let known = self.known();
        if known.is_empty() { 0.0 } else { median_of(&known) }
    }

    /// Returns how likely the machine moves so far by itself, as the pairs and the base's own two runs tell; 1 where they
    /// are too few to tell.
    fn chance(&self) -> f64 {
        let known = self.known();
        let levels = around(0.0, &known, self.own.iter().flatten().copied().collect());
        let (variance, df) = if known.is_empty() { (0.0, 0.0) } else { levels.of_replicates() };
        if df == 0.0 {
            return 1.0;
        }
        let of_runs = 1.0 / levels.base_runs() as f64 + 1.0 / known.len() as f64;
        let error = (MEDIAN * variance.max(SMALLEST_SHIFT_SD.powi(2)) * of_runs).sqrt();
        2.0 * upper_tail(self.shift().abs() / error, df)
    }

    fn taken_as(&self) -> TakenAs {
        if self.chance() <= CHANCE { TakenAs::Change } else { TakenAs::Machine }
    }

    /// Moves both runs of every pair to the middle of all pairs, half their difference away from it on either side, and
    /// takes out what the machine did.
    ///
    /// A series that no pair measured on both sides keeps its runs as they are.
    fn out_of(&self, row: &Row, own: &[Option<f64>], factors: &Factors, kept: f64) -> Levels {
        let unpaired = without(row, factors, 0.0);
        let astray = |back: usize| at(&self.shifts, back).flatten().map_or(0.0, |shift| shift - kept);
        let pair = |back: usize| {
            let (base, head) = (at(&row.base, back)??, at(&row.head, back)??);
            Some((f64::midpoint(base, head), head - base - astray(back)))
        };
        let count = row.base.len().min(row.head.len());
        let (middles, differences): (Vec<f64>, Vec<f64>) = (1..=count).rev().filter_map(pair).unzip();
        if differences.is_empty() {
            return unpaired;
        }
        let of_base = |back: usize| Some(at(own, back)?? - at(&self.own, back).flatten().unwrap_or(0.0));
        let own = (1..=own.len()).rev().filter_map(of_base).collect();
        Levels { history: unpaired.history, ..around(mean(&middles), &differences, own) }
    }

    /// Judges the shift: the pairs must agree on its direction, and on half of its size. Where the base ran twice, it must
    /// be more than the machine does by itself as well.
    fn judged(&self, settings: &Settings) -> Option<Shift> {
        let (shift, known) = (self.shift(), self.known());
        let nearest = known.iter().map(|it| it * shift.signum()).fold(f64::INFINITY, f64::min);
        let explained = self.own.iter().any(Option::is_some) && self.taken_as() == TakenAs::Machine;
        let agreed = nearest > 0.0 && nearest >= shift.abs() / 2.0 && !explained;
        let enough = settings.fail_on_one_run || known.len() >= 2;
        let verdict = shift_verdict(shift, agreed, enough, settings);
        (!known.is_empty()).then(|| Shift {
            change: shift.exp_m1(),
            verdict,
            taken_as: self.taken_as(),
            history_sd: None,
            chance: Some(self.chance()),
        })
    }
}

/// Returns pairs that lie around a centre, half their difference away from it on either side.
fn around(centre: f64, differences: &[f64], own: Vec<f64>) -> Levels {
    Levels {
        base: differences.iter().map(|difference| centre - difference / 2.0).collect(),
        head: differences.iter().map(|difference| centre + difference / 2.0).collect(),
        history: vec![],
        paired: true,
        own,
    }
}
