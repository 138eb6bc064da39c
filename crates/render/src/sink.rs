use std::array::from_fn;

use perf_model::{CommitId, SeriesId, Unit};

use crate::escape::{fenced, html, markdown_code, markup, terminal};
use crate::number::{Label, Scale};

/// Where a sentence goes, which decides how the words of others are made safe in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sink {
    /// A terminal or a log.
    Text,
    /// GitHub flavoured Markdown.
    Markdown,
    /// HTML, between tags.
    Html,
}

impl Sink {
    /// Shows a text that others wrote.
    pub(crate) fn name(self, text: &str) -> String {
        match self {
            Sink::Text => terminal(text),
            Sink::Markdown => markdown_code(text),
            // Letters that run from right to left must not reorder what stands beside them.
            Sink::Html => format!("<bdi>{}</bdi>", html(text)),
        }
    }

    /// Shows a text of our own as code.
    pub(crate) fn code(self, text: &str) -> String {
        match self {
            Sink::Text => text.to_owned(),
            Sink::Markdown => format!("`{text}`"),
            Sink::Html => format!("<code>{}</code>", markup(text)),
        }
    }

    /// Shows the first 12 digits of a commit's id.
    pub(crate) fn commit(self, commit: &CommitId) -> String {
        self.code(short(commit))
    }

    /// Shows which series.
    pub(crate) fn series(self, series: &SeriesId) -> String {
        format!("{} {}", self.name(&series.case()), self.name(&series.metric))
    }

    /// Shows values side by side, in one unit where each is then easily read.
    pub(crate) fn amounts<const N: usize>(self, unit: &Unit, values: [f64; N]) -> [String; N] {
        let scales = Scale::each(unit, values);
        from_fn(|side| format!("{} {}", scales[side].number(values[side]), self.label(&scales[side])))
    }

    /// Shows the unit of a scale.
    pub(crate) fn label(self, scale: &Scale) -> String {
        match scale.label() {
            Label::Known(label) => label.clone(),
            Label::Written(label) => self.name(label),
        }
    }
}

/// Returns the first 12 digits of a commit's id: enough for any repository of today.
pub(crate) fn short(commit: &CommitId) -> &str {
    &commit.as_str()[..12]
}

/// What Linux takes as a path (`PATH_MAX`); a cut one would name nothing.
const LONGEST_PATH: usize = 4_096;

/// Writes an argument of a command as a shell reads it back.
pub(crate) fn argument(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/');
    if !text.is_empty() && !text.starts_with('-') && text.len() <= LONGEST_PATH && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", fenced(text).replace('\'', r"\u{27}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_units_of_our_own_table_stand_outside_a_code_span() {
        for (unit, expected) in
            [("ns", "1 ns"), ("req/s", "1 req/s"), ("GH-1", "1 `GH-1`"), ("@user/s", "1 `@user/s`")]
        {
            assert_eq!(Sink::Markdown.amounts(&Unit::new(unit), [1.0]), [expected]);
        }
    }

    #[test]
    fn arguments_survive_a_shell() {
        for (text, expected) in [
            ("cores", "cores"),
            ("", r"'\u{}'"),
            ("--exec", "'--exec'"),
            ("a; rm", "'a; rm'"),
            ("it's `x`", r"'it\u{27}s \u{60}x\u{60}'"),
        ] {
            assert_eq!(argument(text), expected);
        }
    }
}
