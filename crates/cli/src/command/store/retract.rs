use perf_store::Store;

use crate::failure::{Failure, Result};
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A revision, or the id of a commit (or its first digits)
    #[arg(value_name = "REV")]
    revision: String,
    /// Why these runs are not to be trusted
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Only in the environment with this fingerprint (or its first digits)
    #[arg(long, value_name = "FINGERPRINT")]
    environment: Option<String>,
}

pub(super) fn run(args: &Args, store: &Store) -> Result<()> {
    if args.reason.trim().is_empty() {
        return Err(Failure::new("--reason is empty: whoever misses these runs will want to know why"));
    }
    let commit = super::commit(&args.revision, store)?;
    for retracted in store.retract(&commit, args.environment.as_deref(), args.reason.trim())? {
        let runs = output::counted(retracted.runs, "run");
        output::note(&format!(
            "retracted {runs} of {} in environment {}; `perf store push` shares that",
            commit.short(),
            retracted.fingerprint
        ));
    }
    Ok(())
}
