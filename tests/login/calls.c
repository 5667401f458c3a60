/* SPDX-License-Identifier: ISC */
/*
 * calls - tries what no session may do, and says what the kernel answered
 *
 * One line for each: what, and the errno's number; 0 if it was done.  Static,
 * for x86-64.  The arguments are such that without a filter most would get
 * another answer; none does harm if it is done.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	TIOCLINUX_NUMBER = 0x541c,
	FSSETXATTR = 0x401c5820, /* FS_IOC_FSSETXATTR */
	SETFLAGS = 0x40086602,	 /* FS_IOC_SETFLAGS */
	FILE_SETATTR_NUMBER = 469,
	X32 = 0x40000000
};

static void
tell(const char *what, long ret)
{
	printf("%s %d\n", what, ret < 0 ? errno : 0);
	fflush(stdout);
}

/* A call that makes a process: the child goes at once. */
static long
fork_with(unsigned long flags)
{
	const long ret = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (ret == 0)
		_exit(0);
	if (ret > 0)
		waitpid((pid_t)ret, NULL, 0);
	return ret;
}

/* Where it changes nothing for what is tried later. */
static long
unshare_in_child(int flags)
{
	const pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(syscall(SYS_unshare, flags) < 0 ? errno : 0);
	waitpid(pid, &status, 0);
	errno = WEXITSTATUS(status);
	return errno == 0 ? 0 : -1;
}

static long
clone3_with(unsigned long long flags)
{
	struct {
		unsigned long long flags, pidfd, child_tid, parent_tid;
		unsigned long long exit_signal, stack, stack_size, tls;
	} args = { .flags = flags, .exit_signal = SIGCHLD };
	const long ret = syscall(SYS_clone3, &args, sizeof(args));

	if (ret == 0)
		_exit(0);
	if (ret > 0)
		waitpid((pid_t)ret, NULL, 0);
	return ret;
}

/* By the i386 ABI; a kernel without it kills. */
static long
call_of_i386(long number)
{
	long ret;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		__asm__ volatile("int $0x80"
				 : "=a"(ret)
				 : "a"(number), "b"(0), "c"(0), "d"(0)
				 : "memory", "r8", "r9", "r10", "r11");
		_exit(ret < 0 && ret > -256 ? (int)-ret : 0);
	}
	waitpid(pid, &status, 0);
	errno = WIFSIGNALED(status) ? ENOSYS : WEXITSTATUS(status);
	return errno == 0 ? 0 : -1;
}

static void
try_namespaces(void)
{
	tell("unshare", syscall(SYS_unshare, 0));
	tell("unshare-user", unshare_in_child(CLONE_NEWUSER));
	tell("setns", syscall(SYS_setns, -1, 0));
	tell("clone", fork_with(0));
	tell("clone-user", fork_with(CLONE_NEWUSER));
	tell("clone-user-high", fork_with(CLONE_NEWUSER | 1UL << 32));
	tell("clone3", clone3_with(0));
	tell("clone3-user", clone3_with(CLONE_NEWUSER));
	tell("mount", syscall(SYS_mount, "x", "/tmp", "tmpfs", 0, NULL));
	tell("umount2", syscall(SYS_umount2, "/nowhere", 0));
	tell("pivot_root", syscall(SYS_pivot_root, "/", "/"));
	tell("chroot", syscall(SYS_chroot, "/nowhere"));
	tell("open_tree", syscall(SYS_open_tree, -1, "x", 0));
	tell("move_mount", syscall(SYS_move_mount, -1, "x", -1, "x", 0));
	tell("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
	tell("fsconfig", syscall(SYS_fsconfig, -1, 0, NULL, NULL, 0));
	tell("fsmount", syscall(SYS_fsmount, -1, 0, 0));
	tell("fspick", syscall(SYS_fspick, -1, "x", 0));
	tell("mount_setattr", syscall(SYS_mount_setattr, -1, "x", 0, NULL, 0));
	tell("statmount", syscall(457, NULL, NULL, 0, 0));
	tell("listmount", syscall(458, NULL, NULL, 0, 0));
	tell("open_tree_attr", syscall(467, -1, "x", 0, NULL, 0));
}

static void
try_kernel(void)
{
	tell("keyctl", syscall(SYS_keyctl, 0, -3, 0));
	tell("add_key", syscall(SYS_add_key, "user", "k", "v", 1, -3));
	tell("request_key", syscall(SYS_request_key, "user", "k", NULL, 0));
	tell("bpf", syscall(SYS_bpf, 0, NULL, 0));
	tell("perf_event_open",
	     syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
	tell("userfaultfd", syscall(SYS_userfaultfd, 1));
	tell("io_uring_setup", syscall(SYS_io_uring_setup, 1, NULL));
	tell("io_uring_enter",
	     syscall(SYS_io_uring_enter, -1, 0, 0, 0, NULL, 0));
	tell("io_uring_register",
	     syscall(SYS_io_uring_register, -1, 0, NULL, 0));
	tell("fanotify_init", syscall(SYS_fanotify_init, 0x200, 0));
	tell("open_by_handle_at", syscall(SYS_open_by_handle_at, -1, NULL, 0));
	tell("pidfd_getfd", syscall(SYS_pidfd_getfd, -1, 0, 0));
	tell("syslog", syscall(SYS_syslog, 10, NULL, 0));
	tell("quotactl", syscall(SYS_quotactl, 0, NULL, 0, NULL));
	tell("move_pages", syscall(SYS_move_pages, 0, 0, NULL, NULL, NULL, 0));
	tell("sysfs", syscall(SYS_sysfs, 3));
	tell("ustat", syscall(SYS_ustat, 0, NULL));
	tell("vhangup", syscall(SYS_vhangup));
	tell("acct", syscall(SYS_acct, "/nowhere"));
	tell("init_module", syscall(SYS_init_module, NULL, 0, ""));
	tell("kexec_load", syscall(SYS_kexec_load, 0, 0, NULL, 0));
	tell("iopl", syscall(SYS_iopl, 0));
}

static void
try_terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	int slave = -1;
	const char byte = 'x';

	if (master < 0 || unlockpt(master) < 0 ||
	    (slave = open(ptsname(master), O_RDWR | O_NOCTTY)) < 0) {
		perror("calls: pty");
		exit(1);
	}
	tell("TIOCSTI", syscall(SYS_ioctl, slave, (long)TIOCSTI, &byte));
	tell("TIOCSTI-high",
	     syscall(SYS_ioctl, slave, (long)TIOCSTI | 1L << 32, &byte));
	tell("TIOCLINUX",
	     syscall(SYS_ioctl, slave, (long)TIOCLINUX_NUMBER, &byte));
	tell("TIOCLINUX-high",
	     syscall(SYS_ioctl, slave, (long)TIOCLINUX_NUMBER | 1L << 40,
		     &byte));
	tell("TIOCSETD",
	     syscall(SYS_ioctl, slave, (long)TIOCSETD, &(int){ 0 }));
	tell("FSSETXATTR", syscall(SYS_ioctl, slave, (long)FSSETXATTR, NULL));
	tell("FSSETXATTR-high",
	     syscall(SYS_ioctl, slave, (long)FSSETXATTR | 1L << 32, NULL));
	tell("SETFLAGS", syscall(SYS_ioctl, slave, (long)SETFLAGS, NULL));
	tell("SETFLAGS-high",
	     syscall(SYS_ioctl, slave, (long)SETFLAGS | 1L << 40, NULL));
	tell("file_setattr",
	     syscall(FILE_SETATTR_NUMBER, -1, NULL, NULL, 0, 0));
	tell("TIOCGWINSZ", syscall(SYS_ioctl, slave, (long)TIOCGWINSZ,
				   &(struct winsize){ .ws_row = 0 }));
}

static void
try_sockets(void)
{
	static const struct {
		const char *what;
		long family, type, protocol;
	} cases[] = {
		{ "socket-unix", AF_UNIX, SOCK_STREAM, 0 },
		{ "socket-inet", AF_INET, SOCK_STREAM, 0 },
		{ "socket-route", AF_NETLINK, SOCK_RAW, 0 },
		{ "socket-inet-high", AF_INET | 1L << 32, SOCK_STREAM, 0 },
		{ "socket-vsock", AF_VSOCK, SOCK_STREAM, 0 },
		{ "socket-vsock-high", AF_VSOCK | 1L << 32, SOCK_STREAM, 0 },
		{ "socket-alg", AF_ALG, SOCK_SEQPACKET, 0 },
		{ "socket-packet", AF_PACKET, SOCK_RAW, 0 },
		{ "socket-tipc", AF_TIPC, SOCK_STREAM, 0 },
		{ "socket-sctp", AF_INET, SOCK_STREAM, 132 },
		{ "socket-seqpacket", AF_INET, SOCK_SEQPACKET, 0 },
		{ "socket-uevent", AF_NETLINK, SOCK_RAW, 15 },
		{ "socket-netfilter", AF_NETLINK, SOCK_RAW, 12 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		tell(cases[i].what, syscall(SYS_socket, cases[i].family,
					    cases[i].type, cases[i].protocol));
	tell("socket-filter",
	     setsockopt(-1, SOL_SOCKET, SO_ATTACH_FILTER, NULL, 0));
}

/* What makes a file set-uid; and what only looks as if it did. */
static void
try_modes(void)
{
	enum { MODE = 04755, FCHMODAT2_NUMBER = 452 };
	const long here = AT_FDCWD, make = O_WRONLY | O_CREAT;
	const char *const name = "calls-file";
	const long fd = syscall(SYS_open, name, make, 0644L);
	const struct {
		long flags, mode, resolve;
	} how = { make, MODE, 0 };

	tell("set-uid-chmod", syscall(SYS_chmod, name, (long)MODE));
	tell("set-uid-fchmod", syscall(SYS_fchmod, fd, (long)MODE));
	tell("set-uid-fchmodat", syscall(SYS_fchmodat, here, name, (long)MODE));
	tell("set-uid-fchmodat2",
	     syscall(FCHMODAT2_NUMBER, here, name, (long)MODE, 0L));
	tell("group-chmod", syscall(SYS_chmod, name, 02755L));
	tell("read-only",
	     syscall(SYS_openat, here, name, (long)O_RDONLY, (long)MODE));
	(void)unlink(name);
	tell("set-uid-creat", syscall(SYS_creat, name, (long)MODE));
	(void)unlink(name);
	tell("set-uid-open", syscall(SYS_open, name, make, (long)MODE));
	(void)unlink(name);
	tell("set-uid-openat",
	     syscall(SYS_openat, here, name, make, (long)MODE));
	(void)unlink(name);
	tell("set-uid-openat2",
	     syscall(SYS_openat2, here, name, &how, sizeof(how)));
	tell("set-uid-tmpfile",
	     syscall(SYS_openat, here, ".", (long)(O_RDWR | O_TMPFILE),
		     (long)MODE));
	(void)unlink(name);
	tell("set-uid-mq", syscall(SYS_mq_open, name, make, (long)MODE, NULL));
	(void)syscall(SYS_mq_unlink, name);
	tell("set-uid-mknod",
	     syscall(SYS_mknod, name, (long)S_IFREG | MODE, 0L));
	(void)unlink(name);
	tell("set-uid-mknodat",
	     syscall(SYS_mknodat, here, name, (long)S_IFREG | MODE, 0L));
	(void)unlink(name);
}

/* The kernel itself has another answer to each, whether it has some or not. */
static void
try_large_pages(void)
{
	tell("mmap-large",
	     syscall(SYS_mmap, NULL, 0, PROT_READ,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0));
	tell("memfd-large", syscall(SYS_memfd_create, NULL, MFD_HUGETLB));
}

int
main(void)
{
	try_namespaces();
	try_kernel();
	try_terminal();
	try_sockets();
	try_large_pages();
	try_modes();
	tell("i386-getpid", call_of_i386(20));
	tell("i386-mount", call_of_i386(21));
	tell("x32-getpid", syscall(X32 | 39));
	tell("x32-0", syscall(X32 | 0, -1, NULL, 0));
	tell("new-470", syscall(470, -1, NULL, 0, 0));
	tell("new-1000", syscall(1000));
	tell("probe", prctl(0x6a61696c));
	puts("end");
	return 0;
}
