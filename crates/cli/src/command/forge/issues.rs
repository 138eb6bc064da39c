use perf_compare::{Episode, Policy, episodes};
use perf_model::{Baseline, CommitId};
use perf_render::forge::{Culprit, Report, Settings, plan};
use perf_store::{Commit, Store};

use super::{Sending, pages};
use crate::config::Config;
use crate::config::accept::{KEY, in_message};
use crate::failure::Result;
use crate::output;
use crate::place::Place;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    sending: Sending,
    /// Look at this many of the newest baselines of each environment
    #[arg(long, value_name = "N", default_value = "30")]
    last: usize,
    /// Close an issue after this many baselines in a row without it
    #[arg(long, value_name = "K", default_value = "3", value_parser = clap::value_parser!(u16).range(1..))]
    recovered_after: u16,
}

/// So many commits of the base branch place the changes of issues that exist.
const LINE: usize = 2_000;
/// So many commits are named that may have been it.
const MOST_CULPRITS: usize = 20;

pub(super) fn run(args: &Args, place: &Place) -> Result<()> {
    let store = place.store()?;
    let mut policy = Config::load(&place.top(Some(&store)))?.policy();
    policy.acceptances.today = Some(place.now.date());
    let head = store.resolve("HEAD")?.lineage.commit;
    let mut reports = vec![];
    for fingerprint in store.fingerprints()? {
        let mut history: Vec<Baseline> = store.history(&head, &fingerprint, args.last)?;
        history.extend(store.find_in(&fingerprint, &head)?);
        for episode in episodes(&history, &policy, args.recovered_after.into()) {
            reports.push(report(episode, &store, &policy)?);
        }
    }
    let line: Vec<CommitId> =
        store.first_parents(&head).take(LINE).map(|commit| commit.lineage.commit).collect();
    let existing = pages::issues(&place.path(&args.sending.existing))?;
    let settings =
        Settings { own: &args.sending.own, recovered_after: args.recovered_after.into(), line: &line };
    let planned = plan(&reports, &existing, &settings);
    let target = args.sending.target();
    let requests: Vec<_> = planned.iter().flat_map(|one| target.issue(one)).collect();
    args.sending.write(&requests, place)?;
    output::print_json(&planned)
}

/// Adds what the repository knows of an episode: the commits in which it happened, and what they accept.
fn report(episode: Episode, store: &Store, policy: &Policy) -> Result<Report> {
    let (good, bad) = episode.range();
    let culprit = |commit: Commit| Culprit { commit: commit.lineage.commit, subject: commit.subject };
    let mut between = store.first_parents(bad).take_while(|commit| commit.lineage.commit != *good);
    let culprits = between.by_ref().take(MOST_CULPRITS).map(culprit).collect();
    let more = between.take(LINE).count();
    let messages = store.messages_with(KEY, (good, bad))?;
    let mut acceptances = policy.acceptances.clone();
    // What cannot be read of them is named by `perf compare`.
    acceptances.entries.extend(messages.found.iter().flat_map(in_message).flatten());
    let accepted = episode.accepted(&acceptances).map(|entry| acceptances.entries.swap_remove(entry));
    Ok(Report { culprits, more, accepted, episode })
}
