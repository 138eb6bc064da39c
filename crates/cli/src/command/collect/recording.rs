//! Makes a run of what was read and records it.

use std::time::SystemTime;

use perf_collect::Output;
use perf_model::{Environment, Lineage, Measurement, Rebaseline, Run, RunId};
use perf_store::{Commit, Store};
use time::OffsetDateTime;

use super::args::Args;
use crate::config::Config;
use crate::failure::{self, Failure, Result};
use crate::output;

/// Who records.
pub(crate) const RECORDER: &str = concat!("perf ", env!("CARGO_PKG_VERSION"));

/// What a run is recorded for.
pub(super) struct Target {
    /// The commit, or the one below the uncommitted changes.
    pub(super) commit: Commit,
    dirty: bool,
    /// Who records it.
    author: String,
}

impl Target {
    /// Finds the commit, and whether what is there is it.
    pub(super) fn find(args: &Args, store: &Store) -> Result<Self> {
        let dirty = store.is_dirty()?;
        let Some(revision) = &args.commit else {
            return Ok(Self { commit: store.resolve("HEAD")?, dirty, author: store.author() });
        };
        let commit = store.resolve(revision)?;
        let is_head = store.resolve("HEAD").is_ok_and(|head| head.lineage == commit.lineage);
        if dirty && is_head {
            return Err(Failure::new(format!(
                "{revision}: the work tree has uncommitted changes, so what was measured is not this commit"
            ))
            .hint("`git stash` or `git commit` first; without --commit the run is kept for this work tree"));
        }
        Ok(Self { commit, dirty: false, author: store.author() })
    }
}

/// Warns of results that were written before the commit they are recorded for.
pub(super) fn warn_of_stale(outputs: &[Output], commit: &Commit) {
    let is_older = |written: SystemTime| OffsetDateTime::from(written).unix_timestamp() < commit.seconds;
    let commit = commit.lineage.commit.short();
    for output in outputs {
        let format = sources(output);
        if output.newest.is_some_and(is_older) {
            output::warn(&format!(
                "the newest {format} result was written before {commit} was committed: is it of an earlier commit?"
            ));
        } else if output.oldest.is_some_and(is_older) {
            output::warn(&format!(
                "some {format} results were written before {commit} was committed: do those benchmarks still exist?"
            ));
        }
    }
}

/// Makes a run of what was read.
pub(super) fn assemble(
    (args, config): (&Args, &Config),
    target: &Target,
    environment: Environment,
    outputs: &[Output],
) -> Result<Run> {
    let Commit { lineage, .. } = &target.commit;
    Ok(Run {
        id: run_id()?,
        lineage: Lineage::clone(lineage),
        time: args.time.unwrap_or_else(now),
        recorder: RECORDER.into(),
        environment,
        sources: outputs.iter().flat_map(|output| &output.sources).cloned().collect(),
        measurements: measurements(outputs).into_iter().map(|it| it.kept(config.max_samples)).collect(),
        turn: None,
        rebaseline: args.rebaseline.clone().map(|reason| Rebaseline { by: target.author.clone(), reason }),
    })
}

/// Returns a name that no other run has.
pub(crate) fn run_id() -> Result<RunId> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).map_err(|error| Failure::new(format!("no random numbers: {error}")))?;
    Ok(RunId::from_bits(u128::from_le_bytes(bits)))
}

/// Returns the moment, without what no reader of a record needs.
pub(crate) fn now() -> OffsetDateTime {
    let time = OffsetDateTime::now_utc();
    time.replace_nanosecond(time.nanosecond() / 1_000_000 * 1_000_000)
        .expect("fewer nanoseconds are valid too")
}

/// Records a run for its target and says so.
pub(super) fn record(args: &Args, store: &Store, target: &Target, run: &Run, round: u32) -> Result<()> {
    let commit = &run.lineage.commit;
    let fingerprint = run.environment.fingerprint();
    let series = run.measurements.len();
    let what = match args.rounds.get() {
        1 => format!("{series} series"),
        rounds => format!("round {round} of {rounds}, {series} series,"),
    };
    if target.dirty {
        store.record_worktree(run)?;
        output::note(&format!(
            "uncommitted changes on top of {}: {what} kept for this work tree, not filed under the commit",
            commit.short()
        ));
    } else {
        warn_of_twin(store, run);
        let recorded = store.record(run)?;
        if let Some(error) = recorded.unfolded {
            let why = failure::in_one_line(error);
            output::warn(&format!("the run is safe in the journal, but not in the notes yet: {why}"));
        }
        output::note(&format!("recorded {what} for {} in environment {fingerprint}", commit.short()));
        if run.rebaseline.is_some() {
            output::note(&format!("a new level begins with {}", commit.short()));
        }
    }
    if args.json {
        output::print_json(&serde_json::json!({
            "commit": commit.as_str(),
            "fingerprint": fingerprint.as_str(),
            "run": run.id.as_str(),
            "series": series,
            "worktree": target.dirty,
        }))?;
    }
    Ok(())
}

/// The same output read twice is one execution; counted twice, noise looks smaller than it is.
fn warn_of_twin(store: &Store, run: &Run) {
    // Notes that cannot be read keep no run from being recorded; recording says what is wrong with them.
    if let Ok(Some(twin)) = store.twin(run) {
        output::warn(&format!(
            "run {} of this commit has exactly these numbers: was the same output read twice?",
            &twin.as_str()[..8]
        ));
    }
}

/// Returns the names of the formats that an output was read in.
pub(super) fn sources(output: &Output) -> String {
    output.sources.iter().map(|source| source.format.as_str()).collect::<Vec<_>>().join(", ")
}

/// Returns the measurements of all outputs.
pub(crate) fn measurements(outputs: &[Output]) -> Vec<Measurement> {
    outputs.iter().flat_map(|output| &output.measurements).cloned().collect()
}
