use perf_store::{Keep, Store};

use super::remote::RemoteArgs;
use crate::failure::{Failure, Result};
use crate::output;

#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("limit").args(["older_than", "max_commits"]).required(true).multiple(true)))]
pub(crate) struct Args {
    /// Keep what was measured within this many days
    #[arg(long, value_name = "DAYS")]
    older_than: Option<u32>,
    /// Keep the newest so many commits of each environment
    #[arg(long, value_name = "N")]
    max_commits: Option<usize>,
    /// Keep the newest so many first parents of HEAD
    #[arg(long, value_name = "N", default_value = "50")]
    keep_first_parents: usize,
    /// Do it
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    remote: RemoteArgs,
}

pub(super) fn run(args: &Args, store: &Store) -> Result<()> {
    let keep = Keep {
        younger_than: args.older_than.map(|days| time::Duration::days(days.into())),
        newest: args.max_commits,
        first_parents: match args.keep_first_parents {
            0 => None,
            newest => Some((store.resolve("HEAD")?.lineage.commit, newest)),
        },
    };
    let pruned = if args.yes {
        store.prune(&keep, args.remote.options(store)?.as_ref())
    } else {
        store.plan_prune(&keep)
    };
    let pruned = pruned.map_err(|error| match error {
        perf_store::StoreError::Shallow => {
            Failure::from(error).hint("`git fetch --unshallow`, or `--keep-first-parents 0`")
        }
        other => other.into(),
    })?;
    let (done, kept) = if args.yes { ("took out", "left") } else { ("would take out", "would be left") };
    let mut text = String::new();
    for (fingerprint, pruned) in &pruned {
        text += &format!(
            "{fingerprint}  {done} {} of {} ({} bytes), {} {kept}\n",
            output::counted(pruned.lines, "line"),
            output::counted(pruned.commits, "commit"),
            pruned.bytes,
            pruned.kept
        );
    }
    output::print(&text)?;
    match (pruned.is_empty(), args.yes) {
        (true, _) => output::note("every baseline is kept by some rule"),
        (false, true) => output::note("`perf store compact` frees the space that their history takes"),
        (false, false) => output::note("nothing was changed: --yes does it"),
    }
    Ok(())
}
