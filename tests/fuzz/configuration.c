/* SPDX-License-Identifier: ISC */
/* What the administrator writes: files, templates, words, PAM's stacks. */
#include "fuzz.h"

#include "base/path.h"
#include "jailconf/pamfiles.h"
#include "policy/address.h"
#include "policy/amount.h"
#include "policy/generated.h"
#include "policy/policy.h"
#include "policy/template.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* In a world that is thrown away: tests/unit/world. */
#define CONF	 "/conf"
#define CONFFILE CONF "/jail.conf"
#define USERFILE CONF "/users.d/alice"
#define PAM	 "/pam.d"

static void
write_file(const char *path, const void *bytes, size_t size)
{
	const int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	MUST(fd >= 0);
	MUST(write(fd, bytes, size) == (ssize_t)size);
	(void)close(fd);
}

static void
make_directories(void)
{
	(void)umask(022);
	(void)mkdir(CONF, 0755);
	(void)mkdir(CONF "/users.d", 0755);
	(void)mkdir(PAM, 0755);
}

static gid_t alice_groups[] = { 20001, 30000 };
static const struct account alice = {
	.name = "alice",
	.home = "/home/alice",
	.shell = "/bin/bash",
	.uid = 20001,
	.gid = 20001,
	.groups = alice_groups,
	.n_groups = 2,
};

static void
require_told(const struct err *err)
{
	MUST(err->kind != ERR_NONE);
	MUST(err->text[0] != '\0');
	MUST(strchr(err->text, '\n') == NULL);
}

/* A plan that policy/ made must be one that can be sent and read. */
static void
plan_jail(const struct jail_conf *jail)
{
	struct plan plan = { .account = NULL }, copy = { .account = NULL };
	struct err err = { .kind = ERR_NONE };
	int fd;

	if (policy_plan(jail, &alice, &plan, &err) < 0) {
		require_told(&err);
		return;
	}
	fd = plan_seal(&plan, &err);
	MUST(fd >= 0);
	MUST(plan_open(fd, &copy, &err) == 0);
	MUST(copy.uid == alice.uid && copy.gid == alice.gid);
	MUST(copy.n_entries == plan.n_entries);
	plan_free(&copy);
	plan_free(&plan);
	(void)close(fd);
}

static void
log_in(void)
{
	static const struct visit visit = { .service = "sshd",
					    .address = "192.0.2.1",
					    .keys = "publickey ssh-rsa AAAA" };
	struct decision decision = { .jail = NULL };
	struct err err = { .kind = ERR_NONE };
	struct policy *const policy = policy_load(CONF, getuid(), &err);

	if (policy == NULL) {
		require_told(&err);
		return;
	}
	if (policy_decide(policy, &alice, &visit, &decision, &err) < 0)
		require_told(&err);
	else if (decision.jail != NULL)
		plan_jail(decision.jail);
	policy_free(policy);
}

void
fuzz_configuration(const uint8_t *bytes, size_t size)
{
	make_directories();
	write_file(CONFFILE, bytes, size);
	(void)unlink(USERFILE);
	log_in();
}

void
fuzz_user_file(const uint8_t *bytes, size_t size)
{
	static const char conf[] =
		"jails = { shell = { }; files = { inherit = \"shell\"; }; };";

	make_directories();
	write_file(CONFFILE, conf, sizeof(conf) - 1);
	write_file(USERFILE, bytes, size);
	log_in();
}

/* A template, the account's name, its home. */
void
fuzz_template(const uint8_t *bytes, size_t size)
{
	const char *texts[3];
	char *all;
	struct account account = alice;
	struct arena arena = { NULL };
	struct err err = { .kind = ERR_NONE };
	struct text text = { .at = { "file", 1 } };
	const char *filled;

	texts_of(bytes, size, texts, 3, &all);
	text.text = texts[0];
	account.name = texts[1];
	account.home = texts[2];
	if (template_check(&text, &err) < 0) {
		require_told(&err);
		free(all);
		return;
	}
	filled = template_fill(&text, &account, &arena, &err);
	if (filled != NULL) {
		MUST(strlen(filled) < PATH_MAX);
		MUST(strstr(texts[0], "%u") == NULL ||
		     strstr(texts[0], "%%") != NULL || name_is_plain(texts[1]));
		MUST(strcmp(texts[0], "/srv/%u") != 0 || path_is_clean(filled));
	} else {
		require_told(&err);
	}
	arena_free(&arena);
	free(all);
}

static size_t
count(const char *text, char wanted)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += *text == wanted;
	return n;
}

/* Name, home, shell, hostname, account: what a plan lets through must be one
 * line of passwd(5) and no more. */
void
fuzz_passwd(const uint8_t *bytes, size_t size)
{
	const char *texts[5], *passwd, *group;
	char *all;
	struct err err = { .kind = ERR_NONE };
	struct plan plan = {
		.uid = alice.uid,
		.gid = alice.gid,
		.groups = alice_groups,
		.n_groups = 2,
		.jail = "shell",
		.seccomp = "none",
		.terminals = 1,
		.sessions = 1,
	};

	/* Else nothing below would be tried. */
	plan.name = plan.account = plan.hostname = alice.name;
	plan.home = alice.home;
	plan.shell = alice.shell;
	MUST(plan_check(&plan, &err) == 0);

	texts_of(bytes, size, texts, 5, &all);
	plan.name = texts[0];
	plan.home = texts[1];
	plan.shell = texts[2];
	plan.hostname = texts[3];
	plan.account = texts[4];
	if (plan_check(&plan, &err) == 0) {
		passwd = generated_passwd(&plan, &err);
		group = generated_group(&plan, &err);
		MUST(passwd != NULL && group != NULL);
		MUST(count(passwd, '\n') == 3);
		MUST(count(passwd, ':') == 18);
		MUST(count(group, ':') == 3 * count(group, '\n'));
	}
	arena_free(&plan.arena);
	free(all);
}

static void
try_path(const char *text)
{
	if (!path_is_clean(text))
		return;
	MUST(text[0] == '/');
	MUST(strstr(text, "//") == NULL);
	MUST(strstr(text, "/../") == NULL && strstr(text, "/./") == NULL);
	MUST(strlen(text) == 1 || text[strlen(text) - 1] != '/');
	MUST(strlen(text) < PATH_MAX);
	for (; *text != '\0'; text++)
		MUST((unsigned char)*text >= ' ' && *text != 0x7f);
}

static void
try_name(const char *text)
{
	if (!name_is_plain(text))
		return;
	MUST(strlen(text) >= 1 && strlen(text) <= NAME_PLAIN_MAX);
	MUST(strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") ==
	     strlen(text));
	MUST(text[0] != '-');
}

/* An address alone is one exactly if inet_pton(3) says so. */
static void
try_address(const char *text)
{
	struct address_range range;
	unsigned char bytes[16];
	const bool plain = strchr(text, '/') == NULL;
	const bool is_range = address_parse(text, &range);
	const bool known = inet_pton(AF_INET, text, bytes) == 1 ||
			   inet_pton(AF_INET6, text, bytes) == 1;

	if (plain)
		MUST(is_range == known);
	if (!is_range)
		return;
	MUST(range.prefix <= 128);
	if (plain)
		MUST(address_within(text, &range) == 1);
	(void)address_within("192.0.2.1", &range);
	(void)address_within("2001:db8::1", &range);
}

static void
try_amount(const char *text)
{
	static const enum amount_unit units[] = { AMOUNT_COUNT, AMOUNT_BYTES,
						  AMOUNT_SECONDS,
						  AMOUNT_MICROSECONDS };
	struct rlimit limit;
	uint64_t value;

	for (size_t i = 0; i < 4; i++) {
		if (amount_parse(text, units[i], &value)) {
			MUST(value <= INT64_MAX);
			MUST(text[0] >= '0' && text[0] <= '9');
			if (units[i] == AMOUNT_COUNT)
				MUST(value == strtoull(text, NULL, 10));
		}
		if (amount_parse_limit(text, units[i], &limit))
			MUST(limit.rlim_cur <= limit.rlim_max);
	}
}

void
fuzz_words(const uint8_t *bytes, size_t size)
{
	char *const text = text_of(bytes, size);

	try_path(text);
	try_name(text);
	try_address(text);
	try_amount(text);
	free(text);
}

/* A service's file; it may include itself, as PAM's may. */
void
fuzz_pam(const uint8_t *bytes, size_t size)
{
	static const char *const directories[] = { PAM, NULL };
	static const char other[] = "auth required pam_deny.so\n"
				    "account required pam_jail.so\n"
				    "session include svc\n";
	struct pam_service service = { .exists = false };
	struct err err = { .kind = ERR_NONE };
	char text[512];

	make_directories();
	write_file(PAM "/svc", bytes, size);
	write_file(PAM "/other", other, sizeof(other) - 1);
	if (pam_service_read(directories, "svc", &service, &err) < 0) {
		require_told(&err);
		return;
	}
	for (unsigned int type = 0; type < PAM_TYPES; type++) {
		const struct pam_verdict verdict = pam_stack_judge(
			&service, (enum pam_type)type, "pam_jail.so");

		MUST(verdict.fault == PAM_FAULT_MISSING ||
		     verdict.ours != NULL);
		pam_verdict_tell(&verdict, (enum pam_type)type, "pam_jail.so",
				 text, sizeof(text));
		MUST((verdict.fault == PAM_FAULT_NONE) == (text[0] == '\0'));
	}
	pam_service_free(&service);
}
