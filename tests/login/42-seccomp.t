#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""through every door, the kernel refuses what the jail's profile says, and a
jail that says otherwise gets what it says
"""
import errno
import json
import pathlib
import platform
import subprocess

from bed import (JAILED, PATIENCE, PLAIN, WITH_SYSTEMD, Logged, case,
                 configure, eventually, has, jail_account, lacks, run, same,
                 sh, ssh, ssh_argv, sshd, stop, su, the_two)

PROGRAM = pathlib.Path("/usr/local/bin/calls")
IDE, OWN, FREE = "ide", "own", "free"

the_two()
sshd()
if not PROGRAM.exists() and platform.machine() == "x86_64":
    sh(["gcc", "-static", "-Wall", "-o", str(PROGRAM),
        str(pathlib.Path(__file__).parent / "calls.c")])
jail_account(IDE, 'seccomp = "ide";')
jail_account(OWN, 'seccomp = { profile = "batch"; allow = [ "keyctl" ];'
             ' deny = [ "uname" ]; };')
jail_account(FREE, 'seccomp = "none";')

REFUSED = {
    "EPERM": "unshare unshare-user setns clone-user clone-user-high mount"
             " umount2 pivot_root chroot keyctl add_key request_key bpf"
             " perf_event_open userfaultfd io_uring_setup io_uring_enter"
             " io_uring_register fanotify_init open_by_handle_at pidfd_getfd"
             " syslog quotactl move_pages sysfs ustat vhangup acct init_module"
             " kexec_load iopl"
             " TIOCSTI TIOCSTI-high TIOCLINUX TIOCLINUX-high TIOCSETD"
             " FSSETXATTR FSSETXATTR-high SETFLAGS SETFLAGS-high file_setattr"
             " socket-filter set-uid-chmod set-uid-fchmod set-uid-fchmodat"
             " set-uid-creat set-uid-open set-uid-openat set-uid-tmpfile"
             " set-uid-mknod set-uid-mknodat set-uid-mq",
    "ENOMEM": "mmap-large memfd-large",
    "ENOSYS": "clone3 clone3-user open_tree move_mount fsopen fsconfig fsmount"
              " fspick mount_setattr statmount listmount open_tree_attr"
              " i386-getpid i386-mount x32-getpid x32-0 new-470 new-1000"
              " set-uid-fchmodat2 set-uid-openat2",
    "EAFNOSUPPORT": "socket-inet-high socket-vsock socket-vsock-high socket-alg"
                    " socket-packet socket-tipc",
    "EPROTONOSUPPORT": "socket-sctp socket-uevent socket-netfilter",
    "ESOCKTNOSUPPORT": "socket-seqpacket",
    "ENOTUNIQ": "probe",
}
DONE = ("clone TIOCGWINSZ socket-unix socket-inet socket-route group-chmod"
        " read-only").split()
# In a jail of the profile "ide".
IDE_DOES = ("unshare unshare-user clone-user clone3 clone3-user mount umount2"
            " pivot_root setns chroot open_tree move_mount fsopen fsconfig"
            " fsmount fspick mount_setattr statmount listmount"
            " open_tree_attr clone-user-high").split()
IDE_DOES += [what for words in REFUSED.values() for what in words.split()
             if what.startswith("set-uid-")]


def answers(text):
    """What the program said: {what: name of the errno, or "0"}."""
    has(text, "^end$")
    return {what: errno.errorcode.get(int(number), number)
            for what, number in
            (line.split() for line in text.splitlines() if line != "end")}


def expected():
    wanted = {what: name for name, words in REFUSED.items()
              for what in words.split()}
    return wanted | {what: "0" for what in DONE}


def by_cron(who):
    path = pathlib.Path(f"/home/{who}/calls.out")
    path.unlink(missing_ok=True)
    sh(["crontab", "-u", who, "-"], stdin=None,
       input=f"@reboot {PROGRAM} >calls.tmp 2>&1; mv calls.tmp calls.out\n")
    if WITH_SYSTEMD:
        sh("systemctl stop cron")
    pathlib.Path("/run/crond.reboot").unlink(missing_ok=True)
    daemon = subprocess.Popen(["cron", "-f"])
    try:
        eventually(path.exists, "cron ran the job", 15)
    finally:
        daemon.kill()
        daemon.wait()
        sh(["crontab", "-u", who, "-r"])
    return path.read_text()


DOORS = {
    "ssh": lambda who: ssh(who, str(PROGRAM)).stdout,
    "su": lambda who: su(who, str(PROGRAM)).stdout,
    "exec": lambda who: sh(["jailconf", "exec", who, "--", str(PROGRAM)]),
}


@case
def every_door_refuses_the_same():
    for door, enter in DOORS.items():
        got = answers(enter(JAILED))
        same({k: v for k, v in got.items() if expected()[k] != v}, {}, door)
        same(set(got), set(expected()), door)


@case
def cron_refuses_the_same():
    same(answers(by_cron(JAILED)), expected())


@case
def without_a_jail_and_with_the_profile_none_it_is_another_answer():
    """So what is tried can tell whether there is a filter."""
    plain = answers(ssh(PLAIN, str(PROGRAM)).stdout)
    free = answers(ssh(FREE, str(PROGRAM)).stdout)
    other = {what for what, name in expected().items() if plain[what] != name}
    for what in ("unshare setns clone3 userfaultfd keyctl add_key TIOCSETD"
                 " FSSETXATTR FSSETXATTR-high SETFLAGS file_setattr"
                 " io_uring_enter pidfd_getfd probe"
                 " socket-filter mmap-large memfd-large"
                 " set-uid-chmod set-uid-fchmod set-uid-fchmodat set-uid-creat"
                 " set-uid-open set-uid-openat set-uid-openat2 set-uid-tmpfile"
                 " set-uid-mknod set-uid-mknodat set-uid-mq"
                 " move_pages sysfs ustat").split():
        same(what in other, True, f"{what} {plain[what]}")
        same(free[what] != expected()[what], True, f"{what} {free[what]}")


@case
def the_profile_ide_opens_user_namespaces_and_nothing_else():
    got = answers(ssh(IDE, str(PROGRAM)).stdout)
    same({k: v for k, v in got.items()
          if expected()[k] != v and k not in IDE_DOES}, {})
    same(got["clone-user"], "0")
    same(got["clone3-user"], "0")
    same(got["set-uid-chmod"], "0")
    has(ssh(IDE, "unshare -Ur id -u").stdout, "^0$")
    has(ssh(JAILED, "unshare -Ur id -u").stderr, "Operation not permitted")


@case
def a_list_of_its_own_changes_the_profile():
    got = answers(ssh(OWN, str(PROGRAM)).stdout)
    same({k for k, v in got.items() if expected()[k] != v}, {"keyctl"})
    same(got["keyctl"], "0")
    has(ssh(OWN, "uname -s").stderr, "not permitted")
    has(ssh(OWN, "strace true").stderr, "not permitted")
    same(ssh(JAILED, "strace -o /dev/null true").returncode, 0)


@case
def explain_tells_the_profile_and_what_differs():
    has(sh(["jailconf", "explain", JAILED]), r"^ +seccomp +login$")
    has(sh(["jailconf", "explain", OWN]),
        r"^ +seccomp +batch, but allowed: keyctl, and refused: uname$")
    has(sh(["jailconf", "explain", FREE]), r"^ +seccomp +none: every")
    told = json.loads(sh(["jailconf", "explain", "--json", OWN]))["seccomp"]
    same((told["profile"], told["allow"], told["deny"]),
         ("batch", ["keyctl"], ["uname"]))


ONE = r"""
import os, socket, time
s = socket.socket(socket.AF_UNIX)
s.bind("\0seccomp-test")
s.listen()
print(os.getpid(), flush=True)
time.sleep(60)
"""
OTHER = r"""
import os, socket, subprocess, sys
pid = int(sys.argv[1])
socket.socket(socket.AF_UNIX).connect("\0seccomp-test")
print("connected")
os.kill(pid, 0)
print("signalled")
tracer = subprocess.Popen(["strace", "-o", "/dev/null", "-p", str(pid)],
                          stderr=subprocess.PIPE, text=True)
print(tracer.stderr.readline().split()[-1])
tracer.terminate()
os.kill(pid, 15)
"""
# Ubuntu's kernel lets nobody attach to what is not a child: ptrace(2), Yama.
YAMA = pathlib.Path("/proc/sys/kernel/yama/ptrace_scope")
ATTACHED = "permitted" if YAMA.exists() and int(YAMA.read_text()) else "attached"


@case
def sessions_of_one_jail_reach_one_another_by_every_door():
    """One jail is one: what one session has started the next one may stop.  A
    Landlock domain for each session would take that away."""
    for path, text in (("one", ONE), ("other", OTHER)):
        pathlib.Path(f"/home/{JAILED}/{path}.py").write_text(text)
    for door in (ssh, su):
        first = subprocess.Popen(ssh_argv(JAILED, "python3 one.py"),
                                 stdout=subprocess.PIPE, text=True)
        pid = int(first.stdout.readline())
        done = door(JAILED, f"python3 other.py {pid}")
        same(done.stdout, f"connected\nsignalled\n{ATTACHED}\n", done.stderr)
        first.wait(20 * PATIENCE)
        first.stdout.close()


@case
def with_a_call_that_there_is_not_nobody_gets_in():
    log = Logged()
    stop(OWN)
    configure(OWN, 'seccomp = { deny = [ "unmae" ]; };')
    same(ssh(OWN, "echo in").stdout, "")
    log.expect(rf"users.d/{OWN}:\d+: deny: no such system call: unmae")


@case
def a_session_without_its_filter_does_not_begin():
    """The first call after it fails as one that is denied: the shell's own."""
    stop(OWN)
    configure(OWN, 'seccomp = { deny = [ "execve" ]; };')
    for door in (ssh, su):
        done = door(OWN, "echo in")
        lacks(done.stdout, "^in$")
        same(done.returncode != 0, True)
    stop(OWN)
    configure(OWN)


run(120)
