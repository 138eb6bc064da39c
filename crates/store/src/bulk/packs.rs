//! In which pack objects lie, and where in it.
//!
//! Opening an index with gix reads all of its offsets, which for 20 notes among 100,000 takes longer than all else.
//! Here only those parts are read that the objects asked for are in.

use std::cmp::Ordering;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use gix::ObjectId;

/// A pack, and the place in it; `None` for a loose object.
pub(super) type Place = Option<(usize, u64)>;

/// Returns where objects lie. What cannot be read is left out: it decides about speed, not about what is found.
pub(super) fn places(repo: &gix::Repository, objects: &[ObjectId]) -> Vec<Place> {
    let mut by_id: Vec<usize> = (0..objects.len()).collect();
    by_id.sort_by_key(|at| objects[*at]);
    let mut places = vec![None; objects.len()];
    for (number, path) in indices(repo).iter().enumerate() {
        let Some(mut index) = Index::open(path, repo.object_hash().len_in_bytes()) else { continue };
        for at in &by_id {
            if places[*at].is_none() {
                places[*at] = index.offset(&objects[*at]).map(|offset| (number, offset));
            }
        }
    }
    places
}

/// Lists the indices of all packs, also of those of other repositories whose objects this one uses.
fn indices(repo: &gix::Repository) -> Vec<PathBuf> {
    let store = repo.objects.store_ref();
    let alternates = store.alternate_db_paths().unwrap_or_default();
    let dirs = std::iter::once(store.path().to_owned()).chain(alternates);
    let files = dirs.filter_map(|dir| std::fs::read_dir(dir.join("pack")).ok()).flatten().flatten();
    let paths = files.map(|entry| entry.path());
    let mut paths: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "idx")).collect();
    paths.sort();
    paths
}

/// An index of a pack: version 2, as gitformat-pack(5) describes it.
struct Index {
    file: File,
    /// How many objects there are whose first byte is this one or a lower one.
    fanout: Vec<u32>,
    /// How long an id is.
    width: usize,
    bucket: Bucket,
}

/// The objects that share their first byte.
#[derive(Default)]
struct Bucket {
    byte: Option<u8>,
    ids: Vec<u8>,
    offsets: Vec<u8>,
}

const MAGIC: &[u8] = b"\xfftOc\0\0\0\x02";
const FANOUT: usize = 256;

impl Index {
    fn open(path: &Path, width: usize) -> Option<Self> {
        let file = File::open(path).ok()?;
        let mut head = [0; MAGIC.len() + 4 * FANOUT];
        file.read_exact_at(&mut head, 0).ok()?;
        let fanout: Vec<u32> = head[MAGIC.len()..].chunks_exact(4).map(number).collect();
        let is_sound = head.starts_with(MAGIC) && fanout.is_sorted();
        let index = Self { file, fanout, width, bucket: Bucket::default() };
        // What claims more than there is would ask for memory that is not there either.
        let least = (index.offsets() + index.count() * 4) as u64;
        (is_sound && index.file.metadata().ok()?.len() >= least).then_some(index)
    }

    /// Returns where an object begins in the pack. Those with equal first bytes are best asked for in a row.
    fn offset(&mut self, id: &ObjectId) -> Option<u64> {
        let byte = id.as_bytes()[0];
        if self.bucket.byte != Some(byte) {
            self.bucket = self.read(byte)?;
        }
        let Bucket { ids, offsets, .. } = &self.bucket;
        let (mut at, mut end) = (0, ids.len() / self.width);
        while at < end {
            let middle = at.midpoint(end);
            match ids[middle * self.width..(middle + 1) * self.width].cmp(id.as_bytes()) {
                Ordering::Less => at = middle + 1,
                Ordering::Greater => end = middle,
                Ordering::Equal => (at, end) = (middle, middle),
            }
        }
        if ids.get(at * self.width..(at + 1) * self.width) != Some(id.as_bytes()) {
            return None;
        }
        let offset = number(&offsets[4 * at..4 * at + 4]);
        // Packs of more than 2 GiB have a table of their own for what lies beyond.
        const LARGE: u32 = 1 << 31;
        if offset < LARGE { Some(u64::from(offset)) } else { self.large(offset - LARGE) }
    }

    fn read(&self, byte: u8) -> Option<Bucket> {
        let first = byte.checked_sub(1).map_or(0, |below| self.fanout[usize::from(below)]) as usize;
        let count = self.fanout[usize::from(byte)] as usize - first;
        let (mut ids, mut offsets) = (vec![0; count * self.width], vec![0; count * 4]);
        self.file.read_exact_at(&mut ids, (self.ids() + first * self.width) as u64).ok()?;
        self.file.read_exact_at(&mut offsets, (self.offsets() + first * 4) as u64).ok()?;
        Some(Bucket { byte: Some(byte), ids, offsets })
    }

    fn large(&self, at: u32) -> Option<u64> {
        let mut offset = [0; 8];
        let start = self.offsets() + self.count() * 4 + at as usize * 8;
        self.file.read_exact_at(&mut offset, start as u64).ok()?;
        Some(u64::from_be_bytes(offset))
    }

    fn count(&self) -> usize {
        self.fanout[FANOUT - 1] as usize
    }

    fn ids(&self) -> usize {
        MAGIC.len() + 4 * FANOUT
    }

    /// After the ids there is a checksum of four bytes for each.
    fn offsets(&self) -> usize {
        self.ids() + self.count() * (self.width + 4)
    }
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes.try_into().expect("four bytes"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn objects_are_where_git_says_they_are() {
        let dir = tempfile::tempdir().unwrap();
        let git = |args: &[&str]| {
            let output = Command::new("git").current_dir(dir.path()).args(args).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        git(&["init", "-q"]);
        let repo = gix::open(dir.path()).unwrap();
        let blobs: Vec<_> =
            (0..600).map(|n| repo.write_blob(format!("blob {n}")).unwrap().detach()).collect();
        std::fs::write(dir.path().join("loose"), "loose").unwrap();
        let loose = git(&["hash-object", "-w", "loose"]);
        std::fs::write(dir.path().join("list"), blobs.iter().map(|id| format!("{id}\n")).collect::<String>())
            .unwrap();
        let pack = Command::new("git")
            .current_dir(dir.path())
            .args(["pack-objects", "-q", ".git/objects/pack/pack"])
            .stdin(File::open(dir.path().join("list")).unwrap())
            .output()
            .unwrap();
        let name = String::from_utf8(pack.stdout).unwrap();
        let index = format!(".git/objects/pack/pack-{}.idx", name.trim());
        let mut asked = blobs.clone();
        asked.push(ObjectId::from_hex(loose.trim().as_bytes()).unwrap());
        let found = places(&repo, &asked);
        let said = Command::new("git")
            .current_dir(dir.path())
            .arg("show-index")
            .stdin(File::open(dir.path().join(index)).unwrap())
            .output()
            .unwrap();
        let said = String::from_utf8(said.stdout).unwrap();
        for (id, place) in asked.iter().zip(&found) {
            let line = said.lines().find(|line| line.contains(&id.to_string()));
            let offset = line.map(|line| (0, line.split(' ').next().unwrap().parse().unwrap()));
            assert_eq!(*place, offset, "{id}");
        }
        assert_eq!(found.iter().flatten().count(), blobs.len(), "the last one is loose");
    }
}
