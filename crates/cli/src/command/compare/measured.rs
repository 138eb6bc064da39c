//! Two sides that are measured for the comparison.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use perf_compare::statistics::Judge;
use perf_compare::{
    Comparison, Confirmation, Endpoint, FIRST_ROUNDS, MOST_ROUNDS, Notice, Outcome, Pair, Refusal, Section,
    alarms, budgets, compare, control, rounds_for, undecided,
};
use perf_model::{Baseline, CommitId, Measurement, Run, SeriesId};
use perf_store::Store;

use super::args::Args;
use super::policy::{Call, Governing};
use super::search::{HISTORY, Sections};
use super::sides::endpoint;
use crate::command::measure::{Gathered, Next, Plan, Session, Target, suites_of};
use crate::config::Config;
use crate::failure::{Failure, Result};
use crate::output;
use crate::place::Place;

/// What was measured for a comparison.
pub(super) struct Measured {
    pub(super) outcome: Outcome,
    /// Why it is less than was asked for, where it is.
    pub(super) interrupted: Option<Failure>,
}

impl Measured {
    /// All that was asked for.
    pub(super) fn whole(outcome: Outcome) -> Self {
        Self { outcome, interrupted: None }
    }
}

/// Returns whether measuring both sides here would give the answer that an outcome lacks.
pub(super) fn would_help(outcome: &Outcome) -> bool {
    !lacking(outcome).is_empty() && outcome.comparisons().next().is_none()
}

/// Says what an outcome lacks that measuring gives; nothing where it lacks nothing of the kind.
pub(super) fn lacking(outcome: &Outcome) -> &'static str {
    let lacks = outcome.refusals().map(|refusal| match refusal {
        Refusal::BaseNotMeasured { .. } => "the base was never measured",
        Refusal::HeadNotMeasured { .. } => "the head was never measured",
        Refusal::EnvironmentsDiffer { ancestor: None, .. } => "the base was measured in another environment",
        Refusal::EnvironmentsDiffer { ancestor: Some(_), .. } => {
            "the base was never measured, and what was before it was in another environment"
        }
        Refusal::NoMergeBase { .. }
        | Refusal::NothingBefore { .. }
        | Refusal::HeadWithdrawn { .. }
        | Refusal::NoRelease { .. }
        | Refusal::NothingShared { .. }
        | Refusal::NothingJudged { .. }
        | Refusal::Inadmissible { .. } => "",
    });
    lacks.into_iter().find(|what| !what.is_empty()).unwrap_or_default()
}

/// Measures both sides of a call in turns and compares them.
pub(super) fn outcome(args: &Args, place: &Place, call: &Call) -> Result<Measured> {
    let Call { store, head, choice, governing, .. } = call;
    let config = &governing.config;
    let outcome = |base: Endpoint, found: Sections| {
        governing.outcome(args, (base, head.endpoint(store)), choice.clone(), found)
    };
    let base = match &call.base {
        Ok(base) => base,
        Err(refusal) => {
            let refused = Sections::refused(refusal.clone());
            return Ok(Measured::whole(outcome(Endpoint::Nothing, refused)));
        }
    };
    let sides = (Target::commit(&store.resolve(base.as_str())?), head.target(store)?);
    let judge = Judging { args, config, store };
    let plan = plan(args, config);
    let next = |gathered: &Gathered| -> Result<Next> {
        Ok(judge.comparison(gathered)?.as_ref().map(|found| after(found, args, &plan)).unwrap_or_default())
    };
    let mut gathered = Session::begin(config, place, store)?.measure((&sides.0, &sides.1), &plan, &next)?;
    let interrupted = interruption(&mut gathered)?;
    let section = judge.section(&gathered)?;
    keep(&section.result, &gathered, store, (&sides.0, &sides.1))?;
    let notices = worse_with_same_code(&section).into_iter().collect();
    let found = Sections { sections: vec![section], notices };
    Ok(Measured { outcome: outcome(endpoint(store, base), found), interrupted })
}

/// Measures the alarms of an outcome again, in turns, and takes back what does not show again.
pub(super) fn confirm(
    args: &Args,
    governing: &Governing,
    (place, store): (&Place, &Store),
    mut outcome: Outcome,
) -> Result<Measured> {
    let config = &governing.config;
    let all: BTreeSet<SeriesId> = outcome.comparisons().flat_map(alarms).collect();
    let (false, Some(base)) = (all.is_empty(), measured_base(&outcome)) else {
        return Ok(Measured::whole(outcome));
    };
    let sides = (Target::commit(&store.resolve(base.as_str())?), head_of(&outcome, store)?);
    let suites = suites_of(config, &place.top(Some(store)), &all);
    let plan = Plan { suites, only: Some(all.clone()), ..plan(args, config) };
    let plan = Plan { first: plan.most.min(FIRST_ROUNDS), ..plan };
    output::note(&format!("series that warn or fail: {}; measuring them again, in turns", all.len()));
    let judge = Judging { args, config, store };
    let next = |gathered: &Gathered| -> Result<Next> {
        let open = judge.comparison(gathered)?.as_ref().map(undecided).unwrap_or_default();
        Ok(Next { open: &open & &all, goal: plan.most })
    };
    let mut gathered = Session::begin(config, place, store)?.measure((&sides.0, &sides.1), &plan, &next)?;
    let interrupted = interruption(&mut gathered)?;
    let session = judge.section(&gathered)?;
    keep(&session.result, &gathered, store, (&sides.0, &sides.1))?;
    match &session.result {
        Err(refusal) => outcome.notices.push(Notice::NotMeasuredAgain { refusal: refusal.clone() }),
        Ok(session) => {
            let mut found = Confirmation { rounds: gathered.rounds as usize, ..Confirmation::default() };
            for section in &mut outcome.sections {
                if let Ok(comparison) = &mut section.result {
                    let (confirmed, each) = comparison.clone().confirmed_by(session);
                    *comparison = confirmed;
                    found.again += each.again;
                    found.repeated += each.repeated;
                }
            }
            outcome.notices.push(Notice::MeasuredAgain(found));
        }
    }
    Ok(Measured { outcome, interrupted })
}

/// Returns the commit whose numbers the comparisons of an outcome were held against.
fn measured_base(outcome: &Outcome) -> Option<CommitId> {
    outcome.comparisons().next().map(|comparison| comparison.pair.before().commit.clone())
}

fn head_of(outcome: &Outcome, store: &Store) -> Result<Target> {
    match &outcome.head {
        Endpoint::Worktree { on } => Target::worktree(store, &store.resolve(on.as_str())?),
        Endpoint::Commit { id, .. } => Ok(Target::commit(&store.resolve(id.as_str())?)),
        Endpoint::Nothing | Endpoint::File { .. } | Endpoint::Saved { .. } => {
            Err(Failure::new("only commits and the work tree can be measured again"))
        }
    }
}

/// Says how far a session got that did not come to its end; an error where that is nowhere.
fn interruption(gathered: &mut Gathered) -> Result<Option<Failure>> {
    if let Some(broken) = gathered.broken.take() {
        let rounds = output::counted(gathered.rounds as usize, "whole round");
        return Ok(Some(broken.after(&rounds)));
    }
    let rounds = output::counted(gathered.rounds as usize, "whole round");
    let failure = || {
        Failure::new(format!("interrupted after {rounds}")).hint("run the command again to measure all of it")
    };
    match (gathered.interrupted, gathered.rounds) {
        (true, 0) => Err(failure()),
        (true, _) => Ok(Some(failure())),
        (false, _) => Ok(None),
    }
}

/// Says that the executables do not tell all, where series changed beyond doubt and they did not.
fn worse_with_same_code(section: &Section) -> Option<Notice> {
    let series = section.result.as_ref().map_or(0, Comparison::worse_with_same_code);
    (series > 0).then_some(Notice::WorseWithSameCode { series })
}

/// Records what was measured, unless it was not the code that was measured.
fn keep(
    result: &std::result::Result<Comparison, Refusal>,
    gathered: &Gathered,
    store: &Store,
    sides: (&Target, &Target),
) -> Result<()> {
    if matches!(result, Err(Refusal::Inadmissible { .. })) {
        output::note("nothing of this session is recorded");
        return Ok(());
    }
    gathered.record(store, sides)
}

/// No session is planned longer than this for the sake of a small change.
const MOST_FOR_TARGET: u32 = 50;

fn plan(args: &Args, config: &Config) -> Plan {
    let asked = args.rounds.map(NonZeroU32::get);
    let (first, most) = match (asked, args.target_mde, args.confirm) {
        (most, Some(_), _) => (FIRST_ROUNDS, most.unwrap_or(MOST_FOR_TARGET)),
        (most, None, true) => (FIRST_ROUNDS, most.unwrap_or(MOST_ROUNDS)),
        (Some(rounds), None, false) => (rounds, rounds),
        (None, None, false) => (FIRST_ROUNDS, MOST_ROUNDS),
    };
    Plan {
        first: first.min(most),
        most,
        control: !args.no_control,
        suites: (0..config.suite.len()).collect(),
        only: None,
        budget: args.max_minutes.map(|minutes| Duration::from_secs(60 * u64::from(minutes.get()))),
        set: args.set.clone(),
    }
}

/// Decides how a session goes on.
fn after(found: &Comparison, args: &Args, plan: &Plan) -> Next {
    let Some(target) = args.target_mde else {
        return Next { open: undecided(found), goal: plan.most };
    };
    let needed = rounds_for(found, target.0).unwrap_or(0);
    let goal = u32::try_from(needed).unwrap_or(u32::MAX).min(plan.most);
    let open = found.judged.iter().map(|row| row.series.clone()).collect();
    Next { open, goal }
}

/// What judges a session, during it and at its end.
struct Judging<'a> {
    args: &'a Args,
    config: &'a Config,
    store: &'a Store,
}

impl Judging<'_> {
    /// Returns the verdicts on a session, or why there are none.
    fn section(&self, gathered: &Gathered) -> Result<Section> {
        let policy = self.config.policy();
        let (base, head) = (whole(&gathered.base, gathered), whole(&gathered.head, gathered));
        let environment = Some(head.environment.clone());
        let budgets = budgets(&head, &policy);
        let mut shifted = match gathered.control.is_empty() {
            true => vec![],
            false => control(base, whole(&gathered.control, gathered), &policy),
        };
        // Where the executables are the same, noise is not judged: it makes nothing inadmissible either.
        let others = gathered.head.iter().flat_map(|run| &run.measurements);
        let all_same = others.map(Measurement::series).all(|series| gathered.same.contains(&series));
        shifted.retain(|it| it.series.as_ref().map_or(!all_same, |series| !gathered.same.contains(series)));
        let result = if shifted.is_empty() {
            self.comparison(gathered)?
        } else {
            Err(Refusal::Inadmissible { rounds: gathered.rounds as usize, shifted })
        };
        Ok(Section { environment, budgets, result })
    }

    fn comparison(&self, gathered: &Gathered) -> Result<std::result::Result<Comparison, Refusal>> {
        let policy = self.config.policy();
        let across: BTreeSet<String> = self.args.across.iter().cloned().collect();
        // The control is the base too: where it did not shift, it tells more of where the base lies, and of the noise.
        let base = gathered.base.iter().chain(&gathered.control);
        let (base, head) = (whole(base, gathered), whole(&gathered.head, gathered));
        let history = match policy.judge {
            Judge::Limits => vec![],
            Judge::Noise => self.store.history(&base.commit, &base.environment.fingerprint(), HISTORY)?,
        };
        let found = Pair::new(base, head, &across).and_then(|pair| compare(pair, &history, &policy));
        Ok(found.map(|comparison| comparison.with_same_code(&gathered.same)))
    }
}

/// Returns the runs of whole rounds.
fn whole<'a>(runs: impl IntoIterator<Item = &'a Run>, gathered: &Gathered) -> Baseline {
    let is_whole = |run: &&Run| run.turn.as_ref().is_some_and(|turn| turn.round < gathered.rounds);
    Baseline::new(runs.into_iter().filter(is_whole).cloned().collect())
        .expect("the runs of a side are of one commit and one identity, and there is a whole round")
}
