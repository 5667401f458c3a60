/* SPDX-License-Identifier: ISC */
/*
 * conf - a configuration of the test's own, /conf, in a test world
 */
#ifndef TEST_CONF_H
#define TEST_CONF_H

#include "policy/policy.h"
#include "test.h"

#define CONF	   "/conf"
#define FILE_PATH  CONF "/jail.conf"
#define USERS_PATH CONF "/users.d"

/* A group setup function: an empty configuration. */
static inline int
make_conf(void **state)
{
	(void)state;
	require_world();
	(void)mkdir(CONF, 0755);
	(void)mkdir(USERS_PATH, 0755);
	write_text(FILE_PATH, "jails = { };");
	return 0;
}

static const struct visit any = { .service = NULL };
static const struct visit ssh = { .service = "sshd" };

/* Loads jail.conf with TEXT in it, and no jails if that has none; it must
 * load. */
static inline struct policy *
load_text(const char *text)
{
	struct policy *policy;
	struct err err = { .text = "" };

	char *whole = NULL;

	assert_true(asprintf(&whole, "%s%s", text,
			     strstr(text, "jails =") == NULL ? " jails = { };"
							     : "") > 0);
	write_text(FILE_PATH, whole);
	free(whole);
	policy = policy_load(CONF, 0, &err);
	if (policy == NULL)
		fail_msg("%s\n%s", text, err.text);
	return policy;
}

/* Looks NAME up; it must be there. */
static inline struct account
look_up(const char *name)
{
	struct account account;
	struct err err = { .text = "" };

	if (account_lookup(name, &account, &err) < 0)
		fail_msg("%s", err.text);
	return account;
}

#endif
