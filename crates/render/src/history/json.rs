use perf_compare::{Bound, Change, Severity, Spot, gaps};
use serde::Serialize;

use super::place::word;
use super::{Commit, History, Point, Series};
use crate::json::{self, EnvironmentJson, Named};
use crate::store::second;

/// Returns histories as one line of JSON. Commits are full ids, times RFC 3339 in UTC; all lists are oldest first.
///
/// ```text
/// version       1
/// revision      as asked for; tip: its commit
/// commits       [{commit, subject, author, time}]: the first parents in the stretch
/// environments  [{fingerprint, environment: {identity, context}|null}]
/// series        [{benchmark, params, metric, unit, better, kind, fingerprint,
///                 current, average, min, max, volatility|null, relative: whether the volatility is a share,
///                 trend: {direction, change, low, high, relative, from, to}|null,
///                 changes: [change], possible: change|null,
///                 breaks: [{reason: "not-measured", after, before, commits} | {reason: "environment", from, before}],
///                 rebaselines: [{commit, by, reason}], bounds: [{bound, severity, value}],
///                 points: [{commit, value, low|null, high|null, runs, time}]}]
/// change        {after, upto: the commits between which it most likely lies, commits: how many these are,
///                earliest, latest: the same with 95 % confidence, before, after_value, change|null, low|null,
///                high|null, confidence, rebaseline: its reason|null, accepted: why|null}
/// ```
pub fn json(history: &History) -> String {
    json::line(&Document {
        version: json::VERSION,
        revision: &history.revision,
        tip: history.commits.last().map(|commit| commit.id.as_str()),
        commits: history.stretch().iter().map(CommitJson::from).collect(),
        environments: history
            .environments
            .iter()
            .map(|place| PlaceJson {
                fingerprint: place.fingerprint.as_str(),
                environment: place.environment.as_ref().map(EnvironmentJson::from),
            })
            .collect(),
        series: history.series.iter().map(|series| SeriesJson::new(series, history)).collect(),
    })
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    revision: &'a str,
    tip: Option<&'a str>,
    commits: Vec<CommitJson<'a>>,
    environments: Vec<PlaceJson<'a>>,
    series: Vec<SeriesJson<'a>>,
}

#[derive(Serialize)]
struct CommitJson<'a> {
    commit: &'a str,
    subject: &'a str,
    author: &'a str,
    time: String,
}

#[derive(Serialize)]
struct PlaceJson<'a> {
    fingerprint: &'a str,
    environment: Option<EnvironmentJson<'a>>,
}

#[derive(Serialize)]
struct SeriesJson<'a> {
    benchmark: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    formerly: &'a [String],
    params: Named<'a>,
    metric: &'a str,
    unit: &'a str,
    better: &'static str,
    kind: &'static str,
    fingerprint: &'a str,
    current: f64,
    average: f64,
    min: f64,
    max: f64,
    volatility: Option<f64>,
    relative: bool,
    trend: Option<TrendJson<'a>>,
    changes: Vec<ChangeJson<'a>>,
    possible: Option<ChangeJson<'a>>,
    breaks: Vec<BreakJson<'a>>,
    rebaselines: Vec<RebaselineJson<'a>>,
    bounds: Vec<BoundJson>,
    points: Vec<PointJson<'a>>,
}

#[derive(Serialize)]
struct TrendJson<'a> {
    direction: &'static str,
    change: f64,
    low: f64,
    high: f64,
    relative: bool,
    from: &'a str,
    to: &'a str,
}

#[derive(Serialize)]
struct ChangeJson<'a> {
    after: &'a str,
    upto: &'a str,
    commits: usize,
    earliest: &'a str,
    latest: &'a str,
    before: f64,
    after_value: f64,
    change: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    confidence: f64,
    rebaseline: Option<&'a str>,
    accepted: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum BreakJson<'a> {
    NotMeasured { after: &'a str, before: &'a str, commits: usize },
    Environment { from: &'a str, before: &'a str },
}

#[derive(Serialize)]
struct RebaselineJson<'a> {
    commit: &'a str,
    by: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
struct BoundJson {
    bound: &'static str,
    severity: &'static str,
    value: f64,
}

#[derive(Serialize)]
struct PointJson<'a> {
    commit: &'a str,
    value: f64,
    low: Option<f64>,
    high: Option<f64>,
    runs: usize,
    time: String,
}

impl<'a> From<&'a Commit> for CommitJson<'a> {
    fn from(commit: &'a Commit) -> Self {
        Self {
            commit: commit.id.as_str(),
            subject: &commit.subject,
            author: &commit.author,
            time: second(commit.time),
        }
    }
}

impl<'a> SeriesJson<'a> {
    fn new(of: &'a Series, history: &'a History) -> Self {
        let id = |position: usize| history.commits[position].id.as_str();
        let summary = &of.course.summary;
        Self {
            benchmark: &of.series.benchmark,
            formerly: &of.formerly,
            params: &of.series.params,
            metric: &of.series.metric,
            unit: of.metric.unit.symbol(),
            better: of.metric.better.word(),
            kind: of.metric.kind.word(),
            fingerprint: history.environments[of.environment].fingerprint.as_str(),
            current: summary.current,
            average: summary.average,
            min: summary.least,
            max: summary.greatest,
            volatility: summary.volatility,
            relative: summary.is_relative,
            trend: of.course.trend.as_ref().map(|trend| TrendJson {
                direction: word(trend.direction),
                change: trend.change,
                low: trend.interval.low,
                high: trend.interval.high,
                relative: trend.is_relative,
                from: id(trend.from),
                to: id(trend.to),
            }),
            changes: of.course.changes.iter().map(|it| ChangeJson::new(of, it, history)).collect(),
            possible: of.course.possible.as_ref().map(|it| ChangeJson::new(of, it, history)),
            breaks: breaks(of, history),
            rebaselines: of
                .rebaselines
                .iter()
                .map(|(at, it)| RebaselineJson { commit: id(*at), by: &it.by, reason: &it.reason })
                .collect(),
            bounds: of.bounds.iter().map(BoundJson::from).collect(),
            points: of.points.iter().map(|point| PointJson::new(point, history)).collect(),
        }
    }
}

fn breaks<'a>(of: &Series, history: &'a History) -> Vec<BreakJson<'a>> {
    let id = |position: usize| history.commits[position].id.as_str();
    let first = of.points.first().map(|point| point.position);
    let taken_over = of.follows.zip(first).map(|(old, first)| BreakJson::Environment {
        from: history.environments[old].fingerprint.as_str(),
        before: id(first),
    });
    let spots: Vec<Spot> =
        of.points.iter().map(|point| Spot { position: point.position, level: point.level }).collect();
    let gaps = gaps(&spots).map(|(after, before)| BreakJson::NotMeasured {
        after: id(after),
        before: id(before),
        commits: before - after - 1,
    });
    taken_over.into_iter().chain(gaps).collect()
}

impl<'a> ChangeJson<'a> {
    fn new(of: &'a Series, change: &Change, history: &'a History) -> Self {
        let id = |position: usize| history.commits[position].id.as_str();
        let accepted = of.accepted.iter().find(|(upto, _)| *upto == change.upto);
        Self {
            after: id(change.after),
            upto: id(change.upto),
            commits: change.upto - change.after,
            earliest: id(change.earliest),
            latest: id(change.latest),
            before: change.point.before,
            after_value: change.point.after,
            change: change.point.change,
            low: change.point.interval.map(|interval| interval.low),
            high: change.point.interval.map(|interval| interval.high),
            confidence: 1.0 - change.point.p,
            rebaseline: of.declared(change).map(|it| it.reason.as_str()),
            accepted: accepted.map(|(_, it)| it.reason.as_str()),
        }
    }
}

impl From<&(Bound, Severity, f64)> for BoundJson {
    fn from((bound, severity, value): &(Bound, Severity, f64)) -> Self {
        let bound = match bound {
            Bound::Max => "max",
            Bound::Min => "min",
        };
        let severity = match severity {
            Severity::Fail => "fail",
            Severity::Warn => "warn",
        };
        Self { bound, severity, value: *value }
    }
}

impl<'a> PointJson<'a> {
    fn new(point: &Point, history: &'a History) -> Self {
        Self {
            commit: history.commits[point.position].id.as_str(),
            value: point.level,
            low: point.middle.map(|(low, _)| low),
            high: point.middle.map(|(_, high)| high),
            runs: point.runs,
            time: second(point.time),
        }
    }
}
