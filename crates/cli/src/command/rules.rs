use std::collections::BTreeMap;

use perf_model::SeriesId;

use crate::command::Status;
use crate::config::Config;
use crate::failure::Result;
use crate::output;
use crate::place::Place;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The benchmark, as reports name it
    #[arg(value_name = "BENCH")]
    benchmark: String,
    /// The metric
    #[arg(value_name = "METRIC", default_value = "time")]
    metric: String,
}

pub(crate) fn run(args: &Args, place: &Place) -> Result<Status> {
    let config = Config::load(&place.top(place.store().ok().as_ref()))?;
    let series =
        SeriesId { benchmark: args.benchmark.clone(), params: BTreeMap::new(), metric: args.metric.clone() };
    output::print(&perf_render::policy::rules(&series, &config.policy()))?;
    Ok(Status::Done)
}
