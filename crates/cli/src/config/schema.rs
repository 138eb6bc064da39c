//! The JSON Schema of `perf.toml`, made from the types that read it.

use schemars::{JsonSchema, schema_for};
use serde_json::Value;

use super::Config;

/// Gives a type that is written as text a schema of its own.
macro_rules! text_schema {
    ($type:ty, $name:literal, $($schema:tt)+) => {
        impl schemars::JsonSchema for $type {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($($schema)+)
            }
        }
    };
}
pub(super) use text_schema;

/// Returns the schema of everything that `perf.toml` can say.
pub(crate) fn schema() -> Value {
    fn of<T: JsonSchema>() -> Value {
        schema_for!(T).to_value()
    }
    let mut schema = of::<Config>();
    schema["title"] = "perf.toml".into();
    schema
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::command::init_templates;

    /// Dates become text: JSON has no other form for them.
    fn as_json(text: &str) -> Value {
        fn json(value: toml::Value) -> Value {
            match value {
                toml::Value::Datetime(date) => date.to_string().into(),
                toml::Value::Array(values) => values.into_iter().map(json).collect(),
                toml::Value::Table(table) => table.into_iter().map(|(key, it)| (key, json(it))).collect(),
                other => serde_json::to_value(other).unwrap(),
            }
        }
        json(toml::from_str(text).unwrap())
    }

    #[test]
    fn the_published_schema_is_that_of_the_types() {
        let published: Value =
            serde_json::from_str(include_str!("../../../../docs/schema/perf-toml.schema.json")).unwrap();
        assert!(published == schema(), "docs/schema/perf-toml.schema.json is old: run `just config-schema`");
    }

    #[test]
    fn what_the_reader_takes_is_valid_and_what_it_refuses_by_its_form_is_not() {
        let validator = jsonschema::validator_for(&schema()).unwrap();
        let [template, all] = init_templates();
        let own = include_str!("../../../../perf.toml").to_owned();
        let texts = [
            template,
            all,
            own,
            "warn = \"5\"\nfail = \" 7.5 %\"".into(),
            "[[rule]]\nwarn = \"+0.5pp\"\nfail = \"5% and +200us\"".into(),
            "[[rule]]\nmax = 5\nmin = \"1\"\nwarn-max = 4.5".into(),
            "[[suite]]\nname = \"a\"\npath = \"b\"\npercentiles = [50, 99.9]".into(),
        ];
        for text in &texts {
            Config::parse(text).unwrap();
            let errors: Vec<_> = validator.iter_errors(&as_json(text)).map(|it| it.to_string()).collect();
            assert!(errors.is_empty(), "{text}: {errors:?}");
        }
        for text in [
            "warm = \"5%\"",
            "warn = 5",
            "fail = \"-5%\"",
            "on-refusal = \"maybe\"",
            "max-lag = -1",
            "[[rule]]\nmetric = 3\nfail = \"5%\"",
            "[[rule]]\nbenchmark = \"\"\nfail = \"5%\"",
            "[[rule]]\nmax = -5",
            "[[rule]]\nlimit = \"5%\"",
            "[[suite]]\nname = \"x\"",
            "[[suite]]\nname = \"x\"\npath = \"y\"\nbetter = { z = \"up\" }",
            "[[suite]]\nname = \"a\"\npath = \"b\"\npercentiles = [100]",
            "[environment]\nidentity = 1",
        ] {
            assert!(Config::parse(text).is_err(), "{text}");
            assert!(!validator.is_valid(&as_json(text)), "{text}");
        }
    }

    /// Every table with a fixed set of keys: how to write it, and its schema.
    const TABLES: [(&str, &str); 10] = [
        ("", ""),
        ("[[rule]]\n", "RuleConfig"),
        ("[[accept]]\n", "AcceptConfig"),
        ("[[alias]]\n", "AliasConfig"),
        ("[store]\n", "StoreConfig"),
        ("[measure]\n", "MeasureConfig"),
        ("[environment]\n", "EnvironmentConfig"),
        ("[[environment.fact]]\n", "FactConfig"),
        ("[[suite]]\n", "Suite"),
        ("[[input]]\n", "Input"),
    ];

    #[test]
    fn the_schema_and_the_reader_know_the_same_keys() {
        let schema = schema();
        for (header, definition) in TABLES {
            let table = if definition.is_empty() { &schema } else { &schema["$defs"][definition] };
            let known: BTreeSet<&str> =
                table["properties"].as_object().unwrap().keys().map(String::as_str).collect();
            // What the reader itself knows is in its own words for a key that it does not.
            let error = toml::from_str::<Config>(&format!("{header}no-such-key = 1")).unwrap_err();
            let read: BTreeSet<&str> = error.message().split('`').skip(3).step_by(2).collect();
            assert_eq!(known, read, "{header}");
            assert_eq!(table["additionalProperties"], false, "{header}");
        }
        // A new table needs a line above.
        let tables: Vec<&str> = schema["$defs"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, it)| it["properties"].is_object())
            .map(|(name, _)| name.as_str())
            .filter(|name| *name != "InputColumn" && !TABLES.iter().any(|(_, table)| table == name))
            .collect();
        assert_eq!(tables, Vec::<&str>::new());
    }

    #[test]
    fn the_template_mentions_every_key() {
        let (schema, [_, all]) = (schema(), init_templates());
        let definitions = schema["$defs"].as_object().unwrap().values();
        for table in definitions.chain([&schema]) {
            for key in table["properties"].as_object().into_iter().flatten().map(|(key, _)| key) {
                let letter = |c: char| c.is_ascii_alphanumeric() || c == '-';
                let mentioned = all.split(|c| !letter(c)).any(|word| word == key);
                assert!(mentioned, "`perf init --print` does not mention `{key}`");
            }
        }
    }
}
