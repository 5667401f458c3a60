#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""sizes of /tmp, /dev/shm and /run: from one session, by ssh and by su, and from
ten at once"""
import json
import subprocess

from bed import (PATIENCE, case, configure, has, jail_account, run, same, sh,
                 ssh, ssh_argv, sshd, stop, su, uid_of)

WHO = "filler"
jail_account(WHO)
sshd()

PLACES = {"shm": "/dev/shm", "run": f"/run/user/{uid_of(WHO)}", "tmp": "/tmp"}


def limit(words):
    stop(WHO)
    configure(WHO, "limits = { " + words + " sessions = 30; };")


# Writes 3 MiB in pieces, and makes 150 files; prints what was possible.
FILL = ("for f in 1 2 3; do head -c 1M /dev/zero >%s/$f 2>/dev/null; done;"
        " du -sk %s | cut -f1; n=0; rm -f %s/?;"
        " while [ $n -lt 150 ] && : 2>/dev/null >%s/f$n; do n=$((n+1)); done;"
        " echo $n; rm -f %s/f*")


def fill(enter, place):
    """How many KiB and how many files one session could have there."""
    done = enter(WHO, FILL.replace("%s", place))
    same(done.returncode, 0, done.stderr)
    return [int(n) for n in done.stdout.split()]


@case
def one_session_has_what_is_given():
    limit('shm = "1M"; shm_files = 100; run = "2M"; run_files = 120;')
    for enter in (ssh, su):
        kib, files = fill(enter, PLACES["shm"])
        same((kib <= 1024, 90 < files < 101), (True, True), f"{kib} {files}")
        kib, files = fill(enter, PLACES["run"])
        same((1024 < kib <= 2048, 90 < files < 121), (True, True),
             f"{kib} {files}")
        kib, files = fill(enter, PLACES["tmp"])
        same((kib >= 3072, files), (True, 150), f"{kib} {files}")
    has(sh(["jailconf", "explain", WHO]),
        "/dev/shm +scratch of its own, 1024 KiB and 100 files, mode 1777")
    limits = json.loads(sh(["jailconf", "explain", "--json", WHO]))["limits"]
    same([limits[name] for name in ("shm", "shm_files", "run", "run_files")],
         [1 << 20, 100, 2 << 20, 120])
    same(ssh(WHO, "grep -c ' /dev/shm .*nosuid,nodev' /proc/mounts").stdout,
         "1\n")


def from_ten(command):
    """What each of ten sessions at once printed, by ssh and by su."""
    clients = [subprocess.Popen(
        ssh_argv(WHO, command) if i % 2 else ["su", "-", WHO, "-c", command],
        text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        for i in range(10)]
    return [int(client.communicate(timeout=60 * PATIENCE)[0].split()[-1])
            for client in clients]


@case
def ten_sessions_at_once_fill_it_once():
    limit('shm = "1M"; tmp = "4M"; run = "2M";')
    for name, most in (("shm", 1024), ("tmp", 4096), ("run", 2048)):
        place = PLACES[name]
        sizes = from_ten(f"head -c 1M /dev/zero >{place}/$$ 2>/dev/null;"
                         f" sleep 1; du -sk {place} | cut -f1")
        same(max(sizes) <= most, True, f"{sizes} in {place}")
        same(max(sizes) > most / 2, True, f"{sizes} in {place}")


@case
def nor_do_they_make_more_files():
    limit("shm_files = 100; run_files = 120; tmp_files = 110;")
    for name, most in (("shm", 100), ("tmp", 110), ("run", 120)):
        place = PLACES[name]
        numbers = from_ten(
            "n=0; while [ $n -lt 60 ] && : 2>/dev/null"
            f" >{place}/$$.$n; do n=$((n+1)); done; sleep 1; echo $n")
        same(most / 2 < sum(numbers) <= most, True, f"{numbers} in {place}")


run(120)
