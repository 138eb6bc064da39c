//! What a format is: its names, how it is recognised and how it is read.

use std::collections::BTreeMap;
use std::path::Path;

use perf_model::{Better, Rank};

use super::columns::Mapping;
use crate::error::ReadError;
use crate::input::Input;
use crate::output::{MAX_READINGS, Output};

/// One kind of tool output that can be read.
pub struct Format {
    /// The name that `--format` takes and that stored records carry.
    pub name: &'static str,
    /// What it is.
    pub description: &'static str,
    /// The command that writes it.
    pub command: &'static str,
    /// What of it is kept.
    pub keeps: Keeps,
    /// The tool's own page.
    pub link: &'static str,
    pub(super) reader: Reader,
}

/// What a format has of every series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    /// Raw samples.
    Samples,
    /// Raw samples where the output has them, else one location.
    Either,
    /// One location, with its spread where the output tells it.
    Summary,
    /// Exact counts.
    Exact,
}

impl Keeps {
    /// Returns the words for a table.
    pub fn words(self) -> &'static str {
        match self {
            Keeps::Samples => "samples",
            Keeps::Either => "samples or summary",
            Keeps::Summary => "summary",
            Keeps::Exact => "exact counts",
        }
    }
}

/// How a format is recognised and read. `detect` answers for its own format only, and never guesses.
pub(super) enum Reader {
    /// One text file or stream.
    File { detect: fn(&Input) -> bool, read: fn(&Input) -> Result<Output, ReadError> },
    /// Lines in a stream that other tools may print to as well, as under `cargo bench`: what is found of every
    /// such format is read.
    Stream { detect: fn(&Input) -> bool, read: fn(&Input) -> Result<Output, ReadError> },
    /// A directory that a tool writes.
    Directory { detect: fn(&Path) -> bool, read: fn(&Path, &Options) -> Result<Output, ReadError> },
}

/// How output is to be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The format's name; found by content where it is `None`.
    pub format: Option<String>,
    /// Larger files and streams are refused: they would have to fit into memory.
    pub max_bytes: u64,
    /// Output with more readings is refused: a record keeps them all.
    pub max_readings: usize,
    /// The direction of metrics whose own the output does not tell, by the name of the metric or of the benchmark.
    pub better: BTreeMap<String, Better>,
    /// What goes before the name of every benchmark, with a `/` between.
    pub prefix: Option<String>,
    /// Tables and JSON lines whose columns somebody has named; they come before formats of the same name.
    pub inputs: Vec<Mapping>,
    /// Which percentiles of raw durations are computed.
    pub percentiles: Vec<Rank>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            format: None,
            max_bytes: 256 << 20,
            max_readings: MAX_READINGS,
            better: BTreeMap::new(),
            prefix: None,
            inputs: Vec::new(),
            percentiles: Vec::new(),
        }
    }
}

impl Options {
    /// Returns the defaults, for the format called `name`.
    pub fn named(name: &str) -> Self {
        Self { format: Some(name.to_owned()), ..Self::default() }
    }
}
