use std::collections::{BTreeMap, BTreeSet, HashMap};

use perf_model::{
    Baseline, Better, CommitId, Kind, Measurement, Metric, Reading, Run, SeriesId, Unit, median_in_place,
    readings_for,
};

use crate::census::Census;
use crate::pair::Pair;
use crate::policy::{Amount, Asked, Claim, Limit, Limits, Policy, Tier, former_names};
use crate::refusal::Refusal;
use crate::renames::{AliasConflict, Index, LikelyRename, Renames, likely_renames, renames};
use crate::statistics::{
    Finding, Judge, Level, LevelUsed, Order, Runs, Series, Settings, Suite, SuiteShift, judge,
};
use crate::turns::{Chosen, Turns, chosen};
use crate::verdict::Verdict;

/// What became of every series of a pair.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The pair.
    pub pair: Pair,
    /// Which of its runs were judged as pairs; `None` where all of them were, each on its own.
    pub turns: Option<Turns>,
    /// How many earlier baselines were asked about the noise.
    pub history: usize,
    /// Their commits, oldest first.
    pub earlier: Vec<CommitId>,
    /// Every series judged, worst first.
    pub judged: Vec<Judged>,
    /// What holds for all times and rates together.
    pub suite: Suite,
    /// What the acceptances say of a shift of the suite for the worse.
    pub suite_claim: Option<Claim>,
    /// Series on both sides that could not be judged, by name.
    pub unjudged: Vec<Unjudged>,
    /// Series that only the base has, by name.
    pub missing: Vec<OneSided>,
    /// Series that only the head has, by name.
    pub new: Vec<OneSided>,
    /// Aliases that fit and were not used.
    pub conflicts: Vec<AliasConflict>,
    /// What may have been renamed, though no alias says so.
    pub likely: Vec<LikelyRename>,
    /// How many got which answer.
    pub census: Census,
}

/// One series and its verdict.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Which series.
    pub series: SeriesId,
    /// What was read; both sides are in its unit.
    pub metric: Metric,
    /// The base's level as measured: the median over its runs, each at its own level.
    pub before: f64,
    /// The head's level as measured.
    pub after: f64,
    /// The limits that the policy asks for: warn and fail.
    pub asked: (Limit, Limit),
    /// The limits it was held against, relative.
    pub limits: Limits,
    /// The limits it was held against in the metric's unit, where differences were judged and not ratios.
    pub absolute: Option<Limits>,
    /// Whether it may fail.
    pub tier: Tier,
    /// What decided.
    pub judge: Judge,
    /// Whether both sides ran the very same executables: the change cannot have altered it, and its noise is not judged.
    pub same_code: bool,
    /// The answer and what it rests on.
    pub finding: Finding,
    /// What the acceptances say of it, where it became worse.
    pub claim: Option<Claim>,
    /// What the base calls it, where that is another name.
    pub former: Option<Former>,
}

/// The name of a series at the base, by an alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Former {
    /// The benchmark.
    pub benchmark: String,
    /// The number of the alias, from 0.
    pub alias: usize,
}

impl Former {
    fn new(base: Key, alias: usize) -> Self {
        Self { benchmark: base.0.to_owned(), alias }
    }
}

/// A series on both sides that could not be judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Unjudged {
    /// Which series.
    pub series: SeriesId,
    /// What stands in the way.
    pub obstacle: Obstacle,
}

/// Why two readings of one series cannot be set against each other.
#[derive(Clone, Debug, PartialEq)]
pub enum Obstacle {
    /// The units do not convert into each other.
    Units {
        /// The base's unit.
        base: Unit,
        /// The head's unit.
        head: Unit,
    },
    /// One side says lower is better, the other higher.
    Directions {
        /// The base's direction.
        base: Better,
        /// The head's direction.
        head: Better,
    },
    /// A limit is given in a unit that does not convert into the metric's.
    LimitUnit {
        /// The limit's unit.
        limit: Unit,
        /// The metric's unit.
        metric: Unit,
    },
    /// A percentile of too few readings follows chance.
    TooFewReadings {
        /// How many readings stand behind the percentile in the smallest run.
        found: u64,
        /// How many it takes.
        needed: u64,
    },
}

/// A series that only one side has.
#[derive(Clone, Debug, PartialEq)]
pub struct OneSided {
    /// Which series.
    pub series: SeriesId,
    /// Its unit.
    pub unit: Unit,
    /// Its level on the side that has it: the median over its runs.
    pub level: f64,
}

/// Judges every series of a pair.
///
/// `history` holds earlier baselines of the base's first parents, oldest first. They tell how much the machine
/// varies; those of another environment than the base's tell nothing and are not used, nor are those from before
/// a declared new level.
///
/// # Errors
///
/// [`Refusal::NothingShared`] where no series occurs on both sides, [`Refusal::NothingJudged`] where none that
/// does could be judged: a gate that compared nothing must not look green.
pub fn compare(pair: Pair, history: &[Baseline], policy: &Policy) -> Result<Comparison, Refusal> {
    let identity = &pair.before().environment.identity;
    let history = since_new_level(pair.before(), history);
    let history: Vec<&Baseline> = history.iter().filter(|it| it.environment.identity == *identity).collect();
    let earlier = history.iter().map(|it| it.commit.clone()).collect();
    let history: Vec<Rows> = history.into_iter().map(|it| Rows::of(&it.runs)).collect();
    let Chosen { before, after, again, turns } = chosen(&pair);
    let order = if turns.is_some() { Order::Interleaved } else { Order::Apart };
    let (before, after) = (Rows::of(before), Rows::of(after));
    let again = Rows::of_some(again);
    let Renames { of_head, conflicts } = renames(&policy.aliases, &before.index(), &after.index());
    let (mut candidates, mut unjudged) = (vec![], vec![]);
    let (mut missing, mut new) = (before.sorted(), vec![]);
    for (key, head) in after.sorted() {
        let former = of_head.get(&key);
        let base_key = former.map_or(key, |(base_key, _)| *base_key);
        let Some(base) = before.of.get(&base_key) else {
            new.push((key, head));
            continue;
        };
        let former = former.map(|(base_key, alias)| Former::new(*base_key, *alias));
        let again = again.of.get(&base_key).map_or(&[][..], Vec::as_slice);
        match Candidate::new((key, former), [base, again, head], &history, policy) {
            Ok(candidate) => candidates.push(candidate),
            Err(obstacle) => unjudged.push(Unjudged { series: newest(head).series(), obstacle }),
        }
    }
    let renamed: BTreeSet<Key> = of_head.values().map(|(base_key, _)| *base_key).collect();
    missing.retain(|(key, _)| !after.of.contains_key(key) && !renamed.contains(key));
    let likely = likely_renames(&keys_of(&missing), &keys_of(&new));
    if candidates.is_empty() {
        return Err(match unjudged.len() {
            0 => Refusal::NothingShared { base: before.of.len(), head: after.of.len(), likely },
            _ => Refusal::NothingJudged { unjudged },
        });
    }
    let one_sided = |rows: Rowed| rows.into_iter().map(|(_, runs)| OneSided::new(runs)).collect::<Vec<_>>();
    let (missing, new) = (one_sided(missing), one_sided(new));
    let (mut judged, suite) = judged(candidates, policy, order);
    let mut census =
        Census { unjudged: unjudged.len(), missing: missing.len(), new: new.len(), ..Census::default() };
    judged.iter().for_each(|row| census.count(row.finding.verdict));
    judged.sort_by(worst_first);
    let history = history.len();
    Ok(Comparison {
        pair,
        turns,
        history,
        earlier,
        judged,
        suite,
        suite_claim: None,
        unjudged,
        missing,
        new,
        conflicts,
        likely,
        census,
    })
}

fn keys_of<'a>(rows: &Rowed<'a, '_>) -> Vec<Key<'a>> {
    rows.iter().map(|(key, _)| *key).collect()
}

/// Returns the baseline with which the newest declared level began, among a base and its history (oldest first).
pub fn new_level<'a>(base: &'a Baseline, history: &'a [Baseline]) -> Option<&'a Baseline> {
    std::iter::once(base).chain(history.iter().rev()).find(|it| it.rebaseline().is_some())
}

/// Leaves out what was measured before a declared new level: it says nothing of the level after it.
fn since_new_level<'a>(base: &Baseline, history: &'a [Baseline]) -> &'a [Baseline] {
    if base.rebaseline().is_some() {
        return &[];
    }
    from_new_level(history)
}

/// Returns the part of a history (oldest first) that begins with the newest declared level.
pub(crate) fn from_new_level(history: &[Baseline]) -> &[Baseline] {
    let began = history.iter().rposition(|it| it.rebaseline().is_some());
    &history[began.unwrap_or(0)..]
}

fn judged(candidates: Vec<Candidate>, policy: &Policy, order: Order) -> (Vec<Judged>, Suite) {
    let (named, series): (Vec<_>, Vec<_>) =
        candidates.into_iter().map(|candidate| (candidate.named, candidate.series)).unzip();
    let settings = Settings { order, ..suite_settings(&named, &series, policy) };
    let findings = judge(&series, &settings);
    let each = named.into_iter().zip(&series).zip(findings.series);
    let rows = each.map(|((named, series), finding)| {
        let level = match (series.kind, series.absolute, &finding.evidence) {
            (Kind::Time | Kind::Rate | Kind::Percentile, None, Some(_)) => findings.suite.level,
            _ => LevelUsed::Median,
        };
        Judged {
            series: named.id,
            metric: named.metric,
            before: side_level(&[&series.base, &series.again], level),
            after: side_level(&[&series.head], level),
            asked: named.asked,
            limits: series.limits,
            absolute: series.absolute,
            tier: named.tier,
            judge: series.judge,
            same_code: false,
            finding,
            claim: None,
            former: named.former,
        }
    });
    (rows.collect(), findings.suite)
}

/// Holds the suite as a whole to what its times and rates are held to: the middle one of their limits. Where all of
/// them are exhibits it cannot fail.
fn suite_settings(named: &[Named], series: &[Series], policy: &Policy) -> Settings {
    let speeds = named.iter().zip(series).filter(|(named, series)| {
        let shares_the_machine = matches!(series.kind, Kind::Time | Kind::Rate | Kind::Percentile);
        shares_the_machine && series.absolute.is_none() && named.tier == Tier::Gating
    });
    let limits: Vec<Limits> = speeds.map(|(_, series)| series.limits).collect();
    let settings = policy.settings();
    if limits.is_empty() {
        return Settings { suite_shift: SuiteShift::Warn, ..settings };
    }
    let middle =
        |limit: fn(&Limits) -> f64| median_in_place(&mut limits.iter().map(limit).collect::<Vec<_>>());
    Settings { suite_limits: Limits { warn: middle(|it| it.warn), fail: middle(|it| it.fail) }, ..settings }
}

fn side_level(runs: &[&Runs], used: LevelUsed) -> f64 {
    let level = |level: &Level| match used {
        LevelUsed::Median => level.middle,
        LevelUsed::Best => level.best.unwrap_or(level.middle),
    };
    median_in_place(&mut runs.iter().copied().flatten().flatten().map(level).collect::<Vec<_>>())
}

/// Names a series within a baseline, without a copy of the names.
pub(crate) type Key<'a> = (&'a str, &'a BTreeMap<String, String>, &'a str);

/// Series by name, each with its measurement in every run.
type Rowed<'a, 'b> = Vec<(Key<'a>, &'b Vec<Option<&'a Measurement>>)>;

/// The measurements of some runs by series: one entry for each run, in the order of the runs.
struct Rows<'a> {
    of: HashMap<Key<'a>, Vec<Option<&'a Measurement>>>,
}

impl<'a> Rows<'a> {
    fn of(runs: impl IntoIterator<Item = &'a Run, IntoIter: ExactSizeIterator>) -> Self {
        Self::of_some(runs.into_iter().map(Some))
    }

    /// The same, where not every run was taken.
    fn of_some(runs: impl IntoIterator<Item = Option<&'a Run>, IntoIter: ExactSizeIterator>) -> Self {
        let each = runs.into_iter();
        let runs = each.len();
        let mut of: HashMap<Key, Vec<Option<&Measurement>>> = HashMap::new();
        for (index, run) in each.enumerate() {
            for measurement in run.iter().flat_map(|run| &run.measurements) {
                let Measurement { benchmark, params, metric, .. } = measurement;
                let key = (benchmark.as_str(), params, metric.name.as_str());
                of.entry(key).or_insert_with(|| vec![None; runs])[index] = Some(measurement);
            }
        }
        Self { of }
    }

    fn index(&self) -> Index<'a> {
        Index::new(self.of.keys().copied().collect())
    }

    fn sorted(&self) -> Rowed<'a, '_> {
        let mut rows: Vec<_> = self.of.iter().map(|(key, runs)| (*key, runs)).collect();
        rows.sort_unstable_by_key(|(key, _)| *key);
        rows
    }
}

/// A series that can be judged.
struct Candidate {
    named: Named,
    series: Series,
}

/// What of a series its judge does not need to know.
struct Named {
    id: SeriesId,
    metric: Metric,
    asked: (Limit, Limit),
    tier: Tier,
    former: Option<Former>,
}

impl Candidate {
    fn new(
        (key, former): (Key, Option<Former>),
        [base, again, head]: [&[Option<&Measurement>]; 3],
        history: &[Rows],
        policy: &Policy,
    ) -> Result<Self, Obstacle> {
        let id = newest(head).series();
        let asked = policy.asked(&governed(&id, former.as_ref(), policy));
        let metric = asked.metric(newest(head));
        let both = || base.iter().chain(head).copied().flatten();
        same_direction(&asked, both(), &metric)?;
        enough_readings(&metric, both())?;
        let [base, again, head] = [levels(base, &metric)?, levels(again, &metric)?, levels(head, &metric)?];
        // An entry without the series keeps its place: it is the same baseline in every series.
        let formerly = former_names(&policy.aliases, key.0, key.2);
        let past = |rows: &Rows| {
            let names = std::iter::once(key.0).chain(formerly.iter().map(|(name, _)| name.as_str()));
            let mut runs = names.filter_map(|name| rows.of.get(&(name, key.1, key.2)));
            runs.next().and_then(|runs| levels(runs, &metric).ok()).unwrap_or_default()
        };
        let mut series = Series {
            better: metric.better,
            kind: metric.kind,
            judge: asked.judge.map_or(policy.judge, |(judge, _)| judge),
            limits: policy.limits,
            absolute: None,
            base,
            again,
            head,
            history: history.iter().map(past).collect(),
        };
        let (warn, fail) = policy.limits_of(&asked);
        hold_against(&mut series, (&warn, &fail), &metric)?;
        Ok(Self { named: Named { id, metric, asked: (warn, fail), tier: asked.tier(), former }, series })
    }
}

/// Returns the series whose rules hold: a name that only an alias of the head gives is in no rule of the base.
fn governed(id: &SeriesId, former: Option<&Former>, policy: &Policy) -> SeriesId {
    match former {
        Some(former) if policy.aliases[former.alias].of_head => {
            SeriesId { benchmark: former.benchmark.clone(), ..id.clone() }
        }
        Some(_) | None => id.clone(),
    }
}

/// Sets the limits of a series. A difference becomes a share of the base where all its numbers have ratios;
/// otherwise, and for shares and counts, a share becomes a difference.
fn hold_against(series: &mut Series, limits: (&Limit, &Limit), metric: &Metric) -> Result<(), Obstacle> {
    let (warn, fail) = limits;
    let difference = |limit: &Limit| {
        let in_unit = |amount: &Amount| {
            let unit = || amount.unit.clone().unwrap_or_else(|| metric.unit.clone());
            amount
                .of(metric)
                .ok_or_else(|| Obstacle::LimitUnit { limit: unit(), metric: metric.unit.clone() })
        };
        limit.absolute.as_ref().map(in_unit).transpose()
    };
    let (warn_by, fail_by) = (difference(warn)?, difference(fail)?);
    let base = side_level(&[&series.base, &series.again], LevelUsed::Median);
    let as_share =
        |limit: &Limit, by: Option<f64>| limit.relative.unwrap_or(0.0).max(by.map_or(0.0, |by| by / base));
    let as_difference =
        |limit: &Limit, by: Option<f64>| (limit.relative.unwrap_or(0.0) * base.abs()).max(by.unwrap_or(0.0));
    let differs = matches!(metric.kind, Kind::Ratio | Kind::Count) || !series.has_ratios();
    if differs && (warn_by.is_some() || fail_by.is_some()) {
        let (warn, fail) = (as_difference(warn, warn_by), as_difference(fail, fail_by));
        series.absolute = Some(Limits { warn, fail });
    } else {
        series.limits = Limits { warn: as_share(warn, warn_by), fail: as_share(fail, fail_by) };
    }
    Ok(())
}

/// Holds the two sides to one direction, unless a rule gives it.
fn same_direction<'a>(
    asked: &Asked,
    mut runs: impl Iterator<Item = &'a Measurement>,
    metric: &Metric,
) -> Result<(), Obstacle> {
    let other = runs.find(|run| asked.better.is_none() && run.metric.better != metric.better);
    match other {
        Some(run) => Err(Obstacle::Directions { base: run.metric.better, head: metric.better }),
        None => Ok(()),
    }
}

/// Returns the levels of the runs in the unit of `metric`.
fn levels(runs: &[Option<&Measurement>], metric: &Metric) -> Result<Runs, Obstacle> {
    let level = |run: &Measurement| {
        let level = Level::of(&run.reading, metric.better);
        match run.metric.unit.factor_to(&metric.unit) {
            Some(1.0) => Ok(level),
            Some(factor) => Ok(level.scaled(factor)),
            None => Err(Obstacle::Units { base: run.metric.unit.clone(), head: metric.unit.clone() }),
        }
    };
    runs.iter().map(|run| run.map(level).transpose()).collect()
}

/// Holds a percentile to the number of readings that it takes: where a run says how many it has.
fn enough_readings<'a>(metric: &Metric, runs: impl Iterator<Item = &'a Measurement>) -> Result<(), Obstacle> {
    let Some(rank) = metric.rank().filter(|_| metric.kind == Kind::Percentile) else { return Ok(()) };
    let needed = readings_for(rank);
    let counts = runs.filter_map(|run| match &run.reading {
        Reading::Summary(summary) => summary.n(),
        // The samples of a percentile are one percentile each, of readings that nobody counted.
        Reading::Samples(_) => None,
    });
    match counts.min() {
        Some(found) if found < needed => Err(Obstacle::TooFewReadings { found, needed }),
        Some(_) | None => Ok(()),
    }
}

fn newest<'a>(runs: &[Option<&'a Measurement>]) -> &'a Measurement {
    runs.iter().rev().copied().flatten().next().expect("a series has at least one run")
}

/// Orders rows for readers who have little time.
pub(crate) fn worst_first(a: &Judged, b: &Judged) -> std::cmp::Ordering {
    b.finding
        .verdict
        .cmp(&a.finding.verdict)
        .then_with(|| b.worsening().total_cmp(&a.worsening()))
        .then_with(|| a.series.cmp(&b.series))
}

impl Comparison {
    /// Returns how much the suite changed as one, in the terms of its series: of their times, or where all of them are
    /// rates of the rates.
    pub fn shift_change(&self) -> Option<f64> {
        let change = self.suite.shift?.change;
        let shares = |row: &&Judged| matches!(row.metric.kind, Kind::Time | Kind::Rate | Kind::Percentile);
        let mut suite = self.judged.iter().filter(shares);
        let all_rates = suite.all(|row| row.metric.better == Better::Higher);
        Some(if all_rates { 1.0 / (1.0 + change) - 1.0 } else { change })
    }

    /// Says whether the suite as a whole fails the gate.
    pub fn shift_fails(&self) -> bool {
        let regressed = self.suite.shift.is_some_and(|shift| shift.verdict == Verdict::Regressed);
        regressed && Claim::accepted(self.suite_claim).is_none()
    }
}

impl Judged {
    /// Returns how much worse the head is, as the logarithm of a ratio; negative where it is better.
    ///
    /// Without a ratio: infinite with the sign of the difference.
    pub fn worsening(&self) -> f64 {
        let difference = self.after - self.before;
        let rise = match self.finding.change {
            Some(change) => change.ln_1p(),
            None if difference == 0.0 => 0.0,
            None => difference.signum() * f64::INFINITY,
        };
        match self.metric.better {
            Better::Lower => rise,
            Better::Higher => -rise,
        }
    }

    /// Says whether the series fails the gate.
    pub fn fails(&self) -> bool {
        self.finding.verdict == Verdict::Regressed && self.tier == Tier::Gating && !self.is_accepted()
    }

    /// Says whether somebody answers for it.
    pub fn is_accepted(&self) -> bool {
        Claim::accepted(self.claim).is_some()
    }

    /// Returns the relative change between the two levels as they were measured, the machine's share
    /// included; `None` where there is no ratio.
    pub fn measured_change(&self) -> Option<f64> {
        (self.before > 0.0 && self.after >= 0.0).then(|| self.after / self.before - 1.0)
    }
}

impl OneSided {
    fn new(runs: &[Option<&Measurement>]) -> Self {
        let newest = newest(runs);
        let level = |run: &&Measurement| {
            let factor = run.metric.unit.factor_to(&newest.metric.unit)?;
            Some(run.reading.location() * factor)
        };
        let mut levels: Vec<f64> = runs.iter().flatten().filter_map(level).collect();
        Self {
            series: newest.series(),
            unit: newest.metric.unit.clone(),
            level: median_in_place(&mut levels),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use perf_model::Summary;
    use proptest::prelude::*;

    use super::*;
    use crate::fixtures::{baseline, baseline_of, in_environment, measurement, repeated};
    use crate::policy::Alias;

    fn compared(before: Baseline, after: Baseline) -> Result<Comparison, Refusal> {
        let pair = Pair::new(before, after, &BTreeSet::new()).expect("the fixtures share an environment");
        compare(pair, &[], &Policy::default())
    }

    #[test]
    fn every_series_of_either_side_is_accounted_for() {
        let before = baseline(&[("gone", &[1.0, 1.0]), ("same", &[5.0, 5.0, 5.0])]);
        let after = baseline(&[("born", &[1.0, 1.0]), ("same", &[5.0, 5.0, 5.0])]);
        let comparison = compared(before, after).unwrap();
        assert_eq!(comparison.missing[0].series.benchmark, "gone");
        assert_eq!(comparison.new[0].series.benchmark, "born");
        assert_eq!(comparison.census, Census { unchanged: 1, missing: 1, new: 1, ..Census::default() });
    }

    #[test]
    fn refuses_when_nothing_is_shared() {
        let refusal = compared(baseline(&[("a", &[1.0])]), baseline(&[("b", &[1.0]), ("c", &[1.0])]));
        let likely = vec![];
        assert_eq!(refusal.unwrap_err(), Refusal::NothingShared { base: 1, head: 2, likely });
    }

    #[test]
    fn a_renamed_series_keeps_its_base_and_its_history() {
        let alias =
            |from: &str, to: &str| Alias { from: from.into(), to: to.into(), metric: None, of_head: false };
        let policy = Policy { aliases: vec![alias("b", "c"), alias("a", "b")], ..Policy::default() };
        let history: Vec<_> =
            (0..20).map(|n| repeated(1, &[(if n < 10 { "a" } else { "b" }, 10.0)])).collect();
        let pair = Pair::new(repeated(3, &[("b", 10.0)]), repeated(3, &[("c", 20.0)]), &BTreeSet::new());
        let comparison = compare(pair.unwrap(), &history, &policy).unwrap();
        let row = &comparison.judged[0];
        assert_eq!(row.former, Some(Former { benchmark: "b".into(), alias: 0 }));
        assert_eq!((row.finding.verdict, row.finding.history), (Verdict::Regressed, 20));
        assert_eq!(comparison.census, Census { regressed: 1, ..Census::default() });
    }

    #[test]
    fn refuses_when_nothing_shared_could_be_judged() {
        let before = baseline_of(vec![vec![measurement("a", Metric::time("m", "widgets"), &[1.0])]]);
        let after = baseline_of(vec![vec![measurement("a", Metric::time("m", "gadgets"), &[1.0])]]);
        let Err(Refusal::NothingJudged { unjudged }) = compared(before, after) else {
            panic!("expected a refusal")
        };
        assert_eq!((unjudged[0].series.benchmark.as_str(), unjudged.len()), ("a", 1));
        assert!(matches!(unjudged[0].obstacle, Obstacle::Units { .. }), "{unjudged:?}");
    }

    #[test]
    fn sides_in_different_units_of_one_dimension_are_compared() {
        let before = baseline_of(vec![vec![measurement("a", Metric::time("time", "s"), &[0.1, 0.1])]]);
        let after = baseline_of(vec![vec![measurement("a", Metric::time("time", "ms"), &[200.0, 200.0])]]);
        let comparison = compared(before, after).unwrap();
        let row = &comparison.judged[0];
        assert_eq!((row.before, row.after), (100.0, 200.0));
        assert!((row.finding.change.unwrap() - 1.0).abs() < 1e-12, "{row:?}");
    }

    #[test]
    fn the_worst_series_comes_first() {
        let before = repeated(3, &[("a", 10.0), ("b", 10.0), ("c", 10.0), ("d", 10.0)]);
        let after = repeated(3, &[("a", 10.0), ("b", 11.5), ("c", 20.0), ("d", 14.0)]);
        let order: Vec<_> =
            compared(before, after).unwrap().judged.into_iter().map(|row| row.series.benchmark).collect();
        assert_eq!(order, ["c", "d", "b", "a"]);
    }

    fn side() -> impl Strategy<Value = Vec<(String, Vec<f64>)>> {
        let series = prop::collection::vec(1.0..1e3, 1..6);
        prop::collection::btree_map("[a-d]", series, 1..4).prop_map(|map| map.into_iter().collect())
    }

    fn build(side: &[(String, Vec<f64>)]) -> Baseline {
        let borrowed: Vec<_> =
            side.iter().map(|(name, samples)| (name.as_str(), samples.as_slice())).collect();
        baseline(&borrowed)
    }

    #[test]
    fn one_run_a_side_warns_and_by_the_limits_alone_fails() {
        let pair = || {
            let (before, after) = (repeated(1, &[("a", 10.0)]), repeated(1, &[("a", 13.0)]));
            Pair::new(before, after, &BTreeSet::new()).expect("the fixtures share an environment")
        };
        for (policy, verdict) in [
            (Policy::default(), Verdict::Slower),
            (Policy { judge: Judge::Limits, ..Policy::default() }, Verdict::Regressed),
        ] {
            let comparison = compare(pair(), &[], &policy).unwrap();
            let row = &comparison.judged[0];
            assert_eq!((row.finding.verdict, row.judge), (verdict, policy.judge));
        }
    }

    #[test]
    fn the_history_of_another_environment_tells_nothing() {
        let sides = || {
            let (before, after) = (repeated(3, &[("a", 10.0)]), repeated(3, &[("a", 10.4)]));
            Pair::new(before, after, &BTreeSet::new()).expect("the fixtures share an environment")
        };
        let quiet = vec![repeated(1, &[("a", 10.0)]); 20];
        let elsewhere = quiet.iter().cloned().map(|it| in_environment(&[("cores", "64")], it));
        let elsewhere: Vec<_> = elsewhere.collect();
        let used = |history: &[Baseline]| {
            let comparison = compare(sides(), history, &Policy::default()).unwrap();
            (comparison.history, comparison.judged[0].finding.history)
        };
        assert_eq!((used(&quiet), used(&elsewhere), used(&[])), ((20, 20), (0, 0), (0, 0)));
    }

    #[test]
    fn a_percentile_of_too_few_readings_is_not_judged() {
        let percentile = |rank, n| Measurement {
            metric: Metric::percentile(rank, "ms"),
            reading: Reading::Summary(Summary::new(10.0, None, n).unwrap()),
            ..measurement("GET /", Metric::time("", "ms"), &[1.0])
        };
        for (rank, n, needed) in [
            ("50", Some(9), Some(10)),
            ("50", Some(10), None),
            ("95", Some(99), Some(100)),
            ("95", Some(100), None),
            ("99", Some(999), Some(1_000)),
            ("99", Some(1_000), None),
            ("99.9", Some(9_999), Some(10_000)),
            ("99.9", Some(10_000), None),
            ("99", None, None),
        ] {
            let side = |n| {
                baseline_of(vec![vec![percentile(rank, n), measurement("a", Metric::time("m", "s"), &[1.0])]])
            };
            let comparison = compared(side(Some(1_000_000)), side(n)).unwrap();
            let found: Vec<_> = comparison.unjudged.iter().map(|row| row.obstacle.clone()).collect();
            let expected = needed.map(|needed| Obstacle::TooFewReadings { found: n.unwrap_or(0), needed });
            assert_eq!(found, Vec::from_iter(expected), "p{rank} of {n:?}");
        }
    }

    proptest! {
        #[test]
        fn the_census_adds_up(before in side(), after in side()) {
            let union: BTreeSet<_> = before.iter().chain(&after).map(|(name, _)| name.clone()).collect();
            if let Ok(comparison) = compared(build(&before), build(&after)) {
                prop_assert_eq!(comparison.census.total(), union.len());
                prop_assert_eq!(comparison.census.judged(), comparison.judged.len());
            }
        }

        #[test]
        fn no_series_is_worse_or_better_both_ways(before in side(), after in side()) {
            let (Ok(forth), Ok(back)) =
                (compared(build(&before), build(&after)), compared(build(&after), build(&before)))
            else { return Ok(()) };
            for row in &forth.judged {
                let mirrored = back.judged.iter().find(|other| other.series == row.series).unwrap();
                let worse = |verdict| matches!(verdict, Verdict::Slower | Verdict::Regressed);
                let (there, again) = (row.finding.verdict, mirrored.finding.verdict);
                if worse(there) {
                    prop_assert!(!worse(again), "{:?} {:?}", row, mirrored);
                }
                if there == Verdict::Improved {
                    prop_assert!(again != Verdict::Improved, "{:?} {:?}", row, mirrored);
                }
            }
        }
    }
}
