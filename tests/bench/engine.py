# SPDX-License-Identifier: ISC
"""What a jail costs: starting one and joining one, beside a small static
program that makes only the needed system calls (floor.c), and beside what
others use.  In the world of tests/ns; "make bench"."""

import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.environ["top_srcdir"] + "/tests/ns")
from jail import (BUILD, Hold, PROBE, make_home,  # noqa: E402
                  pids)

ROUNDS = os.environ.get("ROUNDS", "500")
BENCH = [BUILD + "/tests/bench/bench", "-n", ROUNDS]
FLOOR = BUILD + "/tests/bench/floor"


def measure(title, *commands):
    print(f"\n{title}, {ROUNDS} rounds in turn", flush=True)
    words = []
    for name, *command in commands:
        words += [",", name, *command] if words else [name, *command]
    subprocess.run([*BENCH, *words], check=True)


def start():
    commands = [("floor", FLOOR, "start", "/bin/true"),
                ("floor with a keeper", FLOOR, "keep", "/bin/true"),
                ("pam_jail", PROBE, "enter", "/bin/true"),
                ("plain", "/bin/true")]
    if shutil.which("bwrap"):
        commands.append(
            ("bwrap", "bwrap", "--unshare-pid", "--unshare-ipc",
             "--unshare-uts", "--unshare-cgroup", "--ro-bind", "/usr", "/usr",
             "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib",
             "--symlink", "usr/lib64", "/lib64", "--symlink", "usr/sbin",
             "/sbin", "--dir", "/etc", "--tmpfs", "/tmp", "--tmpfs", "/var/tmp",
             "--tmpfs", "/run", "--dev", "/dev", "--proc", "/proc", "--bind",
             "/mnt/home", "/home/alice", "/bin/true"))
    measure("Start a jail, run /bin/true, leave", *commands)


def join():
    with Hold():
        init, = pids("jail-init")
        measure("Run /bin/true in a running jail",
                ("floor", FLOOR, "join", str(init), "/bin/true"),
                ("pam_jail", PROBE, "-j", "enter", "/bin/true"),
                ("nsenter", "nsenter", "-t", str(init), "-a", "/bin/true"),
                ("plain", "/bin/true"))


os.umask(0o22)
make_home()
start()
join()
