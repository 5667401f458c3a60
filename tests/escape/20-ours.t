#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""nothing that the escape suite tries in a jail of ours succeeds, by any door

What it tells that is no escape is in the table "expected", with the reason.
"""
import fnmatch
import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path[:0] = ["/bed/login", "/bed/tests"]
from bed import (RUN, WITH_SYSTEMD, account, case, eventually,  # noqa: E402
                 jail_account, run, same, sh, ssh_argv, sshd, uid_of)
import planted  # noqa: E402

HOSTED, NETLESS = "hosted", "netless"
RESULTS = pathlib.Path(os.environ.get("BED_OUT", RUN)) / "escape"
EXPECTED = pathlib.Path("/bed/tests/expected")
AT_LEAST = 200  # attempts that could be made, and were contained

planted.new_session_keyring()
account(planted.OTHER)
jail_account(HOSTED)
jail_account(NETLESS, 'network = "none";')
HOST = planted.Host()
sshd()
os.environ["ESCAPE_CALLER"] = planted.NONCE


def expected(where):
    """Patterns for the names of attempts that may leak at WHERE."""
    rows = [line.split(maxsplit=2) for line in
            EXPECTED.read_text().splitlines()
            if line and not line.startswith("#")]
    return [name for place, name, _ in rows
            if fnmatch.fnmatch(where, place)]


def by_ssh(who, command):
    return subprocess.run(
        ssh_argv(who, command, options=["-o", "SendEnv=ESCAPE_CALLER"]),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=100, check=False).stdout


def by_su(who, command):
    """With what a caller could leave behind: a descriptor of the host's
    root, a variable, a directory, an open umask."""
    root = os.open("/", os.O_RDONLY)
    try:
        return subprocess.run(
            ["su", who, "-c", f"cd && {command}"], pass_fds=[root],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=100, cwd="/srv",
            check=False, env={**os.environ, "BASH_ENV": planted.NONCE,
                              "GLIBC_TUNABLES": "x=y"}).stdout
    finally:
        os.close(root)


def by_cron(who, command):
    """As an @reboot job, which a new cron starts at once."""
    out = pathlib.Path(f"/home/{who}/cron-out")
    out.unlink(missing_ok=True)
    sh(["crontab", "-u", who, "-"], stdin=None,
       input=f"@reboot {command} >cron-out.new 2>&1; mv cron-out.new"
             " cron-out\n")
    if WITH_SYSTEMD:
        sh("systemctl stop cron")
    pathlib.Path("/run/crond.reboot").unlink(missing_ok=True)
    with subprocess.Popen(["cron", "-f"]) as daemon:
        try:
            eventually(out.exists, "the job has run", 90)
        finally:
            daemon.kill()
            sh(["crontab", "-u", who, "-r"])
    return out.read_text(errors="replace")


DOORS = {"ssh": by_ssh, "su": by_su, "cron": by_cron}


def prepare(who, hints, *words):
    """A script in the home, since cron takes no long lines."""
    home = pathlib.Path("/home") / who
    shutil.copy(planted.PROGRAM, home / "escape")
    (home / "try").write_text(" ".join(["exec ./escape", *words, *hints])
                              + "\n")
    for name in ("escape", "try"):
        os.chmod(home / name, 0o755)


def attempt(who, door):
    uid, home = uid_of(who), f"/home/{who}"
    with HOST.ready(who, uid, home) as (hints, mate):
        prepare(who, hints)
        results = HOST.report(DOORS[door](who, "sh ./try"), home, mate)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"ours, {who}, {door}").write_text(json.dumps(results))
    judge(results, f"{who},{door}")
    same(planted.counts(results)[0] >= AT_LEAST, True,
         f"too few were tried: {planted.counts(results)}")


def judge(results, where):
    for verdict in ("leak", "n/a"):
        for name in planted.names(results, verdict):
            print(f"# {where}: {name} {verdict} {results[name][1]}")
    same(planted.names(results, "ESCAPED"), [],
         str([results[n] for n in planted.names(results, "ESCAPED")]))
    allowed = expected(where)
    same([f"{n} {results[n][1]}" for n in planted.names(results, "leak")
          if n not in allowed], [], f"{where}: not in the table")


@case
def nothing_escapes_that_came_by_ssh():
    attempt(HOSTED, "ssh")


@case
def nothing_escapes_that_came_by_su():
    attempt(HOSTED, "su")


@case
def nothing_escapes_that_cron_has_started():
    attempt(HOSTED, "cron")


@case
def nothing_escapes_by_ssh_without_a_network():
    attempt(NETLESS, "ssh")


@case
def nothing_escapes_by_su_without_a_network():
    attempt(NETLESS, "su")


@case
def nothing_escapes_by_cron_without_a_network():
    attempt(NETLESS, "cron")


def typed(who, argv):
    with HOST.ready(who, uid_of(who), f"/home/{who}") as (hints, mate):
        prepare(who, hints, "-o", "tty.")
        output, left = planted.with_terminal(argv)
        results = HOST.report(output, f"/home/{who}", mate)
    judge(results, f"{who},terminal")
    same(results["tty.tiocsti"][0] != "n/a", True, "there was no terminal")
    same("typed" in left, False, f"the caller's terminal has {left!r}")


@case
def the_terminal_of_su_s_caller_cannot_be_typed_into():
    typed(HOSTED, ["su", HOSTED, "-c", "cd && sh ./try"])


@case
def the_terminal_of_ssh_s_caller_cannot_be_typed_into():
    typed(HOSTED, ssh_argv(HOSTED, "sh ./try", options=["-tt"]))


@case
def the_numbers_beside_those_of_others():
    columns = {path.name: json.loads(path.read_text())
               for path in sorted(RESULTS.iterdir())}
    text = planted.table(columns)
    print("\n".join("# " + line for line in text.splitlines()))
    out = os.environ.get("BED_OUT")
    if out:
        pathlib.Path(out, "table").write_text(text + "\n")


run(seconds=110)
