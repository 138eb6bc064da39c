//! Pairs baselines that may be compared, refuses the others with the reason, and judges every series.
//!
//! Pure: no files, no git, no clock, no random numbers, no text for people. The only way to a [`Comparison`]
//! leads through [`Pair::new`], so nothing is ever judged that was not found comparable. What a verdict looks like on a page is `perf-render`'s business.

mod accept;
mod bisection;
mod calibration;
mod census;
mod changepoints;
mod comparison;
mod confirm;
mod control;
mod course;
mod ends;
mod episodes;
mod outcome;
mod pair;
mod policy;
mod refusal;
mod renames;
mod rounds;
mod schedule;
mod sequential;
pub mod statistics;
mod trend;
mod turns;
mod validity;
mod verdict;

pub use accept::accept;
pub use bisection::{Bisection, Located};
pub use calibration::{Advice, Calibrated, Calibration, ENOUGH_BASELINES, RUNS, Why, calibrate};
pub use census::Census;
pub use changepoints::{ChangePoint, change_points, possible_change_point};
pub use comparison::{Comparison, Former, Judged, Obstacle, OneSided, Unjudged, compare, new_level};
pub use confirm::{Confirmation, alarms};
pub use control::{Shifted, control};
pub use course::{Change, Course, Spot, Summary, course, gaps, predecessor};
pub use ends::{CHANCE, LOOKS, ends_differ};
pub use episodes::{Episode, Urgency, episodes, family};
pub use outcome::{BaseChoice, Demand, Endpoint, Gap, Notice, Outcome, Section, Status};
pub use pair::Pair;
pub use policy::{
    Acceptance, Acceptances, AcceptedIn, Alias, Amount, Asked, Bound, Breach, Budgets, Claim, Cover, Given,
    Inconclusive, Limit, Limits, MaxAge, Origin, Pattern, PatternError, Policy, PolicyChange, PolicySource,
    Renamings, Rule, Severity, Tier, WHOLE_SUITE, budgets, is_asked_for, renamings,
};
pub use refusal::{FactDifference, Refusal, differences};
pub use renames::{AliasConflict, ConflictReason, LikelyRename};
pub use rounds::{Reach, reach, rounds_for};
pub use schedule::{Side, order_of};
pub use sequential::{FIRST_ROUNDS, MOST_ROUNDS, undecided};
pub use trend::{Direction, Trend, trend};
pub use turns::Turns;
pub use validity::{aged, idle_rules};
pub use verdict::{Interval, Verdict};

#[cfg(test)]
mod fixtures;
