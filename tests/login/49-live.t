#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""jailconf check --live: tries to get out of a real jail, says what came of
it, and leaves nothing; and a jail or a door that is weak is seen to be weak"""
import contextlib
import json
import os
import pathlib
import signal
import subprocess

from bed import (JAILSH, WITH_SYSTEMD, Skip, case, eventually, has,
                 jail_account, lacks, run, same, set_up, sh, stop, uid_of)

WHO, WEAK, IDE, ROOTY = "lively", "weakly", "workly", "rootly"
EXIM = pathlib.Path("/etc/exim4/conf.d/router/600_exim4-config_userforward")

set_up()
jail_account(WHO)
jail_account(WEAK, 'network = "none"; binds = ({ source = "/home";'
                   ' target = "/home/others"; });')
os.makedirs("/run/sshd", exist_ok=True)
if WITH_SYSTEMD:  # else every case waits for a minute to be over
    sh("systemctl stop cron")


def live(who, status=0):
    done = subprocess.run(["jailconf", "check", "--json", "--live", who],
                          capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, timeout=500)
    result = json.loads(done.stdout)
    for line in (*verdicts(result, "ESCAPED"), *verdicts(result, "leak")):
        print(f"# {who}: {line}")
    same(done.returncode, status, done.stderr)
    lacks(done.stderr, "^jailconf: (?!.*: remark: the tree is read-only)")
    same(result["fine"], status == 0)
    return result


def verdicts(result, verdict):
    return sorted(f"{a['door']} {a['name']} {a['detail']}"
                  for a in result["attempts"] if a["verdict"] == verdict)


def verdict_of(result, door, name):
    return next(a["verdict"] for a in result["attempts"]
                if (a["door"], a["name"]) == (door, name))


def traces():
    """What there is of its own, and where it plants something."""
    found = {str(path) for top in ("/run", "/tmp", "/var/tmp", "/dev/shm",
                                   "/etc/cron.d", "/root", "/home")
             for path in pathlib.Path(top).glob("*live*")}
    for who in (WHO, WEAK):
        found |= {str(p) for p in pathlib.Path(f"/home/{who}").iterdir()}
    ours = sh("ps -e -o args").splitlines()
    return found | {line for line in ours if "jail-escape" in line}


@contextlib.contextmanager
def leaves_nothing(who):
    before = traces()
    yield
    stop(who)
    eventually(lambda: traces() == before, f"{traces()}, as before: {before}")


@contextlib.contextmanager
def no_pipes():
    """The mail program of the bed runs what ~/.forward pipes to."""
    os.rename("/usr/sbin/exim4", "/usr/sbin/exim4-away")
    try:
        yield
    finally:
        os.rename("/usr/sbin/exim4-away", "/usr/sbin/exim4")


@contextlib.contextmanager
def cron():
    pid = pathlib.Path("/run/crond.pid")
    pid.unlink(missing_ok=True)  # of one that was killed
    with subprocess.Popen(["cron", "-f"]) as daemon:
        try:
            eventually(lambda: pid.exists() and
                       pid.read_text().strip() == str(daemon.pid), "cron runs")
            yield
        finally:
            daemon.kill()


@contextlib.contextmanager
def without_pam_jail(service):
    path = pathlib.Path(f"/etc/pam.d/{service}")
    before = path.read_text()
    path.write_text("".join(f"{kind} required pam_permit.so\n" for kind in
                            ("auth", "account", "session", "password")))
    try:
        yield
    finally:
        path.write_text(before)


@case
def a_jail_contains_what_is_tried_by_every_door():
    with leaves_nothing(WHO), no_pipes():
        result = live(WHO)
    same(verdicts(result, "ESCAPED"), [])
    for door in ("exec", "su", "ssh"):
        tried = [a for a in result["attempts"] if a["door"] == door
                 and a["verdict"] == "contained"]
        same(len(tried) > 200, True, f"{door}: {len(tried)}")
    if WITH_SYSTEMD:
        same(verdict_of(result, "systemd", "planted.unit"), "contained")


@case
def what_was_asked_for_is_expected():
    """A jail with user namespaces, and one with root inside."""
    jail_account(IDE, 'seccomp = "ide";')
    with leaves_nothing(IDE), no_pipes():
        result = live(IDE)
    same("exec ns.userns-clone made a user namespace"
         in verdicts(result, "leak"), True)
    if not os.path.exists("/srv/other/etc/os-release"):
        raise Skip("no tree of another release at /srv/other")
    jail_account(ROOTY, 'root = "/srv/other";', "writable = true;",
                 "root_inside = true;", 'shell = "/bin/bash";',
                 'network = "none";')
    kept = {}
    for name in ("/etc/subuid", "/etc/subgid"):
        kept[name] = pathlib.Path(name).read_text()
        pathlib.Path(name).write_text(f"{ROOTY}:200000:65536\n")
    try:
        with leaves_nothing(ROOTY), no_pipes():
            result = live(ROOTY)
    finally:
        for name, text in kept.items():
            pathlib.Path(name).write_text(text)
    same(verdicts(result, "ESCAPED"), [])
    same([door for door in ("exec", "su", "ssh")
          if verdict_of(result, door, "root.trusted") != "contained"], [])


@case
def what_a_mail_program_pipes_is_outside_and_said_to_be():
    with leaves_nothing(WHO):
        result = live(WHO, status=1)
    same([line.split()[1] for line in verdicts(result, "ESCAPED")],
         ["planted.forward"])


@case
def a_job_of_cron_s_runs_in_the_jail_or_is_told_of():
    with cron(), leaves_nothing(WHO), no_pipes():
        result = live(WHO)
        has("\n".join(verdicts(result, "contained")),
            "^cron planted.job it ran in the jail")
        with without_pam_jail("cron"):
            result = live(WHO, status=1)
        same(verdicts(result, "ESCAPED"),
             ["cron planted.job it ran outside"])


@case
def a_door_without_pam_jail_is_told_of():
    with leaves_nothing(WHO), no_pipes(), without_pam_jail("sshd"):
        # With jailsh for a login shell, not even that would let it out.
        sh(["usermod", "-s", "/bin/bash", WHO])
        try:
            result = live(WHO, status=1)
        finally:
            sh(["usermod", "-s", JAILSH, WHO])
    found = verdicts(result, "ESCAPED")
    same({line.split()[0] for line in found}, {"ssh"})
    has("\n".join(found), "^ssh fs.host-file ")
    has("\n".join(found), "^ssh proc.signal ")


@case
def what_a_jail_should_not_show_is_told_of():
    with leaves_nothing(WEAK), no_pipes():
        result = live(WEAK, status=1)
    same(verdicts(result, "ESCAPED"), [])
    for door in ("exec", "su", "ssh"):
        same(verdict_of(result, door, "info.homes"), "leak")


@case
def in_words_it_says_the_same():
    with leaves_nothing(WHO), no_pipes():
        said = sh(["jailconf", "check", "--live", WHO], timeout=200)
    has(said, r"^ssh +fs\.host-file +contained ")
    has(said, r"^exec +ns\.same-net +leak .*; expected: network = \"host\"$")
    has(said, r"^fine: contained: \d+, ESCAPED: 0, ")


@case
def an_interrupt_takes_everything_away_first():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE):
        with leaves_nothing(WHO), cron():
            with subprocess.Popen(["jailconf", "check", "--live", WHO],
                                  stdout=subprocess.PIPE, text=True) as tool:
                eventually(lambda: list(pathlib.Path(f"/home/{WHO}").glob(
                    ".jail-live.*/escape")), "it has planted something")
                tool.send_signal(number)
                tool.communicate(timeout=60)
            same(tool.returncode, -number)


@case
def what_the_account_has_already_stays_as_it_is():
    home = pathlib.Path(f"/home/{WHO}")
    own = {".forward": "somebody@example.org\n", ".pam_environment": "A=b\n"}
    for name, text in own.items():
        (home / name).write_text(text)
        os.chown(home / name, uid_of(WHO), uid_of(WHO))
    try:
        said = subprocess.run(["jailconf", "check", "--live", WHO],
                              capture_output=True, text=True, check=False,
                              timeout=200)
        has(said.stdout, r"^mail +planted.forward +n/a ")
        has(said.stdout, r"^pam +planted.environment +n/a ")
        for name, text in own.items():
            same((home / name).read_text(), text)
    finally:
        for name in own:
            (home / name).unlink()


@case
def only_root_and_only_of_a_jailed_account():
    done = subprocess.run(["jailconf", "check", "--live", "root"],
                          capture_output=True, text=True, check=False)
    same(done.returncode, 1)
    has(done.stderr, "root: is not jailed")
    done = subprocess.run(["jailconf", "check", "--live", WHO],
                          capture_output=True, text=True, check=False,
                          user=uid_of(WHO), group=uid_of(WHO),
                          extra_groups=[])
    same(done.returncode, 1)
    has(done.stderr, "only root can do that")


run(seconds=300)
