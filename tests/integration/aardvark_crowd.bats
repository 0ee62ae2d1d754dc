#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The server under many netavarks at once.
# shellcheck disable=SC2016 # the dollars are of the script on the host

load helpers

@test "AV-054 after a crowd of setups and teardowns the names are those of the files" {
	local i
	for i in {1..20}; do
		document "crowd$i" "dns | v4 | .container_id = \"c0ffee$((100 + i))\" | .container_name = \"n$i\" |
			me.static_ips = [\"10.71.0.$((100 + i))\"]"
	done
	host_script "$NETAVARK" "$AARDVARK" "$CONFIG" "$BATS_TEST_TMPDIR" <<-'EOF'
		run() { # COMMAND NUMBER
			timeout 40 "$netavark" --config "$config" --aardvark-binary="$aardvark" \
				--file "$dir/crowd$2.json" "$1" "/run/netns/crowd$2" >/dev/null
		}
		all() { # COMMAND NUMBER... — at once; all must succeed
			local pids=() pid command=$1
			shift
			for i; do
				run "$command" "$i" &
				pids+=($!)
			done
			for pid in "${pids[@]}"; do wait "$pid"; done
		}
		# Waits for the last signal to be heard: the server must know exactly those names.
		names() {
			local expected actual end=$((SECONDS + 10))
			expected=$(printf 'n%s\n' "$@" | sort)
			until
				actual=$("$aardvark" -c "$config/aardvark-dns" dump --json | jq -r '.networks[].hosts[].names[0]' | sort)
				[[ $actual == "$expected" ]]
			do
				((SECONDS < end)) || { diff <(echo "$expected") <(echo "$actual"); return 1; }
			done
			[[ $(pgrep -cx aardvark-dns) == 1 ]]
		}
		netavark=$1 aardvark=$2 config=$3 dir=$4
		for i in {1..20}; do ip netns add "crowd$i"; done
		all setup {1..20}
		names {1..20}
		dig +short +time=1 +tries=2 @10.71.0.1 n20 | grep -qx 10.71.0.120
		# Half of them go while others come.
		all teardown {1..10}
		names {11..20}
		for i in 1 3 5 7 9; do run setup "$i" & done
		for i in 12 14 16 18 20; do run teardown "$i" & done
		wait
		names 1 3 5 7 9 11 13 15 17 19
		all teardown 1 3 5 7 9 11 13 15 17 19
		end=$((SECONDS + 5))
		while pgrep -x aardvark-dns >/dev/null; do ((SECONDS < end)) || exit 1; done
		[[ -z $(ls "$config/aardvark-dns") ]]
	EOF
}
