//! Starting `git`: for the network, which gix cannot push over, and for what gix does not know.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::StoreError;

/// How one call of `git` is made.
#[derive(Clone, Debug)]
pub(crate) struct Git {
    git_dir: PathBuf,
    work_tree: Option<PathBuf>,
    options: Vec<String>,
    timeout: Duration,
}

/// What a call printed, whether it succeeded or not.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

/// Local work that takes longer than this hangs.
const LOCAL: Duration = Duration::from_secs(60);

/// Keeps the user's settings from changing what a call does, and the repository's from running code.
const SETTINGS: &[&str] = &[
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "push.followTags=false",
    "push.gpgSign=false",
    "fetch.prune=false",
    "submodule.recurse=false",
    "protocol.ext.allow=never",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=30",
];

/// Set by git for the hooks and aliases it runs; they would redirect our calls to somewhere else.
const INHERITED: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_QUARANTINE_PATH",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
];

impl Git {
    /// Makes calls that need no work tree.
    pub(crate) fn local(repo: &gix::Repository) -> Self {
        let git_dir = absolute(repo.git_dir());
        Self { git_dir, work_tree: None, options: vec![], timeout: LOCAL }
    }

    /// Makes calls that look at the work tree.
    pub(crate) fn in_worktree(repo: &gix::Repository) -> Self {
        Self { work_tree: repo.workdir().map(absolute), ..Self::local(repo) }
    }

    /// Makes calls that talk to a remote named `remote`, each ended after `timeout`.
    pub(crate) fn network(repo: &gix::Repository, remote: &str, timeout: Duration) -> Self {
        let mut options = vec![format!("remote.{remote}.mirror=false")];
        if repo.config_snapshot().string("core.sshCommand").is_none() {
            // Without this ssh asks for pass phrases on the terminal behind our back.
            options.push("core.sshCommand=ssh -oBatchMode=yes".into());
        }
        Self { options, timeout, ..Self::local(repo) }
    }

    /// Runs a command and returns what it printed.
    ///
    /// # Errors
    ///
    /// [`StoreError::Git`] where it fails.
    pub(crate) fn run(&self, args: &[&str]) -> Result<Vec<u8>, StoreError> {
        let answer = self.ask(args)?;
        if answer.status.success() {
            return Ok(answer.stdout);
        }
        Err(StoreError::Git {
            command: args.first().copied().unwrap_or_default().to_owned(),
            status: answer.status.to_string(),
            words: words(&answer.stderr),
        })
    }

    /// Runs a command, whose failure is an answer too.
    pub(crate) fn ask(&self, args: &[&str]) -> Result<Answer, StoreError> {
        let mut child = self.command(args).spawn().map_err(StoreError::NoGit)?;
        let stdout = drain(child.stdout.take().expect("standard output is piped"));
        let stderr = drain(child.stderr.take().expect("standard error is piped"));
        match wait(&mut child, self.timeout).map_err(StoreError::NoGit)? {
            Some(status) => {
                let read = |handle: thread::JoinHandle<Vec<u8>>| handle.join().unwrap_or_default();
                Ok(Answer { status, stdout: read(stdout), stderr: read(stderr) })
            }
            None => Err(StoreError::TimedOut {
                command: args.first().copied().unwrap_or_default().to_owned(),
                after: self.timeout,
            }),
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        INHERITED.iter().for_each(|name| {
            command.env_remove(name);
        });
        command.arg("--git-dir").arg(&self.git_dir);
        if let Some(work_tree) = &self.work_tree {
            command.arg("--work-tree").arg(work_tree).current_dir(work_tree);
        }
        for setting in SETTINGS.iter().copied().chain(self.options.iter().map(String::as_str)) {
            command.args(["-c", setting]);
        }
        command
            .args(args)
            .envs([
                ("LC_ALL", "C"),
                ("GIT_TERMINAL_PROMPT", "0"),
                ("GIT_ASKPASS", "true"),
                ("SSH_ASKPASS", "true"),
                ("GCM_INTERACTIVE", "never"),
                ("GIT_NO_REPLACE_OBJECTS", "1"),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        command
    }
}

/// Makes what a remote or git said fit to show: one line, no control characters, no passwords, not endless.
pub(crate) fn words(bytes: &[u8]) -> String {
    const LONGEST: usize = 400;
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let shown: String = lines.join("; ").chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    let shown = without_passwords(&shown);
    match shown.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &shown[..end]),
        None => shown,
    }
}

/// Replaces `user:password@` in URLs.
fn without_passwords(text: &str) -> String {
    let mut parts = text.split("://");
    let mut clean = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let host_ends = part.find(['/', ' ', '\'', '"']).unwrap_or(part.len());
        let from = part[..host_ends].rfind('@').map_or(0, |at| at + 1);
        clean.push_str(if from > 0 { "://***@" } else { "://" });
        clean.push_str(&part[from..]);
    }
    clean
}

fn absolute(path: &std::path::Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn drain(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // A pipe that breaks ends the output; the exit status tells the rest.
        let _ = pipe.read_to_end(&mut bytes);
        bytes
    })
}

/// Waits for a child; after the time-out its whole process group is killed and the answer is `None`.
fn wait(child: &mut Child, timeout: Duration) -> std::io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + timeout;
    let mut pause = Duration::from_micros(200);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            // The transport helper is a child of git's: killing git alone would leave it behind.
            if let Ok(group) = i32::try_from(child.id())
                && let Some(group) = rustix::process::Pid::from_raw(group)
            {
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_says_is_one_safe_line_without_passwords() {
        for (said, shown) in [
            ("fatal: no\n\n  hint: yes\n", "fatal: no; hint: yes"),
            ("\x1b[31mred\x07", "?[31mred?"),
            (
                "fatal: unable to access 'https://me:secret@host/x.git'",
                "fatal: unable to access 'https://***@host/x.git'",
            ),
            ("see https://host/a@b", "see https://host/a@b"),
        ] {
            assert_eq!(words(said.as_bytes()), shown);
        }
        assert!(words(&[b'x'; 10_000]).len() < 500);
    }
}
