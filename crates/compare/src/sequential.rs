//! When enough was measured.

use std::collections::BTreeSet;

use perf_model::SeriesId;

use crate::comparison::Comparison;
use crate::verdict::Verdict;

/// So many rounds are measured of everything.
pub const FIRST_ROUNDS: u32 = 2;

/// So many rounds are measured of what is not decided by then.
///
/// On fresh JVMs of 586 benchmarks, 2 rounds and then up to 5 gave the answers of 5 rounds at the price of 3.
pub const MOST_ROUNDS: u32 = 5;

/// Returns the series that more rounds may tell more of: all but those found unchanged and those that need no
/// statistics.
///
/// Looks before the last can only acquit. A series that looks changed goes on until the last round and is judged by
/// all its runs, so that looking often makes no false alarm: their rate is at most that of the last look alone.
pub fn undecided(comparison: &Comparison) -> BTreeSet<SeriesId> {
    let judged = comparison.judged.iter();
    let shifted = comparison.suite.shift.is_some_and(|shift| shift.verdict != Verdict::Unchanged);
    let open = judged.filter(|row| {
        row.finding.evidence.is_some()
            && !row.same_code
            && (shifted || row.finding.verdict != Verdict::Unchanged)
    });
    open.map(|row| row.series.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{baseline_of, measurement, repeated};
    use crate::{Pair, Policy, compare};
    use perf_model::Metric;

    fn open(base: perf_model::Baseline, head: perf_model::Baseline) -> Vec<String> {
        let pair = Pair::new(base, head, &BTreeSet::new()).unwrap();
        let open = undecided(&compare(pair, &[], &Policy::default()).unwrap());
        open.into_iter().map(|series| series.benchmark).collect()
    }

    #[test]
    fn what_is_unchanged_is_decided_and_what_looks_changed_is_not() {
        let base = || repeated(3, &[("same", 100.0), ("slower", 100.0), ("faster", 100.0)]);
        let head = repeated(3, &[("same", 100.0), ("slower", 150.0), ("faster", 50.0)]);
        assert_eq!(open(base(), head), ["faster", "slower"]);
    }

    #[test]
    fn more_rounds_tell_nothing_more_of_an_exact_count() {
        let count = |level| {
            baseline_of(vec![vec![measurement("a", Metric::exact("instructions", "count"), &[level])]])
        };
        assert_eq!(open(count(100.0), count(200.0)), [""; 0]);
    }
}
