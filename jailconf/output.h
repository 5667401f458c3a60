/* SPDX-License-Identifier: ISC */
/*
 * output - everything that jailconf(8) prints goes through here
 *
 * Lines for people are escaped as by log_escape(): what a jail, a file or an
 * account's entry is called must not play with the administrator's terminal.
 */
#ifndef JAILCONF_OUTPUT_H
#define JAILCONF_OUTPUT_H

#include "base/err.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One line on standard output. */
void out_line(const char *fmt, ...)
	__attribute__((nonnull, format(printf, 1, 2)));

/* A line that grows; what does not fit is cut. */
struct line {
	char text[4096];
	size_t used;
};

void line_add(struct line *line, const char *fmt, ...)
	__attribute__((nonnull, format(printf, 2, 3)));

/* "    LABEL   ..." on standard output, for tables of two columns. */
void out_row(const char *label, const char *fmt, ...)
	__attribute__((nonnull, format(printf, 2, 3)));

/* "jailconf: ..." on standard error. */
void out_error(const char *fmt, ...)
	__attribute__((nonnull, format(printf, 1, 2)));

/* The same with what ERR says; it begins with NAME, if not by itself. */
void out_failure(const char *name, const struct err *err)
	__attribute__((nonnull));

/* "usage: ..." on standard error. */
void out_usage(const char *fmt, ...)
	__attribute__((nonnull, format(printf, 1, 2)));

/* Prints OBJECT on standard output and gives it up. */
void out_json(struct json_object *object) __attribute__((nonnull));

/* Adds a string to a JSON object; NULL becomes null. */
void json_set(struct json_object *object, const char *key, const char *text)
	__attribute__((nonnull(1, 2)));

/* Adds a number. */
void json_set_number(struct json_object *object, const char *key,
		     uint64_t value) __attribute__((nonnull));

/* --- findings ----------------------------------------------------------- */

enum severity {
	SEVERITY_REMARK,  /* worth knowing */
	SEVERITY_WARNING, /* works, but not as one may think */
	SEVERITY_ERROR,	  /* somebody is refused, or not jailed */
};
enum { SEVERITIES = SEVERITY_ERROR + 1 };

/* What "check" found so far. */
struct report {
	struct json_object *list; /* NULL: lines are printed at once */
	enum severity least;	  /* what is less is not even counted */
	size_t count[SEVERITIES];
};

/* To be closed with report_close(). */
void report_open(struct report *report, bool json) __attribute__((nonnull));

/*
 * Adds a finding: "error: CAUSE", and "; WAY_OUT" if there is one ("" if
 * not).
 */
void report_add(struct report *report, enum severity severity,
		const char *way_out, const char *fmt, ...)
	__attribute__((nonnull, format(printf, 4, 5)));

/* Prints what is left to print.  Returns whether there was no error. */
bool report_close(struct report *report) __attribute__((nonnull));

#endif
