/* SPDX-License-Identifier: ISC */
/* Who is connected, and what they ask for. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "keeper/keeper.h"
#include "keeper/session.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum {
	/* Connections of the account itself that have not asked for anything
	 * yet; more is somebody who wants to fill us up. */
	IDLE_PEERS_MAX = 16,
	/* Who is there keeps the jail, and has one of those places. */
	SILENCE_MS = 5000,
	COMPLAIN_MS = 1000, /* about callers, at most so often */
	/* Of the account's requests, whose lines would fill the log: so many a
	 * second, after as many as may be saved up. */
	LINE_MS = 20,
	SAVED_MS = 200 * LINE_MS,
	CLOSERS_MAX = 16, /* until they are less, no account is heard */
	CLOSER_SECONDS = 5,
	CLOSER_POLL_MS = 1000, /* their end is no event */
};

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

int
peers_add(struct keeper *keeper, int *sock, struct err *err)
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
							  .since = time(NULL),
							  .came_ms = now_ms() };
	return 0;
}

/* The child of close_apart(): waits until it holds the last copies, and ends.
 * What the end of a process closes waits for nobody, as close(2) may. */
static _Noreturn void
be_the_last(int parent_is_done)
{
	char byte;

	(void)alarm(CLOSER_SECONDS);
	_exit(read(parent_is_done, &byte, 1) == 0 ? EXIT_SUCCESS
						  : EXIT_FAILURE);
}

pid_t
keeper_fork_aside(struct keeper *keeper)
{
	/* Without SIGCHLD, bury() does not take it for a session. */
	const pid_t pid = (pid_t)syscall(SYS_clone, 0, 0, 0, 0, 0);

	if (pid == 0) {
		/* What others look at must not outlive the keeper. */
		fd_close(&keeper->listener);
		fd_close(&keeper->lock);
		fd_close(&keeper->commands.ours);
	}
	keeper->n_closers += pid > 0;
	return pid;
}

/*
 * Closes a connection of the account's, with what is in its queue, which may
 * take as long as the account wants: SO_LINGER of a socket.  So another process
 * has it, too, and its end closes it for good.
 */
static void
close_apart(struct keeper *keeper, int *sock)
{
	cleanup_fd int ours = -1, theirs = -1;
	int ends[2];
	pid_t pid = -1;

	if (pipe2(ends, O_CLOEXEC) == 0) {
		theirs = ends[0];
		ours = ends[1];
		pid = keeper_fork_aside(keeper);
	}
	if (pid == 0) {
		fd_close(&ours);
		be_the_last(theirs);
	}
	fd_close(sock);
}

void
peers_bury(struct keeper *keeper)
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
void
peers_drop(struct keeper *keeper, size_t i)
{
	if (keeper->peers[i].entered >= 0)
		(void)pidfd_send_signal(keeper->peers[i].entered, SIGTERM, NULL,
					0);
	if (keeper->peers[i].uid == 0)
		fd_close(&keeper->peers[i].sock);
	else
		close_apart(keeper, &keeper->peers[i].sock);
	fd_close(&keeper->peers[i].entered);
	times_release(&keeper->times, keeper->peers[i].timed);
	keeper->peers[i] = keeper->peers[--keeper->n_peers];
}

static bool
has_spoken(const struct peer *peer)
{
	char byte;

	return recv(peer->sock, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) >
	       0;
}

/* Accounts' callers never stay: what they ask for is another process's. */
void
peers_expire(struct keeper *keeper, int64_t now)
{
	for (size_t i = keeper->n_peers; i-- > 0 && !peers_busy(keeper);)
		if (keeper->peers[i].uid != 0 &&
		    now >= keeper->peers[i].came_ms + SILENCE_MS &&
		    !has_spoken(&keeper->peers[i]))
			peers_drop(keeper, i);
}

int64_t
peers_due_ms(const struct keeper *keeper)
{
	int64_t due = -1;

	for (size_t i = 0; i < keeper->n_peers && !peers_busy(keeper); i++) {
		const int64_t end = keeper->peers[i].came_ms + SILENCE_MS;

		if (keeper->peers[i].uid != 0 && (due < 0 || end < due))
			due = end;
	}
	return due;
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
	keeper_event(keeper, &event, "refuse");
	if (keeper->n_unsaid > 0)
		log_add_number(&event, "unsaid", keeper->n_unsaid);
	log_add_cause(&event, "connect", err);
	log_send(keeper->log, LOG_WARNING, "jail-keeper", &event);
	keeper->complained_ms = now;
	keeper->n_unsaid = 0;
}

/* Returns whether somebody came. */
bool
peers_accept(struct keeper *keeper)
{
	cleanup_fd int sock = -1;
	struct err err;

	if (keeper->listener < 0)
		return false;
	/* cppcheck-suppress nullPointer ; it may be told nothing */
	sock = accept4(keeper->listener, NULL, NULL, SOCK_CLOEXEC);
	if (sock < 0)
		return false;
	if (peers_add(keeper, &sock, &err) < 0 ||
	    count_idle_users(keeper) > IDLE_PEERS_MAX) {
		if (sock < 0) { /* it was added already */
			(void)err_set(&err, ERR_REFUSED, "too many callers");
			peers_drop(keeper, keeper->n_peers - 1);
		}
		complain(keeper, &err);
	}
	return true;
}

void
peers_refuse(int sock, const char *why)
{
	struct wire_msg msg = { .kind = WIRE_REFUSE };

	(void)snprintf(msg.text, sizeof(msg.text), "%s", why);
	wire_tell(sock, &msg);
}

/* Each answer returns whether the peer stays. */

/* Grants, and lets who comes in count for the session GROUP, if there is
 * one, else for the jail. */
static bool
grant(const struct keeper *keeper, const struct peer *peer,
      const struct times_group *group)
{
	const int procs =
		group->procs >= 0 ? group->procs : keeper->cgroup.procs;
	const int fds[] = { keeper->jail.init, keeper->plan, procs };
	const size_t n_fds = procs >= 0 ? 3 : 2;
	struct wire_msg msg = { .kind = WIRE_GRANT,
				.root_dev = keeper->jail.root_dev,
				.root_ino = keeper->jail.root_ino };
	struct err err;

	hits_words(&keeper->hits, &keeper->jail.plan, msg.text,
		   sizeof(msg.text));
	return wire_send(peer->sock, &msg, fds, n_fds, &err) == 0;
}

static bool
answer_join(struct keeper *keeper, struct peer *peer)
{
	struct times_group group;
	struct err err;

	if (count_leases(keeper) >= keeper->jail.plan.sessions) {
		peers_refuse(peer->sock, "too many sessions");
		return false;
	}
	if (times_begin(keeper, TIMES_OF_PEER, &group, &err) < 0) {
		peers_refuse(peer->sock, err.text);
		return false;
	}
	peer->timed = group.number; /* peers_drop() */
	peer->leases = grant(keeper, peer, &group);
	times_group_close(&group);
	return peer->leases;
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
	peers_refuse(asker->sock, "no more sessions");
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

/* Returns what fork(2) does, or -1 with *err. */
static pid_t
fork_session(struct keeper *keeper, const struct session *session,
	     struct err *err)
{
	struct times_group group;
	pid_t pid;

	if (times_begin(keeper, TIMES_OF_PROCESS, &group, err) < 0)
		return -1;
	pid = fork_into(group.dir >= 0 ? group.dir : keeper->cgroup.jail, 0,
			NULL);
	if (pid == 0) {
		/* What the account has sent may keep it longer than us. */
		fd_close(&keeper->listener);
		fd_close(&keeper->lock);
		fd_close(&keeper->commands.ours);
		session_main(session);
	}
	if (pid < 0) {
		/* The usual cause is the limit pids: fork(2), EAGAIN. */
		(void)err_errno(err, "the jail cannot start a process");
		times_touch(&keeper->times);
	}
	times_group_close(&group);
	return pid;
}

/*
 * Whether only root can have said what comes from PEER.  Where sshd's child has
 * entered, it has the connection, too, and is the account now.
 */
static bool
speaks_as_root(const struct peer *peer)
{
	return peer->uid == 0 && peer->entered < 0;
}

/* Whether the log has a line for what PEER asks for, which then counts those
 * that it has not. */
static bool
may_log(struct keeper *keeper, const struct peer *peer)
{
	const int64_t now = now_ms();

	if (speaks_as_root(peer))
		return true;
	if (keeper->paid_ms < now - SAVED_MS)
		keeper->paid_ms = now - SAVED_MS;
	if (keeper->paid_ms + LINE_MS > now) {
		keeper->n_unsaid++;
		return false;
	}
	keeper->paid_ms += LINE_MS;
	return true;
}

static bool
answer_run(struct keeper *keeper, const struct peer *peer)
{
	char note[sizeof((struct wire_msg *)NULL)->text];
	struct session session = { .jail = &keeper->jail,
				   .hits = &keeper->hits,
				   .note = note,
				   .sock = peer->sock,
				   .log = -1 };
	struct err err;

	if (keeper->n_workers >= keeper->jail.plan.sessions) {
		peers_refuse(peer->sock, "too many sessions");
		return false;
	}
	if (may_log(keeper, peer)) {
		session.log = keeper->log;
		session.unsaid = keeper->n_unsaid;
	}
	hits_words(&keeper->hits, &keeper->jail.plan, note, sizeof(note));
	hits_told(&keeper->hits);
	if (fork_session(keeper, &session, &err) < 0) {
		complain(keeper, &err);
		peers_refuse(peer->sock, err.text);
		return false;
	}
	if (session.log >= 0)
		keeper->n_unsaid = 0; /* it says so */
	keeper->n_workers++;
	return false; /* the child has the connection now */
}

static bool
answer_root(struct keeper *keeper, struct peer *peer)
{
	cleanup_wire_fds struct wire_fds fds = WIRE_FDS_NONE;
	struct wire_msg msg;
	struct err err;

	if (wire_recv(peer->sock, &msg, &fds, &err) < 0) {
		if (err.kind == ERR_UNSAFE)
			peers_refuse(peer->sock, err.text);
		return false;
	}
	/* Whoever has joined may say this besides, and nothing else. */
	if (peer->leases)
		return answer_leased(keeper, peer, &msg, &fds);
	switch (msg.kind) {
	case WIRE_JOIN:
		return answer_join(keeper, peer);
	case WIRE_STATUS:
		return answer_status(keeper, peer);
	case WIRE_SESSION:
		return answer_session(keeper, peer, msg.value);
	case WIRE_STOP:
		keeper->stopped = true;
		return true; /* it hears the end */
	default:
		peers_refuse(peer->sock, "not for you");
		return false;
	}
}

/*
 * Tells a caller of the account's, and reads what it said, or it would not get
 * the answer: unix(7), ECONNRESET.  That closes what came along, so it is for
 * another process to do.
 */
static void
refuse_apart(struct keeper *keeper, int sock)
{
	struct wire_msg said;

	if (keeper_fork_aside(keeper) != 0)
		return;
	(void)alarm(CLOSER_SECONDS);
	peers_refuse(sock, "not for you");
	(void)!recv(sock, &said, sizeof(said), MSG_DONTWAIT);
	_exit(EXIT_SUCCESS);
}

/*
 * No descriptor of the account's is ever taken here.  Each close(2) of a file
 * of its own file system, fuse(4), lasts as long as the account wants, and no
 * signal ends it.  So what is to be run is heard by who runs it.
 */
bool
peers_answer(struct keeper *keeper, struct peer *peer)
{
	struct wire_msg msg;
	struct err err;

	if (wire_peek(peer->sock, &msg, &err) < 0) {
		if (err.kind != ERR_UNSAFE)
			return false;
		msg.kind = 0; /* it is told: root why, the account that */
	}
	if (msg.kind == WIRE_RUN)
		return answer_run(keeper, peer);
	if (speaks_as_root(peer))
		return answer_root(keeper, peer);
	refuse_apart(keeper, peer->sock);
	return false;
}

/* The next word of a session that has joined; nothing is begun any more. */
static bool
hear_last(struct keeper *keeper, struct peer *peer)
{
	cleanup_wire_fds struct wire_fds fds = WIRE_FDS_NONE;
	struct pollfd said = { .fd = peer->sock, .events = POLLIN };
	struct wire_msg msg;
	struct err err;

	return poll(&said, 1, 0) > 0 &&
	       wire_recv(peer->sock, &msg, &fds, &err) == 0 &&
	       answer_leased(keeper, peer, &msg, &fds);
}

void
peers_kill_entered(struct keeper *keeper)
{
	for (size_t i = 0; i < keeper->n_peers; i++) {
		struct peer *const peer = &keeper->peers[i];

		while (peer->leases && peer->entered < 0 &&
		       hear_last(keeper, peer))
			continue;
		if (peer->entered >= 0)
			(void)pidfd_send_signal(peer->entered, SIGKILL, NULL,
						0);
	}
}

bool
peers_busy(const struct keeper *keeper)
{
	return keeper->n_closers >= CLOSERS_MAX;
}

int
peers_wait_ms(const struct keeper *keeper, int timeout_ms)
{
	if (keeper->n_closers > 0 &&
	    (timeout_ms < 0 || timeout_ms > CLOSER_POLL_MS))
		return CLOSER_POLL_MS;
	return timeout_ms;
}

void
peers_poll(const struct keeper *keeper)
{
	const bool busy = peers_busy(keeper);

	for (size_t i = 0; i < keeper->n_peers; i++) {
		const struct peer *const peer = &keeper->peers[i];
		const bool heard = !busy || peer->uid == 0;

		keeper->polls[FIRST_PEER + i] =
			(struct pollfd){ heard ? peer->sock : -1, POLLIN, 0 };
	}
}
