#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""ssh with a terminal: the keys, the window, the job control, the hangup"""
import os
import re
import signal

from bed import (PROOF, both, eventually, has, of_uid, processes,
                 proved, run, same, ssh_argv, sshd, the_two,
                 uid_of)
from term import Terminal

the_two()
sshd()

PROMPT = r"READY> $"


def terminal(who, *command, **keys):
    return Terminal(ssh_argv(who, *command, options=["-tt"]), **keys)


def shell(who, **keys):
    """A login shell that has printed its first prompt."""
    tty = terminal(who, **keys)
    tty.expect(r"\$ $", timeout=15)
    tty.line("PS1='READY''> '; unset PROMPT_COMMAND")
    tty.expect(PROMPT)
    return tty


@both
def a_shell_with_a_terminal_is_where_the_account_belongs(who):
    with shell(who) as tty:
        tty.line(PROOF.replace("\n", "; ").replace("echo end", "echo e''nd"))
        proved(who, tty.expect(r"mnt=mnt:(?:.|\n)*?^end").group(),
               "ssh -t: a shell")


@both
def it_is_a_login_shell_that_reads_its_profile(who):
    with shell(who) as tty:
        tty.ask("echo $0; shopt login_shell", r"^-bash\r\nlogin_shell\s+on")


@both
def the_terminal_has_a_name_that_is_there(who):
    with shell(who) as tty:
        name = tty.ask("tty", r"^(/dev/pts/\d+)\r").group(1)
        tty.ask(f"stat -c '%U %G %a %F' {name} $(tty)",
                rf"^{who} tty 620 character special file\r\n{who} tty 620")
        tty.ask("ps -o tty= -p $$", rf"^{name.removeprefix('/dev/')}\s*\r")
        tty.ask("echo through >$(tty)", r"^through\r")
        tty.ask("test /dev/tty -ef $(tty); echo ctty >/dev/tty", r"^ctty\r")
        tty.ask("echo $SSH_TTY", rf"^{name}\r")


@both
def the_window_has_its_size_and_follows(who):
    with shell(who, rows=31, cols=97) as tty:
        tty.ask("stty size", r"^31 97\r")
        tty.resize_and_follow(40, 120)


@both
def the_exit_status_comes_through(who):
    with terminal(who, "exit 7") as tty:
        same(tty.wait(), 7)
    with shell(who) as tty:
        tty.line("exit 42")
        same(tty.wait(), 42)


@both
def control_c_ends_the_command_and_not_the_shell(who):
    with shell(who) as tty:
        tty.line("sleep 100")
        tty.busy_with("sleep 100")
        tty.send("\x03")
        tty.expect(PROMPT)
        tty.ask("echo status=$?", r"^status=130\r")


@both
def control_c_ends_a_lone_command_with_130(who):
    with terminal(who, "trap 'exit 130' INT; echo up; sleep 100 & wait") as tty:
        tty.expect("^up\r", timeout=15)
        tty.send("\x03")
        same(tty.wait(), 130)


@both
def control_backslash_quits(who):
    with shell(who) as tty:
        tty.line("ulimit -c 0; sleep 100")
        tty.busy_with("sleep 100")
        tty.send("\x1c")
        tty.expect(PROMPT)
        tty.ask("echo status=$?", r"^status=131\r")


@both
def control_z_stops_and_bg_and_fg_go_on(who):
    with shell(who) as tty:
        tty.line("sleep 300")
        tty.busy_with("sleep 300")
        tty.send("\x1a")
        tty.expect(r"\[1\]\+  Stopped")
        tty.ask("bg", r"\[1\]\+ sleep 300 &")
        tty.ask("jobs", r"\[1\]\+  Running")
        tty.line("fg")
        tty.expect("^sleep 300\r")
        tty.busy_with("sleep 300")
        tty.send("\x03")
        tty.expect(PROMPT)
        tty.ask("echo status=$?", r"^status=130\r")


@both
def a_background_reader_is_stopped(who):
    with shell(who) as tty:
        tty.line("cat & until [ \"$(jobs -s)\" ]; do sleep .1; done; jobs")
        tty.expect(r"\[1\]\+  Stopped\s")


@both
def keys_reach_what_reads_them_raw(who):
    with terminal(who, "stty raw -echo; printf go; dd bs=1 count=3 2>/dev/null"
                       " | od -An -tx1; stty sane") as tty:
        tty.expect("go", timeout=15)
        tty.send("\x03\x1a\x04")
        tty.expect("03 1a 04")


def sleepers(uid):
    table = processes()
    return [p for p in of_uid(uid) if table.get(p, ("", ""))[1] == "sleep 4242"]


@both
def a_hangup_ends_what_ran_on_the_terminal(who):
    uid = uid_of(who)
    with shell(who) as tty:
        tty.line("sleep 4242")
        eventually(lambda: sleepers(uid), "sleep runs")
        tty.signal(signal.SIGKILL)
        eventually(lambda: not sleepers(uid), "sleep is gone")


@both
def what_is_nohupped_survives_the_hangup(who):
    uid = uid_of(who)
    with shell(who) as tty:
        tty.line("nohup sleep 4242 >/dev/null 2>&1 &")
        eventually(lambda: sleepers(uid), "sleep runs")
        tty.signal(signal.SIGKILL)
        tty.wait()
    eventually(lambda: not any(re.match(rf"sshd(-session)?: {who}", line)
                               for _, line in processes().values()),
               "the session ends")
    same(len(sleepers(uid)), 1, "nohup sleep")
    os.kill(sleepers(uid)[0], signal.SIGKILL)


@both
def the_terminal_can_make_terminals(who):
    with shell(who) as tty:
        tty.ask("script -qec tty /dev/null", r"^/dev/pts/\d+\r")


@both
def much_output_arrives_whole(who):
    with terminal(who, "stty -onlcr; seq 200000 | tail -c 1000000") as tty:
        tty.wait(timeout=30)
        has(tty.text[-60:], r"199999\n200000\n")
        same(len(tty.text.split("Connection")[0]), 1000000)


run()
