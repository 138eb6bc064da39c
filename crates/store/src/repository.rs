use std::cell::RefCell;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use gix::bstr::ByteSlice;
use gix::config::Source;
use perf_model::CommitId;
use time::OffsetDateTime;

use crate::error::{At, Doing, StoreError, is_of_system};
use crate::git::words;
use crate::refs;
use crate::trust::Trust;

/// A repository's baselines.
#[derive(Debug)]
pub struct Store {
    pub(crate) repo: gix::Repository,
    /// The moment that notes commits are dated with.
    pub(crate) now: OffsetDateTime,
    /// Whether lines count only if somebody signed for them.
    pub(crate) requires_signatures: bool,
    /// What is known about signatures.
    pub(crate) trust: RefCell<Trust>,
}

/// Repository extensions under which reading and writing through gix is sound.
///
/// Notably absent: `refstorage = reftable`, where gix writes loose refs that git never sees.
const KNOWN_EXTENSIONS: &[&str] =
    &["noop", "preciousobjects", "partialclone", "worktreeconfig", "objectformat", "relativeworktrees"];

/// Notes sit in delta chains; with the default cache of gix each one is inflated again from its first base.
const DELTA_CACHE: &str = "core.deltaBaseCacheLimit=16777216";

/// Bytes of trees and commits, so that looking up several notes of one ref reads its trees once.
const OBJECT_CACHE: usize = 4 << 20;

/// Asking for the number of processors costs more than the index of most work trees.
const INDEX_THREADS: &str = "index.threads=1";

/// A replaced object is not the one that was recorded, reviewed or signed.
const NO_REPLACEMENTS: &str = "core.useReplaceRefs=false";

impl Store {
    /// Opens the repository that `dir` lies in, or the one that `GIT_DIR` names; `now` dates notes commits.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotARepository`]; [`StoreError::UnsupportedExtension`] where data would be lost.
    pub fn open(dir: &Path, now: OffsetDateTime) -> Result<Self, StoreError> {
        let mut options = gix::sec::trust::Mapping::<gix::open::Options>::default();
        options.full = options.full.config_overrides([DELTA_CACHE, INDEX_THREADS, NO_REPLACEMENTS]);
        options.reduced = options.reduced.bail_if_untrusted(true);
        let upwards = gix::discover::upwards::Options::default();
        let mut repo =
            gix::ThreadSafeRepository::discover_with_environment_overrides_opts(dir, upwards, options)
                .map_err(|source| not_opened(dir, source))?
                .to_thread_local();
        repo.object_cache_size(OBJECT_CACHE);
        refuse_unread_settings(&repo)?;
        refuse_unknown_extensions(&repo)?;
        let requires_signatures = repo.config_snapshot().boolean("perf.requireSigned") == Some(true);
        Ok(Self { repo, now, requires_signatures, trust: RefCell::default() })
    }

    /// Returns the root of the work tree, or `None` for a bare repository.
    pub fn work_dir(&self) -> Option<&Path> {
        self.repo.workdir()
    }

    /// Returns whether the clone was cut off at some depth.
    pub fn is_shallow(&self) -> Result<bool, StoreError> {
        self.repo.is_shallow().doing(|| "cannot tell whether the clone is shallow".into())
    }

    /// Returns whether commits made here carry a configured name and address.
    pub fn has_identity(&self) -> bool {
        self.repo.committer().is_some()
    }

    /// Lists lock files that are in the way of this store's refs, with the time since they were made.
    pub fn locks(&self) -> Vec<(PathBuf, Duration)> {
        let dir = self.repo.common_dir();
        let mut candidates = vec![dir.join("packed-refs.lock")];
        let notes = std::fs::read_dir(dir.join(refs::NOTES)).into_iter().flatten().flatten();
        candidates.extend(notes.map(|entry| entry.path()));
        let is_lock = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "lock");
        let aged = |path: PathBuf| {
            let made = path.metadata().ok()?.modified().ok()?;
            Some((path, made.elapsed().unwrap_or_default()))
        };
        candidates.into_iter().filter(is_lock).filter_map(aged).collect()
    }

    /// Returns whether the ref exists that makes all refs of this store impossible.
    pub fn is_blocked(&self) -> Result<bool, StoreError> {
        Ok(refs::tip(&self.repo, refs::NOTES.trim_end_matches('/'))?.is_some())
    }

    /// Returns the names of the configured remotes.
    pub fn remotes(&self) -> Vec<String> {
        self.repo.remote_names().iter().map(|name| name.to_str_lossy().into_owned()).collect()
    }

    /// Returns the remote to use: the one named, else `origin`, else the only one there is.
    ///
    /// # Errors
    ///
    /// [`StoreError::Remote`] where there is none, or where the choice is not clear.
    pub fn remote(&self, named: Option<&str>) -> Result<String, StoreError> {
        let remotes = self.remotes();
        let known = |name: &str| remotes.iter().any(|remote| remote == name);
        let name = match (named, remotes.as_slice()) {
            (Some(name), _) if known(name) => Ok(name.to_owned()),
            (Some(name), _) => Err(StoreError::Remote(format!(
                "{}: no such remote; configured: {}",
                // Somebody may have given an address, and a password with it.
                words(name.as_bytes()),
                if remotes.is_empty() { "none".to_owned() } else { remotes.join(", ") }
            ))),
            (None, []) => Err(StoreError::Remote("no remote is configured".into())),
            (None, _) if known("origin") => Ok("origin".into()),
            (None, [only]) => Ok(only.clone()),
            (None, several) => {
                Err(StoreError::Remote(format!("several remotes, none named origin: {}", several.join(", "))))
            }
        }?;
        self.refuse_options(&name)?;
        Ok(name)
    }

    /// Refuses a remote whose name or address a program could take for an option.
    fn refuse_options(&self, name: &str) -> Result<(), StoreError> {
        let refuse = |what: &str| Err(StoreError::Remote(format!("{name}: {what} begins with `-`")));
        if name.starts_with('-') {
            return refuse("the name");
        }
        let config = self.repo.config_snapshot();
        let addresses = ["url", "pushurl"].map(|key| config.string(format!("remote.{name}.{key}").as_str()));
        let mut addresses = addresses.into_iter().flatten();
        if addresses.any(|address| address.starts_with(b"-")) { refuse("its address") } else { Ok(()) }
    }

    /// Returns the directory for this store's own files, which linked work trees share.
    pub(crate) fn own_dir(&self) -> PathBuf {
        self.repo.common_dir().join("perf")
    }
}

/// Tells a place without a repository from one whose repository cannot be used.
fn not_opened(dir: &Path, source: gix::Error) -> StoreError {
    let is_there = dir.ancestors().any(|place| place.join(".git").exists());
    let dir = dir.to_owned();
    if is_there || is_of_system(&source) {
        StoreError::Unusable { dir, source: Box::new(source) }
    } else {
        StoreError::NotARepository { dir }
    }
}

/// Refuses a repository whose settings could not be read: gix goes on without them, and so without its extensions,
/// its remotes and what it requires.
fn refuse_unread_settings(repo: &gix::Repository) -> Result<(), StoreError> {
    let config = repo.config_snapshot();
    if config.plumbing().sections().any(|section| section.meta().source == Source::Local) {
        return Ok(());
    }
    let path = repo.common_dir().join("config");
    match std::fs::read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        // Without a section there is nothing in it.
        Ok(text) if !text.contains(&b'[') => Ok(()),
        Ok(_) => Err(ErrorKind::Other.into()).at(&path, "could not be read a moment ago"),
        Err(error) => Err(error).at(&path, "cannot be read"),
    }
}

fn refuse_unknown_extensions(repo: &gix::Repository) -> Result<(), StoreError> {
    let config = repo.config_snapshot();
    let Some(sections) = config.plumbing().sections_by_name("extensions") else { return Ok(()) };
    for section in sections {
        for name in section.body().value_names() {
            let name = name.to_ascii_lowercase();
            let value = config.string(format!("extensions.{name}").as_str()).unwrap_or_default();
            let files = name == "refstorage" && value.eq_ignore_ascii_case(b"files");
            if !files && !KNOWN_EXTENSIONS.contains(&name.as_str()) {
                return Err(StoreError::UnsupportedExtension {
                    dir: repo.git_dir().to_owned(),
                    name,
                    value: value.to_str_lossy().into_owned(),
                });
            }
        }
    }
    Ok(())
}

/// Turns an id of the model into one of gix.
pub(crate) fn object_id(commit: &CommitId) -> gix::ObjectId {
    gix::ObjectId::from_hex(commit.as_str().as_bytes()).expect("a commit id is 40 or 64 hex digits")
}

/// Turns an id of gix into one of the model.
pub(crate) fn commit_id(id: &gix::oid) -> CommitId {
    id.to_hex().to_string().parse().expect("gix prints full lower-case ids")
}
