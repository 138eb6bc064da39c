//! How the series that a comparison found changed went before, for the charts of its page.

use std::collections::BTreeSet;

use perf_compare::{Endpoint, Outcome, Verdict};
use perf_model::{CommitId, SeriesId};
use perf_render::history::History;

use crate::command::history::gather::{self, Last, Wanted};
use crate::output;
use crate::place::Place;

/// So many commits are shown.
const COMMITS: usize = 500;
/// So many series are shown: those of the worst findings.
const SERIES: usize = 50;

/// Returns the histories of the series that changed, up to the head where that is a commit with a history here, else up
/// to the base; `None` where nothing changed, or nothing is at hand.
pub(super) fn of_changed(outcome: &Outcome, place: &Place) -> Option<History> {
    let findings = outcome.comparisons().flat_map(|comparison| &comparison.judged);
    let changed = findings.filter(|row| match row.finding.verdict {
        Verdict::Regressed | Verdict::Slower | Verdict::Improved => true,
        Verdict::Unchanged | Verdict::Inconclusive => false,
    });
    let changed: BTreeSet<&SeriesId> = changed.map(|row| &row.series).take(SERIES).collect();
    let commit = commit(&outcome.head).or_else(|| commit(&outcome.base))?;
    if changed.is_empty() {
        return None;
    }
    let wanted = Wanted {
        revision: commit.as_str(),
        is_about: &|series| changed.contains(series),
        environment: outcome.environment.as_deref().unwrap_or_default(),
        last: Some(Last::Commits(COMMITS)),
    };
    match gather::history(&wanted, place) {
        Ok(history) => Some(history),
        Err(failure) => {
            output::note(&format!("the page has no charts: {}", failure.in_one_line()));
            None
        }
    }
}

/// Returns the commit of a side whose runs are stored here.
fn commit(side: &Endpoint) -> Option<&CommitId> {
    match side {
        Endpoint::Commit { id, .. } => Some(id),
        Endpoint::Saved { .. } | Endpoint::Worktree { .. } | Endpoint::Nothing | Endpoint::File { .. } => {
            None
        }
    }
}
