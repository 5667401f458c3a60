/* SPDX-License-Identifier: ISC */
#include "keeper/network.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/path.h"
#include "jail/jail.h"
#include "keeper/tool.h"

#include <fcntl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

enum {
	/* Five seconds, for a jail that is about to end. */
	WAIT_TRIES = 500,
	WAIT_PAUSE_NS = 10 * 1000 * 1000,
	/* Of changes that are not heard yet; what others do while we are busy.
	 */
	CHANGES_BYTES = 8 << 20,
	RETRY_MS = 5000,
	HEARD_MAX = 8192, /* bytes of messages; what is cut counts as bad */
	MAC_SIZE = sizeof("02:00:0a:4d:00:02"),
	LINES_MAX = 512, /* some lines for ip(8), of names and addresses */
};

static const struct tool nft = {
	.path = NFT,
	.options = { "-f", "-" },
	.package = "nftables",
};

static const struct tool ip = {
	.path = IP,
	.options = { "-batch", "-" },
	.package = "iproute2",
};

static int
set_sysctl(const char *path, const char *value, struct err *err)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		return err_errno(err, "%s", path);
	return 0;
}

/* Addresses are IPv4, and so are the rules.  Where the kernel has no IPv6
 * there is nothing to be switched off. */
static int
switch_ipv6_off(const char *interface, struct err *err)
{
	char path[96];

	(void)snprintf(path, sizeof(path),
		       "/proc/sys/net/ipv6/conf/%s/disable_ipv6", interface);
	if (set_sysctl(path, "1", err) < 0 && err->errnum != ENOENT)
		return -1;
	return 0;
}

/* --- the address is free ------------------------------------------------- */

/* Whose an interface is, by its alias: "pam_jail UID JAIL KEEPER". */
struct owner {
	uid_t uid;
	char jail[NAME_PLAIN_MAX + 1];
	pid_t keeper;
};

_Static_assert(NAME_PLAIN_MAX == 32, "read_owner()");

static ssize_t
read_text(const char *path, char *text, size_t size)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	text[n < 0 ? 0 : n] = '\0';
	return n;
}

static bool
read_owner(const char *interface, struct owner *owner)
{
	char path[64], text[128];

	(void)snprintf(path, sizeof(path), "/sys/class/net/%s/ifalias",
		       interface);
	return read_text(path, text, sizeof(text)) > 0 &&
	       /* By open_gate().  NOLINTNEXTLINE(cert-err34-c) */
	       sscanf(text, "pam_jail %u %32s %d", &owner->uid, owner->jail,
		      &owner->keeper) == 3;
}

/* The number may be another process's by now. */
static bool
is_keeper(pid_t pid)
{
	char path[32], name[32];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	if (stat(path, &st) < 0 || st.st_uid != 0)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	return read_text(path, name, sizeof(name)) > 0 &&
	       strcmp(name, "jail-keeper\n") == 0;
}

static int
remove_interface(const char *interface, struct err *err)
{
	char lines[LINES_MAX];

	(void)snprintf(lines, sizeof(lines), "link delete dev %s\n", interface);
	return tool_run(&ip, lines, err);
}

/* What there is of our interface goes, if nobody keeps it: returns 1 if it
 * may be there still, 0 if it is not, or -1. */
static int
try_to_make_room(const struct plan *plan, struct err *err)
{
	const char *const interface = plan->private.interface;
	struct owner owner = { .keeper = 0 };

	if (if_nametoindex(interface) == 0)
		return errno == ENODEV ? 0 : err_errno(err, "%s", interface);
	/* Without an owner, it has just been made, or goes just now. */
	if (!read_owner(interface, &owner))
		return 1;
	if (!is_keeper(owner.keeper)) {
		/* The kernel may be removing it as well. */
		(void)!remove_interface(interface, err);
		return 1;
	}
	if (owner.uid == plan->uid && strcmp(owner.jail, plan->jail) == 0)
		return 1;
	return err_set(err, ERR_REFUSED,
		       "%s is in use by jail %s of uid %u: give one of them "
		       "another address",
		       plan->private.address, owner.jail, owner.uid);
}

/* The jail before us may be at its end; what a killed keeper has left is in
 * nobody's way. */
static int
make_room(const struct plan *plan, struct err *err)
{
	const struct timespec pause = { .tv_nsec = WAIT_PAUSE_NS };

	for (int i = 0; i < WAIT_TRIES; i++) {
		const int more = try_to_make_room(plan, err);

		if (more <= 0)
			return more;
		(void)nanosleep(&pause, NULL);
	}
	return err_set(err, ERR_REFUSED,
		       "%s is in use: the interface %s does not go away",
		       plan->private.address, plan->private.interface);
}

/* --- making -------------------------------------------------------------- */

struct inside {
	int namespace;
	gid_t gid;
};

/*
 * In the process of ip(8).  Whoever is inside may have any port, and send the
 * echo requests of ping(8), which here takes a group: icmp(7).
 */
static int
go_inside(const void *arg, struct err *err)
{
	const struct inside *const inside = arg;
	char groups[32];

	if (setns(inside->namespace, CLONE_NEWNET) < 0)
		return err_errno(err, "enter the jail's network");
	(void)snprintf(groups, sizeof(groups), "%u %u", inside->gid,
		       inside->gid);
	if (set_sysctl("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0",
		       err) < 0 ||
	    set_sysctl("/proc/sys/net/ipv4/ping_group_range", groups, err) < 0)
		return -1;
	/* Of interfaces to come; the loopback keeps its own. */
	return switch_ipv6_off("default", err);
}

/* A locally administered one (IEEE 802), which the name of the interface ends
 * with.  Another one than the kernel's, which systemd.link(5) would change
 * while the other end uses it already. */
static const char *
mac_of(const struct plan *plan, const char *first, char mac[MAC_SIZE])
{
	const char *const digits = plan->private.interface +
				   strlen(plan->private.interface) -
				   strlen("0a4d0002");

	(void)snprintf(mac, MAC_SIZE, "%s:%.2s:%.2s:%.2s:%.2s", first, digits,
		       digits + 2, digits + 4, digits + 6);
	return mac;
}

/* Both ends, and the jail's one is complete.  From here on the address is
 * ours. */
static int
make_pair(const struct plan *plan, int namespace, struct err *err)
{
	const struct inside inside = { namespace, plan->gid };
	const struct plan_private *const private = &plan->private;
	char lines[LINES_MAX], mac[MAC_SIZE], peer_mac[MAC_SIZE];
	struct tool ip_inside = ip;

	ip_inside.prepare = go_inside;
	ip_inside.arg = &inside;
	(void)snprintf(lines, sizeof(lines),
		       "link add name eth0 address %s type veth"
		       " peer name %s address %s netns %d\n"
		       "address add %s peer %s dev eth0\n"
		       "link set dev eth0 up\n"
		       "route add default via %s dev eth0\n",
		       mac_of(plan, "02:00", mac), private->interface,
		       mac_of(plan, "02:01", peer_mac), (int)getpid(),
		       private->address, private->gateway, private->gateway);
	return tool_run(&ip_inside, lines, err);
}

/* The last step: before it, nothing passes. */
static int
open_gate(const struct plan *plan, struct err *err)
{
	const struct plan_private *const private = &plan->private;
	char lines[LINES_MAX];

	if (switch_ipv6_off(private->interface, err) < 0)
		return -1;
	(void)snprintf(lines, sizeof(lines),
		       "link set dev %s alias \"pam_jail %u %s %d\"\n"
		       "address add %s peer %s dev %s\n"
		       "link set dev %s up\n",
		       private->interface, plan->uid, plan->jail, (int)getpid(),
		       private->gateway, private->address, private->interface,
		       private->interface);
	return tool_run(&ip, lines, err);
}

/* Before there are rules that could be lost. */
static int
watch_rules(struct network *network, struct err *err)
{
	const int room = CHANGES_BYTES;
	const struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups = 1U << (NFNLGRP_NFTABLES - 1),
	};

	network->changes =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       NETLINK_NETFILTER);
	if (network->changes < 0 ||
	    bind(network->changes, (const struct sockaddr *)&address,
		 sizeof(address)) < 0)
		return err_errno(err, "watch the rules of the host");
	/* With less, more is missed. */
	(void)setsockopt(network->changes, SOL_SOCKET, SO_RCVBUFFORCE, &room,
			 sizeof(room));
	return 0;
}

int
network_start(const struct plan *plan, pid_t init, struct network *network,
	      struct err *err)
{
	cleanup_fd int namespace = -1;
	char path[32];

	if (plan->network != PLAN_NETWORK_PRIVATE)
		return 0;
	if (make_room(plan, err) < 0)
		return -1;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)init);
	namespace = open(path, O_RDONLY | O_CLOEXEC);
	if (namespace < 0)
		return err_errno(err, "%s", path);
	if (make_pair(plan, namespace, err) < 0)
		return -1;
	network->namespace = fd_take(&namespace);
	if (watch_rules(network, err) < 0 ||
	    tool_run(&nft, plan->private.rules, err) < 0 ||
	    open_gate(plan, err) < 0)
		return -1;
	return jail_keep_network(err);
}

/* --- while it is there --------------------------------------------------- */

/* Whether anything passes: whoever has the address is cut off at once, and
 * keeps it. */
static int
set_gate(const char *interface, short flags, struct err *err)
{
	cleanup_fd int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq gate = { .ifr_flags = flags };

	(void)snprintf(gate.ifr_name, sizeof(gate.ifr_name), "%s", interface);
	if (sock < 0 || ioctl(sock, SIOCSIFFLAGS, &gate) < 0)
		return err_errno(err, "%s", interface);
	return 0;
}

static int
open_again(const char *interface, struct err *err)
{
	return set_gate(interface, IFF_UP, err);
}

static int
close_gate(const char *interface, struct err *err)
{
	return set_gate(interface, 0, err);
}

/* Whether the N bytes of messages, netlink(7), tell that our table has gone; a
 * name that ends like it does no harm. */
static bool
tells_of_loss(const char *bytes, size_t n)
{
	static const char name[] = "pam_jail";
	struct nlmsghdr msg;
	size_t at = 0;

	while (n - at >= sizeof(msg)) {
		memcpy(&msg, bytes + at, sizeof(msg));
		if (msg.nlmsg_len < sizeof(msg) || msg.nlmsg_len > n - at)
			return true; /* nobody sends such a thing */
		if (msg.nlmsg_type ==
			    (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE) &&
		    memmem(bytes + at, msg.nlmsg_len, name, sizeof(name)) !=
			    NULL)
			return true;
		if (NLMSG_ALIGN(msg.nlmsg_len) > n - at)
			return false;
		at += NLMSG_ALIGN(msg.nlmsg_len);
	}
	return false;
}

enum news { NO_NEWS, NEWS_MISSED, NEWS_LOSS };

static enum news
hear_changes(const struct network *network)
{
	enum news news = NO_NEWS;
	char heard[HEARD_MAX];
	ssize_t n;

	for (;;) {
		n = recv(network->changes, heard, sizeof(heard), MSG_TRUNC);
		if (n < 0 && errno == EAGAIN)
			return news;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != ENOBUFS)
			return NEWS_LOSS;
		if (n > 0 && n <= (ssize_t)sizeof(heard)) {
			if (tells_of_loss(heard, (size_t)n))
				news = NEWS_LOSS;
		} else if (n != 0 && news == NO_NEWS) {
			news = NEWS_MISSED;
		}
	}
}

/* It is asked, and not told: what others put in force for this reason is a
 * change again. */
static bool
has_rules(const struct plan *plan)
{
	char line[LINES_MAX];
	struct err err;

	(void)snprintf(line, sizeof(line),
		       "list chain inet pam_jail %s_host\n"
		       "list chain inet pam_jail %s_others\n",
		       plan->private.interface, plan->private.interface);
	return tool_run(&nft, line, &err) == 0;
}

/* Not when all others do: the keepers of many jails have one reason. */
static void
mend_later(struct network *network, int64_t pause_ms)
{
	network->due_ms = now_ms() + pause_ms + getpid() % RETRY_MS;
}

/*
 * The names may be there and not what was in them: so all of it is made anew,
 * and while it is not known, nothing passes.  What we make is a change that the
 * others hear of: if they do so much that some of it was missed, we wait.
 */
int
network_mend(const struct plan *plan, pid_t init, struct network *network,
	     struct err *err)
{
	const char *const interface = plan->private.interface;
	const bool due = network->due_ms >= 0 && network->due_ms <= now_ms();
	const enum news news = hear_changes(network);
	bool had;

	if (news == NO_NEWS && !due)
		return 0;
	if (close_gate(interface, err) < 0) {
		(void)kill(init, SIGKILL);
		return -1;
	}
	if (news == NEWS_MISSED && !due) {
		mend_later(network, 0);
		return 0;
	}
	had = has_rules(plan);
	if (tool_run(&nft, plan->private.rules, err) < 0 ||
	    open_again(interface, err) < 0) {
		mend_later(network, RETRY_MS);
		return -1;
	}
	network->due_ms = -1;
	return had ? 0 : 1;
}

/* --- the end ------------------------------------------------------------- */

int
network_stop(const struct plan *plan, struct network *network, struct err *err)
{
	const char *const interface = plan->private.interface;
	bool there = true;
	int ret = 0;

	if (network->namespace < 0)
		return 0;
	/* Without rules nothing passes any more, and who has the address next
	 * finds none of ours. */
	if (close_gate(interface, err) < 0) {
		there = err->errnum != ENODEV;
		ret = there ? -1 : 0;
	}
	if (ret == 0)
		ret = tool_run(&nft, plan->private.end, err);
	if (ret == 0 && there)
		ret = remove_interface(interface, err);
	fd_close(&network->changes);
	fd_close(&network->namespace);
	return ret;
}
