/* SPDX-License-Identifier: ISC */
#include "keeper/hits.h"

#include "base/log.h"

#include <inttypes.h>
#include <stdio.h>

/* Who forks at the limit does it thousands of times. */
enum { LINE_PAUSE_MS = 60 * 1000, LIMIT_MAX = 48 };

void
hits_open(int dir, struct hits *hits)
{
	if (dir < 0)
		return;
	share_events_open(dir, &hits->events);
	share_read_hits(&hits->events, &hits->seen);
}

void
hits_poll(const struct hits *hits, struct pollfd polls[HITS_POLLS])
{
	polls[0] = (struct pollfd){ hits->events.memory, POLLPRI, 0 };
	polls[1] = (struct pollfd){ hits->events.pids, POLLPRI, 0 };
}

static bool
is_same(const struct share_hits *a, const struct share_hits *b)
{
	return a->oom_kills == b->oom_kills &&
	       a->forks_refused == b->forks_refused;
}

void
hits_note(struct hits *hits, const struct plan *plan, int log, int64_t now_ms)
{
	const struct share_hits *const old = &hits->logged;
	struct log_event event;

	share_read_hits(&hits->events, &hits->seen);
	if (is_same(&hits->seen, old) || now_ms < hits->next_line_ms)
		return;
	log_begin(&event, "limit");
	log_add(&event, "user", plan->account);
	log_add_number(&event, "uid", plan->uid);
	log_add(&event, "jail", plan->jail);
	log_add_number(&event, "oom_kill",
		       (int64_t)(hits->seen.oom_kills - old->oom_kills));
	log_add_number(
		&event, "fork_refused",
		(int64_t)(hits->seen.forks_refused - old->forks_refused));
	log_send(log, LOG_WARNING, "jail-keeper", &event);
	hits->logged = hits->seen;
	hits->next_line_ms = now_ms + LINE_PAUSE_MS;
}

int64_t
hits_due_ms(const struct hits *hits)
{
	return is_same(&hits->seen, &hits->logged) ? -1 : hits->next_line_ms;
}

/* What limit it was; it may be another than the jail's own. */
static void
write_limit(const struct plan_limit_share *share, unsigned int shift,
	    const char *unit, char text[LIMIT_MAX])
{
	text[0] = '\0';
	if (share->set)
		(void)snprintf(text, LIMIT_MAX, " (limit %" PRIu64 "%s)",
			       share->value >> shift, unit);
}

void
hits_words(const struct hits *hits, const struct plan *plan, char *text,
	   size_t size)
{
	const uint64_t killed = hits->seen.oom_kills - hits->told.oom_kills;
	const uint64_t refused =
		hits->seen.forks_refused - hits->told.forks_refused;
	char limit[LIMIT_MAX];
	int used = 0;

	text[0] = '\0';
	write_limit(&plan->shares[PLAN_MEMORY], 20, " MiB", limit);
	if (killed > 0)
		used = snprintf(text, size,
				"out of memory%s: %" PRIu64
				" of your processes killed",
				limit, killed);
	write_limit(&plan->shares[PLAN_PIDS], 0, "", limit);
	if (refused > 0 && used >= 0 && (size_t)used < size)
		(void)snprintf(text + used, size - (size_t)used,
			       "%stoo many processes%s: %" PRIu64
			       " not started",
			       used > 0 ? "; " : "", limit, refused);
}

void
hits_told(struct hits *hits)
{
	hits->told = hits->seen;
}
