//! Reads any bytes in whatever format their content shows.

#![no_main]

use libfuzzer_sys::fuzz_target;
use perf_collect::{Options, read_stream};

fuzz_target!(|bytes: &[u8]| {
    let _ = read_stream("fuzz", bytes, &Options::default());
});
