use perf_compare::Pattern;
use perf_model::SeriesId;
use perf_render::history::Which;

use crate::command::history::gather::{self, Wanted};
use crate::command::{Status, compare};
use crate::failure::Result;
use crate::output;
use crate::place::Place;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The benchmark, as reports name it
    #[arg(value_name = "BENCH")]
    benchmark: String,
    /// Only metrics that match this glob
    #[arg(long, value_name = "GLOB", value_parser = Pattern::new)]
    metric: Option<Pattern>,
    /// The newest commit
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    of: String,
    /// Only environments whose fingerprint begins with these digits
    #[arg(long, value_name = "FINGERPRINT", value_parser = compare::digits)]
    environment: Option<String>,
    /// Tell all changes of level
    #[arg(long)]
    all: bool,
    /// Print JSON: the whole history of the series
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, place: &Place) -> Result<Status> {
    let is_about = |series: &SeriesId| {
        (series.benchmark == args.benchmark || series.case() == args.benchmark)
            && args.metric.as_ref().is_none_or(|metric| metric.matches(&series.metric))
    };
    let environment = args.environment.as_deref().unwrap_or_default();
    let history =
        gather::history(&Wanted { revision: &args.of, is_about: &is_about, environment, last: None }, place)?;
    let which = if args.all { Which::All } else { Which::Newest };
    output::print(&match args.json {
        true => perf_render::history::json(&history),
        false => perf_render::history::blame(&history, which),
    })?;
    Ok(Status::Done)
}
