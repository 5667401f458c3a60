#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""what people run in a shell works in a jail, filter and all

One row, one program: a script that must end well and print what is expected.
They are those of tests/bed/program-packages.  The account has a jail of the
kind that "jailconf add" makes.
"""
import sys

sys.path.append("/bed/login")
from bed import case, has, jail_account, run, same, ssh, sshd, stop

NAME = "worker"

# What makes an ordinary program one that has to do with the kernel: threads,
# processes, signals, terminals, sockets, shared memory, tracing, locks.
PROGRAMS = {
    "git": (r"""
git init -q -b main r && cd r && git config user.email a@b && git config user.name a
echo one >f && git add f && git commit -qm one && git clone -q . ../s
cd ../s && git gc -q && git fsck 2>&1 && git log --format=%s
""", "^one$"),
    "ssh-keygen, ssh-agent and ssh": (r"""
eval "$(ssh-agent)" >/dev/null
ssh-keygen -q -t ed25519 -N '' -f key && ssh-add -q key && ssh-add -l
cp ../.ssh/authorized_keys keep; cat key.pub >>../.ssh/authorized_keys
ssh -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
    -o LogLevel=ERROR localhost echo there; cp keep ../.ssh/authorized_keys
ssh-agent -k >/dev/null
""", "^there$"),
    "gcc and make -j": (r"""
mkdir m && cd m
for i in 1 2 3 4 5 6 7 8; do
    echo "#include <stdio.h>
    int f$i(void) { return printf(\"$i\"); }" >f$i.c; done
echo 'int f1(void); int main(void) { return f1() != 1; }' >main.c
printf 'main: main.o %s\n\tgcc -o $@ $^\n' "$(echo f{1..8}.o)" >Makefile
make -s -j4 && ./main
""", "^1$"),
    "gdb, run": (r"""
printf 'int main(void)\n{\n\tint i = 6;\n\treturn i - 6;\n}\n' >d.c
gcc -g -o d d.c
gdb -q -batch -ex 'break main' -ex run -ex next -ex 'print i' -ex c ./d 2>&1
""", r"\$1 = 6"),
    "gdb, attach": (r"""
sleep 60 & gdb -q -batch -ex bt -ex detach -p $! 2>&1; kill $!
""", "nanosleep"),
    "strace -f": ("strace -f -o log sh -c '/bin/true; /bin/true' && grep -c exited log",
                  "^3$"),
    "ltrace": ("ltrace -o log sh -c : && tail -n 1 log", "exited"),
    "valgrind": ("valgrind -q --error-exitcode=3 /bin/true && echo fine", "fine"),
    "python, processes and threads": (r"""
cat >p.py <<'E'
import asyncio, concurrent.futures, multiprocessing, socket, subprocess, threading
from multiprocessing import shared_memory
async def main():
    server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await reader.read() == b""
    process = await asyncio.create_subprocess_exec("true")
    return await process.wait()
if __name__ == "__main__":
    assert asyncio.run(main()) == 0
    for how in "fork", "spawn", "forkserver":
        with multiprocessing.get_context(how).Pool(3) as pool:
            assert pool.map(abs, [-1, -2]) == [1, 2]
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        assert pool.submit(abs, -1).result() == 1
    memory = shared_memory.SharedMemory(create=True, size=1 << 16)
    memory.close(), memory.unlink()
    lock = multiprocessing.Lock()
    with lock:
        print("fine")
E
python3 p.py
""", "^fine$"),
    "perl": ("perl -MSocket -e 'socketpair(A, B, AF_UNIX, SOCK_STREAM, 0) or die;"
             " if (!fork) { print A \"fine\\n\"; exit } close A; print <B>'",
             "^fine$"),
    "ruby": ("ruby -rsocket -e 's = TCPServer.new(\"127.0.0.1\", 0);"
             " t = Thread.new { s.accept.puts \"fine\" };"
             " puts TCPSocket.new(\"127.0.0.1\", s.addr[1]).gets; t.join;"
             " Process.wait(fork { exit! 0 })'", "^fine$"),
    "php": (r"""
echo '<?php echo "fine\n"; $p = proc_open(["true"], [], $x); proc_close($p);' >i.php
php i.php
php -S 127.0.0.1:8091 >/dev/null 2>&1 & sleep=0
until curl -sf http://127.0.0.1:8091/i.php >got; do
    sleep=$((sleep + 1)); [ $sleep -lt 100 ] || exit 1; sleep 0.1; done
kill $!; cat got
""", "^fine$"),
    "node": (r"""
cat >n.js <<'E'
const http = require("http"), fs = require("fs"), cp = require("child_process");
const { Worker } = require("worker_threads");
const server = http.createServer((q, r) => r.end("fine\n"));
server.listen(0, "127.0.0.1", () => http.get(server.address(), (r) => {
  r.pipe(process.stdout); r.on("end", () => {
    server.close();
    new Worker("require('fs').readFileSync('/etc/passwd')", { eval: true })
      .on("exit", () => cp.spawn("true").on("exit", () => {
        const watcher = fs.watch(".", () => { watcher.close(); });
        fs.writeFileSync("touched", ""); }));
  }); }));
E
node n.js
""", "^fine$"),
    "java": ("java -Xmx64m -XshowSettings:vm -version 2>&1", "(?i)openjdk"),
    "go": (r"""
mkdir g && cd g && export GOFLAGS=-mod=mod GOCACHE=$HOME/g/cache
echo 'package main
func main() { c := make(chan string); go func() { c <- "fine" }(); println(<-c) }' >m.go
go run m.go 2>&1
""", "^fine$"),
    "rsync": ("mkdir a && echo x >a/f && rsync -a --inplace a/ b/ && cat b/f", "^x$"),
    "sqlite": ("sqlite3 t.db 'pragma journal_mode=wal; create table t(x);"
               " insert into t values(7); select x from t;'", "^7$"),
    "redis": (r"""
redis-server --port 0 --unixsocket $HOME/s --dir $HOME --daemonize yes >/dev/null
i=0; until redis-cli -s s ping >/dev/null 2>&1; do
    i=$((i + 1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done
redis-cli -s s set k v; redis-cli -s s bgsave; redis-cli -s s shutdown nosave
""", "^OK"),
    "curl": (r"""
python3 -m http.server --bind 127.0.0.1 8092 >/dev/null 2>&1 &
i=0; until curl -sf http://127.0.0.1:8092/ >got; do
    i=$((i + 1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done
kill $!; head -n 1 got; curl -s file:///etc/hostname
""", "(?i)html"),
    "tmux": (r"""
tmux -f /dev/null new-session -d -s t 'sh -c "echo in \$(tty); sleep 60"'
i=0; until tmux capture-pane -p -t t | grep -q '^in /dev/pts'; do
    i=$((i + 1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done
tmux kill-server; echo fine
""", "^fine$"),
    "screen": (r"""
export SCREENDIR=$HOME/.screen; mkdir -m 700 $SCREENDIR
screen -d -m -S s sh -c 'tty >out; sleep 60'
i=0; until [ -s out ]; do i=$((i + 1)); [ $i -lt 100 ] || exit 1; sleep 0.1; done
screen -S s -X quit; cat out
""", "^/dev/pts/"),
    "script": ("script -q -c 'tty; stty size' log </dev/null; cat log", "^/dev/pts/"),
    "vim": ("printf 'ione\\033:wq\\n' >keys; vi -u NONE -s keys f </dev/null"
            " >/dev/null 2>&1; script -q -c 'vi -u NONE -s keys f' /dev/null"
            " >/dev/null; cat f", "one"),
    "gpg": (r"""
gpg --batch -q --passphrase '' --quick-generate-key a@b ed25519 sign never 2>&1
echo x | gpg --batch -q --passphrase '' --clearsign | gpg --verify 2>&1
gpgconf --kill gpg-agent
""", "Good signature"),
    "ps, top and ip": ("ps ax; top -bn1; ip address; ip route",
                       "ps ax"),
    "setarch, taskset, nice and flock": (
        "setarch -R true && taskset -c 0 true && nice true && flock f true"
        " && timeout 5 true && ionice true && echo fine", "^fine$"),
}

def works(program):
    script, expected = PROGRAMS[program]
    script = f"set -e; rm -rf w; mkdir w; cd w; HOME=$PWD\n{script}"
    done = ssh(NAME, "bash", "-s", input=script, timeout=100)
    same(done.returncode, 0, done.stdout[-800:] + done.stderr[-800:])
    has(done.stdout, expected)


def make_cases():
    for program in PROGRAMS:
        def function(program=program):
            works(program)
        function.__name__ = f"{program} works"
        case(function)


@case
def the_filter_is_there():
    has(ssh(NAME, "grep Seccomp: /proc/self/status").stdout, r"\t2$")
    stop(NAME)


sshd()
jail_account(NAME)
make_cases()
run(100)
