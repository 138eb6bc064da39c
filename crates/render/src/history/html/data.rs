//! What the page's script reads, in columns: most of a page is numbers.

use std::collections::BTreeMap;

use perf_compare::{Bound, Change, Severity};
use perf_model::Kind;
use serde::Serialize;

use super::super::place::{difference, environment, label, size, trend};
use super::super::{History, Point, Series};
use super::worsens;
use crate::escape::visible;
use crate::html::packed;
use crate::number::Scale;
use crate::sink::{Sink, short};

#[derive(Serialize)]
struct Data {
    /// Twelve digits of each commit's id.
    ids: String,
    /// Steps between their times, in seconds.
    times: String,
    subjects: Vec<String>,
    authors: Vec<String>,
    /// The place of each commit's author.
    by: Vec<usize>,
    environments: Vec<Environment>,
    series: Vec<Line>,
    /// The series to begin with.
    first: usize,
}

#[derive(Serialize)]
struct Environment {
    id: String,
    name: String,
}

/// One series. Its numbers are whole: multiplied by `k` they are in the unit shown.
#[derive(Serialize)]
struct Line {
    name: String,
    unit: String,
    k: f64,
    /// All of one benchmark and metric are drawn together.
    g: usize,
    e: usize,
    /// What changed with the environment, where it took over from another.
    f: Option<String>,
    /// The trend, in words.
    t: String,
    /// Where it was measured: the first position, then in turns how many were measured and how many were not.
    p: String,
    /// Steps between levels.
    v: String,
    /// How far the middle half of the readings reaches below and above.
    w: Option<String>,
    /// Steps between numbers of runs.
    r: Option<String>,
    c: Vec<ChangeData>,
    m: Vec<Mark>,
    l: Vec<Mark>,
}

#[derive(Serialize)]
struct ChangeData {
    upto: usize,
    earliest: usize,
    latest: usize,
    before: f64,
    level: f64,
    size: String,
    label: Option<String>,
    worse: bool,
    sure: bool,
}

#[derive(Serialize)]
struct Mark {
    at: f64,
    text: String,
}

/// Returns the data of a page as JSON.
pub(super) fn json(history: &History) -> String {
    let mut authors: BTreeMap<&str, usize> = BTreeMap::new();
    let mut by = vec![];
    for commit in history.stretch() {
        let next = authors.len();
        by.push(*authors.entry(&commit.author).or_insert(next));
    }
    let mut names = vec![String::new(); authors.len()];
    authors.into_iter().for_each(|(name, place)| names[place] = visible(name));
    let mut groups = BTreeMap::new();
    let series = history.series.iter().map(|series| {
        let next = groups.len();
        Line::new(series, history, *groups.entry(&series.series).or_insert(next))
    });
    let data = Data {
        ids: history.stretch().iter().map(|commit| short(&commit.id)).collect(),
        times: packed(steps(history.stretch().iter().map(|commit| commit.time.unix_timestamp()))),
        subjects: history.stretch().iter().map(|commit| visible(&commit.subject)).collect(),
        authors: names,
        by,
        environments: history
            .environments
            .iter()
            .map(|place| Environment {
                id: place.fingerprint.to_string(),
                name: environment(place, Sink::Text),
            })
            .collect(),
        series: series.collect(),
        first: first(history),
    };
    serde_json::to_string(&data).expect("texts and finite numbers")
}

/// Returns the series that moved last, else the first.
fn first(history: &History) -> usize {
    let newest = |series: &Series| series.course.changes.last().map(|change| change.upto);
    let all = history.series.iter().enumerate().rev();
    all.max_by_key(|(_, series)| newest(series)).map_or(0, |(index, _)| index)
}

impl Line {
    fn new(series: &Series, history: &History, group: usize) -> Self {
        let summary = &series.course.summary;
        let [_, scale] = Scale::each(&series.metric.unit, [summary.least, summary.greatest]);
        let (factor, step) = (scale.factor(), step(series));
        let whole = |value: f64| (value / step).round() as i64;
        let levels = || series.points.iter().map(|point| whole(point.level));
        let spread = |point: &Point| {
            let (low, high) = point.middle?;
            Some([whole(point.level) - whole(low), whole(high) - whole(point.level)])
        };
        let spreads: Option<Vec<[i64; 2]>> = series.points.iter().map(spread).collect();
        let runs = || series.points.iter().map(|point| point.runs as i64);
        let change = |change: &Change, sure| ChangeData::new(series, change, (history.from, factor), sure);
        let mut changes: Vec<_> = series.course.changes.iter().map(|it| change(it, true)).collect();
        changes.extend(series.course.possible.iter().map(|it| change(it, false)));
        let marks = series.rebaselines.iter().map(|(at, it)| Mark {
            at: (at - history.from) as f64,
            text: format!("rebaseline by {}: {}", visible(&it.by), visible(&it.reason)),
        });
        let places = &history.environments;
        Self {
            name: format!("{} {}", visible(&series.series.case()), visible(&series.series.metric)),
            unit: Sink::Text.label(&scale),
            k: step * factor,
            g: group,
            e: series.environment,
            f: series.follows.map(|old| difference(&places[old], &places[series.environment], Sink::Text)),
            t: trend(series, Sink::Text),
            p: packed(stretches(series, history.from)),
            v: packed(steps(levels())),
            w: spreads.map(|spreads| packed(spreads.into_iter().flatten())),
            r: runs().any(|runs| runs != 1).then(|| packed(steps(runs()))),
            c: changes,
            m: marks.collect(),
            l: series.bounds.iter().map(|bound| limit(bound, factor, series)).collect(),
        }
    }
}

impl ChangeData {
    fn new(series: &Series, change: &Change, (from, factor): (usize, f64), sure: bool) -> Self {
        Self {
            upto: change.upto - from,
            // It may have begun before the stretch.
            earliest: change.earliest.saturating_sub(from),
            latest: change.latest - from,
            before: change.point.before * factor,
            level: change.point.after * factor,
            size: size(change, &series.metric, Sink::Text),
            label: label(series, change, Sink::Text),
            worse: worsens(change, series),
            sure,
        }
    }
}

fn limit((bound, severity, value): &(Bound, Severity, f64), factor: f64, series: &Series) -> Mark {
    let which = match bound {
        Bound::Max => "at most",
        Bound::Min => "at least",
    };
    let means = match severity {
        Severity::Fail => "fails",
        Severity::Warn => "warns",
    };
    let [amount] = Sink::Text.amounts(&series.metric.unit, [*value]);
    Mark { at: value * factor, text: format!("budget: {which} {amount}, else it {means}") }
}

/// Returns what the numbers of a series are rounded to: four digits of the least, as they are shown everywhere; exact
/// counts are not rounded.
fn step(series: &Series) -> f64 {
    let whole = |value: f64| value.fract() == 0.0 && value.abs() < 1e15;
    let counts = matches!(series.metric.kind, Kind::Exact | Kind::Count);
    if counts && series.points.iter().all(|point| whole(point.level)) {
        return 1.0;
    }
    let sizes = || series.points.iter().map(|point| point.level.abs()).filter(|size| *size > 0.0);
    let (least, greatest) = (sizes().fold(f64::INFINITY, f64::min), sizes().fold(0.0, f64::max));
    if greatest == 0.0 {
        return 1.0;
    }
    let digits = |size: f64, digits: i32| 10_f64.powi(size.log10().floor() as i32 - digits + 1);
    // More digits than a script's numbers have would be lost.
    digits(least, 4).max(digits(greatest, 12)).max(f64::MIN_POSITIVE)
}

/// Returns each number less the one before it.
fn steps(numbers: impl Iterator<Item = i64>) -> impl Iterator<Item = i64> {
    numbers.scan(0_i64, |last, number| Some(number.wrapping_sub(std::mem::replace(last, number))))
}

fn stretches(series: &Series, from: usize) -> Vec<i64> {
    let mut lengths = vec![];
    let mut next = from;
    for point in &series.points {
        match lengths.last_mut() {
            Some(measured) if point.position == next => *measured += 1,
            Some(_) | None => lengths.extend([(point.position - next) as i64, 1]),
        }
        next = point.position + 1;
    }
    lengths
}
