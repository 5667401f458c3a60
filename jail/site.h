/* SPDX-License-Identifier: ISC */
/*
 * site - where the root of a jail is put together
 *
 * The jail has one tmpfs, "base", which is seen only while it is built:
 *	base/root	the root's own files (or base/changes/upper)
 *	base/N		the writable directory of entry N
 *	base/lower	the tree, if the root has one
 *	base/changes	upper and work of its overlay
 *	base/empty	to hide directories with
 *	base/null	to hide files with
 */
#ifndef JAIL_SITE_H
#define JAIL_SITE_H

#include "base/err.h"
#include "jail/plan.h"
#include "jail/root.h"

#include <stddef.h>
#include <sys/mount.h>
#include <sys/types.h>

enum { OWN_MAX = 8 }; /* two, so far: policy/layout.c */

struct site {
	const struct plan *plan;
	const struct root_trees *trees;
	int base;
	int root; /* its mount, at base/root; -1: not yet */
	dev_t base_dev, root_dev;
	dev_t own_devs[OWN_MAX]; /* of what has a tmpfs of its own */
	size_t n_own_devs;
};

/*
 * Makes the base, which takes the place of /proc until the host is detached.
 * These return 0 (or a descriptor, owned), or -1 with ERR_SYSTEM.
 */
int site_open(struct site *site, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Holds the base to what the plan says that the account may have there, on
 * top of what is there by now.
 */
int site_limit(const struct site *site, struct err *err)
	__attribute__((nonnull, warn_unused_result));

void site_close(struct site *site) __attribute__((nonnull));

#define cleanup_site __attribute__((cleanup(site_close)))

/* A detached mount of the directory or file NAME of the base. */
int site_copy(const struct site *site, const char *name, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Attaches the detached tree FD to the base as NAME. */
int site_attach(const struct site *site, int fd, const char *name,
		struct err *err) __attribute__((nonnull, warn_unused_result));

/* What is made is the account's, or root's inside: NAME in DIR. */
int site_give_away(const struct site *site, int dir, const char *name,
		   struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* --- file systems ------------------------------------------------------- */

/* An option of the file system FS, of fsopen(2), that is to be. */
int fs_option(int fs, const char *key, const char *value, struct err *err)
	__attribute__((nonnull, warn_unused_result));
int fs_option_number(int fs, const char *key, uint64_t value, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Makes the file system that FS describes and returns its detached mount,
 * with the flags ATTR. */
int fs_mount(int fs, uint64_t attr, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* The detached mount of a tmpfs with its directory's MODE. */
int fs_tmpfs(uint64_t bytes, uint64_t files, mode_t mode, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * mount_setattr(2) for the mount FD; FLAGS may be AT_RECURSIVE.  It is the
 * newest of the calls that every jail needs, and says so where it is missing.
 */
int fs_set_attr(int fd, unsigned int flags, struct mount_attr *attr,
		struct err *err) __attribute__((nonnull, warn_unused_result));

/* Sets and clears flags of the mount FD. */
int fs_change(int fd, uint64_t set, uint64_t clear, struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
