//! Sessions in which nothing, or one series, changed: as `perf` runs them, without the suites.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use perf_compare::{
    Comparison, FIRST_ROUNDS, LOOKS, MOST_ROUNDS, Pair, Policy, Side, compare, control, ends_differ,
    order_of, undecided,
};
use perf_model::{
    Baseline, CommitId, Environment, Lineage, Measurement, Metric, Reading, Run, RunId, Samples, SeriesId,
    Turn,
};
use time::OffsetDateTime;

use crate::noise::Noise;

/// What a session measures, and how noisily.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    pub(crate) noise: Noise,
    pub(crate) sd: f64,
    pub(crate) series: usize,
    /// The logarithm by which the first series of the head is slower.
    pub(crate) change: f64,
    /// Whether the suite runs single benchmarks, so that what is decided is not measured on.
    pub(crate) only: bool,
}

impl Session {
    /// Measures two ends; returns after how many rounds they were said to differ.
    pub(crate) fn ends(&self, rng: &mut Rng) -> Option<u32> {
        let most = LOOKS[LOOKS.len() - 1];
        let order = self.order(most, false, rng);
        let runs = self.noise.runs(order.len(), self.sd, rng);
        let mut pairs = vec![0.0; most as usize];
        for ((round, side), run) in order.iter().zip(runs) {
            let sign = if *side == Side::Head { 1.0 } else { -1.0 };
            pairs[*round as usize] += sign * run;
        }
        pairs.iter_mut().for_each(|pair| *pair += self.change);
        LOOKS.into_iter().find(|look| ends_differ(&pairs[..*look as usize]))
    }

    /// Measures and judges base and head; `None` where the control refuses the session.
    pub(crate) fn judged(&self, policy: &Policy, rng: &mut Rng) -> Option<Comparison> {
        let mut taken = Taken::of(self, rng);
        let mut open: Option<BTreeSet<SeriesId>> = None;
        let mut found = None;
        for round in 0..MOST_ROUNDS {
            let goes_on = open.as_ref().is_none_or(|open| !open.is_empty());
            if !goes_on {
                break;
            }
            taken.round(round, open.as_ref().filter(|_| self.only));
            if round + 1 >= FIRST_ROUNDS {
                let pair =
                    Pair::new(taken.baseline(Side::Base), taken.baseline(Side::Head), &BTreeSet::new());
                let comparison = compare(pair.ok()?, &[], policy).ok()?;
                open = Some(undecided(&comparison));
                found = Some(comparison);
            }
        }
        let shifted = control(taken.baseline(Side::Base), taken.baseline(Side::Control), policy);
        found.filter(|_| shifted.is_empty())
    }

    fn order(&self, rounds: u32, control: bool, rng: &mut Rng) -> Vec<(u32, Side)> {
        let seed = rng.u64(..);
        let of_round = |round| order_of(seed, round, control).into_iter().map(move |side| (round, side));
        (0..rounds).flat_map(of_round).collect()
    }
}

/// The levels of all runs that a session could take, and the runs that it took.
struct Taken {
    id: RunId,
    levels: BTreeMap<(u32, Side), Vec<f64>>,
    runs: BTreeMap<Side, Vec<Run>>,
}

impl Taken {
    fn of(session: &Session, rng: &mut Rng) -> Self {
        let order = session.order(MOST_ROUNDS, true, rng);
        let mut levels: BTreeMap<(u32, Side), Vec<f64>> = BTreeMap::new();
        for series in 0..session.series {
            let noise = session.noise.runs(order.len(), session.sd, rng);
            for (turn, noise) in order.iter().zip(noise) {
                let changed = series == 0 && turn.1 == Side::Head;
                let log = 7.0 + noise + if changed { session.change } else { 0.0 };
                levels.entry(*turn).or_default().push(log.exp());
            }
        }
        Self { id: RunId::from_bits(rng.u128(..)), levels, runs: BTreeMap::new() }
    }

    fn round(&mut self, round: u32, only: Option<&BTreeSet<SeriesId>>) {
        for side in [Side::Base, Side::Head, Side::Control] {
            let all = self.levels[&(round, side)].iter().enumerate();
            let measurements = all.map(|(series, level)| measurement(series, *level));
            let wanted = |it: &Measurement| only.is_none_or(|only| only.contains(&it.series()));
            let run = self.run(measurements.filter(wanted).collect(), round);
            self.runs.entry(side).or_default().push(run);
        }
    }

    fn run(&self, measurements: Vec<Measurement>, round: u32) -> Run {
        let commit: CommitId = "c".repeat(40).parse().expect("40 hex digits");
        Run {
            id: RunId::from_bits(u128::from(round)),
            lineage: Lineage { commit: commit.clone(), tree: commit, parents: vec![] },
            time: OffsetDateTime::UNIX_EPOCH,
            recorder: "session-rates".into(),
            environment: Environment::default(),
            sources: vec![],
            measurements,
            turn: Some(Turn { session: self.id.clone(), round, position: round }),
            rebaseline: None,
        }
    }

    fn baseline(&self, side: Side) -> Baseline {
        Baseline::new(self.runs[&side].clone()).expect("runs of one commit")
    }
}

fn measurement(series: usize, level: f64) -> Measurement {
    let samples = Samples::new(vec![level; 3]).expect("finite");
    Measurement {
        benchmark: format!("bench/{series}"),
        params: BTreeMap::new(),
        metric: Metric::time("time", "ns"),
        reading: Reading::Samples(samples),
    }
}
