# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # make(1) sets top_srcdir and more
#
# Every trap of tests/login/traps has a test, and every test named there is
# there.

cd "$top_srcdir" || exit 99
awk '
	/^#/ || NF == 0 { next }
	/^[0-9]/ {
		if (trap != "" && !tests)
			fail(trap ": no test")
		if ($1 != ++number)
			fail($0 ": number " number " is missing")
		trap = $0
		tests = 0
		next
	}
	{
		file = $1
		sub(/:$/, "", file)
		tests++
		if (system("grep -qw -e " $2 " " file) != 0)
			fail(file ": no " $2)
	}
	function fail(text) { print "FAIL: " text; failed = 1 }
	END {
		if (!tests || number != 35)
			fail("traps end at " number)
		exit failed
	}' tests/login/traps
