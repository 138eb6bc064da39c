//! Which formats are read, how they are told apart, and how one is chosen.
//!
//! A format is one file below `format/` with a `FORMAT` constant, and one line in the table here.

mod ab;
mod asv;
mod benchmark_ips;
mod benchmark_js;
mod benchmarkdotnet;
mod bmf;
mod cargo_criterion;
mod catch2;
pub(crate) mod columns;
mod critcmp;
mod criterion;
mod criterion_text;
mod dart;
mod divan;
pub(crate) mod github_action;
mod gnu_time;
mod go;
mod google_benchmark;
mod gungraun;
mod hey;
mod hyperfine;
mod hyperfine_csv;
mod iai;
mod jmh;
mod js_time;
mod julia;
mod junit;
mod k6;
mod kind;
mod libtest;
mod locust;
mod luau;
mod minitest;
mod mitata;
mod native;
mod oha;
mod openmetrics;
mod perf_stat;
mod pytest;
mod ruby_benchmark;
mod siege;
pub(crate) mod tables;
mod tinybench;
mod vegeta;
mod vitest;
mod wrk;

use std::fs;
use std::io::Read;
use std::path::Path;

use self::columns::Mapping;
use self::kind::Reader;
pub use self::kind::{Format, Keeps, Options};
use crate::error::ReadError;
use crate::input::Input;
use crate::output::Output;
#[cfg(test)]
use crate::output::Reason;

static FORMATS: &[Format] = &[
    ab::FORMAT,
    asv::FORMAT,
    benchmark_ips::FORMAT,
    benchmark_js::FORMAT,
    benchmarkdotnet::FORMAT,
    github_action::BIGGER,
    bmf::FORMAT,
    cargo_criterion::FORMAT,
    catch2::FORMAT,
    criterion::FORMAT,
    criterion_text::FORMAT,
    critcmp::FORMAT,
    columns::CSV,
    dart::FORMAT,
    divan::FORMAT,
    github_action::FORMAT,
    github_action::HISTORY,
    gnu_time::FORMAT,
    go::FORMAT,
    google_benchmark::FORMAT,
    gungraun::FORMAT,
    hey::FORMAT,
    hyperfine::FORMAT,
    hyperfine_csv::FORMAT,
    iai::FORMAT,
    jmh::FORMAT,
    js_time::FORMAT,
    julia::FORMAT,
    junit::FORMAT,
    k6::FORMAT,
    libtest::FORMAT,
    locust::FORMAT,
    luau::FORMAT,
    minitest::FORMAT,
    mitata::FORMAT,
    columns::NDJSON,
    oha::FORMAT,
    openmetrics::FORMAT,
    perf_stat::FORMAT,
    pytest::FORMAT,
    ruby_benchmark::FORMAT,
    siege::FORMAT,
    github_action::SMALLER,
    tables::FORMAT,
    tinybench::FORMAT,
    vegeta::FORMAT,
    vitest::FORMAT,
    wrk::FORMAT,
    wrk::FORMAT_2,
    native::FORMAT,
];

/// Returns every format that can be read, in the order in which they are shown.
pub fn formats() -> &'static [Format] {
    FORMATS
}

/// Reads a file or a directory in the format that is asked for, or in the one that its content shows.
///
/// Every format is asked whether the content is its own: none, or more than one, is an error. Only formats
/// whose tools print to one stream may be read together.
pub fn read(path: &Path, options: &Options) -> Result<Output, ReadError> {
    Ok(arranged(read_path(path, options)?, options))
}

/// Reads a stream called `name`, such as `standard input`, like [`read`] reads a file.
pub fn read_stream(name: &str, stream: impl Read, options: &Options) -> Result<Output, ReadError> {
    let input = Input::stream(name, stream, options)?;
    let read = match mapping(options) {
        Some(mapping) => read_mapped(&input, mapping)?,
        None => read_input(&input, find(name, options)?)?,
    };
    Ok(arranged(read.checked(name, &options.better)?, options))
}

fn arranged(output: Output, options: &Options) -> Output {
    output.prefixed(options.prefix.as_deref()).with_percentiles(&options.percentiles)
}

fn read_path(path: &Path, options: &Options) -> Result<Output, ReadError> {
    let place = path.display().to_string();
    if let Some(mapping) = mapping(options) {
        return read_mapped(&Input::open(path, options)?, mapping)?.checked(&place, &options.better);
    }
    let named = find(&place, options)?;
    if path.is_dir() {
        return read_directory(path, named, options)?.checked(&place, &options.better);
    }
    read_input(&Input::open(path, options)?, named)?.checked(&place, &options.better)
}

fn read_directory(path: &Path, named: Option<&Format>, options: &Options) -> Result<Output, ReadError> {
    let place = &path.display();
    fs::read_dir(path).map_err(|cause| ReadError::new(place, "cannot be read").caused_by(cause))?;
    let is_its = |format: &&Format| match format.reader {
        Reader::Directory { detect, .. } => detect(path),
        Reader::File { .. } | Reader::Stream { .. } => false,
    };
    let directories = |format: &&Format| matches!(format.reader, Reader::Directory { .. });
    let format = match named {
        Some(format) => format,
        None => match FORMATS.iter().filter(is_its).collect::<Vec<_>>().as_slice() {
            [] => {
                let wanted = descriptions(FORMATS.iter().filter(directories));
                let problem = format!("is a directory that no reader knows; it may be {wanted}");
                return Err(ReadError::new(place, problem).with_hint("name the file that the tool wrote"));
            }
            [only] => only,
            several => return Err(ambiguous(place, several)),
        },
    };
    match format.reader {
        Reader::Directory { read, .. } => read(path, options),
        Reader::File { .. } | Reader::Stream { .. } => {
            Err(ReadError::new(place, format!("expected a file: `{}` is no directory format", format.name)))
        }
    }
}

fn read_input(input: &Input, named: Option<&'static Format>) -> Result<Output, ReadError> {
    let is_its = |format: &&Format| match format.reader {
        Reader::File { detect, .. } | Reader::Stream { detect, .. } => detect(input),
        Reader::Directory { .. } => false,
    };
    let streams = |format: &&Format| matches!(format.reader, Reader::Stream { .. });
    let chosen: Vec<&Format> = match named {
        Some(format) => vec![format],
        None => FORMATS.iter().filter(is_its).collect(),
    };
    let output = match chosen.as_slice() {
        [] => return Err(unrecognised(input)),
        [only] => read_as(input, only)?,
        [first, others @ ..] if chosen.iter().all(streams) => {
            let mut output = read_as(input, first)?;
            for other in others {
                output.join(read_as(input, other)?);
            }
            output
        }
        several => return Err(ambiguous(input.place(), several)),
    };
    finished(input, output)
}

/// Returns the mapping that is asked for by its name.
fn mapping(options: &Options) -> Option<&Mapping> {
    options.inputs.iter().find(|mapping| Some(&mapping.name) == options.format.as_ref())
}

fn read_mapped(input: &Input, mapping: &Mapping) -> Result<Output, ReadError> {
    finished(input, columns::read_mapped(input, mapping)?)
}

/// Adds what the input itself has to say.
fn finished(input: &Input, mut output: Output) -> Result<Output, ReadError> {
    output.note_time(input.modified());
    output.skipped.extend(input.notes());
    Ok(output)
}

fn read_as(input: &Input, format: &Format) -> Result<Output, ReadError> {
    match format.reader {
        Reader::File { read, .. } | Reader::Stream { read, .. } => read(input),
        Reader::Directory { .. } => {
            Err(input.refuse(format!("expected a directory: `{}` reads {}", format.name, format.description)))
        }
    }
}

fn unrecognised(input: &Input) -> ReadError {
    let hint = "`perf collect --list-formats` shows what can be read, `--format NAME` says which it is";
    match input.broken_json() {
        Some(cause) => input.refuse("expected JSON").caused_by(cause).with_hint(hint),
        None => input.refuse("is in no format that is recognised").with_hint(hint),
    }
}

fn find(place: &str, options: &Options) -> Result<Option<&'static Format>, ReadError> {
    let Some(name) = &options.format else { return Ok(None) };
    let found = FORMATS.iter().find(|format| format.name == name.replace('_', "-"));
    found.map(Some).ok_or_else(|| {
        let known: Vec<_> = FORMATS.iter().map(|format| format.name).collect();
        ReadError::new(place, format!("no format is called `{name}`; there are {}", known.join(", ")))
    })
}

fn ambiguous(place: impl std::fmt::Display, candidates: &[&Format]) -> ReadError {
    let names: Vec<_> = candidates.iter().map(|format| format.name).collect();
    let hint = format!("`--format {}` chooses the first", names[0]);
    ReadError::new(place, format!("may be any of {}", names.join(", "))).with_hint(hint)
}

fn descriptions<'a>(formats: impl Iterator<Item = &'a Format>) -> String {
    formats.map(|format| format.description).collect::<Vec<_>>().join(", ")
}

/// What the tests of every format ask for: the format `""` is the one that the content shows.
#[cfg(test)]
mod tests_of {
    use std::error::Error;

    use super::*;

    fn options(format: &str) -> Options {
        if format.is_empty() { Options::default() } else { Options::named(format) }
    }

    fn read(text: &str, format: &str) -> Output {
        read_stream("in", text.as_bytes(), &options(format)).unwrap_or_else(|error| panic!("{error:?}"))
    }

    /// Returns series, location and unit of everything that was read.
    pub(super) fn found(text: &str, format: &str) -> Vec<(String, f64, String)> {
        found_with(text, &options(format)).unwrap_or_else(|error| panic!("{error:?}"))
    }

    pub(super) fn found_with(text: &str, options: &Options) -> Result<Vec<(String, f64, String)>, ReadError> {
        let output = read_stream("in", text.as_bytes(), options)?;
        let line = |m: &perf_model::Measurement| {
            (m.series().to_string(), m.reading.location(), m.metric.unit.symbol().to_owned())
        };
        Ok(output.measurements.iter().map(line).collect())
    }

    /// Returns series and reason of everything that was withheld.
    pub(super) fn withheld(text: &str, format: &str) -> Vec<(String, String)> {
        let reason = |reason| match reason {
            Reason::Failed(reason) => reason,
            Reason::NoDirection => "no direction".to_owned(),
        };
        let withheld = read(text, format).withheld.into_iter();
        withheld.map(|it| (it.measurement.series().to_string(), reason(it.reason))).collect()
    }

    /// Returns what was skipped, as `place: reason`.
    pub(super) fn skips(text: &str, format: &str) -> Vec<String> {
        let error =
            |error: ReadError| vec![error.source().map_or_else(|| error.to_string(), ToString::to_string)];
        read_stream("in", text.as_bytes(), &options(format)).map_or_else(error, |output| {
            output.skipped.iter().map(|skipped| format!("{}: {}", skipped.place, skipped.reason)).collect()
        })
    }

    /// Returns the error, with its cause.
    pub(super) fn refusal(text: &str, format: &str) -> String {
        let error = read_stream("in", text.as_bytes(), &options(format)).unwrap_err();
        let cause = error.source().map(|cause| format!(" <- {cause}")).unwrap_or_default();
        format!("{error}{cause}")
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use perf_model::Measurement;

    use super::*;

    const HYPERFINE: &str = r#"{"results": [{"command": "true", "times": [0.5], "exit_codes": [0]}]}"#;

    /// Reads a text as users do: with its format found by its content.
    pub(super) fn parse(text: &str) -> Output {
        read_stream("in", text.as_bytes(), &Options::default())
            .unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Returns each measurement as `series location unit`.
    pub(super) fn found(output: &Output) -> Vec<String> {
        let line = |m: &Measurement| format!("{} {} {}", m.series(), m.reading.location(), m.metric.unit);
        output.measurements.iter().map(line).collect()
    }

    /// Returns why a text is not read.
    pub(super) fn refused(text: &str) -> String {
        refusal(text, None)
    }

    fn refusal(text: &str, format: Option<&str>) -> String {
        let options = format.map_or_else(Options::default, Options::named);
        let error = read_stream("in", text.as_bytes(), &options).unwrap_err();
        let cause = error.source().map(|cause| format!(" <- {cause}")).unwrap_or_default();
        format!("{error}{cause}")
    }

    #[test]
    fn recognises_a_format_by_its_content() {
        let native = r#"{"benchmarks": [{"name": "a", "unit": "s", "value": 1}]}"#;
        for (text, expected) in [(HYPERFINE, "hyperfine"), (native, "perf")] {
            for text in [text.to_owned(), format!("\u{feff}{text}\r\n")] {
                let found = read_stream("in", text.as_bytes(), &Options::default()).unwrap();
                assert_eq!(found.sources[0].format, expected, "{text}");
            }
        }
    }

    #[test]
    fn says_why_nothing_was_read() {
        for (text, format, expected) in [
            ("hello", None, "in: is in no format that is recognised"),
            ("42", None, "in: is in no format that is recognised"),
            ("[]", None, "in: is in no format that is recognised"),
            ("{}", None, "in: is in no format that is recognised"),
            ("{} {}", None, "in: expected JSON <- trailing characters at line 1 column 4"),
            ("{\n\"a\": NaN}", None, "in: is in no format that is recognised"),
            ("{\n\"a\": x}", None, "in: expected JSON <- expected value at line 2 column 6"),
            (HYPERFINE, Some("fast"), "in: no format is called `fast`; there are ab, "),
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
            let options = format.map_or_else(Options::default, Options::named);
            let error = read(dir.path(), &options).unwrap_err().to_string();
            assert!(error.contains(expected), "{format:?}: {error}");
        }
    }

    #[test]
    fn two_candidates_are_an_error_that_names_both() {
        let error = ambiguous("in", &[&criterion::FORMAT, &hyperfine::FORMAT]);
        assert_eq!(error.to_string(), "in: may be any of criterion, hyperfine");
        assert_eq!(error.hint(), Some("`--format criterion` chooses the first"));
    }

    #[test]
    fn names_are_unique_and_fit_for_the_command_line() {
        let mut names: Vec<_> = formats().iter().map(|format| format.name).collect();
        assert!(
            names
                .iter()
                .all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')),
            "{names:?}"
        );
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), formats().len());
    }

    #[test]
    fn every_fixture_is_of_one_format() {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        for entry in fs::read_dir(fixtures).unwrap() {
            let path = entry.unwrap().path();
            let options = Options::default();
            let input = Input::open(&path, &options).unwrap();
            let detects = |format: &&Format| match format.reader {
                Reader::File { detect, .. } | Reader::Stream { detect, .. } => detect(&input),
                Reader::Directory { .. } => false,
            };
            let names: Vec<_> = formats().iter().filter(detects).map(|format| format.name).collect();
            let refused = path.ends_with("wrk_refused.txt");
            assert_eq!(names.len(), usize::from(!refused), "{}: {names:?}", path.display());
        }
    }
}
