#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""all sessions of an account are together, and a jail ends with them"""
import contextlib
import pathlib
import subprocess
import time

from bed import (JAILED, JAILSH, PLAIN, RUN, RUN_DIR, Logged, both, case,
                 eventually, has, inits, jail_account, lacks, of_uid,
                 processes, proved, residue, run, same, sh, ssh, ssh_argv, sshd,
                 stop, su, the_two, uid_of, PROOF)
from term import Terminal

FORCED = 2223

the_two()
sshd()
sshd(FORCED, 'ForceCommand echo forced "$SSH_ORIGINAL_COMMAND"; '
     + "; ".join(PROOF.splitlines()) + "\n")


@contextlib.contextmanager
def staying(who, mark="stay"):
    """A session of WHO's that stays for the with block; ps shows MARK."""
    client = subprocess.Popen(ssh_argv(who, f"echo up; exec sed s/{mark}/x/"),
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    same(client.stdout.readline(), b"up\n")
    try:
        yield client
    finally:
        client.communicate(timeout=20)


@both
def one_session_sees_the_processes_of_the_other(who):
    with staying(who, "first"):
        has(ssh(who, "ps -ef").stdout, r"sed s/first/")
    lacks(ssh(who, "ps -ef").stdout, r"sed s/first/")


@case
def a_jailed_session_sees_no_other_processes():
    with staying(PLAIN, "plain"), staying(JAILED, "jailed"):
        has(ssh(PLAIN, "ps -e -o user=,args=").stdout, r"s/plain/")
        text = ssh(JAILED, "ps -e -o user=,args=").stdout
    has(text, "s/jailed/")
    for line in text.splitlines():
        has(line, rf"^({JAILED}|nobody)\s", "whose it is")


@both
def files_in_tmp_are_shared_by_sessions_of_the_account(who):
    with staying(who):
        ssh(who, "echo shared >/tmp/shared")
        same(ssh(who, "cat /tmp/shared; rm /tmp/shared").stdout, "shared\n")


@both
def a_tmux_server_is_joined_from_a_second_session(who):
    options = ["-tt"]
    with Terminal(ssh_argv(who, "tmux new -s work", options=options)) as one:
        one.expect(r"\[work\]", timeout=15)
        with Terminal(ssh_argv(who, "tmux attach -t work",
                               options=options)) as two:
            two.expect(r"\[work\]", timeout=15)
            one.line("echo typed-in''-one")
            two.expect("typed-in-one")
            two.line("echo typed-in''-two")
            one.expect("typed-in-two")
            two.line("tmux kill-server")
            same(two.wait() in (0, 1), True)
        one.wait()


@both
def channels_of_one_connection_are_together(who):
    path = RUN / f"mux-{who}"
    options = ["-o", f"ControlPath={path}", "-o", "ControlMaster=auto",
               "-o", "ControlPersist=20"]
    proved(who, ssh(who, PROOF, options=options).stdout)
    try:
        seen = {ssh(who, "readlink /proc/self/ns/pid", options=options).stdout
                for _ in range(8)}
        same(len(seen), 1)
        proved(who, ssh(who, PROOF, options=options).stdout,
               "ssh: ControlMaster")
    finally:
        sh(["ssh", "-o", f"ControlPath={path}", "-O", "exit", "x"],
           check=False)


@both
def ssh_rc_runs_where_the_account_is(who):
    rc = pathlib.Path(f"/home/{who}/.ssh/rc")
    rc.write_text(f"{{ {PROOF}\n}} >$HOME/rc-out\n")
    try:
        ssh(who, "true")
        proved(who, pathlib.Path(f"/home/{who}/rc-out").read_text(),
               "ssh: ~/.ssh/rc")
    finally:
        rc.unlink()


@both
def a_forced_command_runs_where_the_account_is(who):
    done = ssh(who, "what was", "asked", port=FORCED)
    has(done.stdout, "^forced what was asked$")
    proved(who, done.stdout, "ssh: ForceCommand")


@both
def the_command_of_a_key_runs_where_the_account_is(who):
    keys = pathlib.Path(f"/home/{who}/.ssh/authorized_keys")
    plain = keys.read_text()
    command = "; ".join(PROOF.splitlines()).replace('"', '\\"')
    keys.write_text(f'command="{command}" {plain}')
    try:
        proved(who, ssh(who, "ignored").stdout, "ssh: command= of a key")
    finally:
        keys.write_text(plain)


@case
def su_joins_the_jail_that_ssh_started():
    with staying(JAILED, "joined"):
        inside = ssh(JAILED, "readlink /proc/self/ns/pid").stdout
        same(su(JAILED, "readlink /proc/self/ns/pid").stdout, inside)
        has(su(JAILED, "ps -ef").stdout, "s/joined/")


@case
def a_background_job_lives_as_long_as_linger_and_no_longer():
    jail_account("lingerer", "linger = 15;", 'network = "none";')
    stop("lingerer")
    ssh("lingerer", "nohup sleep 4646 >/dev/null 2>&1 </dev/null &")

    def there():
        return [p for p in of_uid(uid_of("lingerer"))
                if "4646" in processes().get(p, ("", ""))[1]]
    same(len(there()), 1, "the job after its session")
    time.sleep(1.5)
    same(len(there()), 1, "the job within linger")
    time.sleep(2)
    same(len(there()), 1, "and some time later")
    eventually(lambda: not there(), "the job is gone", 10)
    eventually(lambda: not residue("lingerer"), "nothing is left")


@case
def a_new_session_within_linger_finds_the_job():
    jail_account("lingerer", "linger = 10;", 'network = "none";')
    stop("lingerer")
    ssh("lingerer", "nohup sleep 4747 >/dev/null 2>&1 </dev/null &")
    with staying("lingerer"):
        time.sleep(10)
        has(ssh("lingerer", "ps -ef").stdout, "sleep 4747")
    stop("lingerer")


@case
def a_jail_without_linger_ends_with_its_last_session():
    jail_account("leaver", "linger = 0;")
    with staying("leaver"):
        same((RUN_DIR / str(uid_of("leaver"))).exists(), True)
    eventually(lambda: not residue("leaver"), "nothing is left", 8)


@case
def a_first_session_that_ends_leaves_the_second_its_jail():
    jail_account("leaver", "linger = 0;")
    with staying("leaver"):
        with staying("leaver"):
            first = ssh("leaver", "readlink /proc/self/ns/pid").stdout
        time.sleep(0.5)
        same(ssh("leaver", "readlink /proc/self/ns/pid").stdout, first)
    eventually(lambda: not residue("leaver"), "nothing is left", 8)


@case
def sixty_first_logins_at_a_time_make_one_jail():
    jail_account("crowd", 'network = "none";')
    stop("crowd")
    before = set(inits())
    script = "readlink /proc/self/ns/pid /proc/self/ns/mnt; sleep 1"
    clients = [subprocess.Popen(
        ["su", "-", "crowd", "-c", script] if i % 2 else
        ssh_argv("crowd", script), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)
        for i in range(60)]
    started = set()
    while any(c.poll() is None for c in clients):
        started |= set(inits()) - before
        time.sleep(0.2)
    answers = [c.communicate()[0] for c in clients]
    same([c.returncode for c in clients], [0] * 60, str(set(answers)))
    same(len(set(answers)), 1, f"jails: {set(answers)}")
    same(len(started), 1, "PID 1s of jails")
    stop("crowd")


@case
def more_sessions_than_the_limit_are_refused_and_the_others_stay():
    jail_account("few", "limits = { sessions = 2; };")
    stop("few")
    with staying("few"), staying("few"):
        done = ssh("few", "echo in")
        same((done.returncode, done.stdout), (255, ""))
        same(su("few", "echo in").stdout, "")
    eventually(lambda: ssh("few", "echo in").stdout == "in\n", "in again")
    stop("few")


@case
def nor_are_there_more_of_those_that_pam_knows_nothing_of():
    """By the account's processes outside, that run jailsh."""
    jail_account("few", "limits = { sessions = 2; };", "linger = 60;")
    stop("few")
    same(ssh("few", "echo in").stdout, "in\n")
    clients = []
    for _ in range(3):
        clients.append(subprocess.Popen(
            ["setpriv", "--reuid", "few", "--regid", "few", "--clear-groups",
             JAILSH, "-c", "echo in; cat"], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL))
        if len(clients) <= 2:
            same(clients[-1].stdout.readline(), "in\n")
    same((clients[2].communicate()[0], clients[2].returncode), ("", 126))
    for client in clients[:2]:
        client.communicate()
    eventually(lambda: ssh("few", "echo in").stdout == "in\n", "in again")
    stop("few")


@case
def who_has_become_a_member_of_root_s_group_does_not_join():
    jail_account("few", "linger = 60;")
    stop("few")
    with staying("few"):
        sh(["gpasswd", "-a", "few", "root"])
        log = Logged()
        done = ssh("few", "echo in")
        same((done.returncode, done.stdout), (255, ""))
        same(su("few", "echo in").stdout, "")
        log.expect("refuse user=few .*groups have changed")
        sh(["gpasswd", "-d", "few", "root"])
        same(ssh("few", "echo in").stdout, "in\n")
    stop("few")


run()
