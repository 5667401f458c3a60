#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""under systemd: logind's sessions end as always, its user manager does not
run for a jailed account, and the keeper belongs to no session"""
import os
import pathlib
import re
import subprocess
import sys
import time

from bed import (JAILED, PLAIN, PROOF, WITH_SYSTEMD, Logged, both, case,
                 eventually, has, inits_of, jail_account, keepers,
                 lacks, proved, run, same, sh, ssh, ssh_argv, sshd, stop, su, the_two,
                 uid_of)

if not WITH_SYSTEMD:
    print("systemd is not PID 1")
    sys.exit(77)

the_two()
sshd()



def plant(who):
    """A unit that a user manager of WHO's would start."""
    home = pathlib.Path(f"/home/{who}")
    wants = home / ".config/systemd/user/default.target.wants"
    wants.mkdir(parents=True, exist_ok=True)
    (home / "proof.sh").write_text(PROOF)
    unit = home / ".config/systemd/user/planted.service"
    unit.write_text("[Service]\nType=oneshot\n"
                    f"ExecStart=/bin/sh -c 'sh {home}/proof.sh"
                    f" >{home}/unit-ran'\n")
    (wants / "planted.service").unlink(missing_ok=True)
    (wants / "planted.service").symlink_to(unit)
    sh(f"chown -R {who}: {home}/.config")


def forget(who):
    """No manager of WHO's, and none that was refused too often of late."""
    sh(f"pkill -KILL -u {who}; loginctl terminate-user {who}; :")
    eventually(lambda: who not in sh("loginctl --no-legend list-users; :"),
               f"logind forgets {who}", 20)
    sh(f"systemctl reset-failed user@{uid_of(who)}; :")


@case
def a_user_manager_runs_for_an_unjailed_account_only():
    for who in (PLAIN, JAILED):
        plant(who)
        forget(who)
        log = Logged()
        has(ssh(who, "sleep 2; echo in").stdout, "^in$")
        ran = pathlib.Path(f"/home/{who}/unit-ran")
        if who == PLAIN:
            eventually(ran.exists, "the unit of a plain account runs")
        else:
            log.expect(rf"pam_jail\(systemd-user:account\).*refuse.*{who}")
            same(ran.exists(), False, "the planted unit ran")
            lacks(sh("ps -eo user,args"), rf"^{who}\s.*systemd --user")


@case
def lingering_starts_no_user_manager_either():
    sh(["loginctl", "enable-linger", JAILED], check=False)
    time.sleep(2)
    same(pathlib.Path(f"/home/{JAILED}/unit-ran").exists(), False)
    lacks(sh("ps -eo user,args"), rf"^{JAILED}\s.*systemd --user")
    sh(["loginctl", "disable-linger", JAILED], check=False)


@case
def a_refused_user_manager_does_not_delay_the_login():
    times = {PLAIN: [], JAILED: []}
    for who in (PLAIN, JAILED) * 3:
        eventually(lambda: not sessions_of(who), "no session")
        start = time.monotonic()
        ssh(who, "true")
        times[who].append(time.monotonic() - start)
    same(min(times[JAILED]) < min(times[PLAIN]) + 1, True, str(times))


def sessions_of(who):
    lines = sh("loginctl --no-legend --no-pager list-sessions").splitlines()
    # Newer ones list the user manager's as well.
    return [line.split()[0] for line in lines
            if who in line.split() and "manager" not in line]


@both
def a_session_is_known_while_it_lasts_and_no_longer(who):
    eventually(lambda: not sessions_of(who), "none from before", 15)
    client = subprocess.Popen(ssh_argv(who, "echo up; cat"),
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    same(client.stdout.readline(), b"up\n")
    same(len(sessions_of(who)), 1, "sessions")
    client.communicate(timeout=10)
    eventually(lambda: not sessions_of(who), "the session is closed", 15)


def init_of(who):
    """PID 1 of WHO's jail: another, that was stopped, may be at its end."""
    eventually(lambda: len(inits_of(who)) == 1, "one PID 1")
    return inits_of(who)[0]


@case
def the_keeper_is_in_no_session_and_in_no_service():
    for start in (lambda c: ssh_argv(JAILED, c),
                  lambda c: ["su", "-", JAILED, "-c", c]):
        stop(JAILED)
        client = subprocess.Popen(start("echo up; cat"), text=True,
                                  stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)
        same(client.stdout.readline(), "up\n")
        init = init_of(JAILED)
        keeper = re.search(r"^PPid:\t(\d+)$", pathlib.Path(
            f"/proc/{init}/status").read_text(), re.M)[1]
        same(int(keeper) in keepers(), True, "it is its keeper's child")
        for pid in (keeper, init):
            text = pathlib.Path(f"/proc/{pid}/cgroup").read_text()
            lacks(text, r"session-|ssh|bed\.service|user\.slice")
        client.communicate(timeout=10)


@case
def neither_the_bus_nor_the_runtime_directory_is_the_host_s():
    uid = uid_of(JAILED)
    text = ssh(JAILED, "env; ls -la $XDG_RUNTIME_DIR; ls /run /run/user;"
                       " ls /run/dbus /run/systemd").stdout
    lacks(text, "DBUS_|bus$|system_bus_socket|private|journal")
    has(text, rf"^XDG_RUNTIME_DIR=/run/user/{uid}$")
    done = ssh(JAILED, "echo x >$XDG_RUNTIME_DIR/made && echo ok")
    same(done.stdout, "ok\n")
    same(os.path.exists(f"/run/user/{uid}/made"), False)


@case
def a_jail_that_has_the_service_log_writes_to_the_journal():
    """Also to one that has been started again in the meantime."""
    jail_account("talker", 'services = [ "log" ];')
    client = subprocess.Popen(ssh_argv("talker", "echo up; cat"), text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    same(client.stdout.readline(), "up\n")
    log = Logged()
    for word in ("one", "two"):
        same(ssh("talker", f"logger -t mine {word}").returncode, 0)
        log.expect(rf"mine(\[\d+\])?: {word}")
        sh("systemctl restart systemd-journald")
    client.communicate(timeout=10)
    same(ssh(JAILED, "test -e /dev/log").returncode, 1)


@case
def what_happens_is_in_the_journal():
    log = Logged()
    proved(JAILED, ssh(JAILED, PROOF).stdout)
    uid = uid_of(JAILED)
    log.expect(rf"pam_jail\(sshd:session\): open user={JAILED} .*uid={uid}")
    log.expect(rf"pam_jail\(sshd:session\): close user={JAILED}")
    proved(JAILED, su(JAILED, PROOF).stdout)
    log.expect(rf"pam_jail\(su-l:session\): open user={JAILED} .*uid={uid}")


run()
