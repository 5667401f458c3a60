# SPDX-License-Identifier: ISC
"""One jail for an account, whoever comes first and however many."""

import os
import re
import shutil
import signal
import socket
import sys
import time

from jail import (ACCOUNT_DIR, ALICE, Hold, LOCK, PROBE, RUN_DIR, check,
                  equal, inside, log, main, pids, probe, processes, refused,
                  run, said, sentence, start, wait_until)


def seqpacket():
    return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)


ME = "readlink /proc/self/ns/mnt /proc/self/ns/pid"


class Gate:
    """Somebody who has the account's lock; who comes meanwhile waits."""

    def __init__(self):
        os.makedirs(RUN_DIR, exist_ok=True)
        os.chmod(RUN_DIR, 0o711)
        self.holder = start("/usr/bin/flock", "-x", "-F", LOCK, "sh", "-c",
                            "echo up; exec sleep 100")
        equal(self.holder.stdout.readline(), "up\n")

    def open(self):
        self.holder.kill()
        self.holder.wait()


def crowd(*verb):
    """Sixty who have all found no jail, and then all have the lock in turn."""
    gate = Gate()
    members = [start(PROBE, "-l", "5", *verb, "/bin/sh", "-c", ME)
               for _ in range(60)]
    check(wait_until(lambda: len(pids("probe")) == 60), processes())
    time.sleep(0.3)
    equal(pids("jail-keeper"), [])
    gate.open()
    seen = {member.communicate()[0] for member in members}
    equal([member.returncode for member in members], [0] * 60)
    equal(len(seen), 1, seen)
    equal((len(pids("jail-keeper")), len(pids("jail-init"))), (1, 1))
    said(probe("stop"))


@sentence
def sixty_that_come_at_once_make_one_jail():
    crowd("run")


@sentence
def sixty_that_come_at_once_by_sshds_way_make_one_jail():
    crowd("enter")


@sentence
def the_second_session_sees_the_first_ones_processes_and_files():
    first = start(PROBE, "run", "/bin/sh", "-c",
                  "echo $$ >/tmp/pid; echo up; exec sleep 100")
    equal(first.stdout.readline(), "up\n")
    for way in "run", "enter":
        equal(inside("cat /proc/$(cat /tmp/pid)/comm", "-j", verb=way),
              "sleep\n")
    inside("kill $(cat /tmp/pid)", "-j")
    equal(first.wait(10), -signal.SIGTERM)


@sentence
def a_background_job_is_there_for_the_next_session_within_linger():
    inside("sleep 100 >/dev/null 2>&1 & echo $! >/tmp/pid", "-l", "30")
    time.sleep(0.5)
    equal(inside("cat /proc/$(cat /tmp/pid)/comm", "-l", "30"), "sleep\n")
    said(probe("stop"))


@sentence
def a_jail_is_built_after_the_plan_of_who_came_first():
    with Hold("-e", "WHO=first"):
        equal(inside("echo $WHO", "-e", "WHO=second"), "first\n")


@sentence
def nobody_joins_what_does_not_run():
    refused(probe("-j", "take"), "probe: 5: no jail is running")


@sentence
def there_are_no_more_sessions_than_the_plan_says():
    with Hold("-m", "2"), Hold("-m", "2"):
        refused(probe("-m", "2", "take"), "probe: 4: too many sessions")
    said(probe("-m", "2", "take"))


@sentence
def the_directory_and_its_socket_are_roots_and_the_accounts():
    with Hold():
        for path, wanted in ((RUN_DIR, (0, 0, 0o40711)),
                             (ACCOUNT_DIR, (0, 0, 0o40755)),
                             (LOCK, (0, 0, 0o100600)),
                             (ACCOUNT_DIR + "/probe", (ALICE, 0, 0o140600))):
            there = os.stat(path)
            equal((there.st_uid, there.st_gid, there.st_mode), wanted, path)


@sentence
def who_stops_the_jail_ends_every_session():
    first = start(PROBE, "run", "/bin/sh", "-c", "echo up; exec sleep 100")
    second = start(PROBE, "enter", "/bin/sh", "-c", "echo up; exec sleep 100")
    equal(first.stdout.readline() + second.stdout.readline(), "up\nup\n")
    said(probe("stop"))
    check(first.wait(5) != 0 and second.wait(5) != 0, "they go on")


@sentence
def nor_does_it_wait_for_what_the_account_has_stopped():
    first = start(PROBE, "run", "/bin/sh", "-c", "echo up; exec sleep 100")
    equal(first.stdout.readline(), "up\n")
    session, = pids("jail-session")
    os.kill(session, signal.SIGSTOP)
    begun = time.monotonic()
    said(probe("stop"))
    # Less than it waits for what has been killed.
    check(wait_until(lambda: not pids("jail-keeper"), 4.8), "it ends")
    check(time.monotonic() - begun < 4.8, "it waited")
    check(first.wait(5) != 0, "it goes on")


@sentence
def only_root_may_join_or_stop_and_only_the_account_may_ask():
    # The clone may be where only root can go, as below /root.
    program = shutil.copy(PROBE, "/mnt/probe")

    def probe_as(uid, *words):
        return probe(*words, executable=program,
                     preexec_fn=lambda: os.setresuid(uid, uid, uid))

    with Hold():
        for verb in "status", "stop":
            refused(probe_as(ALICE, verb), "probe: 4: not for you")
            equal(len(pids("jail-init")), 1, verb)
        answer = probe_as(ALICE + 1, "status")
        check(answer.stderr.startswith("probe: ") and
              "Permission denied" in answer.stderr, answer)
        refused(probe_as(ALICE, "-j", "take"), "probe: 4: not for you")
    os.unlink(program)


@sentence
def who_only_connects_cannot_fill_the_keeper_up():
    with Hold():
        pid = os.fork()
        if pid == 0:
            os.setresuid(ALICE, ALICE, ALICE)
            held = []
            for _ in range(50):
                sock = seqpacket()
                sock.connect(ACCOUNT_DIR + "/probe")
                held.append(sock)
            dead = set()
            until = time.monotonic() + 4  # less than they may be silent
            while time.monotonic() < until:
                time.sleep(0.02)
                for sock in set(held) - dead:
                    sock.setblocking(False)
                    try:
                        dead |= {sock} if sock.recv(1) == b"" else set()
                    except BlockingIOError:
                        pass
                    except OSError:
                        dead.add(sock)
            os._exit(len(dead))
        _, status = os.waitpid(pid, 0)
        equal(os.waitstatus_to_exitcode(status), 50 - 16)
        said(probe("-j", "take"))


SILENT = """
import socket, sys, time
sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
sock.connect(sys.argv[1])
print("done", flush=True)
time.sleep(100)
"""


@sentence
def who_says_nothing_does_not_keep_the_jail():
    with Hold("-l", "0"):
        silent = start(sys.executable, "-c", SILENT, ACCOUNT_DIR + "/probe",
                       user=ALICE, group=ALICE, extra_groups=[])
        equal(silent.stdout.readline(), "done\n")
    check(wait_until(lambda: not pids("jail-keeper"), 30), "it ends")
    silent.kill()
    silent.wait()


@sentence
def the_lock_of_one_who_stopped_does_not_hang_the_next_for_ever():
    gate = Gate()
    begun = time.monotonic()
    answer = probe("-l", "0", "take")
    took = time.monotonic() - begun
    told = re.fullmatch("probe: 1: somebody else has been starting a jail of "
                        "this account for ([0-9]+) s\n", answer.stderr)
    check(told and int(told[1]) - 1 < took < int(told[1]) * 3, took, answer)
    gate.open()
    os.unlink(LOCK)


# Sends the keeper sockets that take an hour to close.
# Sends sockets that take an hour to close, each the last of some descriptors (a
# receiver may have no room for that many), and has none of them itself when the
# keeper gets them: a child sends, and the end of a process waits for nobody.
LINGER = """
import array, os, socket, struct, sys, time
servers = []
for n in 1, 3, 4, 5, 100:
    servers.append(socket.create_server(("127.0.0.1", 0)))
    if os.fork() == 0:
        ours = socket.create_connection(servers[-1].getsockname())
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack("ii", 1, 3600))
        ours.setblocking(False)
        try:
            while True:
                ours.send(bytes(65536))
        except BlockingIOError:
            pass
        keeper = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        keeper.connect(sys.argv[1])
        keeper.sendmsg([b"?"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                                 array.array("i", [0] * (n - 1)
                                             + [ours.fileno()]))])
        os._exit(0)
    os.wait()
print("done", flush=True)
time.sleep(100)
"""


@sentence
def what_is_slow_to_close_does_not_hold_up_the_keeper():
    run("ip", "link", "set", "lo", "up")
    with Hold("-l", "0"):
        keeper, = pids("jail-keeper")
        os.kill(keeper, signal.SIGSTOP)
        sender = start(sys.executable, "-c", LINGER, ACCOUNT_DIR + "/probe",
                       user=ALICE, group=ALICE, extra_groups=[])
        equal(sender.stdout.readline(), "done\n")
        os.kill(keeper, signal.SIGCONT)
        for _ in range(3):
            begun = time.monotonic()
            said(probe("-j", "take"))
            # Less than who closes for it may take.
            check(time.monotonic() - begun < 4.8, "the keeper was busy")
        said(probe("stop"))
    sender.kill()
    sender.wait()


# Serves one file, fuse(4), and does not let it be closed: FUSE_FLUSH has no
# answer, nor has FUSE_WRITE if the kernel is told to write it back at its last
# close.  A child that is the account sends it to the keeper, with messages that
# are none and, but for that, with one that asks for a session.
NEVER_CLOSED = """
import array, ctypes, os, socket, struct, sys, threading
keeper, account, back = sys.argv[1], int(sys.argv[2]), len(sys.argv) > 3
INIT, GETATTR, OPEN, RELEASE, SETATTR, WRITE, FLUSH = 26, 3, 14, 18, 4, 16, 25
NEVER = {SETATTR, WRITE} if back else {FLUSH}
ATTR = struct.pack("=QIIQQQQQQIIIIIIIIII", 1, 0, 0, 1, 9, 1, 0, 0, 0, 0, 0, 0,
                   0o100666, 1, 0, 0, 0, 512, 0)
ANSWERS = {INIT: struct.pack("=IIIIHHII", 7, 31, 0, back << 16, 0, 0, 4096,
                             1).ljust(64, b"\\0"), GETATTR: ATTR, OPEN: bytes(16), RELEASE: b""}
libc = ctypes.CDLL(None, use_errno=True)
libc.unshare(0x20000)  # CLONE_NEWNS
libc.mount(None, b"/", None, 0x44000, None)  # MS_PRIVATE | MS_REC
os.mknod("/dev/fuse", 0o20600, os.makedev(10, 229))
dev = os.open("/dev/fuse", os.O_RDWR)
os.unlink("/dev/fuse")
options = f"fd={dev},rootmode=100666,user_id=0,group_id=0,allow_other"
path = "/run/never-closed"
open(path, "w").close()
if libc.mount(b"x", path.encode(), b"fuse", 0, options.encode()) < 0:
    sys.exit("mount: " + os.strerror(ctypes.get_errno()))

def serve():
    while True:
        asked = os.read(dev, 1 << 17)
        kind, unique = struct.unpack_from("=IQ", asked, 4)
        if kind in ANSWERS:
            data = ANSWERS[kind]
            os.write(dev, struct.pack("=IiQ", 16 + len(data), 0, unique) + data)
        elif kind not in NEVER:
            os.write(dev, struct.pack("=IiQ", 16, -38, unique))  # ENOSYS

def send(message, n):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.connect(keeper)
    sock.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                              array.array("i", [fd] * n))])

threading.Thread(target=serve, daemon=True).start()
if os.fork() == 0:
    os.close(dev)
    os.setgid(account)
    os.setuid(account)
    libc.prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL
    fd = os.open(path, os.O_RDWR)
    if back:
        other = fd
        opened = [os.open(path, os.O_RDWR) for _ in range(18)]
        for fd in opened:
            send(b"?", 1)
        for fd in opened:
            os.close(fd)
        os.write(other, bytes(4096))
        print("done", flush=True)
        threading.Event().wait(100)
    send(b"?", 1)
    send(b"?", 200)
    send(struct.pack("=II", 0x6a61696d, 5).ljust(648, b"\\0"), 4)
    print("done", flush=True)
    os._exit(0)
threading.Event().wait(100)
"""


@sentence
def what_is_never_closed_does_not_hold_up_the_keeper():
    with Hold("-l", "0"):
        server = start(sys.executable, "-c", NEVER_CLOSED,
                       ACCOUNT_DIR + "/probe", ALICE)
        equal(server.stdout.readline(), "done\n")
        check(wait_until(lambda: pids("jail-session")), "it was asked for")
        for _ in range(3):
            begun = time.monotonic()
            said(probe("-j", "take"))
            check(time.monotonic() - begun < 4.8, "the keeper was busy")
        said(probe("stop"))
        check(wait_until(lambda: not pids("jail-keeper"), 30), "it ends")
    server.kill()
    server.wait()
    check(wait_until(lambda: not pids("jail-session"), 10), "so does that")
    said(probe("-l", "0", "take"))  # clears away the cgroup that it was in


@sentence
def who_sends_what_cannot_be_closed_has_no_jail_any_more():
    with Hold("-l", "0"):
        keeper, = pids("jail-keeper")
        os.kill(keeper, signal.SIGSTOP)
        server = start(sys.executable, "-c", NEVER_CLOSED,
                       ACCOUNT_DIR + "/probe", ALICE, "back")
        equal(server.stdout.readline(), "done\n")
        os.kill(keeper, signal.SIGCONT)
        check(wait_until(lambda: not pids("jail-init"), 40), "it ends")
        check(any(" overrun user=" in line for line in log.lines()), "overrun")
    server.kill()
    server.wait()
    check(wait_until(lambda: not pids("jail-keeper"), 10), "so does that")


# Locks what can be opened.
LOCK_ALL = """
import fcntl, os, sys, time
held = []
for path in sys.argv[1:]:
    for flags in os.O_RDONLY, os.O_RDWR:
        try:
            held.append(os.open(path, flags))
            fcntl.flock(held[-1], fcntl.LOCK_EX)
        except OSError:
            pass
print("done", flush=True)
time.sleep(100)
"""


@sentence
def neither_others_nor_the_account_itself_can_hold_up_a_login():
    for uid in ALICE, ALICE + 1:
        with Hold("-l", "0"):
            locker = start(sys.executable, "-c", LOCK_ALL, LOCK, RUN_DIR,
                           ACCOUNT_DIR, ACCOUNT_DIR + "/probe", user=uid, group=uid, extra_groups=[])
            equal(locker.stdout.readline(), "done\n")
        check(wait_until(lambda: not pids("jail-keeper"), 5), "does not end")
        begun = time.monotonic()
        said(run(PROBE, "-l", "0", "take"))
        check(time.monotonic() - begun < 5, "waited for the lock of", uid)
        locker.kill()
        locker.wait()


@sentence
def a_directory_of_somebody_else_is_refused():
    for path, words in (
            (ACCOUNT_DIR, f"probe: 3: {RUN_DIR}: {ALICE}: {ALICE} belongs to "
                          "uid 7, not to root"),
            (RUN_DIR, f"probe: 3: {RUN_DIR}: {os.path.basename(RUN_DIR)} "
                      "belongs to uid 7, not to root")):
        os.makedirs(ACCOUNT_DIR)
        os.chown(path, 7, 7)
        refused(probe("take"), words)
        run("rm", "-rf", RUN_DIR)


@sentence
def a_socket_that_is_not_roots_is_not_believed():
    os.makedirs(ACCOUNT_DIR)
    os.chmod(ACCOUNT_DIR, 0o777)
    listens, says_so = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setresuid(7, 7, 7)
        sock = seqpacket()
        sock.bind(ACCOUNT_DIR + "/probe")
        sock.listen()
        os.close(says_so)
        time.sleep(20)
        os._exit(0)
    os.close(says_so)
    equal(os.read(listens, 1), b"")
    os.close(listens)
    refused(probe("take"), "probe: 3: the jail's socket belongs to uid 7")
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    run("rm", "-rf", RUN_DIR)


# Asks 600 times for a session that cannot be.
ASK = """
import socket, struct, sys
for _ in range(600):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.connect(sys.argv[1])
    sock.send(struct.pack("=II", 0x6a61696d, 5).ljust(648, b"\\0"))
    while sock.recv(1000):
        pass
"""


@sentence
def who_asks_all_the_time_does_not_fill_the_log():
    """200 at once and 50 a second; the others are counted."""
    lines = []
    with Hold("-l", "0"):
        begun = time.monotonic()
        asker = start(sys.executable, "-c", ASK, ACCOUNT_DIR + "/probe",
                      user=ALICE, group=ALICE, extra_groups=[])
        while asker.poll() is None:
            lines += log.lines()
            time.sleep(0.001)
        took = time.monotonic() - begun
        equal(asker.returncode, 0)
        lines += log.lines()
    wait_until(lambda: not pids("jail-keeper"))
    lines += log.lines()
    n = sum(" refuse user=" in line for line in lines)
    check(n < 210 + 50 * took, n, "lines in", took)
    check(took > 7 or any(" unsaid=" in line for line in lines), lines[-3:])
    print("   ", n, "lines of 600 in", round(took, 1), "s")


# Listens where the jail's keeper would, and says ANSWER to who asks.
OTHER = """
import socket, sys
sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
sock.bind(sys.argv[1])
sock.listen()
print("up", flush=True)
while True:
    caller, _ = sock.accept()
    if sys.argv[2]:
        caller.recv(10000)
        caller.send(sys.argv[2].encode())
    caller.close()
"""


@sentence
def a_keeper_of_another_version_is_not_taken_for_none():
    for answer, words in (
            ("", "probe: 4: jail probe: its keeper hangs up on us and runs on, as"
             " one of another version may: find it with \"pgrep -a"
             " jail-keeper\", and kill it"),
            ("yes, " * 9, "probe: 3: not a message of this version of pam_jail:"
             " if a jail runs since before an upgrade, jailconf stop ends it")):
        os.makedirs(ACCOUNT_DIR)
        other = start(sys.executable, "-c", OTHER, ACCOUNT_DIR + "/probe",
                      answer)
        equal(other.stdout.readline(), "up\n")
        before = os.stat(ACCOUNT_DIR + "/probe").st_ino
        refused(probe("take"), words)
        equal(os.stat(ACCOUNT_DIR + "/probe").st_ino, before, "its name")
        equal(pids("jail-keeper"), [])
        other.kill()
        other.wait()
        said(probe("-l", "0", "take"))  # now there is none
        check(wait_until(lambda: not pids("jail-keeper")), "it ends")
        run("rm", "-rf", RUN_DIR)


@sentence
def whoever_speaks_another_version_is_told_and_can_stop_it():
    with Hold("-l", "0"):
        asked = seqpacket()
        asked.connect(ACCOUNT_DIR + "/probe")
        asked.send(b"?" * 200)
        check(b"not a message of this version" in asked.recv(4096), "told")
        equal(asked.recv(4096), b"")
        told = seqpacket()
        told.connect(ACCOUNT_DIR + "/probe")
        told.send(b"pam_jail: stop\0")
        equal(told.recv(4096), b"", "the end")
        check(wait_until(lambda: not pids("jail-keeper")), "it ends")


main()
