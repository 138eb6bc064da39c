use anstyle::{AnsiColor, Style};
use perf_compare::{Change, Direction};

use super::place::{COLUMNS, LEGEND, cells, change, day, difference, environment, heading, size};
use super::{History, Point, Series};
use crate::number::counted;
use crate::page::{Column, Page, Table, numbers, words};
use crate::sink::{Sink, short};

/// The columns of one series' points.
const POINTS: [Column; 7] = [
    words("commit"),
    words("date"),
    numbers("value"),
    words("middle half of the readings"),
    numbers("runs"),
    words("subject"),
    words("remark"),
];
/// So many points of a series are shown.
const MOST_POINTS: usize = 60;
/// So many changes of level are told in full.
const MOST_CHANGES: usize = 40;

/// Returns histories as text: the series as a table, their changes of level, and the points of a series that is alone.
pub fn text(history: &History, page: Page) -> String {
    let mut blocks = vec![heading(history, Sink::Text)];
    for (index, place) in history.environments.iter().enumerate() {
        let series: Vec<&Series> = history.series.iter().filter(|it| it.environment == index).collect();
        if series.is_empty() {
            continue;
        }
        let title = format!("environment {}", environment(place, Sink::Text));
        let rows = series.iter().map(|it| (tint(it), cells(it, history, Sink::Text))).collect();
        blocks.push(format!("{title}\n{}", Table { columns: COLUMNS, rows }.text(page)));
    }
    blocks.push(page.paint(Style::new().dimmed(), &LEGEND.join("\n")));
    blocks.extend(changes(history));
    blocks.extend(points(history, page));
    blocks.join("\n\n") + "\n"
}

fn tint(series: &Series) -> Style {
    match series.course.trend.as_ref().map(|trend| trend.direction) {
        Some(Direction::Degrading) => AnsiColor::Yellow.on_default(),
        Some(Direction::Improving) => AnsiColor::Green.on_default(),
        Some(Direction::Flat) | None => Style::new(),
    }
}

/// Tells the changes of level, the newest first; those that are only possible after them.
fn changes(history: &History) -> Vec<String> {
    let mut sure: Vec<(&Series, &Change)> = history
        .series
        .iter()
        .flat_map(|it| it.course.changes.iter().map(move |change| (it, change)))
        .collect();
    sure.sort_by_key(|(_, change)| std::cmp::Reverse(change.upto));
    let possible: Vec<(&Series, &Change)> =
        history.series.iter().filter_map(|it| Some((it, it.course.possible.as_ref()?))).collect();
    let list = |title: &str, changes: &[(&Series, &Change)]| {
        let shown = changes.iter().take(MOST_CHANGES);
        let mut lines = vec![title.to_owned()];
        lines.extend(shown.map(|(series, it)| format!("  {}", change(series, it, history, Sink::Text))));
        let rest = changes.len().saturating_sub(MOST_CHANGES);
        lines.extend((rest > 0).then(|| format!("  and {} more (`--format json` has all)", counted(rest))));
        lines.join("\n")
    };
    let mut blocks = vec![];
    blocks.extend((!sure.is_empty()).then(|| list("changes of level, newest first", &sure)));
    let young = "possible changes of level, with three to nine commits behind them";
    blocks.extend((!possible.is_empty()).then(|| list(young, &possible)));
    blocks
}

/// Shows the points of the only benchmark and metric there is, in all its environments, the newest first.
fn points(history: &History, page: Page) -> Option<String> {
    let only = history.series.first()?;
    if history.series.iter().any(|it| it.series != only.series) {
        return None;
    }
    let mut all: Vec<(&Series, usize)> =
        history.series.iter().flat_map(|it| (0..it.points.len()).map(move |index| (it, index))).collect();
    all.sort_by_key(|(series, index)| {
        std::cmp::Reverse((series.points[*index].position, series.environment))
    });
    let shown = all.iter().take(MOST_POINTS);
    let rows = shown.map(|(series, index)| (Style::new(), point(series, *index, history))).collect();
    let mut text = Table { columns: POINTS, rows }.text(page);
    let rest = all.len().saturating_sub(MOST_POINTS);
    if rest > 0 {
        text += &format!("\nand {} older (`--last N` narrows, `--format csv` has all)", counted(rest));
    }
    Some(text)
}

fn point(series: &Series, index: usize, history: &History) -> [String; POINTS.len()] {
    let Point { position, level, middle, runs, .. } = series.points[index];
    let (low, high) = middle.unwrap_or((level, level));
    let [level, low, high] = Sink::Text.amounts(&series.metric.unit, [level, low, high]);
    let of = &history.commits[position];
    let range = middle.map_or_else(String::new, |_| format!("{low} to {high}"));
    let subject = Sink::Text.name(&of.subject);
    let remark = remarks(series, index, history).join("; ");
    [short(&of.id).to_owned(), day(of.time), level, range, runs.to_string(), subject, remark]
}

/// Says what begins or ends at a point: a level, an environment, a stretch in which nothing was measured.
fn remarks(series: &Series, index: usize, history: &History) -> Vec<String> {
    let position = series.points[index].position;
    let mut remarks = vec![];
    let begins = |change: &&Change| change.upto == position;
    let changes = series.course.changes.iter();
    remarks.extend(
        changes.filter(begins).map(|it| format!("new level: {}", size(it, &series.metric, Sink::Text))),
    );
    let possible = series.course.possible.as_ref().filter(begins);
    remarks
        .extend(possible.map(|it| format!("possibly a new level: {}", size(it, &series.metric, Sink::Text))));
    let declared = series.rebaselines.iter().filter(|(at, _)| *at == position);
    remarks.extend(declared.map(|(_, it)| {
        format!("rebaseline by {}: {}", Sink::Text.name(&it.by), Sink::Text.name(&it.reason))
    }));
    match (index.checked_sub(1), series.follows) {
        (Some(before), _) => {
            let missed = position - series.points[before].position - 1;
            let commits = if missed == 1 { "commit" } else { "commits" };
            remarks.extend(
                (missed > 0).then(|| format!("{} {commits} before it not measured", counted(missed))),
            );
        }
        (None, Some(old)) => {
            let (old, new) = (&history.environments[old], &history.environments[series.environment]);
            remarks.push(format!("new environment: {}", difference(old, new, Sink::Text)));
        }
        (None, None) => {}
    }
    remarks
}
