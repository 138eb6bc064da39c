//! Which runs of two baselines were taken in turns and so belong together.

use std::collections::{BTreeMap, BTreeSet};

use perf_model::{Measurement, Run, RunId, SeriesId, Turn};

use crate::pair::Pair;

/// How the runs of a comparison in turns were chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turns {
    /// How many pairs of runs were judged.
    pub pairs: usize,
    /// Of how many of them the base was run a second time in the same round.
    pub twice: usize,
    /// How many other runs of the two commits were left out: they were not taken beside a run of the other side.
    pub left_out: usize,
}

/// The runs of both sides that are judged.
pub(crate) struct Chosen<'a> {
    pub(crate) before: Vec<&'a Run>,
    pub(crate) after: Vec<&'a Run>,
    /// The base's other run of each pair's round; empty where the runs are no pairs.
    pub(crate) again: Vec<Option<&'a Run>>,
    /// Where run `i` of the one side belongs to run `i` of the other.
    pub(crate) turns: Option<Turns>,
}

/// Chooses the runs that were taken in turns, where they measured all that the two sides share; else all runs.
///
/// One pair among several runs of the head is no reason to leave the others out.
pub(crate) fn chosen(pair: &Pair) -> Chosen<'_> {
    let (before, after) = (&pair.before().runs, &pair.after().runs);
    let pairs = pairs(before, after);
    if pairs.len() >= 2.min(after.len()) && !pairs.is_empty() && cover(&pairs, before, after) {
        let again: Vec<Option<&Run>> = pairs.iter().map(|pair| pair.again).collect();
        let (count, twice) = (pairs.len(), again.iter().flatten().count());
        let left_out = before.len() + after.len() - 2 * count - twice;
        let turns = Turns { pairs: count, twice, left_out };
        let (before, after) = pairs.into_iter().map(|pair| (pair.base, pair.head)).unzip();
        return Chosen { before, after, again, turns: Some(turns) };
    }
    Chosen { before: before.iter().collect(), after: after.iter().collect(), again: vec![], turns: None }
}

/// Runs of one session and one round.
struct Paired<'a> {
    base: &'a Run,
    /// The base, measured a second time: the control of the session.
    again: Option<&'a Run>,
    head: &'a Run,
}

/// Pairs runs of one session and one round: session by session as they were taken, and by their rounds, whatever
/// the clock said.
fn pairs<'a>(before: &'a [Run], after: &'a [Run]) -> Vec<Paired<'a>> {
    let mut of_base: BTreeMap<_, Vec<&Run>> = BTreeMap::new();
    before.iter().filter_map(|run| Some((key(run)?, run))).for_each(|(key, run)| {
        of_base.entry(key).or_default().push(run);
    });
    let mut sessions: Vec<&RunId> = vec![];
    let mut pairs = BTreeMap::new();
    for head in after {
        let (Some(turn), Some(key)) = (&head.turn, key(head)) else { continue };
        let Some([base, rest @ ..]) = of_base.get(&key).map(Vec::as_slice) else { continue };
        let session = sessions.iter().position(|known| **known == turn.session).unwrap_or_else(|| {
            sessions.push(&turn.session);
            sessions.len() - 1
        });
        let pair = Paired { base, again: rest.first().copied(), head };
        pairs.entry((session, turn.round)).or_insert(pair);
    }
    pairs.into_values().collect()
}

fn key(run: &Run) -> Option<(&str, u32)> {
    let Turn { session, round, .. } = run.turn.as_ref()?;
    Some((session.as_str(), *round))
}

/// Returns whether the pairs measured every series that occurs on both sides.
fn cover(pairs: &[Paired<'_>], before: &[Run], after: &[Run]) -> bool {
    let series = |runs: &mut dyn Iterator<Item = &Run>| -> BTreeSet<SeriesId> {
        runs.flat_map(|run| &run.measurements).map(Measurement::series).collect()
    };
    let shared = &series(&mut before.iter()) & &series(&mut after.iter());
    let base = series(&mut pairs.iter().map(|pair| pair.base));
    let head = series(&mut pairs.iter().map(|pair| pair.head));
    shared.is_subset(&base) && shared.is_subset(&head)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use perf_model::{Baseline, Metric};
    use time::Duration;

    use super::*;
    use crate::fixtures::{baseline_of, measurement};

    /// The session and round of a run that has one, its only series and its level.
    type Measured<'a> = (Option<(u128, u32)>, &'a str, f64);

    fn side(runs: &[Measured<'_>]) -> Baseline {
        let measured =
            |(_, name, level): &Measured<'_>| vec![measurement(name, Metric::time("time", "ns"), &[*level])];
        let mut side = baseline_of(runs.iter().map(measured).collect());
        for (index, (run, (turn, ..))) in side.runs.iter_mut().zip(runs).enumerate() {
            run.time += Duration::seconds(index as i64);
            run.turn = turn.map(|(session, round)| Turn {
                session: RunId::from_bits(session),
                round,
                position: 2 * round,
            });
        }
        side
    }

    fn levels(runs: &[&Run]) -> Vec<f64> {
        runs.iter().map(|run| run.measurements[0].reading.location()).collect()
    }

    #[test]
    fn runs_of_one_session_and_round_are_a_pair_whatever_their_order_in_time() {
        let base = side(&[
            (Some((1, 1)), "a", 11.0),
            (None, "a", 99.0),
            (Some((1, 0)), "a", 10.0),
            (Some((2, 0)), "a", 12.0),
            (Some((3, 0)), "a", 13.0),
        ]);
        let head = side(&[(Some((1, 0)), "a", 20.0), (Some((1, 1)), "a", 21.0), (Some((2, 0)), "a", 22.0)]);
        let pair = Pair::new(base, head, &BTreeSet::new()).unwrap();
        let chosen = chosen(&pair);
        assert_eq!(levels(&chosen.before), [10.0, 11.0, 12.0]);
        assert_eq!(levels(&chosen.after), [20.0, 21.0, 22.0]);
        assert_eq!(chosen.turns, Some(Turns { pairs: 3, twice: 0, left_out: 2 }));
    }

    #[test]
    fn a_base_that_was_run_twice_in_a_round_is_one_side_of_the_pair() {
        let base = side(&[
            (Some((1, 0)), "a", 10.0),
            (Some((1, 0)), "a", 10.4),
            (Some((1, 1)), "a", 11.0),
            (Some((1, 1)), "a", 11.4),
        ]);
        let head = side(&[(Some((1, 0)), "a", 20.0), (Some((1, 1)), "a", 21.0)]);
        let pair = Pair::new(base, head, &BTreeSet::new()).unwrap();
        let chosen = chosen(&pair);
        assert_eq!(levels(&chosen.before), [10.0, 11.0]);
        assert_eq!(levels(&chosen.again.iter().copied().flatten().collect::<Vec<_>>()), [10.4, 11.4]);
        assert_eq!(chosen.turns, Some(Turns { pairs: 2, twice: 2, left_out: 0 }));
    }

    #[test]
    fn pairs_that_leave_a_series_out_do_not_replace_all_runs() {
        let base = side(&[(Some((1, 0)), "a", 1.0), (Some((1, 1)), "a", 1.0), (None, "b", 1.0)]);
        let head = side(&[(Some((1, 0)), "a", 1.0), (Some((1, 1)), "a", 1.0), (None, "b", 1.0)]);
        let pair = Pair::new(base, head, &BTreeSet::new()).unwrap();
        assert_eq!((chosen(&pair).turns, chosen(&pair).before.len()), (None, 3));
    }

    #[test]
    fn one_pair_among_several_runs_of_the_head_is_not_enough() {
        let base = side(&[(Some((1, 0)), "a", 1.0), (None, "a", 1.0)]);
        let head = side(&[(Some((1, 0)), "a", 1.0), (None, "a", 1.0)]);
        let pair = Pair::new(base.clone(), head, &BTreeSet::new()).unwrap();
        assert_eq!(chosen(&pair).turns, None);
        let only = Pair::new(base, side(&[(Some((1, 0)), "a", 1.0)]), &BTreeSet::new()).unwrap();
        assert_eq!(chosen(&only).turns, Some(Turns { pairs: 1, twice: 0, left_out: 1 }));
    }
}
