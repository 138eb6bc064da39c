//! Commits checked out beside the user's own work tree, for as long as somebody measures them.
//!
//! They are linked work trees below `perf/worktrees` in the git directory, so that a suite finds its repository as it
//! is used to. Whoever made them holds a lock: what lies there while nobody holds it was left by a process that died.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use perf_model::CommitId;

use crate::error::{At, StoreError};
use crate::git::Git;
use crate::history::Commit;
use crate::repository::Store;

/// The checkouts of one process. They go with this value.
#[derive(Debug)]
pub struct Checkouts<'a> {
    store: &'a Store,
    _alone: File,
}

/// Another process that measures here is waited for no longer than this.
const PATIENCE: Duration = Duration::from_secs(2);
/// Large repositories take their time.
const CHECKING_OUT: Duration = Duration::from_secs(1800);

impl Store {
    /// Begins to check out commits, alone; what a dead process left is removed first.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] where another process does the same.
    pub fn checkouts(&self) -> Result<Checkouts<'_>, StoreError> {
        let alone = self.lock_until("measure", Instant::now() + PATIENCE)?;
        self.clear_checkouts()?;
        Ok(Checkouts { store: self, _alone: alone })
    }

    /// Removes the checkouts of a process that has died; waits for it to be dead.
    pub fn remove_checkouts(&self, patience: Duration) -> Result<(), StoreError> {
        let _alone = self.lock_until("measure", Instant::now() + patience)?;
        self.clear_checkouts()
    }

    /// Makes a commit of the uncommitted changes of tracked files, which no ref points to; `None` without changes.
    pub fn snapshot(&self) -> Result<Option<Commit>, StoreError> {
        let printed = Git::as_committer_in_worktree(&self.repo, self.now).run(&["stash", "create"])?;
        let id = String::from_utf8_lossy(printed.trim_ascii()).into_owned();
        if id.is_empty() { Ok(None) } else { self.resolve(&id).map(Some) }
    }

    /// Returns the file that what suites print while they are measured goes to.
    pub fn measuring_log(&self) -> PathBuf {
        self.own_dir().join("measure.log")
    }

    fn checkouts_dir(&self) -> PathBuf {
        self.own_dir().join("worktrees")
    }

    /// Removes every checkout, its registration first: without git, so that no signal can keep it from happening.
    fn clear_checkouts(&self) -> Result<(), StoreError> {
        let dir = self.checkouts_dir();
        let Ok(own) = dir.canonicalize() else { return Ok(()) };
        let registered = self.repo.common_dir().join("worktrees");
        for entry in entries(&registered)? {
            let points_to = fs::read_to_string(entry.join("gitdir")).unwrap_or_default();
            if Path::new(points_to.trim_end()).starts_with(&own) {
                gone(fs::remove_dir_all(&entry)).at(&entry, "cannot be removed")?;
            }
        }
        // Git removes the directory with the last work tree too; with others in it, it stays.
        let _ = fs::remove_dir(&registered);
        gone(fs::remove_dir_all(&dir)).at(&dir, "cannot be removed")
    }
}

impl Checkouts<'_> {
    /// Checks a commit out under a name; what had that name before is replaced.
    ///
    /// The directories in `kept` live longer than the checkout, one set for each name: what was built in them is
    /// found again by the next checkout of that name. A directory that the commit itself has is not among them.
    pub fn add(&self, name: &str, commit: &CommitId, kept: &[PathBuf]) -> Result<PathBuf, StoreError> {
        let dir = self.store.checkouts_dir();
        fs::create_dir_all(&dir).at(&dir, "the directory cannot be created")?;
        // Git registers the path without symbolic links in it, and finds its own only by that.
        let dir = dir.canonicalize().at(&dir, "cannot be resolved")?;
        let path = dir.join(name);
        self.remove(&path)?;
        let shown = path.to_string_lossy();
        let options = ["-c", "worktree.useRelativePaths=false", "-c", "checkout.defaultRemote="];
        let add = ["worktree", "add", "--quiet", "--detach", &shown, commit.as_str()];
        Git::local(&self.store.repo).within(CHECKING_OUT).run(&[&options[..], &add[..]].concat())?;
        let builds = dir.with_file_name("builds").join(name);
        for shared in kept {
            keep(&builds.join(shared), &path.join(shared))?;
        }
        Ok(path)
    }

    fn remove(&self, path: &Path) -> Result<(), StoreError> {
        if !path.exists() {
            return Ok(());
        }
        for entry in entries(&self.store.repo.common_dir().join("worktrees"))? {
            let points_to = fs::read_to_string(entry.join("gitdir")).unwrap_or_default();
            if Path::new(points_to.trim_end()).starts_with(path) {
                gone(fs::remove_dir_all(&entry)).at(&entry, "cannot be removed")?;
            }
        }
        gone(fs::remove_dir_all(path)).at(path, "cannot be removed")
    }
}

impl Drop for Checkouts<'_> {
    fn drop(&mut self) {
        // Whoever measures next removes what could not be removed now.
        let _ = self.store.clear_checkouts();
    }
}

/// Makes `place` a link to a directory that outlives it.
fn keep(outlives: &Path, place: &Path) -> Result<(), StoreError> {
    if place.symlink_metadata().is_ok() {
        return Ok(());
    }
    let parent = place.parent().unwrap_or(place);
    for dir in [outlives, parent] {
        fs::create_dir_all(dir).at(dir, "the directory cannot be created")?;
    }
    symlink(outlives, place).at(place, "cannot be made a link to what was built before")
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
    match fs::read_dir(dir) {
        Ok(entries) => Ok(entries.flatten().map(|entry| entry.path()).collect()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(vec![]),
        Err(error) => Err(error).at(dir, "cannot be read"),
    }
}

/// What is gone already is removed.
fn gone(result: std::io::Result<()>) -> std::io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
