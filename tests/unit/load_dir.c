/* SPDX-License-Identifier: ISC */
/*
 * load_dir DIR [NAME] - loads DIR/jail.conf, and the file of the account
 * NAME in DIR/users.d; for tests/lint/examples.sh
 */
#include "policy/policy.h"

#include <stdio.h>
#include <stdlib.h>

static int
load(const char *dir, const char *name, struct err *err)
{
	const struct account account = { .name = name, .uid = 20001 };
	struct policy *policy = policy_load(dir, 0, err);
	struct decision decision;
	int ret = 0;

	if (policy == NULL)
		return -1;
	if (name[0] != '\0')
		ret = policy_decide(policy, &account,
				    &(struct visit){ .service = NULL },
				    &decision, err);
	policy_free(policy);
	return ret;
}

int
main(int argc, char **argv)
{
	struct err err;

	if (argc < 2 || argc > 3) {
		(void)fputs("usage: load_dir directory [name]\n", stderr);
		return EXIT_FAILURE;
	}
	if (load(argv[1], argc == 3 ? argv[2] : "", &err) < 0) {
		(void)fprintf(stderr, "%s\n", err.text);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
