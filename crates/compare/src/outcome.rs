use std::path::PathBuf;

use perf_model::{CommitId, Environment, Rebaseline, SeriesId};
use time::OffsetDateTime;

use crate::comparison::{Comparison, Judged};
use crate::confirm::Confirmation;
use crate::policy::{Budgets, Origin, Policy, Tier};
use crate::refusal::Refusal;
use crate::statistics::Doubt;

/// Everything one call of `perf compare` found out, ready to be rendered.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The side that is judged.
    pub head: Endpoint,
    /// The side that it is held against.
    pub base: Endpoint,
    /// Why that base.
    pub choice: BaseChoice,
    /// One section for each environment that the head was measured in; never empty.
    pub sections: Vec<Section>,
    /// What the reader must know beside the verdicts.
    pub notices: Vec<Notice>,
    /// What the verdicts were held against.
    pub policy: Policy,
    /// Whose policy that is.
    pub origin: Origin,
    /// What it takes to pass.
    pub demand: Demand,
    /// The first digits of the only fingerprint that was asked for; all environments of the head where not given.
    pub environment: Option<String>,
    /// Further comparisons of the same head, each with a fixed reference and without references of its own.
    pub references: Vec<Outcome>,
}

/// What it takes to pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Demand {
    /// That something was judged: a change must not make anything worse.
    #[default]
    Something,
    /// That nothing is missing: a release must not pass for lack of numbers.
    Everything,
}

/// Something that nobody judged.
#[derive(Clone, Debug, PartialEq)]
pub enum Gap {
    /// Environments of the head without a comparison.
    Refused(usize),
    /// Environments in which only the base was measured.
    OnlyBase(usize),
    /// Series that may fail and that only the base has, with the first of them.
    Missing(usize, SeriesId),
    /// Series that may fail and whose two sides do not compare.
    Unjudged(usize, SeriesId),
    /// Series that all could not be decided.
    Undecided(usize),
    /// Budgets that no series was held to.
    Budgets(usize),
}

/// One environment of an outcome.
#[derive(Clone, Debug)]
pub struct Section {
    /// The environment; `None` where the head was measured nowhere.
    pub environment: Option<Environment>,
    /// What became of the head's budgets, which hold whatever the base is.
    pub budgets: Budgets,
    /// What became of it.
    pub result: Result<Comparison, Refusal>,
}

/// One side of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub enum Endpoint {
    /// A commit.
    Commit {
        /// Its id.
        id: CommitId,
        /// The first line of its message, where the commit is here.
        subject: Option<String>,
    },
    /// A commit whose runs were saved to files, by whoever measured it.
    Saved {
        /// Its id.
        id: CommitId,
        /// The first line of its message.
        subject: String,
        /// Where the runs were read.
        files: Vec<PathBuf>,
    },
    /// Uncommitted changes on top of a commit.
    Worktree {
        /// The commit below the changes.
        on: CommitId,
    },
    /// No commit at all: there is no base.
    Nothing,
    /// A run saved to a file.
    File {
        /// Where.
        path: PathBuf,
        /// The commit that its runs were recorded for, where they say.
        commit: Option<CommitId>,
    },
}

/// Why the base is the base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaseChoice {
    /// The merge base of the head with a branch.
    MergeBase {
        /// The branch.
        branch: String,
    },
    /// The head's first parent, because the head is on the branch itself and so its own merge base.
    FirstParent {
        /// The branch.
        branch: String,
    },
    /// A revision that the caller named.
    Named {
        /// As the caller wrote it.
        revision: String,
    },
    /// The version tag that the base builds on; `None` where it builds on none.
    LastRelease {
        /// The tag.
        tag: Option<String>,
    },
    /// A file that the caller named.
    File,
}

/// Something the reader of a report must know beside the verdicts.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// The base itself has no baseline; its nearest first-parent ancestor with one stands in.
    AncestorServes {
        /// The commit that was asked for.
        asked: CommitId,
        /// The commit that serves.
        serves: CommitId,
        /// How many first-parent steps lie between them.
        distance: usize,
    },
    /// A commit has no baseline of its own; another commit with the very same tree stands in.
    SameTreeServes {
        /// The commit that was asked for.
        asked: CommitId,
        /// The commit that serves.
        serves: CommitId,
    },
    /// The base was measured in this environment, but the head was not: its series are in no census.
    OnlyBaseMeasured {
        /// The environment.
        environment: Box<Environment>,
        /// How many series the base has there.
        series: usize,
    },
    /// The base or an earlier baseline declares a new level: what was measured before it was not used.
    NewLevel {
        /// With which commit it begins.
        commit: CommitId,
        /// Who says so, and why.
        rebaseline: Rebaseline,
    },
    /// The head declares a new level, which does not keep it from being judged.
    HeadDeclaresNewLevel {
        /// Who says so, and why.
        rebaseline: Rebaseline,
    },
    /// Stored lines that could not be used.
    UnreadableLines {
        /// On which commit.
        commit: CommitId,
        /// How many.
        lines: usize,
    },
    /// An acceptance that nothing needs: misspelt, or no longer true.
    IdleAcceptance {
        /// Its number.
        entry: usize,
        /// How many series it is about, none of which became worse.
        series: usize,
    },
    /// An acceptance in the message of a commit that cannot be read, and does not hold.
    UnreadAcceptance {
        /// The commit.
        commit: CommitId,
        /// What it says.
        text: String,
        /// What is wrong with that.
        problem: String,
    },
    /// Not all commits between base and head could be read: what the others accept does not hold.
    AcceptancesOutOfReach,
    /// What warned or failed was measured again, in turns.
    MeasuredAgain(Confirmation),
    /// Series became worse beyond doubt although both sides ran the very same executables.
    WorseWithSameCode {
        /// How many.
        series: usize,
    },
    /// What warned or failed could not be measured again: the verdicts are those of the stored runs.
    NotMeasuredAgain {
        /// Why.
        refusal: Refusal,
    },
    /// Runs of a commit that somebody took back, so that they are not used.
    Withdrawn {
        /// The commit.
        commit: CommitId,
        /// How many.
        runs: usize,
        /// Who took the first of them back.
        by: String,
        /// When, as it was written.
        time: String,
        /// Why.
        reason: String,
    },
    /// The baseline used is older than the policy wants it.
    Old {
        /// The commit.
        commit: CommitId,
        /// When it was measured.
        measured: OffsetDateTime,
        /// How many days before the head that was.
        days: i64,
        /// How many days are fine.
        allowed: i64,
    },
    /// A new level was declared after the reference, so that drift is measured from there on.
    ReferenceMoved {
        /// The reference.
        asked: CommitId,
        /// The commit that was measured anew.
        serves: CommitId,
        /// Who declared it, and why.
        rebaseline: Rebaseline,
    },
    /// A rule that no series of either side matches.
    IdleRule {
        /// Its number, from 1.
        number: usize,
        /// Its glob for benchmarks.
        benchmark: Option<String>,
        /// Its glob for metrics.
        metric: Option<String>,
        /// Whether it is a budget.
        is_budget: bool,
    },
    /// The file holds no environment, so that the comparability of the two sides rests on the caller.
    NoEnvironment {
        /// The file.
        path: PathBuf,
    },
}

/// What an outcome means for the gate, from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Judged, nothing beyond a fail limit.
    Passed,
    /// Nothing could be judged, or not all that had to be.
    Refused,
    /// Judged, something beyond a fail limit.
    Failed,
}

impl Outcome {
    /// Returns the comparisons of all sections that were judged.
    pub fn comparisons(&self) -> impl Iterator<Item = &Comparison> {
        self.sections.iter().filter_map(|section| section.result.as_ref().ok())
    }

    /// Returns the refusals of all sections that were not.
    pub fn refusals(&self) -> impl Iterator<Item = &Refusal> {
        self.sections.iter().filter_map(|section| section.result.as_ref().err())
    }

    /// Says whether a series fails the gate because it could not be decided.
    pub fn fails_undecided(&self, row: &Judged) -> bool {
        // What was measured again and did not show is no failure, whatever else is.
        let confirmed = row.finding.doubt != Some(Doubt::NotConfirmed);
        confirmed && self.policy.fails_undecided(row.finding.verdict, row.tier) && !row.is_accepted()
    }

    /// Returns what the outcome means for the gate: the worst of its own status and those of its references.
    pub fn status(&self) -> Status {
        self.references.iter().map(Self::own_status).fold(self.own_status(), Status::max)
    }

    /// Lists what nobody judged.
    pub fn gaps(&self) -> Vec<Gap> {
        let gating = |series: &&SeriesId| self.policy.asked(series).tier() == Tier::Gating;
        let rows = || self.comparisons();
        let missing = || rows().flat_map(|it| &it.missing).map(|row| &row.series).filter(gating);
        let unjudged = || rows().flat_map(|it| &it.unjudged).map(|row| &row.series).filter(gating);
        let only_base =
            self.notices.iter().filter(|it| matches!(it, Notice::OnlyBaseMeasured { .. })).count();
        let idle = self.notices.iter().filter(|it| matches!(it, Notice::IdleRule { is_budget: true, .. }));
        let of_sections = |section: &Section| section.budgets.silent.len() + section.budgets.unchecked.len();
        let budgets = idle.count() + self.sections.iter().map(of_sections).sum::<usize>();
        let (judged, undecided) = rows().fold((0, 0), |(judged, undecided), it| {
            (judged + it.census.judged(), undecided + it.census.inconclusive)
        });
        let refused = self.refusals().count();
        [
            (refused > 0).then_some(Gap::Refused(refused)),
            (only_base > 0).then_some(Gap::OnlyBase(only_base)),
            missing().next().map(|first| Gap::Missing(missing().count(), first.clone())),
            unjudged().next().map(|first| Gap::Unjudged(unjudged().count(), first.clone())),
            (judged > 0 && judged == undecided).then_some(Gap::Undecided(judged)),
            (budgets > 0).then_some(Gap::Budgets(budgets)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Returns what the comparison with the base alone means, without those with the references.
    pub fn own_status(&self) -> Status {
        let fails = |comparison: &Comparison| {
            comparison.shift_fails()
                || comparison.judged.iter().any(|row| row.fails() || self.fails_undecided(row))
        };
        let over_budget = self.sections.iter().any(|section| section.budgets.failures() > 0);
        if over_budget || self.comparisons().any(fails) {
            Status::Failed
        } else if self.comparisons().next().is_none()
            || self.demand == Demand::Everything && !self.gaps().is_empty()
        {
            Status::Refused
        } else {
            Status::Passed
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::fixtures::repeated;
    use crate::{Inconclusive, Limits, Pair, compare};

    fn judged(series: u32, runs: u32, before: f64, after: f64) -> Section {
        let names: Vec<String> = (0..series).map(|number| number.to_string()).collect();
        let side = |level| {
            let series: Vec<_> = names.iter().map(|name| (name.as_str(), level)).collect();
            repeated(runs, &series)
        };
        let (before, after) = (side(before), side(after));
        let environment = Some(after.environment.clone());
        let pair = Pair::new(before, after, &BTreeSet::new()).unwrap();
        Section { environment, budgets: Budgets::default(), result: compare(pair, &[], &Policy::default()) }
    }

    fn refused() -> Section {
        Section {
            environment: None,
            budgets: Budgets::default(),
            result: Err(Refusal::NothingShared { base: 1, head: 1, likely: vec![] }),
        }
    }

    fn outcome(sections: Vec<Section>, inconclusive: Inconclusive) -> Outcome {
        let endpoint = Endpoint::File { path: "run.jsonl".into(), commit: None };
        Outcome {
            head: endpoint.clone(),
            base: endpoint,
            choice: BaseChoice::File,
            sections,
            notices: vec![],
            policy: Policy { inconclusive, ..Policy::default() },
            origin: Origin { source: crate::PolicySource::Here, changes: vec![], identity: vec![] },
            demand: Demand::Something,
            environment: None,
            references: vec![],
        }
    }

    #[test]
    fn the_status_is_that_of_the_worst_section_judged() {
        let good = || judged(8, 3, 10.0, 10.0);
        let bad = || judged(1, 3, 10.0, 20.0);
        let shifted = || judged(8, 3, 10.0, 20.0);
        let undecided = || judged(8, 1, 10.0, 10.5);
        for (case, sections, inconclusive, expected) in [
            ("all good", vec![good(), good()], Inconclusive::Pass, Status::Passed),
            ("one regressed", vec![good(), bad(), refused()], Inconclusive::Pass, Status::Failed),
            ("the whole suite shifted", vec![good(), shifted()], Inconclusive::Pass, Status::Failed),
            ("some refused", vec![refused(), good()], Inconclusive::Pass, Status::Passed),
            ("all refused", vec![refused(), refused()], Inconclusive::Pass, Status::Refused),
            ("undecided passes", vec![undecided()], Inconclusive::Pass, Status::Passed),
            ("undecided fails on request", vec![undecided()], Inconclusive::Fail, Status::Failed),
        ] {
            assert_eq!(outcome(sections, inconclusive).status(), expected, "{case}");
        }
    }

    #[test]
    fn the_worst_part_decides_and_a_release_needs_all_of_it() {
        let of = |sections| outcome(sections, Inconclusive::Pass);
        let good = || of(vec![judged(8, 3, 10.0, 10.0)]);
        let (bad, no) = (of(vec![judged(1, 3, 10.0, 20.0)]), of(vec![refused()]));
        for (references, expected) in [
            (vec![], Status::Passed),
            (vec![good()], Status::Passed),
            (vec![good(), no.clone()], Status::Refused),
            (vec![no.clone(), bad.clone()], Status::Failed),
        ] {
            assert_eq!(Outcome { references, ..good() }.status(), expected);
        }
        let half = || of(vec![judged(8, 3, 10.0, 10.0), refused()]);
        let release = |it: Outcome| Outcome { demand: Demand::Everything, ..it }.status();
        assert_eq!((half().status(), release(half())), (Status::Passed, Status::Refused));
        assert_eq!((release(good()), release(bad)), (Status::Passed, Status::Failed));
        let undecided = of(vec![judged(8, 1, 10.0, 10.5)]);
        assert_eq!((undecided.status(), release(undecided.clone())), (Status::Passed, Status::Refused));
        assert_eq!(undecided.gaps(), [Gap::Undecided(8)]);
    }

    proptest::proptest! {
        #[test]
        fn loosening_a_limit_never_turns_a_pass_into_a_failure(
            changes in proptest::collection::vec(0.7..1.8, 1..9),
            (warn, more, looser) in (0.0..0.4, 0.0..0.4, 0.0..0.5),
            runs in 1_u32..5,
        ) {
            let side = |changed: bool| {
                let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
                let level = |change: &f64| if changed { 100.0 * change } else { 100.0 };
                let series: Vec<_> =
                    names.iter().zip(&changes).map(|(name, change)| (*name, level(change))).collect();
                repeated(runs, &series)
            };
            let status = |limits| {
                let policy = Policy { limits, ..Policy::default() };
                let pair = Pair::new(side(false), side(true), &BTreeSet::new()).unwrap();
                let result = compare(pair, &[], &policy);
                let section = Section { environment: None, budgets: Budgets::default(), result };
                Outcome { policy, ..outcome(vec![section], Inconclusive::Pass) }.status()
            };
            let strict = Limits { warn, fail: warn + more };
            let loose = Limits { warn: strict.warn + looser, fail: strict.fail + looser };
            if status(strict) == Status::Passed {
                proptest::prop_assert_eq!(status(loose), Status::Passed);
            }
        }
    }
}
