#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""su from a terminal of root's: it behaves as for a plain account, and the
terminal itself never gets into the jail"""
import os
import pathlib
import re
import time

from bed import (JAILED, PLAIN, PROOF, both, case, eventually, lacks,
                 proved, run, same, sh, the_two)
from term import Terminal

the_two()

ROOT = r"ROOT> $"
USER = r"USER> $"


def root():
    """An interactive shell of root's on a terminal, at its prompt."""
    env = {"PATH": os.environ["PATH"], "PS1": "ROOT> ", "TERM": "vt100",
           "HOME": "/root", "LC_ALL": "C.UTF-8"}
    tty = Terminal(["bash", "--norc", "--noprofile", "-i"], env=env)
    tty.expect(ROOT)
    tty.line("bind 'set enable-bracketed-paste off'")
    tty.expect(ROOT)
    return tty


def su(tty, who):
    """su - WHO on TTY, up to its prompt."""
    tty.line(f"su - {who}")
    tty.expect(r"\$ $")
    tty.line("PS1='USER''> '; unset PROMPT_COMMAND")
    tty.expect(USER)


def back(tty, status=None):
    """The shell of root's is there again, and its terminal is sane."""
    tty.expect(ROOT)
    if status is not None:
        tty.ask("echo status=$?", rf"^status={status}\r")
        tty.expect(ROOT)
    tty.ask("stty -a | tr ' ;' '\\n\\n' | grep -xE -- '-?(icanon|echo|isig|"
            "opost|icrnl)' | sort | tr '\\n' ,",
            r"^echo,icanon,icrnl,isig,opost,")
    tty.expect(ROOT)


@both
def a_shell_is_where_the_account_belongs(who):
    with root() as tty:
        su(tty, who)
        tty.line(PROOF.replace("\n", "; ").replace("echo end", "echo e''nd"))
        proved(who, tty.expect(r"mnt=mnt:(?:.|\n)*?^end").group())
        tty.line("exit 3")
        back(tty, 3)


@both
def the_terminal_has_a_name_that_is_there(who):
    with root() as tty:
        su(tty, who)
        name = tty.ask("tty", r"^(/dev/pts/\d+)\r").group(1)
        tty.ask("test /dev/tty -ef $(tty); echo ctty >/dev/tty", r"^ctty\r")
        tty.ask("ps -o tty= -p $$", rf"^{name.removeprefix('/dev/')}\s*\r")


@case
def the_terminal_inside_is_the_jail_s():
    with root() as tty:
        outer = os.stat(f"/proc/{tty.pid}/fd/0").st_dev
        su(tty, JAILED)
        for name in ("/proc/self/fd/0", "/proc/self/fd/1", "/proc/self/fd/2",
                     "$(tty)"):
            inner = tty.ask(f"stat -L -c dev=%d {name}", r"^dev=(\d+)\r")
            same(int(inner.group(1)) != outer, True, f"{name} is another's")
        tty.ask("stat -c '%U %a' $(tty)", rf"^{JAILED} 620\r")


@both
def the_window_has_its_size_and_follows(who):
    with root() as tty:
        tty.resize(31, 97)
        su(tty, who)
        tty.ask("stty size", r"^31 97\r")
        tty.resize_and_follow(40, 120)
        tty.expect(USER)
        tty.line("exit")
        back(tty)


@both
def control_c_ends_the_command_and_not_the_shell(who):
    with root() as tty:
        su(tty, who)
        tty.line("sleep 100")
        tty.silent("USER", 0.5)
        tty.send("\x03")
        tty.expect(USER)
        tty.ask("echo status=$?", r"^status=130\r")
        tty.expect(USER)
        tty.line("exit 0")
        back(tty, 0)


@case
def control_c_at_su_c_ends_as_with_the_plain_account():
    seen = []
    for who in (PLAIN, JAILED):
        with root() as tty:
            tty.line(f"su - {who} -c 'echo u\"\"p; sleep 100'")
            tty.expect("^up\r")
            time.sleep(0.3)
            tty.send("\x03")
            tty.expect(ROOT)
            seen.append(tty.ask("echo status=$?", r"^status=(\d+)\r").group(1))
            back(tty)
    same(seen[1], seen[0], "status of su after ^C")


@both
def control_z_stops_a_job_and_fg_goes_on(who):
    with root() as tty:
        su(tty, who)
        tty.line("sleep 300")
        tty.busy_with("sleep 300")
        tty.send("\x1a")
        tty.expect(r"\[1\]\+  Stopped")
        tty.expect(USER)
        tty.ask("bg", r"\[1\]\+ sleep 300 &")
        tty.expect(USER)
        tty.line("fg")
        tty.expect("^sleep 300\r")
        tty.busy_with("sleep 300")
        tty.send("\x03")
        tty.expect(USER)
        tty.line("exit 0")
        back(tty, 0)


@both
def suspend_stops_the_whole_su_and_fg_goes_on(who):
    with root() as tty:
        su(tty, who)
        for _ in range(2):
            tty.line("suspend -f")
            tty.expect(rf"\[1\]\+  Stopped\s+su - {who}")
            back(tty)
            tty.ask("echo root-$((40+2))", "^root-42\r")
            tty.expect(ROOT)
            tty.line("fg")
            tty.expect(rf"^su - {who}\r")
            tty.ask("echo user-$((40+2))", "^user-42\r")
            tty.expect(USER)
        tty.line("exit 4")
        back(tty, 4)


@both
def a_suspended_su_notices_the_new_size(who):
    with root() as tty:
        tty.resize(24, 80)
        su(tty, who)
        tty.line("suspend -f")
        tty.expect(r"\[1\]\+  Stopped")
        tty.expect(ROOT)
        tty.resize(50, 132)
        tty.line("fg")
        tty.ask("stty size", r"^50 132\r")


@both
def a_background_reader_is_stopped_and_steals_nothing(who):
    with root() as tty:
        su(tty, who)
        tty.line("cat &")
        tty.expect(USER)
        tty.line("until [ \"$(jobs -s)\" ]; do sleep .1; done; jobs")
        tty.expect(r"\[1\]\+  Stopped\s+cat\r")
        tty.expect(USER)
        tty.ask("echo my-$((40+2))", "^my-42\r")
        tty.expect(USER)
        tty.ask("fg", "^cat\r")
        tty.line("for the cat")
        tty.expect("^for the cat\r\nfor the cat\r")
        tty.send("\x04")
        tty.expect(USER)
        tty.line("exit 0")
        back(tty, 0)


@both
def su_in_the_background_steals_nothing_and_fg_goes_on(who):
    with root() as tty:
        tty.line(f"su - {who} &")
        tty.expect(ROOT)
        time.sleep(1)
        for number in range(5):
            tty.ask(f"echo my-$(({number}+2))", f"^my-{number + 2}\r")
            tty.expect(ROOT)
        # A plain shell is stopped; jailsh waits for the foreground.
        tty.ask("jobs", r"\[1\]\+  (Stopped|Running)\s+su - ")
        tty.expect(ROOT)
        tty.ask("fg", rf"^su - {who}\r")
        time.sleep(0.5)
        tty.line("")
        tty.expect(r"\$ $")
        tty.silent("never", 0.3)
        tty.ask("echo now-$((40+2))", "now-42\r")
        tty.line("exit 0")
        back(tty, 0)


@both
def a_background_command_takes_no_key_that_it_does_not_read(who):
    with root() as tty:
        tty.line(f"su - {who} -c 'sleep 10; echo heard-$((40+2))' &")
        tty.expect(ROOT)
        time.sleep(0.5)
        for number in range(8):
            tty.ask(f"echo my-$(({number}+2))", f"^my-{number + 2}\r",
                    timeout=3)
            tty.expect(ROOT)
        if "heard-42\r" not in tty.text:
            tty.expect("heard-42\r", timeout=20)
        tty.line("")
        back(tty)


@case
def nor_where_proc_hides_who_has_called_it():
    sh("mount -o remount,hidepid=2 /proc")
    try:
        a_background_command_takes_no_key_that_it_does_not_read(JAILED)
    finally:
        sh("mount -o remount,hidepid=0 /proc")


@both
def a_background_writer_is_heard(who):
    with root() as tty:
        tty.line(f"su - {who} -c 'echo heard-$((40+2))' &")
        tty.expect("heard-42\r")
        tty.line("wait; echo waited-$?")
        tty.expect("^waited-0\r")


INJECT = """
import fcntl, termios, sys
for c in "echo INJECTED-$(id -u)\\n":
    for fd in (0, 1, 2):
        try:
            fcntl.ioctl(fd, termios.TIOCSTI, c.encode())
            break
        except OSError:
            pass
"""


@case
def what_is_pushed_back_inside_is_not_typed_outside():
    script = pathlib.Path(f"/home/{JAILED}/inject.py")
    script.write_text(INJECT)
    for command in (f"su - {JAILED} -c 'python3 inject.py'",
                    f"su - {JAILED} -c 'python3 inject.py' </dev/null",
                    f"su - {JAILED} -c 'setsid -c python3 inject.py'"):
        with root() as tty:
            tty.line(command)
            tty.expect(ROOT)
            tty.silent("INJECTED-0", 0.5)
            tty.line("")
            tty.silent("INJECTED-0", 0.5)


SETTINGS = """
import fcntl, os, termios
for name in (0, 1, 2, os.open("/dev/tty", os.O_RDWR)):
    for call in (lambda: os.tcsetpgrp(name, os.getpgrp()),
                 lambda: fcntl.ioctl(name, termios.TIOCNOTTY),
                 lambda: fcntl.ioctl(name, termios.TIOCEXCL),
                 lambda: fcntl.ioctl(name, termios.TIOCSTI, b"x")):
        try:
            call()
        except OSError:
            pass
print("done")
"""

THIEF = """
import os, select, sys, time
out = open(os.path.expanduser("~/stolen"), "wb", buffering=0)
out.write(b"start\\n")
end = time.monotonic() + 3
while time.monotonic() < end:
    for fd in select.select([1, 2], [], [], .1)[0]:
        try:
            out.write(os.read(fd, 100) or b"")
        except OSError as err:
            time.sleep(.1)
"""


@case
def a_terminal_as_output_does_not_leak_what_root_types():
    home = pathlib.Path(f"/home/{JAILED}")
    (home / "thief.py").write_text(THIEF)
    stolen = home / "stolen"
    for command in (f"sleep 20 | su - {JAILED} -c 'python3 thief.py' &",
                    f"su - {JAILED} -c 'setsid -w python3 thief.py'"
                    " </dev/null &",
                    f"su - {JAILED} -c 'setsid python3 thief.py & sleep .5'"):
        stolen.unlink(missing_ok=True)
        with root() as tty:
            tty.line(command)
            eventually(lambda: stolen.exists() and stolen.stat().st_size,
                       f"the thief waits: {command} {tty.text!r}")
            if not command.endswith("&"):
                tty.expect(ROOT)
            for _ in range(4):
                tty.line("echo top-sec''ret")
                tty.expect("^top-secret\r")
                time.sleep(0.3)
            time.sleep(1.5)
        lacks(stolen.read_text(), "sec|ret|echo", command)


@case
def what_is_done_to_the_terminal_inside_is_not_done_to_root_s():
    """Neither its settings nor its foreground, by whatever descriptor."""
    script = pathlib.Path(f"/home/{JAILED}/settings.py")
    script.write_text(SETTINGS)
    with root() as tty:
        before = tty.foreground()
        tty.line(f"su - {JAILED} -c 'python3 settings.py; stty raw -echo'")
        tty.expect("^done\r?\n")
        back(tty)
        same(tty.foreground(), before)


@both
def a_program_that_wants_the_keys_raw_gets_them(who):
    with root() as tty:
        tty.line(f"su - {who} -c 'stty raw -echo; printf g\"\"o;"
                 " dd bs=1 count=3 2>/dev/null | od -An -tx1; stty sane'")
        tty.expect("^go|\ngo|go$")
        tty.send("\x03\x1a\x04")
        tty.expect("03 1a 04")
        back(tty)


@both
def much_output_arrives_whole(who):
    with root() as tty:
        tty.line(f"su - {who} -c 'seq 100000 | cksum; seq 100000'; echo en''d")
        tty.expect("^end\r", timeout=30)
        numbers = re.findall(r"^(\d+)\r\n", tty.text, re.M)
        same(numbers, [str(i) for i in range(1, 100001)])


@both
def a_hangup_of_root_s_terminal_ends_the_session(who):
    with root() as tty:
        su(tty, who)
        tty.line("sleep 6161")
        path = pathlib.Path("/proc")

        def there():
            found = []
            for pid in path.iterdir():
                try:
                    if b"sleep\x006161" in (pid / "cmdline").read_bytes():
                        found.append(pid)
                except OSError:
                    pass
            return found
        eventually(there, "it runs")
        tty.hangup()
        eventually(lambda: not there(), "it is gone")


@both
def a_script_without_a_controlling_terminal_gets_an_answer(who):
    """su -c with a terminal on 0, 1, 2: util-linux su makes a session."""
    with root() as tty:
        tty.line(f"su {who} -c 'test -t 0 && test -t 1 && test -t 2 &&"
                 " echo all-$((1+2))'")
        tty.expect("^all-3\r")
        back(tty, 0)


@both
def a_pipe_between_keeps_its_end(who):
    with root() as tty:
        tty.line(f"echo in | su - {who} -c 'cat; test -t 1; echo $?' | cat")
        tty.expect("^in\r\n1\r")
        back(tty, 0)


@both
def su_with_a_pty_of_its_own(who):
    with root() as tty:
        tty.line(f"su --pty - {who}")
        tty.expect(r"\$ $")
        tty.line("tty; echo in-$((40+2))")
        tty.expect(r"^/dev/pts/\d+\r\nin-42\r")
        tty.line("exit 6")
        back(tty, 6)


run()
