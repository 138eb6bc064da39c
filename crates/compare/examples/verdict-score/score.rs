//! How often a rule is wrong.

use std::time::{Duration, Instant};

use perf_compare::{Limits, Verdict};

use crate::pool::Pool;
use crate::request::{Plan, Request, draw};
use crate::rule::Rule;

/// Mode A: warn at 10 %, fail at 25 %.
pub(crate) const LAX: Limits = Limits { warn: 0.10, fail: 0.25 };
/// Mode B: fail at 5 %.
pub(crate) const STRICT: Limits = Limits { warn: 0.05, fail: 0.05 };
/// The slowdowns that are injected.
pub(crate) const EFFECTS: [f64; 4] = [0.05, 0.10, 0.15, 0.30];

/// How many series got which answer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Census {
    pub(crate) series: usize,
    pub(crate) regressed: usize,
    pub(crate) slower: usize,
    pub(crate) unchanged: usize,
    pub(crate) inconclusive: usize,
    pub(crate) requests: usize,
    /// Requests with a series that regressed.
    pub(crate) red: usize,
}

/// One rule on one set of requests at one pair of limits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Score {
    /// Of what did not change.
    pub(crate) unchanged: Census,
    /// Of what became slower, for each of [`EFFECTS`].
    pub(crate) slowed: [Census; EFFECTS.len()],
    pub(crate) time: Duration,
    pub(crate) judged: usize,
}

/// The requests of one set: unchanged ones, and some for each of [`EFFECTS`].
pub(crate) struct Requests {
    pub(crate) unchanged: Vec<Request>,
    pub(crate) slowed: Vec<Vec<Request>>,
}

impl Requests {
    pub(crate) fn draw(pool: &Pool, plan: Plan, count: usize, seed: u64) -> Self {
        let draw = |effect| draw(pool, plan, effect, count, seed);
        Self { unchanged: draw(0.0), slowed: EFFECTS.map(draw).into() }
    }

    pub(crate) fn score(&self, rule: &Rule, limits: Limits) -> Score {
        let mut score = Score::default();
        for request in &self.unchanged {
            let verdicts = score.judged(rule, request, limits);
            score.unchanged.count(request, &verdicts, 0.0);
        }
        for ((requests, effect), index) in self.slowed.iter().zip(EFFECTS).zip(0..) {
            for request in requests {
                let verdicts = score.judged(rule, request, limits);
                score.slowed[index].count(request, &verdicts, effect);
            }
        }
        score
    }
}

impl Score {
    fn judged(&mut self, rule: &Rule, request: &Request, limits: Limits) -> Vec<Verdict> {
        let start = Instant::now();
        let verdicts = (rule.judge)(request, limits);
        self.time += start.elapsed();
        self.judged += request.len();
        verdicts
    }
}

impl Census {
    fn count(&mut self, request: &Request, verdicts: &[Verdict], effect: f64) {
        let mut red = false;
        for (measured, verdict) in request.iter().zip(verdicts) {
            if measured.truth != Some(effect) {
                continue;
            }
            self.series += 1;
            match verdict {
                Verdict::Regressed => self.regressed += 1,
                Verdict::Slower => self.slower += 1,
                Verdict::Unchanged => self.unchanged += 1,
                Verdict::Inconclusive => self.inconclusive += 1,
                Verdict::Improved => {}
            }
            red |= *verdict == Verdict::Regressed;
        }
        self.requests += 1;
        self.red += usize::from(red);
    }

    pub(crate) fn alarms(&self) -> usize {
        self.regressed + self.slower
    }
}
