//! Measures one series of two commits in turns.

use std::collections::BTreeSet;

use perf_compare::statistics::Judge;
use perf_compare::{FIRST_ROUNDS, Judged, LOOKS, Limits, Pair, Policy, compare, ends_differ};
use perf_model::{Baseline, Measurement, Run, SeriesId, Turn, Unit, median};
use perf_store::{Commit, Store};

use crate::command::measure::{Gathered, Next, Plan, Session, Target};
use crate::config::Config;
use crate::failure::{Failure, Result};

/// The ends are measured until they are seen to differ, but no more often than this.
const MOST_FOR_ENDS: u32 = LOOKS[LOOKS.len() - 1];

/// What is measured.
pub(super) struct Wanted<'a> {
    pub(super) benchmark: &'a str,
    pub(super) metric: Option<&'a str>,
    pub(super) set: &'a [(String, String)],
}

/// A session that measures one series again and again.
pub(super) struct Probe<'a> {
    session: Session<'a>,
    store: &'a Store,
    wanted: Wanted<'a>,
    /// The series, and the suites that it is in, once they are known.
    series: Option<SeriesId>,
    suites: Vec<usize>,
}

/// What the two ends of a line were measured at.
pub(super) struct Ends {
    pub(super) good: f64,
    pub(super) bad: f64,
    pub(super) unit: Unit,
    pub(super) pairs: usize,
    /// The logarithm of bad over good.
    pub(super) change: f64,
    /// The standard deviation of the difference of one pair.
    pub(super) sd: f64,
    /// Whether they differ at all.
    pub(super) differ: bool,
    /// A run of the good end: its environment is that of the search.
    run: Run,
}

/// How one probe ended.
pub(super) enum Difference {
    /// The mean logarithm of the probe's level over that of the good end, and of how many pairs.
    Measured { mean: f64, pairs: usize },
    /// The commit cannot be measured.
    Unbuildable(String),
    /// A signal came.
    Interrupted,
}

impl<'a> Probe<'a> {
    pub(super) fn new(
        session: Session<'a>,
        config: &'a Config,
        store: &'a Store,
        wanted: Wanted<'a>,
    ) -> Self {
        let suites = (0..config.suite.len()).collect();
        Self { session, store, wanted, series: None, suites }
    }

    /// Measures both ends.
    pub(super) fn ends(&mut self, good: &Target, bad: &Target) -> Result<Ends> {
        let plan = Plan { first: LOOKS[0], most: MOST_FOR_ENDS, ..self.plan() };
        let wanted = &self.wanted;
        let next = |gathered: &Gathered| -> Result<Next> {
            let series = find(gathered, wanted)?;
            let differ = ends_differ(&differences(gathered, &series));
            Ok(Next { open: if differ { BTreeSet::new() } else { [series].into() }, goal: MOST_FOR_ENDS })
        };
        let gathered = self.session.measure((good, bad), &plan, &next)?.unbroken()?;
        if gathered.interrupted {
            return Err(Failure::new("interrupted before the ends were measured"));
        }
        let series = find(&gathered, wanted)?;
        let row = judged(&gathered, &series)?;
        gathered.record(self.store, (good, bad))?;
        self.suites = gathered.suites_with(&series);
        self.series = Some(series);
        let series = self.series.as_ref().expect("it was just set");
        if row.before != row.after && row.before.min(row.after) <= 0.0 {
            return Err(Failure::new(format!(
                "{series} goes from {} to {}: a search goes by ratios, and needs numbers above zero",
                row.before, row.after
            ))
            .hint("`git bisect` with a script that compares the number itself finds such a commit"));
        }
        let noise = row.finding.evidence.map_or(EXACT, |it| it.noise * std::f64::consts::SQRT_2);
        let differ = match row.finding.evidence {
            Some(_) => ends_differ(&differences(&gathered, series)),
            // Counts need no statistics: any difference is one.
            None => row.before != row.after,
        };
        Ok(Ends { differ, ..ends_of(&row, &gathered, noise) })
    }

    /// Measures a commit against the good end.
    pub(super) fn against(&mut self, good: &Target, commit: &Target) -> Result<Difference> {
        let series = self.series.clone().expect("the ends were measured first");
        let plan = Plan { most: FIRST_ROUNDS, ..self.plan() };
        let measured = self.session.measure((good, commit), &plan, &|_| Ok(Next::default()));
        let gathered = match measured.and_then(Gathered::unbroken) {
            Err(failure) if failure.is_of_a_suite() => {
                return Ok(Difference::Unbuildable(failure.in_one_line()));
            }
            other => other?,
        };
        if gathered.interrupted {
            return Ok(Difference::Interrupted);
        }
        gathered.record(self.store, (good, commit))?;
        let differences = differences(&gathered, &series);
        Ok(match mean(&differences) {
            Some(mean) => Difference::Measured { mean, pairs: differences.len() },
            None => Difference::Unbuildable(format!("it does not measure {series}")),
        })
    }

    /// Measures a commit against its parent, until it shows half of the change of the ends or was measured as often as they
    /// are at most; returns the mean logarithm of its level over the parent's, and of how many pairs. `None` where one of
    /// the two cannot be measured or a signal came.
    pub(super) fn step(
        &mut self,
        parent: &Target,
        commit: &Target,
        change: f64,
    ) -> Result<Option<(f64, usize)>> {
        let series = self.series.clone().expect("the ends were measured first");
        let plan = Plan { first: LOOKS[0], most: MOST_FOR_ENDS, ..self.plan() };
        let next = |gathered: &Gathered| -> Result<Next> {
            let shows = mean(&differences(gathered, &series)).is_some_and(|mean| mean / change >= 0.5);
            let open = if shows { BTreeSet::new() } else { [series.clone()].into() };
            Ok(Next { open, goal: MOST_FOR_ENDS })
        };
        let gathered = match self.session.measure((parent, commit), &plan, &next).and_then(Gathered::unbroken)
        {
            Err(failure) if failure.is_of_a_suite() => return Ok(None),
            other => other?,
        };
        if gathered.interrupted {
            return Ok(None);
        }
        gathered.record(self.store, (parent, commit))?;
        let differences = differences(&gathered, &series);
        Ok(mean(&differences).map(|mean| (mean, differences.len())))
    }

    /// Takes note of what is stored of the commits between the ends; returns of how many.
    pub(super) fn stored(
        &self,
        line: &[Commit],
        ends: &Ends,
        search: &mut perf_compare::Bisection,
    ) -> Result<usize> {
        let series = self.series.as_ref().expect("the ends were measured first");
        let fingerprint = ends.run.environment.fingerprint();
        let level = |commit: &Commit| -> Result<Option<f64>> {
            let baseline = self.store.find_in(&fingerprint, &commit.lineage.commit)?;
            Ok(baseline.and_then(|baseline| level_of(baseline.runs.iter(), series)))
        };
        let mut levels = vec![];
        for (index, commit) in line.iter().enumerate() {
            levels.extend(level(commit)?.filter(|level| *level > 0.0).map(|level| (index, level.ln())));
        }
        let Some((0, good)) = levels.first().copied() else { return Ok(0) };
        let error = ends.sd.max(error_of(&levels));
        let between = levels.into_iter().filter(|(index, _)| (1..line.len() - 1).contains(index));
        let mut count = 0;
        for (index, level) in between {
            search.observe_within(index, level - good, error);
            count += 1;
        }
        Ok(count)
    }

    fn plan(&self) -> Plan {
        Plan {
            first: FIRST_ROUNDS,
            most: FIRST_ROUNDS,
            control: false,
            suites: self.suites.clone(),
            only: self.series.clone().map(|series| [series].into()),
            budget: None,
            set: self.wanted.set.to_vec(),
        }
    }
}

/// Stored levels were taken on different days: their differences vary by what neighbours differ by, the change aside.
fn error_of(levels: &[(usize, f64)]) -> f64 {
    /// With fewer steps nothing is known of how days differ.
    const ENOUGH: usize = 5;
    const UNKNOWN: f64 = 0.07;
    let steps: Vec<f64> = levels.windows(2).map(|pair| (pair[1].1 - pair[0].1).abs()).collect();
    if steps.len() < ENOUGH { UNKNOWN } else { 1.4826 * median(&steps) }
}

/// Finds the one series that was asked for.
pub(super) fn find(gathered: &Gathered, wanted: &Wanted<'_>) -> Result<SeriesId> {
    let all = gathered.base.iter().chain(&gathered.head).flat_map(|run| &run.measurements);
    let matches = |series: &SeriesId| {
        (series.benchmark == wanted.benchmark || series.case() == wanted.benchmark)
            && wanted.metric.is_none_or(|metric| series.metric == metric)
    };
    let found: BTreeSet<SeriesId> = all.map(Measurement::series).filter(matches).collect();
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(Failure::new(format!("{}: the suites measure no such benchmark", wanted.benchmark))
            .hint("`perf store show HEAD` lists those that were measured")),
        (Some(first), Some(second)) => {
            Err(Failure::new(format!("{}: may be {first} or {second}", wanted.benchmark))
                .hint("`--metric NAME` says which"))
        }
    }
}

/// Judges one series of a session by itself: whether it differs at all, not whether it matters.
pub(super) fn judged(gathered: &Gathered, series: &SeriesId) -> Result<Judged> {
    let side = |runs: &[Run]| {
        let only = |run: &Run| {
            let measurements = run.measurements.iter().filter(|it| it.series() == *series).cloned().collect();
            Run { measurements, ..run.clone() }
        };
        Baseline::new(runs.iter().map(only).collect()).expect("runs of one commit and one identity")
    };
    let limits = Limits { warn: 0.002, fail: 0.002 };
    let policy = Policy { limits, judge: Judge::Noise, ..Policy::default() };
    let pair = Pair::new(side(&gathered.base), side(&gathered.head), &BTreeSet::new());
    let found = pair.and_then(|pair| compare(pair, &[], &policy));
    found.ok().and_then(|found| found.judged.into_iter().next()).ok_or_else(|| {
        Failure::new(format!(
            "{series}: the two ends cannot be compared: their environments differ, or one lacks it"
        ))
        .hint("`perf compare --measure --against GOOD --head BAD` says why")
    })
}

/// What a count is taken to vary by.
const EXACT: f64 = 1e-4;

fn ends_of(row: &Judged, gathered: &Gathered, sd: f64) -> Ends {
    Ends {
        good: row.before,
        bad: row.after,
        unit: row.metric.unit.clone(),
        pairs: gathered.rounds as usize,
        change: (row.after / row.before).ln(),
        sd,
        differ: true,
        run: gathered.base[0].clone(),
    }
}

/// Returns the logarithm of head over base of every pair.
pub(super) fn differences(gathered: &Gathered, series: &SeriesId) -> Vec<f64> {
    let level = |runs: &[Run], turn: &Turn| {
        let same = |run: &&Run| run.turn.as_ref().is_some_and(|it| it.round == turn.round);
        level_of(runs.iter().filter(same), series).filter(|level| *level > 0.0)
    };
    let turns = gathered.head.iter().filter_map(|run| run.turn.as_ref());
    turns
        .filter_map(|turn| Some((level(&gathered.head, turn)? / level(&gathered.base, turn)?).ln()))
        .collect()
}

fn mean(differences: &[f64]) -> Option<f64> {
    (!differences.is_empty()).then(|| differences.iter().sum::<f64>() / differences.len() as f64)
}

fn level_of<'r>(runs: impl Iterator<Item = &'r Run>, series: &SeriesId) -> Option<f64> {
    let own = runs.flat_map(|run| &run.measurements).filter(|it| it.series() == *series);
    let levels: Vec<f64> = own.map(|measurement| measurement.reading.location()).collect();
    (!levels.is_empty()).then(|| median(&levels))
}
