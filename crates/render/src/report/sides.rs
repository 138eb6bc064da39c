//! What text and Markdown say of the two sides: which they are, where and how often they were measured.

use perf_compare::{BaseChoice, Comparison, Endpoint, Outcome, Section, Turns};
use perf_model::CommitId;
use time::UtcOffset;

use super::notice::notice;
use super::origin::origin;
use crate::environment;
use crate::number::counted;
use crate::sink::Sink;

/// How many notices are told apart.
const MOST_NOTICES: usize = 10;
/// How many files with saved runs are named.
const MOST_FILES: usize = 5;

/// Says which head was held against which base, why that one, and what to know of them.
pub(crate) fn sides(outcome: &Outcome, sink: Sink) -> Vec<String> {
    let choice = match &outcome.choice {
        BaseChoice::MergeBase { branch } => format!("merge base with {}", sink.name(branch)),
        BaseChoice::FirstParent { branch } => format!("first parent: the head is on {}", sink.name(branch)),
        BaseChoice::Named { revision } => format!("named {}", sink.name(revision)),
        BaseChoice::LastRelease { tag: Some(tag) } => format!("last release {}", sink.name(tag)),
        BaseChoice::LastRelease { tag: None } => "last release".to_owned(),
        BaseChoice::File => "named as a file".to_owned(),
    };
    let mut lines = vec![
        format!("head {}", endpoint(&outcome.head, sink)),
        format!("{} {}", arrow(sink), base(&outcome.base, &choice, sink)),
    ];
    lines.extend(origin(outcome, sink));
    lines.extend(outcome.notices.iter().take(MOST_NOTICES).map(|known| notice(known, outcome, sink)));
    let rest = outcome.notices.len().saturating_sub(MOST_NOTICES);
    lines.extend((rest > 0).then(|| format!("note: {rest} more notices of this kind")));
    lines
}

/// Says where a section was measured, how often, and whether in turns.
pub(crate) fn place_and_runs(section: &Section, comparison: &Comparison, sink: Sink) -> String {
    let (before, after) = (comparison.pair.before().runs.len(), comparison.pair.after().runs.len());
    let measured = comparison.pair.before().measured().to_offset(UtcOffset::UTC).date();
    let place = place(section, sink);
    match comparison.turns {
        None => format!("environment {place}; runs: base {before} ({measured}), head {after}"),
        Some(Turns { pairs, twice, left_out }) => {
            let base = pairs + twice;
            let rest = (left_out > 0).then(|| format!("; left out {} that were not", counted(left_out)));
            let rest = rest.unwrap_or_default();
            format!("environment {place}; runs: base {base}, head {pairs}, taken in turns{rest}")
        }
    }
}

/// Says where a section was measured.
pub(crate) fn place(section: &Section, sink: Sink) -> String {
    match &section.environment {
        Some(environment) => environment::summary(environment, sink),
        None => "unknown".to_owned(),
    }
}

/// Returns the id of a side that the store may know.
pub(crate) fn id(endpoint: &Endpoint) -> Option<&CommitId> {
    match endpoint {
        Endpoint::Commit { id, .. } => Some(id),
        Endpoint::Saved { .. } | Endpoint::Worktree { .. } | Endpoint::File { .. } | Endpoint::Nothing => {
            None
        }
    }
}

/// Returns the facts that were crossed on request in any environment.
pub(crate) fn across(outcome: &Outcome) -> Vec<&String> {
    let mut facts: Vec<_> = outcome.comparisons().flat_map(|comparison| comparison.pair.across()).collect();
    facts.sort();
    facts.dedup();
    facts
}

fn arrow(sink: Sink) -> &'static str {
    match sink {
        Sink::Text => "  <-",
        Sink::Markdown | Sink::Html => "←",
    }
}

fn base(side: &Endpoint, choice: &str, sink: Sink) -> String {
    match side {
        Endpoint::Nothing => format!("no base (wanted: {choice})"),
        Endpoint::Commit { .. }
        | Endpoint::Saved { .. }
        | Endpoint::Worktree { .. }
        | Endpoint::File { .. } => {
            format!("base {} ({choice})", endpoint(side, sink))
        }
    }
}

fn endpoint(endpoint: &Endpoint, sink: Sink) -> String {
    match endpoint {
        Endpoint::Commit { id, subject: Some(subject) } => {
            format!("{} {}", sink.commit(id), sink.name(subject))
        }
        Endpoint::Commit { id, subject: None } => sink.commit(id),
        Endpoint::Saved { id, subject, files } => {
            let mut names: Vec<_> =
                files.iter().take(MOST_FILES).map(|path| sink.name(&path.to_string_lossy())).collect();
            let rest = files.len() - names.len();
            names.extend((rest > 0).then(|| format!("{} more", counted(rest))));
            let names = names.join(", ");
            format!("{} {} (saved runs: {names})", sink.commit(id), sink.name(subject))
        }
        Endpoint::Worktree { on } => format!("uncommitted changes on {}", sink.commit(on)),
        Endpoint::Nothing => "nothing".to_owned(),
        Endpoint::File { path, commit } => {
            let file = format!("file {}", sink.name(&path.to_string_lossy()));
            match commit {
                Some(commit) => format!("{file}, recorded for {}", sink.commit(commit)),
                None => file,
            }
        }
    }
}
