/* SPDX-License-Identifier: ISC */
#include "policy/root_inside.h"

#include "policy/subids.h"

#include <stdlib.h>
#include <sys/utsname.h>

/* Linux 5.19: Documentation/filesystems/idmappings.rst came with it. */
enum { MAJOR_LEAST = 5, MINOR_LEAST = 19 };

bool
root_inside_suits(const char *release)
{
	char *end;
	const unsigned long major = strtoul(release, &end, 10);
	const unsigned long minor =
		*end == '.' ? strtoul(end + 1, NULL, 10) : 0;

	return major > MAJOR_LEAST ||
	       (major == MAJOR_LEAST && minor >= MINOR_LEAST);
}

static int
require_kernel(struct err *err)
{
	struct utsname name;

	if (uname(&name) < 0)
		return err_errno(err, "uname");
	if (root_inside_suits(name.release))
		return 0;
	return err_set(err, ERR_REFUSED,
		       "root_inside needs Linux %d.%d or newer (overlays over "
		       "idmapped mounts), and this is %s",
		       (int)MAJOR_LEAST, (int)MINOR_LEAST, name.release);
}

int
root_inside_plan(const struct account *account, struct plan *plan,
		 struct err *err)
{
	if (require_kernel(err) < 0 ||
	    subids_find(SUBIDS_UID, account, &plan->sub_uid, err) < 0 ||
	    subids_find(SUBIDS_GID, account, &plan->sub_gid, err) < 0)
		return -1;
	plan->root_inside = true;
	return 0;
}
