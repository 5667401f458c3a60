#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""limits of a jail as a whole: from one session and from ten at once, by ssh
and su; and that the machine goes on meanwhile"""
import contextlib
import os
import pathlib
import re
import subprocess
import sys
import time

from bed import (CGROUP, PLAIN, SLOW, WITH_SYSTEMD, Logged, Skip, account,
                 case, configure, eventually, find_cgroups, has, jail_account,
                 lacks, run, same, sh, ssh, ssh_argv, sshd, stop, su, uid_of)
from term import Terminal

WANTED = {"memory", "pids", "cpu"}
CONTROLLERS = set((CGROUP / "cgroup.controllers").read_text().split())
if not WANTED <= CONTROLLERS:
    print("no controllers in cgroup version 2")
    sys.exit(77)

WHO, HEAVY, LATE = "limited", "heavy", "starter"
MIB = 1 << 20

account(PLAIN)
jail_account(WHO)
jail_account(HEAVY)
jail_account(LATE)
sshd()

# tail(1) keeps all of a line that has no end; prints how much that was.
HOG = "head -c %dM /dev/zero | tail | wc -c"
# The same, which stays for a while.
HOG_IN = "sh -c 'head -c %dM /dev/zero | (tail | wc -c; sleep 5)'"
BURN = "timeout %d sh -c 'while :; do :; done'"
# Starts sleepers, at most 60, counting, until that fails.
FORKS = ("sh -c 'n=0; while [ $n -lt 60 ]; do sleep %d >/dev/null 2>&1 &"
         " n=$((n+1)); echo $n; done'")


def limit(*words):
    stop(WHO)
    configure(WHO, "limits = { " + " ".join(words) + " };")


def cgroup_of(name):
    """The directory of the jail of account NAME, which must be one."""
    found = find_cgroups(f"{uid_of(name)}/*/cgroup.procs")
    same(len(found), 1, "cgroups of the jail")
    return found[0].parent


def number(name, file):
    return int((cgroup_of(name) / file).read_text())


def event(name, file, word):
    text = (cgroup_of(name) / file).read_text()
    return int(re.search(rf"^{word} (\d+)$", text, re.M).group(1))


@contextlib.contextmanager
def held(name=WHO):
    """A session that keeps the jail, which would end with its last one."""
    client = subprocess.Popen(ssh_argv(name, "echo up; cat"),
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        same(client.stdout.readline(), b"up\n")
        yield
    finally:
        client.stdin.close()
        client.wait(300)
        client.stdout.close()


def start(command, sessions=10):
    """COMMAND in so many SESSIONS, by ssh and by su."""
    return [subprocess.Popen(
        ssh_argv(WHO, command) if i % 3 == 2 else ["su", "-", WHO, "-c", command],
        text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT) for i in range(sessions)]


def outputs(clients):
    return [client.communicate(timeout=600)[0] for client in clients]


def others_get_in():
    """Within five seconds, and in a slow machine as many times as long."""
    start = time.monotonic()
    same(ssh(PLAIN, "echo in", timeout=30).stdout, "in\n", "another account")
    took = time.monotonic() - start
    same(took < 5 * SLOW, True, f"it took {took} s")


@case
def every_session_counts_by_every_door():
    limit('memory = "300M"; pids = 60;')
    with held():
        path = str(cgroup_of(WHO))
        # One of each kind: what sshd has forked, and what the keeper has.
        su_client = subprocess.Popen(["su", "-", WHO, "-c", "echo up; cat"],
                                     stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE)
        same(su_client.stdout.readline(), b"up\n")
        # su's own child, which is jailsh, waits outside.
        outside = []
        for line in sh(f"ps -o pid=,args= -u {uid_of(WHO)} | cat").splitlines():
            pid, words = line.split(None, 1)
            with contextlib.suppress(OSError):
                where = pathlib.Path(f"/proc/{pid}/cgroup").read_text()
                if path.removeprefix(str(CGROUP)) not in where:
                    outside.append(words)
        same([w for w in outside if "jailsh" not in w], [],
             "processes that do not count")
        su_client.communicate(timeout=300)
        same(str(cgroup_of(WHO)), path)
        same(number(WHO, "memory.max"), 300 * MIB)
        same(number(WHO, "memory.swap.max"), 0)
        same(number(WHO, "pids.max"), 60)


@case
def one_session_cannot_take_more_memory():
    limit('memory = "48M";')
    with held():
        for enter in (ssh, su):
            killed = event(WHO, "memory.events", "oom_kill")
            lacks(enter(WHO, HOG % 90).stdout, str(90 * MIB), "all of it")
            same(event(WHO, "memory.events", "oom_kill") > killed, True)
            has(enter(WHO, HOG % 10).stdout, str(10 * MIB), "a little")


@case
def ten_sessions_cannot_take_more_memory_together():
    limit('memory = "128M"; sessions = 30;')
    with held():
        clients = start(HOG % 60)
        others_get_in()
        took = [text for text in outputs(clients) if str(60 * MIB) in text]
        same(event(WHO, "memory.events", "max") > 0, True, "the limit is hit")
        if (cgroup_of(WHO) / "memory.peak").exists():  # from Linux 5.19 on
            same(number(WHO, "memory.peak") <= 128 * MIB, True, f"{len(took)}")


@case
def one_session_cannot_start_more_processes():
    for enter in (ssh, su):
        limit("pids = 30;")
        with held():
            counts = re.findall(r"^(\d+)$", enter(WHO, FORKS % 300).stdout, re.M)
            same(10 < int(counts[-1]) < 30, True, f"{counts[-1]} of 30")
            same(event(WHO, "pids.events", "max") > 0, True)


@case
def ten_sessions_cannot_start_more_processes_together():
    limit("pids = 60; sessions = 30;")
    with held():
        clients = start(FORKS % 300)
        eventually(lambda: event(WHO, "pids.events", "max") > 0,
                   "the limit is reached", 60)
        # sshd's own child comes in, whatever the limit is.
        same(number(WHO, "pids.current") <= 60 + 4, True, "of 60")
        others_get_in()
        outputs(clients)


@case
def a_jail_that_burns_time_has_its_share_only():
    limit("cpus = 0.5; cpu_weight = 10; sessions = 30;")
    with held():
        path = cgroup_of(WHO)
        same((path / "cpu.max").read_text().split(), ["50000", "100000"])
        same((path / "cpu.weight").read_text().strip(), "10")

        for sessions in 1, 10:
            clients = start(BURN % 15, sessions)
            throttled = event(WHO, "cpu.stat", "nr_throttled")
            eventually(lambda: event(WHO, "cpu.stat", "nr_throttled") >
                       throttled, "it is held back", 60)
            begin, used = time.monotonic(), used_us(WHO)
            others_get_in()
            time.sleep(1)
            share = (used_us(WHO) - used) / (time.monotonic() - begin) / 1e6
            same(share < 0.75, True, f"{share} processors of 0.5")
            for client in clients:
                client.communicate(timeout=600)


def used_us(name):
    return event(name, "cpu.stat", "usage_usec")


@case
def who_weighs_less_has_less_of_busy_processors():
    """One session of it, and ten, beside as many programs of another account's
    as there are processors."""
    limit("cpu_weight = 10; sessions = 30;")
    configure(HEAVY, "limits = { cpu_weight = 10000; };")
    busy = f"for i in $(seq $(nproc)); do {BURN % 60} & done; wait"
    with held(), held(HEAVY):
        for sessions in 1, 10:
            clients = start(busy, sessions)
            eventually(lambda: "while" in sh(f"ps -o args= -u {uid_of(WHO)}"),
                       "it works", 60)
            other = subprocess.Popen(["su", "-", HEAVY, "-c", busy],
                                     stdin=subprocess.DEVNULL)
            eventually(lambda: "while" in
                       sh(f"ps -o args= -u {uid_of(HEAVY)}"), "both do", 60)
            begin = time.monotonic()
            same(su(PLAIN, "echo in").stdout, "in\n")
            same(su(LATE, "echo in").stdout, "in\n", "another jail")
            took_to_start = time.monotonic() - begin
            same(took_to_start < 8 * SLOW, True, str(took_to_start))
            stop(LATE)
            before = used_us(WHO), used_us(HEAVY)
            time.sleep(6)
            light, heavy = (used_us(name) - n for name, n in
                            zip((WHO, HEAVY), before))
            sh(f"pkill -KILL -u {uid_of(WHO)} -f while; pkill -KILL -u"
               f" {uid_of(HEAVY)} -f while; :")
            for client in [*clients, other]:
                client.communicate(timeout=600)
            same(light < heavy / 3, True, f"{light} of {light + heavy} us")
    stop(HEAVY)


@case
def who_has_more_memory_than_is_high_is_slowed_down():
    limit('memory = "300M"; memory_high = "32M"; sessions = 30;')
    with held():
        same(number(WHO, "memory.high"), 32 * MIB)
        for sessions in 1, 10:
            clients = start("timeout 20 " + HOG_IN % (60 / sessions), sessions)
            high = event(WHO, "memory.events", "high")
            eventually(lambda: event(WHO, "memory.events", "high") > high,
                       "it is above", 60)
            others_get_in()
            for client in clients:
                client.communicate(timeout=600)
        same(event(WHO, "memory.events", "oom_kill"), 0, "killed")


@contextlib.contextmanager
def swap_of_the_host():
    """64 MiB, on the disk of the homes."""
    sh("head -c 64M /dev/zero >/home/swap; chmod 600 /home/swap;"
       " mkswap /home/swap")
    if sh("swapon /home/swap", check=False).returncode != 0:
        raise Skip("no swap on this file system")
    try:
        yield
    finally:
        sh("swapoff /home/swap; rm /home/swap", timeout=300)


@case
def neither_one_session_nor_ten_have_more_swap():
    with swap_of_the_host():
        limit('memory = "32M"; swap = "16M"; sessions = 30;')
        with held():
            same(number(WHO, "memory.swap.max"), 16 * MIB)
            lacks(su(WHO, HOG % 60).stdout, str(60 * MIB), "all of it")
            killed = event(WHO, "memory.events", "oom_kill")
            same(killed > 0, True, "one")
            outputs(start(HOG_IN % 12))
            same(event(WHO, "memory.events", "oom_kill") > killed, True, "ten")
            if (cgroup_of(WHO) / "memory.swap.peak").exists():  # Linux 6.5
                same(4 * MIB < number(WHO, "memory.swap.peak") <= 16 * MIB,
                     True, str(number(WHO, "memory.swap.peak")))
        limit('memory = "32M"; swap = "60M";')
        with held():
            has(su(WHO, HOG % 60).stdout, str(60 * MIB), "where there is swap")


@case
def a_weight_of_disks_is_held_where_the_disk_goes_by_it():
    qos = CGROUP / "io.cost.qos"
    if not qos.exists():
        raise Skip("no iocost in this kernel")
    disk = os.stat(f"/home/{WHO}").st_dev
    number_of_it = f"{os.major(disk)}:{os.minor(disk)}"
    limit("io_weight = 50; sessions = 30;")
    why = "this host cannot limit io_weight: no controller, or none for the"
    log = Logged()
    lacks(su(WHO, "echo in").stdout, "^in$")
    log.expect(f"refuse user={WHO} .*{why}", 20)
    has(sh(["jailconf", "explain", WHO], check=False).stdout, why)
    qos.write_text(f"{number_of_it} enable=1\n")
    try:
        with held():
            has((cgroup_of(WHO) / "io.weight").read_text(), "^default 50$")
        lacks(sh(["jailconf", "explain", WHO]), "not held")
    finally:
        qos.write_text(f"{number_of_it} enable=0\n")


@case
def as_many_processors_are_seen_as_there_are():
    host = int(sh("nproc"))
    if host < 2:
        raise Skip("one processor")
    for cpus, seen in (("0.5", 1), ("1.0", 1), ("1.5", 2), ("64", host)):
        limit(f"cpus = {cpus};")
        same(ssh(WHO, "nproc").stdout, f"{seen}\n", f"by ssh, of {cpus}")
        same(su(WHO, "nproc").stdout, f"{seen}\n", f"by su, of {cpus}")


# Prints how many seconds it took to write, and to read what is there.
WRITE = ("dd if=/dev/zero of=%s bs=64K count=%d oflag=direct 2>&1"
         " | sed -n 's/.* copied, \\([0-9.]*\\) s.*/took \\1/p'; rm -f %s")
READ = ("dd if=%s of=/dev/null bs=64K count=%d iflag=direct 2>&1"
        " | sed -n 's/.* copied, \\([0-9.]*\\) s.*/took \\1/p'")


def took(text):
    return float(re.search(r"^took ([0-9.]+)$", text, re.M).group(1))


def io_words(name):
    """Of io.max, for the disk of the home."""
    disk = os.stat(f"/home/{name}").st_dev
    number = f"{os.major(disk)}:{os.minor(disk)} "
    lines = (cgroup_of(name) / "io.max").read_text().splitlines(keepends=True)
    return [line.split()[1:] for line in lines if line.startswith(number)]


@case
def one_session_cannot_write_or_read_faster():
    if "io" not in CONTROLLERS:
        raise Skip("no controller for disks")
    limit('io_read = "1M"; io_write = "1M";')
    sh(f"head -c 8M /dev/urandom >/home/{WHO}/what; sync")
    with held():
        same(io_words(WHO)[0][:2], ["rbps=1048576", "wbps=1048576"])
        for enter in (ssh, su):
            name = f"/home/{WHO}/one"
            text = enter(WHO, WRITE % (name, 64, name)).stdout
            same(took(text) > 2, True, f"4 MiB written: {text}")
            text = enter(WHO, READ % (f"/home/{WHO}/what", 64)).stdout
            same(took(text) > 2, True, f"4 MiB read: {text}")
    limit("required = false;")
    with held():
        text = ssh(WHO, READ % (f"/home/{WHO}/what", 64)).stdout
        same(took(text) < 2, True, f"without a limit: {text}")


@case
def ten_sessions_cannot_write_or_read_faster_together():
    if "io" not in CONTROLLERS:
        raise Skip("no controller for disks")
    limit('io_write = "512K"; io_read = "512K"; sessions = 30;')
    sh(f"head -c 8M /dev/urandom >/home/{WHO}/what; sync")
    with held():
        name = f"/home/{WHO}/$$"
        for what in (WRITE % (name, 8, name),
                     READ % (f"/home/{WHO}/what", 8)):
            begin = time.monotonic()
            texts = outputs(start(what))
            same(sum("took" in text for text in texts), 10, str(texts))
            # 5 MiB, of which the first tenth of a second's is free.
            same(time.monotonic() - begin > 8, True, "it takes its time")


@case
def what_was_hit_is_in_the_log_and_told_once():
    limit('memory = "48M";')
    with held():
        log = Logged()
        ssh(WHO, HOG % 90)
        log.expect(rf"jail-keeper.*: limit user={WHO} .*oom_kill=[1-9]", 20)
        with Terminal(ssh_argv(WHO, options=("-tt",))) as terminal:
            terminal.expect(r"jail: out of memory \(limit 48 MiB\):"
                            r" \d+ of your processes killed", 20)
            terminal.line("exit")
            terminal.wait(20)
        with Terminal(ssh_argv(WHO, options=("-tt",))) as terminal:
            terminal.ask("echo $((6*7))", "^42", 20)
            lacks(terminal.text, "jail:", "told twice")
        # A session of jailsh's hears of it when it ends.
        with Terminal(["su", "-", WHO]) as terminal:
            terminal.ask("echo $((6*7))", "^42", 20)
            terminal.line(HOG % 90)
            terminal.line("exit")
            terminal.expect(r"jail: out of memory .* \d+ of your", 20)


@case
def list_and_explain_tell():
    limit('memory = "96M"; pids = 50; cpus = 1.5;')
    with held():
        has(sh("jailconf list"), rf"^{WHO} .* \d+M +\d+ +\d\d\d\d-")
        text = sh(f"jailconf explain {WHO}")
        has(text, r"for the whole jail: memory 100663296, swap 0, pids 50,"
                  r" cpus 1\.500")
        lacks(text, "not held")


@case
def sshd_s_child_goes_with_its_login():
    if not WITH_SYSTEMD:
        raise Skip("no logind")
    limit('memory = "200M";')
    client = subprocess.Popen(ssh_argv(WHO, "echo up; sleep 600"),
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE)
    same(client.stdout.readline(), b"up\n")
    lines = sh("loginctl --no-legend --no-pager list-sessions").splitlines()
    mine = [l.split()[0] for l in lines if WHO in l.split()]
    same(len(mine), 1, "sessions that logind knows")
    status = sh(f"loginctl --no-pager session-status {mine[0]}")
    has(status, r"sshd.*: " + WHO)
    lacks(status, r"sleep 600")
    sh(["loginctl", "terminate-session", mine[0]])
    same(client.wait(300) != 0, True)
    client.stdout.close()
    eventually(lambda: "sleep 600" not in sh("ps -eo args"),
               "the session's command is gone", 30)
    eventually(lambda: WHO not in sh("loginctl --no-legend list-sessions"),
               "logind has closed the session", 30)


# Prints whether a socket takes a filter on, of one instruction.
ATTACH = r"""
import ctypes, socket, struct
code = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0))
program = struct.pack("HP", 1, ctypes.addressof(code))
try:
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).setsockopt(
        socket.SOL_SOCKET, 26, program)
    print("attached")
except OSError as err:
    print("refused")
"""


@case
def what_accounts_have_used_up_for_filters_keeps_nobody_out():
    """It is one amount for all that they make; only root gets more."""
    most = pathlib.Path("/proc/sys/net/core/bpf_jit_limit")
    if not most.exists():
        raise Skip("only the host's own network has it")
    before = most.read_text()
    ask = f"python3 -c '{ATTACH}'"
    same(su(PLAIN, ask).stdout, "attached\n", "before")
    limit()
    try:
        most.write_text("1")
        asked = su(PLAIN, ask).stdout
        if asked == "attached\n":
            raise Skip("this kernel runs filters without that memory")
        same(asked, "refused\n", "it is used up")
        same(su(WHO, "echo in").stdout, "in\n", "the first session, by su")
        same(ssh(WHO, "echo in").stdout, "in\n", "by ssh")
        with held():
            same(su(WHO, "echo in").stdout, "in\n", "one more, by su")
            same(sh(["jailconf", "exec", WHO, "echo", "in"]), "in\n", "root's")
        stop(WHO)
        configure(WHO, 'seccomp = "none";')
        same(su(WHO, "echo in").stdout, "in\n", "without a filter")
    finally:
        most.write_text(before)


@case
def nothing_is_left_behind():
    stop(WHO)
    eventually(lambda: not find_cgroups(uid_of(WHO)),
               "the jail's cgroup is gone", 20)


run()
