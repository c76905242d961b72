"""The bot of the README, which kills itself, as by `kill -9`, at the n-th time that it comes to a certain point.

    DIE_AT=left:send:2 python -m tests.support.dying_bot

The product has no hooks for this; here its socket is wrapped before the bot runs. The points, for each command:

    before     it was not sent
    asked      it was given to ZeroMQ, and maybe to the node
    left       it had a moment to leave: the node has done it, or does it now
    answered   its reply came
"""

from __future__ import annotations

import os
import pathlib
import re
import signal
import time

import msgspec

from node.bus import envelopes as en
from node.bus.sockets import CommandSocket

VARIABLE = "DIE_AT"
POINTS = ("before", "asked", "left", "answered")
#: What the bot asks of the node, in order.
COMMANDS = ("consumer_create", "consumer_next", "send", "consumer_acknowledge")
#: How long a command has to leave, in seconds.
MOMENT = 0.05

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"


def bot_of_the_readme() -> str:
    """Its code, as it stands there."""
    found = re.search(r"<!-- the bot -->\s*```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def arm(point: str, op: str, count: int) -> None:
    """Die at the n-th time at this point of this command."""
    send, receive = CommandSocket.send, CommandSocket.receive
    left = count
    asked = ""

    def at(here: str) -> None:
        nonlocal left
        if here == point and asked == op:
            left -= 1
            if left == 0:
                if here == "left":
                    time.sleep(MOMENT)
                # At once: no finally, no flush, no good-bye.
                os.kill(os.getpid(), signal.SIGKILL)

    def wrapped_send(self: CommandSocket, body: bytes) -> object:
        nonlocal asked
        asked = msgspec.json.decode(body, type=en.Command).op
        at("before")
        socket = send(self, body)
        at("asked")
        at("left")
        return socket

    def wrapped_receive(self: CommandSocket) -> en.Reply:
        reply = receive(self)
        at("answered")
        return reply

    CommandSocket.send = wrapped_send  # type: ignore[assignment,method-assign]
    CommandSocket.receive = wrapped_receive  # type: ignore[method-assign]


if __name__ == "__main__":
    if os.environ.get(VARIABLE):
        where, command, number = os.environ[VARIABLE].split(":")
        arm(where, command, int(number))
    exec(bot_of_the_readme())
