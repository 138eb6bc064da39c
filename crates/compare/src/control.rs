//! Whether a session measured what it set out to measure.

use std::collections::BTreeSet;

use perf_model::{Baseline, SeriesId};

use crate::comparison::{Judged, compare};
use crate::pair::Pair;
use crate::policy::Policy;
use crate::statistics::Judge;
use crate::verdict::Verdict;

/// Something that seemed to change although nothing did.
#[derive(Clone, Debug, PartialEq)]
pub struct Shifted {
    /// Which series; `None` for the suite as a whole.
    pub series: Option<SeriesId>,
    /// By how much, relative; `None` where there is no ratio.
    pub change: Option<f64>,
}

/// The share of good sessions that may be thrown away: that of false warnings would be too many.
const SURE: f64 = 0.01;

/// Holds a base against itself, measured again in the turns of the same session, and returns what shifted.
///
/// A change for the better is as false here as one for the worse. The limits are those of the real comparison, but
/// the noise always has a say. Series that cannot be judged say nothing; the comparison itself counts them.
pub fn control(base: Baseline, again: Baseline, policy: &Policy) -> Vec<Shifted> {
    let mut policy = Policy { judge: Judge::Noise, ..policy.clone() };
    policy.rules.iter_mut().for_each(|rule| rule.judge = None);
    let Ok(pair) = Pair::new(base, again, &BTreeSet::new()) else { return vec![] };
    let Ok(found) = compare(pair, &[], &policy) else { return vec![] };
    let shifts = |verdict| matches!(verdict, Verdict::Improved | Verdict::Slower | Verdict::Regressed);
    let whole = found.suite.shift.filter(|shift| shifts(shift.verdict));
    let whole = whole.map(|shift| Shifted { series: None, change: Some(shift.change) });
    let sure = |row: &Judged| row.finding.evidence.is_none_or(|evidence| evidence.q <= SURE);
    let each = found.judged.into_iter().filter(|row| shifts(row.finding.verdict) && sure(row));
    let each = each.map(|row| Shifted { series: Some(row.series), change: row.finding.change });
    whole.into_iter().chain(each).collect()
}

#[cfg(test)]
mod tests {
    use perf_model::{RunId, Turn};

    use super::*;
    use crate::fixtures::repeated;

    fn in_turns(mut baseline: Baseline) -> Baseline {
        for (run, round) in baseline.runs.iter_mut().zip(0..) {
            run.turn = Some(Turn { session: RunId::from_bits(1), round, position: round });
        }
        baseline
    }

    #[test]
    fn a_base_that_differs_from_itself_in_either_direction_is_named() {
        for (factor, shifted) in [(1.0, false), (1.3, true), (0.7, true)] {
            let base = in_turns(repeated(5, &[("a", 100.0), ("b", 50.0)]));
            let again = in_turns(repeated(5, &[("a", 100.0 * factor), ("b", 50.0)]));
            for judge in [Judge::Noise, Judge::Limits] {
                let policy = Policy { judge, ..Policy::default() };
                let found = control(base.clone(), again.clone(), &policy);
                let names: Vec<_> =
                    found.iter().map(|it| it.series.as_ref().unwrap().benchmark.as_str()).collect();
                assert_eq!(names, if shifted { vec!["a"] } else { vec![] }, "{factor}");
            }
        }
    }
}
