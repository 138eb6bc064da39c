//! Whether both sides run the very same executables.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use globset::GlobMatcher;

use crate::config::{Suite, binaries_matching};
use crate::failure::{Failure, Result};

/// Returns whether a suite's executables have the same names and content in two checkouts. A suite that names none, or
/// whose names match nothing, is never the same.
pub(super) fn are_same(suite: &Suite, base: &Path, head: &Path) -> Result<bool> {
    let base = hashes(suite, base)?;
    Ok(!base.is_empty() && base == hashes(suite, head)?)
}

fn hashes(suite: &Suite, top: &Path) -> Result<BTreeMap<PathBuf, blake3::Hash>> {
    let mut found = BTreeMap::new();
    for glob in &suite.binaries {
        let pattern = binaries_matching(glob).map_err(Failure::new)?;
        let fixed: PathBuf = Path::new(glob)
            .components()
            .take_while(|part| !part.as_os_str().to_string_lossy().contains(['*', '?', '[', '{']))
            .collect();
        walk(top, &fixed, &pattern, &mut found)?;
    }
    Ok(found)
}

fn walk(
    top: &Path,
    below: &Path,
    pattern: &GlobMatcher,
    found: &mut BTreeMap<PathBuf, blake3::Hash>,
) -> Result<()> {
    let path = top.join(below);
    let failed =
        |error: std::io::Error| Failure::new(format!("{}: cannot be read", path.display())).because(&error);
    if path.is_dir() {
        for entry in fs::read_dir(&path).map_err(failed)? {
            walk(top, &below.join(entry.map_err(failed)?.file_name()), pattern, found)?;
        }
    } else if pattern.is_match(below) && path.is_file() {
        let mut hasher = blake3::Hasher::new();
        let mut file = fs::File::open(&path).map_err(failed)?;
        std::io::copy(&mut file, &mut hasher).map_err(failed)?;
        found.insert(below.to_owned(), hasher.finalize());
    }
    Ok(())
}
