use std::error::Error as StdError;
use std::fmt;

use thiserror::Error;

/// Why a tool's output was not read: the place, what was expected there, and what may help.
///
/// Displays as `target/criterion/parse/new/sample.json: expected ...`; the reason below it is its source.
#[derive(Debug, Error)]
#[error("{place}: {problem}")]
pub struct ReadError {
    place: String,
    problem: String,
    hint: Option<String>,
    #[source]
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl ReadError {
    /// Returns the file, directory or stream that was being read.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Returns what is wrong there, with every cause, in one line.
    pub(crate) fn reason(&self) -> String {
        let causes =
            std::iter::successors(self.source(), |cause: &&(dyn StdError + 'static)| (*cause).source());
        std::iter::once(self.problem.clone())
            .chain(causes.map(ToString::to_string))
            .collect::<Vec<_>>()
            .join(": ")
    }

    /// Returns what to do about it, where that is known.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    pub(crate) fn new(place: impl fmt::Display, problem: impl Into<String>) -> Self {
        Self { place: place.to_string(), problem: problem.into(), hint: None, cause: None }
    }

    pub(crate) fn caused_by(self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { cause: Some(cause.into()), ..self }
    }

    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}
