#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""what ssh forwards: a jail with network = "none" has a loopback of its own,
so that forwarding reaches what is inside and nothing of the host

The unjailed account reaches the host each time: the same words, so that a
test which cannot fail would show.
"""
import contextlib
import os
import pathlib
import shlex
import socket
import subprocess
import threading

from bed import (JAILED, PLAIN, both, can_connect, case, eventually, has,
                 jail_account, reached_no_more, run, same, sh, ssh, ssh_argv,
                 sshd, the_two)

the_two()
sshd()

HOST_PORT, INSIDE_PORT, LOCAL, REMOTE = 9001, 9100, 8001, 8100
HOST_SOCKET = "/run/bed/host.sock"


def serve(sock, answer):
    """Answers each connection to SOCK, for as long as this test runs."""
    sock.listen()

    def loop():
        while True:
            peer = sock.accept()[0]
            with contextlib.suppress(OSError), peer:
                peer.sendall(answer)
    threading.Thread(target=loop, daemon=True).start()


def host_services():
    tcp = socket.socket()
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    tcp.bind(("127.0.0.1", HOST_PORT))
    serve(tcp, b"of the host\n")
    unix = socket.socket(socket.AF_UNIX)
    pathlib.Path(HOST_SOCKET).unlink(missing_ok=True)
    unix.bind(HOST_SOCKET)
    os.chmod(HOST_SOCKET, 0o666)
    serve(unix, b"of the host\n")


host_services()

# What a session runs to have a service inside, and to ask one.
SERVICE = f"""
import getpass, os, select, socket
unix = "/tmp/service-" + getpass.getuser() + ".sock"
if os.path.exists(unix):
    os.unlink(unix)
tcp = socket.create_server(("127.0.0.1", {INSIDE_PORT}))
other = socket.socket(socket.AF_UNIX)
other.bind(unix)
other.listen()
print("up", flush=True)
while True:
    for s in select.select([tcp, other], [], [])[0]:
        peer = s.accept()[0]
        peer.sendall(b"of the account\\n")
        peer.close()
"""

ASK = """
import socket, sys
try:
    family, address = %r
    s = socket.socket(family)
    s.settimeout(20)
    s.connect(address)
    print(s.recv(100).decode(), end="")
except OSError as err:
    print("nothing:", err)
"""


def ask(family, address, before=b""):
    """What says whoever listens there, seen from the host; b"" if nobody."""
    with contextlib.suppress(OSError), socket.socket(family) as sock:
        sock.settimeout(20)
        sock.connect(address)
        sock.sendall(before)
        return sock.recv(100)
    return b""


def ask_port(port):
    return ask(socket.AF_INET, ("127.0.0.1", port))


def ask_inside(who, family, address):
    return ssh(who, "python3 -", input=ASK % ((int(family), address),)).stdout


@contextlib.contextmanager
def session(who, *words, command=(), **keys):
    """An ssh client that stays for as long as the with block runs."""
    options = ["-o", "ExitOnForwardFailure=yes", *words]
    if not command:
        options.append("-N")
    client = subprocess.Popen(
        ssh_argv(who, *command, options=options), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **keys)
    try:
        yield client
    finally:
        client.kill()
        client.communicate()


@contextlib.contextmanager
def service_inside(who):
    command = f"exec python3 -c {shlex.quote(SERVICE)}"
    with session(who, command=[command]) as client:
        same(client.stdout.readline(), b"up\n", "service")
        try:
            yield
        finally:
            ssh(who, f"pkill -f {INSIDE_PORT}")


def answer_of(who, inside_answers=b""):
    """What a forwarding to the host's service must give."""
    return b"of the host\n" if who == PLAIN else inside_answers


@both
def local_to_the_host_s_loopback(who):
    with session(who, "-L", f"{LOCAL}:127.0.0.1:{HOST_PORT}"):
        eventually(lambda: can_connect(LOCAL), "ssh listens")
        same(ask_port(LOCAL), answer_of(who))
    reached_no_more(who, "ssh -L")


@both
def local_to_a_service_of_the_account(who):
    with service_inside(who), \
            session(who, "-L", f"{LOCAL}:127.0.0.1:{INSIDE_PORT}"):
        eventually(lambda: can_connect(LOCAL), "ssh listens")
        same(ask_port(LOCAL), b"of the account\n")
        same(can_connect(INSIDE_PORT), who == PLAIN,
             "the host reaches the service")


@both
def local_from_a_unix_socket_to_one_of_the_host_s(who):
    with session(who, "-L", f"{LOCAL}:{HOST_SOCKET}"):
        eventually(lambda: can_connect(LOCAL), "ssh listens")
        same(ask_port(LOCAL), answer_of(who))
    reached_no_more(who, "ssh -L, a unix socket")


@both
def local_to_a_unix_socket_of_the_account(who):
    with service_inside(who), \
            session(who, "-L", f"{LOCAL}:/tmp/service-{who}.sock"):
        eventually(lambda: can_connect(LOCAL), "ssh listens")
        same(ask_port(LOCAL), b"of the account\n")


def socks(port, target):
    """Asks TARGET's service through the SOCKS 5 proxy on PORT."""
    with contextlib.suppress(OSError), \
            socket.create_connection(("127.0.0.1", port), 20) as sock:
        sock.sendall(b"\5\1\0")
        same(sock.recv(2), b"\5\0")
        sock.sendall(b"\5\1\0\1" + socket.inet_aton("127.0.0.1")
                     + target.to_bytes(2, "big"))
        if sock.recv(10)[1:2] == b"\0":
            return sock.recv(100)
    return b""


@both
def dynamic_to_the_host_s_loopback(who):
    with session(who, "-D", str(LOCAL)):
        eventually(lambda: can_connect(LOCAL), "ssh listens")
        same(socks(LOCAL, HOST_PORT), answer_of(who))
    reached_no_more(who, "ssh -D")


@both
def dynamic_to_a_service_of_the_account(who):
    with service_inside(who), session(who, "-D", str(LOCAL)):
        eventually(lambda: can_connect(LOCAL), "ssh listens")
        same(socks(LOCAL, INSIDE_PORT), b"of the account\n")


@both
def standard_input_to_the_host_s_loopback(who):
    done = subprocess.run(
        ssh_argv(who, options=["-W", f"127.0.0.1:{HOST_PORT}"]), timeout=60,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, check=False)
    same(done.stdout, answer_of(who))
    reached_no_more(who, "ssh -W")


@both
def remote_listens_where_the_account_is(who):
    with session(who, "-R", f"{REMOTE}:127.0.0.1:{HOST_PORT}"):
        address = ("127.0.0.1", REMOTE)
        eventually(lambda: ask_inside(who, socket.AF_INET, address)
                   == "of the host\n", "the account reaches its client")
        same(can_connect(REMOTE), who == PLAIN, "the host hears it")
    reached_no_more(who, "ssh -R")


@both
def remote_listens_on_a_unix_socket_where_the_account_is(who):
    path = f"/tmp/remote-{who}.sock"
    ssh(who, f"rm -f {path}")
    with session(who, "-R", f"{path}:127.0.0.1:{HOST_PORT}"):
        eventually(lambda: ask_inside(who, socket.AF_UNIX, path)
                   == "of the host\n", "the account reaches its client")
        same(os.path.exists(path), who == PLAIN, "the host has it")
    reached_no_more(who, "ssh -R, a unix socket")


@case
def a_command_inside_reaches_neither_of_the_host_s_services():
    for family, address in ((socket.AF_INET, ("127.0.0.1", HOST_PORT)),
                            (socket.AF_UNIX, HOST_SOCKET)):
        same(ask_inside(PLAIN, family, address), "of the host\n")
        has(ask_inside(JAILED, family, address), "^nothing:")


@case
def the_network_of_a_jail_without_one_is_a_loopback():
    same(ssh(JAILED, "ls /sys/class/net; cat /proc/net/dev | wc -l").stdout
         .split()[-1], "3")
    same(ssh(JAILED, "readlink /proc/self/ns/net").stdout.strip()
         != os.readlink("/proc/self/ns/net"), True)


@case
def with_the_host_s_network_its_loopback_is_common():
    jail_account("online", 'network = "host";')
    with session("online", "-L", f"{LOCAL}:127.0.0.1:{HOST_PORT}"):
        eventually(lambda: can_connect(LOCAL), "ssh listens")
        same(ask_port(LOCAL), b"of the host\n")


@case
def with_the_host_s_network_its_unix_sockets_are_not_common():
    jail_account("online", 'network = "host";')
    with session("online", "-L", f"{LOCAL}:{HOST_SOCKET}"):
        eventually(lambda: can_connect(LOCAL), "ssh listens")
        same(ask_port(LOCAL), b"")


@contextlib.contextmanager
def agent():
    text = sh("ssh-agent -s")
    env = dict(w.split("=", 1) for w in text.replace("\n", "").split(";")
               if w.startswith("SSH_A"))
    try:
        sh("ssh-add -q /root/.ssh/id_ed25519", env={**os.environ, **env})
        yield {**os.environ, **env}
    finally:
        os.kill(int(env["SSH_AGENT_PID"]), 15)


@both
def the_agent_is_there(who):
    with agent() as env:
        done = ssh(who, "ssh-add -l && echo at $SSH_AUTH_SOCK && sleep 1",
                   options=["-A"], env=env)
    has(done.stdout, r"^256 SHA256:\S+ .*\(ED25519\)$", done.stderr)


COOKIE = b"MIT-MAGIC-COOKIE-1"

X_CLIENT = """
import os, socket, subprocess, sys
display = os.environ["DISPLAY"]
host, number = display.split(":")
words = subprocess.check_output(["xauth", "list", display], text=True).split()
cookie = bytes.fromhex(words[2])
name = %r
def pad(b):
    return b + bytes(-len(b) %% 4)
s = socket.create_connection(("127.0.0.1", 6000 + int(float(number))), 20)
s.sendall(b"l\\0" + (11).to_bytes(2, "little") + bytes(2)
          + len(name).to_bytes(2, "little")
          + len(cookie).to_bytes(2, "little") + bytes(2)
          + pad(name) + pad(cookie))
print(s.recv(100).decode(), end="")
"""


@both
def a_program_of_the_account_reaches_the_client_s_display(who):
    os.makedirs("/tmp/.X11-unix", exist_ok=True)
    path = pathlib.Path("/tmp/.X11-unix/X77")
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        serve(server, b"this is a display\n")
        env = {**os.environ, "DISPLAY": ":77"}
        sh(f"xauth -q add :77 . {'0' * 32}", env=env)
        done = ssh(who, "python3 -", input=X_CLIENT % COOKIE, env=env,
                   options=["-Y"])
    same(done.stdout, "this is a display\n", done.stderr)


@both
def many_forwardings_at_a_time(who):
    with service_inside(who), \
            session(who, "-L", f"{LOCAL}:127.0.0.1:{INSIDE_PORT}"):
        eventually(lambda: can_connect(LOCAL), "ssh listens")
        answers = []
        threads = [threading.Thread(
            target=lambda: answers.append(ask_port(LOCAL)))
            for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        same(answers, [b"of the account\n"] * 50)


run()
