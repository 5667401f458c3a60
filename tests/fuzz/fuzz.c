/* SPDX-License-Identifier: ISC */
/*
 * fuzz - libFuzzer's program for all targets; FUZZ_TARGET in the environment
 * says which, FUZZ_SEED where to put a first input.  See tests/fuzz/run.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct target {
	const char *name;
	void (*run)(const uint8_t *bytes, size_t size);
	void (*seed)(const char *path); /* or NULL: the corpus has some */
} targets[] = {
	{ "configuration", fuzz_configuration, NULL },
	{ "user_file", fuzz_user_file, NULL },
	{ "template", fuzz_template, NULL },
	{ "passwd", fuzz_passwd, NULL },
	{ "words", fuzz_words, NULL },
	{ "pam", fuzz_pam, NULL },
	{ "log", fuzz_log, NULL },
	{ "wire", fuzz_wire, seed_wire },
	{ "plan", fuzz_plan, seed_plan },
	{ "request", fuzz_request, seed_request },
};

static const struct target *chosen;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig forgets the string that it was reading when there is a syntax
 * error: 64 bytes of a process that then refuses the login. */
const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfig.so\n";
}

void
broken(const char *file, int line, const char *condition)
{
	(void)fprintf(stderr, "%s:%d: does not hold: %s\n", file, line,
		      condition);
	abort();
}

char *
text_of(const uint8_t *bytes, size_t size)
{
	char *const text = malloc(size + 1);

	MUST(text != NULL);
	for (size_t i = 0; i < size; i++)
		text[i] = (char)(bytes[i] != 0 ? bytes[i] : ' ');
	text[size] = '\0';
	return text;
}

void
texts_of(const uint8_t *bytes, size_t size, const char **texts, size_t n,
	 char **all)
{
	char *rest = text_of(bytes, size);

	*all = rest;
	for (size_t i = 0; i < n; i++) {
		texts[i] = rest != NULL ? strsep(&rest, "\n") : "";
	}
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *const name = getenv("FUZZ_TARGET");
	const char *const seed = getenv("FUZZ_SEED");

	(void)argc;
	(void)argv;
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		if (name != NULL && strcmp(targets[i].name, name) == 0)
			chosen = &targets[i];
	if (chosen == NULL) {
		(void)fprintf(stderr, "fuzz: FUZZ_TARGET is not known\n");
		exit(2);
	}
	if (seed != NULL && chosen->seed != NULL)
		chosen->seed(seed);
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	chosen->run(bytes, size);
	return 0;
}
