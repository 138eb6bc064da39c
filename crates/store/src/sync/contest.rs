//! How long to go on when a push is rejected: others are faster, or the remote never takes it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use gix::ObjectId;
use perf_model::Fingerprint;

use super::exchange::Sent;

/// A rejection while the remote's tip stays where it was is no contention: a rule, or an outage.
const UNMOVED: usize = 5;

/// Somebody who was too slow this often leaves the lines parked.
const LEAVE_AFTER: usize = 8;

/// A connection that breaks this often in a row does so because of something that lasts ...
const BROKEN: usize = 5;

/// ... unless a server turns away whoever comes while it is busy, as git-daemon does beyond 32 connections.
const BUSY: Duration = Duration::from_secs(10);

/// Full jitter starts with as long as an attempt takes, but within these bounds ...
const SHORTEST: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(1);

/// ... and grows up to here, but not beyond the bounds where it is others that push.
const LONGEST: Duration = Duration::from_secs(30);

/// The attempts of one push so far.
#[derive(Default)]
pub(crate) struct Contest {
    pub(crate) attempts: usize,
    /// What the remote said last, made safe to show.
    pub(crate) words: String,
    broken: usize,
    /// For how long broken connections are tried again, however often they break.
    patience: Duration,
    /// When the first of them in a row was made.
    breaking: Option<Instant>,
    /// Where the remote's tips were at the last attempt, and how many attempts have found them there.
    tips: BTreeMap<Fingerprint, (Option<ObjectId>, usize)>,
}

/// What to do after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Done,
    Wait(Duration),
    /// Others are always faster, or there is no time left.
    Leave,
    /// The remote does not take it.
    GiveUp,
}

impl Contest {
    /// Returns a contest with others that want to write as well.
    pub(crate) fn of_writers() -> Self {
        Self { patience: BUSY, ..Self::default() }
    }

    /// Counts an attempt and looks whether the tips have moved since the last one.
    pub(crate) fn attempt(&mut self, tips: BTreeMap<Fingerprint, Option<ObjectId>>) {
        self.attempts += 1;
        let tips = tips.into_iter().map(|(fingerprint, tip)| {
            let unmoved = match self.tips.get(&fingerprint) {
                Some((last, unmoved)) if *last == tip => unmoved + 1,
                Some(_) | None => 1,
            };
            (fingerprint, (tip, unmoved))
        });
        self.tips = tips.collect();
    }

    /// Decides after a push that did not bring everything to the remote.
    pub(crate) fn after(&mut self, sent: &Sent, began: Instant, deadline: Instant) -> Next {
        self.words.clone_from(&sent.words);
        if sent.answered {
            return self.rejected(began, deadline);
        }
        self.broke(began, deadline).map_or(Next::GiveUp, Next::Wait)
    }

    /// Decides after a rejection of an attempt that began at `began`.
    fn rejected(&mut self, began: Instant, deadline: Instant) -> Next {
        (self.broken, self.breaking) = (0, None);
        // One environment that is refused for good must not keep the others from being tried.
        if self.tips.values().all(|(_, unmoved)| *unmoved >= UNMOVED) {
            return Next::GiveUp;
        }
        let (now, took) = (Instant::now(), began.elapsed());
        let mut pause = backoff(self.attempts, took);
        if self.tips.values().any(|(_, unmoved)| *unmoved < self.attempts) {
            // Others push, and whoever comes next files all that is parked: it will not take long.
            pause = pause.min(LONG);
        }
        let late = now + pause + took >= deadline;
        if self.attempts >= LEAVE_AFTER || late { Next::Leave } else { Next::Wait(pause) }
    }

    /// Decides after a connection that broke; `None` where it is time to report that.
    pub(crate) fn broke(&mut self, began: Instant, deadline: Instant) -> Option<Duration> {
        self.broken += 1;
        let lasts = self.breaking.get_or_insert(began).elapsed() >= self.patience;
        let pause = backoff(self.attempts.max(self.broken), began.elapsed());
        let gives_up = self.broken >= BROKEN && lasts;
        (!gives_up && Instant::now() + pause < deadline).then_some(pause)
    }
}

/// Measures in attempts, because how long one takes says how busy and how far away the remote is.
fn backoff(attempt: usize, took: Duration) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX).min(16);
    let longest = took.clamp(SHORTEST, LONG).saturating_mul(2u32.saturating_pow(doublings)).min(LONGEST);
    longest.mul_f64(fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tips(tips: &[(&str, u8)]) -> BTreeMap<Fingerprint, Option<ObjectId>> {
        let tip = |tip: u8| Some(ObjectId::from_bytes_or_panic(&[tip; 20]));
        tips.iter().map(|(fingerprint, at)| (fingerprint.parse().unwrap(), tip(*at))).collect()
    }

    #[test]
    fn the_pause_grows_and_is_bounded() {
        for attempt in 0..100 {
            assert!(backoff(attempt, Duration::from_secs(9)) <= LONGEST, "attempt {attempt}");
            assert!(backoff(1, Duration::ZERO) <= SHORTEST);
        }
    }

    #[test]
    fn a_tip_that_never_moves_ends_it_and_one_that_always_moves_too() {
        let (one, other) = ("0123456789abcdef", "fedcba9876543210");
        let deadline = Instant::now() + Duration::from_secs(3600);
        for (moves, ends, after) in [(false, Next::GiveUp, UNMOVED), (true, Next::Leave, LEAVE_AFTER)] {
            let mut contest = Contest::default();
            for attempt in 1..=after {
                let tip = if moves { u8::try_from(attempt).unwrap() } else { 0 };
                contest.attempt(tips(&[(one, 0), (other, tip)]));
                let next = contest.rejected(Instant::now(), deadline);
                match next {
                    Next::Wait(_) => assert!(attempt < after, "{moves}: attempt {attempt}"),
                    Next::Done | Next::Leave | Next::GiveUp => assert_eq!((next, attempt), (ends, after)),
                }
            }
        }
        let mut contest = Contest::default();
        contest.attempt(tips(&[(one, 0)]));
        assert_eq!(contest.rejected(Instant::now(), Instant::now()), Next::Leave, "no time left to wait");
    }

    #[test]
    fn connections_that_break_are_tried_again_a_few_times() {
        let mut contest = Contest::default();
        let deadline = Instant::now() + Duration::from_secs(3600);
        let again = std::iter::repeat_with(|| contest.broke(Instant::now(), deadline));
        assert_eq!(again.take_while(Option::is_some).count(), BROKEN - 1);
        let mut writers = Contest::of_writers();
        assert!(
            (0..2 * BROKEN).all(|_| writers.broke(Instant::now(), deadline).is_some()),
            "the server is busy"
        );
        let long_ago = Instant::now().checked_sub(BUSY).unwrap();
        writers = Contest::of_writers();
        let again = std::iter::repeat_with(|| writers.broke(long_ago, deadline));
        assert_eq!(again.take_while(Option::is_some).count(), BROKEN - 1);
    }
}
