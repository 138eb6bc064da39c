//! Two saved runs.

use std::collections::BTreeSet;
use std::path::Path;

use perf_compare::{BaseChoice, Outcome, Pair, Section, budgets, compare};

use super::args::Args;
use crate::command::saved;
use crate::config::Config;
use crate::failure::Result;

/// Compares two saved runs.
pub(super) fn outcome(args: &Args, config: &Config, (base, head): (&Path, &Path)) -> Result<Outcome> {
    let (base, head) = (saved::read(base)?, saved::read(head)?);
    let across: BTreeSet<String> = args.across.iter().cloned().collect();
    let environment = Some(head.baseline.environment.clone());
    let budgets = budgets(&head.baseline, &config.policy());
    let result = Pair::new(base.baseline, head.baseline, &across)
        .and_then(|pair| compare(pair, &[], &config.policy()));
    Ok(Outcome {
        head: head.endpoint,
        base: base.endpoint,
        choice: BaseChoice::File,
        sections: vec![Section { environment, budgets, result }],
        notices: [base.notice, head.notice].into_iter().flatten().collect(),
        policy: config.policy(),
    })
}
