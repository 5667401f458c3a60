# SPDX-License-Identifier: ISC
"""A way into a jail, and what came of it when one system call on it did not
go as it should: faults.py and kills.py.
"""

import os
import re
import subprocess
import time

from jail import (ACCOUNT_DIR, BUILD, LOCK, RUN_DIR, check, equal, log, probe,
                  processes, run, said, sweep, wait_until)

FAULT = BUILD + "/tests/ns/fault"
REPORT = "/mnt/report"


def call_names():
    """{number: name} of this machine's system calls."""
    text = subprocess.run(
        [*os.environ["CC"].split(), "-E", "-dM", "-x", "c", "-include",
         "sys/syscall.h", "/dev/null"], check=True, capture_output=True,
        text=True).stdout
    return {int(number): name for name, number in
            re.findall(r"^#define __NR_(\w+) (\d+)$", text, re.M)}


NAMES = call_names()
NUMBERS = {name: number for number, name in NAMES.items()}

# What a session sees of its walls, by one program.  No pipes: a child that
# ends while the next is made interrupts that, when somebody decides about it.
LOOK = ("echo BEGIN; cat /proc/self/status /proc/self/limits"
        " /proc/self/mountinfo; readlink /proc/self/ns/*; umask; pwd;"
        " hostname; ls /proc/self/fd; stat -c '%A %U %G %t:%T %N'"
        " /* /dev/* /etc/* /run/* /run/jail/* /home/alice;"
        " grep -v -e ^PPID -e ^_= -e OPTIND -e PS4 -e PS2 -e IFS <<E\n$(set)\n"
        "E\necho END")


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


class Scenario:
    """A way in, the programs on it, and which of their calls fail, or which
    do not; and how many of each are made at the jail's end only, as its last
    ones."""

    # pylint: disable-next=too-many-arguments,too-many-positional-arguments
    def __init__(self, command, programs, only=None, at_end=None, never=()):
        self.command = command
        self.programs = [word for name in programs for word in ("-p", name)]
        self.only = only
        self.never = set(never)
        self.at_end = at_end or {}
        self.wanted = None
        self.slowest = 0.0

    def once(self, *how):
        log.lines()  # or syslog(3) waits
        try:
            return run(FAULT, *self.programs, *how, REPORT, *self.command)
        except subprocess.TimeoutExpired as hung:
            left = processes()
            sweep()
            return subprocess.CompletedProcess(
                hung.cmd, 255, (hung.stdout or b"").decode(), f"hung: {left}")

    def calls(self):
        """The names of the calls that are made."""
        for i in range(3):
            begun = time.monotonic()
            result = self.once()
            if result.returncode == 255:  # a busy machine hangs once
                begun = time.monotonic()
                result = self.once()
            self.slowest = max(self.slowest, time.monotonic() - begun)
            seen = walls(result.stdout)
            check(seen is not None and result.returncode == 0, result)
            if i == 2:  # the first may have made what is there from now on
                equal(set(seen) ^ set(self.wanted), set(),
                      "two clean runs differ")
            self.wanted = seen
            check(wait_until(lambda: not processes()), processes())
        with open(REPORT, encoding="ascii") as stream:
            names = {NAMES.get(int(line.split()[2]), line.split()[2])
                     for line in stream if line != "left\n"} - self.never
        return names if self.only is None else names & self.only

    def took_too_long(self, begun):
        """Whether something has waited for one of our time limits: then it
        is more than three seconds slower than a clean run, which a busy
        machine makes slow, too."""
        return time.monotonic() - begun > 3 + self.slowest

    def is_hole(self, result):
        """Whether a session had less around it than it should.  Once is
        enough: who tries again what was slow does not try this."""
        return self.outcome(result).startswith("HOLE")

    def outcome(self, result, more_allowed=None):
        """What came of it: "refused", "same", or something that is wrong."""
        seen = walls(result.stdout)
        if seen is None:
            return "refused" if result.returncode != 0 else "said nothing"
        more = [line for line in seen if line not in self.wanted]
        if "\nEND\n" not in result.stdout and result.returncode == 0:
            return "cut short, and nobody was told"
        if seen == self.wanted or more == more_allowed or (
                "\nEND\n" not in result.stdout and not more):
            return "same"
        return "HOLE: " + "; ".join(
            [f"-{line}" for line in self.wanted if line not in seen] +
            [f"+{line}" for line in more])


def report():
    """The line of the call that failed, and whether a process was left."""
    with open(REPORT, encoding="ascii") as stream:
        lines = stream.read().splitlines()
    failed = [line for line in lines if line.endswith(" failed")]
    return failed[0] if failed else None, "left" in lines


def clean_up():
    """Whatever a keeper could not take away the next one does."""
    if not wait_until(lambda: not processes()):
        left = processes()
        sweep()
        return f"left {left}"
    if os.path.isdir(RUN_DIR) and os.listdir(RUN_DIR):
        said(probe("take"))
        wait_until(lambda: not processes() and not os.listdir(RUN_DIR))
        if os.listdir(RUN_DIR):
            left = os.listdir(RUN_DIR)
            run("rm", "-rf", ACCOUNT_DIR, LOCK)
            return f"left {left}"
    return None
