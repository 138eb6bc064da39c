//! Many writers, one remote, over every transport that git has.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use perf_model::Run;
use perf_store::{Pushed, StoreError, SyncOptions};

use crate::{Daemon, Sandbox, ids, options, shared};

/// `git-http-backend` behind a small server on loopback, which ends with this process.
pub(crate) struct Http {
    child: Child,
    port: u16,
}

impl Http {
    /// `None`, with a message, where there is no python3 or no git-http-backend.
    #[expect(clippy::print_stderr, reason = "what was skipped must be said")]
    pub(crate) fn serving(dir: &Path) -> Option<Self> {
        let programs = Command::new("git").arg("--exec-path").output().unwrap().stdout;
        let backend = Path::new(String::from_utf8(programs).unwrap().trim()).join("git-http-backend");
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sharing/http_backend.py");
        let server = Command::new("python3")
            .arg(script)
            .arg(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let (true, Ok(mut child)) = (backend.exists(), server) else {
            eprintln!("skipped: smart HTTP needs python3 and git-http-backend");
            return None;
        };
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Some(Self { child, port: port.trim().parse().unwrap() })
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/remote.git", self.port)
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A run in an environment of its own.
fn elsewhere(run: Run, machine: &str) -> Run {
    let mut run = run;
    run.environment.identity.insert("machine".into(), machine.into());
    run
}

const RUNS: usize = 3;
const WRITERS: usize = 16;

/// Lets every clone record three runs and push them, all at once; nothing may be lost or come twice.
fn all_arrive(sandbox: &Sandbox, names: &[String], url: Option<&str>) {
    for name in names {
        if let Some(url) = url {
            sandbox.git(name, &["remote", "set-url", "origin", url]);
        }
    }
    let patient = SyncOptions { timeout: Duration::from_secs(600), ..options() };
    std::thread::scope(|scope| {
        for (n, name) in names.iter().enumerate() {
            let patient = &patient;
            scope.spawn(move || {
                let store = sandbox.store(name);
                for k in 1..=RUNS {
                    store.record(&sandbox.run(name, "HEAD", (RUNS * n + k) as u128)).unwrap();
                }
                store.push(patient).unwrap();
            });
        }
    });
    let remote = sandbox.store("remote.git");
    let arrived = ids(&remote, &remote.resolve("main").unwrap().lineage.commit);
    let different: BTreeSet<_> = arrived.iter().collect();
    assert_eq!((arrived.len(), different.len()), (RUNS * names.len(), RUNS * names.len()));
    assert_eq!(sandbox.git("remote.git", &["for-each-ref", "refs/notes/perf-inbox"]), "");
    assert_eq!(sandbox.git("remote.git", &["fsck", "--strict", "--no-dangling"]), "");
}

/// So many writers, or as many as `PERF_TEST_WRITERS` says.
fn clones() -> (Sandbox, Vec<String>) {
    let wanted = std::env::var("PERF_TEST_WRITERS").ok().and_then(|writers| writers.parse().ok());
    let names: Vec<String> = (0..wanted.unwrap_or(WRITERS)).map(|n| format!("clone{n}")).collect();
    (shared(&names.iter().map(String::as_str).collect::<Vec<_>>()), names)
}

#[test]
fn writers_at_once_all_arrive_over_files() {
    let (sandbox, names) = clones();
    all_arrive(&sandbox, &names, None);
}

#[test]
fn writers_at_once_all_arrive_over_the_git_protocol_too() {
    let (sandbox, names) = clones();
    let daemon = Daemon::serving(sandbox.dir.path());
    all_arrive(&sandbox, &names, Some(&format!("git://127.0.0.1:{}/remote.git", daemon.port)));
}

#[test]
fn writers_at_once_all_arrive_over_smart_http() {
    let (sandbox, names) = clones();
    let Some(http) = Http::serving(sandbox.dir.path()) else { return };
    sandbox.git("remote.git", &["config", "http.receivepack", "true"]);
    all_arrive(&sandbox, &names, Some(&http.url()));
}

/// Makes the remote run a script for every ref that is pushed.
fn update_hook(sandbox: &Sandbox, script: &str) {
    let hook = sandbox.path("remote.git/hooks/update");
    std::fs::write(&hook, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// Somebody else is always faster: with every push the notes of `fingerprint` move before it arrives.
fn always_faster(sandbox: &Sandbox, fingerprint: &str) {
    // An update hook sees the ref before it is changed; moving it there makes the server's own swap fail.
    update_hook(
        sandbox,
        &format!(
            "case $1 in refs/notes/perf/{fingerprint})\n\
             unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES\n\
             tree=$(git rev-parse -q --verify $1^{{tree}} || git mktree </dev/null)\n\
             parent=$(git rev-parse -q --verify $1 || true)\n\
             commit=$(GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x \
             git commit-tree -m faster-$$ ${{parent:+-p $parent}} $tree)\n\
             git update-ref $1 $commit;; esac"
        ),
    );
}

#[test]
fn lines_that_are_always_late_are_parked_and_the_next_pusher_files_them() {
    let sandbox = shared(&["one", "two"]);
    let (one, two) = (sandbox.store("one"), sandbox.store("two"));
    let run = sandbox.run("one", "HEAD", 1);
    let fingerprint = run.environment.fingerprint();
    always_faster(&sandbox, fingerprint.as_str());
    one.record(&run).unwrap();
    let pushed = one.push(&SyncOptions { timeout: Duration::from_secs(300), ..options() }).unwrap();
    assert_eq!((pushed.attempts, pushed.sent.len(), pushed.parked[&fingerprint]), (8, 0, 1));
    let inbox = sandbox.git("remote.git", &["for-each-ref", "--format=%(refname)", "refs/notes/perf-inbox"]);
    assert!(inbox.starts_with(&format!("refs/notes/perf-inbox/{fingerprint}/")), "{inbox}");
    assert_eq!(
        sandbox.git("remote.git", &["rev-list", "--count", inbox.trim()]).trim(),
        "1",
        "own lines only"
    );
    assert_eq!(ids(&one, &run.lineage.commit), ["1"], "still here");
    two.pull(&options()).unwrap();
    assert_eq!(ids(&two, &run.lineage.commit), ["1"], "readers see what is parked");
    update_hook(&sandbox, "exit 0");
    two.push(&options()).unwrap();
    assert_eq!(ids(&sandbox.store("remote.git"), &run.lineage.commit), ["1"]);
    assert_eq!(sandbox.git("remote.git", &["for-each-ref", "refs/notes/perf-inbox"]), "");
    assert_eq!(one.push(&options()).unwrap().attempts, 0, "nothing is left to do");
    assert_eq!(sandbox.git("one", &["for-each-ref", "refs/perf/parked"]), "");
}

#[test]
fn a_contended_environment_holds_up_no_other() {
    let sandbox = shared(&["one"]);
    let one = sandbox.store("one");
    let (busy, quiet) = (sandbox.run("one", "HEAD", 1), elsewhere(sandbox.run("one", "HEAD", 2), "quiet"));
    always_faster(&sandbox, busy.environment.fingerprint().as_str());
    one.record(&busy).unwrap();
    one.record(&quiet).unwrap();
    let pushed: Pushed = one.push(&SyncOptions { timeout: Duration::from_secs(300), ..options() }).unwrap();
    assert_eq!(pushed.sent.keys().collect::<Vec<_>>(), [&quiet.environment.fingerprint()]);
    assert_eq!(pushed.parked.keys().collect::<Vec<_>>(), [&busy.environment.fingerprint()]);
}

#[test]
fn writers_of_different_environments_never_wait_for_each_other() {
    let (sandbox, names) = clones();
    let push = &|n: u128, name: &str| {
        let store = sandbox.store(name);
        store.record(&elsewhere(sandbox.run(name, "HEAD", n), name)).unwrap();
        store.push(&SyncOptions { timeout: Duration::from_secs(300), ..options() }).unwrap().attempts
    };
    let attempts: Vec<usize> = std::thread::scope(|scope| {
        let pushing: Vec<_> = (1..).zip(&names).map(|(n, name)| scope.spawn(move || push(n, name))).collect();
        pushing.into_iter().map(|it| it.join().unwrap()).collect()
    });
    assert_eq!(attempts, vec![1; names.len()]);
    let remote = sandbox.store("remote.git");
    assert_eq!(ids(&remote, &remote.resolve("main").unwrap().lineage.commit).len(), names.len());
    assert_eq!(sandbox.git("remote.git", &["for-each-ref", "refs/notes/perf-inbox"]), "");
}

#[test]
fn all_environments_go_in_one_push_also_to_a_server_that_cannot_do_all_or_none() {
    for atomic in ["true", "false"] {
        let sandbox = shared(&["one"]);
        sandbox.git("remote.git", &["config", "receive.advertiseAtomic", atomic]);
        let log = sandbox.path("pushes");
        let hook = sandbox.path("remote.git/hooks/pre-receive");
        std::fs::write(&hook, format!("#!/bin/sh\necho push >> {}\n", log.display())).unwrap();
        std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
        let one = sandbox.store("one");
        for n in 1..=3 {
            one.record(&elsewhere(sandbox.run("one", "HEAD", n), &n.to_string())).unwrap();
        }
        let pushed = one.push(&options()).unwrap();
        assert_eq!((pushed.attempts, pushed.sent.len()), (1, 3), "atomic: {atomic}");
        assert_eq!(std::fs::read_to_string(&log).unwrap(), "push\n", "atomic: {atomic}");
    }
}

#[test]
fn a_push_after_a_pull_does_not_fetch_again_unless_somebody_was_faster() {
    let sandbox = shared(&["one", "two"]);
    let (one, two) = (sandbox.store("one"), sandbox.store("two"));
    let run = |id| sandbox.run("one", "HEAD", id);
    let push = |id, fetches: bool| {
        one.record(&run(id)).unwrap();
        let program = if fetches { "git-upload-pack" } else { "false" };
        sandbox.git("one", &["config", "remote.origin.uploadpack", program]);
        let attempts = sandbox.store("one").push(&options()).map(|pushed| pushed.attempts).ok();
        sandbox.git("one", &["config", "remote.origin.uploadpack", "git-upload-pack"]);
        attempts
    };
    one.pull(&options()).unwrap();
    assert_eq!(push(1, false), Some(1), "what was pulled is what the remote has");
    assert_eq!(push(2, false), None, "a push was pulled by nobody");
    one.pull(&options()).unwrap();
    two.record(&run(3)).unwrap();
    two.push(&options()).unwrap();
    assert_eq!(push(4, true), Some(2), "the other was faster");
    assert_eq!(ids(&sandbox.store("remote.git"), &run(1).lineage.commit), ["1", "2", "3", "4"]);
    assert_eq!(
        sandbox.git("remote.git", &["for-each-ref", "refs/notes/perf-inbox"]),
        "",
        "nothing is left there"
    );
}

#[test]
fn nothing_of_the_users_settings_changes_what_a_push_does() {
    let sandbox = shared(&["one"]);
    let one = sandbox.store("one");
    sandbox.git("one", &["tag", "-a", "-m", "a tag", "v1"]);
    let hook = sandbox.path("one/.git/hooks/pre-push");
    std::fs::write(&hook, format!("#!/bin/sh\ntouch {}\nexit 1\n", sandbox.path("ran").display())).unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    for (key, value) in [
        ("push.followTags", "true"),
        ("push.gpgSign", "true"),
        ("remote.origin.mirror", "true"),
        ("remote.origin.push", "refs/heads/*"),
        ("remote.origin.tagOpt", "--tags"),
        ("fetch.prune", "true"),
        ("fetch.pruneTags", "true"),
        ("push.recurseSubmodules", "check"),
        ("color.ui", "always"),
    ] {
        sandbox.git("one", &["config", key, value]);
    }
    let before = sandbox.git("one", &["for-each-ref", "refs/heads", "refs/remotes", "refs/tags"]);
    one.record(&sandbox.run("one", "HEAD", 1)).unwrap();
    assert_eq!(one.push(&options()).unwrap().sent.len(), 1);
    assert_eq!(sandbox.git("remote.git", &["tag"]), "", "no tags");
    assert_eq!(sandbox.git("remote.git", &["for-each-ref", "--format=%(refname)"]).lines().count(), 2);
    assert_eq!(sandbox.git("one", &["for-each-ref", "refs/heads", "refs/remotes", "refs/tags"]), before);
    assert!(!sandbox.path("ran").exists(), "no hook of the work tree runs");
    assert!(!sandbox.path("one/.git/FETCH_HEAD").exists());
}

#[test]
fn remotes_that_would_run_programs_are_refused() {
    let sandbox = shared(&["one"]);
    let pwned = sandbox.path("pwned");
    sandbox.store("one").record(&sandbox.run("one", "HEAD", 1)).unwrap();
    for url in [
        format!("ext::sh -c touch% {}", pwned.display()),
        format!("--upload-pack=touch {}", pwned.display()),
        format!("ssh://-oProxyCommand=touch {}/x", pwned.display()),
        "foo::bar".to_owned(),
    ] {
        sandbox.git("one", &["config", "remote.origin.url", &url]);
        let one = sandbox.store("one");
        let refused = one.remote(None).and_then(|remote| one.push(&SyncOptions { remote, ..options() }));
        assert!(matches!(refused, Err(StoreError::Remote(_) | StoreError::Git { .. })), "{url}: {refused:?}");
        assert!(!pwned.exists(), "{url}");
    }
}

#[test]
fn a_remote_that_hangs_is_left_in_time_and_no_process_stays() {
    let sandbox = shared(&["one"]);
    let marker = format!("{}/hang", sandbox.dir.path().display());
    std::fs::write(&marker, "#!/bin/sh\nsleep 1000 & wait\n").unwrap();
    std::fs::set_permissions(&marker, std::fs::Permissions::from_mode(0o755)).unwrap();
    sandbox.git("one", &["config", "remote.origin.uploadpack", &marker]);
    let one = sandbox.store("one");
    let run = sandbox.run("one", "HEAD", 1);
    one.record(&run).unwrap();
    let began = Instant::now();
    let error = one.push(&SyncOptions { timeout: Duration::from_millis(300), ..options() }).unwrap_err();
    assert!(matches!(error, StoreError::TimedOut { .. }), "{error}");
    assert!(began.elapsed() < Duration::from_secs(60), "it ends at all");
    let left = Command::new("pgrep").args(["-f", &marker]).output();
    assert!(left.is_ok_and(|left| left.stdout.is_empty()), "nothing is left running");
    assert_eq!(ids(&one, &run.lineage.commit), ["1"]);
}

#[test]
fn a_lock_that_a_killed_process_left_does_not_stop_a_push() {
    let sandbox = shared(&["one", "two"]);
    let (one, two) = (sandbox.store("one"), sandbox.store("two"));
    let run = sandbox.run("one", "HEAD", 1);
    one.record(&elsewhere(run.clone(), "gone")).unwrap();
    one.push(&options()).unwrap();
    two.pull(&options()).unwrap();
    let gone = elsewhere(run.clone(), "gone").environment.fingerprint();
    sandbox.git("remote.git", &["update-ref", "-d", &format!("refs/notes/perf/{gone}")]);
    std::fs::write(sandbox.path("two/.git/packed-refs.lock"), "").unwrap();
    two.record(&run).unwrap();
    two.push(&options()).unwrap();
    assert_eq!(ids(&sandbox.store("remote.git"), &run.lineage.commit).len(), 1);
}

#[test]
fn what_a_remote_has_lost_is_told() {
    let sandbox = shared(&["one", "two"]);
    let (one, two) = (sandbox.store("one"), sandbox.store("two"));
    let run = sandbox.run("one", "HEAD", 1);
    let name = format!("refs/notes/perf/{}", run.environment.fingerprint());
    let losses = || -> Vec<(usize, bool)> {
        two.pull(&options()).unwrap().losses.iter().map(|loss| (loss.lines, loss.rewritten)).collect()
    };
    for (revision, id) in [("HEAD", 1), ("HEAD~1", 2), ("HEAD~1", 3)] {
        one.record(&sandbox.run("one", revision, id)).unwrap();
        one.push(&options()).unwrap();
        assert_eq!(losses(), [], "growing loses nothing");
    }
    // Taken out by a commit on top, as pruning does.
    sandbox.git("remote.git", &["notes", "--ref", &name, "remove", "HEAD~1"]);
    assert_eq!(losses(), [(2, false)]);
    assert_eq!(losses(), [], "told once");
    // Replaced by something older, as only force does.
    sandbox.git("remote.git", &["update-ref", &name, &format!("{name}~2")]);
    assert_eq!(losses(), [(0, true)], "the two lines that had gone were not there");
    sandbox.git("remote.git", &["update-ref", "-d", &name]);
    assert_eq!(losses(), [(2, true)], "the ref is gone: its lines go back with the next push");
    two.push(&options()).unwrap();
    assert_eq!(losses(), []);
}
