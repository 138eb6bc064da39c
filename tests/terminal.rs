//! What changes where a person sits at a terminal, and what must not.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::sandbox::{Sandbox, output, skipped};

/// Runs `perf` with standard output and standard error on a terminal of 100 columns and 10 lines; returns what
/// appears on it and the exit status.
fn on_terminal(sandbox: &Sandbox, variables: &[(&str, &str)], args: &[&str]) -> (String, i32) {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let size = Winsize { ws_row: 10, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&controller, size).unwrap();
    let name = ptsname(&controller, vec![]).unwrap().into_string().unwrap();
    let terminal = || Stdio::from(File::options().read(true).write(true).open(&name).unwrap());
    let mut command = sandbox.command(env!("CARGO_BIN_EXE_perf"), "repo");
    command.args(args).env("TERM", "xterm").envs(variables.iter().copied());
    let mut child = command.stdin(Stdio::null()).stdout(terminal()).stderr(terminal()).spawn().unwrap();
    // Its ends of the terminal stay open in it otherwise, and the terminal would never hang up.
    drop(command);
    let (mut shown, mut part) = (Vec::new(), [0; 4096]);
    let mut controller = File::from(controller);
    loop {
        match controller.read(&mut part) {
            Ok(read) => shown.extend(&part[..read]),
            // Linux says so where nobody holds the other end any more.
            Err(error) if error.raw_os_error() == Some(5) => break,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => panic!("{error}"),
        }
    }
    (String::from_utf8(shown).unwrap().replace("\r\n", "\n"), child.wait().unwrap().code().unwrap())
}

/// A head that is worse in all of twelve series: a report longer than ten lines.
fn long_report() -> Sandbox {
    let sandbox = Sandbox::new();
    let names: Vec<String> = (0..12).map(|n| format!("case/{n}")).collect();
    let series = |factor: f64| names.iter().map(|name| (name.as_str(), 100.0 * factor)).collect::<Vec<_>>();
    sandbox.measure(&series(1.0));
    sandbox.branch("feature");
    sandbox.measure(&series(2.0));
    sandbox
}

const MARKER: (&str, &str) = ("PERF_PAGER", "sed 's/^/paged: /'");

#[test]
fn long_output_on_a_terminal_is_paged_and_the_status_is_kept() {
    let sandbox = long_report();
    let compare = ["--quiet", "compare"];
    let (shown, status) = on_terminal(&sandbox, &[MARKER], &compare);
    assert!(shown.lines().all(|line| line.starts_with("paged: ")), "{shown}");
    assert!(shown.contains("\u{1b}["), "a pager gets colours: {shown}");
    assert_eq!(status, 1);
    let pipe = sandbox.perf(&compare);
    let plain = |text: &str| anstream::adapter::strip_str(text).to_string();
    assert_eq!(plain(&shown).replace("paged: ", "").trim_end(), {
        // Nobody folds a table for a pipe; the first lines are the same.
        let (shown, _) = on_terminal(&sandbox, &[("PERF_PAGER", "")], &compare);
        plain(&shown).trim_end().to_owned()
    });
    assert!(!pipe.stdout.contains("paged") && !pipe.stdout.contains('\u{1b}'), "{}", pipe.stdout);
}

#[test]
fn short_output_other_pagers_and_no_pager() {
    let sandbox = long_report();
    let is_paged = |variables: &[(&str, &str)], args: &[&str]| {
        let (shown, _) = on_terminal(&sandbox, variables, args);
        assert!(!shown.is_empty(), "{variables:?} {args:?}");
        shown.contains("paged: ")
    };
    assert!(is_paged(&[("PAGER", MARKER.1)], &["compare"]), "PAGER serves where PERF_PAGER is not set");
    assert!(is_paged(&[MARKER, ("PAGER", "cat")], &["compare"]), "PERF_PAGER goes first");
    assert!(!is_paged(&[MARKER], &["store", "log"]), "two lines need no pager");
    assert!(!is_paged(&[MARKER], &["compare", "--no-pager"]));
    assert!(!is_paged(&[MARKER, ("TERM", "dumb")], &["compare"]));
    for none in ["", "cat"] {
        assert!(!is_paged(&[("PERF_PAGER", none), ("PAGER", MARKER.1)], &["compare"]), "{none:?}");
    }
    let (shown, status) = on_terminal(&sandbox, &[("PERF_PAGER", "no-such-pager")], &["compare"]);
    assert!(shown.contains("case/11") && status == 1, "a pager that is missing loses nothing: {shown}");
    let (_, status) = on_terminal(&sandbox, &[("PERF_PAGER", "true")], &["compare"]);
    assert_eq!(status, 1, "a pager that is quit at once is no failure");
}

#[test]
fn colours_are_where_they_are_wanted() {
    let sandbox = long_report();
    let is_coloured = |variables: &[(&str, &str)], args: &[&str]| {
        on_terminal(&sandbox, variables, args).0.contains("\u{1b}[")
    };
    let compare = ["compare", "--no-pager"];
    assert!(is_coloured(&[], &compare));
    assert!(!is_coloured(&[("NO_COLOR", "1")], &compare));
    assert!(!is_coloured(&[], &["compare", "--no-pager", "--color", "never"]));
    assert!(is_coloured(&[("NO_COLOR", "1")], &["compare", "--no-pager", "--color=always"]));
    let in_pipe = |variables: &[(&str, &str)], args: &[&str]| {
        let mut command = sandbox.command(env!("CARGO_BIN_EXE_perf"), "repo");
        let output = command.args(args).envs(variables.iter().copied()).output().unwrap();
        output.stdout.contains(&0x1b)
    };
    assert!(!in_pipe(&[], &["compare"]));
    assert!(in_pipe(&[], &["compare", "--color", "always"]));
    assert!(in_pipe(&[("CLICOLOR_FORCE", "1")], &["compare"]));
    assert!(!in_pipe(&[("CLICOLOR_FORCE", "1")], &["compare", "--color", "never"]));
    for report in ["markdown", "json"] {
        assert!(!in_pipe(&[], &["compare", "--color", "always", "--output", report]), "{report}");
    }
    assert_eq!(sandbox.perf(&["compare", "--color", "sometimes"]).status, 2);
}

#[test]
fn quiet_leaves_warnings_and_errors() {
    let sandbox = Sandbox::new();
    sandbox.write("out.json", output(&[("parse", 100.0)]));
    let collect = |args: &[&str]| sandbox.perf(&[&["collect", "../out.json"][..], args].concat()).stderr;
    assert!(collect(&[]).contains("note: recorded"));
    let again = collect(&["--quiet"]);
    assert!(again.starts_with("warning: run ") && !again.contains("note: "), "{again}");
    let failed = sandbox.perf(&["-q", "store", "show", "HEAD~1"]);
    assert_eq!(failed.status, 2);
    assert!(failed.stderr.contains("error: ") && failed.stderr.contains("hint: "), "{}", failed.stderr);
}

#[test]
fn another_directory_holds_for_every_path() {
    let sandbox = Sandbox::new();
    sandbox.write("repo/bench/out.json", output(&[("parse", 100.0)]));
    for (dir, path) in [("repo", "bench/out.json"), ("repo/bench", "out.json")] {
        let ended = sandbox.perf_in(".", &["-C", dir, "collect", path, "--save", "run.jsonl"]);
        assert_eq!(ended.status, 0, "{}", ended.stderr);
        assert!(sandbox.path(dir).join("run.jsonl").is_file(), "{dir}");
    }
    // A name that the Linux profiler has for a command.
    fs::rename(sandbox.path("repo"), sandbox.path("data")).unwrap();
    assert_eq!(sandbox.perf_in(".", &["-C", "data", "store", "log"]).status, 0);
    let missing = sandbox.perf_in(".", &["-C", "gone", "store", "log"]);
    assert!(missing.status == 2 && missing.stderr.contains("gone: no such directory"), "{}", missing.stderr);
}

#[test]
fn completions_know_every_command_and_are_taken_by_their_shell() {
    let sandbox = Sandbox::empty();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = sandbox.perf_in(".", &["completions", shell]).stdout;
        for word in ["compare", "against", "doctor", "completions"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        sandbox.write(shell, script);
    }
    let script =
        ". ./bash && COMP_WORDS=(perf comp) COMP_CWORD=1 && _perf perf comp '' && echo \"${COMPREPLY[@]}\"";
    let answer = sandbox.command("bash", ".").args(["-c", script]).output().unwrap();
    let answer = String::from_utf8_lossy(&answer.stdout).into_owned();
    assert_eq!(answer.trim(), "compare completions");
    assert_eq!(sandbox.perf_in(".", &["completions", "tcsh"]).status, 2);
}

#[test]
fn every_command_has_a_manual_page() {
    let sandbox = Sandbox::empty();
    let ended = sandbox.perf_in(".", &["reference", "man", "--out", "share/man1"]);
    assert_eq!((ended.status, ended.stdout.as_str()), (0, ""), "{}", ended.stderr);
    let reference = sandbox.perf_in(".", &["reference"]).stdout;
    let commands: Vec<&str> = reference.lines().filter_map(|line| line.strip_prefix("## `")).collect();
    assert!(commands.len() > 15, "{commands:?}");
    for command in commands {
        let page = command.trim_end_matches('`').replace(' ', "-") + ".1";
        let text = fs::read_to_string(sandbox.path("share/man1").join(&page))
            .unwrap_or_else(|error| panic!("{page}: {error}"));
        assert!(text.contains(".SH SYNOPSIS"), "{page}");
    }
    assert_eq!(sandbox.perf_in(".", &["reference", "man"]).status, 2, "where to is asked for");
    check_with_mandoc(&sandbox.path("share/man1"));
}

/// Nothing worse than style and warnings: macros that are not there, pages that cannot be set.
fn check_with_mandoc(dir: &Path) {
    let pages: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    let checked =
        std::process::Command::new("mandoc").args(["-T", "lint", "-W", "error"]).args(pages).output();
    match checked {
        Ok(checked) => assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout)),
        Err(_) => skipped("mandoc is not installed, so the manual pages were not linted"),
    }
}
