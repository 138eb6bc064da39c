//! Gets outputs: from paths, from the suites of perf.toml, or by measuring a command.

use std::path::Path;

use perf_collect::{Manner, Options, Output, Plan, Skipped, Step, Watch};
use perf_model::{Measurement, Rank, Reading, Source};

use super::args::Args;
use super::recording::{RECORDER, sources};
use crate::config::{Config, Suite};
use crate::failure::{Failure, Result};
use crate::output;
use crate::place::Place;

/// How what is measured runs, and who may end it.
#[derive(Clone, Copy)]
pub(super) struct How<'a> {
    pub(super) config: &'a Config,
    pub(super) manner: &'a Manner,
    pub(super) watch: &'a dyn Watch,
}

/// Reads everything that goes into one run; what was skipped is said.
pub(super) fn read(args: &Args, place: &Place, top: &Path, how: How<'_>) -> Result<Vec<Output>> {
    let config = how.config;
    let outputs = if !args.command.is_empty() {
        vec![measure(args, place, how)?]
    } else if args.paths.is_empty() {
        read_suites(args, top, how)?
    } else {
        let options = options(args, config, None);
        args.paths.iter().map(|path| read_path(args, path, place, &options)).collect::<Result<_>>()?
    };
    announce_skipped(&outputs);
    refuse_duplicates(&outputs)?;
    warn_of_few(args, config, &outputs);
    Ok(outputs)
}

/// Says what of the outputs was not read.
pub(crate) fn announce_skipped(outputs: &[Output]) {
    for Skipped { place, reason } in outputs.iter().flat_map(|output| &output.skipped) {
        output::warn(&format!("skipped {place}: {reason}"));
    }
}

/// Warns of percentiles that are recorded, but that no comparison judges: chance decides on them.
fn warn_of_few(args: &Args, config: &Config, outputs: &[Output]) {
    let of_suites = config.suite.iter().flat_map(|suite| suite.options().percentiles);
    let mut asked: Vec<Rank> = args.percentiles.iter().copied().chain(of_suites).collect();
    asked.sort_by_key(Rank::to_string);
    asked.dedup();
    for rank in asked {
        let counts =
            outputs.iter().flat_map(|output| &output.measurements).filter_map(|it| match &it.reading {
                Reading::Summary(summary) if it.metric.name.ends_with(&format!("p{rank}")) => summary.n(),
                Reading::Summary(_) | Reading::Samples(_) => None,
            });
        if let Some(fewest) = counts.min().filter(|count| *count < rank.readings()) {
            output::warn(&format!(
                "p{rank} of {}: too few to be judged, it takes {}",
                output::counted(usize::try_from(fewest).unwrap_or(usize::MAX), "sample"),
                rank.readings()
            ));
        }
    }
}

/// Returns how output is to be read: as the arguments say, else as its suite says.
fn options(args: &Args, config: &Config, suite: Option<&Suite>) -> Options {
    let mut options = suite.map_or_else(Options::default, Suite::options);
    options.format = args.format.clone().or(options.format);
    options.prefix = args.prefix.clone().or(options.prefix);
    options.max_bytes = args.max_bytes;
    options.max_readings = args.max_readings;
    if !args.percentiles.is_empty() {
        options.percentiles.clone_from(&args.percentiles);
    }
    options.inputs = config.mappings();
    options.better.extend(args.better.iter().cloned());
    options
}

fn read_path(args: &Args, path: &Path, place: &Place, options: &Options) -> Result<Output> {
    if path == Path::new("-") {
        let output = perf_collect::read_stream("standard input", std::io::stdin().lock(), options)?;
        return accepted(args, "standard input", output, options);
    }
    let path = place.path(path);
    let _busy = output::busy("reading");
    let output = perf_collect::read(&path, options)?;
    accepted(args, &path.display().to_string(), output, options)
}

/// Says which format was found where none was asked for, and refuses an output in which everything was withheld,
/// such as that of a load test without one good request; a dry run shows it.
fn accepted(args: &Args, place: &str, read: Output, options: &Options) -> Result<Output> {
    if options.format.is_none() {
        output::note(&format!("{place} is read as {}", sources(&read)));
    }
    if read.measurements.is_empty() && !args.dry_run {
        return Err(read.nothing(place).into());
    }
    Ok(read)
}

fn read_suites(args: &Args, top: &Path, how: How<'_>) -> Result<Vec<Output>> {
    let config = how.config;
    let criterion = top.join("target").join("criterion");
    if config.suite.is_empty() && !args.run && criterion.is_dir() {
        output::note("no [[suite]] in perf.toml: reading target/criterion");
        let options = Options { format: Some("criterion".into()), ..options(args, config, None) };
        return Ok(vec![perf_collect::read(&criterion, &options)?]);
    }
    if config.suite.is_empty() {
        return Err(Failure::new("nothing to read: no path was given and perf.toml has no [[suite]]")
            .hint("`perf collect target/criterion`, or `perf init` to write a perf.toml"));
    }
    config.suite.iter().map(|suite| read_suite(args, top, how, suite)).collect()
}

fn read_suite(args: &Args, top: &Path, how: How<'_>, suite: &Suite) -> Result<Output> {
    let How { config, manner, watch } = how;
    let mut counted = None;
    if args.run {
        let Some(command) = &suite.run else {
            return Err(Failure::new(format!("perf.toml: suite `{}` has no `run` command", suite.name))
                .hint("`perf collect` without --run reads what is there"));
        };
        output::note(&format!("suite {}: {command}", suite.name));
        let manner = Manner { counted: manner.counted && suite.counters, ..manner.clone() };
        let count = perf_collect::run_suite(command, top, &manner, watch)?;
        counted = instructions(&suite.name, &manner, count);
    }
    let (path, options) = (top.join(&suite.path), options(args, config, Some(suite)));
    let read = perf_collect::read(&path, &options)?;
    let mut output = accepted(args, &suite.path.display().to_string(), read, &options)?;
    output.measurements.extend(counted);
    Ok(output)
}

/// Makes a measurement of the instructions of a suite; says where they were to be counted and could not be.
pub(crate) fn instructions(suite: &str, manner: &Manner, count: Option<f64>) -> Option<Measurement> {
    if manner.counted && count.is_none() {
        warn_of_shared_counter(suite);
    }
    count.map(|count| perf_collect::instructions(suite, vec![count]))
}

fn warn_of_shared_counter(what: &str) {
    output::warn(&format!("{what}: instructions are left out: others used the processor's counters as well"));
}

fn measure(args: &Args, place: &Place, how: How<'_>) -> Result<Output> {
    let manner = how.manner;
    let (program, arguments) = args.command.split_first().expect("clap gives at least one word");
    let plan = Plan {
        program: program.clone(),
        args: arguments.to_vec(),
        runs: args.runs,
        warmup: args.warmup,
        name: args.name.clone(),
        dir: Some(place.dir.clone()),
        manner: manner.clone(),
    };
    let busy = output::counting("measuring", u64::from(args.runs.get()) + u64::from(args.warmup));
    let measured = perf_collect::measure(&plan, how.watch, |step| match step {
        Step::Warmup { number, .. } => busy.step("warming up", u64::from(number) - 1),
        Step::Run { number, .. } => busy.step("measuring", u64::from(args.warmup) + u64::from(number) - 1),
    });
    drop(busy);
    let measured = measured?;
    if manner.counted && !measured.iter().any(|it| it.metric.name == "instructions") {
        warn_of_shared_counter("the command");
    }
    let source = Source { format: "command".into(), tool: RECORDER.into() };
    let measured = only(&args.metric, measured);
    if measured.is_empty() {
        return Err(Failure::new("nothing is left of the command: instructions cannot be counted here")
            .hint("`perf collect --metric time -- CMD` records its time"));
    }
    Ok(Output::measured(source, measured).with_percentiles(&args.percentiles))
}

/// Keeps the metrics that were named; all where none was.
fn only(names: &[String], measured: Vec<Measurement>) -> Vec<Measurement> {
    let wanted = |measurement: &Measurement| names.is_empty() || names.contains(&measurement.metric.name);
    measured.into_iter().filter(wanted).collect()
}

/// Refuses a series that occurs in two outputs.
pub(crate) fn refuse_duplicates(outputs: &[Output]) -> Result<()> {
    let mut seen = std::collections::BTreeMap::new();
    for output in outputs {
        for measurement in &output.measurements {
            if let Some(first) = seen.insert(measurement.series(), sources(output)) {
                return Err(Failure::new(format!(
                    "{}: occurs in two of the outputs ({first}, {})",
                    measurement.series(),
                    sources(output)
                ))
                .hint("one run holds each series once: record the outputs as runs of their own"));
            }
        }
    }
    Ok(())
}
