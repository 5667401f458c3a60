#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""login(1), as on a console or a serial line"""
import os

from bed import JAILED, PROOF, both, case, lacks, proved, run, same, the_two
from term import Terminal

the_two()


def prompted(*argv, prompt="assword: "):
    """A terminal on which login asks."""
    tty = Terminal(["login", *argv])
    tty.expect(prompt, timeout=20)
    return tty


def login(who):
    """A terminal on which WHO has just logged in."""
    tty = prompted(prompt="login: ")
    tty.line(who)
    tty.expect("assword: ")
    tty.line("pw")
    tty.expect(r"\$ $", timeout=20)
    tty.line("PS1='USER''> '; unset PROMPT_COMMAND")
    tty.expect(r"USER> $")
    return tty


@both
def a_login_on_a_console_is_where_the_account_belongs(who):
    with login(who) as tty:
        tty.line(PROOF.replace("\n", "; ").replace("echo end", "echo e''nd"))
        proved(who, tty.expect(r"mnt=mnt:(?:.|\n)*?^end").group(),
               "login on a console")
        tty.line("exit")
        tty.wait()


@both
def the_terminal_works_as_one(who):
    with login(who) as tty:
        name = tty.ask("tty", r"^(/dev/pts/\d+)\r").group(1)
        tty.ask("ps -o tty= -p $$", rf"^{name.removeprefix('/dev/')}\s*\r")
        tty.expect(r"USER> $")
        tty.line("sleep 100")
        tty.silent("USER", 0.5)
        tty.send("\x03")
        tty.expect(r"USER> $")
        tty.ask("echo status=$?", r"^status=130\r")
        tty.line("exit")
        tty.wait()


@case
def the_console_itself_is_not_inside():
    with login(JAILED) as tty:
        outer = os.fstat(tty.master).st_dev
        for name in ("/proc/self/fd/0", "/proc/self/fd/2", "$(tty)"):
            inner = tty.ask(f"stat -L -c dev=%d {name}", r"^dev=(\d+)\r")
            same(int(inner.group(1)) != outer, True, name)
        tty.line("exit")
        tty.wait()


@case
def a_wrong_password_is_no_way_in():
    with prompted(JAILED) as tty:
        tty.line("wrong")
        tty.expect("ncorrect", timeout=10)
        lacks(tty.text, r"\$ $")


run()
