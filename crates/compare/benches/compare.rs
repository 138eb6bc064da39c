//! Judging 500 series of 100 samples a side.

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use perf_compare::{Pair, Policy, compare};
use perf_model::{
    Baseline, CommitId, Environment, Lineage, Measurement, Metric, Reading, Run, RunId, Samples,
};
use time::OffsetDateTime;

fn baseline(seed: u64) -> Baseline {
    let mut rng = fastrand::Rng::with_seed(seed);
    let measurements = (0..500).map(|n| Measurement {
        benchmark: format!("group/{n}"),
        params: BTreeMap::new(),
        metric: Metric::time("time", "ns"),
        reading: Reading::Samples(
            Samples::new((0..100).map(|_| 1000.0 + 50.0 * rng.f64()).collect()).expect("finite samples"),
        ),
    });
    let commit: CommitId = "c".repeat(40).parse().expect("40 hex digits");
    let run = Run {
        id: RunId::from_bits(seed.into()),
        lineage: Lineage { commit: commit.clone(), tree: commit, parents: vec![] },
        time: OffsetDateTime::UNIX_EPOCH,
        recorder: "bench".into(),
        environment: Environment::default(),
        sources: vec![],
        measurements: measurements.collect(),
        turn: None,
        rebaseline: None,
    };
    Baseline::new(vec![run]).expect("one run is of one kind")
}

fn bench(criterion: &mut Criterion) {
    let pair = Pair::new(baseline(1), baseline(2), &BTreeSet::new()).expect("one environment");
    let mut group = criterion.benchmark_group("compare");
    group.sample_size(10);
    group.bench_function("500 series x 100 samples", |bencher| {
        bencher.iter(|| {
            compare(black_box(pair.clone()), &[], &Policy::default()).expect("all series are shared")
        });
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
