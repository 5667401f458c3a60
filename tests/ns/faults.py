# SPDX-License-Identifier: ISC
"""Every system call on the way in can fail, and then nobody gets in whose
walls are not the same.

Each scenario is run once to see which calls our programs make; then once for
each of those calls, which fails with an error.  The verdict:

	refused	no session ran, and whoever asked was told
	same	it ran, and what it saw of its walls is as without the failure

Only calls in MAY_FAIL may end in "same"; a new call that does needs a reason
there.  Anything else is a hole.  Afterwards nothing may be left, and the
next login must work.
"""

import collections
import errno
import os
import re
import socket
import subprocess
import time

from jail import (ACCOUNT_DIR, BUILD, Failed, JAILSH, LOCK, PROBE, RUN_DIR,
                  check, equal, log, main, own_mounts, probe, processes, run,
                  said, sentence, sweep, wait_until, with_filter)

FAULT = BUILD + "/tests/ns/fault"
REPORT = "/mnt/report"

# What fails how.  More than one: what the code might take for an answer.
# SUCCESS: it says that it has done it, and has not.
ERRORS = {
    "accept4": "ECONNABORTED", "alarm": "", "arch_prctl": "",
    "bind": "EADDRINUSE SUCCESS", "bpf": "EPERM SUCCESS", "brk": "",
    "capget": "EPERM", "capset": "EPERM",
    "chdir": "EACCES", "chmod": "EPERM", "clock_gettime": "",
    "clock_nanosleep": "EINTR", "clone": "EAGAIN", "clone3": "EAGAIN ENOSYS",
    "close": "EIO", "close_range": "EINVAL", "connect": "EACCES ECONNREFUSED",
    "dup": "EMFILE", "dup2": "EBADF", "dup3": "EBADF", "execve": "EACCES",
    "exit": "", "exit_group": "", "fchdir": "EACCES", "fchmod": "EPERM",
    "fchmodat": "EPERM", "fchown": "EPERM", "fchownat": "EPERM",
    "fcntl": "EMFILE", "flock": "EWOULDBLOCK EIO", "fsconfig": "EINVAL",
    "fsmount": "EPERM", "fsopen": "ENODEV", "fspick": "ENOMEM",
    "fstat": "EIO", "fstatfs": "EIO", "ftruncate": "EIO", "futex": "",
    "getcwd": "ENOENT",
    "getdents64": "EIO", "getegid": "", "geteuid": "", "getgid": "",
    "getgroups": "EINVAL", "getpgid": "", "getpgrp": "", "getpid": "",
    "getppid": "", "getrandom": "", "getresgid": "EFAULT",
    "getresuid": "EFAULT", "getrlimit": "EINVAL", "getsockopt": "EINVAL",
    "gettid": "", "getuid": "", "ioctl": "EIO", "kill": "EPERM",
    "landlock_create_ruleset": "EOPNOTSUPP", "landlock_restrict_self": "EPERM",
    "link": "EPERM", "listen": "EADDRINUSE", "lseek": "EIO", "lstat": "EACCES",
    "madvise": "", "memfd_create": "EMFILE", "mkdir": "EACCES EEXIST",
    "mkdirat": "EACCES EEXIST", "mknodat": "EPERM", "mmap": "ENOMEM",
    "mount_setattr": "EPERM", "move_mount": "EINVAL", "mprotect": "",
    "mremap": "ENOMEM", "munmap": "", "newfstatat": "EACCES",
    "open_tree": "EPERM", "openat": "EMFILE ENOENT",
    "openat2": "EACCES", "personality": "EINVAL",
    "pidfd_getfd": "EPERM", "pidfd_open": "EMFILE",
    "pidfd_send_signal": "EPERM", "pipe2": "EMFILE", "pivot_root": "EINVAL",
    "poll": "EINTR ENOMEM", "ppoll": "EINTR ENOMEM", "prctl": "EINVAL",
    "pread64": "EIO", "prlimit64": "EPERM EINVAL", "read": "EIO EINTR",
    "readlink": "EACCES", "readlinkat": "EACCES", "renameat": "EACCES",
    "recvfrom": "EAGAIN EINTR",
    "recvmsg": "EINTR ENOMEM", "rmdir": "EBUSY", "rseq": "",
    "rt_sigaction": "EINVAL", "rt_sigprocmask": "EINVAL",
    "rt_sigreturn": "", "rt_sigtimedwait": "EINTR", "seccomp": "EINVAL SUCCESS",
    "sendmsg": "EINTR ENOBUFS", "sendto": "ENOBUFS",
    "set_mempolicy": "EINVAL", "set_robust_list": "",
    "set_tid_address": "", "setgroups": "EPERM", "sethostname": "EPERM",
    "setns": "EPERM", "setpgid": "EPERM", "setpriority": "EPERM",
    "setresgid": "EPERM", "setresuid": "EAGAIN", "setrlimit": "EPERM",
    "setsid": "EPERM", "setsockopt": "EINVAL", "shutdown": "ENOTCONN",
    "sigaltstack": "",
    "signalfd4": "EMFILE", "socket": "EMFILE", "socketpair": "EMFILE",
    "stat": "EACCES", "statx": "EACCES", "symlinkat": "EACCES",
    "sched_setaffinity": "EINVAL", "sched_setscheduler": "EPERM",
    "ioprio_set": "EPERM", "keyctl": "EDQUOT", "tgkill": "", "time": "", "umask": "", "umount2": "EPERM", "uname": "",
    "unlink": "EPERM", "unlinkat": "EPERM", "unshare": "EPERM",
    # Of a child that is there, and with no signal handled, it cannot fail.
    "wait4": "", "write": "EIO EINTR",
}

# Calls that may fail without effect on the walls, and why: by process and
# call, and for prctl(2) by what it is asked for.
MAY_FAIL = {
    # The C library, and libcap, which ask and go on.
    "* capget": "libcap asks for the version of the interface first",
    "probe clone3 ENOSYS": "posix_spawn(3) then takes clone(2)",
    "probe close_range": "posix_spawn(3) then closes them one by one",
    "* rt_sigaction": "not every number is a signal that can be set",
    "probe rt_sigprocmask": "of posix_spawn(3), around the new process",
    "* prlimit64 0": "of the C library, for the size of the stack",
    "* prctl 17": "libcap counts capabilities when it starts",
    "* readlink": "of the C library, for $ORIGIN",
    "* prctl 18": "there are less capabilities than numbers",
    "* prctl f": "a name for ps(1)",
    "* close": "a descriptor more; what counts is closed by close_range(2)",
    "* setresuid": "must fail: root does not come back",
    "* setresgid": "must fail, too",
    "* EINTR": "is tried again",
    # Looking for a jail that runs: it is locked, and looked for again.
    "probe connect ECONNREFUSED": "nobody listens: so it is started",
    "probe flock EWOULDBLOCK": "somebody else has the lock: it waits",
    "probe mkdir EEXIST": "somebody else made it; it is checked all the same",
    "probe mkdirat EEXIST": "the same",
    "jail-keeper mkdirat EEXIST": "the same",
    # There need not be a syslog daemon.
    "jail-keeper socket": "log_open(): then nothing is logged",
    "jail-keeper connect": "the same",
    "jail-keeper sendto": "the same",
    "jail-session sendto": "the same",
    # The keeper's rank and limits: less is safe.
    "jail-keeper prlimit64 EPERM": "a container may not raise its limits",
    # The keeper's life and the jail's end: what is left is swept by the next.
    "probe openat": "cgroup_sweep()",
    "probe fstatfs": "cgroup_sweep()",
    "jail-keeper openat": "cgroup_remove()",
    "jail-keeper fstatfs": "cgroup_remove()",
    "jail-keeper getdents64": "cgroup_remove(): the sessions below",
    "jail-keeper lseek": "the same",
    "jail-keeper bind SUCCESS": "watch_rules(): no kernel says yes and is deaf",
    "jail-keeper unlinkat": "cgroup_remove(), remove_name()",
    "jail-keeper rmdir": "remove_name()",
    "jail-keeper unlink": "remove_name()",
    "jail-keeper newfstatat": "cgroup_remove(), remove_name()",
    "jail-keeper pidfd_send_signal": "peers_drop(): who has left is gone",
    "jail-keeper write": "cgroup_kill()",
    "jail-keeper kill": "its PID 1 goes with it",
    "jail-keeper clone": "close_apart(): then it is closed at once",
    "jail-keeper pipe2": "the same",
    "jail-keeper shutdown": "at its end, which closes it",
    "jail-keeper prctl 42": "PR_GET_MDWE: older kernels have no such thing",
    "jail-keeper flock": "it tries again, or leaves the name to the next",
    "jail-keeper poll": "it asks again",
    "jail-keeper read": "of the signal that a child has ended: it looks",
    "jail-keeper recvmsg": "of a lease: the session has been let in",
    "jail-keeper wait4": "it is its last act",
    "jail-keeper fcntl EMFILE": "not yet sure that somebody listens",
    "jail-keeper recvfrom EAGAIN": "userns_make(): who has made it ends early;"
    " what it made is looked at in time, or nobody gets in",
    "jail-keeper accept4": "whoever waits is accepted later",
    "jail-keeper personality": "of the C library",
    # The relay of a session, which has no right that the session has not.
    "jail-session poll": "the session has begun; it ends with the relay",
    "jail-session read": "the same",
    "jail-session write": "the same",
    "jail-session recvfrom": "the same",
    "jail-session sendmsg": "the same",
    "jail-session setgroups": "the same: step_back()",
    "jail-session seccomp": "the same",
    "jail-session landlock_create_ruleset": "the same",
    "jail-session landlock_restrict_self": "the same",
    "jail-session keyctl": "the same",
    "jail-session capset": "the same",
    "jail-session prctl": "the same",
    "jail-session close_range": "the same",
    "jail-session dup2": "the same",
    "jail-session signalfd4": "the same",
    "jail-session wait4": "the same",
    "jail-session getgroups": "the same",
    "jail-session getresuid": "the same",
    "jail-session getresgid": "the same",
    "jail-session chdir": "who cannot be at home is at /, as with su(1)",
    "jail-session dup3": "keep_request_and_log(): then there is no log",
    "jail-session fcntl": "the same",
    "jail-session getsockopt": "take_loginuid(): for the audit trail only",
    "jail-session openat": "the same",
    "jail-session ioctl": "is it a terminal: an error says no",
    # The end that asked.
    "jailsh ioctl": "is it a terminal: an error says no",
    "jailsh newfstatat": "find_shell(): the mark that there is not outside",
    "jailsh getcwd": "who cannot be where he was is at home",
    "jailsh poll": "it asks again",
    "jailsh recvmsg": "the session has begun",
    "probe ioctl": "is it a terminal: an error says no",
    "probe poll": "it asks again",
    "probe wait4": "the session has ended",
    "probe write": "the session has ended",
    "probe recvmsg": "the session has begun",
}

# A difference that is no hole.
ALLOWED = {"jail-session chdir": ["/", "PWD='/'"],
           "jailsh getcwd": ["/home/alice", "PWD='/home/alice'"]}


def call_names():
    """{number: name} of this machine's system calls."""
    text = subprocess.run(
        [*os.environ["CC"].split(), "-E", "-dM", "-x", "c", "-include",
         "sys/syscall.h", "/dev/null"], check=True, capture_output=True,
        text=True).stdout
    return {int(number): name for name, number in
            re.findall(r"^#define __NR_(\w+) (\d+)$", text, re.M)}


NAMES = call_names()

# What a session sees of its walls, by one program.
LOOK = ("echo BEGIN; cat /proc/self/status /proc/self/limits"
        " /proc/self/mountinfo; readlink /proc/self/ns/*; umask; pwd;"
        " hostname; ls /proc/self/fd; stat -c '%A %U %G %t:%T %N'"
        " /* /dev/* /etc/* /run/* /run/jail/* /home/alice;"
        " set | grep -v -e ^PPID -e ^_= -e OPTIND -e PS4 -e PS2 -e IFS; "
        "echo END")


def walls(text):
    """What LOOK printed, without what differs from jail to jail."""
    if "BEGIN\n" not in text:
        return None
    seen = []
    # A session may be cut short in the middle of a line.
    complete = text[:text.rindex("\n")] + "\n"
    for line in complete.split("BEGIN\n", 1)[1].split("END\n")[0].splitlines():
        namespace = re.fullmatch(r"(\w+):\[\d+\]", line)
        if namespace:
            name = namespace.group(1).removesuffix("_for_children")
            host = os.readlink(f"/proc/self/ns/{name}")
            line = f"{name} {'host' if line == host else 'own'}"
        elif " - " in line and re.match(r"\d+ \d+ \d+:\d+ (/|user:)",
                                            line):
            line = "mount " + re.sub(r" (master|shared):\d+|\[\d+\]", "",
                                     line.split(" ", 3)[3])
        elif re.match(r"(Uid|Gid|Groups|Cap\w+|NoNewPrivs|Seccomp|SigBlk"
                      r"|SigIgn|Umask|Threads|Max [a-z ]+):?\s", line):
            line = " ".join(line.split())
        elif re.match(r"\w+:\t", line):
            continue
        seen.append(line)
    return sorted(seen)


# On the way to root inside, and not on others.
USERNS_CALLS = {
    "clone", "fchownat", "ioctl", "kill", "mkdirat", "mount_setattr",
    "move_mount", "newfstatat", "open_tree", "openat", "prctl", "read",
    "recvfrom", "renameat", "sendto", "setns", "setresgid", "setresuid",
    "setsockopt", "socketpair", "unshare", "write"}


class Scenario:
    """A way in, the programs on it, and which of their calls fail; and how
    many of each are made at the jail's end only, as its last ones."""

    def __init__(self, command, programs, only=None, at_end=None):
        self.command = command
        self.programs = [word for name in programs for word in ("-p", name)]
        self.only = only
        self.at_end = at_end or {}
        self.wanted = None

    def once(self, *how):
        try:
            return run(FAULT, *self.programs, *how, REPORT, *self.command,
                       timeout=10)
        except subprocess.TimeoutExpired as hung:
            left = processes()
            sweep()
            return subprocess.CompletedProcess(
                hung.cmd, 255, (hung.stdout or b"").decode(), f"hung: {left}")

    def calls(self):
        """The names of the calls that are made."""
        for i in range(3):
            result = self.once()
            seen = walls(result.stdout)
            check(seen is not None and result.returncode == 0, result)
            if i == 2:  # the first may have made what is there from now on
                equal(set(seen) ^ set(self.wanted), set(),
                      "two clean runs differ")
            self.wanted = seen
            check(wait_until(lambda: not processes()), processes())
        with open(REPORT, encoding="ascii") as stream:
            names = {NAMES.get(int(line.split()[2]), line.split()[2])
                     for line in stream if line != "left\n"}
        return names if self.only is None else names & self.only


def report():
    """The line of the call that failed, and whether a process was left."""
    with open(REPORT, encoding="ascii") as stream:
        lines = stream.read().splitlines()
    failed = [line for line in lines if line.endswith(" failed")]
    return failed[0] if failed else None, "left" in lines


def may_fail(failed, error):
    """The reason why this call of this process may fail, if there is one."""
    _, process, number, argument, *_ = failed.split()
    name = NAMES[int(number)]
    for key in (f"{process} {name} {error}", f"{process} {name} {argument}",
                f"* {name} {argument}", f"{process} {name}", f"* {name}",
                f"* {error}"):
        if key in MAY_FAIL:
            return MAY_FAIL[key]
    return None


def verdict(scenario, result, failed):
    seen = walls(result.stdout)
    if seen is None:
        return "refused" if result.returncode != 0 else "said nothing"
    if seen == scenario.wanted or ("\nEND\n" not in result.stdout and
                                   not set(seen) - set(scenario.wanted)):
        return "same"
    more = [line for line in seen if line not in scenario.wanted]
    words = failed.split()
    if more == ALLOWED.get(f"{words[1]} {NAMES[int(words[2])]}"):
        return "same"
    return "HOLE: " + "; ".join(
        [f"-{line}" for line in scenario.wanted if line not in seen] +
        [f"+{line}" for line in more])


def clean_up():
    """Whatever a keeper could not take away the next one does."""
    if not wait_until(lambda: not processes(), 2):
        left = processes()
        sweep()
        return f"left {left}"
    if os.path.isdir(RUN_DIR) and os.listdir(RUN_DIR):
        said(probe("take"))
        wait_until(lambda: not processes() and not os.listdir(RUN_DIR), 2)
        if os.listdir(RUN_DIR):
            left = os.listdir(RUN_DIR)
            run("rm", "-rf", ACCOUNT_DIR, LOCK)
            return f"left {left}"
    return None


def try_all(scenario):
    numbers = {name: number for number, name in NAMES.items()}
    problems, outcomes = [], collections.Counter()
    before = own_mounts()
    calls = scenario.calls()
    for name in calls:
        if name not in ERRORS:
            problems.append(f"{name}: no error is chosen for it")
    for name in sorted(calls & set(ERRORS)):
        for error in ERRORS[name].split():
            when = 0
            unexplained = {}
            while True:
                when += 1
                # A busy machine hangs once; what we do wrong hangs again.
                for _ in range(2):
                    begun = time.monotonic()
                    result = scenario.once("-c", numbers[name], "-w", when,
                                           "-e", getattr(errno, error, 0))
                    if result.returncode != 255:
                        break
                    clean_up()
                failed, left = report()
                if failed is None:
                    break
                what = f"{name} {error} {when} ({failed})"
                outcome = verdict(scenario, result, failed)
                outcomes[outcome.split(":")[0]] += 1
                if outcome == "same" and not may_fail(failed, error):
                    unexplained[when] = what
                if result.returncode == 255:
                    outcome = "hung"
                if outcome not in ("same", "refused"):
                    problems.append(f"{what}: {outcome} {result.stderr!r}")
                if time.monotonic() - begun > 3:
                    problems.append(f"{what}: took too long")
                if left:
                    problems.append(f"{what}: left a process")
                wrong = clean_up()
                if wrong:
                    problems.append(f"{what}: {wrong}")
                log.lines()
            problems += [f"{unexplained[i]}: same, and no reason is given"
                         for i in unexplained
                         if i < when - scenario.at_end.get(name, 0)]
    equal(own_mounts(), before)
    print("   ", dict(outcomes))
    if problems:
        raise Failed("\n    ".join([""] + problems))
    check(outcomes["refused"] > 0, outcomes)


@sentence
def entering_as_sshds_child_does():
    try_all(Scenario([PROBE, *with_filter(), "enter", "/bin/sh", "-c", LOOK],
                     ["probe", "jail-keeper"]))


@sentence
def a_session_that_the_keeper_runs():
    try_all(Scenario([PROBE, *with_filter(), "run", "/bin/sh", "-c", LOOK],
                     ["probe", "jail-keeper"]))


@sentence
def a_jail_without_a_network():
    try_all(Scenario([PROBE, "-n", "enter", "/bin/sh", "-c", LOOK],
                     ["jail-keeper"], {"clone3", "socket", "ioctl"}))


@sentence
def a_jail_with_ports_of_its_own():
    wanted = {"bpf", "socket", "bind", "write", "openat"}
    for verb in "enter", "run":
        try_all(Scenario([PROBE, "-P", "8000-8009", verb, "/bin/sh", "-c",
                          LOOK], ["probe", "jail-keeper"], wanted))


@sentence
def abstract_sockets_of_the_session():
    """A session that could reach one would answer something else."""
    wanted = {"landlock_create_ruleset", "landlock_restrict_self"}
    reach = ("/usr/bin/python3 -c 'import socket; print(socket.socket("
             "socket.AF_UNIX).connect_ex(\"\\0outside\"))'; ")
    look = LOOK.replace("echo END", reach + "echo END")
    with socket.socket(socket.AF_UNIX) as outside:
        outside.bind("\0outside")
        outside.listen()
        for verb in "enter", "run":
            try_all(Scenario([PROBE, "-A", verb, "/bin/sh", "-c", look],
                             ["probe", "jail-keeper"], wanted))


@sentence
def a_private_network():
    """The tools do nothing, so that nothing of the machine's changes: what is
    tried is whether the keeper believes in what has not been done."""
    os.makedirs("/mnt/sbin")
    for name in "ip", "nft":
        with open(f"/mnt/sbin/{name}", "w", encoding="ascii") as stream:
            os.fchmod(stream.fileno(), 0o755)
            stream.write("#!/bin/sh\nexec cat >/dev/null\n")
    run("mkdir", "/mnt/work", "/mnt/upper")
    run("mount", "-t", "overlay", "-o",
        "lowerdir=/mnt/sbin:/usr/sbin,upperdir=/mnt/upper,workdir=/mnt/work",
        "tools", "/usr/sbin")
    try:
        try_all(Scenario([PROBE, "-N", "enter", "/bin/sh", "-c", LOOK],
                         ["jail-keeper"],
                         {"clone3", "clone", "socket", "ioctl", "bind", "setns",
                          "openat", "write", "read", "pipe2", "dup2", "lseek",
                          "memfd_create", "fcntl", "execve", "wait4", "capset",
                          "capget", "close_range", "alarm", "recvfrom"},
                         # network_stop(): what is left is replaced
                         {"memfd_create": 1, "lseek": 1, "dup2": 3,
                          "close_range": 1, "execve": 1, "ioctl": 1}))
    finally:
        run("umount", "/usr/sbin")
        run("rm", "-rf", "/mnt/sbin", "/mnt/work", "/mnt/upper")


@sentence
def a_root_over_a_tree():
    os.makedirs("/mnt/tree/usr")
    os.makedirs("/mnt/state")
    for upper in (), ("-u", "/mnt/state/overlay/61001"):
        try_all(Scenario([PROBE, "-t", "/mnt/tree", *upper, "enter", "/bin/sh",
                          "-c", LOOK], ["jail-keeper"],
                         {"fsopen", "fsconfig", "fsmount", "open_tree",
                          "move_mount", "mount_setattr", "fchdir", "fstat",
                          "openat", "openat2", "mkdirat", "unlinkat"}))
    run("rm", "-rf", "/mnt/tree", "/mnt/state")


@sentence
def root_inside():
    """Who is not root then is the account, with the walls of that: and that
    would be seen."""
    os.makedirs("/mnt/tree/usr")
    os.makedirs("/mnt/state")
    os.makedirs("/mnt/sbin")
    run("cp", JAILSH, "/mnt/sbin/jailsh")
    root = (*with_filter('"login"', "-r"), "-R", "100000", "-t", "/mnt/tree",
            "-a", "bind,r,0,/opt/sbin,/mnt/sbin")
    upper = ("-u", "/mnt/state/overlay/61001")
    for more in (), upper:
        try_all(Scenario([PROBE, *root, *more, "run", "/bin/sh", "-c", LOOK],
                         ["jail-keeper"], USERNS_CALLS))
    try_all(Scenario([PROBE, *root, "enter", "/opt/sbin/jailsh", "-c", LOOK],
                     ["jailsh"]))
    run("rm", "-rf", "/mnt/tree", "/mnt/state", "/mnt/sbin")


@sentence
def jailsh_outside():
    try_all(Scenario([PROBE, "guest", JAILSH, "-c", LOOK], ["jailsh"]))


@sentence
def jailsh_inside():
    os.makedirs("/mnt/sbin")
    run("cp", JAILSH, "/mnt/sbin/jailsh")
    try_all(Scenario([PROBE, "-a", "bind,r,0,/opt/sbin,/mnt/sbin", "run",
                      "/opt/sbin/jailsh", "-c", LOOK], ["jailsh"]))
    run("rm", "-r", "/mnt/sbin")


main()
