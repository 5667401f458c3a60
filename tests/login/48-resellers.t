#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""limits of a reseller over the jails of his accounts together; and that
jails which begin and end at the same time all are where they count"""
import contextlib
import re
import subprocess
import threading

from bed import (CGROUP, CONF_DIR, Logged, Skip, case, configure, eventually,
                 find_cgroups, has, jail_account, lacks, run, same, sh, ssh,
                 ssh_argv, sshd, stop, su, uid_of)
from term import Terminal

CONTROLLERS = set((CGROUP / "cgroup.controllers").read_text().split())

WHO = ("reselled-a", "reselled-b", "reselled-c")
MIB = 1 << 20
CONF = CONF_DIR / "jail.conf"

for name in WHO:
    jail_account(name)
sshd()

HOG = "head -c %dM /dev/zero | tail | wc -c"
FORKS = ("sh -c 'n=0; while [ $n -lt 60 ]; do sleep %d >/dev/null 2>&1 &"
         " n=$((n+1)); echo $n; done'")
ORIGINAL = CONF.read_text()


def resell(limits, *own):
    """What the reseller's jails may take together; OWN is for each."""
    for name in WHO:
        stop(name)
        configure(name, 'reseller = "acme";', *own)
    change(limits)


def change(limits):
    CONF.write_text(ORIGINAL + "resellers = { acme = { limits = { " + limits
                    + " }; }; };\n")


def needs(*controllers):
    if not set(controllers) <= CONTROLLERS:
        raise Skip("no controllers in cgroup version 2")


def reseller():
    found = find_cgroups("reseller-acme")
    same(len(found), 1, "cgroups of the reseller")
    return found[0]


def value(file):
    return (reseller() / file).read_text().strip()


def event(file, word):
    return int(re.search(rf"^{word} (\d+)$", value(file), re.M).group(1))


@contextlib.contextmanager
def held(*names):
    """A session of each, that keeps the jail."""
    clients = []
    try:
        for name in names:
            client = subprocess.Popen(
                ssh_argv(name, "echo up; cat"),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            clients.append(client)
            same(client.stdout.readline(), b"up\n", name)
        yield
    finally:
        for client in clients:
            client.stdin.close()
            client.wait(300)
            client.stdout.close()


def start(command):
    """COMMAND in ten sessions, of both accounts and by both doors."""
    clients = []
    for i in range(10):
        name = WHO[i % 2]
        argv = ssh_argv(name, command) if i % 3 == 0 else [
            "su", "-", name, "-c", command]
        clients.append(subprocess.Popen(
            argv, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
    return [client.communicate(timeout=600)[0] for client in clients]


@case
def a_jail_lies_in_its_reseller_s():
    resell("required = false;")
    with held(*WHO[:2]):
        for name in WHO[:2]:
            found = find_cgroups(f"{uid_of(name)}/*/cgroup.procs")
            same([p.parents[2].name for p in found], ["reseller-acme"], name)
            same(found[0].read_text() != "", True, "it is in use")
    for name in WHO[:2]:
        stop(name)
    eventually(lambda: not find_cgroups("reseller-acme"),
               "a reseller without jails has no cgroup", 20)


@case
def explain_list_and_the_log_tell():
    resell('memory = "300M"; required = false;')
    log = Logged()
    with held(WHO[0]):
        has(sh(["jailconf", "list"]), rf"^{WHO[0]} .*  reseller acme")
        has(sh(["jailconf", "list", "--json"]), r'"reseller": *"acme"')
    has(sh(["jailconf", "explain", WHO[0]]),
        r"^ *reseller +acme; for all its jails together: memory 314572800,"
        r" swap 0$")
    has(sh(["jailconf", "explain", "--json", WHO[0]]), '"name": *"acme"')
    if "memory" not in CONTROLLERS:
        log.expect(rf'limit user={WHO[0]} .*'
                   r'not_held="memory of reseller acme"')


@case
def what_cannot_be_held_for_all_keeps_everybody_out():
    if "pids" in CONTROLLERS:
        raise Skip("there are controllers")
    resell("pids = 50;")
    log = Logged()
    for enter in (ssh, su):
        done = enter(WHO[0], "echo in")
        same(done.returncode != 0, True, "refused")
        lacks(done.stdout, "^in$")
    log.expect(r"this host cannot limit pids of reseller acme: no controller")
    eventually(lambda: not find_cgroups("reseller-acme"), "none is left")


@case
def jails_that_begin_and_end_at_once_are_all_in_it():
    """The reseller's cgroup is made and removed by several keepers."""
    limits = "pids = 400;" if "pids" in CONTROLLERS else "required = false;"
    resell(limits, "linger = 0;")
    bad = []

    def come_and_go(name):
        for _ in range(6):
            done = ssh(name, "cat /proc/self/cgroup", timeout=60)
            if "sshd" in done.stdout or done.returncode or done.stderr:
                bad.append((name, done.stdout, done.stderr))
            done = su(name, "cat /proc/self/cgroup")
            if done.returncode or done.stderr:
                bad.append((name, done.stdout, done.stderr))
    threads = [threading.Thread(target=come_and_go, args=(name,))
               for name in WHO]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    same(bad, [])
    eventually(lambda: not find_cgroups("reseller-acme"), "nothing is left", 20)


@case
def limits_follow_the_configuration_at_the_next_start():
    needs("pids", "memory", "cpu")
    resell('pids = 70; memory = "300M"; cpus = 1;')
    with held(WHO[0]):
        same((value("pids.max"), value("memory.max"), value("memory.swap.max")),
             ("70", str(300 * MIB), "0"))
        same(value("cpu.max"), "100000 100000")
        change('pids = 80; memory_high = "200M";')
        with held(WHO[1]):
            same((value("pids.max"), value("memory.max"),
                  value("memory.high"), value("memory.swap.max")),
                 ("80", "max", str(200 * MIB), "max"))
            same(value("cpu.max"), "max 100000")


@case
def one_account_cannot_take_what_others_have_left():
    needs("pids")
    resell("pids = 45;", "limits = { pids = 400; };")
    with held(*WHO[:2]):
        first = subprocess.Popen(
            ssh_argv(WHO[0], "n=0; while [ $n -lt 20 ]; do sleep 300"
                             " >/dev/null 2>&1 & n=$((n+1)); done; echo done;"
                             " wait"),
            text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        same(first.stdout.readline(), "done\n")
        text = ssh(WHO[1], FORKS % 300, timeout=60).stdout
        count = int(re.findall(r"^(\d+)$", text, re.M)[-1])
        same(5 < count < 25, True, f"{count} beside 20, of 45")
        same(int(value("pids.current")) <= 45, True)
        stop(WHO[0])
        first.communicate(timeout=300)


@case
def the_account_is_told():
    needs("pids")
    resell("pids = 30;", "limits = { pids = 400; };")
    log = Logged()
    with held(WHO[0]):
        ssh(WHO[0], FORKS % 3, timeout=60)
        log.expect(rf"limit user={WHO[0]} .*reseller=acme", 20)
        eventually(lambda: int(value("pids.current")) < 15,
                   "those that were started end", 20)
        with Terminal(ssh_argv(WHO[0], options=("-tt",))) as terminal:
            terminal.expect(r"jail: too many processes.* together with other"
                            r" accounts.* 30", 20)
            terminal.line("exit")


@case
def ten_sessions_of_two_accounts_cannot_start_more_together():
    needs("pids")
    resell("pids = 60;", "limits = { pids = 400; sessions = 30; };")
    with held(*WHO[:2]):
        start(FORKS % 3)
        same(int(value("pids.current")) <= 60 + 4, True, "of 60")
        lines = (reseller() / "pids.peak")
        if lines.exists():
            # sshd's own child comes in, whatever the limit is.
            same(int(lines.read_text()) <= 60 + 12, True, lines.read_text())
        if (reseller() / "pids.events.local").exists():
            same(event("pids.events.local", "max") > 0, True, "it was hit")
        same(ssh(WHO[0], "echo in").stdout, "in\n", "then it goes on")


@case
def ten_sessions_of_two_accounts_cannot_take_more_memory_together():
    needs("memory")
    resell('memory = "128M";', 'limits = { memory = "1G"; sessions = 30; };')
    with held(*WHO[:2]):
        start(HOG % 60)
        same(event("memory.events", "max") > 0, True, "the limit is hit")
        if (reseller() / "memory.peak").exists():  # from Linux 5.19 on
            same(int(value("memory.peak")) <= 128 * MIB, True)


@case
def nothing_is_left_behind():
    for name in WHO:
        stop(name)
    CONF.write_text(ORIGINAL)
    for name in WHO:
        configure(name)
    eventually(lambda: not find_cgroups("reseller-*"),
               "the reseller's cgroup is gone", 20)


run()
