use std::collections::BTreeMap;
use std::fmt;
use std::iter;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::output::Output;

/// How many keys of one object an outline keeps; it bounds the memory that a hostile object costs.
const MAX_KEYS: usize = 64;

/// How deep a value between other lines may be nested, as in `serde_json`.
const MAX_DEPTH: usize = 128;

/// The shape of a JSON value: the keys of its objects and the first element of its arrays.
///
/// It is what formats are told apart by, at a fraction of the memory of the values.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outline {
    Object(BTreeMap<String, Outline>),
    Array(Option<Box<Outline>>),
    Scalar,
}

impl Outline {
    /// Says whether there is something at `path`, such as `results/0/command`. `*` stands for every member of an
    /// object that has some.
    pub(crate) fn has(&self, path: &str) -> bool {
        let (step, rest) = match path.split_once('/') {
            Some((step, rest)) => (step, Some(rest)),
            None => (path, None),
        };
        let leads_on = |outline: &Outline| rest.is_none_or(|rest| outline.has(rest));
        match self {
            Outline::Object(members) if step == "*" => !members.is_empty() && members.values().all(leads_on),
            Outline::Object(members) => members.get(step).is_some_and(leads_on),
            Outline::Array(Some(first)) => step == "0" && leads_on(first),
            Outline::Array(None) | Outline::Scalar => false,
        }
    }
}

impl<'de> Deserialize<'de> for Outline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OutlineVisitor)
    }
}

struct OutlineVisitor;

impl<'de> Visitor<'de> for OutlineVisitor {
    type Value = Outline;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Outline, A::Error> {
        let mut members = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            if members.len() < MAX_KEYS {
                members.insert(key, map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Outline::Object(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Outline, A::Error> {
        let first = array.next_element::<Outline>()?;
        while array.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Outline::Array(first.map(Box::new)))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Outline, E> {
        Ok(Outline::Scalar)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Outline, E> {
        Ok(Outline::Scalar)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Outline, E> {
        Ok(Outline::Scalar)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Outline, E> {
        Ok(Outline::Scalar)
    }

    fn visit_str<E>(self, _: &str) -> Result<Outline, E> {
        Ok(Outline::Scalar)
    }

    fn visit_unit<E>(self) -> Result<Outline, E> {
        Ok(Outline::Scalar)
    }
}

/// What some writers of JSON put where a number is missing.
const NO_NUMBERS: [&str; 9] =
    ["NaN", "nan", "-NaN", "-nan", "Infinity", "-Infinity", "inf", "-inf", "+Infinity"];

/// Returns the text with `null` for every `NaN` and `Infinity` outside strings; `None` if there are none.
///
/// Where blanks allow it the length stays, so that the columns of errors do.
pub(crate) fn without_nan(text: &str) -> Option<String> {
    let mut clean: Option<String> = None;
    let (mut in_string, mut copied, mut at) = (false, 0, 0);
    let bytes = text.as_bytes();
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if in_string => at += 1,
            b'"' => in_string = !in_string,
            // A string never goes beyond its line; log lines may hold a single quote.
            b'\n' => in_string = false,
            b'N' | b'n' | b'I' | b'i' | b'-' | b'+' if !in_string => {
                if let Some(word) = no_number(text, at) {
                    let clean = clean.get_or_insert_with(|| String::with_capacity(text.len() + 64));
                    clean.push_str(&text[copied..at]);
                    if word.len() < 4 && clean.ends_with(' ') {
                        clean.pop();
                    }
                    clean.push_str("null");
                    clean.extend(iter::repeat_n(' ', word.len().saturating_sub(4)));
                    copied = at + word.len();
                    at = copied - 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    clean.map(|clean| clean + &text[copied..])
}

/// Returns the word for no number that stands alone at `at`.
fn no_number(text: &str, at: usize) -> Option<&'static str> {
    let bytes = text.as_bytes();
    let word = NO_NUMBERS.into_iter().find(|word| bytes[at..].starts_with(word.as_bytes()))?;
    let divides = |byte: &u8| byte.is_ascii_whitespace() || b",:[]}".contains(byte);
    let before = at.checked_sub(1).and_then(|at| bytes.get(at));
    let alone = before.is_none_or(divides) && bytes.get(at + word.len()).is_none_or(divides);
    alone.then_some(word)
}

/// Returns every JSON object and array that begins a line and ends one, outermost ones only.
///
/// This finds the lines of NDJSON, and what a tool prints between the lines of others.
pub(crate) fn values(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    iter::from_fn(move || {
        while !rest.is_empty() {
            let line = rest.find('\n').map_or(rest.len(), |end| end + 1);
            let begins = rest.trim_start_matches([' ', '\t', '\r']);
            let (value, after) = first_value(begins).unwrap_or(("", &rest[line..]));
            rest = after;
            if !value.is_empty() {
                return Some(value);
            }
        }
        None
    })
}

fn first_value(text: &str) -> Option<(&str, &str)> {
    let (value, rest) = text.split_at(balanced(text)?);
    serde_json::from_str::<&RawValue>(value).ok()?;
    let rest = rest.trim_start_matches([' ', '\t', '\r']);
    let after = if rest.is_empty() { rest } else { rest.strip_prefix('\n')? };
    Some((value, after))
}

/// Returns where the object or array ends that `text` begins with; `None` if it does not, or is nested too deep.
///
/// The bound on depth is one on time, too: of the values that a text leaves open, only so many can be tried.
fn balanced(text: &str) -> Option<usize> {
    if !text.starts_with(['{', '[']) {
        return None;
    }
    let (mut depth, mut in_string, mut escaped) = (0, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'\n' if in_string => return None,
            _ if in_string => {}
            b'{' | b'[' if depth == MAX_DEPTH => return None,
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 1 => return Some(at + 1),
            b'}' | b']' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// Reads the entries of a list one by one; one that is not as expected is skipped, and its index said.
pub(crate) fn entries<'a, T: Deserialize<'a>>(
    list: &[&'a RawValue],
    place: &str,
    output: &mut Output,
) -> Vec<(String, T)> {
    let mut read = Vec::with_capacity(list.len());
    for (index, raw) in list.iter().enumerate() {
        let place = format!("{place}[{index}]");
        match serde_json::from_str(raw.get()) {
            Ok(entry) => read.push((place, entry)),
            Err(cause) => output.skip(place, cause.to_string()),
        }
    }
    read
}

/// A number, or something that stands for none: `null`, or a text such as `"NaN"` or `"INF"`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Number(pub(crate) Option<f64>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_i64<E>(self, value: i64) -> Result<Number, E> {
        Ok(Number(Some(value as f64)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Number, E> {
        Ok(Number(Some(value as f64)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Number, E> {
        Ok(Number(Some(value)))
    }

    fn visit_str<E>(self, _: &str) -> Result<Number, E> {
        Ok(Number(None))
    }

    fn visit_unit<E>(self) -> Result<Number, E> {
        Ok(Number(None))
    }
}

/// The text of a string, number or boolean: a parameter's value, which tools write in any of these types.
#[derive(Debug)]
pub(crate) struct Scalar(pub(crate) String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a number, `true` or `false`")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
        Ok(Scalar(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
        Ok(Scalar(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
        Ok(Scalar(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
        Ok(Scalar(value.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outline_knows_keys_and_first_elements() {
        let outline: Outline =
            serde_json::from_str(r#"{"a": [{"b": null}, {"c": 1}], "d": {"e": []}}"#).unwrap();
        for (path, expected) in [
            ("a", true),
            ("a/0/b", true),
            ("a/0/c", false),
            ("a/1/c", false),
            ("d/e", true),
            ("d/e/0", false),
            ("*/e", false),
            ("d/*", true),
            ("d/*/0", false),
        ] {
            assert_eq!(outline.has(path), expected, "{path}");
        }
    }

    #[test]
    fn what_is_no_number_becomes_null() {
        for (text, expected) in [
            (r#"{"a": NaN, "b": -Infinity}"#, Some(r#"{"a":null, "b": null     }"#)),
            (r#"[nan,inf,-inf,1]"#, Some(r#"[null,null,null,1]"#)),
            (r#"{"NaN": "a \" NaN", "b": 1}"#, None),
            (r#"[info, -1, nano, 1NaN]"#, None),
            ("it's 5\" wide\n[NaN]", Some("it's 5\" wide\n[null]")),
            ("NaN", Some("null")),
            (r#""\"#, None),
        ] {
            assert_eq!(without_nan(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn values_are_found_between_other_lines() {
        for (text, expected) in [
            ("{\"a\": 1}", vec!["{\"a\": 1}"]),
            ("log {1}\n  {\"a\":\n{}}\r\n[1]\nend", vec!["{\"a\":\n{}}", "[1]"]),
            ("{}{}", vec![]),
            ("{}\n{} x\n[]", vec!["{}", "[]"]),
            ("{\"a\":\n{}\n", vec!["{}"]),
            ("[ 50.00%] a\n{\"b\": 2}", vec!["{\"b\": 2}"]),
            ("é\n", vec![]),
        ] {
            assert_eq!(values(text).collect::<Vec<_>>(), expected, "{text}");
        }
    }

    #[test]
    fn deep_nesting_ends() {
        let deep = "{\"a\":[\n".repeat(50_000);
        assert_eq!(values(&deep).count(), 0);
        assert_eq!(values(&(deep + "\n{}\n")).count(), 1);
    }

    #[test]
    fn one_bad_entry_is_skipped() {
        let list: Vec<&RawValue> = serde_json::from_str(r#"[1, "x", 3]"#).unwrap();
        let mut output = Output::new("test", "test");
        let read: Vec<(String, u8)> = entries(&list, "in: list", &mut output);
        assert_eq!(read, [("in: list[0]".to_owned(), 1), ("in: list[2]".to_owned(), 3)]);
        assert_eq!(output.skipped[0].place, "in: list[1]");
    }

    #[test]
    fn a_number_may_be_missing_in_many_ways() {
        let read: Vec<Number> = serde_json::from_str(r#"[1, -2.5, null, "NaN", "INF", ""]"#).unwrap();
        let read: Vec<_> = read.into_iter().map(|number| number.0).collect();
        assert_eq!(read, [Some(1.0), Some(-2.5), None, None, None, None]);
        assert!(serde_json::from_str::<Number>("[]").is_err());
    }

    #[test]
    fn an_outline_of_deep_nesting_is_an_error() {
        assert!(serde_json::from_str::<Outline>(&"[".repeat(200_000)).is_err());
    }
}
