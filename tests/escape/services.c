/* SPDX-License-Identifier: ISC */
/*
 * A service of the host's that a jail may use: its directory is there inside,
 * for its socket and nothing else.
 */
#include "escape.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RACE_MS = 800 };

/* The directory, which must be there. */
static int
open_service(void)
{
	const char *const path = require_hint("service");
	const int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		not_here("no service: %s", strerror(errno));
	return dir;
}

/* Listens at NAME in it; whether that went. */
static bool
listen_at(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool bound;
	int error;

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s",
		       require_hint("service"), name);
	bound = sock >= 0 && bind(sock, (const struct sockaddr *)&address,
				  sizeof(address)) == 0;
	error = errno;
	(void)close(sock);
	errno = error;
	return bound;
}

static void
replace_socket(const char *name)
{
	const int dir = open_service();

	if (renameat(dir, name, dir, "away") == 0) {
		(void)renameat(dir, "away", dir, name);
		leaked("the socket can be moved");
	}
	if (listen_at("another"))
		leaked("another socket can be there");
	refused(name);
}

/* The daemon starts again and again: is the name ever free for others? */
static void
be_first(const char *name)
{
	struct timespec start, now;

	(void)close(open_service());
	(void)require_hint("accomplice");
	(void)clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		if (listen_at(name))
			escaped("listens where the service was");
		(void)clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - start.tv_sec) * 1000 +
			 (now.tv_nsec - start.tv_nsec) / 1000000 <
		 RACE_MS);
	refused("bind");
}

/* So that what a daemon's start leaves does not run here. */
static void
run_program(const char *name)
{
	const int dir = open_service();
	const pid_t child = fork();
	int status = 0;

	if (child == 0) {
		char *const argv[] = { (char[]){ "x" }, (char[]){ "--whoami" },
				       NULL };
		const int null = open("/dev/null", O_WRONLY);

		(void)dup2(null, 1);
		(void)fexecve(openat(dir, name, O_PATH | O_CLOEXEC), argv,
			      (char *[]){ NULL });
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		not_here("fork");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		leaked("a program of the service's ran");
	contained("it does not run");
}

static void
map_program(const char *name)
{
	const int fd = openat(open_service(), name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		refused(name);
	if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) !=
	    MAP_FAILED)
		leaked("code of the service's can be run");
	refused("mmap");
}

static void
open_device(const char *name)
{
	const int fd = openat(open_service(), name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		refused(name);
	leaked("opened the device %s", name);
}

static void
climb_out(const char *unused)
{
	char path[256] = "";
	const int dir = open_service();

	(void)unused;
	for (int i = 0; i < 16; i++) {
		(void)strcat(path, "../");
		if (faccessat(dir, path, F_OK, 0) == 0 &&
		    is_host_root(openat(dir, path, O_PATH | O_CLOEXEC)))
			escaped("the host's / is %s of a service", path);
	}
	contained(".. is the jail's");
}

/* A link that the daemon's account could have made there, to the outside. */
static void
follow_link(const char *name)
{
	const int dir = open_service();

	if (secret_at(dir, name))
		escaped("a link of the service's leads outside");
	refused(name);
}

const struct attempt service_attempts[] = {
	{ "svc.replace", "S29", replace_socket, "socket" },
	{ "svc.restart", "S29", be_first, "coming" },
	{ "svc.program", "S29", run_program, "program" },
	{ "svc.code", "S29", map_program, "program" },
	{ "svc.device", "S29", open_device, "null" },
	{ "svc.dotdot", "S29", climb_out, NULL },
	{ "svc.link", "S29", follow_link, "link" },
	{ .name = NULL },
};
