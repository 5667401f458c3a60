/* SPDX-License-Identifier: ISC */
/*
 * init - PID 1 of a jail: builds the root, gives everything up, reaps
 */
#ifndef KEEPER_INIT_H
#define KEEPER_INIT_H

#include "jail/root.h"

/* What PID 1 tells the keeper, once, over a socketpair. */
struct init_report {
	bool ready;
	uint64_t root_dev, root_ino; /* if ready: of "/" */
	struct err err;		     /* if not: why */
};

/*
 * The life of PID 1 in its new namespaces.  COMMANDS is the socket of
 * keeper/commands.h.  Reports over the socket REPORT,
 * and goes with the keeper, whatever ends that.
 */
_Noreturn void init_main(const struct plan *plan, struct root_trees *trees,
			 int commands, int report) __attribute__((nonnull));

#endif
