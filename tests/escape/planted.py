# SPDX-License-Identifier: ISC
"""planted - the host's side of the escape suite

Plants on the host what nobody inside may reach: secrets, sockets, memory,
keys, processes, terminals; tells the program about them, and looks afterwards
for what only the host can see.  Everything that is planted is harmless, in a
throw-away system, and readable there by every account, so that nothing but
the jail keeps it from being read.
"""
import contextlib
import ctypes
import fcntl
import os
import pathlib
import re
import selectors
import socket
import struct
import subprocess
import termios
import threading
import time

PROGRAM = "/bed/escape"
LIBC = ctypes.CDLL(None, use_errno=True)

SYS_ADD_KEY, SYS_KEYCTL, SYS_NAME_TO_HANDLE = 248, 250, 303
JOIN_SESSION, SETPERM, LINK = 1, 5, 8
USER_RING, SESSION_RING = -4, -3
EVERYBODY = 0x3f3f3f3f

OTHER = "other"
NONCE = os.urandom(6).hex()
SECRET = f"secret-of-host-{NONCE}"
IPC_KEY = int(NONCE[:7], 16)
SERVICE = "/run/planted-service"
LOG = pathlib.Path("/run/bed/log")

FILES = {
    "secret": "/srv/planted/secret",
    "home_secret": f"/home/{OTHER}/secret",
    "tmp_secret": "/tmp/planted-secret",
    "var_tmp_secret": "/var/tmp/planted-secret",
    "shm_secret": "/dev/shm/planted-secret",
    "run_secret": "/run/planted/secret",
    "root_secret": "/root/secret",
    "vault": "/srv/vault/secret",
    "table": "/srv/planted/table",
}
FOR_ROOT_ALONE = ("root_secret", "vault")
PROGRAMS = {"suid": "/usr/bin/planted-suid", "sgid": "/usr/bin/planted-sgid",
            "filecaps": "/usr/bin/planted-caps"}
# cap_dac_read_search, effective and permitted: capability(7), vfs_cap_data
FILE_CAPS = struct.pack("<IIIII", 0x02000001, 1 << 2, 0, 0, 0)

MARKERS = {"fs.write-root": "/", "fs.write-usr": "/usr",
           "fs.write-etc": "/etc", "fs.write-bin": "/usr/bin",
           "fs.write-home": "/home", "fs.write-cron": "/etc/cron.d",
           "fs.write-tmp": "/tmp", "fs.write-shm": "/dev/shm"}

LINE = re.compile(r"^([a-z]+\.[a-z0-9-]+) (contained|ESCAPED|leak|n/a) ?(.*)$",
                  re.M)
VERDICTS = ("contained", "ESCAPED", "leak", "n/a")


def syscall(number, *args):
    result = LIBC.syscall(number, *args)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"system call {number}")
    return result


def new_session_keyring():
    """So that whatever is started from here on has a key of the host's in
    its session's keyring."""
    syscall(SYS_KEYCTL, JOIN_SESSION, None)
    plant_key(SESSION_RING)
    syscall(SYS_KEYCTL, SETPERM, SESSION_RING, ctypes.c_uint(EVERYBODY))


def plant_key(ring):
    data = SECRET.encode()
    key = syscall(SYS_ADD_KEY, b"user", f"key-{NONCE}".encode(), data,
                  len(data), ring)
    syscall(SYS_KEYCTL, SETPERM, key, ctypes.c_uint(EVERYBODY))


def plant_user_key():
    """As somebody who logged in would have: the user's keyring is searched
    from the session's, so that its keys may be changed."""
    syscall(SYS_KEYCTL, JOIN_SESSION, None)
    syscall(SYS_KEYCTL, LINK, USER_RING, SESSION_RING)
    plant_key(USER_RING)


def as_account(uid, function):
    """Runs FUNCTION in a process of the account's, on the host."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            function()
            os._exit(0)
        finally:
            os._exit(1)
    if os.waitpid(pid, 0)[1]:
        raise AssertionError("nothing could be planted as the account")


def handle_of(path):
    """TYPE:HEX for open_by_handle_at(2), or None."""
    buffer = ctypes.create_string_buffer(struct.pack("Ii128x", 128, 0), 136)
    mount = ctypes.c_int()
    fd = os.open(path, os.O_RDONLY)
    try:
        syscall(SYS_NAME_TO_HANDLE, fd, b"", buffer, ctypes.byref(mount),
                0x1000)
    except OSError:
        return None
    finally:
        os.close(fd)
    size, kind = struct.unpack_from("Ii", buffer)
    return f"{kind}:{buffer.raw[8:8 + size].hex()}"


def disk():
    """MAJOR:MINOR of a disk of the machine, or None."""
    for entry in sorted(pathlib.Path("/sys/class/block").glob("*")):
        if re.match(r"(vd|sd|nvme|xvd|mmcblk)", entry.name):
            return (entry / "dev").read_text().strip()
    return None


def log_text():
    return LOG.read_text(errors="replace") if LOG.exists() else ""


def write(path, text, mode=0o644):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


class Servers(threading.Thread):
    """They tell the secret to whoever connects, or sends something."""

    def __init__(self, addresses):
        super().__init__(daemon=True)
        self.selector = selectors.DefaultSelector()
        self.port = 0
        for family, address in addresses:
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.bind(address)
            sock.listen(16)
            if isinstance(address, str) and address[0] == "/":
                os.chmod(address, 0o666)
            if family == socket.AF_INET:
                self.port = sock.getsockname()[1]
            self.selector.register(sock, selectors.EVENT_READ)
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        datagrams.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        datagrams.bind(("0.0.0.0", 0))
        self.udp_port = datagrams.getsockname()[1]
        self.selector.register(datagrams, selectors.EVENT_READ)
        self.start()

    def run(self):
        while True:
            for key, _ in self.selector.select():
                with contextlib.suppress(OSError):
                    if key.fileobj.type == socket.SOCK_DGRAM:
                        _, name = key.fileobj.recvfrom(65536)
                        key.fileobj.sendto(SECRET.encode(), name)
                        continue
                    peer = key.fileobj.accept()[0]
                    peer.send(SECRET.encode())
                    peer.close()


class Accomplice(threading.Thread):
    """Outside, with the account's rights: carries directories out of HOMES,
    reads another account's file now and then, and lets a service start again
    and again."""

    def __init__(self):
        super().__init__(daemon=True)
        self.homes = []
        self.start()

    def run(self):
        number = 0
        while True:
            time.sleep(0.01)
            with open(FILES["home_secret"], encoding="ascii") as file:
                file.read()
            self.restart(f"{SERVICE}/coming")
            for home in list(self.homes):
                number += 1
                with contextlib.suppress(OSError):
                    os.rename(f"{home}/carry-me", f"/home/.out/{number}")


    @staticmethod
    def restart(path):
        with contextlib.suppress(OSError):
            os.unlink(path)
            time.sleep(0.001)
            with socket.socket(socket.AF_UNIX) as sock:
                sock.bind(path)


class Host:
    """All that is planted, once for a test."""

    def __init__(self):
        for key, path in FILES.items():
            write(path, SECRET + "\n", 0o600 if key in FOR_ROOT_ALONE
                  else 0o644)
        write(FILES["table"], f"0 0 1 1 * : {SECRET}\n")
        subprocess.run(["crontab", "-u", OTHER, FILES["table"]], check=False)
        os.chmod(f"/home/{OTHER}", 0o755)
        os.makedirs("/home/.out", exist_ok=True)
        self.plant_programs()
        self.plant_service()
        self.plant_ipc()
        self.servers = Servers([
            (socket.AF_UNIX, f"{SERVICE}/socket"),
            (socket.AF_UNIX, f"/srv/planted/socket-{NONCE}"),
            (socket.AF_UNIX, f"/tmp/socket-{NONCE}"),
            (socket.AF_UNIX, f"\0abstract-{NONCE}"),
            (socket.AF_INET, ("0.0.0.0", 0))])
        self.accomplice = Accomplice()
        self.root_victim = self.victim(0)
        self.log_start = 0
        self.master, self.slave = os.openpty()
        os.set_blocking(self.master, False)

    @staticmethod
    def plant_programs():
        for path in PROGRAMS.values():
            pathlib.Path(path).write_bytes(pathlib.Path(PROGRAM).read_bytes())
            os.chmod(path, 0o755)
        os.chmod(PROGRAMS["suid"], 0o4755)
        os.chown(PROGRAMS["sgid"], 0, 42)
        os.chmod(PROGRAMS["sgid"], 0o2755)
        with contextlib.suppress(OSError):
            os.setxattr(PROGRAMS["filecaps"], "security.capability",
                        FILE_CAPS)

    @staticmethod
    def plant_service():
        """As a daemon's start may leave it."""
        os.makedirs(SERVICE, exist_ok=True)
        for name in os.listdir(SERVICE):
            os.unlink(f"{SERVICE}/{name}")
        program = pathlib.Path(SERVICE) / "program"
        program.write_bytes(pathlib.Path(PROGRAM).read_bytes())
        program.chmod(0o4755)
        os.mknod(f"{SERVICE}/null", 0o20666, os.makedev(1, 3))
        os.chmod(f"{SERVICE}/null", 0o666)
        os.symlink(FILES["secret"], f"{SERVICE}/link")
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(f"{SERVICE}/coming")

    def plant_ipc(self):
        create = 0o1666  # IPC_CREAT and for everybody
        shm = LIBC.shmget(IPC_KEY, ctypes.c_size_t(4096), create)
        LIBC.shmat.restype = ctypes.c_void_p
        ctypes.memmove(LIBC.shmat(shm, None, 0), SECRET.encode(), len(SECRET))
        self.queue = LIBC.msgget(IPC_KEY, create)
        LIBC.semget(IPC_KEY, 1, create)
        os.umask(0)
        self.mq = LIBC.mq_open(f"/queue-{NONCE}".encode(),
                               os.O_CREAT | os.O_RDWR | os.O_NONBLOCK, 0o666,
                               None)
        os.umask(0o022)

    def victim(self, uid):
        """A process on the host: its Popen, and PID:ADDRESS:SIZE."""
        process = subprocess.Popen(
            [PROGRAM, "--victim", SECRET], stdout=subprocess.PIPE, text=True,
            user=uid, group=uid, extra_groups=[], cwd="/",
            env={"SECRET": SECRET})
        process.words = ":".join(process.stdout.readline().split())
        process.priority = os.getpriority(os.PRIO_PROCESS, process.pid)
        return process

    def replant(self):
        """What the one before may have taken."""
        message = struct.pack("l", 1) + SECRET.encode()
        while LIBC.msgrcv(self.queue, ctypes.create_string_buffer(512),
                          ctypes.c_size_t(400), 0, 0o4000) >= 0:
            pass
        LIBC.msgsnd(self.queue, message, ctypes.c_size_t(len(SECRET)), 0)
        LIBC.mq_send(self.mq, SECRET.encode(), ctypes.c_size_t(len(SECRET)), 0)

    def hints(self, name, uid, mate, told):
        """What the program is told: words for it, and TOLD instead."""
        words = {
            "nonce": NONCE, **FILES, **PROGRAMS, "other": OTHER,
            "account": name, "uid": uid, "gid": uid,
            "groups": uid, "home": f"/home/{name}",
            "key": f"key-{NONCE}", "ipc_key": IPC_KEY,
            "socket": f"/srv/planted/socket-{NONCE}",
            "tmp_socket": f"/tmp/socket-{NONCE}",
            "port": self.servers.port, "udp_port": self.servers.udp_port,
            "hostname": os.uname().nodename,
            "mate": mate, "root_victim": self.root_victim.words,
            "pts": os.ttyname(self.slave), "accomplice": 1, "throwaway": 1,
            "handle": handle_of(FILES["home_secret"]),
            "mnt_handle": handle_of("/proc/self/ns/mnt"),
            "pid_handle": handle_of("/proc/self/ns/pid"),
            "disk": disk(), "tmp_mib": 256, "tmp_files": 65536,
            "nproc": 1024}
        for ns in ("mnt", "pid", "net", "ipc", "uts", "user", "cgroup"):
            words[ns] = os.readlink(f"/proc/self/ns/{ns}").split(":")[1]
        words.update(told or {})
        return [f"{k}={v}" for k, v in words.items() if v is not None]

    @contextlib.contextmanager
    def ready(self, name, uid, home, told=None):
        """In here somebody may try to escape: hints for that."""
        as_account(uid, plant_user_key)
        os.chown(os.ttyname(self.slave), uid, -1)
        os.chmod(os.ttyname(self.slave), 0o620)
        os.chown("/home/.out", uid, uid)
        write(f"{home}/of-root", SECRET + "\n", 0o600)
        mate = self.victim(uid)
        self.log_start = len(log_text())
        self.replant()
        self.accomplice.homes.append(home)
        try:
            yield self.hints(name, uid, mate.words, told), mate
        finally:
            self.accomplice.homes.remove(home)
            mate.kill()
            mate.wait()
            mate.stdout.close()

    def traces(self, home, mate, results):
        """What only the host can see of an escape: NAME -> what."""
        found = {}
        for name, directory in MARKERS.items():
            marker = pathlib.Path(directory) / f"marker-{NONCE}"
            if marker.exists():
                found[name] = f"{marker} is on the host"
                marker.unlink()
        program = pathlib.Path(home) / "planted-program"
        if program.exists() and program.stat().st_mode & 0o4000 \
                and program.stat().st_uid == 0:
            found["suid.planted"] = f"{program} is set-uid root's"
        program.unlink(missing_ok=True)
        if mate.poll() is not None:
            found["proc.signal"] = "the process outside is dead"
        elif self.slower(mate) > (results.get("proc.priority", "")[:1]
                                  == ("ESCAPED",)):
            found["proc.priority-user"] = "the process outside is slower"
        if self.root_victim.poll() is not None:
            found["keeper.entered"] = "the process of root's is dead"
            self.root_victim = self.victim(0)
        with contextlib.suppress(BlockingIOError):
            if NONCE.encode() in os.read(self.master, 4096):
                found["tty.host-pts"] = "it arrived"
        if f"\n<38>sshd[1]: forged-{NONCE}" in log_text()[self.log_start:]:
            found["broker.log-line"] = "the log has the line"
        return found

    @staticmethod
    def slower(mate):
        return os.getpriority(os.PRIO_PROCESS, mate.pid) - mate.priority

    def report(self, output, home, mate):
        """NAME -> (VERDICT, DETAIL), of what the program printed."""
        results = {n: (v, d.strip()) for n, v, d in
                   LINE.findall(output.replace("\r", ""))}
        for name, what in self.traces(home, mate, results).items():
            results[name] = ("ESCAPED", what)
        if "\n= " not in output:
            raise AssertionError(f"it did not end: {output[-2000:]!r}")
        return results


def counts(results):
    return [sum(1 for v, _ in results.values() if v == word)
            for word in VERDICTS]


def names(results, verdict):
    return sorted(n for n, (v, _) in results.items() if v == verdict)


def table(columns):
    """One line for each jail of NAME -> results."""
    lines = [f"{'':18}" + "".join(f"{w:>11}" for w in VERDICTS)]
    for jail, results in columns.items():
        lines.append(f"{jail:18}" + "".join(f"{n:11}" for n in
                                            counts(results)))
    return "\n".join(lines)


def with_terminal(argv, **keys):
    """Runs ARGV with a terminal of its own; returns its output, and what is
    left in the terminal's input for who comes after it."""
    master, slave = os.openpty()
    settings = termios.tcgetattr(slave)
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(slave, termios.TCSANOW, settings)

    def own():
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(argv, stdin=slave, stdout=slave, stderr=slave,
                               preexec_fn=own, pass_fds=[slave], **keys)
    output = b""
    os.set_blocking(master, False)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        done = process.poll() is not None
        with contextlib.suppress(OSError):
            output += os.read(master, 65536)
            continue
        if done:
            break
        time.sleep(0.02)
    else:
        process.kill()
        raise AssertionError(f"took too long: {output[-500:]!r}")
    os.set_blocking(slave, False)
    left = b""
    with contextlib.suppress(OSError):
        left = os.read(slave, 4096)
    os.close(master)
    os.close(slave)
    return output.decode(errors="replace"), left.decode(errors="replace")
