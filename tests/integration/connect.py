#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Connections for the firewall tests.

    connect.py serve PORT...             answers every line on these ports with the address it came
                                         from; says "ready" first
    connect.py ask PROTOCOL ADDRESS PORT sends a line and prints the answer
    connect.py hold PROTOCOL ADDRESS PORT  the same for each line of stdin, on one connection
    connect.py reach PORT ADDRESS...     prints those addresses that answer over TCP
    connect.py send ADDRESS PORT         sends datagrams from one port, one every 5 ms, until it is
                                         killed: each holds the time, which is printed, too
    connect.py receive PORT              prints the content of the datagrams that come; says "ready"
                                         first

PROTOCOL is tcp, udp or sctp. What does not answer in time is an error.
"""

import errno
import os
import selectors
import socket
import sys
import threading
import time

PATIENCE = 3 * int(os.environ.get("SLOWNESS", 1))  # seconds; only what does not answer takes them
KINDS = {
    "tcp": (socket.SOCK_STREAM, socket.IPPROTO_TCP),
    "udp": (socket.SOCK_DGRAM, socket.IPPROTO_UDP),
    "sctp": (socket.SOCK_STREAM, socket.IPPROTO_SCTP),
}


def answer_stream(connection, peer):
    with connection:
        while connection.recv(100):
            connection.sendall(f"{peer[0]}\n".encode())


def answer(server):
    if server.type == socket.SOCK_STREAM:
        threading.Thread(target=answer_stream, args=server.accept(), daemon=True).start()
        return
    _, peer = server.recvfrom(100)
    server.sendto(f"{peer[0]}\n".encode(), peer)


def listen(family, kind, port):
    server = socket.socket(family, *kind)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    server.bind(("", int(port)))
    if server.type == socket.SOCK_STREAM:
        server.listen(64)
    return server


def serve(ports):
    selector = selectors.DefaultSelector()
    for port in ports:
        for family in (socket.AF_INET, socket.AF_INET6):
            for kind in KINDS.values():
                try:
                    selector.register(listen(family, kind, port), selectors.EVENT_READ)
                except OSError as error:
                    if error.errno != errno.EPROTONOSUPPORT:  # SCTP: not every kernel
                        raise
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            answer(key.fileobj)


def connect(kind, address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    client = socket.socket(family, *kind)
    client.settimeout(PATIENCE)
    client.connect((address, int(port)))
    return client


def exchange(client):
    client.send(b"hello\n")
    text = client.recv(100).decode()
    if not text:
        raise OSError("closed without an answer")
    return text.strip()


def ask(protocol, address, port):
    print(exchange(connect(KINDS[protocol], address, port)))


def hold(protocol, address, port):
    client = connect(KINDS[protocol], address, port)
    for _ in sys.stdin:
        print(exchange(client), flush=True)


def reach(port, addresses):
    found = set()

    def attempt(address):
        try:
            exchange(connect(KINDS["tcp"], address, port))
            found.add(address)
        except OSError:
            pass

    threads = [threading.Thread(target=attempt, args=(a,)) for a in addresses]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(" ".join(a for a in addresses if a in found))


def send(address, port):
    client = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    while True:
        now = f"{time.monotonic():.6f}"
        try:
            client.sendto(now.encode(), (address, int(port)))
            print(now, flush=True)
        except OSError:
            pass  # nobody is there yet
        time.sleep(0.005)


def receive(port):
    server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    server.bind(("", int(port)))
    print("ready", flush=True)
    while True:
        print(server.recv(100).decode(), flush=True)


def main():
    command, *arguments = sys.argv[1:]
    try:
        if command == "serve":
            serve(arguments)
        elif command == "reach":
            reach(arguments[0], arguments[1:])
        else:
            commands = {"ask": ask, "hold": hold, "send": send, "receive": receive}
            commands[command](*arguments)
    except OSError as error:
        print(f"no answer: {error}")
        return 1
    return 0


sys.exit(main())
