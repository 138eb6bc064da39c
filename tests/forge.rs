//! Reports for forges: from runs that somebody handed in, to what a courier sends.

mod couriers;
mod stand_in;

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

#[test]
fn the_linters_find_nothing() {
    let ended = Sandbox::empty().script("forge/lint", ".", &[], &[]);
    eprint!("{}", ended.stdout);
    assert_eq!(ended.status, 0, "{}", ended.whole());
}

/// What people copy must keep the promises that the documentation makes of it.
#[test]
fn the_workflows_give_no_right_that_they_do_not_need() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/forge/github/workflows");
    let mut names = vec![];
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(text.contains("\npermissions: {}\n"), "{name}: begins with no permission");
        for action in text.lines().filter_map(|line| line.split_once("uses: ").map(|(_, action)| action)) {
            let commit = action.split_once('@').unwrap().1.split(' ').next().unwrap();
            assert!(
                commit.len() == 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()),
                "{name}: {action}"
            );
        }
        let runs_code = text.split("\n  record:").next().unwrap().contains("perf collect --run");
        let measuring = text.split("\n  record:").next().unwrap();
        assert!(
            !runs_code || !measuring.contains(": write"),
            "{name}: a job that runs the project's code may write"
        );
        for line in text.lines().filter(|line| line.contains("${{")) {
            let (key, _) = line.split_once(": ").unwrap_or((line, ""));
            let plain =
                key.trim().bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_' || byte == b'-');
            let a_value = key.trim().starts_with('#') || (plain && key.trim() != "run");
            assert!(a_value, "{name}: an expression in a script: {line}");
        }
        names.push(name);
    }
    names.sort();
    let expected = ["main", "nightly", "pull-request", "release", "report"];
    assert_eq!(names, expected.map(|name| format!("perf-{name}.yml")));
    let cancelling = |name: &str| {
        let path = format!("../../scripts/forge/github/workflows/perf-{name}.yml");
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        std::fs::read_to_string(path).unwrap().contains("cancel-in-progress: true")
    };
    assert_eq!(
        expected.map(cancelling),
        [false, false, true, false, false],
        "no run of main is ever dropped"
    );
}

#[test]
fn the_contract_to_copy_holds_a_configuration_that_works() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/contract.md");
    let page = std::fs::read_to_string(page).unwrap();
    let block = page.split("    # perf.toml\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let sandbox = handed_in(1.0);
    sandbox.write("repo/perf.toml", block.replace(['<', '>'], "").replace("\n    ", "\n"));
    let ended = sandbox.perf(&["compare", "--head-file", "../runs.jsonl", "--output", "json"]);
    assert_eq!(ended.status, 0, "{}", ended.whole());
    let json = ended.json();
    let series = json["sections"][0]["series"].as_array().unwrap();
    let parse = series.iter().find(|row| row["benchmark"] == "parse/large").unwrap();
    assert_eq!(parse["limits"]["warn"], 0.05);
}

#[test]
fn what_a_commit_accepts_gets_no_issue() {
    for (message, issues) in
        [("Check bytes", 1), ("Check bytes\n\nPerf-Accept: parse/*; checks every byte", 0)]
    {
        let sandbox = Sandbox::new();
        sandbox.measure(&[("parse/large", 100.0), ("lex", 42.5)]);
        sandbox.commit(message);
        sandbox.measure(&[("parse/large", 150.0), ("lex", 42.5)]);
        sandbox.write("issues.json", "[]");
        let args = ["forge", "issues", "--forge", "github", "--own", "bot", "--existing", "../issues.json"];
        let ended = sandbox.perf(&args);
        assert_eq!(ended.status, 0, "{}", ended.whole());
        assert_eq!(ended.json().as_array().unwrap().len(), issues, "{message}: {}", ended.stdout);
    }
}

#[test]
fn what_a_forge_did_not_write_is_an_error_that_names_it() {
    let sandbox = handed_in(1.0);
    sandbox.perf(&["compare", "--head-file", "../runs.jsonl", "--output", "markdown=../report.md"]);
    sandbox.write("good.json", "[]\n[{\"id\": 1, \"body\": null, \"user\": null}]");
    sandbox.write("bad.json", "{\"message\": \"Bad credentials\"}");
    sandbox.write("text.md", "hello");
    for (existing, report, status, expected) in [
        ("good.json", "report.md", 0, "\"action\": \"create\""),
        ("bad.json", "report.md", 2, "bad.json: is no list of a forge's API"),
        ("none.json", "report.md", 2, "none.json: cannot be read"),
        ("good.json", "text.md", 2, "text.md: is no Markdown report"),
    ] {
        let (existing, report) = (format!("../{existing}"), format!("../{report}"));
        let args = ["forge", "comment", "--forge", "github", "--own", "bot", "--on", "5"];
        let files = ["--existing", &existing, "--report", &report];
        let ended = sandbox.perf(&[&args[..], &files[..]].concat());
        assert_eq!(ended.status, status, "{}", ended.whole());
        assert!(ended.whole().contains(expected), "{}", ended.whole());
    }
    let escaping =
        ["forge", "issues", "--forge", "github", "--own", "bot", "--existing", "x", "--project", "../y"];
    assert_eq!(sandbox.perf(&escaping).status, 2, "a project is no other path");
}
