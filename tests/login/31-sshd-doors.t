#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""every way that sshd has of letting somebody in, and what a client can ask
of it: each ends in the jail"""
import contextlib
import hashlib
import os
import pathlib
import re
import shlex
import subprocess

from bed import (JAILED, PLAIN, PROOF, RUN, SSH_OPTIONS, WITH_KEY, Logged,
                 at_door, both, came_out, case, eventually, has,
                 host_namespaces, lacks, once, processes, proved, run, same,
                 sh, ssh, ssh_argv, sshd, stop, the_two, uid_of)

TWO_PORT, CODE_PORT, CERT_PORT, MATCH_PORT, REKEY_PORT, NO_PAM_PORT = range(
    2231, 2237)
CA = RUN / "ca"
SECRET = "00112233445566778899aabbccddeeff00112233"
USERS = pathlib.Path("/etc/users.oath")


def match_blocks():
    """The command of each block is a proof of its own."""
    proof = "; ".join(PROOF.splitlines())
    return "".join(
        f"Match {condition}\n  ForceCommand echo by-{name}; {proof}\n"
        for name, condition in (("account", "User staff,online"),
                                ("address", "Address 127.0.0.0/8")))


the_two()
sshd()
sshd(TWO_PORT, "AuthenticationMethods publickey,password\n")
sshd(CODE_PORT, "AuthenticationMethods keyboard-interactive\n"
     "KbdInteractiveAuthentication yes\n")
sshd(MATCH_PORT, match=match_blocks())
sshd(REKEY_PORT, "RekeyLimit 64K\n")
sshd(NO_PAM_PORT, "UsePAM no\nSubsystem sftp internal-sftp\n")
if once("ca-made"):
    sh(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(CA)])
sshd(CERT_PORT, f"TrustedUserCAKeys {CA}.pub\nAuthorizedKeysFile none\n")


@both
def a_key_and_then_a_password(who):
    command = ssh_argv(who, PROOF, port=TWO_PORT, by=())
    proved(who, sh(["sshpass", "-p", "pw", *command]),
           "ssh: key, then password")
    done = sh(["sshpass", "-p", "wrong", *command], check=False)
    lacks(done.stdout, "mnt=")


# --- a code of the moment ----------------------------------------------------

@contextlib.contextmanager
def second_factor():
    """sshd asks for a code, too; both accounts have the same secret."""
    stack = pathlib.Path("/etc/pam.d/sshd")
    before = stack.read_text()
    USERS.write_text("".join(f"HOTP {who} - {SECRET}\n"
                             for who in (PLAIN, JAILED)))
    USERS.chmod(0o600)
    stack.write_text("auth required pam_oath.so"
                     f" usersfile={USERS} window=9 digits=6\n" + before)
    try:
        yield
    finally:
        stack.write_text(before)


def with_code(who, counter, password="pw"):
    """ssh that answers both questions."""
    code = sh(["oathtool", "--hotp", "-c", str(counter), SECRET]).strip()
    ask = RUN / "ask"
    ask.write_text("#!/bin/sh\ncase $1 in\n"
                   f"*One-time*) echo {code} ;;\n*) echo {password} ;;\nesac\n")
    ask.chmod(0o755)
    return sh(ssh_argv(who, PROOF, port=CODE_PORT, by=(), options=[
        "-o", "NumberOfPasswordPrompts=1"]), check=False,
        start_new_session=True, env={
            **os.environ, "SSH_ASKPASS": str(ask), "DISPLAY": "none",
            "SSH_ASKPASS_REQUIRE": "force"}).stdout


@both
def a_password_and_a_code(who):
    with second_factor():
        proved(who, with_code(who, 0), "ssh: keyboard-interactive, a code")
        lacks(with_code(who, 0), "mnt=", "the same code again")
        lacks(with_code(who, 1, "wrong"), "mnt=", "another password")
        proved(who, with_code(who, 2))


# --- certificates ------------------------------------------------------------

def certificate(who, name, *options):
    """A key of WHO's with a certificate; its path."""
    key = RUN / f"{name}-{who}"
    for path in RUN.glob(f"{key.name}*"):
        path.unlink()
    sh(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)])
    sh(["ssh-keygen", "-q", "-s", str(CA), "-I", who, *options,
        f"{key}.pub"])
    return key


def with_certificate(who, key, command=PROOF):
    return ssh(who, command, port=CERT_PORT, options=[
        "-o", "IdentitiesOnly=yes", "-i", str(key)])


@both
def a_certificate(who):
    key = certificate(who, "cert", "-n", who)
    proved(who, with_certificate(who, key).stdout, "ssh: certificate")


@both
def a_certificate_with_a_command(who):
    proof = "; ".join(PROOF.splitlines())
    key = certificate(who, "forced", "-n", who,
                      "-O", f"force-command=echo forced; {proof}")
    text = with_certificate(who, key, "echo asked").stdout
    has(text, "^forced$")
    proved(who, text, "ssh: certificate with a command")


@both
def a_certificate_for_somebody_else_or_of_yesterday_is_none(who):
    for options in (["-n", "other"], ["-n", who, "-V", "-2d:-1d"]):
        key = certificate(who, "bad", *options)
        same(with_certificate(who, key).returncode, 255)


# --- sshd_config -------------------------------------------------------------

@both
def the_command_of_a_match_block(who):
    done = ssh(who, "echo asked", port=MATCH_PORT)
    has(done.stdout, "^by-address$")
    proved(who, done.stdout, "ssh: Match block with ForceCommand")


def move(who, port, *options):
    """Bytes to and fro, far more than a key is good for."""
    data = os.urandom(1 << 20)
    done = ssh(who, "tee", port=port, text=False, input=data,
               options=["-v", *options])
    same(hashlib.sha256(done.stdout).hexdigest(),
         hashlib.sha256(data).hexdigest())
    return done.stderr.decode(errors="replace").count("SSH2_MSG_NEWKEYS sent")


@both
def new_keys_in_the_middle_of_a_session(who):
    """The monitor, outside, is asked to sign each time."""
    same(move(who, REKEY_PORT) > 5, True, "by the server's wish")
    same(move(who, 22, "-o", "RekeyLimit=64K") > 5, True, "by the client's")
    proved(who, ssh(who, "head -c 300000 /dev/zero | tr '\\0' x; echo; "
                    + PROOF, port=REKEY_PORT).stdout, "ssh: with new keys")


# --- what a client can ask for -----------------------------------------------

@both
def ten_sessions_of_one_connection_at_a_time(who):
    path = RUN / f"many-{who}"
    options = ["-o", f"ControlPath={path}"]
    with subprocess.Popen(ssh_argv(who, "echo up; cat", options=[
            *options, "-o", "ControlMaster=yes"]), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE) as master:
        same(master.stdout.readline(), b"up\n")
        clients = [subprocess.Popen(
            ssh_argv(who, PROOF, options=options), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
            for _ in range(9)]  # MaxSessions is 10
        texts = [client.communicate(timeout=30)[0] for client in clients]
        for text in texts:
            proved(who, text, "ssh: ControlMaster, ten sessions")
        master.communicate(timeout=10)


@both
def a_connection_without_a_session(who):
    """ssh -N: nothing runs of the account's but sshd's own process."""
    host = host_namespaces()["mnt"]
    stop(JAILED)
    with subprocess.Popen(ssh_argv(who, options=["-N"]),
                          stdin=subprocess.DEVNULL) as client:
        try:
            pid = eventually(lambda: sshd_of(who), "sshd runs as the account")
            inside = os.readlink(f"/proc/{pid}/ns/mnt") != host
        finally:
            client.kill()
    same(inside, who != PLAIN)
    if who != PLAIN:
        came_out("ssh -N", "jail")


def sshd_of(who):
    """Not sshd's process outside, which is the account for a moment when it
    reads the account's keys."""
    uid = uid_of(who)
    for pid, (_, words) in processes().items():
        with contextlib.suppress(OSError):
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            if "sshd" in words and re.search(rf"^Uid:(\t{uid}){{4}}$", status,
                                             re.M):
                return pid
    return None


@both
def a_subsystem_that_does_not_exist(who):
    same(ssh(who, options=["-s"], *["no-such"]).returncode != 0, True)


# --- without PAM -------------------------------------------------------------

@case
def without_pam_a_command_is_inside_or_refused():
    """The login shell is the only wall then, and check says so: 45."""
    proved(PLAIN, ssh(PLAIN, PROOF, port=NO_PAM_PORT).stdout)
    stop(JAILED)
    log = Logged()
    same(at_door("ssh with UsePAM no: a command, no jail runs",
                 ssh(JAILED, PROOF, port=NO_PAM_PORT).stdout, log,
                 r"jailsh.*refuse uid="), "denied")
    ssh(JAILED, "true")  # now the jail runs
    proved(JAILED, ssh(JAILED, PROOF, port=NO_PAM_PORT).stdout,
           "ssh with UsePAM no: a command, the jail runs")


@case
def without_pam_what_sshd_does_itself_is_outside():
    """Nothing of ours is asked.  Not covered: jail(7), DOORS."""
    target = RUN / "fetched"
    for who in (PLAIN, JAILED):
        target.unlink(missing_ok=True)
        sh(shlex.join(["sftp", *SSH_OPTIONS, *WITH_KEY, "-P",
                       str(NO_PAM_PORT),
                       f"{who}@127.0.0.1:/home/other/secret", str(target)]))
        same(target.read_text(), "of the host\n")
    came_out("ssh with UsePAM no: internal-sftp, forwarding", "outside")


run()
