//! Clones that lack something: history, blobs, refspecs; and histories with no or several merge bases.

use std::collections::BTreeMap;

use perf_model::CommitId;
use perf_store::{Deepening, Store, StoreError};

use crate::{Sandbox, ids, options};

/// Everything of a clone that fetching notes must leave as it is.
fn untouched(sandbox: &Sandbox, clone: &str) -> BTreeMap<String, String> {
    let read = |file: &str| {
        let dir = sandbox.git(clone, &["rev-parse", "--git-common-dir"]);
        std::fs::read_to_string(sandbox.path(clone).join(dir.trim()).join(file)).unwrap_or_default()
    };
    let mut all: BTreeMap<_, _> =
        ["shallow", "config", "FETCH_HEAD", "HEAD"].map(|file| (file.to_owned(), read(file))).into();
    let refs = ["for-each-ref", "refs/heads", "refs/tags", "refs/remotes"];
    all.insert("refs".to_owned(), sandbox.git(clone, &refs));
    all
}

/// A remote with 300 commits on `main`, a branch `side` from 60 commits back, and baselines of all along the way.
fn remote(format: &str) -> Sandbox {
    let sandbox = Sandbox::new(format);
    let mut stream = String::new();
    let mut commit = |branch: &str, n: usize, from: &str| {
        let who = format!("Tester <tester@example.com> {} +0000", 1_767_225_600 + n);
        let from = if from.is_empty() { String::new() } else { format!("from {from}\n") };
        stream += &format!("commit refs/heads/{branch}\nmark :{n}\ncommitter {who}\ndata 2\nc\n{from}\n");
    };
    (1..=300).for_each(|n| commit("main", n, if n == 1 { "refs/heads/main^0" } else { "" }));
    (301..=310).for_each(|n| commit("side", n, if n == 301 { ":240" } else { "" }));
    let file = sandbox.path("stream");
    std::fs::write(&file, stream).unwrap();
    let import = format!("git fast-import --quiet --force < {}", file.display());
    let mut shell = std::process::Command::new("sh");
    let status = shell.args(["-c", &import]).current_dir(sandbox.path("repo")).status();
    assert!(status.unwrap().success());
    sandbox.git("repo", &["reset", "-q", "--hard"]);
    sandbox.git(".", &["clone", "-q", "--bare", "repo", "remote.git"]);
    sandbox.git("remote.git", &["config", "uploadpack.allowFilter", "true"]);
    let store = sandbox.store("remote.git");
    for (id, revision) in [(1, "main"), (2, "main~60")] {
        store.record(&sandbox.run("remote.git", revision, id)).unwrap();
    }
    sandbox
}

fn url(sandbox: &Sandbox) -> String {
    format!("file://{}", sandbox.path("remote.git").display())
}

/// What `perf compare` does: deepens until the merge base is known; returns it and how many steps that took.
fn merge_base(store: &Store, one: &CommitId, other: &CommitId) -> (Option<CommitId>, usize) {
    let mut base = store.merge_base(one, other).unwrap();
    let mut steps = 0;
    while !store.is_certain((one, other), base.as_ref()).unwrap() {
        store.deepen(&[one, other], Deepening::STEPS[steps], &options()).unwrap();
        steps += 1;
        base = store.merge_base(one, other).unwrap();
    }
    (base, steps)
}

#[test]
fn clones_of_every_kind_pull_notes_and_are_otherwise_left_as_they_were() {
    for format in ["sha1", "sha256"] {
        let sandbox = remote(format);
        let commits = ["main", "main~60"]
            .map(|revision| sandbox.store("remote.git").resolve(revision).unwrap().lineage.commit);
        for (id, (name, args)) in (3..).zip([
            ("full", &[][..]),
            ("depth-1", &["--depth=1"]),
            ("blobless", &["--filter=blob:none"]),
            ("blobless-depth-1", &["--filter=blob:none", "--depth=1", "--no-checkout"]),
            ("treeless", &["--filter=tree:0", "--no-checkout"]),
            ("bare", &["--bare"]),
            ("mirror-like", &["--config=remote.origin.fetch=+refs/notes/*:refs/notes/*"]),
        ]) {
            let url = url(&sandbox);
            let mut clone = vec!["clone", "-q"];
            clone.extend(args);
            clone.extend([url.as_str(), name]);
            sandbox.git(".", &clone);
            let before = untouched(&sandbox, name);
            let store = sandbox.store(name);
            store.pull(&options()).unwrap();
            for (commit, id) in commits.iter().zip(["1", "2"]) {
                assert_eq!(ids(&store, commit)[0], id, "{format} {name}");
            }
            assert_eq!(untouched(&sandbox, name), before, "{format} {name}");
            assert_eq!(store.is_shallow().unwrap(), name.contains("depth"), "{format} {name}");
            store.record(&sandbox.run(name, "HEAD", id)).unwrap();
            store.push(&options()).unwrap();
            let arrived = ids(&sandbox.store("remote.git"), &commits[0]);
            assert!(arrived.contains(&id.to_string()), "{format} {name}: {arrived:?}");
        }
    }
}

#[test]
fn a_partial_clone_that_fetched_notes_without_their_blobs_gets_them() {
    let sandbox = remote("sha1");
    let url = url(&sandbox);
    let refspec = "--config=remote.origin.fetch=+refs/notes/*:refs/notes/*";
    sandbox.git(".", &["clone", "-q", "--filter=blob:none", "--no-checkout", refspec, &url, "partial"]);
    let store = sandbox.store("partial");
    store.pull(&options()).unwrap();
    assert_eq!(ids(&store, &store.resolve("HEAD").unwrap().lineage.commit), ["1"]);
}

#[test]
fn deepening_stops_as_soon_as_the_merge_base_is_known() {
    for format in ["sha1", "sha256"] {
        let sandbox = remote(format);
        let url = url(&sandbox);
        let expected = sandbox.git("remote.git", &["merge-base", "main", "side"]);
        for (branches, fetched) in [("--no-single-branch", false), ("--single-branch", true)] {
            let name = format!("clone{fetched}");
            sandbox.git(".", &["clone", "-q", "--depth=1", branches, "--branch=side", &url, &name]);
            let (store, head) = (sandbox.store(&name), sandbox.run(&name, "HEAD", 1).lineage.commit);
            let before = untouched(&sandbox, &name);
            let base = match store.base_branch(None) {
                Ok(branch) => branch,
                Err(StoreError::NoBaseBranch { .. }) => store.fetch_base_branch(None, &options()).unwrap(),
                Err(error) => panic!("{error}"),
            };
            assert_eq!(base.name, "origin/main");
            let (found, steps) = merge_base(&store, &head, &base.tip);
            assert_eq!(found.unwrap().as_str(), expected.trim());
            assert_eq!(steps, 2, "60 commits back: 50 are not enough, 200 are");
            let mut after = untouched(&sandbox, &name);
            after.insert("shallow".into(), before["shallow"].clone());
            assert_eq!(after, before, "only the depth has changed");
            assert!(store.is_shallow().unwrap(), "the rest of the history was not needed");
        }
    }
}

#[test]
fn a_base_branch_that_is_not_there_is_an_error_that_names_it() {
    let sandbox = remote("sha1");
    sandbox.git(".", &["clone", "-q", "--depth=1", "--branch=side", &url(&sandbox), "one"]);
    let store = sandbox.store("one");
    for name in ["release", "-x", "a..b", "../../x"] {
        let error = store.fetch_base_branch(Some(name), &options()).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
    let named = store.fetch_base_branch(Some("origin/main"), &options()).unwrap();
    assert_eq!(named.tip.as_str(), sandbox.git("remote.git", &["rev-parse", "main"]).trim());
}

#[test]
fn several_merge_bases_none_and_octopus_merges_are_what_git_says() {
    let sandbox = Sandbox::new("sha1");
    let git = |args: &[&str]| sandbox.git("repo", args);
    let date = |n: usize| format!("2026-01-01T00:00:{n:02}Z");
    let commit = |n: usize, parents: &[&str]| {
        let mut args = vec!["commit-tree".to_owned(), "-m".to_owned(), format!("{n}")];
        parents.iter().for_each(|parent| args.extend(["-p".to_owned(), (*parent).to_owned()]));
        args.push("HEAD^{tree}".to_owned());
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut command = crate::git(&sandbox.path("repo"), &args);
        command.env("GIT_COMMITTER_DATE", date(n)).env("GIT_AUTHOR_DATE", date(n));
        String::from_utf8(command.output().unwrap().stdout).unwrap().trim().to_owned()
    };
    let root = git(&["rev-parse", "HEAD"]).trim().to_owned();
    let (a, b) = (commit(1, &[&root]), commit(2, &[&root]));
    let (cross, criss) = (commit(3, &[&a, &b]), commit(4, &[&b, &a]));
    let (one, other) = (commit(5, &[&cross]), commit(6, &[&criss]));
    let octopus = commit(7, &[&a, &b, &commit(8, &[&root])]);
    let stranger = commit(9, &[]);
    let store = sandbox.store("repo");
    let id = |text: &str| -> CommitId { text.parse().unwrap() };
    for (left, right) in [(&one, &other), (&other, &one), (&octopus, &one), (&octopus, &a), (&one, &octopus)]
    {
        let expected = git(&["merge-base", left, right]);
        let found = store.merge_base(&id(left), &id(right)).unwrap();
        assert_eq!(found.unwrap().as_str(), expected.trim(), "{left} {right}");
    }
    assert_eq!(git(&["merge-base", "--all", &one, &other]).lines().count(), 2, "criss-cross");
    assert_eq!(store.merge_base(&id(&one), &id(&stranger)).unwrap(), None);
    // A forge builds pull requests as a merge of the branch into the base branch: its base is the latter.
    let pull = commit(10, &[&one, &commit(11, &[&a])]);
    assert_eq!(store.merge_base(&id(&pull), &id(&one)).unwrap(), Some(id(&one)));
}

#[test]
fn submodules_alternates_and_separate_git_directories_keep_notes_where_git_does() {
    let sandbox = remote("sha1");
    let url = url(&sandbox);
    sandbox.git(".", &["init", "-q", "super"]);
    sandbox.git("super", &["-c", "protocol.file.allow=always", "submodule", "add", "-q", &url, "sub"]);
    sandbox.git(".", &["clone", "-q", "--shared", "remote.git", "shared"]);
    sandbox.git(".", &["clone", "-q", "--separate-git-dir=elsewhere", &url, "separate"]);
    for place in ["super/sub", "shared", "separate"] {
        let (store, run) = (sandbox.store(place), sandbox.run(place, "HEAD", 5));
        store.record(&run).unwrap();
        store.pull(&options()).unwrap();
        assert_eq!(ids(&store, &run.lineage.commit), ["1", "5"], "{place}");
        let reference = format!("--ref=perf/{}", run.environment.fingerprint());
        assert_eq!(sandbox.git(place, &["notes", &reference, "show", "HEAD"]).lines().count(), 2, "{place}");
    }
    assert!(sandbox.git("super", &["for-each-ref"]).is_empty(), "not in the outer repository");
}
