/* SPDX-License-Identifier: ISC */
#include "policy/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>

#define BIT(profile) (1U << (profile))
#define ALL	     (BIT(PROFILE_LOGIN) | BIT(PROFILE_IDE) | BIT(PROFILE_BATCH))
#define NO_USERNS    (BIT(PROFILE_LOGIN) | BIT(PROFILE_BATCH))
#define STRICT	     BIT(PROFILE_BATCH)
#define NO_SET_UID   (NO_USERNS | SYSCALLS_UNLESS_ROOT_INSIDE)
#define ROWS(array)  (sizeof(array) / sizeof((array)[0]))

const char *
syscalls_profile_name(enum syscalls_profile profile)
{
	static const char *const names[] = {
		[PROFILE_LOGIN] = "login",
		[PROFILE_IDE] = "ide",
		[PROFILE_BATCH] = "batch",
		[PROFILE_NONE] = "none",
	};

	return names[profile];
}

/* clang-format off */
const struct refused_call refused_calls[] = {
	/* New namespaces bring the kernel's mount, netfilter and overlay code
	 * within reach: CVE-2021-3493, CVE-2022-0185, CVE-2023-0386. */
	{ "unshare", 0, EPERM, NO_USERNS },
	{ "setns", 0, EPERM, NO_USERNS },
	{ "mount", 0, EPERM, NO_USERNS },
	{ "umount", 0, EPERM, NO_USERNS },
	{ "umount2", 0, EPERM, NO_USERNS },
	{ "pivot_root", 0, EPERM, NO_USERNS },
	{ "chroot", 0, EPERM, NO_USERNS },
	/* Not EPERM: who calls these has the older ones to fall back to, which
	 * can be looked at; clone3's flags are in memory: CVE-2021-41133. */
	{ "clone3", 0, ENOSYS, NO_USERNS },
	{ "open_tree", 0, ENOSYS, NO_USERNS },
	{ "open_tree_attr", 467, ENOSYS, NO_USERNS },
	{ "move_mount", 0, ENOSYS, NO_USERNS },
	{ "fsopen", 0, ENOSYS, NO_USERNS },
	{ "fsconfig", 0, ENOSYS, NO_USERNS },
	{ "fsmount", 0, ENOSYS, NO_USERNS },
	{ "fspick", 0, ENOSYS, NO_USERNS },
	{ "mount_setattr", 0, ENOSYS, NO_USERNS },
	{ "statmount", 457, ENOSYS, NO_USERNS },
	{ "listmount", 458, ENOSYS, NO_USERNS },

	/* Keys belong to the uid, not to the jail. */
	{ "add_key", 0, EPERM, ALL },
	{ "keyctl", 0, EPERM, ALL },
	{ "request_key", 0, EPERM, ALL },

	/* Large, young, and every common program does without. */
	{ "bpf", 0, EPERM, ALL },
	{ "io_uring_enter", 0, EPERM, ALL }, /* and no filter sees what it does */
	{ "io_uring_register", 0, EPERM, ALL },
	{ "io_uring_setup", 0, EPERM, ALL },
	{ "perf_event_open", 0, EPERM, ALL },
	{ "userfaultfd", 0, EPERM, ALL }, /* makes races easy to win */

	/* Ways to a file or a descriptor that no path leads to. */
	{ "fanotify_init", 0, EPERM, ALL },
	{ "lookup_dcookie", 0, EPERM, ALL },
	{ "open_by_handle_at", 0, EPERM, ALL },
	{ "pidfd_getfd", 0, EPERM, ALL },

	/* Their mode is in memory, or no libseccomp's of Debian 12: see
	 * SET_UID.  Who calls them has openat(2) and fchmodat(2). */
	{ "openat2", 0, ENOSYS, NO_SET_UID },
	{ "fchmodat2", 452, ENOSYS, NO_SET_UID },

	/* Whose quota a file counts for: its owner may say so. */
	{ "file_setattr", 469, EPERM, ALL },

	/* What the host has only once.  All need a capability that no jail
	 * has; this is the second wall. */
	{ "acct", 0, EPERM, ALL },
	{ "clock_settime", 0, EPERM, ALL },
	{ "clock_settime64", 0, EPERM, ALL },
	{ "create_module", 0, EPERM, ALL },
	{ "delete_module", 0, EPERM, ALL },
	{ "finit_module", 0, EPERM, ALL },
	{ "get_kernel_syms", 0, EPERM, ALL },
	{ "init_module", 0, EPERM, ALL },
	{ "ioperm", 0, EPERM, ALL },
	{ "iopl", 0, EPERM, ALL },
	{ "kexec_file_load", 0, EPERM, ALL },
	{ "kexec_load", 0, EPERM, ALL },
	{ "migrate_pages", 0, EPERM, ALL },
	{ "move_pages", 0, EPERM, ALL },
	{ "query_module", 0, EPERM, ALL },
	{ "quotactl", 0, EPERM, ALL },
	{ "quotactl_fd", 0, EPERM, ALL },
	{ "reboot", 0, EPERM, ALL },
	{ "settimeofday", 0, EPERM, ALL },
	{ "stime", 0, EPERM, ALL },
	{ "swapoff", 0, EPERM, ALL },
	{ "swapon", 0, EPERM, ALL },
	{ "syslog", 0, EPERM, ALL },
	{ "vhangup", 0, EPERM, ALL },

	/* Of systems of the last century. */
	{ "_sysctl", 0, EPERM, ALL },
	{ "nfsservctl", 0, EPERM, ALL },
	{ "sysfs", 0, EPERM, ALL },
	{ "uselib", 0, EPERM, ALL },
	{ "ustat", 0, EPERM, ALL },
	{ "vm86", 0, EPERM, ALL },
	{ "vm86old", 0, EPERM, ALL },

	/* A job has nothing to look for in another process. */
	{ "kcmp", 0, EPERM, STRICT },
	{ "process_madvise", 0, EPERM, STRICT },
	{ "process_vm_readv", 0, EPERM, STRICT },
	{ "process_vm_writev", 0, EPERM, STRICT },
	{ "ptrace", 0, EPERM, STRICT },
	/* And needs nothing of what is seldom used, and often in exploits. */
	{ "memfd_secret", 0, EPERM, STRICT },
	{ "modify_ldt", 0, EPERM, STRICT },
	{ "name_to_handle_at", 0, EPERM, STRICT },
	{ "remap_file_pages", 0, EPERM, STRICT },
	{ "vmsplice", 0, EPERM, STRICT },
	/* One account may take all that the host has: fs.aio-max-nr.  Not
	 * EPERM: databases do without where a kernel has none. */
	{ "io_setup", 0, ENOSYS, STRICT },
};

#define IOCTL(request) { "ioctl", 1, UINT32_MAX, (request), EPERM, ALL, 0, 0 }
/* CLONE_NEWTIME is not here: its bit is one of the exit signal's, and only
 * clone3(2) and unshare(2) take it. */
#define CLONE(flag) { "clone", 0, (flag), (flag), EPERM, NO_USERNS, 0, 0 }
#define LARGE(call, number, flag)                                              \
	{ call, number, (flag), (flag), ENOMEM, ALL, 0, 0 }
#define SET_UID(call, mode) SET_UID_IF(call, mode, 0, 0)
/* Without the flag there is no mode, and anything may be in its place. */
#define SET_UID_IF(call, mode, flags, flag)                                    \
	{ call, mode, S_ISUID, S_ISUID, EPERM, NO_SET_UID, flags, (flag) }
#define TMPFILE (O_TMPFILE & ~O_DIRECTORY)

const struct refused_argument refused_arguments[] = {
	IOCTL(TIOCSTI),		/* types into the terminal: CVE-2017-5226 */
	IOCTL(0x541C),		/* TIOCLINUX pastes: CVE-2023-28100 */
	IOCTL(TIOCSETD),	/* loads a line discipline's module */
	/* As file_setattr(2): the project of a file and FS_XFLAG_PROJINHERIT,
	 * or the latter alone.  Programs that set other flags with these do
	 * without on file systems that have none. */
	IOCTL(FS_IOC_FSSETXATTR),
	IOCTL(FS_IOC_SETFLAGS),
	/* A set-uid file of the account's has no effect in here.  But who else
	 * on the host can reach it is the account by it, outside.  With user
	 * namespaces one unpacks systems, which have some. */
	SET_UID("chmod", 1),
	SET_UID("fchmod", 1),
	SET_UID("fchmodat", 2),
	SET_UID("mknod", 1),
	SET_UID("mknodat", 2),
	SET_UID("creat", 1),
	SET_UID_IF("open", 2, 1, O_CREAT),
	SET_UID_IF("open", 2, 1, TMPFILE),
	SET_UID_IF("openat", 3, 2, O_CREAT),
	SET_UID_IF("openat", 3, 2, TMPFILE),
	SET_UID_IF("mq_open", 2, 1, O_CREAT),
	/* Large pages are one pool, which no memory cgroup counts. */
	LARGE("mmap", 3, MAP_HUGETLB),
	LARGE("mmap2", 3, MAP_HUGETLB),
	LARGE("memfd_create", 1, MFD_HUGETLB),
	LARGE("shmget", 2, SHM_HUGETLB),
	CLONE(CLONE_NEWCGROUP),
	CLONE(CLONE_NEWIPC),
	CLONE(CLONE_NEWNET),
	CLONE(CLONE_NEWNS),
	CLONE(CLONE_NEWPID),
	CLONE(CLONE_NEWUSER),
	CLONE(CLONE_NEWUTS),
};
/* clang-format on */

const size_t n_refused_calls = ROWS(refused_calls);
const size_t n_refused_arguments = ROWS(refused_arguments);
