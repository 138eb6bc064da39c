//! Why nothing was judged, and what to do about it.

use perf_compare::{Endpoint, Outcome, Refusal, Shifted, differences};
use perf_model::Environment;

use super::sides::id;
use super::{command, row};
use crate::environment;
use crate::number::{counted, percent};
use crate::sink::{Sink, short};

/// How many facts a report shows of a difference.
const MOST_FACTS: usize = 20;
/// A command that crosses more facts than this is no advice.
const MOST_CROSSED: usize = 8;
/// So many series are told apart of which none could be judged.
const MOST_REASONS: usize = 3;

/// Returns the first refusal of an outcome in which nothing was judged.
pub(super) fn verdict(outcome: &Outcome, sink: Sink) -> String {
    let first = outcome.refusals().next().expect("an outcome without a comparison has a refusal");
    match outcome.sections.len() {
        1 => introduction(first, outcome, sink),
        sections => {
            let first = sentence(first, outcome, sink);
            format!("{first} (first of {} environments)", counted(sections))
        }
    }
}

/// Says in one sentence why there was nothing to judge, and how to read the diff that follows.
pub(super) fn introduction(refusal: &Refusal, outcome: &Outcome, sink: Sink) -> String {
    let sentence = sentence(refusal, outcome, sink);
    match refusal {
        Refusal::EnvironmentsDiffer { .. } => format!("{sentence} (- base, + head)"),
        Refusal::BaseNotMeasured { .. }
        | Refusal::NoMergeBase { .. }
        | Refusal::NothingBefore { .. }
        | Refusal::HeadNotMeasured { .. }
        | Refusal::HeadWithdrawn { .. }
        | Refusal::NoRelease { .. }
        | Refusal::NothingShared { .. }
        | Refusal::NothingJudged { .. }
        | Refusal::Inadmissible { .. } => sentence,
    }
}

/// Says in one sentence why there was nothing to judge.
pub(super) fn sentence(refusal: &Refusal, outcome: &Outcome, sink: Sink) -> String {
    match refusal {
        Refusal::EnvironmentsDiffer { ancestor, .. } => {
            let (base, head) = (side(&outcome.base, sink), side(&outcome.head, sink));
            match ancestor {
                None => format!("{base} and {head} were measured in different environments"),
                Some(ancestor) => format!(
                    "{base} was never measured, and its ancestor {} and {head} were measured in different environments",
                    sink.code(ancestor.short())
                ),
            }
        }
        Refusal::BaseNotMeasured { base, looked_back } => {
            let base = sink.code(base.short());
            match looked_back {
                0 => format!("base {base} was never measured"),
                1 => format!("base {base} was never measured, nor was its first parent"),
                more => format!("base {base} was never measured, nor were its {more} nearest ancestors"),
            }
        }
        Refusal::NoMergeBase { branch } => {
            let branch = sink.name(branch);
            format!("head and {branch} have no commit in common, as far as this clone knows")
        }
        Refusal::NothingBefore { head } => {
            let head = sink.code(head.short());
            format!("head {head} is the first commit of its branch: nothing lies before it to compare with")
        }
        Refusal::HeadNotMeasured { head } => format!("head {} was never measured", sink.code(head.short())),
        Refusal::HeadWithdrawn { head, by, time, reason } => {
            let (head, by) = (sink.code(head.short()), sink.name(by));
            let (time, reason) = (sink.name(time), sink.name(reason));
            format!("head {head} was measured, and its runs were retracted by {by} at {time}: {reason}")
        }
        Refusal::NoRelease { base } => format!(
            "no version tag is reachable from base {}, as far as this clone knows",
            sink.code(base.short())
        ),
        Refusal::NothingShared { base, head, .. } => {
            let (base, head) = (counted(*base), counted(*head));
            format!("no series occurs on both sides (base: {base}, head: {head})")
        }
        Refusal::NothingJudged { unjudged } => {
            let mut reasons: Vec<String> =
                unjudged.iter().take(MOST_REASONS).map(|row| row::unjudged(row, sink)).collect();
            let rest = unjudged.len().saturating_sub(MOST_REASONS);
            reasons.extend((rest > 0).then(|| format!("{} more", counted(rest))));
            let (shared, reasons) = (counted(unjudged.len()), reasons.join("; "));
            format!("none of {shared} series on both sides could be judged: {reasons}")
        }
        Refusal::Inadmissible { rounds, shifted } => {
            let base = side(&outcome.base, sink);
            format!(
                "the session is not admissible: in {} rounds base {base}, measured against itself, seems to have \
                 changed in {} series",
                counted(*rounds),
                counted(shifted.len()),
            )
        }
    }
}

/// Returns the facts in which two environments differ, as lines of a diff.
pub(super) fn facts(refusal: &Refusal, escape: fn(&str) -> String) -> Vec<String> {
    match refusal {
        Refusal::EnvironmentsDiffer { base, head, .. } => difference(base, head, escape),
        Refusal::BaseNotMeasured { .. }
        | Refusal::NoMergeBase { .. }
        | Refusal::NothingBefore { .. }
        | Refusal::HeadNotMeasured { .. }
        | Refusal::HeadWithdrawn { .. }
        | Refusal::NoRelease { .. }
        | Refusal::NothingShared { .. }
        | Refusal::NothingJudged { .. } => vec![],
        Refusal::Inadmissible { shifted, .. } => shifts(shifted, escape),
    }
}

/// Returns the identity facts in which two environments differ as lines of a diff, and counts the equal ones.
pub(super) fn difference(base: &Environment, head: &Environment, escape: fn(&str) -> String) -> Vec<String> {
    let equal = base.identity.iter().filter(|(fact, value)| head.identity.get(*fact) == Some(*value)).count();
    let mut lines = environment::differing(&base.identity, &head.identity, escape);
    let all = lines.len();
    lines.truncate(MOST_FACTS);
    if all > MOST_FACTS {
        lines.push(format!("  ... and {} more lines", all - MOST_FACTS));
    }
    lines.push(format!("  ({} identity {} equal)", equal, if equal == 1 { "fact is" } else { "facts are" }));
    lines
}

/// Returns what would help, each as a sentence around a command.
pub(super) fn hints(refusal: &Refusal, outcome: &Outcome) -> Vec<String> {
    match refusal {
        Refusal::EnvironmentsDiffer { base, head, .. } => across(base, head, outcome),
        Refusal::BaseNotMeasured { .. } => [
            Some("hint: on the base branch after merges: `perf collect && perf store push`".to_owned()),
            Some("hint: where it was measured elsewhere: `perf store pull`".to_owned()),
            measure_here(outcome),
        ]
        .into_iter()
        .flatten()
        .collect(),
        Refusal::NoMergeBase { .. } => vec![
            "hint: where the clone is shallow: `git fetch --unshallow`".to_owned(),
            "hint: `perf compare --against REV` names a base".to_owned(),
        ],
        Refusal::NothingBefore { .. } => {
            vec!["hint: the next commit will have a base: `perf collect` records this one".to_owned()]
        }
        Refusal::HeadNotMeasured { .. } => {
            let collect = "hint: `perf collect` records what the benchmarks wrote".to_owned();
            [collect].into_iter().chain(measure_here(outcome)).collect()
        }
        Refusal::Inadmissible { .. } => vec![
            "hint: something else uses this machine, or a suite is not steady: run it again with more `--rounds`"
                .to_owned(),
        ],
        Refusal::HeadWithdrawn { head, .. } => vec![
            "hint: `perf collect` records new runs, which count".to_owned(),
            format!("hint: what was retracted: `perf store show {head}`"),
        ],
        Refusal::NoRelease { .. } => vec![
            "hint: where tags were not fetched: `git fetch --tags --unshallow`, or without `--unshallow` in a whole \
             clone"
                .to_owned(),
            "hint: a reference of your own: `--and REV`".to_owned(),
        ],
        Refusal::NothingShared { .. } | Refusal::NothingJudged { .. } => {
            let shown = [("base", &outcome.base), ("head", &outcome.head)].into_iter();
            let shown = shown.filter_map(|(side, endpoint)| Some((side, id(endpoint)?)));
            shown.map(|(side, id)| format!("hint: what the {side} has: `perf store show {id}`")).collect()
        }
    }
}

/// Names what seemed to change of a base that was measured against itself.
fn shifts(shifted: &[Shifted], escape: fn(&str) -> String) -> Vec<String> {
    let line = |shift: &Shifted| {
        let name =
            shift.series.as_ref().map_or("(whole suite)".to_owned(), |series| escape(&series.to_string()));
        format!("  {name} {}", shift.change.map_or("changed".to_owned(), percent))
    };
    let mut lines: Vec<String> = shifted.iter().take(MOST_FACTS).map(line).collect();
    let rest = shifted.len().saturating_sub(MOST_FACTS);
    lines.extend((rest > 0).then(|| format!("  ... and {} more", counted(rest))));
    lines
}

fn across(base: &Environment, head: &Environment, outcome: &Outcome) -> Vec<String> {
    let differing = differences(&base.identity, &head.identity);
    let facts = differing.iter().map(|difference| &difference.fact);
    let anyway = command::across_facts(outcome, facts).filter(|_| differing.len() <= MOST_CROSSED);
    let anyway = anyway.map(|command| format!("hint: `{command}` compares anyway and says so"));
    let ids = id(&outcome.base).zip(id(&outcome.head));
    let all = ids
        .map(|(base, head)| format!("hint: `perf env diff {} {}` shows all facts", short(base), short(head)));
    measure_here(outcome).into_iter().chain(anyway).chain(all).collect()
}

/// Says how both sides get numbers from one machine; nothing of runs in files, whose code may be anybody's.
fn measure_here(outcome: &Outcome) -> Option<String> {
    command::measure(outcome).map(|command| format!("hint: `{command}` measures both here, in turns"))
}

fn side(endpoint: &Endpoint, sink: Sink) -> String {
    match endpoint {
        Endpoint::Commit { id, .. } | Endpoint::Saved { id, .. } => sink.code(id.short()),
        Endpoint::Worktree { on } => format!("uncommitted changes on {}", sink.code(on.short())),
        Endpoint::Nothing => "nothing".to_owned(),
        Endpoint::File { path, .. } => format!("file {}", sink.name(&path.to_string_lossy())),
    }
}
