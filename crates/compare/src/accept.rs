//! Holds what became worse against what is accepted. Verdicts stay what they are; only what they mean for the gate changes.

use perf_model::{Better, CommitId, SeriesId};

use crate::comparison::{Comparison, Judged};
use crate::outcome::{Notice, Section};
use crate::policy::{Acceptance, AcceptedIn, Bound, Breach, Claim, Policy, Worsening};
use crate::verdict::Verdict;

/// Notes beside everything that became worse what the acceptances of the policy say of it, and names those that
/// nothing needed.
pub fn accept(sections: &mut [Section], policy: &Policy) -> Vec<Notice> {
    for section in &mut *sections {
        let base = base_of(section).cloned();
        for breach in &mut section.budgets.breaches {
            breach.claim = claim_of_breach(breach, base.as_ref(), policy);
        }
        let Ok(comparison) = &mut section.result else { continue };
        for row in comparison.judged.iter_mut().filter(|row| needs_acceptance(row, policy)) {
            let is_about = |it: &Acceptance| it.holds_since(base.as_ref()) && it.matches(&row.series);
            row.claim = policy.acceptances.claim(row_worsening(row), is_about);
        }
        comparison.suite_claim = claim_of_suite(comparison, policy);
    }
    let judged = sections.iter().any(|section| section.result.is_ok());
    let entries = policy.acceptances.entries.iter().enumerate().filter(|_| judged);
    entries.filter_map(|(entry, acceptance)| idle(entry, acceptance, sections, policy)).collect()
}

/// Says whether a series is worse, or fails since nobody can tell.
fn needs_acceptance(row: &Judged, policy: &Policy) -> bool {
    match row.finding.verdict {
        Verdict::Slower | Verdict::Regressed => true,
        Verdict::Inconclusive => policy.fails_undecided(row.finding.verdict, row.tier),
        Verdict::Improved | Verdict::Unchanged => false,
    }
}

pub(crate) fn row_worsening(row: &Judged) -> Worsening<'_> {
    let better = row.metric.better;
    Worsening {
        share: row.finding.change.map(|change| Worsening::share_of(change, better)),
        difference: Some((Worsening::share_of(row.after - row.before, better), &row.metric)),
    }
}

fn claim_of_suite(comparison: &Comparison, policy: &Policy) -> Option<Claim> {
    comparison.suite.shift.filter(|shift| is_worse(shift.verdict))?;
    // What is worse rose in times, or fell in rates.
    let worse = Worsening { share: comparison.shift_change().map(f64::abs), difference: None };
    let base = Some(&comparison.pair.before().commit);
    policy.acceptances.claim(worse, |it| it.holds_since(base) && it.matches_whole_suite())
}

/// Returns the commit whose numbers a head was compared with.
fn base_of(section: &Section) -> Option<&CommitId> {
    section.result.as_ref().ok().map(|comparison| &comparison.pair.before().commit)
}

fn claim_of_breach(breach: &Breach, base: Option<&CommitId>, policy: &Policy) -> Option<Claim> {
    let better = match breach.bound {
        Bound::Max => Better::Lower,
        Bound::Min => Better::Higher,
    };
    let share = (breach.limit > 0.0).then(|| Worsening::share_of(breach.level / breach.limit - 1.0, better));
    let difference = Worsening::share_of(breach.level - breach.limit, better);
    let worse = Worsening { share, difference: Some((difference, &breach.metric)) };
    policy.acceptances.claim(worse, |it| it.holds_since(base) && it.matches_budget(&breach.series))
}

fn is_worse(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Slower | Verdict::Regressed)
}

/// Names an acceptance that nothing needed. One in the configuration outlives what it was written for: it is named
/// only where no series has its name.
fn idle(entry: usize, acceptance: &Acceptance, sections: &[Section], policy: &Policy) -> Option<Notice> {
    let comparisons = || sections.iter().filter_map(|section| section.result.as_ref().ok());
    let rows = || comparisons().flat_map(|it| &it.judged).filter(|row| acceptance.matches(&row.series));
    let mut breaches = sections.iter().flat_map(|section| &section.budgets.breaches);
    let mut shifts = comparisons().filter_map(|it| it.suite.shift);
    let needed = rows().any(|row| needs_acceptance(row, policy))
        || breaches.any(|breach| acceptance.matches_budget(&breach.series))
        || acceptance.matches_whole_suite() && shifts.any(|shift| is_worse(shift.verdict));
    let others = |it: &Comparison| {
        let unjudged = it.unjudged.iter().map(|row| &row.series);
        unjudged.chain(it.new.iter().map(|row| &row.series)).cloned().collect::<Vec<SeriesId>>()
    };
    let others = comparisons().flat_map(others).filter(|series| acceptance.matches(series)).count();
    let series = rows().count() + others;
    let expected = match acceptance.source {
        AcceptedIn::File { .. } => series > 0 || acceptance.matches_whole_suite(),
        // What was merged already need not be needed.
        AcceptedIn::Commit(_) => acceptance.since.is_some(),
    };
    (!needed && !expected).then_some(Notice::IdleAcceptance { entry, series })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::fixtures::repeated;
    use crate::policy::{Acceptances, Amount, Limit, Pattern, Rule, budgets};
    use crate::{
        BaseChoice, Cover, Demand, Endpoint, Inconclusive, Origin, Outcome, Pair, PolicySource, Status,
        WHOLE_SUITE, compare,
    };

    fn trailer(benchmark: &str, metric: Option<&str>, at_most: Option<f64>) -> Acceptance {
        let pattern = |text: &str| Pattern::new(text).unwrap();
        Acceptance {
            benchmark: pattern(benchmark),
            metric: metric.map(pattern),
            at_most: at_most.map(|share| Limit { relative: Some(share), absolute: None }),
            reason: "more checks".into(),
            by: "Tester".into(),
            source: AcceptedIn::Commit("a".repeat(40).parse().unwrap()),
            since: None,
        }
    }

    fn policy(entries: Vec<Acceptance>) -> Policy {
        Policy { acceptances: Acceptances { entries, today: None }, ..Policy::default() }
    }

    /// The outcome of `series` whose levels rose from 100.
    fn outcome(series: &[(&str, f64)], runs: u32, policy: Policy) -> Outcome {
        let before: Vec<_> = series.iter().map(|(name, _)| (*name, 100.0)).collect();
        let (before, after) = (repeated(runs, &before), repeated(runs, series));
        let endpoint = Endpoint::File { path: "run.jsonl".into(), commit: None };
        let budgets = budgets(&after, &policy);
        let pair = Pair::new(before, after, &BTreeSet::new()).unwrap();
        let mut sections = vec![Section { environment: None, budgets, result: compare(pair, &[], &policy) }];
        let notices = accept(&mut sections, &policy);
        Outcome {
            head: endpoint.clone(),
            base: endpoint,
            choice: BaseChoice::File,
            sections,
            notices,
            policy,
            origin: Origin { source: PolicySource::Here, changes: vec![], identity: vec![] },
            demand: Demand::Something,
            environment: None,
            references: vec![],
        }
    }

    const TWO: &[(&str, f64)] = &[("a", 150.0), ("b", 100.0)];

    #[test]
    fn what_is_accepted_stays_regressed_and_does_not_fail() {
        for (acceptance, expected, cover) in [
            (trailer("a", None, None), Status::Passed, Some(Cover::Full)),
            (trailer("a", Some("time"), Some(0.6)), Status::Passed, Some(Cover::Full)),
            (trailer("a", None, Some(0.2)), Status::Failed, Some(Cover::Beyond)),
            (trailer("a", Some("p95"), None), Status::Failed, None),
            (trailer("c", None, None), Status::Failed, None),
        ] {
            let found = outcome(TWO, 3, policy(vec![acceptance]));
            let row = &found.comparisons().next().unwrap().judged[0];
            assert_eq!(found.status(), expected, "{row:?}");
            assert_eq!(
                (row.finding.verdict, row.claim.map(|claim| claim.cover)),
                (Verdict::Regressed, cover)
            );
        }
    }

    #[test]
    fn an_acceptance_that_nothing_needs_is_named() {
        for (benchmark, expected) in [
            ("a", vec![]),
            ("b", vec![Notice::IdleAcceptance { entry: 0, series: 1 }]),
            ("c", vec![Notice::IdleAcceptance { entry: 0, series: 0 }]),
        ] {
            assert_eq!(outcome(TWO, 3, policy(vec![trailer(benchmark, None, None)])).notices, expected);
        }
        let expires = AcceptedIn::File { expires: time::macros::date!(2026 - 01 - 01) };
        let in_file = Acceptance { source: expires, ..trailer("b", None, None) };
        assert_eq!(outcome(TWO, 3, policy(vec![in_file])).notices, []);
    }

    #[test]
    fn the_whole_suite_is_accepted_by_its_name() {
        let all: Vec<_> = ["a", "b", "c", "d", "e", "f", "g", "h"].map(|name| (name, 150.0)).to_vec();
        let whole = || trailer(WHOLE_SUITE, None, Some(0.6));
        for (entries, expected) in [
            (vec![], Status::Failed),
            (vec![trailer("?", None, None)], Status::Failed),
            (vec![trailer("?", None, None), whole()], Status::Passed),
            (vec![trailer("*", None, Some(0.6))], Status::Passed),
            (vec![trailer("*", None, Some(0.4))], Status::Failed),
        ] {
            assert_eq!(outcome(&all, 3, policy(entries.clone())).status(), expected, "{entries:?}");
        }
    }

    #[test]
    fn a_broken_budget_is_accepted_only_by_its_metric() {
        let max = Some(Amount { value: 80.0, unit: None });
        let rules =
            vec![Rule { benchmark: Some(Pattern::new("b").unwrap()), max: max.clone(), ..Rule::default() }];
        for (acceptance, expected) in [
            (trailer("b", None, None), Status::Failed),
            (trailer("b", Some("time"), None), Status::Passed),
            (trailer("b", Some("time"), Some(0.3)), Status::Passed),
            (trailer("b", Some("time"), Some(0.2)), Status::Failed),
        ] {
            let policy = Policy { rules: rules.clone(), ..policy(vec![acceptance]) };
            assert_eq!(outcome(&[("b", 100.0), ("c", 100.0)], 3, policy).status(), expected);
        }
    }

    #[test]
    fn what_fails_undecided_can_be_accepted() {
        for (entries, expected) in
            [(vec![], Status::Failed), (vec![trailer("a", None, None)], Status::Passed)]
        {
            let policy = Policy { inconclusive: Inconclusive::Fail, ..policy(entries) };
            assert_eq!(outcome(&[("a", 105.0)], 1, policy).status(), expected);
        }
    }

    fn entries() -> impl Strategy<Value = Vec<Acceptance>> {
        let bound = prop::option::of(0.0..1.0);
        let metric = prop::sample::select(vec![None, Some("time"), Some("p95")]);
        let name = prop::sample::select(vec!["a", "b", "*", "[ab]", "z", WHOLE_SUITE]);
        prop::collection::vec((name, metric, bound), 0..4).prop_map(|all| {
            all.into_iter().map(|(name, metric, bound)| trailer(name, metric, bound)).collect()
        })
    }

    fn levels() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(prop::sample::select(vec![50.0, 100.0, 101.0, 115.0, 130.0, 200.0]), 1..8)
    }

    fn named(levels: &[f64]) -> Vec<(&'static str, f64)> {
        ["a", "b", "c", "d", "e", "f", "g"].into_iter().zip(levels.iter().copied()).collect()
    }

    proptest! {
        #[test]
        fn acceptance_never_makes_a_passing_comparison_fail(
            levels in levels(), runs in 1_u32..4, few in entries(), more in entries(), max in 60.0..250.0,
        ) {
            let rules = vec![Rule { max: Some(Amount { value: max, unit: None }), ..Rule::default() }];
            let all: Vec<_> = few.iter().chain(&more).cloned().collect();
            let judged = |entries| {
                outcome(&named(&levels), runs, Policy { rules: rules.clone(), ..policy(entries) })
            };
            let [none, few, all] = [vec![], few, all].map(judged);
            let passes = |outcome: &Outcome| outcome.status() == Status::Passed;
            prop_assert!(!passes(&none) || passes(&few));
            prop_assert!(!passes(&few) || passes(&all));
            let verdicts = |outcome: &Outcome| -> Vec<Verdict> {
                outcome.comparisons().flat_map(|it| &it.judged).map(|row| row.finding.verdict).collect()
            };
            prop_assert_eq!(verdicts(&none), verdicts(&all), "a verdict stays what it is");
        }

        #[test]
        fn accepting_nothing_changes_nothing(levels in levels(), runs in 1_u32..4) {
            let found = outcome(&named(&levels), runs, policy(vec![trailer("nothing", None, None)]));
            let rows: Vec<Option<Claim>> =
                found.comparisons().flat_map(|it| &it.judged).map(|row| row.claim).collect();
            prop_assert!(rows.iter().all(Option::is_none));
            prop_assert_eq!(found.status(), outcome(&named(&levels), runs, policy(vec![])).status());
        }
    }
}
