#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""soak_dns.py CONF RESOLV_CONF SECONDS — burdens the server of CONF; run by soak_dns.sh.

A client that behaves asks 200 times a second for a name of a container and for one that another server
knows, and notes how long it waits. Meanwhile
  - one client floods: 2000 questions a second for servers of its own, one silent and one dead, and junk;
  - one client holds connections with half a message on them, and opens new ones as they are closed;
  - the directory changes and is read again ten times a second;
  - the host's servers change every second: a working one alone, or behind a dead one.
The first stretch, "quiet", has the good client only. In the second, "idle", the others are there, but
what they send goes to a port that nobody reads, so that they take the same processor time: its 99th
percentile is what the others are compared with. Then SECONDS of load; its first and last tenth (two
seconds at least) are shown.

Failures: the 99th percentile of a tenth is more than twice that of "idle" (or of "quiet", if that is the
larger one), a question is lost, memory is more than a tenth larger at the end than after the first
tenth, or there are more descriptors.
"""

import multiprocessing
import os
import signal
import socket
import struct
import sys
import time

SERVER = "10.89.0.1"
DNS, NOBODY = 53, 5300


def message(number, name):
    labels = b"".join(bytes([len(part)]) + part for part in name.split(b"."))
    return struct.pack(">HHHHHH", number & 0xFFFF, 0x100, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"


def udp(address, port=DNS):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, 0))
    s.connect((SERVER, port))
    return s


def replace(path, text):
    """In place: resolv.conf is a mount of its own."""
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


# --- The others ---

def flood(port):
    s, number = udp("10.89.0.3", port), 0
    while True:
        for _ in range(20):
            number += 1
            junk = number % 10 == 0
            try:
                s.send(os.urandom(30) if junk else message(number, b"no%d.test" % number))
            except ConnectionRefusedError:
                pass
        time.sleep(0.01)


def stall(port):
    """The server closes such a connection after three seconds."""
    held = []
    while True:
        for s in [s for s in held if s.fileno() >= 0]:
            try:
                if s.recv(100) == b"":
                    s.close()
            except BlockingIOError:
                pass
            except OSError:
                s.close()
        held = [s for s in held if s.fileno() >= 0]
        while len(held) < 50:
            s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            s.bind(("10.89.0.4", 0))
            held.append(s)
            s.settimeout(1)
            try:
                s.connect((SERVER, port))
                s.sendall(b"\0\x30half")
                s.setblocking(False)
            except OSError:
                s.close()
                break
        time.sleep(0.1)


def change(conf, pid):
    number = 0
    while True:
        number += 1
        lines = "".join(f"o{k} 10.77.0.{k}  o{k}\n" for k in range(1, 2 + number % 97))
        replace(conf + "/new", "127.0.1.1\n" + lines)
        os.rename(conf + "/new", conf + "/other")
        if pid:
            os.kill(pid, signal.SIGHUP)
        time.sleep(0.1)


def change_servers(resolv):
    number = 0
    while True:
        number += 1
        dead = ("", "nameserver 127.0.0.12\n", "nameserver 127.0.0.13\n")[number % 3]
        replace(resolv, dead + "nameserver 127.0.0.10\n")
        time.sleep(1)


def serve():
    """The host's working server, and its silent one, which nobody reads."""
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.12", 53))
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.10", 53))
    while True:
        query, peer = s.recvfrom(4096)
        end = query.index(b"\0", 12) + 5
        answer = b"\xc0\x0c\0\1\0\1\0\0\1\x2c\0\4\xc0\0\2\1"
        s.sendto(query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:end] + answer, peer)


def start(function, *args):
    process = multiprocessing.Process(target=function, args=args, daemon=True)
    process.start()
    return process


# --- The one who behaves ---

def behave(seconds):
    """Returns the waits in ms for local names, how many questions were lost, and how many were asked."""
    s, waits, lost, number = udp("10.89.0.2"), [], 0, 0
    s.settimeout(5)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for name in (b"db", b"known%d.test" % (number % 50)):
            number += 1
            begin = time.monotonic()
            s.send(message(number, name))
            try:
                reply = s.recv(4096)
                while struct.unpack(">H", reply[:2])[0] != number & 0xFFFF:
                    reply = s.recv(4096)
            except TimeoutError:
                lost += 1
                continue
            if name == b"db":
                waits.append((time.monotonic() - begin) * 1e3)
        time.sleep(0.01)
    return sorted(waits), lost, number


def stretch(name, seconds, pid):
    waits, lost, asked = behave(seconds)
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        rss = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
    found = {
        "p50": waits[len(waits) // 2] if waits else 0,
        "p99": waits[len(waits) * 99 // 100] if waits else 0,
        "lost": lost,
        "rss": rss,
        "fds": len(os.listdir(f"/proc/{pid}/fd")),
    }
    print(f"{name:8} {seconds:6.0f} s {asked:7d} asked {lost:3d} lost  p50 {found['p50']:7.2f} ms  "
          f"p99 {found['p99']:7.2f} ms  {rss:6d} KiB  {found['fds']:3d} descriptors", flush=True)
    return found


def verdict(idle, stretches):
    first, last = stretches[0], stretches[-1]
    bad = [f"p99 of {one['p99']:.2f} ms, more than twice {idle:.2f} ms"
           for one in (first, last) if one["p99"] > 2 * idle]
    bad += [f"{one['lost']} questions were lost" for one in stretches if one["lost"]]
    if last["rss"] > first["rss"] * 1.1:
        bad.append(f"memory grew from {first['rss']} to {last['rss']} KiB")
    # Connections come and go; each stretch sees those of a moment.
    if last["fds"] > first["fds"] + 20:
        bad.append(f"descriptors grew from {first['fds']} to {last['fds']}")
    return bad


def main():
    conf, resolv, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
    with open(conf + "/aardvark.pid", encoding="ascii") as f:
        pid = int(f.read())
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.bind((SERVER, NOBODY))
    closed = socket.create_server((SERVER, NOBODY), backlog=64)
    start(serve)
    tenth = max(2.0, seconds / 10)
    quiet = stretch("quiet", tenth, pid)
    others = [start(flood, NOBODY), start(stall, NOBODY), start(change, conf, 0)]
    idle = stretch("idle", tenth, pid)
    for process in others:
        process.terminate()
        process.join()
    closed.close()
    start(flood, DNS)
    start(stall, DNS)
    start(change, conf, pid)
    start(change_servers, resolv)
    load = [stretch("first", tenth, pid)]
    if seconds > 2 * tenth:
        load.append(stretch("middle", seconds - 2 * tenth, pid))
    load.append(stretch("last", tenth, pid))
    bad = verdict(max(idle["p99"], quiet["p99"]), load)
    print("\n".join(bad) if bad else "nothing grew, nobody waited longer")
    os.kill(pid, signal.SIGTERM)
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main())
