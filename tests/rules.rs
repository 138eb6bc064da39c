//! Limits by series, budgets and tiers, as projects write them down.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::sandbox::Sandbox;

/// One metric of a service, as a load test measured it.
fn metric(name: &str, unit: &str, (better, kind): (&str, &str), value: f64) -> Value {
    json!({"name": "api/users", "metric": name, "unit": unit, "better": better, "kind": kind, "value": value,
           "n": 20_000})
}

/// Three runs that differ by a thousandth.
fn record(sandbox: &Sandbox, metrics: &[(&str, &str, (&str, &str), f64)]) {
    for factor in [0.999, 1.001, 1.0] {
        let metrics: Vec<Value> = metrics
            .iter()
            .map(|(name, unit, what, value)| metric(name, unit, *what, value * factor))
            .collect();
        sandbox.record(&json!({ "benchmarks": metrics }).to_string());
    }
}

const LATENCY: (&str, &str) = ("lower", "percentile");
const SHARE: (&str, &str) = ("lower", "ratio");
const THROUGHPUT: (&str, &str) = ("higher", "rate");
const COUNT: (&str, &str) = ("lower", "count");

const SERVICE: &str = r#"
[[rule]]
metric = "p95"
warn = "20%"
fail = "50%"
[[rule]]
metric = "error-rate"
warn = "+0.5pp"
fail = "+1pp"
[[rule]]
metric = "throughput"
warn = "20%"
fail = "40%"
[[rule]]
metric = "violations"
warn-max = 0
max = 1
"#;

/// What a pull request that changes one metric of a quiet service gets: the status and the first line.
fn judged(metric: &str, after: f64) -> (i32, String) {
    let usual = [
        ("p95", "ms", LATENCY, 200.0),
        ("error-rate", "ratio", SHARE, 0.0),
        ("throughput", "req/s", THROUGHPUT, 1_000.0),
        ("violations", "violations", COUNT, 0.0),
    ];
    let sandbox = Sandbox::new();
    sandbox.write("repo/perf.toml", SERVICE);
    sandbox.git(&["add", "perf.toml"]);
    sandbox.commit("Add limits");
    record(&sandbox, &usual);
    sandbox.branch("feature");
    record(
        &sandbox,
        &usual
            .map(|(name, unit, what, value)| (name, unit, what, if name == metric { after } else { value })),
    );
    let ended = sandbox.perf(&["compare"]);
    (ended.status, ended.stdout.lines().next().unwrap().to_owned())
}

#[test]
fn a_service_team_can_write_its_limits_down() {
    for (metric, after, status, word) in [
        ("p95", 230.0, 0, "pass"),
        ("p95", 250.0, 0, "WARN"),
        ("p95", 310.0, 1, "FAIL"),
        ("error-rate", 0.003, 0, "pass"),
        ("error-rate", 0.007, 0, "WARN"),
        ("error-rate", 0.015, 1, "FAIL"),
        ("throughput", 850.0, 0, "pass"),
        ("throughput", 750.0, 0, "WARN"),
        ("throughput", 550.0, 1, "FAIL"),
        ("violations", 0.0, 0, "pass"),
        ("violations", 1.0, 0, "WARN"),
        ("violations", 2.0, 1, "FAIL"),
    ] {
        let (found, line) = judged(metric, after);
        assert_eq!((found, line.split(':').next().unwrap()), (status, word), "{metric} {after}: {line}");
    }
}

#[test]
fn a_budget_holds_where_there_is_nothing_to_compare_with() {
    let sandbox = Sandbox::new();
    sandbox.branch("feature");
    sandbox.write("repo/perf.toml", "[[rule]]\nbenchmark = \"start\"\nmax = \"500 ms\"\n");
    let start = |level: f64| sandbox.measure(&[("start", level * 1e6)]);
    start(499.0);
    assert_eq!(sandbox.perf(&["compare"]).status, 3, "refused, and the budget holds");
    sandbox.commit("Slower");
    start(620.0);
    let ended = sandbox.perf(&["compare"]);
    assert_snapshot!(ended.whole());
    let breach =
        &sandbox.perf(&["compare", "--output", "json"]).json()["sections"][0]["budgets"]["breaches"][0];
    assert_eq!((&breach["severity"], &breach["limit"]), (&"fail".into(), &500e6.into()));
}

#[test]
fn an_exhibit_is_judged_and_never_fails() {
    let sandbox = Sandbox::new();
    sandbox.write("repo/perf.toml", "[[rule]]\nbenchmark = \"noisy/*\"\ntier = \"exhibit\"\n");
    sandbox.measure(&[("noisy/a", 100.0), ("b", 100.0)]);
    sandbox.branch("feature");
    sandbox.measure(&[("noisy/a", 200.0), ("b", 100.0)]);
    let ended = sandbox.perf(&["compare"]);
    assert_eq!(ended.status, 0);
    assert!(ended.stdout.starts_with("WARN: 1 exhibit regressed, which never fails\n"), "{}", ended.stdout);
    assert!(ended.stdout.contains("an exhibit, which never fails"), "{}", ended.stdout);
}

#[test]
fn a_share_and_a_difference_must_both_be_reached() {
    for (fail, status) in [("10%", 1), ("+5ns", 1), ("10% and +5ns", 1), ("10% and +50ns", 0), ("+50ns", 0)] {
        let sandbox = Sandbox::new();
        sandbox.write("repo/perf.toml", format!("[[rule]]\nfail = \"{fail}\"\n"));
        sandbox.measure(&[("a", 100.0)]);
        sandbox.branch("feature");
        sandbox.measure(&[("a", 120.0)]);
        assert_eq!(sandbox.perf(&["compare"]).status, status, "{fail}");
    }
}

#[test]
fn the_suite_as_a_whole_is_held_to_the_rules_of_its_series() {
    for (rule, status) in
        [("tier = \"exhibit\"", 0), ("warn = \"80%\"\nfail = \"100%\"", 0), ("warn = \"5%\"", 1)]
    {
        let sandbox = Sandbox::new();
        sandbox.write("repo/perf.toml", format!("[[rule]]\n{rule}\n"));
        let suite = |level: f64| ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"].map(|name| (name, level));
        sandbox.measure(&suite(100.0));
        sandbox.branch("feature");
        sandbox.measure(&suite(150.0));
        let ended = sandbox.perf(&["compare"]);
        assert_eq!(ended.status, status, "{rule}: {}", ended.stdout);
        assert!(ended.stdout.contains("(whole suite)"), "{}", ended.stdout);
    }
}

#[test]
fn a_limit_in_a_unit_that_does_not_fit_is_no_quiet_pass() {
    let sandbox = Sandbox::new();
    sandbox.write("repo/perf.toml", "[[rule]]\nbenchmark = \"a\"\nfail = \"+5 MB\"\n");
    sandbox.measure(&[("a", 100.0), ("b", 100.0)]);
    sandbox.branch("feature");
    sandbox.measure(&[("a", 200.0), ("b", 100.0)]);
    let ended = sandbox.perf(&["compare"]);
    assert!(ended.stdout.starts_with("WARN: 1 rule in a unit"), "{}", ended.stdout);
    assert!(ended.stdout.contains("its limit is in MB, its numbers are in ns"), "{}", ended.stdout);
}

#[test]
fn the_rule_behind_every_value_is_shown() {
    let sandbox = Sandbox::new();
    sandbox.write("repo/perf.toml", SERVICE);
    assert_snapshot!(sandbox.perf(&["rules", "api/users", "error-rate"]).whole());
}
