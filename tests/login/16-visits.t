#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""One account, and another jail by how it comes in: by the key that was
used, by the address, by the service.  Nobody inside chooses."""
import contextlib
import os
import pathlib
import re
import subprocess

from bed import (CONF_DIR, PROOF, case, configure, eventually, has,
                 jail_account, lacks, proved, residue, run, same, sh, ssh,
                 ssh_argv, sshd, stop, su)

WHO = "visitor"
KEY = pathlib.Path("/root/.ssh/deploy")
WITH_DEPLOY_KEY = ["-i", str(KEY), "-o", "IdentitiesOnly=yes"]
WHERE = "echo jail=$(hostname) pid=$(readlink /proc/self/ns/pid); "


def set_up():
    jail_account(WHO)
    conf = CONF_DIR / "jail.conf"
    if "other = {" not in conf.read_text():
        conf.write_text(conf.read_text().replace(
            "jails = {", 'jails = {\n\tother = { inherit = "shell"; };', 1))
    if not KEY.exists():
        sh(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "deploy",
            "-f", str(KEY)])
        with open(f"/home/{WHO}/.ssh/authorized_keys", "a",
                  encoding="ascii") as keys:
            keys.write(KEY.with_suffix(".pub").read_text())
    sshd()


def rules(*lines):
    stop(WHO)
    configure(WHO, 'network = "none";', "linger = 0;",
              "rules = (" + ", ".join(lines) + ");")


def by_key(jail="files"):
    text = KEY.with_suffix(".pub").read_text().strip()
    return f'{{ key = "{text}"; jail = "{jail}"; }}'


def jail_of(text):
    """The jail that the process TEXT is of runs in, as the host sees it."""
    found = re.search(r"pid=(pid:\[\d+\])", text)
    assert found, text
    for line in sh(["jailconf", "list"]).splitlines()[1:]:
        account, _, jail, _, init = line.split()[:5]
        with contextlib.suppress(FileNotFoundError):
            if account == WHO and \
                    os.readlink(f"/proc/{init}/ns/pid") == found.group(1):
                return jail
    return None


class Session:
    """An ssh session that says where it is and stays."""

    def __init__(self, *options):
        self.process = subprocess.Popen(
            ssh_argv(WHO, WHERE + "sleep 300 & cat", options=options),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.line = self.process.stdout.readline()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.kill()
        self.process.wait()


set_up()


@case
def the_deploy_key_gets_the_stricter_jail_and_the_other_key_does_not():
    rules(by_key())
    with Session() as own, Session(*WITH_DEPLOY_KEY) as deploy:
        same(jail_of(own.line), "shell", own.line)
        same(jail_of(deploy.line), "files", deploy.line)
        has(sh(["jailconf", "list"]), rf"^{WHO} +\d+ +files ")


@case
def both_jails_run_at_once_and_do_not_see_each_other():
    rules(by_key())
    with Session(), Session(*WITH_DEPLOY_KEY):
        for options in ([], WITH_DEPLOY_KEY):
            # The sleep of this jail's own session, and no other.
            eventually(lambda to=options: ssh(
                WHO, "pgrep -c sleep", options=to).stdout == "1\n", "one sleep")
            proof = ssh(WHO, PROOF, options=options).stdout
            proved(WHO, proof)


@case
def nothing_is_left_of_either():
    rules(by_key())
    with Session(), Session(*WITH_DEPLOY_KEY):
        pass
    eventually(lambda: not residue(WHO), residue(WHO))


@case
def stop_ends_both():
    rules(by_key())
    with Session() as own, Session(*WITH_DEPLOY_KEY) as deploy:
        sh(["jailconf", "stop", WHO])
        eventually(lambda: None not in (own.process.poll(),
                                        deploy.process.poll()), "both ended")
    eventually(lambda: not residue(WHO), residue(WHO))


@case
def exec_wants_to_know_which_one():
    rules(by_key())
    with Session(), Session(*WITH_DEPLOY_KEY):
        done = sh(["jailconf", "exec", WHO, "--", "true"], check=False)
        same(done.returncode, 125)
        has(done.stdout, "say which one with --jail")
        for jail in ("files", "shell"):
            text = sh(["jailconf", "exec", "--jail", jail, WHO, "--", "sh",
                       "-c", WHERE])
            same(jail_of(text), jail)


@case
def what_the_account_writes_into_its_environment_is_not_believed():
    """Of a key that it does not have, or that it does not want to have."""
    rules('{ key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGother other"; '
          'jail = "other"; }', by_key())
    home = pathlib.Path(f"/home/{WHO}")
    lies = ("publickey ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGother", "x")
    try:
        for lie in lies:
            for name in (".pam_environment", ".ssh/environment"):
                (home / name).write_text(
                    f'SSH_AUTH_INFO_0="{lie}"\nJAIL=other\n')
            with Session(*WITH_DEPLOY_KEY) as deploy:
                same(jail_of(deploy.line), "files", lie)
    finally:
        for name in (".pam_environment", ".ssh/environment"):
            (home / name).unlink()


@case
def a_rule_may_ask_for_the_address():
    rules('{ address = "127.0.0.0/8"; jail = "files"; }')
    with Session() as session:
        same(jail_of(session.line), "files")
    rules('{ address = "192.0.2.0/24"; jail = "files"; }')
    with Session() as session:
        same(jail_of(session.line), "shell")


@case
def a_name_instead_of_an_address_is_refused():
    rules('{ address = "127.0.0.0/8"; jail = "files"; }')
    sshd(2270, "UseDNS yes\n")
    done = ssh(WHO, "echo in", port=2270)
    same((done.returncode != 0, done.stdout), (True, ""))


@case
def a_rule_may_ask_for_the_service():
    rules('{ service = [ "su", "su-l" ]; jail = "other"; }')
    with Session() as session:
        same(jail_of(session.line), "shell")
        done = su(WHO, WHERE + "sleep 1")
        lacks(done.stdout, re.escape(session.line.split("pid=")[1].strip()))
        other = subprocess.Popen(
            ["su", "-", WHO, "-c", WHERE + "cat"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        same(jail_of(other.stdout.readline()), "other")
        other.stdin.close()
        same(other.wait(10), 0)
    stop(WHO)


@case
def explain_says_which_way_leads_where():
    rules(by_key())
    key = KEY.with_suffix(".pub").read_text().strip()
    has(sh(["jailconf", "explain", WHO]), rf"^{WHO} .* in jail shell")
    has(sh(["jailconf", "explain", "--key", key, WHO]),
        rf"^{WHO} .* in jail files")
    has(sh(["jailconf", "check"]), "^fine")


@case
def what_the_key_opens_the_account_step_may_close():
    """It comes first, and does not know the key."""
    conf = CONF_DIR / "jail.conf"
    if "jobs-only = {" not in conf.read_text():
        conf.write_text(conf.read_text().replace(
            "jails = {", 'jails = {\n\tjobs-only = { inherit = "shell"; '
            'doors = { cron = "job"; }; };', 1))
    rules(by_key(), '{ service = "sshd"; jail = "jobs-only"; }')
    key = KEY.with_suffix(".pub").read_text().strip()
    why = "the service is not among the doors of jail jobs-only"
    has(sh(["jailconf", "explain", "--service", "sshd", "--key", key, WHO]),
        rf"^ +sshd +refused +before the key is known: {why}")
    done = ssh(WHO, "echo in", options=WITH_DEPLOY_KEY)
    same((done.returncode != 0, done.stdout), (True, ""))
    rules(by_key())
    has(sh(["jailconf", "explain", "--service", "sshd", "--key", key, WHO]),
        "^ +sshd +jail ")


run(seconds=90)
