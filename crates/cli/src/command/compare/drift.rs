//! Fixed references beside the base: many small steps are seen from there.

use perf_compare::{BaseChoice, Endpoint, Outcome, Refusal};
use perf_model::CommitId;
use perf_store::{Release, Store};

use super::args::Args;
use super::commits::{self, Line};
use super::policy::Governing;
use super::search::Sections;
use super::sides::{Head, endpoint};
use super::wanted::Wanted;
use crate::failure::Result;

/// As a reference: the version tag that the base builds on.
pub(super) const LAST_RELEASE: &str = "last-release";

/// Compares the head with every reference that was asked for, by the same policy as with its base.
pub(super) fn references(
    args: &Args,
    wanted: &Wanted,
    (store, base): (&Store, &CommitId),
    head: &mut Head,
    governing: &Governing,
) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::new();
    for asked in &args.and {
        let (reference, choice) = reference(asked, store, base)?;
        let (side, found) = match reference {
            Ok(reference) => {
                let line = Line { store, base: &reference, until: Some(base) };
                (endpoint(store, &reference), commits::found(args, wanted, line, head, governing)?)
            }
            Err(refusal) => (Endpoint::Nothing, Sections::refused(refusal)),
        };
        outcomes.push(governing.outcome(args, (side, head.endpoint(store)), choice, found));
    }
    Ok(outcomes)
}

/// Finds one reference, or why there is none; and what it is.
fn reference(
    asked: &str,
    store: &Store,
    base: &CommitId,
) -> Result<(std::result::Result<CommitId, Refusal>, BaseChoice)> {
    if asked != LAST_RELEASE {
        let commit = store.resolve(asked)?.lineage.commit;
        return Ok((Ok(commit), BaseChoice::Named { revision: asked.to_owned() }));
    }
    Ok(match store.last_release(base)? {
        Some(Release { tag, commit }) => (Ok(commit), BaseChoice::LastRelease { tag: Some(tag) }),
        None => (Err(Refusal::NoRelease { base: base.clone() }), BaseChoice::LastRelease { tag: None }),
    })
}
