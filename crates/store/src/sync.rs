//! Sharing notes with a remote: never forced, nothing lost whoever else pushes.
//!
//! Fetch what the remote has to a scratch ref, put the lines that are new here on top of it as one commit, push
//! that commit without force. The server compares and swaps; whoever loses fetches again. What was removed from
//! the remote is not brought back, and what is missing here is never removed there.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use gix::ObjectId;
use perf_model::Fingerprint;

use crate::error::StoreError;
use crate::git::{Git, words};
use crate::journal::Entry;
use crate::lines::Lines;
use crate::notes;
use crate::record::by_commit;
use crate::refs::{self, Swap};
use crate::repository::{Store, commit_id, object_id};

/// How to talk to a remote.
#[derive(Clone, Debug)]
pub struct SyncOptions {
    /// A configured remote's name.
    pub remote: String,
    /// When to give up.
    pub timeout: Duration,
}

/// What a push did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// How many lines the remote did not have, by environment; only those with any.
    pub sent: BTreeMap<Fingerprint, usize>,
    /// How many times it took.
    pub attempts: usize,
}

/// What a pull did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulled {
    /// How many lines were not here, by environment; only those with any.
    pub received: BTreeMap<Fingerprint, usize>,
}

/// Where a fetch puts what the remote has until it is integrated; not under `refs/notes`, where it would show.
const SCRATCH: &str = "refs/perf/fetched/";

/// A rejection while the remote's tip stays where it was is no contention: a rule, or an outage.
const UNMOVED: usize = 5;

/// Exponential back-off with full jitter starts here ...
const BACKOFF: Duration = Duration::from_millis(100);

/// ... and grows up to here.
const LONGEST_BACKOFF: Duration = Duration::from_secs(10);

/// One environment that is ahead of the remote.
struct Ahead {
    fingerprint: Fingerprint,
    /// What the remote has.
    remote: Option<ObjectId>,
    /// The same with the lines that are new here on top.
    local: ObjectId,
    lines: usize,
    /// The lines of the journal that this makes safe.
    entries: Vec<Entry>,
}

impl Store {
    /// Brings everything that the remote has here, keeping everything that is new here.
    pub fn pull(&self, options: &SyncOptions) -> Result<Pulled, StoreError> {
        self.fold()?;
        let _alone = self.lock("sync.lock")?;
        let deadline = Instant::now() + options.timeout;
        let before = self.tips()?;
        self.fetch(options, deadline)?;
        self.integrate(&options.remote)?;
        let mut pulled = Pulled::default();
        for (fingerprint, tip) in self.tips()? {
            let old = before.get(&fingerprint).copied();
            let lines = self.added(old, Some(tip))?.values().map(Lines::len).sum();
            if lines > 0 {
                pulled.received.insert(fingerprint, lines);
            }
        }
        Ok(pulled)
    }

    /// Brings everything that is new here to the remote.
    ///
    /// # Errors
    ///
    /// Whatever happens, the runs are still here afterwards.
    pub fn push(&self, options: &SyncOptions) -> Result<Pushed, StoreError> {
        self.fold()?;
        let _alone = self.lock("sync.lock")?;
        let deadline = Instant::now() + options.timeout;
        let mut pushed = Pushed::default();
        let (mut unmoved, mut last_seen) = (0, BTreeMap::new());
        loop {
            self.fetch(options, deadline)?;
            let ahead = self.integrate(&options.remote)?;
            if ahead.is_empty() {
                return Ok(pushed);
            }
            let seen: BTreeMap<_, _> = ahead.iter().map(|it| (it.fingerprint.clone(), it.remote)).collect();
            unmoved = if seen == last_seen { unmoved + 1 } else { 0 };
            last_seen = seen;
            pushed.attempts += 1;
            let rejected = self.send(options, deadline, &ahead, &mut pushed)?;
            let Some(said) = rejected else { return Ok(pushed) };
            let pause = backoff(pushed.attempts);
            if unmoved + 1 >= UNMOVED || Instant::now() + pause >= deadline {
                let (remote, attempts) = (options.remote.clone(), pushed.attempts);
                return Err(StoreError::PushRejected { remote, attempts, words: said });
            }
            std::thread::sleep(pause);
        }
    }

    /// Asks whether the remote would take notes from here, without sending any.
    pub fn probe_push(&self, options: &SyncOptions) -> Result<(), StoreError> {
        let git = Git::network(&self.repo, &options.remote, options.timeout);
        let head = self.resolve("HEAD")?.lineage.commit;
        let refspec = format!("{head}:refs/notes/perf-probe/{head}");
        git.run(&["push", "--dry-run", "--porcelain", "--no-verify", "--", &options.remote, &refspec])?;
        Ok(())
    }

    fn tips(&self) -> Result<BTreeMap<Fingerprint, ObjectId>, StoreError> {
        Ok(refs::under(&self.repo, refs::NOTES)?.into_iter().collect())
    }

    /// Fetches the remote's notes to scratch refs.
    fn fetch(&self, options: &SyncOptions, deadline: Instant) -> Result<(), StoreError> {
        let refspec = format!("+{}*:{SCRATCH}{}/*", refs::NOTES, options.remote);
        let args = [
            "fetch",
            "--quiet",
            "--no-tags",
            "--prune",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--no-recurse-submodules",
            "--no-filter",
            "--",
            &options.remote,
            &refspec,
        ];
        self.network(options, deadline).run(&args)?;
        Ok(())
    }

    fn network(&self, options: &SyncOptions, deadline: Instant) -> Git {
        Git::network(&self.repo, &options.remote, deadline.saturating_duration_since(Instant::now()))
    }

    /// Puts what is new here on top of what was fetched, for every environment, and says which are ahead.
    fn integrate(&self, remote: &str) -> Result<Vec<Ahead>, StoreError> {
        let _alone = self.lock("lock")?;
        let fetched: BTreeMap<_, _> =
            refs::under(&self.repo, &format!("{SCRATCH}{remote}/"))?.into_iter().collect();
        let mut fingerprints = self.fingerprints()?;
        fingerprints.extend(fetched.keys().cloned());
        fingerprints.sort();
        fingerprints.dedup();
        let mut ahead = Vec::new();
        for fingerprint in fingerprints {
            let theirs = fetched.get(&fingerprint).copied();
            ahead.extend(self.integrate_one(remote, fingerprint, theirs)?);
        }
        Ok(ahead)
    }

    fn integrate_one(
        &self,
        remote: &str,
        fingerprint: Fingerprint,
        theirs: Option<ObjectId>,
    ) -> Result<Option<Ahead>, StoreError> {
        let (ours_ref, seen_ref) = (refs::notes(&fingerprint), refs::seen(remote, &fingerprint));
        let seen = refs::tip(&self.repo, &seen_ref)?;
        // A ref that is gone from the remote was deleted, not purged line by line: all lines go back there.
        let base = theirs.and(seen);
        let ours = refs::tip(&self.repo, &ours_ref)?;
        let entries = self.journal().entries(&fingerprint)?;
        let mut new = self.added(base, ours)?;
        for (commit, lines) in by_commit(&entries)? {
            new.entry(object_id(&commit)).or_default().unite(&lines);
        }
        let (notes, lines) = self.on_top_of(theirs, new)?;
        let merged = if notes.is_empty() { theirs } else { Some(self.commit_notes(theirs, &notes)?) };
        let Some(local) = merged else { return Ok(None) };
        // Equal content on equal ground keeps its commit, so that a second push finds nothing to do.
        let local = match ours {
            Some(ours) if self.same_tree(ours, local)? && self.is_one_step_from(theirs, ours) => ours,
            Some(_) | None => local,
        };
        if Some(local) != ours && refs::swap(&self.repo, &ours_ref, ours, local, self.now)? == Swap::Lost {
            return Err(StoreError::Contended(ours_ref));
        }
        if let Some(theirs) = theirs.filter(|theirs| Some(*theirs) != seen) {
            refs::swap(&self.repo, &seen_ref, seen, theirs, self.now)?;
        }
        if lines == 0 {
            self.journal().forget(&entries)?;
            return Ok(None);
        }
        Ok(Some(Ahead { fingerprint, remote: theirs, local, lines, entries }))
    }

    /// Unites new lines with the notes they belong to; only notes that change, and how many lines are new.
    fn on_top_of(
        &self,
        theirs: Option<ObjectId>,
        new: BTreeMap<ObjectId, Lines>,
    ) -> Result<(BTreeMap<ObjectId, Lines>, usize), StoreError> {
        let (mut notes, mut added) = (BTreeMap::new(), 0);
        for (annotated, lines) in new {
            let old = self.note(theirs, &commit_id(&annotated))?;
            let missing = lines.without(&old);
            if !missing.is_empty() {
                added += missing.len();
                let mut all = old;
                all.unite(&missing);
                notes.insert(annotated, all);
            }
        }
        Ok((notes, added))
    }

    /// Lists the lines that a tip has and an older one has not.
    fn added(
        &self,
        old: Option<ObjectId>,
        new: Option<ObjectId>,
    ) -> Result<BTreeMap<ObjectId, Lines>, StoreError> {
        let tree = |tip: Option<ObjectId>| tip.map(|tip| notes::tree(&self.repo, tip)).transpose();
        let mut added = BTreeMap::new();
        for (annotated, note) in notes::changed(&self.repo, tree(old)?, tree(new)?)? {
            let lines =
                notes::read(&self.repo, &note.after)?.without(&notes::read(&self.repo, &note.before)?);
            if !lines.is_empty() {
                added.insert(annotated, lines);
            }
        }
        Ok(added)
    }

    fn same_tree(&self, one: ObjectId, other: ObjectId) -> Result<bool, StoreError> {
        Ok(notes::tree(&self.repo, one)? == notes::tree(&self.repo, other)?)
    }

    fn is_one_step_from(&self, tip: Option<ObjectId>, commit: ObjectId) -> bool {
        let parents: Vec<_> = tip.iter().map(|tip| commit_id(tip)).collect();
        Some(commit) == tip
            || self.known(&commit_id(&commit)).is_some_and(|commit| commit.lineage.parents == parents)
    }

    /// Pushes every environment that is ahead in one go. Returns the remote's words where one was rejected.
    fn send(
        &self,
        options: &SyncOptions,
        deadline: Instant,
        ahead: &[Ahead],
        pushed: &mut Pushed,
    ) -> Result<Option<String>, StoreError> {
        let refspecs: Vec<String> =
            ahead.iter().map(|it| format!("{}:{}", it.local, refs::notes(&it.fingerprint))).collect();
        let mut args = vec!["push", "--porcelain", "--no-verify", "--no-signed", "--recurse-submodules=no"];
        args.extend(["--", options.remote.as_str()]);
        args.extend(refspecs.iter().map(String::as_str));
        let answer = self.network(options, deadline).ask(&args)?;
        let accepted = accepted(&answer.stdout);
        let mut rejected = 0;
        for it in ahead {
            if !accepted.contains(&refs::notes(&it.fingerprint)) {
                rejected += 1;
                continue;
            }
            let seen = refs::seen(&options.remote, &it.fingerprint);
            refs::swap(&self.repo, &seen, refs::tip(&self.repo, &seen)?, it.local, self.now)?;
            self.journal().forget(&it.entries)?;
            *pushed.sent.entry(it.fingerprint.clone()).or_default() += it.lines;
        }
        Ok((rejected > 0).then(|| words(&[answer.stdout, answer.stderr].concat())))
    }
}

/// Reads the refs that were updated from the porcelain output of `git push`: `flag TAB from:to TAB summary`.
///
/// Only the flag is looked at (git-push(1), OUTPUT): `!` is a rejection, anything else is not.
fn accepted(porcelain: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(porcelain);
    let line = |line: &str| {
        let mut fields = line.split('\t');
        let (flag, refs) = (fields.next()?, fields.next()?);
        let (_, to) = refs.split_once(':')?;
        (flag.len() == 1 && flag != "!").then(|| to.to_owned())
    };
    text.lines().filter_map(line).collect()
}

fn backoff(attempt: usize) -> Duration {
    let exponent = u32::try_from(attempt).unwrap_or(u32::MAX).min(16);
    let longest = BACKOFF.saturating_mul(2u32.saturating_pow(exponent)).min(LONGEST_BACKOFF);
    longest.mul_f64(fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_flag_of_a_porcelain_line_counts() {
        let output = b"To /srv/x.git\n*\t1234:refs/notes/perf/a\t[new reference]\n \t5:refs/notes/perf/b\t1..5\n!\t6:refs/notes/perf/c\t[rejected] (fetch first)\n=\t7:refs/notes/perf/d\t[up to date]\nDone\n";
        assert_eq!(accepted(output), ["refs/notes/perf/a", "refs/notes/perf/b", "refs/notes/perf/d"]);
    }

    #[test]
    fn the_pause_grows_and_is_bounded() {
        for attempt in 0..100 {
            assert!(backoff(attempt) <= LONGEST_BACKOFF, "attempt {attempt}");
        }
    }
}
