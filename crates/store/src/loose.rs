//! Objects as files of their own, until git packs them.
//!
//! Small ones are stored without compression: making a compressor ready takes longer than all else that recording a
//! run does, and a file takes whole blocks of the file system anyway. `git gc` compresses them.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use gix::ObjectId;
use gix::objs::{Kind, TreeRefIter, Write as _};
use gix::odb::memory::Storage;

use crate::error::{At, Doing, StoreError};

/// Up to here an object is stored as it is.
const SMALL: usize = 16 << 10;

/// What unfinished files begin with: `git prune` removes those that a process left behind when it was killed.
const TEMPORARY: &str = "tmp_obj_";

/// Writes an object and whatever of `objects` it is made of, parts first: whenever this ends, nothing that is
/// there refers to anything that is not.
pub(crate) fn write(repo: &gix::Repository, root: ObjectId, mut objects: Storage) -> Result<(), StoreError> {
    write_below(repo, root, &mut objects)
}

fn write_below(repo: &gix::Repository, id: ObjectId, objects: &mut Storage) -> Result<(), StoreError> {
    let Some((kind, bytes)) = objects.remove(&id) else { return Ok(()) };
    if kind == Kind::Tree {
        for entry in TreeRefIter::from_bytes(&bytes, id.kind()) {
            let entry = entry.doing(|| format!("{id}: the tree that was made cannot be read"))?;
            write_below(repo, entry.oid.to_owned(), objects)?;
        }
    }
    if bytes.len() <= SMALL {
        return write_file(repo, id, &stored(kind, &bytes));
    }
    repo.objects.write_buf(kind, &bytes).doing(|| format!("{id}: the object cannot be written"))?;
    Ok(())
}

fn write_file(repo: &gix::Repository, id: ObjectId, bytes: &[u8]) -> Result<(), StoreError> {
    let top = repo.objects.store_ref().path();
    let hex = id.to_hex().to_string();
    let (dir, path) = (top.join(&hex[..2]), top.join(&hex[..2]).join(&hex[2..]));
    if path.exists() {
        return Ok(());
    }
    let temporary = tempfile::Builder::new()
        .prefix(TEMPORARY)
        .permissions(fs::Permissions::from_mode(0o444))
        .tempfile_in(top);
    let mut temporary = temporary.at(top, "no object can be written there")?;
    temporary.write_all(bytes).at(&path, "cannot be written")?;
    match temporary.persist(&path) {
        Err(missing) if missing.error.kind() == ErrorKind::NotFound => {
            make(&dir)?;
            missing.file.persist(&path).map_err(|error| error.error)
        }
        other => other.map_err(|error| error.error),
    }
    .at(&path, "cannot be put in place")?;
    Ok(())
}

fn make(dir: &Path) -> Result<(), StoreError> {
    match fs::create_dir(dir) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other.at(dir, "the directory cannot be created"),
    }
}

/// Returns the file of a loose object: a stream as RFC 1950 and 1951 describe it, of stored blocks.
fn stored(kind: Kind, bytes: &[u8]) -> Vec<u8> {
    let content = [&gix::objs::encode::loose_header(kind, bytes.len() as u64)[..], bytes].concat();
    let length = u16::try_from(content.len()).expect("a small object is one block");
    // Deflate with a window of 32 KiB, the fastest level, and the last block, which is stored.
    let mut file = vec![0x78, 0x01, 0x01];
    file.extend(length.to_le_bytes());
    file.extend((!length).to_le_bytes());
    file.extend_from_slice(&content);
    file.extend(adler32(&content).to_be_bytes());
    file
}

/// The checksum of RFC 1950. Two sums of so few bytes cannot overflow.
fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u64 = 65_521;
    let (one, two) = bytes.iter().fold((1, 0), |(one, two): (u64, u64), byte| {
        let one = one + u64::from(*byte);
        (one, two + one)
    });
    u32::try_from(((two % MODULUS) << 16) | (one % MODULUS)).expect("two numbers of 16 bits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_specification() {
        for (bytes, sum) in [(&b""[..], 1), (b"Wikipedia", 0x11E6_0398), (&[0xff; SMALL], 0xB0D9_C3B2)] {
            assert_eq!(adler32(bytes), sum, "{} bytes", bytes.len());
        }
    }

    #[test]
    fn objects_of_any_size_are_read_back_and_nothing_else_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let repo = gix::init(dir.path()).unwrap();
        for size in [0, 1, 255, SMALL - 1, SMALL, SMALL + 1, 5 * SMALL] {
            let held = repo.clone().with_object_memory();
            let blob = held.write_blob(vec![b'x'; size]).unwrap().detach();
            held.write_blob(format!("of no use {size}")).unwrap();
            let objects = held.objects.reset_object_memory().unwrap();
            write(&repo, blob, objects).unwrap();
            assert_eq!(repo.find_blob(blob).unwrap().data, vec![b'x'; size]);
            let unused = gix::objs::compute_hash(
                repo.object_hash(),
                Kind::Blob,
                format!("of no use {size}").as_bytes(),
            );
            assert!(!repo.has_object(unused.unwrap()), "{size}");
        }
    }
}
