#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""limits of a jail as a whole where the kernel has no controller for them:
refused in one line, or let in and told in one line, as the configuration
says; never let in silently"""
import pathlib
import re
import sys

from bed import (Logged, case, configure, has, jail_account, lacks, run, same,
                 sh, ssh, sshd, stop, su)

CONTROLLERS = pathlib.Path("/sys/fs/cgroup/cgroup.controllers")
if {"memory", "pids"} & set(CONTROLLERS.read_text().split()):
    print("there are controllers: 90-limits.t is for them")
    sys.exit(77)

WHO = "unlimited"
LIMITS = 'memory = "96M"; pids = 50;'
CAUSE = r"this host cannot limit %s: no controller in cgroup version 2"

jail_account(WHO)
sshd()


def limit(words):
    stop(WHO)
    configure(WHO, "limits = { " + words + " };")


@case
def a_limit_that_cannot_be_held_keeps_everybody_out():
    for words, which in ((LIMITS, "memory, pids"),
                         (LIMITS + ' required = [ "pids" ];', "pids")):
        limit(words)
        for enter in (ssh, su):
            log = Logged()
            done = enter(WHO, "echo in")
            same(done.returncode != 0, True, "refused")
            lacks(done.stdout, "^in$")
            log.expect(rf"refuse user={WHO} .*{CAUSE % which}")
        done = sh(["jailconf", "explain", WHO], check=False)
        has(done.stdout, CAUSE % which)
        has(sh(["jailconf", "check"], check=False).stdout, CAUSE % which)


@case
def one_that_is_not_required_is_let_go_and_told():
    for words in (LIMITS + " required = false;", LIMITS + " required = [];"):
        limit(words)
        for enter in (ssh, su):
            stop(WHO)
            log = Logged()
            same(enter(WHO, "echo in").stdout, "in\n")
            log.expect(rf'limit user={WHO} .*not_held="memory, pids"')
            same(len(re.findall("not_held", log.text())), 1, "lines")
        has(sh(["jailconf", "explain", WHO]),
            "not held on this host: memory, pids")
        has(sh(["jailconf", "check"]), rf"{WHO}: memory, pids")


@case
def the_speed_of_a_disk_that_cannot_be_limited_is_told():
    why = (r"no controller, or none for the home's disk, in cgroup version 2")
    limit('io_write = "1M";')
    log = Logged()
    lacks(ssh(WHO, "echo in").stdout, "^in$")
    log.expect(rf"refuse user={WHO} .*this host cannot limit io_write: {why}")
    limit('io_write = "1M"; required = false;')
    log = Logged()
    same(ssh(WHO, "echo in").stdout, "in\n")
    log.expect(rf'limit user={WHO} .*not_held="?io_write"? cause="{why}')
    has(sh(["jailconf", "explain", WHO]), rf"not held on this host: io_write"
                                          rf" \({why}\)")


@case
def a_weight_of_disks_that_nothing_goes_by_is_told():
    limit("io_weight = 50;")
    log = Logged()
    lacks(ssh(WHO, "echo in").stdout, "^in$")
    log.expect(rf"refuse user={WHO} .*this host cannot limit io_weight: no"
               " controller, or none for the home's disk")


@case
def a_quota_that_the_file_system_has_not_is_told():
    """Where it has one: 48-quota.t."""
    why = (rf"jail shell: disk is not limited: /home/{WHO}: its file"
           r" system (has no quotas of projects, as ext4 and xfs have:|does"
           r" not hold quotas of projects: mount it with prjquota)")
    limit('disk = "20M"; disk_files = 900;')
    for enter in (ssh, su):
        log = Logged()
        lacks(enter(WHO, "echo in").stdout, "^in$")
        log.expect(rf"refuse user={WHO} .*{why}")
    for verb in ("explain", "quota"):
        done = sh(["jailconf", verb, WHO], check=False)
        same(done.returncode, 1)
        has(done.stdout, why.split(": ", 2)[2])
    has(sh(["jailconf", "check"], check=False).stdout, why)
    for words in ("required = false;", 'pids = 99; required = [ ];'):
        limit('disk = "20M"; ' + words)
        log = Logged()
        same(ssh(WHO, "echo in").stdout, "in\n")
        log.expect(rf'limit user={WHO} .*not_held="?disk"? cause="{why}')
        has(sh(["jailconf", "explain", WHO]), rf"not held: {why}")
        has(sh(["jailconf", "check"], check=False).stdout,
            rf"warning: the disk of 1 accounts \({WHO}\) is not limited, which"
            rf" is not required: {why}")


@case
def what_is_left_of_it_holds():
    limit("cpus = 1; required = false;")
    same(ssh(WHO, "nproc").stdout, "1\n")
    same(su(WHO, "nproc").stdout, "1\n")


run()
