//! The commands that a report prints, each of which gives the same verdicts again.

use std::path::PathBuf;

use perf_compare::statistics::{Judge, SuiteShift};
use perf_compare::{BaseChoice, Demand, Endpoint, Inconclusive, Outcome, Policy, PolicySource};

use super::sides::across;
use crate::number::exact_percent;
use crate::sink::argument;

/// Returns the command that repeats the comparison, where there is one for these sides.
pub(super) fn reproduce(outcome: &Outcome) -> Option<String> {
    let crossed = crossing(across(outcome).into_iter());
    let and = references(outcome);
    if outcome.demand == Demand::Everything {
        let head = judged(&outcome.head)?;
        let policy = outcome.origin.source == PolicySource::Head;
        let policy = if policy { " --policy head" } else { "" };
        return Some(format!("perf release-check --head {head}{and}{crossed}{}{policy}", only(outcome)));
    }
    Some(format!("perf compare{}{and}{crossed}{}{}", sides(outcome)?, only(outcome), policy(outcome)))
}

/// Returns the command that measures both sides on one machine; `None` for files.
pub(super) fn measure(outcome: &Outcome) -> Option<String> {
    if matches!(outcome.head, Endpoint::Saved { .. }) {
        return None;
    }
    let (base, head) = (against(&outcome.base)?, judged(&outcome.head)?);
    Some(format!("perf compare --against {base} --head {head} --measure{}", policy(outcome)))
}

/// Returns the command that shows every series.
pub(super) fn all(outcome: &Outcome) -> Option<String> {
    Some(reproduce(outcome)? + " --output json=-")
}

/// Returns the command that compares although these facts differ.
pub(super) fn across_facts<'a>(outcome: &Outcome, facts: impl Iterator<Item = &'a String>) -> Option<String> {
    let (crossed, sides) = (crossing(facts), sides(outcome)?);
    Some(format!("perf compare{crossed}{sides}{}{}", only(outcome), policy(outcome)))
}

fn only(outcome: &Outcome) -> String {
    let digits = outcome.environment.as_ref();
    digits.map(|digits| format!(" --environment {}", argument(digits))).unwrap_or_default()
}

/// Names the two sides: both by revision or both by file, as the command takes them.
fn sides(outcome: &Outcome) -> Option<String> {
    let (base, head) = (&outcome.base, &outcome.head);
    let files = || Some(format!(" --base-file {} --head-file {}", file(base)?, file(head)?));
    let revisions = || Some(format!(" --against {} --head {}", against(base)?, judged(head)?));
    files().or_else(revisions)
}

fn references(outcome: &Outcome) -> String {
    let named = outcome.references.iter().filter_map(|reference| match &reference.choice {
        BaseChoice::LastRelease { tag: Some(tag) } => Some(tag.as_str()),
        BaseChoice::LastRelease { tag: None } => Some("last-release"),
        BaseChoice::Named { revision } => Some(revision.as_str()),
        BaseChoice::MergeBase { .. } | BaseChoice::FirstParent { .. } | BaseChoice::File => None,
    });
    named.map(|revision| format!(" --and {}", argument(revision))).collect()
}

fn file(endpoint: &Endpoint) -> Option<String> {
    match endpoint {
        Endpoint::File { path, .. } => Some(argument(&path.to_string_lossy())),
        Endpoint::Commit { .. } | Endpoint::Saved { .. } | Endpoint::Worktree { .. } | Endpoint::Nothing => {
            None
        }
    }
}

fn against(endpoint: &Endpoint) -> Option<&str> {
    match endpoint {
        Endpoint::Commit { id, .. } => Some(id.as_str()),
        Endpoint::Nothing => Some("merge-base"),
        Endpoint::Saved { .. } | Endpoint::Worktree { .. } | Endpoint::File { .. } => None,
    }
}

fn judged(endpoint: &Endpoint) -> Option<String> {
    match endpoint {
        Endpoint::Commit { id, .. } => Some(id.to_string()),
        Endpoint::Saved { id, files, .. } => {
            let file = |path: &PathBuf| format!(" --head-file {}", argument(&path.to_string_lossy()));
            Some(id.to_string() + &files.iter().map(file).collect::<String>())
        }
        Endpoint::Worktree { .. } => Some("worktree".to_owned()),
        Endpoint::Nothing | Endpoint::File { .. } => None,
    }
}

fn crossing<'a>(facts: impl Iterator<Item = &'a String>) -> String {
    facts.map(|fact| format!(" --across {}", argument(fact))).collect()
}

/// Writes what a policy asks beyond the default. One limit alone would leave the other to the reader's
/// `perf.toml`.
fn policy(outcome: &Outcome) -> String {
    let Policy { limits, inconclusive, judge, fail_on_one_run, suite_shift, .. } = outcome.policy;
    let mut options = String::new();
    if limits != Policy::default().limits {
        let (warn, fail) = (exact_percent(limits.warn), exact_percent(limits.fail));
        options += &format!(" --warn {warn} --fail {fail}");
    }
    let others = [
        (inconclusive == Inconclusive::Fail, " --inconclusive fail"),
        (judge == Judge::Limits, " --judge limits"),
        (fail_on_one_run, " --fail-on-one-run"),
        (suite_shift == SuiteShift::Warn, " --suite-shift warn"),
        (outcome.origin.source == PolicySource::Head, " --policy head"),
    ];
    options.extend(others.into_iter().filter(|(asked, _)| *asked).map(|(_, option)| option));
    options
}

#[cfg(test)]
mod tests {
    use perf_compare::Limits;

    use super::*;
    use crate::fixtures::{base, head, mixed, undecided};

    const REVISIONS: &str = "perf compare --against 96dfd37bbbbb0000000000000000000000000000 \
                             --head 615ff67aaaaa0000000000000000000000000000";

    fn file(path: &str) -> Endpoint {
        Endpoint::File { path: path.into(), commit: None }
    }

    #[test]
    fn a_policy_of_its_own_stands_in_every_command() {
        for (limits, inconclusive, expected) in [
            (Limits::default(), Inconclusive::Pass, ""),
            (Limits { warn: 0.07, fail: 0.25 }, Inconclusive::Pass, " --warn 7% --fail 25%"),
            (
                Limits { warn: 0.3, fail: 0.4 },
                Inconclusive::Fail,
                " --warn 30% --fail 40% --inconclusive fail",
            ),
        ] {
            let mut outcome = mixed();
            outcome.policy = Policy { limits, inconclusive, ..Policy::default() };
            assert_eq!(reproduce(&outcome).unwrap(), format!("{REVISIONS}{expected}"));
            assert_eq!(all(&outcome).unwrap(), format!("{REVISIONS}{expected} --output json=-"));
            outcome.environment = Some("0123".into());
            let narrowed = format!("{REVISIONS} --environment 0123{expected}");
            assert_eq!(reproduce(&outcome).unwrap(), narrowed);
            outcome.environment = None;
            let crossing = across_facts(&outcome, [&"cores".to_owned()].into_iter()).unwrap();
            assert!(crossing.starts_with("perf compare --across cores --against "), "{crossing}");
            assert!(crossing.ends_with(expected), "{crossing}");
        }
    }

    #[test]
    fn sides_are_named_as_the_command_takes_them() {
        let worktree = Endpoint::Worktree { on: head() };
        let commit = Endpoint::Commit { id: head(), subject: None };
        for (base, head, expected) in [
            (file("a.jsonl"), file("b c"), Some("perf compare --base-file a.jsonl --head-file 'b c'")),
            (Endpoint::Nothing, worktree, Some("perf compare --against merge-base --head worktree")),
            (file("a.jsonl"), commit, None),
            (
                Endpoint::Commit { id: base(), subject: None },
                Endpoint::Saved {
                    id: head(),
                    subject: "x".into(),
                    files: vec!["a.jsonl".into(), "b c".into()],
                },
                Some(&*format!("{REVISIONS} --head-file a.jsonl --head-file 'b c'")),
            ),
        ] {
            let outcome = Outcome { base, head, ..undecided() };
            assert_eq!(reproduce(&outcome).as_deref(), expected);
        }
    }
}
