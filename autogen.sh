#!/bin/sh
# Makes configure; needs autoconf, automake and autoconf-archive.
set -e
cd "$(dirname "$0")"
mkdir -p m4
exec autoreconf --force --install
