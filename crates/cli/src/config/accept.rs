//! `[[accept]]` and the trailer `Perf-Accept`: what may become worse, since somebody answers for it.

use perf_compare::{Acceptance, AcceptedIn, Limit, Notice, Pattern};
use perf_store::Message;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use time::Date;
use time::format_description::FormatItem;
use time::macros::format_description;

use super::rule::{Glob, LimitText};
use super::text_schema;

/// The trailer's key.
pub(crate) const KEY: &str = "Perf-Accept";

/// What a line to paste has in the place of the reason, which only its author knows.
const PLACEHOLDER: &str = "<why>";

const DATE: &[FormatItem<'_>] = format_description!("[year]-[month]-[day]");

/// `[[accept]]`: what may become worse, why, and until when.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct AcceptConfig {
    /// Which benchmarks: a glob.
    benchmark: Glob,
    /// Which metrics: a glob; all of them where not given.
    metric: Option<Glob>,
    /// How much worse they may become.
    at_most: Option<LimitText>,
    /// Why it is worth it.
    reason: String,
    /// Who answers for it.
    author: String,
    /// The last day on which it holds.
    expires: Day,
}

impl AcceptConfig {
    /// Returns the entry in the words of the comparison.
    pub(crate) fn acceptance(&self) -> Acceptance {
        Acceptance {
            benchmark: self.benchmark.0.clone(),
            metric: self.metric.as_ref().map(|glob| glob.0.clone()),
            at_most: self.at_most.as_ref().map(|text| text.0.clone()),
            reason: self.reason.trim().to_owned(),
            by: self.author.trim().to_owned(),
            source: AcceptedIn::File { expires: self.expires.0 },
            since: None,
        }
    }

    /// Checks what the form alone cannot say; `number` counts the entries from 1.
    pub(crate) fn check(&self, number: usize) -> Result<(), String> {
        for (key, value) in [("reason", &self.reason), ("author", &self.author)] {
            if value.trim().is_empty() {
                return Err(format!("[[accept]] {number}: `{key}` is empty"));
            }
        }
        Ok(())
    }
}

/// A day, as a date of TOML or as text.
#[derive(Debug)]
struct Day(Date);

text_schema!(Day, "Day", {"type": "string", "format": "date", "description": "a day, such as 2026-12-31"});

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;
        impl<'de> Visitor<'de> for Written {
            type Value = String;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a date such as 2026-12-31")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<String, E> {
                Ok(text.to_owned())
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<String, A::Error> {
                toml::value::Datetime::deserialize(MapAccessDeserializer::new(map))
                    .map(|date| date.to_string())
            }
        }
        let text = deserializer.deserialize_any(Written)?;
        Date::parse(text.trim(), DATE)
            .map(Self)
            .map_err(|_| D::Error::custom(format!("`{text}`: expected a date such as 2026-12-31")))
    }
}

/// Reads the acceptances in a commit's message: every line that begins with the key, wherever it stands. A squash
/// merge strings messages together, so that what was a trailer stands in the middle, and git indents it.
///
/// Each is the acceptance, or a notice of what is wrong with it.
pub(crate) fn in_message(message: &Message) -> Vec<Result<Acceptance, Notice>> {
    let read = |value: String| {
        acceptance(&value, message).map_err(|problem| Notice::UnreadAcceptance {
            commit: message.commit.clone(),
            text: format!("{KEY}: {value}"),
            problem,
        })
    };
    values(&message.text).into_iter().map(read).collect()
}

/// Returns the values of all lines that begin with the key, with the lines that continue them.
fn values(text: &str) -> Vec<String> {
    let mut found: Vec<(usize, String)> = vec![];
    let mut open = false;
    for line in text.lines() {
        let trimmed = line.trim();
        let indent = line.len() - line.trim_start().len();
        if let Some(value) = value(trimmed) {
            found.push((indent, value.trim().to_owned()));
            open = true;
        } else if let Some((first, value)) = found.last_mut().filter(|_| open && !trimmed.is_empty())
            && indent > *first
        {
            value.push(' ');
            value.push_str(trimmed);
        } else {
            open = false;
        }
    }
    found.into_iter().map(|(_, value)| value).collect()
}

/// Returns what follows the key and its colon.
fn value(line: &str) -> Option<&str> {
    let (key, rest) = line.split_at_checked(KEY.len())?;
    let rest = rest.trim_start().strip_prefix(':')?;
    key.eq_ignore_ascii_case(KEY).then_some(rest)
}

/// Reads `<glob> [metric] [<= +N%]; <reason>`.
fn acceptance(text: &str, message: &Message) -> Result<Acceptance, String> {
    let (words, reason) = words(text)?;
    let reason = reason.map(str::trim).filter(|reason| !reason.is_empty() && *reason != PLACEHOLDER);
    let Some(reason) = reason else {
        return Err("it gives no reason: write one after a semicolon".into());
    };
    let bound = words.iter().position(Word::is_bound);
    let (names, bound) = words.split_at(bound.unwrap_or(words.len()));
    let (benchmark, metric) = match names {
        [benchmark] => (benchmark, None),
        [benchmark, metric] => (benchmark, Some(metric)),
        [] => return Err("it names no benchmark".into()),
        [_, _, ..] => {
            return Err("more than a benchmark and a metric: put names with blanks into double quotes".into());
        }
    };
    let pattern = |word: &Word| Pattern::new(&word.text).map_err(|error| error.to_string());
    Ok(Acceptance {
        benchmark: pattern(benchmark)?,
        metric: metric.map(pattern).transpose()?,
        at_most: at_most(bound)?,
        reason: reason.to_owned(),
        by: message.author.clone(),
        source: AcceptedIn::Commit(message.commit.clone()),
        since: None,
    })
}

fn at_most(words: &[Word]) -> Result<Option<Limit>, String> {
    if words.is_empty() {
        return Ok(None);
    }
    let text: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    let text = text.join(" ");
    let limit = text.trim_start_matches("<=").trim().parse::<LimitText>();
    limit.map(|text| Some(text.0)).map_err(|problem| format!("after `<=`: {problem}"))
}

/// One word of a trailer.
#[derive(Debug, Default, PartialEq, Eq)]
struct Word {
    text: String,
    /// Whether any of it stood in double quotes.
    quoted: bool,
}

impl Word {
    fn is_bound(&self) -> bool {
        !self.quoted && self.text.starts_with("<=")
    }
}

/// Splits the text before the first semicolon at blanks, and returns what comes after it. Blanks and semicolons within
/// double quotes belong to a word.
fn words(text: &str) -> Result<(Vec<Word>, Option<&str>), &'static str> {
    let (mut words, mut word) = (vec![], None::<Word>);
    let mut in_quotes = false;
    let mut reason = None;
    for (at, letter) in text.char_indices() {
        match letter {
            '"' => {
                in_quotes = !in_quotes;
                word.get_or_insert_default().quoted = true;
            }
            ';' if !in_quotes => {
                reason = Some(&text[at + 1..]);
                break;
            }
            blank if blank.is_whitespace() && !in_quotes => words.extend(word.take()),
            letter => word.get_or_insert_default().text.push(letter),
        }
    }
    if in_quotes {
        return Err("a double quote is not closed");
    }
    words.extend(word);
    Ok((words, reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Message {
        Message { commit: "a".repeat(40).parse().unwrap(), author: "Tester".into(), text: text.into() }
    }

    fn read(value: &str) -> Result<Acceptance, String> {
        acceptance(value, &message(""))
    }

    fn told(value: &str) -> (String, Option<String>, Option<String>, String) {
        let it = read(value).unwrap();
        let bound = it.at_most.map(|limit| match (limit.relative, limit.absolute) {
            (Some(share), _) => format!("{share}"),
            (None, Some(amount)) => format!("{} {}", amount.value, amount.unit.unwrap().symbol()),
            (None, None) => String::new(),
        });
        (it.benchmark.text().into(), it.metric.map(|it| it.text().into()), bound, it.reason)
    }

    #[test]
    fn a_trailer_names_benchmark_metric_bound_and_reason() {
        for (text, benchmark, metric, bound, reason) in [
            ("parse/*; new checks", "parse/*", None, None, "new checks"),
            ("parse/* time ; a; b", "parse/*", Some("time"), None, "a; b"),
            ("parse/* <= +40%; why", "parse/*", None, Some("0.4"), "why"),
            ("parse time <=40%;why", "parse", Some("time"), Some("0.4"), "why"),
            ("parse time <= +2 ms; why", "parse", Some("time"), Some("2 ms"), "why"),
            (r#""GET /a;b" "p 95" <= +5%; why"#, "GET /a;b", Some("p 95"), Some("0.05"), "why"),
            (r#""<=" time; why"#, "<=", Some("time"), None, "why"),
        ] {
            let expected =
                (benchmark.into(), metric.map(Into::into), bound.map(Into::into), reason.to_owned());
            assert_eq!(told(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_trailer_is_said() {
        for (text, expected) in [
            ("parse/*", "no reason"),
            ("parse/* ;  ", "no reason"),
            ("parse/*; <why>", "no reason"),
            ("; because", "names no benchmark"),
            ("<= +40%; because", "names no benchmark"),
            ("a b c; because", "names with blanks"),
            ("a[; because", "is no glob"),
            ("a <= 40; because", "share or a difference"),
            ("a <= -40%; because", "is below zero"),
            ("a <= ; because", "after `<=`"),
            ("\"a; because", "not closed"),
        ] {
            let problem = read(text).unwrap_err();
            assert!(problem.contains(expected), "{text}: {problem}");
        }
    }

    #[test]
    fn trailers_are_found_wherever_a_squash_puts_them() {
        for (text, expected) in [
            ("Subject\n\nPerf-Accept: a; b\n", vec!["a; b"]),
            ("Subject\n\nperf-accept : a; b\nSigned-off-by: x\n", vec!["a; b"]),
            ("* One\n\nPerf-Accept: a; b\n\n* Two\n\nPerf-Accept: c; d\n", vec!["a; b", "c; d"]),
            ("Squashed\n\ncommit 1\n\n    One\n\n    Perf-Accept: a; b\n      c\n\n    Two", vec!["a; b c"]),
            ("Subject\n\nPerf-Accept: a; b\n c\n\n d\n", vec!["a; b c"]),
            ("Say how `Perf-Accept: a; b` works\n\nAnd Perf-Accept: too; late\n", vec![]),
            ("Perf-Accepted: a; b\nPerf-Accept\n", vec![]),
        ] {
            assert_eq!(values(text), expected, "{text:?}");
        }
    }

    #[test]
    fn no_trailer_is_too_strange() {
        for value in
            ["", ";", "\"", "\"\";x", "<=;x", "\u{0}; \u{202e}", "\"\" \"\" <= ; x", "é<=;é", "**/; x"]
        {
            for found in in_message(&message(&format!("é\nPerf-Accept: {value}\n"))).into_iter().flatten() {
                assert!(!found.reason.is_empty(), "{value:?}");
            }
        }
    }
}
