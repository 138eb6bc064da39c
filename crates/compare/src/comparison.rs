use std::collections::BTreeMap;

use perf_model::{Baseline, Better, Measurement, Metric, Reading, SeriesId, Unit};

use crate::census::Census;
use crate::pair::Pair;
use crate::policy::{Limits, Policy};
use crate::refusal::Refusal;
use crate::rule::{Change, Verdict, judge, level};

/// What became of every series of a pair.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The pair.
    pub pair: Pair,
    /// Every series judged, worst first.
    pub judged: Vec<Judged>,
    /// Series on both sides that could not be judged, by name.
    pub unjudged: Vec<Unjudged>,
    /// Series that only the base has, by name.
    pub missing: Vec<OneSided>,
    /// Series that only the head has, by name.
    pub new: Vec<OneSided>,
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
    /// The base's level: the median over its runs of each run's location.
    pub before: f64,
    /// The head's level.
    pub after: f64,
    /// How many runs the base has of this series.
    pub runs_before: usize,
    /// How many runs the head has of this series.
    pub runs_after: usize,
    /// The change and how sure it is.
    pub change: Change,
    /// The limits it was held against.
    pub limits: Limits,
    /// The answer.
    pub verdict: Verdict,
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

/// A series that only one side has.
#[derive(Clone, Debug, PartialEq)]
pub struct OneSided {
    /// Which series.
    pub series: SeriesId,
    /// Its unit.
    pub unit: Unit,
    /// Its level on the side that has it.
    pub level: f64,
}

/// Judges every series of a pair.
///
/// # Errors
///
/// [`Refusal::NothingShared`] where no series occurs on both sides, [`Refusal::NothingJudged`] where none that
/// does could be judged: a gate that compared nothing must not look green.
pub fn compare(pair: Pair, policy: &Policy) -> Result<Comparison, Refusal> {
    let before = by_series(pair.before());
    let mut after = by_series(pair.after());
    let (bases, heads) = (before.len(), after.len());
    let (mut judged, mut unjudged, mut missing) = (vec![], vec![], vec![]);
    for (series, base) in before {
        match after.remove(&series) {
            None => missing.push(OneSided::new(series, &base)),
            Some(head) => match judge_series(series, &base, &head, policy.limits) {
                Ok(row) => judged.push(row),
                Err(row) => unjudged.push(row),
            },
        }
    }
    if judged.is_empty() {
        return Err(match unjudged.len() {
            0 => Refusal::NothingShared { base: bases, head: heads },
            shared => Refusal::NothingJudged { shared },
        });
    }
    let new: Vec<_> = after.into_iter().map(|(series, head)| OneSided::new(series, &head)).collect();
    let mut census =
        Census { unjudged: unjudged.len(), missing: missing.len(), new: new.len(), ..Census::default() };
    judged.iter().for_each(|row| census.count(row.verdict));
    judged.sort_by(worst_first);
    Ok(Comparison { pair, judged, unjudged, missing, new, census })
}

fn by_series(baseline: &Baseline) -> BTreeMap<SeriesId, Vec<&Measurement>> {
    let mut series: BTreeMap<SeriesId, Vec<&Measurement>> = BTreeMap::new();
    for measurement in baseline.runs.iter().flat_map(|run| &run.measurements) {
        series.entry(measurement.series()).or_default().push(measurement);
    }
    series
}

fn judge_series(
    series: SeriesId,
    base: &[&Measurement],
    head: &[&Measurement],
    limits: Limits,
) -> Result<Judged, Unjudged> {
    let metric = newest(head).metric.clone();
    let in_unit = |runs: &[&Measurement]| readings(runs, &metric);
    let (base, head) = match (in_unit(base), in_unit(head)) {
        (Ok(base), Ok(head)) => (base, head),
        (Err(obstacle), _) | (_, Err(obstacle)) => return Err(Unjudged { series, obstacle }),
    };
    let change = Change::between(&base, &head, &metric);
    Ok(Judged {
        series,
        before: level(&base),
        after: level(&head),
        runs_before: base.len(),
        runs_after: head.len(),
        verdict: judge(&change, &limits, &metric),
        change,
        limits,
        metric,
    })
}

/// Brings the readings of every run into the unit of `metric`.
fn readings(runs: &[&Measurement], metric: &Metric) -> Result<Vec<Reading>, Obstacle> {
    runs.iter()
        .map(|run| {
            if run.metric.better != metric.better {
                return Err(Obstacle::Directions { base: run.metric.better, head: metric.better });
            }
            match run.metric.unit.factor_to(&metric.unit) {
                Some(1.0) => Ok(run.reading.clone()),
                Some(factor) => Ok(run.reading.scaled(factor)),
                None => Err(Obstacle::Units { base: run.metric.unit.clone(), head: metric.unit.clone() }),
            }
        })
        .collect()
}

fn newest<'a>(runs: &[&'a Measurement]) -> &'a Measurement {
    runs.last().expect("a series has at least one run")
}

fn worst_first(a: &Judged, b: &Judged) -> std::cmp::Ordering {
    b.verdict
        .cmp(&a.verdict)
        .then_with(|| b.change.worsening().total_cmp(&a.change.worsening()))
        .then_with(|| a.series.cmp(&b.series))
}

impl OneSided {
    fn new(series: SeriesId, runs: &[&Measurement]) -> Self {
        let newest = newest(runs);
        Self { series, unit: newest.metric.unit.clone(), level: newest.reading.location() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::fixtures::{baseline, baseline_of, measurement};

    fn compared(before: Baseline, after: Baseline) -> Result<Comparison, Refusal> {
        let pair = Pair::new(before, after, &BTreeSet::new()).expect("the fixtures share an environment");
        compare(pair, &Policy::default())
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
        assert_eq!(refusal.unwrap_err(), Refusal::NothingShared { base: 1, head: 2 });
    }

    #[test]
    fn refuses_when_nothing_shared_could_be_judged() {
        let before = baseline_of(vec![vec![measurement("a", Metric::time("m", "widgets"), &[1.0])]]);
        let after = baseline_of(vec![vec![measurement("a", Metric::time("m", "gadgets"), &[1.0])]]);
        assert_eq!(compared(before, after).unwrap_err(), Refusal::NothingJudged { shared: 1 });
    }

    #[test]
    fn sides_in_different_units_of_one_dimension_are_compared() {
        let before = baseline_of(vec![vec![measurement("a", Metric::time("time", "s"), &[0.1, 0.1])]]);
        let after = baseline_of(vec![vec![measurement("a", Metric::time("time", "ms"), &[200.0, 200.0])]]);
        let comparison = compared(before, after).unwrap();
        let row = &comparison.judged[0];
        assert_eq!((row.before, row.after, row.verdict), (100.0, 200.0, Verdict::Regressed));
    }

    #[test]
    fn the_worst_series_comes_first() {
        let before = baseline(&[("a", &[10.0; 5]), ("b", &[10.0; 5]), ("c", &[10.0; 5]), ("d", &[10.0; 5])]);
        let after = baseline(&[("a", &[10.0; 5]), ("b", &[11.5; 5]), ("c", &[20.0; 5]), ("d", &[14.0; 5])]);
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
        fn swapping_a_pair_swaps_improved_and_worse(before in side(), after in side()) {
            let (Ok(forth), Ok(back)) =
                (compared(build(&before), build(&after)), compared(build(&after), build(&before)))
            else { return Ok(()) };
            for row in &forth.judged {
                let mirrored = back.judged.iter().find(|other| other.series == row.series).unwrap();
                let worse = |verdict| matches!(verdict, Verdict::Slower | Verdict::Regressed);
                prop_assert_eq!(worse(row.verdict), mirrored.verdict == Verdict::Improved, "{:?} {:?}", row, mirrored);
            }
        }
    }
}
