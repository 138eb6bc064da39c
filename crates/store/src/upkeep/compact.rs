//! Folding the history of a notes ref into one commit. The notes themselves stay byte for byte.

use std::collections::BTreeMap;
use std::time::Instant;

use gix::ObjectId;
use perf_model::Fingerprint;

use crate::error::StoreError;
use crate::refs::{self, Swap};
use crate::repository::Store;
use crate::sync::{Contest, LOCK, Next, Remote, SyncOptions};

/// One environment whose history was folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// How many commits the history had.
    pub commits: usize,
    /// The ref that keeps the old history, here.
    pub safety: String,
}

/// One environment to fold.
struct Fold {
    fingerprint: Fingerprint,
    old: ObjectId,
    new: ObjectId,
    commits: usize,
}

impl Store {
    /// Replaces the history of every notes ref by one commit with the same notes, here and on the remote.
    ///
    /// The old history stays here, under `refs/perf/before-compact/<fingerprint>`. On the remote the ref is
    /// replaced only if it still is what was folded: whoever pushed meanwhile has won, and it is folded again.
    pub fn compact(
        &self,
        options: Option<&SyncOptions>,
    ) -> Result<BTreeMap<Fingerprint, Compacted>, StoreError> {
        self.fold()?;
        let mut done = BTreeMap::new();
        let Some(options) = options else {
            let folds = self.folds(&|fingerprint| refs::notes(fingerprint))?;
            self.keep_safe(&folds, &mut done)?;
            for fold in folds {
                self.replace(&refs::notes(&fold.fingerprint), &fold)?;
            }
            return Ok(done);
        };
        let remote = options.remote();
        let _alone = self.lock_until(LOCK, remote.deadline)?;
        let mut contest = Contest::of_writers();
        loop {
            let began = Instant::now();
            self.fetch_again(remote, &mut contest)?;
            if let Some(error) = self.integrate(remote.name)?.failed {
                return Err(error);
            }
            let folds = self.folds(&|fingerprint| refs::seen(remote.name, fingerprint))?;
            if folds.is_empty() {
                return Ok(done);
            }
            self.keep_safe(&folds, &mut done)?;
            match self.send_folded(remote, &folds, (&mut contest, began))? {
                Next::Done => {
                    self.fetch_again(remote, &mut contest)?;
                    return self.integrate(remote.name)?.failed.map_or(Ok(done), Err);
                }
                Next::Wait(pause) => std::thread::sleep(pause),
                Next::Leave | Next::GiveUp => {
                    let (remote, attempts) = (remote.name.to_owned(), contest.attempts);
                    return Err(StoreError::PushRejected { remote, attempts, words: contest.words });
                }
            }
        }
    }

    /// Makes the one commit for each environment whose history has more than one.
    fn folds(&self, name: &dyn Fn(&Fingerprint) -> String) -> Result<Vec<Fold>, StoreError> {
        let mut folds = Vec::new();
        for fingerprint in self.fingerprints()? {
            let Some(tip) = self.tip_if_notes(&name(&fingerprint))? else { continue };
            let (Some(old), Some(tree)) = (tip.commit, tip.tree) else { continue };
            let commits = self.history_of_notes(tip)?.len();
            if commits > 1 {
                let new = self.commit_tree(tree, None, &format!("perf: fold {commits} commits\n"))?;
                folds.push(Fold { fingerprint, old, new, commits });
            }
        }
        Ok(folds)
    }

    fn keep_safe(
        &self,
        folds: &[Fold],
        done: &mut BTreeMap<Fingerprint, Compacted>,
    ) -> Result<(), StoreError> {
        for Fold { fingerprint, old, commits, .. } in folds {
            let safety = refs::before_compact(fingerprint);
            let before = refs::tip(&self.repo, &safety)?;
            if before != Some(*old) && refs::swap(&self.repo, &safety, before, *old, self.now)? == Swap::Lost
            {
                return Err(StoreError::Contended(safety));
            }
            done.insert(fingerprint.clone(), Compacted { commits: *commits, safety });
        }
        Ok(())
    }

    fn send_folded(
        &self,
        remote: Remote,
        folds: &[Fold],
        (contest, began): (&mut Contest, Instant),
    ) -> Result<Next, StoreError> {
        let lease =
            |fold: &Fold| format!("--force-with-lease={}:{}", refs::notes(&fold.fingerprint), fold.old);
        let leases: Vec<String> = folds.iter().map(lease).collect();
        let leases: Vec<&str> = leases.iter().map(String::as_str).collect();
        let refspecs: Vec<String> =
            folds.iter().map(|fold| format!("{}:{}", fold.new, refs::notes(&fold.fingerprint))).collect();
        contest.attempt(folds.iter().map(|fold| (fold.fingerprint.clone(), Some(fold.old))).collect());
        let sent = self.push_refs(remote, &leases, &refspecs)?;
        let rejected = folds.iter().any(|fold| !sent.accepted.contains(&refs::notes(&fold.fingerprint)));
        // What was taken is found by the next fetch, and what is new here is put on top of it.
        Ok(if rejected { contest.after(&sent, began, remote.deadline) } else { Next::Done })
    }

    fn replace(&self, name: &str, fold: &Fold) -> Result<(), StoreError> {
        match refs::swap(&self.repo, name, Some(fold.old), fold.new, self.now)? {
            Swap::Done => Ok(()),
            Swap::Lost => Err(StoreError::Contended(name.to_owned())),
        }
    }
}
