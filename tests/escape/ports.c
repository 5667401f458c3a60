/* SPDX-License-Identifier: ISC */
/* Ports that are somebody else's, where a jail has a lease of some. */
#include "escape.h"
#include "network.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* IP_LOCAL_PORT_RANGE, linux/in.h of 6.3 */
enum { LOCAL_PORT_RANGE = 51 };

/* Some that are not of the lease "FIRST-LAST": beside it, and far away. */
static void
others_ports(int ports[4])
{
	int first = 0, last = 0;

	if (sscanf(require_hint("ports"), "%d-%d", &first, &last) != 2)
		not_here("no lease");
	ports[0] = first - 1;
	ports[1] = last + 1;
	ports[2] = 8089;
	ports[3] = 65534;
}

static bool
is_leased(int port)
{
	int first = 0, last = 0;

	(void)sscanf(require_hint("ports"), "%d-%d", &first, &last);
	return port >= first && port <= last;
}

/* Whether the kernel has the port to give away to anybody. */
static bool
is_the_kernels(int port)
{
	char text[64];
	int least = 32768, most = 60999;

	if (read_text("/proc/sys/net/ipv4/ip_local_port_range", text,
		      sizeof(text)) != NULL)
		(void)sscanf(text, "%d %d", &least, &most);
	return port >= least && port <= most;
}

static int
port_of(int sock)
{
	union address address;
	socklen_t size = sizeof(address);

	if (getsockname(sock, &address.any, &size) < 0)
		return 0;
	return ntohs(address.any.sa_family == AF_INET ? address.v4.sin_port
						      : address.v6.sin6_port);
}

/* "FAMILY-ADDRESS TYPE PROTOCOL": binds each of others' ports. */
static void
bind_others(const char *how)
{
	char text[64];
	int type = 0, protocol = 0, ports[4], tried = 0;

	others_ports(ports);
	if (sscanf(how, "%63s %d %d", text, &type, &protocol) != 3)
		not_here("%s", how);
	for (size_t i = 0; i < 4; i++) {
		union address address;
		const socklen_t size = make_address(&address, text, ports[i]);
		const int sock = socket(address.any.sa_family,
					type | SOCK_CLOEXEC, protocol);
		const int on = 1;

		if (sock < 0)
			refused("socket");
		(void)setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on,
				 sizeof(on));
		(void)setsockopt(sock, SOL_SOCKET, SO_REUSEPORT, &on,
				 sizeof(on));
		(void)setsockopt(sock, SOL_IP, IP_FREEBIND, &on, sizeof(on));
		if (bind(sock, &address.any, size) == 0)
			escaped("bound port %d of %s", ports[i], text);
		tried += errno == EPERM;
		(void)close(sock);
	}
	contained("%d of 4 are not permitted", tried);
}

/* A server of the host's listens there on all addresses: one is more. */
static void
bind_beside_server(const char *address)
{
	union address at;
	const long port = (require_hint("ports"), require_number("port"));
	const socklen_t size = make_address(&at, address, port);
	const int sock = socket(at.any.sa_family, SOCK_STREAM, 0), on = 1;

	(void)setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	(void)setsockopt(sock, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (sock < 0 || bind(sock, &at.any, size) < 0)
		refused("bind");
	escaped("bound port %ld beside a server of the host's", port);
}

/* Without bind(2), listen(2) takes a port; and from a range that is asked for,
 * connect(2) and bind(2) to 0 as well. */
static void
bind_by(const char *call)
{
	const int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	union address address;
	const socklen_t size = make_address(&address, "127.0.0.1", 0);
	const uint32_t range = 8089U << 16 | 8080U;
	const int on = 1;
	int port;

	(void)require_hint("ports");
	if (setsockopt(sock, SOL_IP, LOCAL_PORT_RANGE, &range, sizeof(range)) <
		    0 &&
	    strcmp(call, "listen") != 0)
		refused("IP_LOCAL_PORT_RANGE");
	if (strcmp(call, "bind") == 0) {
		(void)bind(sock, &address.any, size);
	} else if (strcmp(call, "connect") == 0) {
		(void)setsockopt(sock, SOL_IP, 24 /* BIND_ADDRESS_NO_PORT */,
				 &on, sizeof(on));
		(void)bind(sock, &address.any, size);
		address.v4.sin_port = htons((uint16_t)require_number("port"));
		(void)connect(sock, &address.any, size);
	} else {
		(void)listen(sock, 1);
	}
	port = port_of(sock);
	if (port != 0 && !is_leased(port) && !is_the_kernels(port))
		escaped("%s gave port %d", call, port);
	contained("%s gave port %d", call, port);
}

/* UDP has a port as soon as it sends. */
static void
bind_by_sending(const char *unused)
{
	const int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const uint32_t range = 8089U << 16 | 8080U;
	union address to;
	const socklen_t size = make_address(&to, "127.0.0.1", 9);
	int port;

	(void)unused;
	(void)require_hint("ports");
	(void)setsockopt(sock, SOL_IP, LOCAL_PORT_RANGE, &range, sizeof(range));
	(void)sendto(sock, "x", 1, 0, &to.any, size);
	port = port_of(sock);
	if (port != 0 && !is_leased(port) && !is_the_kernels(port))
		escaped("sending gave port %d", port);
	contained("sending gave port %d", port);
}

/* The lease is of one address family as of another: a socket may change. */
static void
bind_after_change(const char *unused)
{
	const int sock = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int family = AF_INET, off = 0;
	int ports[4];
	union address address;

	(void)unused;
	others_ports(ports);
	(void)setsockopt(sock, SOL_IPV6, 26 /* IPV6_V6ONLY */, &off,
			 sizeof(off));
	(void)setsockopt(sock, SOL_IPV6, 1 /* IPV6_ADDRFORM */, &family,
			 sizeof(family));
	(void)make_address(&address, "::", ports[0]);
	/* A size that has no room for what is behind the port. */
	for (socklen_t size = 1; size <= sizeof(address); size++)
		if (bind(sock, &address.any, size) == 0)
			escaped("bound port %d with %u bytes", ports[0], size);
	refused("bind");
}

const struct attempt port_attempts[] = {
	{ "port.tcp", "S12", bind_others, "127.0.0.1 1 0" },
	{ "port.tcp-any", "S12", bind_others, "0.0.0.0 1 0" },
	{ "port.tcp6", "S12", bind_others, "::1 1 0" },
	{ "port.tcp6-any", "S12", bind_others, ":: 1 0" },
	{ "port.tcp-mapped", "S12", bind_others, "::ffff:127.0.0.1 1 0" },
	{ "port.tcp-foreign", "S12", bind_others, "198.51.100.77 1 0" },
	{ "port.udp", "S12", bind_others, "127.0.0.1 2 0" },
	{ "port.udp6", "S12", bind_others, ":: 2 0" },
	{ "port.udp-mapped", "S12", bind_others, "::ffff:0.0.0.0 2 0" },
	{ "port.udp-group", "S12", bind_others, "224.0.0.251 2 0" },
	{ "port.udp-lite", "S12", bind_others, "127.0.0.1 2 136" },
	{ "port.mptcp", "S12", bind_others, "127.0.0.1 1 262" },
	{ "port.mptcp6", "S12", bind_others, ":: 1 262" },
	{ "port.sctp", "S12", bind_others, "127.0.0.1 1 132" },
	{ "port.sctp-many", "S12", bind_others, "127.0.0.1 5 132" },
	{ "port.dccp", "S12", bind_others, "127.0.0.1 6 33" },
	{ "port.beside", "S12", bind_beside_server, "0.0.0.0" },
	{ "port.beside-one", "S12", bind_beside_server, "127.0.0.1" },
	{ "port.beside-mapped", "S12", bind_beside_server, "::ffff:127.0.0.1" },
	{ "port.by-listen", "S12", bind_by, "listen" },
	{ "port.by-range", "S12", bind_by, "bind" },
	{ "port.by-connect", "S12", bind_by, "connect" },
	{ "port.by-sending", "S12", bind_by_sending, NULL },
	{ "port.by-change", "S12", bind_after_change, NULL },
	{ .name = NULL },
};
