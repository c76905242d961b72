from __future__ import annotations

from dashboard.sessions import MAX_SESSIONS, Sessions

HOST = "snicher-x.localhost:8501"


def header(cookie: str) -> list[bytes]:
    return [f"snicher={cookie}".encode()]


def test_a_session_is_found_by_its_cookie_at_its_host() -> None:
    sessions = Sessions("snicher")
    cookie, word = sessions.begin(HOST)
    assert cookie != word
    assert sessions.find(HOST, header(cookie)) is sessions.find(HOST, [b"a=b", b"c=d; " + header(cookie)[0]])
    assert sessions.find(HOST, header(cookie)) is not None
    assert sessions.find("127.0.0.1:8501", header(cookie)) is None
    for wrong in ([], header(word), header(""), [b"snicher"], [b"snicher=\xff"], [b"other=" + cookie.encode()]):
        assert sessions.find(HOST, wrong) is None


def test_a_cookie_that_somebody_put_beside_ours_does_no_harm() -> None:
    sessions = Sessions("snicher")
    cookie, _ = sessions.begin(HOST)
    assert sessions.find(HOST, [f"snicher=planted; snicher={cookie}".encode()]) is not None


def test_the_pass_is_another_secret_than_the_cookie() -> None:
    sessions = Sessions("snicher")
    cookie, word = sessions.begin(HOST)
    assert sessions.passes(word, HOST)
    assert not sessions.passes(cookie, HOST) and not sessions.passes("", HOST)
    assert not sessions.passes(word, "127.0.0.1:8501")


def test_the_others_are_shut_out_with_their_streams() -> None:
    sessions = Sessions("snicher")
    closed: list[str] = []
    found = {}
    for name, browser in (("mine", "b1"), ("my other tab", "b1"), ("other", "b2"), ("keyless", None)):
        cookie, _ = sessions.begin(HOST, browser)
        found[name] = sessions.find(HOST, header(cookie))
        found[name].add(lambda name=name: closed.append(name))  # type: ignore[union-attr, misc]
    sessions.end_others(found["mine"])
    assert closed == ["other", "keyless"] and len(sessions) == 2
    sessions.end_others(None)
    assert closed == ["other", "keyless", "mine", "my other tab"] and len(sessions) == 0
    assert all(session is not None and session.ended for session in found.values())


def test_a_stream_that_went_by_itself_is_not_closed_again() -> None:
    sessions = Sessions("snicher")
    closed: list[str] = []
    session = sessions.find(HOST, header(sessions.begin(HOST)[0]))
    assert session is not None

    def close() -> None:
        closed.append("closed")

    session.add(close)
    session.discard(close)
    sessions.end_others(None)
    assert closed == []


def test_the_session_that_was_used_least_recently_makes_room() -> None:
    sessions = Sessions("snicher")
    cookies = [sessions.begin(HOST)[0] for _ in range(MAX_SESSIONS)]
    assert sessions.find(HOST, header(cookies[0]))
    sessions.begin(HOST)
    assert len(sessions) == MAX_SESSIONS
    assert sessions.find(HOST, header(cookies[0])) and not sessions.find(HOST, header(cookies[1]))
