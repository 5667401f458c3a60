#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""jailconf setup, add, unjail, unsetup: the way there and back leaves the
host as it was, and so does whoever is killed on it"""
import hashlib
import os
import pathlib
import subprocess

from bed import (CONF_DIR, JAILSH, PLAIN, PRISTINE, PROOF, RUN, account, case,
                 has, keep_pristine, proved, run, same, secret, sh, ssh,
                 sshd, stop, su)

keep_pristine()
account(PLAIN)
account("there")
secret()
sshd()

# Everything that PAM, passwd(5) and this tool keep; the times of files do
# not count, and neither do the copies that passwd's tools make (NAME-).
WATCHED = [f"/{path}" for path in PRISTINE] + [
    "/var/lib/pam", "/usr/share/pam-configs"]


def snapshot():
    """path -> mode, owner and content of all that is WATCHED."""
    found = {}
    for top in WATCHED:
        paths = [top]
        for where, _, names in os.walk(top):
            paths += [f"{where}/{name}" for name in names]
        for path in paths:
            info = os.lstat(path)
            text = b""
            if os.path.islink(path):
                text = os.readlink(path).encode()
            elif os.path.isfile(path):
                text = pathlib.Path(path).read_bytes()
            found[path] = (oct(info.st_mode), info.st_uid, info.st_gid,
                           hashlib.sha256(text).hexdigest())
    return found


def differences(before, after):
    return sorted(path for path in before.keys() | after.keys()
                  if before.get(path) != after.get(path))


def off():
    """Neither set up nor anybody jailed."""
    if CONF_DIR.exists():
        for path in sorted((CONF_DIR / "users.d").glob("*")):
            sh(["jailconf", "unjail", path.name])
            (RUN / f"jailed-{path.name}").unlink(missing_ok=True)
    sh(["jailconf", "unsetup"])
    sh(f"rm -rf {CONF_DIR}")
    (RUN / "set-up").unlink(missing_ok=True)


off()
START = snapshot()


@case
def there_and_back_leaves_every_file_as_it_was():
    for _ in range(2):
        sh(["jailconf", "setup"])
        sh(["jailconf", "add", "there"])
        proved("there", ssh("there", PROOF).stdout)
        proved("there", su("there", PROOF).stdout)
        proved(PLAIN, ssh(PLAIN, PROOF).stdout)
        sh(["jailconf", "unjail", "there"])
        proved(PLAIN, ssh("there", PROOF).stdout)
        proved(PLAIN, su("there", PROOF).stdout)
        sh(["jailconf", "unsetup"])
        same(differences(START, snapshot()), [])
        proved(PLAIN, ssh(PLAIN, PROOF).stdout)


@case
def each_command_does_it_once():
    sh(["jailconf", "setup"])
    done = snapshot()
    has(sh(["jailconf", "setup"]), "nothing")
    same(differences(done, snapshot()), [])
    sh(["jailconf", "add", "there"])
    done = snapshot()
    sh(["jailconf", "add", "there"])
    same(differences(done, snapshot()), [])
    sh(["jailconf", "unjail", "there"])
    sh(["jailconf", "unjail", "there"], check=False)
    sh(["jailconf", "unsetup"])
    has(sh(["jailconf", "unsetup"]), "nothing")
    same(differences(START, snapshot()), [])


@case
def each_command_says_what_it_changed_and_how_to_undo_it():
    for words in (["setup"], ["add", "there"]):
        has(sh(["jailconf", *words]), "undo( it)?: jailconf un")
    off()


@case
def the_former_login_shell_comes_back():
    for shell in ("/bin/sh", "/bin/bash"):
        sh(["usermod", "-s", shell, "there"])
        before = pathlib.Path("/etc/passwd").read_bytes()
        sh(["jailconf", "setup"])
        sh(["jailconf", "add", "there"])
        has(sh(["getent", "passwd", "there"]), f":{JAILSH}$")
        stop("there")
        same(ssh("there", "echo $0").stdout.strip() in (shell, "sh", "bash"),
             True)
        has(ssh("there", "echo $SHELL").stdout, f"^{shell}$")
        sh(["jailconf", "unjail", "there"])
        same(pathlib.Path("/etc/passwd").read_bytes() == before, True)
    off()
    sh(["usermod", "-s", "/bin/bash", "there"])


@case
def unsetup_with_jailed_accounts_changes_nothing():
    sh(["jailconf", "setup"])
    sh(["jailconf", "add", "there"])
    done = snapshot()
    result = sh(["jailconf", "unsetup"], check=False)
    same(result.returncode, 1)
    has(result.stdout, "there")
    same(differences(done, snapshot()), [])
    proved("there", ssh("there", PROOF).stdout)
    off()


@case
def what_the_administrator_changed_stays():
    """A line of somebody else's in the same files, before and after."""
    path = pathlib.Path("/etc/pam.d/sshd")
    before = path.read_text()
    path.write_text(before + "# mine\nsession optional pam_permit.so\n")
    sh(["jailconf", "setup"])
    sh(["jailconf", "unsetup"])
    has(path.read_text(), "^# mine\nsession optional pam_permit.so$")
    path.write_text(before)
    same(differences(START, snapshot()), [])


CALLS = ("rename,renameat,renameat2", "write", "unlink,unlinkat",
         "mkdir,mkdirat", "chmod,fchmod,fchmodat", "link,linkat,symlink")


def killed_at(words, calls, number):
    """Runs jailconf WORDS, killed with all it started at the NUMBERth of
    CALLS; whether it came so far."""
    done = subprocess.run(
        f"strace -f -qq -o /dev/null -e trace={calls} -e"
        f" inject={calls}:signal=KILL:when={number}+ jailconf {words}",
        shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=60, check=False)
    return done.returncode != 0


def nobody_is_locked_out():
    """The stacks are whole: everybody who could log in can."""
    for name in ("sshd", "su", "cron", "common-auth", "common-account",
                 "common-session"):
        text = (pathlib.Path("/etc/pam.d") / name).read_text()
        same(text.endswith("\n"), True, f"{name} is cut off")
        # A service's first line is not the last thing that was written.
        same(len(text) >= len((RUN / "pristine/etc/pam.d" / name)
                              .read_text()), True, f"{name} lost lines")
    same(su(PLAIN, "echo in").stdout, "in\n")
    same(su("root", "echo in").stdout, "in\n")


def kill_everywhere(words, prepare):
    """Kills jailconf WORDS at each call that changes a file."""
    tried = 0
    for calls in CALLS:
        # Each rename, and of the rest enough: it goes on from every one.
        for number in range(1, 400, 1 if "rename" in calls else 9):
            prepare()
            if not killed_at(words, calls, number):
                break
            tried += 1
            nobody_is_locked_out()
    same(tried > 5, True, f"{tried} kills")


@case
def setup_that_is_killed_leaves_no_half_edited_file():
    kill_everywhere("setup", off)
    sh(["jailconf", "setup"])
    off()
    same(differences(START, snapshot()), [])


@case
def unsetup_that_is_killed_leaves_no_half_edited_file():
    kill_everywhere("unsetup", lambda: sh(["jailconf", "setup"]))
    off()
    same(differences(START, snapshot()), [])


@case
def add_that_is_killed_leaves_the_account_in_or_out_of_its_jail():
    sh(["jailconf", "setup"])

    def prepare():
        stop("there")
        sh(["jailconf", "unjail", "there"], check=False)
        sh("rm -f /etc/.pwd.lock /etc/passwd.lock /etc/shadow.lock")
    for number in range(1, 60, 2):
        prepare()
        if not killed_at("add there", "write,rename,renameat,renameat2",
                         number):
            break
        text = su("there", PROOF, "-s", "/bin/sh").stdout
        entry = sh(["getent", "passwd", "there"])
        has(entry, f":({JAILSH}|/bin/bash)$")
        has(text, "end|^$")
    prepare()
    sh(["jailconf", "add", "there"])
    proved("there", ssh("there", PROOF).stdout)
    proved("there", su("there", PROOF).stdout)
    off()
    same(differences(START, snapshot()), [])


run(seconds=240)
