#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs the parts of the test suite and adds up their results.
#
#   tests/run.sh [--jobs N] [--timeout SECONDS] [--logs DIR] NAME=COMMAND...
#
# Each COMMAND is given to bash and prints TAP (https://testanything.org) on stdout; it may print
# several plans, as a loop over unit test programs does. A part fails if a test fails, and also if
# it prints no plan, fewer or more results than planned, ends with a bad status although no test
# failed, or takes too long: a crash must never look like success.
# The last line is "N passed, N failed, N skipped"; the status is 1 if something failed.

set -uo pipefail

usage() {
	echo "usage: tests/run.sh [--jobs N] [--timeout SECONDS] [--logs DIR] NAME=COMMAND..." >&2
	exit 2
}

jobs=1
limit=900
logs=
while [[ ${1-} == --* ]]; do
	[[ $# -ge 2 ]] || usage
	case $1 in
	--jobs) jobs=$2 ;;
	--timeout) limit=$2 ;;
	--logs) logs=$2 ;;
	*) usage ;;
	esac
	shift 2
done
[[ $# -gt 0 && $jobs =~ ^[1-9][0-9]*$ && $limit =~ ^[1-9][0-9]*$ ]] || usage
for part; do
	[[ $part =~ ^[A-Za-z0-9._-]+=. ]] || usage
done

scratch=
if [[ -z $logs ]]; then
	scratch=$(mktemp -d) || exit 1
	logs=$scratch
fi
mkdir -p "$logs" || exit 1
declare -A running=()

# timeout(1) hands a TERM on to everything the part started.
stop() {
	((${#running[@]})) && kill "${!running[@]}" 2>/dev/null
	wait
	[[ -z $scratch ]] || rm -rf "$scratch"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Leaves <name>.out, <name>.err, <name>.status and <name>.time in the log directory.
run_part() {
	local name=$1 command=$2 from=$EPOCHREALTIME

	CMOCKA_MESSAGE_OUTPUT=TAP timeout --kill-after=10 "$limit" bash -c "$command" \
		>"$logs/$name.out" 2>"$logs/$name.err" </dev/null &
	trap 'kill $! 2>/dev/null' TERM
	wait $!
	echo $? >"$logs/$name.status"
	awk -v a="$from" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f\n", b - a }' >"$logs/$name.time"
}

# TAP on stdin → "planned results passed failed skipped plans" on one line.
# A skipped test is no result of the program under test, whatever word stands before it.
count_tap() {
	awk '
		/^1\.\.[0-9]+/ {
			plans++
			planned += substr($1, 4)
			# A plan of nothing with a reason: the part as a whole was skipped.
			if ($1 == "1..0" && tolower($0) ~ /# *skip/) skipped++
		}
		/^(not )?ok([ \t]|$)/ {
			results++
			if (tolower($0) ~ /# *skip/) skipped++
			else if (/^not/) failed++
			else passed++
		}
		END { print planned + 0, results + 0, passed + 0, failed + 0, skipped + 0, plans + 0 }'
}

# The failed tests with everything printed behind them, up to the next result.
show_failures() {
	awk '
		/^1\.\.[0-9]+/ || /^ok([ \t]|$)/ { show = 0 }
		/^not ok([ \t]|$)/ { show = tolower($0) !~ /# *skip/ }
		show { print "    " $0 }' "$1"
}

# Says on stdout why a part as a whole counts as one failure; says nothing if it does not.
part_trouble() {
	local status=$1 planned=$2 results=$3 failed=$4 plans=$5

	if ((status == 124 || status == 137)); then
		echo "took longer than $limit s or was killed, $results of $planned results"
	elif ((plans == 0)); then
		echo "printed no plan, status $status"
	elif ((results != planned)); then
		echo "$results results instead of $planned, status $status"
	elif ((status != 0 && failed == 0)); then
		echo "ended with status $status although no test failed"
	fi
}

passed_all=0 failed_all=0 skipped_all=0
skips=()

report_part() {
	local name=$1 status planned results passed failed skipped plans trouble line

	status=$(<"$logs/$name.status")
	read -r planned results passed failed skipped plans < <(count_tap <"$logs/$name.out")
	trouble=$(part_trouble "$status" "$planned" "$results" "$failed" "$plans")
	[[ -z $trouble ]] || ((failed++))

	printf '%-20s %6s s  %4d passed, %d failed, %d skipped\n' \
		"$name" "$(<"$logs/$name.time")" "$passed" "$failed" "$skipped"
	if ((failed)); then
		show_failures "$logs/$name.out"
		[[ -z $trouble ]] || echo "    not ok - $name: $trouble"
		[[ -z $trouble ]] || sed 's/^/    out: /' "$logs/$name.out"
		sed 's/^/    err: /' "$logs/$name.err"
	fi
	while IFS= read -r line; do
		skips+=("$name: $line")
	done < <(grep -iE '^((not )?ok|1\.\.0)([[:space:]].*)?# *skip' "$logs/$name.out")

	((passed_all += passed, failed_all += failed, skipped_all += skipped))
}

# Waits for one part to end and reports it.
collect() {
	local pid
	wait -n -p pid "${!running[@]}"
	report_part "${running[$pid]}"
	unset "running[$pid]"
}

for part; do
	((${#running[@]} < jobs)) || collect
	run_part "${part%%=*}" "${part#*=}" &
	running[$!]=${part%%=*}
done
while ((${#running[@]})); do
	collect
done

if ((${#skips[@]})); then
	echo "Skipped:"
	printf '  %s\n' "${skips[@]}"
fi
echo "$passed_all passed, $failed_all failed, $skipped_all skipped"
((failed_all == 0))
