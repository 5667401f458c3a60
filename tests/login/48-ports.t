#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""ports of the host's that one account may bind and no other: by every door,
TCP and UDP, IPv4 and IPv6, also for what ssh forwards; and nobody gets in
where the kernel cannot hold that"""
import contextlib
import ctypes
import errno
import json
import pathlib
import re
import socket
import struct
import subprocess

from bed import (CONF_DIR, PATIENCE, PLAIN, UID_MIN, WITH_SYSTEMD, Logged,
                 Skip, account, can_connect, case, cgroups, configure,
                 eventually, has, jail_account, lacks, run, same, set_up, sh,
                 ssh, ssh_argv, sshd, stop, su, uid_of, unmount)

WHO, PEER, OWN, FREE = "leased", "peer", "ownports", "wild"
EACH, FIRST = 10, 23000
GROUP = (f'ports = {{ range = "{FIRST}-23999"; each = {EACH};'
         f" first_uid = {UID_MIN}; }};\n")
CONF = CONF_DIR / "jail.conf"

account(PLAIN)
set_up()
BEFORE = CONF.read_text()
CONF.write_text(GROUP + BEFORE)
for name in WHO, PEER:
    jail_account(name, f"ports = {EACH};")
jail_account(OWN, 'ports = "8100-8101";')
jail_account(FREE, f'ports = {EACH}; seccomp = "ide";')
sshd()


def first_of(who):
    return FIRST + (uid_of(who) - UID_MIN) * EACH


def lease(who):
    return f"{first_of(who)}-{first_of(who) + EACH - 1}"


# Prints a line for each kind of socket and port: what came of bind(2).
TRY = r"""
import errno, socket
for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
    for family, address in ((socket.AF_INET, "127.0.0.1"),
                            (socket.AF_INET, "0.0.0.0"),
                            (socket.AF_INET6, "::1"), (socket.AF_INET6, "::"),
                            (socket.AF_INET6, "::ffff:127.0.0.1")):
        for port in PORTS:
            with socket.socket(family, kind) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    sock.bind((address, port))
                    print(port, "bound")
                except OSError as err:
                    print(port, errno.errorcode[err.errno])
"""


def script(ports):
    return f"PORTS = {list(ports)}\n" + TRY


def answers(text):
    """{port: what came of it, for every kind of socket}."""
    found = {}
    for line in text.splitlines():
        port, answer = line.split()
        found.setdefault(int(port), []).append(answer)
    for port, all_of_it in found.items():
        same(len(all_of_it), 10, f"kinds of socket, port {port}")
    return {port: sorted(set(all_of_it)) for port, all_of_it in found.items()}


def by_ssh(who, ports):
    return ssh(who, "python3 -", input=script(ports)).stdout


def by_su(who, ports):
    return su(who, "python3 -", input=script(ports)).stdout


def by_exec(who, ports):
    return sh(["jailconf", "exec", who, "--", "python3", "-"], stdin=None,
              input=script(ports))


def by_cron(who, ports):
    home = pathlib.Path(f"/home/{who}")
    path = home / "ports.out"
    path.unlink(missing_ok=True)
    (home / "ports.py").write_text(script(ports))
    sh(["crontab", "-u", who, "-"], stdin=None,
       input="@reboot python3 ports.py >ports.tmp 2>&1; mv ports.tmp"
             " ports.out\n")
    if WITH_SYSTEMD:
        sh("systemctl stop cron")
    pathlib.Path("/run/crond.reboot").unlink(missing_ok=True)
    daemon = subprocess.Popen(["cron", "-f"])
    try:
        eventually(path.exists, "cron ran the job", 15)
    finally:
        daemon.kill()
        daemon.wait()
        sh(["crontab", "-u", who, "-r"])
    return path.read_text()


DOORS = by_ssh, by_su, by_cron, by_exec


def wanted(first, n=EACH):
    """Of the ports around and in a lease, and others."""
    no = [first - 1, first + n, 22, 8080, 40000, 65535]
    yes = [0, first, first + n - 1]
    return {port: ["EPERM"] for port in no} | {port: ["bound"] for port in yes}


@contextlib.contextmanager
def session(who, *options, command=("echo up; cat",)):
    client = subprocess.Popen(
        ssh_argv(who, *command, options=options), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        if command:
            same(client.stdout.readline(), b"up\n")
        yield client
    finally:
        client.kill()
        client.communicate()


@case
def through_every_door_the_lease_and_no_other_port():
    expected = wanted(first_of(WHO))
    for door in DOORS:
        same(answers(door(WHO, expected)), expected, door.__name__)


@case
def the_second_session_and_ten_at_once_have_the_same():
    expected = wanted(first_of(WHO))
    no = [port for port in expected if expected[port] == ["EPERM"]]
    with session(WHO):
        clients = []
        for i in range(10):
            argv = (["su", "-", WHO, "-c", "python3 -"] if i % 3 == 0
                    else ssh_argv(WHO, "python3 -"))
            clients.append(subprocess.Popen(
                argv, text=True, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))
        for client in clients:
            text = client.communicate(script(no), timeout=60 * PATIENCE)[0]
            same(answers(text), {port: ["EPERM"] for port in no})


@case
def the_variable_tells_the_lease():
    for who, told in ((WHO, lease(WHO)), (PEER, lease(PEER)),
                      (OWN, "8100-8101")):
        same(ssh(who, "echo $JAIL_PORTS").stdout, told + "\n", "by ssh")
        same(su(who, "echo $JAIL_PORTS").stdout, told + "\n", "by su -")
        same(su(who, "echo $JAIL_PORTS", login=False,
                env={"JAIL_PORTS": "1-65535", "PATH": "/usr/bin:/bin"}).stdout,
             told + "\n", "by su")
        has(sh(["jailconf", "exec", who, "--", "env"]),
            f"^JAIL_PORTS={told}$")
    same(ssh(PLAIN, "echo $JAIL_PORTS").stdout, "\n")


@case
def a_port_of_a_peer_cannot_be_taken():
    for who, other in ((WHO, PEER), (PEER, WHO), (OWN, WHO), (WHO, OWN)):
        ports = ([8100, 8101] if other == OWN else
                 range(first_of(other), first_of(other) + EACH))
        same(answers(by_ssh(who, ports)), {port: ["EPERM"] for port in ports})
    same(answers(by_ssh(OWN, [8099, 8100, 8101, 8102])),
         {8099: ["EPERM"], 8100: ["bound"], 8101: ["bound"],
          8102: ["EPERM"]})
    # So that a test which cannot fail would show.
    same(answers(by_ssh(PLAIN, [8080, first_of(WHO)])),
         {8080: ["bound"], first_of(WHO): ["bound"]})


@case
def a_server_of_one_s_own_answers():
    port = first_of(WHO) + 3
    with session(WHO, command=(f"echo up; exec python3 -m http.server {port}",)):
        eventually(lambda: can_connect(port), "it listens")
        # What listens without bind(2) has a port of nobody's.
        text = ssh(WHO, "python3 -", input="import socket\n"
                   "s = socket.socket()\ns.listen()\n"
                   "print(s.getsockname()[1])\n").stdout
        least, most = map(int, pathlib.Path(
            "/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
        same(least <= int(text) <= most, True, text)


@case
def what_ssh_forwards_to_here_has_a_port_of_the_lease():
    first, failed = first_of(WHO), ["-o", "ExitOnForwardFailure=yes"]
    for forward in ("{}:127.0.0.1:22", "{}"):  # to one place, and as a proxy
        for port in (first, first + EACH - 1):
            with session(WHO, *failed, "-R", forward.format(port)):
                eventually(lambda: can_connect(port), f"sshd has {port}")
                if forward != "{}":
                    with socket.create_connection(("127.0.0.1", port)) as sock:
                        has(sock.recv(100).decode(), "^SSH-2.0")
        for port in (first - 1, first + EACH, 8080, first_of(PEER), 1080):
            done = ssh(WHO, "echo in",
                       options=[*failed, "-R", forward.format(port)])
            has(done.stderr, "remote port forwarding failed")
            same(done.stdout, "")
            same(can_connect(port), False)
    # A port that sshd's kernel chooses is nobody's.
    done = ssh(WHO, "echo in", options=[*failed, "-R", "0:127.0.0.1:22"])
    same(done.stdout, "in\n", done.stderr)


@case
def what_ssh_forwards_from_there_is_as_it_was():
    with session(WHO, "-L", "8001:127.0.0.1:22", "-D", "8002"):
        eventually(lambda: can_connect(8001) and can_connect(8002), "both")
        with socket.create_connection(("127.0.0.1", 8001)) as sock:
            has(sock.recv(100).decode(), "^SSH-2.0")


@case
def a_display_needs_a_port_that_no_lease_has():
    for who, display in ((PLAIN, "localhost:10.0"), (WHO, "")):
        done = ssh(who, "echo $DISPLAY", options=["-X"],
                   env={"DISPLAY": ":77", "PATH": "/usr/bin:/bin"})
        same(done.stdout, display + "\n", done.stderr)


HIDEOUTS = """
mkdir -p /tmp/cg
mount -t cgroup2 none /tmp/cg 2>&1
find /tmp/cg -name cgroup.procs | while read f; do
    (echo 0 >$f) 2>/dev/null && echo moved
done
mountpoint -q /tmp/cg && mkdir /tmp/cg/own 2>/dev/null && echo made
python3 -c 'import socket; socket.socket().bind(("", 8080))' 2>&1 | tail -n 1
"""


@case
def namespaces_of_one_s_own_are_no_way_out():
    """With the profile "ide"."""
    for words in ("unshare -Urm", "unshare -UrmC", "unshare -UrmCn",
                  "setsid -f -w", "nohup"):
        text = ssh(FREE, f"{words} sh", input=HIDEOUTS).stdout
        has(text, "^PermissionError.*Operation not permitted", words)
        lacks(text, "^(moved|made)", words)


@case
def what_stays_behind_stays_under_it():
    port, who = first_of(PEER) + EACH, PEER
    configure(who, f"ports = {EACH};", "linger = 20;")
    stop(who)
    late = (f"import time, socket\ntime.sleep(2)\ntry:\n"
            f"    socket.socket().bind(('', {port}))\n    print('bound')\n"
            f"except OSError as err:\n    print(err.errno)\n")
    path = pathlib.Path(f"/home/{who}/late.out")
    path.unlink(missing_ok=True)
    ssh(who, "cat >late.py", input=late)
    ssh(who, "(setsid sh -c 'python3 late.py >late.tmp; mv late.tmp late.out'"
             " </dev/null >/dev/null 2>&1 &)")
    eventually(path.exists, "it has tried", 15)
    same(path.read_text(), f"{errno.EPERM}\n")
    configure(who, f"ports = {EACH};")
    stop(who)


@case
def explain_and_check_tell():
    text = sh(["jailconf", "explain", WHO])
    has(text, rf"^ *ports\s+{lease(WHO)}, and those that the kernel chooses$")
    has(text, rf"JAIL_PORTS={lease(WHO)}")
    lacks(text, "not held")
    told = json.loads(sh(["jailconf", "explain", "--json", WHO]))
    found = re.search(r'"ports": ?(\{[^}]*\})', json.dumps(told)).group(1)
    same(json.loads(found), {"first": first_of(WHO),
                             "last": first_of(WHO) + EACH - 1,
                             "not_held": None})
    lacks(sh(["jailconf", "check"], check=False).stdout, "ports")


def refused(who, why, environment=None):
    """By ssh and by su, with WHY in the log, and in explain and check."""
    stop(who)
    with environment or contextlib.nullcontext():
        for enter in (ssh, su):
            log = Logged()
            done = enter(who, "echo in")
            same(done.returncode != 0, True, "refused")
            lacks(done.stdout, "^in$")
            log.expect(rf"refuse user={who} .*{why}")
        has(sh(["jailconf", "explain", who], check=False).stdout, why)
        has(sh(["jailconf", "check"], check=False).stdout, why)
    same(cgroups_of(who), [], "left behind")


def cgroups_of(who):
    return [path for path in cgroups() if f"/{uid_of(who)}" in path]


@case
def an_account_without_ports_by_its_uid_is_refused():
    CONF.write_text(GROUP.replace(f"first_uid = {UID_MIN}",
                                  "first_uid = 60000") + BEFORE)
    try:
        refused(WHO, f"account {WHO}: ports 23000-23999 are for uids 60000 to"
                     f" 60099, and uid {uid_of(WHO)} has none")
    finally:
        CONF.write_text(GROUP + BEFORE)


@case
def ports_that_the_kernel_gives_away_are_refused():
    CONF.write_text(GROUP.replace(f"{FIRST}-23999", "32000-33999") + BEFORE)
    try:
        refused(WHO, "ports 32000-33999: of 32768-60999 the kernel gives one")
    finally:
        CONF.write_text(GROUP + BEFORE)
    configure(OWN, 'ports = "32000-32768";')
    try:
        refused(OWN, "ports 32000-32768: of 32768-60999 the kernel gives one")
    finally:
        configure(OWN, 'ports = "8100-8101";')


@contextlib.contextmanager
def without_cgroups():
    sh("mount -t tmpfs none /sys/fs/cgroup")
    try:
        yield
    finally:
        unmount("/sys/fs/cgroup")


WITHOUT_CGROUPS = "this host cannot hold ports [0-9-]*: no cgroup version 2"


@case
def without_cgroups_nobody_gets_in():
    if WITH_SYSTEMD:
        raise Skip("systemd is in them")
    refused(WHO, WITHOUT_CGROUPS, without_cgroups())
    same(ssh(WHO, "echo in").stdout, "in\n", "afterwards")


@case
def unless_that_is_not_required_and_then_it_is_told():
    if WITH_SYSTEMD:
        raise Skip("systemd is in them")
    configure(WHO, f"ports = {{ lease = {EACH}; required = false; }};")
    stop(WHO)
    try:
        same(answers(by_ssh(WHO, [8080])), {8080: ["EPERM"]})
        stop(WHO)
        with without_cgroups():
            log = Logged()
            same(answers(by_ssh(WHO, [8080])), {8080: ["bound"]})
            log.expect(rf"limit user={WHO} .*not_held=ports"
                       rf" .*{WITHOUT_CGROUPS}")
            same(ssh(WHO, "echo $JAIL_PORTS").stdout, lease(WHO) + "\n")
            has(sh(["jailconf", "explain", WHO]),
                f"not held: .*{WITHOUT_CGROUPS}")
            has(sh(["jailconf", "check"], check=False).stdout,
                rf"accounts \({WHO}\) may bind all ports.*{WITHOUT_CGROUPS}")
            stop(WHO)
    finally:
        configure(WHO, f"ports = {EACH};")
        stop(WHO)


NUMBER = int(re.search(r"^#define __NR_bpf (\d+)", sh(
    "echo '#include <sys/syscall.h>' | gcc -E -dM -"), re.M).group(1))


def no_bpf():
    """In a process that is about to become su, or sshd: from now on, bpf(2)
    is not permitted."""
    libc = ctypes.CDLL(None, use_errno=True)
    program = b"".join(struct.pack("<HBBI", *row) for row in (
        (0x20, 0, 0, 0),            # the call's number
        (0x15, 0, 1, NUMBER),
        (0x06, 0, 0, 0x00050000 | errno.EPERM),
        (0x06, 0, 0, 0x7fff0000)))
    held = ctypes.create_string_buffer(program, len(program))
    filters = struct.pack("<H6xQ", len(program) // 8, ctypes.addressof(held))
    if libc.prctl(22, 2, filters, 0, 0):  # PR_SET_SECCOMP
        raise OSError(ctypes.get_errno(), "seccomp")


@case
def without_bpf_nobody_gets_in():
    why = "load a BPF program: Operation not permitted"
    stop(WHO)
    log = Logged()
    done = su(WHO, "echo in", preexec_fn=no_bpf)
    same((done.returncode != 0, done.stdout), (True, ""))
    log.expect(rf"refuse user={WHO} .*{why}")
    text = sh(["jailconf", "explain", WHO], check=False, preexec_fn=no_bpf)
    has(text.stdout, why)
    has(sh(["jailconf", "check"], check=False, preexec_fn=no_bpf).stdout, why)
    if not WITH_SYSTEMD:
        server = subprocess.Popen(["/usr/sbin/sshd", "-D", "-p", "2248"],
                                  preexec_fn=no_bpf)
        try:
            eventually(lambda: can_connect(2248), "sshd")
            log = Logged()
            done = ssh(WHO, "echo in", port=2248)
            same((done.returncode != 0, done.stdout), (True, ""))
            log.expect(rf"refuse user={WHO} .*{why}")
            same(ssh(PLAIN, "echo in", port=2248).stdout, "in\n")
        finally:
            server.terminate()
            server.wait()
    same(su(WHO, "echo in").stdout, "in\n", "afterwards")
    # Who joins needs no BPF: the jail has it.
    with session(WHO):
        done = su(WHO, "python3 -", input=script([8080]), preexec_fn=no_bpf)
        same(answers(done.stdout), {8080: ["EPERM"]})


@case
def nothing_is_left_behind():
    for who in (WHO, PEER, OWN, FREE):
        stop(who)
    eventually(lambda: not any(cgroups_of(who)
                               for who in (WHO, PEER, OWN, FREE)),
               "their cgroups are gone")
    CONF.write_text(BEFORE)
    for who in (WHO, PEER, OWN, FREE):
        configure(who)


run()
