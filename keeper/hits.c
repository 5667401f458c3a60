/* SPDX-License-Identifier: ISC */
#include "keeper/hits.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* Who forks at the limit does it thousands of times. */
enum { LINE_PAUSE_MS = 60 * 1000, LIMIT_MAX = 96 };

void
hits_open(const struct cgroup *cgroup, struct hits *hits)
{
	if (cgroup->jail < 0)
		return;
	share_events_open(cgroup->jail,
			  cgroup->reseller[0] != '\0' ? cgroup->parent : -1,
			  &hits->events);
	share_read_hits(&hits->events, &hits->seen);
	/* The reseller's has been counting before this jail was. */
	hits->logged = hits->seen;
	hits->told = hits->seen;
}

void
hits_poll(const struct hits *hits, struct pollfd polls[HITS_POLLS])
{
	polls[0] = (struct pollfd){ hits->events.memory, POLLPRI, 0 };
	polls[1] = (struct pollfd){ hits->events.pids, POLLPRI, 0 };
	polls[2] = (struct pollfd){ hits->events.above, POLLPRI, 0 };
}

static bool
is_same(const struct share_hits *a, const struct share_hits *b)
{
	return a->oom_kills == b->oom_kills &&
	       a->forks_refused == b->forks_refused &&
	       a->above_refused == b->above_refused;
}

static bool
is_same_disk(const struct quota_full *a, const struct quota_full *b)
{
	return a->bytes == b->bytes && a->files == b->files;
}

static void
begin_limit(struct log_event *event, const struct plan *plan)
{
	log_begin(event, "limit");
	log_add(event, "user", plan->account);
	log_add_number(event, "uid", plan->uid);
	log_add(event, "jail", plan->jail);
}

/* Not more than a line in a while: who is at the limit goes to and fro. */
static void
note_disk(struct hits *hits, const struct plan *plan, int log, int64_t now_ms)
{
	struct log_event event;

	if (!hits->disk_held)
		return;
	quota_look_outside(plan, &hits->disk);
	if (is_same_disk(&hits->disk, &hits->disk_logged) ||
	    now_ms < hits->next_disk_line_ms)
		return;
	hits->disk_logged = hits->disk;
	if (!hits->disk.bytes && !hits->disk.files)
		return;
	begin_limit(&event, plan);
	log_add_number(&event, "disk_full", hits->disk.bytes);
	log_add_number(&event, "disk_files_full", hits->disk.files);
	log_send(log, LOG_WARNING, "jail-keeper", &event);
	hits->next_disk_line_ms = now_ms + LINE_PAUSE_MS;
}

void
hits_note(struct hits *hits, const struct plan *plan, int log, int64_t now_ms)
{
	const struct share_hits *const old = &hits->logged;
	struct log_event event;

	share_read_hits(&hits->events, &hits->seen);
	note_disk(hits, plan, log, now_ms);
	if (is_same(&hits->seen, old) || now_ms < hits->next_line_ms)
		return;
	begin_limit(&event, plan);
	log_add_number(&event, "oom_kill",
		       (int64_t)(hits->seen.oom_kills - old->oom_kills));
	log_add_number(
		&event, "fork_refused",
		(int64_t)(hits->seen.forks_refused - old->forks_refused));
	if (plan->reseller != NULL) {
		log_add(&event, "reseller", plan->reseller);
		log_add_number(&event, "together_refused",
			       (int64_t)(hits->seen.above_refused -
					 old->above_refused));
	}
	log_send(log, LOG_WARNING, "jail-keeper", &event);
	hits->logged = hits->seen;
	hits->next_line_ms = now_ms + LINE_PAUSE_MS;
}

void
hits_look_inside(struct hits *hits, const struct plan *plan)
{
	share_read_hits(&hits->events, &hits->seen);
	hits->disk_told = hits->disk;
	if (hits->disk_held)
		quota_look_inside(plan, &hits->disk);
}

int64_t
hits_due_ms(const struct hits *hits)
{
	return is_same(&hits->seen, &hits->logged) ? -1 : hits->next_line_ms;
}

/* What limit it was: the jail's own, or what it has together with others, or
 * the host's. */
static void
write_limit(const struct plan *plan, enum plan_share which, unsigned int shift,
	    const char *unit, char text[LIMIT_MAX])
{
	const struct plan_limit_share *const own = &plan->shares[which];
	const struct plan_limit_share *const above = &plan->above[which];

	text[0] = '\0';
	if (own->set && above->set)
		(void)snprintf(text, LIMIT_MAX,
			       " (limit %" PRIu64 "%s, together with other "
			       "accounts %" PRIu64 "%s)",
			       own->value >> shift, unit, above->value >> shift,
			       unit);
	else if (own->set || above->set)
		(void)snprintf(text, LIMIT_MAX, " (limit%s %" PRIu64 "%s)",
			       own->set ? "" : " together with other accounts",
			       (own->set ? own : above)->value >> shift, unit);
}

/* A line that grows. */
struct line {
	char *text;
	size_t size, used;
};

static void __attribute__((format(printf, 2, 3)))
line_add(struct line *line, const char *fmt, ...)
{
	const size_t room = line->size - line->used;
	va_list ap;
	int n;

	if (line->used > 0)
		n = snprintf(line->text + line->used, room, "; ");
	else
		n = 0;
	va_start(ap, fmt);
	if (n >= 0 && (size_t)n < room)
		n += vsnprintf(line->text + line->used + n, room - (size_t)n,
			       fmt, ap);
	va_end(ap);
	if (n > 0)
		line->used += (size_t)n < room ? (size_t)n : room - 1;
}

static void
add_disk(const struct hits *hits, const struct plan *plan, struct line *line)
{
	if (hits->disk.bytes && !hits->disk_told.bytes)
		line_add(line, "disk quota used up (limit %" PRIu64 " MiB)",
			 plan->quota.bytes >> 20);
	if (hits->disk.files && !hits->disk_told.files)
		line_add(line, "disk quota used up (limit %" PRIu64 " files)",
			 plan->quota.files);
}

void
hits_words(const struct hits *hits, const struct plan *plan, char *text,
	   size_t size)
{
	const struct share_hits *const seen = &hits->seen, *const told =
								   &hits->told;
	const uint64_t killed = seen->oom_kills - told->oom_kills;
	const uint64_t refused = seen->forks_refused - told->forks_refused;
	const uint64_t together = seen->above_refused - told->above_refused;
	struct line line = { .text = text, .size = size };
	char limit[LIMIT_MAX];

	text[0] = '\0';
	write_limit(plan, PLAN_MEMORY, 20, " MiB", limit);
	if (killed > 0)
		line_add(&line,
			 "out of memory%s: %" PRIu64
			 " of your processes killed",
			 limit, killed);
	write_limit(plan, PLAN_PIDS, 0, "", limit);
	if (refused > 0)
		line_add(&line, "too many processes%s: %" PRIu64 " not started",
			 limit, refused);
	if (together > 0)
		line_add(&line,
			 "too many processes together with other accounts "
			 "(limit %" PRIu64 "): %" PRIu64 " not started",
			 plan->above[PLAN_PIDS].value, together);
	add_disk(hits, plan, &line);
}

void
hits_told(struct hits *hits)
{
	hits->told = hits->seen;
}
