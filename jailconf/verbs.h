/* SPDX-License-Identifier: ISC */
/*
 * verbs - what jailconf(8) can do; one function each, in cmd_*.c
 */
#ifndef JAILCONF_VERBS_H
#define JAILCONF_VERBS_H

#include "jailconf/userfile.h"

#include <stdbool.h>

/* Exit status; see jailconf(8). */
enum {
	STATUS_FINE = 0,
	STATUS_PROBLEM = 1,
	STATUS_USAGE = 2,
	/* "exec" and "try" pass on the command's own; these are env(1)'s */
	STATUS_NOT_RUN = 125,
};

/* The command line, taken apart. */
struct call {
	const char *user; /* the operand, or of --live; else NULL */
	char **command;	  /* NULL-terminated; empty if none was given */
	bool json;
	bool force;
	bool start;
	bool stop;
	const char *service;
	const char *address;
	const char *key;
	struct userfile_keys keys; /* --jail, --shell, --root, --network */
};

int cmd_setup(const struct call *call) __attribute__((nonnull));
int cmd_unsetup(const struct call *call) __attribute__((nonnull));
int cmd_add(const struct call *call) __attribute__((nonnull));
int cmd_unjail(const struct call *call) __attribute__((nonnull));
int cmd_check(const struct call *call) __attribute__((nonnull));
/* "check --live": the same exit status. */
int check_live(const struct call *call) __attribute__((nonnull));
int cmd_explain(const struct call *call) __attribute__((nonnull));
int cmd_list(const struct call *call) __attribute__((nonnull));
int cmd_log(const struct call *call) __attribute__((nonnull));
int cmd_try(const struct call *call) __attribute__((nonnull));
int cmd_exec(const struct call *call) __attribute__((nonnull));
int cmd_quota(const struct call *call) __attribute__((nonnull));
int cmd_stop(const struct call *call) __attribute__((nonnull));

#endif
