/* SPDX-License-Identifier: ISC */
#include "policy/arguments.h"

#include <string.h>

int
arguments_read(int count, const char *const *words, struct arguments *args,
	       struct err *err)
{
	static const char conf[] = "conf=", exempt[] = "exempt=";

	*args = (struct arguments){ .conf_dir = CONF_DIR };
	for (int i = 0; i < count; i++) {
		const char *const word = words[i];

		if (strncmp(word, conf, strlen(conf)) == 0)
			args->conf_dir = word + strlen(conf);
		else if (strncmp(word, exempt, strlen(exempt)) == 0)
			args->exempt = word + strlen(exempt);
		else if (strcmp(word, "config-error=deny-jailed") == 0)
			args->deny_only_jailed = true;
		else if (strcmp(word, "config-error=deny-all") == 0)
			args->deny_only_jailed = false;
		else
			return err_set(err, ERR_CONFIG,
				       "pam_jail: unknown argument: %s", word);
	}
	return 0;
}
