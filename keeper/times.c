/* SPDX-License-Identifier: ISC */
#include "keeper/times.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "keeper/herald.h"
#include "keeper/keeper.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
	GRACE_MS = 10 * 1000, /* between SIGHUP and SIGKILL */
	AGAIN_MS = 1000,      /* to kill, and to look after empty ones */
	LOOK_MS = 1000,	      /* at the time worked, at most so often */
	NAME_MAX_LEN = 32,
	TEXT_MAX_LEN = 1024, /* of cpu.stat, cgroup.events */
};

static bool
is_wanted(const struct keeper *keeper)
{
	const struct plan_limit_share *const shares = keeper->jail.plan.shares;

	return keeper->cgroup.jail >= 0 &&
	       (shares[PLAN_SESSION_TIME].set || shares[PLAN_SESSION_CPU].set);
}

static void
name_of(unsigned int number, char name[NAME_MAX_LEN])
{
	(void)snprintf(name, NAME_MAX_LEN, "session-%u", number);
}

static int
open_session(const struct keeper *keeper, unsigned int number)
{
	char name[NAME_MAX_LEN];

	name_of(number, name);
	return openat(keeper->cgroup.jail, name,
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* --- what there is ------------------------------------------------------- */

/* Reads the number behind WORD in FILE of DIR; UINT64_MAX if there is none. */
static uint64_t
read_number(int dir, const char *file, const char *word)
{
	cleanup_fd int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
	char text[TEXT_MAX_LEN];
	const ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	const size_t len = strlen(word);
	char *rest = text, *line;

	text[n > 0 ? n : 0] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL)
		if (strncmp(line, word, len) == 0 && line[len] == ' ')
			return strtoull(line + len, NULL, 10);
	return UINT64_MAX;
}

/* Takes away the I'th, if nothing is in it any more. */
static bool
forget(struct keeper *keeper, size_t i)
{
	struct times *const times = &keeper->times;
	char name[NAME_MAX_LEN];

	if (times->item[i].held)
		return false;
	name_of(times->item[i].number, name);
	if (unlinkat(keeper->cgroup.jail, name, AT_REMOVEDIR) < 0 &&
	    errno != ENOENT)
		return false;
	times->item[i] = times->item[--times->n];
	return true;
}

static void
sweep(struct keeper *keeper, int64_t now)
{
	struct times *const times = &keeper->times;

	if (now < times->sweep_ms)
		return;
	for (size_t i = times->n; i-- > 0;)
		(void)forget(keeper, i);
	times->sweep_ms = now + AGAIN_MS;
	times->dirty = false;
}

/* --- begin --------------------------------------------------------------- */

static int
make_session(struct keeper *keeper, struct times_group *group, struct err *err)
{
	char name[NAME_MAX_LEN];

	name_of(group->number, name);
	if (mkdirat(keeper->cgroup.jail, name, 0755) < 0)
		return err_errno(err, "make cgroup %s", name);
	group->dir = open_session(keeper, group->number);
	if (group->dir >= 0)
		group->procs = openat(group->dir, "cgroup.procs",
				      O_WRONLY | O_CLOEXEC);
	if (group->procs < 0) {
		(void)err_errno(err, "cgroup %s", name);
		times_group_close(group);
		(void)unlinkat(keeper->cgroup.jail, name, AT_REMOVEDIR);
		return -1;
	}
	return 0;
}

int
times_begin(struct keeper *keeper, enum times_holder holder,
	    struct times_group *group, struct err *err)
{
	struct times *const times = &keeper->times;
	const int64_t now = now_ms();
	struct timed *grown;

	*group = TIMES_GROUP_NONE;
	if (!is_wanted(keeper))
		return 0;
	/* Who came by su(1) has two, and one of them is empty. */
	if (times->n >= 2 * (size_t)keeper->jail.plan.sessions)
		sweep(keeper, now);
	if (times->n >= 2 * (size_t)keeper->jail.plan.sessions)
		return err_set(err, ERR_REFUSED, "too many sessions");
	grown = reallocarray(times->item, times->n + 1, sizeof(*grown));
	if (grown == NULL)
		return err_errno(err, "memory");
	times->item = grown;
	group->number = ++times->last;
	if (make_session(keeper, group, err) < 0)
		return -1;
	times->item[times->n++] =
		(struct timed){ .number = group->number,
				.held = holder == TIMES_OF_PEER,
				.began_ms = now,
				.look_ms = now + LOOK_MS };
	return 0;
}

void
times_group_close(struct times_group *group)
{
	fd_close(&group->dir);
	fd_close(&group->procs);
}

void
times_release(struct times *times, unsigned int number)
{
	for (size_t i = 0; i < times->n; i++)
		if (times->item[i].number == number)
			times->item[i].held = false;
	times->dirty = true;
}

void
times_touch(struct times *times)
{
	times->dirty = true;
}

/* --- end ----------------------------------------------------------------- */

static bool
is_late(const struct timed *timed, const struct plan *plan, int64_t now)
{
	const struct plan_limit_share *const limit =
		&plan->shares[PLAN_SESSION_TIME];

	return limit->set &&
	       now - timed->began_ms >= (int64_t)limit->value * 1000;
}

/* As fast as all processors can, it may reach the limit: then to be looked at
 * again. */
static bool
has_worked(struct timed *timed, const struct plan *plan, int dir, int64_t now)
{
	const struct plan_limit_share *const limit =
		&plan->shares[PLAN_SESSION_CPU];
	const int64_t n = sysconf(_SC_NPROCESSORS_ONLN);
	const uint64_t limit_us = limit->value * 1000 * 1000;
	uint64_t used_us;
	int64_t left_ms;

	if (!limit->set || now < timed->look_ms)
		return false;
	timed->look_ms = now + LOOK_MS;
	used_us = read_number(dir, "cpu.stat", "usage_usec");
	if (used_us == UINT64_MAX)
		return false; /* not now */
	if (used_us >= limit_us)
		return true;
	left_ms = (int64_t)((limit_us - used_us) / 1000) / (n > 0 ? n : 1);
	if (left_ms > LOOK_MS)
		timed->look_ms = now + left_ms;
	return false;
}

static void
log_over(const struct keeper *keeper, const char *what, uint64_t seconds)
{
	struct log_event event;

	keeper_event(keeper, &event, "limit");
	log_add(&event, "over", what);
	log_add_number(&event, "seconds", (int64_t)seconds);
	log_send(keeper->log, LOG_WARNING, "jail-keeper", &event);
}

/* Tells it in a process of its own, which may have to wait.  Of very many at
 * once the last are killed without a word. */
static void
hang_up(struct keeper *keeper, int dir, enum plan_share which)
{
	const uint64_t seconds = keeper->jail.plan.shares[which].value;
	char text[128];

	log_over(keeper, share_name(which), seconds);
	(void)snprintf(text, sizeof(text),
		       "this session ends: it has %s for %" PRIu64
		       " s, which is the limit",
		       which == PLAN_SESSION_TIME ? "lasted" : "worked",
		       seconds);
	if (!peers_busy(keeper) && keeper_fork_aside(keeper) == 0)
		herald_main(&keeper->jail, dir, text);
}

static void
note_one(struct keeper *keeper, struct timed *timed, int64_t now)
{
	const struct plan *const plan = &keeper->jail.plan;
	cleanup_fd int dir = open_session(keeper, timed->number);
	const bool late = is_late(timed, plan, now);

	if (timed->over) {
		if (now < timed->kill_ms)
			return;
		cgroup_kill_group(dir);
		timed->kill_ms = now + AGAIN_MS;
		return;
	}
	if (!late && !has_worked(timed, plan, dir, now))
		return;
	/* Of su(1) nothing is in it; jailsh(8) has another. */
	if (dir >= 0 && read_number(dir, "cgroup.events", "populated") != 0)
		hang_up(keeper, dir,
			late ? PLAN_SESSION_TIME : PLAN_SESSION_CPU);
	timed->over = true;
	timed->kill_ms = now + GRACE_MS;
}

static int64_t
due_of(const struct timed *timed, const struct plan *plan)
{
	const struct plan_limit_share *const time =
		&plan->shares[PLAN_SESSION_TIME];
	int64_t due = INT64_MAX;

	if (timed->over)
		return timed->kill_ms;
	if (time->set)
		due = timed->began_ms + (int64_t)time->value * 1000;
	if (plan->shares[PLAN_SESSION_CPU].set && timed->look_ms < due)
		due = timed->look_ms;
	return due;
}

void
times_note(struct keeper *keeper, int64_t now)
{
	struct times *const times = &keeper->times;
	const struct plan *const plan = &keeper->jail.plan;

	if (times->dirty)
		sweep(keeper, now);
	for (size_t i = times->n; i-- > 0;)
		if (due_of(&times->item[i], plan) <= now &&
		    !forget(keeper, i)) /* it moves the last */
			note_one(keeper, &times->item[i], now);
}

int64_t
times_due_ms(const struct times *times, const struct plan *plan)
{
	int64_t due = times->dirty ? times->sweep_ms : -1;

	for (size_t i = 0; i < times->n; i++) {
		const int64_t one = due_of(&times->item[i], plan);

		if (due < 0 || one < due)
			due = one;
	}
	return due;
}
