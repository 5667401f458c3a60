#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""ssh without a terminal: what a command says and how it ends"""
import hashlib
import os
import re
import subprocess

from bed import (JAILED, PLAIN, PROOF, WITH_PASSWORD, both, case, eventually,
                 has, proved, run, same, sh, ssh, ssh_argv, sshd, the_two,
                 uid_of)

the_two()
sshd()


@both
def a_command_runs_where_the_account_belongs(who):
    proved(who, ssh(who, PROOF).stdout, "ssh: key, a command")


@both
def a_login_with_a_password_is_like_one_with_a_key(who):
    proved(who, sh(["sshpass", "-p", "pw",
                     *ssh_argv(who, PROOF, by=WITH_PASSWORD)]),
           "ssh: password")


@both
def the_exit_status_comes_through(who):
    for status in (0, 1, 42, 255):
        same(ssh(who, f"exit {status}").returncode, status)


@both
def death_by_a_signal_is_told_as_such(who):
    done = ssh(who, "kill -TERM $$", options=["-v"])
    same(done.returncode, 255)
    has(done.stderr, "rtype exit-signal")


@both
def a_command_that_does_not_exist_is_127(who):
    same(ssh(who, "/no/such/program").returncode, 127)


@both
def what_goes_in_comes_out_byte_for_byte(who):
    data = os.urandom(8 << 20)
    done = ssh(who, "tee >(cat >&2)", text=False, input=data)
    digest = hashlib.sha256(data).hexdigest()
    same(hashlib.sha256(done.stdout).hexdigest(), digest, "stdout")
    same(hashlib.sha256(done.stderr).hexdigest(), digest, "stderr")


@both
def the_end_of_input_is_seen(who):
    same(ssh(who, "wc -c", input="12345").stdout.strip(), "5")


@both
def the_command_reaches_the_shell_as_it_was_written(who):
    command = """printf '<%s>' "a  b" 'c"d' e\\ f '*' '$HOME' "$0" é"""
    same(ssh(who, command).stdout, """<a  b><c"d><e f><*><$HOME><bash><é>""")


@both
def who_the_session_is_does_not_change(who):
    uid = uid_of(who)
    got = ssh(who, "id -u; id -g; id -G; id -un; id -gn; whoami").stdout
    same(got.split(), [str(uid)] * 3 + [who] * 3)


@both
def the_environment_is_that_of_a_login(who):
    got = ssh(who, "echo $HOME $USER $LOGNAME $SHELL; pwd").stdout
    same(got.splitlines(), [f"/home/{who} {who} {who} /bin/bash",
                            f"/home/{who}"])
    has(ssh(who, "echo $SSH_CONNECTION").stdout, r"^127\.0\.0\.1 \d+ 127")


@case
def path_and_priority_are_those_of_a_plain_login():
    command = "echo $PATH; nice; ionice"
    same(ssh(JAILED, command).stdout, ssh(PLAIN, command).stdout)


@case
def the_umask_is_that_of_a_plain_login():
    same(ssh(JAILED, "umask").stdout, ssh(PLAIN, "umask").stdout)


@case
def the_resource_limits_are_those_of_a_plain_login():
    plain, jailed = (ssh(who, "ulimit -a; ulimit -Ha").stdout.splitlines()
                     for who in (PLAIN, JAILED))
    same([j for j, p in zip(jailed, plain) if j != p],
         [p for j, p in zip(jailed, plain) if j != p])


@both
def without_a_terminal_there_is_none(who):
    done = ssh(who, "tty; ps -o tty= -p $$")
    same(done.stdout.split(), ["not", "a", "tty", "?"])


@both
def only_the_three_descriptors_are_open(who):
    same(ssh(who, "ls /proc/self/fd").stdout.split()[:3], ["0", "1", "2"])
    same(len(ssh(who, "ls /proc/self/fd").stdout.split()), 4)


@both
def a_background_job_with_its_own_output_does_not_hold_the_session(who):
    done = ssh(who, "sleep 60 >/dev/null 2>&1 </dev/null & echo started",
               timeout=30)
    same(done.stdout, "started\n")


@both
def the_end_of_the_client_closes_the_pipes(who):
    client = subprocess.Popen(
        ssh_argv(who, f"cat; echo gone >/home/{who}/gone"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    client.stdin.write(b"x\n")
    client.stdin.flush()
    same(client.stdout.readline(), b"x\n")
    client.kill()
    client.wait()
    eventually(lambda: os.path.exists(f"/home/{who}/gone"), "cat has ended")


@case
def the_jailed_account_has_no_capability_and_gets_none():
    status = ssh(JAILED, "cat /proc/self/status").stdout
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        has(status, rf"^{name}:\s0{{16}}$")
    has(status, r"^NoNewPrivs:\s1$")


@case
def signals_are_neither_blocked_nor_ignored():
    def masks(who):
        return re.findall(r"^Sig(?:Blk|Ign):\s(\S+)",
                          ssh(who, "cat /proc/self/status").stdout, re.M)
    same(masks(PLAIN), ["0" * 16] * 2)
    same(masks(JAILED), ["0" * 16] * 2)


run()
