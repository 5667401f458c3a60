#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""the escape suite sees what is weak: jails that are known to leak, with the
escapes that each is known for

A suite that finds nothing here finds nothing anywhere.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys

sys.path[:0] = ["/bed/login", "/bed/tests"]
from bed import (RUN, Skip, account, case, run, same, sh,  # noqa: E402
                 uid_of)
import planted  # noqa: E402

NAME = "weak"
TREE = pathlib.Path("/home/.tree")
BARE = pathlib.Path("/home/.bare")
KIT = pathlib.Path("/home/.kit")
RESULTS = pathlib.Path(os.environ.get("BED_OUT", RUN)) / "escape"

account(NAME)
account(planted.OTHER)
planted.new_session_keyring()
HOST = planted.Host()
UID = uid_of(NAME)
HOME = f"/home/{NAME}"


def attempt(jail, argv, home=HOME, own_home=None, name=NAME, **keys):
    """Runs ARGV, where HINTS stands for the hints, in the jail JAIL; keeps
    and returns the results.  HOME is where the home is on the host."""
    uid = uid_of(name)
    shutil.copy(planted.PROGRAM, f"{home}/escape")
    os.chmod(f"{home}/escape", 0o755)
    with HOST.ready(name, uid, home) as (hints, mate):
        words = ["-C", own_home or f"/home/{name}", *hints]
        done = subprocess.run(
            argv(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=100, check=False,
            errors="replace", **keys)
        results = HOST.report(done.stdout, home, mate)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / jail).write_text(json.dumps(results))
    print(f"# {jail}:", *planted.names(results, "ESCAPED"))
    return results


def expect(results, *names):
    """These attempts have succeeded."""
    same([n for n in names if results[n][0] != "ESCAPED"], [],
         "not found: " + ", ".join(f"{n} {results[n]}" for n in names))


def make_tree():
    if TREE.exists():
        return
    for name in ("proc", "dev", "tmp", "usr/bin", "etc", f"home/{NAME}"):
        (TREE / name).mkdir(parents=True)
    shutil.copy(planted.PROGRAM, TREE / "escape")
    for path in planted.PROGRAMS.values():
        sh(["cp", "-a", path, f"{TREE}{path}"])
    os.chown(TREE / f"home/{NAME}", UID, UID)
    for name in ("proc", "dev"):
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
def a_chroot_for_an_account_shares_its_processes_with_the_host():
    make_tree()
    expect(attempt("chroot --userspec",
                   lambda words: ["chroot", f"--userspec={UID}:{UID}",
                                  str(TREE), "/escape", *words],
                   home=f"{TREE}/home/{NAME}"),
           "chroot.rename-outside", "proc.signal", "proc.pidfd-signal",
           "proc.ptrace", "proc.vm-read", "proc.pidfd-getfd",
           "proc.environ-outside", "ipc.sysv-shm", "ipc.sysv-msg",
           "suid.honoured", "kern.keyring-user", "proc.priority-user")


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
