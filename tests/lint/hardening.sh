# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # make(1) sets top_srcdir and more
#
# What configure asks of the compiler and the linker is there in the files as
# "make install" leaves them.  They are found, not named, so that a new program
# is looked at, too.

cd "$top_builddir" || exit 99
grep -q '^HARDEN_CPPFLAGS = .*FORTIFY' Makefile || {
	echo "SKIP: configured with --disable-hardening"
	exit 77
}
status=0

fail() {
	echo "FAIL: $file: $*"
	status=1
}

elf() { # OPTION: what readelf(1) says of the file
	LC_ALL=C "${READELF:-readelf}" "-W$1" "$file"
}

check_every() {
	elf l | grep -q 'GNU_STACK.* RW  *0x' ||
		fail "its stack may be executed, or nothing is said of that"
	! elf l | grep -q 'LOAD.* RWE ' ||
		fail "memory that may be written and executed"
	elf l | grep -q GNU_RELRO || fail "no read-only relocations"
	"$NM" "$file" | grep -q ' __stack_chk_fail' ||
		fail "no stack protector"
	"$NM" "$file" | grep -q -E ' __v?snprintf_chk' ||
		fail "no fortified functions"
}

# A static program has nothing that would be bound later.
check_dynamic() {
	elf d | grep -q 'FLAGS_1.* NOW' || fail "functions are bound lazily"
	! elf d | grep -q -e TEXTREL -e RPATH -e RUNPATH ||
		fail "text relocations, or a path of its own for libraries"
	elf h | grep -q 'Type: *DYN' || fail "not position independent"
}

dest=$(mktemp -d) || exit 99
trap 'rm -rf "$dest"' EXIT
MAKEFLAGS='' "${MAKE:-make}" -s install DESTDIR="$dest" >"$dest/log" 2>&1 || {
	cat "$dest/log"
	exit 1
}
find "$dest" -type f -exec sh -c '
	for file; do
		! head -c 4 "$file" | grep -q "^.ELF" || echo "$file"
	done' sh {} + >"$dest/elf"
while IFS= read -r file; do
	check_every
	! elf d | grep -q NEEDED || check_dynamic
done <"$dest/elf"

# Each of these is one of them.
for name in pam_jail.so jailconf jailsh jail-keeper jail-broker jail-ask; do
	grep -q "/$name\$" "$dest/elf" || {
		echo "FAIL: $name is not installed, or no program"
		status=1
	}
done
exit $status
