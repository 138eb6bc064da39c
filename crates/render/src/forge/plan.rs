use std::collections::HashMap;

use perf_compare::{Acceptance, Urgency};
use perf_model::CommitId;
use serde::Serialize;

use super::comment::same;
use super::issue::{Marker, Report, body, title};
use crate::sink::Sink;

/// An issue that is there already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Its number within the project.
    pub number: u64,
    /// Who opened it, as the forge says.
    pub author: String,
    /// Whether it is open.
    pub open: bool,
    /// What it says.
    pub body: String,
}

/// What to do with a comment or an issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Make it.
    Create,
    /// Write it anew.
    Update,
    /// Write it anew and close it.
    Close,
    /// Leave it as it is.
    Keep,
}

/// What is to become of one issue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Planned {
    /// Which series family, in which environment, from which commit on.
    pub key: String,
    /// What to do.
    pub action: Action,
    /// Which issue; `None` where one is to be made.
    pub number: Option<u64>,
    /// How urgent it is: `critical`, `warning` or `monitor`.
    pub severity: &'static str,
    /// Its title.
    pub title: String,
    /// What it is to say.
    pub body: String,
    /// What is to be said beside it, where somebody should be told.
    pub comment: Option<String>,
}

/// How issues are kept.
#[derive(Clone, Debug)]
pub struct Settings<'a> {
    /// The account whose issues these are.
    pub own: &'a str,
    /// After so many baselines in a row without it an issue is closed.
    pub recovered_after: usize,
    /// The commits of the base branch along first parents, newest first.
    pub line: &'a [CommitId],
}

/// Plans one issue for each series family and change point that is not accepted.
///
/// An issue is found again by the marker it begins with, in issues of one's own account alone, and by where on the
/// line of commits its change lies: a bisection that narrows the range down keeps the issue. It is written anew only
/// where there are new runs, made only while it lasts, and closed only after `recovered_after` baselines without
/// it. What was closed, by whomever, stays closed.
pub fn plan(reports: &[Report], existing: &[Issue], settings: &Settings) -> Vec<Planned> {
    let places: HashMap<&str, usize> =
        settings.line.iter().map(CommitId::as_str).zip((0..settings.line.len()).rev()).collect();
    let mut known: Vec<(&Issue, Marker)> = existing
        .iter()
        .filter(|issue| issue.author == settings.own)
        .filter_map(|issue| Some((issue, Marker::read(&issue.body)?)))
        .collect();
    known.sort_by_key(|(issue, _)| (!issue.open, issue.number));
    let mut planned = vec![];
    for report in reports {
        let marker = Marker::of(report);
        let found = known.iter().position(|(_, other)| marker.is_about(other, &places));
        let found = found.map(|place| known.remove(place));
        planned.extend(one(report, found, settings));
    }
    planned
}

fn one(report: &Report, found: Option<(&Issue, Marker)>, settings: &Settings) -> Option<Planned> {
    let recovered = report.episode.recovered;
    let Some((issue, before)) = found else {
        return (recovered == 0 && report.accepted.is_none()).then(|| written(report, None, settings));
    };
    let action = match (issue.open, Marker::of(report).evidence != before.evidence) {
        (true, _) if report.accepted.is_some() => Action::Close,
        (false, _) | (true, false) => Action::Keep,
        (true, true) if recovered >= settings.recovered_after => Action::Close,
        (true, true) => Action::Update,
    };
    let comment = match action {
        Action::Close if report.accepted.is_some() => report.accepted.as_ref().map(accepted),
        Action::Close => {
            Some(format!("Recovered: the last {recovered} baselines are back to what was measured before."))
        }
        Action::Update if before.urgency < report.episode.urgency => {
            Some(format!("Now **{}**.", severity(report.episode.urgency)))
        }
        Action::Update | Action::Create | Action::Keep => None,
    };
    let planned = written(report, Some(&issue.body), settings);
    let planned = Planned { action, number: Some(issue.number), comment, ..planned };
    Some(match action {
        Action::Keep => Planned { body: issue.body.clone(), ..planned },
        Action::Update if same(&issue.body, &planned.body) => Planned { action: Action::Keep, ..planned },
        Action::Create | Action::Update | Action::Close => planned,
    })
}

fn accepted(acceptance: &Acceptance) -> String {
    let sink = Sink::Markdown;
    format!("Accepted by {}: {}", sink.name(&acceptance.by), sink.name(&acceptance.reason))
}

fn written(report: &Report, before: Option<&str>, settings: &Settings) -> Planned {
    let marker = Marker::of(report);
    Planned {
        key: marker.key(),
        action: Action::Create,
        number: None,
        severity: severity(report.episode.urgency),
        title: title(report),
        body: body(report, &marker, (before, settings.recovered_after)),
        comment: None,
    }
}

pub(super) fn severity(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Critical => "critical",
        Urgency::Warning => "warning",
        Urgency::Monitor => "monitor",
    }
}

#[cfg(test)]
mod tests {
    use perf_compare::{AcceptedIn, Pattern};

    use super::*;
    use crate::fixtures::commit;
    use crate::forge::issue::tests::reports;

    /// Plans for nights of one family, given the issues there are.
    fn planned(nights: &[f64], existing: &[Issue]) -> Vec<Planned> {
        let line: Vec<CommitId> =
            (0..nights.len()).rev().map(|number| commit(&format!("{number:x}"))).collect();
        let settings = Settings { own: "bot", recovered_after: 2, line: &line };
        plan(&reports(("parse", 2), nights), existing, &settings)
    }

    fn issue(body: &str) -> Issue {
        Issue { number: 7, author: "bot".into(), open: true, body: body.into() }
    }

    const SLOW: [f64; 3] = [10.0, 10.0, 14.0];

    #[test]
    fn an_issue_is_made_once_for_its_family() {
        let [made] = &planned(&SLOW, &[])[..] else { panic!() };
        assert_eq!((made.action, made.number, made.severity), (Action::Create, None, "critical"));
        let foreign = Issue { author: "mallory".into(), ..issue(&made.body) };
        assert_eq!(planned(&SLOW, &[foreign])[0].action, Action::Create, "only its own issues count");
        let again = &planned(&SLOW, &[issue(&made.body)])[0];
        assert_eq!((again.action, again.number), (Action::Keep, Some(7)), "no new evidence");
        assert_eq!(again.key, made.key);
        assert!(planned(&[10.0, 10.0], &[]).is_empty());
    }

    #[test]
    fn new_evidence_writes_it_anew_and_recovery_closes_it() {
        let made = planned(&SLOW, &[])[0].body.clone();
        for (nights, action, severity, says) in [
            (vec![10.0, 10.0, 14.0, 14.0], Action::Update, "critical", None),
            (vec![10.0, 10.0, 14.0, 11.5], Action::Update, "warning", None),
            (vec![10.0, 10.0, 14.0, 10.0], Action::Update, "monitor", None),
            (vec![10.0, 10.0, 14.0, 10.0, 10.0], Action::Close, "monitor", Some("Recovered: the last 2")),
            (vec![10.0, 10.0, 14.0, 10.0, 14.0], Action::Update, "critical", None),
        ] {
            let planned = planned(&nights, &[issue(&made)]);
            let one = planned.iter().find(|one| one.number == Some(7)).unwrap();
            assert_eq!((one.action, one.severity), (action, severity), "{nights:?}");
            let comment = one.comment.as_deref();
            assert_eq!(comment.is_some(), says.is_some(), "{nights:?}");
            assert!(comment.unwrap_or_default().starts_with(says.unwrap_or_default()), "{nights:?}");
        }
        let warning = planned(&[10.0, 10.0, 14.0, 11.5], &[issue(&made)])[0].body.clone();
        let worse = planned(&[10.0, 10.0, 14.0, 11.5, 14.0], &[issue(&warning)]);
        let one = worse.iter().find(|one| one.number == Some(7)).unwrap();
        assert_eq!(one.comment.as_deref(), Some("Now **critical**."));
    }

    #[test]
    fn what_was_closed_stays_closed_and_what_comes_later_is_new() {
        let made = planned(&SLOW, &[])[0].body.clone();
        let shut = Issue { open: false, ..issue(&made) };
        assert_eq!(planned(&[10.0, 10.0, 14.0, 14.0], std::slice::from_ref(&shut))[0].action, Action::Keep);
        let later = planned(&[10.0, 10.0, 14.0, 10.0, 10.0, 14.0], &[shut]);
        let actions: Vec<_> = later.iter().map(|one| (one.action, one.number)).collect();
        assert_eq!(actions, [(Action::Keep, Some(7)), (Action::Create, None)]);
        assert!(planned(&[10.0, 10.0, 14.0, 10.0, 10.0], &[]).is_empty(), "over before anybody saw it");
    }

    #[test]
    fn what_is_accepted_gets_no_issue_and_closes_the_one_it_has() {
        let made = planned(&SLOW, &[])[0].body.clone();
        let acceptance = Acceptance {
            benchmark: Pattern::new("parse/*").unwrap(),
            metric: None,
            at_most: None,
            reason: "@worth it".into(),
            by: "a".into(),
            source: AcceptedIn::Commit(commit("2")),
            since: None,
        };
        let mut reports = reports(("parse", 2), &SLOW);
        reports[0].accepted = Some(acceptance);
        let settings = Settings { own: "bot", recovered_after: 2, line: &[] };
        assert!(plan(&reports, &[], &settings).is_empty());
        let closed = &plan(&reports, &[issue(&made)], &settings)[0];
        assert_eq!(closed.action, Action::Close);
        assert_eq!(closed.comment.as_deref(), Some("Accepted by `a`: `@worth it`"));
    }

    #[test]
    fn a_range_that_was_narrowed_down_keeps_its_issue() {
        let wide = planned(&SLOW, &[])[0].body.clone();
        // The same change; a commit between the two was measured afterwards.
        let wide = wide.replacen(&format!("good={}", commit("1")), &format!("good={}", commit("0")), 1);
        let narrow = planned(&SLOW, &[issue(&wide)]);
        assert_eq!(narrow[0].number, Some(7));
        let elsewhere = wide.replacen(&format!("bad={}", commit("2")), &format!("bad={}", commit("1")), 1);
        assert_eq!(planned(&SLOW, &[issue(&elsewhere)])[0].number, None, "another change of the same series");
    }
}
