//! What text and Markdown say of one series, one change, one commit.

use perf_compare::{Change, Direction, Summary, Trend};
use perf_model::Metric;
use time::{OffsetDateTime, UtcOffset};

use super::{Commit, History, Place, Series};
use crate::environment;
use crate::number::{counted, percent, share};
use crate::page::{Column, numbers, words};
use crate::report::direction;
use crate::sink::Sink;

/// The columns of a series.
pub(super) const COLUMNS: [Column; 9] = [
    words("series"),
    words("course"),
    numbers("current"),
    numbers("average"),
    numbers("least"),
    numbers("greatest"),
    numbers("volatility"),
    words("trend"),
    words("changes of level"),
];

/// What the table's less obvious columns mean.
pub(super) const LEGEND: [&str; 2] = [
    "volatility: how far one commit lies from the next without a change of level (standard deviation)",
    "trend: since the last change of level, from its first commit to the last (in brackets: 95 % interval)",
];

pub(super) fn cells(series: &Series, history: &History, sink: Sink) -> [String; COLUMNS.len()] {
    let Summary { current, average, least, greatest, .. } = series.course.summary;
    let [current, average, least, greatest] =
        sink.amounts(&series.metric.unit, [current, average, least, greatest]);
    [
        name(series, sink),
        sink.code(&super::spark::sparkline(series, history)),
        current,
        average,
        least,
        greatest,
        volatility(series, sink),
        trend(series, sink),
        changes(series, history, sink),
    ]
}

/// Shows which series it is, and by which names it went.
fn name(series: &Series, sink: Sink) -> String {
    let name = sink.series(&series.series);
    let former: Vec<String> = series.formerly.iter().map(|former| sink.name(former)).collect();
    if former.is_empty() { name } else { format!("{name} (formerly {})", former.join(", ")) }
}

fn volatility(series: &Series, sink: Sink) -> String {
    let summary = &series.course.summary;
    match summary.volatility {
        None => "too few".to_owned(),
        Some(noise) if summary.is_relative => share(noise),
        Some(noise) => {
            let [noise] = sink.amounts(&series.metric.unit, [noise]);
            noise
        }
    }
}

/// Says where a series goes: `degrading: slower by +3.2 % (+1.1 % to +5.4 %)`.
pub(super) fn trend(series: &Series, sink: Sink) -> String {
    let Some(trend) = &series.course.trend else { return "too few to tell".to_owned() };
    let Trend { change, interval, is_relative, .. } = *trend;
    let shown = |value: f64| match is_relative {
        true => percent(value),
        false => signed(value, &series.metric, sink),
    };
    let range = format!("{} ({} to {})", shown(change), shown(interval.low), shown(interval.high));
    match trend.direction {
        Direction::Flat => format!("flat, {range}"),
        Direction::Improving => format!("improving ({}), {range}", direction(&series.metric, change)),
        Direction::Degrading => format!("degrading ({}), {range}", direction(&series.metric, change)),
    }
}

/// Returns the word for a direction.
pub(super) fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Improving => "improving",
        Direction::Degrading => "degrading",
        Direction::Flat => "flat",
    }
}

fn changes(series: &Series, history: &History, sink: Sink) -> String {
    match series.course.changes.as_slice() {
        [] => "none".to_owned(),
        [.., newest] => {
            let (count, size) = (series.course.changes.len(), size(newest, &series.metric, sink));
            let at = sink.commit(&history.commits[newest.upto].id);
            format!("{count}, newest {size} at {at}")
        }
    }
}

/// Says how large a change of level is and which way it went: `+23.4 % (slower)`.
pub(super) fn size(change: &Change, metric: &Metric, sink: Sink) -> String {
    let difference = change.point.after - change.point.before;
    let size = match change.point.change {
        Some(change) => percent(change),
        None => signed(difference, metric, sink),
    };
    format!("{size} ({})", direction(metric, difference))
}

/// Says all of a change of level, in one line.
pub(super) fn change(series: &Series, change: &Change, history: &History, sink: Sink) -> String {
    let [before, after] = sink.amounts(&series.metric.unit, [change.point.before, change.point.after]);
    let interval = change.point.interval.map_or_else(String::new, |interval| {
        format!("; 95 % interval {} to {}", percent(interval.low), percent(interval.high))
    });
    let label = label(series, change, sink).map_or_else(String::new, |label| format!("; {label}"));
    format!(
        "{}: {}, {before} -> {after}{interval}; confidence {}; {}{label}",
        sink.series(&series.series),
        size(change, &series.metric, sink),
        confidence(change.point.p),
        whereabouts(change, history, sink),
    )
}

/// Says what people said of a change: that a new level begins there on purpose, or that it is accepted.
pub(super) fn label(series: &Series, change: &Change, sink: Sink) -> Option<String> {
    let declared = series.declared(change).map(|it| ("a rebaseline by", &it.by, &it.reason));
    let accepted = series.accepted.iter().find(|(upto, _)| *upto == change.upto);
    let accepted = accepted.map(|(_, it)| ("accepted by", &it.by, &it.reason));
    let (what, by, reason) = declared.or(accepted)?;
    Some(format!("{what} {}: {}", sink.name(by), sink.name(reason)))
}

/// Shows how sure a change is; never as certain.
pub(super) fn confidence(p: f64) -> String {
    const SUREST: f64 = 1e-4;
    if p < SUREST { "above 99.99 %".to_owned() } else { share(1.0 - p) }
}

/// Says which commit made a change, or which commits may have.
fn whereabouts(change: &Change, history: &History, sink: Sink) -> String {
    let upto = &history.commits[change.upto];
    let place = match change.upto - change.after {
        1 => format!("at {}", commit(upto, sink)),
        several => format!("in the {} commits up to {}", counted(several), commit(upto, sink)),
    };
    if (change.earliest, change.latest) == (change.after, change.upto) {
        return place;
    }
    let [first, last] = [change.earliest, change.latest].map(|at| sink.commit(&history.commits[at].id));
    format!(
        "{place} (with 95 % confidence in the {} of {first}..{last})",
        counted(change.latest - change.earliest)
    )
}

/// Shows a commit with its day, author and subject.
pub(super) fn commit(commit: &Commit, sink: Sink) -> String {
    let (author, subject) = (sink.name(&commit.author), sink.name(&commit.subject));
    format!("{} {} {author}: {subject}", sink.commit(&commit.id), day(commit.time))
}

pub(super) fn day(time: OffsetDateTime) -> String {
    time.to_offset(UtcOffset::UTC).date().to_string()
}

/// Says what the reader sees: which commits, how many of them measured.
pub(crate) fn heading(history: &History, sink: Sink) -> String {
    let stretch = history.stretch();
    let (Some(first), Some(last)) = (stretch.first(), stretch.last()) else { return String::new() };
    format!(
        "history of {} at {}: {} commits along first parents from {} to {}, {} measured",
        sink.name(&history.revision),
        sink.commit(&last.id),
        counted(stretch.len()),
        day(first.time),
        day(last.time),
        counted(history.measured()),
    )
}

/// Names an environment and how many commits were measured there.
pub(super) fn environment(place: &Place, sink: Sink) -> String {
    match &place.environment {
        Some(environment) => environment::summary(environment, sink),
        None => sink.code(place.fingerprint.as_str()),
    }
}

/// Names the facts in which an environment differs from the one before it: `rustc: 1.80 -> 1.81`.
pub(super) fn difference(old: &Place, new: &Place, sink: Sink) -> String {
    let (Some(old), Some(new)) = (&old.environment, &new.environment) else {
        return "facts unknown".to_owned();
    };
    let differing = perf_compare::differences(&old.identity, &new.identity);
    let shown =
        |value: &Option<String>| value.as_deref().map_or("nothing".to_owned(), |value| sink.name(value));
    let facts: Vec<String> = differing
        .iter()
        .map(|it| format!("{}: {} -> {}", sink.name(&it.fact), shown(&it.base), shown(&it.head)))
        .collect();
    facts.join(", ")
}

fn signed(difference: f64, metric: &Metric, sink: Sink) -> String {
    let [amount] = sink.amounts(&metric.unit, [difference]);
    if difference > 0.0 { format!("+{amount}") } else { amount }
}
