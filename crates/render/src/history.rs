//! Histories of series along first parents: for a terminal, a page, an issue, a program.

mod blame;
mod csv;
mod html;
mod json;
mod markdown;
mod place;
mod spark;
mod text;

use perf_compare::{Acceptance, Bound, Course, Severity};
use perf_model::{CommitId, Environment, Fingerprint, Metric, Rebaseline, SeriesId};
use time::OffsetDateTime;

pub use blame::{Which, blame};
pub use csv::csv;
pub use html::html;
pub(crate) use html::{chart, chart_data, chart_license};
pub use json::json;
pub use markdown::markdown;
pub(crate) use place::heading;
pub use text::text;

/// The histories that somebody asked for.
#[derive(Clone, Debug)]
pub struct History {
    /// The revision whose first parents these are, as the caller wrote it.
    pub revision: String,
    /// The line of first parents, oldest first; never empty.
    pub commits: Vec<Commit>,
    /// The position from which on the reader wants to know.
    pub from: usize,
    /// The environments that something was measured in, the one measured last first.
    pub environments: Vec<Place>,
    /// The series, by environment and then by name.
    pub series: Vec<Series>,
}

/// A commit on the line.
#[derive(Clone, Debug, PartialEq)]
pub struct Commit {
    /// Its id.
    pub id: CommitId,
    /// The first line of its message.
    pub subject: String,
    /// Who wrote it.
    pub author: String,
    /// When it was committed.
    pub time: OffsetDateTime,
}

/// An environment.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// Its facts; `None` where no run could be read.
    pub environment: Option<Environment>,
}

/// The history of one series in one environment.
#[derive(Clone, Debug)]
pub struct Series {
    /// Which series.
    pub series: SeriesId,
    /// The names that its benchmark had before.
    pub formerly: Vec<String>,
    /// What was read; all values are in its unit.
    pub metric: Metric,
    /// The environment's place in the list.
    pub environment: usize,
    /// The environment's place in which it was measured before this one took over.
    pub follows: Option<usize>,
    /// Its values in the stretch that the reader wants, oldest first; never empty.
    pub points: Vec<Point>,
    /// What they say.
    pub course: Course,
    /// Where a new level was declared in the stretch.
    pub rebaselines: Vec<(usize, Rebaseline)>,
    /// Which changes for the worse were accepted, by the position up to which they lie.
    pub accepted: Vec<(usize, Acceptance)>,
    /// What it must not exceed or fall below, in the metric's unit.
    pub bounds: Vec<(Bound, Severity, f64)>,
}

/// What was read of a series at one commit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The commit's position.
    pub position: usize,
    /// The median over the runs.
    pub level: f64,
    /// Where the middle half of the readings lies, where that is known.
    pub middle: Option<(f64, f64)>,
    /// How many runs there are.
    pub runs: usize,
    /// When the newest was measured.
    pub time: OffsetDateTime,
}

impl History {
    /// Returns the commits that the reader wants.
    fn stretch(&self) -> &[Commit] {
        &self.commits[self.from..]
    }

    /// Returns how many of them were measured.
    fn measured(&self) -> usize {
        let mut seen = vec![false; self.commits.len()];
        self.series.iter().flat_map(|series| &series.points).for_each(|point| seen[point.position] = true);
        seen.into_iter().filter(|seen| *seen).count()
    }
}

impl Series {
    /// Returns the rebaseline that explains a change of level, where one was declared within it.
    fn declared(&self, change: &perf_compare::Change) -> Option<&Rebaseline> {
        let within = |position: usize| change.earliest < position && position <= change.latest;
        self.rebaselines.iter().find(|(position, _)| within(*position)).map(|(_, rebaseline)| rebaseline)
    }
}

#[cfg(test)]
mod tests {
    use perf_compare::{Spot, course};
    use perf_model::Better;
    use time::macros::datetime;

    use super::*;
    use crate::fixtures::{HOSTILE, environment};
    use crate::page::{Colour, Page};

    /// Thirty commits, of which the seventh was not measured; from the sixteenth on everything is slower.
    fn history(name: &str) -> History {
        let commit = |number: usize| Commit {
            id: format!("{number:02x}").repeat(20).parse().unwrap(),
            subject: name.into(),
            author: name.into(),
            time: datetime!(2026-01-01 0:00 UTC) + time::Duration::days(number as i64),
        };
        let level = |number: usize| if number < 15 { 100.0 } else { 130.0 } + (number * 7 % 5) as f64 / 10.0;
        let point = |position: usize| Point {
            position,
            level: level(position),
            middle: Some((level(position) - 0.5, level(position) + 0.5)),
            runs: 1,
            time: datetime!(2026-02-01 0:00 UTC),
        };
        let points: Vec<Point> = (0..30).filter(|position| *position != 6).map(point).collect();
        let spots: Vec<Spot> =
            points.iter().map(|point| Spot { position: point.position, level: point.level }).collect();
        let rebaseline = Rebaseline { by: name.into(), reason: name.into() };
        let environment = environment("4");
        History {
            revision: name.into(),
            commits: (0..30).map(commit).collect(),
            from: 0,
            environments: vec![Place {
                fingerprint: environment.fingerprint(),
                environment: Some(environment),
            }],
            series: vec![Series {
                series: SeriesId { benchmark: name.into(), params: [].into(), metric: name.into() },
                formerly: vec![name.into()],
                metric: Metric::time(name, "ns"),
                environment: 0,
                follows: None,
                points,
                course: course(&spots, Better::Lower, 0, &[15]).unwrap(),
                rebaselines: vec![(15, rebaseline)],
                accepted: vec![],
                bounds: vec![(Bound::Max, Severity::Fail, 150.0)],
            }],
        }
    }

    const PAGE: Page = Page { width: usize::MAX, colour: Colour::Plain };

    #[test]
    fn every_form_tells_the_change_and_what_was_declared() {
        let history = history("parse");
        let change = "+29.9 % (slower)";
        for text in [text(&history, PAGE), markdown(&history), html(&history), blame(&history, Which::All)] {
            assert!(text.contains(change), "{change}: {text}");
            assert!(text.contains("rebaseline"), "{text}");
        }
        assert!(text(&history, PAGE).contains("1 commit before it not measured"));
        let json: serde_json::Value = serde_json::from_str(&json(&history)).unwrap();
        let series = &json["series"][0];
        assert_eq!(series["changes"][0]["rebaseline"], "parse");
        assert_eq!(series["breaks"][0]["commits"], 1);
        assert_eq!(series["bounds"][0]["value"], 150.0);
        assert_eq!(csv(&history).lines().count(), 30);
    }

    #[test]
    fn no_name_changes_the_shape_of_a_history() {
        let lines = |name: &str| {
            let history = history(name);
            [
                text(&history, PAGE),
                markdown(&history),
                csv(&history),
                json(&history),
                blame(&history, Which::All),
            ]
            .map(|text| text.lines().count())
        };
        let tags = |name: &str| {
            let page = html(&history(name));
            ["<script", "</script", "<tr", "<li", "<img", "<!--", "<a "].map(|tag| page.matches(tag).count())
        };
        let (expected_lines, expected_tags) = (lines("harmless"), tags("harmless"));
        for name in HOSTILE {
            assert_eq!(lines(name), expected_lines, "{name:?}");
            assert_eq!(tags(name), expected_tags, "{name:?}");
        }
    }

    #[test]
    fn a_page_of_markdown_fits_into_a_comment() {
        let mut history = history(&"`|<@long name ".repeat(10));
        history.series = vec![history.series[0].clone(); 2_000];
        let page = markdown(&history);
        assert!(page.chars().count() <= crate::report::LONGEST_COMMENT);
        assert!(page.contains("series and changes left out"), "{}", &page[page.len() - 200..]);
    }
}
