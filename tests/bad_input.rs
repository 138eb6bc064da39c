use std::fs;
use std::os::unix::fs::PermissionsExt;

use insta::assert_snapshot;

use crate::sandbox::{Sandbox, output};

#[test]
fn unreadable_output_is_one_clear_error_and_changes_nothing() {
    let sandbox = Sandbox::new();
    let sound = output(&[("parse", 100.0)]);
    let files = [
        ("truncated.json", sound[..sound.len() / 2].to_owned()),
        ("nan.json", sound.replacen("100.0", "NaN", 1)),
        ("huge.json", sound.replacen("100.0", "1e999", 1)),
        ("negative.json", sound.replacen("100.0", "-100.0", 1)),
        ("empty.json", String::new()),
        ("blank.json", " \n".to_owned()),
        ("null.json", "null".to_owned()),
        ("text.txt", "BenchmarkSomething looks nice today\n".to_owned()),
        ("nothing.json", r#"{"benchmarks":[]}"#.to_owned()),
        ("unknown-key.json", r#"{"benchmarks":[{"name":"a","unit":"ns","sample":[1]}]}"#.to_owned()),
        ("no-direction.json", r#"{"benchmarks":[{"name":"a","metric":"m","unit":"widgets","samples":[1]}]}"#.to_owned()),
        ("twice.json", r#"{"benchmarks":[{"name":"a","unit":"ns","samples":[1]},{"name":"a","unit":"ns","samples":[2]}]}"#.to_owned()),
        ("hyperfine.json", r#"{"results":[{"command":"a","times":[1.0,-2.0]}]}"#.to_owned()),
    ];
    let before = sandbox.state();
    let mut whole = String::new();
    for (name, content) in files {
        sandbox.write(name, content);
        let ended = sandbox.perf(&["collect", &format!("../{name}")]);
        assert_eq!(ended.status, 2, "{name}");
        assert!(ended.stderr.contains(name), "{name} is not named: {}", ended.stderr);
        assert_eq!(ended.stderr.matches("error: ").count(), 1, "{}", ended.stderr);
        whole += &ended.whole();
    }
    for path in ["missing.json", "../home"] {
        let ended = sandbox.perf(&["collect", path]);
        assert_eq!(ended.status, 2, "{path}");
        whole += &ended.whole();
    }
    assert_snapshot!(whole);
    assert_eq!(sandbox.state(), before);
}

#[test]
fn a_wrong_format_name_is_answered_with_the_list() {
    let sandbox = Sandbox::new();
    sandbox.write("out.json", output(&[("parse", 100.0)]));
    let whole = ["hyperfine", "jmeter"]
        .map(|name| sandbox.perf(&["collect", "../out.json", "--format", name]).whole());
    assert_snapshot!(whole.join("\n"));
}

#[test]
fn unreadable_paths_are_named() {
    let sandbox = Sandbox::new();
    sandbox.write("secret.json", output(&[("parse", 100.0)]));
    fs::set_permissions(sandbox.path("secret.json"), fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(sandbox.path("secret.json")).is_ok() {
        return; // The superuser reads everything.
    }
    let ended = sandbox.perf(&["collect", "../secret.json"]);
    assert_eq!(ended.status, 2);
    assert!(ended.stderr.contains("secret.json"), "{}", ended.stderr);
}

#[test]
fn odd_repositories_get_a_clear_answer() {
    let sandbox = Sandbox::empty();
    sandbox.write("out.json", output(&[("parse", 100.0)]));
    let mut whole = sandbox.perf_in(".", &["collect", "out.json"]).whole();
    sandbox.git_in(".", &["init", "-q", "-b", "main", "unborn"]);
    whole += &sandbox.perf_in("unborn", &["collect", "../out.json"]).whole();
    whole += &sandbox.perf_in("unborn", &["compare"]).whole();
    sandbox.git_in(".", &["init", "-q", "--ref-format=reftable", "reftable"]);
    whole += &sandbox.perf_in("reftable", &["collect", "../out.json"]).whole();
    assert_snapshot!(whole);
}

#[test]
fn detached_bare_linked_and_sha256_repositories_work() {
    let sandbox = Sandbox::new();
    sandbox.git(&["checkout", "-q", "--detach", "HEAD~1"]);
    sandbox.record(&output(&[("parse", 100.0)]));
    sandbox.git(&["worktree", "add", "-q", "../linked", "main"]);
    assert_eq!(sandbox.perf_in("linked", &["store", "show", "HEAD~1"]).status, 0);
    sandbox.git_in(".", &["clone", "-q", "--bare", "repo", "bare.git"]);
    assert_eq!(sandbox.perf_in("bare.git", &["collect", "../out.json"]).status, 0);
    assert_eq!(sandbox.perf_in("bare.git", &["store", "show"]).status, 0);
    sandbox.git_in(".", &["init", "-q", "-b", "main", "--object-format=sha256", "sha256"]);
    sandbox.git_in("sha256", &["commit", "-q", "--allow-empty", "-m", "one"]);
    assert_eq!(sandbox.perf_in("sha256", &["collect", "../out.json"]).status, 0);
    sandbox.git_in("sha256", &["commit", "-q", "--allow-empty", "-m", "two"]);
    sandbox.write("out.json", output(&[("parse", 150.0)]));
    assert_eq!(sandbox.perf_in("sha256", &["collect", "../out.json"]).status, 0);
    assert_eq!(sandbox.perf_in("sha256", &["compare", "--judge", "limits"]).status, 1);
    assert_eq!(sandbox.git_in("sha256", &["fsck", "--strict", "--no-dangling"]), "");
}

#[test]
fn mistakes_in_perf_toml_are_named_with_line_and_column() {
    let sandbox = Sandbox::new();
    let mut whole = String::new();
    for content in ["warm = \"5%\"\n", "warn = \"a lot\"\n", "[[suite]]\nname = \"x\"\n", "warn = \"30%\"\n"]
    {
        sandbox.write("repo/perf.toml", content);
        whole += &sandbox.perf(&["compare"]).whole();
    }
    assert_snapshot!(whole);
}

#[test]
fn the_linux_profiler_is_pointed_to() {
    let sandbox = Sandbox::empty();
    assert_snapshot!(sandbox.perf_in(".", &["record", "-g", "ls"]).whole());
    let usage = sandbox.perf_in(".", &["colect"]);
    assert_eq!(usage.status, 2);
    assert!(usage.stderr.contains("collect"), "{}", usage.stderr);
}

#[test]
fn names_in_errors_neither_start_a_line_nor_command_a_ci_log() {
    let sandbox = Sandbox::new();
    let hostile = "x\\n::error::pwned\\u001b[2J ##[error]";
    let files = [
        format!(r#"{{"benchmarks":[{{"name":"a","unit":"{hostile}","samples":[1]}}]}}"#),
        format!(r#"{{"benchmarks":[{{"name":"{hostile}","unit":"ns","samples":[-1]}}]}}"#),
        format!(r#"{{"benchmarks":[{{"name":"a","unit":"ns","samples":[1],"{hostile}":1}}]}}"#),
    ];
    let mut errors: Vec<String> = files
        .iter()
        .map(|content| {
            sandbox.write("out.json", content);
            sandbox.perf(&["collect", "../out.json", "--format", "perf"]).stderr
        })
        .collect();
    errors.push(sandbox.perf(&["store", "show", "x\n::error::pwned"]).stderr);
    sandbox.write("repo/perf.toml", "\"x\\n::error::pwned\" = 1\n");
    errors.push(sandbox.perf(&["compare"]).stderr);
    for error in errors {
        assert!(error.starts_with("error: "), "{error}");
        assert!(error.lines().all(|line| !line.trim_start().starts_with("::")), "{error}");
        assert!(!error.contains('\u{1b}') && !error.contains("##["), "{error}");
    }
}

#[test]
fn a_stale_lock_is_named_with_the_way_out() {
    let sandbox = Sandbox::new();
    sandbox.record(&output(&[("parse", 100.0)]));
    let log = sandbox.perf(&["store", "log", "--json"]).json();
    let lock = format!("repo/.git/refs/notes/perf/{}.lock", log["rows"][0]["fingerprint"].as_str().unwrap());
    sandbox.write(&lock, "");
    let delayed = sandbox.record(&output(&[("parse", 101.0)]));
    assert!(
        delayed.stderr.contains("safe in the journal") && delayed.stderr.contains("rm /sandbox"),
        "{}",
        delayed.stderr
    );
    assert_eq!(
        sandbox.perf(&["store", "show", "--json"]).json()["baselines"][0]["runs"].as_array().unwrap().len(),
        2
    );
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    fs::File::options().write(true).open(sandbox.path(&lock)).unwrap().set_modified(old).unwrap();
    let doctor = sandbox.perf(&["doctor"]);
    assert_eq!(doctor.status, 1);
    assert!(doctor.stdout.contains(".lock has been there"), "{}", doctor.stdout);
    let older = old - std::time::Duration::from_secs(600);
    fs::File::options().write(true).open(sandbox.path(&lock)).unwrap().set_modified(older).unwrap();
    let mended = sandbox.perf(&["doctor", "--fix"]).stdout;
    for line in ["removed /sandbox/repo/.git/refs/notes/perf", "1 run of the journal filed in the notes"] {
        assert!(mended.contains(line), "{mended}");
    }
    assert!(!sandbox.perf(&["doctor"]).stdout.contains("journal"), "there is nothing left to mend");
}

#[test]
fn what_is_missing_is_named_as_it_is() {
    let sandbox = Sandbox::new();
    for (args, status, said) in [
        (&["collect", "--name", "", "--", "true"][..], 2, "--name"),
        (&["store", "prune", "--yes"], 2, "<--older-than <DAYS>|--max-commits <N>>"),
        (&["store", "retract", "main", "--reason", "wrong"], 2, "`perf store show "),
        (&["store", "log", "--benchmark", "nope"], 0, "no stored run has a benchmark of this name"),
    ] {
        let ended = sandbox.perf(args);
        assert_eq!(ended.status, status, "{args:?}");
        let all = format!("{}{}", ended.stdout, ended.stderr);
        assert!(all.contains(said) && !all.contains("REV"), "{args:?}: {all}");
    }
}
