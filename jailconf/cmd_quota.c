/* SPDX-License-Identifier: ISC */
/* jailconf quota */
#include "jail/quota.h"
#include "jailconf/mark.h"
#include "jailconf/output.h"
#include "jailconf/rehearse.h"
#include "jailconf/verbs.h"

#include <inttypes.h>
#include <string.h>

/* Of one account; and of one of its jails at a time. */
struct counting {
	const struct call *call;
	const struct account *account;
	const struct plan *plan;
	struct json_object *list; /* NULL: print lines */
	size_t n_all, n_jails;	  /* jails, and those that have a quota */
	bool failed;
	struct err err; /* why */
};

static int
mark(const struct counting *counting, const struct quota_tree *tree,
     struct err *err)
{
	struct mark_count count = { .marked = 0 };
	struct err why;

	if (quota_require_marked(counting->plan, tree, &why) == 0 &&
	    !counting->call->force)
		return 0;
	if (mark_tree(counting->plan, tree, &count, err) < 0)
		return -1;
	if (counting->list != NULL)
		return 0;
	out_line("%s: marked %" PRIu64 " files and directories, %" PRIu64
		 " were already",
		 tree->path, count.marked, count.already);
	if (count.special > 0)
		out_line("%s: %" PRIu64 " links and the like are not counted",
			 tree->path, count.special);
	return 0;
}

static void
show_json(struct counting *counting, const struct quota_tree *tree,
	  const struct quota_use *use)
{
	struct json_object *const row = json_object_new_object();

	json_set(row, "path", tree->path);
	json_set(row, "jail", counting->plan->jail);
	json_set_number(row, "project", counting->plan->uid);
	json_set_number(row, "bytes", use->bytes);
	json_set_number(row, "files", use->files);
	json_set_number(row, "max_bytes", use->max_bytes);
	json_set_number(row, "max_files", use->max_files);
	(void)json_object_array_add(counting->list, row);
}

static void
show(struct counting *counting, const struct quota_tree *tree,
     const struct quota_use *use)
{
	struct line line = { .used = 0 };

	if (counting->list != NULL) {
		show_json(counting, tree, use);
		return;
	}
	line_add(&line, "%s: %" PRIu64 " KiB", tree->path, use->bytes / 1024);
	if (use->max_bytes != 0)
		line_add(&line, " of %" PRIu64, use->max_bytes / 1024);
	line_add(&line, ", %" PRIu64, use->files);
	if (use->max_files != 0)
		line_add(&line, " of %" PRIu64, use->max_files);
	line_add(&line, " files on its file system are project %u",
		 counting->plan->uid);
	out_line("%s", line.text);
}

/* quota_visitor.  First the files, then the limit: what is too much already
 * is counted nevertheless. */
static int
count_tree(void *arg, const struct quota_tree *tree, struct err *err)
{
	struct counting *const counting = arg;
	struct quota_use use;

	if (quota_require_limits(tree, err) < 0 ||
	    mark(counting, tree, err) < 0 ||
	    quota_set(counting->plan, tree, err) < 0 ||
	    quota_read(counting->plan, tree, &use, err) < 0)
		return -1;
	show(counting, tree, &use);
	return 0;
}

/* quota_visitor: the limits of a time when there was a quota. */
static int
lift_tree(void *arg, const struct quota_tree *tree, struct err *err)
{
	const struct counting *const counting = arg;
	struct err why;

	if (quota_require_marked(counting->plan, tree, &why) < 0 ||
	    quota_require_limits(tree, &why) < 0)
		return 0;
	if (quota_set(counting->plan, tree, err) < 0)
		return -1;
	if (counting->list == NULL)
		out_line("%s: no limit any more", tree->path);
	return 0;
}

static int
count_plan(struct counting *counting, const struct plan *plan, struct err *err)
{
	struct root_trees trees = ROOT_TREES_NONE;
	const struct quota_visitor visitor = { plan_has_quota(plan) ? count_tree
								    : lift_tree,
					       counting };
	int ret;

	counting->plan = plan;
	if (root_trees_open(plan, &trees, err) < 0)
		return -1;
	ret = quota_each(plan, &trees, &visitor, err);
	root_trees_close(&trees);
	return ret;
}

/* An account may have several jails, and its home is in all of them: a limit is
 * lifted only if none has a quota. */
struct turn {
	struct counting *counting;
	bool with_quota;
};

static void
take_turn(void *arg, const struct decision *decision)
{
	const struct turn *const turn = arg;
	struct counting *const counting = turn->counting;
	struct plan plan;

	if (counting->failed)
		return;
	if (policy_plan(decision->jail, counting->account, &plan,
			&counting->err) < 0) {
		counting->failed = true;
		return;
	}
	counting->n_all++;
	if (plan_has_quota(&plan) == turn->with_quota) {
		counting->n_jails += turn->with_quota;
		counting->failed =
			count_plan(counting, &plan, &counting->err) < 0;
	}
	plan_free(&plan);
}

static int
count_account(struct counting *counting, struct policy *policy, struct err *err)
{
	for (int i = 0; i < 2 && counting->n_jails == 0; i++) {
		struct turn turn = { counting, i == 0 };
		const struct jail_finder finder = { take_turn, &turn };

		if (policy_each(policy, counting->account, &finder, err) < 0)
			return -1;
		if (counting->failed) {
			*err = counting->err;
			return -1;
		}
	}
	if (counting->n_jails == 0 && counting->list == NULL)
		out_line("no jail of %s has a disk quota",
			 counting->account->name);
	if (counting->n_all == 0 && counting->list == NULL)
		out_line("%s has no jail: the limits of project %u stay as "
			 "they are, see setquota(8)",
			 counting->account->name, counting->account->uid);
	return 0;
}

int
cmd_quota(const struct call *call)
{
	struct counting counting = { .call = call };
	struct account account = { 0 };
	struct policy *policy = NULL;
	struct err err = { 0 };
	int ret = -1;

	counting.account = &account;
	counting.list = call->json ? json_object_new_array() : NULL;
	if (account_lookup(call->user, &account, &err) == 0 &&
	    (policy = rehearse_load(&err)) != NULL)
		ret = count_account(&counting, policy, &err);
	if (ret < 0)
		out_failure(call->user, &err);
	if (counting.list != NULL)
		out_json(counting.list);
	policy_free(policy);
	account_free(&account);
	return ret < 0 ? STATUS_PROBLEM : STATUS_FINE;
}
