//! Brings the histories that somebody wants together: commits, values, what is asked of them.

use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

use perf_compare::{Acceptance, Bound, Policy, Severity, Spot, Tier, course, is_asked_for, predecessor};
use perf_model::{Better, CommitId, Metric, SeriesId, median_in_place};
use perf_render::history::{Commit, History, Place as Environment, Point, Series};
use perf_store::{Lane, Store, Taken, Track, Value};
use rayon::prelude::*;
use time::{Duration, OffsetDateTime};

use crate::command::renamed;
use crate::config::Config;
use crate::config::accept::{KEY, in_message};
use crate::failure::{Failure, Result};
use crate::output;
use crate::place::Place;

/// What the caller asked for.
pub(crate) struct Wanted<'a> {
    /// The newest commit.
    pub(crate) revision: &'a str,
    /// Which series.
    pub(crate) is_about: &'a dyn Fn(&SeriesId) -> bool,
    /// The first digits of the fingerprint.
    pub(crate) environment: &'a str,
    /// How far back.
    pub(crate) last: Option<Last>,
}

/// How far back to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Last {
    /// So many commits.
    Commits(usize),
    /// So many days before now.
    Days(u32),
}

impl FromStr for Last {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let expected = || "expected a number of commits, such as 50, or of days, such as 90d".to_owned();
        let parsed = match text.strip_suffix('d') {
            Some(days) => days.parse().map(Last::Days).map_err(|_| expected())?,
            None => text.parse().map(Last::Commits).map_err(|_| expected())?,
        };
        if matches!(parsed, Last::Commits(0) | Last::Days(0)) { Err(expected()) } else { Ok(parsed) }
    }
}

/// Gathers the histories that somebody wants; there is at least one.
pub(crate) fn history(wanted: &Wanted, place: &Place) -> Result<History> {
    let store = place.store()?;
    let policy = Config::load(&place.top(Some(&store)))?.policy();
    let commits = line(wanted.revision, &store)?;
    let from = match wanted.last {
        None => 0,
        Some(Last::Commits(count)) => commits.len().saturating_sub(count),
        Some(Last::Days(days)) => {
            let since = place.now - Duration::days(days.into());
            // Clocks differ: the newest commits in a row.
            commits.iter().rposition(|commit| commit.time < since).map_or(0, |older| older + 1)
        }
    };
    let is_about = |series: &SeriesId| is_asked_for(&policy.aliases, series, wanted.is_about);
    let (mut lanes, unusable) = store.lanes(wanted.environment, is_about)?;
    let former = renamed::lanes(&mut lanes, &policy.aliases);
    if unusable > 0 {
        output::warn(&format!("{unusable} stored lines cannot be used; `perf store show REV` names them"));
    }
    if from == commits.len() || lanes.is_empty() {
        return Err(nothing(wanted, lanes.is_empty(), &store)?);
    }
    let newest = |lane: &Lane| lane.runs.iter().map(|taken| taken.time).max();
    lanes.sort_by_key(|lane| std::cmp::Reverse(newest(lane)));
    let line = Line {
        positions: commits.iter().enumerate().map(|(at, commit)| (&commit.id, at)).collect(),
        from,
        policy: &policy,
    };
    let mut series = line.series(&lanes);
    warn_of_strangers(&lanes, &line);
    if series.is_empty() {
        return Err(nothing(wanted, false, &store)?);
    }
    take_over(&mut series);
    for series in &mut series {
        series.formerly = former.get(&series.series).cloned().unwrap_or_default();
        series.accepted = accepted(series, &commits, &store)?;
    }
    let environments = lanes
        .into_iter()
        .map(|lane| Environment { fingerprint: lane.fingerprint, environment: lane.environment })
        .collect();
    Ok(History { revision: wanted.revision.to_owned(), commits, from, environments, series })
}

fn nothing(wanted: &Wanted, nowhere: bool, store: &Store) -> Result<Failure> {
    let is_empty = store.fingerprints()?.is_empty();
    Ok(match (is_empty, nowhere) {
        (true, _) => Failure::new("nothing was ever measured here")
            .hint("`perf store pull` brings what the remote has; `perf collect` records a run"),
        (false, true) => Failure::new("no series matches what was asked for")
            .hint("`perf history` without arguments lists all"),
        (false, false) => Failure::new(format!(
            "{}: none of the first parents that were asked for was measured with such a series",
            wanted.revision
        ))
        .hint("`perf store log` lists what was measured; without `--last` all first parents count"),
    })
}

/// Returns the first parents of a revision, oldest first.
fn line(revision: &str, store: &Store) -> Result<Vec<Commit>> {
    let tip = store.resolve(revision)?;
    let mut commits: Vec<Commit> = store
        .first_parents(&tip.lineage.commit)
        .map(|commit| Commit {
            id: commit.lineage.commit,
            subject: commit.subject,
            author: commit.author,
            time: OffsetDateTime::from_unix_timestamp(commit.seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH),
        })
        .collect();
    commits.reverse();
    if store.is_shallow()? {
        output::warn(&format!(
            "the clone is shallow: {} lie here; `git fetch --unshallow` brings the rest",
            output::counted(commits.len(), "commit")
        ));
    }
    Ok(commits)
}

/// Measured commits that are no first parents are not shown; silence would hide them.
fn warn_of_strangers(lanes: &[Lane], line: &Line) {
    let runs = lanes.iter().flat_map(|lane| &lane.runs);
    let strangers: std::collections::BTreeSet<&CommitId> =
        runs.map(|taken| &taken.commit).filter(|commit| !line.positions.contains_key(commit)).collect();
    if !strangers.is_empty() {
        let commits = output::counted(strangers.len(), "measured commit");
        output::note(&format!("{commits} on other branches not shown (`perf store log` lists all)"));
    }
}

/// Reads which changes of a series for the worse the commits that may have made them accept.
fn accepted(series: &Series, commits: &[Commit], store: &Store) -> Result<Vec<(usize, Acceptance)>> {
    let mut all = vec![];
    for change in &series.course.changes {
        let rises = change.point.after > change.point.before;
        if rises != (series.metric.better == Better::Lower) {
            continue;
        }
        let range = (&commits[change.earliest].id, &commits[change.latest].id);
        let messages = store.messages_with(KEY, range)?;
        let entries = messages.found.iter().flat_map(in_message).flatten();
        let first = entries.into_iter().find(|entry| entry.matches(&series.series));
        all.extend(first.map(|entry| (change.upto, entry)));
    }
    Ok(all)
}

/// Notes for each series which environment it was measured in before.
fn take_over(series: &mut [Series]) {
    let mut by_name: BTreeMap<SeriesId, Vec<usize>> = BTreeMap::new();
    for (index, of) in series.iter().enumerate() {
        by_name.entry(of.series.clone()).or_default().push(index);
    }
    for group in by_name.values().filter(|group| group.len() > 1) {
        let ends = |index: &usize| {
            let points = &series[*index].points;
            let at = |point: Option<&Point>| point.map_or(0, |point| point.position);
            (at(points.first()), at(points.last()))
        };
        let stretches: Vec<_> = group.iter().map(ends).collect();
        for (own, index) in group.iter().enumerate() {
            let before = predecessor(&stretches, own).map(|before| series[group[before]].environment);
            series[*index].follows = before.filter(|before| *before != series[*index].environment);
        }
    }
}

/// The line of first parents, and what holds for what was measured on it.
struct Line<'a> {
    positions: HashMap<&'a CommitId, usize>,
    from: usize,
    policy: &'a Policy,
}

impl Line<'_> {
    /// Reads all series of all environments.
    fn series(&self, lanes: &[Lane]) -> Vec<Series> {
        let mut all = vec![];
        for (environment, lane) in lanes.iter().enumerate() {
            // A commit off the line has no place in its history.
            let places: Vec<Option<usize>> =
                lane.runs.iter().map(|taken| self.positions.get(&taken.commit).copied()).collect();
            let tracks = in_one_unit(&lane.tracks);
            let read = tracks.par_iter().filter_map(|(metric, tracks)| {
                Some(Series { environment, ..self.read(metric, tracks, (&lane.runs, &places))? })
            });
            all.extend(read.collect::<Vec<_>>());
        }
        all
    }

    fn read(
        &self,
        metric: &Metric,
        tracks: &[(&Track, f64)],
        (runs, places): (&[Taken], &[Option<usize>]),
    ) -> Option<Series> {
        let series = tracks.first()?.0.series.clone();
        let asked = self.policy.asked(&series);
        let metric =
            Metric { better: asked.better.map_or(metric.better, |(better, _)| better), ..metric.clone() };
        let mut at: BTreeMap<usize, Vec<(&Taken, Value)>> = BTreeMap::new();
        for (track, factor) in tracks {
            for value in &track.values {
                let Some(position) = places[value.run] else { continue };
                at.entry(position).or_default().push((&runs[value.run], scaled(*value, *factor)));
            }
        }
        let points: Vec<Point> = at.iter().map(|(position, values)| point(*position, values)).collect();
        let spots: Vec<Spot> =
            points.iter().map(|point| Spot { position: point.position, level: point.level }).collect();
        let mut rebaselines = vec![];
        for (position, values) in &at {
            let declared = values.iter().find_map(|(taken, _)| taken.rebaseline.clone());
            rebaselines.extend(declared.map(|declared| (*position, declared)));
        }
        let begun: Vec<usize> = rebaselines.iter().map(|(position, _)| *position).collect();
        let course = course(&spots, metric.better, self.from, &begun)?;
        rebaselines.retain(|(position, _)| *position >= self.from);
        let first = points.partition_point(|point| point.position < self.from);
        let bounds = bounds(&asked, &metric);
        let points = points[first..].to_vec();
        Some(Series {
            series,
            metric,
            formerly: vec![],
            environment: 0,
            follows: None,
            points,
            course,
            rebaselines,
            accepted: vec![],
            bounds,
        })
    }
}

/// Gathers the tracks of one series that convert into the unit of the newest, each with its factor.
fn in_one_unit(tracks: &[Track]) -> Vec<(Metric, Vec<(&Track, f64)>)> {
    let newest = |track: &Track| track.values.iter().map(|value| value.run).max();
    let mut gathered: Vec<(Metric, Vec<(&Track, f64)>)> = vec![];
    for group in tracks.chunk_by(|one, other| one.series == other.series) {
        let mut group: Vec<&Track> = group.iter().collect();
        group.sort_by_key(|track| std::cmp::Reverse(newest(track)));
        while let Some(first) = group.first().copied() {
            let factor = |track: &Track| track.metric.unit.factor_to(&first.metric.unit);
            let fitting = group.iter().filter_map(|track| Some((*track, factor(track)?))).collect();
            gathered.push((first.metric.clone(), fitting));
            group.retain(|track| factor(track).is_none());
        }
    }
    gathered
}

fn scaled(value: Value, factor: f64) -> Value {
    let middle = value.middle.map(|(low, high)| (low * factor, high * factor));
    Value { level: value.level * factor, middle, ..value }
}

/// Makes one point of the runs of a commit: medians of levels and of their spreads.
fn point(position: usize, values: &[(&Taken, Value)]) -> Point {
    let median = |of: &dyn Fn(&Value) -> Option<f64>| {
        let mut numbers: Vec<f64> = values.iter().filter_map(|(_, value)| of(value)).collect();
        (!numbers.is_empty()).then(|| median_in_place(&mut numbers))
    };
    let low = median(&|value| value.middle.map(|(low, _)| low));
    let high = median(&|value| value.middle.map(|(_, high)| high));
    Point {
        position,
        level: median(&|value| Some(value.level)).expect("a point has at least one run"),
        middle: low.zip(high),
        runs: values.len(),
        time: values.iter().map(|(taken, _)| taken.time).max().expect("a point has at least one run"),
    }
}

fn bounds(asked: &perf_compare::Asked, metric: &Metric) -> Vec<(Bound, Severity, f64)> {
    let failing = match asked.tier() {
        Tier::Gating => Severity::Fail,
        Tier::Exhibit => Severity::Warn,
    };
    let all = [
        (Bound::Max, failing, &asked.max),
        (Bound::Max, Severity::Warn, &asked.warn_max),
        (Bound::Min, failing, &asked.min),
        (Bound::Min, Severity::Warn, &asked.warn_min),
    ];
    let value = |given: &perf_compare::Given<perf_compare::Amount>| given.as_ref()?.0.of(metric);
    all.into_iter().filter_map(|(bound, severity, given)| Some((bound, severity, value(given)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_back_is_commits_or_days() {
        assert_eq!("50".parse(), Ok(Last::Commits(50)));
        assert_eq!("90d".parse(), Ok(Last::Days(90)));
        for bad in ["", "0", "0d", "d", "-1", "1.5", "90 d", "5w", "99999999999999999999"] {
            assert!(bad.parse::<Last>().is_err(), "{bad}");
        }
    }
}
