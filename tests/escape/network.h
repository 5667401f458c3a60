/* SPDX-License-Identifier: ISC */
/*
 * network - addresses as they are written
 */
#ifndef NETWORK_H
#define NETWORK_H

#include <netinet/in.h>
#include <sys/socket.h>

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* TEXT has a colon if it is of IPv6.  Returns the size of the address. */
socklen_t make_address(union address *address, const char *text, long port);

#endif
