# SPDX-License-Identifier: ISC
"""What somebody else could have changed is not shown in a jail."""

import os
import socket

from jail import (ALICE, check, equal, inside, main, probe, refused, run,
                  sentence)

BOB = ALICE + 1


class Source:
    """/mnt/source, as a test wants it; gone afterwards."""

    def __enter__(self):
        os.mkdir("/mnt/source")
        os.makedirs("/mnt/elsewhere/in")
        return self

    def __exit__(self, *exc):
        run("rm", "-rf", "/mnt/source", "/mnt/elsewhere")


def bind(source, flags="r"):
    return "-a", f"bind,{flags},0,/data,{source}"


def directory(path, mode=0o755, owner=0):
    os.mkdir(path)
    os.chmod(path, mode)
    os.chown(path, owner, owner)


def link(path, to):
    os.symlink(to, path)


def fifo(path):
    os.mkfifo(path)
    os.chown(path, BOB, BOB)


@sentence
def a_source_that_is_roots_is_shown():
    with Source():
        directory("/mnt/source/a")
        equal(inside("ls -d /data", *bind("/mnt/source/a")), "/data\n")
        with open("/mnt/source/f", "w", encoding="ascii") as stream:
            stream.write("hello\n")
        equal(inside("cat /data", *bind("/mnt/source/f")), "hello\n")
        sock = socket.socket(socket.AF_UNIX)
        sock.bind("/mnt/source/s")
        os.chmod("/mnt/source/s", 0o755)
        equal(inside("test -S /data && echo yes", *bind("/mnt/source/s")),
              "yes\n")
        os.mkfifo("/mnt/source/p")  # nobody waits for its other end
        equal(inside("test -p /data && echo yes", *bind("/mnt/source/p")),
              "yes\n")


@sentence
def a_source_that_others_could_have_changed_is_refused():
    cases = (
        (lambda p: link(p, "/mnt/elsewhere"), "is a symbolic link"),
        (lambda p: link(p, "/gone"), "is a symbolic link"),
        (lambda p: directory(p, 0o775), "can be changed by others (mode 0775)"),
        (lambda p: directory(p, 0o757), "can be changed by others (mode 0757)"),
        (lambda p: directory(p, 0o1777), "can be changed by others (mode 1777)"),
        (lambda p: directory(p, 0o755, BOB), f"belongs to uid {BOB}, not to root"),
        (lambda p: directory(p, 0o755, ALICE), f"belongs to uid {ALICE}, not to root"),
        (fifo, f"belongs to uid {BOB}, not to root"),
    )
    for make, why in cases:
        with Source():
            make("/mnt/source/a")
            refused(probe(*bind("/mnt/source/a"), "run", "echo", "ran"),
                    f"probe: 4: /mnt/source/a: a {why}")


@sentence
def a_way_that_others_could_have_changed_is_refused():
    cases = (
        (lambda p: link(p, "/mnt/elsewhere"), "is a symbolic link"),
        (lambda p: directory(p, 0o775), "can be changed by others (mode 0775)"),
        (lambda p: directory(p, 0o1777),
         "can be changed by others (mode 1777)"),
        (lambda p: directory(p, 0o755, BOB),
         f"belongs to uid {BOB}, not to root"),
        (lambda p: directory(p, 0o755, ALICE),
         f"belongs to uid {ALICE}, not to root"),
    )
    for make, why in cases:
        for flags in "r", "w", "o":
            with Source():
                make("/mnt/source/a")
                if not os.path.isdir("/mnt/source/a/in"):
                    os.mkdir("/mnt/source/a/in")
                refused(probe(*bind("/mnt/source/a/in", flags), "run", "echo",
                              "ran"), f"probe: 4: /mnt/source/a: a {why}")


@sentence
def an_owned_source_may_be_the_accounts_and_nobody_elses():
    with Source():
        directory("/mnt/source/a", 0o777, ALICE)
        equal(inside("echo x >/data/y && echo yes",
                     *bind("/mnt/source/a", "w")), "yes\n")
        os.chown("/mnt/source/a", BOB, BOB)
        refused(probe(*bind("/mnt/source/a", "w"), "run", "echo", "ran"),
                "probe: 4: /mnt/source/a: a belongs to uid "
                f"{BOB}, not to root")
        link("/mnt/source/l", "/etc")
        os.lchown("/mnt/source/l", ALICE, ALICE)
        refused(probe(*bind("/mnt/source/l", "w"), "run", "echo", "ran"),
                "probe: 4: /mnt/source/l: l is a symbolic link")


@sentence
def what_is_not_there_is_refused_unless_it_may_be_missing():
    with Source():
        for path, named in (("/mnt/source/a", "/mnt/source/a"),
                            ("/mnt/source/a/b", "/mnt/source/a")):
            refused(probe(*bind(path), "run", "echo", "ran"),
                    f"probe: 4: {named}: No such file or directory")
            equal(inside("test -e /data || echo none", *bind(path, "ro")),
                  "none\n")
        # What cannot be looked at is not the same as what is not there.
        with open("/mnt/source/f", "w", encoding="ascii"):
            pass
        refused(probe(*bind("/mnt/source/f/x", "ro"), "run", "echo", "ran"),
                "probe: 4: /mnt/source/f/x: Not a directory")


@sentence
def a_home_that_became_a_link_is_refused():
    os.rename("/mnt/home", "/mnt/home.away")
    link("/mnt/home", "/etc")
    os.lchown("/mnt/home", ALICE, ALICE)
    refused(probe("run", "echo", "ran"),
            "probe: 4: /mnt/home: home is a symbolic link")
    os.unlink("/mnt/home")
    refused(probe("run", "echo", "ran"),
            "probe: 4: /mnt/home: No such file or directory")
    os.rename("/mnt/home.away", "/mnt/home")


@sentence
def a_null_device_that_is_none_hides_nothing():
    os.rename("/dev/null", "/dev/null.away")
    try:
        with open("/dev/null", "w", encoding="ascii") as stream:
            stream.write("secret")
        # The keeper's own standard descriptors come from there as well.
        refused(probe("take", stdin=None),
                "probe: 4: /dev/null is not the null device")
        os.unlink("/dev/null")
        os.symlink("null.away", "/dev/null")
        refused(probe("take", stdin=None),
                "probe: 4: /dev/null is not the null device")
    finally:
        os.unlink("/dev/null")
        os.rename("/dev/null.away", "/dev/null")


@sentence
def where_nothing_of_ours_is_nothing_is_made():
    with Source():
        for kind in ("dir,,0755", "file,,0644", "scratch,,0755", "link,,0",
                     "device,,0666", "proc,,0", "pts,,0", "bind,r,0"):
            text = "/mnt/elsewhere" if kind.startswith("bind") else "1:3"
            before = os.stat("/mnt/source").st_mtime_ns
            refused(probe("-a", "bind,,0,/data,/mnt/source", "-a",
                          f"{kind},/data/new,{text}", "run", "echo", "ran"),
                    "probe: 4: /data/new: /data/new does not exist, and it "
                    "would have to be made in a directory of the host")
            equal(os.listdir("/mnt/source"), [], kind)
            equal(os.stat("/mnt/source").st_mtime_ns, before, kind)


@sentence
def a_target_inside_a_source_may_be_there_already():
    with Source():
        directory("/mnt/source/in")
        equal(inside("ls -A /data /data/in", "-a", "bind,r,0,/data,/mnt/source",
                     "-a", "bind,r,0,/data/in,/mnt/elsewhere"),
              "/data:\nin\n\n/data/in:\nin\n")


@sentence
def a_link_of_the_accounts_leads_no_mount_astray():
    for to in "/etc", "/usr", "/dev", "/proc", "..", "/", "/mnt", "other":
        for place, below in ("/mnt/home", "/home/alice/data"), \
                            ("/mnt/open", "/open/data"):
            os.makedirs("/mnt/open", exist_ok=True)
            os.symlink(to, place + "/data")
            os.lchown(place + "/data", ALICE, ALICE)
            with Source():
                for entry in (f"bind,,0,{below},/mnt/source",
                              f"bind,,0,{below}/in,/mnt/source",
                              f"hide,o,0,{below},", f"hide,,0,{below}/x,",
                              f"dir,,0755,{below},", f"file,,0644,{below},x",
                              f"scratch,,0755,{below},"):
                    answer = probe("-a", "bind,,0,/open,/mnt/open", "-a",
                                   entry, "run", "echo", "ran")
                    equal((answer.stdout, answer.returncode), ("", 1), to,
                          entry)
                    check("Too many levels of symbolic links" in
                          answer.stderr or "would have to be made in a "
                          "directory of the host" in answer.stderr, answer)
                equal(os.listdir("/mnt/source"), [], to)
            os.unlink(place + "/data")
    run("rm", "-r", "/mnt/open")


@sentence
def in_a_session_links_are_followed():
    os.symlink("/etc/passwd", "/mnt/home/link")
    equal(inside("head -c 4 ~/link"), "root")
    os.unlink("/mnt/home/link")


main()
