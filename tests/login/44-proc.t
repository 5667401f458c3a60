#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""a jail's /proc has processes, and of the host no more than tools need
"""
import os
import pathlib

from bed import (JAILED, case, has, lacks, jail_account, run, same, sh, ssh,
                 sshd, stop, the_two)

the_two()
sshd()

# What a session may read at the top of /proc, beside processes.  What is not
# here on a new kernel wants a look: does it tell of others?
READABLE = set("""
buddyinfo cgroups consoles cpuinfo crypto devices dma driver execdomains fb
filesystems loadavg mdstat meminfo misc mounts mtrr net pressure schedstat self
softirqs stat sys sysvipc thread-self tty uptime version vmstat zoneinfo
dynamic_debug
""".split())

# What containers hide: the defaults of moby and of crun.
CONTAINERS_HIDE = ("acpi asound interrupts kcore keys latency_stats timer_list"
                   " timer_stats sched_debug scsi").split()
# And what they make read-only.
CONTAINERS_FREEZE = "bus fs irq sys sysrq-trigger".split()

# For each name: what opening it gives, and how much of the host's it has.
LOOK = r"""
import os, stat
for name in sorted(os.listdir("/proc")):
    path = "/proc/" + name
    if name.isdigit():
        continue
    mode = os.lstat(path).st_mode
    try:
        if stat.S_ISLNK(mode):
            size = 1
        elif stat.S_ISDIR(mode):
            size = len(os.listdir(path))
        else:
            with open(path, "rb") as stream:
                size = len(stream.read(1))
    except OSError as error:
        size = "-%d" % error.errno
    print(name, oct(mode), size)
"""


def look(who=JAILED):
    """{name: (mode, how many bytes or names can be read; negative: errno)}"""
    done = ssh(who, "python3", "-", input=LOOK)
    return {name: (int(mode, 8), int(size)) for name, mode, size in
            (line.split() for line in done.stdout.splitlines())}


@case
def what_can_be_read_is_what_was_meant():
    readable = {name for name, (_, size) in look().items() if size > 0}
    same(readable - READABLE, set())
    for name in "cpuinfo meminfo stat loadavg uptime self mounts sys".split():
        same(name in readable, True, name)


@case
def what_containers_hide_is_hidden():
    seen = look()
    for name in CONTAINERS_HIDE + ["key-users", "kmsg", "kallsyms", "modules"]:
        mode, size = seen.get(name, (0, 0))
        same(size, 0, f"{name} {mode:o}")
    host = pathlib.Path("/proc/keys")
    if host.exists():
        same(os.stat(host).st_rdev, 0)
        has(ssh(JAILED, "stat -c %F,%t:%T /proc/keys").stdout,
            "^character special file,1:3$")


@case
def what_containers_make_read_only_is_so():
    """A write fails by the mount, or goes nowhere, and not only by mode."""
    table = ssh(JAILED, "cat /proc/self/mountinfo").stdout
    covered = {line.split()[4]: line.split()[5] for line in table.splitlines()}
    for name in CONTAINERS_FREEZE:
        if pathlib.Path("/proc", name).exists():
            has(covered[f"/proc/{name}"], r"^ro\b", name)
    has(ssh(JAILED, "cd /proc/sys/kernel && : >hostname").stderr, "Read-only")
    has(ssh(JAILED, "echo 1 >/proc/self/oom_score_adj && echo fine").stdout,
        "^fine$")


@case
def the_hosts_own_proc_is_as_it_was():
    same(os.access("/proc/sys/kernel/hostname", os.W_OK), True)
    if os.path.exists("/proc/cmdline"):
        same(pathlib.Path("/proc/cmdline").read_text() != "", True)
    lacks(pathlib.Path("/proc/self/mountinfo").read_text(), " /proc/keys ")


@case
def there_is_no_sys():
    same(ssh(JAILED, "ls -A /sys 2>/dev/null").stdout, "")


@case
def a_part_of_sys_can_be_asked_for_and_is_read_only():
    jail_account("numa", 'binds = ( { source = "/sys/devices/system/cpu"; } );')
    has(ssh("numa", "cat /sys/devices/system/cpu/online").stdout, r"^\d")
    has(ssh("numa", "grep ' /sys' /proc/self/mountinfo").stdout,
        r"/sys/devices/system/cpu ro,nosuid,nodev")
    same(ssh("numa", "ls /sys").stdout, "devices\n")
    stop("numa")


@case
def explain_tells_what_of_proc_is_hidden():
    text = sh(["jailconf", "explain", JAILED])
    has(text, r"^ +/proc/keys +hidden, optional$")
    has(text, r"^ +/proc/sys +what is there, read-only$")


@case
def tools_that_read_proc_work():
    for tool in ("ps ax", "free", "uptime", "top -bn1", "vmstat", "pgrep -x ps;:",
                 "lscpu >/dev/null 2>&1;:", "nproc", "w -h;:", "pidof sshd;:"):
        done = ssh(JAILED, tool)
        same(done.returncode, 0, tool + done.stderr)


run()
