/* SPDX-License-Identifier: ISC */
/*
 * arguments - what pam_jail(8) may be told in /etc/pam.d
 *
 * The module goes by them, and jailconf(8) judges them before anybody logs in.
 */
#ifndef POLICY_ARGUMENTS_H
#define POLICY_ARGUMENTS_H

#include "base/err.h"

#include <stdbool.h>

struct arguments {
	const char *conf_dir;  /* CONF_DIR if nothing is said */
	const char *exempt;    /* GROUP[,GROUP...], or NULL */
	bool deny_only_jailed; /* when the policy cannot be read */
};

/*
 * Reads the COUNT words behind the module's name; *args points into them.
 * Returns 0, or -1 with ERR_CONFIG.
 */
int arguments_read(int count, const char *const *words, struct arguments *args,
		   struct err *err)
	__attribute__((nonnull(3, 4), warn_unused_result));

#endif
