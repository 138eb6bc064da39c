//! Long output on a terminal goes through a pager, as git's does.

use std::io::{self, IsTerminal, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};

/// What `less` is told where nobody told it anything: leave short text alone, show colours, keep the screen. As git.
const LESS: &str = "FRX";

/// How a shell says that there is no such program (POSIX, 2.8.2 Exit Status for Commands).
const NOT_FOUND: i32 = 127;

/// Shows a text through the pager; `false` where there is none, no terminal, or nothing to scroll.
pub(super) fn page(text: &str) -> bool {
    let Some(height) = height() else { return false };
    // The last line is the prompt's.
    if text.lines().count() < height {
        return false;
    }
    let Some(mut command) = pager() else { return false };
    if std::env::var_os("LESS").is_none() {
        command.env("LESS", LESS);
    }
    // What the interrupt key means is up to the pager: dying before it would leave it alone with the terminal.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::new(AtomicBool::new(false)));
    command.stdin(Stdio::piped()).spawn().is_ok_and(|pager| feed(pager, text))
}

/// Returns how many lines the terminal has, if standard output is one that can be scrolled in.
fn height() -> Option<usize> {
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    if dumb || !io::stdout().is_terminal() {
        return None;
    }
    terminal_size::terminal_size_of(io::stdout()).map(|(_, height)| height.0.into())
}

/// Returns the pager that was asked for, else `less`; an empty one, or `cat`, means that none is wanted.
fn pager() -> Option<Command> {
    let Some(chosen) = ["PERF_PAGER", "PAGER"].into_iter().find_map(|name| std::env::var(name).ok()) else {
        return Some(Command::new("less"));
    };
    let chosen = chosen.trim();
    let mut command = Command::new("sh");
    command.args(["-c", chosen]);
    (!chosen.is_empty() && chosen != "cat").then_some(command)
}

/// Hands the text over and waits; `false` where there was nothing to hand it to.
fn feed(mut pager: Child, text: &str) -> bool {
    if let Some(mut stdin) = pager.stdin.take() {
        // Whoever quits early has seen enough.
        let _ = match AutoStream::choice(&io::stdout()) {
            ColorChoice::Never => write!(stdin, "{}", strip_str(text)),
            ColorChoice::Auto | ColorChoice::Always | ColorChoice::AlwaysAnsi => write!(stdin, "{text}"),
        };
    }
    pager.wait().is_ok_and(|status| status.code() != Some(NOT_FOUND))
}
