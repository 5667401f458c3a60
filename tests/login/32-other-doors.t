#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""the side doors, each with its real program: su's other ways, cron's other
tables, ftp, dropbear, mail that a program of the account's reads, and what
changes an account

Where nothing asks pam_jail, the account is outside: jail(7), DOORS, names
each of these, and so does "jailconf check" where it finds the program.
"""
import contextlib
import ftplib
import os
import pathlib
import quopri
import re
import subprocess

from bed import (JAILED, JAILSH, PLAIN, PROOF, RUN, WITH_SYSTEMD, Logged,
                 account, at_door, both, came_out, can_connect, case,
                 eventually, has, host_namespaces, is_inside, lacks, once,
                 proved, run, same, sh, ssh, ssh_argv, sshd, stop, su, the_two,
                 uid_of)
from term import Terminal

FTP_PORT, DROPBEAR_PORT, TARGET_PORT = 2121, 2240, 2241

the_two()
account("asker")
sshd()


def script_of(who):
    """PROOF as a program of WHO's."""
    path = pathlib.Path(f"/home/{who}/proof.sh")
    path.write_text("#!/bin/sh\n" + PROOF + "\n")
    path.chmod(0o755)
    return path


@contextlib.contextmanager
def changed(path, change):
    path = pathlib.Path(path)
    before = path.read_text()
    path.write_text(change(before))
    try:
        yield
    finally:
        path.write_text(before)


# --- su and its kin ----------------------------------------------------------

@both
def su_with_a_pty_of_its_own(who):
    with Terminal(["su", "--pty", "-", who, "-c",
                   f"sh {script_of(who)}"]) as tty:
        tty.wait(timeout=20)
        proved(who, tty.text.replace("\r", ""), "su --pty")


@both
def su_by_a_user_with_the_password(who):
    with Terminal(["setpriv", f"--reuid={uid_of('asker')}",
                   f"--regid={uid_of('asker')}", "--clear-groups", "su", who,
                   "-c", f"sh {script_of(who)}"]) as tty:
        tty.expect("assword: ")
        tty.line("pw")
        tty.wait(timeout=20)
        proved(who, tty.text.replace("\r", ""), "su, by a user")


@case
def another_shell_that_root_chooses_is_outside():
    """Root may always become anybody.  Not covered: jail(7)."""
    for door, text in (
            ("su -s, by root", su(JAILED, PROOF, "-s", "/bin/sh",
                                  login=False).stdout),
            ("setpriv, by root", sh(["setpriv", f"--reuid={uid_of(JAILED)}",
                                     "--clear-groups", "sh", "-c", PROOF]))):
        same(at_door(door, text), "outside")


@case
def runuser_is_outside_until_its_session_stack_asks():
    command = ["runuser", "-u", JAILED, "--", "sh", "-c", PROOF]
    same(at_door("runuser -u, as packaged", sh(command)), "outside")
    log = Logged()
    line = sh("grep -h '^session.*pam_jail' /etc/pam.d/common-session")
    with changed("/etc/pam.d/runuser", lambda t: t + line):
        proved(PLAIN, sh(["runuser", "-u", PLAIN, "--", "sh", "-c", PROOF]))
        same(at_door("runuser -u, with a session line",
                     sh(command, check=False).stdout, log,
                     r"pam_jail\(runuser:session\): refuse user=jailed"),
             "denied")


# --- cron's tables, and mail about its jobs ----------------------------------

@contextlib.contextmanager
def real_sendmail():
    """Another test may have put a script in its place."""
    path = pathlib.Path("/usr/sbin/sendmail")
    keep = path.rename("/usr/sbin/sendmail.kept")
    path.symlink_to("exim4")
    try:
        yield
    finally:
        path.unlink()
        keep.rename(path)


def mail_of(who):
    """The last message that exim has delivered to WHO."""
    text = pathlib.Path(f"/var/mail/{who}").read_text(errors="replace")
    message = text.rsplit("\nFrom ", 1)[-1]
    if "quoted-printable" in message:
        head, _, body = message.partition("\n\n")
        message = head + "\n\n" + quopri.decodestring(body).decode()
    return message


@both
def a_job_of_cron_d_and_the_mail_about_it(who):
    table = pathlib.Path("/etc/cron.d/bed")
    box = pathlib.Path(f"/var/mail/{who}")
    box.unlink(missing_ok=True)
    table.write_text(f"MAILTO={who}@localhost\n@reboot {who}"
                     f" {script_of(who)}\n")
    if WITH_SYSTEMD:
        sh("systemctl stop cron")
    pathlib.Path("/run/crond.reboot").unlink(missing_ok=True)
    with real_sendmail(), subprocess.Popen(["cron", "-f"]) as daemon:
        try:
            eventually(lambda: box.exists() and "end" in mail_of(who),
                       "the mail is there", 30)
        finally:
            daemon.kill()
            table.unlink()
    proved(who, mail_of(who), "cron: /etc/cron.d, and its mail")


@case
def a_pipe_in_forward_is_outside():
    """The mail program becomes the account without PAM.  Not covered."""
    for who in (PLAIN, JAILED):
        forward = pathlib.Path(f"/home/{who}/.forward")
        out = pathlib.Path(f"/home/{who}/forwarded")
        out.unlink(missing_ok=True)
        pipe = pathlib.Path(f"/home/{who}/pipe.sh")
        pipe.write_text(f"#!/bin/sh\n{{ {PROOF}\n}} >{out}.new\n"
                        f"mv {out}.new {out}\n")
        pipe.chmod(0o755)
        forward.write_text(f"|{pipe}\n")
        sh(f"chown {who}: {forward} {pipe}")
        try:
            sh(["exim4", "-odf", f"{who}@localhost"], stdin=None,
               input="Subject: x\n\ntext\n")
            eventually(out.exists, "the pipe has run")
            same(is_inside(out.read_text()), False)
            same(out.owner(), who)
            same(re.search(rf"^warning: account {who}: .*exim4.*/\.forward",
                           sh(["jailconf", "check"], check=False).stdout,
                           re.M) is not None, who == JAILED, "check tells")
            if who == JAILED:
                has(sh(["jailconf", "explain", who]),
                    r"^ +~/\.forward +outside +/usr/sbin/exim4 ")
        finally:
            forward.unlink()
    came_out("a pipe in ~/.forward", "outside")


# --- ftp ---------------------------------------------------------------------

@contextlib.contextmanager
def vsftpd():
    config = RUN / "vsftpd.conf"
    empty = RUN / "vsftpd-empty"
    empty.mkdir(exist_ok=True)
    config.write_text(
        "listen=YES\nlisten_address=127.0.0.1\nbackground=NO\n"
        f"listen_port={FTP_PORT}\nanonymous_enable=NO\nlocal_enable=YES\n"
        f"pam_service_name=vsftpd\nsecure_chroot_dir={empty}\n"
        "seccomp_sandbox=NO\nisolate=NO\nisolate_network=NO\n")
    with subprocess.Popen(["vsftpd", str(config)]) as daemon:
        try:
            eventually(lambda: can_connect(FTP_PORT), "vsftpd listens")
            yield
        finally:
            daemon.kill()


def ftp(who):
    """Logs in; whether that works."""
    with ftplib.FTP() as client:
        client.connect("127.0.0.1", FTP_PORT, timeout=20)
        try:
            client.login(who, "pw")
        except ftplib.error_perm as err:
            has(str(err), "^530")
            return False
        same(client.pwd(), f"/home/{who}")
        return True


@case
def an_ftp_daemon_refuses_a_jailed_account():
    """Once more by pam_jail alone: as packaged, the shell is refused, too."""
    with vsftpd():
        same(ftp(PLAIN), True)
        same(ftp(JAILED), False)
        log = Logged()
        with changed("/etc/pam.d/vsftpd",
                     lambda t: re.sub(".*pam_shells.*\n", "", t)):
            same(ftp(PLAIN), True)
            same(ftp(JAILED), False)
        log.expect(r"pam_jail\(vsftpd:account\): refuse user=jailed")
    came_out("vsftpd", "denied")


# --- dropbear ----------------------------------------------------------------

@contextlib.contextmanager
def dropbear():
    """Yields what it has logged, as a function."""
    key, log = RUN / "dropbear-key", RUN / "dropbear-log"
    if once("dropbear-key-made"):
        sh(["dropbearkey", "-t", "ed25519", "-f", str(key)])
    with open(log, "w", encoding="utf-8") as file, subprocess.Popen(
            ["dropbear", "-F", "-E", "-r", str(key), "-p",
             f"127.0.0.1:{DROPBEAR_PORT}"], stderr=file) as daemon:
        try:
            eventually(lambda: can_connect(DROPBEAR_PORT), "dropbear listens")
            yield log.read_text
        finally:
            daemon.kill()


@case
def dropbear_refuses_a_shell_that_is_not_in_etc_shells():
    with dropbear() as log:
        proved(PLAIN, ssh(PLAIN, PROOF, port=DROPBEAR_PORT).stdout)
        done = ssh(JAILED, PROOF, port=DROPBEAR_PORT)
        same(done.returncode, 255)
        lacks(done.stdout, "mnt=")
        eventually(lambda: f"User '{JAILED}' has invalid shell" in log(),
                   "dropbear says why")
    came_out("dropbear", "denied")


@case
def dropbear_with_jailsh_in_etc_shells_forwards_outside():
    """A mistake, of which check tells.  Not covered: jail(7)."""
    server = subprocess.Popen(
        ["python3", "-c", "import socket\n"
         f"s = socket.create_server(('127.0.0.1', {TARGET_PORT}))\n"
         "while True: s.accept()[0].sendall(b'of the host\\n')"])
    try:
        eventually(lambda: can_connect(TARGET_PORT), "the host's service")
        with dropbear(), changed("/etc/shells", lambda t: t + JAILSH + "\n"):
            stop(JAILED)
            log = Logged()
            done = ssh(JAILED, PROOF, port=DROPBEAR_PORT)
            same(at_door("dropbear, jailsh in /etc/shells: a command",
                         done.stdout, log, "jailsh.*refuse uid="), "denied")
            ssh(JAILED, "true")
            proved(JAILED, ssh(JAILED, PROOF, port=DROPBEAR_PORT).stdout)
            done = subprocess.run(
                ssh_argv(JAILED, port=DROPBEAR_PORT, options=[
                    "-W", f"127.0.0.1:{TARGET_PORT}"]), timeout=20,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
            same(done.stdout, b"of the host\n")
            text = sh(["jailconf", "check"], check=False).stdout
            has(text, "^error: /etc/shells lists")
            has(text, "^error: dropbear")
    finally:
        server.kill()
        server.wait()
    came_out("dropbear, jailsh in /etc/shells: forwarding", "outside")


# --- what changes an account -------------------------------------------------

CHANGERS = ("chsh -s /bin/bash", "chfn -r 1", "newgrp users -c id",
            "sg users id", "gpasswd users", "crontab -l", "at now",
            "passwd", "su - plain -c id")


@case
def nothing_inside_changes_the_account_or_becomes_another():
    before = [pathlib.Path(f"/etc/{name}").read_bytes()
              for name in ("passwd", "shadow", "group", "gshadow")]
    for command in CHANGERS:
        done = ssh(JAILED, f"echo | {command}")
        same(done.returncode != 0, True, command)
        lacks(done.stdout, "uid=0|users|euid=", command)
    same([pathlib.Path(f"/etc/{name}").read_bytes()
          for name in ("passwd", "shadow", "group", "gshadow")], before)


@case
def no_shell_can_be_chosen_from_outside_either():
    """chsh(1) as the account, on the host, as a program outside would: the
    account's shell is no shell of /etc/shells, and chsh is no door."""
    before = sh(["getent", "passwd", JAILED])
    log = Logged()
    for words in (["chsh", "-s", "/bin/bash"], ["chfn", "-r", "1"]):
        with Terminal(["setpriv", f"--reuid={uid_of(JAILED)}",
                       f"--regid={uid_of(JAILED)}", "--clear-groups",
                       *words]) as tty:
            with contextlib.suppress(AssertionError):
                tty.expect("assword: ", timeout=3)
                tty.line("pw")
            same(tty.wait(timeout=15) != 0, True, f"{words} {tty.text}")
    same(sh(["getent", "passwd", JAILED]), before)
    log.expect("pam_jail.ch(sh|fn):account.: refuse user=jailed")
    came_out("chsh, chfn", "denied")


@case
def the_host_is_the_host():
    """Else the proofs above could not tell."""
    same(os.readlink("/proc/1/ns/mnt"), host_namespaces()["mnt"])


run()
