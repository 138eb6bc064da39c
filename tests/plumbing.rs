use serde_json::{Value, json};

use crate::sandbox::Sandbox;

/// Ten benchmarks of three runs a side and a quiet history; the first is slower by a factor.
fn case(factor: f64) -> Value {
    let wobble = |n: usize| 1.0 + 0.002 * ((n * 7919) % 11) as f64 / 11.0;
    let runs = |level: f64, salt: usize| -> Vec<Value> {
        (0..3).map(|n| json!({"value": level * wobble(n + salt)})).collect()
    };
    let benchmarks: Vec<Value> = (0..10)
        .map(|n| {
            let level = 100.0 * (n + 1) as f64;
            let head = if n == 0 { level * factor } else { level };
            let history: Vec<Value> =
                (0..20).map(|t| json!([{"value": level * wobble(31 * n + t)}])).collect();
            json!({"name": format!("b{n}"), "unit": "ns", "better": "lower", "history": history,
                   "baseline": runs(level, 3 * n), "candidate": runs(head, 5 * n + 1)})
        })
        .collect();
    json!({"id": "test", "thresholds": {"warn": 0.10, "fail": 0.25}, "benchmarks": benchmarks})
}

#[test]
fn a_case_is_judged_in_the_words_of_its_format() {
    let sandbox = Sandbox::empty();
    for (factor, expected) in [(1.0, "pass"), (1.15, "warn"), (1.30, "fail"), (0.80, "improved")] {
        sandbox.write("case.json", case(factor).to_string());
        let ended = sandbox.perf_in(".", &["verdict", "--case", "case.json"]);
        assert_eq!((ended.status, ended.stderr.as_str()), (0, ""));
        let answer = ended.json();
        assert_eq!(answer["verdicts"]["b0"]["verdict"], expected, "{answer}");
        assert_eq!(answer["verdicts"]["b5"]["verdict"], "pass", "{answer}");
        assert!(answer["suite"]["noise"].as_f64().unwrap() < 0.01, "{answer}");
    }
}

#[test]
fn change_points_of_a_series_are_printed() {
    let sandbox = Sandbox::empty();
    let level = |n: usize| if n < 40 { 100.0 } else { 112.0 };
    let values: Vec<f64> =
        (0..80).map(|n| level(n) * (1.0 + 0.004 * ((n * 7919) % 13) as f64 / 13.0)).collect();
    sandbox.write("series.json", json!(values).to_string());
    let ended = sandbox.perf_in(".", &["changepoints", "--series", "series.json"]);
    let answer = ended.json();
    assert_eq!(answer["indices"], json!([40]), "{answer}");
    assert!((answer["changes"][0]["change"].as_f64().unwrap() - 0.12).abs() < 0.005, "{answer}");
    sandbox.write("series.json", "[]");
    assert_eq!(
        sandbox.perf_in(".", &["changepoints", "--series", "series.json"]).json()["indices"],
        json!([])
    );
}

#[test]
fn bad_plumbing_input_is_one_clear_error() {
    let sandbox = Sandbox::empty();
    for content in
        ["", "{", "[1, NaN]", "[1e999]", "{\"benchmarks\":[{\"name\":\"a\",\"baseline\":[{}]}]}", "[\"1\"]"]
    {
        sandbox.write("in.json", content);
        for args in [["verdict", "--case"], ["changepoints", "--series"]] {
            let ended = sandbox.perf_in(".", &[args[0], args[1], "in.json"]);
            assert_eq!(ended.status, 2, "{args:?} {content}");
            assert_eq!(ended.stderr.matches("error: ").count(), 1, "{}", ended.stderr);
        }
    }
    assert_eq!(sandbox.perf_in(".", &["verdict", "--case", "missing.json"]).status, 2);
}
