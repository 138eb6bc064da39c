//! Puts proposed limits into the text of `perf.toml`: one `[[rule]]` for each series, everything else as it was.

use perf_compare::{Advice, Calibrated, Calibration, Limits, Pattern, Policy, Tier};
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, Value};

use crate::config::Percent;

/// Returns the text with what is proposed. A rule for the very series is changed where no later one has a say in it;
/// else a rule is added at the end, where the last word is.
pub(super) fn edited(text: &str, policy: &Policy, calibration: &Calibration) -> Result<String, String> {
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| error.to_string())?;
    let changes: Vec<_> = calibration.series.iter().filter_map(Change::of).collect();
    if changes.is_empty() {
        return Ok(text.to_owned());
    }
    let rules = document.entry("rule").or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    let Some(rules) = rules.as_array_of_tables_mut() else {
        return Err("`rule` is written as one value; `perf calibrate` changes [[rule]] tables only".into());
    };
    for change in changes {
        match own_rule(&change, rules, policy) {
            Some(index) => change.put(rules.get_mut(index).expect("it was found there")),
            None => rules.push(change.rule(calibration.baselines)),
        }
    }
    Ok(document.to_string())
}

/// What a rule is to say of one series.
struct Change<'a> {
    series: &'a Calibrated,
    limits: Option<Limits>,
    tier: Option<Tier>,
}

/// Finds the rule for this very series, unless a later one is about it too.
fn own_rule(change: &Change, rules: &ArrayOfTables, policy: &Policy) -> Option<usize> {
    let last = policy.rules.iter().rposition(|rule| rule.matches(&change.series.series))?;
    let says = |key: &str, text: &str| rules.get(last)?.get(key)?.as_str().map(|it| it == text);
    let (benchmark, metric) = change.patterns();
    (says("benchmark", &benchmark)? && says("metric", &metric)?).then_some(last)
}

impl<'a> Change<'a> {
    fn of(series: &'a Calibrated) -> Option<Self> {
        match series.advice {
            Advice::Change { limits, tier } => {
                Some(Self { series, limits, tier: tier.map(|(tier, _)| tier) })
            }
            Advice::TooFewBaselines | Advice::NoRatio | Advice::TooFewReadings { .. } | Advice::Fits => None,
        }
    }

    fn patterns(&self) -> (String, String) {
        let series = &self.series.series;
        (Pattern::escaped(&series.case()), Pattern::escaped(&series.metric))
    }

    /// Returns a rule of its own.
    fn rule(&self, baselines: usize) -> Table {
        let (benchmark, metric) = self.patterns();
        let mut rule = Table::new();
        rule.decor_mut().set_prefix(format!("\n# By `perf calibrate`, from {baselines} baselines.\n"));
        rule.insert("benchmark", Item::Value(benchmark.into()));
        rule.insert("metric", Item::Value(metric.into()));
        self.put(&mut rule);
        rule
    }

    /// Puts the values into a rule; comments beside them stay.
    fn put(&self, rule: &mut Table) {
        let percent = |limit: f64| Percent(limit).to_string();
        let tier = self.tier.map(|tier| match tier {
            Tier::Gating => "gating".to_owned(),
            Tier::Exhibit => "exhibit".to_owned(),
        });
        let limits = self.limits;
        for (key, value) in [
            ("warn", limits.map(|limits| percent(limits.warn))),
            ("fail", limits.map(|limits| percent(limits.fail))),
            ("tier", tier),
        ] {
            let Some(new) = value else { continue };
            let mut new = Value::from(new);
            match rule.get_mut(key).and_then(Item::as_value_mut) {
                Some(old) => {
                    *new.decor_mut() = old.decor().clone();
                    *old = new;
                }
                None => {
                    rule.insert(key, Item::Value(new));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use perf_compare::{Limit, Why};
    use perf_model::{Metric, SeriesId};

    use super::*;
    use crate::config::Config;

    fn calibration(benchmark: &str, advice: Advice) -> Calibration {
        let series = SeriesId { benchmark: benchmark.into(), params: BTreeMap::new(), metric: "time".into() };
        let limit = |relative| Limit { relative: Some(relative), absolute: None };
        let calibrated = Calibrated {
            series,
            metric: Metric::time("time", "ns"),
            baselines: 12,
            level: 1.0,
            noise: Some(0.01),
            detectable: Some([0.1, 0.05, 0.02]),
            asked: (limit(0.1), limit(0.25)),
            tier: Tier::Gating,
            advice,
        };
        Calibration { baselines: 12, series: vec![calibrated] }
    }

    fn limits(warn: f64, fail: f64) -> Advice {
        Advice::Change { limits: Some(Limits { warn, fail }), tier: None }
    }

    fn after(text: &str, benchmark: &str, advice: Advice) -> String {
        let policy = Config::parse(text).unwrap().policy();
        edited(text, &policy, &calibration(benchmark, advice)).unwrap()
    }

    #[test]
    fn a_rule_is_added_after_the_others_and_nothing_else_moves() {
        let text = "# Ours.\nfail = \"25%\" # never more\n\n[[rule]]\nbenchmark = \"*\"\nfail = \"20%\"\n\n[[suite]]\nname = \"a\"\npath = \"b\"\n";
        let expected = "# Ours.\nfail = \"25%\" # never more\n\n[[rule]]\nbenchmark = \"*\"\nfail = \"20%\"\n\n\
            # By `perf calibrate`, from 12 baselines.\n[[rule]]\nbenchmark = \"a/b\"\nmetric = \"time\"\nwarn = \"5%\"\nfail = \"10%\"\n\n\
            [[suite]]\nname = \"a\"\npath = \"b\"\n";
        assert_eq!(after(text, "a/b", limits(0.05, 0.1)), expected);
    }

    #[test]
    fn its_own_rule_is_changed_in_place_with_its_comments() {
        let text = after("", "sort[n=1]*", limits(0.05, 0.1)).replace("\"5%\"", "\"5%\" # for now");
        let again = after(&text, "sort[n=1]*", limits(0.2, 0.5));
        assert_eq!(again, text.replace("\"5%\"", "\"20%\"").replace("\"10%\"", "\"50%\""));
        assert!(again.contains("# for now"), "{again}");
        let demoted = Advice::Change { limits: None, tier: Some((Tier::Exhibit, Why::TooNoisy)) };
        let demoted = after(&text, "sort[n=1]*", demoted);
        assert_eq!(demoted, format!("{text}tier = \"exhibit\"\n"));
    }

    #[test]
    fn a_later_rule_is_answered_by_one_after_it() {
        let own = after("", "a", limits(0.05, 0.1));
        let overridden = format!("{own}\n[[rule]]\nfail = \"30%\"\n");
        let text = after(&overridden, "a", limits(0.05, 0.1));
        assert!(text.starts_with(&overridden) && text.len() > overridden.len(), "{text}");
        let asked =
            Config::parse(&text).unwrap().policy().asked(&calibration("a", Advice::Fits).series[0].series);
        assert_eq!(asked.fail.unwrap().0.relative, Some(0.1));
    }

    #[test]
    fn what_fits_changes_no_byte_and_inline_rules_are_refused() {
        let text = "rule = [{ fail = \"20%\" }]\n";
        assert_eq!(after(text, "a", Advice::Fits), text);
        let policy = Config::parse(text).unwrap().policy();
        let refused = edited(text, &policy, &calibration("a", limits(0.05, 0.1)));
        assert!(refused.unwrap_err().contains("[[rule]] tables only"));
    }
}
