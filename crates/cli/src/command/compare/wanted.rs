use crate::command::handed_in::HandedIn;

/// What the caller asked for.
pub(super) struct Wanted<'a> {
    /// The head: a revision, `worktree`, or whatever is there.
    pub(super) head: Option<&'a str>,
    /// The head's runs, where they are not to be looked for in the store.
    pub(super) handed_in: Option<&'a HandedIn>,
    /// The base: a revision or `merge-base`.
    pub(super) against: &'a str,
    /// The first digits of the only environment to judge.
    pub(super) environment: Option<&'a str>,
    /// The base branch that perf.toml or the CI service names.
    pub(super) base_branch: Option<&'a str>,
    /// Whether the remote must not be asked.
    pub(super) offline: bool,
}
