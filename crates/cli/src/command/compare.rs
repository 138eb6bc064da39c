mod acceptances;
mod args;
mod commits;
mod drift;
mod files;
mod measured;
mod past;
mod policy;
mod reach;
mod release;
mod report;
mod search;
mod sides;
mod wanted;

use perf_compare::{Demand, Outcome};

pub(crate) use self::args::{Args, digits};
use self::measured::Measured;
use self::policy::{Call, Governing};
pub(crate) use self::release::{ReleaseArgs, run as release_check};
use crate::command::Status;
use crate::command::handed_in::HandedIn;
use crate::config::{Bootstrap, Config, OnRefusal};
use crate::failure::{Failure, Result};
use crate::output;
use crate::place::Place;

pub(crate) fn run(args: &Args, place: &Place) -> Result<Status> {
    let Compared { outcome, on_refusal, interrupted } = outcome(args, place)?;
    report::write(&args.output, place, &outcome)?;
    let on_refusal = match outcome.demand {
        Demand::Something => on_refusal,
        Demand::Everything => OnRefusal::Fail,
    };
    interrupted.map_or_else(|| Ok(status(&outcome, on_refusal)), Err)
}

/// What came of a comparison.
pub(crate) struct Compared {
    /// The outcome.
    pub(crate) outcome: Outcome,
    /// What a refusal means.
    on_refusal: OnRefusal,
    /// Why not all was measured, where that is so.
    pub(crate) interrupted: Option<Failure>,
}

/// Compares what the arguments name.
pub(crate) fn outcome(args: &Args, place: &Place) -> Result<Compared> {
    let store = match args.base_file {
        Some(_) => place.store().ok(),
        None => Some(place.store()?),
    };
    let here = Config::load(&place.top(store.as_ref()))?;
    let today = place.now.date();
    let (Measured { outcome, interrupted }, on_refusal) = match (&args.base_file, &*args.head_file, store) {
        (Some(base), [head], _) => {
            let governing = Governing::here(args, here)?;
            let mut outcome = files::outcome(args, &governing, (&place.path(base), &place.path(head)))?;
            acceptances::settle(&mut outcome, None, args, today)?;
            (Measured::whole(outcome), governing.config.on_refusal)
        }
        (Some(_), _, _) => return Err(Failure::new("--base-file is compared with one --head-file")),
        (None, files, Some(store)) => {
            let handed_in = HandedIn::read(files, place)?;
            let call = Call::find(args, handed_in.as_ref(), here, store)?;
            let mut measured = of_commits(args, handed_in.as_ref(), place, &call)?;
            acceptances::settle(&mut measured.outcome, Some(&call.store), args, today)?;
            let on_refusal = call.governing.on_refusal(&measured.outcome);
            (measured, on_refusal)
        }
        (None, _, None) => unreachable!("a store is opened where there is no file to compare with"),
    };
    Ok(Compared { outcome, on_refusal, interrupted })
}

/// Compares what is stored, or measures what is missing first.
fn of_commits(args: &Args, handed_in: Option<&HandedIn>, place: &Place, call: &Call) -> Result<Measured> {
    let Call { store, governing, .. } = call;
    let stored = || commits::outcome(args, handed_in, call);
    let measure = || -> Result<Measured> {
        let mut measured = measured::outcome(args, place, call)?;
        measured.outcome.references = commits::references(args, handed_in, call)?;
        Ok(measured)
    };
    if args.measure {
        return measure();
    }
    let outcome = stored()?;
    if governing.config.bootstrap == Bootstrap::Measure
        && args.head_file.is_empty()
        && measured::would_help(&outcome)
    {
        output::note(&format!("{}: measuring base and head here", measured::lacking(&outcome)));
        if call.head.is_without_changes(store)? {
            output::note("uncommitted changes are not measured; `perf compare --measure` measures them");
        }
        return measure();
    }
    if args.confirm {
        measured::confirm(args, governing, (place, store), outcome)
    } else {
        Ok(Measured::whole(outcome))
    }
}

fn status(outcome: &Outcome, on_refusal: OnRefusal) -> Status {
    match (outcome.status(), on_refusal) {
        (perf_compare::Status::Passed, _) => Status::Done,
        (perf_compare::Status::Failed, _) => Status::Failed,
        (perf_compare::Status::Refused, OnRefusal::Fail) => Status::Refused,
        (perf_compare::Status::Refused, OnRefusal::Warn) => {
            let what = if outcome.comparisons().next().is_some() { "NOT EVERYTHING" } else { "NOTHING" };
            output::warn(&format!(
                "{what} WAS COMPARED: this is no pass; on-refusal = \"warn\" turns status 3 into 0"
            ));
            Status::Done
        }
    }
}

/// Writes the reports that were asked for beside something else that is printed.
pub(crate) fn also_write(args: &Args, place: &Place, outcome: &Outcome) -> Result<()> {
    if args.output.is_empty() { Ok(()) } else { report::write(&args.output, place, outcome) }
}
