//! Bringing together what is here, what was fetched and what others parked.

use std::collections::BTreeMap;

use gix::ObjectId;
use perf_model::Fingerprint;

use super::exchange::Waiting;
use super::{PARKED, SCRATCH};
use crate::error::StoreError;
use crate::journal::Entry;
use crate::lines::Lines;
use crate::notes::{self, Tip};
use crate::record::by_commit;
use crate::refs::{self, Parked, Swap};
use crate::repository::{Store, commit_id, object_id};

/// Lines by the commit that they belong to.
pub(crate) type Notes = BTreeMap<ObjectId, Lines>;

/// One environment that is ahead of the remote.
pub(super) struct Ahead {
    pub(super) fingerprint: Fingerprint,
    /// What the remote has.
    pub(super) remote: Option<ObjectId>,
    /// The same with the lines that are new here on top.
    pub(super) local: ObjectId,
    /// The lines that the remote has neither in its notes nor parked.
    pub(super) own: Notes,
    /// The lines of the journal that this makes safe.
    pub(super) entries: Vec<Entry>,
}

impl Ahead {
    /// Returns how many lines the remote has neither in its notes nor parked.
    pub(super) fn lines(&self) -> usize {
        self.own.values().map(Lines::len).sum()
    }

    /// Returns whether all of these lines are on the remote at least beside its notes.
    pub(super) fn is_parked(&self, waiting: &Waiting) -> bool {
        self.own.is_empty() || waiting.keys().any(|it| it.fingerprint == self.fingerprint)
    }
}

/// What became of all environments.
#[derive(Default)]
pub(crate) struct Integrated {
    pub(super) ahead: Vec<Ahead>,
    pub(super) losses: Vec<Loss>,
    pub(super) parked: Vec<Parked>,
    pub(super) unusable: Vec<String>,
    pub(crate) failed: Option<StoreError>,
}

/// What a remote no longer has as it was when it was last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The environment.
    pub fingerprint: Fingerprint,
    /// How many lines are gone.
    pub lines: usize,
    /// Whether it was done by removing the ref, or replacing its history, which no pusher of notes does.
    pub rewritten: bool,
}

/// What a remote has of one environment.
struct Theirs {
    fingerprint: Fingerprint,
    tip: Option<ObjectId>,
    parked: Notes,
}

impl Store {
    /// Puts what is new here on top of what was fetched, for every environment, and says which are ahead.
    pub(crate) fn integrate(&self, remote: &str) -> Result<Integrated, StoreError> {
        let _alone = self.lock("lock")?;
        let fetched: BTreeMap<_, _> =
            refs::under(&self.repo, &format!("{SCRATCH}{remote}/"))?.into_iter().collect();
        let mut integrated = Integrated::default();
        let mut parked = self.parked_lines(remote, &mut integrated)?;
        let mut fingerprints = self.fingerprints()?;
        fingerprints.extend(fetched.keys().chain(parked.keys()).cloned());
        fingerprints.sort();
        fingerprints.dedup();
        for fingerprint in fingerprints {
            let tip = fetched.get(&fingerprint).copied();
            let parked = parked.remove(&fingerprint).unwrap_or_default();
            integrated.losses.extend(self.loss(remote, &fingerprint, tip)?);
            // What is wrong with one environment keeps no other from being shared.
            match self.integrate_one(remote, Theirs { fingerprint, tip, parked }) {
                Ok(ahead) => integrated.ahead.extend(ahead),
                Err(error @ StoreError::NotNotes { .. }) => integrated.unusable.push(error.to_string()),
                Err(error) => integrated.failed = integrated.failed.or(Some(error)),
            }
        }
        Ok(integrated)
    }

    /// Reads what others parked on the remote.
    pub(crate) fn parked_lines(
        &self,
        remote: &str,
        integrated: &mut Integrated,
    ) -> Result<BTreeMap<Fingerprint, Notes>, StoreError> {
        let mut all: BTreeMap<_, Notes> = BTreeMap::new();
        for parked in refs::parked_under(&self.repo, &format!("{PARKED}{remote}/"))? {
            let lines = self
                .tip_of(&parked.name(), Some(parked.commit))
                .and_then(|tip| self.added(Tip::default(), tip));
            match lines {
                Err(error @ StoreError::NotNotes { .. }) => integrated.unusable.push(error.to_string()),
                Err(error) => integrated.failed = integrated.failed.take().or(Some(error)),
                Ok(lines) => {
                    let known = all.entry(parked.fingerprint.clone()).or_default();
                    lines.iter().for_each(|(id, lines)| known.entry(*id).or_default().unite(lines));
                    integrated.parked.push(parked);
                }
            }
        }
        Ok(all)
    }

    fn integrate_one(&self, remote: &str, theirs: Theirs) -> Result<Option<Ahead>, StoreError> {
        let Theirs { fingerprint, tip, parked } = theirs;
        let (ours_ref, seen_ref) = (refs::notes(&fingerprint), refs::seen(remote, &fingerprint));
        let theirs = self.tip_of(&format!("{ours_ref} of {remote}"), tip)?;
        let (seen, ours) = (self.notes_tip(&seen_ref)?, self.notes_tip(&ours_ref)?);
        // A ref that is gone from the remote was deleted, not purged line by line: all lines go back there.
        let base = if theirs.commit.is_some() { seen } else { Tip::default() };
        let entries = self.journal().entries(&fingerprint)?;
        let mut new = self.added(base, ours)?;
        for (commit, lines) in by_commit(&entries)? {
            new.entry(object_id(&commit)).or_default().unite(&lines);
        }
        let own = without(&new, &parked);
        for (annotated, lines) in parked {
            new.entry(annotated).or_default().unite(&lines);
        }
        let notes = self.on_top_of(theirs, new)?;
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
        if notes.is_empty() {
            self.journal().forget(&entries)?;
            return Ok(None);
        }
        let own = self.missing_from(theirs, own)?;
        Ok(Some(Ahead { fingerprint, remote: theirs.commit, local, own, entries }))
    }

    /// Compares what a remote has of an environment with what it had when it was last seen.
    fn loss(
        &self,
        remote: &str,
        fingerprint: &Fingerprint,
        tip: Option<ObjectId>,
    ) -> Result<Option<Loss>, StoreError> {
        let seen = self.notes_tip(&refs::seen(remote, fingerprint))?;
        let Some(last) = seen.commit.filter(|last| Some(*last) != tip) else { return Ok(None) };
        let Some(theirs) = notes::if_notes(self.tip_of(&refs::notes(fingerprint), tip))? else {
            return Ok(None);
        };
        let lines = self.gained(theirs, seen)?;
        let grown = tip.is_some_and(|tip| self.merge_base_id(last, tip) == Some(last));
        let loss = Loss { fingerprint: fingerprint.clone(), lines, rewritten: !grown };
        Ok(Some(loss).filter(|loss| loss.lines > 0 || loss.rewritten))
    }

    fn merge_base_id(&self, one: ObjectId, other: ObjectId) -> Option<ObjectId> {
        self.repo.merge_base(one, other).ok().flatten().map(|id| id.detach())
    }

    /// Unites new lines with the notes they belong to; only notes that change.
    fn on_top_of(&self, theirs: Tip, new: Notes) -> Result<Notes, StoreError> {
        let mut notes = self.missing_from(theirs, new)?;
        for (annotated, lines) in &mut notes {
            lines.unite(&self.note(theirs, &commit_id(annotated))?);
        }
        Ok(notes)
    }

    /// Leaves out the lines that a tip has.
    pub(super) fn missing_from(&self, tip: Tip, mut lines: Notes) -> Result<Notes, StoreError> {
        for (annotated, lines) in &mut lines {
            *lines = lines.without(&self.note(tip, &commit_id(annotated))?);
        }
        lines.retain(|_, lines| !lines.is_empty());
        Ok(lines)
    }

    /// Lists the lines that a tip has and an older one has not.
    pub(crate) fn added(&self, old: Tip, new: Tip) -> Result<Notes, StoreError> {
        let mut added = Notes::new();
        for (annotated, note) in notes::changed(&self.repo, old.tree, new.tree)? {
            let lines =
                notes::read(&self.repo, &note.after)?.without(&notes::read(&self.repo, &note.before)?);
            if !lines.is_empty() {
                added.insert(annotated, lines);
            }
        }
        Ok(added)
    }

    /// Counts the lines that a tip has and an older one has not, but for notes that are too large to be read.
    pub(crate) fn gained(&self, old: Tip, new: Tip) -> Result<usize, StoreError> {
        let mut gained = 0;
        for note in notes::changed(&self.repo, old.tree, new.tree)?.into_values() {
            let read = notes::read(&self.repo, &note.before)
                .and_then(|before| Ok((before, notes::read(&self.repo, &note.after)?)));
            gained += match read {
                Ok((before, after)) => after.without(&before).len(),
                Err(error) if error.is_too_large() => 0,
                Err(error) => return Err(error),
            };
        }
        Ok(gained)
    }

    /// Returns whether a commit is the tip itself, or the one commit that a push would put on it.
    fn is_one_step_from(&self, tip: Tip, commit: Tip) -> bool {
        let parents: Vec<_> = tip.commit.iter().map(|id| commit_id(id)).collect();
        let known = commit.commit.and_then(|id| self.known(&commit_id(&id)));
        commit == tip || known.is_some_and(|commit| commit.lineage.parents == parents)
    }
}

/// Leaves out the lines that `other` has.
fn without(lines: &Notes, other: &Notes) -> Notes {
    let none = Lines::default();
    let left = lines.iter().map(|(id, lines)| (*id, lines.without(other.get(id).unwrap_or(&none))));
    left.filter(|(_, lines)| !lines.is_empty()).collect()
}
