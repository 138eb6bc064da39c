//! Baselines in git notes: recording, finding and sharing them, and the merge base they are compared at.
//!
//! This is the only crate that uses gix and the only one that starts `git`. It does not know how a tool's
//! output is read, what a change means, or what a report looks like. It never prints; what it had to leave out
//! is in the values it returns.
//!
//! The bytes and refs are specified in `baselines.git-notes.md` at the top of the repository. In short: one ref
//! `refs/notes/perf/<fingerprint>` for each environment, one note on each measured commit, one JSON line in it
//! for each run. A run is first written to a journal beside the repository's objects and then folded into the
//! notes, so that neither a crash nor a stale lock can lose it.

mod baselines;
mod bulk;
mod checkout;
mod dirty;
mod durable;
mod error;
mod export;
mod file;
mod foreign;
mod git;
mod history;
mod index;
mod interrupts;
mod journal;
mod lanes;
mod line;
mod lines;
mod loose;
mod mend;
mod messages;
mod notes;
mod reach;
mod rebaseline;
mod record;
mod refs;
mod release;
mod repository;
mod retraction;
mod sync;
mod trust;
mod upkeep;
mod worktree;

pub use baselines::{Found, Logged, Stored, Unusable, Withdrawal, unusable_lines};
pub use checkout::Checkouts;
pub use error::StoreError;
pub use git::OLDEST as OLDEST_GIT;
pub use history::{BaseBranch, Commit};
pub use index::Point;
pub use interrupts::Interrupts;
pub use lanes::{Lane, Taken, Track, Value};
pub use line::{LineError, decode, encode};
pub use mend::Mended;
pub use messages::{Message, Messages};
pub use reach::Deepening;
pub use record::Recorded;
pub use release::Release;
pub use repository::Store;
pub use retraction::Retracted;
pub use sync::{Loss, Pulled, Pushed, SyncOptions};
pub use upkeep::{Compacted, Fault, FaultKind, Keep, Pruned, Size, Verified};
