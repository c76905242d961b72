"""The condition of the node: whether its disk works, what is wrong, and what a person should know."""

from __future__ import annotations

import logging
from typing import Protocol

from msgspec.structs import replace

from node.bus import nouns

log = logging.getLogger("snicher.store")


class Concerned(Protocol):
    """Whoever has to know how the node is."""

    def tell_health(self, health: nouns.Health) -> None:
        """It has changed."""


class Condition:
    """How the node is, as front ends see it in `health`."""

    def __init__(self, concerned: Concerned) -> None:
        self._concerned = concerned
        #: Why nothing is read from peers though the disk works.
        self._held: str | None = None
        #: What a person should know, by what it is about.
        self._notices: dict[str, str] = {}
        self.health = nouns.Health()

    @property
    def reads(self) -> bool:
        """Nothing speaks against reading from peers."""
        return self.health.store and self._held is None

    def tell(self) -> None:
        """Whoever is concerned is told."""
        self._concerned.tell_health(self.health)

    def fails(self, problem: str) -> None:
        """Writing fails."""
        self._be(store=False, problem=problem)

    def works(self) -> None:
        """Writing works again."""
        self._be(store=True, problem=self._held)

    def hold(self, problem: str | None) -> bool:
        """Nothing is to be read from peers as long as this problem stands; returns whether that changes anything."""
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
        """What a person should know though nothing is refused for it; None: it is no more so."""
        if self._notices.get(about) == sentence:
            return
        if sentence is None:
            del self._notices[about]
        else:
            if about not in self._notices:
                log.warning("%s", sentence)
            self._notices[about] = sentence
        self._be(store=self.health.store, problem=self.health.problem)
        self.tell()

    def index(self, problem: str | None) -> None:
        """What is wrong with the search index; None: nothing."""
        self.health = replace(self.health, index=problem)
        self.tell()

    def _be(self, *, store: bool, problem: str | None) -> None:
        self.health = replace(self.health, store=store, problem=problem, notices=[*self._notices.values()])
