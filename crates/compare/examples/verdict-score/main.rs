//! Scores the rule beside those of other tools, on measurements of which is known what really changed.
//!
//! `verdict-score [OPTIONS] [POOL...]`, `POOL` being a file in the form `verdict-pool/1`
//! (`docs/verdict-evaluation.md` describes it); without one, the repository's own. Options: `--seed N`,
//! `--requests N` (how many to draw), `--half 1|2` (of the pool), `--rule TEXT` (only rules with it in their
//! name). Seeds are fixed: the same command prints the same figures but for the times.

#![expect(clippy::print_stdout, reason = "a program, not a library")]

mod pool;
mod request;
mod rule;
mod score;

use std::error::Error;

use pool::{Half, Pool};
use request::{Order, Plan};
use rule::{RULES, Rule};
use score::{Census, EFFECTS, LAX, Requests, STRICT, Score};

/// The repository's own measurements; see `scripts/verdict-measure`.
const OWN: &str = include_str!("../../tests/data/sixteen-programs.json");

struct Options {
    pools: Vec<(String, Pool)>,
    seed: u64,
    requests: usize,
    rule: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::read(std::env::args().skip(1))?;
    for (name, pool) in &options.pools {
        for (label, plan) in plans(pool) {
            let requests = Requests::draw(pool, plan, options.requests, options.seed);
            if !requests.unchanged.is_empty() {
                print(&format!("{name}: {label}"), &requests, &options.rule);
            }
        }
    }
    Ok(())
}

impl Options {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut options = Self { pools: vec![], seed: 7, requests: 40, rule: String::new() };
        let mut half = None;
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--seed" => options.seed = value()?.parse()?,
                "--requests" => options.requests = value()?.parse()?,
                "--rule" => options.rule = value()?,
                "--half" if value()? == "1" => half = Some(Half::First),
                "--half" => half = Some(Half::Second),
                path => {
                    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
                    let pool = Pool::parse(&text).map_err(|error| format!("{path}: {error}"))?;
                    let name = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".json");
                    options.pools.push((name.into(), pool));
                }
            }
        }
        if options.pools.is_empty() {
            options.pools.push(("sixteen programs".into(), Pool::parse(OWN)?));
        }
        if let Some(half) = half {
            options.pools = options.pools.into_iter().map(|(name, pool)| (name, pool.half(half))).collect();
        }
        Ok(options)
    }
}

/// Returns what is asked of a pool: runs a side, earlier baselines.
fn plans(pool: &Pool) -> Vec<(String, Plan)> {
    let plan = |runs, history, order| Plan { runs, history, series: 200, order };
    let plans = match pool {
        Pool::ExchangeableRuns { .. } => [(3, 4), (3, 0), (5, 0), (1, 8)]
            .map(|(runs, history)| plan(runs, history, Order::BaseFirst))
            .to_vec(),
        Pool::TimedRuns { .. } => vec![
            plan(3, 10, Order::Interleaved),
            plan(3, 10, Order::BaseFirst),
            plan(5, 10, Order::Interleaved),
            plan(1, 20, Order::Interleaved),
        ],
        Pool::History { .. } => vec![plan(3, 20, Order::BaseFirst), plan(1, 20, Order::BaseFirst)],
    };
    let label = |plan: &Plan| {
        let order = match (pool, plan.order) {
            (Pool::TimedRuns { .. }, Order::Interleaved) => ", interleaved",
            (Pool::TimedRuns { .. }, Order::BaseFirst) => ", base first",
            (Pool::ExchangeableRuns { .. } | Pool::History { .. }, _) => "",
        };
        format!("{} a side, {} baselines{order}", plan.runs, plan.history)
    };
    plans.into_iter().map(|plan| (label(&plan), plan)).collect()
}

fn print(title: &str, requests: &Requests, wanted: &str) {
    let nulls = &requests.unchanged;
    let unchanged = nulls.iter().flatten().filter(|measured| measured.truth == Some(0.0)).count();
    println!("\n## {title}: {} requests, {unchanged} unchanged series\n", nulls.len());
    println!(
        "| rule | A: alarm/series | A: red | A: inconcl. | A: alarm +10/+15/+30 | A: fails +30 | A: hides +10 \
         | B: fail/series | B: red | B: inconcl. | B: fails +5/+10/+15/+30 | B: hides +5 | us/series |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    );
    for rule in RULES.iter().filter(|rule| rule.name.contains(wanted)) {
        println!("{}", row(rule, requests));
    }
}

fn row(rule: &Rule, requests: &Requests) -> String {
    let (a, b) = (requests.score(rule, LAX), requests.score(rule, STRICT));
    let each = |score: &Score, count: fn(&Census) -> usize, from: usize| -> String {
        let shares = score.slowed[from..].iter().map(|census| share(count(census), census.series, 0));
        shares.collect::<Vec<_>>().join(" / ")
    };
    let micros = (a.time + b.time).as_secs_f64() * 1e6 / (a.judged + b.judged).max(1) as f64;
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {micros:.1} |",
        rule.name,
        share(a.unchanged.alarms(), a.unchanged.series, 3),
        share(a.unchanged.red, a.unchanged.requests, 1),
        share(a.unchanged.inconclusive, a.unchanged.series, 1),
        each(&a, Census::alarms, 1),
        share(a.slowed[EFFECTS.len() - 1].regressed, a.slowed[EFFECTS.len() - 1].series, 0),
        share(a.slowed[1].unchanged, a.slowed[1].series, 1),
        share(b.unchanged.regressed, b.unchanged.series, 3),
        share(b.unchanged.red, b.unchanged.requests, 1),
        share(b.unchanged.inconclusive, b.unchanged.series, 1),
        each(&b, |census| census.regressed, 0),
        share(b.slowed[0].unchanged, b.slowed[0].series, 1),
    )
}

/// Returns a share in percent.
fn share(part: usize, whole: usize, digits: usize) -> String {
    if whole == 0 {
        return "-".into();
    }
    format!("{:.digits$}", 100.0 * part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(runs: usize, order: Order) -> Requests {
        let plan = Plan { runs, history: 10, series: 0, order };
        Requests::draw(&Pool::parse(OWN).unwrap(), plan, 40, 7)
    }

    fn rule(name: &str) -> &'static Rule {
        RULES.iter().find(|rule| rule.name == name).unwrap()
    }

    fn percent(part: usize, whole: usize) -> f64 {
        100.0 * part as f64 / whole as f64
    }

    /// The figures of docs/verdict-evaluation.md, with room for one or two series more.
    #[test]
    fn the_rule_is_as_quiet_and_as_sharp_as_its_evaluation_says() {
        for (order, caught_at_least) in [(Order::Interleaved, 48.0), (Order::BaseFirst, 30.0)] {
            let requests = own(3, order);
            let (lax, strict) =
                (requests.score(rule("this rule"), LAX), requests.score(rule("this rule"), STRICT));
            for score in [&lax, &strict] {
                let found = score.unchanged;
                assert!(found.series >= 380, "{order:?}: {found:?}");
                assert!(percent(found.alarms(), found.series) <= 1.0, "{order:?}: {found:?}");
            }
            let caught = strict.slowed[3];
            assert!(percent(caught.regressed, caught.series) >= caught_at_least, "{order:?}: {caught:?}");
            for hidden in [lax.slowed[1], strict.slowed[0]] {
                assert!(percent(hidden.unchanged, hidden.series) <= 1.0, "{order:?}: {hidden:?}");
            }
        }
    }

    #[test]
    fn a_limit_on_the_median_would_raise_false_alarms_in_many_of_these_requests() {
        let score = own(3, Order::BaseFirst).score(rule("limits on the median"), STRICT);
        assert!(percent(score.unchanged.red, score.unchanged.requests) >= 50.0, "{:?}", score.unchanged);
    }

    #[test]
    fn equal_seeds_draw_equal_requests_and_others_others() {
        let slowed = |seed| -> Vec<Option<f64>> {
            let plan = Plan { runs: 3, history: 10, series: 0, order: Order::Interleaved };
            let requests = Requests::draw(&Pool::parse(OWN).unwrap(), plan, 5, seed);
            requests.slowed.into_iter().flatten().flatten().map(|measured| measured.truth).collect()
        };
        assert_eq!(slowed(1), slowed(1));
        assert_ne!(slowed(1), slowed(2));
    }

    #[test]
    fn every_kind_of_pool_is_read_and_drawn_from() {
        let values: Vec<String> = (0..60).map(|i| format!("{}", 100 + i * 7 % 5)).collect();
        let times: Vec<String> = (0..60).map(|i| i.to_string()).collect();
        let history = format!(
            r#"{{"schema": "verdict-pool/1", "kind": "history",
                "series": {{"one": {{"t": [{}], "v": [{}], "unit": "ns"}}}}}}"#,
            times.join(","),
            values.join(",")
        );
        let forks = r#"{"schema": "verdict-pool/1", "kind": "exchangeable-runs",
            "benches": {"one": [[1, 2], [2, 3], [1, 2], [3, 4], [2, 2], [1, 1], [2, 3], [1, 3]]}}"#;
        for (text, series) in [(history.as_str(), 1), (forks, 200)] {
            let pool = Pool::parse(text).unwrap();
            let (label, plan) = plans(&pool).remove(0);
            let requests = Requests::draw(&pool, plan, 3, 7);
            assert_eq!(requests.unchanged.len(), 3, "{label}");
            for request in requests.unchanged.iter().chain(requests.slowed.iter().flatten()) {
                assert_eq!(request.len(), series, "{label}");
                assert!(request.iter().all(|measured| measured.base.len() == plan.runs), "{label}");
            }
            let injected: usize =
                requests.slowed[3].iter().flatten().filter(|it| it.truth == Some(0.3)).count();
            assert_eq!(injected, 3 * (series / 10).max(1), "{label}");
        }
    }

    #[test]
    fn pools_with_too_little_in_them_give_no_requests() {
        for text in [
            r#"{"kind": "exchangeable-runs", "benches": {"one": [[1], [2], [3]]}}"#,
            r#"{"kind": "exchangeable-runs", "benches": {}}"#,
            r#"{"kind": "timed-runs", "runs": [{"kind": "A", "round": 0, "b": {}}]}"#,
            r#"{"kind": "history", "series": {"one": {"t": [1, 2], "v": [1, 2]}}}"#,
        ] {
            let pool = Pool::parse(text).unwrap();
            for (label, plan) in plans(&pool) {
                let drawn = Requests::draw(&pool, plan, 3, 7).unchanged.len();
                assert_eq!(drawn, usize::from(plan.runs == 1 && text.contains("[3]")) * 3, "{label}: {text}");
            }
        }
        assert!(Pool::parse(r#"{"kind": "exchangeable-runs", "benches": {"one": [[]]}}"#).is_err());
    }
}
