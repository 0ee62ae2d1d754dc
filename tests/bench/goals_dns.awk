# SPDX-License-Identifier: GPL-2.0-or-later
#
# The goals of bench_dns.sh: reads its lines (name size kind round qps us rss p50 p99, or name size
# "reload" round ms) and prints what is to be reached, the best that was reached, and pass or miss.
# "-": the run has not measured it.

function keep(what, value, low) {
	if (!(what in best) || (low ? value < best[what] : value > best[what]))
		best[what] = value
}

function goal(text, limit, got, low,    said) {
	said = got == "" ? "-" : (low ? got <= limit : got >= limit) ? "pass" : "miss"
	printf "| %s | %s %s | %s | %s |\n", text, low ? "at most" : "at least", limit, got == "" ? "-" : sprintf("%.2f", got), said
}

# The dearest of the local kinds, each at its best.
function dearest(size,    i, most, kind) {
	split("hit miss ptr", kind, " ")
	for (i = 1; i <= 3; i++)
		if ((first, size, kind[i], "us") in best && best[first, size, kind[i], "us"] > most)
			most = best[first, size, kind[i], "us"]
	return most
}

function ratio(what, size, kind, other) {
	if (!((other, size, kind, what) in best) || !best[other, size, kind, what])
		return ""
	return best[first, size, kind, what] / best[other, size, kind, what]
}

$3 == "reload" { keep($1 SUBSEP $2 SUBSEP "reload", $5, 1); next }
{
	keep($1 SUBSEP $2 SUBSEP $3 SUBSEP "qps", $5, 0)
	keep($1 SUBSEP $2 SUBSEP $3 SUBSEP "us", $6, 1)
	keep($1 SUBSEP $2 SUBSEP "rss", $7, 1)
	if ($8) keep($1 SUBSEP $2 SUBSEP $3 SUBSEP "p50", $8, 1)
	if ($9) keep($1 SUBSEP $2 SUBSEP $3 SUBSEP "p99", $9, 1)
	sizes[$2] = 1
}

END {
	print "| goal | value | got | |"
	print "| --- | --- | --- | --- |"
	n = split("1 100 1000 10000", list, " ")
	for (i = 1; i <= n; i++)
		if (list[i] in sizes)
			goal("µs of processor for a local query, " list[i] " names", 2.2, dearest(list[i]), 1)
	if (dearest(1) && dearest(10000))
		goal("the same, 10000 names to 1", 1.2, dearest(10000) / dearest(1), 1)
	for (i = 1; i <= n; i++)
		if (list[i] in sizes) {
			goal("hits, ours to debian13, " list[i] " names", 2, ratio("qps", list[i], "hit", "debian13"), 0)
			goal("µs of processor for a forwarded query, " list[i] " names", 15, best[first, list[i], "uncached", "us"], 1)
			goal("p50 of hits, ours to echo, " list[i] " names", 1.2, ratio("p50", list[i], "hit", "echo"), 1)
			goal("p99 of hits, ours to echo, " list[i] " names", 1.5, ratio("p99", list[i], "hit", "echo"), 1)
		}
	split("1 2560 1000 2765 10000 4096", memory, " ")
	split("1 0.5 1000 1.5 10000 10", reload, " ")
	for (i = 1; i <= 5; i += 2)
		if (memory[i] in sizes) {
			goal("KiB at start, " memory[i] " names", memory[i + 1], best[first, memory[i], "rss"], 1)
			goal("ms of a reload, " reload[i] " names", reload[i + 1], best[first, reload[i], "reload"], 1)
		}
}
