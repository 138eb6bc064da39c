//! Finding baselines: of one commit, of one environment, of all.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::ControlFlow;

use gix::bstr::ByteSlice;
use perf_model::{Baseline, CommitId, Fingerprint, Run, RunId};

use crate::error::StoreError;
use crate::history::Commit;
use crate::journal::{Entry, Own};
use crate::line::{self, LineError};
use crate::lines::Lines;
use crate::notes::{self, Blobs, Tip};
use crate::record::by_commit;
use crate::refs;
use crate::repository::{Store, object_id};
use crate::retraction::{self, Retraction};

/// The baselines of one commit, and what could not be used.
#[derive(Debug, Default)]
pub struct Found {
    /// One for each environment, by fingerprint.
    pub baselines: Vec<Stored>,
    /// Lines that are no runs of this commit in this environment.
    pub unusable: Vec<Unusable>,
}

/// A baseline and the environment it is stored under.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The environment.
    pub fingerprint: Fingerprint,
    /// The runs.
    pub baseline: Baseline,
}

/// Lines in a note that are kept but not used: mostly one.
#[derive(Debug)]
pub struct Unusable {
    /// The environment that they are stored under.
    pub fingerprint: Fingerprint,
    /// How many lines.
    pub lines: usize,
    /// Why they are not used.
    pub reason: String,
    /// Who took it back, where that is why.
    pub withdrawal: Option<Withdrawal>,
}

/// Counts lines that are not used.
pub fn unusable_lines(unusable: &[Unusable]) -> usize {
    unusable.iter().map(|it| it.lines).sum()
}

/// That a run was taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// The run.
    pub run: RunId,
    /// Name and address of whoever did.
    pub by: String,
    /// When, as it was written.
    pub time: String,
    /// Why.
    pub reason: String,
}

/// One commit's baseline in one environment, as a log lists it.
#[derive(Clone, Debug)]
pub struct Logged {
    /// The commit.
    pub commit: CommitId,
    /// The environment.
    pub stored: Stored,
}

/// Baselines older than this many commits say nothing of today's noise.
const HISTORY: usize = 500;

/// Commits that have lines in one environment.
#[derive(Default)]
struct Measured {
    /// In the order in which they were come by.
    order: Vec<CommitId>,
    blobs: Blobs,
    own: Vec<Entry>,
}

/// One environment's notes and journal, as they are at one moment.
pub(crate) struct Shelf {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) tip: Tip,
    /// Why the notes ref is not used, where it is not.
    pub(crate) flaw: Option<String>,
    pub(crate) own: Own,
}

impl Store {
    /// Finds the baselines of a commit in every environment, in the notes and in the journal.
    pub fn find(&self, commit: &CommitId) -> Result<Found, StoreError> {
        let mut found = Found::default();
        for fingerprint in self.fingerprints()? {
            let shelf = self.shelf(fingerprint)?;
            found.unusable.extend(shelf.flaw());
            shelf.find(self, commit, &mut found)?;
        }
        Ok(found)
    }

    /// Finds the baseline of a commit in one environment.
    pub fn find_in(
        &self,
        fingerprint: &Fingerprint,
        commit: &CommitId,
    ) -> Result<Option<Baseline>, StoreError> {
        let mut found = Found::default();
        self.shelf(fingerprint.clone())?.find(self, commit, &mut found)?;
        Ok(found.baselines.pop().map(|stored| stored.baseline))
    }

    /// Finds a run of the same commit in the same environment that has the very same numbers.
    pub fn twin(&self, run: &Run) -> Result<Option<RunId>, StoreError> {
        let (fingerprint, commit) = (run.environment.fingerprint(), &run.lineage.commit);
        let numbers = line::numbers(run)?;
        let shelf = self.shelf(fingerprint.clone())?;
        let mut lines = self.note(shelf.tip, commit)?;
        by_commit(&shelf.own.of(commit)?)?.values().for_each(|own| lines.unite(own));
        // Decoding all runs of a commit would take longer than recording one.
        let twins = lines.iter().filter(|line| line.contains_str(&numbers));
        let mut twins = twins.filter_map(|line| check(line, &fingerprint, commit).ok());
        Ok(twins.find(|twin| twin.id != run.id).map(|twin| twin.id))
    }

    /// Lists the environments that have a notes ref or lines in the journal.
    pub fn fingerprints(&self) -> Result<Vec<Fingerprint>, StoreError> {
        let notes = refs::under(&self.repo, refs::NOTES)?.into_iter().map(|(fingerprint, _)| fingerprint);
        let all: BTreeSet<_> = notes.chain(self.journal().fingerprints()?).collect();
        Ok(all.into_iter().collect())
    }

    /// Lists every baseline of every environment, newest first, and what could not be used.
    pub fn log(&self) -> Result<(Vec<Logged>, Vec<Unusable>), StoreError> {
        let mut log = Vec::new();
        let mut unusable = Vec::new();
        self.each(|found| {
            unusable.extend(found.unusable);
            log.extend(found.baselines.into_iter().map(|stored| {
                let commit = stored.baseline.commit.clone();
                Logged { commit, stored }
            }));
            ControlFlow::Continue(())
        })?;
        log.sort_by_key(|logged| std::cmp::Reverse(logged.stored.baseline.measured()));
        Ok((log, unusable))
    }

    /// Returns the newest baselines of a commit's first-parent ancestors in one environment, oldest first.
    ///
    /// The commit itself is not among them. At most `limit`, from at most 500 ancestors.
    pub fn history(
        &self,
        commit: &CommitId,
        fingerprint: &Fingerprint,
        limit: usize,
    ) -> Result<Vec<Baseline>, StoreError> {
        let shelf = self.shelf(fingerprint.clone())?;
        let mut ancestors = self.first_parents(commit).skip(1).take(HISTORY);
        let mut newest_first = Vec::new();
        while newest_first.len() < limit {
            let measured = self.measured_among(&shelf, &mut ancestors, limit - newest_first.len())?;
            if measured.order.is_empty() {
                break;
            }
            let mut baselines = BTreeMap::new();
            // All at once: one after the other inflates the bases that they share again and again.
            let _ = self.each_note(
                (&shelf, measured.blobs),
                &measured.own,
                &|found| found,
                &mut |found: Found| {
                    let found = found.baselines.into_iter().map(|stored| stored.baseline);
                    baselines.extend(found.map(|baseline| (baseline.commit.clone(), baseline)));
                    ControlFlow::Continue(())
                },
            )?;
            newest_first.extend(measured.order.iter().filter_map(|commit| baselines.remove(commit)));
        }
        newest_first.reverse();
        Ok(newest_first)
    }

    /// Goes on along ancestors until so many have lines, readable or not.
    fn measured_among(
        &self,
        shelf: &Shelf,
        ancestors: &mut impl Iterator<Item = Commit>,
        wanted: usize,
    ) -> Result<Measured, StoreError> {
        let mut measured = Measured::default();
        for ancestor in ancestors {
            let (commit, id) = (&ancestor.lineage.commit, object_id(&ancestor.lineage.commit));
            let blobs = shelf.tip.tree.map_or(Ok(vec![]), |tree| notes::find(&self.repo, tree, &id))?;
            let own = shelf.own.of(commit)?;
            if blobs.is_empty() && own.is_empty() {
                continue;
            }
            measured.order.push(commit.clone());
            measured.blobs.insert(id, blobs);
            measured.own.extend(own);
            if measured.order.len() == wanted {
                break;
            }
        }
        Ok(measured)
    }

    /// Lists the commits, measured in any environment, whose id begins with these hex digits. They need not
    /// be in the repository any more.
    pub fn measured_with_prefix(&self, prefix: &str) -> Result<Vec<CommitId>, StoreError> {
        let mut all = BTreeSet::new();
        for fingerprint in self.fingerprints()? {
            all.extend(self.shelf(fingerprint)?.measured(self)?);
        }
        Ok(all.into_iter().filter(|commit| commit.as_str().starts_with(prefix)).collect())
    }

    /// Returns any environment's facts by its fingerprint, or by the first digits of one.
    pub fn environments_with_prefix(&self, prefix: &str) -> Result<Vec<Stored>, StoreError> {
        let mut environments = Vec::new();
        for fingerprint in self.fingerprints()?.into_iter().filter(|it| it.as_str().starts_with(prefix)) {
            let shelf = self.shelf(fingerprint)?;
            let mut found = Found::default();
            for commit in shelf.measured(self)? {
                shelf.find(self, &commit, &mut found)?;
                if let Some(stored) = found.baselines.pop() {
                    environments.push(stored);
                    break;
                }
            }
        }
        Ok(environments)
    }

    pub(crate) fn shelf(&self, fingerprint: Fingerprint) -> Result<Shelf, StoreError> {
        let (tip, flaw) = match self.notes_tip(&refs::notes(&fingerprint)) {
            Err(error @ StoreError::NotNotes { .. }) => (Tip::default(), Some(error.to_string())),
            other => (other?, None),
        };
        let own = self.journal().own(&fingerprint)?;
        Ok(Shelf { fingerprint, tip, flaw, own })
    }
}

/// Lines about one commit, by where they are from.
pub(crate) struct Sources<'a> {
    /// Those of its note.
    pub(crate) lines: Lines,
    /// Those among them that nobody vouches for.
    pub(crate) untrusted: Option<&'a Lines>,
    /// Those of the journal.
    pub(crate) own: Option<&'a Lines>,
}

impl Shelf {
    pub(crate) fn flaw(&self) -> Option<Unusable> {
        self.flaw.clone().map(|reason| self.unusable(reason))
    }

    pub(crate) fn unusable(&self, reason: String) -> Unusable {
        Unusable { fingerprint: self.fingerprint.clone(), lines: 1, reason, withdrawal: None }
    }

    fn measured(&self, store: &Store) -> Result<BTreeSet<CommitId>, StoreError> {
        let entries = store.journal().entries(&self.fingerprint)?;
        let mut commits: BTreeSet<_> = entries.into_iter().map(|entry| entry.commit).collect();
        commits.extend(store.annotated(self.tip)?);
        Ok(commits)
    }

    fn find(&self, store: &Store, commit: &CommitId, found: &mut Found) -> Result<(), StoreError> {
        let lines = match store.note(self.tip, commit) {
            Err(error) if error.is_too_large() => {
                found.unusable.push(self.unusable(format!("{commit}: {error}")));
                Lines::default()
            }
            other => other?,
        };
        let untrusted = store.untrusted(&self.fingerprint, self.tip)?;
        // The own lines of this clone need no signature.
        let own = by_commit(&self.own.of(commit)?)?;
        self.decode(
            commit,
            Sources { lines, untrusted: untrusted.get(&object_id(commit)), own: own.get(commit) },
            found,
        );
        Ok(())
    }

    /// Makes the baseline of one commit of the lines that there are about it.
    pub(crate) fn decode(&self, commit: &CommitId, sources: Sources, found: &mut Found) {
        let Sources { mut lines, untrusted, own } = sources;
        if let Some(untrusted) = untrusted {
            let all = lines.len();
            lines = lines.without(untrusted);
            let unsigned = all - lines.len();
            if unsigned > 0 {
                let what = if unsigned == 1 { "a line was".into() } else { format!("{unsigned} lines were") };
                let reason = format!("{commit}: {what} not signed by anybody whom git trusts");
                found.unusable.push(Unusable { lines: unsigned, ..self.unusable(reason) });
            }
        }
        if let Some(own) = own {
            lines.unite(own);
        }
        let runs = usable(&lines, &self.fingerprint, commit, &mut found.unusable);
        let fingerprint = self.fingerprint.clone();
        found.baselines.extend(Baseline::new(runs).map(|baseline| Stored { fingerprint, baseline }));
    }
}

/// So many unusable lines of a note are named one by one, and the others counted: there may be a million.
const NAMED: usize = 100;

/// Decodes the lines that are runs of this commit in this environment; the others are named.
fn usable(
    lines: &Lines,
    fingerprint: &Fingerprint,
    commit: &CommitId,
    unusable: &mut Vec<Unusable>,
) -> Vec<Run> {
    let (mut runs, mut ids): (Vec<Run>, _) = (Vec::new(), HashSet::new());
    let retracted = retraction::retracted(lines.iter(), commit);
    let of =
        |lines, reason, withdrawal| Unusable { fingerprint: fingerprint.clone(), lines, reason, withdrawal };
    let (mut named, mut more) = (0, 0);
    for line in lines.iter().filter(|line| !is_blank(line)) {
        if Retraction::read(line, commit).is_some() {
            continue;
        }
        let reason = match check(line, fingerprint, commit) {
            Ok(run) if retracted.contains_key(run.id.as_str()) => {
                let Retraction { by, time, reason, .. } = &retracted[run.id.as_str()];
                let short = &run.id.as_str()[..8];
                let (by, time, reason) = (by.clone(), time.clone(), reason.clone());
                let what = format!("{commit}: run {short} was retracted by {by} at {time}: {reason}");
                unusable.push(of(1, what, Some(Withdrawal { run: run.id, by, time, reason })));
                continue;
            }
            Ok(run) if ids.insert(run.id.clone()) => {
                runs.push(run);
                continue;
            }
            Ok(run) => format!("{commit}: two different lines are run {}", run.id.as_str()),
            Err(reason) => reason,
        };
        if named < NAMED {
            named += 1;
            unusable.push(of(1, reason, None));
        } else {
            more += 1;
        }
    }
    if more > 0 {
        unusable.push(of(more, format!("{commit}: {more} more lines cannot be used either"), None));
    }
    runs
}

/// An editor may leave blanks on an empty line; git calls such a line empty too.
pub(crate) fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

pub(crate) fn check(line: &[u8], fingerprint: &Fingerprint, commit: &CommitId) -> Result<Run, String> {
    let run = line::decode(line).map_err(|error| undecoded(commit, &error))?;
    belongs(&run, fingerprint, commit)?;
    Ok(run)
}

/// Says why a line of a commit's note is no run.
pub(crate) fn undecoded(commit: &CommitId, error: &LineError) -> String {
    format!("{commit}: a line {error}")
}

/// Checks that a run is of the commit and of the environment whose notes it is in.
pub(crate) fn belongs(run: &Run, fingerprint: &Fingerprint, commit: &CommitId) -> Result<(), String> {
    // Git copies notes along when it rewrites commits; a copy was never measured.
    if run.lineage.commit != *commit {
        return Err(format!("{commit}: a line was recorded for {}", run.lineage.commit));
    }
    if run.environment.fingerprint() != *fingerprint {
        return Err(format!("{commit}: a line belongs to environment {}", run.environment.fingerprint()));
    }
    Ok(())
}
