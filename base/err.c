/* SPDX-License-Identifier: ISC */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;

	err->kind = kind;
	err->errnum = 0;
	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return -1;
}

int
err_errno(struct err *err, const char *fmt, ...)
{
	const int errnum = errno;
	char what[sizeof(err->text)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	/* The cause comes last and is worth more than the end of a path.
	 * strerrordesc_np(3), because strerror(3) loads message catalogues. */
	(void)err_set(err, ERR_SYSTEM, "%.400s: %s", what,
		      strerrordesc_np(errnum) != NULL ? strerrordesc_np(errnum)
						      : "unknown error");
	err->errnum = errnum;
	return -1;
}

int
err_context(struct err *err, const char *fmt, ...)
{
	char where[sizeof(err->text)], what[sizeof(err->text)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(where, sizeof(where), fmt, ap);
	va_end(ap);
	memcpy(what, err->text, sizeof(what));
	(void)snprintf(err->text, sizeof(err->text), "%.120s: %.380s", where,
		       what);
	return -1;
}
