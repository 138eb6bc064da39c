//! Reads any bytes as what other tools keep: notes of git-perf and tak, the history of github-action-benchmark.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use perf_collect::{Options, git_perf, history, tak};

fuzz_target!(|bytes: &[u8]| {
    let (text, options) = (String::from_utf8_lossy(bytes), Options::default());
    let _ = git_perf(&text, "fuzz", &BTreeMap::new(), &options);
    let _ = tak(&text, "fuzz", &options);
    let _ = history(&text, &options);
});
