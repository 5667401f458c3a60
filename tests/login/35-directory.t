#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""an account of an LDAP directory, jailed by a rule: nobody can give it
another login shell here

sshd and cron need none.  At the doors that do, it is refused, the log says
why, and "jailconf check" and "explain" know as much.
"""
import contextlib
import json
import os
import pathlib
import re

from bed import (CONF_DIR, JAILSH, PROOF, RUN, Logged, account, at_door,
                 can_connect, case, eventually, has, lacks, once, proved,
                 run, same, secret, set_up, sh, ssh, sshd, su)

NAME, FREE = "dora", "ernie"  # of the directory: jailed, and not
PORT = 3389
UIDS = {NAME: 7001, FREE: 7002}

SLAPD = f"""
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {RUN}/slapd.pid
database mdb
suffix dc=bed
rootdn cn=admin,dc=bed
rootpw pw
directory {RUN}/ldap
"""

NSLCD = f"""
uid nslcd
gid nslcd
uri ldap://127.0.0.1:{PORT}/
base dc=bed
nss_initgroups_ignoreusers ALLLOCAL
bind_timelimit 10
timelimit 10
reconnect_sleeptime 1
reconnect_retrytime 2
"""


def entries():
    text = ("dn: dc=bed\nobjectClass: dcObject\nobjectClass: organization\n"
            "o: bed\ndc: bed\n")
    for name, uid in UIDS.items():
        text += (f"\ndn: uid={name},dc=bed\nobjectClass: account\n"
                 "objectClass: posixAccount\nobjectClass: shadowAccount\n"
                 f"uid: {name}\ncn: {name}\nuidNumber: {uid}\n"
                 f"gidNumber: {uid}\nhomeDirectory: /home/{name}\n"
                 "loginShell: /bin/bash\n"
                 f"\ndn: cn={name},dc=bed\nobjectClass: posixGroup\n"
                 f"cn: {name}\ngidNumber: {uid}\n")
    return text


def start_directory():
    """slapd with two accounts, and a name service that asks it."""
    (RUN / "ldap").mkdir(parents=True)
    (RUN / "slapd.conf").write_text(SLAPD)
    sh(["slapadd", "-f", str(RUN / "slapd.conf")], stdin=None,
       input=entries())
    sh(["slapd", "-f", str(RUN / "slapd.conf"), "-h",
        f"ldap://127.0.0.1:{PORT}/"])
    eventually(lambda: can_connect(PORT), "slapd listens")
    pathlib.Path("/etc/nslcd.conf").write_text(NSLCD)
    sh("install -d -o nslcd -g nslcd /run/nslcd; nslcd")


def make_homes():
    key = pathlib.Path("/root/.ssh/id_ed25519.pub").read_text()
    for name, uid in UIDS.items():
        home = pathlib.Path(f"/home/{name}")
        (home / ".ssh").mkdir(parents=True, exist_ok=True)
        (home / ".ssh/authorized_keys").write_text(key)
        sh(f"chown -R {uid}:{uid} {home}; chmod 700 {home} {home}/.ssh")


@contextlib.contextmanager
def changed(path, change):
    path = pathlib.Path(path)
    before = path.read_text()
    path.write_text(change(before))
    try:
        yield
    finally:
        path.write_text(before)


@contextlib.contextmanager
def directory():
    """The name service has the directory, and a rule jails NAME."""
    rule = f'rules = ( {{ match = "{NAME[:3]}*"; jail = "shell"; }}\n'
    with changed("/etc/nsswitch.conf", lambda t: re.sub(
            r"^(passwd|group|shadow):\s+files", r"\g<0> ldap", t, flags=re.M)), \
            changed(CONF_DIR / "jail.conf",
                    lambda t: t.replace("rules = (\n", rule, 1)):
        eventually(lambda: sh(["getent", "passwd", NAME], check=False)
                   .returncode == 0, "the name service knows the account")
        yield


set_up()
account("other")
secret()
sshd()
if once("directory"):
    start_directory()
    make_homes()


@case
def by_ssh_it_is_in_its_jail():
    with directory():
        proved("plain", ssh(FREE, PROOF).stdout)
        proved(NAME, ssh(NAME, PROOF).stdout,
               "shell of a directory, not jailsh: ssh")
        same(ssh(NAME, "id -un; id -u; echo $SHELL").stdout.split(),
             [NAME, str(UIDS[NAME]), "/bin/bash"])


@case
def by_su_it_is_refused_and_the_log_says_why():
    with directory():
        proved("plain", su(FREE, PROOF).stdout)
        log = Logged()
        done = su(NAME, PROOF)
        has(done.stderr, "^login refused$")
        same(at_door("shell of a directory, not jailsh: su -", done.stdout,
                     log, rf"pam_jail\(su-l:account\): refuse user={NAME} .*"
                     rf"needs the login shell {JAILSH}, and the account's is "
                     "/bin/bash"), "denied")


@case
def check_and_explain_know_it():
    with directory():
        text = sh(["jailconf", "check"])
        has(text, rf"^remark: \d+ accounts? .*\({NAME}\).*another login shell")
        told = json.loads(sh(["jailconf", "explain", "--json", NAME]))
        ends = {door["service"]: door["end"] for door in told["doors"]}
        same([ends[name] for name in ("sshd", "cron", "su", "su-l", "login",
                                      "atd")],
             ["jail", "jail", "refused", "refused", "refused", "refused"])
        has(sh(["jailconf", "explain", NAME]),
            rf"^ +su +refused +the login shell is /bin/bash, not {JAILSH}$")
        has(sh(["jailconf", "explain", FREE]), "is not jailed")


@case
def a_directory_that_lists_nobody_is_told_of():
    """As sssd's is by default: who is asked for is known, and no other."""
    with directory(), changed(
            "/etc/nslcd.conf", lambda t: t + "nss_disable_enumeration yes\n"):
        restart_nslcd()
        lacks(sh("getent passwd"), f"^{NAME}:")
        text = sh(["jailconf", "check"])
        has(text, r"^remark: ldap \(nsswitch.conf\) does not list")
        lacks(text, NAME)
        with changed(CONF_DIR / "jail.conf", lambda t: t.replace(
                f'match = "{NAME[:3]}*"', f'user = "{NAME}"')):
            has(sh(["jailconf", "check"]), rf"^remark: .*\({NAME}\)")
        proved(NAME, ssh(NAME, PROOF).stdout)
    restart_nslcd()


def restart_nslcd():
    pid = pathlib.Path("/run/nslcd/nslcd.pid")
    old = int(pid.read_text())
    os.kill(old, 15)
    eventually(lambda: not os.path.exists(f"/proc/{old}"), "nslcd ends")
    sh("nslcd")


@case
def while_the_directory_does_not_answer_it_does_not_get_in():
    with directory():
        same(ssh(NAME, "echo in").stdout, "in\n")
        pid = int((RUN / "slapd.pid").read_text())
        os.kill(pid, 15)
        eventually(lambda: not can_connect(PORT), "slapd is gone")
        sh("jailconf stop dora", check=False)
        lacks(ssh(NAME, PROOF, timeout=60).stdout, "mnt=")
        sh(["slapd", "-f", str(RUN / "slapd.conf"), "-h",
            f"ldap://127.0.0.1:{PORT}/"])
        eventually(lambda: ssh(NAME, "echo in", timeout=60).stdout == "in\n",
                   "it gets in again", 40)


run(seconds=120)
