mod ordered;
mod selection;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::ops::ControlFlow;
use std::path::PathBuf;

use perf_model::Baseline;
use perf_render::store::export::{CSV_HEADER, benchstat, bmf, export_csv, export_ndjson};
use perf_store::Store;
use time::OffsetDateTime;

use self::selection::Selection;
use super::warn_of_unusable;
use crate::command::collect::moment;
use crate::command::compare::digits;
use crate::failure::{Failure, Result};
use crate::place::Place;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How to print them
    #[arg(long, value_name = "FORMAT", default_value = "ndjson")]
    format: Format,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Only series of this benchmark; may be repeated
    #[arg(long, value_name = "NAME")]
    benchmark: Vec<String>,
    /// Only this metric; may be repeated
    #[arg(long, value_name = "NAME")]
    metric: Vec<String>,
    /// Only the environment with this fingerprint (or its first digits)
    #[arg(long, value_name = "FINGERPRINT", value_parser = digits)]
    environment: Option<String>,
    /// Only what was measured at this commit
    #[arg(long, value_name = "REV", conflicts_with = "last")]
    rev: Option<String>,
    /// Only what was measured since: `2026-01-31`, `2026-01-31T12:00:00Z`
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<OffsetDateTime>,
    /// Only the newest so many baselines of each environment
    #[arg(long, value_name = "N")]
    last: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Ndjson,
    Csv,
    Openmetrics,
    GithubActionBenchmark,
    Bmf,
    Benchstat,
}

pub(crate) fn run(args: &Args, place: &Place, store: &Store) -> Result<()> {
    let selection = Selection::new(args, store)?;
    let mut target = Target::open(args.out.as_ref().map(|path| place.path(path)))?;
    let unusable = match args.format {
        Format::Ndjson => stream(&selection, &mut target, "", export_ndjson),
        Format::Csv => stream(&selection, &mut target, CSV_HEADER, export_csv),
        Format::Benchstat => {
            let mut declared = BTreeSet::new();
            selection.each(|baseline| {
                let fingerprint = baseline.environment.fingerprint();
                for run in &baseline.runs {
                    target.write(&benchstat(run, fingerprint.as_str(), &mut declared));
                }
                target.flow()
            })
        }
        Format::Openmetrics => ordered::openmetrics(&selection, &mut target),
        Format::GithubActionBenchmark => ordered::github_action(&selection, &mut target, place.now),
        Format::Bmf => newest(&selection, &mut target),
    }?;
    target.finish()?;
    warn_of_unusable(unusable);
    Ok(())
}

/// Writes baselines as they come.
fn stream(
    selection: &Selection<'_>,
    target: &mut Target,
    header: &str,
    text: impl Fn(&Baseline) -> String + Sync,
) -> Result<usize> {
    target.write(header);
    selection.each_text(text, |text| {
        target.write(text);
        target.flow()
    })
}

/// Writes the newest baseline, which must be of one environment.
fn newest(selection: &Selection<'_>, target: &mut Target) -> Result<usize> {
    let mut newest: Option<Baseline> = None;
    let mut environments = BTreeSet::new();
    let unusable = selection.each(|baseline| {
        environments.insert(baseline.environment.fingerprint());
        if newest.as_ref().is_none_or(|newest| newest.measured() < baseline.measured()) {
            newest = Some(baseline);
        }
        ControlFlow::Continue(())
    })?;
    if let (true, Some(first)) = (environments.len() > 1, environments.first()) {
        return Err(Failure::new(format!(
            "bmf has no place for an environment, and {} were measured",
            environments.len()
        ))
        .hint(format!(
            "`perf store export --format bmf --environment {first}` names one; `perf store envs` lists them"
        )));
    }
    let newest = newest.ok_or_else(|| {
        Failure::new("nothing that was measured is asked for")
            .hint("`perf store log` lists what was measured")
    })?;
    let text = bmf(&newest).map_err(|series| {
        Failure::new(format!("bmf has no place for `{series}`: another series has that name there"))
            .hint("`perf store export --format ndjson` keeps both")
    })?;
    target.write(&text);
    Ok(unusable)
}

/// Where the text goes. After the first failure nothing more is written.
struct Target {
    name: String,
    out: BufWriter<Box<dyn Write>>,
    state: io::Result<()>,
}

impl Target {
    fn open(path: Option<PathBuf>) -> Result<Self> {
        let (name, out): (String, Box<dyn Write>) = match path {
            None => ("standard output".to_owned(), Box::new(io::stdout().lock())),
            Some(path) => {
                let file = File::create(&path).map_err(|error| {
                    Failure::new(format!("{}: cannot be written", path.display())).because(&error)
                })?;
                (path.display().to_string(), Box::new(file))
            }
        };
        Ok(Self { name, out: BufWriter::with_capacity(1 << 16, out), state: Ok(()) })
    }

    /// Says whether more is to be written.
    fn flow(&self) -> ControlFlow<()> {
        if self.state.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    fn write(&mut self, text: &str) {
        self.write_bytes(text.as_bytes());
    }

    fn write_bytes(&mut self, bytes: &[u8]) {
        if self.state.is_ok() {
            self.state = self.out.write_all(bytes);
        }
    }

    /// A reader that has seen enough is no failure.
    fn finish(mut self) -> Result<()> {
        match self.state.and_then(|()| self.out.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(Failure::new(format!("{}: cannot be written", self.name)).because(&error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}
