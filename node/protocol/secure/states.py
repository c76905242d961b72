"""The state machine of an encrypted link: states, inputs, transitions. Pure data; drawn in PROTOCOL.md."""

from __future__ import annotations

import enum


class State(enum.Enum):
    """The states of an encrypted link."""

    SHAKING = "the TLS handshake is under way"
    GREETING = "TLS is up and HELLO said, waiting for that of the other side"
    OPEN = "frames go both ways"
    CLOSED = "over"


class Input(enum.Enum):
    """What makes an encrypted link change its state."""

    SHAKEN = "TLS is up, and the key is one that may be talked to"
    DIFFERED = "TLS is up, and the key is another than the one expected"
    GREETED = "the HELLO of the other side, with a version that both speak"
    NO_VERSION = "the HELLO of the other side, without a version that both speak"
    PARTED = "BYE from the other side"
    BROKEN = "the other side broke TLS or the protocol"
    OVERDUE = "the other side took too long, or doesn't read"
    LEAVE = "we want to leave"
    LOST = "the connection ended"


TRANSITIONS: dict[tuple[State, Input], State] = {
    (State.SHAKING, Input.SHAKEN): State.GREETING,
    (State.SHAKING, Input.DIFFERED): State.CLOSED,
    (State.SHAKING, Input.BROKEN): State.CLOSED,
    (State.SHAKING, Input.OVERDUE): State.CLOSED,
    (State.SHAKING, Input.LEAVE): State.CLOSED,
    (State.SHAKING, Input.LOST): State.CLOSED,
    (State.GREETING, Input.GREETED): State.OPEN,
    (State.GREETING, Input.NO_VERSION): State.CLOSED,
    (State.GREETING, Input.PARTED): State.CLOSED,
    (State.GREETING, Input.BROKEN): State.CLOSED,
    (State.GREETING, Input.OVERDUE): State.CLOSED,
    (State.GREETING, Input.LEAVE): State.CLOSED,
    (State.GREETING, Input.LOST): State.CLOSED,
    (State.OPEN, Input.PARTED): State.CLOSED,
    (State.OPEN, Input.BROKEN): State.CLOSED,
    (State.OPEN, Input.OVERDUE): State.CLOSED,
    (State.OPEN, Input.LEAVE): State.CLOSED,
    (State.OPEN, Input.LOST): State.CLOSED,
}
