"""The state machine of a link: states, inputs, transitions. Pure data; PROTOCOL.md's diagram is generated from it."""

from __future__ import annotations

import enum


class State(enum.Enum):
    """The states of a link."""

    AWAITING = "accepted, nothing recognised yet"
    COLLECTING = "reading one message of a one-shot dialect"
    ANNOUNCING = "dialled, our port is being said"
    OFFERING = "dialled, the offer is made and nothing else is said in clear"
    PROBING = "the offer is made, waiting for what comes back"
    ASKING = "exit is said, waiting for who obeys it"
    OPEN = "a persistent conversation"
    DELIVERING = "our one message is written, waiting for the far end to close"
    LEAVING = "a good-bye is being said"
    UPGRADED = "the offer is answered, and TLS has the connection"
    CLOSED = "over"


class Input(enum.Enum):
    """What makes a link change its state."""

    ONE_SHOT_SEEN = "first bytes of a one-shot dialect"
    PERSISTENT_SEEN = "first bytes of a persistent dialect"
    OFFERED = "first bytes that are an offer to encrypt"
    ANSWERED = "the answer to our offer"
    ANSWERED_LATE = "the answer to our offer, after we went on in clear"
    ANNOUNCED = "the port is said and had its pause"
    UNSURE = "the peer's dialect isn't known yet"
    STAYED = "the peer stayed, and spoke as the ancestor does"
    SILENT = "the peer stayed, and said nothing"
    OBEYED = "the peer left when it was told exit, as the ancestor does"
    TURNED_AWAY = "the peer closed, or answered otherwise: a one-shot client"
    COMPLETE = "the message is complete"
    LEAVE = "we want to leave"
    DONE = "nothing is left to do or wait for"
    LOST = "the connection ended"


TRANSITIONS: dict[tuple[State, Input], State] = {
    (State.AWAITING, Input.ONE_SHOT_SEEN): State.COLLECTING,
    (State.AWAITING, Input.PERSISTENT_SEEN): State.OPEN,
    (State.AWAITING, Input.OFFERED): State.UPGRADED,
    (State.AWAITING, Input.DONE): State.CLOSED,
    (State.AWAITING, Input.LOST): State.CLOSED,
    (State.AWAITING, Input.LEAVE): State.CLOSED,
    (State.COLLECTING, Input.COMPLETE): State.CLOSED,
    (State.COLLECTING, Input.LOST): State.CLOSED,
    (State.COLLECTING, Input.LEAVE): State.CLOSED,
    (State.ANNOUNCING, Input.UNSURE): State.PROBING,
    (State.ANNOUNCING, Input.ANNOUNCED): State.OPEN,
    (State.ANNOUNCING, Input.ANSWERED): State.UPGRADED,
    (State.ANNOUNCING, Input.TURNED_AWAY): State.CLOSED,
    (State.ANNOUNCING, Input.LOST): State.CLOSED,
    (State.ANNOUNCING, Input.LEAVE): State.CLOSED,
    (State.OFFERING, Input.ANSWERED): State.UPGRADED,
    (State.OFFERING, Input.TURNED_AWAY): State.CLOSED,
    (State.OFFERING, Input.LOST): State.CLOSED,
    (State.OFFERING, Input.LEAVE): State.CLOSED,
    (State.PROBING, Input.ANSWERED): State.UPGRADED,
    (State.PROBING, Input.STAYED): State.OPEN,
    (State.PROBING, Input.SILENT): State.ASKING,
    (State.PROBING, Input.TURNED_AWAY): State.CLOSED,
    (State.PROBING, Input.LEAVE): State.CLOSED,
    (State.ASKING, Input.OBEYED): State.CLOSED,
    (State.ASKING, Input.TURNED_AWAY): State.CLOSED,
    (State.ASKING, Input.ANSWERED_LATE): State.CLOSED,
    (State.ASKING, Input.LEAVE): State.CLOSED,
    (State.OPEN, Input.ANSWERED): State.UPGRADED,
    (State.OPEN, Input.ANSWERED_LATE): State.CLOSED,
    (State.OPEN, Input.LEAVE): State.LEAVING,
    (State.OPEN, Input.DONE): State.CLOSED,
    (State.OPEN, Input.LOST): State.CLOSED,
    (State.DELIVERING, Input.DONE): State.CLOSED,
    (State.DELIVERING, Input.LOST): State.CLOSED,
    (State.DELIVERING, Input.LEAVE): State.CLOSED,
    (State.LEAVING, Input.ANSWERED_LATE): State.CLOSED,
    (State.LEAVING, Input.DONE): State.CLOSED,
    (State.LEAVING, Input.LOST): State.CLOSED,
}
