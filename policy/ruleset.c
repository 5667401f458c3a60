/* SPDX-License-Identifier: ISC */
#include "policy/ruleset.h"

#include "base/cleanup.h"

#include <inttypes.h>
#include <stdio.h>

#define TABLE "inet pam_jail"

/* Of a jail's connections at a time, to the host and to others: the host has
 * one list for those of all, net.netfilter.nf_conntrack_max, and who is not on
 * it gets nowhere.  They outlive the jail, and count for its next one, for they
 * are counted by its address. */
#define FLOWS_MAX "4096"

/* With the host's address, a jail's connection has a port that it cannot
 * choose, whatever the host has at the usual priority: none that others take
 * for root's, and one of a server of the host's, whose clients' packets would
 * be taken for answers to the jail, by chance only. */
#define MASQUERADE                                                             \
	"add rule " TABLE " postrouting ip saddr @hidden oifname != @jails"
#define OTHER_PORT " masquerade to :1024-65535 fully-random\n"

/*
 * Before the host's own filters, which see what these have let pass.  What
 * comes from a jail is decided by its own chains; what goes to one, and not
 * from the host itself, must be an answer, or what a rule of the host's own
 * has sent there.
 */
static const char sets[] =
	"add table " TABLE "\n"
	"add set " TABLE " jails { type ifname; }\n"
	"add set " TABLE " hidden { type ipv4_addr; }\n"
	"add set " TABLE " flows_host"
	" { type ipv4_addr; size 65535; flags dynamic; }\n"
	"add set " TABLE " flows_others"
	" { type ipv4_addr; size 65535; flags dynamic; }\n"
	"add map " TABLE " to_host { type ifname : verdict; }\n"
	"add map " TABLE " to_others { type ifname : verdict; }\n";

static const char chains[] =
	"add chain " TABLE " input"
	" { type filter hook input priority -5; policy accept; }\n"
	"add chain " TABLE " forward"
	" { type filter hook forward priority -5; policy accept; }\n"
	"add chain " TABLE " postrouting"
	" { type nat hook postrouting priority 99; policy accept; }\n"
	"flush chain " TABLE " input\n"
	"flush chain " TABLE " forward\n"
	"flush chain " TABLE " postrouting\n"
	"add rule " TABLE " forward iifname @jails ct state invalid drop\n"
	"add rule " TABLE " input iifname vmap @to_host\n"
	"add rule " TABLE " forward iifname vmap @to_others\n"
	"add rule " TABLE
	" forward oifname @jails ct direction reply ct state established"
	" accept\n"
	"add rule " TABLE " forward oifname @jails ct state related"
	" meta l4proto icmp accept\n"
	"add rule " TABLE " forward oifname @jails ct status dnat accept\n"
	"add rule " TABLE " forward oifname @jails"
	" reject with icmpx type admin-prohibited\n" MASQUERADE
	" meta l4proto tcp" OTHER_PORT MASQUERADE
	" meta l4proto udp" OTHER_PORT MASQUERADE
	" meta l4proto udplite" OTHER_PORT MASQUERADE " masquerade\n";

/* Of RFC 6890 that which hosts have, and what is not one host's: RFC 1112. */
static const char special[] =
	"{ 0.0.0.0/8, 10.0.0.0/8, 100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16,"
	" 172.16.0.0/12, 192.0.0.0/24, 192.168.0.0/16, 198.18.0.0/15,"
	" 224.0.0.0/3 }";

enum chain { CHAIN_HOST, CHAIN_OTHERS };

static const char *const chain_names[] = {
	[CHAIN_HOST] = "host",
	[CHAIN_OTHERS] = "others",
};

static void
begin_rule(FILE *stream, const struct plan_private *private, enum chain chain)
{
	(void)fprintf(stream, "add rule " TABLE " %s_%s ", private->interface,
		      chain_names[chain]);
}

static void
write_address(FILE *stream, const struct egress *egress)
{
	const uint32_t address = egress->address;

	(void)fprintf(stream,
		      "ip daddr %" PRIu32 ".%" PRIu32 ".%" PRIu32 ".%" PRIu32,
		      address >> 24, address >> 16 & 255, address >> 8 & 255,
		      address & 255);
	if (egress->to == EGRESS_RANGE)
		(void)fprintf(stream, "/%u", egress->prefix);
	(void)fputc(' ', stream);
}

static void
write_ports(FILE *stream, const struct egress *egress)
{
	static const char *const ports[] = {
		[EGRESS_TCP_AND_UDP] = "meta l4proto { tcp, udp } th dport",
		[EGRESS_TCP] = "tcp dport",
		[EGRESS_UDP] = "udp dport",
	};

	if (egress->port == 0)
		return;
	(void)fprintf(stream, "%s %u", ports[egress->protocol], egress->port);
	if (egress->last_port != egress->port)
		(void)fprintf(stream, "-%u", egress->last_port);
	(void)fputc(' ', stream);
}

/* Writes what CHAIN has of EGRESS, if it has anything of it. */
static void
write_egress(FILE *stream, const struct plan_private *private, enum chain chain,
	     const struct egress *egress)
{
	const bool others = chain == CHAIN_OTHERS;

	if (egress->to != EGRESS_ADDRESS &&
	    others != (egress->to != EGRESS_HOST))
		return;
	begin_rule(stream, private, chain);
	switch (egress->to) {
	case EGRESS_ANY:
		(void)fputs("oifname != @jails ", stream);
		break;
	case EGRESS_INTERNET:
		(void)fprintf(stream, "oifname != @jails ip daddr != %s ",
			      special);
		break;
	case EGRESS_HOST:
		break;
	case EGRESS_ADDRESS:
		write_address(stream, egress);
		break;
	case EGRESS_RANGE:
		(void)fputs("oifname != @jails ", stream);
		write_address(stream, egress);
		break;
	}
	write_ports(stream, egress);
	(void)fputs("accept\n", stream);
}

static void
write_chain(FILE *stream, const struct plan_private *private, enum chain chain,
	    const struct jail_conf *jail)
{
	(void)fprintf(stream,
		      "add chain " TABLE " %s_%s\nflush chain " TABLE
		      " %s_%s\n",
		      private->interface, chain_names[chain],
		      private->interface, chain_names[chain]);
	begin_rule(stream, private, chain);
	(void)fputs("meta nfproto != ipv4 drop\n", stream);
	begin_rule(stream, private, chain);
	(void)fprintf(stream, "ip saddr != %s drop\n", private->address);
	begin_rule(stream, private, chain);
	/* Answers only: what the jail has begun is looked at packet by packet,
	 * so that it does not outlive the list that it was begun under. */
	(void)fputs("ct direction reply ct state established accept\n", stream);
	begin_rule(stream, private, chain);
	(void)fputs("ct state related meta l4proto icmp accept\n", stream);
	begin_rule(stream, private, chain);
	(void)fprintf(
		stream,
		"ct state new add @flows_%s { ip saddr ct count over " FLOWS_MAX
		" } reject with icmpx type admin-prohibited\n",
		chain_names[chain]);
	for (size_t i = 0; i < private->n_nameservers; i++) {
		begin_rule(stream, private, chain);
		(void)fprintf(stream,
			      "ip daddr %s meta l4proto { tcp, udp } th dport "
			      "53 accept\n",
			      private->nameservers[i]);
	}
	for (size_t i = 0; i < jail->n_egress; i++)
		write_egress(stream, private, chain, &jail->egress[i].egress);
	begin_rule(stream, private, chain);
	(void)fputs("reject with icmpx type admin-prohibited\n", stream);
}

/* What finds the jail; VERB is "add" or "delete". */
static void
write_elements(FILE *stream, const struct plan_private *private,
	       const char *verb)
{
	const char *const name = private->interface;

	for (enum chain chain = CHAIN_HOST; chain <= CHAIN_OTHERS; chain++)
		(void)fprintf(stream,
			      "%s element " TABLE " to_%s { \"%s\" : goto "
			      "%s_%s }\n",
			      verb, chain_names[chain], name, name,
			      chain_names[chain]);
	(void)fprintf(stream, "%s element " TABLE " jails { \"%s\" }\n", verb,
		      name);
}

static void
write_hidden(FILE *stream, const struct plan_private *private, const char *verb)
{
	(void)fprintf(stream, "%s element " TABLE " hidden { %s }\n", verb,
		      private->address);
}

static void
write_rules(FILE *stream, const struct plan_private *private,
	    const struct jail_conf *jail)
{
	(void)fputs(sets, stream);
	(void)fputs(chains, stream);
	write_chain(stream, private, CHAIN_HOST, jail);
	write_chain(stream, private, CHAIN_OTHERS, jail);
	write_elements(stream, private, "add");
	/* Added, so that it can be deleted if it is not there. */
	write_hidden(stream, private, "add");
	if (!jail->private->nat)
		write_hidden(stream, private, "delete");
}

/* First all of it is added: what is not there cannot be deleted. */
static void
write_end(FILE *stream, const struct plan_private *private)
{
	const char *const name = private->interface;

	(void)fputs(sets, stream);
	(void)fprintf(stream,
		      "add chain " TABLE " %s_host\n"
		      "add chain " TABLE " %s_others\n",
		      name, name);
	write_elements(stream, private, "add");
	write_hidden(stream, private, "add");
	write_elements(stream, private, "delete");
	write_hidden(stream, private, "delete");
	(void)fprintf(stream,
		      "delete chain " TABLE " %s_host\n"
		      "delete chain " TABLE " %s_others\n",
		      name, name);
}

/* The text of one of both, in the plan's arena; JAIL is NULL for the end. */
static const char *
make(const struct jail_conf *jail, struct plan *plan, struct err *err)
{
	cleanup_free char *text = NULL;
	size_t size = 0;
	FILE *const stream = open_memstream(&text, &size);

	if (stream == NULL) {
		(void)err_errno(err, "memory");
		return NULL;
	}
	if (jail != NULL)
		write_rules(stream, &plan->private, jail);
	else
		write_end(stream, &plan->private);
	if (fclose(stream) != 0) {
		(void)err_errno(err, "memory");
		return NULL;
	}
	return arena_copy(&plan->arena, text, err);
}

int
ruleset_make(const struct jail_conf *jail, struct plan *plan, struct err *err)
{
	plan->private.rules = make(jail, plan, err);
	plan->private.end = make(NULL, plan, err);
	return plan->private.rules != NULL && plan->private.end != NULL ? 0
									: -1;
}
