//! The parts that all JSON documents share.

use std::collections::BTreeMap;

use perf_model::{Environment, Facts};
use schemars::JsonSchema;
use serde::Serialize;

use crate::escape;

/// The version of every JSON document; rises when a field goes or changes its meaning, not when one is added.
pub(crate) const VERSION: u32 = 1;

/// Names and their values, in order.
pub(crate) type Named<'a> = &'a BTreeMap<String, String>;

/// The two tiers of facts.
#[derive(Serialize, JsonSchema)]
pub(crate) struct EnvironmentJson<'a> {
    identity: &'a Facts,
    context: &'a Facts,
}

impl<'a> From<&'a Environment> for EnvironmentJson<'a> {
    fn from(environment: &'a Environment) -> Self {
        Self { identity: &environment.identity, context: &environment.context }
    }
}

/// Writes a document as one line. Numbers that are not finite become `null`, as `serde_json` writes them.
pub(crate) fn line(document: &impl Serialize) -> String {
    let line = serde_json::to_string(document).expect("maps have string keys and nothing else can fail");
    escape::json(&line) + "\n"
}
