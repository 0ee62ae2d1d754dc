#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2030,SC2031,SC2154 # scripts of jq; variables of bats
#
# Where further options come from: the document, its labels, the environment, netavark.conf; and what is
# said of those that nobody reads.

load helpers

# The host has directories for configuration of its own, all empty.
configuration() {
	host mount -t tmpfs tmpfs /etc/containers
	host mount -t tmpfs tmpfs /usr/share/containers
	unset NETAVARK_CONF XDG_CONFIG_HOME
	export HOME=$BATS_TEST_TMPDIR/home
}

# conf PATH TEXT — a file of the host.
conf() {
	host bash -c 'mkdir -p "${1%/*}" && cat >"$1"' _ "$1" <<<"$2"
}

# announced [OPTION...] — how often the plan of $DOC says that addresses are announced.
announced() {
	host "$NETAVARK" "$@" -f "$DOC" plan | sed -n 's/.*announced to the neighbours: \([0-9]*\) times/\1/p'
}

@test "BU-006 netavark.conf: the more specific channel wins, the later file, the single network" {
	configuration
	local edits=('me.options = {announce: "20"}' 'net.options = {announce: "19"}'
		'net.labels = {"netavark.announce": "18"}')
	export NETAVARK_ANNOUNCE=17
	conf /usr/share/containers/netavark.conf '{"announce": 1}'
	conf /usr/share/containers/netavark.conf.d/50-b.conf '{"announce": 3}'
	conf /usr/share/containers/netavark.conf.d/10-a.conf '{"announce": 2, "hairpin": true}'
	conf /usr/share/containers/netavark.conf.d/90-c.txt '{"announce": 99}'
	conf /etc/containers/netavark.conf '{"announce": "4"}'
	conf "$HOME/.config/containers/netavark.conf" '{"announce": 5}'
	conf "$BATS_TEST_TMPDIR/only.conf" '{"networks": {"web": {"announce": 6}, "back": {"announce": 7}}, "announce": 8}'
	document one "${edits[0]} | ${edits[1]} | ${edits[2]}"
	equal "$(announced)" 20
	document one "${edits[1]} | ${edits[2]}"
	equal "$(announced)" 19
	document one "${edits[2]}"
	equal "$(announced)" 18
	document one .
	equal "$(announced)" 17
	unset NETAVARK_ANNOUNCE
	NETAVARK_CONF=$BATS_TEST_TMPDIR/only.conf
	export NETAVARK_CONF
	equal "$(announced)" 6
	NETAVARK_CONF=/nonexistent
	equal "$(announced)" ""
	unset NETAVARK_CONF
	equal "$(announced)" 4
	equal "$(announced --rootless true)" 5
	host rm /etc/containers/netavark.conf
	equal "$(announced)" 3
	# One network is more specific than all, whichever file says so.
	conf /usr/share/containers/netavark.conf '{"networks": {"web": {"announce": 9}}}'
	conf /etc/containers/netavark.conf '{"announce": "4"}'
	equal "$(announced)" 9
}

@test "BU-009 netavark.conf: one that is missing is nothing, one that is broken is an error with its place" {
	configuration
	local file=/etc/containers/netavark.conf
	document one .
	netavark -f "$DOC" plan
	equal "$status" 0
	remember
	conf $file $'{\n  "announce": 1,\n}'
	netavark -f "$DOC" setup /run/netns/c1
	refused_like "$file: *at line 3 column 1"
	conf $file '[]'
	netavark -f "$DOC" setup /run/netns/c1
	refused_like "invalid type: sequence, expected a map at / (line 1 column 1) of $file"
	conf $file $'{"networks": {"web":\n  {"announce": [1]}}}'
	netavark -f "$DOC" setup /run/netns/c1
	refused_like "invalid type: sequence, expected a string at /networks/web/announce (line 2 column 16) of $file"
	conf $file '{"announce": "many"}'
	netavark -f "$DOC" setup /run/netns/c1
	refused_like "invalid announce \"many\": expected a number from 0 to 20 at /announce (line 1 column 14) of $file"
	nothing_changed
	# Who cannot be read says nothing: a directory in the place of the file.
	host rm $file
	host mkdir $file
	attach c1
	# A container goes whatever has become of the file since.
	host rmdir $file
	conf $file '{'
	detach_noisily
	equal "$(link_names)" lo
}

detach_noisily() {
	netavark -f "$DOC" teardown /run/netns/c1
	equal "$status $output" "0 "
	[[ $stderr == *"/etc/containers/netavark.conf: "* ]]
}

# setup_warns PATTERN... — a setup that succeeds, with exactly these warnings.
setup_warns() {
	netavark -f "$DOC" setup /run/netns/c1
	equal "$status" 0
	local pattern number=0
	for pattern; do
		# shellcheck disable=SC2053 # it is a pattern
		[[ ${stderr_lines[number]-} == $pattern ]] || equal "${stderr_lines[number]-}" "$pattern"
		number=$((number + 1))
	done
	equal "${#stderr_lines[@]}" $#
	netavark -f "$DOC" teardown /run/netns/c1
	equal "$status $output$stderr" "0 "
}

@test "BU-007 unknown options, labels and keys are warned of, with the key that may be meant; strict_options refuses them" {
	configuration
	document one 'net.options = {isolat: "true", "com.docker.network.bridge.enable_icc": "true", wholly_different: "1"} |
		net.labels = {"netavark.anounce": "1", "com.example": "x", netavark: "y"} | me.options = {host_interface_nam: "h0", hairpin: "1"}'
	conf /etc/containers/netavark.conf '{"conntrac_flush": true, "networks": {"web": {"loopback_gard": true}, "other": {"nonsense": 1}}}'
	setup_warns \
		'*WARN*unknown key "conntrac_flush", did you mean "conntrack_flush"? at /conntrac_flush (line 1 column *) of /etc/containers/netavark.conf' \
		'*WARN*unknown option "host_interface_nam", did you mean "host_interface_name"? at /networks/web/options/host_interface_nam (line 1 column *)' \
		'*WARN*unknown option "isolat", did you mean "isolate"? at /network_info/web/options/isolat (line 1 column *)' \
		'*WARN*unknown option "wholly_different" at /network_info/web/options/wholly_different (line 1 column *)' \
		'*WARN*unknown label "netavark.anounce", did you mean "netavark.announce"? at /network_info/web/labels/netavark.anounce (line 1 column *)' \
		'*WARN*unknown key "loopback_gard", did you mean "loopback_guard"? at /networks/web/loopback_gard (line 1 column *) of /etc/containers/netavark.conf'
	NETAVARK_LOG=off setup_warns
	netavark -f "$DOC" plan
	equal "$status $stderr" "0 "
	remember
	conf /etc/containers/netavark.conf '{"strict_options": true}'
	netavark -f "$DOC" setup /run/netns/c1
	refused_like 'unknown option "host_interface_nam", did you mean "host_interface_name"? at /networks/web/options/host_interface_nam *'
	conf /etc/containers/netavark.conf '{"strict_options": true, "hairpn": 1}'
	netavark -f "$DOC" setup /run/netns/c1
	refused_like 'unknown key "hairpn", did you mean "hairpin"? at /hairpn *'
	conf /etc/containers/netavark.conf '{}'
	document one 'net.labels = {"netavark.strict_options": "true", "netavark.anounce": "1"}'
	netavark -f "$DOC" setup /run/netns/c1
	refused_like 'unknown label "netavark.anounce"*'
	nothing_changed
}

@test "check: netavark.conf" {
	local file=$BATS_TEST_TMPDIR/netavark.conf
	cat >"$file" <<-'END'
		{"announce": 99, "hairpn": true, "icc": "maybe", "enable_icc": false,
		 "networks": {"web": {"conntrack_flush": [], "gateway_priority": 7}, "back": 5}}
	END
	run --separate-stderr "$NETAVARK" check --kind=conf -j -f "$file"
	equal "$status $stderr" "3 "
	valid netavark-check <<<"$output"
	equal "$(jq -r '.problems[] | "\(.severity) \(.pointer) \(.line):\(.column)"' <<<"$output")" \
'error /announce 1:14
warning /hairpn 1:28
error /icc 1:41
error /networks/web/conntrack_flush 2:42
error /networks/back 2:78'
	run "$TREE/tests/schema/check_schemas.py" --validate netavark-conf "$file"
	equal "$status" 1
	echo '{"announce": "2", "icc": false, "networks": {"web": {"gateway_priority": 7}}}' >"$file"
	run --separate-stderr "$NETAVARK" check --kind=conf -f "$file"
	equal "$status $output" "0 $file: 0 errors, 0 warnings"
	valid netavark-conf <"$file"
}
