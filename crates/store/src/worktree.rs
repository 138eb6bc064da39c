//! Runs of uncommitted changes: kept beside the work tree they were measured in, never under a commit's id.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use perf_model::{Baseline, Run};

use crate::baselines::Stored;
use crate::durable;
use crate::error::{At, StoreError};
use crate::lines::Lines;
use crate::repository::Store;
use crate::{git::Git, line};

impl Store {
    /// Adds a run of the uncommitted changes. Runs of an earlier state of the work tree are replaced.
    pub fn record_worktree(&self, run: &Run) -> Result<(), StoreError> {
        let line = line::encode(run)?;
        let _alone = self.lock("lock")?;
        let state = self.worktree_state()?;
        let mut lines = match self.read_slot()? {
            Some((recorded, lines)) if recorded == state => lines,
            Some(_) | None => Lines::default(),
        };
        lines.insert(line);
        let mut bytes = format!("{state}\n").into_bytes();
        bytes.extend(lines.to_note());
        durable::write(&self.worktree_slot(), &bytes)
    }

    /// Returns the runs of the work tree's present state, one baseline for each environment.
    pub fn worktree_baselines(&self) -> Result<Vec<Stored>, StoreError> {
        let Some((recorded, lines)) = self.read_slot()? else { return Ok(vec![]) };
        if !self.is_dirty()? || recorded != self.worktree_state()? {
            return Ok(vec![]);
        }
        let runs: Vec<Run> = lines.iter().filter_map(|line| line::decode(line).ok()).collect();
        let mut fingerprints: Vec<_> = runs.iter().map(|run| run.environment.fingerprint()).collect();
        fingerprints.sort();
        fingerprints.dedup();
        let stored = fingerprints.into_iter().filter_map(|fingerprint| {
            let mine = runs.iter().filter(|run| run.environment.fingerprint() == fingerprint).cloned();
            Baseline::new(mine.collect()).map(|baseline| Stored { fingerprint, baseline })
        });
        Ok(stored.collect())
    }

    fn read_slot(&self) -> Result<Option<(String, Lines)>, StoreError> {
        let path = self.worktree_slot();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).at(&path, "cannot be read"),
        };
        let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
        let state = String::from_utf8_lossy(&bytes[..end]).into_owned();
        Ok(Some((state, Lines::parse(&bytes[end..]))))
    }

    /// Each linked work tree has a slot of its own.
    fn worktree_slot(&self) -> PathBuf {
        self.repo.git_dir().join("perf-worktree.jsonl")
    }

    /// Names the content of the work tree: `HEAD` and a hash of all changes of tracked files against it.
    fn worktree_state(&self) -> Result<String, StoreError> {
        let head = self.resolve("HEAD")?.lineage.commit;
        let args = [
            "diff",
            "--no-ext-diff",
            "--no-textconv",
            "--no-color",
            "--binary",
            "--full-index",
            "HEAD",
            "--",
        ];
        let changes = Git::in_worktree(&self.repo).run(&args)?;
        Ok(format!("{head} {}", blake3::hash(&changes).to_hex()))
    }
}
