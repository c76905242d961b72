"""`python -m dashboard.app --link`: ask the dashboards of a home that are running for another link.

The dashboard authenticates first, with the key in the home, so another program on its port learns nothing. Then this
program proves that it can read that key. Nothing is written to disk.
"""

from __future__ import annotations

import http.client
import pathlib
import secrets
from typing import TypeVar

import msgspec

from dashboard import challenges
from dashboard.hosts import DEFAULT_ADDRESS, Hosts, is_wildcard
from dashboard.links import PARAMETER
from dashboard.place import Place, places
from node.errors import NodeAway

#: Timeout of a request, in seconds; a server on this machine answers at once.
TIMEOUT_S = 5.0
#: Most bytes read of an answer.
MAX_ANSWER_BYTES = 4096

_T = TypeVar("_T")


class _Challenge(msgspec.Struct):
    challenge: str
    signature: str


class _Code(msgspec.Struct):
    code: str


def links(home: pathlib.Path, port: int | None = None) -> list[str]:
    """A new link for each running dashboard of the home; `port`: only for the one on it. Raises NodeAway."""
    found = [place for place in places(home) if port in (None, place.port)]
    made = [link for link in map(_ask, found) if link is not None]
    if not made:
        where = f"on port {port} for {home}" if port else f"for {home}"
        raise NodeAway(f"No dashboard is running {where}. Start one; it prints a link: python -m dashboard.app")
    return made


def _ask(place: Place) -> str | None:
    """A link from the dashboard at this place; None when it isn't running, or somebody else answers there."""
    host = Hosts(place.address, place.port, place.name).home
    dialled = DEFAULT_ADDRESS if is_wildcard(place.address) else place.address
    question = challenges.encode(secrets.token_bytes(24))
    try:
        told = _post(dialled, place.port, host, "challenge", {"question": question}, _Challenge)
        proven = challenges.statement(challenges.SERVER, host, question, told.challenge)
        if not challenges.verifies(place.key.public_key(), told.signature, proven):
            return None
        ours = challenges.statement(challenges.OWNER, host, question, told.challenge)
        answer = {"question": question, "challenge": told.challenge, "signature": challenges.sign(place.key, ours)}
        code = _post(dialled, place.port, host, "link", answer, _Code).code
    # Another program may answer there, with anything.
    except (OSError, http.client.HTTPException, msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return f"http://{host}/?{PARAMETER}={code}"


def _post(address: str, port: int, host: str, path: str, body: dict[str, str], kind: type[_T]) -> _T:
    connection = http.client.HTTPConnection(address, port, timeout=TIMEOUT_S)
    try:
        headers = {"Host": host, "Content-Type": "application/json", "Connection": "close"}
        connection.request("POST", f"/door/{path}", msgspec.json.encode(body), headers)
        return msgspec.json.decode(connection.getresponse().read(MAX_ANSWER_BYTES), type=kind)
    finally:
        connection.close()
