//! Signed notes: making them, and leaving out lines that nobody on the list of signers brought in.
//!
//! Signing and checking are git's: with OpenPGP, X.509 or ssh keys, whatever the user has set up.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::rc::Rc;

use gix::ObjectId;
use gix::bstr::ByteSlice;
use perf_model::Fingerprint;

use crate::durable;
use crate::error::{Doing, StoreError};
use crate::git::Git;
use crate::lines::Lines;
use crate::notes::Tip;
use crate::refs;
use crate::repository::Store;

/// Lines that no allowed signer brought in, by the commit that they are about.
pub(crate) type Untrusted = BTreeMap<ObjectId, Lines>;

/// What was found out about each environment at its present tip.
pub(crate) type Trust = BTreeMap<Fingerprint, (Option<ObjectId>, Rc<Untrusted>)>;

/// So many commits are given to one call of git.
const BATCH: usize = 200;

impl Store {
    /// Uses only lines that came with a commit signed by somebody whom git trusts, and the own of this clone.
    ///
    /// Git's setting `perf.requireSigned` does the same, and cannot be taken back here.
    #[must_use]
    pub fn requiring_signatures(mut self, required: bool) -> Self {
        self.requires_signatures |= required;
        self
    }

    /// Returns whether lines without an allowed signature are left out.
    pub fn requires_signatures(&self) -> bool {
        self.requires_signatures
    }

    /// Returns the lines of an environment's notes that must not be used.
    pub(crate) fn untrusted(&self, fingerprint: &Fingerprint, tip: Tip) -> Result<Rc<Untrusted>, StoreError> {
        if !self.requires_signatures {
            return Ok(Rc::default());
        }
        if let Some((of, known)) = self.trust.borrow().get(fingerprint)
            && *of == tip.commit
        {
            return Ok(Rc::clone(known));
        }
        let untrusted = Rc::new(self.unsigned_lines(fingerprint, tip)?);
        self.trust.borrow_mut().insert(fingerprint.clone(), (tip.commit, Rc::clone(&untrusted)));
        Ok(untrusted)
    }

    /// Returns the commits of an environment's notes that no allowed signer signed, newest first, and what they are.
    pub(crate) fn unsigned_commits(
        &self,
        fingerprint: &Fingerprint,
        tip: Tip,
    ) -> Result<Vec<(ObjectId, &'static str)>, StoreError> {
        let mut history = self.history_of_notes(tip)?;
        let good = self.signed_well(fingerprint, &history)?;
        history.retain(|id| !good.contains(id));
        let mut unsigned = Vec::new();
        for batch in history.chunks(BATCH) {
            let said = self.ask_git_who_signed(batch)?;
            unsigned.extend(said.into_iter().map(|(id, letter)| (id, flaw(letter))));
        }
        Ok(unsigned)
    }

    fn unsigned_lines(&self, fingerprint: &Fingerprint, tip: Tip) -> Result<Untrusted, StoreError> {
        let history = self.history_of_notes(tip)?;
        let good = self.signed_well(fingerprint, &history)?;
        let mut untrusted = Untrusted::new();
        if history.iter().all(|id| good.contains(id)) {
            return Ok(untrusted);
        }
        let name = refs::notes(fingerprint);
        for id in history.iter().rev() {
            let parent = self.repo.find_commit(*id).doing(|| format!("{id}: cannot be read"))?;
            let parent = parent.parent_ids().next().map(|id| id.detach());
            let (before, after) = (self.tip_of(&name, parent)?, self.tip_of(&name, Some(*id))?);
            for (annotated, lines) in self.added(before, after)? {
                let known = untrusted.entry(annotated).or_default();
                if good.contains(id) { *known = known.without(&lines) } else { known.unite(&lines) }
            }
        }
        untrusted.retain(|_, lines| !lines.is_empty());
        Ok(untrusted)
    }

    /// Lists the commits of a notes ref, newest first.
    pub(crate) fn history_of_notes(&self, tip: Tip) -> Result<Vec<ObjectId>, StoreError> {
        let doing = || "the history of the notes cannot be walked".to_owned();
        let walk = self.repo.rev_walk(tip.commit).all().doing(doing)?;
        walk.map(|info| Ok(info.doing(doing)?.id)).collect()
    }

    /// Returns those of some commits that carry the signature of somebody whom git trusts.
    fn signed_well(
        &self,
        fingerprint: &Fingerprint,
        commits: &[ObjectId],
    ) -> Result<BTreeSet<ObjectId>, StoreError> {
        let (path, key) = (self.own_dir().join("verified").join(fingerprint.as_str()), self.signers());
        let mut good = key.as_ref().map(|key| remembered(&path, key)).unwrap_or_default();
        let unknown: Vec<ObjectId> = commits.iter().filter(|id| !good.contains(*id)).copied().collect();
        for batch in unknown.chunks(BATCH) {
            let said = self.ask_git_who_signed(batch)?.into_iter();
            good.extend(said.filter(|(_, letter)| *letter == GOOD).map(|(id, _)| id));
        }
        if let Some(key) = key.filter(|_| !unknown.is_empty()) {
            let ids: String = good.iter().map(|id| format!("{id}\n")).collect();
            // Without it the same is found out again.
            let _ = durable::write(&path, format!("{key}\n{ids}").as_bytes());
        }
        Ok(good)
    }

    /// Returns what git says of the signature of each of some commits, as one letter.
    fn ask_git_who_signed(&self, commits: &[ObjectId]) -> Result<Vec<(ObjectId, u8)>, StoreError> {
        let ids: Vec<String> = commits.iter().map(ToString::to_string).collect();
        let mut args = vec!["log", "--no-walk=unsorted", "--no-color", "--no-notes", "--no-show-signature"];
        args.push("--format=%H %G?");
        args.extend(ids.iter().map(String::as_str));
        args.push("--");
        let answer = Git::local(&self.repo).run(&args)?;
        let said = answer.lines().filter_map(|line| {
            let (id, letter) = line.rsplit_once_str(" ")?;
            Some((ObjectId::from_hex(id).ok()?, *letter.first()?))
        });
        Ok(said.collect())
    }

    /// Names the list of allowed signers by its content; `None` where git keeps it somewhere else.
    fn signers(&self) -> Option<String> {
        let config = self.repo.config_snapshot();
        let content = |key: &str| {
            let path = config.trusted_path(key).ok()??;
            fs::read(self.repo.workdir().unwrap_or(self.repo.git_dir()).join(path)).ok()
        };
        let allowed = content("gpg.ssh.allowedSignersFile")?;
        let revoked = content("gpg.ssh.revocationFile").unwrap_or_default();
        let is_ssh = config.string("gpg.format").is_some_and(|format| *format == b"ssh"[..]);
        let digest = blake3::hash(&[blake3::hash(&allowed).as_bytes(), &revoked[..]].concat());
        is_ssh.then(|| digest.to_hex().to_string())
    }

    /// Returns whether the user wants commits to be signed.
    pub(crate) fn signs(&self) -> bool {
        self.repo.config_snapshot().boolean("commit.gpgSign") == Some(true)
    }

    /// Makes a signed commit, which only git can.
    pub(crate) fn signed_commit(
        &self,
        tree: ObjectId,
        parent: Option<ObjectId>,
        message: &str,
    ) -> Result<ObjectId, StoreError> {
        let (tree, parent) = (tree.to_string(), parent.map(|id| id.to_string()));
        let mut args = vec!["commit-tree", "-S", "-m", message.trim_end()];
        args.extend(parent.iter().flat_map(|parent| ["-p", parent]));
        args.push(&tree);
        let answer = Git::as_committer(&self.repo, self.now).run(&args)?;
        ObjectId::from_hex(answer.trim_ascii()).doing(|| "git made no commit".into())
    }
}

/// A good signature of somebody trusted (git-log(1), `%G?`).
const GOOD: u8 = b'G';

/// Says in words why a signature, by git's letter for it, is not a good one.
fn flaw(letter: u8) -> &'static str {
    match letter {
        b'N' => "is not signed",
        b'B' => "has a bad signature",
        b'U' => "is not signed by anybody whom git trusts",
        b'X' => "has a signature that has expired",
        b'Y' => "is signed with a key that has expired",
        b'R' => "is signed with a key that was revoked",
        _ => "has a signature that cannot be checked here: its key is not known",
    }
}

/// Reads the commits that were found to be well signed while the list of signers was this one.
fn remembered(path: &std::path::Path, key: &str) -> BTreeSet<ObjectId> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let mut lines = text.lines();
    if lines.next() != Some(key) {
        return BTreeSet::new();
    }
    lines.filter_map(|id| ObjectId::from_hex(id.as_bytes()).ok()).collect()
}
