/* SPDX-License-Identifier: ISC */
#include "policy/filter.h"

#include "base/cleanup.h"
#include "jail/jail.h"

#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	CALL_ELSEWHERE = -1, /* not on this architecture */
	CALL_UNKNOWN = -2,
	/* Protocols and types that this C library may not name. */
	PROTOCOL_SMC = 256,
	PROTOCOL_L2TP = 115,
	TYPE_MASK = 0xf, /* of socket(2)'s type; the rest are flags */
};

/* A filter while it is made. */
struct making {
	const struct jail_conf *jail;
	const struct plan *plan;
	scmp_filter_ctx ctx;
};

static void
making_free(struct making *making)
{
	if (making->ctx != NULL)
		seccomp_release(making->ctx);
}

#define cleanup_making __attribute__((cleanup(making_free)))

/* libseccomp returns errors as negative numbers. */
static int
library_error(int ret, const char *what, struct err *err)
{
	errno = -ret;
	return err_errno(err, "seccomp filter: %s", what);
}

static const struct refused_call *
find_call(const char *name)
{
	for (size_t i = 0; i < n_refused_calls; i++)
		if (strcmp(refused_calls[i].name, name) == 0)
			return &refused_calls[i];
	return NULL;
}

bool
filter_knows(const char *name)
{
	return seccomp_syscall_resolve_name(name) != __NR_SCMP_ERROR ||
	       find_call(name) != NULL;
}

/* A call since SYSCALLS_SAME_SINCE has another number where calls do not
 * count from 0. */
static int
number_here(int number)
{
	return number - SYSCALLS_SAME_SINCE +
	       seccomp_syscall_resolve_name("pidfd_send_signal");
}

/* The number of a call, or why it has none. */
static int
number_of(const char *name)
{
	const int number = seccomp_syscall_resolve_name(name);
	const struct refused_call *const call = find_call(name);

	if (number >= 0)
		return number;
	if (number != __NR_SCMP_ERROR)
		return CALL_ELSEWHERE;
	return call != NULL && call->number != 0 ? number_here(call->number)
						 : CALL_UNKNOWN;
}

static bool
is_listed(const struct texts *texts, const char *name)
{
	for (size_t i = 0; i < texts->n; i++)
		if (strcmp(texts->item[i].text, name) == 0)
			return true;
	return false;
}

/* Whether the profile's rules for the call NAME hold: not if the jail has its
 * own word on it. */
static bool
holds(const struct making *making, unsigned int profiles, const char *name)
{
	const struct seccomp_conf *const conf = &making->jail->seccomp;

	if ((profiles & SYSCALLS_UNLESS_ROOT_INSIDE) != 0 &&
	    making->plan->root_inside)
		return false;
	return (profiles & 1U << conf->profile) != 0 &&
	       !is_listed(&conf->allow, name) && !is_listed(&conf->deny, name);
}

/* Up to two conditions on the arguments; all must hold. */
static int
add_rule(const struct making *making, const char *name, int answer,
	 const struct scmp_arg_cmp *conditions, unsigned int n, struct err *err)
{
	const int number = number_of(name);
	int ret;

	if (number == CALL_ELSEWHERE)
		return 0;
	if (number == CALL_UNKNOWN)
		return err_set(err, ERR_SYSTEM,
			       "seccomp filter: this libseccomp does not know "
			       "the call %s",
			       name);
	ret = seccomp_rule_add_array(making->ctx,
				     SCMP_ACT_ERRNO((uint32_t)answer), number,
				     n, conditions);
	return ret < 0 ? library_error(ret, name, err) : 0;
}

/*
 * With root inside, a session enters the jail's user namespace when it is the
 * account already and has its filter.  To compare all 64 bits refuses a number
 * more than the kernel sees, and none less.
 */
static int
add_setns(const struct making *making, const struct refused_call *call,
	  struct err *err)
{
	const struct scmp_arg_cmp other =
		SCMP_A1_64(SCMP_CMP_NE, CLONE_NEWUSER, 0);

	return add_rule(making, call->name, call->answer, &other, 1, err);
}

static bool
is_way_to_root(const struct making *making, const struct refused_call *call)
{
	return making->plan->root_inside && strcmp(call->name, "setns") == 0;
}

static int
add_calls(const struct making *making, struct err *err)
{
	const struct texts *const deny = &making->jail->seccomp.deny;

	for (size_t i = 0; i < n_refused_calls; i++) {
		const struct refused_call *const call = &refused_calls[i];

		if (!holds(making, call->profiles, call->name))
			continue;
		if (is_way_to_root(making, call)
			    ? add_setns(making, call, err) < 0
			    : add_rule(making, call->name, call->answer, NULL,
				       0, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < deny->n; i++) {
		const char *const name = deny->item[i].text;
		const struct refused_call *const known = find_call(name);

		if (add_rule(making, name,
			     known != NULL ? known->answer : EPERM, NULL, 0,
			     err) < 0)
			return -1;
	}
	return 0;
}

static int
add_arguments(const struct making *making, struct err *err)
{
	for (size_t i = 0; i < n_refused_arguments; i++) {
		const struct refused_argument *const refused =
			&refused_arguments[i];
		const struct scmp_arg_cmp conditions[] = {
			SCMP_CMP64(refused->argument, SCMP_CMP_MASKED_EQ,
				   refused->mask, refused->value),
			SCMP_CMP64(refused->flags_argument, SCMP_CMP_MASKED_EQ,
				   refused->flag, refused->flag),
		};

		if (holds(making, refused->profiles, refused->name) &&
		    add_rule(making, refused->name, refused->answer, conditions,
			     refused->flag != 0 ? 2 : 1, err) < 0)
			return -1;
	}
	return 0;
}

/* --- sockets -------------------------------------------------------------- */

/*
 * Numbers that are refused, but for a few: in blocks, as large as can be,
 * because the time that libseccomp takes is that of its rules.  The masks have
 * 64 bits, so that a number with higher ones set, which the kernel cuts off, is
 * one of those above the last block.
 */
struct numbers {
	const char *call;
	const struct scmp_arg_cmp *also; /* a condition more, or NULL */
	unsigned int argument;
	const int *usual; /* what is not refused */
	size_t n_usual;
	int answer;
};

enum { NUMBERS_END = 64 }; /* AF_MAX is 46 in Linux 6.18, MAX_LINKS 32 */

static int
refuse_if(const struct making *making, const struct numbers *numbers,
	  struct scmp_arg_cmp condition, struct err *err)
{
	struct scmp_arg_cmp conditions[2] = { condition };
	unsigned int n = 1;

	if (numbers->also != NULL)
		conditions[n++] = *numbers->also;
	return add_rule(making, numbers->call, numbers->answer, conditions, n,
			err);
}

/* SIZE is a power of two, and FIRST a multiple of it. */
static int
refuse_block(const struct making *making, const struct numbers *numbers,
	     int first, int size, struct err *err)
{
	const uint64_t mask = ~((uint64_t)size - 1);
	bool whole = true;

	for (size_t i = 0; i < numbers->n_usual; i++)
		whole = whole && (numbers->usual[i] < first ||
				  numbers->usual[i] >= first + size);
	if (whole)
		return refuse_if(making, numbers,
				 SCMP_CMP64(numbers->argument,
					    SCMP_CMP_MASKED_EQ, mask,
					    (scmp_datum_t)first),
				 err);
	if (size == 1)
		return 0;
	if (refuse_block(making, numbers, first, size / 2, err) < 0)
		return -1;
	return refuse_block(making, numbers, first + size / 2, size / 2, err);
}

static int
refuse_numbers(const struct making *making, const struct numbers *numbers,
	       struct err *err)
{
	if (refuse_block(making, numbers, 0, NUMBERS_END, err) < 0)
		return -1;
	return refuse_if(
		making, numbers,
		SCMP_CMP64(numbers->argument, SCMP_CMP_GE, NUMBERS_END, 0),
		err);
}

/* Families that programs use, and that bring no other module in. */
static int
add_families(const struct making *making, const char *name, struct err *err)
{
	static const int usual[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };
	const struct numbers numbers = {
		.call = name,
		.argument = 0,
		.usual = usual,
		.n_usual = sizeof(usual) / sizeof(usual[0]),
		.answer = EAFNOSUPPORT,
	};

	return refuse_numbers(making, &numbers, err);
}

/* Netlink is a family of families.  Routes everybody may read; the list of all
 * sockets only if those are the jail's own. */
static int
add_netlink(const struct making *making, struct err *err)
{
	static const int usual[] = { NETLINK_ROUTE, NETLINK_SOCK_DIAG };
	const bool own = plan_owns_network(making->plan);
	const struct scmp_arg_cmp netlink =
		SCMP_A0_64(SCMP_CMP_EQ, AF_NETLINK, 0);
	const struct numbers numbers = {
		.call = "socket",
		.also = &netlink,
		.argument = 2,
		.usual = usual,
		.n_usual = own ? 2 : 1,
		.answer = EPROTONOSUPPORT,
	};

	return refuse_numbers(making, &numbers, err);
}

/* Protocols of the internet that few speak, and that are modules: SCTP, DCCP,
 * SMC, L2TP; and packets as they are, which the kernel takes for AF_PACKET. */
static int
add_protocols(const struct making *making, struct err *err)
{
	static const int families[] = { AF_INET, AF_INET6 };
	static const int protocols[] = { IPPROTO_DCCP, IPPROTO_SCTP,
					 PROTOCOL_SMC, PROTOCOL_L2TP };
	static const int types[] = { SOCK_SEQPACKET, SOCK_DCCP, SOCK_PACKET };

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		struct scmp_arg_cmp is[] = {
			SCMP_A0_64(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0),
			{ .arg = 0 },
		};

		for (size_t k = 0; k < sizeof(protocols) / sizeof(protocols[0]);
		     k++) {
			is[1] = SCMP_A2_64(SCMP_CMP_MASKED_EQ, UINT32_MAX,
					   (scmp_datum_t)protocols[k]);
			if (add_rule(making, "socket", EPROTONOSUPPORT, is, 2,
				     err) < 0)
				return -1;
		}
		for (size_t k = 0; k < sizeof(types) / sizeof(types[0]); k++) {
			is[1] = SCMP_A1_64(SCMP_CMP_MASKED_EQ, TYPE_MASK,
					   (scmp_datum_t)types[k]);
			if (add_rule(making, "socket", ESOCKTNOSUPPORT, is, 2,
				     err) < 0)
				return -1;
		}
	}
	return 0;
}

/* Each of an account's sockets may have a large one, of memory that is one
 * amount for the host's filters, and no cgroup counts: net.core.bpf_jit_limit.
 */
static int
add_socket_filters(const struct making *making, struct err *err)
{
	static const int options[] = { SO_ATTACH_FILTER,
				       SO_ATTACH_REUSEPORT_CBPF };

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		const struct scmp_arg_cmp is[] = {
			SCMP_A1_64(SCMP_CMP_MASKED_EQ, UINT32_MAX, SOL_SOCKET),
			SCMP_A2_64(SCMP_CMP_MASKED_EQ, UINT32_MAX,
				   (scmp_datum_t)options[i]),
		};

		if (add_rule(making, "setsockopt", EPERM, is, 2, err) < 0)
			return -1;
	}
	return 0;
}

static int
add_sockets(const struct making *making, struct err *err)
{
	const unsigned int all = ~(unsigned int)SYSCALLS_UNLESS_ROOT_INSIDE;

	if (holds(making, all, "setsockopt") &&
	    add_socket_filters(making, err) < 0)
		return -1;

	if (holds(making, all, "socketpair") &&
	    add_families(making, "socketpair", err) < 0)
		return -1;
	if (!holds(making, all, "socket"))
		return 0;
	if (add_families(making, "socket", err) < 0 ||
	    add_netlink(making, err) < 0)
		return -1;
	return add_protocols(making, err);
}

/* --- all of it ------------------------------------------------------------ */

static int
start(struct making *making, struct err *err)
{
	const struct scmp_arg_cmp probe =
		SCMP_A0_64(SCMP_CMP_MASKED_EQ, UINT32_MAX, JAIL_FILTER_PROBE);
	int ret;

	making->ctx = seccomp_init(SCMP_ACT_ALLOW);
	if (making->ctx == NULL)
		return library_error(-ENOMEM, "memory", err);
	/* A call by another ABI's number is not the call that was looked at.
	 * Not KILL: programs try. */
	ret = seccomp_attr_set(making->ctx, SCMP_FLTATR_ACT_BADARCH,
			       SCMP_ACT_ERRNO(ENOSYS));
	/* A tree: the kernel runs it for every call there is when a session
	 * takes it on. */
	if (ret == 0)
		ret = seccomp_attr_set(making->ctx, SCMP_FLTATR_CTL_OPTIMIZE,
				       2);
	if (ret < 0)
		return library_error(ret, "attributes", err);
	return add_rule(making, "prctl", JAIL_FILTER_ANSWER, &probe, 1, err);
}

/*
 * What libseccomp has no word for, in front of what it makes: "a number above
 * the newest that was looked at".  Numbers of x32 are above it as well.  -1 is
 * how a debugger skips a call.
 */
static const struct sock_filter *
ceiling(size_t *n)
{
	static const struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, UINT32_MAX, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 0, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	};

	*n = sizeof(program) / sizeof(program[0]);
	return program;
}

static int
compile(const struct making *making, struct plan *plan, struct err *err)
{
	enum { NUMBER = 2 }; /* the instruction with the number in it */
	cleanup_fd int fd = memfd_create("filter", MFD_CLOEXEC);
	size_t n_first = 0, n_rest;
	const struct sock_filter *const first = ceiling(&n_first);
	struct stat st;
	int ret;

	if (fd < 0)
		return err_errno(err, "seccomp filter: memfd");
	ret = seccomp_export_bpf(making->ctx, fd);
	if (ret < 0)
		return library_error(ret, "compile", err);
	if (fstat(fd, &st) < 0)
		return err_errno(err, "seccomp filter: memfd");
	n_rest = (size_t)st.st_size / sizeof(*plan->filter);
	plan->filter = arena_alloc(
		&plan->arena, (n_first + n_rest) * sizeof(*plan->filter), err);
	if (plan->filter == NULL)
		return -1;
	memcpy(plan->filter, first, n_first * sizeof(*first));
	plan->filter[NUMBER].k = (uint32_t)number_here(SYSCALLS_REVIEWED);
	if (pread(fd, plan->filter + n_first, (size_t)st.st_size, 0) !=
	    st.st_size)
		return err_errno(err, "seccomp filter: read");
	plan->n_filter = n_first + n_rest;
	return 0;
}

static int
copy_names(const struct texts *texts, struct plan *plan, const char ***names,
	   struct err *err)
{
	*names = arena_alloc(&plan->arena, texts->n * sizeof(**names), err);
	if (*names == NULL)
		return -1;
	for (size_t i = 0; i < texts->n; i++) {
		(*names)[i] =
			arena_copy(&plan->arena, texts->item[i].text, err);
		if ((*names)[i] == NULL)
			return -1;
	}
	return 0;
}

int
filter_make(const struct jail_conf *jail, struct plan *plan, struct err *err)
{
	const struct seccomp_conf *const conf = &jail->seccomp;
	cleanup_making struct making making = { jail, plan, NULL };

	plan->seccomp = arena_copy(&plan->arena,
				   syscalls_profile_name(conf->profile), err);
	if (plan->seccomp == NULL ||
	    copy_names(&conf->allow, plan, &plan->seccomp_allow, err) < 0 ||
	    copy_names(&conf->deny, plan, &plan->seccomp_deny, err) < 0)
		return -1;
	plan->n_seccomp_allow = conf->allow.n;
	plan->n_seccomp_deny = conf->deny.n;
	if (conf->profile == PROFILE_NONE)
		return 0;
	if (start(&making, err) < 0 || add_calls(&making, err) < 0 ||
	    add_arguments(&making, err) < 0 || add_sockets(&making, err) < 0)
		return -1;
	return compile(&making, plan, err);
}
