"""The types of the dashboard's JavaScript, written from schema.py: components/shared/schema.js.

    python -m dashboard.typedefs

JSDoc typedefs, which TypeScript's checker reads; browsers never load the file. A test fails when it isn't as this makes
it. A field that the server may leave out (it has its default) and one that a page may leave out is optional.

It also writes the words of node/bus/words.py that pages say by themselves: components/shared/words.js.
"""

from __future__ import annotations

import inspect
import json
import pathlib
import sys
from collections.abc import Iterable, Iterator
from typing import get_args

import msgspec
from msgspec import inspect as types

from dashboard import operations, schema
from node.bus import requests as rq
from node.bus import words

PATH = pathlib.Path(__file__).parent / "components" / "shared" / "schema.js"
_HEAD = """\
// What the server and a page tell each other, as types. `python -m dashboard.typedefs` makes this file from
// dashboard/schema.py; no browser loads it.
"""
#: The words for pages, and the tables that they need there.
WORDS_PATH = PATH.with_name("words.js")
_WORDS = {"PRIVACY": words.PRIVACY, "TRUST": words.TRUST, "DIALECT": words.DIALECT}
_WORDS_HEAD = """\
// Short words and their sentences, for what a page says by itself. `python -m dashboard.typedefs` makes this file from
// node/bus/words.py, which the node's other front ends read as well.
"""


class Typedefs:
    """Typedefs by name, each with all that it names."""

    def __init__(self) -> None:
        self._made: dict[str, str] = {}
        self._of: dict[str, type] = {}

    def text(self) -> str:
        """All of them, in the order of their names."""
        return "\n".join(self._made[name] for name in sorted(self._made))

    def add(self, name: str, lines: Iterable[str]) -> None:
        """Take a typedef, given by the lines of its comment."""
        self._made[name] = "/**\n" + "".join(f" * {line}\n" if line else " *\n" for line in lines) + " */\n"

    def struct(self, made: type[msgspec.Struct], *, asked: bool = False) -> str:
        """Make a structure's typedef; returns its name. `asked`: a page tells it, and may leave out what has a default.

        Raises ValueError when another structure has that name.
        """
        if made is msgspec.Struct:
            return "unknown"
        name = made.__name__
        if name in self._of:
            if self._of[name] is not made:
                raise ValueError(f"Two structures are called {name}: give one of them another name.")
            return name
        self._of[name] = made
        told = types.type_info(made)
        if not isinstance(told, types.StructType):
            raise TypeError(f"{name} isn't a structure.")
        lines = [*_doc(made), f"@typedef {{Object}} {name}"]
        if told.tag_field is not None:
            lines.append(f'@property {{"{told.tag}"}} {told.tag_field}')
        for field in told.fields:
            optional = not field.required and (asked or made.__struct_config__.omit_defaults)
            kind = self.kind(field.type, asked=asked)
            name_in_js = f"[{field.encode_name}]" if optional else field.encode_name
            lines.append(f"@property {{{kind}}} {name_in_js}")
        self.add(name, lines)
        return name

    def kind(self, told: types.Type, *, asked: bool) -> str:
        """A type as TypeScript writes it."""
        match told:
            case types.StructType():
                return self.struct(told.cls, asked=asked)
            case types.ListType():
                item = self.kind(told.item_type, asked=asked)
                return f"({item})[]" if " " in item else f"{item}[]"
            case types.DictType():
                return f"Record<string, {self.kind(told.value_type, asked=asked)}>"
            case types.UnionType():
                return " | ".join(dict.fromkeys(self.kind(one, asked=asked) for one in told.types))
            case types.LiteralType():
                return " | ".join(f'"{value}"' for value in told.values)
        plain = {
            types.StrType: "string",
            types.IntType: "number",
            types.FloatType: "number",
            types.BoolType: "boolean",
            types.NoneType: "null",
            types.AnyType: "unknown",
            types.RawType: "unknown",
        }
        return plain[type(told)]


def _doc(made: type) -> Iterator[str]:
    """A docstring's lines; nothing for one that msgspec has made up."""
    yield from (inspect.getdoc(made) or "").splitlines()


def _named(structs: object) -> list[type[msgspec.Struct]]:
    """The structures of a union, by their names."""
    return sorted(get_args(structs), key=lambda one: one.__name__)


def text() -> str:
    """The file's content."""
    made = Typedefs()
    for frame in _named(schema.Frame):
        made.struct(frame)
    made.struct(schema.Hello, asked=True)
    for name, union in (("Frame", schema.Frame), ("Op", operations.Op), ("Lasting", operations.Lasting)):
        made.add(name, [f"@typedef {{{' | '.join(one.__name__ for one in _named(union))}}} {name}"])
    requests = [
        (str(request.__struct_config__.tag), made.struct(request, asked=True), made.struct(answer))
        for request, answer in schema.REQUESTS.items()
    ]
    made.add(
        "Requests",
        [
            "Each request with its answer, by its kind.",
            "@typedef {Object} Requests",
            *(f"@property {{{{request: {request}, answer: {answer}}}}} {kind}" for kind, request, answer in requests),
        ],
    )
    commands = [
        (op, made.struct(rq.COMMANDS[op][0], asked=True), made.struct(allowed.answer))
        for op, allowed in schema.COMMANDS.items()
    ]
    made.add(
        "Commands",
        [
            "The commands of the bus that a page may give, with their arguments and answers.",
            "@typedef {Object} Commands",
            *(f"@property {{{{args: {args}, answer: {answer}}}}} {op}" for op, args, answer in commands),
        ],
    )
    return f"{_HEAD}\n{made.text()}\nexport {{}};\n"


def words_text() -> str:
    """The content of the file with the words."""
    lines = [_WORDS_HEAD]
    for name, table in _WORDS.items():
        lines.append(f"export const {name} = {{")
        lines += [
            f"  {json.dumps(value)}: {{ short: {json.dumps(word.short)}, sentence: {json.dumps(word.sentence)} }},"
            for value, word in table.items()
        ]
        lines.append("};\n")
    return "\n".join(lines)


def main() -> int:
    """Write the files."""
    for path, content in ((PATH, text()), (WORDS_PATH, words_text())):
        path.write_text(content, "utf-8")
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
