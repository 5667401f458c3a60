#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Every system call on the way in fails once, in a real ssh login: nobody
gets in then, or the session is the one that he would have got anyway.

Which calls those are is seen in a trace of a good login, so a new call is
tried as soon as the code makes it.  What fails them is a seccomp filter that
pam_fault.so installs in the very process, right before pam_jail.
"""
import collections
import contextlib
import errno
import os
import pathlib
import re
import signal
import subprocess

from bed import (JAILED, KEEPER, PATHS, RUN, SLOW, Breach, case,
                 collect_log, configure, eventually, has, processes, proved,
                 residue, run, same, secret, sh, ssh_argv, stop, the_two, PROOF)

STATE = PROOF + """
echo ids=$(id -u):$(id -g):$(id -G)
grep -E '^(Cap|NoNewPrivs|Seccomp_)' /proc/self/status | grep -v Seccomp
echo limit=$(ulimit -Hn) umask=$(umask)
echo state-ends"""

# The process's own affair, without which no program would run: it dies, or
# it does not notice.
NOT_A_STEP = {"exit_group", "exit", "rt_sigreturn", "execve", "brk", "mmap",
              "munmap", "mprotect", "futex", "arch_prctl", "set_tid_address",
              "set_robust_list", "rseq", "restart_syscall",
              "umask"}  # it has no way to fail

# Calls that may fail and leave a session as good as the clean one: what a
# keeper does at its end, signals that nobody sends here, the second caller that does not come, what other
# modules of the stack do (pam_keyinit, pam_motd, pam_mail), and in the child
# what libpam's own audit message needs.
MAY_FAIL = {
    "open": {"accept4", "access", "fstatfs", "getcwd", "getdents64", "getppid",
             "getsockname", "keyctl", "kill", "pidfd_send_signal",
             "readlinkat", "rename", "rmdir", "shutdown", "unlink", "unlinkat",
             "rt_sigaction", "rt_sigprocmask", "rt_sigtimedwait", "setfsgid",
             "setfsuid", "setregid", "setreuid", "sysinfo", "uname"},
    "child": {"fcntl", "recvfrom", "sendto", "socket"},
}

# The filter stays with sshd, which then does not hear that its child has ended.
SSHD_WAITS = {"open": {"close", "rt_sigaction", "wait4"}, "child": {"close"}}

SERVER = RUN / "faults-sshd.conf"
FAULT = RUN / "fault"
MODULE = RUN / "pam_fault.so"


def build_module():
    source = pathlib.Path(__file__).with_name("pam_fault.c")
    sh(["gcc", "-O1", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared",
        "-o", str(MODULE), str(source), "-lpam"])


@contextlib.contextmanager
def in_the_stack():
    """pam_fault right before pam_jail, for auth and session."""
    before = {}
    for name in ("common-auth", "common-session"):
        path = pathlib.Path("/etc/pam.d") / name
        before[path] = path.read_text()
        text, n = re.subn(r"^(auth|session)(\s.*pam_jail\.so.*)$",
                          rf"\1 optional {MODULE}\n\1\2", before[path],
                          flags=re.M)
        same(n, 1, str(path))
        path.write_text(text)
    try:
        yield
    finally:
        for path, text in before.items():
            path.write_text(text)


def login(trace=None, sshd_waits=False):
    """An ssh login over pipes to an sshd of its own; what it printed.  Longer
    than any time limit of ours it does not take."""
    server = f"/usr/sbin/sshd -i -e -f {SERVER}"
    if trace:
        server = f"strace -f -qq -o {trace} {server}"
    argv = ssh_argv(JAILED, STATE,
                    options=["-o", f"ProxyCommand={server} 2>/dev/null"])
    client = subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
    try:
        return client.communicate(timeout=SLOW * (5 if sshd_waits else 30))[0]
    except subprocess.TimeoutExpired as hung:
        client.kill()
        if sshd_waits:
            return client.communicate()[0]
        raise AssertionError("the login hangs") from hung
    finally:
        clean_up()


def clean_up():
    """Ends what a broken login has left: sshd's own processes, and the
    keeper that has lost a system call."""
    for pid, (exe, words) in processes().items():
        if f"sshd -i -e -f {SERVER}" in words or \
                re.search(rf"/sshd\S* .*: {JAILED}\b", f"{exe} {words}"):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
    eventually(lambda: not kill_ours(), "the keeper is gone")


def kill_ours():
    """It may fork meanwhile."""
    pids = ours()
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    return pids


def ours():
    """pids of the account's keeper and of what it has made of itself."""
    return [pid for pid, (exe, words) in processes().items()
            if KEEPER in exe and words.endswith(f" {JAILED}")]


def state_of(text):
    """What a session is; None: there was none."""
    if "state-ends" not in text:
        return None
    proved(JAILED, text)
    # The filter stays: the session may be unable to list /home itself.
    return re.sub(r"(mnt|pid):\[\d+\]|^homes=.*$", r"\1", text, flags=re.M)


def calls_of(trace):
    """Names of the system calls on the way in, seen in TRACE."""
    names = collections.defaultdict(set)
    keepers, inside, entering = set(), set(), set()
    for line in pathlib.Path(trace).read_text(errors="replace").splitlines():
        found = re.match(r"(\d+) +(?:<\.\.\. )?(\w+)(?:\(| resumed)", line)
        if not found:
            continue
        pid, name = found.groups()
        if f'execve("{KEEPER}"' in line:
            keepers.add(pid)
        if "/jail.conf" in line or PATHS["run_dir"] in line:
            inside.add(pid)
        if name == "pidfd_open" and pid not in keepers:
            entering.add(pid)
        child = re.search(r"\b(?:clone3?|fork|vfork)\b.* = (\d+)$", line)
        if child and pid in keepers:
            keepers.add(child.group(1))
        if pid in entering:
            names["child"].add(name)
            if name in ("setresgid", "setgid"):
                entering.discard(pid)
        elif pid in keepers or pid in inside:
            names["open"].add(name)
    return {hook: sorted(calls - NOT_A_STEP) for hook, calls in names.items()}


def numbers():
    """Name -> number of the system calls of this machine."""
    text = sh("printf '#include <sys/syscall.h>' | gcc -E -dM -")
    found = re.findall(r"^#define __NR_(\w+) (\d+)$", text, re.M)
    return {name: int(number) for name, number in found}


def server_settings():
    text = pathlib.Path("/etc/ssh/sshd_config").read_text()
    SERVER.write_text("MaxStartups 200:30:400\n" + text)
    os.makedirs("/run/sshd", exist_ok=True)


the_two()
secret()
collect_log()
configure(JAILED, 'network = "none";',
          'limits = { nofile = 512; nproc = 100; };', "linger = 0;")
build_module()
server_settings()
stop(JAILED)
CLEAN = state_of(login())
NUMBERS = numbers()
login(trace=RUN / "faults-trace")
CALLS = calls_of(RUN / "faults-trace")


@case
def a_login_without_fault_is_inside():
    has(CLEAN or "", "limit=512")
    for call in ("setns", "sendmsg", "prctl", "capset", "close_range"):
        same(call in CALLS["child"], True, f"{call} in {CALLS['child']}")
    for call in ("pivot_root", "move_mount", "clone3", "connect", "setns",
                 "setresuid", "fsmount", "openat2"):
        same(call in CALLS["open"], True, f"{call} in {CALLS['open']}")


def inject(hook, errnum):
    """Every call of HOOK fails; what was wrong."""
    wrong, refused, harmless = [], 0, []
    for call in CALLS[hook]:
        FAULT.write_text(f"{hook} {NUMBERS[call]} {errnum}\n")
        try:
            state = state_of(login(sshd_waits=call in SSHD_WAITS[hook]))
        except Breach:
            raise
        except AssertionError as err:
            wrong.append(f"{call}: {err}")
            continue
        if state is None:
            refused += 1
        elif state != CLEAN:
            wrong.append(f"{call}: another session: {state}")
        elif errnum and call not in MAY_FAIL[hook]:
            wrong.append(f"{call} failed, and nobody minded")
        else:
            harmless.append(call)
    FAULT.unlink()
    print(f"# {hook} errno {errnum}: {len(CALLS[hook])} calls,"
          f" {refused} refused, harmless: {' '.join(harmless)}")
    same(wrong, [])


@case
def no_call_of_open_session_keeper_or_init_can_fail_unnoticed():
    with in_the_stack():
        inject("open", errno.EPERM)


@case
def no_call_of_the_child_that_enters_can_fail_unnoticed():
    with in_the_stack():
        inject("child", errno.EPERM)


@case
def no_call_of_the_child_can_pretend_to_have_worked():
    with in_the_stack():
        inject("child", 0)


@case
def after_all_that_the_next_login_is_as_the_first():
    same(state_of(login()), CLEAN)
    stop(JAILED)
    eventually(lambda: not residue(JAILED), "nothing is left")


run(seconds=300)
