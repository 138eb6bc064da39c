//! Two commits of the repository, or uncommitted changes and a commit.

use std::collections::BTreeSet;

use perf_compare::{Budgets, Endpoint, Outcome, Section};
use perf_store::Store;

use super::args::Args;
use super::reach;
use super::search::{self, Search, Sections};
use super::sides::{Head, base_of, endpoint};
use super::wanted::Wanted;
use crate::command::handed_in::HandedIn;
use crate::config::Config;
use crate::failure::Result;
use crate::output;

/// Finds both sides and compares them.
pub(super) fn outcome(
    args: &Args,
    handed_in: Option<&HandedIn>,
    config: &Config,
    store: &Store,
) -> Result<Outcome> {
    let base_branch = config.base_branch.clone().or_else(reach::target_branch);
    let wanted = Wanted {
        head: args.head.as_deref(),
        handed_in,
        against: &args.against,
        environment: args.environment.as_deref(),
        base_branch: base_branch.as_deref(),
        offline: args.offline,
    };
    let _busy = output::busy("comparing");
    let mut head = Head::find(&wanted, store)?;
    let (base, choice) = base_of(&wanted, store, &head)?;
    let outcome = |base: Endpoint, sections, notices, head: &Head| Outcome {
        head: head.endpoint(store),
        base,
        choice: choice.clone(),
        sections,
        notices,
        policy: config.policy(),
    };
    let base = match base {
        Ok(base) => base,
        Err(refusal) => {
            let section = Section { environment: None, budgets: Budgets::default(), result: Err(refusal) };
            return Ok(outcome(Endpoint::Nothing, vec![section], vec![], &head));
        }
    };
    let across: BTreeSet<String> = args.across.iter().cloned().collect();
    let (max_lag, policy) = (config.max_lag, config.policy());
    let search =
        |head: &Head| Search { store, base: &base, head, max_lag, across: &across, policy: &policy }.run();
    let mut found = search(&head)?;
    if !found.complete() && reach::pull(&wanted, store) {
        // What was missing may just have arrived.
        head = Head::find(&wanted, store)?;
        found = search(&head)?;
    }
    if !found.complete() && reach::look_further_back(&wanted, store, (head.commit(), &base), max_lag)? {
        found = search(&head)?;
    }
    if found.complete() && reach::look_further_back(&wanted, store, (head.commit(), &base), search::HISTORY)?
    {
        // What was measured before the base tells the noise.
        found = search(&head)?;
    }
    head.check_environment(&wanted)?;
    warn_of_uncrossed(args, &found);
    Ok(outcome(endpoint(store, &base), found.sections, found.notices, &head))
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
