/* SPDX-License-Identifier: ISC */
#include "policy/generated.h"

#include "base/cleanup.h"
#include "base/path.h"
#include "policy/group.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
	GID_TTY = 5,	    /* of terminals, in the jail's devpts */
	ID_NOBODY = 65534,  /* of everything the kernel cannot name */
	RESOLV_MAX = 65536, /* resolv.conf(5) reads three servers */
};

const char *
generated_passwd(struct plan *plan, struct err *err)
{
	return arena_printf(&plan->arena, err,
			    "root:x:0:0:root:/root:/usr/sbin/nologin\n"
			    "nobody:x:%d:%d:nobody:/nonexistent:"
			    "/usr/sbin/nologin\n"
			    "%s:x:%u:%u::%s:%s\n",
			    ID_NOBODY, ID_NOBODY, plan->name, plan->uid,
			    plan->gid, plan->home, plan->shell);
}

/* group(5): fields end at a colon, and names inside are one word. */
static bool
fits_group_file(const char *name)
{
	if (name[0] == '\0' || name[0] == '-' || name[0] == '+')
		return false;
	for (const unsigned char *p = (const unsigned char *)name; *p; p++)
		if (*p <= ' ' || *p == 0x7f || *p == ':' || *p == ',')
			return false;
	return strcmp(name, "root") != 0 && strcmp(name, "tty") != 0 &&
	       strcmp(name, "nogroup") != 0;
}

/*
 * The name of group GID inside.  The group that has the account's name has
 * it inside as well.
 */
static const char *
name_inside(struct plan *plan, gid_t gid, struct err *err)
{
	const bool primary = gid == plan->gid;
	const char *name;

	if (group_name(gid, &plan->arena, &name, err) < 0)
		return NULL;
	if (name != NULL && primary && strcmp(name, plan->account) == 0)
		return plan->name;
	if (name != NULL && fits_group_file(name) &&
	    (primary || strcmp(name, plan->name) != 0))
		return name;
	return arena_printf(&plan->arena, err, "group-%u", gid);
}

static const char *
member_of(const struct plan *plan, gid_t gid)
{
	for (size_t i = 0; i < plan->n_groups; i++)
		if (plan->groups[i] == gid && gid != plan->gid)
			return plan->name;
	return "";
}

static bool
seen_before(const struct plan *plan, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (plan->groups[i] == plan->groups[index])
			return true;
	return plan->groups[index] == GID_TTY ||
	       plan->groups[index] == ID_NOBODY;
}

static int
write_groups(FILE *stream, struct plan *plan, struct err *err)
{
	(void)fprintf(stream, "root:x:0:\ntty:x:%d:%s\nnogroup:x:%d:%s\n",
		      GID_TTY, member_of(plan, GID_TTY), ID_NOBODY,
		      member_of(plan, ID_NOBODY));
	for (size_t i = 0; i < plan->n_groups; i++) {
		const char *name;

		if (seen_before(plan, i))
			continue;
		name = name_inside(plan, plan->groups[i], err);
		if (name == NULL)
			return -1;
		(void)fprintf(stream, "%s:x:%u:%s\n", name, plan->groups[i],
			      member_of(plan, plan->groups[i]));
	}
	return 0;
}

const char *
generated_group(struct plan *plan, struct err *err)
{
	cleanup_free char *text = NULL;
	size_t size = 0;
	FILE *const stream = open_memstream(&text, &size);
	int ret;

	if (stream == NULL) {
		(void)err_errno(err, "memory");
		return NULL;
	}
	ret = write_groups(stream, plan, err);
	if (fclose(stream) != 0 && ret == 0)
		ret = err_errno(err, "memory");
	return ret == 0 ? arena_copy(&plan->arena, text, err) : NULL;
}

const char *
generated_hosts(struct plan *plan, struct err *err)
{
	return arena_printf(&plan->arena, err,
			    "127.0.0.1\tlocalhost\n"
			    "127.0.1.1\t%s\n"
			    "::1\tlocalhost ip6-localhost ip6-loopback\n",
			    plan->hostname);
}

#define NSSWITCH(hosts)                                                        \
	"passwd:\tfiles\n"                                                     \
	"group:\tfiles\n"                                                      \
	"shadow:\tfiles\n"                                                     \
	"hosts:\t" hosts "\n"                                                  \
	"networks:\tfiles\n"                                                   \
	"protocols:\tfiles\n"                                                  \
	"services:\tfiles\n"                                                   \
	"rpc:\tfiles\n"

const char *
generated_nsswitch(const struct plan *plan)
{
	switch (plan->network) {
	case PLAN_NETWORK_HOST:
	case PLAN_NETWORK_PRIVATE:
		return NSSWITCH("files dns");
	case PLAN_NETWORK_NONE:
		return NSSWITCH("files");
	}
	return NSSWITCH("files");
}

const char *
generated_resolver(const struct plan *plan, const char *path,
		   struct arena *arena)
{
	/* They have nothing else that an account of the host's could not
	 * see: systemd-resolved(8), resolvconf(8), NetworkManager(8). */
	static const char *const dirs[] = { "/run/systemd/resolve",
					    "/run/resolvconf",
					    "/run/NetworkManager" };
	cleanup_free char *real = realpath(path, NULL);
	struct err err;

	if (real == NULL || plan_owns_network(plan))
		return NULL;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		const size_t len = strlen(dirs[i]);
		cleanup_fd int dir = -1;

		if (strncmp(real, dirs[i], len) != 0 || real[len] != '/' ||
		    strchr(real + len + 1, '/') != NULL)
			continue;
		dir = path_open_service(dirs[i], &err);
		return dir < 0 ? NULL : arena_copy(arena, real, &err);
	}
	return NULL;
}

const char *
generated_read_resolver(const char *path, struct arena *arena, struct err *err)
{
	cleanup_fd int fd = -1;
	struct stat st;
	size_t done = 0;
	ssize_t n = 1;
	char *text;

	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return "";
	if (fd < 0 || fstat(fd, &st) < 0) {
		(void)err_errno(err, "%s", path);
		return NULL;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > RESOLV_MAX) {
		(void)err_set(err, ERR_CONFIG,
			      "%s: not a regular file of at most %d bytes",
			      path, RESOLV_MAX);
		return NULL;
	}
	text = arena_alloc(arena, RESOLV_MAX + 1, err);
	while (text != NULL && n > 0 && done < RESOLV_MAX) {
		n = read(fd, text + done, RESOLV_MAX - done);
		if (n < 0 && errno != EINTR) {
			(void)err_errno(err, "%s", path);
			return NULL;
		}
		done += n > 0 ? (size_t)n : 0;
		n = n < 0 ? 1 : n;
	}
	return text;
}

/* The host's search list is not the customers' affair. */
static const char *
name_servers(struct plan *plan, struct err *err)
{
	const struct plan_private *const private = &plan->private;
	const char *text = "";

	for (size_t i = 0; text != NULL && i < private->n_nameservers; i++)
		text = arena_printf(&plan->arena, err, "%snameserver %s\n",
				    text, private->nameservers[i]);
	return text;
}

const char *
generated_resolv_conf(struct plan *plan, const char *path, struct err *err)
{
	switch (plan->network) {
	case PLAN_NETWORK_NONE:
		return "";
	case PLAN_NETWORK_HOST:
		return generated_read_resolver(path, &plan->arena, err);
	case PLAN_NETWORK_PRIVATE:
		return name_servers(plan, err);
	}
	return "";
}
