/* SPDX-License-Identifier: ISC */
/*
 * live - what "jailconf check --live" has found out, told as it comes
 */
#ifndef JAILCONF_LIVE_H
#define JAILCONF_LIVE_H

#include "jailconf/livehost.h"

#include <json-c/json.h>
#include <stdbool.h>

enum verdict { CONTAINED, ESCAPED, LEAK, NOT_HERE };
enum { VERDICTS = NOT_HERE + 1 };

/* What was asked for, and opens something. */
enum live_trait {
	LIVE_HOST_NETWORK = 1 << 0,
	LIVE_OWN_NETWORK = 1 << 1, /* and there is no second one */
	LIVE_NAMESPACES = 1 << 2,  /* of users, by the filter */
	LIVE_ROOT_INSIDE = 1 << 3,
};

struct live {
	const struct account *account;
	struct live_host host;
	struct json_object *list; /* NULL: lines are printed at once */
	unsigned int traits;	  /* the jail's, of enum live_trait */
	bool wrong;		  /* something has escaped, or leaks */
	size_t count[VERDICTS];
	size_t tried; /* attempts of the door that is being tried */
	/* What has been said of the planted things. */
	bool planted_unit, planted_forward, planted_environment, ran_cron,
		ran_unit;
};

/* "contained", "ESCAPED", "leak", "n/a". */
const char *verdict_name(enum verdict verdict) __attribute__((const));

/* Tells that NAME, tried by DOOR, ended in VERDICT. */
void live_tell(struct live *live, const char *door, const char *name,
	       enum verdict verdict, const char *detail)
	__attribute__((nonnull));

/* Takes a line of jail-escape's; others are ignored. */
void live_take(struct live *live, const char *door, const char *line)
	__attribute__((nonnull));

#endif
