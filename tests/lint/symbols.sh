# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # make(1) sets top_srcdir and more
#
# What the linker made: the module exports what PAM calls and no more; the
# two static programs load nothing, and nothing of ours in them asks a name
# service, a locale or a library that could be the jail's.

cd "$top_builddir" || exit 99
status=0

fail() {
	echo "FAIL: $*"
	status=1
}

dest=$(mktemp -d) || exit 99
trap 'rm -rf "$dest"' EXIT
MAKEFLAGS='' "${MAKE:-make}" -s install DESTDIR="$dest" >"$dest/log" 2>&1 || {
	cat "$dest/log"
	exit 1
}

# What is looked at is what is installed.
installed() { # NAME
	find "$dest" -type f -name "$1"
}

exported=$("$NM" -D --defined-only "$(installed pam_jail.so)" |
	awk '{ print $3 }' | sort | tr '\n' ' ')
wanted='pam_sm_acct_mgmt pam_sm_authenticate pam_sm_close_session pam_sm_open_session pam_sm_setcred '
[ "$exported" = "$wanted" ] || fail "pam_jail.so exports: $exported"

# getpwnam(3) and its like load libraries named in nsswitch.conf;
# strerror(3), strsignal(3) and setlocale(3) load message catalogues and
# locales; syslog(3) and localtime(3) read the time zone; system(3),
# popen(3) and wordexp(3) run a shell; getenv(3) reads what the caller set
# (jailsh has no more rights than he, and asks for the name of a jail).
forbidden='^(getpw|getgrnam|getgrgid|getgrent|getgrouplist|getspnam|fgetpw|fgetgr|setpwent|setgrent|initgroups|innetgr|getaddrinfo|getnameinfo|gethostby|getservby|getprotoby|getnetby|res_|iconv|setlocale|newlocale|bindtextdomain|gettext|dgettext|dcgettext|strerror$|strerror_r|__xpg_strerror_r|perror|strsignal|psignal|err$|errx|warn$|warnx|error$|syslog|__syslog_chk|vsyslog|openlog|localtime|tzset|mktime|strftime|dlopen|dlsym|getenv|secure_getenv|system$|popen|wordexp|glob$|getlogin|cuserid|getusershell|backtrace|execlp|getcwd_chk)'
# The session's process runs a command found in PATH when it is the account
# already (jail/run.c); jailsh shows its user where he is, as himself.

# The members of our archives that end up in a program, by what they need of
# one another, and then all that they need of others.
linked() { # OBJECT...
	"$NM" -A -P jail/libjail.a base/libbase.a "$@" |
		awk '
		{
			file = $1
			if ($3 == "U" || $3 == "w")
				needs[file] = needs[file] " " $2
			else if ($3 ~ /^[TDBRVW]$/)
				from[$2] = file
			if (file !~ /\.a\[/)
				todo[file] = 1
		}
		END {
			for (more = 1; more;) {
				more = 0
				for (file in todo) {
					if (done[file]++)
						continue
					n = split(needs[file], need, " ")
					for (i = 1; i <= n; i++)
						if (need[i] in from)
							todo[from[need[i]]] = more = 1
						else
							print file, need[i]
				}
			}
		}'
}

check_program() { # PROGRAM OBJECT...
	program=$1
	file=$(installed "$program")
	shift
	list=$(linked "$@")
	case "$list" in
	*"libbase.a"*) ;;
	*) fail "$program: cannot see what it is linked of" ;;
	esac
	echo "$list" | awk -v bad="$forbidden" -v program="$program" '
		program == "jailsh" && $2 == "getenv" { next }
		$2 ~ bad { print "FAIL: " program ": " $1 " " $2; n++ }
		END { exit n > 0 }' || status=1
	if "${READELF:-readelf}" -lW "$file" | grep -q -e INTERP -e DYNAMIC &&
		! "${READELF:-readelf}" -hW "$file" | grep -q DYN; then
		fail "$program is not static"
	fi
	! "${READELF:-readelf}" -dW "$file" | grep -q NEEDED ||
		fail "$program loads libraries"
	! "${READELF:-readelf}" -lW "$file" | grep -q INTERP ||
		fail "$program has a dynamic loader"
}

check_program jail-keeper keeper/*.o
check_program jailsh jailsh/*.o
check_program jail-broker broker/broker.o broker/request.o broker/rules.o
check_program jail-ask broker/ask.o broker/crontab.o broker/talk.o

# The C library must not have brought a name service in by itself.
for program in jail-keeper jailsh jail-broker jail-ask; do
	"$NM" "$(installed "$program")" | awk -v program="$program" '
		$3 ~ /^(getpwnam|getgrnam|getgrouplist|initgroups|getaddrinfo|__nss_|syslog)/ {
			print "FAIL: " program " has " $3; n++
		}
		END { exit n > 0 }' || status=1
done

# Nothing is installed set-uid, set-gid, or for others to write.
wrong=$(find "$dest"/* ! -type l -perm /6022)
[ -z "$wrong" ] || fail "set-uid, set-gid or writable: $wrong"
[ -n "$(find "$dest" -name jail-keeper -perm 755)" ] ||
	fail "jail-keeper is not installed"

exit $status
