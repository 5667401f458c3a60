# SPDX-License-Identifier: ISC
"""clients - what the tests with other people's programs share

A customer has the jail that "jailconf add" gives, and nothing is changed in
it but the network: OPEN has the host's, ALONE a loopback of its own.  To a
client the machine is "box"; what ssh must know of it is in root's own
~/.ssh/config, where every client that runs ssh finds it.

That a client was inside is proved by what it can have: the host's secret not,
the mark that only the /tmp of the jail has yes.
"""
import contextlib
import hashlib
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, "/bed/login")

from bed import (PROOF, RUN, CASES, account, eventually, has,  # noqa: E402
                 jail_account, once, same, secret, sh, ssh_argv, sshd)

OPEN, ALONE = "open", "alone"
CUSTOMERS = (OPEN, ALONE)
BOX = "box"
SECRET = "/home/other/secret"

SSH_CONFIG = f"""\
Host {BOX}
	HostName 127.0.0.1
	StrictHostKeyChecking no
	UserKnownHostsFile /dev/null
	LogLevel ERROR
	PreferredAuthentications publickey
"""


def customers():
    """The bed as these tests want it."""
    account("other")
    secret()
    jail_account(OPEN)
    jail_account(ALONE, 'network = "none";')
    sshd()
    pathlib.Path("/root/.ssh/config").write_text(SSH_CONFIG)


def in_each_jail(function):
    """Marks a case that must hold for each customer."""
    def all_of_them():
        for who in CUSTOMERS:
            try:
                function(who)
            except AssertionError as err:
                err.args = (f"as {who}: {err}",)
                raise
    CASES.append((function.__name__, all_of_them))
    return function


def mark_of(who):
    return f"/tmp/mark-of-{who}"


def home_of(who):
    return pathlib.Path("/home") / who


@contextlib.contextmanager
def marked(who):
    """The jail of WHO runs, with a mark in its /tmp, during the block."""
    client = subprocess.Popen(
        ssh_argv(who, f"echo {who} >{mark_of(who)}; echo up; exec cat"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        same(client.stdout.readline(), b"up\n", f"a session of {who}")
        same(os.path.exists(mark_of(who)), False, "the mark is on the host")
        yield
    finally:
        client.communicate(timeout=20)


def proof_in_home(who):
    """For clients that start programs: ~/proof, which says where it is."""
    path = home_of(who) / "proof"
    path.write_text(PROOF + "\n")
    return path.name


def fetch(argv, **keys):
    """Whether the command that is to fetch something has."""
    return sh(argv, check=False, **keys).returncode == 0


def tree(name, files=40):
    """A tree to send: small files, a big one, a link, names that are hard."""
    path = RUN / name
    if not once(f"tree-{name}"):
        return path
    (path / "empty").mkdir(parents=True)
    (path / "deep/er").mkdir(parents=True)
    for number in range(files):
        (path / f"deep/er/file-{number}").write_text(f"{number}\n" * number)
    (path / "big").write_bytes(os.urandom(3 << 20))
    for odd in ("two words", "grüße-日本", "-dash", "quote'\"", "$NAME",
                ".hidden"):
        (path / odd).write_text(odd)
    (path / "program").write_text("#!/bin/sh\necho ran\n")
    (path / "program").chmod(0o755)
    os.symlink("big", path / "link")
    return path


def contents(path):
    """What there is below PATH, to be compared with another such."""
    found = {}
    for at, dirs, files in os.walk(path):
        for name in dirs + files:
            full = pathlib.Path(at) / name
            key = str(full.relative_to(path))
            if full.is_symlink():
                found[key] = os.readlink(full)
            elif full.is_dir():
                found[key] = "directory"
            else:
                digest = hashlib.sha256(full.read_bytes()).hexdigest()
                found[key] = (digest, bool(full.stat().st_mode & 0o100))
    return found


def alike(one, other):
    """Two trees are the same; tells where not."""
    left, right = contents(one), contents(other)
    differ = {name: (left.get(name), right.get(name))
              for name in left.keys() | right.keys()
              if left.get(name) != right.get(name)}
    same(differ, {}, f"{one} and {other}")


def belongs(path, who):
    """Everything below PATH on the host is WHO's."""
    others = sh(["find", str(path), "!", "-user", who])
    same(others, "", f"not {who}'s")


def typed_proof(tty, who):
    """Types the proof at a prompt; returns what it says, through the home,
    since not every terminal shows lines as they were written."""
    out = home_of(who) / "proof.out"
    out.unlink(missing_ok=True)
    tty.line(f"sh {proof_in_home(who)} >{out}")
    eventually(lambda: out.exists() and out.read_text().endswith("end\n"),
               "the proof was typed", 20)
    has(out.read_text(), "^mnt=")
    return out.read_text()
