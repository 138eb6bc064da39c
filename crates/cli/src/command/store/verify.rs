use perf_render::escape::message;
use perf_store::{Fault, Store, Verified};

use super::remote::RemoteArgs;
use crate::command::Status;
use crate::failure::Result;
use crate::output;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Move unreadable lines to refs of their own, `refs/notes/perf-aside/...`; nothing is dropped
    #[arg(long)]
    repair: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: RemoteArgs,
}

/// Of one kind of fault so many are named; the others are counted.
const NAMED: usize = 20;

pub(super) fn run(args: &Args, store: &Store) -> Result<Status> {
    if args.repair {
        let moved = store.repair(args.remote.options(store)?.as_ref())?;
        output::note(&format!(
            "moved {} aside; `git for-each-ref refs/notes/perf-aside` lists where they are kept",
            output::counted(moved, "unreadable line")
        ));
    }
    let verified = store.verify()?;
    if args.json {
        output::print_json(&json(&verified))?;
    } else {
        output::print(&text(&verified))?;
    }
    let problems = verified.faults.iter().any(|fault| fault.kind.is_problem());
    Ok(if problems { Status::Failed } else { Status::Done })
}

fn text(verified: &Verified) -> String {
    let mut text = String::new();
    let mut faults: Vec<&Fault> = verified.faults.iter().collect();
    faults.sort_by_key(|fault| fault.kind);
    for of_kind in faults.chunk_by(|one, other| one.kind == other.kind) {
        let word = if of_kind[0].kind.is_problem() { "problem" } else { "note   " };
        for fault in of_kind.iter().take(NAMED) {
            text += &format!("{word}  {}: {}\n", message(&fault.name), message(&fault.what));
        }
        if let Some(more @ 1..) = of_kind.len().checked_sub(NAMED) {
            text += &format!("{word}  and {more} more that are {}\n", of_kind[0].kind.word());
        }
    }
    let Verified { environments, commits, lines, runs, retracted, .. } = verified;
    text + &format!(
        "{}, {}, {}: {} that count, {retracted} retracted\n",
        output::counted(*environments, "environment"),
        output::counted(*commits, "baseline"),
        output::counted(*lines, "line"),
        output::counted(*runs, "run"),
    )
}

fn json(verified: &Verified) -> serde_json::Value {
    let fault = |fault: &Fault| {
        serde_json::json!({
            "kind": fault.kind.word(),
            "problem": fault.kind.is_problem(),
            "ref": fault.name,
            "what": fault.what,
        })
    };
    serde_json::json!({
        "schema": 1,
        "environments": verified.environments,
        "baselines": verified.commits,
        "lines": verified.lines,
        "runs": verified.runs,
        "retracted": verified.retracted,
        "faults": verified.faults.iter().map(fault).collect::<Vec<_>>(),
    })
}
