//! A tree that Criterion itself writes, read by `perf` and, independently, by this test.

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use serde_json::Value;

use crate::sandbox::Sandbox;

/// A few quick benchmarks with awkward names, run by Criterion into `dir`.
fn bench(dir: &Path) {
    let mut criterion = Criterion::default()
        .output_directory(dir)
        .sample_size(10)
        .nresamples(1_001)
        .warm_up_time(Duration::from_millis(1))
        .measurement_time(Duration::from_millis(20))
        .without_plots();
    criterion.bench_function("plain", |bencher| bencher.iter(|| black_box(7u64).pow(3)));
    criterion.bench_function("with \"quotes\" <and> | a pipe?", |bencher| bencher.iter(|| black_box(1) + 1));
    let mut group = criterion.benchmark_group("group/with slash");
    for bytes in [64usize, 4096] {
        group.throughput(Throughput::Bytes(bytes as u64));
        let data = vec![1u8; bytes];
        group.bench_with_input(BenchmarkId::new("sum", bytes), &data, |bencher, data| {
            bencher.iter(|| black_box(data).iter().map(|byte| u64::from(*byte)).sum::<u64>());
        });
    }
    group.finish();
}

/// Every `new/` below `dir`: name to samples, read without any code of `perf`.
fn independent(dir: &Path, found: &mut BTreeMap<String, Vec<f64>>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_dir() {
            continue;
        }
        if path.ends_with("new") {
            let read = |name: &str| -> Value {
                serde_json::from_slice(&fs::read(path.join(name)).unwrap()).unwrap()
            };
            let (benchmark, sample) = (read("benchmark.json"), read("sample.json"));
            let numbers = |key: &str| -> Vec<f64> {
                sample[key].as_array().unwrap().iter().map(|it| it.as_f64().unwrap()).collect()
            };
            let samples = numbers("times").iter().zip(numbers("iters")).map(|(time, n)| time / n).collect();
            found.insert(benchmark["full_id"].as_str().unwrap().to_owned(), samples);
        } else {
            independent(&path, found);
        }
    }
}

#[test]
fn what_criterion_wrote_is_what_is_recorded() {
    let sandbox = Sandbox::new();
    let tree = sandbox.path("repo/target/criterion");
    bench(&tree);
    bench(&tree); // The second time it keeps `base` and `change` beside `new`.
    let mut expected = BTreeMap::new();
    independent(&tree, &mut expected);
    assert_eq!(expected.len(), 4);
    let ended = sandbox.perf(&["collect"]);
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    let show = sandbox.perf(&["store", "show", "--json"]).json();
    let run = &show["baselines"][0]["runs"][0];
    assert_eq!(run["sources"][0]["format"], "criterion");
    let identity = &show["baselines"][0]["identity"];
    assert!(identity["rustc"].is_string() && identity["harness"] == "criterion", "{identity}");
    let (mut times, mut rates) = (BTreeMap::new(), 0);
    for measurement in run["measurements"].as_array().unwrap() {
        let samples: Vec<f64> =
            measurement["samples"].as_array().unwrap().iter().map(|it| it.as_f64().unwrap()).collect();
        match measurement["metric"].as_str().unwrap() {
            "time" => drop(times.insert(measurement["benchmark"].as_str().unwrap().to_owned(), samples)),
            "throughput" => {
                assert_eq!((&measurement["unit"], &measurement["better"]), (&"B/s".into(), &"higher".into()));
                rates += 1;
            }
            other => panic!("unexpected metric {other}"),
        }
    }
    assert_eq!(times, expected);
    assert_eq!(rates, 2);
}
