//! Every reader on sound, cut and damaged input: an error or a result, never a panic.
//!
//! The corpus is that of the fuzz targets in `fuzz/`: real outputs cut short, and small ones written after the
//! tools' sources. A file is named after the format that must recognise it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use perf_collect::{Options, formats, read, read_stream};

/// How many damaged copies are made of each file.
const MUTATIONS: usize = 20;

/// Pieces that damage is made of.
const PIECES: [&str; 24] = [
    "NaN",
    "-",
    "1e999",
    "null",
    "\"",
    "{",
    "}",
    "[",
    "]",
    "\\ud800",
    "\0",
    "\r",
    "\n",
    "\u{1b}[",
    "\u{202e}",
    "│",
    "├─ ",
    "::",
    "0",
    "99999999999999999999",
    ",",
    ":",
    " ",
    "\u{fffd}",
];

/// Returns name and content of the files in a directory; none where there is no such directory.
fn files(dir: &str) -> Vec<(String, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join(dir);
    if !dir.is_dir() {
        return vec![];
    }
    let mut files: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    files.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

/// Reads bytes with every reader; what they answer is not looked at.
fn read_as_all(bytes: &[u8]) {
    let _ = read_stream("in", bytes, &Options::default());
    for format in formats() {
        let _ = read_stream("in", bytes, &Options::named(format.name));
    }
}

#[test]
fn every_file_is_recognised_as_what_it_is() {
    for (name, bytes) in &files("../../fuzz/corpus/read") {
        let output = read_stream("in", bytes.as_slice(), &Options::default()).unwrap();
        let found: Vec<_> = output.sources.iter().map(|source| source.format.as_str()).collect();
        assert_eq!(found, [name.as_str()]);
    }
}

#[test]
fn every_reader_keeps_to_the_number_of_readings_that_was_asked_for() {
    for (name, bytes) in &files("../../fuzz/corpus/read") {
        let options = Options { max_readings: 0, ..Options::named(name) };
        let refused = read_stream("in", bytes.as_slice(), &options).err();
        let refused = refused.unwrap_or_else(|| panic!("{name}: read"));
        assert!(refused.to_string().contains("more than the 0 that are read"), "{name}: {refused}");
    }
}

#[test]
fn cut_and_damaged_files_do_not_panic() {
    let mut random = fastrand::Rng::with_seed(7);
    let corpus = [files("../../fuzz/corpus/read"), files("fixtures")].concat();
    assert!(corpus.len() > 20, "the corpus is missing");
    for (_, bytes) in corpus {
        for _ in 0..MUTATIONS {
            let mut damaged = bytes.clone();
            for _ in 0..random.usize(1..4) {
                damage(&mut damaged, &mut random);
            }
            read_as_all(&damaged);
        }
    }
}

fn damage(bytes: &mut Vec<u8>, random: &mut fastrand::Rng) {
    let at = random.usize(..=bytes.len());
    match random.u8(..5) {
        0 => bytes.truncate(at),
        1 => {
            let piece = PIECES[random.usize(..PIECES.len())].bytes();
            bytes.splice(at..at, piece);
        }
        2 => {
            let end = (at + random.usize(..20)).min(bytes.len());
            bytes.drain(at..end);
        }
        3 => {
            let from = random.usize(..=at);
            let copy = bytes[from..at].to_vec();
            bytes.splice(at..at, copy);
        }
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = random.u8(..);
            }
        }
    }
}

#[test]
fn hostile_shapes_end_in_an_error() {
    for (what, text) in [
        ("blanks", " \n\t\n".to_owned()),
        ("deep arrays", "[".repeat(200_000)),
        ("deep objects", "{\"a\":".repeat(100_000)),
        ("deep lines", "{\"a\":[\n".repeat(3_000)),
        ("deep XML", "<Catch>".repeat(50_000)),
        ("many escapes", "\u{1b}]".repeat(100_000)),
        ("many rules", format!("{}\n", "-".repeat(79)).repeat(10_000)),
        ("a long line", "BenchmarkA".repeat(100_000)),
        ("an entity bomb", "<!DOCTYPE a [<!ENTITY b \"&c;&c;\">]><Catch>&b;</Catch>".to_owned()),
        ("a PNG", "\u{89}PNG\r\n\u{1a}\n".to_owned()),
    ] {
        let error = read_stream("in", text.as_bytes(), &Options::default()).err();
        assert!(error.is_some(), "{what} was read");
        read_as_all(text.as_bytes());
    }
}

#[cfg(unix)]
#[test]
fn a_loop_of_links_in_a_criterion_tree_ends() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("a/new");
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("benchmark.json"), r#"{"full_id": "a"}"#).unwrap();
    fs::write(dir.join("sample.json"), r#"{"iters": [1], "times": [2]}"#).unwrap();
    std::os::unix::fs::symlink(root.path(), root.path().join("a/loop")).unwrap();
    let output = read(root.path(), &Options::default()).unwrap();
    assert_eq!(output.measurements.len(), 1);
}
