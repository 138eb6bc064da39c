//! `[[rule]]`: what holds for some series.

use std::str::FromStr;

use perf_compare::{Amount, Limit, Pattern, Rule, Tier};
use perf_model::{Better, Unit};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, Visitor};

use super::{Direction, JudgeBy, Percent, text_schema};

/// `[[rule]]`: the series, and what holds for them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RuleConfig {
    /// Which benchmarks: a glob.
    benchmark: Option<Glob>,
    /// Which metrics: a glob.
    metric: Option<Glob>,
    /// From here on a series is slower.
    warn: Option<LimitText>,
    /// From here on a series fails.
    fail: Option<LimitText>,
    /// Which way is better.
    better: Option<Direction>,
    /// Whether a series may fail.
    tier: Option<TierWord>,
    /// What decides.
    judge: Option<JudgeBy>,
    /// A budget: at most this, or the gate fails.
    max: Option<AmountText>,
    /// A budget: at least this, or the gate fails.
    min: Option<AmountText>,
    /// A budget: at most this, or the gate warns.
    warn_max: Option<AmountText>,
    /// A budget: at least this, or the gate warns.
    warn_min: Option<AmountText>,
}

/// Whether a series may fail.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum TierWord {
    Gating,
    Exhibit,
}

impl RuleConfig {
    /// Returns the rule in the words of the comparison.
    pub(crate) fn rule(&self) -> Rule {
        let pattern = |glob: &Option<Glob>| glob.as_ref().map(|glob| glob.0.clone());
        let limit = |text: &Option<LimitText>| text.as_ref().map(|text| text.0.clone());
        let amount = |text: &Option<AmountText>| text.as_ref().map(|text| text.0.clone());
        Rule {
            benchmark: pattern(&self.benchmark),
            metric: pattern(&self.metric),
            warn: limit(&self.warn),
            fail: limit(&self.fail),
            better: self.better.map(Better::from),
            tier: self.tier.map(|tier| match tier {
                TierWord::Gating => Tier::Gating,
                TierWord::Exhibit => Tier::Exhibit,
            }),
            judge: self.judge.map(JudgeBy::judge),
            max: amount(&self.max),
            min: amount(&self.min),
            warn_max: amount(&self.warn_max),
            warn_min: amount(&self.warn_min),
        }
    }

    /// Checks what the form alone cannot say; `number` counts the rules from 1.
    pub(crate) fn check(&self, number: usize, general: Percent) -> Result<(), String> {
        let Rule { warn, fail, max, min, warn_max, warn_min, better, tier, judge, .. } = self.rule();
        let limits = [warn.is_some(), fail.is_some()];
        let budgets = [&max, &min, &warn_max, &warn_min].map(|amount| amount.is_some());
        let rest = [better.is_some(), tier.is_some(), judge.is_some()];
        if !limits.into_iter().chain(budgets).chain(rest).any(|given| given) {
            return Err(format!(
                "[[rule]] {number} asks for nothing: expected `warn`, `fail`, `max`, `min`, `warn-max`, `warn-min`, \
                 `better`, `tier` or `judge`"
            ));
        }
        in_order(number, (&warn, &fail), general)?;
        let above = |one: &Option<Amount>, other: &Option<Amount>| match (one, other) {
            (Some(one), Some(other)) => one.unit == other.unit && one.value > other.value,
            (None, _) | (_, None) => false,
        };
        for (wrong, what) in [
            (above(&min, &max), "`min` lies above `max`"),
            (above(&warn_max, &max), "`max` lies below `warn-max`"),
            (above(&min, &warn_min), "`min` lies above `warn-min`"),
        ] {
            if wrong {
                return Err(format!("[[rule]] {number}: {what}"));
            }
        }
        Ok(())
    }
}

/// Checks that a warning comes before its failure.
fn in_order(number: usize, limits: (&Option<Limit>, &Option<Limit>), general: Percent) -> Result<(), String> {
    let (Some(warn), fail) = limits else { return Ok(()) };
    let general = Limit { relative: Some(general.0), absolute: None };
    if fail.is_none() && warn.absolute.is_some() {
        return Err(format!(
            "[[rule]] {number}: a difference as `warn` needs a `fail` beside it: the general {} would come first",
            Percent(general.relative.unwrap_or_default())
        ));
    }
    let fail = fail.as_ref().unwrap_or(&general);
    if let (Some(warn), Some(fail)) = (warn.relative, fail.relative)
        && warn > fail
    {
        let (warn, fail) = (Percent(warn), Percent(fail));
        return Err(format!("[[rule]] {number}: `warn = \"{warn}\"` lies above `fail = \"{fail}\"`"));
    }
    if let (Some(warn), Some(fail)) = (&warn.absolute, &fail.absolute)
        && warn.unit == fail.unit
        && warn.value > fail.value
    {
        return Err(format!("[[rule]] {number}: the difference of `warn` lies above that of `fail`"));
    }
    Ok(())
}

/// A limit as it is written: `5%`, `+200us`, `5% and +200us`, `+0.5pp`.
#[derive(Debug)]
pub(super) struct LimitText(pub(super) Limit);

impl FromStr for LimitText {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut limit = Limit { relative: None, absolute: None };
        for part in text.split(" and ").map(str::trim) {
            let twice = || format!("`{text}`: expected one percentage, one difference, or one of each");
            if part.ends_with('%') {
                if limit.relative.replace(part.parse::<Percent>()?.0).is_some() {
                    return Err(twice());
                }
            } else if limit.absolute.replace(difference(part)?).is_some() {
                return Err(twice());
            }
        }
        Ok(Self(limit))
    }
}

/// Reads a difference: a number and its unit, or with a plus sign a number in the metric's own unit.
fn difference(text: &str) -> Result<Amount, String> {
    let unsigned = text.strip_prefix('+');
    let amount = unsigned.unwrap_or(text).parse::<AmountText>()?.0;
    if unsigned.is_none() && amount.unit.is_none() {
        return Err(format!(
            "`{text}`: is this a share or a difference? write `{text}%`, `+{text}` (in the metric's own unit) or a unit"
        ));
    }
    Ok(amount)
}

/// A value as it is written: `500ms`, `1,024 MB` without the comma, `0`, `2pp` (percentage points).
#[derive(Debug)]
struct AmountText(Amount);

impl FromStr for AmountText {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("`{text}`: expected a number and its unit, such as `500ms`");
        let trimmed = text.trim();
        if let Some(rest) = trimmed.strip_prefix('-')
            && rest.starts_with(|letter: char| letter.is_ascii_digit() || letter == '.')
        {
            return Err(format!("`{text}`: is below zero"));
        }
        if trimmed.parse::<f64>().is_ok_and(|number| !number.is_finite()) {
            return Err(format!("`{text}`: expected a finite number"));
        }
        let digits = |letter: char| letter.is_ascii_digit() || letter == '.';
        let end = trimmed.find(|letter| !digits(letter)).unwrap_or(trimmed.len());
        let (number, unit) = (&trimmed[..end], trimmed[end..].trim());
        let value: f64 = number.parse().map_err(|_| expected())?;
        if !value.is_finite() || unit.contains(|letter: char| letter.is_ascii_digit() || letter == ',') {
            return Err(expected());
        }
        let unit = match unit {
            "" => None,
            // A difference of shares is counted in percentage points.
            "pp" | "point" | "points" => Some(Unit::new("%")),
            unit => Some(Unit::new(unit)),
        };
        Ok(Self(Amount { value, unit }))
    }
}

/// A glob.
#[derive(Debug)]
pub(super) struct Glob(pub(super) Pattern);

impl FromStr for Glob {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Err("is empty; without the key the rule is about all".into());
        }
        Pattern::new(text).map(Self).map_err(|error| error.to_string())
    }
}

macro_rules! deserialize_text {
    ($type:ty, $expected:literal $(, $numbers:ident)?) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Written;
                impl Visitor<'_> for Written {
                    type Value = String;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str($expected)
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<String, E> {
                        Ok(text.to_owned())
                    }

                    $(deserialize_text!($numbers);)?
                }
                deserializer.deserialize_any(Written)?.parse().map_err(D::Error::custom)
            }
        }
    };
    (numbers) => {
        fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<String, E> {
            Ok(number.to_string())
        }

        fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<String, E> {
            Ok(number.to_string())
        }
    };
}

deserialize_text!(Glob, "a glob such as \"api/*\"");
deserialize_text!(LimitText, "a limit such as \"10%\", \"+200us\" or \"5% and +200us\"", numbers);
deserialize_text!(AmountText, "a value such as \"500ms\", or a number in the metric's own unit", numbers);

text_schema!(Glob, "Glob", {
    "type": "string",
    "minLength": 1,
    "description": "a glob: `*` stands for any text, `/` included",
});
text_schema!(LimitText, "Limit", {
    "type": "string",
    "description": "a share (`10%`), a difference (`+200us`, `+0.5pp`), or both (`5% and +200us`)",
    "pattern": r"^[^-]*[0-9][^-]*$",
});
text_schema!(AmountText, "Amount", {
    "description": "a number in the metric's own unit, or with a unit of its own (`500ms`)",
    "anyOf": [
        {"type": "number", "minimum": 0},
        {"type": "string", "pattern": r"^\s*[0-9.]+\s*[^0-9,]*$"},
    ],
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn limit(text: &str) -> Result<Limit, String> {
        text.parse::<LimitText>().map(|limit| limit.0)
    }

    fn amount(value: f64, unit: &str) -> Option<Amount> {
        Some(Amount { value, unit: (!unit.is_empty()).then(|| Unit::new(unit)) })
    }

    #[test]
    fn limits_are_shares_differences_or_both() {
        for (text, relative, absolute) in [
            ("5%", Some(0.05), None),
            ("+200us", None, amount(200.0, "us")),
            ("200 us", None, amount(200.0, "us")),
            ("5% and +200us", Some(0.05), amount(200.0, "us")),
            ("200us and 5%", Some(0.05), amount(200.0, "us")),
            ("+0.5pp", None, amount(0.5, "%")),
            ("+1", None, amount(1.0, "")),
            ("+3 req/s", None, amount(3.0, "req/s")),
        ] {
            assert_eq!(limit(text), Ok(Limit { relative, absolute }), "{text}");
        }
        for bad in
            ["", "5", "0.05", "fast", "5% and 6%", "1us and 2us", "-5%", "+-1", "1,024 MB", "1e999", "%"]
        {
            assert!(limit(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_rule_is_read_with_all_its_keys() {
        let text = "[[rule]]\nbenchmark = \"api/*\"\nmetric = \"p95\"\nwarn = \"20%\"\nfail = \"50% and +5ms\"\n\
                    better = \"lower\"\ntier = \"exhibit\"\njudge = \"limits\"\nmax = \"500ms\"\nmin = 0\nwarn-max = 1.5";
        let rules = Config::parse(text).unwrap().policy().rules;
        let rule = &rules[0];
        assert_eq!(rule.benchmark.as_ref().map(Pattern::text), Some("api/*"));
        assert_eq!((rule.tier, rule.better), (Some(Tier::Exhibit), Some(Better::Lower)));
        assert_eq!(rule.fail.as_ref().unwrap().absolute, amount(5.0, "ms"));
        assert_eq!((&rule.max, &rule.min), (&amount(500.0, "ms"), &amount(0.0, "")));
        assert_eq!(rule.warn_max, amount(1.5, ""));
    }

    #[test]
    fn mistakes_in_rules_are_named() {
        for (text, expected) in [
            ("[[rule]]\nbenchmark = \"a\"", "asks for nothing"),
            ("[[rule]]\nwarn = \"20%\"\nfail = \"10%\"", "lies above"),
            ("[[rule]]\nwarn = 5", "is this a share or a difference?"),
            ("[[rule]]\nwarn = \"+5ns\"", "needs a `fail` beside it"),
            ("[[rule]]\nwarn = \"45%\"", "lies above `fail = \"25%\"`"),
            ("[[rule]]\nwarn = \"+50us\"\nfail = \"+5us\"", "the difference of `warn`"),
            ("[[rule]]\nmin = 10\nmax = 5", "`min` lies above `max`"),
            ("[[rule]]\nmax = 5\nwarn-max = 10", "`max` lies below `warn-max`"),
            ("[[rule]]\nmin = 5\nwarn-min = 1", "`min` lies above `warn-min`"),
            ("[[rule]]\nbenchmark = \"a[\"\nwarn = \"5%\"", "is no glob"),
            ("[[rule]]\nlimit = \"5%\"", "unknown key `limit`"),
            ("[[rule]]\nmax = \"lots\"", "expected a number and its unit"),
            ("[[rule]]\ntier = \"gold\"", "unknown variant `gold`"),
        ] {
            let problem = Config::parse(text).unwrap_err();
            assert!(problem.contains(expected), "{text}: {problem}");
        }
    }
}
