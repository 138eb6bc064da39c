//! When enough was measured.

use std::collections::BTreeSet;

use perf_model::SeriesId;

use crate::comparison::{Comparison, Judged};
use crate::statistics::Evidence;
use crate::verdict::Verdict;

/// So many rounds are measured of everything.
pub const FIRST_ROUNDS: u32 = 2;

/// So many rounds are measured of what is not decided by then.
///
/// On fresh JVMs of 586 benchmarks, 2 rounds and then up to 5 gave the answers of 5 rounds at the price of 3.
pub const MOST_ROUNDS: u32 = 5;

/// A change is beyond doubt before the last round where no more than this share of such changes would be false.
pub(crate) const BEYOND_DOUBT: f64 = 0.001;

/// Returns the series that more rounds may tell more of: all but those found unchanged, those that changed beyond doubt
/// and those that need no statistics.
///
/// Looks before the last may acquit, and condemn only beyond doubt (Haybittle, Br. J. Radiol. 44, 1971; Peto et al., Br.
/// J. Cancer 34, 1976): each of them adds a thousandth to the error rate of the last at most. All else that looks
/// changed goes on until the last round and is judged by all its runs.
pub fn undecided(comparison: &Comparison) -> BTreeSet<SeriesId> {
    let judged = comparison.judged.iter();
    let shifted = comparison.suite.shift.is_some_and(|shift| {
        shift.verdict != Verdict::Unchanged && shift.chance.is_none_or(|chance| chance > BEYOND_DOUBT)
    });
    let open =
        judged.filter(|row| !row.same_code && (is_open(row) || shifted && row.finding.evidence.is_some()));
    open.map(|row| row.series.clone()).collect()
}

fn is_open(row: &Judged) -> bool {
    let Some(Evidence { interval, q, .. }) = row.finding.evidence else { return false };
    let fail = row.absolute.unwrap_or(row.limits).fail;
    // More runs may make a failure of a warning.
    let may_fail = interval.low.abs().max(interval.high.abs()) >= fail;
    match row.finding.verdict {
        Verdict::Unchanged => false,
        Verdict::Inconclusive => true,
        Verdict::Slower => q > BEYOND_DOUBT || may_fail,
        Verdict::Improved | Verdict::Regressed => q > BEYOND_DOUBT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{baseline_of, measurement, repeated};
    use crate::{Limits, Pair, Policy, compare};
    use perf_model::Metric;

    fn open(base: perf_model::Baseline, head: perf_model::Baseline) -> Vec<String> {
        let pair = Pair::new(base, head, &BTreeSet::new()).unwrap();
        let open = undecided(&compare(pair, &[], &Policy::default()).unwrap());
        open.into_iter().map(|series| series.benchmark).collect()
    }

    #[test]
    fn what_is_unchanged_is_decided_and_what_looks_changed_is_not() {
        let side = |levels: [(&str, f64); 3]| {
            let run = |factor: f64| {
                let time = |(name, level): (&str, f64)| {
                    measurement(name, Metric::time("time", "ns"), &[level * factor; 5])
                };
                levels.map(time).to_vec()
            };
            baseline_of([1.0, 1.04, 0.97].map(run).to_vec())
        };
        let base = side([("same", 100.0), ("slower", 100.0), ("faster", 100.0)]);
        let head = side([("same", 100.0), ("slower", 118.0), ("faster", 83.0)]);
        let pair = Pair::new(base, head, &BTreeSet::new()).unwrap();
        let found =
            compare(pair, &[], &Policy { limits: Limits { warn: 0.12, fail: 0.5 }, ..Policy::default() })
                .unwrap();
        assert_eq!((found.census.slower, found.census.improved, found.census.unchanged), (1, 1, 1));
        let open: Vec<String> = undecided(&found).into_iter().map(|series| series.benchmark).collect();
        assert_eq!(open, ["faster", "slower"]);
    }

    #[test]
    fn what_changed_beyond_doubt_is_decided_before_the_last_round() {
        let base = || repeated(10, &[("same", 100.0), ("slower", 100.0), ("faster", 100.0)]);
        let head = repeated(10, &[("same", 100.0), ("slower", 300.0), ("faster", 30.0)]);
        assert_eq!(open(base(), head), [""; 0]);
    }

    #[test]
    fn more_rounds_tell_nothing_more_of_an_exact_count() {
        let count = |level| {
            baseline_of(vec![vec![measurement("a", Metric::exact("instructions", "count"), &[level])]])
        };
        assert_eq!(open(count(100.0), count(200.0)), [""; 0]);
    }
}
