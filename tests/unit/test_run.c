/* SPDX-License-Identifier: ISC */
#include "base/cleanup.h"
#include "base/seal.h"
#include "jail/run.h"
#include "test.h"

#include <signal.h>
#include <sys/wait.h>

static const char *argv[] = { "-jailsh", "-c", "echo \"$1\" 'x'", "", NULL };
static const char *env[] = { "TERM=vt100", "EMPTY=", "A=b=c", NULL };

static struct run_request
sample(void)
{
	return (struct run_request){ .argv = argv,
				     .argc = N_ROWS(argv) - 1,
				     .env = env,
				     .n_env = N_ROWS(env) - 1,
				     .cwd = "/tmp",
				     .umask = 0123,
				     .command = true };
}

static struct plan
sample_plan(void)
{
	static const char *plan_env[] = { "EDITOR=vi" };
	static const char *keep[] = { "TERM", "LC_*" };

	return (struct plan){ .uid = 20001,
			      .name = "work",
			      .home = "/home/alice",
			      .shell = "/bin/sh",
			      .env = plan_env,
			      .n_env = 1,
			      .env_keep = keep,
			      .n_env_keep = N_ROWS(keep),
			      .umask = 027 };
}

static void
a_request_arrives_as_it_was_made(void **state)
{
	const struct run_request request = sample();
	struct run_request got;
	struct err err = { .text = "" };
	cleanup_fd int fd = run_request_seal(&request, &err);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(run_request_open(fd, &got, &err), 0);
	assert_int_equal(got.argc, request.argc);
	for (size_t i = 0; i < got.argc; i++)
		assert_string_equal(got.argv[i], argv[i]);
	assert_null(got.argv[got.argc]);
	assert_int_equal(got.n_env, request.n_env);
	for (size_t i = 0; i < got.n_env; i++)
		assert_string_equal(got.env[i], env[i]);
	assert_string_equal(got.cwd, "/tmp");
	assert_int_equal(got.umask, 0123);
	assert_true(got.command);
	run_request_free(&got);
}

static void
a_damaged_request_does_no_harm(void **state)
{
	static const unsigned char masks[] = { 0xff, 0x01, 0x80 };
	const struct run_request request = sample();
	struct run_request got;
	unsigned char bytes[1000] = { 0 };
	struct err err = { .text = "" };
	cleanup_fd int fd = run_request_seal(&request, &err);
	const ssize_t size = pread(fd, bytes, sizeof(bytes), 0);

	(void)state;
	assert_in_range(size, 100, sizeof(bytes));
	for (size_t n = 0; n < (size_t)size; n++) {
		cleanup_fd int cut = seal_bytes("x", bytes, n, &err);

		assert_int_equal(run_request_open(cut, &got, &err), -1);
		assert_string_equal(err.text, "request: damaged");
		assert_null(got.arena.chunks);
	}
	for (size_t i = 0; i < (size_t)size * N_ROWS(masks); i++) {
		const size_t at = i / N_ROWS(masks);
		cleanup_fd int bad = -1;

		bytes[at] ^= masks[i % N_ROWS(masks)];
		bad = seal_bytes("x", bytes, (size_t)size, &err);
		if (run_request_open(bad, &got, &err) == 0) {
			assert_true(got.argc > 0);
			assert_null(got.argv[got.argc]);
			run_request_free(&got);
		}
		bytes[at] ^= masks[i % N_ROWS(masks)];
	}
}

static void
a_request_for_nothing_is_refused(void **state)
{
	struct run_request request = sample(), got;
	struct err err = { .text = "" };
	cleanup_fd int fd = -1;

	(void)state;
	request.argc = 0;
	fd = run_request_seal(&request, &err);
	assert_int_equal(run_request_open(fd, &got, &err), -1);
	assert_int_equal(err.kind, ERR_UNSAFE);
	assert_int_equal(run_request_open(-1, &got, &err), -1);
	assert_string_equal(err.text, "request: not a sealed memfd");
}

static void
a_shell_is_called_by_the_name_of_its_file(void **state)
{
	static const struct {
		const char *shell;
		const char *argv0;
		const char *renamed;
	} cases[] = {
		{ "/bin/bash", "-jailsh", "-bash" },
		{ "/bin/bash", "jailsh", "bash" },
		{ "/bin/bash", "/usr/sbin/jailsh", "bash" },
		{ "/bin/bash", "", "bash" },
		{ "bash", "-", "-bash" },
	};

	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++) {
		char argv0[] = "/usr/sbin/jailsh";
		char *renamed[] = { argv0, NULL };
		struct err err;

		(void)strcpy(argv0, cases[i].argv0);
		assert_int_equal(
			run_rename_shell(cases[i].shell, renamed, &err), 0);
		assert_string_equal(renamed[0], cases[i].renamed);
		free(renamed[0]);
	}
}

/* What COMMAND prints when it is run after REQUEST and PLAN. */
static void
run_and_read(const struct run_request *request, const struct plan *plan,
	     char *out, size_t size)
{
	int pipes[2], status;
	size_t used = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct err err = { .text = "" };

		(void)dup2(pipes[1], STDOUT_FILENO);
		run_exec(request, plan, &err);
		(void)dprintf(STDOUT_FILENO, "%d %d %s", (int)err.kind,
			      err.errnum, err.text);
		_exit(1);
	}
	(void)close(pipes[1]);
	while ((n = read(pipes[0], out + used, size - 1 - used)) > 0)
		used += (size_t)n;
	out[used] = '\0';
	(void)close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void
the_environment_is_made_new(void **state)
{
	static const char *hostile[] = {
		"TERM=vt100",
		"LC_ALL=C",
		"LANG=C",
		"PATH=/evil",
		"LD_PRELOAD=x",
		"EDITOR=evil",
		"HOME=/evil",
		"TERM",
		"=TERM",
		"TERMX=no",
		"XTERM=no",
		"LC_",
		"SHELL=/evil",
		"USER=root",
		"XDG_RUNTIME_DIR=/evil",
		"TERM\nX=inject",
		"",
	};
	static const char *command[] = { "env", NULL };
	const struct run_request request = { .argv = command,
					     .argc = 1,
					     .env = hostile,
					     .n_env = N_ROWS(hostile),
					     .cwd = "/",
					     .command = true };
	const struct plan plan = sample_plan();
	char out[4000];

	(void)state;
	(void)setenv("OURS", "must not be seen", 1);
	run_and_read(&request, &plan, out, sizeof(out));
	assert_string_equal(out,
			    "TERM=vt100\nLC_ALL=C\nHOME=/home/alice\n"
			    "USER=work\nLOGNAME=work\nSHELL=/bin/sh\n"
			    "PATH=/usr/local/bin:/usr/bin:/bin:"
			    "/usr/local/games:/usr/games\n"
			    "XDG_RUNTIME_DIR=/run/user/20001\nEDITOR=vi\n");
}

static void
it_starts_where_it_was_asked_to_or_at_home(void **state)
{
	static const struct {
		const char *cwd, *home, *pwd;
	} cases[] = {
		{ "/tmp", "/home/alice", "/tmp\n0027\n" },
		{ "", "/home/alice", "/home/alice\n0027\n" },
		{ "/gone", "/home/alice", "/home/alice\n0027\n" },
		{ "/gone", "/gone/too", "/\n0027\n" },
		{ "", "/dev/null", "/\n0027\n" },
	};
	static const char *command[] = { "sh", "-c", "pwd; umask", NULL };

	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++) {
		const struct run_request request = { .argv = command,
						     .argc = 3,
						     .cwd = cases[i].cwd,
						     .command = true };
		struct plan plan = sample_plan();
		char out[200];

		plan.home = cases[i].home;
		run_and_read(&request, &plan, out, sizeof(out));
		assert_string_equal(out, cases[i].pwd);
	}
}

static void
the_shell_gets_its_arguments_as_they_are(void **state)
{
	static const char *line[] = { "-jailsh", "-c",	 "echo \"$0|$1|$2|$#\"",
				      "zero",	 "a  b", "$(id) `id` *",
				      NULL };
	const struct run_request request = { .argv = line,
					     .argc = 6,
					     .cwd = "" };
	const struct plan plan = sample_plan();
	char out[200];

	(void)state;
	run_and_read(&request, &plan, out, sizeof(out));
	assert_string_equal(out, "zero|a  b|$(id) `id` *|2\n");
}

static void
what_cannot_be_run_is_told(void **state)
{
	static const struct {
		const char *shell;
		bool command;
		const char *said;
	} cases[] = {
		{ "/bin/sh", true, "1 2 not-there: No such file or directory" },
		{ "/gone/sh", false,
		  "1 2 /gone/sh: No such file or directory" },
		{ "/etc/passwd", false, "1 13 /etc/passwd: Permission denied" },
	};
	static const char *command[] = { "not-there", NULL };

	(void)state;
	for (size_t i = 0; i < N_ROWS(cases); i++) {
		const struct run_request request = { .argv = command,
						     .argc = 1,
						     .cwd = "",
						     .command =
							     cases[i].command };
		struct plan plan = sample_plan();
		char out[200];

		plan.shell = cases[i].shell;
		run_and_read(&request, &plan, out, sizeof(out));
		assert_string_equal(out, cases[i].said);
	}
}

static void
it_ends_the_way_the_session_did(void **state)
{
	static const int statuses[] = {
		W_EXITCODE(0, 0),	W_EXITCODE(1, 0),
		W_EXITCODE(255, 0),	W_EXITCODE(0, SIGTERM),
		W_EXITCODE(0, SIGKILL), W_EXITCODE(0, SIGHUP),
		W_EXITCODE(0, SIGSEGV), W_EXITCODE(0, SIGSEGV) | WCOREFLAG,
	};

	(void)state;
	for (size_t i = 0; i < N_ROWS(statuses); i++) {
		const pid_t pid = fork();
		int status;

		assert_true(pid >= 0);
		if (pid == 0) {
			(void)signal(SIGTERM, SIG_IGN);
			run_end_like(statuses[i]);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, statuses[i] & ~WCOREFLAG);
	}
}

static void
a_closed_standard_descriptor_is_noticed(void **state)
{
	(void)state;
	for (int fd = 0; fd < 3; fd++) {
		struct err err = { .text = "" };
		cleanup_fd int saved = fcntl(fd, F_DUPFD_CLOEXEC, 10);
		char wanted[64];
		int ret;

		assert_int_equal(run_check_stdio(&err), 0);
		(void)close(fd);
		ret = run_check_stdio(&err);
		(void)dup2(saved, fd);
		assert_int_equal(ret, -1);
		(void)snprintf(wanted, sizeof(wanted),
			       "descriptor %d: Bad file descriptor", fd);
		assert_string_equal(err.text, wanted);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_arrives_as_it_was_made),
		cmocka_unit_test(a_damaged_request_does_no_harm),
		cmocka_unit_test(a_request_for_nothing_is_refused),
		cmocka_unit_test(a_shell_is_called_by_the_name_of_its_file),
		cmocka_unit_test(the_environment_is_made_new),
		cmocka_unit_test(it_starts_where_it_was_asked_to_or_at_home),
		cmocka_unit_test(the_shell_gets_its_arguments_as_they_are),
		cmocka_unit_test(what_cannot_be_run_is_told),
		cmocka_unit_test(it_ends_the_way_the_session_did),
		cmocka_unit_test(a_closed_standard_descriptor_is_noticed),
	};

	require_world();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
