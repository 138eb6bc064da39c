//! Measures commits here and now: checked out beside each other, built first, and then run in turns.

mod binaries;
mod guard;
mod progress;
mod session;
mod suites;
mod watcher;

pub(crate) use self::guard::{Args as TidyArgs, Left, run as tidy};
pub(crate) use self::progress::Progress;
pub(crate) use self::session::{Gathered, Next, Plan, Session, Target};
pub(crate) use self::suites::suites_of;
pub(crate) use self::watcher::Watcher;
