#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""who was here: utmp, wtmp, lastlog, loginuid, the log and the audit trail say
of a jailed account what they say of any other"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess

from bed import (CGROUP, JAILED, PLAIN, SLOW, WITH_SYSTEMD, Logged, Skip, both,
                 case, eventually, has, inits_of, jail_account, keepers, lacks,
                 log_text, processes, run, same, sh, ssh, ssh_argv, sshd, stop,
                 the_two, uid_of)
from term import Terminal

UNSET = "4294967295"

# Where systemd is not there to make it.
if not os.path.exists("/run/utmp"):
    sh("install -m 664 -g utmp /dev/null /run/utmp")
the_two()
sshd()


# --- utmp, wtmp, lastlog ---------------------------------------------------

RECORD = struct.Struct("<hxxi32s4s32s256shhiii16s20x")  # utmp(5), x86-64
USER_PROCESS, DEAD_PROCESS = 7, 8


def records(path):
    """(type, pid, line, user, host) of a file in the format of utmp(5)."""
    data = pathlib.Path(path).read_bytes()
    found = []
    for at in range(0, len(data) - RECORD.size + 1, RECORD.size):
        kind, pid, line, _, user, host, *_ = RECORD.unpack_from(data, at)
        found.append((kind, pid) + tuple(
            field.rstrip(b"\0").decode() for field in (line, user, host)))
    return found


def logged_in(who):
    return [r for r in records("/run/utmp")
            if r[0] == USER_PROCESS and r[3] == who]


def log_in(who):
    """A terminal on which WHO has logged in, and the name it has there."""
    tty = Terminal(ssh_argv(who, options=["-tt"]))
    name = tty.ask("echo at=$(tty)", r"^at=/dev/(pts/\d+)\r", 20).group(1)
    return tty, name


def log_out(tty, who):
    tty.line("exit")
    tty.wait()
    logged_out(who)


def logged_out(who):
    """sshd has seen WHO off: records, log and all."""
    eventually(lambda: not any(re.match(rf"sshd(-session)?: {who}[ @]", words)
                               for _, words in processes().values()),
               f"sshd has ended for {who}")


@both
def an_ssh_login_is_in_utmp_and_wtmp_until_it_ends(who):
    logged_out(who)
    before = len(records("/var/log/wtmp"))
    tty, name = log_in(who)
    with tty:
        same([r[2:] for r in logged_in(who)], [(name, who, "127.0.0.1")])
        leader = logged_in(who)[0][1]
        same(os.readlink(f"/proc/{leader}/ns/pid"),
             os.readlink("/proc/self/ns/pid"), "the pid is one of the host's")
        log_out(tty, who)
    eventually(lambda: not logged_in(who), f"{who} is not in utmp any more")
    # utmp first, wtmp then.
    eventually(lambda: len(records("/var/log/wtmp")) > before + 1, "wtmp")
    same([(r[0], r[2], r[3]) for r in records("/var/log/wtmp")[before:]],
         [(USER_PROCESS, name, who), (DEAD_PROCESS, name, "")])


@both
def who_and_w_name_account_terminal_and_remote_host(who):
    if not WITH_SYSTEMD and "libsystemd" in sh("ldd $(which who)"):
        raise Skip("who asks logind, which is not there")
    tty, name = log_in(who)
    with tty:
        terminal = rf"({name}|sshd)"  # newer ones ask logind
        has(sh("who"), rf"^{who}\s+{terminal}\s.*\(127\.0\.0\.1\)")
        has(sh("w -h"), rf"^{who}\s+{name}\s+127\.0\.0\.1\s")
        log_out(tty, who)
    eventually(lambda: who not in sh("who; w -h"), f"who forgets {who}")


@both
def last_tells_when_it_came_and_that_it_has_gone(who):
    if not shutil.which("last"):
        raise Skip("no last here")
    tty, name = log_in(who)
    line = rf"^{who}\s+{name}\s+127\.0\.0\.1\s.*"
    with tty:
        has(sh("last -w").splitlines()[0], line + "still logged in")
        log_out(tty, who)
    eventually(lambda: re.search(line + r" - \d\d:\d\d",
                                 sh("last -w").splitlines()[0]),
               f"last has {who}'s logout")


@both
def lastlog_has_the_last_login(who):
    tty, name = log_in(who)
    with tty:
        log_out(tty, who)
    for tool, terminal in (("lastlog", name), ("lastlog2", "ssh")):
        if shutil.which(tool):
            has(sh([tool, "-u", who]), rf"^{who}\s+{terminal}\s+127\.0\.0\.1\s")
    # lastlog(8): by uid, of 292 bytes: time, line, host.
    with open("/var/log/lastlog", "rb") as file:
        file.seek(uid_of(who) * 292)
        _, line, host = struct.unpack("<i32s256s", file.read(292))
    same((line.rstrip(b"\0"), host.rstrip(b"\0")),
         (name.encode(), b"127.0.0.1"))


@case
def two_accounts_that_have_the_same_terminal_are_told_apart_by_us():
    """Each jail counts its terminals from 0, and utmp has one entry for a
    name; wtmp has both logins all the same, and the log and list do."""
    jail_account("second", 'network = "none";', "limits = { };")
    before = len(records("/var/log/wtmp"))
    log = Logged()
    one, first = log_in(JAILED)
    two, second = log_in("second")
    with one, two:
        same((first, second), ("pts/0", "pts/0"))
        same([r[3] for r in records("/run/utmp") if r[2] == "pts/0"],
             ["second"], "utmp has the later one")
        same([(r[2], r[3], r[4]) for r in records("/var/log/wtmp")[before:]],
             [("pts/0", who, "127.0.0.1") for who in (JAILED, "second")])
        listed = sh(["jailconf", "list"])
        for who in (JAILED, "second"):
            has(listed, rf"^{who}\s+{uid_of(who)}\s+\S+\s+1\s")
            log.expect(rf"open user={who} .* rhost=127\.0\.0\.1")
        log_out(one, JAILED)
        log.expect(rf"close user={JAILED} ")
        lacks(log.text(), r"close user=second ")
        log_out(two, "second")
    log.expect(r"close user=second ")
    stop("second")


# --- loginuid --------------------------------------------------------------

def audit_ids(pid):
    return tuple(pathlib.Path(f"/proc/{pid}/{name}").read_text()
                 for name in ("loginuid", "sessionid"))


def ask_ids(tty):
    return tty.ask("echo ids=$(cat /proc/self/loginuid).$(cat "
                   "/proc/self/sessionid).", r"^ids=(\d+)\.(\d+)\.").groups()


@both
def loginuid_is_of_who_logged_in(who):
    tty, _ = log_in(who)
    with tty:
        loginuid, session = ask_ids(tty)
        same(loginuid, str(uid_of(who)))
        same(session != UNSET, True, "there is an audit session")
        log_out(tty, who)


@both
def after_su_loginuid_is_still_of_who_logged_in(who):
    tty, _ = log_in(PLAIN)
    with tty:
        loginuid, _ = ask_ids(tty)
        tty.line(f"su - {who}")
        tty.expect("assword: ")
        tty.line("pw")
        tty.expect(r"\$ $")
        tty.ask("id -un", rf"^{who}\r")
        same(ask_ids(tty)[0], loginuid, f"after su to {who}")
        tty.line("exit")
        tty.expect(r"^logout\r\n.*\$ $")
        log_out(tty, PLAIN)


def cron_job(who, output):
    """What a job of WHO's says of itself, in a file of its home."""
    sh(["crontab", "-u", who, "-"], stdin=None,
       input=f"@reboot cat /proc/self/loginuid >{output.name}\n")
    if WITH_SYSTEMD:
        sh("systemctl stop cron")
    pathlib.Path("/run/crond.reboot").unlink(missing_ok=True)
    daemon = subprocess.Popen(["cron", "-f"])
    try:
        eventually(lambda: output.exists() and output.read_text(),
                   "cron runs the job", 15)
    finally:
        daemon.kill()
        daemon.wait()
        sh(["crontab", "-u", who, "-r"])
    return output.read_text()


@both
def a_job_of_cron_s_has_the_loginuid_of_its_account(who):
    log = Logged()
    output = pathlib.Path(f"/home/{who}/loginuid")
    output.unlink(missing_ok=True)
    same(cron_job(who, output), str(uid_of(who)))
    if who == JAILED:
        log.expect(rf"pam_jail\(cron:session\): open user={who} uid=\d+"
                   r" jail=shell door=job service=cron tty=cron session=\d+")
        log.expect(rf"pam_jail\(cron:session\): close user={who} ")


@case
def the_keeper_belongs_to_no_login():
    stop(JAILED)
    tty, _ = log_in(JAILED)
    with tty:
        same(len(inits_of(JAILED)), 1)
        seen = 0
        for pid in keepers():
            # One that has been stopped may end meanwhile.
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                same(audit_ids(pid), (UNSET, UNSET), f"keeper {pid}")
                seen += 1
        same(seen > 0, True, "keepers")
        log_out(tty, JAILED)


# --- the log ---------------------------------------------------------------

@case
def every_entry_has_its_line_with_all_there_is():
    log = Logged()
    stop(JAILED)
    tty, _ = log_in(JAILED)
    with tty:
        session = ask_ids(tty)[1]
        init, = inits_of(JAILED)
        log.expect(rf"pam_jail\(sshd:session\): open user={JAILED}"
                   rf" uid={uid_of(JAILED)} jail=shell door=child service=sshd"
                   rf" tty=ssh rhost=127\.0\.0\.1 session={session}"
                   rf" init={init}$")
        log.expect(rf"jail-keeper\[\d+\]: open user={JAILED}"
                   rf" uid={uid_of(JAILED)} jail=shell init={init}$")
        log_out(tty, JAILED)
    log.expect(rf"pam_jail\(sshd:session\): close user={JAILED}"
               rf" uid={uid_of(JAILED)} jail=shell door=child .*"
               rf"session={session} init={init}$")


@case
def a_session_without_pam_has_a_line_as_well():
    sh(["jailconf", "exec", "--start", JAILED, "--", "true"])
    log = Logged()
    with Terminal(["setpriv", f"--reuid={JAILED}", f"--regid={JAILED}",
                   "--init-groups", "/usr/bin/env", "-i",
                   sh(["getent", "passwd", JAILED]).strip().split(":")[6],
                   "-c", "sleep 1; echo in"]) as tty:
        pid = tty.pid
        tty.expect("^in\r")
        log.expect(rf"jail-keeper\[\d+\]: session user={JAILED} uid=\d+"
                   rf" jail=shell service=jailsh from-uid={uid_of(JAILED)}"
                   rf" from-pid={pid} pid=\d+$")
        tty.wait()


STACK = pathlib.Path("/etc/pam.d/bed-names")


def write_stack():
    """A service of which pam_jail is all."""
    line = re.search(r"^account.*pam_jail\.so.*$", pathlib.Path(
        "/etc/pam.d/common-account").read_text(), re.M).group()
    STACK.write_text(f"auth required pam_permit.so\n{line}\n")


def refused(log, who, **items):
    """pamtester asks for an account of WHO, with PAM ITEMS of its own."""
    write_stack()
    words = [word for key, value in items.items()
             for word in ("-I", f"{key}={value}")]
    try:
        done = sh(["pamtester", *words, "bed-names", who, "acct_mgmt"],
                  check=False)
    finally:
        STACK.unlink()
    same(done.returncode != 0, True)
    return log.expect(r"pam_jail\(bed-names:account\): (refuse .*)$").group(1)


HOSTILE = {
    "newline": ("x\n<38>sshd[1]: Accepted", r"x\x0a<38>sshd[1]: Accepted"),
    "escape": ("\x1b]0;x\x07", r"\x1b]0;x\x07"),
    "C1": ("\u009b2J", r"\xc2\x9b2J"),
    "a quote": ('x" uid=0 jail="y', r"x\x22 uid=0 jail=\x22y"),
    "a blank": ("x uid=0", "x uid=0"),
    "a backslash": ("x\\x0a", r"x\x5cx0a"),
}


@case
def no_name_from_outside_makes_a_line_or_a_key_of_its_own():
    for what, (text, logged) in HOSTILE.items():
        for item in ("tty", "rhost", "user"):
            log = Logged()
            if item == "user":
                line = refused(log, text)
            else:
                line = refused(log, JAILED, **{item: text})
            has(line, rf' ?{item}="{re.escape(logged)}"( |$)', what)
            lacks(log.text(), r"^<38>sshd\[1\]: Accepted|[\x1b\x07]|\u009b",
                  what)


@case
def a_policy_that_cannot_be_used_is_critical():
    conf = pathlib.Path("/etc/jail/jail.conf")
    text = conf.read_text()
    log = Logged()
    try:
        conf.write_text(text + "\nnonsense = 1;\n")
        line = refused(log, JAILED)
    finally:
        conf.write_text(text)
    has(line, r'step=account cause="[^"]*jail\.conf:\d+: ')
    if not WITH_SYSTEMD:
        has(log.text(), r"^<82>.*pam_jail\(bed-names:account\)")  # LOG_CRIT
    log = Logged()
    refused(log, JAILED)
    if not WITH_SYSTEMD:
        has(log.text(), r"^<83>.*pam_jail\(bed-names:account\)")  # LOG_ERR


# --- jailconf list and log -------------------------------------------------

@case
def jailconf_list_of_an_account_has_its_sessions():
    stop(JAILED)
    tty, _ = log_in(JAILED)
    with tty:
        audit = ask_ids(tty)[1]
        with Terminal(["su", "-", JAILED]) as other:
            other.expect(r"\$ $")
            jails = json.loads(sh(["jailconf", "list", "--json", JAILED]))
            same([(j["account"], j["sessions"]) for j in jails], [(JAILED, 2)])
            by_ssh, by_su = sorted(jails[0]["who"], key=lambda w: w["service"])
            same((by_ssh["service"], by_ssh["rhost"], by_ssh["session"]),
                 ("sshd", "127.0.0.1", audit))
            has(os.readlink(f"/proc/{by_ssh['pid']}/exe"), "sshd")
            same((by_su["service"], by_su["rhost"], by_su["pid"]),
                 ("su-l", "", other.pid))
            has(by_su["tty"], r"^(/dev/)?pts/\d+$")
            lines = sh(["jailconf", "list", JAILED]).splitlines()
            same(len(lines), 4)
            has("\n".join(lines[2:]),
                rf"^  sshd +{by_ssh['pid']} +ssh +127\.0\.0\.1 +20\d\d-")
            other.line("exit")
            other.wait()
        eventually(lambda: len(json.loads(sh(
            ["jailconf", "list", "--json", JAILED]))[0]["who"]) == 1,
                   "one of them has gone")
        log_out(tty, JAILED)
    same(json.loads(sh("jailconf list --json nobody")), [])
    same(sh("jailconf list root", check=False).returncode, 1)
    same(sh("jailconf list no-such-account", check=False).returncode, 1)


def keep_file():
    """What syslogd would have written, from what it would have got."""
    if WITH_SYSTEMD:
        return
    text = re.sub(r"^<\d+>(?:(\w{3} [ \d]\d [\d:]{8}) )?",
                  lambda m: (m.group(1) or "Nov 26 00:00:00") + " bed ",
                  log_text(), flags=re.M)
    pathlib.Path("/var/log/auth.log").write_text(text)


def logged_of(who):
    keep_file()
    return json.loads(sh(["jailconf", "log", "--json", who]))


@case
def jailconf_log_tells_who_came_in_and_who_was_refused_why():
    log = Logged()
    stop(JAILED)
    tty, _ = log_in(JAILED)
    with tty:
        log_out(tty, JAILED)
    log.expect(f"close user={JAILED} ")
    refused(log, JAILED, rhost="192.0.2.9")
    events = logged_of(JAILED)
    same({e["user"] for e in events}, {JAILED}, "nobody else's")
    same([(e["event"], e["service"]) for e in events
          if "service" in e][-3:],
         [("open", "sshd"), ("close", "sshd"), ("refuse", "bed-names")])
    same(events[-1]["rhost"], "192.0.2.9")
    has(events[-1]["cause"], "this service is not among the jail's doors")
    lines = sh(["jailconf", "log", JAILED]).splitlines()
    same(len(lines), len(events))
    has(lines[-1], r"  refuse +bed-names +192\.0\.2\.9 +this service is not")
    has("\n".join(lines), r"  open +sshd +127\.0\.0\.1 +jail shell$")
    has(sh(["jailconf", "log", "nobody"]), "^nothing is logged of nobody$")


@case
def jailconf_log_tells_which_limit_was_hit_or_is_not_held():
    who = "bounded"
    jail_account(who, 'limits = { memory = "96M"; session_time = '
                      f"{int(4 + 2 * SLOW)};"
                      ' required = [ "session_time" ]; };')
    log = Logged()
    same(ssh(who, "echo in; sleep 60").stdout, "in\n")
    log.expect(f"limit user={who} .*over=session_time")
    keep_file()
    told = sh(["jailconf", "log", who])
    has(told, "  limit .* over=session_time$")
    if "memory" not in (CGROUP / "cgroup.controllers").read_text().split():
        has(told, "  limit .* not_held=memory: no controller in cgroup version"
                  " 2$")
    sh(["jailconf", "unjail", "--stop", who])


@case
def nobody_but_root_can_put_a_line_into_it():
    if not WITH_SYSTEMD:
        raise Skip("a file does not know who has written a line")
    line = f"open user={JAILED} uid={uid_of(JAILED)} jail=forged"
    for ident, message in (("jail-keeper", line), ("jailsh", line),
                           ("sshd", f"pam_jail(sshd:session): {line}")):
        sh(["setpriv", f"--reuid={PLAIN}", "--clear-groups", "logger", "-p",
            "authpriv.info", "-t", ident, message])
    log = Logged()
    refused(log, JAILED, rhost="192.0.2.10")
    events = logged_of(JAILED)
    same(events[-1].get("rhost"), "192.0.2.10")
    same([e for e in events if e.get("jail") == "forged"], [])


@case
def nobody_s_lines_push_out_what_root_has_logged():
    """Neither those of somebody else nor the account's own."""
    if not WITH_SYSTEMD:
        raise Skip("a file does not know who has written a line")
    log = Logged()
    refused(log, JAILED, rhost="192.0.2.11")
    for who, uid in ((PLAIN, uid_of(PLAIN)), (JAILED, uid_of(JAILED))):
        lines = "".join(f"refuse user={JAILED} uid={uid} jail=forged\n"
                        for _ in range(60))
        sh(["setpriv", f"--reuid={who}", "--clear-groups", "logger", "-p",
            "authpriv.info", "-t", "jailsh"], stdin=None, input=lines)
    last = f"refuse uid={uid_of(JAILED)} step=last"
    sh(["setpriv", f"--reuid={JAILED}", "--clear-groups", "logger", "-p",
        "authpriv.info", "-t", "jailsh", last])
    eventually(lambda: any(e.get("step") == "last" for e in logged_of(JAILED)),
               "the journal has all", 20)
    events = logged_of(JAILED)
    same([e.get("rhost") for e in events].count("192.0.2.11"), 1)
    same([e for e in events if e.get("uid") == str(uid_of(PLAIN))], [])


@case
def what_the_broker_logs_as_the_account_is_there():
    if not WITH_SYSTEMD:
        raise Skip("a file does not know who has written a line")
    jail_account("passwdly", 'commands = [ "passwd" ];')
    log = Logged()
    ssh("passwdly", "passwd </dev/null")
    log.expect("command user=passwdly ")
    same([e["service"] for e in logged_of("passwdly")
          if e["event"] == "command"], ["passwd"])


# --- audit -----------------------------------------------------------------

def traced(*strace):
    """su to JAILED with a command, under strace; returns the process and what
    it sent or opened."""
    trace = pathlib.Path("/tmp/accounting.trace")
    done = subprocess.run(
        ["strace", "-o", str(trace), "-s", "600", "-e",
         "trace=sendto,socket", *strace, "su", "-", JAILED, "-c", "echo in"],
        text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=20, check=False)
    return done, spelled_out(trace).splitlines()


def spelled_out(trace):
    """strace does not know the messages of audit."""
    return re.sub(r"\\x([0-9a-f]{2})", lambda m: chr(int(m.group(1), 16)),
                  trace.read_text())


def ours(lines):
    return [line for line in lines if "op=pam_jail:" in line]


def ordinal(lines, call, line):
    """How often CALL has been made when LINE is written."""
    return sum(other.startswith(call + "(")
               for other in lines[:lines.index(line) + 1])


def audit_calls(lines, call):
    """Those of CALL that are about audit; the record of ours is written by
    the last that is not libpam's."""
    return [line for line in lines if line.startswith(call + "(")
            and ("NETLINK_AUDIT" in line or "nlmsg_" in line)]


def failing(call, error):
    """su while CALL fails with ERROR where our record is written; returns its
    output.  What else su sends is not the same every time."""
    for _ in range(10):
        _, lines = traced()
        at = audit_calls(lines, "sendto").index(ours(lines)[0])
        line = audit_calls(lines, call)[at]
        nth = ordinal(lines, call, line)
        done, again = traced("-e", f"inject={call}:error={error}:when={nth}")
        if "INJECTED" in audit_calls(again, call)[at]:
            return done.stdout
    raise AssertionError(f"{call} could not be met")


@case
def entering_is_one_record_of_the_audit_trail():
    done, lines = traced()
    same(done.stdout, "in\n")
    same(len(ours(lines)), 1, str(ours(lines)))
    record = ours(lines)[0]
    has(record, r"nlmsg_type=(AUDIT_USER_ROLE_CHANGE|0x8fc)")
    has(record, rf'op=pam_jail:open jail=shell door=shell acct="{JAILED}"'
                r' exe="[^ ]*/su" hostname=\? addr=\? terminal=\S+'
                r" res=success")
    lacks(record, r" = -1 ")


@case
def being_refused_is_one_record_with_its_reason():
    trace = pathlib.Path("/tmp/accounting.trace")
    write_stack()
    sh(["strace", "-o", str(trace), "-s", "600", "-e", "trace=sendto",
        "pamtester", "-I", "rhost=192.0.2.7", "-I", "tty=a 'b\"",
        "bed-names", JAILED, "acct_mgmt"], check=False)
    STACK.unlink()
    found = ours(spelled_out(trace).splitlines())
    same(len(found), 1, str(found))
    has(found[0], r"op=pam_jail:refuse jail=shell door=closed"
                  r" reason=this_service_is_not_among_[^ '\"]* acct=.*"
                  r" hostname=192\.0\.2\.7 addr=192\.0\.2\.7"
                  r" terminal=a_\?b\? res=failed")


@case
def a_kernel_without_audit_is_no_reason_to_refuse():
    for call, error in (("socket", "EPROTONOSUPPORT"),
                        ("socket", "EAFNOSUPPORT"), ("socket", "EINVAL"),
                        ("sendto", "ECONNREFUSED")):
        same(failing(call, error), "in\n", error)


@case
def what_cannot_be_recorded_does_not_happen():
    for call, error in (("sendto", "EPERM"), ("sendto", "ENOBUFS"),
                        ("socket", "EMFILE"), ("socket", "EACCES")):
        log = Logged()
        lacks(failing(call, error), "^in$", error)
        log.expect(rf"refuse user={JAILED} .*step=open errno={error}"
                   ' cause="(open|write to) the audit trail: ')


run()
