/* SPDX-License-Identifier: ISC */
#include "jailconf/running.h"

#include "base/cleanup.h"
#include "base/seal.h"
#include "jail/cgroup.h"
#include "jail/registry.h"
#include "jail/wire.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static int
ask(int sock, struct wire_msg *answer, struct wire_fds *fds, struct err *err)
{
	struct wire_msg question = { .kind = WIRE_STATUS };

	if (wire_send(sock, &question, NULL, 0, err) < 0 ||
	    wire_recv(sock, answer, fds, err) < 0)
		return -1;
	if (answer->kind == WIRE_REFUSE)
		return err_set(err, ERR_REFUSED, "%s", answer->text);
	if (answer->kind != WIRE_STATUS || fds->n < 1)
		return err_set(err, ERR_UNSAFE, "not an answer to STATUS");
	return 0;
}

int
running_ask(const struct running_name *name, struct running_jail *jail,
	    struct err *err)
{
	cleanup_wire_fds struct wire_fds fds = WIRE_FDS_NONE;
	cleanup_fd int sock = registry_connect(name->uid, name->jail, err);
	struct wire_msg answer;

	if (sock < 0 || ask(sock, &answer, &fds, err) < 0 ||
	    plan_open(fds.fd[0], &jail->plan, err) < 0)
		return -1;
	jail->uid = name->uid;
	jail->sessions = answer.sessions;
	jail->init = answer.init_pid;
	jail->since = answer.started;
	jail->use.memory_bytes = answer.memory_bytes;
	jail->use.pids = answer.pids;
	jail->bytes =
		seal_read(fds.fd[0], &jail->plan.arena, &jail->n_bytes, err);
	if (jail->bytes == NULL) {
		plan_free(&jail->plan);
		return -1;
	}
	return 0;
}

static int
ask_session(int sock, size_t number, struct wire_msg *answer, struct err *err)
{
	cleanup_wire_fds struct wire_fds fds = WIRE_FDS_NONE;
	struct wire_msg question = { .kind = WIRE_SESSION,
				     .value = (int32_t)number };

	if (wire_send(sock, &question, NULL, 0, err) < 0 ||
	    wire_recv(sock, answer, &fds, err) < 0)
		return -1;
	if (answer->kind == WIRE_REFUSE)
		return err_set(err, ERR_GONE, "%s", answer->text);
	if (answer->kind != WIRE_SESSION)
		return err_set(err, ERR_UNSAFE, "not an answer to SESSION");
	return 0;
}

int
running_each_session(const struct running_name *name,
		     running_session_show *show, void *data, struct err *err)
{
	cleanup_fd int sock = registry_connect(name->uid, name->jail, err);
	struct wire_msg answer;

	if (sock < 0)
		return err->kind == ERR_GONE ? 0 : -1;
	for (size_t i = 0; ask_session(sock, i, &answer, err) == 0; i++) {
		const struct running_session session = {
			.pid = answer.value,
			.since = answer.started,
			.label = answer.text,
		};

		show(&session, data);
	}
	return err->kind == ERR_GONE ? 0 : -1;
}

static int
is_uid(const struct dirent *entry)
{
	const size_t len = strlen(entry->d_name);

	return len > 0 && strspn(entry->d_name, "0123456789") == len;
}

/* scandir(3) sorts names; numbers of more digits are larger. */
static int
compare_uids(const struct dirent **a, const struct dirent **b)
{
	const size_t la = strlen((*a)->d_name), lb = strlen((*b)->d_name);

	return la != lb ? (la < lb ? -1 : 1)
			: strcmp((*a)->d_name, (*b)->d_name);
}

/* What has been found so far. */
struct list {
	struct running_name *names;
	size_t n;
};

static int
add_name(struct list *list, uid_t uid, const char *jail, struct err *err)
{
	struct running_name *const grown =
		reallocarray(list->names, list->n + 1, sizeof(*grown));

	if (grown == NULL)
		return err_errno(err, "memory");
	list->names = grown;
	grown[list->n].uid = uid;
	(void)snprintf(grown[list->n].jail, sizeof(grown[list->n].jail), "%s",
		       jail);
	list->n++;
	return 0;
}

static int
is_name(const struct dirent *entry)
{
	return name_is_plain(entry->d_name);
}

/* Adds what there is in RUN_DIR/UID. */
static int
add_account(struct list *list, uid_t uid, struct err *err)
{
	char path[sizeof(RUN_DIR) + 16];
	struct dirent **entries = NULL;
	int n, ret = 0;

	(void)snprintf(path, sizeof(path), RUN_DIR "/%u", uid);
	n = scandir(path, &entries, is_name, alphasort);
	if (n < 0)
		return errno == ENOENT ? 0 : err_errno(err, "%s", path);
	for (int i = 0; i < n; i++) {
		if (ret == 0)
			ret = add_name(list, uid, entries[i]->d_name, err);
		free(entries[i]);
	}
	free(entries);
	return n == 0 ? add_name(list, uid, "", err) : ret;
}

static int
add_all(struct list *list, struct err *err)
{
	struct dirent **entries = NULL;
	const int n = scandir(RUN_DIR, &entries, is_uid, compare_uids);
	int ret = 0;

	if (n < 0)
		/* None was ever started since the boot. */
		return errno == ENOENT ? 0 : err_errno(err, RUN_DIR);
	for (int i = 0; i < n; i++) {
		const uid_t uid = (uid_t)strtoul(entries[i]->d_name, NULL, 10);

		if (ret == 0)
			ret = add_account(list, uid, err);
		free(entries[i]);
	}
	free(entries);
	return ret;
}

ssize_t
running_list(uid_t uid, struct running_name **names, struct err *err)
{
	struct list list = { NULL, 0 };
	const int ret = uid == RUNNING_ALL ? add_all(&list, err)
					   : add_account(&list, uid, err);

	*names = list.names;
	if (ret == 0)
		return (ssize_t)list.n;
	free(list.names);
	*names = NULL;
	return -1;
}

bool
running_sweep(const struct running_name *name)
{
	struct err err = { 0 };
	cleanup_fd int lock = registry_open_lock(name->uid, &err);
	struct stat locked;

	/* Whoever starts a jail, or ends one, has it; and what we have may be
	 * gone already. */
	if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) < 0 ||
	    fstat(lock, &locked) < 0 || locked.st_nlink == 0)
		return false;
	if (name->jail[0] != '\0') {
		cleanup_fd int sock =
			registry_connect(name->uid, name->jail, &err);

		if (sock >= 0 || err.kind != ERR_GONE)
			return false;
	}
	cgroup_sweep_all(name->uid);
	registry_remove(name->uid, name->jail);
	return true;
}

/* Waits until the keeper has hung up. */
static int
wait_for_end(int sock, struct err *err)
{
	for (;;) {
		cleanup_wire_fds struct wire_fds fds = WIRE_FDS_NONE;
		struct wire_msg msg;

		if (wire_recv(sock, &msg, &fds, err) == 0) {
			if (msg.kind == WIRE_REFUSE)
				return err_set(err, ERR_REFUSED, "%s",
					       msg.text);
			continue;
		}
		if (err->kind == ERR_SYSTEM && err->errnum == EAGAIN)
			return err_set(err, ERR_SYSTEM, "it does not end");
		return err->kind == ERR_GONE ? 0 : -1;
	}
}

/* Who does not know the word hangs up, too; who answers is the next jail. */
static int
require_ended(const struct running_name *name, struct err *err)
{
	struct running_jail next = { 0 };

	if (running_ask(name, &next, err) == 0) {
		plan_free(&next.plan);
		return 0;
	}
	return registry_require_none(name->uid, name->jail, err);
}

static int
stop_one(const struct running_name *name, struct err *err)
{
	cleanup_fd int sock = registry_connect(name->uid, name->jail, err);
	struct wire_msg stop = { .kind = WIRE_STOP };

	/* The keeper hangs up when all of the jail is gone. */
	if (sock < 0 || wire_send(sock, &stop, NULL, 0, err) < 0 ||
	    wait_for_end(sock, err) < 0)
		return -1;
	return require_ended(name, err);
}

int
running_stop(uid_t uid, struct err *err)
{
	struct running_name *names = NULL;
	const ssize_t n = running_list(uid, &names, err);
	size_t stopped = 0;
	int ret = n < 0 ? -1 : 0;

	for (ssize_t i = 0; i < n && ret == 0; i++) {
		if (names[i].jail[0] == '\0')
			continue;
		if (stop_one(&names[i], err) == 0)
			stopped++;
		else if (err->kind != ERR_GONE)
			ret = -1;
	}
	free(names);
	if (ret == 0 && stopped == 0)
		return err_set(err, ERR_GONE, "no jail is running");
	return ret;
}

bool
running_any(uid_t uid)
{
	char jail[NAME_PLAIN_MAX + 1];
	struct err err;

	return registry_find(uid, jail, sizeof(jail), &err) == 0 ||
	       err.kind != ERR_GONE;
}
