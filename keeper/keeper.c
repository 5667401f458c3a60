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
#include "base/cleanup.h"
#include "base/log.h"
#include "base/path.h"
#include "jail/cgroup.h"
#include "jail/registry.h"
#include "jail/root.h"
#include "jail/wire.h"
#include "keeper/commands.h"
#include "keeper/hits.h"
#include "keeper/init.h"
#include "keeper/session.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/ioprio.h>
#include <linux/keyctl.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/personality.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

enum {
	FD_PLAN = 3,
	FD_FIRST = 4,
	FD_LISTENER = 5,
	RETRY_MS = 20, /* when somebody holds the lock just now */
	/* Connections of the account itself that have not asked for anything
	 * yet; more is somebody who wants to fill us up. */
	IDLE_PEERS_MAX = 16,
	COMPLAIN_MS = 1000, /* about callers, at most so often */
	CLOSERS_MAX = 16,   /* until they are less, no account is heard */
	CLOSER_SECONDS = 5,
	CLOSER_POLL_MS = 1000,	/* their end is no event */
	TIMER_SLACK_NS = 50000, /* of init(1): PR_SET_TIMERSLACK(2const) */
	NAME_PATH_MAX =
		sizeof(RUN_DIR) + sizeof("/4294967295/") + NAME_PLAIN_MAX,
};

struct peer {
	int sock;
	uid_t uid;   /* as the kernel says */
	pid_t pid;   /* and this, of when it connected */
	bool leases; /* a session of the host that has joined */
	int entered; /* pidfd of its process that entered, or -1 */
	time_t since;
	char label[512]; /* of a session, for "jailconf list" */
};

struct keeper {
	struct jail jail;
	struct cgroup cgroup;
	struct hits hits;
	int plan;
	int listener;	/* -1: a private jail, or one that has ended */
	int lock;	/* of the account, for flock(2); -1 likewise */
	ino_t name_ino; /* of our socket in RUN_DIR */
	int signals;
	int log;
	pid_t init;
	struct commands commands;
	time_t started;
	int64_t idle_since_ms; /* when the last session ended; -1: in use */
	int64_t complained_ms; /* when complain() last said something */
	uint32_t n_unsaid;     /* and how often it did not since */
	size_t n_workers;
	size_t n_closers;
	struct peer *peers;
	struct pollfd *polls; /* FIRST_PEER more than peers */
	size_t n_peers;
};

/* Places in keeper.polls. */
enum {
	POLL_SIGNALS,
	POLL_LISTENER,
	POLL_HITS,
	FIRST_PEER = POLL_HITS + HITS_POLLS
};

static int64_t
now_ms(void)
{
	struct timespec now = { .tv_sec = 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- birth --------------------------------------------------------------- */

/* What everybody gets of descriptors, whatever PID 1 has: pam_limits(8). */
static void
bound_descriptors(struct rlimit *host)
{
	const rlim_t soft = 1024, hard = 524288;

	if (host->rlim_max > hard)
		host->rlim_max = hard;
	if (host->rlim_cur > soft)
		host->rlim_cur = soft;
}

/* In a container root may not raise them: then as near as they go. */
static int
set_limit(__rlimit_resource_t resource, const struct rlimit *wanted)
{
	struct rlimit limit;

	if (setrlimit(resource, wanted) == 0)
		return 0;
	if (errno != EPERM || getrlimit(resource, &limit) < 0)
		return -1;
	if (wanted->rlim_max < limit.rlim_max)
		limit.rlim_max = wanted->rlim_max;
	limit.rlim_cur = wanted->rlim_cur < limit.rlim_max ? wanted->rlim_cur
							   : limit.rlim_max;
	return setrlimit(resource, &limit);
}

/* The limits of the host's PID 1, instead of those of the login that happened
 * to come first. */
static int
reset_limits(struct err *err)
{
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		struct rlimit host;

		if (prlimit(1, (__rlimit_resource_t)i, NULL, &host) < 0)
			return err_errno(err, "get limits");
		if (i == RLIMIT_NOFILE)
			bound_descriptors(&host);
		if (i == RLIMIT_CORE)
			host.rlim_cur = 0; /* systemd(1) raises its own */
		if (set_limit((__rlimit_resource_t)i, &host) < 0)
			return err_errno(err, "set limits");
	}
	return 0;
}

static int
write_file(const char *path, const char *text, struct err *err)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return err_errno(err, "%s", path);
	return 0;
}

/*
 * The keeper belongs to no login, so its sessions do not inherit one: whose
 * they are is said by take_loginuid().  Kernels without audit have no such
 * file; where it may not be changed, it stays (auditctl(8),
 * --loginuid-immutable).
 */
static int
reset_loginuid(struct err *err)
{
	if (write_file("/proc/self/loginuid", "4294967295", err) == 0 ||
	    err->errnum == ENOENT || err->errnum == EPERM)
		return 0;
	return -1;
}

/* Timers and memory as everybody has them: fork(2) and execve(2) keep what
 * the caller chose. */
static int
reset_tuning(struct err *err)
{
	if (prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0) < 0 ||
	    prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0) < 0)
		return err_errno(err, "timer slack");
	if (syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0) < 0 &&
	    errno != ENOSYS)
		return err_errno(err, "memory policy");
	return 0;
}

/* Who called may have run with less than everybody gets, or with a session
 * keyring that holds keys. */
static int
reset_scheduling(struct err *err)
{
	const struct sched_param ordinary = { .sched_priority = 0 };
	cpu_set_t all;

	memset(&all, 0xff, sizeof(all)); /* the kernel takes what there is */
	if (sched_setscheduler(0, SCHED_OTHER, &ordinary) < 0 ||
	    sched_setaffinity(0, sizeof(all), &all) < 0 ||
	    setpriority(PRIO_PROCESS, 0, 0) < 0 ||
	    syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, 0) < 0)
		return err_errno(err, "scheduling");
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 &&
	    errno != ENOSYS)
		return err_errno(err, "session keyring");
	return 0;
}

/* Rule R1: set each, do not filter.  Some of it came from whoever called
 * su(1). */
static int
forget_caller(struct err *err)
{
	if (close_range(FD_PLAN, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return err_errno(err, "close_range");
	(void)umask(0);
	if (chdir("/") < 0)
		return err_errno(err, "chdir /");
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 ||
	    setresuid(0, 0, 0) < 0)
		return err_errno(err, "become root");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_errno(err, "PR_SET_DUMPABLE");
	if (personality(PER_LINUX) < 0)
		return err_errno(err, "personality");
	if (reset_loginuid(err) < 0 || reset_scheduling(err) < 0 ||
	    reset_tuning(err) < 0 ||
	    write_file("/proc/self/oom_score_adj", "0", err) < 0)
		return -1;
	return reset_limits(err);
}

/*
 * As fork(2), into the cgroup CGROUP, or the caller's if that is -1, and into
 * NAMESPACES.  If PIDFD is not NULL, the parent gets the child's there.
 */
static pid_t
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

	if (keeper->jail.plan.network == PLAN_NETWORK_NONE)
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

	if (commands_open(&keeper->jail.plan, commands, err) < 0)
		return -1;
	if (commands->listener < 0)
		return 0; /* this jail has none */
	commands->broker = fork_into(keeper->cgroup.keepers, 0, NULL);
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
	/* While PID 1 builds: no session needs it, and each would drop it. */
	if (jail_drop_bounding_set(err) < 0)
		return -1;
	return hear_init(keeper, ours, err);
}

static int
build(struct keeper *keeper, struct err *err)
{
	struct root_trees trees = ROOT_TREES_NONE;
	int ret = -1;

	if (start_broker(keeper, err) == 0 &&
	    root_trees_open(&keeper->jail.plan, &trees, err) == 0)
		ret = start_init(keeper, &trees, err);
	if (ret == 0)
		ret = commands_start(&keeper->commands, keeper->init, err);
	root_trees_close(&trees);
	return ret;
}

/* --- peers --------------------------------------------------------------- */

/* An event of this jail's. */
static void
begin_event(const struct keeper *keeper, struct log_event *event,
	    const char *name)
{
	const struct plan *const plan = &keeper->jail.plan;

	log_begin(event, name);
	if (plan->account == NULL)
		return; /* we have no plan */
	log_add(event, "user", plan->account);
	log_add_number(event, "uid", plan->uid);
	log_add(event, "jail", plan->jail);
}

/* Room for one peer more. */
static int
make_room(struct keeper *keeper, struct err *err)
{
	const size_t n = keeper->n_peers + 1;
	struct peer *const peers =
		reallocarray(keeper->peers, n, sizeof(*peers));
	struct pollfd *polls;

	if (peers == NULL)
		return err_errno(err, "memory");
	keeper->peers = peers;
	polls = reallocarray(keeper->polls, FIRST_PEER + n, sizeof(*polls));
	if (polls == NULL)
		return err_errno(err, "memory");
	keeper->polls = polls;
	return 0;
}

static int
add_peer(struct keeper *keeper, int *sock, struct err *err)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (make_room(keeper, err) < 0)
		return -1;
	if (getsockopt(*sock, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		return err_errno(err, "SO_PEERCRED");
	if (who.uid != 0 && who.uid != keeper->jail.plan.uid)
		return err_set(err, ERR_REFUSED, "uid %u is not of this jail",
			       who.uid);
	keeper->peers[keeper->n_peers++] = (struct peer){ .sock = fd_take(sock),
							  .uid = who.uid,
							  .pid = who.pid,
							  .entered = -1,
							  .since = time(NULL) };
	return 0;
}

/*
 * Closes what came from the account, which may take as long as the account
 * wants: SO_LINGER of a socket, close(2) of a file of its own file system
 * (fuse(4)), and those that are still in the queue of a connection.  So
 * another process does it, which shares our descriptors.
 */
static void
close_apart(struct keeper *keeper, int *fds, size_t n)
{
	/* Without SIGCHLD, bury() does not take it for a session. */
	const pid_t pid =
		n > 0 ? (pid_t)syscall(SYS_clone, CLONE_FILES, 0, 0, 0, 0) : -1;

	if (pid == 0) {
		(void)alarm(CLOSER_SECONDS);
		if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
			_exit(EXIT_FAILURE);
	}
	for (size_t i = 0; i < n; i++)
		if (pid <= 0)
			fd_close(&fds[i]);
		else
			fds[i] = -1;
	if (pid == 0)
		_exit(EXIT_SUCCESS);
	keeper->n_closers += pid > 0;
}

static void
bury_closers(struct keeper *keeper)
{
	while (keeper->n_closers > 0 &&
	       waitpid(-1, NULL, WNOHANG | (int)__WCLONE) > 0)
		keeper->n_closers--;
}

/*
 * Where the jail has limits, sshd's child is in the jail's cgroup and not in
 * its login's any more.  So when the login is ended from outside (loginctl,
 * kill), that would go on alone; when it ends by itself, there is no child.
 */
static void
drop_peer(struct keeper *keeper, size_t i)
{
	if (keeper->peers[i].entered >= 0)
		(void)pidfd_send_signal(keeper->peers[i].entered, SIGTERM, NULL,
					0);
	if (keeper->peers[i].uid != 0)
		close_apart(keeper, &keeper->peers[i].sock, 1);
	fd_close(&keeper->peers[i].sock);
	fd_close(&keeper->peers[i].entered);
	keeper->peers[i] = keeper->peers[--keeper->n_peers];
}

static size_t
count_leases(const struct keeper *keeper)
{
	size_t n = 0;

	for (size_t i = 0; i < keeper->n_peers; i++)
		n += keeper->peers[i].leases;
	return n;
}

static size_t
count_idle_users(const struct keeper *keeper)
{
	size_t n = 0;

	for (size_t i = 0; i < keeper->n_peers; i++)
		n += keeper->peers[i].uid != 0;
	return n;
}

/* Who may connect may do so in a loop: the log is not for that account to
 * fill. */
static void
complain(struct keeper *keeper, const struct err *err)
{
	const int64_t now = now_ms();
	struct log_event event;

	if (now - keeper->complained_ms < COMPLAIN_MS) {
		keeper->n_unsaid++;
		return;
	}
	begin_event(keeper, &event, "refuse");
	if (keeper->n_unsaid > 0)
		log_add_number(&event, "unsaid", keeper->n_unsaid);
	log_add_cause(&event, "connect", err);
	log_send(keeper->log, LOG_WARNING, "jail-keeper", &event);
	keeper->complained_ms = now;
	keeper->n_unsaid = 0;
}

/* Returns whether somebody came. */
static bool
accept_peer(struct keeper *keeper)
{
	cleanup_fd int sock = -1;
	struct err err;

	if (keeper->listener < 0)
		return false;
	sock = accept4(keeper->listener, NULL, NULL, SOCK_CLOEXEC);
	if (sock < 0)
		return false;
	if (add_peer(keeper, &sock, &err) < 0 ||
	    count_idle_users(keeper) > IDLE_PEERS_MAX) {
		if (sock < 0) { /* it was added already */
			(void)err_set(&err, ERR_REFUSED, "too many callers");
			drop_peer(keeper, keeper->n_peers - 1);
		}
		complain(keeper, &err);
	}
	return true;
}

static void
refuse_peer(int sock, const char *why)
{
	struct wire_msg msg = { .kind = WIRE_REFUSE };

	(void)snprintf(msg.text, sizeof(msg.text), "%s", why);
	wire_tell(sock, &msg);
}

/* Each answer returns whether the peer stays. */

static bool
answer_join(struct keeper *keeper, struct peer *peer)
{
	const int fds[] = { keeper->jail.init, keeper->plan,
			    keeper->cgroup.procs };
	const size_t n_fds = keeper->cgroup.procs >= 0 ? 3 : 2;
	struct wire_msg msg = { .kind = WIRE_GRANT,
				.root_dev = keeper->jail.root_dev,
				.root_ino = keeper->jail.root_ino };
	struct err err;

	if (count_leases(keeper) >= keeper->jail.plan.sessions) {
		refuse_peer(peer->sock, "too many sessions");
		return false;
	}
	hits_words(&keeper->hits, &keeper->jail.plan, msg.text,
		   sizeof(msg.text));
	if (wire_send(peer->sock, &msg, fds, n_fds, &err) < 0)
		return false;
	peer->leases = true;
	return true;
}

/* sshd's child is in the jail's namespaces, but not its PID 1's, and it may
 * not be in its cgroup: the end of both would leave it. */
static bool
note_entered(struct keeper *keeper, struct peer *peer,
	     const struct wire_msg *msg, struct wire_fds *fds)
{
	if (peer->entered >= 0 || fds->n != 1)
		return false;
	peer->entered = fd_take(&fds->fd[0]);
	if (msg->value != 0)
		hits_told(&keeper->hits);
	return true;
}

/* Once, and before anybody has entered: later the account may be the one who
 * says it. */
static bool
note_label(struct peer *peer, const struct wire_msg *msg)
{
	if (peer->label[0] != '\0' || peer->entered >= 0)
		return false;
	(void)snprintf(peer->label, sizeof(peer->label), "%.*s",
		       (int)sizeof(peer->label) - 1, msg->text);
	return true;
}

static bool
answer_leased(struct keeper *keeper, struct peer *peer,
	      const struct wire_msg *msg, struct wire_fds *fds)
{
	if (msg->kind == WIRE_LABEL)
		return note_label(peer, msg);
	return msg->kind == WIRE_ENTERED &&
	       note_entered(keeper, peer, msg, fds);
}

static bool
answer_session(const struct keeper *keeper, const struct peer *asker,
	       int32_t number)
{
	struct wire_msg msg = { .kind = WIRE_SESSION };
	struct err err;

	for (size_t i = 0; i < keeper->n_peers; i++) {
		const struct peer *const peer = &keeper->peers[i];

		if (!peer->leases || number-- > 0)
			continue;
		msg.value = peer->pid;
		msg.started = peer->since;
		(void)snprintf(msg.text, sizeof(msg.text), "%s", peer->label);
		return wire_send(asker->sock, &msg, NULL, 0, &err) == 0;
	}
	refuse_peer(asker->sock, "no more sessions");
	return false;
}

static bool
answer_status(const struct keeper *keeper, const struct peer *peer)
{
	struct share_use use;
	struct wire_msg msg = { .kind = WIRE_STATUS,
				.sessions = (uint32_t)count_leases(keeper),
				.init_pid = keeper->init,
				.started = keeper->started };
	struct err err;

	share_read_use(keeper->cgroup.jail, &use);
	msg.memory_bytes = use.memory_bytes;
	msg.pids = use.pids;
	return wire_send(peer->sock, &msg, &keeper->plan, 1, &err) == 0;
}

static bool
answer_run(struct keeper *keeper, const struct peer *peer,
	   const struct wire_msg *msg, struct wire_fds *fds)
{
	char note[sizeof(msg->text)];
	struct session session = { .jail = &keeper->jail,
				   .hits = &keeper->hits,
				   .note = note,
				   .sock = peer->sock,
				   .log = keeper->log,
				   .msg = msg,
				   .fds = fds };
	pid_t pid;

	if (keeper->n_workers >= keeper->jail.plan.sessions) {
		refuse_peer(peer->sock, "too many sessions");
		return false;
	}
	hits_words(&keeper->hits, &keeper->jail.plan, note, sizeof(note));
	hits_told(&keeper->hits);
	pid = fork_into(keeper->cgroup.jail, 0, NULL);
	if (pid == 0)
		session_main(&session);
	if (pid < 0)
		refuse_peer(peer->sock, "the jail cannot start a process");
	else
		keeper->n_workers++;
	return false; /* the child has the connection now */
}

static bool
answer_message(struct keeper *keeper, struct peer *peer, struct wire_fds *fds)
{
	const bool root = peer->uid == 0;
	struct wire_msg msg;
	struct err err;

	if (wire_recv(peer->sock, &msg, fds, &err) < 0)
		return false;
	if (msg.kind == WIRE_RUN)
		return answer_run(keeper, peer, &msg, fds);
	/* Whoever has joined may say this besides, and nothing else: the
	 * connection may be in a child of sshd's that is the account now. */
	if (peer->leases)
		return answer_leased(keeper, peer, &msg, fds);
	if (msg.kind == WIRE_JOIN && root)
		return answer_join(keeper, peer);
	if (msg.kind == WIRE_STATUS && root)
		return answer_status(keeper, peer);
	if (msg.kind == WIRE_SESSION && root)
		return answer_session(keeper, peer, msg.value);
	if (msg.kind == WIRE_STOP && root)
		(void)kill(keeper->init, SIGKILL);
	else
		refuse_peer(peer->sock, "not for you");
	return msg.kind == WIRE_STOP;
}

static bool
answer(struct keeper *keeper, struct peer *peer)
{
	cleanup_wire_fds struct wire_fds fds = WIRE_FDS_NONE;
	const bool stays = answer_message(keeper, peer, &fds);

	if (peer->uid != 0)
		close_apart(keeper, fds.fd, fds.n);
	return stays;
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
	return left > 1000000 ? 1000000 : (int)left;
}

static const char *
path_of_name(const struct plan *plan, char path[NAME_PATH_MAX])
{
	(void)snprintf(path, NAME_PATH_MAX, RUN_DIR "/%u/%s", plan->uid,
		       plan->jail);
	return path;
}

/* Takes the name away, so that the next login builds anew.  Only under the
 * lock, and only if it is ours still: who starts a jail while we end takes
 * the name over. */
static void
remove_name(struct keeper *keeper)
{
	const struct plan *const plan = &keeper->jail.plan;
	char path[NAME_PATH_MAX];
	struct stat st;

	if (keeper->lock < 0)
		return;
	if (lstat(path_of_name(plan, path), &st) == 0 &&
	    st.st_ino == keeper->name_ino)
		registry_remove(plan->uid, plan->jail);
	fd_close(&keeper->lock);
}

/*
 * Ends an idle jail, unless somebody is coming: whoever found no jail holds
 * the lock and will make one, whoever has connected is waiting in the queue.
 * Returns whether it is the end.
 */
static bool
may_end(struct keeper *keeper)
{
	if (keeper->lock < 0)
		return true;
	if (flock(keeper->lock, LOCK_EX | LOCK_NB) < 0)
		return false;
	if (accept_peer(keeper)) {
		(void)flock(keeper->lock, LOCK_UN);
		return false;
	}
	remove_name(keeper);
	return true;
}

/* The plan has allowed it: never without a word. */
static void
log_not_held(const struct keeper *keeper)
{
	const struct plan *const plan = &keeper->jail.plan;
	struct log_event event;
	char names[128];

	if (share_not_held(plan, keeper->cgroup.held, names, sizeof(names)) ==
	    0)
		return;
	begin_event(keeper, &event, "limit");
	log_add(&event, "not_held", names);
	log_add(&event, "cause", "no controller in cgroup version 2");
	log_send(keeper->log, LOG_WARNING, "jail-keeper", &event);
}

static void
log_life(const struct keeper *keeper, const char *name)
{
	struct log_event event;

	begin_event(keeper, &event, name);
	if (keeper->init > 0)
		log_add_number(&event, "init", keeper->init);
	log_send(keeper->log, LOG_INFO, "jail-keeper", &event);
}

/* Whoever asks it now hears nothing; the walls are the same. */
static void
lose_broker(struct keeper *keeper)
{
	keeper->commands.broker = 0; /* it may be a session's number next */
	log_life(keeper, "lost-broker");
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
	}
	return alive;
}

/* Waits until something happens.  Returns how many peers could be asked. */
static size_t
wait_for_events(struct keeper *keeper, int timeout_ms)
{
	struct pollfd *const polls = keeper->polls;
	const size_t n = keeper->n_peers;
	const bool busy = keeper->n_closers >= CLOSERS_MAX;

	if (keeper->n_closers > 0 &&
	    (timeout_ms < 0 || timeout_ms > CLOSER_POLL_MS))
		timeout_ms = CLOSER_POLL_MS;
	polls[POLL_SIGNALS] = (struct pollfd){ keeper->signals, POLLIN, 0 };
	polls[POLL_LISTENER] =
		(struct pollfd){ busy ? -1 : keeper->listener, POLLIN, 0 };
	hits_poll(&keeper->hits, &polls[POLL_HITS]);
	for (size_t i = 0; i < n; i++) {
		const struct peer *const peer = &keeper->peers[i];
		const bool heard = !busy || peer->uid == 0;

		polls[FIRST_PEER + i] =
			(struct pollfd){ heard ? peer->sock : -1, POLLIN, 0 };
	}
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
	return timeout_ms >= 0 && timeout_ms < left ? timeout_ms : (int)left;
}

static void
note_hits(struct keeper *keeper)
{
	const int64_t now = now_ms(), due = hits_due_ms(&keeper->hits);
	const struct pollfd *const polls = &keeper->polls[POLL_HITS];
	bool news = due >= 0 && due <= now;

	for (int i = 0; i < HITS_POLLS; i++)
		news |= polls[i].revents != 0;
	if (news)
		hits_note(&keeper->hits, &keeper->jail.plan, keeper->log, now);
}

/* Serves until the jail is at its end. */
static void
serve(struct keeper *keeper)
{
	for (;;) {
		int timeout_ms;
		size_t n;

		bury_closers(keeper);
		note_use(keeper);
		timeout_ms = time_left_ms(keeper);
		if (timeout_ms == 0 && may_end(keeper))
			return;
		if (timeout_ms == 0)
			timeout_ms = RETRY_MS;
		n = wait_for_events(
			keeper,
			sooner_ms(timeout_ms, hits_due_ms(&keeper->hits)));
		note_hits(keeper);
		if (keeper->polls[POLL_SIGNALS].revents != 0 && !bury(keeper))
			return;
		for (size_t i = n; i-- > 0;) /* drop_peer() moves the last */
			if (keeper->polls[FIRST_PEER + i].revents != 0 &&
			    !answer(keeper, &keeper->peers[i]))
				drop_peer(keeper, i);
		if (keeper->polls[POLL_LISTENER].revents != 0)
			(void)accept_peer(keeper);
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
		remove_name(keeper);
	fd_close(&keeper->listener);
	commands_close(&keeper->commands);
	(void)kill(keeper->init, SIGKILL);
	cgroup_kill(&keeper->cgroup);
	for (size_t i = 0; i < keeper->n_peers; i++)
		if (keeper->peers[i].entered >= 0)
			(void)pidfd_send_signal(keeper->peers[i].entered,
						SIGKILL, NULL, 0);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		continue;
	while (keeper->n_peers > 0)
		drop_peer(keeper, 0);
	cgroup_remove(keeper->jail.plan.uid, &keeper->cgroup);
	/* Who had the lock then may have started another jail. */
	if (keeper->lock >= 0 && flock(keeper->lock, LOCK_EX) == 0)
		remove_name(keeper);
	keeper->hits.next_line_ms = 0;
	hits_note(&keeper->hits, &keeper->jail.plan, keeper->log, now_ms());
	log_life(keeper, "close");
}

/* --- main ---------------------------------------------------------------- */

static int
prepare(struct keeper *keeper, struct err *err)
{
	keeper->log = log_open();
	if (forget_caller(err) < 0 ||
	    plan_open(FD_PLAN, &keeper->jail.plan, err) < 0)
		return -1;
	return cgroup_make(&keeper->jail.plan, &keeper->cgroup, err);
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

/* Who started us holds the lock, so the name is ours. */
static int
open_name(struct keeper *keeper, struct err *err)
{
	char path[NAME_PATH_MAX];
	struct stat st;

	if (fcntl(FD_LISTENER, F_SETFL, O_NONBLOCK) < 0)
		return err_errno(err, "listen");
	keeper->lock = registry_open_lock(keeper->jail.plan.uid, err);
	if (keeper->lock < 0)
		return -1;
	if (lstat(path_of_name(&keeper->jail.plan, path), &st) < 0)
		return err_errno(err, "%s", path);
	keeper->name_ino = st.st_ino;
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
	return keeper->listener < 0 ? 0 : open_name(keeper, err);
}

static int
fail(struct keeper *keeper, const struct err *err)
{
	struct wire_msg asked;
	struct log_event event;

	/* A socket that is closed with something unread in it loses our
	 * answer: unix(7), ECONNRESET. */
	(void)!recv(FD_FIRST, &asked, sizeof(asked), MSG_DONTWAIT);
	refuse_peer(FD_FIRST, err->text);
	begin_event(keeper, &event, "refuse");
	log_add_cause(&event, "build", err);
	log_send(keeper->log, LOG_ERR, "jail-keeper", &event);
	if (keeper->init > 0) {
		(void)kill(keeper->init, SIGKILL);
		(void)waitpid(keeper->init, NULL, 0);
	}
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
				 .listener = -1,
				 .lock = -1,
				 .signals = -1,
				 .log = -1,
				 .complained_ms = -COMPLAIN_MS,
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
	    add_peer(&keeper, &first, &err) < 0)
		return fail(&keeper, &err);
	keeper.started = time(NULL);
	log_life(&keeper, "open");
	log_not_held(&keeper);
	hits_open(keeper.cgroup.jail, &keeper.hits);
	serve(&keeper);
	end(&keeper);
	return EXIT_SUCCESS;
}
