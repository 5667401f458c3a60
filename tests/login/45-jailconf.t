#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""jailconf: what each verb changes, what it says, and how it is undone"""
import contextlib
import json
import os
import pathlib
import re
import subprocess

from bed import (CGROUP, CONF_DIR, JAILSH, KEEPER, PLAIN, RUN_DIR, Logged,
                 account, case, eventually, find_cgroups, has, keepers, lacks,
                 of_uid, run, same, set_up, sh, ssh, sshd, su, uid_of)

TOOL = os.path.join(os.path.dirname(JAILSH), "jailconf")
WHO = "tom"
OTHER = "tim"

account(PLAIN)
account(WHO)
account(OTHER, "/bin/sh")
set_up()
pathlib.Path("/run/sshd").mkdir(exist_ok=True)


def jailconf(*words, status=0, **keys):
    """Runs it; returns standard output and error."""
    done = sh(["jailconf", *words], check=False, **keys)
    same(done.returncode, status, f"jailconf {' '.join(words)}: {done.stdout}")
    return done.stdout


def shell_of(name):
    return sh(["getent", "passwd", name]).strip().split(":")[6]


def users_file(name):
    return CONF_DIR / "users.d" / name


def state():
    """All that the verbs may change."""
    files = {}
    for top in ("/etc/pam.d", "/var/lib/pam", "/usr/share/pam-configs",
                CONF_DIR):
        for path in sorted(pathlib.Path(top).rglob("*")):
            if path.is_file() and path.name != "seen":
                files[str(path)] = path.read_text()
    files["/etc/passwd"] = pathlib.Path("/etc/passwd").read_text()
    return files


def unchanged(before, what=""):
    """Everything is as in BEFORE, which state() gave."""
    now = state()
    same([path for path in sorted(now.keys() | before.keys())
          if now.get(path) != before.get(path)], [], what)


@contextlib.contextmanager
def jailed(name, *options):
    jailconf("add", *options, name)
    try:
        yield
    finally:
        jailconf("unjail", "--stop", name)


@contextlib.contextmanager
def changed(path, change):
    """The file PATH with CHANGE(its text), for a while."""
    path = pathlib.Path(path)
    before = path.read_text()
    path.write_text(change(before))
    try:
        yield
    finally:
        path.write_text(before)


# --- setup -------------------------------------------------------------------

@case
def setup_puts_its_lines_last():
    for name, line in (("auth", r"auth\s+optional\s+"),
                       ("account", r"account\s+required\s+"),
                       ("session", r"session\s+required\s+"),
                       ("session-noninteractive", r"session\s+required\s+")):
        text = pathlib.Path(f"/etc/pam.d/common-{name}").read_text()
        lines = [t for t in text.splitlines() if t and t[0] != "#"]
        has(lines[-1], rf"^{line}\S*pam_jail\.so\s*$", name)


def told(argument):
    """A change: the line of pam_jail's, with ARGUMENT."""
    return lambda text: re.sub(r"(pam_jail\.so)", rf"\1 {argument}", text)


@case
def setup_fails_when_the_stacks_are_not_right():
    cases = (
        ("/etc/pam.d/sshd", lambda t: "auth sufficient pam_permit.so\n" + t,
         r"pam service sshd: /etc/pam.d/sshd:1: pam_permit.so can end"),
        ("/etc/pam.d/sshd", lambda t: t + "\nauth optional pam_group.so\n",
         r"pam service sshd: /etc/pam.d/sshd:\d+: pam_group.so comes after"),
        ("/etc/pam.d/cron", lambda t: t.replace("@include common-session"
                                                "-noninteractive", ""),
         r"pam service cron: no session line"),
        ("/etc/pam.d/common-session",
         lambda t: re.sub(r"required(\s+\S*pam_jail)", r"optional\1", t),
         r"pam service sshd: .*a refusal of pam_jail.so changes nothing"),
        ("/etc/pam.d/common-account", told("confg=/x"),
         r"pam service sshd: .*unknown argument: confg=/x: nobody but root"),
        ("/etc/pam.d/common-session", told("conf=/x"),
         r"pam service sshd: .*conf=/x: logins go by that"),
        ("/etc/pam.d/common-account",
         lambda t: re.sub(r"\S*(pam_jail\.so)", r"/nowhere/\1", t),
         r"/etc/pam.d/common-account:\d+: names /nowhere/pam_jail.so, but"),
    )
    for path, change, words in cases:
        with changed(path, change):
            has(jailconf("setup", status=1), f"^error: {words}")
            has(jailconf("check", status=1), f"^error: {words}")
    jailconf("check")


@case
def explain_knows_what_the_lines_are_told():
    with jailed(WHO):
        for argument, end in (("confg=/x", "refused"), ("conf=/x", "outside"),
                              (f"conf={CONF_DIR}", "jail")):
            with changed("/etc/pam.d/common-session", told(argument)):
                view = json.loads(jailconf("explain", "--json", WHO))
                ends = {door["service"]: door["end"] for door in view["doors"]}
                same(ends["sshd"], end, argument)
                if end == "refused":
                    lacks(su(WHO, "echo in").stdout, "^in$")


@case
def where_nothing_is_set_up_every_verb_says_so():
    try:
        jailconf("unsetup", "--force")
        has(jailconf("check", status=1), "^error: no pam service calls "
                                         "pam_jail")
        has(jailconf("add", WHO), "^warning: .*run jailconf setup$")
        told = json.loads(jailconf("explain", "--json", WHO))
        ends = {door["service"]: door["end"] for door in told["doors"]}
        same((ends["sshd"], ends["cron"], ends["atd"]), ("outside",) * 3)
        same(ends["su"], "refused")  # by its login shell
        jailconf("unjail", WHO)
    finally:
        jailconf("setup")


@case
def without_pam_auth_update_setup_says_which_lines():
    tool = pathlib.Path("/usr/sbin/pam-auth-update")
    hidden = pathlib.Path("/usr/sbin/pam-auth-update.hidden")
    try:
        jailconf("unsetup", "--force")
        tool.rename(hidden)
        text = jailconf("setup", status=1)
        for line in ("account required", "auth optional", "session required"):
            has(text, rf"^ +{line} \S*pam_jail\.so$")
    finally:
        if hidden.exists():
            hidden.rename(tool)
        jailconf("setup")


# --- add, unjail -------------------------------------------------------------

@case
def add_and_unjail_leave_nothing_behind():
    before = state()
    text = jailconf("add", WHO)
    same(text.splitlines()[-1],
         f"try: jailconf try {WHO}; undo: jailconf unjail {WHO}")
    same(shell_of(WHO), JAILSH)
    same(oct(users_file(WHO).stat().st_mode & 0o7777), "0o644")
    jailconf("unjail", WHO)
    unchanged(before)
    has(jailconf("unjail", WHO), "^nothing to do")


@case
def add_again_changes_nothing_and_keeps_the_former_shell():
    with jailed(OTHER):
        before = state()
        has(jailconf("add", OTHER), "^nothing to do")
        unchanged(before)
        jailconf("add", "--network", "none", OTHER)
        jailconf("add", "--jail", "ide", OTHER)
        text = users_file(OTHER).read_text()
        for line in ('network = "none";', 'jail = "ide";',
                     'former_shell = "/bin/sh";'):
            same(line in text.splitlines(), True, text)
    same(shell_of(OTHER), "/bin/sh")


@case
def add_leaves_what_others_have_written():
    with jailed(WHO):
        with open(users_file(WHO), "a", encoding="utf-8") as file:
            file.write("# mine\nlinger = 3;\n")
        jailconf("add", "--shell", "/bin/sh", WHO)
        has(users_file(WHO).read_text(), r"^# mine\nlinger = 3;\n"
                                         r"shell = \"/bin/sh\";$")


@case
def a_mistake_in_add_changes_nothing():
    before = state()
    users = f"{CONF_DIR}/users.d/{WHO}"
    for options, words in (
            (("root",), "uid 0 is never jailed"),
            (("nobody-here",), "nobody-here: no such user"),
            (("--jail", "nosuch", WHO), f"{users}:.* no such jail: nosuch"),
            (("--root", "srv", WHO), f'{users}:.* "root" must be'),
            (("--root", "/nowhere", WHO), "/nowhere: No such file"),
            (("--root", "/tmp", WHO), "/tmp: .*changed by others"),
            (("--network", "lan", WHO), f"{users}:.*network"),
            (("--shell", "/bin/nosuch", WHO), "/bin/nosuch is not there: No such"),
            (("../jail.conf",), "no such user")):
        has(jailconf("add", *options, status=1),
            f"^jailconf: nothing was changed: .*{words}")
        unchanged(before, str(options))


@case
def add_tells_of_processes_outside():
    with subprocess.Popen(["setpriv", f"--reuid={uid_of(WHO)}",
                           "--clear-groups", "sleep", "60"]) as sleep:
        try:
            eventually(lambda: of_uid(uid_of(WHO)), "it is the account's")
            with contextlib.ExitStack() as undo:
                has(jailconf("add", WHO),
                    rf"^warning: processes of {WHO} that run outside the "
                    rf"jail: 1 \(s\w+, pid {sleep.pid}\)")
                undo.callback(jailconf, "unjail", WHO)
        finally:
            sleep.kill()


@case
def unjail_says_that_the_jail_still_runs():
    jailconf("add", WHO)
    jailconf("exec", "--start", WHO, "--", "true")
    has(jailconf("unjail", WHO), f"still runs; jailconf stop {WHO} ends it")
    same(len(json.loads(jailconf("list", "--json"))) > 0, True)
    has(jailconf("stop", WHO), "^stopped")


@case
def unjail_works_with_a_broken_policy_and_a_broken_file():
    jailconf("add", WHO)
    with changed(CONF_DIR / "jail.conf", lambda t: t + "jails = {"):
        with open(users_file(WHO), "a", encoding="utf-8") as file:
            file.write("nonsense = 1;\n")
        jailconf("unjail", WHO)
    same(shell_of(WHO), "/bin/bash")
    same(users_file(WHO).exists(), False)


@case
def the_file_of_an_account_that_is_gone_can_be_cleared():
    account("gone")
    jailconf("add", "gone")
    sh(["userdel", "gone"])
    has(jailconf("check", status=1), "^error: .*users.d/gone: .*no such user"
                                     ".*unjail")
    has(jailconf("unjail", "gone"), f"^removed {users_file('gone')}")
    jailconf("check")


# --- check, explain ----------------------------------------------------------

@case
def check_is_quiet_when_all_is_right():
    with jailed(WHO):
        text = jailconf("check")
        lacks(text, "^(error|warning):")
        has(text, "^fine; jailed accounts: ")
        found = json.loads(jailconf("check", "--json"))
        same(found["fine"], True)
        same([f for f in found["findings"] if f["severity"] != "remark"], [])


@case
def check_finds_what_would_refuse_a_login():
    keeper = pathlib.Path(KEEPER)
    with jailed(WHO):
        users = users_file(WHO)
        for path, mode, words in ((users, 0o666, f"{users}: "),
                                  (keeper, 0o757, f"{keeper}: "),
                                  (pathlib.Path(JAILSH), 0o4711,
                                   f"{JAILSH}: is set-uid"),
                                  (pathlib.Path(JAILSH), 0o755,
                                   f"{JAILSH}: others may read it")):
            before = path.stat().st_mode & 0o7777
            path.chmod(mode)
            try:
                has(jailconf("check", status=1), f"^error: {words}")
                found = json.loads(jailconf("check", "--json", status=1))
                same(found["fine"], False)
            finally:
                path.chmod(before)
        with changed("/etc/shells", lambda t: t + JAILSH + "\n"):
            has(jailconf("check", status=1), "^error: /etc/shells lists")
        sh(["usermod", "-s", "/bin/bash", WHO])
        has(jailconf("check"), f"^warning: account {WHO}: the login shell is "
                               "/bin/bash")
        jailconf("add", WHO)
    jailconf("check")


@case
def who_has_a_new_name_has_lost_the_jail_and_is_refused():
    account("oldname")
    with jailed("oldname"):
        sh("usermod -l newname oldname")
        try:
            log = Logged()
            lacks(su("newname", "echo in").stdout, "^in$")
            why = (f"the login shell is {re.escape(JAILSH)}, and nothing jails"
                   " ")
            log.expect(f"refuse user=newname .*{why}")
            has(jailconf("check", status=1), f"account newname: {why}")
            has(jailconf("explain", "newname", status=1),
                f"^jailconf: newname is refused everywhere: {why}")
        finally:
            sh("usermod -l oldname newname")
        same(su("oldname", "echo in").stdout, "in\n")


@case
def check_tells_of_what_is_hidden_where_the_account_can_move_it():
    with jailed(WHO):
        for path, tells in ((f"/home/{WHO}/.config/keys", True),
                            ("/usr/bin/gcc", False)):
            with changed(users_file(WHO),
                         lambda t, p=path: t + f'hide = [ "{p}" ];\n'):
                (has if tells else lacks)(
                    jailconf("check"), f"^warning: account {WHO}: jail shell "
                    f"hides {path}, and the account may move what is there: "
                    f"it can write to /home/{WHO}")


@case
def check_tells_of_two_quotas_of_one_account():
    """There is one on disk, of the account."""
    loose = 'limits = { disk = "%s"; required = false; };'
    other = 'jails = {\n\tlarger = { inherit = "shell"; ' + loose % "2G" + " };"
    warned = (f"^warning: account {WHO}: the disk quota of jail larger is "
              "another than that of ")
    with changed(CONF_DIR / "jail.conf",
                 lambda t: t.replace("jails = {", other, 1)), jailed(WHO):
        rule = 'rules = ( { service = "ftp"; jail = "larger"; } );'
        for keys, differ in (("", True), (loose % "1G", True),
                             (loose % "2G", False)):
            with changed(users_file(WHO), lambda t: t + keys + rule):
                text = jailconf("check")
                (has if differ else lacks)(text, warned)


@case
def check_asks_sshd_whether_it_uses_pam():
    path = pathlib.Path("/etc/ssh/sshd_config.d/bed-no-pam.conf")
    sh("ssh-keygen -A")
    path.write_text("UsePAM no\n")
    try:
        has(jailconf("check", status=1), "^error: sshd does not use pam")
        with jailed(WHO):
            has(jailconf("explain", WHO),
                "^ +sshd +outside +sshd does not use pam")
    finally:
        path.unlink()
    jailconf("check")


@case
def explain_and_the_doors_agree():
    with jailed(WHO, "--network", "none"):
        told = json.loads(jailconf("explain", "--json", WHO))
        same((told["jailed"], told["jail"], told["network"], told["uid"]),
             (True, "shell", "none", uid_of(WHO)))
        same(told["rule"], str(users_file(WHO)))
        ends = {door["service"]: door["end"] for door in told["doors"]}
        same({name: ends[name] for name in ("sshd", "cron", "su", "su-l",
                                            "login")},
             dict.fromkeys(("sshd", "cron", "su", "su-l", "login"), "jail"))
        same(ends["systemd-user"], "refused")
        sshd()
        inside = told["inside"]["hostname"]
        same(ssh(WHO, "uname -n").stdout.strip(), inside)
        same(su(WHO, "uname -n").stdout.strip(), inside)
        sh(["usermod", "-s", "/bin/bash", WHO])
        told = json.loads(jailconf("explain", "--json", "--service", "su",
                                   WHO))
        same([door["end"] for door in told["doors"]], ["refused"])
        same(su(WHO, "true").returncode != 0, True)
        jailconf("add", WHO)


@case
def explain_says_why_an_account_is_not_jailed():
    has(jailconf("explain", PLAIN), f"^{PLAIN} .* is not jailed: there is no")
    has(jailconf("explain", "root"), "uid 0 is never jailed")
    same(json.loads(jailconf("explain", "--json", PLAIN))["jailed"], False)


@case
def reading_verbs_are_for_everybody():
    with jailed(WHO):
        text = su(PLAIN, f"{TOOL} check; {TOOL} explain {WHO}").stdout
        has(text, "^remark: what only root may read is not checked")
        has(text, f"^{WHO} .* is in jail shell")
    for words, status in ((f"add {PLAIN}", 1), (f"try {PLAIN}", 125)):
        done = su(PLAIN, f"{TOOL} {words}")
        same(done.returncode, status)
        has(done.stderr, "only root can do that$")


# --- try, exec, list, stop ---------------------------------------------------

@case
def try_enables_nothing():
    before = state()
    text = jailconf("try", WHO, "--", "sh", "-c",
                    "id -un; ls /home; uname -n")
    same(text.split(), [WHO, WHO, WHO])
    text = jailconf("try", "--network", "none", WHO, "--", "cat",
                    "/proc/net/dev")
    lacks(text, "eth")
    unchanged(before)
    eventually(lambda: not (RUN_DIR / str(uid_of(WHO))).exists(), "no jail")


@case
def a_trial_leaves_a_writable_tree_alone():
    tree = pathlib.Path("/srv/trial")
    # What programs need; not what to build more of them, nor what to read.
    sh(f"mkdir -p {tree}/srv; tar -C / -cf - --exclude=usr/share"
       " --exclude=usr/include --exclude='usr/lib/gcc*' --exclude=usr/libexec"
       f" --exclude='usr/lib/python*' usr | tar -C {tree} -xpf -;"
       f"ln -sfn usr/bin {tree}/bin; ln -sfn usr/lib {tree}/lib;"
       f"ln -sfn usr/lib64 {tree}/lib64")
    with jailed(WHO, "--root", str(tree)):
        with open(users_file(WHO), "a", encoding="utf-8") as file:
            file.write("writable = true;\n")
        text = jailconf("try", WHO, "--", "sh", "-c", "mkdir /tmp/x /x; id -un")
        has(text, "remark: the tree is read-only while it is tried")
        has(text, "Read-only file system")
        has(text, f"^{WHO}$")
    sh(f"rm -rf {tree}")


@case
def exec_and_try_end_as_the_command_does():
    with jailed(WHO):
        for verb in (("try",), ("exec", "--start")):
            for command, status in ((("true",), 0),
                                    (("sh", "-c", "exit 7"), 7),
                                    (("sh", "-c", "kill -TERM $$"), -15),
                                    (("nosuch-command",), 127),
                                    (("/etc/passwd",), 126)):
                jailconf(*verb, WHO, "--", *command, status=status)
    jailconf("exec", WHO, "--", "true", status=125)
    jailconf("try", "root", status=125)


@case
def root_is_told_the_cause_at_once():
    fd = os.open("/", os.O_RDONLY)
    with jailed(WHO):
        text = jailconf("exec", "--start", WHO, "--", "true", stdin=fd,
                        status=125)
    os.close(fd)
    has(text, f"{WHO}: .*descriptor")
    lacks(text, "login refused")


@case
def exec_passes_data_through():
    data = "line\n" * 20000
    with jailed(WHO):
        same(jailconf("exec", "--start", WHO, "--", "cat", stdin=None,
                      input=data) == data, True)


@case
def list_shows_each_jail_and_its_age():
    with jailed(WHO):
        jailconf("exec", "--start", WHO, "--", "true")
        row = [r for r in json.loads(jailconf("list", "--json"))
               if r["account"] == WHO][0]
        same((row["uid"], row["jail"], row["plan"]),
             (uid_of(WHO), "shell", "current"))
        has(pathlib.Path(f"/proc/{row['init']}/status").read_text(),
            r"^NSpid:\t\d+\t1$")
        jailconf("add", "--shell", "/bin/sh", WHO)
        has(jailconf("list"), rf"^{WHO} .*older plan$")
        jailconf("stop", WHO)
        lacks(jailconf("list"), f"^{WHO} ")
        same(os.path.exists(f"/proc/{row['init']}"), False)
        has(jailconf("stop", WHO), "^nothing to do")


@case
def the_jail_of_an_account_that_is_gone_has_its_uid():
    account("brief")
    with jailed("brief"):
        uid = uid_of("brief")
        with open(users_file("brief"), "a", encoding="utf-8") as file:
            file.write('linger = "forever";\n')
        jailconf("exec", "--start", "brief", "--", "true")
        line = sh(["getent", "passwd", "brief"])
        try:
            sh("sed -i '/^brief:/d' /etc/passwd")
            has(jailconf("list"), rf"\b{uid}\b")
            has(jailconf("stop", "brief", status=1), "no such user")
            has(jailconf("unjail", "brief"), "jailconf stop UID ends it")
            has(jailconf("stop", str(uid)), f"stopped what ran of {uid}")
            lacks(jailconf("list"), rf"\b{uid}\b")
            has(jailconf("stop", str(uid)), "^nothing to do")
        finally:
            pathlib.Path("/etc/passwd").open("a").write(line)


@case
def check_and_explain_try_what_a_login_would_do():
    """A group of a jail's is made, and goes away again."""
    with jailed(WHO):
        base = next(path for path in (CGROUP / "jail.slice/jail.service",
                                      CGROUP / "jail") if path.is_dir())
        eventually(lambda: not keepers(), "no jail is about to end")
        before = sorted(find_cgroups("."))
        lacks(jailconf("explain", WHO), "make cgroup")
        same(sorted(find_cgroups(".")), before)
        most = base / "cgroup.max.descendants"
        most.write_text("0\n")
        try:
            why = "make cgroup .*: Resource temporarily unavailable"
            has(jailconf("check", status=1), why)
            has(jailconf("explain", WHO, status=1), why)
            log = Logged()
            lacks(ssh(WHO, "echo in").stdout, "^in$")
            log.expect(f"refuse user={WHO} .*{why}")
        finally:
            most.write_text("max\n")
        same(ssh(WHO, "echo in").stdout, "in\n")


@case
def list_clears_away_what_a_killed_keeper_left():
    with jailed(WHO):
        jailconf("exec", "--start", WHO, "--", "true")
        directory = RUN_DIR / str(uid_of(WHO))
        same(directory.exists(), True)
        for pid in keepers():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        eventually(lambda: not keepers(), "the keepers are gone")
        # They are gone a moment before what they held is.
        eventually(lambda: not re.search(f"^{WHO} ", jailconf("list"), re.M) and
                   not directory.exists(), "nothing of them is left")


@case
def a_wrong_command_line_is_told_the_right_one():
    for words, usage in ((("add",), "usage: jailconf add .* USER$"),
                         (("add", "a", "b"), "usage: jailconf add .* USER$"),
                         (("list", "--force"),
                          r"usage: jailconf list \[--json\] \[USER\]$"),
                         (("check", "x"), "usage: jailconf check"),
                         (("jail", "x"), "no such verb: jail"),
                         ((), "usage: jailconf VERB")):
        has(jailconf(*words, status=2), usage)
    has(jailconf("--help"), "^  explain ")
    has(jailconf("--version"), r"^jailconf \d")


@case
def completion_knows_verbs_options_and_names():
    path = next(p for p in (
        "/usr/share/bash-completion/completions/jailconf",
        "/usr/local/share/bash-completion/completions/jailconf")
        if os.path.exists(p))
    script = f"""
. {path}
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_jailconf jailconf "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD-1]}}"
echo "${{COMPREPLY[*]}}"
"""
    def complete(*words):
        return sh(["bash", "-c", script, "bash", "jailconf", *words]).split()
    same(complete("un"), ["unsetup", "unjail"])
    same("shell" in complete("add", "--jail", ""), True)
    same(WHO in complete("add", WHO[0]), True)
    same(complete("add", "--network", ""), ["host", "none", "private"])
    same("--json" in complete("explain", "--"), True)


run()
