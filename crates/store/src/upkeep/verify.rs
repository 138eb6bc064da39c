//! Checking every line of every environment.

use std::collections::BTreeSet;

use gix::bstr::ByteSlice;
use perf_model::{CommitId, Fingerprint, Run};

use super::take_out::{Fate, Plan};
use crate::baselines::{self, is_blank};
use crate::error::{Doing, StoreError};
use crate::line::{self, LineError};
use crate::lines::Lines;
use crate::notes::{self, Tip};
use crate::refs;
use crate::repository::{Store, commit_id, object_id};
use crate::retraction::Retraction;
use crate::sync::SyncOptions;

/// What kind of thing is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// No reader of any version will ever use this line.
    Unreadable,
    /// Written by a newer `perf`; nothing is wrong with it.
    Future,
    /// The line does not say what the repository says about the commit.
    Contradicts,
    /// The measured commit is not in this repository (any more). Its baselines are.
    CommitGone,
    /// A ref, or a note as a whole, that holds no baselines.
    NotNotes,
    /// Entries beside the notes: files of another name, links, submodules, directories. They are left as they are.
    Foreign,
    /// Nobody whom git trusts signed for it.
    Unsigned,
}

impl FaultKind {
    /// Returns the kind as a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::Future => "future",
            Self::Contradicts => "contradicts",
            Self::CommitGone => "commit-gone",
            Self::NotNotes => "not-notes",
            Self::Foreign => "foreign",
            Self::Unsigned => "unsigned",
        }
    }

    /// Returns whether something has to be done about it.
    pub fn is_problem(self) -> bool {
        match self {
            Self::Unreadable | Self::Contradicts | Self::NotNotes | Self::Unsigned => true,
            Self::Future | Self::CommitGone | Self::Foreign => false,
        }
    }
}

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What kind of thing.
    pub kind: FaultKind,
    /// The ref.
    pub name: String,
    /// What is wrong, and with which commit.
    pub what: String,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// How many environments were looked at.
    pub environments: usize,
    /// How many commits have notes.
    pub commits: usize,
    /// How many lines there are.
    pub lines: usize,
    /// How many of them are runs that count.
    pub runs: usize,
    /// How many runs were retracted.
    pub retracted: usize,
    /// What is not as it should be.
    pub faults: Vec<Fault>,
}

/// One environment under check.
struct Checked<'a> {
    store: &'a Store,
    fingerprint: &'a Fingerprint,
    name: String,
    all: &'a mut Verified,
}

impl Store {
    /// Checks every line of every environment: whether it can be read, belongs where it is, and says what the
    /// repository says; and who signed, where that is required. What is in the journal is folded first.
    pub fn verify(&self) -> Result<Verified, StoreError> {
        // A lock in the way is reported by what cannot be done under it; reading can.
        let _ = self.fold();
        let mut all = Verified::default();
        self.strange_refs(&mut all)?;
        for fingerprint in self.fingerprints()? {
            all.environments += 1;
            let name = refs::notes(&fingerprint);
            Checked { store: self, fingerprint: &fingerprint, name, all: &mut all }.check()?;
        }
        Ok(all)
    }

    /// Moves unreadable lines to refs of their own, `refs/notes/perf-aside/<fingerprint>/<id>`, here and on the
    /// remote. Returns how many. Nothing is ever dropped.
    pub fn repair(&self, options: Option<&SyncOptions>) -> Result<usize, StoreError> {
        let moved = self.take_out(&|| self.unreadable(), Fate::SetAside, options)?;
        Ok(moved.values().flat_map(|notes| notes.values()).map(Lines::len).sum())
    }

    /// Finds the lines that no reader of any version will ever use.
    fn unreadable(&self) -> Result<Plan, StoreError> {
        let mut plan = Plan::new();
        for fingerprint in self.fingerprints()? {
            let Some(tip) = self.tip_if_notes(&refs::notes(&fingerprint))? else { continue };
            // A note that is too large to be read is too large to be mended.
            for note in self.readable_notes(tip)? {
                let (commit, lines) = note?;
                let bad = judge(&lines, &fingerprint, &commit).into_iter();
                let bad = bad.filter(|(_, judged)| matches!(judged, Err((FaultKind::Unreadable, _))));
                let bad: Vec<&[u8]> = bad.map(|(line, _)| line).collect();
                if !bad.is_empty() {
                    let moved = bad.into_iter().map(<[u8]>::to_vec).collect();
                    plan.entry(fingerprint.clone()).or_default().insert(object_id(&commit), moved);
                }
            }
        }
        Ok(plan)
    }

    /// Names refs beside the notes that are none.
    fn strange_refs(&self, all: &mut Verified) -> Result<(), StoreError> {
        let doing = || "refs cannot be listed".to_owned();
        let platform = self.repo.references().doing(doing)?;
        for reference in platform.prefixed("refs/notes/perf").doing(doing)? {
            let reference = reference.doing(doing)?;
            let name = reference.name().as_bstr().to_str_lossy().into_owned();
            let below = name.strip_prefix(refs::NOTES);
            let strange = match below {
                Some(below) => below.parse::<Fingerprint>().is_err(),
                None => name == refs::NOTES.trim_end_matches('/'),
            };
            if strange {
                let what = "is not named after an environment and is not used".to_owned();
                all.faults.push(Fault { kind: FaultKind::NotNotes, name, what });
            }
        }
        Ok(())
    }
}

impl Checked<'_> {
    fn check(&mut self) -> Result<(), StoreError> {
        let tip = match self.store.notes_tip(&self.name) {
            Ok(tip) => tip,
            Err(error) => {
                self.fault(FaultKind::NotNotes, error.to_string());
                return Ok(());
            }
        };
        let Some(tree) = tip.tree else { return Ok(()) };
        let (blobs, foreign) = match notes::list_and_count(&self.store.repo, tree) {
            Ok(listed) => listed,
            Err(error) => {
                self.fault(FaultKind::NotNotes, error.to_string());
                return Ok(());
            }
        };
        if foreign > 0 {
            let are = if foreign == 1 { "entry is no note" } else { "entries are no notes" };
            self.fault(FaultKind::Foreign, format!("{foreign} {are}; nothing is read of that, and it stays"));
        }
        for (id, blobs) in blobs {
            self.all.commits += 1;
            let commit = commit_id(&id);
            match notes::read(&self.store.repo, &blobs) {
                Ok(lines) => self.lines(&lines, &commit),
                Err(error) => self.fault(FaultKind::NotNotes, format!("{commit}: {error}")),
            }
        }
        self.signatures(tip)
    }

    fn lines(&mut self, lines: &Lines, commit: &CommitId) {
        let known = self.store.known(commit);
        if known.is_none() && !self.store.is_shallow().unwrap_or(true) {
            self.fault(FaultKind::CommitGone, format!("{commit}: is not in this repository"));
        }
        let retracted = crate::retraction::retracted(lines.iter(), commit);
        self.all.lines += lines.len();
        for (_, judged) in judge(lines, self.fingerprint, commit) {
            let run = match judged {
                Ok(Some(run)) => run,
                Ok(None) => continue,
                Err((kind, what)) => {
                    self.fault(kind, what);
                    continue;
                }
            };
            match retracted.contains_key(run.id.as_str()) {
                true => self.all.retracted += 1,
                false => self.all.runs += 1,
            }
            if let Some(known) = &known
                && (known.lineage.tree != run.lineage.tree
                    || !(run.lineage.parents.is_empty() || run.lineage.parents == known.lineage.parents))
            {
                let what = format!("{commit}: run {} names another tree or other parents", run.id.as_str());
                self.fault(FaultKind::Contradicts, what);
            }
        }
    }

    fn signatures(&mut self, tip: Tip) -> Result<(), StoreError> {
        if !self.store.requires_signatures() {
            return Ok(());
        }
        for (id, flaw) in self.store.unsigned_commits(self.fingerprint, tip)? {
            self.fault(FaultKind::Unsigned, format!("notes commit {id} {flaw}"));
        }
        Ok(())
    }

    fn fault(&mut self, kind: FaultKind, what: String) {
        self.all.faults.push(Fault { kind, name: self.name.clone(), what });
    }
}

/// A line, and the run that it is, if it is one; or what keeps it from being used.
type Judged<'a> = (&'a [u8], Result<Option<Run>, (FaultKind, String)>);

/// Judges each line that is not blank.
fn judge<'a>(lines: &'a Lines, fingerprint: &Fingerprint, commit: &CommitId) -> Vec<Judged<'a>> {
    let mut seen = BTreeSet::new();
    let mut judge = |line: &[u8]| {
        if Retraction::read(line, commit).is_some() {
            return Ok(None);
        }
        let unreadable = |reason| (FaultKind::Unreadable, reason);
        let run = line::decode(line).map_err(|error| {
            let kind =
                if matches!(error, LineError::Future(_)) { FaultKind::Future } else { FaultKind::Unreadable };
            (kind, baselines::undecoded(commit, &error))
        })?;
        baselines::belongs(&run, fingerprint, commit).map_err(unreadable)?;
        if !seen.insert(run.id.clone()) {
            return Err(unreadable(format!("{commit}: two different lines are run {}", run.id.as_str())));
        }
        Ok(Some(run))
    };
    lines.iter().filter(|line| !is_blank(line)).map(|line| (line, judge(line))).collect()
}
