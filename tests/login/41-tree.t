#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""another release as a jail's root: the account "centos" is "work" in there,
with another home and the tree's own programs"""
import pathlib
import subprocess
import sys

from bed import (JAILED, PLAIN, SSH_OPTIONS, WITH_KEY, Logged, case, has,
                 jail_account, lacks, same, run, sh, ssh, ssh_argv, sshd, stop,
                 su, the_two, uid_of, CONF_DIR)
from term import Terminal

OTHER = pathlib.Path("/srv/other")
NAME = "centos"

if not (OTHER / "etc/os-release").exists():
    print("no tree of another release at /srv/other")
    sys.exit(77)

the_two()
sshd()
sshd(2222, "Subsystem sftp internal-sftp\n")
jail_account(NAME, f'root = "{OTHER}";', 'name = "work";',
             'home = "/home/work";', 'shell = "/bin/bash";')


def codename(path):
    text = pathlib.Path(path).read_text()
    return [line.split("=")[1] for line in text.splitlines()
            if line.startswith("VERSION_CODENAME=")][0]


RELEASE = codename(OTHER / "etc/os-release")
VIEW = ("id -un; id -u; echo $USER $LOGNAME $HOME $SHELL; pwd;"
        " . /etc/os-release; echo $VERSION_CODENAME")


def seen(text):
    same(text.split(), ["work", str(uid_of(NAME)), "work", "work",
                        "/home/work", "/bin/bash", "/home/work", RELEASE])


@case
def it_is_another_release():
    same(RELEASE != codename("/etc/os-release"), True, RELEASE)


@case
def by_ssh_and_by_su_it_is_the_tree():
    seen(ssh(NAME, VIEW).stdout)
    seen(su(NAME, VIEW).stdout)


@case
def the_home_is_the_account_s_at_both_its_paths():
    ssh(NAME, "echo x >~/made; echo y >/home/centos/made-too")
    for name in ("made", "made-too"):
        path = pathlib.Path(f"/home/{NAME}/{name}")
        same(path.owner(), NAME)
    lacks(ssh(NAME, "ls /home").stdout, f"{JAILED}|{PLAIN}|other")


@case
def a_terminal_works_with_the_tree_s_programs():
    with Terminal(ssh_argv(NAME, options=["-tt"])) as tty:
        tty.expect(r"\$ $", timeout=20)
        name = tty.ask("tty", r"^(/dev/pts/\d+)\r").group(1)
        tty.ask("stat -c 'owner=%U group=%G' $(tty)",
                r"^owner=work group=tty\r")
        tty.ask("ps -o tty= -p $$", rf"^{name.removeprefix('/dev/')}\s*\r")
        tty.line("exit 3")
        same(tty.wait(), 3)


@case
def both_sftp_servers_work_in_it():
    for port in ("22", "2222"):
        done = subprocess.run(
            ["sftp", *SSH_OPTIONS, *WITH_KEY, "-P", port, "-b", "-",
             f"{NAME}@127.0.0.1"], text=True, timeout=20, check=False,
            input="pwd\nput /etc/os-release host\nget /etc/os-release"
                  " /run/bed/inner\n",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        same(done.returncode, 0, done.stdout)
        has(done.stdout, "/home/work$")
        same(codename("/run/bed/inner"), RELEASE)


@case
def the_tree_cannot_be_written():
    for path in ("/usr/x", "/etc/x", "/x", "/srv/x"):
        same(ssh(NAME, f"echo x >{path}").returncode != 0, True, path)
    same(list(OTHER.glob("x")), [])


@case
def who_gets_the_uid_of_another_does_not_get_his_changes():
    jail_account("former", f'root = "{OTHER}";', "writable = true;")
    uid = str(uid_of("former"))
    same(su("former", "echo in").stdout, "in\n")
    stop("former")
    changes = pathlib.Path(f"/var/lib/jail/overlay/{uid}")
    same(len(list(changes.glob("*/upper"))), 1, str(list(changes.iterdir())))
    sh(["jailconf", "unjail", "former"])
    sh(["userdel", "former"])
    sh(["useradd", "-M", "-d", "/home/former", "-u", uid, "-s", "/bin/bash",
        "later"])
    sh(f"chown -R later: /home/former; jailconf add later --root {OTHER};"
       f"echo 'writable = true;' >>{CONF_DIR}/users.d/later")
    log = Logged()
    lacks(su("later", "echo in").stdout, "^in$")
    log.expect(r"refuse user=later .*what is in it belongs to other ids"
               rf" \(account former uid {uid}\), not to account later uid {uid}:"
               r" give the account those again, or move it away")
    sh(f"mv {changes} {changes}.away")
    same(su("later", "echo in").stdout, "in\n")
    sh(["jailconf", "unjail", "--stop", "later"])


@case
def who_only_looks_makes_no_place_for_changes():
    """Where there is one, what may be in it decides who gets in."""
    name = "looked"
    jail_account(name, f'root = "{OTHER}";', "writable = true;")
    changes = pathlib.Path(f"/var/lib/jail/overlay/{uid_of(name)}")
    for verb in (["check"], ["explain", name], ["try", name, "--", "true"],
                 ["add", "--network", "none", name]):
        sh(["jailconf", *verb], check=False)
        same(changes.exists(), False, verb[0])
    same(su(name, "echo in").stdout, "in\n")
    same(changes.exists(), True)
    has(sh(["jailconf", "explain", name]), f"^{name} .* is in jail shell")
    stop(name)


@case
def a_shell_is_looked_for_where_it_will_be():
    name, shells = "ownshell", pathlib.Path("/opt/ownshells")
    shells.mkdir(parents=True, exist_ok=True)
    shell = shells / "sh"
    shell.write_text('#!/bin/sh\nexec /bin/sh "$@"\n')
    shell.chmod(0o755)
    inside = "/opt/shells"  # which the host has not
    jail_account(name, f'root = "{OTHER}";', f'shell = "{inside}/sh";',
                 f'binds = ( {{ source = "{shells}"; target = "{inside}"; }} '
                 ");")
    for there in (True, False):
        done = sh(["jailconf", "explain", name], check=False)
        if there:
            same(done.returncode, 0, done.stdout)
            same(su(name, "echo in").stdout, "in\n")
        else:
            same(done.returncode, 1)
            has(done.stdout, f"{name} is refused everywhere: jail shell: the "
                             f"shell {inside}/sh is not there: No such file")
            lacks(su(name, "echo in").stdout, "^in$")
        stop(name)
        if there:
            shell.rename(shells / "sh.away")
    sh(["jailconf", "unjail", name])


@case
def a_program_of_the_tree_gives_no_privilege():
    has(sh(f"ls -l {OTHER}/usr/bin/su"), "^-rws")
    has(ssh(NAME, "grep NoNewPrivs /proc/self/status").stdout, r"\s1$")
    has(ssh(NAME, "findmnt -no OPTIONS / || grep ' / ' /proc/self/mounts")
        .stdout, "nosuid")


@case
def with_the_tree_s_passwd_the_name_is_what_it_says():
    """The tree does not know the account: id(1) has but its number."""
    path = CONF_DIR / "users.d" / NAME
    before = path.read_text()
    path.write_text(before + 'passwd = "tree";\n')
    stop(NAME)
    log = Logged()
    try:
        done = ssh(NAME, "id -u; id -un; cat /etc/passwd | wc -l")
        lines = str((OTHER / "etc/passwd").read_text().count("\n"))
        same(done.stdout.split(), [str(uid_of(NAME))] * 2 + [lines],
             log.text())
    finally:
        path.write_text(before)
        stop(NAME)


run()
