# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # make(1) sets top_srcdir and more
#
# What grep can see of how the code should read (HACKING).

cd "$top_srcdir" || exit 99
status=0
sources=$(echo base/*.[ch] jail/*.[ch] policy/*.[ch] jailconf/*.[ch] jailsh/*.[ch] \
	keeper/*.[ch] broker/*.[ch] pam_jail/*.[ch])
code=$(echo base/*.c jail/*.c policy/*.c jailconf/*.c jailsh/*.c keeper/*.c broker/*.c pam_jail/*.c)
tests=$(find tests -name '*.[ch]')

fail() {
	echo "FAIL: $*"
	status=1
}

# No line of the files matches.
never() { # WHY PATTERN FILE...
	why=$1 pattern=$2
	shift 2
	! grep -nHE -e "$pattern" "$@" || fail "$why"
}

! find base jail policy jailconf jailsh keeper broker pam_jail tests -name '*util*' \
	-o -name '*misc*' -o -name '*common*' -o -name '*helper*' | grep . ||
	fail "a name that says nothing"

for file in $sources $tests; do
	[ "$(head -n 1 "$file")" = '/* SPDX-License-Identifier: ISC */' ] ||
		fail "$file: no licence line"
done

# shellcheck disable=SC2086 # names of ours have no blanks
{
	never "unfinished" '\<(TODO|FIXME|XXX)\>' $sources $tests
	never "it hides what it does, or how much" '\<(system|popen|strcpy|strcat|sprintf|vsprintf|strtok|strncpy|atoi|atol|atof|gets|mktemp|tmpnam|tempnam|alloca|vfork|getdtablesize|basename|dirname)\(' \
		$sources
	never "a path that is checked and used again" '[^a-z_](access|chown|lchown)\([^0-9]' \
		base/*.c jail/*.c policy/*.c keeper/*.c broker/*.c jailsh/*.c \
		pam_jail/*.c
	never "an owner and goto do not go together" '^[[:space:]]*goto\>' $sources
	never "two implementations are two files" \
		'^[[:space:]]*#[[:space:]]*(if|ifdef|elif|else)\>' $sources
	never "a comment that hides code" '^[[:space:]]*//' $sources
	never "a library does not print" \
		'\<(printf|puts|putchar|perror|fprintf|fputs|syslog)\(' \
		base/*.c jail/*.c
	never "nor does this one, but into memory" \
		'\<(printf|puts|putchar|perror|syslog)\(' policy/*.c
	never "a library does not exit" '\<exit\(' \
		base/*.c jail/*.c policy/*.c pam_jail/*.c
	never "the host's process is not ours to change" \
		'\<(setenv|putenv|unsetenv|clearenv|signal|sigaction|sigprocmask|chdir|setlocale|openlog|alarm)\(' \
		pam_jail/*.c
	never "a name that says nothing" \
		'\<(ctx|manager|(do|handle|my)_[a-z_]+)\(' $sources
	never "a step that makes a security promise may not warn and go on" \
		'\(void\)(setres[ug]id|set[ug]id|setgroups|prctl\(PR_SET_(NO|DUMP|KEEP|PDEATH)|cap_(set|drop|reset|clear)|setns|unshare|pivot_root|umount2|mount_setattr|move_mount|close_range|setrlimit\([^R])' \
		$sources
	# With -ftrivial-auto-var-init=zero gcc 12 writes zeros over more
	# than the padding of a large structure that is in an array.
	never "gcc 12 damages an array of it" '\<struct (plan|keeper) [a-z_]+\[' \
		$sources $tests
	never "an owner is initialised where it is declared" \
		'\<cleanup_(fd|free)\>[^=]*[a-z_]+;' $code
}

# Each sentence below is awk's, over whole functions and statements.

# shellcheck disable=SC2086
awk '
	FNR == 1 { depth = 0 }
	/^[a-z_][a-z0-9_]*\(/ { name = $0; sub(/\(.*/, "", name) }
	/^\{/ { start = FNR }
	/^\}/ && start {
		lines = FNR - start - 1
		if (lines > 60) {
			print "FAIL: " FILENAME ": " name "() has " lines " lines"
			bad = 1
		} else if (lines > 40)
			print "note: " FILENAME ": " name "() has " lines " lines"
		start = 0
	}
	END { exit bad }' $code || status=1

# Every descriptor is born close-on-exec: the word stands in the call, or the
# call has its flags from a variable, and every such variable has the word.
# shellcheck disable=SC2086
awk '
	function check(statement) {
		if (statement ~ /[^a-z_0-9](open|openat|socket|socketpair|accept4|memfd_create|signalfd|fsopen|fsmount|open_tree|epoll_create1|timerfd_create|eventfd|pipe2)\(/ &&
			statement !~ /CLOEXEC|flags|FLAGS/)
			tell("not close-on-exec")
		if (statement ~ /[^a-z_](dup|pipe|accept|epoll_create|creat|inotify_init)\(/)
			tell("cannot be close-on-exec")
		if (statement ~ /F_DUPFD[^_]/)
			tell("not close-on-exec")
		if (statement ~ /[^a-z_]fopen\(/ && statement !~ /"[rwa]e"/)
			tell("not close-on-exec")
		if (statement ~ /(flags|FLAGS) = [^;]*O_/ &&
			statement !~ /CLOEXEC|uint64_t/) # openat2(2): open_inside()
			tell("flags without O_CLOEXEC")
	}
	function tell(what) {
		print "FAIL: " FILENAME ":" FNR ": " what ": " statement
		bad = 1
	}
	/^(\/\*| \*)/ { next }
	FNR == 1 { statement = "" }
	{
		line = $0
		gsub(/^[ \t]+/, " ", line)
		statement = statement line
	}
	/[;{}]$/ { check(statement); statement = "" }
	END { exit bad }' $code || status=1

# Nothing that lives longer than a call changes: every static object is
# const, and a table of pointers twice.
# shellcheck disable=SC2086
awk '
	/^(static )?[a-z][a-z0-9_ ]*[ *][a-z_0-9]+(\[[^]]*\])*( =.*|;)$/ ||
		/^\t+static / {
		if ($0 ~ /^(typedef|extern|return|struct [a-z_]+;)/)
			next
		declared = $0
		sub(/ = .*/, "", declared)
		if (declared !~ /const/ ||
			(declared ~ /\*/ && declared !~ /\*const/)) {
			print "FAIL: " FILENAME ":" FNR ": state: " $0
			bad = 1
		}
	}
	END { exit bad }' $code || status=1

exit $status
