use perf_compare::statistics::{Doubt, Finding, Judge, Series, Settings, judge};
use perf_compare::{Interval, Limits, Verdict};
use perf_model::{Better, Kind};

use super::{alone, runs, steady, three, time, with_history};

fn answer(finding: &Finding) -> (Verdict, Option<Doubt>) {
    (finding.verdict, finding.doubt)
}

#[test]
fn one_run_a_side_without_history_is_taken_to_vary_by_five_percent_and_never_fails() {
    // se = 0.05 * sqrt(2); with 3 degrees of freedom, t = 2.353 is where p = 5 % (ln 1.182).
    for (head, verdict) in [
        (110.0, Verdict::Inconclusive),
        (118.0, Verdict::Inconclusive),
        (119.0, Verdict::Slower),
        (900.0, Verdict::Slower),
        (80.0, Verdict::Improved),
    ] {
        assert_eq!(alone(time(&[100.0], &[head])).verdict, verdict, "{head}");
    }
    let finding = alone(time(&[100.0], &[110.5]));
    // 2 (4 * 0.05 / ln 1.1)^2 = 8.8
    assert_eq!((finding.doubt, finding.runs_needed), (Some(Doubt::NoiseUnknown), Some(9)));
    let finding = alone(time(&[100.0], &[900.0]));
    assert_eq!(finding.doubt, Some(Doubt::NoiseUnknown));
}

#[test]
fn one_head_run_against_a_history_warns_and_fails_only_where_asked() {
    let series = with_history(&steady(100.3), time(&three(100.3), &[150.3]));
    assert_eq!(answer(&alone(series.clone())), (Verdict::Slower, Some(Doubt::OneRun)));
    let settings = Settings { fail_on_one_run: true, ..Settings::default() };
    assert_eq!(answer(&judge(&[series], &settings).series[0]), (Verdict::Regressed, None));
}

#[test]
fn values_that_never_vary_are_held_against_the_limits_alone() {
    for (head, verdict) in [
        (100.0, Verdict::Unchanged),
        (109.0, Verdict::Unchanged),
        (110.0, Verdict::Slower),
        (125.0, Verdict::Regressed),
        (90.0, Verdict::Improved),
    ] {
        let finding = alone(with_history(&[100.0; 5], time(&[100.0; 2], &[head; 2])));
        assert_eq!((finding.verdict, finding.evidence), (verdict, None), "{head}");
    }
}

#[test]
fn exact_counts_need_one_run_and_from_zero_any_rise_is_a_regression() {
    let exact = |base, head| Series { kind: Kind::Exact, ..time(&[base], &[head]) };
    for (base, head, verdict) in [
        (1000.0, 1000.0, Verdict::Unchanged),
        (1000.0, 1100.0, Verdict::Slower),
        (1000.0, 1250.0, Verdict::Regressed),
        (0.0, 0.0, Verdict::Unchanged),
        (0.0, 1.0, Verdict::Regressed),
        (1.0, 0.0, Verdict::Improved),
    ] {
        assert_eq!(alone(exact(base, head)).verdict, verdict, "{base} to {head}");
    }
}

#[test]
fn identical_runs_are_unchanged() {
    let finding = alone(time(&three(100.0), &three(100.0)));
    assert_eq!((finding.verdict, finding.change), (Verdict::Unchanged, Some(0.0)));
    assert_eq!(alone(time(&[7.0], &[7.0])).verdict, Verdict::Unchanged);
}

/// An absolute limit that warns and fails at once.
fn at(limit: Option<f64>) -> Option<Limits> {
    limit.map(|limit| Limits { warn: limit, fail: limit })
}

#[test]
fn an_absolute_warning_comes_before_the_failure() {
    let absolute = Some(Limits { warn: 1.0, fail: 2.0 });
    for (head, verdict) in [(0.0, Verdict::Unchanged), (1.0, Verdict::Slower), (2.0, Verdict::Regressed)] {
        let timeouts = Series { kind: Kind::Count, absolute, judge: Judge::Limits, ..time(&[0.0], &[head]) };
        assert_eq!(alone(timeouts).verdict, verdict, "{head}");
    }
}

#[test]
fn values_that_may_be_zero_need_an_absolute_limit() {
    let errors = |absolute, base: &[f64], head: &[f64]| {
        alone(Series { kind: Kind::Ratio, absolute: at(absolute), ..time(base, head) })
    };
    let (none, few, many) = ([0.0, 0.001, 0.0], [0.001, 0.0, 0.001], [0.020, 0.021, 0.022]);
    assert_eq!(answer(&errors(None, &none, &many)), (Verdict::Inconclusive, Some(Doubt::NoRatio)));
    assert_eq!(errors(None, &none, &many).difference, Some(0.021));
    assert_eq!(errors(None, &[0.0; 3], &[0.0; 3]).verdict, Verdict::Unchanged);
    let fixed_long_ago = with_history(&[3.0, 0.0], time(&[0.0; 3], &[0.0; 3]));
    assert_eq!(alone(fixed_long_ago).verdict, Verdict::Unchanged);
    assert_eq!(errors(Some(0.01), &none, &many).verdict, Verdict::Regressed);
    assert_eq!(errors(Some(0.01), &many, &none).verdict, Verdict::Improved);
    assert_eq!(errors(Some(0.01), &none, &few).verdict, Verdict::Unchanged);
    assert_eq!(errors(Some(0.03), &none, &many).verdict, Verdict::Unchanged);
    let finding = errors(Some(0.01), &none, &many);
    assert_eq!((finding.change, finding.difference), (None, Some(0.021)));
    assert_eq!(
        answer(&errors(Some(0.01), &[0.0], &[0.5])),
        (Verdict::Inconclusive, Some(Doubt::NoiseUnknown))
    );
}

#[test]
fn negative_values_are_compared_as_differences() {
    let balance = Series { absolute: at(Some(5.0)), ..time(&[-20.0, -21.0, -19.0], &[-10.0, -11.0, -9.0]) };
    assert_eq!(alone(balance.clone()).verdict, Verdict::Regressed);
    assert_eq!(alone(Series { better: Better::Higher, ..balance }).verdict, Verdict::Improved);
}

#[test]
fn a_spike_in_one_of_three_runs_never_fails() {
    let finding = alone(time(&[99.5, 100.5, 101.5], &[100.2, 101.2, 300.2]));
    assert_eq!(finding.verdict, Verdict::Inconclusive);
    let spiky: Vec<f64> =
        (0..20).map(|i| if i % 6 == 5 { 250.5 } else { 100.5 + f64::from(i % 3) }).collect();
    let spiked = with_history(&spiky, time(&[100.5, 101.5, 102.5], &[101.5, 250.5, 100.5]));
    assert!(!super::is_worse(alone(spiked).verdict));
}

#[test]
fn the_upper_of_two_modes_is_no_regression() {
    let jumping: Vec<f64> = (0..20).map(|i| [100.1, 130.2][i % 2] * (1.0 + 0.001 * (i % 3) as f64)).collect();
    let finding = alone(with_history(&jumping, time(&[100.2, 100.3, 100.1], &[130.3, 130.2, 130.4])));
    assert!(finding.evidence.unwrap().two_modes);
    assert!(!super::is_worse(finding.verdict), "{finding:?}");
    let finding = alone(with_history(&steady(100.3), time(&three(100.3), &three(130.3))));
    assert_eq!((finding.verdict, finding.evidence.unwrap().two_modes), (Verdict::Regressed, false));
}

#[test]
fn sides_of_unequal_size_are_compared() {
    for (base, head) in [(2, 5), (5, 2), (1, 3), (3, 7)] {
        let values = |count: usize, level: f64| -> Vec<f64> {
            (0..count).map(|i| level * (1.0 + 0.005 * (i as f64 % 3.0 - 1.0))).collect()
        };
        let finding = alone(with_history(&steady(100.3), time(&values(base, 100.3), &values(head, 150.3))));
        assert_eq!(finding.verdict, Verdict::Regressed, "{base} against {head}");
        assert_eq!((finding.base_runs, finding.head_runs, finding.history), (base, head, 20));
    }
}

#[test]
fn a_missing_side_is_inconclusive_and_says_which() {
    assert_eq!(answer(&alone(time(&[], &[1.0]))), (Verdict::Inconclusive, Some(Doubt::NoBase)));
    assert_eq!(answer(&alone(time(&[1.0], &[]))), (Verdict::Inconclusive, Some(Doubt::NoHead)));
    let mut series = time(&[1.0], &[1.0]);
    series.head = vec![None, None];
    assert_eq!(answer(&alone(series)), (Verdict::Inconclusive, Some(Doubt::NoHead)));
    assert!(judge(&[], &Settings::default()).series.is_empty());
}

#[test]
fn one_slow_series_among_five_thousand_is_found_and_alone() {
    let mut suite: Vec<Series> = (0..5_000)
        .map(|i| {
            let turned = |mut runs: [f64; 3], by: usize| {
                runs.rotate_left(by);
                runs
            };
            let level = 10.3 + f64::from(i);
            time(&turned(three(level), i as usize % 3), &turned(three(level), i as usize / 3 % 3))
        })
        .collect();
    suite[2_500].head = runs(&three(4_000.3));
    let findings = judge(&suite, &Settings::default()).series;
    let worse: Vec<usize> = (0..5_000).filter(|&i| super::is_worse(findings[i].verdict)).collect();
    assert_eq!((worse.as_slice(), findings[2_500].verdict), ([2_500].as_slice(), Verdict::Regressed));
}

#[test]
fn values_in_whole_steps_are_as_noisy_as_their_rounding() {
    // Rounding 3.5 to whole numbers has a standard deviation of 1 / 3.5 / sqrt(12) = 8 %.
    let whole = alone(time(&[3.0, 3.0], &[4.0, 4.0]));
    let fine = alone(time(&[3.01, 3.01], &[4.01, 4.01]));
    assert_eq!((whole.verdict, fine.verdict), (Verdict::Slower, Verdict::Regressed));
    let noise = whole.evidence.unwrap().noise;
    assert!((noise - 0.0825).abs() < 0.003, "{noise}");
}

#[test]
fn a_noisy_series_is_inconclusive_and_says_how_many_runs_would_settle_it() {
    let finding = alone(time(&[80.5, 100.5, 120.5], &[90.5, 115.5, 130.5]));
    assert_eq!(answer(&finding), (Verdict::Inconclusive, Some(Doubt::TooNoisy)));
    assert!(finding.runs_needed.unwrap() > 3, "{finding:?}");
}

#[test]
fn for_rates_a_drop_is_for_the_worse() {
    let rate = |head: f64| {
        let series =
            Series { better: Better::Higher, kind: Kind::Rate, ..time(&three(1000.3), &three(head)) };
        alone(with_history(&steady(1000.3), series))
    };
    for (head, verdict) in [
        (700.3, Verdict::Regressed),
        (850.3, Verdict::Slower),
        (1000.3, Verdict::Unchanged),
        (1300.3, Verdict::Improved),
    ] {
        assert_eq!(rate(head).verdict, verdict, "{head}");
    }
    let Finding { change, evidence, .. } = rate(700.3);
    let (change, interval) = (change.unwrap(), evidence.unwrap().interval);
    assert!((change + 0.3).abs() < 0.005, "{change}");
    assert!(interval.low < change && change < interval.high && interval.high < 0.0, "{interval:?}");
}

#[test]
fn where_the_limits_alone_judge_noise_does_not_matter() {
    let wild = time(&[50.0, 100.0, 150.0], &[60.0, 130.0, 20.0]);
    assert_eq!(alone(wild.clone()).verdict, Verdict::Inconclusive);
    let by_limits = Series { judge: Judge::Limits, ..wild.clone() };
    assert_eq!(alone(by_limits).verdict, Verdict::Improved, "60 is 40 % below 100");
    let by_difference = Series { judge: Judge::Limits, absolute: at(Some(45.0)), ..wild };
    assert_eq!(alone(by_difference).verdict, Verdict::Unchanged, "40 is below the limit of 45");
}

#[test]
fn every_series_is_held_against_its_own_limits() {
    let slower = with_history(&steady(100.3), time(&three(100.3), &three(115.3)));
    let strict = Series { limits: Limits { warn: 0.05, fail: 0.05 }, ..slower.clone() };
    let lax = Series { limits: Limits { warn: 0.5, fail: 1.0 }, ..slower.clone() };
    let verdicts: Vec<Verdict> = judge(&[strict, slower, lax], &Settings::default())
        .series
        .iter()
        .map(|found| found.verdict)
        .collect();
    assert_eq!(verdicts, [Verdict::Regressed, Verdict::Slower, Verdict::Unchanged]);
}

#[test]
fn summaries_are_judged_like_medians() {
    use perf_compare::statistics::Level;
    use perf_model::{Reading, Summary};
    let level = |value| {
        Some(Level::of(&Reading::Summary(Summary::new(value, Some(0.5), Some(30)).unwrap()), Better::Lower))
    };
    let side = |level_of_side: f64| three(level_of_side).map(level).to_vec();
    let series = Series { base: side(100.3), head: side(140.3), ..time(&[], &[]) };
    assert_eq!(alone(series).verdict, Verdict::Regressed);
}

#[test]
fn three_earlier_baselines_make_the_answer_sharper() {
    let series = time(&three(100.3), &three(100.3));
    let spread = |history: &[f64]| {
        let Interval { low, high } = alone(with_history(history, series.clone())).evidence.unwrap().interval;
        high - low
    };
    let (none, two, three) = (spread(&[]), spread(&[100.1, 100.9]), spread(&[100.1, 100.9, 100.3]));
    assert_eq!(none, two, "two are too few to learn from");
    assert!(three < 0.95 * two, "{three} against {two}");
}

#[test]
fn unchanged_holds_against_the_base_alone_as_against_its_history() {
    let strict = |base: f64, history: f64| {
        let series =
            Series { limits: Limits { warn: 0.05, fail: 0.05 }, ..time(&three(base), &three(104.3)) };
        alone(with_history(&steady(history), series)).verdict
    };
    assert_eq!(strict(103.3, 103.3), Verdict::Unchanged);
    assert_eq!(strict(100.3, 103.3), Verdict::Inconclusive, "4 % slower than the base's own runs");
}

#[test]
fn all_of_a_throughput_lost_is_a_regression() {
    let rate = |base: &[f64], head: &[f64]| {
        alone(Series { better: Better::Higher, kind: Kind::Rate, ..time(base, head) })
    };
    let finding = rate(&three(500.0), &[0.0; 3]);
    assert_eq!((finding.verdict, finding.change), (Verdict::Regressed, Some(-1.0)));
    assert_eq!(
        rate(&[0.0; 3], &three(500.0)).doubt,
        Some(Doubt::NoRatio),
        "there is nothing to compare with"
    );
}

#[test]
fn earlier_baselines_do_not_make_a_change_that_the_base_hardly_shows() {
    // Noisy around 100; the base lies above, where its single run may by chance.
    let noisy = [100.0, 105.0, 96.0, 103.0, 94.0, 101.0, 99.0, 106.0, 97.0, 102.0, 95.0, 104.0];
    let landed = |head: &[f64]| alone(with_history(&noisy, time(&[114.0], head)));
    let finding = landed(&[115.0, 115.2, 115.1]);
    assert!(finding.change.unwrap() <= 2.0 * (115.1 / 114.0 - 1.0) + 1e-4, "{finding:?}");
    assert!(!super::is_worse(finding.verdict), "{finding:?}");
    assert_eq!(landed(&[150.0, 150.5, 149.5]).verdict, Verdict::Regressed);
}
