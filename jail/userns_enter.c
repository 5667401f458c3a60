/* SPDX-License-Identifier: ISC */
/* A file of its own: jailsh(8) has no use for the other half. */
#include "jail/userns.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <sched.h>

static int
require_root(struct err *err)
{
	uid_t uid[3];
	gid_t gid[3];

	if (getresuid(&uid[0], &uid[1], &uid[2]) < 0 ||
	    getresgid(&gid[0], &gid[1], &gid[2]) < 0)
		return err_errno(err, "get ids");
	for (size_t i = 0; i < 3; i++)
		if (uid[i] != 0 || gid[i] != 0)
			return err_set(err, ERR_UNSAFE,
				       "uid %u, gid %u in the user namespace, "
				       "and not root",
				       uid[i], gid[i]);
	return 0;
}

int
userns_enter(struct err *err)
{
	cleanup_fd int fd = open(USERNS_FILE, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(err, USERNS_FILE);
	/* The flag is what the jail's filter lets through. */
	if (setns(fd, CLONE_NEWUSER) < 0)
		return err_errno(err, "enter the jail's user namespace");
	return require_root(err);
}
