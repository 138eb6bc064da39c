//! How long it takes to judge a comparison, and to find the changes of level in a history.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use fastrand::Rng;
use perf_compare::statistics::{Judge, Level, Runs, Series, Settings, judge};
use perf_compare::{Limits, change_points};
use perf_model::{Better, Kind};

const RUNS: usize = 3;
const BASELINES: usize = 20;

fn judging(criterion: &mut Criterion) {
    for count in [500, 5_000] {
        let series = suite(count);
        let settings = Settings::default();
        criterion.bench_function(&format!("judge/{count}"), |bencher| {
            bencher.iter(|| judge(black_box(&series), &settings));
        });
    }
}

fn changes(criterion: &mut Criterion) {
    let mut rng = Rng::with_seed(7);
    // Without any change nothing can be pruned: the worst case.
    let flat: Vec<f64> = (0..10_000).map(|_| level(&mut rng, 100.0).middle).collect();
    let stepped: Vec<f64> =
        flat.iter().zip(0..).map(|(value, i)| value * (1.0 + 0.1 * f64::from(i / 500 % 2))).collect();
    for (name, values) in [("flat", flat), ("stepped", stepped)] {
        for count in [500, 10_000] {
            criterion.bench_function(&format!("change_points/{name}/{count}"), |bencher| {
                bencher.iter(|| change_points(black_box(&values[..count])));
            });
        }
    }
}

fn suite(count: usize) -> Vec<Series> {
    let mut rng = Rng::with_seed(7);
    (0..count).map(|_| series(&mut rng)).collect()
}

fn series(rng: &mut Rng) -> Series {
    let size = 10.0 + 1e6 * rng.f64();
    let mut runs = |count: usize| -> Runs { (0..count).map(|_| Some(level(rng, size))).collect() };
    let (base, head) = (runs(RUNS), runs(RUNS));
    Series {
        better: Better::Lower,
        kind: Kind::Time,
        judge: Judge::Noise,
        limits: Limits::default(),
        absolute: None,
        base,
        again: vec![],
        head,
        history: (0..BASELINES).map(|_| runs(1)).collect(),
    }
}

/// A level with about 1 % of noise, a raw spread and a best sample.
fn level(rng: &mut Rng, size: f64) -> Level {
    let noise: f64 = (0..4).map(|_| rng.f64() - 0.5).sum();
    let middle = size * (1.0 + 0.017 * noise);
    Level { middle, best: Some(middle * 0.99), spread: Some(0.01) }
}

criterion_group!(benches, judging, changes);
criterion_main!(benches);
