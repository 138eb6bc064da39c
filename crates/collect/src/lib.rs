//! From the bytes of a benchmark tool's output, from a command, and from this machine to the model's values.
//!
//! - [`read`] and [`read_stream`] turn what a tool wrote into measurements, in one of the [`formats`];
//! - [`measure`] runs a command and reads its time and memory, [`run_suite`] runs a command that writes results;
//! - a [`Manner`] says on which processors and with which priority, and whether instructions are counted;
//! - [`history`], [`git_perf`] and [`tak`] read what other tools keep of many commits;
//! - [`probe`] and [`rust_facts`] say what machine and toolchain this is;
//! - [`Document`] is the JSON form of measurements that have not been recorded.
//!
//! This crate knows no git, no store, no configuration and no terminal, and it never prints. Only the probe
//! reads environment variables.

mod command;
mod document;
mod error;
mod format;
mod input;
mod json;
mod load;
mod manner;
mod noted;
mod number;
mod output;
mod probe;
mod suite;
mod table;
mod text;

pub use command::{CommandError, LastOutput, Plan, Step, instructions, measure, quoted, run_suite};
pub use document::{Document, Entry};
pub use error::ReadError;
pub use format::columns::{Column, Mapping, Rows, Values};
pub use format::github_action::{HistoryEntry, history};
pub use format::{Format, Keeps, Options, formats, read, read_stream};
pub use manner::{Manner, Processors, ProcessorsError};
pub use noted::{Noted, NotedRun, git_perf, tak};
pub use output::{Output, Reason, Skipped, Withheld};
pub use probe::{VOLATILE, probe, rust_facts};
pub use suite::{Ran, SuiteCall, Watch, end_group, run_in_group};
