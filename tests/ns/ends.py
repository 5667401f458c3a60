# SPDX-License-Identifier: ISC
"""How a jail ends, whatever ends it: at once, and with nothing left."""

import os
import random
import re
import signal
import time

from jail import (ACCOUNT_DIR, ALICE, Hold, LOCK, PROBE, check, equal,
                  inside, log, main, pids, probe, processes, refused, run, said,
                  sentence, start, wait_until)


def sleeper(verb="run", *options):
    """A session that sleeps, with a job in the background."""
    process = start(PROBE, *options, verb, "/bin/sh", "-c",
                    "sleep 1000 & echo up; exec sleep 1000")
    equal(process.stdout.readline(), "up\n")
    return process


def all_dead_within(seconds, *sessions):
    """Less than 5 s where there is a keeper, which could wait for so long."""
    check(wait_until(lambda: not pids("sleep") and not pids("jail-init"),
                     seconds), processes())
    for session in sessions:
        check(session.wait(10) != 0, "ended well")


def next_login_works():
    equal(inside("echo fine"), "fine\n")
    check(wait_until(lambda: not processes()), processes())


@sentence
def with_the_last_session_the_jail_ends():
    session = sleeper()
    other = Hold()
    session.kill()
    session.wait()
    # Who is gone has hung up: what he ran is ended, the jail is not.
    check(wait_until(lambda: len(pids("sleep")) < 2), processes())
    equal(len(pids("jail-init")), 1)
    other.leave()
    all_dead_within(4.8)


@sentence
def linger_is_kept():
    inside("sleep 1000 >/dev/null 2>&1 &", "-l", "5")
    check(not wait_until(lambda: not pids("sleep"), 0.8), "ended early")
    check(wait_until(lambda: not pids("sleep"), 10), "ended late", processes())


@sentence
def a_session_within_linger_begins_it_anew():
    inside("true", "-l", "8")
    time.sleep(5)
    inside("true", "-j")
    time.sleep(5)
    inside("true", "-j")
    check(wait_until(lambda: not processes(), 16), processes())


@sentence
def for_ever_is_until_it_is_stopped():
    inside("true", "-l", "-1")
    time.sleep(0.3)
    equal(len(pids("jail-init")), 1)
    said(probe("stop"))


@sentence
def when_the_keeper_is_killed_everything_inside_dies():
    sessions = [sleeper(), sleeper(), sleeper("enter")]
    keeper, = pids("jail-keeper")
    os.kill(keeper, signal.SIGKILL)
    all_dead_within(10, *sessions)
    next_login_works()


@sentence
def when_pid_1_is_killed_everything_inside_dies():
    sessions = [sleeper(), sleeper(), sleeper("enter")]
    init, = pids("jail-init")
    os.kill(init, signal.SIGKILL)
    all_dead_within(4.8, *sessions)
    next_login_works()


@sentence
def who_has_just_entered_without_a_process_inside_ends_with_the_jail():
    """As sshd's child does of ssh -N: what it has told of itself is not read
    when PID 1 is gone."""
    session = start(PROBE, "stay")
    equal(session.stdout.readline(), "taken\n")
    keeper, = pids("jail-keeper")
    os.kill(keeper, signal.SIGSTOP)
    session.stdin.write("\n")
    session.stdin.flush()
    equal(session.stdout.readline(), "entered\n")
    os.kill(pids("jail-init")[0], signal.SIGKILL)
    os.kill(keeper, signal.SIGCONT)
    check(wait_until(lambda: session.poll() is not None), processes())
    equal(session.returncode, -signal.SIGKILL)
    next_login_works()


@sentence
def when_both_are_stopped_and_killed_everything_inside_dies():
    sessions = [sleeper(), sleeper("enter")]
    for name in "jail-keeper", "jail-init":
        os.kill(pids(name)[0], signal.SIGSTOP)
    os.kill(pids("jail-keeper")[0], signal.SIGKILL)
    all_dead_within(10, *sessions)
    next_login_works()


@sentence
def when_the_keeper_is_asked_to_end_everything_inside_dies():
    sessions = [sleeper(), sleeper("enter")]
    os.kill(pids("jail-keeper")[0], signal.SIGTERM)
    all_dead_within(10, *sessions)
    next_login_works()


@sentence
def when_a_sessions_relay_is_killed_only_that_session_ends():
    first, second = sleeper(), sleeper("run", "-j")
    relay = min(pids("jail-session"))
    os.kill(relay, signal.SIGKILL)
    check(wait_until(lambda: first.poll() is not None), "goes on")
    equal(first.returncode, -signal.SIGKILL)
    equal(second.poll(), None)
    second.kill()
    second.wait()
    all_dead_within(4.8)
    next_login_works()


@sentence
def who_hangs_up_ends_his_command_even_if_it_is_stopped():
    with Hold():
        session = sleeper()
        check(wait_until(lambda: len(pids("sleep")) == 2), processes())
        job, = [p for p in pids("sleep") if os.getpgid(p) == p]
        os.kill(job, signal.SIGSTOP)
        time.sleep(0.1)
        session.kill()
        session.wait()
        check(wait_until(lambda: job not in processes()), processes())


@sentence
def a_session_that_ignores_the_hangup_ends_with_the_jail():
    session = start(PROBE, "run", "/bin/sh", "-c",
                    "trap '' HUP TERM INT; echo up; exec sleep 1000")
    equal(session.stdout.readline(), "up\n")
    session.kill()
    session.wait()
    all_dead_within(4.8)


@sentence
def a_stopped_keeper_hangs_no_other_account_and_its_own_not_for_ever():
    with Hold():
        keeper, = pids("jail-keeper")
        os.kill(keeper, signal.SIGSTOP)
        begun = time.monotonic()
        os.chown("/mnt/home", ALICE + 1, 0)
        try:
            said(probe("-i", ALICE + 1, "take"))
        finally:
            os.chown("/mnt/home", ALICE, ALICE)
        check(time.monotonic() - begun < 5, "the other waited")
        begun = time.monotonic()
        refused(probe("take"), "probe: 1: the jail's keeper does not answer")
        check(time.monotonic() - begun < 25, "waited too long")
        os.kill(keeper, signal.SIGCONT)


@sentence
def nobody_is_refused_in_the_moment_in_which_the_jail_ends():
    for linger in "0", "1":
        script = (f'exec 2>/dev/null; i=0; while [ $i -lt 40 ]; do "{PROBE}" -l {linger} run'
                  " /bin/true || exit; i=$((i+1)); done")
        crowd = [start("/bin/sh", "-c", script) for _ in range(6)]
        equal([member.wait(60) for member in crowd], [0] * 6, linger)
    check(wait_until(lambda: not processes()), processes())


@sentence
def who_comes_while_others_kill_gets_in_or_is_told_why_not():
    random.seed(1)
    crowd = [start("/bin/sh", "-c",
                   f'exec 2>/dev/null; i=0; while [ $i -lt 30 ]; do x=$("{PROBE}" run /bin/echo'
                   ' in 2>&1); echo $? $x; i=$((i+1)); done')
             for _ in range(4)]
    while any(member.poll() is None for member in crowd):
        for name in "jail-keeper", "jail-init", "jail-session":
            found = pids(name)
            if found and random.random() < 0.5:
                try:
                    os.kill(random.choice(found), signal.SIGKILL)
                except ProcessLookupError:
                    pass
        time.sleep(0.005)
    lines = [l for member in crowd for l in member.stdout.read().splitlines()]
    equal(len(lines), 120, lines)
    check(lines.count("0 in") > 0, lines)
    for line in lines:
        status, _, words = line.partition(" ")
        check(status != "0" or words == "in", line)
        # His command may have run before the relay was killed.
        check(status == "0" or words in ("", "in") or
              re.match("(in )?probe: ", words) or "Killed" in words, line)
    check(wait_until(lambda: not processes()), processes())
    next_login_works()
    run("rm", "-rf", ACCOUNT_DIR, LOCK)


@sentence
def what_a_killed_keeper_left_is_taken_away_by_the_next():
    session = sleeper()
    os.kill(pids("jail-keeper")[0], signal.SIGKILL)
    all_dead_within(10, session)
    # Also what was to tell how the session ended.
    check(wait_until(lambda: not processes()), processes())
    check(os.path.exists(ACCOUNT_DIR + "/probe"), "what was left?")
    next_login_works()


@sentence
def a_keeper_that_cannot_be_run_is_an_error_and_no_session():
    from jail import KEEPER, RUN_DIR  # pylint: disable=import-outside-toplevel
    os.rename(KEEPER, KEEPER + ".away")
    try:
        refused(probe("take"), f"probe: 1: run {KEEPER}: "
                "No such file or directory")
        with open(KEEPER, "w", encoding="ascii") as stream:
            stream.write("#!/bin/sh\nexit 0\n")
        os.chmod(KEEPER, 0o755)
        refused(probe("take"), "probe: 1: the jail's keeper died at once")
    finally:
        os.rename(KEEPER + ".away", KEEPER)
    check(os.listdir(RUN_DIR) == [], "a name is left")
    log.lines()


main()
