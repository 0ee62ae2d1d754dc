#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A thousand queries of known kinds, for the test of the counters. Each waits for its answer."""

import socket
import struct

SERVER = ("10.89.0.1", 53)


def question(name, qtype):
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return labels + b"\0" + struct.pack(">HH", qtype, 1)


def client(kind, source=None):
    s = socket.socket(socket.AF_INET, kind)
    if source:
        s.bind((source, 0))
    s.settimeout(5)
    s.connect(SERVER)
    return s


def ask(s, name, qtype, times):
    for number in range(times):
        message = struct.pack(">HHHHHH", number, 0x100, 1, 0, 0, 0) + question(name, qtype)
        if s.type == socket.SOCK_STREAM:
            s.sendall(struct.pack(">H", len(message)) + message)
            length = struct.unpack(">H", s.recv(2, socket.MSG_WAITALL))[0]
            reply = s.recv(length, socket.MSG_WAITALL)
        else:
            s.send(message)
            reply = s.recv(4096)
        assert struct.unpack(">H", reply[:2])[0] == number


host = client(socket.SOCK_DGRAM)
db = client(socket.SOCK_DGRAM, "10.89.0.2")
ask(host, "db", 1, 380)
ask(host, "no.dns.podman", 1, 100)
ask(host, "x.test", 1, 100)  # one to the server, the rest from the cache
ask(host, "refused.test", 1, 20)
ask(db, "db", 28, 200)
ask(client(socket.SOCK_STREAM, "10.89.0.2"), "2.0.89.10.in-addr.arpa", 12, 100)
ask(host, "db", 15, 99)
host.send(struct.pack(">HHHHHH", 1, 0x100, 2, 0, 0, 0))  # two questions, and neither is there
host.recv(512)
for junk in (b"", b"short", struct.pack(">HHHHHH", 1, 0x8000, 0, 0, 0, 0)):
    host.send(junk)
