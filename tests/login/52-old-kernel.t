#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""on a kernel that is too old nobody is jailed, and nobody gets in without"""
import os
import re

from bed import (CONF_DIR, JAILSH, PLAIN, Logged, Skip, account, case, has,
                 run, same, set_up, sh, ssh, sshd, su)

LEAST = (5, 15)
KERNEL = tuple(int(n) for n in re.findall(r"\d+", os.uname().release)[:2])
MOVED = "moved"  # jailed where this host came from
CAUSE = r"Linux 5\.15 or newer is needed"

account(PLAIN)
account(MOVED)
set_up()
sshd()


def only_too_old():
    if KERNEL >= LEAST:
        raise Skip("this kernel is new enough: see vms() in ./check")


def jailed_by_hand():
    (CONF_DIR / "users.d" / MOVED).write_text('jail = "shell";\n')
    sh(["usermod", "-s", JAILSH, MOVED])


@case
def nobody_is_added():
    only_too_old()
    before = sh(["getent", "passwd", PLAIN])
    done = sh(["jailconf", "add", PLAIN], check=False)
    same(done.returncode != 0, True, done.stdout)
    has(done.stdout, "nothing was changed: .*" + CAUSE)
    same(sh(["getent", "passwd", PLAIN]), before)
    same((CONF_DIR / "users.d" / PLAIN).exists(), False, "users.d")


@case
def who_is_jailed_is_kept_out_and_the_log_says_why():
    only_too_old()
    jailed_by_hand()
    for enter in (ssh, su):
        log = Logged()
        done = enter(MOVED, "echo in")
        same("in\n" in done.stdout, False, done.stdout)
        same(done.returncode != 0, True, "status")
        log.expect(CAUSE)
        same(enter(PLAIN, "echo in").stdout, "in\n")


@case
def check_says_so():
    only_too_old()
    jailed_by_hand()
    has(sh(["jailconf", "check"], check=False).stdout, CAUSE)


run(60)
