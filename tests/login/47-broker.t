#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""passwd, crontab and sendmail of the host's, from inside by the broker: each
works, and nothing but that can be had"""
import contextlib
import os
import pathlib
import re
import socket
import subprocess
import sys

from bed import (CONF_DIR, KEEPER, PATIENCE, PLAIN, PROOF, RUN_DIR,
                 WITH_PASSWORD, Logged, account, case, configure, eventually,
                 has, jail_account, lacks, processes, proved, run, same, secret,
                 sh, ssh, ssh_argv, sshd, stop, uid_of)
from term import Terminal

WHO = "asks"
BROKER = KEEPER.replace("jail-keeper", "jail-broker")
SOCKET = f"{RUN_DIR}/broker"
ALL = 'commands = [ "passwd", "crontab", "sendmail" ];'

jail_account(WHO, ALL)
account(PLAIN)
secret()
sshd()
HOME = pathlib.Path(f"/home/{WHO}")


def brokers():
    return [pid for pid, (exe, _) in processes().items()
            if exe.removesuffix(" (deleted)") == BROKER]


def runs(program):
    """Outside: inside, the one who asks has the same name."""
    found = []
    for pid, (exe, _) in processes().items():
        with contextlib.suppress(OSError):  # it has just ended
            if exe == program and (os.readlink(f"/proc/{pid}/ns/mnt")
                                   == os.readlink("/proc/self/ns/mnt")):
                found.append(pid)
    return found


def in_jail(text, **keys):
    """Runs TEXT, a script for Python with raw.py beside it, inside."""
    (HOME / "raw.py").write_text(RAW)
    return ssh(WHO, "python3 -", input="import sys\nsys.path.insert(0,"
               f" '{HOME}')\nfrom raw import *\n" + text, timeout=50, **keys)


# What a hostile client could say: jail/wire.h and jail/run.h, by hand.
RAW = f"""
import array, fcntl, os, socket, struct
SOCKET = "{SOCKET}"
def connect():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect(SOCKET)
    s.settimeout(50)
    return s
def message(kind=5, magic=0x6a61696d):
    return struct.pack("=II", magic, kind).ljust(648, b"\\0")
def text(word):
    return struct.pack("=Q", 1) + word + b"\\0"
def request(words, count=None):
    n = len(words) if count is None else count
    return (struct.pack("=QQ", 0x72756e32, n) + b"".join(map(text, words))
            + struct.pack("=Q", 0) + text(b"/") + struct.pack("=QQ", 1, 0))
def memory(data, sealed=True):
    fd = os.memfd_create("x", os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    if sealed:
        fcntl.fcntl(fd, 1033, 15)
    return fd
def say(data, fds=()):
    s = connect()
    anc = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
    try:
        s.sendmsg([data], anc if fds else [])
    except BrokenPipeError:
        pass  # it has its answer already
    return s
def hear(s):
    try:
        data, fds, _, _ = socket.recv_fds(s, 1000, 4)
    except ConnectionError:
        return "reset"
    if not data:
        return "closed"
    kind = struct.unpack_from("=I", data, 4)[0]
    if kind == 8:
        return "refused: " + data[132:].split(b"\\0")[0].decode()
    return f"kind {{kind}} fds {{len(fds)}}"
def ask(*words):
    return hear(say(message(), [memory(request([w if isinstance(w, bytes)
                                                else w.encode()
                                                for w in words]))]))
"""


# --- the commands ------------------------------------------------------------

def password_is(word):
    return sh(["sshpass", "-p", word, *ssh_argv(WHO, "echo in",
                                                by=WITH_PASSWORD)],
              check=False).stdout == "in\n"


@case
def passwd_asks_for_the_old_password_and_takes_the_new_one():
    with Terminal(ssh_argv(WHO, "passwd", options=["-tt"])) as tty:
        for prompt, word in (("urrent.*assword: ", "pw"),
                             ("[Nn]ew.*assword: ", "Ent6.zwei-neu"),
                             ("[Rr]etype.*assword: ", "Ent6.zwei-neu")):
            tty.expect(prompt, timeout=20)
            tty.line(word)
        tty.expect("updated successfully", timeout=20)
        same(tty.wait(), 0)
        lacks(tty.text, "Ent6", "what was typed")
    same(password_is("Ent6.zwei-neu"), True)
    same(password_is("pw"), False)
    done = ssh(WHO, "passwd", input="Ent6.zwei-neu\nAcht9.neun-x\n"
                                    "Acht9.neun-x\n")
    same(done.returncode, 0, done.stderr)
    same(password_is("Acht9.neun-x"), True)


@case
def passwd_with_a_wrong_password_changes_nothing():
    before = pathlib.Path("/etc/shadow").read_text()
    done = ssh(WHO, "passwd", input="wrong\nAcht9.zehn-x\nAcht9.zehn-x\n")
    same(done.returncode != 0, True)
    has(done.stderr, "unchanged|rror|ailure")
    same(pathlib.Path("/etc/shadow").read_text(), before)


@case
def the_terminal_shows_again_what_is_typed_after_an_interrupt():
    with Terminal(ssh_argv(WHO, options=["-tt"])) as tty:
        tty.expect(r"\$ $", timeout=20)
        tty.line("passwd")
        tty.expect("urrent.*assword: ", timeout=20)
        tty.send("\x03")
        tty.expect(r"\$ $")
        tty.ask("stty -a", r"[^-]echo ")
    eventually(lambda: not runs("/usr/bin/passwd"), "passwd has gone")


def crontab_of(who=WHO):
    return sh(f"crontab -u {who} -l", check=False).stdout


@case
def crontab_installs_lists_and_removes():
    has(ssh(WHO, "crontab -l").stderr, "no crontab")
    same(ssh(WHO, "crontab -l").returncode, 1)
    done = ssh(WHO, "crontab -", input="0 0 1 1 * echo one\n")
    same(done.returncode, 0, done.stderr)
    has(crontab_of(), "echo one")
    has(ssh(WHO, "crontab -l").stdout, "^0 0 1 1 \\* echo one$")
    same(ssh(WHO, "echo '0 0 1 1 * echo two' >t; crontab t").returncode, 0)
    has(crontab_of(), "echo two")
    same(ssh(WHO, "crontab -", input="not a table\n").returncode != 0, True)
    has(crontab_of(), "echo two")
    same(ssh(WHO, "crontab -r").returncode, 0)
    has(crontab_of(), "no crontab")


@case
def crontab_reads_no_more_of_the_input_than_it_should():
    done = ssh(WHO, "while read word; do crontab -l; echo $word; done",
               input="a\nb\n")
    same(done.stdout, "a\nb\n")


@case
def a_part_of_a_table_is_not_taken_for_all_of_it():
    """A directory can be opened and not read; /dev/full takes nothing."""
    ssh(WHO, "crontab -", input="0 0 1 1 * echo one\n")
    for command, why in (
            ("crontab /tmp", "standard input: Is a directory"),
            ("crontab - </tmp", "standard input: Is a directory"),
            ("crontab -l >/dev/full",
             "standard output: No space left on device")):
        done = ssh(WHO, command)
        same((done.returncode, done.stderr), (1, f"crontab: {why}\n"), command)
    has(crontab_of(), "echo one")
    ssh(WHO, "crontab -r")


@case
def crontab_e_edits_inside():
    """The editor sees the jail, not the host; nothing is left behind."""
    (HOME / "edit").write_text(f"#!/bin/sh\n{{ {PROOF}\n}} >{HOME}/edited\n"
                               'echo "0 0 2 2 * echo edited" >>"$2"\n')
    (HOME / "edit").chmod(0o755)
    ssh(WHO, "crontab -", input="0 0 1 1 * echo one\n")
    done = ssh(WHO, f"EDITOR='{HOME}/edit x' crontab -e; ls /tmp")
    same(done.stdout, "", done.stderr)
    proved(WHO, (HOME / "edited").read_text())
    has(crontab_of(), "^0 0 1 1 .* one\n0 0 2 2 .* edited$")
    has(ssh(WHO, "EDITOR=true crontab -e").stderr, "nothing is changed")
    (HOME / "spoil").write_text('#!/bin/sh\necho bad >"$1"\n')
    (HOME / "spoil").chmod(0o755)
    done = ssh(WHO, f"EDITOR={HOME}/spoil crontab -e")
    same(done.returncode, 1)
    kept = re.search(r"what you wrote is in (\S+)", done.stderr).group(1)
    same(ssh(WHO, f"cat {kept}").stdout, "bad\n")
    has(crontab_of(), "edited$")
    ssh(WHO, "crontab -r")


@case
def what_crontab_installed_runs_in_the_jail():
    ran = HOME / "job-ran"
    (HOME / "proof.sh").write_text(PROOF)
    ssh(WHO, "crontab -", input=f"@reboot sh {HOME}/proof.sh >{ran}\n")
    sh("systemctl stop cron; :", check=False)
    pathlib.Path("/run/crond.reboot").unlink(missing_ok=True)
    daemon = subprocess.Popen(["cron", "-f"])
    try:
        eventually(lambda: ran.exists() and "end" in ran.read_text(),
                   "the job runs", 20)
    finally:
        daemon.kill()
        daemon.wait()
        ssh(WHO, "crontab -r")
    proved(WHO, ran.read_text())


def mail_of(who):
    path = pathlib.Path(f"/var/mail/{who}")
    return path.read_text() if path.exists() else ""


@case
def sendmail_hands_a_message_to_the_host_s_mail_server():
    """Debian's exim, as it is installed: local delivery only."""
    pathlib.Path("/var/spool/exim4").exists() or sys.exit("no exim")
    ways = {
        "sendmail -t -i": f"To: {PLAIN}@localhost\nSubject: one\n\n.\nhello\n",
        f"/usr/sbin/sendmail -i -f {WHO}@localhost -- {PLAIN}@localhost":
            "Subject: two\n\nhello\n",
        f"/usr/lib/sendmail -oi -FName {PLAIN}@localhost":
            "Subject: three\n\nhello\n",
        f"mail -s four {PLAIN}@localhost": "hello\n",
    }
    for way, text in ways.items():
        done = ssh(WHO, f"PATH=$PATH:/usr/sbin; {way}", input=text)
        same((done.returncode, done.stderr), (0, ""), way)
    for word in ("one", "two", "three", "four"):
        eventually(lambda: f"Subject: {word}\n" in mail_of(PLAIN),
                   f"the message {word} is delivered", 20)
    has(mail_of(PLAIN), f"^From {WHO}@")
    has(mail_of(PLAIN), r"^\.$")


# --- refused -----------------------------------------------------------------

REFUSED = [
    ("passwd", "root"), ("passwd", "-S"), ("passwd", "-d"), ("passwd", ""),
    ("crontab",), ("crontab", "-e"), ("crontab", "-u", "root", "-l"),
    ("crontab", "-l", "-u", "root"), ("crontab", "/etc/shadow"),
    ("crontab", "-lu", "root"), ("crontab", ""), ("crontab", "-l", "-l"),
    ("sendmail", "-C", "/home/asks/conf"), ("sendmail", "-C/x", "a@b"),
    ("sendmail", "-bd"), ("sendmail", "-be"), ("sendmail", "-bp"),
    ("sendmail", "-bs"), ("sendmail", "-q"), ("sendmail", "-q1m"),
    ("sendmail", "-X", "/tmp/x"), ("sendmail", "-O", "QueueDirectory=/x"),
    ("sendmail", "-oQ/tmp"), ("sendmail", "-oMr", "x"), ("sendmail", "-DX=1"),
    ("sendmail", "-f", "-bd"), ("sendmail", "-f"), ("sendmail", "-F", "-be"),
    ("sendmail", "-f", "a b@c"), ("sendmail", "|id"), ("sendmail", "/tmp/x"),
    ("sendmail", ":include:/etc/passwd"), ("sendmail", "${run{/bin/id}}@x"),
    ("sendmail", "--", "-bd"), ("sendmail", "a@b", "-be"), ("sendmail", ""),
    ("sendmail", "-t", "-v"), ("sendmail", "a\nb@c"), ("sendmail", "-"),
    ("sh", "-c", "id"), ("/bin/sh",), ("../bin/sh",), ("",), ("Passwd",),
]


@case
def what_is_not_allowed_is_refused_and_logged():
    log = Logged()
    # One by one: a syslog socket holds ten lines, and nobody waits for it.
    done = in_jail("import time\nfor words in %r:\n    print(ask(*words))\n"
                   "    time.sleep(0.05)\n" % (REFUSED,))
    answers = done.stdout.splitlines()
    same(len(answers), len(REFUSED), done.stderr)
    for words, answer in zip(REFUSED, answers):
        has(answer, "^refused: ", str(words))
    line = (rf"jail-broker\[\d+\]: refuse user={WHO} uid={uid_of(WHO)} "
            r'jail=\S+ (?:service=.*)?from-pid=\d+ step=command cause="')
    eventually(lambda: len(re.findall(line, log.text())) >= len(REFUSED),
               "a line for each")
    same(len(re.findall(line, log.text())), len(REFUSED), "one line for each")
    lacks(log.text(), r"command user|/etc/shadow|\bid\b|include")
    same(runs("/usr/bin/crontab") + runs("/usr/bin/passwd"), [])


@case
def the_client_tells_why():
    done = ssh(WHO, "crontab -u root -l; passwd root; PATH=$PATH:/usr/sbin;"
                    " echo | sendmail -bd; echo $?")
    has(done.stderr, "^crontab: usage: ")
    has(done.stderr, "^passwd: passwd: no arguments$")
    has(done.stderr, "^sendmail: sendmail: argument 1 is not allowed$")
    same(done.stdout, "75\n")


@case
def what_is_allowed_is_logged_as_well():
    log = Logged()
    ssh(WHO, "crontab -l")
    log.expect(rf"jail-broker\[\d+\]: command user={WHO} uid={uid_of(WHO)}"
               r" jail=\S+ service=crontab from-pid=\d+$")


@case
def a_command_that_the_jail_has_not_is_refused():
    configure(WHO, 'commands = [ "passwd" ];')
    stop(WHO)
    try:
        done = in_jail("print(ask('crontab', '-l')); print(ask('passwd'))\n")
        same(done.stdout.splitlines(),
             ["refused: no such command for this jail", "kind 9 fds 3"])
    finally:
        configure(WHO, ALL)
        stop(WHO)


@case
def a_jail_without_commands_has_no_broker_and_no_socket():
    configure(WHO, "commands = [ ];")
    stop(WHO)
    try:
        client = subprocess.Popen(ssh_argv(WHO, f"ls {SOCKET}; echo up; cat"),
                                  stdin=subprocess.PIPE, text=True,
                                  stdout=subprocess.PIPE)
        same(client.stdout.readline(), "up\n")
        eventually(lambda: not brokers(), "no broker")
        client.communicate(timeout=10)
        path = CONF_DIR / "users.d" / WHO
        configure(WHO, 'commands = [ "shutdown" ];')
        log = Logged()
        same(ssh(WHO, "echo in").stdout, "")
        log.expect(rf'{path}:\d+: .*commands.*shutdown.* is none of')
    finally:
        configure(WHO, ALL)
        stop(WHO)


# --- hostile -----------------------------------------------------------------

def alone():
    """The pids of the broker, once no request of before is there."""
    found = brokers()
    return found if len(found) == 1 else None


HOSTILE = """
r, w = os.pipe()
good = memory(request([b"crontab", b"-l"]))
print(1, hear(say(b"x")))
print(2, hear(say(b"x" * 100000)))
print(3, hear(say(message(kind=1))))
print(4, hear(say(message(magic=1), [good])))
print(5, hear(say(message())))
print(6, hear(say(message(), [os.open("/", os.O_RDONLY)])))
print(7, hear(say(message(), [os.open("/", os.O_PATH)])))
print(8, hear(say(message(), [r])))
print(9, hear(say(message(), [connect().fileno()])))
print(10, hear(say(message(), [os.open("/dev/null", os.O_RDWR)])))
print(11, hear(say(message(), [good] * 2)))
print(12, hear(say(message(), [good] * 200)))
print(13, hear(say(message(), [memory(request([b"crontab"]), False)])))
print(14, hear(say(message(), [memory(b"")])))
print(15, hear(say(message(), [memory(request([]))])))
print(16, hear(say(message(), [memory(request([b"crontab", b"-l"], 1 << 60))])))
print(17, hear(say(message(), [memory(request([b"crontab\\0-l"]))])))
print(18, hear(say(message(), [memory(request([b"crontab"] * 100000))])))
print(19, hear(say(message(), [memory(request([b"x" * 3000000]))])))
print(20, hear(say(message(), [memory(b"x" * 5000000)])))
print(21, hear(say(message(), [memory(request([b"crontab", b"-l"])[:-1])])))
"""


@case
def whatever_is_sent_the_broker_stays_and_nothing_is_run():
    log = Logged()
    same(ssh(WHO, "crontab -l").returncode, 1)
    before = eventually(alone, "only the broker is there")
    done = in_jail(HOSTILE)
    answers = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    same(len(answers), 21, done.stderr)
    for number, answer in answers.items():
        has(answer, "^(refused|reset|closed)", number)
    eventually(lambda: brokers() == before, "only the broker is there")
    same(ssh(WHO, "crontab -l").returncode, 1)

    def commands():
        return len(re.findall(": command user", log.text()))
    eventually(lambda: commands() >= 2, "both are in the log")
    same(commands(), 2)


@case
def who_dies_in_the_middle_leaves_nothing():
    ssh(WHO, "crontab -", input="0 0 1 1 * echo whole\n")
    done = in_jail("""
for i in range(8):
    s = say(message(), [memory(request([b"passwd"]))])
    if i % 2: hear(s)
    s.close()
for i in range(4):
    s = say(message(), [memory(request([b"crontab", b"-"]))])
    pipes = socket.recv_fds(s, 1000, 4)[1]
    os.write(pipes[0], b"0 0 1 1 * echo half\\n")
    os.close(pipes[0])
    if i % 2: s.close()
os.kill(os.getpid(), 9)
""")
    same(done.returncode != 0, True)
    # What had been said of a table is not taken for a table.
    has(crontab_of(), "echo whole$")
    eventually(lambda: not runs("/usr/bin/passwd")
               and not runs("/usr/bin/crontab"), "the programs have gone")
    eventually(lambda: len(brokers()) == 1, "the broker is alone")
    has(ssh(WHO, "crontab -l").stdout, "echo whole$")
    ssh(WHO, "crontab -r")


@case
def many_that_say_nothing_are_no_trouble_when_they_have_gone():
    done = in_jail("""
import time
idle = []
for _ in range(100):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.setblocking(False)
    try:
        s.connect(SOCKET)
        idle.append(s)
    except BlockingIOError:
        s.close()
print(len(idle))
for s in idle: s.close()
print(ask("crontab", "-l"))
""")
    count, answer = done.stdout.splitlines()
    same(int(count) < 40, True, "they are bounded")
    same(answer, "kind 9 fds 3")
    eventually(lambda: len(brokers()) == 1, "the broker is alone")


@case
def what_is_slow_to_close_holds_up_nobody_for_long():
    """A socket with SO_LINGER takes an hour; all eight servers get one."""
    done = in_jail("""
busy = [connect() for _ in range(8)]  # so that we do not close last
kept = []
for _ in range(8):
    server = socket.create_server(("127.0.0.1", 0))
    ours = socket.create_connection(server.getsockname())
    held = server.accept()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 3600))
    ours.setblocking(False)
    try:
        while True:
            ours.send(bytes(65536))
    except BlockingIOError:
        pass
    kept += [server, held, say(b"?", [ours.fileno()])]
    ours.close()
for s in busy: s.close()
print(ask("crontab", "-l"), flush=True)
os._exit(0)
""")
    same(done.stdout, "kind 9 fds 3\n", done.stderr)
    eventually(lambda: len(brokers()) == 1, "the broker is alone", 30)


@case
def a_hundred_at_a_time_are_all_served():
    ssh(WHO, "crontab -", input="0 0 1 1 * echo one\n")
    done = ssh(WHO, "for i in $(seq 100); do crontab -l & done; wait",
               timeout=60)
    same(done.stdout, "0 0 1 1 * echo one\n" * 100, done.stderr[-500:])
    ssh(WHO, "crontab -r")


@case
def who_asks_for_ever_does_not_fill_the_log():
    done = in_jail("""
import time
began = time.monotonic()
for _ in range(150):
    if not ask("no", "x" * 200).startswith("refused"):
        print("not refused")
print(time.monotonic() - began >= 4.5, ask("crontab", "-l"))
""")
    same(done.stdout, "True kind 9 fds 3\n", done.stderr)


def outside(uid, pid):
    """What UID, outside, hears at the socket of the jail of PID."""
    script = RAW.replace(SOCKET, f"/proc/{pid}/root{SOCKET}") + """
try:
    print(ask("crontab", "-l"))
except OSError as err:
    print("cannot:", err)
"""
    return subprocess.run(
        [sys.executable, "-"], input=script, text=True, timeout=20,
        stdout=subprocess.PIPE, check=False, user=uid, group=uid,
        extra_groups=[]).stdout


@case
def who_is_not_in_the_jail_is_not_heard():
    client = subprocess.Popen(ssh_argv(WHO, "exec sleep 4242"),
                              stdin=subprocess.DEVNULL)
    try:
        pid = eventually(lambda: [p for p, (_, words) in processes().items()
                                  if words == "sleep 4242"], "a process")[0]
        log = Logged()
        has(outside(0, pid), "^refused: refused$|^reset$")
        log.expect('refuse .*cause="uid 0 is not of this jail"')
        has(outside(uid_of(WHO), pid), "^refused: refused$|^reset$")
        log.expect(r'refuse .*cause="process \d+ is not in this jail"')
        has(outside(uid_of(PLAIN), pid), "^cannot:")
        lacks(log.text(), "command user")
    finally:
        client.kill()
        client.wait()
    same(sh("find /run /tmp /var -ignore_readdir_race -name 'broker*' -type s"
            " 2>/dev/null; :"), "")


@case
def a_program_outside_has_nothing_of_who_asked():
    """Not a descriptor, a terminal, a directory, a variable or a limit."""
    with Terminal(ssh_argv(WHO, "cd /tmp; ulimit -n 99; umask 0; trap '' INT;"
                           " exec 7</; EVIL=1 LD_PRELOAD=/x passwd",
                           options=["-tt"])) as tty:
        tty.expect("urrent.*assword: ", timeout=20)
        pid = runs("/usr/bin/passwd")[0]
        proc = pathlib.Path(f"/proc/{pid}")
        fds = {fd: os.readlink(proc / "fd" / fd)
               for fd in os.listdir(proc / "fd")}
        for fd in "012":
            has(fds.pop(fd), "^pipe:")
        lacks(" ".join(fds.values()), "pts|tty|^/$|/home")
        status = (proc / "status").read_text()
        has(status, rf"^Uid:\t{uid_of(WHO)}\t0\t0\t0$")
        has(status, r"^NoNewPrivs:\t0$")
        lacks(status, r"^Umask:\t0000$")
        has(status, r"^Sig(Ign|Blk):\t0{16}$")
        same((proc / "stat").read_text().split(") ")[1].split()[4], "0", "tty")
        same(os.readlink(proc / "cwd"), "/")
        same(os.readlink(proc / "ns/mnt"), os.readlink("/proc/1/ns/mnt"))
        words = (proc / "environ").read_bytes().decode().split("\0")
        same(sorted(word.split("=")[0] for word in words if word),
             ["HOME", "LOGNAME", "PATH", "SHELL", "USER"])
        lacks((proc / "limits").read_text(), r"open files +99 ")
        has((proc / "cgroup").read_text(), "/commands$")
    eventually(lambda: not runs("/usr/bin/passwd"), "passwd has gone")


GIVE = """
import time
s = say(message(), [memory(request([b"passwd"]))])
pipes = socket.recv_fds(s, 1000, 4)[1]
given = socket.socket(socket.AF_UNIX)
given.connect("%s")
socket.send_fds(given, [b"x"], [s.fileno(), *pipes])
time.sleep(600)
"""


@case
def a_command_goes_with_its_jail_whoever_holds_its_other_end():
    place = HOME / "given"
    (HOME / "raw.py").write_text(RAW)
    (HOME / "give.py").write_text("from raw import *\n" + GIVE % place)
    ssh(WHO, "true")
    log = Logged()
    with socket.socket(socket.AF_UNIX) as server, contextlib.ExitStack() as undo:
        server.bind(str(place))
        undo.callback(place.unlink)
        os.chmod(place, 0o666)
        server.listen()
        server.settimeout(20 * PATIENCE)
        client = subprocess.Popen(ssh_argv(WHO, "python3 give.py"),
                                  stdin=subprocess.DEVNULL)
        undo.callback(client.wait)
        undo.callback(client.kill)
        peer = server.accept()[0]
        fds = socket.recv_fds(peer, 1, 4)[1]
        for fd in fds:
            undo.callback(os.close, fd)
        same(len(fds), 4)
        eventually(lambda: runs("/usr/bin/passwd"), "passwd asks")
        stop(WHO)
        same((runs("/usr/bin/passwd"), brokers()), ([], []), "after its end")
    lacks(log.text(), "left user")


@case
def the_broker_goes_with_its_jail():
    ssh(WHO, "true")
    eventually(lambda: len(brokers()) == 1, "one broker")
    sh(["jailconf", "stop", WHO])
    eventually(lambda: not brokers(), "the broker has gone")
    client = subprocess.Popen(ssh_argv(WHO, "cat"), stdin=subprocess.PIPE)
    eventually(brokers, "a broker")
    for pid in runs(KEEPER):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 9)
    eventually(lambda: not brokers(), "the broker goes with a killed keeper")
    client.kill()
    client.wait()
    stop(WHO)


@case
def explain_shows_what_is_asked_for():
    text = sh(["jailconf", "explain", WHO])
    has(text, "^ +commands +passwd crontab sendmail")
    has(text, "/usr/bin/passwd +the host's /.*/jail-ask, read-only")


run()
