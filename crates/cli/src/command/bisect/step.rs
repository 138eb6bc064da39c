//! One step of `git bisect run`.

use std::collections::BTreeSet;

use perf_compare::{Bisection, FIRST_ROUNDS};
use perf_model::Better;

use super::probe::{Wanted, differences, find, judged};
use crate::command::Status;
use crate::command::collect::fact;
use crate::command::measure::{Gathered, Next, Plan, Session, Target};
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
    #[arg(long, value_name = "REV")]
    good: String,
    /// How much worse the change made it, at least
    #[arg(long, value_name = "PERCENT", default_value = "10%")]
    change: Percent,
    /// Which metric of the benchmark, where it has several
    #[arg(long, value_name = "NAME")]
    metric: Option<String>,
    /// How sure the answer has to be
    #[arg(long, value_name = "PERCENT", default_value = "99%")]
    confidence: Percent,
    /// Add or override an identity fact of what is measured
    #[arg(long = "env", value_name = "KEY=VALUE", value_parser = fact)]
    set: Vec<(String, String)>,
}

/// The name of the command.
pub(crate) const NAME: &str = "bisect-step";

/// The exit status of errors: git takes all from 1 to 127 but 125 for "bad", and ends the search from 128 on.
pub(crate) const FAILED: u8 = 128;

/// A step that is not clear is measured so often at most.
const MOST: u32 = 10;

/// What one step finds out about HEAD.
enum Answer {
    Good,
    Bad,
    Unclear(Seen),
}

/// What was measured of HEAD.
struct Seen {
    /// The mean logarithm of its level over that of the good commit, and the standard error of that.
    mean: f64,
    error: f64,
    pairs: usize,
}

pub(crate) fn run(args: &Args, place: &Place) -> Result<Status> {
    match measured(args, place) {
        Ok(Answer::Good) => Ok(Status::Done),
        Ok(Answer::Bad) => Ok(Status::Failed),
        Ok(Answer::Unclear(Seen { mean, error, pairs })) => {
            let [least, change, most] =
                [mean - 2.0 * error, mean, mean + 2.0 * error].map(|it| perf_render::percent(it.exp_m1()));
            let rounds = output::counted(pairs, "round");
            output::note(&format!(
                "HEAD can be neither called good nor bad: {change} ({least} to {most}) in {rounds}"
            ));
            Ok(Status::Untold)
        }
        Err(failure) if failure.is_of_a_suite() && !failure.is_of_the_base() => {
            failure.print();
            output::note("HEAD cannot be measured");
            Ok(Status::Untold)
        }
        Err(failure) => Err(failure),
    }
}

fn measured(args: &Args, place: &Place) -> Result<Answer> {
    if args.change.0 <= 0.0 || !(0.5..1.0).contains(&args.confidence.0) {
        return Err(Failure::new("--change is more than 0%, --confidence at least 50% and less than 100%"));
    }
    let store = place.store()?;
    let config = Config::load(&place.top(Some(&store)))?;
    let good = Target::commit(&store.resolve(&args.good)?);
    let head = Target::commit(&store.resolve("HEAD")?);
    let wanted = Wanted { benchmark: &args.benchmark, metric: args.metric.as_deref(), set: &args.set };
    let plan = Plan {
        first: FIRST_ROUNDS,
        most: MOST,
        control: false,
        suites: (0..config.suite.len()).collect(),
        only: None,
        budget: None,
        set: args.set.clone(),
    };
    let next = |gathered: &Gathered| -> Result<Next> {
        let series = find(gathered, &wanted)?;
        let clear = !matches!(answer(args, gathered, &wanted)?, Answer::Unclear(_));
        Ok(Next { open: if clear { BTreeSet::new() } else { [series].into() }, goal: MOST })
    };
    let gathered =
        Session::begin(&config, place, &store)?.measure((&good, &head), &plan, &next)?.unbroken()?;
    if gathered.interrupted {
        return Err(Failure::new("interrupted"));
    }
    gathered.record(&store, (&good, &head))?;
    answer(args, &gathered, &wanted)
}

/// Weighs HEAD as good against HEAD as bad.
fn answer(args: &Args, gathered: &Gathered, wanted: &Wanted<'_>) -> Result<Answer> {
    let series = find(gathered, wanted)?;
    let differences = differences(gathered, &series);
    if differences.is_empty() {
        return Err(Failure::new(format!("HEAD and {} do not both measure {series}", args.good)).of_a_suite());
    }
    let row = judged(gathered, &series).map_err(Failure::of_a_suite)?;
    let worse = match row.metric.better {
        Better::Lower => args.change.0.ln_1p(),
        Better::Higher if args.change.0 < 1.0 => (-args.change.0).ln_1p(),
        Better::Higher => return Err(Failure::new("--change: nothing drops by all of it")),
    };
    let noise = row.finding.evidence.map_or(1e-4, |evidence| evidence.noise * std::f64::consts::SQRT_2);
    let mean = differences.iter().sum::<f64>() / differences.len() as f64;
    let mut search = Bisection::new(2, worse, noise);
    // What is even worse than the change is as bad as it, and what is better than the good commit as good.
    let expected = mean.clamp(worse.min(0.0), worse.max(0.0));
    search.observe(1, expected, differences.len());
    let located = search.located(args.confidence.0).commits;
    Ok(match (*located.start(), *located.end()) {
        (1, 1) => Answer::Bad,
        (2, 2) => Answer::Good,
        _ => {
            let pairs = differences.len();
            Answer::Unclear(Seen { mean, error: noise / (pairs as f64).sqrt(), pairs })
        }
    })
}
