//! Commits checked out beside the user's own work tree, for as long as somebody measures them.
//!
//! They are linked work trees below `perf/worktrees` in the git directory, so that a suite finds its repository as it
//! is used to. Whoever made them holds a lock: what lies there while nobody holds it was left by a process that died.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::{PermissionsExt, symlink};
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
    /// What could not be removed of an earlier session, and why.
    left: Vec<StoreError>,
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
        let left = self.clear_checkouts()?;
        Ok(Checkouts { store: self, left, _alone: alone })
    }

    /// Removes the checkouts of a process that has died; waits for it to be dead.
    pub fn remove_checkouts(&self, patience: Duration) -> Result<(), StoreError> {
        let _alone = self.lock_until("measure", Instant::now() + patience)?;
        self.clear_checkouts().map(drop)
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

    /// Where checkouts are removed, after they were moved here: what still writes to one does not hinder the next.
    fn removed_dir(&self) -> PathBuf {
        self.own_dir().join("removed")
    }

    /// Removes every checkout, its registration first: without git, so that no signal can keep it from happening.
    /// Returns what could not be removed and is in nobody's way.
    fn clear_checkouts(&self) -> Result<Vec<StoreError>, StoreError> {
        let dir = self.checkouts_dir();
        let Ok(own) = dir.canonicalize() else { return self.clear_removed() };
        let registered = self.repo.common_dir().join("worktrees");
        for entry in entries(&registered)? {
            let points_to = fs::read_to_string(entry.join("gitdir")).unwrap_or_default();
            if Path::new(points_to.trim_end()).starts_with(&own) {
                gone(fs::remove_dir_all(&entry)).at(&entry, "cannot be removed")?;
            }
        }
        // Git removes the directory with the last work tree too; with others in it, it stays.
        let _ = fs::remove_dir(&registered);
        self.put_away(&dir)?;
        self.clear_removed()
    }

    /// Moves a directory to where it is removed.
    fn put_away(&self, dir: &Path) -> Result<(), StoreError> {
        let removed = self.removed_dir();
        fs::create_dir_all(&removed).at(&removed, "the directory cannot be created")?;
        let mut free = (0..).map(|number: u32| removed.join(number.to_string())).skip_while(|it| it.exists());
        let place = free.next().expect("there are enough numbers");
        gone(fs::rename(dir, place)).at(dir, "cannot be moved out of the way")
    }

    fn clear_removed(&self) -> Result<Vec<StoreError>, StoreError> {
        let removed = self.removed_dir();
        let each = entries(&removed)?.into_iter();
        let left: Vec<StoreError> =
            each.filter_map(|entry| remove_all(&entry).at(&entry, "cannot be removed").err()).collect();
        // It is not empty where something is left.
        let _ = fs::remove_dir(&removed);
        Ok(left)
    }
}

impl Checkouts<'_> {
    /// Returns what earlier sessions left that cannot be removed, once.
    pub fn take_left(&mut self) -> Vec<StoreError> {
        std::mem::take(&mut self.left)
    }

    /// Returns where the directories are that live longer than a checkout.
    pub fn kept(&self) -> PathBuf {
        self.store.own_dir().join("builds")
    }

    /// Checks a commit out under a name; what had that name before is replaced.
    ///
    /// The directories in `kept` live longer than the checkout, one set for each name: what was built in them is
    /// found again by the next checkout of that name. A directory that the commit itself has is not among them.
    ///
    /// While git writes it, its process group is told to `group`.
    pub fn add(
        &self,
        name: &str,
        commit: &CommitId,
        kept: &[PathBuf],
        group: &dyn Fn(Option<u32>),
    ) -> Result<PathBuf, StoreError> {
        let dir = self.store.checkouts_dir();
        fs::create_dir_all(&dir).at(&dir, "the directory cannot be created")?;
        // Git registers the path without symbolic links in it, and finds its own only by that.
        let dir = dir.canonicalize().at(&dir, "cannot be resolved")?;
        let path = dir.join(name);
        self.remove(&path)?;
        let shown = path.to_string_lossy();
        let git = Git::local(&self.store.repo).within(CHECKING_OUT);
        let git = git.under("worktree.useRelativePaths=false").under("checkout.defaultRemote=");
        git.run_announced(&["worktree", "add", "--quiet", "--detach", &shown, commit.as_str()], group)?;
        let builds = dir.with_file_name("builds").join(name);
        for shared in kept {
            keep(&builds.join(shared), &path, shared)?;
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
        self.store.put_away(path)?;
        self.store.clear_removed().map(drop)
    }
}

impl Drop for Checkouts<'_> {
    fn drop(&mut self) {
        // Whoever measures next removes what could not be removed now.
        let _ = self.store.clear_checkouts();
    }
}

/// Makes a place in a checkout a link to a directory that outlives it. What the commit itself has there, or a link of it
/// on the way there, stays as it is.
fn keep(outlives: &Path, checkout: &Path, shared: &Path) -> Result<(), StoreError> {
    let mut place = checkout.to_owned();
    for part in shared {
        if place.symlink_metadata().is_ok_and(|found| !found.is_dir()) {
            return Ok(());
        }
        place.push(part);
    }
    if place.symlink_metadata().is_ok() {
        return Ok(());
    }
    let parent = place.parent().unwrap_or(&place);
    for dir in [outlives, parent] {
        fs::create_dir_all(dir).at(dir, "the directory cannot be created")?;
    }
    symlink(outlives, &place).at(&place, "cannot be made a link to what was built before")
}

/// Removes a directory with all that is in it, also what is not writable.
fn remove_all(dir: &Path) -> std::io::Result<()> {
    match gone(fs::remove_dir_all(dir)) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            make_writable(dir)?;
            gone(fs::remove_dir_all(dir))
        }
        other => other,
    }
}

/// Lets the owner write to all directories; files need not be writable to be removed.
fn make_writable(dir: &Path) -> std::io::Result<()> {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            make_writable(&entry.path())?;
        }
    }
    Ok(())
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
