"""The doctor of one node: one examination at a time, bounded, answered at once; and what was found before stays."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from node import examining
from node.bus import nouns
from node.bus.diagnosis import Diagnosis
from node.core import effects as e
from node.core import stimuli as s
from node.core.facts import Acquaintance, DialledBack, Surroundings, Trial
from node.errors import CommandRefused
from node.examining import Examining
from node.model import Address
from tests.node.peers import live

ME, BELA = Address("127.0.0.2", 5000), Address("127.0.0.3", 5000)


class House:
    """A node on loopback that knows bela, and whose questions are answered as told."""

    def __init__(self) -> None:
        self.core: Any = self
        self.me = nouns.Self(id="m" * 52, code="", name="anna", listen=str(ME))
        self.health = nouns.Health()
        self.fed: list[s.Stimulus] = []
        self.tried: list[tuple[Address, str, bool]] = []
        self.at_once = self.most = 0
        #: Trials end when it is set; and with what.
        self.go = asyncio.Event()
        self.go.set()
        self.trial_ends: Trial | Exception = Trial("refused", 2)
        self.people = [Acquaintance(id="b" * 52, name="bela", is_node=True, known=True, addresses=(BELA,))]
        self.asked = 0
        self.doctor = Examining(self, self, lambda port: Surroundings("linux"))

    def nearby(self) -> nouns.Nearby:
        return nouns.Nearby(state="local")

    def acquaintance(self, peer: str) -> Acquaintance:
        found = next((one for one in self.people if peer in (one.id, one.name)), None)
        if found is None:
            raise CommandRefused("not_found", "Nobody.")
        return found

    def acquaintances(self) -> tuple[Acquaintance, ...]:
        return tuple(self.people)

    def feed(self, stimulus: s.Stimulus) -> None:
        self.fed.append(stimulus)
        if isinstance(stimulus, s.DialBackWanted):
            asyncio.get_running_loop().call_soon(self.doctor.perform, e.AskedBack(self.asked))

    async def trial(self, address: Address, *, expect: str = "", plain: bool = False) -> Trial:
        self.tried.append((address, expect, plain))
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await self.go.wait()
        finally:
            self.at_once -= 1
        if isinstance(self.trial_ends, Exception):
            raise self.trial_ends
        return self.trial_ends

    def own_host(self, link: int) -> str | None:
        return None

    async def done(self, peer: str | None = None) -> Diagnosis:
        for _ in range(2_000):
            found = self.doctor.newest(peer, False)
            if not found.running:
                return found
            await asyncio.sleep(0.005)
        raise AssertionError("it is never done")


def test_it_answers_at_once_fills_its_rows_and_is_fresh_for_a_while() -> None:
    async def test() -> None:
        house = House()
        first = house.doctor.newest(None, False)
        assert first.running and len(first.checks) == 7 and first.verdict == ""
        done = await house.done()
        assert done.verdict and all(one.at for one in done.checks)
        assert house.doctor.newest(None, False) == done
        again = house.doctor.newest(None, True)
        assert again.running and again.verdict == done.verdict, "what was found before stays"
        assert [one.said for one in again.checks] == [one.said for one in done.checks]
        await house.doctor.close()

    live.run(test)


def test_the_addresses_of_a_peer_are_tried_and_a_plain_one_is_only_connected_to() -> None:
    async def test() -> None:
        house = House()
        found = await house.done("bela")
        assert (found.paths[0].path, found.paths[0].answer, found.paths[0].ms) == (str(BELA), "refused", 2)
        assert sorted(house.tried) == sorted([(ME, "m" * 52, False), (BELA, "b" * 52, False)])
        house.people = [Acquaintance(id="plain-1", name="cian", is_node=False, known=True, addresses=(BELA,))]
        await house.done("cian")
        assert house.tried[-1] == (BELA, "", True) or (BELA, "", True) in house.tried
        with pytest.raises(CommandRefused):
            house.doctor.newest("nobody", False)
        await house.doctor.close()

    live.run(test)


def test_one_examination_goes_on_at_a_time_and_another_peer_s_comes_after_it() -> None:
    async def test() -> None:
        house = House()
        house.go.clear()
        house.doctor.newest(None, False)
        waiting = house.doctor.newest("bela", False)
        assert waiting.running and waiting.name == "bela" and waiting.paths == []
        await asyncio.sleep(0.02)
        assert house.doctor.newest("bela", True).running and len(house.tried) == 1
        house.go.set()
        assert (await house.done("bela")).paths
        await house.doctor.close()

    live.run(test)


def test_so_many_addresses_are_tried_so_many_at_a_time() -> None:
    async def test() -> None:
        house = House()
        many = tuple(Address(f"127.0.1.{number}", 5000) for number in range(1, 30))
        house.people = [Acquaintance(id="b" * 52, name="bela", is_node=True, known=True, addresses=many)]
        await house.done("bela")
        assert len(house.tried) == 9 and house.most <= examining.MAX_SOCKETS
        await house.doctor.close()

    live.run(test)


def test_what_does_not_come_in_time_is_not_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examining, "MAX_S", 0.05)

    async def test() -> None:
        house = House()
        house.go.clear()
        found = await house.done("bela")
        assert [one.answer for one in found.paths] == ["untried", "untried"]
        assert found.took_ms < 5_000 and found.verdict
        await house.doctor.close()

    live.run(test)


def test_who_is_asked_to_connect_back_is_waited_for_and_answers_late_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examining, "BACK_S", 0.05)
    answer = e.ReportDialledBack(DialledBack("b" * 52, "bela", "open", 3, ME.host))

    async def test() -> None:
        house = House()
        house.asked = 1
        house.doctor.newest(None, False)
        await asyncio.sleep(0)
        house.doctor.perform(answer)
        found = await house.done()
        assert [one.said for one in found.addresses] == ["reached by bela"]
        house.doctor.newest(None, True)
        found = await house.done()
        assert [one.state for one in found.addresses] == ["fails"]
        house.doctor.perform(answer)
        assert house.doctor.newest(None, False) == found
        await house.doctor.close()

    live.run(test)


def test_a_trial_for_somebody_else_ends_in_a_stimulus() -> None:
    async def test() -> None:
        house = House()
        house.doctor.perform(e.TryBack("b" * 52, BELA))
        await asyncio.sleep(0.01)
        assert house.fed == [s.TriedBack("b" * 52, "refused", 2)]
        assert house.tried == [(BELA, "b" * 52, False)]
        await house.doctor.close()

    live.run(test)


def test_a_bug_in_an_examination_ends_it_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        house = House()
        house.trial_ends = RuntimeError("a bug")
        found = await house.done()
        assert found.verdict and "a bug in an examination" in caplog.text
        await house.doctor.close()

    live.run(test)


def test_diagnoses_of_so_many_peers_are_kept() -> None:
    async def test() -> None:
        house = House()
        house.people = [
            Acquaintance(id=f"{number:052}", name=f"n{number}", is_node=True, known=True) for number in range(20)
        ]
        for one in house.people:
            await house.done(one.name)
        assert len(house.doctor._kept) == examining.MAX_KEPT
        await house.doctor.close()

    live.run(test)
