/* SPDX-License-Identifier: ISC */
/*
 * planview - a plan, in words and in JSON
 *
 * Nothing but the plan decides what a jail is; so this is all there is to
 * say about one.
 */
#ifndef JAILCONF_PLANVIEW_H
#define JAILCONF_PLANVIEW_H

#include "jail/plan.h"

#include <json-c/json.h>

/* Prints PLAN in lines. */
void planview_print(const struct plan *plan) __attribute__((nonnull));

/* Adds PLAN to OBJECT. */
void planview_json(const struct plan *plan, struct json_object *object)
	__attribute__((nonnull));

#endif
