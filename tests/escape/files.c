/* SPDX-License-Identifier: ISC */
/* Paths, links, handles and events that lead to files of the host. */
#include "escape.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A path of the host's that every account may read there. */
static void
read_planted(const char *key)
{
	const char *const path = require_hint(key);

	if (secret_at(AT_FDCWD, path))
		escaped("read %s", path);
	contained("%s: %s", path, strerror(errno));
}

static void
read_shadow(const char *path)
{
	char text[65536];
	const char *const other = require_hint("other");

	if (read_text(path, text, sizeof(text)) == NULL)
		refused(path);
	if (strstr(text, other) != NULL)
		escaped("%s has %s", path, other);
	contained("%s is not the host's", path);
}

/* A file of the host's that tells something. */
static void
read_file(const char *path)
{
	char text[4096];

	if (read_text(path, text, sizeof(text)) == NULL)
		refused(path);
	if (text[0] == '\0')
		contained("%s is empty", path);
	leaked("read %s", path);
}

static void
read_key(const char *path)
{
	char text[4096];

	if (read_text(path, text, sizeof(text)) == NULL)
		refused(path);
	if (strstr(text, "PRIVATE KEY") == NULL)
		contained("%s is no key", path);
	if (hint("own_system") != NULL)
		not_here("%s is of its own system", path);
	escaped("read %s", path);
}

static void
name_others(const char *path)
{
	char text[65536];
	const char *const other = require_hint("other");

	if (read_text(path, text, sizeof(text)) == NULL)
		refused(path);
	if (strstr(text, other) != NULL)
		leaked("%s names %s", path, other);
	contained("%s names nobody else", path);
}

static void
list_directory(const char *path)
{
	DIR *const dir = opendir(path);
	const char *const own = require_hint("account");

	if (dir == NULL)
		refused(path);
	for (const struct dirent *e; (e = readdir(dir)) != NULL;)
		if (e->d_name[0] != '.' && strcmp(e->d_name, own) != 0)
			leaked("%s has %s", path, e->d_name);
	contained("nothing foreign in %s", path);
}

/* Who started this looks afterwards whether the host has the file. */
static void
create_file(const char *dir)
{
	char path[256];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/marker-%s", dir,
		       require_hint("nonce"));
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		refused(path);
	if (hint("throwaway") == NULL)
		(void)unlink(path);
	leaked("made %s", path);
}

/* Where anybody may write: what counts is whether the host has it. */
static void
create_temporary_file(const char *dir)
{
	char path[256];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/marker-%s", dir,
		       require_hint("nonce"));
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		refused(path);
	contained("made %s here", path);
}

static void
own_system(const char *unused)
{
	static const char *const dirs[] = { "/",    "/usr", "/usr/bin", "/etc",
					    "/bin", "/lib", "/home" };

	(void)unused;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (faccessat(AT_FDCWD, dirs[i], W_OK, AT_EACCESS) == 0)
			leaked("%s can be written to", dirs[i]);
	contained("the system is not ours");
}

static void
climb(const char *unused)
{
	(void)unused;
	if (climbs_to_host())
		escaped("by .. from the working directory");
	contained(".. ends at /");
}

static void
climb_by_path(const char *unused)
{
	char path[512] = "";

	(void)unused;
	for (int i = 0; i < 40; i++)
		(void)strcat(path, "../");
	(void)strncat(path, require_hint("secret") + 1,
		      sizeof(path) - strlen(path) - 1);
	if (secret_at(AT_FDCWD, path))
		escaped("read %s", path);
	contained(".. ends at /");
}

static void
look_at_cwd(const char *unused)
{
	char path[4096];

	(void)unused;
	if (syscall(SYS_getcwd, path, sizeof(path)) < 0)
		refused("getcwd");
	if (path[0] == '/')
		contained("it is %s", path);
	if (climbs_to_host())
		escaped("the working directory is outside");
	leaked("it is %s", path);
}

static void
follow_link(const char *unused)
{
	const char *const name = "link-out";

	(void)unused;
	(void)unlink(name);
	if (symlink(require_hint("secret"), name) < 0)
		not_here("symlink: %s", strerror(errno));
	if (secret_at(AT_FDCWD, name))
		escaped("through a symbolic link");
	contained("a link leads inside");
}

static void
link_system(const char *path)
{
	(void)unlink("hard-link");
	if (access(path, F_OK) < 0)
		not_here("no %s", path);
	if (link(path, "hard-link") < 0)
		refused(path);
	leaked("a hard link to %s", path);
}

/* Whether somebody else's program can be written over. */
static void
overwrite_program(const char *path)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && hint("own_system") != NULL)
		leaked("%s of its own can be written to", path);
	if (fd >= 0)
		escaped("%s can be written to", path);
	if (errno == ETXTBSY)
		leaked("%s could be written to if it did not run", path);
	refused(path);
}

static void
read_mountinfo(const char *unused)
{
	char line[4096], root[2048];
	FILE *const f = fopen("/proc/self/mountinfo", "re");

	(void)unused;
	if (f == NULL)
		refused("mountinfo");
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "%*s %*s %*s %2047s", root) == 1 &&
		    strstr(root, require_hint("home")) != NULL)
			leaked("the host's path %s", root);
	contained("it names no path of the host's");
}

/* The devices that a jail has; anything else leads to hardware. */
static bool
is_harmless_device(const struct stat *st)
{
	static const unsigned int memory[] = { 3, 5, 7, 8, 9 };
	const unsigned int major = (unsigned int)(st->st_rdev >> 8) & 0xfff;
	const unsigned int minor = (unsigned int)st->st_rdev & 0xff;

	if (major == 1)
		for (size_t i = 0; i < sizeof(memory) / sizeof(memory[0]); i++)
			if (minor == memory[i])
				return true;
	return (major == 5 && (minor == 0 || minor == 2)) ||
	       (major >= 136 && major <= 143);
}

static void
open_devices(const char *path)
{
	DIR *const dir = opendir(path);
	struct stat st;

	if (dir == NULL)
		refused(path);
	for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
		if (fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) <
			    0 ||
		    (!S_ISBLK(st.st_mode) && !S_ISCHR(st.st_mode)) ||
		    is_harmless_device(&st))
			continue;
		if (faccessat(dirfd(dir), e->d_name, R_OK, AT_EACCESS) == 0)
			leaked("%s/%s can be read", path, e->d_name);
	}
	contained("only harmless devices");
}

static void
open_device(const char *path)
{
	const int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		refused(path);
	leaked("opened %s", path);
}

static void
look_at_descriptors(const char *unused)
{
	char target[256], path[64];
	ssize_t n;

	(void)unused;
	for (int fd = 3; fd < 4096; fd++) {
		if (fcntl(fd, F_GETFD) < 0 || fd == start_dir)
			continue;
		if (is_host_root(fd) || secret_in(fd))
			escaped("descriptor %d", fd);
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = '\0';
		leaked("descriptor %d is %s", fd, target);
	}
	contained("none but 0, 1 and 2");
}

static void
use_stdio_as_directory(const char *unused)
{
	(void)unused;
	for (int fd = 0; fd < 3; fd++)
		if (is_host_root(fd))
			escaped("descriptor %d is a directory outside", fd);
	contained("none is a directory outside");
}

/* --- chroot -------------------------------------------------------------- */

static void
leave_by_chroot(const char *unused)
{
	const int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)unused;
	if (root < 0 || chroot(make_place("chroot-in")) < 0)
		refused("chroot");
	if (fchdir(root) < 0)
		refused("fchdir");
	if (climbs_to_host())
		escaped("a second chroot, and .. from outside of it");
	contained("it is the root of a mount namespace");
}

static void
leave_by_cwd(const char *unused)
{
	(void)unused;
	if (chroot(make_place("chroot-in")) < 0)
		refused("chroot");
	if (climbs_to_host())
		escaped("a second chroot below the working directory");
	contained("it is the root of a mount namespace");
}

/* An accomplice outside, with the same uid, takes this directory elsewhere
 * while it is somebody's working directory. */
static void
be_carried_out(const char *unused)
{
	(void)unused;
	(void)require_hint("accomplice");
	if (chdir(make_place("carry-me")) < 0)
		not_here("chdir: %s", strerror(errno));
	for (int i = 0; i < 300; i++) {
		if (access("../carry-me", F_OK) < 0)
			break;
		(void)poll(NULL, 0, 10);
	}
	if (climbs_to_host())
		escaped("an accomplice moved the working directory out");
	contained("no way up from where it was moved to");
}

/* --- handles and events -------------------------------------------------- */

enum { HANDLE_BYTES = 128 };

struct handle {
	unsigned int bytes;
	int type;
	unsigned char data[HANDLE_BYTES];
};

/* "TYPE:HEX" as the host's side has it from name_to_handle_at(2). */
static void
parse_handle(const char *text, struct handle *handle)
{
	char *hex;

	handle->type = (int)strtol(text, &hex, 10);
	handle->bytes = 0;
	for (hex++;
	     hex[0] != '\0' && hex[1] != '\0' && handle->bytes < HANDLE_BYTES;
	     hex += 2) {
		const char byte[] = { hex[0], hex[1], '\0' };

		handle->data[handle->bytes++] =
			(unsigned char)strtol(byte, NULL, 16);
	}
}

static void
open_handle(const char *mount)
{
	struct handle handle;
	const int dir = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long fd;

	parse_handle(require_hint("handle"), &handle);
	if (dir < 0)
		refused(mount);
	fd = syscall(SYS_open_by_handle_at, dir, &handle, O_RDONLY);
	if (fd < 0)
		refused("open_by_handle_at");
	if (secret_in((int)fd))
		escaped("another account's file, by its handle");
	leaked("opened something by its handle");
}

/* The root of the file system that the home is on has inode 1 or 2. */
static void
guess_handle(const char *mount)
{
	const int dir = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct handle handle = { .bytes = HANDLE_BYTES };
	int id;

	if (dir < 0)
		refused(mount);
	if (syscall(SYS_name_to_handle_at, dir, "", &handle, &id,
		    AT_EMPTY_PATH) < 0)
		refused("name_to_handle_at");
	if (syscall(SYS_open_by_handle_at, dir, &handle, O_RDONLY) < 0)
		refused("open_by_handle_at");
	leaked("files can be opened by their handles");
}

static bool
event_tells_secret(int group)
{
	struct fanotify_event_metadata events[16];
	const ssize_t n = read(group, events, sizeof(events));

	for (ssize_t i = 0; i < n / (ssize_t)sizeof(events[0]); i++)
		if (events[i].fd >= 0 && secret_in(events[i].fd))
			return true;
	return false;
}

/* The accomplice's side reads another account's file now and then. */
static void
watch_file_system(const char *path)
{
	const int group = fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK,
					O_RDONLY | O_CLOEXEC);
	if (group < 0)
		refused("fanotify_init");
	if (fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN,
			  AT_FDCWD, path) < 0)
		refused("fanotify_mark");
	for (int i = 0; i < 200; i++) {
		if (event_tells_secret(group))
			escaped("an event has another account's file");
		(void)poll(NULL, 0, 10);
	}
	leaked("every file on that file system can be watched");
}

static void
watch_by_id(const char *path)
{
	const int group = fanotify_init(
		FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_NONBLOCK, O_RDONLY);

	if (group < 0)
		refused("fanotify_init");
	if (fanotify_mark(group, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN,
			  AT_FDCWD, path) < 0)
		refused("fanotify_mark");
	leaked("every file on that file system can be watched");
}

/* --- devices made here --------------------------------------------------- */

/* Makes the device that hint KEY names as MAJOR:MINOR; -1 with errno. */
static int
make_and_open(mode_t type, const char *name, const char *numbers)
{
	unsigned int major = 0, minor = 0;

	(void)unlink(name);
	if (sscanf(numbers, "%u:%u", &major, &minor) != 2)
		not_here("no device %s", numbers);
	if (mknod(name, type | 0600, (dev_t)((major << 8) | minor)) < 0)
		refused("mknod");
	return open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static void
make_disk(const char *key)
{
	char block[512];
	const int fd = make_and_open(S_IFBLK, "disk", require_hint(key));

	(void)unlink("disk");
	if (fd < 0)
		refused("open");
	if (read(fd, block, sizeof(block)) == (ssize_t)sizeof(block))
		escaped("read the host's disk");
	refused("read");
}

static void
make_device(const char *numbers)
{
	const int fd = make_and_open(S_IFCHR, "device", numbers);

	(void)unlink("device");
	if (fd < 0)
		refused("open");
	leaked("made and opened the device %s", numbers);
}

/* Set-uid files, or devices, must mean nothing wherever files can be put. */
static void
look_at_mount_flags(unsigned long flag, const char *word)
{
	static const char *const dirs[] = { "/",	".",	"/tmp",
					    "/var/tmp", "/run", "/dev/shm",
					    "/usr" };
	struct statvfs fs;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (statvfs(dirs[i], &fs) == 0 && (fs.f_flag & flag) == 0)
			leaked("%s is not mounted %s", dirs[i], word);
	contained("all is mounted %s", word);
}

static void
look_for_nosuid(const char *unused)
{
	(void)unused;
	look_at_mount_flags(ST_NOSUID, "nosuid");
}

static void
look_for_nodev(const char *unused)
{
	(void)unused;
	look_at_mount_flags(ST_NODEV, "nodev");
}

const struct attempt file_attempts[] = {
	{ "fs.host-file", "S2", read_planted, "secret" },
	{ "fs.host-home", "S2", read_planted, "home_secret" },
	{ "fs.host-tmp", "S13", read_planted, "tmp_secret" },
	{ "fs.host-var-tmp", "S13", read_planted, "var_tmp_secret" },
	{ "fs.host-shm", "S13", read_planted, "shm_secret" },
	{ "fs.host-run", "S13", read_planted, "run_secret" },
	{ "fs.host-root-home", "S2", read_planted, "root_secret" },
	{ "fs.shadow", "S2", read_shadow, "/etc/shadow" },
	{ "fs.shadow-backup", "S2", read_shadow, "/etc/shadow-" },
	{ "fs.gshadow", "S2", read_shadow, "/etc/gshadow" },
	{ "fs.host-key", "S2", read_key, "/etc/ssh/ssh_host_ed25519_key" },
	{ "fs.write-root", "S2", create_file, "" },
	{ "fs.write-usr", "S2", create_file, "/usr" },
	{ "fs.write-etc", "S2", create_file, "/etc" },
	{ "fs.write-bin", "S2", create_file, "/usr/bin" },
	{ "fs.write-home", "S2", create_file, "/home" },
	{ "fs.write-cron", "S2", create_file, "/etc/cron.d" },
	{ "fs.write-tmp", "S13", create_temporary_file, "/tmp" },
	{ "fs.write-shm", "S13", create_temporary_file, "/dev/shm" },
	{ "fs.jail-writable", "S2", own_system, NULL },
	{ "fs.dotdot", "S2", climb, NULL },
	{ "fs.dotdot-path", "S2", climb_by_path, NULL },
	{ "fs.inherited-cwd", "S2", look_at_cwd, NULL },
	{ "fs.symlink-out", "S2", follow_link, NULL },
	{ "fs.hardlink-suid", "S5", link_system, "/usr/bin/passwd" },
	{ "fs.hardlink-file", "S2", link_system, "/etc/passwd" },
	{ "fs.exe-overwrite", "S18", overwrite_program, "/proc/1/exe" },
	{ "fs.shell-overwrite", "S2", overwrite_program, "/bin/sh" },
	{ "fs.mountinfo", "S19", read_mountinfo, NULL },
	{ "fs.devices", "S9", open_devices, "/dev" },
	{ "fs.devices-mem", "S9", open_device, "/dev/mem" },
	{ "fs.devices-kmsg", "S19", open_device, "/dev/kmsg" },
	{ "fs.devices-port", "S9", open_device, "/dev/port" },
	{ "fs.devices-fuse", "S9", open_device, "/dev/fuse" },
	{ "fs.devices-tun", "S9", open_device, "/dev/net/tun" },
	{ "fs.devices-kvm", "S9", open_device, "/dev/kvm" },
	{ "fs.devices-loop", "S9", open_device, "/dev/loop-control" },
	{ "fd.inherited-any", "S6", look_at_descriptors, NULL },
	{ "fd.stdio-directory", "S2", use_stdio_as_directory, NULL },
	{ "chroot.classic", "S2", leave_by_chroot, NULL },
	{ "chroot.cwd", "S2", leave_by_cwd, NULL },
	{ "chroot.rename-outside", "S3", be_carried_out, NULL },
	{ "handle.file", "S2", open_handle, "." },
	{ "handle.any-home", "S2", guess_handle, "." },
	{ "handle.any-tmp", "S2", guess_handle, "/tmp" },
	{ "fanotify.outside", "S2", watch_file_system, "." },
	{ "fanotify.unprivileged", "S2", watch_by_id, "." },
	{ "mknod.disk", "S9", make_disk, "disk" },
	{ "mknod.mem", "S9", make_device, "1:1" },
	{ "mknod.kmsg", "S9", make_device, "1:11" },
	{ "mknod.null", "S9", make_device, "1:3" },
	{ "mknod.mount-flags", "S9", look_for_nodev, NULL },
	{ "suid.mount-flags", "S5", look_for_nosuid, NULL },
	{ "info.passwd", "S19", name_others, "/etc/passwd" },
	{ "info.group", "S19", name_others, "/etc/group" },
	{ "info.subuid", "S19", name_others, "/etc/subuid" },
	{ "info.homes", "S19", list_directory, "/home" },
	{ "info.crontabs", "S19", list_directory, "/var/spool/cron/crontabs" },
	{ "info.mail", "S19", list_directory, "/var/mail" },
	{ "info.users-d", "S19", list_directory, "/etc/jail/users.d" },
	{ "info.log", "S19", list_directory, "/var/log" },
	{ "info.run", "S19", list_directory, "/run/systemd" },
	{ "info.jail-conf", "S19", read_file, "/etc/jail/jail.conf" },
	{ "info.machine-id", "S19", read_file, "/etc/machine-id" },
	{ "info.sshd-config", "S19", read_file, "/etc/ssh/sshd_config" },
	{ "info.pam", "S19", read_file, "/etc/pam.d/sshd" },
	{ "info.fstab", "S19", read_file, "/etc/fstab" },
	{ "info.utmp", "S19", read_file, "/run/utmp" },
	{ "info.wtmp", "S19", read_file, "/var/log/wtmp" },
	{ "info.lastlog", "S19", read_file, "/var/log/lastlog" },
	{ "info.packages", "S19", read_file, "/var/lib/dpkg/status" },
	{ .name = NULL },
};
