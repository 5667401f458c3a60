#!/bin/sh
# SPDX-License-Identifier: ISC
# Builds the project in the bed, for that suite's C library:
#   ns-run -r ROOT -b DIST:/bed/dist -o OUT tests/bed/make
# DIST holds a tarball of the sources (as of "make dist", or of a checkout) and
# "options", what configure is told.
# Leaves the install tree in OUT/dest; OUT/dest/bed/paths says where what is.
set -eux
mkdir /tmp/build
cd /tmp/build
tar -xf /bed/dist/pam_jail-*.tar* --strip-components=1 --no-same-owner
[ ! -e Makefile ] || make -s distclean
[ -x configure ] || ./autogen.sh
options=$(sed "s/MULTIARCH/$(gcc -print-multiarch)/" /bed/dist/options)
# shellcheck disable=SC2086 # options are words
./configure --quiet --enable-werror $options
make -s -j2
rm -rf "$BED_OUT/dest"
make -s install DESTDIR="$BED_OUT/dest"

mkdir -p "$BED_OUT/dest/bed"
cp jail-escape "$BED_OUT/dest/bed/escape"
tests/bed/paths . >"$BED_OUT/dest/bed/paths"
cat "$BED_OUT/dest/bed/paths"
