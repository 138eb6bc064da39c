use perf_collect::Manner;
use perf_model::Environment;
use perf_store::Store;

use crate::command::Status;
use crate::command::collect::fact;
use crate::config::Config;
use crate::failure::{Failure, Result};
use crate::output;
use crate::place::{self, Place};

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    /// Add or override an identity fact
    #[arg(long = "env", value_name = "KEY=VALUE", value_parser = fact)]
    set: Vec<(String, String)>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Diff(DiffArgs),
}

/// Show how two environments differ, and whether their runs can be compared
#[derive(Debug, clap::Args)]
struct DiffArgs {
    /// A revision, a fingerprint or its first digits, or `here`
    #[arg(value_name = "A")]
    a: String,
    /// A revision, a fingerprint or its first digits, or `here`
    #[arg(value_name = "B")]
    b: String,
}

pub(crate) fn run(args: &Args, place: &Place) -> Result<Status> {
    match &args.command {
        Some(Command::Diff(diff)) => run_diff(diff, place),
        None => {
            let environment = here(place, &args.set)?;
            if args.json {
                output::print(&perf_render::environment::json(&environment))?;
            } else {
                output::print(&perf_render::environment::text(&environment))?;
            }
            Ok(Status::Done)
        }
    }
}

fn run_diff(args: &DiffArgs, place: &Place) -> Result<Status> {
    let (a, b) = (find(&args.a, place)?, find(&args.b, place)?);
    output::print(&perf_render::environment::diff(&a, &b))?;
    Ok(Status::Done)
}

/// Describes this machine for the suites that are configured here.
fn here(place: &Place, set: &[(String, String)]) -> Result<Environment> {
    let top = place.top(place.store().ok().as_ref());
    let config = Config::load(&top)?;
    let formats: Vec<&str> = config.suite.iter().filter_map(|suite| suite.format.as_deref()).collect();
    place::environment(&config.environment, &top, &formats, &Manner::default(), set)
}

fn find(name: &str, place: &Place) -> Result<Environment> {
    if name == "here" {
        return here(place, &[]);
    }
    let store = place.store()?;
    let found = match store.resolve(name) {
        Ok(commit) => store.find(&commit.lineage.commit)?.baselines,
        Err(unresolved) => match by_fingerprint(&store, name)? {
            found if found.is_empty() => return Err(unresolved.into()),
            found => found,
        },
    };
    match found.as_slice() {
        [] => {
            Err(Failure::new(format!("{name}: never measured"))
                .hint("`perf store log` lists what was measured"))
        }
        [only] => Ok(only.baseline.environment.clone()),
        several => {
            let fingerprints: Vec<_> = several.iter().map(|stored| stored.fingerprint.to_string()).collect();
            Err(Failure::new(format!("{name}: several environments: {}", fingerprints.join(", ")))
                .hint(format!("`perf env diff {} ...` names one", fingerprints[0])))
        }
    }
}

fn by_fingerprint(store: &Store, name: &str) -> Result<Vec<perf_store::Stored>> {
    // Shorter prefixes name branches and tags more often than environments.
    const SHORTEST: usize = 4;
    let digits = name.len() >= SHORTEST && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digits { Ok(store.environments_with_prefix(name)?) } else { Ok(vec![]) }
}
