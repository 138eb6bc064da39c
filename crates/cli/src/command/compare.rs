use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use perf_compare::{
    BaseChoice, Endpoint, Notice, Outcome, Pair, Policy, Refusal, Section, compare, differences,
};
use perf_model::{Baseline, CommitId};
use perf_render::{Colour, Page};
use perf_store::{BaseBranch, Commit, Store, Stored, SyncOptions};

use crate::command::{Status, saved};
use crate::config::{Config, OnInconclusive, OnRefusal, Percent};
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
    /// What a comparison that cannot be made means [default: perf.toml, else fail]
    #[arg(long, value_name = "WHAT")]
    on_refusal: Option<OnRefusal>,
    /// Do not ask the remote for baselines that are not here
    #[arg(long)]
    offline: bool,
    /// Write a report: `text`, `markdown` or `json`, to a file or to `-` (standard output); may be repeated
    #[arg(long, value_name = "FORMAT[=FILE]")]
    output: Vec<Report>,
}

const MERGE_BASE: &str = "merge-base";
const WORKTREE: &str = "worktree";

/// How long a look at the remote for missing baselines may take.
const PULL_TIMEOUT: Duration = Duration::from_secs(60);

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
    let result =
        Pair::new(base.baseline, head.baseline, &across).and_then(|pair| compare(pair, &config.policy()));
    Ok(Outcome {
        head: head.endpoint,
        base: base.endpoint,
        choice: BaseChoice::File,
        sections: vec![Section { environment, result }],
        notices: [base.notice, head.notice].into_iter().flatten().collect(),
        policy: config.policy(),
    })
}

fn of_commits(args: &Args, config: &Config, store: &Store) -> Result<Outcome> {
    let mut head = Head::find(args, store)?;
    let (base, choice) = base_of(args, config, store, &head)?;
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
            let section = Section { environment: None, result: Err(refusal) };
            return Ok(outcome(Endpoint::Nothing, vec![section], vec![], &head));
        }
    };
    let mut found = Search { args, config, store, base: &base, head: &head }.run()?;
    if !found.complete() && !args.offline && ask_remote(store) {
        // What was missing may just have arrived.
        head = Head::find(args, store)?;
        found = Search { args, config, store, base: &base, head: &head }.run()?;
    }
    head.check_environment(args)?;
    warn_of_uncrossed(args, &found);
    let mut notices = unreadable(store, [&base, head.commit()])?;
    notices.append(&mut found.notices);
    Ok(outcome(endpoint(store, &base), found.sections, notices, &head))
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

/// Pulls from the remote; returns whether anything new arrived.
fn ask_remote(store: &Store) -> bool {
    let Ok(remote) = store.remote(None) else { return false };
    output::note(&format!("not all baselines are here: asking {remote} (--offline forbids it)"));
    match store.pull(&SyncOptions { remote, timeout: PULL_TIMEOUT }) {
        Ok(pulled) => !pulled.received.is_empty(),
        Err(error) => {
            output::warn(&format!("no baselines could be pulled: {error}"));
            false
        }
    }
}

/// The side that is judged.
struct Head {
    worktree: bool,
    commit: Commit,
    /// How many environments it was measured in.
    measured: usize,
    /// Those that are to be judged.
    baselines: Vec<Stored>,
}

impl Head {
    fn find(args: &Args, store: &Store) -> Result<Self> {
        let measured = match args.head.as_deref() {
            Some(WORKTREE) | None if store.work_dir().is_some() => store.worktree_baselines()?,
            Some(_) | None => vec![],
        };
        let mut baselines = measured;
        let worktree = !baselines.is_empty() || args.head.as_deref() == Some(WORKTREE);
        let revision = args.head.as_deref().filter(|_| !worktree).unwrap_or("HEAD");
        let commit = store.resolve(revision)?;
        if !worktree {
            baselines = store.find(&commit.lineage.commit)?.baselines;
        }
        let measured = baselines.len();
        if let Some(wanted) = &args.environment {
            baselines.retain(|stored| stored.fingerprint.as_str().starts_with(wanted.as_str()));
        }
        Ok(Self { worktree, commit, measured, baselines })
    }

    /// Refuses an environment that was asked for and is none of the head's.
    fn check_environment(&self, args: &Args) -> Result<()> {
        match &args.environment {
            Some(wanted) if self.baselines.is_empty() && self.measured > 0 => Err(Failure::new(format!(
                "--environment {wanted}: the head was measured in no such environment"
            ))
            .hint(format!("`perf store show {}` lists where it was", self.commit()))),
            Some(_) | None => Ok(()),
        }
    }

    fn commit(&self) -> &CommitId {
        &self.commit.lineage.commit
    }

    fn endpoint(&self, store: &Store) -> Endpoint {
        if self.worktree {
            return Endpoint::Worktree { on: self.commit().clone() };
        }
        endpoint(store, self.commit())
    }
}

fn endpoint(store: &Store, commit: &CommitId) -> Endpoint {
    Endpoint::Commit { id: commit.clone(), subject: store.known(commit).map(|commit| commit.subject) }
}

/// Finds the base commit, or why there is none; and why it is the base.
fn base_of(
    args: &Args,
    config: &Config,
    store: &Store,
    head: &Head,
) -> Result<(std::result::Result<CommitId, Refusal>, BaseChoice)> {
    if args.against != MERGE_BASE {
        let base = store.resolve(&args.against)?.lineage.commit;
        return Ok((Ok(base), BaseChoice::Named { revision: args.against.clone() }));
    }
    let BaseBranch { name: branch, tip } = store.base_branch(config.base_branch.as_deref())?;
    Ok(match store.merge_base(head.commit(), &tip)? {
        None => (Err(Refusal::NoMergeBase { branch: branch.clone() }), BaseChoice::MergeBase { branch }),
        Some(base) if base != *head.commit() || head.worktree => (Ok(base), BaseChoice::MergeBase { branch }),
        // On the base branch itself the interesting question is what the newest commit changed.
        Some(head_itself) => {
            let parent = head.commit.lineage.parents.first().cloned();
            (parent.ok_or(Refusal::NothingBefore { head: head_itself }), BaseChoice::FirstParent { branch })
        }
    })
}

fn unreadable(store: &Store, commits: [&CommitId; 2]) -> Result<Vec<Notice>> {
    let mut notices = Vec::new();
    for commit in commits {
        let lines = store.find(commit)?.unusable.len();
        if lines > 0 {
            notices.push(Notice::UnreadableLines { commit: commit.clone(), lines });
        }
    }
    Ok(notices)
}

/// Looks for a base to every environment of the head.
struct Search<'a> {
    args: &'a Args,
    config: &'a Config,
    store: &'a Store,
    base: &'a CommitId,
    head: &'a Head,
}

#[derive(Default)]
struct Sections {
    sections: Vec<Section>,
    notices: Vec<Notice>,
}

impl Sections {
    /// Returns whether every environment found its base.
    fn complete(&self) -> bool {
        self.sections.iter().all(|section| {
            !matches!(
                section.result,
                Err(Refusal::BaseNotMeasured { .. }
                    | Refusal::HeadNotMeasured { .. }
                    | Refusal::EnvironmentsDiffer { .. })
            )
        })
    }
}

impl Search<'_> {
    fn run(&self) -> Result<Sections> {
        if self.head.baselines.is_empty() {
            let refusal = Refusal::HeadNotMeasured { head: self.head.commit().clone() };
            let sections = vec![Section { environment: None, result: Err(refusal) }];
            return Ok(Sections { sections, notices: vec![] });
        }
        let mut found = Sections::default();
        let at_base = self.store.find(self.base)?.baselines;
        for Stored { baseline, .. } in &self.head.baselines {
            let environment = Some(baseline.environment.clone());
            let result = match self.base_for(baseline, &at_base, &mut found.notices)? {
                Ok(pair) => compare(pair, &self.policy()),
                Err(refusal) => Err(refusal),
            };
            found.sections.push(Section { environment, result });
        }
        if found.sections.iter().any(|section| section.result.is_ok()) {
            found.notices.extend(self.only_at_base(&at_base));
        }
        Ok(found)
    }

    /// Names the environments of the base that the head was not measured in: they are in no census.
    fn only_at_base(&self, at_base: &[Stored]) -> Vec<Notice> {
        if self.args.environment.is_some() {
            return vec![];
        }
        let of_head =
            |base: &&Stored| self.head.baselines.iter().any(|head| head.fingerprint == base.fingerprint);
        let only = at_base.iter().filter(|base| !of_head(base));
        only.map(|base| Notice::OnlyBaseMeasured {
            environment: Box::new(base.baseline.environment.clone()),
            series: base.baseline.series().len(),
        })
        .collect()
    }

    fn policy(&self) -> Policy {
        self.config.policy()
    }

    /// Finds the baseline to hold one baseline of the head against: at the base, else at an ancestor.
    fn base_for(
        &self,
        head: &Baseline,
        at_base: &[Stored],
        notices: &mut Vec<Notice>,
    ) -> Result<std::result::Result<Pair, Refusal>> {
        if let Some(pair) = self.pair(head, at_base) {
            return Ok(Ok(pair));
        }
        let line: Vec<Commit> = self.store.first_parents(self.base).take(self.config.max_lag + 1).collect();
        for (distance, ancestor) in line.iter().enumerate().skip(1) {
            let commit = &ancestor.lineage.commit;
            let Some(pair) = self.pair(head, &self.store.find(commit)?.baselines) else { continue };
            let (asked, serves) = (self.base.clone(), commit.clone());
            let notice = if ancestor.lineage.tree == line[0].lineage.tree {
                Notice::SameTreeServes { asked, serves }
            } else {
                Notice::AncestorServes { asked, serves, distance }
            };
            if !notices.contains(&notice) {
                notices.push(notice);
            }
            return Ok(Ok(pair));
        }
        Ok(Err(self.refusal(head, at_base, line.len().saturating_sub(1))))
    }

    fn pair(&self, head: &Baseline, bases: &[Stored]) -> Option<Pair> {
        let across: BTreeSet<String> = self.args.across.iter().cloned().collect();
        let pairs =
            bases.iter().filter_map(|base| Pair::new(base.baseline.clone(), head.clone(), &across).ok());
        pairs.min_by_key(|pair| pair.across().len())
    }

    fn refusal(&self, head: &Baseline, at_base: &[Stored], looked_back: usize) -> Refusal {
        let distance = |base: &&Stored| {
            differences(&base.baseline.environment.identity, &head.environment.identity).len()
        };
        match at_base.iter().min_by_key(distance) {
            Some(nearest) => Refusal::EnvironmentsDiffer {
                base: Box::new(nearest.baseline.environment.clone()),
                head: Box::new(head.environment.clone()),
            },
            None => Refusal::BaseNotMeasured { base: self.base.clone(), looked_back },
        }
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
