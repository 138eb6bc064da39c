//! A throw-away repository with its own home, configuration and clock.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

/// Facts that make every machine the same.
pub(crate) const MACHINE: [&str; 8] =
    ["--env", "arch=x86_64", "--env", "cores=4", "--env", "cpu=Test CPU", "--env", "os=linux"];

pub(crate) struct Sandbox {
    dir: tempfile::TempDir,
}

/// How one call of `perf` ended.
pub(crate) struct Ended {
    command: String,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) status: i32,
}

impl Sandbox {
    /// An empty directory.
    pub(crate) fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("home")).unwrap();
        Self { dir }
    }

    /// A repository `repo` with a branch `main` of two commits, checked out.
    pub(crate) fn new() -> Self {
        let sandbox = Self::empty();
        sandbox.git_in(".", &["init", "-q", "-b", "main", "repo"]);
        sandbox.write("repo/code.rs", "fn main() {}\n");
        sandbox.git(&["add", "code.rs"]);
        for subject in ["Begin", "Add a parser"] {
            sandbox.commit(subject);
        }
        sandbox
    }

    /// Makes a bare repository `remote.git` the origin of `repo`, and pushes `main` there.
    pub(crate) fn with_remote(self) -> Self {
        self.git_in(".", &["init", "-q", "--bare", "-b", "main", "remote.git"]);
        self.git(&["remote", "add", "origin", "../remote.git"]);
        self.git(&["push", "-q", "origin", "main"]);
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.git_in("repo", args)
    }

    pub(crate) fn git_in(&self, dir: &str, args: &[&str]) -> String {
        let output = self.command("git", dir).args(args).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs a command in a shell, as whoever pastes it.
    pub(crate) fn shell(&self, command: &str) {
        let output = self.command("sh", "repo").args(["-c", command]).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Writes one more file.
    pub(crate) fn with(self, name: &str, content: &str) -> Self {
        self.write(name, content);
        self
    }

    pub(crate) fn commit(&self, subject: &str) {
        self.git(&["commit", "-q", "--allow-empty", "-m", subject]);
    }

    /// Starts a branch at `main` with one commit of its own.
    pub(crate) fn branch(&self, name: &str) {
        self.git(&["switch", "-q", "-c", name, "main"]);
        self.commit(&format!("Work on {name}"));
    }

    pub(crate) fn perf(&self, args: &[&str]) -> Ended {
        self.perf_in("repo", args)
    }

    pub(crate) fn perf_in(&self, dir: &str, args: &[&str]) -> Ended {
        self.perf_under(&[], dir, args)
    }

    /// Runs `perf` with variables of its environment.
    pub(crate) fn perf_with(&self, variables: &[(&str, &str)], args: &[&str]) -> Ended {
        let set: Vec<String> = variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let wrapper: Vec<&str> = std::iter::once("env").chain(set.iter().map(String::as_str)).collect();
        self.perf_under(&wrapper, "repo", args)
    }

    /// Runs `perf` by way of another program, which gets it and its arguments as its last arguments.
    pub(crate) fn perf_under(&self, wrapper: &[&str], dir: &str, args: &[&str]) -> Ended {
        let mut all = wrapper.to_vec();
        all.push(env!("CARGO_BIN_EXE_perf"));
        all.extend(args);
        let output = self.command(all[0], dir).args(&all[1..]).output().unwrap();
        if all.contains(&"compare") {
            hold_to_schema(&output.stdout);
        }
        self.ended(format!("perf {}", args.join(" ")), output)
    }

    /// Runs one of the project's own scripts, which finds `perf` on its path.
    pub(crate) fn script(&self, name: &str, dir: &str, args: &[&str], variables: &[(&str, &str)]) -> Ended {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts").join(name);
        let tools = Path::new(env!("CARGO_BIN_EXE_perf")).parent().unwrap().to_owned();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(tools).chain(std::env::split_paths(&path))).unwrap();
        let mut command = self.command(&script.to_string_lossy(), dir);
        let output = command.env("PATH", path).envs(variables.iter().copied()).args(args).output().unwrap();
        self.ended(name.to_owned(), output)
    }

    fn ended(&self, command: String, output: Output) -> Ended {
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).expect("perf prints UTF-8");
            text.replace(&*self.dir.path().to_string_lossy(), "/sandbox")
        };
        Ended {
            command,
            stdout: text(output.stdout),
            stderr: text(output.stderr),
            status: output.status.code().expect("nothing was killed by a signal"),
        }
    }

    /// Records output in the tool's own format for HEAD, on the same machine everywhere.
    pub(crate) fn record(&self, json: &str) -> Ended {
        self.write("out.json", json);
        let mut args = vec!["collect", "../out.json", "--time", "2026-01-02"];
        args.extend(MACHINE);
        let ended = self.perf(&args);
        assert_eq!(ended.status, 0, "{}", ended.stderr);
        ended
    }

    /// Records three runs for HEAD, each a thousandth from the next, on the same machine everywhere.
    pub(crate) fn measure(&self, series: &[(&str, f64)]) -> Ended {
        let run = |factor: f64| {
            let levels: Vec<_> = series.iter().map(|(name, level)| (*name, level * factor)).collect();
            self.record(&output(&levels))
        };
        run(0.999);
        run(1.001);
        run(1.0)
    }

    /// Everything that a failing command must leave as it is.
    pub(crate) fn state(&self) -> String {
        let refs = self.git(&["for-each-ref"]);
        let files: Vec<_> = walk(&self.path("repo/.git/perf"));
        format!("{refs}\n{files:?}\n{}", self.git(&["status", "--porcelain"]))
    }

    pub(crate) fn command(&self, program: &str, dir: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path(dir)).env_clear();
        for name in ["PATH", "RUSTUP_HOME", "CARGO_HOME", "LLVM_PROFILE_FILE"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.env("HOME", self.path("home")).env("GIT_CONFIG_NOSYSTEM", "1").env("TZ", "UTC");
        for (name, value) in
            [("NAME", "Tester"), ("EMAIL", "tester@example.com"), ("DATE", "2026-01-01T00:00:00Z")]
        {
            command.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
        }
        command
    }
}

impl Ended {
    /// The whole outcome, as a person at a terminal sees it.
    pub(crate) fn whole(&self) -> String {
        let part = |title: &str, text: &str| {
            if text.is_empty() { String::new() } else { format!("--- {title}\n{text}") }
        };
        format!(
            "$ {}\n{}{}--- status {}\n",
            self.command,
            part("stdout", &self.stdout),
            part("stderr", &self.stderr),
            self.status
        )
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).expect("JSON on standard output")
    }
}

/// Output in the tool's own format: one `time` series in ns for each name, 30 samples around the level.
pub(crate) fn output(series: &[(&str, f64)]) -> String {
    let benchmarks: Vec<_> = series
        .iter()
        .map(|(name, level)| serde_json::json!({"name": name, "unit": "ns", "samples": samples(*level)}))
        .collect();
    serde_json::json!({"benchmarks": benchmarks}).to_string()
}

/// Holds whatever JSON report a comparison prints to the published schema.
fn hold_to_schema(stdout: &[u8]) {
    static REPORT: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
        let schema = include_str!("../docs/schema/perf-report.schema.json");
        jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap()
    });
    let Ok(report) = serde_json::from_slice::<serde_json::Value>(stdout) else { return };
    let errors: Vec<_> =
        REPORT.iter_errors(&report).map(|it| format!("{}: {it}", it.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:?}: {report}");
}

fn samples(level: f64) -> Vec<f64> {
    (0..30).map(|n| level * (1.0 + 0.002 * f64::from(n % 7 - 3))).collect()
}

/// Says that something could not be tested here.
#[expect(clippy::print_stderr, reason = "whoever runs the tests has to know")]
pub(crate) fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}

fn walk(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return vec![] };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}
