mod args;
mod pace;
mod reading;
mod recording;

use std::path::Path;

use perf_collect::{Document, Format, Manner, Output};
use perf_model::{Environment, Run, RunId, Turn};
use time::{Duration, OffsetDateTime};

pub(crate) use self::args::{Args, direction, fact, moment, nice, reason};
use self::pace::Pace;
use self::reading::{How, read};
pub(crate) use self::reading::{announce_skipped, instructions, refuse_duplicates};
pub(crate) use self::recording::{RECORDER, measurements, now, run_id};
use self::recording::{Target, assemble, record, warn_of_stale};
use crate::command::Status;
use crate::config::Config;
use crate::failure::{Failure, Result};
use crate::output;
use crate::place::{self, Place};

pub(crate) fn run(args: &Args, place: &Place) -> Result<Status> {
    if args.list_formats {
        output::print(&formats())?;
        return Ok(Status::Done);
    }
    if args.rounds.get() > 1 && !args.run && args.command.is_empty() {
        return Err(Failure::new("--rounds repeats something: it needs --run or a command")
            .hint("`perf collect --run --rounds 3` runs the suites of perf.toml three times"));
    }
    let measures = args.run || !args.command.is_empty();
    if !measures && (args.pin.is_some() || args.nice.is_some()) {
        return Err(Failure::new("--pin and --nice are for what is measured: they need --run or a command")
            .hint("`perf collect --run --pin 1` runs the suites of perf.toml on processor 1"));
    }
    if let Some(time) = args.time {
        refuse_future(time, place)?;
    }
    // Reading needs no repository, recording does: find out before minutes of measuring are lost.
    let store = if args.dry_run { place.store().ok() } else { Some(place.store()?) };
    let top = place.top(store.as_ref());
    let config = Config::load(&top)?;
    let target =
        store.as_ref().filter(|_| !args.dry_run).map(|store| Target::find(args, store)).transpose()?;
    let manner = if measures { place::allowed(&args.manner(&config)) } else { Manner::default() };
    let session = run_id()?;
    let mut saved = Vec::new();
    let mut pace = Pace::start(args.rounds.get(), place, measures)?;
    while let Some(round) = pace.next_round() {
        let how = How { config: &config, manner: &manner, watch: &pace.watch };
        let outputs = match read(args, place, &top, how) {
            Err(_) if pace.is_interrupted() => break,
            other => other?,
        };
        pace.measured();
        let harnesses = place::harnesses(&outputs);
        let environment = || place::environment(&config.environment, &top, &harnesses, &manner, &args.set);
        match (&store, &target) {
            (Some(store), Some(target)) => {
                warn_of_stale(&outputs, &target.commit);
                let run = assemble((args, &config), target, environment()?, &outputs)?;
                let run = Run { turn: turn(args, &session, round), ..run };
                match &args.save {
                    Some(_) => saved.push(run),
                    None => record(args, store, target, &run, round)?,
                }
            }
            (None, _) | (_, None) if args.json => output::print_json(&Document::new(outputs))?,
            (None, _) | (_, None) => show(&environment()?, &outputs)?,
        }
    }
    if let Some(path) = args.save.as_ref().filter(|_| pace.rounds > 0) {
        save(&place.path(path), &saved)?;
    }
    pace.end().map(|()| Status::Done)
}

/// Returns the place of a round among several: they belong together, as those of two sides in turns do.
fn turn(args: &Args, session: &RunId, round: u32) -> Option<Turn> {
    let number = round - 1;
    (args.rounds.get() > 1).then(|| Turn { session: session.clone(), round: number, position: number })
}

/// Refuses a time that has not come: such a run would be the newest of its commit for ever.
fn refuse_future(time: OffsetDateTime, place: &Place) -> Result<()> {
    // Clocks differ, and a day begins earlier in the east.
    const TOLERATED: Duration = Duration::days(1);
    if time <= place.now.saturating_add(TOLERATED) {
        return Ok(());
    }
    Err(Failure::new(format!("--time {}: lies in the future; today is {}", time.date(), place.now.date()))
        .hint("`perf collect` without --time records the time of the run itself"))
}

fn show(environment: &Environment, outputs: &[Output]) -> Result<()> {
    output::print(&perf_render::environment::text(environment))?;
    output::print(&perf_render::store::measurements(&measurements(outputs), output::page()))
}

fn save(path: &Path, runs: &[Run]) -> Result<()> {
    let mut bytes = Vec::new();
    for run in runs {
        bytes.extend(perf_store::encode(run)?);
        bytes.push(b'\n');
    }
    output::write(path, &bytes)?;
    output::note(&format!("saved {} to {}", output::counted(runs.len(), "run"), path.display()));
    Ok(())
}

fn formats() -> String {
    let width = perf_collect::formats().iter().map(|format| format.name.len()).max().unwrap_or(0);
    let line = |format: &Format| {
        format!("{:<width$}  {:<18}  {}\n", format.name, format.keeps.words(), format.description)
    };
    perf_collect::formats().iter().map(line).collect()
}
