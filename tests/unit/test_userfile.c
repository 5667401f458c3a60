/* SPDX-License-Identifier: ISC */
#include "jailconf/userfile.h"
#include "test.h"

#include <string.h>

#define HEAD "# Written by jailconf(8); see jail.conf(5).\n"

static const struct {
	const char *old; /* NULL: no file */
	struct userfile_keys keys;
	const char *text;  /* NULL: refused */
	const char *error; /* then */
} edits[] = {
	{ NULL, { .jail = "shell" }, HEAD "jail = \"shell\";\n", NULL },
	{ NULL,
	  { .jail = "ide",
	    .shell = "/bin/zsh",
	    .root = "host",
	    .network = "none",
	    .former_shell = "/bin/bash" },
	  HEAD "jail = \"ide\";\nshell = \"/bin/zsh\";\nroot = \"host\";\n"
	       "network = \"none\";\nformer_shell = \"/bin/bash\";\n",
	  NULL },
	/* what is there stays */
	{ "jail = \"ide\";\n", { .jail = "ide" }, "jail = \"ide\";\n", NULL },
	{ "jail = \"ide\";\n", { 0 }, "jail = \"ide\";\n", NULL },
	{ "# mine\njail = \"ide\"; # why\nhide = [ \"/usr/bin/gcc\" ];\n",
	  { .network = "none" },
	  "# mine\njail = \"ide\"; # why\nhide = [ \"/usr/bin/gcc\" ];\n"
	  "network = \"none\";\n",
	  NULL },
	{ "linger = 5;\njail = \"ide\";\n\nhide = [\n];\n",
	  { .jail = "shell" },
	  "linger = 5;\njail = \"shell\";\n\nhide = [\n];\n",
	  NULL },
	{ "jail : \"ide\"", { .jail = "shell" }, "jail = \"shell\";", NULL },
	{ "linger = 5;",
	  { .jail = "shell" },
	  "linger = 5;\njail = \"shell\";\n",
	  NULL },
	/* a key of the same name further down is another key */
	{ "env = {\n  shell = \"x\";\n};\n",
	  { .shell = "/bin/sh" },
	  "env = {\n  shell = \"x\";\n};\nshell = \"/bin/sh\";\n",
	  NULL },
	{ NULL,
	  { .shell = "/a\"b\\" },
	  HEAD "shell = \"/a\\\"b\\\\\";\n",
	  NULL },
	/* what cannot be changed line by line */
	{ "linger = 5; jail = \"ide\";\n",
	  { .jail = "shell" },
	  NULL,
	  "1: \"jail\" is not a line of its own: change it by hand" },
	{ "jail = \"i\" \"de\";\n",
	  { .jail = "shell" },
	  NULL,
	  "1: \"jail\" is not a line of its own: change it by hand" },
	{ "\njail = ;\n", { .jail = "shell" }, NULL, "2: syntax error" },
};

static void
add_changes_its_keys_and_no_other_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		struct arena arena = { 0 };
		struct err err = { 0 };
		const char *const text = userfile_edit(&arena, edits[i].old,
						       &edits[i].keys, &err);

		if (edits[i].text != NULL) {
			assert_non_null(text);
			assert_string_equal(text, edits[i].text);
		} else {
			assert_null(text);
			assert_string_equal(err.text, edits[i].error);
		}
		arena_free(&arena);
	}
}

static void
the_way_back_is_read_from_any_file_that_parses(void **state)
{
	static const struct {
		const char *text, *value;
	} rows[] = {
		{ "former_shell = \"/bin/zsh\";\nnonsense = 1;\n", "/bin/zsh" },
		{ "env = { former_shell = \"/bin/zsh\"; };\n", NULL },
		{ "former_shell = 5;\n", NULL },
		{ "former_shell = \n", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena arena = { 0 };
		const char *const value =
			userfile_get(&arena, rows[i].text, "former_shell");

		if (rows[i].value == NULL)
			assert_null(value);
		else
			assert_string_equal(value, rows[i].value);
		arena_free(&arena);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(add_changes_its_keys_and_no_other_line),
		cmocka_unit_test(
			the_way_back_is_read_from_any_file_that_parses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
