//! Makes text that others wrote safe to show: benchmark names, units, facts, branches, subjects, paths.
//!
//! Everything starts with [`visible`], which leaves nothing that can act on a terminal, forge a line or look
//! like something else by not being seen; [`terminal`] and [`markdown_code`] add what their reader needs. Up
//! to [`LONGEST`] characters no two texts become the same one. Only [`message`] keeps line breaks and length:
//! it is for text that is ours but quotes others.

use std::borrow::Cow;
use std::iter::once;

/// How many characters of a text are shown; a longer one is cut.
pub const LONGEST: usize = 120;

/// How many combining marks in a row are writing; what follows climbs over neighbouring lines.
const MARKS: usize = 2;

/// Letters, marks and symbols that no font draws; the standard library knows the format characters.
const BLANK: &[(char, char)] = &[
    ('\u{34f}', '\u{34f}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{2800}', '\u{2800}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{e0100}', '\u{e01ef}'),
];

/// Shows every character of a text, on one line.
///
/// Controls, format, private, unassigned and blank characters, separators, the third and later combining
/// mark in a row, and blanks at an edge or beside another blank become `\u{hex}`; a backslash is doubled; an
/// empty text is `\u{}`. A text of more than [`LONGEST`] characters ends in `\...` and 8 digits of its hash.
pub fn visible(text: &str) -> String {
    if text.is_empty() {
        return r"\u{}".to_owned();
    }
    if text.chars().count() <= LONGEST {
        return shown(text);
    }
    let mark = format!(r"\...{:08x}", hash(text));
    let kept: String = text.chars().take(LONGEST - mark.len()).collect();
    shown(&kept) + &mark
}

/// Shows a text on a terminal or in the log of a CI runner.
///
/// Logs are read for commands: GitHub's runner takes `::name::` at the start of a line and `##[name]`
/// anywhere in one (its `ActionCommand.cs`), Azure Pipelines `##vso[`, TeamCity `##teamcity[`. Both
/// beginnings are broken with an escape.
pub fn terminal(text: &str) -> String {
    inert(&visible(text))
}

/// Shows a message of one or more lines on a terminal or in the log of a CI runner, whole.
///
/// What [`visible`] shows as `\u{hex}` is shown so, but line breaks, tabs, blanks and backslashes stay; log
/// commands are broken as by [`terminal`]. Each line after the first is indented by two blanks.
pub fn message(text: &str) -> String {
    let mut lines = text.split('\n').map(message_line);
    let mut shown = lines.next().unwrap_or_default();
    for line in lines {
        // An empty line gets no indent: it would be blanks that nobody sees.
        shown += if line.is_empty() { "\n" } else { "\n  " };
        shown += &line;
    }
    shown
}

/// Writes an annotation for the log of GitHub's runner, as one line. `title` and `text` may be anything.
///
/// This is the one place where a command to a CI service is made. The escapes are those of `command.ts` in
/// `actions/toolkit`: `%`, carriage return and line feed everywhere, `:` and `,` within a property as well.
pub(crate) fn annotation(level: &str, title: &str, text: &str) -> String {
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let title = data(title).replace(':', "%3A").replace(',', "%2C");
    format!("::{level} title={title}::{}", data(text))
}

/// Shows a text as a code span of GitHub flavoured Markdown, also within a table.
///
/// A code span is the one place where neither mentions, references nor links are looked for. A backslash
/// would not keep `|` from splitting a cell that holds `\|` already, so both delimiters become escapes.
pub fn markdown_code(text: &str) -> String {
    format!("`{}`", fenced(text).replace('|', r"\u{7c}"))
}

/// Shows a text within a fenced code block of Markdown.
pub(crate) fn fenced(text: &str) -> String {
    terminal(text).replace('`', r"\u{60}")
}

/// Shows a text within HTML, between tags or as the value of an attribute in quotes.
pub(crate) fn html(text: &str) -> String {
    markup(&visible(text))
}

/// Keeps a text of our own from being taken for markup.
pub(crate) fn markup(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// Escapes within finished JSON what would end the script element that it stands in, or begin a comment there.
pub(crate) fn script(finished: &str) -> String {
    json(finished).replace('<', r"\u003c").replace('>', r"\u003e").replace('&', r"\u0026")
}

/// Escapes within finished JSON what a log or a terminal would act on. Its meaning stays the same.
///
/// Such characters occur within strings only, where a `\u` escape may stand for any of them.
pub(crate) fn json<'a>(finished: impl Into<Cow<'a, str>>) -> Cow<'a, str> {
    let finished = finished.into();
    if is_visible(&finished) {
        return finished;
    }
    let mut escaped = String::with_capacity(finished.len());
    for letter in finished.replace("##", r"#\u0023").chars() {
        if is_hidden(letter) && letter != '\n' {
            letter.encode_utf16(&mut [0; 2]).iter().for_each(|unit| escaped += &format!("\\u{unit:04x}"));
        } else {
            escaped.push(letter);
        }
    }
    Cow::Owned(escaped)
}

/// Says whether finished JSON is as plain as most is: there is nothing to escape in it.
pub(crate) fn is_visible(finished: &str) -> bool {
    // Looking at every byte is faster than stopping at the first: many are looked at in one step.
    let (mut hidden, mut hash) = (false, false);
    for byte in finished.bytes() {
        hidden |= !matches!(byte, b' '..=b'~' | b'\n');
        hash |= byte == b'#';
    }
    !(hidden || hash && finished.contains("##"))
}

fn message_line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (letter, is_hidden) in classified(text) {
        if is_hidden && letter != '\t' {
            shown.extend(letter.escape_unicode());
        } else {
            shown.push(letter);
        }
    }
    inert(&shown)
}

fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut previous = ' ';
    let following = text.chars().skip(1).chain(once(' '));
    for ((letter, is_hidden), next) in classified(text).zip(following) {
        match letter {
            '\\' => shown.push_str(r"\\"),
            ' ' if previous == ' ' || next == ' ' => shown.push_str(r"\u{20}"),
            _ if is_hidden => shown.extend(letter.escape_unicode()),
            _ => shown.push(letter),
        }
        previous = letter;
    }
    shown
}

/// Tells of each character whether a reader would miss or mistake it.
fn classified(text: &str) -> impl Iterator<Item = (char, bool)> {
    // A mark with nothing before it would be drawn upon the delimiter, so none is allowed there.
    let mut marks = MARKS;
    text.chars().map(move |letter| {
        marks = if is_mark(letter) { marks + 1 } else { 0 };
        (letter, marks > MARKS || is_hidden(letter))
    })
}

/// Breaks what the log of a CI runner would take for a command.
fn inert(line: &str) -> String {
    let line = line.replace("##", r"#\u{23}");
    let command = line.trim_start();
    match command.strip_prefix("::") {
        Some(rest) => format!(r"{}\u{{3a}}:{rest}", &line[..line.len() - command.len()]),
        None => line,
    }
}

/// Tells whether a character alone is seen for what it is.
pub(crate) fn is_plain(letter: char) -> bool {
    !is_hidden(letter) && !is_mark(letter)
}

fn is_hidden(letter: char) -> bool {
    let ascii = letter.is_ascii() && !letter.is_ascii_control();
    !ascii && (!is_printable(letter) || BLANK.iter().any(|(first, last)| (first..=last).contains(&&letter)))
}

/// Tells whether the standard library prints a character as it is.
///
/// `str::escape_debug` escapes what is neither printable nor a grapheme extension, except that it also
/// escapes an extension that begins the string; hence the letter in front.
fn is_printable(letter: char) -> bool {
    ['a', letter].iter().collect::<String>().escape_debug().nth(1) == Some(letter)
}

/// Tells whether a character is drawn upon the one before: `char::escape_debug` escapes just these and the
/// unprintable.
fn is_mark(letter: char) -> bool {
    !letter.is_ascii() && is_printable(letter) && letter.escape_debug().next() == Some('\\')
}

/// FNV-1a of 64 bits, folded to 32 as its authors advise (Fowler, Noll, Vo; draft-eastlake-fnv).
///
/// It tells cut names apart in a report; nothing relies on it being hard to collide.
fn hash(text: &str) -> u32 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let hash = text.bytes().fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    (hash >> 32) as u32 ^ hash as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fixtures::HOSTILE;

    #[test]
    fn each_class_of_character_has_one_visible_form() {
        for (text, expected) in [
            ("parse/large", "parse/large"),
            ("中文 déjà 👍", "中文 déjà 👍"),
            ("", r"\u{}"),
            (" ", r"\u{20}"),
            (" a  b ", r"\u{20}a\u{20}\u{20}b\u{20}"),
            (r"a\b", r"a\\b"),
            ("a\nb\r\tc", r"a\u{a}b\u{d}\u{9}c"),
            ("\u{1b}[31m\u{9b}2J\u{7f}", r"\u{1b}[31m\u{9b}2J\u{7f}"),
            ("\u{202e}x\u{2066}", r"\u{202e}x\u{2066}"),
            ("a\u{200b}\u{200d}\u{feff}\u{ad}", r"a\u{200b}\u{200d}\u{feff}\u{ad}"),
            ("\u{2028}\u{2029}\u{85}\u{a0}", r"\u{2028}\u{2029}\u{85}\u{a0}"),
            ("\u{115f}\u{3164}\u{ffa0}\u{fe0f}", r"\u{115f}\u{3164}\u{ffa0}\u{fe0f}"),
            ("\u{378}\u{e000}\u{e0041}", r"\u{378}\u{e000}\u{e0041}"),
            ("z\u{335}\u{321}\u{322}", "z\u{335}\u{321}\\u{322}"),
            ("\u{301}e\u{301}", "\\u{301}e\u{301}"),
        ] {
            assert_eq!(visible(text), expected, "{text:?}");
        }
    }

    #[test]
    fn long_texts_are_cut_and_still_told_apart() {
        let (one, other) = (format!("{}1", "n".repeat(200)), format!("{}2", "n".repeat(200)));
        assert_eq!(visible(&one).len(), LONGEST);
        assert_eq!(visible(&one), format!(r"{}\...9d370698", "n".repeat(108)));
        assert_ne!(visible(&one), visible(&other));
        let whole = "n".repeat(LONGEST);
        assert_eq!(visible(&whole), whole);
    }

    #[test]
    fn no_text_is_a_command_to_a_log_reader() {
        for (text, expected) in [
            ("::error file=a::owned", r"\u{3a}:error file=a::owned"),
            ("crate::module", "crate::module"),
            ("x ##[error]owned", r"x #\u{23}[error]owned"),
            ("##vso[task]", r"#\u{23}vso[task]"),
            ("####teamcity[x]", r"#\u{23}#\u{23}teamcity[x]"),
            ("\n::error::owned", r"\u{a}::error::owned"),
        ] {
            assert_eq!(terminal(text), expected);
        }
    }

    #[test]
    fn nothing_in_an_annotation_ends_it_or_its_title() {
        let written = annotation("error", "a,file=b::c%\r", "100 %\n::warning::x\r");
        assert_eq!(written, "::error title=a%2Cfile=b%3A%3Ac%25%0D::100 %25%0A::warning::x%0D");
    }

    #[test]
    fn a_message_is_shown_whole_and_harmless() {
        let long = "x".repeat(2 * LONGEST);
        for (text, expected) in [
            ("", ""),
            (r"C:\new\dir  is gone", r"C:\new\dir  is gone"),
            (&long, &long),
            ("first\nsecond\n\tthird\n\n\nlast\n", "first\n  second\n  \tthird\n\n\n  last\n"),
            ("\u{1b}[2Jx\u{202e}y\u{200b}\rz", r"\u{1b}[2Jx\u{202e}y\u{200b}\u{d}z"),
            ("::error::a::b\n \t::add-mask::c", "\\u{3a}:error::a::b\n   \t\\u{3a}:add-mask::c"),
            ("a ##[error]b ##vso[c] ##teamcity[d]", r"a #\u{23}[error]b #\u{23}vso[c] #\u{23}teamcity[d]"),
        ] {
            assert_eq!(message(text), expected);
        }
    }

    #[test]
    fn a_code_span_holds_neither_backtick_nor_pipe() {
        for (text, expected) in [
            ("a|b", r"`a\u{7c}b`"),
            (r"a\|b", r"`a\\\u{7c}b`"),
            ("``", r"`\u{60}\u{60}`"),
            ("@user #1 <b>", "`@user #1 <b>`"),
            (r"ends\", r"`ends\\`"),
        ] {
            assert_eq!(markdown_code(text), expected);
        }
    }

    #[test]
    fn json_keeps_its_meaning() {
        for hostile in HOSTILE {
            let plain = serde_json::to_string(hostile).unwrap();
            let escaped = json(&plain);
            assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), *hostile);
            assert!(!escaped.contains("##") && !escaped.chars().any(is_hidden), "{escaped}");
        }
    }

    /// Reads back what [`visible`] wrote for a text that was not cut.
    fn seen(mut shown: &str) -> String {
        let mut text = String::new();
        while let Some(letter) = shown.chars().next() {
            shown = &shown[letter.len_utf8()..];
            if letter != '\\' {
                text.push(letter);
            } else if let Some(rest) = shown.strip_prefix('\\') {
                text.push('\\');
                shown = rest;
            } else {
                let (hex, rest) = shown.strip_prefix("u{").unwrap().split_once('}').unwrap();
                text.extend(u32::from_str_radix(hex, 16).ok().and_then(char::from_u32));
                shown = rest;
            }
        }
        text
    }

    fn text() -> impl Strategy<Value = String> {
        let character = prop_oneof![
            any::<char>(),
            prop::sample::select("\\`|:#[]{} \n\r\t\u{1b}\u{301}".chars().collect::<Vec<_>>())
        ];
        prop::collection::vec(character, 0..=LONGEST).prop_map(|characters| characters.into_iter().collect())
    }

    /// Counts the cells of a row as cmark-gfm does: a pipe ends one unless a backslash stands before it.
    fn cells(row: &str) -> usize {
        row.replace(r"\|", "").matches('|').count() - 1
    }

    proptest! {
        #[test]
        fn what_is_shown_can_be_read_back(text in text()) {
            for shown in [visible(&text), terminal(&text), fenced(&text)] {
                prop_assert_eq!(seen(&shown), text.clone());
            }
        }

        #[test]
        fn nothing_hidden_and_no_line_break_survives(text: String) {
            for shown in [visible(&text), terminal(&text), markdown_code(&text)] {
                prop_assert!(!shown.chars().any(is_hidden), "{shown:?}");
                prop_assert!(!shown.chars().any(char::is_control), "{shown:?}");
                prop_assert_eq!(shown.lines().count(), 1);
            }
        }

        #[test]
        fn a_message_moves_no_cursor_and_gives_no_command(text in text(), other: String) {
            for text in [text, other] {
                let shown = message(&text);
                prop_assert!(!shown.chars().any(|letter| is_hidden(letter) && !"\n\t".contains(letter)));
                prop_assert!(!shown.contains("##"));
                prop_assert!(!shown.lines().any(|line| line.trim_start().starts_with("::")));
                prop_assert_eq!(shown.matches('\n').count(), text.matches('\n').count());
                prop_assert!(shown.lines().skip(1).all(|line| line.is_empty() || line.starts_with("  ")));
            }
        }

        #[test]
        fn any_name_fills_exactly_one_cell(text in text()) {
            prop_assert_eq!(cells(&format!("| {} | 1 |", markdown_code(&text))), 2);
        }
    }
}
