//! What processes that were killed have left behind, and which git is here.

use std::fs;
use std::path::PathBuf;

use crate::error::{At, StoreError};
use crate::git::Git;
use crate::refs;
use crate::repository::Store;

/// What was mended.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Mended {
    /// Locks on refs of this store, older than ten minutes, that were removed.
    pub locks: Vec<PathBuf>,
    /// How many runs of the journal are in the notes now.
    pub folded: usize,
}

impl Store {
    /// Removes what killed processes left behind and nobody else can need, and folds the journal.
    ///
    /// Locks that git itself may hold, such as the one of `packed-refs`, are left alone.
    pub fn mend(&self) -> Result<Mended, StoreError> {
        let mut mended = Mended::default();
        for (path, age) in self.locks() {
            if age > refs::ABANDONED && path.starts_with(self.repo.common_dir().join(refs::NOTES)) {
                fs::remove_file(&path).at(&path, "cannot be removed")?;
                mended.locks.push(path);
            }
        }
        refs::sweep_objects(&self.repo);
        self.journal().sweep()?;
        let unfolded = self.unfolded()?;
        self.fold()?;
        mended.folded = unfolded - self.unfolded()?;
        Ok(mended)
    }

    /// Counts the runs of the journal that are not in the notes yet.
    pub fn unfolded(&self) -> Result<usize, StoreError> {
        let mut lines = 0;
        for fingerprint in self.journal().fingerprints()? {
            lines += self.journal().unfolded(&fingerprint)?.len();
        }
        Ok(lines)
    }

    /// Returns the version of the `git` that this store starts; `None` where it says none.
    pub fn git_version(&self) -> Result<Option<(u32, u32)>, StoreError> {
        Git::local(&self.repo).version()
    }
}
