//! A local index of the notes: every value by its series, every run by its tree.
//!
//! `perf/index/<fingerprint>` under the common git directory holds what the notes of one tree say. It is made of
//! them and may go at any time: one that is absent, damaged or of another version is made anew, one of an older
//! tree follows the difference of the two trees. Processes do not wait for each other: each writes a whole file
//! and puts it in place by renaming.

mod file;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use perf_model::{Better, CommitId, Fingerprint, Kind, Measurement, Metric, Reading, RunId, SeriesId, Unit};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::baselines::{Found, Shelf};
use crate::error::StoreError;
use crate::notes;
use crate::repository::{Store, commit_id};

/// One value of a series.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The environment.
    pub fingerprint: Fingerprint,
    /// The commit that was measured.
    pub commit: CommitId,
    /// When.
    pub time: OffsetDateTime,
    /// The run.
    pub run: RunId,
    /// The series.
    pub series: SeriesId,
    /// What was read.
    pub metric: Metric,
    /// The location that verdicts use.
    pub value: f64,
    /// The standard deviation that the tool reported, where it did.
    pub sd: Option<f64>,
    /// How many readings are behind the value, where that is known.
    pub n: Option<u64>,
}

/// All that the notes of one tree say, but the raw samples.
#[derive(Debug, Default, PartialEq)]
struct Index {
    /// The tree.
    notes: String,
    runs: Vec<Row>,
    /// How many lines of a commit's note are not used.
    unusable: BTreeMap<String, u64>,
    columns: BTreeMap<Key, Vec<Cell>>,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Row {
    commit: String,
    tree: String,
    id: String,
    nanoseconds: i128,
}

/// A series and how it was measured, which may change in the course of time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Key {
    benchmark: String,
    params: BTreeMap<String, String>,
    metric: String,
    unit: String,
    better: String,
    kind: String,
}

/// One value of a series, in the run at this place of the table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Cell {
    run: u32,
    value: f64,
    sd: Option<f64>,
    n: Option<u64>,
}

/// What the index says of the runs of a part of the series.
#[derive(Debug, Default)]
struct Part {
    runs: Vec<Row>,
    unusable: BTreeMap<String, u64>,
    columns: Vec<(Key, Vec<Cell>)>,
}

impl Store {
    /// Returns every value of the series of one benchmark in all environments, oldest first, and how many lines
    /// could not be used.
    pub fn points(&self, benchmark: &str) -> Result<(Vec<Point>, usize), StoreError> {
        let (mut points, mut unusable) = (Vec::new(), 0);
        for fingerprint in self.fingerprints()? {
            let shelf = self.shelf(fingerprint)?;
            let live = self.live(&shelf)?;
            let part = if self.requires_signatures() {
                Part::default()
            } else {
                self.indexed(&shelf, |key| key.benchmark == benchmark)?
            };
            unusable += usize::from(shelf.flaw().is_some()) + live.unusable.len();
            let is_live = |commit: &str| live.commits.iter().any(|it| it.as_str() == commit);
            unusable += part
                .unusable
                .iter()
                .filter(|(commit, _)| !is_live(commit))
                .map(|(_, n)| *n as usize)
                .sum::<usize>();
            points.extend(
                part.points(&shelf.fingerprint).filter(|point| !live.commits.contains(&point.commit)),
            );
            points.extend(live.points(&shelf.fingerprint, benchmark));
        }
        points.sort_by(|a, b| {
            (a.time, &a.commit, &a.run, &a.series).cmp(&(b.time, &b.commit, &b.run, &b.series))
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
        let live = self.live(&shelf)?;
        let part =
            if self.requires_signatures() { Part::default() } else { self.indexed(&shelf, |_| false)? };
        let rows = part.runs.iter().filter(|row| row.tree == tree.as_str());
        let indexed = rows.filter_map(|row| Some((row.nanoseconds, row.commit.parse::<CommitId>().ok()?)));
        let mut measured: Vec<_> = indexed.filter(|(_, commit)| !live.commits.contains(commit)).collect();
        for stored in &live.baselines {
            let runs = stored.baseline.runs.iter().filter(|run| run.lineage.tree == *tree);
            measured.extend(runs.map(|run| (run.time.unix_timestamp_nanos(), run.lineage.commit.clone())));
        }
        measured.sort_by(|one, other| other.cmp(one));
        let mut seen = BTreeSet::new();
        measured.retain(|(_, commit)| seen.insert(commit.clone()));
        Ok(measured.into_iter().map(|(_, commit)| commit).collect())
    }

    /// Reads what no index can hold: the commits with lines in the journal; all, where signatures decide.
    fn live(&self, shelf: &Shelf) -> Result<Live, StoreError> {
        let mut live = Live::default();
        let entries = self.journal().entries(&shelf.fingerprint)?;
        let blobs = match (shelf.tip.tree, self.requires_signatures()) {
            (None, _) => notes::Blobs::new(),
            (Some(tree), true) => notes::list(&self.repo, tree)?,
            (Some(tree), false) => {
                let commits: BTreeSet<_> = entries.iter().map(|entry| entry.commit.clone()).collect();
                let blobs = commits.iter().map(|commit| {
                    let id = crate::repository::object_id(commit);
                    Ok((id, notes::find(&self.repo, tree, &id)?))
                });
                blobs.collect::<Result<_, StoreError>>()?
            }
        };
        live.commits = blobs.keys().map(|id| commit_id(id)).collect();
        live.commits.extend(entries.iter().map(|entry| entry.commit.clone()));
        let _ = self.each_note((shelf, blobs), &entries, &|found| found, &mut |found: Found| {
            live.unusable.extend(found.unusable);
            live.baselines.extend(found.baselines);
            ControlFlow::Continue(())
        })?;
        Ok(live)
    }

    /// Returns the runs of the notes and the columns that are wanted, from an index that is up to date.
    fn indexed(&self, shelf: &Shelf, wanted: impl Fn(&Key) -> bool) -> Result<Part, StoreError> {
        let Some(tree) = shelf.tip.tree else { return Ok(Part::default()) };
        let path = self.own_dir().join("index").join(shelf.fingerprint.as_str());
        let notes = tree.to_string();
        if let Some(part) = file::part(&path, &notes, &wanted) {
            return Ok(part);
        }
        let old = file::whole(&path).unwrap_or_default();
        let index = self.follow(shelf, old, &notes)?;
        // Who cannot write has an index all the same, for this once.
        let _ = file::write(&path, &index);
        Ok(index.into_part(wanted))
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

/// What was read of the notes and the journal just now.
#[derive(Default)]
struct Live {
    commits: BTreeSet<CommitId>,
    baselines: Vec<crate::baselines::Stored>,
    unusable: Vec<crate::baselines::Unusable>,
}

impl Live {
    fn points(&self, fingerprint: &Fingerprint, benchmark: &str) -> Vec<Point> {
        let mut index = Index::default();
        let baselines = self.baselines.clone();
        index.add(&Found { baselines, unusable: vec![] });
        index.into_part(|key| key.benchmark == benchmark).points(fingerprint).collect()
    }
}

impl Index {
    fn add(&mut self, found: &Found) {
        for flaw in &found.unusable {
            // Every reason begins with the commit it is about.
            let commit = flaw.reason.split(':').next().unwrap_or_default();
            *self.unusable.entry(commit.to_owned()).or_default() += 1;
        }
        for run in found.baselines.iter().flat_map(|stored| &stored.baseline.runs) {
            let number = u32::try_from(self.runs.len()).expect("fewer runs than notes can hold");
            self.runs.push(Row {
                commit: run.lineage.commit.to_string(),
                tree: run.lineage.tree.to_string(),
                id: run.id.as_str().to_owned(),
                nanoseconds: run.time.unix_timestamp_nanos(),
            });
            for measurement in &run.measurements {
                self.columns
                    .entry(Key::of(measurement))
                    .or_default()
                    .push(Cell::of(number, &measurement.reading));
            }
        }
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

    fn into_part(self, wanted: impl Fn(&Key) -> bool) -> Part {
        let columns = self.columns.into_iter().filter(|(key, _)| wanted(key)).collect();
        Part { runs: self.runs, unusable: self.unusable, columns }
    }
}

impl Part {
    fn points(&self, fingerprint: &Fingerprint) -> impl Iterator<Item = Point> {
        self.columns.iter().flat_map(move |(key, cells)| {
            cells.iter().filter_map(move |cell| {
                let row = self.runs.get(cell.run as usize)?;
                Some(Point {
                    fingerprint: fingerprint.clone(),
                    commit: row.commit.parse().ok()?,
                    time: OffsetDateTime::from_unix_timestamp_nanos(row.nanoseconds).ok()?,
                    run: row.id.parse().ok()?,
                    series: key.series(),
                    metric: key.metric()?,
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

    fn series(&self) -> SeriesId {
        SeriesId {
            benchmark: self.benchmark.clone(),
            params: self.params.clone(),
            metric: self.metric.clone(),
        }
    }

    fn metric(&self) -> Option<Metric> {
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
        Self { run, value: reading.location(), sd, n }
    }
}
