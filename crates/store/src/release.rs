//! Releases: version tags, and which of them is nearest.

use std::collections::HashMap;

use gix::ObjectId;
use gix::revision::walk::Sorting;
use gix::traverse::commit::simple::CommitTimeOrder;
use perf_model::CommitId;

use crate::error::{Doing, StoreError};
use crate::refs;
use crate::repository::{Store, commit_id, object_id};

/// A version tag and its commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The tag's name.
    pub tag: String,
    /// The commit.
    pub commit: CommitId,
}

/// So many tagged commits are weighed against each other, as `git describe` does.
const CANDIDATES: usize = 10;

const TAGS: &str = "refs/tags/";

impl Store {
    /// Finds the release that a commit builds on: of the version tags among it and its ancestors the one with the
    /// fewest commits since.
    ///
    /// A version tag ends with `1.2` or `1.2.3`, after nothing, `v`, `NAME-v` or `NAME/v`. Pre-releases are none.
    pub fn last_release(&self, from: &CommitId) -> Result<Option<Release>, StoreError> {
        let releases = self.releases()?;
        if releases.is_empty() {
            return Ok(None);
        }
        let doing = || format!("{from}: the history cannot be walked");
        let newest_first = Sorting::ByCommitTime(CommitTimeOrder::NewestFirst);
        let walk = self.repo.rev_walk([object_id(from)]).sorting(newest_first).all().doing(doing)?;
        let mut candidates = Vec::new();
        for commit in walk {
            candidates.extend(releases.get_key_value(&commit.doing(doing)?.id));
            if candidates.len() == CANDIDATES {
                break;
            }
        }
        let mut nearest: Option<(usize, &(Version, String), ObjectId)> = None;
        for (commit, release) in candidates {
            let since =
                self.repo.rev_walk([object_id(from)]).with_hidden([*commit]).all().doing(doing)?.count();
            let nearer =
                nearest.is_none_or(|(least, other, _)| since < least || since == least && *release > *other);
            if nearer {
                nearest = Some((since, release, *commit));
            }
        }
        Ok(nearest.map(|(_, (_, tag), commit)| Release { tag: tag.clone(), commit: commit_id(&commit) }))
    }

    /// Lists the commits that version tags name, each with its highest version.
    fn releases(&self) -> Result<HashMap<ObjectId, (Version, String)>, StoreError> {
        let mut releases: HashMap<ObjectId, (Version, String)> = HashMap::new();
        for ((version, tag), id) in
            refs::all_under(&self.repo, TAGS, |tag| Some((version(tag)?, tag.to_owned())))?
        {
            // A tag of something that is no commit, or of a commit that is not here, is no release to compare with.
            let Ok(object) = self.repo.find_object(id) else { continue };
            let Ok(commit) = object.peel_to_commit() else { continue };
            let best = releases.entry(commit.id).or_insert_with(|| (version, tag.clone()));
            if (version, &tag) > (best.0, &best.1) {
                *best = (version, tag);
            }
        }
        Ok(releases)
    }
}

/// Major, minor, patch.
type Version = [u64; 3];

/// Reads the version that a tag's name ends with.
fn version(tag: &str) -> Option<Version> {
    let after = |mark: &str| tag.rsplit_once(mark).map(|(_, version)| version);
    let written = [tag.strip_prefix('v'), after("-v"), after("/v"), after("/"), Some(tag)];
    written.into_iter().flatten().find_map(numbers)
}

fn numbers(text: &str) -> Option<Version> {
    let digits = |part: &str| {
        let valid = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        part.parse().ok().filter(|_| valid)
    };
    let parts: Vec<u64> = text.split('.').map(digits).collect::<Option<_>>()?;
    match parts[..] {
        [major, minor] => Some([major, minor, 0]),
        [major, minor, patch] => Some([major, minor, patch]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_tags_have_two_or_three_numbers_at_their_end() {
        for (tag, expected) in [
            ("v1.2.3", Some([1, 2, 3])),
            ("1.2.3", Some([1, 2, 3])),
            ("v1.2", Some([1, 2, 0])),
            ("parser-v1.20.3", Some([1, 20, 3])),
            ("parser/v0.1.0", Some([0, 1, 0])),
            ("a-v1.0.0/2.0.0", Some([2, 0, 0])),
            ("v1.2.3-rc.1", None),
            ("v1", None),
            ("1.2.3.4", None),
            ("v1..2", None),
            ("nightly", None),
            ("v99999999999999999999.0.0", None),
            ("", None),
        ] {
            assert_eq!(version(tag), expected, "{tag}");
        }
    }
}
