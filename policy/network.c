/* SPDX-License-Identifier: ISC */
#include "policy/network.h"

#include "policy/generated.h"
#include "policy/ruleset.h"

#include <inttypes.h>
#include <string.h>

enum {
	BEFORE_JAILS = 2,    /* the range's own address, and the host's */
	NAMESERVERS_MAX = 3, /* resolv.conf(5), MAXNS */
	LOOPBACK = 127,
};

static const char *
address_text(uint32_t address, struct arena *arena, struct err *err)
{
	return arena_printf(arena, err,
			    "%" PRIu32 ".%" PRIu32 ".%" PRIu32 ".%" PRIu32,
			    address >> 24, address >> 16 & 255,
			    address >> 8 & 255, address & 255);
}

/* By the uid, so that it is the same each time, and no other account's. */
static int
find_address(const struct jail_conf *jail, const struct plan *plan,
	     uint32_t *address, struct err *err)
{
	const struct private_conf *const private = jail->private;
	const uint64_t n_jails =
		(uint64_t) private->last - private->first - BEFORE_JAILS;
	const uid_t uid = plan->uid;

	if (jail->address.text != NULL &&
	    egress_parse_address(jail->address.text, address))
		return 0;
	if (uid < private->first_uid || uid - private->first_uid >= n_jails)
		return where_error(&private->at, err,
				   "uid %u has no address in %s, which is for "
				   "uids %u to %" PRIu64 ": change addresses "
				   "or first_uid there, or give the jail an "
				   "address of its own",
				   uid, private->range, private->first_uid,
				   private->first_uid + n_jails - 1);
	*address = private->first + BEFORE_JAILS + (uid - private->first_uid);
	return 0;
}

/* The interface has the address's name, so that the kernel lets nobody have
 * an address that another jail has. */
static int
make_addresses(const struct jail_conf *jail, struct plan *plan, struct err *err)
{
	struct plan_private *const made = &plan->private;
	struct arena *const arena = &plan->arena;
	uint32_t address = 0;

	if (find_address(jail, plan, &address, err) < 0)
		return -1;
	made->address = address_text(address, arena, err);
	made->gateway = address_text(jail->private->first + 1, arena, err);
	made->interface = arena_printf(arena, err, "jail%08" PRIx32, address);
	return made->address != NULL && made->gateway != NULL &&
			       made->interface != NULL
		       ? 0
		       : -1;
}

static int
copy_words(const struct jail_conf *jail, struct plan *plan, struct err *err)
{
	struct plan_private *const made = &plan->private;

	made->egress = arena_alloc(&plan->arena,
				   jail->n_egress * sizeof(*made->egress), err);
	if (made->egress == NULL)
		return -1;
	for (; made->n_egress < jail->n_egress; made->n_egress++) {
		made->egress[made->n_egress] =
			arena_copy(&plan->arena,
				   jail->egress[made->n_egress].text.text, err);
		if (made->egress[made->n_egress] == NULL)
			return -1;
	}
	return 0;
}

static int
add_name_server(struct plan *plan, const char *word, struct err *err)
{
	struct plan_private *const made = &plan->private;
	const char *const copy = arena_copy(&plan->arena, word, err);

	if (copy == NULL)
		return -1;
	made->nameservers[made->n_nameservers++] = copy;
	return 0;
}

/* Those of the host that are not the host itself; resolv.conf(5): a keyword
 * and a value, with white space between. */
static int
take_hosts_servers(struct plan *plan, struct err *err)
{
	const char *const path = "/etc/resolv.conf";
	const char *const read =
		generated_read_resolver(path, &plan->arena, err);
	char *rest = read == NULL ? NULL : arena_copy(&plan->arena, read, err);
	char *line;

	if (rest == NULL)
		return -1;
	while ((line = strsep(&rest, "\n")) != NULL &&
	       plan->private.n_nameservers < NAMESERVERS_MAX) {
		const char *const word = strsep(&line, " \t");
		uint32_t address;

		if (strcmp(word, "nameserver") != 0 || line == NULL)
			continue;
		line += strspn(line, " \t");
		line[strcspn(line, " \t")] = '\0';
		if (egress_parse_address(line, &address) &&
		    address >> 24 != LOOPBACK && address != 0 &&
		    add_name_server(plan, line, err) < 0)
			return -1;
	}
	return 0;
}

static int
make_name_servers(const struct jail_conf *jail, struct plan *plan,
		  struct err *err)
{
	const struct private_conf *const private = jail->private;
	const struct texts *const told = &private->nameservers;
	struct plan_private *const made = &plan->private;

	made->nameservers =
		arena_alloc(&plan->arena,
			    NAMESERVERS_MAX * sizeof(*made->nameservers), err);
	if (made->nameservers == NULL)
		return -1;
	if (jail->n_egress == 0)
		return 0; /* nowhere means there as well */
	for (size_t i = 0; i < told->n && i < NAMESERVERS_MAX; i++)
		if (add_name_server(plan, told->item[i].text, err) < 0)
			return -1;
	if (told->n == 0 && take_hosts_servers(plan, err) < 0)
		return -1;
	if (made->n_nameservers > 0)
		return 0;
	return where_error(&private->at, err,
			   "\"private_network\" has no nameservers, and "
			   "/etc/resolv.conf names none that a jail can "
			   "reach: an IPv4 address that is not the host's "
			   "loopback");
}

int
network_make(const struct jail_conf *jail, struct plan *plan, struct err *err)
{
	if (plan->network != PLAN_NETWORK_PRIVATE)
		return 0;
	if (make_addresses(jail, plan, err) < 0 ||
	    copy_words(jail, plan, err) < 0 ||
	    make_name_servers(jail, plan, err) < 0)
		return -1;
	return ruleset_make(jail, plan, err);
}
