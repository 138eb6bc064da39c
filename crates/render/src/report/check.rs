use perf_compare::{Endpoint, Outcome, Status};
use perf_model::CommitId;
use serde::Serialize;

use super::markdown::top;
use super::sentence::{self, Tone, total};
use crate::json::line;
use crate::sink::Sink;

/// What GitHub's API takes to make a check run ("REST API endpoints for check runs").
#[derive(Serialize)]
struct Check<'a> {
    name: &'static str,
    head_sha: &'a str,
    status: &'static str,
    conclusion: &'static str,
    output: Page,
}

#[derive(Serialize)]
struct Page {
    title: String,
    summary: String,
}

/// How many characters a title has: more are not read.
const LONGEST_TITLE: usize = 240;

/// Returns an outcome as the check run of its head, as one line of JSON; `None` where the head is no commit.
///
/// `success` where it was judged and nothing lies beyond a fail limit, `failure` where something does, `neutral` where
/// it was refused or nothing could be decided.
pub fn check(outcome: &Outcome) -> Option<String> {
    let verdict = format!("{}: {}", Tone::overall(outcome).word(), sentence::overall(outcome, Sink::Text));
    Some(line(&Check {
        name: "perf",
        head_sha: head(outcome)?.as_str(),
        status: "completed",
        conclusion: conclusion(outcome),
        output: Page { title: verdict.chars().take(LONGEST_TITLE).collect(), summary: top(outcome) },
    }))
}

fn head(outcome: &Outcome) -> Option<&CommitId> {
    match &outcome.head {
        Endpoint::Commit { id, .. } | Endpoint::Saved { id, .. } => Some(id),
        Endpoint::Worktree { .. } | Endpoint::File { .. } | Endpoint::Nothing => None,
    }
}

fn conclusion(outcome: &Outcome) -> &'static str {
    let census = total(outcome);
    match outcome.status() {
        Status::Failed => "failure",
        Status::Refused => "neutral",
        Status::Passed if census.inconclusive == census.judged() => "neutral",
        Status::Passed => "success",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::fixtures::{
        HOSTILE, compared, head, hostile_commits, mixed, outcome, refusals, section, times, undecided,
    };

    fn written(outcome: &Outcome) -> Value {
        serde_json::from_str(&check(outcome).unwrap()).unwrap()
    }

    #[test]
    fn only_what_was_judged_and_holds_is_a_success() {
        let passed = outcome(vec![section(compared(times(&[("a", 1.0)]), times(&[("a", 1.0)])))]);
        let [refusal, ..] = refusals();
        for (outcome, conclusion) in [
            (passed, "success"),
            (mixed(), "failure"),
            (undecided(), "neutral"),
            (outcome(vec![section(Err(refusal))]), "neutral"),
        ] {
            let written = written(&outcome);
            assert_eq!(written["conclusion"], conclusion, "{written}");
            assert_eq!(written["head_sha"], head().as_str());
            assert_eq!(written["status"], "completed");
        }
    }

    #[test]
    fn a_title_has_one_line_whatever_the_names_are() {
        for name in HOSTILE {
            let written = written(&hostile_commits(name));
            let title = written["output"]["title"].as_str().unwrap();
            assert!(
                !title.chars().any(char::is_control) && title.chars().count() <= LONGEST_TITLE,
                "{title}"
            );
            assert!(written["output"]["summary"].as_str().unwrap().starts_with("<!-- perf -->\n> [!"));
        }
    }

    #[test]
    fn what_is_no_commit_has_no_check() {
        let worktree = Endpoint::Worktree { on: head() };
        assert!(check(&Outcome { head: worktree, ..mixed() }).is_none());
    }
}
