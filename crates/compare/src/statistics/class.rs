use perf_model::Kind;

/// What measures alike: series of one class share a typical noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Times and rates, which also share the machine's speed.
    Speed,
    /// Amounts of memory and data.
    Size,
    /// Numbers of things and shares.
    Count,
}

impl Class {
    pub(super) const ALL: [Self; 3] = [Self::Speed, Self::Size, Self::Count];

    pub(super) fn of(kind: Kind) -> Self {
        match kind {
            Kind::Time | Kind::Rate | Kind::Percentile => Self::Speed,
            Kind::Size => Self::Size,
            Kind::Count | Kind::Ratio | Kind::Exact => Self::Count,
        }
    }
}
