use insta::assert_snapshot;

use crate::sandbox::{MACHINE, Sandbox, output};

#[test]
fn show_finds_a_commit_that_is_gone() {
    let sandbox = Sandbox::new();
    sandbox.commit("To be thrown away");
    sandbox.record(&output(&[("parse", 100.0)]));
    let gone = sandbox.git(&["rev-parse", "HEAD"]).trim().to_owned();
    sandbox.git(&["reset", "-q", "--hard", "HEAD~1"]);
    sandbox.git(&["reflog", "expire", "--expire=now", "--all"]);
    sandbox.git(&["gc", "-q", "--prune=now"]);
    assert!(
        sandbox
            .git(&["cat-file", "--batch-check", "--batch-all-objects"])
            .lines()
            .all(|line| !line.starts_with(&gone))
    );
    for name in [&gone[..], &gone[..10]] {
        let ended = sandbox.perf(&["store", "show", name, "--json"]);
        assert_eq!(ended.status, 0, "{}", ended.stderr);
        assert_eq!(ended.json()["commit"], gone.as_str());
        assert_eq!(ended.json()["baselines"][0]["runs"][0]["measurements"][0]["value"], 100.0);
    }
    assert_eq!(sandbox.perf(&["store", "show", "0123456789"]).status, 2);
}

#[test]
fn log_and_envs_list_everything() {
    let sandbox = Sandbox::new();
    sandbox.record(&output(&[("parse", 100.0), ("lex", 5.0)]));
    sandbox.record(&output(&[("parse", 101.0), ("lex", 5.0)]));
    let mut args = vec!["collect", "../out.json", "--time", "2026-01-03", "--commit", "HEAD~1"];
    args.extend(MACHINE);
    args.extend(["--env", "cores=8"]);
    assert_eq!(sandbox.perf(&args).status, 0);
    let whole = [["store", "log"], ["store", "envs"]].map(|args| sandbox.perf(&args).whole());
    assert_snapshot!(whole.join("\n"));
    let first = sandbox.perf(&["store", "log", "-n", "1", "--json"]).json();
    assert_eq!(first["rows"].as_array().unwrap().len(), 1);
}

#[test]
fn show_lists_every_environment_of_a_commit() {
    let sandbox = Sandbox::new();
    sandbox.record(&output(&[("parse", 100.0), ("lex", 5.0)]));
    let mut shown = sandbox.perf(&["store", "show"]).whole();
    // Run ids are random.
    let at = shown.find("run ").unwrap() + 4;
    shown.replace_range(at..at + 8, "00000000");
    assert_snapshot!(shown);
}

#[test]
fn garbage_in_a_note_is_counted_and_hides_nothing() {
    let sandbox = Sandbox::new();
    sandbox.record(&output(&[("parse", 100.0)]));
    let log = sandbox.perf(&["store", "log", "--json"]).json();
    let notes = format!("--ref=perf/{}", log["rows"][0]["fingerprint"].as_str().unwrap());
    sandbox.git(&["notes", &notes, "append", "-m", "\u{1b}[2Jgarbage", "HEAD"]);
    sandbox.git(&["notes", &notes, "append", "-m", "{\"format\":7}", "HEAD"]);
    sandbox.branch("feature");
    sandbox.record(&output(&[("parse", 100.0)]));
    let ended = sandbox.perf(&["compare"]);
    assert_eq!(ended.status, 0);
    assert!(ended.stdout.contains("that are kept but cannot be used: 2"), "{}", ended.stdout);
    let shown = sandbox.perf(&["store", "show", "main"]);
    assert_eq!(shown.stderr.matches("warning").count(), 2, "{}", shown.stderr);
    assert!(!shown.stderr.contains("[2J"), "{}", shown.stderr);
}

#[test]
fn a_note_of_nothing_but_garbage_is_an_error_that_names_the_commit() {
    let sandbox = Sandbox::new();
    sandbox.git(&["notes", "--ref=perf/0123456789abcdef", "add", "-m", "garbage", "HEAD"]);
    let before = sandbox.state();
    assert_snapshot!(sandbox.perf(&["store", "show"]).whole());
    sandbox.branch("feature");
    sandbox.record(&output(&[("parse", 100.0)]));
    let refused = sandbox.perf(&["compare"]);
    assert_eq!(refused.status, 3, "{}", refused.stdout);
    assert!(refused.stdout.contains("cannot be used: 1"), "{}", refused.stdout);
    sandbox.git(&["switch", "-q", "main"]);
    assert!(sandbox.state().contains(before.lines().next().unwrap()), "the garbage is kept");
}

#[test]
fn push_and_pull_say_what_they_did() {
    let sandbox = Sandbox::new();
    assert_snapshot!("push_without_a_remote", sandbox.perf(&["store", "push"]).whole());
    sandbox.git_in(".", &["clone", "-q", "--bare", "repo", "origin.git"]);
    sandbox.git(&["remote", "add", "origin", "../origin.git"]);
    sandbox.record(&output(&[("parse", 100.0)]));
    sandbox.git_in(".", &["clone", "-q", "origin.git", "other"]);
    let first = sandbox.perf(&["store", "push"]);
    let again = sandbox.perf(&["store", "push"]);
    let pull = sandbox.perf_in("other", &["store", "pull"]);
    assert_snapshot!([first, again, pull].map(|ended| ended.whole()).join("\n"));
    assert_eq!(sandbox.perf_in("other", &["store", "show", "main"]).status, 0);
}

#[test]
fn a_push_to_nowhere_fails_in_time_and_keeps_the_run() {
    let sandbox = Sandbox::new();
    sandbox.git(&["remote", "add", "origin", "../nowhere.git"]);
    sandbox.record(&output(&[("parse", 100.0)]));
    let ended = sandbox.perf(&["store", "push", "--timeout", "5"]);
    assert_eq!(ended.status, 2);
    assert!(ended.stderr.contains("nowhere.git"), "{}", ended.stderr);
    assert_eq!(sandbox.perf(&["store", "show"]).status, 0);
}

#[test]
fn hostile_remotes_and_revisions_do_nothing() {
    let sandbox = Sandbox::new();
    sandbox.record(&output(&[("parse", 100.0)]));
    let before = sandbox.state();
    for remote in ["--upload-pack=touch pwned", "ext::sh -c touch% pwned", "-x", "/etc"] {
        let flag = format!("--remote={remote}");
        assert_eq!(sandbox.perf(&["store", "push", &flag]).status, 2, "{remote}");
    }
    for revision in ["--output=pwned", "-h", "HEAD\u{0}x", "$(touch pwned)", "a..b", "../../x", "@{upstream"]
    {
        if revision.contains('\u{0}') {
            continue;
        }
        let flag = format!("--against={revision}");
        assert_eq!(sandbox.perf(&["compare", &flag]).status, 2, "{revision}");
    }
    assert_eq!(sandbox.state(), before);
    assert!(!sandbox.path("repo/pwned").exists());
}

/// A remote whose `main` and `feature`, 70 commits further on, were measured, and a clone of it as CI makes it.
fn shallow_clone(sandbox: &Sandbox) {
    sandbox.record(&output(&[("parse", 100.0)]));
    for n in 1..=70 {
        sandbox.commit(&format!("On main {n}"));
    }
    sandbox.git(&["switch", "-q", "-c", "feature", "main~70"]);
    sandbox.commit("Work on feature");
    sandbox.record(&output(&[("parse", 140.0)]));
    sandbox.git_in(".", &["clone", "-q", "--bare", "repo", "origin.git"]);
    sandbox.git_in("origin.git", &["symbolic-ref", "HEAD", "refs/heads/main"]);
    sandbox.git(&["remote", "add", "origin", "../origin.git"]);
    assert_eq!(sandbox.perf(&["store", "push"]).status, 0);
    let url = format!("file://{}", sandbox.path("origin.git").display());
    sandbox.git_in(".", &["clone", "-q", "--depth=1", "--branch=feature", &url, "ci"]);
}

#[test]
fn a_clone_of_depth_one_finds_its_merge_base_and_baselines() {
    let sandbox = Sandbox::new();
    shallow_clone(&sandbox);
    let offline = sandbox.perf_in("ci", &["compare", "--against", "merge-base", "--offline"]);
    assert_eq!(offline.status, 2, "{}", offline.stderr);
    let ended = sandbox.perf_in("ci", &["compare", "--against", "merge-base"]);
    assert_eq!(ended.status, 1, "{}", ended.stderr);
    assert_snapshot!(ended.stderr);
    let doctor = sandbox.perf_in("ci", &["doctor"]).stdout;
    assert!(doctor.contains("the clone is shallow"), "{doctor}");
}
