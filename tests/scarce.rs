//! Where the system gives too little: open files, and bytes of a file.

use crate::sandbox::{MACHINE, Sandbox, output};

/// Records and pushes under ever looser limits. What ends well has done its work, what does not says why, and nothing
/// that was recorded is lost or in the way of what comes next.
fn under(limits: &[String]) {
    let sandbox = Sandbox::new().with_remote();
    let mut record = vec!["collect", "../out.json", "--time", "2026-01-02"];
    record.extend(MACHINE);
    let (mut recorded, mut refused) = (0, 0);
    for (limit, value) in limits.iter().zip(100_u32..) {
        // The signal that a file has become too large would end the process, as it does where nobody ignores it.
        let script = format!("trap '' XFSZ; {limit}; exec \"$@\"");
        let shell = ["sh", "-c", script.as_str(), "sh"];
        sandbox.write("out.json", output(&[("parse", f64::from(value))]));
        for args in [&record[..], &["store", "push"]] {
            let ended = sandbox.perf_under(&shell, "repo", args);
            let unloaded = ended.status == 127 && ended.stderr.contains("shared libraries");
            assert!(matches!(ended.status, 0 | 2) || unloaded, "{limit}: {args:?}: {}", ended.stderr);
            assert!(!ended.stderr.contains("panicked"), "{limit}: {args:?}: {}", ended.stderr);
            if ended.status == 2 {
                assert!(ended.stderr.contains("error: "), "{limit}: {args:?}: {}", ended.stderr);
            }
            refused += u32::from(ended.status != 0);
            recorded += usize::from(ended.status == 0 && args == record);
            assert!(runs(&sandbox) >= recorded, "{limit}: {args:?}: {}", ended.stderr);
            if ended.status == 0 && args != record {
                assert_eq!(shared(&sandbox), runs(&sandbox), "{limit}: {}", ended.stderr);
            }
        }
    }
    assert!(recorded > 0 && refused > 0, "the limits are not those that matter: {recorded}, {refused}");
    let last = sandbox.perf(&record);
    assert!(last.status == 0 && !last.stderr.contains("not in the notes yet"), "{}", last.stderr);
    assert_eq!(sandbox.perf(&["store", "push"]).status, 0);
    assert_eq!(shared(&sandbox), runs(&sandbox));
    for place in ["repo", "remote.git"] {
        assert_eq!(sandbox.git_in(place, &["fsck", "--strict", "--no-dangling"]), "", "{place}");
    }
}

/// Counts the runs of `HEAD` here.
fn runs(sandbox: &Sandbox) -> usize {
    let shown = sandbox.perf(&["store", "show", "--json"]);
    // Nothing is stored yet.
    if shown.status != 0 { 0 } else { shown.json()["baselines"][0]["runs"].as_array().unwrap().len() }
}

/// Counts them on the remote, by git alone.
fn shared(sandbox: &Sandbox) -> usize {
    let names = sandbox.git_in("remote.git", &["for-each-ref", "--format=%(refname)", "refs/notes/perf"]);
    let show =
        |name: &str| sandbox.git_in("remote.git", &["notes", &format!("--ref={name}"), "show", "main"]);
    names.lines().map(|name| show(name).lines().count()).sum()
}

#[test]
fn too_few_open_files_lose_nothing() {
    under(&(4..=40).step_by(2).map(|files| format!("ulimit -n {files}")).collect::<Vec<_>>());
}

#[test]
fn files_that_may_not_grow_lose_nothing() {
    under(&(0..=8).map(|blocks| format!("ulimit -f {blocks}")).collect::<Vec<_>>());
}
