use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::line::LineError;

/// What can go wrong with a store.
#[derive(Debug, Error)]
pub enum StoreError {
    /// There is no repository here.
    #[error("{}: not a git repository (nor any of its parent directories)", dir.display())]
    NotARepository {
        /// Where one was looked for.
        dir: PathBuf,
    },
    /// There is a repository here, but it cannot be used: it belongs to somebody else, or it is damaged.
    #[error("{}: the git repository cannot be used", dir.display())]
    Unusable {
        /// Where it was looked for.
        dir: PathBuf,
        /// Why it could not be opened.
        source: Box<gix::Error>,
    },
    /// The repository has a feature under which this store would lose data.
    #[error("{}: repository extension `{name} = {value}` is not supported", dir.display())]
    UnsupportedExtension {
        /// The repository.
        dir: PathBuf,
        /// The extension.
        name: String,
        /// Its value.
        value: String,
    },
    /// `HEAD` points to a branch without commits.
    #[error("HEAD has no commit yet")]
    UnbornHead,
    /// A revision that names nothing.
    #[error("{revision}: no such revision")]
    NoSuchRevision {
        /// As the caller wrote it.
        revision: String,
    },
    /// A revision that names something other than a commit.
    #[error("{revision}: is a {kind}, not a commit")]
    NotACommit {
        /// As the caller wrote it.
        revision: String,
        /// What it is.
        kind: String,
    },
    /// None of the branches that could be the base exists.
    #[error("no base branch: looked for {}", looked_for.join(", "))]
    NoBaseBranch {
        /// The refs that were tried.
        looked_for: Vec<String>,
    },
    /// No remote of that name, or none at all.
    #[error("{0}")]
    Remote(String),
    /// A remote's name that cannot be part of a ref.
    #[error("{0}: not a valid ref name")]
    BadRefName(String),
    /// Other programs keep changing a ref.
    #[error("{0}: other programs keep changing this ref")]
    Contended(String),
    /// What should be a file is a directory, or a link to what is none.
    #[error("{file}: no file, nor a link to one in the same commit")]
    NoFile {
        /// Commit and path.
        file: String,
    },
    /// A file larger than any that a person writes.
    #[error("{file}: larger than {limit} bytes")]
    FileTooLarge {
        /// Commit and path.
        file: String,
        /// How large it may be.
        limit: u64,
    },
    /// A notes tree larger than any real one.
    #[error("{0}: a notes tree with too many entries")]
    TooManyNotes(String),
    /// A file under the repository's git directory.
    #[error("{}: {action}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What was attempted.
        action: &'static str,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A run that cannot be written as a line.
    #[error("the run cannot be recorded")]
    Line(#[from] LineError),
    /// A lock file is in the way: another process holds it, or one died with it.
    #[error("{name}: cannot be updated while {} exists", path.display())]
    Locked {
        /// Which ref.
        name: String,
        /// The lock file.
        path: PathBuf,
    },
    /// A notes ref that holds no notes.
    #[error("{name}: does not point to a commit and is not used")]
    NotNotes {
        /// Which ref.
        name: String,
    },
    /// A note that is too large to be read, and so must not be rewritten.
    #[error("{note}: a note of {size} bytes is too large; it is kept as it is and not used")]
    NoteTooLarge {
        /// The note's blob.
        note: String,
        /// Its size.
        size: u64,
    },
    /// A note of more lines than any commit was measured, which must not be rewritten either.
    #[error("{note}: a note of {lines} lines is too large; it is kept as it is and not used")]
    TooManyLines {
        /// The note's blob.
        note: String,
        /// How many.
        lines: usize,
    },
    /// `git` could not be started.
    #[error("`git` could not be started")]
    NoGit(#[source] std::io::Error),
    /// `git` failed.
    #[error("`git {command}` failed with {status}: {words}")]
    Git {
        /// The subcommand.
        command: String,
        /// Its exit status in words.
        status: String,
        /// What it printed on standard error, made safe to show.
        words: String,
    },
    /// `git` is older than this crate's ways of calling it.
    #[error("git {}.{} is too old to share baselines: git {}.{} or newer is needed", found.0, found.1, needed.0, needed.1)]
    OldGit {
        /// Which one is here.
        found: (u32, u32),
        /// The oldest that serves.
        needed: (u32, u32),
    },
    /// `git` did not end in time and was stopped.
    #[error("`git {command}` did not end within {} s and was stopped", after.as_secs())]
    TimedOut {
        /// The subcommand.
        command: String,
        /// How long it was given.
        after: Duration,
    },
    /// This process was told to end while `git` ran.
    #[error("interrupted: `git {command}` was stopped")]
    Interrupted {
        /// The subcommand.
        command: String,
    },
    /// Another process has been sharing this clone's notes for all the time that there was.
    #[error("{}: another process holds it since {} s or longer", path.display(), waited.as_secs())]
    Busy {
        /// The lock.
        path: PathBuf,
        /// How long was waited for it.
        waited: Duration,
    },
    /// No run of a commit counts that could be retracted.
    #[error("{commit}: has no run to retract")]
    NothingToRetract {
        /// The commit.
        commit: String,
    },
    /// Every run of a commit is shared, and a shared record is not changed.
    #[error("{commit}: has no run that only this clone has")]
    NothingToRebaseline {
        /// The commit.
        commit: String,
    },
    /// What may be removed depends on history that a shallow clone does not have.
    #[error("the clone is shallow: which baselines are old cannot be told")]
    Shallow,
    /// The remote took none of the attempts.
    #[error("{remote}: the push was rejected {attempts} times: {words}; the runs are still here")]
    PushRejected {
        /// The remote.
        remote: String,
        /// How often it was tried.
        attempts: usize,
        /// The remote's own words, made safe to show.
        words: String,
    },
    /// Anything that gix reports about objects and refs.
    #[error("{action}")]
    Repository {
        /// What was attempted.
        action: String,
        /// What gix said.
        source: Box<gix::Error>,
    },
}

impl StoreError {
    /// Returns whether a note is too large to be read: it is kept as it is and not used.
    pub(crate) fn is_too_large(&self) -> bool {
        matches!(self, Self::NoteTooLarge { .. } | Self::TooManyLines { .. })
    }

    /// Returns whether the system refused something: a disk that is full or broken, a file that may not be read.
    pub fn is_of_system(&self) -> bool {
        match self {
            Self::Unusable { source, .. } | Self::Repository { source, .. } => is_of_system(source),
            Self::File { .. } => true,
            _ => false,
        }
    }
}

/// Returns whether the system refused something, beyond that it is not there.
pub(crate) fn is_of_system(error: &gix::Error) -> bool {
    let mut errors = error.iter_errors().filter_map(|error| error.downcast_ref::<std::io::Error>());
    errors.any(|error| error.kind() != std::io::ErrorKind::NotFound)
}

/// Adds what was attempted to an error of gix.
pub(crate) trait Doing<T> {
    fn doing(self, action: impl FnOnce() -> String) -> Result<T, StoreError>;
}

impl<T, E: Into<gix::Error>> Doing<T> for Result<T, E> {
    fn doing(self, action: impl FnOnce() -> String) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::Repository { action: action(), source: Box::new(source.into()) })
    }
}

/// Adds the file and what was attempted to an I/O error.
pub(crate) trait At<T> {
    fn at(self, path: &std::path::Path, action: &'static str) -> Result<T, StoreError>;
}

impl<T> At<T> for std::io::Result<T> {
    fn at(self, path: &std::path::Path, action: &'static str) -> Result<T, StoreError> {
        self.map_err(|source| StoreError::File { path: path.to_owned(), action, source })
    }
}
