/* SPDX-License-Identifier: ISC */
/*
 * filter SETTING - writes to standard output the seccomp program of a jail
 * with "seccomp = SETTING;", for probe(1) and the bench, which are static
 *
 * With -n, of a jail without a network; with -t N, it is made N times, and the
 * microseconds that one took are told instead.
 */
#include "policy/filter.h"
#include "policy/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static _Noreturn void
die(const char *why)
{
	(void)fprintf(stderr, "filter: %s\n", why);
	exit(1);
}

static void
read_setting(const char *setting, struct arena *arena, struct jail_conf *jail)
{
	const struct reader reader = { arena, "argument", NULL };
	char text[4096];
	config_t config;
	struct err err;

	config_init(&config);
	(void)snprintf(text, sizeof(text), "seccomp = %s;", setting);
	if (config_read_string(&config, text) != CONFIG_TRUE)
		die(config_error_text(&config));
	if (key_seccomp(&reader, config_lookup(&config, "seccomp"), jail,
			&err) < 0)
		die(err.text);
	config_destroy(&config);
}

static double
microseconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void
measure(const struct jail_conf *jail, int times)
{
	const double start = microseconds();
	struct err err;

	for (int i = 0; i < times; i++) {
		struct plan plan = { .network = jail->network };

		if (filter_make(jail, &plan, &err) < 0)
			die(err.text);
		plan_free(&plan);
	}
	(void)printf("%.0f\n", (microseconds() - start) / times);
}

int
main(int argc, char **argv)
{
	struct jail_conf jail = jail_conf_defaults;
	struct arena arena = { .chunks = NULL };
	struct plan plan;
	struct err err;
	int letter, times = 0;

	while ((letter = getopt(argc, argv, "nrt:")) >= 0)
		if (letter == 'n')
			jail.network = PLAN_NETWORK_NONE;
		else if (letter == 'r')
			jail.root_inside = true;
		else if (letter == 't')
			times = (int)strtol(optarg, NULL, 10);
		else
			return 2;
	if (optind + 1 != argc)
		return 2;
	read_setting(argv[optind], &arena, &jail);
	if (times > 0) {
		measure(&jail, times);
		return fflush(stdout);
	}
	plan = (struct plan){ .network = jail.network,
			      .root_inside = jail.root_inside };
	if (filter_make(&jail, &plan, &err) < 0)
		die(err.text);
	(void)fwrite(plan.filter, sizeof(*plan.filter), plan.n_filter, stdout);
	plan_free(&plan);
	arena_free(&arena);
	return fflush(stdout);
}
