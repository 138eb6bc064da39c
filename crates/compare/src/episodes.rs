//! Changes for the worse in a history, each with what became of it.
//!
//! Every baseline is judged against the one before it, by the rule that judges pull requests; what became slower in
//! one step and belongs together is one episode. All of it follows from the history alone: no state is kept from
//! one call to the next.

use std::collections::{BTreeMap, BTreeSet};

use perf_model::{Baseline, Better, CommitId, SeriesId};

use crate::accept::row_worsening;
use crate::comparison::{Comparison, Judged, compare};
use crate::pair::Pair;
use crate::policy::{Acceptance, Acceptances, Claim, Policy, Tier, Worsening};
use crate::verdict::Verdict;

/// Series that became worse between two baselines that follow each other.
#[derive(Clone, Debug)]
pub struct Episode {
    /// What the series have in common; `None` where the whole suite became worse as one.
    pub family: Option<String>,
    /// By how much the whole suite became worse, where it did as one.
    pub shift: Option<f64>,
    /// The last baseline before the change.
    pub good: Baseline,
    /// The first one after it.
    pub bad: Baseline,
    /// The newest one, or the one with which it was over.
    pub newest: Baseline,
    /// The series at the change, worst first.
    pub at: Vec<Judged>,
    /// The same series at the newest baseline, held against the last good one, where they are still measured.
    pub now: Vec<Judged>,
    /// How bad it is now.
    pub urgency: Urgency,
    /// How many baselines in a row, up to that one, are back to what it was before.
    pub recovered: usize,
}

/// How urgent an episode is, by what its newest baseline says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Nothing lies beyond a limit any more, nothing can be told, or nothing of it may fail.
    Monitor,
    /// Beyond a warn limit.
    Warning,
    /// Beyond a fail limit.
    Critical,
}

/// How many earlier baselines are asked about the noise, as in a comparison.
const EARLIER: usize = 20;

/// Finds the changes for the worse in a history of one environment, oldest first.
///
/// An episode is over when `enough` baselines in a row are back; what comes later is not its matter. Until then the
/// same family becoming worse again is the same episode, but one that becomes worse still is another. Where a run
/// begins a new level on purpose, only what comes after it counts.
pub fn episodes(history: &[Baseline], policy: &Policy, enough: usize) -> Vec<Episode> {
    let begins = |baseline: &Baseline| baseline.runs.iter().any(|run| run.rebaseline.is_some());
    let start = history.iter().rposition(begins).unwrap_or(0);
    let judge = Judge { history, policy };
    let mut found: Vec<Lasting> = vec![];
    for night in start + 1..history.len() {
        let new = judge.step(night);
        let again =
            |one: &Lasting| found.iter().any(|known| known.family == one.family && known.is_back(enough));
        let new: Vec<Lasting> = new.into_iter().filter(|one| !again(one)).collect();
        for one in found.iter_mut().filter(|one| one.recovered < enough) {
            let back = judge.is_back(one, night);
            (one.until, one.recovered) = (night, if back { one.recovered + 1 } else { 0 });
        }
        found.extend(new);
    }
    found.into_iter().map(|one| judge.episode(one)).collect()
}

/// Returns what series of one family have in common: their benchmark's name up to the first `/`.
///
/// A `/` beside a blank or at the start separates nothing: `GET /items` is a family of its own.
pub fn family(series: &SeriesId) -> &str {
    let name = series.benchmark.as_str();
    let separates = |(place, _): &(usize, &str)| !name[..*place].ends_with(' ') && *place > 0;
    name.match_indices('/').find(separates).map_or(name, |(place, _)| &name[..place])
}

struct Judge<'a> {
    history: &'a [Baseline],
    policy: &'a Policy,
}

/// An episode while the history is gone through.
struct Lasting {
    /// `None`: the whole suite.
    family: Option<String>,
    shift: Option<f64>,
    /// The place of the first baseline after the change.
    bad: usize,
    at: Vec<Judged>,
    /// The last baseline that was looked at.
    until: usize,
    recovered: usize,
}

impl Lasting {
    fn is_back(&self, enough: usize) -> bool {
        (1..enough).contains(&self.recovered)
    }

    fn series(&self) -> BTreeSet<&SeriesId> {
        self.at.iter().map(|row| &row.series).collect()
    }
}

impl Judge<'_> {
    /// Finds what became worse from the baseline before this one to this one.
    fn step(&self, bad: usize) -> Vec<Lasting> {
        let Some(step) = self.compare(bad - 1, bad) else { return vec![] };
        let shift = step.suite.shift.map(|shift| shift.change);
        let lasting = |family, shift, at| Lasting { family, shift, bad, at, until: bad, recovered: 0 };
        if shifted(&step) >= Verdict::Slower {
            return vec![lasting(
                None,
                shift,
                step.judged.iter().filter(|row| is_worse(row)).cloned().collect(),
            )];
        }
        let mut families: BTreeMap<&str, Vec<Judged>> = BTreeMap::new();
        for row in step.judged.iter().filter(|row| row.finding.verdict >= Verdict::Slower) {
            families.entry(family(&row.series)).or_default().push(row.clone());
        }
        families.into_iter().map(|(family, at)| lasting(Some(family.to_owned()), None, at)).collect()
    }

    fn episode(&self, one: Lasting) -> Episode {
        let now = self.compare(one.bad - 1, one.until);
        let rows = now.iter().flat_map(|now| of(now, &one)).cloned().collect();
        Episode {
            good: self.history[one.bad - 1].clone(),
            bad: self.history[one.bad].clone(),
            newest: self.history[one.until].clone(),
            urgency: now.as_ref().map_or(Urgency::Monitor, |now| urgency(now, &one)),
            now: rows,
            family: one.family,
            shift: one.shift,
            at: one.at,
            recovered: one.recovered,
        }
    }

    fn is_back(&self, one: &Lasting, night: usize) -> bool {
        let Some(now) = self.compare(one.bad - 1, night) else { return false };
        if one.family.is_none() {
            return shifted(&now) <= Verdict::Unchanged;
        }
        let rows: Vec<_> = of(&now, one).collect();
        !rows.is_empty() && rows.iter().all(|row| row.finding.verdict <= Verdict::Unchanged)
    }

    fn compare(&self, good: usize, now: usize) -> Option<Comparison> {
        let earlier = &self.history[good.saturating_sub(EARLIER)..good];
        let pair = Pair::new(self.history[good].clone(), self.history[now].clone(), &BTreeSet::new()).ok()?;
        compare(pair, earlier, self.policy).ok()
    }
}

fn urgency(now: &Comparison, one: &Lasting) -> Urgency {
    let of_verdict = |verdict| match verdict {
        Verdict::Regressed => Urgency::Critical,
        Verdict::Slower => Urgency::Warning,
        Verdict::Improved | Verdict::Unchanged | Verdict::Inconclusive => Urgency::Monitor,
    };
    if one.family.is_none() {
        return of_verdict(shifted(now));
    }
    let gating = of(now, one).filter(|row| row.tier == Tier::Gating);
    gating.map(|row| of_verdict(row.finding.verdict)).max().unwrap_or(Urgency::Monitor)
}

/// Returns the rows of a comparison that an episode is about.
fn of<'a>(comparison: &'a Comparison, one: &Lasting) -> impl Iterator<Item = &'a Judged> {
    let series = one.series();
    let rows: Vec<_> = comparison.judged.iter().filter(|row| series.contains(&row.series)).collect();
    rows.into_iter()
}

/// Returns the verdict on the suite as one.
fn shifted(comparison: &Comparison) -> Verdict {
    comparison.suite.shift.map_or(Verdict::Unchanged, |shift| shift.verdict)
}

/// Says whether a series went with a suite that became worse.
fn is_worse(row: &Judged) -> bool {
    match row.metric.better {
        Better::Lower => row.after > row.before,
        Better::Higher => row.after < row.before,
    }
}

impl Episode {
    /// Returns the commits between which it happened: the last good one and the first bad one.
    pub fn range(&self) -> (&CommitId, &CommitId) {
        (&self.good.commit, &self.bad.commit)
    }

    /// Returns the number of the acceptance that covers it, where every series of it is covered.
    pub fn accepted(&self, acceptances: &Acceptances) -> Option<usize> {
        if self.family.is_none() {
            let worse = Worsening { share: self.shift, difference: None };
            return Claim::accepted(acceptances.claim(worse, Acceptance::matches_whole_suite));
        }
        let claim = |row: &Judged| acceptances.claim(row_worsening(row), |it| it.matches(&row.series));
        let entries: Option<Vec<usize>> = self.at.iter().map(|row| Claim::accepted(claim(row))).collect();
        entries?.first().copied()
    }
}

#[cfg(test)]
mod tests {
    use perf_model::{Metric, Rebaseline};

    use super::*;
    use crate::fixtures::{baseline_of, measurement};
    use crate::policy::{AcceptedIn, Pattern};

    /// One baseline of three runs for each list of levels; each on a commit of its own.
    fn history(nights: &[&[(&str, f64)]]) -> Vec<Baseline> {
        let night = |(number, levels): (usize, &&[(&str, f64)])| {
            let run = |factor: f64| {
                let of = |(name, level): &(&str, f64)| {
                    let samples = [0.999, 1.0, 1.001].map(|spread| spread * level * factor);
                    measurement(name, Metric::time("time", "ns"), &samples)
                };
                levels.iter().map(of).collect()
            };
            let mut baseline = baseline_of([0.999, 1.0, 1.001].map(run).to_vec());
            let commit: CommitId = format!("{number:040x}").parse().unwrap();
            baseline.commit = commit.clone();
            baseline.runs.iter_mut().for_each(|run| run.lineage.commit = commit.clone());
            baseline
        };
        nights.iter().enumerate().map(night).collect()
    }

    fn found(nights: &[&[(&str, f64)]]) -> Vec<Episode> {
        episodes(&history(nights), &Policy::default(), 3)
    }

    const QUIET: &[(&str, f64)] = &[("lex", 50.0), ("parse/large", 100.0), ("parse/small", 10.0)];
    const SLOW: &[(&str, f64)] = &[("lex", 50.0), ("parse/large", 140.0), ("parse/small", 14.0)];
    const WARM: &[(&str, f64)] = &[("lex", 50.0), ("parse/large", 115.0), ("parse/small", 11.5)];

    #[test]
    fn what_moves_together_is_one_episode() {
        let found = found(&[QUIET, QUIET, SLOW, SLOW]);
        let [episode] = &found[..] else { panic!("{found:?}") };
        assert_eq!(episode.family.as_deref(), Some("parse"));
        assert_eq!((episode.at.len(), episode.now.len()), (2, 2));
        let (good, bad) = episode.range();
        assert!(good.as_str().ends_with('1') && bad.as_str().ends_with('2'), "{good} {bad}");
        assert_eq!((episode.urgency, episode.recovered), (Urgency::Critical, 0));
    }

    #[test]
    fn an_episode_tells_how_long_it_has_been_over() {
        for (nights, urgency, recovered) in [
            (vec![QUIET, SLOW], Urgency::Critical, 0),
            (vec![QUIET, WARM], Urgency::Warning, 0),
            (vec![QUIET, SLOW, WARM], Urgency::Warning, 0),
            (vec![QUIET, SLOW, QUIET], Urgency::Monitor, 1),
            (vec![QUIET, SLOW, QUIET, QUIET], Urgency::Monitor, 2),
            (vec![QUIET, SLOW, QUIET, SLOW], Urgency::Critical, 0),
        ] {
            let found = found(&nights);
            assert_eq!(found.len(), 1, "back and worse again is the same: {}", nights.len());
            assert_eq!((found[0].urgency, found[0].recovered), (urgency, recovered), "{}", nights.len());
        }
        let over = [QUIET, SLOW, QUIET, QUIET, QUIET, SLOW];
        let found = found(&over);
        assert_eq!(found.len(), 2, "after enough baselines it is over, and what comes is new");
        assert_eq!((found[0].recovered, found[1].recovered), (3, 0));
        assert!(found[0].newest.commit.as_str().ends_with('4'), "what is over has its last baseline");
    }

    #[test]
    fn two_steps_are_two_episodes_and_none_is_none() {
        let worse: &[(&str, f64)] = &[("lex", 50.0), ("parse/large", 200.0), ("parse/small", 20.0)];
        assert_eq!(found(&[QUIET, SLOW, worse]).len(), 2);
        assert!(found(&[QUIET, QUIET, QUIET]).is_empty());
        assert!(found(&[SLOW, QUIET]).is_empty(), "what becomes faster is no episode");
        assert!(found(&[QUIET]).is_empty() && found(&[]).is_empty());
    }

    #[test]
    fn a_new_level_on_purpose_ends_what_was_before() {
        let mut nights = history(&[QUIET, SLOW, SLOW]);
        nights[2].runs[0].rebaseline = Some(Rebaseline { by: "a".into(), reason: "b".into() });
        assert!(episodes(&nights, &Policy::default(), 3).is_empty());
    }

    #[test]
    fn a_suite_that_became_slower_as_one_is_one_episode() {
        let names: Vec<String> = (0..10).map(|number| format!("group{number}/case")).collect();
        let night = |level: f64| names.iter().map(|name| (name.as_str(), level)).collect::<Vec<_>>();
        let (quiet, slow) = (night(100.0), night(150.0));
        let found = found(&[&quiet, &slow, &slow]);
        let [episode] = &found[..] else { panic!("{}", found.len()) };
        assert_eq!((episode.family.as_deref(), episode.at.len()), (None, 10));
        assert!(episode.urgency >= Urgency::Warning, "{:?}", episode.urgency);
    }

    #[test]
    fn what_is_accepted_must_cover_all_of_it() {
        let found = found(&[QUIET, SLOW]);
        let entry = |benchmark: &str| Acceptance {
            benchmark: Pattern::new(benchmark).unwrap(),
            metric: None,
            at_most: None,
            reason: "worth it".into(),
            by: "a".into(),
            source: AcceptedIn::Commit("1".repeat(40).parse().unwrap()),
            since: None,
        };
        for (benchmarks, expected) in [
            (vec!["lex"], None),
            (vec!["parse/large"], None),
            (vec!["lex", "parse/*"], Some(1)),
            (vec![], None),
        ] {
            let entries = benchmarks.iter().map(|benchmark| entry(benchmark)).collect();
            assert_eq!(found[0].accepted(&Acceptances { entries, today: None }), expected, "{benchmarks:?}");
        }
    }

    #[test]
    fn a_family_is_the_first_part_of_the_name() {
        for (name, expected) in [
            ("parse/large/utf8", "parse"),
            ("lex", "lex"),
            ("GET /items", "GET /items"),
            ("GET /items/{id}", "GET /items"),
            ("/items", "/items"),
            ("", ""),
        ] {
            let series = SeriesId { benchmark: name.into(), params: BTreeMap::new(), metric: "time".into() };
            assert_eq!(family(&series), expected);
        }
    }
}
