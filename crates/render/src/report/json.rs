use perf_compare::statistics::{Doubt, Judge, LevelUsed, TakenAs};
use perf_compare::{
    Acceptance, AcceptedIn, Alias, AliasConflict, BaseChoice, Bound, Budgets, Census, Claim, Comparison,
    Confirmation, ConflictReason, Cover, Demand, Endpoint, Former, Gap, Judged, LikelyRename, Limits, Notice,
    Obstacle, OneSided, Origin, Outcome, Pattern, PolicyChange, PolicySource, Refusal, Section, Severity,
    Status, Tier, Turns, Unjudged, differences,
};
use perf_model::{Baseline, Environment, Rebaseline, SeriesId};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;

use super::row::word;
use crate::json::{EnvironmentJson, Named, VERSION, line};
use crate::store::second;

/// Returns the report of an outcome as one line of JSON.
///
/// Names are as their tools wrote them; numbers are in the series' `unit`, changes
/// relative (`0.341` is +34.1 %); `null` where there is none, and never `NaN`. `before` is the base's level,
/// `after` the head's. Fields are only added within a version.
///
/// ```text
/// version   1
/// status    "passed" | "failed" | "refused"
/// base      {kind: "commit", commit, subject|null} | {kind: "worktree", commit}
///           | {kind: "saved", commit, subject, files: [path]} | {kind: "file", path, commit|null} | {kind: "nothing"}: there is no base
/// choice    {kind: "merge-base", branch} | {kind: "first-parent", branch} | {kind: "named", revision}
///           | {kind: "last-release", tag|null} | {kind: "file"}: why that base
/// head      like base
/// sections  one for each environment of the head:
///   fingerprint|null  environment|null  {identity: {fact: value}, context: {fact: value}}
///   refusal  null, or {reason, ...}:
///            "environments-differ"  base, head: {fingerprint, environment}; differing: [{fact,
///                                   base|null, head|null}]; ancestor|null: whose environment it is, where the
///                                   base itself was not measured
///            "base-not-measured"    base, looked_back
///            "no-merge-base"        branch
///            "nothing-before"       head
///            "head-not-measured"    head
///            "nothing-shared"       base, head: how many series; likely_renames: [{from, to, benchmarks}]
///            "head-withdrawn"       head, by, time, why: all its runs were taken back
///            "no-release"           base: no version tag is reachable from it
///            "nothing-judged"       shared: how many series; unjudged: like `unjudged` of a section
///            "inadmissible"         rounds, shifted: [{benchmark|null, params|null, metric|null, change|null}]
///   measured null, or {base, head}: the commits whose numbers these are, each {commit, runs, time}: of the newest run
///   turns    null, or {pairs, left_out}: the runs were taken in turns and judged as so many pairs; other runs of
///            the two commits were left out
///   across   [fact]
///   budgets  {checked, breaches: [{benchmark, params, metric, unit, level, limit, bound: "max" | "min",
///             severity: "fail" | "warn", accepted, not_accepted}], unchecked: [{benchmark, params, metric}],
///             silent: [{benchmark, params, metric}]}: in another unit than their series; of series that only the base has
///   history  how many earlier baselines were asked about the noise
///   suite    null, or {level: "median" | "best", noise|null, detectable|null, shift: null | {change, verdict,
///             taken_as: "machine" | "change", history_sd|null, accepted, not_accepted}}: all times and rates together; the typical
///             noise; the change that half of the series would have shown
///   census   null, or {total, regressed, slower, improved, unchanged, inconclusive, unjudged, missing, new}
///   series   [{benchmark, params, metric, unit, better, kind, verdict, before, after, change|null,
///              measured_change|null, absolute, interval|null: {low, high}, noise|null, df|null, q|null,
///              limits: {warn, fail}, absolute_limits: null | {warn, fail}, tier: "gating" | "exhibit",
///              judge: "statistics" | "limits", runs: {base, head, history},
///              runs_needed|null, doubt|null: "no-base" | "no-head" | "no-ratio" | "one-run" |
///              "noise-unknown" | "overlap" | "machine" | "too-noisy" | "not-confirmed", two_modes, same_code,
///              accepted: null | {reason, who, where: {kind: "commit", commit} | {kind: "file", expires}},
///              not_accepted: null | {why: "beyond" | "expired", reason, who, where},
///              renamed_from: null | {benchmark, alias: {from, to}, of_head: whether only the head has the alias}}]
///             `same_code`: both sides ran the very same executables, so that its noise was not judged
///             `accepted`: it does not count, and why; `not_accepted`: an acceptance does not cover it
///             `change` is without the machine's share, `measured_change` with it; `noise` is the standard
///             deviation from run to run, relative like `interval`, or both in `unit` where `change` is null
///   unjudged [{benchmark, params, metric, obstacle: "units" | "directions", base, head}
///             | {..., obstacle: "limit-unit", limit, unit} | {..., obstacle: "too-few-readings", found, needed}]
///   missing  [{benchmark, params, metric, unit, level}]; new alike
///   alias_conflicts  [{to, from: [name], reason: "several-former" | "several-now" | "former-is-there"}]: not used
///   likely_renames   [{from, to, benchmarks}]: what no alias says, and may be
/// policy    {source: "base" | "defaults" | "head" | "uncommitted" | "here", commit|null, changes: [{key, base|null,
///           head|null}], identity: [like changes]}: whose perf.toml it was held to, what that of the head would
///           change, and by which keys it tells environments apart otherwise
/// notices   [{kind: "ancestor-serves", asked, serves, distance} | {kind: "same-tree-serves", asked, serves}
///            | {kind: "only-base-measured", fingerprint, series}: how many series
///            | {kind: "new-level", commit, by, reason} | {kind: "head-declares-new-level", by, reason}
///            | {kind: "unreadable-lines", commit, lines}
///            | {kind: "idle-acceptance", benchmark, metric|null, series, reason, who, where}: nothing needed it
///            | {kind: "unread-acceptance", commit, text, problem} | {kind: "acceptances-out-of-reach"}
///            | {kind: "measured-again", again, repeated, rounds}: how many alarms, and how many of them showed again
///            | {kind: "not-measured-again", refusal}
///            | {kind: "withdrawn", commit, runs, by, time, reason}: runs that were taken back
///            | {kind: "old", commit, measured, days, allowed}: older than max-age before the head
///            | {kind: "reference-moved", asked, serves, by, reason}: drift is measured from a new level on
///            | {kind: "idle-rule", number, benchmark|null, metric|null, is_budget}: it matches no series
///            | {kind: "no-environment", path}]
/// demand    "something" | "everything": what has to be judged to pass (`perf compare`, `perf release-check`)
/// gaps      [{kind: "refused" | "only-base" | "missing" | "unjudged" | "undecided" | "budgets", count}]: what nobody
///           judged; where everything has to be, each is a refusal
/// references  [{status, base, choice, sections, notices, gaps}]: the same head against fixed references; the `status`
///           above is the worst of all
/// ```
pub fn json(outcome: &Outcome) -> String {
    line(&Report {
        version: VERSION,
        status: status(outcome.status()),
        base: side(&outcome.base),
        choice: choice(&outcome.choice),
        head: side(&outcome.head),
        sections: outcome.sections.iter().map(|it| section(it, outcome)).collect(),
        policy: policy(&outcome.origin),
        notices: outcome.notices.iter().map(|it| notice(it, outcome)).collect(),
        demand: match outcome.demand {
            Demand::Something => "something",
            Demand::Everything => "everything",
        },
        gaps: gaps(outcome),
        references: outcome.references.iter().map(reference).collect(),
    })
}

/// Returns the JSON Schema of what [`json`] returns, made from the types that it writes.
pub fn json_schema() -> serde_json::Value {
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut schema = generator.into_root_schema_for::<Report>().to_value();
    schema["title"] = "report of perf compare --output json".into();
    schema
}

fn reference(outcome: &Outcome) -> ReferenceJson<'_> {
    ReferenceJson {
        status: status(outcome.own_status()),
        base: side(&outcome.base),
        choice: choice(&outcome.choice),
        sections: outcome.sections.iter().map(|it| section(it, outcome)).collect(),
        notices: outcome.notices.iter().map(|it| notice(it, outcome)).collect(),
        gaps: gaps(outcome),
    }
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Passed => "passed",
        Status::Failed => "failed",
        Status::Refused => "refused",
    }
}

fn choice(choice: &BaseChoice) -> Choice<'_> {
    match choice {
        BaseChoice::MergeBase { branch } => Choice::MergeBase { branch },
        BaseChoice::FirstParent { branch } => Choice::FirstParent { branch },
        BaseChoice::Named { revision } => Choice::Named { revision },
        BaseChoice::LastRelease { tag } => Choice::LastRelease { tag: tag.as_deref() },
        BaseChoice::File => Choice::File,
    }
}

fn gaps(outcome: &Outcome) -> Vec<GapJson> {
    let gap = |gap| match gap {
        Gap::Refused(count) => GapJson { kind: "refused", count },
        Gap::OnlyBase(count) => GapJson { kind: "only-base", count },
        Gap::Missing(count, _) => GapJson { kind: "missing", count },
        Gap::Unjudged(count, _) => GapJson { kind: "unjudged", count },
        Gap::Undecided(count) => GapJson { kind: "undecided", count },
        Gap::Budgets(count) => GapJson { kind: "budgets", count },
    };
    outcome.gaps().into_iter().map(gap).collect()
}

#[derive(Serialize, JsonSchema)]
struct Report<'a> {
    version: u32,
    status: &'static str,
    base: Side<'a>,
    choice: Choice<'a>,
    head: Side<'a>,
    sections: Vec<Part<'a>>,
    policy: PolicyJson<'a>,
    notices: Vec<NoticeJson<'a>>,
    demand: &'static str,
    gaps: Vec<GapJson>,
    references: Vec<ReferenceJson<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct ReferenceJson<'a> {
    status: &'static str,
    base: Side<'a>,
    choice: Choice<'a>,
    sections: Vec<Part<'a>>,
    notices: Vec<NoticeJson<'a>>,
    gaps: Vec<GapJson>,
}

#[derive(Serialize, JsonSchema)]
struct GapJson {
    kind: &'static str,
    count: usize,
}

#[derive(Serialize, JsonSchema)]
struct PolicyJson<'a> {
    source: &'static str,
    commit: Option<&'a str>,
    changes: Vec<ChangeJson<'a>>,
    identity: Vec<ChangeJson<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct ChangeJson<'a> {
    key: &'a str,
    base: Option<&'a str>,
    head: Option<&'a str>,
}

#[derive(Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Side<'a> {
    Commit { commit: &'a str, subject: Option<&'a str> },
    Saved { commit: &'a str, subject: &'a str, files: Vec<String> },
    Worktree { commit: &'a str },
    Nothing,
    File { path: String, commit: Option<&'a str> },
}

#[derive(Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Choice<'a> {
    MergeBase { branch: &'a str },
    FirstParent { branch: &'a str },
    Named { revision: &'a str },
    LastRelease { tag: Option<&'a str> },
    File,
}

#[derive(Default, Serialize, JsonSchema)]
struct Part<'a> {
    fingerprint: Option<String>,
    environment: Option<EnvironmentJson<'a>>,
    refusal: Option<RefusalJson<'a>>,
    measured: Option<Sides<Measured<'a>>>,
    turns: Option<TurnsJson>,
    across: Vec<&'a str>,
    budgets: BudgetsJson<'a>,
    history: usize,
    suite: Option<SuiteJson<'a>>,
    census: Option<CensusJson>,
    series: Vec<SeriesJson<'a>>,
    unjudged: Vec<UnjudgedJson<'a>>,
    missing: Vec<OneSidedJson<'a>>,
    new: Vec<OneSidedJson<'a>>,
    alias_conflicts: Vec<ConflictJson<'a>>,
    likely_renames: Vec<LikelyJson<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct ConflictJson<'a> {
    to: &'a str,
    from: &'a [String],
    reason: &'static str,
}

#[derive(Serialize, JsonSchema)]
struct LikelyJson<'a> {
    from: &'a str,
    to: &'a str,
    benchmarks: usize,
}

#[derive(Serialize, JsonSchema)]
struct RenamedJson<'a> {
    benchmark: &'a str,
    alias: AliasJson<'a>,
    of_head: bool,
}

#[derive(Serialize, JsonSchema)]
struct AliasJson<'a> {
    from: &'a str,
    to: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct Sides<T> {
    base: T,
    head: T,
}

#[derive(Serialize, JsonSchema)]
struct Measured<'a> {
    commit: &'a str,
    runs: usize,
    time: String,
}

#[derive(Serialize, JsonSchema)]
struct TurnsJson {
    pairs: usize,
    left_out: usize,
}

#[derive(Serialize, JsonSchema)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum RefusalJson<'a> {
    EnvironmentsDiffer {
        ancestor: Option<&'a str>,
        base: Place<'a>,
        head: Place<'a>,
        differing: Vec<Differing>,
    },
    BaseNotMeasured {
        base: &'a str,
        looked_back: usize,
    },
    NoMergeBase {
        branch: &'a str,
    },
    NothingBefore {
        head: &'a str,
    },
    HeadNotMeasured {
        head: &'a str,
    },
    NothingShared {
        base: usize,
        head: usize,
        likely_renames: Vec<LikelyJson<'a>>,
    },
    HeadWithdrawn {
        head: &'a str,
        by: &'a str,
        time: &'a str,
        why: &'a str,
    },
    NoRelease {
        base: &'a str,
    },
    NothingJudged {
        shared: usize,
        unjudged: Vec<UnjudgedJson<'a>>,
    },
    Inadmissible {
        rounds: usize,
        shifted: Vec<ShiftedJson<'a>>,
    },
}

#[derive(Serialize, JsonSchema)]
struct ShiftedJson<'a> {
    benchmark: Option<&'a str>,
    params: Option<Named<'a>>,
    metric: Option<&'a str>,
    change: Option<f64>,
}

#[derive(Serialize, JsonSchema)]
struct Place<'a> {
    fingerprint: String,
    environment: EnvironmentJson<'a>,
}

#[derive(Serialize, JsonSchema)]
struct Differing {
    fact: String,
    base: Option<String>,
    head: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct CensusJson {
    total: usize,
    regressed: usize,
    slower: usize,
    improved: usize,
    unchanged: usize,
    inconclusive: usize,
    unjudged: usize,
    missing: usize,
    new: usize,
}

#[derive(Serialize, JsonSchema)]
struct SeriesJson<'a> {
    benchmark: &'a str,
    params: Named<'a>,
    metric: &'a str,
    unit: &'a str,
    better: &'static str,
    kind: &'static str,
    verdict: &'static str,
    before: f64,
    after: f64,
    change: Option<f64>,
    measured_change: Option<f64>,
    absolute: f64,
    interval: Option<IntervalJson>,
    noise: Option<f64>,
    df: Option<f64>,
    q: Option<f64>,
    limits: LimitsJson,
    absolute_limits: Option<LimitsJson>,
    tier: &'static str,
    judge: &'static str,
    runs: RunsJson,
    runs_needed: Option<usize>,
    doubt: Option<&'static str>,
    two_modes: bool,
    same_code: bool,
    #[serde(flatten)]
    accepted: AcceptedJson<'a>,
    renamed_from: Option<RenamedJson<'a>>,
}

/// What the acceptances say of something: at most one is given.
#[derive(Default, Serialize, JsonSchema)]
struct AcceptedJson<'a> {
    accepted: Option<AcceptanceJson<'a>>,
    not_accepted: Option<NotAccepted<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct AcceptanceJson<'a> {
    reason: &'a str,
    who: &'a str,
    r#where: Where<'a>,
}

#[derive(Serialize, JsonSchema)]
struct NotAccepted<'a> {
    why: &'static str,
    #[serde(flatten)]
    acceptance: AcceptanceJson<'a>,
}

#[derive(Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Where<'a> {
    Commit { commit: &'a str },
    File { expires: String },
}

#[derive(Serialize, JsonSchema)]
struct RunsJson {
    base: usize,
    head: usize,
    history: usize,
}

#[derive(Default, Serialize, JsonSchema)]
struct BudgetsJson<'a> {
    checked: usize,
    breaches: Vec<BreachJson<'a>>,
    unchecked: Vec<SeriesIdJson<'a>>,
    silent: Vec<SeriesIdJson<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct BreachJson<'a> {
    #[serde(flatten)]
    series: SeriesIdJson<'a>,
    unit: &'a str,
    level: f64,
    limit: f64,
    bound: &'static str,
    severity: &'static str,
    #[serde(flatten)]
    accepted: AcceptedJson<'a>,
}

#[derive(Serialize, JsonSchema)]
struct SeriesIdJson<'a> {
    benchmark: &'a str,
    params: Named<'a>,
    metric: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct SuiteJson<'a> {
    level: &'static str,
    noise: Option<f64>,
    detectable: Option<f64>,
    shift: Option<ShiftJson<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct ShiftJson<'a> {
    change: f64,
    verdict: &'static str,
    taken_as: &'static str,
    history_sd: Option<f64>,
    #[serde(flatten)]
    accepted: AcceptedJson<'a>,
}

#[derive(Serialize, JsonSchema)]
struct IntervalJson {
    low: f64,
    high: f64,
}

#[derive(Serialize, JsonSchema)]
struct LimitsJson {
    warn: f64,
    fail: f64,
}

#[derive(Serialize, JsonSchema)]
struct UnjudgedJson<'a> {
    benchmark: &'a str,
    params: Named<'a>,
    metric: &'a str,
    #[serde(flatten)]
    obstacle: ObstacleJson<'a>,
}

#[derive(Serialize, JsonSchema)]
#[serde(tag = "obstacle", rename_all = "kebab-case")]
enum ObstacleJson<'a> {
    Units { base: &'a str, head: &'a str },
    Directions { base: &'a str, head: &'a str },
    LimitUnit { limit: &'a str, unit: &'a str },
    TooFewReadings { found: u64, needed: u64 },
}

#[derive(Serialize, JsonSchema)]
struct OneSidedJson<'a> {
    benchmark: &'a str,
    params: Named<'a>,
    metric: &'a str,
    unit: &'a str,
    level: f64,
}

#[derive(Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum NoticeJson<'a> {
    AncestorServes {
        asked: &'a str,
        serves: &'a str,
        distance: usize,
    },
    SameTreeServes {
        asked: &'a str,
        serves: &'a str,
    },
    OnlyBaseMeasured {
        fingerprint: String,
        series: usize,
    },
    NewLevel {
        commit: &'a str,
        by: &'a str,
        reason: &'a str,
    },
    HeadDeclaresNewLevel {
        by: &'a str,
        reason: &'a str,
    },
    UnreadableLines {
        commit: &'a str,
        lines: usize,
    },
    IdleAcceptance {
        benchmark: &'a str,
        metric: Option<&'a str>,
        series: usize,
        #[serde(flatten)]
        acceptance: AcceptanceJson<'a>,
    },
    UnreadAcceptance {
        commit: &'a str,
        text: &'a str,
        problem: &'a str,
    },
    AcceptancesOutOfReach,
    MeasuredAgain {
        again: usize,
        repeated: usize,
        rounds: usize,
    },
    NotMeasuredAgain {
        refusal: RefusalJson<'a>,
    },
    WorseWithSameCode {
        series: usize,
    },
    NoEnvironment {
        path: String,
    },
    Withdrawn {
        commit: &'a str,
        runs: usize,
        by: &'a str,
        time: &'a str,
        reason: &'a str,
    },
    Old {
        commit: &'a str,
        measured: String,
        days: i64,
        allowed: i64,
    },
    ReferenceMoved {
        asked: &'a str,
        serves: &'a str,
        by: &'a str,
        reason: &'a str,
    },
    IdleRule {
        number: usize,
        benchmark: Option<&'a str>,
        metric: Option<&'a str>,
        is_budget: bool,
    },
}

fn side(endpoint: &Endpoint) -> Side<'_> {
    match endpoint {
        Endpoint::Commit { id, subject } => Side::Commit { commit: id.as_str(), subject: subject.as_deref() },
        Endpoint::Saved { id, subject, files } => Side::Saved {
            commit: id.as_str(),
            subject,
            files: files.iter().map(|path| path.to_string_lossy().into_owned()).collect(),
        },
        Endpoint::Worktree { on } => Side::Worktree { commit: on.as_str() },
        Endpoint::Nothing => Side::Nothing,
        Endpoint::File { path, commit } => Side::File {
            path: path.to_string_lossy().into_owned(),
            commit: commit.as_ref().map(|commit| commit.as_str()),
        },
    }
}

fn policy(origin: &Origin) -> PolicyJson<'_> {
    let (source, commit) = match &origin.source {
        PolicySource::Base { commit } => ("base", Some(commit.as_str())),
        PolicySource::Defaults => ("defaults", None),
        PolicySource::Head => ("head", None),
        PolicySource::Uncommitted => ("uncommitted", None),
        PolicySource::Here => ("here", None),
    };
    let [changes, identity] =
        [&origin.changes, &origin.identity].map(|keys| keys.iter().map(change).collect());
    PolicyJson { source, commit, changes, identity }
}

fn change(PolicyChange { key, base, head }: &PolicyChange) -> ChangeJson<'_> {
    ChangeJson { key, base: base.as_deref(), head: head.as_deref() }
}

fn section<'a>(section: &'a Section, outcome: &'a Outcome) -> Part<'a> {
    let environment = section.environment.as_ref();
    let part = Part {
        fingerprint: environment.map(|environment| environment.fingerprint().to_string()),
        environment: environment.map(EnvironmentJson::from),
        budgets: budgets(&section.budgets, outcome),
        ..Part::default()
    };
    match &section.result {
        Ok(comparison) => judged(comparison, outcome, part),
        Err(refusal) => Part { refusal: Some(refused(refusal)), ..part },
    }
}

fn judged<'a>(comparison: &'a Comparison, outcome: &'a Outcome, part: Part<'a>) -> Part<'a> {
    let (base, head) = (measured(comparison.pair.before()), measured(comparison.pair.after()));
    Part {
        measured: Some(Sides { base, head }),
        turns: comparison.turns.map(|Turns { pairs, left_out, .. }| TurnsJson { pairs, left_out }),
        across: comparison.pair.across().iter().map(String::as_str).collect(),
        history: comparison.history,
        suite: Some(suite(comparison, outcome)),
        census: Some(census(&comparison.census)),
        series: comparison.judged.iter().map(|row| series(row, outcome)).collect(),
        unjudged: comparison.unjudged.iter().map(unjudged).collect(),
        missing: comparison.missing.iter().map(one_sided).collect(),
        new: comparison.new.iter().map(one_sided).collect(),
        alias_conflicts: comparison.conflicts.iter().map(conflict).collect(),
        likely_renames: comparison.likely.iter().map(likely_rename).collect(),
        ..part
    }
}

fn measured(baseline: &Baseline) -> Measured<'_> {
    let (commit, time) = (baseline.commit.as_str(), second(baseline.measured()));
    Measured { commit, runs: baseline.runs.len(), time }
}

fn census(census: &Census) -> CensusJson {
    let total = census.total();
    let Census { improved, unchanged, inconclusive, slower, regressed, unjudged, missing, new } = *census;
    CensusJson { total, regressed, slower, improved, unchanged, inconclusive, unjudged, missing, new }
}

/// Says what the acceptances say of something.
fn accepted(claim: Option<Claim>, outcome: &Outcome) -> AcceptedJson<'_> {
    let Some(Claim { entry, cover }) = claim else { return AcceptedJson::default() };
    let acceptance = acceptance(&outcome.policy.acceptances.entries[entry]);
    let not = |why| AcceptedJson { accepted: None, not_accepted: Some(why) };
    match cover {
        Cover::Full => AcceptedJson { accepted: Some(acceptance), not_accepted: None },
        Cover::Beyond => not(NotAccepted { why: "beyond", acceptance }),
        Cover::Expired => not(NotAccepted { why: "expired", acceptance }),
    }
}

fn acceptance(acceptance: &Acceptance) -> AcceptanceJson<'_> {
    AcceptanceJson {
        reason: &acceptance.reason,
        who: &acceptance.by,
        r#where: match &acceptance.source {
            AcceptedIn::Commit(commit) => Where::Commit { commit: commit.as_str() },
            AcceptedIn::File { expires } => Where::File { expires: expires.to_string() },
        },
    }
}

fn series<'a>(row: &'a Judged, outcome: &'a Outcome) -> SeriesJson<'a> {
    let SeriesId { benchmark, params, metric } = &row.series;
    let (finding, evidence) = (&row.finding, row.finding.evidence);
    SeriesJson {
        benchmark,
        params,
        metric,
        unit: row.metric.unit.symbol(),
        better: row.metric.better.word(),
        kind: row.metric.kind.word(),
        verdict: word(finding.verdict),
        before: row.before,
        after: row.after,
        change: finding.change,
        measured_change: row.measured_change(),
        absolute: row.after - row.before,
        interval: evidence.map(|it| IntervalJson { low: it.interval.low, high: it.interval.high }),
        noise: evidence.map(|it| it.noise),
        df: evidence.map(|it| it.df),
        q: evidence.map(|it| it.q),
        limits: LimitsJson { warn: row.limits.warn, fail: row.limits.fail },
        absolute_limits: row.absolute.map(|Limits { warn, fail }| LimitsJson { warn, fail }),
        tier: match row.tier {
            Tier::Gating => "gating",
            Tier::Exhibit => "exhibit",
        },
        judge: match row.judge {
            Judge::Noise => "statistics",
            Judge::Limits => "limits",
        },
        runs: RunsJson { base: finding.base_runs, head: finding.head_runs, history: finding.history },
        runs_needed: finding.runs_needed,
        doubt: finding.doubt.map(Doubt::word),
        two_modes: evidence.is_some_and(|it| it.two_modes),
        same_code: row.same_code,
        accepted: accepted(row.claim, outcome),
        renamed_from: row.former.as_ref().map(|former| renamed_from(former, outcome)),
    }
}

fn renamed_from<'a>(former: &'a Former, outcome: &'a Outcome) -> RenamedJson<'a> {
    let Alias { from, to, of_head, .. } = &outcome.policy.aliases[former.alias];
    RenamedJson { benchmark: &former.benchmark, alias: AliasJson { from, to }, of_head: *of_head }
}

fn conflict(conflict: &AliasConflict) -> ConflictJson<'_> {
    let AliasConflict { to, from, reason } = conflict;
    let reason = match reason {
        ConflictReason::SeveralFormer => "several-former",
        ConflictReason::SeveralNow => "several-now",
        ConflictReason::FormerIsThere => "former-is-there",
    };
    ConflictJson { to, from, reason }
}

fn likely_rename(rename: &LikelyRename) -> LikelyJson<'_> {
    let LikelyRename { from, to, benchmarks } = rename;
    LikelyJson { from, to, benchmarks: *benchmarks }
}

fn budgets<'a>(budgets: &'a Budgets, outcome: &'a Outcome) -> BudgetsJson<'a> {
    let breaches = budgets.breaches.iter().map(|breach| BreachJson {
        series: series_id(&breach.series),
        unit: breach.metric.unit.symbol(),
        level: breach.level,
        limit: breach.limit,
        bound: match breach.bound {
            Bound::Max => "max",
            Bound::Min => "min",
        },
        severity: match breach.severity {
            Severity::Fail => "fail",
            Severity::Warn => "warn",
        },
        accepted: accepted(breach.claim, outcome),
    });
    BudgetsJson {
        checked: budgets.checked,
        breaches: breaches.collect(),
        unchecked: budgets.unchecked.iter().map(series_id).collect(),
        silent: budgets.silent.iter().map(series_id).collect(),
    }
}

fn series_id(series: &SeriesId) -> SeriesIdJson<'_> {
    let SeriesId { benchmark, params, metric } = series;
    SeriesIdJson { benchmark, params, metric }
}

fn suite<'a>(comparison: &Comparison, outcome: &'a Outcome) -> SuiteJson<'a> {
    let suite = &comparison.suite;
    SuiteJson {
        level: match suite.level {
            LevelUsed::Median => "median",
            LevelUsed::Best => "best",
        },
        noise: suite.noise,
        detectable: suite.detectable,
        shift: suite.shift.map(|shift| ShiftJson {
            change: shift.change,
            verdict: word(shift.verdict),
            taken_as: match shift.taken_as {
                TakenAs::Machine => "machine",
                TakenAs::Change => "change",
            },
            history_sd: shift.history_sd,
            accepted: accepted(comparison.suite_claim, outcome),
        }),
    }
}

fn unjudged(row: &Unjudged) -> UnjudgedJson<'_> {
    let SeriesId { benchmark, params, metric } = &row.series;
    let obstacle = match &row.obstacle {
        Obstacle::Units { base, head } => ObstacleJson::Units { base: base.symbol(), head: head.symbol() },
        Obstacle::Directions { base, head } => {
            ObstacleJson::Directions { base: base.word(), head: head.word() }
        }
        Obstacle::LimitUnit { limit, metric } => {
            ObstacleJson::LimitUnit { limit: limit.symbol(), unit: metric.symbol() }
        }
        Obstacle::TooFewReadings { found, needed } => {
            ObstacleJson::TooFewReadings { found: *found, needed: *needed }
        }
    };
    UnjudgedJson { benchmark, params, metric, obstacle }
}

fn one_sided(row: &OneSided) -> OneSidedJson<'_> {
    let SeriesId { benchmark, params, metric } = &row.series;
    OneSidedJson { benchmark, params, metric, unit: row.unit.symbol(), level: row.level }
}

fn refused(refusal: &Refusal) -> RefusalJson<'_> {
    match refusal {
        Refusal::EnvironmentsDiffer { ancestor, base, head } => RefusalJson::EnvironmentsDiffer {
            ancestor: ancestor.as_ref().map(|commit| commit.as_str()),
            base: place(base),
            head: place(head),
            differing: differing(base, head),
        },
        Refusal::BaseNotMeasured { base, looked_back } => {
            RefusalJson::BaseNotMeasured { base: base.as_str(), looked_back: *looked_back }
        }
        Refusal::NoMergeBase { branch } => RefusalJson::NoMergeBase { branch },
        Refusal::NothingBefore { head } => RefusalJson::NothingBefore { head: head.as_str() },
        Refusal::HeadNotMeasured { head } => RefusalJson::HeadNotMeasured { head: head.as_str() },
        Refusal::NothingShared { base, head, likely } => RefusalJson::NothingShared {
            base: *base,
            head: *head,
            likely_renames: likely.iter().map(likely_rename).collect(),
        },
        Refusal::HeadWithdrawn { head, by, time, reason } => {
            RefusalJson::HeadWithdrawn { head: head.as_str(), by, time, why: reason }
        }
        Refusal::NoRelease { base } => RefusalJson::NoRelease { base: base.as_str() },
        Refusal::NothingJudged { unjudged: rows } => {
            RefusalJson::NothingJudged { shared: rows.len(), unjudged: rows.iter().map(unjudged).collect() }
        }
        Refusal::Inadmissible { rounds, shifted } => {
            let shifted = shifted.iter().map(|it| ShiftedJson {
                benchmark: it.series.as_ref().map(|series| series.benchmark.as_str()),
                params: it.series.as_ref().map(|series| &series.params),
                metric: it.series.as_ref().map(|series| series.metric.as_str()),
                change: it.change,
            });
            RefusalJson::Inadmissible { rounds: *rounds, shifted: shifted.collect() }
        }
    }
}

fn place(environment: &Environment) -> Place<'_> {
    Place { fingerprint: environment.fingerprint().to_string(), environment: environment.into() }
}

fn differing(base: &Environment, head: &Environment) -> Vec<Differing> {
    let differing = differences(&base.identity, &head.identity).into_iter();
    differing.map(|one| Differing { fact: one.fact, base: one.base, head: one.head }).collect()
}

fn notice<'a>(notice: &'a Notice, outcome: &'a Outcome) -> NoticeJson<'a> {
    match notice {
        Notice::AncestorServes { asked, serves, distance } => {
            NoticeJson::AncestorServes { asked: asked.as_str(), serves: serves.as_str(), distance: *distance }
        }
        Notice::SameTreeServes { asked, serves } => {
            NoticeJson::SameTreeServes { asked: asked.as_str(), serves: serves.as_str() }
        }
        Notice::OnlyBaseMeasured { environment, series } => NoticeJson::OnlyBaseMeasured {
            fingerprint: environment.fingerprint().to_string(),
            series: *series,
        },
        Notice::NewLevel { commit, rebaseline: Rebaseline { by, reason } } => {
            NoticeJson::NewLevel { commit: commit.as_str(), by, reason }
        }
        Notice::HeadDeclaresNewLevel { rebaseline: Rebaseline { by, reason } } => {
            NoticeJson::HeadDeclaresNewLevel { by, reason }
        }
        Notice::UnreadableLines { commit, lines } => {
            NoticeJson::UnreadableLines { commit: commit.as_str(), lines: *lines }
        }
        Notice::IdleAcceptance { entry, series } => {
            let idle = &outcome.policy.acceptances.entries[*entry];
            NoticeJson::IdleAcceptance {
                benchmark: idle.benchmark.text(),
                metric: idle.metric.as_ref().map(Pattern::text),
                series: *series,
                acceptance: acceptance(idle),
            }
        }
        Notice::UnreadAcceptance { commit, text, problem } => {
            NoticeJson::UnreadAcceptance { commit: commit.as_str(), text, problem }
        }
        Notice::AcceptancesOutOfReach => NoticeJson::AcceptancesOutOfReach,
        Notice::MeasuredAgain(Confirmation { again, repeated, rounds }) => {
            NoticeJson::MeasuredAgain { again: *again, repeated: *repeated, rounds: *rounds }
        }
        Notice::WorseWithSameCode { series } => NoticeJson::WorseWithSameCode { series: *series },
        Notice::NotMeasuredAgain { refusal } => NoticeJson::NotMeasuredAgain { refusal: refused(refusal) },
        Notice::Withdrawn { commit, runs, by, time, reason } => {
            NoticeJson::Withdrawn { commit: commit.as_str(), runs: *runs, by, time, reason }
        }
        Notice::Old { commit, measured, days, allowed } => {
            let (commit, measured) = (commit.as_str(), second(*measured));
            NoticeJson::Old { commit, measured, days: *days, allowed: *allowed }
        }
        Notice::ReferenceMoved { asked, serves, rebaseline: Rebaseline { by, reason } } => {
            NoticeJson::ReferenceMoved { asked: asked.as_str(), serves: serves.as_str(), by, reason }
        }
        Notice::IdleRule { number, benchmark, metric, is_budget } => {
            let (benchmark, metric) = (benchmark.as_deref(), metric.as_deref());
            NoticeJson::IdleRule { number: *number, benchmark, metric, is_budget: *is_budget }
        }
        Notice::NoEnvironment { path } => {
            NoticeJson::NoEnvironment { path: path.to_string_lossy().into_owned() }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::fixtures::{
        HOSTILE, compared, hostile_outcome, measurement, mixed, outcome, refusals, section, times,
    };

    fn parsed(outcome: &Outcome) -> Value {
        serde_json::from_str(&json(outcome)).unwrap()
    }

    #[test]
    fn the_document_of_one_series_is_this() {
        let result = compared(times(&[("a", 1000.0), ("gone", 3.0)]), times(&[("a", 1000.0)]));
        let expected = concat!(
            r#"{"version":1,"status":"passed","#,
            r#""base":{"kind":"commit","commit":"96dfd37bbbbb0000000000000000000000000000","subject":"Add a lexer"},"#,
            r#""choice":{"kind":"merge-base","branch":"main"},"#,
            r#""head":{"kind":"commit","commit":"615ff67aaaaa0000000000000000000000000000","subject":"Speed up the parser"},"#,
            r#""sections":[{"fingerprint":"822ae69108a1c593","environment":{"#,
            r#""identity":{"arch":"x86_64","cores":"4","cpu":"AMD EPYC 7763","os":"linux"},"context":{"kernel":"6.1"}},"#,
            r#""refusal":null,"#,
            r#""measured":{"base":{"commit":"96dfd37bbbbb0000000000000000000000000000","runs":3,"time":"2026-02-03T04:05:06Z"},"#,
            r#""head":{"commit":"615ff67aaaaa0000000000000000000000000000","runs":3,"time":"2026-02-03T04:05:06Z"}},"turns":null,"across":[],"#,
            r#""budgets":{"checked":0,"breaches":[],"unchecked":[],"silent":[]},"#,
            r#""history":0,"suite":{"level":"median","noise":TYPICAL,"detectable":DETECTABLE,"shift":null},"#,
            r#""census":{"total":2,"regressed":0,"slower":0,"improved":0,"unchanged":1,"inconclusive":0,"#,
            r#""unjudged":0,"missing":1,"new":0},"#,
            r#""series":[{"benchmark":"a","params":{},"metric":"time","unit":"ns","better":"lower","kind":"time","#,
            r#""verdict":"unchanged","before":1000.0,"after":1000.0,"change":0.0,"measured_change":0.0,"#,
            r#""absolute":0.0,"interval":INTERVAL,"noise":NOISE,"df":6.0,"q":0.5,"#,
            r#""limits":{"warn":0.1,"fail":0.25},"absolute_limits":null,"tier":"gating","judge":"statistics","runs":{"base":3,"head":3,"history":0},"#,
            r#""runs_needed":null,"doubt":null,"two_modes":false,"same_code":false,"accepted":null,"not_accepted":null,"renamed_from":null}],"#,
            r#""unjudged":[],"missing":[{"benchmark":"gone","params":{},"metric":"time","unit":"ns","level":3.0}],"#,
            r#""new":[],"alias_conflicts":[],"likely_renames":[]}],"policy":{"source":"base","commit":"96dfd37bbbbb0000000000000000000000000000","changes":[],"identity":[]},"notices":[],"demand":"something","gaps":[{"kind":"missing","count":1}],"references":[]}"#,
            "\n"
        );
        let comparison = result.as_ref().unwrap();
        let evidence = comparison.judged[0].finding.evidence.unwrap();
        let interval = evidence.interval;
        let expected = expected
            .replace("INTERVAL", &format!(r#"{{"low":{:?},"high":{:?}}}"#, interval.low, interval.high))
            .replace("NOISE", &format!("{:?}", evidence.noise))
            .replace("TYPICAL", &format!("{:?}", comparison.suite.noise.unwrap()))
            .replace("DETECTABLE", &format!("{:?}", comparison.suite.detectable.unwrap()));
        assert_eq!(json(&outcome(vec![section(result)])), expected);
    }

    #[test]
    fn every_refusal_is_named_by_its_reason() {
        let reasons = [
            "environments-differ",
            "base-not-measured",
            "no-merge-base",
            "nothing-before",
            "head-not-measured",
            "nothing-shared",
            "nothing-judged",
            "head-withdrawn",
            "no-release",
            "inadmissible",
        ];
        for (refusal, reason) in refusals().into_iter().zip(reasons) {
            let report = parsed(&outcome(vec![section(Err(refusal))]));
            assert_eq!(report["status"], "refused");
            assert_eq!(report["sections"][0]["refusal"]["reason"], reason);
            assert_eq!(report["sections"][0]["census"], Value::Null);
        }
        let differing = &parsed(&mixed())["sections"][1]["refusal"]["differing"];
        assert_eq!(*differing, serde_json::json!([{ "fact": "cores", "base": "4", "head": "16" }]));
    }

    #[test]
    fn what_the_head_has_no_counterpart_for_is_named() {
        let mut outcome = mixed();
        outcome.base = Endpoint::Nothing;
        let environment = Box::new(crate::fixtures::environment("4"));
        outcome.notices = vec![Notice::OnlyBaseMeasured { environment, series: 3 }];
        let report = parsed(&outcome);
        assert_eq!(report["base"], serde_json::json!({ "kind": "nothing" }));
        assert_eq!(
            report["notices"],
            serde_json::json!([
                { "kind": "only-base-measured", "fingerprint": "822ae69108a1c593", "series": 3 }
            ])
        );
    }

    #[test]
    fn names_are_raw_and_yet_harmless_in_a_log() {
        for name in HOSTILE {
            let outcome = hostile_outcome(name);
            let document = json(&outcome);
            assert_eq!(document.matches('\n').count(), 1, "{name:?}");
            assert!(
                !document.contains("##") && !document.trim_end().chars().any(char::is_control),
                "{name:?}"
            );
            let report = parsed(&outcome);
            assert_eq!(report["sections"][0]["series"][0]["benchmark"], *name);
            assert_eq!(report["sections"][0]["series"][0]["params"][*name], *name);
            assert_eq!(report["base"]["path"], *name);
        }
    }

    #[test]
    fn a_number_without_end_is_null() {
        let size = perf_model::Metric::size("size", "B");
        let side = |level| vec![measurement("a", size.clone(), &[level, level])];
        let outcome = outcome(vec![section(compared(side(f64::MIN_POSITIVE), side(f64::MAX)))]);
        assert!(!json(&outcome).contains("inf") && !json(&outcome).contains("NaN"));
        assert_eq!(parsed(&outcome)["sections"][0]["series"][0]["change"], Value::Null);
    }
}
