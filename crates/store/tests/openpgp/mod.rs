//! Who signed for what, where keys are OpenPGP keys: with a real `gpg`, in key rings of these tests' own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use perf_store::{FaultKind, unusable_lines};

use crate::{Sandbox, ids, options, shared};

/// Long before any key that is made now, and within the life of the one that has expired since.
const MADE: &str = "20200101T000000";
const SIGNED: &str = "20200601T000000";

/// A key ring of somebody.
struct Ring {
    home: PathBuf,
}

impl Ring {
    /// `None`, with a message, where there is no gpg.
    #[expect(clippy::print_stderr, reason = "what was skipped must be said")]
    fn of(sandbox: &Sandbox, name: &str) -> Option<Self> {
        if !Command::new("gpg").arg("--version").output().is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: OpenPGP signatures need gpg");
            return None;
        }
        let home = sandbox.path(&format!("{name}.gpg"));
        fs::create_dir(&home).unwrap();
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
        Some(Self { home })
    }

    fn gpg(&self, args: &[&str]) -> Vec<u8> {
        let output = Command::new("gpg")
            .arg("--homedir")
            .arg(&self.home)
            .args(["--batch", "--yes"])
            .args(args)
            .output();
        let output = output.unwrap();
        assert!(output.status.success(), "gpg {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    /// Makes a key and has a clone sign with it, at a moment of its life.
    fn sign(&self, sandbox: &Sandbox, name: &str, (made, life, signed): (&[&str], &str, &[&str])) {
        let address = format!("{name}@example.com");
        let new = ["--passphrase", "", "--quick-generate-key", &address, "ed25519", "sign", life];
        self.gpg(&[made, &new].concat());
        self.serve(sandbox, name, signed);
        for (option, value) in [("commit.gpgSign", "true"), ("user.signingKey", &address)] {
            sandbox.git(name, &["config", option, value]);
        }
    }

    /// Has git in a clone use this key ring.
    fn serve(&self, sandbox: &Sandbox, name: &str, options: &[&str]) {
        let program = self.home.join("gpg-here");
        let script =
            format!("#!/bin/sh\nexec gpg --homedir '{}' {} \"$@\"\n", self.home.display(), options.join(" "));
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        for (option, value) in [("gpg.format", "openpgp"), ("gpg.program", program.to_str().unwrap())] {
            sandbox.git(name, &["config", option, value]);
        }
    }

    fn fingerprint(&self) -> String {
        let listed = String::from_utf8(self.gpg(&["--with-colons", "--list-keys"])).unwrap();
        let line = listed.lines().find_map(|line| line.strip_prefix("fpr:::::::::")).unwrap();
        line.trim_end_matches(':').to_owned()
    }

    /// Takes over the key of another ring, and whether its owner is trusted.
    fn know(&self, other: &Self, trusted: bool) {
        let key = self.home.join("key");
        fs::write(&key, other.gpg(&["--export"])).unwrap();
        self.gpg(&["--import", key.to_str().unwrap()]);
        if trusted {
            fs::write(&key, format!("{}:6:\n", other.fingerprint())).unwrap();
            self.gpg(&["--import-ownertrust", key.to_str().unwrap()]);
        }
    }

    /// Learns that the owner of another ring has revoked the key.
    fn learn_of_revocation(&self, other: &Self) {
        let made = other.home.join("openpgp-revocs.d").join(format!("{}.rev", other.fingerprint()));
        let certificate = self.home.join("revocation");
        // A colon keeps it from being used by mistake.
        let text = fs::read_to_string(made).unwrap().replace(":-----BEGIN", "-----BEGIN");
        fs::write(&certificate, text).unwrap();
        self.gpg(&["--import", certificate.to_str().unwrap()]);
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        let mut end = Command::new("gpgconf");
        end.arg("--homedir").arg(&self.home).args(["--kill", "all"]);
        // What was started for this ring ends with it; without the directory it would end by itself, later.
        let _ = end.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

#[test]
fn only_keys_that_are_known_trusted_and_alive_count_where_that_is_required() {
    let signers = ["friend", "expired", "revoked", "untrusted", "stranger"];
    let sandbox = shared(&[&signers[..], &["anybody", "reader"]].concat());
    let Some(reader) = Ring::of(&sandbox, "reader") else { return };
    reader.serve(&sandbox, "reader", &[]);
    let then = ["--faked-system-time", MADE];
    let later = ["--faked-system-time", SIGNED];
    let mut rings = Vec::new();
    for name in signers {
        let ring = Ring::of(&sandbox, name).expect("gpg was there a moment ago");
        match name {
            "expired" => ring.sign(&sandbox, name, (&then, "1y", &later)),
            _ => ring.sign(&sandbox, name, (&[], "never", &[])),
        }
        if name != "stranger" {
            reader.know(&ring, name != "untrusted");
        }
        rings.push(ring);
    }
    for (name, id) in signers.into_iter().chain(["anybody", "friend"]).zip(1..) {
        let store = sandbox.store(name);
        let recorded = store.record(&sandbox.run(name, "HEAD", id)).unwrap();
        assert!(recorded.unfolded.is_none(), "{name}: {:?}", recorded.unfolded);
        store.push(&options()).unwrap();
    }
    reader.learn_of_revocation(&rings[2]);
    let trusting = || sandbox.store("reader").requiring_signatures(true);
    trusting().pull(&options()).unwrap();
    let commit = trusting().resolve("HEAD").unwrap().lineage.commit;
    assert_eq!(
        ids(&sandbox.store("reader"), &commit),
        ["1", "2", "3", "4", "5", "6", "7"],
        "nothing is required"
    );
    assert_eq!(ids(&trusting(), &commit), ["1", "7"]);
    let unusable = trusting().find(&commit).unwrap().unusable;
    assert_eq!(unusable_lines(&unusable), 5, "all others are counted");
    let faults = trusting().verify().unwrap().faults;
    assert!(faults.iter().all(|fault| fault.kind == FaultKind::Unsigned));
    let said: Vec<&str> = faults.iter().map(|fault| fault.what.splitn(4, ' ').last().unwrap()).collect();
    assert_eq!(
        said,
        [
            "is not signed",
            "has a signature that cannot be checked here: its key is not known",
            "is not signed by anybody whom git trusts",
            "is signed with a key that was revoked",
            "is signed with a key that has expired",
        ],
        "newest first"
    );
    // What was good is not remembered: a key may be revoked at any time.
    reader.learn_of_revocation(&rings[0]);
    assert_eq!(ids(&trusting(), &commit), [""; 0]);
}
