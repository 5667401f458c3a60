# SPDX-License-Identifier: ISC
"""weakpeer - a broker and a keeper that believe whatever they are told

What would be there if nobody had thought of it: for the tests, so that each
attempt against the real ones is seen to succeed somewhere.  Runs as root, in
the process of the test.
"""
import ctypes
import os
import signal
import socket
import struct
import subprocess
import threading

MAGIC, SIZE = 0x6a61696d, 648  # jail/wire.h
JOIN, ENTERED, STATUS, STOP, RUN, SIGNAL = 1, 2, 3, 4, 5, 6
GRANT, REFUSE, STARTED, EXITED, SESSION, INPUT_END = 7, 8, 9, 11, 13, 14
WORDS_MAX = 64


def message(kind, value=0):
    return struct.pack("=IIi", MAGIC, kind, value).ljust(SIZE, b"\0")


class Request:
    """What is in DATA, as far as it can be read."""

    def __init__(self, data):
        self.data, self.at = data, 0
        self.whole = self.number() == 0x72756e32
        self.words = self.texts()
        self.env = self.texts()
        self.number()
        self.cwd = self.text()

    def number(self):
        self.at += 8
        return int.from_bytes(self.data[self.at - 8:self.at], "little")

    def text(self):
        end = self.data.find(b"\0", self.at)
        word = self.data[self.at:end if end >= 0 else None]
        self.at += len(word) + 1
        return word

    def texts(self):
        found = []
        for _ in range(min(self.number(), WORDS_MAX)):
            if self.number() != 1:
                break
            found.append(self.text())
        return found


def read_any(fd):
    """Memory, a file, a pipe: all the same."""
    try:
        return os.pread(fd, 1 << 20, 0)
    except OSError:
        os.set_blocking(fd, False)
        try:
            return os.read(fd, 1 << 20)
        except OSError:
            return b""


class Peer(threading.Thread):
    """Listens at PATH.  FRAGILE: dies of what it does not understand."""

    def __init__(self, path, fragile=False):
        super().__init__(daemon=True)
        self.path, self.fragile = path, fragile
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if os.path.exists(path):
            os.unlink(path)
        self.listener.bind(path)
        os.chmod(path, 0o666)
        self.listener.listen(1000)
        self.start()

    def run(self):
        while True:
            try:
                caller = self.listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(caller,),
                             daemon=True).start()

    def end(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def serve(self, caller):
        while True:
            try:
                data, fds, _, _ = socket.recv_fds(caller, 2 * SIZE, 253)
            except OSError:
                break
            if not data and not fds:
                break
            kind, value = (struct.unpack_from("=Ii", data, 4)
                           if len(data) >= 12 else (RUN, 0))
            try:
                self.answer(caller, kind, value, fds)
            except OSError:
                break
            finally:
                for fd in fds:
                    os.close(fd)
        caller.close()

    def answer(self, caller, kind, value, fds):
        raise NotImplementedError


def log(words):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.connect("/dev/log")
        sock.send(b"<38>weak: asked for " + b" ".join(words))


class Broker(Peer):
    """Runs whatever is asked for, as root."""

    def __init__(self, path):
        self.programs = {}
        super().__init__(path)
        ctypes.CDLL(None).prctl(15, b"jail-broker", 0, 0, 0)

    def answer(self, caller, kind, value, fds):
        if kind == INPUT_END and not fds:
            self.programs[caller].stdin.close()
            return
        request = Request(read_any(fds[0])) if fds else None
        words = request.words if request else []
        if any(b"\n" in word or b"\t" in word for word in words):
            log(words)
            words = b" ".join(words).split()
        try:
            program = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE)
        except (OSError, IndexError, ValueError):
            caller.send(message(REFUSE))
            return
        pipes = [f.fileno() for f in (program.stdin, program.stdout,
                                      program.stderr)]
        root = os.open("/", os.O_RDONLY)
        socket.send_fds(caller, [message(STARTED)], [*pipes, root])
        os.close(root)
        self.programs[caller] = program

    def serve(self, caller):
        super().serve(caller)
        if caller in self.programs:  # whatever was said so far is all
            program = self.programs.pop(caller)
            for stream in (program.stdin, program.stdout, program.stderr):
                stream.close()
            program.wait()


class Keeper(Peer):
    """A session for everybody, with everything, outside."""

    def answer(self, caller, kind, value, fds):
        root = os.open("/", os.O_RDONLY)
        try:
            if kind == JOIN:
                socket.send_fds(caller, [message(GRANT)], [root, root])
            elif kind in (STATUS, SESSION):
                caller.send(message(kind))
            elif kind == STOP:
                caller.shutdown(socket.SHUT_RDWR)
            elif kind == ENTERED and fds:
                signal.pidfd_send_signal(fds[0], signal.SIGKILL)
            elif kind == SIGNAL:
                if value < 1 and self.fragile:
                    self.end()
                caller.shutdown(socket.SHUT_RDWR)
            elif fds:
                self.begin(caller, Request(read_any(fds[0])), fds[1:], root)
        finally:
            os.close(root)

    def begin(self, caller, request, fds, extra):
        if not request.whole and self.fragile:
            self.end()
        env = dict(word.split(b"=", 1) for word in request.env
                   if b"=" in word and word.split(b"=")[0])
        while len(fds) < 3:
            fds.append(os.open("/dev/null", os.O_RDWR))
        try:
            subprocess.Popen(request.words, stdin=fds[0], stdout=fds[1],
                             stderr=fds[2], pass_fds=[extra],
                             cwd=request.cwd or None,
                             env=env or {"PATH": "/usr/bin:/bin"})
        except (OSError, IndexError, ValueError):
            caller.send(message(REFUSE))
            return
        caller.send(message(STARTED))
