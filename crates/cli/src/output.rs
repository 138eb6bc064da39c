mod busy;
mod pager;

use std::fs;
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::OnceLock;

use anstyle::{AnsiColor, Style};
use perf_render::escape::message;
use perf_render::{Colour, Page};

pub(crate) use self::busy::{busy, counting};
use crate::failure::{Failure, Result};

/// How everything is printed, as the caller asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// When there are colours.
    pub(crate) color: clap::ColorChoice,
    /// Whether standard error gets warnings and errors only.
    pub(crate) quiet: bool,
    /// Whether long output on a terminal goes through a pager.
    pub(crate) pages: bool,
}

static MANNER: OnceLock<Manner> = OnceLock::new();

impl Manner {
    /// Makes this the manner of the whole process. The first call counts.
    pub(crate) fn begin(self) {
        MANNER.get_or_init(|| self);
        match self.color {
            clap::ColorChoice::Auto => anstream::ColorChoice::Auto,
            clap::ColorChoice::Always => anstream::ColorChoice::Always,
            clap::ColorChoice::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }

    fn is_quiet() -> bool {
        MANNER.get().is_some_and(|manner| manner.quiet)
    }

    fn pages() -> bool {
        MANNER.get().is_some_and(|manner| manner.pages)
    }
}

/// Prints data on standard output, on a terminal through a pager where it is long.
pub(crate) fn print(text: &str) -> Result<()> {
    if Manner::pages() && pager::page(text) {
        return Ok(());
    }
    let mut stdout = anstream::stdout().lock();
    written(busy::aside(|| stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())))
}

/// Prints JSON on standard output, indented.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<()> {
    print_as_made(|out| perf_render::json::pretty(out, value))
}

/// Prints JSON on standard output, as one line.
pub(crate) fn print_line(value: &impl serde::Serialize) -> Result<()> {
    print_as_made(|out| perf_render::json::write_line(out, value))
}

/// Prints JSON as it is made. Nothing in it is for a terminal to act on, so that there is nothing to take out.
fn print_as_made(write: impl Fn(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    if Manner::pages() && io::stdout().is_terminal() {
        let mut text = Vec::new();
        written(write(&mut text))?;
        return print(&String::from_utf8_lossy(&text));
    }
    let mut stdout = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    written(busy::aside(|| write(&mut stdout).and_then(|()| stdout.flush())))
}

/// Says what kept standard output from being written. A reader that has seen enough is no failure.
fn written(result: io::Result<()>) -> Result<()> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new("standard output cannot be written").because(&error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
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
    if Manner::is_quiet() {
        return;
    }
    say(Style::new().dimmed(), "note", text);
}

/// Warns on standard error.
pub(crate) fn warn(text: &str) {
    say(Style::new().fg_color(Some(AnsiColor::Yellow.into())).bold(), "warning", text);
}

/// Warns of many things: the first few by name, the others by number.
pub(crate) fn warn_of_all(things: impl IntoIterator<Item = impl AsRef<str>>) {
    warn_of_counted(things.into_iter().map(|thing| (thing, 1)));
}

/// Warns of many things, each of which may stand for several.
pub(crate) fn warn_of_counted(things: impl IntoIterator<Item = (impl AsRef<str>, usize)>) {
    const NAMED: usize = 20;
    let mut things = things.into_iter();
    things.by_ref().take(NAMED).for_each(|(thing, _)| warn(thing.as_ref()));
    if let more @ 1.. = things.map(|(_, count)| count).sum::<usize>() {
        warn(&format!("and {more} more of the kind"));
    }
}

/// Writes a file that a user named.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes)
        .map_err(|error| Failure::new(format!("{}: cannot be written", path.display())).because(&error))
}

/// Prints what clap has to say: help on standard output, mistakes on standard error with the status of failures.
pub(crate) fn usage(error: &clap::Error, failed: impl FnOnce() -> u8) -> ExitCode {
    // Nobody is left to tell when the stream is gone.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { failed() } else { 0 })
}

fn say(style: Style, word: &str, text: &str) {
    busy::aside(|| {
        let _: io::Result<()> =
            writeln!(anstream::stderr().lock(), "{style}{word}{style:#}: {}", message(text));
    });
}
