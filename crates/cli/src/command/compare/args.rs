//! What `perf compare` is asked, and what of it goes before `perf.toml`.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::ArgGroup;
use perf_collect::Processors;
use perf_compare::Demand;

use super::report::Report;
use super::sides::MERGE_BASE;
use crate::command::collect::{fact, nice};
use crate::config::{Bootstrap, Config, JudgeBy, OnInconclusive, OnRefusal, OnSuiteShift, Percent, Pin};
use crate::failure::{Failure, Result};

#[derive(Debug, Default, clap::Args)]
#[command(group = ArgGroup::new("measuring").args(["measure", "bootstrap", "confirm"]).multiple(true))]
pub(crate) struct Args {
    /// What to compare with: `merge-base`, or any revision
    #[arg(long, value_name = "REV", default_value = MERGE_BASE)]
    pub(super) against: String,
    /// Compare with a fixed reference as well, so that many small steps are seen: a revision, or `last-release`, the
    /// nearest version tag below the base; may be repeated
    #[arg(long, value_name = "REV", conflicts_with = "base_file")]
    pub(super) and: Vec<String>,
    /// What is judged: a revision, or `worktree` for uncommitted changes [default: worktree if it has changes
    /// that were measured, else HEAD]
    #[arg(long, value_name = "REV")]
    pub(super) head: Option<String>,
    /// A saved run to compare with
    #[arg(long, value_name = "FILE", requires = "head_file", conflicts_with_all = ["against", "head", "environment"])]
    pub(super) base_file: Option<PathBuf>,
    /// A saved run to judge. Without --base-file its base is found in the store, and --head says which commit it
    /// must be of; may be repeated, for several environments
    #[arg(long, value_name = "FILE")]
    pub(super) head_file: Vec<PathBuf>,
    /// Compare although this identity fact differs; every report says so
    #[arg(long, value_name = "FACT")]
    pub(super) across: Vec<String>,
    /// Judge only the environment with this fingerprint (or its first digits)
    #[arg(long, value_name = "FINGERPRINT", value_parser = digits)]
    pub(super) environment: Option<String>,
    /// Whose perf.toml holds: that of the commit compared with, so that nobody loosens his own gate, or that of the
    /// head, for trying limits out
    #[arg(long, value_name = "SIDE", value_enum, default_value_t = PolicySide::Base)]
    pub(super) policy: PolicySide,
    /// From here on a series is slower [default: perf.toml, else 10%]
    #[arg(long, value_name = "PERCENT")]
    pub(super) warn: Option<Percent>,
    /// From here on a series fails the gate [default: perf.toml, else 25%]
    #[arg(long, value_name = "PERCENT")]
    pub(super) fail: Option<Percent>,
    /// What an undecided series means [default: perf.toml, else pass]
    #[arg(long, value_name = "WHAT")]
    pub(super) inconclusive: Option<OnInconclusive>,
    /// What decides: `statistics` (a change must be real and large) or the `limits` alone [default: perf.toml,
    /// else statistics]
    #[arg(long, value_name = "WHAT")]
    pub(super) judge: Option<JudgeBy>,
    /// Let a single run of the head fail, not only warn
    #[arg(long)]
    pub(super) fail_on_one_run: bool,
    /// What it means that the whole suite became slower as one [default: perf.toml, else fail]
    #[arg(long, value_name = "WHAT")]
    pub(super) suite_shift: Option<OnSuiteShift>,
    /// What a comparison that cannot be made means [default: perf.toml, else fail]
    #[arg(long, value_name = "WHAT")]
    pub(super) on_refusal: Option<OnRefusal>,
    /// Do not ask the remote for baselines and history that are not here
    #[arg(long)]
    pub(super) offline: bool,
    /// Measure base and head here, in turns: 2 rounds of every suite, then up to 5 of those that are not decided
    #[arg(long, conflicts_with_all = ["base_file", "head_file", "environment"])]
    pub(super) measure: bool,
    /// Do so where no baseline of the base is stored, or none that may be compared [default: as `bootstrap` in
    /// perf.toml]
    #[arg(long, conflicts_with_all = ["base_file", "head_file", "measure"])]
    pub(super) bootstrap: bool,
    /// Measure what warns or fails again, in turns; what does not show again is `not confirmed` and no failure
    #[arg(long, conflicts_with_all = ["base_file", "head_file", "measure"])]
    pub(super) confirm: bool,
    /// Measure exactly so many rounds; with --confirm or --target-mde: at most
    #[arg(long, value_name = "N", requires = "measuring")]
    pub(super) rounds: Option<NonZeroU32>,
    /// After the first two rounds, begin none after so many minutes
    #[arg(long, value_name = "MINUTES", requires = "measuring")]
    pub(super) max_minutes: Option<NonZeroU32>,
    /// Measure as many rounds as show a change of this size in half of the series, as far as their noise tells
    #[arg(long, value_name = "PERCENT", requires = "measuring")]
    pub(super) target_mde: Option<Percent>,
    /// Do not measure the base against itself beside the head: a third less to measure, but nothing tells a session
    /// that measured the machine
    #[arg(long, requires = "measuring")]
    pub(super) no_control: bool,
    /// Keep what is measured on these processors, such as `2-3` [default: perf.toml, else all]
    #[arg(long, value_name = "CPUS", requires = "measuring")]
    pub(super) pin: Option<Processors>,
    /// Give what is measured this priority, from -20 (most) to 19 (least) [default: perf.toml, else that of `perf`]
    #[arg(long, value_name = "N", requires = "measuring", allow_negative_numbers = true, value_parser = nice)]
    pub(super) nice: Option<i32>,
    /// Add or override an identity fact of what is measured
    #[arg(long = "env", value_name = "KEY=VALUE", value_parser = fact, requires = "measuring")]
    pub(super) set: Vec<(String, String)>,
    /// Write a report, to a file or to `-` (standard output): `text`, `markdown`, `json`, `html`, `github` (annotations
    /// of GitHub Actions) or `check` (a check run for GitHub's API); may be repeated
    #[arg(long, value_name = "FORMAT[=FILE]")]
    pub(super) output: Vec<Report>,
    /// What it takes to pass: another command asks for more.
    #[arg(skip)]
    pub(super) demand: Demand,
}

/// Whose `perf.toml` holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum PolicySide {
    /// That of the commit compared with.
    #[default]
    Base,
    /// That of the head.
    Head,
}

/// Parses a fingerprint or its first digits.
pub(crate) fn digits(text: &str) -> std::result::Result<String, String> {
    let valid = !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if valid { Ok(text.to_owned()) } else { Err("expected lower-case hexadecimal digits".into()) }
}

impl Args {
    /// Puts the flags in the place of what the file says.
    pub(super) fn apply_to(&self, config: &mut Config) -> Result<()> {
        // A fail limit alone, stricter than the warn limit of the file, means that nothing may pass between them.
        if let (Some(fail), None, Some(warn)) = (self.fail, self.warn, config.warn)
            && warn.0 > fail.0
        {
            config.warn = None;
        }
        config.warn = self.warn.or(config.warn);
        config.fail = self.fail.unwrap_or(config.fail);
        config.inconclusive = self.inconclusive.unwrap_or(config.inconclusive);
        config.judge = self.judge.unwrap_or(config.judge);
        config.fail_on_one_run |= self.fail_on_one_run;
        config.suite_shift = self.suite_shift.unwrap_or(config.suite_shift);
        if self.bootstrap {
            config.bootstrap = Bootstrap::Measure;
        }
        config.on_refusal = self.on_refusal.unwrap_or(config.on_refusal);
        config.measure.pin = self.pin.clone().map(Pin).or(config.measure.pin.take());
        config.measure.nice = self.nice.or(config.measure.nice);
        if self.target_mde.is_some_and(|target| target.0 <= 0.0) {
            return Err(Failure::new("--target-mde: no number of rounds shows a change of 0 %"));
        }
        config.check().map_err(Failure::new)
    }
}
