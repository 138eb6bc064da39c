//! Which formats are read, how they are told apart, and how one is chosen.
//!
//! A format is one file below `format/` with a `FORMAT` constant, and one line in the table here.

mod criterion;
mod hyperfine;
mod native;

use std::fs;
use std::path::Path;

use crate::error::ReadError;
use crate::input::Input;
use crate::output::Output;

/// One kind of tool output that can be read.
pub struct Format {
    /// The name that `--format` takes and that stored records carry.
    pub name: &'static str,
    /// What it is and which option of the tool writes it.
    pub description: &'static str,
    reader: Reader,
}

/// How a format is recognised and read. `detect` answers for its own format only, and never guesses.
enum Reader {
    /// One text file or stream.
    File { detect: fn(&Input) -> bool, read: fn(&Input) -> Result<Output, ReadError> },
    /// A directory that a tool writes.
    Directory { detect: fn(&Path) -> bool, read: fn(&Path) -> Result<Output, ReadError> },
}

static FORMATS: &[Format] = &[criterion::FORMAT, hyperfine::FORMAT, native::FORMAT];

/// Returns every format that can be read, in the order in which they are shown.
pub fn formats() -> &'static [Format] {
    FORMATS
}

/// Reads a file or a directory in the format called `format`, or in the one that its content shows.
///
/// Every format is asked whether the content is its own: none, or more than one, is an error.
pub fn read(path: &Path, format: Option<&str>) -> Result<Output, ReadError> {
    let place = path.display().to_string();
    let named = format.map(|name| find(&place, name)).transpose()?;
    if path.is_dir() {
        return read_directory(path, &place, named)?.checked(&place);
    }
    read_input(&Input::open(path)?, named)?.checked(&place)
}

/// Reads the bytes of a stream called `name`, such as `standard input`, like [`read`] reads a file.
pub fn read_bytes(name: &str, bytes: &[u8], format: Option<&str>) -> Result<Output, ReadError> {
    let named = format.map(|format| find(name, format)).transpose()?;
    read_input(&Input::from_bytes(name, bytes)?, named)?.checked(name)
}

fn read_directory(path: &Path, place: &str, named: Option<&Format>) -> Result<Output, ReadError> {
    fs::read_dir(path).map_err(|cause| ReadError::new(place, "cannot be read").caused_by(cause))?;
    let is_its = |format: &&Format| match format.reader {
        Reader::Directory { detect, .. } => detect(path),
        Reader::File { .. } => false,
    };
    let format = match named {
        Some(format) => format,
        None => only(place, FORMATS.iter().filter(is_its).collect())?.ok_or_else(|| {
            let wanted = descriptions(|reader| matches!(reader, Reader::Directory { .. }));
            ReadError::new(place, format!("is a directory that no reader knows; it may be {wanted}"))
                .with_hint("name the file that the tool wrote")
        })?,
    };
    match format.reader {
        Reader::Directory { read, .. } => read(path),
        Reader::File { .. } => {
            Err(ReadError::new(place, format!("expected a file: `{}` is no directory format", format.name)))
        }
    }
}

fn read_input(input: &Input, named: Option<&Format>) -> Result<Output, ReadError> {
    let is_its = |format: &&Format| match format.reader {
        Reader::File { detect, .. } => detect(input),
        Reader::Directory { .. } => false,
    };
    let format = match named {
        Some(format) => format,
        None => only(input.place(), FORMATS.iter().filter(is_its).collect())?
            .ok_or_else(|| unrecognised(input))?,
    };
    match format.reader {
        Reader::File { read, .. } => read(input),
        Reader::Directory { .. } => {
            Err(input.refuse(format!("expected a directory: `{}` reads {}", format.name, format.description)))
        }
    }
}

fn unrecognised(input: &Input) -> ReadError {
    let hint = "`--format NAME` says which reader to use";
    if let Some(cause) = input.broken_json() {
        return input.refuse("expected JSON").caused_by(cause).with_hint(hint);
    }
    let wanted = descriptions(|reader| matches!(reader, Reader::File { .. }));
    input.refuse(format!("is in no format that is recognised; looked for {wanted}")).with_hint(hint)
}

fn find(place: &str, name: &str) -> Result<&'static Format, ReadError> {
    FORMATS.iter().find(|format| format.name == name).ok_or_else(|| {
        let known: Vec<_> = FORMATS.iter().map(|format| format.name).collect();
        ReadError::new(place, format!("no format is called `{name}`; there are {}", known.join(", ")))
    })
}

fn only<'a>(place: &str, candidates: Vec<&'a Format>) -> Result<Option<&'a Format>, ReadError> {
    if candidates.len() < 2 {
        return Ok(candidates.first().copied());
    }
    let names: Vec<_> = candidates.iter().map(|format| format.name).collect();
    let hint = format!("`--format {}` chooses the first", names[0]);
    Err(ReadError::new(place, format!("may be any of {}", names.join(", "))).with_hint(hint))
}

fn descriptions(wanted: fn(&Reader) -> bool) -> String {
    let found: Vec<_> =
        FORMATS.iter().filter(|format| wanted(&format.reader)).map(|format| format.description).collect();
    found.join(", ")
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    const HYPERFINE: &str = r#"{"results": [{"command": "true", "times": [0.5], "exit_codes": [0]}]}"#;

    fn refusal(text: &str, format: Option<&str>) -> String {
        let error = read_bytes("in", text.as_bytes(), format).unwrap_err();
        let cause = error.source().map(|cause| format!(" <- {cause}")).unwrap_or_default();
        format!("{error}{cause}")
    }

    #[test]
    fn recognises_a_format_by_its_content() {
        let native = r#"{"benchmarks": [{"name": "a", "unit": "s", "value": 1}]}"#;
        for (text, expected) in [(HYPERFINE, "hyperfine"), (native, "perf")] {
            for text in [text.to_owned(), format!("\u{feff}{text}\r\n")] {
                let found = read_bytes("in", text.as_bytes(), None).unwrap();
                assert_eq!(found.source.format, expected, "{text}");
            }
        }
    }

    #[test]
    fn says_why_nothing_was_read() {
        for (text, format, expected) in [
            ("hello", None, "in: is in no format that is recognised; looked for "),
            ("42", None, "in: is in no format that is recognised"),
            ("[]", None, "in: is in no format that is recognised"),
            ("{}", None, "in: is in no format that is recognised"),
            ("{} {}", None, "in: expected JSON <- trailing characters at line 1 column 4"),
            ("{\n\"a\": NaN}", None, "in: expected JSON <- expected value at line 2 column 6"),
            (HYPERFINE, Some("fast"), "in: no format is called `fast`; there are criterion, hyperfine, perf"),
            (HYPERFINE, Some("criterion"), "in: expected a directory: `criterion` reads "),
            (HYPERFINE, Some("perf"), "in: expected "),
        ] {
            let found = refusal(text, format);
            assert!(found.starts_with(expected), "{text} as {format:?}: {found}");
        }
    }

    #[test]
    fn a_directory_is_offered_to_directory_formats_only() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("hyperfine.json"), HYPERFINE).unwrap();
        for (format, expected) in [
            (None, "is a directory that no reader knows"),
            (Some("criterion"), "expected results of Criterion"),
            (Some("hyperfine"), "expected a file"),
        ] {
            let error = read(dir.path(), format).unwrap_err().to_string();
            assert!(error.contains(expected), "{format:?}: {error}");
        }
    }

    #[test]
    fn two_candidates_are_an_error_that_names_both() {
        let error = only("in", FORMATS.iter().take(2).collect()).err().expect("refused");
        assert_eq!(error.to_string(), "in: may be any of criterion, hyperfine");
        assert_eq!(error.hint(), Some("`--format criterion` chooses the first"));
    }

    #[test]
    fn names_are_unique_and_fit_for_the_command_line() {
        let mut names: Vec<_> = formats().iter().map(|format| format.name).collect();
        assert!(
            names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')),
            "{names:?}"
        );
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), formats().len());
    }
}
