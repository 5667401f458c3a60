# SPDX-License-Identifier: ISC
"""term - a program on a terminal of its own, and a finger on its keys

A Terminal runs a program as the leader of a session whose controlling
terminal is a new pty, as a terminal emulator does.  Nothing is typed or
read but what a test asks for.
"""
import errno
import fcntl
import os
import re
import select
import signal
import struct
import termios
import time

PATIENCE = 3 * float(os.environ.get("BED_SLOW", "1"))  # as in bed.py


CONTEXT = re.compile(r"\x1b\]3008;[^\x07\x1b]*(?:\x07|\x1b\\)")
PREFIX = re.compile(r"\x1b(\](3(0(08?)?)?)?)?\Z")


class Gave(AssertionError):
    """The program did not say what the test waits for."""


def is_in_foreground(pid, words):
    """Whether process PID is the command WORDS, and keys go to it."""
    try:
        with open(f"/proc/{pid}/cmdline", encoding="utf-8",
                  errors="replace") as stream:
            line = stream.read().replace("\0", " ").strip()
        with open(f"/proc/{pid}/stat", encoding="utf-8",
                  errors="replace") as stream:
            fields = stream.read().rpartition(")")[2].split()
    except OSError:
        return False
    return line == words and fields[2] == fields[5]  # its group, the terminal's


def set_size(terminal, rows, cols):
    size = struct.pack("HHHH", rows, cols, 0, 0)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)


class Terminal:
    def __init__(self, argv, rows=24, cols=80, env=None):
        self.argv = argv
        self.text = ""  # all it has said
        self.held = ""  # the beginning of what is not text
        self.read = 0  # how much of that expect() has consumed
        self.status = None  # as subprocess: -N for death by signal N
        self.pid, self.master = os.forkpty()
        if self.pid == 0:
            try:
                set_size(0, rows, cols)
                os.execvpe(argv[0], argv,
                           env or {**os.environ, "TERM": "vt100"})
            finally:
                os._exit(127)
        os.set_inheritable(self.master, False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self.hangup()

    def resize(self, rows, cols):
        set_size(self.master, rows, cols)

    def send(self, text):
        os.write(self.master, text.encode())

    def line(self, text):
        self.send(text + "\r")

    def busy_with(self, words, timeout=10):
        """Waits until the program WORDS has a terminal to itself: a key that
        comes before is the shell's, which ignores it."""
        deadline = time.monotonic() + timeout * PATIENCE
        while not any(is_in_foreground(pid, words) for pid in os.listdir("/proc")
                      if pid.isdigit()):
            if time.monotonic() > deadline:
                raise Gave(f"{words} is not in the foreground")
            time.sleep(0.05)

    def foreground(self):
        """The process group that the terminal's keys go to."""
        return os.tcgetpgrp(self.master)

    def _more(self, deadline):
        """Reads what there is; False at the end of the terminal or time."""
        left = max(0, deadline - time.monotonic())
        if not select.select([self.master], [], [], left)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError as err:
            if err.errno != errno.EIO:
                raise
            # The end; or login(1) is about to open its terminal again, which
            # it hangs up first.
            if left > 0 and not self._ended():
                time.sleep(0.01)
                return True
            data = b""
        self._said(data.decode(errors="replace"))
        return bool(data)

    def _said(self, more):
        """Adds MORE to the text, without what systemd's profile tells the
        terminal about each command; half of that waits for the rest."""
        text = CONTEXT.sub("", self.held + more)
        start = text.find("\x1b]3008;")
        cut = len(text) if start < 0 else start
        if start < 0 and PREFIX.search(text):
            cut = PREFIX.search(text).start()
        self.text += text[:cut]
        self.held = text[cut:] if more else ""

    def expect(self, pattern, timeout=10):
        """Waits until PATTERN has been said; returns the match."""
        deadline = time.monotonic() + timeout * PATIENCE
        regex = re.compile(pattern, re.M)
        while True:
            match = regex.search(self.text, self.read)
            if match:
                self.read = match.end()
                return match
            if not self._more(deadline):
                raise Gave(f"no {pattern!r} in {self.text[self.read:]!r}")

    def silent(self, pattern, seconds=1.0):
        """For SECONDS, PATTERN must not be said."""
        deadline = time.monotonic() + seconds
        while self._more(deadline):
            pass
        match = re.compile(pattern, re.M).search(self.text, self.read)
        if match:
            raise Gave(f"{pattern!r} in {self.text[self.read:]!r}")

    def ask(self, command, pattern, timeout=10):
        """Types COMMAND; expects PATTERN in what follows its echo."""
        self.line(command)
        return self.expect(pattern, timeout)

    def resize_and_follow(self, rows, cols):
        """Under a shell that is busy: one that begins a prompt with
        readline(3) sets the size that it has just read, and may so undo a
        change.  A job of its own would get the signal in its place."""
        self.line("trap 'w=1; echo winch-$(stty size)-' WINCH; set +m; w=;"
                  " echo s''et; until [ $w ]; do sleep 0.1; done")
        self.expect("^set\r")
        self.resize(rows, cols)
        self.expect(f"^winch-{rows} {cols}-\r")

    def _ended(self):
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def wait(self, timeout=10):
        """Waits for the end; returns the status."""
        deadline = time.monotonic() + timeout * PATIENCE
        while not self._ended():
            while self._more(time.monotonic()):
                pass
            if time.monotonic() > deadline:
                raise Gave(f"{self.argv} does not end: {self.text[-300:]!r}")
            time.sleep(0.02)
        while self._more(time.monotonic()):
            pass
        return self.status

    def signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        if self.status is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
                _, status = os.waitpid(self.pid, 0)
                self.status = os.waitstatus_to_exitcode(status)
            except (ProcessLookupError, ChildProcessError):
                self.status = -signal.SIGKILL

    def hangup(self):
        if self.master >= 0:
            os.close(self.master)
            self.master = -1
