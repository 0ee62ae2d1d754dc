# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for tjalk(1), netavark(1), netavark-dhcp-proxy-client(8) and aardvark-dns(8)
#
# The words are taken from the programs' own usage texts, so that they cannot drift apart.

_netavark_words() { # PROGRAM [COMMAND] → its options and commands, one a line
	"$1" help ${2+"$2"} 2>/dev/null | awk '
		/^[A-Z][A-Za-z ]*:$/ { part = $1 }
		part == "Commands:" && /^  [a-z]/ { print $1 }
		part == "Options:" { for (i = 1; i <= 2; i++) if ($i ~ /^--/) print $i }'
}

_netavark() {
	local program=$1 word=$2 previous=$3 i command=
	local -a commands
	COMPREPLY=()
	case $previous in
	-f | --file | -a | --aardvark-binary | --uds)
		compopt -o default
		return
		;;
	-c | --config | --plugin-directory | --ipam-dir | -d | --dir)
		compopt -o default -o dirnames
		return
		;;
	-r | --rootless)
		mapfile -t COMPREPLY < <(compgen -W "true false" -- "$word")
		return
		;;
	--kind)
		mapfile -t COMPREPLY < <(compgen -W "setup create conf" -- "$word")
		return
		;;
	--color)
		mapfile -t COMPREPLY < <(compgen -W "auto always never" -- "$word")
		return
		;;
	--firewall-driver)
		mapfile -t COMPREPLY < <(compgen -W "nftables iptables none" -- "$word")
		return
		;;
	esac
	mapfile -t commands < <(_netavark_words "$program" | grep -v '^-')
	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ " ${commands[*]} " == *" ${COMP_WORDS[i]} "* ]] && command=${COMP_WORDS[i]} && break
	done
	if [[ $command == setup || $command == teardown ]] && [[ $word != -* ]]; then
		compopt -o default
		[[ -n $word ]] || mapfile -t COMPREPLY < <(compgen -G "/run/netns/*")
		return
	fi
	mapfile -t COMPREPLY < <(compgen -W "$(_netavark_words "$program" ${command:+"$command"})" -- "$word")
}

# The words of tjalk come from its own tables.
_tjalk() {
	local program=$1 word=$2 previous=$3 i words=() next
	COMPREPLY=()
	case $previous in
	--root | --runroot | --config | --rootfs | --volume | -v | --cidfile | --env-file | --label-file | --pidfile)
		compopt -o default -o dirnames
		return
		;;
	--network | --net)
		mapfile -t COMPREPLY < <(compgen -W "none host $("$program" network ls -q 2>/dev/null)" -- "$word")
		return
		;;
	esac
	for ((i = 1; i < COMP_CWORD; i++)); do
		[[ ${COMP_WORDS[i]} == -* ]] && continue
		next=$("$program" __words "${words[@]}" 2>/dev/null)
		grep -qxF -e "${COMP_WORDS[i]}" <<<"$next" && words+=("${COMP_WORDS[i]}")
	done
	next=$("$program" __words "${words[@]}" 2>/dev/null)
	if ((${#words[@]})) && [[ $word != -* ]]; then
		case ${words[*]} in
		*network*) next+=" $("$program" network ls -q 2>/dev/null)" ;;
		esac
		next+=" $("$program" ps -a --format '{{.Names}}' 2>/dev/null)"
	fi
	mapfile -t COMPREPLY < <(compgen -W "$next" -- "$word")
}

complete -F _tjalk tjalk
complete -F _netavark netavark netavark-dhcp-proxy-client aardvark-dns
