//! A local index of the notes: every value by its series, every run by its tree.
//!
//! `perf/index/<fingerprint>` under the common git directory holds what the notes of one tree say. It is made of
//! them and may go at any time: one that is absent, damaged or of another version is made anew, one of an older
//! tree follows the difference of the two trees. Processes do not wait for each other: each writes a whole file
//! and puts it in place by renaming.

mod file;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use perf_model::{Better, CommitId, Fingerprint, Kind, Measurement, Metric, Reading, RunId, SeriesId, Unit};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::baselines::{Found, Shelf};
use crate::error::StoreError;
use crate::journal::Entry;
use crate::notes;
use crate::repository::Store;

/// One value of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The environment.
    pub fingerprint: Arc<Fingerprint>,
    /// The commit that was measured.
    pub commit: CommitId,
    /// When.
    pub time: OffsetDateTime,
    /// The run.
    pub run: RunId,
    /// The series.
    pub series: Arc<SeriesId>,
    /// What was read.
    pub metric: Arc<Metric>,
    /// The location that verdicts use.
    pub value: f64,
    /// The standard deviation that the tool reported, where it did.
    pub sd: Option<f64>,
    /// How many readings are behind the value, where that is known.
    pub n: Option<u64>,
}

/// All that the notes of one tree say, but the raw samples.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Index {
    /// The tree.
    notes: String,
    pub(crate) runs: Vec<Row>,
    /// How many lines of a commit's note are not used.
    unusable: BTreeMap<String, u64>,
    /// The series: all of them, or those that somebody asked for.
    pub(crate) columns: BTreeMap<Key, Vec<Cell>>,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) commit: String,
    tree: String,
    pub(crate) id: String,
    pub(crate) nanoseconds: i128,
    /// Who said that a new level begins with it, and why.
    pub(crate) rebaseline: Option<(String, String)>,
}

/// A series and how it was measured, which may change in the course of time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Key {
    benchmark: String,
    params: BTreeMap<String, String>,
    metric: String,
    unit: String,
    better: String,
    kind: String,
}

/// One value of a series, in the run at this place of the table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) run: u32,
    pub(crate) value: f64,
    /// Where the middle half of the readings lies.
    pub(crate) middle: Option<(f64, f64)>,
    sd: Option<f64>,
    pub(crate) n: Option<u64>,
}

impl Store {
    /// Returns every value of the series of one benchmark in all environments, newest first, and how many lines
    /// could not be used.
    pub fn points(&self, benchmark: &str) -> Result<(Vec<Point>, usize), StoreError> {
        let (mut points, mut unusable) = (Vec::new(), 0);
        for fingerprint in self.fingerprints()? {
            let shelf = self.shelf(fingerprint)?;
            let index = self.at_hand(&shelf, |key| key.benchmark == benchmark)?;
            unusable += index.unusable();
            points.extend(index.points(&shelf.fingerprint));
        }
        points.sort_by(|a, b| {
            (b.time, &b.commit, &b.run, &b.series).cmp(&(a.time, &a.commit, &a.run, &a.series))
        });
        Ok((points, unusable))
    }

    /// Lists the commits with a run of this very tree in an environment, the last measured first.
    pub fn measured_with_tree(
        &self,
        fingerprint: &Fingerprint,
        tree: &CommitId,
    ) -> Result<Vec<CommitId>, StoreError> {
        let shelf = self.shelf(fingerprint.clone())?;
        let index = self.at_hand(&shelf, |_| false)?;
        let rows = index.runs.iter().filter(|row| row.tree == tree.as_str());
        let mut measured: Vec<(i128, CommitId)> =
            rows.filter_map(|row| Some((row.nanoseconds, row.commit.parse().ok()?))).collect();
        measured.sort_by(|one, other| other.cmp(one));
        let mut seen = BTreeSet::new();
        measured.retain(|(_, commit)| seen.insert(commit.clone()));
        Ok(measured.into_iter().map(|(_, commit)| commit).collect())
    }

    /// Returns the runs of the notes and of the journal with the columns that are wanted; all is read anew where
    /// signatures decide.
    pub(crate) fn at_hand(&self, shelf: &Shelf, wanted: impl Fn(&Key) -> bool) -> Result<Index, StoreError> {
        let mut index =
            if self.requires_signatures() { Index::default() } else { self.indexed(shelf, &wanted)? };
        if shelf.flaw().is_some() {
            *index.unusable.entry(String::new()).or_default() += 1;
        }
        let mut entries = self.journal().entries(&shelf.fingerprint)?;
        let fresh = index.commits_of_fresh(&entries);
        entries.retain(|entry| fresh.contains(&entry.commit));
        let blobs = match (shelf.tip.tree, self.requires_signatures()) {
            (None, _) => notes::Blobs::new(),
            (Some(tree), true) => notes::list(&self.repo, tree)?,
            (Some(tree), false) => {
                let of = |commit: &CommitId| {
                    let id = crate::repository::object_id(commit);
                    Ok((id, notes::find(&self.repo, tree, &id)?))
                };
                fresh.iter().map(of).collect::<Result<_, StoreError>>()?
            }
        };
        if blobs.is_empty() && entries.is_empty() {
            return Ok(index);
        }
        index.forget(&fresh.iter().map(ToString::to_string).collect());
        let _ = self.each_note((shelf, blobs), &entries, &|found| found, &mut |found: Found| {
            index.add(&found);
            ControlFlow::Continue(())
        })?;
        index.columns.retain(|key, _| wanted(key));
        Ok(index)
    }

    /// Returns the runs of the notes and the columns that are wanted, from an index that is up to date.
    fn indexed(&self, shelf: &Shelf, wanted: impl Fn(&Key) -> bool) -> Result<Index, StoreError> {
        let Some(tree) = shelf.tip.tree else { return Ok(Index::default()) };
        let path = self.own_dir().join("index").join(shelf.fingerprint.as_str());
        let notes = tree.to_string();
        if let Some(index) = file::part(&path, &notes, &wanted) {
            return Ok(index);
        }
        let old = file::whole(&path).unwrap_or_default();
        let mut index = self.follow(shelf, old, &notes)?;
        // Who cannot write has an index all the same, for this once.
        let _ = file::write(&path, &index);
        index.columns.retain(|key, _| wanted(key));
        Ok(index)
    }

    /// Brings an index to the notes as they are now; an empty one reads them all.
    fn follow(&self, shelf: &Shelf, mut index: Index, notes: &str) -> Result<Index, StoreError> {
        let (tree, old) = (shelf.tip.tree, gix::ObjectId::from_hex(index.notes.as_bytes()).ok());
        let changed = match old.map(|old| notes::changed(&self.repo, Some(old), tree)) {
            Some(Ok(changed)) => changed,
            // The old tree may be gone.
            None | Some(Err(_)) => {
                index = Index::default();
                notes::changed(&self.repo, None, tree)?
            }
        };
        index.forget(&changed.keys().map(|id| id.to_string()).collect());
        let blobs = changed.into_iter().filter(|(_, note)| !note.after.is_empty());
        let blobs = blobs.map(|(annotated, note)| (annotated, note.after)).collect();
        let _ = self.each_note((shelf, blobs), &[], &|found| found, &mut |found: Found| {
            index.add(&found);
            ControlFlow::Continue(())
        })?;
        notes.clone_into(&mut index.notes);
        Ok(index)
    }
}

impl Index {
    fn add(&mut self, found: &Found) {
        for flaw in &found.unusable {
            // Every reason begins with the commit it is about.
            let commit = flaw.reason.split(':').next().unwrap_or_default();
            *self.unusable.entry(commit.to_owned()).or_default() += flaw.lines as u64;
        }
        for run in found.baselines.iter().flat_map(|stored| &stored.baseline.runs) {
            let number = u32::try_from(self.runs.len()).expect("fewer runs than notes can hold");
            self.runs.push(Row {
                commit: run.lineage.commit.to_string(),
                tree: run.lineage.tree.to_string(),
                id: run.id.as_str().to_owned(),
                nanoseconds: run.time.unix_timestamp_nanos(),
                rebaseline: run.rebaseline.as_ref().map(|it| (it.by.clone(), it.reason.clone())),
            });
            for measurement in &run.measurements {
                self.columns
                    .entry(Key::of(measurement))
                    .or_default()
                    .push(Cell::of(number, &measurement.reading));
            }
        }
    }

    /// Returns the commits with entries whose runs are not known yet.
    fn commits_of_fresh(&self, entries: &[Entry]) -> BTreeSet<CommitId> {
        if entries.is_empty() {
            return BTreeSet::new();
        }
        let known: HashSet<(&str, &str)> =
            self.runs.iter().map(|row| (row.commit.as_str(), row.id.as_str())).collect();
        // A line is in the notes as it is in the journal: each run has its own name.
        let is_known = |entry: &Entry| known.contains(&(entry.commit.as_str(), entry.run()));
        entries.iter().filter(|entry| !is_known(entry)).map(|entry| entry.commit.clone()).collect()
    }

    /// Drops everything that is known of these commits.
    fn forget(&mut self, commits: &BTreeSet<String>) {
        self.unusable.retain(|commit, _| !commits.contains(commit));
        let mut places = Vec::with_capacity(self.runs.len());
        let mut left = 0;
        for row in &self.runs {
            let stays = !commits.contains(&row.commit);
            places.push(stays.then_some(left));
            left += u32::from(stays);
        }
        self.runs.retain(|row| !commits.contains(&row.commit));
        for cells in self.columns.values_mut() {
            let moved =
                cells.iter().filter_map(|cell| Some(Cell { run: places[cell.run as usize]?, ..*cell }));
            *cells = moved.collect();
        }
        self.columns.retain(|_, cells| !cells.is_empty());
    }

    /// Returns how many stored lines are not used.
    pub(crate) fn unusable(&self) -> usize {
        self.unusable.values().map(|lines| *lines as usize).sum()
    }

    fn points(&self, fingerprint: &Fingerprint) -> impl Iterator<Item = Point> {
        let fingerprint = Arc::new(fingerprint.clone());
        self.columns.iter().flat_map(move |(key, cells)| {
            let (fingerprint, series) = (fingerprint.clone(), Arc::new(key.series()));
            let metric = key.metric().map(Arc::new);
            cells.iter().filter_map(move |cell| {
                let row = self.runs.get(cell.run as usize)?;
                Some(Point {
                    fingerprint: fingerprint.clone(),
                    commit: row.commit.parse().ok()?,
                    time: OffsetDateTime::from_unix_timestamp_nanos(row.nanoseconds).ok()?,
                    run: row.id.parse().ok()?,
                    series: series.clone(),
                    metric: metric.clone()?,
                    value: cell.value,
                    sd: cell.sd,
                    n: cell.n,
                })
            })
        })
    }
}

impl Key {
    fn of(measurement: &Measurement) -> Self {
        let metric = &measurement.metric;
        Self {
            benchmark: measurement.benchmark.clone(),
            params: measurement.params.clone(),
            metric: metric.name.clone(),
            unit: metric.unit.symbol().to_owned(),
            better: metric.better.word().to_owned(),
            kind: metric.kind.word().to_owned(),
        }
    }

    pub(crate) fn series(&self) -> SeriesId {
        SeriesId {
            benchmark: self.benchmark.clone(),
            params: self.params.clone(),
            metric: self.metric.clone(),
        }
    }

    pub(crate) fn metric(&self) -> Option<Metric> {
        Some(Metric {
            name: self.metric.clone(),
            unit: Unit::new(&self.unit),
            better: Better::from_word(&self.better)?,
            kind: Kind::from_word(&self.kind)?,
        })
    }
}

impl Cell {
    fn of(run: u32, reading: &Reading) -> Self {
        let (sd, n) = match reading {
            Reading::Samples(samples) => (None, Some(samples.taken())),
            Reading::Summary(summary) => (summary.sd(), summary.n()),
        };
        Self { run, value: reading.location(), middle: reading.middle_half(), sd, n }
    }
}
