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
import time

from jail import Failed, check, equal, log, main, own_mounts
from scenario import NAMES, NUMBERS, clean_up, report
from ways import for_each_way

# What fails how.  More than one: what the code might take for an answer.
# SUCCESS: it says that it has done it, and has not.
ERRORS = {
    "accept4": "ECONNABORTED", "alarm": "", "arch_prctl": "",
    "bind": "EADDRINUSE SUCCESS", "bpf": "EPERM SUCCESS", "brk": "",
    "capget": "EPERM", "capset": "EPERM SUCCESS",
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
    "set_tid_address": "", "setgroups": "EPERM SUCCESS",
    "sethostname": "EPERM",
    "setns": "EPERM", "setpgid": "EPERM", "setpriority": "EPERM",
    "setresgid": "EPERM SUCCESS", "setresuid": "EAGAIN SUCCESS",
    "setrlimit": "EPERM",
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
    # Taken away is what whoever starts a jail might have, and has not here.
    "jail-keeper setgroups SUCCESS": "forget_caller(): there are no groups",
    "jail-keeper setresuid SUCCESS": "forget_caller(): it is root already",
    "jail-keeper setresgid SUCCESS": "the same; and userns_make(): whose the"
    " namespace is, the uid says",
    "jail-init setgroups SUCCESS": "the same",
    "jail-init capset SUCCESS": "drop_inheritable_set(): there are none",
    "probe capset SUCCESS": "the same",
    "jail-session capset SUCCESS": "the same",
    "host-child capset SUCCESS": "the same",
    "jail-command capset SUCCESS": "the same; and with root's uid all are gone",
    "host-open seccomp SUCCESS": "libseccomp, which asks what the kernel has",
    "jail-keeper capset SUCCESS": "jail_keep_network(): without it ip(8) fails",
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
    "jail-session setgroups SUCCESS": "the same",
    "jail-session setresuid SUCCESS": "the same",
    "jail-session setresgid SUCCESS": "the same",
    "jail-session seccomp SUCCESS": "the same",
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
    "jail-session getsockopt": "of the log: who asked",
    "jail-session openat": "wire_take_loginuid(): there is none to give",
    "jail-session ioctl": "is it a terminal: an error says no",
    # The module in its host.  Most of it are libraries, and name services,
    # which ask and go on; what the module asks it must be told.
    "host-open clone3 ENOSYS": "posix_spawn(3) then takes clone(2)",
    "host-open close_range": "posix_spawn(3) then closes them one by one",
    "host-open rt_sigprocmask": "of posix_spawn(3), around the new process",
    "host-open connect ECONNREFUSED": "nobody listens: so it is started",
    "host-open connect EACCES": "of a name service, or syslog",
    "host-open socket": "the same, or log_open()",
    "host-open sendto": "of syslog",
    "host-open flock EWOULDBLOCK": "somebody else has the lock: it waits",
    "host-open mkdir EEXIST": "somebody else made it; it is checked",
    "host-open fstatfs": "cgroup_sweep()",
    "host-open getdents64": "cgroup_sweep()",
    "host-open ioctl": "of libaudit, which looks for a terminal",
    "host-open poll": "of libaudit, which asks again",
    "host-open recvfrom": "the same",
    "host-open lseek": "of the C library, which reads group(5): the account is"
    " in fewer groups, but who is in those that count is asked for by name",
    "host-open newfstatat": "the same",
    "host-open openat": "the same; or cgroup_sweep()",
    "host-open read": "the same",
    "host-open readlinkat": "of a name service",
    "host-open seccomp": "libseccomp asks what there is; it sets no filter",
    # Of the child, and of the relay of a job, which is another process of that
    # name: the child is refused, the relay ends and the job with it or with
    # the jail; in both cases the host is told.
    "host-child capset": "of the relay",
    "host-child close_range": "of the relay",
    "host-child getgroups": "of the relay",
    "host-child getresgid": "of the relay",
    "host-child getresuid": "of the relay",
    "host-child keyctl": "of the relay",
    "host-child prctl": "of the relay",
    "host-child seccomp": "of the relay",
    "host-child setgroups": "of the relay",
    "host-child setgroups SUCCESS": "of the relay",
    "host-child setresuid SUCCESS": "of the relay",
    "host-child setresgid SUCCESS": "of the relay",
    "host-child seccomp SUCCESS": "of the relay",
    # The broker and its requests.
    "jail-broker accept4": "whoever waits is accepted later",
    "jail-broker poll": "it asks again",
    "jail-broker read": "of the signal that a child has ended: it looks",
    "jail-broker socket": "log_open(): then nothing is logged",
    "jail-broker connect": "the same",
    "jail-command sendto": "the same",
    "jail-command getsockopt": "of the log: who asked",
    "jail-command openat": "wire_take_loginuid(): there is none to give",
    "jail-command read": "the same; or of the signal that a child has ended:"
    " it looks",
    "jail-command write": "the same",
    "jail-command poll": "the command is stopped, and that is told; or all has"
    " been said",
    "jail-command recvfrom": "wire_wait_for_end(): all has been said",
    "jail-command recvmsg": "hear_more(): who asked is taken for gone",
    "jail-command sendmsg": "how it ended: who asked is told that it is gone",
    # Who asks it, inside: with the command's input goes the command, and what
    # else is not known is no success.
    "sendmail poll": "it asks again",
    "sendmail read": "of the output: it is told",
    "sendmail write": "the same",
    "sendmail recvmsg": "how it ended: it is told",
    "sendmail sendmsg": "the end of the input: it is told",
    "sendmail rt_sigprocmask": "when all is done: line_close()",
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


def process_call(failed):
    """"PROCESS CALL" of a line of the report."""
    _, process, number, *_ = failed.split()
    return f"{process} {NAMES[int(number)]}"


def may_fail(failed, error):
    """The reason why this call of this process may fail, if there is one; of
    what has not been done, though it said so, it must be for that."""
    _, process, number, argument, *_ = failed.split()
    name = NAMES[int(number)]
    if error == "SUCCESS":
        return MAY_FAIL.get(f"{process} {name} {error}")
    for key in (f"{process} {name} {error}", f"{process} {name} {argument}",
                f"* {name} {argument}", f"{process} {name}", f"* {name}",
                f"* {error}"):
        if key in MAY_FAIL:
            return MAY_FAIL[key]
    return None


def try_all(scenario):
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
                    result = scenario.once("-c", NUMBERS[name], "-w", when,
                                           "-e", getattr(errno, error, 0))
                    late = scenario.took_too_long(begun)
                    failed, left = report()
                    if (result.returncode != 255 and not late and not left
                            or scenario.is_hole(result)):
                        break
                    print(f"    {name} {error} {when}: late: {late},"
                          f" left: {left}, status {result.returncode}")
                    clean_up()
                if failed is None:
                    break
                what = f"{name} {error} {when} ({failed})"
                outcome = scenario.outcome(result, ALLOWED.get(process_call(
                    failed)))
                outcomes[outcome.split(":")[0]] += 1
                if outcome == "same" and not may_fail(failed, error):
                    unexplained[when] = what
                if result.returncode == 255:
                    outcome = "hung"
                if outcome not in ("same", "refused"):
                    problems.append(f"{what}: {outcome} {result.stderr!r}")
                if late:
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


for_each_way(try_all)
main()
