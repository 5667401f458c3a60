/* SPDX-License-Identifier: ISC */
/*
 * livehost - what "check --live" plants on the host for a jail to be tried
 *
 * All of it is harmless: files with a secret that means nothing, a server
 * that tells it, processes that sleep.  Every account of the host may read
 * them and reach them, so that nothing but the jail keeps one from it.  Names
 * end in a number that nobody can guess, and all is taken away again.
 */
#ifndef JAILCONF_LIVEHOST_H
#define JAILCONF_LIVEHOST_H

#include "jail/account.h"

enum { LIVE_NONCE_SIZE = 17, LIVE_HINTS_MAX = 40, LIVE_FILES = 6 };

struct live_host {
	struct arena arena; /* of the texts below */
	char nonce[LIVE_NONCE_SIZE];
	const char *dir;	       /* /run/jail-live.NONCE */
	const char *file[LIVE_FILES];  /* each with the secret; NULL: none */
	const char *socket;	       /* in /tmp */
	const char *cron;	       /* of cron(8); NULL: none runs */
	pid_t server, mate, root_mate; /* 0: none */
	/* KEY=VALUE for jail-escape; NULL-terminated. */
	const char *hint[LIVE_HINTS_MAX + 1];
	size_t n_hints;
};

/*
 * Plants for ACCOUNT.  Returns 0, or -1 with an ERR_SYSTEM or ERR_UNSAFE; what
 * was planted is to be taken away by live_host_clear() in both cases.
 */
int live_host_plant(struct live_host *host, const struct account *account,
		    struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Writes TEXT to the new file PATH; the name must have the nonce in it. */
int live_write(const char *path, const char *text, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Whether something has left the mark NAME outside, as the account. */
bool live_host_marked(const struct live_host *host, const char *name)
	__attribute__((nonnull));

/* Whether a planted process has been killed. */
bool live_host_hurt(const struct live_host *host) __attribute__((nonnull));

/* Takes everything away.  Returns NULL, or a path of what could not be. */
const char *live_host_clear(struct live_host *host) __attribute__((nonnull));

void live_host_free(struct live_host *host) __attribute__((nonnull));

#endif
