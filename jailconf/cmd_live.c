/* SPDX-License-Identifier: ISC */
/*
 * jailconf check --live
 *
 * Tries to get out of an account's jail, through its doors, with the program
 * that the tests use: jail-escape.  It comes in as the account's own programs
 * would; what it can do, they can.
 */
#include "base/cleanup.h"
#include "jailconf/hostrun.h"
#include "jailconf/live.h"
#include "jailconf/liveplanted.h"
#include "jailconf/liverun.h"
#include "jailconf/output.h"
#include "jailconf/rehearse.h"
#include "jailconf/verbs.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>

enum {
	SUITE_SECONDS = 240,
	ASK_SECONDS = 30,
	WORDS_MAX = LIVE_HINTS_MAX + 16,
};

#define PROGRAM_SU  "/usr/bin/su"
#define PROGRAM_SSH "/usr/bin/ssh"

#define PROGRAM_SSH_KEYGEN "/usr/bin/ssh-keygen"
#define PROGRAM_OURS	   "/proc/self/exe"

/* An attempt through a door: whom its lines are for. */
struct attempt {
	struct live *live;
	const char *door;
};

static void
hear_suite(void *arg, const char *line)
{
	const struct attempt *const attempt = arg;

	live_take(attempt->live, attempt->door, line);
}

static bool
is_there(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}

/* --- by the keeper ------------------------------------------------------- */

/* jail-escape without a name: it need not be there inside, and whoever has it
 * gets at no directory, and cannot change it. */
static int
copy_program(struct err *err)
{
	cleanup_fd int from = open(JAIL_ESCAPE, O_RDONLY | O_CLOEXEC);
	cleanup_fd int to =
		memfd_create("jail-escape", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const int seals =
		F_SEAL_SEAL | F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK;
	struct stat st;

	if (from < 0 || to < 0 || fstat(from, &st) < 0 ||
	    sendfile(to, from, NULL, (size_t)st.st_size) != st.st_size ||
	    fcntl(to, F_ADD_SEALS, seals) < 0)
		return err_errno(err, "%s", JAIL_ESCAPE);
	return fd_take(&to);
}

/* Runs jail-escape with WORDS (NULL-terminated) in a jail of its own, or where
 * there can be no other in the account's. */
static int
run_inside(const struct live *live, const char *const *words,
	   const struct live_program *how, const struct live_listener *listener,
	   struct err *err)
{
	const char *argv[WORDS_MAX + 8] = { PROGRAM_OURS };
	cleanup_fd int input = copy_program(err);
	struct live_program program = *how;
	size_t n = 1;

	if ((live->traits & LIVE_OWN_NETWORK) != 0) {
		argv[n++] = "exec";
		argv[n++] = "--start";
	} else {
		argv[n++] = "try";
	}
	argv[n++] = live->account->name;
	argv[n++] = "--";
	argv[n++] = "/proc/self/fd/0";
	if (input < 0)
		return -1;
	while (*words != NULL && n < WORDS_MAX)
		argv[n++] = *words++;
	program.argv = argv;
	program.input = input;
	program.complains = true;
	return live_run(&program, listener, err);
}

/* What the suite is told: not to use up what the jail may take, which is for
 * an empty machine, and where it may write. */
static void
suite_words(const struct live *live, const char *place, const char **words)
{
	static const char *const root[] = { "uid=0", "gid=0", "groups=0",
					    "own_system=1" };
	size_t n = 0;

	words[n++] = "-x";
	words[n++] = "res.";
	if (place != NULL) {
		words[n++] = "-C";
		words[n++] = place;
	}
	/* Before the host's, since the first one counts. */
	for (size_t i = 0; (live->traits & LIVE_ROOT_INSIDE) != 0 &&
			   i < sizeof(root) / sizeof(root[0]);
	     i++)
		words[n++] = root[i];
	for (size_t i = 0; i < live->host.n_hints; i++)
		words[n++] = live->host.hint[i];
	words[n] = NULL;
}

static int
try_keeper(struct live *live, struct err *err)
{
	const struct live_program how = { .seconds = SUITE_SECONDS };
	struct attempt attempt = { live, "exec" };
	const struct live_listener listener = { hear_suite, &attempt };
	const char *words[WORDS_MAX];
	const char *const place =
		arena_printf(&live->host.arena, err, ".jail-live.%s/work-exec",
			     live->host.nonce);
	int status;

	if (place == NULL)
		return -1;
	live->tried = 0;
	suite_words(live, place, words);
	status = run_inside(live, words, &how, &listener, err);
	if (status >= 0 && live->tried == 0)
		return err_set(err, ERR_REFUSED,
			       "nothing could be tried inside (status %d)",
			       status);
	return status < 0 ? -1 : 0;
}

/* --- by doors ------------------------------------------------------------ */

/* The command for a shell inside; no word of ours has a quote in it. */
static const char *
suite_command(struct live *live, const char *door, struct err *err)
{
	struct arena *const arena = &live->host.arena;
	const char *const nonce = live->host.nonce;
	const char *words[WORDS_MAX];
	const char *command = arena_printf(
		arena, err, "cd; exec ./.jail-live.%s/escape", nonce);
	const char *const place =
		arena_printf(arena, err, ".jail-live.%s/work-%s", nonce, door);

	if (place == NULL)
		return NULL;
	suite_words(live, place, words);
	for (size_t i = 0; command != NULL && words[i] != NULL; i++) {
		if (strchr(words[i], '\'') != NULL)
			continue;
		command =
			arena_printf(arena, err, "%s '%s'", command, words[i]);
	}
	return command;
}

/* Tries the suite by ARGV, which lets the account in. */
static void
try_door(struct live *live, const char *door, const char *const *argv)
{
	const struct live_program program = { .argv = argv,
					      .input = -1,
					      .seconds = SUITE_SECONDS };
	struct attempt attempt = { live, door };
	const struct live_listener listener = { hear_suite, &attempt };
	struct err err = { 0 };
	char detail[64];
	int status;

	live->tried = 0;
	status = live_run(&program, &listener, &err);
	if (status < 0)
		live_tell(live, door, "door", NOT_HERE, err.text);
	/* cppcheck-suppress knownConditionTrueFalse ; live_take() counts */
	else if (live->tried == 0) {
		(void)snprintf(detail, sizeof(detail),
			       "nobody got in (status %d)", status);
		live_tell(live, door, "door", NOT_HERE, detail);
	}
}

static int
try_su(struct live *live, struct err *err)
{
	const char *const command = suite_command(live, "su", err);
	const char *const argv[] = { PROGRAM_SU, "-",	  live->account->name,
				     "-c",	 command, NULL };

	if (command == NULL)
		return -1;
	if (!is_there(PROGRAM_SU))
		live_tell(live, "su", "door", NOT_HERE, "no " PROGRAM_SU);
	else
		try_door(live, "su", argv);
	return 0;
}

static void
hear_nothing(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

/* What sshd(8) is told, with a key that lives as long as this check. */
static int
make_sshd(struct live *live, const char *config, const char *key,
	  struct err *err)
{
	const char *const argv[] = { PROGRAM_SSH_KEYGEN,
				     "-q",
				     "-t",
				     "ed25519",
				     "-N",
				     "",
				     "-f",
				     key,
				     NULL };
	const struct live_program keygen = { .argv = argv,
					     .input = -1,
					     .seconds = ASK_SECONDS };
	const struct live_listener nobody = { hear_nothing, NULL };
	const char *text;

	if (live_run(&keygen, &nobody, err) != 0)
		return err_set(err, ERR_SYSTEM, "no key was made");
	text = arena_printf(&live->host.arena, err,
			    "HostKey %s\nAuthorizedKeysFile %s.pub\n"
			    "UsePAM yes\nPasswordAuthentication no\n"
			    "KbdInteractiveAuthentication no\n"
			    "PidFile none\nAllowUsers %s\n",
			    key, key, live->account->name);
	return text == NULL ? -1 : live_write(config, text, err);
}

/* The real sshd(8) and its PAM stack, at the other end of a pipe. */
static int
try_ssh(struct live *live, struct err *err)
{
	struct arena *const arena = &live->host.arena;
	const char *const command = suite_command(live, "ssh", err);
	const char *const config =
		arena_printf(arena, err, "%s/sshd_config", live->host.dir);
	const char *const key =
		arena_printf(arena, err, "%s/key", live->host.dir);
	const char *const proxy =
		arena_printf(arena, err, "ProxyCommand=%s -i -f %s/sshd_config",
			     PROGRAM_SSHD, live->host.dir);
	const char *const argv[] = {
		PROGRAM_SSH,  "-F",
		"none",	      "-T",
		"-a",	      "-x",
		"-o",	      "BatchMode=yes",
		"-o",	      "StrictHostKeyChecking=no",
		"-o",	      "UserKnownHostsFile=/dev/null",
		"-o",	      "GlobalKnownHostsFile=/dev/null",
		"-o",	      "IdentitiesOnly=yes",
		"-i",	      key,
		"-o",	      proxy,
		"-l",	      live->account->name,
		"check-live", command,
		NULL
	};

	if (command == NULL || config == NULL || key == NULL || proxy == NULL)
		return -1;
	if (!is_there(PROGRAM_SSH) || !is_there(PROGRAM_SSHD) ||
	    !is_there(PROGRAM_SSH_KEYGEN))
		live_tell(live, "ssh", "door", NOT_HERE, "no sshd or no ssh");
	else if (!is_there("/run/sshd")) /* it insists, and it is not ours */
		live_tell(live, "ssh", "door", NOT_HERE,
			  "no /run/sshd: sshd does not run here");
	else if (make_sshd(live, config, key, err) < 0)
		live_tell(live, "ssh", "door", NOT_HERE, err->text);
	else
		try_door(live, "ssh", argv);
	return 0;
}

/* --- all of it ----------------------------------------------------------- */

/* As the account, from inside. */
static int
plant_in_home(struct live *live, const char *what, bool stubborn,
	      struct err *err)
{
	const char *const words[] = { what, live->host.nonce, NULL };
	const struct live_program how = { .seconds = ASK_SECONDS,
					  .stubborn = stubborn };
	const struct live_listener listener = { planted_heard, live };
	const int status = run_inside(live, words, &how, &listener, err);

	if (status > 0)
		return err_set(err, ERR_REFUSED,
			       "nothing can be planted in the home (status %d)",
			       status);
	return status;
}

static int
try_everything(struct live *live, struct err *err)
{
	const time_t since = time(NULL);

	if (planted_job(live, err) < 0 || try_keeper(live, err) < 0 ||
	    try_su(live, err) < 0 || try_ssh(live, err) < 0)
		return -1;
	planted_try_unit(live);
	planted_try_forward(live);
	planted_wait(live, since);
	return live_interrupted() ? err_set(err, ERR_REFUSED, "interrupted")
				  : 0;
}

static int
plant_and_try(struct live *live, struct err *err)
{
	struct err later;
	int ret;

	if (live_host_plant(&live->host, live->account, err) < 0)
		return -1;
	ret = plant_in_home(live, "--plant", false, err);
	if (ret == 0)
		ret = try_everything(live, err);
	if (plant_in_home(live, "--unplant", true, &later) < 0) {
		out_failure(live->account->name, &later);
		live->wrong = true;
	}
	if (ret == 0)
		planted_tell(live);
	return ret;
}

static unsigned int
traits_of(const struct plan *plan)
{
	const bool namespaces = strcmp(plan->seccomp, "ide") == 0 ||
				strcmp(plan->seccomp, "none") == 0;
	unsigned int traits = 0;

	if (plan->network == PLAN_NETWORK_HOST)
		traits |= LIVE_HOST_NETWORK;
	if (plan->network == PLAN_NETWORK_PRIVATE)
		traits |= LIVE_OWN_NETWORK;
	if (namespaces)
		traits |= LIVE_NAMESPACES;
	if (plan->root_inside)
		traits |= LIVE_ROOT_INSIDE;
	return traits;
}

/* Whether the account is jailed, and what that opens. */
static int
look_up(struct live *live, struct err *err)
{
	const struct visit ssh = { .service = "sshd" };
	struct policy *const policy = rehearse_load(err);
	struct decision decision;
	struct plan plan;
	int ret = -1;

	if (policy != NULL &&
	    policy_decide(policy, live->account, &ssh, &decision, err) == 0) {
		if (decision.jail == NULL)
			(void)err_set(err, ERR_REFUSED, "is not jailed");
		else if (rehearse_plan(decision.jail, live->account, &plan,
				       err) == 0) {
			live->traits = traits_of(&plan);
			plan_free(&plan);
			ret = 0;
		}
	}
	policy_free(policy);
	return ret;
}

static void
finish(struct live *live, bool ended)
{
	struct json_object *all;

	if (live->list == NULL) {
		if (ended)
			out_line("%s: contained: %zu, ESCAPED: %zu, leak: %zu, "
				 "n/a: %zu",
				 live->wrong ? "wrong" : "fine",
				 live->count[CONTAINED], live->count[ESCAPED],
				 live->count[LEAK], live->count[NOT_HERE]);
		return;
	}
	all = json_object_new_object();
	json_set(all, "account", live->account->name);
	(void)json_object_object_add(
		all, "fine", json_object_new_boolean(ended && !live->wrong));
	(void)json_object_object_add(all, "attempts", live->list);
	live->list = NULL;
	out_json(all);
}

int
check_live(const struct call *call)
{
	struct account account = { 0 };
	struct live live = { .account = &account };
	const char *left;
	struct err err = { 0 };
	sigset_t ends, before;
	bool ended;

	if (account_lookup(call->user, &account, &err) < 0) {
		out_failure(call->user, &err);
		return STATUS_PROBLEM;
	}
	live.list = call->json ? json_object_new_array() : NULL;
	live_signals(&ends);
	(void)sigprocmask(SIG_BLOCK, &ends, &before);
	ended = look_up(&live, &err) == 0 && plant_and_try(&live, &err) == 0;
	left = live_host_clear(&live.host);
	if (!ended)
		out_failure(call->user, &err);
	if (left != NULL) {
		live.wrong = true;
		out_error("%s: %s is left; remove it", call->user, left);
	}
	live_host_free(&live.host);
	finish(&live, ended);
	account_free(&account);
	/* Whoever wanted us to end gets what he wanted, now. */
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return ended && !live.wrong ? STATUS_FINE : STATUS_PROBLEM;
}
