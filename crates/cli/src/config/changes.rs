//! In which keys two policies differ.

use std::collections::{BTreeMap, BTreeSet};

use perf_compare::PolicyChange;
use toml::{Table, Value};

/// Keys that say how to measure, what to compare with, or what is the same under another name: those of the head hold
/// at once.
const NO_POLICY: &[&str] = &["alias", "bootstrap", "environment", "input", "max-samples", "measure", "suite"];

/// Lists the keys of the policy in which two texts of `perf.toml` differ, by name. A text that is none has no keys.
pub(crate) fn changes(base: Option<&str>, head: Option<&str>) -> Vec<PolicyChange> {
    differing(base, head, |key| !NO_POLICY.contains(&key))
}

/// Lists the keys that tell environments apart and in which two texts of `perf.toml` differ: another environment is
/// compared with nothing.
pub(crate) fn changes_of_identity(base: Option<&str>, head: Option<&str>) -> Vec<PolicyChange> {
    differing(base, head, |key| key == "environment")
}

fn differing(base: Option<&str>, head: Option<&str>, is_asked: fn(&str) -> bool) -> Vec<PolicyChange> {
    let (base, head) = (values(base, is_asked), values(head, is_asked));
    let keys: BTreeSet<&String> = base.keys().chain(head.keys()).collect();
    let changed = keys.into_iter().filter(|key| base.get(*key) != head.get(*key));
    changed
        .map(|key| PolicyChange {
            key: key.clone(),
            base: base.get(key).cloned(),
            head: head.get(key).cloned(),
        })
        .collect()
}

fn values(text: Option<&str>, is_asked: fn(&str) -> bool) -> BTreeMap<String, String> {
    let table: Table = text.and_then(|text| text.parse().ok()).unwrap_or_default();
    let mut values = BTreeMap::new();
    for (key, value) in table.into_iter().filter(|(key, _)| is_asked(key)) {
        flatten(key, value, &mut values);
    }
    values
}

fn flatten(key: String, value: Value, values: &mut BTreeMap<String, String>) {
    match value {
        Value::Table(table) => {
            table.into_iter().for_each(|(name, value)| flatten(format!("{key}.{name}"), value, values));
        }
        Value::Array(array) if array.iter().all(Value::is_table) => {
            // Numbered from 1, as `perf rules` numbers them.
            array
                .into_iter()
                .zip(1..)
                .for_each(|(value, number)| flatten(format!("{key}[{number}]"), value, values));
        }
        Value::String(text) => {
            values.insert(key, text);
        }
        Value::Array(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {
            values.insert(key, value.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_named_with_both_values_and_the_rest_of_the_file_is_not() {
        let base =
            "fail = \"25%\"\n[[rule]]\nbenchmark = \"a\"\nmax = 5\n[[suite]]\nname = \"x\"\npath = \"y\"";
        let head = "# loose\nfail = \"900%\"\nmax-samples = 20\n[store]\nrequire-signed = true\n[[rule]]\nbenchmark = \"a\"";
        let found = changes(Some(base), Some(head));
        let shown: Vec<_> =
            found.iter().map(|it| (it.key.as_str(), it.base.as_deref(), it.head.as_deref())).collect();
        assert_eq!(
            shown,
            [
                ("fail", Some("25%"), Some("900%")),
                ("rule[1].max", Some("5"), None),
                ("store.require-signed", None, Some("true")),
            ]
        );
        assert_eq!(changes(Some(base), Some(base)), []);
        assert_eq!(changes(None, Some("judge = \"limits\"")).len(), 1);
    }
}
