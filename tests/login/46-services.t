#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""what a jail uses of the host: sockets of its services, name servers, the
time zone, certificates"""
import contextlib
import os
import pathlib
import socket
import subprocess

from bed import (CONF_DIR, RUN, Logged, case, configure, eventually, has,
                 jail_account, lacks, once, same, run, sh, ssh, ssh_argv, sshd,
                 stop)

WHO = "served"
SOCKET = "/run/memcached/memcached.sock"
MAIN = CONF_DIR / "jail.conf"
RESOLV = pathlib.Path("/etc/resolv.conf")

jail_account(WHO, 'services = [ "memcached", "mysql" ];')
sshd()


@contextlib.contextmanager
def memcached():
    """The real one, with its socket where Debian has it."""
    path = pathlib.Path(SOCKET)
    path.parent.mkdir(exist_ok=True)
    sh(f"chown memcache: {path.parent}")
    path.unlink(missing_ok=True)
    daemon = subprocess.Popen(["memcached", "-u", "memcache", "-s", SOCKET,
                               "-a", "0666"])
    try:
        eventually(path.exists, "memcached listens")
        yield
    finally:
        daemon.kill()
        daemon.wait()


@contextlib.contextmanager
def session(who=WHO):
    """A session that goes on, so that the jail stays the same one."""
    client = subprocess.Popen(ssh_argv(who, "echo up; cat"), text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        same(client.stdout.readline(), "up\n")
        yield
    finally:
        client.communicate(timeout=60)


ASK = ("python3 -c 'import socket; s = socket.socket(socket.AF_UNIX);"
       f' s.connect("{SOCKET}"); s.send(b"version\\r\\n");'
       " print(s.recv(99).decode())'")


@case
def a_service_is_reached_by_its_name_and_after_it_started_again():
    stop(WHO)
    with memcached():
        with session():
            has(ssh(WHO, ASK).stdout, "^VERSION ")
            inode = os.stat(SOCKET).st_ino
            # (The one of the "with" is killed twice, which does no harm.)
            sh("pkill -KILL -x memcached; rm -f " + SOCKET)
            has(ssh(WHO, ASK).stderr, "FileNotFoundError")
            with memcached():
                same(os.stat(SOCKET).st_ino != inode, True, "a new socket")
                has(ssh(WHO, ASK).stdout, "^VERSION ")


@case
def its_directory_can_be_used_for_nothing_else():
    stop(WHO)
    with memcached():
        program = pathlib.Path(SOCKET).with_name("program")
        program.write_text("#!/bin/sh\necho ran\n")
        program.chmod(0o4755)
        try:
            done = ssh(WHO, f"{program}; echo x >{program}; echo x"
                            f" >{program.parent}/new; rm {SOCKET}; mknod"
                            f" {program.parent}/n c 1 3; ls {program.parent}")
            same(done.stdout.split(), ["memcached.sock", "program"])
            has(done.stderr, "program: Permission denied")
            options = ssh(WHO, f"findmnt -no OPTIONS {program.parent}").stdout
            for option in ("ro", "nosuid", "nodev", "noexec"):
                has(options, rf"\b{option}\b")
        finally:
            program.unlink()


@case
def a_known_service_that_does_not_run_keeps_nobody_out():
    stop(WHO)
    same(os.path.exists("/run/mysqld"), False)
    same(ssh(WHO, "echo in; ls -d /run/mysqld").stdout, "in\n")
    done = sh(["jailconf", "check"], check=False)
    has(done.stdout, "^remark: jail .*/run/mysqld of a service is not there")
    has(sh(["jailconf", "explain", WHO]),
        "/run/mysqld +the host's, read-only, optional, noexec, service")


@contextlib.contextmanager
def main_with(text):
    before = MAIN.read_text()
    MAIN.write_text(text + before)
    stop(WHO)
    try:
        yield
    finally:
        MAIN.write_text(before)
        configure(WHO, 'services = [ "memcached", "mysql" ];')
        stop(WHO)


@case
def an_unknown_service_is_told_with_its_line_and_refuses():
    stop(WHO)
    configure(WHO, 'services = [ "memcached",', '"mysqll" ];')
    path = CONF_DIR / "users.d" / WHO
    line = path.read_text().splitlines().index('"mysqll" ];') + 1
    log = Logged()
    try:
        same(ssh(WHO, "echo in").stdout, "")
        log.expect(rf'{path}:{line}: .*no such service: mysqll')
        has(sh(["jailconf", "check"], check=False).stdout,
            rf'^error: {path}:{line}: .*no such service: mysqll')
    finally:
        configure(WHO, 'services = [ "memcached", "mysql" ];')


@case
def an_administrator_s_service_must_be_there_unless_it_is_optional():
    keys = 'directory = "/run/bed-app"; target = "/srv/app";'
    app = pathlib.Path("/run/bed-app")
    for optional in (False, True):
        word = "optional = true;" if optional else ""
        with main_with(f"services = {{ app = {{ {keys} {word} }}; }};\n"):
            configure(WHO, 'services = [ "app" ];')
            log = Logged()
            done = ssh(WHO, "echo in; ls -d /srv/app")
            same(done.stdout, "in\n" if optional else "")
            if not optional:
                log.expect("service app: /run/bed-app: No such file")
            stop(WHO)
            app.mkdir()
            try:
                same(ssh(WHO, "ls -d /srv/app").stdout, "/srv/app\n")
                stop(WHO)
                sh(f"chown {WHO} {app}")  # a user's: not believed
                same(ssh(WHO, "ls -d /srv/app").stdout, "")
                log.expect("service app: /run/bed-app: belongs to uid")
            finally:
                stop(WHO)
                app.rmdir()


@case
def a_syslog_daemon_in_a_directory_is_dev_log_inside():
    directory = pathlib.Path("/run/bed-syslog")
    directory.mkdir(exist_ok=True)
    with main_with('services = { log = { directory = "/run/bed-syslog";'
                   ' socket = "dev-log"; link = "/dev/log"; }; };\n'):
        configure(WHO, 'services = [ "log" ];')
        with session():
            for word in ("one", "two"):
                path = directory / "dev-log"
                path.unlink(missing_ok=True)
                daemon = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                daemon.settimeout(10)
                daemon.bind(str(path))
                path.chmod(0o666)
                same(ssh(WHO, f"logger -t mine {word}").returncode, 0)
                # sshd's child finds it as well, and has its own to say.
                while f"mine: {word}" not in daemon.recv(999).decode():
                    pass
                daemon.close()


# --- names, time and certificates --------------------------------------------

@contextlib.contextmanager
def name_server(address, answer):
    """dnsmasq(8), which knows db.example and nothing else."""
    daemon = subprocess.Popen(
        ["dnsmasq", "-k", "-C", "/dev/null", "--no-hosts", "--no-resolv",
         "--bind-interfaces", f"--listen-address={address}",
         f"--address=/db.example/{answer}", "--user=root", "--pid-file="],
        stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: listens(address), "dnsmasq listens")
        yield
    finally:
        daemon.kill()
        daemon.wait()


def listens(address):
    with contextlib.suppress(OSError):
        with socket.create_connection((address, 53), 1):
            return True
    return False


@contextlib.contextmanager
def resolv_conf_kept():
    before = RESOLV.read_text()
    try:
        yield
    finally:
        RESOLV.unlink(missing_ok=True)
        RESOLV.write_text(before)
        stop(WHO)


def found(name="db.example"):
    return ssh(WHO, f"getent hosts {name}").stdout.split()


@case
def names_are_looked_up_at_the_host_s_servers_of_now():
    with name_server("127.0.0.1", "192.0.2.1"), \
            name_server("127.0.0.2", "192.0.2.2"), resolv_conf_kept():
        # A file of the administrator's.
        RESOLV.write_text("nameserver 127.0.0.1\n")
        stop(WHO)
        with session():
            same(found(), ["192.0.2.1", "db.example"])
            RESOLV.write_text("nameserver 127.0.0.2\n")
            same(found(), ["192.0.2.2", "db.example"])
        # A program's, which puts a new file in the place of the old one.
        directory = pathlib.Path("/run/resolvconf")
        directory.mkdir(exist_ok=True)
        RESOLV.unlink()
        RESOLV.symlink_to(directory / "resolv.conf")
        (directory / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        stop(WHO)
        with session():
            same(found(), ["192.0.2.1", "db.example"])
            (directory / "new").write_text("nameserver 127.0.0.2\n")
            (directory / "new").rename(directory / "resolv.conf")
            same(found(), ["192.0.2.2", "db.example"])


@case
def hosts_has_the_loopback_and_the_host_s_if_it_is_bound():
    hosts = pathlib.Path("/etc/hosts")
    before = hosts.read_text()
    hosts.write_text(before + "192.0.2.3 inner.example\n")
    try:
        stop(WHO)
        has(" ".join(found("localhost")), "^(127.0.0.1|::1) ")
        same(found("inner.example"), [])
        configure(WHO, 'binds = ( { source = "/etc/hosts"; } );')
        stop(WHO)
        same(found("inner.example"), ["192.0.2.3", "inner.example"])
    finally:
        hosts.write_text(before)
        configure(WHO, 'services = [ "memcached", "mysql" ];')
        stop(WHO)


@case
def the_time_is_the_host_s():
    link = pathlib.Path("/etc/localtime")
    before = os.readlink(link)
    link.unlink()
    link.symlink_to("/usr/share/zoneinfo/America/New_York")
    try:
        stop(WHO)
        winter = "date -d '2025-01-01 12:00 UTC' '+%H %Z'"
        same(ssh(WHO, winter).stdout, "07 EST\n")
        same(sh(winter), "07 EST\n")
    finally:
        link.unlink()
        link.symlink_to(before)
        stop(WHO)


def authority():
    """A CA of the bed's, known to the host, and a server's certificate."""
    directory = RUN / "tls"
    if once("tls-made"):
        directory.mkdir()
        sh("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=bed-ca"
           " -keyout ca.key -out ca.crt 2>&1 &&"
           " openssl req -newkey rsa:2048 -nodes -subj /CN=localhost"
           " -keyout tls.key -out tls.csr 2>&1 &&"
           " echo subjectAltName=DNS:localhost >ext && openssl x509 -req"
           " -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2"
           " -extfile ext -out tls.crt 2>&1", cwd=directory)
    return directory


@case
def certificates_are_believed_as_on_the_host():
    directory = authority()
    local = pathlib.Path("/usr/local/share/ca-certificates/bed.crt")
    local.parent.mkdir(parents=True, exist_ok=True)
    server = subprocess.Popen(
        ["openssl", "s_server", "-accept", "127.0.0.1:4433", "-www",
         "-cert", "tls.crt", "-key", "tls.key"], cwd=directory,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    curl = "curl -sS --max-time 10 https://localhost:4433/"
    verify = ("openssl s_client -connect localhost:4433 -servername localhost"
              " -verify_return_error </dev/null 2>&1")
    stop(WHO)
    try:
        eventually(lambda: sh("openssl s_client -connect localhost:4433"
                              " </dev/null", check=False).stdout.count("BEGIN"),
                   "the server listens")
        with session():  # begun before the host knew the CA
            has(ssh(WHO, curl).stderr, "certificate")
            local.write_bytes((directory / "ca.crt").read_bytes())
            sh("update-ca-certificates")
            has(ssh(WHO, curl).stdout, "Ciphers|s_server")
            has(ssh(WHO, verify).stdout, r"Verify return code: 0 \(ok\)")
            lacks(ssh(WHO, curl).stderr, "certificate")
    finally:
        server.kill()
        server.wait()
        local.unlink(missing_ok=True)
        sh("update-ca-certificates")
        stop(WHO)


run()
