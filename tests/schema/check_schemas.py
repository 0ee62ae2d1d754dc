#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks the JSON Schemas in schemas/ and everything that must, or must not, match them.

    check_schemas.py                          prints one TAP line per check
    check_schemas.py --validate NAME FILE...  validates documents ("-" is stdin) against one schema,
                                              e.g. NAME "netavark-status"; status 1 if one does not match
"""

import json
import sys
from pathlib import Path

import jsonschema

TREE = Path(__file__).resolve().parents[2]
VERSIONS = {"1.0", "1.4", "1.9", "1.14", "1.17", "2.0", "2.1", "ours"}
REQUEST = "netavark-request"


def load(path):
    text = sys.stdin.read() if str(path) == "-" else Path(path).read_text(encoding="utf-8")
    return json.loads(text)


def schema_path(name):
    return TREE / "schemas" / f"{name}.schema.json"


def validator(name):
    return jsonschema.Draft201909Validator(
        load(schema_path(name)), format_checker=jsonschema.FormatChecker()
    )


def errors(checker, document):
    """What is wrong with a document, each with the path of the member."""
    return [f"{e.json_path}: {e.message}" for e in checker.iter_errors(document)]


def members(schema, path="$"):
    """All declared members of a schema as (path, definition); conditions declare nothing."""
    if isinstance(schema, list):
        for number, part in enumerate(schema):
            yield from members(part, f"{path}[{number}]")
    if not isinstance(schema, dict):
        return
    for name, definition in schema.get("properties", {}).items():
        yield f"{path}.{name}", definition
        yield from members(definition, f"{path}.{name}")
    for key, part in schema.items():
        if key == "$defs":
            for name, definition in part.items():
                yield from members(definition, f"{path}.$defs.{name}")
        elif key not in ("properties", "if", "then", "else", "examples"):
            yield from members(part, path)


def undocumented(schema):
    return [
        f"{path}: needs a description and one of the known versions as since"
        for path, definition in members(schema)
        if not definition.get("description") or definition.get("since") not in VERSIONS
    ]


class Tap:
    """Counts and prints results; a check returns the list of what is wrong."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def check(self, title, function):
        self.count += 1
        try:
            problems = function()
        except (OSError, ValueError, jsonschema.exceptions.SchemaError) as problem:
            problems = [str(problem)]
        print(f"{'not ok' if problems else 'ok'} {self.count} - {title}")
        for line in "\n".join(problems).splitlines():
            print(f"#   {line}")
        self.failed += bool(problems)

    def finish(self):
        print(f"1..{self.count}")
        return 1 if self.failed else 0


def check_schema(tap, path):
    name = path.name[: -len(".schema.json")]
    metaschema = jsonschema.Draft201909Validator.META_SCHEMA

    def is_schema():
        schema = load(path)
        jsonschema.Draft201909Validator.check_schema(schema)
        if schema.get("$schema") != metaschema["$id"]:
            return ["$schema is not draft 2019-09"]
        return []

    tap.check(f"schema {name} is a JSON Schema of draft 2019-09", is_schema)
    tap.check(f"schema {name} documents every member", lambda: undocumented(load(path)))
    for number, example in enumerate(load(path).get("examples", []), 1):
        tap.check(
            f"schema {name} accepts its example {number}",
            lambda example=example: errors(validator(name), example),
        )


def check_requests(tap):
    for path in sorted((TREE / "examples" / "requests").glob("*.json")):
        tap.check(
            f"request example {path.stem} is valid",
            lambda path=path: errors(validator(REQUEST), load(path)),
        )
    for path in sorted((TREE / "tests" / "schema" / "broken").glob("*.json")):
        tap.check(
            f"broken request {path.stem} is refused",
            lambda path=path: []
            if errors(validator(REQUEST), load(path))
            else ["the schema accepts this document"],
        )


def check_all():
    tap = Tap()
    schemas = sorted((TREE / "schemas").glob("*.schema.json"))
    tap.check("there are schemas", lambda: [] if schemas else ["none found"])
    for path in schemas:
        check_schema(tap, path)
    check_requests(tap)
    return tap.finish()


def validate(name, files):
    checker = validator(name)
    wrong = [f"{file}: {error}" for file in files for error in errors(checker, load(file))]
    for line in wrong:
        print(line, file=sys.stderr)
    return 1 if wrong else 0


def main(arguments):
    if not arguments:
        return check_all()
    if len(arguments) < 3 or arguments[0] != "--validate":
        print(__doc__, file=sys.stderr)
        return 2
    try:
        return validate(arguments[1], arguments[2:])
    except (OSError, ValueError) as problem:
        print(problem, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
