#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""programs that stay when the connection goes: tmux, screen, mosh, and the
server that an editor leaves behind"""
import contextlib
import http.client
import json
import re
import socket
import subprocess
import tarfile

from clients import (ALONE, BOX, OPEN, customers, home_of, in_each_jail,
                     typed_proof)
from bed import (RUN, account, case, configure, eventually, has,
                 host_namespaces, jail_account, of_uid, once, processes,
                 proved, run, same, sh, ssh, ssh_argv, stop, uid_of)
from term import Terminal

customers()
WORK = RUN / "stay"
WORK.mkdir(exist_ok=True)
CODER, ALONE_CODER, HASTY = "coder", "alonecoder", "hasty"
PROMPT = r"\$ $"
PORT = 8123


def editor_account(name, *options):
    account(name)
    if once(f"editor-{name}"):
        sh(["jailconf", "add", "--jail", "ide", *options, name])


editor_account(CODER)
editor_account(ALONE_CODER, "--network", "none")
jail_account(HASTY, "linger = 0;")


def has_process(who, word):
    """Whether a process of WHO's has WORD in its command line."""
    return any(word in processes().get(pid, ("", ""))[1]
               for pid in of_uid(uid_of(who)))


@contextlib.contextmanager
def at_a_prompt(who):
    with Terminal(ssh_argv(who, options=["-tt"])) as tty:
        tty.expect(PROMPT, timeout=20)
        yield tty


def leave(tty):
    tty.line("exit")
    tty.wait(timeout=20)


# --- tmux and screen ---------------------------------------------------------

def detached_and_found(who, start, keys, attach):
    """A program is left in one login and found, still running, in the next;
    no session is left in between."""
    with at_a_prompt(who) as tty:
        tty.line(start)
        tty.expect(PROMPT, timeout=20)
        proved(who, typed_proof(tty, who))
        tty.line("echo left-''behind; cat")
        tty.expect("left-behind")
        tty.send(keys)
        tty.expect(r"detached", timeout=20)
        tty.expect(PROMPT, timeout=20)
        leave(tty)
    same(has_process(who, "cat"), True, "it runs on")
    with at_a_prompt(who) as tty:
        tty.line(attach)
        tty.expect("left-behind", timeout=20)
        tty.line("typed-''later")
        tty.expect("typed-''later")
        tty.send("\x04")  # ends cat
        tty.ask("echo at-the-''prompt", "at-the-prompt")
        tty.line("exit")
        tty.expect(r"exited|terminating", timeout=20)
        leave(tty)


@in_each_jail
def tmux_is_detached_and_found_by_the_next_login(who):
    detached_and_found(who, "tmux new -s left", "\x02d", "tmux attach -t left")


@in_each_jail
def screen_is_detached_and_found_by_the_next_login(who):
    detached_and_found(who, "screen -S left", "\x01d", "screen -r left")


@case
def where_nothing_lingers_tmux_ends_with_the_last_session():
    ssh(HASTY, "tmux new -d -s left cat")
    eventually(lambda: not of_uid(uid_of(HASTY)), "all has ended", 10)


# --- mosh --------------------------------------------------------------------

def mosh(who):
    return Terminal(["env", "LC_ALL=C.UTF-8", "TERM=xterm", "mosh",
                     f"{who}@{BOX}"])


@case
def mosh_has_a_shell_in_the_jail():
    with mosh(OPEN) as tty:
        tty.expect(r"\$ ", timeout=40)
        proved(OPEN, typed_proof(tty, OPEN))
        # What holds the jail is linger.
        eventually(lambda: not connected(OPEN), "ssh's part has ended", 20)
        tty.line("exit")
        tty.expect("mosh is exiting", timeout=20)
        tty.wait(timeout=20)


@case
def mosh_says_that_a_network_of_its_own_does_not_answer():
    # The server is to be there when the client has given up.
    configure(ALONE, 'network = "none";', "linger = 60;")
    stop(ALONE)
    try:
        with mosh(ALONE) as tty:
            tty.expect(r"Nothing received from server on UDP port 60\d\d\d",
                       timeout=40)
            tty.send("\x1e.")
            tty.wait(timeout=30)
        eventually(lambda: has_process(ALONE, "mosh-server"), "its server")
    finally:
        configure(ALONE, 'network = "none";')
        stop(ALONE)
    same(has_process(ALONE, "mosh-server"), False)


# --- an editor that installs its server --------------------------------------

# As the remote parts of editors do it: unpack an archive, start a server that
# outlives the session unless one runs already, say where it listens.
START = """\
#!/bin/sh
cd ~/.editor/server || exit 1
mkdir -p ~/.editor/run
exec 9>~/.editor/run/lock
flock 9
if ! kill -0 "$(cat ~/.editor/run/pid 2>/dev/null)" 2>/dev/null; then
	rm -f ~/.editor/run/at
	nohup setsid node main.js "$1" >~/.editor/run/log 2>&1 </dev/null 9>&- &
	echo $! >~/.editor/run/pid
	for _ in $(seq 100); do
		[ ! -s ~/.editor/run/at ] || break
		sleep .1
	done
fi
cat ~/.editor/run/at
"""
MAIN = """\
const fs = require('fs'), http = require('http'), os = require('os');
const run = os.homedir() + '/.editor/run/';
const token = Math.random().toString(36);
let asked = 0;
const server = http.createServer((request, response) => {
	response.end(JSON.stringify({
		token, asked: ++asked, host: os.hostname(),
		homes: fs.readdirSync('/home'), user: os.userInfo().username,
		pid: fs.readlinkSync('/proc/self/ns/pid'),
		secret: fs.existsSync('/home/other/secret')}));
});
const said = () => {
	const at = server.address();
	fs.writeFileSync(run + 'at.new', (at.port || at) + '\\n');
	fs.renameSync(run + 'at.new', run + 'at');
};
if (process.argv[2] === 'port')
	server.listen(0, '127.0.0.1', said);
else
	server.listen(process.env.XDG_RUNTIME_DIR + '/editor.sock', said);
"""


def install(who):
    """What the editor does first: upload an archive and unpack it."""
    here = WORK / "server"
    here.mkdir(exist_ok=True)
    (here / "main.js").write_text(MAIN)
    (here / "start").write_text(START)
    archive = WORK / "server.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(here, "server")
    sh(f"rm -rf {home_of(who)}/.editor")
    sh(["ssh", f"{who}@{BOX}", "mkdir -p ~/.editor"])
    sh(["scp", "-q", str(archive), f"{who}@{BOX}:.editor/"])
    sh(["ssh", f"{who}@{BOX}", "cd ~/.editor && tar -xzf server.tar.gz"])


class Unix(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(self.host)


def asked_through(who, kind):
    """One session of the editor's: start, forward, ask."""
    started = ssh(who, f"sh ~/.editor/server/start {kind}", timeout=40)
    at = started.stdout.strip()
    has(at, r"^(\d+|/run/user/\d+/editor\.sock)$", started.stderr)
    if kind == "port":
        forward = f"{PORT}:127.0.0.1:{at}"
        web = http.client.HTTPConnection("127.0.0.1", PORT, timeout=20)
    else:
        path = WORK / f"{who}.sock"
        path.unlink(missing_ok=True)
        forward = f"{path}:{at}"
        web = Unix(str(path))
    client = subprocess.Popen(ssh_argv(
        who, options=["-N", "-o", "ExitOnForwardFailure=yes", "-L", forward]))
    try:
        with contextlib.closing(web):
            eventually(lambda: is_connected(web), "ssh listens", 20)
            web.request("GET", "/")
            return json.loads(web.getresponse().read())
    finally:
        client.terminate()
        client.wait(timeout=20)


def is_connected(web):
    with contextlib.suppress(OSError):
        web.connect()
        return True
    return False


def connected(who):
    return any(re.match(rf"sshd.*: {who}\b", words)
               for _, words in processes().values())


def comes_back(who, kind):
    stop(who)
    install(who)
    first = asked_through(who, kind)
    same((first["user"], first["host"], first["homes"], first["secret"]),
         (who, who, [who], False))
    same(first["pid"] != host_namespaces()["pid"], True, "in a jail")
    # Nobody is connected now.
    eventually(lambda: not connected(who), "the session has ended", 20)
    second = asked_through(who, kind)
    same((second["token"], second["pid"]), (first["token"], first["pid"]))
    same(second["asked"] > first["asked"], True)


@case
def an_editor_finds_its_server_again_at_a_port():
    for who in (CODER, ALONE_CODER):
        comes_back(who, "port")


@case
def an_editor_finds_its_server_again_at_a_socket():
    for who in (CODER, ALONE_CODER):
        comes_back(who, "socket")


@case
def the_jail_for_editors_stays_for_an_hour():
    for who in (CODER, ALONE_CODER):
        text = sh(["jailconf", "explain", who])
        match = re.search(r"linger\D*(\d+)", text)
        same(match and match.group(1), "3600", text)


run(seconds=200)
