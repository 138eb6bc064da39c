//! What a forge's API answered. Other people wrote most of it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use perf_render::forge::{Comment, Issue};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::failure::{Failure, Result};

/// More than this is no list of comments.
const MOST_BYTES: u64 = 256 << 20;

/// A comment or note, an issue: GitHub and GitLab call the same things by other names.
#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    id: u64,
    #[serde(default)]
    number: Option<u64>,
    #[serde(default)]
    iid: Option<u64>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    user: Option<Account>,
    #[serde(default)]
    author: Option<Account>,
    /// Only pull requests, which GitHub lists among the issues, have it.
    #[serde(default)]
    pull_request: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Account {
    #[serde(default)]
    login: Option<String>,
    #[serde(default)]
    username: Option<String>,
}

/// Reads comments of GitHub, notes of GitLab.
pub(super) fn comments(path: &Path) -> Result<Vec<Comment>> {
    let comment =
        |entry: Entry| Comment { id: entry.id, author: entry.who(), body: entry.body.unwrap_or_default() };
    Ok(entries::<Entry>(path)?.into_iter().map(comment).collect())
}

/// Reads issues. GitHub lists pull requests among them, which are left out.
pub(super) fn issues(path: &Path) -> Result<Vec<Issue>> {
    let issue = |entry: Entry| Issue {
        number: entry.number.or(entry.iid).unwrap_or(entry.id),
        author: entry.who(),
        open: matches!(entry.state.as_deref(), Some("open" | "opened")),
        body: entry.body.or(entry.description).unwrap_or_default(),
    };
    let all = entries::<Entry>(path)?.into_iter();
    Ok(all.filter(|entry| entry.pull_request.is_none()).map(issue).collect())
}

impl Entry {
    fn who(&self) -> String {
        let account = self.user.as_ref().or(self.author.as_ref());
        let name = account.and_then(|account| account.login.clone().or(account.username.clone()));
        name.unwrap_or_default()
    }
}

/// Reads arrays of JSON that follow each other, as `gh api --paginate` prints them.
fn entries<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>> {
    let bytes = bytes(path, MOST_BYTES)?;
    let mut all = vec![];
    for page in serde_json::Deserializer::from_slice(&bytes).into_iter::<Vec<T>>() {
        all.extend(page.map_err(|error| {
            Failure::new(format!("{}: is no list of a forge's API", path.display())).because(&error)
        })?);
    }
    Ok(all)
}

/// Reads a file of at most this size.
pub(super) fn bytes(path: &Path, most: u64) -> Result<Vec<u8>> {
    let failed =
        |error: &std::io::Error| Failure::new(format!("{}: cannot be read", path.display())).because(error);
    let mut bytes = vec![];
    let file = File::open(path).map_err(|error| failed(&error))?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    if bytes.len() as u64 > most {
        return Err(Failure::new(format!("{}: is larger than {most} bytes", path.display())));
    }
    Ok(bytes)
}
