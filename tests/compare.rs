use std::fs;

use insta::assert_snapshot;

use crate::sandbox::{MACHINE, Sandbox, output};

/// Main has a baseline, and a branch was measured whose `parse/large` changed by a factor.
fn changed_by(factor: f64) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.measure(&[("parse/large", 1_200_000.0), ("parse/small", 900.0), ("lex", 42.5)]);
    sandbox.branch("feature");
    sandbox.measure(&[("parse/large", 1_200_000.0 * factor), ("parse/small", 905.0), ("lex", 42.5)]);
    sandbox
}

#[test]
fn five_percent_slower_passes() {
    assert_snapshot!(changed_by(1.05).perf(&["compare"]).whole());
}

#[test]
fn twenty_percent_slower_warns() {
    assert_snapshot!(changed_by(1.20).perf(&["compare", "--against", "merge-base"]).whole());
}

#[test]
fn thirty_percent_slower_fails() {
    assert_snapshot!(changed_by(1.30).perf(&["compare"]).whole());
}

#[test]
fn thirty_percent_faster_is_an_improvement() {
    let ended = changed_by(0.7).perf(&["compare"]);
    assert_eq!(ended.status, 0);
    assert!(ended.stdout.contains("1 improved"), "{}", ended.stdout);
}

#[test]
fn limits_come_from_flags_and_from_perf_toml() {
    let sandbox = changed_by(1.07);
    for (args, status) in [
        (vec!["compare"], 0),
        (vec!["compare", "--fail", "5%"], 1),
        (vec!["compare", "--warn", "2%", "--fail", "8%"], 0),
        (vec!["compare", "--warn", "8", "--fail", "5"], 2),
        (vec!["compare", "--fail", "0.05"], 2),
    ] {
        assert_eq!(sandbox.perf(&args).status, status, "{args:?}");
    }
    sandbox.write("repo/perf.toml", "warn = \"2%\"\nfail = \"5%\"\n");
    assert_eq!(sandbox.perf(&["compare"]).status, 1);
    assert_eq!(sandbox.perf(&["compare", "--fail", "50%"]).status, 0, "a flag goes before the file");
}

#[test]
fn another_environment_is_refused_and_the_fact_is_named() {
    let sandbox = Sandbox::new();
    sandbox.measure(&[("parse", 100.0)]);
    sandbox.branch("feature");
    let mut args = vec!["collect", "../out.json", "--time", "2026-01-02"];
    args.extend(MACHINE);
    args.extend(["--env", "cores=16"]);
    assert_eq!(sandbox.perf(&args).status, 0);
    let refused = sandbox.perf(&["compare"]);
    assert_snapshot!(refused.whole());
    let crossed = sandbox.perf(&["compare", "--across", "cores"]);
    assert_eq!(crossed.status, 0);
    assert!(crossed.stdout.lines().next().unwrap().contains("compared across: cores"), "{}", crossed.stdout);
    assert_eq!(sandbox.perf(&["compare", "--across", "cpu"]).status, 3, "only the fact named is crossed");
}

#[test]
fn a_base_that_was_never_measured_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.branch("feature");
    sandbox.measure(&[("parse", 100.0)]);
    assert_snapshot!(sandbox.perf(&["compare"]).whole());
}

#[test]
fn a_head_that_was_never_measured_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.measure(&[("parse", 100.0)]);
    sandbox.branch("feature");
    assert_snapshot!(sandbox.perf(&["compare"]).whole());
}

#[test]
fn an_empty_intersection_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.measure(&[("parse", 100.0)]);
    sandbox.branch("feature");
    sandbox.measure(&[("lex", 100.0), ("check", 5.0)]);
    assert_snapshot!(sandbox.perf(&["compare"]).whole());
}

#[test]
fn a_refusal_that_warns_is_loud_and_ends_with_success() {
    let sandbox = Sandbox::new();
    sandbox.branch("feature");
    sandbox.write("repo/perf.toml", "on-refusal = \"warn\"\n");
    let ended = sandbox.perf(&["compare"]);
    assert_eq!(ended.status, 0);
    assert!(ended.stderr.contains("NOTHING WAS COMPARED"), "{}", ended.stderr);
    assert!(ended.stdout.starts_with("refused: "), "{}", ended.stdout);
}

#[test]
fn a_renamed_benchmark_shows_on_both_sides() {
    let sandbox = Sandbox::new();
    sandbox.measure(&[("parse/old", 100.0), ("lex", 5.0)]);
    sandbox.branch("feature");
    sandbox.measure(&[("parse/new", 100.0), ("lex", 5.0)]);
    assert_snapshot!(sandbox.perf(&["compare"]).whole());
}

#[test]
fn several_reports_at_once_agree() {
    let sandbox = changed_by(1.30);
    let ended = sandbox.perf(&[
        "compare",
        "--output",
        "markdown=../comment.md",
        "--output",
        "json=-",
        "--output",
        "text=../r.txt",
    ]);
    assert_eq!(ended.status, 1);
    let json = ended.json();
    let worst = &json["sections"][0]["series"][0];
    assert_eq!((&json["status"], &worst["verdict"]), (&"failed".into(), &"regressed".into()));
    assert!((worst["change"].as_f64().unwrap() - 0.30).abs() < 1e-9);
    let markdown = fs::read_to_string(sandbox.path("comment.md")).unwrap();
    let text = fs::read_to_string(sandbox.path("r.txt")).unwrap();
    assert!(!text.contains('\u{1b}'), "a file holds no terminal escapes");
    for report in [&markdown, &text] {
        for part in ["parse/large", "1.200 ms", "1.560 ms", "+30.0 %"] {
            assert!(report.contains(part), "{part} is missing from {report}");
        }
    }
    assert_snapshot!(markdown);
}

#[test]
fn the_nearest_measured_ancestor_serves_and_is_disclosed() {
    let sandbox = Sandbox::new();
    sandbox.measure(&[("parse", 100.0)]);
    for subject in ["Not measured", "Not measured either"] {
        sandbox.write("repo/code.rs", subject);
        sandbox.git(&["commit", "-q", "-am", subject]);
    }
    sandbox.branch("feature");
    sandbox.measure(&[("parse", 150.0)]);
    let ended = sandbox.perf(&["compare"]);
    assert_eq!(ended.status, 1);
    assert!(ended.stdout.contains("2 commits back"), "{}", ended.stdout);
    sandbox.write("repo/perf.toml", "max-lag = 1\n");
    assert_eq!(sandbox.perf(&["compare"]).status, 3);
}

#[test]
fn a_measured_commit_with_the_same_tree_serves_and_is_disclosed() {
    let sandbox = Sandbox::new();
    sandbox.measure(&[("parse", 100.0)]);
    sandbox.commit("Nothing changed");
    sandbox.branch("feature");
    sandbox.measure(&[("parse", 150.0)]);
    let ended = sandbox.perf(&["compare"]);
    assert_eq!(ended.status, 1);
    assert!(ended.stdout.contains("whose tree is the same"), "{}", ended.stdout);
}

#[test]
fn on_the_base_branch_the_first_parent_is_the_base() {
    let sandbox = Sandbox::new();
    sandbox.measure(&[("parse", 100.0)]);
    sandbox.commit("Slow it down");
    sandbox.measure(&[("parse", 150.0)]);
    let ended = sandbox.perf(&["compare"]);
    assert_eq!(ended.status, 1);
    assert!(ended.stdout.contains("first parent"), "{}", ended.stdout);
}

#[test]
fn the_merge_base_is_that_with_the_remotes_branch() {
    let sandbox = Sandbox::new();
    sandbox.git_in(".", &["clone", "-q", "--bare", "repo", "origin.git"]);
    sandbox.git(&["remote", "add", "origin", "../origin.git"]);
    sandbox.git(&["fetch", "-q", "origin"]);
    sandbox.measure(&[("parse", 100.0)]);
    sandbox.commit("Only here");
    sandbox.measure(&[("parse", 150.0)]);
    let ended = sandbox.perf(&["compare", "--offline"]);
    assert!(ended.stdout.contains("merge base with origin/main"), "{}", ended.stdout);
    assert_eq!(ended.status, 1);
}

#[test]
fn uncommitted_changes_are_judged_where_they_were_measured() {
    let sandbox = Sandbox::new();
    sandbox.measure(&[("parse", 100.0)]);
    sandbox.write("repo/code.rs", "fn main() { slow() }\n");
    let kept = sandbox.measure(&[("parse", 140.0)]);
    assert!(kept.stderr.contains("kept for this work tree"), "{}", kept.stderr);
    let ended = sandbox.perf(&["compare"]);
    assert!(ended.stdout.contains("uncommitted changes on"), "{}", ended.stdout);
    assert_eq!(ended.status, 1);
    assert_eq!(sandbox.perf(&["compare", "--against", "HEAD", "--head", "HEAD"]).status, 0);
}

#[test]
fn a_fresh_clone_finds_the_baselines_on_its_remote() {
    let sandbox = changed_by(1.30);
    sandbox.git_in(".", &["clone", "-q", "--bare", "repo", "origin.git"]);
    sandbox.git(&["remote", "add", "origin", "../origin.git"]);
    let pushed = sandbox.perf(&["store", "push"]);
    assert_eq!(pushed.status, 0, "{}", pushed.stderr);
    sandbox.git_in(".", &["clone", "-q", "-b", "feature", "origin.git", "fresh"]);
    assert_eq!(sandbox.perf_in("fresh", &["compare", "--offline"]).status, 3);
    let ended = sandbox.perf_in("fresh", &["compare"]);
    assert_eq!(ended.status, 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("asking origin"), "{}", ended.stderr);
}

#[test]
fn saved_runs_are_compared_without_a_store() {
    let sandbox = Sandbox::new();
    for (name, level) in [("base", 100.0), ("head", 130.0)] {
        sandbox.write("out.json", output(&[("parse", level)]));
        let file = format!("../{name}.jsonl");
        let mut args = vec!["collect", "../out.json", "--time", "2026-01-02", "--save", &file];
        args.extend(MACHINE);
        assert_eq!(sandbox.perf(&args).status, 0);
    }
    assert!(sandbox.git(&["for-each-ref", "refs/notes"]).is_empty(), "nothing was recorded");
    let ended = sandbox.perf_in(".", &["compare", "--base-file", "base.jsonl", "--head-file", "head.jsonl"]);
    assert_snapshot!(ended.whole());
    let by_limits =
        ["compare", "--base-file", "base.jsonl", "--head-file", "head.jsonl", "--judge", "limits"];
    let ended = sandbox.perf_in(".", &by_limits);
    assert_eq!(ended.status, 1, "{}", ended.stdout);
    assert!(ended.stdout.contains("judged by the limits alone"), "{}", ended.stdout);
    // A tool's own output does as well, with a warning that nobody knows where it was measured.
    sandbox.write("raw.json", output(&[("parse", 100.0)]));
    let ended = sandbox.perf_in(".", &["compare", "--base-file", "raw.json", "--head-file", "out.json"]);
    assert_eq!(ended.status, 0, "{}", ended.stdout);
    assert!(ended.stdout.contains("holds no environment"), "{}", ended.stdout);
    let ended = sandbox.perf_in(".", &["compare", "--base-file", "base.jsonl", "--head-file", "out.json"]);
    assert_eq!(ended.status, 3, "{}", ended.stdout);
    // All that the files hold is compared: no environment of theirs can be chosen.
    let narrowed =
        ["compare", "--base-file", "base.jsonl", "--head-file", "head.jsonl", "--environment", "abc"];
    let ended = sandbox.perf_in(".", &narrowed);
    assert_eq!(ended.status, 2, "{}", ended.stdout);
    assert!(ended.stderr.contains("cannot be used with '--environment"), "{}", ended.stderr);
}

#[test]
fn an_environment_that_only_the_base_has_is_named() {
    let sandbox = Sandbox::new();
    sandbox.measure(&[("parse", 100.0)]);
    let mut args = vec!["collect", "../out.json", "--time", "2026-01-02"];
    args.extend(MACHINE);
    args.extend(["--env", "cores=64"]);
    assert_eq!(sandbox.perf(&args).status, 0);
    sandbox.branch("feature");
    sandbox.measure(&[("parse", 100.0)]);
    let ended = sandbox.perf(&["compare"]);
    assert_eq!(ended.status, 0);
    assert!(ended.stdout.contains("64 cores"), "{}", ended.stdout);
    assert!(ended.stdout.contains("the head was not"), "{}", ended.stdout);
}

#[test]
fn one_of_several_environments_can_be_chosen() {
    let sandbox = changed_by(1.30);
    let fingerprint =
        sandbox.perf(&["compare", "--output", "json"]).json()["sections"][0]["fingerprint"].clone();
    let chosen = sandbox.perf(&["compare", "--environment", &fingerprint.as_str().unwrap()[..5]]);
    assert_eq!(chosen.status, 1);
    for wrong in ["00000000", "zz", ""] {
        assert_eq!(sandbox.perf(&["compare", "--environment", wrong]).status, 2, "{wrong}");
    }
}

#[test]
fn without_a_base_commit_there_is_a_refusal() {
    let sandbox = Sandbox::empty();
    sandbox.git_in(".", &["init", "-q", "-b", "main", "repo"]);
    sandbox.commit("First");
    sandbox.measure(&[("parse", 100.0)]);
    let first = sandbox.perf(&["compare"]);
    sandbox.git(&["switch", "-q", "--orphan", "elsewhere"]);
    sandbox.commit("Unrelated");
    sandbox.measure(&[("parse", 100.0)]);
    let unrelated = sandbox.perf(&["compare"]);
    assert_snapshot!([first.whole(), unrelated.whole()].join("\n"));
    assert_eq!(sandbox.perf(&["compare", "--on-refusal", "warn"]).status, 0);
}

#[test]
fn the_printed_command_reproduces_the_verdict() {
    let sandbox = changed_by(1.20);
    let ended = sandbox.perf(&["compare", "--fail", "15%", "--warn", "7%"]);
    assert_eq!(ended.status, 1);
    let line = ended.stdout.lines().find_map(|line| line.strip_prefix("reproduce: `perf ")).unwrap();
    let args: Vec<&str> = line.trim_end_matches('`').split(' ').collect();
    let again = sandbox.perf(&args);
    assert_eq!(again.status, 1);
    assert_eq!(again.stdout.lines().next(), ended.stdout.lines().next());
}

/// Ten series that all run at a factor of their usual time.
fn suite(factor: f64) -> Vec<(&'static str, f64)> {
    const NAMES: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    NAMES.into_iter().zip(1..).map(|(name, number)| (name, 100.0 * f64::from(number) * factor)).collect()
}

#[test]
fn the_history_of_the_base_branch_tells_the_noise() {
    let sandbox = Sandbox::new();
    for number in 0..8 {
        sandbox.commit(&format!("Change {number}"));
        sandbox.record(&output(&suite(1.0 + 0.001 * f64::from(number % 3))));
    }
    sandbox.branch("feature");
    let mut series = suite(1.0);
    series[3].1 *= 1.4;
    sandbox.measure(&series);
    let ended = sandbox.perf(&["compare", "--output", "json"]);
    assert_eq!(ended.status, 1);
    let section = &ended.json()["sections"][0];
    // The base itself is not part of its history.
    assert_eq!((&section["history"], &section["census"]["regressed"]), (&7.into(), &1.into()));
    assert_eq!(section["series"][0]["runs"], serde_json::json!({"base": 1, "head": 3, "history": 7}));
}

#[test]
fn a_slow_down_of_everything_is_a_finding_of_its_own() {
    let sandbox = Sandbox::new();
    sandbox.measure(&suite(1.0));
    sandbox.branch("feature");
    sandbox.measure(&suite(1.3));
    assert_snapshot!(sandbox.perf(&["compare"]).whole());
    let warned = sandbox.perf(&["compare", "--suite-shift", "warn"]);
    assert_eq!(warned.status, 0);
    assert!(warned.stdout.starts_with("WARN: the whole suite slower as one"), "{}", warned.stdout);
}

#[test]
fn one_run_of_the_head_fails_only_where_asked() {
    let sandbox = Sandbox::new();
    for number in 0..8 {
        sandbox.commit(&format!("Change {number}"));
        sandbox.record(&output(&[("parse", 100.0 + f64::from(number % 3))]));
    }
    sandbox.branch("feature");
    sandbox.record(&output(&[("parse", 160.0)]));
    let ended = sandbox.perf(&["compare"]);
    assert_eq!(ended.status, 0);
    assert!(ended.stdout.contains("one run: it would take 2 runs a side to let it fail"), "{}", ended.stdout);
    assert_eq!(sandbox.perf(&["compare", "--fail-on-one-run"]).status, 1);
}
