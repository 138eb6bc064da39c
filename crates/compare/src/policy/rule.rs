use std::fmt;

use globset::{Glob, GlobMatcher};
use perf_model::{Better, Metric, SeriesId, Unit};
use thiserror::Error;

use crate::statistics::Judge;

/// What holds for the series whose benchmark and metric match. What it does not give is left to others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// Which benchmarks; all of them where not given.
    pub benchmark: Option<Pattern>,
    /// Which metrics; all of them where not given.
    pub metric: Option<Pattern>,
    /// From here on a series is `slower`.
    pub warn: Option<Limit>,
    /// From here on a series is `regressed`.
    pub fail: Option<Limit>,
    /// Which way is better, whatever the record says.
    pub better: Option<Better>,
    /// Whether a series may fail.
    pub tier: Option<Tier>,
    /// What decides.
    pub judge: Option<Judge>,
    /// What a series must not exceed, whatever the base: beyond it the gate fails.
    pub max: Option<Amount>,
    /// What a series must not fall below, whatever the base.
    pub min: Option<Amount>,
    /// What a series should not exceed: beyond it the gate warns.
    pub warn_max: Option<Amount>,
    /// What a series should not fall below.
    pub warn_min: Option<Amount>,
}

/// Whether a series may fail the gate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tier {
    /// It may.
    #[default]
    Gating,
    /// It is judged and reported, and never fails.
    Exhibit,
}

/// How large a change for the worse must be. Where both are given, both must be reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// As a share of the base: `0.1` is 10 %.
    pub relative: Option<f64>,
    /// As a difference.
    pub absolute: Option<Amount>,
}

/// A value of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Amount {
    /// The number.
    pub value: f64,
    /// Its unit; the metric's own where not given.
    pub unit: Option<Unit>,
}

/// A glob that names benchmarks or metrics: `*` stands for any text, `/` included.
#[derive(Clone, Debug)]
pub struct Pattern(GlobMatcher);

/// A text that is no glob.
#[derive(Debug, Error)]
#[error("`{text}` is no glob: {reason}")]
pub struct PatternError {
    text: String,
    reason: String,
}

impl Rule {
    /// Returns whether it bounds its series.
    pub(crate) fn is_budget(&self) -> bool {
        [&self.max, &self.min, &self.warn_max, &self.warn_min].into_iter().any(Option::is_some)
    }

    /// Says whether the rule is about a series.
    pub fn matches(&self, series: &SeriesId) -> bool {
        self.benchmark.as_ref().is_none_or(|pattern| covers_case(pattern, series))
            && self.metric.as_ref().is_none_or(|pattern| pattern.matches(&series.metric))
    }
}

/// Says whether a glob names the benchmark of a series, with or without its parameters.
pub(super) fn covers_case(pattern: &Pattern, series: &SeriesId) -> bool {
    pattern.matches(&series.benchmark) || !series.params.is_empty() && pattern.matches(&series.case())
}

impl Amount {
    /// Returns the value in the unit of a metric; `None` where the units do not convert.
    pub fn of(&self, metric: &Metric) -> Option<f64> {
        let factor = self.unit.as_ref().map_or(Some(1.0), |unit| unit.factor_to(&metric.unit))?;
        Some(self.value * factor)
    }
}

impl Pattern {
    /// Reads a glob.
    ///
    /// # Errors
    ///
    /// [`PatternError`] where it is none, such as `a[`.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        let error =
            |error: globset::Error| PatternError { text: text.to_owned(), reason: error.kind().to_string() };
        Glob::new(text).map(|glob| Self(glob.compile_matcher())).map_err(error)
    }

    /// Returns the glob, as text, that only this very name matches.
    pub fn escaped(name: &str) -> String {
        // A class of one is the only spelling of a backslash that every platform reads alike.
        let parts: Vec<String> = name.split('\\').map(globset::escape).collect();
        parts.join("[\\]")
    }

    /// Says whether a name matches.
    pub fn matches(&self, name: &str) -> bool {
        self.0.is_match(name)
    }

    /// Returns the glob as it was written.
    pub fn text(&self) -> &str {
        self.0.glob().glob()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::policy::{Limits, Policy};

    fn series(benchmark: &str, params: &[(&str, &str)], metric: &str) -> SeriesId {
        SeriesId {
            benchmark: benchmark.into(),
            params: params
                .iter()
                .map(|(key, value)| ((*key).into(), (*value).into()))
                .collect::<BTreeMap<_, _>>(),
            metric: metric.into(),
        }
    }

    fn rule(benchmark: &str, metric: &str) -> Rule {
        let pattern = |text: &str| Some(Pattern::new(text).unwrap()).filter(|_| !text.is_empty());
        Rule { benchmark: pattern(benchmark), metric: pattern(metric), ..Rule::default() }
    }

    fn percent(relative: f64) -> Limit {
        Limit { relative: Some(relative), absolute: None }
    }

    #[test]
    fn a_rule_matches_by_benchmark_case_and_metric() {
        let id = series("api/users/list", &[("n", "10")], "p95");
        for (benchmark, metric, expected) in [
            ("", "", true),
            ("api/*", "", true),
            ("api/*", "p9*", true),
            ("api/*", "time", false),
            ("api", "", false),
            ("*list", "", true),
            ("*n=10*", "", true),
            ("*n=11*", "", false),
        ] {
            assert_eq!(rule(benchmark, metric).matches(&id), expected, "{benchmark} {metric}");
        }
        assert!(Pattern::new("a[").is_err());
    }

    #[test]
    fn an_escaped_name_matches_itself_alone() {
        for name in ["a/b", "a*b", "sort[n=10,order=up]", "{a,b}", "what?", r"C:\bench", "!x"] {
            let pattern = Pattern::new(&Pattern::escaped(name)).unwrap();
            assert!(pattern.matches(name), "{name}: {pattern}");
            assert!(!pattern.matches(&format!("{name}x")) && !pattern.matches("axb"), "{name}: {pattern}");
        }
    }

    #[test]
    fn of_each_value_the_last_rule_that_gives_it_decides() {
        let policy = Policy {
            rules: vec![
                Rule { warn: Some(percent(0.1)), fail: Some(percent(0.5)), ..rule("", "") },
                Rule { fail: Some(percent(0.2)), tier: Some(Tier::Exhibit), ..rule("api/*", "") },
                Rule { tier: Some(Tier::Gating), ..rule("other", "") },
            ],
            ..Policy::default()
        };
        let asked = policy.asked(&series("api/a", &[], "time"));
        assert_eq!(asked.warn, Some((percent(0.1), 0)));
        assert_eq!(asked.fail, Some((percent(0.2), 1)));
        assert_eq!(asked.tier, Some((Tier::Exhibit, 1)));
        assert_eq!(asked.max, None);
    }

    #[test]
    fn a_stricter_failure_lowers_the_general_warning() {
        let policy = Policy {
            limits: Limits { warn: 0.1, fail: 0.25 },
            rules: vec![Rule { fail: Some(percent(0.05)), ..rule("", "") }],
            ..Policy::default()
        };
        let asked = policy.asked(&series("a", &[], "time"));
        assert_eq!(policy.limits_of(&asked), (percent(0.05), percent(0.05)));
    }

    #[test]
    fn amounts_convert_into_the_unit_of_the_metric() {
        let amount = |value, unit: Option<&str>| Amount { value, unit: unit.map(Unit::new) };
        let latency = Metric::time("latency", "ms");
        assert_eq!(amount(200.0, Some("us")).of(&latency), Some(0.2));
        assert_eq!(amount(3.0, None).of(&latency), Some(3.0));
        assert_eq!(amount(3.0, Some("MiB")).of(&latency), None);
    }
}
