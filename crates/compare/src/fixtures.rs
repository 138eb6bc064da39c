//! Baselines for this crate's tests.

use std::collections::BTreeMap;

use perf_model::{
    Baseline, CommitId, Environment, Lineage, Measurement, Metric, Reading, Run, RunId, Samples,
};
use time::OffsetDateTime;

/// One run with a `time` series in ns for each name.
pub(crate) fn baseline(series: &[(&str, &[f64])]) -> Baseline {
    let run = series.iter().map(|(name, samples)| measurement(name, Metric::time("time", "ns"), samples));
    baseline_of(vec![run.collect()])
}

/// Several runs of `time` series in ns; each run a thousandth slower than the one before it.
pub(crate) fn repeated(runs: u32, series: &[(&str, f64)]) -> Baseline {
    let run = |run: u32| {
        let factor = 1.0 + 0.001 * f64::from(run);
        series
            .iter()
            .map(move |(name, level)| measurement(name, Metric::time("time", "ns"), &[level * factor; 5]))
    };
    baseline_of((0..runs).map(|number| run(number).collect()).collect())
}

/// One run for each list of measurements.
pub(crate) fn baseline_of(runs: Vec<Vec<Measurement>>) -> Baseline {
    let commit: CommitId = "c".repeat(40).parse().expect("40 hex digits");
    let runs = runs.into_iter().zip(1..).map(|(measurements, id)| Run {
        id: RunId::from_bits(id),
        lineage: Lineage { commit: commit.clone(), tree: commit.clone(), parents: vec![] },
        time: OffsetDateTime::UNIX_EPOCH,
        recorder: "test".into(),
        environment: Environment::default(),
        sources: vec![],
        measurements,
        turn: None,
        rebaseline: None,
    });
    Baseline::new(runs.collect()).expect("runs of one kind")
}

pub(crate) fn measurement(name: &str, metric: Metric, samples: &[f64]) -> Measurement {
    Measurement {
        benchmark: name.into(),
        params: BTreeMap::new(),
        metric,
        reading: Reading::Samples(Samples::new(samples.to_vec()).expect("finite samples")),
    }
}

/// The same baseline, measured somewhere else.
pub(crate) fn in_environment(identity: &[(&str, &str)], mut baseline: Baseline) -> Baseline {
    let identity = identity.iter().map(|(fact, value)| ((*fact).into(), (*value).into())).collect();
    baseline.environment.identity = identity;
    for run in &mut baseline.runs {
        run.environment = baseline.environment.clone();
    }
    baseline
}
