#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What valgrind finds in a host that has the module in it: nothing of ours

su(1) and sshd(8) run under memcheck, from the first call of PAM to the last:
no use of memory that is not ours or was never written, and at the end nothing
that is lost, and no descriptor left.  What hosts and other modules do is theirs.
"""
import os
import re
import shutil
import subprocess
import sys

sys.path.append("/bed/login")
from bed import (CONF_DIR, JAILED, JAILSH, PROOF, RUN, Logged, case, configure,
                 eventually, lacks, processes, proved, run, same, ssh, sshd,
                 stop, the_two)

MODULE = "/pam_jail.so"
FOUND = RUN / "valgrind"
VALGRIND = ["valgrind", "--quiet", "--leak-check=full", "--num-callers=40",
            "--keep-debuginfo=yes", "--xml=yes", f"--xml-file={FOUND}/%p"]
SU = RUN / "su"


def fresh():
    """An empty directory that every process may write its findings to."""
    shutil.rmtree(FOUND, ignore_errors=True)
    FOUND.mkdir()
    FOUND.chmod(0o1777)


def findings():
    """What was found in the module, by all processes since fresh()."""
    found, looked = [], 0
    for path in FOUND.iterdir():
        text = path.read_text(errors="replace")
        looked += "</valgrindoutput>" in text
        # No parser: who executes another program does not complete his,
        # and 3.24 forgets to close an element.
        for error in re.findall("<error>.*?</error>", text, re.S):
            if f"{MODULE}</obj>" in error:
                found.append(re.findall("<(?:kind|fn|line)>(.*?)</", error))
    assert looked, "no process has told what it found"
    return found


def su(command):
    """su(1) as root, without its set-uid bit, which valgrind does not
    take.  Nor does it execute what it may not read, as jailsh."""
    fresh()
    mode = os.stat(JAILSH).st_mode
    os.chmod(JAILSH, 0o755)
    if not SU.exists():
        shutil.copy(shutil.which("su"), SU)
        SU.chmod(0o755)
    try:
        return subprocess.run([*VALGRIND, "--track-fds=yes", SU, "-", JAILED,
                               "-c", command], text=True, timeout=50,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, check=False)
    finally:
        os.chmod(JAILSH, mode & 0o7777)


@case
def a_session_that_starts_the_jail():
    stop(JAILED)
    proved(JAILED, su(PROOF).stdout)
    same(findings(), [])


@case
def a_session_that_joins():
    configure(JAILED, "linger = 60;")
    try:
        ssh(JAILED, "true")
        same(su("echo in").stdout, "in\n")
        same(findings(), [])
    finally:
        configure(JAILED)
        stop(JAILED)


@case
def a_login_that_is_refused():
    rule = CONF_DIR / "users.d" / JAILED
    before = rule.read_text()
    stop(JAILED)
    for mistake in ('"', 'binds = ( { source = "/etc/hosts"; },'
                    ' { source = "/nowhere"; } );'):
        rule.write_text(before + mistake + "\n")
        try:
            lacks(su("echo in").stdout, "in", mistake)
        finally:
            rule.write_text(before)
        same(findings(), [], mistake)


@case
def sshd_and_its_child_that_enters():
    """Valgrind 3.24 has no open_tree(2) and no seccomp(2): a session that
    needs them is refused."""
    wrapper = RUN / "sshd-session"
    wrapper.write_text("#!/bin/sh\nexec " + " ".join(VALGRIND) +
                       ' /usr/lib/openssh/sshd-session "$@"\n')
    wrapper.chmod(0o755)
    fresh()
    sshd(2300, f"SshdSessionPath {wrapper}\nLoginGraceTime 100\n")
    log = Logged()
    text = ssh(JAILED, PROOF, port=2300, timeout=50).stdout
    if "mnt=" in text:
        proved(JAILED, text)
    else:
        log.expect("refuse user=.*Function not implemented")
    # The client has ended before them.
    eventually(lambda: not [exe for exe, _ in processes().values()
                            if "/memcheck" in exe], "all have told", 20)
    same(findings(), [])


@case
def the_tool_has_no_mistake_at_all():
    for words in ["explain", "--json", JAILED], ["check"], ["list"]:
        done = subprocess.run(
            ["valgrind", "--quiet", "--leak-check=full", "--error-exitcode=99",
             shutil.which("jailconf"), *words], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, timeout=50, check=False)
        lacks(done.stderr, "^==", words)
        assert done.returncode != 99, words


the_two()
sshd()
run(100)
