#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""root inside: an account that is root of another release, installs packages
there, and is nobody but itself outside"""
import hashlib
import os
import pathlib
import re
import stat
import struct
import subprocess
import sys

from bed import (PATHS, PATIENCE, PLAIN, SSH_OPTIONS, WITH_KEY, WITH_SYSTEMD,
                 Logged, account, case, configure, eventually, has, inits_of,
                 jail_account, lacks, processes, residue, run, same, sh, ssh,
                 ssh_argv, sshd, stop, su, the_two, uid_of)
from term import Terminal

OTHER = pathlib.Path("/srv/other")
NAME, SECOND = "rooty", "second"
COUNT = 65535
KEYS = (f'root = "{OTHER}";', "writable = true;", "root_inside = true;",
        'shell = "/bin/bash";', 'network = "none";')

if not (OTHER / "etc/os-release").exists():
    print("no tree of another release at /srv/other")
    sys.exit(77)

the_two()
sshd()
sshd(2222, "Subsystem sftp internal-sftp\n")

# Readable for root alone, and shown inside.
VAULT = pathlib.Path("/srv/vault")
VAULT.mkdir(exist_ok=True)
(VAULT / "secret").write_text("of the host\n")
(VAULT / "secret").chmod(0o600)
BIND = f'binds = ( {{ source = "{VAULT}"; }} );'
jail_account(NAME, *KEYS, BIND)
jail_account(SECOND, *KEYS)


def ranges(text):
    """Makes /etc/subuid and /etc/subgid what TEXT says."""
    for name in ("subuid", "subgid"):
        path = pathlib.Path("/etc") / name
        path.write_text(text)
        path.chmod(0o644)


GOOD = f"{NAME}:200000:65536\n{SECOND}:300000:65536\n"
ranges(GOOD)


def changes(name):
    """What NAME has changed, on the host."""
    return pathlib.Path(f"/var/lib/jail/overlay/{uid_of(name)}"
                        f"/shell:srv-other")


def inside(command, name=NAME, **keys):
    """What COMMAND prints in a session of ssh; it must end well."""
    done = ssh(name, command, **keys)
    if done.returncode:
        raise AssertionError(f"{command}: {done.stdout} {done.stderr}")
    return done.stdout


def denied(command, pattern="not permitted|ermission denied"):
    done = ssh(NAME, command)
    same(done.returncode != 0, True, command)
    has(done.stderr, pattern, command)


# --- who one is ---------------------------------------------------------------

WHO = ("id -u; id -g; id -un; echo $USER $LOGNAME $HOME $SHELL; pwd;"
       " tr -s ' ' : </proc/self/uid_map; tr -s ' ' : </proc/self/gid_map;"
       " grep NoNewPrivs /proc/self/status")


def is_root(text):
    me = uid_of(NAME)
    maps = [f":0:{me}:1", f":1:200000:{COUNT}"] * 2
    same(text.split(), ["0", "0", "root", "root", "root", "/root", "/bin/bash",
                        "/root", *maps, "NoNewPrivs:", "1"])


@case
def by_ssh_by_su_and_by_exec_one_is_root():
    is_root(ssh(NAME, WHO).stdout)
    is_root(su(NAME, WHO).stdout)
    is_root(sh(["jailconf", "exec", "--start", NAME, "--", "sh", "-c",
                f"cd; {WHO}"]))


@case
def a_terminal_is_root_s():
    for argv in (ssh_argv(NAME, options=["-tt"]), ["su", "-", NAME]):
        with Terminal(argv) as tty:
            tty.expect(r"# $", timeout=20)
            tty.ask("stat -c 'owner=%U' $(tty)", r"^owner=root\r")
            tty.ask("script -qc 'stat -c group=%G $(tty)' /dev/null",
                    r"^group=tty\r")
            tty.expect(r"# $")
            tty.line("exit 3")
            same(tty.wait(), 3)


@case
def explain_says_who_is_who():
    text = sh(["jailconf", "explain", NAME])
    has(text, f"root inside  inside 0 is uid {uid_of(NAME)}, gid")
    has(text, r"inside 1-65535 are uids 200000-265534, gids 200000-265534")
    has(text, f"changes are kept in {changes(NAME)}")
    has(sh(["jailconf", "explain", "--json", NAME]), '"sub_uid": ?200000')
    lacks(sh(["jailconf", "check"], check=False).stdout, f"{NAME}|{SECOND}")


@case
def a_trial_is_root_of_a_tree_that_stays():
    done = sh(["jailconf", "try", NAME, "--", "sh", "-c",
               "id -u; echo x >/usr/trial"], check=False)
    has(done.stdout, "^0$")
    has(done.stdout, "Read-only file system")


@case
def what_root_made_is_the_account_s_in_its_home():
    inside("echo x >~/made; chown 33:33 ~/made; echo y >/root/too")
    home = pathlib.Path(f"/home/{NAME}")
    there = (home / "made").stat()
    same((there.st_uid, there.st_gid), (200032, 200032))
    same((home / "too").owner(), NAME)


@case
def sftp_in_sshd_is_the_account_and_so_owns_what_is_root_s():
    for port in ("22", "2222"):
        done = subprocess.run(
            ["sftp", *SSH_OPTIONS, *WITH_KEY, "-P", port, "-b", "-",
             f"{NAME}@127.0.0.1"], text=True, timeout=20 * PATIENCE, check=False,
            input=f"put /etc/os-release /opt/by-{port}\n",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        same(done.returncode, 0, done.stdout)
        same(inside(f"stat -c %U /opt/by-{port}"), "root\n")


@case
def a_job_is_root_if_its_shell_is_jailsh():
    if WITH_SYSTEMD:
        sh("systemctl stop cron")
    table = pathlib.Path("/etc/cron.d/rooty")
    home = pathlib.Path(f"/home/{NAME}")
    table.write_text(f"SHELL={PATHS['jailsh']}\nMAILTO=\"\"\n"
                     f"@reboot {NAME} id -u >~/by-jailsh\nSHELL=/bin/sh\n"
                     f"@reboot {NAME} id -u >~/by-sh\n")
    pathlib.Path("/run/crond.reboot").unlink(missing_ok=True)
    with subprocess.Popen(["cron", "-f"]) as daemon:
        try:
            for name in ("by-jailsh", "by-sh"):
                eventually(lambda name=name: (home / name).exists() and
                           (home / name).read_text(), name)
        finally:
            daemon.kill()
            table.unlink()
    same((home / "by-jailsh").read_text(), "0\n")
    same((home / "by-sh").read_text(), f"{uid_of(NAME)}\n")


# --- packages -----------------------------------------------------------------

POSTINST = """\
#!/bin/sh
set -e
adduser --system --group --home /var/lib/planted planted
install -d -o planted -g planted -m 2750 /var/lib/planted
cp /usr/bin/id /usr/bin/planted-capable
setcap cap_net_raw,cap_setuid+ep /usr/bin/planted-capable
"""


def make_package(top):
    """A repository of one package, with all that a package may have."""
    files = top / "planted"
    for name in ("DEBIAN", "usr/bin", "etc"):
        (files / name).mkdir(parents=True)
    (files / "DEBIAN/control").write_text(
        "Package: planted\nVersion: 1\nArchitecture: all\n"
        "Maintainer: Nobody <nobody@example.org>\nDepends: adduser\n"
        "Description: a test\n")
    (files / "DEBIAN/conffiles").write_text("/etc/planted.conf\n")
    (files / "DEBIAN/postinst").write_text(POSTINST)
    (files / "DEBIAN/postinst").chmod(0o755)
    (files / "etc/planted.conf").write_text("x\n")
    sh(f"cp {OTHER}/usr/bin/id {files}/usr/bin/planted")
    (files / "usr/bin/planted").chmod(0o4755)
    repo = top / "repo"
    repo.mkdir()
    sh(["dpkg-deb", "--root-owner-group", "-b", str(files),
        str(repo / "planted.deb")])
    data = (repo / "planted.deb").read_bytes()
    (repo / "Packages").write_text(
        (files / "DEBIAN/control").read_text()
        + f"Filename: ./planted.deb\nSize: {len(data)}\n"
          f"SHA256: {hashlib.sha256(data).hexdigest()}\n")
    return repo


APT = ("set -e; mkdir -p /srv/repo; tar -C /srv/repo -xf -;"
       " rm -rf /etc/apt/sources.list.d /etc/apt/sources.list;"
       " echo 'deb [trusted=yes] file:/srv/repo ./' >/etc/apt/sources.list;"
       " apt-get -q update; DEBIAN_FRONTEND=noninteractive apt-get -qy install"
       " planted; stat -c partial=%U /var/cache/apt/archives/partial")


@case
def apt_installs_a_package_with_all_that_one_has():
    top = pathlib.Path("/srv/packages")
    archive = subprocess.run(["tar", "-C", str(make_package(top)), "-cf", "-",
                              "."], stdout=subprocess.PIPE, check=True).stdout
    done = ssh(NAME, APT, input=archive, text=False, timeout=60)
    text = (done.stdout + done.stderr).decode()
    same(done.returncode, 0, text)
    # apt gives up root to fetch, and says so if it cannot.
    lacks(text, "unsandboxed|^[WE]: |not permitted|ermission denied")
    has(text, "^partial=_apt$")
    has(inside("dpkg -s planted"), "^Status: install ok installed$")
    same(inside("stat -c '%U:%G %a' /var/lib/planted /usr/bin/planted"),
         "planted:planted 2750\nroot:root 4755\n")
    has(inside("getcap /usr/bin/planted-capable"), "cap_setuid")
    same(inside("getent passwd planted | cut -d : -f 1"), "planted\n")


@case
def what_was_installed_is_there_when_the_jail_starts_again():
    stop(NAME)
    same(inside("cat /etc/planted.conf; id -un planted"), "x\nplanted\n")
    same(list(OTHER.glob("etc/planted*")), [], "the tree itself")
    same(ssh(SECOND, "ls /etc/planted.conf").returncode != 0, True)


@case
def packages_can_be_removed_and_replaced():
    inside("apt-get -qy purge planted; ! ls /etc/planted.conf"
           " 2>/dev/null; apt-get -qy install planted; apt-get -qy install"
           " --reinstall planted", timeout=60)


# --- what it is outside -------------------------------------------------------

@case
def nothing_that_was_planted_means_anything_outside():
    """Each thing in the changes, as the host sees it."""
    inside("cp /usr/bin/id /usr/bin/g; chown 0:42 /usr/bin/g; chmod 6755"
           " /usr/bin/g; chown nobody /usr/bin/planted;"
           " chmod 6755 /usr/bin/planted; mkfifo /opt/fifo; rm /etc/issue")
    me = uid_of(NAME)
    ours = {me, *range(200000, 200000 + COUNT)}
    seen = {"set-uid": 0, "other ids": 0, "gone": 0}
    for top, names, files in os.walk(changes(NAME) / "upper"):
        for name in ["."] + names + files:
            there = os.lstat(os.path.join(top, name))
            if stat.S_ISCHR(there.st_mode) and there.st_rdev == 0:
                seen["gone"] += 1  # overlayfs's word for it
                continue
            same((there.st_uid in ours, there.st_gid in ours), (True, True),
                 f"{top}/{name}")
            same(stat.S_ISCHR(there.st_mode) or stat.S_ISBLK(there.st_mode),
                 False, f"{top}/{name} is a device")
            seen["set-uid"] += there.st_mode & stat.S_ISUID != 0
            seen["other ids"] += there.st_uid != me
    same([key for key, n in seen.items() if n == 0], [], seen)


@case
def a_file_with_capabilities_has_them_where_the_account_is_root_only():
    path = changes(NAME) / "upper/usr/bin/planted-capable"
    value = os.getxattr(path, "security.capability")
    magic, *_, rootid = struct.unpack("<IIIIII", value)
    same((magic & 0xff000000, rootid), (0x03000000, uid_of(NAME)))


MODULE = r"""
#include <fcntl.h>
#include <unistd.h>
__attribute__((constructor)) static void ran(void)
{
	close(open("/root/module-ran", O_CREAT | O_WRONLY, 0600));
}
"""


@case
def sshd_loads_no_name_service_of_the_account_s():
    """It looks names up for forwardings, in the host's pid namespace still."""
    switch = pathlib.Path("/etc/nsswitch.conf")
    kept = switch.read_text() if switch.exists() else ""
    where = sh("gcc -print-multiarch").strip()
    sh(["gcc", "-shared", "-fPIC", "-x", "c", "-", "-o",
        f"/home/{NAME}/module"], input=MODULE, stdin=None)
    inside(f"cp /root/module /usr/lib/{where}/libnss_planted.so.2;"
           " echo 'hosts: files planted dns' >/etc/nsswitch.conf")
    ran = pathlib.Path(f"/home/{NAME}/module-ran")
    try:
        ssh(NAME, "getent hosts some.name.invalid")
        same(ran.exists(), True, "the module works")
        ran.unlink()
        switch.write_text(re.sub("(?m)^hosts:.*\n", "", kept)
                          + "hosts: files planted dns\n")
        subprocess.run(ssh_argv(NAME, options=["-W", "some.name.invalid:1"]),
                       stdin=subprocess.DEVNULL, capture_output=True,
                       timeout=60 * PATIENCE, check=False)
        same(ran.exists(), False, "loaded by sshd")
    finally:
        switch.write_text(kept)


@case
def nobody_else_comes_to_what_was_planted():
    path = changes(NAME)
    same(stat.S_IMODE(path.stat().st_mode), 0o700)
    path.parent.parent.chmod(0o755)  # were it not as setup made it
    try:
        for name in (PLAIN, NAME):
            uid = uid_of(name)
            done = sh(["stat", str(path / "upper/usr/bin/planted")],
                      check=False, user=uid, group=uid, extra_groups=[])
            has(done.stdout, "ermission denied")
    finally:
        path.parent.parent.chmod(0o700)


@case
def set_uid_gives_nothing_inside_either():
    same(inside("setpriv --reuid=33 --regid=33 --clear-groups"
                " /usr/bin/g -u"), "33\n")


# --- what root inside cannot --------------------------------------------------

@case
def root_inside_reads_and_changes_no_file_of_the_host():
    for command in (f"cat {VAULT}/secret", f"chmod 644 {VAULT}/secret",
                    f"chown 0 {VAULT}/secret", "cat /proc/slabinfo",
                    "cat /proc/1/environ; cat /proc/1/maps"):
        denied(command, "not permitted|ermission denied|Read-only|No such")
    same((VAULT / "secret").stat().st_uid, 0)
    same(inside(f"stat -c %u {VAULT}/secret"), "65534\n")


@case
def root_inside_signals_no_process_but_its_jail_s():
    with subprocess.Popen(["setpriv", f"--reuid={uid_of(SECOND)}",
                           "--clear-groups", "sleep", "60"]) as other:
        try:
            for pid in (other.pid, 1, -1):
                ssh(NAME, f"kill -9 {pid}")
            same(other.poll(), None)
            ssh(NAME, "true")
        finally:
            other.kill()
    with subprocess.Popen(ssh_argv(NAME, "exec sleep 60")):
        eventually(lambda: ssh(NAME, "pgrep -x sleep").stdout, "sleep")
        before = inits_of(NAME)
        same(len(before), 1)
        ssh(NAME, "kill -9 1; kill -KILL $(pgrep -x sleep)")
        same(inits_of(NAME), before)
    lacks(inside("ps ax"), "jail-init|sshd|keeper")


@case
def root_inside_has_no_say_in_the_kernel():
    for command in (
            "mount -t tmpfs x /mnt", "mount -o bind /usr /mnt",
            "umount /proc/sys", "mount -o remount,rw /dev",
            "umount /run/jail/userns",
            "hostname other", "ip link set lo down",
            "ip link add name d0 type dummy",
            "ip addr add 10.9.9.9/8 dev lo", "mknod /opt/null c 1 3",
            "mknod /opt/disk b 8 0", "unshare -U true", "unshare -m true",
            "chroot / true", "nsenter -t 1 -m true", "date -s 2020-01-01",
            "dmesg", "sysctl -w kernel.hostname=x",
            "echo 1 >/proc/sys/kernel/panic",
            "echo -1000 >/proc/self/oom_score_adj", "renice -n -5 -p $$",
            "ulimit -Hc unlimited",
            "python3 -c 'import os; os.setxattr(\"/opt\","
            " \"trusted.overlay.opaque\", b\"y\")'",
            "echo x >/run/jail/shell; rm /run/jail/shell",
            "mv /run/jail /run/other", "rm -rf /run/jail"):
        denied(command, "not permitted|ermission denied|must be root|Read-only"
                        "|superuser|busy|annot|refused|not supported")
    same(inside("hostname; ip -o addr show dev lo | grep -c 10.9.9.9; :"),
         f"{NAME}\n0\n")


@case
def no_namespace_but_the_user_s_is_the_account_s():
    """Not even by the file that leads into it."""
    for kind in "user", "mnt", "pid", "net", "uts", "ipc", "cgroup":
        denied(f"nsenter --{kind.replace('mnt', 'mount')}=/proc/self/ns/{kind}"
               " true", "nvalid|not permitted")
    denied("nsenter --user=/run/jail/userns true", "nvalid|not permitted")


COME_IN = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
fd = os.open(f"/proc/{sys.argv[1]}/ns/user", os.O_RDONLY)
print(libc.setns(fd, 0x10000000), end=" ")
for kind in 0x10000000, 0x20000, 0x40000000:
    print(libc.unshare(kind), os.strerror(ctypes.get_errno()), sep=":", end=" ")
"""


@case
def who_comes_in_from_outside_makes_no_namespace_either():
    """The user namespace is the account's, and its processes outside have no
    filter."""
    def sleeper():
        return [pid for pid, entry in processes().items()
                if entry[1].startswith("sleep 4711")]

    client = subprocess.Popen(ssh_argv(NAME, "sleep 4711"),
                              stdin=subprocess.DEVNULL)
    try:
        eventually(sleeper, "sleeps")
        uid = uid_of(NAME)
        got = sh(["setpriv", f"--reuid={uid}", f"--regid={uid}",
                  "--clear-groups", "--reset-env", "python3", "-c", COME_IN,
                  str(sleeper()[0])])
    finally:
        client.kill()
        client.wait()
    same(got.split(" ")[0], "0", "it may come in")
    same(got.count("-1:No space left on device"), 3, got)


@case
def the_account_s_processes_are_counted_together_whoever_they_are():
    configure(NAME, *KEYS, BIND, "limits = { nproc = 40; };")
    stop(NAME)
    try:
        script = ("sh -c 'for uid in 0 5 6 7; do for i in $(seq 15); do"
                  " setpriv --reuid=$uid --clear-groups sleep 90"
                  " >/dev/null 2>&1 & done; done'")
        has(ssh(NAME, script).stderr, "annot fork")
    finally:
        configure(NAME, *KEYS, BIND)
        stop(NAME)


# --- ids ----------------------------------------------------------------------

@case
def two_accounts_have_no_id_in_common():
    maps = [inside("cat /proc/self/uid_map /proc/self/gid_map", name).split()
            for name in (NAME, SECOND)]
    used = []
    for fields in maps:
        ids = [set(), set()]
        for i in range(0, 12, 3):
            first, count = int(fields[i + 1]), int(fields[i + 2])
            ids[i // 6] |= set(range(first, first + count))
        same(0 in ids[0] or 0 in ids[1], False, "the host's root")
        used.append(ids)
    same(used[0][0] & used[1][0], set())
    same(used[0][1] & used[1][1], set())


REFUSALS = (
    ("", "root_inside needs 65535 uids of its own in /etc/subuid, and there"
         " are none: usermod --add-subuids"),
    (f"{NAME}:200000:65534\n", "and there are fewer: usermod"),
    (f"{NAME}:200000:65536\n{SECOND}:260000:65536\n",
     "are also those of second"),
    (f"{NAME}:65000:65536\n", "begin below 65536"),
    (f"{NAME}:200000:65536:\n", "/etc/subuid:1: not NAME:FIRST:COUNT"),
)


@case
def without_ids_of_its_own_nobody_gets_in():
    stop(NAME)
    try:
        for text, why in REFUSALS:
            ranges(text)
            log = Logged()
            done = ssh(NAME, "echo in")
            same((done.returncode != 0, done.stdout), (True, ""), text)
            log.expect(re.escape(why))
            check = sh(["jailconf", "check"], check=False)
            same(check.returncode != 0, True)
            has(check.stdout, re.escape(why))
            eventually(lambda: not residue(NAME), "nothing is left")
    finally:
        ranges(GOOD)
    same(inside("id -u"), "0\n")


def refused_for(why):
    log = Logged()
    done = ssh(NAME, "echo in")
    same((done.returncode != 0, done.stdout), (True, ""))
    log.expect(why)
    has(sh(["jailconf", "check"], check=False).stdout, why)


@case
def changes_of_other_ids_are_not_used():
    stop(NAME)
    path = changes(NAME)
    ranges(GOOD.replace("200000", "400000"))
    try:
        refused_for(r"belongs to other ids \(account .* uid \d+ 200000 gid .*\),"
                    " not to")
    finally:
        ranges(GOOD)
    (path / "ids").rename(path / "kept")
    try:
        refused_for(r"belongs to other ids \(not told\)")
    finally:
        (path / "kept").rename(path / "ids")
    os.chown(path / "upper", 0, 0)
    try:
        refused_for("upper belongs to uid 0, gid 0: move it away")
    finally:
        os.chown(path / "upper", uid_of(NAME), uid_of(NAME))
    same(inside("id -un planted"), "planted\n")


@case
def changes_from_before_root_inside_are_not_used():
    name = "before"
    account(name)
    jail_account(name, *[key for key in KEYS if "inside" not in key])
    ranges(GOOD + f"{name}:500000:65536\n")
    same(ssh(name, "id -u").stdout, f"{uid_of(name)}\n")
    stop(name)
    configure(name, *KEYS)
    log = Logged()
    same(ssh(name, "echo in").stdout, "")
    log.expect("others may enter it .*: it was made without root_inside")
    changes(name).chmod(0o700)
    same(ssh(name, "echo in").stdout, "")
    log.expect(rf"belongs to other ids \(account {name} uid \d+\), not to"
               rf" account {name} uid \d+ 500000 ")
    configure(name, *[key for key in KEYS if "inside" not in key])
    same(ssh(name, "id -u").stdout, f"{uid_of(name)}\n")
    ranges(GOOD)


@case
def and_without_root_inside_its_changes_are_not_used_either():
    stop(NAME)
    configure(NAME, *[key for key in KEYS if "inside" not in key])
    try:
        refused_for(r"belongs to other ids \(account .* count \d+\), not to")
    finally:
        configure(NAME, *KEYS, BIND)


@case
def nothing_is_left_when_it_ends():
    inside("true")
    stop(NAME)
    eventually(lambda: not residue(NAME), "no process", 20)


run()
