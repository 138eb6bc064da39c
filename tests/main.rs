//! The binary from outside, as its users meet it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod acceptance;
mod aliases;
mod bad_input;
mod badge;
mod bisect;
mod collect;
mod compare;
mod criterion_tree;
mod docs;
mod drift;
mod examples;
mod export;
mod forge;
mod history;
mod import;
mod limits;
mod load;
mod markdown;
mod measure;
mod places;
mod plumbing;
mod policy;
mod rules;
mod sandbox;
mod scarce;
mod store;
mod terminal;
