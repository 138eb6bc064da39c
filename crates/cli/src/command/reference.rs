use std::fmt::Write;

use crate::command::Status;
use crate::failure::Result;
use crate::output;

/// Print the reference of all commands as Markdown (docs/cli.md is made with it)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Width that help texts are wrapped to, wherever the reference is made.
const WIDTH: usize = 100;

pub(crate) fn run(_args: &Args, cli: clap::Command) -> Result<Status> {
    output::print(&reference(cli))?;
    Ok(Status::Done)
}

fn reference(cli: clap::Command) -> String {
    let mut text = String::from(
        "# Command line reference\n\nMade from `perf --help` by `just cli-reference`; a test holds it to the binary.\n",
    );
    let mut root = cli.term_width(WIDTH);
    root.build();
    section(&mut root, "perf", &mut text);
    text
}

fn section(command: &mut clap::Command, path: &str, text: &mut String) {
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    write!(text, "\n## `{path}`\n\n```text\n{}\n```\n", help.join("\n").trim_end())
        .expect("writing to a string succeeds");
    for sub in command.get_subcommands_mut().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        let path = format!("{path} {}", sub.get_name());
        section(sub, &path, text);
    }
}
