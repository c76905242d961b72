"""Lists as they look on a terminal: peers, consumers, the blocked. On a pipe each of them is one line (lines.py).

Law of this file: what decides is how wide the terminal is. What matters most stands first, and nothing is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from node.bus import nouns, words
from node.terminal import lines
from node.terminal.columns import INDENT, Column, Row, table, wrapped
from node.terminal.screen import Line, Piece, Role

#: How a link looks, by its state.
STATES: dict[str, Role] = {
    "online": "good", "reachable": "good", "away": "away", "connecting": "away", "offline": "dim", "quiet": "dim",
    "not tried yet": "dim", "not on your list": "dim",
}  # fmt: skip
#: States that a word alone doesn't explain.
_EXPLAINED = ("reachable", "quiet", "unknown")
#: Cells of a name where the terminal is narrow.
NAME = 24
_PEERS = (
    Column("NAME", NAME), Column("STATE"), Column("PRIVACY"), Column("ADDRESS"), Column("DIALECT OR CODE"),
    Column("ID"),
)  # fmt: skip
_CONSUMERS = (
    Column("NAME", NAME), Column("SHOWN UP TO", label="shown up to ", right=True),
    Column("BEHIND", label="behind ", right=True), Column("LAST USED", label="last used "),
)  # fmt: skip
#: Lines below a peer that are about a doubt.
_DOUBT: Role = "bad"


def peers(found: Sequence[nouns.Peer], tries: Mapping[str, nouns.NextTry], width: int | None) -> list[Line | str]:
    """The list of peers; `width` None: for a pipe."""
    if width is None:
        return [lines.PEERS_HEADER, *(lines.peer_line(peer, tries.get(peer.id)) for peer in found)]
    return list(table(_PEERS, [_peer(peer, tries.get(peer.id)) for peer in found], width, together=3))


def legend(found: Sequence[nouns.Peer], width: int | None) -> list[Line | str]:
    """Below the list, once each: what its words mean that don't explain themselves. For a pipe nothing."""
    if width is None:
        return []
    meant: dict[str, str] = {}
    for peer in found:
        key = words.link_key(peer.link, peer.presence, heard=peer.last_seen is not None)
        if key in _EXPLAINED:
            meant[words.LINK[key].short] = words.LINK[key].sentence
    if any(peer.kind == "plain" for peer in found):
        meant[words.PRIVACY["plain"].short] = words.PRIVACY["plain"].sentence
    if any(peer.kind == "plain" and peer.dialect_from == "guess" and peer.dialect != "unknown" for peer in found):
        meant[words.DIALECT_FROM["guess"].short] = words.DIALECT_FROM["guess"].sentence
    said = (f"{word}: {sentence}" for word, sentence in meant.items())
    return [[(line, "dim")] for one in said for line in wrapped(one, width, "", INDENT)]


def _peer(peer: nouns.Peer, next_try: nouns.NextTry | None) -> Row:
    node, how = peer.kind == "node", lines.state(peer)
    checked = " verified" if peer.verified else ""
    cells: list[Piece] = [
        (lines.peer_name(peer), "name"),
        (how, STATES.get(how, "")),
        (lines.privacy(node), "good" if node else "away"),
        (lines.address(peer), ""),
        (lines.dialect_or_code(peer) + checked, ""),
        (peer.id, "dim"),
    ]
    said = lines.peer_notes(peer, next_try)
    notes: list[Piece] = [
        (" ".join(one if one.endswith((".", "?", "!")) else f"{one}." for one in map(_capital, said)), "dim")
    ]
    notes += [(line, _DOUBT) for line in lines.doubt_lines(peer)]
    return Row(cells, [note for note in notes if note[0]])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def consumers(found: Sequence[nouns.Consumer], width: int | None) -> list[Line | str]:
    """The list of consumers; `width` None: for a pipe."""
    if width is None:
        return [lines.CONSUMERS_HEADER, *map(lines.consumer_line, found)]
    rows = []
    for one in found:
        cells: list[Piece] = [(one.name, "name"), (str(one.position), ""), (str(one.lag), ""),
                              (lines.clock(one.used), "dim")]  # fmt: skip
        notes: list[Piece] = [(lines.LAPSED, "bad")] if one.lapsed else []
        rows.append(Row(cells, notes))
    return list(table(_CONSUMERS, rows, width))


def blocked(found: Iterable[nouns.Blocked], width: int | None) -> list[Line | str]:
    """Who is blocked, and since when; `width` None: for a pipe."""
    if width is None:
        return [f"{lines.clock(one.at)}  {lines.blocked_line(one)}" for one in found]
    columns = (Column("BLOCKED"), Column("SINCE", label="since "))
    rows = [Row([(lines.blocked_line(one), "name"), (lines.clock(one.at), "dim")]) for one in found]
    return list(table(columns, rows, width))
