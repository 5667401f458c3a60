# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # make(1) sets top_srcdir and more
#
# Includes point one way: base, jail, the policy, the front-ends.
#
# keeper/ and jailsh/ stand on jail/ and base/ alone; jail/ never learns what
# a configuration file is.  In jailconf/ there are two: the policy, which
# pam_jail.so is linked with, and the tool, which is a front-end; Makefile.am
# says which file is whose.

cd "$top_srcdir" || exit 99
status=0

fail() {
	echo "FAIL: $*"
	status=1
}

# The words after NAME = in Makefile.am, continued lines and all.
sources_of() { # NAME
	awk -v name="$1" '
		$1 == name && $2 ~ /^[+]?=$/ { on = 1; $1 = $2 = "" }
		on { more = sub(/\\$/, ""); print; on = more }
	' Makefile.am
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
check "base jail jailconf" jailconf/*.[ch]
check "base jail jailconf pam_jail" pam_jail/*.[ch]

# The policy, and who is linked with it alone, know nothing of the tool.
policy=$(sources_of jailconf_libpolicy_a_SOURCES | xargs)
[ -n "$policy" ] || fail "no sources of the policy in Makefile.am"
for file in $policy pam_jail/*.[ch]; do
	for target in $(includes_of "$file"); do
		case "$target" in jailconf/*) ;; *) continue ;; esac
		case " $policy " in
		*" $target "*) ;;
		*) fail "$file includes $target, which is the tool's" ;;
		esac
	done
done

# Libraries have their place, too.
for file in base/*.[ch] jail/*.[ch] keeper/*.[ch] jailsh/*.[ch] \
	jailconf/*.[ch] pam_jail/*.[ch]; do
	for header in $(system_includes_of "$file"); do
		case "$header:$file" in
		libconfig.h:jailconf/* | json*:jailconf/*) ;;
		security/*:pam_jail/*) ;;
		sys/capability.h:jail/*) ;;
		libconfig.h:* | json*:* | security/* | sys/capability.h:*)
			fail "$file includes <$header>" ;;
		pwd.h:jail/account.c | pwd.h:jailconf/* | pwd.h:pam_jail/*) ;;
		pwd.h:* | netdb.h:* | iconv.h:* | locale.h:* | nss.h:*)
			fail "$file includes <$header>: no name service" ;;
		esac
	done
done

# What is in a directory is built, or it would not be looked at.
for file in base/*.c jail/*.c keeper/*.c jailsh/*.c jailconf/*.c pam_jail/*.c
do
	grep -q -e "[[:space:]]$file\([[:space:]]\|\$\)" Makefile.am ||
		fail "$file is not in Makefile.am"
done

exit $status
