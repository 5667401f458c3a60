/* SPDX-License-Identifier: ISC */
/*
 * conf - what jail.conf(5) says, word by word, with the line of each word
 *
 * Private to the policy library.  Everything here lives in an arena; the
 * strings are as written, templates are not filled in.
 */
#ifndef POLICY_CONF_H
#define POLICY_CONF_H

#include "policy/address.h"
#include "policy/egress.h"
#include "policy/policy.h"
#include "policy/syscalls.h"

/* Where something was written; for messages. */
struct where {
	const char *file;
	unsigned int line;
};

/*
 * Describes a mistake in the configuration: an ERR_CONFIG that begins with
 * FILE:LINE.  Returns -1.
 */
int where_error(const struct where *where, struct err *err, const char *fmt,
		...) __attribute__((nonnull, format(printf, 3, 4)));

/* A string that was written somewhere; text is NULL if it was not. */
struct text {
	const char *text;
	struct where at;
};

struct texts {
	const struct text *item;
	size_t n;
};

/* A service of the host's: where its sockets are; policy/services.h. */
struct host_service {
	const char *name;
	const char *directory, *target;
	const char *socket, *link; /* or both NULL */
	bool optional;
};

/* "NAME" in a jail's list of services. */
struct service_word {
	const struct host_service *service;
	struct where at;
};

struct bind {
	struct text source, target;
	struct where at;
	bool writable, exec, optional, user;
};

/* "NAME = value" of an env group; value is a template. */
struct variable {
	const char *name;
	struct text value;
};

/* Which system calls are refused: a profile, and what is different. */
struct seccomp_conf {
	enum syscalls_profile profile;
	struct texts allow, deny;
};

/* The group "ports" at the top of the file: EACH ports of the range for each
 * uid from FIRST_UID on.  first is 0 if it is not there. */
struct port_shares {
	struct where at;
	uint16_t first, last;
	uint16_t each;
	uid_t first_uid;
};

/* Which ports of the host's may be bound. */
enum ports_kind {
	PORTS_ANY,
	PORTS_BY_UID, /* COUNT of those that SHARES has for the uid */
	PORTS_OWN,    /* FIRST to LAST */
};

struct ports_conf {
	enum ports_kind kind;
	const struct port_shares *shares;
	uint16_t count;
	uint16_t first, last;
	bool required;
	bool here; /* given in this jail, not inherited */
	struct where at;
};

/* All that its jails may take together. */
struct reseller {
	const char *name;
	struct plan_limit_share shares[PLAN_SHARES];
};

/* Of a tmpfs of its own; 0: not told. */
struct scratch_size {
	uint64_t bytes, files;
};

/* Whence private networks have their addresses: the group of that name. */
struct private_conf {
	struct where at; /* file NULL: it is not there */
	uint32_t first;	 /* of the range */
	uint32_t last;
	const char *range; /* as written */
	uid_t first_uid;   /* who has the first address that a jail can have */
	bool nat;
	struct texts nameservers;
};

/* A word of a jail's list of egress. */
struct egress_word {
	struct egress egress;
	struct text text;
};

struct jail_conf {
	const char *name;
	struct where at;

	struct text root; /* text NULL: the host's system directories */
	bool writable;
	bool root_inside;
	bool passwd_tree;

	uid_t uid;	     /* 0: not told */
	gid_t gid;	     /* 0: not told */
	struct text account; /* name inside */
	struct text home;
	struct text shell;
	struct text former_shell;
	struct text hostname;

	enum plan_network network;
	bool abstract_of_session;
	struct ports_conf ports;
	const struct private_conf *private; /* of the policy; or NULL */
	const struct egress_word *egress;
	size_t n_egress;
	struct text address; /* in a private network; text NULL: by the uid */
	bool private_here;   /* one of these two was given in this jail */
	struct seccomp_conf seccomp;
	struct bind *binds;
	size_t n_binds;
	const struct service_word *services;
	size_t n_services;
	struct texts commands;
	struct texts hide;
	struct texts etc;
	bool etc_given; /* else the list that is compiled in */
	bool etc_here;	/* given in this jail, not inherited */

	struct plan_limit limits[RLIM_NLIMITS];
	struct plan_limit_share shares[PLAN_SHARES];
	const struct reseller *reseller; /* or NULL */
	struct plan_quota quota;
	uint64_t tmp_bytes, tmp_files;
	struct scratch_size shm, run;
	uint32_t terminals, sessions;

	const struct service *doors;
	size_t n_doors;
	struct variable *env;
	size_t n_env;
	struct texts env_keep;
	int32_t umask; /* or PLAN_UMASK_HOST */
	int32_t linger_seconds;
};

/* What a jail is that says nothing. */
extern const struct jail_conf jail_conf_defaults;

/* All that is given must match; n == 0 and NULL: not given. */
struct rule {
	struct where at;
	struct texts users, groups, services;
	struct texts addresses;
	struct address_range *ranges; /* of addresses */
	struct texts keys;	      /* "TYPE BASE64": sshd(8), public keys */
	const char *match;
	bool has_uid;
	uid_t uid_first, uid_last;
	const struct jail_conf *jail;
	const char *told; /* FILE:LINE */
};

struct rules {
	struct rule *item;
	size_t n;
};

struct policy {
	struct arena arena; /* everything below lives in it */
	const char *dir;
	const char *file; /* DIR/jail.conf */
	int dir_fd;
	uid_t trusted;
	struct private_conf private;
	struct host_service *services; /* that the file adds */
	size_t n_services;
	struct port_shares ports;
	struct reseller *resellers;
	size_t n_resellers;
	struct jail_conf *jails;
	size_t n_jails;
	struct rules rules;
	struct texts exempt_groups;
	const char *supposed_name; /* policy_suppose(); or NULL */
	const char *supposed_text;
};

#endif
