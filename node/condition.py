"""The node's condition: whether its disk works, what is wrong, and the notices for people."""

from __future__ import annotations

import logging
from typing import Protocol

from msgspec.structs import replace

from node import program
from node.bus import nouns

log = logging.getLogger("snicher.store")


class Concerned(Protocol):
    """Receives each change of the node's health."""

    def tell_health(self, health: nouns.Health) -> None:
        """The health has changed to `health`."""


class Condition:
    """Keeps `health`, which front ends see, and reports its changes."""

    def __init__(self, concerned: Concerned) -> None:
        self._concerned = concerned
        #: Why nothing is read from peers though the disk works (it is nearly full, say); None: it is read.
        self._held: str | None = None
        #: Sentences for people, by topic.
        self._notices: dict[str, str] = {}
        self.health = nouns.Health()

    @property
    def reads(self) -> bool:
        """Whether the node may read from peers."""
        return self.health.store and self._held is None

    def tell(self) -> None:
        """Report the present health."""
        self._concerned.tell_health(self.health)

    def fails(self, problem: str) -> None:
        """Writing fails."""
        self._be(store=False, problem=problem)

    def works(self) -> None:
        """Writing works again."""
        self._be(store=True, problem=self._held)

    def hold(self, problem: str | None) -> bool:
        """Stop reading from peers because of `problem`; None allows it again.

        Returns whether the caller has to pause or resume reading: never while the disk fails, which pauses it anyway.
        """
        if problem == self._held:
            return False
        self._held = problem
        if problem is None:
            log.info("there is room on the disk again")
        else:
            log.warning(problem)
        if not self.health.store:
            return False
        self.works()
        self.tell()
        return True

    def notice(self, about: str, sentence: str | None) -> None:
        """Set the notice on a topic: a sentence people should know although nothing is refused. None removes it."""
        if self._notices.get(about) == sentence:
            return
        if sentence is None:
            del self._notices[about]
        else:
            if about not in self._notices:
                log.warning("%s", program.typed(sentence))
            self._notices[about] = sentence
        self._be(store=self.health.store, problem=self.health.problem)
        self.tell()

    def index(self, problem: str | None) -> None:
        """Set what is wrong with the search index; None: nothing."""
        self.health = replace(self.health, index=problem)
        self.tell()

    def _be(self, *, store: bool, problem: str | None) -> None:
        self.health = replace(self.health, store=store, problem=problem, notices=[*self._notices.values()])
