use std::cell::OnceCell;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::time::SystemTime;

use serde::Deserialize;

use crate::error::ReadError;
use crate::json::Outline;

/// Larger inputs are refused: no benchmark tool writes them, and they would have to fit into memory.
const MAX_BYTES: u64 = 256 << 20;

const BYTE_ORDER_MARK: &str = "\u{feff}";

/// One file or stream of text, checked to be UTF-8, not empty and of a sane size.
pub(crate) struct Input {
    place: String,
    text: String,
    modified: Option<SystemTime>,
    outline: OnceCell<Result<Outline, serde_json::Error>>,
}

impl Input {
    /// Reads a regular file.
    pub(crate) fn open(path: &Path) -> Result<Self, ReadError> {
        let failed = |cause: io::Error| ReadError::new(path.display(), "cannot be read").caused_by(cause);
        let metadata = fs::metadata(path).map_err(failed)?;
        // Opening a pipe nobody writes to would block for ever.
        if !metadata.is_file() {
            return Err(ReadError::new(path.display(), "expected a regular file")
                .with_hint("what another program prints is read from standard input"));
        }
        let mut bytes = Vec::new();
        if metadata.len() <= MAX_BYTES {
            bytes.reserve_exact(usize::try_from(metadata.len()).map_or(0, |length| length + 1));
        }
        // One byte more than allowed, so that a file that grows meanwhile is still found too large.
        File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes)).map_err(failed)?;
        Self::new(path.display().to_string(), bytes, metadata.modified().ok())
    }

    /// Takes what was read from a stream called `place`.
    pub(crate) fn from_bytes(place: &str, bytes: &[u8]) -> Result<Self, ReadError> {
        Self::new(place.to_owned(), bytes.to_vec(), None)
    }

    fn new(place: String, bytes: Vec<u8>, modified: Option<SystemTime>) -> Result<Self, ReadError> {
        if bytes.len() as u64 > MAX_BYTES {
            let limit = MAX_BYTES >> 20;
            return Err(ReadError::new(place, format!("is larger than the {limit} MiB that are read")));
        }
        if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
            return Err(ReadError::new(place, "expected UTF-8, found UTF-16")
                .with_hint("in PowerShell, write it with `Out-File -Encoding utf8`"));
        }
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(cause) => return Err(ReadError::new(place, "expected UTF-8").caused_by(cause.utf8_error())),
        };
        let input = Self { place, text, modified, outline: OnceCell::new() };
        if input.text().trim().is_empty() {
            let problem = "is empty: the tool that was to write it may have failed";
            return Err(input.refuse(problem));
        }
        Ok(input)
    }

    /// Returns the file's path, or the name of the stream.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Returns the text without its byte order mark.
    pub(crate) fn text(&self) -> &str {
        self.text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&self.text)
    }

    /// Returns when the file was last written; `None` for streams.
    pub(crate) fn modified(&self) -> Option<SystemTime> {
        self.modified
    }

    /// Reads the whole text as one JSON value; `what` completes the sentence "expected ...".
    pub(crate) fn json<'a, T: Deserialize<'a>>(&'a self, what: &str) -> Result<T, ReadError> {
        serde_json::from_str(self.text())
            .map_err(|cause| self.refuse(format!("expected {what}")).caused_by(cause))
    }

    /// Says whether the text is JSON with something at `path`, such as `results/0/command`.
    ///
    /// Of an array only the first element, `0`, is known.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.outline().as_ref().is_ok_and(|outline| outline.has(path))
    }

    /// Returns why the text is no JSON, if it starts like JSON.
    pub(crate) fn broken_json(&self) -> Option<String> {
        let begins = self.text().trim_start().starts_with(['{', '[']);
        self.outline().as_ref().err().filter(|_| begins).map(ToString::to_string)
    }

    /// Returns an error at this place.
    pub(crate) fn refuse(&self, problem: impl Into<String>) -> ReadError {
        ReadError::new(&self.place, problem)
    }

    fn outline(&self) -> &Result<Outline, serde_json::Error> {
        self.outline.get_or_init(|| serde_json::from_str(self.text()))
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    fn refusal(bytes: &[u8]) -> String {
        let error = Input::from_bytes("in", bytes).err().expect("refused");
        let cause = error.source().map(|cause| format!(" <- {cause}")).unwrap_or_default();
        format!("{error}{cause}")
    }

    #[test]
    fn says_what_is_wrong_with_bytes_that_are_no_text() {
        for (bytes, expected) in [
            (&b""[..], "in: is empty"),
            (b" \r\n", "in: is empty"),
            (b"\xef\xbb\xbf", "in: is empty"),
            (b"\xff\xfe{\0", "in: expected UTF-8, found UTF-16"),
            (b"\xfe\xff\0{", "in: expected UTF-8, found UTF-16"),
            (b"{\"a\xff\"", "in: expected UTF-8 <- invalid utf-8 sequence of 1 bytes from index 3"),
        ] {
            let found = refusal(bytes);
            assert!(found.starts_with(expected), "{bytes:?}: {found}");
        }
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        let input = Input::from_bytes("in", b"\xef\xbb\xbf{}").unwrap();
        assert_eq!(input.text(), "{}");
    }

    #[test]
    fn refuses_what_is_no_regular_file() {
        let dir = tempfile::tempdir().unwrap();
        let error = Input::open(dir.path()).err().expect("refused");
        assert!(error.to_string().ends_with("expected a regular file"), "{error}");
        let error = Input::open(&dir.path().join("missing")).err().expect("refused");
        assert!(error.to_string().ends_with("missing: cannot be read"), "{error}");
    }

    #[test]
    fn refuses_a_file_above_the_limit_without_reading_it_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("large");
        File::create(&path).unwrap().set_len(MAX_BYTES + 1).unwrap();
        let error = Input::open(&path).err().expect("refused");
        assert!(error.to_string().ends_with("is larger than the 256 MiB that are read"), "{error}");
    }
}
