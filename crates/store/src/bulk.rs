//! Reading many notes at once: in the order of the packs they lie in, given out in the order of their commits.
//!
//! Neighbours in a pack are deltas against each other, so that reading in any other order inflates the same bases
//! again and again. What was read waits in memory, or in a temporary file where it is much, for its turn.

mod packs;

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use gix::ObjectId;
use gix::objs::FindExt;
use tempfile::SpooledTempFile;

use crate::error::{At, Doing, StoreError};
use crate::notes::MAX_NOTE;

/// So many bytes of notes wait in memory; more of them wait in a temporary file.
const IN_MEMORY: usize = 8 << 20;

/// Blobs that were read, in the order in which they were asked for.
pub(crate) struct Spool {
    file: SpooledTempFile,
    /// Where each blob begins, and its length; `None` where it is too large to be read.
    places: Vec<Option<(u64, usize)>>,
    next: usize,
}

impl Spool {
    /// Reads blobs.
    pub(crate) fn read(repo: &gix::Repository, blobs: &[ObjectId]) -> Result<Self, StoreError> {
        let places = packs::places(repo, blobs);
        let mut order: Vec<usize> = (0..blobs.len()).collect();
        order.sort_by_key(|at| places[*at]);
        let mut spool =
            Self { file: SpooledTempFile::new(IN_MEMORY), places: vec![None; blobs.len()], next: 0 };
        let mut end = 0;
        let mut buffer = Vec::new();
        for at in order {
            let doing = || format!("{}: the object cannot be read", blobs[at]);
            if repo.find_header(blobs[at]).doing(doing)?.size() > MAX_NOTE {
                continue;
            }
            let data = repo.objects.find_blob(&blobs[at], &mut buffer).doing(doing)?.data;
            spool.file.write_all(data).at(&temporary(), "notes cannot be put there")?;
            spool.places[at] = Some((end, data.len()));
            end += data.len() as u64;
        }
        Ok(spool)
    }

    /// Returns the next blob, in the order in which they were asked for; `None` for one that is too large.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        let place = self.places[self.next];
        self.next += 1;
        let Some((start, length)) = place else { return Ok(None) };
        let mut blob = vec![0; length];
        let read = self.file.seek(SeekFrom::Start(start)).and_then(|_| self.file.read_exact(&mut blob));
        read.at(&temporary(), "notes cannot be read back from it")?;
        Ok(Some(blob))
    }
}

fn temporary() -> PathBuf {
    std::env::temp_dir()
}
