#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""an account that has planted all it can in its home, before each door:
what it planted runs, and nothing of it outside

Each thing that is planted writes its name and the mount namespace that it
runs in to ~/ran: what is there from the host's namespace has got out, and
what is not there at all proves nothing.
"""
import os
import pathlib
import re
import subprocess

from bed import (JAILED, PLAIN, PROOF, RUN, WITH_SYSTEMD, account, both, case,
                 eventually, has, host_namespaces, lacks, proved, run, same,
                 sh, ssh, sshd, stop, su, the_two)
from term import Terminal

# As obliging as an sshd can be asked to be.
OBLIGING = 2250

EVIL = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
unsigned int la_version(unsigned int version)
{
	return version;
}
__attribute__((constructor)) static void loaded(void)
{
	char ns[64] = "", exe[200] = "", line[400];
	int fd = open("HOME/ran", O_WRONLY | O_APPEND);
	readlink("/proc/self/ns/mnt", ns, sizeof(ns) - 1);
	readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	snprintf(line, sizeof(line), "library:%d:%s:%s\n", getuid(), exe, ns);
	write(fd, line, strlen(line));
	close(fd);
}
"""

the_two()
account("asker")
sshd()
sshd(OBLIGING, "PermitUserEnvironment yes\nPermitUserRC yes\n"
     "AcceptEnv *\nSubsystem sftp internal-sftp\n")


def says(who, name):
    """A command that writes down that NAME ran, and where."""
    return (f"echo {name}:$(id -u):sh:$(readlink /proc/self/ns/mnt)"
            f" >>/home/{who}/ran")


def plant(who):
    home = pathlib.Path(f"/home/{who}")
    evil = home / "evil.so"
    if not evil.exists():
        sh(["gcc", "-shared", "-fPIC", "-w", "-x", "c", "-", "-o", str(evil)],
           stdin=None, input=EVIL.replace("HOME", str(home)))
    loaders = {"LD_PRELOAD": evil, "LD_AUDIT": evil, "BASH_ENV": home / "env",
               "ENV": home / "env", "PROMPT_COMMAND": says(who, "prompt"),
               "PERL5LIB": home, "PYTHONSTARTUP": home / "env",
               "GCONV_PATH": home, "LOCPATH": home, "SHELL": home / "shell",
               "PATH": f"{home}/bin:/usr/bin:/bin"}
    files = {
        ".pam_environment": "".join(f"{n} DEFAULT={v}\n"
                                    for n, v in loaders.items()),
        ".ssh/environment": "".join(f"{n}={v}\n" for n, v in loaders.items()),
        ".ssh/rc": says(who, "rc"),
        ".ssh/config": f"Host *\n ProxyCommand {says(who, 'config')}\n",
        ".bashrc": says(who, "bashrc"),
        ".bash_profile": says(who, "bash_profile"),
        ".bash_login": says(who, "bash_login"),
        ".bash_logout": says(who, "bash_logout"),
        ".profile": says(who, "profile"),
        ".xsessionrc": says(who, "xsessionrc"),
        ".xinitrc": says(who, "xinitrc"),
        ".forward": f"|{home}/shell\n",
        ".procmailrc": f":0\n|{home}/shell\n",
        ".rhosts": "+ +\n", ".shosts": "+ +\n", ".k5login": "x@X\n",
        ".Xauthority": "\0" * 64,
        ".hushlogin": "",
        ".config/environment.d/99.conf": f"LD_PRELOAD={evil}\n",
        ".config/systemd/user/x.service":
            f"[Service]\nExecStart={home}/shell\n",
        ".config/user-dirs.dirs": says(who, "user-dirs"),
        "env": says(who, "env"),
        "shell": "#!/bin/sh\n" + says(who, "shell")
                 + '\nexec /bin/sh "$@"\n',
        "bin/ls": "#!/bin/sh\n" + says(who, "path")
                  + '\nexec /usr/bin/ls "$@"\n',
        "bin/readlink": "#!/bin/sh\n" + says(who, "path").replace(
            "$(readlink", "$(/usr/bin/readlink")
            + '\nexec /usr/bin/readlink "$@"\n',
        "ran": "",
    }
    # A new file each time: what ran before may have left one of its own.
    for name, text in files.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(text)
        if name in ("shell", ".ssh/rc") or name.startswith("bin/"):
            path.chmod(0o755)
    wants = home / ".config/systemd/user/default.target.wants"
    wants.mkdir(exist_ok=True)
    (wants / "x.service").unlink(missing_ok=True)
    (wants / "x.service").symlink_to("../x.service")
    sh(f"chown -R {who}: {home}")


def uproot(who):
    """The home is as others want it."""
    home = pathlib.Path(f"/home/{who}")
    sh("rm -rf .pam_environment .ssh/environment .ssh/rc .ssh/config .bashrc"
       " .bash_profile .bash_login .bash_logout .profile .xsessionrc .xinitrc"
       " .forward .procmailrc .rhosts .shosts .k5login .Xauthority .hushlogin"
       " .config env shell bin ran evil.so", cwd=home)
    sh(f"cp /etc/skel/.bashrc /etc/skel/.profile {home};"
       f"chown {who}: {home}/.bashrc {home}/.profile")


def ran(who):
    """name -> the namespaces in which it ran."""
    found = {}
    for line in pathlib.Path(f"/home/{who}/ran").read_text().splitlines():
        parts = line.split(":", 3)
        if len(parts) == 4:
            found.setdefault(parts[0], set()).add(parts[3])
    return found


def nothing_outside(who, door, expected):
    """What ran was inside, if WHO is jailed; and EXPECTED things did run."""
    host = host_namespaces()["mnt"]
    found = ran(who)
    for name in expected.split():
        same(name in found, True, f"{door}: {name} ran; {found}")
    for name, where in found.items():
        if who != PLAIN:
            same(host in where, False, f"{door}: {name} ran outside")
        else:
            same(where, {host}, f"{door}: {name}")


SCRIPT = "sh /home/{}/proof.sh"


def by_ssh(who):
    return ssh(who, SCRIPT.format(who)).stdout


def by_obliging_sshd(who):
    return ssh(who, SCRIPT.format(who), port=OBLIGING,
               options=["-o", "SendEnv=BASH_ENV"],
               env={**os.environ, "BASH_ENV": f"/home/{who}/env"}).stdout


def by_ssh_terminal(who):
    return ssh(who, options=["-tt"],
               input=SCRIPT.format(who) + "\nexit\n").stdout


def by_sftp(who):
    """No proof of its own: what ran says it."""
    ssh(who, options=["-s"], *["sftp"], port=OBLIGING)


def by_forwarding(who):
    ssh(who, options=["-W", "127.0.0.1:1"], port=OBLIGING)


def by_su(who):
    return su(who, SCRIPT.format(who)).stdout


def by_su_without_dash(who):
    return su(who, SCRIPT.format(who), login=False,
              env={**os.environ, "BASH_ENV": f"/home/{who}/env",
                   "ENV": f"/home/{who}/env"}).stdout


def by_su_s(who):
    """The asker chooses the account's own program for a shell."""
    with Terminal(["su", "-", "asker", "-c",
                   f"su -s /home/{who}/shell {who} -c"
                   f" '{SCRIPT.format(who)}'"]) as tty:
        tty.expect("assword: ")
        tty.line("pw")
        tty.wait(timeout=20)
        return tty.text


def by_console(who):
    with Terminal(["login"]) as tty:
        tty.expect("login: ", timeout=20)
        tty.line(who)
        tty.expect("assword: ")
        tty.line("pw")
        tty.expect(r"\$ $", timeout=20)
        tty.line(SCRIPT.format(who))
        tty.expect("^end\r", timeout=20)
        tty.line("exit")
        tty.wait()
        return tty.text


def by_cron(who):
    """SHELL= and the variables of the account's own crontab."""
    home = f"/home/{who}"
    out = pathlib.Path(f"{home}/cron-out")
    out.unlink(missing_ok=True)
    sh(["crontab", "-u", who, "-"], stdin=None, input=(
        f"SHELL={home}/shell\nLD_PRELOAD={home}/evil.so\n"
        f"BASH_ENV={home}/env\nENV={home}/env\nMAILTO=\"\"\n"
        f"@reboot sh {home}/proof.sh >{home}/cron-new;"
        f" mv {home}/cron-new {out}\n"))
    if WITH_SYSTEMD:
        sh("systemctl stop cron")
    pathlib.Path("/run/crond.reboot").unlink(missing_ok=True)
    with subprocess.Popen(["cron", "-f"]) as daemon:
        try:
            eventually(out.exists, "the job runs", 20)
        finally:
            daemon.kill()
            sh(["crontab", "-u", who, "-r"])
    return out.read_text()


DOORS = (
    ("ssh", by_ssh, "rc bashrc"),
    ("ssh, as obliging as can be", by_obliging_sshd, "library rc path"),
    ("ssh -t", by_ssh_terminal, "rc bash_profile"),
    ("su -", by_su, "bash_profile"),
    ("su", by_su_without_dash, ""),
    ("su -s", by_su_s, ""),
    ("login", by_console, "bash_profile"),
    ("cron", by_cron, "shell library"),
    ("sftp", by_sftp, ""),
    ("ssh -W", by_forwarding, ""),
)


def planted_case(door, way, expected):
    def check(who):
        pathlib.Path(f"/home/{who}/proof.sh").write_text(PROOF)
        stop(JAILED)
        plant(who)
        try:
            text = way(who)
            if text is not None:
                found = re.search(r"mnt=mnt:(?:.|\n)*?^end",
                                  text.replace("\r", ""), re.M)
                same(found is not None, True, f"{door}: {text}")
                proved(who, found.group(), f"home full of traps: {door}")
            nothing_outside(who, door, expected)
        finally:
            uproot(who)
    check.__name__ = f"what is planted does not run outside: {door}"
    both(check)


for row in DOORS:
    planted_case(*row)


@case
def closed_doors_stay_closed_whatever_is_planted():
    plant(JAILED)
    try:
        for words in (["sudo", "-n", "-u", JAILED, "id", "-un"],
                      ["sudo", "-n", "-i", "-u", JAILED, "id", "-un"],
                      ["runuser", "-l", JAILED, "-c", "id -un"]):
            stop(JAILED)
            lacks(sh(words, check=False).stdout, f"^{JAILED}$", words[0])
            same(ran(JAILED), {}, words[0])
    finally:
        uproot(JAILED)


@both
def keys_with_variables_and_commands_of_the_account_s(who):
    keys = pathlib.Path(f"/home/{who}/.ssh/authorized_keys")
    before = keys.read_text()
    plant(who)
    keys.write_text(
        f'environment="LD_PRELOAD=/home/{who}/evil.so",'
        f'command="sh /home/{who}/proof.sh; {says(who, "command")}" {before}')
    try:
        stop(JAILED)
        text = ssh(who, "ignored", port=OBLIGING).stdout
        proved(who, text, "home full of traps: keys with commands")
        nothing_outside(who, "keys", "command library")
    finally:
        keys.write_text(before)
        uproot(who)


@case
def the_home_is_as_it_was():
    has(ssh(JAILED, PROOF).stdout, "^mnt=")
    same(RUN.exists(), True)


run()
