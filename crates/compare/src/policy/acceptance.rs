use perf_model::{Better, CommitId, Metric, SeriesId};
use time::Date;

use super::{Limit, Pattern, covers_case};

/// The name under which a shift of the whole suite is accepted.
pub const WHOLE_SUITE: &str = "whole-suite";

/// What somebody answers for: these series may become worse.
#[derive(Clone, Debug, PartialEq)]
pub struct Acceptance {
    /// Which benchmarks.
    pub benchmark: Pattern,
    /// Which metrics; all of them where not given.
    pub metric: Option<Pattern>,
    /// How large the change for the worse may be; as large as it will where not given.
    pub at_most: Option<Limit>,
    /// Why it is worth it.
    pub reason: String,
    /// Who says so.
    pub by: String,
    /// Where it is written.
    pub source: AcceptedIn,
    /// The only commit whose numbers it is about: an ancestor that stands in for a base which was not measured. Of what is
    /// compared with the base itself the acceptance is no part any more.
    pub since: Option<CommitId>,
}

impl Acceptance {
    /// Returns whether it is about a comparison with the numbers of a commit.
    pub(crate) fn holds_since(&self, base: Option<&CommitId>) -> bool {
        self.since.is_none() || self.since.as_ref() == base
    }
}

/// Where an acceptance is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AcceptedIn {
    /// In the message of a commit between base and head.
    Commit(CommitId),
    /// In the configuration.
    File {
        /// The last day on which it holds.
        expires: Date,
    },
}

/// All that is accepted, and the day on which that is asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Acceptances {
    /// In order: the first that covers a series decides.
    pub entries: Vec<Acceptance>,
    /// Today. Where nobody says, what expires has expired.
    pub today: Option<Date>,
}

/// What the acceptances say of something that became worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The number of the acceptance, from 0.
    pub entry: usize,
    /// Whether it covers what happened.
    pub cover: Cover,
}

/// Whether an acceptance covers what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cover {
    /// It does.
    Full,
    /// The change is larger than it allows.
    Beyond,
    /// Its time is over.
    Expired,
}

/// How much worse something became.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Worsening<'a> {
    /// As a share; `None` where there is no ratio.
    pub(crate) share: Option<f64>,
    /// In the metric's unit; `None` where it has none.
    pub(crate) difference: Option<(f64, &'a Metric)>,
}

impl Worsening<'_> {
    /// Returns a relative change for the worse of a metric in this direction.
    pub(crate) fn share_of(change: f64, better: Better) -> f64 {
        match better {
            Better::Lower => change,
            Better::Higher => -change,
        }
    }
}

impl Acceptance {
    /// Says whether the acceptance is about a series.
    pub fn matches(&self, series: &SeriesId) -> bool {
        covers_case(&self.benchmark, series)
            && self.metric.as_ref().is_none_or(|pattern| pattern.matches(&series.metric))
    }

    /// Says whether the acceptance is about the suite as a whole, which is no metric.
    pub fn matches_whole_suite(&self) -> bool {
        self.metric.is_none() && self.benchmark.matches(WHOLE_SUITE)
    }

    /// Says whether the acceptance is about a budget of a series: only where it names the metric, since a budget
    /// holds for everybody after this change too.
    pub fn matches_budget(&self, series: &SeriesId) -> bool {
        let named = |pattern: &Pattern| pattern.text().bytes().any(|byte| byte != b'*');
        self.metric.as_ref().is_some_and(named) && self.matches(series)
    }

    fn covers(&self, worse: Worsening, today: Option<Date>) -> Cover {
        if let AcceptedIn::File { expires } = self.source
            && today.is_none_or(|today| today > expires)
        {
            return Cover::Expired;
        }
        let Some(at_most) = &self.at_most else { return Cover::Full };
        // A change of precisely the bound is within it, despite rounding.
        let within = |value: f64, bound: f64| value <= bound + 1e-9 * bound.abs().max(1e-3);
        let share = at_most.relative.is_none_or(|bound| worse.share.is_some_and(|it| within(it, bound)));
        let difference = at_most.absolute.as_ref().is_none_or(|bound| {
            let bound = |metric| bound.of(metric);
            worse.difference.is_some_and(|(it, metric)| bound(metric).is_some_and(|bound| within(it, bound)))
        });
        if share && difference { Cover::Full } else { Cover::Beyond }
    }
}

impl Acceptances {
    /// Returns what is said of something that became worse: by the first acceptance that covers it, else by the first
    /// that is about it.
    pub(crate) fn claim(&self, worse: Worsening, about: impl Fn(&Acceptance) -> bool) -> Option<Claim> {
        let claims = self.entries.iter().enumerate().filter(|(_, acceptance)| about(acceptance));
        let claims: Vec<Claim> = claims
            .map(|(entry, acceptance)| Claim { entry, cover: acceptance.covers(worse, self.today) })
            .collect();
        claims.iter().find(|claim| claim.cover == Cover::Full).or(claims.first()).copied()
    }
}

impl Claim {
    /// Returns the number of the acceptance that covers what happened.
    pub fn accepted(claim: Option<Self>) -> Option<usize> {
        claim.filter(|claim| claim.cover == Cover::Full).map(|claim| claim.entry)
    }
}

#[cfg(test)]
mod tests {
    use perf_model::Unit;
    use time::macros::date;

    use super::*;
    use crate::policy::Amount;

    fn acceptance(benchmark: &str, metric: Option<&str>, source: AcceptedIn) -> Acceptance {
        let pattern = |text: &str| Pattern::new(text).unwrap();
        Acceptance {
            benchmark: pattern(benchmark),
            metric: metric.map(pattern),
            at_most: None,
            reason: "more checks".into(),
            by: "Tester".into(),
            source,
            since: None,
        }
    }

    fn trailer(digit: &str) -> AcceptedIn {
        AcceptedIn::Commit(digit.repeat(40).parse().unwrap())
    }

    fn worse(share: f64) -> Worsening<'static> {
        Worsening { share: Some(share), difference: None }
    }

    #[test]
    fn an_acceptance_in_a_file_holds_until_the_end_of_its_last_day() {
        let source = AcceptedIn::File { expires: date!(2026 - 03 - 31) };
        let entries = vec![acceptance("a", None, source)];
        for (today, expected) in [
            (Some(date!(2026 - 03 - 30)), Cover::Full),
            (Some(date!(2026 - 03 - 31)), Cover::Full),
            (Some(date!(2026 - 04 - 01)), Cover::Expired),
            (None, Cover::Expired),
        ] {
            let all = Acceptances { entries: entries.clone(), today };
            assert_eq!(all.claim(worse(0.1), |_| true).unwrap().cover, expected, "{today:?}");
        }
    }

    #[test]
    fn a_bound_covers_its_very_value_and_nothing_beyond() {
        let metric = Metric::time("time", "ms");
        let percent = |relative| Limit { relative: Some(relative), absolute: None };
        let amount = |value, unit: &str| Limit {
            relative: None,
            absolute: Some(Amount { value, unit: Some(Unit::new(unit)) }),
        };
        for (at_most, share, difference, expected) in [
            (percent(0.4), Some(0.4), 1.0, Cover::Full),
            (percent(0.07), Some(1.07 / 1.0 - 1.0), 1.0, Cover::Full),
            (percent(0.4), Some(0.401), 1.0, Cover::Beyond),
            (percent(0.4), Some(-0.2), -1.0, Cover::Full),
            (percent(0.4), None, 1.0, Cover::Beyond),
            (amount(2.0, "ms"), None, 2.0, Cover::Full),
            (amount(2000.0, "us"), Some(9.0), 2.1, Cover::Beyond),
            (amount(2.0, "MiB"), Some(0.1), 0.1, Cover::Beyond),
        ] {
            let acceptance = Acceptance { at_most: Some(at_most), ..acceptance("a", None, trailer("a")) };
            let worse = Worsening { share, difference: Some((difference, &metric)) };
            assert_eq!(acceptance.covers(worse, None), expected, "{acceptance:?} {share:?} {difference}");
        }
    }

    #[test]
    fn the_first_that_covers_decides_and_else_the_first_that_matches_is_named() {
        let small = Limit { relative: Some(0.1), absolute: None };
        let entries = vec![
            Acceptance { at_most: Some(small), ..acceptance("a", None, trailer("a")) },
            acceptance("a", None, trailer("b")),
        ];
        let claim = |share, entries: &[Acceptance]| {
            Acceptances { entries: entries.to_vec(), today: None }.claim(worse(share), |_| true)
        };
        assert_eq!(claim(0.3, &entries), Some(Claim { entry: 1, cover: Cover::Full }));
        assert_eq!(claim(0.3, &entries[..1]), Some(Claim { entry: 0, cover: Cover::Beyond }));
        assert_eq!(claim(0.3, &[]), None);
    }

    #[test]
    fn the_suite_needs_its_name_and_a_budget_its_metric() {
        let id = SeriesId { benchmark: "a".into(), params: [].into(), metric: "time".into() };
        for (benchmark, metric, series, suite, budget) in [
            ("a", None, true, false, false),
            ("a", Some("time"), true, false, true),
            ("a", Some("p9*"), false, false, false),
            ("whole-suite", None, false, true, false),
            ("*", None, true, true, false),
            ("*", Some("*"), true, false, false),
            ("*", Some("t*"), true, false, true),
        ] {
            let it = acceptance(benchmark, metric, trailer("a"));
            let found = (it.matches(&id), it.matches_whole_suite(), it.matches_budget(&id));
            assert_eq!(found, (series, suite, budget), "{benchmark} {metric:?}");
        }
    }
}
