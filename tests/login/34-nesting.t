#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""from a jail into another: su, sudo, ssh to the same host, the
administrator's way in, servers that outlive their session; and two accounts
with one uid"""
import contextlib
import pathlib

from bed import (JAILED, PLAIN, PROOF, CONF_DIR, Logged, account, came_out,
                 case, eventually, has, jail_account, lacks, proved, residue,
                 run, same, sh, ssh, ssh_argv, sshd, stop, su,
                 the_two, uid_of)
from term import Terminal

ONLINE, LONG, TWIN = "online", "longlived", "twin"

the_two()
jail_account(ONLINE, 'network = "host";')
jail_account(LONG, "linger = 60;", 'network = "none";')
sshd()


# --- from inside -------------------------------------------------------------

WHY_NOT = "^su: \\w"  # it differs from release to release


@case
def su_from_inside_becomes_nobody_else():
    """No set-uid file gives anything inside, and su says so."""
    for target, words in (
            (PLAIN, "user plain does not exist"),
            ("root", WHY_NOT), (JAILED, WHY_NOT)):
        with Terminal(ssh_argv(JAILED, f"su - {target} -c id",
                               options=["-tt"])) as tty:
            if tty.expect("assword: |^su: ", timeout=20).group() != "su: ":
                tty.line("pw")
            same(tty.wait(timeout=20) != 0, True, tty.text)
        lacks(tty.text, r"uid=", target)
        has(tty.text, words, target)
    came_out("su, from inside a jail", "denied")


@case
def sudo_from_inside_names_the_reason():
    done = ssh(JAILED, "sudo -n -u plain id")
    same(done.returncode != 0, True)
    has(done.stderr, "no new privileges")
    came_out("sudo, from inside a jail", "denied")


def key_inside(who):
    """The account has a key of its own, good for everybody's account."""
    sh(f"install -o {who} -g {who} -m 600 /root/.ssh/id_ed25519"
       f" /home/{who}/.ssh/id_ed25519")
    return ("ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=no"
            " -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR")


@case
def ssh_from_a_jail_to_the_same_host_ends_where_the_account_belongs():
    command = key_inside(ONLINE)
    for who in (ONLINE, JAILED, PLAIN):
        pathlib.Path(f"/home/{who}/proof.sh").write_text(PROOF)
    inside = ssh(ONLINE, PROOF).stdout
    proved(ONLINE, inside)
    again = ssh(ONLINE, f"{command} {ONLINE}@127.0.0.1 sh proof.sh").stdout
    proved(ONLINE, again, "ssh, from a jail into the same")
    same(again, inside, "it is the same jail")
    text = ssh(ONLINE, f"{command} {JAILED}@127.0.0.1 sh proof.sh").stdout
    proved(JAILED, text, "ssh, from a jail into another's")
    proved(PLAIN, ssh(ONLINE, f"{command} {PLAIN}@127.0.0.1 sh proof.sh").stdout)


@case
def a_jail_without_a_network_reaches_no_sshd():
    command = key_inside(JAILED)
    done = ssh(JAILED, f"{command} {PLAIN}@127.0.0.1 echo in")
    same((done.returncode, done.stdout), (255, ""))
    came_out("ssh, from a jail without a network", "denied")


# --- the administrator -------------------------------------------------------

@case
def the_administrator_enters_the_jail_as_the_account():
    inside = ssh(JAILED, PROOF).stdout
    text = sh(["jailconf", "exec", JAILED, "--", "sh", "-c", PROOF])
    proved(JAILED, text, "jailconf exec")
    same(text, inside, "it is the same jail")
    same(sh(["jailconf", "exec", JAILED, "--", "id", "-u"]),
         f"{uid_of(JAILED)}\n")


@case
def nobody_else_does():
    """Not another user, not the account itself, from outside or inside."""
    ssh(JAILED, "true")
    tool = sh("command -v jailconf").strip()
    for done in (su(PLAIN, f"{tool} exec {JAILED} -- id"),
                 ssh(JAILED, f"{tool} exec {JAILED} -- id"),
                 ssh(JAILED, f"{tool} stop {JAILED}")):
        same(done.returncode != 0, True)
        lacks(done.stdout, "uid=")
    proved(JAILED, ssh(JAILED, PROOF).stdout)


# --- servers that outlive their session --------------------------------------

SCREEN = "mkdir -p -m 700 ~/.screen; export SCREENDIR=~/.screen;"
SERVERS = {
    "tmux": ("tmux new-session -d -s kept",
             "tmux send-keys -t kept '{}' Enter", "tmux has-session -t kept"),
    "screen": (f"{SCREEN} screen -dmS kept",
               f"{SCREEN} screen -S kept -p 0 -X stuff '{{}}\n'",
               f"{SCREEN} screen -ls | grep -q kept"),
}


def outliving(name, start, type_in, ask):
    def check(who):
        out = pathlib.Path(f"/home/{who}/{name}-out")
        out.unlink(missing_ok=True)
        pathlib.Path(f"/home/{who}/proof.sh").write_text(
            f"{{ {PROOF}\n}} >{out}.new; mv {out}.new {out}\n")
        if who == LONG:
            stop(LONG)
        ssh(who, start)  # and this session is over
        try:
            eventually(lambda: ssh(who, ask).returncode == 0,
                       "another session finds it")
            ssh(who, type_in.format("sh proof.sh"))
            eventually(out.exists, f"{name} obeys", 15)
            text = out.read_text()
            proved(who, text)
            if who == LONG:
                same(text, ssh(LONG, PROOF).stdout, "it is the same jail")
                came_out(f"{name}, after its session", "jail")
        finally:
            sh(f"pkill -u {who} {name}; :")
    check.__name__ = f"{name} outlives its session where the account belongs"

    def pair():
        for who in (PLAIN, LONG):
            check(who)
    pair.__name__ = check.__name__
    case(pair)


for row in SERVERS.items():
    outliving(row[0], *row[1])


@case
def a_server_that_outlived_its_session_ends_with_the_jail():
    ssh(LONG, "tmux new-session -d -s kept")
    same(ssh(LONG, "tmux has-session -t kept").returncode, 0)
    stop(LONG)
    eventually(lambda: not residue(LONG), "nothing is left")


@case
def an_unjailed_tmux_that_was_there_before_is_no_way_out():
    """Started before the account was jailed, it runs on, outside: add says
    so, and the jail does not reach it."""
    account("late")
    ssh("late", "tmux -S /tmp/late.sock new-session -d -s old")
    try:
        text = sh(["jailconf", "add", "late"])
        has(text, "^warning: processes of late that run outside the jail")
        done = ssh("late", "tmux -S /tmp/late.sock send-keys -t old x Enter")
        same(done.returncode != 0, True)
        proved("late", ssh("late", PROOF).stdout)
    finally:
        sh("pkill -u late; :")
        sh(["jailconf", "unjail", "--stop", "late"])


# --- two accounts, one uid ---------------------------------------------------

@contextlib.contextmanager
def twin(first):
    """An account with JAILED's uid, not mapped; FIRST says who of the two
    the name service names first."""
    passwd = pathlib.Path("/etc/passwd")
    before, shadow = passwd.read_text(), sh("cat /etc/shadow")
    uid = uid_of(JAILED)
    line = f"{TWIN}:x:{uid}:{uid}::/home/{TWIN}:/bin/bash\n"
    passwd.write_text(line + before if first == TWIN else before + line)
    pathlib.Path("/etc/shadow").write_text(shadow + f"{TWIN}:*:20000::::::\n")
    home = pathlib.Path(f"/home/{TWIN}")
    sh(f"cp -a /home/{PLAIN}/.ssh {home}/ 2>/dev/null || mkdir -p {home};"
       f" cp -a /home/{PLAIN}/.ssh {home}/; chown -R {uid}:{uid} {home}")
    try:
        yield
    finally:
        passwd.write_text(before)
        pathlib.Path("/etc/shadow").write_text(shadow)
        sh(f"rm -rf {home}")


def is_refused(who, cause):
    for door in (lambda: ssh(who, PROOF), lambda: su(who, PROOF)):
        log = Logged()
        lacks(door().stdout, "mnt=")
        log.expect(rf"pam_jail\(.*refuse user={who}\b.*{cause}")


@case
def an_account_that_shares_a_jailed_one_s_uid_is_refused():
    with twin(first=JAILED):
        uid = uid_of(JAILED)
        is_refused(TWIN, f"uid {uid} is that of {JAILED} as well")
        proved(JAILED, ssh(JAILED, PROOF).stdout)
        has(sh(["jailconf", "check"], check=False).stdout,
            rf"^error: account {TWIN}: uid {uid} is that of {JAILED}")
        done = sh(["jailconf", "explain", TWIN], check=False)
        same(done.returncode, 1)
        has(done.stdout, f"refused everywhere: uid {uid} is that of {JAILED}")
    came_out("another account with the same uid", "denied")
    same(sh(["jailconf", "check"], check=False).returncode, 0)


@case
def a_jailed_account_is_refused_that_is_not_the_first_of_its_uid():
    """Its processes would be taken for the other's, and it for the other."""
    with twin(first=TWIN):
        stop(JAILED)
        is_refused(JAILED, f"uid {uid_of(JAILED)} is that of {TWIN} as well")
        has(sh(["jailconf", "check"], check=False).stdout,
            rf"^error: account {JAILED}.*: uid \d+ is that of {TWIN}")
    proved(JAILED, ssh(JAILED, PROOF).stdout)


@case
def two_jailed_accounts_with_one_uid_are_one_too_many():
    with twin(first=JAILED):
        file = CONF_DIR / "users.d" / TWIN
        file.write_text('jail = "shell";\n')
        try:
            is_refused(TWIN, "is that of")
            proved(JAILED, ssh(JAILED, PROOF).stdout)
        finally:
            file.unlink()


run()
