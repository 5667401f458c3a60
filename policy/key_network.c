/* SPDX-License-Identifier: ISC */
/* network, egress, address, and the group private_network. */
#include "policy/keys.h"
#include "policy/network.h"

#include <string.h>

enum {
	/* With less than 8 addresses there is none for a jail; more than a /8
	 * nobody has. */
	PREFIX_LEAST = 8,
	PREFIX_MOST = 29,
	NAMESERVERS_MAX = 3, /* resolv.conf(5), MAXNS */
};

int
key_network(const struct reader *reader, const config_setting_t *setting,
	    void *target, struct err *err)
{
	static const struct {
		const char *word;
		enum plan_network network;
	} words[] = {
		{ "host", PLAN_NETWORK_HOST },
		{ "none", PLAN_NETWORK_NONE },
		{ "private", PLAN_NETWORK_PRIVATE },
	};
	struct jail_conf *const jail = target;
	struct text text = { .text = NULL };

	if (setting_text(reader, setting, &text, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(text.text, words[i].word) == 0) {
			jail->network = words[i].network;
			jail->private = &reader->policy->private;
			return 0;
		}
	return setting_error(reader, setting, err,
			     "\"network\" must be \"host\", \"none\" or "
			     "\"private\"");
}

int
key_egress(const struct reader *reader, const config_setting_t *setting,
	   void *target, struct err *err)
{
	struct jail_conf *const jail = target;
	struct texts texts = { .n = 0 };
	struct egress_word *words;

	if (setting_texts(reader, setting, &texts, err) < 0)
		return -1;
	words = arena_alloc(reader->arena, texts.n * sizeof(*words), err);
	if (words == NULL)
		return -1;
	for (size_t i = 0; i < texts.n; i++) {
		words[i].text = texts.item[i];
		if (!egress_parse(texts.item[i].text, &words[i].egress))
			return where_error(
				&texts.item[i].at, err,
				"\"egress\": \"%s\" is not \"internet\", "
				"\"any\", \"host\" or IPv4 addresses as in "
				"\"192.0.2.0/24\", with or without a port as "
				"in \"192.0.2.1:443/tcp\"",
				texts.item[i].text);
	}
	jail->egress = words;
	jail->n_egress = texts.n;
	jail->private_here = true;
	return 0;
}

int
key_address(const struct reader *reader, const config_setting_t *setting,
	    void *target, struct err *err)
{
	struct jail_conf *const jail = target;
	uint32_t address;

	if (setting_text(reader, setting, &jail->address, err) < 0)
		return -1;
	if (!egress_parse_address(jail->address.text, &address))
		return setting_error(reader, setting, err,
				     "\"address\": \"%s\" is not an IPv4 "
				     "address",
				     jail->address.text);
	jail->private_here = true;
	return 0;
}

int
network_check(const struct jail_conf *jail, struct err *err)
{
	const struct private_conf *const private = jail->private;
	uint32_t address;

	if (jail->network != PLAN_NETWORK_PRIVATE && jail->private_here)
		return where_error(&jail->at, err,
				   "jail \"%s\": egress and address have no "
				   "effect, because network is not "
				   "\"private\"",
				   jail->name);
	if (jail->network != PLAN_NETWORK_PRIVATE)
		return 0;
	if (private == NULL || private->at.file == NULL)
		return where_error(&jail->at, err,
				   "jail \"%s\": network = \"private\" needs "
				   "the group private_network in jail.conf, "
				   "which says what addresses there are",
				   jail->name);
	/* The first is the range's own, then comes the host; the last is for
	 * all: RFC 919. */
	if (jail->address.text != NULL &&
	    (!egress_parse_address(jail->address.text, &address) ||
	     address <= private->first + 1 || address >= private->last))
		return where_error(&jail->address.at, err,
				   "\"address\": %s is none that a jail can "
				   "have in %s",
				   jail->address.text, private->range);
	return 0;
}

/* --- private_network ----------------------------------------------------- */

static int
private_addresses(const struct reader *reader, const config_setting_t *setting,
		  void *target, struct err *err)
{
	struct private_conf *const private = target;
	struct text text = { .text = NULL };
	unsigned int prefix;

	if (setting_text(reader, setting, &text, err) < 0)
		return -1;
	if (!egress_parse_range(text.text, &private->first, &prefix) ||
	    prefix < PREFIX_LEAST || prefix > PREFIX_MOST)
		return setting_error(reader, setting, err,
				     "\"addresses\" must be a range of IPv4 "
				     "addresses, from /%d to /%d, as in "
				     "\"10.77.0.0/16\"",
				     PREFIX_LEAST, PREFIX_MOST);
	private->last = private->first | UINT32_MAX >> prefix;
	private->range = text.text;
	return 0;
}

static int
private_first_uid(const struct reader *reader, const config_setting_t *setting,
		  void *target, struct err *err)
{
	static const struct bounds bounds = { 1, UINT32_MAX - 1 };
	struct private_conf *const private = target;
	int64_t uid = 0;

	if (setting_number(reader, setting, &bounds, &uid, err) < 0)
		return -1;
	private->first_uid = (uid_t)uid;
	return 0;
}

static int
private_nat(const struct reader *reader, const config_setting_t *setting,
	    void *target, struct err *err)
{
	struct private_conf *const private = target;

	return setting_bool(reader, setting, &private->nat, err);
}

static int
private_nameservers(const struct reader *reader,
		    const config_setting_t *setting, void *target,
		    struct err *err)
{
	struct private_conf *const private = target;
	struct texts *const texts = &private->nameservers;
	uint32_t address;

	if (setting_one_or_more(reader, setting, texts, err) < 0)
		return -1;
	if (texts->n > NAMESERVERS_MAX)
		return setting_error(reader, setting, err,
				     "\"nameservers\" are more than %d, and "
				     "no more are asked",
				     NAMESERVERS_MAX);
	for (size_t i = 0; i < texts->n; i++)
		if (!egress_parse_address(texts->item[i].text, &address) ||
		    address >> 24 == 127 || address == 0)
			return where_error(&texts->item[i].at, err,
					   "\"nameservers\": \"%s\" is not an "
					   "IPv4 address that a jail could "
					   "reach",
					   texts->item[i].text);
	return 0;
}

static const struct key private_keys[] = {
	{ "addresses", private_addresses },
	{ "first_uid", private_first_uid },
	{ "nat", private_nat },
	{ "nameservers", private_nameservers },
	{ NULL, NULL },
};

int
network_read(const struct reader *reader, const config_setting_t *setting,
	     struct policy *policy, struct err *err)
{
	struct private_conf *const private = &policy->private;

	*private = (struct private_conf){ .first_uid = 1000, .nat = true };
	if (setting_is_group(reader, setting, err) < 0 ||
	    setting_read_group(reader, setting, private_keys, private, err) < 0)
		return -1;
	if (private->range == NULL)
		return setting_error(reader, setting, err,
				     "\"private_network\" has no addresses");
	private->at = setting_where(reader, setting);
	return 0;
}
