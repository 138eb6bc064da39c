mod reach;
mod search;
mod sides;
mod wanted;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use perf_compare::{BaseChoice, Budgets, Endpoint, Outcome, Pair, Section, budgets, compare};
use perf_render::{Colour, Page};
use perf_store::Store;

use self::search::{Search, Sections};
use self::sides::{Head, MERGE_BASE, base_of, endpoint};
use self::wanted::Wanted;
use crate::command::{Status, saved};
use crate::config::{Config, JudgeBy, OnInconclusive, OnRefusal, OnSuiteShift, Percent};
use crate::failure::{Failure, Result};
use crate::output;
use crate::place::Place;

/// Compare with a baseline: verdicts, a report and an exit status
///
/// The base is the merge base with the base branch, or any revision, or a saved run. Where the base has no
/// baseline in the head's environment, the nearest first-parent ancestor with one serves (max-lag in
/// perf.toml), and the report says so; where there is none the comparison is refused with the reason.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to compare with: `merge-base`, or any revision
    #[arg(long, value_name = "REV", default_value = MERGE_BASE)]
    against: String,
    /// What is judged: a revision, or `worktree` for uncommitted changes [default: worktree if it has changes
    /// that were measured, else HEAD]
    #[arg(long, value_name = "REV")]
    head: Option<String>,
    /// A saved run to compare with
    #[arg(long, value_name = "FILE", requires = "head_file", conflicts_with_all = ["against", "head"])]
    base_file: Option<PathBuf>,
    /// A saved run to judge
    #[arg(long, value_name = "FILE", requires = "base_file")]
    head_file: Option<PathBuf>,
    /// Compare although this identity fact differs; every report says so
    #[arg(long, value_name = "FACT")]
    across: Vec<String>,
    /// Judge only the environment with this fingerprint (or its first digits)
    #[arg(long, value_name = "FINGERPRINT", value_parser = digits)]
    environment: Option<String>,
    /// From here on a series is slower [default: perf.toml, else 10%]
    #[arg(long, value_name = "PERCENT")]
    warn: Option<Percent>,
    /// From here on a series fails the gate [default: perf.toml, else 25%]
    #[arg(long, value_name = "PERCENT")]
    fail: Option<Percent>,
    /// What an undecided series means [default: perf.toml, else pass]
    #[arg(long, value_name = "WHAT")]
    inconclusive: Option<OnInconclusive>,
    /// What decides: `statistics` (a change must be real and large) or the `limits` alone [default: perf.toml,
    /// else statistics]
    #[arg(long, value_name = "WHAT")]
    judge: Option<JudgeBy>,
    /// Let a single run of the head fail, not only warn
    #[arg(long)]
    fail_on_one_run: bool,
    /// What it means that the whole suite became slower as one [default: perf.toml, else fail]
    #[arg(long, value_name = "WHAT")]
    suite_shift: Option<OnSuiteShift>,
    /// What a comparison that cannot be made means [default: perf.toml, else fail]
    #[arg(long, value_name = "WHAT")]
    on_refusal: Option<OnRefusal>,
    /// Do not ask the remote for baselines and history that are not here
    #[arg(long)]
    offline: bool,
    /// Write a report: `text`, `markdown` or `json`, to a file or to `-` (standard output); may be repeated
    #[arg(long, value_name = "FORMAT[=FILE]")]
    output: Vec<Report>,
}

fn digits(text: &str) -> std::result::Result<String, String> {
    let valid = !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if valid { Ok(text.to_owned()) } else { Err("expected lower-case hexadecimal digits".into()) }
}

/// A report that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Report {
    format: Format,
    to: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Markdown,
    Json,
}

impl std::str::FromStr for Report {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let (format, to) = text.split_once('=').unwrap_or((text, "-"));
        let format = <Format as clap::ValueEnum>::from_str(format, false)
            .map_err(|_| "expected `text`, `markdown` or `json`, then `=FILE`".to_owned())?;
        if to.is_empty() {
            return Err("expected a file, or `-` for standard output, after `=`".into());
        }
        Ok(Self { format, to: to.into() })
    }
}

pub(crate) fn run(args: &Args, place: &Place) -> Result<Status> {
    let store = match args.base_file {
        Some(_) => place.store().ok(),
        None => Some(place.store()?),
    };
    let mut config = Config::load(&place.top(store.as_ref()))?;
    apply_flags(&mut config, args)?;
    let outcome = match (&args.base_file, &args.head_file, &store) {
        (Some(base), Some(head), _) => of_files(args, &config, (&place.path(base), &place.path(head)))?,
        (_, _, Some(store)) => of_commits(args, &config, store)?,
        (_, _, None) => unreachable!("clap asks for both files or none"),
    };
    write_reports(args, place, &outcome)?;
    Ok(status(&outcome, config.on_refusal))
}

fn apply_flags(config: &mut Config, args: &Args) -> Result<()> {
    // A fail limit alone, stricter than the warn limit of the file, means that nothing may pass between them.
    if let (Some(fail), None, Some(warn)) = (args.fail, args.warn, config.warn)
        && warn.0 > fail.0
    {
        config.warn = None;
    }
    config.warn = args.warn.or(config.warn);
    config.fail = args.fail.unwrap_or(config.fail);
    config.inconclusive = args.inconclusive.unwrap_or(config.inconclusive);
    config.judge = args.judge.unwrap_or(config.judge);
    config.fail_on_one_run |= args.fail_on_one_run;
    config.suite_shift = args.suite_shift.unwrap_or(config.suite_shift);
    config.on_refusal = args.on_refusal.unwrap_or(config.on_refusal);
    config.check().map_err(Failure::new)
}

fn status(outcome: &Outcome, on_refusal: OnRefusal) -> Status {
    match (outcome.status(), on_refusal) {
        (perf_compare::Status::Passed, _) => Status::Done,
        (perf_compare::Status::Failed, _) => Status::Failed,
        (perf_compare::Status::Refused, OnRefusal::Fail) => Status::Refused,
        (perf_compare::Status::Refused, OnRefusal::Warn) => {
            output::warn(
                "NOTHING WAS COMPARED: this is no pass; on-refusal = \"warn\" turns status 3 into 0",
            );
            Status::Done
        }
    }
}

fn write_reports(args: &Args, place: &Place, outcome: &Outcome) -> Result<()> {
    let default = Report { format: Format::Text, to: "-".into() };
    let targets: BTreeSet<&Path> = args.output.iter().map(|report| report.to.as_path()).collect();
    if targets.len() < args.output.len() {
        return Err(Failure::new("two --output go to the same place: one report would replace the other"));
    }
    let silent = !args.output.iter().any(|report| report.to == Path::new("-"));
    for report in args.output.iter().chain(silent.then_some(&default)) {
        let on_stdout = report.to == Path::new("-");
        let page = if on_stdout { output::page() } else { Page { width: usize::MAX, colour: Colour::Plain } };
        let text = match report.format {
            Format::Text => perf_render::report::text(outcome, page),
            Format::Markdown => perf_render::report::markdown(outcome),
            Format::Json => perf_render::report::json(outcome),
        };
        if on_stdout {
            output::print(&text)?;
        } else {
            output::write(&place.path(&report.to), text.as_bytes())?;
        }
    }
    Ok(())
}

fn of_files(args: &Args, config: &Config, (base, head): (&Path, &Path)) -> Result<Outcome> {
    let (base, head) = (saved::read(base)?, saved::read(head)?);
    let across: BTreeSet<String> = args.across.iter().cloned().collect();
    let environment = Some(head.baseline.environment.clone());
    let budgets = budgets(&head.baseline, &config.policy());
    let result = Pair::new(base.baseline, head.baseline, &across)
        .and_then(|pair| compare(pair, &[], &config.policy()));
    Ok(Outcome {
        head: head.endpoint,
        base: base.endpoint,
        choice: BaseChoice::File,
        sections: vec![Section { environment, budgets, result }],
        notices: [base.notice, head.notice].into_iter().flatten().collect(),
        policy: config.policy(),
    })
}

fn of_commits(args: &Args, config: &Config, store: &Store) -> Result<Outcome> {
    let base_branch = config.base_branch.clone().or_else(reach::target_branch);
    let wanted = Wanted {
        head: args.head.as_deref(),
        against: &args.against,
        environment: args.environment.as_deref(),
        base_branch: base_branch.as_deref(),
        offline: args.offline,
    };
    let mut head = Head::find(&wanted, store)?;
    let (base, choice) = base_of(&wanted, store, &head)?;
    let outcome = |base: Endpoint, sections, notices, head: &Head| Outcome {
        head: head.endpoint(store),
        base,
        choice: choice.clone(),
        sections,
        notices,
        policy: config.policy(),
    };
    let base = match base {
        Ok(base) => base,
        Err(refusal) => {
            let section = Section { environment: None, budgets: Budgets::default(), result: Err(refusal) };
            return Ok(outcome(Endpoint::Nothing, vec![section], vec![], &head));
        }
    };
    let across: BTreeSet<String> = args.across.iter().cloned().collect();
    let (max_lag, policy) = (config.max_lag, config.policy());
    let search =
        |head: &Head| Search { store, base: &base, head, max_lag, across: &across, policy: &policy }.run();
    let mut found = search(&head)?;
    if !found.complete() && reach::pull(&wanted, store) {
        // What was missing may just have arrived.
        head = Head::find(&wanted, store)?;
        found = search(&head)?;
    }
    if !found.complete() && reach::look_further_back(&wanted, store, (head.commit(), &base), max_lag)? {
        found = search(&head)?;
    }
    if found.complete() && reach::look_further_back(&wanted, store, (head.commit(), &base), search::HISTORY)?
    {
        // What was measured before the base tells the noise.
        found = search(&head)?;
    }
    head.check_environment(&wanted)?;
    warn_of_uncrossed(args, &found);
    Ok(outcome(endpoint(store, &base), found.sections, found.notices, &head))
}

/// A misspelt fact would otherwise do nothing, silently.
fn warn_of_uncrossed(args: &Args, found: &Sections) {
    let known = |fact: &String| {
        let mut environments = found.sections.iter().filter_map(|section| section.environment.as_ref());
        environments.any(|environment| environment.identity.contains_key(fact))
    };
    for fact in args.across.iter().filter(|fact| !known(fact)) {
        output::warn(&format!("--across {fact}: the head's environments have no such identity fact"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_goes_to_standard_output_unless_a_file_is_named() {
        let report = |format, to: &str| Ok(Report { format, to: to.into() });
        assert_eq!("json".parse(), report(Format::Json, "-"));
        assert_eq!("markdown=a=b.md".parse(), report(Format::Markdown, "a=b.md"));
        for bad in ["", "html", "text=", "=x"] {
            assert!(bad.parse::<Report>().is_err(), "{bad}");
        }
    }
}
