//! What text and Markdown say beside the verdicts.

use perf_compare::{Confirmation, Notice, Outcome};
use perf_model::{CommitId, Rebaseline};
use time::{OffsetDateTime, UtcOffset};

use super::{acceptance, refusal};
use crate::environment;
use crate::number::{counted, things};
use crate::sink::Sink;

/// Says what to know of the two sides.
pub(crate) fn notice(notice: &Notice, outcome: &Outcome, sink: Sink) -> String {
    match notice {
        Notice::AncestorServes { asked, serves, distance } => ancestor(asked, serves, *distance, sink),
        Notice::SameTreeServes { asked, serves } => {
            let (asked, serves) = (sink.commit(asked), sink.commit(serves));
            format!("note: {asked} was not measured; {serves}, whose tree is the same, serves")
        }
        Notice::OnlyBaseMeasured { environment, series } => {
            let (place, series) = (environment::summary(environment, sink), counted(*series));
            format!(
                "warning: the base was also measured in {place}, {series} series; the head was not: they were \
                 not compared"
            )
        }
        Notice::NewLevel { commit, rebaseline } => {
            let (commit, who) = (sink.commit(commit), said(rebaseline, sink));
            format!("note: a new level begins with {commit}; what was measured before it was not used. {who}")
        }
        Notice::HeadDeclaresNewLevel { rebaseline } => {
            format!(
                "note: the head declares a new level; it is judged all the same. {}",
                said(rebaseline, sink)
            )
        }
        Notice::UnreadableLines { commit, lines } => {
            let (lines, commit) = (counted(*lines), sink.commit(commit));
            format!("warning: stored lines of {commit} that are kept but cannot be used: {lines}")
        }
        Notice::IdleAcceptance { entry, series } => {
            let acceptance = acceptance::named(&outcome.policy.acceptances.entries[*entry], sink);
            match series {
                0 => format!("warning: the acceptance of {acceptance} names no series: it accepts nothing"),
                _ => format!("note: the acceptance of {acceptance} was not needed: none of its series became worse"),
            }
        }
        Notice::UnreadAcceptance { commit, text, problem } => {
            let (commit, text, problem) = (sink.commit(commit), sink.name(text), sink.name(problem));
            format!("warning: {text} in {commit} accepts nothing: {problem}")
        }
        Notice::AcceptancesOutOfReach => {
            "warning: not all commits between base and head could be read: what the others accept does not hold"
                .to_owned()
        }
        Notice::MeasuredAgain(confirmation) => measured_again(confirmation),
        Notice::WorseWithSameCode { series } => format!(
            "warning: both sides run the same executables, and yet {} became worse beyond doubt: something else that \
             the suites read differs, and is not judged; `binaries` in perf.toml may name data as well",
            format_args!("{} series", counted(*series))
        ),
        Notice::NotMeasuredAgain { refusal } => {
            let why = refusal::sentence(refusal, outcome, sink);
            format!("warning: the alarms could not be confirmed: {why}")
        }
        Notice::Withdrawn { commit, runs, by, time, reason } => {
            withdrawn((commit, *runs), [by, time, reason], sink)
        }
        Notice::Old { commit, measured, days, allowed } => old(commit, *measured, (*days, *allowed), sink),
        Notice::ReferenceMoved { asked, serves, rebaseline } => {
            let (asked, serves, who) = (sink.commit(asked), sink.commit(serves), said(rebaseline, sink));
            format!("note: after {asked} a new level was declared: drift is measured from {serves} on. {who}")
        }
        Notice::IdleRule { number, benchmark, metric, is_budget } => {
            idle_rule(*number, [("benchmark", benchmark), ("metric", metric)], *is_budget, sink)
        }
        Notice::NoEnvironment { path } => {
            let path = sink.name(&path.to_string_lossy());
            format!("warning: file {path} holds no environment: nobody checked that the two sides compare")
        }
    }
}

fn measured_again(Confirmation { again, repeated, rounds }: &Confirmation) -> String {
    let (again, repeated) = (things(*again, "alarm"), counted(*repeated));
    let rounds = things(*rounds, "round");
    format!("note: of {again}, measured again in {rounds} of turns, {repeated} repeated")
}

fn ancestor(asked: &CommitId, serves: &CommitId, distance: usize, sink: Sink) -> String {
    let commits = if distance == 1 { "commit" } else { "commits" };
    let (asked, serves) = (sink.commit(asked), sink.commit(serves));
    format!("note: {asked} was not measured; its ancestor {serves}, {distance} {commits} back, serves")
}

fn withdrawn((commit, runs): (&CommitId, usize), words: [&String; 3], sink: Sink) -> String {
    let (commit, runs, [by, time, reason]) =
        (sink.commit(commit), counted(runs), words.map(|it| sink.name(it)));
    format!("note: runs of {commit} that are not used: {runs}, retracted by {by} at {time}: {reason}")
}

fn said(rebaseline: &Rebaseline, sink: Sink) -> String {
    format!("{} says: {}", sink.name(&rebaseline.by), sink.name(&rebaseline.reason))
}

fn old(commit: &CommitId, measured: OffsetDateTime, (days, allowed): (i64, i64), sink: Sink) -> String {
    let (commit, measured) = (sink.commit(commit), measured.to_offset(UtcOffset::UTC).date());
    format!(
        "warning: the baseline of {commit} was measured on {measured}, {days} days before the head; max-age is \
         {allowed} days"
    )
}

fn idle_rule(number: usize, globs: [(&str, &Option<String>); 2], is_budget: bool, sink: Sink) -> String {
    let glob = |(key, glob): (&str, &Option<String>)| Some(format!("{key} {}", sink.name(glob.as_ref()?)));
    let globs: Vec<String> = globs.into_iter().filter_map(glob).collect();
    let what = if is_budget { "a budget that nothing was held to" } else { "it limits nothing" };
    format!("warning: [[rule]] {number} ({}) matches no series: {what}", globs.join(", "))
}
