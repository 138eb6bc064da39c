//! New levels, percentiles, calibration and configuration, as users meet them.

use serde_json::{Value, json};

use crate::sandbox::{MACHINE, Sandbox, output};

fn shared() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.git_in(".", &["clone", "-q", "--bare", "repo", "origin.git"]);
    sandbox.git(&["remote", "add", "origin", "../origin.git"]);
    sandbox
}

/// One commit and baseline for each level, in order.
fn history(sandbox: &Sandbox, levels: &[f64]) {
    for (number, level) in levels.iter().enumerate() {
        sandbox.commit(&format!("Commit {number}"));
        sandbox.record(&output(&[("parse", *level)]));
    }
}

fn collect(sandbox: &Sandbox, level: f64, more: &[&str]) -> crate::sandbox::Ended {
    sandbox.write("out.json", output(&[("parse", level)]));
    let mut args = vec!["collect", "../out.json", "--time", "2026-01-02"];
    args.extend(MACHINE);
    args.extend(more);
    sandbox.perf(&args)
}

const REASON: &str = "Keys are hashed now";

/// What `perf store show` says of the declared level of each run of HEAD.
fn declared(sandbox: &Sandbox, dir: &str) -> Vec<Value> {
    let shown = sandbox.perf_in(dir, &["store", "show", "--json"]).json();
    let runs = shown["baselines"][0]["runs"].as_array().unwrap().iter();
    runs.map(|run| run["rebaseline"].clone()).collect()
}

#[test]
fn a_push_declares_a_new_level_in_the_runs_that_nobody_else_has() {
    let sandbox = shared();
    sandbox.measure(&[("parse", 100.0)]);
    let pushed = sandbox.perf(&["store", "push", "--rebaseline", "--reason", REASON]);
    assert_eq!(pushed.status, 0, "{}", pushed.stderr);
    assert!(pushed.stderr.contains("a new level begins with 3 runs of"), "{}", pushed.stderr);
    let expected = json!({"by": "Tester <tester@example.com>", "reason": REASON});
    assert_eq!(declared(&sandbox, "repo"), vec![expected.clone(); 3], "no run is there twice");
    sandbox.git_in(".", &["clone", "-q", "origin.git", "other"]);
    assert_eq!(sandbox.perf_in("other", &["store", "pull"]).status, 0);
    assert_eq!(declared(&sandbox, "other"), vec![expected; 3]);
    let shown = sandbox.perf_in("other", &["store", "show"]).stdout;
    assert!(
        shown.contains("a new level begins: Keys are hashed now (Tester <tester@example.com>)"),
        "{shown}"
    );
    let log = sandbox.perf(&["store", "log"]).stdout;
    assert!(log.contains("(new level: Keys are hashed now)"), "{log}");
    for format in ["ndjson", "csv"] {
        let export = sandbox.perf(&["store", "export", "--format", format]).stdout;
        assert!(export.contains(REASON), "{format}: {export}");
    }
    assert!(sandbox.perf(&["store", "verify"]).status == 0);
}

#[test]
fn what_is_shared_is_not_changed() {
    let sandbox = shared();
    sandbox.record(&output(&[("parse", 100.0)]));
    assert_eq!(sandbox.perf(&["store", "push"]).status, 0);
    let before = sandbox.git(&["for-each-ref", "refs/notes"]);
    let refused = sandbox.perf(&["store", "push", "--rebaseline", "--reason", REASON]);
    assert_eq!(refused.status, 2);
    assert!(refused.stderr.contains("has no run that only this clone has"), "{}", refused.stderr);
    assert!(refused.stderr.contains("perf collect --rebaseline REASON"), "{}", refused.stderr);
    assert_eq!(sandbox.git(&["for-each-ref", "refs/notes"]), before);
    assert_eq!(collect(&sandbox, 101.0, &["--rebaseline", REASON]).status, 0);
    assert_eq!(sandbox.perf(&["store", "push"]).status, 0);
    let marks = declared(&sandbox, "repo");
    assert_eq!(marks.iter().filter(|mark| mark.is_null()).count(), 1, "{marks:?}");
    assert_eq!(marks.len(), 2);
}

#[test]
fn a_declaration_needs_a_reason_and_a_push() {
    let sandbox = shared();
    for args in [
        &["store", "push", "--rebaseline"][..],
        &["store", "push", "--reason", "x"],
        &["store", "push", "--rebaseline", "--reason", "  "],
        &["collect", "--rebaseline", ""],
        &["collect", "--rebaseline", "x", "--dry-run"],
    ] {
        assert_eq!(sandbox.perf(args).status, 2, "{args:?}");
    }
}

#[test]
fn what_was_measured_before_a_new_level_is_no_history() {
    let sandbox = Sandbox::new();
    history(&sandbox, &[100.0, 101.0, 99.0, 100.0, 101.0]);
    sandbox.commit("Hash the keys");
    assert_eq!(collect(&sandbox, 200.0, &["--rebaseline", REASON]).status, 0);
    history(&sandbox, &[201.0]);
    sandbox.branch("feature");
    sandbox.measure(&[("parse", 202.0)]);
    let report = sandbox.perf(&["compare", "--output", "json"]);
    assert_eq!(report.status, 0, "{}", report.stdout);
    let json = report.json();
    assert_eq!(json["sections"][0]["history"], 1, "only the declared one: {json}");
    assert_eq!(json["notices"][0]["kind"], "new-level");
    assert_eq!(json["notices"][0]["reason"], REASON);
    let text = sandbox.perf(&["compare"]).stdout;
    assert!(
        text.contains("what was measured before it was not used. Tester <tester@example.com> says:"),
        "{text}"
    );
    let markdown = sandbox.perf(&["compare", "--output", "markdown"]).stdout;
    assert!(markdown.contains("note: a new level begins with"), "{markdown}");
}

#[test]
fn a_head_that_declares_a_new_level_is_judged_all_the_same() {
    let sandbox = Sandbox::new();
    history(&sandbox, &[100.0, 101.0, 99.0, 100.0, 100.5]);
    sandbox.branch("feature");
    for level in [160.0, 161.0, 160.5] {
        assert_eq!(collect(&sandbox, level, &["--rebaseline", "::error::\u{1b}[2Jtrust me"]).status, 0);
    }
    let ended = sandbox.perf(&["compare"]);
    assert_eq!(ended.status, 1, "{}", ended.stdout);
    assert!(
        ended.stdout.contains("the head declares a new level; it is judged all the same"),
        "{}",
        ended.stdout
    );
    assert!(!ended.stdout.contains('\u{1b}'), "{}", ended.stdout);
}

/// What a run of 120 executions took, in milliseconds, as hyperfine exports it.
fn hyperfine(slower: f64) -> String {
    let times: Vec<f64> = (0..120).map(|n| (0.010 + 0.0001 * f64::from(n * 37 % 120)) * slower).collect();
    json!({"results": [{"command": "start", "mean": 0.016, "stddev": 0.003, "median": 0.016, "user": 0.001,
        "system": 0.001, "min": 0.01, "max": 0.022, "times": times, "exit_codes": vec![0; 120]}]})
    .to_string()
}

#[test]
fn percentiles_of_raw_samples_are_series_of_their_own() {
    let sandbox = Sandbox::new();
    let config = "[[suite]]\nname = \"start\"\npath = \"start.json\"\npercentiles = [50, 95, 99]\n\
                  [[rule]]\nmetric = \"p95\"\nwarn = \"10%\"\nfail = \"25%\"\n";
    sandbox.write("repo/perf.toml", config);
    sandbox.git(&["add", "perf.toml"]);
    sandbox.commit("Add limits");
    let record = |slower: f64| {
        sandbox.write("repo/start.json", hyperfine(slower));
        let mut args = vec!["collect", "--time", "2026-01-02"];
        args.extend(MACHINE);
        let ended = sandbox.perf(&args);
        assert_eq!(ended.status, 0, "{}", ended.stderr);
        ended
    };
    let ended = record(1.0);
    assert!(
        ended.stderr.contains("p99 of 120 samples: too few to be judged, it takes 1000"),
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("p95 of"), "{}", ended.stderr);
    let shown = sandbox.perf(&["store", "show", "--json"]).json();
    let measurements = shown["baselines"][0]["runs"][0]["measurements"].as_array().unwrap();
    let of = |metric: &str| measurements.iter().find(|it| it["metric"] == metric).unwrap();
    // 120 values from 10.0 ms on, a tenth apart: type 7 lies at 119 * 0.95 = 113.05.
    assert!((of("p95")["value"].as_f64().unwrap() - 0.021305).abs() < 1e-12, "{}", of("p95"));
    assert_eq!((&of("p95")["n"], &of("p95")["kind"]), (&json!(120), &json!("percentile")));
    assert_eq!(of("time")["samples"].as_array().unwrap().len(), 100, "samples are thinned afterwards");
    record(1.001);
    record(0.999);
    sandbox.branch("feature");
    for slower in [1.5, 1.501, 1.499] {
        record(slower);
    }
    let report = sandbox.perf(&["compare", "--output", "json"]);
    assert_eq!(report.status, 1, "{}", report.stdout);
    let section = &report.json()["sections"][0];
    let unjudged = section["unjudged"].as_array().unwrap();
    assert!(unjudged.iter().any(|it| it["metric"] == "p99" && it["needed"] == 1_000), "{unjudged:?}");
    let p95 = section["series"].as_array().unwrap().iter().find(|it| it["metric"] == "p95").unwrap();
    assert_eq!(p95["verdict"], "regressed", "{p95}");
}

#[test]
fn a_command_is_measured_with_percentiles() {
    let sandbox = Sandbox::new();
    let mut args = vec!["collect", "--runs", "12", "--percentiles", "50,95", "--name", "start"];
    args.extend(MACHINE);
    args.extend(["--", "true"]);
    let ended = sandbox.perf(&args);
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("p95 of 12 samples: too few"), "{}", ended.stderr);
    let shown = sandbox.perf(&["store", "show"]).stdout;
    for series in ["start p50", "start p95", "start user-time-p95", "start peak-rss"] {
        assert!(shown.contains(series), "{series}: {shown}");
    }
    assert!(!shown.contains("peak-rss-p95"), "percentiles are of durations: {shown}");
    assert_eq!(sandbox.perf(&["collect", "--percentiles", "101", "--", "true"]).status, 2);
}

#[test]
fn percentiles_without_raw_samples_are_said_to_be_missing() {
    let sandbox = Sandbox::new();
    sandbox.write("out.json", r#"{"benchmarks": [{"name": "a", "unit": "ms", "value": 5}]}"#);
    let ended = sandbox.perf(&["collect", "../out.json", "--percentiles", "95", "--dry-run"]);
    assert!(ended.stderr.contains("no duration in the output has all its raw samples"), "{}", ended.stderr);
    let both = r#"{"benchmarks": [{"name": "a", "unit": "ms", "samples": [1, 2]},
        {"name": "a", "metric": "p95", "unit": "ms", "value": 5, "n": 300}]}"#;
    sandbox.write("out.json", both);
    let ended = sandbox.perf(&["collect", "../out.json", "--percentiles", "95", "--dry-run"]);
    assert!(ended.stderr.contains("`a p95` is in the output already"), "{}", ended.stderr);
}

/// Twelve baselines that differ by a thousandth or so.
fn steady() -> Sandbox {
    let sandbox = Sandbox::new();
    let levels: Vec<f64> = (0..12).map(|n| 100.0 + 0.2 * f64::from(n % 3)).collect();
    history(&sandbox, &levels);
    sandbox
}

#[test]
fn calibration_proposes_writes_and_then_has_nothing_to_say() {
    let sandbox = steady();
    let config = "# Our limits.\n\nfail = \"25%\"  # agreed \\ in  spring\n";
    sandbox.write("repo/perf.toml", config);
    let proposed = sandbox.perf(&["calibrate"]);
    assert_eq!(proposed.status, 0, "{}", proposed.stderr);
    assert!(proposed.stdout.contains("1 series: 1 to change"), "{}", proposed.stdout);
    assert!(proposed.stdout.contains("+benchmark = \"parse\""), "{}", proposed.stdout);
    assert_eq!(
        std::fs::read_to_string(sandbox.path("repo/perf.toml")).unwrap(),
        config,
        "nothing is written"
    );
    let json = sandbox.perf(&["calibrate", "--output", "json"]).json();
    assert_eq!(json["series"][0]["baselines"], 12);
    let [warn, fail] = ["warn", "fail"].map(|key| json["series"][0]["proposed"][key].as_f64().unwrap());
    assert!(warn < fail && fail <= 0.1, "{json}");
    // The proposal is a patch, as it is shown and in JSON.
    let shown = &proposed.stdout[proposed.stdout.find("--- a/").unwrap()..];
    let [_, patched] = [shown, json["diff"].as_str().unwrap()].map(|diff| {
        sandbox.write("repo/perf.toml", config);
        sandbox.write("change.diff", diff);
        sandbox.git(&["apply", "../change.diff"]);
        std::fs::read_to_string(sandbox.path("repo/perf.toml")).unwrap()
    });
    sandbox.write("repo/perf.toml", config);
    assert_eq!(sandbox.perf(&["calibrate", "--write"]).status, 0);
    let written = std::fs::read_to_string(sandbox.path("repo/perf.toml")).unwrap();
    assert_eq!(written, patched);
    assert!(written.starts_with(config), "{written}");
    let again = sandbox.perf(&["calibrate", "--write"]);
    assert!(again.stderr.contains("nothing to change"), "{}", again.stderr);
    assert_eq!(std::fs::read_to_string(sandbox.path("repo/perf.toml")).unwrap(), written);
    let rules = sandbox.perf(&["rules", "parse"]).stdout;
    assert!(rules.contains("[[rule]] 1 (benchmark parse, metric time)"), "{rules}");
}

#[test]
fn calibration_promotes_an_exhibit_that_was_stable() {
    let sandbox = steady();
    sandbox.write("repo/perf.toml", "[[rule]]\ntier = \"exhibit\"\n");
    let markdown = sandbox.perf(&["calibrate", "--output", "markdown"]).stdout;
    assert!(markdown.contains("gating (stable over 10 baselines)"), "{markdown}");
    assert_eq!(sandbox.perf(&["calibrate", "--write"]).status, 0);
    assert!(sandbox.perf(&["rules", "parse"]).stdout.contains("tier      gating "), "it gates now");
}

#[test]
fn calibration_without_enough_history_proposes_nothing() {
    let sandbox = Sandbox::new();
    let nothing = sandbox.perf(&["calibrate"]);
    assert_eq!(nothing.status, 2);
    assert!(
        nothing.stderr.contains("neither HEAD nor its first parents were measured"),
        "{}",
        nothing.stderr
    );
    history(&sandbox, &[100.0, 101.0, 100.0]);
    let few = sandbox.perf(&["calibrate", "--write"]);
    assert_eq!(few.status, 0, "{}", few.stderr);
    assert!(few.stdout.contains("1 with too few baselines"), "{}", few.stdout);
    assert!(!sandbox.path("repo/perf.toml").exists());
    let unknown = sandbox.perf(&["calibrate", "--environment", "ffffffff"]);
    assert_eq!(unknown.status, 2);
}

#[test]
fn one_damaged_criterion_benchmark_is_counted_and_the_others_serve() {
    let sandbox = Sandbox::new();
    for (name, sample) in [
        ("good", r#"{"iters":[1.0,2.0],"times":[10.0,30.0]}"#),
        ("bad", r#"{"iters":[1.0],"times":[10.0,30.0]}"#),
    ] {
        let dir = format!("repo/target/criterion/{name}/new");
        sandbox.write(&format!("{dir}/benchmark.json"), format!(r#"{{"full_id":"{name}"}}"#));
        sandbox.write(&format!("{dir}/sample.json"), sample);
    }
    let ended = sandbox.perf(&["collect", "target/criterion", "--dry-run"]);
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    assert!(
        ended.stderr.contains("bad/new/sample.json: expected as many `iters` as `times`"),
        "{}",
        ended.stderr
    );
    assert!(ended.stdout.contains("good time") && !ended.stdout.contains("bad time"), "{}", ended.stdout);
}

#[test]
fn the_number_of_readings_is_bounded_and_the_bound_can_be_raised() {
    let sandbox = Sandbox::new();
    let benchmarks: Vec<Value> =
        (0..30).map(|n| json!({"name": format!("b{n}"), "unit": "ns", "value": 1})).collect();
    sandbox.write("out.json", json!({ "benchmarks": benchmarks }).to_string());
    let refused = sandbox.perf(&["collect", "../out.json", "--dry-run", "--max-readings", "29"]);
    assert_eq!(refused.status, 2);
    assert!(
        refused.stderr.contains("holds 30 readings, more than the 29 that are read"),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("`--max-readings 30`"), "{}", refused.stderr);
    assert_eq!(sandbox.perf(&["collect", "../out.json", "--dry-run", "--max-readings", "30"]).status, 0);
}

#[test]
fn a_run_is_not_recorded_for_the_future() {
    let sandbox = Sandbox::new();
    sandbox.write("out.json", output(&[("parse", 100.0)]));
    let before = sandbox.state();
    let refused = sandbox.perf(&["collect", "../out.json", "--time", "9999-12-31"]);
    assert_eq!(refused.status, 2);
    assert!(refused.stderr.contains("--time 9999-12-31: lies in the future"), "{}", refused.stderr);
    assert_eq!(sandbox.state(), before);
}
