//! Tests the series whose numbers are all positive, as logarithms of ratios.

use super::class::Class;
use super::finding::{Doubt, LevelUsed, Suite};
use super::limits::LogLimits;
use super::measured::{Firmness, Test};
use super::noise::{Noise, Source, noises};
use super::order::{mean, median, median_of};
use super::pairs::in_pairs;
use super::row::{ENOUGH_HISTORY, Levels, RECENT, Row, within};
use super::separation::{has_two_modes, separation};
use super::series::Series;
use super::settings::{Order, Settings};
use super::suite::{ENOUGH_SERIES, Freed, MEDIAN, free};
use super::variation::detectable;

/// The change that is reported is at most so many times what the base's own runs show.
const MOST_BY_HISTORY: f64 = 2.0;

/// A suite, tested: one test for each series in the order given.
#[derive(Debug)]
pub(super) struct Tested {
    pub(super) tests: Vec<Test>,
    pub(super) suite: Suite,
}

/// In suites of so many series, what all share is the machine. In smaller ones it may be one of them.
const MANY_SERIES: usize = 8;
/// The noise that one way of looking at a suite must leave, as a share of the other's, to be chosen over it.
const MUCH_STEADIER: f64 = 0.7;

/// Tests every series of one class.
///
/// The level of a run is its median, unless the whole suite shows that the best sample is much steadier, as
/// it is on a machine that others use at the same time.
pub(super) fn test(series: &[&Series], class: Class, settings: &Settings) -> Tested {
    let medians = Steps::choose(series, LevelUsed::Median, class, settings);
    if class == Class::Speed && series.len() >= MANY_SERIES && series.iter().all(|series| has_bests(series)) {
        let bests = Steps::choose(series, LevelUsed::Best, class, settings);
        if bests.is_much_steadier(&medians) {
            return bests.tested(series, LevelUsed::Best, settings);
        }
    }
    medians.raised_to_within(series).tested(series, LevelUsed::Median, settings)
}

fn has_bests(series: &Series) -> bool {
    let all = series.history.iter().chain([&series.base, &series.again, &series.head]);
    all.flatten().flatten().all(|level| level.best.is_some_and(|best| best > 0.0))
}

/// A suite freed of the machine, with the noise of every series.
#[derive(Debug)]
struct Steps {
    freed: Freed,
    noises: Vec<Noise>,
}

impl Steps {
    /// Takes the machine out of times and rates: always in a large suite, in a small one only where that
    /// makes it much steadier. Of runs in turns the machine is what the two of a pair share.
    fn choose(series: &[&Series], used: LevelUsed, class: Class, settings: &Settings) -> Self {
        let rows: Vec<Row> = series.iter().map(|series| Row::new(series, used)).collect();
        if settings.order == Order::Interleaved {
            return Self::new(&rows, in_pairs(&rows, class == Class::Speed, settings));
        }
        let freed = || Self::new(&rows, free(&rows, settings));
        let plain = || Self::new(&rows, Freed::as_it_is(&rows));
        match class {
            Class::Speed if rows.len() >= MANY_SERIES => freed(),
            Class::Speed if rows.len() >= ENOUGH_SERIES => {
                let (freed, plain) = (freed(), plain());
                if freed.is_much_steadier(&plain) { freed } else { plain }
            }
            Class::Speed | Class::Size | Class::Count => plain(),
        }
    }

    fn new(rows: &[Row], freed: Freed) -> Self {
        let noises = noises(rows, &freed.levels);
        Self { freed, noises }
    }

    fn is_much_steadier(&self, other: &Self) -> bool {
        self.typical_variance() < MUCH_STEADIER.powi(2) * other.typical_variance()
    }

    /// Returns the geometric mean of the variances.
    fn typical_variance(&self) -> f64 {
        let logs: Vec<f64> = self.noises.iter().map(|noise| noise.variance.ln()).collect();
        mean(&logs).exp()
    }

    /// Raises every variance to a quarter of that inside the runs: a median of noisy samples is no steadier.
    fn raised_to_within(mut self, series: &[&Series]) -> Self {
        const SHARE: f64 = 0.25;
        for (noise, series) in self.noises.iter_mut().zip(series) {
            noise.variance = noise.variance.max(within(series).map_or(0.0, |within| SHARE * within));
        }
        self
    }

    fn one(&self, series: &Series, index: usize, settings: &Settings) -> Test {
        let (noise, levels) = (self.noises[index], &self.freed.levels[index]);
        let against_others = &self.freed.against_others[index];
        let sd = noise.variance.sqrt();
        let base = BaseLevel::of(levels, noise.variance);
        let base_of_others = BaseLevel::of(against_others, noise.variance);
        let shared = median_of(&levels.head) - base.middle;
        // Without a history what the others share rests on the very runs that are compared.
        let change = if levels.history_of_base().len() >= ENOUGH_HISTORY {
            median_of(&against_others.head) - base_of_others.middle
        } else {
            shared
        };
        // Where the machine moved unusually far, a change counts only as far as it shows both with and without
        // the machine's share.
        let unusual = self.freed.unusual;
        let change = if unusual == 0.0 { change } else { smaller(change, shared + unusual) };
        let estimate = mean(&levels.head) - base.mean;
        // The rounds of one session tell too little of how unlike a machine that others use is to each series.
        let in_both = unusual != 0.0 && levels.paired;
        let estimate = if in_both { smaller(estimate, estimate + unusual) } else { estimate };
        // Earlier baselines help to tell the base's level; they must not make a change that its own runs hardly show.
        let own = median_of(&levels.head) - median_of(&levels.base);
        let limits = LogLimits::new(series.limits, series.better);
        let head_runs = levels.head.len();
        Test {
            change: smaller(change, MOST_BY_HISTORY * own),
            estimate,
            largest: largest_reading(
                [(levels, &base), (against_others, &base_of_others)],
                self.freed.unusual,
            ),
            standard_error: sd * (1.0 / base.weight + 1.0 / head_runs as f64).sqrt(),
            df: noise.df,
            noise: sd,
            separation: separation(&levels.base, &levels.head, levels.history_of_base(), (base.mean, sd)),
            firmness: firmness(noise.source, head_runs, settings),
            warn: limits.warn,
            fail: limits.fail,
            head_runs,
            two_modes: has_two_modes(&levels.history),
            // More rounds tell the machine of runs in turns.
            machine: self.freed.unusual != 0.0 && !levels.paired,
        }
    }

    fn tested(&self, series: &[&Series], level: LevelUsed, settings: &Settings) -> Tested {
        let tests: Vec<Test> =
            series.iter().enumerate().map(|(index, series)| self.one(series, index, settings)).collect();
        let mut errors: Vec<f64> = tests.iter().map(|test| test.standard_error).collect();
        let suite = Suite {
            level,
            shift: self.freed.shift,
            noise: Some(self.typical_variance().sqrt()),
            detectable: Some(detectable(median(&mut errors), perf_model::Better::Lower)),
        };
        Tested { tests, suite }
    }
}

/// Returns the largest change for the worse that the runs can be read as: with and without the recent history,
/// and with all that an unusual machine may hide. What is unchanged must be so in every reading.
///
/// A single base run is no reading of its own.
fn largest_reading(readings: [(&Levels, &BaseLevel); 2], unusual: f64) -> f64 {
    let each = readings.into_iter().map(|(levels, base)| {
        let own = if levels.base.len() > 1 { mean(&levels.base) } else { base.mean };
        mean(&levels.head) - own.min(base.mean)
    });
    each.fold(f64::NEG_INFINITY, f64::max) + unusual.max(0.0)
}

/// Returns what a capped or uncapped answer rests on.
pub(super) fn firmness(source: Source, head_runs: usize, settings: &Settings) -> Firmness {
    match source {
        Source::Assumed => Firmness::Capped(Doubt::NoiseUnknown),
        Source::Measured if head_runs == 1 && !settings.fail_on_one_run => Firmness::Capped(Doubt::OneRun),
        Source::Measured => Firmness::Full,
    }
}

/// Returns the smaller of two readings of a change; none where they point in different directions.
fn smaller(one: f64, other: f64) -> f64 {
    if one * other > 0.0 { one.abs().min(other.abs()).copysign(one) } else { 0.0 }
}

/// The level of the base: its own runs, with the recent history where the two agree.
#[derive(Clone, Copy, Debug)]
struct BaseLevel {
    mean: f64,
    /// What the reported change is measured from.
    middle: f64,
    /// How many runs it is worth.
    weight: f64,
}

impl BaseLevel {
    fn of(levels: &Levels, variance: f64) -> Self {
        let (runs, own) = (levels.base_runs() as f64, mean(&levels.base));
        let alone = Self { mean: own, middle: median_of(&levels.base), weight: runs };
        let history = levels.history_of_base();
        if history.len() < ENOUGH_HISTORY {
            return alone;
        }
        let recent = &history[history.len().saturating_sub(RECENT)..];
        let (past, worth) = (median_of(recent), recent.len() as f64 / MEDIAN);
        if (own - past).abs() > 3.0 * (variance * (1.0 / runs + 1.0 / worth)).sqrt() {
            return alone;
        }
        let pooled = (runs * own + worth * past) / (runs + worth);
        Self { mean: pooled, middle: pooled, weight: runs + worth }
    }
}
