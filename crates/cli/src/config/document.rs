//! The text of `perf.toml` with its places: where a key stands, which keys there are, what was meant.

use std::fmt;
use std::ops::Range;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What is wrong with the content of `perf.toml`, and where.
#[derive(Debug)]
pub(crate) struct Problem {
    /// Keys and indices from the top, such as `rule/0/warn`; empty where it is no single place.
    at: String,
    message: String,
}

/// A parsed text.
pub(super) struct Document<'a> {
    text: &'a str,
    table: Spanned<DeTable<'a>>,
}

/// A key that does not exist.
struct Unknown {
    at: Range<usize>,
    message: String,
}

impl Problem {
    /// Returns a problem with the value at some place, such as `rule/0/warn`.
    pub(super) fn at(at: impl Into<String>, message: impl Into<String>) -> Self {
        Self { at: at.into(), message: message.into() }
    }
}

impl From<String> for Problem {
    fn from(message: String) -> Self {
        Self::at("", message)
    }
}

impl From<Problem> for String {
    fn from(problem: Problem) -> Self {
        problem.message
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl<'a> Document<'a> {
    /// Parses a text; the error names line and column.
    pub(super) fn parse(text: &'a str) -> Result<Self, String> {
        match DeTable::parse(text) {
            Ok(table) => Ok(Self { text, table }),
            Err(error) => Err(match error.span() {
                Some(span) => format!("{}: {}", place(text, span.start), error.message()),
                None => error.message().to_owned(),
            }),
        }
    }

    /// Refuses the first key that the schema does not know, with the nearest one that it does.
    pub(super) fn check_keys(&self, schema: &Value) -> Result<(), String> {
        let mut unknown = Vec::new();
        walk_table(self.table.get_ref(), (schema, schema), "", &mut unknown);
        match unknown.into_iter().min_by_key(|key| key.at.start) {
            Some(key) => Err(format!("{}: {}", place(self.text, key.at.start), key.message)),
            None => Ok(()),
        }
    }

    /// Adds line, column and key to what a deserializer says.
    pub(super) fn explained(&self, error: &toml::de::Error) -> String {
        let Some(span) = error.span() else { return error.message().to_owned() };
        let place = place(self.text, span.start);
        match key_at(self.table.get_ref(), span.start) {
            Some(key) => format!("{place}: `{key}`: {}", error.message()),
            None => format!("{place}: {}", error.message()),
        }
    }

    /// Adds line and column to a problem.
    pub(super) fn placed(&self, problem: Problem) -> String {
        let Problem { at, message } = problem;
        let mut found = None;
        let mut table = Some(self.table.get_ref());
        let mut array: Option<&[Spanned<DeValue>]> = None;
        for step in at.split('/').filter(|step| !step.is_empty()) {
            let next = match (array, table) {
                (Some(items), _) => step.parse().ok().and_then(|index: usize| items.get(index)),
                (None, Some(table)) => table.get(step),
                (None, None) => None,
            };
            let Some(next) = next else { break };
            found = Some(next.span());
            (table, array) = (next.get_ref().as_table(), next.get_ref().as_array().map(|items| &items[..]));
        }
        match found {
            Some(span) => format!("{}: {message}", place(self.text, span.start)),
            None => message,
        }
    }
}

/// Writes a place as people count: from 1, columns in characters.
fn place(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("line {line}, column {column}")
}

/// Returns the key whose value a place lies in, such as `rule.warn`.
fn key_at(table: &DeTable, offset: usize) -> Option<String> {
    table.iter().find_map(|(key, value)| {
        let name = key.get_ref();
        match within(value.get_ref(), offset) {
            Some(inner) if inner.is_empty() => Some(name.to_string()),
            Some(inner) => Some(format!("{name}.{inner}")),
            None if key.span().contains(&offset) || value.span().contains(&offset) => Some(name.to_string()),
            None => None,
        }
    })
}

fn within(value: &DeValue, offset: usize) -> Option<String> {
    match value {
        DeValue::Table(table) => key_at(table, offset),
        DeValue::Array(items) => items.iter().find_map(|item| {
            let here = || item.span().contains(&offset).then(String::new);
            within(item.get_ref(), offset).or_else(here)
        }),
        _ => None,
    }
}

/// Collects the keys of a table that its schema does not know. `schemas` are that of the table and the whole one.
fn walk_table(table: &DeTable, schemas: (&Value, &Value), within: &str, unknown: &mut Vec<Unknown>) {
    let (schema, root) = schemas;
    let schema = resolved(schema, root);
    let Some(known) = schema["properties"].as_object() else { return };
    for (key, value) in table {
        let name: &str = key.get_ref();
        match known.get(name) {
            Some(inner) => walk(value.get_ref(), (inner, root), name, unknown),
            None if schema["additionalProperties"] == false => {
                let place = if within.is_empty() { String::new() } else { format!(" in `{within}`") };
                let message = format!("unknown key `{name}`{place}; {}", meant(name, known.keys()));
                unknown.push(Unknown { at: key.span(), message });
            }
            None => {}
        }
    }
}

fn walk(value: &DeValue, schemas: (&Value, &Value), within: &str, unknown: &mut Vec<Unknown>) {
    match value {
        DeValue::Table(table) => walk_table(table, schemas, within, unknown),
        DeValue::Array(items) => {
            let items_schema = &resolved(schemas.0, schemas.1)["items"];
            items.iter().for_each(|item| walk(item.get_ref(), (items_schema, schemas.1), within, unknown));
        }
        _ => {}
    }
}

/// Follows references, and what may be left out to what it is where it is there.
fn resolved<'a>(mut schema: &'a Value, root: &'a Value) -> &'a Value {
    loop {
        let there = |schema: &&Value| schema["type"] != "null";
        let next = match (schema["$ref"].as_str(), schema["anyOf"].as_array()) {
            (Some(name), _) => root.pointer(name.trim_start_matches('#')),
            (None, Some(choices)) => choices.iter().find(there),
            (None, None) => None,
        };
        match next {
            Some(next) => schema = next,
            None => return schema,
        }
    }
}

/// Says which key was probably meant, or which there are.
fn meant<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> String {
    let known: Vec<_> = known.collect();
    let distance = |key: &&&String| strsim::damerau_levenshtein(name, key);
    match known.iter().min_by_key(distance) {
        Some(nearest) if strsim::damerau_levenshtein(name, nearest) <= (name.len() / 3).max(1) => {
            format!("did you mean `{nearest}`?")
        }
        Some(_) | None => {
            let known: Vec<_> = known.iter().map(|key| format!("`{key}`")).collect();
            format!("there are {}", known.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn a_key_that_does_not_exist_is_named_with_its_place_and_the_nearest() {
        for (text, expected) in [
            ("warm = \"5%\"", "line 1, column 1: unknown key `warm`; did you mean `warn`?"),
            ("\n\n  max_lag = 3", "line 3, column 3: unknown key `max-lag`"),
            (
                "[[rule]]\nwarn = \"5%\"\n[[rule]]\nfial = \"5%\"",
                "line 4, column 1: unknown key `fial` in `rule`; did you mean `fail`?",
            ),
            (
                "[store]\nrequire-sign = true",
                "unknown key `require-sign` in `store`; did you mean `require-signed`?",
            ),
            (
                "[[environment.fact]]\nname = \"a\"\nvalu = \"x\"",
                "line 3, column 1: unknown key `valu` in `fact`; did you mean `value`?",
            ),
            (
                "suite = [{ name = \"a\", path = \"b\", fromat = \"c\" }]",
                "column 36: unknown key `fromat` in `suite`",
            ),
            (
                "[[input]]\nname = \"x\"\n[[input.column]]\ncolumn = \"a\"\nunits = \"s\"",
                "line 5, column 1: unknown key `units` in `column`; did you mean `unit`?",
            ),
            ("[store]\nzzz = 1", "unknown key `zzz` in `store`; there are `require-signed`"),
            ("é = 1\nü = 2", "line 1, column 1"),
        ] {
            let problem = Config::parse(text).unwrap_err().replace("max_lag", "max-lag");
            assert!(problem.contains(expected), "{text}: {problem}");
        }
    }

    #[test]
    fn a_wrong_value_is_named_with_its_place_and_key() {
        for (text, expected) in [
            ("warn = 5", "line 1, column 8: `warn`: invalid type: integer `5`, expected a percentage"),
            ("max-lag = -1", "line 1, column 11: `max-lag`: "),
            (
                "\n[[rule]]\nmetric = 3\nfail = \"5%\"",
                "line 3, column 10: `rule.metric`: invalid type: integer `3`",
            ),
            ("[[rule]]\nmax = nan", "line 2, column 7: `rule.max`: `NaN`: expected a finite number"),
            ("[[rule]]\nmax = -5", "line 2, column 7: `rule.max`: `-5`: is below zero"),
            ("[[rule]]\nfail = \"-5%\"", "line 2, column 8: `rule.fail`: `-5%`: is below zero"),
            ("fail = \"-5%\"", "line 1, column 8: `fail`: `-5%`: is below zero"),
            ("fail = \"1e9%\"", "line 1, column 8: `fail`: `1e9%`: is more than 10000%"),
            ("fail = \"nan%\"", "line 1, column 8: `fail`: `nan%`: expected a percentage"),
            ("warn = \"30%\"", "line 1, column 8: `warn = \"30%\"` lies above"),
            ("\n[[rule]]\nbenchmark = \"a\"", "line 2, column 1: [[rule]] 1 asks for nothing"),
            ("[[rule]]\nbenchmark = \"\"\nfail = \"5%\"", "line 2, column 13: `rule.benchmark`: is empty"),
            ("[[suite]]\nname = \" \"\npath = \"x\"", "line 2, column 8: `name` is empty"),
            ("[[suite]]\nname = \"a\"\npath = \"\"", "line 3, column 8: `path` is empty"),
            ("[[environment.fact]]\nname = \"\"\nvalue = \"x\"", "line 2, column 8: `name` is empty"),
            ("[environment]\nidentity = [\"os\", \"\"]", "`identity` is empty"),
            (
                "[[suite]]\nname = \"a\"\npath = \"b\"\npercentiles = [95, 100]",
                "`suite.percentiles`: `100`: expected a percentile above 0",
            ),
            ("warn = ", "line 1, column 8"),
            ("[[suite]]\nname = \"x\"", "line 1, column 1: `suite`: missing field `path`"),
        ] {
            let problem = Config::parse(text).unwrap_err();
            assert!(problem.contains(expected), "{text}: {problem}");
        }
    }
}
