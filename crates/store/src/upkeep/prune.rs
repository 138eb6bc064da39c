//! Taking out baselines that are too old or too many.

use std::collections::{BTreeMap, BTreeSet};

use perf_model::{CommitId, Fingerprint};
use time::{Duration, OffsetDateTime};

use super::take_out::{Fate, Plan};
use crate::error::{Doing, StoreError};
use crate::line;
use crate::lines::Lines;
use crate::refs;
use crate::repository::{Store, commit_id, object_id};
use crate::retraction;
use crate::sync::SyncOptions;

/// Which baselines stay. Whatever one of these keeps, stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Those measured within this time; `None`: age alone keeps nothing.
    pub younger_than: Option<Duration>,
    /// The newest so many commits of each environment; `None`: number alone keeps nothing.
    pub newest: Option<usize>,
    /// Those of the newest first parents of this commit.
    pub first_parents: Option<(CommitId, usize)>,
}

/// What was taken out of one environment, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// How many commits lose their baseline.
    pub commits: usize,
    /// How many lines go.
    pub lines: usize,
    /// How many bytes they have.
    pub bytes: usize,
    /// How many commits keep theirs.
    pub kept: usize,
}

impl Store {
    /// Says what [`Store::prune`] would take out.
    pub fn plan_prune(&self, keep: &Keep) -> Result<BTreeMap<Fingerprint, Pruned>, StoreError> {
        let plan = self.too_many(keep)?;
        self.counted(&plan)
    }

    /// Takes out baselines, here and on the remote. Baselines of tagged commits always stay, and so do lines
    /// that cannot be read.
    ///
    /// # Errors
    ///
    /// [`StoreError::Shallow`] where first parents are to be kept and not all are here.
    pub fn prune(
        &self,
        keep: &Keep,
        options: Option<&SyncOptions>,
    ) -> Result<BTreeMap<Fingerprint, Pruned>, StoreError> {
        let plan = self.take_out(&|| self.too_many(keep), Fate::Dropped, options)?;
        self.counted(&plan)
    }

    fn counted(&self, plan: &Plan) -> Result<BTreeMap<Fingerprint, Pruned>, StoreError> {
        let mut all = BTreeMap::new();
        for (fingerprint, notes) in plan {
            let here = self.annotated(self.notes_tip(&refs::notes(fingerprint))?)?;
            let kept = here.iter().filter(|commit| !notes.contains_key(&object_id(commit))).count();
            let lines = || notes.values().flat_map(Lines::iter);
            let bytes = lines().map(|line| line.len() + 1).sum();
            let pruned = Pruned { commits: notes.len(), lines: lines().count(), bytes, kept };
            all.insert(fingerprint.clone(), pruned);
        }
        Ok(all)
    }

    fn too_many(&self, keep: &Keep) -> Result<Plan, StoreError> {
        if self.is_shallow()? && keep.first_parents.is_some() {
            return Err(StoreError::Shallow);
        }
        let mut stay = self.tagged()?;
        if let Some((tip, newest)) = &keep.first_parents {
            stay.extend(self.first_parents(tip).take(*newest).map(|commit| commit.lineage.commit));
        }
        let mut plan = Plan::new();
        for fingerprint in self.fingerprints()? {
            let Some(tip) = self.tip_if_notes(&refs::notes(&fingerprint))? else { continue };
            let mut measured = Vec::new();
            for note in self.readable_notes(tip)? {
                let (commit, lines) = note?;
                if let Some(newest) = newest_run(&lines) {
                    measured.push((newest, commit, lines));
                }
            }
            measured.sort_by(|one, other| (other.0, &other.1).cmp(&(one.0, &one.1)));
            for (place, (time, commit, lines)) in measured.into_iter().enumerate() {
                let young = keep.younger_than.is_some_and(|age| self.now - time < age);
                let new = keep.newest.is_some_and(|newest| place < newest);
                let gone = runs_of(&lines, &commit);
                if !(young || new || stay.contains(&commit) || gone.is_empty()) {
                    plan.entry(fingerprint.clone()).or_default().insert(object_id(&commit), gone);
                }
            }
        }
        Ok(plan)
    }

    /// Lists the commits that tags lead to.
    fn tagged(&self) -> Result<BTreeSet<CommitId>, StoreError> {
        let doing = || "tags cannot be listed".to_owned();
        let platform = self.repo.references().doing(doing)?;
        let tags = platform.tags().doing(doing)?.filter_map(Result::ok);
        Ok(tags.filter_map(|mut tag| tag.peel_to_id().ok().map(|id| commit_id(&id))).collect())
    }
}

fn newest_run(lines: &Lines) -> Option<OffsetDateTime> {
    lines.iter().filter_map(|line| line::decode(line).ok()).map(|run| run.time).max()
}

/// Returns the lines that are runs, and those that only take such runs back.
fn runs_of(lines: &Lines, commit: &CommitId) -> Lines {
    let runs = || lines.iter().filter_map(|line| Some((line, line::decode(line).ok()?)));
    let ids: Vec<String> = runs().map(|(_, run)| run.id.as_str().to_owned()).collect();
    let about_them = retraction::only_of(lines, commit, &ids);
    runs().map(|(line, _)| line.to_vec()).chain(about_them).collect()
}
