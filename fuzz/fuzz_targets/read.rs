//! Reads any bytes with every reader by name, without the guard of detection.

#![no_main]

use libfuzzer_sys::fuzz_target;
use perf_collect::{Options, formats, read_stream};

fuzz_target!(|bytes: &[u8]| {
    for format in formats() {
        let _ = read_stream("fuzz", bytes, &Options::named(format.name));
    }
});
