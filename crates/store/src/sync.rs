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
use crate::notes::{self, Tip};
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
    /// Refs that hold no notes and were left out, here or there.
    pub unusable: Vec<String>,
}

/// What a pull did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulled {
    /// How many lines were not here, by environment; only those with any.
    pub received: BTreeMap<Fingerprint, usize>,
    /// Refs that hold no notes and were left out, here or there.
    pub unusable: Vec<String>,
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

/// What became of all environments.
#[derive(Default)]
struct Integrated {
    ahead: Vec<Ahead>,
    unusable: Vec<String>,
    failed: Option<StoreError>,
}

impl Store {
    /// Brings everything that the remote has here, keeping everything that is new here.
    pub fn pull(&self, options: &SyncOptions) -> Result<Pulled, StoreError> {
        let _alone = self.lock("sync.lock")?;
        let deadline = Instant::now() + options.timeout;
        let before = self.tips()?;
        self.fetch(options, deadline)?;
        let integrated = self.integrate(&options.remote)?;
        let mut pulled = Pulled { unusable: integrated.unusable, ..Pulled::default() };
        for (fingerprint, tip) in self.tips()? {
            let lines = self.added(before.get(&fingerprint).copied().unwrap_or_default(), tip)?;
            let lines = lines.values().map(Lines::len).sum();
            if lines > 0 {
                pulled.received.insert(fingerprint, lines);
            }
        }
        integrated.failed.map_or(Ok(pulled), Err)
    }

    /// Brings everything that is new here to the remote.
    ///
    /// # Errors
    ///
    /// Whatever happens, the runs are still here afterwards.
    pub fn push(&self, options: &SyncOptions) -> Result<Pushed, StoreError> {
        let _alone = self.lock("sync.lock")?;
        let deadline = Instant::now() + options.timeout;
        let mut pushed = Pushed::default();
        let (mut unmoved, mut last_seen) = (0, BTreeMap::new());
        loop {
            self.fetch(options, deadline)?;
            let Integrated { ahead, unusable, failed } = self.integrate(&options.remote)?;
            pushed.unusable = unusable;
            if ahead.is_empty() {
                return failed.map_or(Ok(pushed), Err);
            }
            let seen: BTreeMap<_, _> = ahead.iter().map(|it| (it.fingerprint.clone(), it.remote)).collect();
            unmoved = if seen == last_seen { unmoved + 1 } else { 0 };
            last_seen = seen;
            pushed.attempts += 1;
            let rejected = self.send(options, deadline, &ahead, &mut pushed)?;
            let Some(said) = rejected else { return failed.map_or(Ok(pushed), Err) };
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

    /// Returns what every usable notes ref holds.
    fn tips(&self) -> Result<BTreeMap<Fingerprint, Tip>, StoreError> {
        let mut tips = BTreeMap::new();
        for (fingerprint, id) in refs::under(&self.repo, refs::NOTES)? {
            if let Ok(tip) = self.tip_of(&refs::notes(&fingerprint), Some(id)) {
                tips.insert(fingerprint, tip);
            }
        }
        Ok(tips)
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
    fn integrate(&self, remote: &str) -> Result<Integrated, StoreError> {
        let _alone = self.lock("lock")?;
        let fetched: BTreeMap<_, _> =
            refs::under(&self.repo, &format!("{SCRATCH}{remote}/"))?.into_iter().collect();
        let mut fingerprints = self.fingerprints()?;
        fingerprints.extend(fetched.keys().cloned());
        fingerprints.sort();
        fingerprints.dedup();
        let mut integrated = Integrated::default();
        for fingerprint in fingerprints {
            let theirs = fetched.get(&fingerprint).copied();
            // What is wrong with one environment keeps no other from being shared.
            match self.integrate_one(remote, fingerprint, theirs) {
                Ok(ahead) => integrated.ahead.extend(ahead),
                Err(error @ StoreError::NotNotes { .. }) => integrated.unusable.push(error.to_string()),
                Err(error) => integrated.failed = integrated.failed.or(Some(error)),
            }
        }
        Ok(integrated)
    }

    fn integrate_one(
        &self,
        remote: &str,
        fingerprint: Fingerprint,
        theirs: Option<ObjectId>,
    ) -> Result<Option<Ahead>, StoreError> {
        let (ours_ref, seen_ref) = (refs::notes(&fingerprint), refs::seen(remote, &fingerprint));
        let theirs = self.tip_of(&format!("{ours_ref} of {remote}"), theirs)?;
        let (seen, ours) = (self.notes_tip(&seen_ref)?, self.notes_tip(&ours_ref)?);
        // A ref that is gone from the remote was deleted, not purged line by line: all lines go back there.
        let base = if theirs.commit.is_some() { seen } else { Tip::default() };
        let entries = self.journal().entries(&fingerprint)?;
        let mut new = self.added(base, ours)?;
        for (commit, lines) in by_commit(&entries)? {
            new.entry(object_id(&commit)).or_default().unite(&lines);
        }
        let (notes, lines) = self.on_top_of(theirs, new)?;
        let merged = if notes.is_empty() { theirs.commit } else { Some(self.commit_notes(theirs, &notes)?) };
        let Some(merged) = merged else { return Ok(None) };
        let merged = self.tip_of(&ours_ref, Some(merged))?;
        // Equal content on equal ground keeps its commit, so that a second push finds nothing to do.
        let keep = ours.tree == merged.tree && self.is_one_step_from(theirs, ours);
        let local = if keep { ours } else { merged }.commit.expect("both tips have a commit");
        if Some(local) != ours.commit
            && refs::swap(&self.repo, &ours_ref, ours.commit, local, self.now)? == Swap::Lost
        {
            return Err(StoreError::Contended(ours_ref));
        }
        if let Some(theirs) = theirs.commit.filter(|_| theirs != seen) {
            refs::swap(&self.repo, &seen_ref, seen.commit, theirs, self.now)?;
        }
        // Only these lines are known to be safe: another process may have added to the journal meanwhile.
        let entries = self.journal().keep(&entries)?;
        if lines == 0 {
            self.journal().forget(&entries)?;
            return Ok(None);
        }
        Ok(Some(Ahead { fingerprint, remote: theirs.commit, local, lines, entries }))
    }

    /// Unites new lines with the notes they belong to; only notes that change, and how many lines are new.
    fn on_top_of(
        &self,
        theirs: Tip,
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
    fn added(&self, old: Tip, new: Tip) -> Result<BTreeMap<ObjectId, Lines>, StoreError> {
        let mut added = BTreeMap::new();
        for (annotated, note) in notes::changed(&self.repo, old.tree, new.tree)? {
            let lines =
                notes::read(&self.repo, &note.after)?.without(&notes::read(&self.repo, &note.before)?);
            if !lines.is_empty() {
                added.insert(annotated, lines);
            }
        }
        Ok(added)
    }

    /// Returns whether a commit is the tip itself, or the one commit that a push would put on it.
    fn is_one_step_from(&self, tip: Tip, commit: Tip) -> bool {
        let parents: Vec<_> = tip.commit.iter().map(|id| commit_id(id)).collect();
        let known = commit.commit.and_then(|id| self.known(&commit_id(&id)));
        commit == tip || known.is_some_and(|commit| commit.lineage.parents == parents)
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
