//! A session: base and head measured in turns on this machine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use perf_collect::{Manner, Output, Watch as _};
use perf_compare::{FIRST_ROUNDS, Side, order_of};
use perf_model::{CommitId, Environment, Lineage, Measurement, Run, RunId, SeriesId, Turn};
use perf_store::{Checkouts, Commit, Interrupts, Store};

use super::binaries::{self, Executables};
use super::guard::Left;
use super::progress::Progress;
use super::suites::{self, Workplace};
use super::watcher::Watcher;
use crate::command::collect::{RECORDER, measurements, now, run_id};
use crate::config::Config;
use crate::failure::{self, Failure, Result};
use crate::output;
use crate::place::{self, Place};

/// What is measured for one side.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// What runs are recorded for.
    pub(crate) lineage: Lineage,
    /// What is checked out.
    pub(crate) checkout: CommitId,
    /// Whether it is uncommitted changes, which are never filed under a commit.
    pub(crate) worktree: bool,
}

/// How much is measured.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// So many rounds of every suite.
    pub(crate) first: u32,
    /// So many rounds of the suites with series that are not decided by then.
    pub(crate) most: u32,
    /// Whether the base is measured against itself as well.
    pub(crate) control: bool,
    /// Which suites, by their place in `perf.toml`.
    pub(crate) suites: Vec<usize>,
    /// Which series of them, where not all.
    pub(crate) only: Option<BTreeSet<SeriesId>>,
    /// After the first rounds, no round begins later than so long after the first one began.
    pub(crate) budget: Option<Duration>,
    /// Identity facts that the caller fixed.
    pub(crate) set: Vec<(String, String)>,
}

/// How a session goes on after a round.
#[derive(Clone, Debug, Default)]
pub(crate) struct Next {
    /// Series that more rounds may tell more of.
    pub(crate) open: BTreeSet<SeriesId>,
    /// How many rounds they may take in all.
    pub(crate) goal: u32,
}

/// What a session measured.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) base: Vec<Run>,
    pub(crate) head: Vec<Run>,
    /// The base again, in the same rounds.
    pub(crate) control: Vec<Run>,
    /// Which series each suite has.
    series: BTreeMap<usize, BTreeSet<SeriesId>>,
    /// Series of suites whose executables are the same on both sides.
    pub(crate) same: BTreeSet<SeriesId>,
    /// How many rounds were measured whole.
    pub(crate) rounds: u32,
    /// Whether a signal ended the session early.
    pub(crate) interrupted: bool,
    /// What ended it early, where a suite failed after whole rounds.
    pub(crate) broken: Option<Failure>,
}

/// Everything that a session needs while it runs. What it checked out goes with it.
pub(crate) struct Session<'a> {
    config: &'a Config,
    store: &'a Store,
    // Dropped in this order: the guard finds nothing left to do.
    checkouts: Checkouts<'a>,
    watch: Watcher,
    /// How suites run, as far as the machine allows it.
    manner: Manner,
    /// What is checked out, by the name of its side.
    standing: BTreeMap<Side, Standing>,
}

/// A checkout.
struct Standing {
    commit: CommitId,
    top: PathBuf,
    /// The executables that each suite's build named; `None` until all are built.
    built: Option<BTreeMap<usize, Executables>>,
}

/// One side, checked out.
struct Bench<'a> {
    target: &'a Target,
    workplace: Workplace<'a>,
    /// Suites, by their place, that fail here and that this side's own perf.toml does not name.
    lacks: BTreeSet<usize>,
    /// What the first run found out; later runs may be of fewer suites.
    environment: Option<Environment>,
}

impl Bench<'_> {
    fn leave_out(&mut self, number: usize, failure: &Failure) {
        let suite = &self.workplace.config.suite[number].name;
        let (commit, why) = (self.target.lineage.commit.short(), failure.in_one_line());
        output::warn(&format!(
            "suite {suite} is not measured at {commit}, whose perf.toml has none of that name: {why}"
        ));
        self.lacks.insert(number);
    }
}

impl<'a> Session<'a> {
    /// Begins a session, alone in this repository.
    pub(crate) fn begin(config: &'a Config, place: &'a Place, store: &'a Store) -> Result<Self> {
        suites::check(config)?;
        let interrupts = Interrupts::watch();
        let mut checkouts = store.checkouts()?;
        output::warn_of_all(checkouts.take_left().into_iter().map(failure::in_one_line));
        let watch = Watcher::start(place, Left::Checkouts, interrupts)?;
        // It holds what the suites of this session print.
        output::write(&store.measuring_log(), b"")?;
        let counted = config.suite.iter().any(|suite| suite.counters);
        let manner = place::allowed(&Manner { counted, ..config.measure.manner() });
        Ok(Self { config, store, checkouts, watch, manner, standing: BTreeMap::new() })
    }

    /// Measures two sides in turns.
    ///
    /// After the first rounds, and after every other, `next` says what is not decided yet; only that goes on.
    pub(crate) fn measure(
        &mut self,
        (base, head): (&Target, &Target),
        plan: &Plan,
        next: &dyn Fn(&Gathered) -> Result<Next>,
    ) -> Result<Gathered> {
        let mut benches = BTreeMap::new();
        for (side, target) in [(Side::Base, base), (Side::Head, head)] {
            benches.insert(side, self.check_out(side, target)?);
        }
        let mut gathered = Gathered::default();
        match self.rounds(&mut benches, plan, &mut gathered, next) {
            Err(_) if self.watch.interrupted() => gathered.interrupted = true,
            Err(failure) if gathered.rounds > 0 => gathered.broken = Some(failure),
            other => other?,
        }
        // What is left to do is done to its end.
        self.watch.settle();
        Ok(gathered)
    }

    /// Checks a side out, unless that is what stands there from before.
    fn check_out<'t>(&mut self, side: Side, target: &'t Target) -> Result<Bench<'t>>
    where
        'a: 't,
    {
        let stands = self.standing.get(&side).filter(|standing| standing.commit == target.checkout);
        let top = match stands {
            Some(standing) => standing.top.clone(),
            None => {
                self.standing.remove(&side);
                let (keep, group) = (&self.config.measure.keep, |group| self.watch.group(group));
                let top = self.checkouts.add(word(side), &target.checkout, keep, &group)?;
                let standing = Standing { commit: target.checkout.clone(), top: top.clone(), built: None };
                self.standing.insert(side, standing);
                top
            }
        };
        let (log, manner) = (self.store.measuring_log(), self.manner.clone());
        let kept = self.checkouts.kept();
        let workplace = Workplace { config: self.config, top, kept, log, manner };
        Ok(Bench { target, workplace, lacks: BTreeSet::new(), environment: None })
    }

    fn rounds(
        &mut self,
        benches: &mut BTreeMap<Side, Bench<'_>>,
        plan: &Plan,
        gathered: &mut Gathered,
        next: &dyn Fn(&Gathered) -> Result<Next>,
    ) -> Result<()> {
        for (side, bench) in &mut *benches {
            self.build(*side, bench, plan).map_err(|failure| blamed(failure, *side))?;
        }
        let session = run_id()?;
        let began = Instant::now();
        let mut measuring = Measuring::new(plan);
        for round in 0..plan.most {
            // The first rounds of all are measured whatever they take: with fewer there is no answer.
            let late = plan.budget.is_some_and(|budget| began.elapsed() >= budget);
            if late && round >= plan.first.min(FIRST_ROUNDS) {
                break;
            }
            if round >= plan.first
                && (!measuring.narrow(next(gathered)?, gathered) || round >= measuring.goal)
            {
                break;
            }
            let sides = order_of(seed_of(&session), round, plan.control);
            measuring.runs_a_round = sides.len() as u32;
            for side in sides {
                measuring.announce(side, round);
                let turn = Turn { session: session.clone(), round, position: measuring.position };
                let bench_of = if side == Side::Head { Side::Head } else { Side::Base };
                let bench = benches.get_mut(&bench_of).expect("both sides are checked out");
                let run = self.run(bench, &mut measuring, turn, gathered);
                let run = run.map_err(|failure| blamed(failure, bench_of))?;
                match side {
                    Side::Base => gathered.base.push(run),
                    Side::Head => gathered.head.push(run),
                    Side::Control => gathered.control.push(run),
                }
                measuring.position += 1;
            }
            gathered.rounds = round + 1;
            if round == 0 {
                gathered.same = self.same(benches, plan, gathered)?;
                // What is wrong with the question shows in the first round.
                next(gathered)?;
            }
        }
        Ok(())
    }

    fn build(&mut self, side: Side, bench: &mut Bench<'_>, plan: &Plan) -> Result<()> {
        if self.standing.get(&side).is_some_and(|standing| standing.built.is_some()) {
            return Ok(());
        }
        let mut built = BTreeMap::new();
        for number in &plan.suites {
            let suite = &self.config.suite[*number];
            if suite.build.is_some() {
                output::note(&format!("building {} of the {}", suite.name, word(side)));
            }
            match bench.workplace.build(suite, &self.watch) {
                Err(failure) if self.is_new(bench, *number, plan, &failure) => {
                    bench.leave_out(*number, &failure)
                }
                other => drop(built.insert(*number, other?)),
            }
        }
        if let Some(standing) = self.standing.get_mut(&side) {
            standing.built = Some(built);
        }
        Ok(())
    }

    /// Returns whether a suite may fail in a checkout: its own perf.toml does not name it yet, and there are others to
    /// measure.
    fn is_new(&self, bench: &Bench<'_>, number: usize, plan: &Plan, failure: &Failure) -> bool {
        let named = || {
            let own = Config::load(&bench.workplace.top);
            own.is_ok_and(|own| own.suite.iter().any(|suite| suite.name == self.config.suite[number].name))
        };
        let others = plan.suites.len() > bench.lacks.len() + 1;
        let first = bench.environment.is_none() && !self.watch.interrupted();
        failure.is_of_a_suite() && first && others && !named()
    }

    /// Returns the series whose executables are the same on both sides, now that both have been built and run.
    fn same(
        &self,
        benches: &BTreeMap<Side, Bench<'_>>,
        plan: &Plan,
        gathered: &Gathered,
    ) -> Result<BTreeSet<SeriesId>> {
        let mut same = BTreeSet::new();
        let top = |side| &benches[&side].workplace.top;
        for number in &plan.suites {
            let suite = &self.config.suite[*number];
            let hashes = |side| binaries::hashes(suite, top(side), self.executables(side, *number));
            let base = hashes(Side::Base)?;
            if base.is_empty() && !suite.binaries.is_empty() {
                output::warn(&format!(
                    "suite {}: `binaries` names files that the base does not have: whether both sides run the same \
                     executables is not known",
                    suite.name
                ));
            }
            if !base.is_empty() && base == hashes(Side::Head)? {
                same.extend(gathered.series.get(number).into_iter().flatten().cloned());
            }
        }
        Ok(same)
    }

    fn executables(&self, side: Side, suite: usize) -> Option<&Executables> {
        self.standing.get(&side)?.built.as_ref()?.get(&suite)
    }

    fn run(
        &mut self,
        bench: &mut Bench<'_>,
        measuring: &mut Measuring<'_>,
        turn: Turn,
        gathered: &mut Gathered,
    ) -> Result<Run> {
        let mut outputs = vec![];
        for number in &measuring.suites {
            if bench.lacks.contains(number) {
                continue;
            }
            let suite = &self.config.suite[*number];
            let wanted = measuring.wanted(gathered.series.get(number));
            let measured = bench.workplace.measure(suite, wanted.as_ref(), &self.watch);
            let (read, took) = match measured {
                Err(failure) if self.is_new(bench, *number, measuring.plan, &failure) => {
                    bench.leave_out(*number, &failure);
                    continue;
                }
                other => other?,
            };
            measuring.progress.note(*number, took);
            let series = read.iter().flat_map(|output| &output.measurements).map(Measurement::series);
            gathered.series.entry(*number).or_default().extend(series);
            outputs.extend(read);
        }
        suites::accept(&outputs)?;
        let environment = self.environment(bench, &outputs, &measuring.plan.set)?;
        Ok(Run {
            id: run_id()?,
            lineage: bench.target.lineage.clone(),
            time: now(),
            recorder: RECORDER.into(),
            environment,
            sources: outputs.iter().flat_map(|output| &output.sources).cloned().collect(),
            measurements: measurements(&outputs)
                .into_iter()
                .map(|it| it.kept(self.config.max_samples))
                .collect(),
            turn: Some(turn),
            rebaseline: None,
        })
    }

    /// Describes the machine as it is now; who it is stays what the first run found.
    fn environment(
        &self,
        bench: &mut Bench<'_>,
        outputs: &[Output],
        set: &[(String, String)],
    ) -> Result<Environment> {
        let (facts, top) = (&self.config.environment, &bench.workplace.top);
        let mut environment = place::environment(facts, top, &place::harnesses(outputs), &self.manner, set)?;
        match &bench.environment {
            Some(first) => environment.identity.clone_from(&first.identity),
            None => bench.environment = Some(environment.clone()),
        }
        Ok(environment)
    }
}

/// How far a session is, and what it still measures.
struct Measuring<'a> {
    plan: &'a Plan,
    suites: Vec<usize>,
    only: Option<BTreeSet<SeriesId>>,
    goal: u32,
    position: u32,
    runs_a_round: u32,
    progress: Progress,
}

impl<'a> Measuring<'a> {
    fn new(plan: &'a Plan) -> Self {
        let (suites, only) = (plan.suites.clone(), plan.only.clone());
        let progress = Progress::default();
        Self { plan, suites, only, goal: plan.first, position: 0, runs_a_round: 0, progress }
    }

    /// Leaves out what is decided; returns whether anything is left.
    fn narrow(&mut self, Next { open, goal }: Next, gathered: &Gathered) -> bool {
        self.suites.retain(|suite| gathered.series.get(suite).is_some_and(|of| !of.is_disjoint(&open)));
        self.goal = goal.min(self.plan.most);
        self.only = Some(open);
        !self.suites.is_empty()
    }

    /// Returns the benchmarks of a suite that are still to be measured; `None` for all of them.
    fn wanted(&self, of_suite: Option<&BTreeSet<SeriesId>>) -> Option<BTreeSet<String>> {
        // Which suite has what is known after its first run, unless there is one suite only.
        if of_suite.is_none() && self.suites.len() > 1 {
            return None;
        }
        let only = self.only.iter().flatten();
        let mine = only.filter(|series| of_suite.is_none_or(|of_suite| of_suite.contains(series)));
        let names: BTreeSet<String> = mine.map(|series| series.benchmark.clone()).collect();
        (!names.is_empty()).then_some(names)
    }

    fn announce(&self, side: Side, round: u32) {
        let what = format!("{} (round {} of {})", word(side), round + 1, self.goal);
        let left = self.goal * self.runs_a_round - self.position.min(self.goal * self.runs_a_round);
        self.progress.begin(&what, &self.suites, left);
    }
}

impl Gathered {
    /// Returns what was measured, unless a suite failed on the way.
    pub(crate) fn unbroken(mut self) -> Result<Self> {
        self.broken.take().map_or(Ok(self), Err)
    }

    /// Returns the suites that have a series.
    pub(crate) fn suites_with(&self, series: &SeriesId) -> Vec<usize> {
        let with = self.series.iter().filter(|(_, of_suite)| of_suite.contains(series));
        with.map(|(suite, _)| *suite).collect()
    }

    /// Records all runs. Those of the control are runs of the base like any other.
    pub(crate) fn record(&self, store: &Store, (base, head): (&Target, &Target)) -> Result<()> {
        let of_base = self.base.iter().chain(&self.control).map(|run| (run, base));
        for (run, target) in of_base.chain(self.head.iter().map(|run| (run, head))) {
            if target.worktree {
                store.record_worktree(run)?;
            } else if let Some(error) = store.record(run)?.unfolded {
                let why = failure::in_one_line(error);
                output::warn(&format!("the run is safe in the journal, but not in the notes yet: {why}"));
            }
        }
        Ok(())
    }
}

impl Target {
    /// A commit.
    pub(crate) fn commit(commit: &Commit) -> Self {
        let lineage = commit.lineage.clone();
        Self { checkout: lineage.commit.clone(), lineage, worktree: false }
    }

    /// The uncommitted changes on top of a commit.
    ///
    /// # Errors
    ///
    /// Where there are none.
    pub(crate) fn worktree(store: &Store, on: &Commit) -> Result<Self> {
        let snapshot = store.snapshot()?.ok_or_else(|| {
            Failure::new("there are no uncommitted changes to measure")
                .hint("`--head HEAD` measures the commit")
        })?;
        Ok(Self { lineage: on.lineage.clone(), checkout: snapshot.lineage.commit, worktree: true })
    }
}

/// The order of turns follows from the session's name: it can be looked up, and nobody can choose it.
fn seed_of(session: &RunId) -> u64 {
    u64::from_str_radix(&session.as_str()[..16], 16).expect("a run id is hex digits")
}

/// Says at which side it happened, where that matters to whoever searches.
fn blamed(failure: Failure, side: Side) -> Failure {
    match side {
        Side::Base | Side::Control => failure.of_the_base(),
        Side::Head => failure,
    }
}

fn word(side: Side) -> &'static str {
    match side {
        Side::Base => "base",
        Side::Head => "head",
        Side::Control => "base again",
    }
}
