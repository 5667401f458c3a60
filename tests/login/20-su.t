#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""su without a terminal: what a command says and how it ends, and that
nothing of the caller's comes along"""
import contextlib
import hashlib
import os
import pathlib
import signal
import subprocess
import time

from bed import (JAILED, JAILSH, PATIENCE, PLAIN, PROOF, SLOW, account, both,
                 case, eventually, has, inits_of, lacks, of_uid, processes,
                 proved, run, same, sh, ssh, sshd, su, the_two, uid_of)
from term import Terminal

the_two()
sshd()


@both
def su_dash_is_where_the_account_belongs(who):
    proved(who, su(who, PROOF).stdout, "su -")


@both
def su_without_dash_is_where_the_account_belongs(who):
    proved(who, su(who, PROOF, login=False).stdout, "su")


@both
def a_script_on_stdin_is_run_where_the_account_belongs(who):
    done = subprocess.run(["su", "-", who], input=PROOF + "\nexit 5\n",
                          timeout=20 * PATIENCE, text=True,
                          stdout=subprocess.PIPE,
                          check=False)
    proved(who, done.stdout)
    same(done.returncode, 5)


@both
def the_exit_status_comes_through(who):
    for status in (0, 1, 42, 255):
        same(su(who, f"exit {status}").returncode, status)


@case
def death_by_a_signal_looks_as_with_the_plain_account():
    for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV,
                   signal.SIGINT):
        plain, jailed = (su(who, f"ulimit -c 0; kill -{int(number)} $$")
                         for who in (PLAIN, JAILED))
        same(jailed.returncode, plain.returncode, number.name)
        same(jailed.returncode, 128 + number, number.name)
        same(jailed.stderr, plain.stderr, number.name)


@both
def what_goes_in_comes_out_byte_for_byte(who):
    data = os.urandom(4 << 20)
    done = subprocess.run(["su", "-", who, "-c", "tee >(cat >&2)"],
                          input=data, stdout=subprocess.PIPE,
                          timeout=20 * PATIENCE, stderr=subprocess.PIPE,
                          check=True)
    digest = hashlib.sha256(data).hexdigest()
    same(hashlib.sha256(done.stdout).hexdigest(), digest, "stdout")
    same(hashlib.sha256(done.stderr).hexdigest(), digest, "stderr")


@both
def the_command_reaches_the_shell_as_it_was_written(who):
    command = """printf '<%s>' "a  b" 'c"d' e\\ f '*' '$HOME' é"""
    same(su(who, command).stdout, """<a  b><c"d><e f><*><$HOME><é>""")


@both
def arguments_after_the_command_are_the_shell_s(who):
    done = sh(["su", "-", who, "-c", 'echo "$0|$1|$2"', "zero", "a b", "c"])
    same(done, "zero|a b|c\n")


@both
def who_the_session_is_does_not_change(who):
    got = su(who, "id -u; id -g; id -G; id -un; id -gn").stdout
    same(got.split(), [str(uid_of(who))] * 3 + [who] * 2)


@both
def su_dash_makes_a_clean_environment_at_home(who):
    env = {**os.environ, "LEAK": "1", "TERM": "vt100"}
    got = su(who, 'echo "$HOME $USER $LOGNAME $SHELL $TERM <$LEAK>"; pwd',
             env=env).stdout
    same(got.splitlines(), [f"/home/{who} {who} {who} /bin/bash vt100 <>",
                            f"/home/{who}"])


@case
def no_variable_that_a_loader_or_a_shell_obeys_comes_along():
    names = ("LD_PRELOAD", "LD_LIBRARY_PATH", "BASH_ENV", "ENV", "IFS",
             "GLIBC_TUNABLES", "PYTHONPATH")
    env = {**os.environ, **{name: "/tmp/evil" for name in names}}
    got = su(JAILED, "env", login=False, env=env).stdout
    for name in names:
        lacks(got, rf"^{name}=")


@case
def path_and_priority_are_those_of_a_plain_su():
    command = "echo $PATH; nice; ionice"
    same(su(JAILED, command).stdout, su(PLAIN, command).stdout)


@case
def the_umask_is_that_of_a_plain_su():
    same(su(JAILED, "umask").stdout, su(PLAIN, "umask").stdout)


# Of these, soft and hard, a session has no more than services have by
# themselves, whatever PID 1 has: jailsh(8).
MOST = {"open files": (1024, 524288), "max locked memory": (8192, 8192)}


def limits(who):
    """Its limits in words: soft ones, and hard ones."""
    return [su(who, f"ulimit -{kind}a").stdout.splitlines() for kind in "SH"]


def bounded(line, which):
    name, number = line.rsplit(" ", 1)
    for words, most in MOST.items():
        if name.startswith(words) and (number == "unlimited"
                                       or int(number) > most[which]):
            return f"{name} {most[which]}"
    return line


@case
def the_resource_limits_are_those_of_a_plain_su():
    for which, (plain, jailed) in enumerate(zip(limits(PLAIN), limits(JAILED))):
        wanted = [bounded(line, which) for line in plain]
        same(len(wanted) > 10, True, plain)
        same([j for j, w in zip(jailed, wanted) if j != w],
             [w for j, w in zip(jailed, wanted) if j != w])


@both
def the_limits_of_limits_conf_hold_by_ssh(who):
    """By su it is the keeper's and the jail's own that count: jailsh(8)."""
    path = pathlib.Path("/etc/security/limits.d/bed.conf")
    path.write_text(f"{who} - nofile 777\n{who} - core 4\n")
    try:
        same(ssh(who, "ulimit -Sn; ulimit -Hn; ulimit -Sc").stdout,
             "777\n777\n4\n")
    finally:
        path.unlink()


def left(who, mark):
    return [p for p in of_uid(uid_of(who))
            if mark in processes().get(p, ("", ""))[1]]


def runs(who, words):
    """Whether it has come to WORDS: what leads to them has them, too."""
    return any(processes().get(p, ("", ""))[1] == words
               for p in of_uid(uid_of(who)))


@both
def sigterm_to_su_ends_the_session(who):
    client = subprocess.Popen(["su", "-", who, "-c", "exec sleep 5151"],
                              stderr=subprocess.DEVNULL)
    eventually(lambda: runs(who, "sleep 5151"), "it runs")
    client.send_signal(signal.SIGTERM)
    same(client.wait(10 * PATIENCE), -signal.SIGTERM, "status of su")
    eventually(lambda: not left(who, "sleep 5151"), "it ends")


@both
def what_ignores_sigterm_is_killed_all_the_same(who):
    client = subprocess.Popen(
        ["su", "-", who, "-c", "trap '' TERM; while sleep 1; do :; done"],
        stderr=subprocess.DEVNULL)
    eventually(lambda: left(who, "trap"), "it runs")
    time.sleep(0.3)
    client.send_signal(signal.SIGTERM)
    same(client.wait(10 * PATIENCE), -signal.SIGTERM, "status of su")
    eventually(lambda: not left(who, "trap"), "it ends")


@case
def kill_9_of_jailsh_outside_ends_the_session():
    client = subprocess.Popen(["su", "-", JAILED, "-c", "sleep 5353; :"])
    eventually(lambda: runs(JAILED, "sleep 5353"), "it runs")
    outside = [pid for pid in of_uid(uid_of(JAILED))
               if processes().get(pid, ("",))[0] == JAILSH]
    same(len(outside), 1, "one jailsh stands outside")
    os.kill(outside[0], signal.SIGKILL)
    client.wait(10 * PATIENCE)
    eventually(lambda: not left(JAILED, "sleep 5353"), "it ends")


def beginning():
    """Processes that are about to be a session, or attend to one."""
    found = []
    for pid in processes():
        with contextlib.suppress(OSError):
            if pathlib.Path(f"/proc/{pid}/comm").read_text() == "jail-session\n":
                found.append(pid)
    return found


@case
def who_has_gone_before_his_session_begins_leaves_none():
    """Held for a while after it was made and before it is one; the jail goes on
    without."""
    with subprocess.Popen(["su", "-", JAILED, "-c", "echo up; cat"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as stays:
        same(stays.stdout.readline(), b"up\n")
        before = len(beginning())
        init, = inits_of(JAILED)
        keeper = sh(["ps", "-o", "ppid=", "-p", str(init)]).strip()
        tracer = subprocess.Popen(
            ["strace", "-f", "-p", keeper, "-o", "/dev/null", "-e",
             "trace=setsid", "-e",
             f"inject=setsid:delay_enter={int(3e6 * SLOW)}"],
            stderr=subprocess.DEVNULL)
        try:
            eventually(lambda: not sh(["grep", "^TracerPid:.0$",
                                       f"/proc/{keeper}/status"],
                                      check=False).stdout, "it is traced")
            client = subprocess.Popen(["su", "-", JAILED, "-c", "sleep 5454"])
            eventually(lambda: len(beginning()) == before + 2, "it is made")
            jailsh, = [pid for pid in left(JAILED, "sleep 5454")
                       if processes().get(pid, ("",))[0] == JAILSH]
            os.kill(jailsh, signal.SIGKILL)
            client.wait(10 * PATIENCE)
            same(len(beginning()) > before, True, "it was held until now")
            eventually(lambda: len(beginning()) == before, "it is over")
            same(left(JAILED, "sleep 5454"), [], "a session of nobody's")
        finally:
            tracer.terminate()
            tracer.wait()
            stays.stdin.close()


@case
def the_account_s_other_processes_outside_cannot_take_jailsh_over():
    """It holds the caller's terminal; ptrace(2) asks for the same right as
    to read /proc/PID/fd, and more."""
    session = subprocess.Popen(["su", "-", JAILED, "-c", "echo up; cat"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        same(session.stdout.readline(), b"up\n")
        jailsh, = [pid for pid in of_uid(uid_of(JAILED))
                   if processes().get(pid, ("",))[0] == JAILSH]
        done = sh(["setpriv", f"--reuid={JAILED}", f"--regid={JAILED}",
                   "--init-groups", "ls", f"/proc/{jailsh}/fd"], check=False)
        has(done.stdout, "Permission denied")
    finally:
        session.stdin.close()
        session.wait()


@case
def nor_while_it_starts():
    """Before it can say so itself: held there for a while, by root.  Where Yama
    keeps one out of the other anyway, this shows nothing."""
    who = uid_of(JAILED)
    started = subprocess.Popen(
        ["strace", "-u", JAILED, "-o", "/dev/null", "-e", "trace=prctl",
         "-e", f"inject=prctl:delay_enter={int(20e6 * SLOW)}", JAILSH, "-c",
         "echo up"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    pid, = eventually(lambda: [pid for pid in of_uid(who) if
                               processes().get(pid, ("",))[0] == JAILSH],
                      "it starts")
    script = ("import ctypes, os; call = ctypes.CDLL(None, use_errno=True)"
              ".syscall; call(438, os.pidfd_open(%d), 0, 0) < 0 and print("
              "os.strerror(ctypes.get_errno()))" % pid)
    done = sh(["setpriv", f"--reuid={who}", f"--regid={who}", "--clear-groups",
               "python3", "-c", script])
    same(done, "Operation not permitted\n")
    same(started.poll(), None, "it had not gone on")
    os.kill(pid, signal.SIGKILL)
    started.stdout.close()
    started.wait()


@case
def descriptors_of_the_caller_do_not_come_along():
    for who in (PLAIN, JAILED):
        done = sh(f"exec 7</home/other 8</etc; su - {who} -c "
                  "'ls /proc/self/fd; cat /proc/self/fd/7/secret;"
                  " ls -d /proc/self/fd/8/passwd'", check=False)
        if who == PLAIN:
            has(done.stdout, "^of the host$")  # su leaves them open
    lacks(done.stdout, "of the host|passwd$|^[4-9]$")


@case
def a_directory_as_stdin_is_refused_or_closed():
    directory = os.open("/home/other", os.O_RDONLY)
    done = su(JAILED, "cat /proc/self/fd/0/secret; ls -ld /proc/self/fd/0/.",
              stdin=directory)
    plain = su(PLAIN, "cat /proc/self/fd/0/secret", stdin=directory)
    same(plain.stdout, "of the host\n")
    lacks(done.stdout, "of the host|home")


@case
def a_path_descriptor_as_stdin_is_refused_or_closed():
    path = os.open("/home/other", os.O_PATH)
    done = su(JAILED, "cat /proc/self/fd/0/secret", stdin=path)
    lacks(done.stdout, "of the host")


@case
def the_working_directory_of_the_caller_is_not_entered():
    done = su(JAILED, "pwd; ls; cat secret; cat /proc/self/cwd/secret",
              login=False, cwd="/home/other")
    lacks(done.stdout, "of the host|secret")


@case
def a_file_as_stdin_is_read():
    with open("/home/other/secret", "rb") as given:
        same(su(JAILED, "cat", stdin=given).stdout, "of the host\n")


@both
def su_s_by_a_user_ends_where_the_account_belongs(who):
    """The account's shell is not one of /etc/shells: su obeys root only."""
    account("asker")
    script = pathlib.Path(f"/home/{who}/proof.sh")
    script.write_text(PROOF)
    with Terminal(["su", "-", "asker", "-c",
                   f"su -s /bin/sh {who} -c 'sh {script}'"]) as tty:
        tty.expect("assword: ")
        tty.line("pw")
        tty.wait(timeout=15)
        proved(who, tty.text.replace("\r", ""), "su -s, by a user")


@case
def jailsh_is_no_shell_that_a_user_may_choose():
    lacks(sh("cat /etc/shells"), "jailsh")


@case
def many_su_at_a_time():
    clients = [subprocess.Popen(["su", "-", JAILED, "-c", f"echo {i}"],
                                stdout=subprocess.PIPE, text=True)
               for i in range(40)]
    same([c.communicate(timeout=30 * PATIENCE)[0] for c in clients],
         [f"{i}\n" for i in range(40)])


@case
def a_shell_that_closed_its_descriptors_ends_like_any():
    start = time.monotonic()
    done = su(JAILED, "exec >&- 2>&- <&-; exit 9")
    same(done.returncode, 9)
    same(time.monotonic() - start < 5 * PATIENCE, True)


run()
