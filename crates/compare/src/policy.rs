//! What a project asks of its numbers: limits, budgets and tiers, by benchmark and metric.

mod acceptance;
mod alias;
mod budget;
mod origin;
mod rule;

use perf_model::{Better, Measurement, Metric, SeriesId};
use time::Duration;

pub(crate) use self::acceptance::Worsening;
pub use self::acceptance::{Acceptance, Acceptances, AcceptedIn, Claim, Cover, WHOLE_SUITE};
pub(crate) use self::alias::former_names;
pub use self::alias::{Alias, Renamings, is_asked_for, renamings};
pub use self::budget::{Bound, Breach, Budgets, Severity, budgets};
pub use self::origin::{Origin, PolicyChange, PolicySource};
use self::rule::covers_case;
pub use self::rule::{Amount, Limit, Pattern, PatternError, Rule, Tier};
use crate::statistics::{Judge, Settings, SuiteShift};
use crate::verdict::Verdict;

/// How large a change for the worse must be before it warns, and before it fails.
///
/// As relative limits, `0.1` is 10 %. For a metric where higher is better, a limit of 10 % means a drop of
/// 10 %.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// From here on a series is `slower`.
    pub warn: f64,
    /// From here on a series is `regressed`.
    pub fail: f64,
}

impl Default for Limits {
    /// Warns at 10 % and fails at 25 %: above the run-to-run noise of shared runners, below what users notice.
    fn default() -> Self {
        Self { warn: 0.10, fail: 0.25 }
    }
}

/// Turns a relative limit into a logarithmic one: a rise of `limit`, or a drop of `limit` where higher is better.
///
/// A shade under the exact value, so that a change of precisely 10 % reaches a limit of 10 % despite rounding; but
/// above zero, so that no change at all reaches no limit.
pub(crate) fn log_limit(limit: f64, better: Better) -> f64 {
    const ROUNDING: f64 = 1e-12;
    let exact = match better {
        Better::Lower => limit.ln_1p(),
        Better::Higher if limit < 1.0 => -(-limit).ln_1p(),
        Better::Higher => f64::INFINITY,
    };
    (exact - ROUNDING).max(f64::MIN_POSITIVE)
}

/// What a series that cannot be decided means for the gate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inconclusive {
    /// It is reported and does not fail.
    #[default]
    Pass,
    /// It fails like a regression.
    Fail,
}

/// What the project asks of its numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// The limits of every series that no rule says otherwise of, and of the suite as a whole.
    pub limits: Limits,
    /// What holds for some series, in order: of each value the last rule that gives it decides.
    pub rules: Vec<Rule>,
    /// What an undecided series means.
    pub inconclusive: Inconclusive,
    /// What decides on a series.
    pub judge: Judge,
    /// Whether a single head run may fail.
    pub fail_on_one_run: bool,
    /// What a shift of the whole suite beyond its fail limit is.
    pub suite_shift: SuiteShift,
    /// How old a baseline may be.
    pub max_age: MaxAge,
    /// What may become worse, since somebody answers for it.
    pub acceptances: Acceptances,
    /// Which benchmarks got another name.
    pub aliases: Vec<Alias>,
}

/// How much older than the head a baseline may be before a report warns of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxAge(pub Option<Duration>);

impl Default for MaxAge {
    /// A month.
    fn default() -> Self {
        Self(Some(Duration::days(30)))
    }
}

/// What a policy asks of one series. Each value is given with the number of the rule that it comes from, from 0;
/// `None` where no rule gives it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    /// From here on it is `slower`.
    pub warn: Given<Limit>,
    /// From here on it is `regressed`.
    pub fail: Given<Limit>,
    /// Which way is better.
    pub better: Given<Better>,
    /// Whether it may fail.
    pub tier: Given<Tier>,
    /// What decides.
    pub judge: Given<Judge>,
    /// What it must not exceed, as a failure.
    pub max: Given<Amount>,
    /// What it must not fall below, as a failure.
    pub min: Given<Amount>,
    /// What it must not exceed, as a warning.
    pub warn_max: Given<Amount>,
    /// What it must not fall below, as a warning.
    pub warn_min: Given<Amount>,
}

/// A value and the number of the rule that gives it.
pub type Given<T> = Option<(T, usize)>;

impl Policy {
    /// Returns what the rules ask of one series.
    pub fn asked(&self, series: &SeriesId) -> Asked {
        let mut asked = Asked::default();
        let matching = self.rules.iter().enumerate().filter(|(_, rule)| rule.matches(series));
        for (number, rule) in matching {
            give(&mut asked.warn, &rule.warn, number);
            give(&mut asked.fail, &rule.fail, number);
            give(&mut asked.better, &rule.better, number);
            give(&mut asked.tier, &rule.tier, number);
            give(&mut asked.judge, &rule.judge, number);
            give(&mut asked.max, &rule.max, number);
            give(&mut asked.min, &rule.min, number);
            give(&mut asked.warn_max, &rule.warn_max, number);
            give(&mut asked.warn_min, &rule.warn_min, number);
        }
        asked
    }

    /// Returns the limits to hold a series against, warn and fail: a fail limit of its own that lies below the general warn
    /// limit warns as well.
    pub fn limits_of(&self, asked: &Asked) -> (Limit, Limit) {
        let general = |limit| Limit { relative: Some(limit), absolute: None };
        let fail = asked.fail.as_ref().map_or_else(|| general(self.limits.fail), |(limit, _)| limit.clone());
        let warn = match (&asked.warn, fail.relative) {
            (Some((warn, _)), _) => warn.clone(),
            (None, Some(relative)) => {
                Limit { relative: Some(self.limits.warn.min(relative)), ..fail.clone() }
            }
            (None, None) => fail.clone(),
        };
        (warn, fail)
    }

    /// Says whether a series of this tier fails the gate because it could not be decided.
    pub(crate) fn fails_undecided(&self, verdict: Verdict, tier: Tier) -> bool {
        verdict == Verdict::Inconclusive && tier == Tier::Gating && self.inconclusive == Inconclusive::Fail
    }

    /// Returns what the statistics are to hold to.
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            fail_on_one_run: self.fail_on_one_run,
            suite_shift: self.suite_shift,
            suite_limits: self.limits,
            ..Settings::default()
        }
    }
}

impl Asked {
    /// Returns the tier of the series.
    pub fn tier(&self) -> Tier {
        self.tier.map_or(Tier::default(), |(tier, _)| tier)
    }

    /// Returns whether there is any bound.
    pub(crate) fn is_budget(&self) -> bool {
        [&self.max, &self.min, &self.warn_max, &self.warn_min].into_iter().any(Option::is_some)
    }

    /// Returns the metric of a measurement with the direction that was asked for.
    pub(crate) fn metric(&self, measurement: &Measurement) -> Metric {
        let metric = measurement.metric.clone();
        Metric { better: self.better.map_or(metric.better, |(better, _)| better), ..metric }
    }
}

fn give<T: Clone>(slot: &mut Given<T>, value: &Option<T>, number: usize) {
    if let Some(value) = value {
        *slot = Some((value.clone(), number));
    }
}
