//! Baselines and outcomes for this crate's tests.

use std::collections::{BTreeMap, BTreeSet};

use perf_compare::{
    Amount, BaseChoice, Budgets, Comparison, Demand, Endpoint, Notice, Obstacle, Origin, Outcome, Pair,
    Policy, PolicyChange, PolicySource, Refusal, Rule, Section, Shifted, Unjudged, budgets, compare,
};
use perf_model::{
    Baseline, CommitId, Environment, Lineage, Measurement, Metric, Reading, Run, RunId, Samples, SeriesId,
    Source, Unit,
};
use time::macros::datetime;

/// One name or more of every class that has broken a report somewhere.
pub(crate) const HOSTILE: &[&str] = &[
    "",
    " edge ",
    "a|b|c",
    r"a\|b",
    r"ends\",
    "tick`tick",
    "```\nfence\n```",
    "line1\r\n| x | y |",
    "\n\n# Approved\n\n> [!NOTE]",
    "[click](https://example.invalid/x) ![b](https://example.invalid/p.png)",
    "https://example.invalid/ www.example.invalid a@example.invalid",
    "@user fixes #1 GH-1 deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
    "</table></details><script>alert(1)</script><!-- perf -->",
    "--> <!-- perf",
    "$`x`$ &lt; &#64;",
    "\u{1b}[2J\u{1b}]8;;https://example.invalid\u{1b}\\ok",
    "FAIL\rPASS\u{8}\u{8}\u{9b}31m\u{7f}\0",
    "bench\u{202e}gnp.exe\u{2066}",
    "zero\u{200b}width\u{feff}\u{ad}\u{115f}",
    "l1\u{2028}l2\u{2029}l3\u{85}l4",
    "z\u{335}\u{321}\u{322}\u{325}\u{335}\u{321}",
    "\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}",
    "::error file=a,line=1::owned",
    "x\n::add-mask::a",
    "##[error]owned ##vso[task.x]y ##teamcity[z] ####[q]",
    "=HYPERLINK(\"https://example.invalid\")",
    "{{constructor}} ${{ secrets.TOKEN }} $(id)`id`",
];

pub(crate) fn commit(short: &str) -> CommitId {
    format!("{short:0<40}").parse().expect("hex digits")
}

pub(crate) fn base() -> CommitId {
    commit("96dfd37bbbbb")
}

pub(crate) fn head() -> CommitId {
    commit("615ff67aaaaa")
}

pub(crate) fn environment(cores: &str) -> Environment {
    let facts = |facts: &[(&str, &str)]| {
        facts.iter().map(|(fact, value)| ((*fact).to_owned(), (*value).to_owned())).collect()
    };
    Environment {
        identity: facts(&[("arch", "x86_64"), ("cores", cores), ("cpu", "AMD EPYC 7763"), ("os", "linux")]),
        context: facts(&[("kernel", "6.1")]),
    }
}

pub(crate) fn measurement(name: &str, metric: Metric, samples: &[f64]) -> Measurement {
    Measurement {
        benchmark: name.into(),
        params: BTreeMap::new(),
        metric,
        reading: Reading::Samples(Samples::new(samples.to_vec()).expect("finite samples")),
    }
}

/// Steady `time` series in ns.
pub(crate) fn times(series: &[(&str, f64)]) -> Vec<Measurement> {
    series
        .iter()
        .map(|(name, level)| measurement(name, Metric::time("time", "ns"), &steady(*level)))
        .collect()
}

/// Samples that differ by a thousandth.
pub(crate) fn steady(level: f64) -> [f64; 5] {
    [0.999, 1.0, 1.001, 1.0, 1.0].map(|factor| factor * level)
}

/// A baseline of one run for each list of measurements.
pub(crate) fn baseline(commit: CommitId, environment: &Environment, runs: Vec<Vec<Measurement>>) -> Baseline {
    let runs = runs.into_iter().zip(1..).map(|(measurements, id)| Run {
        id: RunId::from_bits(id << 96),
        lineage: Lineage { commit: commit.clone(), tree: commit.clone(), parents: vec![] },
        time: datetime!(2026-02-03 04:05:06 UTC),
        recorder: "perf 0.1.0".into(),
        environment: environment.clone(),
        sources: vec![Source { format: "criterion".into(), tool: "criterion 0.8.2".into() }],
        measurements,
        turn: None,
        rebaseline: None,
    });
    Baseline::new(runs.collect()).expect("runs of one kind")
}

/// A suite in which everything happens, as the base and as the head ran it.
pub(crate) fn eventful() -> [Vec<Measurement>; 2] {
    let (time, rate) = (Metric::time("time", "ns"), Metric::rate("throughput", "req/s"));
    let mut before = times(&[
        ("parse/large", 1_204_000.0),
        ("parse/small", 980.0),
        ("lex/gone", 5.0),
        ("lex/same", 100.0),
        ("lex/quick", 200.0),
    ]);
    before.push(measurement("serve", rate.clone(), &steady(12_000.0)));
    before.push(measurement("lex/noisy", time.clone(), &[50.0, 100.0, 150.0, 80.0, 120.0]));
    let mut after = times(&[
        ("parse/large", 1_615_400.0),
        ("parse/small", 1_100.0),
        ("lex/born", 7.0),
        ("lex/same", 101.0),
        ("lex/quick", 150.0),
    ]);
    after.push(measurement("serve", rate, &steady(10_000.0)));
    after.push(measurement("lex/noisy", time, &[60.0, 140.0, 130.0, 70.0, 190.0]));
    [before, after]
}

/// An outcome of two environments: all of it happened in one, the other was refused.
pub(crate) fn mixed() -> Outcome {
    let [before, after] = eventful();
    let refused = Section { environment: Some(environment("16")), ..section(Err(different_environments())) };
    outcome(vec![section(compared(before, after)), refused])
}

/// An outcome with a few series of one sample a side, of which none can be decided.
pub(crate) fn undecided() -> Outcome {
    let side =
        |level| ["a", "b", "c"].map(|name| measurement(name, Metric::time("time", "ns"), &[level])).to_vec();
    outcome(vec![section(compared(side(10.0), side(10.5)))])
}

/// Every refusal there is.
pub(crate) fn refusals() -> [Refusal; 10] {
    [
        different_environments(),
        Refusal::BaseNotMeasured { base: base(), looked_back: 50 },
        Refusal::NoMergeBase { branch: "main".into() },
        Refusal::NothingBefore { head: head() },
        Refusal::HeadNotMeasured { head: head() },
        Refusal::NothingShared { base: 3, head: 4, likely: vec![] },
        Refusal::NothingJudged { unjudged: vec![unjudged("a"), unjudged("b")] },
        Refusal::HeadWithdrawn {
            head: head(),
            by: "Ann <ann@example.com>".into(),
            time: "2026-02-04T00:00:00Z".into(),
            reason: "a noisy neighbour".into(),
        },
        Refusal::NoRelease { base: base() },
        Refusal::Inadmissible {
            rounds: 5,
            shifted: vec![
                Shifted { series: None, change: Some(0.21) },
                Shifted {
                    series: Some(measurement(HOSTILE[0], Metric::time("time", "ns"), &[1.0]).series()),
                    change: None,
                },
            ],
        },
    ]
}

fn unjudged(benchmark: &str) -> Unjudged {
    let series = SeriesId { benchmark: benchmark.into(), params: BTreeMap::new(), metric: "size".into() };
    let (base, head) = (Unit::new("widgets"), Unit::new("gadgets"));
    Unjudged { series, obstacle: Obstacle::Units { base, head } }
}

/// What became of up to three runs a side, both on the same four cores.
pub(crate) fn compared(before: Vec<Measurement>, after: Vec<Measurement>) -> Result<Comparison, Refusal> {
    let environment = environment("4");
    let pair = Pair::new(
        baseline(base(), &environment, rounds(&before)),
        baseline(head(), &environment, rounds(&after)),
        &BTreeSet::new(),
    );
    compare(pair.expect("one environment"), &[], &Policy::default())
}

/// Repeats a run as often as every series has samples, at most three times. Every repetition lies where one of the
/// samples lies, so that what is noisy within a run is noisy from run to run.
pub(crate) fn rounds(run: &[Measurement]) -> Vec<Vec<Measurement>> {
    let samples = |one: &Measurement| one.reading.samples().len();
    let rounds = run.iter().map(samples).min().unwrap_or(1).min(3);
    let round = |number: usize| {
        run.iter().map(move |one| {
            let sample = one.reading.samples()[number];
            let level = one.reading.location();
            let factor = if level > 0.0 { sample / level } else { 1.0 };
            Measurement { reading: one.reading.scaled(factor), ..one.clone() }
        })
    };
    (0..rounds).map(|number| round(number).collect()).collect()
}

pub(crate) fn section(result: Result<Comparison, Refusal>) -> Section {
    Section { environment: Some(environment("4")), budgets: Budgets::default(), result }
}

pub(crate) fn outcome(sections: Vec<Section>) -> Outcome {
    let endpoint = |id, subject: &str| Endpoint::Commit { id, subject: Some(subject.into()) };
    Outcome {
        head: endpoint(head(), "Speed up the parser"),
        base: endpoint(base(), "Add a lexer"),
        choice: BaseChoice::MergeBase { branch: "main".into() },
        sections,
        notices: vec![],
        policy: Policy::default(),
        origin: Origin { source: PolicySource::Base { commit: base() }, changes: vec![], identity: vec![] },
        demand: Demand::Something,
        environment: None,
        references: vec![],
    }
}

/// The outcome of two runs whose environments differ in their cores.
pub(crate) fn different_environments() -> Refusal {
    Refusal::EnvironmentsDiffer {
        ancestor: None,
        base: Box::new(environment("4")),
        head: Box::new(environment("16")),
    }
}

/// An outcome of two commits in which every text that others wrote is `text`.
pub(crate) fn hostile_commits(text: &str) -> Outcome {
    let side = |id| Endpoint::Commit { id, subject: Some(text.into()) };
    Outcome { head: side(head()), base: side(base()), ..hostile_outcome(text) }
}

fn hostile_notices(text: &str, environment: Environment) -> Vec<Notice> {
    let (words, glob) = (|| text.to_owned(), || Some(text.to_owned()));
    vec![
        Notice::OnlyBaseMeasured { environment: Box::new(environment), series: 2 },
        Notice::Withdrawn { commit: base(), runs: 1, by: words(), time: words(), reason: words() },
        Notice::ReferenceMoved {
            asked: base(),
            serves: head(),
            rebaseline: perf_model::Rebaseline { by: words(), reason: words() },
        },
        Notice::IdleRule { number: 1, benchmark: glob(), metric: glob(), is_budget: true },
    ]
}

/// An outcome of two files in which every text that others wrote is `text`.
pub(crate) fn hostile_outcome(text: &str) -> Outcome {
    let metric = |unit: &str| Metric { name: text.into(), ..Metric::time("", unit) };
    let series = |suffix: &str, level: f64| {
        let mut measurement =
            measurement(&format!("{text}{suffix}"), metric(&format!("{text}-u")), &steady(level));
        measurement.params.insert(text.into(), text.into());
        measurement
    };
    let mut environment = Environment::default();
    environment.identity.insert(text.into(), text.into());
    for fact in ["cpu", "cores", "os", "arch"] {
        environment.identity.insert(fact.into(), text.into());
    }
    let mut other = environment.clone();
    other.identity.insert(text.into(), format!("{text}2"));
    let side = |levels: &[(&str, f64)]| -> Vec<Measurement> {
        levels.iter().map(|(name, level)| series(name, *level)).collect()
    };
    let before = side(&[("", 10.0), ("w", 10.0), ("i", 10.0), ("same", 10.0), ("gone", 1.0)]);
    let after = side(&[("", 20.0), ("w", 11.5), ("i", 5.0), ("same", 10.0), ("new", 1.0)]);
    let pair = Pair::new(
        baseline(base(), &environment, rounds(&before)),
        baseline(head(), &other, rounds(&after)),
        &BTreeSet::from([text.to_owned()]),
    );
    let pair = pair.expect("the one fact is crossed");
    let bounded = Rule { warn_max: Some(Amount { value: 15.0, unit: None }), ..Rule::default() };
    let budgets = budgets(pair.after(), &Policy { rules: vec![bounded], ..Policy::default() });
    // Whether two names are alike depends on them, and so would the shape of the report.
    let judged = compare(pair, &[], &Policy::default());
    let judged = judged.map(|comparison| Comparison { likely: vec![], ..comparison });
    let refused = Refusal::EnvironmentsDiffer {
        ancestor: None,
        base: Box::new(environment.clone()),
        head: Box::new(other),
    };
    let apart = Refusal::NoMergeBase { branch: text.into() };
    let mut outcome = outcome(vec![
        Section { environment: Some(environment.clone()), budgets, result: judged },
        Section { environment: Some(environment.clone()), ..section(Err(refused)) },
        Section { environment: None, ..section(Err(apart)) },
    ]);
    outcome.head = Endpoint::File { path: text.into(), commit: None };
    outcome.base = outcome.head.clone();
    outcome.notices = hostile_notices(text, environment);
    outcome.choice = BaseChoice::Named { revision: text.into() };
    let (by, time, reason) = (text.into(), text.into(), text.into());
    let withdrawn = Refusal::HeadWithdrawn { head: head(), by, time, reason };
    let choice = BaseChoice::LastRelease { tag: Some(text.into()) };
    outcome.references = vec![Outcome { choice, sections: vec![section(Err(withdrawn))], ..outcome.clone() }];
    let value = || Some(text.to_owned());
    outcome.origin.changes = vec![PolicyChange { key: text.into(), base: value(), head: value() }];
    outcome
}
