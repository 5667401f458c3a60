/* SPDX-License-Identifier: ISC */
/*
 * What the filter answers to every call, without a kernel: the program is run
 * here, by what seccomp(2) and the kernel's networking/filter document say.
 */
#include "jail/jail.h"
#include "policy/filter.h"
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/audit.h>
#include <linux/fs.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

enum { ALLOWED = 0, HIGH_BITS_OF_SOME_ABI = 0x40000000 };

static const uint64_t high = 1ULL << 32;

static uint32_t
compare(const struct sock_filter *at, uint32_t a)
{
	switch (BPF_OP(at->code)) {
	case BPF_JA:
		return at->k;
	case BPF_JEQ:
		return a == at->k ? at->jt : at->jf;
	case BPF_JGT:
		return a > at->k ? at->jt : at->jf;
	case BPF_JGE:
		return a >= at->k ? at->jt : at->jf;
	case BPF_JSET:
		return (a & at->k) != 0 ? at->jt : at->jf;
	default:
		fail_msg("jump %x", at->code);
	}
	return 0;
}

static uint32_t
run_program(const struct plan *plan, const struct seccomp_data *call)
{
	uint32_t a = 0;

	for (size_t i = 0; i < plan->n_filter; i++) {
		const struct sock_filter *const at = &plan->filter[i];

		switch (BPF_CLASS(at->code)) {
		case BPF_LD:
			assert_int_equal(at->code, BPF_LD | BPF_W | BPF_ABS);
			assert_in_range(at->k, 0, sizeof(*call) - sizeof(a));
			memcpy(&a, (const char *)call + at->k, sizeof(a));
			break;
		case BPF_ALU:
			assert_int_equal(at->code, BPF_ALU | BPF_AND | BPF_K);
			a &= at->k;
			break;
		case BPF_JMP:
			i += compare(at, a);
			break;
		case BPF_RET:
			assert_int_equal(at->code, BPF_RET | BPF_K);
			return at->k;
		default:
			fail_msg("instruction %x", at->code);
		}
	}
	fail_msg("the program has no end");
	return 0;
}

/* The errno that the call gets; ALLOWED if it gets through. */
static int
answer_of(const struct plan *plan, const struct seccomp_data *call)
{
	const uint32_t answer = run_program(plan, call);

	if (answer == SECCOMP_RET_ALLOW)
		return ALLOWED;
	assert_int_equal(answer & SECCOMP_RET_ACTION_FULL, SECCOMP_RET_ERRNO);
	return (int)(answer & SECCOMP_RET_DATA);
}

static int
answer(const struct plan *plan, const char *name, uint64_t a, uint64_t b,
       uint64_t c)
{
	const struct seccomp_data call = {
		.nr = seccomp_syscall_resolve_name(name),
		.arch = seccomp_arch_native(),
		.args = { a, b, c },
	};

	assert_true(call.nr >= 0);
	return answer_of(plan, &call);
}

static struct plan
filter_of(enum syscalls_profile profile, const char *allow, const char *deny)
{
	struct text allowed = { .text = allow }, denied = { .text = deny };
	const struct jail_conf jail = {
		.seccomp = { profile,
			     { &allowed, allow != NULL },
			     { &denied, deny != NULL } },
	};
	struct plan plan = { .network = PLAN_NETWORK_HOST };
	struct err err = { .text = "" };

	if (filter_make(&jail, &plan, &err) < 0)
		fail_msg("%s", err.text);
	return plan;
}

static const enum syscalls_profile filters[] = { PROFILE_LOGIN, PROFILE_IDE,
						 PROFILE_BATCH };

/* What the table says of the call NUMBER, or ALLOWED. */
static int
expected(int number, enum syscalls_profile profile)
{
	for (size_t i = 0; i < n_refused_calls; i++) {
		const struct refused_call *const row = &refused_calls[i];
		const int known = seccomp_syscall_resolve_name(row->name);
		const int here = known >= 0	   ? known
				 : row->number > 0 ? row->number
						   : -1;

		if (here == number && (row->profiles & 1U << profile) != 0)
			return row->answer;
	}
	return ALLOWED;
}

static void
what_the_table_refuses_is_refused_and_nothing_else(void **state)
{
	(void)state;
	for (size_t p = 0; p < N_ROWS(filters); p++) {
		struct plan plan = filter_of(filters[p], NULL, NULL);

		assert_in_range(plan.n_filter, 100, 1000);
		for (int number = 0; number <= SYSCALLS_REVIEWED; number++) {
			/* A stream to the internet is allowed, and no other
			 * call looks at arguments like these. */
			const struct seccomp_data call = {
				.nr = number,
				.arch = seccomp_arch_native(),
				.args = { AF_INET, SOCK_STREAM, IPPROTO_TCP },
			};
			const int got = answer_of(&plan, &call);

			if (got != expected(number, filters[p]))
				fail_msg("%s: call %d: %d",
					 syscalls_profile_name(filters[p]),
					 number, got);
		}
		plan_free(&plan);
	}
}

/* The way into the jail's own user namespace, and no other. */
static void
with_root_inside_setns_is_for_user_namespaces_alone(void **state)
{
	static const enum syscalls_profile profiles[] = { PROFILE_LOGIN,
							  PROFILE_BATCH };
	static const uint64_t others[] = {
		0,
		CLONE_NEWNS,
		CLONE_NEWUSER | CLONE_NEWNS,
		CLONE_NEWPID,
		UINT32_MAX,
		1ULL << 32,
		(1ULL << 32) | CLONE_NEWUSER,
	};

	(void)state;
	for (size_t p = 0; p < N_ROWS(profiles); p++) {
		const struct jail_conf jail = {
			.seccomp = { .profile = profiles[p] },
		};
		struct plan plan = { .root_inside = true };
		struct err err = { .text = "" };

		if (filter_make(&jail, &plan, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(answer(&plan, "setns", 3, CLONE_NEWUSER, 0),
				 ALLOWED);
		for (size_t i = 0; i < N_ROWS(others); i++)
			assert_int_equal(
				answer(&plan, "setns", 3, others[i], 0), EPERM);
		assert_int_equal(answer(&plan, "unshare", CLONE_NEWUSER, 0, 0),
				 EPERM);
		assert_int_equal(answer(&plan, "clone", CLONE_NEWUSER, 0, 0),
				 EPERM);
		plan_free(&plan);
	}
}

static void
what_nobody_has_looked_at_is_not_there(void **state)
{
	static const uint32_t numbers[] = { SYSCALLS_REVIEWED + 1,
					    500,
					    1000,
					    0x0fffffff,
					    HIGH_BITS_OF_SOME_ABI,
					    HIGH_BITS_OF_SOME_ABI + 1,
					    HIGH_BITS_OF_SOME_ABI + 101,
					    INT32_MAX,
					    0x80000000U,
					    UINT32_MAX - 1 };

	(void)state;
	for (size_t p = 0; p < N_ROWS(filters); p++) {
		struct plan plan = filter_of(filters[p], NULL, NULL);

		for (size_t i = 0; i < N_ROWS(numbers); i++) {
			const struct seccomp_data call = {
				.nr = (int)numbers[i],
				.arch = seccomp_arch_native(),
			};

			assert_int_equal(answer_of(&plan, &call), ENOSYS);
		}
		plan_free(&plan);
	}
}

static void
no_call_of_another_abi_gets_through(void **state)
{
	static const uint32_t abis[] = { AUDIT_ARCH_I386, AUDIT_ARCH_X86_64,
					 AUDIT_ARCH_ARM,  AUDIT_ARCH_AARCH64,
					 AUDIT_ARCH_PPC,  0 };

	(void)state;
	for (size_t p = 0; p < N_ROWS(filters); p++) {
		struct plan plan = filter_of(filters[p], NULL, NULL);

		for (size_t i = 0; i < N_ROWS(abis); i++) {
			for (int number = 0; number < 600; number++) {
				const struct seccomp_data call = {
					.nr = number, .arch = abis[i]
				};

				if (abis[i] != seccomp_arch_native())
					assert_int_equal(
						answer_of(&plan, &call),
						ENOSYS);
			}
		}
		plan_free(&plan);
	}
}

static void
arguments_are_looked_at_as_the_kernel_does(void **state)
{
	static const struct {
		const char *call;
		uint64_t a, b, c;
		int answer, answer_ide;
	} cases[] = {
		{ "ioctl", 0, TIOCSTI, 0, EPERM, EPERM },
		{ "ioctl", 0, TIOCSTI | 1ULL << 32, 0, EPERM, EPERM },
		{ "ioctl", 0, TIOCSTI | 1ULL << 63, 0, EPERM, EPERM },
		{ "ioctl", ~0ULL, TIOCSTI, 0, EPERM, EPERM },
		{ "ioctl", 0, 0x541c | 1ULL << 40, 0, EPERM, EPERM },
		{ "ioctl", 0, TIOCSETD, 0, EPERM, EPERM },
		{ "ioctl", 0, FS_IOC_FSSETXATTR, 0, EPERM, EPERM },
		{ "ioctl", 0, FS_IOC_FSSETXATTR | 1ULL << 32, 0, EPERM, EPERM },
		{ "ioctl", 0, FS_IOC_SETFLAGS, 0, EPERM, EPERM },
		{ "ioctl", 0, FS_IOC_SETFLAGS | 1ULL << 63, 0, EPERM, EPERM },
		{ "ioctl", 0, FS_IOC_FSGETXATTR, 0, ALLOWED, ALLOWED },
		{ "ioctl", 0, FS_IOC_GETFLAGS, 0, ALLOWED, ALLOWED },
		{ "ioctl", 0, FICLONE, 0, ALLOWED, ALLOWED },
		{ "ioctl", 0, TIOCGWINSZ, 0, ALLOWED, ALLOWED },
		{ "ioctl", 0, TCGETS, 0, ALLOWED, ALLOWED },
		{ "ioctl", 0, TIOCSCTTY, 0, ALLOWED, ALLOWED },
		{ "ioctl", 0, TIOCSTI - 1, 0, ALLOWED, ALLOWED },
		{ "clone", 0x11, 0, 0, ALLOWED, ALLOWED },
		{ "clone", 0x3d0f00, 0, 0, ALLOWED, ALLOWED }, /* a thread */
		{ "clone", 0x4111, 0, 0, ALLOWED, ALLOWED },   /* vfork */
		{ "clone", CLONE_NEWUSER, 0, 0, EPERM, ALLOWED },
		{ "clone", 0x11 | CLONE_NEWUSER, 0, 0, EPERM, ALLOWED },
		{ "clone", CLONE_NEWNS | 1ULL << 33, 0, 0, EPERM, ALLOWED },
		{ "clone", CLONE_NEWPID, 0, 0, EPERM, ALLOWED },
		{ "clone", CLONE_NEWNET, 0, 0, EPERM, ALLOWED },
		{ "clone", CLONE_NEWIPC, 0, 0, EPERM, ALLOWED },
		{ "clone", CLONE_NEWUTS, 0, 0, EPERM, ALLOWED },
		{ "clone", CLONE_NEWCGROUP, 0, 0, EPERM, ALLOWED },
		{ "prctl", JAIL_FILTER_PROBE, 0, 0, JAIL_FILTER_ANSWER,
		  JAIL_FILTER_ANSWER },
		{ "prctl", 38, 1, 0, ALLOWED, ALLOWED },
		{ "memfd_create", 0, MFD_HUGETLB, 0, ENOMEM, ENOMEM },
		{ "memfd_create", 0, MFD_CLOEXEC | MFD_HUGETLB, 0, ENOMEM,
		  ENOMEM },
		{ "memfd_create", 0, MFD_CLOEXEC, 0, ALLOWED, ALLOWED },
		{ "shmget", 0, 4096, SHM_HUGETLB, ENOMEM, ENOMEM },
		{ "shmget", 0, 4096, IPC_CREAT, ALLOWED, ALLOWED },
		{ "setsockopt", 3, SOL_SOCKET, SO_ATTACH_FILTER, EPERM, EPERM },
		{ "setsockopt", 3, SOL_SOCKET | 1ULL << 32,
		  SO_ATTACH_FILTER | 1ULL << 40, EPERM, EPERM },
		{ "setsockopt", 3, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, EPERM,
		  EPERM },
		{ "setsockopt", 3, SOL_SOCKET, SO_REUSEADDR, ALLOWED, ALLOWED },
		{ "setsockopt", 3, IPPROTO_TCP, SO_ATTACH_FILTER, ALLOWED,
		  ALLOWED },
	};

	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++) {
		for (size_t p = 0; p < N_ROWS(filters); p++) {
			struct plan plan = filter_of(filters[p], NULL, NULL);
			const int got = answer(&plan, cases[i].call, cases[i].a,
					       cases[i].b, cases[i].c);

			if (got != (filters[p] == PROFILE_IDE
					    ? cases[i].answer_ide
					    : cases[i].answer))
				fail_msg("%s: case %zu: %d",
					 syscalls_profile_name(filters[p]), i,
					 got);
			plan_free(&plan);
		}
	}
}

struct mode_case {
	const char *call;
	uint64_t args[4];
	int answer; /* but with root inside, or namespaces */
};

static void
check_mode(const struct plan *plan, const struct mode_case *row, int wanted)
{
	struct seccomp_data call = {
		.nr = seccomp_syscall_resolve_name(row->call),
		.arch = seccomp_arch_native(),
	};
	int got;

	if (strcmp(row->call, "fchmodat2") == 0)
		call.nr = 452;
	if (call.nr < 0)
		return; /* not on this architecture */
	memcpy(call.args, row->args, sizeof(row->args));
	got = answer_of(plan, &call);
	if (got != wanted)
		fail_msg("%s(..., %#" PRIx64 "...): %d", row->call,
			 row->args[1], got);
}

/* Where root is inside, or may be, packages have such files. */
static void
no_file_gets_set_uid_but_where_root_is_inside(void **state)
{
	static const struct mode_case cases[] = {
		{ "chmod", { 0, 04755 }, EPERM },
		{ "chmod", { 0, 04000 }, EPERM },
		{ "chmod", { 0, 06755 | 1ULL << 32 }, EPERM },
		{ "chmod", { 0, 02775 }, ALLOWED },
		{ "chmod", { 0, 01777 }, ALLOWED },
		{ "fchmod", { 3, 04755 }, EPERM },
		{ "fchmod", { 3, 0755 }, ALLOWED },
		{ "fchmodat", { 3, 0, 04755 }, EPERM },
		{ "fchmodat", { 3, 04000, 0755 }, ALLOWED },
		{ "fchmodat2", { 3, 0, 0755 }, ENOSYS },
		{ "openat2", { 3, 0, 0, 24 }, ENOSYS },
		{ "mknod", { 0, S_IFREG | 04755 }, EPERM },
		{ "mknod", { 0, S_IFIFO | 0644 }, ALLOWED },
		{ "mknodat", { 3, 0, S_IFREG | 04755 }, EPERM },
		{ "mknodat", { 3, 0, S_IFIFO | 0644 }, ALLOWED },
		{ "mq_open", { 0, O_RDWR | O_CREAT, 04755 }, EPERM },
		{ "mq_open", { 0, O_RDWR | O_CREAT, 0600 }, ALLOWED },
		{ "creat", { 0, 04755 }, EPERM },
		{ "creat", { 0, 0644 }, ALLOWED },
		{ "open", { 0, O_WRONLY | O_CREAT, 04755 }, EPERM },
		{ "open", { 0, O_RDWR | O_TMPFILE, 04755 }, EPERM },
		{ "open", { 0, O_WRONLY | O_CREAT, 0644 }, ALLOWED },
		{ "open", { 0, O_RDONLY, 04755 }, ALLOWED },
		{ "open", { 0, O_RDONLY | O_DIRECTORY, ~0ULL }, ALLOWED },
		{ "openat",
		  { 3, 0, O_WRONLY | O_CREAT | O_EXCL, 04711 },
		  EPERM },
		{ "openat", { 3, 0, O_RDWR | O_TMPFILE, 04711 }, EPERM },
		{ "openat", { 3, 0, O_WRONLY | O_CREAT, 0644 }, ALLOWED },
		{ "openat", { 3, 0, O_RDONLY, 04755 }, ALLOWED },
		{ "openat", { 3, 0, O_RDONLY | O_DIRECTORY, ~0ULL }, ALLOWED },
	};
	struct plan lenient = filter_of(PROFILE_LOGIN, "chmod", NULL);

	(void)state;
	check_mode(&lenient, &cases[0], ALLOWED);
	plan_free(&lenient);
	for (size_t p = 0; p < N_ROWS(filters); p++) {
		const struct jail_conf jail = {
			.seccomp = { .profile = filters[p] },
		};
		struct plan plan = filter_of(filters[p], NULL, NULL);
		struct plan rooty = { .root_inside = true };
		struct err err = { .text = "" };

		if (filter_make(&jail, &rooty, &err) < 0)
			fail_msg("%s", err.text);
		for (size_t i = 0; i < N_ROWS(cases); i++) {
			check_mode(&plan, &cases[i],
				   filters[p] == PROFILE_IDE ? ALLOWED
							     : cases[i].answer);
			check_mode(&rooty, &cases[i], ALLOWED);
		}
		plan_free(&plan);
		plan_free(&rooty);
	}
}

static bool
is_usual(uint64_t family)
{
	return family == AF_UNIX || family == AF_INET || family == AF_INET6 ||
	       family == AF_NETLINK;
}

static void
only_the_usual_families_are_there(void **state)
{
	static const char *const calls[] = { "socket", "socketpair" };
	struct plan plan = filter_of(PROFILE_LOGIN, NULL, NULL);

	(void)state;
	for (size_t i = 0; i < N_ROWS(calls); i++) {
		for (uint64_t family = 0; family < 300; family++) {
			assert_int_equal(
				answer(&plan, calls[i], family, SOCK_STREAM, 0),
				is_usual(family) ? ALLOWED : EAFNOSUPPORT);
			assert_int_equal(answer(&plan, calls[i], high | family,
						SOCK_STREAM, 0),
					 EAFNOSUPPORT);
		}
		assert_int_equal(answer(&plan, calls[i], ~0ULL, SOCK_STREAM, 0),
				 EAFNOSUPPORT);
	}
	plan_free(&plan);
}

static void
of_netlink_routes_are_there_and_sockets_if_they_are_the_jails(void **state)
{
	const struct jail_conf jail = { .seccomp = { .profile =
							     PROFILE_LOGIN } };

	(void)state;
	for (int own = 0; own < 2; own++) {
		struct plan plan = { .network = own != 0 ? PLAN_NETWORK_NONE
							 : PLAN_NETWORK_HOST };
		struct err err = { .text = "" };

		if (filter_make(&jail, &plan, &err) < 0)
			fail_msg("%s", err.text);
		for (uint64_t protocol = 0; protocol < 100; protocol++) {
			const bool there =
				protocol == NETLINK_ROUTE ||
				(own != 0 && protocol == NETLINK_SOCK_DIAG);

			assert_int_equal(answer(&plan, "socket", AF_NETLINK,
						SOCK_RAW, protocol),
					 there ? ALLOWED : EPROTONOSUPPORT);
			assert_int_equal(answer(&plan, "socket", AF_NETLINK,
						SOCK_RAW, high | protocol),
					 EPROTONOSUPPORT);
		}
		plan_free(&plan);
	}
}

static void
protocols_that_few_speak_are_not_there(void **state)
{
	static const struct {
		uint64_t family, type, protocol;
		int answer;
	} cases[] = {
		{ AF_INET, SOCK_STREAM, 0, ALLOWED },
		{ AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP, ALLOWED },
		{ AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, IPPROTO_UDP, ALLOWED },
		{ AF_INET, SOCK_DGRAM, IPPROTO_ICMP, ALLOWED },
		{ AF_INET, SOCK_STREAM, 262, ALLOWED }, /* MPTCP */
		{ AF_UNIX, SOCK_SEQPACKET, 0, ALLOWED },
		{ AF_INET, SOCK_SEQPACKET, 0, ESOCKTNOSUPPORT },
		{ AF_INET6, SOCK_DCCP | SOCK_CLOEXEC, 0, ESOCKTNOSUPPORT },
		{ AF_INET, SOCK_PACKET, 0x300, ESOCKTNOSUPPORT },
		{ AF_INET, SOCK_PACKET | SOCK_NONBLOCK, 3, ESOCKTNOSUPPORT },
		{ AF_INET, SOCK_DGRAM, 115, EPROTONOSUPPORT },
		{ AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 115, EPROTONOSUPPORT },
		{ AF_INET, SOCK_STREAM, IPPROTO_SCTP, EPROTONOSUPPORT },
		{ AF_INET6, SOCK_STREAM, IPPROTO_SCTP, EPROTONOSUPPORT },
		{ AF_INET, SOCK_STREAM, IPPROTO_SCTP | 1ULL << 32,
		  EPROTONOSUPPORT },
		{ AF_INET, SOCK_STREAM, IPPROTO_DCCP, EPROTONOSUPPORT },
		{ AF_INET, SOCK_STREAM, 256, EPROTONOSUPPORT }, /* SMC */
	};
	struct plan plan = filter_of(PROFILE_LOGIN, NULL, NULL);

	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++) {
		const int got = answer(&plan, "socket", cases[i].family,
				       cases[i].type, cases[i].protocol);

		if (got != cases[i].answer)
			fail_msg("case %zu: %d", i, got);
	}
	plan_free(&plan);
}

static void
a_jails_own_word_on_a_call_is_the_last_one(void **state)
{
	struct plan plan = filter_of(PROFILE_LOGIN, "keyctl", "getpid");

	(void)state;
	assert_int_equal(answer(&plan, "keyctl", 0, 0, 0), ALLOWED);
	assert_int_equal(answer(&plan, "getpid", 0, 0, 0), EPERM);
	assert_int_equal(answer(&plan, "add_key", 0, 0, 0), EPERM);
	assert_string_equal(plan.seccomp, "login");
	assert_string_equal(plan.seccomp_allow[0], "keyctl");
	assert_string_equal(plan.seccomp_deny[0], "getpid");
	plan_free(&plan);

	plan = filter_of(PROFILE_BATCH, "clone", "socket");
	assert_int_equal(answer(&plan, "clone", CLONE_NEWUSER, 0, 0), ALLOWED);
	assert_int_equal(answer(&plan, "socket", AF_UNIX, 0, 0), EPERM);
	assert_int_equal(answer(&plan, "socketpair", AF_UNIX, 0, 0), ALLOWED);
	assert_int_equal(answer(&plan, "ptrace", 0, 0, 0), EPERM);
	plan_free(&plan);

	plan = filter_of(PROFILE_LOGIN, "socket", "ioctl");
	assert_int_equal(answer(&plan, "socket", AF_VSOCK, 0, 0), ALLOWED);
	assert_int_equal(answer(&plan, "ioctl", 0, TCGETS, 0), EPERM);
	plan_free(&plan);
}

static void
a_call_that_libseccomp_does_not_know_can_be_refused(void **state)
{
	/* Newer than what libseccomp may know: by number. */
	struct plan plan = filter_of(PROFILE_IDE, NULL, "statmount");
	const struct seccomp_data call = { .nr = 457,
					   .arch = seccomp_arch_native() };

	(void)state;
	assert_int_equal(answer_of(&plan, &call), ENOSYS);
	plan_free(&plan);
}

static void
large_pages_cannot_be_mapped(void **state)
{
	static const struct {
		uint64_t flags;
		int answer;
	} cases[] = {
		{ MAP_PRIVATE | MAP_ANONYMOUS, ALLOWED },
		{ MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, ENOMEM },
		{ MAP_SHARED | MAP_HUGETLB | 1ULL << 40, ENOMEM },
	};

	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++)
		for (size_t p = 0; p < N_ROWS(filters); p++) {
			struct plan plan = filter_of(filters[p], NULL, NULL);
			const struct seccomp_data call = {
				.nr = SYS_mmap,
				.arch = seccomp_arch_native(),
				.args = { 0, 1 << 21, MAP_HUGETLB,
					  cases[i].flags, MAP_HUGETLB },
			};

			assert_int_equal(answer_of(&plan, &call),
					 cases[i].answer);
			plan_free(&plan);
		}
}

static void
the_same_words_make_the_same_program(void **state)
{
	struct plan a = filter_of(PROFILE_LOGIN, "keyctl", "getpid");
	struct plan b = filter_of(PROFILE_LOGIN, "keyctl", "getpid");

	(void)state;
	assert_int_equal(a.n_filter, b.n_filter);
	assert_memory_equal(a.filter, b.filter, a.n_filter * sizeof(*a.filter));
	plan_free(&a);
	plan_free(&b);
}

static void
without_a_profile_there_is_no_filter(void **state)
{
	struct plan plan = filter_of(PROFILE_NONE, NULL, NULL);

	(void)state;
	assert_int_equal(plan.n_filter, 0);
	assert_string_equal(plan.seccomp, "none");
	plan_free(&plan);
}

static void
names_of_calls_are_known_or_not(void **state)
{
	(void)state;
	assert_true(filter_knows("open"));
	assert_true(filter_knows("keyctl"));
	assert_true(filter_knows("open_tree_attr")); /* not to libseccomp 2.5 */
	assert_true(filter_knows("stime"));	     /* not on x86-64 */
	assert_false(filter_knows("opne"));
	assert_false(filter_knows(""));
	assert_false(filter_knows("457"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_the_table_refuses_is_refused_and_nothing_else),
		cmocka_unit_test(
			with_root_inside_setns_is_for_user_namespaces_alone),
		cmocka_unit_test(what_nobody_has_looked_at_is_not_there),
		cmocka_unit_test(no_call_of_another_abi_gets_through),
		cmocka_unit_test(arguments_are_looked_at_as_the_kernel_does),
		cmocka_unit_test(no_file_gets_set_uid_but_where_root_is_inside),
		cmocka_unit_test(only_the_usual_families_are_there),
		cmocka_unit_test(
			of_netlink_routes_are_there_and_sockets_if_they_are_the_jails),
		cmocka_unit_test(protocols_that_few_speak_are_not_there),
		cmocka_unit_test(a_jails_own_word_on_a_call_is_the_last_one),
		cmocka_unit_test(large_pages_cannot_be_mapped),
		cmocka_unit_test(
			a_call_that_libseccomp_does_not_know_can_be_refused),
		cmocka_unit_test(the_same_words_make_the_same_program),
		cmocka_unit_test(without_a_profile_there_is_no_filter),
		cmocka_unit_test(names_of_calls_are_known_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
