use fastrand::Rng;
use perf_compare::{change_points, possible_change_point};
use proptest::prelude::*;

/// Values around `level` with a standard deviation of 1 %.
fn noisy(rng: &mut Rng, level: f64, count: usize) -> Vec<f64> {
    let noise = |rng: &mut Rng| (0..12).map(|_| rng.f64() - 0.5).sum::<f64>();
    (0..count).map(|_| level * (1.0 + 0.01 * noise(rng))).collect()
}

fn stepped(seed: u64, levels: &[(f64, usize)]) -> Vec<f64> {
    let mut rng = Rng::with_seed(seed);
    levels.iter().flat_map(|(level, count)| noisy(&mut rng, *level, *count)).collect()
}

#[test]
fn a_step_is_found_where_it_is_with_its_size() {
    let found = change_points(&stepped(1, &[(100.0, 40), (110.0, 40)]));
    assert_eq!(found.len(), 1, "{found:?}");
    let change = found[0];
    assert!(change.index.abs_diff(40) <= 1, "{change:?}");
    let interval = change.interval.unwrap();
    assert!(interval.low < 0.1 && 0.1 < interval.high, "{change:?}");
    assert!((change.before - 100.0).abs() < 1.0 && (change.after - 110.0).abs() < 1.1, "{change:?}");
    assert!(change.p < 1e-10, "{change:?}");
}

#[test]
fn spikes_short_histories_and_constant_values_have_no_change() {
    let mut spiky = stepped(2, &[(100.0, 80)]);
    spiky[20] = 300.0;
    spiky[50] = 200.0;
    assert_eq!(change_points(&spiky), []);
    assert_eq!(change_points(&stepped(3, &[(1.0, 9), (2.0, 9)])), []);
    assert_eq!(change_points(&[5.0; 100]), []);
    assert_eq!(change_points(&[]), []);
}

#[test]
fn zeros_and_negative_values_have_changes_without_ratios() {
    let values: Vec<f64> = (0..60).map(|i| f64::from(i % 3 - 1) + if i < 30 { 0.0 } else { 20.0 }).collect();
    let found = change_points(&values);
    assert_eq!(found.iter().map(|change| change.index).collect::<Vec<_>>(), [30]);
    assert_eq!((found[0].change, found[0].before, found[0].after), (None, 0.0, 20.0));
}

#[test]
fn a_young_change_is_possible_before_it_is_certain() {
    let values = stepped(4, &[(100.0, 40), (120.0, 10)]);
    for behind in 1..=10_usize {
        let so_far = &values[..40 + behind];
        let possible = possible_change_point(so_far).is_some();
        let certain = change_points(so_far).len();
        let expected = match behind {
            1..3 => (false, 0),
            3..9 => (true, 0),
            // One old value makes ten.
            9.. => (false, 1),
            _ => unreachable!("at least one value is behind"),
        };
        assert_eq!((possible, certain), expected, "{behind} behind");
    }
    assert_eq!(possible_change_point(&stepped(5, &[(100.0, 60)])), None);
}

#[test]
fn steps_of_less_than_three_percent_and_levels_of_less_than_ten_values_are_left_out() {
    for (levels, expected) in [
        ([(100.0, 60), (102.5, 60), (102.5, 1)], 0),
        ([(100.0, 60), (104.0, 60), (104.0, 1)], 1),
        ([(100.0, 60), (115.0, 8), (100.0, 60)], 0),
        ([(100.0, 60), (115.0, 12), (100.0, 60)], 2),
    ] {
        assert_eq!(change_points(&stepped(6, &levels)).len(), expected, "{levels:?}");
    }
}

#[test]
fn few_changes_are_found_where_there_are_none() {
    let false_ones: usize = (0..20).map(|seed| change_points(&stepped(seed, &[(100.0, 200)])).len()).sum();
    assert!(false_ones <= 1, "{false_ones} in 4,000 values");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn appending_to_the_last_level_moves_no_earlier_change(seed in 0..1000_u64, more in 1..60_usize) {
        let values = stepped(seed, &[(100.0, 50), (115.0, 50), (90.0, 50 + more)]);
        let places = |values: &[f64]| change_points(values).iter().map(|change| change.index).collect::<Vec<_>>();
        prop_assert_eq!(places(&values[..150]), places(&values));
    }

    #[test]
    fn the_unit_does_not_move_a_change(seed in 0..1000_u64, power in -30..30) {
        let values = stepped(seed, &[(100.0, 30), (108.0, 30)]);
        let scaled: Vec<f64> = values.iter().map(|value| value * 2_f64.powi(power)).collect();
        let places = |values: &[f64]| change_points(values).iter().map(|change| change.index).collect::<Vec<_>>();
        prop_assert_eq!(places(&values), places(&scaled));
    }
}

#[test]
fn the_place_of_a_step_lies_in_its_range() {
    // Noise of 4 % and a step of 6 %: the most likely place is often a neighbour.
    let (mut found, mut exact, mut covered, mut width) = (0, 0, 0, 0);
    for seed in 0..200 {
        let mut rng = Rng::with_seed(seed);
        let mut around = |level: f64| level + 4.0 * (noisy(&mut rng, 100.0, 1)[0] - 100.0);
        let values: Vec<f64> = (0..80).map(|i| around(if i < 40 { 100.0 } else { 106.0 })).collect();
        for change in change_points(&values) {
            found += 1;
            exact += usize::from(change.index == 40);
            covered += usize::from((change.earliest..=change.latest).contains(&40));
            width += change.latest - change.earliest + 1;
            assert!((change.earliest..=change.latest).contains(&change.index), "{change:?}");
        }
    }
    assert!(found > 150, "{found}");
    assert!(exact < found * 3 / 4, "an easy case: {exact} of {found}");
    assert!(covered * 100 >= found * 93, "{covered} of {found}");
    assert!(width < 15 * found, "{width} places for {found} changes");
    let sharp = change_points(&stepped(1, &[(100.0, 40), (150.0, 40)]));
    assert_eq!((sharp[0].earliest, sharp[0].latest), (40, 40));
}
