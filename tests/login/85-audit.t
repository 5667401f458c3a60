#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""the kernel's audit trail: what is in it when somebody has entered or was
refused, as auditd would get it"""
import os
import pathlib
import re
import socket
import struct
import subprocess
import sys

from bed import (JAILED, PLAIN, case, eventually, has, run, same, sh, ssh,
                 sshd, su, the_two, uid_of)

# linux/audit.h, linux/netlink.h
NETLINK_AUDIT, AUDIT_SET, AUDIT_USER_ROLE_CHANGE = 9, 1001, 2300
NLM_F_REQUEST, NLM_F_ACK, NLMSG_ERROR = 1, 4, 2
READLOG = 1  # the multicast group
HEADER = struct.Struct("=IHHII")


def enable():
    """Returns 0, or the errno that the kernel has answered with."""
    status = struct.pack("=11I", 1, 1, *[0] * 9)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                       NETLINK_AUDIT) as sock:
        sock.settimeout(10)
        sock.sendto(HEADER.pack(HEADER.size + len(status), AUDIT_SET,
                                NLM_F_REQUEST | NLM_F_ACK, 1, 0) + status,
                    (0, 0))
        while True:
            answer = sock.recv(65536)
            if HEADER.unpack_from(answer)[1] == NLMSG_ERROR:
                return -struct.unpack_from("=i", answer, HEADER.size)[0]


error = enable()
if error:
    print("audit is not for this namespace:", os.strerror(error))
    sys.exit(77)
the_two()
sshd()


class Trail:
    """The records of ours since this was made."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                                  NETLINK_AUDIT)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.sock.bind((0, READLOG))
        self.sock.setblocking(False)
        self.found = []

    def records(self):
        while True:
            try:
                data = self.sock.recv(65536)
            except BlockingIOError:
                return self.found
            kind = HEADER.unpack_from(data)[1]
            text = data[HEADER.size:].rstrip(b"\0").decode()
            # logind has the account's own manager started with its first
            # session, which is refused and recorded by itself.
            if (kind == AUDIT_USER_ROLE_CHANGE and "op=pam_jail" in text
                    and "/systemd" not in text):
                self.found.append(text)

    def one(self):
        eventually(self.records, "a record", 20)
        same(len(self.records()), 1, str(self.found))
        return self.found[0]


@case
def an_ssh_login_has_one_record_in_its_own_audit_session():
    trail = Trail()
    ids = ssh(JAILED, "cat /proc/self/loginuid; echo; cat /proc/self/sessionid",
              timeout=60).stdout.split()
    same(ids[0], str(uid_of(JAILED)))
    has(trail.one(), rf" uid=0 auid={ids[0]} ses={ids[1]} .*msg='"
                     rf'op=pam_jail:open jail=shell door=child acct="{JAILED}"'
                     r' exe="/usr/(sbin/sshd|lib/openssh/sshd-session)"'
                     r" hostname=127\.0\.0\.1 addr=127\.0\.0\.1 terminal=ssh"
                     r" res=success'")


@case
def su_has_one_record():
    trail = Trail()
    same(su(JAILED, "echo in").stdout, "in\n")
    has(trail.one(), r"op=pam_jail:open jail=shell door=shell"
                     rf' acct="{JAILED}" exe="[^"]*/su" .*res=success')


@case
def a_refusal_has_one_record_with_its_reason():
    trail = Trail()
    done = subprocess.run(["sudo", "-u", JAILED, "echo", "in"], timeout=300,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    same("in\n" in done.stdout, False)
    has(trail.one(), r"op=pam_jail:refuse jail=shell door=closed"
                     r" reason=this_service_is_not_among_\S+"
                     rf' acct="{JAILED}" exe="[^"]*/sudo" .*res=failed')


@case
def a_name_that_is_not_plain_does_not_look_like_a_field():
    line = re.search(r"^account.*pam_jail\.so.*$", pathlib.Path(
        "/etc/pam.d/common-account").read_text(), re.M).group()
    pathlib.Path("/etc/pam.d/bed-names").write_text(
        f"auth required pam_permit.so\n{line}\n")
    trail = Trail()
    name = "x' res=success"
    sh(["pamtester", "-I", f"rhost={name}", "bed-names", name, "acct_mgmt"],
       check=False)
    record = trail.one()
    has(record, f" acct={name.encode().hex().upper()} "
                r".*hostname=x\?_res=success addr=\? ")
    same(re.findall(r" res=(\w+)", record), ["failed"])


@case
def who_is_not_jailed_has_none():
    trail = Trail()
    same(ssh(PLAIN, "echo in", timeout=60).stdout, "in\n")
    same(su(PLAIN, "echo in").stdout, "in\n")
    same(trail.records(), [])


run(120)
