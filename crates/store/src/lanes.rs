//! Histories: all values of many series, by environment.

use perf_model::{CommitId, Environment, Fingerprint, Metric, Rebaseline, RunId, SeriesId};
use time::OffsetDateTime;

use crate::error::StoreError;
use crate::index::{Index, Key, Row};
use crate::repository::Store;

/// What one environment holds of the series that were asked for.
#[derive(Clone, Debug)]
pub struct Lane {
    /// The environment.
    pub fingerprint: Fingerprint,
    /// Its facts, as a recent run saw them; `None` where no run can be read.
    pub environment: Option<Environment>,
    /// The runs, in no order.
    pub runs: Vec<Taken>,
    /// The series, by name; one that changed its unit in the course of time occurs once for each.
    pub tracks: Vec<Track>,
}

/// One run.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// The commit that was measured.
    pub commit: CommitId,
    /// When.
    pub time: OffsetDateTime,
    /// The run's name.
    pub run: RunId,
    /// That a new level begins with it, on purpose.
    pub rebaseline: Option<Rebaseline>,
}

/// The values of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Which series.
    pub series: SeriesId,
    /// What was read.
    pub metric: Metric,
    /// One for each run that has it, in no order.
    pub values: Vec<Value>,
}

/// What one run read of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Value {
    /// The run's place in the list of its lane.
    pub run: usize,
    /// The location that verdicts use.
    pub level: f64,
    /// Where the middle half of its readings lies, where that is known.
    pub middle: Option<(f64, f64)>,
    /// How many readings are behind it, where that is known.
    pub readings: Option<u64>,
}

impl Store {
    /// Returns every value of the series that are wanted in the environments whose fingerprint begins with these
    /// digits, and how many stored lines could not be used.
    pub fn lanes(
        &self,
        environment: &str,
        wanted: impl Fn(&SeriesId) -> bool,
    ) -> Result<(Vec<Lane>, usize), StoreError> {
        let (mut lanes, mut unusable) = (Vec::new(), 0);
        let fingerprints = self.fingerprints()?;
        for fingerprint in fingerprints.into_iter().filter(|it| it.as_str().starts_with(environment)) {
            let shelf = self.shelf(fingerprint.clone())?;
            let index = self.at_hand(&shelf, |key: &Key| wanted(&key.series()))?;
            unusable += index.unusable();
            if index.columns.is_empty() {
                continue;
            }
            let newest = index.runs.iter().max_by_key(|row| row.nanoseconds).and_then(Row::taken);
            let baseline = match newest {
                Some(newest) => self.find_in(&fingerprint, &newest.commit)?,
                None => None,
            };
            lanes.push(index.into_lane(fingerprint, baseline.map(|baseline| baseline.environment)));
        }
        Ok((lanes, unusable))
    }
}

impl Index {
    fn into_lane(self, fingerprint: Fingerprint, environment: Option<Environment>) -> Lane {
        // A row that does not read back leaves no hole: its values go with it.
        let mut places = Vec::with_capacity(self.runs.len());
        let mut runs = Vec::with_capacity(self.runs.len());
        for row in &self.runs {
            let taken = row.taken();
            places.push(taken.is_some().then_some(runs.len()));
            runs.extend(taken);
        }
        let track = |(key, cells): (&Key, &Vec<crate::index::Cell>)| {
            let value = |cell: &crate::index::Cell| {
                let run = (*places.get(cell.run as usize)?)?;
                Some(Value { run, level: cell.value, middle: cell.middle, readings: cell.n })
            };
            let values = cells.iter().filter_map(value).collect();
            Some(Track { series: key.series(), metric: key.metric()?, values })
        };
        let tracks = self.columns.iter().filter_map(track).collect();
        Lane { fingerprint, environment, runs, tracks }
    }
}

impl Row {
    fn taken(&self) -> Option<Taken> {
        Some(Taken {
            commit: self.commit.parse().ok()?,
            time: OffsetDateTime::from_unix_timestamp_nanos(self.nanoseconds).ok()?,
            run: self.id.parse().ok()?,
            rebaseline: self
                .rebaseline
                .as_ref()
                .map(|(by, reason)| Rebaseline { by: by.clone(), reason: reason.clone() }),
        })
    }
}
