use perf_compare::{Pattern, Status as Judged, is_asked_for};
use perf_model::SeriesId;

use crate::command::{Status, compare};
use crate::config::Config;
use crate::failure::{Failure, Result};
use crate::output;
use crate::place::Place;

#[derive(Debug, clap::Args)]
#[group(skip)]
pub(crate) struct Args {
    /// The benchmark, as reports name it
    #[arg(value_name = "BENCH")]
    benchmark: String,
    /// Only metrics that match this glob
    #[arg(long, value_name = "GLOB", value_parser = Pattern::new)]
    metric: Option<Pattern>,
    #[command(flatten)]
    compare: compare::Args,
}

pub(crate) fn run(args: &Args, place: &Place) -> Result<Status> {
    let aliases = Config::load(&place.top(place.store().ok().as_ref()))?.policy().aliases;
    let is_named = |series: &SeriesId| {
        (series.benchmark == args.benchmark || series.case() == args.benchmark)
            && args.metric.as_ref().is_none_or(|metric| metric.matches(&series.metric))
    };
    let is_about = |series: &SeriesId| is_asked_for(&aliases, series, &is_named);
    let compared = compare::outcome(&args.compare, place)?;
    let outcome = &compared.outcome;
    compare::also_write(&args.compare, place, outcome)?;
    let Some(text) = perf_render::report::explain(outcome, &is_about) else {
        return Err(Failure::new(format!("{}: neither side has such a series", args.benchmark))
            .hint("`perf compare --output json` lists all series"));
    };
    let refused = outcome.status() == Judged::Refused;
    output::print(&text)?;
    if let Some(interrupted) = compared.interrupted {
        return Err(interrupted);
    }
    Ok(if refused { Status::Refused } else { Status::Done })
}
