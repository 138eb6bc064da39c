//! What machine this is, and what it is doing.
//!
//! The one place that reads environment variables. It reads files and asks two programs (`rustc`, and `sysctl`
//! on macOS), never fails and never panics: a fact that cannot be read is left out.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use perf_model::{Environment, Facts};

/// Facts that differ from one minute, or one job, to the next on one machine. They must never be identity.
pub const VOLATILE: &[&str] = &["ci-url", "cpu-mhz", "hostname", "load"];

/// Returns what is known of this machine.
///
/// | identity | from |
/// |---|---|
/// | `os`, `arch` | the target this was built for |
/// | `cpu` | `/proc/cpuinfo`: `model name`, else implementer and part; macOS: `machdep.cpu.brand_string` |
/// | `cores` | logical ones: `/proc/cpuinfo`, else those that this process may use |
/// | `runner` | `PERF_RUNNER`; GitHub: `ImageOS`, `RUNNER_ARCH`, `RUNNER_ENVIRONMENT`; GitLab: `CI_RUNNER_TAGS` |
///
/// | context | from |
/// |---|---|
/// | `kernel`, `hostname` | `/proc/sys/kernel` |
/// | `memory` | `MemTotal` of `/proc/meminfo`, in MiB |
/// | `governor` | `cpu0/cpufreq/scaling_governor` below `/sys/devices/system/cpu` |
/// | `turbo` | there: `cpufreq/boost`, or `intel_pstate/no_turbo`; `on` or `off` |
/// | `smt` | there: `smt/active`, whether cores are shared by two threads; `on` or `off` |
/// | `load` | the 1-minute average of `/proc/loadavg` |
/// | `cpu-mhz` | the first core of `/proc/cpuinfo` |
/// | `available-cores` | cores that this process may use, where they are fewer than `cores` |
/// | `ci-url` | GitHub: `GITHUB_SERVER_URL`, `GITHUB_REPOSITORY`, `GITHUB_RUN_ID`; GitLab: `CI_JOB_URL` |
pub fn probe() -> Environment {
    let cpuinfo = file("/proc/cpuinfo").unwrap_or_default();
    let available = thread::available_parallelism().map_or(0, usize::from);
    let cores = Some(processors(&cpuinfo)).filter(|cores| *cores > 0).unwrap_or(available);
    let count = |cores: usize| (cores > 0).then(|| cores.to_string());
    let identity = [
        ("os", Some(env::consts::OS.to_owned())),
        ("arch", Some(env::consts::ARCH.to_owned())),
        ("cpu", cpu(&cpuinfo).or_else(brand)),
        ("cores", count(cores)),
        ("runner", runner(&variable)),
    ];
    let context = [
        ("kernel", file("/proc/sys/kernel/osrelease")),
        ("hostname", file("/proc/sys/kernel/hostname")),
        ("memory", file("/proc/meminfo").as_deref().and_then(memory)),
        ("governor", file(&format!("{CPUS}/cpu0/cpufreq/scaling_governor"))),
        ("turbo", turbo(Path::new(CPUS))),
        ("smt", switch(&Path::new(CPUS).join("smt/active"), "1")),
        ("load", file("/proc/loadavg").as_deref().and_then(load)),
        ("cpu-mhz", field(&cpuinfo, "cpu MHz")),
        ("available-cores", count(available).filter(|_| available != cores)),
        ("ci-url", ci_url(&variable)),
    ];
    Environment { identity: known(identity), context: known(context) }
}

/// Where Linux tells of its processors.
const CPUS: &str = "/sys/devices/system/cpu";

/// Returns whether the clock may rise above its usual rate; `None` where nothing tells.
fn turbo(cpus: &Path) -> Option<String> {
    let boost = || switch(&cpus.join("cpufreq/boost"), "1");
    boost().or_else(|| switch(&cpus.join("intel_pstate/no_turbo"), "0"))
}

/// Returns whether a file holds what means `on`; `None` where it holds no digit, or is not there.
fn switch(path: &Path, on: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    match text.trim() {
        value if value == on => Some("on".to_owned()),
        "0" | "1" => Some("off".to_owned()),
        _ => None,
    }
}

/// Returns what the results of a Rust harness depend on, for the project in `dir`.
///
/// `rustc` is the release that `$RUSTC --version` (else `rustc --version`) prints there, with the commit and
/// date where it is no stable release; `rustflags` comes from `CARGO_ENCODED_RUSTFLAGS`, else `RUSTFLAGS`, and
/// is left out where they are empty (flags in cargo's configuration files are not seen); `profile` is
/// `bench`, the one that `cargo bench` builds with.
pub fn rust_facts(dir: &Path) -> Facts {
    let rustc = variable("RUSTC").unwrap_or_else(|| "rustc".to_owned());
    known([
        (
            "rustc",
            printed(Command::new(rustc).arg("--version").current_dir(dir)).as_deref().and_then(release),
        ),
        ("rustflags", rustflags(&variable)),
        ("profile", Some("bench".to_owned())),
    ])
}

fn known<const N: usize>(facts: [(&str, Option<String>); N]) -> Facts {
    let tidy = |value: &str| value.split_whitespace().collect::<Vec<_>>().join(" ");
    let facts = facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), tidy(&value?))));
    facts.filter(|(_, value)| !value.is_empty()).collect()
}

fn file(path: &str) -> Option<String> {
    fs::read_to_string(path).ok()
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

fn printed(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn brand() -> Option<String> {
    if !cfg!(target_os = "macos") {
        return None;
    }
    printed(Command::new("sysctl").args(["-n", "machdep.cpu.brand_string"]))
}

/// Returns the value of the first line `key : value` of a file in `/proc`.
fn field(text: &str, key: &str) -> Option<String> {
    values(text, key).next().map(str::to_owned)
}

fn values<'a>(text: &'a str, key: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines().filter_map(move |line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == key).then_some(value.trim())
    })
}

fn processors(cpuinfo: &str) -> usize {
    values(cpuinfo, "processor").count()
}

/// Returns the model; where a kernel tells none (aarch64), every implementer and part that the cores have.
fn cpu(cpuinfo: &str) -> Option<String> {
    let named = ["model name", "Model", "cpu model", "cpu", "uarch"];
    if let Some(name) = named.into_iter().find_map(|key| field(cpuinfo, key)) {
        return Some(name);
    }
    let implementer = field(cpuinfo, "CPU implementer")?;
    let parts: BTreeSet<_> = values(cpuinfo, "CPU part").collect();
    let parts: Vec<_> = parts.into_iter().collect();
    Some(format!("implementer {implementer} part {}", parts.join(" ")))
}

fn memory(meminfo: &str) -> Option<String> {
    let total = field(meminfo, "MemTotal")?;
    let kibibytes: u64 = total.strip_suffix("kB")?.trim().parse().ok()?;
    Some(format!("{} MiB", kibibytes / 1024))
}

fn load(loadavg: &str) -> Option<String> {
    loadavg.split_whitespace().next().map(str::to_owned)
}

/// Returns the label of the runner. Names that a job or a pool's single machine has are left out: with them
/// no two runs would ever share an environment.
fn runner(variable: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let github = || {
        variable("GITHUB_ACTIONS")?;
        let labels: Vec<_> =
            ["ImageOS", "RUNNER_ARCH", "RUNNER_ENVIRONMENT"].into_iter().filter_map(variable).collect();
        Some(labels.join(" "))
    };
    let gitlab = || variable("GITLAB_CI").and_then(|_| variable("CI_RUNNER_TAGS"));
    variable("PERF_RUNNER").or_else(github).or_else(gitlab)
}

fn ci_url(variable: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let github = || {
        let (server, repository) = (variable("GITHUB_SERVER_URL")?, variable("GITHUB_REPOSITORY")?);
        Some(format!("{server}/{repository}/actions/runs/{}", variable("GITHUB_RUN_ID")?))
    };
    github().or_else(|| variable("CI_JOB_URL"))
}

/// Returns the flags as cargo takes them: the encoded ones, divided by 0x1f, hide the plain ones.
fn rustflags(variable: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let encoded = variable("CARGO_ENCODED_RUSTFLAGS").map(|flags| flags.replace('\u{1f}', " "));
    encoded.or_else(|| variable("RUSTFLAGS"))
}

/// Returns `1.95.0` of `rustc 1.95.0 (59807616e 2026-04-14)`, and all but the first word where the release has
/// a channel: two nightlies of one version differ.
fn release(version: &str) -> Option<String> {
    let rest = version.lines().next()?.strip_prefix("rustc ")?.trim();
    let release = rest.split_whitespace().next()?;
    Some(if release.contains('-') { rest } else { release }.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_cpu_of_both_architectures() {
        let x86 = "processor\t: 0\nmodel name\t: AMD  EPYC 7763\ncpu MHz\t: 2445.4\n\n\
                   processor\t: 1\nmodel name\t: AMD EPYC 7763\n";
        let arm = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd4f\n\n\
                   processor\t: 1\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n";
        for (text, name, cores) in [
            (x86, Some("AMD  EPYC 7763"), 2),
            (arm, Some("implementer 0x41 part 0xd0c 0xd4f"), 2),
            ("", None, 0),
            ("model name", None, 0),
        ] {
            assert_eq!((cpu(text).as_deref(), processors(text)), (name, cores), "{text}");
        }
        assert_eq!(field(x86, "cpu MHz").as_deref(), Some("2445.4"));
    }

    #[test]
    fn facts_are_tidy_and_never_blank() {
        let facts = known([("a", Some(" x \t y\n".into())), ("b", Some(" ".into())), ("c", None)]);
        assert_eq!(facts, Facts::from([("a".into(), "x y".into())]));
    }

    #[test]
    fn tells_switches_of_the_processors_and_nothing_where_there_are_none() {
        for (files, turbo_is, smt_is) in [
            (&[][..], None, None),
            (&[("cpufreq/boost", "1\n"), ("smt/active", "0\n")], Some("on"), Some("off")),
            (&[("intel_pstate/no_turbo", "1\n"), ("smt/active", "1\n")], Some("off"), Some("on")),
            (&[("intel_pstate/no_turbo", "0\n"), ("smt/active", "perhaps")], Some("on"), None),
        ] {
            let dir = tempfile::tempdir().unwrap();
            for (name, text) in files {
                let path = dir.path().join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            let smt = switch(&dir.path().join("smt/active"), "1");
            assert_eq!((turbo(dir.path()).as_deref(), smt.as_deref()), (turbo_is, smt_is), "{files:?}");
        }
    }

    #[test]
    fn reads_memory_and_load() {
        assert_eq!(memory("MemFree: 1 kB\nMemTotal:       16384000 kB\n").as_deref(), Some("16000 MiB"));
        assert_eq!(memory("MemTotal: many"), None);
        assert_eq!(load("0.52 0.58 0.59 1/600 1234\n").as_deref(), Some("0.52"));
        assert_eq!(load(""), None);
    }

    #[test]
    fn a_runner_has_the_label_that_its_machines_share() {
        let github = [("GITHUB_ACTIONS", "true"), ("ImageOS", "ubuntu24"), ("RUNNER_ARCH", "X64")];
        let gitlab = [("GITLAB_CI", "true"), ("CI_RUNNER_TAGS", "[\"amd64\"]"), ("CI_JOB_ID", "7")];
        let own = [("PERF_RUNNER", "rack 3"), ("GITHUB_ACTIONS", "true"), ("ImageOS", "ubuntu24")];
        for (variables, expected) in [
            (&github[..], Some("ubuntu24 X64")),
            (&gitlab, Some("[\"amd64\"]")),
            (&own, Some("rack 3")),
            (&[("ImageOS", "ubuntu24")], None),
        ] {
            let found = runner(&|name| lookup(variables, name));
            assert_eq!(found.as_deref(), expected, "{variables:?}");
        }
    }

    #[test]
    fn links_to_the_job() {
        let github =
            [("GITHUB_SERVER_URL", "https://h"), ("GITHUB_REPOSITORY", "o/r"), ("GITHUB_RUN_ID", "7")];
        for (variables, expected) in [
            (&github[..], Some("https://h/o/r/actions/runs/7")),
            (&[("CI_JOB_URL", "https://g/1")], Some("https://g/1")),
            (&github[..2], None),
        ] {
            assert_eq!(ci_url(&|name| lookup(variables, name)).as_deref(), expected, "{variables:?}");
        }
    }

    #[test]
    fn encoded_flags_hide_plain_ones() {
        let both = [("CARGO_ENCODED_RUSTFLAGS", "-C\u{1f}opt-level=1"), ("RUSTFLAGS", "-O")];
        for (variables, expected) in
            [(&both[..], Some("-C opt-level=1")), (&both[1..], Some("-O")), (&both[..0], None)]
        {
            assert_eq!(rustflags(&|name| lookup(variables, name)).as_deref(), expected, "{variables:?}");
        }
    }

    #[test]
    fn a_stable_release_is_its_number_and_a_nightly_its_day() {
        for (version, expected) in [
            ("rustc 1.95.0 (59807616e 2026-04-14)\n", Some("1.95.0")),
            ("rustc 1.97.0-nightly (0123abc 2026-05-01)", Some("1.97.0-nightly (0123abc 2026-05-01)")),
            ("rustc", None),
            ("", None),
        ] {
            assert_eq!(release(version).as_deref(), expected, "{version}");
        }
    }

    #[test]
    fn this_machine_has_an_identity_without_volatile_facts() {
        let environment = probe();
        for name in ["os", "arch", "cores"] {
            assert!(environment.identity.contains_key(name), "{name}: {environment:?}");
        }
        assert!(VOLATILE.iter().all(|name| !environment.identity.contains_key(*name)), "{environment:?}");
        assert_eq!(probe().identity, environment.identity);
    }

    fn lookup(variables: &[(&str, &str)], name: &str) -> Option<String> {
        variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }
}
