/* SPDX-License-Identifier: ISC */
/*
 * commands - a jail-broker(8) for a jail that may ask for commands
 *
 * The keeper makes the socket, the jail's PID 1 gives it its name while it is
 * root and already inside, and the broker answers on it.  So the socket is
 * this jail's and no other's, and has no name on the host.
 */
#ifndef KEEPER_COMMANDS_H
#define KEEPER_COMMANDS_H

#include "jail/plan.h"

struct commands {
	int listener; /* -1: this jail may not ask for any */
	int ours;     /* ends of a connection: to the broker, */
	int theirs;   /* and from it until it is started */
	pid_t broker;
};

#define COMMANDS_NONE                                                          \
	((struct commands){ .listener = -1, .ours = -1, .theirs = -1 })

/* Makes the sockets, if PLAN has commands.  Returns 0, or -1 and an
 * ERR_SYSTEM. */
int commands_open(const struct plan *plan, struct commands *commands,
		  struct err *err) __attribute__((nonnull, warn_unused_result));

/* Becomes the broker, for a child of the keeper; PLAN is the sealed memfd. */
_Noreturn void commands_exec(const struct commands *commands, int plan)
	__attribute__((nonnull));

/*
 * In the jail's PID 1, when its root is "/": names LISTENER and listens.  -1
 * is no listener, and no error.  Returns 0, or -1 and an ERR_SYSTEM.
 */
int commands_listen(int listener, const struct plan *plan, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Tells the broker that the jail of PID 1 INIT is ready.  As above. */
int commands_start(struct commands *commands, pid_t init, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Lets the broker go. */
void commands_close(struct commands *commands) __attribute__((nonnull));

#endif
