//! Reads any bytes as the two files of a Criterion benchmark, divided at the first line feed.

#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use perf_collect::{Options, read};

fuzz_target!(|bytes: &[u8]| {
    let middle = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let root = tempfile::tempdir().expect("a temporary directory");
    let dir = root.path().join("a/new");
    fs::create_dir_all(&dir).expect("a directory");
    fs::write(dir.join("benchmark.json"), &bytes[..middle]).expect("a file");
    fs::write(dir.join("sample.json"), &bytes[middle..]).expect("a file");
    let _ = read(root.path(), &Options::named("criterion"));
});
