use perf_model::CommitId;

/// Whose `perf.toml` the verdicts were held to, and what another side would have asked instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Whose it was.
    pub source: PolicySource,
    /// The keys in which that of the head differs from that of the base.
    pub changes: Vec<PolicyChange>,
    /// The keys that tell environments apart and in which the two differ: those of the head hold.
    pub identity: Vec<PolicyChange>,
}

/// Whose `perf.toml` it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicySource {
    /// That of the commit that was compared with.
    Base {
        /// The commit.
        commit: CommitId,
    },
    /// Nobody's: the base has none, so that the defaults hold.
    Defaults,
    /// That of the head, on request.
    Head,
    /// A file that is in neither commit.
    Uncommitted,
    /// The file here, since no commits were compared.
    Here,
}

/// One key in which two policies differ, each value as it is written; `None` where a side does not give it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyChange {
    /// The key with its tables: `fail`, `rule[2].max`.
    pub key: String,
    /// Its value at the base.
    pub base: Option<String>,
    /// Its value at the head.
    pub head: Option<String>,
}
