/* SPDX-License-Identifier: ISC */
#include "jailconf/unit.h"

#include "jailconf/hostrun.h"

#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#define UNIT_NAME "jail.service"

/* By its path: it may have been installed where systemd does not look. */
static const char unit_path[] = SYSTEMD_UNIT_DIR "/" UNIT_NAME;

/* sd_booted(3); and in a hybrid hierarchy systemd's tree is version 1's. */
static bool
is_for_this_host(void)
{
	struct statfs fs;

	return access("/run/systemd/system", F_OK) == 0 &&
	       access(PROGRAM_SYSTEMCTL, X_OK) == 0 &&
	       statfs("/sys/fs/cgroup", &fs) == 0 &&
	       fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* Whether systemctl(1) says yes to WHAT, "is-active" or "is-enabled". */
static bool
asks_yes(const char *what)
{
	const char *const argv[] = { PROGRAM_SYSTEMCTL, "--quiet", what,
				     UNIT_NAME, NULL };
	struct err err;

	return host_run(argv, &err) == 0;
}

int
unit_enable(int *changes, struct err *err)
{
	const char *const argv[] = { PROGRAM_SYSTEMCTL, "--quiet", "enable",
				     "--now",		unit_path, NULL };

	if (!is_for_this_host() ||
	    (asks_yes("is-enabled") && asks_yes("is-active")))
		return 0;
	if (host_run(argv, err) < 0)
		return -1;
	out_line("enabled and started " UNIT_NAME
		 "; undo: systemctl disable --now " UNIT_NAME);
	(*changes)++;
	return 0;
}

int
unit_disable(int *changes, struct err *err)
{
	const char *const argv[] = { PROGRAM_SYSTEMCTL, "--quiet", "disable",
				     "--now",		UNIT_NAME, NULL };

	if (!is_for_this_host() || !asks_yes("is-enabled"))
		return 0;
	if (host_run(argv, err) < 0)
		return -1;
	out_line("disabled and stopped " UNIT_NAME);
	(*changes)++;
	return 0;
}

void
unit_check(struct report *report)
{
	if (is_for_this_host() && !asks_yes("is-active"))
		report_add(report, SEVERITY_WARNING, "run jailconf setup",
			   UNIT_NAME " does not run: systemd does not know of "
				     "the jails' control groups");
}
