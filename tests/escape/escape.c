/* SPDX-License-Identifier: ISC */
/*
 * escape [-l] [-C DIR] [-o PREFIX]... [-x PREFIX]... [KEY=VALUE]... - try to
 *get out of here
 *
 * Tries everything in the tables and prints a line each,
 *	NAME contained|ESCAPED|leak|n/a DETAIL
 * and at the end how many there were of each.  Exit status 1 if there was an
 * ESCAPED, else 0.  DIR is where it may write, by default where it is; -o:
 * only names that begin with PREFIX; -x: not those; -l: list the names and the
 *promises that they are about.
 *
 * KEY=VALUE tells what was planted on the host; without, less can be proved:
 *	nonce	every planted secret is "secret-of-host-" and this
 *	secret	path of a file on the host with one
 *	throwaway	what is made here may stay
 *	own_system	the system here is the account's to change
 * and others, see planted.py.
 *
 *	escape --victim SECRET	a process of the host's, to be reached
 *	escape --whoami		who this is, for set-uid copies
 *	escape --plant NONCE	and so on: see probes.c
 */
#include "escape.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum verdict { NONE, CONTAINED, ESCAPED, LEAK, NOT_HERE, VERDICTS };

static const char *const words[VERDICTS] = { "?", "contained", "ESCAPED",
					     "leak", "n/a" };

enum { SECONDS = 20, HINTS_MAX = 64, PREFIXES_MAX = 16 };

/* Shared with the process of the attempt. */
static struct report {
	enum verdict verdict;
	char detail[256];
} * report;

static const char *hints[HINTS_MAX];
int start_dir = -1;

static _Noreturn __attribute__((format(printf, 2, 0))) void
conclude(enum verdict verdict, const char *format, va_list args)
{
	(void)vsnprintf(report->detail, sizeof(report->detail), format, args);
	report->verdict = verdict;
	_exit(0);
}

#define VERDICT(function, verdict)                                             \
	void function(const char *format, ...)                                 \
	{                                                                      \
		va_list args;                                                  \
                                                                               \
		va_start(args, format);                                        \
		conclude(verdict, format, args);                               \
	}

VERDICT(contained, CONTAINED)
VERDICT(escaped, ESCAPED)
VERDICT(leaked, LEAK)
VERDICT(not_here, NOT_HERE)

void
refused(const char *what)
{
	contained("%s: %s", what, strerror(errno));
}

const char *
hint(const char *key)
{
	const size_t len = strlen(key);

	for (size_t i = 0; hints[i] != NULL; i++)
		if (strncmp(hints[i], key, len) == 0 && hints[i][len] == '=')
			return hints[i] + len + 1;
	return NULL;
}

const char *
require_hint(const char *key)
{
	const char *const value = hint(key);

	if (value == NULL)
		not_here("not told: %s", key);
	return value;
}

long
require_number(const char *key)
{
	return strtol(require_hint(key), NULL, 10);
}

bool
has_secret(const char *text, size_t size)
{
	char secret[80];

	(void)snprintf(secret, sizeof(secret), "secret-of-host-%s",
		       require_hint("nonce"));
	return memmem(text, size, secret, strlen(secret)) != NULL;
}

bool
secret_in(int fd)
{
	char text[4096];
	const ssize_t n = pread(fd, text, sizeof(text), 0);

	return n > 0 && has_secret(text, (size_t)n);
}

bool
secret_at(int dir, const char *path)
{
	const int fd = openat(dir, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool found;

	if (fd < 0)
		return false;
	found = secret_in(fd);
	close(fd);
	return found;
}

bool
is_host_root(int dir)
{
	return secret_at(dir, require_hint("secret") + 1);
}

bool
climbs_to_host(void)
{
	for (int i = 0; i < 64; i++) {
		if (is_host_root(AT_FDCWD))
			return true;
		if (chdir("..") < 0)
			break;
	}
	return false;
}

long
root_of_here(void)
{
	char map[256];
	long inside = -1, outside = -1;

	if (read_text("/proc/self/uid_map", map, sizeof(map)) == NULL ||
	    sscanf(map, "%ld %ld", &inside, &outside) != 2 || inside != 0)
		return -1;
	return outside;
}

bool
shares(const char *name)
{
	char path[64], target[64];
	const char *const host = require_hint(name);
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		not_here("no %s", path);
	target[n] = '\0';
	return strstr(target, host) != NULL;
}

const char *
read_text(const char *path, char *buffer, size_t size)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return NULL;
	n = read(fd, buffer, size - 1);
	close(fd);
	if (n < 0)
		return NULL;
	buffer[n] = '\0';
	return buffer;
}

bool
write_back(const char *path)
{
	char text[4096];
	bool written;
	int fd;

	if (read_text(path, text, sizeof(text)) == NULL)
		return false;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return written;
}

const char *
make_place(const char *name)
{
	if (mkdir(name, 0700) < 0 && errno != EEXIST)
		not_here("mkdir %s: %s", name, strerror(errno));
	return name;
}

/* --- running them -------------------------------------------------------- */

static _Noreturn void
run_attempt(const struct attempt *attempt)
{
	(void)setpgid(0, 0);
	if (fchdir(start_dir) < 0)
		not_here("no working directory");
	attempt->try(attempt->arg);
	contained("%s", "");
}

/* A process that was made by CLONE_PARENT or left behind goes as well. */
static void
sweep(pid_t child)
{
	(void)kill(-child, SIGKILL);
	(void)kill(child, SIGKILL);
}

static void
wait_for(pid_t child)
{
	int status = 0;

	for (int i = 0; i < SECONDS * 100; i++) {
		if (waitpid(child, &status, WNOHANG) == child) {
			if (WIFSIGNALED(status) && report->verdict == NONE) {
				report->verdict = CONTAINED;
				(void)snprintf(report->detail,
					       sizeof(report->detail),
					       "killed by signal %d",
					       WTERMSIG(status));
			}
			sweep(child);
			return;
		}
		(void)poll(NULL, 0, i < 50 ? 1 : 10);
	}
	sweep(child);
	(void)waitpid(child, &status, 0);
}

static enum verdict
judge(const struct attempt *attempt)
{
	pid_t child;

	*report = (struct report){ .verdict = NONE };
	child = fork();
	if (child == 0)
		run_attempt(attempt);
	if (child > 0)
		wait_for(child);
	if (report->verdict == NONE) {
		report->verdict = NOT_HERE;
		(void)snprintf(report->detail, sizeof(report->detail),
			       child < 0 ? "cannot fork" : "took too long");
	}
	(void)printf("%s %s %s\n", attempt->name, words[report->verdict],
		     report->detail);
	(void)fflush(stdout);
	return report->verdict;
}

static const struct attempt *const tables[] = {
	right_attempts,	  file_attempts,    namespace_attempts,
	process_attempts, kernel_attempts,  channel_attempts,
	port_attempts,	  network_attempts, service_attempts,
	broker_attempts,  keeper_attempts,  root_attempts,
	share_attempts,
};

static bool
begins(const char *name, const char *const *prefixes)
{
	for (; *prefixes != NULL; prefixes++)
		if (strncmp(name, *prefixes, strlen(*prefixes)) == 0)
			return true;
	return false;
}

static int
run_all(const char *const *only, const char *const * not )
{
	int count[VERDICTS] = { 0 };

	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const struct attempt *a = tables[t]; a->name != NULL; a++)
			if ((only[0] == NULL || begins(a->name, only)) &&
			    !begins(a->name, not ))
				count[judge(a)]++;
	(void)printf("= %d contained, %d ESCAPED, %d leak, %d n/a\n",
		     count[CONTAINED], count[ESCAPED], count[LEAK],
		     count[NOT_HERE]);
	return count[ESCAPED] > 0;
}

static int
list_all(void)
{
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const struct attempt *a = tables[t]; a->name != NULL; a++)
			(void)printf("%s %s\n", a->name, a->promise);
	return 0;
}

/* --- its other roles ----------------------------------------------------- */

/* Holds a secret in memory and behind descriptor 3; says where. */
static int
be_victim(const char *secret)
{
	const int fd = memfd_create("secret", 0);
	char *const copy = strdup(secret);

	if (copy == NULL || fd < 0 || (fd != 3 && dup2(fd, 3) < 0) ||
	    write(3, secret, strlen(secret)) < 0)
		return 1;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)printf("%d %lu %zu\n", getpid(), (unsigned long)copy,
		     strlen(copy));
	(void)fflush(stdout);
	for (;;)
		(void)pause();
}

static int
say_who(void)
{
	char text[4096];
	const char *caps = "?";

	if (read_text("/proc/self/status", text, sizeof(text)) != NULL) {
		caps = strstr(text, "CapEff:");
		caps = caps == NULL ? "?" : caps + strlen("CapEff:\t");
	}
	(void)printf("%u %u %.16s\n", geteuid(), getegid(), caps);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *only[PREFIXES_MAX + 1] = { NULL };
	const char * not [PREFIXES_MAX + 1] = { NULL };
	size_t n_only = 0, n_not = 0, n_hints = 0;
	const char *home = ".";
	bool list = false;

	if (argc == 3 && strcmp(argv[1], "--victim") == 0)
		return be_victim(argv[2]);
	if (argc == 2 && strcmp(argv[1], "--whoami") == 0)
		return say_who();
	if (argc == 3 && strcmp(argv[1], "--plant") == 0)
		return plant(argv[2]);
	if (argc == 3 && strcmp(argv[1], "--unplant") == 0)
		return unplant(argv[2]);
	if (argc == 4 && strcmp(argv[1], "--where") == 0)
		return tell_where(argv[2], argv[3]);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-l") == 0)
			list = true;
		else if (strcmp(argv[i], "-C") == 0 && i + 1 < argc)
			home = argv[++i];
		else if (strcmp(argv[i], "-o") == 0 && i + 1 < argc &&
			 n_only < PREFIXES_MAX)
			only[n_only++] = argv[++i];
		else if (strcmp(argv[i], "-x") == 0 && i + 1 < argc &&
			 n_not < PREFIXES_MAX)
			not [n_not++] = argv[++i];
		else if (strchr(argv[i], '=') != NULL &&
			 n_hints + 1 < HINTS_MAX)
			hints[n_hints++] = argv[i];
		else
			return 2;
	}
	if (list)
		return list_all();
	start_dir = open(home, O_PATH | O_DIRECTORY | O_CLOEXEC);
	report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (start_dir < 0 || report == MAP_FAILED)
		return 2;
	return run_all(only, not );
}
