/* SPDX-License-Identifier: ISC */
/*
 * jailconf - set up, show and try the jails of login accounts
 *
 * The command line is taken apart here, by a table; what a verb does is in
 * cmd_*.c.
 */
#include "jailconf/output.h"
#include "jailconf/verbs.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The options; their numbers are what getopt_long(3) returns. */
enum choice {
	CHOICE_JSON = 1 << 0,
	CHOICE_FORCE = 1 << 1,
	CHOICE_START = 1 << 2,
	CHOICE_STOP = 1 << 3,
	CHOICE_SERVICE = 1 << 4,
	CHOICE_JAIL = 1 << 5,
	CHOICE_SHELL = 1 << 6,
	CHOICE_ROOT = 1 << 7,
	CHOICE_NETWORK = 1 << 8,
	CHOICE_HELP = 1 << 9,
	CHOICE_ADDRESS = 1 << 10,
	CHOICE_KEY = 1 << 11,
	CHOICE_LIVE = 1 << 12,
	CHOICE_KEYS = CHOICE_JAIL | CHOICE_SHELL | CHOICE_ROOT | CHOICE_NETWORK,
	CHOICE_VISIT = CHOICE_SERVICE | CHOICE_ADDRESS | CHOICE_KEY,
};

enum operands { NOTHING, MAYBE_USER, USER, USER_COMMAND };

struct verb {
	const char *name;
	const char *arguments;
	const char *summary;
	int (*run)(const struct call *call);
	unsigned int options; /* of enum choice */
	enum operands operands;
	bool root;   /* nobody else can do it */
	int trouble; /* exit status when it cannot even begin */
};

#define KEYS_HELP                                                              \
	"[--jail NAME] [--shell PATH] [--root host|DIR] [--network "           \
	"host|none|private]"

static const struct verb verbs[] = {
	{ "setup", "", "make /etc/jail and put pam_jail into the PAM stacks",
	  cmd_setup, 0, NOTHING, true, STATUS_PROBLEM },
	{ "unsetup", "[--force]", "take pam_jail out of the PAM stacks",
	  cmd_unsetup, CHOICE_FORCE, NOTHING, true, STATUS_PROBLEM },
	{ "add", KEYS_HELP " USER", "jail an account", cmd_add, CHOICE_KEYS,
	  USER, true, STATUS_PROBLEM },
	{ "unjail", "[--stop] USER", "undo add, the login shell included",
	  cmd_unjail, CHOICE_STOP, USER, true, STATUS_PROBLEM },
	{ "check", "[--json] [--live USER]",
	  "look for everything that is not right, or try to get out of a jail",
	  cmd_check, CHOICE_JSON | CHOICE_LIVE, NOTHING, false,
	  STATUS_PROBLEM },
	{ "explain",
	  "[--json] [--service SERVICE] [--address ADDRESS] [--key KEY] USER",
	  "say what an account's login ends in, and why", cmd_explain,
	  CHOICE_JSON | CHOICE_VISIT, USER, false, STATUS_PROBLEM },
	{ "try", KEYS_HELP " USER [-- COMMAND ...]",
	  "run in the jail that an account would have", cmd_try, CHOICE_KEYS,
	  USER_COMMAND, true, STATUS_NOT_RUN },
	{ "list", "[--json] [USER]",
	  "show the jails that run, or an account's with its sessions",
	  cmd_list, CHOICE_JSON, MAYBE_USER, true, STATUS_PROBLEM },
	{ "log", "[--json] USER", "show what is logged of an account", cmd_log,
	  CHOICE_JSON, USER, false, STATUS_PROBLEM },
	{ "quota", "[--json] [--force] USER",
	  "count what an account keeps on disk, and show how much it is",
	  cmd_quota, CHOICE_JSON | CHOICE_FORCE, USER, true, STATUS_PROBLEM },
	{ "exec", "[--start] [--jail NAME] USER [-- COMMAND ...]",
	  "run in an account's running jail", cmd_exec,
	  CHOICE_START | CHOICE_JAIL, USER_COMMAND, true, STATUS_NOT_RUN },
	{ "stop", "USER", "end an account's running jails", cmd_stop, 0, USER,
	  true, STATUS_PROBLEM },
};

enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

static const struct option long_options[] = {
	{ "json", no_argument, NULL, CHOICE_JSON },
	{ "force", no_argument, NULL, CHOICE_FORCE },
	{ "start", no_argument, NULL, CHOICE_START },
	{ "stop", no_argument, NULL, CHOICE_STOP },
	{ "service", required_argument, NULL, CHOICE_SERVICE },
	{ "address", required_argument, NULL, CHOICE_ADDRESS },
	{ "key", required_argument, NULL, CHOICE_KEY },
	{ "live", required_argument, NULL, CHOICE_LIVE },
	{ "jail", required_argument, NULL, CHOICE_JAIL },
	{ "shell", required_argument, NULL, CHOICE_SHELL },
	{ "root", required_argument, NULL, CHOICE_ROOT },
	{ "network", required_argument, NULL, CHOICE_NETWORK },
	{ "help", no_argument, NULL, CHOICE_HELP },
	{ NULL, 0, NULL, 0 },
};

static int
usage(const struct verb *verb)
{
	const bool arguments = verb->arguments[0] != '\0';

	out_usage("jailconf %s%s%s", verb->name, arguments ? " " : "",
		  verb->arguments);
	return STATUS_USAGE;
}

static int
help(void)
{
	out_line("usage: jailconf VERB ...");
	for (size_t i = 0; i < VERBS; i++)
		out_row(verbs[i].name, "%s", verbs[i].summary);
	out_line("jailconf VERB --help tells the arguments; see jailconf(8)");
	return STATUS_FINE;
}

static int
verb_help(const struct verb *verb)
{
	out_line("usage: jailconf %s %s", verb->name, verb->arguments);
	out_line("%s", verb->summary);
	return STATUS_FINE;
}

static void
take_choice(struct call *call, enum choice choice, const char *value)
{
	switch (choice) {
	case CHOICE_JSON:
		call->json = true;
		break;
	case CHOICE_FORCE:
		call->force = true;
		break;
	case CHOICE_START:
		call->start = true;
		break;
	case CHOICE_STOP:
		call->stop = true;
		break;
	case CHOICE_SERVICE:
		call->service = value;
		break;
	case CHOICE_ADDRESS:
		call->address = value;
		break;
	case CHOICE_KEY:
		call->key = value;
		break;
	case CHOICE_JAIL:
		call->keys.jail = value;
		break;
	case CHOICE_SHELL:
		call->keys.shell = value;
		break;
	case CHOICE_ROOT:
		call->keys.root = value;
		break;
	case CHOICE_NETWORK:
		call->keys.network = value;
		break;
	case CHOICE_LIVE:
		call->user = value;
		break;
	case CHOICE_HELP:
	case CHOICE_KEYS:
	case CHOICE_VISIT:
		break;
	}
}

/* Takes the operands that VERB needs, and no more. */
static int
take_operands(const struct verb *verb, struct call *call, int argc, char **argv)
{
	const int least = verb->operands >= USER ? 1 : 0;
	const int most = verb->operands == NOTHING ? 0 : 1;

	if (argc < least || (verb->operands != USER_COMMAND && argc > most))
		return -1;
	if (argc > 0 && most > 0)
		call->user = argv[0];
	call->command = argv + least;
	return 0;
}

static int
run_verb(const struct verb *verb, int argc, char **argv)
{
	struct call call = { 0 };
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) !=
	       -1) {
		if (option == CHOICE_HELP)
			return verb_help(verb);
		if (option == '?' ||
		    (verb->options & (unsigned int)option) == 0)
			return usage(verb);
		take_choice(&call, (enum choice)option, optarg);
	}
	if (take_operands(verb, &call, argc - optind, argv + optind) < 0)
		return usage(verb);
	if (verb->root && geteuid() != 0) {
		out_error("%s: only root can do that", verb->name);
		return verb->trouble;
	}
	return verb->run(&call);
}

int
main(int argc, char **argv)
{
	(void)umask(022);
	if (argc < 2) {
		out_usage("jailconf VERB ...; see jailconf --help");
		return STATUS_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
		return help();
	if (strcmp(argv[1], "--version") == 0) {
		out_line("jailconf " VERSION);
		return STATUS_FINE;
	}
	for (size_t i = 0; i < VERBS; i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return run_verb(&verbs[i], argc - 1, argv + 1);
	out_error("no such verb: %s; see jailconf --help", argv[1]);
	return STATUS_USAGE;
}
