/* SPDX-License-Identifier: ISC */
/*
 * run - a session inside that somebody outside has asked for
 *
 * jailsh(8) outside, and "jailconf exec" and "try", ask the keeper to run a
 * command inside and then stand between its terminal and theirs.  The outer
 * terminal never enters the jail: the session has a pty of the jail, whose
 * master comes out.
 *
 * The request (arguments, environment, working directory) is written by the
 * user and read by the session's process when that is the user already.
 */
#ifndef JAIL_RUN_H
#define JAIL_RUN_H

#include "jail/plan.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What to run.  All of it is the user's word. */
struct run_request {
	struct arena arena; /* everything below lives in it */
	const char **argv;  /* NULL-terminated; argv[0] as for the shell:
			     * "-" in front means a login shell */
	size_t argc;
	const char **env; /* "NAME=value" */
	size_t n_env;
	const char *cwd; /* "" for the home directory */
	mode_t umask;	 /* if the plan has none */
	bool command;	 /* argv is a program to find in PATH, not
			  * arguments for the account's shell */
};

/* The calling process's umask, for a request. */
mode_t run_umask(void);

/* What PATH is in a session before anybody sets it. */
const char *run_path(const struct plan *plan) __attribute__((nonnull, pure));

/* As plan_seal() and plan_open(). */
int run_request_seal(const struct run_request *request, struct err *err)
	__attribute__((nonnull, warn_unused_result));
int run_request_open(int fd, struct run_request *request, struct err *err)
	__attribute__((nonnull, warn_unused_result));
void run_request_free(struct run_request *request) __attribute__((nonnull));

/*
 * Becomes what REQUEST asks for: PLAN's shell with those arguments, or that
 * command.  The environment is made new: what every login has, what the plan
 * sets, and of the request's only what the plan lets in.  To be called when
 * the process is the account already.
 * Returns only on failure, with ERR_SYSTEM (errnum ENOENT: not found).
 */
void run_exec(const struct run_request *request, const struct plan *plan,
	      struct err *err) __attribute__((nonnull));

/*
 * Gives argv[0] the name that a shell wants to be called by: that of the
 * file SHELL, with a "-" in front if argv[0] had one.  The name lives until
 * the process ends or executes something.  Returns 0, or -1 and an
 * ERR_SYSTEM.
 */
int run_rename_shell(const char *shell, char **argv, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Whether 0, 1 and 2 are open, to be asked before anything else is opened:
 * else that would be passed on as somebody's standard input.  Returns 0, or
 * -1 and an ERR_SYSTEM.
 */
int run_check_stdio(struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Asks the keeper at the other end of SOCK to run REQUEST and stays with it
 * until it ends: terminal bytes, window size, signals, stop and continue.
 * SOCK stays the caller's.
 * Returns 0 and in *status how it ended, as from wait(2); or -1 with
 * ERR_REFUSED, ERR_GONE (the jail ended), ERR_SYSTEM, ERR_UNSAFE.
 */
int run_session(int sock, const struct run_request *request, int *status,
		struct err *err) __attribute__((nonnull, warn_unused_result));

/*
 * Ends this process the way the session ended: the same exit status, or
 * death by the same signal (without another core file).
 */
_Noreturn void run_end_like(int status);

#endif
