//! Sharing notes with a remote: never forced, nothing lost whoever else pushes.
//!
//! Fetch what the remote has to a scratch ref, put the lines that are new here on top of it as one commit, push
//! that commit without force. The server compares and swaps; whoever loses parks the lines beside the notes, where
//! nobody else pushes, and fetches again. Whoever wins files what others have parked. What was removed from the
//! remote is not brought back, and what is missing here is never removed there.

mod contest;
mod exchange;
mod integrate;

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use perf_model::Fingerprint;

pub(crate) use self::contest::{Contest, Next};
pub(crate) use self::exchange::Remote;
use self::exchange::{Sent, Waiting};
pub use self::integrate::Loss;
pub(crate) use self::integrate::{Integrated, Notes};
use crate::error::StoreError;
use crate::git::Git;
use crate::notes::{Tip, if_notes};
use crate::refs;
use crate::repository::Store;

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
    /// How many lines lie beside the remote's notes, until the next pusher files them.
    pub parked: BTreeMap<Fingerprint, usize>,
    /// How many times it took.
    pub attempts: usize,
    /// What the remote has lost since it was last seen.
    pub losses: Vec<Loss>,
    /// Refs that hold no notes and were left out, here or there.
    pub unusable: Vec<String>,
}

impl Pushed {
    fn count(&mut self, fingerprint: &Fingerprint, lines: usize) {
        if lines > 0 {
            *self.sent.entry(fingerprint.clone()).or_default() += lines;
        }
    }
}

/// What a pull did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pulled {
    /// How many lines were not here, by environment; only those with any.
    pub received: BTreeMap<Fingerprint, usize>,
    /// What the remote has lost since it was last seen.
    pub losses: Vec<Loss>,
    /// Refs that hold no notes and were left out, here or there.
    pub unusable: Vec<String>,
}

/// Where a fetch puts what the remote has until it is integrated; not under `refs/notes`, where it would show.
const SCRATCH: &str = "refs/perf/fetched/";

/// Where a fetch puts what others parked.
const PARKED: &str = "refs/perf/parked/";

/// The remote that was pulled from last, if nothing was fetched since.
const PULLED: &str = "pulled";

/// As long as a job may take from its pull to its push.
const FRESH: Duration = Duration::from_secs(3600);

/// One process of a clone talks to remotes at a time.
pub(crate) const LOCK: &str = "sync.lock";

impl Store {
    /// Brings everything that the remote has here, keeping everything that is new here.
    pub fn pull(&self, options: &SyncOptions) -> Result<Pulled, StoreError> {
        let remote = options.remote();
        let _alone = self.lock_until(LOCK, remote.deadline)?;
        let before = self.tips()?;
        let mut contest = Contest::default();
        self.fetch_again(remote, &mut contest)?;
        let integrated = self.integrate(remote.name)?;
        if integrated.failed.is_none() && integrated.parked.is_empty() {
            self.mark_fresh(remote.name);
        }
        let (unusable, losses) = (integrated.unusable, integrated.losses);
        let mut pulled = Pulled { unusable, losses, ..Pulled::default() };
        for (fingerprint, tip) in self.tips()? {
            let lines = self.gained(before.get(&fingerprint).copied().unwrap_or_default(), tip)?;
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
        let remote = options.remote();
        let _alone = self.lock_until(LOCK, remote.deadline)?;
        let (mut pushed, mut contest) = (Pushed::default(), Contest::of_writers());
        let (mut fresh, mut waiting) = (self.take_fresh(remote.name), Waiting::new());
        loop {
            let began = Instant::now();
            if !std::mem::take(&mut fresh) {
                self.fetch_again(remote, &mut contest)?;
            }
            let Integrated { ahead, losses, parked, unusable, failed } = self.integrate(remote.name)?;
            pushed.unusable = unusable;
            pushed.losses.extend(losses);
            self.find_filed(remote, &mut waiting, &mut pushed)?;
            let others_alone = waiting.is_empty() && ahead.iter().all(|it| it.own.is_empty());
            if contest.attempts > 0 && others_alone {
                // Whoever was faster has filed the own lines. They parked theirs later, and look after them.
                return failed.map_or(Ok(pushed), Err);
            }
            if ahead.is_empty() {
                self.clear_inbox(remote, &parked);
                return failed.map_or(Ok(pushed), Err);
            }
            contest.attempt(ahead.iter().map(|it| (it.fingerprint.clone(), it.remote)).collect());
            pushed.attempts = contest.attempts;
            let sent = self.send(remote, &ahead, &mut pushed)?;
            self.find_filed(remote, &mut waiting, &mut pushed)?;
            let ahead = sent.rejected(ahead);
            if ahead.is_empty() {
                self.clear_inbox(remote, &parked);
                return failed.map_or(Ok(pushed), Err);
            }
            if sent.answered {
                waiting.extend(self.park(remote, &ahead)?);
            }
            match contest.after(&sent, began, remote.deadline) {
                Next::Wait(pause) => std::thread::sleep(pause),
                Next::Leave if ahead.iter().all(|it| it.is_parked(&waiting)) => {
                    for (it, lines) in waiting {
                        *pushed.parked.entry(it.fingerprint).or_default() += lines;
                    }
                    return failed.map_or(Ok(pushed), Err);
                }
                Next::Done | Next::Leave | Next::GiveUp => return Err(rejected(remote, &pushed, sent)),
            }
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

    /// Fetches; a connection that breaks is tried again a few times.
    pub(crate) fn fetch_again(&self, remote: Remote, contest: &mut Contest) -> Result<(), StoreError> {
        loop {
            let began = Instant::now();
            match self.fetch(remote) {
                Err(error @ StoreError::Git { .. }) => match contest.broke(began, remote.deadline) {
                    Some(pause) => std::thread::sleep(pause),
                    None => return Err(error),
                },
                other => return other,
            }
        }
    }

    /// Remembers that the remote was pulled from just now, and that nobody had parked anything there.
    fn mark_fresh(&self, remote: &str) {
        // Where this cannot be written the next push fetches.
        let _ = fs::write(self.own_dir().join(PULLED), remote);
    }

    /// Returns whether a push may go on from what was pulled last, once. What has changed since is found out when the
    /// push is rejected.
    fn take_fresh(&self, remote: &str) -> bool {
        let path = self.own_dir().join(PULLED);
        let pulled = path.metadata().and_then(|meta| meta.modified());
        let age = pulled.ok().and_then(|pulled| pulled.elapsed().ok());
        let fresh = age.is_some_and(|age| age < FRESH);
        let of = fs::read(&path);
        // From here on the remote is no longer as it was pulled.
        fs::remove_file(&path).is_ok() && fresh && of.is_ok_and(|of| of == remote.as_bytes())
    }

    /// Returns what every usable notes ref holds.
    fn tips(&self) -> Result<BTreeMap<Fingerprint, Tip>, StoreError> {
        let mut tips = BTreeMap::new();
        for (fingerprint, id) in refs::under(&self.repo, refs::NOTES)? {
            if let Some(tip) = if_notes(self.tip_of(&refs::notes(&fingerprint), Some(id)))? {
                tips.insert(fingerprint, tip);
            }
        }
        Ok(tips)
    }
}

fn rejected(remote: Remote, pushed: &Pushed, sent: Sent) -> StoreError {
    StoreError::PushRejected { remote: remote.name.to_owned(), attempts: pushed.attempts, words: sent.words }
}
