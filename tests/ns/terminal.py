# SPDX-License-Identifier: ISC
"""A session on a terminal behaves as a plain shell's, and the terminal that
it was asked for on stays outside."""

import os
import signal
import sys
import termios
import time

from jail import (ALICE, Hold, JAILSH, PROBE, check, equal, log, main, pids,
                  probe, processes, run, said, sentence, start,
                  wait_until)

sys.path.insert(0, os.environ["top_srcdir"] + "/tests/login")
from term import Terminal  # pylint: disable=wrong-import-position

ENV = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TERM": "vt100",
       "PS1": "OUTER> ", "HOME": "/root"}
OUTER = r"OUTER> $"
INNER = r"INNER> $"
LOGIN = (PROBE, "-k", "TERM", "-S", "/bin/bash", "-e", "PS1=INNER> ", "shell",
         "bash", "--norc", "--noprofile")


def plain(text):
    return text.replace("\r", "")


def login(rows=24, cols=80):
    """A shell of the jail on a terminal, at its prompt."""
    tty = Terminal(list(LOGIN), rows, cols, ENV)
    tty.expect(INNER)
    tty.line("bind 'set enable-bracketed-paste off'")
    tty.expect(INNER)
    return tty


def outer():
    """A shell of the host's on a terminal, at its prompt."""
    tty = Terminal(["bash", "--norc", "--noprofile"], env=ENV)
    tty.expect(OUTER)
    tty.line("bind 'set enable-bracketed-paste off'")
    tty.expect(OUTER)
    return tty


def go_in(tty):
    tty.line(" ".join(f"'{word}'" for word in LOGIN))
    tty.expect(INNER)
    tty.line("bind 'set enable-bracketed-paste off'")
    tty.expect(INNER)


def is_sane(tty):
    tty.expect(OUTER)
    tty.ask("stty -a | tr ' ;' '\\n\\n' | grep -xE -- '-?(icanon|echo|isig|"
            "opost|icrnl)' | sort | tr '\\n' ,",
            "^echo,icanon,icrnl,isig,opost,")
    tty.expect(OUTER)


@sentence
def the_terminal_has_a_name_and_is_the_jails_own():
    with login() as tty:
        ours = os.stat(os.readlink(f"/proc/{tty.pid}/fd/0"))
        name = tty.ask("tty", r"^(/dev/pts/\d+)\r").group(1)
        tty.expect(INNER)
        tty.ask("test /dev/tty -ef $(tty); stat -L -c dev=%d $(tty)",
                rf"^dev=(?!{ours.st_dev}\r)\d+\r")
        tty.expect(INNER)
        tty.ask("stat -c %u:%g:%a $(tty)", rf"^{ALICE}:5:620\r")
        tty.expect(INNER)
        for number in 0, 1, 2:
            tty.ask(f"readlink /proc/$$/fd/{number}", rf"^{name}\r")
            tty.expect(INNER)
        tty.line("exit 3")
        equal(tty.wait(), 3)


@sentence
def the_window_has_its_size_and_follows():
    with login(31, 97) as tty:
        tty.ask("stty size", r"^31 97\r")
        tty.expect(INNER)
        tty.resize_and_follow(40, 120)


@sentence
def control_c_ends_the_command_and_not_the_shell():
    with login() as tty:
        tty.line("sleep 1000")
        check(wait_until(lambda: pids("sleep")), "no sleep")
        tty.send("\x03")
        tty.expect(INNER)
        tty.ask("echo status=$?", r"^status=130\r")
        tty.expect(INNER)


@sentence
def control_z_stops_the_command_and_fg_continues_it():
    with login() as tty:
        tty.line("sleep 1000")
        check(wait_until(lambda: pids("sleep")), "no sleep")
        time.sleep(0.1)
        tty.send("\x1a")
        tty.expect("Stopped")
        tty.expect(INNER)
        tty.line("fg")
        tty.expect(r"^sleep 1000\r")
        tty.silent("INNER", 0.2)
        tty.send("\x03")
        tty.expect(INNER)
        tty.line("exit 0")
        equal(tty.wait(), 0)


@sentence
def control_d_ends_the_shell():
    with login() as tty:
        tty.line("cat")
        check(wait_until(lambda: pids("cat")), "no cat")
        tty.line("abc")
        tty.expect(r"^abc\r\nabc\r")
        tty.send("\x04")
        tty.expect(INNER)
        tty.send("\x04")
        equal(tty.wait(), 0)


@sentence
def exit_statuses_and_deaths_come_out():
    for command, status in (("exit 0", 0), ("exit 7", 7), ("exit 255", 255),
                            ("kill -TERM $$", -15), ("kill -KILL $$", -9),
                            ("kill -SEGV $$", -11), ("kill -HUP $$", -1)):
        equal(probe("run", "/bin/sh", "-c", command).returncode, status,
              command)
        tty = Terminal([PROBE, "run", "/bin/sh", "-c", command], env=ENV)
        equal(tty.wait(), status, command, "on a terminal")
        tty.hangup()


@sentence
def all_output_comes_out_before_the_end():
    for _ in range(5):
        equal(len(said(probe("run", "/bin/sh", "-c",
                             "head -c 300000 /dev/zero | tr '\\0' x"))),
              300000)
        tty = Terminal([PROBE, "run", "/bin/sh", "-c",
                        "head -c 30000 /dev/zero | tr '\\0' x; echo; echo end"],
                       env=ENV)
        equal(tty.wait(), 0)
        check(tty.text.count("x") == 30000 and tty.text.endswith("end\r\n"),
              len(tty.text), tty.text[-10:])
        tty.hangup()


@sentence
def all_output_comes_out_on_a_terminal_that_is_slow():
    """More than the terminal outside holds, and less than both and we do, so
    that the session ends with something left for each."""
    tty = Terminal([PROBE, "run", "/bin/sh", "-c",
                    "head -c 80000 /dev/zero | tr '\\0' x; echo; echo end"],
                   env=ENV)
    check(wait_until(lambda: pids("probe") and not pids("sh")), processes())
    got, more = b"", True
    while more:
        time.sleep(0.15)
        try:
            more = os.read(tty.master, 4096)
        except OSError:  # EIO: the end
            more = b""
        got += more
    equal((got.count(b"x"), got[-5:]), (80000, b"end\r\n"))
    tty.kill()
    tty.hangup()


def modes_of(tty):
    return termios.tcgetattr(tty.master)[:4]


@sentence
def the_terminal_is_as_it_was_when_the_relay_was_only_told_to_go_on():
    """By a shell that does not set its terminal's modes itself, as bash."""
    tty = Terminal(["/bin/sh", "-c", "read x; '" + "' '".join(LOGIN) + "';"
                    " echo o''ut; read x"], env=ENV)
    before = modes_of(tty)
    tty.line("")
    tty.expect(INNER)
    check(modes_of(tty) != before, "is raw")
    os.kill(pids("probe")[0], signal.SIGCONT)
    tty.ask("echo b''ack", "back\r")
    tty.line("exit")
    tty.expect("^out\r")
    equal(modes_of(tty), before)
    tty.kill()
    tty.hangup()


@sentence
def pipes_are_pipes_and_input_ends():
    equal(run("sh", "-c", f"printf 'one\\ntwo\\n' | '{PROBE}' run cat").stdout,
          "one\ntwo\n")
    answer = probe("run", "/bin/sh", "-c", "echo out; echo err >&2")
    equal((answer.stdout, answer.stderr), ("out\n", "err\n"))


@sentence
def a_pipe_on_one_side_stays_a_pipe():
    with outer() as tty:
        tty.line(f"echo typed | '{PROBE}' run /bin/sh -c "
                 "'cat; tty; test -t 1 && echo on; test -t 2 && echo two'")
        tty.expect(r"^typed\r\nnot a tty\r\non\r\ntwo\r")
        is_sane(tty)
        tty.line(f"'{PROBE}' run /bin/sh -c 'tty; test -t 1 || echo pi''ped'"
                 " | cat")
        tty.expect(r"^/dev/pts/\d+\r\npiped\r")
        is_sane(tty)


@sentence
def the_whole_session_stops_and_goes_on_as_a_job():
    with outer() as tty:
        go_in(tty)
        tty.line("suspend")
        tty.expect("Stopped")
        is_sane(tty)
        tty.line("fg")
        tty.silent("OUTER", 0.2)
        tty.ask("echo b''ack", r"^back\r")
        tty.expect(INNER)
        tty.line("exit 5")
        tty.expect(OUTER)
        tty.ask("echo status=$?", r"^status=5\r")
        is_sane(tty)


@sentence
def a_command_stops_and_goes_on_as_a_job():
    with outer() as tty:
        tty.line(f"'{PROBE}' run /bin/sh -c 'echo u''p; exec sleep 1000'")
        tty.expect(r"^up\r")
        check(wait_until(lambda: pids("sleep")), processes())
        tty.send("\x1a")
        tty.silent("Stopped", 0.1)  # as with ssh: nobody inside waits for it
        os.kill(pids("probe")[0], signal.SIGTSTP)
        tty.expect("Stopped")
        check(wait_until(lambda: state_of("sleep") == "T"), "runs on")
        is_sane(tty)
        tty.line("bg")
        check(wait_until(lambda: state_of("sleep") == "S"), "stays stopped")
        tty.line("kill %1; wait")
        tty.expect("Terminated")
        is_sane(tty)


def state_of(name):
    with open(f"/proc/{pids(name)[0]}/stat", encoding="ascii") as stream:
        return stream.read().rpartition(")")[2].split()[0]


@sentence
def stopped_from_outside_and_continued_it_is_where_it_was():
    with outer() as tty:
        go_in(tty)
        os.kill(pids("probe")[0], signal.SIGTSTP)
        tty.expect("Stopped")
        is_sane(tty)
        tty.line("fg")
        tty.line("echo b''ack")
        tty.expect(r"^back\r")
        tty.expect(INNER)
        tty.line("exit")
        is_sane(tty)


@sentence
def in_the_background_it_does_not_read():
    with outer() as tty:
        tty.line(f"'{PROBE}' run /bin/sh -c 'echo u''p; read x; echo got $x' &")
        tty.expect(r"up\r")
        tty.line("echo m''ine")
        tty.expect(r"^mine\r")
        tty.silent("got", 0.3)
        tty.line("fg")
        time.sleep(0.4)
        tty.line("yours")
        tty.expect(r"got yours\r")
        is_sane(tty)


@sentence
def what_it_prints_in_the_background_is_seen_and_leaves_the_modes_alone():
    with outer() as tty:
        tty.line(f"'{PROBE}' run /bin/sh -c 'sleep 0.2; echo p''rinted' &")
        tty.expect(r"printed\r")
        tty.line("wait")
        is_sane(tty)


@sentence
def when_the_terminal_goes_the_session_goes():
    tty = login()
    tty.line("sleep 1000 & sleep 1000")
    check(wait_until(lambda: len(pids("sleep")) == 2), processes())
    tty.hangup()
    check(wait_until(lambda: not pids("sleep")), processes())
    tty.kill()


@sentence
def signals_to_the_relay_go_to_the_session():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP,
                   signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2):
        session = start(PROBE, "run", "/bin/sh", "-c",
                        f"exec 2>/dev/null; trap 'echo got; exit 9' {number.name[3:]};"
                        "echo up; while :; do sleep 0.01; done")
        equal(session.stdout.readline(), "up\n")
        session.send_signal(number)
        equal((session.communicate()[0], session.returncode), ("got\n", 9),
              number)


# --- what stays outside -----------------------------------------------------

@sentence
def a_terminal_of_the_host_is_not_passed_as_any_descriptor():
    with Hold():
        for redirection in ("</dev/null", ">/dev/null", "</dev/null >/dev/null",
                            "2>/dev/null", "</dev/null 2>/dev/null"):
            with outer() as tty:
                name = os.readlink(f"/proc/{tty.pid}/fd/0")
                device = os.stat(name).st_dev
                tty.line(f"'{PROBE}' -j run /bin/sh -c 'for i in 0 1 2; do "
                         "stat -L -c %d:%F /proc/$$/fd/$i; done >/tmp/seen' "
                         f"{redirection}; echo d''one")
                tty.expect(r"^done\r")
            seen = said(probe("-j", "run", "/bin/cat", "/tmp/seen"))
            lines = seen.split("\n")[:-1]
            equal(len(lines), 3, seen)
            for line in lines:
                check(not line.startswith(f"{device}:"), redirection, seen)


def disks():
    """A block device of this machine, open, if it has one."""
    with open("/proc/partitions", encoding="ascii") as stream:
        numbers = [line.split()[:2] for line in stream.readlines()[2:]]
    for major, minor in numbers:
        os.mknod("/mnt/disk", 0o60600, os.makedev(int(major), int(minor)))
        try:
            return [os.open("/mnt/disk", os.O_RDONLY)]
        except OSError:
            pass
        finally:
            os.unlink("/mnt/disk")
    return []


@sentence
def what_could_lead_out_is_refused_as_a_descriptor():
    log.lines()
    os.symlink("/etc", "/mnt/link")
    cases = [os.open("/", os.O_RDONLY | os.O_DIRECTORY),
             os.open("/etc/passwd", os.O_PATH), os.open("/", os.O_PATH),
             *disks(),
             os.open("/mnt/link", os.O_PATH | os.O_NOFOLLOW),
             os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY)]
    for number in cases[:-1]:
        for place in "stdin", "stdout", "stderr":
            answer = probe("run", "/bin/sh", "-c", "echo ran >/tmp/x; echo ran",
                           **{place: number})
            check(answer.returncode == 1 and "ran" not in (answer.stdout or ""),
                  place, answer)
            if place != "stderr":
                check("may not enter a jail" in answer.stderr, place, answer)
    check(any("a descriptor that may not enter a jail" in line
              for line in log.lines()), "not logged")
    # A pty's master is a terminal, too: it gets one of the jail's instead.
    ours = os.fstat(cases[-1])
    there = said(probe("run", "/bin/stat", "-L", "-c", "%d %i", "/proc/self/fd/0",
                       stdin=cases[-1]))
    check(there != f"{ours.st_dev} {ours.st_ino}\n", there)
    for number in cases:
        os.close(number)
    os.unlink("/mnt/link")


@sentence
def a_closed_descriptor_is_refused():
    with Hold():
        for number in 0, 1, 2:
            answer = jailsh("-c", "echo ran >/tmp/ran",
                            before=lambda n=number: os.close(n))
            check(answer.returncode == 126, number, answer)
        equal(said(probe("-j", "run", "ls", "/tmp")), "")


@sentence
def nobody_types_into_the_outer_terminal():
    script = ("import fcntl, termios\n"
              "for fd in 0, 1, 2:\n"
              "  for c in b'echo INJECTED\\n':\n"
              "    try: fcntl.ioctl(fd, termios.TIOCSTI, bytes([c]))\n"
              "    except OSError: pass\n")
    with outer() as tty:
        tty.line(f"'{PROBE}' run /usr/bin/python3 -c \"{script}\"")
        tty.expect(OUTER)
        tty.silent("INJECTED\r\nINJECTED", 0.3)
        tty.line("echo d''one")
        tty.expect(r"^done\r")
        check("\nINJECTED" not in plain(tty.text), tty.text[-300:])


# --- jailsh -----------------------------------------------------------------

def jailsh(*argv, argv0="jailsh", uid=ALICE, before=None, **options):
    def become():
        if before is not None:
            before()
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    return run(argv0, *argv, executable=JAILSH, preexec_fn=become, cwd="/",
               **options)


@sentence
def jailsh_outside_runs_the_accounts_shell_inside():
    with Hold():
        answer = jailsh("-c", "id -u; hostname; echo $0; pwd")
        equal((answer.stdout, answer.stderr, answer.returncode),
              (f"{ALICE}\njail\nsh\n/\n", "", 0))
        answer = jailsh("-c", "exit 9", argv0="-jailsh")
        equal(answer.returncode, 9)
        equal(jailsh("-c", "pwd", argv0="-jailsh").stdout, "/home/alice\n")
        equal(jailsh("-c", 'echo "$1|$2"', "x", "a b", "*").stdout,
              "a b|*\n")


@sentence
def jailsh_inside_becomes_the_real_shell():
    # The jail shows the host's sbin; the keeper's marker says that it is one.
    os.makedirs("/mnt/sbin", exist_ok=True)
    run("cp", JAILSH, "/mnt/sbin/jailsh")
    bind = ("-a", "bind,r,0,/opt/sbin,/mnt/sbin")
    for argv0, name in (("-jailsh", "-sh"), ("jailsh", "sh")):
        equal(said(probe(*bind, "run", "/bin/bash", "-c",
                         f"exec -a {argv0} /opt/sbin/jailsh -c 'echo $0 $SHELL'")),
              f"{name} /bin/sh\n")
    run("rm", "-r", "/mnt/sbin")


@sentence
def jailsh_without_a_jail_refuses():
    log.lines()
    answer = jailsh("-c", "echo ran")
    equal((answer.stdout, answer.stderr, answer.returncode),
          ("", "login refused\n", 126))
    check(any('cause="no jail is running"' in line for line in log.lines()),
          "not logged")


@sentence
def jailsh_of_another_account_refuses():
    with Hold():
        answer = jailsh("-c", "echo ran", uid=ALICE + 1)
        equal((answer.stdout, answer.stderr, answer.returncode),
              ("", "login refused\n", 126))


@sentence
def jailsh_that_is_set_uid_refuses():
    run("cp", JAILSH, "/mnt/jailsh")
    os.chown("/mnt/jailsh", 7, 7)
    os.chmod("/mnt/jailsh", 0o6755)
    with Hold():
        def become():
            os.setresgid(ALICE, ALICE, ALICE)
            os.setresuid(ALICE, ALICE, ALICE)
        log.lines()
        answer = run("/mnt/jailsh", "-c", "echo ran", preexec_fn=become)
        check(any('cause="jailsh is never set-uid"' in line
                  for line in log.lines()), "not logged")
        equal((answer.stdout, answer.stderr, answer.returncode),
              ("", "login refused\n", 126))
    os.unlink("/mnt/jailsh")


@sentence
def a_mark_that_is_not_roots_is_no_mark():
    from jail import RUN_DIR  # pylint: disable=import-outside-toplevel
    os.makedirs(RUN_DIR, exist_ok=True)
    os.symlink("/bin/sh", RUN_DIR + "/shell")
    os.lchown(RUN_DIR + "/shell", ALICE, ALICE)
    equal(jailsh("-c", "echo ran").stdout, "")
    os.unlink(RUN_DIR + "/shell")


main()
