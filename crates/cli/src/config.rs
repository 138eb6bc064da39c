//! `perf.toml`: what the project asks of `perf`.

pub(crate) mod accept;
mod age;
pub(crate) mod alias;
mod changes;
mod document;
mod rule;
mod schema;

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use perf_collect::{Column, Manner, Mapping, Options, Processors, ProcessorsError, Rows, Values};
use perf_compare::statistics::{Judge, SuiteShift};
use perf_compare::{Acceptances, Inconclusive, Limits, Policy};
use perf_model::{Better, Rank};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, Visitor};

use self::accept::AcceptConfig;
use self::age::Age;
use self::alias::AliasConfig;
pub(crate) use self::changes::{changes, changes_of_identity};
use self::document::Document;
pub(crate) use self::document::Problem;
use self::rule::RuleConfig;
pub(crate) use self::schema::schema;
use self::schema::text_schema;
use crate::failure::{Failure, Result};

/// The file's name, at the top of the work tree.
pub(crate) const FILE: &str = "perf.toml";

/// No `perf.toml` that a person writes is larger.
const LARGEST: u64 = 1 << 20;

/// Everything that `perf.toml` can say.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    /// The branch that pull requests are merged into; found by itself where not given.
    pub(crate) base_branch: Option<String>,
    /// From here on a series is reported as slower; 10 %, but never above `fail`, where not given.
    pub(crate) warn: Option<Percent>,
    /// From here on a series fails the gate.
    pub(crate) fail: Percent,
    /// What a comparison that cannot be made means.
    pub(crate) on_refusal: OnRefusal,
    /// What an undecided series means.
    pub(crate) inconclusive: OnInconclusive,
    /// What decides on a series.
    pub(crate) judge: JudgeBy,
    /// Whether a single run of the head may fail.
    pub(crate) fail_on_one_run: bool,
    /// What a shift of the whole suite beyond its fail limit is.
    pub(crate) suite_shift: OnSuiteShift,
    /// What holds for some series.
    pub(crate) rule: Vec<RuleConfig>,
    /// What may become worse, and who answers for it.
    pub(crate) accept: Vec<AcceptConfig>,
    /// Which benchmarks got another name.
    pub(crate) alias: Vec<AliasConfig>,
    /// How many first-parent commits back a baseline may lie when the base itself has none.
    pub(crate) max_lag: usize,
    /// How much older than the head a baseline may be before the report warns of it.
    pub(crate) max_age: Age,
    /// Which stored records are used.
    pub(crate) store: StoreConfig,
    /// How many samples of a series are kept of each run; at least 10.
    pub(crate) max_samples: usize,
    /// What tells environments apart.
    pub(crate) environment: EnvironmentConfig,
    /// When a comparison measures what it lacks.
    pub(crate) bootstrap: Bootstrap,
    /// How base and head are measured in turns.
    pub(crate) measure: MeasureConfig,
    /// The suites.
    pub(crate) suite: Vec<Suite>,
    /// Tables and JSON lines of the project's own.
    pub(crate) input: Vec<Input>,
}

impl Default for Config {
    fn default() -> Self {
        let Limits { fail, .. } = Limits::default();
        Self {
            base_branch: None,
            warn: None,
            fail: Percent(fail),
            on_refusal: OnRefusal::default(),
            inconclusive: OnInconclusive::default(),
            judge: JudgeBy::default(),
            fail_on_one_run: false,
            suite_shift: OnSuiteShift::default(),
            rule: vec![],
            accept: vec![],
            alias: vec![],
            max_lag: 20,
            max_age: Age::default(),
            store: StoreConfig::default(),
            max_samples: 100,
            environment: EnvironmentConfig::default(),
            bootstrap: Bootstrap::default(),
            measure: MeasureConfig::default(),
            suite: vec![],
            input: vec![],
        }
    }
}

/// What a comparison that cannot be made means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OnRefusal {
    /// Exit status 3.
    #[default]
    Fail,
    /// A loud warning and exit status 0.
    Warn,
}

/// What an undecided series means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OnInconclusive {
    /// It is reported and does not fail.
    #[default]
    Pass,
    /// It fails like a regression: exit status 1.
    Fail,
}

/// What decides on a series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum JudgeBy {
    /// A change must be real and large.
    #[default]
    Statistics,
    /// The reported change decides, whatever the noise.
    Limits,
}

impl JudgeBy {
    /// Returns the judge in the words of the comparison.
    pub(crate) fn judge(self) -> Judge {
        match self {
            JudgeBy::Statistics => Judge::Noise,
            JudgeBy::Limits => Judge::Limits,
        }
    }
}

/// What a shift of the whole suite beyond its fail limit is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum OnSuiteShift {
    /// A regression: exit status 1.
    #[default]
    Fail,
    /// A warning.
    Warn,
}

/// `[store]`
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct StoreConfig {
    /// Whether only records count that somebody signed whom git trusts.
    pub(crate) require_signed: bool,
}

/// When a comparison measures what it lacks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Bootstrap {
    /// Never: the comparison is refused.
    #[default]
    Refuse,
    /// Where no baseline of the base is stored, or none that may be compared: base and head, in turns.
    Measure,
}

/// `[measure]`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct MeasureConfig {
    /// Directories that are kept from one session to the next, one set for each side.
    pub(crate) keep: Vec<PathBuf>,
    /// The processors that what is measured may use, such as "2-3".
    pub(crate) pin: Option<Pin>,
    /// The priority of what is measured, from -20 (most) to 19 (least).
    pub(crate) nice: Option<i32>,
}

impl Default for MeasureConfig {
    fn default() -> Self {
        Self { keep: vec!["target".into()], pin: None, nice: None }
    }
}

impl MeasureConfig {
    fn check(&self) -> std::result::Result<(), String> {
        let is_inside = |path: &Path| {
            let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
            inside && !path.starts_with(".git")
        };
        match self.keep.iter().find(|path| !is_inside(path) || path.as_os_str().is_empty()) {
            Some(path) => Err(format!(
                "[measure] keep = [\"{}\"]: expected a directory below the top of the work tree",
                path.display()
            )),
            None if self.nice.is_some_and(|nice| !NICE.contains(&nice)) => {
                Err("[measure] nice: expected a number from -20 to 19".into())
            }
            None => Ok(()),
        }
    }

    /// Returns how commands are measured.
    pub(crate) fn manner(&self) -> Manner {
        Manner { pin: self.pin.clone().map(|pin| pin.0), nice: self.nice, counted: false }
    }
}

/// The priorities that there are.
pub(crate) const NICE: RangeInclusive<i32> = -20..=19;

/// A list of processors.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Pin(pub(crate) Processors);

impl TryFrom<String> for Pin {
    type Error = ProcessorsError;

    fn try_from(text: String) -> std::result::Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

text_schema!(Pin, "Processors", {"type": "string", "pattern": "^[0-9, -]+$"});

/// `[environment]`
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct EnvironmentConfig {
    /// Facts that count as identity here although they are context by default.
    pub(crate) identity: Vec<String>,
    /// Facts that count as context here although they are identity by default.
    pub(crate) context: Vec<String>,
    /// Facts of the project's own.
    pub(crate) fact: Vec<FactConfig>,
}

/// `[[environment.fact]]`: exactly one of `value`, `file`, `command` and `variable`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct FactConfig {
    /// The fact's name.
    pub(crate) name: String,
    /// Where it counts.
    #[serde(default)]
    pub(crate) tier: Tier,
    /// The value itself.
    pub(crate) value: Option<String>,
    /// A file whose content hash is the value.
    pub(crate) file: Option<PathBuf>,
    /// A shell command whose output is the value.
    pub(crate) command: Option<String>,
    /// An environment variable that holds the value.
    pub(crate) variable: Option<String>,
}

/// Where a fact counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Tier {
    /// Two runs that differ in it cannot be compared.
    #[default]
    Identity,
    /// Recorded and shown.
    Context,
}

/// `[[suite]]`: where one tool's output lies and how to make it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Suite {
    /// The suite's name in messages.
    pub(crate) name: String,
    /// The format; detected by content where not given.
    pub(crate) format: Option<String>,
    /// The output, from the top of the work tree.
    pub(crate) path: PathBuf,
    /// The shell command that makes it.
    pub(crate) run: Option<String>,
    /// The shell command that builds it, where that is a step of its own.
    pub(crate) build: Option<String>,
    /// The shell command that runs one benchmark of it: `{benchmark}` stands for the name.
    pub(crate) only: Option<String>,
    /// The executables that it measures, as globs from the top of the work tree.
    #[serde(default)]
    pub(crate) binaries: Vec<String>,
    /// Whether the instructions of `run` are counted, as a benchmark of the suite's name: for suites that always do the
    /// same work.
    #[serde(default)]
    pub(crate) counters: bool,
    /// How many seconds `build` or `run` may take.
    pub(crate) timeout: Option<NonZeroU32>,
    /// What goes before the name of every benchmark, for tools that do not name what they measured.
    pub(crate) prefix: Option<String>,
    /// Whether lower or higher is better in metrics whose output does not tell it.
    #[serde(default)]
    pub(crate) better: BTreeMap<String, Direction>,
    /// Which percentiles of raw durations are computed and recorded, such as 50, 95 and 99.
    #[serde(default)]
    pub(crate) percentiles: Vec<RankNumber>,
}

/// A percentile: above 0 and below 100.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "f64")]
pub(crate) struct RankNumber(Rank);

impl TryFrom<f64> for RankNumber {
    type Error = perf_model::RankError;

    fn try_from(number: f64) -> std::result::Result<Self, Self::Error> {
        Rank::try_from(number).map(Self)
    }
}

text_schema!(RankNumber, "Percentile", {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 100});

impl Suite {
    /// Returns how the output is to be read.
    pub(crate) fn options(&self) -> Options {
        let better = self.better.iter().map(|(metric, direction)| (metric.clone(), (*direction).into()));
        let (format, prefix) = (self.format.clone(), self.prefix.clone());
        let percentiles = self.percentiles.iter().map(|number| number.0).collect();
        Options { format, prefix, better: better.collect(), percentiles, ..Options::default() }
    }
}

/// What stands for the benchmark's name in a suite's `only`.
pub(crate) const BENCHMARK: &str = "{benchmark}";

impl Suite {
    fn check(&self) -> std::result::Result<(), String> {
        match &self.only {
            Some(only) if !only.contains(BENCHMARK) => {
                Err(format!("[[suite]] `{}`: `only` does not contain `{BENCHMARK}`", self.name))
            }
            Some(only) if quotes_benchmark(only) => Err(format!(
                "[[suite]] `{}`: `only` has `{BENCHMARK}` within quotes: the name is quoted where it is put in",
                self.name
            )),
            Some(_) | None => self.binaries.iter().try_for_each(|glob| {
                binaries_matching(glob).map(|_| ()).map_err(|why| format!("[[suite]] `{}`: {why}", self.name))
            }),
        }
    }
}

/// Returns whether the benchmark's name would stand within quotes of a shell command.
fn quotes_benchmark(only: &str) -> bool {
    let is_open = |before: &str| {
        let mut open = None;
        let mut letters = before.chars();
        while let Some(letter) = letters.next() {
            match (open, letter) {
                (None | Some('"'), '\\') => drop(letters.next()),
                (None, '"' | '\'') => open = Some(letter),
                (Some(quote), letter) if quote == letter => open = None,
                _ => {}
            }
        }
        open.is_some()
    };
    only.match_indices(BENCHMARK).any(|(at, _)| is_open(&only[..at]))
}

/// Parses a glob of executables; `*` stays within a directory.
pub(crate) fn binaries_matching(glob: &str) -> std::result::Result<GlobMatcher, String> {
    let parsed = GlobBuilder::new(glob).literal_separator(true).build();
    parsed.map(|glob| glob.compile_matcher()).map_err(|error| format!("`binaries`: {error}"))
}

/// `[[input]]`: which columns of a table, or keys of JSON lines, are read, and as what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Input {
    /// What `format` calls it.
    name: String,
    /// How its rows are written.
    #[serde(rename = "type")]
    rows: RowType,
    /// What stands between two cells of a table.
    separator: Option<char>,
    /// What stands before the decimals of a table's numbers.
    decimal: Option<char>,
    /// The columns that make the name of the benchmark, joined by `/`.
    benchmark: Vec<String>,
    /// The columns that are parameters.
    #[serde(default)]
    params: Vec<String>,
    /// The column of the number, where each row has one.
    value: Option<String>,
    /// The column of the metric's name.
    metric: Option<String>,
    /// The column of the unit.
    unit: Option<String>,
    /// The column of the direction.
    better: Option<String>,
    /// The columns of numbers, where each row has several.
    #[serde(default)]
    column: Vec<InputColumn>,
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum RowType {
    /// Comma-separated values with a header line.
    Csv,
    /// One JSON object on each line.
    Ndjson,
}

/// `[[input.column]]`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct InputColumn {
    /// The column.
    column: String,
    /// The metric's name; that of the column where not given.
    metric: Option<String>,
    /// The unit.
    unit: String,
    /// The direction, where the unit does not say it.
    better: Option<Direction>,
}

impl Input {
    /// Returns what `collect` reads by.
    fn mapping(&self) -> std::result::Result<Mapping, String> {
        let wrong = |problem: &str| Err(format!("[[input]] `{}`: {problem}", self.name));
        if perf_collect::formats().iter().any(|format| format.name == self.name) {
            return wrong("its name is that of a format: choose another");
        }
        if self.benchmark.is_empty() {
            return wrong("`benchmark` is empty: expected the columns that name the benchmark");
        }
        let values = match &self.value {
            Some(_) if !self.column.is_empty() => {
                return wrong("expected `value` or [[input.column]], found both");
            }
            Some(value) => Values::One {
                value: value.clone(),
                metric: self.metric.clone(),
                unit: self.unit.clone(),
                better: self.better.clone(),
            },
            None if self.column.is_empty() => return wrong("expected `value` or [[input.column]]"),
            None => Values::Several(self.column.iter().map(InputColumn::column).collect()),
        };
        let (separator, decimal) = (self.separator.unwrap_or(','), self.decimal.unwrap_or('.'));
        let Ok(separator) = u8::try_from(separator) else {
            return wrong("`separator` is no ASCII character");
        };
        if !matches!(decimal, '.' | ',') || separator == decimal as u8 {
            return wrong("`decimal` is `.` or `,`, and not the separator");
        }
        let rows = match self.rows {
            RowType::Csv => Rows::Table { separator, decimal },
            RowType::Ndjson => Rows::Ndjson,
        };
        let (name, benchmark, params) = (self.name.clone(), self.benchmark.clone(), self.params.clone());
        Ok(Mapping { name, rows, benchmark, params, values })
    }
}

impl InputColumn {
    fn column(&self) -> Column {
        Column {
            column: self.column.clone(),
            metric: self.metric.clone().unwrap_or_else(|| self.column.clone()),
            unit: self.unit.clone(),
            better: self.better.map(Into::into),
            kind: None,
        }
    }
}

/// Which way a metric gets better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Direction {
    /// Smaller values are better.
    Lower,
    /// Larger values are better.
    Higher,
}

impl From<Direction> for Better {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Lower => Better::Lower,
            Direction::Higher => Better::Higher,
        }
    }
}

impl Config {
    /// Reads `perf.toml` in a directory; the defaults where there is none.
    pub(crate) fn load(dir: &Path) -> Result<Self> {
        let Some(text) = Self::text(dir)? else { return Ok(Self::default()) };
        Self::parse(&text).map_err(|problem| {
            Failure::new(format!("{}: {problem}", dir.join(FILE).display()))
                .hint("`perf init --print` shows every key with its default")
        })
    }

    /// Returns what `perf.toml` in a directory holds, where there is one.
    pub(crate) fn text(dir: &Path) -> Result<Option<String>> {
        let path = dir.join(FILE);
        let failure = |problem: &str| Failure::new(format!("{}: {problem}", path.display()));
        let metadata = match std::fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failure("cannot be read").because(&error)),
        };
        // A pipe or a device would be read for ever.
        if !metadata.is_file() {
            return Err(failure("is no file"));
        }
        if metadata.len() > LARGEST {
            return Err(failure(&format!("larger than {LARGEST} bytes")));
        }
        let text = std::fs::read_to_string(&path);
        text.map(Some).map_err(|error| failure("cannot be read").because(&error))
    }

    /// Parses `perf.toml`; the error names line, column and key.
    pub(crate) fn parse(text: &str) -> std::result::Result<Self, String> {
        let document = Document::parse(text)?;
        document.check_keys(&schema())?;
        let config: Self = toml::from_str(text).map_err(|error| document.explained(&error))?;
        config.check().map_err(|problem| document.placed(problem))?;
        Ok(config)
    }

    /// Returns the inputs of the project's own; [`Config::check`] has seen that they are sound.
    pub(crate) fn mappings(&self) -> Vec<Mapping> {
        self.input.iter().filter_map(|input| input.mapping().ok()).collect()
    }

    /// Returns what the verdicts are held against.
    pub(crate) fn policy(&self) -> Policy {
        Policy {
            limits: Limits { warn: self.warn().0, fail: self.fail.0 },
            inconclusive: match self.inconclusive {
                OnInconclusive::Pass => Inconclusive::Pass,
                OnInconclusive::Fail => Inconclusive::Fail,
            },
            rules: self.rule.iter().map(RuleConfig::rule).collect(),
            judge: self.judge.judge(),
            fail_on_one_run: self.fail_on_one_run,
            suite_shift: match self.suite_shift {
                OnSuiteShift::Fail => SuiteShift::Fail,
                OnSuiteShift::Warn => SuiteShift::Warn,
            },
            acceptances: Acceptances {
                entries: self.accept.iter().map(AcceptConfig::acceptance).collect(),
                today: None,
            },
            aliases: self.alias.iter().map(AliasConfig::alias).collect(),
            max_age: self.max_age.0,
        }
    }

    fn warn(&self) -> Percent {
        self.warn.unwrap_or(Percent(Limits::default().warn.min(self.fail.0)))
    }

    /// Checks what the form alone cannot say.
    pub(crate) fn check(&self) -> std::result::Result<(), Problem> {
        if self.warn().0 > self.fail.0 {
            let message = format!("`warn = \"{}\"` lies above `fail = \"{}\"`", self.warn(), self.fail);
            return Err(Problem::at("warn", message));
        }
        self.check_names()?;
        for (index, rule) in self.rule.iter().enumerate() {
            rule.check(index + 1, self.fail).map_err(|it| Problem::at(format!("rule/{index}"), it))?;
        }
        for (index, accept) in self.accept.iter().enumerate() {
            accept.check(index + 1).map_err(|it| Problem::at(format!("accept/{index}"), it))?;
        }
        alias::check(&self.alias).map_err(|it| Problem::at("alias", it))?;
        self.measure.check().map_err(|it| Problem::at("measure/keep", it))?;
        for (index, suite) in self.suite.iter().enumerate() {
            suite.check().map_err(|it| Problem::at(format!("suite/{index}"), it))?;
        }
        for (index, input) in self.input.iter().enumerate() {
            input.mapping().map_err(|it| Problem::at(format!("input/{index}"), it))?;
        }
        if self.max_samples < 10 {
            let message = format!("`max-samples = {}`: expected at least 10", self.max_samples);
            return Err(Problem::at("max-samples", message));
        }
        self.check_facts()
    }

    /// Checks that what has a name has one.
    fn check_names(&self) -> std::result::Result<(), Problem> {
        named("base-branch", "base-branch", self.base_branch.as_deref())?;
        for (index, suite) in self.suite.iter().enumerate() {
            let Suite { name, format, path, run, prefix, .. } = suite;
            let at = |key: &str| format!("suite/{index}/{key}");
            named(at("name"), "name", Some(name))?;
            named(at("path"), "path", path.to_str())?;
            for (key, text) in [("format", format), ("run", run), ("prefix", prefix)] {
                named(at(key), key, text.as_deref())?;
            }
        }
        for (index, input) in self.input.iter().enumerate() {
            named(format!("input/{index}/name"), "name", Some(&input.name))?;
        }
        for (index, fact) in self.environment.fact.iter().enumerate() {
            named(format!("environment/fact/{index}/name"), "name", Some(&fact.name))?;
        }
        for (key, names) in [("identity", &self.environment.identity), ("context", &self.environment.context)]
        {
            for (index, name) in names.iter().enumerate() {
                named(format!("environment/{key}/{index}"), key, Some(name))?;
            }
        }
        Ok(())
    }

    fn check_facts(&self) -> std::result::Result<(), Problem> {
        for (index, fact) in self.environment.fact.iter().enumerate() {
            let at = format!("environment/fact/{index}");
            let sources =
                [fact.value.is_some(), fact.file.is_some(), fact.command.is_some(), fact.variable.is_some()];
            if sources.into_iter().filter(|given| *given).count() != 1 {
                let message = format!(
                    "[[environment.fact]] `{}`: expected exactly one of `value`, `file`, `command`, `variable`",
                    fact.name
                );
                return Err(Problem::at(at, message));
            }
            if fact.tier == Tier::Identity {
                refuse_volatile(at, &fact.name)?;
            }
        }
        let mut identity = self.environment.identity.iter().enumerate();
        identity.try_for_each(|(index, name)| refuse_volatile(format!("environment/identity/{index}"), name))
    }
}

/// Refuses a text of blanks, where there is one.
fn named(at: impl Into<String>, key: &str, text: Option<&str>) -> std::result::Result<(), Problem> {
    match text {
        Some(text) if text.trim().is_empty() => Err(Problem::at(at, format!("`{key}` is empty"))),
        Some(_) | None => Ok(()),
    }
}

fn refuse_volatile(at: String, fact: &str) -> std::result::Result<(), Problem> {
    if perf_collect::VOLATILE.contains(&fact) {
        let message = format!("`{fact}` changes from minute to minute and cannot be part of an identity");
        return Err(Problem::at(at, message));
    }
    Ok(())
}

/// A relative limit, written as `10%`; a bare number of at least 1 is taken as percent too.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Percent(pub(crate) f64);

impl Percent {
    /// A hundredfold change. Whoever wants no limit makes an exhibit.
    const MOST: f64 = 10_000.0;
}

text_schema!(Percent, "Percent", {
    "type": "string",
    "description": "a share, such as `10%`",
    "pattern": r"^\s*([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*%?\s*$",
});

impl std::str::FromStr for Percent {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (number, marked) = match text.trim().strip_suffix('%') {
            Some(number) => (number.trim_end(), true),
            None => (text.trim(), false),
        };
        let expected = || format!("`{text}`: expected a percentage such as `10%`");
        let value: f64 = number.parse().map_err(|_| expected())?;
        if !value.is_finite() {
            return Err(expected());
        }
        if value.is_sign_negative() {
            return Err(format!(
                "`{text}`: is below zero; limits say how large a change for the worse may be"
            ));
        }
        if value > Self::MOST {
            return Err(format!("`{text}`: is more than {}%, which no change reaches", Self::MOST));
        }
        if !marked && value > 0.0 && value < 1.0 {
            return Err(format!("`{text}`: is this {}% or {text}%? write the percent sign", value * 100.0));
        }
        Ok(Self(value / 100.0))
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Twelve digits bring 0.07 * 100 back to 7.
        write!(f, "{}%", (self.0 * 100.0 * 1e10).round() / 1e10)
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Written;
        impl Visitor<'_> for Written {
            type Value = Percent;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a percentage such as \"10%\"")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<Percent, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Written).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use perf_compare::{Acceptance, AcceptedIn};

    use super::*;

    #[test]
    fn an_empty_file_means_the_defaults() {
        let config = Config::parse("").unwrap();
        assert_eq!(config.policy(), Policy::default());
        assert_eq!(config.on_refusal, OnRefusal::Fail);
    }

    #[test]
    fn a_strict_fail_limit_alone_is_enough() {
        let limits = Config::parse("fail = \"5%\"").unwrap().policy().limits;
        assert_eq!(limits, Limits { warn: 0.05, fail: 0.05 });
    }

    #[test]
    fn an_acceptance_says_who_answers_for_what_and_until_when() {
        for date in ["2026-12-31", "\"2026-12-31\""] {
            let text = format!(
                "[[accept]]\nbenchmark = \"parse/*\"\nmetric = \"time\"\nat-most = \"40%\"\nreason = \"checks\"\n\
                 author = \"Ada\"\nexpires = {date}\n"
            );
            let entries = Config::parse(&text).unwrap().policy().acceptances.entries;
            let [Acceptance { benchmark, at_most: Some(limit), by, source, .. }] = entries.as_slice() else {
                panic!("{entries:?}");
            };
            assert_eq!((benchmark.text(), limit.relative, by.as_str()), ("parse/*", Some(0.4), "Ada"));
            assert_eq!(*source, AcceptedIn::File { expires: time::macros::date!(2026 - 12 - 31) });
        }
    }

    #[test]
    fn percentages_are_written_with_their_sign() {
        for (text, expected) in
            [("10%", Ok(0.1)), ("10", Ok(0.1)), (" 2.5 % ", Ok(0.025)), ("0", Ok(0.0)), ("0.5%", Ok(0.005))]
        {
            assert_eq!(text.parse::<Percent>().map(|percent| percent.0), expected, "{text}");
        }
        for bad in ["", "%", "ten", "-5%", "0.1", "NaN%", "inf%", "1e999"] {
            assert!(bad.parse::<Percent>().is_err(), "{bad}");
        }
        assert_eq!(Percent(0.07).to_string(), "7%");
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        for (text, expected) in [
            ("warm = \"5%\"", "unknown key `warm`"),
            ("warn = 5", "expected a percentage"),
            ("warn = \"30%\"", "lies above"),
            ("on-refusal = \"maybe\"", "unknown variant `maybe`"),
            ("[[suite]]\nname = \"x\"", "missing field `path`"),
            ("[environment]\nidentity = [\"load\"]", "`load` changes"),
            ("[[environment.fact]]\nname = \"data\"", "exactly one of"),
            ("[[suite]]\nname = \"x\"\npath = \"y\"\nbetter = { z = \"up\" }", "unknown variant `up`"),
            (
                "[[input]]\nname = \"x\"\ntype = \"csv\"\nbenchmark = [\"b\"]",
                "[[input]] `x`: expected `value` or",
            ),
            (
                "[[input]]\nname = \"k6\"\ntype = \"csv\"\nbenchmark = [\"b\"]\nvalue = \"v\"",
                "is that of a format",
            ),
            (
                "[[input]]\nname = \"x\"\ntype = \"csv\"\nbenchmark = []\nvalue = \"v\"",
                "`benchmark` is empty",
            ),
            (
                "[[input]]\nname = \"x\"\ntype = \"csv\"\nbenchmark = [\"b\"]\nvalue = \"v\"\ndecimal = \",\"",
                "and not the separator",
            ),
            ("[[input]]\nname = \"x\"\ntype = \"xls\"\nbenchmark = [\"b\"]", "unknown variant `xls`"),
            ("base-branch = \"\"", "`base-branch` is empty"),
            ("[[accept]]\nbenchmark = \"a\"\nreason = \"r\"\nauthor = \"x\"", "missing field `expires`"),
            (
                "[[accept]]\nbenchmark = \"a\"\nreason = \" \"\nauthor = \"x\"\nexpires = 2026-01-01",
                "[[accept]] 1: `reason` is empty",
            ),
            (
                "[[accept]]\nbenchmark = \"a\"\nreason = \"r\"\nauthor = \"x\"\nexpires = \"soon\"",
                "expected a date such as",
            ),
            ("[[accept]]\nbenchmark = \"a[\"", "is no glob"),
            ("[[alias]]\nfrom = \"a\"", "missing field `to`"),
            ("[[alias]]\nfrom = \"a\"\nto = \"a\"", "the same name twice"),
            ("[[alias]]\nfrom = \"a/*\"\nto = \"b\"", "one `*` in both names"),
            ("[[alias]]\nfrom = \"a\"\nto = \"b\"\n[[alias]]\nfrom = \"b\"\nto = \"a\"", "in a circle"),
            (
                "[[alias]]\nfrom = \"a\"\nto = \"b\"\n[[alias]]\nfrom = \"a\"\nto = \"c\"",
                "[[alias]] 2: `a` became `b` already",
            ),
            ("[measure]\nkeep = [\"../x\"]", "below the top of the work tree"),
            ("[measure]\nkeep = [\".git\"]", "below the top of the work tree"),
            ("[[suite]]\nname = \"x\"\npath = \"y\"\nonly = \"run\"", "does not contain `{benchmark}`"),
            ("[measure]\nkeep = [\"\"]", "below the top of the work tree"),
            ("[measure]\npin = \"all\"", "expected processors such as 0, 2-3"),
            ("[measure]\nnice = 20", "from -20 to 19"),
            ("warn = ", "line 1"),
        ] {
            let problem = Config::parse(text).unwrap_err();
            assert!(problem.contains(expected), "{text}: {problem}");
        }
    }
}
