#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""the limits of setrlimit(2), and of terminals and sessions: each of them
exceeded inside by one session, by ssh and by su, and by ten at once

A program inside takes as much as it gets, up to a bound, tells how much that
was, and holds it until it is told to go.
"""
import pathlib
import re
import resource
import subprocess

from bed import (PATIENCE, Skip, account, case, configure, eventually, has,
                 jail_account, run, same, sh, ssh, ssh_argv, sshd, stop, su)

WHO = "taker"
HOME = pathlib.Path(f"/home/{WHO}")
AT_ONCE = 10

TAKE = r'''
import ctypes, errno, mmap, os, resource, signal, sys, time
libc = ctypes.CDLL(None, use_errno=True)
MIB = 1 << 20

def count(most, one):
    """How often ONE works before it fails, at most MOST times."""
    for n in range(most):
        try:
            one(n)
        except (OSError, MemoryError):
            return n
    return most

def checked(value):
    if value < 0:
        raise OSError(ctypes.get_errno(), "")
    return value

kept = []

def take_as(n):
    kept.append(mmap.mmap(-1, 16 * MIB, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS))

def take_data(n):
    kept.append(mmap.mmap(-1, 16 * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))

def take_stack(n):  # a quarter of it may be arguments
    if os.spawnv(os.P_WAIT, "/bin/true", ["true"] + ["x" * 8192] * 8 * n):
        raise OSError(errno.E2BIG, "")

def take_memlock(n):
    area = mmap.mmap(-1, 16384)
    kept.append(area)
    at = ctypes.addressof(ctypes.c_char.from_buffer(area))
    checked(libc.mlock(ctypes.c_void_p(at), ctypes.c_size_t(16384)))

class MqAttr(ctypes.Structure):
    _fields_ = [(n, ctypes.c_long) for n in "flags maxmsg msgsize curmsgs a b c d".split()]

def take_msgqueue(n):
    name = b"/%d-%d" % (os.getpid(), n)
    attr = MqAttr(0, 4, 1024)
    kept.append(checked(libc.mq_open(name, os.O_CREAT | os.O_RDWR, 0o600,
                                     ctypes.byref(attr))))
    libc.mq_unlink(name)

def take_nofile(n):
    kept.append(os.open("/dev/null", os.O_RDONLY))

def take_nproc(n):
    pid = os.fork()
    if pid == 0:
        time.sleep(600)
        os._exit(0)
    kept.append(pid)

def take_sigpending(n):
    if n == 0:
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
    checked(libc.sigqueue(os.getpid(), int(signal.SIGRTMIN), ctypes.c_void_p(0)))

def take_terminals(n):
    kept.append(os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY))

def take_fsize(n):
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if n == 0:
        kept.append(os.open("big-%d" % os.getpid(), os.O_CREAT | os.O_WRONLY))
    if os.write(kept[0], b"x" * 65536) < 65536:
        raise OSError(errno.EFBIG, "")

def take_cpu(n):
    """Seconds until a signal that cannot be caught."""
    signal.signal(signal.SIGXCPU, lambda *_: None)
    while time.process_time() < n + 1:
        pass
    print("worked", n + 1, flush=True)

def take_rtprio(n):
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(n + 1))

def take_nice(n):
    os.nice(-1)

def take_files(n):
    os.close(os.open("/tmp/file-%d-%d" % (os.getpid(), n), os.O_CREAT | os.O_WRONLY))

what, most = sys.argv[1], int(sys.argv[2])
print("took", count(most, globals()["take_" + what]), flush=True)
for _ in range(6000):
    if os.path.exists("go"):
        break
    time.sleep(0.1)
if what == "nproc":
    for pid in kept:
        os.kill(pid, signal.SIGKILL)
if what in ("fsize", "files"):
    os.system("rm -f big-* /tmp/file-*")
'''

account("plain")
jail_account(WHO)
sshd()
(HOME / "take.py").write_text(TAKE)


def limit(words):
    stop(WHO)
    configure(WHO, "limits = { " + words + " };")


def go(yes):
    if yes:
        (HOME / "go").touch()
    else:
        (HOME / "go").unlink(missing_ok=True)


def took(text):
    """How much was taken; 0 by who could not even begin."""
    found = re.search(r"^took (\d+)$", text, re.M)
    return int(found.group(1)) if found else 0


def from_one(what, most):
    go(True)
    return [took(enter(WHO, f"python3 take.py {what} {most}").stdout)
            for enter in (ssh, su)]


def from_ten(what, most):
    """All hold what they have until nobody gets more."""
    go(False)
    command = f"python3 take.py {what} {most}"
    outs = [open(f"/run/bed/took-{i}", "w+") for i in range(AT_ONCE)]
    clients = [subprocess.Popen(
        ssh_argv(WHO, command) if i % 2 else ["su", "-", WHO, "-c", command],
        stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        for i, out in enumerate(outs)]

    def texts():
        return [pathlib.Path(out.name).read_text() for out in outs]

    try:
        eventually(lambda: all("took" in text or client.poll() is not None
                               for text, client in zip(texts(), clients)),
                   f"all have tried: {texts()}", 40)
        return [took(text) for text in texts()]
    finally:
        go(True)
        for client in clients:
            client.wait(60 * PATIENCE)
        for out in outs:
            out.close()


# What, what it is given, how often it is tried, and how much of it there may
# be: for each process, or for all of the account's (of the jail's) together.
OF_PROCESS = [
    ("as", 'as = "200M";', 20, 12),
    ("data", 'data = "96M";', 20, 5),
    ("stack", 'stack = "1M";', 8, 4),
    ("memlock", 'memlock = "64K";', 10, 4),
    ("fsize", 'fsize = "1M";', 20, 16),
    ("nofile", "nofile = 40;", 60, 37),
    ("rtprio", "rtprio = 5;", 20, 5),
    ("nice", "nice = 25;", 15, 5),  # 20 - 25: down to -5
]
OF_ALL = [
    ("msgqueue", 'msgqueue = "40K";', 12, 9),
    ("nproc", "nproc = 48;", 60, 47),
    ("sigpending", "sigpending = 30;", 40, 30),
    ("terminals", "terminals = 12;", 20, 12),
    ("files", "tmp_files = 64;", 100, 64),
]


# These are 0 on every host, and nobody would exceed them: pam_limits(8) gives
# more than the jail does, by ssh (by su there is the jail's and PID 1's alone:
# jailsh(8)).  Where root may not raise a limit, it cannot.
RAISED = {"rtprio": (resource.RLIMIT_RTPRIO, "50"),
          "nice": (resource.RLIMIT_NICE, "-20")}


def host_gives(what):
    """Whether the host lets the account have more of it than the jail does."""
    if what not in RAISED:
        return True
    number, more = RAISED[what]
    was = resource.getrlimit(number)
    try:
        resource.prlimit(0, number, (50, 50))
    except PermissionError:
        return False
    resource.prlimit(0, number, was)
    pathlib.Path(f"/etc/security/limits.d/{what}.conf").write_text(
        f"{WHO} - {what} {more}\n")
    return True


def of_process(what, words, most, bound):
    """Ten processes have ten times as much, and none has more than one."""
    if not host_gives(what):
        raise Skip(f"root may not raise {what} here: see tests/login/with-vm")
    limit(words)
    single = from_one(what, most)
    same(max(single) <= bound, True, f"{what}: {single} of {bound}")
    same(min(single) > 0, True, f"{what}: {single}")
    ten = from_ten(what, most)
    same(max(ten) <= bound, True, f"{what}: {ten} of {bound}")
    same(min(ten) > 0, True, f"{what}: {ten}")


def of_all(what, words, most, bound):
    limit(words + " sessions = 30;")
    single = from_one(what, most)
    same(max(single) <= bound, True, f"{what}: {single} of {bound}")
    same(min(single) > bound / 3, True, f"{what}: {single} of {bound}")
    ten = from_ten(what, most)
    same(0 < sum(ten) <= bound, True, f"{what}: {ten} of {bound}")


def unlimited(what, _, most, bound):
    """The limit is what stops it, nothing else."""
    limit("sessions = 30;")
    by_ssh, by_su = from_one(what, most)
    same(by_ssh > bound, True, f"{what} without a limit: {by_ssh} by ssh")
    same(by_su > bound, what not in RAISED, f"{what} without a limit: {by_su}")


def make_cases():
    for row in OF_PROCESS:
        def process(row=row):
            of_process(*row)
        process.__name__ = f"{row[0]}_of_each_process"
        case(process)
    for row in OF_ALL:
        def everybody(row=row):
            of_all(*row)
        everybody.__name__ = f"{row[0]}_of_all_together"
        case(everybody)


make_cases()


@case
def what_is_not_limited_is_not_stopped():
    for row in OF_PROCESS + OF_ALL:
        if row[0] not in ("memlock", "stack") and host_gives(row[0]):
            unlimited(*row)


@case
def who_works_too_long_is_killed():
    limit("cpu = 2;")
    for enter in (ssh, su):
        done = enter(WHO, "python3 take.py cpu 9")
        has(done.stdout, "worked 1")
        same("worked 4" in done.stdout, False, done.stdout)
    texts = [client.communicate(timeout=120 * PATIENCE)[0] for client in [
        subprocess.Popen(ssh_argv(WHO, "python3 take.py cpu 9"), text=True,
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        for _ in range(AT_ONCE)]]
    same(["worked 4" in text for text in texts], [False] * AT_ONCE, str(texts))


@case
def a_core_is_no_larger():
    pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text()
    if "/" in pattern or "|" in pattern:
        raise Skip(f"cores of this host go elsewhere: {pattern.strip()}")
    crash = "cd; mkdir -p c; cd c; sh -c 'kill -SEGV $$'; du -sk . | cut -f1"
    for words, least, most in (("core = 0;", 0, 4), ('core = "64K";', 8, 68)):
        limit(words)
        for enter in (ssh, su):
            sh(f"rm -rf {HOME}/c")
            size = int(enter(WHO, crash).stdout.split()[-1])
            same(least <= size <= most, True, f"{size} KiB, {words}")
        clients = [subprocess.Popen(
            ssh_argv(WHO, crash.replace("c;", f"c{i};")), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL) for i in range(AT_ONCE)]
        sizes = [int(client.communicate(timeout=60 * PATIENCE)[0].split()[-1])
                 for client in clients]
        same([s for s in sizes if not least <= s <= most], [], str(sizes))
        sh(f"rm -rf {HOME}/c?")


@case
def the_numbers_that_the_kernel_does_not_use_are_there():
    """Since Linux 2.6 rss and locks stop nobody, and rttime only who has a
    real-time priority."""
    limit('rss = "64M"; locks = 7; rttime = "2s";')
    for enter in (ssh, su):
        text = enter(WHO, "cat /proc/self/limits").stdout
        has(text, r"Max resident set +67108864 +67108864")
        has(text, r"Max file locks +7 +7")
        has(text, r"Max realtime timeout +2000000 +2000000")


@case
def of_ten_sessions_the_limit_gets_in():
    limit("sessions = 4;")
    go(False)
    clients = [subprocess.Popen(
        ssh_argv(WHO, "python3 take.py files 1") if i % 2 else
        ["su", "-", WHO, "-c", "python3 take.py files 1"], text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL) for i in range(AT_ONCE)]
    eventually(lambda: sum(c.poll() is not None for c in clients) == AT_ONCE - 4,
               "six are sent away", 30)
    go(True)
    texts = [client.communicate(timeout=60 * PATIENCE)[0] for client in clients]
    same(sum("took 1" in text for text in texts), 4, str(texts))
    stop(WHO)


run(120)
