# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # make(1) sets top_srcdir and more
#
# Includes point one way: base, jail, policy, the front-ends.
#
# keeper/ and jailsh/ stand on jail/ and base/ alone; jail/ never learns what
# a configuration file is.

cd "$top_srcdir" || exit 99
status=0

fail() {
	echo "FAIL: $*"
	status=1
}

includes_of() { # FILE...: one "FILE TARGET" a line
	sed -n 's,^#include "\([^"]*\)".*,\1,p' "$@" | sort -u
}

system_includes_of() { # FILE...
	sed -n 's,^#include <\([^>]*\)>.*,\1,p' "$@" | sort -u
}

# DIR... may include from directories in MAY only.
check() { # "MAY..." FILE...
	may=$1
	shift
	for file; do
		for target in $(includes_of "$file"); do
			case " $may " in
			*" ${target%/*} "*) ;;
			*) fail "$file includes $target" ;;
			esac
		done
	done
}

check "base" base/*.[ch]
check "base jail" jail/*.[ch]
check "base jail keeper" keeper/*.[ch]
check "base jail jailsh" jailsh/*.[ch]
check "base jail broker" broker/*.[ch]
check "base jail policy" policy/*.[ch]
check "base jail policy jailconf" jailconf/*.[ch]
check "base jail policy pam_jail" pam_jail/*.[ch]

# Libraries have their place, too.
for file in base/*.[ch] jail/*.[ch] keeper/*.[ch] jailsh/*.[ch] broker/*.[ch] \
	policy/*.[ch] jailconf/*.[ch] pam_jail/*.[ch]; do
	for header in $(system_includes_of "$file"); do
		case "$header:$file" in
		libconfig.h:policy/* | libconfig.h:jailconf/userfile.c | json*:jailconf/*) ;;
		security/*:pam_jail/*) ;;
		libaudit.h:pam_jail/record.c) ;;
		sys/capability.h:jail/*) ;;
		seccomp.h:policy/filter.c) ;;
		libaudit.h:* | libconfig.h:* | json*:* | seccomp.h:* | security/* | sys/capability.h:*)
			fail "$file includes <$header>" ;;
		pwd.h:jail/account.c | pwd.h:policy/* | pwd.h:jailconf/*) ;;
		nss.h:pam_jail/pam_jail.c) ;; # to take them away
		pwd.h:* | netdb.h:* | iconv.h:* | locale.h:* | nss.h:*)
			fail "$file includes <$header>: no name service" ;;
		esac
	done
done

# What is in a directory is built, or it would not be looked at.
for file in base/*.c jail/*.c policy/*.c keeper/*.c jailsh/*.c jailconf/*.c \
	broker/*.c pam_jail/*.c
do
	grep -q -e "[[:space:]]$file\([[:space:]]\|\$\)" Makefile.am ||
		fail "$file is not in Makefile.am"
done

exit $status
