/* SPDX-License-Identifier: ISC */
#include "policy/file.h"

#include "policy/trusted.h"
#include "policy/words.h"

#include <string.h>

/* The parser stands where it got stuck, which may be too late. */
static const char *
hint(const char *what)
{
	return strcmp(what, "syntax error") == 0
		       ? " here, or something is missing before (; or \" or })"
		       : "";
}

int
file_parse(const struct reader *reader, int dir, const char *name,
	   uid_t trusted, config_t *config, struct err *err)
{
	const char *const text = trusted_read(dir, name, reader->file, trusted,
					      reader->arena, err);

	return text == NULL ? -1 : file_parse_text(reader, text, config, err);
}

int
file_parse_text(const struct reader *reader, const char *text, config_t *config,
		struct err *err)
{
	const size_t len = strlen(text);

	if (words_check(text, reader->file, err) < 0)
		return -1;
	/* libconfig 1.5 wants a newline behind a comment that comes last. */
	if (len > 0 && text[len - 1] != '\n')
		text = arena_printf(reader->arena, err, "%s\n", text);
	if (text == NULL)
		return -1;
	if (config_read_string(config, text) != CONFIG_TRUE)
		return err_set(err, ERR_CONFIG, "%s:%d: %s%s", reader->file,
			       config_error_line(config),
			       config_error_text(config),
			       hint(config_error_text(config)));
	return 0;
}
