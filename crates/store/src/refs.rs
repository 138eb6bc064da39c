//! Names of refs, and changing them by compare-and-swap.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use gix::ObjectId;
use gix::bstr::{BString, ByteSlice};
use gix::refs::transaction::{Change, LogChange, PreviousValue, RefEdit, RefLog};
use gix::refs::{FullName, Target};
use perf_model::Fingerprint;
use time::OffsetDateTime;

use crate::error::{At, Doing, StoreError};
use crate::git::Git;

/// Where the notes of all environments live. The ref of this very name must never exist: it would make every
/// ref below it impossible.
pub(crate) const NOTES: &str = "refs/notes/perf/";

/// Where lines are parked that could not be pushed to the notes in time: `<fingerprint>/<id>` below it.
pub(crate) const INBOX: &str = "refs/notes/perf-inbox/";

/// Where the tips last seen of remotes live.
pub(crate) const SEEN: &str = "refs/perf/remotes/";

pub(crate) fn notes(fingerprint: &Fingerprint) -> String {
    format!("{NOTES}{fingerprint}")
}

pub(crate) fn seen(remote: &str, fingerprint: &Fingerprint) -> String {
    format!("{SEEN}{remote}/{fingerprint}")
}

/// Returns what a ref points to, or `None` where it does not exist.
pub(crate) fn tip(repo: &gix::Repository, name: &str) -> Result<Option<ObjectId>, StoreError> {
    let found = repo.try_find_reference(name).doing(|| format!("{name}: cannot be read"))?;
    Ok(found.and_then(|reference| reference.target().try_id().map(gix::oid::to_owned)))
}

/// Names the ref that unreadable lines are kept under. The name is made of their commit's id as well.
pub(crate) fn aside(fingerprint: &Fingerprint, commit: ObjectId) -> String {
    format!("refs/notes/perf-aside/{fingerprint}/{}", &commit.to_hex().to_string()[..PARKED_DIGITS])
}

/// Names the ref that keeps the history of notes from before it was folded.
pub(crate) fn before_compact(fingerprint: &Fingerprint) -> String {
    format!("refs/perf/before-compact/{fingerprint}")
}

/// A set of parked lines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Parked {
    pub(crate) fingerprint: Fingerprint,
    /// The last part of the ref's name.
    pub(crate) id: String,
    pub(crate) commit: ObjectId,
}

impl Parked {
    /// Names lines to park. The name is made of their commit's id, so that no two collide.
    pub(crate) fn of(fingerprint: &Fingerprint, commit: ObjectId) -> Self {
        let id = commit.to_hex().to_string()[..PARKED_DIGITS].to_owned();
        Self { fingerprint: fingerprint.clone(), id, commit }
    }

    /// Names the ref on the remote that they are parked under.
    pub(crate) fn name(&self) -> String {
        format!("{INBOX}{}/{}", self.fingerprint, self.id)
    }
}

const PARKED_DIGITS: usize = 32;

/// Lists the parked lines under a prefix. Other names are not ours and are left alone.
pub(crate) fn parked_under(repo: &gix::Repository, prefix: &str) -> Result<Vec<Parked>, StoreError> {
    let named = |name: &str| {
        let (fingerprint, id) = name.split_once('/')?;
        let is_id = id.len() == PARKED_DIGITS && id.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
        Some((fingerprint.parse().ok()?, id.to_owned())).filter(|_| is_id)
    };
    let found = all_under(repo, prefix, named)?.into_iter();
    Ok(found.map(|((fingerprint, id), commit)| Parked { fingerprint, id, commit }).collect())
}

/// Lists the refs under a prefix whose last part is a fingerprint. Others are not ours and are left alone.
pub(crate) fn under(
    repo: &gix::Repository,
    prefix: &str,
) -> Result<Vec<(Fingerprint, ObjectId)>, StoreError> {
    all_under(repo, prefix, |name| name.parse().ok())
}

/// Lists the refs under a prefix whose names below it mean something.
pub(crate) fn all_under<T: Ord>(
    repo: &gix::Repository,
    prefix: &str,
    named: impl Fn(&str) -> Option<T>,
) -> Result<Vec<(T, ObjectId)>, StoreError> {
    let doing = || format!("{prefix}: refs cannot be listed");
    let platform = repo.references().doing(doing)?;
    let mut found = Vec::new();
    for reference in platform.prefixed(prefix).doing(doing)? {
        let reference = reference.doing(doing)?;
        let name = reference.name().as_bstr().to_str_lossy().into_owned();
        let name = name.strip_prefix(prefix).and_then(&named);
        if let (Some(name), Some(id)) = (name, reference.target().try_id()) {
            found.push((name, id.to_owned()));
        }
    }
    found.sort();
    Ok(found)
}

/// What became of a compare-and-swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Swap {
    /// The ref is now the new value.
    Done,
    /// Somebody else was faster, or is at it: read again.
    Lost,
}

/// Sets a ref to `new` if it still is `old`; `None` means that it must not exist.
pub(crate) fn swap(
    repo: &gix::Repository,
    name: &str,
    old: Option<ObjectId>,
    new: ObjectId,
    now: OffsetDateTime,
) -> Result<Swap, StoreError> {
    let expected = match old {
        Some(id) => PreviousValue::MustExistAndMatch(Target::Object(id)),
        None => PreviousValue::MustNotExist,
    };
    let edit = RefEdit {
        change: Change::Update {
            log: LogChange { mode: RefLog::AndReference, force_create_reflog: true, message: "perf".into() },
            expected,
            new: Target::Object(new),
        },
        name: full_name(name)?,
        deref: false,
    };
    // A repository that cannot be written to says so below.
    let _intent = Intent::begin(repo, name).ok();
    flush(repo);
    let signature = signature(repo, now);
    let mut buffer = gix::date::parse::TimeBuf::default();
    let swapped = match repo.edit_references_as([edit], Some(signature.to_ref(&mut buffer))) {
        Ok(_) => Ok(Swap::Done),
        Err(error) if error.is_conflict() => Ok(Swap::Lost),
        Err(error) if error.is_retryable() => swap_with_git(repo, name, old, new),
        Err(error) => Err(error).doing(|| format!("{name}: cannot be updated")),
    };
    flush(repo);
    swapped
}

/// A note of which ref is being changed, so that whoever comes after a process that was killed knows whose the lock
/// is that it left behind. One change at a time in a clone.
struct Intent {
    path: PathBuf,
    _alone: File,
}

impl Intent {
    fn begin(repo: &gix::Repository, name: &str) -> std::io::Result<Self> {
        let dir = repo.common_dir().join("perf");
        fs::create_dir_all(&dir)?;
        let alone = File::options().create(true).append(true).open(dir.join("refs.lock"))?;
        alone.lock()?;
        let path = dir.join("changing");
        if let Ok(left) = fs::read_to_string(&path) {
            remove_locks(repo.common_dir(), &left, path.metadata()?.modified()?);
        }
        fs::write(&path, name)?;
        Ok(Self { path, _alone: alone })
    }
}

impl Drop for Intent {
    fn drop(&mut self) {
        // Left where it is, it says that a lock which is not there is nobody's.
        let _ = fs::remove_file(&self.path);
    }
}

/// Removes the locks that a process took when it was killed while it changed a ref of this store.
fn remove_locks(dir: &Path, name: &str, began: SystemTime) {
    if !name.starts_with("refs/notes/perf") && !name.starts_with("refs/perf/") {
        return;
    }
    let _ = fs::remove_file(dir.join(format!("{name}.lock")));
    // Only one that came right after: another may be git's, at work on all refs.
    let packed = dir.join("packed-refs.lock");
    let made = packed.metadata().and_then(|meta| meta.modified());
    let after = made.ok().and_then(|made| made.duration_since(began).ok());
    if after.is_some_and(|after| after < Duration::from_secs(1)) {
        let _ = fs::remove_file(&packed);
    }
}

/// Removes the locks that a killed `git fetch` left on scratch refs, which nobody else writes.
pub(crate) fn unlock_scratch(repo: &gix::Repository, prefix: &str) {
    let mut dirs = vec![repo.common_dir().join(prefix)];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "lock") {
                let _ = fs::remove_file(&path);
            } else if path.is_dir() {
                dirs.push(path);
            }
        }
    }
}

/// gix leaves such a file behind when it is killed while it writes an object, and git does not know their name.
pub(crate) fn sweep_objects(repo: &gix::Repository) {
    const OLD: Duration = Duration::from_secs(24 * 3600);
    let entries = fs::read_dir(repo.objects.store_ref().path()).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(b".tmp")) {
        let made = entry.metadata().and_then(|meta| meta.modified());
        if made.is_ok_and(|made| made.elapsed().is_ok_and(|age| age > OLD)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Brings objects and refs to disk where the user's `core.fsync` asks for more than git does by itself.
///
/// gix never does. The journal makes runs durable without this: it keeps a line until a remote has it.
fn flush(repo: &gix::Repository) {
    const ASKING: &[&str] = &["all", "added", "committed", "objects", "loose-object", "reference"];
    let Some(value) = repo.config_snapshot().string("core.fsync") else { return };
    let value = value.to_str_lossy();
    let mut asked = value.split(',').map(str::trim);
    if asked.any(|part| ASKING.contains(&part)) {
        flush_file_system(repo.common_dir());
    }
}

#[cfg(target_os = "linux")]
fn flush_file_system(dir: &Path) {
    // A file system that cannot do it loses nothing that the journal has not.
    let _ = File::open(dir).map(rustix::fs::syncfs);
}

#[cfg(not(target_os = "linux"))]
fn flush_file_system(_dir: &Path) {
    rustix::fs::sync();
}

/// Returns a name that git would accept for a ref too.
pub(crate) fn valid(name: &str) -> Result<&str, StoreError> {
    full_name(name).map(|_| name)
}

fn full_name(name: &str) -> Result<FullName, StoreError> {
    FullName::try_from(BString::from(name)).map_err(|_| StoreError::BadRefName(name.to_owned()))
}

/// A process holds the lock of a ref for milliseconds; one this old was left behind by a process that was killed.
pub(crate) const ABANDONED: Duration = Duration::from_secs(600);

/// Does the same through git, which needs fewer locks: a stale `packed-refs.lock` does not stop it.
fn swap_with_git(
    repo: &gix::Repository,
    name: &str,
    old: Option<ObjectId>,
    new: ObjectId,
) -> Result<Swap, StoreError> {
    let old = old.unwrap_or_else(|| ObjectId::null(repo.object_hash()));
    let args = ["update-ref", "--create-reflog", "-m", "perf", name, &new.to_string(), &old.to_string()];
    let path = repo.common_dir().join(format!("{name}.lock"));
    if is_abandoned(&path) {
        fs::remove_file(&path).at(&path, "cannot be removed")?;
    }
    if Git::local(repo).ask(&args)?.status.success() {
        return Ok(Swap::Done);
    }
    if path.exists() { Err(StoreError::Locked { name: name.to_owned(), path }) } else { Ok(Swap::Lost) }
}

fn is_abandoned(lock: &Path) -> bool {
    let made = lock.metadata().and_then(|meta| meta.modified());
    made.is_ok_and(|made| made.elapsed().is_ok_and(|age| age > ABANDONED))
}

/// Returns who the user of this clone is, as git would name the author of a commit.
pub(crate) fn author(repo: &gix::Repository) -> String {
    let config = repo.config_snapshot();
    let first = |keys: &[&str]| keys.iter().find_map(|key| config.string(*key));
    let name = first(&["gitoxide.author.nameFallback", "author.name", "user.name"]);
    let email = first(&["gitoxide.author.emailFallback", "author.email", "user.email"]);
    format!(
        "{} <{}>",
        name.unwrap_or_else(|| "perf".into()),
        email.unwrap_or_else(|| "perf@localhost".into())
    )
}

/// Returns who notes commits are by: the configured committer, or a stand-in where none is configured.
///
/// Dated in UTC: asking gix for the local offset reads every time zone file of the machine.
pub(crate) fn signature(repo: &gix::Repository, now: OffsetDateTime) -> gix::actor::Signature {
    let config = repo.config_snapshot();
    let first = |keys: &[&str]| keys.iter().find_map(|key| config.string(*key));
    let name = first(&["gitoxide.committer.nameFallback", "committer.name", "user.name"]);
    let email = first(&["gitoxide.committer.emailFallback", "committer.email", "user.email"]);
    gix::actor::Signature {
        name: name.unwrap_or_else(|| "perf".into()),
        email: email.unwrap_or_else(|| "perf@localhost".into()),
        time: gix::date::Time { seconds: now.unix_timestamp(), offset: 0 },
    }
}
