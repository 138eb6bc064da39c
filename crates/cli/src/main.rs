//! `perf` keeps performance baselines in git notes and gates pull requests on them.
//!
//! This crate knows the arguments, the order of calls, where output goes and the exit status. What a format
//! means, what a change means, where a baseline lies and what a report looks like is known by the crates it
//! calls.

mod command;
mod config;
mod failure;
mod output;
mod place;
mod profiler;

use std::process::ExitCode;

use clap::Parser;

use crate::command::Cli;

fn main() -> ExitCode {
    if let Some(failure) = profiler::mistaken_for(std::env::args().skip(1)) {
        return failure.report();
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return output::usage(&error, || Cli::status_of_usage(std::env::args_os())),
    };
    let failed = cli.status_of_failures();
    match command::run(cli) {
        Ok(status) => status.into(),
        Err(failure) => {
            failure.print();
            ExitCode::from(failed)
        }
    }
}
