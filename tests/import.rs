//! What other tools kept, recorded for the commits that it is of.

use serde_json::{Value, json};

use crate::sandbox::{Sandbox, output};

fn id(sandbox: &Sandbox, revision: &str) -> String {
    sandbox.git(&["rev-parse", revision]).trim().to_owned()
}

/// Imports, and returns what is told in JSON; nothing must be left to say where `said` is empty.
fn import(sandbox: &Sandbox, args: &[&str], said: &[&str]) -> Value {
    let ended = sandbox.perf(&[&["store", "import", "--json", "--quiet"][..], args].concat());
    assert_eq!(ended.status, 0, "{args:?}: {}", ended.stderr);
    for part in said {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    assert!(!said.is_empty() || ended.stderr.is_empty(), "{args:?}: {}", ended.stderr);
    ended.json()
}

/// Every value that is stored: commit's first digit of its place, series and value.
fn values(sandbox: &Sandbox, revision: &str) -> Vec<String> {
    let shown = sandbox.perf(&["store", "show", revision, "--json"]).json();
    let mut values = vec![];
    for baseline in shown["baselines"].as_array().unwrap() {
        for run in baseline["runs"].as_array().unwrap() {
            for it in run["measurements"].as_array().unwrap() {
                let text = |key: &str| it[key].as_str().unwrap();
                values.push(format!(
                    "{} {} {} {} {}",
                    baseline["identity"]["imported-from"].as_str().unwrap(),
                    text("benchmark"),
                    text("metric"),
                    it["value"],
                    text("unit")
                ));
            }
        }
    }
    values.sort();
    values
}

#[test]
fn the_whole_history_of_a_data_js_is_imported_and_only_once() {
    let sandbox = Sandbox::new();
    let entry = |commit: &str, date: u64, tool: &str, value: f64, unit: &str| {
        json!({"commit": {"id": commit, "message": "x"}, "date": date, "tool": tool,
               "benches": [{"name": "parse", "value": value, "unit": unit, "range": "± 2"}]})
    };
    let (first, second) = (id(&sandbox, "HEAD~1"), id(&sandbox, "HEAD"));
    let gone = "f".repeat(40);
    let data = json!({"lastUpdate": 1, "repoUrl": "", "entries": {
        "Rust": [entry(&first, 1_767_312_000_000, "cargo", 120.0, "ns/iter"),
                 entry(&second, 1_767_398_400_000, "cargo", 125.5, "ns/iter"),
                 entry(&gone, 1_767_398_400_000, "cargo", 1.0, "ns/iter")],
        "Score": [entry(&second, 1_767_398_400_000, "customBiggerIsBetter", 7.0, "points")]}});
    sandbox.write("data.js", format!("window.BENCHMARK_DATA = {data}"));
    let before = sandbox.state();
    let planned = import(&sandbox, &["../data.js", "--dry-run"], &["1 commit is not in this repository"]);
    assert_eq!((&planned["runs"], &planned["commits"]), (&json!(3), &json!(2)));
    assert_eq!(sandbox.state(), before, "a dry run changes nothing");
    let imported = import(&sandbox, &["../data.js"], &["1 commit is not in this repository", "fffff"]);
    assert_eq!(imported["runs"], 3);
    let tool = "github-action-benchmark";
    assert_eq!(values(&sandbox, "HEAD~1"), [format!("{tool} Rust/parse time 120.0 ns")]);
    assert_eq!(
        values(&sandbox, "HEAD"),
        [format!("{tool} Rust/parse time 125.5 ns"), format!("{tool} Score/parse points 7.0 points")]
    );
    let log = sandbox.perf(&["store", "log", "--json"]).json();
    assert_eq!(log["rows"][0]["time"], "2026-01-03T00:00:00Z");
    let refs = sandbox.git(&["for-each-ref"]);
    let again = import(&sandbox, &["../data.js"], &["1 commit is"]);
    assert_eq!((&again["runs"], &again["already"]), (&json!(0), &json!(3)));
    assert_eq!(sandbox.git(&["for-each-ref"]), refs);
    // Whatever is exported for the action comes back as it was.
    assert_eq!(sandbox.perf(&["store", "export", "--format", tool, "--out", "../out.js"]).status, 0);
    let back = import(&sandbox, &["../out.js", "--env", "copy=1"], &[]);
    assert_eq!(back["values"], 3);
}

#[test]
fn what_was_imported_is_not_compared_with_what_was_measured() {
    let sandbox = Sandbox::new();
    sandbox.write("base.json", output(&[("parse", 100.0)]));
    import(&sandbox, &["../base.json", "--env", "cpu=Test CPU"], &[]);
    sandbox.branch("feature");
    sandbox.record(&output(&[("parse", 100.0)]));
    let refused = sandbox.perf(&["compare"]);
    assert_eq!(refused.status, 3, "{}", refused.whole());
    assert!(refused.stdout.contains("imported-from"), "{}", refused.stdout);
    let mut across = vec!["compare"];
    for fact in ["imported-from", "arch", "cores", "os", "harness"] {
        across.extend(["--across", fact]);
    }
    let compared = sandbox.perf(&across);
    assert_eq!(compared.status, 0, "{}", compared.whole());
    assert!(compared.stdout.contains("imported-from"), "it is said: {}", compared.stdout);
    assert_eq!(compared.stderr, "", "a fact of the base alone is a fact");
}

#[test]
fn a_committed_baseline_of_tables_is_imported_for_the_commit_that_is_named() {
    let sandbox = Sandbox::new();
    let yaml = "services:\n  checkout: {p95_ms: 120, error_rate: {value: 0.2, unit: '%'}}\n  search:\n    \
                latency_ms: [31.5, 30.5, 32.5]\n    widgets: 7\n";
    sandbox.write("repo/baseline.yaml", yaml);
    let args = ["baseline.yaml", "--format", "tables", "--commit", "HEAD~1", "--strip", "services/"];
    import(&sandbox, &args, &["--better widgets=lower"]);
    let expected =
        ["tables checkout error_rate 0.2 %", "tables checkout p95 120.0 ms", "tables search latency 31.5 ms"];
    assert_eq!(values(&sandbox, "HEAD~1"), expected);
    let json = r#"{"services": {"checkout": {"p95_ms": 120}, "search": {"widgets": 7}}}"#;
    sandbox.write("repo/baseline.json", json);
    let args = ["baseline.json", "--format", "tables", "--better", "widgets=higher", "--time", "2026-01-05"];
    assert_eq!(import(&sandbox, &args, &[])["values"], 2);
    let time = &sandbox.perf(&["store", "show", "HEAD", "--json"]).json()["baselines"][0]["runs"][0]["time"];
    assert_eq!(time, "2026-01-05T00:00:00Z");
}

#[test]
fn the_notes_of_git_perf_and_tak_are_imported() {
    let sandbox = Sandbox::new();
    let note = |reference: &str, revision: &str, text: &str| {
        sandbox.write("note", text);
        sandbox.git(&["notes", &format!("--ref={reference}"), "add", "-f", "-F", "../note", revision]);
    };
    let line = |fields: &[&str]| fields.join("\u{1c}") + "\n";
    let parse = |time: &str, value: &str| line(&["2", "parse", time, value, "host=a"]);
    note("perf-v3", "HEAD~1", &(parse("1767312000.5", "12.5") + &parse("1767312001.5", "13.5")));
    note(
        "perf-v3",
        "HEAD",
        &(parse("1767398400.5", "12.0") + "garbage\n" + &line(&["0", "bin", "1767398400.5", "9.0"])),
    );
    sandbox.write(
        "repo/.gitperfconfig",
        "[measurement]\nepoch = \"00000000\"\n[measurement.\"parse\"]\nunit = \"ms\"\n",
    );
    let first =
        import(&sandbox, &["--format", "git-perf"], &["no reading of git-perf", "--better value=lower"]);
    assert_eq!((&first["runs"], &first["skipped"]), (&json!(2), &json!(2)));
    assert_eq!(values(&sandbox, "HEAD~1"), ["git-perf parse time 13.0 ms"]);
    let record = |bench: &str, time: &str, runner: &str| {
        json!({"v": 1, "bench": bench, "tool": "self", "runner": runner, "ts": time,
               "metrics": {"instructions": 784_640.0, "wall_mean_ms": 1.25, "wall_n": 10.0}})
        .to_string()
            + "\n"
    };
    let notes = [("2026-01-02T00:00:00Z", "r1"), ("2026-01-02T00:00:01Z", "r2")]
        .map(|(time, runner)| record("help", time, runner));
    note("tak", "HEAD", &notes.concat());
    let second = import(&sandbox, &["--format", "tak"], &[]);
    assert_eq!(second["environments"].as_array().unwrap().len(), 2, "each runner is one");
    let here = values(&sandbox, "HEAD");
    let expected = [
        "git-perf parse time 12.0 ms",
        "tak help instructions 784640.0 instructions",
        "tak help wall_mean 1.25 ms",
    ];
    assert!(expected.iter().all(|it| here.iter().any(|value| value == it)), "{here:?}");
    let none = sandbox.perf(&["store", "import", "--format", "tak", "--ref", "refs/notes/other"]);
    assert!(none.status == 2 && none.stderr.contains("git fetch origin"), "{}", none.stderr);
}

#[test]
fn a_source_with_nothing_in_it_is_one_clear_error() {
    let sandbox = Sandbox::new();
    let gone = json!({"entries": {"Rust": [{"commit": {"id": "f".repeat(40)}, "date": 1, "tool": "cargo",
        "benches": [{"name": "parse", "value": 1, "unit": "ns/iter"}]}]}});
    sandbox.write("gone.js", format!("window.BENCHMARK_DATA = {gone}"));
    sandbox.write("cut.js", "window.BENCHMARK_DATA = {\"entries\": {");
    sandbox.write("plain.yaml", "a: [1");
    let before = sandbox.state();
    for args in [
        &["../gone.js"][..],
        &["../cut.js"],
        &["../missing.js"],
        &["../plain.yaml", "--format", "tables"],
        &["--format", "hyperfine"],
        &["../gone.js", "--format", "tak"],
        &[],
    ] {
        let ended = sandbox.perf(&[&["store", "import"][..], args].concat());
        assert_eq!(ended.status, 2, "{args:?}: {}", ended.whole());
        assert_eq!(ended.stderr.matches("error: ").count(), 1, "{args:?}: {}", ended.stderr);
        assert_eq!(sandbox.state(), before, "{args:?}");
    }
}

#[test]
fn more_readings_than_asked_for_are_refused_with_the_way_to_raise_the_bound() {
    let sandbox = Sandbox::new();
    sandbox.write("tables.json", r#"{"service": {"latency_ms": 3, "rps": 50}}"#);
    let args =
        ["store", "import", "../tables.json", "--format", "tables", "--better", "service=lower", "--dry-run"];
    let before = sandbox.state();
    let refused = sandbox.perf(&[&args[..], &["--max-readings", "1"]].concat());
    assert_eq!(refused.status, 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("`--max-readings 2`"), "{}", refused.stderr);
    let refused = sandbox.perf(&[&args[..], &["--max-bytes", "10"]].concat());
    assert_eq!(refused.status, 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("`--max-bytes 20`"), "{}", refused.stderr);
    let imported = sandbox.perf(&[&args[..], &["--max-readings", "2"]].concat());
    assert_eq!(imported.status, 0, "{}", imported.stderr);
    assert_eq!(sandbox.state(), before);
}
