# SPDX-License-Identifier: ISC
"""What a session in a jail has, and what it has not."""

import ctypes
import os
import re
import signal
import subprocess

from jail import (ALICE, Hold, PROBE, check, equal, inside, log, main, mounts,
                  pids, probe, processes, refused, run, said, sentence, start,
                  status_fields, status_of, unmount, wait_until, with_filter,
                  words_of)

WAYS = ("run", "enter", "private")
STATE = ("cat /proc/self/status; readlink /proc/self/ns/*; pwd; umask;"
         "cat /proc/self/mountinfo /proc/self/limits; hostname; env | sort")
PR_SET_TIMERSLACK, PR_SET_THP_DISABLE = 29, 41  # linux/prctl.h
NAMESPACES = ("mnt", "pid", "ipc", "uts", "cgroup")


def host_namespace(name):
    return os.readlink(f"/proc/self/ns/{name}")


@sentence
def whoever_comes_in_is_the_account_and_nobody_else():
    for way in WAYS:
        status = status_fields(inside("cat /proc/self/status", verb=way))
        equal(status["Uid"], "\t".join(4 * [str(ALICE)]), way)
        equal(status["Gid"], "\t".join(4 * [str(ALICE)]), way)
        equal(status["Groups"].split(), [str(ALICE)], way)


@sentence
def no_capability_is_left_and_none_can_be_gained():
    for way in WAYS:
        status = status_fields(inside("cat /proc/self/status", verb=way))
        for name in "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb":
            equal(int(status[name], 16), 0, way, name)
        equal(status["NoNewPrivs"], "1", way)


# Of linux/keyctl.h: what is the id of my session keyring?
KEYRING = """import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.syscall(250, 0, -3, 0), ctypes.get_errno())
"""


@sentence
def every_session_has_a_keyring_of_its_own():
    if os.uname().machine != "x86_64":
        return  # the number of keyctl(2)
    seen = [said(run("python3", "-c", KEYRING))]
    for way in WAYS:
        for _ in range(2):
            seen.append(said(probe(way, "/usr/bin/python3", "-c", KEYRING)))
    check(all(int(line.split()[0]) > 0 for line in seen), seen)
    equal(len(set(seen)), len(seen), seen)
    answer = said(probe(*with_filter(), "run", "/usr/bin/python3", "-c",
                        KEYRING))
    equal(answer.split(), ["-1", "1"])


@sentence
def a_filter_holds_for_every_process_of_a_jail():
    options = with_filter()
    for way in WAYS:
        status = status_fields(inside("cat /proc/self/status", *options,
                                      verb=way))
        equal(status["Seccomp"], "2", way)
        equal(status["Seccomp_filters"], "1", way)
    with Hold(*options):
        # Those of the jails before may be at their end still.
        wait_until(lambda: len(pids("jail-init")) == 1, 10)
        init, = pids("jail-init")
        equal(status_of(init)["Seccomp_filters"], "1", "PID 1")
        session = start(PROBE, "-j", "run", "/bin/sleep", "30")
        wait_until(lambda: pids("sleep"), 10)
        relay, = pids("jail-session")
        equal(status_of(relay)["Seccomp_filters"], "1", "relay")
        session.terminate()
        session.wait()


@sentence
def without_a_filter_there_is_none():
    for way in WAYS:
        status = status_fields(inside("cat /proc/self/status", verb=way))
        equal(status["Seccomp"], "0", way)


@sentence
def a_filter_refuses_a_namespace_and_nothing_that_works_without():
    options = with_filter()
    for way in WAYS:
        answer = probe(*options, way, "/usr/bin/unshare", "-U", "/bin/true")
        check("unshare failed: Operation not permitted" in answer.stderr, way,
              answer.stderr)
        said(probe(*options, way, "/usr/bin/python3", "-c",
                   "import subprocess, threading, socket, multiprocessing;"
                   "socket.socket(); socket.socketpair();"
                   "threading.Thread(target=print).start();"
                   "subprocess.run(['/bin/true'], check=True);"
                   "multiprocessing.Pool(2).map(abs, [1])"))


@sentence
def every_namespace_is_the_jails_own():
    for way in WAYS:
        for name in NAMESPACES:
            there = inside(f"readlink /proc/self/ns/{name}", verb=way)
            check(there.strip() != host_namespace(name), way, name, there)
        there = inside("readlink /proc/self/ns/net", verb=way).strip()
        equal(there, host_namespace("net"), way)


@sentence
def without_a_network_there_is_only_a_loopback_and_it_is_up():
    for way in WAYS:
        there = inside("readlink /proc/self/ns/net", "-n", verb=way).strip()
        check(there != host_namespace("net"), way, there)
        devices = inside("cut -d: -sf1 /proc/net/dev", "-n", verb=way)
        equal(devices.split(), ["lo"], way)
    answer = probe("-n", "run", "/bin/bash", "-c", ": </dev/tcp/127.0.0.1/9")
    check("Connection refused" in answer.stderr, answer.stderr)


@sentence
def nothing_is_mounted_but_what_the_plan_names():
    there = mounts(inside("cat /proc/self/mountinfo"))
    wanted = {"/", "/tmp", "/var/tmp", "/run", "/dev", "/dev/pts", "/dev/shm",
              "/proc", "/home/alice"}
    with open("/proc/self/mountinfo", encoding="utf-8") as stream:
        wanted |= {m for m in mounts(stream.read())
                   if m == "/usr" or m.startswith("/usr/")}
    wanted |= {"/usr"}
    wanted |= {d for d in ("/bin", "/lib", "/lib64", "/sbin")
               if not os.path.islink(d) and os.path.isdir(d)}
    equal(set(there), wanted)
    equal(there["/home/alice"][0], "/home")
    for place in "/", "/tmp", "/run", "/dev":
        equal(there[place][2:], ("tmpfs", "jail"), place)


@sentence
def every_mount_is_nosuid_and_only_dev_has_devices():
    for options in (), ("-a", "bind,,0,/data,/mnt/data"):
        os.makedirs("/mnt/data", exist_ok=True)
        there = mounts(inside("cat /proc/self/mountinfo", *options))
        for place, (_, flags, _, _) in there.items():
            check("nosuid" in flags, place, flags)
            if place not in ("/dev", "/dev/pts"):
                check("nodev" in flags, place, flags)
    os.rmdir("/mnt/data")


@sentence
def what_is_planned_read_only_is_read_only_with_all_below_it():
    os.makedirs("/mnt/data/below/it")
    os.chmod("/mnt/data/below/it", 0o777)
    run("mount", "-t", "tmpfs", "-o", "mode=777", "x", "/mnt/data/below")
    try:
        there = mounts(inside("cat /proc/self/mountinfo",
                              "-a", "bind,r,0,/data,/mnt/data",
                              "-a", "bind,x,0,/open,/mnt/data"))
        for place in "/", "/usr", "/dev", "/data", "/data/below":
            check("ro" in there[place][1], place, there[place])
        for place in "/open", "/open/below", "/tmp", "/run", "/home/alice":
            check("rw" in there[place][1], place, there[place])
        for place in "/open", "/open/below", "/dev", "/proc":
            check("noexec" in there[place][1], place, there[place])
        for place in "/usr/x", "/x", "/etc/x", "/dev/x", "/data/below/x":
            equal(probe("-a", "bind,r,0,/data,/mnt/data", "run", "/bin/sh",
                        "-c", f": >{place}").returncode, 2, place)
        equal(inside(": >/open/below/x && echo yes", "-a",
                     "bind,,0,/open,/mnt/data"), "yes\n")
        check(os.path.exists("/mnt/data/below/x"), "not written through")
    finally:
        unmount("/mnt/data/below")
        run("rm", "-r", "/mnt/data")


@sentence
def the_hosts_mounts_are_not_changed_and_later_ones_do_not_arrive():
    os.mkdir("/mnt/data")
    os.mkdir("/mnt/data/later")
    with Hold("-a", "bind,,0,/data,/mnt/data"):
        run("mount", "-t", "tmpfs", "x", "/mnt/data/later")
        there = inside("cat /proc/self/mountinfo", "-j")
        unmount("/mnt/data/later")
    check("/data/later" not in mounts(there), "it arrived")
    run("rm", "-r", "/mnt/data")


@sentence
def device_nodes_work_and_cannot_be_made():
    equal(inside("echo x >/dev/null; head -c 3 /dev/zero | od -An -tx1"),
          " 00 00 00\n")
    equal(probe("run", "/bin/mknod", "/tmp/null", "c", "1", "3").stderr,
          "/bin/mknod: /tmp/null: Operation not permitted\n")


@sentence
def what_is_hidden_cannot_be_seen():
    hide = ("-a", "hide,,0,/usr/bin/env,", "-a", "hide,,0,/usr/games,",
            "-a", "hide,o,0,/usr/bin/not-there,")
    equal(inside("ls -A /usr/games; stat -c '%F %t:%T' /usr/bin/env;"
                 "cat /usr/bin/env", *hide),
          "character special file 1:3\n")
    equal(probe(*hide, "run", "/usr/bin/env").returncode, 126)
    refused(probe("-a", "hide,,0,/usr/bin/not-there,", "take"),
            "probe: 4: /usr/bin/not-there: what is to be hidden: "
            "No such file or directory")


@sentence
def no_descriptor_of_the_host_comes_in():
    held = os.open("/etc", os.O_RDONLY | os.O_DIRECTORY)
    numbers = held, 90, 200, 1000
    for number in numbers[1:]:
        os.dup2(held, number)
    for way in WAYS:
        there = inside("ls /proc/self/fd", verb=way, pass_fds=numbers)
        equal(there.split(), ["0", "1", "2", "3"], way)  # 3 is ls's own
    for number in numbers:
        os.close(number)


@sentence
def the_environment_is_made_new():
    hostile = {"TERM": "vt100", "LANG": "C", "LC_ALL": "C", "PATH": "/evil",
               "LD_PRELOAD": "/evil.so", "BASH_ENV": "/evil", "ENV": "/evil",
               "HOME": "/evil", "USER": "root", "IFS": "x", "PS4": "$(evil)"}
    there = said(probe("-k", "TERM", "-k", "LC_*", "-e", "EDITOR=vi", "run",
                       "env", env=hostile))
    wanted = {"HOME": "/home/alice", "USER": "alice", "LOGNAME": "alice",
              "SHELL": "/bin/sh", "TERM": "vt100", "LC_ALL": "C",
              "EDITOR": "vi", "XDG_RUNTIME_DIR": "/run/user/61001",
              "PATH": "/usr/local/bin:/usr/bin:/bin:"
                      "/usr/local/games:/usr/games"}
    equal(dict(line.split("=", 1) for line in there.splitlines()), wanted)


@sentence
def what_the_plan_sets_cannot_be_kept_out():
    there = said(probe("-k", "*", "-e", "EDITOR=vi", "run", "env",
                       env={"EDITOR": "evil", "HOME": "/evil", "A": "b"}))
    check("EDITOR=vi\n" in there and "evil" not in there, there)
    check("A=b\n" in there, there)


def careless():
    """What a caller may have done to himself before."""
    os.umask(0)
    for name in signal.SIGHUP, signal.SIGINT, signal.SIGPIPE, signal.SIGCHLD:
        signal.signal(name, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGUSR1])
    os.nice(3)
    os.chdir("/mnt")
    for option, value in (PR_SET_TIMERSLACK, 5000000), (PR_SET_THP_DISABLE, 1):
        ctypes.CDLL(None).prctl(option, ctypes.c_ulong(value), 0, 0, 0)


@sentence
def nothing_else_of_the_caller_comes_along():
    script = ("grep -e Sig[BI] /proc/self/status; umask; pwd;"
              "cut -d' ' -f19 /proc/self/stat; cat /proc/self/oom_score_adj;"
              "cat /proc/self/timerslack_ns; grep THP /proc/self/status")
    there = said(probe("-U", "027", "run", "/bin/sh", "-c", script,
                       preexec_fn=careless))
    equal(words_of(there), ["SigBlk:", 16 * "0", "SigIgn:", 16 * "0", "0027",
                            "/home/alice", "0", "0", "50000", "THP_enabled:",
                            "1"])


@sentence
def limits_are_the_plans_and_not_the_callers():
    small = ("/bin/sh", "-c", 'ulimit -Sn 20; exec "$@"', "sh", PROBE)
    equal(said(run(*small, "run", "/bin/sh", "-c", "ulimit -Sn")),
          said(probe("run", "/bin/sh", "-c", "ulimit -Sn")))
    for way in WAYS:
        equal(inside("ulimit -Sn; ulimit -Hn; ulimit -Sc", "-L", "7=33:44",
                     "-L", "4=0:0", verb=way), "33\n44\n0\n", way)


@sentence
def a_limit_that_may_not_be_raised_is_the_lower_one():
    """As in a container, where root has no CAP_SYS_RESOURCE."""
    low = ("setpriv", "--bounding-set=-sys_resource", "/bin/sh", "-c",
           'ulimit -n 64; exec "$@"', "sh", PROBE)
    for plan, there in (("99:999", "64\n64\n"), ("50:999", "50\n64\n"),
                        ("50:60", "50\n60\n")):
        wait_until(lambda: not pids("jail-keeper"))  # of the one before
        equal(said(run(*low, "-L", f"7={plan}", "enter", "/bin/sh", "-c",
                       "ulimit -Sn; ulimit -Hn")), there, plan)


@sentence
def every_way_in_leads_to_the_same_walls():
    def walls(way):
        return inside("grep -e ^Uid -e ^Gid -e ^Groups -e ^Cap -e ^NoNewPrivs"
                      " -e ^Seccomp -e ^SigBlk -e ^SigIgn /proc/self/status;"
                      "readlink /proc/self/ns/mnt /proc/self/ns/pid"
                      " /proc/self/ns/ipc /proc/self/ns/uts"
                      " /proc/self/ns/cgroup /proc/self/ns/net"
                      " /proc/self/ns/user; cat /proc/self/mountinfo"
                      "; umask; hostname", "-j", verb=way)

    with Hold():
        equal(walls("enter"), walls("run"))
        equal(walls("run"), walls("run"))


@sentence
def the_tmpfs_is_bounded_in_bytes_and_in_files():
    answer = probe("-s", 1 << 20, "run", "/bin/sh", "-c",
                   "head -c 2000000 /dev/zero >/tmp/x")
    check("No space left on device" in answer.stderr, answer)
    answer = probe("run", "/bin/sh", "-c", "i=0; while [ $i -lt 2100 ]; do"
                   " : >/dev/shm/$i || exit 7; i=$((i+1)); done")
    check(answer.returncode != 0 and "No space" in answer.stderr, answer)


@sentence
def terminals_are_bounded():
    script = ("import os\nn = 0\ntry:\n while n < 50:\n"
              "  os.open('/dev/ptmx', os.O_RDWR); n += 1\n"
              "except OSError: pass\nprint(n)")
    equal(said(probe("run", "/usr/bin/python3", "-c", script)), "16\n")


@sentence
def home_is_the_accounts_own_directory():
    equal(inside("echo $HOME; pwd; echo hello >~/file; stat -c %u:%g ~/file"),
          f"/home/alice\n/home/alice\n{ALICE}:{ALICE}\n")
    with open("/mnt/home/file", encoding="ascii") as stream:
        equal(stream.read(), "hello\n")
    os.unlink("/mnt/home/file")


@sentence
def the_jails_name_is_its_host_name():
    equal(inside("hostname"), "jail\n")


@sentence
def only_processes_of_the_jail_are_seen_and_pid_1_is_untouchable():
    with Hold():
        there = inside("for p in /proc/[0-9]*; do cat $p/comm; done;"
                       "kill -9 1 2>&1; ls -l /proc/1/root /proc/1/fd 2>&1; true",
                       "-j")
        check("jail-init" not in there.splitlines(), "hidepid:", there)
        equal(len(pids("jail-init")), 1)
    for word in processes().values():
        check(word not in there.split(), word)


@sentence
def pid_1_and_the_keeper_hold_nothing_of_the_host():
    with Hold():
        init, = pids("jail-init")
        keeper, = pids("jail-keeper")
        status = status_of(init)
        equal(status["Uid"], "\t".join(4 * ["4294900000"]))
        equal(status["Gid"], "\t".join(4 * ["4294900000"]))
        equal(status["Groups"].split(), [])
        equal(status["NoNewPrivs"], "1")
        for name in "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb":
            equal(int(status[name], 16), 0, name)
        # The last thing it does is to close what it reported to.
        check(wait_until(lambda: os.listdir(f"/proc/{init}/fd") == []),
              os.listdir(f"/proc/{init}/fd"))
        equal(os.stat(f"/proc/{init}/maps").st_uid, 0, "dumpable")
        equal(os.stat(f"/proc/{keeper}/maps").st_uid, 0)
        with open(f"/proc/{keeper}/environ", "rb") as stream:
            equal(stream.read(), b"")
        equal(os.readlink(f"/proc/{keeper}/cwd"), "/")
        equal(status_of(keeper)["Groups"].split(), [])
        # It executes nothing, and what it forks is to have none.
        equal(int(status_of(keeper)["CapBnd"], 16), 0)
        equal(os.getsid(keeper) != os.getsid(0), True)
        for number in 0, 1, 2:
            equal(os.readlink(f"/proc/{keeper}/fd/{number}"), "/dev/null")


@sentence
def the_keeper_has_the_limits_and_the_rank_of_a_service():
    def careless_caller():
        careless()
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as stream:
            stream.write("500")
        import resource  # pylint: disable=import-outside-toplevel
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 4096))

    process = subprocess.Popen([PROBE, "hold"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True,
                               preexec_fn=careless_caller)
    equal(process.stdout.readline(), "taken\n")
    keeper, = pids("jail-keeper")
    init, = pids("jail-init")
    for pid in keeper, init:
        with open(f"/proc/{pid}/oom_score_adj", encoding="ascii") as stream:
            equal(stream.read(), "0\n")
        with open(f"/proc/{pid}/stat", encoding="ascii") as stream:
            equal(stream.read().split(")")[1].split()[16], "0", "nice")
    status = status_of(keeper)
    equal(int(status["SigIgn"], 16), 0)
    equal(status["Umask"], "0000")
    with open(f"/proc/{keeper}/limits", encoding="ascii") as stream:
        files, = [l for l in stream if l.startswith("Max open files")]
    check(int(files.split()[3]) > 1000, files)
    process.stdin.close()
    process.wait()


@sentence
def processes_are_in_the_jails_cgroup():
    if not os.path.exists("/sys/fs/cgroup/cgroup.procs"):
        return
    with Hold("-l", "0"):
        keeper, = pids("jail-keeper")
        init, = pids("jail-init")
        equal(inside("cat /proc/self/cgroup | grep ^0::", "-j"), "0::/\n")
        for pid, wanted in ((keeper, "/jail/keepers"),
                            (init, f"/jail/{ALICE}/[0-9a-f]+")):
            with open(f"/proc/{pid}/cgroup", encoding="ascii") as stream:
                group, = [l[3:-1] for l in stream if l.startswith("0::")]
            check(re.fullmatch(wanted, group), group)


@sentence
def a_set_uid_program_gives_nothing():
    run("cp", "/usr/bin/id", "/mnt/home/id")
    os.chmod("/mnt/home/id", 0o6755)
    equal(inside("./id -u"), f"{ALICE}\n")
    os.unlink("/mnt/home/id")


@sentence
def the_walls_cannot_be_moved_from_inside():
    for command in (("/bin/mount", "-t", "tmpfs", "x", "/tmp"),
                    ("/bin/umount", "/home/alice"),
                    ("/usr/sbin/chroot", "/usr", "/bin/true"),
                    ("/usr/bin/unshare", "-m", "/bin/true"),
                    ("/bin/hostname", "other")):
        check(probe("run", *command).returncode not in (0, 127), command)


@sentence
def a_command_that_is_not_there_says_so():
    answer = probe("run", "not-there")
    equal((answer.returncode, answer.stderr),
          (127, "jailsh: not-there: No such file or directory\n"))
    answer = probe("run", "/etc/passwd")
    equal((answer.returncode, answer.stderr),
          (126, "jailsh: /etc/passwd: Permission denied\n"))
    answer = probe("-S", "/bin/not-there", "shell", "-sh")
    equal((answer.returncode, answer.stderr),
          (127, "jailsh: /bin/not-there: No such file or directory\n"))


@sentence
def the_shell_is_called_by_its_own_name():
    for argv0, wanted in (("-jailsh", "-sh"), ("jailsh", "sh"),
                          ("/usr/sbin/jailsh", "sh")):
        equal(said(probe("shell", argv0, "-c", "echo $0")), wanted + "\n")


@sentence
def every_start_and_end_is_logged_with_the_account():
    log.lines()
    said(probe("take"))
    wait_until(lambda: not processes())
    lines = [line.split(": ", 1)[1] for line in log.lines()]
    init = lines[0].rpartition(" init=")[2]
    check(int(init) > 1, lines)
    equal(lines, [f"open user=alice uid=61001 jail=probe init={init}",
                  f"close user=alice uid=61001 jail=probe init={init}"])


@sentence
def a_private_jail_is_nobody_elses():
    with Hold():
        there = inside("readlink /proc/self/ns/mnt", verb="private")
        check(there != inside("readlink /proc/self/ns/mnt", "-j"), "joined")
    equal(inside(f"ls -A {os.environ['rundir']}", verb="private"), "shell\n")


main()
