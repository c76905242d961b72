"""Scripts without spaces: a part of a run is found wherever it stands, and nothing else is."""

# ruff: noqa: RUF001 (signs of other scripts are what this is about)

from __future__ import annotations

import json
import pathlib
import re
import sqlite3
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.bus import requests as rq
from node.store import database, unspaced
from tests.node.store.test_search import Shelf

#: The same for the browser, see tests/dashboard/js/unspaced.test.js.
CASES = json.loads((pathlib.Path(__file__).parents[2] / "cases" / "unspaced.json").read_text("utf-8"))


@pytest.fixture
def shelf(tmp_path: pathlib.Path) -> Iterator[Shelf]:
    shelf = Shelf(tmp_path)
    yield shelf
    shelf.close()


def test_the_browser_knows_the_same_characters() -> None:
    assert "".join(CASES["characters"].values()) == unspaced.CHARACTERS
    assert CASES["invisible"] == unspaced.INVISIBLE
    assert [unspaced.has_run(text) for text, _ in CASES["has_run"]] == [has for _, has in CASES["has_run"]]


def test_what_of_a_text_is_taken_in() -> None:
    assert unspaced.indexed("我家在上海 see you").split() == ["我家", "家在", "在上", "上海", "海", "see", "you"]
    assert unspaced.indexed("see you") == "see you"
    assert [unspaced.has_run(text) for text in ("", "Äpfel и λ 12 。،", "點")] == [False, False, True]


@pytest.mark.parametrize(
    ("term", "prefix", "words", "beginning"),
    [
        ("上海", False, "上海", False),
        ("在上海", True, "在上 上海", False),
        ("海", False, "海", True),
        ("海。", False, "海", True),
        ("see", True, "see", True),
        ("在上海see", True, "在上 上海 海 see", True),
        ("see 上", False, "see 上", True),
    ],
)
def test_what_a_term_asks_for(term: str, prefix: bool, words: str, beginning: bool) -> None:
    asked, last = unspaced.asked(term, prefix)
    assert (asked.split(), last) == (words.split(), beginning)


#: Texts in scripts without spaces, each with what finds it and what doesn't.
RUNS = [
    # Chinese: in the middle, at both ends, the whole, one character; not what is torn apart or the other way round.
    ("我家在上海东边。",
     ["上海", "我家", "东边", "我家在上海东边", "海", "我", "边", "在上海东", "上海*", '"上海"', "东边 我家"],
     ["海上", "我在", "家上", "东边我", "上海市", "京", "上海 北京"]),
    # What stands on both sides of a sign, a line's end or a word is no run.
    ("他说：上，海\n上\n海", ["上", "海", "他说"], ["上海", "说上"]),
    ("上hai海", ["上", "海", "hai", "上hai海", "ha*"], ["上海", "ai"]),
    # Japanese: kanji, kana, half-width and decomposed forms, iteration marks and the long vowel.
    ("東京タワーに登りました、佐々木さん", ["京タ", "タワー", "ﾀﾜｰ", "りました", "佐々木", "に登", "さん", "ー"],
     ["東タ", "タワに", "木佐"]),
    ("ﾃﾞｰﾀをか\u3099く", ["データ", "ﾃﾞｰﾀ", "がく", "か\u3099く", "ータを"], ["テータ", "かく"]),
    # Thai, Lao, Khmer, Burmese: vowels are marks, and are not passed over.
    ("ผมอยู่ที่กรุงเทพฯ", ["กรุงเทพ", "อยู่", "ที่", "เทพฯ", "ก"], ["กรงเทพ", "อยุ่", "ทีก"]),
    ("ຂ້ອຍຢູ່ວຽງຈັນ", ["ວຽງຈັນ", "ຢູ່"], ["ຈັນວຽງ"]),
    ("ខ្ញុំនៅ\u200bភ្នំពេញ។", ["ភ្នំពេញ", "ខ្ញុំ", "នៅភ្នំ", "នៅ\u200bភ្នំ"], ["ពេញភ្នំ"]),
    ("ကျွန်တော် ရန်ကုန်မှာနေတယ်", ["ရန်ကုန်", "နေတယ်", "ရန်ကုန်မှာ ကျွန်"], ["ကုန်ရန်"]),
    # Korean: a particle, a compound, a part of a name; typed as it is kept on other systems.
    ("서울에서 한국은행까지", ["서울", "은행", "한국", "에서", "\u1112\u1161\u11ab국", '"서울에서 한국"'],
     ["울한", "서울까지", '"서울 한국"']),
    # With words: both must occur; a word that touches a run is one; accents don't matter; phrases go across.
    ("用Python写Café, wrote it at 3点半",
     ["python", "Python 写", "pyth*", "用Python写", "cafe", "cafe\u0301", "wrote 点",
      "3", "3点", '"it at 3点"', '"写cafe wrote"', '"at 3"*', "写café*"],
     ["pytho", "python 读", "wrote 点半半", '"it 3点"', '"写 wrote"', "ython", "点3"]),
    ("𠮷野家と葛\U000e0100城", ["𠮷野", "野家", "葛城", "葛\U000e0100城", "𠮷"], ["吉野"]),
    ("上海 北京", ["上海 北京", "北京 上海", '"上海 北京"', "上海*", '"海 北"'],
     ['"上 北京"', '"北京 上海"', "海北", "上海北京"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "finds", "misses"), RUNS, ids=[ascii(text[:3]) for text, _, _ in RUNS])
def test_scripts_without_spaces_are_found_within_a_run(
    shelf: Shelf, text: str, finds: list[str], misses: list[str]
) -> None:
    anna = shelf.story.meet("10.0.0.1", 5000)
    shelf.story.hear(anna, "something else", text, "別の話 อื่น 다른")
    shelf.index()
    assert {query: shelf.found(query) for query in finds} == {query: [text] for query in finds}
    assert {query: shelf.found(query) for query in misses} == {query: [] for query in misses}


def test_a_word_is_found_in_texts_of_either_kind_newest_first_and_page_by_page(shelf: Shelf) -> None:
    anna, bela = shelf.story.meet("10.0.0.1", 5000), shelf.story.meet("10.0.0.2", 5000)
    mine = []
    for number in range(6):
        mine += shelf.story.hear(anna, f"word {number}", f"有word的 {number}", f"word 有 {number}")
        shelf.story.hear(bela, f"word {number}", f"有word的 {number}")
    shelf.index()
    for query, wanted in (("word", mine), ("有 wo*", [one for at, one in enumerate(mine) if at % 3])):
        seen: list[int] = []
        more = True
        while more:
            before = seen[-1] if seen else None
            page = shelf.reader.search(rq.SearchArgs(query=query, room=anna.peer.room, before=before, limit=4))
            seen += [hit.id for hit in page.hits]
            more = page.more
        assert seen == wanted[::-1]
    assert len(shelf.found("word", limit=100)) == 30


CHARACTERS = st.sampled_from([*"ab 上海京がカ한ที่ี。\n"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.text(CHARACTERS, min_size=1, max_size=12), min_size=1, max_size=6),
    query=st.text(CHARACTERS, min_size=1, max_size=4),
)
def test_what_finds_a_text_is_what_stands_in_one_of_its_runs(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], query: str
) -> None:
    query = "".join(re.findall(f"[{unspaced.CHARACTERS}]", query)) or "上"
    shelf = Shelf(tmp_path_factory.mktemp("shelf"))
    shelf.story.hear(shelf.story.meet("10.0.0.1", 5000), *texts)
    shelf.index()
    assert shelf.found(query) == [text for text in reversed(texts) if query in text]
    shelf.close()


def test_each_character_of_these_scripts_is_part_of_a_word_for_the_second_index(tmp_path: pathlib.Path) -> None:
    ranges = re.findall(r"(.)-(.)", unspaced.CHARACTERS)
    every = {chr(code) for first, last in ranges for code in range(ord(first), ord(last) + 1)}
    every |= set(re.sub(r".-.", "", unspaced.CHARACTERS))
    assert all(set(unicodedata.normalize("NFKC", one)) <= every for one in every)
    with sqlite3.connect(":memory:") as db:
        made = (sql for _, _, script in database.migrations() for sql in database.statements(script))
        db.execute(next(sql[sql.index("CREATE") :] for sql in made if "TABLE unspaced" in sql))
        # The planes of rare Han characters are uniform.
        rows = [(ord(one), f"x{unicodedata.normalize('NFKC', one)}y") for one in every if ord(one) < 0x20200]
        db.executemany("INSERT INTO unspaced (rowid, text) VALUES (?, ?)", rows)
        assert db.execute("SELECT rowid FROM unspaced WHERE unspaced MATCH 'x OR y'").fetchall() == []
