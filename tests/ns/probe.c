/* SPDX-License-Identifier: ISC */
/*
 * probe [OPTION...] VERB [ARG...] - what pam_jail.so and jailsh do with a
 * jail, after a plan made by hand
 *
 * The plan: the host's /usr, a little /etc, /dev, /proc, /tmp, and /mnt/home
 * for the home of the account, uid 61001, which nobody needs to know.
 *	-a KIND,FLAGS,MODE,TARGET,TEXT	one more entry
 *	-A				no abstract sockets of others
 *	-c COMMAND			one that jail-broker(8) runs
 *	-i UID				another account
 *	-F FILE				a filter, as filter(1) here makes it
 *	-e NAME=VALUE, -k PATTERN	environment: set, or let in
 *	-L RESOURCE=SOFT:HARD		a limit; RESOURCE is a number
 *	-l SECONDS -m SESSIONS		linger; most sessions
 *	-n, -N				no network, or a private one
 *	-P FIRST-LAST			the ports that may be bound
 *	-s BYTES			size of the jail's tmpfs
 *	-S SHELL -U UMASK
 *	-t TREE -u UPPER		the root's layers
 *	-R FIRST			root inside, with the ids from FIRST on
 *	-j				join only, do not start
 * What to do with it:
 *	take		nothing
 *	hold		say "taken" and stay until standard input ends
 *	stay		say "taken", wait for a line, enter as sshd's child
 *does, say "entered" and stay
 *	run COMMAND	let the keeper run it, and end like it
 *	shell ARGV0...	let the keeper run the account's shell
 *	enter COMMAND	enter as sshd's child does, and run it there
 *	guest COMMAND	run it on the host, as the account
 *	private COMMAND	run it in a jail that nobody else can join
 *	status, stop	ask the keeper
 */
#include "base/cleanup.h"
#include "jail/lease.h"
#include "jail/registry.h"
#include "jail/run.h"
#include "jail/userns.h"
#include "jail/wire.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { ALICE = 61001, ENTRIES_MAX = 100, STRINGS_MAX = 16 };

static const struct entry world[] = {
	{ ENTRY_BIND, ENTRY_READONLY, 0, "/usr", "/usr" },
	{ ENTRY_DIR, 0, 0755, "/etc", "" },
	{ ENTRY_FILE, 0, 0644, "/etc/passwd",
	  "root:x:0:0::/root:/bin/sh\n"
	  "alice:x:61001:61001::/home/alice:/bin/sh\n" },
	{ ENTRY_FILE, 0, 0644, "/etc/group", "root:x:0:\nalice:x:61001:\n" },
	{ ENTRY_SCRATCH, 0, 01777, "/tmp", "" },
	{ ENTRY_SCRATCH, 0, 01777, "/var/tmp", "" },
	{ ENTRY_SCRATCH, 0, 0755, "/run", "" },
	{ ENTRY_DIR, 0, 0755, RUN_DIR, "" },
	{ ENTRY_LINK, 0, 0, RUN_DIR "/shell", "/bin/sh" },
	{ ENTRY_DIR, ENTRY_OWNED, 0700, "/run/user/61001", "" },
	{ ENTRY_SCRATCH, ENTRY_DEVICES | ENTRY_READONLY | ENTRY_NOEXEC, 0755,
	  "/dev", "" },
	{ ENTRY_DEVICE, 0, 0666, "/dev/null", "1:3" },
	{ ENTRY_DEVICE, 0, 0666, "/dev/zero", "1:5" },
	{ ENTRY_DEVICE, 0, 0666, "/dev/tty", "5:0" },
	{ ENTRY_LINK, 0, 0, "/dev/ptmx", "pts/ptmx" },
	{ ENTRY_PTS, 0, 0, "/dev/pts", "" },
	{ ENTRY_SCRATCH, 0, 01777, "/dev/shm", "" },
	{ ENTRY_PROC, 0, 0, "/proc", "" },
	{ ENTRY_BIND, ENTRY_OWNED, 0, "/home/alice", "/mnt/home" },
};

/* A host without a merged /usr has directories where others have links. */
static const char *const system_places[] = { "/bin", "/lib", "/lib64",
					     "/sbin" };

struct options {
	struct plan plan;
	struct entry entries[ENTRIES_MAX];
	const char *env[STRINGS_MAX];
	const char *env_keep[STRINGS_MAX];
	const char *commands[STRINGS_MAX];
	struct sock_filter filter[BPF_MAXINSNS];
	gid_t groups[1];
	bool join_only;
};

static _Noreturn void
die(const struct err *err)
{
	(void)fprintf(stderr, "probe: %d: %s\n", (int)err->kind, err->text);
	_exit(1);
}

static _Noreturn void
usage(const char *what)
{
	(void)fprintf(stderr, "probe: what is %s?\n", what);
	_exit(2);
}

static void
add_entry(struct options *options, struct entry entry)
{
	if (options->plan.n_entries == ENTRIES_MAX)
		usage("too many entries");
	options->entries[options->plan.n_entries++] = entry;
}

static void
add_world(struct options *options)
{
	for (size_t i = 0; i < sizeof(world) / sizeof(world[0]); i++)
		add_entry(options, world[i]);
	for (size_t i = 0; i < sizeof(system_places) / sizeof(system_places[0]);
	     i++) {
		const char *const place = system_places[i];
		struct stat st = { .st_mode = 0 };

		if (lstat(place, &st) < 0 && errno == ENOENT)
			continue;
		if (st.st_mode == 0)
			usage(place);
		if (S_ISLNK(st.st_mode)) {
			char to[256] = "";

			if (readlink(place, to, sizeof(to) - 1) < 0)
				usage(place);
			add_entry(options, (struct entry){ ENTRY_LINK, 0, 0,
							   place, strdup(to) });
		} else {
			add_entry(options,
				  (struct entry){ ENTRY_BIND, ENTRY_READONLY, 0,
						  place, place });
		}
	}
}

static enum entry_kind
kind_named(const char *name)
{
	static const char *const names[] = {
		[ENTRY_DIR] = "dir",	   [ENTRY_FILE] = "file",
		[ENTRY_LINK] = "link",	   [ENTRY_DEVICE] = "device",
		[ENTRY_BIND] = "bind",	   [ENTRY_SCRATCH] = "scratch",
		[ENTRY_PROC] = "proc",	   [ENTRY_PTS] = "pts",
		[ENTRY_HIDE] = "hide",	   [ENTRY_FREEZE] = "freeze",
		[ENTRY_USERNS] = "userns",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], name) == 0)
			return (enum entry_kind)i;
	usage(name);
}

static void
add_told_entry(struct options *options, char *told)
{
	static const char letters[] = "roxdw"; /* as enum entry_flag */
	const char *const kind = strsep(&told, ",");
	const char *const flags = strsep(&told, ",");
	const char *const mode = strsep(&told, ",");
	const char *const target = strsep(&told, ",");
	struct entry entry = { .target = target, .text = told };

	if (told == NULL)
		usage(kind);
	entry.kind = kind_named(kind);
	for (const char *p = flags; *p != '\0'; p++)
		entry.flags |= 1U << (strchr(letters, *p) - letters);
	entry.mode = (mode_t)strtoul(mode, NULL, 8);
	add_entry(options, entry);
}

static void
set_limit(struct plan *plan, char *told)
{
	const unsigned long resource = strtoul(told, &told, 10);

	if (resource >= RLIM_NLIMITS || *told++ != '=')
		usage("limit");
	plan->limits[resource].set = true;
	plan->limits[resource].value.rlim_cur = strtoull(told, &told, 10);
	if (*told++ != ':')
		usage("limit");
	plan->limits[resource].value.rlim_max = strtoull(told, NULL, 10);
}

static void
read_filter(struct options *options, const char *path)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t n =
		fd < 0 ? -1
		       : read(fd, options->filter, sizeof(options->filter));

	if (n <= 0 || (size_t)n % sizeof(options->filter[0]) != 0)
		usage(path);
	options->plan.seccomp = "login";
	options->plan.filter = options->filter;
	options->plan.n_filter = (size_t)n / sizeof(options->filter[0]);
}

/* Where the way to root is nobody inside can change. */
static void
add_root_inside(struct options *options, const char *first)
{
	struct plan *const plan = &options->plan;

	plan->root_inside = true;
	plan->sub_uid = plan->sub_gid = (uid_t)strtoul(first, NULL, 10);
	for (size_t i = 0; i < plan->n_entries; i++) {
		struct entry *const entry = &options->entries[i];

		if (strcmp(entry->target, RUN_DIR) == 0)
			*entry = (struct entry){ ENTRY_SCRATCH, ENTRY_READONLY,
						 0755, RUN_DIR, "" };
		else if (strncmp(entry->target, RUN_DIR, strlen(RUN_DIR)) !=
				 0 &&
			 entry->kind != ENTRY_BIND &&
			 entry->kind <= ENTRY_SCRATCH)
			entry->flags |= ENTRY_OWNED;
	}
	add_entry(options,
		  (struct entry){ ENTRY_USERNS, 0, 0, USERNS_FILE, "" });
}

static void
read_option(struct options *options, int letter, char *value)
{
	struct plan *const plan = &options->plan;

	switch (letter) {
	case 'a':
		add_told_entry(options, value);
		break;
	case 'A':
		plan->abstract_of_session = true;
		break;
	case 'c':
		options->commands[plan->n_commands++ % STRINGS_MAX] = value;
		break;
	case 'e':
		options->env[plan->n_env++ % STRINGS_MAX] = value;
		break;
	case 'F':
		read_filter(options, value);
		break;
	case 'k':
		options->env_keep[plan->n_env_keep++ % STRINGS_MAX] = value;
		break;
	case 'L':
		set_limit(plan, value);
		break;
	case 'l':
		plan->linger_seconds = (int32_t)strtol(value, NULL, 10);
		break;
	case 'm':
		plan->sessions = (uint32_t)strtoul(value, NULL, 10);
		break;
	case 'n':
		plan->network = PLAN_NETWORK_NONE;
		break;
	case 'P':
		plan->ports.first = (uint16_t)strtoul(value, &value, 10);
		plan->ports.last = (uint16_t)strtoul(value + 1, NULL, 10);
		plan->ports.need = PLAN_NEED_REQUIRED;
		break;
	case 'N':
		plan->network = PLAN_NETWORK_PRIVATE;
		plan->private = (struct plan_private){
			.interface = "jail0a4d0002",
			.address = "10.77.0.2",
			.gateway = "10.77.0.1",
			.rules = "# jail0a4d0002",
			.end = "# jail0a4d0002",
		};
		break;
	case 's':
		plan->scratch_bytes = strtoull(value, NULL, 10);
		break;
	case 'S':
		plan->shell = value;
		break;
	case 'U':
		plan->umask = (int32_t)strtoul(value, NULL, 8);
		break;
	case 'R':
		add_root_inside(options, value);
		break;
	case 't':
		plan->tree = value;
		break;
	case 'u':
		plan->upper = value;
		break;
	case 'i':
		plan->uid = (uid_t)strtoul(value, NULL, 10);
		break;
	case 'j':
		options->join_only = true;
		break;
	default:
		_exit(2);
	}
}

static void
read_options(struct options *options, int argc, char **argv)
{
	int letter;

	options->groups[0] = ALICE;
	options->plan = (struct plan){
		.account = "alice",
		.uid = ALICE,
		.gid = ALICE,
		.groups = options->groups,
		.n_groups = 1,
		.jail = "probe",
		.name = "alice",
		.home = "/home/alice",
		.shell = "/bin/sh",
		.hostname = "jail",
		.entries = options->entries,
		.scratch_bytes = 16 << 20,
		.scratch_files = 2000,
		.terminals = 16,
		.network = PLAN_NETWORK_HOST,
		.seccomp = "none",
		.env = options->env,
		.env_keep = options->env_keep,
		.commands = options->commands,
		.umask = 022,
		.sessions = 100,
	};
	add_world(options);
	while ((letter = getopt(argc, argv,
				"+Aa:c:e:F:i:jk:L:l:m:nNP:R:s:S:t:u:U:")) >= 0)
		read_option(options, letter, optarg);
}

static void
say(const char *word)
{
	(void)puts(word);
	(void)fflush(stdout);
}

/* As pam_jail.so in sshd's child. */
static int
go_in(const struct lease *lease, struct jail_inside *inside, struct err *err)
{
	cleanup_fd int self = pidfd_open(getpid(), 0);
	struct wire_msg entered = { .kind = WIRE_ENTERED };

	if (self < 0)
		return err_errno(err, "pidfd_open");
	if (wire_send(lease->sock, &entered, &self, 1, err) < 0)
		return -1;
	return jail_enter(&lease->jail, inside, err);
}

/* As sshd's child that has nothing to run: ssh -N. */
static void
stay(const struct lease *lease, struct err *err)
{
	struct jail_inside inside;
	char byte;

	say("taken");
	if (read(STDIN_FILENO, &byte, 1) != 1 ||
	    go_in(lease, &inside, err) < 0 || jail_become(&inside, err) < 0)
		return;
	say("entered");
	(void)pause();
}

/* As pam_jail.so in sshd's child, and sshd after it. */
static void
enter(const struct lease *lease, char **argv, struct err *err)
{
	struct jail_inside inside;
	pid_t child;
	int status;

	if (go_in(lease, &inside, err) < 0)
		return;
	child = fork(); /* the pid namespace is for children */
	if (child < 0) {
		(void)err_errno(err, "fork");
		return;
	}
	if (child > 0) {
		while (waitpid(child, &status, 0) < 0)
			if (errno != EINTR)
				_exit(1);
		run_end_like(status);
	}
	if (jail_become(&inside, err) < 0 ||
	    close_range(STDERR_FILENO + 1, ~0U, 0) < 0)
		return;
	(void)umask((mode_t)inside.plan->umask);
	(void)execv(argv[0], argv);
	(void)err_errno(err, "%s", argv[0]);
}

/* As su(1): the account's shell outside, while we hold the jail. */
static void
be_host(char **argv, struct err *err)
{
	const pid_t child = fork();
	int status;

	if (child < 0) {
		(void)err_errno(err, "fork");
		return;
	}
	if (child > 0) {
		while (waitpid(child, &status, 0) < 0)
			if (errno != EINTR)
				_exit(1);
		run_end_like(status);
	}
	if (setgroups(0, NULL) == 0 && setresgid(ALICE, ALICE, ALICE) == 0 &&
	    setresuid(ALICE, ALICE, ALICE) == 0)
		(void)execv(argv[0], argv);
	(void)err_errno(err, "%s", argv[0]);
}

static void
run(int sock, char **argv, bool command, struct err *err)
{
	struct run_request request = {
		.argv = (const char **)(uintptr_t)argv,
		.env = (const char **)(uintptr_t)environ,
		.cwd = "",
		.command = command,
	};
	int status;

	while (argv[request.argc] != NULL)
		request.argc++;
	while (environ[request.n_env] != NULL)
		request.n_env++;
	if (sock >= 0 && run_session(sock, &request, &status, err) == 0)
		run_end_like(status);
}

static void
ask(const struct plan *plan, enum wire_kind kind, struct err *err)
{
	const uid_t uid = plan->uid;
	const char *const jail = plan->jail;
	cleanup_fd int sock = registry_connect(uid, jail, err);
	cleanup_wire_fds struct wire_fds fds = WIRE_FDS_NONE;
	struct wire_msg msg = { .kind = kind };

	if (sock < 0 || wire_send(sock, &msg, NULL, 0, err) < 0)
		return;
	if (wire_recv(sock, &msg, &fds, err) < 0) {
		if (kind == WIRE_STOP && err->kind == ERR_GONE)
			_exit(0);
		return;
	}
	if (msg.kind == WIRE_REFUSE) {
		(void)err_set(err, ERR_REFUSED, "%s", msg.text);
		return;
	}
	(void)printf("sessions %u init %d\n", msg.sessions, msg.init_pid);
	_exit(fflush(stdout));
}

static void
use(struct lease *lease, const char *verb, char **argv, struct err *err)
{
	const uid_t uid = lease->jail.plan.uid;
	const char *const jail = lease->jail.plan.jail;
	char byte;

	if (strcmp(verb, "take") == 0)
		_exit(0);
	if (strcmp(verb, "hold") == 0) {
		say("taken");
		while (read(STDIN_FILENO, &byte, 1) > 0)
			continue;
		_exit(0);
	}
	if (strcmp(verb, "stay") == 0) {
		stay(lease, err);
		return;
	}
	if (argv[0] == NULL)
		usage("no command");
	if (strcmp(verb, "enter") == 0)
		enter(lease, argv, err);
	else if (strcmp(verb, "guest") == 0)
		be_host(argv, err);
	else if (strcmp(verb, "run") == 0)
		run(registry_connect(uid, jail, err), argv, true, err);
	else if (strcmp(verb, "shell") == 0)
		run(registry_connect(uid, jail, err), argv, false, err);
	else if (strcmp(verb, "private") == 0)
		run(lease->sock, argv, true, err);
	else
		usage(verb);
}

/* As sshd(8) is started: make(1) leaves two signals ignored that the C library
 * keeps for itself. */
static void
reset_signals(void)
{
	const uint64_t by_default[4] = { 0 };

	for (int sig = 1; sig < NSIG; sig++)
		if (syscall(SYS_rt_sigaction, sig, by_default, NULL, NSIG / 8) <
			    0 &&
		    sig != SIGKILL && sig != SIGSTOP)
			_exit(1);
}

int
main(int argc, char **argv)
{
	struct options options = { .join_only = false };
	struct lease lease = LEASE_NONE;
	struct err err = { .text = "" };
	const char *verb;
	int ret;

	reset_signals();
	if (run_check_stdio(&err) < 0)
		die(&err);
	read_options(&options, argc, argv);
	if (optind >= argc)
		usage("no verb");
	verb = argv[optind];
	if (strcmp(verb, "status") == 0)
		ask(&options.plan, WIRE_STATUS, &err);
	else if (strcmp(verb, "stop") == 0)
		ask(&options.plan, WIRE_STOP, &err);
	if (err.kind != ERR_NONE)
		die(&err);
	if (strcmp(verb, "private") == 0)
		ret = lease_private(&options.plan, &lease, &err);
	else if (options.join_only)
		ret = lease_join(options.plan.uid, options.plan.jail, &lease,
				 &err);
	else
		ret = lease_take(&options.plan, &lease, &err);
	if (ret == 0)
		use(&lease, verb, argv + optind + 1, &err);
	die(&err);
}
