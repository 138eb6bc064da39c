//! Histories under the names of today, as the aliases of perf.toml say them.

use std::collections::{BTreeMap, BTreeSet};

use perf_compare::{Alias, Renamings, renamings};
use perf_model::{Baseline, CommitId, Measurement, SeriesId};
use perf_store::Lane;

use crate::output;

/// Gives what was stored under former names the names of today; returns the former names of each series.
pub(super) fn lanes(lanes: &mut [Lane], aliases: &[Alias]) -> BTreeMap<SeriesId, Vec<String>> {
    let mut former = BTreeMap::new();
    if aliases.is_empty() {
        return former;
    }
    for lane in lanes {
        let places = |series: &SeriesId| -> BTreeSet<CommitId> {
            let tracks = lane.tracks.iter().filter(|track| track.series == *series);
            tracks.flat_map(|track| &track.values).map(|value| lane.runs[value.run].commit.clone()).collect()
        };
        let found = renamings(aliases, lane.tracks.iter().map(|track| &track.series), places);
        for track in &mut lane.tracks {
            if let Some(now) = found.present.get(&track.series) {
                track.series = now.clone();
            }
        }
        lane.tracks.sort_by(|one, other| one.series.cmp(&other.series));
        note(&found, &mut former);
    }
    former
}

/// The same for baselines of one environment.
pub(super) fn baselines(history: &mut [Baseline], aliases: &[Alias]) {
    if aliases.is_empty() {
        return;
    }
    let mut measured: BTreeMap<SeriesId, BTreeSet<CommitId>> = BTreeMap::new();
    for baseline in history.iter() {
        for measurement in baseline.runs.iter().flat_map(|run| &run.measurements) {
            measured.entry(measurement.series()).or_default().insert(baseline.commit.clone());
        }
    }
    let places = |series: &SeriesId| measured.get(series).cloned().unwrap_or_default();
    let found = renamings(aliases, measured.keys(), places);
    let all = history.iter_mut().flat_map(|it| &mut it.runs).flat_map(|run| &mut run.measurements);
    for measurement in all {
        rename(measurement, &found);
    }
    note(&found, &mut BTreeMap::new());
}

fn rename(measurement: &mut Measurement, found: &Renamings) {
    if let Some(now) = found.present.get(&measurement.series()) {
        measurement.benchmark.clone_from(&now.benchmark);
    }
}

fn note(found: &Renamings, former: &mut BTreeMap<SeriesId, Vec<String>>) {
    for (old, now) in &found.present {
        let names = former.entry(now.clone()).or_default();
        if !names.contains(&old.benchmark) {
            names.push(old.benchmark.clone());
        }
    }
    output::warn_of_all(found.beside.iter().map(|now| {
        format!(
            "{now}: measured beside a former name, or several of them at one commit: its aliases are not used"
        )
    }));
}
