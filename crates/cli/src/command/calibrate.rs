mod edit;

use std::path::Path;

use perf_compare::{Calibration, calibrate};
use perf_model::{Baseline, Environment};
use perf_render::calibration::{Report, json, markdown, text};
use perf_store::Store;

use crate::command::{Status, renamed};
use crate::config::{Config, FILE};
use crate::failure::{Failure, Result};
use crate::output;
use crate::place::Place;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Learn from the environment with this fingerprint (or its first digits) [default: the one that HEAD or its
    /// nearest measured ancestor was last measured in]
    #[arg(long, value_name = "FINGERPRINT")]
    environment: Option<String>,
    /// Change perf.toml; comments and everything else stay
    #[arg(long)]
    write: bool,
    /// How to print the report
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    output: Format,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Markdown,
    Json,
}

/// How many baselines are read: older ones say little of the machine of today.
const HISTORY: usize = 50;

pub(crate) fn run(args: &Args, place: &Place) -> Result<Status> {
    let store = place.store()?;
    let top = place.top(Some(&store));
    let config = Config::load(&top)?;
    let path = top.join(FILE);
    let before = if path.exists() { read(&path)? } else { String::new() };
    let (mut history, environment, others) = history(args, &store)?;
    let policy = config.policy();
    renamed::baselines(&mut history, &policy.aliases);
    let calibration = calibrate(&history, &policy);
    let after = proposed(&before, &path, &config, &calibration)?;
    let (before, after) = (before.as_str(), after.as_str());
    let report = Report { calibration: &calibration, environment: &environment, others, before, after };
    output::print(&match args.output {
        Format::Text => text(&report, output::page()),
        Format::Markdown => markdown(&report),
        Format::Json => json(&report),
    })?;
    finish(args, &report, &path)
}

fn finish(args: &Args, report: &Report, path: &Path) -> Result<Status> {
    match (report.before == report.after, args.write) {
        (true, _) => output::note("nothing to change in perf.toml"),
        (false, false) => output::note("`perf calibrate --write` makes this change"),
        (false, true) => {
            output::write(path, report.after.as_bytes())?;
            output::note(&format!("wrote {}: `git diff` shows it", path.display()));
        }
    }
    Ok(Status::Done)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::new(format!("{}: cannot be read", path.display())).because(&error))
}

/// Returns the newest baselines of HEAD's first parents in one environment, oldest first, and how many other
/// environments have any.
fn history(args: &Args, store: &Store) -> Result<(Vec<Baseline>, Environment, usize)> {
    let head = store.resolve("HEAD")?.lineage.commit;
    let mut found: Vec<Vec<Baseline>> = Vec::new();
    let fingerprints = store.fingerprints()?;
    for fingerprint in &fingerprints {
        let wanted = args.environment.as_deref().unwrap_or_default();
        if !fingerprint.as_str().starts_with(wanted) {
            continue;
        }
        let mut history = store.history(&head, fingerprint, HISTORY)?;
        history.extend(store.find_in(fingerprint, &head)?);
        found.extend((!history.is_empty()).then_some(history));
    }
    let measured = |history: &Vec<Baseline>| history.last().map(Baseline::measured);
    let others = found.len().saturating_sub(1);
    match found.into_iter().max_by_key(measured) {
        Some(history) => {
            let environment = history.last().expect("it is not empty").environment.clone();
            Ok((history, environment, others))
        }
        None => {
            let place =
                args.environment.as_ref().map_or_else(String::new, |it| format!(" in environment {it}"));
            Err(Failure::new(format!("neither HEAD nor its first parents were measured{place}")).hint(
                "`perf store envs` lists the environments; `perf store pull` brings what the remote has",
            ))
        }
    }
}

/// Returns `perf.toml` with what is proposed; it is one that `perf` reads.
fn proposed(before: &str, path: &Path, config: &Config, calibration: &Calibration) -> Result<String> {
    let wrong = |problem: String| Failure::new(format!("{}: {problem}", path.display()));
    let after = edit::edited(before, &config.policy(), calibration).map_err(wrong)?;
    Config::parse(&after).map_err(|problem| wrong(format!("would not be valid: {problem}")))?;
    Ok(after)
}
