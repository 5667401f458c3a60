# SPDX-License-Identifier: ISC
"""Every process on the way in can be killed at every step, and then nobody
is inside whose walls are not the same, and nobody outside; the next login
works, and nothing is left.

A step is a system call that others can notice: at each, our process is killed
instead of making it, so what it has done until then is what is left of it.
"""

import collections
import time

from jail import (Failed, cgroups, check, equal, inside, log, main, own_mounts,
                  processes, wait_until)
from scenario import NUMBERS, clean_up, report
from ways import for_each_way

# Who is killed at one of these has done nothing more than who is killed at
# the call before: they change the process only that makes them.
NO_STEP = {
    "alarm", "arch_prctl", "brk", "capget", "capset", "chdir", "clock_gettime",
    "clock_nanosleep", "dup", "dup2", "dup3", "exit",
    "exit_group", "fchdir", "fcntl", "fstat", "fstatfs", "futex", "getcwd",
    "getdents64", "getegid", "geteuid", "getgid", "getgroups", "getpgid",
    "getpgrp", "getpid", "getppid", "getrandom", "getresgid", "getresuid",
    "getrlimit", "getsockopt", "gettid", "getuid", "ioprio_set", "keyctl",
    "lseek", "lstat", "madvise", "mmap", "mprotect", "mremap", "munmap",
    "newfstatat", "personality", "poll", "ppoll", "prctl", "pread64",
    "prlimit64", "read", "readlink", "readlinkat", "rseq", "rt_sigaction",
    "rt_sigprocmask", "rt_sigreturn", "rt_sigtimedwait", "sched_setaffinity",
    "sched_setscheduler", "set_mempolicy", "set_robust_list",
    "set_tid_address", "setgroups", "setpriority", "setresgid", "setresuid",
    "setrlimit", "setsid", "setsockopt", "sigaltstack", "stat", "statx",
    "time", "umask", "uname", "wait4",
    # What they open is gone with it; what openat(2) makes is the lock.
    "epoll_create1", "fsconfig", "fsmount", "fsopen", "memfd_create", "open",
    "open_tree", "openat", "openat2", "pidfd_open", "pipe2", "signalfd4",
    "socket", "socketpair"}


def next_login_works():
    """And takes away what the one that was killed could not."""
    equal(inside("echo fine"), "fine\n")
    check(wait_until(lambda: not cgroups()), "left", cgroups())


def wrong_after(scenario, result, late, left):
    """What is wrong after a kill, in words."""
    outcome = scenario.outcome(result)
    if result.returncode == 255:
        yield "hung"
    elif outcome not in ("same", "refused"):
        yield outcome
    if late:
        yield "took too long"
    if left:
        yield "left a process"
    wrong = clean_up()
    if wrong:
        yield wrong
    try:
        next_login_works()
    except Failed as error:
        yield f"the next login: {error}"
    wrong = clean_up()
    if wrong:
        yield f"after the next login: {wrong}"


def kill_at_each(scenario):
    problems, outcomes = [], collections.Counter()
    before = own_mounts()
    for name in sorted(scenario.calls() - NO_STEP):
        when, failed = 0, True
        while failed is not None:
            when += 1
            # A busy machine is slow once; what we do wrong is so again.
            for _ in range(2):
                begun = time.monotonic()
                result = scenario.once("-k", "-c", NUMBERS[name], "-w", when)
                late = scenario.took_too_long(begun)
                failed, left = report()
                if not late and not left or scenario.is_hole(result):
                    break
                print(f"    {name} {when}: late: {late}, left: {left}")
                clean_up()
            if failed is not None:
                outcomes[scenario.outcome(result).split(":")[0]] += 1
                problems += [f"{name} {when} ({failed}): {wrong}"
                             f" {result.stderr!r}" for wrong in
                             wrong_after(scenario, result, late, left)]
            log.lines()
            check(wait_until(lambda: not processes()), processes())
    equal(own_mounts(), before)
    print("   ", dict(outcomes))
    if problems:
        raise Failed("\n    ".join([""] + problems))
    check(outcomes["refused"] > 0, outcomes)


for_each_way(kill_at_each)
main()
