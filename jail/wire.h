/* SPDX-License-Identifier: ISC */
/*
 * wire - what is said on a jail's control socket
 *
 * A SOCK_SEQPACKET connection to jail-keeper(8).  The keeper believes
 * SO_PEERCRED, never what a message says about its sender.
 *
 *	who asks		says		hears
 *	root: pam_jail,		JOIN		GRANT + fds | REFUSE
 *				then LABEL
 *				then ENTERED + fd
 *	  jailconf		STATUS		STATUS + fds | REFUSE
 *				SESSION		SESSION | REFUSE
 *				STOP		(the connection ends)
 *	the account itself	RUN + fds	STARTED + fds | REFUSE, later
 *	  or root					STOPPED, EXITED
 *				SIGNAL
 *
 * jail-broker(8), which listens inside, is asked with RUN as well, and sends
 * three pipes with STARTED; INPUT_END then says that the first is complete.
 *
 * A connection that was granted something is a lease: the jail lives as long
 * as there is one, and linger_seconds longer.  Closing it says goodbye, and
 * the kernel closes it whatever happens to the process.
 *
 * A message is one struct wire_msg and at most WIRE_FDS_MAX descriptors;
 * anything else ends the connection.  Who speaks another version is told so,
 * in whatever way: a jail that runs is never taken for none.  STOP is a word of
 * its own, the same for ever, because after an upgrade the keepers of before
 * still run.
 */
#ifndef JAIL_WIRE_H
#define JAIL_WIRE_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <termios.h>

enum wire_kind {
	WIRE_JOIN = 1,
	WIRE_ENTERED, /* a process that is not the jail's has entered; value:
		       * whether the account was told what GRANT had */
	WIRE_STATUS,
	WIRE_STOP,
	WIRE_RUN,
	WIRE_SIGNAL, /* value: a signal for the session's process group */
	WIRE_GRANT,
	WIRE_REFUSE, /* text: why, for the administrator */
	WIRE_STARTED,
	WIRE_STOPPED,	/* value: the signal that stopped the session */
	WIRE_EXITED,	/* value: as from wait(2) */
	WIRE_LABEL,	/* text: who it is that has joined */
	WIRE_SESSION,	/* value: the how-manieth, from 0; reply: text its
			 * label, value the pid of who has joined */
	WIRE_INPUT_END, /* to jail-broker(8): the input is complete */
};

/*
 * Descriptors, in this order:
 *	JOIN	none
 *	GRANT	pidfd of the jail's PID 1, the plan, and, if who enters is to
 *		write itself there, cgroup.procs
 *	ENTERED	pidfd of who did, for the keeper to end it with the jail
 *	STATUS	(reply) the plan
 *	RUN	the request (jail/run.h), then those of 0, 1, 2 that are not
 *		terminals
 *	STARTED	master of the session's pty, if it has one; of a command's
 *		three pipes
 */
enum { WIRE_FDS_MAX = 4 };

struct wire_msg {
	uint32_t magic; /* WIRE_MAGIC; changes with this struct */
	uint32_t kind;	/* of enum wire_kind */
	int32_t value;
	uint32_t terminals;    /* RUN: bit N: descriptor N is a terminal */
	uint64_t root_dev;     /* GRANT: st_dev and st_ino of the jail's */
	uint64_t root_ino;     /*	"/" */
	uint32_t sessions;     /* STATUS */
	int32_t init_pid;      /* STATUS: on the host */
	int64_t started;       /* STATUS, SESSION: time(2) */
	uint64_t memory_bytes; /* STATUS: in use, or SHARE_UNKNOWN */
	uint64_t pids;	       /* STATUS: likewise */
	struct winsize window; /* RUN: of the outer terminal */
	struct termios modes;  /* RUN: for the session's pty */
	char text[512];	       /* REFUSE, LABEL, SESSION; GRANT, STARTED,
				* EXITED: what the account is to know */
};

enum { WIRE_MAGIC = 0x6a61696d };

/* What STOP is on the wire, with the NUL; this never changes. */
#define WIRE_STOP_WORD "pam_jail: stop"

/*
 * Lets no call on SOCK wait longer than a keeper could take: then it fails
 * with EAGAIN.  Returns 0, or -1 and an ERR_SYSTEM.
 */
int wire_set_patience(int sock, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Sends MSG (its magic is set here) with N_FDS descriptors, which stay the
 * caller's.  Returns 0, or -1 with ERR_GONE (nobody listens any more) or
 * ERR_SYSTEM.
 */
int wire_send(int sock, struct wire_msg *msg, const int *fds, size_t n_fds,
	      struct err *err)
	__attribute__((nonnull(2, 5), warn_unused_result));

/*
 * Sends MSG without descriptors to whoever still listens: that nobody does
 * is for the one who waits for an answer to notice.
 */
void wire_tell(int sock, struct wire_msg *msg) __attribute__((nonnull));

/*
 * What came with a message; owned by whoever received it.  There is room for
 * all that can come, SCM_MAX_FD in unix(7): what has no room the kernel closes
 * while it receives, and that can take as long as who sent it wants.
 */
enum { WIRE_FDS_ROOM = 253 };
struct wire_fds {
	int fd[WIRE_FDS_ROOM]; /* close-on-exec; -1: none */
	size_t n;
};

#define WIRE_FDS_NONE ((struct wire_fds){ .n = 0 })

/* Closes those that were not taken with fd_take(). */
void wire_fds_close(struct wire_fds *fds) __attribute__((nonnull));

#define cleanup_wire_fds __attribute__((cleanup(wire_fds_close)))

/*
 * What the next message says, which stays there to be received, and its
 * descriptors with it: nothing has to be closed.  Errors as wire_recv().
 */
int wire_peek(int sock, struct wire_msg *msg, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Receives a message, with at most WIRE_FDS_MAX descriptors; *fds must be
 * WIRE_FDS_NONE, and in any case is what came.  Returns 0, or -1 with
 *	ERR_GONE	the other end closed the connection
 *	ERR_UNSAFE	not a message of ours
 *	ERR_SYSTEM	anything else; errnum EAGAIN if the time is up
 */
int wire_recv(int sock, struct wire_msg *msg, struct wire_fds *fds,
	      struct err *err) __attribute__((nonnull, warn_unused_result));

/*
 * Waits for a moment until the other end of SOCK has closed it: a socket that
 * is closed with something unread in it loses our last word, unix(7),
 * ECONNRESET.
 */
void wire_wait_for_end(int sock);

/*
 * Gives the calling process the login uid of who is at the other end of SOCK,
 * for the audit trail; without one, it could choose.  Where there is none to
 * give, nothing happens: kernels without audit have no such file, containers
 * may not write to it, and auditctl(8) can forbid it to all.
 * Returns 0, or -1 with ERR_SYSTEM, or ERR_GONE: nobody is there any more.
 */
int wire_take_loginuid(int sock, struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
