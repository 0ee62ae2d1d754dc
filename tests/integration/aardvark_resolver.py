#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A scripted DNS server for tests. Usage: aardvark_resolver.py LOG ADDRESS...

Serves port 53 of each address over UDP and TCP. One line of LOG per query:
    transport server source-port id name type flags edns-size option-codes
The first label of the name chooses what happens; the answer to an A query tells who gave it.
"""

import os
import selectors
import socket
import struct
import sys
import time

RCODES = {"formerr": 1, "servfail": 2, "nxdomain": 3, "notimp": 4, "refused": 5}


def parse(query):
    ident, flags = struct.unpack(">HH", query[:4])
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]])
        at += 1 + query[at]
    qtype = struct.unpack(">H", query[at + 1:at + 3])[0]
    question = query[12:at + 5]
    edns, codes = "-", "-"
    rest = query[at + 5:]
    if struct.unpack(">H", query[10:12])[0] and rest[1:3] == b"\0\x29":
        edns = str(struct.unpack(">H", rest[3:5])[0])
        options, found = rest[11:], []
        while options:
            code, length = struct.unpack(">HH", options[:4])
            found.append(str(code))
            options = options[4 + length:]
        codes = ",".join(found) or "-"
    name = ".".join(label.decode("latin-1") for label in labels)
    return ident, flags, name, qtype, question, edns, codes


def record(qtype, ttl, data):
    return b"\xc0\x0c" + struct.pack(">HHIH", qtype, 1, ttl, len(data)) + data


def reply(ident, flags, question, rcode, records, opt=False, aa=0x0400):
    out = struct.pack(">HHHHHH", ident, 0x8080 | aa | (flags & 0x0130) | rcode, 1,
                      len(records), 0, 1 if opt else 0)
    out += question + b"".join(records)
    return out + (b"\0\0\x29\x10\0\0\0\0\0\0\0" if opt else b"")


def other_question(question):
    return b"\x05other" + question[-5:]


def answers(query, me, tcp):
    """The messages to send back, each with a flag: from another port."""
    ident, flags, name, qtype, question, edns, _ = parse(query)
    first = name.split(".")[0].lower()
    opt = edns != "-"
    data = socket.inet_aton(me) if ":" not in me else socket.inet_pton(socket.AF_INET6, me)
    good = [record(1 if len(data) == 4 else 28, 300, data)]
    right = reply(ident, flags, question, 0, good, opt)
    if first in RCODES:
        return [(reply(ident, flags, question, RCODES[first], [], opt), False)]
    if first.startswith("big"):
        many = [record(1, 300, struct.pack(">I", 0x0A000000 + i)) for i in range(int(first[3:]))]
        return [(reply(ident, flags, question, 0, many, opt), False)]
    if first.startswith("ttl"):
        return [(reply(ident, flags, question, 0, [record(1, int(first[3:]), data)], opt), False)]
    if first.startswith("soa"):
        soa = record(6, 900, b"\0\0" + struct.pack(">5I", 1, 2, 3, 4, int(first[3:])))
        out = bytearray(reply(ident, flags, question, 3, [soa], opt))
        out[6:10] = b"\0\0\0\1"
        return [(bytes(out), False)]
    if first == "garbage":
        return [(b"\xff" * 40, False), (right[:20], False)]
    if first == "unknown":
        return [(reply(ident, flags, question, 0, [record(65280, 7, b"\0\xff\1bytes")]), False)]
    if first == "lower":
        return [(reply(ident, flags, question.lower(), 0, good, opt), False)]
    if first == "unasked":
        return [(reply(ident, flags, question, 0, good, True), False)]
    if first == "cut":
        return [(right[:-3], False)]
    if first.startswith("guessed") and not tcp:
        wrong = [record(1, 300, b"\6\6\6\6")]
        return [(reply(ident ^ (1 + i), flags, question, 0, wrong), False)
                for i in range(int(first[7:]))] + [(right, False)]
    if first == "forged":
        wrong = [record(1, 300, b"\6\6\6\6")]
        return [
            (reply(ident ^ 1, flags, question, 0, wrong), False),
            (reply(ident, flags, other_question(question), 0, wrong), False),
            (struct.pack(">HH", ident, 0x0100) +
             reply(ident, flags, question, 0, wrong)[4:], False),
            (reply(ident, flags, question, 0, wrong), True),
            (b"garbage", False), (b"", False), (struct.pack(">H", ident), False),
            (right, False),
        ]
    return [(right, False)]


def main():
    log = open(sys.argv[1], "a", buffering=1)
    select = selectors.DefaultSelector()
    delayed = []

    def note(transport, me, port, query):
        ident, flags, name, qtype, _, edns, codes = parse(query)
        log.write(f"{transport} {me} {port} {ident} {name} {qtype} {flags:04x} {edns} {codes}\n")
        return name.split(".")[0].lower()

    def deliver(sock, peer, me, query):
        for message, elsewhere in answers(query, me, False):
            if not elsewhere:
                sock.sendto(message, peer)
                continue
            with socket.socket(sock.family, socket.SOCK_DGRAM) as other:
                other.bind((me, 0))
                other.sendto(message, peer)

    def on_datagram(sock, me):
        query, peer = sock.recvfrom(65535)
        first = note("udp", me, peer[1], query)
        if first == "silent":
            return
        if first == "slow":
            delayed.append((time.monotonic() + 1, sock, peer, me, query))
            return
        deliver(sock, peer, me, query)

    def on_stream(sock, me):
        head = sock.recv(2, socket.MSG_WAITALL)
        if len(head) < 2:
            select.unregister(sock)
            sock.close()
            return
        query = sock.recv(struct.unpack(">H", head)[0], socket.MSG_WAITALL)
        first = note("tcp", me, sock.getpeername()[1], query)
        if first == "silent":
            return
        for message, elsewhere in answers(query, me, True):
            if not elsewhere and len(message) >= 12:
                if first == "slow":
                    time.sleep(1)
                sock.sendall(struct.pack(">H", len(message)) + message)

    def on_connection(sock, me):
        stream, _ = sock.accept()
        select.register(stream, selectors.EVENT_READ, (on_stream, me))

    for me in sys.argv[2:]:
        address, _, zone = me.partition("%")
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        where = (address, 53)
        if zone:
            where = (address, 53, 0, socket.if_nametoindex(zone))
        udp = socket.socket(family, socket.SOCK_DGRAM)
        udp.bind(where)
        select.register(udp, selectors.EVENT_READ, (on_datagram, address))
        tcp = socket.socket(family, socket.SOCK_STREAM)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        tcp.bind(where)
        tcp.listen(64)
        select.register(tcp, selectors.EVENT_READ, (on_connection, address))
    log.write("ready\n")
    parent = os.getppid()
    while os.getppid() == parent:
        for key, _ in select.select(0.1):
            key.data[0](key.fileobj, key.data[1])
        now = time.monotonic()
        for one in [one for one in delayed if one[0] <= now]:
            delayed.remove(one)
            deliver(*one[1:])


main()
