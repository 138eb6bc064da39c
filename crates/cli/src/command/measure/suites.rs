//! Builds, runs and reads the suites of `perf.toml` in one checkout.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use perf_collect::{Manner, Options, Output, SuiteCall, Watch};
use perf_model::{Measurement, SeriesId};

use super::binaries::{self, Executables};
use crate::command::collect::{announce_skipped, instructions, refuse_duplicates};
use crate::config::{BENCHMARK, Config, Suite};
use crate::failure::{Failure, Result};

/// What a suite inherits from a hook or an alias of git would lead it to another repository.
const GIT: [&str; 6] =
    ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"];

/// One checkout in which suites run.
pub(super) struct Workplace<'a> {
    pub(super) config: &'a Config,
    pub(super) top: PathBuf,
    /// Where directories are that live longer than the checkout.
    pub(super) kept: PathBuf,
    pub(super) log: PathBuf,
    /// How suites run; whether instructions are counted each says by itself.
    pub(super) manner: Manner,
}

/// Refuses suites that cannot be measured, before anything is checked out.
pub(super) fn check(config: &Config) -> Result<()> {
    if config.suite.is_empty() {
        return Err(Failure::new("nothing to measure: perf.toml has no [[suite]]")
            .hint("`perf init` writes a perf.toml with an example"));
    }
    match config.suite.iter().find(|suite| suite.run.is_none()) {
        Some(suite) => Err(Failure::new(format!("perf.toml: suite `{}` has no `run` command", suite.name))
            .hint("`perf init --print` shows where it stands")),
        None => Ok(()),
    }
}

impl Workplace<'_> {
    /// Builds a suite, where that is a step of its own; returns the executables that the build named.
    pub(super) fn build(&self, suite: &Suite, watch: &dyn Watch) -> Result<Executables> {
        let Some(command) = &suite.build else { return Ok(Executables::default()) };
        let before = fs::metadata(&self.log).map_or(0, |log| log.len());
        perf_collect::run_in_group(&self.call(suite, command), watch)?;
        binaries::named(&self.log, before, &self.top)
    }

    /// Runs a suite and reads what it wrote; where it can run single benchmarks, of these alone.
    pub(super) fn measure(
        &self,
        suite: &Suite,
        wanted: Option<&BTreeSet<String>>,
        watch: &dyn Watch,
    ) -> Result<(Vec<Output>, Duration)> {
        let all = suite.run.as_deref().expect("`check` has seen that there is a command");
        let (Some(only), Some(wanted)) = (&suite.only, wanted) else {
            let (output, took) = self.run(suite, all, watch)?;
            return Ok((vec![output], took));
        };
        let mut outputs = vec![];
        let mut sum = Duration::ZERO;
        for benchmark in wanted {
            let own =
                suite.prefix.as_ref().and_then(|prefix| benchmark.strip_prefix(prefix)?.strip_prefix('/'));
            let command = only.replace(BENCHMARK, &perf_collect::quoted(own.unwrap_or(benchmark)));
            let (mut output, took) = self.run(suite, &command, watch)?;
            // A filter may let others through.
            output.measurements.retain(|measurement| measurement.benchmark == *benchmark);
            outputs.push(output);
            sum += took;
        }
        Ok((outputs, sum))
    }

    fn run(&self, suite: &Suite, command: &str, watch: &dyn Watch) -> Result<(Output, Duration)> {
        let path = self.top.join(&suite.path);
        self.clear(&path)?;
        let left = written(&path);
        // File systems keep time less finely than the clock.
        let began = SystemTime::now() - Duration::from_secs(2);
        // A part of a suite executes a part of its instructions.
        let counted = self.manner.counted && suite.counters && suite.run.as_deref() == Some(command);
        let call = self.call(suite, command);
        let call = SuiteCall { manner: Manner { counted, ..self.manner.clone() }, ..call };
        let ran = perf_collect::run_in_group(&call, watch)?;
        let mut output = perf_collect::read(&path, &suite_options(suite, self.config))?;
        let shown = suite.path.display();
        if output.measurements.is_empty() {
            return Err(output.nothing(&shown.to_string()).into());
        }
        // What could not be cleared may be what the other side wrote a moment ago.
        let is_left = left.is_some() && left == written(&path);
        if is_left || output.newest.is_some_and(|newest| newest < began) {
            return Err(Failure::new(format!("{shown}: `{command}` did not write it: it is older")).hint(
                "`path` in perf.toml is what the suite's `run` writes, from the top of the work tree",
            ));
        }
        output.measurements.extend(instructions(&suite.name, &call.manner, ran.instructions));
        Ok((output, ran.took))
    }

    /// Removes what an earlier run wrote: a benchmark that does not exist any more must not seem to. What lies
    /// elsewhere, or has other things in it, stays.
    fn clear(&self, path: &Path) -> Result<()> {
        let failed = |error| Failure::new(format!("{}: cannot be removed", path.display())).because(&error);
        let place = match resolved(path) {
            Ok(place) => place,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(error)),
        };
        if !self.is_own(&place).map_err(failed)? {
            return Ok(());
        }
        let is_dir = place.symlink_metadata().is_ok_and(|place| place.is_dir());
        let removed = if is_dir { fs::remove_dir_all(&place) } else { fs::remove_file(&place) };
        match removed {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Returns whether a place, without links on the way to it, belongs to this checkout alone, or to what is kept for it, and is
    /// neither of these itself nor what makes it a checkout.
    fn is_own(&self, place: &Path) -> io::Result<bool> {
        let top = self.top.canonicalize()?;
        if place.starts_with(top.join(".git")) {
            return Ok(false);
        }
        let links: Vec<PathBuf> = self.config.measure.keep.iter().map(|kept| top.join(kept)).collect();
        let is_kept = |dir: &PathBuf| self.kept.canonicalize().is_ok_and(|kept| dir.starts_with(kept));
        let kept: Vec<PathBuf> =
            links.iter().filter_map(|link| link.canonicalize().ok()).filter(is_kept).collect();
        let holds_more = links.iter().chain(&kept).any(|kept| kept.starts_with(place));
        Ok(!holds_more && kept.iter().chain([&top]).any(|dir| place != dir && place.starts_with(dir)))
    }

    fn call<'c>(&self, suite: &Suite, command: &'c str) -> SuiteCall<'c> {
        let mut variables: Vec<(&str, Option<OsString>)> = GIT.iter().map(|name| (*name, None)).collect();
        // One directory for both sides would have each build what the other needs.
        variables.push(("CARGO_TARGET_DIR", Some(self.top.join("target").into())));
        let timeout = suite.timeout.map(|seconds| Duration::from_secs(seconds.get().into()));
        SuiteCall {
            command,
            dir: self.top.clone(),
            variables,
            timeout,
            log: self.log.clone(),
            manner: Manner::default(),
        }
    }
}

/// Returns a path without links on the way to it; what it names may be a link itself.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => Ok(parent.canonicalize()?.join(name)),
        _ => path.canonicalize(),
    }
}

/// Returns when a file was written; `None` where there is none, or a directory.
fn written(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok().filter(fs::Metadata::is_file)?.modified().ok()
}

fn suite_options(suite: &Suite, config: &Config) -> Options {
    Options { inputs: config.mappings(), ..suite.options() }
}

/// Returns the suites whose last output, as it lies in the work tree, has one of these series; all suites where one
/// of the series is in none of them.
pub(crate) fn suites_of(config: &Config, top: &Path, wanted: &BTreeSet<SeriesId>) -> Vec<usize> {
    let mut missing = wanted.clone();
    let mut found = vec![];
    for (number, suite) in config.suite.iter().enumerate() {
        let output = perf_collect::read(&top.join(&suite.path), &suite_options(suite, config));
        let series: BTreeSet<SeriesId> =
            output.iter().flat_map(|output| &output.measurements).map(Measurement::series).collect();
        if !series.is_disjoint(wanted) {
            found.push(number);
            missing = &missing - &series;
        }
    }
    if missing.is_empty() { found } else { (0..config.suite.len()).collect() }
}

/// Accepts what the suites of one run wrote together.
pub(super) fn accept(outputs: &[Output]) -> Result<()> {
    announce_skipped(outputs);
    refuse_duplicates(outputs)
}
