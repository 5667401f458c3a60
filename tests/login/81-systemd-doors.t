#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""doors that systemd has: a shell by machinectl, run0, units that root
starts as the account, and units that the account has planted, with and
without lingering"""
import pathlib
import re
import shutil
import sys

from bed import (JAILED, PLAIN, PROOF, WITH_SYSTEMD, Logged, Skip, at_door,
                 both, came_out, can_connect, case, eventually, has, is_inside, lacks, proved,
                 run, same, sh, ssh, sshd, stop, the_two, uid_of)
from term import Terminal

if not WITH_SYSTEMD:
    print("systemd is not PID 1")
    sys.exit(77)

the_two()
sshd()


def script_of(who):
    path = pathlib.Path(f"/home/{who}/proof.sh")
    path.write_text("#!/bin/sh\n" + PROOF + "\n")
    path.chmod(0o755)
    return path


def on_terminal(*argv):
    """What it prints on a terminal, without what colours it."""
    with Terminal(list(argv)) as tty:
        tty.wait(timeout=30)
        return re.sub(r"\x1b[\[\]][^a-zA-Z\\]*[a-zA-Z\\]", "",
                      tty.text).replace("\r", "")


@both
def a_shell_by_machinectl_is_where_the_account_belongs(who):
    """It is a login by the service "login"; the shell is the account's."""
    with Terminal(["machinectl", "shell", "-q", f"{who}@.host"]) as tty:
        tty.expect(r"\$ ", timeout=20)
        tty.line(f"sh {script_of(who)}")
        found = tty.expect(r"mnt=mnt:(?:.|\n)*?^end", timeout=20).group()
        proved(who, found.replace("\r", ""), "machinectl shell")
        tty.line("exit")
        tty.wait()


@case
def a_program_by_machinectl_is_outside():
    """Root, or who may ask for it, names the program.  Not covered."""
    text = on_terminal("machinectl", "shell", "-q", f"{JAILED}@.host",
                       str(script_of(JAILED)))
    same(at_door("machinectl shell, a program that root names", text),
         "outside")


@case
def run0_is_refused():
    if not shutil.which("run0"):
        raise Skip("there is no run0")
    log = Logged()
    proved(PLAIN, on_terminal("run0", f"--user={PLAIN}", "--background=",
                              str(script_of(PLAIN))))
    text = on_terminal("run0", f"--user={JAILED}", "--background=",
                       str(script_of(JAILED)))
    same(at_door("run0", text, log,
                 rf"pam_jail\(systemd-run0:account\): refuse user={JAILED}"),
         "denied")


@case
def a_unit_of_root_s_runs_outside_unless_it_asks_pam():
    """User= alone becomes the account without PAM.  Not covered."""
    command = ["systemd-run", "-q", "--wait", "--pipe", f"--uid={JAILED}"]
    same(at_door("a unit of root's with User=",
                 sh([*command, str(script_of(JAILED))])), "outside")
    log = Logged()
    done = sh([*command, "-p", "PAMName=bed-unit", str(script_of(JAILED))],
              check=False)
    same(at_door("a unit of root's with User= and PAMName=", done.stdout, log,
                 rf"pam_jail\(\S+:account\): refuse user={JAILED}"), "denied")
    # These have a door, where others enter: systemd would not.
    for name in "cron", "sshd":
        log = Logged()
        done = sh([*command, "-p", f"PAMName={name}", str(script_of(JAILED))],
                  check=False)
        same(at_door(f"a unit of root's with PAMName={name}", done.stdout, log,
                     rf"pam_jail\({name}:session\): refuse user={JAILED}"),
             "denied")


def planted(who, inside):
    """A unit that WHO has put where a user manager looks: by ssh, so that a
    jailed account does it from inside."""
    script = f"""
set -e
mkdir -p .config/systemd/user/default.target.wants
rm -f unit-ran
cat >.config/systemd/user/planted.service <<END
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'sh %h/proof.sh >%h/unit-new; mv %h/unit-new %h/unit-ran'
END
ln -sf ../planted.service .config/systemd/user/default.target.wants/
"""
    script_of(who)
    done = ssh(who, script)
    same(done.returncode, 0, done.stderr)
    same(is_inside(ssh(who, PROOF).stdout), inside)


def without_a_manager(who):
    sh(f"pkill -KILL -u {who}; loginctl terminate-user {who}; :")
    eventually(lambda: who not in sh("loginctl --no-legend list-users; :"),
               f"logind forgets {who}", 20)
    sh(f"systemctl reset-failed user@{uid_of(who)}; :")


@case
def a_planted_unit_runs_neither_at_a_login_nor_by_lingering():
    for who in (PLAIN, JAILED):
        planted(who, who == JAILED)
        stop(JAILED)
        without_a_manager(who)
        ran = pathlib.Path(f"/home/{who}/unit-ran")
        ran.unlink(missing_ok=True)
        log = Logged()
        sh(["loginctl", "enable-linger", who])
        try:
            if who == PLAIN:
                eventually(ran.exists, "the plain account's unit runs", 20)
                proved(PLAIN, ran.read_text())
                continue
            log.expect(rf"pam_jail\(systemd-user:account\).*refuse.*{who}", 15)
            has(ssh(who, "echo in").stdout, "^in$")
            same(ran.exists(), False, "the planted unit ran")
            lacks(sh("ps -eo user,args"), rf"^{who}\s.*systemd --user")
            has(sh(["jailconf", "check"]), f"^remark: account {who} lingers")
            has(sh(["jailconf", "explain", who]), r"^ +linger +refused ")
        finally:
            sh(["loginctl", "disable-linger", who], check=False)
    came_out("systemd --user: a planted unit, lingering", "denied")


@case
def neither_the_user_s_nor_the_system_s_manager_answers_from_inside():
    for command in ("systemctl --user start planted",
                    "systemd-run --user true", "systemd-run true",
                    "loginctl enable-linger", "machinectl list",
                    "busctl list"):
        done = ssh(JAILED, command)
        same(done.returncode != 0, True, f"{command}: {done.stdout}")
    came_out("systemctl, busctl, from inside a jail", "denied")


@case
def where_systemd_takes_namespaces_from_sshd_nobody_jailed_gets_in():
    """The jail cannot be entered then; that is told, and no way round it."""
    unit = pathlib.Path("/run/systemd/system/ssh.service.d")
    unit.mkdir(parents=True)
    (unit / "bed.conf").write_text("[Service]\nRestrictNamespaces=yes\n")
    restart = "systemctl daemon-reload; systemctl restart ssh"
    sh(restart)
    try:
        eventually(lambda: can_connect(22), "sshd listens")
        stop(JAILED)
        proved(PLAIN, ssh(PLAIN, PROOF).stdout)
        log = Logged()
        lacks(ssh(JAILED, PROOF).stdout, "mnt=")
        log.expect(rf"refuse user={JAILED}.*not (permitted|implemented)")
    finally:
        (unit / "bed.conf").unlink()
        unit.rmdir()
        sh(restart)
        eventually(lambda: can_connect(22), "sshd listens")
    proved(JAILED, ssh(JAILED, PROOF).stdout)


@case
def what_was_stopped_leaves_no_process():
    stop(JAILED)
    eventually(lambda: not sh(f"pgrep -u {JAILED}; :"), "none is left")


run()
