//! Files as they are in a commit.

use perf_model::CommitId;

use crate::error::{Doing, StoreError};
use crate::git::Git;
use crate::repository::{Store, object_id};

/// No file that a person writes is larger.
const MAX_FILE: u64 = 1 << 20;

impl Store {
    /// Reads a file as it is in a commit; `None` where that has no such file.
    ///
    /// # Errors
    ///
    /// [`StoreError::Repository`] where its bytes are not here, as in a clone without blobs: see [`Store::fetch_file`].
    pub fn file(&self, commit: &CommitId, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let doing = || format!("{commit}:{path}: cannot be read");
        let tree = self.repo.find_commit(object_id(commit)).doing(doing)?.tree().doing(doing)?;
        let entry = tree.lookup_entry_by_path(path).doing(doing)?;
        let Some(entry) = entry.filter(|entry| entry.mode().is_blob()) else { return Ok(None) };
        if self.repo.find_header(entry.object_id()).doing(doing)?.size() > MAX_FILE {
            return Err(StoreError::FileTooLarge { file: format!("{commit}:{path}"), limit: MAX_FILE });
        }
        Ok(Some(entry.object().doing(doing)?.detach().data))
    }

    /// Reads a file of a commit that is known to have it, by way of git, which asks the remote for what is not here.
    pub fn fetch_file(&self, commit: &CommitId, path: &str) -> Result<Vec<u8>, StoreError> {
        Git::local(&self.repo).run(&["cat-file", "blob", &format!("{commit}:{path}")])
    }
}
