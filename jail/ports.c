/* SPDX-License-Identifier: ISC */
#include "jail/ports.h"

#include "base/cleanup.h"

#include <linux/bpf.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* What of a program is asked when. */
static const enum bpf_attach_type hooks[] = { BPF_CGROUP_INET4_BIND,
					      BPF_CGROUP_INET6_BIND };

enum { N_HOOKS = sizeof(hooks) / sizeof(hooks[0]) };

static int
bpf(enum bpf_cmd command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

#define INSN(code, dst, src, off, imm)                                         \
	{                                                                      \
		(code), BPF_REG_##dst, BPF_REG_##src, (off), (imm)             \
	}

/*
 * Loads the program for HOOK.  Eight instructions, by hand: libbpf would bring
 * libelf and zlib into a static program of root's, to read a file that holds
 * them.
 *
 * Register 1 has the struct bpf_sock_addr; the answer is in register 0, 1 for
 * yes.  A jump goes so many instructions further than the next.
 */
static int
load(const struct plan_ports *ports, enum bpf_attach_type hook)
{
	const struct bpf_insn program[] = {
		INSN(BPF_LDX | BPF_MEM | BPF_W, 2, 1,
		     offsetof(struct bpf_sock_addr, user_port), 0),
		/* From network byte order. */
		INSN(BPF_ALU | BPF_END | BPF_TO_BE, 2, 0, 0, 16),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1),
		INSN(BPF_JMP | BPF_JEQ | BPF_K, 2, 0, 3, 0),
		INSN(BPF_JMP | BPF_JLT | BPF_K, 2, 0, 1, ports->first),
		INSN(BPF_JMP | BPF_JLE | BPF_K, 2, 0, 1, ports->last),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	static const char license[] = "ISC", name[] = "jail_ports";
	union bpf_attr attr;

	/* What is not set is 0 to the last byte: bpf(2). */
	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_CGROUP_SOCK_ADDR;
	attr.expected_attach_type = hook;
	attr.insns = (uintptr_t)program;
	attr.insn_cnt = sizeof(program) / sizeof(program[0]);
	attr.license = (uintptr_t)license;
	memcpy(attr.prog_name, name, sizeof(name));
	return bpf(BPF_PROG_LOAD, &attr);
}

/* Beside what others, such as systemd(1), have above: all must say yes. */
static int
attach(int program, int cgroup, enum bpf_attach_type hook)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.target_fd = (uint32_t)cgroup;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = hook;
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	return bpf(BPF_PROG_ATTACH, &attr);
}

static int
cannot_hold(const struct plan *plan, const char *why, struct err *err)
{
	return err_set(err, ERR_REFUSED,
		       "jail %s: this host cannot hold ports %u-%u: %s; see "
		       "ports in jail.conf(5)",
		       plan->jail, plan->ports.first, plan->ports.last, why);
}

static int
kernel_refuses(const struct plan *plan, const char *what, struct err *err)
{
	struct err why;

	(void)err_errno(&why, "%s", what);
	return cannot_hold(plan, why.text, err);
}

int
ports_hold(const struct plan *plan, int cgroup, struct err *err)
{
	if (plan->ports.first == 0)
		return 0;
	if (cgroup < 0)
		return cannot_hold(plan, "no cgroup version 2", err);
	for (int i = 0; i < N_HOOKS; i++) {
		cleanup_fd int program = load(&plan->ports, hooks[i]);

		if (program < 0)
			return kernel_refuses(plan, "load a BPF program", err);
		if (attach(program, cgroup, hooks[i]) < 0)
			return kernel_refuses(plan, "attach a BPF program",
					      err);
	}
	return 0;
}

int
ports_foresee(const struct plan *plan, struct err *err)
{
	for (int i = 0; plan->ports.first != 0 && i < N_HOOKS; i++) {
		cleanup_fd int program = load(&plan->ports, hooks[i]);

		if (program < 0)
			return kernel_refuses(plan, "load a BPF program", err);
	}
	return 0;
}

/* Whether PORT, in a socket of FAMILY, is refused. */
static int
prove_refused(sa_family_t family, uint16_t port, struct err *err)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in4;
		struct sockaddr_in6 in6;
	} addr = { .in6 = { .sin6_family = family, .sin6_port = htons(port) } };
	cleanup_fd int sock = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* A host without IPv6 has no ports of it. */
	if (sock < 0 && family == AF_INET6 && errno == EAFNOSUPPORT)
		return 0;
	if (sock < 0)
		return err_errno(err, "socket");
	if (bind(sock, &addr.any, sizeof(addr)) == 0)
		return err_set(err, ERR_UNSAFE,
			       "port %u can be bound, and is not the jail's",
			       port);
	if (errno != EPERM)
		return err_errno(err, "bind port %u, which is to be refused",
				 port);
	return 0;
}

int
ports_prove(const struct plan *plan, struct err *err)
{
	const struct plan_ports *const ports = &plan->ports;
	const unsigned int other =
		ports->first > 1 ? ports->first - 1U : ports->last + 1U;

	if (ports->first == 0 || ports->need != PLAN_NEED_REQUIRED)
		return 0;
	if (prove_refused(AF_INET, (uint16_t)other, err) < 0)
		return -1;
	return prove_refused(AF_INET6, (uint16_t)other, err);
}
