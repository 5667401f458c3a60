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

cat >paths.in <<'EOF'
prefix=@prefix@
exec_prefix=@exec_prefix@
libdir=@libdir@
datarootdir=@datarootdir@
conf_dir=@sysconfdir@/jail
run_dir=@rundir@
state_dir=@localstatedir@/lib/jail
keeper=@libexecdir@/jail-keeper
jailsh=@sbindir@/jailsh
pam_dir=@pamdir@
EOF
./config.status -q --file=paths:paths.in
mkdir -p "$BED_OUT/dest/bed"
cp jail-escape "$BED_OUT/dest/bed/escape"
# Twice, since one variable may name another.
sh -c 'set -a; . ./paths; env' | grep -e '_dir=' -e '^keeper=' -e '^jailsh=' \
	>"$BED_OUT/dest/bed/paths"
cat "$BED_OUT/dest/bed/paths"
