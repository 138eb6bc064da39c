//! Two saved runs.

use std::collections::BTreeSet;
use std::path::Path;

use super::args::Args;
use super::policy::Governing;
use super::search::Sections;
use crate::command::saved;
use crate::failure::Result;
use perf_compare::{BaseChoice, Outcome, Pair, Section, aged, budgets, compare, idle_rules};

/// Compares two saved runs.
pub(super) fn outcome(args: &Args, governing: &Governing, (base, head): (&Path, &Path)) -> Result<Outcome> {
    let (base, head) = (saved::read(base)?, saved::read(head)?);
    let across: BTreeSet<String> = args.across.iter().cloned().collect();
    let environment = Some(head.baseline.environment.clone());
    let policy = governing.config.policy();
    let mut budgets = budgets(&head.baseline, &policy);
    let series = base.baseline.series().union(&head.baseline.series()).cloned().collect();
    let pair = Pair::new(base.baseline, head.baseline, &across);
    let old = pair.as_ref().ok().and_then(|pair| aged(pair, &policy));
    let result = pair.and_then(|pair| compare(pair, &[], &policy));
    if let Ok(comparison) = &result {
        budgets = budgets.without(&comparison.missing, &policy);
    }
    let notices = [base.notice, head.notice, old].into_iter().flatten();
    let found = Sections {
        sections: vec![Section { environment, budgets, result }],
        notices: notices.chain(idle_rules(&policy, &series)).collect(),
    };
    Ok(governing.outcome(args, (base.endpoint, head.endpoint), BaseChoice::File, found))
}
