use std::ffi::OsString;
use std::io::Read;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use perf_collect::{Document, Output, Plan, Skipped, Step};
use perf_model::{Environment, Lineage, Measurement, Run, RunId, Source};
use perf_store::{Commit, Store};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use crate::command::Status;
use crate::config::{Config, Suite};
use crate::failure::{self, Failure, Result};
use crate::output;
use crate::place::{self, Place};

/// Read benchmark output, or measure a command, and record one run
///
/// Without paths it reads every `[[suite]]` of perf.toml, or `target/criterion` where none is configured. The run
/// is recorded for HEAD; with uncommitted changes it is kept for this work tree only.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Output of benchmark tools: files, directories, or `-` for standard input
    #[arg(value_name = "PATH", conflicts_with = "command")]
    paths: Vec<PathBuf>,
    /// The format of the output; detected by content where not given
    #[arg(long, value_name = "NAME", conflicts_with = "command")]
    format: Option<String>,
    /// Print the formats that can be read
    #[arg(long, exclusive = true)]
    list_formats: bool,
    /// Run the suites' `run` commands first
    #[arg(long, conflicts_with_all = ["paths", "command"])]
    run: bool,
    /// Record this many runs, one after the other; each runs the suites (or the command) anew
    #[arg(long, value_name = "N", default_value = "1")]
    rounds: NonZeroU32,
    /// How often to execute the command; each execution is one sample of the run
    #[arg(long, value_name = "N", requires = "command", default_value = "10")]
    runs: NonZeroU32,
    /// How often to execute the command before measuring
    #[arg(long, value_name = "K", requires = "command", default_value = "0")]
    warmup: u32,
    /// The benchmark's name; the command line where not given
    #[arg(long, value_name = "NAME", requires = "command")]
    name: Option<String>,
    /// Keep only this metric of the command; may be repeated
    #[arg(long, value_name = "NAME", requires = "command", value_parser = METRICS)]
    metric: Vec<String>,
    /// Record for this commit instead of HEAD
    #[arg(long, value_name = "REV")]
    commit: Option<String>,
    /// Add or override an identity fact of the environment
    #[arg(long = "env", value_name = "KEY=VALUE", value_parser = fact)]
    set: Vec<(String, String)>,
    /// When it was measured: `2026-01-31`, `2026-01-31T12:00:00Z` [default: now]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    time: Option<OffsetDateTime>,
    /// Record nothing; print what was read
    #[arg(long)]
    dry_run: bool,
    /// Record nothing; write the run to a file for `perf compare --base-file ... --head-file ...`
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    save: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// A command to measure: wall, user and system time and peak memory
    #[arg(last = true, value_name = "CMD")]
    command: Vec<OsString>,
}

pub(crate) fn run(args: &Args, place: &Place) -> Result<Status> {
    if args.list_formats {
        output::print(&formats())?;
        return Ok(Status::Done);
    }
    if args.rounds.get() > 1 && !args.run && args.command.is_empty() {
        return Err(Failure::new("--rounds repeats something: it needs --run or a command")
            .hint("`perf collect --run --rounds 3` runs the suites of perf.toml three times"));
    }
    // Reading needs no repository, recording does: find out before minutes of measuring are lost.
    let store = if args.dry_run { place.store().ok() } else { Some(place.store()?) };
    let top = place.top(store.as_ref());
    let config = Config::load(&top)?;
    let target =
        store.as_ref().filter(|_| !args.dry_run).map(|store| Target::find(args, store)).transpose()?;
    let mut saved = Vec::new();
    for round in 1..=args.rounds.get() {
        let outputs = read(args, place, &top, &config)?;
        let environment =
            place::environment(&config.environment, &top, &place::harnesses(&outputs), &args.set)?;
        match (&store, &target) {
            (Some(store), Some(target)) => {
                warn_of_stale(&outputs, &target.commit);
                let run = assemble(args, target, environment, &outputs)?;
                match &args.save {
                    Some(_) => saved.push(run),
                    None => record(args, store, target, &run, round)?,
                }
            }
            (None, _) | (_, None) => show(args, &environment, &outputs)?,
        }
    }
    match &args.save {
        Some(path) => save(&place.path(path), &saved),
        None => Ok(Status::Done),
    }
}

/// Parses `KEY=VALUE`.
pub(crate) fn fact(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok((key.trim().to_owned(), value.trim().to_owned())),
        Some(_) | None => Err("expected KEY=VALUE".into()),
    }
}

fn moment(text: &str) -> std::result::Result<OffsetDateTime, String> {
    let day = time::Date::parse(text, format_description!("[year]-[month]-[day]"));
    day.map(|day| day.midnight().assume_utc())
        .or_else(|_| OffsetDateTime::parse(text, &Rfc3339))
        .map_err(|_| "expected a day such as 2026-01-31 or a time such as 2026-01-31T12:00:00Z".into())
}

/// What a run is recorded for.
struct Target {
    commit: Commit,
    dirty: bool,
}

impl Target {
    fn find(args: &Args, store: &Store) -> Result<Self> {
        let dirty = store.is_dirty()?;
        let Some(revision) = &args.commit else {
            return Ok(Self { commit: store.resolve("HEAD")?, dirty });
        };
        let commit = store.resolve(revision)?;
        let is_head = store.resolve("HEAD").is_ok_and(|head| head.lineage == commit.lineage);
        if dirty && is_head {
            return Err(Failure::new(format!(
                "{revision}: the work tree has uncommitted changes, so what was measured is not this commit"
            ))
            .hint("`git stash` or `git commit` first; without --commit the run is kept for this work tree"));
        }
        Ok(Self { commit, dirty: false })
    }
}

fn read(args: &Args, place: &Place, top: &Path, config: &Config) -> Result<Vec<Output>> {
    let outputs = if !args.command.is_empty() {
        vec![measure(args, place)?]
    } else if args.paths.is_empty() {
        read_suites(args, top, config)?
    } else {
        let format = args.format.as_deref();
        args.paths.iter().map(|path| read_path(path, place, format)).collect::<Result<_>>()?
    };
    for Skipped { place, reason } in outputs.iter().flat_map(|output| &output.skipped) {
        output::warn(&format!("skipped {place}: {reason}"));
    }
    refuse_duplicates(&outputs)?;
    Ok(outputs)
}

fn read_path(path: &Path, place: &Place, format: Option<&str>) -> Result<Output> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin()
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::new("standard input cannot be read").because(&error))?;
        return Ok(perf_collect::read_bytes("standard input", &bytes, format)?);
    }
    Ok(perf_collect::read(&place.path(path), format)?)
}

fn read_suites(args: &Args, top: &Path, config: &Config) -> Result<Vec<Output>> {
    let criterion = top.join("target").join("criterion");
    if config.suite.is_empty() && !args.run && criterion.is_dir() {
        output::note("no [[suite]] in perf.toml: reading target/criterion");
        return Ok(vec![perf_collect::read(&criterion, Some("criterion"))?]);
    }
    if config.suite.is_empty() {
        return Err(Failure::new("nothing to read: no path was given and perf.toml has no [[suite]]")
            .hint("`perf collect target/criterion`, or `perf init` to write a perf.toml"));
    }
    config.suite.iter().map(|suite| read_suite(args, top, suite)).collect()
}

fn read_suite(args: &Args, top: &Path, suite: &Suite) -> Result<Output> {
    if args.run {
        let Some(command) = &suite.run else {
            return Err(Failure::new(format!("perf.toml: suite `{}` has no `run` command", suite.name))
                .hint("`perf collect` without --run reads what is there"));
        };
        output::note(&format!("suite {}: {command}", suite.name));
        perf_collect::run_suite(command, top)?;
    }
    let format = args.format.as_deref().or(suite.format.as_deref());
    Ok(perf_collect::read(&top.join(&suite.path), format)?)
}

fn measure(args: &Args, place: &Place) -> Result<Output> {
    let (program, arguments) = args.command.split_first().expect("clap gives at least one word");
    let plan = Plan {
        program: program.clone(),
        args: arguments.to_vec(),
        runs: args.runs,
        warmup: args.warmup,
        name: args.name.clone(),
        dir: Some(place.dir.clone()),
    };
    // Draws on standard error, and only where that is a terminal.
    let bar = ProgressBar::new(u64::from(args.runs.get()) + u64::from(args.warmup));
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}");
    bar.set_style(style.expect("the template is valid"));
    bar.enable_steady_tick(Duration::from_millis(200));
    let measured = perf_collect::measure(&plan, |step| match step {
        Step::Warmup { number, .. } => {
            bar.set_message("warming up");
            bar.set_position(u64::from(number) - 1);
        }
        Step::Run { number, .. } => {
            bar.set_message("measuring");
            bar.set_position(u64::from(args.warmup) + u64::from(number) - 1);
        }
    });
    bar.finish_and_clear();
    Ok(Output {
        source: Source { format: "command".into(), tool: RECORDER.into() },
        measurements: only(&args.metric, measured?),
        skipped: vec![],
        newest: None,
        oldest: None,
    })
}

/// Keeps the metrics that were named; all where none was.
fn only(names: &[String], measured: Vec<Measurement>) -> Vec<Measurement> {
    let wanted = |measurement: &Measurement| names.is_empty() || names.contains(&measurement.metric.name);
    measured.into_iter().filter(wanted).collect()
}

/// What is read off a command.
const METRICS: [&str; 4] = ["time", "user-time", "system-time", "peak-rss"];

const RECORDER: &str = concat!("perf ", env!("CARGO_PKG_VERSION"));

fn refuse_duplicates(outputs: &[Output]) -> Result<()> {
    let mut seen = std::collections::BTreeMap::new();
    for output in outputs {
        for measurement in &output.measurements {
            if let Some(first) = seen.insert(measurement.series(), &output.source.format) {
                return Err(Failure::new(format!(
                    "{}: occurs in two of the outputs ({first}, {})",
                    measurement.series(),
                    output.source.format
                ))
                .hint("one run holds each series once: record the outputs as runs of their own"));
            }
        }
    }
    Ok(())
}

fn warn_of_stale(outputs: &[Output], commit: &Commit) {
    for output in outputs {
        let Some(newest) = output.newest else { continue };
        let written = OffsetDateTime::from(newest);
        if written.unix_timestamp() < commit.seconds {
            output::warn(&format!(
                "the newest {} result was written before {} was committed: is it of an earlier commit?",
                output.source.format,
                commit.lineage.commit.short()
            ));
        }
    }
}

fn assemble(args: &Args, target: &Target, environment: Environment, outputs: &[Output]) -> Result<Run> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).map_err(|error| Failure::new(format!("no random numbers: {error}")))?;
    let Commit { lineage, .. } = &target.commit;
    Ok(Run {
        id: RunId::from_bits(u128::from_le_bytes(bits)),
        lineage: Lineage::clone(lineage),
        time: args.time.unwrap_or_else(|| to_the_millisecond(OffsetDateTime::now_utc())),
        recorder: RECORDER.into(),
        environment,
        sources: outputs.iter().map(|output| output.source.clone()).collect(),
        measurements: measurements(outputs),
    })
}

/// Cuts off what no reader of a record needs.
fn to_the_millisecond(time: OffsetDateTime) -> OffsetDateTime {
    time.replace_nanosecond(time.nanosecond() / 1_000_000 * 1_000_000)
        .expect("fewer nanoseconds are valid too")
}

fn measurements(outputs: &[Output]) -> Vec<Measurement> {
    outputs.iter().flat_map(|output| &output.measurements).cloned().collect()
}

fn record(args: &Args, store: &Store, target: &Target, run: &Run, round: u32) -> Result<()> {
    let commit = &run.lineage.commit;
    let fingerprint = run.environment.fingerprint();
    let series = run.measurements.len();
    let what = match args.rounds.get() {
        1 => format!("{series} series"),
        rounds => format!("round {round} of {rounds}, {series} series,"),
    };
    if target.dirty {
        store.record_worktree(run)?;
        output::note(&format!(
            "uncommitted changes on top of {}: {what} kept for this work tree, not filed under the commit",
            commit.short()
        ));
    } else {
        warn_of_twin(store, run)?;
        let recorded = store.record(run)?;
        if let Some(error) = recorded.unfolded {
            let why = failure::in_one_line(error);
            output::warn(&format!("the run is safe in the journal, but not in the notes yet: {why}"));
        }
        output::note(&format!("recorded {what} for {} in environment {fingerprint}", commit.short()));
    }
    if args.json {
        output::print_json(&serde_json::json!({
            "commit": commit.as_str(),
            "fingerprint": fingerprint.as_str(),
            "run": run.id.as_str(),
            "series": series,
            "worktree": target.dirty,
        }))?;
    }
    Ok(())
}

/// The same output read twice is one execution; counted twice, noise looks smaller than it is.
fn warn_of_twin(store: &Store, run: &Run) -> Result<()> {
    let found = store.find(&run.lineage.commit)?;
    let runs = found.baselines.iter().flat_map(|stored| &stored.baseline.runs);
    let fingerprint = run.environment.fingerprint();
    let mut sorted = run.measurements.clone();
    sorted.sort_by_cached_key(Measurement::series);
    let twin = runs
        .filter(|other| other.environment.fingerprint() == fingerprint)
        .find(|other| other.measurements == sorted);
    if let Some(twin) = twin {
        output::warn(&format!(
            "run {} of this commit has exactly these numbers: was the same output read twice?",
            &twin.id.as_str()[..8]
        ));
    }
    Ok(())
}

fn show(args: &Args, environment: &Environment, outputs: &[Output]) -> Result<()> {
    let measurements = measurements(outputs);
    if args.json {
        let skipped: Vec<Skipped> = outputs.iter().flat_map(|output| &output.skipped).cloned().collect();
        return output::print_json(&Document::new(&measurements, &skipped));
    }
    output::print(&perf_render::environment::text(environment))?;
    output::print(&perf_render::store::measurements(&measurements, output::page()))
}

fn save(path: &Path, runs: &[Run]) -> Result<Status> {
    let mut bytes = Vec::new();
    for run in runs {
        bytes.extend(perf_store::encode(run)?);
        bytes.push(b'\n');
    }
    output::write(path, &bytes)?;
    output::note(&format!("saved {} to {}", output::counted(runs.len(), "run"), path.display()));
    Ok(Status::Done)
}

fn formats() -> String {
    let lines =
        perf_collect::formats().iter().map(|format| format!("{:<12} {}\n", format.name, format.description));
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_and_moments_are_read_as_documented() {
        assert_eq!(fact("cpu = big = fast"), Ok(("cpu".into(), "big = fast".into())));
        assert!(fact("cpu").is_err() && fact("=x").is_err());
        for good in ["2026-01-31", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00+02:00"] {
            assert!(moment(good).is_ok(), "{good}");
        }
        for bad in ["", "yesterday", "2026-02-30", "1700000000"] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }
}
