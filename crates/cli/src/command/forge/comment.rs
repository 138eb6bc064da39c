use std::path::PathBuf;

use perf_render::forge::comment;
use perf_render::report::LONGEST_COMMENT;

use super::{Sending, pages, text};
use crate::failure::{Failure, Result};
use crate::output;
use crate::place::Place;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    sending: Sending,
    /// The number of the pull request, or of the merge request
    #[arg(long, value_name = "NUMBER")]
    on: u64,
    /// The report: what `perf compare --output markdown=FILE` wrote
    #[arg(long, value_name = "FILE")]
    report: PathBuf,
}

/// No character has more bytes than this.
const WIDEST: usize = 4;

pub(super) fn run(args: &Args, place: &Place) -> Result<()> {
    let path = place.path(&args.report);
    let report = text(&path, (LONGEST_COMMENT * WIDEST) as u64)?;
    if report.chars().count() > LONGEST_COMMENT || !report.starts_with("<!-- perf -->") {
        return Err(Failure::new(format!("{}: is no Markdown report", path.display()))
            .hint("`perf compare --output markdown=FILE` writes one"));
    }
    let existing = pages::comments(&place.path(&args.sending.existing))?;
    let planned = comment(&existing, &args.sending.own, &report);
    let request = args.sending.target().comment(args.on, &planned);
    args.sending.write(&request.into_iter().collect::<Vec<_>>(), place)?;
    output::print_json(&planned)
}
