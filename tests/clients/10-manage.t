#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""programs that manage accounts from elsewhere: ansible and paramiko"""
import contextlib
import os
import socket
import textwrap
import time

import paramiko

from clients import (ALONE, BOX, CUSTOMERS, OPEN, SECRET, alike, belongs,
                     customers, home_of, in_each_jail, mark_of, marked,
                     proof_in_home)
from bed import RUN, case, has, lacks, proved, run, same, sh, stop, uid_of

customers()
SITE = RUN / "site"
SITE.mkdir(exist_ok=True)

# --- ansible: both accounts at a time, as a site would -----------------------

INVENTORY = "[customers]\n" + "".join(
    f"{who} ansible_host={BOX} ansible_user={who}\n" for who in CUSTOMERS)
PLAYBOOK = """\
- hosts: customers
  gather_subset: [min]
  tasks:
    - name: a directory
      file: { path: "{{ ansible_env.HOME }}/site", state: directory }
    - name: a page
      template: { src: page.j2, dest: "{{ ansible_env.HOME }}/site/page" }
      notify: restarted
    - name: the program
      copy: { content: "echo it\\n", dest: "{{ ansible_env.HOME }}/site/run",
              mode: "0755" }
      notify: restarted
    - name: a line
      lineinfile: { path: "{{ ansible_env.HOME }}/.profile",
                    line: "export SITE=yes" }
  handlers:
    - name: restarted
      shell: echo again >>~/site/restarts
"""
PAGE = ("{{ ansible_user_id }} {{ ansible_user_uid }} {{ ansible_hostname }}"
        " {{ ansible_env.HOME }}\n")


def ansible(*words, program="ansible", check=True, pipelining="1"):
    """Runs it as it is but for PIPELINING, which is faster, and with which
    it sends no file for each step."""
    (SITE / "hosts").write_text(INVENTORY)
    env = {**os.environ, "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING":
           "0", "ANSIBLE_PYTHON_INTERPRETER": "auto_silent",
           "ANSIBLE_PIPELINING": pipelining}
    return sh([program, "-i", str(SITE / "hosts"), *words], check=check,
              env=env, cwd=SITE, timeout=200)


@case
def ansible_pings():
    text = ansible("customers", "-m", "ping", pipelining="0")
    for who in CUSTOMERS:
        has(text, rf"^{who} \| SUCCESS")
    same(text.count('"pong"'), 2, text)


@case
def ansible_runs_commands_in_the_jail():
    for who in CUSTOMERS:
        proof_in_home(who)
    text = ansible("customers", "-m", "command", "-a", "sh proof")
    for who in CUSTOMERS:
        part = text[text.index(f"{who} | CHANGED"):]
        proved(who, part[:part.index("\nend") + 4])


@case
def ansible_copies_a_tree():
    """A small one: each file costs it several commands."""
    small = SITE / "small"
    small.mkdir()
    for name in ("two words", "grüße-日本", "program"):
        (small / name).write_text(name)
    (small / "program").chmod(0o755)
    ansible("customers", "-m", "copy", "-a",
            f"src={small}/ dest=small/ mode=preserve")
    for who in CUSTOMERS:
        alike(small, home_of(who) / "small")
        belongs(home_of(who) / "small", who)


@case
def ansible_fetches_what_is_inside_and_nothing_else():
    it = "{{ inventory_hostname }}"
    with marked(OPEN), marked(ALONE):
        ansible("customers", "-m", "fetch", "-a",
                f"flat=yes src={mark_of(it)} dest={SITE}/got-{it}")
    for who in CUSTOMERS:
        same((SITE / f"got-{who}").read_text(), f"{who}\n")
    done = ansible("customers", "-m", "fetch", "-a",
                   f"flat=yes src={SECRET} dest={SITE}/secret-{it}",
                   check=False)
    same(done.returncode != 0, True, done.stdout)
    same(list(SITE.glob("secret-*")), [])


@case
def an_ansible_playbook_changes_once_and_runs_its_handler_once():
    (SITE / "play.yml").write_text(PLAYBOOK)
    (SITE / "page.j2").write_text(PAGE)
    first = ansible("play.yml", program="ansible-playbook")
    second = ansible("play.yml", program="ansible-playbook")
    for who in CUSTOMERS:
        has(first, rf"^{who} .*changed=[45]\b.*failed=0")
        has(second, rf"^{who} .*changed=0\b.*failed=0")
        same((home_of(who) / "site/page").read_text(),
             f"{who} {uid_of(who)} {who} /home/{who}\n")
        same((home_of(who) / "site/restarts").read_text(), "again\n")
        belongs(home_of(who) / "site", who)


@case
def ansible_become_is_refused_with_the_reason():
    done = ansible("customers", "-b", "-m", "ping", check=False)
    same(done.returncode != 0, True, done.stdout)
    for who in CUSTOMERS:
        has(done.stdout, rf"^{who} \| FAILED")
    same(done.stdout.count("no new privileges"), 2, done.stdout)


# --- paramiko ----------------------------------------------------------------

@contextlib.contextmanager
def connected(who, **keys):
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect("127.0.0.1", username=who, timeout=20, look_for_keys=False,
                   **{"key_filename": "/root/.ssh/id_ed25519",
                      "allow_agent": False, **keys})
    try:
        yield client
    finally:
        client.close()


def ran(client, command, send=""):
    stdin, stdout, stderr = client.exec_command(command, timeout=30)
    stdin.write(send)
    stdin.channel.shutdown_write()
    text = stdout.read().decode() + stderr.read().decode()
    return stdout.channel.recv_exit_status(), text


@in_each_jail
def paramiko_runs_commands(who):
    with connected(who) as client:
        proved(who, ran(client, "sh", (proof_in_home(who) and "sh proof"))[1])
        same(ran(client, "cat; exit 7", "x" * 200000), (7, "x" * 200000))


@in_each_jail
def paramiko_logs_in_by_password(who):
    with connected(who, key_filename=None, password="pw") as client:
        same(ran(client, "id -un"), (0, f"{who}\n"))


@in_each_jail
def paramiko_s_sftp_works_inside(who):
    with marked(who), connected(who) as client, client.open_sftp() as sftp:
        with sftp.open("made", "w") as made:
            made.write("by paramiko")
        sftp.chmod("made", 0o640)
        same(sftp.stat("made").st_mode, 0o100640)
        sftp.posix_rename("made", "renamed")
        same((home_of(who) / "renamed").read_text(), "by paramiko")
        same(sftp.listdir("/home"), [who])
        with sftp.open(mark_of(who)) as mark:
            same(mark.read().decode(), f"{who}\n")
        try:
            sftp.stat(SECRET)
        except FileNotFoundError:
            return
        raise AssertionError("the host's secret is there")


SERVER = textwrap.dedent("""\
    import socket
    s = socket.create_server(("127.0.0.1", 0))
    print(s.getsockname()[1], flush=True)
    for _ in range(2):
        c = s.accept()[0]
        c.sendall(b"inside:" + c.recv(100))
        c.close()
    """)


def through(client, port, say=b"hello"):
    """What says whoever is at PORT of the other side's loopback."""
    try:
        channel = client.get_transport().open_channel(
            "direct-tcpip", ("127.0.0.1", port), ("127.0.0.1", 0), timeout=20)
    except paramiko.ChannelException:
        return b""
    with contextlib.closing(channel):
        channel.settimeout(20)
        channel.sendall(say)
        return channel.recv(100)


@in_each_jail
def paramiko_forwards_to_a_port_inside(who):
    with connected(who) as client:
        stdin, stdout, _ = client.exec_command("python3 -", timeout=30)
        stdin.write(SERVER)
        stdin.channel.shutdown_write()
        port = int(stdout.readline())
        same(through(client, port), b"inside:hello")
        # The port is the host's, too, if the network is.
        with contextlib.closing(socket.socket()) as direct:
            same(direct.connect_ex(("127.0.0.1", port)) == 0, who == OPEN)


@case
def paramiko_finds_no_port_of_the_host_s_in_a_network_of_its_own():
    stop(ALONE)  # what has a port inside, which may have the same number
    with socket.create_server(("127.0.0.1", 0)) as host:
        with connected(ALONE) as client:
            same(through(client, host.getsockname()[1]), b"")


@in_each_jail
def paramiko_s_keepalives_are_answered(who):
    with connected(who) as client:
        transport = client.get_transport()
        transport.set_keepalive(1)
        time.sleep(2.5)
        same(transport.is_active(), True)
        # One that wants an answer, as OpenSSH's clients send it.
        same(transport.global_request("keepalive@openssh.com", wait=True),
             None)
        same(ran(client, "echo alive"), (0, "alive\n"))
        lacks(ran(client, "ls /home")[1], "other")


run(seconds=300)
