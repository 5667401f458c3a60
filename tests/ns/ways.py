# SPDX-License-Identifier: ISC
"""The ways into a jail, for whoever tries what can go wrong on them."""

import contextlib
import os
import socket

from jail import (ALICE, BUILD, JAILSH, PROBE, run, sentence, unmount,
                  with_filter)
from scenario import LOOK, Scenario

_ways = []


def way(function):
    """Marks a generator of scenarios; its name is a sentence's."""
    _ways.append(function)
    return function


def for_each_way(try_all):
    """Makes a sentence of each way, which is that TRY_ALL(scenario) of each
    of its scenarios does not raise anything."""
    for function in _ways:
        def all_of(function=function):
            for scenario in function():
                try_all(scenario)
        all_of.__name__ = function.__name__
        sentence(all_of)


# On the way to root inside, and not on others.
USERNS_CALLS = {
    "clone", "fchownat", "ioctl", "kill", "mkdirat", "mount_setattr",
    "move_mount", "newfstatat", "open_tree", "openat", "prctl", "read",
    "recvfrom", "renameat", "sendto", "setns", "setresgid", "setresuid",
    "setsockopt", "socketpair", "unshare", "write"}


@contextlib.contextmanager
def directories(*paths):
    """They are there for a while, below /mnt."""
    for path in paths:
        os.makedirs(path)
    try:
        yield
    finally:
        run("rm", "-rf", *("/".join(path.split("/")[:3]) for path in paths))


class Tools:
    """In the place of programs of the host's in /usr/sbin: scripts."""

    def __init__(self, **scripts):
        os.makedirs("/mnt/sbin")
        for name, script in scripts.items():
            with open(f"/mnt/sbin/{name}", "w", encoding="ascii") as stream:
                os.fchmod(stream.fileno(), 0o755)
                stream.write("#!/bin/sh\n" + script)

    def __enter__(self):
        run("mkdir", "/mnt/work", "/mnt/upper")
        run("mount", "-t", "overlay", "-o", "lowerdir=/mnt/sbin:/usr/sbin,"
            "upperdir=/mnt/upper,workdir=/mnt/work", "tools", "/usr/sbin")

    def __exit__(self, *_):
        unmount("/usr/sbin")
        run("rm", "-rf", "/mnt/sbin", "/mnt/work", "/mnt/upper")


# By group, because nobody tells when a name service gave up halfway.
JAIL_CONF = """
jails = { probe = { network = "none"; linger = 0; limits = { };
                    doors = { sshd = "child"; cron = "job"; }; }; };
rules = ( { group = "class"; jail = "probe"; } );
"""


class Host:
    """A host that knows the account, and has the module in its stacks."""

    def __enter__(self):
        module = f"{BUILD}/pam_jail/pam_jail.so conf=/mnt/conf"
        stack = "".join(f"{kind} required pam_permit.so\n{kind} {control}"
                        f" {module}\n" for kind, control in (
                            ("auth", "optional"), ("account", "required"),
                            ("session", "required")))
        for name, text in (
                ("etc/passwd", "root:x:0:0::/root:/bin/sh\n"
                 f"alice:x:{ALICE}:{ALICE}::/mnt/home:/bin/sh\n"),
                ("etc/group", f"root:x:0:\nalice:x:{ALICE}:\n"
                 "class:x:50000:alice\n"),
                ("conf/jail.conf", JAIL_CONF), ("pam.d/sshd", stack),
                ("pam.d/cron", stack), ("pam.d/other", stack)):
            os.makedirs(os.path.dirname(f"/mnt/{name}"), exist_ok=True)
            with open(f"/mnt/{name}", "w", encoding="ascii") as stream:
                stream.write(text)
        for name in "passwd", "group":
            run("mount", "--bind", f"/mnt/etc/{name}", f"/etc/{name}")

    def __exit__(self, *_):
        unmount("/etc/passwd", "/etc/group")
        run("rm", "-rf", "/mnt/etc", "/mnt/conf", "/mnt/pam.d")


@way
def the_module_in_a_host_as_sshd_and_cron_are():
    with Host():
        for service, *parts in (("sshd", "open", "child"), ("cron", "child")):
            yield Scenario([BUILD + "/tests/ns/pam_host", service, "alice",
                            "/bin/sh", "-c", LOOK],
                           ["pam_host:host-" + part for part in parts])


@way
def entering_as_sshds_child_does():
    yield Scenario([PROBE, *with_filter(), "enter", "/bin/sh", "-c", LOOK],
                   ["probe", "jail-keeper"])


@way
def a_session_that_the_keeper_runs():
    yield Scenario([PROBE, *with_filter(), "run", "/bin/sh", "-c", LOOK],
                   ["probe", "jail-keeper"])


@way
def a_jail_without_a_network():
    yield Scenario([PROBE, "-n", "enter", "/bin/sh", "-c", LOOK],
                   ["jail-keeper"], {"clone3", "socket", "ioctl"})


@way
def a_jail_with_ports_of_its_own():
    wanted = {"bpf", "socket", "bind", "write", "openat"}
    for verb in "enter", "run":
        yield Scenario([PROBE, "-P", "8000-8009", verb, "/bin/sh", "-c", LOOK],
                       ["probe", "jail-keeper"], wanted)


@way
def abstract_sockets_of_the_session():
    """A session that could reach one would answer something else."""
    wanted = {"landlock_create_ruleset", "landlock_restrict_self"}
    reach = ("/usr/bin/python3 -c 'import socket; print(socket.socket("
             "socket.AF_UNIX).connect_ex(\"\\0outside\"))'; ")
    look = LOOK.replace("echo END", reach + "echo END")
    with socket.socket(socket.AF_UNIX) as outside:
        outside.bind("\0outside")
        outside.listen()
        for verb in "enter", "run":
            yield Scenario([PROBE, "-A", verb, "/bin/sh", "-c", look],
                           ["probe", "jail-keeper"], wanted)


@way
def a_private_network():
    """The tools do nothing, so that nothing of the machine's changes: what is
    tried is whether the keeper believes in what has not been done."""
    with Tools(ip="exec cat >/dev/null\n", nft="exec cat >/dev/null\n"):
        yield Scenario([PROBE, "-N", "enter", "/bin/sh", "-c", LOOK],
                       ["jail-keeper"],
                       {"clone3", "clone", "socket", "ioctl", "bind", "setns",
                        "openat", "write", "read", "pipe2", "dup2", "lseek",
                        "memfd_create", "fcntl", "execve", "wait4", "capset",
                        "capget", "close_range", "alarm", "recvfrom"},
                       # network_stop(): what is left is replaced
                       {"memfd_create": 1, "lseek": 1, "dup2": 3,
                        "close_range": 1, "execve": 1, "ioctl": 1})


@way
def a_root_over_a_tree():
    with directories("/mnt/tree/usr", "/mnt/state"):
        for upper in (), ("-u", "/mnt/state/overlay/61001"):
            yield Scenario([PROBE, "-t", "/mnt/tree", *upper, "enter",
                            "/bin/sh", "-c", LOOK], ["jail-keeper"],
                           {"fsopen", "fsconfig", "fsmount", "open_tree",
                            "move_mount", "mount_setattr", "fchdir", "fstat",
                            "openat", "openat2", "mkdirat", "unlinkat"})


@way
def root_inside():
    """Who is not root then is the account, with the walls of that: and that
    would be seen."""
    root = (*with_filter('"login"', "-r"), "-R", "100000", "-t", "/mnt/tree",
            "-a", "bind,r,0,/opt/sbin,/mnt/opt")
    upper = ("-u", "/mnt/state/overlay/61001")
    with directories("/mnt/tree/usr", "/mnt/state", "/mnt/opt"):
        run("cp", JAILSH, "/mnt/opt/jailsh")
        for more in (), upper:
            yield Scenario([PROBE, *root, *more, "run", "/bin/sh", "-c", LOOK],
                           ["jail-keeper"], USERNS_CALLS)
        yield Scenario([PROBE, *root, "enter", "/opt/sbin/jailsh", "-c", LOOK],
                       ["jailsh"])


@way
def jailsh_outside():
    yield Scenario([PROBE, "guest", JAILSH, "-c", LOOK], ["jailsh"])


@way
def jailsh_inside():
    with directories("/mnt/opt"):
        run("cp", JAILSH, "/mnt/opt/jailsh")
        yield Scenario([PROBE, "-a", "bind,r,0,/opt/sbin,/mnt/opt", "run",
                        "/opt/sbin/jailsh", "-c", LOOK], ["jailsh"])


# What a program that the broker runs sees of itself, and of who has asked.
OUTSIDE = ("echo BEGIN; cat /proc/self/status /proc/self/limits -;"
           " readlink /proc/self/ns/*; umask; pwd; ls /proc/self/fd; id; tty;"
           " echo $#: $*; grep -v -e ^PPID -e ^_= -e OPTIND -e PS4 -e PS2"
           " -e IFS <<E\n$(set)\nE\necho END; exit 7\n")


@way
def a_command_of_the_hosts_by_the_broker():
    """It sees what it would by the account itself, outside; who asked hears
    all of that, and its status."""
    ask = "/opt/bin/sendmail -t <<E\nletter\nE\n[ $? = 7 ]"
    command = [PROBE, "-c", "sendmail", "-a", "bind,r,0,/opt/bin,/mnt/opt",
               "enter", "/bin/sh", "-c", ask]
    with directories("/mnt/opt"), Tools(sendmail=OUTSIDE):
        run("cp", BUILD + "/jail-ask", "/mnt/opt/sendmail")
        # What close(2) says that it has not closed is closed all the same;
        # here it would stay open, and the command wait for its end.
        yield Scenario(command, ["jail-broker", "sendmail"], never={"close"})
        # Of the keeper only what there is because of commands.
        yield Scenario(command, ["jail-keeper"],
                       {"bind", "clone3", "dup2", "execve", "fchmodat",
                        "fchownat", "fcntl", "listen", "sendto", "socket",
                        "socketpair"})
