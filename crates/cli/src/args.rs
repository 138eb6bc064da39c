use std::path::PathBuf;

use clap::Parser;

use crate::command::Command;

/// Keeps performance baselines in git notes and gates pull requests on them.
#[derive(Debug, Parser)]
#[command(
    name = "perf",
    version,
    after_long_help = "\
Exit status:
  0  judged, and nothing lies beyond a fail limit; or the command did what it was asked
  1  judged, and at least one series regressed beyond its fail limit
  2  error: usage, unreadable input, no repository, corrupt data
  3  refused: nothing could be judged (environments differ, base never measured, nothing shared)

This is not the Linux profiler of the same name."
)]
pub(crate) struct Cli {
    /// Run as if started in this directory
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub(crate) dir: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }
}
