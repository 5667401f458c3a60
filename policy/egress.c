/* SPDX-License-Identifier: ISC */
#include "policy/egress.h"

#include "policy/address.h"
#include "policy/amount.h"

#include <string.h>

enum {
	V4_AT = 12,	   /* in the sixteen bytes of a mapped address */
	V4_PREFIX = 96,	   /* before it */
	WORD_MAX_LEN = 18, /* "255.255.255.255/32" */
};

bool
egress_parse_range(const char *text, uint32_t *address, unsigned int *prefix)
{
	struct address_range range;

	if (strchr(text, ':') != NULL || !address_parse(text, &range))
		return false;
	*address = 0;
	for (int i = V4_AT; i < (int)sizeof(range.bytes); i++)
		*address = *address << 8 | range.bytes[i];
	*prefix = range.prefix - V4_PREFIX;
	return true;
}

bool
egress_parse_address(const char *text, uint32_t *address)
{
	unsigned int prefix;

	return strchr(text, '/') == NULL &&
	       egress_parse_range(text, address, &prefix);
}

/* PORT[-PORT][/PROTOCOL] */
static bool
parse_service(const char *text, struct egress *egress)
{
	const size_t all = strcspn(text, "/");
	const size_t len = strcspn(text, "-/");

	if (!amount_parse_port(text, len, &egress->port))
		return false;
	egress->last_port = egress->port;
	if (len < all && !amount_parse_port(text + len + 1, all - len - 1,
					    &egress->last_port))
		return false;
	if (strcmp(text + all, "/tcp") == 0)
		egress->protocol = EGRESS_TCP;
	else if (strcmp(text + all, "/udp") == 0)
		egress->protocol = EGRESS_UDP;
	else if (text[all] != '\0')
		return false;
	return egress->port <= egress->last_port;
}

static bool
parse_to(const char *word, struct egress *egress)
{
	static const struct {
		const char *word;
		enum egress_to to;
	} words[] = {
		{ "", EGRESS_ANY },
		{ "any", EGRESS_ANY },
		{ "internet", EGRESS_INTERNET },
		{ "host", EGRESS_HOST },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(word, words[i].word) == 0) {
			egress->to = words[i].to;
			return true;
		}
	if (!egress_parse_range(word, &egress->address, &egress->prefix))
		return false;
	egress->to = egress->prefix == 32 ? EGRESS_ADDRESS : EGRESS_RANGE;
	return true;
}

bool
egress_parse(const char *text, struct egress *egress)
{
	const size_t len = strcspn(text, ":");
	char word[WORD_MAX_LEN + 1];

	*egress = (struct egress){ .protocol = EGRESS_TCP_AND_UDP };
	if (text[0] == '\0' || len >= sizeof(word))
		return false;
	memcpy(word, text, len);
	word[len] = '\0';
	if (!parse_to(word, egress))
		return false;
	return text[len] == '\0' || parse_service(text + len + 1, egress);
}
