//! Talking to the remote: fetching, pushing, parking.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Instant;

use gix::ObjectId;
use perf_model::Fingerprint;

use super::integrate::Ahead;
use super::{PARKED, PULLED, Pushed, SCRATCH, SyncOptions};
use crate::error::StoreError;
use crate::git::{Answer, Git, words};
use crate::notes::{self, Tip};
use crate::refs::{self, Parked};
use crate::repository::Store;

/// A remote that is talked to until a deadline.
#[derive(Clone, Copy)]
pub(crate) struct Remote<'a> {
    pub(crate) name: &'a str,
    pub(crate) deadline: Instant,
}

/// What the remote made of a push.
pub(crate) struct Sent {
    /// The refs that were updated.
    pub(crate) accepted: BTreeSet<String>,
    /// Whether the remote answered for each ref at all.
    pub(crate) answered: bool,
    /// What was said, made safe to show.
    pub(crate) words: String,
}

/// Own lines that were parked, and how many they are.
pub(super) type Waiting = BTreeMap<Parked, usize>;

/// Options of every push: none of the user's settings may add to it.
const PUSH: &[&str] =
    &["push", "--porcelain", "--no-verify", "--no-signed", "--no-follow-tags", "--recurse-submodules=no"];

impl SyncOptions {
    pub(crate) fn remote(&self) -> Remote<'_> {
        Remote { name: &self.remote, deadline: Instant::now() + self.timeout }
    }
}

impl Store {
    /// Fetches the remote's notes, and what others parked there, to scratch refs.
    pub(super) fn fetch(&self, remote: Remote) -> Result<(), StoreError> {
        for scratch in [SCRATCH, PARKED] {
            refs::unlock_scratch(&self.repo, &format!("{scratch}{}", remote.name));
        }
        refs::sweep_objects(&self.repo);
        // Whatever becomes of this, what was pulled before it is no longer what was fetched last.
        let _ = fs::remove_file(self.own_dir().join(PULLED));
        let refspecs = [
            format!("+{}*:{SCRATCH}{}/*", refs::NOTES, remote.name),
            format!("+{}*:{PARKED}{}/*", refs::INBOX, remote.name),
        ];
        let fetch = |options: &[&str]| {
            let mut args = vec![
                "fetch",
                "--quiet",
                "--no-tags",
                "--no-write-fetch-head",
                "--no-auto-maintenance",
                "--no-recurse-submodules",
                "--no-filter",
                "--refmap=",
            ];
            args.extend(options);
            args.extend(["--", remote.name]);
            args.extend(refspecs.iter().map(String::as_str));
            self.network(remote).run(&args)
        };
        match fetch(&["--prune"]) {
            // Deleting a ref needs this lock, and a process that was killed may have left it behind.
            Err(StoreError::Git { .. }) if self.repo.common_dir().join("packed-refs.lock").exists() => {
                fetch(&["--no-prune"])?;
            }
            other => drop(other?),
        }
        let mut lacking = self.without_blobs(remote.name)?;
        // Git knows `--refetch` since 2.36.
        if !lacking.is_empty() && fetch(&["--refetch"]).is_ok() {
            lacking = self.without_blobs(remote.name)?;
        }
        let empty = ObjectId::empty_tree(self.repo.object_hash()).to_string();
        for tip in lacking {
            // Whoever counts the lines of a partial clone makes git fetch all that it lacks for it, at once.
            self.network(remote).run(&["diff-tree", "-r", "--numstat", &empty, &tip.to_string()])?;
        }
        Ok(())
    }

    /// Returns what was fetched of which the user's own fetches have left out the notes, as they do in a partial
    /// clone. Git would fetch such blobs one by one when it reads them; gix does not.
    fn without_blobs(&self, remote: &str) -> Result<Vec<ObjectId>, StoreError> {
        let config = self.repo.config_snapshot();
        let promises = config.boolean(format!("remote.{remote}.promisor").as_str()) == Some(true);
        if !promises && config.string("extensions.partialClone").is_none() {
            return Ok(vec![]);
        }
        let scratch = [SCRATCH, PARKED].map(|scratch| format!("{scratch}{remote}/"));
        let fetched = refs::under(&self.repo, &scratch[0])?.into_iter().map(|(_, tip)| tip);
        let parked = refs::parked_under(&self.repo, &scratch[1])?.into_iter().map(|parked| parked.commit);
        Ok(fetched.chain(parked).filter(|tip| !self.is_whole(*tip)).collect())
    }

    /// Returns whether all notes of a commit are here; one that holds no notes lacks none.
    fn is_whole(&self, tip: ObjectId) -> bool {
        let Ok(tree) = notes::tree(&self.repo, "", tip) else { return true };
        let has = |blob: &ObjectId| self.repo.has_object(blob);
        notes::list(&self.repo, tree).is_ok_and(|blobs| blobs.values().flatten().all(has))
    }

    /// Returns how to start git for what is left of the time.
    pub(crate) fn network(&self, remote: Remote) -> Git {
        Git::network(&self.repo, remote.name, remote.deadline.saturating_duration_since(Instant::now()))
    }

    /// Pushes every environment that is ahead in one go.
    ///
    /// The first time all or none, where the server can; what is contended then holds up no other.
    pub(super) fn send(
        &self,
        remote: Remote,
        ahead: &[Ahead],
        pushed: &mut Pushed,
    ) -> Result<Sent, StoreError> {
        let refspecs: Vec<String> =
            ahead.iter().map(|it| format!("{}:{}", it.local, refs::notes(&it.fingerprint))).collect();
        let mut sent = None;
        if pushed.attempts == 1 && ahead.len() > 1 {
            sent = Some(self.push_refs(remote, &["--atomic"], &refspecs)?);
        }
        let sent = match sent {
            Some(sent) if sent.accepted.len() == refspecs.len() => sent,
            // Servers that cannot do it answer for no ref.
            Some(_) | None => self.push_refs(remote, &[], &refspecs)?,
        };
        for it in ahead.iter().filter(|it| sent.has(it)) {
            self.settle(remote, it)?;
            pushed.count(&it.fingerprint, it.lines());
        }
        Ok(sent)
    }

    /// Leaves the lines of contended environments on the remote under names that cannot collide.
    ///
    /// They stay in the journal until somebody has filed them.
    pub(super) fn park(&self, remote: Remote, ahead: &[Ahead]) -> Result<Waiting, StoreError> {
        let mut waiting = Waiting::new();
        for it in ahead.iter().filter(|it| !it.own.is_empty()) {
            let commit = self.commit_notes(Tip::default(), &it.own)?;
            waiting.insert(Parked::of(&it.fingerprint, commit), it.lines());
        }
        if !waiting.is_empty() {
            let refspecs: Vec<_> = waiting.keys().map(|it| format!("{}:{}", it.commit, it.name())).collect();
            let sent = self.push_refs(remote, &[], &refspecs)?;
            waiting.retain(|it, _| sent.accepted.contains(&it.name()));
        }
        Ok(waiting)
    }

    /// Counts those of the own parked lines that the remote's notes have by now.
    pub(super) fn find_filed(
        &self,
        remote: Remote,
        waiting: &mut Waiting,
        pushed: &mut Pushed,
    ) -> Result<(), StoreError> {
        for (it, lines) in std::mem::take(waiting) {
            if self.is_filed(remote.name, &it)? {
                pushed.count(&it.fingerprint, lines);
            } else {
                waiting.insert(it, lines);
            }
        }
        Ok(())
    }

    /// Notes that the remote has all of an environment.
    fn settle(&self, remote: Remote, it: &Ahead) -> Result<(), StoreError> {
        self.saw(remote.name, &it.fingerprint, it.local)?;
        self.journal().forget(&it.entries)
    }

    /// Remembers what a remote has now.
    ///
    /// Also as what was fetched last: a fetch that ended well and brought nothing, because a disk failed on both sides,
    /// would else show what the remote had long ago.
    pub(crate) fn saw(
        &self,
        remote: &str,
        fingerprint: &Fingerprint,
        tip: ObjectId,
    ) -> Result<(), StoreError> {
        for name in [format!("{SCRATCH}{remote}/{fingerprint}"), refs::seen(remote, fingerprint)] {
            refs::swap(&self.repo, &name, refs::tip(&self.repo, &name)?, tip, self.now)?;
        }
        Ok(())
    }

    /// Deletes parked lines that the remote's notes have now. Whatever cannot be deleted does no harm.
    pub(super) fn clear_inbox(&self, remote: Remote, parked: &[Parked]) {
        let (mut leases, mut refspecs) = (Vec::new(), Vec::new());
        for it in parked.iter().filter(|it| self.is_filed(remote.name, it).unwrap_or(false)) {
            let name = it.name();
            leases.push(format!("--force-with-lease={name}:{}", it.commit));
            refspecs.push(format!(":{name}"));
        }
        if !refspecs.is_empty() {
            let leases: Vec<&str> = leases.iter().map(String::as_str).collect();
            let _ = self.push_refs(remote, &leases, &refspecs);
        }
    }

    /// Returns whether the remote's notes, as last seen, have all of these parked lines.
    fn is_filed(&self, remote: &str, parked: &Parked) -> Result<bool, StoreError> {
        let seen = self.notes_tip(&refs::seen(remote, &parked.fingerprint))?;
        let tip = self.tip_of(&parked.name(), Some(parked.commit))?;
        Ok(self.missing_from(seen, self.added(Tip::default(), tip)?)?.is_empty())
    }

    pub(crate) fn push_refs(
        &self,
        remote: Remote,
        options: &[&str],
        refspecs: &[String],
    ) -> Result<Sent, StoreError> {
        let mut args = PUSH.to_vec();
        args.extend(options);
        args.extend(["--", remote.name]);
        args.extend(refspecs.iter().map(String::as_str));
        let Answer { status, stdout, stderr } = self.network(remote).ask(&args)?;
        let flags = flags(&stdout);
        let answered = status.success() || !flags.is_empty();
        let accepted = flags.into_iter().filter(|(flag, _)| *flag != '!').map(|(_, name)| name).collect();
        Ok(Sent { accepted, answered, words: words(&[stdout, stderr].concat()) })
    }
}

impl Sent {
    /// Returns whether the remote's notes have all of an environment now.
    fn has(&self, it: &Ahead) -> bool {
        self.accepted.contains(&refs::notes(&it.fingerprint))
    }

    /// Returns the environments that were not accepted.
    pub(super) fn rejected(&self, ahead: Vec<Ahead>) -> Vec<Ahead> {
        ahead.into_iter().filter(|it| !self.has(it)).collect()
    }
}

/// Reads the flag and the remote's ref from the lines of `git push --porcelain`: `flag TAB from:to TAB summary`.
///
/// Nothing else is looked at (git-push(1), OUTPUT): `!` is a rejection, anything else is not.
fn flags(porcelain: &[u8]) -> Vec<(char, String)> {
    let text = String::from_utf8_lossy(porcelain);
    let line = |line: &str| {
        let mut fields = line.split('\t');
        let (flag, refs) = (fields.next()?, fields.next()?);
        let (_, to) = refs.split_once(':')?;
        let mut flag = flag.chars();
        flag.next().filter(|_| flag.next().is_none()).map(|flag| (flag, to.to_owned()))
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_flag_of_a_porcelain_line_counts() {
        let output = b"To /srv/x.git\n*\t1234:refs/notes/perf/a\t[new reference]\n \t5:refs/notes/perf/b\t1..5\n!\t6:refs/notes/perf/c\t[rejected] (fetch first)\n=\t7:refs/notes/perf/d\t[up to date]\nDone\n";
        let read: String = flags(output).iter().map(|(flag, name)| format!("{flag}{name};")).collect();
        assert_eq!(read, "*refs/notes/perf/a; refs/notes/perf/b;!refs/notes/perf/c;=refs/notes/perf/d;");
        assert!(flags(b"fatal: the remote end hung up\n").is_empty());
    }
}
