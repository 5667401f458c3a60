#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""abstract sockets of the host and of other jails, in the host's network:
reached by default, and with abstract_sockets = "session" by nobody, through no
door; and what that key leaves as it was"""
import contextlib
import json
import pathlib
import platform
import re
import socket
import subprocess

from bed import (PATIENCE, PLAIN, Logged, Skip, case, configure, has,
                 jail_account, lacks, run, same, sh, ssh, ssh_argv, sshd, stop,
                 su, the_two)

WHO, PEER = "scoped", "unscoped"
RELEASE = [int(n) for n in re.findall(r"\d+", platform.release())[:2]]

SERVER = r"""
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind("\0" + sys.argv[1])
s.listen()
print(os.getpid(), flush=True)
time.sleep(60)
"""
CLIENT = r"""
import os, socket, sys
for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
    s = socket.socket(socket.AF_UNIX, kind)
    try:
        if kind == socket.SOCK_STREAM:
            s.connect("\0" + sys.argv[1])
        else:
            s.sendto(b"x", "\0" + sys.argv[1] + "-dgram")
        print("reached")
    except OSError as e:
        print(e.strerror)
"""

the_two()
sshd()
jail_account(WHO, 'abstract_sockets = "session";')
jail_account(PEER)
for name in (WHO, PEER, PLAIN):
    for path, text in (("server", SERVER), ("client", CLIENT)):
        pathlib.Path(f"/home/{name}/{path}.py").write_text(text)


def can_scope():
    return RELEASE >= [6, 12]


@contextlib.contextmanager
def host_server(name):
    """Of root's, outside: streams, and datagrams at NAME-dgram."""
    with socket.socket(socket.AF_UNIX) as stream, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
        stream.bind(f"\0{name}")
        stream.listen()
        datagrams.bind(f"\0{name}-dgram")
        yield


def reach(door, who, name):
    done = door(who, f"python3 client.py {name}")
    return done.stdout.splitlines() or [done.stderr]


@case
def the_kernel_can_or_nobody_gets_in():
    stop(WHO)
    log = Logged()
    got = [door(WHO, "echo in").stdout for door in (ssh, su)]
    explained = sh(["jailconf", "explain", WHO], check=False)
    if can_scope():
        same(got, ["in\n", "in\n"])
        same(explained.returncode, 0, explained.stdout)
        return
    cause = "this host cannot limit abstract_sockets"
    same([text for text in got if "in" in text], [])
    log.expect(rf"refuse user={WHO} .*{cause}")
    has(explained.stdout, cause)
    has(sh(["jailconf", "check"], check=False).stdout, cause)


@case
def what_the_host_listens_on_is_reached_only_without_it():
    if not can_scope():
        raise Skip("no scopes of Landlock in this kernel")
    with host_server("of-the-host"):
        for door in (ssh, su):
            same(reach(door, PEER, "of-the-host"), ["reached"] * 2)
            same(reach(door, WHO, "of-the-host"),
                 ["Operation not permitted"] * 2)


@case
def what_another_jail_or_session_listens_on_likewise():
    if not can_scope():
        raise Skip("no scopes of Landlock in this kernel")
    for owner in (PEER, WHO):
        first = subprocess.Popen(ssh_argv(owner, "python3 server.py other"),
                                 stdout=subprocess.PIPE, text=True)
        first.stdout.readline()
        for door in (ssh, su):
            same(reach(door, WHO, "other")[0], "Operation not permitted")
            same(reach(door, PEER, "other")[0], "reached")
        first.terminate()
        first.wait(20 * PATIENCE)
        first.stdout.close()
        stop(owner)


@case
def a_session_reaches_its_own():
    if not can_scope():
        raise Skip("no scopes of Landlock in this kernel")
    script = ("python3 server.py mine >out &"
              " until [ -s out ]; do sleep 0.1; done;"
              " python3 client.py mine; kill $!; wait; rm out")
    for door in (ssh, su):
        same(door(WHO, script).stdout.splitlines()[:1], ["reached"])


@case
def signals_and_sockets_with_a_path_are_as_before():
    if not can_scope():
        raise Skip("no scopes of Landlock in this kernel")
    client = subprocess.Popen(ssh_argv(WHO, "echo $$; exec sleep 60"),
                              stdout=subprocess.PIPE, text=True)
    pid = client.stdout.readline().strip()
    for door in (ssh, su):
        same(door(WHO, f"kill -0 {pid} && echo there").stdout, "there\n")
    # The other side of the bargain, told in jail(7).
    lacks(ssh(WHO, "ps ax").stdout, "sleep 60")
    has(ssh(WHO, "sleep 61 & ps ax; kill $!").stdout, "sleep 61")
    lacks(ssh(WHO, f"kill {pid}").stderr, ".")
    client.wait(20 * PATIENCE)
    client.stdout.close()


@case
def explain_tells():
    if not can_scope():
        raise Skip("no scopes of Landlock in this kernel")
    for who, word, line in ((WHO, "session", "a session's own abstract"),
                            (PEER, "host", "ports and abstract")):
        has(sh(["jailconf", "explain", who]), rf"^ +network +the host's, .*{line}")
        told = json.loads(sh(["jailconf", "explain", "--json", who]))
        same(told["abstract_sockets"], word)
    stop(WHO)
    configure(WHO, 'abstract_sockets = "session"; network = "none";')
    told = json.loads(sh(["jailconf", "explain", "--json", WHO]))
    same(told["abstract_sockets"], "jail")
    same(ssh(WHO, "echo in").stdout, "in\n")
    stop(WHO)
    configure(WHO, 'abstract_sockets = "session";')


run(90)
