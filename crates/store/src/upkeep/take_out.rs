//! Taking lines out of the notes, here and on the remote.
//!
//! That is one more commit on top of the others, pushed without force like any other. Clones that have seen the
//! lines do not bring them back: see the rule for pulls in `baselines.git-notes.md`.

use std::collections::BTreeMap;
use std::time::Instant;

use perf_model::Fingerprint;

use crate::error::StoreError;
use crate::lines::Lines;
use crate::notes::Tip;
use crate::refs::{self, Swap};
use crate::repository::{Store, commit_id};
use crate::sync::{Contest, LOCK, Next, Notes, Remote, SyncOptions};

/// The lines to take out.
pub(super) type Plan = BTreeMap<Fingerprint, Notes>;

/// What is done with lines that are taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Dropped,
    /// Kept under a ref of their own, here and on the remote.
    SetAside,
}

impl Store {
    /// Takes out what `plan` finds, again and again until the remote has it so. Returns what was planned last.
    pub(super) fn take_out(
        &self,
        plan: &dyn Fn() -> Result<Plan, StoreError>,
        fate: Fate,
        options: Option<&SyncOptions>,
    ) -> Result<Plan, StoreError> {
        self.fold()?;
        let Some(options) = options else {
            let plan = plan()?;
            self.take_out_here(&plan, fate)?;
            return Ok(plan);
        };
        let remote = options.remote();
        let _alone = self.lock_until(LOCK, remote.deadline)?;
        let mut contest = Contest::of_writers();
        loop {
            let began = Instant::now();
            self.fetch_again(remote, &mut contest)?;
            let integrated = self.integrate(remote.name)?;
            if let Some(error) = integrated.failed {
                return Err(error);
            }
            let plan = plan()?;
            if plan.is_empty() {
                return Ok(plan);
            }
            let aside = self.take_out_here(&plan, fate)?;
            match self.send_without(remote, &plan, aside, (&mut contest, began))? {
                Next::Done => return Ok(plan),
                Next::Wait(pause) => std::thread::sleep(pause),
                Next::Leave | Next::GiveUp => {
                    let (remote, attempts) = (remote.name.to_owned(), contest.attempts);
                    return Err(StoreError::PushRejected { remote, attempts, words: contest.words });
                }
            }
        }
    }

    /// Pushes notes that have lost lines, and where those lines are kept.
    fn send_without(
        &self,
        remote: Remote,
        plan: &Plan,
        mut refspecs: Vec<String>,
        (contest, began): (&mut Contest, Instant),
    ) -> Result<Next, StoreError> {
        let mut tips = BTreeMap::new();
        for fingerprint in plan.keys() {
            let name = refs::notes(fingerprint);
            let (local, seen) =
                (self.notes_tip(&name)?, self.notes_tip(&refs::seen(remote.name, fingerprint))?);
            refspecs.extend(local.commit.map(|local| format!("{local}:{name}")));
            tips.insert(fingerprint.clone(), seen.commit);
        }
        contest.attempt(tips);
        let sent = self.push_refs(remote, &["--atomic"], &refspecs)?;
        let sent = if sent.answered { sent } else { self.push_refs(remote, &[], &refspecs)? };
        if sent.accepted.len() < refspecs.len() {
            return Ok(contest.after(&sent, began, remote.deadline));
        }
        for fingerprint in plan.keys() {
            if let Some(local) = self.notes_tip(&refs::notes(fingerprint))?.commit {
                self.saw(remote.name, fingerprint, local)?;
            }
        }
        Ok(Next::Done)
    }

    /// Takes lines out of the local notes; returns what to push of those that are kept.
    fn take_out_here(&self, plan: &Plan, fate: Fate) -> Result<Vec<String>, StoreError> {
        let _alone = self.lock("lock")?;
        let mut aside = Vec::new();
        for (fingerprint, gone) in plan {
            if fate == Fate::SetAside {
                let commit = self.commit_as(Tip::default(), gone, "perf: lines set aside\n")?;
                let name = refs::aside(fingerprint, commit);
                if refs::tip(&self.repo, &name)?.is_none() {
                    refs::swap(&self.repo, &name, None, commit, self.now)?;
                }
                aside.push(format!("{commit}:{name}"));
            }
            self.take_out_of(fingerprint, gone)?;
        }
        Ok(aside)
    }

    pub(crate) fn take_out_of(&self, fingerprint: &Fingerprint, gone: &Notes) -> Result<(), StoreError> {
        let name = refs::notes(fingerprint);
        // What is left of a line elsewhere would be read again and brought back.
        let mut copies = Vec::new();
        for entry in self.journal().entries(fingerprint)? {
            let line = entry.read()?.unwrap_or_default();
            let of_entry = gone.get(&crate::repository::object_id(&entry.commit));
            if of_entry.is_some_and(|lines| lines.contains(&line)) {
                copies.push(entry);
            }
        }
        let tip = self.notes_tip(&name)?;
        let mut notes = Notes::new();
        for (annotated, lines) in gone {
            notes.insert(*annotated, self.note(tip, &commit_id(annotated))?.without(lines));
        }
        let lines: usize = gone.values().map(Lines::len).sum();
        let commit = self.commit_as(tip, &notes, &format!("perf: take out {lines} lines\n"))?;
        if refs::swap(&self.repo, &name, tip.commit, commit, self.now)? == Swap::Lost {
            return Err(StoreError::Contended(name));
        }
        self.journal().forget(&copies)
    }
}
