//! Which of the stored runs are asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use perf_model::{Baseline, CommitId, Fingerprint, Measurement, Run};
use perf_store::{Found, Store, unusable_lines};
use time::OffsetDateTime;

use super::Args;
use crate::failure::{Failure, Result};

/// Baselines that fulfil every wish of the caller.
pub(super) struct Selection<'a> {
    pub(super) store: &'a Store,
    wishes: Wishes<'a>,
}

/// What the caller asks of each baseline.
struct Wishes<'a> {
    args: &'a Args,
    commit: Option<CommitId>,
    /// The newest baselines, where only these are asked for.
    newest: Option<BTreeSet<(Fingerprint, CommitId)>>,
}

impl<'a> Selection<'a> {
    pub(super) fn new(args: &'a Args, store: &'a Store) -> Result<Self> {
        let environments = store.fingerprints()?;
        if let Some(digits) = &args.environment
            && !environments.iter().any(|fingerprint| fingerprint.as_str().starts_with(digits))
        {
            return Err(Failure::new(format!("{digits}: no such environment was measured"))
                .hint("`perf store envs` lists those that were"));
        }
        let commit = args.rev.as_ref().map(|rev| super::super::commit(rev, store)).transpose()?;
        let mut selection = Self { store, wishes: Wishes { args, commit, newest: None } };
        if let Some(last) = args.last {
            selection.wishes.newest = Some(selection.newest(last)?);
        }
        Ok(selection)
    }

    /// Visits the baselines that are asked for, each with the runs and series that are; returns how many stored
    /// lines could not be used.
    pub(super) fn each(&self, mut visit: impl FnMut(Baseline) -> ControlFlow<()>) -> Result<usize> {
        let mut unusable = 0;
        self.store.each(|found| {
            unusable += unusable_lines(&found.unusable);
            for stored in found.baselines {
                if let Some(baseline) = self.wishes.narrowed(stored.baseline, &stored.fingerprint)
                    && visit(baseline).is_break()
                {
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        })?;
        Ok(unusable)
    }

    /// Visits the text of the same baselines, in the same order; it is made on all processors.
    pub(super) fn each_text(
        &self,
        text: impl Fn(&Baseline) -> String + Sync,
        mut visit: impl FnMut(&str) -> ControlFlow<()>,
    ) -> Result<usize> {
        let wishes = &self.wishes;
        let made = |found: Found| -> (usize, String) {
            let narrowed =
                found.baselines.into_iter().filter_map(|it| wishes.narrowed(it.baseline, &it.fingerprint));
            (unusable_lines(&found.unusable), narrowed.map(|baseline| text(&baseline)).collect())
        };
        let mut unusable = 0;
        self.store.each_as(&made, |(skipped, text)| {
            unusable += skipped;
            visit(&text)
        })?;
        Ok(unusable)
    }

    /// Finds the newest baselines of each environment.
    fn newest(&self, last: usize) -> Result<BTreeSet<(Fingerprint, CommitId)>> {
        let mut all: BTreeMap<Fingerprint, Vec<(OffsetDateTime, CommitId)>> = BTreeMap::new();
        self.each(|baseline| {
            let measured = (baseline.measured(), baseline.commit.clone());
            all.entry(baseline.environment.fingerprint()).or_default().push(measured);
            ControlFlow::Continue(())
        })?;
        let newest = all.into_iter().flat_map(|(fingerprint, mut measured)| {
            measured.sort_unstable_by(|one, other| other.cmp(one));
            measured.into_iter().take(last).map(move |(_, commit)| (fingerprint.clone(), commit))
        });
        Ok(newest.collect())
    }
}

impl Wishes<'_> {
    /// Returns what is asked for of a baseline, if anything is.
    fn narrowed(&self, mut baseline: Baseline, fingerprint: &Fingerprint) -> Option<Baseline> {
        let Args { environment, benchmark, metric, since, .. } = self.args;
        let asked = environment.as_ref().is_none_or(|digits| fingerprint.as_str().starts_with(digits))
            && self.commit.as_ref().is_none_or(|commit| *commit == baseline.commit)
            && self
                .newest
                .as_ref()
                .is_none_or(|newest| newest.contains(&(fingerprint.clone(), baseline.commit.clone())));
        if !asked {
            return None;
        }
        let is_asked = |it: &Measurement| {
            (benchmark.is_empty() || benchmark.contains(&it.benchmark))
                && (metric.is_empty() || metric.contains(&it.metric.name))
        };
        let keep = |run: &mut Run| {
            run.measurements.retain(is_asked);
            !run.measurements.is_empty() && since.is_none_or(|since| run.time >= since)
        };
        baseline.runs.retain_mut(keep);
        (!baseline.runs.is_empty()).then_some(baseline)
    }
}
