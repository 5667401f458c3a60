/* SPDX-License-Identifier: ISC */
/*
 * quota - what an account keeps on disk: counted and limited by the kernel
 *
 * Every file of a tree that is counted is of the project (xfs_quota(8),
 * chattr(1)) whose number is the account's uid, and every directory there
 * hands it down to what is made in it.  The trees are what the account keeps
 * when its jail is gone: its home, directories of its own that are bound
 * writable, and the directory of its changes to writable roots.
 *
 * What is there already is marked once, by "jailconf quota" (jailconf/mark.h),
 * which then says so at the top of the tree, with an attribute that is only
 * the host's root's to set.  From then on a file is in a project or is not
 * made; that the account cannot say otherwise is the filter's part
 * (policy/syscalls.c).
 *
 * The limit is one of each file system.
 */
#ifndef JAIL_QUOTA_H
#define JAIL_QUOTA_H

#include "jail/root.h"

/* What says that a tree is marked; its value is the project in digits. */
#define QUOTA_ATTRIBUTE "trusted.pam_jail.quota"

enum { QUOTA_VALUE_MAX = 16 };

/* Writes that value. */
void quota_value(const struct plan *plan, char value[QUOTA_VALUE_MAX])
	__attribute__((nonnull));

/* A tree that is counted, while it is looked at. */
struct quota_tree {
	int dir; /* its top, open for reading */
	const char *path;
};

/* Who looks at trees; returns 0, or -1 and an error that ends it. */
struct quota_visitor {
	int (*visit)(void *arg, const struct quota_tree *tree, struct err *err);
	void *arg;
};

/*
 * Shows VISITOR every tree of PLAN that is counted.  TREES is from
 * root_trees_open(); if they are of PLAN without its changes, the directory
 * that those will be made in stands for them.  Returns 0, or -1 with
 * ERR_SYSTEM or what VISITOR said.
 */
int quota_each(const struct plan *plan, const struct root_trees *trees,
	       const struct quota_visitor *visitor, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Whether the account may write to what ENTRY binds although that is not
 * counted: it is not the account's, or a file. */
bool quota_misses(const struct entry *entry) __attribute__((nonnull));

/* Whether the file system of TREE holds limits of projects.  Returns 0, or -1
 * with ERR_REFUSED or ERR_SYSTEM, which say what to do. */
int quota_require_limits(const struct quota_tree *tree, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Whether all that is in TREE is marked for PLAN's account.  Returns 0, or -1
 * with ERR_REFUSED or ERR_SYSTEM. */
int quota_require_marked(const struct plan *plan, const struct quota_tree *tree,
			 struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Sets PLAN's limits, or none, in the file system of TREE, and reads them
 * back.  Returns 0, or -1 with ERR_SYSTEM or ERR_REFUSED. */
int quota_set(const struct plan *plan, const struct quota_tree *tree,
	      struct err *err) __attribute__((nonnull, warn_unused_result));

/* Whether the file systems can hold PLAN's quota.  Returns 0, or -1 with
 * ERR_REFUSED or ERR_SYSTEM. */
int quota_foresee(const struct plan *plan, const struct root_trees *trees,
		  struct err *err) __attribute__((nonnull, warn_unused_result));

/* The same, and whether all that is there is counted.  As root. */
int quota_check(const struct plan *plan, const struct root_trees *trees,
		struct err *err) __attribute__((nonnull, warn_unused_result));

/* The same, and sets the limits. */
int quota_hold(const struct plan *plan, const struct root_trees *trees,
	       struct err *err) __attribute__((nonnull, warn_unused_result));

struct quota_use {
	uint64_t bytes, files;
	uint64_t max_bytes, max_files; /* 0: no limit */
};

/* What the project of PLAN has in the file system of TREE.  As root.  Returns
 * 0, or -1 and an ERR_SYSTEM. */
int quota_read(const struct plan *plan, const struct quota_tree *tree,
	       struct quota_use *use, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* What is used up. */
struct quota_full {
	bool bytes, files;
};

/*
 * What of PLAN's limits is used up at PATH, which is a directory that is
 * counted; nothing if that cannot be known.  Anybody may ask: statfs(2) there
 * tells of the project, as df(1) shows inside.
 */
void quota_look(const struct plan *plan, const char *path,
		struct quota_full *full) __attribute__((nonnull));

/* The same for all that is counted, by the host's paths. */
void quota_look_outside(const struct plan *plan, struct quota_full *full)
	__attribute__((nonnull));

/* And by those inside. */
void quota_look_inside(const struct plan *plan, struct quota_full *full)
	__attribute__((nonnull));

#endif
