use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use perf_collect::{Manner, Options, Processors};
use perf_model::{Better, Rank};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use crate::config::{Config, NICE};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Output of benchmark tools: files, directories, or `-` for standard input
    #[arg(value_name = "PATH", conflicts_with = "command")]
    pub(super) paths: Vec<PathBuf>,
    /// The format of the output; detected by content where not given
    #[arg(long, value_name = "NAME", conflicts_with = "command")]
    pub(super) format: Option<String>,
    /// Whether lower or higher is better in a metric whose output does not tell it; may be repeated
    #[arg(long, value_name = "METRIC=lower|higher", value_parser = direction)]
    pub(super) better: Vec<(String, Better)>,
    /// Put this and `/` before the name of every benchmark, for tools that do not name what they measured
    #[arg(long, value_name = "NAME", conflicts_with = "command")]
    pub(super) prefix: Option<String>,
    /// Refuse files and streams that are larger
    #[arg(long, value_name = "N", default_value_t = Options::default().max_bytes)]
    pub(super) max_bytes: u64,
    /// Refuse output with more readings: a record keeps them all
    #[arg(long, value_name = "N", default_value_t = Options::default().max_readings)]
    pub(super) max_readings: usize,
    /// Compute these percentiles of the raw samples of every duration, such as `50,95,99`, as series of their own
    #[arg(long, value_name = "RANKS", value_delimiter = ',')]
    pub(super) percentiles: Vec<Rank>,
    /// Print the formats that can be read
    #[arg(long, exclusive = true)]
    pub(super) list_formats: bool,
    /// Run the suites' `run` commands first
    #[arg(long, conflicts_with_all = ["paths", "command"])]
    pub(super) run: bool,
    /// Record this many runs, one after the other; each runs the suites (or the command) anew
    #[arg(long, value_name = "N", default_value = "1")]
    pub(super) rounds: NonZeroU32,
    /// How often to execute the command; each execution is one sample of the run
    #[arg(long, value_name = "N", requires = "command", default_value = "10")]
    pub(super) runs: NonZeroU32,
    /// How often to execute the command before measuring
    #[arg(long, value_name = "K", requires = "command", default_value = "0")]
    pub(super) warmup: u32,
    /// The benchmark's name; the command line where not given
    #[arg(long, value_name = "NAME", requires = "command", value_parser = NonEmptyStringValueParser::new())]
    pub(super) name: Option<String>,
    /// Keep only this metric of the command; may be repeated
    #[arg(long, value_name = "NAME", requires = "command", value_parser = METRICS)]
    pub(super) metric: Vec<String>,
    /// Count the instructions of the command as well, where the kernel allows it
    #[arg(long, requires = "command")]
    pub(super) counters: bool,
    /// Keep the command, or the suites, on these processors, such as `2-3` [default: perf.toml, else all]
    #[arg(long, value_name = "CPUS")]
    pub(super) pin: Option<Processors>,
    /// Give it this priority, from -20 (most) to 19 (least) [default: perf.toml, else that of `perf`]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = nice)]
    pub(super) nice: Option<i32>,
    /// Record for this commit instead of HEAD
    #[arg(long, value_name = "REV")]
    pub(super) commit: Option<String>,
    /// Add or override an identity fact of the environment
    #[arg(long = "env", value_name = "KEY=VALUE", value_parser = fact)]
    pub(super) set: Vec<(String, String)>,
    /// When it was measured: `2026-01-31`, `2026-01-31T12:00:00Z` [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(super) time: Option<OffsetDateTime>,
    /// Declare that a new level begins with this run, on purpose: why (see docs/rebaselining.md)
    #[arg(long, value_name = "REASON", value_parser = reason, conflicts_with = "dry_run")]
    pub(super) rebaseline: Option<String>,
    /// Record nothing; print what was read
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Record nothing; write the run to a file, for `perf store add` in a job that may write, or `perf compare
    /// --head-file`
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    pub(super) save: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(super) json: bool,
    /// A command to measure: wall, user and system time and peak memory
    #[arg(last = true, value_name = "CMD")]
    pub(super) command: Vec<OsString>,
}

/// What is read off a command.
const METRICS: [&str; 5] = ["time", "user-time", "system-time", "peak-rss", "instructions"];

impl Args {
    /// Returns how what is measured is to run: as the flags say, else as `perf.toml` does.
    pub(super) fn manner(&self, config: &Config) -> Manner {
        let of_file = config.measure.manner();
        let of_suites = self.run && config.suite.iter().any(|suite| suite.counters);
        let asked = self.counters || self.metric.iter().any(|metric| metric == "instructions");
        Manner {
            pin: self.pin.clone().or(of_file.pin),
            nice: self.nice.or(of_file.nice),
            counted: asked || of_suites,
        }
    }
}

/// Parses `KEY=VALUE`.
pub(crate) fn fact(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.trim().to_owned())),
        Some(_) | None => Err("expected KEY=VALUE".into()),
    }
}

/// Parses a priority.
pub(crate) fn nice(text: &str) -> std::result::Result<i32, String> {
    let number = text.parse().ok().filter(|number| NICE.contains(number));
    number.ok_or_else(|| "expected a number from -20 to 19".into())
}

/// Parses `METRIC=lower` and `METRIC=higher`.
pub(crate) fn direction(text: &str) -> std::result::Result<(String, Better), String> {
    let (metric, word) = text.rsplit_once('=').ok_or("expected METRIC=lower or METRIC=higher")?;
    let better = Better::from_word(word).ok_or("expected `lower` or `higher` after the `=`")?;
    Ok((metric.to_owned(), better))
}

/// Parses a reason: whoever meets the record in a year has nothing else.
pub(crate) fn reason(text: &str) -> std::result::Result<String, String> {
    const LONGEST: usize = 1_000;
    match text.trim() {
        "" => Err("expected a reason: whoever reads the record will want to know why".into()),
        long if long.len() > LONGEST => Err(format!("expected at most {LONGEST} bytes")),
        reason => Ok(reason.to_owned()),
    }
}

/// Parses a day or a moment.
pub(crate) fn moment(text: &str) -> std::result::Result<OffsetDateTime, String> {
    let day = time::Date::parse(text, format_description!("[year]-[month]-[day]"));
    day.map(|day| day.midnight().assume_utc())
        .or_else(|_| OffsetDateTime::parse(text, &Rfc3339))
        .map_err(|_| "expected a day such as 2026-01-31 or a time such as 2026-01-31T12:00:00Z".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_and_moments_are_read_as_documented() {
        assert_eq!(fact("cpu = big = fast"), Ok(("cpu".into(), "big = fast".into())));
        assert!(fact("cpu").is_err() && fact("=x").is_err());
        assert_eq!(direction("a=b=higher"), Ok(("a=b".into(), Better::Higher)));
        assert!(direction("a").is_err() && direction("a=up").is_err());
        for good in ["2026-01-31", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00+02:00"] {
            assert!(moment(good).is_ok(), "{good}");
        }
        for bad in ["", "yesterday", "2026-02-30", "1700000000"] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }
}
