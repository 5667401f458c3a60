/* SPDX-License-Identifier: ISC */
/*
 * liverun - programs that "check --live" runs: with a time limit, line by
 * line, and ended when the administrator wants to end
 *
 * As hostrun.h: absolute paths, no shell, a fixed environment.  While one
 * runs, its caller holds SIGINT, SIGTERM and the like back (live_signals()), so
 * that whatever is planted is taken away before they are acted on.
 */
#ifndef JAILCONF_LIVERUN_H
#define JAILCONF_LIVERUN_H

#include "base/err.h"

#include <signal.h>
#include <stdbool.h>

/* The signals that end us. */
void live_signals(sigset_t *set) __attribute__((nonnull));

/* Whether one of them waits. */
bool live_interrupted(void);

/* Waits for SECONDS, or until interrupted. */
void live_pause(int seconds);

/* Who is told of each line of output, without its newline. */
struct live_listener {
	void (*line)(void *arg, const char *line);
	void *arg;
};

struct live_program {
	const char *const *argv;
	int input;	/* its standard input; -1: /dev/null */
	int seconds;	/* most time */
	bool complains; /* its standard error is ours; else /dev/null */
	bool stubborn;	/* runs even when interrupted: it takes things away */
};

/*
 * Runs PROGRAM.  Returns its exit status, 128 and more if a signal ended it,
 * or -1 with
 *	ERR_SYSTEM	it cannot be run
 *	ERR_REFUSED	it took too long, or we were interrupted: it was killed
 */
int live_run(const struct live_program *program,
	     const struct live_listener *listener, struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
