/* SPDX-License-Identifier: ISC */
/*
 * err - what went wrong, told once
 *
 * A function that can fail returns -1 and has then described the failure in
 * the struct err that is its last argument; on success it leaves the struct
 * alone.  Libraries describe and return.  Only a front-end logs, prints or
 * exits: an exit() in a library would end somebody's sshd(8).
 *
 * The struct lives on the caller's stack and nothing is allocated, so that
 * an error can be told when memory is short, and nothing is to be freed.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_kind {
	ERR_NONE,
	ERR_SYSTEM,  /* a system call failed; errnum says why */
	ERR_CONFIG,  /* the configuration is wrong; text says FILE:LINE */
	ERR_UNSAFE,  /* somebody else could have changed what we rely on */
	ERR_REFUSED, /* the policy does not let this account in here */
	ERR_GONE,    /* no such jail is running (any more) */
	ERR_ASTRAY,  /* this process is where root must not be: exit */
};

struct err {
	enum err_kind kind;
	int errnum;	/* errno(3) of an ERR_SYSTEM, otherwise 0 */
	char text[512]; /* one line for the administrator, no newline */
};

/*
 * Describes a failure.  Text that does not fit is cut.
 * Returns -1, so that callers can write "return err_set(err, ...);".
 */
int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
	__attribute__((nonnull, format(printf, 3, 4)));

/*
 * Describes the failure of the system call just made: ERR_SYSTEM, errnum
 * from errno, the text followed by ": " and strerror(errno).  Returns -1.
 */
int err_errno(struct err *err, const char *fmt, ...)
	__attribute__((nonnull, format(printf, 2, 3)));

/*
 * Puts "text: " in front of what a callee said; kind and errnum stay.
 * Returns -1.
 */
int err_context(struct err *err, const char *fmt, ...)
	__attribute__((nonnull, format(printf, 2, 3)));

#endif
