/* SPDX-License-Identifier: ISC */
/*
 * cleanup - local variables that own a descriptor or memory
 *
 *	cleanup_fd int fd = open(...);		closed at the end of the scope
 *	cleanup_free char *s = strdup(...);	freed at the end of the scope
 *	return fd_take(&fd);			now the caller owns it
 *
 * An owner is initialised where it is declared; -1 and NULL own nothing.
 * Cleaning up leaves errno alone.  A function with an owner has no goto.
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define cleanup_fd   __attribute__((cleanup(fd_close)))
#define cleanup_free __attribute__((cleanup(cleanup_free_ptr)))

/* Closes *fd, if it is open, and makes it -1. */
static inline void
fd_close(int *fd)
{
	const int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

/* Hands *fd to the caller and makes it -1. */
static inline int
fd_take(int *fd)
{
	const int taken = *fd;

	*fd = -1;
	return taken;
}

static inline void
cleanup_free_ptr(void *p)
{
	void **owner = p;

	free(*owner);
}

#endif
