//! What text and Markdown say of whose limits a comparison was held to.

use perf_compare::{Origin, Outcome, PolicyChange, PolicySource};

use crate::number::counted;
use crate::sink::Sink;

/// How many keys are told apart.
const MOST_CHANGES: usize = 5;

/// Says what the reader would not expect of the policy: that it is not the base's, or not the head's.
pub(crate) fn origin(outcome: &Outcome, sink: Sink) -> Vec<String> {
    let Origin { source, identity, .. } = &outcome.origin;
    let is_new = matches!(source, PolicySource::Base { .. } | PolicySource::Defaults) && !identity.is_empty();
    let identity = is_new.then(|| {
        format!(
            "note: the head's perf.toml tells environments apart by other facts{}",
            listed(identity, source, sink)
        )
    });
    limits(outcome, sink).into_iter().chain(identity).collect()
}

fn limits(outcome: &Outcome, sink: Sink) -> Option<String> {
    let Origin { source, changes, .. } = &outcome.origin;
    let said = match source {
        PolicySource::Base { commit } => format!(
            "warning: judged by the perf.toml of the base {}; that of the head differs and holds once it is merged",
            sink.code(commit.short())
        ),
        PolicySource::Defaults => {
            "warning: the base has no perf.toml: judged by the defaults; that of the head holds once it is merged"
                .to_owned()
        }
        PolicySource::Head => {
            "warning: judged by the perf.toml of the head, as --policy head asks: it may loosen its own limits"
                .to_owned()
        }
        PolicySource::Uncommitted => "note: perf.toml is in no commit: judged by the file here".to_owned(),
        PolicySource::Here => return None,
    };
    let quiet = matches!(source, PolicySource::Base { .. } | PolicySource::Defaults) && changes.is_empty();
    (!quiet).then(|| said + &listed(changes, source, sink))
}

fn listed(changes: &[PolicyChange], source: &PolicySource, sink: Sink) -> String {
    if changes.is_empty() || matches!(source, PolicySource::Uncommitted) {
        return String::new();
    }
    let mut parts: Vec<String> =
        changes.iter().take(MOST_CHANGES).map(|change| described(change, sink)).collect();
    let rest = changes.len().saturating_sub(MOST_CHANGES);
    parts.extend((rest > 0).then(|| format!("{} more keys", counted(rest))));
    format!(" ({})", parts.join("; "))
}

fn described(change: &PolicyChange, sink: Sink) -> String {
    let PolicyChange { key, base, head } = change;
    let key = sink.name(key);
    match (base, head) {
        (Some(base), Some(head)) => format!("{key}: {} -> {}", sink.name(base), sink.name(head)),
        (None, Some(head)) => format!("{key}: new, {}", sink.name(head)),
        (Some(base), None) => format!("{key}: no longer {}", sink.name(base)),
        (None, None) => key,
    }
}
