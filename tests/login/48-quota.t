#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""what an account keeps on disk is counted and limited: from one session and
from ten at once, by ssh and su, in the home and in changes; and no account
takes its files out of it"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

from bed import (PLAIN, Logged, Skip, account, case, configure, eventually,
                 has, jail_account, lacks, never_mind, of_uid, once, run, same,
                 sh, ssh, ssh_argv, sshd, stop, su, uid_of, unmount)
from term import Terminal

WHO = "counted"
MOVER = "mover"
PLACE = pathlib.Path("/srv/quota")  # a file system with quotas of projects
BARE = pathlib.Path("/srv/bare")  # one that has them, and does not hold them
MIB = 1 << 20
LIMIT, MAX_FILES = 8 * MIB, 120


if not shutil.which("mkfs.ext4"):
    print("no mkfs.ext4")
    sys.exit(77)


def file_system(place, size, options):
    image = f"/var/tmp/{place.name}.img"
    sh(f"modprobe loop 2>&1; truncate -s {size}M {image};"
       " mkfs.ext4 -q -O project,quota -E quotatype=usrquota:prjquota"
       f" {image} && mkdir -p {place}")
    done = sh(f"mount -o loop,{options} {image} {place}", check=False)
    if done.returncode:
        print("no quotas of projects here: " + " ".join(done.stdout.split()))
        sys.exit(77)


def set_home(home, name, *options):
    """usermod(8) does not while a process of the account's runs."""
    eventually(lambda: not of_uid(uid_of(name)), f"{name} runs nothing")
    sh(["usermod", *options, "-d", str(home), name])


def at(place, name):
    """The account NAME has its home at PLACE."""
    account(name)
    if once(f"home-{name}"):
        set_home(place / name, name, "-m")
    return place / name


if once("quota"):
    try:
        file_system(PLACE, 300, "prjquota")
        file_system(BARE, 16, "noatime")
        # Changes are kept where they count.
        sh(f"mkdir -p {PLACE}/overlay /srv/self /var/lib/jail/overlay;"
           f" mount --bind {PLACE}/overlay /var/lib/jail/overlay;"
           " mount --bind / /srv/self")
    except SystemExit:
        never_mind("quota")
        raise

HOME = at(PLACE, WHO)
at(PLACE, PLAIN)
jail_account(WHO)
sshd()

UNCOUNTED = f"{HOME}: what is in it is not counted yet: run jailconf quota {WHO}"


def limit(words, *keys):
    stop(WHO)
    configure(WHO, "limits = { " + words + " };", *keys)


def quota(name=WHO):
    done = sh(["jailconf", "quota", name], check=False)
    same(done.returncode, 0, done.stdout)
    return done.stdout


def use():
    """What the kernel has counted in PLACE: bytes and files."""
    rows = json.loads(sh(["jailconf", "quota", "--json", WHO]))
    return rows[0]["bytes"], rows[0]["files"]


def projects(place):
    """Of everything that has one: {path: (project, whether it is handed
    down)}."""
    text = sh(f"find {place} -xdev \\( -type d -o -type f \\) -print0"
              " | xargs -0 lsattr -dp", timeout=120)
    found = {}
    for line in text.splitlines():
        project, flags, path = line.split(None, 2)
        found[path] = int(project), "P" in flags
    return found


def all_counted(place, name):
    wrong = {path: what for path, what in projects(place).items()
             if what != (uid_of(name), os.path.isdir(path))}
    same(wrong, {}, "not counted")


def take(files, many, place="~"):
    """A command that makes so many FILES in PLACE, then writes so MANY MiB to
    one that is there, and says what was possible; what was too much is an
    error."""
    return (f": >>{place}/fill; n=0; while [ $n -lt {files} ] &&"
            f" : >{place}/file-$$-$n; do n=$((n+1)); done; echo made $n;"
            f" n=0; while [ $n -lt {many} ] && head -c 1M /dev/zero"
            f" >>{place}/fill; do n=$((n+1)); done; echo wrote $n")


def used_up(text, place=HOME, said="Disk quota exceeded"):
    """Both limits were hit, as TEXT has it from everybody who took; then all
    is as before."""
    has(text, said)
    size, files = use()
    same(LIMIT - MIB < size <= LIMIT, True, f"{size} bytes")
    same(files, MAX_FILES)
    same(sum(int(n) for n in re.findall(r"made (\d+)", text)) < MAX_FILES, True)
    same(sum(int(n) for n in re.findall(r"wrote (\d+)", text)) < 8, True)
    if place:
        sh(f"rm {place}/fill {place}/file-*")


@case
def what_is_not_counted_keeps_everybody_out():
    limit('disk = "8M"; disk_files = 120;')
    for enter in (ssh, su):
        log = Logged()
        lacks(enter(WHO, "echo in").stdout, "^in$")
        log.expect(f"refuse user={WHO} .*disk is not limited: {UNCOUNTED}")
    has(sh(["jailconf", "check"], check=False).stdout, UNCOUNTED)
    done = sh(["jailconf", "explain", WHO], check=False)
    same(done.returncode, 1)
    has(done.stdout, UNCOUNTED)
    # Something of another project is not ours to take over.
    sh(f"echo x >{HOME}/of-another; chattr -p 7 {HOME}/of-another")
    done = sh(["jailconf", "quota", WHO], check=False)
    same(done.returncode, 1)
    has(done.stdout, f'{HOME}: "of-another" in it is of project 7 already')
    lacks(ssh(WHO, "echo in").stdout, "^in$")
    sh(f"chattr -p 0 {HOME}/of-another")


@case
def jailconf_quota_counts_what_is_there():
    limit('disk = "8M"; disk_files = 120;')
    sh(f"mkdir -p {HOME}/a/b; head -c 1M /dev/zero >{HOME}/a/b/c;"
       f" ln -s a {HOME}/link; mkfifo {HOME}/fifo;"
       f" chown -Rh {WHO}: {HOME}")
    has(quota(), rf"^{HOME}: marked \d+ files and directories")
    all_counted(HOME, WHO)
    size, files = use()
    same((size >= MIB, files > 5), (True, True), f"{size} {files}")
    lacks(quota(), "marked")
    has(sh(["jailconf", "quota", "--force", WHO]), f"^{HOME}: marked 0 files")
    same(ssh(WHO, "echo in; cat link/b/c | wc -c").stdout,
         f"in\n{MIB}\n")
    has(sh(["jailconf", "explain", WHO]),
        rf"disk +8192 KiB and 120 files on each file system, for project"
        rf" {uid_of(WHO)}:")
    plan = json.loads(sh(["jailconf", "explain", "--json", WHO]))
    same(plan["limits"]["disk"],
         {"project": uid_of(WHO), "bytes": LIMIT, "files": MAX_FILES,
          "not_counted": [], "not_held": None})
    lacks(sh(["jailconf", "check"], check=False).stdout, WHO)


@case
def one_session_gets_no_more():
    for enter in (ssh, su):
        done = enter(WHO, take(MAX_FILES, 12))
        used_up(done.stdout + done.stderr)
    # Others have the rest.
    same(ssh(PLAIN, "head -c 30M /dev/zero >~/much; stat -c %s ~/much;"
             " rm ~/much").stdout, f"{30 * MIB}\n")


@case
def ten_sessions_at_once_get_no_more():
    command = take(20, 2)
    clients = [subprocess.Popen(
        ssh_argv(WHO, command) if i % 2 else ["su", "-", WHO, "-c", command],
        text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT) for i in range(10)]
    used_up("".join(client.communicate(timeout=600)[0] for client in clients))


# As the owner of the file or directory PATH: every way to say whose quota
# counts it.  Prints what worked.
ATTEMPTS = """
import ctypes, fcntl, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
path = os.path.expanduser(sys.argv[1])
fd = os.open(path, os.O_RDONLY)
attr = bytearray(28)
fcntl.ioctl(fd, 0x801c581f, attr)
flags, size, extents, project = struct.unpack_from("4I", attr)
flags_of = bytearray(8)
fcntl.ioctl(fd, 0x80086601, flags_of)
def said(what, ret):
    print(what, "done" if ret == 0 else os.strerror(ctypes.get_errno()))
def fsset(flags, project, high):
    new = ctypes.create_string_buffer(
        struct.pack("4I", flags, size, extents, project).ljust(28, bytes(1)))
    return libc.syscall(16, fd, ctypes.c_ulong(0x401c5820 | high), new)
for high in (0, 1 << 32, 1 << 63):
    said("project", fsset(flags, 0, high))
    said("own-project", fsset(flags, os.getuid() + 1, high))
    said("inherit", fsset(flags & ~0x200, project, high))
    old = struct.unpack("l", flags_of)[0]
    new = ctypes.c_long(old & ~0x20000000)
    said("setflags", libc.syscall(16, fd, ctypes.c_ulong(0x40086602 | high),
                                  ctypes.byref(new)))
new = ctypes.create_string_buffer(struct.pack("QIIII", 0, 0, 0, 0, 0))
said("file_setattr", libc.syscall(469, fd, b"", new, 24, 0x1000))
"""


@case
def the_account_cannot_take_a_file_out():
    PLACE.joinpath("attempts.py").write_text(ATTEMPTS)
    # Who is not in a jail can: the attempts are good.
    sh(f"mkdir -p {PLACE}/{PLAIN}/d; chown {PLAIN}: {PLACE}/{PLAIN}/d;"
       f" chattr +P -p 99 {PLACE}/{PLAIN}/d")
    text = ssh(PLAIN, f"python3 {PLACE}/attempts.py ~/d").stdout
    has(text, "^project done$")
    has(text, "^inherit done$")
    has(text, "^setflags done$")
    sh(f"cp {PLACE}/attempts.py {HOME}/.attempts")
    before = projects(HOME)
    for enter in (ssh, su):
        done = enter(WHO, "for path in ~ ~/a ~/a/b/c; do"
                     " python3 ~/.attempts $path; done;"
                     " chattr -p 0 ~/a/b/c ~/a; chattr -R -P ~/a;"
                     # What is made and moved about stays counted.
                     " mkdir -p ~/x/y; cp -a ~/a ~/x/y/; mv ~/x/y ~/z;"
                     " tar -C ~ -cf - a | tar -C ~/z -xf -; rm -r ~/x")
        lacks(done.stdout, " done$")
        same(len(re.findall(" Operation not permitted$", done.stdout, re.M)),
             3 * 13, done.stdout)
        same({k: v for k, v in projects(HOME).items() if k in before}, before)
        all_counted(HOME, WHO)
        sh(f"rm -r {HOME}/z")


@case
def the_account_reads_what_it_was():
    stop(WHO)  # which has said so already, and does again after a minute only
    su_client = Terminal(["su", "-", WHO])
    su_client.expect(r"\$ ")
    su_client.send("head -c 12M /dev/zero >fill; exit\n")
    su_client.expect(r"Disk quota exceeded")
    su_client.expect(r"disk quota used up \(limit 8 MiB\)")
    su_client.wait()
    client = Terminal(ssh_argv(WHO, options=("-t",)))
    client.expect(r"disk quota used up \(limit 8 MiB\)")
    client.send("rm fill; exit\n")
    client.wait()
    has(sh(["jailconf", "log", WHO]), r"limit .*disk_full=1")
    log = Logged()
    same(su(WHO, "df -k --output=size ~ | tail -n 1").stdout.split(),
         ["8192"])
    lacks(log.text(), "disk_full=1")
    stop(WHO)


@case
def changes_to_a_root_of_its_own_are_counted_too():
    limit('disk = "8M"; disk_files = 120;', 'root = "/srv/self";',
          "writable = true;")
    log = Logged()
    lacks(ssh(WHO, "echo in").stdout, "^in$")
    log.expect(f"refuse .*/var/lib/jail/overlay/{uid_of(WHO)}: what is in it"
               " is not counted yet")
    quota()
    sh(f"mkdir -p /srv/own; chown {WHO}: /srv/own")
    for enter in (ssh, su):
        done = enter(WHO, take(MAX_FILES, 12, "/srv/own"))
        used_up(done.stdout + done.stderr, None)
        done = enter(WHO, "rm /srv/own/fi*; echo x >/srv/own/x; rm"
                     " /srv/own/x; mkdir /srv/own/x && rmdir /srv/own/x"
                     " && echo fine")
        same(done.stdout, "fine\n", done.stderr)
    stop(WHO)
    all_counted(f"/var/lib/jail/overlay/{uid_of(WHO)}", WHO)


@case
def where_the_limits_are_not_held_it_is_told():
    stop(WHO)
    configure(WHO, "limits = { };")
    bare = BARE / WHO
    sh(f"mkdir -p {bare}; chown {WHO}: {bare}")
    set_home(bare, WHO)
    try:
        why = (f"{bare}: its file system does not hold quotas of projects:"
               " mount it with prjquota, an ext4 after tune2fs -O"
               " project,quota")
        limit('disk = "8M";')
        log = Logged()
        lacks(su(WHO, "echo in").stdout, "^in$")
        log.expect(f"refuse user={WHO} .*disk is not limited: {why}")
        has(sh(["jailconf", "quota", WHO], check=False).stdout, why)
        limit('disk = "8M"; required = false;')
        log = Logged()
        same(su(WHO, "echo in").stdout, "in\n")
        log.expect(f'limit user={WHO} .*not_held="?disk"? cause=.*{why}')
        has(sh(["jailconf", "explain", WHO]), f"not held: .*{why}")
        has(sh(["jailconf", "check"], check=False).stdout,
            rf"warning: the disk of 1 accounts \({WHO}\) is not limited")
    finally:
        stop(WHO)
        set_home(HOME, WHO)


@case
def a_limit_that_is_gone_is_lifted():
    limit("")
    has(quota(), f"{HOME}: no limit any more")
    same(su(WHO, "head -c 30M /dev/zero >~/fill; stat -c %s ~/fill; rm ~/fill")
         .stdout, f"{30 * MIB}\n")


@case
def xfs_holds_it_as_well():
    if not shutil.which("mkfs.xfs"):
        raise Skip("no mkfs.xfs")
    place = pathlib.Path("/srv/xfs")
    sh("modprobe xfs; truncate -s 400M /var/tmp/xfs.img; mkdir -p /srv/xfs;"
       " mkfs.xfs -q /var/tmp/xfs.img", timeout=120)
    sh("mount -o loop,prjquota /var/tmp/xfs.img /srv/xfs")
    stop(WHO)
    sh(f"mkdir {place}/{WHO}; cp -a {HOME}/. {place}/{WHO};"
       f" chown {WHO}: {place}/{WHO}")
    set_home(place / WHO, WHO)
    try:
        limit('disk = "8M"; disk_files = 120;')
        lacks(su(WHO, "echo in").stdout, "^in$")
        has(quota(), rf"^{place}/{WHO}: marked \d+ files")
        all_counted(place / WHO, WHO)
        for enter in (ssh, su):
            done = enter(WHO, "df -k --output=size ~ | tail -n 1;"
                         + take(MAX_FILES, 12))
            same(done.stdout.split()[0], "8192")
            used_up(done.stdout + done.stderr, place / WHO,
                    "No space left on device")
            (place / WHO / ".attempts").write_text(ATTEMPTS)
            done = enter(WHO, "mkdir -p ~/a && python3 ~/.attempts ~/a")
            lacks(done.stdout, " done$", done.stderr)
            has(done.stdout, "^project Operation not permitted$")
    finally:
        stop(WHO)
        set_home(HOME, WHO)


# Moves files and directories about, as fast as it can.
MOVE = """
import itertools, os
os.chdir(os.path.expanduser("~"))
for i in itertools.count():
    here, there, n = f"t{i % 7}", f"t{(i * 3 + 1) % 7}", i % 99
    for do in (lambda: os.mkdir(f"{here}/d{n}"),
               lambda: open(f"{here}/d{n}/f{n}", "w").close(),
               lambda: os.rename(f"{here}/d{n}", f"{there}/e{n}"),
               lambda: os.rename(f"{here}/f{n}", f"{there}/g{n}"),
               lambda: os.rename(f"{here}/g{n}", f"{here}/a{n}"),
               lambda: os.rename(here, f"t{i % 5}/{there}"),
               lambda: os.link(f"{here}/a{n}", f"{there}/l{n}")):
        try:
            do()
        except OSError:
            pass
"""


def outside(who, *command):
    """A process of the account's, by another way than its doors."""
    return subprocess.Popen(
        ["setpriv", "--reuid", str(uid_of(who)), "--clear-groups", "--regid",
         sh(["id", "-g", who]).strip(), "env", f"HOME={PLACE}/{who}",
         *command])


@case
def nobody_may_be_there_while_it_is_marked():
    home = at(PLACE, MOVER)
    jail_account(MOVER, 'limits = { disk = "200M"; };')
    (home / "move").write_text(MOVE)
    sh(f"cd {home}; for t in 0 1 2 3 4 5 6; do mkdir t$t; for f in $(seq 99);"
       f" do echo $f >t$t/f$f; done; done; chown -R {MOVER}: .")
    mover = outside(MOVER, "timeout", "120", "python3", f"{home}/move")
    try:
        eventually(lambda: of_uid(uid_of(MOVER)), "it moves")
        done = sh(["jailconf", "quota", MOVER], check=False)
        same(done.returncode, 1, done.stdout)
        has(done.stdout, rf"processes of {MOVER} run: \d+ \(\w+, pid \d+\)")
    finally:
        mover.terminate()
        mover.wait()
    lacks(su(MOVER, "echo in").stdout, "^in$", "before it is marked")
    eventually(lambda: "marked" in sh(["jailconf", "quota", MOVER],
                                      check=False).stdout, "it is marked")
    all_counted(home, MOVER)
    same(su(MOVER, "echo in").stdout, "in\n")
    stop(MOVER)


@case
def what_a_mount_hides_is_not_passed_over():
    home = at(PLACE, MOVER)
    sh(f"mkdir -p {home}/under/below; mount -t tmpfs none {home}/under")
    try:
        done = sh(["jailconf", "quota", "--force", MOVER], check=False)
        same(done.returncode, 1, done.stdout)
        has(done.stdout, f'{home}: something is mounted at "under" in it:'
                         " unmount that for the time")
    finally:
        unmount(f"{home}/under")
    has(quota(MOVER), "of project|are project")
    all_counted(home, MOVER)


run(120)
