#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""whatever is killed, nothing is left behind and the next login works"""
import contextlib
import os
import random
import re
import signal
import subprocess
import time

from bed import (JAILED, JAILSH, PLAIN, PROOF, RUN_DIR, case, configure,
                 eventually, has, inits, inits_of, jail_account, keepers,
                 lacks, of_uid, processes, proved, run, same, sh, ssh,
                 ssh_argv, sshd, stop, su, the_two, uid_of)
from left import Before
from term import Terminal

OTHER = "bystander"  # jailed, too

the_two()
jail_account(OTHER, "linger = 0;")
sshd()
configure(JAILED, 'network = "none";', "limits = { };", "linger = 0;")
stop(JAILED)
BEFORE = Before()


def nothing_is_left():
    BEFORE.nothing_is_left(JAILED)


def works_again():
    """Who comes while the dead are still there joins, and sweeps nothing."""
    eventually(lambda: not keepers() and not of_uid(uid_of(JAILED)),
               "all have ended")
    proved(JAILED, ssh(JAILED, PROOF).stdout)
    proved(JAILED, su(JAILED, PROOF).stdout)


class Sessions:
    """One session by ssh, one by ssh with a terminal, one by su."""

    def __init__(self):
        self.ssh = self.tty = self.su = None

    def __enter__(self):
        with contextlib.ExitStack() as undone:
            undone.push(self)
            self.start()
            undone.pop_all()
        return self

    def start(self):
        self.ssh = subprocess.Popen(
            ssh_argv(JAILED, "echo up; sleep 7171"), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.tty = Terminal(ssh_argv(JAILED, "echo up; sleep 7272",
                                     options=["-tt"]))
        self.su = subprocess.Popen(
            ["su", "-", JAILED, "-c", "echo up; sleep 7373"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        same(self.ssh.stdout.readline(), b"up\n")
        same(self.su.stdout.readline(), b"up\n")
        self.tty.expect("^up\r", timeout=15)
        # The shells become what is to be killed.
        eventually(lambda: {"sleep 7171", "sleep 7272", "sleep 7373"} <= {
            words for _, words in processes().values()}, "all sleep")

    def ended(self):
        for client in (self.ssh, self.su):
            same(client.wait(10) != 0, True, "a session whose jail is gone")
        same(self.tty.wait(10) != 0, True)

    def __exit__(self, failed, *_):
        if failed is not None:  # else what is left is to be seen
            sh(["pkill", "-KILL", "-u", JAILED, "-f", "sleep"], check=False)
        for client in filter(None, (self.ssh, self.su)):
            client.kill()
            client.communicate()
        if self.tty:
            self.tty.kill()
            self.tty.hangup()


def the_keeper():
    """The oldest process of the keeper's program: the keeper itself."""
    return [pid for pid in keepers() if pid not in inits()][0]


def kill_all(pids):
    """One may end because of another's end."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@case
def nothing_is_left_of_a_jail_that_ended_by_itself():
    with Sessions():
        same(len(inits_of(JAILED)), 1)
        sh(f"pkill -u {JAILED} sleep; :")
    nothing_is_left()


@case
def the_keeper_is_killed():
    with Sessions() as sessions:
        os.kill(the_keeper(), signal.SIGKILL)
        eventually(lambda: not inits(), "its PID 1 goes with it", 5)
        sessions.ended()
    works_again()
    nothing_is_left()


@case
def the_jail_s_pid_1_is_killed():
    with Sessions() as sessions:
        os.kill(inits()[0], signal.SIGKILL)
        sessions.ended()
    works_again()
    nothing_is_left()


@case
def everything_of_the_keeper_is_killed_at_once():
    with Sessions() as sessions:
        kill_all(keepers())
        sessions.ended()
    works_again()
    nothing_is_left()


def sshd_processes(pattern):
    return [pid for pid, (_, line) in processes().items()
            if re.match(pattern, line)]


@case
def the_monitor_of_sshd_is_killed():
    with Sessions() as sessions:
        kill_all(sshd_processes(rf"sshd\S*: {JAILED} \[priv\]"))
        sh(f"pkill -u {JAILED} sleep; :")
        same(sessions.ssh.wait(10) != 0, True)
    nothing_is_left()
    works_again()


@case
def the_user_s_process_of_sshd_is_killed():
    with Sessions() as sessions:
        victims = sshd_processes(rf"sshd\S*: {JAILED}@")
        same(len(victims), 2, "sshd of the account")
        kill_all(victims)
        same(sessions.ssh.wait(10), 255)
        same(sessions.tty.wait(10), 255)
        eventually(lambda: not [p for p in of_uid(uid_of(JAILED))
                                if "7272" in processes().get(p, ("", ""))[1]],
                   "what was on the terminal is gone")
        sh(f"pkill -u {JAILED} sleep; :")
    nothing_is_left()
    works_again()


@case
def jailsh_outside_is_killed():
    with Sessions() as sessions:
        victims = [pid for pid in of_uid(uid_of(JAILED))
                   if processes().get(pid, ("",))[0] == JAILSH]
        same(len(victims), 1)
        os.kill(victims[0], signal.SIGKILL)
        same(sessions.su.wait(10) != 0, True)
        eventually(lambda: not [p for p in of_uid(uid_of(JAILED))
                                if "7373" in processes().get(p, ("", ""))[1]],
                   "its session is gone")
        sh(f"pkill -u {JAILED} sleep; :")
    nothing_is_left()


@case
def the_account_kills_all_it_can_see():
    with Sessions() as sessions:
        su(JAILED, "kill -9 -1")
        sessions.ended()
    works_again()
    nothing_is_left()


@case
def root_stops_the_jail():
    with Sessions() as sessions:
        sh(["jailconf", "stop", JAILED])
        sessions.ended()
    nothing_is_left()
    works_again()
    nothing_is_left()


@case
def a_killer_runs_while_logins_come_and_go():
    """Each login either works or says no; none hangs, none is outside."""
    random.seed(4)
    clients, good = [], 0
    for number in range(60):
        argv = (ssh_argv(JAILED, PROOF) if number % 2 else
                ["su", "-", JAILED, "-c", PROOF])
        clients.append(subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True))
        time.sleep(0.05)
        victims = keepers()
        if number % 3 == 0 and victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(random.choice(victims), signal.SIGKILL)
    for client in clients:
        text = client.communicate(timeout=30)[0]
        if "end" in text:
            proved(JAILED, text)
            good += 1
    same(good > 0, True, "some got in")
    works_again()
    nothing_is_left()


@case
def jails_that_come_and_go_leave_nothing():
    """With linger = 0 each login makes a jail, joins a dying one or the
    next; each must get in."""
    clients = [subprocess.Popen(
        ["sh", "-c", f"for i in 1 2 3 4 5 6 7 8; do su - {JAILED} -c"
         " 'echo in'; done"], stdout=subprocess.PIPE, text=True,
        stdin=subprocess.DEVNULL) for _ in range(6)]
    for client in clients:
        same(client.communicate(timeout=40)[0], "in\n" * 8)
    nothing_is_left()


def longest_login():
    """How long logins take, at most, while a session is stopped."""
    took = []
    with Sessions() as sessions:
        stopped = [sessions.su.pid, *of_uid(uid_of(JAILED))]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            for login in (lambda: ssh(JAILED, "echo in"),
                          lambda: su(JAILED, "echo in"),
                          lambda: ssh(PLAIN, "echo in"),
                          lambda: ssh(OTHER, "echo in")):
                start = time.monotonic()
                has(login().stdout, "^in$")
                took.append(time.monotonic() - start)
        finally:
            kill_all(stopped)
    nothing_is_left()
    return max(took)


@case
def a_stopped_session_keeps_nobody_from_logging_in():
    """Whoever holds a lock or a socket may be stopped; others go on."""
    # Whoever waits for what is stopped waits longer, and does so again.
    same(longest_login() < 5 or longest_login() < 5, True, "at once")


@case
def a_keeper_that_does_not_answer_makes_nobody_wait_for_ever():
    with Sessions() as sessions:
        keeper = the_keeper()
        os.kill(keeper, signal.SIGSTOP)
        try:
            for argv in (ssh_argv(JAILED, "echo in"),
                         ["su", "-", JAILED, "-c", "echo in"]):
                client = subprocess.run(
                    argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE, timeout=60, check=False)
                same(client.returncode != 0, True, argv[0])
                lacks(client.stdout.decode(), "^in$", argv[0])
        finally:
            os.kill(keeper, signal.SIGCONT)
        sh(f"pkill -u {JAILED} sleep; :")
        sessions.su.wait(10)
    nothing_is_left()
    works_again()


@case
def a_file_is_left_that_no_keeper_listens_on():
    """As after a crash: /run/jail/UID is there and nobody answers."""
    uid = uid_of(JAILED)
    path = RUN_DIR / str(uid)
    with Sessions() as sessions:
        kill_all(keepers())
        sessions.ended()
        left = path.exists()
    works_again()
    nothing_is_left()
    if not left:
        path.mkdir(mode=0o710)
        sh(["python3", "-c", "import socket, sys; socket.socket("
            "socket.AF_UNIX, socket.SOCK_SEQPACKET).bind(sys.argv[1])",
            str(path / "shell")])
        works_again()
        nothing_is_left()


run(seconds=90)
