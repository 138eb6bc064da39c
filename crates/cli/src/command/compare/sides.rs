//! Which two commits are compared, and what was measured at the head.

use std::path::PathBuf;

use perf_compare::{BaseChoice, Endpoint, Notice, Refusal};
use perf_model::CommitId;
use perf_store::{BaseBranch, Commit, Store, Stored, Unusable, Withdrawal, unusable_lines};

use super::reach;
use super::wanted::Wanted;
use crate::command::handed_in::HandedIn;
use crate::command::measure::Target;
use crate::failure::{Failure, Result};

/// As a base: the merge base of the head with the base branch.
pub(super) const MERGE_BASE: &str = "merge-base";

/// As a head: uncommitted changes.
pub(super) const WORKTREE: &str = "worktree";

/// Where the numbers of the head are from.
enum From {
    /// The store.
    Store,
    /// Uncommitted changes on top of the commit.
    Worktree,
    /// Files that somebody handed in.
    Files(Vec<PathBuf>),
}

/// The side that is judged.
pub(super) struct Head {
    from: From,
    commit: Commit,
    /// Whether it is what the work tree holds.
    checked_out: bool,
    /// How many environments it was measured in.
    measured: usize,
    /// Those that are to be judged.
    pub(super) baselines: Vec<Stored>,
    /// The stored lines of the commit that cannot be used.
    unusable: Vec<Unusable>,
}

impl Head {
    /// Finds the head that was asked for, in the environments that were asked for.
    pub(super) fn find(wanted: &Wanted, store: &Store) -> Result<Self> {
        let mut head = match wanted.handed_in {
            Some(handed_in) => Self::handed_in(handed_in, wanted.head, store)?,
            None => Self::stored(wanted, store)?,
        };
        if let Some(digits) = wanted.environment {
            head.baselines.retain(|stored| stored.fingerprint.as_str().starts_with(digits));
        }
        Ok(head)
    }

    fn handed_in(handed_in: &HandedIn, expected: Option<&str>, store: &Store) -> Result<Self> {
        let (commit, baselines) = handed_in.head(expected, store)?;
        let from = From::Files(handed_in.files.clone());
        let checked_out = store.resolve("HEAD").is_ok_and(|here| here == commit);
        Ok(Self { from, commit, checked_out, measured: baselines.len(), baselines, unusable: vec![] })
    }

    fn stored(wanted: &Wanted, store: &Store) -> Result<Self> {
        let measured = match wanted.head {
            Some(WORKTREE) | None if store.work_dir().is_some() => store.worktree_baselines()?,
            Some(_) | None => vec![],
        };
        let mut baselines = measured;
        let worktree = !baselines.is_empty() || wanted.head == Some(WORKTREE);
        let revision = wanted.head.filter(|_| !worktree).unwrap_or("HEAD");
        let commit = store.resolve(revision)?;
        let checked_out = worktree || store.resolve("HEAD").is_ok_and(|here| here == commit);
        let mut unusable = vec![];
        if !worktree {
            let found = store.find(&commit.lineage.commit)?;
            (baselines, unusable) = (found.baselines, found.unusable);
        }
        let from = if worktree { From::Worktree } else { From::Store };
        Ok(Self { from, commit, checked_out, measured: baselines.len(), baselines, unusable })
    }

    /// Refuses an environment that was asked for and is none of the head's.
    pub(super) fn check_environment(&self, wanted: &Wanted) -> Result<()> {
        match wanted.environment {
            Some(digits) if self.baselines.is_empty() && self.measured > 0 => Err(Failure::new(format!(
                "--environment {digits}: the head was measured in no such environment"
            ))
            .hint(format!("`perf store show {}` lists where it was", self.commit()))),
            Some(_) | None => Ok(()),
        }
    }

    /// Returns whether environments were left out because they were not asked for.
    pub(super) fn is_narrowed(&self) -> bool {
        self.baselines.len() < self.measured
    }

    /// Returns whether the work tree holds it, so that files there are its own.
    pub(super) fn is_checked_out(&self) -> bool {
        self.checked_out
    }

    /// Returns whether the work tree holds it with changes that are not part of it.
    pub(super) fn is_without_changes(&self, store: &Store) -> Result<bool> {
        Ok(self.checked_out && !self.is_worktree() && store.is_dirty()?)
    }

    /// Returns the commit, or the one below the uncommitted changes.
    pub(super) fn commit(&self) -> &CommitId {
        &self.commit.lineage.commit
    }

    /// Names the head as something to measure.
    pub(super) fn target(&self, store: &Store) -> Result<Target> {
        match self.from {
            From::Worktree => Target::worktree(store, &self.commit),
            From::Store => Ok(Target::commit(&self.commit)),
            From::Files(_) => {
                Err(Failure::new("runs that were handed in are judged as they are: nothing is measured"))
            }
        }
    }

    /// Says what is stored for it and not used.
    pub(super) fn unusable(&self) -> Vec<Notice> {
        unusable(self.commit(), &self.unusable)
    }

    /// Says why there is nothing to judge.
    pub(super) fn refusal(&self) -> Refusal {
        let head = self.commit().clone();
        match self.unusable.iter().find_map(|line| line.withdrawal.clone()) {
            Some(Withdrawal { by, time, reason, .. }) => Refusal::HeadWithdrawn { head, by, time, reason },
            None => Refusal::HeadNotMeasured { head },
        }
    }

    /// Names the head in a report.
    pub(super) fn endpoint(&self, store: &Store) -> Endpoint {
        match &self.from {
            From::Worktree => Endpoint::Worktree { on: self.commit().clone() },
            From::Store => endpoint(store, self.commit()),
            From::Files(files) => Endpoint::Saved {
                id: self.commit().clone(),
                subject: self.commit.subject.clone(),
                files: files.clone(),
            },
        }
    }

    fn is_worktree(&self) -> bool {
        matches!(self.from, From::Worktree)
    }
}

/// Names a commit in a report.
pub(super) fn endpoint(store: &Store, commit: &CommitId) -> Endpoint {
    Endpoint::Commit { id: commit.clone(), subject: store.known(commit).map(|commit| commit.subject) }
}

/// Finds the base commit, or why there is none; and why it is the base.
pub(super) fn base_of(
    wanted: &Wanted,
    store: &Store,
    head: &Head,
) -> Result<(std::result::Result<CommitId, Refusal>, BaseChoice)> {
    if wanted.against != MERGE_BASE {
        let base = store.resolve(wanted.against)?.lineage.commit;
        return Ok((Ok(base), BaseChoice::Named { revision: wanted.against.to_owned() }));
    }
    let BaseBranch { name: branch, tip } = reach::base_branch(wanted, store)?;
    Ok(match reach::merge_base(wanted, store, head.commit(), &tip)? {
        None => (Err(Refusal::NoMergeBase { branch: branch.clone() }), BaseChoice::MergeBase { branch }),
        Some(base) if base != *head.commit() || head.is_worktree() => {
            (Ok(base), BaseChoice::MergeBase { branch })
        }
        // On the base branch itself the interesting question is what the newest commit changed.
        Some(head_itself) => {
            let parent = head.commit.lineage.parents.first().cloned();
            (parent.ok_or(Refusal::NothingBefore { head: head_itself }), BaseChoice::FirstParent { branch })
        }
    })
}

/// Says which stored lines of a commit are not used: those that were taken back, and those that cannot be.
pub(super) fn unusable(commit: &CommitId, lines: &[Unusable]) -> Vec<Notice> {
    let withdrawn: Vec<&Withdrawal> = lines.iter().filter_map(|line| line.withdrawal.as_ref()).collect();
    let taken_back = withdrawn.first().map(|first| Notice::Withdrawn {
        commit: commit.clone(),
        runs: withdrawn.len(),
        by: first.by.clone(),
        time: first.time.clone(),
        reason: first.reason.clone(),
    });
    let lines = unusable_lines(lines) - withdrawn.len();
    let unreadable = (lines > 0).then(|| Notice::UnreadableLines { commit: commit.clone(), lines });
    taken_back.into_iter().chain(unreadable).collect()
}
