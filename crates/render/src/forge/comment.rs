use serde::Serialize;

use super::plan::Action;
use crate::report::MARKER;

/// A comment that is there already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Its number.
    pub id: u64,
    /// Who wrote it, as the forge says.
    pub author: String,
    /// What it says.
    pub body: String,
}

/// What is to become of the one comment with the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedComment {
    /// What to do: create, update or keep.
    pub action: Action,
    /// Which comment; `None` where one is to be made.
    pub id: Option<u64>,
    /// What it is to say.
    pub body: String,
}

/// Plans the one comment with a report: made once, then edited in place.
///
/// Found again by the marker that a report begins with, among the comments of one's own account alone: anybody can
/// write the marker. Of several the oldest is it.
pub fn comment(existing: &[Comment], own: &str, report: &str) -> PlannedComment {
    let ours = existing.iter().filter(|one| one.author == own && one.body.starts_with(MARKER));
    let found = ours.min_by_key(|comment| comment.id);
    let action = match found {
        None => Action::Create,
        Some(comment) if same(&comment.body, report) => Action::Keep,
        Some(_) => Action::Update,
    };
    PlannedComment { action, id: found.map(|comment| comment.id), body: report.to_owned() }
}

/// Forges change the ends of lines, and drop those at the end.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.replace("\r\n", "\n").trim_end() == other.replace("\r\n", "\n").trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(id: u64, author: &str, body: &str) -> Comment {
        Comment { id, author: author.into(), body: body.into() }
    }

    #[test]
    fn the_one_comment_is_made_once_and_edited_in_place() {
        let report = "<!-- perf -->\nnew\n";
        let others = [
            written(1, "mallory", "<!-- perf -->\nforged"),
            written(2, "bot", "see <!-- perf -->"),
            written(3, "bot", "something else"),
        ];
        let with = |one: Comment| [&others[..], &[one]].concat();
        for (case, existing, action, id) in [
            ("nothing there", others.to_vec(), Action::Create, None),
            ("an old one", with(written(4, "bot", "<!-- perf -->\nold")), Action::Update, Some(4)),
            ("the same", with(written(4, "bot", "<!-- perf -->\r\nnew")), Action::Keep, Some(4)),
        ] {
            let planned = comment(&existing, "bot", report);
            assert_eq!((planned.action, planned.id, &*planned.body), (action, id, report), "{case}");
        }
        let two = [written(9, "bot", "<!-- perf -->"), written(7, "bot", "<!-- perf -->")];
        assert_eq!(comment(&two, "bot", report).id, Some(7), "of several the oldest");
    }
}
