//! What the commands for programs share.

use std::io::Read;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::failure::{Failure, Result};
use crate::place::Place;

/// Reads JSON from a file, or from standard input for `-`.
pub(crate) fn read<T: DeserializeOwned>(path: &Path, place: &Place) -> Result<T> {
    let mut bytes = Vec::new();
    let (name, got) = if path == Path::new("-") {
        ("standard input".to_owned(), std::io::stdin().read_to_end(&mut bytes).map(|_| ()))
    } else {
        let path = place.path(path);
        let got = std::fs::read(&path).map(|read| bytes = read);
        (path.display().to_string(), got)
    };
    got.map_err(|error| Failure::new(format!("{name}: cannot be read")).because(&error))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Failure::new(format!("{name}: is not of the expected form")).because(&error))
}
