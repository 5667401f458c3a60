#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""what is wrong with the configuration keeps jailed accounts out, is told
in the log and to nobody else, and keeps root in

Each row breaks one thing, and is undone after.
"""
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

from bed import (CONF_DIR, JAILED, JAILSH, KEEPER, PATHS, PLAIN, RUN, RUN_DIR,
                 Logged, case, has, lacks, once, proved, PROOF,
                 run, same, sh, ssh, ssh_argv, sshd, stop, su, the_two,
                 uid_of, unmount)

the_two()
sshd()
if once("root-key"):
    shutil.copy("/root/.ssh/id_ed25519.pub", "/root/.ssh/authorized_keys")

MAIN = CONF_DIR / "jail.conf"
USER = CONF_DIR / "users.d" / JAILED
PAM_MODULE = pathlib.Path(PATHS["pam_dir"]) / "pam_jail.so"


@contextlib.contextmanager
def kept(*paths):
    """Puts files and directories back as they were."""
    with tempfile.TemporaryDirectory(dir=RUN) as keep, \
            contextlib.ExitStack() as stack:
        for number, path in enumerate(paths):
            sh(["cp", "-a", str(path), f"{keep}/{number}"])
            stack.callback(sh, f"rm -rf {path}; cp -a {keep}/{number} {path}")
        yield


def gets_in(who):
    return (ssh(who, "echo in").stdout == "in\n",
            su(who, "echo in").stdout == "in\n")


def out(done, name=""):
    """DONE tells of somebody who did not get in."""
    lacks(done.stdout, "^in$", name)
    same(done.returncode != 0, True, name)


def refused(who, cause):
    """WHO is refused by ssh and su, reads two words, and the log has CAUSE."""
    for name, door in (("ssh", lambda: ssh(who, "echo in")),
                       ("su", lambda: su(who, "echo in"))):
        log = Logged()
        done = door()
        out(done, name)
        log.expect(rf"pam_jail\(.*user={who}\b.*{cause}")
        if name != "ssh":  # sshd says what PAM does only where it can ask
            same([line for line in done.stderr.splitlines()
                  if not line.startswith("su: ")], ["login refused"], name)
        lacks(done.stdout + done.stderr, "jail.conf|users.d|/etc/", name)


def broken(cause, plain, who=JAILED):
    """What must hold while something is broken: PLAIN tells whether the
    unjailed account gets in."""
    stop(who)
    refused(who, cause)
    same(su(PLAIN, "echo in").stdout == "in\n", plain,
         "the unjailed account gets in")
    same(su("root", "id -u").stdout, "0\n", "root gets in")


def text(path, change):
    path.write_text(change(path.read_text()))


# Of jail.conf: who is jailed is not known, so nobody gets in but root.
MAIN_ROWS = {
    "that is not there": (lambda: MAIN.unlink(), "jail.conf"),
    "of somebody else's": (lambda: os.chown(MAIN, 1, 0), "jail.conf"),
    "that a group may write": (lambda: MAIN.chmod(0o664), "jail.conf"),
    "that others may write": (lambda: MAIN.chmod(0o646), "jail.conf"),
    "that is a link": (lambda: (MAIN.rename(f"{MAIN}.x"),
                                MAIN.symlink_to(f"{MAIN}.x")), "jail.conf"),
    "that is a directory": (lambda: (MAIN.unlink(), MAIN.mkdir()),
                            "jail.conf"),
    "that is a fifo": (lambda: (MAIN.unlink(), os.mkfifo(MAIN)),
                       "jail.conf"),
    "with a second name": (lambda: os.link(MAIN, f"{MAIN}.y"), "jail.conf"),
    "in a directory of somebody else's": (lambda: os.chown(CONF_DIR, 1, 1),
                                          str(CONF_DIR)),
    "in a directory that others may write": (
        lambda: CONF_DIR.chmod(0o777), str(CONF_DIR)),
    "with a syntax error": (lambda: text(MAIN, lambda t: t + "\njails = {\n"),
                            r"jail\.conf:\d+: "),
    "with an unknown key": (
        lambda: text(MAIN, lambda t: t + "\nno_such_key = 1;\n"),
        r"jail\.conf:\d+: .*no_such_key"),
    "with a key of the wrong type": (
        lambda: MAIN.write_text("rules = 1;\n"), r"jail\.conf:1: .*rules"),
    "with a key twice": (
        lambda: MAIN.write_text("exempt_groups = [];\nexempt_groups = [];\n"),
        r"jail\.conf:2: "),
    "that includes another": (
        lambda: text(MAIN, lambda t: t + '\n@include "other.conf"\n'),
        r"jail\.conf:\d+: .*include"),
    "with a rule for a jail that is not there": (
        lambda: MAIN.write_text('rules = ({ user = "x"; jail = "nowhere"; });'
                                '\njails = { shell = {}; };\n'),
        r"jail\.conf:1: .*nowhere"),
    "with a jail that inherits itself": (
        lambda: MAIN.write_text('jails = { shell = { inherit = "b"; };\n'
                                'b = { inherit = "shell"; }; };\n'),
        r"jail\.conf:\d+: .*inherit"),
    "with a rule that has no jail": (
        lambda: MAIN.write_text('rules = ({ user = "x"; });\n'
                                'jails = { shell = {}; };\n'),
        r"jail\.conf:1: "),
    "with a number that is too large": (
        lambda: MAIN.write_text('jails = { shell = { linger = 4294967297; };'
                                ' };\n'), r"jail\.conf:1: "),
    "with a relative path": (
        lambda: MAIN.write_text('jails = { shell = { root = "srv"; }; };\n'),
        r"jail\.conf:1: .*root"),
    "with a rule of uids that means root": (
        lambda: MAIN.write_text('rules = ({ uid = "0-99"; jail = "shell"; });'
                                '\njails = { shell = {}; };\n'),
        r"jail\.conf:1: .*uid"),
}


def main_case(name, change, cause):
    def check():
        with kept(CONF_DIR):
            change()
            broken(cause, plain=False)
    check.__name__ = f"a jail.conf {name} closes every door but root's"
    case(check)


for row, (edit, words) in MAIN_ROWS.items():
    main_case(row, edit, words)


def user(line):
    return lambda: text(USER, lambda t: t + line + "\n")


# Of the account's own file: only this account is concerned.
USER_ROWS = {
    "with a syntax error": (user("x = ;"), rf"users\.d/{JAILED}:\d+: "),
    "with an unknown key": (user("colour = 1;"),
                            rf"users\.d/{JAILED}:\d+: .*colour"),
    "of somebody else's": (lambda: os.chown(USER, uid_of(JAILED), 0),
                           f"users.d/{JAILED}"),
    "that its account may write": (lambda: USER.chmod(0o666),
                                   f"users.d/{JAILED}"),
    "that is a link": (lambda: (USER.rename(f"{USER}-x"),
                                USER.symlink_to(f"{USER}-x")),
                       f"users.d/{JAILED}"),
    "that is a fifo": (lambda: (USER.unlink(), os.mkfifo(USER)),
                       f"users.d/{JAILED}"),
    "that names a jail that is not there": (
        lambda: USER.write_text('jail = "nowhere";\n'), "nowhere"),
    "with a template that does not exist": (
        user('binds = ( { source = "/srv/%x"; target = "/data"; } );'), "%x"),
    "with another uid": (user("uid = 4711;"), "uid"),
    "with uid 0": (user("uid = 0;"), "uid"),
    "with a bind whose source is missing": (
        user('binds = ( { source = "/srv/none"; target = "/data"; } );'),
        "/srv/none"),
    "with a root that is missing": (user('root = "/srv/none";'), "/srv/none"),
    "with a relative target": (
        user('binds = ( { source = "/srv"; target = "data"; } );'), "target"),
    "with a target that climbs": (
        user('binds = ( { source = "/srv"; target = "/a/../b"; } );'),
        r"/a/\.\./b"),
    "with a service that is no word": (
        user('doors = { sshd = "maybe"; };'), "maybe"),
    "with a limit that does not exist": (
        lambda: text(USER, lambda t: t.replace("limits = { }",
                                               "limits = { nofiles = 10; }")),
        "nofiles"),
}


def user_case(name, change, cause):
    def check():
        with kept(CONF_DIR):
            change()
            broken(cause, plain=True)
    check.__name__ = f"a file in users.d {name} closes the account's doors"
    case(check)


for row, (edit, words) in USER_ROWS.items():
    user_case(row, edit, words)


def with_root(path, who, prepare, cause):
    shutil.rmtree("/srv/root", ignore_errors=True)
    pathlib.Path(path).mkdir(parents=True)
    prepare()
    with kept(CONF_DIR):
        user(f'root = "{path}";')()
        broken(cause, plain=True, who=who)
    shutil.rmtree("/srv/root")


@case
def a_root_that_somebody_else_could_change_is_refused():
    uid = uid_of(JAILED)
    for prepare in (lambda: os.chown("/srv/root/a", uid, 0),
                    lambda: os.chown("/srv/root", uid, 0),
                    lambda: os.chmod("/srv/root/a", 0o775),
                    lambda: os.chmod("/srv/root", 0o1777)):
        with_root("/srv/root/a", JAILED, prepare, "/srv/root")


@case
def a_root_that_is_reached_by_a_link_is_refused():
    os.makedirs("/srv/root/real")
    os.symlink("real", "/srv/root/a")
    with kept(CONF_DIR):
        user('root = "/srv/root/a";')()
        broken("/srv/root/a", plain=True)
    shutil.rmtree("/srv/root")


@case
def a_bind_of_something_the_account_owns_must_say_so():
    source = f"/home/{JAILED}/mine"
    os.makedirs(source, exist_ok=True)
    os.chown(source, uid_of(JAILED), uid_of(JAILED))
    with kept(CONF_DIR):
        user(f'binds = ( {{ source = "{source}"; target = "/data"; }} );')()
        broken(source, plain=True)


@case
def an_account_whose_shell_is_not_jailsh_does_not_get_in_by_su():
    with kept("/etc/passwd"):
        stop(JAILED)
        sh(["usermod", "-s", "/bin/bash", JAILED])
        proved(JAILED, ssh(JAILED, PROOF).stdout)
        log = Logged()
        out(su(JAILED, "echo in"))
        log.expect("refuse.*login shell")


@case
def a_jail_whose_shell_is_missing_runs_no_other():
    with kept(CONF_DIR):
        stop(JAILED)
        user('shell = "/bin/nothing";')()
        done = ssh(JAILED, "echo in")
        out(done)
        same((done.returncode, done.stderr), (127, "login refused\n"))
        out(su(JAILED, "echo in"))


@case
def a_keeper_that_is_not_there_or_not_root_s_starts_nothing():
    for change in (lambda: os.rename(KEEPER, f"{KEEPER}.x"),
                   lambda: os.chmod(KEEPER, 0o644)):
        with kept(KEEPER):
            change()
            broken("", plain=True)
            pathlib.Path(f"{KEEPER}.x").unlink(missing_ok=True)


@case
def a_run_directory_of_somebody_else_s_is_not_used():
    stop(JAILED)
    RUN_DIR.mkdir(exist_ok=True)
    for change in (lambda: os.chown(RUN_DIR, 1, 1),
                   lambda: RUN_DIR.chmod(0o777)):
        before = RUN_DIR.stat()
        change()
        try:
            broken(str(RUN_DIR), plain=True)
        finally:
            os.chown(RUN_DIR, 0, 0)
            RUN_DIR.chmod(before.st_mode & 0o777)


@case
def a_socket_that_somebody_else_put_there_is_not_believed():
    """Who may write /run/jail is root; what is planted by root's mistake is
    still recognised as not the keeper's."""
    stop(JAILED)
    uid = uid_of(JAILED)
    path = RUN_DIR / str(uid)
    path.mkdir(mode=0o710)
    os.chown(path, uid, uid)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as fake:
            fake.bind(str(path / "shell"))
            fake.listen()
            refused(JAILED, "")
            same(gets_in(PLAIN), (True, True))
    finally:
        shutil.rmtree(path, ignore_errors=True)


@case
def a_full_run_directory_refuses():
    stop(JAILED)
    sh(f"mkdir -p {RUN_DIR}; mount -t tmpfs -o size=4k,nr_inodes=1,mode=755"
       f" full {RUN_DIR}")
    try:
        broken("", plain=True)
    finally:
        unmount(RUN_DIR)
    same(gets_in(JAILED), (True, True), "afterwards")


@contextlib.contextmanager
def pam(service, change):
    """Edits /etc/pam.d/SERVICE by CHANGE(text)."""
    path = pathlib.Path("/etc/pam.d") / service
    with kept(path):
        text(path, change)
        yield


def without(*types):
    def change(lines):
        return "".join(line for line in lines.splitlines(True)
                       if not ("pam_jail" in line
                               and line.split()[0] in types))
    return change


@case
def without_the_auth_line_ssh_is_refused_and_su_is_not_open():
    with pam("common-auth", without("auth")):
        stop(JAILED)
        log = Logged()
        out(ssh(JAILED, "echo in"))
        log.expect("refuse.*no auth line")
        proved(JAILED, su(JAILED, PROOF).stdout)
        same(gets_in(PLAIN), (True, True))


@case
def without_the_session_line_nothing_runs_outside():
    with pam("common-session", without("session")):
        stop(JAILED)
        out(ssh(JAILED, "echo in"))
        out(su(JAILED, "echo in"))
        same(gets_in(PLAIN), (True, True))


@case
def without_any_line_jailsh_does_not_run_the_shell_outside():
    with pam("common-session", without("session")), \
            contextlib.ExitStack() as stack:
        for name, kind in (("common-auth", "auth"),
                           ("common-account", "account")):
            path = pathlib.Path("/etc/pam.d") / name
            before = path.read_text()
            text(path, without(kind))
            stack.callback(path.write_text, before)
        stop(JAILED)
        for done in (ssh(JAILED, "echo in"), su(JAILED, "echo in")):
            out(done)
            has(done.stderr, "login refused")


@case
def with_an_argument_that_does_not_exist_nobody_jailed_gets_in():
    with pam("common-account",
             lambda t: t.replace("pam_jail.so", "pam_jail.so no_such")):
        stop(JAILED)
        refused(JAILED, "no_such")
        same(ssh("root", "id -u").stdout, "0\n")


def set_argument(words):
    def change(lines):
        return "".join(
            line.replace("pam_jail.so", f"pam_jail.so {words}")
            for line in lines.splitlines(True))
    return change


@case
def an_exempt_group_gets_in_although_jail_conf_is_broken():
    sh(f"getent group staffers || groupadd staffers; usermod -aG staffers"
       f" {PLAIN}")
    try:
        with kept(CONF_DIR), contextlib.ExitStack() as stack:
            MAIN.write_text("broken\n")
            for name in ("common-auth", "common-account", "common-session"):
                path = pathlib.Path("/etc/pam.d") / name
                stack.callback(path.write_text, path.read_text())
                text(path, set_argument("exempt=staffers"))
            same(gets_in(PLAIN), (True, True))
            stop(JAILED)
            refused(JAILED, r"jail\.conf:\d+: ")
    finally:
        sh(f"gpasswd -d {PLAIN} staffers")


@case
def deny_jailed_keeps_only_those_out_who_are_surely_meant():
    with kept(CONF_DIR), contextlib.ExitStack() as stack:
        MAIN.write_text("broken\n")
        for name in ("common-auth", "common-account", "common-session"):
            path = pathlib.Path("/etc/pam.d") / name
            stack.callback(path.write_text, path.read_text())
            text(path, set_argument("config-error=deny-jailed"))
        same(gets_in(PLAIN), (True, True))
        stop(JAILED)
        refused(JAILED, r"jail\.conf:\d+: ")


@case
def a_running_jail_does_not_shelter_from_a_broken_configuration():
    with kept(CONF_DIR):
        client = subprocess.Popen(
            ssh_argv(JAILED, "echo up; cat"), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        same(client.stdout.readline(), b"up\n")
        MAIN.write_text("broken\n")
        try:
            refused(JAILED, r"jail\.conf:\d+: ")
        finally:
            client.communicate(timeout=10)


@case
def a_jail_that_runs_with_a_group_that_was_taken_away_is_not_joined():
    """Its session would be in it again."""
    sh(f"getent group leavers || groupadd leavers; usermod -aG leavers"
       f" {JAILED}")
    stop(JAILED)
    client = subprocess.Popen(
        ssh_argv(JAILED, "id -Gn; cat"), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE)
    try:
        has(client.stdout.readline().decode(), r"\bleavers$")
        sh(f"gpasswd -d {JAILED} leavers")
        refused(JAILED, "running, not jail .*groups have changed")
    finally:
        client.kill()
        client.wait()
        sh(f"gpasswd -d {JAILED} leavers; :")
        stop(JAILED)
    same(gets_in(JAILED), (True, True))


@case
def root_gets_in_by_every_door_although_all_is_broken():
    with kept(CONF_DIR):
        MAIN.write_text("broken\n")
        same(ssh("root", "id -u").stdout, "0\n")
        same(su("root", "id -u").stdout, "0\n")
        same(gets_in(PLAIN), (False, False))


@case
def afterwards_everybody_gets_in_again():
    same(gets_in(JAILED), (True, True))
    same(gets_in(PLAIN), (True, True))
    same(os.access(JAILSH, os.X_OK) and PAM_MODULE.exists(), True)


run()
