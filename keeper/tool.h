/* SPDX-License-Identifier: ISC */
/*
 * tool - runs one of the host's programs that change its network
 *
 * What it is to do it reads from its standard input; nothing of it is on a
 * command line, in a file or in the environment, which is empty.
 */
#ifndef KEEPER_TOOL_H
#define KEEPER_TOOL_H

#include "base/err.h"

#include <stdbool.h>

struct tool {
	const char *path;
	const char *options[2]; /* what makes it read standard input */
	const char *package;
	/* In its process, before it is run; NULL: nothing.  As any function
	 * that can fail. */
	int (*prepare)(const void *arg, struct err *err);
	const void *arg;
};

/*
 * Runs the program, with INPUT, and waits for it.  Returns 0, or -1 and an
 * ERR_SYSTEM that has the first line of what it said.
 */
int tool_run(const struct tool *tool, const char *input, struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
