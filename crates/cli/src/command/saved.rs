//! Runs in files: lines as the store writes them, or output that `perf collect` reads.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use perf_collect::Options;
use perf_compare::{Endpoint, Notice};
use perf_model::{Baseline, CommitId, Environment, Lineage, Run, RunId};
use time::OffsetDateTime;

use crate::failure::{Failure, Result};

/// A file may come from a stranger: more bytes of runs are not read.
const MOST_BYTES: u64 = 256 << 20;
/// Nor more runs: one commit is measured a few times.
const MOST_RUNS: usize = 1_000;

/// One side of a comparison, read from a file.
pub(crate) struct Saved {
    pub(crate) baseline: Baseline,
    pub(crate) endpoint: Endpoint,
    pub(crate) notice: Option<Notice>,
}

/// Reads a file with runs: what `perf collect --save` or `git notes show` wrote, or a tool's own output.
pub(crate) fn read(path: &Path) -> Result<Saved> {
    let runs = if path.is_file() { lines(path)? } else { None };
    match runs {
        Some(runs) => {
            let baseline = Baseline::new(runs).ok_or_else(|| {
                Failure::new(format!("{}: holds runs of several commits or environments", path.display()))
                    .hint("`perf collect --save FILE` writes runs of one commit and one environment")
            })?;
            let commit = Some(baseline.commit.clone());
            Ok(Saved { baseline, endpoint: Endpoint::File { path: path.into(), commit }, notice: None })
        }
        None => output_of_a_tool(path),
    }
}

/// Returns the runs if the file's first line is one; then all lines must be.
fn lines(path: &Path) -> Result<Option<Vec<Run>>> {
    let bytes = bytes(path)?;
    let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let Some(first) = lines.next().and_then(|line| perf_store::decode(line).ok()) else { return Ok(None) };
    let mut runs = vec![first];
    for (line, number) in lines.zip(2..) {
        if runs.len() == MOST_RUNS {
            return Err(Failure::new(format!("{}: holds more than {MOST_RUNS} runs", path.display())));
        }
        runs.push(perf_store::decode(line).map_err(|error| {
            Failure::new(format!("{}: line {number} is no run", path.display())).because(&error)
        })?);
    }
    Ok(Some(runs))
}

/// Reads a file that must hold runs and nothing else.
pub(crate) fn runs(path: &Path) -> Result<Vec<Run>> {
    lines(path)?.ok_or_else(|| {
        Failure::new(format!("{}: line 1 is no run", path.display()))
            .hint("`perf collect --save FILE` writes runs")
    })
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    let unreadable =
        |error: &std::io::Error| Failure::new(format!("{}: cannot be read", path.display())).because(error);
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Failure::new(format!("{}: holds more than {} MiB", path.display(), MOST_BYTES >> 20)));
    }
    Ok(bytes)
}

fn output_of_a_tool(path: &Path) -> Result<Saved> {
    let output = perf_collect::read(path, &Options::default())?;
    let nowhere: CommitId = "0".repeat(40).parse().expect("40 hex digits");
    let run = Run {
        id: RunId::from_bits(0),
        lineage: Lineage { commit: nowhere.clone(), tree: nowhere, parents: vec![] },
        time: output.newest.map_or(OffsetDateTime::UNIX_EPOCH, OffsetDateTime::from),
        recorder: String::new(),
        environment: Environment::default(),
        sources: output.sources,
        measurements: output.measurements,
        turn: None,
        rebaseline: None,
    };
    Ok(Saved {
        baseline: Baseline::new(vec![run]).expect("one run is of one kind"),
        endpoint: Endpoint::File { path: path.into(), commit: None },
        notice: Some(Notice::NoEnvironment { path: path.into() }),
    })
}
