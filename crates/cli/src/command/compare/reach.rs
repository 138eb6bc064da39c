//! Asks the remote for history and baselines that are not here. Every question is named on standard error.

use std::time::Duration;

use perf_model::CommitId;
use perf_store::{BaseBranch, Deepening, Store, StoreError, SyncOptions};

use super::wanted::Wanted;
use crate::failure::{self, Result};
use crate::output;

/// How long one question may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Finds the base branch, here or on the remote.
pub(super) fn base_branch(wanted: &Wanted, store: &Store) -> Result<BaseBranch> {
    let missing = match store.base_branch(wanted.base_branch) {
        Err(error @ StoreError::NoBaseBranch { .. }) => error,
        other => return Ok(other?),
    };
    let Some(options) = options(wanted, store) else { return Err(missing.into()) };
    output::note(&format!("the base branch is not here: asking {} (--offline forbids it)", options.remote));
    match store.fetch_base_branch(wanted.base_branch, &options) {
        Ok(branch) => Ok(branch),
        Err(error) => {
            output::warn(&failure::in_one_line(error));
            Err(missing.into())
        }
    }
}

/// Finds the merge base, deepening a shallow clone until no better one can lie beyond its end.
pub(super) fn merge_base(
    wanted: &Wanted,
    store: &Store,
    head: &CommitId,
    branch: &CommitId,
) -> Result<Option<CommitId>> {
    let mut base = store.merge_base(head, branch)?;
    for step in Deepening::STEPS {
        if store.is_certain((head, branch), base.as_ref())? {
            return Ok(base);
        }
        if !deepen(wanted, store, &[head, branch], step) {
            break;
        }
        base = store.merge_base(head, branch)?;
    }
    if !store.is_certain((head, branch), base.as_ref())? {
        output::warn("the clone is shallow: the merge base may lie beyond its end");
    }
    Ok(base)
}

/// Fetches what lies between two commits beyond the end of a shallow clone; returns whether all of it is here.
pub(super) fn between(wanted: &Wanted, store: &Store, (base, head): (&CommitId, &CommitId)) -> Result<bool> {
    for step in Deepening::STEPS {
        if store.is_certain((head, head), Some(base))? {
            return Ok(true);
        }
        if !deepen(wanted, store, &[head, base], step) {
            break;
        }
    }
    Ok(store.is_certain((head, head), Some(base))?)
}

/// Fetches the first parents of the base that a baseline may lie at; returns whether there are more now.
pub(super) fn look_further_back(
    wanted: &Wanted,
    store: &Store,
    (head, base): (&CommitId, &CommitId),
    max_lag: usize,
) -> Result<bool> {
    // The base itself is one of them.
    let needed = max_lag + 1;
    Ok(store.is_cut_off(base, needed)? && deepen(wanted, store, &[head, base], Deepening::By(needed)))
}

/// Returns the branch that a CI service says the pull request of this job is to be merged into.
///
/// Sources: GitHub Actions, "Default environment variables"; GitLab, "Predefined CI/CD variables".
pub(super) fn target_branch() -> Option<String> {
    let variables = ["GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME"];
    variables.iter().find_map(|name| std::env::var(name).ok().filter(|branch| !branch.is_empty()))
}

/// Pulls baselines from the remote; returns whether anything new arrived.
pub(super) fn pull(wanted: &Wanted, store: &Store) -> bool {
    let Some(options) = options(wanted, store) else { return false };
    output::note(&format!("not all baselines are here: asking {} (--offline forbids it)", options.remote));
    match store.pull(&options) {
        Ok(pulled) => !pulled.received.is_empty(),
        Err(error) => {
            output::warn(&format!("no baselines could be pulled: {}", failure::in_one_line(error)));
            false
        }
    }
}

/// Moves the end of a shallow clone; returns whether that was possible.
fn deepen(wanted: &Wanted, store: &Store, tips: &[&CommitId], by: Deepening) -> bool {
    let Some(options) = options(wanted, store) else { return false };
    let how_far = match by {
        Deepening::By(commits) => format!("{commits} more commits"),
        Deepening::Whole => "the whole history".to_owned(),
    };
    output::note(&format!(
        "the clone is shallow: fetching {how_far} from {} (--offline forbids it)",
        options.remote
    ));
    match store.deepen(tips, by, &options) {
        Ok(()) => true,
        Err(error) => {
            output::warn(&format!("no more history could be fetched: {}", failure::in_one_line(error)));
            false
        }
    }
}

/// `None` where there is nobody to ask, or asking is forbidden.
fn options(wanted: &Wanted, store: &Store) -> Option<SyncOptions> {
    if wanted.offline {
        return None;
    }
    Some(SyncOptions { remote: store.remote(None).ok()?, timeout: TIMEOUT })
}
