/* SPDX-License-Identifier: ISC */
#include "jailconf/network.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "jailconf/hostrun.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static const char *
word_of(const struct plan *plan)
{
	switch (plan->network) {
	case PLAN_NETWORK_NONE:
		return "none";
	case PLAN_NETWORK_HOST:
		return "host";
	case PLAN_NETWORK_PRIVATE:
		return "private";
	}
	return "none";
}

/* --- shown --------------------------------------------------------------- */

static void
print_words(const char *label, const char *const *words, size_t n)
{
	char line[1024] = "";
	size_t used = 0;

	for (size_t i = 0; i < n && used < sizeof(line) - 1; i++)
		used += (size_t)snprintf(line + used, sizeof(line) - used,
					 "%s%s", i > 0 ? ", " : "", words[i]);
	out_row("", "%s %s", label, n > 0 ? line : "nothing");
}

void
network_print(const struct plan *plan)
{
	const struct plan_private *const private = &plan->private;

	switch (plan->network) {
	case PLAN_NETWORK_NONE:
		out_row("network", "none but a loopback");
		break;
	case PLAN_NETWORK_HOST:
		out_row("network", "the host's, with %s and %s",
			plan->ports.first != 0 ? "ports of its own"
					       : "its ports",
			plan->abstract_of_session
				? "a session's own abstract sockets"
				: "abstract sockets");
		break;
	case PLAN_NETWORK_PRIVATE:
		out_row("network",
			"private: %s on eth0, by %s, which is the host's %s",
			private->address, private->gateway, private->interface);
		print_words("reaches", private->egress, private->n_egress);
		print_words("name servers", private->nameservers,
			    private->n_nameservers);
		break;
	}
}

void
network_print_rules(const struct plan *plan)
{
	const char *rest = plan->private.rules;

	if (rest == NULL)
		return;
	out_line("rules for the network, as nft(8) gets them");
	while (*rest != '\0') {
		const size_t len = strcspn(rest, "\n");

		out_line("  %.*s", (int)len, rest);
		rest += len + (rest[len] == '\n');
	}
}

static struct json_object *
words_json(const char *const *words, size_t n)
{
	struct json_object *const array = json_object_new_array();

	for (size_t i = 0; i < n; i++)
		(void)json_object_array_add(array,
					    json_object_new_string(words[i]));
	return array;
}

static const char *
abstract_of(const struct plan *plan)
{
	if (plan_owns_network(plan))
		return "jail";
	return plan->abstract_of_session ? "session" : "host";
}

void
network_json(const struct plan *plan, struct json_object *object)
{
	const struct plan_private *const private = &plan->private;
	struct json_object *inside;

	json_set(object, "network", word_of(plan));
	json_set(object, "abstract_sockets", abstract_of(plan));
	if (plan->network != PLAN_NETWORK_PRIVATE)
		return;
	inside = json_object_new_object();
	json_set(inside, "address", private->address);
	json_set(inside, "gateway", private->gateway);
	json_set(inside, "interface", private->interface);
	(void)json_object_object_add(
		inside, "egress",
		words_json(private->egress, private->n_egress));
	(void)json_object_object_add(
		inside, "nameservers",
		words_json(private->nameservers, private->n_nameservers));
	json_set(inside, "rules", private->rules);
	(void)json_object_object_add(object, "private", inside);
}

/* --- whether the host can make it ---------------------------------------- */

/* Whether nft(8) and the kernel understand the rules; nothing comes of it. */
static int
try_rules(const struct plan *plan, struct err *err)
{
	const char *const rules = plan->private.rules;
	const ssize_t len = (ssize_t)strlen(rules);
	cleanup_fd int fd = memfd_create("rules", MFD_CLOEXEC);
	char path[48];
	const char *const argv[] = { NFT, "--check", "--file", path, NULL };
	struct arena arena = { 0 };
	int ret = 0;

	if (fd < 0 || write(fd, rules, (size_t)len) != len)
		return err_errno(err, "memfd");
	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), fd);
	if (host_read(argv, &arena, err) == NULL)
		ret = err_context(err, "the rules of the network");
	arena_free(&arena);
	return ret;
}

int
network_foresee(const struct plan *plan, struct err *err)
{
	if (plan->network != PLAN_NETWORK_PRIVATE)
		return 0;
	if (access(NFT, F_OK) < 0)
		return err_errno(err, "run " NFT);
	if (access(IP, F_OK) < 0)
		return err_errno(err, "run " IP);
	return geteuid() == 0 ? try_rules(plan, err) : 0;
}

static bool
forwards_nothing(void)
{
	cleanup_fd int fd =
		open("/proc/sys/net/ipv4/ip_forward", O_RDONLY | O_CLOEXEC);
	char digit = '1';

	return fd >= 0 && read(fd, &digit, 1) == 1 && digit == '0';
}

struct network_row {
	char address[sizeof("255.255.255.255")];
	char account[64];
	char jail[NAME_PLAIN_MAX + 1];
};

int
network_note(const struct plan *plan, struct network_seen *seen,
	     struct err *err)
{
	struct network_row *grown, *row;

	if (plan->network != PLAN_NETWORK_PRIVATE)
		return 0;
	grown = reallocarray(seen->row, seen->n + 1, sizeof(*grown));
	if (grown == NULL)
		return err_errno(err, "memory");
	seen->row = grown;
	row = &grown[seen->n++];
	(void)snprintf(row->address, sizeof(row->address), "%s",
		       plan->private.address);
	(void)snprintf(row->account, sizeof(row->account), "%s", plan->account);
	(void)snprintf(row->jail, sizeof(row->jail), "%s", plan->jail);
	return 0;
}

static int
compare_rows(const void *a, const void *b)
{
	const struct network_row *const one = a, *const two = b;

	return strcmp(one->address, two->address);
}

void
network_tell(struct network_seen *seen, struct report *report)
{
	if (seen->n == 0)
		return;
	if (forwards_nothing())
		report_add(report, SEVERITY_WARNING,
			   "set net.ipv4.ip_forward = 1, see sysctl.d(5)",
			   "private networks reach nothing but the host: it "
			   "does not forward");
	qsort(seen->row, seen->n, sizeof(*seen->row), compare_rows);
	for (size_t i = 1; i < seen->n; i++) {
		const struct network_row *const one = &seen->row[i - 1];
		const struct network_row *const two = &seen->row[i];

		if (strcmp(one->address, two->address) == 0)
			report_add(report, SEVERITY_WARNING,
				   "give one of them another address",
				   "%s is of account %s, jail %s, and of "
				   "account %s, jail %s, which cannot run at a "
				   "time",
				   one->address, one->account, one->jail,
				   two->account, two->jail);
	}
}

void
network_seen_free(struct network_seen *seen)
{
	free(seen->row);
	*seen = (struct network_seen){ .n = 0 };
}
