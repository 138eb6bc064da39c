//! What is to be sent to a forge: which comment or issue is made, edited or closed, and what it says.
//!
//! Pure: what is there already comes in, plans and requests go out. A courier that knows no more than how to send a
//! request (`gh api`, `glab api`) does the rest.

mod comment;
mod issue;
mod plan;
mod request;

pub use comment::{Comment, PlannedComment, comment};
pub use issue::{Culprit, Report};
pub use plan::{Action, Issue, Planned, Settings, plan};
pub use request::{Forge, Request, Target};
