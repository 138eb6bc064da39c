//! Whether the work tree is what was committed.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use gix::bstr::BStr;
use gix::filter::Pipeline;
use gix::filter::plumbing::pipeline::convert::ToGitOutcome;
use gix::index::entry::{Flags, Mode, Stage, Stat};
use gix::status::plumbing::SymlinkCheck;

use crate::error::{Doing, StoreError};
use crate::repository::Store;

/// Starting threads takes longer than looking at this many files.
const FEW: usize = 1_000;

impl Store {
    /// Returns whether tracked files differ from `HEAD`. Untracked files do not count: benchmark output is
    /// often among them.
    pub fn is_dirty(&self) -> Result<bool, StoreError> {
        if self.repo.workdir().is_none() {
            return Ok(false);
        }
        if is_clean_at_a_look(&self.repo).unwrap_or_default() {
            return Ok(false);
        }
        self.repo.is_dirty().doing(|| "cannot tell whether the work tree has changes".into())
    }
}

/// Looks at a few files one after the other. Whatever is not plainly clean is for a full look to decide.
fn is_clean_at_a_look(repo: &gix::Repository) -> gix::Result<bool> {
    let (Some(top), index) = (repo.workdir(), repo.index_or_empty()?) else { return Ok(false) };
    if index.entries().len() > FEW || is_staged(repo, &index)? {
        return Ok(false);
    }
    let (options, capabilities) = (repo.stat_options()?, repo.filesystem_options()?);
    let unusual = Flags::ASSUME_VALID | Flags::SKIP_WORKTREE | Flags::INTENT_TO_ADD;
    let mut places = SymlinkCheck::new(top.to_owned());
    let mut pipeline = None;
    for entry in index.entries() {
        let is_usual = !entry.flags.intersects(unusual) && entry.stage() == Stage::Unconflicted;
        if !is_usual || !matches!(entry.mode, Mode::FILE | Mode::FILE_EXECUTABLE) {
            return Ok(false);
        }
        let name = entry.path(&index);
        let Ok(path) = places.verified_path(name) else { return Ok(false) };
        let Ok(found) = gix::index::fs::Metadata::from_path_no_follow(path) else { return Ok(false) };
        let (symlinks, executables) = (capabilities.symlink, capabilities.executable_bit);
        if entry.mode.change_to_match_fs(&found, symlinks, executables).is_some() {
            return Ok(false);
        }
        let is_known = Stat::from_fs(&found).is_ok_and(|found| entry.stat.matches(&found, options));
        if is_known && !entry.stat.is_racy(index.timestamp(), options) {
            continue;
        }
        let pipeline = match &mut pipeline {
            Some(pipeline) => pipeline,
            none => none.insert(repo.filter_pipeline(None)?.0),
        };
        if content(repo, pipeline, (path, name), &index)? != entry.id {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns whether the index differs from the tree of `HEAD`.
fn is_staged(repo: &gix::Repository, index: &gix::index::File) -> gix::Result<bool> {
    let tree = repo.index_from_tree(&repo.head_tree_id_or_empty()?)?;
    let same = |(one, other): (&gix::index::Entry, &gix::index::Entry)| {
        (one.id, one.mode, one.path(&tree)) == (other.id, other.mode, other.path(index))
    };
    Ok(tree.entries().len() != index.entries().len() || !tree.entries().iter().zip(index.entries()).all(same))
}

/// Returns the id that a file would have as it is now.
fn content(
    repo: &gix::Repository,
    pipeline: &mut Pipeline<'_>,
    (path, name): (&Path, &BStr),
    index: &gix::index::State,
) -> gix::Result<gix::ObjectId> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(gix::Error::from_error)?;
    match pipeline.convert_to_git(file, &gix::path::from_bstr(name)?, index)? {
        ToGitOutcome::Unchanged(mut file) => file.read_to_end(&mut bytes),
        ToGitOutcome::Process(mut process) => process.read_to_end(&mut bytes),
        ToGitOutcome::Buffer(mut buffer) => buffer.read_to_end(&mut bytes),
    }
    .map_err(gix::Error::from_error)?;
    gix::objs::compute_hash(repo.object_hash(), gix::objs::Kind::Blob, &bytes).map_err(gix::Error::from_error)
}
