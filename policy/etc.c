/* SPDX-License-Identifier: ISC */
#include "policy/etc.h"

#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ETC "/etc/"

/* clang-format off */
/* jail.conf(5) documents this list; a unit test compares them.  What is in a
 * directory comes last: the keeper looks at the way to /etc once. */
const char *const etc_default_names[] = {
	/* how programs are found and linked */
	"alternatives", "ld.so.cache", "ld.so.conf", "ld.so.conf.d",
	/* which system this is, and what time */
	"os-release", "debian_version", "redhat-release", "system-release",
	"lsb-release", "issue", "localtime", "timezone", "mtab",
	/* languages */
	"locale.alias", "locale.conf",
	/* the network and its names */
	"crypto-policies", "gai.conf", "host.conf", "krb5.conf",
	"krb5.conf.d", "networks", "protocols", "rpc", "services",
	/* shells and terminals */
	"DIR_COLORS", "bash.bashrc", "bash_completion", "bash_completion.d",
	"bashrc", "csh.cshrc", "csh.login", "fish", "inputrc", "login.defs",
	"profile", "profile.d", "screenrc", "shells", "skel", "terminfo",
	"tmux.conf", "xattr.conf", "zprofile", "zsh", "zshenv", "zshrc",
	/* editors, pagers, documents */
	"ImageMagick-*", "emacs", "fonts", "ghostscript", "groff", "joe",
	"magic", "magic.mime", "mailcap", "man_db.conf", "manpath.config",
	"mc", "mime.types", "nanorc", "papersize", "sgml", "texmf", "vim",
	"vimrc", "xml",
	/* development */
	"R", "fpc-*.cfg", "fpc.cfg", "gdb", "gitattributes", "gitconfig",
	"java", "java-*", "lftp.conf", "lynx", "mercurial", "mono", "perl",
	"python3", "python3.*", "subversion", "wgetrc",
	/* parts of directories that have more in them */
	"default/locale", "dpkg/origins", "php/*/cli", "php/*/mods-available",
	"pki/ca-trust/extracted", "pki/tls/certs", "pki/tls/openssl.cnf",
	"ssh/ssh_config", "ssh/ssh_config.d", "ssh/ssh_known_hosts",
	"ssl/certs", "ssl/openssl.cnf",
	NULL,
};
/* clang-format on */

/* Everything that begins with one of these, as path components. */
static const struct {
	const char *pattern;
	const char *why;
} never[] = {
	{ "passwd", "is made for each jail" },
	{ "group", "is made for each jail" },
	{ "hostname", "is made for each jail" },
	{ "hosts", "is made for each jail" },
	{ "nsswitch.conf", "is made for each jail" },
	{ "resolv.conf", "is made for each jail" },
	{ "passwd?*", "tells of other accounts" },
	{ "group?*", "tells of other accounts" },
	{ "subuid*", "tells of other accounts" },
	{ "subgid*", "tells of other accounts" },
	{ "aliases*", "tells of other accounts" },
	{ "cron*", "tells of other accounts" },
	{ "shadow*", "holds secrets" },
	{ "gshadow*", "holds secrets" },
	{ "sudoers*", "holds secrets" },
	{ "security", "holds secrets" },
	{ "pam.conf", "holds secrets" },
	{ "pam.d", "holds secrets" },
	{ "krb5.keytab", "holds secrets" },
	{ "letsencrypt", "holds secrets" },
	{ "ssl/private", "holds secrets" },
	{ "pki/tls/private", "holds secrets" },
	{ "ssh/ssh_host_*", "holds secrets" },
	{ "ssh/sshd_config*", "is for the host's sshd" },
	{ "jail", "tells of other accounts" },
};

static const char *
why_never(const char *name)
{
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (fnmatch(never[i].pattern, name,
			    FNM_PATHNAME | FNM_LEADING_DIR) == 0)
			return never[i].why;
	/* The directory with the keys in it, as a whole. */
	return strcmp(name, "ssh") == 0 ? "holds secrets" : NULL;
}

int
etc_check_name(const struct text *name, struct err *err)
{
	const char *const why = why_never(name->text);
	char path[PATH_MAX];

	/* As a path below /etc, so that path_is_clean() can tell. */
	(void)snprintf(path, sizeof(path), ETC "%s", name->text);
	if (strlen(name->text) >= sizeof(path) - sizeof(ETC) ||
	    !path_is_clean(path))
		return where_error(&name->at, err,
				   "\"etc\": \"%s\" is not a clean path below "
				   "/etc",
				   name->text);
	if (why != NULL)
		return where_error(&name->at, err, "\"etc\": %s %s", name->text,
				   why);
	return 0;
}

/* The list of one jail, whoever made it. */
struct names {
	const struct jail_conf *jail;
	size_t n;
	const char **listed; /* what is in /etc */
	size_t n_listed;
};

static struct names
names_of(const struct jail_conf *jail)
{
	struct names names = { .jail = jail };

	for (names.n = jail->etc_given ? jail->etc.n : 0;
	     !jail->etc_given && etc_default_names[names.n] != NULL; names.n++)
		;
	return names;
}

static const char *
name_at(const struct names *names, size_t i)
{
	return names->jail->etc_given ? names->jail->etc.item[i].text
				      : etc_default_names[i];
}

/*
 * PATH, that a symbolic link at DIR (a directory below /, "" for /) points
 * to, without "." and "..", as a string that begins with a slash.
 */
static void
resolve(const char *dir, const char *path, char *out, size_t size)
{
	char all[2 * PATH_MAX], *rest = all, *name;
	size_t used = 0;

	(void)snprintf(all, sizeof(all), "%s/%s", path[0] == '/' ? "" : dir,
		       path);
	out[0] = '\0';
	while ((name = strsep(&rest, "/")) != NULL) {
		if (name[0] == '\0' || strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") == 0) {
			char *const slash = strrchr(out, '/');

			used = slash != NULL ? (size_t)(slash - out) : 0;
			out[used] = '\0';
			continue;
		}
		if (used + strlen(name) + 2 > size) {
			out[0] = '\0';
			return;
		}
		used += (size_t)snprintf(out + used, size - used, "/%s", name);
	}
}

/* As fnmatch(3), which is slow, and rarely needed to say no. */
static bool
matches(const char *pattern, const char *name, int flags)
{
	return strncmp(name, pattern, strcspn(pattern, "*?[\\")) == 0 &&
	       fnmatch(pattern, name, flags) == 0;
}

static bool
is_below(const char *path, const char *dir)
{
	const size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && path[len] == '/';
}

/* Whether what is at PATH on the host is at PATH in the jail as well. */
static bool
is_shown(const struct names *names, const char *path)
{
	static const char *const dirs[] = { "/usr",  "/proc", "/bin",
					    "/sbin", "/lib",  "/lib64" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (is_below(path, dirs[i]))
			return true;
	for (size_t i = 0; i < names->n && is_below(path, "/etc"); i++)
		if (matches(name_at(names, i), path + strlen(ETC),
			    FNM_PATHNAME | FNM_LEADING_DIR))
			return true;
	return false;
}

/* A member of /etc that is to be shown. */
struct member {
	const char *path;	  /* with the /etc */
	const struct text *given; /* in the configuration, or NULL */
};

/*
 * What is compiled in is for hosts of all kinds, and what one host has not
 * got, or not in a safe state, is left out.  What the administrator wrote
 * is what he wants, or a mistake.
 */
static int
cannot_show(const struct member *member, const char *why, struct err *err)
{
	if (member->given == NULL)
		return 0;
	return where_error(&member->given->at, err, "\"etc\": %s %s",
			   member->path, why);
}

static int
add_link(const struct member *member, const struct names *names,
	 struct entries *entries, struct err *err)
{
	char text[PATH_MAX], dir[PATH_MAX], resolved[PATH_MAX];
	const ssize_t n = readlink(member->path, text, sizeof(text));

	if (n < 0 || (size_t)n >= sizeof(text))
		return err_errno(err, "%s", member->path);
	text[n] = '\0';
	(void)snprintf(dir, sizeof(dir), "%.*s",
		       (int)(strrchr(member->path, '/') - member->path),
		       member->path);
	resolve(dir, text, resolved, sizeof(resolved));
	if (!is_shown(names, resolved))
		return cannot_show(member,
				   "is a symbolic link to where the jail "
				   "shows nothing",
				   err);
	return entries_link(entries, member->path, text, err);
}

static int
add_member(const struct member *member, const struct names *names,
	   struct entries *entries, struct err *err)
{
	struct stat st;

	if (entries_has(entries, member->path))
		return 0;
	if (lstat(member->path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR
			       ? cannot_show(member, "does not exist", err)
			       : err_errno(err, "%s", member->path);
	if (S_ISLNK(st.st_mode))
		return add_link(member, names, entries, err);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return cannot_show(member, "is not a file or directory", err);
	if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return cannot_show(member, "can be changed by others than root",
				   err);
	return entries_bind(entries, member->path, member->path, ENTRY_READONLY,
			    err);
}

static int
add_match(const char *path, const struct names *names, struct entries *entries,
	  struct err *err)
{
	const struct member member = { path, NULL };

	if (why_never(path + strlen(ETC)) != NULL)
		return 0;
	return add_member(&member, names, entries, err);
}

/* glob(7) on the names of /etc itself, read once: glob(3) takes longer. */
static int
add_matches_of(const char *pattern, const struct names *names,
	       struct entries *entries, struct err *err)
{
	for (size_t i = 0; i < names->n_listed; i++) {
		const char *const name = names->listed[i];
		char path[PATH_MAX];

		if (!matches(pattern, name, FNM_PERIOD))
			continue;
		(void)snprintf(path, sizeof(path), ETC "%s", name);
		if (add_match(path, names, entries, err) < 0)
			return -1;
	}
	return 0;
}

/* A directory that is not there has no names; others must be read. */
static int
is_fatal(const char *path, int errnum)
{
	(void)path;
	return errnum != ENOENT;
}

static int
add_matches_below(const char *pattern, const struct names *names,
		  struct entries *entries, struct err *err)
{
	glob_t found = { .gl_pathc = 0 };
	const int ret = glob(pattern, GLOB_NOSORT, is_fatal, &found);
	int status = ret == 0 || ret == GLOB_NOMATCH
			     ? 0
			     : err_set(err, ERR_SYSTEM, "%s: glob", pattern);

	for (size_t i = 0; status == 0 && i < found.gl_pathc; i++)
		status = add_match(found.gl_pathv[i], names, entries, err);
	globfree(&found);
	return status;
}

static int
add_name(size_t i, const struct names *names, struct entries *entries,
	 struct err *err)
{
	const struct jail_conf *const jail = names->jail;
	const char *const name = name_at(names, i);
	char path[PATH_MAX];
	const struct member member = { path, jail->etc_given
						     ? &jail->etc.item[i]
						     : NULL };

	(void)snprintf(path, sizeof(path), ETC "%s", name);
	if (strpbrk(name, "*?[") == NULL)
		return add_member(&member, names, entries, err);
	/* A name with a wildcard may match nothing. */
	if (strchr(name, '/') == NULL)
		return add_matches_of(name, names, entries, err);
	return add_matches_below(path, names, entries, err);
}

static int
keep_name(struct names *names, size_t *room, const char *name,
	  struct arena *arena, struct err *err)
{
	if (names->n_listed == *room) {
		const size_t more = *room > 0 ? *room * 2 : 256;
		const char **const listed =
			arena_alloc(arena, more * sizeof(*listed), err);

		if (listed == NULL)
			return -1;
		if (*room > 0)
			memcpy(listed, names->listed, *room * sizeof(*listed));
		names->listed = listed;
		*room = more;
	}
	names->listed[names->n_listed] = arena_copy(arena, name, err);
	return names->listed[names->n_listed++] != NULL ? 0 : -1;
}

static int
list_names(struct names *names, struct arena *arena, struct err *err)
{
	DIR *const dir = opendir(ETC);
	const struct dirent *file;
	size_t room = 0;
	int ret = 0;

	if (dir == NULL)
		return err_errno(err, ETC);
	for (errno = 0; ret == 0 && (file = readdir(dir)) != NULL; errno = 0)
		ret = keep_name(names, &room, file->d_name, arena, err);
	if (ret == 0 && errno != 0)
		ret = err_errno(err, ETC);
	(void)closedir(dir);
	return ret;
}

int
etc_add(const struct jail_conf *jail, struct entries *entries, struct err *err)
{
	struct names names = names_of(jail);
	struct arena arena = { NULL };
	int ret = list_names(&names, &arena, err);

	for (size_t i = 0; ret == 0 && i < names.n; i++)
		ret = add_name(i, &names, entries, err);
	arena_free(&arena);
	return ret;
}
