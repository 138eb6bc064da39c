//! What text and Markdown say of acceptances: what they hide, what they do not cover, and how to write one.

use std::collections::BTreeMap;

use perf_compare::{
    Acceptance, AcceptedIn, Bound, Breach, Claim, Comparison, Cover, Endpoint, Judged, Limit, Outcome,
    Section, Verdict, WHOLE_SUITE,
};
use perf_model::{Better, SeriesId};

use super::budget;
use super::row::{difference, levels, word};
use crate::escape::is_plain;
use crate::number::{counted, limit, number, percent};
use crate::sink::Sink;

/// How many accepted rows are told apart.
const MOST_ACCEPTED: usize = 20;
/// How many lines to paste are written; more want a glob.
const MOST_LINES: usize = 5;
/// A name longer than this ends in `*` in a line to paste.
const LONGEST_GLOB: usize = 200;

/// Says what is accepted in a section, with the reasons: the first line counts, one more for each.
pub(crate) fn accepted(section: &Section, outcome: &Outcome, sink: Sink) -> Vec<String> {
    let claimed = |claim| Some(&outcome.policy.acceptances.entries[Claim::accepted(claim)?]);
    let breaches = section.budgets.breaches.iter().filter_map(|breach| {
        let reason = reason(claimed(breach.claim)?, sink);
        Some(format!("{}: over budget, accepted: {reason}", budget::figures(breach, sink)))
    });
    let judged = section.result.iter().flat_map(|comparison| &comparison.judged);
    let rows = judged.filter_map(|row| Some((row, claimed(row.claim)?))).map(|(row, acceptance)| {
        let (verdict, reason) = (word(row.finding.verdict), reason(acceptance, sink));
        let (series, levels) = (sink.series(&row.series), levels(row, sink));
        format!("{series}: {levels}, {}; {verdict}, accepted: {reason}", difference(row, sink))
    });
    let mut lines: Vec<String> =
        section.result.iter().filter_map(|it| suite(it, outcome, sink)).chain(breaches).chain(rows).collect();
    if lines.is_empty() {
        return lines;
    }
    let all = lines.len();
    lines.truncate(MOST_ACCEPTED);
    lines.extend((all > MOST_ACCEPTED).then(|| format!("... and {} more", counted(all - MOST_ACCEPTED))));
    lines.insert(0, format!("accepted: {}, which would fail or warn", counted(all)));
    lines
}

fn suite(comparison: &Comparison, outcome: &Outcome, sink: Sink) -> Option<String> {
    let shift = comparison.suite.shift?;
    let change = comparison.shift_change()?;
    let acceptance = &outcome.policy.acceptances.entries[Claim::accepted(comparison.suite_claim)?];
    let (change, verdict) = (percent(change), word(shift.verdict));
    Some(format!("(whole suite): {change}; {verdict}, accepted: {}", reason(acceptance, sink)))
}

/// Says in a few words what the acceptances say of something that became worse.
pub(crate) fn remark(claim: Option<Claim>, outcome: &Outcome, sink: Sink) -> Option<String> {
    let Claim { entry, cover } = claim?;
    let acceptance = &outcome.policy.acceptances.entries[entry];
    let place = place(acceptance, sink);
    Some(match (cover, &acceptance.source) {
        (Cover::Full, _) => "accepted".to_owned(),
        (Cover::Beyond, _) => {
            let most = acceptance.at_most.as_ref().map(|most| at_most(most, sink)).unwrap_or_default();
            format!("the acceptance in {place} covers {most} and not this")
        }
        (Cover::Expired, AcceptedIn::File { expires }) => {
            format!("its acceptance in {place} expired after {expires}")
        }
        (Cover::Expired, AcceptedIn::Commit(_)) => format!("its acceptance in {place} expired"),
    })
}

/// Names an acceptance and where it stands.
pub(crate) fn named(acceptance: &Acceptance, sink: Sink) -> String {
    let metric = acceptance.metric.as_ref().map(|metric| format!(" {}", sink.name(metric.text())));
    format!(
        "{}{} in {}",
        sink.name(acceptance.benchmark.text()),
        metric.unwrap_or_default(),
        place(acceptance, sink)
    )
}

/// Writes the bound of an acceptance.
pub(crate) fn at_most(most: &Limit, sink: Sink) -> String {
    let absolute = most.absolute.as_ref().map(|amount| match &amount.unit {
        Some(unit) if unit.symbol() == "%" => format!("+{} pp", number(amount.value)),
        Some(unit) => format!("+{} {}", number(amount.value), sink.name(unit.symbol())),
        None => format!("+{}", number(amount.value)),
    });
    let parts: Vec<String> =
        most.relative.map(|share| format!("+{}", limit(share))).into_iter().chain(absolute).collect();
    format!("at most {}", parts.join(" and "))
}

fn reason(acceptance: &Acceptance, sink: Sink) -> String {
    let (reason, by) = (sink.name(&acceptance.reason), sink.name(&acceptance.by));
    format!("{reason} ({by}, {})", place(acceptance, sink))
}

fn place(acceptance: &Acceptance, sink: Sink) -> String {
    match &acceptance.source {
        AcceptedIn::Commit(commit) => sink.commit(commit),
        AcceptedIn::File { .. } => "perf.toml".to_owned(),
    }
}

/// Returns the command that accepts what fails, where a commit can.
pub(crate) fn command(outcome: &Outcome) -> Option<String> {
    let commit = match &outcome.head {
        Endpoint::Commit { .. } | Endpoint::Saved { .. } => "git commit --amend",
        Endpoint::Worktree { .. } => "git commit",
        Endpoint::Nothing | Endpoint::File { .. } => return None,
    };
    let lines = trailers(outcome);
    let trailers: String = lines.iter().take(MOST_LINES).map(|line| format!(" --trailer '{line}'")).collect();
    (!lines.is_empty()).then(|| format!("{commit}{trailers}"))
}

/// Says what the command is for.
pub(crate) fn introduction(outcome: &Outcome) -> String {
    let rest = trailers(outcome).len().saturating_sub(MOST_LINES);
    let rest = (rest > 0).then(|| format!(" ({} more series fail: a glob covers several)", counted(rest)));
    format!(
        "to accept this, write why in the place of <why>; reviewers see it in the commit{}:",
        rest.unwrap_or_default()
    )
}

/// Returns the trailers that accept what fails: nothing in them ends a line, a quote or a code block.
fn trailers(outcome: &Outcome) -> Vec<String> {
    let shifts = outcome.comparisons().filter(|it| it.shift_fails()).filter_map(Comparison::shift_change);
    let shift = shifts.map(f64::abs).max_by(f64::total_cmp);
    let shift = shift.map(|change| format!("Perf-Accept: {WHOLE_SUITE}{}; <why>", bound(Some(change))));
    let mut series: Vec<(&SeriesId, Option<f64>)> = vec![];
    let mut places: BTreeMap<&SeriesId, usize> = BTreeMap::new();
    let rows = outcome.comparisons().flat_map(|comparison| &comparison.judged);
    let rows = rows.filter(|row| row.fails() || outcome.fails_undecided(row));
    let breaches = outcome.sections.iter().flat_map(|section| &section.budgets.breaches);
    let rows = rows.map(|row| (&row.series, worst_case(row)));
    for (id, worst) in rows.chain(breaches.filter(|it| it.fails()).map(|it| (&it.series, excess(it)))) {
        let place = *places.entry(id).or_insert(series.len());
        match series.get_mut(place) {
            // One line covers both; what has no share has no bound.
            Some((_, known)) => *known = known.zip(worst).map(|(one, other)| one.max(other)),
            None => series.push((id, worst)),
        }
    }
    let lines = series.into_iter().map(|(id, worst)| {
        format!("Perf-Accept: {} {}{}; <why>", glob(&id.case()), glob(&id.metric), bound(worst))
    });
    shift.into_iter().chain(lines).collect()
}

/// Returns how much worse a series is at most: its change, or where its interval ends.
fn worst_case(row: &Judged) -> Option<f64> {
    let change = row.finding.change?;
    let (low, high) = row.finding.evidence.map_or((change, change), |it| (it.interval.low, it.interval.high));
    // An interval that tells nothing would make a bound that allows everything.
    let undecided = row.finding.verdict == Verdict::Inconclusive;
    let (low, high) = if undecided { (change, change) } else { (low.min(change), high.max(change)) };
    Some(match row.metric.better {
        Better::Lower => high,
        Better::Higher => -low,
    })
}

fn excess(breach: &Breach) -> Option<f64> {
    let share = (breach.limit > 0.0).then(|| breach.level / breach.limit - 1.0)?;
    Some(match breach.bound {
        Bound::Max => share,
        Bound::Min => -share,
    })
}

/// Writes a bound as whole percents, rounded up.
fn bound(worst: Option<f64>) -> String {
    let whole = |worst: f64| (worst * 100.0).ceil().max(1.0);
    match worst.map(whole).filter(|percent| percent.is_finite() && *percent < 1e9) {
        Some(percent) => format!(" <= +{percent:.0}%"),
        None => String::new(),
    }
}

/// Writes a glob that matches a name. What a shell, a code block or a log would act on, and what nobody sees, becomes
/// `*`; a glob's own signs stand in brackets.
fn glob(name: &str) -> String {
    let (mut glob, mut quoted, mut letters) = (String::new(), name.is_empty(), 0);
    for letter in name.chars() {
        letters += 1;
        match letter {
            _ if letters > LONGEST_GLOB => {
                glob.push('*');
                break;
            }
            '*' | '?' | '[' | '{' | '}' => glob.extend(['[', letter, ']']),
            '"' | '\'' | '`' | '\\' | '#' => glob.push('*'),
            letter if !is_plain(letter) => glob.push('*'),
            letter => {
                quoted |= matches!(letter, ' ' | ';' | '<');
                glob.push(letter);
            }
        }
    }
    while glob.contains("**") {
        glob = glob.replace("**", "*");
    }
    if quoted { format!("\"{glob}\"") } else { glob }
}
