/* SPDX-License-Identifier: ISC */
#include "jail/landlock.h"

#include "base/cleanup.h"

#include <errno.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The headers of Debian 12 are older than the scopes, which came with the
 * sixth version, in Linux 6.12. */
enum { ABI_WITH_SCOPES = 6, SCOPE_ABSTRACT_UNIX_SOCKET = 1 << 0 };

struct ruleset {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

static bool
is_scoped(const struct plan *plan)
{
	return plan->abstract_of_session && !plan_owns_network(plan);
}

int
landlock_foresee(const struct plan *plan, struct err *err)
{
	long version;

	if (!is_scoped(plan))
		return 0;
	version = syscall(SYS_landlock_create_ruleset, NULL, 0,
			  LANDLOCK_CREATE_RULESET_VERSION);
	if (version < 0 && (errno == EOPNOTSUPP || errno == ENOSYS))
		return err_set(err, ERR_SYSTEM,
			       "this host cannot limit abstract_sockets: "
			       "Landlock is off (lsm= of the kernel's command "
			       "line)");
	if (version < 0)
		return err_errno(err, "landlock");
	if (version < ABI_WITH_SCOPES)
		return err_set(
			err, ERR_SYSTEM,
			"this host cannot limit abstract_sockets: its "
			"kernel has version %ld of Landlock's interface, "
			"and it needs %d (Linux 6.12)",
			version, (int)ABI_WITH_SCOPES);
	return 0;
}

int
landlock_enter(const struct plan *plan, struct err *err)
{
	const struct ruleset rules = { .scoped = SCOPE_ABSTRACT_UNIX_SOCKET };
	cleanup_fd int fd = -1;

	if (!is_scoped(plan))
		return 0;
	if (landlock_foresee(plan, err) < 0)
		return -1;
	fd = (int)syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules),
			  0);
	if (fd < 0 || syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		return err_errno(err, "landlock");
	return 0;
}
