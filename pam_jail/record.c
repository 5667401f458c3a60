/* SPDX-License-Identifier: ISC */
#include "pam_jail/record.h"

#include "base/cleanup.h"
#include "base/log.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <libaudit.h>
#include <security/pam_ext.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *
item(pam_handle_t *pamh, int type)
{
	const void *value = NULL;

	if (pam_get_item(pamh, type, &value) != PAM_SUCCESS)
		return NULL;
	return value;
}

/* --- log ----------------------------------------------------------------- */

/* Reads the start of a file of /proc; TEXT is "" if there is none. */
static void
read_proc(const char *path, char *text, size_t size)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	text[n < 0 ? 0 : n] = '\0';
}

/* The number that audit has given the session, and logind(8) has taken over;
 * it is there once pam_loginuid(8) has been called. */
static void
add_session(struct log_event *event)
{
	char text[16];

	read_proc("/proc/self/sessionid", text, sizeof(text));
	if (strcmp(text, "4294967295") != 0)
		log_add(event, "session", text);
}

/* The pid of who PIDFD is, in our pid namespace: proc_pid_fdinfo(5). */
static void
add_init(struct log_event *event, int pidfd)
{
	char path[48], text[512];
	const char *line;

	if (pidfd < 0)
		return;
	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	read_proc(path, text, sizeof(text));
	line = strstr(text, "\nPid:\t");
	if (line != NULL)
		log_add_number(event, "init",
			       strtol(line + strlen("\nPid:\t"), NULL, 10));
}

/* What PAM knows of where somebody comes from. */
static void
add_origin(struct log_event *event, pam_handle_t *pamh)
{
	log_add(event, "service", item(pamh, PAM_SERVICE));
	log_add(event, "tty", item(pamh, PAM_TTY));
	log_add(event, "rhost", item(pamh, PAM_RHOST));
	add_session(event);
}

void
record_label(pam_handle_t *pamh, char *label, size_t size)
{
	struct log_event event;

	log_begin(&event, "session");
	add_origin(&event, pamh);
	/* Half a thing could be taken for another. */
	(void)snprintf(label, size, "%s",
		       event.used < size ? event.text : "session");
}

void
record_log(pam_handle_t *pamh, int priority, const struct record *record)
{
	struct log_event event;

	log_begin(&event, record->event);
	log_add(&event, "user", item(pamh, PAM_USER));
	if (record->uid != NULL)
		log_add_number(&event, "uid", *record->uid);
	log_add(&event, "jail", record->jail);
	log_add(&event, "door", record->door);
	add_origin(&event, pamh);
	add_init(&event, record->init);
	if (record->cause != NULL)
		log_add_cause(&event, record->step, record->cause);
	pam_syslog(pamh, priority, "%s", event.text);
}

/* --- audit --------------------------------------------------------------- */

/* Whoever reads a record takes it apart at blanks and quotes, and undoes the
 * encoding of well-known fields only.  So other fields are one word. */
static void
make_word(const char *text, char *out, size_t size)
{
	size_t used = 0;

	if (text == NULL || *text == '\0')
		text = "?";
	for (; *text != '\0' && used + 1 < size; text++) {
		const char c = *text;

		if (c == ' ')
			out[used++] = '_';
		else
			out[used++] = c > ' ' && c <= '~' && c != '"' &&
						      c != '\'' && c != '\\'
					      ? c
					      : '?';
	}
	out[used] = '\0';
}

/* libaudit would look up the name of a host; an address it takes as it is. */
static bool
is_address(const char *text)
{
	struct in6_addr address;

	return text != NULL && (inet_pton(AF_INET, text, &address) == 1 ||
				inet_pton(AF_INET6, text, &address) == 1);
}

/* What audit_log_acct_message(3) calls the operation may have more fields. */
static void
describe(const struct record *record, char *op, size_t size)
{
	char jail[64], door[16], reason[512] = "";

	make_word(record->jail, jail, sizeof(jail));
	make_word(record->door, door, sizeof(door));
	if (record->cause != NULL)
		make_word(record->cause->text, reason, sizeof(reason));
	(void)snprintf(op, size, "pam_jail:%s jail=%s door=%s%s%s",
		       record->event, jail, door,
		       record->cause != NULL ? " reason=" : "", reason);
}

/* For an operation on an account that has a name. */
static const unsigned int NO_ID = (unsigned int)-1;

int
record_audit(pam_handle_t *pamh, const struct record *record, struct err *err)
{
	cleanup_fd int fd = audit_open();
	const char *const user = item(pamh, PAM_USER);
	const char *const rhost = item(pamh, PAM_RHOST);
	char op[700], tty[64], host[256];
	int ret;

	if (fd < 0) {
		/* What a kernel without audit says. */
		if (errno == EINVAL || errno == EPROTONOSUPPORT ||
		    errno == EAFNOSUPPORT)
			return 0;
		return err_errno(err, "open the audit trail");
	}
	describe(record, op, sizeof(op));
	make_word(item(pamh, PAM_TTY), tty, sizeof(tty));
	make_word(rhost, host, sizeof(host));
	ret = audit_log_acct_message(fd, AUDIT_USER_ROLE_CHANGE, NULL, op,
				     user != NULL ? user : "?", NO_ID, host,
				     is_address(rhost) ? rhost : "?", tty,
				     record->cause == NULL);
	if (ret > 0)
		return 0;
	/* The library has errno(3) with either sign, or says it itself. */
	errno = ret < 0 ? -ret : abs(errno);
	if (errno == ECONNREFUSED)
		return 0; /* there is no audit in this user namespace */
	return err_errno(err, "write to the audit trail");
}
