# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # make(1) sets top_srcdir and more
#
# No system call that the kernel's headers here know is newer than those that
# policy/syscalls.h says were looked at.

cd "$top_srcdir" || exit 99

known() { # one "NUMBER NAME" a line
	echo '#include <asm/unistd.h>' | ${CC:-cc} -E -dM - |
		sed -n 's/^#define __NR_\([a-z][a-z0-9_]*\) \([0-9][0-9]*\)$/\2 \1/p' |
		sort -n
}

reviewed=$(sed -n 's/.*SYSCALLS_REVIEWED = \([0-9]*\).*/\1/p' policy/syscalls.h)
[ -n "$reviewed" ] || {
	echo "FAIL: policy/syscalls.h has no number"
	exit 1
}
[ "$(known | wc -l)" -gt 300 ] || {
	echo "SKIP: the kernel's headers tell no numbers"
	exit 77
}
first=$(known | awk '$2 == "pidfd_send_signal" { print $1 }')
newer=$(known | awk -v last="$((reviewed - 424 + first))" '$1 > last')
[ -z "$newer" ] || {
	echo "FAIL: nobody has looked at these; policy/syscalls.h says what to do:"
	echo "$newer"
	exit 1
}
