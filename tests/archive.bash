# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Packages of any Debian release, unpacked and not installed. apt works on lists and a package database of
# its own. The archive is the one the machine uses.

# archive_open SUITE — from now on apt means that release. Sets WORK, which goes when the shell ends.
archive_open() {
	local archive
	# shellcheck disable=SC2016 # apt expands it
	archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m1 '/debian/\?$') ||
		{ echo "no Debian archive among the machine's sources" >&2; return 1; }
	WORK=$(mktemp -d)
	trap 'rm -rf "$WORK"' EXIT
	mkdir -p "$WORK"/{etc/apt.conf.d,etc/preferences.d,lists/partial,archives/partial,debs,root}
	: >"$WORK/status"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive $1 main" >"$WORK/sources.list"
	cat >"$WORK/apt.conf" <<-END
		Dir::Etc "$WORK/etc";
		Dir::Etc::sourcelist "$WORK/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::State::lists "$WORK/lists";
		Dir::State::status "$WORK/status";
		Dir::Cache::archives "$WORK/archives";
		APT::Sandbox::User "root";
		# A mirror that is not updated any more is as good as any for this.
		Acquire::Check-Valid-Until "false";
	END
	export APT_CONFIG=$WORK/apt.conf
	apt-get -qq update
}

# archive_unpack PACKAGE... — into $WORK/root.
archive_unpack() {
	local deb
	(cd "$WORK/debs" && apt-get -qq download "$@")
	for deb in "$WORK"/debs/*.deb; do
		dpkg-deb --extract "$deb" "$WORK/root"
	done
}
