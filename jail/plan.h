/* SPDX-License-Identifier: ISC */
/*
 * plan - one jail for one account, decided to the last mount
 *
 * A plan is what is left when all configuration has been read, every
 * template filled in and every name looked up.  policy/ makes it, as root
 * on the host; it travels to jail-keeper(8) in a sealed memfd; whoever
 * joins the jail later gets that same memfd from the keeper, so that the
 * second session has the walls of the first.
 *
 * The root is described by a list of entries, applied in order to an empty
 * directory (or to the tree of another distribution).  "jailconf explain"
 * prints that list; nothing else decides what is visible inside.
 */
#ifndef JAIL_PLAN_H
#define JAIL_PLAN_H

#include "base/arena.h"

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

enum entry_kind {
	ENTRY_DIR,     /* make a directory, with MODE */
	ENTRY_FILE,    /* make a file, with MODE, that contains TEXT */
	ENTRY_LINK,    /* make a symbolic link to TEXT */
	ENTRY_DEVICE,  /* make a character device; TEXT is MAJOR:MINOR */
	ENTRY_BIND,    /* mount what the host has at TEXT, with all below it */
	ENTRY_SCRATCH, /* mount an empty writable directory, with MODE; it
			* has a tmpfs of its own if TEXT is BYTES:FILES, all
			* others of a jail share one and its size */
	ENTRY_PROC,    /* mount proc(5) of the jail's pid namespace */
	ENTRY_PTS,     /* mount a devpts of its own */
	ENTRY_HIDE,    /* cover what is there with nothing */
	ENTRY_FREEZE,  /* make what is there read-only */
	ENTRY_USERNS,  /* mount the file of the jail's user namespace */
};

enum entry_flag {
	ENTRY_READONLY = 1 << 0, /* once everything is in place */
	ENTRY_OPTIONAL = 1 << 1, /* BIND, HIDE, FREEZE: skip if it does not
				  * exist */
	ENTRY_NOEXEC = 1 << 2,
	ENTRY_DEVICES = 1 << 3, /* device nodes work (else nodev) */
	ENTRY_OWNED = 1 << 4,	/* it belongs to the account, not to root;
				 * BIND: so may the source; no matter for what
				 * is mounted and has owners of its own */
	ENTRY_SERVICE = 1 << 5, /* BIND: it is a directory, and may be a
				 * daemon's: path_check_service() */
};
/* Every mount is nosuid; there is no flag to change that. */

struct entry {
	enum entry_kind kind;
	unsigned int flags; /* of enum entry_flag */
	mode_t mode;	    /* 0 where it means nothing */
	const char *target; /* clean absolute path inside the jail */
	const char *text;   /* as enum entry_kind says; "" where it means
			     * nothing */
};

enum plan_network {
	PLAN_NETWORK_NONE,    /* an own network namespace with a loopback */
	PLAN_NETWORK_HOST,    /* the host's */
	PLAN_NETWORK_PRIVATE, /* an own one with a way out: plan_private */
};

/* A jail's own network, what leads to it, and who may go there; all NULL but
 * with PLAN_NETWORK_PRIVATE.  keeper/network.h makes it. */
struct plan_private {
	const char *interface; /* the host's end of the pair */
	const char *address;   /* the jail's, IPv4 */
	const char *gateway;   /* the host's, as the jail sees it */
	const char **egress;   /* the words that the rules were made of */
	size_t n_egress;
	const char **nameservers;
	size_t n_nameservers;
	const char *rules; /* for nft(8): puts them in force, whatever was */
	const char *end;   /* and this takes them away */
};

enum {
	PLAN_INTERFACE_MIN = 8,	 /* it ends with the address, in hexadecimal */
	PLAN_INTERFACE_MAX = 15, /* IFNAMSIZ, without the NUL */
};

/*
 * Root inside: the jail has a user namespace in which 0 is the account, and 1
 * to PLAN_SUB_IDS are ids that are nobody else's.
 */
enum {
	PLAN_SUB_IDS = 65535,	/* so that nobody, 65534, is one of them */
	PLAN_SUB_LEAST = 65536, /* below are the host's own accounts */
};

enum {
	PLAN_LINGER_FOREVER = -1,
	PLAN_UMASK_HOST = -1, /* what a session has without a jail */
};

/* A resource limit that the jail sets; the others are left alone. */
struct plan_limit {
	bool set;
	struct rlimit value;
};

/* What a jail may take of the machine, all its sessions together. */
enum plan_share {
	PLAN_MEMORY,	  /* bytes; who wants more is ended */
	PLAN_MEMORY_HIGH, /* bytes; who wants more is slowed down */
	PLAN_SWAP,	  /* bytes */
	PLAN_PIDS,	  /* processes and threads */
	PLAN_CPUS,	  /* of a processor's time, in PLAN_WHOLE_CPU */
	PLAN_CPU_WEIGHT,  /* 1 to 10000; everybody has 100 */
	PLAN_IO_WEIGHT,	  /* likewise */
	PLAN_IO_READ,	  /* bytes in a second, of each disk */
	PLAN_IO_WRITE,	  /* likewise */
	/* Of each session with all that it has started. */
	PLAN_SESSION_TIME, /* seconds that it may last */
	PLAN_SESSION_CPU,  /* seconds of a processor */
	PLAN_SHARES
};

enum { PLAN_WHOLE_CPU = 1000 };

/* What if the host cannot hold it?  In ascending order. */
enum plan_need {
	PLAN_NEED_IMPLIED,  /* nothing: another share has brought it along */
	PLAN_NEED_WISHED,   /* the log says so */
	PLAN_NEED_REQUIRED, /* nobody gets in */
};

struct plan_limit_share {
	bool set;
	enum plan_need need;
	uint64_t value;
};

/* Ports of the host's network that may be bound, and no others. */
struct plan_ports {
	uint16_t first, last; /* both 0: all */
	enum plan_need need;
};

/* What the account may keep on disk: jail/quota.h.  0: no such limit. */
struct plan_quota {
	uint64_t bytes, files;
	enum plan_need need;
};

struct plan {
	struct arena arena; /* everything below lives in it */

	/* Who, on the host.  uid is neither 0 nor -1. */
	const char *account;
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	size_t n_groups;
	bool root_inside; /* the account is root in a user namespace */
	uid_t sub_uid;	  /* what 1 is there; 0 without root_inside */
	gid_t sub_gid;

	/* Who and where, inside. */
	const char *jail; /* the jail's name in the configuration */
	const char *name; /* of the account, inside */
	const char *home;
	const char *shell;
	const char *hostname;

	/* The world: NULL for tree means "an empty tmpfs". */
	const char *tree;  /* directory of the host that is the lower layer */
	const char *upper; /* directory that keeps changes to tree, or NULL:
			    * the root is read-only */
	struct entry *entries;
	size_t n_entries;
	uint64_t scratch_bytes; /* of the jail's tmpfs */
	uint64_t scratch_files;
	uint32_t terminals; /* most ptys at a time */
	struct plan_limit_share shares[PLAN_SHARES];
	const char *reseller; /* or NULL: of the host's own */
	struct plan_limit_share above[PLAN_SHARES]; /* the reseller's: all its
						     * jails together */
	struct plan_quota quota;
	enum plan_network network;
	bool abstract_of_session; /* abstract sockets: jail/landlock.h */
	struct plan_ports ports;
	struct plan_private private;

	/* What no session may ask of the kernel: a program for seccomp(2),
	 * and the words that it was made of. */
	const char *seccomp; /* the profile; "none" if there is no filter */
	const char **seccomp_allow;
	size_t n_seccomp_allow;
	const char **seccomp_deny;
	size_t n_seccomp_deny;
	struct sock_filter *filter;
	size_t n_filter;

	/* Sessions. */
	struct plan_limit limits[RLIM_NLIMITS]; /* by RLIMIT_ number */
	const char **env; /* "NAME=value" set in every session */
	size_t n_env;
	const char **env_keep; /* names that su may bring along */
	size_t n_env_keep;
	const char **commands; /* that jail-broker(8) runs: jail/commands.h */
	size_t n_commands;
	int32_t umask;		/* or PLAN_UMASK_HOST */
	uint32_t sessions;	/* most sessions at a time */
	int32_t linger_seconds; /* or PLAN_LINGER_FOREVER */
};

/*
 * Writes the plan to a sealed memfd (base/seal.h).
 * Returns a close-on-exec descriptor that the caller owns, or -1 and an
 * ERR_SYSTEM.
 */
int plan_seal(const struct plan *plan, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/*
 * Reads the plan in the sealed memfd FD, which stays open and the caller's.
 * Trusts no byte of it.  Returns 0, and *plan is to be freed with
 * plan_free(); or -1 with ERR_UNSAFE (not a plan) or ERR_SYSTEM.
 */
int plan_open(int fd, struct plan *plan, struct err *err)
	__attribute__((nonnull, warn_unused_result));

void plan_free(struct plan *plan) __attribute__((nonnull));

/*
 * Checks what a mistake in making the plan could break: ids, clean paths,
 * plain names, known kinds.  plan_seal() and plan_open() call it.
 * Returns 0, or -1 and an ERR_UNSAFE.
 */
int plan_check(const struct plan *plan, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Whether the jail has a network namespace of its own. */
static inline bool
plan_owns_network(const struct plan *plan)
{
	return plan->network != PLAN_NETWORK_HOST;
}

/* Whether what the account keeps on disk is limited. */
static inline bool
plan_has_quota(const struct plan *plan)
{
	return plan->quota.bytes != 0 || plan->quota.files != 0;
}

/*
 * Of an ENTRY_SCRATCH: how large its own tmpfs is.  Returns 1, or 0 if it
 * has none, or -1 if its text is no such thing.
 */
int entry_own_size(const struct entry *entry, uint64_t *bytes, uint64_t *files)
	__attribute__((nonnull, warn_unused_result));

/* Whether the system call named CALL, if all its arguments are allowed, lets
 * the owner of a file say whose quota counts it. */
bool plan_call_moves_files(const char *call) __attribute__((nonnull, pure));

/* What the account's uid looks like inside. */
uid_t plan_uid_inside(const struct plan *plan) __attribute__((nonnull, pure));

/* The host's number of the group that is "tty" inside. */
gid_t plan_tty_group(const struct plan *plan) __attribute__((nonnull, pure));

/*
 * The words for a resource limit, as in getrlimit(2) without RLIMIT_ and in
 * lower case ("nofile"); NULL for a number that does not exist.
 */
const char *limit_name(unsigned int resource) __attribute__((const));

/* The word for a share in jail.conf(5). */
const char *share_name(enum plan_share share) __attribute__((const));

/* Whether it is one of each session, and not of the jail as a whole. */
bool share_is_of_session(enum plan_share share) __attribute__((const));

#endif
