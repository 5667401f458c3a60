#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""logind's sessions of a jailed account: what is in them, how they end, and
that a jail which lingers is in none"""
import contextlib
import pathlib
import re
import subprocess
import sys

from bed import (JAILED, PLAIN, WITH_SYSTEMD, both, case, configure,
                 eventually, has, keepers, of_uid, run, same, sh,
                 ssh, ssh_argv, sshd, stop, the_two, uid_of)
from term import Terminal

if not WITH_SYSTEMD:
    print("systemd is not PID 1")
    sys.exit(77)

the_two()
sshd()


def sessions_of(who):
    lines = sh("loginctl --no-legend --no-pager list-sessions").splitlines()
    return [line.split()[0] for line in lines
            if who in line.split() and "manager" not in line]


def show(session):
    text = sh(["loginctl", "show-session", session])
    return dict(line.split("=", 1) for line in text.splitlines())


def has_terminal(session, name):
    facts = show(session)
    return facts if facts.get("TTY", name) == name else None


def scope_pids(session):
    group = sh(["systemctl", "show", "-P", "ControlGroup",
                show(session)["Scope"]]).strip()
    return [int(pid) for procs in
            pathlib.Path(f"/sys/fs/cgroup{group}").rglob("cgroup.procs")
            for pid in procs.read_text().split()]


def only_session(who):
    found = eventually(lambda: sessions_of(who), f"{who} has a session")
    same(len(found), 1, str(found))
    return found[0]


def alone(who):
    """No session of WHO's is left from before."""
    sh(["pkill", "-KILL", "-u", who], check=False)
    eventually(lambda: not sessions_of(who), f"{who} has no session", 15)


@both
def a_session_has_terminal_host_and_leader_and_sshd_in_its_scope(who):
    alone(who)
    with Terminal(ssh_argv(who, options=["-tt"])) as tty:
        name, audit = tty.ask(
            "echo at=$(tty).$(cat /proc/self/sessionid).",
            r"^at=/dev/(pts/\d+)\.(\d+)\.\r", 20).groups()
        session = only_session(who)
        # From utmp, a moment later; newer ones do not look there.
        facts = eventually(lambda: has_terminal(session, name), "its TTY")
        same((facts["Name"], facts["RemoteHost"], facts["Service"],
              facts["Class"], facts["State"]),
             (who, "127.0.0.1", "sshd", "user", "active"))
        # In a container newer ones count by themselves.
        has(session, rf"^({audit}|c\d+)$", "logind's number is audit's")
        pids = scope_pids(session)
        same(int(facts["Leader"]) in pids, True, "the leader is in its scope")
        same([pid for pid in pids if pid in keepers()], [],
             "no keeper and no PID 1 of a jail is in it")
        has(sh(["loginctl", "--no-pager", "session-status", session]),
            rf"sshd(-session)?: {who}")
        tty.line("exit")
        tty.wait()
    eventually(lambda: not sessions_of(who), "the session is closed", 15)


def background(who):
    """Leaves "sleep 77" behind in a session of WHO's that has ended."""
    ssh(who, "setsid sleep 77 </dev/null >/dev/null 2>&1 & echo")
    return eventually(lambda: sleepers(who), "the job runs")


def sleepers(who):
    found = []
    for pid in of_uid(uid_of(who)):
        with contextlib.suppress(OSError):
            if pathlib.Path(f"/proc/{pid}/comm").read_text() == "sleep\n":
                found.append(pid)
    return found


def is_closing(who):
    """A session that has gone meanwhile is not open either."""
    asked = [sh(["loginctl", "show-session", s], check=False)
             for s in sessions_of(who)]
    return all("State=closing" in done.stdout or "No session" in done.stdout
               for done in asked)


def jails():
    """What "jailconf list" says of JAILED's; others may have theirs."""
    return re.findall(rf"^{JAILED} .*", sh(["jailconf", "list"]), re.M)


@case
def a_lingering_jail_keeps_no_session_open():
    configure(JAILED, 'network = "none";', "limits = { };", "linger = 600;")
    stop(JAILED)
    alone(JAILED)
    same(ssh(JAILED, "echo in").stdout, "in\n")
    eventually(lambda: not sessions_of(JAILED), "the session is closed", 15)
    same(len(jails()), 1, "and the jail is still there")
    for pid in keepers():
        with contextlib.suppress(OSError):
            text = pathlib.Path(f"/proc/{pid}/cgroup").read_text()
            same(re.search(r"user\.slice|\.scope|ssh\.service", text), None,
                 text)


@both
def the_account_s_own_jobs_do_what_they_do_outside(who):
    """KillUserProcesses=no: the job goes on, and its session is closing or
    gone, but not open."""
    alone(who)
    background(who)
    eventually(lambda: is_closing(who), f"no open session of {who}", 15)
    same(len(sleepers(who)), 1, "the job goes on")
    sh(["pkill", "-KILL", "-u", who])
    eventually(lambda: not sessions_of(who), "and then there is none", 15)


@case
def kill_user_processes_ends_the_jobs_and_not_the_jail():
    conf = pathlib.Path("/etc/systemd/logind.conf.d/bed.conf")
    conf.parent.mkdir(exist_ok=True)
    conf.write_text("[Login]\nKillUserProcesses=yes\n")
    configure(JAILED, 'network = "none";', "limits = { };", "linger = 600;")
    try:
        sh("systemctl restart systemd-logind")
        for who in (PLAIN, JAILED):
            alone(who)
            stop(JAILED)
            ssh(who, "setsid sleep 77 </dev/null >/dev/null 2>&1 & echo")
            eventually(lambda: not sessions_of(who), "it is closed", 15)
            eventually(lambda: not sleepers(who), f"{who}'s job is ended", 15)
        same(len(jails()), 1, "the jail lingers")
        same(ssh(JAILED, "echo in").stdout, "in\n", "and can be joined")
    finally:
        conf.unlink()
        sh("systemctl restart systemd-logind")
        stop(JAILED)


@case
def terminating_the_user_ends_its_sessions_and_not_the_jail():
    configure(JAILED, 'network = "none";', "limits = { };", "linger = 600;")
    stop(JAILED)
    alone(JAILED)
    client = subprocess.Popen(ssh_argv(JAILED, "echo up; cat"),
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    same(client.stdout.readline(), b"up\n")
    sh(["loginctl", "terminate-user", JAILED])
    # systemd kills after 90 s what it has told to end.
    client.wait(timeout=100)
    eventually(lambda: not sessions_of(JAILED), "no session", 15)
    same(len(jails()), 1, "the jail lingers")
    stop(JAILED)
    eventually(lambda: not of_uid(uid_of(JAILED)), "all ended")


run()
