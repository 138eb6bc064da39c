use crate::policy::Limits;

/// What holds for a whole comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The share of false alarms among all `slower` and `improved` that is put up with.
    pub q_warn: f64,
    /// The share of false alarms among all `regressed` that is put up with.
    pub q_fail: f64,
    /// How sure the reported interval is.
    pub confidence: f64,
    /// Whether a single head run may fail. One run cannot tell a spike from a change.
    pub fail_on_one_run: bool,
    /// In which order base and head were measured.
    pub order: Order,
    /// What a shift of the whole suite beyond its fail limit is.
    pub suite_shift: SuiteShift,
    /// The limits of a shift of the whole suite.
    pub suite_limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            q_warn: 0.05,
            q_fail: 0.01,
            confidence: 0.95,
            fail_on_one_run: false,
            order: Order::Apart,
            suite_shift: SuiteShift::Fail,
            suite_limits: Limits::default(),
        }
    }
}

/// In which order base and head were measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// One after the other, or on different days: the machine may have changed in between.
    #[default]
    Apart,
    /// In turns, run `i` of the head right after run `i` of the base: what they do not share is the change.
    Interleaved,
}

/// What a shift of the whole suite beyond its fail limit is, where nothing explains it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SuiteShift {
    /// A regression.
    #[default]
    Fail,
    /// A warning.
    Warn,
}
