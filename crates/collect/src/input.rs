use std::cell::{OnceCell, RefCell};
use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::time::SystemTime;

use serde::Deserialize;

use crate::error::ReadError;
use crate::format::Options;
use crate::json::{self, Outline};
use crate::output::{Output, Skipped};
use crate::text::{self, Decoded, Line, NoText};

/// How many different shapes of JSON values are told apart in one stream.
const MAX_SHAPES: usize = 256;

/// One file or stream of text: decoded, without colours, not empty and of a sane size.
pub(crate) struct Input {
    place: String,
    text: String,
    max_readings: usize,
    modified: Option<SystemTime>,
    notes: RefCell<Vec<Skipped>>,
    json: OnceCell<Option<String>>,
    shapes: OnceCell<Shapes>,
}

/// What JSON there is in a text.
struct Shapes {
    /// Why the whole text is no JSON value; `None` if it is one.
    broken: Option<serde_json::Error>,
    /// The different values that the text holds.
    outlines: BTreeSet<Outline>,
}

impl Input {
    /// Reads a regular file.
    pub(crate) fn open(path: &Path, options: &Options) -> Result<Self, ReadError> {
        let failed = |cause: io::Error| ReadError::new(path.display(), "cannot be read").caused_by(cause);
        let metadata = fs::metadata(path).map_err(failed)?;
        // Opening a pipe nobody writes to would block for ever.
        if !metadata.is_file() {
            return Err(ReadError::new(path.display(), "expected a regular file")
                .with_hint("what another program prints is read from standard input"));
        }
        let file = File::open(path).map_err(failed)?;
        Self::file(path, (file, metadata), options)
    }

    /// Reads a regular file that was opened.
    pub(crate) fn file(
        path: &Path,
        (file, metadata): (File, Metadata),
        options: &Options,
    ) -> Result<Self, ReadError> {
        let place = path.display().to_string();
        let bytes = bounded(&place, file, metadata.len(), options.max_bytes)?;
        Self::new(place, bytes, metadata.modified().ok()).map(|input| input.holding(options))
    }

    /// Reads a stream called `place` to its end.
    pub(crate) fn stream(place: &str, stream: impl Read, options: &Options) -> Result<Self, ReadError> {
        let bytes = bounded(place, stream, 0, options.max_bytes)?;
        Self::new(place.to_owned(), bytes, None).map(|input| input.holding(options))
    }

    fn holding(self, options: &Options) -> Self {
        Self { max_readings: options.max_readings, ..self }
    }

    fn new(place: String, bytes: Vec<u8>, modified: Option<SystemTime>) -> Result<Self, ReadError> {
        let refuse = |problem: &str| ReadError::new(&place, problem);
        let Decoded { text, replaced } = text::decode(bytes).map_err(|no_text| match no_text {
            NoText::Gzip => refuse("expected text, found a gzip archive")
                .with_hint("`gunzip --stdout FILE | perf collect -` reads what is in it"),
            NoText::Binary => refuse("expected text, found binary data"),
        })?;
        if text.trim().is_empty() {
            return Err(refuse("is empty: the tool that was to write it may have failed"));
        }
        let mut notes = Vec::new();
        if replaced > 0 {
            let reason = format!("{replaced} characters that are not UTF-8, each replaced by U+FFFD");
            notes.push(Skipped { place: place.clone(), reason });
        }
        let (json, shapes, notes) = (OnceCell::new(), OnceCell::new(), RefCell::new(notes));
        let max_readings = Options::default().max_readings;
        Ok(Self { place, text, max_readings, modified, notes, json, shapes })
    }

    /// Returns an output without readings, for what a reader finds here.
    pub(crate) fn output(&self, format: &str, tool: impl Into<String>) -> Output {
        Output::new(format, tool).holding(self.max_readings)
    }

    /// Returns the file's path, or the name of the stream.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    /// Returns a place in the text, as errors and skips name it.
    pub(crate) fn at(&self, line: Line<'_>) -> String {
        format!("{}:{}", self.place, line.number)
    }

    /// Returns the text, without a byte order mark and without terminal commands.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the lines of the text.
    pub(crate) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        text::lines(&self.text)
    }

    /// Says whether the text is more than one JSON value, and `is_its` knows a line of it.
    pub(crate) fn any_line(&self, is_its: impl Fn(&str) -> bool) -> bool {
        !self.is_json() && self.lines().any(|line| is_its(line.text))
    }

    /// Returns when the file was last written; `None` for streams.
    pub(crate) fn modified(&self) -> Option<SystemTime> {
        self.modified
    }

    /// Reads the one JSON value of the text; `what` completes the sentence "expected ...".
    ///
    /// Other lines may stand around the value, and `NaN` and `Infinity` in it.
    pub(crate) fn json<'a, T: Deserialize<'a>>(&'a self, what: &str) -> Result<T, ReadError> {
        let mut cause = match serde_json::from_str(self.text()) {
            Ok(value) => return Ok(value),
            Err(cause) => cause,
        };
        let text = self.json_text();
        if let (true, Ok(value)) = (text != self.text, serde_json::from_str(text)) {
            return Ok(value);
        }
        if !self.is_json() {
            let mut values = json::values(text);
            if let (Some(only), None) = (values.next(), values.next()) {
                self.note("lines around the JSON in it");
                match serde_json::from_str(only) {
                    Ok(value) => return Ok(value),
                    Err(inner) => cause = inner,
                }
            }
        }
        Err(self.refuse(format!("expected {what}")).caused_by(cause))
    }

    /// Returns every JSON object and array that begins and ends a line.
    pub(crate) fn values(&self) -> impl Iterator<Item = &str> {
        json::values(self.json_text())
    }

    /// Says whether the text holds a JSON value with something at `path`, such as `results/0/command`.
    ///
    /// Of an array only the first element, `0`, is known.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.has_all(&[path])
    }

    /// Says whether the text holds one JSON value that has something at each of the paths.
    pub(crate) fn has_all(&self, paths: &[&str]) -> bool {
        let mut outlines = self.shapes().outlines.iter();
        outlines.any(|outline| paths.iter().all(|path| outline.has(path)))
    }

    /// Says whether the whole text is one JSON value.
    pub(crate) fn is_json(&self) -> bool {
        self.shapes().broken.is_none()
    }

    /// Returns why the text is no JSON, if it starts like JSON.
    pub(crate) fn broken_json(&self) -> Option<String> {
        let begins = self.text().trim_start().starts_with(['{', '[']);
        self.shapes().broken.as_ref().filter(|_| begins).map(ToString::to_string)
    }

    /// Returns the name of the root element if the text is XML.
    pub(crate) fn xml_root(&self) -> Option<&str> {
        let mut rest = self.text.trim_start();
        while rest.starts_with("<?") || rest.starts_with("<!--") {
            rest = rest[rest.find('>')? + 1..].trim_start();
        }
        let name = rest.strip_prefix('<')?;
        let end = name.find(|c: char| c.is_whitespace() || c == '>' || c == '/')?;
        Some(&name[..end]).filter(|name| !name.is_empty() && !name.starts_with('!'))
    }

    /// Reads the whole text as XML. DTDs are refused, and with them entities that grow.
    pub(crate) fn xml(&self) -> Result<roxmltree::Document<'_>, ReadError> {
        roxmltree::Document::parse(&self.text).map_err(|cause| self.refuse("expected XML").caused_by(cause))
    }

    /// Says whether the first line of the text that is not blank begins so.
    pub(crate) fn begins(&self, with: &str) -> bool {
        self.text.trim_start().starts_with(with)
    }

    /// Returns the lines of the text as rows of comma-separated values; rows may differ in length.
    pub(crate) fn csv(&self) -> csv::Reader<&[u8]> {
        csv::ReaderBuilder::new().flexible(true).from_reader(self.text.as_bytes())
    }

    /// Returns an error at this place.
    pub(crate) fn refuse(&self, problem: impl Into<String>) -> ReadError {
        ReadError::new(&self.place, problem)
    }

    /// Notes something in the text that no reader uses.
    pub(crate) fn note(&self, reason: impl Into<String>) {
        let note = Skipped { place: self.place.clone(), reason: reason.into() };
        let mut notes = self.notes.borrow_mut();
        if !notes.contains(&note) {
            notes.push(note);
        }
    }

    /// Returns what was noted.
    pub(crate) fn notes(&self) -> Vec<Skipped> {
        self.notes.take()
    }

    /// Returns the text with `null` for what JSON has no word for.
    fn json_text(&self) -> &str {
        self.json.get_or_init(|| json::without_nan(&self.text)).as_ref().unwrap_or(&self.text)
    }

    fn shapes(&self) -> &Shapes {
        self.shapes.get_or_init(|| {
            let whole = serde_json::from_str(&self.text).or_else(|cause| match self.json_text() {
                text if text == self.text => Err(cause),
                text => serde_json::from_str(text),
            });
            let mut outlines = BTreeSet::new();
            match whole {
                Ok(outline) => {
                    outlines.insert(outline);
                    Shapes { broken: None, outlines }
                }
                Err(cause) => {
                    for outline in self.values().filter_map(|value| serde_json::from_str(value).ok()) {
                        if outlines.len() < MAX_SHAPES {
                            outlines.insert(outline);
                        }
                    }
                    Shapes { broken: Some(cause), outlines }
                }
            }
        })
    }
}

/// Reads a stream of `length` bytes or more, but not more than allowed.
fn bounded(place: &str, mut stream: impl Read, length: u64, max: u64) -> Result<Vec<u8>, ReadError> {
    let too_large = || {
        let (mebibytes, twice) = (max >> 20, max.saturating_mul(2));
        ReadError::new(place, format!("is larger than the {max} bytes ({mebibytes} MiB) that are read"))
            .with_hint(format!("`--max-bytes {twice}` reads twice as much"))
    };
    if length > max {
        return Err(too_large());
    }
    let failed = |cause| ReadError::new(place, "cannot be read").caused_by(cause);
    let mut bytes = vec![0; usize::try_from(length).map_or(0, |length| length + 1)];
    let first = stream.read(&mut bytes).or_else(|cause| match cause.kind() {
        ErrorKind::Interrupted => Ok(0),
        _ => Err(failed(cause)),
    })?;
    bytes.truncate(first);
    // A file that gives less than was asked for is at its end: no need to ask again.
    if length > 0 && first as u64 == length {
        return Ok(bytes);
    }
    // One byte more than allowed, so that a file that grows meanwhile is still found too large.
    let rest = max.saturating_add(1).saturating_sub(first as u64);
    stream.take(rest).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > max { Err(too_large()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    fn input(bytes: &[u8], options: &Options) -> Result<Input, ReadError> {
        Input::stream("in", bytes, options)
    }

    fn refusal(bytes: &[u8]) -> String {
        let error = input(bytes, &Options::default()).err().expect("refused");
        let cause = error.source().map(|cause| format!(" <- {cause}")).unwrap_or_default();
        format!("{error}{cause}")
    }

    #[test]
    fn says_what_is_wrong_with_bytes_that_are_no_text() {
        for (bytes, expected) in [
            (&b""[..], "in: is empty"),
            (b" \r\n", "in: is empty"),
            (b"\xef\xbb\xbf", "in: is empty"),
            (b"\xff\xfe", "in: is empty"),
            (b"\x1f\x8b\x08\0", "in: expected text, found a gzip archive"),
            (b"\x89PNG\0", "in: expected text, found binary data"),
        ] {
            let found = refusal(bytes);
            assert!(found.starts_with(expected), "{bytes:?}: {found}");
        }
    }

    #[test]
    fn characters_that_are_not_utf8_are_counted() {
        let options = Options::default();
        let input = input(b"{\"a\xff\": 1}", &options).unwrap();
        assert!(input.has("a\u{fffd}"));
        assert!(input.notes()[0].reason.starts_with("1 characters that are not UTF-8"));
    }

    #[test]
    fn knows_the_json_in_a_text() {
        let options = Options::default();
        for (text, whole, expected) in [
            ("{\"a\": NaN}", true, true),
            ("log\n{\"a\": NaN}\n{\"b\": 1}", false, true),
            ("log {\"a\": 1}", false, false),
        ] {
            let input = input(text.as_bytes(), &options).unwrap();
            assert_eq!((input.is_json(), input.has("a")), (whole, expected), "{text}");
            assert!(!input.has_all(&["a", "b"]), "{text}");
        }
    }

    #[test]
    fn reads_the_one_value_in_a_text() {
        #[derive(Debug, Deserialize, PartialEq)]
        struct A {
            a: Option<u8>,
        }
        let options = Options::default();
        for (text, expected, notes) in [
            ("{\"a\": 1}", Some(A { a: Some(1) }), 0),
            ("{\"a\": NaN}", Some(A { a: None }), 0),
            ("log\n{\"a\": inf}\nend", Some(A { a: None }), 1),
            ("{}\n{}", None, 0),
        ] {
            let input = input(text.as_bytes(), &options).unwrap();
            assert_eq!(input.json::<A>("an a").ok(), expected, "{text}");
            assert_eq!(input.notes().len(), notes, "{text}");
        }
    }

    #[test]
    fn xml_has_a_root_and_no_dtd() {
        let options = Options::default();
        for (text, root, sound) in [
            ("<?xml version=\"1.0\"?>\n<!-- a -->\n<Catch name='x'><a/></Catch>", Some("Catch"), true),
            ("<a/>", Some("a"), true),
            ("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", None, false),
            ("< a", None, false),
            ("text", None, false),
        ] {
            let input = input(text.as_bytes(), &options).unwrap();
            assert_eq!((input.xml_root(), input.xml().is_ok()), (root, sound), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_regular_file() {
        let (dir, options) = (tempfile::tempdir().unwrap(), Options::default());
        let error = Input::open(dir.path(), &options).err().expect("refused");
        assert!(error.to_string().ends_with("expected a regular file"), "{error}");
        let error = Input::open(&dir.path().join("missing"), &options).err().expect("refused");
        assert!(error.to_string().ends_with("missing: cannot be read"), "{error}");
    }

    #[test]
    fn the_limit_is_stated_and_can_be_set() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("large");
        let default = Options::default();
        File::create(&path).unwrap().set_len(default.max_bytes + 1).unwrap();
        let error = Input::open(&path, &default).err().expect("refused");
        let expected = "is larger than the 268435456 bytes (256 MiB) that are read";
        assert!(error.to_string().ends_with(expected), "{error}");
        assert_eq!(error.hint(), Some("`--max-bytes 536870912` reads twice as much"));
        let small = Options { max_bytes: 3, ..Options::default() };
        assert!(input(b"1234", &small).is_err());
        assert!(input(b"123", &small).is_ok());
    }
}
