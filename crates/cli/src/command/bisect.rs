//! Finds the commit that changed a benchmark.

mod probe;
mod step;

use std::num::NonZeroU32;

use perf_compare::{Bisection, Located};
use perf_model::CommitId;
use perf_render::bisect::{Ends, Found, Step};
use perf_store::{Commit, Store};

use self::probe::{Difference, Probe, Wanted};
pub(crate) use self::step::{Args as StepArgs, FAILED as STEP_FAILED, NAME as STEP, run as step};
use crate::command::Status;
use crate::command::collect::fact;
use crate::command::measure::{Session, Target};
use crate::config::{Config, Percent};
use crate::failure::{Failure, Result};
use crate::output;
use crate::place::Place;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The benchmark, as reports name it
    #[arg(value_name = "BENCH")]
    benchmark: String,
    /// A commit without the change
    #[arg(value_name = "GOOD")]
    good: String,
    /// A commit with it
    #[arg(value_name = "BAD")]
    bad: String,
    /// Which metric of the benchmark, where it has several
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,
    /// How sure the answer has to be
    #[arg(long, value_name = "PERCENT", default_value = "99%")]
    confidence: Percent,
    /// Measure no more than so many commits
    #[arg(long, value_name = "N", default_value = "60")]
    max_probes: NonZeroU32,
    /// Add or override an identity fact of what is measured
    #[arg(long = "env", value_name = "KEY=VALUE", value_parser = fact)]
    set: Vec<(String, String)>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args, place: &Place) -> Result<Status> {
    if !(0.5..1.0).contains(&args.confidence.0) {
        return Err(Failure::new("--confidence: expected at least 50% and less than 100%"));
    }
    let store = place.store()?;
    let config = Config::load(&place.top(Some(&store)))?;
    let line = line(&store, args)?;
    let wanted = Wanted { benchmark: &args.benchmark, metric: args.metric.as_deref(), set: &args.set };
    let mut probe = Probe::new(Session::begin(&config, place, &store)?, &config, &store, wanted);
    let (good, bad) = (Target::commit(&line[0]), Target::commit(&line[line.len() - 1]));
    let ends = probe.ends(&good, &bad)?;
    let measured = Ends {
        good: ends.good,
        bad: ends.bad,
        unit: ends.unit.clone(),
        pairs: ends.pairs,
        sd: ends.sd,
        differ: ends.differ,
    };
    if !ends.differ {
        print(args, &Found::of(&args.benchmark, ends_named(&line), measured))?;
        return Ok(Status::Refused);
    }
    let mut search = Bisection::new(line.len() - 1, ends.change, ends.sd);
    let free = probe.stored(&line, &ends, &mut search)?;
    if free > 0 {
        output::note(&format!("stored baselines that need not be measured: {free}"));
    }
    let asked = ask(args, (&line, &good), &mut probe, &mut search)?;
    let mut located = search.located(args.confidence.0);
    let step = match located.commits.clone().into_inner() {
        (first, last) if first == last && !asked.interrupted => {
            against_parent(&line, first, &mut probe, &ends)?
        }
        _ => None,
    };
    // The search believes in one change. Where the commit hardly shows it, there are several, or it came bit by bit.
    if step.as_ref().is_some_and(|step| !step.is_the_change) {
        located = Located { commits: 1..=line.len() - 1, confidence: 1.0 };
    }
    let found = Found {
        commits: line[*located.commits.start()..=*located.commits.end()].iter().map(named).collect(),
        confidence: located.confidence,
        step,
        free,
        probes: asked.probes,
        skipped: asked.skipped,
        ..Found::of(&args.benchmark, ends_named(&line), measured)
    };
    print(args, &found)?;
    match asked.interrupted {
        true => Err(Failure::new("interrupted")
            .hint("the runs so far are recorded: the next search has them for free")),
        false => Ok(Status::Done),
    }
}

/// Measures the commit that a search found against its parent.
fn against_parent(
    line: &[Commit],
    found: usize,
    probe: &mut Probe<'_>,
    ends: &probe::Ends,
) -> Result<Option<Step>> {
    let (parent, commit) = (&line[found - 1], &line[found]);
    output::note(&format!("measuring {} against its parent", commit.lineage.commit.short()));
    let measured = probe.step(&Target::commit(parent), &Target::commit(commit), ends.change)?;
    Ok(measured.map(|(change, pairs)| Step {
        commit: named(commit),
        change: change.exp_m1(),
        pairs,
        is_the_change: change / ends.change >= 0.5,
    }))
}

/// How the measured part of a search went.
#[derive(Default)]
struct Asked {
    probes: usize,
    skipped: usize,
    interrupted: bool,
}

fn ask(
    args: &Args,
    (line, good): (&[Commit], &Target),
    probe: &mut Probe<'_>,
    search: &mut Bisection,
) -> Result<Asked> {
    let mut asked = Asked::default();
    while !search.is_done(args.confidence.0) && asked.probes < args.max_probes.get() as usize {
        let Some(commit) = search.next() else { break };
        let Located { commits, .. } = search.located(args.confidence.0);
        let left = commits.end() - commits.start() + 1;
        let shown = line[commit].lineage.commit.short();
        output::note(&format!("{} left; probing {shown}", output::counted(left, "commit")));
        match probe.against(good, &Target::commit(&line[commit]))? {
            Difference::Measured { mean, pairs } => {
                search.observe(commit, mean, pairs);
                asked.probes += 1;
            }
            Difference::Unbuildable(why) => {
                output::warn(&format!("{shown} is skipped: {why}"));
                search.skip(commit);
                asked.skipped += 1;
            }
            Difference::Interrupted => {
                asked.interrupted = true;
                break;
            }
        }
    }
    Ok(asked)
}

/// Returns the first parents from the good commit to the bad one.
fn line(store: &Store, args: &Args) -> Result<Vec<Commit>> {
    let (good, bad) = (store.resolve(&args.good)?, store.resolve(&args.bad)?);
    let mut line = vec![];
    for commit in store.first_parents(&bad.lineage.commit) {
        let is_good = commit.lineage.commit == good.lineage.commit;
        line.push(commit);
        if is_good {
            line.reverse();
            break;
        }
    }
    if good.lineage.commit == bad.lineage.commit {
        let (one, other) = (&args.good, &args.bad);
        return Err(Failure::new(format!(
            "{one} and {other} are the same commit: there is nothing between them"
        )));
    }
    match line.first() {
        Some(first) if first.lineage.commit == good.lineage.commit && line.len() > 1 => Ok(line),
        Some(_) | None => Err(Failure::new(format!(
            "{} is no first-parent ancestor of {}: there is no line of commits between them",
            args.good, args.bad
        ))
        .hint(format!("`git log --first-parent --oneline {}` lists those that are", args.bad))),
    }
}

fn named(commit: &Commit) -> (CommitId, String) {
    (commit.lineage.commit.clone(), commit.subject.clone())
}

fn ends_named(line: &[Commit]) -> (CommitId, CommitId) {
    (line[0].lineage.commit.clone(), line[line.len() - 1].lineage.commit.clone())
}

fn print(args: &Args, found: &Found) -> Result<()> {
    let text = if args.json { perf_render::bisect::json(found) } else { perf_render::bisect::text(found) };
    output::print(&text)
}
