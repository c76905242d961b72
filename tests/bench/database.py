"""A database of very many messages, made with the store's own writer: words are as frequent as in a language.

The words are nonsense, drawn from a fixed seed, with the frequencies of Zipf's law; a rare word stands in ten messages.
One message in UNSPACED_EVERY has Han characters without spaces instead, as frequent as in Chinese.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import pathlib
import random
import secrets
import time
from collections.abc import Sequence

import msgspec

from node.bus import bounds, nouns
from node.bus import events as ev
from node.core import effects as e
from node.core.clock import COUNTER_BITS, order_text
from node.store import database as store
from node.store import shards
from node.store.writer import Writer

#: Conversations; the first gets half of the messages, the last the fewest.
ROOMS = 50
WORDS = 20_000
WORDS_A_MESSAGE = 8
#: Sentences are drawn once and said again and again: drawing a million takes longer than writing them.
SENTENCES = 50_000
RARE = "quokkaberry"
RARE_TIMES = 10
#: Messages in a script without spaces: one in so many. How many characters there are, and how many a sentence has.
UNSPACED_EVERY = 25
CHARACTERS = 4_000
CHARACTERS_A_SENTENCE = (12, 8)
#: Messages of one transaction.
BATCH = 20_000
#: Milliseconds since 1970 of the first message; and a second between two.
FIRST_AT = 1_700_000_000_000

_SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]


def words() -> list[str]:
    """All words, the most frequent first."""
    dice = random.Random(1)
    found: dict[str, None] = {}
    while len(found) < WORDS:
        found["".join(dice.choices(_SYLLABLES, k=dice.choice((1, 2, 2, 3, 3, 4))))] = None
    return list(found)


def characters() -> list[str]:
    """All characters of messages without spaces, the most frequent first."""
    return [chr(0x4E00 + 5 * number) for number in range(CHARACTERS)]


def room_id(number: int) -> str:
    """The conversation of peer `number`, from 1."""
    return f"plain-{number}"


class Indexed(msgspec.Struct, frozen=True):
    """What indexing a database took."""

    seconds: float
    #: The size of the index's tables of each kind, in bytes.
    sizes: dict[str, int]


def fill(home: pathlib.Path, count: int, shares: Sequence[float] = ()) -> Indexed:
    """Write `count` messages with their events, and index them all. `shares`: of the first conversations, if given."""
    writer = Writer(home)
    said = _Conversations(count, shares)
    writer.prepare(log=secrets.token_hex(8), instance=secrets.token_hex(16))
    try:
        writer.commit(_opening())
        for numbers in _batches(count):
            writer.commit(said.records(numbers))
        start = time.perf_counter()
        while writer.index(BATCH):
            pass
        seconds = time.perf_counter() - start
    finally:
        writer.close()
    with contextlib.closing(store.connect(home, read_only=True)) as db:
        sizes = {
            kind: sum(
                db.execute(f"SELECT sum(length(block)) FROM {shards.table(kind, shard)}_data").fetchone()[0]
                for shard in shards.layout(db).newest()
            )
            for kind in shards.KINDS
        }
    return Indexed(seconds, sizes)


def _batches(count: int) -> list[range]:
    return [range(start, min(start + BATCH, count + 1)) for start in range(1, count + 1, BATCH)]


def _peers() -> list[nouns.Peer]:
    return [
        nouns.Peer(
            id=room_id(number), room=room_id(number), name=f"peer{number}", kind="plain", host="127.0.6.1",
            port=9000 + number, dialect="std", dialect_from="seen",
        )
        for number in range(1, ROOMS + 1)
    ]  # fmt: skip


def _opening() -> list[e.Record]:
    records: list[e.Record] = []
    for peer in _peers():
        room = nouns.Room(id=peer.room, kind="plain", name=peer.name, peer=peer.id, created=FIRST_AT)
        records += [e.PutPeer(peer), e.PutRoom(room)]
    return records


@functools.cache
def _sentences() -> tuple[list[str], tuple[object, ...]]:
    """What is said in words, and how the dice stand after it was drawn."""
    dice = random.Random(2)
    frequencies = list(itertools.accumulate(1 / rank for rank in range(1, WORDS + 1)))
    drawn = dice.choices(words(), cum_weights=frequencies, k=SENTENCES * WORDS_A_MESSAGE)
    starts = range(0, len(drawn), WORDS_A_MESSAGE)
    return [" ".join(drawn[start : start + WORDS_A_MESSAGE]) for start in starts], dice.getstate()


@functools.cache
def _without_spaces() -> list[str]:
    dice = random.Random(3)
    known = characters()
    frequencies = list(itertools.accumulate(1 / (10 + rank) for rank in range(CHARACTERS)))
    lengths = [length for _ in range(SENTENCES // UNSPACED_EVERY) for length in CHARACTERS_A_SENTENCE]
    parts = ["".join(dice.choices(known, cum_weights=frequencies, k=length)) for length in lengths]
    return [f"{one}\uff0c{other}\u3002" for one, other in zip(parts[::2], parts[1::2], strict=True)]


class _Conversations:
    """What everybody said."""

    def __init__(self, count: int, shares: Sequence[float]) -> None:
        self._sentences, state = _sentences()
        self._dice = random.Random()
        self._dice.setstate(state)
        self._unspaced = _without_spaces()
        weights = [*shares, *[0.0] * (ROOMS - len(shares))] if shares else [n**-1.2 for n in range(1, ROOMS + 1)]
        self._rooms = list(itertools.accumulate(weights))
        self._rare = set(range(1, count + 1, max(1, count // RARE_TIMES)))

    def records(self, numbers: range) -> list[e.Record]:
        """Some messages, with their events, and the rooms they change."""
        records: list[e.Record] = []
        last: dict[str, nouns.Message] = {}
        rooms = self._dice.choices(range(1, ROOMS + 1), cum_weights=self._rooms, k=len(numbers))
        sentences = self._dice.choices(self._sentences, k=len(numbers))
        for number, room, text in zip(numbers, rooms, sentences, strict=True):
            if number % UNSPACED_EVERY == 0:
                text = self._unspaced[number // UNSPACED_EVERY % len(self._unspaced)]
            at = FIRST_AT + 1000 * number
            clock = at << COUNTER_BITS
            message = nouns.Message(
                id=number, room=room_id(room), order=order_text(clock), at=at, direction="in", author=room_id(room),
                name=f"peer{room}", text=f"{text} {RARE}" if number in self._rare else text,
            )  # fmt: skip
            event = ev.Event(
                v=bounds.VERSION, log="", seq=number, at=at, type="MessageReceived", room=message.room,
                data=ev.MessageReceived(message=message),
            )  # fmt: skip
            records += [e.AddMessage(message, clock), e.Log(event, number)]
            last[message.room] = message
        for known in _peers():
            newest = last.get(known.room)
            if newest is not None:
                changed = nouns.Room(
                    id=known.room, kind="plain", name=known.name, peer=known.id, created=FIRST_AT,
                    read_upto=newest.id, last=nouns.preview(newest),
                )  # fmt: skip
                records.append(e.PutRoom(changed))
        return records
