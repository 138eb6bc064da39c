use std::io::{self, BufWriter, ErrorKind, Write};
use std::ops::ControlFlow;

use perf_model::Baseline;
use perf_render::store::{CSV_HEADER, export_csv, export_ndjson};
use perf_store::Store;

use super::warn_of_unusable;
use crate::failure::{Failure, Result};

/// Print every stored run, pushed or not, for other programs
///
/// In the order of environments and then of commit ids, in little memory however much there is. `ndjson` is one
/// line of JSON for each run, `csv` one line for each run and series.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How to print them
    #[arg(long, value_name = "FORMAT", default_value = "ndjson")]
    format: Format,
    /// Only series of this benchmark
    #[arg(long, value_name = "NAME")]
    benchmark: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Ndjson,
    Csv,
}

pub(crate) fn run(args: &Args, store: &Store) -> Result<()> {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut ended = match args.format {
        Format::Csv => out.write_all(CSV_HEADER.as_bytes()),
        Format::Ndjson => Ok(()),
    };
    let mut unusable = 0;
    store.each(|found| {
        unusable += found.unusable.len();
        for stored in found.baselines {
            let Some(baseline) = narrowed(stored.baseline, args.benchmark.as_deref()) else { continue };
            let text = match args.format {
                Format::Ndjson => export_ndjson(&baseline),
                Format::Csv => export_csv(&baseline),
            };
            if ended.is_ok() {
                ended = out.write_all(text.as_bytes());
            }
        }
        if ended.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    match ended.and_then(|()| out.flush()) {
        // A reader that has seen enough is no failure.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new("standard output cannot be written").because(&error))
        }
        Ok(()) | Err(_) => {
            warn_of_unusable(unusable);
            Ok(())
        }
    }
}

/// Keeps only the series of one benchmark; runs that have none go.
fn narrowed(mut baseline: Baseline, benchmark: Option<&str>) -> Option<Baseline> {
    if let Some(benchmark) = benchmark {
        for run in &mut baseline.runs {
            run.measurements.retain(|measurement| measurement.benchmark == benchmark);
        }
        baseline.runs.retain(|run| !run.measurements.is_empty());
    }
    (!baseline.runs.is_empty()).then_some(baseline)
}
