#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""doors that are not listed are closed to a jailed account, and to no other

cron is a door of its own kind: the job is in the jail, its mail is not.
"""
import contextlib
import os
import pathlib
import quopri
import re
import subprocess
import time

from bed import (JAILED, PLAIN, PROOF, RUN, WITH_SYSTEMD, Logged, account,
                 at_door, both, came_out, case, eventually, has, lacks, once,
                 proved, run, same, sh, sshd, ssh, stop, the_two)

the_two()
sshd()

STACK = """\
auth required pam_permit.so
@include common-account
@include common-session
"""


def pamtester(service, who, *operations):
    if once(f"pam-{service}"):
        path = pathlib.Path("/etc/pam.d") / service
        if not path.exists():
            path.write_text(STACK)
    return sh(["pamtester", service, who, *operations], check=False)


@case
def a_service_that_is_not_listed_refuses_a_jailed_account():
    same(pamtester("bed-unlisted", PLAIN, "acct_mgmt").returncode, 0)
    log = Logged()
    done = pamtester("bed-unlisted", JAILED, "acct_mgmt")
    same(done.returncode != 0, True)
    has(done.stdout, "^login refused$")
    log.expect(rf"pam_jail\(bed-unlisted:account\): refuse user={JAILED}\b"
               ".*cause=.*service")
    came_out("a service that is not listed", "denied")


@case
def its_session_is_refused_as_well():
    same(pamtester("bed-unlisted", PLAIN, "open_session").returncode, 0)
    done = pamtester("bed-unlisted", JAILED, "open_session")
    same(done.returncode != 0, True, done.stdout)


@case
def root_passes_every_door():
    same(pamtester("bed-unlisted", "root", "acct_mgmt",
                   "open_session").returncode, 0)


@case
def sudo_to_a_jailed_account_is_refused():
    has(sh(["sudo", "-n", "-u", PLAIN, "id", "-un"]), f"^{PLAIN}$")
    for option in ([], ["-i"], ["-s"]):
        log = Logged()
        text = sh(["sudo", "-n", "-u", JAILED, *option, "sh", "-c", PROOF],
                  check=False).stdout
        same(at_door(" ".join(["sudo -u", *option]), text, log,
                     rf"pam_jail\(sudo.*refuse user={JAILED}"), "denied")


@case
def sudo_by_a_user_to_a_jailed_account_is_refused():
    account("asker")
    pathlib.Path("/etc/sudoers.d/bed").write_text(
        "asker ALL=(ALL) NOPASSWD: ALL\n")
    for who in (PLAIN, JAILED):
        done = sh(["su", "asker", "-c", f"sudo -n -u {who} id -un"],
                  check=False)
        same(f"{who}\n" in done.stdout, who == PLAIN, done.stdout)
    came_out("sudo -u, by a user", "denied")


@case
def runuser_with_the_login_shell_is_not_outside():
    """It asks no account stack, and its own session stack not pam_jail; the
    login shell is the wall."""
    proved(PLAIN, sh(["runuser", "-l", PLAIN, "-c", PROOF]))
    stop(JAILED)
    log = Logged()
    command = ["runuser", "-l", JAILED, "-c", PROOF]
    same(at_door("runuser -l, no jail runs", sh(command, check=False).stdout,
                 log, "jailsh.*refuse uid="), "denied")
    ssh(JAILED, "true")
    proved(JAILED, sh(command), "runuser -l, the jail runs")


@both
def at_runs_jobs_of_unjailed_accounts_only(who):
    spool = pathlib.Path("/var/spool/cron/atjobs")
    ran = pathlib.Path(f"/home/{who}/at-ran")
    if not sh("pgrep -x atd; :"):
        sh(["atd"])
    # at(1) is set-uid, which means nothing inside: the job is put where at
    # would have put it.
    log = Logged()
    put_at_job(spool, who, f"{{ {PROOF}\n}} >{ran}\n")
    if who == PLAIN:
        def has_run():
            sh("pkill -HUP -x atd; :")  # it may have been about to sleep
            return ran.exists() and "end" in ran.read_text()
        eventually(has_run, "the job runs", 15)
        proved(who, ran.read_text())
    else:
        log.expect(r"pam_jail\(atd:account\): refuse user=jailed", 15)
        time.sleep(0.5)
        same(ran.exists(), False, "the job ran")
        came_out("at", "denied")


def put_at_job(spool, who, script):
    """A job for now, as at(1) writes it."""
    uid, gid = int(sh(["id", "-u", who])), int(sh(["id", "-g", who]))
    number = len(list(spool.iterdir())) + 1
    name = f"a{number:05x}{int(time.time() / 60):08x}"
    path = spool / name
    path.write_text(f"#!/bin/sh\n# atrun uid={uid} gid={gid}\n"
                    f"# mail {who} 0\numask 22\ncd /home/{who} || exit\n"
                    + script)
    os.chmod(path, 0o700)
    os.chown(path, uid, spool.stat().st_gid)
    sh("pkill -HUP -x atd; :")


MAIL = RUN / "mail"

SENDMAIL = f"""#!/bin/sh
{{ {PROOF}
cat; }} >{MAIL}.tmp
mv {MAIL}.tmp {MAIL}
"""


@contextlib.contextmanager
def kept_mail():
    """Instead of the system's mail program, one that keeps the mail."""
    sendmail = pathlib.Path("/usr/sbin/sendmail")
    before = sendmail.with_name("sendmail.before")
    if sendmail.is_symlink() or sendmail.exists():
        sendmail.rename(before)
    sendmail.write_text(SENDMAIL)
    sendmail.chmod(0o755)
    try:
        yield
    finally:
        sendmail.unlink()
        if before.is_symlink() or before.exists():
            before.rename(sendmail)


def cron(who, line):
    """Runs LINE as an @reboot job of WHO's; returns the mail about it."""
    MAIL.unlink(missing_ok=True)
    RUN.chmod(0o1777)
    sh(["crontab", "-u", who, "-"], stdin=None, input=f"@reboot {line}\n")
    if WITH_SYSTEMD:
        sh("systemctl stop cron")
    pathlib.Path("/run/crond.reboot").unlink(missing_ok=True)
    with kept_mail():
        daemon = subprocess.Popen(["cron", "-f"])
        try:
            eventually(MAIL.exists, "cron sends mail", 15)
        finally:
            daemon.kill()
            daemon.wait()
            sh(["crontab", "-u", who, "-r"])
    text = MAIL.read_text()
    if "quoted-printable" in text:  # since cron 3.0pl1-180
        head, _, body = text.partition("\n\n")
        text = head + "\n\n" + quopri.decodestring(body).decode()
    return text


@both
def a_cron_job_runs_where_the_account_belongs(who):
    script = pathlib.Path(f"/home/{who}/proof.sh")
    script.write_text(PROOF)
    mail = cron(who, f"sh {script} | sed 's/^/job:/'")
    # The mail program is the host's and runs on the host.
    proved(PLAIN, mail.split("From:")[0])
    proved(who, "\n".join(re.findall("^job:(.*)", mail, re.M)),
           "cron: a user's crontab, @reboot")


@both
def a_cron_job_has_its_shell_input_and_environment(who):
    mail = cron(who, r"cat; echo; echo $HOME $0 $(id -un)%one%two")
    has(mail, "^one\ntwo\n")
    has(mail, f"^/home/{who} /bin/sh {who}$")


@case
def an_sshd_that_does_not_use_pam_runs_no_command_outside():
    """The login shell is the second lock; that it is the only one then is
    what "jailconf check" warns of."""
    sshd(2227, "UsePAM no\n")
    proved(PLAIN, ssh(PLAIN, PROOF, port=2227).stdout)
    stop(JAILED)
    for _ in range(2):
        done = ssh(JAILED, PROOF, port=2227)
        if "mnt=" in done.stdout:
            proved(JAILED, done.stdout)
        else:
            same(done.returncode != 0, True)
        ssh(JAILED, "true")  # now the jail runs


@case
def internal_sftp_in_a_chroot_of_sshd_s_is_not_outside():
    """Two walls at a time: sshd's chroot(2) and ours."""
    sh("mkdir -p /srv/sftp && chmod 755 /srv /srv/sftp &&"
       " cp /tmp/secret /srv/sftp/secret-too")
    sshd(2224, "Subsystem sftp internal-sftp\nChrootDirectory /srv/sftp\n")
    done = ssh(JAILED, "-s", "sftp", port=2224)
    lacks(done.stdout, "secret-too")
    came_out("sftp: ChrootDirectory", "denied")


run()
