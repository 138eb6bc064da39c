//! Recording runs and folding the journal into the notes.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use perf_model::{CommitId, Fingerprint, Run};

use crate::error::{At, StoreError};
use crate::journal::{Entry, Journal};
use crate::line;
use crate::lines::Lines;
use crate::refs::{self, Swap};
use crate::repository::{Store, object_id};

/// What became of a run that was recorded.
#[derive(Debug)]
pub struct Recorded {
    /// The environment that it was filed under.
    pub fingerprint: Fingerprint,
    /// Why the run is still in the journal only, where it is. It is safe there and the next call folds it.
    pub unfolded: Option<StoreError>,
}

/// Losing a compare-and-swap this often in a row means that something is wrong.
const ATTEMPTS: usize = 20;

impl Store {
    /// Records a run. When this returns, the run survives the death of the process and of the machine.
    ///
    /// # Errors
    ///
    /// Nothing is recorded then. A lock that another process holds is no error: see [`Recorded::unfolded`].
    pub fn record(&self, run: &Run) -> Result<Recorded, StoreError> {
        let line = line::encode(run)?;
        let fingerprint = run.environment.fingerprint();
        self.journal().write(&fingerprint, &run.lineage.commit, &run.id, &line)?;
        Ok(Recorded { unfolded: self.fold().err(), fingerprint })
    }

    /// Folds every line of the journal into the local notes.
    pub(crate) fn fold(&self) -> Result<(), StoreError> {
        let journal = self.journal();
        let fingerprints = journal.fingerprints()?;
        if fingerprints.is_empty() {
            return Ok(());
        }
        let _alone = self.lock("lock")?;
        journal.sweep()?;
        // What is wrong with one environment keeps no other from being folded.
        let folded: Vec<_> = fingerprints.iter().map(|fingerprint| self.fold_all_of(fingerprint)).collect();
        folded.into_iter().collect()
    }

    fn fold_all_of(&self, fingerprint: &Fingerprint) -> Result<(), StoreError> {
        let journal = self.journal();
        let new = journal.unfolded(fingerprint)?;
        if !new.is_empty() {
            self.fold_one(fingerprint, &new)?;
            journal.keep(&new)?;
        }
        if !self.remotes().is_empty() {
            return Ok(());
        }
        journal.forget_settled(&journal.entries(fingerprint)?)
    }

    pub(crate) fn journal(&self) -> Journal {
        Journal::new(self.own_dir())
    }

    /// Waits until this process alone holds a lock, which ends with the process whatever ends it.
    pub(crate) fn lock(&self, name: &str) -> Result<File, StoreError> {
        let (path, file) = self.lock_file(name)?;
        file.lock().at(&path, "cannot be locked")?;
        Ok(file)
    }

    /// Does the same for a lock that is held over the network: no longer than until a deadline.
    pub(crate) fn lock_until(&self, name: &str, deadline: Instant) -> Result<File, StoreError> {
        let (path, file) = self.lock_file(name)?;
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(StoreError::Busy { path, waited: began.elapsed() });
                }
                Err(TryLockError::Error(error)) => return Err(error).at(&path, "cannot be locked"),
            }
        }
    }

    fn lock_file(&self, name: &str) -> Result<(PathBuf, File), StoreError> {
        let (dir, path) = (self.own_dir(), self.own_dir().join(name));
        fs::create_dir_all(&dir).at(&dir, "the directory cannot be created")?;
        let file = File::options().create(true).append(true).open(&path).at(&path, "cannot be opened")?;
        Ok((path, file))
    }

    fn fold_one(&self, fingerprint: &Fingerprint, entries: &[Entry]) -> Result<(), StoreError> {
        let name = refs::notes(fingerprint);
        for _ in 0..ATTEMPTS {
            let tip = self.notes_tip(&name)?;
            let mut notes = BTreeMap::new();
            for (commit, new) in by_commit(entries)? {
                let old = self.note(tip, &commit)?;
                let mut lines = old.clone();
                lines.unite(&new);
                if lines != old {
                    notes.insert(object_id(&commit), lines);
                }
            }
            if notes.is_empty() {
                return Ok(());
            }
            let commit = self.commit_notes(tip, &notes)?;
            if refs::swap(&self.repo, &name, tip.commit, commit, self.now)? == Swap::Done {
                return Ok(());
            }
        }
        Err(StoreError::Contended(name))
    }
}

/// Reads lines of the journal, by the commit that they belong to.
pub(crate) fn by_commit<'a>(
    entries: impl IntoIterator<Item = &'a Entry>,
) -> Result<BTreeMap<CommitId, Lines>, StoreError> {
    let mut notes: BTreeMap<_, Lines> = BTreeMap::new();
    for entry in entries {
        if let Some(line) = entry.read()? {
            notes.entry(entry.commit.clone()).or_default().insert(line);
        }
    }
    Ok(notes)
}
