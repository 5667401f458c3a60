/* SPDX-License-Identifier: ISC */
#include "conf.h"
#include "policy/egress.h"

#define FROM	  "private_network = { addresses = \"10.77.0.0/16\"; "
#define NAMED	  FROM "nameservers = [ \"192.0.2.53\" ]; "
#define WEB(keys) "\njails = { web = { network = \"private\"; " keys " }; };"

static int
make(const char *text, struct plan *plan, struct err *err)
{
	struct policy *policy = load_text(text);
	struct account alice = look_up("alice"); /* uid 20001 */
	const int ret =
		policy_plan(policy_jail(policy, "web"), &alice, plan, err);

	policy_free(policy);
	account_free(&alice);
	return ret;
}

static struct plan
must_make(const char *text)
{
	struct plan plan;
	struct err err = { .text = "" };

	if (make(text, &plan, &err) < 0)
		fail_msg("%s: %s", text, err.text);
	return plan;
}

static void
assert_cause(const char *text, const char *cause)
{
	struct plan plan;
	struct err err = { .text = "" };

	if (make(text, &plan, &err) == 0)
		fail_msg("%s: it has a plan", text);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_string_equal(err.text, cause);
}

static const char *
file_in(const struct plan *plan, const char *target)
{
	for (size_t i = 0; i < plan->n_entries; i++)
		if (strcmp(plan->entries[i].target, target) == 0)
			return plan->entries[i].text;
	return "(none)";
}

static void
a_word_of_egress_is_read_whole_or_not_at_all(void **state)
{
	static const struct {
		const char *text;
		struct egress is;
	} good[] = {
		{ "any", { .to = EGRESS_ANY } },
		{ "internet", { .to = EGRESS_INTERNET } },
		{ "host", { .to = EGRESS_HOST } },
		{ "192.0.2.1", { EGRESS_ADDRESS, 0xc0000201, 32, 0, 0, 0 } },
		{ "192.0.2.1/32", { EGRESS_ADDRESS, 0xc0000201, 32, 0, 0, 0 } },
		{ "192.0.2.0/24", { EGRESS_RANGE, 0xc0000200, 24, 0, 0, 0 } },
		{ "0.0.0.0/0", { EGRESS_RANGE, 0, 0, 0, 0, 0 } },
		{ ":53/udp", { EGRESS_ANY, 0, 0, 53, 53, EGRESS_UDP } },
		{ "host:1-65535/tcp",
		  { EGRESS_HOST, 0, 0, 1, 65535, EGRESS_TCP } },
		{ "internet:443",
		  { EGRESS_INTERNET, 0, 0, 443, 443, EGRESS_TCP_AND_UDP } },
		{ "255.255.255.255/32:80-90/tcp",
		  { EGRESS_ADDRESS, UINT32_MAX, 32, 80, 90, EGRESS_TCP } },
	};
	static const char *const bad[] = {
		"",
		"all",
		"Any",
		"any:",
		":",
		"any:0",
		"any:65536",
		"any:-1",
		"any:9-8",
		"any:80-",
		"any:80/",
		"any:80/sctp",
		"any/tcp",
		"any:80/tcp ",
		" any",
		"any:8 0",
		"2001:db8::1",
		"[::1]:80",
		"192.0.2.1/24",
		"192.0.2.0/33",
		"192.0.2",
		"192.0.2.0/",
		"192.0.2.256",
		"host:+80",
		"192.0.2.1 accept",
		"192.0.2.1;",
		"example.org",
		"any:00000080",
		"any:80-90-99",
		"::ffff:192.0.2.1",
	};
	struct egress got;

	(void)state;
	for (size_t i = 0; i < N_ROWS(good); i++) {
		const struct egress *const is = &good[i].is;

		if (!egress_parse(good[i].text, &got))
			fail_msg("%s", good[i].text);
		if (got.to != is->to || got.address != is->address ||
		    got.prefix != is->prefix || got.port != is->port ||
		    got.last_port != is->last_port ||
		    got.protocol != is->protocol)
			fail_msg("%s is read as something else", good[i].text);
	}
	for (size_t i = 0; i < N_ROWS(bad); i++)
		if (egress_parse(bad[i], &got))
			fail_msg("\"%s\" is taken", bad[i]);
}

static void
an_address_is_stable_by_the_uid(void **state)
{
	static const struct {
		const char *conf, *address, *gateway, *interface;
	} rows[] = {
		/* 20001 - 1000 + 2 */
		{ NAMED "};" WEB(""), "10.77.74.59", "10.77.0.1",
		  "jail0a4d4a3b" },
		{ NAMED "first_uid = 20001; };" WEB(""), "10.77.0.2",
		  "10.77.0.1", "jail0a4d0002" },
		{ NAMED "};" WEB("address = \"10.77.3.4\";"), "10.77.3.4",
		  "10.77.0.1", "jail0a4d0304" },
		{ "private_network = { addresses = \"192.168.255.0/29\"; "
		  "first_uid = 19997; nameservers = \"192.0.2.53\"; };" WEB(""),
		  "192.168.255.6", "192.168.255.1", "jailc0a8ff06" },
	};

	(void)state;
	for (size_t i = 0; i < N_ROWS(rows); i++) {
		struct plan plan = must_make(rows[i].conf);

		assert_int_equal(plan.network, PLAN_NETWORK_PRIVATE);
		assert_string_equal(plan.private.address, rows[i].address);
		assert_string_equal(plan.private.gateway, rows[i].gateway);
		assert_string_equal(plan.private.interface, rows[i].interface);
		plan_free(&plan);
	}
}

static void
a_uid_out_of_range_is_told_the_way_out(void **state)
{
	static const char *const first[] = { "20002", "19995", "4294967294L" };
	static const char *const range[] = { "20002 to 20006", "19995 to 19999",
					     "4294967294 to 4294967298" };

	(void)state;
	for (size_t i = 0; i < N_ROWS(first); i++) {
		char text[512], cause[512];

		(void)snprintf(text, sizeof(text),
			       "private_network = { addresses = "
			       "\"10.0.0.8/29\"; first_uid = %s; "
			       "nameservers = \"192.0.2.53\"; };%s",
			       first[i], WEB(""));
		(void)snprintf(cause, sizeof(cause),
			       FILE_PATH
			       ":1: uid 20001 has no address in 10.0.0.8/29, "
			       "which is for uids %s: change addresses or "
			       "first_uid there, or give the jail an address "
			       "of its own",
			       range[i]);
		assert_cause(text, cause);
	}
}

static void
what_cannot_be_is_a_mistake_with_its_line(void **state)
{
	static const struct {
		const char *conf, *cause;
	} rows[] = {
		{ WEB(""), ":2: jail \"web\": network = \"private\" needs the "
			   "group private_network in jail.conf, which says "
			   "what addresses there are" },
		{ NAMED "};" WEB("address = \"10.77.0.1\";"),
		  ":2: \"address\": 10.77.0.1 is none that a jail can have in "
		  "10.77.0.0/16" },
		{ NAMED "};" WEB("address = \"10.77.255.255\";"),
		  ":2: \"address\": 10.77.255.255 is none that a jail can have "
		  "in 10.77.0.0/16" },
		{ NAMED "};" WEB("address = \"10.78.0.9\";"),
		  ":2: \"address\": 10.78.0.9 is none that a jail can have in "
		  "10.77.0.0/16" },
		{ NAMED "};" WEB("address = \"10.77.0.0/24\";"),
		  ":2: \"address\": \"10.77.0.0/24\" is not an IPv4 address" },
		{ NAMED "};" WEB("egress = [ \"any\", \"2001:db8::1\" ];"),
		  ":2: \"egress\": \"2001:db8::1\" is not \"internet\", "
		  "\"any\", \"host\" or IPv4 addresses as in "
		  "\"192.0.2.0/24\", with or without a port as in "
		  "\"192.0.2.1:443/tcp\"" },
		{ "\njails = { web = { egress = [ \"any\" ]; }; };",
		  ":2: jail \"web\": egress and address have no effect, "
		  "because network is not \"private\"" },
		{ "private_network = { };",
		  ":1: \"private_network\" has no addresses" },
		{ "private_network = { addresses = \"10.0.0.0/7\"; };",
		  ":1: \"addresses\" must be a range of IPv4 addresses, from "
		  "/8 to /29, as in \"10.77.0.0/16\"" },
		{ "private_network = { addresses = \"10.0.0.0/30\"; };",
		  ":1: \"addresses\" must be a range of IPv4 addresses, from "
		  "/8 to /29, as in \"10.77.0.0/16\"" },
		{ "private_network = { addresses = \"10.77.0.1/16\"; };",
		  ":1: \"addresses\" must be a range of IPv4 addresses, from "
		  "/8 to /29, as in \"10.77.0.0/16\"" },
		{ "private_network = { addresses = \"2001:db8::/32\"; };",
		  ":1: \"addresses\" must be a range of IPv4 addresses, from "
		  "/8 to /29, as in \"10.77.0.0/16\"" },
		{ FROM "nameservers = \"127.0.0.53\"; };",
		  ":1: \"nameservers\": \"127.0.0.53\" is not an IPv4 address "
		  "that a jail could reach" },
		{ FROM "nameservers = [ \"192.0.2.1\", \"192.0.2.2\", "
		       "\"192.0.2.3\", \"192.0.2.4\" ]; };",
		  ":1: \"nameservers\" are more than 3, and no more are "
		  "asked" },
		{ FROM "nat = 1; };", ":1: \"nat\" must be true or false" },
		{ FROM "first_uid = 0; };",
		  ":1: \"first_uid\" must be a whole number from 1 to "
		  "4294967294" },
	};

	(void)state;
	for (size_t i = 0; i < N_ROWS(rows); i++) {
		struct err err = { .text = "" };

		write_text(FILE_PATH, rows[i].conf);
		if (policy_load(CONF, 0, &err) != NULL)
			fail_msg("%s: it loads", rows[i].conf);
		assert_string_equal(err.text + strlen(FILE_PATH),
				    rows[i].cause);
	}
}

static void
what_is_inherited_may_have_no_effect(void **state)
{
	struct plan plan = must_make(
		NAMED "};\njails = { all = { network = \"private\"; egress = "
		      "[ \"any\" ]; address = \"10.77.0.9\"; };\n"
		      "web = { inherit = \"all\"; network = \"none\"; }; };");

	(void)state;
	assert_int_equal(plan.network, PLAN_NETWORK_NONE);
	assert_null(plan.private.address);
	assert_null(plan.private.rules);
	plan_free(&plan);
}

static void
name_servers_are_those_that_a_jail_can_reach(void **state)
{
	static const struct {
		const char *conf, *host, *is;
	} rows[] = {
		{ NAMED "};" WEB(""), "nameserver 192.0.2.1\n",
		  "nameserver 192.0.2.53\n" },
		{ FROM "};" WEB(""),
		  "search example.org\n# nameserver 192.0.2.9\n"
		  "nameserver 127.0.0.53\nnameserver ::1\n"
		  "nameserver\t192.0.2.1  # here\nnameserver 192.0.2.2\n"
		  "nameserver\nnameserver 2001:db8::1\nnameserver 0.0.0.0\n"
		  "nameserver 192.0.2.3\nnameserver 192.0.2.4\n",
		  "nameserver 192.0.2.1\nnameserver 192.0.2.2\n"
		  "nameserver 192.0.2.3\n" },
		{ FROM "};" WEB("egress = [ ];"), "nameserver 192.0.2.1\n",
		  "" },
	};
	static const char *const useless[] = { "", "nameserver 127.0.0.53\n",
					       "nameserver ::1\n",
					       "nameserver 192.0.2.1;\n" };

	(void)state;
	for (size_t i = 0; i < N_ROWS(rows); i++) {
		struct plan plan;

		write_text("/etc/resolv.conf", rows[i].host);
		plan = must_make(rows[i].conf);
		assert_string_equal(file_in(&plan, "/etc/resolv.conf"),
				    rows[i].is);
		plan_free(&plan);
	}
	for (size_t i = 0; i < N_ROWS(useless); i++) {
		write_text("/etc/resolv.conf", useless[i]);
		assert_cause(FROM "};" WEB(""),
			     FILE_PATH ":1: \"private_network\" has no "
				       "nameservers, and /etc/resolv.conf "
				       "names none that a jail can reach: an "
				       "IPv4 address that is not the host's "
				       "loopback");
	}
	(void)unlink("/etc/resolv.conf");
}

#define FIRST                                                                  \
	"meta nfproto != ipv4 drop\nip saddr != 10.77.74.59 drop\n"            \
	"ct direction reply ct state established accept\n"                     \
	"ct state related meta l4proto icmp accept\n"

/* The rules of one chain, each without what all begin with: after the first
 * ones, WANTED. */
static void
assert_chain(const struct plan *plan, const char *chain, const char *wanted)
{
	const char *rest = plan->private.rules;
	char begin[64], got[2048] = "", all[2048];

	(void)snprintf(all, sizeof(all),
		       FIRST "ct state new add @flows_%s { ip saddr ct count "
			     "over 4096 } reject with icmpx type "
			     "admin-prohibited\n%s",
		       chain, wanted);
	(void)snprintf(begin, sizeof(begin), "add rule inet pam_jail %s_%s ",
		       plan->private.interface, chain);
	while ((rest = strstr(rest, begin)) != NULL) {
		const size_t len = strcspn(rest, "\n") + 1 - strlen(begin);

		rest += strlen(begin);
		assert_true(strlen(got) + len < sizeof(got));
		(void)strncat(got, rest, len);
	}
	assert_string_equal(got, all);
}

#define NAMES                                                                  \
	"ip daddr 192.0.2.53 meta l4proto { tcp, udp } th dport 53 accept\n"
#define LAST "reject with icmpx type admin-prohibited\n"

static void
rules_let_pass_what_is_listed_and_nothing_else(void **state)
{
	static const struct {
		const char *egress, *host, *others;
	} rows[] = {
		{ "", NAMES LAST,
		  NAMES
		  "oifname != @jails ip daddr != { 0.0.0.0/8, 10.0.0.0/8, "
		  "100.64.0.0/10, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, "
		  "192.0.0.0/24, 192.168.0.0/16, 198.18.0.0/15, 224.0.0.0/3 } "
		  "accept\n" LAST },
		{ "egress = [ ];", LAST, LAST },
		{ "egress = [ \"any\" ];", NAMES LAST,
		  NAMES "oifname != @jails accept\n" LAST },
		{ "egress = [ \":53/udp\" ];", NAMES LAST,
		  NAMES "oifname != @jails udp dport 53 accept\n" LAST },
		{ "egress = [ \"host:8000-8100\" ];",
		  NAMES "meta l4proto { tcp, udp } th dport 8000-8100 "
			"accept\n" LAST,
		  NAMES LAST },
		{ "egress = [ \"192.0.2.1:443/tcp\", \"198.51.100.0/24\" ];",
		  NAMES "ip daddr 192.0.2.1 tcp dport 443 accept\n" LAST,
		  NAMES "ip daddr 192.0.2.1 tcp dport 443 accept\n"
			"oifname != @jails ip daddr 198.51.100.0/24 "
			"accept\n" LAST },
	};

	(void)state;
	for (size_t i = 0; i < N_ROWS(rows); i++) {
		char text[512];
		struct plan plan;

		(void)snprintf(text, sizeof(text),
			       NAMED "};\njails = { web = { network = "
				     "\"private\"; %s }; };",
			       rows[i].egress);
		plan = must_make(text);
		assert_chain(&plan, "host", rows[i].host);
		assert_chain(&plan, "others", rows[i].others);
		plan_free(&plan);
	}
}

static void
an_address_is_hidden_with_nat_and_shown_without(void **state)
{
	static const char hide[] =
		"add element inet pam_jail hidden { 10.77.74.59 }\n";
	static const char show[] =
		"delete element inet pam_jail hidden { 10.77.74.59 }\n";
	struct plan plan = must_make(NAMED "};" WEB(""));

	(void)state;
	assert_non_null(strstr(plan.private.rules, hide));
	assert_null(strstr(plan.private.rules, show));
	assert_non_null(strstr(plan.private.end, show));
	plan_free(&plan);
	plan = must_make(NAMED "nat = false; };" WEB(""));
	assert_non_null(strstr(plan.private.rules, show));
	plan_free(&plan);
}

static void
a_plan_of_it_can_be_sealed_and_has_a_way_to_names(void **state)
{
	struct plan plan =
		must_make(NAMED "};" WEB("egress = [ \"any\", \"host\" ];"));
	struct plan copy;
	struct err err = { .text = "" };
	const int fd = plan_seal(&plan, &err);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(plan_open(fd, &copy, &err), 0);
	assert_int_equal(copy.network, PLAN_NETWORK_PRIVATE);
	assert_string_equal(copy.private.address, plan.private.address);
	assert_string_equal(copy.private.gateway, plan.private.gateway);
	assert_string_equal(copy.private.interface, plan.private.interface);
	assert_string_equal(copy.private.rules, plan.private.rules);
	assert_string_equal(copy.private.end, plan.private.end);
	assert_int_equal(copy.private.n_egress, 2);
	assert_string_equal(copy.private.egress[1], "host");
	assert_int_equal(copy.private.n_nameservers, 1);
	assert_non_null(strstr(file_in(&copy, "/etc/nsswitch.conf"),
			       "hosts:\tfiles dns\n"));
	plan_free(&copy);
	plan_free(&plan);
	(void)close(fd);
}

static void
what_root_would_run_is_looked_at_again(void **state)
{
	static const struct {
		struct plan_private private;
		const char *cause;
	} rows[] = {
		{ { .interface = "jail0a0000\n2" },
		  "plan: interface \"jail0a0000\n2\"" },
		{ { .interface = "a000002" }, "plan: interface \"a000002\"" },
		{ { .interface = "" }, "plan: interface \"\"" },
		{ { .interface = "jail0a4d4a3bjail" },
		  "plan: interface \"jail0a4d4a3bjail\"" },
		{ { .interface = "jail0a000002",
		    .address = "10.0.0.1;",
		    .gateway = "10.0.0.1" },
		  "plan: no address" },
		{ { .interface = "jail0a000002", .address = "10.0.0.2" },
		  "plan: no address" },
		{ { .interface = "jail0a000002",
		    .address = "10.0.0.2",
		    .gateway = "10.0.0.1" },
		  "plan: no rules for jail0a000002" },
		{ { .interface = "jail0a000002",
		    .address = "10.0.0.2",
		    .gateway = "10.0.0.1",
		    .rules = "add table x",
		    .end = "jail0a000002" },
		  "plan: no rules for jail0a000002" },
		{ { .interface = "jail0a000002",
		    .address = "10.0.0.2",
		    .gateway = "10.0.0.1",
		    .rules = "jail0a000002" },
		  "plan: no rules for jail0a000002" },
	};
	struct plan plan = must_make(NAMED "};" WEB(""));
	const struct plan_private fine = plan.private;
	struct err err;

	(void)state;
	for (size_t i = 0; i < N_ROWS(rows); i++) {
		plan.private = rows[i].private;
		assert_int_equal(plan_check(&plan, &err), -1);
		assert_string_equal(err.text, rows[i].cause);
	}
	plan.private = fine;
	plan.network = PLAN_NETWORK_HOST;
	assert_int_equal(plan_check(&plan, &err), -1);
	assert_string_equal(err.text, "plan: an address without a network");
	plan_free(&plan);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_word_of_egress_is_read_whole_or_not_at_all),
		cmocka_unit_test(an_address_is_stable_by_the_uid),
		cmocka_unit_test(a_uid_out_of_range_is_told_the_way_out),
		cmocka_unit_test(what_cannot_be_is_a_mistake_with_its_line),
		cmocka_unit_test(what_is_inherited_may_have_no_effect),
		cmocka_unit_test(name_servers_are_those_that_a_jail_can_reach),
		cmocka_unit_test(
			rules_let_pass_what_is_listed_and_nothing_else),
		cmocka_unit_test(
			an_address_is_hidden_with_nat_and_shown_without),
		cmocka_unit_test(
			a_plan_of_it_can_be_sealed_and_has_a_way_to_names),
		cmocka_unit_test(what_root_would_run_is_looked_at_again),
	};

	return cmocka_run_group_tests(tests, make_conf, NULL);
}
