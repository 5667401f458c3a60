#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""programs that move files: lftp, sshfs, scp, rsync, git, mc, and what WinSCP
says to a shell"""
import contextlib
import os
import pathlib
import subprocess

from clients import (BOX, SECRET, alike, belongs, customers, fetch, home_of,
                     in_each_jail, mark_of, marked, tree)
from bed import RUN, Skip, eventually, has, lacks, run, same, sh, ssh_argv
from term import Terminal

customers()
WORK = RUN / "clients"
WORK.mkdir(exist_ok=True)


# --- lftp --------------------------------------------------------------------

def lftp(who, *commands, check=True):
    # It asks for a password unless one is given, which the key makes moot.
    script = "; ".join(["set cmd:fail-exit yes", "set net:max-retries 1",
                        f"open -u {who},none sftp://{BOX}", *commands])
    return sh(["lftp", "-c", script], check=check)


@in_each_jail
def lftp_mirrors_both_ways(who):
    back = WORK / f"lftp-{who}"
    lftp(who, f"mirror -R {tree('many')} up", f"mirror up {back}")
    alike(tree("many"), home_of(who) / "up")
    alike(tree("many"), back)
    belongs(home_of(who) / "up", who)
    (home_of(who) / "up/too-much").write_text("x")
    lftp(who, f"mirror -R --delete {tree('many')} up")
    same((home_of(who) / "up/too-much").exists(), False)


@in_each_jail
def lftp_has_what_is_inside_and_nothing_else(who):
    with marked(who):
        text = lftp(who, "cls -1 /home", f"cat {mark_of(who)}")
        has(text, rf"^{who}$")
        lacks(text, "other")
        done = lftp(who, f"get {SECRET}", check=False)
        same(done.returncode != 0, True, done.stdout)


# --- sshfs -------------------------------------------------------------------

@contextlib.contextmanager
def sshfs(who, path):
    """PATH of WHO's box, mounted for the with block."""
    if "fuse" not in pathlib.Path("/proc/filesystems").read_text().split():
        raise Skip("this kernel has no fuse")
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError as err:
        raise Skip(f"/dev/fuse cannot be opened: {err.strerror}") from err
    at = WORK / f"sshfs-{who}"
    at.mkdir(exist_ok=True)
    sh(["sshfs", f"{who}@{BOX}:{path}", str(at)])
    try:
        yield at
    finally:
        eventually(lambda: sh(["fusermount3", "-u", str(at)],
                              check=False).returncode == 0,
                   f"{at} is not in use")
        same(os.path.ismount(at), False, "unmounted")


@in_each_jail
def sshfs_mounts_a_home(who):
    with sshfs(who, "") as at:
        same(at.owner(), who, "whose it is")
        sh(f"cp -r '{tree('few', 8)}/.' {at}/fs")
        os.rename(at / "fs/two words", at / "fs/renamed")
        with open(at / "fs/renamed", "a", encoding="utf-8") as file:
            file.write(", and more")
        os.unlink(at / "fs/link")
        os.truncate(at / "fs/big", 1000)
        alike(at / "fs", home_of(who) / "fs")
    same((home_of(who) / "fs/renamed").read_text(), "two words, and more")
    same((home_of(who) / "fs/big").stat().st_size, 1000)
    belongs(home_of(who) / "fs", who)


@in_each_jail
def sshfs_shows_what_is_inside_and_nothing_else(who):
    with marked(who), sshfs(who, "/") as at:
        same((at / mark_of(who)[1:]).read_text(), f"{who}\n")
        same(os.listdir(at / "home"), [who])
        same((at / SECRET[1:]).exists(), False)
        try:
            (at / "usr/bin/made").write_text("x")
        except OSError:
            return
        raise AssertionError("the system can be written")


# --- scp, rsync, git ---------------------------------------------------------

@in_each_jail
def scp_copies_many_small_files_with_hard_names(who):
    for protocol in ("-s", "-O"):
        back = WORK / f"scp{protocol}-{who}"
        sh(f"rm -rf {home_of(who)}/scp")
        # scp follows links, so none is sent.
        sh(f"cp -r {tree('many')} {WORK}/unlinked &&"
           f" rm {WORK}/unlinked/link &&"
           f" scp -qrp {protocol} {WORK}/unlinked {who}@{BOX}:scp &&"
           f" scp -qrp {protocol} {who}@{BOX}:scp {back}"
           f"; s=$?; rm -r {WORK}/unlinked; exit $s")
        alike(home_of(who) / "scp", back)
        belongs(home_of(who) / "scp", who)
        same((back / "grüße-日本").read_text(), "grüße-日本")
        same(len(list((back / "deep/er").iterdir())), 40)
        with marked(who):
            target = WORK / f"scp-mark-{who}"
            same(fetch(["scp", "-q", protocol, f"{who}@{BOX}:{mark_of(who)}",
                        str(target)]), True, "the mark")
            same(target.read_text(), f"{who}\n")
            same(fetch(["scp", "-q", protocol, f"{who}@{BOX}:{SECRET}",
                        str(target)]), False, "the secret")


@in_each_jail
def rsync_deletes_what_the_sender_has_not(who):
    for _ in range(2):
        sh(["rsync", "-a", "--delete", f"{tree('many')}/",
            f"{who}@{BOX}:synced/"])
        alike(tree("many"), home_of(who) / "synced")
        belongs(home_of(who) / "synced", who)
        (home_of(who) / "synced/deep/too-much").write_text("x")
        (home_of(who) / "synced/big").write_text("other")
    with marked(who):
        target = WORK / f"rsync-{who}"
        same(fetch(["rsync", f"{who}@{BOX}:{mark_of(who)}", str(target)]),
             True, "the mark")
        same(target.read_text(), f"{who}\n")
        same(fetch(["rsync", f"{who}@{BOX}:{SECRET}", str(target)]), False,
             "the secret")


@in_each_jail
def git_clones_and_pushes_with_hooks_in_the_jail(who):
    """A site that is deployed by a push: the hook checks it out."""
    clone = WORK / f"git-{who}"
    hook = "#!/bin/sh\nmkdir -p ~/www; git --work-tree=$HOME/www checkout -f" \
           " main\nls /home\n"
    sh(["ssh", f"{who}@{BOX}",
        "git init -q --bare -b main site.git && cat >site.git/hooks/"
        "post-receive && chmod +x site.git/hooks/post-receive"],
       stdin=None, input=hook)
    identity = "-c user.name=t -c user.email=t@t"
    text = sh(f"git clone -q {who}@{BOX}:site.git {clone} 2>&1 && cd {clone}"
              f" && cp -r {tree('many')}/. . && git checkout -q -b main"
              f" && git add -A && git {identity} commit -qm one"
              " && git push origin main")
    has(text, rf"^remote: {who}\s*$")
    lacks(text, "other")
    same((home_of(who) / "www/grüße-日本").read_text(), "grüße-日本")
    belongs(home_of(who) / "www", who)
    again = WORK / f"git-again-{who}"
    sh(f"git clone -q --depth 1 ssh://{who}@{BOX}/home/{who}/site.git {again}"
       f" && git -C {again} fsck")
    same((again / "big").read_bytes(), (clone / "big").read_bytes())
    same(fetch(["git", "ls-remote", f"{who}@{BOX}:/home/other/of.git"]), False)


# --- mc and WinSCP -----------------------------------------------------------

@in_each_jail
def mc_s_shell_link_shows_a_file_of_the_jail_s(who):
    with marked(who), Terminal(["mcview", f"sh://{who}@{BOX}{mark_of(who)}"]
                               ) as tty:
        tty.expect(rf"\b{who}\b(?!@)", timeout=30)
        tty.send("\x1b0")
        tty.wait()


WINSCP = ("LANG= LC_ALL= ; unset LANG LC_ALL LANGUAGE", "pwd", "groups",
          "ls -la --full-time ~", 'cd "/home" ; ls -la', 'cd ~ ; pwd',
          'mkdir "new folder" ; ls -lad "new folder"',
          'chmod 755 "new folder"', 'mv "new folder" "other folder"',
          'rm -r -f "other folder"')


@in_each_jail
def what_winscp_says_to_a_shell_is_answered(who):
    """Its scp mode keeps one shell, and finds the end of an answer, and the
    status, by a line that it has asked for."""
    shell = subprocess.Popen(ssh_argv(who), stdin=subprocess.PIPE, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    answers = []
    for command in WINSCP:
        shell.stdin.write(f'{command} ; echo "WinSCP: this is end-of-file:$?"'
                          "\n")
        shell.stdin.flush()
        lines = []
        for line in shell.stdout:
            lines.append(line)
            if line.startswith("WinSCP: this is end-of-file:"):
                break
        same(lines[-1:], ["WinSCP: this is end-of-file:0\n"], command)
        answers.append("".join(lines[:-1]))
    shell.stdin.write("exit\n")
    shell.communicate(timeout=20)
    same(shell.returncode, 0)
    # Debian's greeting may stand before the first.
    same(answers[1], f"/home/{who}\n")
    same(answers[2], f"{who}\n")
    lacks(answers[4], "other")
    same(answers[5], f"/home/{who}\n")


run(seconds=200)
