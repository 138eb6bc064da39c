pub(super) mod gather;

use std::path::PathBuf;

use perf_compare::Pattern;
use perf_model::SeriesId;
use perf_render::{Colour, Page};

use self::gather::{Last, Wanted};
use crate::command::{Status, compare};
use crate::failure::{Failure, Result};
use crate::output;
use crate::place::Place;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only benchmarks that match this glob
    #[arg(value_name = "GLOB", value_parser = Pattern::new)]
    benchmark: Option<Pattern>,
    /// Only metrics that match this glob
    #[arg(long, value_name = "GLOB", value_parser = Pattern::new)]
    metric: Option<Pattern>,
    /// The newest commit
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    of: String,
    /// Only the newest commits (`50`), or those of the last days (`90d`)
    #[arg(long, value_name = "N|DAYSd")]
    last: Option<Last>,
    /// Only environments whose fingerprint begins with these digits
    #[arg(long, value_name = "FINGERPRINT", value_parser = compare::digits)]
    environment: Option<String>,
    /// How to print it; `html` is one file with charts that needs no network
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Write a file into this directory instead: `index.html`, `history.md` and so on
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Markdown,
    Json,
    Csv,
    Html,
}

pub(crate) fn run(args: &Args, place: &Place) -> Result<Status> {
    let is_about = |series: &SeriesId| {
        let benchmark = |pattern: &Pattern| {
            pattern.matches(&series.benchmark) || !series.params.is_empty() && pattern.matches(&series.case())
        };
        args.benchmark.as_ref().is_none_or(benchmark)
            && args.metric.as_ref().is_none_or(|pattern| pattern.matches(&series.metric))
    };
    let wanted = Wanted {
        revision: &args.of,
        is_about: &is_about,
        environment: args.environment.as_deref().unwrap_or_default(),
        last: args.last,
    };
    let history = gather::history(&wanted, place)?;
    let page = match args.out {
        None => output::page(),
        Some(_) => Page { width: usize::MAX, colour: Colour::Plain },
    };
    let (text, name) = match args.format {
        Format::Text => (perf_render::history::text(&history, page), "history.txt"),
        Format::Markdown => (perf_render::history::markdown(&history), "history.md"),
        Format::Json => (perf_render::history::json(&history), "history.json"),
        Format::Csv => (perf_render::history::csv(&history), "history.csv"),
        Format::Html => (perf_render::history::html(&history), "index.html"),
    };
    let Some(dir) = &args.out else {
        output::print(&text)?;
        return Ok(Status::Done);
    };
    let dir = place.path(dir);
    std::fs::create_dir_all(&dir)
        .map_err(|error| Failure::new(format!("{}: cannot be made", dir.display())).because(&error))?;
    let path = dir.join(name);
    output::write(&path, text.as_bytes())?;
    output::note(&format!("wrote {}", path.display()));
    Ok(Status::Done)
}
