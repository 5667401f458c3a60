/* SPDX-License-Identifier: ISC */
#include "jailconf/liveplanted.h"

#include "jailconf/hostrun.h"
#include "jailconf/liverun.h"
#include "jailconf/output.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PROGRAM_EXIM "/usr/sbin/exim4"

enum {
	ASK_SECONDS = 30,
	CRON_SECONDS = 70, /* cron(8) looks every minute */
};

static bool
is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

static void
hear_nothing(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

void
planted_heard(void *arg, const char *line)
{
	struct live *const live = arg;

	if (strcmp(line, "planted unit") == 0)
		live->planted_unit = true;
	else if (strcmp(line, "planted forward") == 0)
		live->planted_forward = true;
	else if (strcmp(line, "planted environment") == 0)
		live->planted_environment = true;
	else if (strcmp(line, "ran cron") == 0)
		live->ran_cron = true;
	else if (strcmp(line, "ran unit") == 0)
		live->ran_unit = true;
	else if (strncmp(line, "n/a ", 4) == 0 ||
		 strncmp(line, "left ", 5) == 0)
		out_error("%s: %s", live->account->name, line);
}

/* A job of the account's, as in its own crontab, which stays as it is. */
int
planted_job(struct live *live, struct err *err)
{
	const char *text;

	if (live->host.cron == NULL)
		return 0;
	text = arena_printf(&live->host.arena, err,
			    "* * * * * %s %s/.jail-live.%s/escape --where %s "
			    "cron\n",
			    live->account->name, live->account->home,
			    live->host.nonce, live->host.nonce);
	return text == NULL ? -1 : live_write(live->host.cron, text, err);
}

/* The user manager, which would run the account's units outside. */
void
planted_try_unit(struct live *live)
{
	char unit[48];
	const char *const ask[] = { PROGRAM_SYSTEMCTL, "is-active", "--quiet",
				    unit, NULL };
	const char *const start[] = { PROGRAM_SYSTEMCTL, "start", unit, NULL };
	const char *const stop[] = { PROGRAM_SYSTEMCTL, "stop", unit, NULL };
	struct live_program program = { .input = -1, .seconds = ASK_SECONDS };
	const struct live_listener nobody = { hear_nothing, NULL };
	struct err err;

	(void)snprintf(unit, sizeof(unit), "user@%u.service",
		       live->account->uid);
	if (!is_there("/run/systemd/system") || !live->planted_unit) {
		live_tell(live, "systemd", "planted.unit", NOT_HERE,
			  live->planted_unit ? "no systemd runs"
					     : "it could not be planted");
		return;
	}
	program.argv = ask;
	if (live_run(&program, &nobody, &err) == 0) {
		live_tell(live, "systemd", "planted.unit", ESCAPED,
			  "its user manager runs already");
		return;
	}
	program.argv = start;
	if (live_run(&program, &nobody, &err) == 0) {
		/* Ready is not the same as: has started what it wants. */
		live_pause(2);
		live_tell(live, "systemd", "planted.unit", ESCAPED,
			  live_host_marked(&live->host, "unit")
				  ? "it ran outside"
				  : "the user manager has started");
		program.argv = stop;
		program.stubborn = true;
		(void)!live_run(&program, &nobody, &err);
		return;
	}
	live_tell(live, "systemd", "planted.unit", CONTAINED,
		  "the user manager was refused");
}

static void
hear_route(void *arg, const char *line)
{
	bool *const piped = arg;

	/* "|/home/..." or "-> |/home/..."; see exim4(8), -bt. */
	*piped = *piped || strstr(line, "escape --where") != NULL;
}

/* Where mail would go; none is sent. */
void
planted_try_forward(struct live *live)
{
	bool piped = false;
	const char *const argv[] = { PROGRAM_EXIM, "-bt", live->account->name,
				     NULL };
	const struct live_program program = { .argv = argv,
					      .input = -1,
					      .seconds = ASK_SECONDS };
	const struct live_listener listener = { hear_route, &piped };
	struct err err;

	if (!live->planted_forward)
		live_tell(live, "mail", "planted.forward", NOT_HERE,
			  "it could not be planted");
	else if (!is_there(PROGRAM_EXIM))
		live_tell(live, "mail", "planted.forward", NOT_HERE,
			  "only exim4 can be asked without sending mail");
	else if (live_run(&program, &listener, &err) < 0)
		live_tell(live, "mail", "planted.forward", NOT_HERE, err.text);
	else
		live_tell(live, "mail", "planted.forward",
			  piped ? ESCAPED : CONTAINED,
			  piped ? "exim4 would run what it pipes to, "
				  "outside: see jail(7), DOORS"
				: "no pipe is run");
}

/* cron(8) has looked at its files once in this time. */
void
planted_wait(const struct live *live, time_t since)
{
	while (live->host.cron != NULL && !live_interrupted() &&
	       !live_host_marked(&live->host, "cron") &&
	       time(NULL) < since + CRON_SECONDS)
		live_pause(1);
}

/* Of what others have run, after all doors were tried. */
void
planted_tell(struct live *live)
{
	const struct live_host *const host = &live->host;

	if (host->cron == NULL)
		live_tell(live, "cron", "planted.job", NOT_HERE,
			  "no cron runs");
	else if (live_host_marked(host, "cron"))
		live_tell(live, "cron", "planted.job", ESCAPED,
			  "it ran outside");
	else
		live_tell(live, "cron", "planted.job", CONTAINED,
			  live->ran_cron ? "it ran in the jail"
					 : "it was not run");
	if (live_host_marked(host, "environment"))
		live_tell(live, "pam", "planted.environment", ESCAPED,
			  "a program outside ran with ~/.pam_environment");
	else if (live->planted_environment)
		live_tell(live, "pam", "planted.environment", CONTAINED,
			  "no program outside ran with it");
	else
		live_tell(live, "pam", "planted.environment", NOT_HERE,
			  "it could not be planted");
	if (live_host_hurt(host))
		live_tell(live, "any", "planted.process", ESCAPED,
			  "a process of the host's was killed");
	else
		live_tell(live, "any", "planted.process", CONTAINED,
			  "the host's processes are alive");
}
