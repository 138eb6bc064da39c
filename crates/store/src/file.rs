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
    /// [`StoreError::NoFile`] where it is a directory, or a link to what is no file of the commit;
    /// [`StoreError::FileTooLarge`]; [`StoreError::Repository`] where its bytes are not here, as in a clone without blobs: see [`Store::fetch_file`].
    pub fn file(&self, commit: &CommitId, path: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let Some((is_link, data)) = self.entry(commit, path)? else { return Ok(None) };
        if !is_link {
            return Ok(Some(data));
        }
        let no_file = || StoreError::NoFile { file: format!("{commit}:{path}") };
        // One step, and not out of the tree: what a work tree would show by way of `..` is in no commit.
        let target = std::str::from_utf8(&data).map_err(|_| no_file())?;
        match self.entry(commit, target.strip_prefix("./").unwrap_or(target)) {
            Ok(Some((false, data))) if !path.contains('/') => Ok(Some(data)),
            Ok(_) | Err(StoreError::NoFile { .. }) => Err(no_file()),
            Err(error) => Err(error),
        }
    }

    /// Reads an entry of a commit's tree, and whether it is a symbolic link.
    fn entry(&self, commit: &CommitId, path: &str) -> Result<Option<(bool, Vec<u8>)>, StoreError> {
        let doing = || format!("{commit}:{path}: cannot be read");
        let file = || format!("{commit}:{path}");
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err(StoreError::NoFile { file: file() });
        }
        let tree = self.repo.find_commit(object_id(commit)).doing(doing)?.tree().doing(doing)?;
        let Some(entry) = tree.lookup_entry_by_path(path).doing(doing)? else { return Ok(None) };
        let is_link = entry.mode().is_link();
        if !is_link && !entry.mode().is_blob() {
            return Err(StoreError::NoFile { file: file() });
        }
        if self.repo.find_header(entry.object_id()).doing(doing)?.size() > MAX_FILE {
            return Err(StoreError::FileTooLarge { file: file(), limit: MAX_FILE });
        }
        Ok(Some((is_link, entry.object().doing(doing)?.detach().data)))
    }

    /// Reads a file of a commit that is known to have it, by way of git, which asks the remote for what is not here.
    pub fn fetch_file(&self, commit: &CommitId, path: &str) -> Result<Vec<u8>, StoreError> {
        Git::local(&self.repo).run(&["cat-file", "blob", &format!("{commit}:{path}")])
    }
}
