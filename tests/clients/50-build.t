#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""what customers build and run: C with make, node and npm, python, and what
all programs expect of a system"""
import shlex
import textwrap

from clients import OPEN, customers, home_of, in_each_jail, typed_proof
from bed import (PROOF, case, has, lacks, proved, run, same, ssh, ssh_argv,
                 uid_of)
from term import Terminal

customers()


def runs(who, script, timeout=60):
    """What SCRIPT says, which has run where WHO belongs."""
    script = textwrap.dedent(script) + "\n" + PROOF
    done = ssh(who, "sh -eu -", input=script, timeout=timeout)
    same(done.returncode, 0, done.stdout + done.stderr)
    proved(who, done.stdout)
    return done.stdout[:done.stdout.index("mnt=mnt:")]


@in_each_jail
def make_and_gcc_build_a_program(who):
    text = runs(who, r"""
        rm -rf c; mkdir c; cd c
        echo '#include <stdio.h>' >a.c
        echo 'int main(void) { return puts("built") < 0; }' >>a.c
        for i in $(seq 8); do echo "int f$i(void){return $i;}" >f$i.c; done
        echo 'a: a.o f1.o f2.o f3.o f4.o f5.o f6.o f7.o f8.o' >Makefile
        make -s -j4
        ./a
        strace -c ./a 2>&1 | tail -1
        """)
    has(text, r"^built$")
    has(text, "total$")


@in_each_jail
def node_runs_workers_and_npm_installs_from_a_directory(who):
    text = runs(who, """
        rm -rf n .npm; mkdir -p n/dep n/app; cd n/dep
        echo '{"name":"dep","version":"1.0.0","main":"i.js"}' >package.json
        echo 'module.exports = "of-the-dependency"' >i.js
        cd ../app
        echo '{"scripts":{"start":"node m.js"}}' >package.json
        npm install --no-audit --no-fund --offline \\
            "$(npm pack --silent ../dep)" >/dev/null
        cat >m.js <<'X'
        const {Worker, isMainThread, parentPort} = require('worker_threads');
        const {execFileSync} = require('child_process');
        if (isMainThread) {
            console.log(require('dep'),
                        execFileSync('id', ['-un']).toString().trim());
            let n = 0;
            const count = () => { if (++n == 8) console.log('workers', n); };
            for (let i = 0; i < 8; i++)
                new Worker(__filename).on('message', count);
        } else
            parentPort.postMessage(1);
        X
        npm start --silent
        """, timeout=110)
    has(text, rf"^of-the-dependency {who}$")
    has(text, r"^workers 8$")


@in_each_jail
def python_has_processes_semaphores_and_shared_memory(who):
    text = ssh(who, "python3 -", timeout=60, input=textwrap.dedent("""
        import concurrent.futures, getpass, locale, multiprocessing, os, pty
        import socket, tempfile, time
        from multiprocessing import shared_memory
        multiprocessing.set_start_method("fork")
        with multiprocessing.Pool(8) as pool:
            print("sum", sum(pool.map(abs, range(1000))))
        lock = multiprocessing.Lock()
        with lock, concurrent.futures.ThreadPoolExecutor(32) as threads:
            print("threads", sum(threads.map(abs, range(100))))
        memory = shared_memory.SharedMemory(create=True, size=1 << 20)
        memory.buf[0] = 7
        again = shared_memory.SharedMemory(memory.name)
        print("memory", again.buf[0])
        again.close()
        memory.close()
        memory.unlink()
        with tempfile.NamedTemporaryFile() as file:
            print("temporary", os.path.dirname(file.name))
        print("homes", *os.listdir("/home"))
        print("user", getpass.getuser(), os.path.expanduser("~"))
        print("host", socket.gethostname(),
              socket.gethostbyname(socket.gethostname()))
        print("localhost", socket.gethostbyname("localhost"),
              socket.getservbyname("https"))
        pty.spawn(["tty"])
        """))
    same(text.stderr, "")
    lacks(text.stdout, "other")
    for line in ("sum 499500", "threads 4950", "memory 7", "temporary /tmp",
                 f"user {who} /home/{who}", f"host {who} 127.0.1.1",
                 "localhost 127.0.0.1 443", r"/dev/pts/\d+"):
        has(text.stdout, rf"^{line}\r?$")


@in_each_jail
def a_venv_is_made_and_used(who):
    text = runs(who, """
        rm -rf venv
        python3 -m venv --without-pip venv
        venv/bin/python3 -c 'import sys; print(sys.prefix)'
        """)
    same(text, f"/home/{who}/venv\n")


# Each line is something that a customer's program asks for and finds on the
# host.
EXPECTED = r"""
ls -d /etc /usr /var /tmp /home /dev /proc /run /bin /lib
cat /etc/{passwd,group,hosts,services,protocols,shells,nsswitch.conf}
cat /etc/{resolv.conf,hostname,os-release,debian_version,issue,mtab,profile}
cat /etc/{networks,rpc,ld.so.cache,localtime,bash.bashrc,login.defs} | wc
test "$(date +%Z)" = UTC
TZ=Europe/Berlin date | grep CET
python3 -c 'import zoneinfo; zoneinfo.ZoneInfo("Europe/Berlin")'
test -w /tmp && test -w /var/tmp && test -w /dev/shm && test -w /run/lock
test "$(stat -c %a /tmp /var/tmp /dev/shm | sort -u)" = 1777
test "$(stat -c %a-%u "$XDG_RUNTIME_DIR")" = "700-$(id -u)"
test "$XDG_RUNTIME_DIR" = "/run/user/$(id -u)"
mkdir "$XDG_RUNTIME_DIR/made" && rmdir "$XDG_RUNTIME_DIR/made"
test "$HOME" = "/home/$(id -un)" && test "$PWD" = "$HOME"
test "$SHELL" = /bin/bash && test "$USER" = "$(id -un)"
test "$LOGNAME" = "$USER"
test "$(umask)" = 0022 || test "$(umask)" = 0002
locale -a | grep C.utf8
test "$(LC_ALL=C.UTF-8 locale charmap)" = UTF-8
echo x >/dev/null
echo x | tee /dev/stderr
head -c 10 /dev/zero | cmp - <(printf '\0\0\0\0\0\0\0\0\0\0')
head -c 10 /dev/urandom | wc -c
! echo x >/dev/full
ls /dev/fd/0 /dev/stdin /dev/stdout /dev/stderr
TERM=xterm tput cols; TERM=xterm-256color tput cols
TERM=screen-256color tput cols && TERM=tmux-256color tput cols
mkfifo fifo && rm fifo
python3 -c 'import ssl; ssl.create_default_context()'
mktemp && mktemp -d
nproc; free; uptime; df / ~; ps ax
top -b -n 1
getent passwd "$USER" root nobody && getent group "$(id -gn)" root
getent hosts localhost && getent hosts "$(hostname)"
getent services ssh && getent protocols tcp
test "$(ulimit -n)" -ge 1024
perl -e 'print getpwuid($<)."\n"'
script -qc true /dev/null
flock "/run/lock/$USER" true
groups
ssh -G somewhere
test -x /usr/lib/openssh/sftp-server
git config --list
"""


@in_each_jail
def what_programs_expect_of_a_system_is_there(who):
    script = "".join(f"said=$({{ {line}\n}} 2>&1) ||"
                     f" echo {shlex.quote('FAILED ' + line)}: \"$said\"\n"
                     for line in EXPECTED.strip().splitlines())
    done = ssh(who, "bash -o pipefail -", input=script, timeout=60)
    same((done.returncode, done.stdout, done.stderr), (0, "", ""))


@in_each_jail
def a_shell_at_a_terminal_complains_of_nothing(who):
    with Terminal(ssh_argv(who, options=["-tt"])) as tty:
        tty.expect(r"\$ $", timeout=20)
        lacks(tty.text, r"(?i)cannot|not found|denied|no such|warning|error")
        proved(who, typed_proof(tty, who))
        tty.line("exit")
        tty.wait()


@case
def more_processes_than_the_limit_fail_and_the_shell_stays():
    text = runs(OPEN, "bash -c 'ulimit -u; ulimit -Hu; ulimit -c'")
    same(text.split(), ["1024", "1024", "0"])
    same(home_of(OPEN).owner(), OPEN)
    same(uid_of(OPEN) >= 1000, True)


run(seconds=200)
