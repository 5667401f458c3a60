/* SPDX-License-Identifier: ISC */
/*
 * syscalls - the system calls that a jail refuses, and why each
 *
 * A list of what is refused, not of what is allowed: the C library starts to
 * use new calls every year, and what a customer runs is not known here.  What
 * nobody has looked at yet is refused by number: SYSCALLS_REVIEWED.
 */
#ifndef POLICY_SYSCALLS_H
#define POLICY_SYSCALLS_H

#include <stddef.h>
#include <stdint.h>

/*
 * The newest call that was looked at for this list, file_setattr(2) of Linux
 * 6.17; "not there" (ENOSYS) is the answer to all that are newer.  Since
 * pidfd_send_signal(2), 424, a new call has the same distance to that one on
 * every architecture.
 *
 * tests/lint/syscalls.sh fails when the kernel's headers know a newer one.
 * Then: read what it does; add a row in syscalls.c if it makes or changes
 * mounts or namespaces, reaches other users' objects, or is new code that
 * unprivileged programs do not need yet; raise the number.
 */
enum { SYSCALLS_REVIEWED = 469, SYSCALLS_SAME_SINCE = 424 };

/* Profiles, as jail.conf(5) names them. */
enum syscalls_profile {
	PROFILE_LOGIN, /* what people do in a shell works */
	PROFILE_IDE,   /* and user namespaces do, too */
	PROFILE_BATCH, /* less than login: nothing looks into a process */
	PROFILE_NONE,  /* no filter at all */
};
enum { N_PROFILES = PROFILE_NONE + 1 };

/* Among the profiles of a rule: it does not hold where root is inside. */
enum { SYSCALLS_UNLESS_ROOT_INSIDE = 1 << N_PROFILES };

/* A name for configuration, messages and JSON. */
const char *syscalls_profile_name(enum syscalls_profile profile)
	__attribute__((const));

/* A call that is refused whatever its arguments are. */
struct refused_call {
	const char *name;
	int number; /* of a call that a libseccomp that we build with does
		     * not know by name yet; else 0 */
	int answer; /* errno */
	unsigned int profiles; /* a bit for each that refuses it */
};
extern const struct refused_call refused_calls[];
extern const size_t n_refused_calls;

/* A call that is refused if (argument & mask) == value.  The masks have 32
 * bits where the kernel looks at no more: CVE-2019-10063. */
struct refused_argument {
	const char *name;
	unsigned int argument; /* 0 is the first */
	uint64_t mask, value;
	int answer;
	unsigned int profiles;
	/* And another argument has this flag; 0: whatever the others are. */
	unsigned int flags_argument;
	uint64_t flag;
};
extern const struct refused_argument refused_arguments[];
extern const size_t n_refused_arguments;

#endif
