use perf_compare::Change;

use super::place::{COLUMNS, LEGEND, cells, change, environment, heading};
use super::{History, Series};
use crate::number::counted;
use crate::page::Flush;
use crate::report::LONGEST_COMMENT;
use crate::sink::Sink;

/// Returns histories as GitHub flavoured Markdown of at most [`LONGEST_COMMENT`] characters; the series and changes
/// that do not fit are counted.
pub fn markdown(history: &History) -> String {
    let mut page = format!("{}\n", heading(history, Sink::Markdown));
    // Room for what is said last.
    let room = LONGEST_COMMENT - 1_000;
    let (mut length, mut dropped) = (page.chars().count(), 0);
    let mut add = |text: String| {
        let fits = length + text.chars().count() <= room;
        length += if fits { text.chars().count() } else { 0 };
        if fits { Some(text) } else { None }
    };
    for (index, place) in history.environments.iter().enumerate() {
        let mut series = history.series.iter().filter(|it| it.environment == index).peekable();
        if series.peek().is_none() {
            continue;
        }
        let place = environment(place, Sink::Markdown);
        page.extend(add(format!("\nEnvironment {place}\n\n{}", titles())));
        for it in series {
            match add(row(&cells(it, history, Sink::Markdown))) {
                Some(row) => page += &row,
                None => dropped += 1,
            }
        }
    }
    page.extend(add(format!("\n{}\n", LEGEND.join("  \n"))));
    let mut changes: Vec<(&Series, &Change)> = history
        .series
        .iter()
        .flat_map(|it| it.course.changes.iter().map(move |change| (it, change)))
        .collect();
    changes.sort_by_key(|(_, change)| std::cmp::Reverse(change.upto));
    if !changes.is_empty() {
        page.extend(add("\nChanges of level, newest first\n\n".to_owned()));
    }
    for (series, it) in changes {
        match add(format!("- {}\n", change(series, it, history, Sink::Markdown))) {
            Some(line) => page += &line,
            None => dropped += 1,
        }
    }
    if dropped > 0 {
        page += &format!("\nToo long for one page: {} series and changes left out.\n", counted(dropped));
    }
    page
}

fn titles() -> String {
    let names: Vec<&str> = COLUMNS.iter().map(|column| column.title).collect();
    let rules: Vec<&str> = COLUMNS
        .iter()
        .map(|column| match column.flush {
            Flush::Left => "---",
            Flush::Right => "---:",
        })
        .collect();
    format!("| {} |\n| {} |\n", names.join(" | "), rules.join(" | "))
}

fn row(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}
