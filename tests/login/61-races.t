#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""up to a thousand logins, while the account renames what is on their way, inside
and outside, while it watches them as closely as it can, and while its jail
begins and ends all the time: each is in the jail, or refused with a cause in
the log; none shows a foreign root or a descriptor of the host's

race.c says who and where a login is, and is the one that renames and watches.
"""
import contextlib
import os
import pathlib
import pwd
import re
import subprocess

from bed import (Breach, Logged, account, case, configure, eventually, has,
                 host_namespaces, jail_account, run, same, secret, sh, ssh_argv,
                 sshd, stop, uid_of)
from left import Before

RACE = "/usr/local/bin/race"  # inside, too: it is below /usr
WHO, TREED, OWNER = "racer", "treed", "owner"
HOME = pathlib.Path(f"/home/{WHO}")
TREE = pathlib.Path("/srv/raced")
SHOWN = pathlib.Path("/srv/shown")
# Logins: a thousand are watched, some of them by ssh; less where they have not
# the time, because others are at work on the machine.
INSIDE_SU, INSIDE_SSH, FLIPS, SWAPS = 960, 40, 160, 80
MOST_SECONDS = 75
MARK = {**os.environ, "MARK": "mark-of-the-host"}  # of race.c

account("other")
jail_account(WHO)
jail_account(TREED)
secret()
sshd()
sh(["gcc", "-O2", "-Wall", "-static", "-o", RACE, "race.c"])


def make_shown():
    SHOWN.mkdir(exist_ok=True)
    (SHOWN / "seen").write_text("shown\n")
    for name in ("shown", "hidden"):
        (HOME / name).mkdir(exist_ok=True)
        sh(["chown", WHO, str(HOME / name)])


def make_tree():
    """A system that is bash and race, and a directory of the account's."""
    for name in ("usr/bin", "usr/lib", "usr/lib64", "usr/local/bin", "etc",
                 "dev", "proc", "tmp", "run", "home", "var/tmp",
                 "srv/own/shown"):
        (TREE / name).mkdir(parents=True, exist_ok=True)
    for name in ("bin", "lib", "lib64"):
        (TREE / name).symlink_to(f"usr/{name}")
    sh(f"cp {RACE} {TREE}/usr/local/bin/; for f in /bin/bash $(ldd /bin/bash |"
       " grep -o '/[^ ]*'); do mkdir -p $(dirname"
       f" {TREE}$f); cp $f {TREE}$f; done; chown -R {TREED} {TREE}/srv/own")


make_shown()
make_tree()
configure(WHO, 'network = "none";', "limits = { };", "linger = 0;",
          'seccomp = "none";', f'hide = [ "{HOME}/hidden" ];',
          f'binds = ( {{ source = "{SHOWN}"; target = "{HOME}/shown"; }} );')
configure(TREED, f'root = "{TREE}";', "writable = true;", "linger = 0;",
          'shell = "/bin/bash";', "limits = { };", 'network = "none";',
          f'binds = ( {{ source = "{SHOWN}"; target = "/srv/own/shown"; }} );')
stop(WHO)
stop(TREED)
BEFORE = Before()


def host_side():
    """Names, owners and times of what a link could lead to."""
    return sh(f"find /home/other /tmp/secret {SHOWN} {TREE}/usr {TREE}/etc"
              " /root -xdev -printf '%p %U %G %m %T@ %C@\\n'")


HOST = host_side()


def of_root():
    """What root has made in the home."""
    return sh(f"find {HOME} -xdev -uid 0")


OF_ROOT = of_root()


# --- logins --------------------------------------------------------------

def su_argv(who, login):
    return ["su", *(["-"] if login else []), who, "-c", RACE + " proof"]


def crowd(*loops):
    """Each of LOOPS is (argv, n): N logins, one after the other, or as many
    as there is time for; all loops at a time.  What each login printed, and how
    it ended."""
    clients = [subprocess.Popen(
        ["bash", "-c", f'i=0; while [ $i -lt {n} ] &&'
         f' [ $SECONDS -lt {MOST_SECONDS} ]; do i=$((i + 1)); "$@" 2>&1;'
         ' echo "status $?"; done', "bash", *argv], text=True, env=MARK,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        for argv, n in loops]
    logins = []
    for client, (_, n) in zip(clients, loops):
        found = re.findall(r"(.*?)^status (\d+)$", client.communicate()[0],
                           re.M | re.S)
        same(min(n, 10) <= len(found) <= n, True, f"{len(found)} logins")
        logins += [(text, int(status)) for text, status in found]
    return logins


def inside(who, text):
    """Whether TEXT is of a session that is WHO's and in a jail; which jail."""
    if "of the host" in text:
        raise Breach(text)
    host, ids = host_namespaces(), pwd.getpwnam(who)[2:4]
    found = re.search(r"^proof (\d+) (\d+) (mnt:\S+) (pid:\S+) (\S+)"
                      r" leaks=(\d+) fds=(\d+) end$", text, re.M)
    if not found:
        return None
    if ((int(found[1]), int(found[2])) != ids or
            found[6] != "0" or found[7] != "0" or found[3] == host["mnt"] or
            found[4] == host["pid"] or found[5] == root_of_host()):
        raise Breach(text)
    return found.group(3, 4, 5)


def root_of_host():
    there = os.stat("/")
    return f"{os.major(there.st_dev)}:{os.minor(there.st_dev)}:{there.st_ino}"


def all_inside(who, logins):
    """Each login; in which jails they were."""
    jails = set()
    for text, status in logins:
        jail = inside(who, text)
        same((jail is not None, status), (True, 0), text)
        jails.add(jail)
    return jails


def inside_or_refused(who, logins, log):
    """How many were refused, each with a cause."""
    refused = 0
    for text, status in logins:
        if inside(who, text) is None:
            same(status != 0, True, f"no session and no error: {text}")
            has(text, "login refused", "what is said")
            refused += 1
    line = rf' refuse user={who} uid={uid_of(who)} .*cause="..+"'
    eventually(lambda: len(re.findall(line, log.text())) >= refused,
               f"a cause for each of {refused} refusals")
    return refused


# --- racers --------------------------------------------------------------

@contextlib.contextmanager
def running(*commands, who=None):
    """COMMANDS, as WHO outside, while the block runs."""
    keys = {"user": uid_of(who), "group": pwd.getpwnam(who).pw_gid,
            "extra_groups": []} if who else {}
    racers = [subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, text=True, **keys)
              for argv in commands]
    try:
        yield racers
        same([racer.poll() for racer in racers], [None] * len(racers),
             "they have raced to the end")
    finally:
        for argv in commands:
            tell_to_end(" ".join(argv) if argv[0] == RACE else
                        argv[-1].removeprefix("exec "))
        for racer in racers:
            racer.communicate(timeout=20)


def tell_to_end(words):
    """The process itself: su(1) outside would end it by force."""
    sh(["pkill", "-x", "-f", words], check=False)


def pids_of(words):
    return sh(["pgrep", "-x", "-f", words]).split()


def swaps(*pairs):
    return [[RACE, "swap", str(path), to] for path, to in pairs]


def in_jail(argv):
    return ["su", WHO, "-c", "exec " + " ".join(argv)]


def put_back(*paths):
    """What the last swap has left."""
    for path in paths:
        sh(f"for old in {path}.other {path}.away; do"
           f" [ -L {path} -o ! -e {path} ] && [ -e $old -a ! -L $old ] &&"
           f" rm -f {path} && mv $old {path};"
           f" rm -rf $old; done; [ -e {path} -a ! -L {path} ]")


# --- cases --------------------------------------------------------------

@contextlib.contextmanager
def snooping(seen):
    """One that watches from inside; adds what it has seen to SEEN."""
    snoop = subprocess.Popen(in_jail([RACE, "snoop"]), subprocess.DEVNULL,
                             stdout=subprocess.PIPE, text=True)
    same(snoop.stdout.readline(), "ready\n")
    for pid in pids_of(f"{RACE} snoop"):  # it must be faster than they are
        sh(f"renice -n -10 {pid}; echo -10 >/proc/{pid}/autogroup; :")
    try:
        yield
    finally:
        tell_to_end(f"{RACE} snoop")
        seen.append(snoop.communicate(timeout=20)[0])


@case
def whoever_joins_shows_nothing_to_who_watches_and_renames_inside():
    """The jail is one all the time, so all are in the same one."""
    (HOME / ".profile").write_text(":\n")
    sh(["chown", WHO, str(HOME / ".profile")])
    seen = []
    insiders = [in_jail(argv) for argv in swaps(
        (HOME / ".profile", "/home/other/secret"), (HOME / "x", "/"))]
    (HOME / "x").mkdir(exist_ok=True)
    sh(["chown", WHO, str(HOME / "x")])
    with snooping(seen), running(*insiders), running(*swaps(
            (HOME / "shown", "/home/other"), (HOME / "hidden", "/")), who=WHO):
        logins = crowd((su_argv(WHO, True), INSIDE_SU // 2),
                       (su_argv(WHO, False), INSIDE_SU // 2),
                       (ssh_argv(WHO, RACE, "proof"), INSIDE_SSH))
    put_back(HOME / ".profile", HOME / "x", HOME / "shown", HOME / "hidden")
    same(len(all_inside(WHO, logins)), 1, "jails")
    text = seen[0]
    if re.search("^PROOF", text, re.M):
        raise Breach(text)
    closed, opened = re.search(r"^closed (\d+) open (\d+)$", text,
                               re.M).groups()
    print(f"# {len(logins)} joins, seen while closed {closed}, later {opened}")
    same(int(closed) > len(logins) // 10, True, f"watched in time: {closed}")
    same(int(opened) > len(logins) // 2, True, f"watched: {opened}")


@case
def the_first_session_and_the_last_race_and_all_get_in():
    """Four at a time are seldom all between two logins, two often."""
    log = Logged()
    logins = []
    for n in 4, 2:
        logins += crowd(*[(su_argv(WHO, i % 2 == 0), FLIPS // 2 // n)
                          for i in range(n)])
    all_inside(WHO, logins)
    BEFORE.nothing_is_left(WHO)
    jails = len(re.findall(rf"jail-keeper\[\d+\]: open user={WHO} ",
                           log.text()))
    print(f"# {len(logins)} logins in {jails} jails")
    same(jails > 4, True, "the jail ended in between")


def begin_while_swapped(who, *paths):
    """Logins, each the first one, while PATHS, which are mount points, are
    exchanged with links by a process of the account's outside, such as a web
    application."""
    log = Logged()
    for path in paths:  # what is raced for: this one is refused
        path.rename(f"{path}.away")
        path.symlink_to("/home/other")
        same(inside_or_refused(who, crowd((su_argv(who, True), 1)), log), 1)
        put_back(path)
        BEFORE.nothing_is_left(who)
    with running(*swaps(*[(path, "/home/other") for path in paths]), who=who):
        logins = crowd(*[(su_argv(who, True), SWAPS // 2)] * 2)
    put_back(*paths)
    refused = inside_or_refused(who, logins, log)
    print(f"# {refused} of {len(logins)} refused")
    same(refused < len(logins), True, "some got in")
    BEFORE.nothing_is_left(who)


@case
def a_jail_that_begins_while_its_mount_points_are_swapped():
    begin_while_swapped(WHO, HOME / "shown", HOME / "hidden")
    if of_root() != OF_ROOT:
        raise Breach(f"what root has made: {of_root()}, was {OF_ROOT}")


@case
def a_jail_that_begins_while_its_tree_is_swapped():
    """Where the account owns a directory of the tree; its changes are closed
    to it outside."""
    all_inside(TREED, crowd((["su", TREED, "-c", ": >/srv/own/made; exec "
                              + RACE + " proof"], 1)))
    changes = f"/var/lib/jail/overlay/{uid_of(TREED)}"
    same(sh(["setpriv", "--reuid", TREED, "--clear-groups", "ls", changes],
            check=False).returncode != 0, True, changes)
    BEFORE.nothing_is_left(TREED)
    begin_while_swapped(TREED, TREE / "srv/own/shown")


@case
def a_home_that_the_account_can_rename_lets_nobody_in():
    above = pathlib.Path("/srv/above")
    jail_account(OWNER, 'network = "none";', "limits = { };", "linger = 0;")
    sh(f"mkdir {above}; cp -a /home/other {above}/else; cp -a /home/{OWNER}"
       f" {above}/home; chown {OWNER}: {above};"
       f" usermod -d {above}/home {OWNER}")
    log = Logged()
    with running(*swaps((above / "home", f"{above}/else")), who=OWNER):
        logins = crowd((su_argv(OWNER, True), 20), (su_argv(OWNER, False), 20))
    same(inside_or_refused(OWNER, logins, log), 40, "refused")
    BEFORE.nothing_is_left(OWNER)
    sh(f"rm -rf {above}")


@case
def nothing_of_the_host_was_changed():
    changed = set(host_side().splitlines()) ^ set(HOST.splitlines())
    if changed:
        raise Breach(changed)


run(seconds=300)
