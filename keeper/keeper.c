/* SPDX-License-Identifier: ISC */
/*
 * jail-keeper - keeps one account's jail while somebody uses it
 *
 * Started by pam_jail or jailconf, as root, with three descriptors:
 *	3  the plan, a sealed memfd
 *	4  the first connection, from who started it
 *	5  the socket that it listens on; not there for a private jail
 *
 * It builds the jail, then answers on the socket (jail/wire.h) until nobody
 * has been connected for as long as the plan says, then ends the jail.  It
 * reads no configuration and, as root, nothing that the account has written.
 * What it is asked for it lets a child do.
 */
#include "keeper/keeper.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "jail/ports.h"
#include "jail/quota.h"
#include "jail/registry.h"
#include "jail/root.h"
#include "keeper/forget.h"
#include "keeper/init.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum {
	FD_PLAN = 3,
	FD_FIRST = 4,
	FD_LISTENER = 5,
	RETRY_MS = 20,		  /* when somebody holds the lock just now */
	LONGEST_MS = 1000 * 1000, /* of a wait, which is an int */
	OVERRUN_MS = 15000,	  /* three times what one closer may take */
	END_MS = 5000, /* for what was killed to be gone; less than who wants
			* it stopped waits: jail/wire.c */
};

/* --- birth --------------------------------------------------------------- */

pid_t
fork_into(int cgroup, uint64_t namespaces, int *pidfd)
{
	struct clone_args args = { .flags = namespaces,
				   .exit_signal = SIGCHLD };

	if (cgroup >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint32_t)cgroup;
	}
	if (pidfd != NULL) {
		args.flags |= CLONE_PIDFD;
		args.pidfd = (uint64_t)(uintptr_t)pidfd;
	}
	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static pid_t
fork_init(const struct keeper *keeper, int *pidfd)
{
	uint64_t namespaces =
		CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;

	if (plan_owns_network(&keeper->jail.plan))
		namespaces |= CLONE_NEWNET;
	return fork_into(keeper->cgroup.jail, namespaces, pidfd);
}

static int
hear_init(struct keeper *keeper, int report, struct err *err)
{
	struct init_report said = { .ready = false };
	const ssize_t n = recv(report, &said, sizeof(said), 0);

	if (n < 0)
		return err_errno(err, "hear of the jail's PID 1");
	if (n != (ssize_t)sizeof(said))
		return err_set(err, ERR_SYSTEM, "the jail's PID 1 died");
	if (!said.ready) {
		said.err.text[sizeof(said.err.text) - 1] = '\0';
		*err = said.err;
		return -1;
	}
	keeper->jail.root_dev = (dev_t)said.root_dev;
	keeper->jail.root_ino = (ino_t)said.root_ino;
	return 0;
}

/* Before we have no capabilities any more to give. */
static int
start_broker(struct keeper *keeper, struct err *err)
{
	struct commands *const commands = &keeper->commands;
	cleanup_fd int cgroup = -1;

	if (commands_open(&keeper->jail.plan, commands, err) < 0)
		return -1;
	if (commands->listener < 0)
		return 0; /* this jail has none */
	if (cgroup_open_commands(&keeper->cgroup, &cgroup, err) < 0)
		return -1;
	commands->broker = fork_into(cgroup, 0, NULL);
	if (commands->broker < 0)
		return err_errno(err, "fork");
	if (commands->broker == 0)
		commands_exec(commands, keeper->plan);
	return 0;
}

static int
start_init(struct keeper *keeper, struct root_trees *trees, struct err *err)
{
	cleanup_fd int ours = -1, theirs = -1;
	int pair[2], pidfd = -1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, "socketpair");
	ours = pair[0];
	theirs = pair[1];
	keeper->init = fork_init(keeper, &pidfd);
	if (keeper->init < 0)
		return err_errno(err, "make the jail's namespaces");
	if (keeper->init == 0)
		init_main(&keeper->jail.plan, trees, keeper->commands.listener,
			  theirs);
	keeper->jail.init = pidfd;
	fd_close(&theirs);
	if (network_start(&keeper->jail.plan, keeper->init, &keeper->network,
			  err) < 0)
		return -1;
	/* While PID 1 builds: no session needs it, and each would drop it. */
	if (jail_drop_bounding_set(err) < 0)
		return -1;
	return hear_init(keeper, ours, err);
}

/* Before anybody can write.  A private jail is root's to try what is not yet,
 * and not one to set limits by, which would stay when it has gone. */
static int
hold_quota(struct keeper *keeper, const struct root_trees *trees,
	   struct err *err)
{
	const struct plan *const plan = &keeper->jail.plan;
	const int ret = keeper->listener < 0 ? quota_foresee(plan, trees, err)
					     : quota_hold(plan, trees, err);

	keeper->hits.disk_held = ret == 0 && plan_has_quota(plan);
	if (ret == 0)
		return 0;
	if (plan->quota.need == PLAN_NEED_REQUIRED)
		return -1;
	keeper_log_not_held_because(keeper, "disk", err);
	return 0;
}

static int
build(struct keeper *keeper, struct err *err)
{
	struct root_trees trees = ROOT_TREES_NONE;
	int ret = -1;

	if (start_broker(keeper, err) == 0 &&
	    root_trees_open(&keeper->jail.plan, &trees, err) == 0 &&
	    hold_quota(keeper, &trees, err) == 0)
		ret = start_init(keeper, &trees, err);
	if (ret == 0)
		ret = commands_start(&keeper->commands, keeper->init, err);
	root_trees_close(&trees);
	return ret;
}

/* --- life and end -------------------------------------------------------- */

static void
note_use(struct keeper *keeper)
{
	if (keeper->n_workers > 0 || keeper->n_peers > 0)
		keeper->idle_since_ms = -1;
	else if (keeper->idle_since_ms < 0)
		keeper->idle_since_ms = now_ms();
}

/* How long until the jail may end; -1: somebody uses it, or for ever. */
static int
time_left_ms(const struct keeper *keeper)
{
	const int32_t linger =
		keeper->lock < 0 ? 0 : keeper->jail.plan.linger_seconds;
	int64_t left;

	if (keeper->idle_since_ms < 0 || linger == PLAN_LINGER_FOREVER)
		return -1;
	left = keeper->idle_since_ms + (int64_t)linger * 1000 - now_ms();
	if (left < 0)
		return 0;
	return left > LONGEST_MS ? LONGEST_MS : (int)left;
}

/*
 * Ends an idle jail, unless somebody is coming: whoever found no jail holds
 * the lock and will make one, whoever has connected is waiting in the queue.
 * Returns whether it is the end.
 */
static bool
may_end(struct keeper *keeper)
{
	/* The last word of what was hit: soon there is nothing to read. */
	keeper->hits.next_line_ms = 0;
	keeper->hits.next_disk_line_ms = 0;
	hits_note(&keeper->hits, &keeper->jail.plan, keeper->log, now_ms());
	if (keeper->lock < 0)
		return true;
	if (flock(keeper->lock, LOCK_EX | LOCK_NB) < 0)
		return false;
	if (peers_accept(keeper)) {
		(void)flock(keeper->lock, LOCK_UN);
		return false;
	}
	name_remove(keeper);
	return true;
}

/* Whoever asks it now hears nothing; the walls are the same. */
static void
lose_broker(struct keeper *keeper)
{
	keeper->commands.broker = 0; /* it may be a session's number next */
	keeper_log_life(keeper, "lost-broker");
}

/* Whether PID 1 is still there; buries every child that is not. */
static bool
bury(struct keeper *keeper)
{
	struct signalfd_siginfo info;
	bool alive = true;
	pid_t pid;

	(void)!read(keeper->signals, &info, sizeof(info));
	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
		if (pid == keeper->init)
			alive = false;
		else if (pid == keeper->commands.broker)
			lose_broker(keeper);
		else
			keeper->n_workers--;
		times_touch(&keeper->times);
	}
	return alive;
}

/* Waits until something happens.  Returns how many peers could be asked. */
static size_t
wait_for_events(struct keeper *keeper, int timeout_ms)
{
	struct pollfd *const polls = keeper->polls;
	const size_t n = keeper->n_peers;
	const bool busy = peers_busy(keeper);

	timeout_ms = peers_wait_ms(keeper, timeout_ms);
	polls[POLL_SIGNALS] = (struct pollfd){ keeper->signals, POLLIN, 0 };
	polls[POLL_LISTENER] =
		(struct pollfd){ busy ? -1 : keeper->listener, POLLIN, 0 };
	polls[POLL_NETWORK] =
		(struct pollfd){ keeper->network.changes, POLLIN, 0 };
	hits_poll(&keeper->hits, &polls[POLL_HITS]);
	peers_poll(keeper);
	if (poll(polls, FIRST_PEER + n, timeout_ms) >= 0)
		return n;
	for (size_t i = 0; i < FIRST_PEER + n; i++)
		polls[i].revents = 0;
	return n;
}

/* The sooner of both, in milliseconds from now; -1 is never. */
static int
sooner_ms(int timeout_ms, int64_t due_ms)
{
	int64_t left;

	if (due_ms < 0)
		return timeout_ms;
	left = due_ms - now_ms();
	if (left < 0)
		left = 0;
	if (left > LONGEST_MS)
		left = LONGEST_MS;
	return timeout_ms >= 0 && timeout_ms < left ? timeout_ms : (int)left;
}

static void
note_hits(struct keeper *keeper)
{
	const int64_t now = now_ms(), due = hits_due_ms(&keeper->hits);
	const struct pollfd *const polls = &keeper->polls[POLL_HITS];
	/* Of a quota there is no event. */
	bool news = (due >= 0 && due <= now) || keeper->hits.disk_held;

	for (int i = 0; i < HITS_POLLS; i++)
		news |= polls[i].revents != 0;
	if (news)
		hits_note(&keeper->hits, &keeper->jail.plan, keeper->log, now);
}

/* Somebody has changed the host's rules. */
static void
mend_network(struct keeper *keeper)
{
	struct err err;
	int mended;

	const int64_t due = keeper->network.due_ms;

	if (keeper->polls[POLL_NETWORK].revents == 0 &&
	    (due < 0 || due > now_ms()))
		return;
	mended = network_mend(&keeper->jail.plan, keeper->init,
			      &keeper->network, &err);
	if (mended != 0)
		keeper_log_mended(keeper, mended > 0 ? NULL : &err);
}

/*
 * Whether what the account has sent is not closed for so long that there is a
 * file of its own among it, fuse(4), which no signal helps against.  Nobody is
 * heard meanwhile, root neither.
 */
static bool
is_overrun(struct keeper *keeper)
{
	if (!peers_busy(keeper))
		keeper->busy_since_ms = -1;
	else if (keeper->busy_since_ms < 0)
		keeper->busy_since_ms = now_ms();
	return keeper->busy_since_ms >= 0 &&
	       now_ms() - keeper->busy_since_ms >= OVERRUN_MS;
}

/*
 * Serves until the jail is at its end.  If root ends it, end() kills more than
 * PID 1: that one waits for all that was in its namespace to be reaped, also by
 * a parent that the account has stopped.
 */
static void
serve(struct keeper *keeper)
{
	for (;;) {
		int timeout_ms;
		size_t n;

		peers_bury(keeper);
		if (is_overrun(keeper)) {
			keeper_log_life(keeper, "overrun");
			return;
		}
		peers_expire(keeper, now_ms());
		note_use(keeper);
		times_note(keeper, now_ms());
		timeout_ms = time_left_ms(keeper);
		if (timeout_ms == 0 && may_end(keeper))
			return;
		if (timeout_ms == 0)
			timeout_ms = RETRY_MS;
		timeout_ms = sooner_ms(timeout_ms, hits_due_ms(&keeper->hits));
		timeout_ms = sooner_ms(timeout_ms, peers_due_ms(keeper));
		timeout_ms = sooner_ms(timeout_ms, keeper->network.due_ms);
		n = wait_for_events(
			keeper, sooner_ms(timeout_ms,
					  times_due_ms(&keeper->times,
						       &keeper->jail.plan)));
		note_hits(keeper);
		mend_network(keeper);
		if (keeper->polls[POLL_SIGNALS].revents != 0 && !bury(keeper))
			return;
		for (size_t i = n; i-- > 0;) /* peers_drop() moves the last */
			if (keeper->polls[FIRST_PEER + i].revents != 0 &&
			    !peers_answer(keeper, &keeper->peers[i]))
				peers_drop(keeper, i);
		if (keeper->stopped)
			return;
		if (keeper->polls[POLL_LISTENER].revents != 0)
			(void)peers_accept(keeper);
	}
}

static void
stop_network(struct keeper *keeper)
{
	struct err err;

	if (network_stop(&keeper->jail.plan, &keeper->network, &err) < 0)
		keeper_log_left(keeper, &err);
}

/*
 * Most are gone at once.  A session's process may be closing a file that the
 * account serves, fuse(4): it ends when the account lets it, has been killed,
 * and runs nothing of anybody's any more.
 */
static void
wait_for_children(const struct keeper *keeper)
{
	const int64_t until_ms = now_ms() + END_MS;
	struct pollfd signals = { .fd = keeper->signals, .events = POLLIN };
	struct signalfd_siginfo info;
	int64_t left_ms = END_MS;
	pid_t pid;

	while (left_ms > 0 && (pid = waitpid(-1, NULL, WNOHANG)) >= 0) {
		if (pid == 0) {
			(void)poll(&signals, 1, (int)left_ms);
			(void)!read(keeper->signals, &info, sizeof(info));
		}
		left_ms = until_ms - now_ms();
	}
}

/* Nobody waits for this but us: a dying PID 1 waits for every process that
 * was in its namespace to be reaped by its own parent, and sshd's monitor
 * reaps only when we have let it go. */
static void
end(struct keeper *keeper)
{
	/* If somebody has the lock, he finds nobody listening. */
	if (keeper->lock >= 0 && flock(keeper->lock, LOCK_EX | LOCK_NB) == 0)
		name_remove(keeper);
	/* Who connects now is refused.  To close it may take as long as who is
	 * in its queue wants; our own end does not. */
	if (keeper->listener >= 0)
		(void)shutdown(keeper->listener, SHUT_RDWR);
	commands_close(&keeper->commands);
	/* By now its number may be anybody's. */
	(void)pidfd_send_signal(keeper->jail.init, SIGKILL, NULL, 0);
	cgroup_kill(&keeper->cgroup);
	peers_kill_entered(keeper);
	stop_network(keeper);
	wait_for_children(keeper);
	/* Who has found PID 1 alive until now: jail_enter(). */
	peers_kill_entered(keeper);
	while (keeper->n_peers > 0)
		peers_drop(keeper, 0);
	cgroup_remove(keeper->jail.plan.uid, &keeper->cgroup);
	/* Who had the lock then may have started another jail. */
	if (keeper->lock >= 0 && flock(keeper->lock, LOCK_EX) == 0)
		name_remove(keeper);
	keeper_log_life(keeper, "close");
}

/* --- main ---------------------------------------------------------------- */

/* Before anybody is in the cgroup. */
static int
hold_ports(const struct keeper *keeper, struct err *err)
{
	const struct plan *const plan = &keeper->jail.plan;

	if (ports_hold(plan, keeper->cgroup.jail, err) == 0)
		return 0;
	if (plan->ports.need == PLAN_NEED_REQUIRED)
		return -1;
	keeper_log_not_held_because(keeper, "ports", err);
	return 0;
}

static int
prepare(struct keeper *keeper, struct err *err)
{
	keeper->log = log_open();
	if (forget_caller(FD_PLAN, err) < 0 ||
	    plan_open(FD_PLAN, &keeper->jail.plan, err) < 0 ||
	    cgroup_make(&keeper->jail.plan, &keeper->cgroup, err) < 0)
		return -1;
	return hold_ports(keeper, err);
}

/* Who started us waits for our first process, and only for that. */
static int
go_to_background(struct keeper *keeper, struct err *err)
{
	const pid_t pid = fork_into(keeper->cgroup.keepers, 0, NULL);

	if (pid < 0)
		return err_errno(err, "fork");
	if (pid > 0)
		_exit(EXIT_SUCCESS);
	return 0;
}

static int
open_all(struct keeper *keeper, struct err *err)
{
	sigset_t child;

	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	keeper->signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	if (keeper->signals < 0 || sigprocmask(SIG_BLOCK, &child, NULL) < 0)
		return err_errno(err, "signalfd");
	return keeper->listener < 0 ? 0 : name_open(keeper, err);
}

static int
fail(struct keeper *keeper, const struct err *err)
{
	struct wire_msg asked;

	/* A socket that is closed with something unread in it loses our
	 * answer: unix(7), ECONNRESET. */
	(void)!recv(FD_FIRST, &asked, sizeof(asked), MSG_DONTWAIT);
	peers_refuse(FD_FIRST, err->text);
	keeper_log_refused(keeper, err);
	if (keeper->init > 0) {
		(void)kill(keeper->init, SIGKILL);
		(void)waitpid(keeper->init, NULL, 0);
	}
	stop_network(keeper);
	cgroup_remove(keeper->jail.plan.uid, &keeper->cgroup);
	return EXIT_FAILURE;
}

int
main(void)
{
	struct keeper keeper = { .jail = JAIL_NONE,
				 .cgroup = CGROUP_NONE,
				 .hits = HITS_NONE,
				 .plan = FD_PLAN,
				 .commands = COMMANDS_NONE,
				 .network = NETWORK_NONE,
				 .listener = -1,
				 .lock = -1,
				 .signals = -1,
				 .log = -1,
				 .busy_since_ms = -1,
				 .complained_ms = INT32_MIN,
				 .idle_since_ms = -1 };
	struct err err;
	int first = FD_FIRST;

	if (getuid() != 0 && geteuid() != 0)
		return EXIT_FAILURE;
	/* First of all: anything that is opened may get the free number. */
	if (fcntl(FD_LISTENER, F_GETFD) >= 0 || errno != EBADF)
		keeper.listener = FD_LISTENER;
	if (prepare(&keeper, &err) < 0 || go_to_background(&keeper, &err) < 0 ||
	    open_all(&keeper, &err) < 0 || build(&keeper, &err) < 0 ||
	    name_require(&keeper, &err) < 0 ||
	    peers_add(&keeper, &first, &err) < 0)
		return fail(&keeper, &err);
	keeper.started = time(NULL);
	keeper_log_life(&keeper, "open");
	keeper_log_not_held(&keeper);
	hits_open(&keeper.cgroup, &keeper.hits);
	serve(&keeper);
	end(&keeper);
	return EXIT_SUCCESS;
}
