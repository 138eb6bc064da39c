//! Sessions in which nothing, or one series, changed: as `perf` runs them, without the suites.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use perf_compare::{
    Comparison, Confirmation, FIRST_ROUNDS, LOOKS, MOST_ROUNDS, Pair, Policy, Side, alarms, compare, control,
    ends_differ, order_of, undecided,
};
use perf_model::{
    Baseline, CommitId, Environment, Lineage, Measurement, Metric, Reading, Run, RunId, Samples, SeriesId,
    Turn,
};
use time::OffsetDateTime;

use crate::noise::{Noise, normal};

/// What a session measures, and how noisily.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    pub(crate) noise: Noise,
    pub(crate) sd: f64,
    /// How unlike the noise of the series is: the standard deviation of its logarithm.
    pub(crate) uneven: f64,
    pub(crate) series: usize,
    /// The logarithm by which the head is slower, in [`CHANGED`] or in all alarms that are measured again.
    pub(crate) change: f64,
    /// Whether the suite runs single benchmarks, so that what is decided is not measured on.
    pub(crate) only: bool,
    /// The machine is up to so much slower, as a logarithm, in every run by itself, in all series alike.
    pub(crate) wander: f64,
    /// How unlike that is in the series: each has up to this share more or less of it.
    pub(crate) unlike: f64,
    /// How many rounds are measured of everything, and of what is not decided by then.
    pub(crate) rounds: (u32, u32),
}

/// The benchmark that may change.
pub(crate) const CHANGED: &str = "bench/0";

impl Session {
    /// Returns a session of fifty series in which nothing changes.
    pub(crate) fn of(noise: Noise, sd: f64) -> Self {
        let rounds = (FIRST_ROUNDS, MOST_ROUNDS);
        Self {
            noise,
            sd,
            uneven: 0.0,
            series: 50,
            change: 0.0,
            only: false,
            wander: 0.0,
            unlike: 0.0,
            rounds,
        }
    }

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
        let all = (0..self.series).map(|series| measurement(series, 1.0).series()).collect();
        self.measured(Taken::of(self, 1, rng), (&all, &all), policy)
    }

    /// Measures the first of the stored series again, which looked slower then; `None` where the control refuses it.
    pub(crate) fn confirmed(
        &self,
        count: usize,
        policy: &Policy,
        rng: &mut Rng,
    ) -> Option<(Comparison, Confirmation)> {
        let stored = stored(self.series, count, policy);
        let again = alarms(&stored);
        assert_eq!(again.len(), count, "the stored numbers are clear");
        let all = (0..self.series).map(|series| measurement(series, 1.0).series()).collect();
        let measured = if self.only { &again } else { &all };
        let session = self.measured(Taken::of(self, count, rng), (measured, &again), policy)?;
        Some(stored.confirmed_by(&session))
    }

    /// Measures some series in turns until those that are wanted are decided, as `perf` does.
    fn measured(
        &self,
        mut taken: Taken,
        (measured, wanted): (&BTreeSet<SeriesId>, &BTreeSet<SeriesId>),
        policy: &Policy,
    ) -> Option<Comparison> {
        let (first, most) = self.rounds;
        let mut open = measured.clone();
        let mut found = None;
        for round in 0..most {
            taken.round(round, if self.only { &open } else { measured });
            if round + 1 >= first {
                let head = taken.baseline(&[Side::Head]);
                let base = taken.baseline(&[Side::Base, Side::Control]);
                let pair = Pair::new(base, head, &BTreeSet::new()).ok()?;
                let comparison = compare(pair, &[], policy).ok()?;
                open = &undecided(&comparison) & wanted;
                found = Some(comparison);
                if open.is_empty() {
                    break;
                }
            }
        }
        let control = control(taken.baseline(&[Side::Base]), taken.baseline(&[Side::Control]), policy);
        found.filter(|_| control.is_empty())
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
    /// The first `changed` series of the head are slower by the session's change.
    fn of(session: &Session, changed: usize, rng: &mut Rng) -> Self {
        let order = session.order(session.rounds.1, true, rng);
        let mut levels: BTreeMap<(u32, Side), Vec<f64>> = BTreeMap::new();
        let machine: Vec<f64> = order.iter().map(|_| session.wander * rng.f64()).collect();
        for series in 0..session.series {
            let sd = session.sd * (session.uneven * normal(rng)).exp();
            let noise = session.noise.runs(order.len(), sd, rng);
            let share = 1.0 + session.unlike * (2.0 * rng.f64() - 1.0);
            for ((turn, noise), machine) in order.iter().zip(noise).zip(&machine) {
                let changed = series < changed && turn.1 == Side::Head;
                let log = 7.0 + share * machine + noise + if changed { session.change } else { 0.0 };
                levels.entry(*turn).or_default().push(log.exp());
            }
        }
        Self { id: RunId::from_bits(rng.u128(..)), levels, runs: BTreeMap::new() }
    }

    fn round(&mut self, round: u32, only: &BTreeSet<SeriesId>) {
        for side in [Side::Base, Side::Head, Side::Control] {
            let all = self.levels[&(round, side)].iter().enumerate();
            let measurements = all.map(|(series, level)| measurement(series, *level));
            let wanted = |it: &Measurement| only.contains(&it.series());
            let turn = Turn { session: self.id.clone(), round, position: round };
            let run = run(measurements.filter(wanted).collect(), (round, side), Some(turn));
            self.runs.entry(side).or_default().push(run);
        }
    }

    fn baseline(&self, sides: &[Side]) -> Baseline {
        let runs = sides.iter().flat_map(|side| &self.runs[side]);
        Baseline::new(runs.cloned().collect()).expect("runs of one commit")
    }
}

/// A stored comparison in which the first `slower` series of the head looked half as slow again.
fn stored(series: usize, slower: usize, policy: &Policy) -> Comparison {
    let side = |side: Side| {
        let level = |series: usize| if series < slower && side == Side::Head { 1500.0 } else { 1000.0 };
        let run = |number: u32| {
            let drift = 1.0 + 0.001 * f64::from(number);
            run((0..series).map(|it| measurement(it, drift * level(it))).collect(), (number, side), None)
        };
        Baseline::new((0..5).map(run).collect()).expect("runs of one commit")
    };
    let pair = Pair::new(side(Side::Base), side(Side::Head), &BTreeSet::new());
    let pair = pair.expect("both sides are of one environment");
    compare(pair, &[], policy).expect("there are series to judge")
}

fn run(measurements: Vec<Measurement>, (number, side): (u32, Side), turn: Option<Turn>) -> Run {
    let commit: CommitId = "c".repeat(40).parse().expect("40 hex digits");
    Run {
        id: RunId::from_bits(4 * u128::from(number) + side as u128),
        lineage: Lineage { commit: commit.clone(), tree: commit, parents: vec![] },
        time: OffsetDateTime::UNIX_EPOCH,
        recorder: "session-rates".into(),
        environment: Environment::default(),
        sources: vec![],
        measurements,
        turn,
        rebaseline: None,
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
