//! Commits: what a revision names, where two histories meet, which branch is the base.

use std::collections::BTreeSet;

use gix::bstr::ByteSlice;
use perf_model::{CommitId, Lineage};

use crate::error::{Doing, StoreError};
use crate::git::Git;
use crate::refs;
use crate::repository::{Store, commit_id, object_id};

/// A commit of this repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Where it stands.
    pub lineage: Lineage,
    /// The first line of its message.
    pub subject: String,
    /// Who wrote it: the name.
    pub author: String,
    /// And the address.
    pub address: String,
    /// When it was committed, in seconds since 1970.
    pub seconds: i64,
}

/// The branch that pull requests are merged into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseBranch {
    /// As people write it: `origin/main`, `main`.
    pub name: String,
    /// Its newest commit.
    pub tip: CommitId,
}

impl Store {
    /// Resolves a revision to a commit.
    ///
    /// # Errors
    ///
    /// [`StoreError::UnbornHead`], [`StoreError::NoSuchRevision`], [`StoreError::NotACommit`].
    pub fn resolve(&self, revision: &str) -> Result<Commit, StoreError> {
        if revision == "HEAD" {
            let head = self.repo.head().doing(|| "HEAD: cannot be read".into())?;
            if head.is_unborn() {
                return Err(StoreError::UnbornHead);
            }
        }
        let id = match self.repo.rev_parse_single(revision) {
            Ok(id) => id.detach(),
            // Git knows forms that gix does not, and short ids of loose objects in SHA-256 repositories.
            Err(_) => self.git_resolve(revision)?,
        };
        self.commit(id, revision)
    }

    /// Returns a commit by its full id, or `None` where it is not in this repository (any more).
    pub fn known(&self, id: &CommitId) -> Option<Commit> {
        self.commit(object_id(id), id.as_str()).ok()
    }

    /// Finds the merge base of two commits; `None` where their histories have none (here).
    ///
    /// Of several best merge bases (criss-cross merges) it is the one that git names first.
    pub fn merge_base(&self, one: &CommitId, other: &CommitId) -> Result<Option<CommitId>, StoreError> {
        let base = self.repo.merge_base(object_id(one), object_id(other));
        Ok(base
            .doing(|| format!("{one}, {other}: no merge base could be computed"))?
            .map(|id| commit_id(&id)))
    }

    /// Walks over a commit and its ancestors along first parents, newest first.
    ///
    /// Ends early at a root, and where a shallow clone was cut off.
    pub fn first_parents(&self, from: &CommitId) -> impl Iterator<Item = Commit> {
        let next = |commit: &Commit| commit.lineage.parents.first().and_then(|parent| self.known(parent));
        std::iter::successors(self.known(from), next)
    }

    /// Finds the base branch: the one configured, else the remote's `HEAD`, else `main`, else `master`.
    ///
    /// A branch of the remote goes before a local branch of the same name: the remote is what gets merged into.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoBaseBranch`] with what was looked for.
    pub fn base_branch(&self, configured: Option<&str>) -> Result<BaseBranch, StoreError> {
        let remote = self.remote(None).ok();
        let remote_head = remote.as_ref().and_then(|remote| self.remote_head(remote));
        let names: Vec<&str> = match (configured, &remote_head) {
            (Some(name), _) => vec![name],
            (None, Some(name)) => vec![name],
            (None, None) => vec!["main", "master"],
        };
        let mut looked_for = BTreeSet::new();
        for name in names {
            let remote_ref = remote
                .as_ref()
                .map(|remote| (format!("refs/remotes/{remote}/{name}"), format!("{remote}/{name}")));
            let local_ref = Some((format!("refs/heads/{name}"), name.to_owned()));
            for (full, shown) in remote_ref.into_iter().chain(local_ref) {
                match refs::tip(&self.repo, &full) {
                    Ok(Some(id)) => return Ok(BaseBranch { name: shown, tip: commit_id(&id) }),
                    Ok(None) | Err(_) => looked_for.insert(shown),
                };
            }
            if configured.is_some()
                && let Ok(commit) = self.resolve(name)
            {
                return Ok(BaseBranch { name: name.to_owned(), tip: commit.lineage.commit });
            }
        }
        Err(StoreError::NoBaseBranch { looked_for: looked_for.into_iter().collect() })
    }

    /// Returns the branch that a remote's `HEAD` points to, where the clone knows it.
    fn remote_head(&self, remote: &str) -> Option<String> {
        let head = self.repo.try_find_reference(format!("refs/remotes/{remote}/HEAD").as_str()).ok()??;
        let target = head.target().try_name()?.as_bstr().to_str_lossy().into_owned();
        target.strip_prefix(&format!("refs/remotes/{remote}/")).map(str::to_owned)
    }

    fn git_resolve(&self, revision: &str) -> Result<gix::ObjectId, StoreError> {
        let no_such = || StoreError::NoSuchRevision { revision: revision.to_owned() };
        let args = ["rev-parse", "--verify", "--quiet", "--end-of-options", revision];
        let output = Git::local(&self.repo).run(&args).map_err(|error| match error {
            StoreError::Git { .. } => no_such(),
            other => other,
        })?;
        gix::ObjectId::from_hex(output.trim_ascii()).map_err(|_| no_such())
    }

    fn commit(&self, id: gix::ObjectId, revision: &str) -> Result<Commit, StoreError> {
        let no_such = || StoreError::NoSuchRevision { revision: revision.to_owned() };
        let object = self.repo.find_object(id).map_err(|_| no_such())?;
        let object = object.peel_tags_to_end().map_err(|_| no_such())?;
        let kind = object.kind;
        let commit = object
            .try_into_commit()
            .map_err(|_| StoreError::NotACommit { revision: revision.to_owned(), kind: kind.to_string() })?;
        let doing = || format!("{revision}: the commit cannot be read");
        let decoded = commit.decode().doing(doing)?;
        let author = decoded.author().doing(doing)?;
        Ok(Commit {
            lineage: Lineage {
                commit: commit_id(&commit.id),
                tree: commit_id(&decoded.tree()),
                parents: decoded.parents().map(|id| commit_id(&id)).collect(),
            },
            author: author.name.to_str_lossy().into_owned(),
            address: author.email.to_str_lossy().into_owned(),
            subject: decoded.message_summary().to_str_lossy().into_owned(),
            seconds: commit.time().doing(doing)?.seconds,
        })
    }
}
