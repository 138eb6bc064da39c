use std::path::PathBuf;

use perf_compare::{ChangePoint, change_points, possible_change_point};
use serde_json::{Value, json};

use crate::command::{Status, plumbing};
use crate::failure::Result;
use crate::output;
use crate::place::Place;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A JSON array of numbers, oldest first: a file, or `-` for standard input
    #[arg(long, value_name = "FILE")]
    series: PathBuf,
}

pub(crate) fn run(args: &Args, place: &Place) -> Result<Status> {
    let values: Vec<f64> = plumbing::read(&args.series, place)?;
    let found = change_points(&values);
    let possible = possible_change_point(&values);
    output::print(&format!(
        "{}\n",
        json!({
            "indices": found.iter().map(|change| change.index).collect::<Vec<_>>(),
            "changes": found.iter().map(change).collect::<Vec<_>>(),
            "possible": possible.as_ref().map(change),
        })
    ))?;
    Ok(Status::Done)
}

fn change(change: &ChangePoint) -> Value {
    json!({
        "index": change.index,
        "before": change.before,
        "after": change.after,
        "change": change.change,
        "low": change.interval.map(|interval| interval.low),
        "high": change.interval.map(|interval| interval.high),
        "p": change.p,
        "confidence": 1.0 - change.p,
    })
}
