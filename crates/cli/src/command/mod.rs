//! One file, one set of arguments and one function for each command.

mod badge;
mod bisect;
mod blame;
mod calibrate;
mod changepoints;
mod collect;
mod compare;
mod completions;
mod doctor;
mod env;
mod explain;
mod forge;
mod handed_in;
mod history;
mod init;
mod measure;
mod plumbing;
mod reference;
mod renamed;
mod rules;
mod saved;
mod store;
mod verdict;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use time::OffsetDateTime;

use crate::failure::{self, Failure, Result};
use crate::output;
use crate::place::Place;

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
`perf bisect-step` alone speaks the language of `git bisect run`: its help says so.

Environment variables:
  NO_COLOR        no colours, whatever its value; --color outranks it
  CLICOLOR_FORCE  colours also where nothing is a terminal
  PERF_PAGER      the pager for output that is longer than the terminal [default: $PAGER, else less]

This is not the Linux profiler of the same name."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    manner: Manner,
    #[command(subcommand)]
    command: Command,
}

impl Cli {
    /// Returns the exit status of failures of the command that was called, be it as it should or not.
    pub(crate) fn status_of_failures(args: impl IntoIterator<Item = OsString>) -> u8 {
        let forgiving = Self::command().ignore_errors(true).try_get_matches_from(args);
        match forgiving.as_ref().ok().and_then(|matches| matches.subcommand_name()) {
            Some(bisect::STEP) => bisect::STEP_FAILED,
            Some(_) | None => failure::STATUS,
        }
    }
}

#[cfg(test)]
pub(crate) use self::init::templates as init_templates;

/// How a command works, whichever it is.
#[derive(Debug, clap::Args)]
struct Manner {
    /// Run as if started in this directory
    #[arg(short = 'C', value_name = "DIR", global = true, help_heading = GLOBAL)]
    dir: Option<PathBuf>,
    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto", global = true, help_heading = GLOBAL)]
    color: clap::ColorChoice,
    /// Say nothing on standard error but warnings and errors
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    quiet: bool,
    /// Do not page long output, even on a terminal
    #[arg(long, global = true, help_heading = GLOBAL)]
    no_pager: bool,
}

const GLOBAL: &str = "Global options";

/// What `perf` can do.
#[derive(Debug, Subcommand)]
enum Command {
    Collect(collect::Args),
    Compare(compare::Args),
    ReleaseCheck(compare::ReleaseArgs),
    Bisect(bisect::Args),
    BisectStep(bisect::StepArgs),
    History(history::Args),
    Blame(blame::Args),
    Explain(explain::Args),
    Env(env::Args),
    #[command(subcommand)]
    Store(store::Command),
    Init(init::Args),
    Doctor(doctor::Args),
    Rules(rules::Args),
    Calibrate(calibrate::Args),
    Verdict(verdict::Args),
    Changepoints(changepoints::Args),
    #[command(subcommand)]
    Forge(forge::Command),
    Badge(badge::Args),
    Completions(completions::Args),
    #[command(hide = true)]
    Tidy(measure::TidyArgs),
    #[command(hide = true)]
    Reference(reference::Args),
}

/// How a command ended that did its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// All is well.
    Done,
    /// Judged, and beyond a limit.
    Failed,
    /// Nothing could be judged.
    Refused,
    /// `git bisect run` is told to skip this commit.
    Untold,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        ExitCode::from(match status {
            Status::Done => 0,
            Status::Failed => 1,
            Status::Refused => 3,
            Status::Untold => 125,
        })
    }
}

/// Runs the command that was asked for.
pub(crate) fn run(cli: Cli) -> Result<Status> {
    let Manner { dir: given, color, quiet, no_pager } = cli.manner;
    output::Manner { color, quiet, pages: !no_pager }.begin();
    let current = std::env::current_dir()
        .map_err(|error| Failure::new("the current directory cannot be read").because(&error))?;
    let dir = given.as_ref().map_or_else(|| current.clone(), |dir| current.join(dir));
    if !dir.is_dir() {
        return Err(Failure::new(format!("{}: no such directory", dir.display())));
    }
    let place = Place { dir, given, now: OffsetDateTime::now_utc() };
    match cli.command {
        Command::Collect(args) => collect::run(&args, &place),
        Command::Compare(args) => compare::run(&args, &place),
        Command::ReleaseCheck(args) => compare::release_check(&args, &place),
        Command::Bisect(args) => bisect::run(&args, &place),
        Command::BisectStep(args) => bisect::step(&args, &place),
        Command::Blame(args) => blame::run(&args, &place),
        Command::Explain(args) => explain::run(&args, &place),
        Command::History(args) => history::run(&args, &place),
        Command::Env(args) => env::run(&args, &place),
        Command::Store(command) => store::run(&command, &place),
        Command::Init(args) => init::run(&args, &place),
        Command::Doctor(args) => doctor::run(&args, &place),
        Command::Calibrate(args) => calibrate::run(&args, &place),
        Command::Rules(args) => rules::run(&args, &place),
        Command::Verdict(args) => verdict::run(&args, &place),
        Command::Changepoints(args) => changepoints::run(&args, &place),
        Command::Forge(command) => forge::run(&command, &place),
        Command::Badge(args) => badge::run(&args, &place),
        Command::Completions(args) => completions::run(&args, Cli::command()),
        Command::Tidy(args) => measure::tidy(&args, &place),
        Command::Reference(args) => reference::run(&args, Cli::command(), &place),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }
}
