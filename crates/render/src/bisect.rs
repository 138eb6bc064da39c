//! What a search for a commit found.

use perf_model::{CommitId, Unit};
use serde::Serialize;

use crate::json::{VERSION, line};
use crate::number::{counted, percent, share, things};
use crate::sink::Sink;

/// A commit and the first line of its message.
pub type Named = (CommitId, String);

/// Everything that a search found out.
#[derive(Clone, Debug)]
pub struct Found {
    /// The benchmark.
    pub benchmark: String,
    /// The good and the bad end of the line of commits.
    pub line: (CommitId, CommitId),
    /// What the ends were measured at.
    pub ends: Ends,
    /// The commits that it may be, oldest first; the one before them is good.
    pub commits: Vec<Named>,
    /// How likely it is one of them.
    pub confidence: f64,
    /// What the commit that the search found changed by itself; `None` where it was not measured against its parent.
    pub step: Option<Step>,
    /// How many stored baselines had something to say.
    pub free: usize,
    /// How many commits were measured.
    pub probes: usize,
    /// How many commits could not be measured.
    pub skipped: usize,
}

/// What the two ends of a search were measured at.
#[derive(Clone, Debug)]
pub struct Ends {
    /// The level of the good end.
    pub good: f64,
    /// The level of the bad end.
    pub bad: f64,
    /// The unit of both.
    pub unit: Unit,
    /// How many rounds of turns they were measured in.
    pub pairs: usize,
    /// The standard deviation of the difference of one round, as a logarithm.
    pub sd: f64,
    /// Whether they differ: otherwise there is nothing to search for.
    pub differ: bool,
}

/// What one commit changed.
#[derive(Clone, Debug)]
pub struct Step {
    /// The commit.
    pub commit: Named,
    /// By how much its level differs from its parent's, relative.
    pub change: f64,
    /// In how many rounds of turns the two were measured.
    pub pairs: usize,
    /// Whether that is at least half of what the ends differ by, in the same direction.
    pub is_the_change: bool,
}

impl Found {
    /// Returns a search that found nothing yet.
    pub fn of(benchmark: &str, line: (CommitId, CommitId), ends: Ends) -> Self {
        let benchmark = benchmark.to_owned();
        Self {
            benchmark,
            line,
            ends,
            commits: vec![],
            confidence: 0.0,
            step: None,
            free: 0,
            probes: 0,
            skipped: 0,
        }
    }
}

/// Returns what a search found, for a terminal.
pub fn text(found: &Found) -> String {
    let sink = Sink::Text;
    let (benchmark, good, bad) =
        (sink.name(&found.benchmark), sink.commit(&found.line.0), sink.commit(&found.line.1));
    let ends = &found.ends;
    let [before, after] = sink.amounts(&ends.unit, [ends.good, ends.bad]);
    let change = percent(ends.bad / ends.good - 1.0);
    let ends_line = format!(
        "ends: good {good} {before}, bad {bad} {after} ({change}), measured in {} of turns",
        things(ends.pairs, "round")
    );
    if !ends.differ {
        let noise = share(ends.sd.exp_m1());
        return format!(
            "refused: {good} and {bad} could not be told apart in {benchmark} on this machine: no commit to find\n\
             {ends_line}; what a round shows varies by {noise}\n\
             hint: `perf compare --measure --rounds 30 --against {good} --head {bad}` looks longer\n"
        );
    }
    let several = found.step.as_ref().is_some_and(|step| !step.is_the_change);
    let mut lines = vec![match found.commits.as_slice() {
        [only] => format!("{benchmark} changed in {}", named(only)),
        all if several => format!(
            "{benchmark} changed in several of {} commits, or bit by bit; oldest first:",
            counted(all.len())
        ),
        several => {
            format!("{benchmark} changed in one of {} commits, oldest first:", counted(several.len()))
        }
    }];
    if found.commits.len() > 1 {
        lines.extend(found.commits.iter().take(MOST).map(|commit| format!("  {}", named(commit))));
        let rest = found.commits.len().saturating_sub(MOST);
        lines.extend((rest > 0).then(|| format!("  ... and {} more", counted(rest))));
    }
    lines.extend(found.step.as_ref().map(|step| {
        let (commit, change, rounds) =
            (named(&step.commit), percent(step.change), things(step.pairs, "round"));
        format!("step: {commit} differs from its parent by {change}, measured in {rounds} of turns")
    }));
    lines.extend((!several).then(|| format!("confidence: {}", sure(found.confidence))));
    lines.push(ends_line);
    let (free, probes, skipped) = (counted(found.free), counted(found.probes), counted(found.skipped));
    lines.push(format!("asked: {free} stored baselines, {probes} measured commits; skipped: {skipped}"));
    lines.join("\n") + "\n"
}

/// No search is surer than this of anything.
fn sure(confidence: f64) -> String {
    const MOST_SURE: f64 = 0.999;
    if confidence > MOST_SURE { format!("more than {}", share(MOST_SURE)) } else { share(confidence) }
}

/// More commits than this are only counted.
const MOST: usize = 20;

fn named((id, subject): &Named) -> String {
    format!("{} {}", Sink::Text.commit(id), Sink::Text.name(subject))
}

/// Returns what a search found, for programs:
///
/// ```text
/// version  1
/// benchmark  good  bad  the ends, as full commit ids
/// ends     {good, bad, unit, pairs, sd, differ}: the levels, in how many rounds of turns, the standard deviation of what
///          one round shows, as a logarithm, and whether they differ at all
/// commits  [{commit, subject}]: it is one of these, oldest first
/// confidence  free  probes  skipped
/// step     null, or {commit, subject, change, pairs, is_the_change}: the commit that was found, against its parent;
///          where it does not show at least half of the change, `commits` are all between the ends
/// ```
pub fn json(found: &Found) -> String {
    line(&Report {
        version: VERSION,
        benchmark: &found.benchmark,
        good: found.line.0.as_str(),
        bad: found.line.1.as_str(),
        ends: EndsJson {
            good: found.ends.good,
            bad: found.ends.bad,
            unit: found.ends.unit.symbol(),
            pairs: found.ends.pairs,
            sd: found.ends.sd,
            differ: found.ends.differ,
        },
        commits: found
            .commits
            .iter()
            .map(|(commit, subject)| CommitJson { commit: commit.as_str(), subject })
            .collect(),
        confidence: found.confidence,
        step: found.step.as_ref().map(|step| StepJson {
            commit: step.commit.0.as_str(),
            subject: &step.commit.1,
            change: step.change,
            pairs: step.pairs,
            is_the_change: step.is_the_change,
        }),
        free: found.free,
        probes: found.probes,
        skipped: found.skipped,
    })
}

#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    benchmark: &'a str,
    good: &'a str,
    bad: &'a str,
    ends: EndsJson<'a>,
    commits: Vec<CommitJson<'a>>,
    confidence: f64,
    step: Option<StepJson<'a>>,
    free: usize,
    probes: usize,
    skipped: usize,
}

#[derive(Serialize)]
struct StepJson<'a> {
    commit: &'a str,
    subject: &'a str,
    change: f64,
    pairs: usize,
    is_the_change: bool,
}

#[derive(Serialize)]
struct EndsJson<'a> {
    good: f64,
    bad: f64,
    unit: &'a str,
    pairs: usize,
    sd: f64,
    differ: bool,
}

#[derive(Serialize)]
struct CommitJson<'a> {
    commit: &'a str,
    subject: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(digit: char) -> CommitId {
        digit.to_string().repeat(40).parse().unwrap()
    }

    fn ends(differ: bool) -> Ends {
        Ends { good: 1000.0, bad: 1150.0, unit: Unit::new("ns"), pairs: 5, sd: 0.05, differ }
    }

    fn found(commits: Vec<Named>) -> Found {
        Found {
            commits,
            confidence: 0.97,
            free: 2,
            probes: 6,
            skipped: 1,
            step: None,
            ..Found::of("parse/\u{202e}large", (commit('a'), commit('b')), ends(true))
        }
    }

    #[test]
    fn a_commit_is_named_with_both_levels_and_how_sure_it_is() {
        let text = text(&found(vec![(commit('c'), "Slow\u{1b}[31m down".into())]));
        assert!(text.starts_with("parse/"), "{text}");
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text}");
        for part in
            ["changed in cccccccccccc Slow", "confidence: 97", "1 us", "1.150 us", "+15.0 %", "skipped: 1"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn a_commit_that_does_not_show_the_change_is_not_named_as_the_one() {
        let (commits, commit) = (vec![(commit('c'), "One".into()), (commit('d'), "Two".into())], commit('d'));
        let step = Step { commit: (commit, "Two".into()), change: 0.01, pairs: 16, is_the_change: false };
        let text = text(&Found { step: Some(step), ..found(commits) });
        for part in
            ["in several of 2 commits, or bit by bit", "Two differs from its parent by +1.0 %", "16 rounds"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("confidence"), "{text}");
    }

    #[test]
    fn a_range_lists_its_commits() {
        let text = text(&found((0..30).map(|i| (commit('c'), format!("number {i}"))).collect()));
        assert!(text.contains("one of 30 commits") && text.contains("... and 10 more"), "{text}");
    }

    #[test]
    fn ends_that_do_not_differ_are_a_refusal() {
        let nothing = Found::of("a", (commit('a'), commit('b')), ends(false));
        assert!(
            text(&nothing).starts_with("refused: aaaaaaaaaaaa and bbbbbbbbbbbb could not be told apart in a")
        );
        let report: serde_json::Value = serde_json::from_str(&json(&nothing)).unwrap();
        assert_eq!(report["ends"]["differ"], false, "{report}");
        assert_eq!(report["commits"].as_array().unwrap().len(), 0);
    }
}
