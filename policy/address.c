/* SPDX-License-Identifier: ISC */
#include "policy/address.h"

#include "policy/amount.h"

#include <arpa/inet.h>
#include <string.h>

enum {
	TEXT_MAX = INET6_ADDRSTRLEN, /* with the NUL */
	BITS = 128,
	MAPPED_BITS = 96, /* before an IPv4 address */
};

/* Reads LEN characters as an address of either family. */
static bool
parse_address(const char *text, size_t len, struct address_range *range)
{
	char word[TEXT_MAX];

	if (len >= sizeof(word))
		return false;
	memcpy(word, text, len);
	word[len] = '\0';
	if (inet_pton(AF_INET6, word, range->bytes) == 1) {
		range->prefix = BITS;
		return true;
	}
	memset(range->bytes, 0, 10);
	memset(range->bytes + 10, 0xff, 2);
	range->prefix = BITS;
	return inet_pton(AF_INET, word, range->bytes + 12) == 1;
}

static bool
bit_of(const uint8_t *bytes, unsigned int bit)
{
	return (bytes[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

bool
address_parse(const char *text, struct address_range *range)
{
	const size_t len = strcspn(text, "/");
	uint64_t prefix;
	bool mapped;

	if (!parse_address(text, len, range))
		return false;
	if (text[len] == '\0')
		return true;
	mapped = strchr(text, ':') == NULL;
	if (!amount_parse(text + len + 1, AMOUNT_COUNT, &prefix) ||
	    prefix > (mapped ? BITS - MAPPED_BITS : BITS))
		return false;
	range->prefix = (unsigned int)prefix + (mapped ? MAPPED_BITS : 0);
	for (unsigned int bit = range->prefix; bit < BITS; bit++)
		if (bit_of(range->bytes, bit))
			return false;
	return true;
}

int
address_within(const char *text, const struct address_range *range)
{
	struct address_range address;

	if (!parse_address(text, strcspn(text, "%"), &address))
		return -1;
	for (unsigned int bit = 0; bit < range->prefix; bit++)
		if (bit_of(address.bytes, bit) != bit_of(range->bytes, bit))
			return 0;
	return 1;
}
