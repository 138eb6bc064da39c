//! Finds the results of Criterion in a tree of directories.
//!
//! What lies in a directory is opened from the directory itself, not by its path from the root: most of the time
//! that reading a tree takes is the system's, and most of that goes into following paths.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rayon::Scope;
use rustix::fd::BorrowedFd;
use rustix::fs::{AtFlags, CWD, Dir, DirEntry, FileType, Mode, OFlags, openat, statat};
use rustix::io::Errno;

use crate::error::ReadError;

/// The directories that Criterion keeps for a benchmark.
const KEPT: [&str; 4] = ["new", "base", "change", "report"];

/// One directory `new` with results.
pub(super) struct Results {
    pub(super) dir: PathBuf,
    pub(super) benchmark: Opened,
    pub(super) sample: Opened,
}

/// A file and what the system says of it; `None` where there is none, or something else has its name.
pub(super) type Opened = io::Result<Option<(File, Metadata)>>;

/// What one directory holds.
struct Entered {
    /// Its `new`, where that holds results.
    results: Option<Results>,
    /// The directories that may hold further ones.
    children: Vec<PathBuf>,
}

/// Says whether there are results at `root` or below.
pub(super) fn has_results(root: &Path) -> bool {
    let mut pending = vec![root.to_owned()];
    while let Some(dir) = pending.pop() {
        match enter(&dir) {
            Ok(Entered { results: Some(_), .. }) => return true,
            Ok(entered) => pending.extend(entered.children),
            Err(_) => {}
        }
    }
    false
}

/// Hands all results at `root` and below to `read`; returns what it made of them, in the order of the directories.
pub(super) fn read_all<T, R>(root: &Path, read: R) -> Vec<(PathBuf, Result<T, ReadError>)>
where
    T: Send,
    R: Fn(Results) -> Result<T, ReadError> + Sync,
{
    let walk = Walk { read, found: Mutex::new(Vec::new()) };
    rayon::scope(|scope| walk.descend(scope, root.to_owned()));
    let mut found = walk.found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_unstable_by(|(a, _), (b, _)| a.as_os_str().cmp(b.as_os_str()));
    found
}

struct Walk<T, R> {
    read: R,
    found: Mutex<Vec<(PathBuf, Result<T, ReadError>)>>,
}

impl<T, R> Walk<T, R>
where
    T: Send,
    R: Fn(Results) -> Result<T, ReadError> + Sync,
{
    /// Reads a directory and all below. It is mostly waiting for the system, so that each is a task of its own.
    fn descend<'scope>(&'scope self, scope: &Scope<'scope>, dir: PathBuf) {
        let Entered { results, children } = match enter(&dir) {
            Ok(entered) => entered,
            Err(cause) => {
                let error = ReadError::new(dir.display(), "cannot be read").caused_by(cause);
                return self.keep(dir, Err(error));
            }
        };
        for child in children {
            scope.spawn(move |scope| self.descend(scope, child));
        }
        if let Some(results) = results {
            self.keep(results.dir.clone(), (self.read)(results));
        }
    }

    fn keep(&self, dir: PathBuf, result: Result<T, ReadError>) {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).push((dir, result));
    }
}

/// Looks into a directory. Symbolic links are not followed, so that a loop of them ends.
fn enter(dir: &Path) -> io::Result<Entered> {
    let mut entries = Dir::new(openat(CWD, dir, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)?;
    let mut names = Vec::new();
    while let Some(entry) = entries.read() {
        names.extend(directory(entries.fd()?, &entry?)?);
    }
    let within = entries.fd()?;
    let results = if names.iter().any(|name| name == "new") { results(within, dir) } else { None };
    if results.is_some() {
        names.retain(|name| !is_kept_beside(within, name));
    }
    Ok(Entered { results, children: names.iter().map(|name| dir.join(name)).collect() })
}

/// Returns the name of an entry that is a directory.
fn directory(within: BorrowedFd<'_>, entry: &DirEntry) -> io::Result<Option<OsString>> {
    let name = entry.file_name();
    if matches!(name.to_bytes(), b"." | b"..") {
        return Ok(None);
    }
    let kind = match entry.file_type() {
        // Some file systems do not keep it with the name.
        FileType::Unknown => {
            FileType::from_raw_mode(statat(within, name, AtFlags::SYMLINK_NOFOLLOW)?.st_mode)
        }
        known => known,
    };
    Ok(kind.is_dir().then(|| OsStr::from_bytes(name.to_bytes()).to_owned()))
}

/// Opens the files of `new`. Samples without their description are damage that reading reports, not a directory to
/// walk by.
fn results(within: BorrowedFd<'_>, dir: &Path) -> Option<Results> {
    let (benchmark, sample) = (open(within, "new/benchmark.json"), open(within, "new/sample.json"));
    if matches!((&benchmark, &sample), (Ok(None), Ok(None))) {
        return None;
    }
    Some(Results { dir: dir.join("new"), benchmark, sample })
}

/// Opens a regular file without waiting, as opening a pipe that nobody writes to would.
fn open(within: BorrowedFd<'_>, path: &str) -> Opened {
    let file = match openat(within, path, OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT | Errno::NXIO) => return Ok(None),
        Err(cause) => return Err(cause.into()),
    };
    let metadata = file.metadata()?;
    Ok(metadata.is_file().then_some((file, metadata)))
}

/// Says whether a directory is one of those that Criterion keeps for a benchmark and that hold no further
/// ones. Not entering them saves half the time; a benchmark may still be called `base`.
fn is_kept_beside(within: BorrowedFd<'_>, name: &OsStr) -> bool {
    let Some(kept) = KEPT.iter().find(|kept| name == **kept) else { return false };
    let inner = statat(within, format!("{kept}/new"), AtFlags::empty());
    !inner.is_ok_and(|inner| FileType::from_raw_mode(inner.st_mode).is_dir())
}
