# SPDX-License-Identifier: ISC
"""bed - what the login tests share: cases, accounts, servers, proofs

The tests run as root in a throw-away system (tests/bed/ns-run); they change
its /etc and kill its processes as they like.  Each test may run alone: what
it needs and is not there yet is set up, what another has set up is used.

An account NAME has the password "pw" and root's ssh key.  Two are always
meant: PLAIN is not jailed, JAILED is.
"""
import contextlib
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import traceback

PLAIN = "plain"
JAILED = "jailed"
RUN = pathlib.Path("/run/bed")
WITH_SYSTEMD = os.path.isdir("/run/systemd/system")
# How much longer everything may take: vm-run says so.
SLOW = float(os.environ.get("BED_SLOW", "1"))
# And the most that what is waited for may, on a machine that has other things
# to do: three times what is enough.
PATIENCE = 3 * SLOW

# Beds of several releases run side by side, on one kernel, which counts the
# processes, keys and pipes of a uid whatever root they are in.
UID_MIN = {"trixie": 1200, "forky": 1400}.get(
    platform.freedesktop_os_release().get("VERSION_CODENAME"), 1000)


def where():
    """What build.t was told by configure: conf_dir, run_dir, jailsh, ..."""
    pairs = pathlib.Path("/bed/paths").read_text().split()
    return dict(pair.split("=", 1) for pair in pairs)


PATHS = where()
CONF_DIR = pathlib.Path(PATHS["conf_dir"])
RUN_DIR = pathlib.Path(PATHS["run_dir"])
JAILSH = PATHS["jailsh"]
KEEPER = PATHS["keeper"]


# --- cases -------------------------------------------------------------------

class Skip(Exception):
    """This case cannot be tried here; the text says why."""


class Breach(AssertionError):
    """Somebody was where he must not be.  Once is enough: ./check tries other
    failures once more, in a fresh system."""


CASES = []


def is_breach(err):
    """ERR, or what it is the end of: to put all back may fail as well."""
    return err is not None and (isinstance(err, Breach) or
                                is_breach(err.__context__))


def case(function):
    """Marks a case; its name, a sentence, is what is printed."""
    CASES.append((function.__name__, function))
    return function


def both(function):
    """Marks a case that must hold for the unjailed account and, in the same
    words, for the jailed one: "as in a plain shell"."""
    def pair():
        for who in (PLAIN, JAILED):
            try:
                function(who)
            except AssertionError as err:
                err.args = (f"as {who}: {err}",)
                raise
    CASES.append((function.__name__, pair))
    return function


def _overdue(*_):
    raise AssertionError("took too long")


def run(seconds=60, chosen=tuple(sys.argv[1:])):
    """Runs the cases (those named on the command line, else all), each with
    at most SECONDS, prints a line for each and exits."""
    unknown = set(chosen) - {name for name, _ in CASES}
    bad = len(unknown)
    for name in unknown:
        print(f"not ok - {name}: there is no such case")
    signal.signal(signal.SIGALRM, _overdue)
    for name, function in CASES:
        if chosen and name not in chosen:
            continue
        start = time.monotonic()
        logged = log_mark()
        # What hangs when all is put back is interrupted, too.
        signal.setitimer(signal.ITIMER_REAL, seconds * PATIENCE, 30)
        try:
            function()
            result, note = "ok", ""
        except Skip as why:
            result, note = "ok", f" # SKIP {why}"
        except Exception as err:  # a failure; the next case may pass
            tell_log(logged)
            tell(err)
            result = "not ok"
            note = " (a breach)" if is_breach(err) else ""
            bad += 1
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        took = (time.monotonic() - start) * 1000
        print(f"{result} - {name.replace('_', ' ')}{note}", flush=True)
        print(f"# {took:.0f} ms", flush=True)
    sys.exit(1 if bad else 0)


def tell_log(mark):
    """Prints the end of what has been logged since log_mark() gave MARK."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    for line in log_since(mark).splitlines()[-12:]:
        print(f"log: {line[:300]}")


def tell(err):
    """Prints what went wrong and where in the test, not where in here."""
    frames = [f for f in traceback.extract_tb(err.__traceback__)
              if f.filename != __file__]
    for frame in frames:
        print(f"{os.path.basename(frame.filename)}:{frame.lineno}:"
              f" {frame.line}")
    print(f"{type(err).__name__}: {str(err)[:2000]}")


def same(got, expected, what=""):
    if got != expected:
        raise AssertionError(f"{what}: got {got!r}, expected {expected!r}")


def has(text, pattern, what=""):
    if not re.search(pattern, text, re.M):
        raise AssertionError(f"{what}: no {pattern!r} in {text[-600:]!r}")


def lacks(text, pattern, what=""):
    if re.search(pattern, text, re.M):
        raise AssertionError(f"{what}: {pattern!r} in {text[-600:]!r}")


def eventually(predicate, what, seconds=10):
    """Waits until PREDICATE() is true; returns what it returned."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(
                f"after {seconds * PATIENCE:.0f} s still not: {what}")
        time.sleep(0.05)


def unmount(path):
    """Takes what is mounted at PATH away, as soon as nothing of it is in use:
    who was refused knows it before his keeper has ended."""
    eventually(lambda: sh(["umount", path], check=False).returncode == 0,
               f"{path} is not in use")


# --- control groups ----------------------------------------------------------

CGROUP = pathlib.Path("/sys/fs/cgroup")
if not (CGROUP / "cgroup.controllers").exists():
    CGROUP = CGROUP / "unified"


def find_cgroups(pattern):
    """What matches PATTERN, wherever in the tree."""
    for _ in range(100):
        # One that goes away is in the way of all.
        with contextlib.suppress(FileNotFoundError):
            return list(CGROUP.glob(f"**/{pattern}"))
    raise AssertionError("the tree of control groups does not stand still")


# --- commands ----------------------------------------------------------------

def sh(command, check=True, timeout=30, **keys):
    """Runs COMMAND in a shell of root's; returns its output, both streams,
    and with check=False the whole CompletedProcess."""
    argv = command if isinstance(command, list) else ["sh", "-c", command]
    done = subprocess.run(argv, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True,
                          timeout=timeout * PATIENCE, check=False,
                          **{"stdin": subprocess.DEVNULL, **keys})
    if not check:
        return done
    if done.returncode:
        raise AssertionError(f"{command}: {done.returncode}: {done.stdout}")
    return done.stdout


SSH_OPTIONS = [
    "-F", "none", "-o", "StrictHostKeyChecking=no",
    "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
    "-o", "KexAlgorithms=curve25519-sha256",
]
WITH_KEY = ["-o", "PreferredAuthentications=publickey"]
WITH_PASSWORD = ["-o", "PreferredAuthentications=password"]


def ssh_argv(who, *command, options=(), port=22, by=tuple(WITH_KEY)):
    return ["ssh", *SSH_OPTIONS, *by, "-p", str(port), *options,
            f"{who}@127.0.0.1", *command]


def ssh(who, *command, options=(), port=22, timeout=20, **keys):
    """ssh with root's key, no terminal; returns the CompletedProcess."""
    if "input" not in keys:
        keys.setdefault("stdin", subprocess.DEVNULL)
    keys.setdefault("text", True)
    return subprocess.run(
        ssh_argv(who, *command, options=options, port=port),
        timeout=timeout * PATIENCE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **keys)


def su(who, command, *options, login=True, **keys):
    """su from root, without a terminal; returns the CompletedProcess."""
    if "input" not in keys:
        keys.setdefault("stdin", subprocess.DEVNULL)
    dash = ["-"] if login else []
    return subprocess.run(
        ["su", *dash, who, *options, "-c", command], text=True,
        timeout=20 * PATIENCE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **keys)


# --- the system --------------------------------------------------------------

def once(name):
    """Whether NAME still has to be done; the next who asks hears no."""
    RUN.mkdir(exist_ok=True)
    try:
        (RUN / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def never_mind(name):
    """NAME has failed: the next who asks must do it, or fail as well."""
    (RUN / name).unlink()


def account(name, shell="/bin/bash"):
    """A user with a home, a password and root's key; not jailed."""
    key = pathlib.Path("/root/.ssh/id_ed25519")
    if once("key"):
        key.parent.mkdir(mode=0o700, exist_ok=True)
        sh(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)])
    if not once(f"account-{name}"):
        return
    sh(["useradd", "-K", f"UID_MIN={UID_MIN}", "-m", "-s", shell, name])
    sh(["chpasswd"], stdin=None, input=f"{name}:pw\n")
    home = pathlib.Path("/home") / name
    (home / ".ssh").mkdir(mode=0o700)
    (home / ".ssh/authorized_keys").write_text(
        key.with_suffix(".pub").read_text())
    sh(f"chown -R {name}: {home}/.ssh")
    (home / ".inputrc").write_text("set enable-bracketed-paste off\n")


def uid_of(name):
    return int(sh(["id", "-u", name]))


def jail_account(name, *keys):
    """A jailed user; KEYS are lines for its file in users.d."""
    account(name)
    set_up()
    if once(f"jailed-{name}"):
        try:
            sh(["jailconf", "add", name])
        except AssertionError:
            never_mind(f"jailed-{name}")
            raise
    if keys:
        configure(name, *keys)


def configure(name, *keys):
    """Adds lines to the account's file in users.d, for its next jail."""
    path = CONF_DIR / "users.d" / name
    first = RUN / f"users.d-{name}"
    if not first.exists():
        first.write_text(path.read_text())
    path.write_text(first.read_text() + "".join(k + "\n" for k in keys))


def set_up():
    """The host knows pam_jail: what the administrator does once."""
    if once("set-up"):
        keep_pristine()
        try:
            sh(["jailconf", "setup"])
        except AssertionError:
            never_mind("set-up")
            raise


PRISTINE = ("etc/passwd", "etc/shadow", "etc/group", "etc/gshadow",
            "etc/shells", "etc/pam.d")


def keep_pristine():
    """Keeps a copy of what set-up may edit, to be compared with later."""
    if once("pristine-kept"):
        (RUN / "pristine").mkdir()
        sh("tar -C / -cf - " + " ".join(PRISTINE)
           + f" | tar -C {RUN}/pristine -xpf -")


def the_two():
    """PLAIN and JAILED, with the walls of the matrix: own network, and no
    limits but those that everybody has."""
    account(PLAIN)
    jail_account(JAILED, 'network = "none";', "limits = { };")
    secret()


LOG = RUN / "log"

COLLECTOR = """
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind("/dev/log")
os.chmod("/dev/log", 0o666)
open(sys.argv[1], "a").close()
if os.fork() or os.setsid() and os.fork():
    os._exit(0)
out = open(sys.argv[1], "ab", buffering=0)
while True:
    out.write(s.recv(65536).rstrip(b"\\0\\n") + b"\\n")
"""


def collect_log():
    """Something listens on /dev/log: journald or a few lines of ours."""
    if not WITH_SYSTEMD and once("collector"):
        subprocess.run([sys.executable, "-c", COLLECTOR, str(LOG)],
                       check=True)


def log_mark():
    """Where the log is now."""
    return time.time() if WITH_SYSTEMD else \
        LOG.stat().st_size if LOG.exists() else 0


def log_since(mark):
    if WITH_SYSTEMD:
        return sh(f"journalctl -b --no-pager -o short --since=@{mark:.0f}; :")
    if not LOG.exists():
        return ""
    return LOG.read_bytes()[mark:].decode(errors="replace")


def log_text():
    if WITH_SYSTEMD:
        return sh("journalctl -b --no-pager -o short-full; :")
    return LOG.read_text(errors="replace")


class Logged:
    """What has been logged since this was made."""

    def __init__(self):
        collect_log()
        self.start = len(log_text())

    def text(self):
        return log_text()[self.start:]

    def expect(self, pattern, seconds=20):
        with contextlib.suppress(AssertionError):
            return eventually(lambda: re.search(pattern, self.text(), re.M),
                              "", seconds)
        raise AssertionError(f"no {pattern!r} in the log:"
                             f" {self.text()[-1500:]!r}")


SSHD_OPTIONS = """\
MaxStartups 200:30:400
X11Forwarding yes
PermitUserEnvironment no
"""


def openssh_version():
    text = sh("ssh -V")
    major, minor = re.search(r"OpenSSH_(\d+)\.(\d+)", text).groups()
    return int(major), int(minor)


def sshd(port=22, settings="", match=""):
    """The distribution's sshd on PORT of loopback: as packaged on 22 (with
    sftp-server), else with SETTINGS in front and MATCH blocks behind."""
    collect_log()
    if not once(f"sshd-{port}") and can_connect(port):
        return
    options = SSHD_OPTIONS
    if openssh_version() >= (9, 8):
        options += "PerSourcePenalties no\n"  # tests are refused often
    config = pathlib.Path("/etc/ssh/sshd_config")
    if port == 22:
        (config.parent / "sshd_config.d/bed.conf").write_text(options)
        if WITH_SYSTEMD:
            sh("systemctl restart ssh")
            eventually(lambda: can_connect(port), "ssh.service")
            return
    else:
        text = settings + options + config.read_text()
        if "Subsystem" in settings:
            text = re.sub(r"^Subsystem(?!.*internal).*\n", "", text, flags=re.M)
        text += match
        config = RUN / f"sshd-{port}.conf"
        config.write_text(text)
    os.makedirs("/run/sshd", exist_ok=True)
    sh(["/usr/sbin/sshd", "-f", str(config), "-p", str(port),
        "-o", f"PidFile={RUN}/sshd-{port}.pid"])
    eventually(lambda: can_connect(port), f"sshd on {port}")


def can_connect(port):
    with contextlib.suppress(OSError):
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    return False


def secret():
    """Things of the host's that every account may read, but from a jail."""
    if not once("secret"):
        return
    account("other")
    sh("chmod 755 /home/other")
    for path in ("/home/other/secret", "/tmp/secret"):
        pathlib.Path(path).write_text("of the host\n")
        os.chmod(path, 0o644)


# --- proofs ------------------------------------------------------------------

PROOF = """\
echo mnt=$(readlink /proc/self/ns/mnt) pid=$(readlink /proc/self/ns/pid)
echo secrets=$(cat /home/other/secret /tmp/secret 2>/dev/null | wc -l)
echo homes=$(ls /home | tr '\\n' ' ')
echo end"""


def host_namespaces():
    return {ns: os.readlink(f"/proc/self/ns/{ns}") for ns in ("mnt", "pid")}


def is_inside(text):
    """Reads PROOF's output: True in a jail, False outside, else raises."""
    found = re.search(r"mnt=(mnt:\S+) pid=(pid:\S+)\s+secrets=(\d)\s+"
                      r"homes=([^\r\n]*)\s+end", text)
    if not found:
        raise AssertionError(f"no proof in {text!r}")
    mnt, pid, secrets, homes = found.groups()
    host = host_namespaces()
    signs = (mnt != host["mnt"], pid != host["pid"], secrets == "0",
             "other" not in homes.split())
    if all(signs):
        return True
    if any(signs):
        raise Breach(f"half in a jail: {text!r}")
    return False


def proved(who, text, door=None):
    """The account WHO is where it belongs, coming in by DOOR."""
    inside = is_inside(text)
    if door and who != PLAIN:
        came_out(door, "jail" if inside else "outside")
    if who != PLAIN and not inside:
        raise Breach(f"{who} is outside: {text!r}")
    same(inside, who != PLAIN, f"{who} is in a jail")


# --- the table of doors ------------------------------------------------------

# What tests/login/doors-table makes a table of: DOOR, END and the test that
# saw it, a line each; END is "jail", "denied" or "outside".
DOORS = pathlib.Path(os.environ.get("BED_OUT", "/tmp")) / "doors"


def came_out(door, end):
    """Writes down where a session of a jailed account was at DOOR, as the
    test has seen."""
    first = "" if DOORS.exists() else "# " + sh("ssh -V").split()[0] + "\n"
    with open(DOORS, "a", encoding="utf-8") as file:
        file.write(f"{first}{door}\t{end}\t{os.path.basename(sys.argv[0])}\n")


def reached_no_more(who, door):
    """A test whose proof is what could be reached has seen that WHO reached
    from DOOR what belongs to it."""
    if who != PLAIN:
        came_out(door, "jail")


def at_door(door, text, log=None, cause="refuse"):
    """Where PROOF's output TEXT says that a session was at DOOR.  Without a
    proof there was none, and LOG must have CAUSE.  Written down; returned."""
    if "mnt=" in text:
        end = "jail" if is_inside(text) else "outside"
    else:
        log.expect(cause)
        end = "denied"
    came_out(door, end)
    return end


# --- running jails -----------------------------------------------------------

def processes():
    """pid -> (exe, cmdline) of everything on the host."""
    found = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        with contextlib.suppress(OSError):
            exe = os.readlink(f"/proc/{entry}/exe")
            words = pathlib.Path(f"/proc/{entry}/cmdline").read_bytes()
            found[int(entry)] = (exe, words.replace(b"\0", b" ").decode(
                errors="replace").strip())
    return found


def of_uid(uid):
    """pids of the host that run as UID."""
    found = []
    for pid in processes():
        with contextlib.suppress(OSError):
            if os.stat(f"/proc/{pid}").st_uid == uid:
                found.append(pid)
    return found


def keepers():
    """pids of the keepers, and of the processes that they made of
    themselves: a PID 1 for each jail, one for each session of jailsh's."""
    return sorted(pid for pid, (exe, _) in processes().items()
                  if exe.removesuffix(" (deleted)") == KEEPER)


def inits():
    """pids of the PID 1s of jails."""
    found = []
    for pid in keepers():
        with contextlib.suppress(OSError):
            text = pathlib.Path(f"/proc/{pid}/status").read_text()
            if re.search(r"^NSpid:\t\d+\t1$", text, re.M):
                found.append(pid)
    return found


def inits_of(name):
    """Those of NAME's jails: another's may be at its end."""
    return [pid for pid in inits()
            if processes().get(pid, ("", ""))[1].endswith(f" {name}")]


def residue(name):
    """What is there of a jail of NAME's account: nothing, once it ended."""
    uid = uid_of(name)
    left = [f"process {pid} {processes().get(pid)}" for pid in of_uid(uid)]
    if (RUN_DIR / str(uid)).exists():
        left.append(f"{RUN_DIR}/{uid}")
    return left


def mounts():
    return sorted(line.split(" - ")[0].split(" ", 3)[3]
                  for line in open("/proc/self/mountinfo", encoding="utf-8"))


def cgroups():
    """Control groups of jails, but not those that all of them are in."""
    return sorted(path for path, _, _ in os.walk("/sys/fs/cgroup")
                  if re.search(r"/jail\b.*/\d+(/|$)", path))


def stop(name):
    """Ends the account's jail, if it runs, and waits until it is gone."""
    sh(["jailconf", "stop", name], check=False)
    path = RUN_DIR / str(uid_of(name))
    eventually(lambda: not path.exists() or not keepers(),
               f"{name}'s jail is gone")
    # What a keeper leaves that was killed, until the next login.
    shutil.rmtree(path, ignore_errors=True)
