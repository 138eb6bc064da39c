//! History that a clone does not have: the base branch, and what lies beyond the end of a shallow clone.

use std::collections::BTreeSet;

use gix::ObjectId;
use perf_model::CommitId;

use crate::error::{Doing, StoreError};
use crate::history::BaseBranch;
use crate::refs;
use crate::repository::{Store, commit_id, object_id};
use crate::sync::{LOCK, SyncOptions};

/// How far to move the end of a shallow clone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deepening {
    /// By that many commits.
    By(usize),
    /// To the very first commit.
    Whole,
}

impl Deepening {
    /// What to try until a merge base is known: 50, 200, then 1,000 commits back, then all of the history.
    pub const STEPS: [Self; 4] = [Self::By(50), Self::By(150), Self::By(800), Self::Whole];
}

/// Where base branches are kept that a clone has no remote-tracking branch of. Those it has are left alone.
const BRANCHES: &str = "refs/perf/branches/";

/// Options of every fetch of commits: nothing but the commits asked for arrives, no ref of the user moves.
const FETCH: &[&str] = &[
    "fetch",
    "--quiet",
    "--no-tags",
    "--no-prune",
    "--no-write-fetch-head",
    "--no-auto-maintenance",
    "--no-recurse-submodules",
    "--refmap=",
];

impl Store {
    /// Returns whether no better merge base than this one can lie beyond the end of a shallow clone.
    ///
    /// That is so where every commit above it has all its parents here.
    pub fn is_certain(
        &self,
        (one, other): (&CommitId, &CommitId),
        base: Option<&CommitId>,
    ) -> Result<bool, StoreError> {
        let ends = self.ends()?;
        if ends.is_empty() {
            return Ok(true);
        }
        let doing = || format!("{one}, {other}: the history cannot be walked");
        let walk = self.repo.rev_walk([object_id(one), object_id(other)]).with_hidden(base.map(object_id));
        for commit in walk.all().doing(doing)? {
            if ends.contains(&commit.doing(doing)?.id) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns whether fewer than `wanted` first parents of a commit are here because the clone is shallow.
    pub fn is_cut_off(&self, from: &CommitId, wanted: usize) -> Result<bool, StoreError> {
        let ends = self.ends()?;
        let line: Vec<_> = self.first_parents(from).take(wanted).collect();
        let last = line.last().map(|commit| object_id(&commit.lineage.commit));
        Ok(!ends.is_empty() && line.len() < wanted && last.is_none_or(|last| ends.contains(&last)))
    }

    /// Fetches commits beyond the end of a shallow clone, for the histories of `tips`.
    pub fn deepen(&self, tips: &[&CommitId], by: Deepening, options: &SyncOptions) -> Result<(), StoreError> {
        let remote = options.remote();
        let _alone = self.lock_until(LOCK, remote.deadline)?;
        let by = match by {
            Deepening::By(commits) => format!("--deepen={commits}"),
            Deepening::Whole => "--unshallow".to_owned(),
        };
        let fetch = |wanted: &BTreeSet<String>| {
            let mut args = FETCH.to_vec();
            args.extend([&by, "--", remote.name]);
            args.extend(wanted.iter().map(String::as_str));
            self.network(remote).run(&args)
        };
        let wanted = tips.iter().map(|tip| tip.to_string()).collect();
        let Err(error) = fetch(&wanted) else { return Ok(()) };
        // A commit that was made here is unknown there; where the clone ends the remote knows its history.
        let ends = self.ends_below(tips)?;
        if ends.is_empty() || ends == wanted {
            return Err(error);
        }
        fetch(&ends).map(drop).map_err(|_| error)
    }

    /// Returns the commits at which the histories of some commits end because the clone is shallow.
    fn ends_below(&self, tips: &[&CommitId]) -> Result<BTreeSet<String>, StoreError> {
        let ends = self.ends()?;
        let doing = || "the history cannot be walked".to_owned();
        let walk = self.repo.rev_walk(tips.iter().map(|tip| object_id(tip))).all().doing(doing)?;
        let mut found = BTreeSet::new();
        for commit in walk {
            let id = commit.doing(doing)?.id;
            found.extend(ends.contains(&id).then(|| id.to_string()));
        }
        Ok(found)
    }

    /// Asks the remote for the base branch: the one configured, else the one that its `HEAD` names.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoBaseBranch`] where the remote has no such branch.
    pub fn fetch_base_branch(
        &self,
        configured: Option<&str>,
        options: &SyncOptions,
    ) -> Result<BaseBranch, StoreError> {
        let remote = options.remote();
        let _alone = self.lock_until(LOCK, remote.deadline)?;
        let own = format!("{}/", remote.name);
        let named = configured.map(|name| name.strip_prefix(&own).unwrap_or(name));
        let asked = named.map_or_else(|| "HEAD".to_owned(), |name| format!("refs/heads/{name}"));
        let answer = self.network(remote).run(&["ls-remote", "--symref", "--", remote.name, &asked])?;
        let no_such = || StoreError::NoBaseBranch { looked_for: vec![format!("{asked} of {}", remote.name)] };
        let (symbolic, tip) = advertised(&answer, &asked).ok_or_else(no_such)?;
        let branch = symbolic.as_deref().unwrap_or(&asked).strip_prefix("refs/heads/").ok_or_else(no_such)?;
        let name = format!("{}/{branch}", remote.name);
        if self.known(&commit_id(&tip)).is_none() {
            let refspec = format!("+refs/heads/{branch}:{}", refs::valid(&format!("{BRANCHES}{name}"))?);
            let mut args = FETCH.to_vec();
            // Its history is fetched as far as it is needed.
            args.extend(self.is_shallow()?.then_some("--depth=1"));
            args.extend(["--", remote.name, &refspec]);
            self.network(remote).run(&args)?;
        }
        let kept = refs::tip(&self.repo, &format!("{BRANCHES}{name}"))?;
        // The branch may have moved since it was listed.
        let tip = if self.known(&commit_id(&tip)).is_some() { tip } else { kept.ok_or_else(no_such)? };
        Ok(BaseBranch { name, tip: commit_id(&tip) })
    }

    /// Returns the commits whose parents a shallow clone does not have.
    fn ends(&self) -> Result<BTreeSet<ObjectId>, StoreError> {
        let commits =
            self.repo.shallow_commits().doing(|| "the ends of the shallow clone are unknown".into())?;
        Ok(commits.iter().flat_map(|commits| commits.iter().copied()).collect())
    }
}

/// Reads what `git ls-remote --symref` says of one ref: what it points to by name, where it does, and its commit.
fn advertised(answer: &[u8], name: &str) -> Option<(Option<String>, ObjectId)> {
    let text = String::from_utf8_lossy(answer);
    let of_ref = text.lines().filter_map(|line| line.split_once('\t')).filter(|(_, of)| *of == name);
    let values: Vec<&str> = of_ref.map(|(value, _)| value).collect();
    let symbolic = values.iter().find_map(|value| value.strip_prefix("ref: ")).map(str::to_owned);
    let tip = values.iter().find_map(|value| ObjectId::from_hex(value.as_bytes()).ok())?;
    Some((symbolic, tip))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_ls_remote_is_read_for_the_ref_that_was_asked_for() {
        let id = "96dfd37a5a1d2b3c4d5e6f708192a3b4c5d6e7f8";
        let tip = ObjectId::from_hex(id.as_bytes()).unwrap();
        let of_head = format!("ref: refs/heads/trunk\tHEAD\n{id}\tHEAD\n");
        assert_eq!(advertised(of_head.as_bytes(), "HEAD"), Some((Some("refs/heads/trunk".into()), tip)));
        let of_branch = format!("{id}\trefs/heads/main\n{id}\trefs/heads/x/refs/heads/main\n");
        assert_eq!(advertised(of_branch.as_bytes(), "refs/heads/main"), Some((None, tip)));
        assert_eq!(advertised(b"", "HEAD"), None);
    }
}
