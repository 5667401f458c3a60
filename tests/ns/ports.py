# SPDX-License-Identifier: ISC
"""Which ports a jail may bind: its own, and those that the kernel chooses."""

import errno
import os
import re
import subprocess
import sys

from jail import (BUILD, CGROUPS, Hold, PROBE, check, equal, main, probe,
                  refused, run, said, sentence, start)

if not os.path.exists(os.path.dirname(CGROUPS) + "/cgroup.procs"):
    print("SKIP: no cgroup version 2")
    sys.exit(77)

OURS = "-P", "23000-23009"

# Each kind of socket binds each port: "KIND PORT ANSWER", a line each.
TRY = r"""
import errno, socket, sys
KINDS = {"tcp": (socket.SOCK_STREAM, 0), "udp": (socket.SOCK_DGRAM, 0),
         "mptcp": (socket.SOCK_STREAM, 262), "udplite": (socket.SOCK_DGRAM, 136)}
for name, (kind, protocol) in KINDS.items():
    for family, address in ((socket.AF_INET, "127.0.0.1"),
                            (socket.AF_INET6, "::1"),
                            (socket.AF_INET6, "::ffff:127.0.0.1")):
        for port in map(int, sys.argv[1:]):
            try:
                sock = socket.socket(family, kind, protocol)
            except OSError:
                continue  # this kernel has no such thing
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind((address, port))
                answer = "yes"
            except OSError as error:
                answer = errno.errorcode[error.errno]
            sock.close()
            print(name, port, answer)
"""


def answers(verb, *ports, options=OURS):
    """{port: the answers of all kinds}, and how many tried."""
    text = said(probe(*options, verb, "/usr/bin/python3", "-c", TRY,
                      *(str(p) for p in ports)))
    found = {}
    for line in text.splitlines():
        _, port, answer = line.split()
        found.setdefault(int(port), set()).add(answer)
    check(len(text.splitlines()) >= 6 * len(ports), text)
    return found


@sentence
def its_own_ports_and_no_others():
    wanted = {22999: {"EPERM"}, 23000: {"yes"}, 23005: {"yes"},
              23009: {"yes"}, 23010: {"EPERM"}, 8080: {"EPERM"},
              40000: {"EPERM"}, 80: {"EPERM"}, 65535: {"EPERM"}, 0: {"yes"}}
    for verb in "enter", "run", "private":
        equal(answers(verb, *wanted), wanted, verb)


@sentence
def without_ports_of_its_own_it_may_bind_all():
    equal(answers("enter", 23456, options=()), {23456: {"yes"}})


@sentence
def a_second_session_has_the_same():
    with Hold(*OURS):
        for verb in "enter", "run":
            equal(answers(verb, 22999, 23000, options=("-j",)),
                  {22999: {"EPERM"}, 23000: {"yes"}}, verb)


@sentence
def what_the_kernel_chooses_is_of_its_own_range():
    with open("/proc/sys/net/ipv4/ip_local_port_range",
              encoding="ascii") as stream:
        least, most = map(int, stream.read().split())
    script = ("import socket\n"
              "for asked in (0, 24000 | 24000 << 16):\n"
              "    for bind in (False, True):\n"
              "        s = socket.socket()\n"
              "        try:\n"
              "            s.setsockopt(0, 51, asked)\n"  # IP_LOCAL_PORT_RANGE
              "        except OSError:\n"
              "            continue\n"
              "        if bind:\n"
              "            s.bind(('127.0.0.1', 0))\n"
              "        s.listen()\n"
              "        print(s.getsockname()[1])\n")
    text = said(probe(*OURS, "run", "/usr/bin/python3", "-c", script))
    ports = [int(word) for word in text.split()]
    check(ports and all(least <= p <= most for p in ports), ports)


@sentence
def a_host_that_cannot_hold_them_lets_nobody_in():
    fault = BUILD + "/tests/ns/fault"
    numbers = subprocess.run(
        [*os.environ["CC"].split(), "-E", "-dM", "-include", "sys/syscall.h",
         "-x", "c", "/dev/null"], check=True, capture_output=True,
        text=True).stdout
    bpf = re.search(r"^#define __NR_bpf (\d+)$", numbers, re.M).group(1)
    for when, what in enumerate(("load", "attach", "load", "attach"), 1):
        result = run(fault, "-p", "jail-keeper", "-c", bpf, "-w", when, "-e",
                     errno.EPERM, "/mnt/report", PROBE, *OURS, "run",
                     "/bin/true")
        refused(result, "probe: 4: jail probe: this host cannot hold ports"
                f" 23000-23009: {what} a BPF program: Operation not permitted;"
                " see ports in jail.conf(5)")


@sentence
def ten_sessions_at_once_share_them():
    sessions = [start(PROBE, *OURS, "-l", "30", verb, "/usr/bin/python3", "-c",
                      TRY, "22999", "8080")
                for verb in ("enter", "run") for _ in range(5)]
    for session in sessions:
        text = session.communicate()[0]
        equal({line.split()[2] for line in text.splitlines()}, {"EPERM"}, text)
    said(probe("stop"))


main()
