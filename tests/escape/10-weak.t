#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""the escape suite sees what is weak: jails that are known to leak, with the
escapes that each is known for

A suite that finds nothing here finds nothing anywhere.
"""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path[:0] = ["/bed/login", "/bed/tests"]
from bed import (RUN, Skip, account, case, collect_log,  # noqa: E402
                 jail_account, run, same, sh, uid_of)
import planted  # noqa: E402
import weakpeer  # noqa: E402

NAME = "weak"
TREE = pathlib.Path("/home/.tree")
BARE = pathlib.Path("/home/.bare")
KIT = pathlib.Path("/home/.kit")
RESULTS = pathlib.Path(os.environ.get("BED_OUT", RUN)) / "escape"

account(NAME)
account(planted.OTHER)
collect_log()
planted.new_session_keyring()
HOST = planted.Host()
UID = uid_of(NAME)
HOME = f"/home/{NAME}"


def some(argv, home=HOME, name=NAME, told=None, only=(), **keys):
    """Runs ARGV of the words for the program, in some jail of NAME's; returns
    the results.  HOME is where the home is on the host; ONLY are the attempts
    that are made, by the beginnings of their names."""
    uid = uid_of(name)
    shutil.copy(planted.PROGRAM, f"{home}/escape")
    os.chmod(f"{home}/escape", 0o755)
    with HOST.ready(name, uid, home, told) as (hints, mate):
        words = ["-C", f"/home/{name}", *hints]
        for prefix in only:
            words += ["-o", prefix]
        done = subprocess.run(
            argv(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=100, check=False,
            errors="replace", **keys)
        return HOST.report(done.stdout, home, mate)


def attempt(jail, argv, **keys):
    """The same, all attempts, in a jail that others have; kept as JAIL."""
    results = some(argv, **keys)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / jail).write_text(json.dumps(results))
    print(f"# {jail}:", *planted.names(results, "ESCAPED"))
    return results


def expect(results, *names, verdict="ESCAPED"):
    """These attempts have succeeded."""
    same([f"{n} {results[n]}" for n in names if results[n][0] != verdict], [],
         "not found")


def make_tree():
    if TREE.exists():
        return
    for name in ("proc", "dev", "tmp", "usr/bin", "etc", "opt", "srv/vault",
                 f"home/{NAME}", f"run/jail/{UID}", planted.SERVICE[1:]):
        (TREE / name).mkdir(parents=True)
    shutil.copy(planted.PROGRAM, TREE / "escape")
    for path in planted.PROGRAMS.values():
        sh(["cp", "-a", path, f"{TREE}{path}"])
    os.chown(TREE / f"home/{NAME}", UID, UID)
    for name in ("proc", "dev", "srv/vault", planted.SERVICE[1:]):
        sh(["mount", "--rbind", f"/{name}", str(TREE / name)])


def as_account():
    return {"user": UID, "group": UID, "extra_groups": [], "cwd": "/"}


@case
def a_chroot_with_root_in_it_is_left_in_many_ways():
    make_tree()
    expect(attempt("chroot, root",
                   lambda words: ["chroot", str(TREE), "/escape", *words],
                   home=f"{TREE}/home/{NAME}"),
           "chroot.classic", "chroot.cwd", "ns.setns-self", "ns.setns-init",
           "handle.file", "fanotify.outside", "proc.root-links",
           "proc.signal-root", "proc.ptrace-root", "proc.vm-read-root",
           "proc.pidfd-getfd-root", "proc.core-pattern", "ipc.sysv-shm",
           "suid.planted", "kern.keyring-session")


@case
def root_of_the_host_in_a_chroot_has_what_root_inside_has_not():
    make_tree()
    results = some(lambda words: ["chroot", str(TREE), "/escape", *words],
                   home=f"{TREE}/home/{NAME}",
                   only=("root.", "userns.", "net."))
    expect(results, "root.read-vault", "root.take-vault", "root.take-at-home",
           "net.add-address", "net.add-route", "net.change-link",
           "net.set-address", "net.tunnel", "net.rules")
    expect(results, "root.give-beyond", "root.give-nobody", "root.uid-beyond",
           "root.gid-beyond", "root.groups-beyond", "root.trusted",
           "root.trusted-overlay", "root.security", "root.immutable",
           "root.jail", verdict="leak")


@case
def root_of_the_host_makes_a_user_namespace_of_the_host_s_files():
    expect(some(lambda words: [planted.PROGRAM, *words, "-C", "/root"],
                only=["userns."]),
           "userns.map", "userns.write-usr", "userns.write-root",
           "userns.suid", "userns.cgroup-move", "userns.cgroup-make",
           verdict="leak")


@case
def a_chroot_for_an_account_shares_its_processes_with_the_host():
    make_tree()
    results = attempt("chroot --userspec",
                      lambda words: ["chroot", f"--userspec={UID}:{UID}",
                                     str(TREE), "/escape", *words],
                      home=f"{TREE}/home/{NAME}")
    expect(results, "chroot.rename-outside", "proc.signal", "proc.pidfd-signal",
           "proc.ptrace", "proc.vm-read", "proc.pidfd-getfd",
           "proc.environ-outside", "ipc.sysv-shm", "ipc.sysv-msg",
           "suid.honoured", "kern.keyring-user", "proc.priority-user")
    expect(results, "suid.planted", verdict="leak")
    expect(some(lambda words: ["chroot", f"--userspec={UID}:{UID}", str(TREE),
                               "/escape", *words],
                home=f"{TREE}/home/{NAME}", only=["res.socket-filter"]),
           "res.socket-filter", verdict="leak")


def in_chroot(**keys):
    make_tree()
    return some(lambda words: ["chroot", f"--userspec={UID}:{UID}", str(TREE),
                               "/escape", *words],
                home=f"{TREE}/home/{NAME}", **keys)


@contextlib.contextmanager
def given_away(*paths):
    """They belong to the account, as a careless administrator has it."""
    for path in paths:
        os.chown(path, UID, UID)
    try:
        yield
    finally:
        for path in paths:
            os.chown(path, 0, 0)


@case
def a_directory_of_a_service_that_is_more_than_its_socket():
    make_tree()
    sh(f"mount -o remount,bind,dev {TREE}{planted.SERVICE}")
    with given_away(planted.SERVICE):
        results = in_chroot(told={"service": planted.SERVICE}, only=["svc."])
    expect(results, "svc.restart")
    expect(results, "svc.replace", "svc.program", "svc.code", "svc.device",
           verdict="leak")


@case
def a_broker_that_believes_what_it_is_told():
    make_tree()
    run_dir = TREE / "run/jail"
    broker = weakpeer.Broker(str(run_dir / "broker"))
    with given_away(run_dir):
        results = in_chroot(only=["broker."])
    expect(results, "broker.other-crontab", "broker.file-crontab",
           "broker.shell", "broker.mail-settings", "broker.log-line",
           "broker.newline", "broker.given")
    expect(results, "broker.other-passwd", "broker.mail-to-file",
           "broker.parts", "broker.other-kinds",
           "broker.lies", "broker.unsealed", "broker.no-memory",
           "broker.many-descriptors", "broker.half-table", "broker.flood",
           "broker.replace", "broker.processes", verdict="leak")
    with subprocess.Popen(["chroot", str(TREE), "/escape", "--victim", "x"],
                          stdout=subprocess.PIPE, text=True) as inside:
        inside.stdout.readline()
        results = some(lambda words: [planted.PROGRAM, *words],
                       told={"inside_pid": inside.pid},
                       only=["broker.outside"])
        inside.kill()
    broker.end()
    expect(results, "broker.outside", verdict="leak")


@case
def a_keeper_that_believes_what_it_is_told():
    run_dir = RUN / "weak"
    run_dir.mkdir(exist_ok=True)
    path = run_dir / "shell"
    told = {"keeper": path, "other_keeper": path}

    def outside(*only):
        return some(lambda words: [planted.PROGRAM, *words], told=told,
                    only=only, **as_account())

    keeper = weakpeer.Keeper(str(path))
    with given_away(run_dir):
        results = outside("keeper.")
    expect(results, "keeper.entered", "keeper.directory",
           "keeper.directory-path", "keeper.directory-name", "keeper.other")
    expect(results, "keeper.join", "keeper.status", "keeper.session",
           "keeper.stop", "keeper.terminal", "keeper.descriptors",
           "keeper.environment", "keeper.given", "keeper.parts",
           "keeper.flood", "keeper.pose", verdict="leak")
    keeper.end()
    for name in ("keeper.lies", "keeper.signals"):
        weakpeer.Keeper(str(path), fragile=True)
        expect(outside(name), name, verdict="leak")


# --- ours, and a wall that is not there --------------------------------------

def in_open(only, **told):
    """A jail of ours as shipped, and the attempts that are about a wall which
    was not asked for."""
    name = "opened"
    jail_account(name)
    return some(lambda words: ["su", "-", name, "-c",
                               f"./escape {' '.join(words)}"],
                home=f"/home/{name}", name=name, told=told, only=[only])


@case
def without_a_lease_every_port_is_there():
    results = in_open("port.", ports="23000-23009")
    expect(results, "port.tcp", "port.tcp-any", "port.tcp6", "port.tcp6-any",
           "port.tcp-mapped", "port.tcp-foreign", "port.udp", "port.udp6",
           "port.udp-mapped", "port.udp-group", "port.udp-lite",
           "port.mptcp", "port.mptcp6", "port.by-change")
    same([n for n, (v, _) in results.items() if v == "leak"], [])


@case
def with_the_host_s_network_every_server_is_there():
    sh("ip link add name up0 type veth peer name eth0; ip link set up0 up;"
       " ip address add 192.0.2.1/24 dev up0; ip link set eth0 up;"
       " ip route add default via 192.0.2.2;"
       " ip address add fe80::7/64 dev eth0 nodad;"
       " echo '0 2147483647' >/proc/sys/net/ipv4/ping_group_range")
    server = planted.Servers([(planted.socket.AF_INET, ("127.0.0.3", 80))])
    same(server.port, 80)
    try:
        results = in_open("private.", gateway="192.0.2.1",
                          host_address="127.0.0.2", jail_address="127.0.0.3")
    finally:
        sh("ip link delete dev up0")
    expect(results, "private.gateway", "private.host", "private.mapped",
           "private.mptcp", "private.other-jail", "private.udp",
           "private.udp-host", "private.fragments", "private.broadcast",
           "private.multicast", "private.foreign-source")
    expect(results, "private.ping", "private.ipv6", "private.ipv6-link",
           verdict="leak")


COMMON = ["bwrap", "--ro-bind", "/", "/", "--bind", HOME, HOME, "--dev",
          "/dev", "--proc", "/proc", "--unshare-pid"]
STRICT = ["bwrap", "--ro-bind", "/usr", "/usr", "--symlink", "usr/lib",
          "/lib", "--symlink", "usr/lib64", "/lib64", "--symlink", "usr/bin",
          "/bin", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",
          "--bind", HOME, HOME, "--unshare-all", "--new-session",
          "--die-with-parent"]


def need(program):
    if shutil.which(program) is None:
        raise Skip(f"there is no {program}")


@case
def bubblewrap_shows_what_it_is_told_to_show():
    need("bwrap")
    expect(attempt("bwrap, common",
                   lambda words: [*COMMON, f"{HOME}/escape", *words],
                   **as_account()),
           "fs.host-file", "fs.host-home", "fs.host-tmp", "ipc.socket",
           "ipc.sysv-shm")
    expect(some(lambda words: [*COMMON, f"{HOME}/escape", *words],
                told={"service": planted.SERVICE}, only=["svc."],
                **as_account()), "svc.dotdot", "svc.link")


@case
def bubblewrap_can_do_better():
    need("bwrap")
    results = attempt("bwrap, strict",
                      lambda words: [*STRICT, f"{HOME}/escape", *words],
                      **as_account())
    same([n for n in ("fs.host-file", "ipc.socket", "ipc.sysv-shm")
          if results[n][0] != "contained"], [])


@case
def what_is_typed_into_a_shared_terminal_reaches_the_next_shell():
    need("bwrap")
    shutil.copy(planted.PROGRAM, f"{HOME}/escape")
    for argv, reached in (([*COMMON], True), ([*STRICT], False)):
        with HOST.ready(NAME, UID, HOME) as (hints, _):
            output, left = planted.with_terminal(
                [*argv, f"{HOME}/escape", "-C", HOME, "-o", "tty.tiocsti",
                 *hints], **as_account())
        same("typed-by-escape" in left, reached, output)


@case
def crun_by_its_own_specification():
    need("crun")
    sh(f"mkdir -p {BARE}/rootfs && cd {BARE} && rm -f config.json && crun spec"
       f" && cd rootfs && mkdir -p usr etc tmp home/{NAME} proc dev sys run"
       " && ln -sfn usr/bin bin && ln -sfn usr/lib lib")

    def argv(words):
        path = BARE / "config.json"
        spec = json.loads(path.read_text())
        spec["process"].update(
            terminal=False, user={"uid": UID, "gid": UID}, cwd=HOME,
            args=[f"{HOME}/escape", *words])
        spec["root"] = {"path": "rootfs", "readonly": True}
        spec["mounts"] += [
            {"destination": "/usr", "source": "/usr", "type": "none",
             "options": ["rbind", "ro"]},
            {"destination": HOME, "source": HOME, "type": "none",
             "options": ["rbind", "rw"]}]
        path.write_text(json.dumps(spec))
        return ["crun", "--cgroup-manager=disabled", "run", "-b", str(BARE),
                "escape"]
    attempt("crun", argv)


@case
def jailkit_is_a_chroot():
    need("jk_chrootsh")
    kit = "kit"
    account(kit)
    if not KIT.exists():
        KIT.mkdir(mode=0o755)
        sh(["jk_init", "-j", str(KIT), "basicshell"], timeout=60)
        sh(["jk_jailuser", "-m", "-j", str(KIT), "-s", "/bin/bash", kit])
    home = f"{KIT}/home/{kit}"
    expect(attempt("jailkit",
                   lambda words: ["su", "-", kit, "-c",
                                  f"./escape {' '.join(words)}"],
                   home=home, name=kit),
           "chroot.rename-outside", "ipc.sysv-shm", "kern.keyring-user")


run(seconds=110)
