"""The body of a frame as JSON. Texts from the system may hold lone surrogates, which JSON can't."""

from __future__ import annotations

from typing import Any

import msgspec

_event_encoder = msgspec.json.Encoder()


def encode(body: msgspec.Struct | dict[str, Any]) -> bytes:
    """A body as JSON. Texts with lone surrogates are made `sound`."""
    try:
        return _event_encoder.encode(body)
    except UnicodeEncodeError:
        return _event_encoder.encode(_sound_in(body))


def sound(text: str) -> str:
    """The same text with "?" for each lone surrogate, because neither JSON nor SQLite accepts those.

    Python produces them from bytes of the system (arguments, file names) that aren't UTF-8.
    """
    return text if text.isascii() else text.encode(errors="replace").decode()


def _sound_in(value: Any) -> Any:
    if isinstance(value, str):
        return sound(value)
    if isinstance(value, list | tuple):
        return [_sound_in(one) for one in value]
    if isinstance(value, dict):
        return {_sound_in(key): _sound_in(one) for key, one in value.items()}
    if isinstance(value, msgspec.Struct):
        changed = {name: _sound_in(getattr(value, name)) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **changed)
    return value
