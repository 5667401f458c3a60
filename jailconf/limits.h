/* SPDX-License-Identifier: ISC */
/*
 * limits - the limits of a plan: shown, and which of them this host holds
 */
#ifndef JAILCONF_LIMITS_H
#define JAILCONF_LIMITS_H

#include "jail/plan.h"

#include <json-c/json.h>

/* The lines of "explain". */
void limits_print(const struct plan *plan) __attribute__((nonnull));

/* Adds "limits", and "reseller" if there is one. */
void limits_json(const struct plan *plan, struct json_object *object)
	__attribute__((nonnull));

#endif
