//! Formats whose readers want the order of time, while the store gives that of commit ids.
//!
//! What is to be written waits in a temporary file; only where each piece lies is kept in memory.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;

use perf_model::{CommitId, Fingerprint};
use perf_render::store::export::{
    GITHUB_ACTION_BEGIN, GITHUB_ACTION_END, OPENMETRICS_COMMITS, OPENMETRICS_END, OPENMETRICS_VALUES,
    github_action_entries, openmetrics_commit, openmetrics_values,
};
use tempfile::SpooledTempFile;
use time::OffsetDateTime;

use super::Target;
use super::selection::Selection;
use crate::failure::{Failure, Result};

/// So many bytes wait in memory; more of them wait in a temporary file.
const IN_MEMORY: usize = 1 << 20;

/// Pieces of text that are read back in the order of their keys.
struct Pieces<K> {
    file: SpooledTempFile,
    places: Vec<(K, u64, usize)>,
    end: u64,
}

impl<K: Ord> Pieces<K> {
    fn new() -> Self {
        Self { file: SpooledTempFile::new(IN_MEMORY), places: Vec::new(), end: 0 }
    }

    fn push(&mut self, key: K, text: &str) -> io::Result<()> {
        self.file.write_all(text.as_bytes())?;
        self.places.push((key, self.end, text.len()));
        self.end += text.len() as u64;
        Ok(())
    }

    fn each(mut self, mut visit: impl FnMut(&K, &[u8])) -> io::Result<()> {
        self.places.sort();
        let mut piece = Vec::new();
        for (key, start, length) in &self.places {
            piece.resize(*length, 0);
            self.file.seek(SeekFrom::Start(*start))?;
            self.file.read_exact(&mut piece)?;
            visit(key, &piece);
        }
        Ok(())
    }
}

/// Prometheus takes no two values of one series at one time, and no earlier one after a later one. Runs of one
/// environment that began within one second are told to be a second apart.
///
/// Of every second that is taken it is known from which one on there may be a free one: thousands of runs that were
/// imported at once do not ask for each other's seconds in turn.
#[derive(Default)]
struct Moments(BTreeMap<Fingerprint, HashMap<i64, i64>>);

impl Moments {
    fn next(&mut self, fingerprint: &Fingerprint, time: OffsetDateTime) -> i64 {
        if !self.0.contains_key(fingerprint) {
            self.0.insert(fingerprint.clone(), HashMap::new());
        }
        let taken = self.0.get_mut(fingerprint).expect("it was put there");
        let (mut seconds, mut passed) = (time.unix_timestamp(), vec![]);
        while let Some(later) = taken.get(&seconds) {
            passed.push(seconds);
            seconds = *later;
        }
        passed.push(seconds);
        taken.extend(passed.into_iter().map(|passed| (passed, seconds + 1)));
        seconds
    }
}

/// Writes all values, and after them when each commit was measured.
pub(super) fn openmetrics(selection: &Selection<'_>, target: &mut Target) -> Result<usize> {
    let (mut pieces, mut moments) = (Pieces::new(), Moments::default());
    let mut commits: BTreeMap<(Fingerprint, CommitId), i64> = BTreeMap::new();
    let mut put: io::Result<()> = Ok(());
    let unusable = selection.each(|baseline| {
        let fingerprint = baseline.environment.fingerprint();
        put = baseline.runs.iter().try_for_each(|run| {
            let seconds = moments.next(&fingerprint, run.time);
            commits.entry((fingerprint.clone(), baseline.commit.clone())).or_insert(seconds);
            pieces.push(seconds, &openmetrics_values(run, fingerprint.as_str(), seconds))
        });
        if put.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    target.write(OPENMETRICS_VALUES);
    put.and_then(|()| pieces.each(|_, piece| target.write_bytes(piece))).map_err(spooled)?;
    target.write(OPENMETRICS_COMMITS);
    for ((fingerprint, commit), seconds) in &commits {
        target.write(&openmetrics_commit(commit, fingerprint.as_str(), *seconds));
    }
    target.write(OPENMETRICS_END);
    Ok(unusable)
}

/// Writes suite by suite, oldest first.
pub(super) fn github_action(
    selection: &Selection<'_>,
    target: &mut Target,
    now: OffsetDateTime,
) -> Result<usize> {
    let mut pieces = Pieces::new();
    let mut put: io::Result<()> = Ok(());
    let unusable = selection.each(|baseline| {
        let fingerprint = baseline.environment.fingerprint();
        let subject = selection.store.known(&baseline.commit).map(|commit| commit.subject);
        put = baseline.runs.iter().try_for_each(|run| {
            let mut entries =
                github_action_entries(run, fingerprint.as_str(), subject.as_deref()).into_iter();
            entries.try_for_each(|entry| pieces.push((entry.suite, entry.date), &entry.json))
        });
        if put.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    let updated = now.unix_timestamp_nanos() / 1_000_000;
    target.write(&format!("{GITHUB_ACTION_BEGIN}{updated}, \"repoUrl\": \"\", \"entries\": {{"));
    let mut current: Option<String> = None;
    put.and_then(|()| {
        pieces.each(|(suite, _), piece| {
            if current.as_ref() == Some(suite) {
                target.write(",\n");
            } else {
                target.write(&format!("{}\n\"{suite}\": [\n", if current.is_some() { "]," } else { "" }));
                current = Some(suite.clone());
            }
            target.write_bytes(piece);
        })
    })
    .map_err(spooled)?;
    target.write(if current.is_some() { "]" } else { "" });
    target.write(GITHUB_ACTION_END);
    Ok(unusable)
}

fn spooled(error: io::Error) -> Failure {
    Failure::new(format!("{}: what is exported cannot wait there", std::env::temp_dir().display()))
        .because(&error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_of_an_environment_has_a_second_of_its_own() {
        let (mut moments, places) =
            (Moments::default(), ["a", "b"].map(|name| name.repeat(Fingerprint::LEN)));
        let [here, there] = places.map(|digits| digits.parse::<Fingerprint>().unwrap());
        let mut next = |at: &Fingerprint, seconds| {
            moments.next(at, OffsetDateTime::from_unix_timestamp(seconds).unwrap())
        };
        let told = [7, 7, 9, 7, 8, 7, 1].map(|seconds| next(&here, seconds));
        assert_eq!(told, [7, 8, 9, 10, 11, 12, 1]);
        assert_eq!(next(&there, 7), 7);
        let many: Vec<i64> = (0..100_000).map(|_| next(&there, 7)).collect();
        assert_eq!((many[0], many[99_999]), (8, 100_007));
    }
}
