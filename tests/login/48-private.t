#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""network = "private": each jail has its address and all of its ports, and
reaches what its egress lists and nothing else of the host, of other jails and
of the world

The world is one more network namespace, at the other end of a pair of
interfaces.  Its servers answer with the address that they were asked from.
"""
import contextlib
import json
import os
import pathlib
import re
import shlex
import socket
import subprocess
import sys
import threading
import time

from bed import (CONF_DIR, PATIENCE, SLOW, Logged, can_connect, case,
                 configure, eventually, has, inits, jail_account, lacks,
                 processes, residue, run, same, sh, ssh, ssh_argv, sshd,
                 stop, su, uid_of)

if not os.path.exists("/usr/sbin/nft"):
    print("there is no nft in this root")
    sys.exit(77)

CONF = CONF_DIR / "jail.conf"
HOST, WORLD, LAN, GATEWAY = "192.0.2.1", "192.0.2.2", "10.9.9.9", "10.77.0.1"
# ANN has the default; BEN little; CAT the host, and ANN by her address.
ANN, BEN, CAT = "ann", "ben", "cat"
PRIVATE = 'network = "private";'
SYSCTLS = pathlib.Path("/proc/sys/net/ipv4")
CONNECTIONS = pathlib.Path("/proc/sys/net/netfilter")
TABLE = "inet pam_jail"
# An answer that must not come has not by then; each costs as much.
ANSWER_SECONDS = 2 if SLOW == 1 else 6
# One that must come has, also where other things are done.
COMES_SECONDS = 20


# --- the world ---------------------------------------------------------------

SERVERS = """
import os, select, socket, sys
servers = []
for port in 80, 81, 82, 443:
    servers.append(socket.create_server(("", port)))
for port in 53, 80:
    servers.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    servers[-1].bind(("", port))
log = open(sys.argv[1], "w", buffering=1)
print("up", flush=True)
while True:
    for s in select.select(servers, [], [])[0]:
        if s.type == socket.SOCK_STREAM:
            peer, name = s.accept()
            which = s.getsockname()[1] == 82
            peer.sendall(str(name[which]).encode())
            peer.close()
        else:
            data, name = s.recvfrom(100)
            print(name[0], data, file=log)
            s.sendto(str(name[data == b"port"]).encode(), name)
"""

SEEN = pathlib.Path("/run/bed/world")


def in_world(*command, **keys):
    return subprocess.Popen(["nsenter", "--net=/run/netns/world", *command],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            text=True, **keys)


def make_world():
    sh(f"""
ip netns add world
ip link add name up0 type veth peer name eth0 netns world
ip address add {HOST}/24 dev up0
ip link set up0 up
ip -n world address add {WORLD}/24 dev eth0
ip -n world address add {LAN}/32 dev eth0
ip -n world link set eth0 up
ip -n world link set lo up
ip route add default via {WORLD}
echo 1 >{SYSCTLS}/ip_forward
""")
    servers = in_world("python3", "-c", SERVERS, str(SEEN))
    same(servers.stdout.readline(), "up\n", "the world")
    return servers


def private_network(words=f'nameservers = [ "{WORLD}" ];',
                    addresses="10.77.0.0/16"):
    CONF.write_text(KEPT + "private_network = { addresses = "
                    f'"{addresses}"; {words} }};\n')


sshd()
for account_name in ANN, BEN, CAT:
    jail_account(account_name)
KEPT = CONF.read_text()
WORLD_SERVERS = make_world()
private_network()


def address_of(who):
    return f"10.77.{(uid_of(who) - 998) >> 8}.{(uid_of(who) - 998) & 255}"


def interface_of(who):
    number = "".join(f"{int(n):02x}" for n in address_of(who).split("."))
    return "jail" + number


configure(ANN, PRIVATE)
configure(BEN, PRIVATE, f'egress = [ "{WORLD}:81/tcp" ];')
configure(CAT, PRIVATE, 'egress = [ "10.0.0.0/8", "host:22/tcp", '
          f'"{address_of(ANN)}:80" ];')


# --- asking ------------------------------------------------------------------

ASK = """
import socket, sys
for word in sys.argv[1:]:
    word, seconds = word.split("=")
    kind, address, port = word.split("/")
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp"
                      else socket.SOCK_STREAM)
    s.settimeout(int(seconds))
    try:
        s.connect((address, int(port)))
        if kind == "udp":
            s.send(b"hello")
        print(word, s.recv(100).decode("latin1").split("-")[0].strip())
    except OSError as err:
        print(word, "nothing")
"""


def seconds_for(answer):
    return ANSWER_SECONDS if answer in ("", "nothing") else COMES_SECONDS


def words_of(wanted):
    """What ASK wants to know: each TCP/ADDRESS/PORT, and how long to wait."""
    return " ".join(f"{word}={seconds_for(answer)}"
                    for word, answer in wanted.items())


def asked(who, wanted):
    """What WHO hears of each of TCP/ADDRESS/PORT, that WANTED has."""
    done = ssh(who, f"python3 - {words_of(wanted)}", input=ASK, timeout=60)
    got = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    same(sorted(got), sorted(wanted), done.stderr)
    return got


def hears(who, wanted, what=""):
    same(asked(who, wanted), wanted, what)


SERVE = """
import getpass, select, socket, sys
s = socket.create_server(("", 80))
print("up", flush=True)
while sys.stdin not in select.select([s, sys.stdin], [], [])[0]:
    peer, name = s.accept()
    peer.sendall((getpass.getuser() + " " + name[0]).encode())
    peer.close()
"""


@contextlib.contextmanager
def session(who, *options, command=()):
    client = subprocess.Popen(
        ssh_argv(who, *command, options=[*options, *([] if command
                                                     else ["-N"])]),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True)
    try:
        yield client
    finally:
        client.kill()
        client.wait()
        for stream in client.stdin, client.stdout, client.stderr:
            stream.close()


@contextlib.contextmanager
def port_80(who):
    """WHO serves port 80, and says in a word who that is."""
    command = f"exec python3 -c {shlex.quote(SERVE)}"
    with session(who, command=[command]) as client:
        line = client.stdout.readline()
        same(line, "up\n", "serves" if line else client.stderr.read())
        yield
        client.stdin.close()
        client.wait(10 * PATIENCE)


def host_hears(address, port, wanted, what=""):
    """The host, from there; WANTED is "" if nothing."""
    got = ""
    with contextlib.suppress(OSError), socket.create_connection(
            (address, port), seconds_for(wanted)) as sock:
        got = sock.recv(100).decode()
    same(got, wanted, what)


def world_hears(address, port, wanted):
    word = f"tcp/{address}/{port}"
    client = in_world("python3", "-c", ASK, words_of({word: wanted}))
    same(client.communicate()[0], f"{word} {wanted}\n")


def inits_of(who):
    """The pids of PID 1 of WHO's jails, which have their keepers' words."""
    return [pid for pid in inits()
            if processes().get(pid, ("", ""))[1].endswith(who)]


def init_of(who):
    init, = inits_of(who)
    return init


def rules():
    """Without who has how many connections."""
    text = sh(f"nft list table {TABLE}", check=False).stdout
    text = re.sub(r"(size \d+)\s*# count \d+", r"\1", text)
    return re.sub(r"(flags dynamic\n)\t\telements = \{[^}]*\}\n", r"\1", text)


def nothing_is_left(who):
    eventually(lambda: interface_of(who) not in sh("ip -o link"),
               "no interface")
    eventually(lambda: interface_of(who) not in rules(), "no rules")
    hidden = re.escape(address_of(who)) + r"\b"
    eventually(lambda: not re.search(
        hidden, sh(f"nft list set {TABLE} hidden")), "no address")


# --- cases -------------------------------------------------------------------

@case
def two_jails_have_port_80_each():
    with port_80(ANN), port_80(BEN):
        for who in ANN, BEN:
            # As a proxy on the host asks; neither has the host's port.
            host_hears(address_of(who), 80, f"{who} {GATEWAY}")
        host_hears("127.0.0.1", 80, "", "the host's port")


FROM_PORT = """
import socket, sys
for kind, port in ((socket.SOCK_STREAM, 82), (socket.SOCK_DGRAM, 53)):
    s = socket.socket(socket.AF_INET, kind)
    s.settimeout(20)
    s.bind(("", int(sys.argv[1])))
    s.connect((sys.argv[2], port))
    s.send(b"port")
    print(s.recv(100).decode())
"""


@case
def with_the_host_s_address_a_jail_has_no_port_that_it_chooses():
    """Neither one that tells root, nor one that is a server's of the host's."""
    for wanted in (53, 700, 5353):
        got = ssh(ANN, f"python3 - {wanted} {WORLD} <<'E'{FROM_PORT}E").stdout
        ports = [int(word) for word in got.split()]
        same(len(ports), 2, got)
        same([p for p in ports if p < 1024 or p == wanted], [], str(ports))


@case
def each_reaches_what_its_egress_lists_and_nothing_else():
    with port_80(ANN), port_80(BEN):
        hears(ANN, {
            f"tcp/{WORLD}/80": HOST, f"tcp/{WORLD}/443": HOST,
            f"udp/{WORLD}/80": HOST, f"udp/{WORLD}/53": HOST,
            f"tcp/{LAN}/80": "nothing", f"tcp/{HOST}/22": "nothing",
            f"tcp/{GATEWAY}/22": "nothing", "tcp/127.0.0.1/22": "nothing",
            f"tcp/{address_of(BEN)}/80": "nothing"})
        hears(BEN, {
            f"tcp/{WORLD}/80": "nothing", f"tcp/{WORLD}/81": HOST,
            f"udp/{WORLD}/80": "nothing", f"udp/{WORLD}/53": HOST,
            f"tcp/{HOST}/22": "nothing",
            f"tcp/{address_of(ANN)}/80": "nothing"})
        # A range is neither the host nor other jails; an address is.
        hears(CAT, {
            f"tcp/{LAN}/80": HOST, f"tcp/{GATEWAY}/22": "SSH",
            f"tcp/{GATEWAY}/80": "nothing", f"tcp/{HOST}/22": "SSH",
            f"tcp/{address_of(BEN)}/80": "nothing",
            f"tcp/{address_of(ANN)}/80": f"{ANN} {address_of(CAT)}",
            f"tcp/{WORLD}/81": "nothing"})


# Not faster than a slow machine's queue of packets is worked off.
FLOOD = f"""
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for port in range(10000, 14500):
    s.sendto(b"x", ("{WORLD}", port))
    if port % 100 == 0:
        time.sleep(0.02)
"""


@contextlib.contextmanager
def remembered_for(seconds):
    """What nobody answers stays in the list of connections for so long."""
    file = CONNECTIONS / "nf_conntrack_udp_timeout"
    kept = file.read_text()
    file.write_text(str(seconds))
    try:
        yield
    finally:
        file.write_text(kept)


@case
def one_jail_cannot_fill_the_hosts_list_of_connections():
    ssh(ANN, "true")  # now there is a list
    with remembered_for(int(30 * SLOW)):
        # Those of one jail count for the next one.
        for _ in range(2):
            ssh(ANN, "python3 -", input=FLOOD)
            known = (CONNECTIONS / "nf_conntrack_count").read_text()
            same(4096 <= int(known) < 4096 + 400, True, known)
            stop(ANN)
        # What was there before the flood may make room for some, once.
        full = {f"tcp/{WORLD}/80": "nothing"}
        eventually(lambda: asked(ANN, full) == full, "the list is full", 20)
        hears(BEN, {f"tcp/{WORLD}/81": HOST})
    # With the short wait: who is dropped tries again less and less often.
    eventually(lambda: asked(ANN, full) == {f"tcp/{WORLD}/80": HOST},
               "room for others again", 40)


@contextlib.contextmanager
def instead_of(path, script):
    """PATH is another program, or none at all."""
    kept = pathlib.Path(path + ".kept")
    os.rename(path, kept)
    try:
        if script:
            pathlib.Path(path).write_text(f"#!/bin/sh\n{script}\n")
            os.chmod(path, 0o755)
        yield
    finally:
        os.rename(kept, path)


@case
def a_host_that_cannot_make_the_rules_is_told_of():
    stop(ANN)
    with instead_of(os.path.realpath("/usr/sbin/nft"), "exit 1"):
        has(sh(["jailconf", "explain", ANN], check=False).stdout,
            f"^jailconf: {ANN} is refused everywhere: .*the rules of the network: "
            r"/usr/sbin/nft failed \(exit status 1\)")
        lacks(su(ANN, "echo in").stdout, "^in$")
    has(su(ANN, "echo in").stdout, "^in$")


SAME_PORT = f"""
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 4000))
s.settimeout(int(sys.argv[1]))
s.sendto(b"x", ("{WORLD}", 80))
try:
    print(s.recv(100).decode())
except OSError:
    print("nothing")
"""


@case
def what_was_begun_does_not_outlive_the_list_that_allowed_it():
    same(ssh(ANN, f"python3 - {COMES_SECONDS}", input=SAME_PORT).stdout,
         f"{HOST}\n")
    stop(ANN)
    configure(ANN, PRIVATE, f'egress = [ "{WORLD}:443/tcp" ];')
    try:
        same(ssh(ANN, f"python3 - {ANSWER_SECONDS}", input=SAME_PORT).stdout,
             "nothing\n")
    finally:
        configure(ANN, PRIVATE)
        stop(ANN)


@case
def a_socket_of_the_hosts_network_does_not_come_in():
    log = Logged()
    with socket.socket(socket.AF_INET) as sock:
        lacks(su(ANN, "echo in", stdin=sock).stdout, "in")
    log.expect("a socket of the host's network may not enter")
    # It could be connected to one of the host's abstract names.
    with socket.socket(socket.AF_UNIX) as sock:
        lacks(su(ANN, "echo in", stdin=sock).stdout, "in")
    ours, theirs = socket.socketpair(type=socket.SOCK_DGRAM)
    with ours, theirs:
        lacks(su(ANN, "echo in", stdin=ours).stdout, "in")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        has(su(ANN, "echo in", stdin=ours).stdout, "in")


@case
def an_empty_list_leads_nowhere_not_even_to_a_name_server():
    stop(BEN)
    configure(BEN, PRIVATE, "egress = [ ];")
    try:
        hears(BEN, {f"tcp/{WORLD}/81": "nothing", f"udp/{WORLD}/53": "nothing",
                    f"tcp/{GATEWAY}/22": "nothing"})
        same(ssh(BEN, "cat /etc/resolv.conf").stdout, "")
    finally:
        configure(BEN, PRIVATE, f'egress = [ "{WORLD}:81/tcp" ];')
        stop(BEN)


@case
def nobody_from_outside_reaches_a_jail_but_by_a_rule_of_the_host_s():
    sh(f"ip -n world route add 10.77.0.0/16 via {HOST}")
    with port_80(ANN):
        world_hears(address_of(ANN), 80, "nothing")
        sh("""nft -f - <<'EOF'
table ip admin {
    chain pre {
        type nat hook prerouting priority dstnat;
        tcp dport 8080 dnat to %s:80
    }
}
EOF""" % address_of(ANN))
        try:
            world_hears(HOST, 8080, f"{ANN} {WORLD}")
            hears(BEN, {f"tcp/{HOST}/8080": "nothing"}, "by the same rule")
        finally:
            sh("nft delete table ip admin")


@case
def without_nat_the_world_sees_the_jail_s_address():
    private_network(f'nat = false; nameservers = "{WORLD}";')
    stop(ANN)
    try:
        hears(ANN, {f"tcp/{WORLD}/80": address_of(ANN)})
    finally:
        private_network()
        stop(ANN)


# What somebody could do who was root inside: an address of another's.
SPOOF = """
import socket, struct, sys
def header(source, target):
    ip = struct.pack("!BBHHHBBH4s4s", 69, 0, 33, 1, 0, 64, 17, 0,
                     socket.inet_aton(source), socket.inet_aton(target))
    return ip + struct.pack("!HHHH", 999, 80, 13, 0) + b"spoof"
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
for source in sys.argv[1:]:
    s.sendto(header(source, "%s"), ("%s", 0))
""" % (WORLD, WORLD)


@case
def nobody_inside_can_have_another_address():
    with session(ANN, command=["echo up; exec sleep 100"]) as client:
        client.stdout.readline()
        # By su(1), it is a child of the keeper's, which has kept something.
        for enter in ssh, su:
            same(enter(ANN, "grep ^Cap /proc/self/status").stdout.split()[1::2],
                 ["0000000000000000"] * 5)
        has(ssh(ANN, "ip address add 10.77.9.9 dev eth0 2>&1").stdout,
            "not permitted")
        init = init_of(ANN)
        # Were he root: that of BEN, of the host, of the world's network.
        sh(["nsenter", "-t", str(init), "-n", "python3", "-c", SPOOF,
            address_of(BEN), HOST, "192.0.2.77", address_of(ANN)])
        eventually(lambda: "spoof" in SEEN.read_text(), "his own is let pass")
        time.sleep(0.2)
        same(re.findall(".*spoof.*", SEEN.read_text()),
             [f"{HOST} b'spoof'"], "what came through")


@case
def there_is_no_ipv6_but_the_loopback_s():
    with session(ANN, command=["echo up; exec sleep 100"]) as client:
        client.stdout.readline()
        same(ssh(ANN, "cat /proc/net/if_inet6").stdout.split()[-1], "lo")
        same(len(ssh(ANN, "cat /proc/net/if_inet6").stdout.splitlines()), 1)
        same(sh(f"ip -6 -o address show dev {interface_of(ANN)}"), "")


@case
def names_are_the_jail_s_own_and_ping_works():
    same(ssh(ANN, "hostname; cat /etc/resolv.conf").stdout,
         f"{ANN}\nnameserver {WORLD}\n")
    has(ssh(ANN, "cat /etc/nsswitch.conf").stdout, "^hosts:\tfiles dns$")
    ping = ("import socket; s = socket.socket(socket.AF_INET, "
            "socket.SOCK_DGRAM, socket.IPPROTO_ICMP); "
            f"s.settimeout({COMES_SECONDS}); "
            f"s.sendto(bytes([8] + [0] * 7), ('{WORLD}', 0)); "
            "print(len(s.recv(100)))")
    same(ssh(ANN, f'python3 -c "{ping}"').stdout, "8\n")


@case
def su_and_a_second_session_are_in_the_same_network():
    with session(ANN, command=["echo up; exec sleep 100"]) as client:
        client.stdout.readline()
        look = "readlink /proc/self/ns/net"
        same(ssh(ANN, look).stdout, su(ANN, look).stdout)
        lacks(ssh(ANN, look).stdout, re.escape(os.readlink(
            "/proc/self/ns/net")))


def serve_host(port):
    server = socket.create_server(("127.0.0.1", port))

    def loop():
        with contextlib.suppress(OSError):
            while True:
                with server.accept()[0] as peer:
                    peer.sendall(b"of the host")
    threading.Thread(target=loop, daemon=True).start()
    return server


@case
def forwarding_by_ssh_ends_inside():
    with serve_host(9001), port_80(ANN), \
            session(ANN, "-L", "8001:127.0.0.1:80", "-L", "8002:127.0.0.1:9001",
                    "-L", f"8003:{WORLD}:80", "-L", f"8004:{HOST}:22",
                    "-R", "8100:127.0.0.1:9001", "-D", "8005"):
        eventually(lambda: can_connect(8005), "ssh listens")
        host_hears("127.0.0.1", 8001, f"{ANN} 127.0.0.1")
        host_hears("127.0.0.1", 8002, "", "the host's loopback")
        host_hears("127.0.0.1", 8003, HOST)
        host_hears("127.0.0.1", 8004, "", "the host's sshd")
        remote = {"tcp/127.0.0.1/8100": "of the host"}
        eventually(lambda: asked(ANN, remote) == remote, "-R, inside")
        same(can_connect(8100), False, "-R, outside")
        for address, wanted in (("127.0.0.1", f"{ANN} 127.0.0.1"),
                                (HOST, "")):
            done = sh(f"curl -s --http0.9 --max-time {seconds_for(wanted)}"
                      f" --socks5 127.0.0.1:8005 http://{address}:80/; :")
            same(done, wanted, "-D")


@case
def nothing_is_left_when_a_jail_has_ended():
    ssh(ANN, "true")
    has(rules(), f"{interface_of(ANN)}_host", "there is something to leave")
    has(sh("ip -o link"), interface_of(ANN))
    stop(ANN)
    nothing_is_left(ANN)
    eventually(lambda: not residue(ANN), "no process and no name")


def kill_keeper():
    status = pathlib.Path(f"/proc/{init_of(ANN)}/status").read_text()
    os.kill(int(re.search(r"PPid:\t(\d+)", status)[1]), 9)


@case
def what_a_killed_keeper_has_left_is_in_nobody_s_way():
    for who in ANN, BEN, CAT:
        stop(who)
    for _ in range(3):
        # The session, or what forwards for it, may outlive the keeper.
        with session(ANN, "-L", "8001:127.0.0.1:80"):
            eventually(lambda: can_connect(8001) and inits_of(ANN),
                       "a session")
            kill_keeper()
            same(ssh(ANN, "echo in").stdout, "in\n")
            hears(ANN, {f"tcp/{WORLD}/80": HOST, f"tcp/{HOST}/22": "nothing"})
    stop(ANN)
    nothing_is_left(ANN)


@case
def one_after_the_other_waits_for_the_end_of_the_first():
    configure(ANN, PRIVATE, "linger = 0;")
    try:
        for _ in range(10):
            same(ssh(ANN, "echo in").stdout, "in\n")
        hears(ANN, {f"tcp/{HOST}/22": "nothing"})
    finally:
        configure(ANN, PRIVATE)
        stop(ANN)


@case
def many_start_at_once():
    crowd = [f"many{i}" for i in range(6)]
    for who in crowd:
        jail_account(who, PRIVATE)
    words = words_of({f"tcp/{WORLD}/80": HOST, f"tcp/{HOST}/22": "nothing"})
    with contextlib.ExitStack() as stack:
        for who in crowd:
            stack.callback(stop, who)
        clients = [stack.enter_context(session(
            who, command=[f"python3 - {words}"])) for who in crowd]
        for client in clients:
            same(client.communicate(ASK)[0], f"tcp/{WORLD}/80 {HOST}\n"
                 f"tcp/{HOST}/22 nothing\n")
    for who in crowd:
        nothing_is_left(who)


def refused(who, cause):
    for enter in ssh, su:
        log = Logged()
        done = enter(who, "echo in")
        same((done.returncode != 0, done.stdout), (True, ""), "refused")
        log.expect(rf"refuse user={who} .*{cause}")


@case
def nobody_gets_in_without_the_rules_and_nothing_is_left():
    stop(ANN)
    ran = "/run/bed/ran"
    # The second time that ip(8) is run, it is for the host's end.
    second = (f"echo >>{ran}; test $(wc -l <{ran}) = 1 && "
              "exec /usr/sbin/ip.kept \"$@\"; echo it is tired; exit 1")
    for path, script, cause in (
            ("/usr/sbin/nft", "", "run /usr/sbin/nft: No such file or "
             r"directory \(Debian: the package nftables\)"),
            ("/usr/sbin/nft", "echo rule 7 is wrong >&2; echo; exit 1",
             "/usr/sbin/nft: rule 7 is wrong"),
            ("/usr/sbin/nft", "kill -9 $$", "/usr/sbin/nft: ended by signal 9"),
            ("/usr/sbin/ip", "", "run /usr/sbin/ip: No such file or "
             r"directory \(Debian: the package iproute2\)"),
            ("/usr/sbin/ip", "echo out of order; exit 1",
             "/usr/sbin/ip: out of order"),
            ("/usr/sbin/ip", second, "/usr/sbin/ip: it is tired")):
        real = os.path.realpath(path)
        with instead_of(real, script.replace("/usr/sbin/ip.kept",
                                             real + ".kept")):
            for enter in ssh, su:
                pathlib.Path(ran).unlink(missing_ok=True)
                log = Logged()
                done = enter(ANN, "echo in")
                same((done.returncode != 0, done.stdout), (True, ""), cause)
                log.expect(rf"refuse user={ANN} .*{cause}")
        eventually(lambda: interface_of(ANN) not in sh("ip -o link"),
                   "the interface is gone")
        lacks(sh(f"nft list map {TABLE} to_host"), interface_of(ANN))
    hears(ANN, {f"tcp/{HOST}/22": "nothing"})


@case
def a_second_private_jail_of_an_account_needs_an_address():
    CONF.write_text(CONF.read_text().replace(
        "jails = {", 'jails = { second = { network = "private"; };', 1))
    rule = 'rules = ( { service = "su-l"; jail = "second"; } );'
    configure(ANN, PRIVATE, rule)
    try:
        has(sh("jailconf check", check=False).stdout,
            rf"warning: {address_of(ANN)} is of account {ANN}, jail \S+ and "
            rf"of account {ANN}, jail \S+ which cannot run at a time")
        with port_80(ANN):
            log = Logged()
            done = su(ANN, "echo in")
            same((done.returncode != 0, done.stdout), (True, ""), "refused")
            log.expect(f"refuse user={ANN} .*{address_of(ANN)} is in use by "
                       f"jail shell of uid {uid_of(ANN)}")
            host_hears(address_of(ANN), 80, f"{ANN} {GATEWAY}", "the first")
            CONF.write_text(CONF.read_text().replace(
                "second = {", 'second = { address = "10.77.200.1";', 1))
            same(su(ANN, "ip -4 -o address show dev eth0 | grep -o 10.77.200.1"
                    ).stdout, "10.77.200.1\n")
    finally:
        private_network()
        configure(ANN, PRIVATE)
        stop(ANN)


@case
def try_is_for_who_does_not_run():
    stop(ANN)
    look = f"jailconf try {ANN} -- ip -4 -o address show dev eth0"
    has(sh(look, check=False).stdout, re.escape(address_of(ANN)))
    nothing_is_left(ANN)
    with port_80(ANN):
        has(sh(look, check=False).stdout,
            f"{address_of(ANN)} is in use: ")
        host_hears(address_of(ANN), 80, f"{ANN} {GATEWAY}",
                   "the one that runs")
        hears(ANN, {f"tcp/{HOST}/22": "nothing"})


@case
def a_uid_without_an_address_is_refused_and_told_the_way_out():
    private_network(addresses="10.77.0.0/29",
                    words=f'first_uid = 60000; nameservers = "{WORLD}";')
    stop(ANN)
    try:
        cause = (f"uid {uid_of(ANN)} has no address in 10.77.0.0/29, which is "
                 "for uids 60000 to 60004: change addresses or first_uid")
        refused(ANN, cause)
        has(sh(f"jailconf explain {ANN}", check=False).stdout, cause)
        has(sh("jailconf check", check=False).stdout, cause)
    finally:
        private_network()


@case
def name_servers_are_the_host_s_if_a_jail_can_reach_them():
    resolv = pathlib.Path("/etc/resolv.conf")
    kept = resolv.read_text()
    private_network(words="")
    stop(ANN)
    try:
        resolv.write_text("search host.example\nnameserver 127.0.0.53\n")
        cause = "/etc/resolv.conf names none that a jail can reach"
        refused(ANN, cause)
        has(sh("jailconf check", check=False).stdout, cause)
        resolv.write_text("search host.example\nnameserver 127.0.0.53\n"
                          f"nameserver {WORLD}\n")
        same(ssh(ANN, "cat /etc/resolv.conf").stdout, f"nameserver {WORLD}\n")
    finally:
        resolv.write_text(kept)
        private_network()
        stop(ANN)


@case
def check_tells_of_a_host_that_forwards_nothing_and_lacks_a_program():
    told = "warning: private networks reach nothing but the host"
    lacks(sh("jailconf check", check=False).stdout, told)
    (SYSCTLS / "ip_forward").write_text("0")
    try:
        has(sh("jailconf check", check=False).stdout, told)
        same((SYSCTLS / "ip_forward").read_text(), "0\n")
    finally:
        (SYSCTLS / "ip_forward").write_text("1")
    with instead_of(os.path.realpath("/usr/sbin/nft"), ""):
        has(sh("jailconf check", check=False).stdout,
            f"error: account {ANN}, .*run /usr/sbin/nft: No such file")


@case
def what_explain_shows_is_what_is_in_force():
    stop(ANN)
    view = json.loads(sh(f"jailconf explain --json {ANN}"))
    private = view["private"]
    same((view["network"], private["address"], private["gateway"],
          private["interface"], private["egress"], private["nameservers"]),
         ("private", address_of(ANN), GATEWAY, interface_of(ANN),
          ["internet"], [WORLD]))
    text = sh(f"jailconf explain {ANN}")
    for line in private["rules"].splitlines():
        has(text, "^  " + re.escape(line) + "$")
    with session(ANN, command=["echo up; exec sleep 100"]) as client:
        client.stdout.readline()
        before = rules()
        sh(["nft", "-f", "-"], stdin=None, input=private["rules"])
        same(rules(), before)
        row = [row for row in json.loads(sh("jailconf list --json"))
               if row["account"] == ANN][0]
        same((row["address"], row["plan"]), (address_of(ANN), "current"))
        has(sh("jailconf list"), rf"^{ANN} .* {re.escape(address_of(ANN))}$")


@case
def rules_that_the_host_has_flushed_are_put_in_force_again():
    for who in BEN, CAT:  # each jail brings back its own, and when it may
        stop(who)
    with session(ANN, command=["echo up; exec sleep 100"]) as client:
        client.stdout.readline()
        before = rules()
        for i in range(3):
            log = Logged()
            sh("nft -f - <<'EOF'\nflush ruleset\ntable ip admin { }\nEOF")
            log.expect(rf"mended user={ANN} ")
            same(rules(), before)
            same(len(re.findall(f"mended user={ANN} ", log.text())), 1,
                 f"time {i}")
        # And where that cannot be, nothing passes any more.
        log = Logged()
        with instead_of(os.path.realpath("/usr/sbin/nft"),
                        "echo it is full >&2; exit 1"):
            sh("/usr/sbin/nft.kept flush ruleset")
            log.expect(rf'cut-off user={ANN} .*it is full')
            has(sh(f"ip -o link show {interface_of(ANN)}"), "state DOWN")
            hears(ANN, {f"tcp/{HOST}/22": "nothing",
                        f"tcp/{WORLD}/80": "nothing"})
        log.expect(rf"mended user={ANN} ")
        hears(ANN, {f"tcp/{WORLD}/80": HOST})
    stop(ANN)
    nothing_is_left(ANN)


@case
def what_many_keepers_do_about_a_flush_comes_to_an_end():
    """Each hears of what all the others do."""
    crowd = [f"many{i}" for i in range(6)] + [ANN]
    with contextlib.ExitStack() as stack:
        for who in crowd:
            stack.callback(stop, who)
        clients = [stack.enter_context(session(who, command=["echo up; cat"]))
                   for who in crowd]
        for client in clients:
            same(client.stdout.readline(), "up\n")
        log = Logged()
        sh("nft flush ruleset")
        for who in crowd:
            log.expect(rf"mended user={who} ")
        eventually(lambda: not sh("pgrep -x nft; :"), "they have done so")
        # Somebody else's table is nobody's business.
        sh("nft add table ip admin; nft delete table ip admin")
        busy = 0
        for _ in range(30):
            busy += sh("pgrep -x nft; :") != ""
            time.sleep(0.1)
        same(busy, 0, "nft runs")
        hears(ANN, {f"tcp/{WORLD}/80": HOST})
        for client in clients:
            client.communicate("")


def restore():
    try:
        for who in ANN, BEN, CAT:
            stop(who)
        eventually(lambda: not inits(), "all jails have ended")
    finally:
        CONF.write_text(KEPT)
        # With a way out, name servers are asked that nobody is.
        WORLD_SERVERS.kill()
        WORLD_SERVERS.wait()
        sh(f"ip link delete dev up0; ip netns delete world;"
           f" echo 0 >{SYSCTLS}/ip_forward")


try:
    run(120)
finally:
    restore()
