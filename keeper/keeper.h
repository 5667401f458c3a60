/* SPDX-License-Identifier: ISC */
/*
 * keeper - what jail-keeper(8) knows of its jail and of who is connected
 */
#ifndef KEEPER_KEEPER_H
#define KEEPER_KEEPER_H

#include "base/log.h"
#include "jail/cgroup.h"
#include "jail/jail.h"
#include "jail/wire.h"
#include "keeper/commands.h"
#include "keeper/hits.h"
#include "keeper/network.h"
#include "keeper/times.h"

#include <poll.h>
#include <time.h>

struct peer {
	int sock;
	uid_t uid;	    /* as the kernel says */
	pid_t pid;	    /* and this, of when it connected */
	bool leases;	    /* a session of the host that has joined */
	int entered;	    /* pidfd of its process that entered, or -1 */
	unsigned int timed; /* number of its session, or 0: times.h */
	time_t since;
	int64_t came_ms; /* the same, as now_ms() */
	char label[512]; /* of a session, for "jailconf list" */
};

struct keeper {
	struct jail jail;
	struct cgroup cgroup;
	struct hits hits;
	int plan;
	int listener;	/* -1: a private jail, or one that has ended */
	int lock;	/* of the account, for flock(2); -1 likewise */
	ino_t name_ino; /* of our socket in RUN_DIR */
	int signals;
	int log;
	pid_t init;
	bool stopped; /* root wants the jail to end */
	struct commands commands;
	struct network network;
	struct times times;
	time_t started;
	int64_t idle_since_ms; /* when the last session ended; -1: in use */
	int64_t busy_since_ms; /* peers_busy() without a break; -1: it is not */
	int64_t complained_ms; /* when complain() last said something */
	uint32_t n_unsaid;     /* and how many lines there were not since */
	int64_t paid_ms; /* until then those of sessions have been paid for */
	size_t n_workers;
	size_t n_closers;
	struct peer *peers;
	struct pollfd *polls; /* FIRST_PEER more than peers */
	size_t n_peers;
};

/* Places in keeper.polls. */
enum {
	POLL_SIGNALS,
	POLL_LISTENER,
	POLL_NETWORK,
	POLL_HITS,
	FIRST_PEER = POLL_HITS + HITS_POLLS
};

/*
 * As fork(2), into the cgroup CGROUP, or the caller's if that is -1, and into
 * NAMESPACES.  If PIDFD is not NULL, the parent gets the child's there.
 */
pid_t fork_into(int cgroup, uint64_t namespaces, int *pidfd);

/* --- events.c ----------------------------------------------------------- */

/* Begins an event of this jail's. */
void keeper_event(const struct keeper *keeper, struct log_event *event,
		  const char *name) __attribute__((nonnull));

/* The jail begins or ends (NAME). */
void keeper_log_life(struct keeper *keeper, const char *name)
	__attribute__((nonnull));

/* The limits that this host does not hold, if there are any; the plan has
 * allowed it. */
void keeper_log_not_held(const struct keeper *keeper) __attribute__((nonnull));
void keeper_log_not_held_because(const struct keeper *keeper, const char *name,
				 const struct err *err)
	__attribute__((nonnull));

/* The rules of its network were gone and are back, or (ERR) are not. */
void keeper_log_mended(const struct keeper *keeper, const struct err *err)
	__attribute__((nonnull(1)));

/* Something of its network is left. */
void keeper_log_left(const struct keeper *keeper, const struct err *err)
	__attribute__((nonnull));

/* There will be no jail. */
void keeper_log_refused(const struct keeper *keeper, const struct err *err)
	__attribute__((nonnull));

/* --- name.c ------------------------------------------------------------- */

/*
 * Takes the name over, and opens the lock: for a keeper that listens.  Who
 * started us holds the lock.
 */
int name_open(struct keeper *keeper, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Whether the name is ours still; see name.c. */
int name_require(const struct keeper *keeper, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Takes it away, if it is ours still, and lets the lock go, which has to be
 * held. */
void name_remove(struct keeper *keeper) __attribute__((nonnull));

/* --- peers.c ------------------------------------------------------------ */

/*
 * Makes who is at the other end of *SOCK a peer, and takes *SOCK over.
 * Returns 0, or -1 with ERR_REFUSED (it is neither root nor the account) or
 * ERR_SYSTEM.
 */
int peers_add(struct keeper *keeper, int *sock, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Takes in one who has connected.  Returns whether somebody came. */
bool peers_accept(struct keeper *keeper) __attribute__((nonnull));

/* Forgets the peer with the number I; the last one gets that number. */
void peers_drop(struct keeper *keeper, size_t i) __attribute__((nonnull));

/* Ends those that have entered and are not in the jail's pid namespace, after
 * hearing what the sessions have said until now. */
void peers_kill_entered(struct keeper *keeper) __attribute__((nonnull));

/* Forgets accounts' callers that have not said for long what they want; and
 * when, as now_ms(), that is to be looked at again, or -1. */
void peers_expire(struct keeper *keeper, int64_t now) __attribute__((nonnull));
int64_t peers_due_ms(const struct keeper *keeper) __attribute__((nonnull));

/* Hears the peer and does what it asks for.  Returns whether it stays. */
bool peers_answer(struct keeper *keeper, struct peer *peer)
	__attribute__((nonnull));

/* Tells who is at the other end of SOCK why not; it may be gone. */
void peers_refuse(int sock, const char *why) __attribute__((nonnull));

/* Fills keeper->polls in for all peers; of accounts only if they may be heard
 * now. */
void peers_poll(const struct keeper *keeper) __attribute__((nonnull));

/* Whether no account is heard just now, because too much of theirs is being
 * closed; and how long to wait at most until that is looked at again. */
bool peers_busy(const struct keeper *keeper) __attribute__((nonnull));
int peers_wait_ms(const struct keeper *keeper, int timeout_ms)
	__attribute__((nonnull));

/*
 * Forks a process that nobody waits for, and that ends by itself within some
 * seconds; meanwhile too many of them keep accounts waiting.  Returns as
 * fork(2).
 */
pid_t keeper_fork_aside(struct keeper *keeper) __attribute__((nonnull));

/* Buries the processes that have closed something for us. */
void peers_bury(struct keeper *keeper) __attribute__((nonnull));

#endif
