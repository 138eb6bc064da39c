//! Reading many notes at once: in the order of the packs they lie in, given out in the order of their commits.
//!
//! Neighbours in a pack are deltas against each other, so that reading in any other order inflates the same bases
//! again and again: each thread reads a stretch of its own. What was read waits for its turn, in memory, or in
//! temporary files where it is much.

mod packs;

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use gix::ObjectId;
use gix::objs::FindExt;
use rayon::iter::ParallelIterator;
use rayon::slice::ParallelSlice;
use tempfile::SpooledTempFile;

use crate::error::{At, Doing, StoreError};
use crate::notes::MAX_NOTE;

/// So many bytes of notes wait in memory; more of them wait in temporary files.
const IN_MEMORY: usize = 8 << 20;

/// Starting threads takes longer than reading fewer than these.
const MANY: usize = 512;

/// Each thread keeps the bases of deltas that it met, up to `core.deltaBaseCacheLimit`.
const THREADS: usize = 4;

/// Blobs that were read, in the order in which they were asked for.
pub(crate) struct Spool {
    files: Vec<SpooledTempFile>,
    /// Where each blob lies; `None` where it is too large to be read.
    places: Vec<Option<Place>>,
    next: usize,
}

/// Where a blob lies.
#[derive(Clone, Copy)]
struct Place {
    file: usize,
    start: u64,
    length: usize,
}

/// What one thread read: blobs and, for each, its number, where it begins and its length.
struct Part {
    file: SpooledTempFile,
    blobs: Vec<(usize, u64, usize)>,
}

impl Spool {
    /// Reads blobs.
    pub(crate) fn read(repo: &gix::Repository, blobs: &[ObjectId]) -> Result<Self, StoreError> {
        let packed = packs::places(repo, blobs);
        let mut order: Vec<usize> = (0..blobs.len()).collect();
        order.sort_by_key(|at| packed[*at]);
        let parts = if order.len() < MANY {
            vec![Part::read(repo, blobs, &order, IN_MEMORY)?]
        } else {
            let (threads, shared) = (rayon::current_num_threads().min(THREADS), repo.clone().into_sync());
            let read = |part| Part::read(&shared.to_thread_local(), blobs, part, IN_MEMORY / threads);
            order.par_chunks(order.len().div_ceil(threads)).map(read).collect::<Result<_, _>>()?
        };
        let (mut files, mut places) = (Vec::new(), vec![None; blobs.len()]);
        for (number, part) in parts.into_iter().enumerate() {
            files.push(part.file);
            for (blob, start, length) in part.blobs {
                places[blob] = Some(Place { file: number, start, length });
            }
        }
        Ok(Self { files, places, next: 0 })
    }

    /// Returns the next blob, in the order in which they were asked for; `None` for one that is too large.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        let place = self.places[self.next];
        self.next += 1;
        let Some(Place { file, start, length }) = place else { return Ok(None) };
        let (file, mut blob) = (&mut self.files[file], vec![0; length]);
        let read = file.seek(SeekFrom::Start(start)).and_then(|_| file.read_exact(&mut blob));
        read.at(&temporary(), "notes cannot be read back from it")?;
        Ok(Some(blob))
    }
}

impl Part {
    /// Reads the blobs with these numbers, one after the other.
    fn read(
        repo: &gix::Repository,
        blobs: &[ObjectId],
        numbers: &[usize],
        in_memory: usize,
    ) -> Result<Self, StoreError> {
        let mut part =
            Self { file: SpooledTempFile::new(in_memory), blobs: Vec::with_capacity(numbers.len()) };
        let (mut end, mut buffer) = (0, Vec::new());
        for number in numbers {
            let blob = blobs[*number];
            let doing = || format!("{blob}: the object cannot be read");
            if repo.find_header(blob).doing(doing)?.size() > MAX_NOTE {
                continue;
            }
            let data = repo.objects.find_blob(&blob, &mut buffer).doing(doing)?.data;
            part.file.write_all(data).at(&temporary(), "notes cannot be put there")?;
            part.blobs.push((*number, end, data.len()));
            end += data.len() as u64;
        }
        Ok(part)
    }
}

fn temporary() -> PathBuf {
    std::env::temp_dir()
}
