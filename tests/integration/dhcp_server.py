#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A DHCP server that does what a test tells it to, well or badly.

    dhcp_server.py INTERFACE ORDERS LOG

ORDERS is a JSON file that is read anew for every message:
    address, mask, server, router, lease, t1, t2   what is granted; a missing key: the option is left out
    options     {"<number>": "<hex>"}, further options
    reply       {"<type of message>": "offer" | "ack" | "nak" | "silent" | "broken"}, else what is usual
    delay_ms    before every reply
LOG gets a line of JSON for every message that came in.
"""

import json
import socket
import struct
import sys
import time

MAGIC = bytes([99, 130, 83, 99])
TYPES = {1: "discover", 3: "request", 4: "decline", 7: "release", 8: "inform"}
NUMBERS = {"offer": 2, "ack": 5, "nak": 6}


def parse_options(data):
    options, i = {}, 0
    while i < len(data) and data[i] != 255:
        if data[i] == 0:
            i += 1
            continue
        options[data[i]] = data[i + 2 : i + 2 + data[i + 1]]
        i += 2 + data[i + 1]
    return options


def option(number, value):
    return bytes([number, len(value)]) + value


def address_option(number, text):
    return option(number, b"".join(socket.inet_aton(a) for a in text.split()))


def build(request, orders, kind):
    yiaddr = "0.0.0.0" if kind == "nak" else orders["address"]
    message = bytearray(request[:236])
    message[0] = 2
    message[12:16] = request[12:16] if kind == "ack" else bytes(4)
    message[16:20] = socket.inet_aton(yiaddr)
    message[20:24] = socket.inet_aton(orders["server"])
    message[44:236] = bytes(192)
    message += MAGIC + option(53, bytes([NUMBERS[kind]])) + address_option(54, orders["server"])
    if kind == "nak":
        return bytes(message) + b"\xff"
    for key, number in ("lease", 51), ("t1", 58), ("t2", 59):
        if key in orders:
            message += option(number, struct.pack(">I", orders[key]))
    for key, number in ("mask", 1), ("router", 3), ("dns", 6):
        if key in orders:
            message += address_option(number, orders[key])
    for number, value in orders.get("options", {}).items():
        message += option(int(number), bytes.fromhex(value))
    return bytes(message) + b"\xff"


def describe(message, options, sender):
    kind = TYPES.get(options.get(53, b"\0")[0], "?")
    return {
        "type": kind,
        "xid": message[4:8].hex(),
        "broadcast": bool(message[10] & 0x80),
        "ciaddr": socket.inet_ntoa(message[12:16]),
        "mac": message[28:34].hex(":"),
        "from": sender[0],
        "options": {str(n): v.hex() for n, v in options.items()},
    }


def receive(server):
    message, control, _, sender = server.recvmsg(4096, 256)
    _, _, data = control[0]  # struct in_pktinfo
    return message, sender, socket.inet_ntoa(data[8:12])


def main():
    interface, orders_path, log_path = sys.argv[1:]
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
    server.setsockopt(socket.IPPROTO_IP, 8, 1)  # IP_PKTINFO
    server.bind(("", 67))
    log = open(log_path, "a", buffering=1, encoding="ascii")
    log.write('{"type": "ready"}\n')
    while True:
        message, sender, to = receive(server)
        options = parse_options(message[240:])
        seen = describe(message, options, sender)
        seen["to"] = to
        with open(orders_path, encoding="ascii") as f:
            orders = json.load(f)
        usual = {"discover": "offer", "request": "ack"}.get(seen["type"], "silent")
        # One that is asked for an address it does not grant says so.
        held = seen["ciaddr"] if seen["ciaddr"] != "0.0.0.0" else None
        if usual == "ack" and held and held != orders["address"]:
            usual = "nak"
        seen["reply"] = orders.get("reply", {}).get(seen["type"], usual)
        log.write(json.dumps(seen) + "\n")
        if seen["reply"] == "silent":
            continue
        time.sleep(orders.get("delay_ms", 0) / 1000)
        if seen["reply"] == "broken":
            reply = build(message, orders, "offer")[:243] + b"\x35\xff\x02"
        else:
            reply = build(message, orders, seen["reply"])
        to = held if held and seen["reply"] == "ack" else "255.255.255.255"
        server.sendto(reply, (to, 68))


main()
