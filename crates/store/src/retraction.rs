//! Taking a run back: a line beside it that says so. Nothing is erased, and every clone learns of it.

use std::collections::BTreeMap;

use perf_model::{CommitId, Fingerprint, RunId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::error::StoreError;
use crate::line::LineError;
use crate::lines::Lines;
use crate::refs;
use crate::repository::Store;

/// The format of a line that takes runs back. Readers that know format 1 alone count it as a line of the future.
const FORMAT: u64 = 2;

/// Runs that must not be used any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Retraction {
    pub(crate) by: String,
    commit: String,
    format: u64,
    pub(crate) reason: String,
    pub(crate) retracts: Vec<String>,
    pub(crate) time: String,
}

/// What a retraction took back in one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retracted {
    /// The environment.
    pub fingerprint: Fingerprint,
    /// How many runs.
    pub runs: usize,
}

impl Retraction {
    /// Reads a line; `None` where it is no retraction of a run of this commit.
    pub(crate) fn read(line: &[u8], commit: &CommitId) -> Option<Self> {
        // Nearly all lines are runs, and a run is read only to the end to find that this key is missing.
        if !str::from_utf8(line).is_ok_and(|line| line.contains("\"retracts\"")) {
            return None;
        }
        let retraction: Self = serde_json::from_slice(line).ok()?;
        (retraction.format == FORMAT && retraction.commit == commit.as_str()).then_some(retraction)
    }

    fn write(&self) -> Result<Vec<u8>, StoreError> {
        Ok(serde_json::to_vec(self).map_err(LineError::from)?)
    }
}

/// Reads which runs of a note were taken back, and by which retraction.
pub(crate) fn retracted<'a>(
    lines: impl IntoIterator<Item = &'a [u8]>,
    commit: &CommitId,
) -> BTreeMap<String, Retraction> {
    let retractions = lines.into_iter().filter_map(|line| Retraction::read(line, commit));
    retractions
        .flat_map(|retraction| {
            retraction.retracts.clone().into_iter().map(move |run| (run, retraction.clone()))
        })
        .collect()
}

impl Store {
    /// Takes back every run of a commit, or of one of its environments.
    ///
    /// They are kept, counted and shown, but no longer used. Runs that are recorded later do count.
    ///
    /// # Errors
    ///
    /// [`StoreError::NothingToRetract`] where there is no such run that counts.
    pub fn retract(
        &self,
        commit: &CommitId,
        environment: Option<&str>,
        reason: &str,
    ) -> Result<Vec<Retracted>, StoreError> {
        let mut retracted = Vec::new();
        for stored in self.find(commit)?.baselines {
            if !stored.fingerprint.as_str().starts_with(environment.unwrap_or_default()) {
                continue;
            }
            let runs: Vec<&RunId> = stored.baseline.runs.iter().map(|run| &run.id).collect();
            self.retract_runs(&stored.fingerprint, commit, &runs, reason)?;
            retracted.push(Retracted { fingerprint: stored.fingerprint, runs: runs.len() });
        }
        if retracted.is_empty() {
            return Err(StoreError::NothingToRetract { commit: commit.to_string() });
        }
        // Where that fails the lines are safe in the journal, which readers read too.
        let _ = self.fold();
        Ok(retracted)
    }

    fn retract_runs(
        &self,
        fingerprint: &Fingerprint,
        commit: &CommitId,
        runs: &[&RunId],
        reason: &str,
    ) -> Result<(), StoreError> {
        let who = refs::signature(&self.repo, self.now);
        let time = self.now.to_offset(time::UtcOffset::UTC);
        let time = to_the_second(time)
            .format(&Rfc3339)
            .map_err(|_| LineError::Field { field: "time", value: time.to_string() })?;
        let line = Retraction {
            by: format!("{} <{}>", who.name, who.email),
            commit: commit.to_string(),
            format: FORMAT,
            reason: reason.to_owned(),
            retracts: runs.iter().map(|run| run.as_str().to_owned()).collect(),
            time,
        }
        .write()?;
        let digest = blake3::hash(&line);
        let name = RunId::from_bits(u128::from_le_bytes(
            digest.as_bytes()[..16].try_into().expect("a digest has 32 bytes"),
        ));
        self.journal().write(fingerprint, commit, &name, &line)
    }
}

fn to_the_second(time: OffsetDateTime) -> OffsetDateTime {
    time.replace_nanosecond(0).expect("zero nanoseconds are valid")
}

/// Returns the lines that take back nothing but runs of `gone`.
pub(crate) fn only_of(lines: &Lines, commit: &CommitId, gone: &[String]) -> Vec<Vec<u8>> {
    let about_them = |line: &&[u8]| {
        Retraction::read(line, commit).is_some_and(|it| it.retracts.iter().all(|run| gone.contains(run)))
    };
    lines.iter().filter(about_them).map(<[u8]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retraction_survives_its_line_and_is_of_one_commit() {
        let commit: CommitId = "a".repeat(40).parse().unwrap();
        let line = format!(
            r#"{{"by":"A <a@b>","commit":"{commit}","format":2,"reason":"noisy","retracts":["01","02"],"time":"2026-01-02T03:04:05Z"}}"#
        );
        let read = Retraction::read(line.as_bytes(), &commit).unwrap();
        assert_eq!(read.write().unwrap(), line.as_bytes());
        assert!(Retraction::read(line.as_bytes(), &"b".repeat(40).parse().unwrap()).is_none());
        assert!(Retraction::read(line.replace(":2,", ":3,").as_bytes(), &commit).is_none());
        let all = retracted([line.as_bytes(), b"garbage"], &commit);
        assert_eq!(all.keys().collect::<Vec<_>>(), ["01", "02"]);
    }
}
