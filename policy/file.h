/* SPDX-License-Identifier: ISC */
/*
 * file - one file of the configuration, from the disk to settings
 */
#ifndef POLICY_FILE_H
#define POLICY_FILE_H

#include "policy/setting.h"

#define cleanup_config __attribute__((cleanup(config_destroy)))

/*
 * Reads NAME in the trusted directory DIR into *config, which the caller has
 * initialised and destroys.  READER says where its words go and what the
 * file is called.  Errors: those of trusted_read(), and ERR_CONFIG.
 */
int file_parse(const struct reader *reader, int dir, const char *name,
	       uid_t trusted, config_t *config, struct err *err)
	__attribute__((nonnull, warn_unused_result));

/* The same for TEXT, which reader->file is supposed to hold. */
int file_parse_text(const struct reader *reader, const char *text,
		    config_t *config, struct err *err)
	__attribute__((nonnull, warn_unused_result));

#endif
