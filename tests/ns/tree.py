# SPDX-License-Identifier: ISC
"""A root of its own: a tree that stays as it is, whatever is in it."""

import os
import stat

from jail import (ALICE, Hold, check, equal, inside, main, mounts, probe,
                  refused, run, said, sentence)

TREE = "/mnt/tree"
UPPER = "/mnt/state/overlay/61001"
OUTSIDE = "/mnt/outside"


class Tree:
    """A small other system, and a directory of the host's beside it."""

    def __enter__(self):
        for place in ("usr", "etc", "home", "srv/data", "var", "root", "opt"):
            os.makedirs(f"{TREE}/{place}")
        write(f"{TREE}/etc/release", "other system\n")
        write(f"{TREE}/etc/passwd", "evil::0:0::/:/bin/sh\n")
        write(f"{TREE}/srv/data/file", "of the tree\n")
        os.makedirs(OUTSIDE + "/in")
        write(OUTSIDE + "/file", "of the host\n")
        os.makedirs("/mnt/state/overlay")
        return self

    def __exit__(self, *exc):
        run("rm", "-rf", TREE, OUTSIDE, "/mnt/state")


def write(path, text):
    with open(path, "w", encoding="ascii") as stream:
        stream.write(text)


def snapshot(*tops):
    """All that there is to see of the host's side."""
    seen = {}
    for top in tops:
        for path, names, files in os.walk(top):
            for name in ["."] + names + files:
                full = os.path.normpath(os.path.join(path, name))
                there = os.lstat(full)
                content = None
                if stat.S_ISREG(there.st_mode):
                    with open(full, encoding="ascii") as stream:
                        content = stream.read()
                elif stat.S_ISLNK(there.st_mode):
                    content = os.readlink(full)
                seen[full] = (there.st_mode, there.st_uid, there.st_gid,
                              there.st_nlink, there.st_mtime_ns,
                              there.st_ctime_ns, content)
    return seen


READ_ONLY = ("-t", TREE)
WRITABLE = ("-t", TREE, "-u", UPPER)
ROOT = (*WRITABLE, "-R", "100000")


@sentence
def the_tree_is_seen_and_nothing_of_the_host_but_the_plan():
    with Tree():
        equal(inside("cat /etc/release /srv/data/file", *READ_ONLY),
              "other system\nof the tree\n")
        equal(inside("head -n 1 /etc/passwd", *READ_ONLY),
              "root:x:0:0::/root:/bin/sh\n")
        there = mounts(inside("cat /proc/self/mountinfo", *READ_ONLY))
        equal(there["/"][2], "overlay")
        check("ro" in there["/"][1] and "nosuid" in there["/"][1] and
              "nodev" in there["/"][1], there["/"])
        equal(inside("ls /", *READ_ONLY).split(),
              sorted(inside("ls /", *READ_ONLY).split()))
        check("mnt" not in inside("ls /", *READ_ONLY).split(), "/mnt")


@sentence
def a_read_only_tree_is_read_only_and_unchanged():
    with Tree():
        os.makedirs(f"{TREE}/srv/open")
        os.chmod(f"{TREE}/srv/open", 0o777)
        before = snapshot(TREE, OUTSIDE)
        for place in "/x", "/srv/open/x", "/etc/x", "/opt/x":
            answer = probe(*READ_ONLY, "run", "/bin/sh", "-c", f": >{place}")
            check(answer.returncode == 2, place, answer)
        equal(inside(": >/tmp/x && : >~/x && rm ~/x && echo yes", *READ_ONLY),
              "yes\n")
        equal(snapshot(TREE, OUTSIDE), before)


@sentence
def a_writable_tree_keeps_changes_for_the_account_and_is_unchanged():
    with Tree():
        os.chown(f"{TREE}/opt", ALICE, ALICE)
        before = snapshot(TREE, OUTSIDE)
        inside("echo mine >/opt/new; mkdir /opt/dir", *WRITABLE)
        equal(inside("cat /opt/new; ls -d /opt/dir", *WRITABLE),
              "mine\n/opt/dir\n")
        equal(inside("ls /opt", *READ_ONLY), "")
        equal(snapshot(TREE, OUTSIDE), before)
        for place in "/mnt/state/overlay", UPPER:
            there = os.stat(place)
            equal((there.st_uid, there.st_mode & 0o22), (0, 0), place)
        answer = probe(*WRITABLE, "run", "/bin/sh", "-c", ": >/etc/x")
        check("Permission denied" in answer.stderr, answer)


@sentence
def what_the_plan_says_comes_back_at_every_start():
    with Tree():
        os.chown(f"{TREE}/etc", ALICE, ALICE)  # a careless tree
        inside("rm /etc/passwd; ln -s /srv/data/file /etc/passwd", *WRITABLE)
        equal(inside("head -n 1 /etc/passwd; cat /srv/data/file", *WRITABLE),
              "root:x:0:0::/root:/bin/sh\nof the tree\n")
        inside("rm -rf /etc/passwd; mkdir /etc/passwd", *WRITABLE)
        answer = probe(*WRITABLE, "run", "echo", "ran")
        refused(answer, "probe: 4: /etc/passwd: make the file: File exists")


# Where the plan makes or mounts something, and all that a hostile tree may
# have there instead.
TARGETS = ("etc", "etc/passwd", "tmp", "var/tmp", "var", "run", "run/jail",
           "run/user", "dev", "dev/pts", "dev/null", "dev/shm", "proc", "home",
           "home/alice", "usr", "bin")
LINKS = ("/outside", OUTSIDE, OUTSIDE + "/in", "../outside",
         "../../../../../../mnt/outside", OUTSIDE + "/file", "/proc/self/root",
         "/proc/self/cwd", "/proc/1/root", ".", "..", "/", "loop", "/dev",
         "/etc", "/home")


def hostile(make):
    """Tries every target with what MAKE(path) puts there; counts those that
    got in."""
    got_in = 0
    for target in TARGETS:
        for root in READ_ONLY, WRITABLE, ROOT:
            with Tree():
                path = f"{TREE}/{target}"
                run("rm", "-rf", path)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                make(path)
                before = snapshot(TREE, OUTSIDE, "/mnt/home")
                answer = probe(*root, "run", "/bin/sh", "-c",
                               "echo ran; cat /proc/self/mountinfo")
                equal(snapshot(TREE, OUTSIDE, "/mnt/home"), before, target)
                if answer.returncode == 0:
                    got_in += 1
                    check("/mnt/outside" not in answer.stdout, answer)
                elif "jailsh: " not in answer.stderr:
                    check(answer.stdout == "" and
                          answer.stderr.startswith("probe: 4: "), target,
                          answer)
    return got_in


@sentence
def no_link_in_the_tree_leads_out():
    total = 0
    for to in LINKS:
        total += hostile(lambda path, to=to: os.symlink(to, path))
    check(total > 50, "only", total, "got in: is this tested?")


@sentence
def no_other_thing_in_the_tree_does_harm_or_hangs():
    hostile(os.mkfifo)
    hostile(lambda path: write(path, "a file\n"))
    hostile(os.mkdir)
    hostile(lambda path: os.mknod(path, 0o20666, os.makedev(1, 5)))
    hostile(lambda path: os.mknod(path, 0o60666, os.makedev(7, 0)))


@sentence
def devices_and_set_uid_programs_of_the_tree_do_nothing():
    with Tree():
        os.mknod(f"{TREE}/zero", 0o20666, os.makedev(1, 5))
        os.chmod(f"{TREE}/zero", 0o666)
        answer = probe(*READ_ONLY, "run", "/bin/sh", "-c", "head -c 1 /zero")
        check("Permission denied" in answer.stderr, answer)
        run("cp", "/usr/bin/id", f"{TREE}/id")
        os.chmod(f"{TREE}/id", 0o4755)
        equal(inside("/id -u", *READ_ONLY), f"{ALICE}\n")


@sentence
def a_tree_that_is_not_roots_alone_is_refused():
    for damage, why in (
            (lambda: os.chown(TREE, ALICE, ALICE),
             f"{TREE}: tree belongs to uid {ALICE}, not to root"),
            (lambda: os.chmod(TREE, 0o775),
             f"{TREE}: tree can be changed by others (mode 0775)"),
            (lambda: run("rm", "-r", TREE),
             f"{TREE}: No such file or directory"),
            (lambda: (run("rm", "-r", TREE), os.symlink("/", TREE)),
             f"{TREE}: tree is a symbolic link"),
            (lambda: (run("rm", "-r", TREE), write(TREE, "")),
             f"{TREE}: not a directory"),
            (lambda: (run("rm", "-r", TREE), os.mkfifo(TREE)),
             f"{TREE}: not a directory")):
        with Tree():
            damage()
            refused(probe(*READ_ONLY, "run", "echo", "ran"), "probe: 4: " + why)


@sentence
def an_upper_layer_that_is_not_roots_alone_is_refused():
    def of_alice():
        os.makedirs(UPPER)
        write(UPPER + "/ids", f"account alice uid {ALICE}\n")

    for damage, why in (
            (lambda: os.chown("/mnt/state/overlay", ALICE, ALICE),
             f"overlay belongs to uid {ALICE}, not to root"),
            (lambda: (os.makedirs(UPPER), os.chown(UPPER, ALICE, ALICE)),
             f"61001 belongs to uid {ALICE}, not to root"),
            (lambda: os.symlink(OUTSIDE, UPPER), "61001: Not a directory"),
            (lambda: (os.makedirs(UPPER), os.chmod(UPPER, 0o777)),
             "61001 can be changed by others (mode 0777)"),
            (lambda: (of_alice(), os.symlink(OUTSIDE, UPPER + "/upper")),
             "upper: Not a directory"),
            (lambda: (of_alice(), os.makedirs(UPPER + "/upper"),
                      os.chmod(UPPER + "/upper", 0o777)),
             "upper can be changed by others (mode 0777)"),
            (lambda: (of_alice(), os.makedirs(UPPER + "/upper"),
                      os.symlink(OUTSIDE, UPPER + "/work")),
             "work: Not a directory")):
        with Tree():
            damage()
            before = snapshot(OUTSIDE)
            answer = probe(*WRITABLE, "run", "echo", "ran")
            check(answer.returncode == 1 and answer.stdout == "" and
                  answer.stderr.endswith(why + "\n"), why, answer)
            equal(snapshot(OUTSIDE), before, why)


@sentence
def what_root_inside_makes_is_its_own_on_the_host():
    with Tree():
        before = snapshot(TREE, OUTSIDE)
        equal(inside("id -u; stat -c %u / /etc /etc/release /run /tmp;"
                     "chown 7:8 /etc/release; echo x >/opt/new;"
                     "cat /proc/self/uid_map | tr -s ' '; stat -c %u /usr/bin",
                     *ROOT).split(),
              ["0"] * 6 + ["0", str(ALICE), "1", "1", "100000", "65535"] +
              ["65534"])
        equal(snapshot(TREE, OUTSIDE), before)
        for name, ids in (("etc/release", (100006, 100007)),
                          ("opt/new", (ALICE, ALICE)), (".", (ALICE, ALICE)),
                          ("etc", (ALICE, ALICE))):
            there = os.lstat(f"{UPPER}/upper/{name}")
            equal((there.st_uid, there.st_gid), ids, name)
        equal(stat.S_IMODE(os.stat(UPPER).st_mode), 0o700)
        equal(inside("cat /opt/new; stat -c %u:%g /etc/release", *ROOT),
              "x\n7:8\n")


OURS = "account alice uid 61001 100000 gid 61001 100000 count 65535"


@sentence
def changes_are_for_the_ids_that_they_were_made_with():
    def other_ids():
        write(f"{UPPER}/ids", f"account alice uid {ALICE} 7 gid {ALICE} 7"
              " count 65535\n")

    def another_account():
        with open(f"{UPPER}/ids", encoding="ascii") as stream:
            text = stream.read()
        write(f"{UPPER}/ids", text.replace("account alice", "account amy"))

    for damage, why in (
            (lambda: os.chmod(UPPER, 0o711),
             "others may enter it (mode 0711): it was made without root_inside;"
             " move it away"),
            (other_ids,
             "what is in it belongs to other ids (account alice uid 61001 7"
             f" gid 61001 7 count 65535), not to {OURS}: give the account those"
             " again, or move it away"),
            (another_account,
             f"what is in it belongs to other ids ({OURS.replace('alice', 'amy')})"
             f", not to {OURS}: give the account those again, or move it away"),
            (lambda: os.unlink(f"{UPPER}/ids"),
             f"what is in it belongs to other ids (not told), not to {OURS}:"
             " give the account those again, or move it away"),
            (lambda: os.chown(f"{UPPER}/upper", 0, 0),
             "upper belongs to uid 0, gid 0: move it away"),
            (lambda: (os.rename(f"{UPPER}/upper", f"{UPPER}/kept"),
                      os.symlink(OUTSIDE, f"{UPPER}/upper")),
             "upper: Not a directory")):
        with Tree():
            said(probe(*ROOT, "take"))
            damage()
            before = snapshot(OUTSIDE)
            refused(probe(*ROOT, "run", "echo", "ran"),
                    f"probe: 4: {UPPER}: {why}")
            equal(snapshot(OUTSIDE), before, why)
    with Tree():
        said(probe(*ROOT, "take"))
        answer = probe(*WRITABLE, "run", "echo", "ran")
        check(f"what is in it belongs to other ids ({OURS}), not to account"
              f" alice uid {ALICE}: " in answer.stderr, answer)


@sentence
def two_accounts_can_use_one_tree():
    with Tree(), Hold(*READ_ONLY):
        os.chown("/mnt/home", ALICE + 1, 0)
        try:
            said(probe("-i", ALICE + 1, *READ_ONLY, "take"))
        finally:
            os.chown("/mnt/home", ALICE, ALICE)


main()
