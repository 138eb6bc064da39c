use perf_render::store::Stored;
use perf_store::{Store, unusable_lines};

use crate::failure::{Failure, Result};
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A revision, or the id of a commit (or its first digits)
    #[arg(value_name = "REV")]
    first: String,
    /// Another
    #[arg(value_name = "REV")]
    second: String,
}

pub(super) fn run(args: &Args, store: &Store) -> Result<()> {
    let (first, second) = (stored(&args.first, store)?, stored(&args.second, store)?);
    output::print(&perf_render::store::diff(&first, &second, output::page()))
}

fn stored(revision: &str, store: &Store) -> Result<Stored> {
    let commit = super::commit(revision, store)?;
    let found = store.find(&commit)?;
    if found.baselines.is_empty() {
        return Err(Failure::new(format!("{revision}: nothing usable is stored for {commit}"))
            .hint("`perf store log` lists what is; `perf store pull` brings what the remote has"));
    }
    Ok(Stored {
        subject: store.known(&commit).map(|commit| commit.subject),
        commit,
        baselines: found.baselines.into_iter().map(|stored| stored.baseline).collect(),
        unreadable: unusable_lines(&found.unusable),
    })
}
