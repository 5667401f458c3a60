/* SPDX-License-Identifier: ISC */
/*
 * messages - what is said to jail-broker(8) and jail-keeper(8), by hand
 *
 * Nothing here is the project's code but the layout of a message: who attacks
 * writes his own, and gets it wrong on purpose.
 */
#ifndef MESSAGES_H
#define MESSAGES_H

#include "jail/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ANSWER_FDS = 8, OUTPUT_MAX = 65536 };

/* What came back; the descriptors are the attempt's, until it ends. */
struct answer {
	uint32_t kind; /* of enum wire_kind; 0: the connection was closed */
	int32_t value;
	int fd[ANSWER_FDS];
	size_t n_fds;
	char text[512];
};

/* What is asked for: jail/run.h, as it is written into the memory file. */
struct asked {
	const char *const *words; /* NULL-terminated */
	const char *const *env;	  /* likewise, or NULL for none */
	const char *cwd;	  /* NULL: the home */
	uint64_t count;		  /* of the words, if it is a lie; else 0 */
	size_t cut;		  /* bytes that are missing at its end */
	bool writable;		  /* not sealed */
};

/* A connection to the socket PATH, or -1 and errno. */
int peer_connect(const char *path);

/* Connects as often as somebody lets it, MAX times at most and for a second,
 * and says nothing; *socks are the connections.  Returns how many. */
int peer_crowd(const char *path, int *socks, int max);

/* A message of KIND as it should be. */
struct wire_msg message_of(uint32_t kind);

/* Sends SIZE bytes and N descriptors; whether that went. */
bool say(int sock, const void *bytes, size_t size, const int *fds, size_t n);

/* Waits for an answer, for some seconds. */
void hear(int sock, struct answer *answer);

/* The memory file of a request. */
int request_of(const struct asked *asked);

/* Reads what comes from FD until its end, for some seconds at most, to TEXT
 * (OUTPUT_MAX), behind what is there. */
void read_output(int fd, char *text);

#endif
