//! What the change itself, and the configuration, accept as worse.

use perf_compare::{Acceptance, Endpoint, Notice, Outcome, Status, accept};
use perf_model::CommitId;
use perf_store::{Messages, Store};
use time::Date;

use super::args::Args;
use super::reach;
use super::wanted::Wanted;
use crate::config::accept::{KEY, in_message};
use crate::failure::Result;

/// More acceptances than this are no list that anybody reviews.
const MOST: usize = 1_000;

/// Notes beside everything that became worse what is accepted: by trailers of the commits between base and head, and
/// by the configuration.
pub(super) fn settle(outcome: &mut Outcome, store: Option<&Store>, args: &Args, today: Date) -> Result<()> {
    let mut entries = vec![];
    if let (Some(store), Some((base, head))) = (store, range(outcome)) {
        let status = outcome.status();
        let mut complete = true;
        let ranges = stand_ins(outcome).into_iter().map(|it| ((it.clone(), base.clone()), Some(it)));
        for (range, since) in std::iter::once(((base.clone(), head), None)).chain(ranges) {
            let messages = messages(store, args, &range, status)?;
            complete &= messages.complete;
            for read in messages.found.iter().flat_map(in_message) {
                match read {
                    Ok(it) if entries.len() < MOST => entries.push(Acceptance { since: since.clone(), ..it }),
                    Ok(Acceptance { .. }) => complete = false,
                    Err(notice) => outcome.notices.push(notice),
                }
            }
        }
        if !complete && status == Status::Failed {
            outcome.notices.push(Notice::AcceptancesOutOfReach);
        }
    }
    entries.append(&mut outcome.policy.acceptances.entries);
    outcome.policy.acceptances.entries = entries;
    outcome.policy.acceptances.today = Some(today);
    let idle = accept(&mut outcome.sections, &outcome.policy);
    outcome.notices.extend(idle);
    for reference in &mut outcome.references {
        // What nothing needed is named once, beside the base.
        reference.policy = outcome.policy.clone();
        let _ = accept(&mut reference.sections, &reference.policy);
    }
    Ok(())
}

/// Returns the ancestors that stand in for the base in some environment: there, what was accepted since is part of the
/// change.
fn stand_ins(outcome: &Outcome) -> Vec<CommitId> {
    let serving = outcome.notices.iter().filter_map(|notice| match notice {
        Notice::AncestorServes { serves, .. } => Some(serves.clone()),
        _ => None,
    });
    serving.collect()
}

/// Returns the base and the head of the change.
fn range(outcome: &Outcome) -> Option<(CommitId, CommitId)> {
    let base = match &outcome.base {
        Endpoint::Commit { id, .. } => id,
        Endpoint::Saved { .. } | Endpoint::Worktree { .. } | Endpoint::Nothing | Endpoint::File { .. } => {
            return None;
        }
    };
    match &outcome.head {
        Endpoint::Commit { id: head, .. }
        | Endpoint::Saved { id: head, .. }
        | Endpoint::Worktree { on: head } => Some((base.clone(), head.clone())),
        Endpoint::Nothing | Endpoint::File { .. } => None,
    }
}

/// Reads the messages, and where something fails and the clone ends between the two, fetches the rest first.
fn messages(
    store: &Store,
    args: &Args,
    (base, head): &(CommitId, CommitId),
    status: Status,
) -> Result<Messages> {
    let messages = store.messages_with(KEY, (base, head))?;
    if messages.complete || status != Status::Failed {
        return Ok(messages);
    }
    let offline = args.offline;
    let wanted = Wanted {
        head: None,
        handed_in: None,
        against: base.as_str(),
        environment: None,
        base_branch: None,
        offline,
    };
    if !reach::between(&wanted, store, (base, head))? {
        return Ok(messages);
    }
    Ok(store.messages_with(KEY, (base, head))?)
}
