//! How much there is of what.

use std::collections::BTreeMap;

use perf_model::Fingerprint;

use crate::error::StoreError;
use crate::git::Git;
use crate::line;
use crate::lines::Lines;
use crate::refs;
use crate::repository::Store;

/// How large one environment is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// How many commits have a note.
    pub commits: usize,
    /// How many lines they have.
    pub lines: usize,
    /// The bytes of all lines, as they are read.
    pub bytes: usize,
    /// How many readings there are: samples, or values without samples.
    pub readings: usize,
    /// Bytes on disk of the notes as they are now.
    pub on_disk: u64,
    /// Bytes on disk of the notes and all of their history.
    pub with_history: u64,
    /// The bytes of each series' measurements in all lines, and how many there are.
    pub series: BTreeMap<String, (usize, usize)>,
}

impl Store {
    /// Measures every environment. What is in the journal is folded first.
    pub fn sizes(&self) -> Result<BTreeMap<Fingerprint, Size>, StoreError> {
        // A lock in the way leaves out what is in the journal alone.
        let _ = self.fold();
        let mut sizes = BTreeMap::new();
        for fingerprint in self.fingerprints()? {
            let Some(tip) = self.tip_if_notes(&refs::notes(&fingerprint))? else { continue };
            let mut size = Size::default();
            for note in self.readable_notes(tip)? {
                let (_, lines) = note?;
                size.commits += 1;
                size.add(&lines);
            }
            if let (Some(commit), Some(tree)) = (tip.commit, tip.tree) {
                size.on_disk = self.disk_usage(&tree.to_string())?;
                size.with_history = self.disk_usage(&commit.to_string())?;
            }
            sizes.insert(fingerprint, size);
        }
        Ok(sizes)
    }

    fn disk_usage(&self, id: &str) -> Result<u64, StoreError> {
        let answer = Git::local(&self.repo).run(&["rev-list", "--objects", "--disk-usage", id, "--"])?;
        Ok(String::from_utf8_lossy(&answer).trim().parse().unwrap_or(0))
    }
}

impl Size {
    fn add(&mut self, lines: &Lines) {
        for line in lines.iter() {
            self.lines += 1;
            self.bytes += line.len() + 1;
            let Ok(run) = line::decode(line) else { continue };
            for measurement in &run.measurements {
                let (bytes, readings) = self.series.entry(measurement.series().to_string()).or_default();
                *bytes += line::measurement_bytes(measurement);
                *readings += measurement.reading.samples().len().max(1);
                self.readings += measurement.reading.samples().len().max(1);
            }
        }
    }
}
