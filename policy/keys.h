/* SPDX-License-Identifier: ISC */
/*
 * keys - the keys of a jail, and how each is read
 *
 * One row per key in keys.c; nothing is read that has no row, and nothing
 * has a row that has no effect.
 */
#ifndef POLICY_KEYS_H
#define POLICY_KEYS_H

#include "policy/setting.h"

/* Where a jail is written: that decides about some of the keys. */
enum jail_place {
	JAIL_IN_JAILS, /* below "jails": inherit */
	JAIL_IN_USERS, /* a file in users.d: jail, rules, former_shell */
};

/* The keys for PLACE, for setting_read_group() with a struct jail_conf. */
const struct key *jail_keys(enum jail_place place) __attribute__((const));

/*
 * Checks what no single key can tell: keys that exclude each other.
 * Returns 0, or -1 and an ERR_CONFIG with the line of the jail.
 */
int jail_conf_check(const struct jail_conf *jail, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* Readers of one key each, as in struct key; TARGET is a struct jail_conf. */
int key_binds(const struct reader *reader, const config_setting_t *setting,
	      void *target, struct err *err) __attribute__((nonnull));
int key_services(const struct reader *reader, const config_setting_t *setting,
		 void *target, struct err *err) __attribute__((nonnull));
int key_network(const struct reader *reader, const config_setting_t *setting,
		void *target, struct err *err) __attribute__((nonnull));
int key_egress(const struct reader *reader, const config_setting_t *setting,
	       void *target, struct err *err) __attribute__((nonnull));
int key_address(const struct reader *reader, const config_setting_t *setting,
		void *target, struct err *err) __attribute__((nonnull));
int key_hide(const struct reader *reader, const config_setting_t *setting,
	     void *target, struct err *err) __attribute__((nonnull));
int key_etc(const struct reader *reader, const config_setting_t *setting,
	    void *target, struct err *err) __attribute__((nonnull));
int key_limits(const struct reader *reader, const config_setting_t *setting,
	       void *target, struct err *err) __attribute__((nonnull));
int key_ports_in_jails(const struct reader *reader,
		       const config_setting_t *setting, void *target,
		       struct err *err) __attribute__((nonnull));
int key_ports_in_users(const struct reader *reader,
		       const config_setting_t *setting, void *target,
		       struct err *err) __attribute__((nonnull));
int key_reseller(const struct reader *reader, const config_setting_t *setting,
		 void *target, struct err *err) __attribute__((nonnull));
int key_seccomp(const struct reader *reader, const config_setting_t *setting,
		void *target, struct err *err) __attribute__((nonnull));
int key_doors(const struct reader *reader, const config_setting_t *setting,
	      void *target, struct err *err) __attribute__((nonnull));
int key_commands(const struct reader *reader, const config_setting_t *setting,
		 void *target, struct err *err) __attribute__((nonnull));
int key_env(const struct reader *reader, const config_setting_t *setting,
	    void *target, struct err *err) __attribute__((nonnull));
int key_env_keep(const struct reader *reader, const config_setting_t *setting,
		 void *target, struct err *err) __attribute__((nonnull));

/* A string with a template in it that has been checked. */
int key_template(const struct reader *reader, const config_setting_t *setting,
		 struct text *text, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* The same for a path: it begins with a slash, or with %h. */
int key_path_template(const struct reader *reader,
		      const config_setting_t *setting, struct text *text,
		      struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
