use std::path::PathBuf;

use perf_model::{CommitId, Environment, Rebaseline};

use crate::comparison::{Comparison, Judged};
use crate::confirm::Confirmation;
use crate::policy::{Budgets, Policy};
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
    /// What warned or failed could not be measured again: the verdicts are those of the stored runs.
    NotMeasuredAgain {
        /// Why.
        refusal: Refusal,
    },
    /// The file holds no environment, so that the comparability of the two sides rests on the caller.
    NoEnvironment {
        /// The file.
        path: PathBuf,
    },
}

/// What an outcome means for the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Judged, nothing beyond a fail limit.
    Passed,
    /// Judged, something beyond a fail limit.
    Failed,
    /// Nothing could be judged.
    Refused,
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

    /// Returns what the outcome means for the gate.
    pub fn status(&self) -> Status {
        let fails = |comparison: &Comparison| {
            comparison.shift_fails()
                || comparison.judged.iter().any(|row| row.fails() || self.fails_undecided(row))
        };
        let over_budget = self.sections.iter().any(|section| section.budgets.failures() > 0);
        if over_budget || self.comparisons().any(fails) {
            Status::Failed
        } else if self.comparisons().next().is_some() {
            Status::Passed
        } else {
            Status::Refused
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::fixtures::repeated;
    use crate::{Inconclusive, Pair, compare};

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
}
