/* SPDX-License-Identifier: ISC */
#include "policy/ports.h"

#include "base/cleanup.h"
#include "policy/amount.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* What the kernel chooses from for who asks for no port in particular, in the
 * network namespace of who reads it. */
static const char chosen_by_kernel[] = "/proc/sys/net/ipv4/ip_local_port_range";

/* The first uid of an account of a person's: login.defs(5), UID_MIN. */
enum { USUAL_FIRST_UID = 1000 };

/* Below are the ports that only root may bind. */
static const struct bounds shared_ports = { 1024, UINT16_MAX };

bool
ports_parse(const char *text, uint16_t *first, uint16_t *last)
{
	const size_t len = strcspn(text, "-");

	if (!amount_parse_port(text, len, first))
		return false;
	*last = *first;
	if (text[len] == '-' &&
	    !amount_parse_port(text + len + 1, strlen(text + len + 1), last))
		return false;
	return *first <= *last;
}

/* --- the group ----------------------------------------------------------- */

static int
read_range(const struct reader *reader, const config_setting_t *setting,
	   void *target, struct err *err)
{
	struct port_shares *const shares = target;
	struct text text = { .text = NULL };

	if (setting_text(reader, setting, &text, err) < 0)
		return -1;
	if (!ports_parse(text.text, &shares->first, &shares->last) ||
	    shares->first < shared_ports.least)
		return setting_error(reader, setting, err,
				     "\"range\" must be ports from %d to %d, "
				     "as in \"20000-29999\"",
				     (int)shared_ports.least,
				     (int)shared_ports.most);
	return 0;
}

static int
read_each(const struct reader *reader, const config_setting_t *setting,
	  void *target, struct err *err)
{
	static const struct bounds bounds = { 1, UINT16_MAX };
	struct port_shares *const shares = target;
	int64_t each = 0;

	if (setting_number(reader, setting, &bounds, &each, err) < 0)
		return -1;
	shares->each = (uint16_t)each;
	return 0;
}

static int
read_first_uid(const struct reader *reader, const config_setting_t *setting,
	       void *target, struct err *err)
{
	static const struct bounds bounds = { 1, UINT32_MAX - 1 };
	struct port_shares *const shares = target;
	int64_t uid = 0;

	if (setting_number(reader, setting, &bounds, &uid, err) < 0)
		return -1;
	shares->first_uid = (uid_t)uid;
	return 0;
}

int
ports_read(const struct reader *reader, const config_setting_t *setting,
	   struct policy *policy, struct err *err)
{
	static const struct key keys[] = {
		{ "range", read_range },
		{ "each", read_each },
		{ "first_uid", read_first_uid },
		{ NULL, NULL },
	};
	struct port_shares *const shares = &policy->ports;

	if (setting_is_group(reader, setting, err) < 0)
		return -1;
	shares->at = setting_where(reader, setting);
	shares->first_uid = USUAL_FIRST_UID;
	if (setting_read_group(reader, setting, keys, shares, err) < 0)
		return -1;
	if (shares->first == 0 || shares->each == 0)
		return setting_error(reader, setting, err,
				     "\"ports\" needs a range, and how many "
				     "of it each account has: { range = "
				     "\"20000-29999\"; each = 10; }");
	if (shares->each > shares->last - shares->first + 1)
		return setting_error(reader, setting, err,
				     "\"ports\": %u ports for each are more "
				     "than %u-%u",
				     shares->each, shares->first, shares->last);
	return 0;
}

/* --- plans --------------------------------------------------------------- */

/* One after the other, so that no two accounts have the same, and whoever comes
 * later changes nobody's. */
static int
by_uid(const struct ports_conf *conf, const struct account *account,
       struct plan_ports *ports, struct err *err)
{
	const struct port_shares *const shares = conf->shares;
	const uint32_t n = (shares->last - shares->first + 1U) / shares->each;

	if (account->uid < shares->first_uid ||
	    account->uid - shares->first_uid >= n)
		return where_error(
			&shares->at, err,
			"account %s: ports %u-%u are for uids %u to %u, and "
			"uid %u has none: change the range or first_uid, or "
			"give it others with ports = \"FIRST-LAST\" in its "
			"file in users.d",
			account->name, shares->first, shares->last,
			shares->first_uid, shares->first_uid + n - 1,
			account->uid);
	ports->first =
		(uint16_t)(shares->first +
			   (account->uid - shares->first_uid) * shares->each);
	ports->last = (uint16_t)(ports->first + conf->count - 1);
	return 0;
}

static int
read_chosen(unsigned int *first, unsigned int *last, struct err *err)
{
	cleanup_fd int fd = open(chosen_by_kernel, O_RDONLY | O_CLOEXEC);
	char text[64];
	const ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n < 0)
		return err_errno(err, "%s", chosen_by_kernel);
	text[n] = '\0';
	/* The kernel has written them.  NOLINTNEXTLINE(cert-err34-c) */
	if (sscanf(text, "%u %u", first, last) != 2)
		return err_set(err, ERR_UNSAFE, "%s: not two numbers",
			       chosen_by_kernel);
	return 0;
}

/* Port 0 and listen(2) without bind(2) would give somebody's ports to
 * somebody else. */
static int
check_chosen(const struct where *at, uint16_t first, uint16_t last,
	     struct err *err)
{
	unsigned int chosen_first = 0, chosen_last = 0;

	if (read_chosen(&chosen_first, &chosen_last, err) < 0)
		return -1;
	if (last < chosen_first || first > chosen_last)
		return 0;
	return where_error(at, err,
			   "ports %u-%u: of %u-%u the kernel gives one to "
			   "whoever asks for none in particular; give others, "
			   "or change net.ipv4.ip_local_port_range, sysctl(8)",
			   first, last, chosen_first, chosen_last);
}

int
ports_make(const struct jail_conf *jail, const struct account *account,
	   struct plan *plan, struct err *err)
{
	const struct ports_conf *const conf = &jail->ports;
	struct plan_ports *const ports = &plan->ports;

	if (conf->kind == PORTS_ANY || jail->network != PLAN_NETWORK_HOST)
		return 0;
	ports->need = conf->required ? PLAN_NEED_REQUIRED : PLAN_NEED_WISHED;
	if (conf->kind == PORTS_OWN) {
		ports->first = conf->first;
		ports->last = conf->last;
		return check_chosen(&conf->at, conf->first, conf->last, err);
	}
	if (by_uid(conf, account, ports, err) < 0)
		return -1;
	return check_chosen(&conf->shares->at, conf->shares->first,
			    conf->shares->last, err);
}
