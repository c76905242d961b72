"""All dialects of this node, in the order in which they are tried on the first bytes of a connection."""

from __future__ import annotations

from node.protocol.plain.ancestor import Ancestor
from node.protocol.plain.angle import Angle1, AngleAt, AngleTs
from node.protocol.plain.codec import Codec, OneShotCodec, PersistentCodec
from node.protocol.plain.json_dialect import Json
from node.protocol.plain.labelled import Labelled
from node.protocol.plain.portline import Portline
from node.protocol.plain.std import Std

ANCESTOR = Ancestor()
STD = Std()

#: In the order of the table in PROTOCOL.md section 3. The first codec that returns True wins. If one returns None
#: before that, the link waits for more bytes. The ancestor comes last: it claims whatever no other dialect claims.
CODECS: tuple[Codec, ...] = (Json(), Labelled(), Portline(), AngleAt(), AngleTs(), Angle1(), STD, ANCESTOR)
BY_NAME: dict[str, Codec] = {codec.name: codec for codec in CODECS}
ONE_SHOT: dict[str, OneShotCodec] = {codec.name: codec for codec in CODECS if not codec.persistent}
PERSISTENT: dict[str, PersistentCodec] = {codec.name: codec for codec in CODECS if codec.persistent}


def recognise(head: bytes, ended: bool) -> Codec | None:
    """The dialect of a connection that begins with `head`. None: more bytes are needed (never if `ended`)."""
    for codec in CODECS:
        verdict = codec.recognises(head, ended)
        if verdict is None and not ended:
            return None
        if verdict:
            return codec
    return ANCESTOR
