use perf_compare::Verdict;
use perf_compare::statistics::{
    Level, LevelUsed, Order, Series, Settings, Shift, SuiteShift, TakenAs, judge,
};

use super::{is_worse, runs, three, time};

/// Ten series whose runs all carry the machine's factor of the run.
fn suite(base: [f64; 3], head: [f64; 3], history: &[f64]) -> Vec<Series> {
    (0..10)
        .map(|i| {
            let level = 100.3 + 10.0 * f64::from(i);
            let noise = |run: usize| 1.0 + 0.004 * ((i as usize * 5 + run * 7) % 11) as f64 / 10.0;
            let side = |factors: &[f64], seed: usize| -> Vec<f64> {
                factors.iter().zip(seed..).map(|(factor, run)| level * factor * noise(run)).collect()
            };
            let history = side(history, 20);
            super::with_history(&history, time(&side(&base, 0), &side(&head, 3)))
        })
        .collect()
}

fn shift(series: &[Series], settings: &Settings) -> Shift {
    judge(series, settings).suite.shift.expect("ten series share a machine")
}

fn count_worse(series: &[Series], settings: &Settings) -> usize {
    judge(series, settings).series.iter().filter(|found| is_worse(found.verdict)).count()
}

const SAME: [f64; 3] = [1.0; 3];

#[test]
fn a_slow_machine_is_taken_out_and_reported() {
    let series = suite(SAME, [1.06; 3], &[]);
    assert_eq!(count_worse(&series, &Settings::default()), 0);
    let found = shift(&series, &Settings::default());
    assert_eq!((found.verdict, found.taken_as), (Verdict::Unchanged, TakenAs::Machine));
    assert!((found.change - 0.06).abs() < 0.005, "{found:?}");
}

#[test]
fn a_shift_beyond_the_fail_limit_that_nothing_explains_is_a_regression_of_the_suite() {
    let series = suite(SAME, [1.4; 3], &[]);
    assert_eq!(count_worse(&series, &Settings::default()), 0, "it is one finding, not ten");
    assert_eq!(shift(&series, &Settings::default()).verdict, Verdict::Regressed);
    let warn = Settings { suite_shift: SuiteShift::Warn, ..Settings::default() };
    assert_eq!(shift(&series, &warn).verdict, Verdict::Slower);
    assert_eq!(shift(&suite(SAME, [1.15; 3], &[]), &Settings::default()).verdict, Verdict::Slower);
    assert_eq!(shift(&suite([1.4; 3], SAME, &[]), &Settings::default()).verdict, Verdict::Improved);
}

#[test]
fn runs_that_do_not_agree_or_are_too_few_do_not_fail_the_suite() {
    let torn = suite(SAME, [1.4, 1.0, 1.4], &[]);
    assert_eq!(shift(&torn, &Settings::default()).verdict, Verdict::Inconclusive);
    let mut single = suite(SAME, [1.4; 3], &[]);
    single.iter_mut().for_each(|series| series.head.truncate(1));
    assert_eq!(shift(&single, &Settings::default()).verdict, Verdict::Slower);
}

#[test]
fn a_history_that_jumps_as_far_explains_a_shift() {
    let jumping: Vec<f64> = (0..20).map(|i| [1.0, 1.4, 1.2][i % 3]).collect();
    let found = shift(&suite(SAME, [1.4; 3], &jumping), &Settings::default());
    assert_eq!((found.verdict, found.taken_as), (Verdict::Inconclusive, TakenAs::Machine));
    assert!(found.history_sd.unwrap() > 0.05, "{found:?}");
}

#[test]
fn a_shift_that_a_steady_history_does_not_explain_is_the_change() {
    let series = suite(SAME, [1.4; 3], &[1.0; 20]);
    let found = shift(&series, &Settings::default());
    assert_eq!((found.verdict, found.taken_as), (Verdict::Regressed, TakenAs::Change));
    assert_eq!(count_worse(&series, &Settings::default()), 10);
}

#[test]
fn between_interleaved_runs_no_shift_is_taken_out() {
    let settings = Settings { order: Order::Interleaved, ..Settings::default() };
    // The machine slows down by half during the measurement; each head run is 15 % slower than its neighbour.
    let drifting = suite([1.0, 1.2, 1.5], [1.15, 1.38, 1.725], &[]);
    assert_eq!(count_worse(&drifting, &settings), 10);
    assert_eq!(shift(&drifting, &settings).taken_as, TakenAs::Change);
    assert_eq!(count_worse(&suite([1.0, 1.2, 1.5], [1.0, 1.2, 1.5], &[]), &settings), 0);
}

#[test]
fn what_the_machine_does_between_two_runs_in_turns_is_no_change() {
    let settings = Settings { order: Order::Interleaved, ..Settings::default() };
    let strict = |mut series: Vec<Series>| {
        series.iter_mut().for_each(|series| series.limits.warn = 0.02);
        series
    };
    // The middle pair says 4 %, but no two pairs agree.
    let restless = strict(suite(SAME, [1.04, 0.97, 1.05], &[]));
    assert_eq!(count_worse(&restless, &settings), 0);
    let found = shift(&restless, &settings);
    assert_eq!((found.verdict, found.taken_as), (Verdict::Unchanged, TakenAs::Machine));
    // It may hide a change of the warn limit: that is not excluded.
    let findings = judge(&restless, &settings).series;
    assert!(findings.iter().all(|found| found.verdict == Verdict::Inconclusive), "{findings:?}");
    let steady = strict(suite(SAME, [1.04; 3], &[]));
    assert_eq!(count_worse(&steady, &settings), 10);
    assert_eq!(shift(&steady, &settings).taken_as, TakenAs::Change);
}

/// A made-up session of so many pairs of twenty series at 2 % noise.
#[derive(Clone, Copy)]
struct Session {
    /// How much slower the head of one of them is.
    change: f64,
    pairs: usize,
    /// Whether the base is run twice in every pair.
    twice: bool,
}

impl Session {
    /// Returns in how many of two hundred sessions the series that changed is called worse, and how often another one is.
    fn found(self) -> (usize, usize) {
        let settings = Settings { order: Order::Interleaved, ..Settings::default() };
        let mut rng = fastrand::Rng::with_seed(7);
        let mut run = |level: f64| {
            let noise: f64 = (0..12).map(|_| rng.f64()).sum::<f64>() - 6.0;
            Some(Level { middle: level * (0.02 * noise).exp(), best: None, spread: None })
        };
        let session = |_| {
            let of = |name: usize| 100.0 + 10.0 * name as f64;
            let series: Vec<Series> = (0..20)
                .map(|name| {
                    let head = of(name) * if name == 3 { self.change } else { 1.0 };
                    let mut side = |level: f64| (0..self.pairs).map(|_| run(level)).collect::<Vec<_>>();
                    let (base, again, head) = (side(of(name)), side(of(name)), side(head));
                    let again = if self.twice { again } else { vec![] };
                    let limits = perf_compare::Limits { warn: 0.02, fail: 0.25 };
                    Series { base, again, head, limits, ..time(&[1.0], &[1.0]) }
                })
                .collect();
            let findings = judge(&series, &settings).series;
            let (changed, others): (Vec<usize>, Vec<usize>) =
                (0..20).filter(|&name| is_worse(findings[name].verdict)).partition(|&name| name == 3);
            (changed.len(), others.len())
        };
        (0..200).map(session).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }
}

#[test]
fn a_base_that_was_run_twice_in_every_pair_tells_more_of_the_same_change() {
    for (pairs, change) in [(5, 1.06), (1, 1.15)] {
        let found = |change: f64, twice: bool| Session { change, pairs, twice }.found();
        let (once, twice) = (found(change, false), found(change, true));
        assert!(twice.0 >= once.0 + 20, "{pairs} pairs: found in {} and {} of 200 sessions", once.0, twice.0);
        // Of two hundred sessions ten may warn of what did not change.
        assert!(found(1.0, true).1 <= 20, "{pairs} pairs: {:?}", found(1.0, true));
    }
}

#[test]
fn a_series_whose_base_differs_from_itself_in_the_only_pair_is_not_called_slower() {
    let settings = Settings { order: Order::Interleaved, ..Settings::default() };
    let mut series: Vec<Series> = (0..5).flat_map(|_| suite(SAME, SAME, &[])).collect();
    for series in &mut series {
        series.base.truncate(1);
        series.again = series.base.clone();
        series.head.truncate(1);
    }
    let scale = |runs: &mut [Option<Level>], factor: f64| {
        runs.iter_mut().flatten().for_each(|level| level.middle *= factor);
    };
    scale(&mut series[7].head, 1.3);
    scale(&mut series[8].head, 1.3);
    scale(&mut series[8].again, 0.8);
    let findings = judge(&series, &settings).series;
    assert_eq!(
        [findings[7].verdict, findings[8].verdict],
        [Verdict::Slower, Verdict::Inconclusive],
        "{findings:?}"
    );
}

#[test]
fn a_machine_that_changes_within_a_pair_is_told_from_the_change() {
    let settings = Settings { order: Order::Interleaved, ..Settings::default() };
    // Between the two runs of the second pair the machine became half as slow again.
    let mut series = suite([1.0, 1.0, 1.5], [1.0, 1.5, 1.5], &[]);
    assert_eq!(count_worse(&series, &settings), 0);
    assert_eq!(shift(&series, &settings).verdict, Verdict::Unchanged);
    series[4].head.iter_mut().flatten().for_each(|level| level.middle *= 1.4);
    let findings = judge(&series, &settings).series;
    let worse: Vec<usize> = (0..10).filter(|&i| is_worse(findings[i].verdict)).collect();
    assert_eq!(worse, [4]);
}

#[test]
fn a_shift_that_the_base_shows_against_itself_is_no_alarm_of_the_suite() {
    let settings = Settings { order: Order::Interleaved, ..Settings::default() };
    let mut series = suite(SAME, [1.15, 1.2, 1.12], &[]);
    assert_eq!(shift(&series, &settings).verdict, Verdict::Slower, "nothing else is known of the machine");
    for series in &mut series {
        let factors = [1.1, 0.9, 0.92];
        series.again = series.base.clone();
        for (level, factor) in series.again.iter_mut().flatten().zip(factors) {
            level.middle *= factor;
        }
    }
    let found = shift(&series, &settings);
    assert_eq!((found.verdict, found.taken_as), (Verdict::Inconclusive, TakenAs::Machine), "{found:?}");
}

#[test]
fn a_machine_that_hardly_touched_one_series_makes_no_change_of_it() {
    let settings = Settings { order: Order::Interleaved, ..Settings::default() };
    // The head ran while the machine was up to three times as fast, but for one series, which varies by itself.
    let mut series = suite([1.0, 1.0, 1.0], [0.3, 0.6, 0.35], &[]);
    series[4].head = runs(&[156.0, 152.0, 159.0]);
    assert_eq!(shift(&series, &settings).taken_as, TakenAs::Machine);
    let found = &judge(&series, &settings).series[4];
    assert_eq!(found.verdict, Verdict::Inconclusive, "{found:?}");
}

#[test]
fn one_pair_of_runs_of_many_series_warns_of_a_large_change() {
    let settings = Settings { order: Order::Interleaved, ..Settings::default() };
    let mut series: Vec<Series> = (0..5).flat_map(|_| suite(SAME, SAME, &[])).collect();
    for series in &mut series {
        series.base.truncate(1);
        series.head.truncate(1);
    }
    assert_eq!(count_worse(&series, &settings), 0);
    series[7].head.iter_mut().flatten().for_each(|level| level.middle *= 1.3);
    let findings = judge(&series, &settings).series;
    let worse: Vec<(usize, Verdict)> =
        (0..50).map(|i| (i, findings[i].verdict)).filter(|(_, verdict)| is_worse(*verdict)).collect();
    assert_eq!(worse, [(7, Verdict::Slower)], "one run cannot fail");
}

#[test]
fn a_small_suite_shares_a_machine_only_where_that_explains_its_noise() {
    let jumping = [1.0, 1.3, 1.1, 0.9, 1.2, 1.0, 1.25, 0.95];
    for (history, shares) in [(jumping, true), ([1.0; 8], false)] {
        let mut series = suite(SAME, SAME, &history);
        series.truncate(6);
        assert_eq!(judge(&series, &Settings::default()).suite.shift.is_some(), shares, "{history:?}");
        series.truncate(4);
        assert_eq!(judge(&series, &Settings::default()).suite.shift, None);
    }
}

#[test]
fn one_slow_series_in_a_slow_suite_is_told_apart() {
    let mut series = suite(SAME, [1.06; 3], &[]);
    series[4].head = runs(&three(300.3));
    let findings = judge(&series, &Settings::default()).series;
    let worse: Vec<usize> = (0..10).filter(|&i| is_worse(findings[i].verdict)).collect();
    assert_eq!(worse, [4]);
}

#[test]
fn a_run_that_skipped_some_series_is_still_held_against_the_same_run_of_the_others() {
    // The second head run was twice as slow; half of the series were not measured in it.
    let mut series = suite(SAME, [1.0, 2.0, 1.0], &[]);
    series.iter_mut().skip(8).for_each(|series| series.head[1] = None);
    let findings = judge(&series, &Settings::default()).series;
    assert!(findings.iter().all(|found| found.verdict == Verdict::Unchanged), "{findings:?}");
    assert_eq!(findings[9].head_runs, 2);
}

#[test]
fn on_a_machine_that_others_use_the_best_sample_is_the_level() {
    let mut series = suite(SAME, SAME, &[]);
    for (i, series) in series.iter_mut().enumerate() {
        for (run, level) in series.base.iter_mut().chain(&mut series.head).enumerate() {
            let level = level.as_mut().unwrap();
            let stolen = 1.0 + ((i * 3 + run * 5) % 7) as f64 / 7.0;
            *level = Level { middle: level.middle * stolen, best: Some(level.middle), spread: Some(0.3) };
        }
    }
    let findings = judge(&series, &Settings::default());
    assert_eq!(findings.suite.level, LevelUsed::Best);
    assert!(findings.series.iter().all(|found| found.verdict == Verdict::Unchanged));
}

#[test]
fn memory_does_not_share_the_speed_of_the_machine() {
    let mut series = suite(SAME, [1.2; 3], &[]);
    let memory = Series { kind: perf_model::Kind::Size, ..time(&three(500.3), &three(500.3)) };
    series.push(memory);
    let findings = judge(&series, &Settings::default()).series;
    assert_eq!(findings[10].verdict, Verdict::Unchanged);
    assert!(findings[10].change.unwrap().abs() < 1e-9);
}

#[test]
fn a_series_is_held_against_the_others_not_against_itself() {
    let change = |slowdown: f64| {
        let mut series = suite(SAME, SAME, &[]);
        series.truncate(8);
        for level in series[3].head.iter_mut().flatten() {
            *level = level.scaled(slowdown);
        }
        judge(&series, &Settings::default()).series[3].change.unwrap() + 1.0
    };
    let growth = change(1.3) / change(1.01);
    assert!((growth - 1.3 / 1.01).abs() < 1e-9, "{growth}");
}

#[test]
fn nothing_is_unchanged_that_an_unusual_machine_may_hide() {
    let verdicts = |machine: f64| {
        let mut series = suite(SAME, [machine; 3], &[]);
        series.iter_mut().for_each(|series| series.limits.warn = 0.05);
        judge(&series, &Settings::default()).series.into_iter().map(|found| found.verdict)
    };
    assert!(verdicts(1.0).all(|verdict| verdict == Verdict::Unchanged));
    assert!(verdicts(1.06).all(|verdict| verdict == Verdict::Inconclusive));
    assert!(verdicts(0.94).all(|verdict| verdict == Verdict::Unchanged));
}
