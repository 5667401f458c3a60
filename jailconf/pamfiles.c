/* SPDX-License-Identifier: ISC */
#include "jailconf/pamfiles.h"

#include "base/cleanup.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LEVELS_MAX = 16,  /* PAM_SUBSTACK_MAX_LEVEL of libpam */
	ANSWERS_MAX = 33, /* PAM_SUCCESS to PAM_INCOMPLETE, and "default" */
	WORDS_MAX = 32,	  /* of arguments */
};

enum action { IGNORE, OK, DONE, BAD, DIE, RESET, JUMP };

struct pam_answer {
	const char *value; /* "success", ..., "default" */
	enum action action;
	unsigned long jump; /* JUMP: modules to leave out */
};

const char *const pam_directories[] = { "/etc/pam.d", "/usr/lib/pam.d", NULL };

const char *
pam_type_name(enum pam_type type)
{
	static const char *const names[] = {
		[PAM_TYPE_AUTH] = "auth",
		[PAM_TYPE_ACCOUNT] = "account",
		[PAM_TYPE_PASSWORD] = "password",
		[PAM_TYPE_SESSION] = "session",
	};

	return names[type];
}

/* --- reading ------------------------------------------------------------ */

/* Where in which file we are, and what is wanted of it. */
struct reader {
	const char *const *directories;
	struct pam_service *service;
	const char *file;
	unsigned int number;
	const enum pam_type *only; /* NULL: all types */
	unsigned int includes;
	unsigned int level;
};

static int read_file(const struct reader *from, const char *name,
		     struct err *err);

/* Cuts a word, or what stands in brackets, off *rest; NULL at the end. */
static char *
cut_word(char **rest)
{
	char *word = *rest + strspn(*rest, " \t\n");
	char *end;

	if (*word == '\0')
		return NULL;
	if (*word == '[') {
		word++;
		end = word + strcspn(word, "]");
	} else {
		end = word + strcspn(word, " \t\n");
	}
	*rest = end + (*end != '\0');
	*end = '\0';
	return word;
}

static int
parse_action(const char *word, struct pam_answer *answer)
{
	static const char *const names[] = {
		[IGNORE] = "ignore", [OK] = "ok",   [DONE] = "done",
		[BAD] = "bad",	     [DIE] = "die", [RESET] = "reset",
	};
	char *end;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(word, names[i]) == 0) {
			answer->action = (enum action)i;
			return 0;
		}
	if (!isdigit((unsigned char)*word))
		return -1;
	answer->action = JUMP;
	answer->jump = strtoul(word, &end, 10);
	return *end == '\0' ? 0 : -1;
}

/* Parses "value=action ..." into LINE; ERR_CONFIG without a place. */
static int
parse_answers(struct arena *arena, const char *control, struct pam_line *line,
	      struct err *err)
{
	char *rest = arena_copy(arena, control, err), *word;
	struct pam_answer *const answers =
		arena_alloc(arena, ANSWERS_MAX * sizeof(*answers), err);

	if (rest == NULL || answers == NULL)
		return -1;
	line->answers = answers;
	while ((word = cut_word(&rest)) != NULL) {
		struct pam_answer *const answer = &answers[line->n_answers];
		char *const equals = strchr(word, '=');

		if (equals == NULL || line->n_answers == ANSWERS_MAX ||
		    parse_action(equals + 1, answer) < 0)
			return err_set(err, ERR_CONFIG,
				       "control [%s] is not understood",
				       control);
		*equals = '\0';
		answer->value = word;
		line->n_answers++;
	}
	return 0;
}

/* pam.conf(5): what the words mean in brackets; others are as written. */
static const char *
expand_control(const char *control)
{
	static const struct {
		const char *word, *means;
	} words[] = {
		{ "required",
		  "success=ok new_authtok_reqd=ok ignore=ignore default=bad" },
		{ "requisite",
		  "success=ok new_authtok_reqd=ok ignore=ignore default=die" },
		{ "sufficient",
		  "success=done new_authtok_reqd=done default=ignore" },
		{ "optional", "success=ok new_authtok_reqd=ok default=ignore" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(control, words[i].word) == 0)
			return words[i].means;
	return control;
}

/* A line that calls a module, as written. */
struct words {
	const char *control, *module, *arguments;
};

static int
add_line(const struct reader *reader, enum pam_type type,
	 const struct words *words, struct err *err)
{
	struct arena *const arena = &reader->service->arena;
	struct pam_line *const line = arena_alloc(arena, sizeof(*line), err);
	struct pam_line **end = &reader->service->stack[type];

	if (line == NULL)
		return -1;
	line->file = reader->file;
	line->number = reader->number;
	line->level = reader->level;
	line->control = arena_copy(arena, words->control, err);
	line->module = arena_copy(arena, words->module, err);
	line->arguments = arena_copy(arena, words->arguments, err);
	if (line->control == NULL || line->module == NULL ||
	    line->arguments == NULL)
		return -1;
	if (words->module[0] != '\0' &&
	    parse_answers(arena, expand_control(words->control), line, err) < 0)
		return err->kind == ERR_CONFIG
			       ? err_context(err, "%s:%u", line->file,
					     line->number)
			       : -1;
	while (*end != NULL)
		end = &(*end)->next;
	*end = line;
	return 0;
}

static int
parse_type(const char *word, enum pam_type *type)
{
	if (*word == '-') /* a missing module is not logged */
		word++;
	for (unsigned int i = 0; i < PAM_TYPES; i++)
		if (strcasecmp(word, pam_type_name((enum pam_type)i)) == 0) {
			*type = (enum pam_type)i;
			return 0;
		}
	return -1;
}

/* Reads another file as the line in READER says: in all types that are
 * wanted here, or in *ONLY. */
static int
include(const struct reader *reader, const enum pam_type *only, bool substack,
	const char *name, struct err *err)
{
	const struct words head = { "substack", "", "" };
	struct reader inner = *reader;

	if (name == NULL)
		return err_set(err, ERR_CONFIG, "%s:%u: no file named",
			       reader->file, reader->number);
	if (substack && add_line(reader, *only, &head, err) < 0)
		return -1;
	inner.only = only;
	inner.includes++;
	inner.level += substack;
	if (inner.includes >= LEVELS_MAX)
		return err_set(err, ERR_CONFIG, "%s:%u: files include too deep",
			       reader->file, reader->number);
	return read_file(&inner, name, err);
}

static int
parse_line(const struct reader *reader, char *text, struct err *err)
{
	char *const first = cut_word(&text);
	struct words words;
	enum pam_type type;
	char *control, *module;

	if (first == NULL)
		return 0;
	if (strcasecmp(first, "@include") == 0) /* Debian's */
		return include(reader, reader->only, false, cut_word(&text),
			       err);
	if (parse_type(first, &type) < 0)
		return err_set(err, ERR_CONFIG, "%s:%u: no such type: %s",
			       reader->file, reader->number, first);
	if (reader->only != NULL && *reader->only != type)
		return 0;
	control = cut_word(&text);
	module = cut_word(&text);
	if (control == NULL || module == NULL)
		return err_set(err, ERR_CONFIG, "%s:%u: no module named",
			       reader->file, reader->number);
	if (strcasecmp(control, "include") == 0)
		return include(reader, &type, false, module, err);
	if (strcasecmp(control, "substack") == 0)
		return include(reader, &type, true, module, err);
	words = (struct words){ control, module, text };
	return add_line(reader, type, &words, err);
}

/* Reads lines up to the end; a backslash at the end joins two. */
static int
read_lines(struct reader *reader, FILE *file, struct err *err)
{
	cleanup_free char *joined = NULL, *line = NULL;
	size_t used = 0, size = 0;

	while (getline(&line, &size, file) >= 0) {
		const size_t len = strcspn(line, "#\n");
		const bool goes_on =
			len > 0 && line[len - 1] == '\\' && line[len] != '#';
		char *const more = realloc(joined, used + len + 1);

		if (more == NULL)
			return err_errno(err, "memory");
		joined = more;
		reader->number++;
		memcpy(joined + used, line, len);
		used += len;
		joined[used] = '\0';
		if (goes_on) {
			joined[used - 1] = ' ';
			continue;
		}
		used = 0;
		if (parse_line(reader, joined, err) < 0)
			return -1;
	}
	return ferror(file) ? err_errno(err, "%s", reader->file) : 0;
}

/* Opens the file of the service NAME as libpam finds it; *path says which.
 * Returns NULL with ERR_SYSTEM (ENOENT: there is none). */
static FILE *
open_file(const struct reader *reader, const char *name, const char **path,
	  struct err *err)
{
	struct arena *const arena = &reader->service->arena;
	FILE *file = NULL;

	*path = name;
	if (name[0] == '/') {
		*path = arena_copy(arena, name, err);
		if (*path != NULL && (file = fopen(*path, "re")) == NULL)
			(void)err_errno(err, "%s", name);
		return file;
	}
	for (size_t i = 0; file == NULL && reader->directories[i]; i++) {
		*path = arena_printf(arena, err, "%s/%s",
				     reader->directories[i], name);
		if (*path == NULL)
			return NULL;
		file = fopen(*path, "re");
		if (file == NULL && errno != ENOENT)
			break;
	}
	if (file == NULL)
		(void)err_errno(err, "%s", *path);
	return file;
}

static int
read_file(const struct reader *from, const char *name, struct err *err)
{
	struct reader reader = *from;
	FILE *const file = open_file(from, name, &reader.file, err);
	int ret;

	if (file == NULL && from->file != NULL)
		return err_context(err, "%s:%u", from->file, from->number);
	if (file == NULL)
		return -1;
	reader.number = 0;
	ret = read_lines(&reader, file, err);
	(void)fclose(file);
	return ret;
}

/* read_file() of a service, which need not be there: *exists tells. */
static int
read_service(const struct reader *reader, const char *name, bool *exists,
	     struct err *err)
{
	struct err why = { 0 };
	const char *path;
	FILE *const file = open_file(reader, name, &path, &why);

	*exists = file != NULL;
	if (file == NULL && why.errnum == ENOENT)
		return 0;
	if (file == NULL) {
		*err = why;
		return -1;
	}
	(void)fclose(file);
	return read_file(reader, name, err);
}

static int
read_stacks(const char *const *directories, const char *name,
	    struct pam_service *service, struct err *err)
{
	const struct reader reader = { .directories = directories,
				       .service = service };
	bool other;

	if (read_service(&reader, name, &service->exists, err) < 0)
		return -1;
	for (unsigned int i = 0; i < PAM_TYPES; i++) {
		const enum pam_type type = (enum pam_type)i;
		struct reader rest = reader;

		rest.only = &type;
		if (service->stack[type] == NULL &&
		    read_service(&rest, "other", &other, err) < 0)
			return -1;
	}
	return 0;
}

int
pam_service_read(const char *const *directories, const char *name,
		 struct pam_service *service, struct err *err)
{
	memset(service, 0, sizeof(*service));
	if (read_stacks(directories, name, service, err) < 0) {
		pam_service_free(service);
		return -1;
	}
	return 0;
}

void
pam_service_free(struct pam_service *service)
{
	arena_free(&service->arena);
	memset(service, 0, sizeof(*service));
}

/* --- judging ------------------------------------------------------------ */

static bool
is_module(const struct pam_line *line, const char *module)
{
	const char *const slash = strrchr(line->module, '/');

	return strcmp(slash != NULL ? slash + 1 : line->module, module) == 0;
}

/*
 * Whether the module of LINE sets credentials with the same answer whenever it
 * is asked, so that one that would end the stack in sshd's child has ended it
 * before: they have nothing to set.
 */
static bool
is_constant(const struct pam_line *line)
{
	static const char *const modules[] = {
		"pam_access.so",
		"pam_deny.so",
		"pam_duo.so",
		"pam_echo.so",
		"pam_exec.so",
		"pam_faildelay.so",
		"pam_faillock.so",
		"pam_ftp.so",
		"pam_google_authenticator.so",
		"pam_issue.so",
		"pam_listfile.so",
		"pam_localuser.so",
		"pam_nologin.so",
		"pam_oath.so",
		"pam_permit.so",
		"pam_rhosts.so",
		"pam_rootok.so",
		"pam_securetty.so",
		"pam_shells.so",
		"pam_succeed_if.so",
		"pam_tally2.so",
		"pam_u2f.so",
		"pam_unix.so",
		"pam_userdb.so",
		"pam_usertype.so",
		"pam_warn.so",
		"pam_wheel.so",
		"pam_yubico.so",
	};

	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++)
		if (is_module(line, modules[i]))
			return true;
	return false;
}

/*
 * Whether ANSWER of the module in LINE leaves out TARGET further down: as
 * _pam_dispatch_aux() of libpam walks.  "die" ends the stack as well, but then
 * the service is refused; only that sshd(8) goes on in the child, whatever it
 * is told there.
 */
static bool
leaves_out(const struct pam_line *line, const struct pam_answer *answer,
	   const struct pam_line *target, enum pam_type type)
{
	const bool ends = answer->action == DONE ||
			  (answer->action == DIE && type == PAM_TYPE_AUTH &&
			   !is_constant(line));
	const struct pam_line *next = line->next;
	unsigned long left = ends		      ? (unsigned long)-1
			     : answer->action == JUMP ? answer->jump
						      : 0;

	while (left > 0 && next != NULL && next->level >= line->level) {
		do {
			if (next == target)
				return true;
			next = next->next;
		} while (next != NULL && next->level > line->level);
		left--;
	}
	return false;
}

/* The line before OURS that can end the stack, or jump over it. */
static const struct pam_line *
find_shortcut(const struct pam_line *stack, const struct pam_line *ours,
	      enum pam_type type)
{
	for (const struct pam_line *l = stack; l != ours; l = l->next)
		for (size_t i = 0; i < l->n_answers; i++) {
			/* Debian's pam_unix: the service asks for a new
			 * password, and the session line still decides. */
			if (type == PAM_TYPE_ACCOUNT &&
			    strcmp(l->answers[i].value, "new_authtok_reqd") ==
				    0)
				continue;
			if (leaves_out(l, &l->answers[i], ours, type))
				return l;
		}
	return NULL;
}

/* Whether a "no" of LINE's module makes the stack fail. */
static bool
has_teeth(const struct pam_line *line)
{
	enum action action = BAD; /* of libpam, if there is no default */

	for (size_t i = 0; i < line->n_answers; i++)
		if (strcmp(line->answers[i].value, "default") == 0)
			action = line->answers[i].action;
	for (size_t i = 0; i < line->n_answers; i++)
		if (strcmp(line->answers[i].value, "perm_denied") == 0)
			action = line->answers[i].action;
	return action == BAD || action == DIE;
}

/* The first line after OURS that calls another module. */
static const struct pam_line *
find_later(const struct pam_line *ours, const char *module)
{
	const struct pam_line *later = ours->next;

	while (later != NULL && is_module(later, module))
		later = later->next;
	return later;
}

/* pam_env(8) may read ~/.pam_environment, and put there what sshd(8) says of
 * the key that was used. */
static const struct pam_line *
find_user_env(const struct pam_line *stack, const struct pam_line *ours)
{
	static const char word[] = "user_readenv=";

	for (const struct pam_line *l = stack; l != ours; l = l->next) {
		const char *const found = is_module(l, "pam_env.so")
						  ? strstr(l->arguments, word)
						  : NULL;

		if (found != NULL &&
		    strtol(found + strlen(word), NULL, 10) != 0)
			return l;
	}
	return NULL;
}

static struct pam_verdict
judge_line(const struct pam_line *stack, const struct pam_line *ours,
	   enum pam_type type, const char *module)
{
	struct pam_verdict verdict = { .ours = ours };

	verdict.cause = find_shortcut(stack, ours, type);
	if (verdict.cause != NULL) {
		verdict.fault = PAM_FAULT_SKIPPED;
	} else if (type == PAM_TYPE_AUTH) {
		verdict.cause = find_later(ours, module);
		if (verdict.cause != NULL)
			verdict.fault = PAM_FAULT_NOT_LAST;
	} else if (!has_teeth(ours)) {
		verdict.fault = PAM_FAULT_TOOTHLESS;
	} else if (type == PAM_TYPE_SESSION) {
		verdict.cause = find_user_env(stack, ours);
		if (verdict.cause != NULL)
			verdict.fault = PAM_FAULT_USER_ENV;
	}
	return verdict;
}

struct pam_verdict
pam_stack_judge(const struct pam_service *service, enum pam_type type,
		const char *module)
{
	const struct pam_line *const stack = service->stack[type];
	struct pam_verdict verdict = { .fault = PAM_FAULT_MISSING };

	for (const struct pam_line *l = stack; l != NULL; l = l->next) {
		if (!is_module(l, module))
			continue;
		verdict = judge_line(stack, l, type, module);
		/* One good line is enough; but setcred enters the jail at
		 * the first, so the first counts. */
		if (verdict.fault == PAM_FAULT_NONE || type == PAM_TYPE_AUTH)
			break;
	}
	return verdict;
}

const char *const *
pam_line_words(struct pam_service *service, const struct pam_line *line,
	       int *count, struct err *err)
{
	struct arena *const arena = &service->arena;
	char *rest = arena_copy(arena, line->arguments, err);
	const char **const words =
		arena_alloc(arena, WORDS_MAX * sizeof(*words), err);

	*count = 0;
	if (rest == NULL || words == NULL)
		return NULL;
	while ((words[*count] = cut_word(&rest)) != NULL)
		if (++*count == WORDS_MAX) {
			(void)err_set(err, ERR_CONFIG, "more than %d arguments",
				      WORDS_MAX - 1);
			return NULL;
		}
	return words;
}

void
pam_verdict_tell(const struct pam_verdict *verdict, enum pam_type type,
		 const char *module, char *text, size_t size)
{
	const char *const name = pam_type_name(type);
	const struct pam_line *const ours = verdict->ours;
	const struct pam_line *const cause = verdict->cause;

	switch (verdict->fault) {
	case PAM_FAULT_NONE:
		text[0] = '\0';
		break;
	case PAM_FAULT_MISSING:
		(void)snprintf(text, size, "no %s line of %s", name, module);
		break;
	case PAM_FAULT_SKIPPED:
		(void)snprintf(text, size,
			       "%s:%u: %s can end the stack before the %s line "
			       "of %s (%s:%u)",
			       cause->file, cause->number, cause->module, name,
			       module, ours->file, ours->number);
		break;
	case PAM_FAULT_TOOTHLESS:
		(void)snprintf(text, size,
			       "%s:%u: a refusal of %s changes nothing there",
			       ours->file, ours->number, module);
		break;
	case PAM_FAULT_NOT_LAST:
		(void)snprintf(text, size,
			       "%s:%u: %s comes after the %s line of %s "
			       "(%s:%u) and would run as root inside",
			       cause->file, cause->number, cause->module, name,
			       module, ours->file, ours->number);
		break;
	case PAM_FAULT_USER_ENV:
		(void)snprintf(text, size,
			       "%s:%u: %s reads the account's own variables "
			       "before the %s line of %s (%s:%u): rules that "
			       "ask for a key could be cheated",
			       cause->file, cause->number, cause->module, name,
			       module, ours->file, ours->number);
		break;
	case PAM_FAULT_ARGUMENTS:
	case PAM_FAULT_ELSEWHERE:
		(void)snprintf(text, size, "%s:%u: %s", ours->file,
			       ours->number, verdict->why);
		break;
	}
}
