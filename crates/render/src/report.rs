//! Outcomes of a comparison: for a terminal, for a pull request, for a program.
//!
//! All three say the same in the same order: the verdict; head and base, and why that base; the environment
//! and the runs; the census; what changed, worst first; what was not decided, not judged, missing, new or
//! unchanged; how to see it again. Where there are too many rows, text and Markdown say how many they left
//! out; JSON holds everything.

mod acceptance;
mod alias;
mod budget;
mod check;
mod command;
mod explain;
mod github;
mod html;
mod json;
mod markdown;
mod notice;
mod origin;
mod refusal;
mod row;
mod sentence;
mod sides;
mod suite;
mod text;

pub(crate) use acceptance::at_most;
pub use check::check;
pub use explain::explain;
pub use github::github;
pub use html::html;
pub use json::{json, json_schema};
pub(crate) use markdown::MARKER;
pub use markdown::{LONGEST_COMMENT, markdown};
pub(crate) use row::{difference, direction, word};
pub use text::text;
