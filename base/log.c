/* SPDX-License-Identifier: ISC */
#include "base/log.h"

#include "base/cleanup.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* So that three values and a cause that others have chosen leave room for
 * what we say ourselves. */
enum { VALUE_MAX_LEN = 300, CAUSE_MAX_LEN = 800 };

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

/* Copies TEXT to OUT, of SIZE, with the bytes of SPECIAL escaped as well as
 * those that are not printable. */
static void
escape(const char *text, const char *special, char *out, size_t size)
{
	size_t used = 0;

	for (; *text != '\0'; text++) {
		const unsigned char c = (unsigned char)*text;
		const bool plain =
			c >= ' ' && c < 0x7f && strchr(special, c) == NULL;
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

void
log_escape(const char *text, char *out, size_t size)
{
	escape(text, "\\", out, size);
}

/* --- events -------------------------------------------------------------- */

/* Either all of it or nothing: half a thing could be taken for another. */
static void
append(struct log_event *event, const char *text)
{
	const size_t len = strlen(text);

	if (len >= sizeof(event->text) - event->used)
		return;
	memcpy(event->text + event->used, text, len + 1);
	event->used += len;
}

void
log_begin(struct log_event *event, const char *name)
{
	event->used = 0;
	event->text[0] = '\0';
	append(event, name);
}

/* Whether VALUE needs no quotes. */
static bool
is_word(const char *value)
{
	for (; *value != '\0'; value++)
		if (*value <= ' ' || *value > '~' ||
		    strchr("\\\"='", *value) != NULL)
			return false;
	return true;
}

void
log_add(struct log_event *event, const char *key, const char *value)
{
	char escaped[VALUE_MAX_LEN + 1], pair[VALUE_MAX_LEN + 40];
	const char *quote;

	if (value == NULL || *value == '\0')
		return;
	quote = is_word(value) ? "" : "\"";
	escape(value, "\\\"", escaped, sizeof(escaped));
	(void)snprintf(pair, sizeof(pair), " %.32s=%s%s%s", key, quote, escaped,
		       quote);
	append(event, pair);
}

void
log_add_number(struct log_event *event, const char *key, int64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64, value);
	log_add(event, key, text);
}

void
log_add_cause(struct log_event *event, const char *step, const struct err *err)
{
	char escaped[CAUSE_MAX_LEN + 1], pair[CAUSE_MAX_LEN + 40];

	log_add(event, "step", step);
	if (err->errnum != 0)
		log_add(event, "errno", strerrorname_np(err->errnum));
	/* Always in quotes: it is a sentence. */
	escape(err->text, "\\\"", escaped, sizeof(escaped));
	(void)snprintf(pair, sizeof(pair), " cause=\"%s\"", escaped);
	append(event, pair);
}

/* RFC 3164, 4.3.2: the receiver supplies the time. */
void
log_send(int fd, int priority, const char *ident, const struct log_event *event)
{
	char packet[2200];
	const int n = snprintf(packet, sizeof(packet), "<%d>%s[%d]: %s",
			       LOG_AUTHPRIV | priority, ident, (int)getpid(),
			       event->text);

	if (fd >= 0 && n > 0)
		(void)send(fd, packet, strnlen(packet, sizeof(packet)),
			   MSG_NOSIGNAL | MSG_DONTWAIT);
}
