//! Runs as files beside the repository's objects, from before they reach the notes until they are safe there.
//!
//! `perf/journal/<fingerprint>/<commit>.<run>` holds a line that is not in the local notes yet;
//! `perf/kept/<fingerprint>/<first two digits>/<commit>.<run>` one that is, but that no remote is known to have.
//! Readers unite both with the notes, so that a fetch that overwrites local notes loses nothing that was not
//! shared. The journal is nearly always empty; of the kept lines there may be many, hence the directories.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use perf_model::{CommitId, Fingerprint, RunId};

use crate::durable;
use crate::error::{At, StoreError};

/// How far a line has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Recorded, not in the local notes yet.
    Journal,
    /// In the local notes, not known to be on a remote.
    Kept,
}

const STAGES: [Stage; 2] = [Stage::Journal, Stage::Kept];

/// Without a remote a kept line goes once the system has surely written the notes to disk.
const SETTLED: Duration = Duration::from_secs(3600);

#[derive(Debug)]
pub(crate) struct Journal {
    dir: PathBuf,
}

/// The lines of one environment, by commit; a directory is listed when one of its commits is asked for.
#[derive(Debug)]
pub(crate) struct Own {
    fingerprint: Fingerprint,
    /// Where the kept lines are.
    kept: PathBuf,
    /// Lines of the journal, and kept ones that are in no directory of their commit's first digits.
    near: BTreeMap<CommitId, Vec<Entry>>,
}

/// One line in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) stage: Stage,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) commit: CommitId,
    path: PathBuf,
}

impl Journal {
    pub(crate) fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    /// Writes a line so that it survives the death of the process and of the machine.
    pub(crate) fn write(
        &self,
        fingerprint: &Fingerprint,
        commit: &CommitId,
        run: &RunId,
        line: &[u8],
    ) -> Result<(), StoreError> {
        let dir = self.stage_dir(Stage::Journal).join(fingerprint.as_str());
        durable::write(&dir.join(format!("{commit}.{}", run.as_str())), line)
    }

    /// Removes files that a process left unfinished when it was killed.
    pub(crate) fn sweep(&self) -> Result<(), StoreError> {
        for fingerprint in self.fingerprints()? {
            let dir = self.stage_dir(Stage::Journal).join(fingerprint.as_str());
            for name in all_names(&dir)?.iter().filter(|name| name.starts_with(durable::TEMPORARY)) {
                let path = dir.join(name);
                if is_older(&path, SETTLED) {
                    done(fs::remove_file(&path)).at(&path, "cannot be removed")?;
                }
            }
        }
        Ok(())
    }

    /// Lists the environments that have lines in the journal.
    pub(crate) fn fingerprints(&self) -> Result<Vec<Fingerprint>, StoreError> {
        let mut all = Vec::new();
        for stage in STAGES {
            all.extend(names(&self.stage_dir(stage))?.iter().filter_map(|name| name.parse().ok()));
        }
        all.sort();
        all.dedup();
        Ok(all)
    }

    /// Lists the lines of one environment.
    pub(crate) fn entries(&self, fingerprint: &Fingerprint) -> Result<Vec<Entry>, StoreError> {
        let mut entries = self.unfolded(fingerprint)?;
        let kept = self.stage_dir(Stage::Kept).join(fingerprint.as_str());
        let names = names(&kept)?;
        entries.extend(lines_among(&names, &kept, Stage::Kept, fingerprint));
        for name in names.iter().filter(|name| name.len() == DIGITS) {
            entries.extend(lines_in(&kept.join(name), Stage::Kept, fingerprint)?);
        }
        Ok(entries)
    }

    /// Lists the lines of one environment that are not in the local notes yet.
    pub(crate) fn unfolded(&self, fingerprint: &Fingerprint) -> Result<Vec<Entry>, StoreError> {
        lines_in(&self.stage_dir(Stage::Journal).join(fingerprint.as_str()), Stage::Journal, fingerprint)
    }

    /// Prepares to look up lines by their commit.
    pub(crate) fn own(&self, fingerprint: &Fingerprint) -> Result<Own, StoreError> {
        let kept = self.stage_dir(Stage::Kept).join(fingerprint.as_str());
        let mut near: BTreeMap<_, Vec<Entry>> = BTreeMap::new();
        for entry in self.unfolded(fingerprint)?.into_iter().chain(lines_in(&kept, Stage::Kept, fingerprint)?)
        {
            near.entry(entry.commit.clone()).or_default().push(entry);
        }
        Ok(Own { fingerprint: fingerprint.clone(), kept, near })
    }

    /// Marks lines as being in the local notes; returns the very same lines where they are now.
    pub(crate) fn keep(&self, entries: &[Entry]) -> Result<Vec<Entry>, StoreError> {
        entries.iter().map(|entry| self.keep_one(entry)).collect()
    }

    /// Drops lines that a remote has.
    pub(crate) fn forget(&self, entries: &[Entry]) -> Result<(), StoreError> {
        for entry in entries {
            done(fs::remove_file(&entry.path)).at(&entry.path, "cannot be removed")?;
        }
        Ok(())
    }

    /// Drops kept lines that have been in the local notes for long; for repositories without a remote.
    pub(crate) fn forget_settled(&self, entries: &[Entry]) -> Result<(), StoreError> {
        let settled = |entry: &&Entry| entry.stage == Stage::Kept && is_older(&entry.path, SETTLED);
        self.forget(&entries.iter().filter(settled).cloned().collect::<Vec<_>>())
    }

    fn keep_one(&self, entry: &Entry) -> Result<Entry, StoreError> {
        if entry.stage == Stage::Kept {
            return Ok(entry.clone());
        }
        let dir = fan(&self.stage_dir(Stage::Kept).join(entry.fingerprint.as_str()), &entry.commit);
        let path = dir.join(entry.path.file_name().expect("an entry is a file in a directory"));
        fs::create_dir_all(&dir).at(&dir, "the directory cannot be created")?;
        done(fs::rename(&entry.path, &path)).at(&entry.path, "cannot be moved")?;
        Ok(Entry { stage: Stage::Kept, path, ..entry.clone() })
    }

    fn stage_dir(&self, stage: Stage) -> PathBuf {
        self.dir.join(match stage {
            Stage::Journal => "journal",
            Stage::Kept => "kept",
        })
    }
}

impl Own {
    /// Lists the lines of one commit.
    pub(crate) fn of(&self, commit: &CommitId) -> Result<Vec<Entry>, StoreError> {
        let mut entries = self.near.get(commit).cloned().unwrap_or_default();
        let kept = lines_in(&fan(&self.kept, commit), Stage::Kept, &self.fingerprint)?;
        entries.extend(kept.into_iter().filter(|entry| entry.commit == *commit));
        Ok(entries)
    }
}

impl Entry {
    /// Returns the name of the run that the line is: what follows the commit in the file's name.
    pub(crate) fn run(&self) -> &str {
        let name = self.path.file_name().and_then(|name| name.to_str());
        name.and_then(|name| name.split_once('.')).map_or("", |(_, run)| run)
    }

    /// Reads the line; `None` where another process has moved or dropped it meanwhile.
    pub(crate) fn read(&self) -> Result<Option<Vec<u8>>, StoreError> {
        match fs::read(&self.path) {
            Ok(line) => Ok(Some(line)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).at(&self.path, "cannot be read"),
        }
    }
}

/// So many digits of a commit's id name the directory that its kept lines are in.
const DIGITS: usize = 2;

fn fan(kept: &Path, commit: &CommitId) -> PathBuf {
    kept.join(&commit.as_str()[..DIGITS])
}

fn lines_in(dir: &Path, stage: Stage, fingerprint: &Fingerprint) -> Result<Vec<Entry>, StoreError> {
    Ok(lines_among(&names(dir)?, dir, stage, fingerprint).collect())
}

/// Picks the names that are lines; others are not ours.
fn lines_among<'a>(
    names: &'a [String],
    dir: &'a Path,
    stage: Stage,
    fingerprint: &'a Fingerprint,
) -> impl Iterator<Item = Entry> + 'a {
    names.iter().filter_map(move |name| {
        let commit = name.split_once('.')?.0.parse().ok()?;
        Some(Entry { stage, fingerprint: fingerprint.clone(), commit, path: dir.join(name) })
    })
}

/// Names in a directory, leaving out temporary files; none where the directory does not exist.
fn names(dir: &Path) -> Result<Vec<String>, StoreError> {
    let mut names = all_names(dir)?;
    names.retain(|name| !name.starts_with('.'));
    names.sort();
    Ok(names)
}

fn all_names(dir: &Path) -> Result<Vec<String>, StoreError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(vec![]),
        other => other.at(dir, "cannot be read")?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry.at(dir, "cannot be read")?.file_name().into_string().ok());
    }
    Ok(names)
}

fn is_older(path: &Path, age: Duration) -> bool {
    let modified = fs::metadata(path).and_then(|meta| meta.modified());
    modified.is_ok_and(|time| time.elapsed().is_ok_and(|elapsed| elapsed > age))
}

/// Another process may have done the same already.
fn done(result: std::io::Result<()>) -> std::io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> (tempfile::TempDir, Journal, Fingerprint, CommitId) {
        let dir = tempfile::tempdir().unwrap();
        let journal = Journal::new(dir.path().join("perf"));
        (dir, journal, "0123456789abcdef".parse().unwrap(), "a".repeat(40).parse().unwrap())
    }

    #[test]
    fn a_line_stays_until_a_remote_has_it() {
        let (_dir, journal, fingerprint, commit) = journal();
        journal.write(&fingerprint, &commit, &RunId::from_bits(1), b"{}").unwrap();
        let stages = |journal: &Journal| -> Vec<Stage> {
            journal.entries(&fingerprint).unwrap().iter().map(|entry| entry.stage).collect()
        };
        assert_eq!(stages(&journal), [Stage::Journal]);
        journal.keep(&journal.entries(&fingerprint).unwrap()).unwrap();
        assert_eq!(stages(&journal), [Stage::Kept]);
        let entries = journal.entries(&fingerprint).unwrap();
        assert_eq!(entries[0].read().unwrap().unwrap(), b"{}");
        journal.forget_settled(&entries).unwrap();
        assert_eq!(stages(&journal), [Stage::Kept], "a fresh line is not settled");
        journal.forget(&entries).unwrap();
        assert_eq!(stages(&journal), []);
        journal.forget(&entries).expect("dropping twice is harmless");
        assert_eq!(entries[0].read().unwrap(), None);
    }

    #[test]
    fn a_line_that_came_meanwhile_is_not_dropped_with_the_others() {
        let (_dir, journal, fingerprint, commit) = journal();
        journal.write(&fingerprint, &commit, &RunId::from_bits(1), b"first").unwrap();
        let shared = journal.entries(&fingerprint).unwrap();
        journal.write(&fingerprint, &commit, &RunId::from_bits(2), b"second").unwrap();
        let kept = journal.keep(&shared).unwrap();
        assert_eq!(kept[0].read().unwrap().unwrap(), b"first");
        journal.forget(&kept).unwrap();
        let left = journal.entries(&fingerprint).unwrap();
        assert_eq!((left.len(), left[0].read().unwrap().unwrap()), (1, b"second".to_vec()));
    }

    #[test]
    fn the_lines_of_one_commit_are_found_wherever_they_lie() {
        let (_dir, journal, fingerprint, commit) = journal();
        let other: CommitId = "b".repeat(40).parse().unwrap();
        for (commit, run) in [(&commit, 1), (&other, 2), (&commit, 3)] {
            journal.write(&fingerprint, commit, &RunId::from_bits(run), run.to_string().as_bytes()).unwrap();
            journal.keep(&journal.entries(&fingerprint).unwrap()).unwrap();
        }
        journal.write(&fingerprint, &commit, &RunId::from_bits(4), b"4").unwrap();
        // Where kept lines were before there were directories.
        let flat = journal.stage_dir(Stage::Kept).join(fingerprint.as_str()).join(format!("{commit}.5"));
        fs::write(&flat, "5").unwrap();
        let read = |entries: Vec<Entry>| -> Vec<String> {
            let lines = entries.iter().map(|entry| entry.read().unwrap().unwrap());
            let mut lines: Vec<_> = lines.map(|line| String::from_utf8(line).unwrap()).collect();
            lines.sort();
            lines
        };
        let own = journal.own(&fingerprint).unwrap();
        assert_eq!(read(own.of(&commit).unwrap()), ["1", "3", "4", "5"]);
        assert_eq!(read(own.of(&other).unwrap()), ["2"]);
        assert_eq!(own.of(&"c".repeat(40).parse().unwrap()).unwrap(), []);
        assert_eq!(read(journal.entries(&fingerprint).unwrap()), ["1", "2", "3", "4", "5"]);
        assert_eq!(read(journal.unfolded(&fingerprint).unwrap()), ["4"]);
        journal.forget(&journal.keep(&journal.entries(&fingerprint).unwrap()).unwrap()).unwrap();
        assert_eq!(journal.entries(&fingerprint).unwrap(), [], "all were known where they are");
    }

    #[test]
    fn foreign_files_are_left_alone() {
        let (_dir, journal, fingerprint, commit) = journal();
        journal.write(&fingerprint, &commit, &RunId::from_bits(1), b"{}").unwrap();
        let dir = journal.stage_dir(Stage::Journal).join(fingerprint.as_str());
        for name in [".tmpXYZ", "README", "HEAD.1"] {
            fs::write(dir.join(name), "x").unwrap();
        }
        assert_eq!(journal.entries(&fingerprint).unwrap().len(), 1);
    }
}
