# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # make(1) sets top_srcdir and more
#
# SECURITY names for every promise tests that there are, and every attempt of
# tests/escape is about a promise.

cd "$top_srcdir" || exit 99
status=0
promises=29

fail() {
	echo "FAIL: $*"
	status=1
}

# "NAME PROMISE" of each attempt: strings in the tables, two in a row.
attempts=$(tr '\n' ' ' <<-END | grep -o '{ *"[a-z]*\.[a-z0-9-]*", *"S[0-9]*"' |
	$(cat tests/escape/*.c)
END
	sed 's/[{",]//g; s/^ *//; s/  */ /')
[ "$(echo "$attempts" | wc -l)" -ge 100 ] || fail "fewer than 100 attempts"
doubled=$(echo "$attempts" | cut -d ' ' -f 1 | sort | uniq -d)
[ -z "$doubled" ] || fail "two attempts of one name: $doubled"

set -f # a "*" is one
# Whether an attempt has the name PATTERN, where "*" stands for any end.
is_attempt() {
	case $1 in
	*\*) echo "$attempts" | cut -d ' ' -f 1 | grep -q "^${1%\*}" ;;
	*) echo "$attempts" | cut -d ' ' -f 1 | grep -qxF -e "$1" ;;
	esac
}

# The words of one promise, up to the next.
words_of() { # S1
	sed -n "/^$1	/,/^\(S[0-9]*	\|\$\)/p" SECURITY |
		sed "1s/^$1	//; 1!{/^[^	]/d; }" | tr '\t' '\n' | tr ' ' '\n'
}

i=1
while [ "$i" -le "$promises" ]; do
	tests=0
	for word in $(words_of "S$i" | grep -e '^tests/' \
		-e '^[a-z]*\.[a-z0-9*][a-z0-9-]*\*\{0,1\}$' -e '^[a-z]*\.\*$'); do
		tests=$((tests + 1))
		case $word in
		tests/*) [ -f "$word" ] || fail "S$i: no test $word" ;;
		*) is_attempt "$word" || fail "S$i: no attempt $word" ;;
		esac
	done
	[ "$tests" -gt 0 ] || fail "S$i has no test"
	i=$((i + 1))
done

echo "$attempts" | while read -r name promise; do
	grep -q "^$promise	" SECURITY ||
		echo "$name is about $promise, which is not promised"
done | grep . && status=1

# What is expected to leak is an attempt, and has a reason.
while read -r jail name why; do
	case $jail in "" | \#*) continue ;; esac
	is_attempt "$name" || fail "expected: no attempt $name"
	[ -n "$why" ] || fail "expected: $name: no reason"
done <tests/escape/expected

exit $status
