/* SPDX-License-Identifier: ISC */
/*
 * hits - a jail's limits are hit: told in the log, and to the account
 */
#ifndef KEEPER_HITS_H
#define KEEPER_HITS_H

#include "jail/cgroup.h"
#include "jail/quota.h"

#include <poll.h>

enum { HITS_POLLS = 3 };

struct hits {
	struct share_events events;
	struct share_hits seen;	  /* when they were read last */
	struct share_hits logged; /* of those, what the log has */
	struct share_hits told;	  /* and what the account was told */
	/* The quota is full or not: told at the begin of every session, and at
	 * the end of one in which it became so. */
	struct quota_full disk, disk_logged, disk_told;
	bool disk_held; /* the file systems hold it: else it is not looked at */
	int64_t next_line_ms;	   /* no line in the log before this */
	int64_t next_disk_line_ms; /* of the quota */
};

#define HITS_NONE ((struct hits){ .events = SHARE_EVENTS_NONE })

/* Watches the jail's cgroup, if it has one, and its reseller's. */
void hits_open(const struct cgroup *cgroup, struct hits *hits)
	__attribute__((nonnull));

/* Fills in what is to be polled. */
void hits_poll(const struct hits *hits, struct pollfd polls[HITS_POLLS])
	__attribute__((nonnull));

/*
 * Reads them, and logs what is new to LOG (base/log.h): at NOW_MS of the
 * monotonic clock, and not more than a line in a while.
 */
void hits_note(struct hits *hits, const struct plan *plan, int log,
	       int64_t now_ms) __attribute__((nonnull));

/* Reads what a session can: it is inside, and the account. */
void hits_look_inside(struct hits *hits, const struct plan *plan)
	__attribute__((nonnull));

/* When hits_note() is to be called, at the latest; -1: never. */
int64_t hits_due_ms(const struct hits *hits) __attribute__((nonnull));

/*
 * Writes to TEXT what the account has not been told yet, one line without a
 * newline, or "" if there is nothing; hits_told() takes it for told.
 */
void hits_words(const struct hits *hits, const struct plan *plan, char *text,
		size_t size) __attribute__((nonnull));
void hits_told(struct hits *hits) __attribute__((nonnull));

#endif
