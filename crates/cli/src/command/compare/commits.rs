//! Two commits of the repository, or uncommitted changes and a commit.

use std::collections::BTreeSet;

use perf_compare::{Endpoint, Outcome};
use perf_model::CommitId;
use perf_store::Store;

use super::args::Args;
use super::policy::{Call, Governing};
use super::search::{self, Search, Sections};
use super::sides::{Head, endpoint};
use super::wanted::Wanted;
use super::{drift, reach};
use crate::command::handed_in::HandedIn;
use crate::failure::Result;
use crate::output;

/// Compares what is stored for both sides.
pub(super) fn outcome(args: &Args, handed_in: Option<&HandedIn>, call: &Call) -> Result<Outcome> {
    let Call { store, base, choice, governing, .. } = call;
    let wanted = call.wanted(args, handed_in);
    let _busy = output::busy("comparing");
    let mut head = Head::find(&wanted, store)?;
    let (side, found) = match base {
        Ok(base) => {
            let line = Line { store, base, until: None };
            let found = found(args, &wanted, line, &mut head, governing)?;
            warn_of_uncrossed(args, &found);
            (endpoint(store, base), found)
        }
        Err(refusal) => (Endpoint::Nothing, Sections::refused(refusal.clone())),
    };
    let outcome = governing.outcome(args, (side, head.endpoint(store)), choice.clone(), found);
    Ok(Outcome { references: references(args, handed_in, call)?, ..outcome })
}

/// Compares the head with every reference that was asked for.
pub(super) fn references(args: &Args, handed_in: Option<&HandedIn>, call: &Call) -> Result<Vec<Outcome>> {
    let Ok(base) = &call.base else { return Ok(vec![]) };
    if args.and.is_empty() {
        return Ok(vec![]);
    }
    let wanted = call.wanted(args, handed_in);
    let mut head = Head::find(&wanted, &call.store)?;
    drift::references(args, &wanted, (&call.store, base), &mut head, &call.governing)
}

/// What the head is compared with.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    /// Where to look.
    pub(super) store: &'a Store,
    /// The commit.
    pub(super) base: &'a CommitId,
    /// The head's base, where the commit is a reference beside it.
    pub(super) until: Option<&'a CommitId>,
}

/// Judges every environment of the head, after asking the remote for what is missing.
pub(super) fn found(
    args: &Args,
    wanted: &Wanted,
    line: Line,
    head: &mut Head,
    governing: &Governing,
) -> Result<Sections> {
    let across: BTreeSet<String> = args.across.iter().cloned().collect();
    let (max_lag, policy) = (governing.config.max_lag, governing.config.policy());
    let Line { store, base, until } = line;
    let search =
        |head: &Head| Search { store, base, until, head, max_lag, across: &across, policy: &policy }.run();
    let mut found = search(head)?;
    if !found.complete() && reach::pull(wanted, store) {
        // What was missing may just have arrived.
        *head = Head::find(wanted, store)?;
        found = search(head)?;
    }
    if !found.complete() && reach::look_further_back(wanted, store, (head.commit(), base), max_lag)? {
        found = search(head)?;
    }
    if found.complete() && reach::look_further_back(wanted, store, (head.commit(), base), search::HISTORY)? {
        // What was measured before the base tells the noise.
        found = search(head)?;
    }
    head.check_environment(wanted)?;
    Ok(found)
}

/// A misspelt fact would otherwise do nothing, silently.
fn warn_of_uncrossed(args: &Args, found: &Sections) {
    let known = |fact: &String| {
        let mut environments = found.sections.iter().filter_map(|section| section.environment.as_ref());
        let mut compared = found.sections.iter().filter_map(|section| section.result.as_ref().ok());
        // A fact of the base alone, such as what it was imported from, was crossed all the same.
        environments.any(|environment| environment.identity.contains_key(fact))
            || compared.any(|comparison| comparison.pair.across().contains(fact))
    };
    for fact in args.across.iter().filter(|fact| !known(fact)) {
        output::warn(&format!("--across {fact}: the head's environments have no such identity fact"));
    }
}
