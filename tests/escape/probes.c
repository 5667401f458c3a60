/* SPDX-License-Identifier: ISC */
/*
 * What an account can leave in its home for programs of the host's to run:
 * planted from inside, as the account, and taken away again.  For jailconf(8),
 * "check --live", which then looks where it was run, if anywhere.
 */
#include "escape.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where whoever is outside leaves a mark; the jail has no such directory. */
#define OUTSIDE "/run/jail-live."

enum { TEXT_SIZE = PATH_MAX + 256 };

/* The directories on the way to PATH: those that are missing are made, and
 * listed in the file "made", so that they can be taken away. */
static void
make_directories(const char *base, const char *path)
{
	char part[PATH_MAX], list[PATH_MAX];
	const char *slash = path;
	FILE *made;

	(void)snprintf(list, sizeof(list), "%s/made", base);
	made = fopen(list, "ae");
	while (made != NULL && (slash = strchr(slash + 1, '/')) != NULL) {
		(void)snprintf(part, sizeof(part), "%.*s", (int)(slash - path),
			       path);
		if (mkdir(part, 0755) == 0)
			(void)fprintf(made, "%s\n", part);
	}
	if (made != NULL)
		(void)fclose(made);
}

/* Writes a new file; what is there already stays as it is. */
static void
plant_file(const char *name, const char *path, const char *text)
{
	const int fd =
		open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0)
		(void)printf("n/a %s %s: %s\n", name, path, strerror(errno));
	else if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		(void)printf("n/a %s cannot be written\n", name);
	else
		(void)printf("planted %s\n", name);
	if (fd >= 0)
		close(fd);
}

static int
copy_self(const char *base)
{
	char path[PATH_MAX];
	struct stat st;
	int from, to;
	bool copied;

	(void)snprintf(path, sizeof(path), "%s/escape", base);
	from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	copied = from >= 0 && to >= 0 && fstat(from, &st) == 0 &&
		 sendfile(to, from, NULL, (size_t)st.st_size) == st.st_size;
	close(from);
	close(to);
	return copied ? 0 : -1;
}

static void
plant_unit(const char *nonce, const char *base)
{
	char path[PATH_MAX], link[PATH_MAX], text[TEXT_SIZE];
	const char dir[] = ".config/systemd/user";

	(void)snprintf(path, sizeof(path), "%s/jail-live.%s.service", dir,
		       nonce);
	(void)snprintf(link, sizeof(link),
		       "%s/default.target.wants/jail-live.%s.service", dir,
		       nonce);
	(void)snprintf(text, sizeof(text),
		       "[Service]\nType=oneshot\n"
		       "ExecStart=%%h/%s/escape --where %s unit\n",
		       base, nonce);
	make_directories(base, link);
	plant_file("unit", path, text);
	(void)snprintf(text, sizeof(text), "../jail-live.%s.service", nonce);
	(void)!symlink(text, link);
}

int
plant(const char *nonce)
{
	char base[64], text[TEXT_SIZE], home[PATH_MAX];
	const char *const user = getenv("USER");

	(void)snprintf(base, sizeof(base), ".jail-live.%s", nonce);
	if (getcwd(home, sizeof(home)) == NULL || mkdir(base, 0755) < 0 ||
	    copy_self(base) < 0) {
		(void)printf("n/a all %s in the home: %s\n", base,
			     strerror(errno));
		return 1;
	}
	for (const char *const *door =
		     (const char *const[]){ "exec", "su", "ssh", NULL };
	     *door != NULL; door++) {
		(void)snprintf(text, sizeof(text), "%s/work-%s", base, *door);
		(void)mkdir(text, 0700);
	}
	plant_unit(nonce, base);
	/* Mail that comes in meanwhile is delivered as well. */
	(void)snprintf(text, sizeof(text),
		       "\\%s, \"|%s/%s/escape --where %s forward\"\n",
		       user != NULL ? user : "", home, base, nonce);
	plant_file("forward", ".forward", text);
	/* ld.so(8) of whatever is run with this, outside, writes a file. */
	(void)snprintf(text, sizeof(text),
		       "LD_DEBUG DEFAULT=statistics\n"
		       "LD_DEBUG_OUTPUT DEFAULT=" OUTSIDE
		       "%s/out/environment\n",
		       nonce);
	plant_file("environment", ".pam_environment", text);
	return 0;
}

/* Removes the file if it is ours: the nonce is in it. */
static void
remove_ours(const char *path, const char *nonce)
{
	char text[4096];

	if (read_text(path, text, sizeof(text)) != NULL &&
	    strstr(text, nonce) != NULL)
		(void)unlink(path);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	(void)remove(path);
	return 0;
}

/* Directories that plant() had to make, the last one first. */
static void
remove_made(const char *base)
{
	char list[PATH_MAX], text[4096], *line;

	(void)snprintf(list, sizeof(list), "%s/made", base);
	if (read_text(list, text, sizeof(text)) == NULL)
		return;
	while (text[0] != '\0') {
		text[strlen(text) - 1] = '\0';
		line = strrchr(text, '\n');
		line = line == NULL ? text : line + 1;
		(void)rmdir(line);
		*line = '\0';
	}
}

/* What --where has left inside. */
static void
tell_ran(const char *base)
{
	DIR *const dir = opendir(base);
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (strncmp(entry->d_name, "ran-", 4) == 0)
			(void)printf("ran %s\n", entry->d_name + 4);
	if (dir != NULL)
		(void)closedir(dir);
}

int
unplant(const char *nonce)
{
	char base[64], path[PATH_MAX];

	(void)snprintf(base, sizeof(base), ".jail-live.%s", nonce);
	tell_ran(base);
	remove_ours(".forward", nonce);
	remove_ours(".pam_environment", nonce);
	(void)snprintf(path, sizeof(path),
		       ".config/systemd/user/default.target.wants/"
		       "jail-live.%s.service",
		       nonce);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path),
		       ".config/systemd/user/jail-live.%s.service", nonce);
	(void)unlink(path);
	remove_made(base);
	(void)nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	if (faccessat(AT_FDCWD, base, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		(void)printf("left %s\n", base);
	return 0;
}

/* Leaves a mark outside, if this is outside, else beside the program. */
int
tell_where(const char *nonce, const char *name)
{
	char path[PATH_MAX], exe[PATH_MAX], *slash;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), OUTSIDE "%s/out/%s", nonce, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd >= 0)
		return 0;
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	exe[n > 0 ? n : 0] = '\0';
	slash = strrchr(exe, '/');
	if (slash == NULL)
		return 1;
	*slash = '\0';
	(void)snprintf(path, sizeof(path), "%.3000s/ran-%.64s", exe, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	return fd < 0;
}
