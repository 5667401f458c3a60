/* SPDX-License-Identifier: ISC */
#include "jailconf/sidedoors.h"

#include "base/cleanup.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- what the host has --------------------------------------------------- */

static bool
is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* The first of PATHS (NULL-terminated) that is there, or NULL. */
static const char *
find_first(const char *const *paths)
{
	while (*paths != NULL && !is_there(*paths))
		paths++;
	return *paths;
}

static bool
is_called(int proc, const char *pid, const char *name)
{
	char path[NAME_MAX + 16], comm[32] = "";
	cleanup_fd int fd = -1;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "%s/comm", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, comm, sizeof(comm) - 1);
	comm[n < 0 ? 0 : n] = '\0';
	comm[strcspn(comm, "\n")] = '\0';
	return strcmp(comm, name) == 0;
}

static bool
runs_now(const char *name)
{
	DIR *const proc = opendir("/proc");
	const struct dirent *entry;
	bool found = false;

	while (proc != NULL && !found && (entry = readdir(proc)) != NULL)
		found = isdigit((unsigned char)entry->d_name[0]) &&
			is_called(dirfd(proc), entry->d_name, name);
	if (proc != NULL)
		(void)closedir(proc);
	return found;
}

void
sidedoors_find(struct sidedoors *sidedoors)
{
	/* The program alone may be there for its key tools, or to unlock
	 * disks before the system starts. */
	static const char *const dropbear[] = {
		"/etc/init.d/dropbear", "/lib/systemd/system/dropbear.service",
		"/etc/systemd/system/dropbear.service", NULL
	};
	static const char *const mailers[] = { "/usr/sbin/exim4",
					       "/usr/sbin/exim",
					       "/usr/lib/postfix/sbin/local",
					       "/usr/libexec/postfix/local",
					       "/usr/sbin/sendmail.sendmail",
					       NULL };

	sidedoors->dropbear =
		find_first(dropbear) != NULL || runs_now("dropbear");
	sidedoors->mailer = find_first(mailers);
}

/* --- what it does for one account ---------------------------------------- */

const char *
sidedoor_name(enum sidedoor door)
{
	static const char *const names[] = {
		[SIDEDOOR_DROPBEAR] = "dropbear",
		[SIDEDOOR_FORWARD] = "~/.forward",
		[SIDEDOOR_LINGER] = "linger",
	};

	return names[door];
}

bool
shell_is_listed(const char *shell)
{
	const char *listed;
	bool found = false;

	setusershell();
	while (!found && (listed = getusershell()) != NULL)
		found = strcmp(listed, shell) == 0;
	endusershell();
	return found;
}

static void
look_at_dropbear(const struct account *account, struct door_view *view)
{
	const bool listed = shell_is_listed(account->shell);

	view->end = listed ? DOOR_END_OUTSIDE : DOOR_END_REFUSED;
	(void)snprintf(view->why, sizeof(view->why),
		       "it does not use pam, and /etc/shells %s %s",
		       listed ? "lists" : "does not list", account->shell);
}

static bool
look_at_forward(const char *mailer, const struct account *account,
		struct door_view *view)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s/.forward", account->home);
	if (mailer == NULL || !is_there(path))
		return false;
	view->end = DOOR_END_OUTSIDE;
	(void)snprintf(view->why, sizeof(view->why),
		       "%s does not use pam, and runs what %.300s pipes to",
		       mailer, path);
	return true;
}

static bool
look_at_linger(const struct account *account, struct door_view *view)
{
	char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "/var/lib/systemd/linger/%s",
		       account->name);
	if (!is_there(path))
		return false;
	view->end = DOOR_END_REFUSED;
	(void)snprintf(view->why, sizeof(view->why),
		       "systemd tries it at every start of the host");
	return true;
}

bool
sidedoor_look(const struct sidedoors *sidedoors, enum sidedoor door,
	      const struct account *account, struct door_view *view)
{
	*view = (struct door_view){ .end = DOOR_END_REFUSED };
	switch (door) {
	case SIDEDOOR_DROPBEAR:
		look_at_dropbear(account, view);
		return sidedoors->dropbear;
	case SIDEDOOR_FORWARD:
		return look_at_forward(sidedoors->mailer, account, view);
	case SIDEDOOR_LINGER:
		return look_at_linger(account, view);
	}
	return false;
}
