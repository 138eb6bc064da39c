//! What the history of one series in one environment says: its numbers, its trend, its changes of level.
//!
//! Commits are known by their positions on a line of first parents, oldest first.

use perf_model::Better;

use crate::changepoints::{ChangePoint, change_points, possible_since};
use crate::statistics::order::{mean, variance_of_steps};
use crate::trend::{Trend, trend};

/// The level of a series at one commit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    /// The commit's position.
    pub position: usize,
    /// The level there.
    pub level: f64,
}

/// What the history of a series says.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// Its numbers.
    pub summary: Summary,
    /// Where it goes since its last change of level; `None` where too little is known.
    pub trend: Option<Trend>,
    /// Its changes of level, oldest first.
    pub changes: Vec<Change>,
    /// A change with three to nine values behind it, which may be none.
    pub possible: Option<Change>,
}

/// The numbers of a stretch of history.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The newest level.
    pub current: f64,
    /// The mean of all.
    pub average: f64,
    /// The least.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
    /// How far a level lies from the next without a change of level: a standard deviation, relative where all levels
    /// are positive. `None` for fewer than three.
    pub volatility: Option<f64>,
    /// Whether the volatility is a relative one.
    pub is_relative: bool,
}

/// A change of level and the commits that may have made it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// What changed; indices count the levels of the whole history.
    pub point: ChangePoint,
    /// The most likely place: after this position,
    pub after: usize,
    /// up to this one.
    pub upto: usize,
    /// With 95 % confidence: after this position,
    pub earliest: usize,
    /// up to this one.
    pub latest: usize,
}

/// Reads the history of a series, oldest first, from a position on; `None` where nothing lies there.
///
/// Changes of level are looked for in the whole history, so that they do not depend on where the reading begins. The
/// trend is that of the newest level: since the last change, and since the last of the `begun` positions, where
/// somebody declared that a new level begins.
pub fn course(spots: &[Spot], better: Better, from: usize, begun: &[usize]) -> Option<Course> {
    let stretch = since(spots, from);
    let summary = Summary::of(stretch)?;
    let levels: Vec<f64> = spots.iter().map(|spot| spot.level).collect();
    let place = |point: ChangePoint| Change {
        point,
        after: spots[point.index - 1].position,
        upto: spots[point.index].position,
        earliest: spots[point.earliest - 1].position,
        latest: spots[point.latest].position,
    };
    let points = change_points(&levels);
    let newest = points.last().map_or(0, |point| point.index);
    let mut changes: Vec<Change> = points.into_iter().map(place).collect();
    let possible = possible_since(&levels, newest).map(place).filter(|change| change.upto >= from);
    changes.retain(|change| change.upto >= from);
    let new_level = changes.last().map(|change| change.upto).into_iter().chain(begun.iter().copied());
    let trend = trend(since(spots, new_level.fold(from, usize::max)), better);
    Some(Course { summary, trend, changes, possible })
}

/// Lists the stretches in which nothing was measured, as the positions of their neighbours.
pub fn gaps(spots: &[Spot]) -> impl Iterator<Item = (usize, usize)> {
    let pairs = spots.windows(2).map(|pair| (pair[0].position, pair[1].position));
    pairs.filter(|(before, after)| after - before > 1)
}

/// Returns which of several environments a series was measured in before this one took over: the one that ended
/// last before this one began. Each is given by its first and its last position.
pub fn predecessor(stretches: &[(usize, usize)], own: usize) -> Option<usize> {
    let begins = stretches[own].0;
    let ended = stretches.iter().enumerate().filter(|(_, (_, last))| *last < begins);
    ended.max_by_key(|(_, (_, last))| *last).map(|(index, _)| index)
}

impl Summary {
    fn of(spots: &[Spot]) -> Option<Self> {
        let levels: Vec<f64> = spots.iter().map(|spot| spot.level).collect();
        let current = *levels.last()?;
        let is_relative = levels.iter().all(|level| *level > 0.0);
        let scaled: Vec<f64> =
            levels.iter().map(|level| if is_relative { level.ln() } else { *level }).collect();
        Some(Self {
            current,
            average: mean(&levels),
            least: levels.iter().copied().fold(f64::INFINITY, f64::min),
            greatest: levels.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            volatility: (scaled.len() >= 3).then(|| variance_of_steps(&scaled).sqrt()),
            is_relative,
        })
    }
}

fn since(spots: &[Spot], position: usize) -> &[Spot] {
    &spots[spots.partition_point(|spot| spot.position < position)..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trend::Direction;

    /// Every third commit is measured; the level rises by a half at commit 90.
    fn stepped() -> Vec<Spot> {
        let level = |position: usize| (if position < 90 { 100.0 } else { 150.0 }) + (position * 7 % 5) as f64;
        (0..60).map(|index| Spot { position: 3 * index, level: level(3 * index) }).collect()
    }

    #[test]
    fn a_change_is_a_range_of_commits_wherever_the_reading_begins() {
        let spots = stepped();
        for from in [0, 50, 90] {
            let found = course(&spots, Better::Lower, from, &[]).unwrap();
            let places: Vec<_> = found.changes.iter().map(|it| (it.after, it.upto)).collect();
            assert_eq!(places, [(87, 90)], "from {from}");
            let change = &found.changes[0];
            assert_eq!((change.earliest, change.latest), (87, 90), "a step of twenty standard deviations");
        }
        assert_eq!(course(&spots, Better::Lower, 93, &[]).unwrap().changes, []);
        assert_eq!(course(&spots, Better::Lower, 178, &[]), None);
    }

    #[test]
    fn the_trend_is_that_of_the_newest_level() {
        let found = course(&stepped(), Better::Lower, 0, &[]).unwrap().trend.unwrap();
        assert_eq!((found.direction, found.from), (Direction::Flat, 90));
        let found = course(&stepped(), Better::Lower, 0, &[120]).unwrap().trend.unwrap();
        assert_eq!(found.from, 120, "a new level was declared there");
    }

    #[test]
    fn the_numbers_are_those_of_the_stretch() {
        let spots =
            [(0, 50.0), (1, 4.0), (2, 2.0), (3, 3.0)].map(|(position, level)| Spot { position, level });
        let found = course(&spots, Better::Lower, 1, &[]).unwrap().summary;
        assert_eq!((found.current, found.average, found.least, found.greatest), (3.0, 3.0, 2.0, 4.0));
        assert!(found.is_relative && found.volatility.is_some());
        let spots = spots.map(|spot| Spot { level: spot.level - 3.0, ..spot });
        assert!(!course(&spots, Better::Lower, 1, &[]).unwrap().summary.is_relative);
        assert_eq!(course(&spots, Better::Lower, 2, &[]).unwrap().summary.volatility, None);
    }

    #[test]
    fn gaps_lie_between_neighbours_that_are_no_neighbours() {
        let spots = [0, 1, 4, 5, 9].map(|position| Spot { position, level: 1.0 });
        assert_eq!(gaps(&spots).collect::<Vec<_>>(), [(1, 4), (5, 9)]);
    }

    #[test]
    fn an_environment_takes_over_from_the_one_that_ended_last() {
        let stretches = [(0, 10), (0, 20), (15, 40), (21, 50)];
        assert_eq!(predecessor(&stretches, 3), Some(1));
        assert_eq!(predecessor(&stretches, 2), Some(0));
        assert_eq!(predecessor(&stretches, 0), None);
    }
}
