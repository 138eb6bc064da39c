use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// How many keys of one object an outline keeps; it bounds the memory that a hostile object costs.
const MAX_KEYS: usize = 64;

/// The shape of a JSON value: the keys of its objects and the first element of its arrays.
///
/// It is what formats are told apart by, at a fraction of the memory of the values.
pub(crate) enum Outline {
    Object(BTreeMap<String, Outline>),
    Array(Option<Box<Outline>>),
    Scalar,
}

impl Outline {
    /// Says whether there is something at `path`, such as `results/0/command`.
    pub(crate) fn has(&self, path: &str) -> bool {
        let mut here = Some(self);
        for step in path.split('/') {
            here = match here {
                Some(Outline::Object(members)) => members.get(step),
                Some(Outline::Array(first)) if step == "0" => first.as_deref(),
                Some(Outline::Array(_) | Outline::Scalar) | None => None,
            };
        }
        here.is_some()
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
        ] {
            assert_eq!(outline.has(path), expected, "{path}");
        }
    }

    #[test]
    fn an_outline_of_deep_nesting_is_an_error() {
        assert!(serde_json::from_str::<Outline>(&"[".repeat(200_000)).is_err());
    }
}
