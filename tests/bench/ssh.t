#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What a whole `ssh host true` costs, jailed and not, in turn.  In a bed:

    tests/bed/ns-run -r ROOT -d DESTDIR tests/login ../bench/ssh.t

Prints medians and the median of the ratios; passes whatever they are.
"""
import os
import statistics
import sys
import time

sys.path.insert(0, os.environ.get("BENCH_LOGIN", "/bed/tests"))
from bed import JAILED, PLAIN, case, configure, run, same, ssh, sshd, the_two

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "100"))

the_two()
configure(JAILED, 'network = "host";', "linger = 60;")
sshd()


@case
def ssh_host_true():
    took = {JAILED: [], PLAIN: []}
    for i in range(ROUNDS + 2):
        for who in list(took) if i % 2 else list(took)[::-1]:
            start = time.perf_counter()
            same(ssh(who, "true").returncode, 0)
            took[who].append((time.perf_counter() - start) * 1000)
    ratios = [a / b for a, b in zip(took[JAILED][2:], took[PLAIN][2:])]
    for who, times in took.items():
        print(f"# {who}: median {statistics.median(times[2:]):.2f} ms")
    print(f"# jailed / plain: median {statistics.median(ratios):.3f}")


run(seconds=300)
