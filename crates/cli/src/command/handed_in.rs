//! Runs in files that another job handed in. Nobody vouches for them: a job that ran the code of a pull request may
//! have written them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use perf_model::{Baseline, CommitId, Fingerprint, Run};
use perf_store::{Commit, Store, Stored};

use crate::command::saved;
use crate::failure::{Failure, Result};
use crate::place::Place;

/// How many files are read: one for each environment, or for each round in it.
const MOST_FILES: usize = 64;

/// Runs that were handed in, all of one commit.
pub(crate) struct HandedIn {
    /// As the caller wrote them.
    pub(crate) files: Vec<PathBuf>,
    runs: Vec<Run>,
}

impl HandedIn {
    /// Reads the files; `None` where there are none. They must agree on the commit.
    pub(crate) fn read(files: &[PathBuf], place: &Place) -> Result<Option<Self>> {
        if files.len() > MOST_FILES {
            return Err(Failure::new(format!("--head-file: more than {MOST_FILES} files")));
        }
        let mut runs: Vec<Run> = vec![];
        for file in files {
            for run in saved::runs(&place.path(file))? {
                let first = runs.first().map(|first| &first.lineage.commit);
                match first.filter(|first| **first != run.lineage.commit) {
                    Some(first) => return Err(other_commit(file, &run.lineage.commit, first)),
                    None => add(&mut runs, run, file)?,
                }
            }
        }
        Ok((!runs.is_empty()).then(|| Self { files: files.to_vec(), runs }))
    }

    /// Makes baselines of the runs, one for each environment.
    ///
    /// The commit that they name must be here, must be the one expected, and must have the tree that they name: what
    /// is judged is what the repository says, not what the file says.
    pub(crate) fn head(&self, expected: Option<&str>, store: &Store) -> Result<(Commit, Vec<Stored>)> {
        let named = &self.runs[0].lineage.commit;
        let commit = store.resolve(expected.unwrap_or(named.as_str()))?;
        for run in &self.runs {
            if run.lineage.commit != commit.lineage.commit {
                return Err(other_commit(&self.files[0], &run.lineage.commit, &commit.lineage.commit));
            }
            if run.lineage.tree != commit.lineage.tree {
                let (run, commit) = (run.lineage.tree.short(), &commit.lineage);
                let (id, tree) = (commit.commit.short(), commit.tree.short());
                return Err(Failure::new(format!(
                    "{}: says that the tree of {id} is {run}, but it is {tree}",
                    self.files[0].display()
                )));
            }
        }
        let mut environments: BTreeMap<Fingerprint, Vec<Run>> = BTreeMap::new();
        for run in &self.runs {
            environments.entry(run.environment.fingerprint()).or_default().push(run.clone());
        }
        let stored = environments
            .into_iter()
            .filter_map(|(fingerprint, runs)| Some(Stored { fingerprint, baseline: Baseline::new(runs)? }));
        Ok((commit, stored.collect()))
    }
}

/// Adds a run, unless it is there already: artifacts of one job may overlap.
fn add(runs: &mut Vec<Run>, run: Run, file: &Path) -> Result<()> {
    match runs.iter().find(|other| other.id == run.id) {
        Some(other) if *other == run => {}
        Some(_) => {
            let id = &run.id.as_str()[..8];
            return Err(Failure::new(format!("{}: two different lines are run {id}", file.display())));
        }
        None => runs.push(run),
    }
    Ok(())
}

fn other_commit(file: &Path, found: &CommitId, expected: &CommitId) -> Failure {
    Failure::new(format!(
        "{}: was recorded for {}, not for {}",
        file.display(),
        found.short(),
        expected.short()
    ))
    .hint("measure the head itself, not what the CI service merges it into: `git switch --detach HEAD_SHA`")
}
