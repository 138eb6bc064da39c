//! Starting `git`: for the network, which gix cannot push over, and for what gix does not know.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use time::OffsetDateTime;

use crate::error::StoreError;
use crate::refs;

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

/// The oldest git whose options are those that this crate uses: `rev-list --disk-usage` came with it.
pub const OLDEST: (u32, u32) = (2, 31);

/// How git ends when it does not know an option (git's `usage_with_options`).
const USAGE: i32 = 129;

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
    "fetch.writeCommitGraph=false",
    "submodule.recurse=false",
    // Remote helpers run programs that a URL names: only git's own transports, unless the user allows one.
    "protocol.allow=never",
    "protocol.file.allow=always",
    "protocol.git.allow=always",
    "protocol.http.allow=always",
    "protocol.https.allow=always",
    "protocol.ssh.allow=always",
    "protocol.ext.allow=never",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=30",
];

/// Set by git for the hooks and aliases it runs; they would redirect our calls to somewhere else.
const INHERITED: &[&str] = &[
    "GIT_DIR",
    "GIT_COMMON_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_QUARANTINE_PATH",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    // Would open a window and wait for a person; `GIT_ASKPASS` is left alone, since it is how a job is given a token.
    "SSH_ASKPASS",
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

    /// Makes calls that commit in the name of whoever notes are committed by.
    pub(crate) fn as_committer(repo: &gix::Repository, now: OffsetDateTime) -> Self {
        let who = refs::signature(repo, now);
        let mut options = vec![];
        for (role, value) in [("name", &who.name), ("email", &who.email)] {
            options.push(format!("user.{role}={value}"));
        }
        Self { options, ..Self::local(repo) }
    }

    /// Makes calls that commit what is in the work tree.
    pub(crate) fn as_committer_in_worktree(repo: &gix::Repository, now: OffsetDateTime) -> Self {
        Self { work_tree: repo.workdir().map(absolute), ..Self::as_committer(repo, now) }
    }

    /// Makes every call under a setting more.
    pub(crate) fn under(mut self, setting: &str) -> Self {
        self.options.push(setting.to_owned());
        self
    }

    /// Gives every call so much time.
    pub(crate) fn within(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Makes calls that talk to a remote named `remote`, each ended after `timeout`.
    pub(crate) fn network(repo: &gix::Repository, remote: &str, timeout: Duration) -> Self {
        let mut options =
            vec![format!("remote.{remote}.mirror=false"), format!("remote.{remote}.followRemoteHEAD=never")];
        let config = repo.config_snapshot();
        let chosen = |key: &str| config.string(key).is_some();
        if !chosen("core.sshCommand") && !chosen("gitoxide.ssh.commandWithoutShellFallback") {
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
        self.run_announced(args, &|_| {})
    }

    /// Does the same, and tells the process group of the command while it runs.
    pub(crate) fn run_announced(
        &self,
        args: &[&str],
        group: &dyn Fn(Option<u32>),
    ) -> Result<Vec<u8>, StoreError> {
        let answer = self.ask_announced(args, group)?;
        if answer.status.success() {
            return Ok(answer.stdout);
        }
        if answer.status.code() == Some(USAGE) {
            self.refuse_old()?;
        }
        Err(StoreError::Git {
            command: args.first().copied().unwrap_or_default().to_owned(),
            status: answer.status.to_string(),
            words: words(&answer.stderr),
        })
    }

    /// Refuses a git that does not know what it is asked for.
    fn refuse_old(&self) -> Result<(), StoreError> {
        match self.version()? {
            Some(found) if found < OLDEST => Err(StoreError::OldGit { found, needed: OLDEST }),
            Some(_) | None => Ok(()),
        }
    }

    /// Returns which git this is; `None` where it does not say.
    pub(crate) fn version(&self) -> Result<Option<(u32, u32)>, StoreError> {
        Ok(version(&String::from_utf8_lossy(&self.ask(&["version"])?.stdout)))
    }

    /// Runs a command, whose failure is an answer too.
    ///
    /// # Errors
    ///
    /// [`StoreError::TimedOut`], [`StoreError::Interrupted`]: the command and all that it started are gone then.
    pub(crate) fn ask(&self, args: &[&str]) -> Result<Answer, StoreError> {
        self.ask_announced(args, &|_| {})
    }

    fn ask_announced(&self, args: &[&str], group: &dyn Fn(Option<u32>)) -> Result<Answer, StoreError> {
        // A signal ends this process only after the children, which are not in its group.
        let _handler = gix::interrupt::init_handler_default(1).map(|handler| handler.auto_deregister());
        let mut child = self.command(args).spawn().map_err(StoreError::NoGit)?;
        let stdout = Drain::of(child.stdout.take().expect("standard output is piped"), usize::MAX);
        let stderr = Drain::of(child.stderr.take().expect("standard error is piped"), LONGEST_WORDS);
        let command = || args.first().copied().unwrap_or_default().to_owned();
        group(Some(child.id()));
        let waited = wait(&mut child, self.timeout);
        group(None);
        match waited.map_err(StoreError::NoGit)? {
            Waited::Ended(status) => Ok(Answer { status, stdout: stdout.bytes(), stderr: stderr.bytes() }),
            Waited::TimedOut => Err(StoreError::TimedOut { command: command(), after: self.timeout }),
            Waited::Interrupted => Err(StoreError::Interrupted { command: command() }),
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

fn version(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said.trim().strip_prefix("git version ")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
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

/// What a remote says beyond this is read and thrown away.
const LONGEST_WORDS: usize = 1 << 16;

/// A pipe that a thread reads, so that the child never waits for us.
struct Drain {
    bytes: Arc<Mutex<Vec<u8>>>,
    ended: mpsc::Receiver<()>,
}

impl Drain {
    /// Reads to the end of a pipe and keeps the first `most` bytes.
    fn of(mut pipe: impl Read + Send + 'static, most: usize) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let (end, ended) = mpsc::channel::<()>();
        let kept = Arc::clone(&bytes);
        thread::spawn(move || {
            let _end = end;
            let mut chunk = [0; 1 << 14];
            // A pipe that breaks ends the output; the exit status tells the rest.
            while let Ok(read @ 1..) = pipe.read(&mut chunk) {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let room = most.saturating_sub(kept.len()).min(read);
                kept.extend_from_slice(&chunk[..room]);
            }
        });
        Self { bytes, ended }
    }

    /// Returns what a child that has ended wrote.
    fn bytes(self) -> Vec<u8> {
        // A connection that ssh keeps for later calls holds the pipe open long after git has ended.
        let _ = self.ended.recv_timeout(Duration::from_secs(1));
        std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// How waiting for a child ended.
enum Waited {
    Ended(ExitStatus),
    TimedOut,
    Interrupted,
}

/// Git removes its lock files on this signal; whatever has not ended after that long is killed.
const GRACE: Duration = Duration::from_secs(2);

/// Waits for a child; after the time-out, or when this process is told to end, its whole process group is ended.
fn wait(child: &mut Child, timeout: Duration) -> std::io::Result<Waited> {
    if let Some(status) = ended_within(child, timeout)? {
        return Ok(Waited::Ended(status));
    }
    let ended = if gix::interrupt::is_triggered() { Waited::Interrupted } else { Waited::TimedOut };
    signal(child, rustix::process::Signal::TERM);
    let deadline = Instant::now() + GRACE;
    // A child of git's removes its own lock files too, and may take longer than git.
    while (child.try_wait()?.is_none() || group_lives(child)) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(10));
    }
    // The transport helper is a child of git's: ending git alone may leave it behind.
    signal(child, rustix::process::Signal::KILL);
    child.wait()?;
    Ok(ended)
}

/// Waits for a child; `None` after the time-out, or when this process is told to end.
fn ended_within(child: &mut Child, timeout: Duration) -> std::io::Result<Option<ExitStatus>> {
    let deadline = Instant::now() + timeout;
    let mut pause = Duration::from_micros(200);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline || gix::interrupt::is_triggered() {
            return Ok(None);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}

fn group_lives(child: &Child) -> bool {
    let group = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    group.is_some_and(|group| rustix::process::test_kill_process_group(group).is_ok())
}

/// Sends a signal to the whole process group of a child.
fn signal(child: &Child, signal: rustix::process::Signal) {
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // None of the group may be left: that is what was wanted.
        let _ = rustix::process::kill_process_group(group, signal);
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

    #[test]
    fn versions_are_read_as_git_and_its_packagers_write_them() {
        for (said, read) in [
            ("git version 2.47.3\n", Some((2, 47))),
            ("git version 2.39.5 (Apple Git-154)\n", Some((2, 39))),
            ("git version 2.52.0.windows.1", Some((2, 52))),
            ("git version 3.0.rc1", Some((3, 0))),
            ("gut", None),
        ] {
            assert_eq!(version(said), read, "{said}");
        }
    }
}
