//! The words of `perf`: what was measured, where, and at which commit.
//!
//! This crate holds values and the rules that make them valid. It knows no git, no files, no clock, and no
//! text form but the short ones people and refs need ([`Fingerprint`], [`CommitId`], [`SeriesId`]); how a run
//! is written to disk is `perf-store`'s business, how a change is judged is `perf-compare`'s.

mod environment;
mod keeping;
mod metric;
mod percentile;
mod reading;
mod run;
mod series;
mod unit;

pub use environment::{Environment, FACT_SCHEMA, Facts, Fingerprint, FingerprintError};
pub use metric::{Better, Kind, Metric};
pub use percentile::{Rank, RankError, quantile, readings_for};
pub use reading::{Reading, ReadingError, Samples, Summary, median, median_in_place};
pub use run::{Baseline, CommitId, CommitIdError, Lineage, Rebaseline, Run, RunId, RunIdError, Source, Turn};
pub use series::{Measurement, SeriesId};
pub use unit::{Dimension, Unit};
