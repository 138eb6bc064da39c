use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use time::OffsetDateTime;

use crate::environment::{Environment, is_lower_hex};
use crate::series::{Measurement, SeriesId};

/// A full commit (or tree) id: 40 lower-case hex digits for SHA-1, 64 for SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(String);

/// A text that is no full object id.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a full object id is 40 or 64 lower-case hexadecimal digits")]
pub struct CommitIdError;

impl CommitId {
    /// Returns the hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the first 7 digits, as git shows ids to people.
    pub fn short(&self) -> &str {
        &self.0[..7]
    }
}

impl FromStr for CommitId {
    type Err = CommitIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid = matches!(text.len(), 40 | 64) && is_lower_hex(text);
        if valid { Ok(Self(text.to_owned())) } else { Err(CommitIdError) }
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names one run: 128 random bits, as 32 lower-case hex digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(String);

/// A text that is no run id.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a run id is 32 lower-case hexadecimal digits")]
pub struct RunIdError;

impl RunId {
    /// Returns the id that these 128 bits stand for.
    pub fn from_bits(bits: u128) -> Self {
        Self(format!("{bits:032x}"))
    }

    /// Returns the hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunId {
    type Err = RunIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid = text.len() == 32 && is_lower_hex(text);
        if valid { Ok(Self(text.to_owned())) } else { Err(RunIdError) }
    }
}

/// Where a commit stands: enough to find its neighbours and its twins without the commit object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lineage {
    /// The commit.
    pub commit: CommitId,
    /// Its tree: two commits with one tree hold the same code.
    pub tree: CommitId,
    /// Its parents, first parent first.
    pub parents: Vec<CommitId>,
}

/// Which output the measurements of a run were read from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    /// The reader's name, such as `criterion`.
    pub format: String,
    /// The tool that wrote the output, with its version where the output tells it.
    pub tool: String,
}

/// Everything that one execution of the suites read, at one commit, in one environment.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The run's name.
    pub id: RunId,
    /// The commit that was measured.
    pub lineage: Lineage,
    /// When it was measured, in UTC.
    pub time: OffsetDateTime,
    /// The version of `perf` that wrote the record.
    pub recorder: String,
    /// Where it was measured.
    pub environment: Environment,
    /// What the measurements were read from.
    pub sources: Vec<Source>,
    /// What was read.
    pub measurements: Vec<Measurement>,
    /// Its place among runs that were taken in turns; `None` for a run of its own.
    pub turn: Option<Turn>,
    /// That a new level begins with it, on purpose.
    pub rebaseline: Option<Rebaseline>,
}

/// The place of a run in a session that measured base and head in turns, on one machine.
///
/// Runs of one session and one round stand beside each other in time: they are a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The session that all its runs have in common.
    pub session: RunId,
    /// Which round, from 0.
    pub round: u32,
    /// Which run of the session, in the order of time, from 0.
    pub position: u32,
}

/// Who declared that the numbers of a run are what is to be expected from now on, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebaseline {
    /// Name and address, as in a git commit.
    pub by: String,
    /// Why, in words.
    pub reason: String,
}

/// All runs of one commit in one environment.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// The commit.
    pub commit: CommitId,
    /// The environment; its context is that of the newest run.
    pub environment: Environment,
    /// The runs, oldest first; never empty.
    pub runs: Vec<Run>,
}

impl Baseline {
    /// Gathers runs of one commit and one identity. `None` for no runs, or where they are not of one kind.
    pub fn new(mut runs: Vec<Run>) -> Option<Self> {
        runs.sort_by(|a, b| (a.time, &a.id).cmp(&(b.time, &b.id)));
        let newest = runs.last()?;
        let (commit, environment) = (newest.lineage.commit.clone(), newest.environment.clone());
        let fits = runs
            .iter()
            .all(|run| run.lineage.commit == commit && run.environment.identity == environment.identity);
        fits.then_some(Self { commit, environment, runs })
    }

    /// Returns the names of all series that any run measured.
    pub fn series(&self) -> BTreeSet<SeriesId> {
        self.runs.iter().flat_map(|run| &run.measurements).map(Measurement::series).collect()
    }

    /// Returns who declared that a new level begins here, where somebody did: the newest word counts.
    pub fn rebaseline(&self) -> Option<&Rebaseline> {
        self.runs.iter().rev().find_map(|run| run.rebaseline.as_ref())
    }

    /// Returns when the newest run was measured.
    pub fn measured(&self) -> OffsetDateTime {
        self.runs.last().expect("a baseline has runs").time
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use time::macros::datetime;

    use super::*;

    fn run(id: u128, commit: char, cores: &str, time: OffsetDateTime) -> Run {
        let id_of = |digit: char| digit.to_string().repeat(40).parse().expect("40 hex digits");
        Run {
            id: RunId::from_bits(id),
            lineage: Lineage { commit: id_of(commit), tree: id_of('0'), parents: vec![] },
            time,
            recorder: "test".into(),
            environment: Environment {
                identity: BTreeMap::from([("cores".into(), cores.into())]),
                context: BTreeMap::new(),
            },
            sources: vec![],
            measurements: vec![],
            turn: None,
            rebaseline: None,
        }
    }

    #[test]
    fn a_baseline_holds_runs_of_one_commit_and_one_identity() {
        let early = datetime!(2026-01-01 0:00 UTC);
        let late = datetime!(2026-01-02 0:00 UTC);
        let baseline = Baseline::new(vec![run(1, 'a', "4", late), run(2, 'a', "4", early)]).unwrap();
        assert_eq!(baseline.measured(), late);
        assert_eq!(baseline.runs[0].time, early);
        assert_eq!(Baseline::new(vec![]), None);
        assert_eq!(Baseline::new(vec![run(1, 'a', "4", early), run(2, 'b', "4", early)]), None);
        assert_eq!(Baseline::new(vec![run(1, 'a', "4", early), run(2, 'a', "8", early)]), None);
    }

    #[test]
    fn ids_have_one_form_only() {
        for bad in ["", "HEAD", "abc", &"A".repeat(40), &"a".repeat(41), "--upload-pack=x"] {
            assert_eq!(bad.parse::<CommitId>(), Err(CommitIdError), "{bad}");
            assert_eq!(bad.parse::<RunId>(), Err(RunIdError), "{bad}");
        }
        assert_eq!(RunId::from_bits(255).as_str().parse(), Ok(RunId::from_bits(255)));
    }
}
