//! Finds the baseline to hold each environment of the head against, and judges the pair.

use std::collections::BTreeSet;

use perf_compare::statistics::Judge;
use perf_compare::{
    Budgets, Notice, Pair, Policy, Refusal, Section, aged, budgets, compare, differences, idle_rules,
    new_level,
};
use perf_model::{Baseline, CommitId, SeriesId};
use perf_store::{Commit, Store, Stored};

use super::sides::{Head, unusable};
use crate::failure::Result;

/// How many earlier baselines are asked about the noise: more say little of the machine of today.
pub(super) const HISTORY: usize = 20;

/// So many commits with the base's tree are tried, the last measured first.
const TWINS: usize = 20;

/// Looks for a base to every environment of the head.
#[derive(Clone, Copy)]
pub(super) struct Search<'a> {
    /// Where to look.
    pub(super) store: &'a Store,
    /// The base commit.
    pub(super) base: &'a CommitId,
    /// The head's base, where this one is a reference beside it.
    pub(super) until: Option<&'a CommitId>,
    /// The head.
    pub(super) head: &'a Head,
    /// How far back from the base a baseline may lie.
    pub(super) max_lag: usize,
    /// Facts in which the two sides may differ.
    pub(super) across: &'a BTreeSet<String>,
    /// What verdicts are held against.
    pub(super) policy: &'a Policy,
}

/// What was found for every environment of the head.
#[derive(Default)]
pub(super) struct Sections {
    pub(super) sections: Vec<Section>,
    pub(super) notices: Vec<Notice>,
}

impl Sections {
    /// Adds notices, each once: environments often agree.
    fn note(&mut self, notices: impl IntoIterator<Item = Notice>) {
        for notice in notices {
            if !self.notices.contains(&notice) {
                self.notices.push(notice);
            }
        }
    }

    /// Returns the one section of a head that nothing can be compared with.
    pub(super) fn refused(refusal: Refusal) -> Self {
        let section = Section { environment: None, budgets: Budgets::default(), result: Err(refusal) };
        Self { sections: vec![section], notices: vec![] }
    }

    /// Returns whether every environment found its base.
    pub(super) fn complete(&self) -> bool {
        self.sections.iter().all(|section| {
            !matches!(
                section.result,
                Err(Refusal::BaseNotMeasured { .. }
                    | Refusal::HeadNotMeasured { .. }
                    | Refusal::HeadWithdrawn { .. }
                    | Refusal::EnvironmentsDiffer { .. })
            )
        })
    }
}

impl Search<'_> {
    /// Judges every environment of the head, or says why that one cannot be.
    pub(super) fn run(&self) -> Result<Sections> {
        let at_base = self.store.find(self.base)?;
        let mut found = Sections::default();
        found.notices.extend(unusable(self.base, &at_base.unusable));
        found.notices.extend(self.head.unusable().into_iter().filter(|_| self.until.is_none()));
        let at_base = at_base.baselines;
        if self.head.baselines.is_empty() {
            found.sections.extend(Sections::refused(self.head.refusal()).sections);
            return Ok(found);
        }
        let mut series: BTreeSet<SeriesId> =
            at_base.iter().flat_map(|stored| stored.baseline.series()).collect();
        for Stored { baseline, .. } in &self.head.baselines {
            let section = self.section(baseline, &at_base, &mut found)?;
            series.extend(baseline.series());
            let pair = section.result.as_ref().map(|comparison| &comparison.pair);
            series.extend(pair.iter().flat_map(|pair| pair.before().series()));
            found.sections.push(section);
        }
        if self.until.is_none() {
            found.notices.extend(idle_rules(self.policy, &series));
        }
        if found.sections.iter().any(|section| section.result.is_ok()) {
            found.notices.extend(self.only_at_base(&at_base));
        }
        Ok(found)
    }

    /// Judges one environment of the head.
    fn section(&self, head: &Baseline, at_base: &[Stored], found: &mut Sections) -> Result<Section> {
        let pair = match self.moved_reference(head)? {
            None => self.base_for(head, at_base, &mut found.notices)?,
            Some((level, notice)) => {
                found.notices.push(notice);
                let search = Search { base: &level, until: None, ..*self };
                search.base_for(head, &self.store.find(&level)?.baselines, &mut found.notices)?
            }
        };
        let result = match pair {
            Ok(pair) => {
                let history = self.history(pair.before())?;
                found.note(aged(&pair, self.policy));
                if self.until.is_none() {
                    found.note(new_levels(&pair, &history));
                }
                compare(pair, &history, self.policy)
            }
            Err(refusal) => Err(refusal),
        };
        // Budgets hold whatever the base is: they are held once.
        let mut budgets = match self.until {
            None => budgets(head, self.policy),
            Some(_) => Budgets::default(),
        };
        if let Ok(comparison) = &result {
            budgets = budgets.without(&comparison.missing, self.policy);
        }
        Ok(Section { environment: Some(head.environment.clone()), budgets, result })
    }

    /// Finds the newest commit after a reference, up to the head's base, at which a new level was declared on purpose.
    fn moved_reference(&self, head: &Baseline) -> Result<Option<(CommitId, Notice)>> {
        let Some(newest) = self.until else { return Ok(None) };
        let fingerprint = head.environment.fingerprint();
        let mut line = self.store.history(newest, &fingerprint, usize::MAX)?;
        line.extend(self.store.find_in(&fingerprint, newest)?);
        let declared = line.iter().rev().find_map(|baseline| {
            let declared = baseline.runs.iter().rev().find_map(|run| run.rebaseline.as_ref())?;
            Some((baseline.commit.clone(), declared))
        });
        let Some((commit, rebaseline)) = declared else { return Ok(None) };
        // What was declared before the reference is in its level.
        if self.store.merge_base(&commit, self.base)?.as_ref() == Some(&commit) {
            return Ok(None);
        }
        let (asked, serves, rebaseline) = (self.base.clone(), commit.clone(), rebaseline.clone());
        let notice = Notice::ReferenceMoved { asked, serves, rebaseline };
        Ok(Some((commit, notice)))
    }

    /// Names the environments of the base that the head was not measured in: they are in no census.
    fn only_at_base(&self, at_base: &[Stored]) -> Vec<Notice> {
        if self.head.is_narrowed() {
            return vec![];
        }
        let of_head =
            |base: &&Stored| self.head.baselines.iter().any(|head| head.fingerprint == base.fingerprint);
        let only = at_base.iter().filter(|base| !of_head(base));
        only.map(|base| Notice::OnlyBaseMeasured {
            environment: Box::new(base.baseline.environment.clone()),
            series: base.baseline.series().len(),
        })
        .collect()
    }

    /// Finds the baseline to hold one baseline of the head against: at the base, else at an ancestor.
    fn base_for(
        &self,
        head: &Baseline,
        at_base: &[Stored],
        notices: &mut Vec<Notice>,
    ) -> Result<std::result::Result<Pair, Refusal>> {
        if let Some(pair) = self.pair(head, at_base) {
            return Ok(Ok(pair));
        }
        let line: Vec<Commit> = self.store.first_parents(self.base).take(self.max_lag + 1).collect();
        let Some((pair, notice)) = self.stand_in(head, &line)? else {
            return Ok(Err(self.refusal(head, at_base, &line)?));
        };
        if !notices.contains(&notice) {
            notices.push(notice);
        }
        Ok(Ok(pair))
    }

    /// Finds what stands in for the first commit of this line: the same code, else the nearest ancestor.
    fn stand_in(&self, head: &Baseline, line: &[Commit]) -> Result<Option<(Pair, Notice)>> {
        let Some(tree) = line.first().map(|base| &base.lineage.tree) else { return Ok(None) };
        let asked = || self.base.clone();
        let mut nearest = None;
        for (distance, ancestor) in line.iter().enumerate().skip(1) {
            let serves = ancestor.lineage.commit.clone();
            let Some(pair) = self.pair(head, &self.store.find(&serves)?.baselines) else { continue };
            if ancestor.lineage.tree == *tree {
                return Ok(Some((pair, Notice::SameTreeServes { asked: asked(), serves })));
            }
            nearest = Some((pair, Notice::AncestorServes { asked: asked(), serves, distance }));
            break;
        }
        // A squash, a rebase or a revert: the same code was measured under another commit, on whatever branch.
        let fingerprint = head.environment.fingerprint();
        let twins = self.store.measured_with_tree(&fingerprint, tree)?;
        for serves in twins.into_iter().filter(|twin| twin != self.head.commit()).take(TWINS) {
            if let Some(pair) = self.pair(head, &self.store.find(&serves)?.baselines) {
                return Ok(Some((pair, Notice::SameTreeServes { asked: asked(), serves })));
            }
        }
        Ok(nearest)
    }

    /// Returns what the base's environment measured before, which tells its noise.
    fn history(&self, base: &Baseline) -> Result<Vec<Baseline>> {
        if self.policy.judge == Judge::Limits {
            return Ok(vec![]);
        }
        Ok(self.store.history(&base.commit, &base.environment.fingerprint(), HISTORY)?)
    }

    fn pair(&self, head: &Baseline, bases: &[Stored]) -> Option<Pair> {
        let pairs =
            bases.iter().filter_map(|base| Pair::new(base.baseline.clone(), head.clone(), self.across).ok());
        pairs.min_by_key(|pair| pair.across().len())
    }

    /// Says why nothing on this line of first parents serves: what was measured nearest the base, if anything was, was
    /// measured elsewhere.
    fn refusal(&self, head: &Baseline, at_base: &[Stored], line: &[Commit]) -> Result<Refusal> {
        let distance = |base: &&Stored| {
            differences(&base.baseline.environment.identity, &head.environment.identity).len()
        };
        let elsewhere = |ancestor: Option<CommitId>, measured: &[Stored]| {
            let nearest = measured.iter().min_by_key(distance)?;
            let base = Box::new(nearest.baseline.environment.clone());
            Some(Refusal::EnvironmentsDiffer { ancestor, base, head: Box::new(head.environment.clone()) })
        };
        if let Some(refusal) = elsewhere(None, at_base) {
            return Ok(refusal);
        }
        for commit in line.iter().skip(1).map(|commit| &commit.lineage.commit) {
            if let Some(refusal) = elsewhere(Some(commit.clone()), &self.store.find(commit)?.baselines) {
                return Ok(refusal);
            }
        }
        let looked_back = line.len().saturating_sub(1);
        Ok(Refusal::BaseNotMeasured { base: self.base.clone(), looked_back })
    }
}

/// Says who declared a new level on either side of a pair.
fn new_levels(pair: &Pair, history: &[Baseline]) -> Vec<Notice> {
    let before = new_level(pair.before(), history).and_then(|began| {
        let rebaseline = began.rebaseline()?.clone();
        Some(Notice::NewLevel { commit: began.commit.clone(), rebaseline })
    });
    let head = pair.after().rebaseline().cloned();
    let head = head.map(|rebaseline| Notice::HeadDeclaresNewLevel { rebaseline });
    before.into_iter().chain(head).collect()
}
