use std::ops::ControlFlow;
use std::path::PathBuf;
use std::str::FromStr;

use perf_model::{Baseline, CommitId};
use perf_render::badge::{Badge, Standing, endpoint, svg};
use perf_store::Store;
use serde::Deserialize;
use time::OffsetDateTime;

use crate::command::collect::moment;
use crate::command::compare::digits;
use crate::command::{Status, plumbing};
use crate::failure::{Failure, Result};
use crate::output;
use crate::place::Place;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Say how this comparison ended: what `perf compare --output json=FILE` wrote
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// What stands on the left
    #[arg(long, value_name = "TEXT", default_value = "perf")]
    label: String,
    /// Only the environment with this fingerprint (or its first digits)
    #[arg(long, value_name = "FINGERPRINT", value_parser = digits)]
    environment: Option<String>,
    /// Tell the age at this time [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<OffsetDateTime>,
    /// Write `svg` or `endpoint`, to a file or to `-` (standard output); may be repeated [default: svg]
    #[arg(long, value_name = "FORMAT[=FILE]")]
    output: Vec<Target>,
}

/// An image or a document that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    format: Format,
    to: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Svg,
    Endpoint,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (format, to) = text.split_once('=').unwrap_or((text, "-"));
        let format = <Format as clap::ValueEnum>::from_str(format, false)
            .map_err(|_| "expected `svg` or `endpoint`, then `=FILE`".to_owned())?;
        if to.is_empty() {
            return Err("expected a file, or `-` for standard output, after `=`".into());
        }
        Ok(Self { format, to: (to != "-").then(|| to.into()) })
    }
}

/// What a badge needs of a report in JSON.
#[derive(Deserialize)]
struct Report {
    status: String,
    head: Head,
    sections: Vec<Section>,
}

#[derive(Deserialize)]
struct Head {
    commit: Option<String>,
}

#[derive(Deserialize)]
struct Section {
    census: Option<Census>,
}

#[derive(Deserialize)]
struct Census {
    slower: usize,
    regressed: usize,
}

pub(crate) fn run(args: &Args, place: &Place) -> Result<Status> {
    let store = place.store()?;
    let newest = newest(args, &store)?;
    let (standing, commit) = match &args.report {
        Some(path) => of_report(&plumbing::read(path, place)?)?,
        None => match &newest {
            Some(baseline) => (Standing::Measured, Some(baseline.commit.clone())),
            None => (Standing::Unmeasured, None),
        },
    };
    let measured = match &commit {
        Some(commit) if args.report.is_some() => measured(commit, &store)?,
        _ => newest.as_ref().map(Baseline::measured),
    };
    let now = args.at.unwrap_or(place.now);
    let age = measured.map(|measured| (now - measured).try_into().unwrap_or_default());
    let badge = Badge { label: args.label.clone(), standing, commit, age };
    let default = Target { format: Format::Svg, to: None };
    for target in args.output.iter().chain(args.output.is_empty().then_some(&default)) {
        let text = match target.format {
            Format::Svg => svg(&badge),
            Format::Endpoint => endpoint(&badge),
        };
        match &target.to {
            Some(path) => output::write(&place.path(path), text.as_bytes())?,
            None => output::print(&text)?,
        }
    }
    Ok(Status::Done)
}

/// Finds the baseline that was measured last.
fn newest(args: &Args, store: &Store) -> Result<Option<Baseline>> {
    let mut newest: Option<Baseline> = None;
    store.each(|found| {
        for stored in found.baselines {
            let asked = args
                .environment
                .as_ref()
                .is_none_or(|digits| stored.fingerprint.as_str().starts_with(digits));
            let is_newer = newest.as_ref().is_none_or(|it| it.measured() < stored.baseline.measured());
            if asked && is_newer {
                newest = Some(stored.baseline);
            }
        }
        ControlFlow::Continue(())
    })?;
    Ok(newest)
}

/// Finds when a commit was measured last.
fn measured(commit: &CommitId, store: &Store) -> Result<Option<OffsetDateTime>> {
    let found = store.find(commit)?;
    Ok(found.baselines.iter().map(|stored| stored.baseline.measured()).max())
}

fn of_report(report: &Report) -> Result<(Standing, Option<CommitId>)> {
    let mut censuses = report.sections.iter().filter_map(|section| section.census.as_ref());
    let standing = match report.status.as_str() {
        "passed" if censuses.any(|census| census.slower + census.regressed > 0) => Standing::Slower,
        "passed" => Standing::Passed,
        "failed" => Standing::Failed,
        "refused" => Standing::Refused,
        other => {
            return Err(Failure::new(format!("the report's status is `{other}`, which is none of ours"))
                .hint("`perf compare --output json=report.json` writes one"));
        }
    };
    let commit = report.head.commit.as_ref().and_then(|commit| commit.parse().ok());
    Ok((standing, commit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_badge_goes_to_standard_output_unless_a_file_is_named() {
        assert_eq!("svg".parse(), Ok(Target { format: Format::Svg, to: None }));
        let to = Some("b.json".into());
        assert_eq!("endpoint=b.json".parse(), Ok(Target { format: Format::Endpoint, to }));
        for bad in ["", "png", "svg=", "=x"] {
            assert!(bad.parse::<Target>().is_err(), "{bad}");
        }
    }
}
