use std::collections::BTreeMap;

use perf_model::{Baseline, Metric, SeriesId, median_in_place};

use super::{Amount, Asked, Claim, Given, Policy, Tier, former_names};
use crate::comparison::OneSided;

/// What became of the budgets of a head: ceilings and floors that hold whatever the base is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Budgets {
    /// How many bounds were held against a series.
    pub checked: usize,
    /// The bounds that do not hold, failures first, then by name.
    pub breaches: Vec<Breach>,
    /// Series whose unit does not convert into that of their bound, by name: nobody checked them.
    pub unchecked: Vec<SeriesId>,
    /// Series with a bound that the base has and the head has not, by name: silence keeps no budget.
    pub silent: Vec<SeriesId>,
}

/// A bound that does not hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Breach {
    /// Which series.
    pub series: SeriesId,
    /// What was read.
    pub metric: Metric,
    /// The head's level: the median over its runs.
    pub level: f64,
    /// The bound, in the metric's unit.
    pub limit: f64,
    /// Which side the series had to stay on.
    pub bound: Bound,
    /// What it means for the gate, unless it is accepted.
    pub severity: Severity,
    /// What the acceptances say of it.
    pub claim: Option<Claim>,
}

/// Which side of a bound a series has to stay on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// At or below it.
    Max,
    /// At or above it.
    Min,
}

/// What a broken bound means for the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It fails.
    Fail,
    /// It warns.
    Warn,
}

impl Budgets {
    /// Returns how many breaches fail the gate.
    pub fn failures(&self) -> usize {
        self.breaches.iter().filter(|breach| breach.fails()).count()
    }

    /// Notes which of the series that only the base has were to be held to a bound.
    #[must_use]
    pub fn without(self, missing: &[OneSided], policy: &Policy) -> Self {
        let bounded = missing.iter().map(|row| &row.series).filter(|series| policy.asked(series).is_budget());
        Self { silent: bounded.cloned().collect(), ..self }
    }
}

impl Breach {
    /// Says whether it fails the gate.
    pub fn fails(&self) -> bool {
        self.severity == Severity::Fail && Claim::accepted(self.claim).is_none()
    }
}

/// Holds the series of a head against their bounds. Those of the tier `exhibit` can only warn.
pub fn budgets(head: &Baseline, policy: &Policy) -> Budgets {
    let mut levels: BTreeMap<SeriesId, (Metric, Vec<f64>)> = BTreeMap::new();
    for measurement in head.runs.iter().flat_map(|run| &run.measurements) {
        let (metric, values) =
            levels.entry(measurement.series()).or_insert_with(|| (measurement.metric.clone(), vec![]));
        let factor = measurement.metric.unit.factor_to(&metric.unit);
        values.extend(factor.map(|factor| measurement.reading.location() * factor));
    }
    let mut budgets = Budgets::default();
    for (series, (metric, mut values)) in levels {
        let measured = (&series, &metric, median_in_place(&mut values));
        let asked = policy.asked(&series);
        budgets.check(measured, &asked);
        // Nobody gets rid of a budget by a new name.
        for former in formerly(&series, policy) {
            let mut besides = policy.asked(&former);
            besides.forget_bounds_of(&asked);
            budgets.check(measured, &besides);
        }
    }
    budgets.breaches.sort_by(|a, b| (a.severity, &a.series).cmp(&(b.severity, &b.series)));
    budgets
}

/// Returns the names that a series had before those aliases that only the head has.
fn formerly(series: &SeriesId, policy: &Policy) -> Vec<SeriesId> {
    let of_head = |(name, alias): (String, usize)| policy.aliases[alias].of_head.then_some(name);
    let names =
        former_names(&policy.aliases, &series.benchmark, &series.metric).into_iter().filter_map(of_head);
    names.map(|benchmark| SeriesId { benchmark, ..series.clone() }).collect()
}

impl Asked {
    fn forget_bounds_of(&mut self, other: &Self) {
        for (own, others) in [
            (&mut self.max, &other.max),
            (&mut self.min, &other.min),
            (&mut self.warn_max, &other.warn_max),
            (&mut self.warn_min, &other.warn_min),
        ] {
            if own == others {
                *own = None;
            }
        }
    }
}

impl Budgets {
    fn check(&mut self, (series, metric, level): (&SeriesId, &Metric, f64), asked: &Asked) {
        let failing = match asked.tier() {
            Tier::Gating => Severity::Fail,
            Tier::Exhibit => Severity::Warn,
        };
        // A bound that fails makes the same bound as a warning superfluous.
        for (bound, fail, warn) in
            [(Bound::Max, &asked.max, &asked.warn_max), (Bound::Min, &asked.min, &asked.warn_min)]
        {
            let mut broken = |given: &Given<Amount>, severity| {
                let Some((amount, _)) = given else { return false };
                let Some(limit) = amount.of(metric) else {
                    if !self.unchecked.contains(series) {
                        self.unchecked.push(series.clone());
                    }
                    return false;
                };
                self.checked += 1;
                let holds = match bound {
                    Bound::Max => level <= limit,
                    Bound::Min => level >= limit,
                };
                if !holds {
                    let (series, metric) = (series.clone(), metric.clone());
                    self.breaches.push(Breach { series, metric, level, limit, bound, severity, claim: None });
                }
                !holds
            };
            if !broken(fail, failing) {
                broken(warn, Severity::Warn);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use perf_model::Unit;

    use super::*;
    use crate::fixtures::repeated;
    use crate::policy::{Pattern, Rule};

    fn amount(value: f64, unit: &str) -> Option<Amount> {
        Some(Amount { value, unit: Some(Unit::new(unit)) })
    }

    fn found(rule: Rule) -> Vec<(Bound, f64, Severity)> {
        let head = repeated(3, &[("start", 501.0)]);
        let found = budgets(&head, &Policy { rules: vec![rule], ..Policy::default() });
        found.breaches.iter().map(|breach| (breach.bound, breach.limit, breach.severity)).collect()
    }

    #[test]
    fn ceilings_and_floors_hold_at_their_very_value() {
        let exact = repeated(1, &[("start", 500.0)]);
        let rule = Rule { max: amount(0.5, "us"), min: amount(500.0, "ns"), ..Rule::default() };
        let policy = Policy { rules: vec![rule], ..Policy::default() };
        assert_eq!(budgets(&exact, &policy), Budgets { checked: 2, ..Budgets::default() });
    }

    #[test]
    fn a_broken_bound_fails_or_warns() {
        let max = || amount(0.5, "us");
        for (rule, expected) in [
            (Rule { max: max(), ..Rule::default() }, vec![(Bound::Max, 500.0, Severity::Fail)]),
            (Rule { warn_max: max(), ..Rule::default() }, vec![(Bound::Max, 500.0, Severity::Warn)]),
            (
                Rule { max: max(), warn_max: amount(0.1, "us"), ..Rule::default() },
                vec![(Bound::Max, 500.0, Severity::Fail)],
            ),
            (
                Rule { max: max(), tier: Some(Tier::Exhibit), ..Rule::default() },
                vec![(Bound::Max, 500.0, Severity::Warn)],
            ),
            (Rule { min: amount(1.0, "us"), ..Rule::default() }, vec![(Bound::Min, 1000.0, Severity::Fail)]),
            (Rule { benchmark: Some(Pattern::new("x").unwrap()), max: max(), ..Rule::default() }, vec![]),
        ] {
            assert_eq!(found(rule.clone()), expected, "{rule:?}");
        }
    }

    #[test]
    fn a_bound_in_another_dimension_is_named() {
        let rule = Rule { max: amount(1.0, "MiB"), ..Rule::default() };
        let policy = Policy { rules: vec![rule], ..Policy::default() };
        let found = budgets(&repeated(1, &[("start", 1.0)]), &policy);
        assert_eq!((found.checked, found.unchecked.len()), (0, 1));
    }
}
