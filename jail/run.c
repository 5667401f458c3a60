/* SPDX-License-Identifier: ISC */
#include "jail/run.h"

#include "base/cleanup.h"
#include "jail/pack.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RUN_MAGIC = 0x72756e32 }; /* changes with run_request_seal() */

#define LOGIN_PATH "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"
/* Without sbin, dpkg(1) does nothing. */
#define ROOT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

const char *
run_path(const struct plan *plan)
{
	return plan->root_inside ? ROOT_PATH : LOGIN_PATH;
}

mode_t
run_umask(void)
{
	const mode_t mask = umask(0);

	(void)umask(mask);
	return mask;
}

int
run_request_seal(const struct run_request *request, struct err *err)
{
	struct pack pack = PACK_EMPTY;

	pack_number(&pack, RUN_MAGIC);
	pack_texts(&pack, request->argv, request->argc);
	pack_texts(&pack, request->env, request->n_env);
	pack_text(&pack, request->cwd);
	pack_number(&pack, request->command);
	pack_number(&pack, request->umask);
	return pack_seal(&pack, "jail-run", err);
}

int
run_request_open(int fd, struct run_request *request, struct err *err)
{
	struct unpack unpack;

	*request = (struct run_request){ .argc = 0 };
	if (unpack_open(fd, &request->arena, &unpack, err) < 0)
		return err_context(err, "request");
	unpack.failed |= unpack_number(&unpack) != RUN_MAGIC;
	request->argv = unpack_texts(&unpack, &request->argc);
	request->env = unpack_texts(&unpack, &request->n_env);
	request->cwd = unpack_text(&unpack);
	request->command = unpack_number_to(&unpack, 1) == 1;
	request->umask = (mode_t)unpack_number_to(&unpack, 0777);
	if (!unpack_done(&unpack) || request->argc < 1) {
		run_request_free(request);
		return err_set(err, ERR_UNSAFE, "request: damaged");
	}
	return 0;
}

void
run_request_free(struct run_request *request)
{
	arena_free(&request->arena);
	*request = (struct run_request){ .argc = 0 };
}

/* Whether NAME=value may come along: the plan's list has patterns. */
static bool
may_keep(const struct plan *plan, const char *variable)
{
	const size_t len = strcspn(variable, "=");
	char name[256];

	if (variable[len] != '=' || len == 0 || len >= sizeof(name))
		return false;
	memcpy(name, variable, len);
	name[len] = '\0';
	for (size_t i = 0; i < plan->n_env_keep; i++)
		if (fnmatch(plan->env_keep[i], name, 0) == 0)
			return true;
	return false;
}

static int
set_variable(const char *name, const char *value, struct err *err)
{
	if (setenv(name, value, 1) < 0)
		return err_errno(err, "environment");
	return 0;
}

static int
set_environment(const struct run_request *request, const struct plan *plan,
		struct err *err)
{
	char runtime[48];

	(void)snprintf(runtime, sizeof(runtime), "/run/user/%u",
		       plan_uid_inside(plan));
	(void)clearenv();
	for (size_t i = 0; i < request->n_env; i++)
		if (may_keep(plan, request->env[i]) &&
		    putenv((char *)(uintptr_t)request->env[i]) != 0)
			return err_errno(err, "environment");
	if (set_variable("HOME", plan->home, err) < 0 ||
	    set_variable("USER", plan->name, err) < 0 ||
	    set_variable("LOGNAME", plan->name, err) < 0 ||
	    set_variable("SHELL", plan->shell, err) < 0 ||
	    set_variable("PATH", run_path(plan), err) < 0 ||
	    set_variable("XDG_RUNTIME_DIR", runtime, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->n_env; i++)
		if (putenv((char *)(uintptr_t)plan->env[i]) != 0)
			return err_errno(err, "environment");
	return 0;
}

int
run_rename_shell(const char *shell, char **argv, struct err *err)
{
	const char *const slash = strrchr(shell, '/');
	const char *const name = slash != NULL ? slash + 1 : shell;
	char *renamed = NULL;

	if (asprintf(&renamed, "%s%s", argv[0][0] == '-' ? "-" : "", name) < 0)
		return err_errno(err, "memory");
	argv[0] = renamed;
	return 0;
}

void
run_exec(const struct run_request *request, const struct plan *plan,
	 struct err *err)
{
	/* execv(3) promises not to change what it is too old to call const. */
	char **const argv = (char **)(uintptr_t)request->argv;

	if (set_environment(request, plan, err) < 0)
		return;
	(void)umask(plan->umask == PLAN_UMASK_HOST ? request->umask
						   : (mode_t)plan->umask);
	if ((request->cwd[0] == '\0' || chdir(request->cwd) < 0) &&
	    chdir(plan->home) < 0 && chdir("/") < 0) {
		(void)err_errno(err, "%s", plan->home);
		return;
	}
	if (request->command) {
		(void)execvp(argv[0], argv);
		(void)err_errno(err, "%s", argv[0]);
		return;
	}
	if (run_rename_shell(plan->shell, argv, err) < 0)
		return;
	(void)execv(plan->shell, argv);
	(void)err_errno(err, "%s", plan->shell);
}
