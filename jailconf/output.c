/* SPDX-License-Identifier: ISC */
#include "jailconf/output.h"

#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void __attribute__((format(printf, 3, 0)))
print_line(FILE *file, const char *before, const char *fmt, va_list ap)
{
	char text[8192], line[2 * sizeof(text)];

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	log_escape(text, line, sizeof(line));
	(void)fprintf(file, "%s%s\n", before, line);
}

void
out_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_line(stdout, "", fmt, ap);
	va_end(ap);
}

void
line_add(struct line *line, const char *fmt, ...)
{
	const size_t room = sizeof(line->text) - line->used;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line->text + line->used, room, fmt, ap);
	va_end(ap);
	if (n > 0)
		line->used += (size_t)n < room ? (size_t)n : room - 1;
}

void
out_row(const char *label, const char *fmt, ...)
{
	char column[32];
	va_list ap;

	(void)snprintf(column, sizeof(column), "  %-12s ", label);
	va_start(ap, fmt);
	print_line(stdout, column, fmt, ap);
	va_end(ap);
}

void
out_error(const char *fmt, ...)
{
	va_list ap;

	(void)fflush(stdout);
	va_start(ap, fmt);
	print_line(stderr, "jailconf: ", fmt, ap);
	va_end(ap);
}

void
out_failure(const char *name, const struct err *err)
{
	const size_t len = strlen(name);

	if (strncmp(err->text, name, len) == 0 && err->text[len] == ':')
		out_error("%s", err->text);
	else
		out_error("%s: %s", name, err->text);
}

void
out_usage(const char *fmt, ...)
{
	va_list ap;

	(void)fflush(stdout);
	va_start(ap, fmt);
	print_line(stderr, "usage: ", fmt, ap);
	va_end(ap);
}

void
out_json(struct json_object *object)
{
	(void)puts(json_object_to_json_string_ext(
		object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
				JSON_C_TO_STRING_NOSLASHESCAPE));
	(void)json_object_put(object);
}

void
json_set(struct json_object *object, const char *key, const char *text)
{
	(void)json_object_object_add(object, key,
				     text != NULL ? json_object_new_string(text)
						  : NULL);
}

void
json_set_number(struct json_object *object, const char *key, uint64_t value)
{
	(void)json_object_object_add(object, key,
				     json_object_new_uint64(value));
}

static const char *
severity_name(enum severity severity)
{
	static const char *const names[] = {
		[SEVERITY_REMARK] = "remark",
		[SEVERITY_WARNING] = "warning",
		[SEVERITY_ERROR] = "error",
	};

	return names[severity];
}

void
report_open(struct report *report, bool json)
{
	*report = (struct report){ .list = json ? json_object_new_array()
						: NULL };
}

void
report_add(struct report *report, enum severity severity, const char *way_out,
	   const char *fmt, ...)
{
	const char *const name = severity_name(severity);
	struct json_object *finding;
	char cause[4096];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(cause, sizeof(cause), fmt, ap);
	va_end(ap);
	if (severity < report->least)
		return;
	report->count[severity]++;
	if (report->list == NULL) {
		out_line("%s: %s%s%s", name, cause,
			 *way_out != '\0' ? "; " : "", way_out);
		return;
	}
	finding = json_object_new_object();
	json_set(finding, "severity", name);
	json_set(finding, "cause", cause);
	json_set(finding, "way_out", *way_out != '\0' ? way_out : NULL);
	(void)json_object_array_add(report->list, finding);
}

bool
report_close(struct report *report)
{
	const bool fine = report->count[SEVERITY_ERROR] == 0;
	struct json_object *all;

	if (report->list == NULL)
		return fine;
	all = json_object_new_object();
	(void)json_object_object_add(all, "fine",
				     json_object_new_boolean(fine));
	(void)json_object_object_add(all, "findings", report->list);
	report->list = NULL;
	out_json(all);
	return fine;
}
