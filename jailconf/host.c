/* SPDX-License-Identifier: ISC */
#include "jailconf/host.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "jailconf/doors.h"
#include "jailconf/hostrun.h"
#include "jailconf/sidedoors.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

static const char module_name[] = "pam_jail.so";

const char *
host_module_path(void)
{
	/* libpam's own modules are where libpam looks. */
	return access(PAM_DIR "/pam_permit.so", F_OK) == 0 ? module_name
							   : PAM_DIR
		       "/pam_jail.so";
}

/* --- programs ----------------------------------------------------------- */

static void
check_program(struct report *report, const char *path, mode_t needed,
	      mode_t forbidden)
{
	struct err err = { 0 };
	cleanup_fd int fd = path_open_trusted(path, &err);
	struct stat st;

	if (fd < 0) {
		report_add(report, SEVERITY_ERROR, "install pam_jail again",
			   "%s", err.text);
		return;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    (st.st_mode & needed) != needed)
		report_add(report, SEVERITY_ERROR, "install pam_jail again",
			   "%s: not a file that everybody may use", path);
	else if ((st.st_mode & (S_ISUID | S_ISGID)) != 0)
		report_add(report, SEVERITY_ERROR, "chmod u-s,g-s it",
			   "%s: is set-uid, which it must never be", path);
	else if ((st.st_mode & forbidden) != 0)
		report_add(report, SEVERITY_ERROR, "chmod 0711 it",
			   "%s: others may read it, and so take over the "
			   "terminal of who calls su(1)",
			   path);
}

void
host_check_programs(struct report *report)
{
	check_program(report, PAM_DIR "/pam_jail.so", 0444, 0);
	check_program(report, KEEPER, 0100, 0);
	/* Who may read it may look into it while it starts: execve(2). */
	check_program(report, JAILSH, 0111, S_IRGRP | S_IROTH);
	check_program(report, BROKER, 0100, 0);
	check_program(report, JAIL_ASK, 0555, 0);
}

/* --- PAM ---------------------------------------------------------------- */

static enum door
find_door(const struct service *services, const char *name)
{
	for (; services->name != NULL; services++)
		if (strcmp(services->name, name) == 0)
			return services->door;
	return DOOR_CLOSED;
}

/* What to do about a fault, into TEXT. */
static void
tell_way_out(const struct pam_verdict *verdict, enum pam_type type,
	     const char *service, char *text, size_t size)
{
	const char *const control =
		type == PAM_TYPE_AUTH ? "optional" : "required";

	switch (verdict->fault) {
	case PAM_FAULT_NONE:
		text[0] = '\0';
		break;
	case PAM_FAULT_MISSING:
		(void)snprintf(text, size,
			       "run jailconf setup, or add \"%s %s %s\" as "
			       "the last %s line of %s/%s",
			       pam_type_name(type), control, host_module_path(),
			       pam_type_name(type), pam_directories[0],
			       service);
		break;
	case PAM_FAULT_SKIPPED:
		(void)snprintf(text, size, "change the control [%s] there",
			       verdict->cause->control);
		break;
	case PAM_FAULT_TOOTHLESS:
		(void)snprintf(text, size, "make it \"required\"");
		break;
	case PAM_FAULT_NOT_LAST:
		(void)snprintf(text, size, "move that line up");
		break;
	case PAM_FAULT_USER_ENV:
		(void)snprintf(text, size,
			       "move that line down, or take user_readenv=1 "
			       "out of it");
		break;
	case PAM_FAULT_ARGUMENTS:
		(void)snprintf(text, size, "see pam_jail(8), ARGUMENTS");
		break;
	case PAM_FAULT_ELSEWHERE:
		(void)snprintf(text, size, "take conf= out of it");
		break;
	}
}

struct pam_check {
	struct report *report;
	const struct service *services;
	bool told_root_only; /* once is enough: runuser(1) has two services */
	bool told_module;    /* most services include the same file */
};

/* What only root can use is root's own affair. */
static void
tell_root_only(struct pam_check *check, const char *name, const char *cause)
{
	char way_out[256];

	(void)snprintf(way_out, sizeof(way_out),
		       "use jailconf exec, or have it refused by the line "
		       "\"session required %s\" in %s/runuser",
		       host_module_path(), pam_directories[0]);
	if (!check->told_root_only)
		report_add(check->report, SEVERITY_REMARK, way_out,
			   "pam service %s: what root runs so as a jailed "
			   "account is outside (%s)",
			   name, cause);
	check->told_root_only = true;
}

static void
tell_fault(struct pam_check *check, const char *name, enum pam_type type,
	   const struct pam_verdict *verdict)
{
	const struct door_known *const known = door_known_find(name);
	const bool important = known != NULL ||
			       find_door(check->services, name) != DOOR_CLOSED;
	char cause[512], way_out[256];

	pam_verdict_tell(verdict, type, module_name, cause, sizeof(cause));
	if (known != NULL && known->root_only) {
		tell_root_only(check, name, cause);
		return;
	}
	tell_way_out(verdict, type, name, way_out, sizeof(way_out));
	report_add(check->report, important ? SEVERITY_ERROR : SEVERITY_WARNING,
		   way_out, "pam service %s: %s", name, cause);
}

/* Whether the module that the line names is the one that is installed. */
static void
check_module(struct pam_check *check, const struct pam_line *line)
{
	const char *const wanted = host_module_path();

	if (check->told_module || strcmp(line->module, wanted) == 0 ||
	    strcmp(line->module, PAM_DIR "/pam_jail.so") == 0)
		return;
	report_add(check->report, SEVERITY_ERROR, "run jailconf setup",
		   "%s:%u: names %s, but the module is %s", line->file,
		   line->number, line->module, wanted);
	check->told_module = true;
}

static void
check_service(void *arg, const char *name)
{
	struct pam_check *const check = arg;
	const enum door door = find_door(check->services, name);
	struct door_pam pam;
	enum pam_type type;
	struct err err;

	if (door_pam_read(pam_directories, name, &pam, &err) < 0) {
		report_add(check->report, SEVERITY_ERROR, "",
			   "pam service %s: %s", name, err.text);
		return;
	}
	if (door_pam_fault(&pam, name, door, &type))
		tell_fault(check, name, type, &pam.verdict[type]);
	else
		for (unsigned int i = 0; i < PAM_TYPES; i++)
			if (pam.verdict[i].ours != NULL)
				check_module(check, pam.verdict[i].ours);
	door_pam_free(&pam);
}

/* Files that are for others to include, and what editors and package
 * managers leave, are no services. */
static int
is_service(const struct dirent *entry)
{
	static const char *const others[] = {
		"common-*", ".*",      "*~",	     "*#*",    "*.dpkg-*",
		"*.ucf-*",  "*.pam-*", "*.rpm*",     "*.pac*", "*.apk-*",
		"*.bak",    "*.orig",  "*.old",	     "*.new",  "*.save",
		"*.rej",    "*.tmp",   "*.disabled", "*.sw?",
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (fnmatch(others[i], entry->d_name, 0) == 0)
			return 0;
	return 1;
}

/* Whether an earlier directory has NAME as well: then libpam reads that. */
static bool
is_hidden(size_t directory, const char *name)
{
	for (size_t i = 0; i < directory; i++) {
		cleanup_free char *path = NULL;

		if (asprintf(&path, "%s/%s", pam_directories[i], name) < 0)
			path = NULL;
		else if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

/* Calls FOUND for every service that has a file. */
static int
each_service(void (*found)(void *arg, const char *name), void *arg,
	     struct err *err)
{
	for (size_t i = 0; pam_directories[i] != NULL; i++) {
		struct dirent **entries = NULL;
		const int n = scandir(pam_directories[i], &entries, is_service,
				      alphasort);

		if (n < 0 && (i == 0 || errno != ENOENT))
			return err_errno(err, "%s", pam_directories[i]);
		for (int k = 0; k < n; k++) {
			if (!is_hidden(i, entries[k]->d_name))
				found(arg, entries[k]->d_name);
			free(entries[k]);
		}
		free(entries);
	}
	return 0;
}

static void
look_for_lines(void *arg, const char *name)
{
	bool *const found = arg;
	struct door_pam pam;
	struct err err;

	if (door_pam_read(pam_directories, name, &pam, &err) < 0)
		return;
	for (unsigned int i = 0; i < PAM_TYPES; i++)
		if (pam.verdict[i].ours != NULL)
			*found = true;
	door_pam_free(&pam);
}

bool
host_has_lines(void)
{
	bool found = false;
	struct err err;

	return each_service(look_for_lines, &found, &err) == 0 && found;
}

void
host_check_pam(struct report *report, const struct service *services)
{
	struct pam_check check = { .report = report, .services = services };
	struct err err;

	if (!host_has_lines())
		report_add(report, SEVERITY_ERROR, "run jailconf setup",
			   "no pam service calls %s: nobody is jailed",
			   module_name);
	else if (each_service(check_service, &check, &err) < 0)
		report_add(report, SEVERITY_ERROR, "", "%s", err.text);
}

size_t
host_count_uncovered(const struct service *services, const char **example)
{
	size_t n = 0;

	*example = "";
	for (; services->name != NULL; services++) {
		struct door_pam pam;
		enum pam_type type;
		struct err err;

		if (door_pam_read(pam_directories, services->name, &pam, &err) <
		    0) {
			*example = services->name;
			n++;
			continue;
		}
		if (pam.exists && door_pam_fault(&pam, services->name,
						 services->door, &type)) {
			*example = services->name;
			n++;
		}
		door_pam_free(&pam);
	}
	return n;
}

/* --- settings ----------------------------------------------------------- */

/* Whether the text has the line "NAME VALUE", as sshd -T prints it. */
static bool
has_setting(const char *text, const char *name, const char *value)
{
	cleanup_free char *line = NULL;

	if (asprintf(&line, "\n%s %s\n", name, value) < 0) {
		line = NULL;
		return false;
	}
	return strstr(text, line) != NULL;
}

/* Returns what sshd(8) goes by, in ARENA; NULL if it does not tell. */
static const char *
read_sshd(struct arena *arena)
{
	/* -G, since 9.3, needs neither keys nor a running service. */
	static const char *const arguments[] = { "-G", "-T" };
	const char *settings = NULL;
	struct err err;

	for (size_t i = 0; i < 2 && settings == NULL; i++) {
		const char *const argv[] = { PROGRAM_SSHD, arguments[i], NULL };

		settings = host_read(argv, arena, &err);
	}
	return settings;
}

enum host_sshd
host_sshd_look(void)
{
	enum host_sshd look = HOST_SSHD_PAM;
	struct arena arena = { 0 };
	const char *settings;

	if (access(PROGRAM_SSHD, X_OK) != 0 || geteuid() != 0)
		return HOST_SSHD_NONE;
	settings = read_sshd(&arena);
	if (settings == NULL)
		look = HOST_SSHD_UNKNOWN;
	else if (has_setting(settings, "usepam", "no"))
		look = HOST_SSHD_NO_PAM;
	arena_free(&arena);
	return look;
}

static void
check_sshd(struct report *report)
{
	switch (host_sshd_look()) {
	case HOST_SSHD_NONE:
	case HOST_SSHD_PAM:
		break;
	case HOST_SSHD_NO_PAM:
		report_add(report, SEVERITY_ERROR,
			   "set UsePAM yes in sshd_config(5)",
			   "sshd does not use pam: nobody who comes by ssh is "
			   "jailed");
		break;
	case HOST_SSHD_UNKNOWN:
		report_add(report, SEVERITY_WARNING, "see " PROGRAM_SSHD " -T",
			   "sshd does not tell its settings, so whether it "
			   "uses pam is not known");
		break;
	}
}

/* su(1) lets anybody choose another shell for an account whose own is in
 * /etc/shells, and then jailsh(8) is not asked. */
static void
check_shells(struct report *report)
{
	if (shell_is_listed(JAILSH))
		report_add(report, SEVERITY_ERROR, "take it out",
			   "/etc/shells lists %s: su -s would go past it",
			   JAILSH);
}

void
host_check_settings(struct report *report)
{
	check_sshd(report);
	check_shells(report);
}
