#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs a command on a terminal, as a person would use it.

engine_terminal.py STEP... -- COMMAND...

Steps: expect:TEXT waits until TEXT has been shown, send:TEXT types (\\n, \\x11 are understood),
size:ROWSxCOLUMNS changes the window. Prints what was shown, the status, and whether the terminal is
afterwards as it was before. Gives up after 30 seconds.
"""
import codecs
import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time

split = sys.argv.index("--")
steps, command = sys.argv[1:split], sys.argv[split + 1:]
end = time.monotonic() + 30
shown = b""
used = 0


def resize(fd, size):
    rows, columns = map(int, size.split("x"))
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def read(fd):
    """Reads once; False at the end."""
    global shown
    left = end - time.monotonic()
    if left <= 0:
        sys.exit("gave up; shown so far: %r" % shown)
    if not select.select([fd], [], [], left)[0]:
        return True
    try:
        data = os.read(fd, 65536)
    except OSError:
        return False
    shown += data
    return bool(data)


def expect(fd, text):
    global used
    while shown.find(text, used) < 0:
        if not read(fd):
            sys.exit("ended without %r; shown: %r" % (text, shown))
    used = shown.find(text, used) + len(text)


master, slave = pty.openpty()
resize(master, "24x80")
before = termios.tcgetattr(slave)
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for number in range(3):
        os.dup2(slave, number)
    os.closerange(3, 256)
    os.execvp(command[0], command)
for step in steps:
    verb, _, value = step.partition(":")
    if verb == "expect":
        expect(master, value.encode())
    elif verb == "send":
        os.write(master, codecs.decode(value, "unicode_escape").encode("latin-1"))
    elif verb == "size":
        resize(master, value)
os.set_blocking(master, False)
while True:
    done, status = os.waitpid(child, os.WNOHANG)
    if done:
        break
    if time.monotonic() > end:
        os.kill(child, 9)
        sys.exit("does not end; shown: %r" % shown)
    if select.select([master], [], [], 0.02)[0]:
        shown += os.read(master, 65536)
try:
    shown += os.read(master, 65536)
except (BlockingIOError, OSError):
    pass
restored = termios.tcgetattr(slave) == before
sys.stdout.write(shown.decode(errors="replace").replace("\r\n", "\n"))
print("\nstatus %d, %s" % (os.waitstatus_to_exitcode(status), "restored" if restored else "not restored"))
