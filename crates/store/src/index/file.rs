//! The index as a file: a table of contents with its hash, then one block for each series with its own.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::{Cell, Index, Key, Row};

/// Changes with every change of the content.
const MAGIC: &[u8; 16] = b"perf index 2    ";

/// A damaged length must not make the reader ask for all memory.
const LIMIT: usize = 1 << 30;

/// Everything but the values.
#[derive(Serialize, Deserialize)]
struct Contents {
    notes: String,
    runs: Vec<Row>,
    unusable: BTreeMap<String, u64>,
    /// Each series, the length of its block and the hash of it.
    blocks: Vec<(Key, u64, [u8; 32])>,
}

/// Reads the columns that are wanted, where the index is of these notes and whole.
pub(super) fn part(path: &Path, notes: &str, wanted: impl Fn(&Key) -> bool) -> Option<Index> {
    let (file, contents, start) = open(path)?;
    if contents.notes == notes { read(file, contents, start, wanted) } else { None }
}

/// Reads everything, of whatever notes it is.
pub(super) fn whole(path: &Path) -> Option<Index> {
    let (file, contents, start) = open(path)?;
    read(file, contents, start, |_| true)
}

fn read(mut file: File, contents: Contents, mut start: u64, wanted: impl Fn(&Key) -> bool) -> Option<Index> {
    let mut columns = BTreeMap::new();
    for (key, length, hash) in contents.blocks {
        if wanted(&key) {
            file.seek(SeekFrom::Start(start)).ok()?;
            columns.insert(key, cells(&mut file, length, &hash, contents.runs.len())?);
        }
        start = start.checked_add(length)?;
    }
    Some(Index { notes: contents.notes, runs: contents.runs, unusable: contents.unusable, columns })
}

/// Puts an index in place of the one that is there. Others see the old one or the new one.
pub(super) fn write(path: &Path, index: &Index) -> std::io::Result<()> {
    let blocks: Vec<Vec<u8>> = index.columns.values().map(encode).collect::<Result<_, _>>()?;
    let of = |(key, block): (&Key, &Vec<u8>)| (key.clone(), block.len() as u64, hash(block));
    let contents = encode(&Contents {
        notes: index.notes.clone(),
        runs: index.runs.clone(),
        unusable: index.unusable.clone(),
        blocks: index.columns.keys().zip(&blocks).map(of).collect(),
    })?;
    let dir = path.parent().expect("a file lies in a directory");
    std::fs::create_dir_all(dir)?;
    let mut file = tempfile::Builder::new().prefix(crate::durable::TEMPORARY).tempfile_in(dir)?;
    file.write_all(MAGIC)?;
    file.write_all(&(contents.len() as u64).to_le_bytes())?;
    file.write_all(&hash(&contents))?;
    file.write_all(&contents)?;
    blocks.iter().try_for_each(|block| file.write_all(block))?;
    file.persist(path)?;
    Ok(())
}

/// Reads the table of contents; the blocks begin where the last part says, and there the file stands.
fn open(path: &Path) -> Option<(File, Contents, u64)> {
    let mut file = File::open(path).ok()?;
    let size = file.metadata().ok()?.len();
    let mut head = [0; 56];
    file.read_exact(&mut head).ok()?;
    let (magic, rest) = head.split_at(16);
    let (length, expected) = rest.split_at(8);
    let length = u64::from_le_bytes(length.try_into().ok()?);
    if magic != MAGIC || length > size {
        return None;
    }
    let contents = block(&mut file, length, expected)?;
    Some((file, contents, 56 + length))
}

fn cells(file: &mut File, length: u64, expected: &[u8; 32], runs: usize) -> Option<Vec<Cell>> {
    let cells: Vec<Cell> = block(file, length, expected)?;
    cells.iter().all(|cell| (cell.run as usize) < runs).then_some(cells)
}

fn block<T: DeserializeOwned>(file: &mut File, length: u64, expected: &[u8]) -> Option<T> {
    let mut bytes = Vec::new();
    file.take(length.min(LIMIT as u64)).read_to_end(&mut bytes).ok()?;
    if bytes.len() as u64 != length || hash(&bytes) != *expected {
        return None;
    }
    let config = bincode::config::standard().with_limit::<LIMIT>();
    bincode::serde::decode_from_slice(&bytes, config).ok().map(|(value, _)| value)
}

fn encode(value: &impl Serialize) -> std::io::Result<Vec<u8>> {
    let config = bincode::config::standard().with_limit::<LIMIT>();
    bincode::serde::encode_to_vec(value, config).map_err(std::io::Error::other)
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    *blake3::hash(bytes).as_bytes()
}
