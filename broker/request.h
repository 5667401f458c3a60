/* SPDX-License-Identifier: ISC */
/*
 * request - one command, for one process inside
 */
#ifndef BROKER_REQUEST_H
#define BROKER_REQUEST_H

#include "jail/plan.h"

#include <sys/stat.h>

struct request {
	const struct plan *plan;
	const struct stat *inside; /* of the jail's pid namespace */
	int sock;		   /* to who asks */
	int keeper;		   /* something comes when the jail ends */
	int log;		   /* base/log.h */
};

/*
 * The life of the process that serves it; root when it starts.
 */
_Noreturn void request_main(const struct request *request)
	__attribute__((nonnull));

#endif
