//! The published schema of the project's own input says what the reader does.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use perf_collect::{Options, read_stream};
use serde_json::{Value, json};

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../docs/schema/perf-input.schema.json")).unwrap()
}

fn entry(rest: Value) -> Value {
    let mut entry = json!({"name": "a", "unit": "s"});
    entry.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    json!({"benchmarks": [entry]})
}

#[test]
fn the_schema_and_the_reader_agree() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let mut corpus: Value =
        serde_json::from_str(include_str!("../../../fuzz/corpus/read/perf.json")).unwrap();
    corpus["tool_version"] = json!("1");
    for (text, sound) in [
        (corpus, true),
        (entry(json!({"value": 1})), true),
        (entry(json!({"value": 1.5, "sd": 0.5, "n": 3, "params": {"a": 1, "b": true, "c": "x"}})), true),
        (entry(json!({"samples": [1, 2.5], "kind": "percentile", "better": "lower", "metric": "p95"})), true),
        (json!({"benchmarks": []}), false),
        (json!({}), false),
        (entry(json!({})), false),
        (entry(json!({"value": "1"})), false),
        (entry(json!({"samples": []})), false),
        (entry(json!({"samples": [null]})), false),
        (entry(json!({"samples": [1], "value": 1})), false),
        (entry(json!({"samples": [1], "n": 1})), false),
        (entry(json!({"value": 1, "sd": -1})), false),
        (entry(json!({"value": 1, "n": 1.5})), false),
        (entry(json!({"value": 1, "better": "up"})), false),
        (entry(json!({"value": 1, "kind": "speed"})), false),
        (entry(json!({"value": 1, "extra": 1})), false),
        (entry(json!({"value": 1, "name": " "})), false),
        (entry(json!({"value": 1, "unit": ""})), false),
        (entry(json!({"value": 1, "params": {"a": [1]}})), false),
    ] {
        let read = read_stream("in", text.to_string().as_bytes(), &Options::named("perf"));
        assert_eq!(validator.is_valid(&text), sound, "schema: {text}");
        assert_eq!(read.is_ok(), sound, "reader: {text}: {:?}", read.err());
    }
}
