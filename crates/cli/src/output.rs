use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use perf_render::escape::message;
use perf_render::{Colour, Page};

use crate::failure::{Failure, Result};

/// Prints data on standard output. A reader that has seen enough is no failure.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut stdout = anstream::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new("standard output cannot be written").because(&error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Prints JSON on standard output.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<()> {
    let text =
        serde_json::to_string_pretty(value).expect("our own values have string keys and finite numbers");
    print(&format!("{text}\n"))
}

/// Returns what text on standard output is laid out for. Whoever reads from a pipe gets whole rows.
pub(crate) fn page() -> Page {
    let width = terminal_size::terminal_size_of(io::stdout()).map_or(usize::MAX, |(width, _)| width.0.into());
    Page { width, colour: Colour::Ansi }
}

/// Writes a number of things: `1 run`, `2 runs`.
pub(crate) fn counted(n: usize, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}

/// Says on standard error what is going on.
pub(crate) fn note(text: &str) {
    say(Style::new().dimmed(), "note", text);
}

/// Warns on standard error.
pub(crate) fn warn(text: &str) {
    say(Style::new().fg_color(Some(AnsiColor::Yellow.into())).bold(), "warning", text);
}

/// Warns of many things: the first few by name, the others by number.
pub(crate) fn warn_of_all(things: impl IntoIterator<Item = impl AsRef<str>>) {
    const NAMED: usize = 20;
    let mut things = things.into_iter();
    things.by_ref().take(NAMED).for_each(|thing| warn(thing.as_ref()));
    if let more @ 1.. = things.count() {
        warn(&format!("and {more} more of the kind"));
    }
}

/// Writes a file that a user named.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes)
        .map_err(|error| Failure::new(format!("{}: cannot be written", path.display())).because(&error))
}

/// Prints what clap has to say: help on standard output, mistakes on standard error.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    // Nobody is left to tell when the stream is gone.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

fn say(style: Style, word: &str, text: &str) {
    let mut stderr = anstream::stderr().lock();
    let _: io::Result<()> = writeln!(stderr, "{style}{word}{style:#}: {}", message(text));
}
