//! Whether both sides run the very same executables.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use globset::GlobMatcher;
use serde::Deserialize;

use crate::config::{Suite, binaries_matching};
use crate::failure::{Failure, Result};

/// The executables that a build named, by what they are: their files' names differ from checkout to checkout.
pub(super) type Executables = BTreeMap<String, PathBuf>;

/// Returns the hashes of a suite's executables in one checkout: those that its build named, and those that its globs
/// match. None where there are none, or where a glob matches nothing: nothing is known of such a suite.
pub(super) fn hashes(
    suite: &Suite,
    top: &Path,
    named: Option<&Executables>,
) -> Result<BTreeMap<PathBuf, blake3::Hash>> {
    let mut found = BTreeMap::new();
    for (what, path) in named.into_iter().flatten() {
        found.insert(PathBuf::from(what), hash(path)?);
    }
    for glob in &suite.binaries {
        let pattern = binaries_matching(glob).map_err(Failure::new)?;
        let fixed: PathBuf = Path::new(glob)
            .components()
            .take_while(|part| !part.as_os_str().to_string_lossy().contains(['*', '?', '[', '{']))
            .collect();
        let mut matched = BTreeMap::new();
        walk(top, &fixed, &pattern, &mut matched)?;
        if matched.is_empty() {
            return Ok(BTreeMap::new());
        }
        found.append(&mut matched);
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
    let failed = |error| unreadable(&path, &error);
    if path.is_dir() {
        for entry in fs::read_dir(&path).map_err(failed)? {
            walk(top, &below.join(entry.map_err(failed)?.file_name()), pattern, found)?;
        }
    } else if pattern.is_match(below) && path.is_file() {
        found.insert(below.to_owned(), hash(&path)?);
    }
    Ok(())
}

fn hash(path: &Path) -> Result<blake3::Hash> {
    let failed = |error| unreadable(path, &error);
    let mut hasher = blake3::Hasher::new();
    io::copy(&mut fs::File::open(path).map_err(failed)?, &mut hasher).map_err(failed)?;
    Ok(hasher.finalize())
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("{}: cannot be read", path.display())).because(error)
}

/// A line of cargo's `--message-format=json` (The Cargo Book, External tools), as far as it is of use here.
#[derive(Deserialize)]
struct Message {
    package_id: String,
    target: Target,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
    name: String,
}

/// Returns the executables that a build named in what it printed to a log from some place on. Only those below `top`
/// count: a file that both checkouts share says nothing of either.
pub(super) fn named(log: &Path, from: u64, top: &Path) -> Result<Executables> {
    let failed = |error| unreadable(log, &error);
    let mut file = fs::File::open(log).map_err(failed)?;
    file.seek(SeekFrom::Start(from)).map_err(failed)?;
    let mut found = Executables::new();
    for line in BufReader::new(file).split(b'\n') {
        let line = line.map_err(failed)?;
        // What people read stands between the messages, and not every message is of an executable.
        let message = Some(line).filter(|line| line.starts_with(b"{"));
        let message = message.and_then(|line| serde_json::from_slice::<Message>(&line).ok());
        let Some(Message { package_id, target, executable: Some(path) }) = message else { continue };
        if path.starts_with(top) && path.is_file() {
            let package = package_id.rsplit(['#', '/']).next().unwrap_or_default();
            found.insert(format!("{package} {} {}", target.kind.join(","), target.name), path);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executables_are_those_that_cargo_names_below_the_checkout() {
        let dir = tempfile::tempdir().unwrap();
        let (top, log) = (dir.path().join("base"), dir.path().join("log"));
        fs::create_dir(&top).unwrap();
        for name in ["base/judge-1", "shared"] {
            fs::write(dir.path().join(name), name).unwrap();
        }
        let message = |id: &str, name: &str, executable: &str| {
            let id = format!("path+file://{}/{id}", top.display());
            format!(
                "{{\"reason\":\"compiler-artifact\",\"package_id\":\"{id}\",\"target\":{{\"kind\":[\"bench\"],\
                 \"name\":\"{name}\"}},\"executable\":{executable}}}\n"
            )
        };
        let (own, shared) = (top.join("judge-1"), dir.path().join("shared"));
        let quoted = |path: &Path| format!("\"{}\"", path.display());
        let lines = [
            "an earlier build\n".to_owned(),
            "   Compiling perf-compare\n".to_owned(),
            message("compare#perf-compare@0.1.0", "judge", &quoted(&own)),
            message("compare#0.1.0", "lib", "null"),
            message("compare#0.1.0", "shared", &quoted(&shared)),
            message("compare#0.1.0", "gone", &quoted(&top.join("gone"))),
            "{\"reason\":\"build-finished\",\"success\":true}\n{ broken\n".to_owned(),
        ];
        fs::write(&log, lines.concat()).unwrap();
        let found = named(&log, lines[0].len() as u64, &top).unwrap();
        assert_eq!(found, Executables::from([("perf-compare@0.1.0 bench judge".to_owned(), own)]));
    }
}
