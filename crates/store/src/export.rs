//! Going through all that is stored, one commit at a time, in little memory.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use gix::ObjectId;
use perf_model::CommitId;
use rayon::prelude::*;

use crate::baselines::{Found, Shelf, Sources};
use crate::bulk::Spool;
use crate::error::StoreError;
use crate::journal::Entry;
use crate::lines::Lines;
use crate::notes::{self, MAX_LINES};
use crate::record::by_commit;
use crate::repository::{Store, commit_id, object_id};

/// So many notes are decoded at a time, on all processors.
const BATCH: usize = 128;

/// The note of one commit as it was read.
struct Note {
    commit: CommitId,
    lines: Lines,
    /// How many blobs of it were not read.
    too_large: usize,
}

impl Store {
    /// Visits the baselines of every commit in every environment, in the order of fingerprints and then of
    /// commit ids, whatever their number; each visit is one commit in one environment, or a flaw of one.
    pub fn each(&self, visit: impl FnMut(Found) -> ControlFlow<()>) -> Result<(), StoreError> {
        self.each_as(&|found| found, visit)
    }

    /// Visits what is made of them: made on all processors, visited in the same order.
    pub fn each_as<T: Send>(
        &self,
        make: &(impl Fn(Found) -> T + Sync),
        mut visit: impl FnMut(T) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        for fingerprint in self.fingerprints()? {
            let shelf = self.shelf(fingerprint)?;
            if let Some(flaw) = shelf.flaw() {
                let found = Found { unusable: vec![flaw], ..Found::default() };
                if visit(make(found)).is_break() {
                    return Ok(());
                }
            }
            if self.each_of(&shelf, make, &mut visit)?.is_break() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn each_of<T: Send>(
        &self,
        shelf: &Shelf,
        make: &(impl Fn(Found) -> T + Sync),
        visit: &mut impl FnMut(T) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, StoreError> {
        let blobs = match shelf.tip.tree.map(|tree| notes::list(&self.repo, tree)) {
            Some(Err(error @ StoreError::TooManyNotes(_))) => {
                let found = Found { unusable: vec![shelf.unusable(error.to_string())], ..Found::default() };
                if visit(make(found)).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                notes::Blobs::new()
            }
            Some(listed) => listed?,
            None => notes::Blobs::new(),
        };
        self.each_note((shelf, blobs), &self.journal().entries(&shelf.fingerprint)?, make, visit)
    }

    /// Visits these notes and these lines of the journal of an environment.
    pub(crate) fn each_note<T: Send>(
        &self,
        (shelf, blobs): (&Shelf, notes::Blobs),
        entries: &[Entry],
        make: &(impl Fn(Found) -> T + Sync),
        visit: &mut impl FnMut(T) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, StoreError> {
        let journal = by_commit(entries)?;
        let untrusted = &*self.untrusted(&shelf.fingerprint, shelf.tip)?;
        let mut ids: BTreeMap<CommitId, Vec<ObjectId>> =
            blobs.into_iter().map(|(annotated, blobs)| (commit_id(&annotated), blobs)).collect();
        for commit in journal.keys() {
            ids.entry(commit.clone()).or_default();
        }
        let all: Vec<ObjectId> = ids.values().flatten().copied().collect();
        let mut spool = Spool::read(&self.repo, &all)?;
        let mut ids = ids.into_iter();
        loop {
            let batch: Vec<Note> = ids
                .by_ref()
                .take(BATCH)
                .map(|(commit, blobs)| Note::read(commit, blobs.len(), &mut spool))
                .collect::<Result<_, _>>()?;
            if batch.is_empty() {
                return Ok(ControlFlow::Continue(()));
            }
            let made = |Note { commit, lines, too_large }| {
                let mut found = Found::default();
                for _ in 0..too_large {
                    let reason = format!("{commit}: a note is too large to be read");
                    found.unusable.push(shelf.unusable(reason));
                }
                let (untrusted, own) = (untrusted.get(&object_id(&commit)), journal.get(&commit));
                shelf.decode(&commit, Sources { lines, untrusted, own }, &mut found);
                make(found)
            };
            // Starting threads takes longer than decoding a few.
            let made: Vec<T> = if batch.len() < BATCH {
                batch.into_iter().map(made).collect()
            } else {
                batch.into_par_iter().map(made).collect()
            };
            for one in made {
                if visit(one).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
        }
    }
}

impl Note {
    fn read(commit: CommitId, blobs: usize, spool: &mut Spool) -> Result<Self, StoreError> {
        let (mut lines, mut too_large) = (Lines::default(), 0);
        for _ in 0..blobs {
            match spool.next()? {
                Some(blob) => match Lines::parse_up_to(MAX_LINES, &blob) {
                    Ok(more) => lines.unite_owned(more),
                    Err(_) => too_large += 1,
                },
                None => too_large += 1,
            }
        }
        Ok(Self { commit, lines, too_large })
    }
}
