//! Declaring that a new level begins with a commit: a mark in its runs, put there while only this clone has them.

use std::collections::BTreeMap;

use perf_model::{CommitId, Fingerprint, Rebaseline, Run};

use crate::error::StoreError;
use crate::line;
use crate::lines::Lines;
use crate::record::by_commit;
use crate::refs;
use crate::repository::{Store, object_id};
use crate::sync::{Contest, Integrated, LOCK, Notes, SyncOptions};

impl Store {
    /// Returns who the user of this clone is, as git would name the author of a commit.
    pub fn author(&self) -> String {
        refs::author(&self.repo)
    }

    /// Marks every run of a commit that the remote does not have yet as the beginning of a new level. Returns how
    /// many there are, by environment.
    ///
    /// The marked line takes the place of the other, under the same run id. Killed in between, a note has both:
    /// readers use the marked one, which comes first in byte order.
    ///
    /// # Errors
    ///
    /// [`StoreError::NothingToRebaseline`] where there is no such run: a line that others may have is not changed.
    pub fn rebaseline(
        &self,
        commit: &CommitId,
        reason: &str,
        options: &SyncOptions,
    ) -> Result<BTreeMap<Fingerprint, usize>, StoreError> {
        let remote = options.remote();
        let _alone = self.lock_until(LOCK, remote.deadline)?;
        self.fetch_again(remote, &mut Contest::default())?;
        if let Some(error) = self.integrate(remote.name)?.failed {
            return Err(error);
        }
        let _alone = self.lock("lock")?;
        let shared = self.parked_lines(remote.name, &mut Integrated::default())?;
        let mut marked = BTreeMap::new();
        for fingerprint in self.fingerprints()? {
            let own = self.own_lines(remote.name, &fingerprint, commit)?;
            let parked = shared.get(&fingerprint).and_then(|notes| notes.get(&object_id(commit)));
            let own = own.without(parked.unwrap_or(&Lines::default()));
            let runs = self.mark(&fingerprint, commit, &own, reason)?;
            if runs > 0 {
                marked.insert(fingerprint, runs);
            }
        }
        if marked.is_empty() {
            return Err(StoreError::NothingToRebaseline { commit: commit.to_string() });
        }
        Ok(marked)
    }

    /// Reads the lines of a commit that the remote was not seen to have.
    fn own_lines(
        &self,
        remote: &str,
        fingerprint: &Fingerprint,
        commit: &CommitId,
    ) -> Result<Lines, StoreError> {
        let entries = self.journal().own(fingerprint)?.of(commit)?;
        let mut own = by_commit(&entries)?.remove(commit).unwrap_or_default();
        own.unite(&self.note(self.notes_tip(&refs::notes(fingerprint))?, commit)?);
        let seen = self.notes_tip(&refs::seen(remote, fingerprint))?;
        Ok(own.without(&self.note(seen, commit)?))
    }

    /// Puts the mark into the runs among these lines; returns how many have it then.
    fn mark(
        &self,
        fingerprint: &Fingerprint,
        commit: &CommitId,
        lines: &Lines,
        reason: &str,
    ) -> Result<usize, StoreError> {
        let rebaseline = Rebaseline { by: self.author(), reason: reason.to_owned() };
        let (mut gone, mut marked) = (Lines::default(), 0);
        for line in lines.iter() {
            let Ok(run) = line::decode(line) else { continue };
            marked += 1;
            if run.rebaseline.as_ref() == Some(&rebaseline) {
                continue;
            }
            let run = Run { rebaseline: Some(rebaseline.clone()), ..run };
            self.journal().write(fingerprint, commit, &run.id, &line::encode(&run)?)?;
            gone.insert(line.to_vec());
        }
        if !gone.is_empty() {
            self.take_out_of(fingerprint, &Notes::from([(object_id(commit), gone)]))?;
        }
        Ok(marked)
    }
}
