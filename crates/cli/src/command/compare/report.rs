//! Where reports go, and in which form.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use perf_compare::Outcome;
use perf_render::{Colour, Page};

use super::past;
use crate::failure::{Failure, Result};
use crate::output;
use crate::place::Place;

/// A report that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Report {
    format: Format,
    to: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Markdown,
    Json,
    Github,
    Check,
    Html,
}

impl std::str::FromStr for Report {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (format, to) = text.split_once('=').unwrap_or((text, "-"));
        let format = <Format as clap::ValueEnum>::from_str(format, false).map_err(|_| {
            "expected `text`, `markdown`, `json`, `html`, `github` or `check`, then `=FILE`".to_owned()
        })?;
        if to.is_empty() {
            return Err("expected a file, or `-` for standard output, after `=`".into());
        }
        Ok(Self { format, to: to.into() })
    }
}

/// Writes every report that was asked for; text on standard output where none goes there.
pub(super) fn write(reports: &[Report], place: &Place, outcome: &Outcome) -> Result<()> {
    let default = Report { format: Format::Text, to: "-".into() };
    let targets: BTreeSet<&Path> = reports.iter().map(|report| report.to.as_path()).collect();
    if targets.len() < reports.len() {
        return Err(Failure::new("two --output go to the same place: one report would replace the other"));
    }
    let silent = !reports.iter().any(|report| report.to == Path::new("-"));
    for report in reports.iter().chain(silent.then_some(&default)) {
        let on_stdout = report.to == Path::new("-");
        let page = if on_stdout { output::page() } else { Page { width: usize::MAX, colour: Colour::Plain } };
        let text = match report.format {
            Format::Text => perf_render::report::text(outcome, page),
            Format::Markdown => perf_render::report::markdown(outcome),
            Format::Json => perf_render::report::json(outcome),
            Format::Github => perf_render::report::github(outcome),
            Format::Check => perf_render::report::check(outcome).ok_or_else(|| {
                Failure::new("--output check: a check run belongs to a commit; the head is none")
            })?,
            Format::Html => perf_render::report::html(outcome, past::of_changed(outcome, place).as_ref()),
        };
        if on_stdout {
            output::print(&text)?;
        } else {
            output::write(&place.path(&report.to), text.as_bytes())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_goes_to_standard_output_unless_a_file_is_named() {
        let report = |format, to: &str| Ok(Report { format, to: to.into() });
        assert_eq!("json".parse(), report(Format::Json, "-"));
        assert_eq!("markdown=a=b.md".parse(), report(Format::Markdown, "a=b.md"));
        for bad in ["", "pdf", "text=", "=x"] {
            assert!(bad.parse::<Report>().is_err(), "{bad}");
        }
    }
}
