/* SPDX-License-Identifier: ISC */
/*
 * pamfiles - the stacks of /etc/pam.d, as libpam walks them
 *
 * pam_jail(8) is worth nothing where it is not called.  Whether it is called
 * depends on every line before it: a "sufficient" or a jump may end the
 * stack first.  So the files are read the way libpam reads them (pam.conf(5):
 * include, substack, @include, [value=action], the service "other"), and the
 * stack is judged.
 */
#ifndef JAILCONF_PAMFILES_H
#define JAILCONF_PAMFILES_H

#include "base/arena.h"

#include <stdbool.h>

enum pam_type {
	PAM_TYPE_AUTH,
	PAM_TYPE_ACCOUNT,
	PAM_TYPE_PASSWORD,
	PAM_TYPE_SESSION,
};
enum { PAM_TYPES = PAM_TYPE_SESSION + 1 };

/* The word in the file: "auth", "account", ... */
const char *pam_type_name(enum pam_type type) __attribute__((const));

struct pam_answer; /* what follows a module's answer; opaque */

/* One module of a stack, or the head of a substack. */
struct pam_line {
	struct pam_line *next;
	const char *file;
	unsigned int number;
	const char *control; /* as written, without brackets */
	const char *module;  /* as written; "" for the head of a substack */
	const char *arguments;
	unsigned int level; /* depth of substacks */
	const struct pam_answer *answers;
	size_t n_answers;
};

/* The modules that are called for one service. */
struct pam_service {
	struct arena arena; /* everything below lives in it */
	bool exists;	    /* it has a file; else all is of "other" */
	struct pam_line *stack[PAM_TYPES];
};

/* Where libpam looks, in this order, then NULL. */
extern const char *const pam_directories[];

/*
 * Reads what DIRECTORIES (NULL-terminated) say of the service NAME; types
 * that it has no line of come from the service "other".
 * Returns 0, and *service is to be freed with pam_service_free(); or -1 with
 *	ERR_CONFIG	FILE:LINE: a line that libpam would not understand
 *	ERR_SYSTEM	a file cannot be read
 */
int pam_service_read(const char *const *directories, const char *name,
		     struct pam_service *service, struct err *err)
	__attribute__((nonnull, warn_unused_result));

void pam_service_free(struct pam_service *service) __attribute__((nonnull));

enum pam_fault {
	PAM_FAULT_NONE,
	PAM_FAULT_MISSING,   /* the module is not in the stack */
	PAM_FAULT_SKIPPED,   /* CAUSE can end the stack before it, or jump
			      * over it, and the service goes on */
	PAM_FAULT_TOOTHLESS, /* account, session: its "no" changes nothing */
	PAM_FAULT_NOT_LAST,  /* auth: CAUSE comes after it, and would run as
			      * root inside the jail */
	PAM_FAULT_USER_ENV,  /* session: CAUSE, before it, lets the account
			      * say what rules go by: pam_env(8),
			      * user_readenv */
	PAM_FAULT_ARGUMENTS, /* it does not understand them, and refuses */
	PAM_FAULT_ELSEWHERE, /* they tell it to go by another configuration */
};

struct pam_verdict {
	enum pam_fault fault;
	const struct pam_line *ours;  /* NULL: MISSING */
	const struct pam_line *cause; /* NULL unless fault says so */
	const char *why; /* of ARGUMENTS and ELSEWHERE; else NULL */
};

/* Judges how MODULE ("pam_jail.so", whatever its directory) is called in
 * the stack of TYPE. */
struct pam_verdict pam_stack_judge(const struct pam_service *service,
				   enum pam_type type, const char *module)
	__attribute__((nonnull));

/*
 * Cuts LINE's arguments into words as libpam does, for as long as SERVICE
 * lives; *count says how many there are.  Returns NULL with ERR_SYSTEM, or with
 * ERR_CONFIG where there are more than anybody needs.
 */
const char *const *pam_line_words(struct pam_service *service,
				  const struct pam_line *line, int *count,
				  struct err *err) __attribute__((nonnull));

/* Writes what is wrong about MODULE in the stack of TYPE, for the
 * administrator; "" if nothing is. */
void pam_verdict_tell(const struct pam_verdict *verdict, enum pam_type type,
		      const char *module, char *text, size_t size)
	__attribute__((nonnull));

#endif
