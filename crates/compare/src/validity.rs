//! What makes numbers doubtful or idle without making them wrong: their age, and rules about nothing.

use std::collections::BTreeSet;

use perf_model::SeriesId;

use crate::outcome::Notice;
use crate::pair::Pair;
use crate::policy::{Policy, Rule};

/// Says where a baseline is older than the policy wants it, held against the time of the head's newest run.
pub fn aged(pair: &Pair, policy: &Policy) -> Option<Notice> {
    let (before, after) = (pair.before(), pair.after());
    let (age, allowed) = (after.measured() - before.measured(), policy.max_age.0?);
    (age > allowed).then(|| Notice::Old {
        commit: before.commit.clone(),
        measured: before.measured(),
        days: age.whole_days(),
        allowed: allowed.whole_days(),
    })
}

/// Lists the rules that none of these series matches.
pub fn idle_rules(policy: &Policy, series: &BTreeSet<SeriesId>) -> Vec<Notice> {
    let idle = |rule: &Rule| !series.iter().any(|series| rule.matches(series));
    let rules = policy.rules.iter().zip(1..).filter(|(rule, _)| idle(rule));
    rules
        .map(|(rule, number)| Notice::IdleRule {
            number,
            benchmark: rule.benchmark.as_ref().map(|glob| glob.text().to_owned()),
            metric: rule.metric.as_ref().map(|glob| glob.text().to_owned()),
            is_budget: rule.is_budget(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use time::Duration;

    use super::*;
    use crate::fixtures::repeated;
    use crate::policy::{Amount, MaxAge, Pattern};

    #[test]
    fn a_baseline_is_old_beyond_the_age_that_is_allowed() {
        let pair = |days| {
            let (before, mut after) = (repeated(1, &[("a", 1.0)]), repeated(1, &[("a", 1.0)]));
            after.runs[0].time += Duration::days(days);
            Pair::new(before, after, &BTreeSet::new()).expect("one environment")
        };
        let old = |days, allowed| {
            aged(&pair(days), &Policy { max_age: MaxAge(allowed), ..Policy::default() }).is_some()
        };
        let month = Some(Duration::days(30));
        assert_eq!(
            [old(30, month), old(31, month), old(-400, month), old(999, None)],
            [false, true, false, false]
        );
    }

    #[test]
    fn a_rule_about_nothing_is_named_with_its_number() {
        let glob = |text: &str| Some(Pattern::new(text).unwrap());
        let max = Some(Amount { value: 5.0, unit: None });
        let policy = Policy {
            rules: vec![
                Rule { benchmark: glob("a*"), ..Rule::default() },
                Rule { benchmark: glob("b"), metric: glob("p95"), max, ..Rule::default() },
            ],
            ..Policy::default()
        };
        let expected = Notice::IdleRule {
            number: 2,
            benchmark: Some("b".into()),
            metric: Some("p95".into()),
            is_budget: true,
        };
        assert_eq!(idle_rules(&policy, &repeated(1, &[("ab", 1.0)]).series()), [expected]);
    }
}
