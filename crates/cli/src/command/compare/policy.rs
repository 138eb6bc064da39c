//! Whose `perf.toml` a comparison is held to.

use perf_compare::{BaseChoice, Endpoint, Origin, Outcome, PolicySource, Refusal};
use perf_model::CommitId;
use perf_store::{Store, StoreError};

use super::args::{Args, PolicySide};
use super::reach;
use super::search::Sections;
use super::sides::{Head, WORKTREE, base_of};
use super::wanted::Wanted;
use crate::command::handed_in::HandedIn;
use crate::config::alias::add_those_of_head;
use crate::config::{Bootstrap, Config, FILE, OnRefusal, changes, changes_of_identity};
use crate::failure::{Failure, Result};
use crate::output;

/// What a comparison is held to.
pub(super) struct Governing {
    /// Limits, rules, budgets and the like, with the flags of the command line in their place.
    pub(super) config: Config,
    /// Whose they are.
    pub(super) origin: Origin,
    /// What the head asks of a base that was never measured, where the base has no `perf.toml` to say it.
    pub(super) first_use: Option<OnRefusal>,
}

/// A comparison of commits: with what, and what it is held to.
pub(super) struct Call {
    /// The repository; it leaves out what the policy does not trust.
    pub(super) store: Store,
    /// What the head is to be merged into, where that was said.
    base_branch: Option<String>,
    /// The head.
    pub(super) head: Head,
    /// The base, or why there is none.
    pub(super) base: std::result::Result<CommitId, Refusal>,
    /// Why that base.
    pub(super) choice: BaseChoice,
    /// What the comparison is held to.
    pub(super) governing: Governing,
}

impl Call {
    /// Finds the base and its policy; `here` is the `perf.toml` of the work tree.
    pub(super) fn find(
        args: &Args,
        handed_in: Option<&HandedIn>,
        here: Config,
        store: Store,
    ) -> Result<Self> {
        // A pull request cannot choose what it is merged into.
        let base_branch = reach::target_branch().or_else(|| base_branch(args, &store, &here));
        let changed = args.measure && args.head.is_none() && store.is_dirty()?;
        let asked = wanted(args, handed_in, base_branch.as_deref());
        let asked = Wanted { head: asked.head.or(changed.then_some(WORKTREE)), ..asked };
        let head = Head::find(&asked, &store)?;
        let (base, choice) = base_of(&asked, &store, &head)?;
        let of = match &base {
            Ok(base) => Some(base.clone()),
            Err(Refusal::NoMergeBase { .. }) => Some(reach::base_branch(&asked, &store)?.tip),
            Err(_) => None,
        };
        let governing = governing(args, &store, of.as_ref(), &head)?
            .measuring_as(Config { base_branch: base_branch.clone(), ..here });
        let store = store.requiring_signatures(governing.config.store.require_signed);
        Ok(Self { store, base_branch, head, base, choice, governing })
    }

    /// Returns what to look for.
    pub(super) fn wanted<'a>(&'a self, args: &'a Args, handed_in: Option<&'a HandedIn>) -> Wanted<'a> {
        wanted(args, handed_in, self.base_branch.as_deref())
    }
}

/// Returns the branch that changes are merged into as the default branch says; where that has no `perf.toml`, as the
/// file here does.
fn base_branch(args: &Args, store: &Store, here: &Config) -> Option<String> {
    if args.policy == PolicySide::Head {
        return here.base_branch.clone();
    }
    let default = store.base_branch(None).ok();
    let text = default.and_then(|branch| read(args, store, &branch.tip).ok().flatten());
    match text.and_then(|text| Config::parse(&text).ok()) {
        Some(config) => config.base_branch,
        None => here.base_branch.clone(),
    }
}

fn wanted<'a>(args: &'a Args, handed_in: Option<&'a HandedIn>, base_branch: Option<&'a str>) -> Wanted<'a> {
    Wanted {
        head: args.head.as_deref(),
        handed_in,
        against: &args.against,
        environment: args.environment.as_deref(),
        base_branch,
        offline: args.offline,
    }
}

impl Governing {
    /// Takes the file of the work tree, where no commits are compared.
    pub(super) fn here(args: &Args, here: Config) -> Result<Self> {
        let mut config = here;
        args.apply_to(&mut config)?;
        let origin = Origin { source: PolicySource::Here, changes: vec![], identity: vec![] };
        Ok(Self { config, origin, first_use: None })
    }

    /// Returns what came of comparing a head with a base under this policy, without further references.
    pub(super) fn outcome(
        &self,
        args: &Args,
        (base, head): (Endpoint, Endpoint),
        choice: BaseChoice,
        found: Sections,
    ) -> Outcome {
        Outcome {
            head,
            base,
            choice,
            sections: found.sections,
            notices: found.notices,
            policy: self.config.policy(),
            origin: self.origin.clone(),
            demand: args.demand,
            environment: args.environment.clone(),
            references: vec![],
        }
    }

    /// Puts how to measure, which is the head's own affair, beside what is asked of the numbers.
    fn measuring_as(self, here: Config) -> Self {
        let Config { base_branch, max_samples, bootstrap, measure, environment, suite, input, .. } = here;
        // Measuring what is missing loosens nothing: either side and the command line may ask for it.
        let bootstrap = match self.config.bootstrap {
            Bootstrap::Measure => Bootstrap::Measure,
            _ => bootstrap,
        };
        let config =
            Config { base_branch, max_samples, bootstrap, measure, environment, suite, input, ..self.config };
        Self { config, ..self }
    }

    /// Returns what a refusal of this outcome means.
    pub(super) fn on_refusal(&self, outcome: &Outcome) -> OnRefusal {
        let nothing_yet = |refusal: &Refusal| {
            matches!(refusal, Refusal::BaseNotMeasured { .. } | Refusal::NothingBefore { .. })
        };
        match self.first_use {
            Some(asked) if outcome.refusals().all(nothing_yet) => asked,
            Some(_) | None => self.config.on_refusal,
        }
    }
}

/// Reads the policy of the commit that is compared with, or what stands in for it.
fn governing(args: &Args, store: &Store, base: Option<&CommitId>, head: &Head) -> Result<Governing> {
    let at = |commit: &CommitId| read(args, store, commit);
    let at_base = base.map(at).transpose()?.flatten();
    // What lies in the work tree is the head where that is checked out.
    let at_head = match store.work_dir().filter(|_| head.is_checked_out()) {
        Some(top) => Config::text(top)?,
        None => at(head.commit())?,
    };
    let sides = (at_base.as_deref(), at_head.as_deref());
    let (changes, identity) = (changes(sides.0, sides.1), changes_of_identity(sides.0, sides.1));
    let (text, source) = match (args.policy, base.zip(at_base)) {
        (PolicySide::Head, _) => (at_head.clone(), PolicySource::Head),
        (PolicySide::Base, Some((commit, text))) => {
            (Some(text), PolicySource::Base { commit: commit.clone() })
        }
        (PolicySide::Base, None) if at_head.is_some() && at(head.commit())?.is_none() => {
            (at_head.clone(), PolicySource::Uncommitted)
        }
        (PolicySide::Base, None) => (None, PolicySource::Defaults),
    };
    let of = match &source {
        PolicySource::Base { commit } => (commit, "base"),
        _ => (head.commit(), "head"),
    };
    let of_head = at_head.map(|text| parse(&text, head.commit(), "head")).transpose()?;
    let mut config = text.map_or_else(|| Ok(Config::default()), |text| parse(&text, of.0, of.1))?;
    let first_use = match (&source, &of_head, args.on_refusal) {
        (PolicySource::Defaults, Some(of_head), None) => Some(of_head.on_refusal),
        _ => None,
    };
    // Whoever renames says so in the same change; it can only bring a verdict where there would be none.
    add_those_of_head(&mut config.alias, of_head.map(|it| it.alias).unwrap_or_default());
    args.apply_to(&mut config)?;
    Ok(Governing { config, origin: Origin { source, changes, identity }, first_use })
}

fn parse(text: &str, commit: &CommitId, side: &str) -> Result<Config> {
    Config::parse(text).map_err(|problem| {
        let failure = Failure::new(format!("{FILE} of the {side} {}: {problem}", commit.short()));
        match side {
            "base" => failure.hint(format!(
                "correct it on the base branch; until then `perf compare --policy head` judges by the head's; \
                 `git show {commit}:{FILE}` shows it"
            )),
            _ => failure.hint("`perf init --print` shows every key with its default"),
        }
    })
}

/// Reads `perf.toml` of a commit, in a clone without blobs from the remote.
fn read(args: &Args, store: &Store, commit: &CommitId) -> Result<Option<String>> {
    let bytes = match store.file(commit, FILE) {
        Err(StoreError::Repository { .. }) if !args.offline => {
            output::note(&format!(
                "{FILE} of {} is not here: asking the remote (--offline forbids it)",
                commit.short()
            ));
            Some(store.fetch_file(commit, FILE)?)
        }
        other => other?,
    };
    let text = |bytes| {
        String::from_utf8(bytes).map_err(|error| {
            Failure::new(format!("{FILE} of {}: is no text", commit.short())).because(&error)
        })
    };
    bytes.map(text).transpose()
}
