#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""measure.py COMMAND... — runs a command and prints the processor time that it took in ms, and its
largest memory in KiB. Processor time, since other work on the machine does not add to it."""

import os
import resource
import subprocess
import sys

done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=False)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(round((used.ru_utime + used.ru_stime) * 1000), used.ru_maxrss)
sys.exit(done.returncode)
