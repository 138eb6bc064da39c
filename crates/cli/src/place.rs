//! Where a command works, when, and what machine this is.

use std::path::{Path, PathBuf};
use std::process::Command;

use perf_collect::{Manner, Output};
use perf_model::{Environment, Facts};
use perf_store::Store;
use time::OffsetDateTime;

use crate::config::{Config, EnvironmentConfig, FactConfig, Tier};
use crate::failure::{Failure, Result};
use crate::output;

/// What every command starts from.
#[derive(Debug)]
pub(crate) struct Place {
    /// The directory that the command works in.
    pub(crate) dir: PathBuf,
    /// The same as the user gave it, where one was given.
    pub(crate) given: Option<PathBuf>,
    /// The moment of the call.
    pub(crate) now: OffsetDateTime,
}

impl Place {
    /// Opens the repository here.
    pub(crate) fn store(&self) -> Result<Store> {
        let store = Store::open(&self.dir, self.now)?;
        // A perf.toml that cannot be read is reported by whoever needs it; until then it allows nothing.
        let required =
            Config::load(&self.top(Some(&store))).map_or(true, |config| config.store.require_signed);
        Ok(store.requiring_signatures(required))
    }

    /// Resolves a path that a user wrote against the directory that the command works in; otherwise it stays
    /// as it was written, so that messages show it so.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        self.given.as_ref().map_or_else(|| path.to_owned(), |dir| dir.join(path))
    }

    /// Returns the top of the work tree, or the directory itself where there is none.
    pub(crate) fn top(&self, store: Option<&Store>) -> PathBuf {
        store.and_then(Store::work_dir).map_or_else(|| self.dir.clone(), Path::to_path_buf)
    }
}

/// Describes this machine, for these outputs, under this configuration.
///
/// `harnesses` are the names of formats whose tools ran here, `manner` is how; `set` are facts that the caller fixed.
pub(crate) fn environment(
    config: &EnvironmentConfig,
    top: &Path,
    harnesses: &[&str],
    manner: &Manner,
    set: &[(String, String)],
) -> Result<Environment> {
    let mut environment = perf_collect::probe();
    environment.context.extend(manner.facts());
    let mut harnesses = harnesses.to_vec();
    harnesses.sort_unstable();
    harnesses.dedup();
    if !harnesses.is_empty() {
        environment.identity.insert("harness".into(), harnesses.join(", "));
    }
    if harnesses.iter().any(|harness| RUST_HARNESSES.contains(harness)) {
        environment.identity.extend(perf_collect::rust_facts(top));
        if !environment.identity.contains_key("rustc") {
            output::warn("`rustc --version` gave no answer: the toolchain is not part of this environment");
        }
    }
    for fact in &config.fact {
        let value = value_of(fact, top)?;
        tier(&mut environment, fact.tier).insert(fact.name.clone(), value);
    }
    move_facts(&mut environment, config);
    environment.identity.extend(set.iter().cloned());
    Ok(environment)
}

/// Returns what of a manner the machine allows; says what it does not.
pub(crate) fn allowed(manner: &Manner) -> Manner {
    let (allowed, refused) = manner.allowed();
    refused.iter().for_each(|why| output::warn(why));
    allowed
}

/// Returns the names of the formats that outputs were read from.
pub(crate) fn harnesses(outputs: &[Output]) -> Vec<&str> {
    outputs.iter().flat_map(|output| &output.sources).map(|source| source.format.as_str()).collect()
}

/// Formats whose numbers depend on the Rust toolchain and its flags.
const RUST_HARNESSES: &[&str] =
    &["cargo-criterion", "criterion", "criterion-text", "divan", "gungraun", "iai", "libtest"];

fn tier(environment: &mut Environment, tier: Tier) -> &mut Facts {
    match tier {
        Tier::Identity => &mut environment.identity,
        Tier::Context => &mut environment.context,
    }
}

fn move_facts(environment: &mut Environment, config: &EnvironmentConfig) {
    for name in &config.identity {
        if let Some(value) = environment.context.remove(name) {
            environment.identity.insert(name.clone(), value);
        }
    }
    for name in &config.context {
        if let Some(value) = environment.identity.remove(name) {
            environment.context.insert(name.clone(), value);
        }
    }
}

fn value_of(fact: &FactConfig, top: &Path) -> Result<String> {
    let failed = |what: String| Failure::new(format!("perf.toml: fact `{}`: {what}", fact.name));
    if let Some(file) = &fact.file {
        let path = top.join(file);
        let bytes = std::fs::read(&path)
            .map_err(|error| failed(format!("{} cannot be read", path.display())).because(&error))?;
        return Ok(format!("blake3:{}", blake3::hash(&bytes).to_hex()));
    }
    if let Some(command) = &fact.command {
        let output = Command::new("sh").args(["-c", command]).current_dir(top).output();
        let output = output.map_err(|error| failed(format!("`{command}` cannot be run")).because(&error))?;
        if !output.status.success() {
            return Err(failed(format!("`{command}` ended with {}", output.status)));
        }
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    if let Some(variable) = &fact.variable {
        return std::env::var(variable).map_err(|error| failed(format!("${variable}")).because(&error));
    }
    Ok(fact.value.clone().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_move_between_the_tiers_and_are_added() {
        let config = Config::parse(
            "[environment]\nidentity = [\"kernel\"]\ncontext = [\"cpu\"]\n\
             [[environment.fact]]\nname = \"data\"\nvalue = \"v1\"\n\
             [[environment.fact]]\nname = \"who\"\ntier = \"context\"\ncommand = \"echo me\"\n",
        )
        .unwrap();
        let set = [("os".to_owned(), "templeos".to_owned())];
        let manner = Manner { nice: Some(3), ..Manner::default() };
        let environment =
            environment(&config.environment, Path::new("."), &["criterion"], &manner, &set).unwrap();
        let identity = |name: &str| environment.identity.get(name).map(String::as_str);
        assert_eq!(identity("data"), Some("v1"));
        assert_eq!(identity("os"), Some("templeos"), "what the caller set wins");
        assert_eq!(identity("harness"), Some("criterion"));
        assert!(identity("rustc").is_some() && identity("kernel").is_some() && identity("cpu").is_none());
        assert_eq!(environment.context.get("who").map(String::as_str), Some("me"));
        assert_eq!(environment.context.get("nice").map(String::as_str), Some("3"));
    }
}
