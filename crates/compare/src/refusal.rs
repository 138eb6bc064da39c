use std::collections::BTreeSet;

use perf_model::{CommitId, Environment, Facts};

use crate::comparison::Unjudged;
use crate::control::Shifted;
use crate::renames::LikelyRename;

/// Why there is nothing to judge. A value, not a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Refusal {
    /// Both sides were measured, but never in environments that may be compared.
    EnvironmentsDiffer {
        /// The ancestor whose environment it is, where the base itself was not measured.
        ancestor: Option<CommitId>,
        /// Where the base was measured.
        base: Box<Environment>,
        /// Where the head was measured.
        head: Box<Environment>,
    },
    /// No baseline exists for the base, nor for an ancestor near enough to stand in for it.
    BaseNotMeasured {
        /// The base commit.
        base: CommitId,
        /// How many first-parent ancestors were looked at.
        looked_back: usize,
    },
    /// The head and the branch it is to be merged into have no commit in common, as far as this clone knows.
    NoMergeBase {
        /// The branch.
        branch: String,
    },
    /// The head is the first commit of its branch: nothing lies before it.
    NothingBefore {
        /// The head commit.
        head: CommitId,
    },
    /// No run exists for the head.
    HeadNotMeasured {
        /// The head commit.
        head: CommitId,
    },
    /// Runs exist for the head, but somebody took them all back.
    HeadWithdrawn {
        /// The head commit.
        head: CommitId,
        /// Who.
        by: String,
        /// When, as it was written.
        time: String,
        /// Why.
        reason: String,
    },
    /// No version tag is among the base and its ancestors, as far as this clone knows.
    NoRelease {
        /// The base commit.
        base: CommitId,
    },
    /// Both sides were measured in one environment, but no series occurs on both.
    NothingShared {
        /// How many series the base has.
        base: usize,
        /// How many series the head has.
        head: usize,
        /// What may have been renamed.
        likely: Vec<LikelyRename>,
    },
    /// Series occur on both sides, but none of them could be judged.
    NothingJudged {
        /// The series that occur on both sides, by name, with what stands in the way.
        unjudged: Vec<Unjudged>,
    },
    /// Base and head were measured in turns, but so was the base against itself, and that showed a change: the
    /// session measured something else than the code.
    Inadmissible {
        /// How many rounds were measured.
        rounds: usize,
        /// What seemed to change.
        shifted: Vec<Shifted>,
    },
}

/// One identity fact in which two environments differ; `None` where a side does not have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactDifference {
    /// The fact's name.
    pub fact: String,
    /// Its value at the base.
    pub base: Option<String>,
    /// Its value at the head.
    pub head: Option<String>,
}

/// Lists the identity facts in which two environments differ, by name.
pub fn differences(base: &Facts, head: &Facts) -> Vec<FactDifference> {
    let facts: BTreeSet<&String> = base.keys().chain(head.keys()).collect();
    facts
        .into_iter()
        .filter(|fact| base.get(*fact) != head.get(*fact))
        .map(|fact| FactDifference {
            fact: fact.clone(),
            base: base.get(fact).cloned(),
            head: head.get(fact).cloned(),
        })
        .collect()
}
