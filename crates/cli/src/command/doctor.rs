use std::time::Duration;

use perf_render::escape::message;
use perf_store::{Mended, OLDEST_GIT, Store, StoreError, SyncOptions, unusable_lines};

use crate::command::Status;
use crate::config::Config;
use crate::failure::Result;
use crate::output;
use crate::place::Place;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Do not ask the remote whether it takes notes
    #[arg(long)]
    offline: bool,
    /// Mend what is safe to mend: file runs of the journal, remove old locks
    #[arg(long)]
    fix: bool,
}

/// One thing that was looked at.
struct Finding {
    grade: Grade,
    what: String,
    remedy: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grade {
    Good,
    Warning,
    Problem,
}

impl Finding {
    fn good(what: impl Into<String>) -> Self {
        Self { grade: Grade::Good, what: what.into(), remedy: None }
    }

    fn warning(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { grade: Grade::Warning, what: what.into(), remedy: Some(remedy.into()) }
    }

    fn problem(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { grade: Grade::Problem, what: what.into(), remedy: Some(remedy.into()) }
    }
}

pub(crate) fn run(args: &Args, place: &Place) -> Result<Status> {
    let store = place.store()?;
    let _busy = output::busy("looking around");
    let mut findings = if args.fix { mended(&store)? } else { vec![] };
    findings.push(git(&store));
    findings.push(configuration(place, &store));
    findings.push(head(&store));
    findings.push(depth(&store)?);
    findings.push(base_branch(place, &store));
    findings.extend(locks(&store)?);
    findings.extend(journal(&store)?);
    findings.push(identity(&store));
    findings.push(remote(args, &store));
    findings.extend(baselines(place, &store)?);
    findings.push(results(place, &store));
    findings.extend(machine());
    let text: String = findings.iter().map(line).collect();
    output::print(&text)?;
    let problems = findings.iter().any(|finding| finding.grade == Grade::Problem);
    Ok(if problems { Status::Failed } else { Status::Done })
}

fn line(finding: &Finding) -> String {
    let word = match finding.grade {
        Grade::Good => "ok     ",
        Grade::Warning => "warning",
        Grade::Problem => "problem",
    };
    let remedy = finding.remedy.as_ref().map_or_else(String::new, |remedy| format!("         {remedy}\n"));
    format!("{word}  {}\n{remedy}", message(&finding.what))
}

fn configuration(place: &Place, store: &Store) -> Finding {
    let top = place.top(Some(store));
    match Config::load(&top) {
        Err(_) => Finding::problem("perf.toml is not valid", "`perf collect --dry-run` says where"),
        Ok(_) if !top.join(crate::config::FILE).exists() => {
            Finding::warning("there is no perf.toml: all settings are defaults", "`perf init` writes one")
        }
        Ok(config) if config.suite.is_empty() => Finding::warning(
            "perf.toml has no [[suite]]",
            "add one, so that `perf collect` knows what to read",
        ),
        Ok(config) => Finding::good(format!("perf.toml: {}", output::counted(config.suite.len(), "suite"))),
    }
}

fn mended(store: &Store) -> Result<Vec<Finding>> {
    let Mended { locks, folded } = store.mend()?;
    let mut findings: Vec<_> =
        locks.iter().map(|path| Finding::good(format!("removed {}", path.display()))).collect();
    if folded > 0 {
        let runs = output::counted(folded, "run");
        findings.push(Finding::good(format!("{runs} of the journal filed in the notes")));
    }
    Ok(findings)
}

fn git(store: &Store) -> Finding {
    let (major, minor) = OLDEST_GIT;
    match store.git_version() {
        Ok(Some(version)) if version >= OLDEST_GIT => {
            Finding::good(format!("git {}.{} is new enough", version.0, version.1))
        }
        Ok(Some(version)) => Finding::problem(
            format!("git {}.{} is too old to share baselines", version.0, version.1),
            format!("install git {major}.{minor} or newer"),
        ),
        Ok(None) => Finding::warning(
            "git does not say which version it is",
            format!("git {major}.{minor} or newer is needed to share baselines"),
        ),
        Err(error) => Finding::problem(
            error.to_string(),
            format!("install git {major}.{minor} or newer: sharing baselines needs it"),
        ),
    }
}

fn journal(store: &Store) -> Result<Option<Finding>> {
    Ok(match store.unfolded()? {
        0 => None,
        runs => Some(Finding::warning(
            format!("{} in the journal only, not in the notes yet", output::counted(runs, "run")),
            "`perf doctor --fix` files them, as the next recording does",
        )),
    })
}

fn head(store: &Store) -> Finding {
    match store.resolve("HEAD") {
        Ok(commit) => Finding::good(format!("HEAD is {}", commit.lineage.commit.short())),
        Err(error) => Finding::problem(error.to_string(), "`git commit` first: baselines belong to commits"),
    }
}

fn depth(store: &Store) -> Result<Finding> {
    Ok(if store.is_shallow()? {
        Finding::warning(
            "the clone is shallow: `perf compare` fetches more history where it needs it",
            "`git fetch --unshallow`; in CI: fetch-depth: 0",
        )
    } else {
        Finding::good("the clone has its full history")
    })
}

fn base_branch(place: &Place, store: &Store) -> Finding {
    let configured = Config::load(&place.top(Some(store))).ok().and_then(|config| config.base_branch);
    match store.base_branch(configured.as_deref()) {
        Ok(branch) => Finding::good(format!("the base branch is {} at {}", branch.name, branch.tip.short())),
        Err(error) if store.remote(None).is_ok() => Finding::warning(
            format!("{error}: `perf compare` asks the remote"),
            "`git fetch origin`, or `base-branch = \"...\"` in perf.toml",
        ),
        Err(error) => {
            Finding::problem(error.to_string(), "`git fetch origin`, or `base-branch = \"...\"` in perf.toml")
        }
    }
}

fn locks(store: &Store) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    if store.is_blocked()? {
        findings.push(Finding::problem(
            "the ref refs/notes/perf exists and makes all baselines impossible",
            "`git update-ref -d refs/notes/perf`, after a look at `git notes --ref=perf list`",
        ));
    }
    // A live process holds such a lock for milliseconds.
    let stale = store.locks().into_iter().filter(|(_, age)| *age > Duration::from_secs(5));
    findings.extend(stale.map(|(path, age)| {
        Finding::problem(
            format!("{} has been there for {} s: a git process was killed", path.display(), age.as_secs()),
            format!("if no git process is running: `rm {}`", path.display()),
        )
    }));
    Ok(findings)
}

fn identity(store: &Store) -> Finding {
    if store.has_identity() {
        return Finding::good("git knows who commits notes");
    }
    Finding::warning(
        "git has no user.name and user.email: notes are committed as `perf`",
        "`git config user.name ...` and `git config user.email ...`",
    )
}

fn remote(args: &Args, store: &Store) -> Finding {
    let remote = match store.remote(None) {
        Ok(remote) => remote,
        Err(error) => {
            return Finding::warning(format!("{error}: baselines stay here"), "`git remote add origin URL`");
        }
    };
    if args.offline {
        return Finding::good(format!(
            "the remote is {remote}; not asked whether it takes notes (--offline)"
        ));
    }
    match store.probe_push(&SyncOptions { remote: remote.clone(), timeout: Duration::from_secs(20) }) {
        Ok(()) => Finding::good(format!("{remote} takes notes from here")),
        Err(StoreError::UnbornHead) => {
            Finding::warning(format!("{remote} was not asked"), "`git commit` first")
        }
        Err(error) => Finding::problem(
            format!("{remote} takes no notes from here: {error}"),
            "jobs that run `perf store push` need permission to write (contents: write); others do not",
        ),
    }
}

fn baselines(place: &Place, store: &Store) -> Result<Vec<Finding>> {
    let (log, unusable) = store.log()?;
    let mut findings = Vec::new();
    findings.push(match log.first() {
        None => Finding::warning(
            "there are no baselines here",
            "`perf store pull` brings the remote's; `perf collect` records the first",
        ),
        Some(newest) => {
            let age = place.now - newest.stored.baseline.measured();
            let what = format!(
                "{}, the newest {} old",
                output::counted(log.len(), "baseline"),
                output::counted(usize::try_from(age.whole_days()).unwrap_or(0), "day")
            );
            if age > time::Duration::days(30) {
                Finding::warning(
                    what,
                    "`perf store pull`, or check that the job on the base branch still runs",
                )
            } else {
                Finding::good(what)
            }
        }
    });
    if !unusable.is_empty() {
        let lines = unusable_lines(&unusable);
        let what = format!("{lines} stored lines cannot be used: {}", unusable[0].reason);
        findings.push(Finding::warning(what, "they are kept; `perf store show REV` names those of a commit"));
    }
    Ok(findings)
}

fn results(place: &Place, store: &Store) -> Finding {
    let top = place.top(Some(store));
    let Ok(config) = Config::load(&top) else { return Finding::good("results were not looked at") };
    let Ok(head) = store.resolve("HEAD") else { return Finding::good("results were not looked at") };
    for suite in &config.suite {
        let output = match perf_collect::read(&top.join(&suite.path), &suite.options()) {
            Ok(output) => output,
            Err(error) => {
                let remedy = "`perf collect --run` runs the suites first";
                return Finding::warning(format!("suite {}: {error}", suite.name), remedy);
            }
        };
        let written = output.newest.map(time::OffsetDateTime::from);
        if written.is_some_and(|written| written.unix_timestamp() < head.seconds) {
            return Finding::warning(
                format!("suite {}: the results are older than HEAD", suite.name),
                "`perf collect --run` measures this commit",
            );
        }
    }
    Finding::good("no results are older than HEAD")
}

fn machine() -> Vec<Finding> {
    let environment = perf_collect::probe();
    let context = |name: &str| environment.context.get(name).map(String::as_str);
    let mut findings = Vec::new();
    match context("governor") {
        Some("performance") | None => {}
        Some(governor) => findings.push(Finding::warning(
            format!("the CPU governor is `{governor}`: clock rates will vary"),
            "`cpupower frequency-set -g performance` where that is allowed",
        )),
    }
    for (switch, what, off) in [
        (
            "turbo",
            "turbo is on: clock rates will vary with heat",
            "`echo 1 > .../intel_pstate/no_turbo`, or `echo 0 > .../cpufreq/boost`",
        ),
        (
            "smt",
            "two threads share a core: what runs beside a benchmark slows it down",
            "`pin` in [measure] of perf.toml, to a core that is left alone",
        ),
    ] {
        if context(switch) == Some("on") {
            findings.push(Finding::warning(what, off));
        }
    }
    let load: Option<f64> = context("load").and_then(|load| load.parse().ok());
    let cores: f64 = environment.identity.get("cores").and_then(|cores| cores.parse().ok()).unwrap_or(1.0);
    match load {
        Some(load) if load > cores / 2.0 => findings.push(Finding::warning(
            format!("the machine is busy: load {load} on {cores} cores"),
            "measure on an idle machine, or record several rounds: `perf collect --run --rounds 5`",
        )),
        Some(_) | None => findings.push(Finding::good("the machine is quiet enough")),
    }
    findings
}
