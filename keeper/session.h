/* SPDX-License-Identifier: ISC */
/*
 * session - what the keeper runs inside for somebody who asked on its socket
 */
#ifndef KEEPER_SESSION_H
#define KEEPER_SESSION_H

#include "jail/jail.h"
#include "jail/wire.h"
#include "keeper/hits.h"

struct session {
	const struct jail *jail;
	const struct hits *hits; /* of the jail's limits, so far */
	const char *note;	 /* what the account is to know, or "" */
	int sock;		 /* to who asked, with the WIRE_RUN in it */
	uint32_t unsaid;	 /* how many before it had no line in the log */
	int log;		 /* base/log.h; -1: nor has this one */
};

/*
 * The life of the process between a session and who asked for it.  It is
 * root and the keeper's child when it starts; it hears what is asked for,
 * enters, starts the session and becomes the account itself.
 */
_Noreturn void session_main(const struct session *session)
	__attribute__((nonnull));

#endif
