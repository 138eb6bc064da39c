use std::vec;

use super::class::Class;
use super::finding::{Evidence, Finding, Findings, Suite};
use super::limits::{judge_values, signed};
use super::measured::{Quantiles, Significance, Test};
use super::multiplicity::q_values;
use super::order::median_of;
use super::plan::Plan;
use super::relative;
use super::row::{first, recent_history};
use super::series::{Runs, Series};
use super::settings::Settings;
use crate::verdict::Interval;

/// Judges every series of one comparison.
///
/// The order of the series does not matter. All of them count towards the false discovery rate, whatever they
/// measure; only series of one class (times and rates, sizes, counts) share a typical noise, and only times
/// and rates share the machine.
pub fn judge(series: &[Series], settings: &Settings) -> Findings {
    let plans: Vec<Plan> = series.iter().map(|series| Plan::of(series, settings)).collect();
    let mut classes = Class::ALL.map(|class| Group::of(class, series, &plans, settings));
    let suite = classes[Class::Speed as usize].suite.clone();
    let stages: Vec<Stage> = plans.into_iter().map(|plan| Stage::of(plan, &mut classes)).collect();
    Findings { series: findings(series, stages, settings), suite }
}

/// The tests of one class that were not yet handed out, in the order of its series.
#[derive(Debug)]
struct Group {
    tests: vec::IntoIter<Test>,
    suite: Suite,
}

impl Group {
    fn of(class: Class, series: &[Series], plans: &[Plan], settings: &Settings) -> Self {
        let each = series.iter().zip(plans);
        let members: Vec<&Series> =
            each.filter(|(_, plan)| plan.is_relative(class)).map(|(series, _)| series).collect();
        if members.is_empty() {
            return Self { tests: vec![].into_iter(), suite: Suite::default() };
        }
        let tested = relative::test(&members, class, settings);
        Self { tests: tested.tests.into_iter(), suite: tested.suite }
    }
}

/// A series before the multiplicity of the comparison is accounted for.
#[derive(Debug)]
enum Stage {
    Settled(Finding),
    Tested(Test),
}

impl Stage {
    fn of(plan: Plan, classes: &mut [Group; 3]) -> Self {
        match plan {
            Plan::Settled(finding) => Self::Settled(finding),
            Plan::Absolute(test) => Self::Tested(test),
            Plan::Relative(class) => {
                let test = classes[class as usize].tests.next();
                Self::Tested(test.expect("a class holds one test for each of its series"))
            }
        }
    }

    fn test(&self) -> Option<&Test> {
        match self {
            Self::Settled(_) => None,
            Self::Tested(test) => Some(test),
        }
    }
}

fn findings(series: &[Series], stages: Vec<Stage>, settings: &Settings) -> Vec<Finding> {
    let p_values: Vec<Significance> = stages.iter().filter_map(Stage::test).map(Test::p_values).collect();
    let worse = q_values(&p_values.iter().map(|p| p.worse).collect::<Vec<_>>());
    let better = q_values(&p_values.iter().map(|p| p.better).collect::<Vec<_>>());
    let mut significances =
        worse.into_iter().zip(better).map(|(worse, better)| Significance { worse, better });
    let mut quantiles = Quantiles::new(settings.confidence);
    let mut finding = |series: &Series, stage: &Stage| match stage {
        Stage::Settled(finding) => finding.clone(),
        Stage::Tested(test) => {
            let q = significances.next().expect("every test has its q-values");
            tested(series, test, q, quantiles.get(test.df), settings)
        }
    };
    let each = series.iter().zip(&stages);
    each.map(|(series, stage)| counted(finding(series, stage), series)).collect()
}

fn tested(series: &Series, test: &Test, q: Significance, quantile: f64, settings: &Settings) -> Finding {
    let (low, high) = test.interval(quantile);
    let answer = test.answer(q, high, settings);
    let plain = judge_values(series, middle(&series.base), middle(&series.head));
    let in_unit = |change: f64| match series.absolute {
        Some(_) => signed(change, series.better),
        None => signed(change, series.better).exp_m1(),
    };
    let ends = [in_unit(low), in_unit(high)];
    Finding {
        verdict: answer.verdict,
        change: if series.absolute.is_some() { plain.change } else { Some(in_unit(test.change)) },
        evidence: Some(Evidence {
            interval: Interval { low: ends[0].min(ends[1]), high: ends[0].max(ends[1]) },
            noise: test.noise,
            df: test.df,
            q: if test.estimate > 0.0 { q.worse } else { q.better },
            two_modes: test.two_modes,
        }),
        runs_needed: answer.runs_needed,
        doubt: answer.doubt,
        ..plain
    }
}

fn middle(runs: &Runs) -> f64 {
    median_of(&runs.iter().flatten().map(|level| level.middle).collect::<Vec<_>>())
}

fn counted(finding: Finding, series: &Series) -> Finding {
    let count = |runs: &Runs| runs.iter().flatten().count();
    Finding {
        base_runs: count(&series.base),
        head_runs: count(&series.head),
        history: recent_history(series).iter().filter_map(first).count(),
        ..finding
    }
}
