//! Pull requests, drawn from pools, of which is known what really changed.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use perf_compare::statistics::{Level, Runs};
use perf_model::{Better, Kind, Reading, Samples, Unit, median};

use crate::pool::{Pool, Recorded, TimedRun};

/// All series of one pull request.
pub(crate) type Request = Vec<Measured>;

/// One series of a pull request. Every run is a list of samples.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) base: Vec<Vec<f64>>,
    pub(crate) head: Vec<Vec<f64>>,
    /// One run for each earlier baseline, oldest first.
    pub(crate) history: Vec<Vec<f64>>,
    pub(crate) better: Better,
    pub(crate) kind: Kind,
    /// How much slower it became; `None` where nobody knows.
    pub(crate) truth: Option<f64>,
}

/// How much is known when a request is judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Runs a side.
    pub(crate) runs: usize,
    /// Earlier baselines.
    pub(crate) history: usize,
    /// Series of one request, where the pool has no suites of its own.
    pub(crate) series: usize,
    pub(crate) order: Order,
}

/// When base and head were measured, where the pool knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Interleaved,
    BaseFirst,
}

impl Measured {
    pub(crate) fn runs(&self, side: &[Vec<f64>]) -> Runs {
        let level = |run: &Vec<f64>| {
            let samples = Samples::new(run.clone()).expect("pools hold finite samples");
            Some(Level::of(&Reading::Samples(samples), self.better))
        };
        side.iter().map(level).collect()
    }

    fn slowed(&mut self, effect: f64) {
        let factor = match self.better {
            Better::Lower => 1.0 + effect,
            Better::Higher => 1.0 / (1.0 + effect),
        };
        self.head.iter_mut().flatten().for_each(|sample| *sample *= factor);
        self.truth = Some(effect);
    }
}

/// Draws up to `count` requests in which a share of the unchanged series is `effect` slower.
pub(crate) fn draw(pool: &Pool, plan: Plan, effect: f64, count: usize, seed: u64) -> Vec<Request> {
    // Requests with different effects are different requests.
    let mut rng = Rng::with_seed(seed.wrapping_mul(1_000).wrapping_add((effect * 1_000.0) as u64));
    match pool {
        Pool::ExchangeableRuns { benches } => {
            let enough = |runs: &&Vec<Vec<f64>>| runs.len() >= 2 * plan.runs;
            let benches: Vec<&Vec<Vec<f64>>> = benches.values().filter(enough).collect();
            if benches.is_empty() {
                return vec![];
            }
            let request = |_| {
                let mut request = shuffled(&benches, plan, &mut rng);
                slow_down_a_tenth(&mut request, effect, &mut rng);
                request
            };
            (0..count).map(request).collect()
        }
        Pool::TimedRuns { runs } => timed(runs, plan, effect, count, &mut rng),
        Pool::History { series } => recorded(series, plan, effect, count, &mut rng),
    }
}

fn slow_down_a_tenth(request: &mut Request, effect: f64, rng: &mut Rng) {
    let unchanged: Vec<usize> =
        (0..request.len()).filter(|&index| request[index].truth == Some(0.0)).collect();
    if effect == 0.0 || unchanged.is_empty() {
        return;
    }
    for index in rng.choose_multiple(unchanged.iter(), (unchanged.len() / 10).max(1)) {
        request[*index].slowed(effect);
    }
}

fn shuffled(all: &[&Vec<Vec<f64>>], plan: Plan, rng: &mut Rng) -> Request {
    let mut picked = rng.choose_multiple(all.iter(), plan.series.min(all.len()));
    picked.extend((picked.len()..plan.series).map(|_| &all[rng.usize(..all.len())]));
    let measured = |runs: &&&Vec<Vec<f64>>| {
        let mut runs = runs.to_vec();
        rng.shuffle(&mut runs);
        let head = runs.split_off(runs.len() - plan.runs);
        let base = runs.split_off(runs.len() - plan.runs);
        runs.truncate(plan.history);
        Measured { base, head, history: runs, better: Better::Lower, kind: Kind::Time, truth: Some(0.0) }
    };
    picked.iter().map(measured).collect()
}

/// Slowdowns are real here: a quarter of the series comes from runs that did more work.
fn timed(runs: &[TimedRun], plan: Plan, effect: f64, count: usize, rng: &mut Rng) -> Vec<Request> {
    let of = |kind: &str, round: u32| -> Vec<&TimedRun> {
        runs.iter().filter(|run| run.round == round && run.kind == kind).collect()
    };
    let slow = format!("S{:.0}", effect * 100.0);
    let rounds: BTreeSet<u32> = runs.iter().map(|run| run.round).collect();
    let complete =
        |round: &u32| of("A", *round).len() >= 2 && (effect == 0.0 || !of(&slow, *round).is_empty());
    let rounds: Vec<u32> = rounds.into_iter().filter(complete).collect();
    let first = match plan.order {
        Order::Interleaved => 0,
        Order::BaseFirst => plan.runs,
    };
    let everywhere = |name: &&String| runs.iter().all(|run| run.samples.contains_key(*name));
    let names = runs.first().map(|run| run.samples.keys().filter(everywhere).collect());
    let names: Vec<&String> = names.unwrap_or_default();
    if names.is_empty() {
        return vec![];
    }
    let mut requests = vec![];
    for start in first..(rounds.len() + 1).saturating_sub(plan.runs) {
        let head = &rounds[start..start + plan.runs];
        let base = &rounds[start - first..start - first + plan.runs];
        let earlier = rounds.iter().take_while(|round| **round < base[0]).flat_map(|round| of("A", *round));
        let mut history: Vec<&TimedRun> = earlier.collect();
        if requests.len() == count || history.len() < plan.history.min(5) {
            continue;
        }
        history.drain(..history.len().saturating_sub(plan.history));
        let slowed: BTreeSet<&String> =
            rng.choose_multiple(names.iter().copied(), (names.len() / 4).max(1)).into_iter().collect();
        let measured = |name: &&String| {
            let is_slow = effect > 0.0 && slowed.contains(name);
            let of_head = |round: &u32| if is_slow { of(&slow, *round)[0] } else { of("A", *round)[1] };
            Measured {
                base: base.iter().map(|round| of("A", *round)[0].samples[*name].clone()).collect(),
                head: head.iter().map(|round| of_head(round).samples[*name].clone()).collect(),
                history: history.iter().map(|run| run.samples[*name].clone()).collect(),
                better: Better::Lower,
                kind: Kind::Time,
                truth: Some(if is_slow { effect } else { 0.0 }),
            }
        };
        requests.push(names.iter().map(measured).collect());
    }
    requests
}

/// One value a commit. A series counts as unchanged where the medians of the ten values before and after
/// differ by less than 3 %; of the others nobody knows.
fn recorded(
    series: &BTreeMap<String, Recorded>,
    plan: Plan,
    effect: f64,
    count: usize,
    rng: &mut Rng,
) -> Vec<Request> {
    let least = if series.len() < 4 { 1 } else { 4 };
    let groups = groups(series);
    let before = plan.history + plan.runs;
    let positions = |group: &Group| {
        let last = group.times.len().saturating_sub(plan.runs.max(AROUND));
        before..last.max(before)
    };
    let mut places: Vec<(usize, usize)> = (0..groups.len())
        .flat_map(|index| positions(&groups[index]).map(move |place| (index, place)))
        .collect();
    rng.shuffle(&mut places);
    let mut requests = vec![];
    for (group, place) in places {
        if requests.len() == count {
            break;
        }
        let mut request: Request =
            groups[group].values.iter().filter_map(|(values, unit)| at(values, unit, place, plan)).collect();
        if request.len() >= least && request.iter().any(|measured| measured.truth == Some(0.0)) {
            slow_down_a_tenth(&mut request, effect, rng);
            requests.push(request);
        }
    }
    requests
}

/// How many values on each side say whether a series is unchanged.
const AROUND: usize = 10;

fn at(values: &[Option<f64>], unit: &str, place: usize, plan: Plan) -> Option<Measured> {
    let (runs, history) = (plan.runs, plan.history);
    let window = &values[place - runs - history..place + runs.max(AROUND)];
    let known: Vec<f64> = window[..history + 2 * runs].iter().copied().collect::<Option<_>>()?;
    let after: Vec<f64> = values[place..place + AROUND].iter().flatten().copied().collect();
    if window.iter().flatten().count() < history + 2 * runs + 4 {
        return None;
    }
    let recent = &known[(history + runs).saturating_sub(AROUND)..history + runs];
    let step = (median(&after) / median(recent)).ln();
    let each = |values: &[f64]| values.iter().map(|value| vec![*value]).collect();
    Some(Measured {
        history: each(&known[..history]),
        base: each(&known[history..history + runs]),
        head: each(&known[history + runs..]),
        better: if unit.ends_with("gas/s") { Better::Higher } else { Better::Lower },
        kind: kind_of(unit),
        truth: (step.abs() < 0.03).then_some(0.0),
    })
}

/// The series that were measured by one machine, in one order of commits.
struct Group<'a> {
    times: Vec<i64>,
    values: Vec<(Vec<Option<f64>>, &'a str)>,
}

fn groups(series: &BTreeMap<String, Recorded>) -> Vec<Group<'_>> {
    let mut machines: BTreeMap<&str, Vec<&Recorded>> = BTreeMap::new();
    for (name, recorded) in series {
        if recorded.unit != "#" && recorded.values.iter().all(|value| *value > 0.0) {
            machines.entry(name.split(" @ ").nth(1).unwrap_or("")).or_default().push(recorded);
        }
    }
    machines.into_values().map(|series| Group::of(&series)).collect()
}

impl<'a> Group<'a> {
    fn of(series: &[&'a Recorded]) -> Self {
        let times: BTreeSet<i64> = series.iter().flat_map(|recorded| &recorded.times).copied().collect();
        let times: Vec<i64> = times.into_iter().collect();
        let placed = |recorded: &&'a Recorded| {
            let by_time: BTreeMap<i64, f64> =
                recorded.times.iter().copied().zip(recorded.values.iter().copied()).collect();
            let values = times.iter().map(|time| by_time.get(time).copied()).collect();
            (values, recorded.unit.as_str())
        };
        Self { values: series.iter().map(placed).collect(), times }
    }
}

/// What is not known to be memory is taken for some spelling of a time.
fn kind_of(unit: &str) -> Kind {
    match Kind::of_unit(&Unit::new(unit)) {
        Kind::Size => Kind::Size,
        Kind::Time | Kind::Rate | Kind::Ratio | Kind::Count | Kind::Percentile | Kind::Exact => Kind::Time,
    }
}
