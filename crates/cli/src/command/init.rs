use crate::command::Status;
use crate::config::{Config, FILE};
use crate::failure::{Failure, Result};
use crate::output;
use crate::place::Place;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Replace an existing perf.toml
    #[arg(long)]
    force: bool,
    /// Print perf.toml instead of writing it
    #[arg(long, conflicts_with = "force")]
    print: bool,
}

const TEMPLATE: &str = include_str!("init/perf.toml");
const RECIPE: &str = include_str!("init/recipe.md");

pub(crate) fn run(args: &Args, place: &Place) -> Result<Status> {
    if args.print {
        output::print(TEMPLATE)?;
        return Ok(Status::Done);
    }
    let store = place.store()?;
    let Some(top) = store.work_dir() else {
        return Err(Failure::new("a bare repository has no work tree to write perf.toml to")
            .hint("`perf init` in a clone of it"));
    };
    let path = top.join(FILE);
    if path.exists() && !args.force {
        return Err(Failure::new(format!("{}: exists already", path.display()))
            .hint("`perf init --print` shows the template; `perf init --force` replaces the file"));
    }
    Config::parse(TEMPLATE).map_err(|problem| Failure::new(format!("the template: {problem}")))?;
    output::write(&path, TEMPLATE.as_bytes())?;
    output::note(&format!("wrote {}", path.display()));
    output::print(RECIPE)?;
    Ok(Status::Done)
}

/// Returns the template as it is, and with every commented setting turned into a setting.
#[cfg(test)]
pub(crate) fn templates() -> [String; 2] {
    let all: Vec<_> = TEMPLATE.lines().map(|line| line.strip_prefix("#: ").unwrap_or(line)).collect();
    [TEMPLATE.to_owned(), all.join("\n")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_valid_with_and_without_its_examples() {
        let written = Config::parse(TEMPLATE).unwrap();
        assert_eq!(written.on_refusal, crate::config::OnRefusal::Warn, "a new project is not blocked");
        let all = Config::parse(&templates()[1]).unwrap();
        assert!(!all.suite.is_empty() && all.base_branch.is_some() && all.environment.fact.len() > 1);
    }
}
