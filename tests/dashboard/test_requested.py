from __future__ import annotations

from dashboard.requested import Looks


def test_who_asks_is_drawn_again_when_somebody_known_takes_or_leaves_a_name_that_looks_alike() -> None:
    looks = Looks()
    assert looks.put("asks", "b\u0435la", asks=True, verified=False) == {"asks"} and looks.alike("asks") is None
    assert looks.put("known", "Bela", asks=False, verified=False) == {"asks"} and looks.alike("asks") == "known"
    assert looks.put("known", "Bela", asks=False, verified=False) == set(), "nothing changed"
    assert looks.put("known", "Bela", asks=False, verified=True) == {"asks"}, "it is shown that it was compared"
    assert looks.put("known", None, asks=False, verified=False) == {"asks"} and looks.alike("asks") is None


def test_those_who_ask_change_nothing_about_each_other_until_one_of_them_is_known() -> None:
    looks = Looks()
    for who in ("one", "other"):
        assert looks.put(who, "bela", asks=True, verified=False) == {who}
    assert looks.alike("one") is None
    assert looks.put("one", "bela", asks=False, verified=False) == {"other"}
    assert (looks.alike("other"), looks.alike("one"), looks.alike("nobody")) == ("one", None, None)
