//! The parts that all JSON documents share.

use std::collections::BTreeMap;
use std::io::{self, Write};

use perf_model::{Environment, Facts};
use schemars::JsonSchema;
use serde::Serialize;

use crate::escape;

/// The version of every JSON document; rises when a field goes or changes its meaning, not when one is added.
pub(crate) const VERSION: u32 = 1;

/// Names and their values, in order.
pub(crate) type Named<'a> = &'a BTreeMap<String, String>;

/// The two tiers of facts.
#[derive(Serialize, JsonSchema)]
pub(crate) struct EnvironmentJson<'a> {
    identity: &'a Facts,
    context: &'a Facts,
}

impl<'a> From<&'a Environment> for EnvironmentJson<'a> {
    fn from(environment: &'a Environment) -> Self {
        Self { identity: &environment.identity, context: &environment.context }
    }
}

/// Returns a document as one line. Numbers that are not finite become `null`, as `serde_json` writes them.
pub(crate) fn line(document: &impl Serialize) -> String {
    let line = serde_json::to_string(document).expect("maps have string keys and nothing else can fail");
    let mut line = escape::json(line).into_owned();
    line.push('\n');
    line
}

/// Writes a document as one line, as it is made, so that a large one takes no memory.
///
/// # Errors
///
/// What `out` returns, and that a map has keys that are no strings.
pub fn write_line(out: &mut (impl Write + ?Sized), document: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(Visible(&mut *out), document)?;
    out.write_all(b"\n")
}

/// Writes a document indented, as it is made, so that a large one takes no memory.
///
/// # Errors
///
/// What `out` returns, and that a map has keys that are no strings.
pub fn pretty(out: &mut (impl Write + ?Sized), document: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(Visible(&mut *out), document)?;
    out.write_all(b"\n")
}

/// Escapes what a log or a terminal would act on. `serde_json` writes strings whole, but for what it escapes itself.
struct Visible<W>(W);

impl<W: Write> Write for Visible<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match str::from_utf8(bytes) {
            Ok(text) => self.0.write_all(escape::json(text).as_bytes()),
            Err(cause) => Err(io::Error::new(io::ErrorKind::InvalidData, cause)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_pretty_document_means_the_same_and_hides_nothing() {
        let name = "\u{9b}2J \u{202e}x ##[error]y \u{1b}[31m \u{7f}é \"µs\"";
        let document = json!({"name": name, name: [1.5, {"a": []}], "##": "#\"##"});
        let mut written = Vec::new();
        pretty(&mut written, &document).unwrap();
        let text = String::from_utf8(written).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), document);
        assert!(escape::is_visible(&text.replace(['é', 'µ'], "")), "{text}");
    }
}
