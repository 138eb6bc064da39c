//! The measurements that requests are drawn from.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use serde::Deserialize;

/// A file of measurements, `verdict-pool/1`.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Pool {
    /// Runs of equal code in no order: any split of them is unchanged.
    ExchangeableRuns {
        /// For each benchmark its runs, each a list of samples.
        benches: BTreeMap<String, Vec<Vec<f64>>>,
    },
    /// Runs in the order in which they were taken, of code that was changed on purpose.
    TimedRuns {
        /// All runs.
        runs: Vec<TimedRun>,
    },
    /// What projects recorded on their own main branches: one value a commit.
    History {
        /// For each benchmark its values.
        series: BTreeMap<String, Recorded>,
    },
}

/// One run of all benchmarks.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct TimedRun {
    /// `A` as it is; `S` and a percentage of extra work; `L` for equal code, linked in another order.
    pub(crate) kind: String,
    pub(crate) round: u32,
    /// For each benchmark its samples.
    #[serde(rename = "b")]
    pub(crate) samples: BTreeMap<String, Vec<f64>>,
}

/// The values that a project recorded of one benchmark.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Recorded {
    #[serde(rename = "t")]
    pub(crate) times: Vec<i64>,
    #[serde(rename = "v")]
    pub(crate) values: Vec<f64>,
    #[serde(default)]
    pub(crate) unit: String,
}

/// Half of a pool: constants that were chosen on one half are to be tried on the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Half {
    First,
    Second,
}

impl Pool {
    pub(crate) fn parse(text: &str) -> Result<Self, Box<dyn Error>> {
        let pool: Self = serde_json::from_str(text)?;
        if pool.has_empty_run() { Err("a run has no samples".into()) } else { Ok(pool) }
    }

    fn has_empty_run(&self) -> bool {
        match self {
            Self::ExchangeableRuns { benches } => benches.values().flatten().any(Vec::is_empty),
            Self::TimedRuns { runs } => runs.iter().flat_map(|run| run.samples.values()).any(Vec::is_empty),
            Self::History { .. } => false,
        }
    }

    /// Returns half of the pool: every other benchmark, or the earlier or later half of the time.
    pub(crate) fn half(self, half: Half) -> Self {
        let wanted = |position: usize, count: usize| (position < count.div_ceil(2)) == (half == Half::First);
        match self {
            Self::ExchangeableRuns { benches } => {
                let every_other = benches.into_iter().enumerate();
                let kept = every_other.filter(|(index, _)| (index % 2 == 0) == (half == Half::First));
                Self::ExchangeableRuns { benches: kept.map(|(_, bench)| bench).collect() }
            }
            Self::TimedRuns { runs } => {
                let rounds = runs.iter().map(|run| run.round).collect::<BTreeSet<_>>().len();
                let kept = runs.into_iter().filter(|run| wanted(run.round as usize, rounds));
                Self::TimedRuns { runs: kept.collect() }
            }
            Self::History { series } => {
                let halved = |recorded: Recorded| {
                    let count = recorded.values.len();
                    let kept = |index: &usize| wanted(*index, count);
                    Recorded {
                        times: (0..count).filter(kept).map(|index| recorded.times[index]).collect(),
                        values: (0..count).filter(kept).map(|index| recorded.values[index]).collect(),
                        unit: recorded.unit,
                    }
                };
                Self::History { series: series.into_iter().map(|(name, it)| (name, halved(it))).collect() }
            }
        }
    }
}
