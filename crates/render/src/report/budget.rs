//! What text and Markdown say of budgets.

use perf_compare::{Bound, Breach, Budgets, Claim, Outcome, Severity};

use super::acceptance;
use crate::number::{counted, things};
use crate::sink::Sink;

/// How many broken bounds are told apart.
const MOST_BREACHES: usize = 20;

/// Says which budgets of an environment do not hold, and how many do.
pub(crate) fn budgets(budgets: &Budgets, outcome: &Outcome, sink: Sink) -> Vec<String> {
    let Budgets { checked, breaches, unchecked, silent } = budgets;
    if *checked == 0 && unchecked.is_empty() && silent.is_empty() {
        return vec![];
    }
    let holding = counted(checked - breaches.len());
    let mut lines = vec![format!("budgets: {holding} of {} hold", counted(*checked))];
    lines.extend(breaches.iter().take(MOST_BREACHES).map(|breach| line(breach, outcome, sink)));
    let rest = breaches.len().saturating_sub(MOST_BREACHES);
    lines.extend((rest > 0).then(|| format!("budgets broken besides: {}", counted(rest))));
    if let Some(first) = unchecked.first() {
        lines.push(format!(
            "warning: budgets in a unit that their series is not measured in, and not checked: {} (first: {})",
            counted(unchecked.len()),
            sink.series(first)
        ));
    }
    if let Some(first) = silent.first() {
        lines.push(format!(
            "warning: budgets of series that the base has and the head has not, and not checked: {} (first: {})",
            counted(silent.len()),
            sink.series(first)
        ));
    }
    lines
}

/// Says how many budgets are broken, with the first of them; `None` where none of this severity is.
pub(crate) fn headline(outcome: &Outcome, severity: Severity, sink: Sink) -> Option<String> {
    let all = outcome.sections.iter().flat_map(|section| &section.budgets.breaches);
    let breaches: Vec<&Breach> =
        all.filter(|breach| breach.severity == severity && Claim::accepted(breach.claim).is_none()).collect();
    let first = breaches.first()?;
    Some(format!("{} broken ({})", things(breaches.len(), "budget"), figures(first, sink)))
}

/// Counts the budgets that nothing was held to, since the head has not their series.
pub(crate) fn silent(outcome: &Outcome) -> Option<String> {
    let count: usize = outcome.sections.iter().map(|section| section.budgets.silent.len()).sum();
    (count > 0).then(|| format!("{} of series that the head has not", things(count, "budget")))
}

pub(super) fn line(breach: &Breach, outcome: &Outcome, sink: Sink) -> String {
    let word = match breach.severity {
        Severity::Fail => "over budget",
        Severity::Warn => "over budget, a warning",
    };
    let remark = acceptance::remark(breach.claim, outcome, sink).map(|remark| format!("; {remark}"));
    format!("{word}: {}{}", figures(breach, sink), remark.unwrap_or_default())
}

/// Writes what was read and what was allowed.
pub(crate) fn figures(breach: &Breach, sink: Sink) -> String {
    let [level, limit] = sink.amounts(&breach.metric.unit, [breach.level, breach.limit]);
    let bound = match breach.bound {
        Bound::Max => "at most",
        Bound::Min => "at least",
    };
    format!("{}: {level}, allowed {bound} {limit}", sink.series(&breach.series))
}
