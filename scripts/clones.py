"""What `kill-test` and `fault-test` share: a remote with clones, and what must hold of them whatever has happened."""

import contextlib
import ctypes
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

# System calls that change a file.
CALLS = (
    "write,pwrite64,writev,openat,creat,rename,renameat,renameat2,unlink,unlinkat,link,linkat,mkdir,mkdirat,"
    "fsync,fdatasync,ftruncate,chmod,fchmod,rmdir,syncfs"
)
COMMANDS = {
    "record": ["collect", "../out.json", "--env", "cpu=x", "--env", "cores=4"],
    "push": ["store", "push", "--timeout", "20"],
    "pull": ["store", "pull", "--timeout", "20"],
    "prune": ["store", "prune", "--max-commits", "1", "--keep-first-parents", "0", "--yes"],
    "compact": ["store", "compact"],
    "retract": ["store", "retract", "HEAD~1", "--reason", "a test"],
    "compact-beside": ["store", "compact"],
    "index": ["store", "log", "--benchmark", "parse"],
}


class Place:
    """A remote with baselines of three commits, and a clone with a run that it has not pushed yet."""

    def __init__(self, perf, packed):
        self.perf = perf
        self.dir = tempfile.mkdtemp(prefix="clones-")
        self.template = os.path.join(self.dir, "template")
        os.mkdir(self.template)
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": self.dir,
            "GIT_CONFIG_NOSYSTEM": "1",
            # Fewer files to copy.
            "GIT_TEMPLATE_DIR": "",
            "GIT_AUTHOR_NAME": "Tester",
            "GIT_AUTHOR_EMAIL": "tester@example.com",
            "GIT_COMMITTER_NAME": "Tester",
            "GIT_COMMITTER_EMAIL": "tester@example.com",
        }
        self.make(packed)
        self.left = {}

    def make(self, packed):
        self.at = self.template
        self.git(".", "init", "-q", "-b", "main", "repo")
        for n in range(3):
            self.git("repo", "commit", "-q", "--allow-empty", "-m", f"commit {n}")
        self.git(".", "clone", "-q", "--bare", "repo", "remote.git")
        output = {"benchmarks": [{"name": "parse", "unit": "ns", "samples": [1, 2, 3]}]}
        with open(os.path.join(self.template, "out.json"), "w", encoding="utf-8") as file:
            json.dump(output, file)
        for name in ("clone", "other"):
            # A relative address, so that copies of all this refer to each other.
            self.git(".", "clone", "-q", "remote.git", name)
            self.git(name, "remote", "set-url", "origin", "../remote.git")
        for revision in ("HEAD", "HEAD~1", "HEAD~2"):
            self.run("clone", [*COMMANDS["record"], "--commit", revision])
            self.run("clone", COMMANDS["push"])
        self.run("other", COMMANDS["record"])
        self.run("other", COMMANDS["push"])
        self.run("clone", COMMANDS["record"])
        self.run("other", COMMANDS["record"])
        shutil.rmtree(os.path.join(self.template, "repo"))
        if packed:
            for name in ("clone", "remote.git"):
                self.git(name, "pack-refs", "--all")

    def fresh(self):
        self.at = os.path.join(self.dir, "copy")
        shutil.rmtree(self.at, ignore_errors=True)
        self.copy()

    def copy(self):
        # Much faster than `shutil.copytree`.
        subprocess.run(["cp", "-a", self.template, self.at], check=True)

    def git(self, name, *args):
        command = ["git", *args]
        return subprocess.run(
            command, cwd=os.path.join(self.at, name), env=self.environment, check=True, capture_output=True, text=True
        ).stdout

    def run(self, name, args, wrapper=()):
        command = [*wrapper, self.perf, *args]
        return subprocess.run(
            command,
            cwd=os.path.join(self.at, name),
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def start(self, name, args, after=0):
        return subprocess.Popen(
            ["sh", "-c", 'sleep "$0"; exec "$@"', str(after), self.perf, *args] if after else [self.perf, *args],
            cwd=os.path.join(self.at, name),
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def files(self):
        """Describes all files of the clone, so that a change of any shows."""
        found = set()
        for top, _, files in os.walk(os.path.join(self.at, "clone")):
            found.add(top)
            for file in files:
                with contextlib.suppress(FileNotFoundError):
                    stat = os.stat(os.path.join(top, file))
                    found.add((os.path.join(top, file), stat.st_size, stat.st_mtime_ns))
        return found

    def spared(self, command):
        """Returns the runs that are left where a command is not disturbed."""
        return self.undisturbed(command)[0]

    def answer(self, command):
        """Returns what a command that is not disturbed prints."""
        return self.undisturbed(command)[1]

    def undisturbed(self, command):
        if command not in self.left:
            at, self.at = self.at, os.path.join(self.dir, "undisturbed")
            self.copy()
            answer = self.run("clone", COMMANDS[command]).stdout
            self.left[command] = self.runs("clone"), answer
            shutil.rmtree(self.at)
            self.at = at
        return self.left[command]

    def runs(self, name):
        """Returns the ids of all runs that can be seen in a clone."""
        exported = self.run(name, ["store", "export", "--format", "ndjson"])
        return {json.loads(line)["id"] for line in exported.stdout.splitlines()}


def adopt():
    """Makes this process the parent of those whose own parent was killed, so that it can wait for them.

    `git fsck` lists objects before refs: beside a `git fetch` that still runs it calls what that one adds missing.
    """
    PR_SET_CHILD_SUBREAPER = 36
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        sys.exit("orphans cannot be waited for")


def orphans():
    """Returns the processes that a killed one has left behind, and those that were started here."""
    with open(f"/proc/{os.getpid()}/task/{os.getpid()}/children", encoding="ascii") as children:
        return [int(child) for child in children.read().split()]


def wait_for_orphans():
    try:
        while True:
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass


def check(place, command, before, ended):
    """Returns what does not hold after a command was disturbed; `before` are the runs from before it."""
    wrong = []
    for name in ("clone", "remote.git"):
        fsck = subprocess.run(
            ["git", "fsck", "--strict", "--no-dangling"],
            cwd=os.path.join(place.at, name),
            env=place.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        # What git says about notices of missing objects of dangling ones is on standard output too.
        if fsck.returncode != 0 or fsck.stdout:
            wrong.append(f"fsck {name}: {fsck.stdout}{fsck.stderr}")
    after = place.runs("clone")
    if command.endswith("-beside"):
        # What the other clone has pushed must not be lost either.
        after |= place.runs("other")
    # What a command takes out may be there or not.
    stays = before & place.spared(command) if command in ("prune", "retract") else before | after
    if stays - after:
        wrong.append(f"lost here: {len(stays - after)}")
    if command == "record" and ended == 0 and len(after) <= len(before):
        wrong.append("the run that was recorded is not there")
    for args in (COMMANDS["record"], COMMANDS["push"], COMMANDS["pull"]):
        began = time.monotonic()
        again = place.run("clone", args)
        if again.returncode != 0 or "not in the notes yet" in again.stderr:
            wrong.append(f"stuck: {' '.join(args)}: {again.stderr}")
        if time.monotonic() - began > 15:
            wrong.append(f"slow: {' '.join(args)}")
    if stays - place.runs("remote.git"):
        wrong.append("not all of it is on the remote")
    return wrong


def points(place, args, calls=CALLS, everything=False):
    """Returns at which occurrence of which call a process changes a file, or just opens one; strace counts for each
    process."""
    place.fresh()
    trace = os.path.join(place.dir, "trace")
    place.run("clone", args, ["strace", "-f", "-qq", "-e", f"trace={calls}", "-o", trace])
    seen, found = {}, set()
    with open(trace, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            process, _, call = line.partition(" ")
            name = call.strip().split("(")[0]
            if name in calls.split(","):
                seen[process, name] = seen.get((process, name), 0) + 1
                if everything or name != "openat" or "O_CREAT" in line:
                    found.add((name, seen[process, name]))
    return sorted(found)
