//! In which order a session measures its sides.

/// What one run of a session measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The base.
    Base,
    /// The head.
    Head,
    /// The base again: whatever seems to have changed between the two is the machine's doing.
    Control,
}

/// Returns the order of one round, counted from 0.
///
/// Rounds come in blocks of two that mirror each other (base, head, head, base), so that a machine that slows
/// down steadily slows both sides alike; the seed says which of the two comes first in each block. With a control the
/// head runs between the two runs of the base, and in every other block, as the seed says, at both ends instead: nothing
/// that repeats itself, such as a job that slows every third run down, falls in step with it for long. It never runs
/// twice in a row, or one slow moment could fall on both.
pub fn order_of(seed: u64, round: u32, control: bool) -> Vec<Side> {
    let block = u64::from(round / 2);
    let drawn = mixed(seed ^ mixed(block));
    let (swapped, at_ends) = (drawn & 1 == 1, block % 2 == 0 && drawn & 2 == 2);
    let (one, other) = match (control, swapped) {
        (true, false) => (Side::Base, Side::Control),
        (true, true) => (Side::Control, Side::Base),
        (false, false) => (Side::Base, Side::Head),
        (false, true) => (Side::Head, Side::Base),
    };
    let mut order = vec![one, other];
    if control {
        order.insert(usize::from(!at_ends), Side::Head);
    }
    if round % 2 == 1 {
        order.reverse();
    }
    order
}

/// Spreads the bits of a number (SplitMix64: Steele, Lea and Flood, OOPSLA 2014).
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn positions(seed: u64, rounds: u32, control: bool) -> Vec<(usize, Side)> {
        (0..rounds).flat_map(|round| order_of(seed, round, control)).enumerate().collect()
    }

    proptest! {
        #[test]
        fn a_steady_drift_falls_on_all_sides_alike(seed: u64, blocks in 1u32..6, control: bool) {
            let runs = positions(seed, 2 * blocks, control);
            let sum = |side: Side| -> usize {
                runs.iter().filter(|(_, it)| *it == side).map(|(position, _)| position).sum()
            };
            prop_assert_eq!(sum(Side::Base), sum(Side::Head));
            if control {
                prop_assert_eq!(sum(Side::Base), sum(Side::Control));
            }
        }

        #[test]
        fn every_round_measures_every_side_once(seed: u64, round in 0u32..100, control: bool) {
            let mut order = order_of(seed, round, control);
            order.sort();
            let all = [Side::Base, Side::Head, Side::Control];
            prop_assert_eq!(order, &all[..if control { 3 } else { 2 }]);
        }
    }

    #[test]
    fn with_a_control_the_head_has_no_fixed_place_and_never_runs_twice_in_a_row() {
        for seed in 0..100 {
            let runs: Vec<Side> = (0..40).flat_map(|round| order_of(seed, round, true)).collect();
            assert!(!runs.windows(2).any(|pair| pair == [Side::Head; 2]), "{seed}: {runs:?}");
        }
        let begins = |seed: &u64| order_of(*seed, 0, true)[0] == Side::Head;
        let first = (0..1000).filter(begins).count();
        assert!((400..600).contains(&first), "{first} of 1000");
    }

    #[test]
    fn the_seed_decides_which_side_begins() {
        let begins = |seed| order_of(seed, 0, false)[0];
        let bases = (0..1000).filter(|seed| begins(*seed) == Side::Base).count();
        assert!((400..600).contains(&bases), "{bases} of 1000");
        let blocks = (0..1000).filter(|block| order_of(7, 2 * block, false)[0] == Side::Base).count();
        assert!((400..600).contains(&blocks), "{blocks} of 1000");
    }
}
