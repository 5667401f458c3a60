#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""programs that keep copies elsewhere: borg and restic, whose repository is
in a jail"""
import os

from clients import (BOX, SECRET, alike, belongs, customers, fetch, home_of,
                     in_each_jail, marked, tree)
from bed import RUN, has, run, same, sh

customers()
WORK = RUN / "backup"
WORK.mkdir(exist_ok=True)


def restored(name):
    path = WORK / name
    path.mkdir()
    return path


# --- borg --------------------------------------------------------------------

def borg(*words, repo, check=True, cwd=WORK):
    env = {**os.environ, "BORG_REPO": repo, "BORG_PASSPHRASE": "pw",
           "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
           "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes"}
    return sh(["borg", *words], env=env, cwd=cwd, check=check, timeout=60)


@in_each_jail
def borg_backs_up_checks_and_restores(who):
    repo, back = f"ssh://{who}@{BOX}/./borg", restored(f"borg-{who}")
    borg("init", "-e", "repokey-blake2", repo=repo)
    borg("create", "::one", ".", repo=repo, cwd=tree("many"))
    borg("create", "::two", ".", repo=repo, cwd=tree("many"))
    has(borg("list", repo=repo), r"^one .*\n^two ")
    borg("prune", "--keep-last", "1", repo=repo)
    borg("check", "--verify-data", repo=repo)
    borg("extract", "::two", repo=repo, cwd=back)
    alike(tree("many"), back)
    belongs(home_of(who) / "borg", who)


@in_each_jail
def borg_serves_from_inside(who):
    """A repository in /tmp is in the jail's, and gone with it."""
    with marked(who):
        repo = f"ssh://{who}@{BOX}/tmp/borg"
        borg("init", "-e", "none", repo=repo)
        borg("create", "::one", ".", repo=repo, cwd=tree("few", 8))
        same(os.path.exists("/tmp/borg"), False)
        same(sh(["ssh", f"{who}@{BOX}", "ls -d /tmp/borg/data"]),
             "/tmp/borg/data\n")
        repo = f"ssh://{who}@{BOX}/home/other/borg"
        same(borg("init", "-e", "none", repo=repo, check=False).returncode
             != 0, True, "a repository beside the jail")


# --- restic ------------------------------------------------------------------

def restic(who, path, *words, check=True):
    env = {**os.environ, "RESTIC_PASSWORD": "pw", "GOMAXPROCS": "2",
           "RESTIC_REPOSITORY": f"sftp:{who}@{BOX}:{path}"}
    return sh(["restic", "--no-cache", *words], env=env, check=check,
              cwd=tree("many"), timeout=60)


@in_each_jail
def restic_backs_up_checks_and_restores(who):
    path, back = f"/home/{who}/restic", restored(f"restic-{who}")
    restic(who, path, "init")
    restic(who, path, "backup", ".")
    restic(who, path, "check", "--read-data")
    restic(who, path, "restore", "latest", "--target", str(back))
    alike(tree("many"), back)
    belongs(path, who)


@in_each_jail
def restic_finds_what_is_inside_and_nothing_else(who):
    with marked(who):
        restic(who, "/tmp/restic", "init")
        same(os.path.exists("/tmp/restic"), False)
        same(fetch(["ssh", f"{who}@{BOX}", "test -f /tmp/restic/config"]),
             True)
        done = restic(who, SECRET, "cat", "config", check=False)
        same(done.returncode != 0, True, done.stdout)


run(seconds=200)
