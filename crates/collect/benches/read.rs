//! How long it takes to read what `cargo bench` left behind, beside what reading it must cost at least.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use criterion::{Criterion, criterion_group, criterion_main};
use perf_collect::Options;
use serde_json::Value;

const BENCHMARKS: usize = 1_000;
const SAMPLES: usize = 100;

fn read(criterion: &mut Criterion) {
    let root = tempfile::tempdir().expect("a temporary directory");
    let dirs: Vec<PathBuf> = (0..BENCHMARKS)
        .map(|number| root.path().join(format!("group_{}/case/{number}", number % 20)))
        .collect();
    for (number, dir) in dirs.iter().enumerate() {
        put(dir, number);
    }
    let options = Options::named("criterion");
    let read = || perf_collect::read(black_box(root.path()), &options).expect("a sound tree");
    assert_eq!(read().measurements.len(), BENCHMARKS);
    criterion.bench_function("read/criterion/1000", |bencher| bencher.iter(read));
    // What no reader can do without: the bytes of the two files of each benchmark, whose paths are known here,
    // and their JSON as values.
    criterion.bench_function("read/bytes/1000", |bencher| bencher.iter(|| files(&dirs).count()));
    criterion.bench_function("read/json/1000", |bencher| {
        bencher.iter(|| {
            let parse = |bytes: Vec<u8>| serde_json::from_slice::<Value>(&bytes).expect("JSON");
            files(&dirs).map(parse).filter(Value::is_object).count()
        });
    });
}

fn files(dirs: &[PathBuf]) -> impl Iterator<Item = Vec<u8>> {
    let names = ["new/benchmark.json", "new/sample.json"];
    dirs.iter().flat_map(move |dir| names.map(|name| fs::read(dir.join(name)).expect("a file")))
}

/// Writes one benchmark with the files and directories that Criterion leaves, `base` and `report` included.
fn put(dir: &Path, number: usize) {
    let name = format!("group {}/case/{number}", number % 20);
    let benchmark = format!(
        r#"{{"group_id":"group {}","function_id":"case","value_str":"{number}","throughput":null,"full_id":"{name}","directory_name":"{name}","title":"{name}"}}"#,
        number % 20
    );
    let iters: Vec<String> = (1..=SAMPLES).map(|n| format!("{n}.0")).collect();
    let times: Vec<String> = (1..=SAMPLES).map(|n| format!("{}.0625", n * (number + 1_000))).collect();
    let sample = format!(
        r#"{{"sampling_mode":"Linear","iters":[{}],"times":[{}]}}"#,
        iters.join(","),
        times.join(",")
    );
    let interval = r#"{"confidence_level":0.95,"lower_bound":1.5,"upper_bound":2.5}"#;
    let estimate =
        format!(r#"{{"confidence_interval":{interval},"point_estimate":2.0,"standard_error":0.25}}"#);
    let estimates = format!(
        r#"{{"mean":{estimate},"median":{estimate},"median_abs_dev":{estimate},"slope":{estimate},"std_dev":{estimate}}}"#
    );
    for child in ["new", "base"] {
        let dir = dir.join(child);
        fs::create_dir_all(&dir).expect("a directory");
        for (file, text) in [
            ("benchmark.json", benchmark.as_str()),
            ("sample.json", &sample),
            ("estimates.json", &estimates),
            ("tukey.json", "[1.0,2.0,3.0,4.0]"),
        ] {
            fs::write(dir.join(file), text).expect("a file");
        }
    }
    fs::create_dir_all(dir.join("report")).expect("a directory");
    for page in ["index.html", "pdf.svg", "regression.svg", "typical.svg"] {
        fs::write(dir.join("report").join(page), "").expect("a file");
    }
    fs::create_dir_all(dir.join("change")).expect("a directory");
    fs::write(dir.join("change/estimates.json"), &estimates).expect("a file");
}

criterion_group!(benches, read);
criterion_main!(benches);
