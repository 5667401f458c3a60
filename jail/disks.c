/* SPDX-License-Identifier: ISC */
#include "jail/disks.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* Reads the number of a disk from the file PATH below the directory DIR; false
 * if there is no such file. */
static bool
read_number(int dir, const char *path, struct disk *disk)
{
	cleanup_fd int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	const ssize_t n =
		fd < 0 ? -1 : read(fd, disk->number, sizeof(disk->number) - 1);

	disk->number[n > 0 ? n : 0] = '\0';
	disk->number[strcspn(disk->number, "\n")] = '\0';
	return disk->number[0] != '\0';
}

/* Whether the file PATH below DIR has a line that begins with BEGIN and has
 * WORD. */
static bool
has_line(int dir, const char *path, const char *begin, const char *word)
{
	cleanup_fd int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	char text[16384], *rest = text, *line;
	const ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL)
		if (strncmp(line, begin, strlen(begin)) == 0 &&
		    strstr(line, word) != NULL)
			return true;
	return false;
}

bool
disks_weigh(int hierarchy, const struct disk *disk)
{
	char path[64], begin[sizeof(disk->number) + 1];

	if (disk->number[0] == '\0')
		return false;
	(void)snprintf(path, sizeof(path), "/sys/dev/block/%s/queue/scheduler",
		       disk->number);
	(void)snprintf(begin, sizeof(begin), "%s ", disk->number);
	return has_line(AT_FDCWD, path, "", "[bfq]") ||
	       has_line(hierarchy, "io.cost.qos", begin, "enable=1");
}

/* What the host has where the account's home is inside. */
static const char *
home_of(const struct plan *plan)
{
	for (size_t i = plan->n_entries; i-- > 0;)
		if (plan->entries[i].kind == ENTRY_BIND &&
		    strcmp(plan->entries[i].target, plan->home) == 0)
			return plan->entries[i].text;
	return NULL;
}

void
disks_find_home(const struct plan *plan, struct disk *disk)
{
	const char *const home = home_of(plan);
	cleanup_fd int device = -1;
	char path[64];
	struct stat st;

	disk->number[0] = '\0';
	if (home == NULL || lstat(home, &st) < 0)
		return;
	(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u",
		       major(st.st_dev), minor(st.st_dev));
	device = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (device < 0)
		return;
	/* A part of a disk is a directory in that of the disk. */
	(void)read_number(
		device,
		faccessat(device, "partition", F_OK, 0) == 0 ? "../dev" : "dev",
		disk);
}

/* Whether the kernel limits DISK so.  It says no in many ways. */
static bool
set_one(int max, const struct disk *disk, const char *key, const char *value)
{
	char line[96];
	const int n = snprintf(line, sizeof(line), "%s %s=%s", disk->number,
			       key, value);

	return write(max, line, (size_t)n) == n;
}

int
disks_set(int dir, const char *key, const char *value, const struct disk *must,
	  struct err *err)
{
	cleanup_fd int max = openat(dir, "io.max", O_WRONLY | O_CLOEXEC);
	DIR *disks;
	const struct dirent *entry;
	int done = 0;

	if (max < 0 && errno == ENOENT)
		return 0;
	disks = max < 0 ? NULL : opendir("/sys/block");
	if (disks == NULL)
		return err_errno(err, "limit disks");
	for (errno = 0; (entry = readdir(disks)) != NULL; errno = 0) {
		struct disk disk;
		char path[NAME_MAX + sizeof("/dev")];

		(void)snprintf(path, sizeof(path), "%s/dev", entry->d_name);
		if (entry->d_name[0] != '.' &&
		    read_number(dirfd(disks), path, &disk) &&
		    set_one(max, &disk, key, value) &&
		    (must == NULL || strcmp(must->number, disk.number) == 0))
			done = 1;
	}
	if (errno != 0)
		done = err_errno(err, "limit disks");
	(void)closedir(disks);
	return done;
}
