//! Trees of notes: an annotated object's id, cut into directories, leads to a blob.
//!
//! Git chooses how deep the directories go by how many notes there are, and reads any depth. So does this
//! module. Where several paths spell one id git shows all their blobs; here they are united.

use std::cell::Cell;
use std::collections::BTreeMap;

use gix::objs::FindExt;
use gix::objs::tree::EntryKind;
use gix::{ObjectId, oid};
use perf_model::CommitId;

use crate::error::{Doing, StoreError, is_of_system};
use crate::lines::Lines;
use crate::loose;
use crate::refs;
use crate::repository::{Store, commit_id, object_id};

/// A note above this size is not read, so that a hostile one cannot fill the memory; nor is it ever rewritten.
pub(crate) const MAX_NOTE: u64 = 1 << 28;

/// Nor is one of more lines: each takes memory of its own, whatever its length.
pub(crate) const MAX_LINES: usize = 1_000_000;

/// More notes than any repository has commits worth measuring; a tree that claims more is a bomb.
const MAX_NOTES: usize = 1_000_000;

/// Twice the directories that so many notes are spread over; one directory may stand in a tree many times.
const MAX_DIRECTORIES: usize = 150_000;

/// Directories that may lead to one note: more than one only where their names are spelled in several ways.
const MAX_SPELLINGS: usize = 4_096;

/// The note blobs of annotated objects.
pub(crate) type Blobs = BTreeMap<ObjectId, Vec<ObjectId>>;

/// A notes ref's newest commit and its tree; neither where the ref does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tip {
    pub(crate) commit: Option<ObjectId>,
    pub(crate) tree: Option<ObjectId>,
}

/// The blobs of one note in two trees.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    pub(crate) before: Vec<ObjectId>,
    pub(crate) after: Vec<ObjectId>,
}

/// Returns the tree that a notes ref's tip holds.
///
/// # Errors
///
/// [`StoreError::NotNotes`] where the tip is no commit: anybody may push such a ref.
pub(crate) fn tree(repo: &gix::Repository, name: &str, tip: ObjectId) -> Result<ObjectId, StoreError> {
    let not_notes = |error: gix::Error| match is_of_system(&error) {
        // A disk that fails says nothing about what is on it.
        true => StoreError::Repository { action: format!("{name}: cannot be read"), source: Box::new(error) },
        false => StoreError::NotNotes { name: name.to_owned() },
    };
    let commit = repo.find_commit(tip).map_err(not_notes)?;
    Ok(commit.tree_id().map_err(not_notes)?.detach())
}

/// Returns `None` for a ref that holds no notes, which is no error where refs of any kind are gone through.
pub(crate) fn if_notes(tip: Result<Tip, StoreError>) -> Result<Option<Tip>, StoreError> {
    match tip {
        Err(StoreError::NotNotes { .. }) => Ok(None),
        other => other.map(Some),
    }
}

/// Returns the blobs that are the note of `annotated`: none, one, or several where trees were mixed.
pub(crate) fn find(
    repo: &gix::Repository,
    tree: ObjectId,
    annotated: &oid,
) -> Result<Vec<ObjectId>, StoreError> {
    let hex = annotated.to_hex().to_string();
    let mut found = Vec::new();
    let mut level = vec![(tree, 0)];
    let mut buffer = Vec::new();
    let budget = Budget::of(MAX_SPELLINGS);
    while let Some((tree, depth)) = level.pop() {
        budget.spend(tree)?;
        let (directory, leaf) = (&hex[depth..(depth + 2).min(hex.len())], &hex[depth..]);
        for entry in repo.objects.find_tree_iter(&tree, &mut buffer).doing(|| unreadable(tree))? {
            let entry = entry.doing(|| unreadable(tree))?;
            if entry.mode.is_blob() && entry.filename.eq_ignore_ascii_case(leaf.as_bytes()) {
                found.push(entry.oid.to_owned());
            } else if entry.mode.is_tree() && entry.filename.eq_ignore_ascii_case(directory.as_bytes()) {
                level.push((entry.oid.to_owned(), depth + 2));
            }
        }
    }
    Ok(found)
}

/// Lists all notes of a tree. Entries that are no notes (other files, links, submodules) are passed over.
pub(crate) fn list(repo: &gix::Repository, tree: ObjectId) -> Result<Blobs, StoreError> {
    Ok(list_and_count(repo, tree)?.0)
}

/// Lists all notes of a tree and counts its entries that are no notes.
pub(crate) fn list_and_count(repo: &gix::Repository, tree: ObjectId) -> Result<(Blobs, usize), StoreError> {
    let (mut all, budget) = (Blobs::new(), Budget::of(MAX_DIRECTORIES));
    gather((repo, &budget), tree, "", &mut all)?;
    Ok((all, budget.foreign.get()))
}

/// Lists the notes that differ between two trees, as blobs before and after. Equal subtrees are not read.
pub(crate) fn changed(
    repo: &gix::Repository,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
) -> Result<BTreeMap<ObjectId, Changed>, StoreError> {
    let (mut before, mut after) = (Blobs::new(), Blobs::new());
    differ((repo, &Budget::of(MAX_DIRECTORIES)), (old, new), "", (&mut before, &mut after))?;
    let mut changed: BTreeMap<_, Changed> = BTreeMap::new();
    for (annotated, blobs) in before {
        changed.entry(annotated).or_default().before = blobs;
    }
    for (annotated, blobs) in after {
        changed.entry(annotated).or_default().after = blobs;
    }
    changed.retain(|_, note| note.before != note.after);
    Ok(changed)
}

/// Reads blobs of one note as one set of lines.
///
/// # Errors
///
/// [`StoreError::NoteTooLarge`], [`StoreError::TooManyLines`]: what was not read must not be taken for nothing.
pub(crate) fn read(repo: &gix::Repository, blobs: &[ObjectId]) -> Result<Lines, StoreError> {
    read_up_to(MAX_NOTE, repo, blobs)
}

fn read_up_to(limit: u64, repo: &gix::Repository, blobs: &[ObjectId]) -> Result<Lines, StoreError> {
    let mut lines = Lines::default();
    for blob in blobs {
        let size = repo.find_header(*blob).doing(|| unreadable(*blob))?.size();
        if size > limit {
            return Err(StoreError::NoteTooLarge { note: blob.to_string(), size });
        }
        let data = &repo.find_blob(*blob).doing(|| unreadable(*blob))?.data;
        lines.unite_owned(Lines::parse_up_to(MAX_LINES, data).map_err(|lines| {
            let note = blob.to_string();
            StoreError::TooManyLines { note, lines }
        })?);
    }
    Ok(lines)
}

/// So many notes are made in memory before they are written.
const HELD: usize = 64;

/// Returns the tree in which the note of each object holds the lines given, and all else is as it was. Without
/// lines there is no note.
pub(crate) fn write(
    repo: &gix::Repository,
    tree: ObjectId,
    notes: &BTreeMap<ObjectId, Lines>,
) -> Result<ObjectId, StoreError> {
    if notes.len() > HELD {
        return made(repo, tree, notes);
    }
    let held = repo.clone().with_object_memory();
    let root = made(&held, tree, notes)?;
    loose::write(repo, root, held.objects.reset_object_memory().unwrap_or_default())?;
    Ok(root)
}

fn made(
    repo: &gix::Repository,
    tree: ObjectId,
    notes: &BTreeMap<ObjectId, Lines>,
) -> Result<ObjectId, StoreError> {
    let doing = || "notes cannot be written".to_owned();
    let blob = |lines: &Lines| -> Result<Option<ObjectId>, StoreError> {
        if lines.is_empty() {
            return Ok(None);
        }
        Ok(Some(repo.write_blob(lines.to_note()).doing(doing)?.detach()))
    };
    let blobs: Vec<(ObjectId, Option<ObjectId>)> = notes
        .iter()
        .map(|(annotated, lines)| Ok((*annotated, blob(lines)?)))
        .collect::<Result<_, StoreError>>()?;
    edit(repo, tree, &blobs).or_else(|_| edit(repo, without_duplicates(repo, tree)?, &blobs).doing(doing))
}

fn edit(
    repo: &gix::Repository,
    tree: ObjectId,
    blobs: &[(ObjectId, Option<ObjectId>)],
) -> gix::Result<ObjectId> {
    let mut state = gix::note::plumbing::State::new(tree, repo)?;
    for (annotated, blob) in blobs {
        state.edit(*annotated, *blob, repo)?;
    }
    state.write(repo)
}

/// Unites notes whose object is spelled by several paths: a tree that gix refuses to edit.
fn without_duplicates(repo: &gix::Repository, tree: ObjectId) -> Result<ObjectId, StoreError> {
    let doing = || "a notes tree with duplicate paths cannot be mended".to_owned();
    let mut editor = repo.edit_tree(tree).doing(doing)?;
    let mut mended = false;
    for (annotated, blobs) in list(repo, tree)?.into_iter().filter(|(_, blobs)| blobs.len() > 1) {
        let lines = read(repo, &blobs)?;
        let hex = annotated.to_hex().to_string();
        for depth in 0..hex.len() / 2 {
            let (directories, leaf) = hex.split_at(2 * depth);
            let pairs: Vec<&str> = (0..depth).map(|at| &directories[2 * at..2 * at + 2]).collect();
            editor.remove(format!("{}/{leaf}", pairs.join("/")).trim_start_matches('/')).doing(doing)?;
        }
        let blob = repo.write_blob(lines.to_note()).doing(doing)?;
        editor.upsert(hex.as_str(), EntryKind::Blob, blob).doing(doing)?;
        mended = true;
    }
    if mended { Ok(editor.write().doing(doing)?.detach()) } else { Ok(tree) }
}

/// How many directories may still be read, so that a few objects cannot be made to stand for endless ones.
struct Budget {
    left: Cell<usize>,
    /// Entries that are no notes, so far.
    foreign: Cell<usize>,
}

impl Budget {
    fn of(directories: usize) -> Self {
        Self { left: Cell::new(directories), foreign: Cell::new(0) }
    }

    fn spend(&self, tree: ObjectId) -> Result<(), StoreError> {
        let left =
            self.left.get().checked_sub(1).ok_or_else(|| StoreError::TooManyNotes(tree.to_string()))?;
        self.left.set(left);
        Ok(())
    }
}

/// A repository and how much of it may still be read.
type Source<'a> = (&'a gix::Repository, &'a Budget);

fn gather(source: Source, tree: ObjectId, prefix: &str, all: &mut Blobs) -> Result<(), StoreError> {
    let repo = source.0;
    for (name, kind, id) in entries(source, tree)? {
        match note_or_directory(repo, prefix, &name, kind) {
            Part::Note(annotated) => all.entry(annotated).or_default().push(id),
            Part::Directory(prefix) => gather(source, id, &prefix, all)?,
            Part::Foreign => source.1.foreign.set(source.1.foreign.get() + 1),
        }
        if all.len() > MAX_NOTES {
            return Err(StoreError::TooManyNotes(tree.to_string()));
        }
    }
    Ok(())
}

fn differ(
    source: Source,
    (old, new): (Option<ObjectId>, Option<ObjectId>),
    prefix: &str,
    (before, after): (&mut Blobs, &mut Blobs),
) -> Result<(), StoreError> {
    let repo = source.0;
    let read = |tree: Option<ObjectId>| tree.map_or(Ok(vec![]), |tree| entries(source, tree));
    let (old, new) = (read(old)?, read(new)?);
    let only = |here: &[Entry], there: &[Entry]| -> Vec<Entry> {
        here.iter().filter(|entry| !there.contains(entry)).cloned().collect()
    };
    let (gone, come) = (only(&old, &new), only(&new, &old));
    let directory = |entry: &Entry| match note_or_directory(repo, prefix, &entry.0, entry.1) {
        Part::Directory(prefix) => Some(prefix),
        Part::Note(_) | Part::Foreign => None,
    };
    for entry in &gone {
        match directory(entry) {
            // On both sides: descend together, so that what is equal below is not read.
            Some(below) => {
                let twin = come.iter().find(|other| other.0 == entry.0 && other.1 == entry.1);
                differ(source, (Some(entry.2), twin.map(|twin| twin.2)), &below, (before, after))?;
            }
            None => keep_note(repo, prefix, entry, before),
        }
    }
    for entry in &come {
        match directory(entry) {
            Some(_) if gone.iter().any(|other| other.0 == entry.0 && other.1 == entry.1) => {}
            Some(below) => gather(source, entry.2, &below, after)?,
            None => keep_note(repo, prefix, entry, after),
        }
    }
    Ok(())
}

fn keep_note(repo: &gix::Repository, prefix: &str, (name, kind, id): &Entry, into: &mut Blobs) {
    if let Part::Note(annotated) = note_or_directory(repo, prefix, name, *kind) {
        into.entry(annotated).or_default().push(*id);
    }
}

/// Name, kind and object of a tree entry.
type Entry = (Vec<u8>, EntryKind, ObjectId);

fn entries((repo, budget): Source, tree: ObjectId) -> Result<Vec<Entry>, StoreError> {
    budget.spend(tree)?;
    let mut buffer = Vec::new();
    // Not `repo.objects`: only the repository knows the empty tree, which need not be stored.
    let iter = repo.find_tree_iter(&tree, &mut buffer).doing(|| unreadable(tree))?;
    iter.map(|entry| {
        let entry = entry.doing(|| unreadable(tree))?;
        Ok((entry.filename.to_vec(), entry.mode.kind(), entry.oid.to_owned()))
    })
    .collect()
}

enum Part {
    Note(ObjectId),
    Directory(String),
    Foreign,
}

fn note_or_directory(repo: &gix::Repository, prefix: &str, name: &[u8], kind: EntryKind) -> Part {
    let Ok(name) = str::from_utf8(name) else { return Part::Foreign };
    let path = format!("{prefix}{}", name.to_ascii_lowercase());
    let digits = repo.object_hash().len_in_hex();
    match kind {
        EntryKind::Tree if name.len() == 2 && path.len() < digits && is_hex(name) => Part::Directory(path),
        EntryKind::Blob | EntryKind::BlobExecutable if path.len() == digits => {
            ObjectId::from_hex(path.as_bytes()).map_or(Part::Foreign, Part::Note)
        }
        EntryKind::Tree
        | EntryKind::Blob
        | EntryKind::BlobExecutable
        | EntryKind::Link
        | EntryKind::Commit => Part::Foreign,
    }
}

fn is_hex(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn unreadable(id: ObjectId) -> String {
    format!("{id}: the object cannot be read")
}

impl Store {
    /// Puts one commit with these notes on top of `base` and returns it. No ref changes.
    pub(crate) fn commit_notes(
        &self,
        base: Tip,
        notes: &BTreeMap<ObjectId, Lines>,
    ) -> Result<ObjectId, StoreError> {
        self.commit_as(base, notes, &format!("perf: baselines of {} commits\n", notes.len()))
    }

    /// Does the same with a message of its own.
    pub(crate) fn commit_as(
        &self,
        base: Tip,
        notes: &BTreeMap<ObjectId, Lines>,
        message: &str,
    ) -> Result<ObjectId, StoreError> {
        let old = base.tree.unwrap_or_else(|| ObjectId::empty_tree(self.repo.object_hash()));
        self.commit_tree(write(&self.repo, old, notes)?, base.commit, message)
    }

    /// Makes a commit of a notes tree, signed where the user's commits are.
    pub(crate) fn commit_tree(
        &self,
        tree: ObjectId,
        parent: Option<ObjectId>,
        message: &str,
    ) -> Result<ObjectId, StoreError> {
        if self.signs() {
            return self.signed_commit(tree, parent, message);
        }
        let signature = refs::signature(&self.repo, self.now);
        let mut buffer = gix::date::parse::TimeBuf::default();
        let signature = signature.to_ref(&mut buffer);
        let held = self.repo.clone().with_object_memory();
        let commit = held.new_commit_as(signature, signature, message, tree, parent);
        let commit = commit.doing(|| "a notes commit cannot be written".into())?.id;
        loose::write(&self.repo, commit, held.objects.reset_object_memory().unwrap_or_default())?;
        Ok(commit)
    }

    /// Looks up what a notes ref holds.
    pub(crate) fn notes_tip(&self, name: &str) -> Result<Tip, StoreError> {
        self.tip_of(name, refs::tip(&self.repo, name)?)
    }

    /// Looks up what a commit, which a notes ref named `name` points to, holds.
    pub(crate) fn tip_of(&self, name: &str, commit: Option<ObjectId>) -> Result<Tip, StoreError> {
        let tree = commit.map(|commit| tree(&self.repo, name, commit)).transpose()?;
        Ok(Tip { commit, tree })
    }

    /// Returns the lines of one commit's note.
    pub(crate) fn note(&self, tip: Tip, commit: &CommitId) -> Result<Lines, StoreError> {
        let Some(tree) = tip.tree else { return Ok(Lines::default()) };
        read(&self.repo, &find(&self.repo, tree, &object_id(commit))?)
    }

    /// Looks up what a notes ref holds; `None` where that are no notes.
    pub(crate) fn tip_if_notes(&self, name: &str) -> Result<Option<Tip>, StoreError> {
        if_notes(self.notes_tip(name))
    }

    /// Reads all notes, but for those that are too large to be read.
    pub(crate) fn readable_notes(
        &self,
        tip: Tip,
    ) -> Result<impl Iterator<Item = Result<(CommitId, Lines), StoreError>>, StoreError> {
        let blobs = tip.tree.map_or(Ok(Blobs::new()), |tree| list(&self.repo, tree))?;
        // Not looked up one by one: a tree that was not written by git may have all its entries in one directory.
        Ok(blobs.into_iter().filter_map(|(annotated, blobs)| match read(&self.repo, &blobs) {
            Err(error) if error.is_too_large() => None,
            other => Some(other.map(|lines| (commit_id(&annotated), lines))),
        }))
    }

    /// Lists the commits that have a note.
    pub(crate) fn annotated(&self, tip: Tip) -> Result<Vec<CommitId>, StoreError> {
        let Some(tree) = tip.tree else { return Ok(vec![]) };
        Ok(list(&self.repo, tree)?.keys().map(|id| commit_id(id)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_objects_that_claim_to_be_billions_of_directories_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let repo = gix::init(dir.path()).unwrap();
        let blob = repo.write_blob("a note\n").unwrap().detach();
        let tree = |mode: EntryKind, names: Vec<String>, oid: ObjectId| {
            let entry =
                |name: String| gix::objs::tree::Entry { mode: mode.into(), filename: name.into(), oid };
            repo.write_object(&gix::objs::Tree { entries: names.into_iter().map(entry).collect() })
                .unwrap()
                .detach()
        };
        let mut bomb = tree(EntryKind::Blob, vec!["README".into()], blob);
        for _ in 0..4 {
            bomb = tree(EntryKind::Tree, (0..256).map(|n| format!("{n:02x}")).collect(), bomb);
        }
        let is_refused = |error: StoreError| matches!(error, StoreError::TooManyNotes(_));
        assert!(is_refused(list(&repo, bomb).unwrap_err()));
        assert!(is_refused(changed(&repo, None, Some(bomb)).unwrap_err()));
        let mut spellings = tree(EntryKind::Blob, vec!["aa".into()], blob);
        for _ in 0..19 {
            spellings =
                tree(EntryKind::Tree, ["AA", "Aa", "aA", "aa"].map(str::to_owned).to_vec(), spellings);
        }
        let annotated = ObjectId::from_hex(&[b'a'; 40]).unwrap();
        assert!(is_refused(find(&repo, spellings, &annotated).unwrap_err()));
    }

    #[test]
    fn a_note_beyond_the_limit_is_an_error_and_not_an_empty_note() {
        let dir = tempfile::tempdir().unwrap();
        let repo = gix::init(dir.path()).unwrap();
        let blob = repo.write_blob("0123456789\n").unwrap().detach();
        assert_eq!(read_up_to(11, &repo, &[blob]).unwrap().len(), 1);
        let error = read_up_to(10, &repo, &[blob]).unwrap_err();
        assert!(matches!(error, StoreError::NoteTooLarge { size: 11, .. }), "{error}");
        let blob = repo.write_blob("a\n".repeat(MAX_LINES + 1)).unwrap().detach();
        let error = read(&repo, &[blob]).unwrap_err();
        assert!(matches!(error, StoreError::TooManyLines { lines, .. } if lines > MAX_LINES), "{error}");
    }
}
