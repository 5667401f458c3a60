#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""the moments between: from entering the jail to becoming the account, while
others look on from inside; and hosts that do not do as sshd does"""
import contextlib
import os
import pathlib
import re
import subprocess

from bed import (JAILED, PATIENCE, PLAIN, PROOF, RUN, Logged, can_connect,
                 case, eventually, has, proved, run, same, sh, ssh, ssh_argv,
                 sshd, stop, su, the_two)

TRACED = 2260

the_two()
sshd()


# --- what sshd's child does inside as root -----------------------------------

@contextlib.contextmanager
def traced_sshd(trace):
    """One that looks up whence its clients come (UseDNS)."""
    pid_file = RUN / "traced.pid"
    server = subprocess.Popen(
        ["strace", "-f", "-qq", "-o", str(trace), "/usr/sbin/sshd", "-D",
         "-p", str(TRACED), "-o", "UseDNS=yes", "-o", f"PidFile={pid_file}"])
    try:
        eventually(lambda: can_connect(TRACED), "sshd listens", 30)
        yield
    finally:
        if pid_file.exists():
            os.kill(int(pid_file.read_text()), 15)
        else:
            server.terminate()
        stop(JAILED)  # its keeper is traced as well
        server.wait(60 * PATIENCE)


def calls_inside(trace):
    """pid -> what it called from its last setns(2) on until it was no longer
    root; only of those that became somebody."""
    calls, done = {}, {}
    for line in trace.read_text(errors="replace").splitlines():
        found = re.match(r"(\d+) +(?:<\.\.\. )?(\w+)(?:\(| resumed)", line)
        if not found:
            continue
        pid, name = found.groups()
        if name == "setns" and "CLONE_NEWPID" in line:
            calls[pid] = []
        elif name == "setresuid" and pid in calls:
            done[pid] = calls.pop(pid)
        elif pid in calls:
            calls[pid].append(line)
    return done


def opened_inside():
    """What sshd's child opened in a login, as root, when it was inside."""
    trace = RUN / "between-trace"
    stop(JAILED)
    with traced_sshd(trace):
        proved(JAILED, ssh(JAILED, PROOF, port=TRACED, timeout=60).stdout)
    found = calls_inside(trace)
    same(len(found) > 0, True, "somebody entered")
    return [line for lines in found.values() for line in lines if re.search(
        r"\b(open|openat|openat2|connect|execve|stat|newfstatat|access|"
        r"readlink)\(", line)
            # pam_jail looks whether "/" is the jail's.
            and not re.search(r'stat(at)?\((AT_FDCWD, )?"/",', line)]


@case
def between_entering_and_becoming_the_account_nothing_is_opened():
    same(opened_inside(), [])


@case
def what_a_module_behind_ours_opened_would_be_seen():
    path = pathlib.Path("/etc/pam.d/sshd")
    before = path.read_text()
    path.write_text(before + "\nauth optional pam_group.so\n")
    try:
        has("\n".join(opened_inside()), "group.conf")
        has(sh(["jailconf", "check"], check=False).stdout,
            r"^error: .*pam_group.so comes after")
    finally:
        path.write_text(before)


# --- who looks on ------------------------------------------------------------

SNOOPER = """
import os, sys, time
seen, bad = set(), set()
end = time.monotonic() + 60
print("up", flush=True)
while not os.path.exists(sys.argv[1]) and time.monotonic() < end:
    for pid in os.listdir("/proc"):
        if not pid.isdigit():
            continue
        seen.add(pid)
        for name in ("root/home/other", "root/tmp/secret", "cwd/secret",
                     "cwd/home/other"):
            try:
                os.stat(f"/proc/{pid}/{name}")
                bad.add((pid, name))
            except OSError:
                pass
        try:
            for fd in os.listdir(f"/proc/{pid}/fd"):
                try:
                    os.stat(f"/proc/{pid}/fd/{fd}/home/other")
                    bad.add((pid, fd))
                except OSError:
                    pass
        except OSError:
            pass
print(len(seen), sorted(bad), flush=True)
"""


@contextlib.contextmanager
def snooper():
    """Yields a function that ends it and says how many processes it saw and
    what of the host."""
    end = pathlib.Path(f"/home/{JAILED}/snooped-enough")
    end.unlink(missing_ok=True)
    pathlib.Path(f"/home/{JAILED}/snooper.py").write_text(SNOOPER)
    with subprocess.Popen(
            ssh_argv(JAILED, "python3", "snooper.py", str(end)), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as client:
        try:
            same(client.stdout.readline(), "up\n")

            def result():
                end.touch()
                number, rest = client.stdout.readline().split(" ", 1)
                return int(number), rest.strip()
            yield result
        finally:
            client.kill()


def run_cron():
    """A job of JAILED's with output, which cron mails from outside."""
    ran = pathlib.Path(f"/home/{JAILED}/cron-ran")
    ran.unlink(missing_ok=True)
    sh(["crontab", "-u", JAILED, "-"], stdin=None,
       input="@reboot echo said; touch ~/cron-ran\n")
    pathlib.Path("/run/crond.reboot").unlink(missing_ok=True)
    with subprocess.Popen(["cron", "-f"]) as daemon:
        try:
            eventually(ran.exists, "the job runs", 20)
            eventually(lambda: not sh("pgrep -x sendmail; pgrep -x exim4; :"),
                       "its mail is gone", 20)
        finally:
            daemon.kill()
            sh(["crontab", "-u", JAILED, "-r"])


@case
def whoever_looks_on_from_inside_sees_nothing_of_who_comes_in():
    """Joiners are root, or have the host's root directory, for a moment."""
    with snooper() as result:
        for _ in range(4):
            clients = [subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
                for argv in [ssh_argv(JAILED, "sleep 0.3")] * 4
                + [["su", "-", JAILED, "-c", "sleep 0.3"]] * 6]
            for client in clients:
                same(client.wait(30 * PATIENCE), 0)
        run_cron()
        number, found = result()
    same(number > 20, True, f"processes seen: {number}")
    same(found, "[]", "of the host")


# --- hosts that do it in their own way ---------------------------------------

THREADED = r"""
#include <pthread.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <unistd.h>
static int talk(int n, const struct pam_message **m, struct pam_response **r,
		void *d)
{
	(void)n, (void)m, (void)d;
	*r = NULL;
	return PAM_CONV_ERR;
}
static void *wait_long(void *arg)
{
	for (;;)
		pause();
	return arg;
}
int main(int argc, char **argv)
{
	struct pam_conv conv = { talk, NULL };
	pam_handle_t *pamh;
	pthread_t thread;
	int ret;

	if (argc > 2 && pthread_create(&thread, NULL, wait_long, NULL) != 0)
		return 1;
	ret = pam_start("sshd", argv[1], &conv, &pamh);
	if (ret == PAM_SUCCESS)
		ret = pam_acct_mgmt(pamh, 0);
	if (ret == PAM_SUCCESS)
		ret = pam_setcred(pamh, PAM_ESTABLISH_CRED);
	if (ret == PAM_SUCCESS)
		ret = pam_open_session(pamh, 0);
	printf("%d\n", ret);
	pam_end(pamh, ret);
	return 0;
}
"""


@case
def a_host_with_threads_is_refused():
    """A namespace is one thread's only, and the others would stay outside."""
    program = RUN / "threaded"
    sh(["gcc", "-x", "c", "-", "-o", str(program), "-lpam", "-lpthread"],
       stdin=None, input=THREADED)
    same(sh([str(program), JAILED]), "0\n", "with one thread")
    for who, answer in ((PLAIN, 0), (JAILED, 6)):  # PAM_PERM_DENIED
        log = Logged()
        same(sh([str(program), who, "threads"]), f"{answer}\n", who)
    log.expect("refuse user=jailed.*look into the jail: Invalid argument")


@contextlib.contextmanager
def twice(*services):
    """Services whose stacks call pam_jail once more."""
    line = sh("grep -h '^session.*pam_jail' /etc/pam.d/common-session")
    before = {}
    for name in services:
        path = pathlib.Path("/etc/pam.d") / name
        before[path] = path.read_text()
        path.write_text(before[path] + line)
    try:
        yield
    finally:
        for path, text in before.items():
            path.write_text(text)


@case
def a_stack_that_calls_twice_opens_one_session():
    """Debian's su-l includes su."""
    with twice("su", "su-l", "sshd"):
        for door in (su, ssh):
            log = Logged()
            proved(JAILED, door(JAILED, PROOF).stdout)
            log.expect(r"pam_jail\(\S+:session\): open user=jailed")
            log.expect(r"pam_jail\(\S+:session\): close user=jailed")
            same(len(re.findall(r"pam_jail\(\S+:session\): open user=jailed",
                                log.text())), 1)


@case
def the_host_s_log_has_the_end_of_a_session():
    """sshd's own child is inside and cannot log; its monitor does."""
    log = Logged()
    ssh(JAILED, "true")
    log.expect("pam_unix.sshd:session.: session closed for user jailed")
    has(log.text(), "Accepted publickey for jailed")


run()
