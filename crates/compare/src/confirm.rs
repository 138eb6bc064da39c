//! Whether an alarm repeats.

use std::collections::{BTreeMap, BTreeSet};

use perf_model::{Better, SeriesId};

use crate::census::Census;
use crate::comparison::{Comparison, Judged, worst_first};
use crate::sequential::BEYOND_DOUBT;
use crate::statistics::Doubt;
use crate::verdict::Verdict;

/// What became of alarms that were measured again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confirmation {
    /// How many series were measured again.
    pub again: usize,
    /// How many of them showed the change again.
    pub repeated: usize,
    /// How many rounds it took.
    pub rounds: usize,
}

fn is_alarm(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Slower | Verdict::Regressed)
}

/// Returns the series that warn or fail and that measuring again may tell more of; all series where the suite as a
/// whole does. Values that need no statistics would only repeat themselves.
pub fn alarms(comparison: &Comparison) -> BTreeSet<SeriesId> {
    let whole = comparison.suite.shift.is_some_and(|shift| is_alarm(shift.verdict));
    let tested = comparison.judged.iter().filter(|row| row.finding.evidence.is_some());
    let alarms = tested.filter(|row| whole || is_alarm(row.finding.verdict));
    alarms.map(|row| row.series.clone()).collect()
}

impl Comparison {
    /// Holds the alarms of this comparison against a session that measured them again.
    ///
    /// What shows again has the session's answer; what does not is inconclusive, as not confirmed. What the session
    /// did not measure stays as it is.
    pub fn confirmed_by(mut self, session: &Comparison) -> (Self, Confirmation) {
        let again: BTreeMap<&SeriesId, &Judged> =
            session.judged.iter().map(|row| (&row.series, row)).collect();
        let mut found =
            Confirmation { rounds: session.turns.map_or(0, |turns| turns.pairs), ..Confirmation::default() };
        for row in self.judged.iter_mut().filter(|row| is_alarm(row.finding.verdict)) {
            let Some(repeat) = again.get(&row.series).filter(|_| row.finding.evidence.is_some()) else {
                continue;
            };
            found.again += 1;
            if is_alarm(repeat.finding.verdict) {
                found.repeated += 1;
                // What is beyond the fail limit again, in a single run that may not fail by itself, fails as it did before.
                let capped = matches!(repeat.finding.doubt, Some(Doubt::OneRun | Doubt::NoiseUnknown));
                if !(capped && row.finding.verdict == Verdict::Regressed) {
                    *row = (*repeat).clone();
                }
            } else {
                row.finding.verdict = Verdict::Inconclusive;
                row.finding.doubt = Some(Doubt::NotConfirmed);
                row.finding.runs_needed = None;
            }
        }
        if let (Some(shift), Some(repeat)) = (&mut self.suite.shift, session.suite.shift)
            && is_alarm(shift.verdict)
        {
            found.again += 1;
            if is_alarm(repeat.verdict) {
                found.repeated += 1;
                *shift = repeat;
            } else {
                shift.verdict = Verdict::Inconclusive;
            }
        }
        self.count_again();
        (self, found)
    }

    /// Takes the verdicts on noise back from series of which both sides ran the very same executables.
    pub fn with_same_code(mut self, same: &BTreeSet<SeriesId>) -> Self {
        for row in self.judged.iter_mut().filter(|row| same.contains(&row.series)) {
            row.same_code = true;
            row.finding.verdict = Verdict::Unchanged;
            row.finding.doubt = None;
            row.finding.runs_needed = None;
        }
        let all = !self.judged.is_empty() && self.judged.iter().all(|row| row.same_code);
        if let Some(shift) = self.suite.shift.as_mut().filter(|_| all) {
            shift.verdict = Verdict::Unchanged;
        }
        self.count_again();
        self
    }

    /// Returns how many series became worse beyond doubt, and by more than they may, although both sides ran the very same
    /// executables: something else that their suites read differs, such as data or settings.
    pub fn worse_with_same_code(&self) -> usize {
        let worse = |row: &&Judged| {
            let rise = row.finding.change.unwrap_or(0.0);
            let change = if row.metric.better == Better::Lower { rise } else { -rise };
            let sure = row.finding.evidence.is_some_and(|evidence| evidence.q <= BEYOND_DOUBT);
            row.same_code && sure && change >= row.limits.warn
        };
        self.judged.iter().filter(worse).count()
    }

    /// Brings order and census up to date with the verdicts.
    pub(crate) fn count_again(&mut self) {
        let Census { unjudged, missing, new, .. } = self.census;
        self.census = Census { unjudged, missing, new, ..Census::default() };
        self.judged.iter().for_each(|row| self.census.count(row.finding.verdict));
        self.judged.sort_by(worst_first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::repeated;
    use crate::{Pair, Policy, compare};

    fn compared(levels: [(&str, f64); 3]) -> Comparison {
        let base = repeated(3, &[("a", 100.0), ("b", 100.0), ("c", 100.0)]);
        let pair = Pair::new(base, repeated(3, &levels), &BTreeSet::new()).unwrap();
        compare(pair, &[], &Policy::default()).unwrap()
    }

    #[test]
    fn an_alarm_that_does_not_repeat_is_no_failure() {
        let stored = compared([("a", 150.0), ("b", 150.0), ("c", 100.0)]);
        let names: Vec<_> = alarms(&stored).into_iter().map(|series| series.benchmark).collect();
        assert_eq!(names, ["a", "b"]);
        let session = compared([("a", 150.0), ("b", 100.0), ("c", 150.0)]);
        let total = stored.census.total();
        let (found, confirmation) = stored.confirmed_by(&session);
        assert_eq!((confirmation.again, confirmation.repeated), (2, 1));
        let rows: Vec<_> =
            found.judged.iter().map(|row| (row.series.benchmark.as_str(), row.finding.verdict)).collect();
        // What was no alarm is not made one.
        let expected = [("a", Verdict::Regressed), ("b", Verdict::Inconclusive), ("c", Verdict::Unchanged)];
        assert_eq!(rows, expected);
        assert_eq!(found.judged[1].finding.doubt, Some(Doubt::NotConfirmed));
        assert_eq!((found.census.regressed, found.census.inconclusive, found.census.total()), (1, 1, total));
    }
}
