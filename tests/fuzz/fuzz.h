/* SPDX-License-Identifier: ISC */
/*
 * fuzz - bytes that somebody else has chosen, given to what reads them
 *
 * A target must neither crash nor leak, and what it accepts must keep the
 * promises of its header.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Ends the run with a report of the input if CONDITION does not hold. */
#define MUST(condition)                                                        \
	do {                                                                   \
		if (!(condition))                                              \
			broken(__FILE__, __LINE__, #condition);                \
	} while (0)
_Noreturn void broken(const char *file, int line, const char *condition);

/* The input as text without NUL bytes, to be freed. */
char *text_of(const uint8_t *bytes, size_t size);
/*
 * Up to N texts, which are separated by newlines in the input; those that are
 * missing are "".  They live in *all, to be freed.
 */
void texts_of(const uint8_t *bytes, size_t size, const char **texts, size_t n,
	      char **all);

void fuzz_configuration(const uint8_t *bytes, size_t size);
void fuzz_user_file(const uint8_t *bytes, size_t size);
void fuzz_template(const uint8_t *bytes, size_t size);
void fuzz_passwd(const uint8_t *bytes, size_t size);
void fuzz_words(const uint8_t *bytes, size_t size);
void fuzz_pam(const uint8_t *bytes, size_t size);
void fuzz_log(const uint8_t *bytes, size_t size);
void fuzz_wire(const uint8_t *bytes, size_t size);
void fuzz_plan(const uint8_t *bytes, size_t size);
void fuzz_request(const uint8_t *bytes, size_t size);

/*
 * Writes an input that is accepted to the file PATH: what is sent between our
 * own processes has a form that changes with the program.
 */
void seed_wire(const char *path);
void seed_plan(const char *path);
void seed_request(const char *path);

#endif
