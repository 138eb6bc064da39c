//! Taking lines out of a shared store, folding its history, and who signed for what.

use std::process::Command;

use perf_store::{FaultKind, Keep, StoreError, unusable_lines};

use crate::{Sandbox, ids, options, shared};

fn notes_of(sandbox: &Sandbox, place: &str) -> String {
    format!("refs/notes/perf/{}", sandbox.run(place, "HEAD", 1).environment.fingerprint())
}

/// Two clones that have the same three baselines, of `HEAD` and the two before it.
fn filled() -> Sandbox {
    let sandbox = shared(&["one", "two"]);
    let one = sandbox.store("one");
    for (revision, id) in [("HEAD", 1), ("HEAD~1", 2), ("HEAD~2", 3)] {
        one.record(&sandbox.run("one", revision, id)).unwrap();
        one.push(&options()).unwrap();
    }
    sandbox.store("two").pull(&options()).unwrap();
    sandbox
}

fn all(sandbox: &Sandbox, place: &str) -> Vec<String> {
    let store = sandbox.store(place);
    let at = |revision| ids(&store, &store.resolve(revision).unwrap().lineage.commit);
    ["main", "main~1", "main~2"].into_iter().flat_map(at).collect()
}

#[test]
fn what_one_clone_prunes_stays_gone_and_what_others_record_meanwhile_stays() {
    let sandbox = filled();
    let (one, two) = (sandbox.store("one"), sandbox.store("two"));
    two.record(&sandbox.run("two", "HEAD", 4)).unwrap();
    two.push(&options()).unwrap();
    let commit = |revision| one.resolve(revision).unwrap().lineage.commit;
    let keep = Keep { first_parents: Some((commit("HEAD"), 2)), ..Keep::default() };
    let fingerprint = sandbox.run("one", "HEAD", 1).environment.fingerprint();
    let planned = &one.plan_prune(&keep).unwrap()[&fingerprint];
    assert_eq!((planned.commits, planned.lines, planned.kept), (1, 1, 2));
    assert_eq!(all(&sandbox, "one"), ["1", "2", "3"], "a plan changes nothing");
    let pruned = one.prune(&keep, Some(&options())).unwrap();
    assert_eq!(pruned[&fingerprint].lines, 1);
    two.push(&options()).unwrap();
    one.pull(&options()).unwrap();
    for place in ["one", "two", "remote.git"] {
        assert_eq!(all(&sandbox, place), ["1", "4", "2"], "{place}");
    }
    let name = notes_of(&sandbox, "one");
    assert_eq!(sandbox.git("remote.git", &["rev-list", "--count", &name]).trim(), "5", "never forced");
    assert!(one.prune(&keep, Some(&options())).unwrap().is_empty(), "nothing is left to do");
}

#[test]
fn tags_and_the_newest_keep_their_baselines_and_shallow_clones_prune_nothing() {
    let sandbox = filled();
    sandbox.git("one", &["tag", "v1", "HEAD~2"]);
    let one = sandbox.store("one");
    let keep = Keep { newest: Some(1), ..Keep::default() };
    one.prune(&keep, Some(&options())).unwrap();
    let left = all(&sandbox, "remote.git");
    assert!(left.contains(&"3".into()) && left.len() == 2, "{left:?}");
    let url = format!("file://{}", sandbox.path("remote.git").display());
    sandbox.git(".", &["clone", "-q", "--depth=1", &url, "shallow"]);
    let shallow = sandbox.store("shallow");
    let tip = shallow.resolve("HEAD").unwrap().lineage.commit;
    let refused = shallow.plan_prune(&Keep { first_parents: Some((tip, 1)), ..Keep::default() });
    assert!(matches!(refused, Err(StoreError::Shallow)), "{refused:?}");
}

#[test]
fn a_run_that_is_pruned_before_it_was_ever_pushed_does_not_come_back() {
    let sandbox = shared(&["one"]);
    let one = sandbox.store("one");
    one.record(&sandbox.run("one", "HEAD", 1)).unwrap();
    one.prune(&Keep::default(), Some(&options())).unwrap();
    assert_eq!(all(&sandbox, "one"), [""; 0]);
    one.push(&options()).unwrap();
    assert_eq!(all(&sandbox, "remote.git"), [""; 0]);
    assert_eq!(sandbox.git("one", &["fsck", "--strict", "--no-dangling"]), "");
}

#[test]
fn repair_keeps_what_it_moves_here_and_on_the_remote() {
    let sandbox = filled();
    let name = notes_of(&sandbox, "one");
    let reference = format!("--ref={}", name.trim_start_matches("refs/notes/"));
    for (text, revision) in [("garbage", "HEAD"), ("{\"format\":9}", "HEAD"), ("more", "HEAD~1")] {
        sandbox.git("remote.git", &["notes", &reference, "append", "-m", text, revision]);
    }
    let one = sandbox.store("one");
    one.pull(&options()).unwrap();
    let kinds = |verified: &perf_store::Verified| -> Vec<FaultKind> {
        verified.faults.iter().map(|fault| fault.kind).collect()
    };
    let found = one.verify().unwrap();
    assert_eq!((found.lines, found.runs), (6, 3));
    assert_eq!(found.faults.iter().filter(|fault| fault.kind == FaultKind::Unreadable).count(), 2);
    assert_eq!(one.repair(Some(&options())).unwrap(), 2);
    assert_eq!(kinds(&one.verify().unwrap()), [FaultKind::Future]);
    for place in ["one", "remote.git"] {
        let aside = sandbox.git(place, &["for-each-ref", "--format=%(refname)", "refs/notes/perf-aside"]);
        let show =
            |revision| sandbox.git(place, &["notes", &format!("--ref={}", aside.trim()), "show", revision]);
        assert_eq!((show("HEAD").as_str(), show("HEAD~1").as_str()), ("garbage\n", "more\n"), "{place}");
        for revision in ["HEAD", "HEAD~1"] {
            let note = sandbox.git(place, &["notes", &reference, "show", revision]);
            assert!(!note.contains("garbage") && !note.contains("more"), "{place}: {note}");
        }
    }
    assert_eq!(all(&sandbox, "remote.git"), ["1", "2", "3"]);
    assert_eq!(one.repair(Some(&options())).unwrap(), 0);
}

#[test]
fn entries_that_are_no_notes_are_counted_and_no_problem() {
    let sandbox = filled();
    let name = notes_of(&sandbox, "one");
    let entries = sandbox.git("one", &["ls-tree", &name]);
    let (blob, head) = (&entries[12..52], sandbox.git("one", &["rev-parse", "HEAD"]));
    let foreign = format!(
        "100644 blob {blob}\tREADME\n120000 blob {blob}\t{}\n160000 commit {}\t{}\n040000 tree {}\t{}\n",
        "a".repeat(40),
        head.trim(),
        "b".repeat(40),
        sandbox.git("one", &["rev-parse", &format!("{name}^{{tree}}")]).trim(),
        "c".repeat(40),
    );
    std::fs::write(sandbox.path("entries"), entries + &foreign).unwrap();
    let made = crate::git(&sandbox.path("one"), &["mktree"])
        .stdin(std::fs::File::open(sandbox.path("entries")).unwrap())
        .output()
        .unwrap();
    let tree = String::from_utf8(made.stdout).unwrap();
    let commit = sandbox.git("one", &["commit-tree", "-m", "more", tree.trim()]);
    sandbox.git("one", &["update-ref", &name, commit.trim()]);
    let verified = sandbox.store("one").verify().unwrap();
    let [fault] = &verified.faults[..] else { panic!("{:?}", verified.faults) };
    assert!(fault.kind == FaultKind::Foreign && fault.what.starts_with("4 entries"), "{fault:?}");
    assert!(!fault.kind.is_problem());
    assert_eq!(all(&sandbox, "one"), ["1", "2", "3"]);
}

#[test]
fn clones_go_on_as_if_nothing_had_happened_after_history_was_folded() {
    let sandbox = filled();
    let (one, two) = (sandbox.store("one"), sandbox.store("two"));
    // One has a run that it has not pushed, the other pushed one that the first has not seen.
    one.record(&sandbox.run("one", "HEAD", 5)).unwrap();
    two.record(&sandbox.run("two", "HEAD", 4)).unwrap();
    two.push(&options()).unwrap();
    let name = notes_of(&sandbox, "one");
    let old = sandbox.git("remote.git", &["rev-parse", &name]);
    let compacted = one.compact(Some(&options())).unwrap();
    let (_, folded) = compacted.iter().next().unwrap();
    assert_eq!(folded.commits, 4);
    assert_eq!(sandbox.git("one", &["rev-parse", &folded.safety]), old, "the old history is kept");
    assert_eq!(sandbox.git("remote.git", &["rev-list", "--count", &name]).trim(), "1");
    two.record(&sandbox.run("two", "HEAD~1", 6)).unwrap();
    two.push(&options()).unwrap();
    one.push(&options()).unwrap();
    two.pull(&options()).unwrap();
    for place in ["one", "two", "remote.git"] {
        assert_eq!(all(&sandbox, place), ["1", "4", "5", "2", "6", "3"], "{place}");
    }
    assert_eq!(sandbox.git("remote.git", &["rev-list", "--merges", "--count", &name]).trim(), "0");
    assert_eq!(sandbox.git("remote.git", &["fsck", "--strict", "--no-dangling"]), "");
}

#[test]
fn a_retraction_reaches_every_clone() {
    let sandbox = filled();
    let (one, two) = (sandbox.store("one"), sandbox.store("two"));
    let commit = one.resolve("HEAD").unwrap().lineage.commit;
    assert_eq!(one.retract(&commit, None, "throttled").unwrap()[0].runs, 1);
    assert!(matches!(one.retract(&commit, None, "again"), Err(StoreError::NothingToRetract { .. })));
    one.push(&options()).unwrap();
    assert_eq!(ids(&two, &commit), ["1"]);
    two.pull(&options()).unwrap();
    assert_eq!(ids(&two, &commit), [""; 0]);
    assert!(two.find(&commit).unwrap().unusable[0].reason.contains("throttled"));
    two.record(&sandbox.run("two", "HEAD", 9)).unwrap();
    assert_eq!(ids(&two, &commit), ["9"], "later runs count");
    let verified = two.verify().unwrap();
    assert_eq!((verified.runs, verified.retracted, verified.faults.len()), (3, 1, 0));
}

/// Makes a key, and clones that sign with it; `None` with a message where there is no ssh-keygen.
#[expect(clippy::print_stderr, reason = "what was skipped must be said")]
fn with_keys(sandbox: &Sandbox, signers: &[&str], allowed: &str) -> Option<()> {
    for name in signers {
        let key = sandbox.path(&format!("{name}.key"));
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
            .arg(&key)
            .status();
        if !made.is_ok_and(|status| status.success()) {
            eprintln!("skipped: signing needs ssh-keygen");
            return None;
        }
        for (option, value) in
            [("gpg.format", "ssh"), ("commit.gpgSign", "true"), ("user.signingKey", key.to_str().unwrap())]
        {
            sandbox.git(name, &["config", option, value]);
        }
    }
    let public = std::fs::read_to_string(sandbox.path(&format!("{allowed}.key.pub"))).unwrap();
    let list = sandbox.path("allowed_signers");
    std::fs::write(&list, format!("tester@example.com {public}")).unwrap();
    sandbox.git("reader", &["config", "gpg.ssh.allowedSignersFile", list.to_str().unwrap()]);
    sandbox.git("reader", &["config", "gpg.format", "ssh"]);
    Some(())
}

#[test]
fn only_what_an_allowed_signer_brought_in_counts_where_that_is_required() {
    let sandbox = shared(&["friend", "stranger", "anybody", "reader"]);
    let Some(()) = with_keys(&sandbox, &["friend", "stranger"], "friend") else { return };
    for (name, id) in [("friend", 1), ("stranger", 2), ("anybody", 3), ("friend", 4)] {
        let store = sandbox.store(name);
        store.record(&sandbox.run(name, "HEAD", id)).unwrap();
        store.push(&options()).unwrap();
    }
    let reader = || sandbox.store("reader").requiring_signatures(true);
    reader().pull(&options()).unwrap();
    let commit = reader().resolve("HEAD").unwrap().lineage.commit;
    assert_eq!(ids(&sandbox.store("reader"), &commit), ["1", "2", "3", "4"], "nothing is required");
    for _ in 0..2 {
        // The second time from memory.
        assert_eq!(ids(&reader(), &commit), ["1", "4"]);
    }
    let reasons = reader().find(&commit).unwrap().unusable;
    assert_eq!(unusable_lines(&reasons), 2);
    assert!(
        reasons[0].reason.contains("2 lines were not signed by anybody whom git trusts"),
        "{}",
        reasons[0].reason
    );
    let unsigned = reader().verify().unwrap().faults;
    assert_eq!(unsigned.iter().filter(|fault| fault.kind == FaultKind::Unsigned).count(), 2);
    reader().record(&sandbox.run("reader", "HEAD", 5)).unwrap();
    assert_eq!(ids(&reader(), &commit), ["1", "4", "5"], "the own runs of this clone need no signature");
    // A replacement cannot lend its signature, and another list of signers is another answer.
    let name = notes_of(&sandbox, "reader");
    let history = sandbox.git("reader", &["rev-list", "--reverse", &name]);
    let commits: Vec<&str> = history.lines().collect();
    sandbox.git("reader", &["replace", commits[1], commits[0]]);
    assert_eq!(ids(&reader(), &commit), ["1", "4", "5"]);
    std::fs::write(sandbox.path("allowed_signers"), "").unwrap();
    assert_eq!(ids(&reader(), &commit), ["5"]);
    sandbox.git("reader", &["config", "perf.requireSigned", "true"]);
    assert_eq!(ids(&sandbox.store("reader"), &commit), ["5"], "git's own setting requires it too");
}

#[test]
fn a_key_that_is_missing_delays_a_run_but_does_not_lose_it() {
    let sandbox = shared(&["friend", "reader"]);
    let Some(()) = with_keys(&sandbox, &["friend"], "friend") else { return };
    sandbox.git("friend", &["config", "user.signingKey", "/nowhere/key"]);
    let (friend, run) = (sandbox.store("friend"), sandbox.run("friend", "HEAD", 1));
    let recorded = friend.record(&run).unwrap();
    assert!(matches!(recorded.unfolded, Some(StoreError::Git { .. })), "{:?}", recorded.unfolded);
    assert_eq!(ids(&friend, &run.lineage.commit), ["1"]);
}
