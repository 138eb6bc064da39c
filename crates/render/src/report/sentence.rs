//! What text and Markdown say of the outcome as a whole.

use perf_compare::{
    BaseChoice, Census, Claim, Gap, Judged, Obstacle, Outcome, Section, Severity, Status, Tier, Verdict,
};

use super::refusal;
use super::row::difference;
use super::sides::{across, place};
use super::{budget, suite};
use crate::number::{counted, things};
use crate::sink::Sink;

/// How loud a report has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tone {
    /// Judged, and nothing to say against it.
    Pass,
    /// Passed, but something is slower or nothing could be decided.
    Warn,
    /// Nothing was judged, or not all that had to be.
    Refused,
    /// Failed.
    Fail,
}

/// How many refusals beside a verdict are told apart.
const MOST_REFUSALS: usize = 5;
/// How many crossed facts are named in a sentence.
const MOST_FACTS: usize = 8;

impl Tone {
    /// Chooses the tone of an outcome with its references: that of the worst part.
    pub(crate) fn overall(outcome: &Outcome) -> Self {
        outcome.references.iter().map(Self::of).fold(Self::of(outcome), Self::max)
    }

    /// Chooses the tone of an outcome without its references.
    pub(crate) fn of(outcome: &Outcome) -> Self {
        let census = total(outcome);
        let warned = || {
            census.slower + census.regressed > 0
                || shifts(outcome).next().is_some()
                || accepted(outcome).is_some()
                || budget::headline(outcome, Severity::Warn, Sink::Text).is_some()
                || misfits(outcome).is_some()
                || budget::silent(outcome).is_some()
        };
        match outcome.own_status() {
            Status::Failed => Tone::Fail,
            Status::Refused => Tone::Refused,
            Status::Passed if warned() || census.inconclusive == census.judged() => Tone::Warn,
            Status::Passed => Tone::Pass,
        }
    }

    /// Returns the word that a report begins with.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Tone::Pass => "pass",
            Tone::Warn => "WARN",
            Tone::Fail => "FAIL",
            Tone::Refused => "refused",
        }
    }
}

/// Returns the verdict on all of it, references included, without the word of its tone.
pub(crate) fn overall(outcome: &Outcome, sink: Sink) -> String {
    let own = verdict(outcome, sink);
    if outcome.references.is_empty() {
        return own;
    }
    let mut parts = vec![format!("against the base: {own}")];
    parts.extend(
        outcome.references.iter().map(|it| format!("since {}: {}", since(it, sink), verdict(it, sink))),
    );
    parts.join("; ")
}

/// Names the reference of an outcome as whoever asked for it did.
pub(crate) fn since(reference: &Outcome, sink: Sink) -> String {
    match &reference.choice {
        BaseChoice::LastRelease { tag: Some(tag) } => sink.name(tag),
        BaseChoice::LastRelease { tag: None } => "the last release".to_owned(),
        BaseChoice::Named { revision } => sink.name(revision),
        BaseChoice::MergeBase { branch } | BaseChoice::FirstParent { branch } => sink.name(branch),
        BaseChoice::File => "a file".to_owned(),
    }
}

/// Returns the verdict without the word of its tone, and without the references.
pub(crate) fn verdict(outcome: &Outcome, sink: Sink) -> String {
    let sentence = match Tone::of(outcome) {
        Tone::Pass => passed(&total(outcome)),
        Tone::Warn => warned(outcome, sink),
        Tone::Fail => failed(outcome, sink),
        Tone::Refused if outcome.comparisons().next().is_some() => incomplete(outcome, sink),
        Tone::Refused => refusal::verdict(outcome, sink),
    };
    let facts = across(outcome);
    let mut named: Vec<_> = facts.iter().take(MOST_FACTS).map(|fact| sink.name(fact)).collect();
    let rest = facts.len() - named.len();
    named.extend((rest > 0).then(|| format!("{} more", counted(rest))));
    if named.is_empty() { sentence } else { format!("{sentence}; compared across: {}", named.join(", ")) }
}

/// Says which environments were refused beside others that were judged.
pub(crate) fn not_judged(outcome: &Outcome, sink: Sink) -> Vec<String> {
    if outcome.comparisons().next().is_none() && outcome.own_status() == Status::Refused {
        return vec![];
    }
    let not_judged = |section: &Section| {
        let refusal = section.result.as_ref().err()?;
        let (place, reason) = (place(section, sink), refusal::sentence(refusal, outcome, sink));
        Some(format!("not judged: {place}: {reason}"))
    };
    let mut lines: Vec<String> = outcome.sections.iter().filter_map(not_judged).collect();
    let rest = lines.len().saturating_sub(MOST_REFUSALS);
    lines.truncate(MOST_REFUSALS);
    lines.extend((rest > 0).then(|| format!("not judged: environments besides: {}", counted(rest))));
    lines
}

/// Counts all series of a comparison by their answer.
pub(crate) fn census(census: &Census) -> String {
    let judged = [
        (census.regressed, "regressed"),
        (census.slower, "slower"),
        (census.improved, "improved"),
        (census.unchanged, "unchanged"),
        (census.inconclusive, "inconclusive"),
    ];
    let others = [(census.unjudged, "unjudged"), (census.missing, "missing"), (census.new, "new")];
    let counts = judged.into_iter().chain(others.into_iter().filter(|(count, _)| *count > 0));
    let counts: Vec<_> = counts.map(|(count, answer)| format!("{} {answer}", counted(count))).collect();
    format!("{} series: {}", counted(census.total()), counts.join(", "))
}

fn passed(census: &Census) -> String {
    let remarks = [
        (census.inconclusive, "could not be decided"),
        (census.unjudged, "could not be judged"),
        (census.missing, "missing from the head"),
    ];
    let remarks = remarks.into_iter().filter(|(count, _)| *count > 0);
    let remarks: String = remarks.map(|(count, what)| format!("; {} {what}", counted(count))).collect();
    format!("none of {} series slower or regressed{remarks}", counted(census.total()))
}

/// Says what is missing where all must be judged.
fn incomplete(outcome: &Outcome, sink: Sink) -> String {
    let gap = |gap: Gap| match gap {
        Gap::Refused(count) => format!("{} of the head's environments", counted(count)),
        Gap::OnlyBase(count) => format!("{} that only the base has", things(count, "environment")),
        Gap::Missing(count, first) => {
            format!("{} series that the head has not (first: {})", counted(count), sink.series(&first))
        }
        Gap::Unjudged(count, first) => {
            format!("{} series that do not compare (first: {})", counted(count), sink.series(&first))
        }
        Gap::Undecided(count) => format!("any of {} series, all inconclusive", counted(count)),
        Gap::Budgets(count) => things(count, "budget"),
    };
    let gaps: Vec<String> = outcome.gaps().into_iter().map(gap).collect();
    format!("not judged, and a release must be: {}", gaps.join("; "))
}

fn warned(outcome: &Outcome, sink: Sink) -> String {
    let census = total(outcome);
    let mut parts = Vec::from_iter(accepted(outcome));
    parts.extend(slower(outcome, sink));
    parts.extend(exhibits(outcome));
    parts.extend(shifts(outcome));
    parts.extend(doubts(outcome, sink));
    if parts.is_empty() {
        let (undecided, judged) = (counted(census.inconclusive), counted(census.judged()));
        return format!("nothing could be decided: {undecided} of {judged} inconclusive");
    }
    parts.join("; ")
}

fn slower(outcome: &Outcome, sink: Sink) -> Option<String> {
    let slower = |row: &Judged| row.finding.verdict == Verdict::Slower && !row.is_accepted();
    beyond(outcome, &slower, ("slower", "warn"), sink)
}

/// Says which budgets and limits warn, or hold nothing.
fn doubts(outcome: &Outcome, sink: Sink) -> impl Iterator<Item = String> {
    let budgets = budget::headline(outcome, Severity::Warn, sink);
    [budgets, budget::silent(outcome), misfits(outcome)].into_iter().flatten()
}

/// Says of each environment whose suite became slower as a whole that it did.
fn shifts(outcome: &Outcome) -> impl Iterator<Item = String> {
    outcome.comparisons().filter_map(suite::headline)
}

fn failed(outcome: &Outcome, sink: Sink) -> String {
    let census = total(outcome);
    let regressed = beyond(outcome, &Judged::fails, ("regressed", "fail"), sink);
    // Beside what regressed the census is enough for what is merely slower.
    let slower = if regressed.is_none() { slower(outcome, sink) } else { None };
    let mut parts = Vec::from_iter(regressed);
    parts.extend(shifts(outcome));
    parts.extend(budget::headline(outcome, Severity::Fail, sink));
    let rows = outcome.comparisons().flat_map(|comparison| &comparison.judged);
    let undecided = rows.filter(|row| outcome.fails_undecided(row)).count();
    if undecided > 0 {
        let (undecided, all) = (counted(undecided), counted(census.total()));
        parts.push(format!("{undecided} of {all} series inconclusive, which fails here"));
    }
    parts.extend(accepted(outcome));
    parts.extend(slower);
    parts.extend(exhibits(outcome));
    parts.extend(doubts(outcome, sink));
    parts.join("; ")
}

/// Counts what would fail or warn, had nobody accepted it.
fn accepted(outcome: &Outcome) -> Option<String> {
    let rows = outcome.comparisons().flat_map(|comparison| &comparison.judged);
    let (series, all) = (rows.filter(|row| row.is_accepted()).count(), counted(total(outcome).total()));
    let breaches = outcome.sections.iter().flat_map(|section| &section.budgets.breaches);
    let budgets = breaches.filter(|breach| Claim::accepted(breach.claim).is_some()).count();
    let series = (series > 0).then(|| format!("{} of {all} series", counted(series)));
    let budgets = (budgets > 0).then(|| things(budgets, "broken budget"));
    let parts: Vec<String> = series.into_iter().chain(budgets).collect();
    (!parts.is_empty()).then(|| format!("{} worse and accepted", parts.join(" and ")))
}

/// Counts the series of an answer, with the worst of them.
fn beyond(
    outcome: &Outcome,
    of_answer: &dyn Fn(&Judged) -> bool,
    (answer, limit): (&str, &str),
    sink: Sink,
) -> Option<String> {
    let rows = || outcome.comparisons().flat_map(|it| &it.judged).filter(|row| of_answer(row));
    let worst = rows().max_by(|a, b| a.worsening().total_cmp(&b.worsening()))?;
    let whose = if rows().nth(1).is_none() { "its" } else { "their" };
    let (count, all) = (counted(rows().count()), counted(total(outcome).total()));
    let worst = format!(" (worst: {}, {})", sink.series(&worst.series), difference(worst, sink));
    Some(format!("{count} of {all} series {answer} beyond {whose} {limit} limit{worst}"))
}

/// Counts the limits and budgets that hold nothing, since they are in a unit that does not fit.
fn misfits(outcome: &Outcome) -> Option<String> {
    let of = |section: &Section| {
        let unjudged = section.result.iter().flat_map(|comparison| &comparison.unjudged);
        let limits = unjudged.filter(|row| matches!(row.obstacle, Obstacle::LimitUnit { .. })).count();
        limits + section.budgets.unchecked.len()
    };
    let count: usize = outcome.sections.iter().map(of).sum();
    (count > 0).then(|| format!("{} in a unit that the series is not measured in", things(count, "rule")))
}

/// Counts the exhibits that regressed.
fn exhibits(outcome: &Outcome) -> Option<String> {
    let rows = outcome.comparisons().flat_map(|comparison| &comparison.judged);
    let regressed =
        rows.filter(|row| row.finding.verdict == Verdict::Regressed && row.tier == Tier::Exhibit).count();
    (regressed > 0).then(|| format!("{} regressed, which never fails", things(regressed, "exhibit")))
}

pub(crate) fn total(outcome: &Outcome) -> Census {
    outcome.comparisons().map(|comparison| comparison.census).fold(Census::default(), |sum, one| Census {
        improved: sum.improved + one.improved,
        unchanged: sum.unchanged + one.unchanged,
        inconclusive: sum.inconclusive + one.inconclusive,
        slower: sum.slower + one.slower,
        regressed: sum.regressed + one.regressed,
        unjudged: sum.unjudged + one.unjudged,
        missing: sum.missing + one.missing,
        new: sum.new + one.new,
    })
}
