//! Reports for forges: from runs that somebody handed in, to what a courier sends.

use crate::sandbox::{MACHINE, Sandbox, output};

/// Main has a baseline, and a branch whose head was measured elsewhere: its runs are in `runs.jsonl`.
pub(crate) fn handed_in(factor: f64) -> Sandbox {
    handed_in_here(Sandbox::new(), factor)
}

fn handed_in_here(sandbox: Sandbox, factor: f64) -> Sandbox {
    sandbox.measure(&[("parse/large", 1_200_000.0), ("lex", 42.5)]);
    sandbox.branch("feature");
    save(&sandbox, "runs.jsonl", &[("parse/large", 1_200_000.0 * factor), ("lex", 42.5)], &[]);
    sandbox
}

/// Saves three runs of HEAD to a file, on the machine that all tests have or on one with other facts.
pub(crate) fn save(sandbox: &Sandbox, file: &str, series: &[(&str, f64)], facts: &[&str]) {
    let mut all = String::new();
    for factor in [0.999, 1.001, 1.0] {
        let levels: Vec<_> = series.iter().map(|(name, level)| (*name, level * factor)).collect();
        sandbox.write("out.json", output(&levels));
        let mut args = vec!["collect", "../out.json", "--time", "2026-01-02", "--save", "../one.jsonl"];
        args.extend(MACHINE);
        args.extend(facts);
        let ended = sandbox.perf(&args);
        assert_eq!(ended.status, 0, "{}", ended.stderr);
        all += &std::fs::read_to_string(sandbox.path("one.jsonl")).unwrap();
    }
    sandbox.write(file, all);
}

#[test]
fn runs_that_were_handed_in_are_judged_against_the_store() {
    let sandbox = handed_in(1.3);
    let head = sandbox.git(&["rev-parse", "HEAD"]).trim().to_owned();
    let state = sandbox.state();
    let ended = sandbox.perf(&["compare", "--head", &head, "--head-file", "../runs.jsonl"]);
    insta::assert_snapshot!(ended.whole());
    assert_eq!(sandbox.state(), state, "what was handed in is not stored");
    let without_head = sandbox.perf(&["compare", "--head-file", "../runs.jsonl"]);
    assert_eq!(without_head.stdout, ended.stdout);
    assert_eq!(sandbox.perf(&["compare"]).status, 3, "nobody recorded the head");
    let json = sandbox.perf(&["compare", "--head-file", "../runs.jsonl", "--output", "json"]).json();
    assert_eq!(json["head"]["kind"], "saved");
    assert_eq!(json["head"]["files"][0], "../runs.jsonl");
}

#[test]
fn several_files_are_several_environments_or_more_runs() {
    let sandbox = handed_in(1.0);
    sandbox.git(&["switch", "-q", "main"]);
    save(&sandbox, "on-16.jsonl", &[("lex", 20.0)], &["--env", "cores=16"]);
    let mut args = vec!["collect", "../out.json", "--time", "2026-01-02"];
    args.extend(MACHINE);
    args.extend(["--env", "cores=16"]);
    assert_eq!(sandbox.perf(&args).status, 0);
    sandbox.git(&["switch", "-q", "feature"]);
    save(&sandbox, "on-16.jsonl", &[("lex", 20.0)], &["--env", "cores=16"]);
    let files =
        ["--head-file", "../runs.jsonl", "--head-file", "../on-16.jsonl", "--head-file", "../runs.jsonl"];
    let mut args = vec!["compare", "--output", "json"];
    args.extend(files);
    let json = sandbox.perf(&args).json();
    let sections = json["sections"].as_array().unwrap();
    assert_eq!(sections.len(), 2, "one section for each environment");
    let runs: Vec<_> = sections.iter().map(|section| section["measured"]["head"]["runs"].clone()).collect();
    assert_eq!(runs, [3, 3], "a run that was handed in twice counts once");
}

#[test]
fn what_was_handed_in_is_held_to_the_head() {
    let sandbox = handed_in(1.0);
    let good = std::fs::read_to_string(sandbox.path("runs.jsonl")).unwrap();
    let head = sandbox.git(&["rev-parse", "HEAD"]).trim().to_owned();
    let main = sandbox.git(&["rev-parse", "main"]).trim().to_owned();
    let tree = sandbox.git(&["rev-parse", "HEAD^{tree}"]).trim().to_owned();
    let first = good.lines().next().unwrap();
    let other_levels = good.replacen("1198800", "1198801", 1);
    assert_ne!(other_levels, good);
    for (case, content, expected) in [
        ("another commit", good.replace(&head, &main), "was recorded for"),
        ("an unknown commit", good.replace(&head, &"1".repeat(40)), "was recorded for 1111111"),
        ("another tree", good.replace(&tree, &main), "says that the tree of"),
        ("two commits", format!("{good}{}\n", first.replace(&head, &main)), "was recorded for"),
        ("no runs", "hello\n".into(), "line 1 is no run"),
        ("nothing", String::new(), "line 1 is no run"),
        ("a broken line", format!("{good}{{\n"), "line 4 is no run"),
        ("one id twice", format!("{good}{other_levels}"), "two different lines are run"),
        ("too many runs", format!("{first}\n").repeat(1_001), "holds more than 1000 runs"),
    ] {
        sandbox.write("bad.jsonl", content);
        let state = sandbox.state();
        let ended = sandbox.perf(&["compare", "--head", &head, "--head-file", "../bad.jsonl"]);
        assert_eq!(ended.status, 2, "{case}: {}", ended.whole());
        assert!(ended.stderr.contains(expected), "{case}: {}", ended.stderr);
        assert!(ended.stderr.contains("bad.jsonl"), "{case}: {}", ended.stderr);
        assert_eq!(sandbox.state(), state, "{case}");
    }
    let file = std::fs::File::create(sandbox.path("huge.jsonl")).unwrap();
    file.set_len((256 << 20) + 1).unwrap();
    let ended = sandbox.perf(&["compare", "--head-file", "../huge.jsonl"]);
    assert!(ended.status == 2 && ended.stderr.contains("holds more than 256 MiB"), "{}", ended.stderr);
}

#[test]
fn annotations_and_the_check_say_what_the_report_says() {
    let sandbox = handed_in(1.3);
    let outputs = ["--output", "github", "--output", "check=check.json"];
    let mut args = vec!["compare", "--head-file", "../runs.jsonl"];
    args.extend(outputs);
    let ended = sandbox.perf(&args);
    assert_eq!(ended.status, 1);
    insta::assert_snapshot!(ended.whole());
    let check: serde_json::Value =
        serde_json::from_slice(&std::fs::read(sandbox.path("repo/check.json")).unwrap()).unwrap();
    assert_eq!(check["conclusion"], "failure");
    assert_eq!(check["head_sha"], sandbox.git(&["rev-parse", "HEAD"]).trim());
    let files = ["--base-file", "../runs.jsonl", "--head-file", "../runs.jsonl"];
    let mut args = vec!["compare", "--output", "check"];
    args.extend(files);
    assert_eq!(sandbox.perf(&args).status, 2, "two files are no commit");
}

#[test]
fn saved_runs_are_recorded_by_a_job_that_may_write() {
    let sandbox = handed_in(1.0);
    assert_eq!(sandbox.perf(&["store", "show", "--json"]).status, 2);
    let ended = sandbox.perf(&["store", "add", "../runs.jsonl", "--commit", "HEAD"]);
    assert_eq!(ended.status, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains("recorded 3 runs for"), "{}", ended.stderr);
    assert_eq!(sandbox.perf(&["compare"]).status, 0);
    let state = sandbox.state();
    assert_eq!(sandbox.perf(&["store", "add", "../runs.jsonl"]).status, 0);
    assert_eq!(sandbox.state(), state, "recorded once, however often it is handed in");
    assert_eq!(sandbox.perf(&["store", "add", "../runs.jsonl", "--commit", "main"]).status, 2);
}
