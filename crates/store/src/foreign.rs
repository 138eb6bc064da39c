//! Notes of other tools, and recording what was in them.

use perf_model::{CommitId, Run};

use crate::bulk::Spool;
use crate::error::StoreError;
use crate::line;
use crate::notes;
use crate::refs;
use crate::repository::{Store, commit_id};

impl Store {
    /// Visits every note under another tool's ref, such as `refs/notes/tak`, in the order of commit ids; `None` is a
    /// note that is too large to be read. Returns `false` where there is no such ref.
    pub fn each_foreign_note(
        &self,
        name: &str,
        mut visit: impl FnMut(CommitId, Option<Vec<u8>>),
    ) -> Result<bool, StoreError> {
        let Some(tree) = self.notes_tip(refs::valid(name)?)?.tree else { return Ok(false) };
        let notes = notes::list(&self.repo, tree)?;
        let blobs: Vec<_> = notes.values().flatten().copied().collect();
        let mut spool = Spool::read(&self.repo, &blobs)?;
        for (annotated, blobs) in &notes {
            for _ in blobs {
                visit(commit_id(annotated), spool.next()?);
            }
        }
        Ok(true)
    }

    /// Records many runs at once. When this returns, they survive the death of the process and of the machine.
    ///
    /// Returns why they are in the journal only, where they are; the next call folds them.
    pub fn record_all(&self, runs: &[Run]) -> Result<Option<StoreError>, StoreError> {
        for run in runs {
            let fingerprint = run.environment.fingerprint();
            self.journal().write(&fingerprint, &run.lineage.commit, &run.id, &line::encode(run)?)?;
        }
        Ok(self.fold().err())
    }
}
