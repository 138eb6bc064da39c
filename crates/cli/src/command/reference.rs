use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use perf_collect::Format;

use crate::command::Status;
use crate::config::schema;
use crate::failure::{Failure, Result};
use crate::output;
use crate::place::Place;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Of what
    #[arg(value_enum, default_value_t = Topic::Commands)]
    topic: Topic,
    /// Write the manual pages to this directory, which is made where it is missing
    #[arg(long, value_name = "DIR", required_if_eq("topic", "man"))]
    out: Option<PathBuf>,
}

/// What there is a reference of.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Topic {
    /// Every command with its options.
    Commands,
    /// Every format that can be read.
    Formats,
    /// Every command as a manual page, in files.
    Man,
    /// What perf.toml can say, as a JSON Schema.
    ConfigSchema,
    /// What `perf compare --output json` writes, as a JSON Schema.
    ReportSchema,
}

/// Width that help texts are wrapped to, wherever the reference is made.
const WIDTH: usize = 100;

pub(crate) fn run(args: &Args, cli: clap::Command, place: &Place) -> Result<Status> {
    match (args.topic, &args.out) {
        (Topic::Man, Some(dir)) => manual(cli, &place.path(dir))?,
        (Topic::Man, None) => unreachable!("clap asks for a directory"),
        (Topic::Commands, _) => output::print(&commands(cli))?,
        (Topic::Formats, _) => output::print(&formats())?,
        (Topic::ConfigSchema, _) => output::print_json(&schema())?,
        (Topic::ReportSchema, _) => output::print_json(&perf_render::report::json_schema())?,
    }
    Ok(Status::Done)
}

fn manual(cli: clap::Command, dir: &Path) -> Result<()> {
    let written = fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(cli, dir));
    written.map_err(|error| {
        Failure::new(format!("{}: manual pages cannot be written there", dir.display())).because(&error)
    })
}

fn commands(cli: clap::Command) -> String {
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

fn formats() -> String {
    let mut text = String::from(
        "# Formats\n\n\
         Made from the table in `crates/collect/src/format.rs` by `just format-reference`; a test holds it to the \
         binary.\nWhat is read of each, and how, stands at the top of its file in `crates/collect/src/format/`.\n\n\
         | `--format` | what it is | written by | what is kept |\n|---|---|---|---|\n",
    );
    for Format { name, description, command, keeps, link, .. } in perf_collect::formats() {
        let keeps = keeps.words();
        writeln!(text, "| [`{name}`]({link}) | {description} | `{command}` | {keeps} |")
            .expect("writing to a string succeeds");
    }
    text
}
