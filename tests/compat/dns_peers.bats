#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The answers of our aardvark-dns beside those of a newer Debian's. PEER is a tree made by fetch_peer.sh.

load ../integration/aardvark
load dns

@test "beside the aardvark-dns of another release the answers differ only as listed" {
	[[ -n ${PEER-} && -x $PEER/aardvark-dns ]] ||
		skip "no other aardvark-dns: PEER=${PEER-} is not a tree made by tests/compat/fetch_peer.sh"
	local version
	version=$("$PEER/aardvark-dns" --version)
	version=${version##* }
	differs_as_listed "$(realpath "$PEER/aardvark-dns")" "${version%.*}"
}
