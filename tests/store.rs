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
    let ended = sandbox.perf_in("ci", &["compare", "--against", "merge-base", "--judge", "limits"]);
    assert_eq!(ended.status, 1, "{}", ended.stderr);
    assert_snapshot!(ended.stderr);
    let doctor = sandbox.perf_in("ci", &["doctor"]);
    assert_eq!(doctor.status, 0, "{}", doctor.stdout);
}

#[test]
fn a_commit_that_the_remote_does_not_know_finds_its_base_from_a_clone_of_depth_one() {
    let sandbox = Sandbox::new();
    shallow_clone(&sandbox);
    sandbox.git_in("ci", &["commit", "-q", "--allow-empty", "-m", "Made here"]);
    sandbox.write("out.json", output(&[("parse", 140.0)]));
    let mut collect = vec!["collect", "../out.json", "--time", "2026-01-02"];
    collect.extend(crate::sandbox::MACHINE);
    assert_eq!(sandbox.perf_in("ci", &collect).status, 0);
    let ended = sandbox.perf_in("ci", &["compare", "--against", "merge-base", "--judge", "limits"]);
    assert_eq!(ended.status, 1, "{}", ended.whole());
    assert!(!ended.stderr.contains("no more history"), "{}", ended.stderr);
}

/// A repository whose `main` was measured four times along the way, the last one with garbage beside it.
fn old_store() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.git(&["tag", "v1"]);
    for n in 1..=4 {
        sandbox.record(&output(&[("parse", 100.0 + f64::from(n)), ("lex", 5.0)]));
        sandbox.commit(&format!("Step {n}"));
    }
    sandbox.record(&output(&[("parse", 110.0), ("lex", 5.0)]));
    sandbox
}

fn fingerprint(sandbox: &Sandbox) -> String {
    let log = sandbox.perf(&["store", "log", "--json"]).json();
    log["rows"][0]["fingerprint"].as_str().unwrap().to_owned()
}

#[test]
fn prune_says_what_it_would_do_and_does_it_when_told() {
    let sandbox = old_store();
    let prune = ["store", "prune", "--max-commits", "2", "--keep-first-parents", "0"];
    let before = sandbox.state();
    let planned = sandbox.perf(&prune);
    assert_eq!(sandbox.state(), before, "a plan changes nothing");
    let done = sandbox.perf(&[&prune[..], &["--yes"]].concat());
    let left = sandbox.perf(&["store", "log", "--json"]).json();
    assert_eq!(left["rows"].as_array().unwrap().len(), 3, "the newest two and the tagged one");
    let again = sandbox.perf(&[&prune[..], &["--yes"]].concat());
    let neither = sandbox.perf(&["store", "prune", "--yes"]);
    // A line holds the machine's load, which has three digits or four.
    insta::with_settings!({ filters => [(r"\(\d+ bytes\)", "([N] bytes)")] }, {
        assert_snapshot!([planned, done, again, neither].map(|ended| ended.whole()).join("\n"));
    });
    let young = sandbox.perf(&["store", "prune", "--older-than", "1", "--yes"]);
    assert!(young.stderr.contains("kept by some rule"), "first parents stay: {}", young.stderr);
}

#[test]
fn verify_names_what_is_wrong_and_repair_keeps_it_elsewhere() {
    let sandbox = old_store();
    let notes = format!("--ref=perf/{}", fingerprint(&sandbox));
    let clean = sandbox.perf(&["store", "verify"]);
    assert_eq!(clean.status, 0, "{}", clean.stdout);
    sandbox.git(&["notes", &notes, "append", "-m", "\u{1b}[2Jgarbage", "HEAD"]);
    sandbox.git(&["notes", &notes, "append", "-m", "{\"format\":7}", "HEAD"]);
    sandbox.git(&["update-ref", "refs/notes/perf/README", "HEAD"]);
    let found = sandbox.perf(&["store", "verify"]);
    assert_eq!(found.status, 1, "{}", found.stdout);
    assert_snapshot!(found.stdout.replace(&sandbox.git(&["rev-parse", "HEAD"]).trim().to_owned(), "HEAD"));
    let json = sandbox.perf(&["store", "verify", "--json"]).json();
    assert_eq!(json["faults"].as_array().unwrap().len(), 3);
    let repaired = sandbox.perf(&["store", "verify", "--repair"]);
    assert!(repaired.stderr.contains("moved 1 unreadable line aside"), "{}", repaired.stderr);
    let aside = sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/notes/perf-aside"]);
    let kept = sandbox.git(&["notes", &format!("--ref={}", aside.trim()), "show", "HEAD"]);
    assert_eq!(kept, "\u{1b}[2Jgarbage\n");
    let note = sandbox.git(&["notes", &notes, "show", "HEAD"]);
    assert!(note.contains("{\"format\":7}") && !note.contains("garbage"), "the future stays: {note}");
}

#[test]
fn compact_folds_history_and_size_tells_what_it_takes() {
    let sandbox = old_store();
    let name = format!("refs/notes/perf/{}", fingerprint(&sandbox));
    let tree = sandbox.git(&["rev-parse", &format!("{name}^{{tree}}")]);
    assert_snapshot!(
        [sandbox.perf(&["store", "compact"]).whole(), sandbox.perf(&["store", "compact"]).whole(),]
            .join("\n")
    );
    assert_eq!(sandbox.git(&["rev-list", "--count", &name]).trim(), "1");
    assert_eq!(sandbox.git(&["rev-parse", &format!("{name}^{{tree}}")]), tree);
    let size = sandbox.perf(&["store", "size", "--json"]).json();
    let environment = &size["environments"][0];
    assert_eq!((environment["commits"].as_u64(), environment["lines"].as_u64()), (Some(5), Some(5)));
    assert_eq!(environment["series"].as_array().unwrap().len(), 2);
    assert!(environment["disk"].as_u64().unwrap() <= environment["disk_with_history"].as_u64().unwrap());
    let text = sandbox.perf(&["store", "size", "--series", "1"]).stdout;
    assert!(text.contains("5 commits, 5 lines, 300 readings") && text.contains("1 more series"), "{text}");
}

#[test]
fn a_retracted_run_is_shown_counted_and_never_compared_with() {
    let sandbox = Sandbox::new();
    sandbox.record(&output(&[("parse", 100.0)]));
    sandbox.branch("feature");
    sandbox.record(&output(&[("parse", 140.0)]));
    assert_eq!(sandbox.perf(&["compare", "--judge", "limits"]).status, 1);
    let retracted = sandbox.perf(&["store", "retract", "main", "--reason", "the machine\nwas throttled"]);
    assert_eq!(retracted.status, 0, "{}", retracted.stderr);
    let compared = sandbox.perf(&["compare"]);
    assert_eq!(compared.status, 3, "{}", compared.stdout);
    assert!(compared.stdout.contains("that are not used: 1, retracted by Tester"), "{}", compared.stdout);
    let shown = sandbox.perf(&["store", "show", "main"]);
    assert_eq!(shown.status, 0, "what is on record is an answer: {}", shown.whole());
    for part in ["was retracted by Tester <tester@example.com> at 20", "the machine", "was throttled"] {
        assert!(shown.stderr.contains(part), "{part}: {}", shown.stderr);
    }
    assert_eq!(sandbox.perf(&["store", "retract", "main", "--reason", "again"]).status, 2);
    assert_eq!(sandbox.perf(&["store", "verify"]).status, 0, "a retraction is no fault");
    sandbox.git(&["switch", "-q", "main"]);
    sandbox.record(&output(&[("parse", 139.0)]));
    sandbox.git(&["switch", "-q", "feature"]);
    assert_eq!(sandbox.perf(&["compare"]).status, 0, "a later run counts");
}

#[test]
fn ten_thousand_unreadable_lines_are_a_short_warning() {
    let sandbox = Sandbox::new();
    sandbox.record(&output(&[("parse", 100.0)]));
    let notes = format!("--ref=perf/{}", fingerprint(&sandbox));
    let lines: String = (0..10_000).map(|n| format!("garbage {n}\n")).collect();
    sandbox.write("garbage", lines);
    sandbox.git(&["notes", &notes, "append", "-F", "../garbage", "HEAD"]);
    for (args, status) in [
        (&["store", "show"][..], 0),
        (&["store", "log"], 0),
        (&["store", "verify"], 1),
        (&["store", "envs"], 0),
        (&["compare", "--against", "HEAD~1"], 3),
        (&["store", "size"], 0),
    ] {
        let ended = sandbox.perf(args);
        assert_eq!(ended.status, status, "{args:?}: {}", ended.stderr);
        assert!(ended.stdout.len() + ended.stderr.len() < 8_192, "{args:?}: {}", ended.stderr.len());
    }
}

#[test]
fn a_full_disk_is_one_clear_error_and_nothing_recorded_is_lost() {
    let sandbox = Sandbox::new();
    sandbox.record(&output(&[("parse", 100.0)]));
    let before = sandbox.state();
    // No file may grow: what a full disk does, without one.
    let full = ["sh", "-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh"];
    let mut args = vec!["collect", "../out.json"];
    args.extend(MACHINE);
    let ended = sandbox.perf_under(&full, "repo", &args);
    assert_eq!(ended.status, 2, "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("error:").count(), 1, "{}", ended.stderr);
    assert!(ended.stderr.contains(".git/perf/journal"), "{}", ended.stderr);
    assert_eq!(sandbox.state(), before, "nothing is left half-done");
    assert_eq!(sandbox.perf_under(&full, "repo", &["store", "show"]).status, 0, "reading needs no space");
    assert_eq!(sandbox.perf(&args).status, 0);
    assert_eq!(sandbox.git(&["fsck", "--strict", "--no-dangling"]), "");
}

#[test]
fn a_repository_that_must_not_be_written_to_can_be_read() {
    let sandbox = Sandbox::new();
    sandbox.record(&output(&[("parse", 100.0)]));
    sandbox.git(&["config", "--global", "--add", "safe.directory", "*"]);
    let all = sandbox.path("");
    let run = |program: &str, args: &[&str]| {
        let ended = std::process::Command::new(program).args(args).arg(&all).status();
        ended.is_ok_and(|status| status.success())
    };
    assert!(run("chmod", &["-R", "a+rX,a-w"]));
    // Nothing hinders root.
    let somebody: &[&str] = if run("test", &["-w"]) {
        &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    } else {
        &[]
    };
    let mut args = vec!["collect", "../out.json"];
    args.extend(MACHINE);
    let recorded = sandbox.perf_under(somebody, "repo", &args);
    let shown = sandbox.perf_under(somebody, "repo", &["store", "show"]);
    assert!(run("chmod", &["-R", "u+w"]));
    assert_eq!(recorded.status, 2, "{}", recorded.stderr);
    assert!(recorded.stderr.contains("ermission denied"), "{}", recorded.stderr);
    assert_eq!(shown.status, 0, "{}", shown.stderr);
    assert_eq!(sandbox.perf(&args).status, 0);
}

#[test]
fn everything_recorded_can_be_exported_pushed_or_not() {
    let sandbox = Sandbox::new();
    sandbox.record(&output(&[("parse", 100.0), ("lex", 5.0)]));
    sandbox.branch("feature");
    sandbox.record(&output(&[("parse", 110.0), ("lex", 5.0)]));
    let head = sandbox.git(&["rev-parse", "HEAD"]).trim().to_owned();
    let runs = |args: &[&str]| -> Vec<serde_json::Value> {
        let ended = sandbox.perf(args);
        assert_eq!(ended.status, 0, "{}", ended.stderr);
        ended.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let all = runs(&["store", "export"]);
    assert_eq!(all.len(), 2);
    assert!(all.iter().all(|run| run["identity"]["cpu"] == "Test CPU"), "{all:?}");
    let mine = all.iter().find(|run| run["commit"] == head.as_str()).unwrap();
    let values: Vec<_> = mine["measurements"].as_array().unwrap().iter().map(|it| &it["value"]).collect();
    assert_eq!(values, [5.0, 110.0]);
    let parse = runs(&["store", "export", "--benchmark", "parse"]);
    assert!(parse.iter().all(|run| run["measurements"].as_array().unwrap().len() == 1), "{parse:?}");
    let csv = sandbox.perf(&["store", "export", "--format", "csv"]).stdout;
    assert_eq!(csv.lines().count(), 5, "{csv}");
    let log = sandbox.perf(&["store", "log", "--json"]).json();
    let rows = log["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row["commit"] == head.as_str()).unwrap();
    assert_eq!(row["baseline"]["identity"]["cores"], "4");
    assert_eq!(row["baseline"]["runs"][0]["measurements"][1]["value"], 110.0);
    for _ in ["cold", "warm"] {
        let values = sandbox.perf(&["store", "log", "--benchmark", "parse", "--json"]).json();
        assert_eq!(values["rows"].as_array().unwrap().len(), 2);
        assert!(values["rows"].as_array().unwrap().iter().any(|row| row["value"] == 110.0), "{values}");
    }
    assert_eq!(sandbox.perf(&["store", "export", "--format", "xml"]).status, 2);
}

#[test]
fn a_squash_is_served_by_the_commit_that_was_squashed() {
    let sandbox = Sandbox::new();
    sandbox.branch("feature");
    sandbox.write("repo/code.rs", "fn main() { work() }\n");
    sandbox.git(&["commit", "-q", "-a", "-m", "Work"]);
    sandbox.record(&output(&[("parse", 100.0)]));
    let measured = sandbox.git(&["rev-parse", "--short=12", "HEAD"]).trim().to_owned();
    sandbox.git(&["switch", "-q", "main"]);
    sandbox.git(&["merge", "-q", "--squash", "feature"]);
    sandbox.git(&["commit", "-q", "-m", "Squashed"]);
    sandbox.branch("next");
    sandbox.write("repo/code.rs", "fn main() { more() }\n");
    sandbox.git(&["commit", "-q", "-a", "-m", "More"]);
    sandbox.record(&output(&[("parse", 100.0)]));
    let ended = sandbox.perf(&["compare"]);
    assert_eq!(ended.status, 0, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.contains(&measured), "{}", ended.stdout);
}
