mod entries;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::path::PathBuf;

use perf_collect::{Manner, Options};
use perf_model::{Better, CommitId, Environment, Lineage, Run, RunId, Source};
use perf_store::Store;
use time::OffsetDateTime;

use self::entries::Entry;
use crate::command::collect::{direction, fact, moment};
use crate::config::Config;
use crate::failure::{self, Failure, Result};
use crate::output;
use crate::place::{self, Place};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file; none for git-perf and tak, whose notes are in this repository
    #[arg(value_name = "FILE")]
    path: Option<PathBuf>,
    /// `git-perf`, `tak`, or a format of `perf collect --list-formats`; that of a file is detected where not given,
    /// except `tables` [default: detected]
    #[arg(long, value_name = "NAME", required_unless_present = "path")]
    format: Option<String>,
    /// Read these notes [default: refs/notes/perf-v3 of git-perf, refs/notes/tak of tak]
    #[arg(long = "ref", value_name = "REF", conflicts_with = "path")]
    notes: Option<String>,
    /// The commit that the numbers of a file are of, where the file does not name commits
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    commit: String,
    /// When they were measured, where the file does not tell it [default: the commit's time]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    time: Option<OffsetDateTime>,
    /// Whether lower or higher is better in a metric, or benchmark, of which the source does not tell it; may be
    /// repeated
    #[arg(long, value_name = "METRIC=lower|higher", value_parser = direction)]
    better: Vec<(String, Better)>,
    /// Put this and `/` before the name of every benchmark
    #[arg(long, value_name = "NAME")]
    prefix: Option<String>,
    /// Take this off the beginning of every benchmark's name
    #[arg(long, value_name = "TEXT")]
    strip: Option<String>,
    /// Refuse files that are larger
    #[arg(long, value_name = "N", default_value_t = Options::default().max_bytes)]
    max_bytes: u64,
    /// Refuse files, and notes, with more readings: a record keeps them all
    #[arg(long, value_name = "N", default_value_t = Options::default().max_readings)]
    max_readings: usize,
    /// Add an identity fact of the machine that it was measured on; may be repeated
    #[arg(long = "env", value_name = "KEY=VALUE", value_parser = fact)]
    set: Vec<(String, String)>,
    /// It was measured on a machine like this one: take its identity
    #[arg(long)]
    here: bool,
    /// Record nothing; say what would be
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The identity fact of everything that was imported: which tool kept it.
const IMPORTED: &str = "imported-from";

/// Has no version, so that a later one imports the same bytes.
const RECORDER: &str = "perf store import";

/// So many commits that are not here are named.
const NAMED: usize = 5;

pub(crate) fn run(args: &Args, place: &Place, store: &Store) -> Result<()> {
    let config = Config::load(&place.top(Some(store)))?;
    let (entries, skipped) = entries::read(args, &config, place, store)?;
    output::warn_of_all(skipped.iter());
    let identity = identity(args, &config, place, store)?;
    let mut runs: BTreeMap<RunId, Run> = BTreeMap::new();
    let mut missing: BTreeMap<String, usize> = BTreeMap::new();
    for entry in entries {
        match known(&entry.commit, store) {
            Some((lineage, committed)) => {
                let run = assemble(args, &config, &identity, (entry, lineage, committed))?;
                runs.insert(run.id.clone(), run);
            }
            None => *missing.entry(entry.commit).or_default() += 1,
        }
    }
    say_missing(&missing);
    let found = runs.len();
    let here = ids(store)?;
    runs.retain(|id, _| !here.contains(id));
    let runs: Vec<Run> = runs.into_values().collect();
    if found == 0 {
        return Err(Failure::new("nothing could be imported").hint(
            "the warnings say why; `git fetch --unshallow` brings commits that a shallow clone does not have",
        ));
    }
    if !args.dry_run
        && let Some(error) = store.record_all(&runs)?
    {
        let why = failure::in_one_line(error);
        output::warn(&format!("the runs are safe in the journal, but not in the notes yet: {why}"));
    }
    report(args, &runs, (found - runs.len(), missing.values().sum(), skipped.len()))
}

/// Returns where a commit stands, and when it was committed.
fn known(commit: &str, store: &Store) -> Option<(Lineage, OffsetDateTime)> {
    let id: CommitId = commit.parse().ok()?;
    let commit = store.known(&id)?;
    let committed = OffsetDateTime::from_unix_timestamp(commit.seconds).ok()?;
    Some((commit.lineage, committed))
}

/// Returns the facts that hold for everything.
fn identity(args: &Args, config: &Config, place: &Place, store: &Store) -> Result<Environment> {
    if args.here {
        return place::environment(
            &config.environment,
            &place.top(Some(store)),
            &[],
            &Manner::default(),
            &args.set,
        );
    }
    Ok(Environment { identity: args.set.iter().cloned().collect(), context: BTreeMap::new() })
}

fn assemble(
    args: &Args,
    config: &Config,
    everywhere: &Environment,
    (entry, lineage, committed): (Entry, Lineage, OffsetDateTime),
) -> Result<Run> {
    let mut environment = Environment { identity: entry.facts, context: BTreeMap::new() };
    environment.identity.extend(everywhere.identity.clone());
    environment.identity.insert(IMPORTED.to_owned(), entry.tool.clone());
    let measurements = entry.measurements.into_iter().map(|mut it| {
        if let Some(rest) = args.strip.as_ref().and_then(|strip| it.benchmark.strip_prefix(strip.as_str()))
            && !rest.is_empty()
        {
            it.benchmark = rest.to_owned();
        }
        it.kept(config.max_samples)
    });
    let mut run = Run {
        id: RunId::from_bits(0),
        lineage,
        time: entry.time.or(args.time).unwrap_or(committed),
        recorder: RECORDER.to_owned(),
        environment,
        sources: vec![Source { format: entry.tool.clone(), tool: entry.tool }],
        measurements: measurements.collect(),
        turn: None,
        rebaseline: None,
    };
    // The same numbers have the same name whenever they are imported.
    let hash = blake3::hash(&perf_store::encode(&run)?);
    let bits = hash.as_bytes().first_chunk().expect("a hash has 32 bytes");
    run.id = RunId::from_bits(u128::from_be_bytes(*bits));
    Ok(run)
}

fn say_missing(missing: &BTreeMap<String, usize>) {
    if missing.is_empty() {
        return;
    }
    let shown: Vec<&str> = missing.keys().take(NAMED).map(String::as_str).collect();
    let more = missing.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    output::warn(&format!(
        "{} not in this repository, so that {} left out: {}{more}",
        if missing.len() == 1 { "1 commit is".to_owned() } else { format!("{} commits are", missing.len()) },
        match missing.values().sum::<usize>() {
            1 => "1 run is".to_owned(),
            runs => format!("{runs} runs are"),
        },
        shown.join(", ")
    ));
}

/// Returns the names of all runs that are here.
fn ids(store: &Store) -> Result<BTreeSet<RunId>> {
    let mut ids = BTreeSet::new();
    store.each(|found| {
        let runs = found.baselines.into_iter().flat_map(|stored| stored.baseline.runs);
        ids.extend(runs.filter(|run| run.recorder == RECORDER).map(|run| run.id));
        ControlFlow::Continue(())
    })?;
    Ok(ids)
}

fn report(args: &Args, runs: &[Run], (already, missing, skipped): (usize, usize, usize)) -> Result<()> {
    let commits: BTreeSet<_> = runs.iter().map(|run| &run.lineage.commit).collect();
    let environments: BTreeSet<_> = runs.iter().map(|run| run.environment.fingerprint()).collect();
    let series: usize = runs.iter().map(|run| run.measurements.len()).sum();
    output::note(&format!(
        "{} {} of {} in {}; {already} were here already",
        if args.dry_run { "would import" } else { "imported" },
        output::counted(runs.len(), "run"),
        output::counted(commits.len(), "commit"),
        output::counted(environments.len(), "environment"),
    ));
    if args.json {
        output::print_json(&serde_json::json!({
            "runs": runs.len(),
            "commits": commits.len(),
            "values": series,
            "environments": environments.iter().map(perf_model::Fingerprint::as_str).collect::<Vec<_>>(),
            "already": already,
            "of_missing_commits": missing,
            "skipped": skipped,
            "dry_run": args.dry_run,
        }))?;
    }
    Ok(())
}
