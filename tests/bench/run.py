#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""run.py [N] - what starting and joining a jail costs, beside the floor

Whole processes that run /bin/true inside, in turn, so that a machine that
gets slower gets slower for all; N rounds.  The floor is a static program that
makes only the system calls that the same jail needs (bench.c).  Runs in a
world of tests/ns/world:  make bench
"""
import os
import shutil
import statistics
import subprocess
import sys
import time

BUILD = os.environ["top_builddir"]
BENCH = os.path.join(BUILD, "tests/bench/bench")
FILTER = "/mnt/filter"  # what a jail has that says nothing of seccomp
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 100


def once(argv):
    start = time.perf_counter()
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    return (time.perf_counter() - start) * 1000


def compare(title, commands):
    """COMMANDS: name -> argv; the first is ours, the second the floor."""
    took = {name: [] for name in commands}
    for name, argv in commands.items():
        once(argv)
    for i in range(ROUNDS):
        order = list(commands) if i % 2 else list(commands)[::-1]
        for name in order:
            took[name].append(once(commands[name]))
            time.sleep(0.004)  # the jail before has ended
    ours = next(iter(took))
    floor = list(took)[1]
    print(f"{title} (ms, {ROUNDS} rounds)")
    for name, times in took.items():
        ratio = statistics.median(
            a / b for a, b in zip(took[ours], times))
        times = sorted(times)
        print(f"  {name:14} median {statistics.median(times):6.2f}"
              f"  p90 {times[len(times) * 9 // 10]:6.2f}"
              f"  ours / it {ratio:5.2f}")
    return statistics.median(took[ours]) / statistics.median(took[floor])


def main():
    os.mkdir("/mnt/alice")
    os.chown("/mnt/alice", 61001, 61001)
    with open(FILTER, "wb") as stream:
        subprocess.run([BUILD + "/tests/ns/filter", '"login"'], check=True,
                       stdout=stream)
    commands = {"ours": [BENCH, "-F", FILTER, "start"],
                "floor": [BENCH, "-F", FILTER, "floor-start"],
                "with a keeper": [BENCH, "-F", FILTER, "floor-keep"],
                "plain": ["/bin/true"]}
    if shutil.which("bwrap"):
        commands["bwrap"] = [
            "bwrap", "--unshare-pid", "--unshare-ipc", "--unshare-uts",
            "--unshare-cgroup", "--ro-bind", "/usr", "/usr", "--symlink",
            "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink",
            "usr/lib64", "/lib64", "--ro-bind", "/etc/profile",
            "/etc/profile", "--proc", "/proc", "--dev", "/dev", "--tmpfs",
            "/tmp", "--tmpfs", "/run", "/bin/true"]
    compare("start", commands)
    with subprocess.Popen([BENCH, "-F", FILTER, "hold"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as holder:
        init = holder.stdout.readline().strip()
        compare("join", {
            "ours": [BENCH, "join"],
            "floor": [BENCH, "-F", FILTER, "floor-join", init],
            "nsenter": ["nsenter", "-t", init, "-m", "-p", "-i", "-u", "-n",
                        "-C", "-S", "61001", "-G", "61001", "/bin/true"],
            "plain": ["/bin/true"]})
        holder.stdin.close()


main()
