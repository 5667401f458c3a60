# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # make(1) sets top_srcdir and more
#
# The manual has no mistakes that mandoc(1) can see.

[ "$MANDOC" != : ] || {
	echo "SKIP: no mandoc"
	exit 77
}
cd "$top_srcdir/man" || exit 99
# It looks for the pages that are referred to on this machine: some are ours.
"$MANDOC" -T lint -W warning ./*.[1-8]
