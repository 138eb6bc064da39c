mod comment;
mod issues;
mod pages;

use std::path::{Path, PathBuf};

use perf_render::forge::{Forge, Request, Target};

use crate::command::{Late, Status};
use crate::failure::{Failure, Result};
use crate::output;
use crate::place::Place;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Plan the one comment with the report: made once, then edited in place
    ///
    /// It is found by the hidden marker that a Markdown report begins with, among the comments of one's own account.
    /// Prints what to do as JSON: `action` (create, update, keep), `id`, `body`.
    Comment(Late<comment::Args>),
    /// Plan one issue for each series family that became worse, and commit where it did
    ///
    /// Judges each of the last baselines of HEAD's first parents against the one before it, in every environment. An
    /// issue is made when something becomes worse, written anew when there are new runs, and closed when it has been
    /// back for some baselines in a row; what was closed stays closed. Prints the plan as JSON: `key`, `action`
    /// (create, update, close, keep), `number`, `severity`, `title`, `body`, `comment`.
    Issues(Late<issues::Args>),
}

/// Where a plan is for, and where its requests go.
#[derive(Debug, clap::Args)]
pub(crate) struct Sending {
    /// Whose API the requests are for
    #[arg(long, value_name = "FORGE")]
    forge: Name,
    /// The account whose comments and issues these are: all others are left alone
    #[arg(long, value_name = "LOGIN")]
    own: String,
    /// What is there already: the answers of the forge's API, all pages one after the other
    #[arg(long, value_name = "FILE")]
    existing: PathBuf,
    /// The project as the API has it: `OWNER/NAME`, or the number of a GitLab project [default: left to the courier]
    #[arg(long, value_name = "PROJECT", value_parser = project)]
    project: Option<String>,
    /// Write the requests to this directory: `requests` lists method, path and file, one request a line
    #[arg(long, value_name = "DIR")]
    requests: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Name {
    #[value(name = "github")]
    GitHub,
    #[value(name = "gitlab")]
    GitLab,
}

pub(crate) fn run(command: &Command, place: &Place) -> Result<Status> {
    match command {
        Command::Comment(Late(args)) => comment::run(args, place),
        Command::Issues(Late(args)) => issues::run(args, place),
    }?;
    Ok(Status::Done)
}

/// A project is a part of a path, and nothing else.
fn project(text: &str) -> std::result::Result<String, String> {
    let part = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        !part.is_empty() && part != "." && part != ".." && part.bytes().all(plain)
    };
    let valid = text.split('/').all(part) && text.split('/').count() <= 2;
    if valid { Ok(text.to_owned()) } else { Err("expected OWNER/NAME, or a number".into()) }
}

impl Sending {
    fn target(&self) -> Target {
        let forge = match self.forge {
            Name::GitHub => Forge::GitHub,
            Name::GitLab => Forge::GitLab,
        };
        Target { forge, project: self.project.clone() }
    }

    /// Writes the requests, where that was asked for.
    fn write(&self, requests: &[Request], place: &Place) -> Result<()> {
        let Some(dir) = &self.requests else { return Ok(()) };
        let dir = place.path(dir);
        std::fs::create_dir_all(&dir)
            .map_err(|error| Failure::new(format!("{}: cannot be made", dir.display())).because(&error))?;
        let mut list = String::new();
        for (request, number) in requests.iter().zip(1..) {
            let file = format!("{number:03}.json");
            output::write(&dir.join(&file), request.body.to_string().as_bytes())?;
            list += &format!("{} {} {file}\n", request.method, request.path);
        }
        output::write(&dir.join("requests"), list.as_bytes())
    }
}

/// Reads a text of at most this size.
fn text(path: &Path, most: u64) -> Result<String> {
    let bytes = pages::bytes(path, most)?;
    String::from_utf8(bytes)
        .map_err(|error| Failure::new(format!("{}: is not UTF-8", path.display())).because(&error))
}
