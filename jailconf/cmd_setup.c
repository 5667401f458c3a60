/* SPDX-License-Identifier: ISC */
/* jailconf setup, jailconf unsetup */
#include "base/cleanup.h"
#include "base/path.h"
#include "jailconf/doors.h"
#include "jailconf/host.h"
#include "jailconf/hostrun.h"
#include "jailconf/output.h"
#include "jailconf/rewrite.h"
#include "jailconf/unit.h"
#include "jailconf/verbs.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define PROFILE_DIR  "/usr/share/pam-configs"
#define PROFILE_NAME "jail"
/* Where pam-auth-update(8) remembers what it wrote. */
#define MEMORY_DIR "/var/lib/pam"

static int
make_directories(int *changes, struct err *err)
{
	/* What accounts keep of their changes to a tree is nobody else's to
	 * see; there may be set-uid files among it. */
	static const struct {
		const char *path;
		mode_t mode;
	} rows[] = { { CONF_DIR, 0755 },
		     { CONF_DIR "/users.d", 0755 },
		     { STATE_DIR, 0755 },
		     { STATE_DIR "/overlay", 0700 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool made;

		if (directory_make(rows[i].path, rows[i].mode, &made, err) < 0)
			return -1;
		if (made)
			out_line("made %s; undo: rmdir %s", rows[i].path,
				 rows[i].path);
		*changes += made;
	}
	return 0;
}

static int
write_default(struct arena *arena, int *changes, struct err *err)
{
	const char *text;

	if (access(CONF_DIR "/jail.conf", F_OK) == 0)
		return 0;
	text = file_read(DATA_DIR "/jail.conf", arena, err);
	if (text == NULL ||
	    file_replace(CONF_DIR, NULL, "jail.conf", text, err) < 0)
		return -1;
	out_line("wrote " CONF_DIR "/jail.conf; undo: rm " CONF_DIR
		 "/jail.conf");
	(*changes)++;
	return 0;
}

/* The profile for pam-auth-update(8), with the path that the module has. */
static const char *
make_profile(struct arena *arena, struct err *err)
{
	static const char name[] = "pam_jail.so";
	const char *const module = host_module_path();
	const char *text = file_read(DATA_DIR "/pam-configs/jail", arena, err);
	const char *profile = "";

	while (text != NULL && profile != NULL) {
		const char *const found = strstr(text, name);

		if (found == NULL)
			return arena_printf(arena, err, "%s%s", profile, text);
		profile = arena_printf(arena, err, "%s%.*s%s", profile,
				       (int)(found - text), text, module);
		text = found + strlen(name);
	}
	return NULL;
}

static int
write_profile(struct arena *arena, int *changes, struct err *err)
{
	const char *const profile = make_profile(arena, err);
	const char *old;

	if (profile == NULL)
		return -1;
	old = file_read(PROFILE_DIR "/" PROFILE_NAME, arena, err);
	if (old != NULL && strcmp(old, profile) == 0)
		return 0;
	if (old == NULL && err->errnum != ENOENT)
		return -1;
	if (file_replace(PROFILE_DIR, NULL, PROFILE_NAME, profile, err) < 0)
		return -1;
	out_line("wrote " PROFILE_DIR "/" PROFILE_NAME
		 "; undo: jailconf unsetup");
	(*changes)++;
	return 0;
}

/* Of a stack of /etc/pam.d, what pam-auth-update(8) knows of it. */
struct memory {
	const char *path, *next;
	const char *lines; /* the stack now */
	const char *known; /* what it remembers to have written */
	const char *fresh; /* what it was about to remember */
};

static int
read_memory(const char *type, struct memory *memory, struct arena *arena,
	    struct err *err)
{
	const char *const stack =
		arena_printf(arena, err, "/etc/pam.d/common-%s", type);
	struct err missing;

	memory->path = arena_printf(arena, err, MEMORY_DIR "/%s", type);
	memory->next = arena_printf(arena, err, MEMORY_DIR "/%s.new", type);
	if (stack == NULL || memory->path == NULL || memory->next == NULL)
		return -1;
	memory->lines = file_read(stack, arena, &missing);
	memory->known = file_read(memory->path, arena, &missing);
	memory->fresh = file_read(memory->next, arena, &missing);
	return 0;
}

static bool
names_us(const char *text)
{
	return text != NULL && strstr(text, "pam_jail.so") != NULL;
}

/*
 * A pam-auth-update(8) that is killed between its two renames has changed
 * /etc/pam.d/common-TYPE but not its memory of it, and from then on takes
 * our line for the administrator's, and refuses to work.  What it was about
 * to remember is there as TYPE.new: finish for it.
 */
static int
finish_memory(int *changes, struct arena *arena, struct err *err)
{
	static const char *const types[] = { "auth",
					     "account",
					     "password",
					     "session",
					     "session-noninteractive",
					     NULL };

	for (size_t i = 0; types[i] != NULL; i++) {
		struct memory memory;

		if (read_memory(types[i], &memory, arena, err) < 0)
			return -1;
		if (!names_us(memory.lines) || names_us(memory.known) ||
		    !names_us(memory.fresh))
			continue;
		if (rename(memory.next, memory.path) < 0)
			return err_errno(err, "rename %s", memory.next);
		out_line("finished what an interrupted pam-auth-update had "
			 "begun (%s)",
			 memory.path);
		(*changes)++;
	}
	return 0;
}

static bool
can_update_pam(void)
{
	return access(PROGRAM_PAM_AUTH_UPDATE, X_OK) == 0;
}

static int
update_pam(const char *what, struct err *err)
{
	const char *const argv[] = { PROGRAM_PAM_AUTH_UPDATE, "--package", what,
				     PROFILE_NAME, NULL };

	return host_run(argv, err);
}

static void
tell_by_hand(void)
{
	const char *const module = host_module_path();

	out_line("there is no " PROGRAM_PAM_AUTH_UPDATE
		 " here: add these lines by hand");
	out_line("  for every service that starts sessions:");
	out_line("    account required %s", module);
	out_line("  for sshd and cron, as the last auth line:");
	out_line("    auth optional %s", module);
	out_line("  for every service, as the last session line:");
	out_line("    session required %s", module);
	out_line("then see what jailconf check says");
}

/* Puts our lines into the stacks, if they are not there. */
static int
enable_pam(struct arena *arena, int *changes, struct err *err)
{
	const char *service;

	if (finish_memory(changes, arena, err) < 0 ||
	    write_profile(arena, changes, err) < 0)
		return -1;
	if (*changes == 0 && host_count_uncovered(door_usual, &service) == 0)
		return 0;
	if (update_pam("--enable", err) < 0)
		return -1;
	if (!host_has_lines())
		return 0; /* it left everything alone: verify() tells */
	out_line("enabled pam_jail in /etc/pam.d/common-* (pam-auth-update); "
		 "undo: jailconf unsetup");
	(*changes)++;
	return 0;
}

/* A module that cannot be loaded would keep everybody out. */
static int
require_programs(struct err *err)
{
	static const char *const paths[] = { PAM_DIR "/pam_jail.so", KEEPER,
					     JAILSH };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		cleanup_fd int fd = path_open_trusted(paths[i], err);

		if (fd < 0)
			return -1;
	}
	return 0;
}

static int
setup(struct arena *arena, int *changes, struct err *err)
{
	cleanup_fd int lock = -1;

	if (require_programs(err) < 0 || make_directories(changes, err) < 0)
		return -1;
	lock = directory_lock(CONF_DIR, err);
	if (lock < 0 || write_default(arena, changes, err) < 0 ||
	    unit_enable(changes, err) < 0)
		return -1;
	if (can_update_pam())
		return enable_pam(arena, changes, err);
	return 0;
}

/* The last word is the check's, whatever was done. */
static bool
verify(void)
{
	struct report report;

	report_open(&report, false);
	report.least = SEVERITY_WARNING;
	host_check_programs(&report);
	host_check_pam(&report, door_usual);
	host_check_settings(&report);
	return report_close(&report);
}

int
cmd_setup(const struct call *call)
{
	struct arena arena = { 0 };
	struct err err = { 0 };
	int changes = 0;
	const int ret = setup(&arena, &changes, &err);

	(void)call;
	arena_free(&arena);
	if (ret < 0) {
		out_failure("setup", &err);
		return STATUS_PROBLEM;
	}
	if (!can_update_pam() && !host_has_lines()) {
		tell_by_hand();
		return STATUS_PROBLEM;
	}
	if (!verify()) {
		if (can_update_pam())
			out_error("setup: the pam files are not right yet; if "
				  "/etc/pam.d/common-* were changed by hand, "
				  "pam-auth-update leaves them alone");
		return STATUS_PROBLEM;
	}
	if (changes == 0)
		out_line("nothing to do: pam_jail is set up");
	else
		out_line("next: jailconf add USER");
	return STATUS_FINE;
}

/* --- unsetup ------------------------------------------------------------ */

static int
is_user_file(const struct dirent *entry)
{
	return name_is_plain(entry->d_name);
}

/* Accounts that "add" has jailed: without PAM their login shell keeps them
 * out, and everything that does not need a shell lets them out. */
static int
require_nobody(bool force, struct err *err)
{
	struct dirent **entries = NULL;
	const int n =
		scandir(CONF_DIR "/users.d", &entries, is_user_file, alphasort);
	char example[NAME_MAX + 1] = "";

	if (n < 0 && errno != ENOENT)
		return err_errno(err, CONF_DIR "/users.d");
	if (n > 0)
		(void)snprintf(example, sizeof(example), "%s",
			       entries[0]->d_name);
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	if (n <= 0)
		return 0;
	if (!force)
		return err_set(err, ERR_REFUSED,
			       "there are accounts in " CONF_DIR "/users.d: %d "
			       "(%s): jailconf unjail them first, or say "
			       "--force",
			       n, example);
	out_line("warning: accounts in " CONF_DIR "/users.d: %d (%s): they get "
		 "in unjailed by ssh and cron, and not at all by su",
		 n, example);
	return 0;
}

static int
remove_profile(int *changes, struct err *err)
{
	bool was_there;

	if (access(PROFILE_DIR, F_OK) != 0)
		return 0;
	if (file_remove(PROFILE_DIR, PROFILE_NAME, &was_there, err) < 0)
		return -1;
	if (was_there)
		out_line("removed " PROFILE_DIR "/" PROFILE_NAME);
	*changes += was_there;
	return 0;
}

static int
disable_pam(struct arena *arena, int *changes, struct err *err)
{
	if (can_update_pam() && host_has_lines()) {
		if (finish_memory(changes, arena, err) < 0 ||
		    update_pam("--remove", err) < 0)
			return -1;
		if (!host_has_lines()) {
			out_line("took pam_jail out of /etc/pam.d/common-* "
				 "(pam-auth-update)");
			(*changes)++;
		}
	}
	if (!host_has_lines())
		return 0;
	return err_set(err, ERR_REFUSED,
		       "files in %s still name pam_jail.so: take those lines "
		       "out before the module goes away, or nobody can log in",
		       pam_directories[0]);
}

static int
unsetup(bool force, int *changes, struct err *err)
{
	struct arena arena = { 0 };
	int ret = require_nobody(force, err);

	if (ret == 0)
		ret = disable_pam(&arena, changes, err);
	if (ret == 0)
		ret = remove_profile(changes, err);
	if (ret == 0)
		ret = unit_disable(changes, err);
	arena_free(&arena);
	return ret;
}

int
cmd_unsetup(const struct call *call)
{
	struct err err = { 0 };
	int changes = 0;

	if (unsetup(call->force, &changes, &err) < 0) {
		out_failure("unsetup", &err);
		return STATUS_PROBLEM;
	}
	if (changes == 0)
		out_line("nothing to do: pam_jail is not set up");
	else
		out_line("left alone: " CONF_DIR "; undo: jailconf setup");
	return STATUS_FINE;
}
