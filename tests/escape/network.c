/* SPDX-License-Identifier: ISC */
/*
 * Hosts that are not to be reached, where a jail has a network of its own; and
 * changes of whatever network it has.
 */
#include "network.h"

#include "escape.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_tun.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	PATIENCE_MS = 700,
	REPLY_MAX = 512,
	LARGE = 4000,		  /* more than a frame: in fragments */
	OPTION_LOOSE_ROUTE = 131, /* RFC 791, 3.1 */
};

socklen_t
make_address(union address *address, const char *text, long port)
{
	*address = (union address){ .v6 = { .sin6_family = AF_INET6 } };
	if (strchr(text, ':') == NULL) {
		address->v4.sin_family = AF_INET;
		address->v4.sin_port = htons((uint16_t)port);
		(void)inet_pton(AF_INET, text, &address->v4.sin_addr);
		return sizeof(address->v4);
	}
	address->v6.sin6_port = htons((uint16_t)port);
	(void)inet_pton(AF_INET6, text, &address->v6.sin6_addr);
	return sizeof(address->v6);
}

/* --- a network of its own ------------------------------------------------- */

static void
require_private(void)
{
	(void)require_hint("gateway");
}

static bool
hears_secret(int sock)
{
	struct pollfd waiting = { .fd = sock, .events = POLLIN };
	char text[REPLY_MAX] = "";

	return poll(&waiting, 1, PATIENCE_MS) == 1 &&
	       recv(sock, text, sizeof(text) - 1, 0) > 0 &&
	       has_secret(text, strlen(text));
}

static int
start_connect(const char *address, long port, int protocol)
{
	union address to;
	const socklen_t size = make_address(&to, address, port);
	const int sock =
		socket(to.any.sa_family,
		       SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);

	if (sock < 0)
		refused("socket");
	(void)connect(sock, &to.any, size);
	return sock;
}

static void
connect_to(const char *key)
{
	const char *const address = require_hint(key);

	require_private();
	if (hears_secret(start_connect(address, require_number("port"), 0)))
		escaped("a server of the host's at %s", address);
	contained("nothing at %s", address);
}

static void
connect_to_mapped(const char *key)
{
	char address[64];

	require_private();
	(void)snprintf(address, sizeof(address), "::ffff:%s",
		       require_hint(key));
	if (hears_secret(start_connect(address, require_number("port"), 0)))
		escaped("a server of the host's at %s", address);
	contained("nothing at %s", address);
}

static void
connect_by_mptcp(const char *key)
{
	require_private();
	if (hears_secret(start_connect(require_hint(key),
				       require_number("port"), 262)))
		escaped("a server of the host's, by MPTCP");
	contained("nothing by MPTCP");
}

static void
connect_to_jail(const char *key)
{
	const char *const address = require_hint(key);

	require_private();
	if (hears_secret(start_connect(address, 80, 0)))
		escaped("a server of another jail's at %s", address);
	contained("nothing at %s", address);
}

static int
open_datagrams(void)
{
	const int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const int on = 1;

	require_private();
	if (sock < 0)
		refused("socket");
	(void)setsockopt(sock, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on));
	return sock;
}

/* SIZE bytes to the server of datagrams of the host's, at ADDRESS. */
static void
send_to(int sock, const char *address, size_t size)
{
	static const char bytes[LARGE];
	union address to;
	const socklen_t length =
		make_address(&to, address, require_number("udp_port"));

	if (sendto(sock, bytes, size, 0, &to.any, length) < 0)
		refused("sendto");
	if (hears_secret(sock))
		escaped("a server of the host's at %s, by UDP", address);
	contained("nothing from %s", address);
}

static void
send_datagram(const char *key)
{
	send_to(open_datagrams(), require_hint(key), 1);
}

static void
send_fragments(const char *key)
{
	send_to(open_datagrams(), require_hint(key), LARGE);
}

static void
send_to_all(const char *address)
{
	send_to(open_datagrams(), address, 1);
}

/* By another way than the host would go: RFC 791, 3.1. */
static void
send_by_route(const char *key)
{
	const int sock = open_datagrams();
	unsigned char options[8] = { OPTION_LOOSE_ROUTE, 7, 4 };

	(void)inet_pton(AF_INET, require_hint(key), options + 3);
	if (setsockopt(sock, SOL_IP, IP_OPTIONS, options, sizeof(options)) < 0)
		refused("IP_OPTIONS");
	send_to(sock, require_hint("gateway"), 1);
}

/* As somebody else, whose answers would come here. */
static void
send_as(const char *key)
{
	const int sock = open_datagrams(), on = 1;
	union address from;
	const socklen_t size = make_address(&from, require_hint(key), 0);

	(void)setsockopt(sock, SOL_IP, IP_FREEBIND, &on, sizeof(on));
	(void)setsockopt(sock, SOL_IP, 19 /* IP_TRANSPARENT */, &on,
			 sizeof(on));
	if (bind(sock, &from.any, size) < 0)
		refused("bind");
	send_to(sock, require_hint("gateway"), 1);
}

static void
ping(const char *key)
{
	const int sock =
		socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP);
	struct pollfd waiting = { .fd = sock, .events = POLLIN };
	const struct icmphdr echo = { .type = ICMP_ECHO };
	struct icmphdr answer = { .type = 255 };
	union address to;
	const socklen_t size = make_address(&to, require_hint(key), 0);

	require_private();
	if (sock < 0 || sendto(sock, &echo, sizeof(echo), 0, &to.any, size) < 0)
		refused("ping");
	if (poll(&waiting, 1, PATIENCE_MS) == 1 &&
	    recv(sock, &answer, sizeof(answer), 0) > 0 &&
	    answer.type == ICMP_ECHOREPLY)
		leaked("%s answers a ping", require_hint(key));
	contained("no answer");
}

/* IPv6 would need rules of its own: there is none but the loopback's. */
static void
send_by_link(const char *to)
{
	const int sock = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	union address address;
	const socklen_t size = make_address(&address, to, 9);

	require_private();
	address.v6.sin6_scope_id = if_nametoindex("eth0");
	if (address.v6.sin6_scope_id == 0)
		not_here("no eth0");
	if (sock < 0 || sendto(sock, "x", 1, 0, &address.any, size) < 0)
		refused("sendto");
	leaked("sent to %s", to);
}

/* --- changing it ---------------------------------------------------------- */

/* What the kernel says to one request about routes: 0, or an error. */
static int
ask_routes(void *request, size_t size)
{
	const int sock =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct nlmsghdr *const head = request;
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char more[REPLY_MAX];
	} reply = { .error = { .error = -EIO } };

	head->nlmsg_len = (uint32_t)size;
	head->nlmsg_flags |= NLM_F_REQUEST | NLM_F_ACK;
	if (sock < 0 || send(sock, request, size, 0) < 0 ||
	    recv(sock, &reply, sizeof(reply), 0) < 0)
		refused("netlink");
	return -reply.error.error;
}

static uint32_t
interface(void)
{
	const unsigned int eth0 = if_nametoindex("eth0");

	return eth0 != 0 ? eth0 : if_nametoindex("lo");
}

static void
judge_change(int error, const char *what)
{
	errno = error;
	if (error != 0)
		refused(what);
	escaped("%s was changed", what);
}

/* One more address, of a network for documentation: RFC 5737. */
static void
add_address(const char *unused)
{
	struct {
		struct nlmsghdr head;
		struct ifaddrmsg body;
		struct rtattr attr;
		struct in_addr address;
	} request = { .head = { .nlmsg_type = RTM_NEWADDR,
				.nlmsg_flags = NLM_F_CREATE },
		      .body = { .ifa_family = AF_INET,
				.ifa_prefixlen = 32,
				.ifa_index = interface() },
		      .attr = { .rta_len = RTA_LENGTH(4),
				.rta_type = IFA_LOCAL } };
	int error;

	(void)unused;
	(void)inet_pton(AF_INET, "198.51.100.77", &request.address);
	error = ask_routes(&request, sizeof(request));
	request.head.nlmsg_type = RTM_DELADDR;
	if (error == 0)
		(void)ask_routes(&request, sizeof(request));
	judge_change(error, "the address");
}

static void
add_route(const char *unused)
{
	struct {
		struct nlmsghdr head;
		struct rtmsg body;
		struct rtattr to;
		struct in_addr address;
		struct rtattr by;
		uint32_t interface;
	} request = { .head = { .nlmsg_type = RTM_NEWROUTE,
				.nlmsg_flags = NLM_F_CREATE },
		      .body = { .rtm_family = AF_INET,
				.rtm_dst_len = 32,
				.rtm_table = RT_TABLE_MAIN,
				.rtm_scope = RT_SCOPE_LINK,
				.rtm_protocol = RTPROT_STATIC,
				.rtm_type = RTN_UNICAST },
		      .to = { .rta_len = RTA_LENGTH(4), .rta_type = RTA_DST },
		      .by = { .rta_len = RTA_LENGTH(4), .rta_type = RTA_OIF },
		      .interface = interface() };
	int error;

	(void)unused;
	(void)inet_pton(AF_INET, "198.51.100.77", &request.address);
	error = ask_routes(&request, sizeof(request));
	request.head.nlmsg_type = RTM_DELROUTE;
	if (error == 0)
		(void)ask_routes(&request, sizeof(request));
	judge_change(error, "the list of routes");
}

/* As it is: nothing happens where it is allowed. */
static void
change_link(const char *unused)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg body;
	} request = { .head = { .nlmsg_type = RTM_SETLINK },
		      .body = { .ifi_family = AF_UNSPEC,
				.ifi_index = (int)interface(),
				.ifi_flags = IFF_UP,
				.ifi_change = IFF_UP } };

	(void)unused;
	judge_change(ask_routes(&request, sizeof(request)), "the interface");
}

static void
add_neighbour(const char *unused)
{
	struct arpreq entry = { .arp_flags = ATF_COM | ATF_PERM,
				.arp_ha = { .sa_family = ARPHRD_ETHER } };
	const int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	union address address;

	(void)unused;
	(void)make_address(&address, "198.51.100.77", 0);
	memcpy(&entry.arp_pa, &address.any, sizeof(entry.arp_pa));
	(void)strcpy(entry.arp_dev,
		     if_nametoindex("eth0") != 0 ? "eth0" : "lo");
	if (sock < 0 || ioctl(sock, SIOCSARP, &entry) < 0)
		refused("SIOCSARP");
	(void)ioctl(sock, SIOCDARP, &entry);
	escaped("the list of neighbours was changed");
}

static void
set_address(const char *name)
{
	struct ifreq request = { .ifr_name = "" };
	const int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (sock < 0 || ioctl(sock, SIOCGIFADDR, &request) < 0)
		refused(name);
	if (ioctl(sock, SIOCSIFADDR, &request) < 0) /* the one that it has */
		refused("SIOCSIFADDR");
	escaped("the address of %s was set", name);
}

static void
make_tunnel(const char *unused)
{
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	const int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	(void)unused;
	if (fd < 0)
		refused("/dev/net/tun");
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		refused("TUNSETIFF");
	escaped("made the interface %s", request.ifr_name);
}

/* A batch of nft(8)'s that takes away a table there is not. */
static void
change_rules(const char *unused)
{
	struct {
		struct nlmsghdr begin;
		struct nfgenmsg begin_body;
		struct nlmsghdr head;
		struct nfgenmsg body;
		struct nlattr attr;
		char name[8];
		struct nlmsghdr end;
		struct nfgenmsg end_body;
	} batch = {
		.begin = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct nfgenmsg)),
			   .nlmsg_type = NFNL_MSG_BATCH_BEGIN,
			   .nlmsg_flags = NLM_F_REQUEST },
		.begin_body = { .res_id = htons(NFNL_SUBSYS_NFTABLES) },
		.head = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct nfgenmsg)) +
				       sizeof(struct nlattr) + 8,
			  .nlmsg_type =
				  NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.body = { .nfgen_family = 1 /* inet */ },
		.attr = { sizeof(struct nlattr) + 8, NFTA_TABLE_NAME },
		.name = "no-such",
		.end = { .nlmsg_len = NLMSG_LENGTH(sizeof(struct nfgenmsg)),
			 .nlmsg_type = NFNL_MSG_BATCH_END,
			 .nlmsg_flags = NLM_F_REQUEST },
		.end_body = { .res_id = htons(NFNL_SUBSYS_NFTABLES) },
	};
	const int sock =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	struct {
		struct nlmsghdr head;
		struct nlmsgerr error;
		char more[REPLY_MAX];
	} reply = { .error = { .error = -EIO } };

	(void)unused;
	if (sock < 0 || send(sock, &batch, sizeof(batch), 0) < 0 ||
	    recv(sock, &reply, sizeof(reply), 0) < 0)
		refused("netlink");
	errno = -reply.error.error;
	if (errno == ENOENT || errno == 0)
		escaped("the rules of packets may be changed");
	refused("nftables");
}

const struct attempt network_attempts[] = {
	{ "private.gateway", "S26", connect_to, "gateway" },
	{ "private.host", "S26", connect_to, "host_address" },
	{ "private.mapped", "S26", connect_to_mapped, "gateway" },
	{ "private.mptcp", "S26", connect_by_mptcp, "gateway" },
	{ "private.other-jail", "S26", connect_to_jail, "jail_address" },
	{ "private.udp", "S26", send_datagram, "gateway" },
	{ "private.udp-host", "S26", send_datagram, "host_address" },
	{ "private.fragments", "S26", send_fragments, "gateway" },
	{ "private.broadcast", "S26", send_to_all, "255.255.255.255" },
	{ "private.multicast", "S26", send_to_all, "224.0.0.1" },
	{ "private.source-route", "S26", send_by_route, "host_address" },
	{ "private.foreign-source", "S26", send_as, "jail_address" },
	{ "private.ping", "S26", ping, "gateway" },
	{ "private.ipv6", "S26", send_by_link, "ff02::1" },
	{ "private.ipv6-link", "S26", send_by_link, "fe80::1" },
	{ "net.add-address", "S9", add_address, NULL },
	{ "net.add-route", "S9", add_route, NULL },
	{ "net.change-link", "S9", change_link, NULL },
	{ "net.add-neighbour", "S9", add_neighbour, NULL },
	{ "net.set-address", "S9", set_address, "lo" },
	{ "net.set-address-eth", "S9", set_address, "eth0" },
	{ "net.tunnel", "S9", make_tunnel, NULL },
	{ "net.rules", "S10", change_rules, NULL },
	{ .name = NULL },
};
