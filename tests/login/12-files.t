#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""files over ssh: sftp with both servers, scp with both protocols, rsync, git

That a transfer happens inside is proved by what it can fetch: the host's
secret not, a file that only the jail's /tmp has yes.
"""
import hashlib
import os
import pathlib
import shlex
import subprocess

from bed import (PLAIN, RUN, SSH_OPTIONS, WITH_KEY, both, case, has, lacks,
                 once, reached_no_more, run, same, sh, ssh, sshd, the_two)

INTERNAL = 2222

the_two()
sshd()
sshd(INTERNAL, "Subsystem sftp internal-sftp\n")

WORK = RUN / "files"
MARK = "/tmp/only-inside"


def work():
    """A tree to send: a big file, an executable, a link, a name with a
    space."""
    if once("files-made"):
        WORK.mkdir()
        (WORK / "tree").mkdir()
        (WORK / "tree/big").write_bytes(os.urandom(5 << 20))
        (WORK / "tree/with space").write_text("spaced\n")
        (WORK / "tree/run").write_text("#!/bin/sh\n")
        os.chmod(WORK / "tree/run", 0o755)
        os.symlink("big", WORK / "tree/link")
    return WORK / "tree"


def digest(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def options(port):
    return [*SSH_OPTIONS, *WITH_KEY, "-o", f"Port={port}"]


def sftp(who, commands, port, check=True):
    done = subprocess.run(
        ["sftp", *options(port), "-b", "-", f"{who}@127.0.0.1"], text=True,
        input=commands, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=30, check=False)
    if check and done.returncode:
        raise AssertionError(f"sftp {commands!r}: {done.stdout}")
    return done


def there_and_back(who, port):
    tree = work()
    back = WORK / f"back-{who}-{port}"
    sftp(who, f"put {tree}/big big\nput {tree}/run run\nls -l\n"
              f"get big {back}\nrename big big2\nrm big2\nmkdir d\nrmdir d\n",
         port)
    same(digest(back), digest(tree / "big"), "big")
    same(oct(os.stat(f"/home/{who}/run").st_mode), oct(0o100755))


def sees_what_belongs(who, port, door):
    """Over sftp the host's secret can be had by PLAIN alone; what a session
    left in /tmp can be had by the same account."""
    inside = "" if who == PLAIN else "the jail's "
    ssh(who, f"echo mine >{MARK}")
    got = sftp(who, f"ls /tmp\nls /home\nget {MARK} {WORK}/mark\n", port)
    same((WORK / "mark").read_text(), "mine\n", f"{inside}/tmp")
    done = sftp(who, f"get /home/other/secret {WORK}/secret\n", port, False)
    same(done.returncode == 0, who == PLAIN, "sftp of the host's secret")
    (has if who == PLAIN else lacks)(got.stdout, r"/home/other")
    same(os.path.exists(MARK), who == PLAIN, "it is on the host")
    ssh(who, f"rm {MARK}")
    reached_no_more(who, door)


@both
def sftp_server_sends_and_fetches(who):
    there_and_back(who, 22)


@both
def sftp_server_sees_what_belongs_to_the_account(who):
    sees_what_belongs(who, 22, "sftp: sftp-server")


@both
def internal_sftp_sends_and_fetches(who):
    there_and_back(who, INTERNAL)


@both
def internal_sftp_sees_what_belongs_to_the_account(who):
    sees_what_belongs(who, INTERNAL, "sftp: internal-sftp")


def scp(who, *protocol):
    tree = work()
    sh(f"rm -rf {WORK}/scp-{who} /home/{who}/copy")
    argv = ["scp", *protocol, *options(22), "-pr"]
    sh([*argv, str(tree), f"{who}@127.0.0.1:copy"])
    sh([*argv, f"{who}@127.0.0.1:copy", str(WORK / f"scp-{who}")])
    same(digest(WORK / f"scp-{who}/big"), digest(tree / "big"))
    same((WORK / f"scp-{who}/with space").read_text(), "spaced\n")
    same(os.access(WORK / f"scp-{who}/run", os.X_OK), True)
    done = sh([*argv, f"{who}@127.0.0.1:/home/other/secret",
               str(WORK / "scp-secret")], check=False)
    same(done.returncode == 0, who == PLAIN, "scp of the host's secret")
    reached_no_more(who, "scp " + (*protocol, "(sftp)")[0])
    sh(f"rm -rf {WORK}/scp-{who} /home/{who}/copy")


@both
def scp_with_the_sftp_protocol(who):
    scp(who)


@both
def scp_with_the_old_protocol(who):
    scp(who, "-O")


@both
def rsync_sends_and_fetches(who):
    tree = work()
    over = "ssh " + shlex.join(options(22))
    sh(["rsync", "-a", "-e", over, f"{tree}/", f"{who}@127.0.0.1:synced/"])
    sh(["rsync", "-a", "--delete", "-e", over, f"{who}@127.0.0.1:synced/",
        f"{WORK}/rsync-{who}/"])
    same(sh(f"diff -r {tree} {WORK}/rsync-{who}; echo $?"), "0\n")
    same(os.readlink(WORK / f"rsync-{who}/link"), "big")
    done = sh(["rsync", "-e", over, f"{who}@127.0.0.1:/home/other/secret",
               str(WORK / "rsync-secret")], check=False)
    same(done.returncode == 0, who == PLAIN, "rsync of the host's secret")
    reached_no_more(who, "rsync")


@both
def git_clones_and_pushes(who):
    env = {**os.environ, "GIT_SSH_COMMAND": "ssh " + shlex.join(options(22)),
           "GIT_CONFIG_COUNT": "2", "GIT_CONFIG_KEY_0": "user.name",
           "GIT_CONFIG_VALUE_0": "t", "GIT_CONFIG_KEY_1": "user.email",
           "GIT_CONFIG_VALUE_1": "t@t"}
    ssh(who, "rm -rf r.git; git init -q --bare -b main r.git")
    clone = WORK / f"git-{who}"
    url = f"ssh://{who}@127.0.0.1/home/{who}/r.git"
    sh(f"rm -rf {clone}; git clone -q {url} {clone} && cd {clone} &&"
       " git checkout -q -b main && echo one >f && git add f &&"
       " git commit -qm one && git push -q origin main", env=env)
    sh(f"rm -rf {clone}; git clone -q {url} {clone}", env=env)
    same((clone / "f").read_text(), "one\n")
    same(ssh(who, "git --git-dir=r.git log --format=%s main").stdout, "one\n")


@case
def sftp_makes_the_account_s_files_on_the_host():
    work()
    sftp("jailed", f"put '{WORK}/tree/with space' kept\n", INTERNAL)
    same(pathlib.Path("/home/jailed/kept").owner(), "jailed")


run()
