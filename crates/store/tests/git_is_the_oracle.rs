//! What stock git says about notes written here, and what is read here of notes that git wrote.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use perf_model::{CommitId, Environment, Lineage, Measurement, Metric, Reading, Run, RunId, Samples, Source};
use perf_store::{Store, StoreError, SyncOptions, encode, unusable_lines};
use time::macros::datetime;

#[path = "example/mod.rs"]
mod example;
#[path = "faults/mod.rs"]
mod faults;
#[path = "openpgp/mod.rs"]
mod openpgp;
#[path = "shallow/mod.rs"]
mod shallow;
#[path = "sharing/mod.rs"]
mod sharing;
#[path = "upkeep/mod.rs"]
mod upkeep;

struct Sandbox {
    dir: tempfile::TempDir,
}

impl Sandbox {
    fn new(format: &str) -> Self {
        let sandbox = Self { dir: tempfile::tempdir().unwrap() };
        sandbox.git(".", &["init", "-q", "-b", "main", "--object-format", format, "repo"]);
        for n in 1..=3 {
            sandbox.git("repo", &["commit", "-q", "--allow-empty", "-m", &format!("commit {n}")]);
        }
        sandbox
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn store(&self, name: &str) -> Store {
        Store::open(&self.path(name), datetime!(2026-01-02 03:04:05 UTC)).unwrap()
    }

    fn git(&self, dir: &str, args: &[&str]) -> String {
        let output = git(&self.path(dir), args).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn run(&self, name: &str, revision: &str, id: u128) -> Run {
        run(&self.store(name), revision, id)
    }
}

fn git(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("git");
    command.current_dir(dir).args(args);
    for (name, value) in
        [("NAME", "Tester"), ("EMAIL", "tester@example.com"), ("DATE", "2026-01-01T00:00:00Z")]
    {
        command.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
    }
    command
}

fn run(store: &Store, revision: &str, id: u128) -> Run {
    let Lineage { commit, tree, parents } = store.resolve(revision).unwrap().lineage;
    let fact = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    Run {
        id: RunId::from_bits(id),
        lineage: Lineage { commit, tree, parents },
        time: datetime!(2026-01-02 03:04:05 UTC),
        recorder: "perf 0.1.0".into(),
        environment: Environment { identity: fact("os", "linux"), context: fact("load", "0.5") },
        sources: vec![Source { format: "criterion".into(), tool: "criterion".into() }],
        measurements: vec![Measurement {
            benchmark: "parse/large".into(),
            params: BTreeMap::new(),
            metric: Metric::time("time", "ns"),
            reading: Reading::Samples(Samples::new(vec![1.5, 2.25, id as f64]).unwrap()),
        }],
        turn: None,
        rebaseline: None,
    }
}

fn options() -> SyncOptions {
    SyncOptions { remote: "origin".into(), timeout: Duration::from_secs(60) }
}

fn ids(store: &Store, commit: &CommitId) -> Vec<String> {
    let found = store.find(commit).unwrap();
    let runs = found.baselines.iter().flat_map(|stored| &stored.baseline.runs);
    runs.map(|run| run.id.as_str().trim_start_matches('0').to_owned()).collect()
}

#[test]
fn git_notes_shows_what_was_recorded() {
    for format in ["sha1", "sha256"] {
        let sandbox = Sandbox::new(format);
        let (store, run) = (sandbox.store("repo"), sandbox.run("repo", "HEAD", 1));
        let recorded = store.record(&run).unwrap();
        assert!(recorded.unfolded.is_none(), "{:?}", recorded.unfolded);
        let shown =
            sandbox.git("repo", &["notes", &format!("--ref=perf/{}", recorded.fingerprint), "show", "HEAD"]);
        assert_eq!(shown.trim_end().as_bytes(), encode(&run).unwrap());
        assert_eq!(sandbox.git("repo", &["fsck", "--strict", "--no-dangling"]), "");
        assert_eq!(ids(&store, &run.lineage.commit), ["1"]);
    }
}

#[test]
fn runs_of_one_commit_gather_in_one_sorted_note() {
    let sandbox = Sandbox::new("sha1");
    let store = sandbox.store("repo");
    for id in [3, 1, 2, 1] {
        store.record(&sandbox.run("repo", "HEAD", id)).unwrap();
    }
    let fingerprint = sandbox.run("repo", "HEAD", 1).environment.fingerprint();
    let note = sandbox.git("repo", &["notes", &format!("--ref=perf/{fingerprint}"), "show", "HEAD"]);
    let lines: Vec<&str> = note.lines().collect();
    assert_eq!(lines.len(), 3, "a run recorded twice is one run");
    assert!(lines.is_sorted());
}

#[test]
fn of_a_hundred_thousand_bad_lines_a_hundred_are_named_and_all_counted() {
    let sandbox = Sandbox::new("sha1");
    let (store, run) = (sandbox.store("repo"), sandbox.run("repo", "HEAD", 1));
    let reference = format!("--ref=perf/{}", run.environment.fingerprint());
    let bad: String = (0..100_000).map(|n| format!("{n}\n")).collect();
    let note = format!("{}\n{bad}", String::from_utf8(encode(&run).unwrap()).unwrap());
    std::fs::write(sandbox.path("note"), note).unwrap();
    sandbox.git("repo", &["notes", &reference, "add", "-F", "../note", "HEAD"]);
    let found = store.find(&run.lineage.commit).unwrap();
    assert_eq!(found.baselines[0].baseline.runs.len(), 1);
    assert_eq!((found.unusable.len(), unusable_lines(&found.unusable)), (101, 100_000));
    let (_, counted) = store.points("parse/large").unwrap();
    assert_eq!(counted, 100_000, "the index counts them too");
}

#[test]
fn notes_written_by_git_are_read_and_foreign_lines_are_kept() {
    let sandbox = Sandbox::new("sha1");
    let (store, run) = (sandbox.store("repo"), sandbox.run("repo", "HEAD", 1));
    let reference = format!("--ref=perf/{}", run.environment.fingerprint());
    let line = String::from_utf8(encode(&run).unwrap()).unwrap();
    sandbox.git("repo", &["notes", &reference, "add", "-m", &line, "HEAD"]);
    sandbox.git("repo", &["notes", &reference, "append", "-m", "a remark by a person", "HEAD"]);
    sandbox.git("repo", &["notes", &reference, "append", "-m", "{\"format\":99}", "HEAD"]);
    let found = store.find(&run.lineage.commit).unwrap();
    assert_eq!(found.baselines[0].baseline.runs, std::slice::from_ref(&run));
    let reasons: Vec<_> = found.unusable.iter().map(|it| it.reason.as_str()).collect();
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    store.record(&sandbox.run("repo", "HEAD", 2)).unwrap();
    let note = sandbox.git("repo", &["notes", &reference, "show", "HEAD"]);
    assert!(note.contains("a remark by a person\n") && note.contains("{\"format\":99}\n"), "{note}");
    assert_eq!(ids(&store, &run.lineage.commit), ["1", "2"]);
}

#[test]
fn copied_notes_are_not_mistaken_for_measurements() {
    let sandbox = Sandbox::new("sha1");
    let (store, run) = (sandbox.store("repo"), sandbox.run("repo", "HEAD", 1));
    store.record(&run).unwrap();
    let reference = format!("--ref=perf/{}", run.environment.fingerprint());
    sandbox.git("repo", &["notes", &reference, "copy", "HEAD", "HEAD~1"]);
    let found = store.find(&store.resolve("HEAD~1").unwrap().lineage.commit).unwrap();
    assert!(found.baselines.is_empty());
    assert_eq!(found.unusable.len(), 1);
}

#[test]
fn duplicate_paths_are_united_and_other_entries_survive() {
    let sandbox = Sandbox::new("sha1");
    let (store, run) = (sandbox.store("repo"), sandbox.run("repo", "HEAD", 1));
    let commit = run.lineage.commit.clone();
    let blob = |id: u128| {
        let path = sandbox.path("line");
        let mut line = encode(&sandbox.run("repo", "HEAD", id)).unwrap();
        line.push(b'\n');
        std::fs::write(&path, line).unwrap();
        sandbox.git("repo", &["hash-object", "-w", path.to_str().unwrap()]).trim().to_owned()
    };
    let tree = |entries: &str| {
        let path = sandbox.path("entries");
        std::fs::write(&path, entries).unwrap();
        let script = format!("git mktree --missing < {}", path.display());
        let output =
            Command::new("sh").args(["-c", &script]).current_dir(sandbox.path("repo")).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let (directory, leaf) = commit.as_str().split_at(2);
    let below = tree(&format!("100644 blob {}\t{leaf}\n", blob(2)));
    let root = tree(&format!(
        "100644 blob {}\t{commit}\n040000 tree {below}\t{directory}\n100644 blob {}\tREADME\n120000 blob {}\tlink\n160000 commit {commit}\tmodule\n",
        blob(1),
        blob(3),
        blob(3),
    ));
    let tip = sandbox.git("repo", &["commit-tree", "-m", "mixed", &root]);
    let name = format!("refs/notes/perf/{}", run.environment.fingerprint());
    sandbox.git("repo", &["update-ref", &name, tip.trim()]);
    assert_eq!(ids(&store, &commit), ["1", "2"]);
    let recorded = store.record(&sandbox.run("repo", "HEAD", 4)).unwrap();
    assert!(recorded.unfolded.is_none(), "{:?}", recorded.unfolded);
    assert_eq!(ids(&store, &commit), ["1", "2", "4"]);
    let names = sandbox.git("repo", &["ls-tree", "--name-only", "-r", &name]);
    assert_eq!(names.lines().filter(|path| path.replace('/', "") == commit.as_str()).count(), 1, "{names}");
    for kept in ["README", "link", "module"] {
        assert!(names.lines().any(|path| path == kept), "{names}");
    }
}

#[test]
fn a_locked_ref_delays_a_run_but_does_not_lose_it() {
    let sandbox = Sandbox::new("sha1");
    let (store, run) = (sandbox.store("repo"), sandbox.run("repo", "HEAD", 1));
    store.record(&run).unwrap();
    let lock =
        sandbox.path("repo").join(format!(".git/refs/notes/perf/{}.lock", run.environment.fingerprint()));
    std::fs::write(&lock, "").unwrap();
    let recorded = store.record(&sandbox.run("repo", "HEAD", 2)).unwrap();
    assert!(matches!(recorded.unfolded, Some(StoreError::Locked { .. })), "{:?}", recorded.unfolded);
    assert_eq!(ids(&store, &run.lineage.commit), ["1", "2"], "readers see the journal");
    std::fs::remove_file(&lock).unwrap();
    assert!(store.record(&sandbox.run("repo", "HEAD", 3)).unwrap().unfolded.is_none());
    let reference = format!("--ref=perf/{}", run.environment.fingerprint());
    assert_eq!(sandbox.git("repo", &["notes", &reference, "show", "HEAD"]).lines().count(), 3);
}

#[test]
fn a_lock_that_a_killed_process_left_long_ago_is_removed() {
    let sandbox = Sandbox::new("sha1");
    let (store, run) = (sandbox.store("repo"), sandbox.run("repo", "HEAD", 1));
    store.record(&run).unwrap();
    let lock =
        sandbox.path("repo").join(format!(".git/refs/notes/perf/{}.lock", run.environment.fingerprint()));
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(3600);
    std::fs::File::create(&lock).unwrap().set_modified(long_ago).unwrap();
    let recorded = store.record(&sandbox.run("repo", "HEAD", 2)).unwrap();
    assert!(recorded.unfolded.is_none(), "{:?}", recorded.unfolded);
    assert!(!lock.exists());
}

#[test]
fn locks_of_a_process_that_was_killed_while_it_changed_a_ref_are_removed_at_once() {
    let sandbox = Sandbox::new("sha1");
    let (store, run) = (sandbox.store("repo"), sandbox.run("repo", "HEAD", 1));
    store.record(&run).unwrap();
    let name = format!("refs/notes/perf/{}", run.environment.fingerprint());
    let git_dir = sandbox.path("repo/.git");
    let locks = [git_dir.join(format!("{name}.lock")), git_dir.join("packed-refs.lock")];
    let foreign = git_dir.join("refs/heads/main.lock");
    std::fs::write(git_dir.join("perf/changing"), &name).unwrap();
    locks.iter().chain([&foreign]).for_each(|lock| std::fs::write(lock, "").unwrap());
    let recorded = store.record(&sandbox.run("repo", "HEAD", 2)).unwrap();
    assert!(recorded.unfolded.is_none(), "{:?}", recorded.unfolded);
    assert!(!locks.iter().any(|lock| lock.exists()) && foreign.exists(), "the store's locks and no other");
    std::fs::write(git_dir.join("perf/changing"), "refs/heads/main").unwrap();
    store.record(&sandbox.run("repo", "HEAD", 3)).unwrap();
    assert!(foreign.exists(), "whatever a file says");
}

#[test]
fn a_bare_repository_and_a_linked_work_tree_share_the_notes() {
    let sandbox = Sandbox::new("sha1");
    let run = sandbox.run("repo", "HEAD", 1);
    sandbox.git("repo", &["worktree", "add", "-q", "../linked", "HEAD~1"]);
    sandbox.store("linked").record(&sandbox.run("linked", "main", 1)).unwrap();
    assert_eq!(ids(&sandbox.store("repo"), &run.lineage.commit), ["1"]);
    sandbox.git(".", &["clone", "-q", "--bare", "repo", "bare.git"]);
    let bare = sandbox.store("bare.git");
    assert!(!bare.is_dirty().unwrap());
    bare.record(&sandbox.run("bare.git", "HEAD", 7)).unwrap();
    assert_eq!(ids(&bare, &run.lineage.commit), ["7"]);
    assert_eq!(sandbox.git("bare.git", &["fsck", "--strict", "--no-dangling"]), "");
}

#[test]
fn a_work_tree_is_dirty_where_git_says_so() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let write = |path: &Path, text: &str| std::fs::write(path, text).unwrap();
    let mode = |path: &Path| std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    type Case<'a> = (&'a str, bool, &'a dyn Fn(&Sandbox, &Path));
    let cases: &[Case] = &[
        ("nothing", false, &|_, _| {}),
        ("written again as it was", false, &|_, file| write(file, "one\n")),
        ("other bytes of the same length", true, &|_, file| write(file, "two\n")),
        ("other bytes", true, &|_, file| write(file, "")),
        ("executable", true, &|_, file| mode(file)),
        ("executable, which nobody looks at", false, &|sandbox, file| {
            sandbox.git("repo", &["config", "core.fileMode", "false"]);
            mode(file);
        }),
        ("gone", true, &|_, file| std::fs::remove_file(file).unwrap()),
        ("a link", true, &|_, file| {
            std::fs::remove_file(file).unwrap();
            symlink("elsewhere", file).unwrap();
        }),
        ("its directory is a link", true, &|_, file| {
            let (dir, moved) = (file.parent().unwrap(), file.parent().unwrap().with_extension("moved"));
            std::fs::rename(dir, &moved).unwrap();
            symlink(&moved, dir).unwrap();
        }),
        ("staged", true, &|sandbox, file| {
            write(file, "two\n");
            sandbox.git("repo", &["add", "."]);
            write(file, "one\n");
        }),
        ("taken out of the index", true, &|sandbox, _| {
            sandbox.git("repo", &["rm", "-q", "--cached", "dir/file"]);
        }),
        ("something new", false, &|_, file| write(&file.with_extension("new"), "")),
    ];
    for (what, dirty, change) in cases {
        let sandbox = Sandbox::new("sha1");
        let file = sandbox.path("repo/dir/file");
        std::fs::create_dir(file.parent().unwrap()).unwrap();
        write(&file, "one\n");
        sandbox.git("repo", &["add", "."]);
        sandbox.git("repo", &["commit", "-q", "-m", "file"]);
        change(&sandbox, &file);
        assert_eq!(sandbox.store("repo").is_dirty().unwrap(), *dirty, "{what}");
        let said = sandbox.git("repo", &["status", "--porcelain", "--untracked-files=no"]);
        assert_eq!(!said.is_empty(), *dirty, "{what}: {said}");
    }
}

#[test]
fn uncommitted_changes_have_a_slot_of_their_own() {
    let sandbox = Sandbox::new("sha1");
    let file = sandbox.path("repo/code.rs");
    std::fs::write(&file, "one").unwrap();
    sandbox.git("repo", &["add", "code.rs"]);
    sandbox.git("repo", &["commit", "-q", "-m", "code"]);
    let store = sandbox.store("repo");
    std::fs::write(sandbox.path("repo/untracked.json"), "{}").unwrap();
    assert!(!store.is_dirty().unwrap(), "untracked files do not count");
    std::fs::write(&file, "two").unwrap();
    assert!(store.is_dirty().unwrap());
    for id in [1, 2] {
        store.record_worktree(&sandbox.run("repo", "HEAD", id)).unwrap();
    }
    assert_eq!(store.worktree_baselines().unwrap()[0].baseline.runs.len(), 2);
    assert_eq!(ids(&store, &store.resolve("HEAD").unwrap().lineage.commit), [""; 0]);
    std::fs::write(&file, "three").unwrap();
    assert!(store.worktree_baselines().unwrap().is_empty(), "runs of another state do not count");
    store.record_worktree(&sandbox.run("repo", "HEAD", 3)).unwrap();
    assert_eq!(store.worktree_baselines().unwrap()[0].baseline.runs.len(), 1);
    sandbox.git("repo", &["commit", "-q", "-am", "committed"]);
    assert!(store.worktree_baselines().unwrap().is_empty());
}

/// A bare remote and clones of it.
fn shared(clones: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new("sha1");
    sandbox.git(".", &["clone", "-q", "--bare", "repo", "remote.git"]);
    for clone in clones {
        sandbox.git(".", &["clone", "-q", "remote.git", clone]);
    }
    sandbox
}

#[test]
fn what_one_clone_pushes_another_pulls() {
    let sandbox = shared(&["one", "two"]);
    let run = sandbox.run("one", "HEAD", 1);
    let (one, two) = (sandbox.store("one"), sandbox.store("two"));
    one.record(&run).unwrap();
    let pushed = one.push(&options()).unwrap();
    assert_eq!(pushed.sent.values().sum::<usize>(), 1);
    assert_eq!(one.push(&options()).unwrap().attempts, 0, "nothing is left to push");
    assert_eq!(two.pull(&options()).unwrap().received.values().sum::<usize>(), 1);
    assert_eq!(ids(&two, &run.lineage.commit), ["1"]);
    assert_eq!(two.pull(&options()).unwrap().received.len(), 0);
    let reference = format!("--ref=perf/{}", run.environment.fingerprint());
    assert_eq!(sandbox.git("remote.git", &["notes", &reference, "list"]).lines().count(), 1);
}

#[test]
fn diverged_clones_lose_nothing_and_history_stays_linear() {
    let sandbox = shared(&["one", "two"]);
    let commit = sandbox.run("one", "HEAD", 1).lineage.commit;
    for (clone, id) in [("one", 1), ("two", 2), ("one", 3), ("two", 4)] {
        let store = sandbox.store(clone);
        store.record(&sandbox.run(clone, "HEAD", id)).unwrap();
        store.record(&sandbox.run(clone, "HEAD~1", id + 10)).unwrap();
        store.push(&options()).unwrap();
    }
    sandbox.store("one").pull(&options()).unwrap();
    for store in [sandbox.store("one"), sandbox.store("two"), sandbox.store("remote.git")] {
        assert_eq!(ids(&store, &commit), ["1", "2", "3", "4"]);
    }
    let name = format!("refs/notes/perf/{}", sandbox.run("one", "HEAD", 1).environment.fingerprint());
    assert_eq!(sandbox.git("remote.git", &["rev-list", "--merges", "--count", &name]).trim(), "0");
    assert_eq!(sandbox.git("remote.git", &["rev-list", "--count", &name]).trim(), "4");
    assert_eq!(sandbox.git("remote.git", &["fsck", "--strict", "--no-dangling"]), "");
}

#[test]
fn many_writers_at_once_all_arrive() {
    let names: Vec<String> = (0..8).map(|n| format!("clone{n}")).collect();
    let sandbox = shared(&names.iter().map(String::as_str).collect::<Vec<_>>());
    std::thread::scope(|scope| {
        for (n, name) in names.iter().enumerate() {
            let sandbox = &sandbox;
            scope.spawn(move || {
                let store = sandbox.store(name);
                for k in 0..3 {
                    store.record(&sandbox.run(name, "HEAD", (10 * n + k + 1) as u128)).unwrap();
                }
                store.push(&options()).unwrap();
            });
        }
    });
    let remote = sandbox.store("remote.git");
    assert_eq!(ids(&remote, &remote.resolve("main").unwrap().lineage.commit).len(), 24);
    assert_eq!(sandbox.git("remote.git", &["fsck", "--strict", "--no-dangling"]), "");
}

#[test]
fn a_fetch_that_overwrites_local_notes_loses_nothing_unpushed() {
    let sandbox = shared(&["one", "two"]);
    let (one, two) = (sandbox.store("one"), sandbox.store("two"));
    let run = sandbox.run("one", "HEAD", 1);
    one.record(&run).unwrap();
    one.push(&options()).unwrap();
    two.record(&sandbox.run("two", "HEAD", 2)).unwrap();
    sandbox.git("two", &["fetch", "-q", "origin", "+refs/notes/*:refs/notes/*"]);
    assert_eq!(ids(&two, &run.lineage.commit), ["1", "2"]);
    two.push(&options()).unwrap();
    assert_eq!(ids(&sandbox.store("remote.git"), &run.lineage.commit), ["1", "2"]);
}

#[test]
fn what_was_purged_on_the_remote_is_not_resurrected_and_local_prunes_stay_local() {
    let sandbox = shared(&["one", "two"]);
    let (one, two) = (sandbox.store("one"), sandbox.store("two"));
    let (newest, older) = (sandbox.run("one", "HEAD", 1), sandbox.run("one", "HEAD~1", 2));
    one.record(&newest).unwrap();
    one.record(&older).unwrap();
    one.push(&options()).unwrap();
    two.pull(&options()).unwrap();
    let reference = format!("--ref=perf/{}", newest.environment.fingerprint());
    sandbox.git("remote.git", &["notes", &reference, "remove", "HEAD"]);
    sandbox.git("two", &["notes", &reference, "remove", "HEAD~1"]);
    two.record(&sandbox.run("two", "HEAD~2", 3)).unwrap();
    two.push(&options()).unwrap();
    let remote = sandbox.store("remote.git");
    assert!(ids(&remote, &newest.lineage.commit).is_empty(), "the purge holds");
    assert_eq!(ids(&remote, &older.lineage.commit), ["2"], "a local prune is nobody else's");
}

#[test]
fn a_ref_deleted_on_the_remote_comes_back_from_any_clone() {
    let sandbox = shared(&["one"]);
    let (one, run) = (sandbox.store("one"), sandbox.run("one", "HEAD", 1));
    one.record(&run).unwrap();
    one.push(&options()).unwrap();
    let name = format!("refs/notes/perf/{}", run.environment.fingerprint());
    sandbox.git("remote.git", &["update-ref", "-d", &name]);
    one.pull(&options()).unwrap();
    assert_eq!(ids(&one, &run.lineage.commit), ["1"]);
    one.push(&options()).unwrap();
    assert_eq!(ids(&sandbox.store("remote.git"), &run.lineage.commit), ["1"]);
}

#[test]
fn a_remote_that_forbids_notes_is_an_error_and_the_run_stays() {
    let sandbox = shared(&["one"]);
    let hook = sandbox.path("remote.git/hooks/update");
    std::fs::write(&hook, "#!/bin/sh\necho 'notes are not allowed here' >&2\nexit 1\n").unwrap();
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let (one, run) = (sandbox.store("one"), sandbox.run("one", "HEAD", 1));
    one.record(&run).unwrap();
    let error = one.push(&options()).unwrap_err();
    assert!(
        matches!(&error, StoreError::PushRejected { words, .. } if words.contains("hook declined")),
        "{error}"
    );
    assert_eq!(ids(&one, &run.lineage.commit), ["1"]);
}

#[test]
fn reftable_repositories_are_refused_by_name() {
    let sandbox = Sandbox::new("sha1");
    sandbox.git(".", &["init", "-q", "--ref-format=reftable", "table"]);
    let error = Store::open(&sandbox.path("table"), datetime!(2026-01-02 03:04:05 UTC)).unwrap_err();
    assert!(error.to_string().contains("refstorage = reftable"), "{error}");
}

#[test]
fn revisions_resolve_as_git_resolves_them() {
    let sandbox = Sandbox::new("sha1");
    sandbox.git("repo", &["tag", "-a", "v1", "-m", "one", "HEAD~1"]);
    let store = sandbox.store("repo");
    for revision in ["HEAD", "main~2", "v1", "v1^{commit}", "@{0}", "HEAD^0"] {
        let expected = sandbox.git("repo", &["rev-parse", &format!("{revision}^{{commit}}")]);
        assert_eq!(store.resolve(revision).unwrap().lineage.commit.as_str(), expected.trim(), "{revision}");
    }
    for revision in ["nothing", "--help", "HEAD~99", "", "deadbeef", "refs/heads/../x"] {
        assert!(matches!(store.resolve(revision), Err(StoreError::NoSuchRevision { .. })), "{revision}");
    }
    assert!(matches!(store.resolve("HEAD^{tree}"), Err(StoreError::NotACommit { .. })));
}

#[test]
fn history_is_that_of_first_parents_oldest_first() {
    let sandbox = Sandbox::new("sha1");
    sandbox.git("repo", &["switch", "-q", "-c", "side", "HEAD~1"]);
    sandbox.git("repo", &["commit", "-q", "--allow-empty", "-m", "aside"]);
    sandbox.git("repo", &["switch", "-q", "main"]);
    sandbox.git("repo", &["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    let store = sandbox.store("repo");
    for (revision, id) in [("HEAD", 4), ("HEAD~1", 3), ("HEAD~2", 2), ("HEAD~3", 1), ("side", 9)] {
        store.record(&sandbox.run("repo", revision, id)).unwrap();
    }
    let head = store.resolve("HEAD").unwrap().lineage.commit;
    let fingerprint = sandbox.run("repo", "HEAD", 1).environment.fingerprint();
    let history = |limit| -> Vec<f64> {
        let baselines = store.history(&head, &fingerprint, limit).unwrap();
        baselines.iter().map(|it| it.runs[0].measurements[0].reading.samples()[2]).collect()
    };
    assert_eq!(history(20), [1.0, 2.0, 3.0], "neither the commit itself nor merged branches");
    assert_eq!(history(2), [2.0, 3.0], "the newest");
    std::fs::remove_dir_all(sandbox.path("repo/.git/perf/kept")).unwrap();
    let name = format!("--ref=perf/{fingerprint}");
    sandbox.git("repo", &["notes", &name, "add", "-f", "-m", "no run", "HEAD~1"]);
    assert_eq!(history(2), [1.0, 2.0], "one that cannot be read takes nobody's place");
}

#[test]
fn a_ref_that_holds_no_notes_is_named_and_stops_nothing() {
    let sandbox = shared(&["one", "two"]);
    let (one, two) = (sandbox.store("one"), sandbox.store("two"));
    let run = sandbox.run("one", "HEAD", 1);
    one.record(&run).unwrap();
    one.push(&options()).unwrap();
    sandbox.git("remote.git", &["update-ref", "refs/notes/perf/aaaaaaaaaaaaaaaa", "HEAD^{tree}"]);
    sandbox.git("two", &["update-ref", "refs/notes/perf/bbbbbbbbbbbbbbbb", "HEAD^{tree}"]);
    let pulled = two.pull(&options()).unwrap();
    assert_eq!(pulled.received.len(), 1);
    assert_eq!(pulled.unusable.len(), 2, "{:?}", pulled.unusable);
    assert!(sandbox.git("two", &["for-each-ref", "refs/notes/perf/aaaaaaaaaaaaaaaa"]).is_empty());
    assert_eq!(ids(&two, &run.lineage.commit), ["1"]);
    assert_eq!(two.find(&run.lineage.commit).unwrap().unusable.len(), 1);
    two.record(&sandbox.run("two", "HEAD", 2)).unwrap();
    assert_eq!(two.push(&options()).unwrap().sent.len(), 1);
    assert_eq!(ids(&sandbox.store("remote.git"), &run.lineage.commit), ["1", "2"]);
}

#[test]
fn a_stale_lock_of_packed_refs_is_in_nobodys_way() {
    let sandbox = Sandbox::new("sha1");
    let (store, run) = (sandbox.store("repo"), sandbox.run("repo", "HEAD", 1));
    store.record(&run).unwrap();
    sandbox.git("repo", &["pack-refs", "--all"]);
    std::fs::write(sandbox.path("repo/.git/packed-refs.lock"), "").unwrap();
    let recorded = store.record(&sandbox.run("repo", "HEAD", 2)).unwrap();
    assert!(recorded.unfolded.is_none(), "{:?}", recorded.unfolded);
    let reference = format!("--ref=perf/{}", run.environment.fingerprint());
    assert_eq!(sandbox.git("repo", &["notes", &reference, "show", "HEAD"]).lines().count(), 2);
}

#[test]
fn runs_of_uncommitted_changes_recorded_at_once_are_all_kept() {
    let sandbox = Sandbox::new("sha1");
    std::fs::write(sandbox.path("repo/code.rs"), "one").unwrap();
    sandbox.git("repo", &["add", "code.rs"]);
    sandbox.git("repo", &["commit", "-q", "-m", "code"]);
    std::fs::write(sandbox.path("repo/code.rs"), "two").unwrap();
    std::thread::scope(|scope| {
        for id in 1..=12 {
            let sandbox = &sandbox;
            scope.spawn(move || {
                sandbox.store("repo").record_worktree(&sandbox.run("repo", "HEAD", id)).unwrap();
            });
        }
    });
    assert_eq!(sandbox.store("repo").worktree_baselines().unwrap()[0].baseline.runs.len(), 12);
}

/// A real `git daemon` on loopback, stopped when it goes out of scope.
struct Daemon {
    child: std::process::Child,
    port: u16,
}

impl Daemon {
    fn serving(dir: &Path) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let programs = Command::new("git").arg("--exec-path").output().unwrap().stdout;
        let program = Path::new(String::from_utf8(programs).unwrap().trim()).join("git-daemon");
        let child = Command::new(program)
            .args(["--export-all", "--enable=receive-pack", "--reuseaddr", "--listen=127.0.0.1"])
            .arg(format!("--port={port}"))
            .arg(format!("--base-path={}", dir.display()))
            .arg(dir)
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let daemon = Self { child, port };
        for _ in 0..500 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return daemon;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("git daemon does not answer on port {port}");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn writers_at_once_all_arrive_over_the_git_protocol() {
    let names = ["one", "two", "three", "four"];
    let sandbox = shared(&names);
    let daemon = Daemon::serving(sandbox.dir.path());
    for name in names {
        let url = format!("git://127.0.0.1:{}/remote.git", daemon.port);
        sandbox.git(name, &["remote", "set-url", "origin", &url]);
    }
    std::thread::scope(|scope| {
        for (n, name) in names.iter().enumerate() {
            let sandbox = &sandbox;
            scope.spawn(move || {
                let store = sandbox.store(name);
                store.record(&sandbox.run(name, "HEAD", n as u128 + 1)).unwrap();
                store.push(&options()).unwrap();
            });
        }
    });
    let remote = sandbox.store("remote.git");
    assert_eq!(ids(&remote, &remote.resolve("main").unwrap().lineage.commit), ["1", "2", "3", "4"]);
    drop(daemon);
    let one = sandbox.store("one");
    one.record(&sandbox.run("one", "HEAD", 9)).unwrap();
    assert!(one.push(&options()).is_err(), "nobody answers any more");
    assert!(
        ids(&one, &one.resolve("main").unwrap().lineage.commit).contains(&"9".to_owned()),
        "the run stays"
    );
}

#[test]
fn runs_recorded_while_the_same_clone_pushes_all_arrive() {
    const WRITERS: u128 = 3;
    const RUNS: u128 = 60;
    let sandbox = shared(&["one"]);
    let writing = std::sync::atomic::AtomicUsize::new(WRITERS as usize);
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (sandbox, writing) = (&sandbox, &writing);
            scope.spawn(move || {
                let store = sandbox.store("one");
                for id in 1..=RUNS {
                    store.record(&sandbox.run("one", "HEAD", writer * RUNS + id)).unwrap();
                }
                writing.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
            });
        }
        scope.spawn(|| {
            while writing.load(std::sync::atomic::Ordering::SeqCst) > 0 {
                sandbox.store("one").push(&options()).unwrap();
            }
        });
    });
    let one = sandbox.store("one");
    one.push(&options()).unwrap();
    let commit = one.resolve("main").unwrap().lineage.commit;
    let all = usize::try_from(WRITERS * RUNS).unwrap();
    assert_eq!(ids(&one, &commit).len(), all, "here");
    assert_eq!(ids(&sandbox.store("remote.git"), &commit).len(), all, "there");
}
