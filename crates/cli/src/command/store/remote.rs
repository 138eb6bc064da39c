//! Which remote a command that takes something out of the store works on.

use std::time::Duration;

use perf_store::{Loss, Store, SyncOptions};

use crate::failure::{Failure, Result};
use crate::output;

/// Where to change the store.
#[derive(Debug, clap::Args)]
pub(super) struct RemoteArgs {
    /// A configured remote [default: origin, or the only one]
    #[arg(long, value_name = "NAME")]
    remote: Option<String>,
    /// Change nothing but this clone: what the remote has comes back with the next pull
    #[arg(long, conflicts_with = "remote")]
    offline: bool,
    /// Give up after this long
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = super::seconds)]
    timeout: Duration,
    /// Change the remote although this is a job of a pull request
    #[arg(long)]
    allow_pull_request: bool,
}

impl RemoteArgs {
    /// Returns how to talk to the remote; `None` where there is none, or it is to be left alone.
    pub(super) fn options(&self, store: &Store) -> Result<Option<SyncOptions>> {
        if self.offline || (self.remote.is_none() && store.remotes().is_empty()) {
            return Ok(None);
        }
        refuse_pull_requests(self.allow_pull_request)?;
        let remote = store.remote(self.remote.as_deref())?;
        output::note(&format!("working on {remote} (--offline leaves it alone)"));
        Ok(Some(SyncOptions { remote, timeout: self.timeout }))
    }
}

/// Says what a remote has lost since it was last seen: to `perf store prune` and `compact`, or to somebody's force.
pub(super) fn tell_losses(remote: &str, losses: &[Loss]) {
    for Loss { fingerprint, lines, rewritten } in losses {
        let gone = output::counted(*lines, "line");
        match (*rewritten, *lines) {
            (false, _) => {
                output::note(&format!("{remote}: {gone} of environment {fingerprint} taken out there"))
            }
            (true, 0) => {
                output::note(&format!("{remote}: the history of environment {fingerprint} was folded"))
            }
            (true, _) => output::warn(&format!(
                "{remote}: the history of environment {fingerprint} was replaced, and {gone} are gone that were there \
                 when it was last seen; `git log -g refs/notes/perf/{fingerprint}` shows what was here before"
            )),
        }
    }
}

/// Keeps what a pull request says out of the store that everybody shares.
pub(super) fn refuse_pull_requests(allowed: bool) -> Result<()> {
    match pull_request_job() {
        Some(variable) if !allowed => Err(Failure::new(format!(
            "this is a job of a pull request (${variable}): what it measures is not a baseline of the base branch"
        ))
        .hint("do this after the merge; `--allow-pull-request` does it all the same")),
        Some(_) | None => Ok(()),
    }
}

/// Returns the variable by which a CI service says that this is a job of a pull request.
///
/// Sources: GitHub Actions, "Default environment variables"; GitLab, "Predefined CI/CD variables".
fn pull_request_job() -> Option<&'static str> {
    let github = std::env::var("GITHUB_EVENT_NAME").is_ok_and(|event| event.starts_with("pull_request"));
    let gitlab = std::env::var_os("CI_MERGE_REQUEST_IID").is_some();
    match (github, gitlab) {
        (true, _) => Some("GITHUB_EVENT_NAME"),
        (false, true) => Some("CI_MERGE_REQUEST_IID"),
        (false, false) => None,
    }
}
