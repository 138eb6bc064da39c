use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use perf_collect::{CommandError, ReadError};
use perf_render::escape::message;
use perf_store::{LineError, StoreError};

/// Why a command could not do its work: what, because of what, and what to do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    causes: Vec<String>,
    hint: Option<String>,
    blame: Blame,
}

/// Who is to blame for a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blame {
    /// The caller, the configuration or the machine.
    Caller,
    /// A suite: the commit that was measured.
    Suite,
    /// A suite of the commit that others are measured against.
    SuiteOfBase,
}

/// The exit status of every failure.
pub(crate) const STATUS: u8 = 2;

pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), causes: vec![], hint: None, blame: Blame::Caller }
    }

    /// Adds what to do: text with a command in it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds an error and everything behind it as causes.
    pub(crate) fn because(mut self, error: &dyn Error) -> Self {
        let mut next = Some(error);
        while let Some(error) = next {
            let cause = error.to_string();
            // Wrappers like to repeat what they wrap.
            if self.causes.last() != Some(&cause) && !cause.is_empty() {
                self.causes.push(cause);
            }
            next = error.source();
        }
        self
    }

    /// Prints the failure and returns the exit status of failures.
    pub(crate) fn report(&self) -> ExitCode {
        self.print();
        ExitCode::from(STATUS)
    }

    /// Prints the failure.
    pub(crate) fn print(&self) {
        let (red, reset) = (Style::new().fg_color(Some(AnsiColor::Red.into())).bold(), anstyle::Reset);
        let mut stderr = anstream::stderr().lock();
        // Nobody is left to tell when standard error is gone.
        let _ = writeln!(stderr, "{red}error{reset}: {}", message(&self.message));
        for cause in &self.causes {
            let _ = writeln!(stderr, "  caused by: {}", message(cause));
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(stderr, "hint: {}", message(hint));
        }
    }

    /// Returns whether a suite did not build, run or write what it should.
    pub(crate) fn is_of_a_suite(&self) -> bool {
        self.blame != Blame::Caller
    }

    /// Returns whether it did so at the commit that others are measured against.
    pub(crate) fn is_of_the_base(&self) -> bool {
        self.blame == Blame::SuiteOfBase
    }

    /// Says that a suite is to blame.
    pub(crate) fn of_a_suite(self) -> Self {
        Self { blame: Blame::Suite, ..self }
    }

    /// Says that it happened at the commit that others are measured against.
    pub(crate) fn of_the_base(self) -> Self {
        let blame = if self.blame == Blame::Suite { Blame::SuiteOfBase } else { self.blame };
        Self { message: format!("the base: {}", self.message), blame, ..self }
    }

    /// Says that it came after something else had gone well.
    pub(crate) fn after(self, what: &str) -> Self {
        Self { message: format!("after {what}: {}", self.message), ..self }
    }

    /// Returns the failure with its causes in one line.
    pub(crate) fn in_one_line(&self) -> String {
        let parts: Vec<&str> = [&self.message].into_iter().chain(&self.causes).map(String::as_str).collect();
        parts.join(": ")
    }

    fn of(error: &dyn Error) -> Self {
        let failure = Self::new(error.to_string());
        match error.source() {
            Some(source) => failure.because(source),
            None => failure,
        }
    }
}

/// Writes an error and everything behind it in one line.
pub(crate) fn in_one_line(error: StoreError) -> String {
    let failure = Failure::from(error);
    let hint = failure.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    format!("{}{hint}", failure.in_one_line())
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let failure = Self::of(&error);
        match hint_for(&error) {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

fn hint_for(error: &StoreError) -> Option<String> {
    Some(match error {
        StoreError::NotARepository { .. } => "`git init` makes one; `perf -C DIR ...` looks elsewhere".into(),
        // The cause says all.
        StoreError::Unusable { .. } if error.is_of_system() => return None,
        StoreError::Unusable { dir, .. } => format!(
            "if it belongs to another user: `git config --global --add safe.directory {}`",
            dir.display()
        ),
        StoreError::UnsupportedExtension { name, .. } if name == "refstorage" => {
            "`git refs migrate --ref-format=files` converts the repository".into()
        }
        StoreError::UnbornHead => "`git commit` first: baselines belong to commits".into(),
        StoreError::NoSuchRevision { .. } => {
            "`git log --oneline --all` lists commits; in a shallow clone `git fetch --unshallow` brings the rest".into()
        }
        StoreError::NoBaseBranch { .. } => {
            "`git fetch origin main:refs/remotes/origin/main`, or `base-branch = \"...\"` in perf.toml".into()
        }
        StoreError::Remote(_) => "`git remote -v` lists the remotes; `git remote add origin URL` adds one".into(),
        StoreError::Contended(_) => "run the command again".into(),
        StoreError::Locked { path, .. } => {
            format!("if no git process is running, one was killed: `rm {}`", path.display())
        }
        StoreError::NotNotes { name } => {
            format!("`git update-ref -d {name}` removes it, if nobody needs what it points to")
        }
        StoreError::NothingToRebaseline { .. } => {
            "what others have is not changed: `perf collect --rebaseline REASON` records one more run that says so".into()
        }
        StoreError::PushRejected { .. } => {
            "`perf doctor` checks whether the remote takes notes; `perf store push` tries again".into()
        }
        StoreError::Git { command, .. } if matches!(command.as_str(), "fetch" | "push") => {
            "the runs are still here; `git ls-remote` shows whether the remote answers".into()
        }
        StoreError::OldGit { .. } => "the runs are still here; `perf doctor` says what else is in the way".into(),
        StoreError::Interrupted { .. } => "the runs are still here; run the command again".into(),
        StoreError::NothingToRetract { commit } => {
            format!("`perf store show {commit}` shows what is stored, and what was retracted already")
        }
        StoreError::Shallow => "`git fetch --unshallow` brings the rest".into(),
        StoreError::Busy { path, .. } if path.file_stem().is_some_and(|name| name == "measure") => {
            "another session measures in this repository; run the command again when it has ended".into()
        }
        StoreError::Busy { .. } => "another `perf` is pushing or pulling here; run the command again".into(),
        StoreError::TimedOut { .. } => "`--timeout SECONDS` gives it longer".into(),
        StoreError::Git { .. }
        | StoreError::UnsupportedExtension { .. }
        | StoreError::NotACommit { .. }
        | StoreError::BadRefName(_)
        | StoreError::TooManyNotes(_)
        | StoreError::FileTooLarge { .. }
        | StoreError::NoFile { .. }
        | StoreError::NoteTooLarge { .. }
        | StoreError::TooManyLines { .. }
        | StoreError::File { .. }
        | StoreError::Line(_)
        | StoreError::NoGit(_)
        | StoreError::Repository { .. } => return None,
    })
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        let failure = Self::of(&error);
        let failure = match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        };
        failure.of_a_suite()
    }
}

impl From<CommandError> for Failure {
    fn from(error: CommandError) -> Self {
        Self::of(&error).of_a_suite()
    }
}

impl From<LineError> for Failure {
    fn from(error: LineError) -> Self {
        Self::of(&error)
    }
}
