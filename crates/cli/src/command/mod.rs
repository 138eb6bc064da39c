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
mod late;
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

pub(crate) use self::late::Late;
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
    /// Returns the exit status of failures of this command.
    pub(crate) fn status_of_failures(&self) -> u8 {
        if matches!(self.command, Command::BisectStep(_)) { bisect::STEP_FAILED } else { failure::STATUS }
    }

    /// Returns the exit status of a call that is not understood. Where any word of it may have been meant as the command
    /// that git calls, git must not take it for an answer.
    pub(crate) fn status_of_usage(args: impl IntoIterator<Item = OsString>) -> u8 {
        let prefix = bisect::STEP.trim_end_matches(char::is_alphabetic);
        let is_step = |arg: OsString| arg.to_str().is_some_and(|arg| arg.starts_with(prefix));
        if args.into_iter().any(is_step) { bisect::STEP_FAILED } else { failure::STATUS }
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
    /// Read benchmark output, or measure a command, and record one run
    ///
    /// Without paths it reads every `[[suite]]` of perf.toml, or `target/criterion` where none is configured. The run
    /// is recorded for HEAD; with uncommitted changes it is kept for this work tree only.
    Collect(Late<collect::Args>),
    /// Compare with a baseline: verdicts, a report and an exit status
    ///
    /// The base is the merge base with the base branch, or any revision, or a saved run. Where the base has no
    /// baseline in the head's environment, the nearest first-parent ancestor with one serves (max-lag in
    /// perf.toml), and the report says so; where there is none the comparison is refused with the reason.
    Compare(Late<compare::Args>),
    /// Judge a release: against its base, against the last release, and by its budgets
    ///
    /// Like `perf compare --and last-release`, but nothing passes for lack of numbers: an environment, a series that may
    /// fail or a budget that nobody could judge is a refusal (exit status 3), whatever on-refusal in perf.toml says.
    ReleaseCheck(Late<compare::ReleaseArgs>),
    /// Find the commit that changed a benchmark: stored baselines first, then probes measured in turns
    ///
    /// GOOD must be a first-parent ancestor of BAD. Both ends are measured first: where they do not differ on this machine
    /// there is nothing to find (exit status 3). Commits that do not build are skipped.
    Bisect(Late<bisect::Args>),
    /// Measure HEAD against a good commit and answer as `git bisect run` wants it
    ///
    /// Exit status: 0 good; 1 bad; 125 cannot tell, such as for a commit that does not build: git goes around it; 128 an
    /// error, which ends the search: a wrong argument, a benchmark that nobody measures, a good commit that does not
    /// build. `perf bisect` needs fewer steps.
    BisectStep(Late<bisect::StepArgs>),
    /// Show how series went along the first parents of a commit: course, trend, changes of level
    ///
    /// Nothing is guessed between commits: a stretch that was not measured, or measured in another environment, is a
    /// break. Changes of level are looked for in the whole history, whatever --last shows of it.
    History(Late<history::Args>),
    /// Name the commit that moved a benchmark, or the range of commits that it lies in
    ///
    /// Tells the newest change of level of each of its series: by whom, what was measured on either side, how large it
    /// is and how sure.
    Blame(Late<blame::Args>),
    /// Derive the verdict on a benchmark step by step: runs, noise floor, rule, limits
    ///
    /// Takes what `perf compare` takes and compares the same. Exit status 3 where nothing could be judged, else 0: this
    /// explains, it is no gate.
    Explain(Late<explain::Args>),
    /// Show this machine's environment: identity, context and fingerprint
    ///
    /// Two runs whose identity differs cannot be compared; context is recorded and shown. The harness and its
    /// toolchain are part of the identity of a run; here they are those of the suites in perf.toml.
    Env(env::Args),
    /// Look at stored baselines and share them
    #[command(subcommand)]
    Store(store::Command),
    /// Write a commented perf.toml and print the recipe for CI
    Init(Late<init::Args>),
    /// Say what would keep the gate from working here, and how to mend each
    ///
    /// Exit status 1 where something would; warnings alone are status 0.
    Doctor(Late<doctor::Args>),
    /// Show what perf.toml asks of a series, and which rule asks it
    Rules(Late<rules::Args>),
    /// Learn limits from the recorded history: each series' noise, what can be detected, and a change of perf.toml
    ///
    /// Reads the baselines of HEAD and its first parents in one environment, back to the newest declared level. A series
    /// with fewer than 10 of them gets no proposal. Limits are proposed as wide as three runs on each side can tell; an
    /// exhibit that was stable over its newest 10 baselines is promoted, a series too noisy for any limit demoted.
    Calibrate(Late<calibrate::Args>),
    /// Judge one case, given as JSON, by the statistics (plumbing)
    ///
    /// For scoring the rule on data of one's own; docs/verdict.md describes the JSON and the rule.
    Verdict(Late<verdict::Args>),
    /// Find where the level of a history changed for good, given as JSON (plumbing)
    ///
    /// Prints indices (the first value of each new level), relative sizes with their 95 % intervals, and p-values;
    /// a change with only three to nine values behind it is `possible`.
    Changepoints(Late<changepoints::Args>),
    /// Plan what a courier sends to a forge: the comment on a pull request, issues about regressions
    ///
    /// Nothing is sent from here and no token is needed: what the forge already holds is read from a file, and what is
    /// to be sent is written to files, one request each. scripts/forge has couriers that pass both on with `gh` and
    /// `glab`.
    #[command(subcommand)]
    Forge(forge::Command),
    /// Write a badge: how the last comparison ended, or what was measured last, and how long ago
    ///
    /// An SVG image that needs nothing else, or the JSON of a shields.io endpoint. Nothing is asked of the network.
    Badge(Late<badge::Args>),
    /// Print the completions of a shell
    ///
    /// For example `perf completions bash > ~/.local/share/bash-completion/completions/perf`, or in ~/.zshrc
    /// `source <(perf completions zsh)`. Where the Linux profiler has completions for its own `perf`, these replace them.
    Completions(Late<completions::Args>),
    /// Wait for the end of standard input, then remove the checkouts of a session that has died
    ///
    /// `perf` starts this itself, beside every session that measures in turns.
    #[command(hide = true)]
    Tidy(Late<measure::TidyArgs>),
    /// Print a reference (docs/cli.md, docs/formats.md and the schemas in docs/schema are made with it), or write manual pages
    #[command(hide = true)]
    Reference(Late<reference::Args>),
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
        Command::Collect(Late(args)) => collect::run(&args, &place),
        Command::Compare(Late(args)) => compare::run(&args, &place),
        Command::ReleaseCheck(Late(args)) => compare::release_check(&args, &place),
        Command::Bisect(Late(args)) => bisect::run(&args, &place),
        Command::BisectStep(Late(args)) => bisect::step(&args, &place),
        Command::Blame(Late(args)) => blame::run(&args, &place),
        Command::Explain(Late(args)) => explain::run(&args, &place),
        Command::History(Late(args)) => history::run(&args, &place),
        Command::Env(args) => env::run(&args, &place),
        Command::Store(command) => store::run(&command, &place),
        Command::Init(Late(args)) => init::run(&args, &place),
        Command::Doctor(Late(args)) => doctor::run(&args, &place),
        Command::Calibrate(Late(args)) => calibrate::run(&args, &place),
        Command::Rules(Late(args)) => rules::run(&args, &place),
        Command::Verdict(Late(args)) => verdict::run(&args, &place),
        Command::Changepoints(Late(args)) => changepoints::run(&args, &place),
        Command::Forge(command) => forge::run(&command, &place),
        Command::Badge(Late(args)) => badge::run(&args, &place),
        Command::Completions(Late(args)) => completions::run(&args, Cli::command()),
        Command::Tidy(Late(args)) => measure::tidy(&args, &place),
        Command::Reference(Late(args)) => reference::run(&args, Cli::command(), &place),
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
