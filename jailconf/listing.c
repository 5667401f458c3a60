/* SPDX-License-Identifier: ISC */
#include "jailconf/listing.h"

#include "base/cleanup.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>

enum { ROOM_FIRST = 64 };

int
listing_add(struct listing *listing, const char *name, uid_t uid,
	    struct err *err)
{
	struct listed *row;

	if (listing->n == listing->room) {
		const size_t room =
			listing->room > 0 ? 2 * listing->room : ROOM_FIRST;
		struct listed *const grown =
			reallocarray(listing->row, room, sizeof(*grown));

		if (grown == NULL)
			return err_errno(err, "memory");
		listing->row = grown;
		listing->room = room;
	}
	row = &listing->row[listing->n];
	row->name = arena_copy(&listing->arena, name, err);
	row->uid = uid;
	row->has_jailsh = false;
	if (row->name == NULL)
		return -1;
	listing->n++;
	return 0;
}

/* What is listed comes before what is only named. */
static int
compare(const void *a, const void *b)
{
	const struct listed *const one = a, *const two = b;
	const int order = strcmp(one->name, two->name);

	if (order != 0)
		return order;
	return (one->uid > two->uid) - (one->uid < two->uid);
}

void
listing_sort(struct listing *listing)
{
	size_t n = 0;

	if (listing->n == 0)
		return;
	qsort(listing->row, listing->n, sizeof(*listing->row), compare);
	for (size_t i = 1; i < listing->n; i++)
		if (strcmp(listing->row[i].name, listing->row[n].name) != 0)
			listing->row[++n] = listing->row[i];
	listing->n = n + 1;
}

static size_t
count_local(void)
{
	FILE *const file = fopen("/etc/passwd", "re");
	size_t n = 0;

	while (file != NULL && fgetpwent(file) != NULL)
		n++;
	if (file != NULL)
		(void)fclose(file);
	return n;
}

/* The first source of nsswitch.conf(5)'s passwd line that is a directory
 * elsewhere; NULL if there is none.  systemd's has what runs here. */
static const char *
find_directory(struct listing *listing, struct err *err)
{
	static const char here[] = " files compat systemd db ";
	FILE *const file = fopen("/etc/nsswitch.conf", "re");
	cleanup_free char *line = NULL;
	const char *found = NULL;
	size_t size = 0;

	while (file != NULL && found == NULL &&
	       getline(&line, &size, file) > 0) {
		char *rest = line, *word;

		if (strncmp(line, "passwd:", strlen("passwd:")) != 0)
			continue;
		rest[strcspn(rest, "#\n")] = '\0';
		rest += strlen("passwd:");
		while (found == NULL && (word = strsep(&rest, " \t")) != NULL)
			if (word[0] != '\0' && word[0] != '[' &&
			    strchr(word, ']') == NULL &&
			    strstr(here, word) == NULL)
				found = arena_copy(&listing->arena, word, err);
	}
	if (file != NULL)
		(void)fclose(file);
	return found;
}

int
listing_read(struct listing *listing, struct err *err)
{
	const struct passwd *entry;
	int ret = 0;

	*listing = (struct listing){ .n = 0 };
	setpwent();
	while (ret == 0 && (entry = getpwent()) != NULL) {
		ret = listing_add(listing, entry->pw_name, entry->pw_uid, err);
		if (ret == 0)
			listing->row[listing->n - 1].has_jailsh =
				strcmp(entry->pw_shell, JAILSH) == 0;
	}
	endpwent();
	if (ret < 0) {
		listing_free(listing);
		return -1;
	}
	if (listing->n <= count_local())
		listing->silent = find_directory(listing, err);
	listing_sort(listing);
	return 0;
}

void
listing_free(struct listing *listing)
{
	free(listing->row);
	arena_free(&listing->arena);
	*listing = (struct listing){ .n = 0 };
}
