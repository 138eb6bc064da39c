//! Looking after a store: checking it, taking lines out, folding its history, telling how large it is.

mod compact;
mod prune;
mod size;
mod take_out;
mod verify;

pub use self::compact::Compacted;
pub use self::prune::{Keep, Pruned};
pub use self::size::Size;
pub use self::verify::{Fault, FaultKind, Verified};
