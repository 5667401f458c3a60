/* SPDX-License-Identifier: ISC */
/*
 * escape - what somebody inside a jail could try
 *
 * Each attempt runs in a process of its own, for some seconds at most, and
 * ends with one verdict.  It may fail as it likes, but when it succeeds
 * nothing may have been harmed: it asks for rights with arguments that cannot
 * be granted, writes back what it has read, and takes a bounded share.
 */
#ifndef ESCAPE_H
#define ESCAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * How an attempt ends.
 *	contained	nothing came of it
 *	ESCAPED		proved: a secret of the host's was read, a process of
 *			the host's reached, more rights gained
 *	leak		a right or a piece of knowledge that a jail should
 *			not give, but that led nowhere
 *	n/a		cannot be tried here
 */
_Noreturn void contained(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
_Noreturn void escaped(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
_Noreturn void leaked(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
_Noreturn void not_here(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
/* Contained, for the reason that errno has. */
_Noreturn void refused(const char *what);

struct attempt {
	const char *name;
	const char *promise; /* of the table in SECURITY */
	void (*try)(const char *arg);
	const char *arg;
};

/* The tables, each ended by a name that is NULL. */
extern const struct attempt file_attempts[], namespace_attempts[],
	process_attempts[], right_attempts[], kernel_attempts[],
	channel_attempts[], share_attempts[], network_attempts[],
	port_attempts[], broker_attempts[], keeper_attempts[],
	service_attempts[], root_attempts[];

/* What the host's side told about KEY, or NULL. */
const char *hint(const char *key);
/* The same; without it there is nothing to try. */
const char *require_hint(const char *key);
long require_number(const char *key);

/* Whether TEXT holds a secret that was planted on the host. */
bool has_secret(const char *text, size_t size);
/* Whether the file FD, PATH from DIR on, does. */
bool secret_in(int fd);
bool secret_at(int dir, const char *path);
/* Whether DIR is the host's "/": what was planted there can be read. */
bool is_host_root(int dir);
/* Walks up from the working directory; whether the host's "/" is there. */
bool climbs_to_host(void);

/* Which uid of the host's is 0 in this process's user namespace; -1: none. */
long root_of_here(void);

/* Whether this process's namespace NAME ("pid") is the host's. */
bool shares(const char *name);

/* As fopen() and fgets(), for small files: the text, or NULL. */
const char *read_text(const char *path, char *buffer, size_t size);
/* Writes the file's own content back to it; whether that was allowed. */
bool write_back(const char *path);
/* A new directory in the home, removed by nobody. */
const char *make_place(const char *name);

/* Plants in the home, the working directory, what programs of the host's may
 * run; takes it away again; and what they then run.  All return the exit
 * status; NONCE is of the caller's. */
int plant(const char *nonce);
int unplant(const char *nonce);
int tell_where(const char *nonce, const char *name);

/* What the program started with. */
extern int start_dir;

#endif
