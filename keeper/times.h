/* SPDX-License-Identifier: ISC */
/*
 * times - sessions that may last, or work, only so long
 *
 * A session with such a limit is in a cgroup of its own below the jail's, so
 * that all it has started is part of it, wherever that has gone since: sshd(8)
 * has forked it, or the keeper, and a daemon has left its parents.  It lasts
 * until nothing of it is left.
 *
 * When the time is over, the session's terminals read so, its processes get
 * SIGHUP, and SIGKILL a little later.
 */
#ifndef KEEPER_TIMES_H
#define KEEPER_TIMES_H

#include "jail/plan.h"

struct keeper;

/* A session's cgroup. */
struct timed {
	unsigned int number; /* is its name, with "session-" before it */
	bool held;	     /* somebody may still come in */
	bool over;
	int64_t began_ms;
	int64_t look_ms; /* when to look how much it has worked */
	int64_t kill_ms; /* when it is over: when to kill */
};

struct times {
	struct timed *item;
	size_t n;
	unsigned int last; /* number given */
	int64_t sweep_ms;  /* not before this the empty ones are removed */
	bool dirty;	   /* but some may be empty */
};

/* Of a session that begins; -1 for all if its plan has no such limit. */
struct times_group {
	unsigned int number; /* 0: none */
	int dir;	     /* for clone3(2) */
	int procs;	     /* for who comes in by itself */
};

#define TIMES_GROUP_NONE                                                       \
	((struct times_group){ .number = 0, .dir = -1, .procs = -1 })

enum times_holder {
	TIMES_OF_PROCESS, /* who is forked into it */
	TIMES_OF_PEER,	  /* who may come, until times_release() */
};

/*
 * Makes a cgroup for a session, if there is to be one.
 * Returns 0, and *group is to be closed with times_group_close(); or -1 with
 * ERR_REFUSED (there are too many) or ERR_SYSTEM.
 */
int times_begin(struct keeper *keeper, enum times_holder holder,
		struct times_group *group, struct err *err)
	__attribute__((nonnull, warn_unused_result));
void times_group_close(struct times_group *group) __attribute__((nonnull));

/* Nobody comes in any more. */
void times_release(struct times *times, unsigned int number)
	__attribute__((nonnull));

/* Some process has ended. */
void times_touch(struct times *times) __attribute__((nonnull));

/* Ends those that are over, and forgets those that have ended. */
void times_note(struct keeper *keeper, int64_t now_ms) __attribute__((nonnull));

/* When times_note() is to be called, at the latest; -1: never. */
int64_t times_due_ms(const struct times *times, const struct plan *plan)
	__attribute__((nonnull));

#endif
