use crate::verdict::Verdict;

/// How many series got which answer. Adds up to all series seen on either side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Better by at least the warn limit.
    pub improved: usize,
    /// A change of the warn limit or more is excluded.
    pub unchanged: usize,
    /// Cannot tell.
    pub inconclusive: usize,
    /// Worse by at least the warn limit.
    pub slower: usize,
    /// Worse by at least the fail limit.
    pub regressed: usize,
    /// On both sides, but in readings that cannot be set against each other.
    pub unjudged: usize,
    /// Only the base has it.
    pub missing: usize,
    /// Only the head has it.
    pub new: usize,
}

impl Census {
    /// Counts one verdict.
    pub(crate) fn count(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Improved => self.improved += 1,
            Verdict::Unchanged => self.unchanged += 1,
            Verdict::Inconclusive => self.inconclusive += 1,
            Verdict::Slower => self.slower += 1,
            Verdict::Regressed => self.regressed += 1,
        }
    }

    /// Returns how many series were judged.
    pub fn judged(&self) -> usize {
        self.improved + self.unchanged + self.inconclusive + self.slower + self.regressed
    }

    /// Returns how many series were seen on either side.
    pub fn total(&self) -> usize {
        self.judged() + self.unjudged + self.missing + self.new
    }
}
