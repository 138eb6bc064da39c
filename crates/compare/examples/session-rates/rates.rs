//! Shares of many sessions.

use fastrand::Rng;
use perf_compare::{Limits, Policy, Verdict};

use crate::session::{CHANGED, Session};

/// The shares of sessions of some kind.
pub(crate) struct Rates {
    /// With an alarm of a series that did not change.
    pub(crate) warned: f64,
    /// With a failure of such a series.
    pub(crate) failed: f64,
    /// Refused by their own control.
    pub(crate) refused: f64,
    /// In which the series that changed is called slower.
    pub(crate) found: f64,
}

fn policy(warn: f64) -> Policy {
    Policy { limits: Limits { warn, fail: warn.max(0.25 * f64::from(warn > 0.01)) }, ..Policy::default() }
}

fn is_alarm(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Slower | Verdict::Regressed)
}

pub(crate) fn rates(session: Session, warn: f64, sessions: u32) -> Rates {
    let policy = policy(warn);
    let mut rng = Rng::with_seed(7);
    let (mut warned, mut failed, mut refused, mut found) = (0, 0, 0, 0);
    for _ in 0..sessions {
        let Some(judged) = session.judged(&policy, &mut rng) else {
            refused += 1;
            continue;
        };
        let changed = |name: &str| session.change != 0.0 && name == CHANGED;
        let (of_changed, others): (Vec<_>, Vec<_>) =
            judged.judged.iter().partition(|row| changed(&row.series.benchmark));
        found += u32::from(of_changed.iter().any(|row| is_alarm(row.finding.verdict)));
        warned += u32::from(others.iter().any(|row| is_alarm(row.finding.verdict)));
        failed += u32::from(others.iter().any(|row| row.finding.verdict == Verdict::Regressed));
    }
    let share = |count: u32| f64::from(count) / f64::from(sessions);
    Rates { warned: share(warned), failed: share(failed), refused: share(refused), found: share(found) }
}

/// What became of alarms that were measured again.
pub(crate) struct Confirmed {
    /// The share of alarms that showed again.
    pub(crate) repeated: f64,
    /// The share of alarms that fail.
    pub(crate) failed: f64,
    /// How many rounds a session took on average.
    pub(crate) rounds: f64,
    /// The share of sessions that their control refused: the stored verdicts stand.
    pub(crate) refused: f64,
}

pub(crate) fn confirmed(session: Session, alarms: usize, warn: f64, sessions: u32) -> Confirmed {
    let policy = policy(warn);
    let mut rng = Rng::with_seed(7);
    let (mut repeated, mut failed, mut again, mut rounds, mut refused) = (0, 0, 0, 0, 0);
    for _ in 0..sessions {
        match session.confirmed(alarms, &policy, &mut rng) {
            None => refused += 1,
            Some((comparison, confirmation)) => {
                repeated += confirmation.repeated;
                again += confirmation.again;
                rounds += confirmation.rounds;
                let fails = |verdict| verdict == Verdict::Regressed;
                failed += comparison.judged.iter().filter(|row| fails(row.finding.verdict)).count();
            }
        }
    }
    let share = |count: usize, of: usize| count as f64 / of.max(1) as f64;
    let judged = (sessions - refused) as usize;
    Confirmed {
        repeated: share(repeated, again),
        failed: share(failed, again),
        rounds: share(rounds, judged),
        refused: f64::from(refused) / f64::from(sessions),
    }
}
