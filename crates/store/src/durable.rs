//! Files that are there whole, or not at all, after whatever happens.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use crate::error::{At, StoreError};

/// What unfinished files begin with.
pub(crate) const TEMPORARY: &str = ".tmp";

/// Writes a file so that it survives the death of the process and of the machine.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let dir = path.parent().expect("a file lies in a directory");
    fs::create_dir_all(dir).at(dir, "the directory cannot be created")?;
    let temporary = tempfile::Builder::new().prefix(TEMPORARY).tempfile_in(dir);
    let mut temporary = temporary.at(dir, "no file can be created in it")?;
    let written = temporary.write_all(bytes).and_then(|()| temporary.as_file().sync_all());
    written.at(path, "cannot be written")?;
    temporary.persist(path).map_err(|error| error.error).at(path, "cannot be put in place")?;
    let synced = File::open(dir).and_then(|handle| handle.sync_all());
    synced.at(dir, "cannot be synchronised to disk")
}
