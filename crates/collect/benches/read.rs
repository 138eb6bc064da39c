//! How long it takes to read what `cargo bench` left behind.

use std::fs;
use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use perf_collect::Options;

const BENCHMARKS: usize = 500;
const SAMPLES: usize = 100;

fn read(criterion: &mut Criterion) {
    let root = tempfile::tempdir().expect("a temporary directory");
    for number in 0..BENCHMARKS {
        put(&root.path().join(format!("group_{}/case/{number}", number % 20)), number);
    }
    let options = Options::named("criterion");
    let read = || perf_collect::read(black_box(root.path()), &options).expect("a sound tree");
    assert_eq!(read().measurements.len(), BENCHMARKS);
    criterion.bench_function("read/criterion/500", |bencher| bencher.iter(read));
}

/// Writes one benchmark with the files and directories that Criterion leaves, `base` and `report` included.
fn put(dir: &Path, number: usize) {
    let name = format!("group {}/case/{number}", number % 20);
    let benchmark = format!(r#"{{"group_id":"g","throughput":null,"full_id":"{name}"}}"#);
    let iters: Vec<String> = (1..=SAMPLES).map(|n| format!("{n}.0")).collect();
    let times: Vec<String> = (1..=SAMPLES).map(|n| format!("{}.0625", n * (number + 1_000))).collect();
    let sample = format!(r#"{{"iters":[{}],"times":[{}]}}"#, iters.join(","), times.join(","));
    for child in ["new", "base"] {
        let dir = dir.join(child);
        fs::create_dir_all(&dir).expect("a directory");
        for (file, text) in [
            ("benchmark.json", &benchmark),
            ("sample.json", &sample),
            ("estimates.json", &sample),
            ("tukey.json", &sample),
        ] {
            fs::write(dir.join(file), text).expect("a file");
        }
    }
    fs::create_dir_all(dir.join("report")).expect("a directory");
    for page in ["index.html", "pdf.svg", "regression.svg", "typical.svg"] {
        fs::write(dir.join("report").join(page), "").expect("a file");
    }
    fs::create_dir_all(dir.join("change")).expect("a directory");
    fs::write(dir.join("change/estimates.json"), &sample).expect("a file");
}

criterion_group!(benches, read);
criterion_main!(benches);
