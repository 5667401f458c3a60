/* SPDX-License-Identifier: ISC */
#include "keeper/tool.h"

#include "base/cleanup.h"
#include "base/seal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>

enum {
	PATIENCE_S = 10, /* for what takes some milliseconds */
	STATUS_NO_START = 127,
};

/* In the child: our own words, where the tool's would be. */
static _Noreturn void
give_up(const struct err *err)
{
	(void)!write(STDERR_FILENO, err->text, strlen(err->text));
	_exit(STATUS_NO_START);
}

static _Noreturn void
become_tool(const struct tool *tool, int input, int output)
{
	char *const argv[] = { strdup(tool->path), strdup(tool->options[0]),
			       strdup(tool->options[1]), NULL };
	char *const env[] = { NULL };
	struct err err;

	/* dup2(2), because these three are for the tool. */
	if (dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
	    dup2(output, STDERR_FILENO) < 0 || argv[0] == NULL ||
	    argv[1] == NULL || argv[2] == NULL)
		_exit(STATUS_NO_START);
	if (tool->prepare != NULL && tool->prepare(tool->arg, &err) < 0)
		give_up(&err);
	if (close_range(STDERR_FILENO + 1, ~0U, 0) < 0)
		_exit(STATUS_NO_START);
	(void)alarm(PATIENCE_S); /* which execve(2) keeps */
	(void)execve(tool->path, argv, env);
	(void)err_errno(&err, "run %s", tool->path);
	give_up(&err);
}

/* Reads until nobody writes any more; what does not fit is lost. */
static void
hear(int fd, char *text, size_t size)
{
	size_t used = 0;
	char rest[256];

	for (;;) {
		const bool full = used + 1 >= size;
		/* cppcheck-suppress legacyUninitvar ; read(2) fills it */
		const ssize_t n = read(fd, full ? rest : text + used,
				       full ? sizeof(rest) : size - used - 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		used += full ? 0 : (size_t)n;
	}
	text[used] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

static int
judge(const struct tool *tool, int status, const char *said, struct err *err)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == STATUS_NO_START)
		return err_set(err, ERR_SYSTEM, "%s (Debian: the package %s)",
			       said[0] != '\0' ? said : "no process",
			       tool->package);
	if (WIFSIGNALED(status))
		return err_set(err, ERR_SYSTEM, "%s: ended by signal %d: %s",
			       tool->path, WTERMSIG(status), said);
	return err_set(err, ERR_SYSTEM, "%s: %s", tool->path, said);
}

int
tool_run(const struct tool *tool, const char *input, struct err *err)
{
	cleanup_fd int in = seal_bytes("input", input, strlen(input), err);
	cleanup_fd int from = -1, to = -1;
	int pair[2], status = 0;
	char said[256];
	pid_t pid;

	if (in < 0)
		return -1;
	if (lseek(in, 0, SEEK_SET) < 0 || pipe2(pair, O_CLOEXEC) < 0)
		return err_errno(err, "run %s", tool->path);
	from = pair[0];
	to = pair[1];
	pid = fork();
	if (pid < 0)
		return err_errno(err, "fork");
	if (pid == 0)
		become_tool(tool, in, to);
	fd_close(&to);
	hear(from, said, sizeof(said));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(err, "wait for %s", tool->path);
	return judge(tool, status, said, err);
}
