#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# fetch_firewalld.sh SUITE DIR — unpacks the firewalld of a Debian release into DIR. It is not installed:
# then it would start, and close the ports of the machine that runs the tests.

set -euo pipefail
suite=$1 dir=$2
[[ -e $dir/usr/sbin/firewalld ]] && exit 0

# shellcheck source=tests/archive.bash
. "${BASH_SOURCE[0]%/*}/../archive.bash"
archive_open "$suite"
archive_unpack firewalld python3-firewall
mkdir -p "${dir%/*}"
rm -rf "$dir"
mv "$WORK/root" "$dir"
