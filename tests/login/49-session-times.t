#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""how long a session may last and work: by ssh and by su, with all that it has
started, from one session and from ten at once; and nobody else's"""
import contextlib
import os
import pathlib
import select
import signal
import subprocess
import sys
import time

from bed import (CGROUP, SLOW, Logged, case, configure, eventually,
                 find_cgroups, has, inits, jail_account, lacks, of_uid,
                 processes, run, same, sh, ssh, ssh_argv, sshd, stop, su,
                 uid_of)
from term import Terminal

if not (CGROUP / "cgroup.controllers").exists():
    print("no cgroup version 2")
    sys.exit(77)

WHO = "timed"
LAST = int(4 + 2 * SLOW)  # a login must fit in
GRACE = 10  # between SIGHUP and SIGKILL

jail_account(WHO)
sshd()

BURN = "timeout 100 sh -c 'while :; do :; done'"


def limit(words, *more):
    stop(WHO)
    # The jail itself ends nothing meanwhile.
    configure(WHO, "limits = { " + words + " sessions = 30; };",
              "linger = 600;", *more)


def argv_of(door, command):
    return (ssh_argv(WHO, command) if door == "ssh"
            else ["su", "-", WHO, "-c", command])


def start(door, command):
    return subprocess.Popen(argv_of(door, command), text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)


def running(command):
    return command in sh("ps -eo args").replace("ps -eo", "")


def sessions():
    """The cgroups of sessions."""
    return find_cgroups(f"{uid_of(WHO)}/*/session-*")


@contextlib.contextmanager
def took(least, most):
    begin = time.monotonic()
    yield
    seconds = time.monotonic() - begin
    same(least <= seconds <= most, True, f"{seconds} s")


@case
def who_lasts_too_long_is_told_and_ended():
    limit(f"session_time = {LAST};")
    for argv in (ssh_argv(WHO, options=("-tt",)), ["su", "-", WHO]):
        log = Logged()
        with took(LAST - 1, LAST + 10 * SLOW), Terminal(argv) as terminal:
            terminal.ask("echo $((6*7))", "^42", 20)
            terminal.expect(r"jail: this session ends: it has lasted for"
                            rf" {LAST} s, which is the limit", LAST + 5)
            terminal.wait(20)
        log.expect(rf"limit user={WHO} .*over=session_time seconds={LAST}")


def process_of(program):
    """The pid of WHO's only process of a PROGRAM with such a name."""
    found = [pid for pid in of_uid(uid_of(WHO))
             if program in processes().get(pid, ("",))[0]]
    same(len(found), 1, program)
    return found[0]


@case
def what_is_told_is_passed_on_by_a_slow_sshd_as_well():
    limit(f"session_time = {LAST};")
    with Terminal(ssh_argv(WHO, options=("-tt",))) as terminal:
        terminal.ask("echo $((6*7))", "^42", 20)
        shell, passes_on = process_of("bash"), process_of("sshd")
        ended = os.pidfd_open(shell)
        os.kill(passes_on, signal.SIGSTOP)
        same(select.select([ended], [], [], LAST + 10 * SLOW)[0], [ended],
             "the shell ends")
        os.close(ended)
        os.kill(passes_on, signal.SIGCONT)
        terminal.expect("jail: this session ends", 20)
        terminal.wait(20)


@case
def another_jail_of_the_account_takes_no_session_away():
    """A session's group is there before anybody is in it."""
    limit("session_time = 600;",
          'rules = ( { service = "su-l"; jail = "ide"; } );')
    eventually(lambda: not sessions(), "none from before")
    client = start("ssh", "sleep 600")
    eventually(sessions, "a session's group")
    mine = sessions()[0].parent / "session-999"
    mine.mkdir()
    try:
        same(su(WHO, "echo in").stdout, "in\n")
        has(sh(["jailconf", "list"]), rf"^{WHO} +\d+ +ide ")
        same(mine.exists(), True)
    finally:
        mine.rmdir()
        client.kill()
        client.wait()
        stop(WHO)


@case
def what_a_session_has_started_ends_with_it():
    limit(f"session_time = {LAST};")
    for door in ("ssh", "su"):
        client = start(door, "setsid nohup sh -c 'trap \"\" HUP; sleep 6001'"
                             " >/dev/null 2>&1 & echo up; sleep 6002")
        same(client.stdout.readline(), "up\n", door)
        with took(0, LAST + 10 * SLOW):
            client.wait(300)
        same(client.returncode != 0, True, door)
        eventually(lambda: not running("sleep 6002"), "the session", 10)
        eventually(lambda: not running("sleep 6001"), "its daemon",
                   GRACE + 10)
        client.stdout.close()


@case
def a_daemon_without_its_session_ends_with_the_time():
    limit(f"session_time = {LAST}; core = 0;")
    keep = start("ssh", "echo up; sleep 6003")  # the jail stays meanwhile
    same(keep.stdout.readline(), "up\n")
    same(ssh(WHO, "setsid nohup sleep 6004 >/dev/null 2>&1 & echo on").stdout,
         "on\n")
    same(running("sleep 6004"), True, "after the session")
    eventually(lambda: not running("sleep 6004"), "it has ended",
               LAST / SLOW + GRACE + 10)
    keep.wait(300)
    keep.stdout.close()


@case
def a_younger_session_goes_on():
    limit(f"session_time = {LAST + 10};")
    old = start("ssh", "echo up; sleep 6005")
    same(old.stdout.readline(), "up\n")
    time.sleep(10)
    young = start("su", "echo up; sleep 6006")
    same(young.stdout.readline(), "up\n")
    old.wait(300)
    same(young.poll(), None, "the younger one")
    same(running("sleep 6006"), True)
    young.wait(300)
    for client in (old, young):
        client.stdout.close()


@case
def who_works_too_long_is_ended():
    limit("session_cpu = 2;")
    for door in ("ssh", "su"):
        log = Logged()
        # None of them has worked for so long itself.
        with took(1, 60 + 10 * SLOW):
            done = start(door, f"{BURN} & {BURN} & {BURN} & wait; echo all")
            lacks(done.communicate(timeout=300)[0], "^all")
        log.expect(rf"limit user={WHO} .*over=session_cpu seconds=2")
        eventually(lambda: not running("while :"), "they have ended",
                   GRACE + 10)


@case
def who_waits_does_not_work():
    limit("session_cpu = 30;")
    same(ssh(WHO, f"sleep {LAST}; echo on", timeout=30).stdout, "on\n")
    same(su(WHO, "echo on").stdout, "on\n")


@case
def ten_sessions_at_once_end_each():
    limit("session_cpu = 3;")
    log = Logged()
    clients = [start("ssh" if i % 3 == 0 else "su", f"{BURN}; echo all")
               for i in range(10)]
    texts = [client.communicate(timeout=500)[0] for client in clients]
    lacks("".join(texts), "^all")
    eventually(lambda: log.text().count("over=session_cpu") >= 10,
               "each in the log", 10)
    eventually(lambda: not running("while :"), "they have ended", GRACE + 10)


@case
def ten_that_last_too_long_end_each():
    limit(f"session_time = {LAST};")
    log = Logged()
    clients = [start("ssh" if i % 3 == 0 else "su", "sleep 6010; echo all")
               for i in range(10)]
    texts = [client.communicate(timeout=500)[0] for client in clients]
    lacks("".join(texts), "^all")
    eventually(lambda: log.text().count("over=session_time") >= 10,
               "each in the log", 10)
    eventually(lambda: not running("sleep 6010"), "they have ended",
               GRACE + 10)


@case
def sessions_that_have_ended_leave_nothing():
    limit('session_time = "1h";')
    keep = start("ssh", "echo up; sleep 6007")
    same(keep.stdout.readline(), "up\n")
    for _ in range(3):
        same(ssh(WHO, "echo in").stdout, "in\n")
        same(su(WHO, "echo in").stdout, "in\n")
    eventually(lambda: len(sessions()) == 1, "but for that which is there", 20)
    stop(WHO)
    keep.wait(300)
    keep.stdout.close()
    eventually(lambda: not find_cgroups(uid_of(WHO)),
               "the jail's cgroup is gone", 20)


@case
def sessions_are_counted_with_what_they_left_behind():
    stop(WHO)
    configure(WHO, 'limits = { session_time = "1h"; sessions = 2; };',
              "linger = 60;")
    leave = "setsid nohup sleep 6008 >/dev/null 2>&1 & echo in"
    done = [ssh(WHO, leave).stdout for _ in range(6)]
    same(done[:4], ["in\n"] * 4)
    same(done[4:], [""] * 2, "too many")
    stop(WHO)
    same(ssh(WHO, "echo in").stdout, "in\n")


def one_keeper():
    """Of WHO's, in a list; the one before may be at its end."""
    all_inits = inits()
    found = [pid for pid, (_, words) in processes().items()
             if words == f"jail-keeper {WHO}" and pid not in all_inits]
    return found if len(found) == 1 else None


@case
def the_keeper_never_waits_for_ever_for_a_time_that_is_far():
    """More milliseconds than an int has."""
    limit('session_time = "30d";')
    keep = start("ssh", "echo up; sleep 6009")
    same(keep.stdout.readline(), "up\n")
    keeper, = eventually(one_keeper, "one keeper")

    def waits():
        """poll(2)'s number on this machine is not its; the time is."""
        words = pathlib.Path(f"/proc/{keeper}/syscall").read_text().split()
        return int(words[3], 16) & 0xffffffff if len(words) > 3 else None
    eventually(lambda: waits() is not None and 0 < waits() <= 1000000,
               "it looks again in time", 10)
    stop(WHO)
    keep.wait(300)
    keep.stdout.close()


@case
def explain_tells():
    limit('session_time = "2h"; session_cpu = 90;')
    has(sh(["jailconf", "explain", WHO]),
        "for each session, with all it starts: session_time 7200,"
        " session_cpu 90")


run(120)
