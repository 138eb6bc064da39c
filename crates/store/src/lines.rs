use std::collections::BTreeSet;

use gix::bstr::ByteSlice;

/// The lines of one note: a set, because the order of runs carries no meaning and no run counts twice.
///
/// Lines that this version cannot read are members like any other: they are kept byte for byte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lines(BTreeSet<Vec<u8>>);

impl Lines {
    /// Splits a note. Empty lines are not lines; a missing newline at the end is no error.
    pub(crate) fn parse(note: &[u8]) -> Self {
        Self(note.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(<[u8]>::to_vec).collect())
    }

    /// Splits a note of at most so many lines, and says how many there are where it has more.
    pub(crate) fn parse_up_to(most: usize, note: &[u8]) -> Result<Self, usize> {
        // Before anything is made of them.
        match note.find_iter("\n").count() {
            lines if lines > most => Err(lines),
            _ => Ok(Self::parse(note)),
        }
    }

    /// Writes the note: sorted, each line ended by a newline.
    pub(crate) fn to_note(&self) -> Vec<u8> {
        self.0.iter().flat_map(|line| line.iter().copied().chain([b'\n'])).collect()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }

    pub(crate) fn insert(&mut self, line: Vec<u8>) {
        self.0.insert(line);
    }

    pub(crate) fn contains(&self, line: &[u8]) -> bool {
        self.0.contains(line)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds all lines of `other`. Commutative, associative and idempotent, so that any retry is harmless.
    pub(crate) fn unite(&mut self, other: &Lines) {
        self.0.extend(other.0.iter().cloned());
    }

    /// Adds all lines of `other`, which are not needed any more.
    pub(crate) fn unite_owned(&mut self, mut other: Lines) {
        self.0.append(&mut other.0);
    }

    /// Returns the lines that `self` has and `other` has not.
    pub(crate) fn without(&self, other: &Lines) -> Lines {
        Self(self.0.difference(&other.0).cloned().collect())
    }
}

impl FromIterator<Vec<u8>> for Lines {
    fn from_iter<T: IntoIterator<Item = Vec<u8>>>(lines: T) -> Self {
        Self(lines.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines() -> impl Strategy<Value = Lines> {
        prop::collection::vec("[ab{}\\x00\r]{0,3}", 0..6)
            .prop_map(|lines| Lines::parse(lines.join("\n").as_bytes()))
    }

    fn united(one: &Lines, other: &Lines) -> Lines {
        let mut union = one.clone();
        union.unite(other);
        union
    }

    proptest! {
        #[test]
        fn a_note_survives_its_bytes(lines in lines()) {
            prop_assert_eq!(Lines::parse(&lines.to_note()), lines);
        }

        #[test]
        fn union_is_commutative_associative_and_idempotent(a in lines(), b in lines(), c in lines()) {
            prop_assert_eq!(united(&a, &b), united(&b, &a));
            prop_assert_eq!(united(&united(&a, &b), &c), united(&a, &united(&b, &c)));
            prop_assert_eq!(united(&a, &a), a);
        }

        #[test]
        fn a_replay_keeps_theirs_and_adds_what_is_new_here(base in lines(), ours in lines(), theirs in lines()) {
            let replayed = united(&theirs, &ours.without(&base));
            prop_assert!(theirs.without(&replayed).is_empty(), "nothing of theirs is lost");
            prop_assert!(ours.without(&base).without(&replayed).is_empty(), "nothing new here is lost");
            let purged = base.without(&theirs);
            prop_assert!(purged.iter().all(|line| replayed.iter().all(|kept| kept != line)), "no resurrection");
        }
    }
}
