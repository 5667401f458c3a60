/* SPDX-License-Identifier: ISC */
/* Sockets, shared memory, networks and terminals that the host has as well. */
#include "escape.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <mqueue.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { PATIENCE_MS = 3000 };

static void
read_shared_memory(const char *unused)
{
	const int id = shmget((key_t)require_number("ipc_key"), 0, 0);
	const char *text;

	(void)unused;
	if (id < 0)
		refused("shmget");
	text = shmat(id, NULL, SHM_RDONLY);
	if (text == (const char *)-1)
		refused("shmat");
	if (has_secret(text, 256))
		escaped("read shared memory of the host's");
	contained("other memory");
}

static void
receive_message(const char *unused)
{
	struct {
		long type;
		char text[256];
	} message = { 0 };
	const int id = msgget((key_t)require_number("ipc_key"), 0);

	(void)unused;
	if (id < 0)
		refused("msgget");
	if (msgrcv(id, &message, sizeof(message.text), 0, IPC_NOWAIT) < 0)
		refused("msgrcv");
	if (has_secret(message.text, sizeof(message.text)))
		escaped("received a message of the host's");
	contained("another message");
}

static void
use_semaphore(const char *unused)
{
	const int id = semget((key_t)require_number("ipc_key"), 0, 0);

	(void)unused;
	if (id < 0)
		refused("semget");
	leaked("found a semaphore of the host's");
}

static void
list_shared_memory(const char *unused)
{
	struct shmid_ds segment;

	(void)unused;
	for (int i = 0; i < 128; i++)
		if (shmctl(i, 13 /* SHM_STAT */, &segment) >= 0 &&
		    segment.shm_cpid != 0)
			leaked("a segment of uid %u", segment.shm_perm.uid);
	contained("there is none");
}

static void
read_queue(const char *unused)
{
	char name[64], text[8192] = "";
	int queue;

	(void)unused;
	(void)snprintf(name, sizeof(name), "queue-%s", require_hint("nonce"));
	queue = (int)syscall(SYS_mq_open, name, O_RDONLY | O_NONBLOCK, 0, NULL);
	if (queue < 0)
		refused("mq_open");
	if (syscall(SYS_mq_timedreceive, queue, text, sizeof(text), NULL,
		    NULL) < 0)
		leaked("opened a message queue of the host's");
	if (has_secret(text, sizeof(text)))
		escaped("read a message queue of the host's");
	contained("another message");
}

static int
connect_path(const char *path, socklen_t length)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, path, length);
	if (sock < 0 ||
	    connect(sock, (const struct sockaddr *)&address,
		    (socklen_t)offsetof(struct sockaddr_un, sun_path) +
			    length) < 0)
		return -1;
	return sock;
}

/* What a server of the host's says to whoever connects. */
static bool
hears_secret(int sock)
{
	char text[256] = "";
	struct pollfd waiting = { .fd = sock, .events = POLLIN };

	return poll(&waiting, 1, PATIENCE_MS) == 1 &&
	       read(sock, text, sizeof(text)) > 0 &&
	       has_secret(text, sizeof(text));
}

static void
connect_by_path(const char *key)
{
	const char *const path = require_hint(key);
	const int sock = connect_path(path, (socklen_t)strlen(path) + 1);

	if (sock < 0)
		refused(path);
	if (hears_secret(sock))
		escaped("a server of the host's at %s", path);
	leaked("connected to %s", path);
}

static void
connect_service(const char *path)
{
	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		not_here("too long");
	if (connect_path(path, (socklen_t)strlen(path) + 1) >= 0)
		leaked("connected to %s", path);
	if (errno == EPROTOTYPE)
		leaked("%s is there", path);
	refused(path);
}

/* The socket on which the keeper of this very jail listens, outside. */
static void
connect_keeper(const char *jail)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/run/jail/%ld/%s",
		       require_number("uid"), jail);
	if (connect_path(path, (socklen_t)strlen(path) + 1) >= 0 ||
	    errno == EPROTOTYPE)
		leaked("%s is there", path);
	refused(path);
}

/* A server with an abstract name: what it gives is not a file's contents,
 * but whatever it has; where the network is the host's, so are these. */
static void
connect_abstract(const char *unused)
{
	char name[64] = "";
	int sock;

	(void)unused;
	(void)snprintf(name + 1, sizeof(name) - 1, "abstract-%s",
		       require_hint("nonce"));
	sock = connect_path(name, (socklen_t)strlen(name + 1) + 1);
	if (sock < 0)
		refused("connect");
	if (hears_secret(sock))
		leaked("a server of the host's with an abstract name");
	contained("another server");
}

static int
connect_port(const char *address, long port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port) };
	const int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)inet_pton(AF_INET, address, &to.sin_addr);
	if (sock < 0 ||
	    connect(sock, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return -1;
	return sock;
}

static void
connect_loopback(const char *address)
{
	const int sock = connect_port(address, require_number("port"));

	if (sock < 0)
		refused("connect");
	if (hears_secret(sock))
		leaked("a server of the host's on %s", address);
	contained("another server");
}

static void
open_socket(int family, int type, int protocol)
{
	if (socket(family, type | SOCK_CLOEXEC, protocol) < 0)
		refused("socket");
	leaked("opened a socket of family %d", family);
}

static void
open_raw(const char *unused)
{
	(void)unused;
	open_socket(AF_INET, SOCK_RAW, IPPROTO_TCP);
}

static void
open_packet(const char *unused)
{
	(void)unused;
	open_socket(AF_PACKET, SOCK_DGRAM, 0);
}

static void
open_vsock(const char *unused)
{
	(void)unused;
	open_socket(AF_VSOCK, SOCK_STREAM, 0);
}

static void
open_crypto(const char *unused)
{
	(void)unused;
	open_socket(AF_ALG, SOCK_SEQPACKET, 0);
}

static void
open_audit(const char *unused)
{
	(void)unused;
	open_socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT);
}

static void
open_netfilter(const char *unused)
{
	(void)unused;
	open_socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
}

static void
change_interface(const char *name)
{
	const int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { 0 };

	(void)strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (sock < 0 || ioctl(sock, SIOCGIFMTU, &request) < 0)
		refused(name);
	if (ioctl(sock, SIOCSIFMTU, &request) < 0)
		refused("SIOCSIFMTU");
	leaked("may change %s", name);
}

static void
bind_low_port(const char *unused)
{
	const struct sockaddr_in at = { .sin_family = AF_INET,
					.sin_port = htons(81) };
	const int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)unused;
	if (sock < 0 ||
	    bind(sock, (const struct sockaddr *)&at, sizeof(at)) < 0)
		refused("bind");
	leaked("bound port 81");
}

static void
list_sockets(const char *path)
{
	static char text[1 << 20];
	size_t size = 0;
	ssize_t n;
	const int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		refused(path);
	while (size < sizeof(text) &&
	       (n = read(fd, text + size, sizeof(text) - size)) > 0)
		size += (size_t)n;
	if (memmem(text, size, require_hint("nonce"),
		   strlen(require_hint("nonce"))) != NULL)
		leaked("%s names sockets of the host's", path);
	contained("none of the host's");
}

static void
list_ports(const char *path)
{
	char port[16];
	static char text[1 << 20];
	ssize_t n;
	const int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		refused(path);
	n = read(fd, text, sizeof(text));
	(void)snprintf(port, sizeof(port), ":%04lX ", require_number("port"));
	if (n > 0 && memmem(text, (size_t)n, port, strlen(port)) != NULL)
		leaked("%s has a port of the host's", path);
	contained("none of the host's");
}

static void
tell_name(const char *unused)
{
	struct utsname name;

	(void)unused;
	if (uname(&name) == 0 &&
	    strcmp(name.nodename, require_hint("hostname")) == 0)
		leaked("the host is called %s", name.nodename);
	contained("%s", name.nodename);
}

/* --- terminals ----------------------------------------------------------- */

static int
open_terminal(void)
{
	const int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);

	if (tty < 0)
		not_here("no terminal");
	return tty;
}

/* Who started this looks afterwards whether its own terminal has it. */
static void
type(unsigned long request)
{
	const int tty = open_terminal();

	for (const char *at = "typed-by-escape\n"; *at != '\0'; at++)
		if (syscall(SYS_ioctl, tty, request, at) < 0)
			refused("TIOCSTI");
	leaked("typed into the terminal");
}

static void
type_in(const char *unused)
{
	(void)unused;
	type(TIOCSTI);
}

static void
type_in_high(const char *unused)
{
	(void)unused;
	type(TIOCSTI | 1UL << 32);
}

static void
paste_in(const char *unused)
{
	char paste[] = { 3 /* TIOCL_PASTESEL */ };

	(void)unused;
	if (ioctl(open_terminal(), TIOCLINUX, paste) < 0)
		refused("TIOCLINUX");
	leaked("pasted into the terminal");
}

static void
list_terminals(const char *path)
{
	DIR *const dir = opendir(path);
	struct stat st;

	if (dir == NULL)
		refused(path);
	for (const struct dirent *e; (e = readdir(dir)) != NULL;)
		if (strspn(e->d_name, "0123456789") == strlen(e->d_name) &&
		    fstatat(dirfd(dir), e->d_name, &st, 0) == 0 &&
		    st.st_uid != getuid())
			leaked("%s/%s of uid %u", path, e->d_name, st.st_uid);
	contained("none of others");
}

/* One of the same account's on the host: it looks what arrived there. */
static void
write_terminal(const char *key)
{
	const char *const path = require_hint(key);
	const int tty = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK);
	char text[64];

	if (tty < 0)
		refused(path);
	(void)snprintf(text, sizeof(text), "written-%s\n",
		       require_hint("nonce"));
	if (write(tty, text, strlen(text)) < 0)
		refused("write");
	leaked("wrote to %s", path);
}

static void
open_console(const char *path)
{
	if (open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) < 0)
		refused(path);
	leaked("opened %s", path);
}

const struct attempt channel_attempts[] = {
	{ "ipc.sysv-shm", "S12", read_shared_memory, NULL },
	{ "ipc.sysv-msg", "S12", receive_message, NULL },
	{ "ipc.sysv-sem", "S12", use_semaphore, NULL },
	{ "ipc.sysv-list", "S12", list_shared_memory, NULL },
	{ "ipc.posix-queue", "S12", read_queue, NULL },
	{ "ipc.socket", "S2", connect_by_path, "socket" },
	{ "ipc.socket-tmp", "S13", connect_by_path, "tmp_socket" },
	{ "ipc.dbus", "S12", connect_service, "/run/dbus/system_bus_socket" },
	{ "ipc.systemd", "S12", connect_service, "/run/systemd/private" },
	{ "ipc.journal", "S12", connect_service,
	  "/run/systemd/journal/socket" },
	{ "ipc.log", "S12", connect_service, "/dev/log" },
	{ "ipc.docker", "S2", connect_service, "/run/docker.sock" },
	{ "ipc.nscd", "S12", connect_service, "/run/nscd/socket" },
	{ "ipc.keeper", "S2", connect_keeper, "shell" },
	{ "net.abstract-socket", "S12", connect_abstract, NULL },
	{ "net.loopback", "S12", connect_loopback, "127.0.0.1" },
	{ "net.loopback-other", "S12", connect_loopback, "127.9.9.9" },
	{ "net.raw", "S9", open_raw, NULL },
	{ "net.packet", "S9", open_packet, NULL },
	{ "net.vsock", "S10", open_vsock, NULL },
	{ "net.crypto", "S10", open_crypto, NULL },
	{ "net.audit", "S10", open_audit, NULL },
	{ "net.netfilter", "S10", open_netfilter, NULL },
	{ "net.interface", "S9", change_interface, "lo" },
	{ "net.low-port", "S9", bind_low_port, NULL },
	{ "net.list-unix", "S12", list_sockets, "/proc/net/unix" },
	{ "net.list-tcp", "S12", list_ports, "/proc/net/tcp" },
	{ "info.hostname", "S19", tell_name, NULL },
	{ "tty.tiocsti", "S11", type_in, NULL },
	{ "tty.tiocsti-high", "S11", type_in_high, NULL },
	{ "tty.tioclinux", "S11", paste_in, NULL },
	{ "tty.pts-listed", "S11", list_terminals, "/dev/pts" },
	{ "tty.host-pts", "S11", write_terminal, "pts" },
	{ "tty.console", "S11", open_console, "/dev/console" },
	{ "tty.virtual", "S11", open_console, "/dev/tty1" },
	{ .name = NULL },
};
