/* SPDX-License-Identifier: ISC */
/*
 * jail-broker - runs a few commands of the host's for one jail
 *
 * Started by jail-keeper(8), as root, with three descriptors:
 *	3  the plan, a sealed memfd
 *	4  the socket on which it answers; it has its name inside the jail, and
 *	   none on the host
 *	5  a connection to the keeper: the pid of the jail's PID 1 comes when
 *	   the jail is ready, and the end when it ends
 *
 * Each connection gets a process of its own (broker/request.c), a few at a
 * time.  This one reads nothing that the account has written.
 */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "broker/request.h"
#include "jail/run.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum {
	FD_PLAN = 3,
	FD_LISTENER = 4,
	FD_KEEPER = 5,
	REQUESTS_MAX = 8, /* at a time; others wait in the socket's queue */
	/* Each is a line of the host's log, which is not for the account to
	 * fill: ten in a second, and 100 at once. */
	PRICE_MS = 100,
	CREDIT_MS = 100 * PRICE_MS,
	/* More than GOODBYE_MS of request.c, less than the keeper waits. */
	END_MS = 3000,
};

struct broker {
	struct plan plan;
	struct stat inside; /* of the jail's pid namespace */
	int namespace;	    /* held, so that no other has its number */
	int signals;
	int log;
	unsigned int n_requests;
	int64_t paid_ms; /* all of them, at their price, have used up until */
};

/* Whoever called pam_jail(8) may have ignored some. */
static int
reset_signals(struct broker *broker, struct err *err)
{
	sigset_t child;

	for (int sig = 1; sig < NSIG; sig++)
		if (sig != SIGKILL && sig != SIGSTOP &&
		    signal(sig, SIG_DFL) == SIG_ERR && errno != EINVAL)
			return err_errno(err, "signal %d", sig);
	(void)sigemptyset(&child);
	(void)sigaddset(&child, SIGCHLD);
	if (sigprocmask(SIG_SETMASK, &child, NULL) < 0)
		return err_errno(err, "sigprocmask");
	broker->signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	return broker->signals < 0 ? err_errno(err, "signalfd") : 0;
}

static int
prepare(struct broker *broker, struct err *err)
{
	if (close_range(FD_PLAN, FD_KEEPER, CLOSE_RANGE_CLOEXEC) < 0 ||
	    close_range(FD_KEEPER + 1, ~0U, 0) < 0)
		return err_errno(err, "close_range");
	if (run_check_stdio(err) < 0)
		return -1;
	(void)umask(022);
	broker->log = log_open();
	if (plan_open(FD_PLAN, &broker->plan, err) < 0)
		return -1;
	if (chdir("/") < 0)
		return err_errno(err, "chdir /");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_errno(err, "PR_SET_DUMPABLE");
	return reset_signals(broker, err);
}

/* Waits for the jail.  Returns 0; 1 if there will be none; or -1. */
static int
find_jail(struct broker *broker, struct err *err)
{
	char path[32];
	pid_t init;

	if (recv(FD_KEEPER, &init, sizeof(init), 0) != (ssize_t)sizeof(init))
		return 1;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/pid", init);
	broker->namespace = open(path, O_RDONLY | O_CLOEXEC);
	if (broker->namespace < 0 ||
	    fstat(broker->namespace, &broker->inside) < 0)
		return err_errno(err, "the jail's PID 1");
	return 0;
}

static void
accept_request(struct broker *broker)
{
	/* cppcheck-suppress nullPointer ; it may be told nothing */
	cleanup_fd int sock = accept4(FD_LISTENER, NULL, NULL, SOCK_CLOEXEC);
	const struct request request = { .plan = &broker->plan,
					 .inside = &broker->inside,
					 .sock = sock,
					 .keeper = FD_KEEPER,
					 .log = broker->log };
	pid_t pid;

	if (sock < 0)
		return;
	pid = fork();
	if (pid == 0) {
		if (close(FD_LISTENER) < 0)
			_exit(1);
		request_main(&request);
	}
	if (pid > 0)
		broker->n_requests++;
	if (broker->paid_ms < now_ms())
		broker->paid_ms = now_ms();
	broker->paid_ms += PRICE_MS;
}

/* Until one more can be paid. */
static int
wait_ms(const struct broker *broker)
{
	const int64_t left = broker->paid_ms - now_ms() - CREDIT_MS;

	return left > 0 ? (int)left : 0;
}

static void
bury(struct broker *broker)
{
	struct signalfd_siginfo info;

	(void)!read(broker->signals, &info, sizeof(info));
	while (waitpid(-1, NULL, WNOHANG) > 0)
		broker->n_requests--;
}

/* What runs for the jail ends with it: request.c hears of that as well. */
static void
wait_for_requests(struct broker *broker)
{
	const int64_t until_ms = now_ms() + END_MS;
	struct pollfd signals = { .fd = broker->signals, .events = POLLIN };
	int64_t left_ms;

	for (;;) {
		bury(broker);
		left_ms = until_ms - now_ms();
		if (broker->n_requests == 0 || left_ms <= 0)
			return;
		(void)poll(&signals, 1, (int)left_ms);
	}
}

/* Serves until the jail ends, or the keeper is gone. */
static void
serve(struct broker *broker)
{
	struct pollfd fds[] = { { .fd = FD_KEEPER, .events = POLLIN },
				{ .fd = broker->signals, .events = POLLIN },
				{ .fd = FD_LISTENER, .events = POLLIN } };

	for (;;) {
		const bool full = broker->n_requests >= REQUESTS_MAX;
		const int left_ms = wait_ms(broker);

		fds[2].fd = full || left_ms > 0 ? -1 : FD_LISTENER;
		fds[2].revents = 0;
		if (poll(fds, 3, left_ms > 0 ? left_ms : -1) < 0)
			continue;
		if (fds[0].revents != 0)
			break;
		if (fds[1].revents != 0)
			bury(broker);
		if (fds[2].revents != 0)
			accept_request(broker);
	}
	wait_for_requests(broker);
}

int
main(void)
{
	struct broker broker = { .namespace = -1, .signals = -1, .log = -1 };
	struct log_event event;
	struct err err;
	int ret;

	if (getuid() != 0 || geteuid() != 0)
		return EXIT_FAILURE;
	ret = prepare(&broker, &err) < 0 ? -1 : find_jail(&broker, &err);
	if (ret < 0) {
		log_begin(&event, "refuse");
		log_add(&event, "user", broker.plan.account);
		log_add_cause(&event, "start", &err);
		log_send(broker.log, LOG_ERR, "jail-broker", &event);
		return EXIT_FAILURE;
	}
	if (ret == 0)
		serve(&broker);
	return EXIT_SUCCESS;
}
