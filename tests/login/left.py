# SPDX-License-Identifier: ISC
"""left - whether anything is left of jails that have ended"""
import pathlib
import re

from bed import (RUN_DIR, cgroups, eventually, keepers, mounts, residue, same,
                 sh)


def jail_sockets():
    return re.findall(r"\S*/jail/\S+", pathlib.Path("/proc/net/unix")
                      .read_text())


class Before:
    """What is there when this is made, before any jail."""

    def __init__(self):
        self.cgroups = set(cgroups())
        self.files = set(RUN_DIR.glob("*"))
        self.mounts = mounts()
        self.memory = sh("ipcs -m | wc -l")

    def nothing_is_left(self, *names, seconds=10):
        """Neither processes nor mounts, sockets, control groups or files, of
        the jails of these accounts."""
        for name in names:
            eventually(lambda: not residue(name),
                       f"gone: {residue(name)}", seconds)
        eventually(lambda: not keepers(), "no keeper, no PID 1", seconds)
        eventually(lambda: not set(cgroups()) - self.cgroups,
                   f"no control group: {cgroups()}", seconds)
        same(mounts(), self.mounts, "mounts of the host")
        # Who has just ended has closed its files a moment later.
        eventually(lambda: not set(RUN_DIR.glob("*")) - self.files,
                   f"{RUN_DIR} is as before")
        eventually(lambda: not jail_sockets(), "no socket")
        same(sh("ipcs -m | wc -l"), self.memory)
