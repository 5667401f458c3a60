#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""nothing that the escape suite tries in a jail of ours succeeds, by any door
and in any configuration

What it tells that is no escape is in the table "expected", with the reason.
"""
import contextlib
import fnmatch
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys

sys.path[:0] = ["/bed/login", "/bed/tests"]
from bed import (CONF_DIR, RUN, RUN_DIR, UID_MIN, WITH_SYSTEMD,  # noqa: E402
                 Breach, Skip, account, case, configure, eventually,
                 jail_account, processes, run, same, sh, ssh_argv, sshd, stop, uid_of)
import planted  # noqa: E402

HOSTED, NETLESS = "hosted", "netless"
SERVED, LEASED, ROOTY = "hosted-served", "hosted-leased", "rooty"
ALONE, BESIDE = "alone", "beside"  # with networks of their own
IDE, BATCH = "hosted-ide", "hosted-batch"
OTHER_TREE = pathlib.Path("/srv/other")
RESULTS = pathlib.Path(os.environ.get("BED_OUT", RUN)) / "escape"
EXPECTED = pathlib.Path("/bed/tests/expected")
# What is n/a in this configuration is tried in another.
ELSEWHERE = "not told: |is not root|there is no broker"
AT_LEAST = 300  # attempts that could be made, and were contained

# What the configurations below are made of.
TOP = f"ports = {{ first_uid = {UID_MIN};" + """
	range = "23000-23999"; each = 10; };
private_network = { addresses = "10.77.0.0/16"; nameservers = "192.0.2.2"; };
services = { planted = { directory = "/run/planted-service"; }; };
resellers = { acme = { limits = { pids = 5000; required = false; }; }; };
"""
GATEWAY, HOST_ADDRESS = "10.77.0.1", "192.0.2.1"

planted.new_session_keyring()
account(planted.OTHER)
jail_account(HOSTED)
jail_account(NETLESS, 'network = "none";')
CONF = CONF_DIR / "jail.conf"
CONF.write_text(TOP + CONF.read_text())
HOST = planted.Host()
sshd()
os.environ["ESCAPE_CALLER"] = planted.NONCE


def expected(where):
    """Patterns for the names of attempts that may leak at WHERE."""
    rows = [line.split(maxsplit=2) for line in
            EXPECTED.read_text().splitlines()
            if line and not line.startswith("#")]
    return [name for place, name, _ in rows
            if fnmatch.fnmatch(where, place)]


def by_ssh(who, command):
    return subprocess.run(
        ssh_argv(who, command, options=["-o", "SendEnv=ESCAPE_CALLER"]),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=100, check=False).stdout


def by_su(who, command):
    """With what a caller could leave behind: a descriptor of the host's
    root, a variable, a directory, an open umask."""
    root = os.open("/", os.O_RDONLY)
    try:
        return subprocess.run(
            ["su", who, "-c", f"cd && {command}"], pass_fds=[root],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=100, cwd="/srv",
            check=False, env={**os.environ, "BASH_ENV": planted.NONCE,
                              "GLIBC_TUNABLES": "x=y"}).stdout
    finally:
        os.close(root)


def by_cron(who, command):
    """As an @reboot job, which a new cron starts at once."""
    out = pathlib.Path(f"/home/{who}/cron-out")
    out.unlink(missing_ok=True)
    sh(["crontab", "-u", who, "-"], stdin=None,
       input=f"@reboot {command} >cron-out.new 2>&1; mv cron-out.new"
             " cron-out\n")
    if WITH_SYSTEMD:
        sh("systemctl stop cron")
    pathlib.Path("/run/crond.reboot").unlink(missing_ok=True)
    with subprocess.Popen(["cron", "-f"]) as daemon:
        try:
            eventually(out.exists, "the job has run", 90)
        finally:
            daemon.kill()
            sh(["crontab", "-u", who, "-r"])
    return out.read_text(errors="replace")


DOORS = {"ssh": by_ssh, "su": by_su, "cron": by_cron}


def prepare(who, hints, *words):
    """A script in the home, since cron takes no long lines."""
    home = pathlib.Path("/home") / who
    shutil.copy(planted.PROGRAM, home / "escape")
    (home / "try").write_text(" ".join(["exec ./escape", *words, *hints])
                              + "\n")
    for name in ("escape", "try"):
        os.chmod(home / name, 0o755)


def attempt(who, door, told=None):
    """All attempts as WHO by DOOR; TOLD is for these alone."""
    uid, home = uid_of(who), f"/home/{who}"
    with HOST.ready(who, uid, home, told) as (hints, mate):
        prepare(who, hints)
        results = HOST.report(DOORS[door](who, "sh ./try"), home, mate)
    keep(results, f"{who}, {door}")
    judge(results, f"{who},{door}")
    same(planted.counts(results)[0] >= AT_LEAST, True,
         f"too few were tried: {planted.counts(results)}")
    return results


def keep(results, where):
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"ours, {where}").write_text(json.dumps(results))


def tried(results, prefix):
    """Attempts of these names must not be n/a for want of what they are
    about."""
    kinds = {v for n, (v, _) in results.items() if n.startswith(prefix)}
    same("contained" in kinds, True, f"{prefix}* was tried")


def judge(results, where):
    for verdict in ("leak", "n/a"):
        for name in planted.names(results, verdict):
            if not re.match(ELSEWHERE, results[name][1]):
                print(f"# {where}: {name} {verdict} {results[name][1]}")
    allowed = expected(where)
    found = planted.names(results, "ESCAPED")
    found += [n for n in planted.names(results, "leak")
              if not any(fnmatch.fnmatch(n, name) for name in allowed)]
    if found:
        raise Breach(f"{where}: " + "; ".join(
            f"{name} {' '.join(results[name])}" for name in found))
    same([name for name in planted.names(results, "n/a") if re.match(
        "took too long|cannot fork", results[name][1])], [], "not tried")


@case
def nothing_escapes_that_came_by_ssh():
    attempt(HOSTED, "ssh")


@case
def nothing_escapes_that_came_by_su():
    attempt(HOSTED, "su")


@case
def nothing_escapes_that_cron_has_started():
    attempt(HOSTED, "cron")


@case
def nothing_escapes_by_ssh_without_a_network():
    attempt(NETLESS, "ssh")


@case
def nothing_escapes_by_su_without_a_network():
    attempt(NETLESS, "su")


@case
def nothing_escapes_by_cron_without_a_network():
    attempt(NETLESS, "cron")


# --- newer configurations ----------------------------------------------------

def in_jail(who, jail, *keys):
    """WHO is put into the jail JAIL of jail.conf."""
    jail_account(who)
    path = CONF_DIR / "users.d" / who
    configure(who, *keys)
    text = path.read_text().replace('jail = "shell"', f'jail = "{jail}"')
    same(f'jail = "{jail}"' in text, True, text)
    path.write_text(text)


@case
def nothing_escapes_by_what_the_broker_runs_or_a_service_shows():
    jail_account(SERVED, 'commands = [ "passwd", "crontab", "sendmail" ];',
                 'services = [ "planted" ];')
    for door in ("ssh", "su"):
        results = attempt(SERVED, door, {"service": planted.SERVICE})
        tried(results, "broker.")
        tried(results, "svc.")


def first_port(who):
    return 23000 + (uid_of(who) - UID_MIN) * 10


@case
def nothing_binds_a_port_but_those_of_its_lease():
    jail_account(LEASED, "ports = 10;")
    first = first_port(LEASED)
    for door in ("ssh", "su"):
        tried(attempt(LEASED, door, {"ports": f"{first}-{first + 9}"}),
              "port.")


SERVE = ("import socket; s = socket.create_server(('', 80));"
         " print('up', flush=True)\n"
         "while True: s.accept()[0].send(b'SECRET')")


@contextlib.contextmanager
def neighbour(who):
    """A jail with a network of its own, that tells the secret on port 80."""
    command = SERVE.replace("SECRET", planted.SECRET)
    with subprocess.Popen(ssh_argv(who, f'exec python3 -c "{command}"'),
                          stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, text=True) as client:
        try:
            same(client.stdout.readline(), "up\n")
            yield
        finally:
            client.kill()
            stop(who)


def address_of(who):
    return f"10.77.{(uid_of(who) - 998) >> 8}.{(uid_of(who) - 998) & 255}"


@case
def nothing_escapes_from_a_network_of_its_own():
    if not os.path.exists("/usr/sbin/nft"):
        raise Skip("there is no nft in this root")
    sh(f"ip link add name up0 type veth peer name up1; ip link set up0 up;"
       f" ip address add {HOST_ADDRESS}/24 dev up0; ip link set up1 up;"
       " echo 1 >/proc/sys/net/ipv4/ip_forward")
    for who in (ALONE, BESIDE):
        jail_account(who, 'network = "private";')
    told = {"gateway": GATEWAY, "host_address": HOST_ADDRESS,
            "jail_address": address_of(BESIDE)}
    try:
        with neighbour(BESIDE):
            tried(attempt(ALONE, "ssh", told), "private.")
    finally:
        stop(ALONE)
        sh("ip link delete dev up0; echo 0 >/proc/sys/net/ipv4/ip_forward")


@case
def nothing_escapes_that_is_root_inside():
    if not (OTHER_TREE / "etc/os-release").exists():
        raise Skip("no tree of another release at /srv/other")
    jail_account(ROOTY, f'root = "{OTHER_TREE}";', "writable = true;",
                 "root_inside = true;", 'shell = "/bin/bash";',
                 'network = "none";',
                 'binds = ( { source = "/srv/vault"; } );')
    shell = pathlib.Path("/bin/sh").read_bytes()
    for kind in ("subuid", "subgid"):
        pathlib.Path("/etc", kind).write_text(f"{ROOTY}:200000:65536\n")
    for door in ("ssh", "su"):
        results = attempt(ROOTY, door, {"uid": 0, "gid": 0, "groups": 0,
                                        "own_system": 1})
        tried(results, "root.")
        nothing_planted_counts(results)
        same(pathlib.Path("/bin/sh").read_bytes() == shell, True, "the host's")


def nothing_planted_counts(results):
    """What root inside has made, as another account of the host's sees it."""
    uid, other = uid_of(ROOTY), uid_of(planted.OTHER)
    layer = pathlib.Path(f"/var/lib/jail/overlay/{uid}/shell:srv-other/upper")
    made = [path for top in (layer / "usr/bin", pathlib.Path("/home", ROOTY))
            for path in top.glob("planted-*")]
    same(len(made) >= 4, True, f"{made} {results['root.suid']}")
    for path in made:
        there = path.stat()
        same(there.st_uid == 0 or there.st_gid in (0, 42), False, path)
        if "capable" in path.name:
            value = os.getxattr(path, "security.capability")
            same(struct.unpack_from("<I", value, 20)[0], uid, path)
        if path.is_relative_to(layer):
            done = sh(f"{path} --whoami", check=False, user=other,
                      group=other, extra_groups=[])
            same(done.returncode, 126, done.stdout)


@case
def user_namespaces_open_what_is_written_down_and_no_more():
    in_jail(IDE, "ide", 'reseller = "acme";')
    stop(IDE)  # what its jail of before was, is no matter
    tried(attempt(IDE, "su", {"tmp_mib": 2048, "tmp_files": 500000,
                              "nproc": 4096}), "userns.")


@case
def nothing_escapes_from_a_jail_for_jobs():
    in_jail(BATCH, "batch")
    try:
        attempt(BATCH, "cron", {"tmp_mib": 4096})
    finally:
        stop(BATCH)


# --- outside -----------------------------------------------------------------

@contextlib.contextmanager
def session(who):
    """One that lasts: yields the pid of a process of it, on the host."""
    def sleepers():
        return [pid for pid, (_, words) in processes().items()
                if words == "sleep 4243"]

    with subprocess.Popen(ssh_argv(who, "exec sleep 4243"),
                          stdin=subprocess.DEVNULL) as client:
        try:
            yield eventually(sleepers, "a session", 20)[0]
        finally:
            client.kill()
            stop(who)


@case
def the_account_s_processes_outside_get_a_session_inside_and_nothing_else():
    uid, home = uid_of(SERVED), f"/home/{SERVED}"
    jail_account(SERVED, 'commands = [ "crontab" ];')
    stop(SERVED)
    with session(SERVED) as pid, session_of_other(), \
            HOST.ready(SERVED, uid, home, {
                "inside_pid": pid, "keeper": f"{RUN_DIR}/{uid}/shell",
                "other_keeper": f"{RUN_DIR}/{uid_of(HOSTED)}/shell"}
            ) as (hints, mate):
        done = subprocess.run(
            [planted.PROGRAM, "-C", home, "-o", "keeper.", "-o",
             "broker.outside", *hints], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=100, check=False, user=uid, group=uid, extra_groups=[],
            cwd="/")
        results = HOST.report(done.stdout, home, mate)
    keep(results, f"{SERVED}, outside")
    judge(results, f"{SERVED},outside")
    same(planted.names(results, "n/a"), [])


@contextlib.contextmanager
def session_of_other():
    with subprocess.Popen(ssh_argv(HOSTED, "echo up; cat"),
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as client:
        same(client.stdout.readline(), "up\n")
        try:
            yield
        finally:
            client.communicate(timeout=10)


# --- terminals ---------------------------------------------------------------

def typed(who, argv):
    with HOST.ready(who, uid_of(who), f"/home/{who}") as (hints, mate):
        prepare(who, hints, "-o", "tty.")
        output, left = planted.with_terminal(argv)
        results = HOST.report(output, f"/home/{who}", mate)
    judge(results, f"{who},terminal")
    same(results["tty.tiocsti"][0] != "n/a", True, "there was no terminal")
    same("typed" in left, False, f"the caller's terminal has {left!r}")


@case
def the_terminal_of_su_s_caller_cannot_be_typed_into():
    typed(HOSTED, ["su", HOSTED, "-c", "cd && sh ./try"])


@case
def the_terminal_of_ssh_s_caller_cannot_be_typed_into():
    typed(HOSTED, ssh_argv(HOSTED, "sh ./try", options=["-tt"]))


@case
def the_numbers_beside_those_of_others():
    columns = {path.name: json.loads(path.read_text())
               for path in sorted(RESULTS.iterdir())}
    text = planted.table(columns)
    print("\n".join("# " + line for line in text.splitlines()))
    out = os.environ.get("BED_OUT")
    if out:
        pathlib.Path(out, "table").write_text(text + "\n")


run(seconds=110)
