//! What another tool kept, whatever the tool: numbers with their commit.

use std::collections::BTreeMap;
use std::path::Path;

use perf_collect::{Noted, Options, Reason, Skipped};
use perf_model::{Facts, Measurement};
use perf_store::Store;
use serde::Deserialize;
use time::OffsetDateTime;

use super::Args;
use crate::config::Config;
use crate::failure::{Failure, Result};
use crate::place::Place;

/// What was measured at one commit in one go.
pub(super) struct Entry {
    /// The tool that kept it.
    pub(super) tool: String,
    /// The full id of the commit, as the tool has it.
    pub(super) commit: String,
    pub(super) time: Option<OffsetDateTime>,
    /// What the tool says of the machine.
    pub(super) facts: Facts,
    pub(super) measurements: Vec<Measurement>,
}

/// What could be read, and what could not, in words.
type Read = (Vec<Entry>, Vec<String>);

/// Git-perf's configuration, of which only the units matter (its `config.rs`).
#[derive(Default, Deserialize)]
struct GitPerfConfig {
    #[serde(default)]
    measurement: BTreeMap<String, toml::Value>,
}

/// Reads everything that is to be imported.
pub(super) fn read(args: &Args, config: &Config, place: &Place, store: &Store) -> Result<Read> {
    let options = Options {
        format: args.format.clone(),
        better: args.better.iter().cloned().collect(),
        prefix: args.prefix.clone(),
        inputs: config.mappings(),
        max_bytes: args.max_bytes,
        max_readings: args.max_readings,
        ..Options::default()
    };
    match (args.format.as_deref(), &args.path) {
        (Some("git-perf"), None) => {
            let units = git_perf_units(place, store)?;
            notes(args, store, "git-perf", "refs/notes/perf-v3", |text, place| {
                perf_collect::git_perf(text, place, &units, &options)
            })
        }
        (Some("tak"), None) => notes(args, store, "tak", "refs/notes/tak", |text, place| {
            perf_collect::tak(text, place, &options)
        }),
        (Some(tool @ ("git-perf" | "tak")), Some(_)) => {
            Err(Failure::new(format!("{tool} keeps its numbers in git notes, not in a file")).hint(format!(
                "`git fetch origin 'refs/notes/*:refs/notes/*'`, then `perf store import --format {tool}`"
            )))
        }
        (_, Some(path)) => file(args, &place.path(path), options, store),
        (_, None) => Err(Failure::new("a file is missing: only git-perf and tak keep notes")
            .hint("`perf store import FILE --format NAME`")),
    }
}

/// Reads the notes of another tool, each the text of one commit.
fn notes(
    args: &Args,
    store: &Store,
    tool: &str,
    usual: &str,
    read: impl Fn(&str, &str) -> Noted,
) -> Result<Read> {
    let name = args.notes.as_deref().unwrap_or(usual);
    let (mut entries, mut skipped) = (Vec::new(), Vec::new());
    let exists = store.each_foreign_note(name, |commit, note| {
        let Some(note) = note else {
            skipped.push(format!("{commit}: the note is too large to be read"));
            return;
        };
        let noted = read(&String::from_utf8_lossy(&note), commit.as_str());
        skipped.extend(noted.skipped.iter().map(said));
        entries.extend(noted.runs.into_iter().map(|run| Entry {
            tool: tool.to_owned(),
            commit: commit.to_string(),
            time: Some(run.time.into()),
            facts: run.facts,
            measurements: run.measurements,
        }));
    })?;
    if !exists {
        return Err(Failure::new(format!("{name}: there is no such ref here"))
            .hint(format!("`git fetch origin {name}:{name}` brings the notes of {tool}")));
    }
    Ok((entries, skipped))
}

/// Reads a file: a history of many commits, or the numbers of one.
fn file(args: &Args, path: &Path, mut options: Options, store: &Store) -> Result<Read> {
    let output = perf_collect::read(path, &options)?;
    let format = output.sources.first().map_or("file", |source| source.format.as_str()).to_owned();
    if format == "github-action-history" {
        options.format = None;
        return history(path, &options);
    }
    let mut skipped: Vec<String> = output.skipped.iter().map(said).collect();
    let open = output.withheld.iter().filter(|it| it.reason == Reason::NoDirection).count();
    if open > 0 && output.measurements.is_empty() {
        skipped.push(format!("{open} series have no direction"));
    }
    let commit = store.resolve(&args.commit)?.lineage.commit.to_string();
    let entry =
        Entry { tool: format, commit, time: None, facts: Facts::new(), measurements: output.measurements };
    let entries = if entry.measurements.is_empty() { vec![] } else { vec![entry] };
    Ok((entries, skipped))
}

/// Reads a `data.js` of github-action-benchmark, all of it.
fn history(path: &Path, options: &Options) -> Result<Read> {
    let shown = path.display();
    let unreadable =
        |error: &dyn std::error::Error| Failure::new(format!("{shown}: cannot be read")).because(error);
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(&error))?;
    let history = perf_collect::history(&text, options).map_err(|error| unreadable(&error))?;
    let unused: usize = history.iter().map(|entry| entry.skipped).sum();
    let mut skipped = Vec::new();
    if unused > 0 {
        skipped.push(format!(
            "{shown}: {unused} results without a number or without a direction (`--better METRIC=lower` says it)"
        ));
    }
    let entries = history.into_iter().filter(|entry| !entry.measurements.is_empty()).map(|entry| Entry {
        tool: "github-action-benchmark".to_owned(),
        commit: entry.commit,
        time: entry.date.and_then(moment),
        facts: Facts::new(),
        measurements: entry.measurements,
    });
    Ok((entries.collect(), skipped))
}

fn moment(milliseconds: u64) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds) * 1_000_000).ok()
}

/// Returns the units that `.gitperfconfig` gives to measurements.
fn git_perf_units(place: &Place, store: &Store) -> Result<BTreeMap<String, String>> {
    let path = place.top(Some(store)).join(".gitperfconfig");
    let Ok(text) = std::fs::read_to_string(&path) else { return Ok(BTreeMap::new()) };
    let config: GitPerfConfig = toml::from_str(&text)
        .map_err(|error| Failure::new(format!("{}: cannot be read", path.display())).because(&error))?;
    let unit = |value: &toml::Value| value.get("unit").and_then(toml::Value::as_str).map(str::to_owned);
    let named = config.measurement.iter().filter_map(|(name, value)| Some((name.clone(), unit(value)?)));
    Ok(named.collect())
}

fn said(Skipped { place, reason }: &Skipped) -> String {
    format!("skipped {place}: {reason}")
}
