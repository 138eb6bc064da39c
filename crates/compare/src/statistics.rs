//! Judges all series of one comparison together: a moderated t-test with separation.
//!
//! Runs are compared, not samples. Every run is reduced to one [`Level`]; what the whole suite shares in a
//! run is taken for the machine and taken out; the noise of a series comes from its history and its replicate
//! runs, moderated by its suite; a t-test, a false discovery rate over the whole comparison and a look at
//! whether the runs overlap say whether a change is real; the limits say whether it matters. What can be
//! neither shown nor excluded is inconclusive. `docs/verdict-evaluation.md` says how well this does.
//!
//! Knows no commits, no environments and no names: series are known by their place in the list.

mod absolute;
mod class;
mod finding;
mod judge;
mod level;
mod limits;
mod measured;
mod multiplicity;
mod noise;
pub(crate) mod order;
mod pairs;
mod plan;
mod relative;
mod row;
mod separation;
mod series;
mod settings;
pub(crate) mod student;
mod suite;
mod variation;

pub use finding::{Doubt, Evidence, Finding, Findings, LevelUsed, Shift, Suite, TakenAs};
pub use judge::judge;
pub use level::Level;
pub use series::{Judge, Runs, Series};
pub use settings::{Order, Settings, SuiteShift};
pub use variation::{detectable, variation};
