/* SPDX-License-Identifier: ISC */
#include "jail/share.h"

#include "base/cleanup.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	/* Of io.weight and of io.bfq.weight: up to the usual one they are the
	 * same, and from there to the largest one in proportion. */
	WEIGHT = 100,
	WEIGHT_MAX = 10000,
	BFQ_WEIGHT_MAX = 1000,
	/* Of cpu.max, the kernel's default: in which the processors may be
	 * used for so long. */
	CPU_PERIOD_US = 100 * 1000,
	TEXT_MAX = 1024, /* of a file of a few words and numbers */
};

static const struct {
	const char *controller;
	const char *file;
	const char *none; /* what is there when nobody has set it */
	const char *disk; /* it is one of each disk: the key in FILE */
	const char *also; /* another controller, or NULL */
} places[PLAN_SHARES] = {
	[PLAN_MEMORY] = { .controller = "memory",
			  .file = "memory.max",
			  .none = "max" },
	[PLAN_MEMORY_HIGH] = { .controller = "memory",
			       .file = "memory.high",
			       .none = "max" },
	[PLAN_SWAP] = { .controller = "memory",
			.file = "memory.swap.max",
			.none = "max" },
	[PLAN_PIDS] = { .controller = "pids",
			.file = "pids.max",
			.none = "max" },
	[PLAN_CPUS] = { .controller = "cpu", .file = "cpu.max", .none = "max" },
	[PLAN_CPU_WEIGHT] = { .controller = "cpu",
			      .file = "cpu.weight",
			      .none = "100" },
	[PLAN_IO_WEIGHT] = { .controller = "io", .file = "io.weight" },
	[PLAN_IO_READ] = { .controller = "io",
			   .file = "io.max",
			   .none = "max",
			   .disk = "rbps" },
	/* What is written later is the jail's only with its memory. */
	[PLAN_IO_WRITE] = { .controller = "io",
			    .file = "io.max",
			    .none = "max",
			    .disk = "wbps",
			    .also = "memory" },
	/* The keeper's: any cgroup will do. */
	[PLAN_SESSION_TIME] = { .file = NULL },
	[PLAN_SESSION_CPU] = { .file = NULL },
};

static const char bfq_file[] = "io.bfq.weight";

/* Reads FILE of DIR, whole; returns -1 with errno. */
static int
read_file(int dir, const char *file, char text[TEXT_MAX])
{
	cleanup_fd int fd = openat(dir, file, O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd < 0 ? -1 : read(fd, text, TEXT_MAX - 1);

	if (n < 0)
		return -1;
	text[n] = '\0';
	return 0;
}

/* Writes FILE of DIR; returns -1 with errno. */
static int
write_file(int dir, const char *file, const char *text)
{
	cleanup_fd int fd = openat(dir, file, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -1 : 0;
}

/* The weight of disks has two files, for those who may go by it:
 * disks_weigh().  Returns as write_file() does. */
static int
write_io_weight(int dir, uint64_t weight)
{
	const uint64_t bfq =
		weight <= WEIGHT ? weight
				 : WEIGHT + (weight - WEIGHT) *
						    (BFQ_WEIGHT_MAX - WEIGHT) /
						    (WEIGHT_MAX - WEIGHT);
	char text[32];
	bool done;

	(void)snprintf(text, sizeof(text), "%" PRIu64, weight);
	done = write_file(dir, places[PLAN_IO_WEIGHT].file, text) == 0;
	if (!done && errno != ENOENT)
		return -1;
	(void)snprintf(text, sizeof(text), "%" PRIu64, bfq);
	if (write_file(dir, bfq_file, text) == 0)
		return 0;
	return done && errno == ENOENT ? 0 : -1;
}

/* Whether WORD is one of those in TEXT, which have spaces between them. */
static bool
has_word(const char *text, const char *word)
{
	const size_t len = strlen(word);

	for (const char *p = text; (p = strstr(p, word)) != NULL; p += len)
		if ((p == text || p[-1] == ' ') &&
		    strchr(" \n", p[len]) != NULL) /* or the end */
			return true;
	return false;
}

/* Whether DIR has CONTROLLER for its children, in the end; NULL is none. */
static bool
hand_down(int dir, const char *controller, const char *already)
{
	char text[32];

	if (controller == NULL || has_word(already, controller))
		return true;
	(void)snprintf(text, sizeof(text), "+%s", controller);
	/* In a container, the root of the hierarchy may have processes of its
	 * own, or be read-only; elsewhere the controller is version 1's. */
	return write_file(dir, "cgroup.subtree_control", text) == 0;
}

int
share_hand_down(const struct plan_limit_share shares[PLAN_SHARES], int dir,
		bool held[PLAN_SHARES], struct err *err)
{
	char already[TEXT_MAX];

	if (read_file(dir, "cgroup.subtree_control", already) < 0)
		return err_errno(err, "cgroup.subtree_control");
	for (int i = 0; i < PLAN_SHARES; i++)
		held[i] = shares[i].set && held[i] &&
			  hand_down(dir, places[i].controller, already) &&
			  hand_down(dir, places[i].also, already);
	return 0;
}

static bool
is_there(const char *there, const char *controller)
{
	return controller == NULL || has_word(there, controller);
}

int
share_foresee(const struct plan_limit_share shares[PLAN_SHARES], int dir,
	      bool held[PLAN_SHARES], struct err *err)
{
	char there[TEXT_MAX];

	if (read_file(dir, "cgroup.controllers", there) < 0)
		return err_errno(err, "cgroup.controllers");
	for (int i = 0; i < PLAN_SHARES; i++)
		held[i] = shares[i].set && held[i] &&
			  is_there(there, places[i].controller) &&
			  is_there(there, places[i].also);
	return 0;
}

static void
format_share(enum plan_share share, uint64_t value, char *text, size_t size)
{
	if (share == PLAN_CPUS)
		(void)snprintf(text, size, "%" PRIu64 " %d",
			       value * CPU_PERIOD_US / PLAN_WHOLE_CPU,
			       CPU_PERIOD_US);
	else
		(void)snprintf(text, size, "%" PRIu64, value);
}

/* Returns 1 if SHARE holds now, 0 if the kernel has no such limit, or -1. */
static int
set_one(enum plan_share share, uint64_t value, int dir, const struct disk *must,
	struct err *err)
{
	const char *const file = places[share].file;
	char text[64];

	if (file == NULL)
		return 1;
	format_share(share, value, text, sizeof(text));
	if (places[share].disk != NULL)
		return disks_set(dir, places[share].disk, text, must, err);
	if ((share == PLAN_IO_WEIGHT ? write_io_weight(dir, value)
				     : write_file(dir, file, text)) == 0)
		return 1;
	/* No swap in this kernel, no weights for this disk. */
	if (errno == ENOENT)
		return 0;
	return err_errno(err, "limit %s: %s %s", share_name(share), file, text);
}

static uint64_t
find_number(const char *text)
{
	const char *const number = strpbrk(text, "0123456789");

	return number == NULL ? 0 : strtoull(number, NULL, 10);
}

/* What the weight SHARE is in DIR, a number that may have a word before it; 0
 * if there is none. */
static uint64_t
read_weight(int dir, enum plan_share share)
{
	char text[TEXT_MAX];
	uint64_t bfq;

	if (read_file(dir, places[share].file, text) == 0)
		return find_number(text);
	if (share != PLAN_IO_WEIGHT || read_file(dir, bfq_file, text) < 0)
		return 0;
	bfq = find_number(text);
	return bfq <= WEIGHT ? bfq
			     : WEIGHT + (bfq - WEIGHT) * (WEIGHT_MAX - WEIGHT) /
						(BFQ_WEIGHT_MAX - WEIGHT);
}

int
share_weigh(const struct plan_limit_share shares[PLAN_SHARES], int dir,
	    bool held[PLAN_SHARES], bool first, struct err *err)
{
	static const enum plan_share weights[] = { PLAN_CPU_WEIGHT,
						   PLAN_IO_WEIGHT };

	for (size_t i = 0; i < sizeof(weights) / sizeof(weights[0]); i++) {
		const enum plan_share share = weights[i];
		const uint64_t there = read_weight(dir, share);
		const uint64_t value =
			shares[share].set ? shares[share].value : WEIGHT;

		if (there == 0)
			held[share] = false;
		if (there == 0 || value == there || (!first && value < there))
			continue;
		if (set_one(share, value, dir, NULL, err) < 0)
			return -1;
	}
	return 0;
}

void
share_favour(int dir)
{
	(void)!write_file(dir, places[PLAN_CPU_WEIGHT].file, "10000");
}

int
share_set(const struct plan_limit_share shares[PLAN_SHARES], int dir,
	  const struct disk *must, bool held[PLAN_SHARES], struct err *err)
{
	for (int i = 0; i < PLAN_SHARES; i++) {
		int done;

		if (!held[i])
			continue;
		done = set_one((enum plan_share)i, shares[i].value, dir, must,
			       err);
		if (done < 0)
			return -1;
		held[i] = done == 1;
	}
	return 0;
}

/* Takes away what may be in the cgroup DIR; returns -1 with *err. */
static int
lift_one(enum plan_share share, int dir, struct err *err)
{
	const char *const file = places[share].file;
	int ret;

	if (file == NULL)
		return 0;
	if (places[share].disk != NULL)
		return disks_set(dir, places[share].disk, places[share].none,
				 NULL, err);
	ret = share == PLAN_IO_WEIGHT
		      ? write_io_weight(dir, WEIGHT)
		      : write_file(dir, file, places[share].none);
	if (ret < 0 && errno != ENOENT)
		return err_errno(err, "lift limit %s: %s", share_name(share),
				 file);
	return 0;
}

int
share_lift(const struct plan_limit_share shares[PLAN_SHARES], int dir,
	   struct err *err)
{
	for (int i = 0; i < PLAN_SHARES; i++)
		if (!shares[i].set &&
		    lift_one((enum plan_share)i, dir, err) < 0)
			return -1;
	return 0;
}

/* Names of shares, with ", " between. */
struct names {
	char *text;
	size_t size, used, n;
};

static void
add_not_held(struct names *names,
	     const struct plan_limit_share shares[PLAN_SHARES],
	     const bool held[PLAN_SHARES], unsigned int at_least,
	     const char *whose)
{
	for (int i = 0; i < PLAN_SHARES; i++) {
		const size_t room = names->size - names->used;
		int more;

		if (!shares[i].set || held[i] || shares[i].need < at_least)
			continue;
		more = snprintf(names->text + names->used, room, "%s%s%s%s",
				names->n > 0 ? ", " : "",
				share_name((enum plan_share)i),
				*whose != '\0' ? " of reseller " : "", whose);
		if (more > 0 && (size_t)more < room)
			names->used += (size_t)more;
		names->n++;
	}
}

static size_t
list_not_held(const struct plan *plan, const struct share_held *held,
	      unsigned int at_least, char *text, size_t size)
{
	struct names names = { .text = text, .size = size };

	text[0] = '\0';
	add_not_held(&names, plan->shares, held->jail, at_least, "");
	if (plan->reseller != NULL)
		add_not_held(&names, plan->above, held->reseller, at_least,
			     plan->reseller);
	return names.n;
}

const char *
share_lack(const struct plan *plan)
{
	for (int i = 0; i < PLAN_SHARES; i++)
		if ((places[i].disk != NULL || i == PLAN_IO_WEIGHT) &&
		    (plan->shares[i].set || plan->above[i].set))
			return "controller, or none for the home's disk,";
	return "controller";
}

int
share_require(const struct plan *plan, const struct share_held *held,
	      struct err *err)
{
	char names[256];

	if (list_not_held(plan, held, PLAN_NEED_REQUIRED, names,
			  sizeof(names)) == 0)
		return 0;
	return err_set(err, ERR_REFUSED,
		       "jail %s: this host cannot limit %s: no %s in cgroup "
		       "version 2; see required in jail.conf(5)",
		       plan->jail, names, share_lack(plan));
}

size_t
share_not_held(const struct plan *plan, const struct share_held *held,
	       char *text, size_t size)
{
	return list_not_held(plan, held, PLAN_NEED_WISHED, text, size);
}

/* --- what happens -------------------------------------------------------- */

void
share_events_open(int dir, int reseller, struct share_events *events)
{
	events->memory = openat(dir, "memory.events", O_RDONLY | O_CLOEXEC);
	events->pids = openat(dir, "pids.events", O_RDONLY | O_CLOEXEC);
	/* Before Linux 6.11 it is not there, and "pids.events" of the jail
	 * counts whatever limit refused. */
	events->above = reseller < 0 ? -1
				     : openat(reseller, "pids.events.local",
					      O_RDONLY | O_CLOEXEC);
}

/* Reads the number behind WORD in the file FD, which has such a pair in a
 * line, to *VALUE; what cannot be read stays as it was. */
static void
read_number(int fd, const char *word, uint64_t *value)
{
	char text[TEXT_MAX];
	const ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);
	const size_t len = strlen(word);
	char *rest = text, *line;

	text[n < 0 ? 0 : n] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL)
		if (strncmp(line, word, len) == 0 && line[len] == ' ')
			*value = strtoull(line + len, NULL, 10);
}

void
share_read_hits(const struct share_events *events, struct share_hits *hits)
{
	read_number(events->memory, "oom_kill", &hits->oom_kills);
	read_number(events->pids, "max", &hits->forks_refused);
	read_number(events->above, "max", &hits->above_refused);
}

static uint64_t
read_use(int dir, const char *file)
{
	char text[TEXT_MAX];

	if (dir < 0 || read_file(dir, file, text) < 0)
		return SHARE_UNKNOWN;
	return strtoull(text, NULL, 10);
}

void
share_read_use(int dir, struct share_use *use)
{
	use->memory_bytes = read_use(dir, "memory.current");
	use->pids = read_use(dir, "pids.current");
}
