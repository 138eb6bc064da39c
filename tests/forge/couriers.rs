//! The couriers end to end: a bare remote on disk, a stand-in for the forge's API, the real `gh` and `glab`.

use std::process::Command;

use serde_json::{Value, json};

use super::stand_in::{Sent, StandIn, World};
use super::{handed_in_here, save};
use crate::sandbox::{Ended, Sandbox};

/// Says that a test is left out where a tool is missing.
#[expect(clippy::print_stderr, reason = "a test that is left out says so")]
fn missing(tools: &[&str]) -> bool {
    let there = |tool: &&&str| Command::new(tool).arg("--version").output().is_ok();
    let missing: Vec<_> = tools.iter().filter(|tool| !there(tool)).collect();
    if !missing.is_empty() {
        eprintln!("skipped: not installed: {missing:?}");
    }
    !missing.is_empty()
}

const ARTIFACTS: &str = "repos/o/r/actions/runs/77/artifacts";
const COMMENTS: &str = "repos/o/r/issues/5/comments";

/// A pull request of a fork whose first job has ended, and the clone in which the second one runs.
struct PullRequest {
    sandbox: Sandbox,
    stand_in: StandIn,
    head: String,
}

impl PullRequest {
    fn new(factor: f64) -> Self {
        let sandbox = handed_in_here(Sandbox::new().with_remote(), factor);
        let head = sandbox.git(&["rev-parse", "HEAD"]).trim().to_owned();
        sandbox.git(&["push", "-q", "origin", "HEAD:refs/pull/5/head"]);
        sandbox.git(&["switch", "-q", "main"]);
        assert_eq!(sandbox.perf(&["store", "push"]).status, 0);
        sandbox.git_in(".", &["clone", "-q", "remote.git", "report"]);
        let pull =
            |number: u64, sha: &str| json!({"number": number, "head": {"sha": sha}, "base": {"ref": "main"}});
        let mut world = World { account: json!({"login": "github-actions[bot]"}), ..World::default() };
        world.lists.insert("repos/o/r/pulls".into(), vec![pull(3, &"0".repeat(40)), pull(5, &head)]);
        let said =
            |id: u64, login: &str, body: &str| json!({"id": id, "user": {"login": login}, "body": body});
        world.lists.insert(
            COMMENTS.into(),
            vec![
                said(1, "mallory", "<!-- perf -->\n> looks good"),
                said(2, "github-actions[bot]", "another bot's `<!-- perf -->`"),
                said(3, "alice", "hello"),
            ],
        );
        world.edited_as.insert("repos/o/r/issues/comments".into(), COMMENTS.into());
        let this = Self { sandbox, stand_in: StandIn::new(world), head };
        this.hand_in(&["runs.jsonl"]);
        this
    }

    /// Makes an artifact of each of these files, under the name that the first job gives it.
    fn hand_in(&self, files: &[&str]) {
        let mut artifacts =
            vec![json!({"id": 900, "name": "coverage", "size_in_bytes": 10, "expired": false})];
        for (file, id) in files.iter().zip(901..) {
            let zip = zipped(&self.sandbox, file);
            let size = zip.len();
            artifacts.push(
                json!({"id": id, "name": format!("perf-runs-{id}"), "size_in_bytes": size, "expired": false}),
            );
            self.stand_in.world().files.insert(format!("repos/o/r/actions/artifacts/{id}/zip"), zip);
        }
        let listed = json!({"total_count": artifacts.len(), "artifacts": artifacts});
        self.stand_in.world().files.insert(ARTIFACTS.into(), listed.to_string().into_bytes());
    }

    fn report(&self) -> Ended {
        self.sandbox.script(
            "forge/github/report",
            "report",
            &[],
            &[
                ("http_proxy", &format!("http://127.0.0.1:{}", self.stand_in.port)),
                ("GH_HOST", "github.localhost"),
                ("GH_REPO", "github.localhost/o/r"),
                ("GH_TOKEN", "not-a-token"),
                ("RUN_ID", "77"),
                ("HEAD_SHA", &self.head),
                ("HEAD_OWNER", "fork"),
                ("HEAD_BRANCH", "feature; $(touch owned)&x=1"),
            ],
        )
    }
}

/// Packs a file as `runs.jsonl`, by way of git, which can.
fn zipped(sandbox: &Sandbox, file: &str) -> Vec<u8> {
    let dir = format!("zip-{}", file.replace('/', "-"));
    sandbox.git_in(".", &["init", "-q", &dir]);
    std::fs::copy(sandbox.path(file), sandbox.path(&dir).join("runs.jsonl")).unwrap();
    sandbox.git_in(&dir, &["add", "-A"]);
    sandbox.git_in(&dir, &["commit", "-q", "--allow-empty", "-m", "pack"]);
    sandbox.git_in(&dir, &["archive", "--format=zip", "--output=../out.zip", "HEAD"]);
    std::fs::read(sandbox.path("out.zip")).unwrap()
}

fn paths(sent: &[Sent]) -> Vec<String> {
    sent.iter().map(|sent| format!("{} {}", sent.method, sent.path)).collect()
}

#[test]
fn a_pull_request_of_a_fork_gets_one_comment_and_a_check() {
    if missing(&["gh", "unzip"]) {
        return;
    }
    let pull = PullRequest::new(1.3);
    let ended = pull.report();
    assert_eq!(ended.status, 0, "{}", ended.whole());
    let sent = pull.stand_in.sent();
    assert_eq!(
        paths(&sent),
        [format!("POST {COMMENTS}"), "POST repos/o/r/check-runs".into()],
        "{}",
        ended.whole()
    );
    let body = sent[0].body["body"].as_str().unwrap();
    assert!(body.starts_with("<!-- perf -->\n> [!CAUTION]\n> **FAIL**: 1 of 2 series regressed"), "{body}");
    assert_eq!(
        (&sent[1].body["conclusion"], &sent[1].body["head_sha"]),
        (&json!("failure"), &json!(pull.head))
    );
    assert!(!pull.sandbox.path("report/owned").exists());
    let read = pull.stand_in.world().read.clone();
    assert!(
        read.iter().any(|path| path.starts_with(&format!("{COMMENTS}?")) && path.contains("page=2")),
        "{read:?}"
    );
    let asked = "head=fork%3Afeature%3B+%24%28touch+owned%29%26x%3D1";
    assert!(read.iter().any(|path| path.contains(asked)), "{read:?}");

    let again = pull.report();
    assert_eq!(paths(&pull.stand_in.sent()), ["POST repos/o/r/check-runs"], "{}", again.whole());

    pull.sandbox.git(&["switch", "-q", "feature"]);
    save(&pull.sandbox, "faster.jsonl", &[("parse/large", 1_200_000.0), ("lex", 42.5)], &[]);
    pull.hand_in(&["faster.jsonl"]);
    assert_eq!(pull.report().status, 0);
    let sent = pull.stand_in.sent();
    assert_eq!(paths(&sent)[0], "PATCH repos/o/r/issues/comments/1005", "edited in place");
    assert!(sent[0].body["body"].as_str().unwrap().contains("**pass**"));
    assert_eq!(sent[1].body["conclusion"], "success");
}

#[test]
fn jobs_on_several_machines_share_one_comment() {
    if missing(&["gh", "unzip"]) {
        return;
    }
    let pull = PullRequest::new(1.0);
    pull.sandbox.git(&["switch", "-q", "feature"]);
    save(&pull.sandbox, "on-16.jsonl", &[("lex", 20.0)], &["--env", "cores=16"]);
    pull.hand_in(&["runs.jsonl", "on-16.jsonl"]);
    let ended = pull.report();
    let sent = pull.stand_in.sent();
    let body = sent[0].body["body"].as_str().unwrap();
    assert!(
        body.contains("4 cores") && body.contains("16 cores") && body.contains("not judged: "),
        "{}",
        ended.whole()
    );
    assert_eq!(sent.len(), 2, "one comment, one check");
}

#[test]
fn a_hostile_artifact_is_not_believed() {
    if missing(&["gh", "unzip"]) {
        return;
    }
    let pull = PullRequest::new(1.0);
    let main = pull.sandbox.git(&["rev-parse", "main"]).trim().to_owned();
    let good = std::fs::read_to_string(pull.sandbox.path("runs.jsonl")).unwrap();
    pull.sandbox.write("other.jsonl", good.replace(&pull.head, &main));
    pull.sandbox.write("garbage.jsonl", "::error::owned\n");
    pull.sandbox.write("empty.jsonl", "");
    pull.sandbox.write("bomb.jsonl", vec![b' '; (64 << 20) + 1]);
    for (file, expected) in [
        ("other.jsonl", "was recorded for"),
        ("garbage.jsonl", "line 1 is no run"),
        ("empty.jsonl", "has no runs.jsonl"),
        ("bomb.jsonl", "runs.jsonl has more than"),
    ] {
        pull.hand_in(&[file]);
        let ended = pull.report();
        assert_eq!(ended.status, 2, "{file}: {}", ended.whole());
        assert!(ended.stderr.contains(expected), "{file}: {}", ended.stderr);
        assert!(pull.stand_in.sent().is_empty(), "{file}: {}", ended.whole());
    }
    let large = json!({"artifacts": [{"id": 1, "name": "perf-runs", "size_in_bytes": 1_u64 << 40, "expired": false}]});
    pull.stand_in.world().files.insert(ARTIFACTS.into(), large.to_string().into_bytes());
    let ended = pull.report();
    assert!(ended.status == 2 && ended.stderr.contains("artifact 1: more than"), "{}", ended.whole());
    let one = |id: u64| json!({"id": id, "name": "perf-runs", "size_in_bytes": 1, "expired": false});
    let many = json!({"artifacts": (0..21).map(|_| one(901)).collect::<Vec<_>>()});
    pull.stand_in.world().files.insert(ARTIFACTS.into(), many.to_string().into_bytes());
    pull.hand_in(&["runs.jsonl"]);
    pull.stand_in.world().files.insert(ARTIFACTS.into(), many.to_string().into_bytes());
    let ended = pull.report();
    assert!(ended.status == 2 && ended.stderr.contains("more than 20 artifacts"), "{}", ended.whole());
    assert!(pull.stand_in.sent().is_empty());
}

#[test]
fn a_pull_request_that_moved_on_or_was_not_measured_gets_nothing() {
    if missing(&["gh", "unzip"]) {
        return;
    }
    let pull = PullRequest::new(1.0);
    pull.hand_in(&[]);
    let ended = pull.report();
    assert!(ended.status == 0 && ended.stderr.contains("nothing was measured"), "{}", ended.whole());
    pull.stand_in.world().lists.insert("repos/o/r/pulls".into(), vec![]);
    let ended = pull.report();
    assert!(ended.status == 0 && ended.stderr.contains("no open pull request has"), "{}", ended.whole());
    assert!(pull.stand_in.sent().is_empty());
}

/// Measures one more commit of main.
fn night(sandbox: &Sandbox, factor: f64) {
    sandbox.commit("Work of a day");
    let levels = [("GET /items", 120.0 * factor), ("GET /items/{id}", 80.0 * factor), ("POST /login", 30.0)];
    sandbox.measure(&levels);
}

/// What the nightly job does on a forge: the script, and where issues are listed and edited.
struct Nightly {
    script: &'static str,
    issues: &'static str,
    account: Value,
    variables: fn(u16) -> Vec<(&'static str, String)>,
}

const GITHUB: fn() -> Nightly = || Nightly {
    script: "forge/github/issues",
    issues: "repos/o/r/issues",
    account: json!({"login": "github-actions[bot]"}),
    variables: |port| {
        vec![
            ("http_proxy", format!("http://127.0.0.1:{port}")),
            ("GH_HOST", "github.localhost".into()),
            ("GH_REPO", "github.localhost/o/r".into()),
            ("GH_TOKEN", "not-a-token".into()),
        ]
    },
};

const GITLAB: fn() -> Nightly = || Nightly {
    script: "forge/gitlab/issues",
    issues: "projects/7/issues",
    account: json!({"username": "project_7_bot"}),
    variables: |port| gitlab(port),
};

fn gitlab(port: u16) -> Vec<(&'static str, String)> {
    let host = format!("127.0.0.1:{port}");
    vec![
        ("GITLAB_HOST", host.clone()),
        ("GITLAB_API_HOST", host),
        ("API_PROTOCOL", "http".into()),
        ("GITLAB_TOKEN", "not-a-token".into()),
        ("PERF_OWN", "project_7_bot".into()),
        ("CI_PROJECT_ID", "7".into()),
    ]
}

fn run(nightly: &Nightly, sandbox: &Sandbox, stand_in: &StandIn) -> Vec<Sent> {
    let variables = (nightly.variables)(stand_in.port);
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let ended = sandbox.script(nightly.script, "repo", &[], &variables);
    assert_eq!(ended.status, 0, "{}", ended.whole());
    stand_in.sent()
}

/// One issue from the first bad night to the third good one.
fn an_issue_lives(nightly: &Nightly) -> Vec<Sent> {
    let sandbox = Sandbox::new().with_remote();
    let others = vec![
        json!({"id": 1, "number": 1, "iid": 1, "state": "open", "title": "x", "body": "y",
        "description": "y", "user": {"login": "a"}, "author": {"username": "a"}});
        3
    ];
    let mut world = World { account: nightly.account.clone(), ..World::default() };
    world.lists.insert(nightly.issues.into(), others);
    let stand_in = StandIn::new(world);
    night(&sandbox, 1.0);
    night(&sandbox, 1.0);
    assert!(run(nightly, &sandbox, &stand_in).is_empty(), "nothing became worse");
    night(&sandbox, 1.4);
    let mut all = run(nightly, &sandbox, &stand_in);
    assert_eq!(paths(&all), [format!("POST {}", nightly.issues)], "one issue for the family");
    assert!(run(nightly, &sandbox, &stand_in).is_empty(), "nothing new");
    let mut after = |factor: f64| {
        night(&sandbox, factor);
        let sent = run(nightly, &sandbox, &stand_in);
        all.extend(sent.clone());
        sent.len()
    };
    assert_eq!(after(1.4), 1, "written anew");
    assert_eq!(after(1.0), 1, "recovering");
    assert_eq!(after(1.0), 1, "recovering");
    assert_eq!(after(1.0), 2, "closed, with a word");
    assert_eq!(after(1.0), 0, "it is over");
    all
}

#[test]
fn an_issue_is_made_kept_and_closed_on_github() {
    if missing(&["gh"]) {
        return;
    }
    let sent = an_issue_lives(&GITHUB());
    assert_eq!(sent[0].body["labels"], json!(["perf"]));
    let body = sent[0].body["body"].as_str().unwrap();
    for expected in [
        "**critical**: 2 series became worse between",
        "| `GET /items` `time` |",
        "It happened in 1 commit",
        "`Work of a day`",
        "- [ ] It is real",
        "perf compare --against ",
        "git bisect start",
        "Environments before and after",
    ] {
        assert!(body.contains(expected), "{expected}: {body}");
    }
    assert_eq!(sent.iter().filter(|one| one.body["state"] == "closed").count(), 1);
    assert!(sent.last().unwrap().path.ends_with("/comments"));
}

#[test]
fn an_issue_is_made_kept_and_closed_on_gitlab() {
    if missing(&["glab"]) {
        return;
    }
    let sent = an_issue_lives(&GITLAB());
    assert_eq!(sent[0].body["labels"], "perf");
    assert!(sent[0].body["description"].as_str().unwrap().contains("**critical**"));
    assert_eq!(sent.iter().filter(|one| one.body["state_event"] == "close").count(), 1);
    assert!(sent.last().unwrap().path.ends_with("/notes"));
}

#[test]
fn a_merge_request_of_a_fork_gets_one_note_from_a_schedule() {
    if missing(&["glab", "jq"]) {
        return;
    }
    let sandbox = handed_in_here(Sandbox::new().with_remote(), 1.3);
    let head = sandbox.git(&["rev-parse", "HEAD"]).trim().to_owned();
    sandbox.git(&["push", "-q", "origin", "HEAD:refs/merge-requests/5/head"]);
    sandbox.git(&["switch", "-q", "main"]);
    assert_eq!(sandbox.perf(&["store", "push"]).status, 0);
    sandbox.git_in(".", &["clone", "-q", "remote.git", "report"]);
    let mut world = World { account: json!({"username": "project_7_bot"}), ..World::default() };
    let open = |iid: u64| json!({"id": iid, "iid": iid});
    world.lists.insert("projects/7/merge_requests".into(), vec![open(3), open(4), open(5)]);
    let request = |pipeline: Value| {
        json!({"sha": head, "target_branch": "main", "head_pipeline": pipeline}).to_string().into_bytes()
    };
    let pipeline = |id: u64, sha: &str| json!({"id": id, "sha": sha, "project_id": 9});
    world.files.insert("projects/7/merge_requests/3".into(), request(Value::Null));
    world.files.insert("projects/7/merge_requests/4".into(), request(pipeline(43, &"0".repeat(40))));
    world.files.insert("projects/7/merge_requests/5".into(), request(pipeline(44, &head)));
    let job = |id: u64, name: &str| json!({"id": id, "name": name});
    let jobs =
        vec![job(1, "lint"), job(2, "build"), job(901, "perf:measure"), job(902, "perf:measure: [arm]")];
    world.lists.insert("projects/9/pipelines/44/jobs".into(), jobs);
    let runs = std::fs::read(sandbox.path("runs.jsonl")).unwrap();
    world.files.insert("projects/9/jobs/901/artifacts/runs.jsonl".into(), runs);
    world.lists.insert(
        "projects/7/merge_requests/5/notes".into(),
        vec![json!({"id": 1, "author": {"username": "mallory"}, "body": "<!-- perf -->"})],
    );
    let stand_in = StandIn::new(world);
    let reports = || {
        let variables = gitlab(stand_in.port);
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        sandbox.script("forge/gitlab/reports", "report", &[], &variables)
    };
    let ended = reports();
    assert_eq!(ended.status, 0, "{}", ended.whole());
    let sent = stand_in.sent();
    assert_eq!(paths(&sent), ["POST projects/7/merge_requests/5/notes"], "{}", ended.whole());
    assert!(sent[0].body["body"].as_str().unwrap().contains("1 of 2 series regressed"), "{}", sent[0].body);
    for said in ["!3: no pipeline", "!4: no pipeline", "job 902 of project 9: runs.jsonl is missing"] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
    assert_eq!(reports().status, 0);
    assert!(stand_in.sent().is_empty(), "nothing new, nothing sent");
}

/// What `perf-main.yml` and `perf-release.yml` do, without the forge.
#[test]
fn one_job_measures_another_records_and_a_tag_is_compared_with_the_last() {
    let sandbox = Sandbox::new().with_remote();
    let level = |factor: f64| [("parse", 100.0 * factor), ("lex", 7.0)];
    sandbox.git_in(".", &["clone", "-q", "remote.git", "record"]);
    for (tag, factor) in [("v1", 1.0), ("v2", 1.2)] {
        sandbox.write("repo/code.rs", format!("// {tag}\n"));
        sandbox.git(&["commit", "-q", "-a", "-m", "Release"]);
        sandbox.git(&["tag", tag]);
        sandbox.git(&["push", "-q", "--tags", "origin", "main"]);
        save(&sandbox, "runs.jsonl", &level(factor), &[]);
        sandbox.git_in("record", &["pull", "-q", "--tags"]);
        assert_eq!(sandbox.perf_in("record", &["store", "add", "../runs.jsonl", "--commit", tag]).status, 0);
        let pushed = sandbox.perf_in("record", &["store", "push"]);
        assert_eq!(pushed.status, 0, "{}", pushed.stderr);
    }
    sandbox.git_in(".", &["clone", "-q", "remote.git", "release"]);
    let last = sandbox.git_in("release", &["describe", "--tags", "--abbrev=0", "--match", "v*", "HEAD^"]);
    let gate =
        ["compare", "--against", last.trim(), "--head", "HEAD", "--on-refusal", "fail", "--fail", "15%"];
    let ended = sandbox.perf_in("release", &gate);
    assert_eq!(ended.status, 1, "{}", ended.whole());
    assert!(ended.stdout.contains("(named `v1`)") || ended.stdout.contains("(named v1)"), "{}", ended.stdout);
    let ended =
        sandbox.perf_in("release", &["compare", "--against", "v1~1", "--head", "v2", "--on-refusal", "fail"]);
    assert_eq!(ended.status, 3, "a reference without a baseline stops a release: {}", ended.whole());
}
