use std::collections::BTreeMap;

use perf_model::{Baseline, Better, Kind, Measurement, Metric, Reading, SeriesId, readings_for};

use crate::changepoints::{change_points, possible_change_point};
use crate::comparison::from_new_level;
use crate::policy::{Limit, Limits, Policy, Tier};
use crate::statistics::{Level, Runs, detectable, variation};

/// How many baselines of one level a series needs before anything is proposed for it, and over how many it must have
/// been stable to be promoted.
pub const ENOUGH_BASELINES: usize = 10;

/// The numbers of runs on each side that the minimum detectable effect is given for.
pub const RUNS: [u32; 3] = [1, 3, 10];

/// The limits that are proposed, warn and fail, strictest first.
const CLASSES: [(f64, f64); 5] = [(0.02, 0.05), (0.05, 0.10), (0.10, 0.25), (0.20, 0.50), (0.40, 1.00)];
/// Something of which more is better cannot lose all of itself and be measured.
const LARGEST_LOSS: f64 = 0.8;
/// A series whose fail limit must lie higher is not steady enough to be promoted.
const STEADY: f64 = 0.25;

/// What the recorded history of one environment says of its series.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// How many baselines were looked at: those since the newest declared level.
    pub baselines: usize,
    /// Every series of the newest ten baselines, by name.
    pub series: Vec<Calibrated>,
}

/// What the history says of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibrated {
    /// Which series.
    pub series: SeriesId,
    /// What is read.
    pub metric: Metric,
    /// How many baselines have it.
    pub baselines: usize,
    /// Its newest level: the first run of the newest baseline.
    pub level: f64,
    /// The standard deviation from run to run, as a logarithm (nearly relative); `None` where it cannot be told.
    pub noise: Option<f64>,
    /// The smallest change for the worse that is noticed, for each of [`RUNS`] on both sides.
    pub detectable: Option<[f64; 3]>,
    /// The limits that hold now: warn and fail.
    pub asked: (Limit, Limit),
    /// Whether it may fail now.
    pub tier: Tier,
    /// What is proposed.
    pub advice: Advice,
}

/// What is proposed for a series.
#[derive(Clone, Debug, PartialEq)]
pub enum Advice {
    /// Nothing: fewer than [`ENOUGH_BASELINES`].
    TooFewBaselines,
    /// Nothing: it has been at zero, where nothing is relative.
    NoRatio,
    /// Nothing: a percentile of too few readings is not judged.
    TooFewReadings {
        /// How many readings the smallest run has.
        found: u64,
        /// How many it takes.
        needed: u64,
    },
    /// Nothing: what holds now fits.
    Fits,
    /// A change.
    Change {
        /// Other limits.
        limits: Option<Limits>,
        /// Another tier, and why.
        tier: Option<(Tier, Why)>,
    },
}

/// Why a series is to change its tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It was stable over the newest [`ENOUGH_BASELINES`].
    Stable,
    /// No limit that would protect anything can be told from its noise.
    TooNoisy,
}

/// Learns from baselines of one environment, oldest first. What was measured before the newest declared level is left
/// out.
pub fn calibrate(history: &[Baseline], policy: &Policy) -> Calibration {
    let history = from_new_level(history);
    let mut series: BTreeMap<SeriesId, Metric> = BTreeMap::new();
    for measurement in measurements(&history[history.len().saturating_sub(ENOUGH_BASELINES)..]) {
        series.insert(measurement.series(), measurement.metric.clone());
    }
    let recorded = Recorded::of(history);
    let series = series.into_iter().map(|(id, metric)| recorded.calibrated(id, metric, policy));
    Calibration { baselines: history.len(), series: series.collect() }
}

fn measurements(baselines: &[Baseline]) -> impl Iterator<Item = &Measurement> {
    baselines.iter().flat_map(|baseline| &baseline.runs).flat_map(|run| &run.measurements)
}

/// The readings of all series: for each baseline, those of its runs.
struct Recorded<'a> {
    of: BTreeMap<SeriesId, Vec<Vec<&'a Measurement>>>,
}

impl<'a> Recorded<'a> {
    fn of(history: &'a [Baseline]) -> Self {
        let mut of: BTreeMap<SeriesId, Vec<Vec<&Measurement>>> = BTreeMap::new();
        for (index, baseline) in history.iter().enumerate() {
            for measurement in measurements(std::slice::from_ref(baseline)) {
                let baselines =
                    of.entry(measurement.series()).or_insert_with(|| vec![Vec::new(); history.len()]);
                baselines[index].push(measurement);
            }
        }
        Self { of }
    }

    fn calibrated(&self, series: SeriesId, metric: Metric, policy: &Policy) -> Calibrated {
        let asked = policy.asked(&series);
        let metric = Metric { better: asked.better.map_or(metric.better, |(better, _)| better), ..metric };
        let readings = &self.of[&series];
        let runs: Vec<Runs> = readings.iter().map(|runs| levels(runs, &metric)).collect();
        let measured: Vec<Runs> = runs.iter().filter(|runs| !runs.is_empty()).cloned().collect();
        let level = measured.last().and_then(|runs| runs[0]).map_or(f64::NAN, |level| level.middle);
        let noise = variation(&measured, metric.kind).filter(|_| measured.len() >= ENOUGH_BASELINES);
        let found = noise.map(|noise| RUNS.map(|runs| effect(noise, runs, metric.better)));
        let (limits, tier) = (policy.limits_of(&asked), asked.tier());
        let few = readings.iter().flatten().filter_map(|it| too_few(it)).min();
        let advice = match (found, few) {
            (_, Some((found, needed))) => Advice::TooFewReadings { found, needed },
            (Some([_, three, _]), None) => advice(three, (&limits, tier), &metric, &runs),
            (None, None) if measured.len() < ENOUGH_BASELINES => Advice::TooFewBaselines,
            (None, None) => Advice::NoRatio,
        };
        let baselines = measured.len();
        Calibrated { series, metric, baselines, level, noise, detectable: found, asked: limits, tier, advice }
    }
}

/// Returns the levels of the runs of one baseline in the unit of `metric`; those in another dimension are left out.
fn levels(runs: &[&Measurement], metric: &Metric) -> Runs {
    let level = |run: &&Measurement| {
        let factor = run.metric.unit.factor_to(&metric.unit)?;
        Some(Some(Level::of(&run.reading, metric.better).scaled(factor)))
    };
    runs.iter().filter_map(level).collect()
}

fn effect(noise: f64, runs: u32, better: Better) -> f64 {
    detectable(noise * (2.0 / f64::from(runs)).sqrt(), better)
}

/// Returns how many readings a percentile has and needs, where they are too few.
fn too_few(measurement: &Measurement) -> Option<(u64, u64)> {
    let rank = measurement.metric.rank().filter(|_| measurement.metric.kind == Kind::Percentile)?;
    let found = match &measurement.reading {
        Reading::Summary(summary) => summary.n()?,
        Reading::Samples(_) => return None,
    };
    let needed = readings_for(rank);
    (found < needed).then_some((found, needed))
}

/// Says what to change, given the effect that three runs on each side detect.
fn advice(three: f64, asked: (&(Limit, Limit), Tier), metric: &Metric, runs: &[Runs]) -> Advice {
    let ((warn, fail), tier) = asked;
    let class = CLASSES.iter().find(|(warn, _)| three <= *warn);
    let largest = match metric.better {
        Better::Lower => f64::INFINITY,
        Better::Higher => LARGEST_LOSS,
    };
    let proposed = class.map(|(warn, fail)| Limits { warn: *warn, fail: fail.min(largest) });
    // What somebody gave as a difference is a decision of its own.
    let by_hand = warn.absolute.is_some() || fail.absolute.is_some();
    let holds = |limits: &Limits| warn.relative == Some(limits.warn) && fail.relative == Some(limits.fail);
    let limits = proposed.filter(|limits| !by_hand && !holds(limits));
    let tier = match (tier, proposed) {
        (Tier::Gating, None) => Some((Tier::Exhibit, Why::TooNoisy)),
        (Tier::Exhibit, Some(limits)) if limits.fail <= STEADY && is_stable(runs) => {
            Some((Tier::Gating, Why::Stable))
        }
        (Tier::Gating | Tier::Exhibit, _) => None,
    };
    if limits.is_none() && tier.is_none() { Advice::Fits } else { Advice::Change { limits, tier } }
}

/// Says whether the newest baselines all have the series, and no change of level is among them.
fn is_stable(runs: &[Runs]) -> bool {
    let newest = &runs[runs.len().saturating_sub(ENOUGH_BASELINES)..];
    let values: Vec<f64> = runs.iter().filter_map(|runs| (*runs.first()?)?.middle.into()).collect();
    let moved = change_points(&values).last().copied().into_iter().chain(possible_change_point(&values));
    let still = values.len().saturating_sub(ENOUGH_BASELINES);
    newest.len() == ENOUGH_BASELINES
        && newest.iter().all(|runs| !runs.is_empty())
        && moved.into_iter().all(|change| change.index <= still)
}

#[cfg(test)]
mod tests {
    use perf_model::Rebaseline;

    use super::*;
    use crate::fixtures::{baseline_of, measurement};
    use crate::policy::Rule;

    /// A history of one `time` series whose values swing by `swing` around 100.
    fn history(baselines: usize, swing: f64) -> Vec<Baseline> {
        let value = |index: usize| 100.0 * (1.0 + swing * [0.0, 1.0, -0.5, 0.7, -1.0][index % 5]);
        let run = |index| vec![measurement("parse", Metric::time("time", "ns"), &[value(index)])];
        (0..baselines).map(|index| baseline_of(vec![run(index)])).collect()
    }

    fn advice_for(history: &[Baseline], policy: &Policy) -> Advice {
        calibrate(history, policy).series.remove(0).advice
    }

    fn exhibit() -> Policy {
        Policy { rules: vec![Rule { tier: Some(Tier::Exhibit), ..Rule::default() }], ..Policy::default() }
    }

    #[test]
    fn limits_follow_the_noise() {
        let limits = |warn, fail| Advice::Change { limits: Some(Limits { warn, fail }), tier: None };
        for (swing, expected) in [
            (0.001, limits(0.02, 0.05)),
            (0.01, limits(0.05, 0.10)),
            (0.02, Advice::Fits),
            (0.04, limits(0.20, 0.50)),
            (0.5, Advice::Change { limits: None, tier: Some((Tier::Exhibit, Why::TooNoisy)) }),
        ] {
            assert_eq!(advice_for(&history(20, swing), &Policy::default()), expected, "{swing}");
        }
    }

    #[test]
    fn more_runs_detect_smaller_changes() {
        let calibrated = calibrate(&history(20, 0.01), &Policy::default()).series.remove(0);
        let [one, three, ten] = calibrated.detectable.unwrap();
        assert!(one > three && three > ten && ten > calibrated.noise.unwrap(), "{calibrated:?}");
        assert_eq!(calibrated.baselines, 20);
    }

    #[test]
    fn a_proposal_that_is_taken_is_not_made_again() {
        let limit = |relative| Some(Limit { relative: Some(relative), absolute: None });
        let rule = Rule { warn: limit(0.05), fail: limit(0.10), ..Rule::default() };
        let policy = Policy { rules: vec![rule], ..Policy::default() };
        assert_eq!(advice_for(&history(20, 0.01), &policy), Advice::Fits);
    }

    #[test]
    fn an_exhibit_is_promoted_when_it_was_stable_over_the_newest_ten() {
        let promoted = |history: &[Baseline]| {
            let Advice::Change { tier, .. } = advice_for(history, &exhibit()) else { return false };
            tier == Some((Tier::Gating, Why::Stable))
        };
        assert!(promoted(&history(10, 0.01)));
        assert!(!promoted(&history(10, 0.1)), "too noisy");
        let mut moved = history(30, 0.005);
        for baseline in &mut moved[25..] {
            baseline.runs[0].measurements = vec![measurement("parse", Metric::time("time", "ns"), &[150.0])];
        }
        assert!(!promoted(&moved), "a new level is young");
        let mut gap = history(30, 0.005);
        gap[25].runs[0].measurements[0].benchmark = "z".into();
        assert!(!promoted(&gap), "it was left out once");
    }

    #[test]
    fn without_enough_of_one_level_nothing_is_proposed() {
        assert_eq!(advice_for(&history(9, 0.01), &Policy::default()), Advice::TooFewBaselines);
        let mut declared = history(30, 0.01);
        declared[25].runs[0].rebaseline = Some(Rebaseline { by: "A".into(), reason: "B".into() });
        let calibration = calibrate(&declared, &Policy::default());
        assert_eq!((calibration.baselines, &calibration.series[0].advice), (5, &Advice::TooFewBaselines));
        assert_eq!(calibrate(&[], &Policy::default()), Calibration { baselines: 0, series: vec![] });
    }

    #[test]
    fn what_is_not_relative_or_not_judged_is_left_alone() {
        let of = |metric: Metric, reading: Reading| {
            let one = Measurement { metric, reading, ..measurement("a", Metric::time("time", "ns"), &[1.0]) };
            let history: Vec<Baseline> = (0..12).map(|_| baseline_of(vec![vec![one.clone()]])).collect();
            advice_for(&history, &Policy::default())
        };
        let zero = Reading::Samples(perf_model::Samples::new(vec![0.0]).unwrap());
        assert_eq!(of(Metric::count("violations", "violations"), zero), Advice::NoRatio);
        let few = Reading::Summary(perf_model::Summary::new(5.0, None, Some(40)).unwrap());
        let expected = Advice::TooFewReadings { found: 40, needed: 100 };
        assert_eq!(of(Metric::percentile("95", "ms"), few), expected);
    }
}
