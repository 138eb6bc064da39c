//! A badge for a README: how the last comparison ended or what was measured last, as SVG or for shields.io.

use std::time::Duration;

use perf_model::CommitId;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::escape::visible;
use crate::json::line;

/// What a badge says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Badge {
    /// What stands on its left.
    pub label: String,
    /// How it ended.
    pub standing: Standing,
    /// The commit that was measured last, or judged.
    pub commit: Option<CommitId>,
    /// How long ago that was.
    pub age: Option<Duration>,
}

/// What is known of the project's performance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The comparison passed.
    Passed,
    /// It passed, but something is slower.
    Slower,
    /// Something regressed.
    Failed,
    /// Nothing could be judged.
    Refused,
    /// Baselines are stored; nobody asked for a comparison.
    Measured,
    /// Nothing is stored.
    Unmeasured,
}

impl Standing {
    fn word(self) -> &'static str {
        match self {
            Standing::Passed => "pass",
            Standing::Slower => "slower",
            Standing::Failed => "regressed",
            Standing::Refused => "not compared",
            Standing::Measured => "measured",
            Standing::Unmeasured => "never measured",
        }
    }

    /// Dark enough for white letters: at least 4.5 to 1 (WCAG 2.2, 1.4.3).
    fn colour(self) -> &'static str {
        match self {
            Standing::Passed => "#1a7f37",
            Standing::Slower => "#8a5a00",
            Standing::Failed => "#b3261e",
            Standing::Measured => "#0550ae",
            Standing::Refused | Standing::Unmeasured => "#57606a",
        }
    }
}

const LABEL_COLOUR: &str = "#24292f";
const HEIGHT: usize = 20;
/// Pixels of one column of text, and beside a text on each side.
const COLUMN: usize = 7;
const PADDING: usize = 6;

/// Returns a badge as one SVG image that needs nothing else, neither fonts nor the network.
pub fn svg(badge: &Badge) -> String {
    let (label, message) = (visible(&badge.label), message(badge));
    let widths = [&label, &message].map(|text| text.width() * COLUMN);
    let sides = widths.map(|width| width + 2 * PADDING);
    let total = sides[0] + sides[1];
    let title = xml(&format!("{label}: {message}"));
    let text = |text: &str, x: usize, width: usize| {
        format!(
            "<text x=\"{x}\" y=\"14\" textLength=\"{width}\" lengthAdjust=\"spacingAndGlyphs\">{}</text>\n",
            xml(text)
        )
    };
    let (left, colour) = (sides[0], badge.standing.colour());
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{total}\" height=\"{HEIGHT}\" role=\"img\" aria-label=\"{title}\">\n\
         <title>{title}</title>\n\
         <rect width=\"{left}\" height=\"{HEIGHT}\" fill=\"{LABEL_COLOUR}\"/>\n\
         <rect x=\"{left}\" width=\"{}\" height=\"{HEIGHT}\" fill=\"{colour}\"/>\n\
         <g fill=\"#ffffff\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">\n{}{}</g>\n</svg>\n",
        sides[1],
        text(&label, PADDING, widths[0]),
        text(&message, left + PADDING, widths[1]),
    )
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Endpoint<'a> {
    schema_version: u32,
    label: &'a str,
    message: &'a str,
    color: &'a str,
    label_color: &'a str,
    is_error: bool,
}

/// Returns a badge as the JSON that shields.io draws (its "Endpoint Badge").
pub fn endpoint(badge: &Badge) -> String {
    line(&Endpoint {
        schema_version: 1,
        label: &visible(&badge.label),
        message: &message(badge),
        color: badge.standing.colour().trim_start_matches('#'),
        label_color: LABEL_COLOUR.trim_start_matches('#'),
        is_error: badge.standing == Standing::Failed,
    })
}

fn message(badge: &Badge) -> String {
    let mut message = badge.standing.word().to_owned();
    if let Some(commit) = &badge.commit {
        message += &format!(" at {}", commit.short());
    }
    if let Some(age) = badge.age {
        message += &format!(", {}", ago(age));
    }
    message
}

/// Says a time in its largest unit.
fn ago(age: Duration) -> String {
    const HOUR: u64 = 3_600;
    const DAY: u64 = 24 * HOUR;
    let (n, unit) = match age.as_secs() {
        seconds if seconds < HOUR => return "now".to_owned(),
        seconds if seconds < DAY => (seconds / HOUR, "hour"),
        seconds if seconds < 60 * DAY => (seconds / DAY, "day"),
        seconds if seconds < 730 * DAY => (seconds / (30 * DAY), "month"),
        seconds => (seconds / (365 * DAY), "year"),
    };
    format!("{n} {unit}{} ago", if n == 1 { "" } else { "s" })
}

fn xml(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{HOSTILE, head};

    const ALL: [Standing; 6] = [
        Standing::Passed,
        Standing::Slower,
        Standing::Failed,
        Standing::Refused,
        Standing::Measured,
        Standing::Unmeasured,
    ];

    fn badge(label: &str, standing: Standing) -> Badge {
        let age = Some(Duration::from_secs(3 * 86_400));
        Badge { label: label.to_owned(), standing, commit: Some(head()), age }
    }

    #[test]
    fn a_badge_says_how_what_and_when() {
        assert_eq!(message(&badge("perf", Standing::Failed)), "regressed at 615ff67, 3 days ago");
        let json: serde_json::Value =
            serde_json::from_str(&endpoint(&badge("perf", Standing::Failed))).unwrap();
        assert_eq!(json["schemaVersion"], 1);
        assert_eq!(json["message"], "regressed at 615ff67, 3 days ago");
        assert_eq!((&json["color"], &json["isError"]), (&"b3261e".into(), &true.into()));
        for (seconds, expected) in [
            (0, "now"),
            (3_600, "1 hour ago"),
            (86_400 * 59, "59 days ago"),
            (86_400 * 61, "2 months ago"),
            (86_400 * 800, "2 years ago"),
        ] {
            assert_eq!(ago(Duration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn letters_can_be_read_on_every_colour() {
        let channel = |hex: &str| {
            let value = f64::from(u8::from_str_radix(hex, 16).unwrap()) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        for colour in ALL.map(Standing::colour).into_iter().chain([LABEL_COLOUR]) {
            let [red, green, blue] = [1, 3, 5].map(|at| channel(&colour[at..at + 2]));
            let contrast = 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05);
            assert!(contrast >= 4.5, "{colour}: {contrast}");
        }
    }

    #[test]
    fn no_label_leaves_its_place() {
        for label in HOSTILE.iter().copied().chain(["\" onload=\"x", "<script/>", "]]>"]) {
            let image = svg(&badge(label, Standing::Passed));
            assert_eq!(image.matches('<').count(), 12, "{label:?}: {image}");
            assert_eq!(image.matches('"').count() % 2, 0, "{label:?}: {image}");
            assert!(
                !image.contains("<script") && !image.chars().any(|it| it.is_control() && it != '\n'),
                "{image}"
            );
            let json: serde_json::Value =
                serde_json::from_str(&endpoint(&badge(label, Standing::Passed))).unwrap();
            assert_eq!(json["label"], visible(label));
        }
    }
}
