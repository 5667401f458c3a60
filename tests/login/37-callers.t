#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""hostile callers of su, jailsh and the keeper's socket: whatever state they
leave to what they call, a session is inside and as with a good caller, or
there is none; nothing is left, and the next login is as ever

Each row is called three ways: su by root, su by another account that knows
the password, and jailsh by a process of the account outside.  Both su start
the jail the first time and join it the second time, with a good login between
that must not notice who started it.
"""
import array
import contextlib
import ctypes
import fcntl
import os
import pathlib
import random
import re
import resource
import signal
import socket
import struct
import subprocess
import time

from bed import (JAILSH, PATIENCE, PLAIN, PROOF, RUN_DIR, SLOW, account, case,
                 eventually, host_namespaces, jail_account, lacks, of_uid,
                 processes, proved, residue, run, same, secret, ssh,
                 ssh_argv, sshd, stop, su, uid_of)

WHO, ASKER = "called", "caller"
HOME = pathlib.Path(f"/home/{WHO}")
LOOK, SEEN = HOME / "look.sh", HOME / "look.out"
LIBC = ctypes.CDLL(None, use_errno=True)

account(PLAIN)
account(ASKER)
jail_account(WHO, "linger = 60;")
secret()
sshd()

LOOK.write_text(PROOF.replace("echo end", "") + r"""
grep -E '^(Uid|Gid|Groups|Cap...|NoNewPrivs|Seccomp|SigBlk|SigIgn|Umask):' \
    /proc/self/status
sed 's/   */ /g' /proc/self/limits
echo nice $(nice), $(ionice), $(taskset -p $$), $(chrt -p $$ | sed 's/pid .*//')
echo rest $(cat /proc/self/oom_score_adj /proc/self/personality)
echo open $(ls /proc/self/fd)
echo in $(pwd)
env -0 | cut -z -d= -f1 | tr '\0' '\n' |
    grep -v -e '^_$' -e ^TERM -e ^LANG -e ^LC_ | sort
echo end
""")
# A variable more, if one of the descriptors leads somewhere.
COMMAND = ("for fd in 0 1 2; do if [ -d /proc/self/fd/$fd ]; then"
           f" export LEADS=1; fi; done; exec sh {LOOK} >{SEEN} 2>&1")


def saw():
    """What a session has seen since the last time; None if there was none."""
    try:
        text = SEEN.read_text()
    except FileNotFoundError:
        return None
    SEEN.unlink()
    if not text.endswith("end\n"):
        return None  # it was killed in the middle, wherever it was
    text = re.sub(r"pid \d+", "pid", text)
    head, rest = text.split("\n", 1)
    proved(WHO, "\n".join([head, *rest.splitlines()[:2], "end"]))
    return sorted(rest.splitlines())


# --- who calls ----------------------------------------------------------------

def become(name):
    uid = uid_of(name)

    def drop():
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    return drop


BY_ROOT = (["su", "-", WHO, "-c", COMMAND], lambda: None)
BY_OTHER = (["su", "-", WHO, "-c", COMMAND], become(ASKER))
BY_ITSELF = ([JAILSH, "-c", COMMAND], become(WHO))
PATHS = {"su": "/bin/su", JAILSH: JAILSH}


def call(how, by, timeout=10 * SLOW):
    """One call after HOW() in the process that makes it; its status, or why
    there is none, or None if it had to be killed."""
    argv, drop = by
    read, write = os.pipe()
    os.write(write, b"pw\n")  # su asks standard input if that is no terminal
    os.close(write)

    def prepare():
        os.chdir("/")
        # What is given to HOW: what it may replace.
        exec_it = how()
        drop()
        if exec_it:
            exec_it(argv)
    # A session of its own, which is killed as a whole if it stays.
    try:
        client = subprocess.Popen(argv, stdin=read, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL,
                                  preexec_fn=prepare, start_new_session=True)
    except OSError as err:
        return err.strerror  # what was to be called could not be
    finally:
        os.close(read)
    try:
        return client.wait(timeout)
    except subprocess.TimeoutExpired:
        return None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(client.pid, signal.SIGKILL)
        client.wait()


def nothing():
    return None


def clean():
    """What good callers see, each in a jail that a good one has started."""
    stop(WHO)
    same(ssh(WHO, COMMAND).returncode, 0)
    found = {"ssh": saw()}
    for name, by in (("root", BY_ROOT), ("other", BY_OTHER),
                     ("itself", BY_ITSELF)):
        same(call(nothing, by, 60 * SLOW), 0, name)
        found[name] = saw()
    same([name for name, seen in found.items() if seen is None], [])
    stop(WHO)
    return found


CLEAN = clean()


def number(word):
    return float("inf") if word == "unlimited" else int(word)


def differences(seen, wanted, may_differ):
    """Lines that are not as with a good caller.  A limit may be lower where
    nobody may raise one: jail.conf(5), Limits."""
    less = []
    old = {re.split(r" \d| unlimited", line)[0]: line for line in wanted
           if line.startswith("Max ")}
    for line in set(seen) - set(wanted):
        name = re.split(r" \d| unlimited", line)[0]
        if line.startswith("Max ") and name in old:
            mine, its = (re.findall(r"(?<= )(\d+|unlimited)(?= )", words + " ")
                         for words in (line, old[name]))
            if all(number(a) <= number(b) for a, b in zip(mine, its)):
                continue
        if not line.startswith(may_differ or "\0"):
            less.append(line)
    gone = [line for line in set(wanted) - set(seen)
            if not line.startswith(("Max ", may_differ or "\0"))]
    return sorted(less + gone)


# (who, the good logins between)
WAYS = (("root", BY_ROOT, ("root", "ssh")),
        ("other", BY_OTHER, ("ssh", "root")), ("itself", BY_ITSELF, ("ssh",)))


def hostile(row, how, may_differ=None, starves=False):
    """HOW() comes before each kind of call.  STARVES: a jail that it has
    started may have no room for another session of su's."""
    for name, by, between in WAYS:
        what = f"{row}, by {name}"
        stop(WHO)
        if by is BY_ITSELF:
            same(ssh(WHO, "true").returncode, 0, what)
        for door in between:
            status = call(how, by)
            if status != 0:  # its child may go on, in a session of its own
                eventually(lambda: not lookers(), f"{what}: all have ended")
            seen = saw()
            if seen is None:
                same(status == 0, False, f"{what}: nothing ran")
            else:
                same(differences(seen, CLEAN[name], may_differ), [], what)
            done = (ssh if door == "ssh" else su)(WHO, COMMAND)
            if door == "root" and starves and done.returncode:
                continue
            same(done.returncode, 0, f"{what}: the next one by {door}")
            same(differences(saw(), CLEAN[door], None), [],
                 f"{what}: the next one by {door}")
        nothing_left(what)


def lookers():
    """Processes of the account's that are at COMMAND."""
    return [pid for pid in of_uid(uid_of(WHO))
            if str(LOOK) in processes().get(pid, ("", ""))[1]]


def nothing_left(what):
    stop(WHO)
    eventually(lambda: residue(WHO) == [], f"{what}: {residue(WHO)}")
    eventually(lambda: of_uid(uid_of(ASKER)) == [],
               f"{what}: {[processes().get(p) for p in of_uid(uid_of(ASKER))]}")


# --- the rows -----------------------------------------------------------------

def with_fds(*numbers, open_them=None):
    """NUMBERS are closed, or replaced by what OPEN_THEM opens."""
    def how():
        for fd in numbers:
            if open_them is None:
                os.close(fd)
            else:
                given = open_them()
                os.dup2(given, fd)
                os.set_inheritable(fd, True)
    return how


def directory():
    return os.open("/home/other", os.O_RDONLY)


def path_only():
    return os.open("/home/other", os.O_PATH)


def namespace():
    return os.open("/proc/self/ns/mnt", os.O_RDONLY)


def pidfd():
    return os.pidfd_open(os.getppid())


def listener():
    sock = socket.create_server(("127.0.0.1", 0))
    return sock.detach()


def with_rights():
    """A socket with descriptors of directories in its queue."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                           array.array("i", [directory()] * 100))])
    return theirs.detach()


def nobody_reads():
    read, write = os.pipe()
    os.close(read)
    return write


def full():
    read, write = os.pipe()
    os.set_inheritable(read, True)
    fcntl.fcntl(write, fcntl.F_SETFL, os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(write, b"x" * 4096)
    return write


def many_open():
    for _ in range(500):
        os.set_inheritable(directory(), True)


@case
def closed_descriptors():
    for numbers in (0,), (1,), (2,), (0, 1, 2), (1, 2):
        hostile(f"closed {numbers}", with_fds(*numbers))


@case
def descriptors_that_lead_elsewhere():
    for opens in directory, path_only, namespace, pidfd:
        for fd in 1, 2:
            hostile(f"{opens.__name__} as {fd}", with_fds(fd, open_them=opens))


@case
def descriptors_that_are_odd():
    for opens in listener, with_rights, nobody_reads, full:
        hostile(opens.__name__, with_fds(1, 2, open_them=opens))
    hostile("many", many_open)


def may_raise_limits():
    status = pathlib.Path("/proc/self/status").read_text()
    return int(re.search(r"^CapEff:\s+(\w+)", status, re.M).group(1),
               16) >> 24 & 1


def limits(*rows):
    """ROWS, the hardest first: a slow machine is shown two."""
    for name, soft, hard in rows if SLOW == 1 else rows[:2]:
        hostile(f"{name} {soft}", lambda kind=getattr(
            resource, "RLIMIT_" + name), pair=(soft, hard):
            resource.setrlimit(kind, pair), starves=not may_raise_limits())


@case
def few_descriptors():
    limits(*(("NOFILE", n, n) for n in (0, 3, 5, 8, 16)))


@case
def little_of_other_things():
    limits(("NPROC", 0, 0), ("MEMLOCK", 0, 0), ("FSIZE", 0, 0),
           ("FSIZE", 100, 100), ("CORE", 0, 0))


@case
def little_memory():
    limits(("AS", 1 << 20, 1 << 20), ("DATA", 0, 0),
           ("AS", 32 << 20, 32 << 20), ("STACK", 1 << 20, 1 << 20),
           ("CPU", 0, 1))


@case
def signals_ignored_blocked_or_waiting():
    everything = [s for s in range(1, 65)
                  if s not in (signal.SIGKILL, signal.SIGSTOP, 32, 33)]

    def ignored():
        for number_ in everything:
            signal.signal(number_, signal.SIG_IGN)

    def blocked():
        signal.pthread_sigmask(signal.SIG_BLOCK, everything)

    def waiting():
        blocked()
        for number_ in signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, 40:
            os.kill(os.getpid(), number_)

    def childless():
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    for how in ignored, blocked, waiting, childless:
        # su leaves to jailsh what it has, and nothing of it comes inside.
        hostile(how.__name__, how)


def timer(which, seconds):
    def how():
        for number_ in signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF:
            signal.signal(number_, signal.SIG_DFL)
        signal.setitimer(which, seconds, seconds)
    return how


@case
def timers_that_fire_on_the_way():
    for which in signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF:
        for seconds in 0.001, 0.02:
            hostile(f"timer {which} {seconds}", timer(which, seconds))


@case
def umask_and_priority():
    for mask in 0, 0o777:
        hostile(f"umask {mask:o}", lambda m=mask: os.umask(m) and None,
                "Umask")
    for how in (lambda: os.nice(19) and None,
                lambda: os.sched_setscheduler(0, os.SCHED_IDLE,
                                              os.sched_param(0)),
                lambda: os.sched_setaffinity(0, [0])):
        # As with a plain account: su's own child has its caller's rank.
        hostile("rank", how)


def deep():
    """Where no path leads: it is longer than the kernel takes."""
    os.chdir("/tmp")
    for _ in range(30):
        with contextlib.suppress(FileExistsError):
            os.mkdir("d" * 200)
        os.chdir("d" * 200)


def gone():
    name = f"/tmp/gone-{os.getpid()}"
    os.mkdir(name)
    os.chdir(name)
    os.rmdir(name)


@case
def working_directories():
    # Who cannot be where he was is at home.
    hostile("deep", deep, "in ")
    hostile("gone", gone, "in ")
    for path in "/root", f"/proc/{os.getpid()}/root/etc":
        hostile(path, lambda p=path: os.chdir(p), "in ")


def raw(argv=None, env=None):
    """execve(2) with words that no library would let through."""
    def how():
        def exec_it(called):
            words = argv(called) if argv else [w.encode() for w in called]
            given = env if env is not None else [b"PATH=/usr/bin:/bin"]
            lists = [(ctypes.c_char_p * (len(list_) + 1))(*list_, None)
                     for list_ in (words, given)]
            LIBC.execve(PATHS[called[0]].encode(), *lists)
            os._exit(99)
        return exec_it
    return how


def with_first(word):
    return lambda called: [word, *(w.encode() for w in called[1:])]


@case
def words_that_are_none():
    hostile("no words", raw(lambda called: []))
    for word in b"", b"-", b"--", b"a" * 5000, b"\n\x1b]0;x\x07", b"\xff\xfe":
        # With a "-", it is a login, which begins at home.
        hostile(f"first {word[:9]}", raw(with_first(word)), "in ")


@case
def words_that_are_too_many():
    def more(called):
        return [*(w.encode() for w in called), *([b"x"] * 30000)]

    def longer(called):
        words = [w.encode() for w in called]
        return [*words[:-1], words[-1] + b" #" + b"x" * 120000]

    hostile("many", raw(more))
    hostile("long", raw(longer))
    hostile("nothing after -c",
            raw(lambda called: [w.encode() for w in called[:-1]]))


@case
def environments():
    good = b"PATH=/usr/bin:/bin"
    for row, env in {
            "none": [], "no equals sign": [good, b"HOME", b"JAIL", b""],
            "only values": [b"=x", b"=", good],
            "twice": [good, b"TERM=a", b"TERM=b", b"JAIL_PORTS=1"],
            "long": [good, b"TERM=" + b"x" * 120000],
            "many": [good] + [b"LC_%d=x" % i for i in range(20000)],
            "control": [good, b"TERM=\x1b]0;x\x07\n\n", b"LANG=\xff\n"],
            "of the loader": [good, b"LD_PRELOAD=/tmp/x.so", b"LD_AUDIT=x",
                              b"GLIBC_TUNABLES=glibc.malloc.check=3",
                              b"BASH_ENV=/tmp/x", b"ENV=/tmp/x",
                              b"SHELLOPTS=xtrace", b"IFS=/"],
            "of ours": [good, b"HOME=/root", b"USER=root", b"SHELL=/bin/sh",
                        b"XDG_RUNTIME_DIR=/run/user/0", b"LOGNAME=root"],
    }.items():
        hostile(f"env {row}", raw(env=env))


@case
def the_name_of_a_jail_is_no_path():
    for told in (b"", b"..", b"../0/x", b"/etc/passwd", b"x" * 4000, b"shell/",
                 b"files", b"\n"):
        same(ssh(WHO, "true").returncode, 0)
        status = call(raw(env=[b"PATH=/bin", b"JAIL=" + told]), BY_ITSELF)
        same((status == 0, saw()), (False, None), told)
    nothing_left("JAIL")


@case
def namespaces_of_the_caller_s():
    """Another account's; root's own are root's affair."""
    for words in ("-Ur", "-Urm", "-Urmp --fork", "-Urn", "-UC --map-user=0"):
        same(ssh(WHO, "true").returncode, 0)
        for target in (f"su - {WHO} -c '{COMMAND}'",
                       f"{JAILSH} -c '{COMMAND}'"):
            client = subprocess.Popen(
                ["sh", "-c", f"exec unshare {words} {target}"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, preexec_fn=become(ASKER))
            said = client.communicate(timeout=30 * PATIENCE)[0].decode()
            same((client.returncode == 0, SEEN.exists()), (False, False), said)
    nothing_left("namespaces")


# --- many, and killed ---------------------------------------------------------

MIXED = [nothing, with_fds(0), with_fds(1, open_them=directory), many_open,
         lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8)),
         lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
         lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN) and None,
         timer(signal.ITIMER_REAL, 0.03), gone]


def started(how, by, command):
    argv, drop = by

    def prepare():
        how()
        drop()
    read, write = os.pipe()
    os.write(write, b"pw\n")
    os.close(write)
    client = subprocess.Popen([*argv[:-1], command], stdin=read,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, preexec_fn=prepare,
                              start_new_session=True)
    os.close(read)
    return client


@case
def many_at_once():
    stop(WHO)
    clients = [started(MIXED[i % len(MIXED)], (BY_ROOT, BY_OTHER)[i % 2],
                       PROOF) for i in range(36)]
    for client in clients:
        said = client.communicate(timeout=60 * PATIENCE)[0].decode()
        if "mnt=" in said and "end" in said:
            proved(WHO, said)
    same(ssh(WHO, COMMAND).returncode, 0)
    same(differences(saw(), CLEAN["ssh"], None), [])
    nothing_left("many")


@case
def killed_at_random():
    stop(WHO)
    chance = random.Random(37)
    ends = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT,
            signal.SIGQUIT, signal.SIGSEGV)
    for i in range(60):
        by = (BY_ROOT, BY_OTHER, BY_ITSELF)[i % 3]
        client = started(chance.choice(MIXED), by, PROOF + "; sleep 0.1")
        time.sleep(chance.random() * 0.12)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(client.pid, chance.choice(ends))
        said = client.communicate(timeout=20 * PATIENCE)[0].decode()
        # Some of what says it may have been killed, too.
        lacks(said, re.escape(host_namespaces()["mnt"]), "the host's")
        if re.search(r"mnt=mnt:\S+ pid=pid:\S+\s+secrets=\d\s+homes=.*\s+end",
                     said):
            proved(WHO, said)
        if i % 10 == 9:
            same(ssh(WHO, COMMAND).returncode, 0, f"after {i} of them")
            same(differences(saw(), CLEAN["ssh"], None), [])
            stop(WHO)
    nothing_left("killed")


# --- the keeper's socket ------------------------------------------------------

SIZE = 648  # of struct wire_msg: jail/wire.h
JOIN, ENTERED, STATUS, STOP, RUN, SIGNAL = range(1, 7)
GRANT, STARTED, LABEL, SESSION = 7, 9, 12, 13


def message(kind, value=0, terminals=0, magic=0x6a61696d, rest=b""):
    return (struct.pack("=IIiI", magic, kind, value, terminals)
            + rest).ljust(SIZE, b"\0")


def text(word):
    return struct.pack("=Q", 1) + word + b"\0"


def request(words, mask=0o22):
    return (struct.pack("=QQ", 0x72756e32, len(words))
            + b"".join(map(text, words)) + struct.pack("=Q", 0) + text(b"/")
            + struct.pack("=QQ", 1, mask))


def memory(data, sealed=True):
    fd = os.memfd_create("x", os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    if sealed:
        fcntl.fcntl(fd, 1033, 15)
    return fd


def may_write(path):
    try:
        os.close(os.open(path, os.O_WRONLY))
    except OSError:
        return False
    return True


def orphan():
    """Goes on as a process of another number, with what this one had opened."""
    mother = os.getpid()
    if os.fork():
        os._exit(0)
    while os.path.exists(f"/proc/{mother}"):
        time.sleep(0.01)


def say(data, fds=(), more=(), connected=lambda: None, patience=5):
    """What a process of the account outside hears, which calls CONNECTED()
    first."""
    def ask(sock):
        sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                               array.array("i", fds))] if fds else [])
        for other in more:
            sock.send(other)
        return [sock.recv(1000) for _ in range(2)]

    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        answers = [b""]
        with contextlib.suppress(OSError):
            become(WHO)()
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            sock.settimeout(patience * SLOW)
            sock.connect(f"{RUN_DIR}/{uid_of(WHO)}/shell")
            connected()
            answers = ask(sock)
        kinds = [struct.unpack_from("=I", a, 4)[0] for a in answers
                 if len(a) >= 8]
        os.write(write, repr(kinds).encode())
        os._exit(0)
    os.close(write)
    os.waitpid(pid, 0)
    said = os.read(read, 1000).decode()
    os.close(read)
    return said


@case
def whatever_is_said_the_keeper_stays_and_nobody_gets_in():
    stop(WHO)
    null = os.open("/dev/null", os.O_RDWR)
    ran = HOME / "ran"
    ran.unlink(missing_ok=True)
    words = [b"/bin/sh", b"-c", b"touch %s" % str(ran).encode()]
    good = memory(request(words))
    io = [null] * 3
    rows = {
        "nothing": (b"",), "a byte": (b"x",), "too little": (b"x" * (SIZE - 1),),
        "too much": (b"x" * (SIZE + 1),), "far too much": (b"x" * 100000,),
        "no magic": (message(RUN, magic=1), [good, *io]),
        "join": (message(JOIN),), "status": (message(STATUS),),
        "stop": (message(STOP),), "session": (message(SESSION),),
        "entered": (message(ENTERED), [os.pidfd_open(os.getpid())]),
        "label": (message(LABEL),), "signal": (message(SIGNAL, 9),),
        "grant": (message(GRANT), [null, null]), "kind 0": (message(0),),
        "kind -1": (message(0xffffffff),),
        "no request": (message(RUN),), "no descriptors": (message(RUN), [good]),
        "two of three": (message(RUN), [good, null, null]),
        "too many": (message(RUN), [good] * 5),
        "far too many": (message(RUN), [good] * 200),
        "not sealed": (message(RUN), [memory(request(words), False), *io]),
        "empty": (message(RUN), [memory(b""), *io]),
        "no words": (message(RUN), [memory(request([])), *io]),
        "half": (message(RUN), [memory(request(words)[:-1]), *io]),
        "more": (message(RUN), [memory(request(words) + b"x"), *io]),
        "a mask": (message(RUN), [memory(request(words, 0o7777)), *io]),
        "too large": (message(RUN), [memory(request([b"x" * 5000000])), *io]),
        "a pipe": (message(RUN), [os.pipe()[0], *io]),
        "a directory": (message(RUN), [directory(), *io]),
        "directories": (message(RUN), [good, *[directory()] * 3]),
        "a path": (message(RUN), [good, null, null, path_only()]),
    }
    with subprocess.Popen(ssh_argv(WHO, "echo up; cat"), stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as held:
        same(held.stdout.readline(), b"up\n")
        for row, said in rows.items():
            answer = say(*said)
            same(ran.exists(), False, f"{row}: {answer}")
            lacks(answer, rf"\b({GRANT}|{SESSION})\b", row)
        # And what is good, with nonsense behind it, is one session.
        for row in ([message(SIGNAL, 0)], [message(SIGNAL, 1 << 20)],
                    [message(RUN)], [b"x"], [message(JOIN), message(STOP)]):
            say(message(RUN), [good, *io], row)
        same(say(message(RUN), [good, *io], patience=20)[:2], f"[{STARTED}")
        eventually(ran.exists, "a good one runs")
        # One whose login uid is not known could choose it.
        answer = say(message(RUN), [good, *io], connected=orphan, patience=20)
        same(f"[{STARTED}" in answer, not may_write("/proc/self/loginuid"))
        same(held.poll(), None, "the session of before")
        same(ssh(WHO, COMMAND).returncode, 0)
        same(differences(saw(), CLEAN["ssh"], None), [])
        held.stdin.close()
    nothing_left("messages")


run(seconds=150)
