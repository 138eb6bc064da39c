use std::path::PathBuf;

use perf_store::Store;

use crate::command::handed_in::HandedIn;
use crate::failure::{self, Result};
use crate::output;
use crate::place::Place;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files with saved runs
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The commit that the runs must be of [default: the one that they name]
    #[arg(long, value_name = "REV")]
    commit: Option<String>,
}

pub(super) fn run(args: &Args, place: &Place, store: &Store) -> Result<()> {
    let Some(handed_in) = HandedIn::read(&args.files, place)? else { return Ok(()) };
    let (commit, stored) = handed_in.head(args.commit.as_deref(), store)?;
    let mut recorded = 0;
    for run in stored.iter().flat_map(|stored| &stored.baseline.runs) {
        recorded += 1;
        if let Some(error) = store.record(run)?.unfolded {
            let error = failure::in_one_line(error);
            output::warn(&format!("recorded in the journal, not yet in the notes: {error}"));
        }
    }
    let runs = output::counted(recorded, "run");
    output::note(&format!("recorded {runs} for {}", commit.lineage.commit.short()));
    Ok(())
}
