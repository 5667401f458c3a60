/* SPDX-License-Identifier: ISC */
/*
 * jail-ask - stands where passwd(1), crontab(1) and sendmail(8) are in a jail,
 * and asks jail-broker(8) to run the host's
 */
#include "broker/ask.h"

#include "jail/run.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int
run_passwd(const char *const *argv, size_t argc, struct err *err)
{
	const struct talk talk = { .input = STDIN_FILENO,
				   .output = STDOUT_FILENO,
				   .secret = true };

	return talk_run(argv, argc, &talk, err);
}

static int
run_sendmail(const char *const *argv, size_t argc, struct err *err)
{
	const struct talk talk = { .input = STDIN_FILENO,
				   .output = STDOUT_FILENO };

	return talk_run(argv, argc, &talk, err);
}

static const struct {
	const char *name;
	int (*run)(const char *const *argv, size_t argc, struct err *err);
	int refused; /* exit status: what callers of it know as "no" */
} programs[] = {
	{ "crontab", crontab_run, 1 },
	{ "passwd", run_passwd, 1 },
	{ "sendmail", run_sendmail, 75 }, /* EX_TEMPFAIL: sysexits.h */
};

int
main(int argc, char **argv)
{
	const char *name = argc > 0 ? strrchr(argv[0], '/') : NULL;
	struct err err = { .text = "" };

	if (argc < 1 || run_check_stdio(&err) < 0)
		return 1;
	name = name != NULL ? name + 1 : argv[0];
	argv[0] = (char *)(uintptr_t)name;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		int status;

		if (strcmp(programs[i].name, name) != 0)
			continue;
		status = programs[i].run((const char *const *)(uintptr_t)argv,
					 (size_t)argc, &err);
		if (status >= 0)
			return status;
		(void)fprintf(stderr, "%s: %s\n", name, err.text);
		return programs[i].refused;
	}
	(void)fprintf(stderr, "%s: not in this jail\n", name);
	return 1;
}
