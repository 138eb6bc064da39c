//! What a policy asks of one series, and which rule asks it.

use perf_compare::statistics::Judge;
use perf_compare::{Acceptance, AcceptedIn, Alias, Amount, Asked, Given, Limit, Policy, Rule, Tier};
use perf_model::{Better, SeriesId};

use crate::number::limit as share;
use crate::report::at_most;
use crate::sink::Sink;

/// Returns one line for each value that holds for a series, with the rule that gives it.
pub fn rules(series: &SeriesId, policy: &Policy) -> String {
    let asked = policy.asked(series);
    let (held_warn, held_fail) = policy.limits_of(&asked);
    let Asked { warn, fail, better, tier, judge, max, min, warn_max, warn_min } = asked;
    let judged_by = |judge: Judge| match judge {
        Judge::Noise => "statistics".to_owned(),
        Judge::Limits => "limits".to_owned(),
    };
    let tier_word = |tier: Tier| match tier {
        Tier::Gating => "gating".to_owned(),
        Tier::Exhibit => "exhibit (never fails)".to_owned(),
    };
    let lines = [
        line("warn", &warn, limit, limit(&held_warn), policy),
        line("fail", &fail, limit, limit(&held_fail), policy),
        line("better", &better, |better: &Better| better.word().to_owned(), "as recorded".into(), policy),
        line("tier", &tier, |tier| tier_word(*tier), tier_word(Tier::default()), policy),
        line("judge", &judge, |judge| judged_by(*judge), judged_by(policy.judge), policy),
        line("max", &max, amount, "none".into(), policy),
        line("min", &min, amount, "none".into(), policy),
        line("warn-max", &warn_max, amount, "none".into(), policy),
        line("warn-min", &warn_min, amount, "none".into(), policy),
    ];
    let accepted = policy.acceptances.entries.iter().zip(1..).filter(|(it, _)| it.matches(series));
    let lines = lines.into_iter().chain(accepted.map(|(it, number)| acceptance(it, number)));
    let aliases = policy.aliases.iter().zip(1..).filter(|(it, _)| it.matches(series));
    let lines = lines.chain(aliases.map(|(it, number)| alias(it, number)));
    format!("{}\n{}\n", Sink::Text.series(series), lines.collect::<Vec<_>>().join("\n"))
}

fn alias(alias: &Alias, number: usize) -> String {
    let from = Sink::Text.name(&alias.from);
    format!("  {:<9} {from:<22} [[alias]] {number} (to {})", "formerly", Sink::Text.name(&alias.to))
}

fn acceptance(acceptance: &Acceptance, number: usize) -> String {
    let most = acceptance.at_most.as_ref().map_or("any change".to_owned(), |most| at_most(most, Sink::Text));
    let until = match &acceptance.source {
        AcceptedIn::File { expires } => format!(", until {expires}"),
        AcceptedIn::Commit(_) => String::new(),
    };
    let (reason, by) = (Sink::Text.name(&acceptance.reason), Sink::Text.name(&acceptance.by));
    format!("  {:<9} {most:<22} [[accept]] {number} ({reason}; {by}{until})", "accept")
}

fn line<T>(
    key: &str,
    given: &Given<T>,
    shown: impl Fn(&T) -> String,
    default: String,
    policy: &Policy,
) -> String {
    let (value, source) = match given {
        Some((value, number)) => (shown(value), rule(*number, &policy.rules[*number])),
        None => (default, "no rule".to_owned()),
    };
    format!("  {key:<9} {value:<22} {source}")
}

fn rule(number: usize, rule: &Rule) -> String {
    let part = |key: &str, pattern: &Option<perf_compare::Pattern>| {
        pattern.as_ref().map(|pattern| format!("{key} {}", Sink::Text.name(pattern.text())))
    };
    let parts: Vec<String> =
        [part("benchmark", &rule.benchmark), part("metric", &rule.metric)].into_iter().flatten().collect();
    let what = if parts.is_empty() { "every series".to_owned() } else { parts.join(", ") };
    format!("[[rule]] {} ({what})", number + 1)
}

fn limit(limit: &Limit) -> String {
    let difference = limit.absolute.as_ref().map(|absolute| format!("+{}", amount(absolute)));
    let parts: Vec<String> = limit.relative.map(share).into_iter().chain(difference).collect();
    parts.join(" and ")
}

fn amount(amount: &Amount) -> String {
    match &amount.unit {
        Some(unit) if unit.symbol() == "%" => format!("{} pp", amount.value),
        Some(unit) => format!("{} {}", amount.value, Sink::Text.name(unit.symbol())),
        None => amount.value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use perf_compare::Pattern;
    use perf_model::Unit;

    use super::*;

    #[test]
    fn every_value_names_the_rule_that_gives_it() {
        let policy = Policy {
            rules: vec![
                Rule { warn: Some(Limit { relative: Some(0.2), absolute: None }), ..Rule::default() },
                Rule {
                    benchmark: Some(Pattern::new("api/*").unwrap()),
                    max: Some(Amount { value: 500.0, unit: Some(Unit::new("ms")) }),
                    ..Rule::default()
                },
            ],
            ..Policy::default()
        };
        let id = |benchmark: &str| SeriesId {
            benchmark: benchmark.into(),
            params: std::collections::BTreeMap::default(),
            metric: "p95".into(),
        };
        let expected = "\
api/users p95
  warn      20 %                   [[rule]] 1 (every series)
  fail      25 %                   no rule
  better    as recorded            no rule
  tier      gating                 no rule
  judge     statistics             no rule
  max       500 ms                 [[rule]] 2 (benchmark api/*)
  min       none                   no rule
  warn-max  none                   no rule
  warn-min  none                   no rule
";
        assert_eq!(rules(&id("api/users"), &policy), expected);
        assert!(rules(&id("other"), &policy).contains("  max       none                   no rule"));
    }
}
