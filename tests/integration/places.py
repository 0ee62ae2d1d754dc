#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks the places in error messages. Standard input: a document, a tabulator and the error, one line each.

Prints what is wrong, and at the end how many errors name a place.
"""

import json
import re
import sys

PLACE = re.compile(r" at (/\S*) \(line (\d+) column (\d+)\)$")
decode = json.JSONDecoder().raw_decode


def skip(text, at):
    while text[at] in " \t\r\n,:":
        at += 1
    return at


def find(text, pointer):
    """Offset of the value; of the object that lacks it if there is none."""
    at = skip(text, 0)
    for part in pointer.split("/")[1:] if pointer != "/" else []:
        wanted = part.replace("~1", "/").replace("~0", "~")
        is_object, number, found = text[at] == "{", 0, None
        step = skip(text, at + 1)
        while found is None and text[step] not in "]}":
            name = str(number)
            if is_object:
                name, step = decode(text, step)
                step = skip(text, step)
            if name == wanted:
                found = step
            step = skip(text, decode(text, step)[1])
            number += 1
        if found is None:
            return at
        at = found
    return at


count = 0
for line in sys.stdin:
    document, error = line.rstrip("\n").split("\t")
    match = PLACE.search(error)
    if not match:
        continue
    count += 1
    offset = find(document, match[1])
    column = len(document[:offset].encode()) + 1
    if (int(match[2]), int(match[3])) != (1, column):
        print(f"should be column {column}: {error}")
print(count)
