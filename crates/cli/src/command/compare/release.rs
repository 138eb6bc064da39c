use std::path::PathBuf;

use perf_compare::Demand;

use super::args::{Args, PolicySide, digits};
use super::drift::LAST_RELEASE;
use super::report::Report;
use super::sides::MERGE_BASE;
use crate::command::Status;
use crate::failure::Result;
use crate::place::Place;

#[derive(Debug, clap::Args)]
pub(crate) struct ReleaseArgs {
    /// What is judged: a revision, or `worktree` for uncommitted changes [default: worktree if it has changes
    /// that were measured, else HEAD]
    #[arg(long, value_name = "REV")]
    head: Option<String>,
    /// A saved run to judge; --head says which commit it must be of; may be repeated, for several environments
    #[arg(long, value_name = "FILE")]
    head_file: Vec<PathBuf>,
    /// The release to compare with: a revision, or `last-release`, the nearest version tag below the base; may be
    /// repeated
    #[arg(long, value_name = "REV", default_value = LAST_RELEASE)]
    and: Vec<String>,
    /// Compare although this identity fact differs; every report says so
    #[arg(long, value_name = "FACT")]
    across: Vec<String>,
    /// Judge only the environment with this fingerprint (or its first digits)
    #[arg(long, value_name = "FINGERPRINT", value_parser = digits)]
    environment: Option<String>,
    /// Whose perf.toml holds: that of the base, or that of the head
    #[arg(long, value_name = "SIDE", value_enum, default_value_t = PolicySide::Base)]
    policy: PolicySide,
    /// Do not ask the remote for baselines and history that are not here
    #[arg(long)]
    offline: bool,
    /// Write a report, to a file or to `-` (standard output), in a format of `perf compare`; may be repeated
    #[arg(long, value_name = "FORMAT[=FILE]")]
    output: Vec<Report>,
}

pub(crate) fn run(args: &ReleaseArgs, place: &Place) -> Result<Status> {
    let ReleaseArgs { head, head_file, and, across, environment, policy, offline, output } = args;
    let args = Args {
        against: MERGE_BASE.to_owned(),
        head: head.clone(),
        head_file: head_file.clone(),
        and: and.clone(),
        across: across.clone(),
        environment: environment.clone(),
        policy: *policy,
        offline: *offline,
        output: output.clone(),
        demand: Demand::Everything,
        ..Args::default()
    };
    super::run(&args, place)
}
