//! Whose limits a comparison is held to.

use std::fs;

use serde_json::json;

use crate::sandbox::Sandbox;

/// Main has these limits and a baseline; a branch with `head` as its limits was measured 30 % slower.
fn limits(base: Option<&str>, head: Option<&str>) -> Sandbox {
    let sandbox = Sandbox::new();
    commit_limits(&sandbox, base, "Set limits");
    sandbox.measure(&[("parse", 100.0), ("lex", 50.0)]);
    sandbox.branch("feature");
    commit_limits(&sandbox, head, "Change limits");
    sandbox.measure(&[("parse", 130.0), ("lex", 50.0)]);
    sandbox
}

fn commit_limits(sandbox: &Sandbox, text: Option<&str>, subject: &str) {
    match text {
        Some(text) => sandbox.write("repo/perf.toml", text),
        None => _ = fs::remove_file(sandbox.path("repo/perf.toml")),
    }
    sandbox.git(&["add", "-A"]);
    sandbox.commit(subject);
}

const STRICT: &str = "fail = \"25%\"\n";
const LOOSE: &str = "fail = \"900%\"\nwarn = \"900%\"\n";

#[test]
fn a_pull_request_that_loosens_its_own_limits_is_judged_by_the_old_ones() {
    for (base, head, status, said) in [
        (Some(STRICT), Some(STRICT), 1, None),
        (Some(STRICT), Some(LOOSE), 1, Some("judged by the perf.toml of the base")),
        (Some(LOOSE), Some(STRICT), 0, Some("fail: 900% -> 25%")),
        (Some(STRICT), None, 1, Some("fail: no longer 25%")),
        (None, Some(LOOSE), 1, Some("the base has no perf.toml: judged by the defaults")),
        (None, None, 1, None),
    ] {
        let sandbox = limits(base, head);
        let case = format!("{base:?} {head:?}");
        let ended = sandbox.perf(&["compare", "--output", "text", "--output", "markdown=../comment.md"]);
        assert_eq!(ended.status, status, "{case}: {}", ended.stdout);
        let comment = fs::read_to_string(sandbox.path("comment.md")).unwrap();
        for report in [&ended.stdout, &comment.replace('`', "")] {
            match said {
                Some(said) => assert!(report.contains(said), "{case}: {report}"),
                None => assert!(!report.contains("perf.toml"), "{case}: {report}"),
            }
        }
    }
}

#[test]
fn json_tells_whose_policy_it_was_and_what_would_change() {
    let sandbox = limits(Some(STRICT), Some(LOOSE));
    let base = sandbox.git(&["merge-base", "HEAD", "main"]);
    let policy = sandbox.perf(&["compare", "--output", "json"]).json()["policy"].clone();
    assert_eq!(
        policy,
        json!({
            "source": "base",
            "commit": base.trim(),
            "changes": [
                {"key": "fail", "base": "25%", "head": "900%"},
                {"key": "warn", "base": null, "head": "900%"},
            ],
            "identity": [],
        })
    );
}

#[test]
fn the_heads_own_policy_is_taken_on_request_and_the_report_says_so() {
    let sandbox = limits(Some(STRICT), Some(LOOSE));
    let ended = sandbox.perf(&["compare", "--policy", "head"]);
    assert_eq!(ended.status, 0, "{}", ended.stdout);
    assert!(ended.stdout.contains("judged by the perf.toml of the head, as --policy head asks"));
    assert!(ended.stdout.contains("--policy head`"), "the command to reproduce has it: {}", ended.stdout);
    let flag = sandbox.perf(&["compare", "--warn", "50%", "--fail", "50%"]);
    assert_eq!(flag.status, 0, "a flag goes before either file: {}", flag.stdout);
}

#[test]
fn a_commit_that_is_not_checked_out_has_the_policy_that_it_holds() {
    let sandbox = limits(Some(LOOSE), Some(STRICT));
    sandbox.git(&["switch", "-q", "main"]);
    let ended = sandbox.perf(&["compare", "--head", "feature", "--policy", "head"]);
    assert_eq!(ended.status, 1, "{}", ended.stdout);
    assert!(ended.stdout.contains("fail: 900% -> 25%"), "{}", ended.stdout);
}

#[test]
fn a_file_in_no_commit_is_nobodys_pull_request() {
    let sandbox = limits(None, None);
    sandbox.write("repo/perf.toml", LOOSE);
    let ended = sandbox.perf(&["compare"]);
    assert_eq!(ended.status, 0, "{}", ended.stdout);
    assert!(ended.stdout.contains("note: perf.toml is in no commit"), "{}", ended.stdout);
}

#[test]
fn the_pull_request_that_introduces_perf_may_find_no_baseline() {
    let first = |on_refusal: &str, base_measured: bool| {
        let sandbox = Sandbox::new();
        if base_measured {
            sandbox.record(&crate::sandbox::output(&[("other", 1.0)]));
        }
        sandbox.branch("feature");
        commit_limits(&sandbox, Some(&format!("on-refusal = \"{on_refusal}\"\n")), "Introduce perf");
        sandbox.measure(&[("parse", 100.0)]);
        sandbox.perf(&["compare"]).status
    };
    assert_eq!(first("warn", false), 0, "there is no gate yet");
    assert_eq!(first("fail", false), 3);
    assert_eq!(first("warn", true), 3, "there is a baseline: the defaults hold");
}

#[test]
fn a_broken_file_at_the_base_is_one_clear_error_with_the_way_out() {
    let sandbox = Sandbox::new();
    commit_limits(&sandbox, Some("fail = \"a lot\"\n"), "Break limits");
    sandbox.branch("feature");
    commit_limits(&sandbox, Some(STRICT), "Mend limits");
    sandbox.measure(&[("parse", 130.0)]);
    let ended = sandbox.perf(&["compare"]);
    assert_eq!(ended.status, 2);
    let base = sandbox.git(&["rev-parse", "--short=7", "main"]);
    for part in
        [&format!("perf.toml of the base {}: ", base.trim()), "line 1, column 8", "`a lot`", "--policy head"]
    {
        assert!(ended.stderr.contains(part), "{part}: {}", ended.stderr);
    }
    let by_head = sandbox.perf(&["compare", "--policy", "head"]);
    assert_eq!(
        (by_head.status, by_head.stderr.as_str()),
        (3, ""),
        "the base could not be measured: {}",
        by_head.whole()
    );
}

#[test]
fn the_branch_that_ci_merges_into_is_not_for_the_pull_request_to_choose() {
    let sandbox = limits(Some(STRICT), Some("base-branch = \"feature~1\"\nfail = \"900%\"\n"));
    let ended = sandbox.perf_with(&[("GITHUB_BASE_REF", "main")], &["compare"]);
    assert_eq!(ended.status, 1, "{}", ended.stdout);
    assert!(ended.stdout.contains("merge base with main"), "{}", ended.stdout);
}

#[test]
fn a_clone_without_blobs_reads_the_policy_from_its_remote() {
    let sandbox = limits(Some(STRICT), Some(LOOSE));
    sandbox.git_in(".", &["clone", "-q", "--bare", "repo", "origin.git"]);
    sandbox.git_in("origin.git", &["config", "uploadpack.allowFilter", "true"]);
    sandbox.git(&["remote", "add", "origin", "../origin.git"]);
    assert_eq!(sandbox.perf(&["store", "push"]).status, 0);
    let url = format!("file://{}", sandbox.path("origin.git").display());
    sandbox.git_in(".", &["clone", "-q", "--filter=blob:none", "-b", "feature", &url, "fresh"]);
    let ended = sandbox.perf_in("fresh", &["compare"]);
    assert_eq!(ended.status, 1, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("is not here: asking the remote"), "{}", ended.stderr);
    assert!(ended.stdout.contains("fail: 25% -> 900%"), "{}", ended.stdout);
}

#[test]
fn a_link_leads_to_a_file_of_the_same_commit_and_nowhere_else() {
    let linked = |base: &str, target: &str| {
        let sandbox = Sandbox::new();
        sandbox.write("repo/lim.toml", base);
        std::os::unix::fs::symlink(target, sandbox.path("repo/perf.toml")).unwrap();
        sandbox.git(&["add", "-A"]);
        sandbox.commit("Link limits");
        sandbox
    };
    let sandbox = linked(STRICT, "lim.toml");
    sandbox.measure(&[("parse", 100.0)]);
    sandbox.branch("feature");
    sandbox.write("repo/lim.toml", LOOSE);
    sandbox.git(&["commit", "-qam", "Loosen"]);
    sandbox.measure(&[("parse", 150.0)]);
    let ended = sandbox.perf(&["compare"]);
    assert_eq!(ended.status, 1, "{}", ended.whole());
    assert!(ended.stdout.contains("fail: 25% -> 900%"), "{}", ended.stdout);
    // Out of the tree there is nothing that both sides agreed on.
    let sandbox = linked(STRICT, "../lim.toml");
    sandbox.write("lim.toml", LOOSE);
    sandbox.branch("feature");
    let ended = sandbox.perf(&["compare"]);
    assert_eq!(ended.status, 2, "{}", ended.whole());
    assert!(ended.stderr.contains("no file, nor a link to one in the same commit"), "{}", ended.stderr);
}

#[test]
fn what_would_be_read_for_ever_is_an_error() {
    let sandbox = Sandbox::new();
    std::os::unix::fs::symlink("/dev/zero", sandbox.path("repo/perf.toml")).unwrap();
    let ended = sandbox.perf(&["compare"]);
    assert_eq!(ended.status, 2, "{}", ended.whole());
    assert!(ended.stderr.contains("perf.toml: is no file"), "{}", ended.stderr);
    fs::remove_file(sandbox.path("repo/perf.toml")).unwrap();
    sandbox.write("repo/perf.toml", "#".repeat(1_100_000));
    assert!(sandbox.perf(&["compare"]).stderr.contains("larger than 1048576 bytes"));
}

#[test]
fn a_change_does_not_choose_its_own_base() {
    let sandbox = limits(Some(STRICT), Some("base-branch = \"feature\"\nfail = \"900%\"\nwarn = \"900%\"\n"));
    sandbox.commit("More work");
    sandbox.measure(&[("parse", 130.0), ("lex", 50.0)]);
    let ended = sandbox.perf(&["compare"]);
    assert_eq!(ended.status, 1, "{}", ended.whole());
    for said in ["(merge base with main)", "base-branch: new, feature"] {
        assert!(ended.stdout.contains(said), "{said}: {}", ended.stdout);
    }
}

#[test]
fn another_environment_is_no_first_use() {
    let sandbox = Sandbox::new();
    sandbox.measure(&[("parse", 100.0)]);
    sandbox.write("repo/code.rs", "fn main() { /* other */ }\n");
    sandbox.git(&["commit", "-qam", "Not measured"]);
    sandbox.branch("feature");
    let other = "on-refusal = \"warn\"\n[[environment.fact]]\nname = \"board\"\nvalue = \"B\"\n";
    commit_limits(&sandbox, Some(other), "Introduce perf");
    sandbox.measure(&[("parse", 150.0)]);
    let ended = sandbox.perf(&["compare"]);
    assert_eq!(ended.status, 3, "{}", ended.whole());
    for said in [
        "was never measured, and its ancestor",
        "+ board",
        "tells environments apart by other facts (environment.fact[1].name: new, board; ",
    ] {
        assert!(ended.stdout.contains(said), "{said}: {}", ended.stdout);
    }
}
