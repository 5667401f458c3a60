/* SPDX-License-Identifier: ISC */
#include "base/log.h"

#include "base/cleanup.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int
log_open(void)
{
	const struct sockaddr_un addr = { .sun_family = AF_UNIX,
					  .sun_path = "/dev/log" };
	cleanup_fd int fd =
		socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 ||
	    connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0)
		return -1;
	return fd_take(&fd);
}

void
log_line(int fd, int priority, const char *ident, const char *fmt, ...)
{
	char text[1024], line[2048], packet[2200];
	va_list ap;
	int n;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_escape(text, line, sizeof(line));
	/* RFC 3164, 4.3.2: the receiver supplies the time. */
	n = snprintf(packet, sizeof(packet), "<%d>%s[%d]: %s",
		     LOG_AUTHPRIV | priority, ident, (int)getpid(), line);
	if (fd >= 0 && n > 0)
		(void)send(fd, packet, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void
log_escape(const char *text, char *out, size_t size)
{
	size_t used = 0;

	for (; *text != '\0'; text++) {
		const unsigned char c = (unsigned char)*text;
		const bool plain = c >= ' ' && c < 0x7f && c != '\\';
		const size_t need = plain ? 1 : sizeof("\\xHH") - 1;

		if (used + need >= size)
			break;
		if (plain)
			out[used] = (char)c;
		else
			(void)snprintf(out + used, size - used, "\\x%02x", c);
		used += need;
	}
	out[used] = '\0';
}
