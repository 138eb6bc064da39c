//! What the commits between two others say.

use gix::bstr::{BStr, ByteSlice};
use perf_model::CommitId;

use crate::error::{Doing, StoreError};
use crate::repository::{Store, commit_id, object_id};

/// More commits than this are no change that anybody reviews as one.
const MOST_COMMITS: usize = 10_000;
/// Longer messages are cut: they are read into memory.
const LONGEST_MESSAGE: usize = 256 << 10;
/// So many messages that hold the word are returned.
const MOST_MESSAGES: usize = 1_000;

/// A commit's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The commit.
    pub commit: CommitId,
    /// The name of its author.
    pub author: String,
    /// All of its message.
    pub text: String,
}

/// The messages that hold a word, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Messages {
    /// The messages.
    pub found: Vec<Message>,
    /// Whether all commits were looked at: not so in a shallow clone that ends between the two, nor where there are
    /// more than anybody reviews.
    pub complete: bool,
}

impl Store {
    /// Returns the messages that hold a word, in whatever case, of all commits that can be reached from `head` and
    /// not from `base`: through merges too.
    pub fn messages_with(
        &self,
        word: &str,
        (base, head): (&CommitId, &CommitId),
    ) -> Result<Messages, StoreError> {
        let doing = || format!("{base}..{head}: the commits cannot be walked");
        let walk = self.repo.rev_walk([object_id(head)]).with_hidden([object_id(base)]);
        let mut messages = Messages { found: vec![], complete: self.is_certain((head, head), Some(base))? };
        for (number, commit) in walk.all().doing(doing)?.enumerate() {
            if number == MOST_COMMITS || messages.found.len() == MOST_MESSAGES {
                messages.complete = false;
                break;
            }
            let commit = commit.doing(doing)?.object().doing(doing)?;
            let decoded = commit.decode().doing(doing)?;
            if !contains(decoded.message, word) {
                continue;
            }
            let author = decoded.author().doing(doing)?.name.to_str_lossy().into_owned();
            let text = &decoded.message[..decoded.message.len().min(LONGEST_MESSAGE)];
            let text = text.to_str_lossy().into_owned();
            messages.found.push(Message { commit: commit_id(&commit.id), author, text });
        }
        Ok(messages)
    }
}

fn contains(text: &BStr, word: &str) -> bool {
    text.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word.as_bytes()))
}
