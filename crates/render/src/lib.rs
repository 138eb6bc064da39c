//! Turns outcomes, environments and stored records into text, Markdown and JSON that is short, true and safe
//! to post.
//!
//! Everything that others wrote (names, units, facts, branches, subjects, paths) passes through [`escape`]
//! before it meets a reader. This crate knows no git, no files, no arguments, no clock and no terminal: it
//! returns strings, and its caller says how wide the [`Page`] is and whether it has colours. What is true is
//! decided in `perf-compare`; here it is only said.

pub mod badge;
pub mod bisect;
pub mod calibration;
pub mod environment;
pub mod escape;
pub mod forge;
pub mod history;
pub mod json;
pub mod policy;
pub mod report;
pub mod store;

mod html;
mod number;
mod page;
mod sink;

pub use number::percent;
pub use page::{Colour, Page};

#[cfg(test)]
mod fixtures;
