use perf_compare::statistics::{Doubt, Series, Settings, judge};
use perf_compare::{Limits, Verdict};
use proptest::prelude::*;

use super::{is_worse, runs, time, with_history};

fn values(count: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(0.6..1.6, count)
}

/// Series of very different sizes whose runs vary by up to some share of it.
fn series() -> impl Strategy<Value = Series> {
    let spread = prop::sample::select(vec![0.01, 0.1, 1.0]);
    let history = prop_oneof![Just(vec![]), values(5..25)];
    (1.0..1e6, spread, values(1..6), values(1..6), history, 0.7..1.8).prop_map(
        |(size, spread, base, head, history, change)| {
            let side = |values: &[f64], change: f64| -> Vec<f64> {
                values.iter().map(|value| size * change * (1.0 + spread * (value - 1.1))).collect()
            };
            with_history(&side(&history, 1.0), time(&side(&base, 1.0), &side(&head, change)))
        },
    )
}

fn suite() -> impl Strategy<Value = Vec<Series>> {
    prop::collection::vec(series(), 1..14)
}

fn verdicts(series: &[Series]) -> Vec<Verdict> {
    judge(series, &Settings::default()).series.iter().map(|found| found.verdict).collect()
}

fn scaled(series: &Series, factor: f64) -> Series {
    let side = |side: &[Option<perf_compare::statistics::Level>]| {
        side.iter().map(|run| run.map(|level| level.scaled(factor))).collect()
    };
    Series {
        base: side(&series.base),
        head: side(&series.head),
        history: series.history.iter().map(|entry| side(entry)).collect(),
        ..series.clone()
    }
}

proptest! {
    #[test]
    fn swapping_the_sides_mirrors_the_verdicts(mut series in prop::collection::vec(series(), 1..5)) {
        // The history belongs to the base, and a suite's own level comes from its base: neither has a mirror
        // image.
        series.iter_mut().for_each(|series| series.history.clear());
        let forth = verdicts(&series);
        series.iter_mut().for_each(|series| std::mem::swap(&mut series.base, &mut series.head));
        for (one, other) in forth.iter().zip(verdicts(&series)) {
            prop_assert_eq!(is_worse(*one), other == Verdict::Improved, "{:?} {:?}", one, other);
        }
    }

    #[test]
    fn the_unit_does_not_matter(series in suite(), powers in prop::collection::vec(-20..20, 14)) {
        let converted: Vec<Series> =
            series.iter().zip(&powers).map(|(series, power)| scaled(series, 2_f64.powi(*power))).collect();
        prop_assert_eq!(verdicts(&series), verdicts(&converted));
    }

    #[test]
    fn the_order_of_the_series_does_not_matter(series in suite(), seed: u64) {
        let mut order: Vec<usize> = (0..series.len()).collect();
        fastrand::Rng::with_seed(seed).shuffle(&mut order);
        let shuffled: Vec<Series> = order.iter().map(|&index| series[index].clone()).collect();
        let (plain, shuffled) = (verdicts(&series), verdicts(&shuffled));
        let expected: Vec<Verdict> = order.iter().map(|&index| plain[index]).collect();
        prop_assert_eq!(expected, shuffled);
    }

    #[test]
    fn the_order_of_the_runs_does_not_matter(mut series in prop::collection::vec(series(), 1..5)) {
        // In a suite large enough to share a machine, the runs of all series change places together.
        let plain = verdicts(&series);
        for series in &mut series {
            series.base.reverse();
            series.head.reverse();
        }
        prop_assert_eq!(plain, verdicts(&series));
    }

    #[test]
    fn a_looser_limit_never_makes_a_verdict_worse(series in suite(), warn in 0.0..0.5, fail in 0.0..0.5) {
        let tight = verdicts(&series);
        let loosened = |series: &Series| {
            let Limits { warn: old_warn, fail: old_fail } = series.limits;
            Series { limits: Limits { warn: old_warn + warn, fail: old_fail + fail }, ..series.clone() }
        };
        let loose: Vec<Series> = series.iter().map(loosened).collect();
        for (tight, loose) in tight.iter().zip(verdicts(&loose)) {
            prop_assert!(!is_worse(loose) || *tight >= loose, "{:?} became {:?}", tight, loose);
        }
    }

    #[test]
    fn the_interval_holds_the_change_and_an_unchanged_series_excludes_the_warn_limit(series in suite()) {
        for found in judge(&series, &Settings::default()).series {
            let (Some(change), Some(evidence)) = (found.change, found.evidence) else { continue };
            let tolerance = 1e-9 * (1.0 + change.abs());
            prop_assert!(evidence.interval.low <= change + tolerance, "{:?}", found);
            prop_assert!(evidence.interval.high >= change - tolerance, "{:?}", found);
            if found.verdict == Verdict::Unchanged {
                prop_assert!(evidence.interval.high < Limits::default().warn, "{:?}", found);
            }
            let countable = found.doubt.is_some_and(|doubt| doubt != Doubt::Machine);
            prop_assert_eq!(found.runs_needed.is_some(), countable, "{:?}", found);
        }
    }

    #[test]
    fn any_numbers_are_judged_without_panicking(
        base in prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::ZERO, 0..5),
        head in prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::ZERO, 0..5),
        history in prop::collection::vec(prop::num::f64::POSITIVE, 0..9),
        absolute in prop::option::of(0.0..1e9),
    ) {
        let history: Vec<f64> = history.into_iter().filter(|value| value.is_finite()).collect();
        let series = with_history(&history, Series { absolute: absolute.map(|fail| Limits { warn: fail / 2.0, fail }), ..time(&base, &head) });
        let nine: Vec<Series> = (0..9).map(|_| series.clone()).collect();
        prop_assert_eq!(verdicts(&nine).len(), 9);
        prop_assert_eq!(runs(&base).len(), base.len());
    }
}
