use perf_store::Store;

use super::remote::RemoteArgs;
use crate::failure::Result;
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    remote: RemoteArgs,
}

pub(super) fn run(args: &Args, store: &Store) -> Result<()> {
    let compacted = store.compact(args.remote.options(store)?.as_ref())?;
    let mut text = String::new();
    for (fingerprint, it) in &compacted {
        text += &format!(
            "{fingerprint}  folded {}; before: {}\n",
            output::counted(it.commits, "commit"),
            it.safety
        );
    }
    output::print(&text)?;
    match compacted.is_empty() {
        true => output::note("every history is one commit already"),
        false => {
            output::note("`git update-ref -d REF` gives up the old history, `git gc` then frees its space")
        }
    }
    Ok(())
}
