use serde_json::{Value, json};

use super::comment::PlannedComment;
use super::plan::{Action, Planned};

/// A forge, by what its API looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forge {
    /// GitHub, and GitHub Enterprise Server.
    GitHub,
    /// GitLab.
    GitLab,
}

/// Where requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The forge.
    pub forge: Forge,
    /// The project, as a path of the API has it; `None` for the placeholder that `gh` and `glab` fill in.
    pub project: Option<String>,
}

/// One request to a forge's API.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The method of HTTP.
    pub method: &'static str,
    /// The path, as `gh api` and `glab api` take it.
    pub path: String,
    /// The body.
    pub body: Value,
}

/// The label of every issue.
const LABEL: &str = "perf";

impl Target {
    /// Returns the request that carries out the plan for a comment on a pull or merge request, if it asks for one.
    pub fn comment(&self, number: u64, planned: &PlannedComment) -> Option<Request> {
        let (discussion, edit) = match self.forge {
            Forge::GitHub => (format!("issues/{number}/comments"), "issues/comments".to_owned()),
            Forge::GitLab => {
                let notes = format!("merge_requests/{number}/notes");
                (notes.clone(), notes)
            }
        };
        let body = json!({"body": planned.body});
        match planned.action {
            Action::Create => Some(self.request("POST", &discussion, body)),
            Action::Update => {
                Some(self.request(self.edit(), &format!("{edit}/{}", planned.id.unwrap_or_default()), body))
            }
            Action::Keep | Action::Close => None,
        }
    }

    /// Returns the requests that carry out the plan for an issue, in order.
    pub fn issue(&self, planned: &Planned) -> Vec<Request> {
        let text = match self.forge {
            Forge::GitHub => "body",
            Forge::GitLab => "description",
        };
        let mut body = json!({"title": planned.title, text: planned.body});
        let Some(number) = planned.number else {
            body["labels"] = match self.forge {
                Forge::GitHub => json!([LABEL]),
                Forge::GitLab => json!(LABEL),
            };
            return vec![self.request("POST", "issues", body)];
        };
        let (key, closed) = match self.forge {
            Forge::GitHub => ("state", "closed"),
            Forge::GitLab => ("state_event", "close"),
        };
        match planned.action {
            Action::Keep | Action::Create => return vec![],
            Action::Update => {}
            Action::Close => body[key] = json!(closed),
        }
        let edit = self.request(self.edit(), &format!("issues/{number}"), body);
        let (said, notes) = (json!({"body": planned.comment}), self.notes());
        let said =
            planned.comment.as_ref().map(|_| self.request("POST", &format!("issues/{number}/{notes}"), said));
        [Some(edit), said].into_iter().flatten().collect()
    }

    fn edit(&self) -> &'static str {
        match self.forge {
            Forge::GitHub => "PATCH",
            Forge::GitLab => "PUT",
        }
    }

    fn notes(&self) -> &'static str {
        match self.forge {
            Forge::GitHub => "comments",
            Forge::GitLab => "notes",
        }
    }

    fn request(&self, method: &'static str, path: &str, body: Value) -> Request {
        let (root, placeholder) = match self.forge {
            Forge::GitHub => ("repos", "{owner}/{repo}"),
            Forge::GitLab => ("projects", ":fullpath"),
        };
        let project = self.project.as_deref().unwrap_or(placeholder);
        Request { method, path: format!("{root}/{project}/{path}"), body }
    }
}
