use perf_compare::Change;

use super::place::{change as sentence, commit, day, environment};
use super::{Commit, History, Point, Series};
use crate::number::counted;
use crate::sink::Sink;

/// Which changes of level are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The newest of each series.
    Newest,
    /// All.
    All,
}

/// So many commits of a range are named.
const MOST_COMMITS: usize = 20;

/// Says which commits moved the series of a history: who, when, what was measured on either side, how sure.
pub fn blame(history: &History, which: Which) -> String {
    let blocks: Vec<String> = history.series.iter().map(|series| of_series(series, history, which)).collect();
    blocks.join("\n")
}

fn of_series(series: &Series, history: &History, which: Which) -> String {
    let place = environment(&history.environments[series.environment], Sink::Text);
    let mut text = format!("{} in environment {place}\n", Sink::Text.series(&series.series));
    let newest_first = series.course.changes.iter().rev();
    let shown = match which {
        Which::Newest => 1,
        Which::All => usize::MAX,
    };
    for change in newest_first.take(shown) {
        text += &told(series, change, history);
    }
    if let Some(possible) = &series.course.possible {
        text += "  too young to be sure of, with three to nine commits behind it:\n";
        text += &told(series, possible, history);
    }
    if series.course.changes.is_empty() && series.course.possible.is_none() {
        let points = counted(series.points.len());
        let trend = super::place::trend(series, Sink::Text);
        text += &format!("  no change of level in {points} measured commits; trend: {trend}\n");
    }
    if let (Some(rest @ 1..), Which::Newest) = (series.course.changes.len().checked_sub(1), which) {
        text += &format!("  earlier changes of level: {} (`--all` tells them)\n", counted(rest));
    }
    text
}

fn told(series: &Series, change: &Change, history: &History) -> String {
    let mut text = format!("  {}\n", sentence(series, change, history, Sink::Text));
    for (word, position) in [("before", change.after), ("after ", change.upto)] {
        text += &format!("    {word} {}\n", measured(series, position, history));
    }
    let candidates = &history.commits[change.after + 1..=change.upto];
    match candidates {
        [only] => text += &format!("    moved by {}\n", commit(only, Sink::Text)),
        several => {
            text += &format!(
                "    moved by one of {} commits, of which only the last was measured:\n",
                counted(several.len())
            );
            text += &list(several);
            text += &format!(
                "    to narrow it down: `git switch --detach {}` and `perf collect`\n",
                several[(several.len() - 1) / 2].id
            );
        }
    }
    text
}

fn list(commits: &[Commit]) -> String {
    let shown = commits.iter().rev().take(MOST_COMMITS);
    let mut text: String = shown.map(|it| format!("      {}\n", commit(it, Sink::Text))).collect();
    if let Some(rest @ 1..) = commits.len().checked_sub(MOST_COMMITS) {
        text += &format!("      and {} older\n", counted(rest));
    }
    text
}

/// Shows what was measured at a commit, which may lie before the stretch that the reader sees.
fn measured(series: &Series, position: usize, history: &History) -> String {
    let commit = &history.commits[position];
    let point = series.points.iter().find(|point| point.position == position);
    let value = point.map_or_else(String::new, |Point { level, .. }| {
        let [level] = Sink::Text.amounts(&series.metric.unit, [*level]);
        format!("  {level}")
    });
    format!("{} {}{value}", commit.id, day(commit.time))
}
