mod add;
mod compact;
mod diff;
mod export;
mod import;
mod prune;
mod remote;
mod retract;
mod size;
mod verify;

use std::collections::BTreeMap;
use std::time::Duration;

use perf_model::CommitId;
use perf_render::store::{EnvironmentRow, LogRow, Stored, ValueRow};
use perf_store::{Store, StoreError, SyncOptions, unusable_lines};

use crate::command::{Late, Status};
use crate::failure::{Failure, Result};
use crate::output;
use crate::place::Place;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Show every environment's baseline at a commit, even one that is gone from the repository
    Show(Late<ShowArgs>),
    /// Record runs that `perf collect --save` wrote, perhaps elsewhere
    ///
    /// So that the job that runs the benchmarks needs no permission to write. The runs must be of one commit that is
    /// here, with the tree that they name; a run that is recorded already stays as it is.
    Add(Late<add::Args>),
    /// List commits with baselines, newest first
    Log(Late<LogArgs>),
    /// Show how the records of two commits differ: environments, series, both values
    ///
    /// Looks at what is stored and judges nothing; `perf compare` does.
    Diff(Late<diff::Args>),
    /// List the environments that something was measured in
    Envs(Late<EnvsArgs>),
    /// Print every stored run, pushed or not, for other programs
    ///
    /// In little memory however much there is. `ndjson` is one line of JSON for each run and `csv` one line for each run and
    /// series, both with every sample; `openmetrics` fills a Prometheus with the past; `github-action-benchmark` is the
    /// data.js that its page draws; `benchstat` is Go's benchmark format; `bmf` is one baseline for Bencher: the newest, or that
    /// of --rev. docs/export.md has an example of each.
    Export(Late<export::Args>),
    /// Record what another tool kept, each number for its commit
    ///
    /// A file in any format that `perf collect` reads, the whole history in a `data.js` of github-action-benchmark, or the git
    /// notes of `git-perf` and `tak`. What is imported says so in its environment (`imported-from`), so that it is never
    /// taken for something measured here: `perf compare --across` compares all the same. Doing it again adds nothing twice.
    Import(Late<import::Args>),
    /// Bring new runs to the remote
    ///
    /// Never forced: what others pushed meanwhile is fetched, the own runs are put on top, and the push is tried
    /// again until the time is up. Runs that are always too late are parked beside the notes, where whoever pushes
    /// next files them. Whatever happens, the runs stay here.
    Push(Late<PushArgs>),
    /// Bring the remote's runs here
    Pull(Late<PullArgs>),
    /// Take back the runs of a commit: kept and shown, but no longer used as a baseline
    ///
    /// The retraction is a record itself: who, when and why. `perf store push` shares it. Runs that are recorded
    /// later for the same commit do count.
    Retract(Late<retract::Args>),
    /// Check every stored line: readable, in its place, true to the repository, signed where that is required
    ///
    /// Exit status 1 where something is wrong.
    Verify(Late<verify::Args>),
    /// Take out baselines that are old and many, here and on the remote
    ///
    /// Without --yes it only says what it would do. A baseline goes when no rule keeps it: tagged commits, the newest
    /// first parents of HEAD, and whatever the given limits keep. Lines that this version cannot read always stay.
    /// The history of the notes still has what was taken out, until `perf store compact`.
    Prune(Late<prune::Args>),
    /// Fold the history of the notes into one commit for each environment, here and on the remote
    ///
    /// The notes stay as they are. The old history is kept here, under `refs/perf/before-compact`; the remote's ref is
    /// replaced only if nobody pushed meanwhile. Other clones go on as if nothing had happened.
    Compact(Late<compact::Args>),
    /// Tell how many bytes each environment and each series takes
    Size(Late<size::Args>),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// A revision, or the id of a commit (or its first digits)
    #[arg(value_name = "REV", default_value = "HEAD")]
    revision: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LogArgs {
    /// List at most this many
    #[arg(short = 'n', long, value_name = "N")]
    max_count: Option<usize>,
    /// List every value of this benchmark instead
    #[arg(long, value_name = "NAME")]
    benchmark: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct EnvsArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PushArgs {
    #[command(flatten)]
    sync: SyncArgs,
    /// Declare first that a new level begins with HEAD, on purpose: marks its runs that are not shared yet
    #[arg(long, requires = "reason")]
    rebaseline: bool,
    /// Why a new level begins
    #[arg(long, value_name = "TEXT", requires = "rebaseline", value_parser = crate::command::collect::reason)]
    reason: Option<String>,
    /// Push although this is a job of a pull request, whose numbers are no baselines
    #[arg(long)]
    allow_pull_request: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PullArgs {
    #[command(flatten)]
    sync: SyncArgs,
}

#[derive(Debug, clap::Args)]
struct SyncArgs {
    /// A configured remote [default: origin, or the only one]
    #[arg(long, value_name = "NAME")]
    remote: Option<String>,
    /// Give up after this long
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = seconds)]
    timeout: Duration,
}

pub(crate) fn run(command: &Command, place: &Place) -> Result<Status> {
    let store = place.store()?;
    let _busy = output::busy("working on the baselines");
    match command {
        Command::Show(Late(args)) => show(args, &store),
        Command::Add(Late(args)) => add::run(args, place, &store),
        Command::Log(Late(args)) => log(args, &store),
        Command::Diff(Late(args)) => diff::run(args, &store),
        Command::Envs(Late(args)) => envs(args, &store),
        Command::Export(Late(args)) => export::run(args, place, &store),
        Command::Import(Late(args)) => import::run(args, place, &store),
        Command::Push(Late(args)) => push(args, &store),
        Command::Pull(Late(args)) => pull(args, &store),
        Command::Retract(Late(args)) => retract::run(args, &store),
        Command::Verify(Late(args)) => return verify::run(args, &store),
        Command::Prune(Late(args)) => prune::run(args, &store),
        Command::Compact(Late(args)) => compact::run(args, &store),
        Command::Size(Late(args)) => size::run(args, &store),
    }?;
    Ok(Status::Done)
}

pub(super) fn seconds(text: &str) -> std::result::Result<Duration, String> {
    let expected = || "expected a number of seconds, such as 120".to_owned();
    let seconds: f64 = text.parse().map_err(|_| expected())?;
    Duration::try_from_secs_f64(seconds).map_err(|_| expected())
}

fn show(args: &ShowArgs, store: &Store) -> Result<()> {
    let commit = commit(&args.revision, store)?;
    let found = store.find(&commit)?;
    if found.baselines.is_empty() && found.unusable.is_empty() {
        return Err(Failure::new(format!("{}: {commit} was never measured", args.revision))
            .hint("`perf store log` lists what was; `perf store pull` brings what the remote has"));
    }
    let reasons =
        found.unusable.iter().map(|line| format!("environment {}: {}", line.fingerprint, line.reason));
    let only_retracted = found.unusable.iter().all(|line| line.withdrawal.is_some());
    if found.baselines.is_empty() && !only_retracted {
        const SHOWN: usize = 5;
        let more = unusable_lines(found.unusable.get(SHOWN..).unwrap_or_default());
        let more = if more > 0 { format!("; and {more} more") } else { String::new() };
        return Err(Failure::new(format!(
            "{}: nothing that is stored for {commit} can be used: {}{more}",
            args.revision,
            reasons.take(SHOWN).collect::<Vec<_>>().join("; ")
        ))
        .hint("the lines are kept: `git log --notes='perf/*' -1 REV` shows them"));
    }
    output::warn_of_counted(reasons.zip(found.unusable.iter().map(|it| it.lines)));
    let stored = Stored {
        subject: store.known(&commit).map(|commit| commit.subject),
        commit,
        baselines: found.baselines.into_iter().map(|stored| stored.baseline).collect(),
        unreadable: unusable_lines(&found.unusable),
    };
    if args.json {
        output::print(&perf_render::store::show_json(&stored))
    } else {
        output::print(&perf_render::store::show(&stored, output::page()))
    }
}

/// Resolves a revision, also to a commit that is gone from the repository but has baselines.
pub(super) fn commit(revision: &str, store: &Store) -> Result<CommitId> {
    let unresolved = match store.resolve(revision) {
        Ok(commit) => return Ok(commit.lineage.commit),
        Err(error) => error,
    };
    // Git's own shortest abbreviation.
    const SHORTEST: usize = 4;
    let digits = revision.len() >= SHORTEST && revision.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !digits || !matches!(unresolved, StoreError::NoSuchRevision { .. }) {
        return Err(unresolved.into());
    }
    let measured = store.measured_with_prefix(&revision.to_ascii_lowercase())?;
    match measured.as_slice() {
        [] => Err(unresolved.into()),
        [only] => {
            output::note(&format!("{only} is not in this repository; its baselines are"));
            Ok(only.clone())
        }
        several => Err(Failure::new(format!("{revision}: names {} measured commits", several.len()))
            .hint(format!("`perf store show {}` names the first", several[0]))),
    }
}

fn log(args: &LogArgs, store: &Store) -> Result<()> {
    if let Some(benchmark) = &args.benchmark {
        return values(args, benchmark, store);
    }
    let (log, unusable) = store.log()?;
    let shown = args.max_count.unwrap_or(usize::MAX);
    let rows: Vec<LogRow> = log
        .into_iter()
        .take(shown)
        .map(|logged| LogRow {
            time: logged.stored.baseline.measured(),
            commit: logged.commit.clone(),
            subject: store.known(&logged.commit).map(|commit| commit.subject),
            fingerprint: logged.stored.fingerprint.clone(),
            runs: logged.stored.baseline.runs.len(),
            series: logged.stored.baseline.series().len(),
            baseline: logged.stored.baseline,
        })
        .collect();
    warn_of_unusable(unusable_lines(&unusable));
    if args.json {
        output::print(&perf_render::store::log_json(&rows))
    } else {
        output::print(&perf_render::store::log(&rows, output::page()))
    }
}

fn values(args: &LogArgs, benchmark: &str, store: &Store) -> Result<()> {
    let (points, unusable) = store.points(benchmark)?;
    let shown = args.max_count.unwrap_or(usize::MAX);
    let rows: Vec<ValueRow> = points
        .into_iter()
        .take(shown)
        .map(|point| ValueRow {
            time: point.time,
            commit: point.commit,
            fingerprint: point.fingerprint,
            run: point.run,
            series: point.series,
            metric: point.metric,
            value: point.value,
            sd: point.sd,
            n: point.n,
        })
        .collect();
    warn_of_unusable(unusable);
    if args.json {
        output::print_line(&perf_render::store::values_json(&rows))
    } else {
        output::print(&perf_render::store::values(&rows, output::page()))
    }
}

fn envs(args: &EnvsArgs, store: &Store) -> Result<()> {
    let (log, unusable) = store.log()?;
    let mut rows: BTreeMap<_, EnvironmentRow> = BTreeMap::new();
    for logged in &log {
        let baseline = &logged.stored.baseline;
        let row = rows.entry(&logged.stored.fingerprint).or_insert_with(|| EnvironmentRow {
            environment: baseline.environment.clone(),
            commits: 0,
            runs: 0,
            newest: baseline.measured(),
        });
        row.commits += 1;
        row.runs += baseline.runs.len();
        row.newest = row.newest.max(baseline.measured());
    }
    warn_of_unusable(unusable_lines(&unusable));
    let rows: Vec<_> = rows.into_values().collect();
    if args.json {
        output::print(&perf_render::store::envs_json(&rows))
    } else {
        output::print(&perf_render::store::envs(&rows, output::page()))
    }
}

fn push(args: &PushArgs, store: &Store) -> Result<()> {
    remote::refuse_pull_requests(args.allow_pull_request)?;
    let options = args.sync.options(store)?;
    if let Some(reason) = args.reason.as_ref().filter(|_| args.rebaseline) {
        rebaseline(store, reason, &options)?;
    }
    output::note(&format!("pushing to {}", options.remote));
    let pushed = store.push(&options)?;
    output::warn_of_all(pushed.unusable.iter());
    remote::tell_losses(&options.remote, &pushed.losses);
    let runs: usize = pushed.sent.values().sum();
    let parked: usize = pushed.parked.values().sum();
    if parked > 0 {
        output::note(&format!(
            "others pushed faster: {} parked on {} under refs/notes/perf-inbox; whoever pushes next files them",
            output::counted(parked, "run"),
            options.remote
        ));
    }
    match runs {
        0 if parked > 0 => {}
        0 => output::note(&format!("{} has every run already", options.remote)),
        _ => output::note(&format!(
            "{} now has {} more, of {}",
            options.remote,
            output::counted(runs, "run"),
            output::counted(pushed.sent.len(), "environment")
        )),
    }
    Ok(())
}

/// Marks the runs of HEAD that nobody else has.
fn rebaseline(store: &Store, reason: &str, options: &SyncOptions) -> Result<()> {
    let commit = store.resolve("HEAD")?.lineage.commit;
    for (fingerprint, runs) in store.rebaseline(&commit, reason, options)? {
        output::note(&format!(
            "a new level begins with {} of {} in environment {fingerprint}",
            output::counted(runs, "run"),
            commit.short()
        ));
    }
    Ok(())
}

fn pull(args: &PullArgs, store: &Store) -> Result<()> {
    let options = args.sync.options(store)?;
    output::note(&format!("pulling from {}", options.remote));
    let pulled = store.pull(&options)?;
    output::warn_of_all(pulled.unusable.iter());
    remote::tell_losses(&options.remote, &pulled.losses);
    let runs: usize = pulled.received.values().sum();
    let environments = output::counted(pulled.received.len(), "environment");
    output::note(&format!("{}, of {environments}", output::counted(runs, "new run")));
    Ok(())
}

impl SyncArgs {
    fn options(&self, store: &Store) -> Result<SyncOptions> {
        Ok(SyncOptions { remote: store.remote(self.remote.as_deref())?, timeout: self.timeout })
    }
}

fn warn_of_unusable(lines: usize) {
    if lines > 0 {
        output::warn(&format!("{lines} stored lines cannot be used; `perf store show REV` names them"));
    }
}
