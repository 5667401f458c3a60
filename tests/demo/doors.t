#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""what ./demo shows: two accounts go through every door, side by side

PLAIN is an account like any, JAILED was given to "jailconf add".  Where
somebody is, is not taken from what a prompt says: see bed.PROOF.  For the
doors that move files, it is what can be fetched: a file of another account's
on the host, and one that only the jail's /tmp has.
"""
import os
import shlex
import subprocess
import sys
import textwrap

sys.path.insert(0, "/bed/login")

from bed import (JAILED, PLAIN, PROOF, RUN, SSH_OPTIONS, WITH_KEY,  # noqa
                 account, is_inside, log_text, secret, sh, ssh, sshd,
                 ssh_argv, su)
from term import Terminal  # noqa

VIEW = PROOF + """
echo "id         $(id)"
echo "hostname   $(hostname)"
echo "tty        $(tty)"
echo "ps         $(ps -e -o user= | sort | uniq -c | tr -s ' \\n' ' ')"
echo "ls /       $(ls / | tr '\\n' ' ')"
echo "ls /home   $(ls /home | tr '\\n' ' ')"
echo fin
"""
ROWS = ("id", "hostname", "tty", "ps", "ls /", "ls /home")
WIDTH = 37


class Sight:
    """What an account has seen behind a door: rows for the reader, and
    where it was: "host", "jail", or neither."""

    def __init__(self, rows, where):
        self.rows, self.where = rows, where


def look(text):
    """A Sight of what VIEW has printed."""
    lines = text.replace("\r", "").splitlines()
    rows = {}
    for name in ROWS:
        found = [line[11:] for line in lines if line[:11].rstrip() == name]
        rows[name] = found[-1].strip() if found else "?"
    try:
        where = "jail" if is_inside(text.replace("\r", "")) else "host"
    except AssertionError as err:
        where = f"unknown ({err})"
    return Sight(rows, where)


def typed(tty):
    """Types VIEW, as a script in the home, at a prompt."""
    tty.expect(r"\$ $", timeout=20)
    tty.line("sh view")
    tty.expect(r"^fin\r", timeout=20)
    return look(tty.text)


def by_ssh(who):
    return look(ssh(who, VIEW).stdout)


def by_ssh_with_a_terminal(who):
    with Terminal(ssh_argv(who, options=["-tt"])) as tty:
        return typed(tty)


def by_su(who):
    with Terminal(["su", "-", who]) as tty:
        return typed(tty)


def by_su_c(who):
    return look(su(who, VIEW).stdout)


def fetched(fetch, who):
    """A Sight of FETCH(path), which says whether PATH could be had."""
    rows = {
        "another's file": fetch("/home/other/secret"),
        "a file in its /tmp": fetch(f"/tmp/of-{who}"),
        "that file": "is on the host" if os.path.exists(f"/tmp/of-{who}")
                     else "is not on the host",
    }
    signs = (rows["another's file"], rows["a file in its /tmp"],
             rows["that file"])
    if signs == (True, True, "is on the host"):
        where = "host"
    elif signs == (False, True, "is not on the host"):
        where = "jail"
    else:
        where = f"unknown ({signs})"
    words = {True: "can be fetched", False: "cannot be fetched"}
    return Sight({k: words.get(v, v) for k, v in rows.items()}, where)


def runs(argv, **keys):
    done = subprocess.run(argv, stdout=subprocess.PIPE, check=False,
                          stderr=subprocess.STDOUT, timeout=30, **keys)
    return done.returncode == 0


def file_door(make):
    """The door of a program that fetches: MAKE(who, path) is its argv."""
    return lambda who: fetched(lambda path: runs(make(who, path)), who)


OPTIONS = [*SSH_OPTIONS, *WITH_KEY]
TARGET = str(RUN / "fetched")
by_sftp = file_door(lambda who, path: [
    "sftp", *OPTIONS, f"{who}@127.0.0.1:{path}", TARGET])
by_internal_sftp = file_door(lambda who, path: [
    "sftp", *OPTIONS, "-P", "2222", f"{who}@127.0.0.1:{path}", TARGET])
by_scp = file_door(lambda who, path: [
    "scp", *OPTIONS, f"{who}@127.0.0.1:{path}", TARGET])
by_old_scp = file_door(lambda who, path: [
    "scp", "-O", *OPTIONS, f"{who}@127.0.0.1:{path}", TARGET])
by_rsync = file_door(lambda who, path: [
    "rsync", "-e", "ssh " + shlex.join(OPTIONS), f"{who}@127.0.0.1:{path}",
    TARGET])


def by_git(who):
    """For git a file is a repository, and it must be the account's."""
    env = {**os.environ, "GIT_SSH_COMMAND": "ssh " + shlex.join(OPTIONS)}
    paths = {"/home/other/secret": f"/home/other/of-{who}.git",
             f"/tmp/of-{who}": f"/tmp/of-{who}.git"}
    return fetched(lambda path: runs(
        ["git", "ls-remote", f"ssh://{who}@127.0.0.1{paths[path]}"],
        env=env), who)


DOORS = (
    ("ssh", "ssh USER COMMAND", by_ssh),
    ("ssh with a terminal", "ssh USER", by_ssh_with_a_terminal),
    ("sftp", "sftp, the server is a program", by_sftp),
    ("sftp inside sshd", "sftp, the server is sshd itself",
     by_internal_sftp),
    ("scp", "scp", by_scp),
    ("scp, old protocol", "scp -O", by_old_scp),
    ("rsync", "rsync -e ssh", by_rsync),
    ("git", "git ls-remote ssh://USER@...", by_git),
    ("su -", "su - USER, from root's terminal", by_su),
    ("su - -c", "su - USER -c COMMAND", by_su_c),
)


def side_by_side(name, left, right):
    columns = [textwrap.wrap(text, WIDTH, subsequent_indent=" ")[:3] or [""]
               for text in (left, right)]
    for number in range(max(map(len, columns))):
        cells = [c[number] if number < len(c) else "" for c in columns]
        head = name if number == 0 else ""
        print(f"  {head:<20}{cells[0]:<{WIDTH + 2}}{cells[1]}".rstrip())


def show(title, command, sights):
    print(f"\n{title}: {command}")
    side_by_side("", "plain", "jailed")
    for row in sights[PLAIN].rows | sights[JAILED].rows:
        side_by_side(row, *(sights[who].rows.get(row, "?")
                            for who in (PLAIN, JAILED)))
    side_by_side("so it is", *(f"on the {sights[w].where}" if w == PLAIN else
                               f"in the {sights[w].where}"
                               for w in (PLAIN, JAILED)))


def prepare():
    account(PLAIN)
    account(JAILED)
    secret()
    sshd()
    sshd(2222, "Subsystem sftp internal-sftp\n")
    for command in ("jailconf setup", f"jailconf add {JAILED}"):
        print(f"# {command}")
        print(textwrap.indent(sh(command), "  "), end="")
    for who in (PLAIN, JAILED):
        sh(f"git init -q --bare /home/other/of-{who}.git &&"
           f" chown -R {who}: /home/other/of-{who}.git")
        ssh(who, f"cat >view; echo x >/tmp/of-{who};"
                 f" git init -q --bare /tmp/of-{who}.git", input=VIEW)


def main():
    prepare()
    table, wrong = [], 0
    for title, command, door in DOORS:
        sights = {}
        for who in (PLAIN, JAILED):
            try:
                sights[who] = door(who)
            except (AssertionError, subprocess.SubprocessError) as err:
                sights[who] = Sight({}, f"unknown ({str(err)[:60]})")
        show(title, command, sights)
        good = (sights[PLAIN].where, sights[JAILED].where) == ("host", "jail")
        wrong += not good
        table.append((title, sights[PLAIN].where, sights[JAILED].where,
                      "" if good else "  <-- WRONG"))
    print(f"\n{'door':<22}{'plain is':<15}jailed is")
    for title, plain, jailed, remark in table:
        print(f"{title:<22}on the {plain:<8}in the {jailed}{remark}")
    if wrong:
        print("\nWhat has been logged of refusals:")
        for line in log_text().splitlines():
            if "refuse" in line:
                print(f"  {line}")
    print(f"\n{len(table) - wrong} of {len(table)} doors end where they"
          " should.")
    sys.exit(1 if wrong else 0)


main()
