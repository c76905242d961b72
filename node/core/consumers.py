"""Named consumers: cursors into the event log that the node keeps, so that a bot may end at any moment. Pure.

The log is never kept longer for a consumer. A consumer whose next event is gone has lapsed; its commands are refused
until it is created again with `restart`. Consumers aren't part of the snapshot, and cause no events.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from node.bus import bounds, nouns
from node.bus import consumers as cn
from node.bus import requests as rq
from node.core import effects as e
from node.core import queries as q
from node.core.belief import Belief
from node.core.ledger import Ledger
from node.core.loaded import KeptConsumer
from node.core.stimuli import Commanded
from node.errors import CommandRefused

#: How far the time of last use on disk may lag, in ms, if nothing else of a consumer changes: a `consumer_next` alone
#: isn't worth a write. It is small compared with the lifetime of an unused consumer.
USED_STEP_MS = 3600 * 1000

_NAME = re.compile(rf"[A-Za-z0-9._-]{{1,{bounds.MAX_NAME_CHARS}}}")


class Consumers:
    """All consumers of the node. `used` is exact in memory, and up to USED_STEP_MS old on disk."""

    def __init__(self, ledger: Ledger, consumers: list[KeptConsumer], belief: Belief) -> None:
        self._ledger = ledger
        self._belief = belief
        self._kept = {one.name: one for one in consumers}
        self._used = {one.name: one.used for one in consumers}

    def used(self) -> dict[str, int]:
        """When each consumer was last used, in ms."""
        return dict(self._used)

    def next_deadline(self) -> int | None:
        """When the next unused consumer is to be dropped; None: there is none, or the clock is doubted."""
        if self._belief.doubts(self._ledger.now):
            return None
        return min(self._used.values()) + bounds.CONSUMER_LIFETIME_MS if self._used else None

    def age(self) -> None:
        """Drop consumers unused for too long, unless the clock is doubted."""
        if self._belief.doubts(self._ledger.now):
            return
        for name, used in list(self._used.items()):
            if used + bounds.CONSUMER_LIFETIME_MS <= self._ledger.now:
                self._forget(name)

    def asked(self, name: str) -> None:
        """A front end has called `consumer_next`: note the use."""
        kept = self._kept.get(name)
        if kept is None:
            return
        self._used[name] = self._ledger.now
        if self._ledger.now - kept.used >= USED_STEP_MS:
            self._put(replace(kept, used=self._ledger.now))

    # -- the commands

    def create(self, command: Commanded) -> None:
        """Create a consumer, unless it exists. Raises CommandRefused."""
        args: cn.ConsumerCreateArgs = command.args
        if not _NAME.fullmatch(args.name):
            raise CommandRefused(
                "invalid_args",
                f"A consumer's name has 1 to {bounds.MAX_NAME_CHARS} characters of A-Z, a-z, 0-9 and ._-",
            )
        self._ask(command, args)

    def acknowledge(self, command: Commanded) -> None:
        """Move a consumer on. Raises CommandRefused."""
        args: cn.ConsumerAcknowledgeArgs = command.args
        self._find(args.name)
        self._ask(command, args)

    def drop(self, command: Commanded) -> None:
        """Delete a consumer. Raises CommandRefused."""
        args: cn.ConsumerArgs = command.args
        self._forget(self._find(args.name).name)
        self._ledger.reply(command.token, rq.Nothing(), command.key)

    def fetched(self, query: q.ReadOldest, oldest: int) -> None:
        """Go on with a command, given the oldest event in the log. Raises CommandRefused."""
        if isinstance(query.args, cn.ConsumerCreateArgs):
            consumer = self._create(query.args, oldest)
        else:
            consumer = self._acknowledge(query.args, oldest)
        self._ledger.reply(query.token, cn.ConsumerResult(consumer=self._shown(consumer)), query.key)

    def _create(self, args: cn.ConsumerCreateArgs, oldest: int) -> KeptConsumer:
        ledger, kept = self._ledger, self._kept.get(args.name)
        if kept is not None:
            if not self._has_lapsed(kept, oldest):
                return kept
            if not args.restart:
                raise self._lapse(kept, oldest)
        elif len(self._kept) >= bounds.MAX_CONSUMERS:
            raise CommandRefused("too_many_consumers", f"There are {bounds.MAX_CONSUMERS} consumers; drop one.")
        position = ledger.head if args.since is None else args.since
        if position > ledger.head:
            raise CommandRefused("cursor_ahead", f"The head is {ledger.head}.", details={"head": ledger.head})
        if position < oldest - 1:
            raise CommandRefused("cursor_too_old", f"Kept from {oldest} on.", details={"oldest": oldest})
        now = ledger.now
        consumer = KeptConsumer(name=args.name, log=ledger.log_id, position=position, created=now, used=now)
        return self._put(consumer)

    def _acknowledge(self, args: cn.ConsumerAcknowledgeArgs, oldest: int) -> KeptConsumer:
        ledger, kept = self._ledger, self._find(args.name)
        if self._has_lapsed(kept, oldest):
            raise self._lapse(kept, oldest)
        if args.seq > ledger.head:
            raise CommandRefused("cursor_ahead", f"The head is {ledger.head}.", details={"head": ledger.head})
        if args.seq > kept.position:
            return self._put(replace(kept, position=args.seq, used=ledger.now))
        # Another user of this consumer may have acknowledged more; its position never goes back.
        self.asked(args.name)
        return self._kept[args.name]

    # -- parts of the above

    def _ask(self, command: Commanded, args: cn.ConsumerCreateArgs | cn.ConsumerAcknowledgeArgs) -> None:
        self._ledger.put(e.Fetch(q.ReadOldest(command.token, command.cause, command.key, command.op, args)))

    def _find(self, name: str) -> KeptConsumer:
        kept = self._kept.get(name)
        if kept is None:
            raise CommandRefused("not_found", f"There is no consumer {name[: bounds.MAX_NAME_CHARS]!r}.")
        return kept

    def _has_lapsed(self, kept: KeptConsumer, oldest: int) -> bool:
        return kept.log != self._ledger.log_id or kept.position < oldest - 1

    def _lapse(self, kept: KeptConsumer, oldest: int) -> CommandRefused:
        return lapsed(kept, self._ledger.log_id, oldest)

    def _put(self, consumer: KeptConsumer) -> KeptConsumer:
        self._kept[consumer.name] = consumer
        self._used[consumer.name] = consumer.used
        self._ledger.put(e.PutConsumer(consumer))
        return consumer

    def _forget(self, name: str) -> None:
        del self._kept[name], self._used[name]
        self._ledger.put(e.DropConsumer(name))

    def _shown(self, consumer: KeptConsumer) -> nouns.Consumer:
        return shown(consumer, self._ledger.log_id, self._ledger.head, 0, self._used[consumer.name])


def shown(kept: KeptConsumer, log: str, head: int, oldest: int, used: int) -> nouns.Consumer:
    """A consumer as front ends see it, when the log holds the events `oldest` to `head`."""
    same = kept.log == log
    return nouns.Consumer(
        name=kept.name,
        position=kept.position,
        lag=head - kept.position if same else 0,
        created=kept.created,
        used=max(kept.used, used),
        lapsed=not same or kept.position < oldest - 1,
    )


def lapsed(kept: KeptConsumer, log: str, oldest: int) -> CommandRefused:
    """Why a consumer that has lapsed can't be used."""
    why = f"the log is kept from {oldest} on" if kept.log == log else "numbering has started anew"
    return CommandRefused(
        "consumer_lapsed",
        f"The consumer {kept.name} stands at event {kept.position}, but {why}. Create it with `restart`, or drop it.",
        details={"position": kept.position, "oldest": oldest},
    )
