//! Measures commits here and now: checked out beside each other, built first, and then run in turns.

mod binaries;
mod guard;
mod progress;
mod session;
mod suites;

pub(crate) use self::guard::{Args as TidyArgs, run as tidy};
pub(crate) use self::session::{Gathered, Next, Plan, Session, Target};
pub(crate) use self::suites::suites_of;
