# SPDX-License-Identifier: ISC
"""What the tests in this directory share.

A test is a function whose name is a sentence, decorated with @sentence.
After each one, nothing may be left of its jails: no process, no name in the
run directory, no cgroup, no mount.  tests/ns/world made the world.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import traceback

BUILD = os.environ["top_builddir"]
RUN_DIR = os.environ["rundir"]
KEEPER = os.environ["keeper"]
JAILSH = os.environ["jailsh"]
PROBE = BUILD + "/tests/ns/probe"
FILTER = "/mnt/filter"
ALICE = 61001
ACCOUNT_DIR = f"{RUN_DIR}/{ALICE}"
LOCK = ACCOUNT_DIR + ".lock"
CGROUPS = "/sys/fs/cgroup/jail"
TIMEOUT = 30  # seconds; longer than any time limit of ours

_sentences = []
_sessions = []


class Failed(Exception):
    """What was expected did not come."""


def sentence(function):
    _sentences.append(function)
    return function


def check(condition, *words):
    if not condition:
        raise Failed(" ".join(str(w) for w in words))


def equal(got, wanted, *words):
    if got != wanted:
        raise Failed(" ".join([*(str(w) for w in words),
                               f"\n    got    {got!r}\n    wanted {wanted!r}"]))


# --- doing ------------------------------------------------------------------

def run(*argv, **options):
    """Runs a command; stdout, stderr and returncode of what it did."""
    options.setdefault("stdin", subprocess.DEVNULL)
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    options.setdefault("timeout", TIMEOUT)
    return subprocess.run([str(a) for a in argv], errors="backslashreplace",
                          check=False, **options)


def probe(*argv, **options):
    """Runs the probe; in a jail of its own if nobody is in one, it does not
    say -j, and it says nothing of linger: the one before takes a moment to
    end."""
    if not {"-j", "-l", "stop", "status"} & set(argv) and not any(
            session.poll() is None for session in _sessions):
        wait_until(lambda: not pids("jail-keeper"))
    return run(PROBE, *argv, **options)


def start(*argv, **options):
    """Starts a session that a test ends itself."""
    options.setdefault("stdin", subprocess.PIPE)
    options.setdefault("stdout", subprocess.PIPE)
    process = subprocess.Popen([str(a) for a in argv], text=True, **options)
    _sessions.append(process)
    return process


def said(result, *words):
    """Its output, if it said nothing else and ended well."""
    if result.returncode != 0 or result.stderr:
        raise Failed(*words, f"status {result.returncode}",
                     f"stderr {result.stderr!r} stdout {result.stdout!r}")
    return result.stdout


def inside(script, *options, verb="run", **more):
    """What a shell script prints in a jail."""
    return said(probe(*options, verb, "/bin/sh", "-c", script, **more), script)


def with_filter(setting='"login"', *options):
    """Options of the probe for a jail with "seccomp = SETTING;"."""
    with open(FILTER, "wb") as stream:
        subprocess.run([BUILD + "/tests/ns/filter", *options, setting], check=True,
                       stdout=stream)
    return "-F", FILTER


class Hold:
    """A session that stays: with Hold(options...) as jail."""

    def __init__(self, *options):
        self.process = start(PROBE, *options, "hold")
        line = self.process.stdout.readline()
        if line != "taken\n":
            raise Failed("hold:", repr(line))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.leave()

    def leave(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(TIMEOUT)


def refused(result, words):
    """It ended with these words and nothing ran."""
    equal((result.returncode, result.stdout, result.stderr),
          (1, "", words + "\n"))


def wait_until(what, seconds=5.0):
    """Whether WHAT becomes true in time, also on a busy machine."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def unmount(*paths):
    """Takes what is mounted there away, as soon as nothing of it is in use."""
    for path in paths:
        check(wait_until(lambda at=path: run("umount", at).returncode == 0),
              path, "is in use")


# --- seeing -----------------------------------------------------------------

def processes():
    """Pids of the world, but for PID 1 and ourselves, and name."""
    found = {}
    for pid in os.listdir("/proc"):
        if not pid.isdigit() or int(pid) in (1, os.getpid()):
            continue
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii",
                      errors="replace") as stream:
                text = stream.read()
        except OSError:
            continue
        name = text[text.index("(") + 1:text.rindex(")")]
        if text[text.rindex(")") + 2] != "Z":
            found[int(pid)] = name
    return found


def pids(name):
    return sorted(p for p, n in processes().items() if n == name)


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii",
              errors="replace") as stream:
        return status_fields(stream.read())


def status_fields(text):
    return dict(line.split(":\t", 1) for line in text.splitlines()
                if ":\t" in line)


def mounts(text):
    """Of mountinfo: {mount point: (root, options, fs type, source)}."""
    found = {}
    for line in text.splitlines():
        left, right = line.split(" - ")
        left, right = left.split(), right.split()
        found[left[4]] = (left[3], set(left[5].split(",")), right[0], right[1])
    return found


def own_mounts():
    with open("/proc/self/mountinfo", encoding="utf-8") as stream:
        return sorted(line.split(" ", 1)[1] for line in stream)


def cgroups():
    """Cgroups of ours that are there, but for those of all jails."""
    found = []
    for top, names, _ in os.walk(CGROUPS):
        found += [os.path.join(top, n) for n in names
                  if n not in ("keepers", "commands")]
    return found


def left_over(mounts_before):
    left = []
    if processes():
        left.append(f"processes {processes()}")
    if os.path.isdir(RUN_DIR) and os.listdir(RUN_DIR):
        left.append(f"{RUN_DIR}: {os.listdir(RUN_DIR)}")
    if cgroups():
        left.append(f"cgroups {cgroups()}")
    if own_mounts() != mounts_before:
        left.append("mounts " + " ".join(set(own_mounts())
                                         ^ set(mounts_before)))
    return left


def sweep():
    """For the next test, after one that failed."""
    for pid in processes():
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    wait_until(lambda: not processes())
    subprocess.run(["rm", "-rf", RUN_DIR], check=False)
    for _ in range(20):
        for group in sorted(cgroups(), key=len, reverse=True):
            try:
                os.rmdir(group)
            except OSError:
                pass
        if not cgroups():
            break
        time.sleep(0.05)


class Log:
    """The host's syslog: what was said to /dev/log."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind("/dev/log")
        os.chmod("/dev/log", 0o666)
        self.sock.setblocking(False)

    def lines(self):
        found = []
        while True:
            try:
                found.append(self.sock.recv(8192).decode("ascii"))
            except BlockingIOError:
                return found


log = Log()


def make_home():
    os.makedirs("/mnt/home", exist_ok=True)
    os.chown("/mnt/home", ALICE, ALICE)


# --- all of it --------------------------------------------------------------

def main(*chosen):
    """Runs every sentence, or those whose name has one of the words."""
    chosen = chosen or sys.argv[1:]
    passed, failed = 0, []
    os.umask(0o22)
    make_home()
    before = own_mounts()
    for test in _sentences:
        if chosen and not any(word in test.__name__ for word in chosen):
            continue
        begun = time.monotonic()
        try:
            test()
            wait_until(lambda: not left_over(before))
            equal(left_over(before), [], "left over:")
            print(f"ok - {test.__name__} ({time.monotonic() - begun:.2f} s)")
            passed += 1
        except Exception as error:  # pylint: disable=broad-except
            print(f"not ok - {test.__name__}\n    {error}")
            if not isinstance(error, Failed):
                traceback.print_exc(file=sys.stdout)
            for line in log.lines():
                print("    log:", line)
            failed.append(test.__name__)
            sweep()
        log.lines()
    print(f"[  PASSED  ] {passed} test(s).")
    sys.exit(1 if failed or not passed else 0)


def words_of(text):
    return re.split(r"\s+", text.strip())
