#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""a jail whose files are hostile changes nothing about who the session is,
and nothing in it runs as root or on the host

The library libnss_evil.so.2 writes a line about whoever has loaded it; it
is named in the tree's nsswitch.conf and ld.so.preload and in every variable
by which a user can ask for one.
"""
import os
import pathlib
import shutil
import subprocess

from bed import (PLAIN, SSH_OPTIONS, WITH_KEY, account, case, eventually, has,
                 host_namespaces, jail_account, lacks, residue, run, same, sh,
                 ssh,
                 sshd, stop, su, uid_of, PROOF, proved, secret)

TREE = pathlib.Path("/srv/hostile")
NAME = "victim"
MARK = pathlib.Path(f"/home/{NAME}/loaded")
ENVIRONMENT_PORT, INTERNAL_PORT = 2225, 2226

EVIL = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <nss.h>
#include <pwd.h>
#include <grp.h>

/* Says who has loaded this: ids, program, namespace. */
__attribute__((constructor)) static void loaded(void)
{
	char exe[256] = "", ns[64] = "", line[512];
	int fd = open("MARK", O_WRONLY | O_CREAT | O_APPEND, 0666);
	if (fd < 0)
		fd = open("/tmp/evil-loaded", O_WRONLY | O_CREAT | O_APPEND, 0666);
	readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	readlink("/proc/self/ns/mnt", ns, sizeof(ns) - 1);
	snprintf(line, sizeof(line), "uid=%d euid=%d gid=%d exe=%s ns=%s\n",
		 getuid(), geteuid(), getegid(), exe, ns);
	write(fd, line, strlen(line));
	close(fd);
}

static char none[] = "";
enum nss_status _nss_evil_getpwuid_r(uid_t uid, struct passwd *pw, char *b,
				     size_t n, int *e)
{
	(void)uid, (void)b, (void)n, (void)e;
	static char name[] = "root", dir[] = "/", sh[] = "/bin/bash";
	*pw = (struct passwd){ name, none, 0, 0, none, dir, sh };
	return NSS_STATUS_SUCCESS;
}
enum nss_status _nss_evil_getpwnam_r(const char *name, struct passwd *pw,
				     char *b, size_t n, int *e)
{
	(void)name;
	return _nss_evil_getpwuid_r(0, pw, b, n, e);
}
enum nss_status _nss_evil_initgroups_dyn(const char *user, gid_t gid,
	long *start, long *size, gid_t **groups, long limit, int *e)
{
	(void)user, (void)gid, (void)size, (void)limit, (void)e;
	(*groups)[(*start)++] = 0;
	return NSS_STATUS_SUCCESS;
}
"""

PROGRAMS = ("bash sh cat ls id readlink tr wc env grep stat rm sleep echo "
            "true sed uname ps").split()


def libraries(program):
    return [word for word in sh(f"ldd {program} 2>/dev/null; :").split()
            if word.startswith("/")]


def make_tree():
    """A system small enough to copy: the programs and what they load."""
    for name in ("usr/bin", "usr/lib64", "etc", "dev", "proc", "sys", "tmp",
                 "run", "home", "var/tmp", "root", "usr/lib/openssh"):
        (TREE / name).mkdir(parents=True)
    for name in ("bin", "lib", "lib64"):
        (TREE / name).symlink_to(f"usr/{name}")
    files = set()
    for name in PROGRAMS:
        path = shutil.which(name)
        files.update({path, *libraries(path)})
    server = "/usr/lib/openssh/sftp-server"
    files.update({server, *libraries(server)})
    for path in files:
        target = TREE / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)


def make_hostile():
    """Everything that a host's root process might ask is a lie in there."""
    lib = pathlib.Path("/tmp/libnss_evil.so.2")
    sh(["gcc", "-shared", "-fPIC", "-w", "-x", "c", "-", "-o", str(lib)],
       stdin=None, input=EVIL.replace("MARK", str(MARK)))
    where = sh("gcc -print-multiarch").strip()
    shutil.copy2(lib, TREE / f"usr/lib/{where}/")
    uid = uid_of(NAME)
    etc = TREE / "etc"
    (etc / "passwd").write_text(
        f"{NAME}:x:0:0::/:/bin/bash\nroot:x:{uid}:{uid}::/:/bin/bash\n")
    (etc / "group").write_text(
        f"root:x:0:{NAME}\ndisk:x:6:{NAME}\nshadow:x:42:{NAME}\n")
    (etc / "nsswitch.conf").write_text(
        "passwd: evil files\ngroup: evil files\ninitgroups: evil files\n"
        "hosts: evil files\n")
    (etc / "ld.so.preload").write_text(f"/usr/lib/{where}/libnss_evil.so.2\n")
    shutil.copy2(lib, f"/home/{NAME}/evil.so")
    lib.unlink()


account(PLAIN)
account(NAME)
secret()
sshd()
sshd(ENVIRONMENT_PORT, "PermitUserEnvironment yes\n")
sshd(INTERNAL_PORT, "Subsystem sftp internal-sftp\n")
if not TREE.exists():
    make_tree()
    make_hostile()
jail_account(NAME, f'root = "{TREE}";', 'passwd = "tree";',
             'shell = "/bin/bash";', 'network = "none";')


def fresh():
    """No jail, no mark."""
    stop(NAME)
    MARK.unlink(missing_ok=True)


def only_inside(expected=True):
    """Whoever loaded the library was the account, inside its jail; and that
    somebody did (unless not EXPECTED) proves that it can tell."""
    same(os.path.exists("/tmp/evil-loaded"), False, "a mark on the host")
    text = MARK.read_text() if MARK.exists() else ""
    if expected:
        has(text, "^uid=")
    uid, host = uid_of(NAME), host_namespaces()["mnt"]
    for line in text.splitlines():
        has(line, rf"^uid={uid} euid={uid} gid={uid} ")
        lacks(line, rf"ns={host}".replace("[", r"\[").replace("]", r"\]"))


STATUS = "grep -E '^(Uid|Gid|Groups):' /proc/self/status"


def ids(text):
    uid = str(uid_of(NAME))
    rows = [line.split() for line in text.splitlines()]
    same(rows, [["Uid:"] + [uid] * 4, ["Gid:"] + [uid] * 4,
                ["Groups:", uid]])


@case
def the_tree_s_passwd_and_group_do_not_say_who_a_session_is():
    fresh()
    ids(ssh(NAME, STATUS).stdout)
    ids(su(NAME, STATUS).stdout)
    ids(ssh(NAME, STATUS).stdout)  # by joining
    only_inside()


@case
def the_lie_is_told_inside():
    """The tree's files are in force there, or this test shows nothing."""
    same(ssh(NAME, "id -un").stdout, "root\n")
    same(ssh(NAME, "id -u").stdout, f"{uid_of(NAME)}\n")


@case
def the_host_logs_and_writes_what_the_host_knows():
    has(ssh(NAME, "echo $USER $HOME").stdout, f"^{NAME} /home/{NAME}$")
    ssh(NAME, "echo x >made")
    same(os.stat(f"/home/{NAME}/made").st_uid, uid_of(NAME))


@case
def both_sftp_servers_are_safe_in_there():
    for port in (22, INTERNAL_PORT):
        fresh()
        done = subprocess.run(
            ["sftp", *SSH_OPTIONS, *WITH_KEY, "-P", str(port), "-b", "-",
             f"{NAME}@127.0.0.1"], text=True, timeout=20, check=False,
            input="ls -l /home\nls /etc\nmkdir x\nrmdir x\n",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        same(done.returncode, 0, done.stdout)
        lacks(done.stdout, "other|shadow")
        only_inside(expected=port == 22)


@case
def forwarding_is_safe_in_there():
    fresh()
    done = ssh(NAME, options=["-W", "localhost:1"])
    same(done.returncode != 0, True)
    only_inside(expected=False)


@case
def a_library_of_the_user_s_reaches_no_process_outside():
    """Debian's sshd reads ~/.pam_environment, another ~/.ssh/environment:
    both processes are the user's, on the host, when that is set."""
    home = pathlib.Path(f"/home/{NAME}")
    evil = f"/home/{NAME}/evil.so"
    (home / "startup").write_text(
        f"readlink /proc/self/ns/mnt >>/home/{NAME}/started\n")
    names = {"LD_PRELOAD": evil, "BASH_ENV": f"{home}/startup",
             "ENV": f"{home}/startup", "LD_AUDIT": evil,
             "GCONV_PATH": str(home), "LOCPATH": str(home)}
    # su itself is root's, and with LD_PRELOAD root would load the library.
    shells = {n: v for n, v in names.items() if not n.startswith("LD_")}
    (home / ".pam_environment").write_text("".join(
        f"{n} DEFAULT={v}\n" for n, v in names.items()))
    (home / ".ssh/environment").write_text("".join(
        f"{n}={v}\n" for n, v in names.items()))
    host = host_namespaces()["mnt"]
    try:
        for door in (lambda: ssh(NAME, STATUS).stdout,
                     lambda: ssh(NAME, STATUS, port=ENVIRONMENT_PORT).stdout,
                     lambda: su(NAME, STATUS).stdout,
                     lambda: su(NAME, STATUS, login=False,
                                env={**os.environ, **shells}).stdout):
            fresh()
            (home / "started").unlink(missing_ok=True)
            ids(door())
            only_inside()
            if (home / "started").exists():
                lacks((home / "started").read_text(), host.replace("[", r"\["))
    finally:
        (home / ".pam_environment").unlink()
        (home / ".ssh/environment").unlink()


@case
def a_plain_tree_needs_no_preparation_but_to_be_root_s():
    done = ssh(NAME, PROOF)
    proved(NAME, done.stdout)
    has(ssh(NAME, "ls /").stdout, "^usr$")
    same(ssh(NAME, "echo x >/usr/x").returncode != 0, True)


@case
def a_writable_tree_keeps_changes_for_one_account():
    """The account owns /srv/own in the tree, so it may write there."""
    own = TREE / "srv/own"
    own.mkdir(parents=True, exist_ok=True)
    own.chmod(0o1777)
    for name in ("keeps", "looks"):
        jail_account(name, f'root = "{TREE}";', "writable = true;",
                     'shell = "/bin/bash";', "linger = 0;")
    same(ssh("keeps", "echo kept >/srv/own/file").returncode, 0)
    same(ssh("keeps", "echo x >/etc/passwd").returncode != 0, True)
    eventually(lambda: not residue("keeps"), "the jail is gone")
    same(ssh("keeps", "cat /srv/own/file").stdout, "kept\n")
    same(ssh("looks", "ls /srv/own").stdout, "")
    same(list(own.iterdir()), [], "the tree itself")


@case
def nothing_of_the_tree_was_changed():
    same((TREE / "etc/group").read_text().split(":")[0], "root")
    same(sorted(p.name for p in TREE.iterdir()),
         sorted(["usr", "etc", "dev", "proc", "sys", "tmp", "run", "home",
                 "var", "root", "bin", "lib", "lib64", "srv"]))


run()
