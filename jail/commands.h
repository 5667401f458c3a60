/* SPDX-License-Identifier: ISC */
/*
 * commands - programs of the host that a jail may ask jail-broker(8) for
 *
 * What they have in common: they change something of the account's on the
 * host, with rights that no jail has, and cannot be told to run a program.
 * Which arguments they get is decided in broker/rules.c.
 */
#ifndef JAIL_COMMANDS_H
#define JAIL_COMMANDS_H

struct command {
	const char *name;
	const char *path; /* on the host; inside, the one who asks is there */
};

/* Where the broker listens, inside. */
#define COMMANDS_SOCKET RUN_DIR "/broker"

/* The command named NAME, or NULL. */
const struct command *command_find(const char *name)
	__attribute__((nonnull, pure));

#endif
