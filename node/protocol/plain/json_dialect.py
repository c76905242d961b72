"""The JSON dialect: one object for each message, one connection for each message.

`{"type": "message", "content": "<target> <team> text", "sender_name": ..., "sender_port": ...}`; the types `connect`
and `exit` are its hello and good-bye. `target` is the receiver's address. The angle brackets are literal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

from node.protocol.plain import codec, one_shot, words
from node.protocol.plain.codec import Announced, Control, Goodbye, Hello, Mark, Payloads, Said, Speaker

#: Not strict: it accepts control characters inside strings, because such a message was meant to be read.
_DECODER = json.JSONDecoder(strict=False)
#: How many bytes back the last brace is searched for. Few, because the search runs after each read.
_EDGE = 64
_CONTENT = re.compile(r"<[^<>\n]*> <[^<>\n]*> ")


class JsonReader(one_shot.OneShotReader):
    """Reads one object, or several in a row. Anything else is a bare text."""

    def _is_cut(self) -> bool:
        return not self._data[-_EDGE:].rstrip(codec.BLANK).endswith(b"}")

    def _messages(self, data: bytes) -> list[Said]:
        data = data.rstrip(codec.BLANK)
        text, marks, raw = codec.decode(data)
        said: list[Said] = []
        start = 0
        while start < len(text):
            try:
                value, end = _DECODER.raw_decode(text, start)
            except (ValueError, RecursionError):
                value = None
            if not isinstance(value, dict) or not isinstance(value.get("type"), str):
                rest = text[start:].encode() if raw is None or start else raw
                return [*said, *one_shot.said(rest)]
            said += _said(value, marks, raw)
            start = end
            while start < len(text) and text[start].isspace():
                start += 1
        return said


def _said(message: dict[str, Any], marks: tuple[Mark, ...], raw: bytes | None) -> Iterator[Said]:
    name = codec.read_name(_string(message.get("sender_name")).encode())
    digits = _string(message.get("sender_port"))
    port = codec.port_number(digits) if len(digits) <= codec.MAX_DIGITS else None
    kind = message["type"]
    if kind == "connect":
        yield Hello(kind, name, port)
        return
    if kind == "exit":
        yield Goodbye(kind, name, port)
        return
    content = message.get("content")
    text = _string(content)
    if "\x00" in text or (isinstance(content, str) and text != content):
        text, marks = text.replace("\x00", "\ufffd"), ("not-utf8",)
        raw = raw or json.dumps(content).encode()
    header = _CONTENT.match(text)
    text = text[header.end() :] if header is not None else text
    yield one_shot.word_or_text(text, name, port, marks, raw) or Announced(port)


def _string(value: object) -> str:
    """A field as text. Lone surrogates, which JSON can hold and UTF-8 can't, become U+FFFD."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        return ""
    try:
        return str(value).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    except ValueError:
        # An integer with more digits than Python converts to text.
        return ""


class Json:
    """One object for each message, without a newline at the end."""

    name = "json"
    persistent: Literal[False] = False

    def recognises(self, head: bytes, ended: bool) -> bool | None:
        """An opening brace."""
        return head.startswith(b"{")

    def reader(self) -> JsonReader:
        """Create a reader for one connection."""
        return JsonReader()

    def payloads(self, text: str, speaker: Speaker) -> Payloads:
        """At most about 1,000 bytes in all, JSON escapes included."""
        text, altered = words.harmless(codec.sendable(text).strip("\n"))
        room = codec.MAX_PAYLOAD - len(_object("message", "", speaker))
        while True:
            pieces = codec.split(text, room)
            parts = tuple(_object("message", piece.decode(), speaker) for piece in pieces)
            longest = max(map(len, parts))
            if longest <= codec.MAX_PAYLOAD or room <= codec.MIN_ROOM:
                break
            # Escapes made a part too long: put less of the text into each.
            room = max(codec.MIN_ROOM, room - max(1, (longest - codec.MAX_PAYLOAD) // 6))
        marks: list[Mark] = ["altered"] if altered else []
        if len(parts) > 1:
            marks.append("parts")
        return Payloads(parts, tuple(marks))

    def control(self, word: Control, speaker: Speaker) -> bytes:
        """Hello and good-bye are types of their own."""
        return _object(word, word, speaker)


def _object(kind: str, text: str, speaker: Speaker) -> bytes:
    name = codec.wire_name(speaker.name)
    message = {
        "type": kind,
        "content": f"<{speaker.target or speaker.address}> <{name}> {text}",
        "sender_name": name,
        "sender_port": speaker.port,
    }
    written = json.dumps(message, ensure_ascii=False)
    # JSON allows these line breaks inside strings, but a client that reads line by line would cut the object there.
    for mark in "\x85\u2028\u2029":
        written = written.replace(mark, f"\\u{ord(mark):04x}")
    return written.encode()
