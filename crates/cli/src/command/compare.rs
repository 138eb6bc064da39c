mod acceptances;
mod args;
mod commits;
mod files;
mod measured;
mod reach;
mod report;
mod search;
mod sides;
mod wanted;

use perf_compare::Outcome;

pub(crate) use self::args::{Args, digits};
use self::measured::Measured;
use crate::command::Status;
use crate::command::handed_in::HandedIn;
use crate::config::{Bootstrap, Config, OnRefusal};
use crate::failure::{Failure, Result};
use crate::output;
use crate::place::Place;

pub(crate) fn run(args: &Args, place: &Place) -> Result<Status> {
    let Compared { outcome, config, interrupted } = outcome(args, place)?;
    report::write(&args.output, place, &outcome)?;
    interrupted.map_or_else(|| Ok(status(&outcome, config.on_refusal)), Err)
}

/// What came of a comparison.
pub(crate) struct Compared {
    /// The outcome.
    pub(crate) outcome: Outcome,
    /// Under which configuration.
    config: Config,
    /// Why not all was measured, where that is so.
    pub(crate) interrupted: Option<Failure>,
}

/// Compares what the arguments name.
pub(crate) fn outcome(args: &Args, place: &Place) -> Result<Compared> {
    let store = match args.base_file {
        Some(_) => place.store().ok(),
        None => Some(place.store()?),
    };
    let mut config = Config::load(&place.top(store.as_ref()))?;
    args.apply_to(&mut config)?;
    let stored = || match (&args.base_file, &*args.head_file, &store) {
        (Some(base), [head], _) => files::outcome(args, &config, (&place.path(base), &place.path(head))),
        (Some(_), _, _) => Err(Failure::new("--base-file is compared with one --head-file")),
        (None, files, Some(store)) => {
            let handed_in = HandedIn::read(files, place)?;
            commits::outcome(args, handed_in.as_ref(), &config, store)
        }
        (None, _, None) => unreachable!("a store is opened where there is no file to compare with"),
    };
    let Measured { mut outcome, interrupted } = match &store {
        Some(store) if args.measure => measured::outcome(args, &config, (place, store))?,
        Some(store) if config.bootstrap == Bootstrap::Measure && args.head_file.is_empty() => {
            let outcome = stored()?;
            if measured::would_help(&outcome) {
                output::note(&format!("{}: measuring base and head here", measured::lacking(&outcome)));
                measured::outcome(args, &config, (place, store))?
            } else if args.confirm {
                measured::confirm(args, &config, (place, store), outcome)?
            } else {
                Measured::whole(outcome)
            }
        }
        Some(store) if args.confirm => measured::confirm(args, &config, (place, store), stored()?)?,
        Some(_) | None => Measured::whole(stored()?),
    };
    acceptances::settle(&mut outcome, store.as_ref(), args, place.now.date())?;
    Ok(Compared { outcome, config, interrupted })
}

fn status(outcome: &Outcome, on_refusal: OnRefusal) -> Status {
    match (outcome.status(), on_refusal) {
        (perf_compare::Status::Passed, _) => Status::Done,
        (perf_compare::Status::Failed, _) => Status::Failed,
        (perf_compare::Status::Refused, OnRefusal::Fail) => Status::Refused,
        (perf_compare::Status::Refused, OnRefusal::Warn) => {
            output::warn(
                "NOTHING WAS COMPARED: this is no pass; on-refusal = \"warn\" turns status 3 into 0",
            );
            Status::Done
        }
    }
}

/// Writes the reports that were asked for beside something else that is printed.
pub(crate) fn also_write(args: &Args, place: &Place, outcome: &Outcome) -> Result<()> {
    if args.output.is_empty() { Ok(()) } else { report::write(&args.output, place, outcome) }
}
