#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# fetch_kernel.sh SUITE DIR — unpacks the kernel of a Debian release into DIR for vmtest. It is the
# flavour for clouds, which is small and has every network driver. Nothing is installed.

set -euo pipefail
suite=$1 dir=$2

[[ -e $dir/version ]] && exit 0

# shellcheck source=tests/archive.bash
. "${BASH_SOURCE[0]%/*}/../archive.bash"
archive_open "$suite"
# The package of the newest one names it.
image=$(apt-cache depends linux-image-cloud-amd64 | awk '$1 == "Depends:" && $2 ~ /^linux-image-[0-9]/ { print $2 }')
archive_unpack "$image"
root=$WORK/root
[[ -d $root/lib ]] || ln -s usr/lib "$root/lib"
version=$(ls "$root/lib/modules")
ln -s "boot/vmlinuz-$version" "$root/vmlinuz"
depmod -b "$root" "$version"
echo "$version" >"$root/version"
mkdir -p "${dir%/*}"
rm -rf "$dir"
mv "$root" "$dir"
